"""Rate limits, obeyed before Roblox has to say so.

A window is a log of start times: never more starts in any stretch of its length than its limit. (A token bucket with
a burst lets twice as many through around a refill.) All state is numbers under a plain lock that is never held across
an await, so one `RateLimiter` serves every client, thread and event loop of the process.
"""

from __future__ import annotations

import logging
import os
import threading
import weakref
from bisect import bisect_left, bisect_right
from collections import Counter, deque
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from rblxcloud.config import RateLimits
from rblxcloud.endpoints.model import Credential as Kind
from rblxcloud.endpoints.model import Limit
from rblxcloud.errors import DeadlineExceededError
from rblxcloud.http.request import Call
from rblxcloud.runtime.base import Runtime
from rblxcloud.types import Headers

T = TypeVar("T")

logger: logging.Logger = logging.getLogger("rblxcloud")

_MARGIN = 0.25
"""Seconds added to each window: requests reach Roblox a little earlier or later than they left."""
_SPARE = 1.1
"""Those who poll leave a tenth of a window to others."""
_MOST_WINDOWS = 4096
_WORTH_LOGGING = 1.0

WindowKey = tuple[str, ...]
"""Names a window: the base URL first, then what is counted."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A window that a call starts in, and how many may start there."""

    key: WindowKey
    name: str
    """What is counted, in words."""
    limit: Limit | None
    """None: nothing is known but what the server says."""
    advice: str
    """What a user can do about a long wait."""


@dataclass(slots=True)
class _Window:
    count: int | None = None
    seconds: float = 60.0
    starts: list[float] = field(default_factory=list[float])
    blocked_until: float = 0.0
    logged_until: float = 0.0
    full: tuple[float, float] = (0.0, 0.0)
    """A stretch in which no start fits, so that a long queue is not walked again for each that joins it."""

    def adopt(self, limit: Limit | None) -> None:
        if limit is not None and self.count is None:
            self.count, self.seconds = limit.count, limit.seconds + _MARGIN

    def forget_before(self, now: float) -> None:
        old = bisect_right(self.starts, now - self.seconds)
        if old:
            del self.starts[:old]

    def add(self, moment: float, starts: int) -> None:
        place = bisect_right(self.starts, moment)
        self.starts[place:place] = [moment] * starts

    def earliest(self, moment: float, starts: int = 1) -> float:
        """The first moment from `moment` on at which that many more starts keep every stretch within the limit."""
        moment = max(moment, self.blocked_until)
        if self.count is None:
            return moment
        if self.count == 0:
            return float("inf")
        asked = moment
        while True:
            begin, end = self.full
            if begin <= moment < end:
                moment = end
            conflict = self._conflict(moment, starts)
            if conflict is None:
                break
            moment = conflict
        if starts > 1:
            return moment  # A single one may fit earlier.
        begin, end = self.full
        joined = asked <= end and begin <= moment
        self.full = (min(asked, begin), max(moment, end)) if joined else (asked, moment)
        return moment

    def give_back(self, moment: float, starts: int = 1) -> None:
        """Take starts out again: there is room less than a window's length before and after them."""
        place = bisect_left(self.starts, moment)
        after = min(bisect_right(self.starts, moment), place + starts)
        if place < after:
            del self.starts[place:after]
            begin, end = self.full
            free_until = moment + self.seconds
            self.full = (free_until, end) if begin < free_until < end else (0.0, 0.0)

    def _conflict(self, moment: float, more: int) -> float | None:
        """None when `more` starts at `moment` fit; else the next moment worth trying."""
        assert self.count is not None
        starts, count = self.starts, max(1, self.count + 1 - more)
        place = bisect_right(starts, moment)
        for first in range(max(0, place - count), min(place, len(starts) - count) + 1):
            # The stretch from `begin` would hold one start too many, the new ones among them.
            begin = starts[first] if first < place else moment
            end = starts[first + count - 1] if first + count > place else moment
            if end < begin + self.seconds:
                return begin + self.seconds if first < place else starts[place]
        return None


_limiters: weakref.WeakSet[RateLimiter] = weakref.WeakSet()


class RateLimiter:
    """The windows of this process.

    `wait_turn` is fair by construction: each caller holds the next free moment, sleeps until then, and looks again.

    A finalizer and a signal handler can come in the middle of anything, also of this class and in the same thread. What
    they change is then put off until the one whom they interrupted has done.
    """

    def __init__(self) -> None:
        self._forget()
        _limiters.add(self)

    def _forget(self) -> None:
        self._lock = threading.RLock()
        self._busy = False
        self._put_off: deque[Callable[[], object]] = deque()
        self._windows: dict[WindowKey, _Window] = {}
        self._pollers: Counter[WindowKey] = Counter()

    def reserve(self, rules: Sequence[Rule], now: float, *, held: float | None = None, starts: int = 1) -> float:
        """Hold the next moment at which a call may start in every window, and return it; `now` when that is now.

        Args:
            rules: The windows.
            now: This moment.
            held: A moment that the caller holds and gives back in the same step.
            starts: How many starts it counts as.
        """
        return self._do(lambda: self._reserve(rules, now, held, starts), now)

    def _reserve(self, rules: Sequence[Rule], now: float, held: float | None, starts: int) -> float:
        windows = [self._window(rule, now) for rule in rules]
        if held is not None:
            for window in windows:
                window.give_back(held, starts)
        moment, settled = now, not windows
        while not settled:
            later = max(window.earliest(moment, starts) for window in windows)
            settled, moment = later == moment, later
        if moment != float("inf"):
            for window in windows:
                window.add(moment, starts)
        return moment

    def _do(self, work: Callable[[], T], otherwise: T) -> T:
        """Return what `work` returns; put it off and return `otherwise` when this thread was interrupted in here."""
        with self._lock:
            if self._busy:
                self._put_off.append(work)
                return otherwise
            self._busy = True
            try:
                result = work()
                while self._put_off:
                    self._put_off.popleft()()
                return result
            finally:
                self._busy = False

    def release(self, rules: Sequence[Rule], moment: float, starts: int = 1) -> None:
        """Give a held moment back."""
        self._do(lambda: self._release(rules, moment, starts), None)

    def _release(self, rules: Sequence[Rule], moment: float, starts: int) -> None:
        for rule in rules:
            if rule.key in self._windows:
                self._windows[rule.key].give_back(moment, starts)

    def spend(self, rules: Sequence[Rule], now: float, starts: int) -> None:
        """Count starts that were not waited for: what a call turned out to cost besides itself."""
        self._do(lambda: self._spend(rules, now, starts), None)

    def _spend(self, rules: Sequence[Rule], now: float, starts: int) -> None:
        for rule in rules:
            self._window(rule, now).add(now, starts)

    def block(self, key: WindowKey, until: float) -> None:
        """Let nothing start in a window before `until`: the server said so."""
        self._do(lambda: self._block(key, until), None)

    def _block(self, key: WindowKey, until: float) -> None:
        window = self._windows.setdefault(key, _Window())
        window.blocked_until = max(window.blocked_until, until)

    def correct(self, key: WindowKey, now: float, *, limit: Limit | None, remaining: int | None, reset: float) -> None:
        """Take over what the server's headers say of a window.

        Args:
            key: The window.
            now: The moment of the answer.
            limit: How many the server lets start in how long; None when it did not say.
            remaining: How many it still takes; None when it did not say.
            reset: Seconds until its own window starts again.
        """
        self._do(lambda: self._correct(key, now, limit, remaining, reset), None)

    def _correct(self, key: WindowKey, now: float, limit: Limit | None, remaining: int | None, reset: float) -> None:
        window = self._windows.setdefault(key, _Window())
        if limit is not None and (window.count, window.seconds) != (limit.count, limit.seconds + _MARGIN):
            window.count, window.seconds, window.full = limit.count, limit.seconds + _MARGIN, (0.0, 0.0)
        if window.count is None or remaining is None:
            return
        window.forget_before(now)
        started = bisect_right(window.starts, now)
        by_others = (window.count - remaining) - started
        if remaining == 0:
            window.blocked_until = max(window.blocked_until, now + reset)
        elif by_others > 0:
            # Starts of other programs with keys of the same owner: they count until the server's window ends.
            moment = now + min(reset, window.seconds) - window.seconds
            window.add(moment, by_others)

    def worth_logging(self, key: WindowKey, now: float, until: float) -> bool:
        """Whether a wait until then is news: true once for each stretch in which a window is full."""
        return self._do(lambda: self._note_logging(key, now, until), False)

    def _note_logging(self, key: WindowKey, now: float, until: float) -> bool:
        window = self._windows.setdefault(key, _Window())
        if now < window.logged_until:
            return False
        window.logged_until = until
        return True

    @contextmanager
    def taking_turns(self, rules: Sequence[Rule]) -> Generator[Callable[[], float]]:
        """Count a caller that polls again and again, as long as the context is open.

        Without it, many of them would use a window up at once and then all wait for its end.

        Args:
            rules: The windows that each of its polls starts in.

        Yields:
            A function that returns the seconds between two polls of each such caller that the windows last for.
        """
        keys = [rule.key for rule in rules]
        self._do(lambda: self._pollers.update(keys), None)
        try:
            yield lambda: self._do(lambda: self._seconds_between_polls(rules), 0.0)
        finally:
            self._do(lambda: self._forget_pollers(keys), None)

    def _forget_pollers(self, keys: Sequence[WindowKey]) -> None:
        self._pollers.subtract(keys)
        self._pollers += Counter()  # Drops those that are down to 0.

    def _seconds_between_polls(self, rules: Sequence[Rule]) -> float:
        seconds = 0.0
        for rule in rules:
            window = self._windows.get(rule.key) or _Window()
            window.adopt(rule.limit)
            if window.count:
                seconds = max(seconds, _SPARE * self._pollers[rule.key] * window.seconds / window.count)
        return seconds

    def fullest(self, rules: Sequence[Rule], now: float) -> Rule:
        """Return the rule that makes a call wait longest."""
        return self._do(lambda: max(rules, key=lambda rule: self._window(rule, now).earliest(now)), rules[0])

    def _window(self, rule: Rule, now: float) -> _Window:
        window = self._windows.get(rule.key)
        if window is None:
            self._drop_idle(now)
            window = self._windows[rule.key] = _Window()
        window.adopt(rule.limit)
        window.forget_before(now)
        return window

    def _drop_idle(self, now: float) -> None:
        if len(self._windows) < _MOST_WINDOWS:
            return
        for key, window in list(self._windows.items()):
            window.forget_before(now)
            if not window.starts and window.blocked_until <= now:
                del self._windows[key]


def _start_afresh() -> None:
    """A forked child shares no window with its parent, and a lock may have been held by a thread it does not have."""
    for limiter in list(_limiters):
        limiter._forget()  # pyright: ignore[reportPrivateUsage]


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_afresh)

_shared = RateLimiter()


def shared_limiter() -> RateLimiter:
    """Return the limiter that all clients of this process share."""
    return _shared


@dataclass(frozen=True, slots=True)
class Windows:
    """Which windows the calls of one client start in."""

    mode: RateLimits
    base_url: str
    identity: str
    """Whose calls are counted together: the owner where it is known, else the credential."""
    kind: Kind
    players: int

    def rules(self, call: Call) -> list[Rule]:
        """Return the windows that a call starts in."""
        if self.mode == "off":
            return []
        own = Rule(
            self.own_key(call),
            "this credential",
            self._own_limit(call),
            "it is the endpoint's published limit for this credential",
        )
        return [own] if call.prepaid else [own, *self.budgets(call)]

    def own_key(self, call: Call) -> WindowKey:
        """Return the key of the window that counts this credential's calls of one endpoint."""
        return (self.base_url, self.identity, call.endpoint.name)

    def _own_limit(self, call: Call) -> Limit | None:
        if self.mode == "server":
            return None
        return call.endpoint.key_limit if self.kind is Kind.API_KEY else call.endpoint.oauth_limit

    def budgets(self, call: Call) -> list[Rule]:
        """Return those of the windows that other credentials share."""
        rules: list[Rule] = []
        if self.mode != "published":
            return rules
        for budget in call.endpoint.budgets:
            key = (self.base_url, budget.name, *(str(call.path[name]) for name in budget.keyed_by))
            count = budget.count + budget.per_player * self.players
            advice = "players=... on the client raises it" if budget.per_player else "it is shared by all credentials"
            rules.append(Rule(key, " ".join(key[1:]), Limit(count, budget.seconds), advice))
        return rules


async def wait_turn(
    limiter: RateLimiter,
    runtime: Runtime,
    rules: Sequence[Rule],
    *,
    deadline: float | None,
    endpoint: str,
    starts: int = 1,
    longest_sleep: float = float("inf"),
) -> float:
    """Wait until a call may start in every window, and start it there.

    Args:
        limiter: Knows the windows.
        runtime: Time.
        rules: The windows.
        deadline: Moment after which nothing is to start.
        endpoint: What is waited for.
        starts: How many starts it counts as.
        longest_sleep: Seconds after which the turn is looked for again: others may have given theirs back.

    Returns:
        The moment at which it is counted.

    Raises:
        DeadlineExceededError: The turn would come after the deadline; nothing was waited for.
    """
    held: float | None = None
    try:
        while True:
            now = runtime.monotonic()
            moment = limiter.reserve(rules, now, held=held, starts=starts)
            held = moment
            if moment <= now:
                held = None
                return moment
            if moment == float("inf") or (deadline is not None and moment > deadline):
                raise DeadlineExceededError(
                    f"{endpoint} would have to wait {moment - now:.1f} s for its rate limit, past the deadline",
                    endpoint=endpoint,
                )
            _log_wait(limiter, rules, now, moment, endpoint)
            await runtime.sleep(min(moment - now, longest_sleep))
    finally:
        if held is not None:
            limiter.release(rules, held, starts)


def _log_wait(limiter: RateLimiter, rules: Sequence[Rule], now: float, moment: float, endpoint: str) -> None:
    if moment - now < _WORTH_LOGGING:
        return
    rule = limiter.fullest(rules, now)
    if limiter.worth_logging(rule.key, now, moment):
        limit = f"{rule.limit.count} in {rule.limit.seconds:g} s" if rule.limit else "told by Roblox"
        logger.warning(
            "%s waits %.1f s for its rate limit (%s: %s). %s; rate_limits=... chooses how limits are obeyed",
            endpoint,
            moment - now,
            rule.name,
            limit,
            rule.advice,
        )


def learn(limiter: RateLimiter, key: WindowKey, headers: Headers, now: float) -> None:
    """Take over what an answer's `x-ratelimit-*` headers say of the credential's window."""
    limit = _limit_of(headers.get("x-ratelimit-limit"))
    remaining = _whole(headers.get("x-ratelimit-remaining"))
    reset = _whole(headers.get("x-ratelimit-reset"))
    if limit is None and remaining is None:
        return
    limiter.correct(key, now, limit=limit, remaining=remaining, reset=float(reset if reset is not None else 60))


def _limit_of(text: str | None) -> Limit | None:
    """Read `1000, 1000;w=60`: the first item is the active quota, the ones after it say for which window."""
    for item in (text or "").split(",")[1:]:
        count_text, _, window = item.strip().partition(";w=")
        count, seconds = _whole(count_text), _whole(window)
        if count and seconds:
            return Limit(count, float(seconds))
    return None


def _whole(text: str | None) -> int | None:
    first = (text or "").split(",")[0].strip()
    return int(first) if first.isascii() and first.isdigit() and len(first) < 16 else None
