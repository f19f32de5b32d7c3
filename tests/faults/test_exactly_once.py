"""Counting under faults: each call says truly whether it counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from random import Random
from typing import Any

import anyio
import pytest

import rblxcloud
import rblxcloud.sync
from rblxcloud import RblxCloudError, RetryPolicy
from rblxcloud.emulator import Emulator
from rblxcloud.emulator.faults import Fault
from rblxcloud.emulator.server import serve

CALLERS = 8
INCREMENTS = UPDATES = 500
TAG = "x-emulator-tag"
CHANCE = 0.04

FAULTS = (
    Fault(kind="answer", status=429, headers={"retry-after": "0"}, probability=0.1, times=None),
    Fault(kind="answer", status=400, probability=CHANCE, times=None),
    Fault(kind="answer", status=503, probability=CHANCE, times=None),
    Fault(kind="answer", status=500, acts=True, probability=CHANCE, times=None),
    Fault(kind="drop", probability=CHANCE, times=None),
    Fault(kind="drop", acts=True, probability=CHANCE, times=None),
    Fault(kind="cut", probability=CHANCE, times=None),
    Fault(kind="cut", cut_after=0, probability=CHANCE, times=None),
)


@dataclass(frozen=True)
class Work:
    """One call to make."""

    kind: str
    number: int

    @property
    def tag(self) -> str:
        return f"{self.kind} {self.number}"


@dataclass(frozen=True)
class Ending:
    """How a call ended."""

    work: Work
    error: RblxCloudError | None = None


def all_work() -> list[Work]:
    """Increments and updates of one key, mixed."""
    work = [Work("increment", number) for number in range(INCREMENTS)]
    work += [Work("update", number) for number in range(UPDATES)]
    Random(500).shuffle(work)
    return work


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[Emulator, str]]:
    with Emulator(limits=False, log_size=100_000, seed=8) as emulator, serve(emulator) as base_url:
        yield emulator, base_url


@pytest.fixture
def faulty(served: tuple[Emulator, str]) -> Emulator:
    """An emulator where a third of all requests goes wrong."""
    emulator, _ = served
    emulator.reset()
    for fault in FAULTS:
        emulator.faults.add(fault)
    return emulator


@pytest.fixture
def options(served: tuple[Emulator, str]) -> dict[str, Any]:
    policy = RetryPolicy(base_delay=0.001, max_delay=0.01)
    return {"base_url": served[1], "rate_limits": "server", "retries": policy}


def plus_one(value: Any) -> int:
    return (value or 0) + 1


def count_async(backend: str, options: dict[str, Any]) -> list[Ending]:
    async def call(client: rblxcloud.Client, work: Work) -> Ending:
        store = client.with_options(headers={TAG: work.tag}).experience(1).get_data_store("faults")
        try:
            await (store.increment("counter") if work.kind == "increment" else store.update("counter", plus_one))
        except RblxCloudError as error:
            return Ending(work, error)
        return Ending(work)

    async def caller(client: rblxcloud.Client, work: Iterator[Work], endings: list[Ending]) -> None:
        for item in work:
            endings.append(await call(client, item))

    async def main() -> list[Ending]:
        work, endings = iter(all_work()), list[Ending]()
        async with rblxcloud.Client("emulator-key", **options) as client, anyio.create_task_group() as group:
            for _ in range(CALLERS):
                group.start_soon(caller, client, work, endings)
        return endings

    return anyio.run(main, backend=backend)


def count_blocking(options: dict[str, Any]) -> list[Ending]:
    def call(client: rblxcloud.sync.Client, work: Work) -> Ending:
        store = client.with_options(headers={TAG: work.tag}).experience(1).get_data_store("faults")
        try:
            store.increment("counter") if work.kind == "increment" else store.update("counter", plus_one)
        except RblxCloudError as error:
            return Ending(work, error)
        return Ending(work)

    with rblxcloud.sync.Client("emulator-key", **options) as client, ThreadPoolExecutor(CALLERS) as pool:
        return list(pool.map(lambda work: call(client, work), all_work()))


MODES: dict[str, Callable[[dict[str, Any]], list[Ending]]] = {
    "asyncio": lambda options: count_async("asyncio", options),
    "trio": lambda options: count_async("trio", options),
    "blocking": count_blocking,
}


def times_done(emulator: Emulator) -> Counter[str]:
    """How often each call changed the value, by the emulator's own log."""
    return Counter(entry.tag for entry in emulator.requests() if entry.acted and entry.method == "POST" and entry.tag)


def stored(emulator: Emulator, options: dict[str, Any]) -> int:
    emulator.faults.clear()
    with rblxcloud.sync.Client("emulator-key", **options) as client:
        value = client.experience(1).get_data_store("faults").get("counter").value
    assert isinstance(value, int)
    return value


@pytest.mark.parametrize("mode", MODES)
def test_the_value_is_what_the_endings_of_the_calls_say(mode: str, faulty: Emulator, options: dict[str, Any]) -> None:
    endings = MODES[mode](options)
    done = times_done(faulty)
    returned = [ending for ending in endings if ending.error is None]
    unknown = [ending for ending in endings if ending.error is not None and ending.error.outcome_unknown]
    refused = [ending for ending in endings if ending.error is not None and not ending.error.outcome_unknown]

    assert sorted(ending.work.tag for ending in endings) == sorted(work.tag for work in all_work())
    assert [ending.work.tag for ending in returned if done[ending.work.tag] != 1] == []
    assert [(ending.work.tag, ending.error) for ending in refused if done[ending.work.tag]] == []
    assert [ending.work.tag for ending in unknown if done[ending.work.tag] > 1] == []
    unknown_done = [ending for ending in unknown if done[ending.work.tag]]
    assert stored(faulty, options) == len(returned) + len(unknown_done)

    kinds = {"increment", "update"}
    assert {ending.work.kind for ending in returned} == kinds
    assert {ending.work.kind for ending in refused} == kinds
    assert {ending.work.kind for ending in unknown_done} == kinds
    assert len(unknown_done) < len(unknown), "some unknown outcomes must be that nothing was done"
