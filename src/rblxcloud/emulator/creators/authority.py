"""Whether a caller may do something to what a user or a group owns."""

from __future__ import annotations

from rblxcloud.emulator.acting import acts_as_user, resource_of_creator
from rblxcloud.emulator.creators import groups
from rblxcloud.emulator.model import Call, Refusal, World

__all__ = ["check_creator", "may_act_for"]

_GROUP_PERMISSION = "manageAvatarItems"


def may_act_for(world: World, call: Call, creator: str) -> bool:
    """Return whether a caller may do what a request asks for to what a creator owns.

    Args:
        world: The emulator's state.
        call: The request.
        creator: Whose it is, as `users/1` or `groups/1`.
    """
    resource = resource_of_creator(creator)
    if not all(call.has_scope_on(scope, resource) for scope in call.endpoint.scopes.all_of):
        return False
    if acts_as_user(call, creator):
        return True
    group = groups.find(world, int(resource.group)) if resource.group else None
    return group is not None and groups.allows(world, call, group, _GROUP_PERMISSION)


def check_creator(world: World, call: Call, creator: str) -> None:
    """Refuse a caller who may not do what a request asks for to what a creator owns.

    Args:
        world: The emulator's state.
        call: The request.
        creator: Whose it is, as `users/1` or `groups/1`.

    Raises:
        Refusal: 403 unless the credential covers the creator, and its owner is the creator or works for that group.
    """
    if not may_act_for(world, call, creator):
        raise Refusal(403, "PERMISSION_DENIED", "The credential is not allowed to act for this creator.")
