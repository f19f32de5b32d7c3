"""The limiter where garbage collection and signal handlers come in the middle of it, and where thousands wait."""

from __future__ import annotations

from rblxcloud.endpoints.model import Limit
from rblxcloud.http.rate_limit import RateLimiter, Rule

RULE = Rule(("w",), "w", Limit(300, 60), "")


def test_what_interrupts_the_limiter_waits_for_nobody() -> None:
    limiter = RateLimiter()
    held = [limiter.reserve([RULE], 0.0) for _ in range(301)][-1]
    assert held > 0
    inner: list[float] = []

    def interrupted() -> float:
        # As a finalizer and a signal handler of the same thread do.
        limiter.release([RULE], held)
        limiter.block(("other",), 5.0)
        inner.append(limiter.reserve([RULE], 0.0))
        return 1.0

    assert limiter._do(interrupted, 0.0) == 1.0
    assert inner == [0.0]
    assert limiter.reserve([Rule(("other",), "other", None, "")], 1.0) == 5.0


def test_what_was_put_off_is_done_before_the_interrupted_one_leaves() -> None:
    limiter = RateLimiter()
    one = Rule(("one",), "one", Limit(1, 10), "")
    limiter.reserve([one], 0.0)
    held = limiter.reserve([one], 0.0)
    limiter._do(lambda: limiter.release([one], held), None)
    assert limiter.reserve([one], 0.0) == held


def test_the_thousandth_in_a_queue_costs_no_walk_along_it() -> None:
    limiter, steps = RateLimiter(), 0
    for number in range(300):
        limiter.reserve([RULE], number / 100)
    window = limiter._windows[("w",)]
    original = type(window)._conflict

    def counted(self: object, moment: float, more: int) -> float | None:
        nonlocal steps
        steps += 1
        return original(self, moment, more)  # type: ignore[arg-type]

    type(window)._conflict = counted  # type: ignore[method-assign,assignment]
    try:
        for _ in range(2_000):
            limiter.reserve([RULE], 3.0)
    finally:
        type(window)._conflict = original  # type: ignore[method-assign]
    assert steps < 2_000 * 5
