"""The versions of a place: publishing, and their history with its notes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from rblxcloud.emulator.api_keys import Resource
from rblxcloud.emulator.assets.store import keep_file
from rblxcloud.emulator.errors import json_reply
from rblxcloud.emulator.model import Call, Handler, Refusal, Reply, World
from rblxcloud.emulator.paging import look_ahead, page_request
from rblxcloud.emulator.places.addressing import place_id
from rblxcloud.emulator.places.table import Place, find, of_universe, save
from rblxcloud.emulator.protobuf import invalid
from rblxcloud.emulator.storage_time import parse_time, ticks_at, v1_time
from rblxcloud.emulator.universes import is_id
from rblxcloud.endpoints import places as api
from rblxcloud.endpoints.model import Endpoint

__all__ = ["HANDLERS", "SCHEMA", "Version", "add", "find_version", "newest_published"]

SCHEMA = """
CREATE TABLE IF NOT EXISTS place_versions (
    place TEXT NOT NULL,
    number INTEGER NOT NULL,
    published INTEGER NOT NULL,
    created INTEGER NOT NULL,
    created_by INTEGER,
    contributors TEXT NOT NULL,
    save_type INTEGER NOT NULL,
    title TEXT,
    description TEXT,
    file TEXT NOT NULL,
    PRIMARY KEY (place, number)
);
"""

_COLUMNS = "number, published, created, created_by, contributors, save_type, title, description, file"
_DEFAULT_PAGE = 50
_LARGEST_PAGE = 100
_TYPES = {"Published": True, "Saved": False}


@dataclass(frozen=True, slots=True)
class Version:
    """A version of a place."""

    number: int
    published: bool
    created: int
    """When it was made, in ticks."""
    created_by: int | None
    contributors: tuple[int, ...]
    save_type: int
    title: str | None
    description: str | None
    file: str
    """Hash of the content."""


def add(
    world: World,
    place: Place,
    content: bytes,
    *,
    published: bool,
    created_by: int | None,
    contributors: tuple[int, ...] = (),
    save_type: int = 0,
) -> int:
    """Make the next version of a place, which belongs to its universe from then on; return its number."""
    save(world, place, {})
    (number,) = world.database.execute(
        "SELECT coalesce(max(number), 0) + 1 FROM place_versions WHERE place = ?", (place.id,)
    ).fetchone()
    everyone = dict.fromkeys((*(() if created_by is None else (created_by,)), *contributors))
    world.database.execute(
        f"INSERT INTO place_versions (place, {_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, NULL, NULL, ?)",
        (
            place.id,
            number,
            published,
            ticks_at(world.now()),
            created_by,
            json.dumps(list(everyone)),
            save_type,
            keep_file(world, content),
        ),
    )
    return int(number)


def find_version(world: World, place: str, number: int | None = None) -> Version | None:
    """Return a version of a place by its number; None for the newest."""
    if number is not None:
        return next(_newest(world, place, "number = ?", number), None)
    return next(_newest(world, place), None)


def newest_published(world: World, universe: str, place: str) -> Version | None:
    """Return the version of a universe's place that new servers run; None where none is published."""
    if of_universe(world, universe, place) is None:
        return None
    return next(_newest(world, place, "published"), None)


def _publish(world: World, call: Call) -> Reply:
    universe, number = call.path["universeId"], place_id(call)
    published = _TYPES.get(call.query.get("versionType", ""))
    if published is None:
        raise invalid("versionType has to be Published or Saved.")
    if len(call.body) > world.largest_place:
        raise Refusal(413, "PAYLOAD_TOO_LARGE", f"The file has more than {world.largest_place} bytes.")
    if not call.body.startswith((b"<roblox!", b"<roblox ")):
        raise invalid("The file is no place.")
    place = of_universe(world, universe, number)
    if place is None:
        if find(world, number) is not None:
            raise Refusal(409, "ABORTED", "The place does not belong to the universe.")
        raise Refusal(404, "NOT_FOUND", "The place does not exist.")
    version = add(world, place, call.body, published=published, created_by=_caller(call))
    return json_reply({"versionNumber": version})


def _caller(call: Call) -> int | None:
    kind, _, number = call.principal.owner.partition("/")
    return int(number) if kind == "users" else None


def _history(world: World, call: Call) -> Reply:
    place = _readable(world, call, "universe.place:read")
    page = page_request(call, default=_DEFAULT_PAGE, largest=_LARGEST_PAGE, kinds=(int,))
    condition, values = _condition(call.query)
    if page.position is not None:
        condition, values = f"{condition} AND number < ?", [*values, page.position[0]]
    shown, last = look_ahead(_newest(world, place, condition, *values), page.size)
    return json_reply(
        {
            "nextCursor": None if last is None else page.token(last.number),
            "hasMore": last is not None,
            "placeVersions": [_version_json(version) for version in shown],
        }
    )


def _condition(query: Mapping[str, str]) -> tuple[str, list[Any]]:
    """Return the filters of a history as SQL, and the values in it."""
    parts: list[tuple[str, Any]] = []
    for name, sql in (
        ("isPublished", "published = ?"),
        ("hasNotes", "(title IS NOT NULL OR description IS NOT NULL) = ?"),
    ):
        if text := query.get(name, ""):
            parts.append((sql, _switch(name, text)))
    if text := query.get("saveType", ""):
        if text not in ("0", "1", "2"):
            raise invalid("saveType has to be 0, 1 or 2.")
        parts.append(("save_type = ?", int(text)))
    if text := query.get("searchTerm", ""):
        parts.append(("instr(lower(coalesce(title, '') || char(10) || coalesce(description, '')), lower(?))", text))
    if text := query.get("contributor", ""):
        if not is_id(text):
            raise invalid("contributor has to be a user id.")
        parts.append(("EXISTS (SELECT 1 FROM json_each(contributors) WHERE value = ?)", int(text)))
    for name, sql in (("startTime", "created >= ?"), ("endTime", "created <= ?")):
        if text := query.get(name, ""):
            parts.append((sql, _moment(name, text)))
    return " AND ".join(("1", *(sql for sql, _ in parts))), [value for _, value in parts]


def _switch(name: str, text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise invalid(f"{name} has to be true or false.")
    return text.lower() == "true"


def _moment(name: str, text: str) -> int:
    ticks = parse_time(text)
    if ticks is None:
        raise invalid(f"{name} has to be a time such as 2024-01-31T12:00:00Z.")
    return ticks


def _contributors(world: World, call: Call) -> Reply:
    place = _readable(world, call, "universe.place:read")
    page = page_request(call, default=_DEFAULT_PAGE, largest=_LARGEST_PAGE, kinds=(int,))
    rows = world.database.execute(
        "SELECT DISTINCT value FROM place_versions, json_each(contributors) WHERE place = ? AND value > ?"
        " ORDER BY value",
        (place, 0 if page.position is None else page.position[0]),
    )
    shown, last = look_ahead((int(user) for (user,) in rows), page.size)
    token = None if last is None else page.token(last)
    return json_reply({"nextCursor": token, "hasMore": last is not None, "contributors": shown})


def _set_notes(world: World, call: Call) -> Reply:
    place = _readable(world, call, "universe.place:write")
    body = call.json_object() if call.body else {}
    notes = {name: body.get(name) for name in ("title", "description")}
    for name, text in notes.items():
        if not isinstance(text, str | None):
            raise invalid(f"{name} has to be text or null.")
    number = call.path["version"]
    # The document declares no 404 here.
    version = find_version(world, place, int(number)) if is_id(number) else None
    if version is None:
        raise invalid("The place has no such version.")
    world.database.execute(
        "UPDATE place_versions SET title = ?, description = ? WHERE place = ? AND number = ?",
        (notes["title"], notes["description"], place, version.number),
    )
    changed = find_version(world, place, version.number)
    assert changed is not None
    return json_reply({"placeVersion": _version_json(changed)})


def _readable(world: World, call: Call, scope: str) -> str:
    """Return the id of the place whose history a request is about: the address does not name the universe."""
    number = place_id(call)
    place = find(world, number)
    if place is None and world.strict:
        raise Refusal(403, "PERMISSION_DENIED", "The place does not exist, or is not yours.")
    if place is not None and not call.has_scope_on(scope, Resource(universe=place.universe)):
        raise Refusal(403, "PERMISSION_DENIED", "The credential is not allowed on this place.")
    return number


def _version_json(version: Version) -> dict[str, Any]:
    return {
        "version": str(version.number),
        "title": version.title,
        "description": version.description,
        "contributors": list(version.contributors),
        "saveType": version.save_type,
        "isPublished": version.published,
        "publishStatus": int(version.published),
        "hasNotes": version.title is not None or version.description is not None,
        "createdTime": v1_time(version.created),
        "createdBy": version.created_by,
    }


def _newest(world: World, place: str, condition: str = "1", *values: Any) -> Iterator[Version]:
    rows = world.database.execute(
        f"SELECT {_COLUMNS} FROM place_versions WHERE place = ? AND {condition} ORDER BY number DESC", (place, *values)
    )
    for number, published, created, created_by, contributors, save_type, title, description, file in rows:
        yield Version(
            number,
            bool(published),
            created,
            created_by,
            tuple(cast("list[int]", json.loads(contributors))),
            save_type,
            title,
            description,
            file,
        )


HANDLERS: Mapping[Endpoint, Handler] = {
    api.CREATE_VERSION: _publish,
    api.LIST_VERSIONS: _history,
    api.LIST_CONTRIBUTORS: _contributors,
    api.UPDATE_VERSION_NOTES: _set_notes,
}
