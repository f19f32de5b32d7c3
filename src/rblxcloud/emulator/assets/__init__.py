"""Assets: uploads and what they come to, versions, permissions, quotas and downloads."""

from __future__ import annotations

from collections.abc import Mapping

from rblxcloud.emulator.assets import delivery, operations, permissions, quotas, store, uploads, versions
from rblxcloud.emulator.model import Handler
from rblxcloud.endpoints.model import Endpoint

__all__ = ["HANDLERS", "SCHEMA"]

SCHEMA = "".join(room.SCHEMA for room in (store, operations, delivery, permissions, quotas))

HANDLERS: Mapping[Endpoint, Handler] = {
    **uploads.HANDLERS,
    **versions.HANDLERS,
    **delivery.HANDLERS,
    **permissions.HANDLERS,
    **quotas.HANDLERS,
}
