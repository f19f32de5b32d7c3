"""The command line, as users run it."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

import rblxcloud
from rblxcloud import NotFoundError, Response, sync
from rblxcloud.cli import __main__ as program
from rblxcloud.cli import demo
from rblxcloud.cli.token_file import KeptToken


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "rblxcloud.cli", *arguments],
        env=os.environ | environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_version_is_printed() -> None:
    assert run("--version").stdout == f"rblxcloud {rblxcloud.__version__}\n"


def test_a_command_is_required() -> None:
    outcome = run()
    assert outcome.returncode == 2
    assert "usage: rblxcloud" in outcome.stderr


def test_demo_tells_its_stories_in_both_modes() -> None:
    outcome = run("demo", COLUMNS="160")
    assert outcome.returncode == 0, outcome.stderr
    assert outcome.stderr == ""
    stories = outcome.stdout.split("rblxcloud.sync, blocking")
    assert len(stories) == 2
    assert 'await store.set("key-name", 68' in stories[0]
    assert "await" not in stories[1]
    for story in stories:
        entry = "/cloud/v2/universes/13058/data-stores/data-store-name/scopes/global/entries/key-name"
        for request in (f"PATCH  {entry}", f"GET  {entry}", f"POST  {entry}:increment", f"DELETE  {entry}"):
            assert request in story
        universe = "/cloud/v2/universes/13058"
        for request in (
            f"POST  {universe}/memory-store/queues/jobs/items",
            f"GET  {universe}/memory-store/queues/jobs/items:read",
            f"POST  {universe}/memory-store/queues/jobs/items:discard",
            "POST  /universes/v1/13058/places/13059/versions",
            f"POST  {universe}/places/13059/luau-execution-session-tasks",
            f"PATCH  {universe}/user-restrictions/287113233",
        ):
            assert request in story
        assert story.count("200 OK") == 15
        assert story.count("404 Not Found") == 1
        assert re.search(r"film\.mp4 ━+ 8\.4/8\.4 MB", story)
        for shown in ("POST  /assets/v1/assets", "GET  /assets/v1/operations/", "running>", "'film'"):
            assert shown in story
        assert re.search(r"│ Asset +│\n│ +id +\d+", story)
        assert "Hello World!" in story.partition("What game servers would have received")[2]


def test_demo_shows_all_values_on_a_narrow_terminal() -> None:
    outcome = run("demo", COLUMNS="40")
    assert outcome.returncode == 0, outcome.stderr
    assert "…" not in outcome.stdout
    ban = outcome.stdout.rpartition("UserRestriction")[2]
    for shown in ("user_id +287113233", "active +True", "private_reason +''", "inherited +False", r"a\(days=7\)"):
        assert re.search(rf" {shown} ", ban)


def test_demo_stops_quietly_when_its_reader_leaves() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "rblxcloud.cli", "demo"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait(60) == 1


def test_emulator_stops_quietly_when_its_reader_has_left() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "rblxcloud.cli", "emulator", "--port", "0"]
    outcome = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True, timeout=60)
    os.close(writing)
    assert (outcome.returncode, outcome.stderr) == (1, "")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
@pytest.mark.parametrize("command", ["emulator", "webhook", "login", "logout", "demo"])
def test_output_that_cannot_be_written_is_told(command: str, tmp_path: Path) -> None:
    file = tmp_path / "token.json"
    KeptToken("1", None, "access", "refresh", [], "2026-11-25T12:00:00+00:00").write(file)
    arguments = {
        "emulator": ["--port", "0"],
        "webhook": ["listen", "--unsigned", "--port", "0"],
        "login": ["--client-id", "1", "--no-browser", "--port", "0", "--file", str(file)],
        "logout": ["--local", "--file", str(file)],
        "demo": [],
    }
    with open("/dev/full", "w") as full:
        outcome = subprocess.run(
            [sys.executable, "-m", "rblxcloud.cli", command, *arguments[command]],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
        )
    assert outcome.returncode == 1
    assert outcome.stderr == f"rblxcloud {command}: cannot write the output: {os.strerror(28)}\n"


def test_an_extra_that_is_missing_is_named(tmp_path: Path) -> None:
    # A package of this name that cannot be imported, as if it were not there.
    (tmp_path / "rich.py").write_text("raise ModuleNotFoundError('No module named rich', name='rich')")
    outcome = run("demo", PYTHONPATH=str(tmp_path))
    assert outcome.returncode == 2
    assert outcome.stderr == "rblxcloud demo: needs rich: pip install 'rblxcloud[cli,emulator]'\n"


def test_an_error_of_the_library_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(args: object) -> int:
        raise NotFoundError(Response(404, rblxcloud.Headers()), "no such\n\nentry", endpoint="data_stores.get_entry")

    monkeypatch.setattr(demo, "run", fail)
    assert program.main(["demo"]) == 1
    assert capsys.readouterr().err == "rblxcloud demo: 404 in data_stores.get_entry: no such entry\n"


def test_an_error_of_something_else_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(args: object) -> int:
        raise ModuleNotFoundError("No module named 'surprise'", name="surprise")

    monkeypatch.setattr(demo, "run", fail)
    with pytest.raises(ModuleNotFoundError, match="surprise"):
        program.main(["demo"])


def test_ctrl_c_ends_the_demo_with_status_130(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(args: object) -> int:
        signal.raise_signal(signal.SIGINT)
        return 0

    monkeypatch.setattr(demo, "run", interrupt)
    assert program.main(["demo"]) == 130
    assert capsys.readouterr() == ("", "")


def test_ctrl_c_while_commands_are_imported_ends_with_status_130(tmp_path: Path) -> None:
    # What they import first is interrupted.
    (tmp_path / "anyio.py").write_text("import signal; signal.raise_signal(signal.SIGINT)")
    outcome = run("demo", PYTHONPATH=str(tmp_path))
    assert (outcome.returncode, outcome.stdout, outcome.stderr) == (130, "", "")


def test_an_empty_api_key_is_told() -> None:
    outcome = run("emulator", "--api-key", "")
    assert outcome.returncode == 2
    assert "argument --api-key: it is empty" in outcome.stderr


@pytest.mark.parametrize("key", ["  ", " secret", "secret\n", "se\ncret", "sécret"])
def test_an_api_key_that_no_client_can_send_is_told_and_not_shown(key: str) -> None:
    outcome = run("emulator", "--port", "0", "--api-key", key)
    assert outcome.returncode == 2
    assert "argument --api-key: it has characters that no header can carry" in outcome.stderr
    assert "cret" not in outcome.stderr.replace("SECRET", "")


def test_an_empty_host_is_told() -> None:
    outcome = run("emulator", "--host", "", "--port", "0")
    assert outcome.returncode == 2
    assert "argument --host: it is empty" in outcome.stderr


def has_ipv6() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


@pytest.mark.parametrize(
    ("host", "shown"),
    [
        ("0.0.0.0", "127.0.0.1"),
        ("0", "127.0.0.1"),
        *([("::", "[::1]"), ("0::0", "[::1]")] if has_ipv6() else []),
    ],
)
def test_an_emulator_on_every_address_prints_one_that_clients_take(host: str, shown: str) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "rblxcloud.cli", "emulator", "--host", host, "--port", "0"],
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            base_url = process.stdout.readline().split()[-1]
            assert base_url.startswith(f"http://{shown}:")
            with sync.Client(api_key="emulator-key", base_url=base_url) as client:
                client.experience(7).publish_message("topic", "message")
        finally:
            process.kill()


@pytest.mark.parametrize("port", ["abc", "-1", "65536", "1.5", ""])
def test_a_port_that_is_none_is_told(port: str) -> None:
    command = [sys.executable, "-m", "rblxcloud.cli", "emulator", f"--port={port}"]
    outcome = subprocess.run(command, capture_output=True, text=True, check=False)
    assert outcome.returncode == 2
    assert "argument --port: it has to be a whole number from 0 to 65535" in outcome.stderr


@pytest.fixture
def _homeless(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No user has a home folder, as with an arbitrary id of a user in a container."""

    def unknown(number: int) -> object:
        raise KeyError(number)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("pwd.getpwuid", unknown)
    for name in ("HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.usefixtures("_homeless")
def test_a_user_without_a_home_runs_what_needs_none(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        program.main(["emulator", "--help"])
    assert caught.value.code == 0
    assert "usage: rblxcloud emulator" in capsys.readouterr().out


@pytest.mark.usefixtures("_homeless")
@pytest.mark.parametrize("arguments", [["login", "--client-id", "1"], ["logout"], ["logout", "--local"]])
def test_a_user_without_a_home_is_told_to_name_the_file(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert program.main(arguments) == 2
    told = capsys.readouterr().err
    assert told == (
        f"rblxcloud {arguments[0]}: this user has no home folder to keep tokens in; pass --file, or set"
        " XDG_CONFIG_HOME\n"
    )
    assert list(tmp_path.iterdir()) == []
    assert program.main(["logout", "--file", str(tmp_path / "token.json")]) == 1
