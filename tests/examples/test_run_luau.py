"""examples/run_luau.py: a script, what it prints, and what it returns."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from examples import run_luau
from rblxcloud.emulator import Emulator, Fault, LuauAnswer, LuauLog, LuauRun


@pytest.fixture
def script(tmp_path: Path) -> Path:
    file = tmp_path / "script.luau"
    file.write_text("print('hello') return 1, 2")
    return file


def run(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr(sys, "argv", ["run_luau.py", *map(str, arguments)])
    return run_luau.main()


def test_logs_and_results_are_shown(
    rblxcloud_emulator: Emulator, script: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    logs = (LuauLog(message="hello"), LuauLog(message="careful", type="WARNING"))
    rblxcloud_emulator.luau.answer(LuauAnswer(results=(1, 2), logs=logs), script.read_text())
    rblxcloud_emulator.places.add(13058, 13059)
    for _ in range(4):
        rblxcloud_emulator.places.add_version(13059)
    assert run(monkeypatch, 13058, 13059, script, "--timeout", 60, "--version", 3) == 0
    shown = capsys.readouterr()
    assert json.loads(shown.out) == [1, 2]
    command, *heard = shown.err.splitlines()
    assert heard == ["hello", "careful"]
    path = command.rpartition(" ")[2]
    assert "/versions/3/" in path
    assert run(monkeypatch, "--resume", path) == 0
    shown = capsys.readouterr()
    assert (json.loads(shown.out), shown.err.splitlines()) == ([1, 2], ["hello", "careful"])


def test_files_go_in_and_come_out(
    rblxcloud_emulator: Emulator, script: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    @rblxcloud_emulator.luau.on()
    def double(run: LuauRun) -> dict[str, object]:
        assert run.binary_input is not None
        return {"BinaryOutput": run.binary_input * 2}

    given, made = tmp_path / "in", tmp_path / "out"
    given.write_bytes(b"abc")
    assert run(monkeypatch, 13058, 13059, script, "--input", given, "--output", made) == 0
    assert made.read_bytes() == b"abcabc"


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (LuauAnswer(code="SCRIPT_ERROR", message="TaskScript:1: boom\nStack Begin"), "TaskScript:1: boom\nStack Begin"),
        (LuauAnswer(code="INTERNAL_ERROR", message="lost"), "INTERNAL_ERROR: lost"),
    ],
    ids=["script", "internal"],
)
def test_a_script_that_fails_says_why(
    rblxcloud_emulator: Emulator,
    script: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    answer: LuauAnswer,
    told: str,
) -> None:
    rblxcloud_emulator.luau.answer(answer)
    assert run(monkeypatch, 13058, 13059, script) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.endswith(f"{told}\n")


def test_what_was_not_started_is_told(
    rblxcloud_emulator: Emulator,
    script: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(monkeypatch, 13058, 13059, tmp_path / "missing.luau") == 2
    assert "missing.luau' does not exist" in capsys.readouterr().err
    assert run(monkeypatch, 13158, 13059, script) == 2
    assert "Not started: 404" in capsys.readouterr().err
    rblxcloud_emulator.faults.add(Fault(kind="drop", acts=True, path="*luau-execution-session-tasks"))
    assert run(monkeypatch, 13058, 13059, script) == 2
    assert capsys.readouterr().err.endswith("It may run all the same.\n")


def test_without_a_key_nothing_is_started(
    script: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, 13058, 13059, script) == 2
    assert capsys.readouterr().err.startswith("Not started: no credential")


def test_a_connection_that_is_lost_is_told(
    rblxcloud_emulator: Emulator, script: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rblxcloud_emulator.luau.answer(LuauAnswer())
    rblxcloud_emulator.faults.add(Fault(kind="answer", status=401, path="*logs*"))
    assert run(monkeypatch, 13058, 13059, script) == 1
    assert "Lost: 401" in capsys.readouterr().err


def test_a_command_that_lacks_something_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        run(monkeypatch, 13058)
    assert "experience, place and script are needed" in capsys.readouterr().err
