"""The standard data stores as v2 shows them: resources with paths, every number a double."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NoReturn, cast

from rblxcloud.emulator import data_stores_v1, storage
from rblxcloud.emulator.data_stores_values import (
    MAX_VALUE,
    check_attributes,
    check_users,
    dump,
    fits,
    parse_doubles,
    rounded,
)
from rblxcloud.emulator.data_stores_wire import boolean, number, parse_object
from rblxcloud.emulator.errors import json_reply
from rblxcloud.emulator.filters import INT64_MAX, INT64_MIN, id_prefix, revision_times
from rblxcloud.emulator.limits import KEY_READS, KEY_WRITES
from rblxcloud.emulator.model import Call, Handler, Refusal, Reply, World
from rblxcloud.emulator.paging import page_request, take
from rblxcloud.emulator.protobuf import invalid
from rblxcloud.emulator.storage_records import SCHEMA, Address, KeyRow, Place, Revision, Store, Tags
from rblxcloud.emulator.storage_time import MINUTE, UNIX_EPOCH, parse_time, ticks_at, v2_time
from rblxcloud.endpoints import data_stores as api
from rblxcloud.endpoints.model import Endpoint

__all__ = ["HANDLERS", "SCHEMA"]

_DEFAULT_SCOPE = "global"
_EVERY_SCOPE = "-"
_DEFAULT_PAGE = 10
_LARGEST_PAGE = 100
_LARGEST_KEY_PAGE = 256
_FUTURE = 10 * MINUTE
_USER = re.compile(r"users/([1-9]\d{0,18})", re.ASCII)


# --- stores


def _list_stores(world: World, call: Call) -> Reply:
    prefix, deleted_too = id_prefix(call.query.get("filter", "")), boolean(call, "showDeleted")
    page = page_request(call, default=_DEFAULT_PAGE, largest=_LARGEST_PAGE, kinds=(str,))
    after = None if page.position is None else str(page.position[0])
    stores = storage.list_stores(world, call.path["universe_id"], prefix, after)
    shown, last = take(stores, page.size, shown=lambda store: deleted_too or store.expires is None)
    return json_reply(
        {
            "dataStores": [_store_row(call, store) for store in shown],
            "nextPageToken": "" if last is None else page.token(last.name),
        }
    )


def _delete_store(world: World, call: Call) -> Reply:
    return json_reply(_store_resource(call, storage.delete_store(world, _store(world, call))))


def _undelete_store(world: World, call: Call) -> Reply:
    parse_object(call.body)
    return json_reply(_store_resource(call, storage.undelete_store(world, _store(world, call))))


def _snapshot(world: World, call: Call) -> Reply:
    parse_object(call.body)
    taken, moment = storage.snapshot(world, call.path["universe_id"])
    return json_reply({"newSnapshotTaken": taken, "latestSnapshotTime": v2_time(moment)})


def _store(world: World, call: Call) -> Store:
    store = storage.find_store(world, call.path["universe_id"], _store_name(call))
    if store is None:
        _not_found("The data store does not exist.")
    return store


def _store_row(call: Call, store: Store) -> dict[str, Any]:
    row: dict[str, Any] = {
        "path": f"universes/{call.path['universe_id']}/data-stores/{store.name}",
        "createTime": v2_time(store.created),
    }
    if store.expires is not None:
        row |= {"expireTime": v2_time(store.expires), "state": "DELETED"}
    return {**row, "id": store.name}


def _store_resource(call: Call, store: Store) -> dict[str, Any]:
    return {"state": "ACTIVE", **_store_row(call, store)}


# --- entries


def _list_keys(world: World, call: Call) -> Reply:
    name, scope = _store_name(call), _scope(call)
    prefix, removed_too = id_prefix(call.query.get("filter", "")), boolean(call, "showDeleted")
    page = page_request(call, default=_DEFAULT_PAGE, largest=_LARGEST_KEY_PAGE, kinds=(str, str))
    store = storage.find_store(world, call.path["universe_id"], name)
    if store is not None and store.expires is not None:
        _not_found("The data store is deleted.")
    within = None if "scope_id" in call.path and scope == _EVERY_SCOPE else scope
    prefixes = (prefix,) if "scope_id" in call.path else _unqualified(prefix)
    after = cast("tuple[str, str] | None", page.position)
    rows = _rows(world, store, within, prefixes, after)
    shown, last = take(rows, page.size, shown=lambda row: removed_too or not row.removed)
    return json_reply(
        {
            "dataStoreEntries": [_key_row(call, row) for row in shown],
            "nextPageToken": "" if last is None else page.token(last.scope, last.key),
        }
    )


def _rows(
    world: World, store: Store | None, scope: str | None, prefixes: tuple[str, ...], after: tuple[str, str] | None
) -> Iterator[KeyRow]:
    for prefix in prefixes if store is not None else ():
        assert store is not None
        yield from storage.list_keys(world, store, scope, prefix, after)


def _unqualified(prefix: str) -> tuple[str, ...]:
    """Return, in order and without overlap, what an unscoped list may mean by the prefix `global/p`: that, and `p`."""
    bare = prefix.removeprefix(f"{_DEFAULT_SCOPE}/")
    return (bare,) if prefix.startswith(bare) else tuple(sorted((prefix, bare)))


def _key_row(call: Call, row: KeyRow) -> dict[str, Any]:
    shown = {"path": _path(call, row.key, row.scope)}
    if row.removed:
        shown["state"] = "DELETED"
    return {**shown, "id": row.key}


def _create(world: World, call: Call) -> Reply:
    address = _address(call, call.query.get("id", ""))
    body = parse_object(call.body)
    value, tags = _value(body), _tags(body)
    place = _find_for_writing(world, address)
    if place.live is not None:
        raise invalid("The entry already exists.")
    return _entry_reply(call, address, _write(world, place, value, tags))


def _get(world: World, call: Call) -> Reply:
    key, at, selector = call.path["entry_id"].rpartition("@")
    if not at or selector == "latest":
        place = _find(world, _address(call, key if at else selector))
        return _entry_reply(call, place.address, _read(world, place, _existing(place.live)))
    address = _address(call, key)
    if selector.startswith("latest:"):
        moment, place = _moment(world, selector.removeprefix("latest:")), _find(world, address)
        revision = _existing(storage.read_at(world, place, moment))
        if revision.removed:
            _existing(None)
    elif storage.is_version_id(selector):
        place = _find(world, address)
        revision = _existing(storage.read_version(world, place, selector))
    else:
        raise invalid("Invalid version id.")
    return _entry_reply(call, address, _read(world, place, revision), f"@{revision.id}")


def _update(world: World, call: Call) -> Reply:
    address = _address(call, call.path["entry_id"])
    create, body = boolean(call, "allowMissing"), parse_object(call.body)
    value, tags, etag = _value(body), _tags(body), _etag(body)
    place = _find_for_writing(world, address)
    if not create:
        _existing(place.latest)
    if etag and (place.latest is None or place.latest.id != etag):
        raise Refusal(409, "ABORTED", "The etag is not that of the current revision.")
    return _entry_reply(call, address, _write(world, place, value, tags))


def _delete(world: World, call: Call) -> Reply:
    place = _find_for_writing(world, _address(call, call.path["entry_id"]))
    _existing(place.live)
    storage.remove(world, place)
    return json_reply({})


def _increment(world: World, call: Call) -> Reply:
    address = _address(call, call.path["entry_id"])
    body = parse_object(call.body)
    amount, tags = number(body, "amount"), _tags(body)
    if type(amount) is not int:
        raise invalid("The amount is not a whole number.")
    place = _find_for_writing(world, address)
    total = amount if place.live is None else _whole(place.live.value) + amount
    value = dump(rounded(min(max(total, INT64_MIN), INT64_MAX)))
    return _entry_reply(call, address, _write(world, place, value, tags))


def _read(world: World, place: Place, revision: Revision) -> Revision:
    world.limits.move(len(revision.value), (KEY_READS, place.address))
    return revision


def _write(world: World, place: Place, value: bytes, tags: Tags) -> Revision:
    world.limits.move(len(value), (KEY_WRITES, place.address))
    return storage.write(world, place, value, tags)


def _list_revisions(world: World, call: Call) -> Reply:
    address = _address(call, call.path["entry_id"])
    first, last = revision_times(call.query.get("filter", ""))
    page = page_request(call, default=_DEFAULT_PAGE, largest=_LARGEST_PAGE, kinds=(int,))
    after = None if page.position is None else int(page.position[0])
    place = _find(world, address)
    _existing(place.latest)
    rows = storage.list_versions(world, place, descending=True, first=first, last=last, after=after)
    shown, end = take(rows, page.size)
    return json_reply(
        {
            "dataStoreEntries": [
                {
                    "path": _path(call, f"{address.key}@{row.id}", address.scope),
                    "createTime": v2_time(row.created),
                    "revisionId": row.id,
                    "revisionCreateTime": v2_time(row.written),
                    "state": "DELETED" if row.removed else "ACTIVE",
                    "etag": row.id,
                    "id": f"{address.key}@{row.id}",
                }
                for row in shown
            ],
            "nextPageToken": "" if end is None else page.token(end.sequence),
        }
    )


# --- what is asked for


def _store_name(call: Call) -> str:
    name = call.path["data_store_id"]
    if not fits(name):
        raise invalid("The data store id has to have 1 to 50 bytes.")
    return name


def _scope(call: Call) -> str:
    scope = call.path.get("scope_id", _DEFAULT_SCOPE)
    if not fits(scope):
        raise invalid("The scope id has to have 1 to 50 bytes.")
    return scope


def _address(call: Call, key: str) -> Address:
    name, scope = _store_name(call), _scope(call)
    if not fits(key):
        raise invalid("The entry id has to have 1 to 50 bytes.")
    return Address(call.path["universe_id"], name, scope, key)


def _find(world: World, address: Address) -> Place:
    place = storage.find(world, address)
    if place.store is not None and place.store.expires is not None:
        _not_found("The data store is deleted.")
    return place


def _find_for_writing(world: World, address: Address) -> Place:
    place = storage.find(world, address)
    if place.store is not None and place.store.expires is not None:
        raise Refusal(400, "FAILED_PRECONDITION", "The data store is deleted.")
    return place


def _existing(revision: Revision | None) -> Revision:
    if revision is None:
        _not_found("The entry does not exist.")
    return revision


def _moment(world: World, text: str) -> int:
    moment = parse_time(text)
    if moment is None or not UNIX_EPOCH < moment <= ticks_at(world.now()) + _FUTURE:
        raise invalid("The time is not one of RFC 3339 after 1970, at most ten minutes from now.")
    return moment


def _value(body: Mapping[str, Any]) -> bytes:
    if body.get("value") is None:
        raise invalid("A value is required, and cannot be null.")
    value = dump(body["value"])
    if len(value) > MAX_VALUE:
        raise invalid(f"The value is longer than {MAX_VALUE} bytes.")
    return value


def _tags(body: Mapping[str, Any]) -> Tags:
    users, attributes = body.get("users"), body.get("attributes")
    try:
        checked = check_users([_user_id(user) for user in cast("list[object]", _list(users))])
        return Tags(checked, check_attributes({} if attributes is None else attributes))
    except ValueError as error:
        raise Refusal(400, "INVALID_ARGUMENT", f"Invalid argument: {error}.") from error


def _list(value: object) -> object:
    if value is not None and not isinstance(value, list):
        raise ValueError("users are an array")
    return value or []  # pyright: ignore[reportUnknownVariableType]


def _user_id(user: object) -> int:
    match = _USER.fullmatch(user) if isinstance(user, str) else None
    if match is None:
        raise ValueError("users are written users/{id}")
    return int(match[1])


def _etag(body: Mapping[str, Any]) -> str:
    etag = body.get("etag") or ""
    if not isinstance(etag, str):
        raise invalid("The etag is not text.")
    return etag


def _whole(text: bytes) -> int:
    value = parse_doubles(text)
    if type(value) is not int:
        raise invalid("The existing value is not a whole number.")
    return value


# --- answers


def _path(call: Call, key: str, scope: str) -> str:
    store = f"universes/{call.path['universe_id']}/data-stores/{call.path['data_store_id']}"
    return f"{store}/scopes/{scope}/entries/{key}" if "scope_id" in call.path else f"{store}/entries/{key}"


def _entry_reply(call: Call, address: Address, revision: Revision, suffix: str = "") -> Reply:
    entry: dict[str, Any] = {
        "path": _path(call, address.key + suffix, address.scope),
        "createTime": v2_time(revision.created),
        "revisionId": revision.id,
        "revisionCreateTime": v2_time(revision.written),
        "state": "DELETED" if revision.removed else "ACTIVE",
        "etag": revision.id,
    }
    if not revision.removed:
        entry["value"] = parse_doubles(revision.value)
    return json_reply(
        {
            **entry,
            "id": address.key + suffix,
            "users": [f"users/{user}" for user in revision.tags.users],
            "attributes": revision.tags.attributes,
        }
    )


def _not_found(message: str) -> NoReturn:
    raise Refusal(404, "NOT_FOUND", message)


HANDLERS: Mapping[Endpoint, Handler] = {
    endpoint: storage.purged(handler)
    for endpoint, handler in {
        api.LIST_DATA_STORES: _list_stores,
        api.DELETE_DATA_STORE: _delete_store,
        api.UNDELETE_DATA_STORE: _undelete_store,
        api.SNAPSHOT_DATA_STORES: _snapshot,
        api.LIST_ENTRIES: _list_keys,
        api.LIST_ENTRIES_UNSCOPED: _list_keys,
        api.CREATE_ENTRY: _create,
        api.CREATE_ENTRY_UNSCOPED: _create,
        api.GET_ENTRY: _get,
        api.GET_ENTRY_UNSCOPED: _get,
        api.UPDATE_ENTRY: _update,
        api.UPDATE_ENTRY_UNSCOPED: _update,
        api.DELETE_ENTRY: _delete,
        api.DELETE_ENTRY_UNSCOPED: _delete,
        api.INCREMENT_ENTRY: _increment,
        api.INCREMENT_ENTRY_UNSCOPED: _increment,
        api.LIST_REVISIONS: _list_revisions,
        api.LIST_REVISIONS_UNSCOPED: _list_revisions,
    }.items()
} | dict(data_stores_v1.HANDLERS)
"""What answers the endpoints of both versions."""
