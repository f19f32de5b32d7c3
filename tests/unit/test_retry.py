"""How long is waited before another attempt, and when there is none."""

from __future__ import annotations

import pytest

from rblxcloud.config import RetryPolicy
from rblxcloud.http.retry import Attempt, Fate, next_delay

POLICY = RetryPolicy(retries=3, base_delay=1.0, max_delay=8.0, max_server_delay=60.0)


@pytest.mark.parametrize(
    ("attempt", "seconds"),
    [
        (Attempt(1, Fate.DID_NOTHING), 0.5),
        (Attempt(3, Fate.UNKNOWN), 2.0),
        (Attempt(1, Fate.DID_NOTHING, 30.0), 30.0),
        (Attempt(1, Fate.DID_NOTHING, 0.0), 0.5),
        (Attempt(1, Fate.UNKNOWN, 30.0), 30.5),
        (Attempt(2, Fate.UNKNOWN, 60.0), 61.0),
        (Attempt(1, Fate.UNKNOWN, 0.0), 0.5),
    ],
)
def test_the_wait_is_the_servers_or_a_random_one(attempt: Attempt, seconds: float) -> None:
    assert next_delay(POLICY, attempt, repeatable=True, chance=0.5) == seconds


@pytest.mark.parametrize(
    "attempt",
    [
        Attempt(1, Fate.REFUSED),
        Attempt(1, Fate.REFUSED, 1.0),
        Attempt(4, Fate.DID_NOTHING),
        Attempt(1, Fate.DID_NOTHING, 60.1),
        Attempt(1, Fate.UNKNOWN, 60.1),
    ],
)
def test_no_attempt_follows(attempt: Attempt) -> None:
    assert next_delay(POLICY, attempt, repeatable=True, chance=0.5) is None


def test_what_may_have_happened_is_not_repeated_however_long_the_server_asks_to_wait() -> None:
    assert next_delay(POLICY, Attempt(1, Fate.UNKNOWN, 1.0), repeatable=False, chance=0.5) is None
    assert next_delay(POLICY, Attempt(1, Fate.DID_NOTHING, 1.0), repeatable=False, chance=0.5) == 1.0
