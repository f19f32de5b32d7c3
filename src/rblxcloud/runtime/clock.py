"""Where a runtime reads the time; tests put a clock of their own in its place."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """A source of time."""

    def monotonic(self) -> float:
        """Return seconds that never go back, for durations."""
        ...

    def wall_time(self) -> float:
        """Return seconds since 1970 UTC."""
        ...

    def skip(self, seconds: float) -> bool:
        """Let `seconds` pass without waiting, and return True; a clock that cannot returns False."""
        ...


class SystemClock:
    """The machine's own clock."""

    def monotonic(self) -> float:
        """Return seconds that never go back, for durations."""
        return time.monotonic()

    def wall_time(self) -> float:
        """Return seconds since 1970 UTC."""
        return time.time()

    def skip(self, seconds: float) -> bool:
        """Return False: this clock has to be waited for."""
        return False
