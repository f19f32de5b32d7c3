"""A walk over the tree of a large place keeps to the published limits, and no operation of it is given up early."""

from __future__ import annotations

import pytest

from rblxcloud import Client
from rblxcloud.config import Options
from rblxcloud.emulator import Clock, Emulator, OperationScript
from rblxcloud.emulator.transport import EmulatorTransport
from rblxcloud.runtime.concurrent import ConcurrentRuntime
from tests.support.clock import ManualClock
from tests.support.server import settings

FOLDERS = 200
A_MINUTE = 45


@pytest.mark.anyio
@pytest.mark.parametrize("processing", [0.0, 1.5])
async def test_a_walk_over_hundreds_of_folders_meets_no_429(clock: ManualClock, processing: float) -> None:
    with Emulator(clock=Clock(clock.wall_time)) as emulator:
        for number in range(FOLDERS):
            emulator.places.add_instance(2, "ServerStorage", "Folder", f"F{number}")
            emulator.places.add_instance(2, f"ServerStorage/F{number}", "ModuleScript", "M")
        emulator.scripts.add(OperationScript(kind="instance", processing=processing, times=None))
        runtime = ConcurrentRuntime(transport=EmulatorTransport(emulator), clock=clock)
        known = settings(Options(rate_limits="published"), api_key="emulator-key")
        async with Client._on_runtime(runtime, known) as client:
            storage = await client.experience(1).place(2).instance().find("ServerStorage")
            assert storage is not None
            began = clock.now
            found = [instance async for instance in storage.walk()]
        answers = emulator.requests()
    assert len(found) == 2 * FOLDERS
    assert {entry.status for entry in answers} == {200}
    polls = sum(entry.endpoint == "places.get_update_instance_operation" for entry in answers)
    assert clock.now - began <= 61 * (polls / A_MINUTE + 1), "the allowance is used up, and no more"
