"""A consumer at full speed keeps to the published request units: no 429, and no item twice for want of them."""

from __future__ import annotations

import pytest

from rblxcloud import Client
from rblxcloud.config import Options
from rblxcloud.emulator import Clock, Emulator
from rblxcloud.emulator.transport import EmulatorTransport
from rblxcloud.runtime.concurrent import ConcurrentRuntime
from tests.support.clock import ManualClock
from tests.support.emulator import Caller
from tests.support.server import settings

ITEMS = 1_200
READ = "memory_stores.read_memory_store_queue_items"
DISCARD = "memory_stores.discard_memory_store_queue_items"


@pytest.mark.anyio
@pytest.mark.parametrize(("batch", "pace"), [(1, 0.0), (1, 0.011), (7, 0.0), (200, 0.0), (200, 0.02)])
async def test_a_consumer_at_full_speed_meets_no_429_and_handles_nothing_twice(
    clock: ManualClock, batch: int, pace: float
) -> None:
    with Emulator(clock=Clock(clock.wall_time), limits=False, log_size=6 * ITEMS) as emulator:
        call = Caller(emulator)
        for value in range(ITEMS):
            call("POST", "/cloud/v2/universes/1/memory-store/queues/q/items", {"data": value})
        emulator.clear_requests()
        emulator.limits.enabled = True
        runtime = ConcurrentRuntime(transport=EmulatorTransport(emulator), clock=clock)
        known = settings(Options(rate_limits="published"), api_key="emulator-key")
        handled: list[int] = []
        began = clock.now
        async with Client._on_runtime(runtime, known) as client:
            queue = client.experience(1).get_queue("q", int)
            async for item in queue.consume(batch=batch, limit=ITEMS):
                handled.append(item.value)
                clock.advance(pace)
        assert handled == list(range(ITEMS))
        assert emulator.memory_stores.queue(1, "q") == []
        assert {entry.status for entry in emulator.requests()} == {200}
        units = ITEMS + len(emulator.requests(endpoint=DISCARD))
        assert clock.now - began <= 61 * (units // 1000 + 1), "the allowance is used up, and no more"
