"""Consumers of a queue that are killed or cancelled: every item is handled at least once, and none is lost."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import aclosing, suppress
from pathlib import Path
from random import Random

import anyio
import anyio.lowlevel
import pytest

from rblxcloud import Client, sync
from rblxcloud.emulator import Emulator, serve
from rblxcloud.http.hooks import RequestEvent
from tests.faults.consumer import QUEUE, STEPS, UNIVERSE

ROOT = Path(__file__).parents[2]
ITEMS = 12
KILLS = (2, 1)
"""Which time a consumer comes to the step at which it is killed: of the first, and of the one after it."""
MANY = 150
WINDOW = 30
MODES = ("asyncio", "trio", "blocking")


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with Emulator(limits=False) as made:
        yield made


@pytest.fixture
def base_url(emulator: Emulator) -> Iterator[str]:
    with serve(emulator) as base_url:
        yield base_url


def fill(base_url: str, count: int) -> None:
    with sync.Client("emulator-key", base_url=base_url, rate_limits="off") as client:
        queue = client.experience(UNIVERSE).get_queue(QUEUE, int)
        for value in range(count):
            queue.add(value, priority=value % 3)


class Consumer:
    """The program, which lives again and again."""

    def __init__(self, program: subprocess.Popen[str]) -> None:
        self._program = program

    def start(self, mode: str, base_url: str, output: Path, batch: int, step: str = "", after: int = 0) -> int:
        """Let it live; return the id of its process."""
        assert self._program.stdin is not None
        self._program.stdin.write(json.dumps([mode, base_url, str(output), batch, step, after]) + "\n")
        self._program.stdin.flush()
        return self._line()

    def end(self) -> int:
        """Return how it ended."""
        code = self._line()
        assert code in (0, -signal.SIGKILL), "its traceback is in what was written to stderr"
        return code

    def run(self, mode: str, base_url: str, output: Path, batch: int, step: str = "", after: int = 0) -> int:
        self.start(mode, base_url, output, batch, step, after)
        return self.end()

    def _line(self) -> int:
        assert self._program.stdout is not None
        return int(self._program.stdout.readline())


@pytest.fixture(scope="module")
def consumer() -> Iterator[Consumer]:
    command = [sys.executable, "-W", "error", "-m", "tests.faults.consumer"]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as program:
        yield Consumer(program)


def handled(output: Path) -> Counter[int]:
    return Counter(map(int, output.read_text().split())) if output.exists() else Counter()


def left(emulator: Emulator) -> set[int]:
    return {item.value for item in emulator.memory_stores.queue(UNIVERSE, QUEUE)}


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize(("mode", "batch"), [*((mode, 1) for mode in MODES), ("blocking", 4)])
def test_a_consumer_killed_at_any_step_loses_nothing(
    emulator: Emulator, base_url: str, consumer: Consumer, tmp_path: Path, mode: str, step: str, batch: int
) -> None:
    output = tmp_path / "handled"
    fill(base_url, ITEMS)
    for after in KILLS:
        assert consumer.run(mode, base_url, output, batch, step, after) == -signal.SIGKILL
        assert left(emulator) | set(handled(output)) == set(range(ITEMS)), "no item is gone that was not handled"
        emulator.clock.advance(WINDOW)
    assert consumer.run(mode, base_url, output, batch) == 0
    assert set(handled(output)) == set(range(ITEMS))
    assert left(emulator) == set()
    assert handled(output).total() <= ITEMS + len(KILLS) * batch, "a kill costs no more than what was read last"


def test_consumers_killed_at_random_moments_lose_nothing(
    emulator: Emulator, base_url: str, consumer: Consumer, tmp_path: Path
) -> None:
    random, output, kills = Random(9), tmp_path / "handled", 0
    fill(base_url, MANY)
    for round_ in range(6):
        begun = handled(output).total()
        process = consumer.start(MODES[round_ % 3], base_url, output, batch=1 + round_ % 3)
        latest = time.monotonic() + 30
        while handled(output).total() == begun:
            assert time.monotonic() < latest
            time.sleep(0.005)
        time.sleep(random.uniform(0, 0.03))
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
        kills += consumer.end() == -signal.SIGKILL
        assert left(emulator) | set(handled(output)) == set(range(MANY))
        emulator.clock.advance(WINDOW)
    assert kills >= 4
    assert consumer.run("asyncio", base_url, output, 1) == 0
    assert set(handled(output)) == set(range(MANY))
    assert left(emulator) == set()


def test_an_emulator_keeps_what_is_hidden_and_what_is_discarded_in_its_file(tmp_path: Path) -> None:
    file = tmp_path / "emulator.db"
    with Emulator(database=file) as emulator, serve(emulator) as base_url:
        fill(base_url, 3)
        with sync.Client("emulator-key", base_url=base_url) as client:
            queue = client.experience(UNIVERSE).get_queue(QUEUE)
            queue.read().discard()
            queue.read()
    with Emulator(database=file) as emulator, serve(emulator) as base_url:
        with sync.Client("emulator-key", base_url=base_url) as client:
            queue = client.experience(UNIVERSE).get_queue(QUEUE)
            assert [item.value for item in queue.read(5).items] == [0]
        assert left(emulator) == {1, 0}


@pytest.mark.anyio
async def test_what_was_handled_is_discarded_although_the_consumer_is_cancelled(
    emulator: Emulator, base_url: str
) -> None:
    fill(base_url, 2)
    async with Client("emulator-key", base_url=base_url) as client:
        with anyio.CancelScope() as scope:
            async with aclosing(client.experience(UNIVERSE).get_queue(QUEUE).consume()) as items:
                first = await anext(items)
                scope.cancel()
                await anext(items)
        assert scope.cancelled_caught
    assert left(emulator) == {0, 1} - {first.value}


@pytest.mark.anyio
async def test_what_is_being_handled_is_not_discarded_when_the_consumer_is_cancelled(
    emulator: Emulator, base_url: str
) -> None:
    fill(base_url, 2)
    async with Client("emulator-key", base_url=base_url) as client:
        with anyio.CancelScope() as scope:
            async with aclosing(client.experience(UNIVERSE).get_queue(QUEUE).consume()) as items:
                async for _ in items:
                    scope.cancel()
                    await anyio.lowlevel.checkpoint()
        assert scope.cancelled_caught
    assert left(emulator) == {0, 1}


@pytest.mark.parametrize("moment", ["body", "discard"])
def test_ctrl_c_leaves_what_is_being_handled_and_discards_what_was(
    emulator: Emulator, base_url: str, moment: str
) -> None:
    def interrupt(event: RequestEvent) -> None:
        if moment == "discard" and event.method == "POST":
            signal.raise_signal(signal.SIGINT)

    fill(base_url, 3)
    seen: list[int] = []
    with (
        sync.Client("emulator-key", base_url=base_url, on_request=[interrupt]) as client,
        pytest.raises(KeyboardInterrupt),
    ):
        for item in client.experience(UNIVERSE).get_queue(QUEUE, int).consume():
            seen.append(item.value)
            if moment == "body":
                signal.raise_signal(signal.SIGINT)
    assert left(emulator) == {0, 1, 2} - set(seen if moment == "discard" else [])
    assert len(seen) == 1


def test_a_consumer_that_is_dropped_leaves_its_item_and_no_noise(emulator: Emulator, base_url: str) -> None:
    async def main() -> None:
        async with Client("emulator-key", base_url=base_url) as client:
            async for _ in client.experience(UNIVERSE).get_queue(QUEUE).consume():
                break
            gc.collect()
            await asyncio.sleep(0)

    fill(base_url, 1)
    asyncio.run(main())
    assert left(emulator) == {0}
    gc.collect()  # What could not be awaited any more would be a warning, and so an error.


def test_a_cancelled_task_ends_an_idle_consumer(base_url: str) -> None:
    async def main() -> None:
        asked = asyncio.Event()

        async def idle() -> None:
            async for _ in client.experience(UNIVERSE).get_queue(QUEUE).consume(longest_pause=3600):
                pass

        async with Client("emulator-key", base_url=base_url, on_response=[lambda event: asked.set()]) as client:
            task = asyncio.create_task(idle())
            await asked.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(main())
