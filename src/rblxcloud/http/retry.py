"""Whether an attempt is followed by another: a pure decision."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from rblxcloud.config import RetryPolicy
from rblxcloud.endpoints.model import Repeat
from rblxcloud.http.request import Call


class Fate(Enum):
    """What is known of an attempt that was not a success."""

    DID_NOTHING = "did nothing"
    """The server cannot have acted: it was never reached, or it answered 429."""
    UNKNOWN = "unknown"
    """The request was on its way and no answer says what became of it: a cut, a timeout, a 5xx."""
    REFUSED = "refused"
    """The server answered that it would not, and would not another time either."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """A failed attempt, as the decision sees it."""

    number: int
    """Counted from 1."""
    fate: Fate
    server_delay: float | None = None
    """Seconds that the server asked to wait, in a 429 or a 503."""


def may_repeat(call: Call, *, repeat_writes: bool) -> bool:
    """Whether a call whose outcome is unknown may be sent again.

    Args:
        call: The call; the endpoint table says what a repeat would do.
        repeat_writes: The caller says that nobody else writes what it writes.
    """
    repeat = call.endpoint.repeat
    if repeat is Repeat.REPLACES:
        return call.guarded or repeat_writes
    if repeat is Repeat.WITH_KEY:
        return call.idempotency_key is not None
    return repeat is Repeat.SAFE or call.guarded


def next_delay(policy: RetryPolicy, attempt: Attempt, *, repeatable: bool, chance: float) -> float | None:
    """Return the seconds to wait before the next attempt; None when there is to be none.

    Args:
        policy: How often and how long.
        attempt: The attempt that failed.
        repeatable: Whether the call may be sent again when its outcome is unknown.
        chance: A random number in [0, 1).
    """
    if attempt.number > policy.retries or attempt.fate is Fate.REFUSED:
        return None
    if attempt.fate is Fate.UNKNOWN and not repeatable:
        return None
    own_delay = policy.delay(attempt.number, chance)
    if attempt.server_delay is None:
        return own_delay
    if attempt.server_delay > policy.max_server_delay:
        return None
    if attempt.fate is Fate.UNKNOWN:
        # Everybody was told the same by a 503, and unlike after a 429 no window lets them in one after another.
        return attempt.server_delay + own_delay
    # A wait of 0, as a window that has just been reset asks for, would use the retries up at once.
    return attempt.server_delay or own_delay
