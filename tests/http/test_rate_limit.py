"""Windows: never more starts in any stretch of time than the limit, whoever starts and whenever."""

from __future__ import annotations

import logging

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

import rblxcloud
from rblxcloud.config import Options
from rblxcloud.endpoints.model import Limit
from rblxcloud.http.rate_limit import RateLimiter, Rule, learn
from rblxcloud.runtime.base import Headers
from tests.support.clock import ManualClock
from tests.support.server import Script, async_client

MARGIN = 0.25


def rule(count: int, seconds: float = 10, name: str = "w") -> Rule:
    return Rule((name,), name, Limit(count, seconds), "")


@given(st.lists(st.floats(0, 5), min_size=1, max_size=60), st.integers(1, 5))
def test_no_stretch_holds_more_starts_than_the_limit(gaps: list[float], count: int) -> None:
    limiter, now, starts = RateLimiter(), 0.0, []
    for gap in gaps:
        now += gap
        starts.append(limiter.reserve([rule(count)], now))
    starts.sort()
    for first, last in zip(starts, starts[count:], strict=False):
        assert last - first >= 10


@given(st.lists(st.tuples(st.floats(0, 3), st.sampled_from("ab")), min_size=1, max_size=60))
def test_a_full_universe_does_not_hold_up_another(calls: list[tuple[float, str]]) -> None:
    limiter, now = RateLimiter(), 0.0
    shared: list[float] = []
    own: dict[str, list[float]] = {"a": [], "b": []}
    for gap, universe in calls:
        now += gap
        moment = limiter.reserve([rule(20, name="owner"), rule(3, name=universe)], now)
        shared.append(moment)
        own[universe].append(moment)
    for starts, count in ((shared, 20), (own["a"], 3), (own["b"], 3)):
        ordered = sorted(starts)
        for first, last in zip(ordered, ordered[count:], strict=False):
            assert last - first >= 10


def test_a_call_for_a_free_universe_starts_at_once_beside_a_full_one() -> None:
    limiter = RateLimiter()
    for _ in range(3):
        limiter.reserve([rule(20, name="owner"), rule(3, name="a")], 0.0)
    assert limiter.reserve([rule(20, name="owner"), rule(3, name="a")], 0.0) == 10 + MARGIN
    assert limiter.reserve([rule(20, name="owner"), rule(3, name="b")], 0.0) == 0.0


def test_a_moment_given_back_can_be_had_again() -> None:
    limiter = RateLimiter()
    limiter.reserve([rule(1)], 0.0)
    held = limiter.reserve([rule(1)], 1.0)
    limiter.release([rule(1)], held)
    assert limiter.reserve([rule(1)], 1.0) == held


def test_a_blocked_window_lets_nothing_start() -> None:
    limiter = RateLimiter()
    limiter.block(("w",), 30.0)
    assert limiter.reserve([rule(5)], 1.0) == 30.0
    assert limiter.reserve([rule(5, name="other")], 1.0) == 1.0


def test_headers_tell_of_other_programs_of_the_same_owner() -> None:
    limiter = RateLimiter()
    limiter.reserve([rule(5)], 0.0)
    headers = Headers({"x-ratelimit-limit": "5, 5;w=10", "x-ratelimit-remaining": "1", "x-ratelimit-reset": "4"})
    learn(limiter, ("w",), headers, 0.0)
    assert limiter.reserve([rule(5)], 0.0) == 0.0
    assert limiter.reserve([rule(5)], 0.0) == pytest.approx(4.0)


@pytest.mark.parametrize("text", ["", "x", "5", "5, x;w=y", "5, 0;w=0", "9" * 30])
def test_headers_that_make_no_sense_change_nothing(text: str) -> None:
    limiter = RateLimiter()
    learn(limiter, ("w",), Headers({"x-ratelimit-limit": text, "x-ratelimit-remaining": "-3"}), 0.0)
    assert [limiter.reserve([rule(2)], 0.0) for _ in range(3)] == [0.0, 0.0, 10 + MARGIN]


ENTRY = {"revisionId": "v", "value": 1}


@pytest.mark.anyio
async def test_reads_wait_for_the_published_budget_and_say_so_once(
    clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "rblxcloud")
    script = Script([httpx.Response(200, json=ENTRY)] * 302)
    async with async_client(clock, script) as client:
        store = client.experience(1).get_data_store("s")
        for _ in range(302):
            await store.get("k")
    assert clock.sleeps == [pytest.approx(60 + MARGIN)]
    assert len([record for record in caplog.records if record.name == "rblxcloud"]) == 1
    assert "players" in caplog.text
    assert "key" not in caplog.text.replace("key_limit", "")


@pytest.mark.anyio
async def test_players_raise_the_budget(clock: ManualClock) -> None:
    script = Script([httpx.Response(200, json=ENTRY)] * 340)
    async with async_client(clock, script, players=1) as client:
        store = client.experience(1).get_data_store("s")
        for _ in range(340):
            await store.get("k")
    assert clock.sleeps == []


@pytest.mark.anyio
async def test_a_wait_past_the_deadline_raises_at_once(clock: ManualClock) -> None:
    script = Script([httpx.Response(200, json=ENTRY)] * 300)
    async with async_client(clock, script, Options(deadline=30)) as client:
        store = client.experience(1).get_data_store("s")
        for _ in range(300):
            await store.get("k")
        with pytest.raises(rblxcloud.DeadlineExceededError, match="rate limit") as caught:
            await store.get("k")
    assert clock.sleeps == []
    assert not caught.value.outcome_unknown


@pytest.mark.anyio
async def test_limits_can_be_switched_off(clock: ManualClock) -> None:
    script = Script([httpx.Response(200, json=ENTRY)] * 400)
    async with async_client(clock, script, Options(rate_limits="off")) as client:
        for _ in range(400):
            await client.experience(1).get_data_store("s").get("k")
    assert clock.sleeps == []


@given(st.lists(st.tuples(st.floats(0, 8), st.integers(1, 5), st.integers(0, 5)), max_size=40), st.booleans())
def test_starts_that_count_for_several_keep_to_the_limit_too(
    calls: list[tuple[float, int, int]], in_turn: bool
) -> None:
    limiter, now, counted = RateLimiter(), 0.0, list[float]()
    for gap, starts, unused in calls:
        now += gap
        moment = limiter.reserve([rule(5)], now, starts=starts)
        limiter.release([rule(5)], moment, min(unused, starts))
        counted += [moment] * (starts - min(unused, starts))
        now = moment if in_turn else now
    counted.sort()
    for first, last in zip(counted, counted[5:], strict=False):
        assert last - first >= 10


def test_what_a_call_turned_out_to_cost_makes_the_next_ones_wait() -> None:
    limiter = RateLimiter()
    assert limiter.reserve([rule(5)], 0.0) == 0.0
    limiter.spend([rule(5)], 0.0, 9)
    assert limiter.reserve([rule(5)], 1.0) == 10 + MARGIN
