"""How the calls of one session keep to the limits: when each may start, and what it costs besides its start."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

from rblxcloud.config import Options
from rblxcloud.errors import RateLimitedError
from rblxcloud.http.rate_limit import RateLimiter, Rule, Windows, learn, wait_turn
from rblxcloud.http.request import Call
from rblxcloud.runtime.base import Runtime
from rblxcloud.types import Response

_LONGEST_WINDOW = 60.0
"""Seconds of the longest window that Roblox publishes."""
_LOOK_AGAIN = 1.0
"""Seconds after which those who wait for many units look for what others have given back."""


class Pace:
    """Keeps the calls of a session within the limits.

    Args:
        limiter: Knows the windows.
        runtime: Time.
        windows: Which of them the session's calls start in.
        options: How long may be waited.
    """

    def __init__(self, limiter: RateLimiter, runtime: Runtime, windows: Windows, options: Options) -> None:
        self._limiter = limiter
        self._runtime = runtime
        self._windows = windows
        self._options = options

    async def turn(self, call: Call, deadline: float | None) -> None:
        """Wait until a call may start, and count it.

        Args:
            call: The call.
            deadline: Moment after which it is not to start.

        Raises:
            DeadlineExceededError: Its turn would come after the deadline; nothing was waited for.
        """
        rules, name = self._windows.rules(call), call.endpoint.name
        await wait_turn(self._limiter, self._runtime, rules, deadline=deadline, endpoint=name)

    def learn(self, call: Call, response: Response) -> None:
        """Take over what an answer's headers say of the credential's window."""
        if self._windows.mode != "off":
            learn(self._limiter, self._windows.own_key(call), response.headers, self._runtime.monotonic())

    def block(self, call: Call, response: Response, error: RateLimitedError) -> None:
        """Move the window that a 429 speaks of, and no other."""
        if self._windows.mode == "off" or error.retry_after is None or b"KeyThrottled" in response.content:
            return
        if error.retry_after > _LONGEST_WINDOW:
            # It speaks of something else than a window, such as the one notification a day of a single user.
            return
        # A full window of the credential is answered by the gateway, which names no code (seen in practice); a full
        # budget by the service itself, which does not say which: the tightest is the likeliest.
        budgets = self._windows.budgets(call) if error.code is not None else []
        key = min(budgets, key=_per_second).key if budgets else self._windows.own_key(call)
        self._limiter.block(
            key, self._runtime.monotonic() + min(error.retry_after, self._options.retry.max_server_delay)
        )

    def polling(self, call: Call) -> AbstractContextManager[Callable[[], float]]:
        """Open a context for a caller who sends the same call again and again; see `RateLimiter.taking_turns`."""
        return self._limiter.taking_turns(self._windows.rules(call))

    def spend(self, call: Call, units: int) -> None:
        """Count what an answered call cost of its budgets besides the one unit that was counted before it.

        Args:
            call: The call.
            units: How many more; what is not above 0 is nothing.
        """
        self._limiter.spend(self._windows.budgets(call), self._runtime.monotonic(), max(0, units))

    async def prepay(self, call: Call, units: int) -> Prepaid:
        """Wait until calls may cost that much of the budgets of `call`, and count it.

        Args:
            call: A call with the same budgets; those that were paid for are sent with `Call.prepaid`.
            units: How much.

        Raises:
            DeadlineExceededError: They would have to wait past the deadline.
        """
        rules, seconds = self._windows.budgets(call), self._options.deadline
        moment = await wait_turn(
            self._limiter,
            self._runtime,
            rules,
            deadline=None if seconds is None else self._runtime.monotonic() + seconds,
            endpoint=call.endpoint.name,
            starts=units,
            longest_sleep=_LOOK_AGAIN,
        )
        return Prepaid(self._limiter, self._runtime, rules, moment)


class Prepaid:
    """Units that were counted before the calls that cost them.

    Args:
        limiter: Knows the windows.
        runtime: Time.
        rules: The windows that they were counted in.
        moment: When.
    """

    def __init__(self, limiter: RateLimiter, runtime: Runtime, rules: Sequence[Rule], moment: float) -> None:
        self._limiter = limiter
        self._runtime = runtime
        self._rules = rules
        self._moment = moment

    def give_back(self, units: int) -> None:
        """Take units back that no call will cost."""
        self._limiter.release(self._rules, self._moment, units)

    def use(self, units: int) -> None:
        """Count units now, when the call that costs them is sent, and no longer when they were paid."""
        self.give_back(units)
        self._limiter.spend(self._rules, self._runtime.monotonic(), units)


def _per_second(rule: Rule) -> float:
    return float("inf") if rule.limit is None else rule.limit.count / rule.limit.seconds
