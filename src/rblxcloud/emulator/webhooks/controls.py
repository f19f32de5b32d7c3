"""Who wants to be told, what is to be told, and what became of it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import get_args
from urllib.parse import urlsplit
from uuid import uuid4

from rblxcloud.emulator.model import World
from rblxcloud.emulator.webhooks.events import Event
from rblxcloud.emulator.webhooks.signer import SKEW, Flaw, encode, sign

__all__ = [
    "MOST_WEBHOOKS",
    "RETRIES",
    "TIMEOUT",
    "OutgoingWebhook",
    "RegisteredWebhook",
    "WebhookAttempt",
    "WebhookControls",
    "WebhookDelivery",
]

MOST_WEBHOOKS = 5
RETRIES = 5
TIMEOUT = 5.0
"""Seconds that an answer is waited for."""
RETRY_INTERVAL = 1.0


@dataclass(frozen=True, slots=True)
class RegisteredWebhook:
    """An address that wants to be told."""

    id: int
    url: str
    event_types: tuple[str, ...] | None
    """Which events; None for all."""
    signed: bool
    """Whether it has a secret, which is not shown."""


@dataclass(frozen=True, slots=True)
class WebhookAttempt:
    """One request of a delivery."""

    time: float
    """Seconds since 1970 UTC on the emulator's clock."""
    status: int | None
    """What was answered; None where nothing was."""
    problem: str | None
    """Why nothing was."""


@dataclass(frozen=True, slots=True)
class WebhookDelivery:
    """A notification to one address."""

    id: int
    webhook: int
    """Id of the registered webhook."""
    notification_id: str
    event_type: str
    flaw: str | None
    state: str
    """`pending`, `delivered` or `abandoned`."""
    attempts: tuple[WebhookAttempt, ...]
    """The requests, oldest first."""


@dataclass(frozen=True, slots=True)
class OutgoingWebhook:
    """A request that is to be sent now."""

    delivery: int
    """Id of the delivery."""
    notification_id: str
    url: str
    headers: dict[str, str]
    body: bytes = field(repr=False)


class WebhookControls:
    """Webhooks, as the Creator Dashboard and Roblox's own clockwork have them.

    Args:
        world: The emulator's state.
        transaction: Opens a transaction on it.
    """

    def __init__(self, world: World, transaction: Callable[[], AbstractContextManager[sqlite3.Connection]]) -> None:
        self._world = world
        self._transaction = transaction
        self._listeners: list[Callable[[], object]] = []
        self.retry_interval: float = RETRY_INTERVAL
        """Seconds between two attempts, on the emulator's clock."""

    def add(self, url: str, secret: str | None = None, event_types: Iterable[str] | None = None) -> int:
        """Register an address, as in the Creator Dashboard, and return its id.

        Args:
            url: Where notifications go: https, or http, which the emulator takes too.
            secret: Signs them; None for notifications without a signature.
            event_types: Which events; None for all.

        Raises:
            ValueError: The address is none, the secret is empty, or there are five webhooks already.
        """
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("the address has to begin with https:// or http://")
        if secret == "":
            raise ValueError("the secret is empty; leave it out for a webhook without one")
        wanted = None if event_types is None else json.dumps(list(event_types))
        with self._transaction() as database:
            (count,) = database.execute("SELECT count(*) FROM webhooks").fetchone()
            if count >= MOST_WEBHOOKS:
                raise ValueError(f"there are {MOST_WEBHOOKS} webhooks already")
            row = database.execute(
                "INSERT INTO webhooks (url, secret, event_types) VALUES (?, ?, ?)", (url, secret, wanted)
            )
            return row.lastrowid or 0

    def remove(self, webhook: int) -> bool:
        """Forget an address and what was still to be sent to it, and return whether there was one."""
        with self._transaction() as database:
            database.execute(
                "UPDATE webhook_deliveries SET state = 'abandoned' WHERE webhook = ? AND state = 'pending'", (webhook,)
            )
            return database.execute("DELETE FROM webhooks WHERE id = ?", (webhook,)).rowcount == 1

    def registered(self) -> list[RegisteredWebhook]:
        """Return the addresses that want to be told."""
        with self._transaction() as database:
            return _registered(database)

    def trigger(self, event: Event, *, notification_id: str | None = None, flaw: Flaw | None = None) -> str:
        """Let something happen that is told to every address which wants to know of it.

        Args:
            event: What happens.
            notification_id: Id of the notification; None for a new one. The same one again is a duplicate.
            flaw: What is to be wrong with the deliveries.

        Returns:
            The id of the notification.

        Raises:
            ValueError: There is no such flaw.
        """
        if flaw is not None and flaw not in get_args(Flaw):
            raise ValueError(f"flaw has to be one of {', '.join(get_args(Flaw))}")
        number, now = notification_id or str(uuid4()), self._world.now()
        body = encode(event, number, now)
        signed_at = now + SKEW[flaw] if flaw in SKEW else None
        copies = 2 if flaw == "replayed" else 1
        with self._transaction() as database:
            for webhook in _registered(database):
                if webhook.event_types is None or event.type in webhook.event_types:
                    database.executemany(
                        "INSERT INTO webhook_deliveries (webhook, notification_id, event_type, body, flaw, signed_at,"
                        " due_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
                        [(webhook.id, number, event.type, body, flaw, signed_at, now)] * copies,
                    )
        for listener in tuple(self._listeners):
            listener()
        return number

    def deliveries(self, *, after: int = 0, limit: int | None = None) -> list[WebhookDelivery]:
        """Return the deliveries there were, oldest first, with their attempts.

        Args:
            after: Only those with a greater id.
            limit: At most that many; None for all.
        """
        with self._transaction() as database:
            rows = database.execute(
                "SELECT id, webhook, notification_id, event_type, flaw, state FROM webhook_deliveries"
                " WHERE id > ? ORDER BY id LIMIT ?",
                (after, -1 if limit is None else limit),
            ).fetchall()
            return [
                WebhookDelivery(number, webhook, notification, kind, flaw, state, _attempts(database, number))
                for number, webhook, notification, kind, flaw, state in rows
            ]

    # --- for who delivers

    def is_waiting(self) -> bool:
        """Return whether something is to be sent, now or later."""
        with self._transaction() as database:
            return database.execute("SELECT 1 FROM webhook_deliveries WHERE state = 'pending'").fetchone() is not None

    def take_due(self, limit: int | None = None) -> list[OutgoingWebhook]:
        """Return the requests that are to be sent now, each signed for its attempt.

        Each has to be reported to `record`. One that never is, is due again when its time is over.

        Args:
            limit: At most that many; None for all.
        """
        now = self._world.now()
        with self._transaction() as database:
            rows = database.execute(
                "SELECT webhook_deliveries.id, notification_id, url, secret, body, flaw, signed_at"
                " FROM webhook_deliveries JOIN webhooks ON webhooks.id = webhook"
                " WHERE state = 'pending' AND due_at <= ? ORDER BY webhook_deliveries.id LIMIT ?",
                (now, -1 if limit is None else limit),
            ).fetchall()
            database.executemany(
                "UPDATE webhook_deliveries SET due_at = ? WHERE id = ?",
                [(now + TIMEOUT + self.retry_interval, row[0]) for row in rows],
            )
        outgoing: list[OutgoingWebhook] = []
        for delivery, number, url, secret, body, flaw, signed_at in rows:
            sent, signature = sign(body, secret, now if signed_at is None else signed_at, flaw)
            headers = {"content-type": "application/json", "roblox-signature": signature}
            outgoing.append(OutgoingWebhook(delivery, number, url, headers, sent))
        return outgoing

    def record(self, outgoing: OutgoingWebhook, *, status: int | None = None, problem: str | None = None) -> None:
        """Note what became of a request: delivered by a 2XX, tried again five times, then abandoned.

        Args:
            outgoing: What was sent; nothing is noted when the emulator was reset meanwhile.
            status: What was answered; None where nothing was.
            problem: Why nothing was.
        """
        now = self._world.now()
        with self._transaction() as database:
            is_there = "SELECT 1 FROM webhook_deliveries WHERE id = ? AND notification_id = ?"
            if database.execute(is_there, (outgoing.delivery, outgoing.notification_id)).fetchone() is None:
                return
            database.execute(
                "INSERT INTO webhook_attempts (delivery, time, status, problem) VALUES (?, ?, ?, ?)",
                (outgoing.delivery, now, status, problem),
            )
            attempts = len(_attempts(database, outgoing.delivery))
            delivered = status is not None and 200 <= status < 300
            state = "delivered" if delivered else "abandoned" if attempts > RETRIES else "pending"
            database.execute(
                "UPDATE webhook_deliveries SET state = ?, due_at = ? WHERE id = ? AND state = 'pending'",
                (state, now + self.retry_interval, outgoing.delivery),
            )

    def listen(self, callback: Callable[[], object]) -> Callable[[], None]:
        """Call `callback` whenever something is to be sent, and return a function that ends that."""
        self._listeners.append(callback)

        def end() -> None:
            if callback in self._listeners:
                self._listeners.remove(callback)

        return end


def _registered(database: sqlite3.Connection) -> list[RegisteredWebhook]:
    rows = database.execute("SELECT id, url, event_types, secret IS NOT NULL FROM webhooks ORDER BY id")
    return [
        RegisteredWebhook(number, url, None if types is None else tuple(json.loads(types)), bool(signed))
        for number, url, types, signed in rows
    ]


def _attempts(database: sqlite3.Connection, delivery: int) -> tuple[WebhookAttempt, ...]:
    rows = database.execute(
        "SELECT time, status, problem FROM webhook_attempts WHERE delivery = ? ORDER BY id", (delivery,)
    )
    return tuple(WebhookAttempt(*row) for row in rows)
