"""Who the users are, as OpenID Connect tells it."""

from __future__ import annotations

__all__ = ["id_claims", "picture"]

_JOINED = 1_373_701_800
"""When every user joined, in seconds since 1970 UTC."""


def id_claims(user: str, scopes: tuple[str, ...]) -> dict[str, object]:
    """Return the claims about a user that scopes allow.

    Args:
        user: Id of the user.
        scopes: What was granted, `openid` among it.
    """
    if "profile" not in scopes:
        return {"sub": user}
    return {
        "sub": user,
        "name": f"User {user}",
        "nickname": f"User {user}",
        "preferred_username": f"user{user}",
        "created_at": _JOINED,
        "profile": f"https://www.roblox.com/users/{user}/profile",
    }


def picture(user: str) -> str:
    """Return the address of a user's headshot; nothing is there."""
    return f"https://tr.rbxcdn.com/emulator/{user}/150/150/AvatarHeadshot/Png"
