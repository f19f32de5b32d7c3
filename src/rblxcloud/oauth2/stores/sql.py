"""Tokens in a SQL database: SQLite or PostgreSQL, over SQLAlchemy Core."""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any

from rblxcloud.errors import ConfigurationError, TokenStoreError
from rblxcloud.oauth2.stores.base import StoredToken, TokenKey, first_generation, new_sign_in_id
from rblxcloud.types import TokenPair

try:
    import sqlalchemy as sa
    from sqlalchemy.dialects import postgresql, sqlite
    from sqlalchemy.exc import DBAPIError, SQLAlchemyError, StatementError
except ImportError as _missing:
    raise ConfigurationError("tokens in a SQL database need an extra: pip install 'rblxcloud[sql]'") from _missing

_BUSY_SECONDS = 30.0
"""How long SQLite waits for another process's statement."""
_CONNECTION = {"connect_timeout": 10, "tcp_user_timeout": 30_000}
"""How long a PostgreSQL that does not answer is waited for: seconds to connect, milliseconds for what was sent."""


class SQLTokenStore:
    """Keeps tokens in a table of SQLite or PostgreSQL, which is made when it is missing.

    Processes on one machine may share a SQLite file, which only its owner can read when it is made here. Processes on
    several may share a PostgreSQL database, whose clock leases are reckoned by.

    Args:
        database: An address such as `sqlite:///tokens.db` or `postgresql+psycopg://user@host/name`, or an engine of
            SQLAlchemy's. An engine of yours should have `hide_parameters=True`: else its log can show tokens.
        table: Name of the table.
        clock: Returns seconds since 1970 UTC; leases in SQLite are reckoned by it.

    Raises:
        ConfigurationError: It is another kind of database, or SQLite in memory (`MemoryTokenStore` is for that).
    """

    def __init__(
        self,
        database: str | sa.URL | sa.Engine,
        *,
        table: str = "rblxcloud_tokens",
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._engine = database if isinstance(database, sa.Engine) else _open(database)
        dialect = self._engine.dialect.name
        if dialect not in ("sqlite", "postgresql"):
            raise ConfigurationError(f"tokens are kept in SQLite or PostgreSQL, not in {dialect}")
        if dialect == "sqlite" and self._engine.url.database in (None, "", ":memory:"):
            raise ConfigurationError("SQLite in memory is of one connection alone; use a file, or MemoryTokenStore")
        self._is_sqlite = dialect == "sqlite"
        self._clock = clock
        self._table = _table(table)
        self._made = False
        self._making = threading.Lock()
        _stores.add(self)

    def __repr__(self) -> str:
        """Show where it is, without a password."""
        return f"<{type(self).__name__} {self._engine.url!r}>"

    def close(self) -> None:
        """Close the idle connections; the store can be used again."""
        self._engine.dispose()

    def save(self, key: TokenKey, pair: TokenPair) -> None:
        """Store the tokens of a user who has just signed in; see `TokenStore.save`."""
        rows = self._table
        insert = sqlite.insert if self._is_sqlite else postgresql.insert
        values = _tokens(pair) | _UNTOUCHED
        new = {"generation": first_generation(), "sign_in_id": new_sign_in_id()}
        statement = insert(rows).values(**key._asdict(), **new, **values)
        statement = statement.on_conflict_do_update(
            index_elements=[rows.c.client_id, rows.c.user_id],
            set_={**values, "generation": rows.c.generation + 1},
        )
        with self._transaction() as connection:
            connection.execute(statement)

    def load(self, key: TokenKey) -> StoredToken | None:
        """Return a row; see `TokenStore.load`."""
        with self._transaction() as connection:
            return _stored(connection.execute(sa.select(*self._columns()).where(*self._is(key))).one_or_none())

    def lease(self, key: TokenKey, generation: int, holder: str, seconds: float) -> StoredToken | None:
        """Take the lease; see `TokenStore.lease`."""
        rows, now = self._table.c, self._now()
        mine = sa.func.coalesce(rows.lease_holder, "") == holder
        statement = (
            sa.update(self._table)
            .where(*self._is(key), rows.generation == generation, sa.not_(rows.ended))
            .where(sa.or_(rows.lease_holder.is_(None), rows.lease_until <= now, mine))
            .values(
                lease_holder=holder,
                lease_until=now + seconds,
                attempts=rows.attempts + sa.case((mine, 0), else_=1),
            )
            .returning(*self._columns())
        )
        with self._transaction() as connection:
            return _stored(connection.execute(statement).one_or_none())

    def replace(self, key: TokenKey, generation: int, pair: TokenPair) -> bool:
        """Store what a refresh brought; see `TokenStore.replace`."""
        values = _tokens(pair) | _UNTOUCHED
        return self._change(key, self._table.c.generation == generation, generation=generation + 1, **values)

    def release(self, key: TokenKey, holder: str, *, undo: bool) -> None:
        """Give the lease back; see `TokenStore.release`."""
        rows = self._table.c
        values: dict[str, Any] = {**_NO_LEASE, "attempts": rows.attempts - 1} if undo else {**_NO_LEASE}
        self._change(key, rows.lease_holder == holder, **values)

    def end(self, key: TokenKey, generation: int, holder: str) -> bool:
        """Mark the row as ended; see `TokenStore.end`."""
        rows = self._table.c
        return self._change(
            key, rows.generation == generation, rows.lease_holder == holder, ended=sa.true(), **_NO_LEASE
        )

    def delete(self, key: TokenKey) -> StoredToken | None:
        """Forget a user; see `TokenStore.delete`."""
        statement = sa.delete(self._table).where(*self._is(key)).returning(*self._columns())
        with self._transaction() as connection:
            return _stored(connection.execute(statement).one_or_none())

    def users(self, client_id: str) -> list[int]:
        """Return the ids of the users that have a row; see `TokenStore.users`."""
        rows = self._table.c
        statement = sa.select(rows.user_id).where(rows.client_id == client_id).order_by(rows.user_id)
        with self._transaction() as connection:
            return [*connection.execute(statement).scalars()]

    def _change(self, key: TokenKey, *conditions: sa.ColumnElement[bool], **values: Any) -> bool:
        statement = sa.update(self._table).where(*self._is(key), *conditions).values(**values)
        with self._transaction() as connection:
            return connection.execute(statement).rowcount == 1

    def _is(self, key: TokenKey) -> tuple[sa.ColumnElement[bool], sa.ColumnElement[bool]]:
        return self._table.c.client_id == key.client_id, self._table.c.user_id == key.user_id

    def _columns(self) -> list[sa.ColumnElement[Any]]:
        rows = self._table.c
        leased = sa.and_(rows.lease_holder.is_not(None), rows.lease_until > self._now()).label("leased")
        return [*(rows[name] for name in _READ), leased]

    def _now(self) -> sa.ColumnElement[float]:
        if self._is_sqlite:
            return sa.literal(self._clock(), sa.Double)
        return sa.cast(sa.extract("epoch", sa.func.clock_timestamp()), sa.Double)

    @contextmanager
    def _transaction(self) -> Generator[sa.Connection]:
        try:
            self._make_table()
            with self._engine.begin() as connection:
                yield connection
        except SQLAlchemyError as error:
            if isinstance(error, StatementError):
                # It stays behind ours as its context, and has the tokens among the statement's parameters.
                error.params = None
            original = error.orig if isinstance(error, DBAPIError) else None
            raise TokenStoreError(f"the database failed: {original or type(error).__name__}") from original

    def _make_table(self) -> None:
        if self._made:
            return
        with self._making:
            if self._is_sqlite:
                _make_private(self._engine.url.database)
            try:
                self._table.create(self._engine, checkfirst=True)
            except DBAPIError:
                # Another process made it at the same moment.
                if not sa.inspect(self._engine).has_table(self._table.name):
                    raise
            self._made = True

    def _after_fork(self) -> None:
        """Leave the parent's connections to the parent, and a lock that a thread of its may have held."""
        self._making = threading.Lock()
        self._engine.dispose(close=False)


_READ = (
    *("client_id", "user_id", "token", "refresh_token", "scope", "expires_at"),
    *("generation", "attempts", "ended", "sign_in_id"),
)
_NO_LEASE: dict[str, Any] = {"lease_holder": None, "lease_until": 0.0}
_UNTOUCHED: dict[str, Any] = {**_NO_LEASE, "attempts": 0, "ended": False}


def _table(name: str) -> sa.Table:
    return sa.Table(
        name,
        sa.MetaData(),
        sa.Column("client_id", sa.Text, primary_key=True),
        sa.Column("user_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("token", sa.Text, nullable=False),
        sa.Column("refresh_token", sa.Text, nullable=False),
        sa.Column("scope", sa.Text, nullable=False),
        sa.Column("expires_at", sa.Double, nullable=False),
        sa.Column("generation", sa.BigInteger, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("ended", sa.Boolean, nullable=False),
        sa.Column("lease_holder", sa.Text),
        sa.Column("lease_until", sa.Double, nullable=False),
        sa.Column("sign_in_id", sa.Text, nullable=False),
    )


def _open(database: str | sa.URL) -> sa.Engine:
    try:
        url = sa.make_url(database)
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


def _make_private(path: str | None) -> None:
    """Make the file of a new database, so that only its owner can read it: SQLite would let everybody."""
    if path is None or path.startswith("file:"):
        return
    # One that is there is not opened: closing it would end the locks that SQLite has on it elsewhere in this process.
    with suppress(OSError):  # SQLite says better what is wrong
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


def _tokens(pair: TokenPair) -> dict[str, Any]:
    return {
        "token": pair.token,
        "refresh_token": pair.refresh_token,
        "scope": " ".join(pair.scope),
        "expires_at": pair.expires_at.timestamp(),
    }


def _stored(row: Any) -> StoredToken | None:
    if row is None:
        return None
    expires_at = datetime.fromtimestamp(row.expires_at, UTC)
    pair = TokenPair(row.token, row.refresh_token, tuple(row.scope.split()), expires_at)
    key = TokenKey(row.client_id, row.user_id)
    return StoredToken(
        key, pair, row.generation, row.attempts, bool(row.ended), bool(row.leased), sign_in_id=row.sign_in_id
    )


_stores: weakref.WeakSet[SQLTokenStore] = weakref.WeakSet()


def _after_fork() -> None:
    for store in tuple(_stores):
        store._after_fork()  # pyright: ignore[reportPrivateUsage]


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
