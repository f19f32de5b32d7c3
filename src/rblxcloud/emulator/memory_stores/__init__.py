"""Memory stores: sorted maps, queues, and the flush that empties them."""

from __future__ import annotations

from collections.abc import Mapping

from rblxcloud.emulator.memory_stores import flush, queues, sorted_maps, space
from rblxcloud.emulator.model import Handler
from rblxcloud.endpoints.model import Endpoint

__all__ = ["HANDLERS", "SCHEMA"]

SCHEMA = "".join(room.SCHEMA for room in (space, sorted_maps, queues, flush))

HANDLERS: Mapping[Endpoint, Handler] = {**sorted_maps.HANDLERS, **queues.HANDLERS, **flush.HANDLERS}
