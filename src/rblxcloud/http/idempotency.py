"""Idempotency keys: what lets a write be sent again although an earlier attempt may have been carried out."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import uuid4

from rblxcloud.http.session import Session


def idempotency_query(session: Session) -> dict[str, str]:
    """Return the query parameters of a new key. They are made before the first attempt, and each repeat carries them.

    Args:
        session: Its clock says when the request is first sent.
    """
    sent = datetime.fromtimestamp(session.runtime.wall_time(), UTC)
    return {
        "idempotencyKey.key": str(uuid4()),
        "idempotencyKey.firstSent": sent.isoformat().replace("+00:00", "Z"),
    }
