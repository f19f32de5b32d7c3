"""Queues: priorities, first in first out, and reads that hide what they return for a while."""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import uuid4

from rblxcloud.emulator.data_stores_wire import boolean
from rblxcloud.emulator.errors import json_reply
from rblxcloud.emulator.memory_stores.flush import settled
from rblxcloud.emulator.memory_stores.space import (
    LONGEST_STAY,
    Value,
    expiry,
    fields_of,
    make_room,
    next_number,
    real_number,
    second,
    value_of,
)
from rblxcloud.emulator.model import Call, Handler, Refusal, Reply, World
from rblxcloud.emulator.protobuf import duration, invalid
from rblxcloud.endpoints import memory_stores as api
from rblxcloud.endpoints.model import Endpoint

__all__ = ["HANDLERS", "SCHEMA", "StoredQueueItem", "items"]

SCHEMA = """
CREATE TABLE IF NOT EXISTS memory_store_queue_items (
    universe TEXT NOT NULL,
    queue TEXT NOT NULL,
    id TEXT NOT NULL,
    number INTEGER NOT NULL,
    priority REAL NOT NULL,
    value BLOB NOT NULL,
    size INTEGER NOT NULL,
    expires REAL NOT NULL,
    hidden_until REAL NOT NULL DEFAULT 0,
    read_id TEXT,
    PRIMARY KEY (universe, queue, id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS memory_store_queue_reads ON memory_store_queue_items (read_id);
CREATE INDEX IF NOT EXISTS memory_store_queue_expiry ON memory_store_queue_items (expires);
"""

_TABLE = "memory_store_queue_items"
_WHERE = "universe = ? AND queue = ?"
_LARGEST_READ = 200
_DEFAULT_WINDOW = Decimal(30)
_ALL_BITS = 2**64 - 1
_SIGN = 2**63
_READ_ID = re.compile(r"[0-9a-f]{32}")
_WHOLE = re.compile(r"-?\d{1,18}", re.ASCII)

_ADD_LEGACY = replace(
    api.CREATE_MEMORY_STORE_QUEUE_ITEM,
    name="memory_stores.create_memory_store_queue_item_legacy",
    path=f"{api.CREATE_MEMORY_STORE_QUEUE_ITEM.path}:add",
)
"""How older clients add an item; the document no longer has it."""


@dataclass(frozen=True, slots=True)
class StoredQueueItem:
    """An item of a queue, as an emulator shows it to a test."""

    id: str
    value: Any
    priority: float
    expires: float
    """Seconds since 1970 UTC."""
    hidden_until: float
    """Seconds since 1970 UTC: when reads find it again; 0 for one that was never read."""
    read_id: str | None
    """The last read that brought it."""


def items(world: World, universe: str, name: str) -> list[StoredQueueItem]:
    """Return the items of a queue from its front, the hidden ones too.

    Args:
        world: The emulator's state.
        universe: Id of the universe.
        name: Name of the queue.
    """
    rows = world.database.execute(
        f"SELECT id, value, priority, expires, hidden_until, read_id FROM {_TABLE} WHERE {_WHERE} ORDER BY id",
        (universe, name),
    )
    return [StoredQueueItem(number, Value(value).plain, *rest) for number, value, *rest in rows]


def _add(world: World, call: Call) -> Reply:
    fields = fields_of(call)
    universe, queue = call.path["universe_id"], call.path["queue_id"]
    value = value_of(fields, "data")
    if value is None:
        raise invalid("data is required.")
    priority = real_number(fields, "priority") or 0.0
    expires = expiry(world, fields) or world.now() + LONGEST_STAY
    make_room(world, call, _TABLE, queue, size=len(value.text), before=None)
    order = next_number(world, universe)
    number = _id(priority, order)
    world.database.execute(
        f"INSERT INTO {_TABLE} (universe, queue, id, number, priority, value, size, expires)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (universe, queue, number, order, priority, value.text, len(value.text), expires),
    )
    return json_reply(_json(call, number, value, priority, expires))


def _read(world: World, call: Call) -> Reply:
    count, window = _count(call.query.get("count", "")), _window(call)
    whole = boolean(call, "allOrNothing")
    universe, queue, now = call.path["universe_id"], call.path["queue_id"], world.now()
    rows = world.database.execute(
        f"SELECT id, value, priority, expires FROM {_TABLE} WHERE {_WHERE} AND hidden_until <= ? ORDER BY id LIMIT ?",
        (universe, queue, now, count),
    ).fetchall()
    if whole and len(rows) < count:
        raise Refusal(404, "NOT_FOUND", "NoItemFound: there are fewer items than were asked for.")
    read_id = uuid4().hex
    world.database.executemany(
        f"UPDATE {_TABLE} SET hidden_until = ?, read_id = ? WHERE {_WHERE} AND id = ?",
        [(now + window, read_id, universe, queue, number) for number, *_ in rows],
    )
    world.limits.spend(call.endpoint, call.path, len(rows) - 1)
    shown = [_json(call, number, Value(value), priority, expires) for number, value, priority, expires in rows]
    return json_reply({"readId": read_id, "items": shown})


def _discard(world: World, call: Call) -> Reply:
    read_id = fields_of(call).get("readId") or call.query.get("readId")
    if not isinstance(read_id, str) or not _READ_ID.fullmatch(read_id):
        raise invalid("readId has to be that of a read.")
    # What is no longer hidden was given back; whoever reads it next is answerable for it.
    world.database.execute(
        f"DELETE FROM {_TABLE} WHERE {_WHERE} AND read_id = ? AND hidden_until > ?",
        (call.path["universe_id"], call.path["queue_id"], read_id, world.now()),
    )
    return json_reply({})


def _json(call: Call, number: str, value: Value, priority: float, expires: float) -> dict[str, Any]:
    universe, queue = call.path["universe_id"], call.path["queue_id"]
    return {
        # No field `id`: seen in practice.
        "path": f"cloud/v2/universes/{universe}/memory-store/queues/{queue}/items/{number}",
        "data": value.plain,
        "priority": int(priority) if priority.is_integer() else priority,
        "expireTime": second(expires),
    }


def _id(priority: float, number: int) -> str:
    """Return an id: their order is that of the queue, and they look as those seen in practice (7fffffffffffffff...)."""
    bits = int.from_bytes(struct.pack(">d", priority))
    ascending = bits ^ _ALL_BITS if bits & _SIGN else bits | _SIGN
    return f"{ascending ^ _ALL_BITS:016x}{number:016x}"


def _count(text: str) -> int:
    count = int(text) if _WHOLE.fullmatch(text) else 0
    if not text:
        return 1
    if count < 1:
        raise invalid("count has to be a positive whole number.")
    return min(count, _LARGEST_READ)


def _window(call: Call) -> float:
    text, legacy = call.query.get("invisibilityWindow", ""), call.query.get("invisibilityTimeoutSeconds", "")
    seconds = _DEFAULT_WINDOW
    if text:
        seconds = duration("invisibilityWindow", text)
    elif legacy:
        try:
            seconds = Decimal(legacy)
        except InvalidOperation:
            seconds = Decimal(0)
    if not seconds.is_finite() or not 0 < seconds <= LONGEST_STAY:
        raise invalid("The invisibility window has to be above 0.")
    return float(seconds)


HANDLERS: Mapping[Endpoint, Handler] = {
    api.CREATE_MEMORY_STORE_QUEUE_ITEM: settled(_add),
    _ADD_LEGACY: settled(_add),
    api.READ_MEMORY_STORE_QUEUE_ITEMS: settled(_read),
    api.DISCARD_MEMORY_STORE_QUEUE_ITEMS: settled(_discard),
}
"""What answers the endpoints of queues."""
