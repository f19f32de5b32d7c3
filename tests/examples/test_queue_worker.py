"""examples/queue_worker.py: every job is done, and none twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from examples import queue_worker
from rblxcloud.emulator import Emulator, Fault
from rblxcloud.sync import Client

ROOT = Path(__file__).parents[2]
WRITE = "data_stores.v1_set_entry"
DISCARD = "memory_stores.discard_memory_store_queue_items"


@pytest.fixture
def rewards(rblxcloud_sync_client: Client) -> Any:
    """The queue, with three jobs."""
    queue = rblxcloud_sync_client.experience(13058).get_queue("rewards")
    for job in (1, 2, 3):
        queue.add({"id": f"job-{job}", "user": 156, "coins": 10 * job})
    return queue


def run_worker(monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(sys, "argv", ["queue_worker.py", "13058", "rewards", "--until-empty"])
    return queue_worker.main()


def player(client: Client) -> Any:
    return client.experience(13058).get_data_store("players").get("156").value


def test_every_job_is_done(
    rblxcloud_emulator: Emulator, rblxcloud_sync_client: Client, rewards: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    rewards.add({"id": "job-2", "user": 156, "coins": 20})
    rewards.add("nonsense")
    assert run_worker(monkeypatch) == 0
    assert player(rblxcloud_sync_client) == {"coins": 60, "jobs": ["job-1", "job-2", "job-3"]}
    assert rblxcloud_emulator.memory_stores.queue(13058, "rewards") == []


@pytest.mark.parametrize(
    "fault",
    [Fault(kind="drop", acts=True, endpoint=WRITE), Fault(kind="answer", status=403, endpoint=DISCARD)],
    ids=["write", "discard"],
)
def test_a_job_that_failed_half_way_is_done_once(
    rblxcloud_emulator: Emulator,
    rblxcloud_sync_client: Client,
    rewards: Any,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    fault: Fault,
) -> None:
    rblxcloud_emulator.faults.add(fault)
    assert run_worker(monkeypatch) == 1
    assert "Roblox did not do it" in capsys.readouterr().err
    rblxcloud_emulator.faults.clear()
    rblxcloud_emulator.clock.advance(60)
    assert run_worker(monkeypatch) == 0
    assert player(rblxcloud_sync_client) == {"coins": 60, "jobs": ["job-1", "job-2", "job-3"]}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_worker_is_stopped_by_a_signal(rblxcloud_emulator: Emulator, rewards: Any, number: int) -> None:
    command = [sys.executable, "-u", "-W", "error", "examples/queue_worker.py", "13058", "rewards"]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True, env=dict(os.environ)) as process:
        assert process.stderr is not None
        for _ in range(3):
            assert process.stderr.readline().startswith("job")
        process.send_signal(number)
        assert process.communicate(timeout=20)[1].endswith("Stopped; what was not finished comes back.\n")
        assert process.returncode == 0
