"""`rblxcloud webhook listen`: the emulator sends, the command shows."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from rblxcloud.cli.__main__ import main
from rblxcloud.emulator import Emulator
from rblxcloud.emulator.webhooks.events import Event, right_to_erasure_request, sample_notification
from tests.webhooks.signing import SECRET

Listener = subprocess.Popen[str]
GREETING = "listening for webhooks at "
EVENT = '{"NotificationId": "1", "EventType": "New", "EventTime": "2026-12-01T00:00:00Z", "EventPayload": {}}'


def start(*arguments: str, **environment: str) -> Listener:
    return subprocess.Popen(
        [sys.executable, "-m", "rblxcloud.cli", "webhook", "listen", *arguments],
        env={**os.environ, "COLUMNS": "200", "PYTHONWARNINGS": "error", **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@contextmanager
def listening(*arguments: str, **environment: str) -> Iterator[tuple[Listener, str]]:
    """Run the command on a free port; yield it and its address."""
    with start("--port", "0", *arguments, **environment) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline().strip()
            assert line.startswith(GREETING)
            yield process, line.removeprefix(GREETING)
        finally:
            process.kill()


def shown(process: Listener) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def ended(process: Listener) -> tuple[int, str]:
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=60)
    return process.returncode, error


def test_events_and_refusals_are_shown_until_ctrl_c(rblxcloud_emulator: Emulator) -> None:
    webhooks = rblxcloud_emulator.webhooks
    webhooks.retry_interval = 3600
    with listening(RBLXCLOUD_WEBHOOK_SECRET=SECRET) as (process, address):
        webhooks.add(address, SECRET)
        number = webhooks.trigger(right_to_erasure_request(user=7, game_ids=[13059]))
        line = shown(process)
        assert "RightToErasureRequest" in line
        assert number in line
        assert shown(process) == '  {"UserId": 7, "GameIds": [13059]}\n'
        webhooks.trigger(sample_notification(), notification_id=number)
        assert "200 " in (line := shown(process))
        assert "handled before" in line
        webhooks.trigger(sample_notification(), flaw="tampered")
        assert "401 " in (line := shown(process))
        assert "not one of this body" in line
        webhooks.trigger(sample_notification(), flaw="expired")
        assert "403 " in shown(process)
        assert ended(process) == (0, "")


def test_unsigned_ones_are_shown_where_that_is_said_and_cannot_steer_the_terminal(
    rblxcloud_emulator: Emulator,
) -> None:
    with listening("--unsigned") as (process, address):
        rblxcloud_emulator.webhooks.add(address)
        rblxcloud_emulator.webhooks.trigger(Event("[red]New\x1b[2J\x9b", {"text": "[bold]\x1b[2J\x9b"}))
        line = shown(process)
        assert "[red]New" in line
        line += shown(process)
        assert "[bold]" in line
        assert "\x1b" not in line
        assert "\x9b" not in line
        assert ended(process) == (0, "")


def test_a_payload_is_shown_whole_on_one_line_of_a_narrow_terminal(rblxcloud_emulator: Emulator) -> None:
    with listening("--unsigned", COLUMNS="40") as (process, address):
        rblxcloud_emulator.webhooks.add(address)
        rblxcloud_emulator.webhooks.trigger(Event("LongOne", {"text": "word " * 40}), notification_id="n")
        assert "LongOne" in shown(process)
        assert shown(process) == f'  {{"text": "{"word " * 40}"}}\n'
        assert ended(process) == (0, "")


@pytest.mark.parametrize("columns", ["20", "40", "80"])
def test_names_and_reasons_are_shown_whole_on_a_narrow_terminal(columns: str, rblxcloud_emulator: Emulator) -> None:
    rblxcloud_emulator.webhooks.retry_interval = 3600
    number = "e415c3a3-14de-43c0-8e14-fc5544589a53"
    with listening("--unsigned", COLUMNS=columns) as (process, address):
        rblxcloud_emulator.webhooks.add(address)
        rblxcloud_emulator.webhooks.trigger(sample_notification(), notification_id=number)
        assert re.fullmatch(rf"\d\d:\d\d:\d\d  SampleNotification        {number}\n", shown(process))
        shown(process)
        rblxcloud_emulator.webhooks.trigger(Event("X" * 60, {}), notification_id=number[::-1])
        assert shown(process).endswith(f"  {'X' * 60}  {number[::-1]}\n")
        assert ended(process) == (0, "")


@pytest.mark.parametrize("body", ["{}", EVENT], ids=["refused", "event"])
def test_it_ends_when_its_reader_leaves_and_what_nobody_saw_is_not_acknowledged(body: str) -> None:
    with listening("--unsigned") as (process, address):
        assert process.stdout is not None
        process.stdout.close()
        assert httpx.post(address, content=body, trust_env=False).status_code == 503
        assert process.wait(60) == 1
        assert process.stderr is not None
        assert process.stderr.read() == ""


def test_nothing_but_posts_is_taken() -> None:
    with listening("--unsigned") as (process, address):
        assert httpx.get(address, trust_env=False).status_code == 405
        assert ended(process) == (0, "")


def test_without_a_secret_it_does_not_start() -> None:
    with start() as process:
        out, error = process.communicate(timeout=60)
    assert (process.returncode, out) == (2, "")
    assert error == (
        "rblxcloud webhook listen: there is no secret: set RBLXCLOUD_WEBHOOK_SECRET, or allow webhooks without one with"
        " --unsigned\n"
    )


def test_ctrl_d_where_the_secret_is_asked_for_is_none(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def leave(prompt: str) -> str:
        raise EOFError

    monkeypatch.delenv("RBLXCLOUD_WEBHOOK_SECRET", raising=False)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("getpass.getpass", leave)
    assert main(["webhook", "listen", "--port", "0"]) == 2
    assert "there is no secret" in capsys.readouterr().err


def test_a_port_that_is_taken_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with start("--port", str(port), "--unsigned") as process:
            _, error = process.communicate(timeout=60)
    assert process.returncode == 2
    assert error == f"rblxcloud webhook listen: cannot listen on 127.0.0.1 port {port}: {os.strerror(98)}\n"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--port", "x"], "a whole number from 0 to 65535"),
        (["--tolerance", "-1", "--unsigned"], "tolerance: -1.0 seconds: it must be more than 0"),
        (["--secret", "x"], "unrecognized arguments"),
    ],
)
def test_arguments_that_cannot_be_meant_are_told(arguments: list[str], told: str) -> None:
    with start(*arguments) as process:
        _, error = process.communicate(timeout=60)
    assert process.returncode == 2
    assert told in error


def test_an_empty_secret_is_told() -> None:
    with start(RBLXCLOUD_WEBHOOK_SECRET="") as process:
        _, error = process.communicate(timeout=60)
    assert (process.returncode, error) == (2, "rblxcloud webhook listen: secret: is empty\n")
