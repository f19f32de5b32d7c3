"""As whom a caller acts: what a key or a token may do is bounded by what its owner may."""

from __future__ import annotations

from rblxcloud.emulator.api_keys import Resource
from rblxcloud.emulator.model import Call

__all__ = ["acts_as_user", "is_anybody", "resource_of_creator"]


def resource_of_creator(creator: str) -> Resource:
    """Return the resource that a key can be restricted to.

    Args:
        creator: `users/1` or `groups/1`.
    """
    kind, _, number = creator.partition("/")
    return Resource(user=number) if kind == "users" else Resource(group=number)


def is_anybody(call: Call, creator: str) -> bool:
    """Return whether the key is one of the emulator's own with every scope: it stands for whoever is addressed."""
    return call.has_scope_on("*", resource_of_creator(creator))


def acts_as_user(call: Call, user: str) -> bool:
    """Return whether a caller is a user, or stands for every one.

    Args:
        call: The request.
        user: Such as `users/1`.
    """
    return call.principal.owner == user or is_anybody(call, user)
