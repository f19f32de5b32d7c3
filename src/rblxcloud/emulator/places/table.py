"""The table of places: every numeric place exists; here are those that were written, and root places."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from rblxcloud.emulator.model import World

__all__ = [
    "SCHEMA",
    "Place",
    "create_root",
    "find",
    "keep",
    "of_universe",
    "put",
    "root_of",
    "root_place",
    "save",
    "set_editing",
]

SCHEMA = """
CREATE TABLE IF NOT EXISTS places (
    id TEXT PRIMARY KEY,
    universe TEXT NOT NULL,
    root INTEGER NOT NULL,
    create_time REAL NOT NULL,
    update_time REAL NOT NULL,
    fields TEXT NOT NULL DEFAULT '{}',
    collaborative INTEGER NOT NULL DEFAULT 1,
    editors TEXT NOT NULL DEFAULT '[]'
);
CREATE UNIQUE INDEX IF NOT EXISTS root_places ON places (universe) WHERE root;
"""

_CREATED = 1_704_067_200.0
_MAX_ID = 2**63 - 1
_COLUMNS = "id, universe, root, create_time, update_time, fields, collaborative, editors"


@dataclass(frozen=True, slots=True)
class Place:
    """A place."""

    id: str
    universe: str
    root: bool
    create_time: float
    update_time: float
    fields: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """What was written of it, by the names that answers use."""
    collaborative: bool = True
    """Whether Team Create is on."""
    editors: tuple[int, ...] = ()
    """Ids of the users who have it open in Studio; a session is open while there are any."""

    @property
    def path(self) -> str:
        """How answers name it."""
        return f"universes/{self.universe}/places/{self.id}"

    @property
    def display_name(self) -> str:
        """Its name."""
        default = f"Experience {self.universe}" if self.root else f"Place {self.id}"
        return str(self.fields.get("displayName", default))

    @property
    def description(self) -> str:
        """What is said of it."""
        return str(self.fields.get("description", ""))


def find(world: World, place: str) -> Place | None:
    """Return a place that stands in the table."""
    row = world.database.execute(f"SELECT {_COLUMNS} FROM places WHERE id = ?", (place,)).fetchone()
    return None if row is None else _place(row)


def of_universe(world: World, universe: str, place: str) -> Place | None:
    """Return a place of a universe, whether it stands in the table or not.

    Args:
        world: The emulator's state.
        universe: Id of the universe.
        place: Id of the place.

    Returns:
        The place; None when it is another universe's, or when only what was created exists.
    """
    known = find(world, place)
    if known is not None:
        return known if known.universe == universe else None
    root = place == root_of(world, universe)
    return None if world.strict and not root else Place(place, universe, root, _CREATED, _CREATED)


def root_of(world: World, universe: str) -> str:
    """Return the id of a universe's root place: the next free number after its own, unless one was made its root."""
    row = world.database.execute("SELECT id FROM places WHERE universe = ? AND root", (universe,)).fetchone()
    if row is not None:
        return str(row[0])
    number = min(int(universe) + 1, _MAX_ID)
    while (other := find(world, str(number))) is not None and other.universe != universe:
        number = number % _MAX_ID + 1
    return str(number)


def root_place(world: World, universe: str) -> Place:
    """Return a universe's root place."""
    number = root_of(world, universe)
    return find(world, number) or Place(number, universe, True, _CREATED, _CREATED)


def create_root(world: World, universe: str) -> None:
    """Make sure that a universe's root place stands in the table, so that no other universe can take it."""
    keep(world, root_place(world, universe))


def keep(world: World, place: Place) -> None:
    """Make sure that a place stands in the table: from then on it belongs to its universe."""
    world.database.execute(
        "INSERT OR IGNORE INTO places (id, universe, root, create_time, update_time) VALUES (?, ?, ?, ?, ?)",
        (place.id, place.universe, place.root, place.create_time, place.update_time),
    )


def put(world: World, universe: str, place: str) -> Place:
    """Put a place into a universe, unless it is there already."""
    known = find(world, place)
    if known is None:
        known = Place(place, universe, place == root_of(world, universe), world.now(), world.now())
        keep(world, known)
    return known


def save(world: World, place: Place, changes: Mapping[str, Any]) -> Place:
    """Write fields of a place.

    Args:
        world: The emulator's state.
        place: The place.
        changes: What to write, by the names that answers use.

    Returns:
        The place as it is now.
    """
    keep(world, place)
    changed = replace(place, update_time=world.now(), fields={**place.fields, **changes})
    world.database.execute(
        "UPDATE places SET update_time = ?, fields = ? WHERE id = ?",
        (changed.update_time, json.dumps(changed.fields), changed.id),
    )
    return changed


def set_editing(world: World, place: Place, *, collaborative: bool, editors: tuple[int, ...]) -> None:
    """Say whether Team Create is on, and who has the place open in Studio."""
    keep(world, place)
    world.database.execute(
        "UPDATE places SET collaborative = ?, editors = ? WHERE id = ?", (collaborative, json.dumps(editors), place.id)
    )


def _place(row: tuple[Any, ...]) -> Place:
    number, universe, root, create_time, update_time, fields, collaborative, editors = row
    return Place(
        number,
        universe,
        bool(root),
        create_time,
        update_time,
        json.loads(fields),
        bool(collaborative),
        tuple(json.loads(editors)),
    )
