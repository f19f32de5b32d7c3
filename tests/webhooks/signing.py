"""Webhooks as Roblox sends them: bodies, and headers that sign them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

SECRET = "the secret of the webhook"
NOW = 1_780_000_000
NUMBER = "11111111-2222-3333-4444-555555555555"


def body(kind: str = "RightToErasureRequest", payload: Any = None, *, number: str = NUMBER, **more: Any) -> bytes:
    """Return a body; by default a request to erase user 7 in the experience that starts in place 13059."""
    content = {
        "NotificationId": number,
        "EventType": kind,
        "EventTime": "2026-05-28T20:26:40.1234567Z",
        "EventPayload": {"UserId": 7, "GameIds": [13059]} if payload is None else payload,
        **more,
    }
    return json.dumps(content, separators=(",", ":")).encode()


def signature(content: bytes, secret: str = SECRET, moment: float = NOW) -> str:
    message = f"{int(moment)}.".encode() + content
    return base64.b64encode(hmac.new(secret.encode(), message, hashlib.sha256).digest()).decode()


def signed(content: bytes, secret: str = SECRET, moment: float = NOW) -> dict[str, str]:
    """Return the headers that sign a body."""
    return {"roblox-signature": f"t={int(moment)},v1={signature(content, secret, moment)}"}
