"""The place resource: name, description and server size."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from rblxcloud.emulator import universes
from rblxcloud.emulator.errors import json_reply
from rblxcloud.emulator.model import Call, Handler, Refusal, Reply, World
from rblxcloud.emulator.places.addressing import addressed
from rblxcloud.emulator.places.table import Place, save
from rblxcloud.emulator.protobuf import camel_keys, integer, invalid, mask_paths, timestamp
from rblxcloud.endpoints import places as api
from rblxcloud.endpoints.model import Endpoint

__all__ = ["HANDLERS"]

_SERVER_SIZE = 50


def _get(world: World, call: Call) -> Reply:
    return json_reply(_resource(addressed(world, call)))


def _update(world: World, call: Call) -> Reply:
    place = addressed(world, call)
    changes = _changes(camel_keys(call.json_object()), mask_paths(call.query))
    if place.editors:
        raise Refusal(409, "ABORTED", "The place is open in a Team Create session.")
    if place.root:
        universes.touch(world, place.universe)
    return json_reply(_resource(save(world, place, changes)))


def _changes(body: Mapping[str, Any], paths: list[str]) -> dict[str, Any]:
    """Return what to write. Without a mask these are the fields that the body holds."""
    if paths == ["*"]:
        paths = list(_WRITABLE)
    elif not paths:
        paths = [name for name in _WRITABLE if body.get(name) is not None]
    for path in paths:
        if path not in _WRITABLE:
            raise invalid(f"The field mask names {path!r}, which cannot be updated.")
    return {path: _WRITABLE[path](path, body.get(path)) for path in paths}


def _name(field: str, value: object) -> str:
    if not _text(field, value).strip():
        raise invalid(f"{field} must not be empty.")
    return str(value)


def _text(field: str, value: object) -> str:
    if not isinstance(value, str | None):
        raise invalid(f"{field} must be text.")
    return value or ""


def _size(field: str, value: Any) -> int:
    size = integer(field, value)
    if not 1 <= size < 2**31:
        raise invalid(f"{field} must be between 1 and {2**31 - 1}.")
    return size


def _resource(place: Place) -> dict[str, Any]:
    return {
        "path": place.path,
        "createTime": timestamp(place.create_time),
        "updateTime": timestamp(place.update_time),
        "displayName": place.display_name,
        "description": place.description,
        "serverSize": place.fields.get("serverSize", _SERVER_SIZE),
        "root": place.root,
        "universeRuntimeCreation": False,
    }


_WRITABLE: dict[str, Callable[[str, Any], Any]] = {"displayName": _name, "description": _text, "serverSize": _size}

HANDLERS: Mapping[Endpoint, Handler] = {
    api.GET_PLACE: _get,
    api.UPDATE_PLACE: _update,
}
