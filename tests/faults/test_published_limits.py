"""With `published` limits nobody ever hears a 429, wherever the server's own windows begin."""

from __future__ import annotations

from random import Random

import pytest

from rblxcloud import Client
from rblxcloud.config import Options
from rblxcloud.emulator import Clock, Emulator
from rblxcloud.emulator.transport import EmulatorTransport
from rblxcloud.http.hooks import RequestEvent
from rblxcloud.runtime.concurrent import ConcurrentRuntime
from tests.support.clock import ManualClock
from tests.support.server import settings

READS = 3_000
A_MINUTE = 300


@pytest.mark.anyio
@pytest.mark.parametrize(("into_the_minute", "slowest"), [(0.0, 0.0), (17.3, 0.15)], ids=["at once", "dawdling"])
async def test_3000_reads_against_300_a_minute_meet_no_429(
    clock: ManualClock, into_the_minute: float, slowest: float
) -> None:
    random = Random(4)
    clock.epoch += into_the_minute

    def dawdle(event: RequestEvent) -> None:
        clock.advance(random.uniform(0, slowest))

    with Emulator(clock=Clock(clock.wall_time), log_size=2 * READS) as emulator:
        runtime = ConcurrentRuntime(transport=EmulatorTransport(emulator), clock=clock)
        options = Options(rate_limits="published")
        known = settings(options, api_key="emulator-key", on_request=(dawdle,))
        async with Client._on_runtime(runtime, known) as client:
            store = client.experience(1).get_data_store("limited")
            began = clock.now
            for _ in range(READS):
                await store.get("absent", default=None)
        statuses = [entry.status for entry in emulator.requests()]
    assert statuses == [404] * READS
    windows = READS // A_MINUTE
    assert 60 * (windows - 1) <= clock.now - began <= 61 * windows, "the allowance is used up, and no more"


@pytest.mark.anyio
async def test_without_the_published_limits_the_same_reads_meet_429(clock: ManualClock) -> None:
    with Emulator(clock=Clock(clock.wall_time)) as emulator:
        runtime = ConcurrentRuntime(transport=EmulatorTransport(emulator), clock=clock)
        async with Client._on_runtime(runtime, settings(Options(rate_limits="off"), api_key="emulator-key")) as client:
            store = client.experience(1).get_data_store("limited")
            for _ in range(A_MINUTE + 1):
                await store.get("absent", default=None)
        assert 429 in {entry.status for entry in emulator.requests()}
