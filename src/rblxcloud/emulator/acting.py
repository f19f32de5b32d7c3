"""As whom a caller acts: what a key or a token may do is bounded by what its owner may."""

from __future__ import annotations

from rblxcloud.emulator.api_keys import Resource
from rblxcloud.emulator.model import Call, Refusal, World

__all__ = ["acts_as_user", "check_creator", "is_anybody", "resource_of_creator"]


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


def check_creator(world: World, call: Call, creator: str) -> None:
    """Refuse a caller who may not do this to what a creator owns.

    Args:
        world: The emulator's state.
        call: The request.
        creator: Whose it is, as `users/1` or `groups/1`.

    Raises:
        Refusal: 403 unless the credential covers the creator, and its owner is the creator or works for that group.
    """
    resource = resource_of_creator(creator)
    covered = all(call.has_scope_on(scope, resource) for scope in call.endpoint.scopes.all_of)
    if not covered or not acts_as_user(call, creator):
        raise Refusal(403, "PERMISSION_DENIED", "The credential is not allowed to act for this creator.")
