"""Requests that are cancelled or cut at any moment leave nothing behind, and take nothing from those that follow."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import anyio
import pytest
import trio

from rblxcloud import Client, RblxCloudError
from rblxcloud.emulator.faults import Fault
from rblxcloud.runtime.backend import CONNECTIONS
from tests.faults.census import Census
from tests.faults.program import Program

pytestmark = pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs Linux's /proc/self/fd")

REQUESTS = 2_000
PLAIN = 100
CALLERS = 20
PATIENCE = 10.0
"""Seconds that no request takes: it is not cancelled, but may be cut."""
ROOT = Path(__file__).parents[2]

FAULTS = (
    Fault(kind="cut", probability=0.1, times=None),
    Fault(kind="cut", cut_after=0, probability=0.05, times=None),
    Fault(kind="drop", probability=0.1, times=None),
    Fault(kind="delay", delay=0.02, probability=0.3, times=None),
)


@pytest.fixture
def program(program: Program) -> Program:
    """An emulator that cuts, drops and delays."""
    program.arm(*FAULTS)
    return program


async def _get(client: Client) -> None:
    await client.experience(1).get_data_store("mishaps").get("absent", default=None)


async def _cancel_scope(client: Client, seconds: float) -> str:
    with anyio.move_on_after(seconds):
        await _get(client)
        return "returned"
    return "cancelled"


async def _native(client: Client, seconds: float) -> str:
    """Cancel by the means of the event loop itself."""
    try:
        task = asyncio.get_running_loop().create_task(_get(client))
    except RuntimeError:
        with trio.move_on_after(seconds):
            await _get(client)
            return "returned"
        return "cancelled"
    await asyncio.wait([task], timeout=seconds)
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        return "cancelled"
    return "returned"


async def _mishap(client: Client, random: Random) -> str:
    cancel = random.choice((_cancel_scope, _native))
    try:
        return await cancel(client, random.choice((0.0, random.uniform(0, 0.02), random.uniform(0, 0.1), PATIENCE)))
    except RblxCloudError as error:
        return type(error).__name__


async def _mishaps(client: Client) -> Counter[str]:
    random, endings, turns = Random(REQUESTS), Counter[str](), iter(range(REQUESTS))

    async def caller(turns: Iterator[int]) -> None:
        for _ in turns:
            endings[await _mishap(client, random)] += 1

    async with anyio.create_task_group() as group:
        for _ in range(CALLERS):
            group.start_soon(caller, turns)
    return endings


def _tasks() -> int:
    try:
        return len(asyncio.all_tasks())
    except RuntimeError:
        return trio.lowlevel.current_statistics().tasks_living


def _check_free(client: Client) -> None:
    """No place and no connection is held by a request that is over."""
    pools = client._session.runtime._pools
    assert pools._free == CONNECTIONS
    for pool in pools._spread._pools:
        core = pool.transport._pool
        assert pool.active == 0
        assert core._requests == []
        assert [connection for connection in core.connections if not connection.is_idle()] == []


@pytest.mark.anyio
async def test_2000_cancelled_or_cut_requests_leave_nothing_behind(program: Program) -> None:
    before, tasks = Census.take(), _tasks()
    async with Client("emulator-key", base_url=program.base_url, rate_limits="off", retries=0) as client:
        endings = await _mishaps(client)
        _check_free(client)
        program.calm()
        patient = client.with_options(deadline=10)
        async with anyio.create_task_group() as group:
            for _ in range(PLAIN):
                group.start_soon(_get, patient)
        _check_free(client)
        assert _tasks() == tasks
        assert Census.take().sockets <= before.sockets + CONNECTIONS
    assert (Census.take(), _tasks()) == (before, tasks)
    assert endings.total() == REQUESTS
    assert endings["cancelled"] > REQUESTS / 4
    assert endings["APIConnectionError"] > REQUESTS / 40
    assert endings["returned"]


def _run_blocking(program: Program, kind: str, count: int) -> dict[str, Any]:
    arguments = [program.base_url, kind, str(count)]
    process = subprocess.run(
        [sys.executable, "-m", "tests.faults.mishaps", *arguments], cwd=ROOT, capture_output=True, text=True
    )
    assert process.returncode == 0, process.stderr
    report: dict[str, Any] = json.loads(process.stdout)
    return report


@pytest.mark.parametrize(
    ("kind", "ending"),
    [("timed_out", "APITimeoutError"), ("interrupted", "interrupted")],
)
def test_2000_interrupted_or_cut_blocking_requests_leave_nothing_behind(
    program: Program, kind: str, ending: str
) -> None:
    report = _run_blocking(program, kind, REQUESTS)
    endings = report["endings"]
    assert sum(endings.values()) == REQUESTS
    assert endings[ending] > REQUESTS / 8
    assert endings["APIConnectionError"] > REQUESTS / 40
    assert endings["returned"]
    assert report["plain"] == {"returned": PLAIN}
    assert report["held"]["sockets"] <= report["before"]["sockets"] + 1
    assert report["after"] == report["before"]
