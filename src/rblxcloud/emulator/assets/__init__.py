"""Assets: uploads and what they come to, versions, permissions, quotas and downloads."""

from __future__ import annotations

from collections.abc import Mapping

from rblxcloud.emulator.assets import operations, store, uploads
from rblxcloud.emulator.model import Handler
from rblxcloud.endpoints.model import Endpoint

__all__ = ["HANDLERS", "SCHEMA"]

SCHEMA = store.SCHEMA + operations.SCHEMA

HANDLERS: Mapping[Endpoint, Handler] = {**uploads.HANDLERS}
