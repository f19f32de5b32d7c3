"""The rooms of the emulator: what each serves, and the tables that it keeps."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from rblxcloud.emulator import (
    api_keys,
    assets,
    creator_store,
    creators,
    data_stores,
    generative,
    homepage_thumbnails,
    memory_stores,
    messaging,
    ordered_data_stores,
    servers,
    subscriptions,
    universes,
    webhooks,
)
from rblxcloud.emulator.luau import rooms as luau
from rblxcloud.emulator.model import Handler, RawRequest, Refusal
from rblxcloud.emulator.oauth import rooms as oauth
from rblxcloud.emulator.places import rooms as places
from rblxcloud.emulator.restrictions import rooms as restrictions
from rblxcloud.emulator.routing import Match, Router
from rblxcloud.emulator.secrets import rooms as secrets
from rblxcloud.endpoints import all_endpoints
from rblxcloud.endpoints.model import Endpoint

__all__ = ["SCHEMAS", "handler_of", "route", "router"]

_ROOMS: tuple[tuple[Mapping[Endpoint, Handler], str], ...] = (
    (data_stores.HANDLERS, data_stores.SCHEMA),
    (ordered_data_stores.HANDLERS, ordered_data_stores.SCHEMA),
    (memory_stores.HANDLERS, memory_stores.SCHEMA),
    (messaging.HANDLERS, messaging.SCHEMA),
    (universes.HANDLERS, universes.SCHEMA),
    (api_keys.HANDLERS, api_keys.SCHEMA),
    (assets.HANDLERS, assets.SCHEMA),
    (creators.HANDLERS, creators.SCHEMA),
    (oauth.HANDLERS, oauth.SCHEMA),
    (places.HANDLERS, places.SCHEMA),
    (restrictions.HANDLERS, restrictions.SCHEMA),
    (secrets.HANDLERS, secrets.SCHEMA),
    (subscriptions.HANDLERS, subscriptions.SCHEMA),
    (luau.HANDLERS, luau.SCHEMA),
    ({}, webhooks.SCHEMA),
    (servers.HANDLERS, servers.SCHEMA),
    (homepage_thumbnails.HANDLERS, homepage_thumbnails.SCHEMA),
    (generative.HANDLERS, generative.SCHEMA),
    (creator_store.HANDLERS, creator_store.SCHEMA),
)
SCHEMAS = tuple(schema for _, schema in _ROOMS)
"""The tables of all rooms, as SQL."""


@cache
def _handlers() -> dict[str, Handler]:
    return {endpoint.name: handler for handlers, _ in _ROOMS for endpoint, handler in handlers.items()}


def handler_of(endpoint: Endpoint) -> Handler:
    """Return what serves an endpoint.

    Raises:
        Refusal: 501: nothing does.
    """
    handler = _handlers().get(endpoint.name)
    if handler is None:
        raise Refusal(501, "NOT_IMPLEMENTED", f"The emulator does not have {endpoint.method} {endpoint.path} yet.")
    return handler


@cache
def router() -> Router:
    """Return the router of every endpoint in the table, and of what else is served: files and such."""
    return Router((*all_endpoints(), *(endpoint for handlers, _ in _ROOMS for endpoint in handlers)))


def route(request: RawRequest) -> Match | Refusal:
    """Return which endpoint a request is for, or why it is for none."""
    try:
        return router().match(request.method, request.raw_path)
    except Refusal as refusal:
        return refusal
