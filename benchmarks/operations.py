"""Many operations that are awaited at once, on a clock that only waiting moves: the figures are always the same."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise

import httpx
import trio
import trio.testing

import rblxcloud
from benchmarks.report import Bar, Goal, Group
from rblxcloud.config import DEFAULT_BASE_URL, Options
from rblxcloud.endpoints.assets import ASSETS_GET_OPERATION
from rblxcloud.http.auth import resolve_credential
from rblxcloud.http.session import SessionSettings
from rblxcloud.runtime.concurrent import ConcurrentRuntime

OPERATIONS = 100
ENDS = (1.0, 10.0, 60.0, 600.0)
"""Seconds after which all of them are done, one run each."""


class _Clock:
    """The virtual time of trio, in which many can sleep at once."""

    def monotonic(self) -> float:
        return trio.current_time()

    def wall_time(self) -> float:
        return trio.current_time()

    def skip(self, seconds: float) -> bool:
        return False


@dataclass
class Run:
    """What came of operations that are all done at the same moment."""

    ends: float
    polls: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    """When each operation was asked for."""
    returned: list[float] = field(default_factory=list[float])
    """When each wait was over."""

    def answer(self, request: httpx.Request) -> httpx.Response:
        """Answer a poll."""
        now = trio.current_time()
        self.polls[request.url.path].append(now)
        asset = {"assetId": "1", "assetType": "Decal", "displayName": "d"}
        body = {"done": True, "response": asset} if now >= self.ends else {"done": False}
        return httpx.Response(200, content=json.dumps(body))

    @property
    def starts(self) -> list[float]:
        """When anything was asked for, in order."""
        return sorted(start for polls in self.polls.values() for start in polls)

    @property
    def busiest_minute(self) -> int:
        """Most polls that were started in any minute."""
        return max(sum(1 for other in self.starts if start <= other < start + 60) for start in self.starts)

    @property
    def interval(self) -> float:
        """Longest time between two polls of the same operation."""
        return max(later - earlier for polls in self.polls.values() for earlier, later in pairwise(polls))

    @property
    def spread(self) -> float:
        """Seconds from the first wait that was over to the last."""
        return max(self.returned) - min(self.returned)


def run(ends: float) -> Run:
    """Wait for all of them.

    Args:
        ends: Seconds after which they are done.
    """
    found = Run(ends)

    async def wait(client: rblxcloud.Client, number: int) -> None:
        await client.operation(f"operations/{number}").wait()
        found.returned.append(trio.current_time())

    async def main() -> None:
        runtime = ConcurrentRuntime(transport=httpx.MockTransport(found.answer), clock=_Clock())
        settings = SessionSettings(resolve_credential("k", None), DEFAULT_BASE_URL, Options())
        async with rblxcloud.Client._on_runtime(runtime, settings) as client, trio.open_nursery() as nursery:
            found.ends += trio.current_time()
            for number in range(OPERATIONS):
                nursery.start_soon(wait, client, number)

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
    return found


@cache
def _runs() -> list[Run]:
    return [run(ends) for ends in ENDS]


def polls() -> Group:
    """Return how often they are asked for."""
    limit = ASSETS_GET_OPERATION.key_limit
    assert limit is not None
    assert limit.seconds == 60
    busiest = max(one.busiest_minute for one in _runs())
    total = len(_runs()[-1].starts)
    return Group(
        "operations-polls",
        f"{OPERATIONS} operations of {ENDS[-1] / 60:g} minutes awaited at once, {total:,} polls in all",
        "polls in the busiest minute",
        [
            Bar("the published limit", limit.count, 1.0),
            Bar("rblxcloud", busiest, busiest / limit.count, Goal("at most", 1.0)),
        ],
    )


def spread() -> Group:
    """Return how long after the first the last returns."""
    interval = max(one.interval for one in _runs())
    longest = max(one.spread for one in _runs())
    return Group(
        "operations-spread",
        "From the first to the last that returns, of those done at the same moment",
        "s",
        [
            Bar("one poll interval", interval, 1.0),
            Bar("rblxcloud", longest, longest / interval, Goal("at most", 1.0)),
        ],
    )
