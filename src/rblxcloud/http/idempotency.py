"""Idempotency keys: what lets a write be sent again although an earlier attempt may have been carried out."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import uuid4


def new_key() -> str:
    """Return a key that no other call has."""
    return str(uuid4())


def key_query(key: str, first_sent: float) -> dict[str, str]:
    """Return the query parameters of a key, which each attempt of a call carries.

    Args:
        key: The key.
        first_sent: When the first attempt starts, in seconds since 1970 UTC: Roblox forgets keys after a while, and
            refuses what was first sent before that.
    """
    moment = datetime.fromtimestamp(first_sent, UTC)
    return {"idempotencyKey.key": key, "idempotencyKey.firstSent": moment.isoformat().replace("+00:00", "Z")}
