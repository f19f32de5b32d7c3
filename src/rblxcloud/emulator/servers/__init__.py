"""Game servers: lists, logs, restarts and forecasts of them."""

from __future__ import annotations

from collections.abc import Mapping

from rblxcloud.emulator.model import Handler
from rblxcloud.emulator.servers import listing, restarts, store
from rblxcloud.endpoints.model import Endpoint

__all__ = ["HANDLERS", "SCHEMA"]

SCHEMA = store.SCHEMA + restarts.SCHEMA

HANDLERS: Mapping[Endpoint, Handler] = {**listing.HANDLERS, **restarts.HANDLERS}
