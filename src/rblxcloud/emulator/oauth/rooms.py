"""All that the provider adds to the emulator: its handlers and its tables."""

from __future__ import annotations

from collections.abc import Mapping

from rblxcloud.emulator.model import Handler
from rblxcloud.emulator.oauth import (
    apps,
    authorize,
    consent,
    discovery,
    flaws,
    grants,
    keys,
    profiles,
    token_info,
    tokens,
)
from rblxcloud.endpoints.model import Endpoint

__all__ = ["HANDLERS", "SCHEMA"]

SCHEMA = "".join(room.SCHEMA for room in (apps, authorize, flaws, grants, keys, tokens))

HANDLERS: Mapping[Endpoint, Handler] = {
    **discovery.HANDLERS,
    **consent.HANDLERS,
    **keys.HANDLERS,
    **profiles.HANDLERS,
    **tokens.HANDLERS,
    **token_info.HANDLERS,
}
