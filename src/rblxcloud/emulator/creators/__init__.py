"""Users and groups: profiles, thumbnails, inventories, notifications, memberships, roles and forums."""

from __future__ import annotations

from collections.abc import Mapping

from rblxcloud.emulator.creators import (
    forum,
    groups,
    inventory,
    memberships,
    notifications,
    roles,
    thumbnails,
    users,
)
from rblxcloud.emulator.model import Handler
from rblxcloud.endpoints.model import Endpoint

__all__ = ["HANDLERS", "SCHEMA"]

SCHEMA = "".join(
    room.SCHEMA for room in (users, thumbnails, inventory, notifications, groups, roles, memberships, forum)
)

HANDLERS: Mapping[Endpoint, Handler] = {
    **users.HANDLERS,
    **thumbnails.HANDLERS,
    **inventory.HANDLERS,
    **notifications.HANDLERS,
    **groups.HANDLERS,
    **memberships.HANDLERS,
    **forum.HANDLERS,
}
