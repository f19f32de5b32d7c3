"""Sorted maps: items with an expiry, in one order over three kinds of sort key."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, cast

from rblxcloud.emulator.data_stores_wire import boolean
from rblxcloud.emulator.errors import json_reply
from rblxcloud.emulator.filters import Bound, item_bounds
from rblxcloud.emulator.memory_stores.flush import settled
from rblxcloud.emulator.memory_stores.space import (
    LONGEST_STAY,
    Value,
    conflict,
    expiry,
    fields_of,
    make_room,
    next_number,
    real_number,
    second,
    value_of,
)
from rblxcloud.emulator.model import Call, ErrorFamily, Handler, Refusal, Reply, World
from rblxcloud.emulator.paging import page_request, take
from rblxcloud.emulator.protobuf import invalid
from rblxcloud.endpoints import memory_stores as api
from rblxcloud.endpoints.model import Endpoint

__all__ = ["HANDLERS", "SCHEMA", "MapItem", "items"]

SCHEMA = """
CREATE TABLE IF NOT EXISTS memory_store_map_items (
    universe TEXT NOT NULL,
    map TEXT NOT NULL,
    id TEXT NOT NULL,
    kind INTEGER NOT NULL,
    number REAL NOT NULL,
    text TEXT NOT NULL,
    value BLOB NOT NULL,
    size INTEGER NOT NULL,
    etag INTEGER NOT NULL,
    expires REAL NOT NULL,
    PRIMARY KEY (universe, map, id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS memory_store_map_order ON memory_store_map_items (universe, map, kind, number, text, id);
CREATE INDEX IF NOT EXISTS memory_store_map_expiry ON memory_store_map_items (expires);
"""

_TABLE = "memory_store_map_items"
_COLUMNS = "id, kind, number, text, value, size, etag, expires"
_WHERE = "universe = ? AND map = ?"
_LONGEST_ID = 127
_LONGEST_SORT_KEY = 128
_DEFAULT_PAGE = 1
_LARGEST_PAGE = 100
_ORDERS = {"": False, "id": False, "desc": True, "id desc": True}


class _Kind(IntEnum):
    """Kinds of sort key, in the order in which they come."""

    NUMBER = 0
    TEXT = 1
    NONE = 2


@dataclass(frozen=True, slots=True)
class _SortKey:
    kind: _Kind = _Kind.NONE
    number: float = 0.0
    text: str = ""

    @property
    def plain(self) -> float | str | None:
        if self.kind is _Kind.NUMBER:
            return self.number
        return self.text if self.kind is _Kind.TEXT else None

    def json(self) -> dict[str, Any]:
        if self.kind is _Kind.NUMBER:
            return {"numericSortKey": int(self.number) if self.number.is_integer() else self.number}
        return {"stringSortKey": self.text} if self.kind is _Kind.TEXT else {}


@dataclass(frozen=True, slots=True)
class _Item:
    id: str
    sort_key: _SortKey
    value: Value
    size: int
    etag: int
    expires: float


@dataclass(frozen=True, slots=True)
class MapItem:
    """An item of a sorted map, as an emulator shows it to a test."""

    id: str
    value: Any
    sort_key: float | str | None
    """A number, a text, or None."""
    etag: str
    expires: float
    """Seconds since 1970 UTC."""


def items(world: World, universe: str, name: str) -> list[MapItem]:
    """Return the items of a map in its order.

    Args:
        world: The emulator's state.
        universe: Id of the universe.
        name: Name of the map.
    """
    rows = _Map(world, universe, name).rows([], None, descending=False)
    return [MapItem(row.id, row.value.plain, row.sort_key.plain, str(row.etag), row.expires) for row in rows]


@dataclass(frozen=True, slots=True)
class _Map:
    """A map, as a request addresses it."""

    world: World
    universe: str
    name: str

    def find(self, number: str) -> _Item | None:
        row = self.world.database.execute(
            f"SELECT {_COLUMNS} FROM {_TABLE} WHERE {_WHERE} AND id = ?", (self.universe, self.name, number)
        ).fetchone()
        return None if row is None else _item(row)

    def write(self, call: Call, number: str, fields: Mapping[str, Any], old: _Item | None) -> _Item:
        """Write an item over what stands there, which what the body does not say is taken from."""
        value = value_of(fields, "value") or (old.value if old else None)
        if value is None:
            raise invalid("A value is required.")
        sort_key = _sort_key(fields) or (old.sort_key if old else _SortKey())
        expires = expiry(self.world, fields) or (old.expires if old else self.world.now() + LONGEST_STAY)
        size = len(value.text) + len(number.encode()) + len(sort_key.text.encode())
        make_room(self.world, call, _TABLE, self.name, size=size, before=old.size if old else None)
        item = _Item(number, sort_key, value, size, next_number(self.world, self.universe), expires)
        self.world.database.execute(
            f"INSERT OR REPLACE INTO {_TABLE} (universe, map, {_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *(self.universe, self.name, number),
                *(sort_key.kind, sort_key.number, sort_key.text),
                *(value.text, size, item.etag, expires),
            ),
        )
        return item

    def remove(self, number: str) -> None:
        self.world.database.execute(
            f"DELETE FROM {_TABLE} WHERE {_WHERE} AND id = ?", (self.universe, self.name, number)
        )

    def rows(
        self, bounds: list[Bound], after: tuple[int, str, str, str] | None, *, descending: bool
    ) -> Iterator[_Item]:
        """Yield items in order; `after` is a place in it, its number written out."""
        comparison, order = ("<", " DESC") if descending else (">", "")
        conditions, values = [_WHERE], list[object]([self.universe, self.name])
        if after is not None:
            conditions.append(f"(kind, number, text, id) {comparison} (?, ?, ?, ?)")
            values += [after[0], float(after[1]), after[2], after[3]]
        for bound in bounds:
            if bound.field == "id":
                conditions.append(f"id {bound.operator} ?")
            else:
                kind, column = (_Kind.TEXT, "text") if isinstance(bound.value, str) else (_Kind.NUMBER, "number")
                conditions.append(f"kind = {kind:d} AND {column} {bound.operator} ?")
            values.append(bound.value)
        rows = self.world.database.execute(
            f"SELECT {_COLUMNS} FROM {_TABLE} WHERE {' AND '.join(conditions)}"
            f" ORDER BY kind{order}, number{order}, text{order}, id{order}",
            values,
        )
        return map(_item, rows)

    def json(self, item: _Item, *, named: bool = True) -> dict[str, Any]:
        path = f"cloud/v2/universes/{self.universe}/memory-store/sorted-maps/{self.name}/items/"
        shown = {
            "path": path + (item.id if named else ""),
            "value": item.value.plain,
            "etag": str(item.etag),
            "expireTime": second(item.expires),
        }
        return {**shown, **({"id": item.id} if named else {}), **item.sort_key.json()}


def _list(world: World, call: Call) -> Reply:
    descending = _ORDERS.get(call.query.get("orderBy", ""))
    if descending is None:
        raise invalid("The order is id or id desc.")
    bounds = item_bounds(call.query.get("filter", ""))
    page = page_request(call, default=_DEFAULT_PAGE, largest=_LARGEST_PAGE, kinds=(int, str, str, str))
    store = _map(world, call)
    after = cast("tuple[int, str, str, str] | None", page.position)
    shown, last = take(store.rows(bounds, after, descending=descending), page.size)
    world.limits.spend(call.endpoint, call.path, len(shown) - 1)
    body: dict[str, Any] = {"items": [store.json(item) for item in shown]}
    if last is not None:
        key = last.sort_key
        body["nextPageToken"] = page.token(int(key.kind), repr(key.number), key.text, last.id)
    return json_reply(body)


def _create(world: World, call: Call) -> Reply:
    fields = fields_of(call)
    number = _check_id(call.query.get("id") or fields.get("id", ""))
    store = _map(world, call)
    if store.find(number) is not None:
        # Seen in practice in this shape, which is not that of v2's other errors.
        message = "The item exists already."
        raise Refusal(409, "ALREADY_EXISTS", message, family=ErrorFamily.V1_DATA_STORE)
    return json_reply(store.json(store.write(call, number, fields, None)))


def _get(world: World, call: Call) -> Reply:
    store, number = _addressed(world, call)
    return json_reply(store.json(_standing(store.find(number))))


def _update(world: World, call: Call) -> Reply:
    store, number = _addressed(world, call)
    create, fields = boolean(call, "allowMissing"), fields_of(call)
    old = store.find(number)
    if not create:
        _standing(old)
    _check_etag(fields.get("etag"), old)
    # Seen in practice: the answer names no item.
    return json_reply(store.json(store.write(call, number, fields, old), named=False))


def _delete(world: World, call: Call) -> Reply:
    store, number = _addressed(world, call)
    _check_etag(call.query.get("etag"), _standing(store.find(number)))
    store.remove(number)
    return json_reply({})


def _check_etag(etag: object, old: _Item | None) -> None:
    if etag is not None and (old is None or str(etag) != str(old.etag)):
        raise conflict()


def _standing(item: _Item | None) -> _Item:
    if item is None:
        raise Refusal(404, "NOT_FOUND", "NoItemFound: there is no such item.")
    return item


def _map(world: World, call: Call) -> _Map:
    return _Map(world, call.path["universe_id"], call.path["sorted_map_id"])


def _addressed(world: World, call: Call) -> tuple[_Map, str]:
    return _map(world, call), _check_id(call.path["item_id"])


def _check_id(number: object) -> str:
    if not isinstance(number, str) or not 1 <= len(number) <= _LONGEST_ID:
        raise invalid(f"The id has to have 1 to {_LONGEST_ID} characters.")
    return number


def _sort_key(fields: Mapping[str, Any]) -> _SortKey | None:
    number, text = real_number(fields, "numericSortKey"), fields.get("stringSortKey")
    if number is not None and text is not None:
        raise invalid("An item has one sort key: stringSortKey or numericSortKey.")
    if number is not None:
        return _SortKey(_Kind.NUMBER, number=number)
    if text is None:
        return None
    if not isinstance(text, str) or len(text) > _LONGEST_SORT_KEY:
        raise invalid(f"stringSortKey has to be a text of at most {_LONGEST_SORT_KEY} characters.")
    return _SortKey(_Kind.TEXT, text=text)


def _item(row: tuple[Any, ...]) -> _Item:
    number, kind, sort_number, sort_text, value, size, etag, expires = row
    return _Item(number, _SortKey(_Kind(kind), sort_number, sort_text), Value(value), size, etag, expires)


HANDLERS: Mapping[Endpoint, Handler] = {
    api.LIST_MEMORY_STORE_SORTED_MAP_ITEMS: settled(_list),
    api.CREATE_MEMORY_STORE_SORTED_MAP_ITEM: settled(_create),
    api.GET_MEMORY_STORE_SORTED_MAP_ITEM: settled(_get),
    api.UPDATE_MEMORY_STORE_SORTED_MAP_ITEM: settled(_update),
    api.DELETE_MEMORY_STORE_SORTED_MAP_ITEM: settled(_delete),
}
"""What answers the endpoints of sorted maps."""
