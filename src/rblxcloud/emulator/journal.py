"""The request log: what was asked, what was answered, and whether anything was done."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

__all__ = ["SCHEMA", "Journal", "LoggedRequest"]

SCHEMA = """
CREATE TABLE IF NOT EXISTS requests (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    time REAL NOT NULL,
    method TEXT NOT NULL,
    path TEXT NOT NULL,
    endpoint TEXT,
    status INTEGER,
    acted INTEGER NOT NULL,
    fault TEXT,
    tag TEXT
);
"""

_TRIM_EVERY = 256


@dataclass(frozen=True, slots=True)
class LoggedRequest:
    """One request that the emulator answered or dropped."""

    id: int
    """Counts the requests, in the order in which they were carried out; 0 before it is recorded."""
    time: float
    """Seconds since 1970 UTC on the emulator's clock."""
    method: str
    path: str
    """Raw path and query."""
    endpoint: str | None
    """Name of the endpoint; None for an unknown path."""
    status: int | None
    """Status that was sent; None when nothing was."""
    acted: bool
    """Whether the service did what was asked, and kept it."""
    fault: str | None = None
    """Kind of the fault that struck."""
    tag: str | None = None
    """The request's `x-emulator-tag` header, by which a test finds its own requests again."""


class Journal:
    """The log in the emulator's database; it forgets the oldest entries.

    Args:
        database: The emulator's database.
        size: How many entries it keeps at least.
    """

    def __init__(self, database: sqlite3.Connection, size: int) -> None:
        self._database = database
        self._size = size

    def record(self, entry: LoggedRequest) -> None:
        """Append an entry."""
        cursor = self._database.execute(
            "INSERT INTO requests (time, method, path, endpoint, status, acted, fault, tag)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                entry.time,
                entry.method,
                entry.path,
                entry.endpoint,
                entry.status,
                entry.acted,
                entry.fault,
                entry.tag,
            ),
        )
        last = cursor.lastrowid or 0
        if last % _TRIM_EVERY == 0:
            self._database.execute("DELETE FROM requests WHERE id <= ?", (last - self._size,))

    def entries(
        self, *, after: int = 0, limit: int | None = None, endpoint: str | None = None, tag: str | None = None
    ) -> list[LoggedRequest]:
        """Return entries, oldest first.

        Args:
            after: Only those with a greater id.
            limit: At most that many; None for all.
            endpoint: Only those of the endpoint with this name.
            tag: Only those with this tag.
        """
        rows = self._database.execute(
            "SELECT id, time, method, path, endpoint, status, acted, fault, tag FROM requests"
            " WHERE id > :after AND (:endpoint IS NULL OR endpoint = :endpoint) AND (:tag IS NULL OR tag = :tag)"
            " ORDER BY id LIMIT :limit",
            {"after": after, "endpoint": endpoint, "tag": tag, "limit": -1 if limit is None else limit},
        )
        return [
            LoggedRequest(number, time, method, path, endpoint, status, bool(acted), fault, tag)
            for number, time, method, path, endpoint, status, acted, fault, tag in rows
        ]

    def clear(self) -> None:
        """Forget every entry; ids go on counting."""
        self._database.execute("DELETE FROM requests")
