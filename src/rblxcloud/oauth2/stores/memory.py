"""Tokens in memory: for one process, and gone with it."""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections.abc import Callable
from dataclasses import dataclass

from rblxcloud.oauth2.stores.base import StoredToken, TokenKey, first_generation, new_sign_in_id
from rblxcloud.types import TokenPair


@dataclass(slots=True)
class _Row:
    pair: TokenPair
    generation: int
    sign_in_id: str
    attempts: int = 0
    ended: bool = False
    holder: str | None = None
    lease_until: float = 0.0


class MemoryTokenStore:
    """Keeps tokens in this process. Threads and event loops may share it.

    Args:
        clock: Returns seconds; leases are reckoned by it.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._rows: dict[TokenKey, _Row] = {}
        self._lock = threading.Lock()
        _stores.add(self)

    def __repr__(self) -> str:
        """Show how many users there are."""
        return f"<{type(self).__name__} of {len(self._rows)} users>"

    def save(self, key: TokenKey, pair: TokenPair) -> None:
        """Store the tokens of a user who has just signed in; see `TokenStore.save`."""
        with self._lock:
            before = self._rows.get(key)
            if before is None:
                self._rows[key] = _Row(pair, first_generation(), new_sign_in_id())
            else:
                self._rows[key] = _Row(pair, before.generation + 1, before.sign_in_id)

    def load(self, key: TokenKey) -> StoredToken | None:
        """Return a row; see `TokenStore.load`."""
        with self._lock:
            row = self._rows.get(key)
            return None if row is None else self._stored(key, row)

    def lease(self, key: TokenKey, generation: int, holder: str, seconds: float) -> StoredToken | None:
        """Take the lease; see `TokenStore.lease`."""
        with self._lock:
            row = self._rows.get(key)
            if row is None or row.generation != generation or row.ended:
                return None
            if row.holder != holder:
                if self._is_leased(row):
                    return None
                row.attempts += 1
            row.holder, row.lease_until = holder, self._clock() + seconds
            return self._stored(key, row)

    def replace(self, key: TokenKey, generation: int, pair: TokenPair) -> bool:
        """Store what a refresh brought; see `TokenStore.replace`."""
        with self._lock:
            row = self._rows.get(key)
            if row is None or row.generation != generation:
                return False
            self._rows[key] = _Row(pair, generation + 1, row.sign_in_id)
            return True

    def release(self, key: TokenKey, holder: str, *, undo: bool) -> None:
        """Give the lease back; see `TokenStore.release`."""
        with self._lock:
            row = self._rows.get(key)
            if row is not None and row.holder == holder:
                row.holder, row.lease_until = None, 0.0
                row.attempts -= 1 if undo else 0

    def end(self, key: TokenKey, generation: int, holder: str) -> bool:
        """Mark the row as ended; see `TokenStore.end`."""
        with self._lock:
            row = self._rows.get(key)
            if row is None or row.generation != generation or row.holder != holder:
                return False
            row.ended, row.holder, row.lease_until = True, None, 0.0
            return True

    def delete(self, key: TokenKey) -> StoredToken | None:
        """Forget a user; see `TokenStore.delete`."""
        with self._lock:
            row = self._rows.pop(key, None)
            return None if row is None else self._stored(key, row)

    def users(self, client_id: str) -> list[int]:
        """Return the ids of the users that have a row; see `TokenStore.users`."""
        with self._lock:
            return sorted(key.user_id for key in self._rows if key.client_id == client_id)

    def _is_leased(self, row: _Row) -> bool:
        return row.holder is not None and row.lease_until > self._clock()

    def _stored(self, key: TokenKey, row: _Row) -> StoredToken:
        leased = self._is_leased(row)
        return StoredToken(key, row.pair, row.generation, row.attempts, row.ended, leased, row.sign_in_id)


_stores: weakref.WeakSet[MemoryTokenStore] = weakref.WeakSet()


def _renew_locks() -> None:
    """In a forked child, the lock may be held by a thread that it has not."""
    for store in tuple(_stores):
        store._lock = threading.Lock()  # pyright: ignore[reportPrivateUsage]


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_locks)
