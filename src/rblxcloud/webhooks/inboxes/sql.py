"""Webhooks in a SQL database: SQLite or PostgreSQL, over SQLAlchemy Core."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from rblxcloud.config import also_unmade
from rblxcloud.errors import WebhookInboxError
from rblxcloud.sql import SQLTable, sa
from rblxcloud.webhooks.inboxes.base import StoredWebhook


class SQLWebhookInbox:
    """Keeps webhooks in a table of SQLite or PostgreSQL, which is made when it is missing.

    Processes on one machine may share a SQLite file; processes on several, a PostgreSQL database, whose clock leases
    are reckoned by.

    Args:
        database: An address such as `sqlite:///inbox.db` or `postgresql+psycopg://user@host/name`, or an engine of
            SQLAlchemy's.
        table: Name of the table.
        clock: Returns seconds since 1970 UTC; leases in SQLite are reckoned by it.

    Raises:
        ConfigurationError: It is another kind of database, or SQLite in memory (`MemoryWebhookInbox` is for that).
    """

    def __init__(
        self,
        database: str | sa.URL | sa.Engine,
        *,
        table: str = "rblxcloud_webhooks",
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._table = SQLTable(
            database, table, _schema(), clock=clock, in_memory="MemoryWebhookInbox", failure=WebhookInboxError
        )

    @also_unmade
    def __repr__(self) -> str:
        """Show where it is, without a password."""
        return f"<{type(self).__name__} {self._table.address}>"

    def close(self) -> None:
        """Close the idle connections; the inbox can be used again."""
        self._table.close()

    def add(self, key: str, body: bytes) -> bool:
        """Keep an event; see `WebhookInbox.add`."""
        values = {"key": key, "body": body, "attempts": 0, "due_at": self._table.now()}
        # Not by the number of rows: SQLAlchemy does not say it of an insertion into PostgreSQL.
        statement = self._table.insert().values(**values).on_conflict_do_nothing().returning(self._table.rows.c.key)
        with self._table.transaction() as connection:
            return connection.execute(statement).one_or_none() is not None

    def lease(self, holder: str, seconds: float) -> StoredWebhook | None:
        """Take the lease of an event; see `WebhookInbox.lease`."""
        rows, now = self._table.rows.c, self._table.now()
        due = sa.select(rows.key).where(rows.finished_at.is_(None), rows.due_at <= now)
        # What somebody else is about to take is passed over, so that PostgreSQL gives nobody the same event.
        first = due.order_by(rows.due_at).limit(1).with_for_update(skip_locked=True)
        statement = (
            sa.update(self._table.rows)
            .where(rows.key == first.scalar_subquery())
            .values(holder=holder, due_at=now + seconds, attempts=rows.attempts + 1)
            .returning(rows.key, rows.body, rows.attempts)
        )
        with self._table.transaction() as connection:
            row = connection.execute(statement).one_or_none()
            return None if row is None else StoredWebhook(row.key, row.body, row.attempts)

    def renew(self, key: str, holder: str, seconds: float) -> bool:
        """Let a lease last longer; see `WebhookInbox.renew`."""
        rows = self._table.rows.c
        return self._table.change(rows.key == key, rows.holder == holder, due_at=self._table.now() + seconds) == 1

    def release(self, key: str, holder: str, *, delay: float) -> None:
        """Give a lease back; see `WebhookInbox.release`."""
        rows = self._table.rows.c
        self._table.change(rows.key == key, rows.holder == holder, holder=None, due_at=self._table.now() + delay)

    def finish(self, key: str) -> None:
        """Note that an event was handled; see `WebhookInbox.finish`."""
        rows = self._table.rows.c
        self._table.change(
            rows.key == key, rows.finished_at.is_(None), finished_at=self._table.now(), body=b"", holder=None
        )

    def purge(self, seconds: float) -> int:
        """Forget events that were handled; see `WebhookInbox.purge`."""
        rows = self._table.rows.c
        statement = sa.delete(self._table.rows).where(rows.finished_at < self._table.now() - seconds)
        with self._table.transaction() as connection:
            return connection.execute(statement).rowcount


def _schema() -> list[sa.Column[Any]]:
    return [
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("due_at", sa.Double, nullable=False, index=True),
        sa.Column("holder", sa.Text),
        sa.Column("finished_at", sa.Double, index=True),
    ]
