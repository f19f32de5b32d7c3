"""`rblxcloud logout`: the tokens of `rblxcloud login` are revoked, and their file is gone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rblxcloud.cli.__main__ import main
from rblxcloud.cli.token_file import KeptToken
from rblxcloud.emulator import Emulator, OAuthApp
from rblxcloud.emulator.faults import Fault
from rblxcloud.runtime.clock import SystemClock
from rblxcloud.sync import OAuth2App

CONFIDENTIAL, SECRET = "1234567890", "emulator-secret"
PUBLIC = "77"


@pytest.fixture
def emulator(rblxcloud_emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> Emulator:
    rblxcloud_emulator.oauth.add_app(OAuthApp(id=PUBLIC, public=True))
    monkeypatch.delenv("RBLXCLOUD_CLIENT_SECRET", raising=False)
    return rblxcloud_emulator


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "token.json"


def sign_in(emulator: Emulator, file: Path, client_id: str = PUBLIC, secret: str | None = None) -> None:
    """Leave the file that `rblxcloud login` leaves."""
    with OAuth2App(client_id, secret, "http://localhost:8361/callback") as app:
        request = app.authorize("openid")
        token = app.finish(request, emulator.oauth.approve(request.uri))
    expires_at = token.expires_at.isoformat()
    KeptToken(client_id, 1, token.token, token.refresh_token, token.scope, expires_at).write(file)


def is_revoked(emulator: Emulator) -> bool:
    (authorization,) = emulator.oauth.authorizations()
    return authorization.ended_at is not None


@pytest.mark.parametrize(("client_id", "secret"), [(PUBLIC, None), (CONFIDENTIAL, SECRET)])
def test_the_tokens_are_revoked_and_the_file_is_removed(
    client_id: str, secret: str | None, emulator: Emulator, file: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    sign_in(emulator, file, client_id, secret)
    if secret is not None:
        monkeypatch.setenv("RBLXCLOUD_CLIENT_SECRET", secret)
    assert main(["logout", "--file", str(file)]) == 0
    assert is_revoked(emulator)
    assert not file.exists()
    assert capsys.readouterr() == (f"Signed out. {file} is removed\n", "")


@pytest.mark.parametrize("kind", ["answer", "drop"])
def test_when_roblox_does_not_revoke_them_the_file_stays(
    kind: Any, emulator: Emulator, file: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SystemClock, "skip", lambda clock, seconds: True)
    sign_in(emulator, file)
    emulator.faults.add(Fault(kind=kind, status=400, endpoint="oauth.revoke_token", times=None))
    assert main(["logout", "--file", str(file)]) == 1
    assert capsys.readouterr().err.startswith("rblxcloud logout: ")
    assert file.exists()
    emulator.faults.clear()
    assert main(["logout", "--file", str(file)]) == 0
    assert is_revoked(emulator)


def test_a_wrong_secret_is_told_and_the_file_stays(emulator: Emulator, file: Path, capsys: Any) -> None:
    sign_in(emulator, file, CONFIDENTIAL, SECRET)
    assert main(["logout", "--file", str(file)]) == 1
    assert "invalid_client" in capsys.readouterr().err
    assert file.exists()


def test_the_file_can_be_removed_without_asking_roblox(emulator: Emulator, file: Path) -> None:
    sign_in(emulator, file)
    emulator.clear_requests()
    assert main(["logout", "--file", str(file), "--local"]) == 0
    assert not file.exists()
    assert emulator.requests() == []


@pytest.mark.parametrize("more", [(), ("--local",)])
def test_nobody_is_signed_in(more: tuple[str, ...], emulator: Emulator, file: Path, capsys: Any) -> None:
    assert main(["logout", "--file", str(file), *more]) == 1
    assert capsys.readouterr().err == f"rblxcloud logout: nobody is signed in: there is no {file}\n"


@pytest.mark.parametrize(
    "text", ["", "no JSON", "[]", "{}", '{"client_id": 5}', '{"refresh_token": "SECRET", "other": 1}', "\x00"]
)
def test_a_file_of_something_else_is_left_alone(text: str, emulator: Emulator, file: Path, capsys: Any) -> None:
    file.write_text(text)
    assert main(["logout", "--file", str(file)]) == 2
    shown = capsys.readouterr().err
    assert shown == f"rblxcloud logout: {file} is no file of `rblxcloud login`\n"
    assert file.read_text() == text


def test_a_file_that_cannot_be_read_is_told(emulator: Emulator, tmp_path: Path, capsys: Any) -> None:
    assert main(["logout", "--file", str(tmp_path)]) == 2
    assert capsys.readouterr().err.startswith(f"rblxcloud logout: cannot read or remove {tmp_path}: ")
