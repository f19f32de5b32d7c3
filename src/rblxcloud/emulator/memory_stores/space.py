"""What all memory stores share: fields of requests, values, how long they stay, and the room that there is for them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from rblxcloud.emulator.data_stores_values import dump
from rblxcloud.emulator.data_stores_wire import number, parse_object
from rblxcloud.emulator.model import Call, Refusal, World
from rblxcloud.emulator.protobuf import camel, duration, invalid

__all__ = [
    "LONGEST_STAY",
    "SCHEMA",
    "Value",
    "conflict",
    "expiry",
    "fields_of",
    "last_number",
    "make_room",
    "names",
    "next_number",
    "real_number",
    "second",
    "used",
    "value_of",
]

SCHEMA = """
CREATE TABLE IF NOT EXISTS memory_store_numbers (
    universe TEXT PRIMARY KEY,
    last INTEGER NOT NULL
) WITHOUT ROWID;
"""

LONGEST_STAY = 3_888_000
"""Seconds that an item is kept at most."""
LARGEST_VALUE = 32 * 1024
"""Most bytes of compact JSON that an item holds."""

_KILOBYTE = 1024
_BASE_BYTES = 64 * _KILOBYTE
_BYTES_PER_PLAYER = 1.2 * _KILOBYTE
_MOST_ITEMS = 1_000_000
_MOST_BYTES = 100 * _KILOBYTE * _KILOBYTE

_TABLES = {"memory_store_map_items": "map", "memory_store_queue_items": "queue"}
"""Where items are, and the column that names their store."""


@dataclass(frozen=True, slots=True)
class Value:
    """A value as it is kept."""

    text: bytes
    """Compact JSON."""

    @property
    def plain(self) -> Any:
        """The value itself."""
        return json.loads(self.text)


def fields_of(call: Call) -> dict[str, Any]:
    """Return the fields of a body under the names of the reference; unset ones are left out.

    Protobuf's JSON takes snake_case too, and older clients send `Value` and `Ttl`.

    Raises:
        Refusal: 400 when it is no JSON object.
    """
    named = {camel(name): field for name, field in parse_object(call.body).items()}
    return {name[:1].lower() + name[1:]: field for name, field in named.items() if field is not None}


def value_of(fields: Mapping[str, Any], name: str) -> Value | None:
    """Return the value in a body; None when there is none.

    Raises:
        Refusal: 400 when it is larger than an item may be.
    """
    if name not in fields:
        return None
    text = dump(fields[name])
    if len(text) > LARGEST_VALUE:
        raise invalid(f"ItemValueSizeTooLarge: a value has at most {LARGEST_VALUE} bytes of JSON.")
    return Value(text)


def real_number(fields: Mapping[str, Any], name: str) -> float | None:
    """Return a double in a body; None when there is none.

    Raises:
        Refusal: 400 when it is no number.
    """
    # Adding 0.0 makes one zero of the two.
    return float(number(fields, name)) + 0.0 if name in fields else None


def expiry(world: World, fields: Mapping[str, Any]) -> float | None:
    """Return when what a body describes is gone; None when it does not say.

    Raises:
        Refusal: 400 for a time to live that is none, or too long.
    """
    if "ttl" not in fields:
        return None
    seconds = duration("ttl", fields["ttl"])
    if not Decimal(0) < seconds <= LONGEST_STAY:
        raise invalid(f"InvalidExpirationTime: the ttl is above 0 and at most {LONGEST_STAY} seconds.")
    return world.now() + float(seconds)


def second(moment: float) -> str:
    """Return a time as these services write it: whole seconds."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def next_number(world: World, universe: str) -> int:
    """Return the next of the numbers that grow with each write in a universe: etags, and the order of queues."""
    row: tuple[int] = world.database.execute(
        "INSERT INTO memory_store_numbers VALUES (?, 1) ON CONFLICT DO UPDATE SET last = last + 1 RETURNING last",
        (universe,),
    ).fetchone()
    return row[0]


def last_number(world: World, universe: str) -> int:
    """Return the number of the last write in a universe; 0 before the first."""
    row: tuple[int] | None = world.database.execute(
        "SELECT last FROM memory_store_numbers WHERE universe = ?", (universe,)
    ).fetchone()
    return 0 if row is None else row[0]


def names(world: World, universe: str) -> tuple[list[str], list[str]]:
    """Return the names of the maps and of the queues that a universe has."""
    maps, queues = (
        [
            str(name)
            for (name,) in world.database.execute(
                f"SELECT DISTINCT {column} FROM {table} WHERE universe = ? ORDER BY 1", (universe,)
            )
        ]
        for table, column in _TABLES.items()
    )
    return maps, queues


def used(world: World, universe: str) -> int:
    """Return how many bytes the items of a universe take."""
    return sum(_measure(world, table, "universe = ?", universe)[1] for table in _TABLES)


def make_room(world: World, call: Call, table: str, store: str, *, size: int, before: int | None) -> None:
    """Check that an item may be written.

    Args:
        world: The emulator's state.
        call: The request.
        table: Where it is kept.
        store: Name of the map or queue.
        size: Bytes that it will take.
        before: Bytes that it takes now; None for a new one.

    Raises:
        Refusal: 429 when the store or the universe is full; writes that do not grow it succeed all the same.
    """
    growth = size - (before or 0)
    if not call.limited or growth <= 0:
        return
    universe = call.path["universe_id"]
    items, size_of_store = _measure(world, table, f"universe = ? AND {_TABLES[table]} = ?", universe, store)
    if before is None and items >= _MOST_ITEMS:
        raise _full("DataStructureItemsOverLimit", f"{_MOST_ITEMS} items")
    if size_of_store + growth > _MOST_BYTES:
        raise _full("DataStructureMemoryOverLimit", f"{_MOST_BYTES} bytes")
    room = _BASE_BYTES + int(_BYTES_PER_PLAYER * world.limits.players.get(universe, 0))
    if used(world, universe) + growth > room:
        raise _full("TotalMemoryOverLimit", f"{room} bytes in all")


def conflict() -> Refusal:
    """Return the refusal of a write that something else came before."""
    return Refusal(409, "ABORTED", "DataUpdateConflict: the item was changed by something else.")


def _measure(world: World, table: str, where: str, *values: str) -> tuple[int, int]:
    items, size = world.database.execute(
        f"SELECT count(*), coalesce(sum(size), 0) FROM {table} WHERE {where} AND expires > ?", (*values, world.now())
    ).fetchone()
    return items, size


def _full(name: str, what: str) -> Refusal:
    return Refusal(429, "RESOURCE_EXHAUSTED", f"{name}: there is room for {what}.")
