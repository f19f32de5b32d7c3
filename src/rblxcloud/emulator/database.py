"""The SQLite database that holds the emulator's state."""

from __future__ import annotations

import sqlite3
from collections.abc import Generator, Iterable
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from rblxcloud.emulator.model import World

__all__ = ["connect", "transaction"]


def connect(database: str | Path, schemas: Iterable[str]) -> sqlite3.Connection:
    """Open the file that holds the state, and make its tables where they are missing.

    Args:
        database: Its path; `:memory:` for none.
        schemas: The tables, as SQL.
    """
    connection = sqlite3.connect(database, isolation_level=None, check_same_thread=False, cached_statements=512)
    try:
        # In the write-ahead log a commit survives the death of the process without waiting for the disk; only a loss of
        # power can take the last ones.
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        for schema in schemas:
            connection.executescript(schema)
    except sqlite3.Error:
        connection.close()
        raise
    return connection


@contextmanager
def transaction(lock: AbstractContextManager[object], world: World) -> Generator[sqlite3.Connection]:
    """Open the one transaction of a request; what goes wrong in it undoes it.

    Args:
        lock: Held meanwhile.
        world: The emulator's state.
    """
    with lock:
        database = world.database
        world.events.clear()
        database.execute("BEGIN IMMEDIATE")
        try:
            yield database
        except BaseException:
            database.execute("ROLLBACK")
            raise
        database.execute("COMMIT")
