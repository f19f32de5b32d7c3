"""The ordered data stores, which v1 and v2 show alike: whole numbers of 64 bits, without versions or metadata."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any, NoReturn, cast

from rblxcloud.emulator.data_stores_values import fits, parse_exact, rounded
from rblxcloud.emulator.data_stores_wire import boolean, number, parse_object
from rblxcloud.emulator.errors import json_reply
from rblxcloud.emulator.filters import INT64_MAX, INT64_MIN, value_range
from rblxcloud.emulator.limits import KEY_READS, KEY_WRITES
from rblxcloud.emulator.model import Call, Handler, Refusal, Reply, World
from rblxcloud.emulator.paging import page_request
from rblxcloud.emulator.protobuf import invalid
from rblxcloud.endpoints import ordered_data_stores as api
from rblxcloud.endpoints.model import Endpoint

__all__ = ["HANDLERS", "SCHEMA"]

SCHEMA = """
CREATE TABLE IF NOT EXISTS ordered_data_store_entries (
    universe TEXT NOT NULL,
    store TEXT NOT NULL,
    scope TEXT NOT NULL,
    key TEXT NOT NULL,
    value INTEGER NOT NULL,
    PRIMARY KEY (universe, store, scope, key)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS ordered_data_store_ascending
    ON ordered_data_store_entries (universe, store, scope, value, key);
CREATE INDEX IF NOT EXISTS ordered_data_store_descending
    ON ordered_data_store_entries (universe, store, scope, value DESC, key);
"""

_DEFAULT_PAGE = 10
_LARGEST_PAGE = 100
_MAX_NAME = 50
_NUMBER = 8
"""Bytes of a value."""
_ORDERS = {"": False, "value": False, "desc": True, "value desc": True}
_WHERE = "universe = ? AND store = ? AND scope = ?"


@dataclass(frozen=True, slots=True)
class _Version:
    """Where the two versions of the API differ."""

    universe: str
    store: str
    scope: str
    entry: str
    path: str
    order_by: str
    allow_missing: str
    entries: str
    longest_key: int
    whole: Callable[[Mapping[str, Any], str], int]
    """Reads a number of the body."""
    shown: Callable[[int], int]
    """What is shown of a stored number."""
    deletes_missing: bool


@dataclass(frozen=True, slots=True)
class _Store:
    """An ordered data store and scope, as a request addresses it."""

    world: World
    version: _Version
    universe: str
    name: str
    scope: str

    @property
    def where(self) -> tuple[str, str, str]:
        return self.universe, self.name, self.scope

    def read(self, key: str) -> int | None:
        row: tuple[int] | None = self.world.database.execute(
            f"SELECT value FROM ordered_data_store_entries WHERE {_WHERE} AND key = ?", (*self.where, key)
        ).fetchone()
        return None if row is None else row[0]

    def write(self, key: str, value: int) -> Reply:
        """Write a number, and answer with the entry."""
        self.world.limits.move(_NUMBER, (KEY_WRITES, (*self.where, key)))
        self.world.database.execute(
            "INSERT INTO ordered_data_store_entries VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT DO UPDATE SET value = excluded.value",
            (*self.where, key, value),
        )
        return json_reply(self.entry(key, value))

    def remove(self, key: str) -> bool:
        """Remove an entry; return whether there was one."""
        cursor = self.world.database.execute(
            f"DELETE FROM ordered_data_store_entries WHERE {_WHERE} AND key = ?", (*self.where, key)
        )
        return cursor.rowcount > 0

    def rows(
        self, low: int, high: int, after: tuple[int, str] | None, *, descending: bool
    ) -> Iterator[tuple[str, int]]:
        """Yield keys and values between two values, in order; equal values by key."""
        if after is None:
            return self._run("value >= ? AND value <= ?", (low, high), descending=descending)
        value, key = after
        beyond = (low, value - 1) if descending else (value + 1, high)
        return chain(
            self._run("value = ? AND key > ?", (value, key), descending=descending),
            # SQLite keeps 64 bits, so that a bound outside them would become a float.
            self._run("value >= ? AND value <= ?", beyond, descending=descending)
            if beyond[0] >= INT64_MIN and beyond[1] <= INT64_MAX and beyond[0] <= beyond[1]
            else iter(()),
        )

    def _run(self, condition: str, values: tuple[object, ...], *, descending: bool) -> Iterator[tuple[str, int]]:
        order = "value DESC, key" if descending else "value, key"
        return self.world.database.execute(
            f"SELECT key, value FROM ordered_data_store_entries WHERE {_WHERE} AND {condition} ORDER BY {order}",
            (*self.where, *values),
        )

    def entry(self, key: str, value: int) -> dict[str, Any]:
        path = self.version.path.format(universe=self.universe, store=self.name, scope=self.scope)
        return {"path": f"{path}/entries/{key}", "value": self.version.shown(value), "id": key}


def _list(world: World, call: Call) -> Reply:
    store = _store(world, call)
    descending = _ORDERS.get(call.query.get(store.version.order_by, ""))
    if descending is None:
        raise invalid("The order is value or value desc.")
    low, high = value_range(call.query.get("filter", ""))
    page = page_request(call, default=_DEFAULT_PAGE, largest=_LARGEST_PAGE, kinds=(int, str))
    after = cast("tuple[int, str] | None", page.position)
    rows = store.rows(low, high, after, descending=descending)
    shown = [row for _, row in zip(range(page.size), rows, strict=False)]
    more = len(shown) == page.size and next(rows, None) is not None
    body: dict[str, Any] = {store.version.entries: [store.entry(*row) for row in shown]}
    if more:
        key, value = shown[-1]
        body["nextPageToken"] = page.token(value, key)
    elif store.version is _V1:
        body["nextPageToken"] = ""
    return json_reply(body)


def _create(world: World, call: Call) -> Reply:
    store, key = _store(world, call), call.query.get("id", "")
    _check_key(store, key)
    value = _value(store, call)
    if store.read(key) is not None:
        raise invalid("Entry already exists.")
    return store.write(key, value)


def _get(world: World, call: Call) -> Reply:
    store, key = _addressed(world, call)
    value = store.read(key)
    if value is None:
        _not_found()
    world.limits.move(_NUMBER, (KEY_READS, (*store.where, key)))
    return json_reply(store.entry(key, value))


def _update(world: World, call: Call) -> Reply:
    store, key = _addressed(world, call)
    create, value = boolean(call, store.version.allow_missing), _value(store, call)
    if not create and store.read(key) is None:
        _not_found()
    return store.write(key, value)


def _delete(world: World, call: Call) -> Reply:
    store, key = _addressed(world, call)
    if not store.remove(key) and not store.version.deletes_missing:
        _not_found()
    return json_reply({})


def _increment(world: World, call: Call) -> Reply:
    store, key = _addressed(world, call)
    amount = store.version.whole(_body(store, call), "amount")
    total = (store.read(key) or 0) + amount
    return store.write(key, min(max(total, INT64_MIN), INT64_MAX))


# --- what is asked for


def _store(world: World, call: Call) -> _Store:
    version = _V2 if call.endpoint.path.startswith("/cloud/v2/") else _V1
    name, scope = call.path[version.store], call.path[version.scope]
    if not fits(name, _MAX_NAME) or not fits(scope, _MAX_NAME):
        raise invalid(f"The data store and the scope have to have 1 to {_MAX_NAME} bytes.")
    return _Store(world, version, call.path[version.universe], name, scope)


def _addressed(world: World, call: Call) -> tuple[_Store, str]:
    store = _store(world, call)
    key = call.path[store.version.entry]
    _check_key(store, key)
    return store, key


def _check_key(store: _Store, key: str) -> None:
    if not fits(key, store.version.longest_key):
        raise invalid(f"The entry id has to have 1 to {store.version.longest_key} bytes.")


def _body(store: _Store, call: Call) -> dict[str, Any]:
    # Of a number that v1 takes every digit counts, so that it must not become a double on the way.
    return parse_object(call.body) if store.version is _V2 else parse_object(call.body, parse_exact)


def _value(store: _Store, call: Call) -> int:
    value = store.version.whole(_body(store, call), "value")
    if not INT64_MIN <= value <= INT64_MAX:
        raise invalid("The value does not fit into 64 bits.")
    return value


def _exactly(body: Mapping[str, Any], name: str) -> int:
    """Return an int64 of a v1 body."""
    value = number(body, name, parse_exact)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, float) or not INT64_MIN <= value <= INT64_MAX:
        raise invalid(f"{name} is not a whole number of 64 bits.")
    return value


def _nearest(body: Mapping[str, Any], name: str) -> int:
    """Return the whole number nearest to a double of a v2 body; halves go away from zero."""
    value = number(body, name)
    return value if isinstance(value, int) else int(math.copysign(math.floor(abs(value) + 0.5), value))


def _not_found() -> NoReturn:
    raise Refusal(404, "NOT_FOUND", "Entry not found.")


_V1 = _Version(
    universe="universeId",
    store="orderedDataStore",
    scope="scope",
    entry="entry",
    path="universes/{universe}/orderedDataStores/{store}/scopes/{scope}",
    order_by="order_by",
    allow_missing="allow_missing",
    entries="entries",
    longest_key=50,
    whole=_exactly,
    shown=lambda value: value,
    deletes_missing=True,
)
_V2 = _Version(
    universe="universe_id",
    store="ordered_data_store_id",
    scope="scope_id",
    entry="entry_id",
    path="universes/{universe}/ordered-data-stores/{store}/scopes/{scope}",
    order_by="orderBy",
    allow_missing="allowMissing",
    entries="orderedDataStoreEntries",
    longest_key=63,
    whole=_nearest,
    shown=rounded,
    deletes_missing=False,
)

HANDLERS: Mapping[Endpoint, Handler] = {
    api.LIST_ENTRIES: _list,
    api.CREATE_ENTRY: _create,
    api.GET_ENTRY: _get,
    api.UPDATE_ENTRY: _update,
    api.DELETE_ENTRY: _delete,
    api.INCREMENT_ENTRY: _increment,
    api.V1_LIST_ENTRIES: _list,
    api.V1_CREATE_ENTRY: _create,
    api.V1_GET_ENTRY: _get,
    api.V1_UPDATE_ENTRY: _update,
    api.V1_DELETE_ENTRY: _delete,
    api.V1_INCREMENT_ENTRY: _increment,
}
"""What answers the endpoints of both versions."""
