"""What is secret is in no variable of the library's when something fails: some tools print these with a traceback."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import rblxcloud.sync
from rblxcloud import APIConnectionError, InvalidGrantError, RblxCloudError, SignInRequiredError
from rblxcloud.emulator import Emulator
from rblxcloud.emulator.faults import Fault
from rblxcloud.emulator.server import serve
from tests.oauth2.stages import CLIENT_ID, REDIRECT, SCOPES, SECRET, UNIVERSE, USER

PACKAGE = str(Path(rblxcloud.__file__).parent)


@pytest.fixture
def app(emulator: Emulator) -> Iterator[rblxcloud.sync.OAuth2App]:
    with (
        serve(emulator) as base_url,
        rblxcloud.sync.OAuth2App(CLIENT_ID, SECRET, REDIRECT, base_url=base_url, retries=0) as app,
    ):
        yield app


@pytest.fixture
def token(app: rblxcloud.sync.OAuth2App, emulator: Emulator) -> rblxcloud.sync.AccessToken:
    request = app.authorize(SCOPES)
    return app.finish(request, emulator.oauth.approve(request.uri, user=USER))


def frames_with(error: BaseException, *secrets: str) -> list[str]:
    """The library's frames that have a secret in a variable, in an error and in those that led to it."""
    found: list[str] = []
    chain: BaseException | None = error
    while chain is not None:
        for frame in traceback.TracebackException.from_exception(chain, capture_locals=True).stack:
            shown = str(frame.locals)
            if frame.filename.startswith(PACKAGE) and any(secret in shown for secret in secrets):
                found.append(f"{frame.filename}:{frame.lineno}")
        chain = chain.__cause__ or chain.__context__
    return found


def test_a_refused_code_shows_no_secret(app: rblxcloud.sync.OAuth2App) -> None:
    with pytest.raises(InvalidGrantError) as caught:
        app.exchange_code("wrong")
    assert frames_with(caught.value, SECRET) == []


@pytest.mark.parametrize("fault", [Fault(kind="drop"), Fault(kind="answer", status=503)], ids=["drop", "503"])
def test_a_question_about_a_token_that_fails_shows_no_secret(emulator: Emulator, token: Any, fault: Fault) -> None:
    emulator.faults.add(fault)
    with pytest.raises(RblxCloudError) as caught:
        token.fetch_token_info()
    assert frames_with(caught.value, SECRET, token.token, token.refresh_token) == []


@pytest.mark.parametrize("name", ["refresh_token", "revoke_token"])
def test_a_token_that_was_passed_is_not_shown(emulator: Emulator, app: Any, token: Any, name: str) -> None:
    emulator.faults.add(Fault(kind="drop"))
    with pytest.raises(RblxCloudError) as caught:
        getattr(app._impl, name)(token.refresh_token).send(None)
    assert frames_with(caught.value, SECRET, token.refresh_token) == []


def test_the_end_of_a_sign_in_shows_no_secret(app: Any, emulator: Emulator, token: Any) -> None:
    client = app.sign_in(token)
    emulator.oauth.revoke(user=USER)
    with pytest.raises(SignInRequiredError) as caught:
        client.experience(UNIVERSE).publish_message("topic", "message")
    assert frames_with(caught.value, SECRET, token.token, token.refresh_token) == []


def test_a_refresh_that_fails_shows_no_secret(app: Any, emulator: Emulator, token: Any) -> None:
    client = app.sign_in(token)
    emulator.clock.advance(1000)
    emulator.faults.add(Fault(kind="drop", endpoint="oauth.token"))
    with pytest.raises(APIConnectionError) as caught:
        client.experience(UNIVERSE).publish_message("topic", "message")
    assert frames_with(caught.value, SECRET, token.token, token.refresh_token) == []
