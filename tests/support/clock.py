"""A clock that is moved by hand."""

from __future__ import annotations

import threading


class ManualClock:
    """Stands still until it is slept on or moved; remembers every sleep."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.epoch = 1_780_000_000.0
        self.sleeps: list[float] = []
        self._lock = threading.Lock()

    def monotonic(self) -> float:
        return self.now

    def wall_time(self) -> float:
        return self.epoch + self.now

    def skip(self, seconds: float) -> bool:
        with self._lock:
            self.sleeps.append(seconds)
            self.now += seconds
        return True

    def advance(self, seconds: float) -> None:
        with self._lock:
            self.now += seconds
