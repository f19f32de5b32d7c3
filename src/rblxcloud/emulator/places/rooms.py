"""All that the emulator has of places, in one."""

from __future__ import annotations

from collections.abc import Mapping

from rblxcloud.emulator.model import Handler
from rblxcloud.emulator.places import instances, settings, table, team, tree, versions
from rblxcloud.endpoints.model import Endpoint

__all__ = ["HANDLERS", "SCHEMA"]

SCHEMA = "".join(room.SCHEMA for room in (table, versions, tree, instances, team))

HANDLERS: Mapping[Endpoint, Handler] = {
    **settings.HANDLERS,
    **versions.HANDLERS,
    **instances.HANDLERS,
    **team.HANDLERS,
}
