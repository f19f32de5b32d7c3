"""The standard data stores as v1 shows them: values as bodies, everything else in headers and the query."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any, NoReturn, cast

from rblxcloud.emulator import storage
from rblxcloud.emulator.data_stores_values import MAX_VALUE, check_attributes, check_users, dump, fits, parse_exact
from rblxcloud.emulator.errors import json_reply
from rblxcloud.emulator.filters import INT64_MAX, INT64_MIN
from rblxcloud.emulator.limits import KEY_READS, KEY_WRITES, V1_READS, V1_WRITES
from rblxcloud.emulator.model import Call, Handler, Refusal, Reply, World
from rblxcloud.emulator.paging import page_request, take
from rblxcloud.emulator.storage_records import Address, Place, Revision, Store, Tags, Version
from rblxcloud.emulator.storage_time import header_time, parse_time, v1_time
from rblxcloud.endpoints import data_stores as api
from rblxcloud.endpoints.model import Endpoint

__all__ = ["HANDLERS"]

_DEFAULT_SCOPE = "global"
_DEFAULT_PAGE = 16
_DEFAULT_STORES_PAGE = 1
_LARGEST_PAGE = 100
_INTEGER = re.compile(r"[+-]?\d{1,30}", re.ASCII)

_READ = "universe-datastores.objects:read"
_CREATE = "universe-datastores.objects:create"
_UPDATE = "universe-datastores.objects:update"
_DELETE = "universe-datastores.objects:delete"
_CREATE_STORE = "universe-datastores.control:create"


def _list_stores(world: World, call: Call) -> Reply:
    page = page_request(call, default=_DEFAULT_STORES_PAGE, largest=_LARGEST_PAGE, kinds=(str,))
    after = None if page.position is None else str(page.position[0])
    stores = storage.list_stores(world, call.path["universeId"], call.query.get("prefix", ""), after)
    shown, last = take(stores, page.size, shown=lambda store: store.expires is None)
    return json_reply(
        {
            "datastores": [{"name": store.name, "createdTime": v1_time(store.created)} for store in shown],
            "nextPageCursor": "" if last is None else page.token(last.name),
        }
    )


def _list_keys(world: World, call: Call) -> Reply:
    name, scope = _store_name(call), call.query.get("scope", "")
    every_scope = _boolean(call, "allscopes")
    if every_scope and scope:
        _invalid("InvalidDataStoreScope", "The scope has to be empty when all scopes are listed.")
    page = page_request(call, default=_DEFAULT_PAGE, largest=_LARGEST_PAGE, kinds=(str, str))
    store = _open_store(storage.find_store(world, call.path["universeId"], name))
    if store is None:
        return json_reply({"keys": [], "nextPageCursor": ""})
    after = cast("tuple[str, str] | None", page.position)
    within = None if every_scope else _scope(call)
    rows = storage.list_keys(world, store, within, call.query.get("prefix", ""), after)
    shown, last = take(rows, page.size)
    return json_reply(
        {
            "keys": [{"scope": row.scope, "key": row.key} for row in shown],
            "nextPageCursor": "" if last is None else page.token(last.scope, last.key),
        }
    )


def _get(world: World, call: Call) -> Reply:
    _need(call, _READ)
    place = _place(world, call)
    return _read(world, place, _existing(place))


def _set(world: World, call: Call) -> Reply:
    _need(call, _UPDATE, _CREATE)
    address = _address(call)
    expected, exclusive = call.query.get("matchversion", ""), _boolean(call, "exclusivecreate")
    if expected and exclusive:
        _invalid("ExclusiveCreateAndMatchVersionCannotBeSet", "Exclusive create and match version cannot both be set.")
    if expected and not storage.is_version_id(expected):
        _invalid("InvalidVersionId", "Invalid version id.")
    _check_content(call)
    tags = _tags(call)
    place = _find(world, address)
    _need_for_writing(call, place)
    if (exclusive and place.live) or (expected and (place.latest is None or place.latest.id != expected)):
        return _precondition_failed(place)
    return _version_reply(_write(world, place, call.body, tags))


def _delete(world: World, call: Call) -> Reply:
    _need(call, _DELETE)
    place = _place(world, call)
    _existing(place)
    storage.remove(world, place)
    return Reply(204)


def _increment(world: World, call: Call) -> Reply:
    _need(call, _UPDATE, _CREATE)
    if "content-length" not in call.headers:
        _invalid("ContentLengthRequired", "The Content-Length header is required.")
    address = _address(call)
    amount = _amount(call)
    tags = _tags(call)
    place = _find(world, address)
    _need_for_writing(call, place)
    total = _in_range(amount if place.live is None else _whole(place.live.value) + amount)
    return _value_reply(_write(world, place, dump(total), tags))


def _list_versions(world: World, call: Call) -> Reply:
    address = _address(call)
    first, last = _moment(call, "starttime", "InvalidStartTime"), _moment(call, "endtime", "InvalidEndTime")
    order = call.query.get("sortorder") or "Ascending"
    if order.lower() not in ("ascending", "descending"):
        _invalid("InvalidSortOrder", "The sort order is Ascending or Descending.")
    page = page_request(call, default=_DEFAULT_PAGE, largest=_LARGEST_PAGE, kinds=(int,))
    after = None if page.position is None else int(page.position[0])
    place = _find(world, address)
    if place.entry is None:
        _not_found("EntryNotFound", "Entry not found in the datastore.")
    rows = storage.list_versions(
        world, place, descending=order.lower() == "descending", first=first, last=last, after=after
    )
    shown, end = take(rows, page.size)
    body: dict[str, Any] = {"versions": [_version(row) for row in shown]}
    if end is not None:
        body["nextPageCursor"] = page.token(end.sequence)
    return json_reply(body)


def _get_version(world: World, call: Call) -> Reply:
    address, version_id = _address(call), call.query.get("versionid", "")
    if not storage.is_version_id(version_id):
        _invalid("InvalidVersionId", "Invalid version id.")
    place = _find(world, address)
    revision = storage.read_version(world, place, version_id)
    if revision is None:
        _not_found("VersionNotFound", "Version not found.")
    if revision.removed:
        _not_found("EntryNotFound", "The version marks a deletion.")
    return _read(world, place, revision)


def _read(world: World, place: Place, revision: Revision) -> Reply:
    world.limits.move(len(revision.value), (V1_READS, place.address.universe), (KEY_READS, place.address))
    return _value_reply(revision)


def _write(world: World, place: Place, value: bytes, tags: Tags) -> Revision:
    world.limits.move(len(value), (V1_WRITES, place.address.universe), (KEY_WRITES, place.address))
    return storage.write(world, place, value, tags)


# --- what is asked for


def _store_name(call: Call) -> str:
    name = call.query.get("datastorename", "")
    if not fits(name):
        _invalid("InvalidDataStoreName", "The data store name has to have 1 to 50 bytes.")
    return name


def _scope(call: Call) -> str:
    scope = call.query.get("scope") or _DEFAULT_SCOPE
    if not fits(scope):
        _invalid("InvalidDataStoreScope", "The scope has to have 1 to 50 bytes.")
    return scope


def _address(call: Call) -> Address:
    name, scope, key = _store_name(call), _scope(call), call.query.get("entrykey", "")
    if not fits(key):
        _invalid("InvalidEntryKey", "The entry key has to have 1 to 50 bytes.")
    return Address(call.path["universeId"], name, scope, key)


def _place(world: World, call: Call) -> Place:
    return _find(world, _address(call))


def _find(world: World, address: Address) -> Place:
    place = storage.find(world, address)
    _open_store(place.store)
    return place


def _open_store(store: Store | None) -> Store | None:
    if store is not None and store.expires is not None:
        _not_found("DatastoreNotFound", "The datastore is deleted.")
    return store


def _existing(place: Place) -> Revision:
    if place.live is None:
        _not_found("EntryNotFound", "Entry not found in the datastore.")
    return place.live


def _boolean(call: Call, name: str) -> bool:
    text = call.query.get(name, "").lower()
    if text not in ("", "true", "false"):
        raise Refusal(400, "INVALID_ARGUMENT", f"{name} is true or false.")
    return text == "true"


def _amount(call: Call) -> int:
    text = call.query.get("incrementby", "") or "1"
    if not _INTEGER.fullmatch(text):
        raise Refusal(400, "INVALID_ARGUMENT", "incrementBy is a whole number.")
    return _in_range(int(text))


def _moment(call: Call, name: str, problem: str) -> int | None:
    text = call.query.get(name, "")
    moment = parse_time(text)
    if text and moment is None:
        _invalid(problem, "The time is not one of RFC 3339.")
    return moment


def _check_content(call: Call) -> None:
    if "content-length" not in call.headers:
        _invalid("ContentLengthRequired", "The Content-Length header is required.")
    if len(call.body) > MAX_VALUE:
        _invalid("ContentTooBig", f"The value is longer than {MAX_VALUE} bytes.")
    checksum = call.headers.get("content-md5")
    if checksum is not None and checksum != _md5(call.body):
        _invalid("ChecksumMismatch", "The content does not match content-md5.")
    try:
        value = parse_exact(call.body)
    except ValueError:
        _invalid("ContentNotJson", "The content is not JSON.")
    if value is None:
        _invalid("ContentNotJson", "A value cannot be null.")


def _tags(call: Call) -> Tags:
    try:
        users = check_users(_user_ids(_header(call, "roblox-entry-userids")))
    except ValueError:
        _invalid("InvalidUserIds", "roblox-entry-userids is a JSON array of at most four user ids.")
    try:
        attributes = check_attributes(parse_exact((_header(call, "roblox-entry-attributes") or "{}").encode()))
    except ValueError as error:
        _invalid("InvalidAttributes", f"roblox-entry-attributes: {error}.")
    return Tags(users, attributes)


def _user_ids(text: str) -> list[object]:
    """Read a JSON array, or the comma list that the document speaks of."""
    users: object = json.loads(text if text.startswith("[") else f"[{text}]")
    return cast("list[object]", users)


def _header(call: Call, name: str) -> str:
    """Return a header as the UTF-8 that ASP.NET takes it for; servers hand it on as Latin-1."""
    text = call.headers.get(name, "").strip()
    try:
        return text.encode("latin-1").decode()
    except UnicodeError:
        return text


def _need(call: Call, *scopes: str) -> None:
    """Refuse a caller who has none of `scopes`."""
    if not any(call.has_scope(scope) for scope in scopes):
        raise Refusal(
            403,
            "INSUFFICIENT_SCOPE",
            f"The credential lacks the scope {' or '.join(scopes)} for this data store.",
            detail="InsufficientScope",
        )


def _need_for_writing(call: Call, place: Place) -> None:
    _need(call, _CREATE if place.live is None else _UPDATE)
    if place.store is None:
        _need(call, _CREATE_STORE)


# --- numbers


def _whole(text: bytes) -> int:
    value = parse_exact(text)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if type(value) is not int:
        _invalid("ExistingValueNotNumeric", "The existing value is not a whole number.")
    return value


def _in_range(value: int) -> int:
    if value > INT64_MAX:
        _invalid("IncrementValueTooLarge", "The number is too large for 64 bits.")
    if value < INT64_MIN:
        _invalid("IncrementValueTooSmall", "The number is too small for 64 bits.")
    return value


# --- answers


def _value_reply(revision: Revision, status: int = 200) -> Reply:
    headers = {
        "content-type": "application/json",
        "content-md5": _md5(revision.value),
        "roblox-entry-version": revision.id,
        "roblox-entry-created-time": header_time(revision.created),
        "roblox-entry-version-created-time": header_time(revision.written),
    }
    if revision.tags.attributes:
        headers["roblox-entry-attributes"] = json.dumps(revision.tags.attributes)
    if revision.tags.users:
        headers["roblox-entry-userids"] = json.dumps(revision.tags.users)
    return Reply(status, headers, revision.value)


def _precondition_failed(place: Place) -> Reply:
    return Reply(412) if place.live is None else _value_reply(place.live, 412)


def _version_reply(version: Version) -> Reply:
    return json_reply(_version(version), headers={"content-type": "text/json; charset=utf-8"})


def _version(version: Version) -> dict[str, Any]:
    return {
        "version": version.id,
        "deleted": version.removed,
        "contentLength": version.length or 0,
        "createdTime": v1_time(version.written),
        "objectCreatedTime": v1_time(version.created),
    }


def _md5(body: bytes) -> str:
    return base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()


def _invalid(problem: str, message: str) -> NoReturn:
    raise Refusal(400, "INVALID_ARGUMENT", message, detail=problem)


def _not_found(problem: str, message: str) -> NoReturn:
    raise Refusal(404, "NOT_FOUND", message, detail=problem)


HANDLERS: Mapping[Endpoint, Handler] = {
    endpoint: storage.purged(handler)
    for endpoint, handler in {
        api.V1_LIST_DATA_STORES: _list_stores,
        api.V1_LIST_ENTRIES: _list_keys,
        api.V1_GET_ENTRY: _get,
        api.V1_SET_ENTRY: _set,
        api.V1_DELETE_ENTRY: _delete,
        api.V1_INCREMENT_ENTRY: _increment,
        api.V1_LIST_VERSIONS: _list_versions,
        api.V1_GET_VERSION: _get_version,
    }.items()
}
"""What answers the v1 endpoints."""
