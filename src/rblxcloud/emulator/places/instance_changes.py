"""What a request wants to change of an instance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from rblxcloud.emulator.model import Call
from rblxcloud.emulator.places.tree import PROPERTIES, RUN_CONTEXTS
from rblxcloud.emulator.protobuf import camel, invalid, mask_paths, switch

__all__ = ["LARGEST_BODY", "LARGEST_SOURCE", "Changes", "read_changes"]

LARGEST_BODY = 200 * 1024
LARGEST_SOURCE = 200_000
"""Bytes of UTF-8 that a script may have."""

_ENGINE = "engineInstance"


@dataclass(frozen=True, slots=True)
class Changes:
    """What is to be changed; None and what is missing stay."""

    name: str | None = None
    kind: str | None = None
    """The class that the instance has to be of."""
    properties: Mapping[str, Any] = field(default_factory=dict[str, Any])


def read_changes(call: Call) -> Changes:
    """Return the changes of an update.

    Raises:
        Refusal: 400 for a body or a mask that makes no sense.
    """
    if len(call.body) > LARGEST_BODY:
        raise invalid(f"The request body has more than {LARGEST_BODY} bytes.")
    body = call.json_object()
    engine = _pascal(_ENGINE, body.get(_ENGINE, body.get("engine_instance")))
    details = _pascal("Details", engine.get("Details"))
    if len(details) > 1:
        raise invalid("Details is of one class at most.")
    wanted = [_mask_path(path) for path in mask_paths(call.query) if path != "*"]
    kind = next((name for name in details if name in PROPERTIES), None)
    properties: dict[str, Any] = {}
    if kind is not None:
        given = _pascal(kind, details[kind])
        properties = {
            name: _PROPERTIES[name](name, given[name])
            for name in PROPERTIES[kind]
            if given.get(name) is not None and _selected(("Details", kind, name), wanted)
        }
    name = engine.get("Name")
    if name is not None and not (isinstance(name, str) and name):
        raise invalid("Name has to be text.")
    return Changes(name if _selected(("Name",), wanted) else None, kind, properties)


def _pascal(name: str, value: object) -> dict[str, Any]:
    """Return an object of the engine's with its names as the engine writes them; one example of the guide does not."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise invalid(f"{name} has to be an object.")
    return {key[:1].upper() + camel(key)[1:]: item for key, item in cast("dict[str, Any]", value).items()}


def _mask_path(path: str) -> tuple[str, ...]:
    """Return what a mask names within the engine's part, which may be all of it."""
    first, *rest = path.split(".")
    names = tuple(name[:1].upper() + name[1:] for name in rest)
    if first != _ENGINE or not _is_known(names):
        raise invalid(f"The field mask names {path!r}, which cannot be updated.")
    return names


def _is_known(names: tuple[str, ...]) -> bool:
    match names:
        case () | ("Name",) | ("Details",):
            return True
        case ("Details", kind):
            return kind in PROPERTIES
        case ("Details", kind, name):
            return name in PROPERTIES.get(kind, {})
        case _:
            return False


def _selected(path: tuple[str, ...], wanted: list[tuple[str, ...]]) -> bool:
    return not wanted or any(path[: len(names)] == names for names in wanted)


def _source(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise invalid(f"{name} has to be text.")
    if len(value.encode()) > LARGEST_SOURCE:
        raise invalid(f"{name} has more than {LARGEST_SOURCE} bytes.")
    return value


def _run_context(name: str, value: Any) -> str:
    if value not in RUN_CONTEXTS:
        raise invalid(f"{name} is one of {', '.join(RUN_CONTEXTS)}.")
    return str(value)


_PROPERTIES = {"Enabled": switch, "RunContext": _run_context, "Source": _source}
