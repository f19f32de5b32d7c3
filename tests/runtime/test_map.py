"""Many at once: bounded, as they come, and gone without a trace when the caller leaves."""

from __future__ import annotations

import gc
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from rblxcloud.runtime.blocking import BlockingRuntime, run
from rblxcloud.runtime.concurrent import ConcurrentRuntime


class Boom(Exception):
    pass


async def double(number: int) -> int:
    if number == 3:
        raise Boom("three")
    return number * 2


async def collect(runtime: Any, items: Any, limit: int = 4) -> dict[int, Any]:
    found: dict[int, Any] = {}
    async with runtime.map(double, items, limit=limit) as outcomes:
        async for item, outcome in outcomes:
            found[item] = outcome.error or outcome.result
    return found


def check(found: dict[int, Any]) -> None:
    assert type(found.pop(3)) is Boom
    assert found == {number: number * 2 for number in range(10) if number != 3}


@pytest.mark.anyio
async def test_each_item_has_a_result_or_its_error() -> None:
    check(await collect(ConcurrentRuntime(), range(10)))


def test_each_item_has_a_result_or_its_error_in_threads() -> None:
    check(run(collect(BlockingRuntime(), range(10))))


@pytest.mark.anyio
async def test_asynchronous_items_are_taken() -> None:
    async def items() -> AsyncIterator[int]:
        for number in range(10):
            await anyio.lowlevel.checkpoint()
            yield number

    check(await collect(ConcurrentRuntime(), items()))


def endless(taken: list[int]) -> Iterator[int]:
    while True:
        taken.append(1)
        yield 0


@pytest.mark.anyio
async def test_no_more_is_taken_than_the_caller_uses() -> None:
    taken: list[int] = []
    async with ConcurrentRuntime().map(double, endless(taken), limit=4) as outcomes:
        for _ in range(3):
            await anext(outcomes)
        await anyio.wait_all_tasks_blocked()
        assert len(taken) <= 3 + 4 + 1


def test_leaving_early_leaves_no_thread() -> None:
    before = threading.active_count()

    async def leave() -> None:
        async with BlockingRuntime().map(double, endless([]), limit=4) as outcomes:
            async for _ in outcomes:
                break

    run(leave())
    assert threading.active_count() == before


@pytest.mark.anyio
async def test_leaving_a_generator_by_break_does_not_touch_the_caller() -> None:
    async def results() -> AsyncIterator[int]:
        async with ConcurrentRuntime().map(double, endless([]), limit=4) as outcomes:
            async for _, outcome in outcomes:
                yield outcome.result or 0

    generator = results()
    async for _ in generator:
        break
    with anyio.CancelScope() as scope:
        await generator.aclose()
        del generator
        gc.collect()
        await anyio.lowlevel.checkpoint()
        await anyio.wait_all_tasks_blocked()
    assert not scope.cancelled_caught


@pytest.mark.anyio
async def test_error_of_the_items_passes_through() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise Boom("items")

    with pytest.raises(Boom, match="items"):
        await collect(ConcurrentRuntime(), items())


def test_error_of_the_items_passes_through_in_threads() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise Boom("items")

    with pytest.raises(Boom, match="items"):
        run(collect(BlockingRuntime(), items()))


@pytest.mark.anyio
async def test_error_of_the_caller_passes_through_alone() -> None:
    with pytest.raises(Boom, match="mine"):
        async with ConcurrentRuntime().map(double, endless([]), limit=4) as outcomes:
            async for _ in outcomes:
                raise Boom("mine")


@pytest.mark.anyio
async def test_cancelled_caller_ends_the_workers() -> None:
    started: list[int] = []

    async def wait(item: int) -> None:
        started.append(item)
        await anyio.sleep_forever()

    with anyio.CancelScope() as scope:
        async with anyio.create_task_group() as group:

            async def consume() -> None:
                async with ConcurrentRuntime().map(wait, range(100), limit=4) as outcomes:
                    async for _ in outcomes:
                        pass

            group.start_soon(consume)
            await anyio.wait_all_tasks_blocked()
            scope.cancel()
    assert len(started) == 4


def test_blocking_call_that_suspends_is_named() -> None:
    class Pause:
        def __await__(self) -> Iterator[None]:
            yield

    async def bad() -> None:
        await Pause()

    with pytest.raises(RuntimeError, match="bad suspended"):
        run(bad())
