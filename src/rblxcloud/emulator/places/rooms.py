"""All that the emulator has of places, in one."""

from __future__ import annotations

from collections.abc import Mapping

from rblxcloud.emulator.model import Handler
from rblxcloud.emulator.places import settings, table
from rblxcloud.endpoints.model import Endpoint

__all__ = ["HANDLERS", "SCHEMA"]

SCHEMA = table.SCHEMA

HANDLERS: Mapping[Endpoint, Handler] = {**settings.HANDLERS}
