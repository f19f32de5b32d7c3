"""The emulator's clock: real time until somebody moves or stops it."""

from __future__ import annotations

import time
from collections.abc import Callable

__all__ = ["Clock"]


class Clock:
    """A clock that can be moved and stopped, so that nobody has to wait for an expiry.

    Args:
        base: Where real time comes from, in seconds since 1970 UTC.
        start: What the clock shows at first, in seconds since 1970 UTC; None for what `base` says.
        frozen: Whether it stands still until it is moved.
    """

    def __init__(
        self, base: Callable[[], float] = time.time, *, start: float | None = None, frozen: bool = False
    ) -> None:
        self._base = base
        self._start = start
        self._starts_frozen = frozen
        self._offset = 0.0
        self._stopped_at: float | None = None
        self.reset()

    @property
    def frozen(self) -> bool:
        """Whether the clock stands still."""
        return self._stopped_at is not None

    def now(self) -> float:
        """Return the clock's time in seconds since 1970 UTC."""
        return self._base() + self._offset if self._stopped_at is None else self._stopped_at

    def unmoved(self) -> float:
        """Return the time that the clock would show if nobody had moved or stopped it: what callers' clocks show."""
        return self._base()

    def set(self, moment: float) -> None:
        """Show `moment` (seconds since 1970 UTC) from now on; a stopped clock stays stopped."""
        if self._stopped_at is None:
            self._offset = moment - self._base()
        else:
            self._stopped_at = moment

    def advance(self, seconds: float) -> None:
        """Move the clock by `seconds`, which may be negative."""
        self.set(self.now() + seconds)

    def freeze(self) -> None:
        """Stop the clock where it is."""
        self._stopped_at = self.now()

    def resume(self) -> None:
        """Let the clock run on from where it stands."""
        if self._stopped_at is not None:
            self._offset = self._stopped_at - self._base()
            self._stopped_at = None

    def reset(self) -> None:
        """Go back to how the clock was made."""
        self._offset = 0.0
        self._stopped_at = None
        if self._starts_frozen:
            self.freeze()
        if self._start is not None:
            self.set(self._start)
