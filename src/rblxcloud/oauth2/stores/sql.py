"""Tokens in a SQL database: SQLite or PostgreSQL, over SQLAlchemy Core."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from rblxcloud.config import also_unmade
from rblxcloud.errors import TokenStoreError
from rblxcloud.oauth2.stores.base import StoredToken, TokenKey, first_generation, new_sign_in_id
from rblxcloud.sql import SQLTable, sa
from rblxcloud.types import TokenPair


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
        self._table = SQLTable(
            database, table, _schema(), clock=clock, in_memory="MemoryTokenStore", failure=TokenStoreError
        )

    @also_unmade
    def __repr__(self) -> str:
        """Show where it is, without a password."""
        return f"<{type(self).__name__} {self._table.address}>"

    def close(self) -> None:
        """Close the idle connections; the store can be used again."""
        self._table.close()

    def save(self, key: TokenKey, pair: TokenPair) -> None:
        """Store the tokens of a user who has just signed in; see `TokenStore.save`."""
        rows = self._table.rows
        values = _tokens(pair) | _UNTOUCHED
        new = {"generation": first_generation(), "sign_in_id": new_sign_in_id()}
        statement = self._table.insert().values(**key._asdict(), **new, **values)
        statement = statement.on_conflict_do_update(
            index_elements=[rows.c.client_id, rows.c.user_id],
            set_={**values, "generation": rows.c.generation + 1},
        )
        with self._table.transaction() as connection:
            connection.execute(statement)

    def load(self, key: TokenKey) -> StoredToken | None:
        """Return a row; see `TokenStore.load`."""
        with self._table.transaction() as connection:
            return _stored(connection.execute(sa.select(*self._columns()).where(*self._is(key))).one_or_none())

    def lease(self, key: TokenKey, generation: int, holder: str, seconds: float) -> StoredToken | None:
        """Take the lease; see `TokenStore.lease`."""
        rows, now = self._table.rows.c, self._table.now()
        mine = sa.func.coalesce(rows.lease_holder, "") == holder
        statement = (
            sa.update(self._table.rows)
            .where(*self._is(key), rows.generation == generation, sa.not_(rows.ended))
            .where(sa.or_(rows.lease_holder.is_(None), rows.lease_until <= now, mine))
            .values(
                lease_holder=holder,
                lease_until=now + seconds,
                attempts=rows.attempts + sa.case((mine, 0), else_=1),
            )
            .returning(*self._columns())
        )
        with self._table.transaction() as connection:
            return _stored(connection.execute(statement).one_or_none())

    def replace(self, key: TokenKey, generation: int, pair: TokenPair) -> bool:
        """Store what a refresh brought; see `TokenStore.replace`."""
        values = _tokens(pair) | _UNTOUCHED
        return self._change(key, self._table.rows.c.generation == generation, generation=generation + 1, **values)

    def release(self, key: TokenKey, holder: str, *, undo: bool) -> None:
        """Give the lease back; see `TokenStore.release`."""
        rows = self._table.rows.c
        values: dict[str, Any] = {**_NO_LEASE, "attempts": rows.attempts - 1} if undo else {**_NO_LEASE}
        self._change(key, rows.lease_holder == holder, **values)

    def end(self, key: TokenKey, generation: int, holder: str) -> bool:
        """Mark the row as ended; see `TokenStore.end`."""
        rows = self._table.rows.c
        return self._change(
            key, rows.generation == generation, rows.lease_holder == holder, ended=sa.true(), **_NO_LEASE
        )

    def delete(self, key: TokenKey) -> StoredToken | None:
        """Forget a user; see `TokenStore.delete`."""
        statement = sa.delete(self._table.rows).where(*self._is(key)).returning(*self._columns())
        with self._table.transaction() as connection:
            return _stored(connection.execute(statement).one_or_none())

    def users(self, client_id: str) -> list[int]:
        """Return the ids of the users that have a row; see `TokenStore.users`."""
        rows = self._table.rows.c
        statement = sa.select(rows.user_id).where(rows.client_id == client_id).order_by(rows.user_id)
        with self._table.transaction() as connection:
            return [*connection.execute(statement).scalars()]

    def _change(self, key: TokenKey, *conditions: sa.ColumnElement[bool], **values: Any) -> bool:
        return self._table.change(*self._is(key), *conditions, **values) == 1

    def _is(self, key: TokenKey) -> tuple[sa.ColumnElement[bool], sa.ColumnElement[bool]]:
        return self._table.rows.c.client_id == key.client_id, self._table.rows.c.user_id == key.user_id

    def _columns(self) -> list[sa.ColumnElement[Any]]:
        rows = self._table.rows.c
        leased = sa.and_(rows.lease_holder.is_not(None), rows.lease_until > self._table.now()).label("leased")
        return [*(rows[name] for name in _READ), leased]


_READ = (
    *("client_id", "user_id", "token", "refresh_token", "scope", "expires_at"),
    *("generation", "attempts", "ended", "sign_in_id"),
)
_NO_LEASE: dict[str, Any] = {"lease_holder": None, "lease_until": 0.0}
_UNTOUCHED: dict[str, Any] = {**_NO_LEASE, "attempts": 0, "ended": False}


def _schema() -> list[sa.Column[Any]]:
    return [
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
    ]


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
