"""Processes that share a user's tokens: they refresh at once, and are killed at every step of a refresh."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import rblxcloud.sync
from rblxcloud import SignInRequiredError
from rblxcloud.emulator import Emulator
from rblxcloud.emulator.faults import Fault
from rblxcloud.emulator.server import serve
from tests.oauth2.shelves import Shelf
from tests.oauth2.stages import CLIENT_ID, KEY, REDIRECT, SCOPES, SECRET, UNIVERSE, USER
from tests.oauth2.worker import STEPS, act_in_a_fork, main
from tests.support.programs import Program

EACH = 100
"""Refreshes by each of two processes."""


@pytest.fixture
def base_url(emulator: Emulator) -> Iterator[str]:
    with serve(emulator) as base_url:
        yield base_url


@pytest.fixture
def app(base_url: str) -> Iterator[rblxcloud.sync.OAuth2App]:
    with rblxcloud.sync.OAuth2App(CLIENT_ID, SECRET, REDIRECT, base_url=base_url) as app:
        yield app


@pytest.fixture
def client(app: rblxcloud.sync.OAuth2App, emulator: Emulator, shelf: Shelf) -> rblxcloud.sync.UserClient:
    """A user who has signed in, with tokens in a store that other processes can open."""
    request = app.authorize(SCOPES)
    token = app.finish(request, emulator.oauth.approve(request.uri, user=USER))
    return app.sign_in(token, store=shelf.store)


def worker(base_url: str, shelf: Shelf, *, count: int = 1, step: str = "never") -> Program:
    return Program(main, base_url, shelf.kind, shelf.address, shelf.name, count, step)


def outcome(program: Program) -> tuple[int | None, list[str]]:
    with program:
        lines = list(program.lines())
        return program.ended(), lines


def refreshes(emulator: Emulator) -> list[int | None]:
    """The statuses with which Roblox has answered refreshes, since the sign-in."""
    return [request.status for request in emulator.requests(endpoint="oauth.token")][1:]


def expired(emulator: Emulator) -> None:
    """Let the access tokens expire by Roblox's clock, so that each call leads to a refresh."""
    emulator.clock.advance(1000)


def test_two_processes_refresh_a_user_a_hundred_times_and_never_lose_them(
    emulator: Emulator, base_url: str, shelf: Shelf, client: Any
) -> None:
    first = shelf.store.load(KEY)
    assert first is not None
    programs = [worker(base_url, shelf, count=EACH) for _ in range(2)]
    assert [outcome(program) for program in programs] == [(0, ["done"])] * 2
    answers = refreshes(emulator)
    last = shelf.store.load(KEY)
    assert last is not None
    # Each pair that Roblox gave was stored, each once, and no token was sent that was dead.
    assert set(answers) == {200}
    assert last.generation - first.generation == len(answers)
    assert EACH <= len(answers) <= 2 * EACH
    assert (last.attempts, last.leased, last.ended) == (0, False, False)
    client.experience(UNIVERSE).publish_message("topic", "still signed in")
    assert [message.message for message in emulator.messages()] == ["still signed in"]


SIGNED_IN = {
    "before_lease": True,
    "after_lease": True,
    "after_answer": False,
    "before_replace": False,
    "after_replace": True,
}
"""By the step at which a process is killed, whether the user is still signed in."""


@pytest.mark.parametrize("step", STEPS)
def test_a_killed_process_leaves_the_user_signed_in_or_told_to_sign_in(
    emulator: Emulator, base_url: str, shelf: Shelf, client: Any, app: Any, step: str
) -> None:
    assert outcome(worker(base_url, shelf, step=step)) == (-9, [])
    row = shelf.store.load(KEY)
    assert row is not None
    begun = step in ("after_lease", "after_answer", "before_replace")
    assert (row.attempts, row.leased, row.ended) == (int(begun), begun, False)
    shelf.expire_lease(KEY)
    expired(emulator)
    before = len(refreshes(emulator))
    client = app.client(USER, store=shelf.store)
    if SIGNED_IN[step]:
        client.experience(UNIVERSE).publish_message("topic", "message")
        assert set(refreshes(emulator)) == {200}
    else:
        for _ in range(2):
            with pytest.raises(SignInRequiredError):
                client.experience(UNIVERSE).publish_message("topic", "message")
        # The dead token was tried once, and not believed good again.
        assert refreshes(emulator)[before:] == [400]
    assert len(emulator.messages()) == int(SIGNED_IN[step])


def test_a_process_killed_while_it_waits_for_the_answer(
    emulator: Emulator, base_url: str, shelf: Shelf, client: Any
) -> None:
    emulator.faults.add(Fault(kind="delay", delay=60, endpoint="oauth.token"))
    program = worker(base_url, shelf)
    while not refreshes(emulator):
        assert program.ended(0.02) is None
    program.kill()
    assert outcome(program) == (-9, [])
    shelf.expire_lease(KEY)
    expired(emulator)
    with pytest.raises(SignInRequiredError, match="broken off"):
        client.experience(UNIVERSE).publish_message("topic", "message")
    assert refreshes(emulator) == [200, 400]


def test_until_a_killed_process_s_lease_runs_out_good_tokens_are_used(
    emulator: Emulator, base_url: str, shelf: Shelf, client: Any
) -> None:
    assert outcome(worker(base_url, shelf, step="after_lease"))[0] == -9
    client.experience(UNIVERSE).publish_message("topic", "message")
    assert refreshes(emulator) == []


@pytest.mark.parametrize("step", ["after_answer", "before_replace"])
def test_signing_in_again_heals_what_a_killed_process_has_lost(
    emulator: Emulator, base_url: str, shelf: Shelf, client: Any, app: Any, step: str
) -> None:
    assert outcome(worker(base_url, shelf, step=step))[0] == -9
    request = app.authorize(SCOPES)
    again = app.sign_in(app.finish(request, emulator.oauth.approve(request.uri, user=USER)), store=shelf.store)
    expired(emulator)
    again.experience(UNIVERSE).publish_message("topic", "message")
    assert len(emulator.messages()) == 1


def test_a_forked_child_goes_on_in_the_name_of_the_user(
    emulator: Emulator, base_url: str, shelf: Shelf, client: Any
) -> None:
    assert outcome(Program(act_in_a_fork, base_url, shelf.kind, shelf.address, shelf.name)) == (0, ["acted"])
    assert [message.message for message in emulator.messages()] == ["parent", "child", "parent again"]
