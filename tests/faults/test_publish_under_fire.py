"""Publishing under faults and cancellation: no file ever becomes two versions, and each ending says truly what happened."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import Any

import anyio
import pytest

import rblxcloud
import rblxcloud.sync
from rblxcloud import RblxCloudError, RetryPolicy
from rblxcloud.emulator import Emulator
from rblxcloud.emulator.server import serve
from tests.faults.test_exactly_once import FAULTS

PUBLICATIONS = 300
CALLERS = 8
LONGEST = 0.06
"""Seconds after which a publication is given up, at most: some are in time, some are not."""


def content(number: int) -> bytes:
    """Return a file that no other publication has, of more than one part."""
    return f"<roblox!{number:06}".encode() + bytes(150_000)


def in_a_form(number: int) -> dict[str, Any]:
    """Return the file in one of the forms that `publish` takes: as it is, and as a stream of one size or another."""
    whole = content(number)
    parts = [whole[:100], whole[100:]]
    return [{"file": whole}, {"file": iter(parts), "size": len(whole)}, {"file": iter(parts)}][number % 3]


def ending_of(error: RblxCloudError) -> str:
    return "unknown" if error.outcome_unknown else "refused"


def publish_async(backend: str, options: dict[str, Any]) -> dict[int, int | str]:
    endings: dict[int, int | str] = {}

    async def publish(place: rblxcloud.Place, number: int, seconds: float) -> None:
        endings[number] = "unknown"
        with anyio.move_on_after(seconds):
            try:
                endings[number] = await place.publish(**in_a_form(number))
            except RblxCloudError as error:
                endings[number] = ending_of(error)

    async def caller(client: rblxcloud.Client, numbers: Iterator[int], random: Random) -> None:
        for number in numbers:
            seconds = random.uniform(0, LONGEST) if random.random() < 0.3 else float("inf")
            await publish(client.experience(7).place(8), number, seconds)

    async def main() -> None:
        numbers, random = iter(range(PUBLICATIONS)), Random(30)
        async with rblxcloud.Client("emulator-key", **options) as client, anyio.create_task_group() as group:
            for _ in range(CALLERS):
                group.start_soon(caller, client, numbers, random)

    anyio.run(main, backend=backend)
    return endings


def publish_blocking(options: dict[str, Any]) -> dict[int, int | str]:
    def publish(client: rblxcloud.sync.Client, number: int) -> int | str:
        try:
            return client.experience(7).place(8).publish(**in_a_form(number))
        except RblxCloudError as error:
            return ending_of(error)

    with rblxcloud.sync.Client("emulator-key", **options) as client, ThreadPoolExecutor(CALLERS) as pool:
        return dict(enumerate(pool.map(lambda number: publish(client, number), range(PUBLICATIONS))))


MODES: dict[str, Callable[[dict[str, Any]], dict[int, int | str]]] = {
    "asyncio": lambda options: publish_async("asyncio", options),
    "trio": lambda options: publish_async("trio", options),
    "blocking": publish_blocking,
}


def versions_of(emulator: Emulator, base_url: str) -> list[int]:
    """Return which file each version was made from, by the emulator's own state: the first version comes first."""
    emulator.faults.clear()
    with rblxcloud.sync.Client("emulator-key", base_url=base_url) as client:
        newest = next(iter(client.experience(7).place(8).versions(limit=1))).number
    return [int(emulator.places.file(8, number)[8:14]) for number in range(1, newest + 1)]


@pytest.mark.parametrize("mode", MODES)
def test_no_file_becomes_two_versions(mode: str) -> None:
    with Emulator(limits=False, seed=5) as emulator, serve(emulator) as base_url:
        for fault in FAULTS:
            emulator.faults.add(fault.model_copy(update={"endpoint": "places.create_version"}))
        policy = RetryPolicy(base_delay=0.001, max_delay=0.01)
        endings = MODES[mode]({"base_url": base_url, "rate_limits": "server", "retries": policy})
        made = versions_of(emulator, base_url)

    assert sorted(endings) == list(range(PUBLICATIONS))
    times = Counter(made)
    assert [number for number in times if times[number] > 1] == []
    returned = {number: ending for number, ending in endings.items() if isinstance(ending, int)}
    assert {number: made[version - 1] for number, version in returned.items()} == {
        number: number for number in returned
    }
    assert [number for number, ending in endings.items() if ending == "refused" and times[number]] == []
    unknown = [number for number, ending in endings.items() if ending == "unknown"]
    assert 0 < sum(times[number] for number in unknown) < len(unknown), "both must happen for the test to show anything"
    assert returned
