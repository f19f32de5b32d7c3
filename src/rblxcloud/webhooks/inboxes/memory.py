"""Webhooks in memory: for one process, and gone with it."""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from rblxcloud.webhooks.inboxes.base import StoredWebhook


class _Shared:
    """Something that threads use at once, one at a time."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._finished: dict[str, float] = {}
        """The moments at which events were handled, oldest first."""
        self._lock = threading.Lock()
        _every.add(self)

    def purge(self, seconds: float) -> int:
        """Forget the events that were handled longer than that ago, and return how many."""
        with self._lock:
            before, forgotten = self._clock() - seconds, 0
            while self._finished and self._finished[next(iter(self._finished))] < before:
                del self._finished[next(iter(self._finished))]
                forgotten += 1
            return forgotten


@dataclass(slots=True)
class _Row:
    body: bytes
    due_at: float
    attempts: int = 0
    holder: str | None = None


class MemoryWebhookInbox(_Shared):
    """Keeps webhooks in this process. Threads and event loops may share it.

    What was not handled when the process ends is lost, although Roblox was told that it is kept: it is for tests.

    Args:
        clock: Returns seconds.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(clock)
        self._rows: dict[str, _Row] = {}

    def __repr__(self) -> str:
        """Show how many there are."""
        return f"<{type(self).__name__} of {len(self._rows)} webhooks, {len(self._finished)} handled>"

    def add(self, key: str, body: bytes) -> bool:
        """Keep an event; see `WebhookInbox.add`."""
        with self._lock:
            if key in self._rows or key in self._finished:
                return False
            self._rows[key] = _Row(body, self._clock())
            return True

    def lease(self, holder: str, seconds: float) -> StoredWebhook | None:
        """Take the lease of an event; see `WebhookInbox.lease`."""
        with self._lock:
            now = self._clock()
            due = [(row.due_at, key) for key, row in self._rows.items() if row.due_at <= now]
            if not due:
                return None
            _, key = min(due)
            row = self._rows[key]
            row.holder, row.due_at, row.attempts = holder, now + seconds, row.attempts + 1
            return StoredWebhook(key, row.body, row.attempts)

    def renew(self, key: str, holder: str, seconds: float) -> bool:
        """Let a lease last longer; see `WebhookInbox.renew`."""
        return self._put_off(key, holder, seconds, holder)

    def release(self, key: str, holder: str, *, delay: float) -> None:
        """Give a lease back; see `WebhookInbox.release`."""
        self._put_off(key, holder, delay, None)

    def _put_off(self, key: str, holder: str, seconds: float, to: str | None) -> bool:
        with self._lock:
            row = self._rows.get(key)
            if row is None or row.holder != holder:
                return False
            row.holder, row.due_at = to, self._clock() + seconds
            return True

    def finish(self, key: str) -> None:
        """Note that an event was handled; see `WebhookInbox.finish`."""
        with self._lock:
            if self._rows.pop(key, None) is not None:
                self._finished[key] = self._clock()


class Standing(Enum):
    """How it stands with an event."""

    BEGUN = "begun"
    """It is the caller's to handle."""
    RUNNING = "running"
    """Another thread or task handles it."""
    FINISHED = "finished"
    """It was handled."""


class Ledger(_Shared):
    """Which events are being handled in this process, and which were.

    Args:
        seconds: For how long an event that was handled is remembered.
        most: How many of them at most.
        clock: Returns seconds.
    """

    def __init__(self, seconds: float, most: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(clock)
        self._seconds = seconds
        self._most = most
        self._running: set[str] = set()

    def begin(self, key: str) -> Standing:
        """Return how it stands with an event, and note that it is being handled where it was not."""
        self.purge(self._seconds)
        with self._lock:
            if key in self._finished:
                return Standing.FINISHED
            if key in self._running:
                return Standing.RUNNING
            self._running.add(key)
            return Standing.BEGUN

    def end(self, key: str, *, finished: bool) -> None:
        """Note that an event is not being handled any more; one that is not finished is forgotten."""
        with self._lock:
            self._running.discard(key)
            if finished:
                self._finished[key] = self._clock()
                if len(self._finished) > self._most:
                    del self._finished[next(iter(self._finished))]


_every: weakref.WeakSet[_Shared] = weakref.WeakSet()


def _renew_locks() -> None:
    """In a forked child, the lock may be held by a thread that it has not."""
    for shared in tuple(_every):
        shared._lock = threading.Lock()  # pyright: ignore[reportPrivateUsage]


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_locks)
