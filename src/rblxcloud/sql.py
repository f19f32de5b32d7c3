"""A table of SQLite or PostgreSQL that threads and processes share, over SQLAlchemy Core."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import parse_qs, unquote_to_bytes, urlsplit

from rblxcloud.errors import ConfigurationError, RblxCloudError

try:
    import sqlalchemy as sa
    from sqlalchemy.dialects import postgresql, sqlite
    from sqlalchemy.exc import DBAPIError, SQLAlchemyError, StatementError
except ImportError as _missing:
    raise ConfigurationError("a SQL database needs an extra: pip install 'rblxcloud[sql]'") from _missing

__all__ = ["SQLTable", "sa"]

_BUSY_SECONDS = 30.0
"""How long SQLite waits for another process's statement."""
_CONNECTION = {"connect_timeout": 10, "tcp_user_timeout": 30_000}
"""How long a PostgreSQL that does not answer is waited for: seconds to connect, milliseconds for what was sent."""


class SQLTable:
    """A table, which is made when it is missing. Each use of it is one short transaction.

    Args:
        database: An address such as `sqlite:///file.db` or `postgresql+psycopg://user@host/name`, or an engine of
            SQLAlchemy's.
        name: Name of the table.
        columns: Its columns.
        clock: Returns seconds since 1970 UTC, for SQLite; PostgreSQL has a clock of its own.
        in_memory: What is there for those who would want SQLite in memory, for the error.
        failure: Makes the error that a failing database is told by.

    Raises:
        ConfigurationError: It is another kind of database, or SQLite in memory.
    """

    def __init__(
        self,
        database: str | sa.URL | sa.Engine,
        name: str,
        columns: Sequence[sa.Column[Any]],
        *,
        clock: Callable[[], float],
        in_memory: str,
        failure: Callable[[str], RblxCloudError],
    ) -> None:
        self._engine = database if isinstance(database, sa.Engine) else _open(database)
        dialect = self._engine.dialect.name
        if dialect not in ("sqlite", "postgresql"):
            raise ConfigurationError(f"the database has to be SQLite or PostgreSQL, not {dialect}")
        if dialect == "sqlite" and self._engine.url.database in (None, "", ":memory:"):
            raise ConfigurationError(f"SQLite in memory is of one connection alone; use a file, or {in_memory}")
        if self._engine.dialect.is_async:
            raise ConfigurationError("the database's driver is for asyncio; use a blocking one, such as psycopg")
        self._is_sqlite = dialect == "sqlite"
        self._clock = clock
        self._failure = failure
        self._made = False
        self._making = threading.Lock()
        self.rows: sa.Table = sa.Table(name, sa.MetaData(), *columns)
        """The table, for statements."""
        _tables.add(self)

    @property
    def address(self) -> str:
        """Where it is, without a password."""
        return repr(self._engine.url)

    def close(self) -> None:
        """Close the idle connections; the table can be used again."""
        self._engine.dispose()

    def now(self) -> sa.ColumnElement[float]:
        """Return the moment, in seconds since 1970 UTC, as an expression."""
        if self._is_sqlite:
            return sa.literal(self._clock(), sa.Double)
        return sa.cast(sa.extract("epoch", sa.func.clock_timestamp()), sa.Double)

    def insert(self) -> Any:
        """Return a statement that inserts, and can say what to do on a conflict."""
        return (sqlite.insert if self._is_sqlite else postgresql.insert)(self.rows)

    def change(self, *conditions: sa.ColumnElement[bool], **values: Any) -> int:
        """Change the rows for which all conditions hold, and return how many there were."""
        with self.transaction() as connection:
            return connection.execute(sa.update(self.rows).where(*conditions).values(**values)).rowcount

    @contextmanager
    def transaction(self) -> Generator[sa.Connection]:
        """Open a transaction, and commit it when the context ends.

        Raises:
            RblxCloudError: The database failed.
        """
        try:
            self._make()
            with self._engine.begin() as connection:
                yield connection
        except SQLAlchemyError as error:
            if isinstance(error, StatementError):
                # It stays behind ours as its context, and what is secret can stand among the statement's parameters.
                error.params = None
            original = error.orig if isinstance(error, DBAPIError) else None
            raise self._failure(f"the database failed: {original or type(error).__name__}") from original

    def _make(self) -> None:
        if self._made:
            return
        with self._making:
            if self._is_sqlite:
                _make_private(self._engine)
            try:
                self.rows.create(self._engine, checkfirst=True)
            except DBAPIError:
                # Another process made it at the same moment.
                if not sa.inspect(self._engine).has_table(self.rows.name):
                    raise
            self._made = True

    def _after_fork(self) -> None:
        """Leave the parent's connections to the parent, and a lock that a thread of its may have held."""
        self._making = threading.Lock()
        self._engine.dispose(close=False)


def _open(database: str | sa.URL) -> sa.Engine:
    try:
        url = sa.make_url(database)
        if url.drivername == "postgresql":
            url = url.set(drivername="postgresql+psycopg")  # The driver of our extra; SQLAlchemy would take psycopg2.
        if url.get_backend_name() != "sqlite":
            arguments = _CONNECTION if url.get_driver_name() in ("psycopg", "psycopg2") else {}
            return sa.create_engine(url, hide_parameters=True, pool_pre_ping=True, connect_args=arguments)
        # A connection to a file costs nothing, and one that is not kept cannot be shared over a fork.
        engine = sa.create_engine(
            url, hide_parameters=True, poolclass=sa.NullPool, connect_args={"timeout": _BUSY_SECONDS}
        )
    except (SQLAlchemyError, ImportError) as error:
        raise ConfigurationError(f"the database cannot be opened: {error}") from None
    return engine


def _make_private(engine: sa.Engine) -> None:
    """Make the file of a new database, so that only its owner can read it: SQLite would let everybody."""
    # One that is there is not opened: closing it would end the locks that SQLite has on it elsewhere in this process.
    with suppress(OSError, ValueError):  # SQLite says better what is wrong
        path = _new_file(engine)
        if path is not None:
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


def _new_file(engine: sa.Engine) -> str | bytes | None:
    """Return the file that SQLite makes where it is missing; None where it makes none."""
    arguments, options = engine.dialect.create_connect_args(engine.url)
    name: str = arguments[0]
    if not options.get("uri") or not name.startswith("file:"):
        return name
    # https://sqlite.org/uri.html
    uri = urlsplit(name)
    mode = parse_qs(uri.query).get("mode", ["rwc"])[-1]
    path = unquote_to_bytes(uri.path)
    is_made = mode == "rwc" and uri.netloc in ("", "localhost") and path not in (b"", b":memory:")
    return path if is_made else None


_tables: weakref.WeakSet[SQLTable] = weakref.WeakSet()


def _after_fork() -> None:
    for table in tuple(_tables):
        table._after_fork()  # pyright: ignore[reportPrivateUsage]


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
