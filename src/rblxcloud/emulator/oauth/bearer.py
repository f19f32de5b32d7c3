"""Access tokens as credentials of the other endpoints."""

from __future__ import annotations

import re

from rblxcloud.emulator.model import ErrorFamily, Refusal, World
from rblxcloud.emulator.oauth import tokens
from rblxcloud.emulator.oauth.grants import Authorization

__all__ = ["authenticate"]

_BEARER = re.compile(r"bearer +([\x21-\x7e]+) *", re.IGNORECASE)


def authenticate(world: World, header: str) -> Authorization:
    """Return what a caller with an access token may do.

    Args:
        world: The emulator's state.
        header: The `Authorization` header.

    Raises:
        Refusal: 401 when it holds no access token, or one that has expired or was revoked.
    """
    match = _BEARER.fullmatch(header)
    authorization = tokens.authorization_of(world, match[1]) if match else None
    if authorization is None:
        raise Refusal(401, "UNAUTHENTICATED", "Invalid access token", family=ErrorFamily.GATEWAY)
    return authorization
