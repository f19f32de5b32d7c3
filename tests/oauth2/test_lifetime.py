"""One application for the whole program: any number of loops and threads, and nothing to close."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from typing import Any

import anyio
import pytest

import rblxcloud
import rblxcloud.sync
from rblxcloud import ConfigurationError
from rblxcloud.emulator import Emulator
from rblxcloud.emulator.server import serve
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
