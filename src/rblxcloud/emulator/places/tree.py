"""The instances of a place: a tree, whose root is the DataModel."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import NAMESPACE_OID, UUID, uuid4, uuid5

from rblxcloud.emulator.model import World
from rblxcloud.emulator.places.table import Place

__all__ = [
    "PROPERTIES",
    "ROOT",
    "RUN_CONTEXTS",
    "SCHEMA",
    "Instance",
    "add",
    "canonical",
    "change",
    "children",
    "find",
    "find_by_names",
    "instance_json",
    "remove",
    "set_lock",
]

SCHEMA = """
CREATE TABLE IF NOT EXISTS instances (
    number INTEGER PRIMARY KEY,
    place TEXT NOT NULL,
    id TEXT NOT NULL,
    parent TEXT NOT NULL,
    class TEXT NOT NULL,
    name TEXT NOT NULL,
    properties TEXT NOT NULL,
    lock TEXT,
    UNIQUE (place, id)
);
CREATE INDEX IF NOT EXISTS instances_in ON instances (place, parent, number);
"""

ROOT = "root"
RUN_CONTEXTS = ("Legacy", "Server", "Client", "Plugin")
_SCRIPT: Mapping[str, Any] = {"Enabled": True, "RunContext": "Legacy", "Source": ""}
PROPERTIES: Mapping[str, Mapping[str, Any]] = {
    "Script": _SCRIPT,
    "LocalScript": _SCRIPT,
    "ModuleScript": {"Source": ""},
    "Folder": {},
}
"""The classes that Roblox tells of, with their properties as a new instance has them."""

_ID = re.compile(r"[0-9A-Fa-f]{32}|[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", re.ASCII)
_COLUMNS = "number, id, parent, class, name, properties, lock"
_FRESH = {
    "Workspace": {"Camera": "Camera", "Terrain": "Terrain", "Baseplate": "Part", "SpawnLocation": "SpawnLocation"},
    "Players": {},
    "Lighting": {},
    "MaterialService": {},
    "ReplicatedFirst": {},
    "ReplicatedStorage": {},
    "ServerScriptService": {},
    "ServerStorage": {},
    "StarterGui": {},
    "StarterPack": {},
    "StarterPlayer": {
        "StarterPlayerScripts": "StarterPlayerScripts",
        "StarterCharacterScripts": "StarterCharacterScripts",
    },
    "Teams": {},
    "SoundService": {},
    "TextChatService": {},
}
"""What is in a place that nobody has touched: services, and what is in them, by name and class."""


@dataclass(frozen=True, slots=True)
class Instance:
    """An instance."""

    number: int
    """Counts them in the order in which they were made, which is that of lists."""
    id: str
    parent: str
    """Id of the instance that it is in; empty for the root."""
    kind: str
    """Its class."""
    name: str
    properties: Mapping[str, Any]
    lock: str | None
    """Why it cannot be updated; None when it can."""


def canonical(text: str) -> str | None:
    """Return an id as answers write it; None for what is none."""
    if text == ROOT:
        return ROOT
    return str(UUID(text)) if _ID.fullmatch(text) else None


def find(world: World, place: str, instance: str) -> Instance | None:
    """Return an instance.

    Args:
        world: The emulator's state.
        place: Id of the place.
        instance: Its id, or `root`.
    """
    _furnish(world, place)
    return next(_select(world, place, "id = ?", _root_id(place) if instance == ROOT else instance), None)


def find_by_names(world: World, place: str, names: Iterator[str]) -> Instance | None:
    """Return the instance to which names lead from the root; of several with a name, it is the oldest."""
    found = find(world, place, ROOT)
    for name in names:
        assert found is not None
        found = next(_select(world, place, "parent = ? AND name = ?", found.id, name), None)
        if found is None:
            return None
    return found


def children(world: World, place: str, parent: str, after: int = 0) -> Iterator[Instance]:
    """Return what is directly in an instance.

    Args:
        world: The emulator's state.
        place: Id of the place.
        parent: Id of the instance.
        after: Only those with a greater number.
    """
    return _select(world, place, "parent = ? AND number > ?", parent, after)


def add(world: World, place: str, parent: str, kind: str, name: str, properties: Mapping[str, Any]) -> str:
    """Make an instance; return its id.

    Args:
        world: The emulator's state.
        place: Id of the place.
        parent: Id of the instance that it is to be in.
        kind: Its class.
        name: Its name.
        properties: Those that differ from a new instance's.
    """
    number = str(uuid4())
    _insert(world, place, number, parent, kind, name, {**PROPERTIES.get(kind, {}), **properties})
    return number


def change(world: World, place: str, instance: Instance, name: str, properties: Mapping[str, Any]) -> None:
    """Give an instance another name and other properties."""
    world.database.execute(
        "UPDATE instances SET name = ?, properties = ? WHERE number = ?",
        (name, json.dumps({**instance.properties, **properties}), instance.number),
    )


def remove(world: World, place: str, instance: Instance) -> None:
    """Remove an instance, and all that is in it."""
    for child in list(children(world, place, instance.id)):
        remove(world, place, child)
    world.database.execute("DELETE FROM instances WHERE number = ?", (instance.number,))


def set_lock(world: World, instance: Instance, reason: str | None) -> None:
    """Say why an instance cannot be updated; None when it can."""
    world.database.execute("UPDATE instances SET lock = ? WHERE number = ?", (reason, instance.number))


def instance_json(world: World, place: Place, instance: Instance) -> dict[str, Any]:
    """Return an instance as answers show it."""
    full = next(children(world, place.id, instance.id), None) is not None
    details = {instance.kind: dict(instance.properties)} if instance.kind in PROPERTIES else {}
    return {
        "path": f"{place.path}/instances/{instance.id}",
        "hasChildren": full,
        "engineInstance": {
            "Id": instance.id,
            "Parent": instance.parent,
            "Name": instance.name,
            "Details": details,
        },
    }


def _furnish(world: World, place: str) -> None:
    root = _root_id(place)
    if next(_select(world, place, "id = ?", root), None) is not None:
        return
    _insert(world, place, root, "", "DataModel", "Game", {})
    for service, contents in _FRESH.items():
        number = _fresh_id(place, service)
        _insert(world, place, number, root, service, service, {})
        for name, kind in contents.items():
            _insert(world, place, _fresh_id(place, f"{service}/{name}"), number, kind, name, {})


def _root_id(place: str) -> str:
    return _fresh_id(place, "")


def _fresh_id(place: str, path: str) -> str:
    return str(uuid5(NAMESPACE_OID, f"{place}/{path}"))


def _insert(
    world: World, place: str, number: str, parent: str, kind: str, name: str, properties: Mapping[str, Any]
) -> None:
    world.database.execute(
        "INSERT INTO instances (place, id, parent, class, name, properties) VALUES (?, ?, ?, ?, ?, ?)",
        (place, number, parent, kind, name, json.dumps(properties)),
    )


def _select(world: World, place: str, condition: str, *values: Any) -> Iterator[Instance]:
    rows = world.database.execute(
        f"SELECT {_COLUMNS} FROM instances WHERE place = ? AND {condition} ORDER BY number", (place, *values)
    )
    for number, identifier, parent, kind, name, properties, lock in rows:
        yield Instance(number, identifier, parent, kind, name, json.loads(properties), lock)
