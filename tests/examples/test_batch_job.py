"""examples/batch_job.py: a whole store in a file, whatever comes in between."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from examples import batch_job
from rblxcloud.emulator import Emulator
from rblxcloud.emulator.faults import Fault
from rblxcloud.emulator.transport import EmulatorTransport
from rblxcloud.sync import Client

KEYS = [f"player-{number:03}" for number in range(300)]
READ = "data_stores.get_entry"
CONCURRENCY = 20
"""Of the reads of a job."""


@pytest.fixture
def store(rblxcloud_emulator: Emulator) -> str:
    """The name of a store with a few hundred keys."""
    transport = EmulatorTransport(rblxcloud_emulator)
    with httpx.Client(transport=transport) as http_client, Client(http_client=http_client) as client:
        players = client.experience(13058).get_data_store("players")
        for number, key in enumerate(KEYS):
            players.set(key, {"coins": number}, users=[156])
    return "players"


def run_job(
    monkeypatch: pytest.MonkeyPatch,
    store: str,
    output: Path,
    *,
    experience: int = 13058,
    page_size: int = 50,
    players: int = 0,
) -> int:
    arguments = [str(experience), store, str(output), "--page-size", str(page_size), "--players", str(players)]
    monkeypatch.setattr(sys, "argv", ["batch_job.py", *arguments])
    return batch_job.main()


def exported(output: Path) -> list[str]:
    return [json.loads(line)["key"] for line in output.read_text().splitlines()]


def reads(emulator: Emulator) -> int:
    return len(emulator.requests(endpoint=READ))


def test_every_value_is_exported(
    rblxcloud_emulator: Emulator,
    store: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    output = tmp_path / "players.jsonl"
    assert run_job(monkeypatch, store, output) == 0
    assert sorted(exported(output)) == KEYS
    row = next(json.loads(line) for line in output.read_text().splitlines() if '"player-007"' in line)
    assert row["value"] == {"coins": 7}
    assert row["users"] == [156]
    shown = capsys.readouterr()
    assert shown.out == f"300 values in {output}\n"
    assert "300 keys, " in shown.err


def test_a_finished_job_does_nothing_more(
    rblxcloud_emulator: Emulator, store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "players.jsonl"
    run_job(monkeypatch, store, output)
    before = len(rblxcloud_emulator.requests())
    assert run_job(monkeypatch, store, output) == 0
    assert len(rblxcloud_emulator.requests()) == before
    assert len(exported(output)) == 300


def test_a_job_that_failed_goes_on_after_the_last_whole_page(
    rblxcloud_emulator: Emulator,
    store: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    output = tmp_path / "players.jsonl"
    rblxcloud_emulator.faults.add(Fault(kind="answer", status=403, endpoint=READ, after=170))
    assert run_job(monkeypatch, store, output) == 1
    assert "Run the same command again" in capsys.readouterr().err
    assert json.loads((tmp_path / "players.jsonl.state").read_text())["keys"] == 150
    before = reads(rblxcloud_emulator)
    assert run_job(monkeypatch, store, output) == 0
    assert sorted(exported(output)) == KEYS
    # Of the job that failed, reads that were under way may reach the log only now; from its start there would be 300.
    assert 150 <= reads(rblxcloud_emulator) - before < 150 + CONCURRENCY


def test_keys_that_vanish_on_the_way_are_left_out(
    rblxcloud_emulator: Emulator, store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "players.jsonl"
    rblxcloud_emulator.faults.add(Fault(kind="answer", status=404, endpoint=READ, times=3))
    assert run_job(monkeypatch, store, output) == 0
    assert len(exported(output)) == 297


def test_ctrl_c_stops_it_between_two_keys_and_nothing_is_lost(
    rblxcloud_emulator: Emulator, store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "players.jsonl"
    # The answer to one read does not come, so the job is certainly in the middle of a page.
    hanging = rblxcloud_emulator.faults.add(Fault(kind="delay", delay=60, endpoint=READ, after=120))
    command = [sys.executable, "-m", "examples.batch_job", "13058", store, str(output), "--page-size", "50"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=os.environ) as process:
        assert process.stderr is not None
        shown = ""
        while "100 keys" not in shown:
            character = process.stderr.read(1)
            assert character, shown
            shown += character
        process.send_signal(signal.SIGINT)
        rest = process.stderr.read()
        assert process.wait(30) == 130
    assert "Interrupted: run the same command again" in rest
    assert "Traceback" not in rest
    rblxcloud_emulator.faults.remove(hanging)
    assert json.loads((tmp_path / "players.jsonl.state").read_text())["keys"] == 100
    assert run_job(monkeypatch, store, output) == 0
    assert sorted(exported(output)) == KEYS


def test_no_more_than_one_page_of_keys_is_held(
    rblxcloud_emulator: Emulator, store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held: list[int] = []
    write_values = batch_job.write_values

    async def watched(store: object, keys: tuple[str, ...], file: object) -> int:
        held.append(len(keys))
        return await write_values(store, keys, file)  # type: ignore[arg-type]

    monkeypatch.setattr(batch_job, "write_values", watched)
    assert run_job(monkeypatch, store, tmp_path / "players.jsonl") == 0
    assert max(held) == 50
    assert sum(held) == 300


@pytest.fixture
def interrupted(rblxcloud_emulator: Emulator, store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The output of a job that has stopped in the middle."""
    output = tmp_path / "players.jsonl"
    rblxcloud_emulator.faults.add(Fault(kind="answer", status=403, endpoint=READ, after=120))
    assert run_job(monkeypatch, store, output) == 1
    return output


@pytest.mark.parametrize("other", [{"experience": 26}, {"store": "others"}, {"page_size": 60}])
def test_the_output_of_another_job_is_refused(
    interrupted: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    other: dict[str, Any],
) -> None:
    before = interrupted.read_bytes()
    assert run_job(monkeypatch, output=interrupted, **{"store": "players", **other}) == 1
    assert "another job" in capsys.readouterr().err
    assert interrupted.read_bytes() == before


def test_an_output_that_lost_something_is_refused(
    interrupted: Path, store: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    interrupted.unlink()
    assert run_job(monkeypatch, store, interrupted) == 1
    assert "has 0 bytes, but " in capsys.readouterr().err
    assert not interrupted.exists()


@pytest.mark.parametrize("state", ["", "{", "[]", "{}", '{"job": 5}', '{"job": {}, "more": 1}', "\0"])
def test_a_state_that_is_not_readable_is_told(
    interrupted: Path, store: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], state: str
) -> None:
    before = interrupted.read_bytes()
    interrupted.with_name("players.jsonl.state").write_text(state)
    assert run_job(monkeypatch, store, interrupted) == 1
    assert "players.jsonl.state is not readable" in capsys.readouterr().err
    assert interrupted.read_bytes() == before


def test_a_file_that_is_not_of_the_job_is_left_alone(
    store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "diary.txt"
    output.write_text("mine")
    assert run_job(monkeypatch, store, output) == 1
    assert "content that is not of this job" in capsys.readouterr().err
    assert output.read_text() == "mine"


def test_a_missing_directory_is_told(
    store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_job(monkeypatch, store, tmp_path / "nowhere" / "players.jsonl") == 1
    assert "No such file or directory" in capsys.readouterr().err


def test_a_job_that_stopped_before_its_first_page_was_whole_begins_again(
    rblxcloud_emulator: Emulator, store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "players.jsonl"
    rblxcloud_emulator.faults.add(Fault(kind="answer", status=403, endpoint=READ, after=30))
    assert run_job(monkeypatch, store, output) == 1
    assert run_job(monkeypatch, store, output) == 0
    assert sorted(exported(output)) == KEYS


def test_arguments_that_are_refused_leave_the_right_ones_free(
    rblxcloud_emulator: Emulator, store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "players.jsonl"
    assert run_job(monkeypatch, store, output, page_size=0) == 1
    assert list(tmp_path.iterdir()) == []
    assert run_job(monkeypatch, store, output) == 0
    assert sorted(exported(output)) == KEYS


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"page_size": 0}, "page_size: "),
        ({"players": -3}, "players: "),
        ({"store": ""}, "name: "),
        ({"experience": -1}, "id: "),
    ],
    ids=["page-size", "players", "store", "experience"],
)
def test_what_can_never_work_is_not_to_be_run_again(
    rblxcloud_emulator: Emulator,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: dict[str, Any],
    told: str,
) -> None:
    assert run_job(monkeypatch, output=tmp_path / "players.jsonl", **{"store": "players", **arguments}) == 1
    shown = capsys.readouterr().err
    assert f"Stopped: {told}" in shown
    assert "again" not in shown


def test_a_missing_key_is_told_without_advice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_job(monkeypatch, "players", tmp_path / "players.jsonl") == 1
    shown = capsys.readouterr().err
    assert "set RBLXCLOUD_API_KEY" in shown
    assert "again" not in shown
    assert list(tmp_path.iterdir()) == []
