"""One application for the whole program: any number of loops and threads, and nothing to close."""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import anyio
import anyio.to_thread
import pytest

import rblxcloud
import rblxcloud.sync
from rblxcloud import ConfigurationError
from rblxcloud.emulator import Emulator
from rblxcloud.emulator.server import serve
from rblxcloud.http import binding
from rblxcloud.oauth2.stores import MemoryTokenStore
from tests.oauth2.stages import CLIENT_ID, REDIRECT, SCOPES, SECRET, UNIVERSE, USER


@pytest.fixture
def base_url(emulator: Emulator) -> Iterator[str]:
    with serve(emulator) as base_url:
        yield base_url
    gc.collect()  # a connection that was left open would warn here


def sign_in(emulator: Emulator, app: rblxcloud.sync.OAuth2App) -> rblxcloud.sync.AccessToken:
    request = app.authorize(SCOPES)
    return app.finish(request, emulator.oauth.approve(request.uri, user=USER))


def test_one_application_serves_loops_one_after_the_other(emulator: Emulator, base_url: str) -> None:
    app = rblxcloud.OAuth2App(CLIENT_ID, SECRET, REDIRECT, base_url=base_url)

    async def first() -> None:
        request = app.authorize(SCOPES)
        await app.sign_in(await app.finish(request, emulator.oauth.approve(request.uri, user=USER)))

    async def later() -> None:
        await app.client(USER).experience(UNIVERSE).publish_message("topic", "message")

    anyio.run(first)
    for backend in ("asyncio", "trio", "asyncio"):
        anyio.run(later, backend=backend)
    assert len(emulator.messages()) == 3


def test_loops_that_take_turns_in_a_thread_keep_their_clients(emulator: Emulator, base_url: str) -> None:
    app, store = rblxcloud.OAuth2App(CLIENT_ID, SECRET, REDIRECT, base_url=base_url), MemoryTokenStore()
    with rblxcloud.sync.OAuth2App(CLIENT_ID, SECRET, REDIRECT, base_url=base_url) as blocking:
        blocking.sign_in(sign_in(emulator, blocking), store=store)

    async def experience() -> rblxcloud.Experience:
        return app.client(USER, store=store).experience(UNIVERSE)

    async def act(experience: rblxcloud.Experience) -> None:
        await experience.publish_message("topic", "message")

    with asyncio.Runner() as first, asyncio.Runner() as second:
        turns = [(runner, runner.run(experience())) for runner in (first, second)]
        for runner, in_its_loop in turns * 2:
            runner.run(act(in_its_loop))
        first.run(app.aclose())
    assert len(emulator.messages()) == 4


def test_loops_in_several_threads_refresh_a_user_once(emulator: Emulator, base_url: str) -> None:
    app, store = rblxcloud.OAuth2App(CLIENT_ID, SECRET, REDIRECT, base_url=base_url), MemoryTokenStore()
    backends = ("asyncio", "trio", "asyncio", "trio")
    all_signed_in = threading.Barrier(len(backends), action=lambda: emulator.clock.advance(1000), timeout=60)

    async def first() -> None:
        request = app.authorize(SCOPES)
        await app.sign_in(await app.finish(request, emulator.oauth.approve(request.uri, user=USER)), store=store)

    async def later() -> None:
        client = app.client(USER, store=store)
        await client.fetch_userinfo()
        await anyio.to_thread.run_sync(all_signed_in.wait)
        await client.experience(UNIVERSE).publish_message("topic", "message")

    anyio.run(first)
    with ThreadPoolExecutor() as pool:
        for acting in [pool.submit(anyio.run, later, backend=backend) for backend in backends]:
            acting.result()
    assert len(emulator.messages()) == len(backends)
    assert [request.status for request in emulator.requests(endpoint="oauth.token")] == [200, 200]


def test_the_connections_of_threads_that_have_ended_are_let_go(emulator: Emulator, base_url: str) -> None:
    app = rblxcloud.OAuth2App(CLIENT_ID, SECRET, REDIRECT, base_url=base_url)

    async def act() -> None:
        assert not (await app.from_access_token_string("nonsense").fetch_token_info()).active

    for _ in range(3):
        thread = threading.Thread(target=anyio.run, args=(act,))
        thread.start()
        thread.join()
    anyio.run(act)
    assert len([key for key in binding._sessions if base_url in key]) == 1
    assert len(emulator.requests(endpoint="oauth.introspect_token")) == 4


def test_outside_a_loop_the_remedy_is_named(base_url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"rblxcloud\.sync"):
        rblxcloud.OAuth2App(CLIENT_ID, SECRET, base_url=base_url).client(USER)


def test_objects_outlive_the_application_that_they_came_from(emulator: Emulator, base_url: str) -> None:
    def objects() -> list[Any]:
        app = rblxcloud.sync.OAuth2App(CLIENT_ID, SECRET, REDIRECT, base_url=base_url)
        token = sign_in(emulator, app)
        return [app.sign_in(token).experience(UNIVERSE), token.fetch_resources().experiences[0]]

    kept = objects()
    gc.collect()
    emulator.clock.advance(100)
    for experience in kept:
        experience.publish_message("topic", "message")
    assert len(emulator.messages()) == 2


def test_closing_a_users_client_closes_nothing(emulator: Emulator, base_url: str) -> None:
    app = rblxcloud.sync.OAuth2App(CLIENT_ID, SECRET, REDIRECT, base_url=base_url)
    with app.sign_in(sign_in(emulator, app)) as client:
        client.experience(UNIVERSE).publish_message("topic", "message")
    app.client(USER).experience(UNIVERSE).publish_message("topic", "message")
    assert len(emulator.messages()) == 2


def test_a_closed_application_says_so(base_url: str) -> None:
    with rblxcloud.sync.OAuth2App(CLIENT_ID, SECRET, REDIRECT, base_url=base_url) as app:
        pass
    with pytest.raises(ConfigurationError, match="closed"):
        app.refresh_token("any")


def test_a_users_client_is_not_made_by_hand() -> None:
    with pytest.raises(TypeError):
        rblxcloud.sync.UserClient("key")  # type: ignore[call-arg]


def test_threads_that_begin_at_once_share_a_session_that_is_closed(
    base_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = rblxcloud.sync.OAuth2App(CLIENT_ID, SECRET, REDIRECT, base_url=base_url)
    binding_of_app: Any = app._impl._binding
    key_of, all_begun = binding_of_app._key, threading.Barrier(8)

    def key(loop: object) -> object:
        all_begun.wait(60)
        return key_of(loop)

    monkeypatch.setattr(binding_of_app, "_key", key)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as pool:
            sessions = {acting.result() for acting in [pool.submit(binding_of_app.get) for _ in range(8)]}
    finally:
        sys.setswitchinterval(interval)
    assert len(sessions) == 1
    assert [held.users for key, held in binding._sessions.items() if base_url in key] == [1]
    app.close()
    assert [key for key in binding._sessions if base_url in key] == []


def test_loops_that_were_left_open_are_let_go_but_for_a_few(base_url: str) -> None:
    app = rblxcloud.OAuth2App(CLIENT_ID, SECRET, REDIRECT, base_url=base_url)
    loops = [asyncio.new_event_loop() for _ in range(10)]

    async def hold() -> None:
        app._binding.get()

    try:
        for loop in loops:
            loop.run_until_complete(hold())
        assert len([key for key in binding._sessions if base_url in key]) == 4
    finally:
        for loop in loops:
            loop.close()
