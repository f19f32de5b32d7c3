"""What goes over the wire: the body, and the header that signs it."""

from __future__ import annotations

import base64
import hmac
import json
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import uuid4

from rblxcloud.emulator.webhooks.events import Event

__all__ = ["SKEW", "Flaw", "encode", "sign"]

Flaw = Literal["unsigned", "wrong_secret", "tampered", "reencoded", "expired", "future", "replayed"]
"""What is wrong with a delivery.

Its signature is missing or of another secret; its body was changed, or decoded and encoded anew, after it was signed;
it was signed an hour ago, or in an hour; or it comes twice, the same to the last bit.
"""

SKEW: dict[str, float] = {"expired": -3600.0, "future": 3600.0, "replayed": 0.0}
"""By flaw, how long after the event the signature is made, once and for all; others are made at each attempt."""


def encode(event: Event, notification_id: str, moment: float) -> bytes:
    """Return the body of a notification: compact JSON, in the order that Roblox has.

    Args:
        event: What is told.
        notification_id: Id of the notification.
        moment: When it happened, in seconds since 1970 UTC.
    """
    return _compact(
        {
            "NotificationId": notification_id,
            "EventType": event.type,
            "EventTime": _ticks(moment),
            "EventPayload": dict(event.payload),
        }
    )


def sign(body: bytes, secret: str | None, moment: float, flaw: str | None = None) -> tuple[bytes, str]:
    """Return the body as it is sent, and the `roblox-signature` header.

    Args:
        body: The notification.
        secret: The webhook's secret; None for one without.
        moment: When it is signed, in seconds since 1970 UTC.
        flaw: What is to be wrong.
    """
    header = f"t={int(moment)}"
    if secret is not None and flaw != "unsigned":
        key = f"{secret} but another" if flaw == "wrong_secret" else secret
        digest = hmac.new(key.encode(), str(int(moment)).encode() + b"." + body, "sha256").digest()
        header += f",v1={base64.b64encode(digest).decode()}"
    if flaw == "tampered":
        body = _compact({**json.loads(body), "NotificationId": str(uuid4())})
    if flaw == "reencoded":
        body = json.dumps(json.loads(body)).encode()
    return body, header


def _compact(content: dict[str, Any]) -> bytes:
    return json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode()


def _ticks(moment: float) -> str:
    """Return a moment as .NET writes it: with seven fractional digits."""
    seconds, ticks = divmod(int(moment * 10**7), 10**7)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{ticks:07d}Z"
