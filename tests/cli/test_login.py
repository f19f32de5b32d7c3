"""`rblxcloud login`: the test is the browser."""

from __future__ import annotations

import json
import os
import socket
import stat
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from rblxcloud.cli import login
from rblxcloud.cli.token_file import KeptToken
from rblxcloud.emulator import Emulator, OAuthApp
from rblxcloud.sync import OAuth2App

CONFIDENTIAL, SECRET = "1234567890", "emulator-secret"
PUBLIC = "77"


@pytest.fixture
def emulator(rblxcloud_emulator: Emulator) -> Emulator:
    rblxcloud_emulator.oauth.add_app(OAuthApp(id=PUBLIC, public=True))
    return rblxcloud_emulator


@contextmanager
def signing_in(file: Path, *more: str, client_id: str = PUBLIC, **environment: str) -> Iterator[tuple[Login, str]]:
    """Begin to sign in with the command; yield it and the address that it shows."""
    arguments = ["--client-id", client_id, "--port", "0", "--no-browser", "--file", str(file), *more]
    with subprocess.Popen(
        [sys.executable, "-m", "rblxcloud.cli", "login", *arguments],
        env=os.environ | environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "Sign in with Roblox at:\n"
            yield process, process.stdout.readline().strip()
        finally:
            process.kill()


Login = subprocess.Popen[str]


def ended(process: Login) -> tuple[int, str, str]:
    out, error = process.communicate(timeout=60)
    return process.returncode, out, error


def redirect_of(uri: str) -> str:
    return parse_qs(urlsplit(uri).query)["redirect_uri"][0]


@pytest.mark.parametrize(("client_id", "secret"), [(PUBLIC, ""), (CONFIDENTIAL, SECRET)])
def test_tokens_are_kept_where_only_the_owner_reads_them(
    client_id: str, secret: str, emulator: Emulator, tmp_path: Path
) -> None:
    file = tmp_path / "new" / "token.json"
    with signing_in(file, client_id=client_id, RBLXCLOUD_CLIENT_SECRET=secret) as (process, uri):
        asked = parse_qs(urlsplit(uri).query)
        assert asked["code_challenge_method"] == ["S256"]
        page = httpx.get(emulator.oauth.approve(uri, user=42))
        assert (page.status_code, page.headers["cache-control"]) == (200, "no-store")
        status, out, error = ended(process)
    assert (status, error) == (0, "")
    assert out == f"Signed in as user42. The tokens are in {file}\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert list(file.parent.iterdir()) == [file]
    kept = json.loads(file.read_text())
    assert (kept["client_id"], kept["user_id"], kept["scope"]) == (client_id, 42, ["openid", "profile"])
    assert kept["access_token"] not in out
    with OAuth2App(client_id, secret or None) as app:
        assert app.from_access_token_string(kept["access_token"]).fetch_userinfo().username == "user42"
        assert app.refresh_token(kept["refresh_token"]).token != kept["access_token"]


def test_a_file_that_others_could_read_is_replaced(emulator: Emulator, tmp_path: Path) -> None:
    file = tmp_path / "token.json"
    file.write_text("old")
    file.chmod(0o644)
    with signing_in(file, "--scope", "universe-messaging-service:publish") as (process, uri):
        httpx.get(emulator.oauth.approve(uri))
        status, out, _ = ended(process)
    assert status == 0
    assert out.startswith("Signed in. ")  # without openid nobody is known
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert json.loads(file.read_text())["user_id"] is None


def test_what_does_not_belong_to_the_sign_in_does_not_end_it(emulator: Emulator, tmp_path: Path) -> None:
    with signing_in(tmp_path / "token.json") as (process, uri):
        callback = redirect_of(uri)
        port = urlsplit(callback).port
        assert port is not None
        assert httpx.get(f"{callback}?code=stolen&state=foreign").status_code == 400
        assert httpx.get(f"{callback}?error=access_denied").status_code == 400
        assert httpx.get(f"http://localhost:{port}/favicon.ico").status_code == 404
        with socket.create_connection(("127.0.0.1", port)):  # as browsers do: opened, and nothing sent
            httpx.get(emulator.oauth.approve(uri))
            assert ended(process)[0] == 0


def test_a_browser_that_leaves_early_has_signed_in(capsys: pytest.CaptureFixture[str]) -> None:
    with login._CallbackServer(0) as server:
        server.state = "s"
        callbacks = ["/callback?code=stolen&state=foreign", "/callback?code=c&state=s"]
        for callback in callbacks:  # waiting to be accepted, and gone by then
            with socket.create_connection(server.server_address[:2]) as browser:
                browser.sendall(f"GET {callback} HTTP/1.1\r\nhost: localhost\r\n\r\n".encode())
                browser.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        assert server.wait(10) == callbacks[1]
    assert capsys.readouterr().err == ""


def test_a_user_who_denies_is_told_so_and_the_file_stays(emulator: Emulator, tmp_path: Path) -> None:
    file = tmp_path / "token.json"
    file.write_text("old")
    with signing_in(file) as (process, uri):
        httpx.get(emulator.oauth.deny(uri))
        status, out, error = ended(process)
    assert (status, out) == (1, "")
    assert error.startswith("rblxcloud login: ")
    assert "access_denied" in error
    assert file.read_text() == "old"


def test_nobody_signs_in(emulator: Emulator, tmp_path: Path) -> None:
    with signing_in(tmp_path / "token.json", "--timeout", "0.2") as (process, _):
        assert ended(process) == (1, "", "rblxcloud login: nobody signed in within 0.2 seconds\n")


def test_a_port_that_is_taken(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        outcome = subprocess.run(
            [
                sys.executable,
                "-m",
                "rblxcloud.cli",
                "login",
                "--client-id",
                "1",
                "--port",
                str(port),
                "--file",
                tmp_path / "t",
            ],
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert outcome.returncode == 2
    assert outcome.stderr == f"rblxcloud login: cannot listen on port {port}: {os.strerror(98)}\n"


def told_at_once(file: Path, *more: str) -> str:
    """Return what the command says that does not begin to sign in."""
    arguments = ["--client-id", "1", "--port", "0", "--no-browser", "--timeout", "0.1", "--file", str(file), *more]
    outcome = subprocess.run(
        [sys.executable, "-m", "rblxcloud.cli", "login", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (outcome.returncode, outcome.stdout) == (2, "")
    return outcome.stderr


def test_a_folder_in_place_of_the_file_is_told_before_the_sign_in(tmp_path: Path) -> None:
    assert told_at_once(tmp_path) == f"rblxcloud login: cannot write {tmp_path}: {os.strerror(21)}\n"
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_be_written_is_told_before_the_sign_in(tmp_path: Path) -> None:
    file = tmp_path / ("x" * 250)  # with what a temporary file's name has more, it is longer than a name can be
    assert told_at_once(file) == f"rblxcloud login: cannot write {file}: {os.strerror(36)}\n"


def test_a_folder_that_cannot_be_made_is_told_before_the_sign_in(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    folder = tmp_path / "file" / "new"
    problem = f"cannot make the folder {folder}: {os.strerror(20)}"
    assert told_at_once(folder / "token.json") == f"rblxcloud login: {problem}\n"


def test_the_file_is_as_it_was_while_nobody_signs_in(emulator: Emulator, tmp_path: Path) -> None:
    file = tmp_path / "token.json"
    file.write_text("old")
    with signing_in(file, "--timeout", "0.2") as (process, _):
        assert ended(process)[0] == 1
    assert file.read_text() == "old"
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("seconds", ["abc", "nan", "0", "-5", "86401", ""])
def test_a_timeout_that_is_none_is_told(seconds: str, tmp_path: Path) -> None:
    told = told_at_once(tmp_path / "token.json", f"--timeout={seconds}")
    assert "argument --timeout: it has to be a number of seconds, more than 0 and at most 86400\n" in told


def test_a_write_that_fails_leaves_what_was_there_and_the_tokens_are_revoked(
    emulator: Emulator, tmp_path: Path
) -> None:
    folder = tmp_path / "token.json"
    with signing_in(folder) as (process, uri):
        folder.mkdir()
        httpx.get(emulator.oauth.approve(uri))
        status, out, error = ended(process)
    assert (status, out) == (2, "")
    assert error.startswith(f"rblxcloud login: cannot write {folder}: ")
    assert list(tmp_path.iterdir()) == [folder]
    assert list(folder.iterdir()) == []
    (authorization,) = emulator.oauth.authorizations()
    assert authorization.ended_at is not None


def test_a_full_disk_leaves_the_file_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "token.json"
    file.write_text("old")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        KeptToken(PUBLIC, 42, "access", "refresh", ["openid"], "2026-11-25T12:00:00+00:00").write(file)
    assert file.read_text() == "old"
    assert list(tmp_path.iterdir()) == [file]


def test_a_bad_id_token_signs_nobody_in_and_its_grant_is_revoked(emulator: Emulator, tmp_path: Path) -> None:
    emulator.oauth.spoil_id_token("tampered")
    file = tmp_path / "token.json"
    with signing_in(file) as (process, uri):
        httpx.get(emulator.oauth.approve(uri))
        status, _, error = ended(process)
    assert status == 1
    assert "invalid_id_token: signature" in error
    assert not file.exists()
    (authorization,) = emulator.oauth.authorizations()
    assert authorization.ended_at is not None


def test_the_browser_is_opened(emulator: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from rblxcloud.cli.__main__ import main

    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    monkeypatch.delenv("RBLXCLOUD_CLIENT_SECRET", raising=False)
    file = tmp_path / "token.json"
    assert main(["login", "--client-id", PUBLIC, "--port", "0", "--file", str(file), "--timeout", "0.1"]) == 1
    (uri,) = opened
    assert uri.startswith(f"{os.environ['RBLXCLOUD_BASE_URL']}/oauth/v1/authorize?")
