"""Reading one entry: one call after the other, and 100 in flight."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, ExitStack
from typing import Any

import httpx
import httpx2

import rblxcloud
import rblxcloud.sync
from benchmarks import published
from benchmarks.report import Goal, Group, compared
from benchmarks.server import ENTRY_PATH, HEADERS

CALLS = 300
AT_ONCE = 100
IN_FLIGHT = 1_500
MICROSECONDS = 1e6

AsyncCall = Callable[[], Awaitable[Any]]
Step = Callable[[], None]


def blocking(base: str, rounds: int, step: Step) -> Group:
    """One call after the other, blocking.

    Args:
        base: Address of the server.
        rounds: How often to measure, after one time to warm up.
        step: Called after each round.
    """
    with ExitStack() as stack:
        plain = stack.enter_context(httpx.Client(base_url=base, headers=HEADERS))
        client = stack.enter_context(rblxcloud.sync.Client("k", base_url=base))
        store = client.experience(1).get_data_store("s")
        calls: dict[str, Callable[[], Any]] = {
            "httpx.Client": lambda: plain.get(ENTRY_PATH).json(),
            "rblxcloud.sync": lambda: store.get("k"),
        }
        if published.INSTALLED:
            calls[published.NAME] = stack.enter_context(published.blocking_read(base))
        seconds: dict[str, list[float]] = {name: [] for name in calls}
        for _ in range(rounds + 1):
            for name, call in calls.items():
                started = time.perf_counter()
                for _ in range(CALLS):
                    call()
                seconds[name].append((time.perf_counter() - started) / CALLS)
            step()
    goals = {"rblxcloud.sync": Goal("at most", 1.15)}
    return Group("blocking", "One call, blocking", "µs", compared(_warm(seconds), goals, MICROSECONDS))


async def awaited(base: str, rounds: int, step: Step) -> Group:
    """One call after the other, awaited; arguments as for `blocking`."""
    async with AsyncExitStack() as stack:
        plain = await stack.enter_async_context(httpx.AsyncClient(base_url=base, headers=HEADERS))
        client = await stack.enter_async_context(rblxcloud.Client("k", base_url=base))
        store = client.experience(1).get_data_store("s")
        calls: dict[str, AsyncCall] = {"httpx.AsyncClient": _get(plain), "rblxcloud": lambda: store.get("k")}
        if published.INSTALLED:
            calls[published.NAME] = await stack.enter_async_context(published.async_read(base))
        seconds = await _race(calls, _in_turn, rounds, step)
    goals = {"rblxcloud": Goal("at most", 1.15)}
    return Group("async", "One call, async", "µs", compared(seconds, goals, MICROSECONDS))


async def in_flight(base: str, rounds: int, step: Step) -> Group:
    """100 calls in flight; arguments as for `blocking`."""
    async with AsyncExitStack() as stack:
        plain = await stack.enter_async_context(httpx.AsyncClient(base_url=base, headers=HEADERS))
        client = await stack.enter_async_context(rblxcloud.Client("k", base_url=base))
        theirs = await stack.enter_async_context(httpx2.AsyncClient())
        plain2 = await stack.enter_async_context(httpx2.AsyncClient(base_url=base, headers=HEADERS))
        with_theirs = await stack.enter_async_context(rblxcloud.Client("k", base_url=base, http_client=theirs))
        store = client.experience(1).get_data_store("s")
        store2 = with_theirs.experience(1).get_data_store("s")
        calls: dict[str, AsyncCall] = {
            "httpx.AsyncClient": _get(plain),
            "rblxcloud": lambda: store.get("k"),
            "httpx2.AsyncClient": _get(plain2),
            "rblxcloud with httpx2": lambda: store2.get("k"),
        }
        if published.INSTALLED:
            calls[published.NAME] = await stack.enter_async_context(published.async_read(base))
        seconds = await _race(calls, _at_once, rounds, step)
    throughput = {name: [1 / value for value in values] for name, values in seconds.items()}
    goals = {"rblxcloud": Goal("at least", 1.5)}
    return Group("in-flight", f"{AT_ONCE} calls in flight", "calls/s", compared(throughput, goals))


async def _race(
    calls: Mapping[str, AsyncCall], way: Callable[[AsyncCall], Awaitable[int]], rounds: int, step: Step
) -> dict[str, list[float]]:
    """Return the seconds of a call for each round, the contenders taking turns."""
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds + 1):
        for name, call in calls.items():
            started = time.perf_counter()
            count = await way(call)
            seconds[name].append((time.perf_counter() - started) / count)
        step()
    return _warm(seconds)


def _warm(seconds: Mapping[str, list[float]]) -> dict[str, list[float]]:
    return {name: values[1:] for name, values in seconds.items()}


def _get(client: Any) -> AsyncCall:
    async def get() -> Any:
        return (await client.get(ENTRY_PATH)).json()

    return get


async def _in_turn(call: AsyncCall) -> int:
    for _ in range(CALLS):
        await call()
    return CALLS


async def _at_once(call: AsyncCall) -> int:
    left = iter(range(IN_FLIGHT))

    async def worker() -> None:
        for _ in left:
            await call()

    await asyncio.gather(*(worker() for _ in range(AT_ONCE)))
    return IN_FLIGHT
