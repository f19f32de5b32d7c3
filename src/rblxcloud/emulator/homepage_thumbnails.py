"""The pictures that stand for an experience on the home page: uploads, a list, and personalizations.

Its answers but those of the list and of the uploads are documented as empty objects. Where the emulator says more, that
is its own invention, since nobody could go on without the ids.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast
from uuid import uuid4

from rblxcloud.emulator.assets.kinds import KINDS
from rblxcloud.emulator.assets.store import add_asset, add_version, keep_file
from rblxcloud.emulator.assets.uploads import check_file
from rblxcloud.emulator.errors import json_reply
from rblxcloud.emulator.model import Call, Handler, Reply, World
from rblxcloud.emulator.multipart import Part, form_parts
from rblxcloud.emulator.paging import page_request
from rblxcloud.emulator.protobuf import invalid
from rblxcloud.emulator.scripts import OperationScript
from rblxcloud.emulator.universes import owner
from rblxcloud.endpoints import thumbnails as api
from rblxcloud.endpoints.model import Endpoint

__all__ = ["HANDLERS", "SCHEMA"]

SCHEMA = """
CREATE TABLE IF NOT EXISTS homepage_uploads (
    id TEXT PRIMARY KEY,
    universe TEXT NOT NULL,
    ready_time REAL NOT NULL,
    content_type TEXT NOT NULL,
    file TEXT NOT NULL,
    script TEXT NOT NULL,
    thumbnail TEXT
);
CREATE TABLE IF NOT EXISTS homepage_thumbnails (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    universe TEXT NOT NULL,
    asset INTEGER NOT NULL,
    moderation TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS personalizations (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL,
    universe TEXT NOT NULL,
    thumbnails TEXT NOT NULL,
    active INTEGER NOT NULL
);
"""

_RUNNING, _ENDED = 1, 2
_DEFAULT_PAGE = 25
_LARGEST_PAGE = 100


def _upload(world: World, call: Call) -> Reply:
    files = form_parts(call)
    if not files or any(name != "files" for name, _ in files):
        raise invalid("The form holds nothing but files, and one at least.")
    kind = KINDS["Image"]
    started: dict[str, str] = {}
    for _, file in files:
        check_file(kind, file)
        if file.filename in started:
            raise invalid("Two of the files have the same name.")
        started[str(file.filename)] = _start(world, call.path["universeId"], file)
    _settle(world)
    return json_reply({"fileToOperationIdDict": started})


def _start(world: World, universe: str, file: Part) -> str:
    script = world.scripts.take("homepage_thumbnail")
    if script.refusal is not None:
        raise invalid(script.refusal)
    number = str(uuid4())
    world.database.execute(
        "INSERT INTO homepage_uploads VALUES (?, ?, ?, ?, ?, ?, NULL)",
        (
            *(number, universe, world.now() + script.processing, file.content_type),
            *(keep_file(world, file.content), script.model_dump_json()),
        ),
    )
    return number


def _settle(world: World) -> None:
    """Make the pictures of the uploads that are over, in the order in which they ended."""
    rows = world.database.execute(
        "SELECT id, universe, ready_time, content_type, file, script FROM homepage_uploads"
        " WHERE thumbnail IS NULL AND ready_time <= ? ORDER BY ready_time, rowid",
        (world.now(),),
    ).fetchall()
    for number, universe, ready, content_type, file, text in rows:
        script = OperationScript.model_validate_json(text)
        if script.code is not None:
            continue
        fields = {"displayName": "Homepage thumbnail", "description": ""}
        asset = add_asset(world, "Image", owner(world, universe), "default", fields)
        add_version(world, asset, create_time=ready, moderation=script.moderation, content_type=content_type, file=file)
        thumbnail = str(uuid4())
        world.database.execute(
            "INSERT INTO homepage_thumbnails (id, universe, asset, moderation) VALUES (?, ?, ?, ?)",
            (thumbnail, universe, asset, script.moderation),
        )
        world.database.execute("UPDATE homepage_uploads SET thumbnail = ? WHERE id = ?", (thumbnail, number))


def _uploads(world: World, call: Call) -> Reply:
    _settle(world)
    wanted = [number for number in call.query.get("operationIds", "").split(",") if number]
    states: dict[str, Any] = {}
    for number in wanted:
        row = world.database.execute(
            "SELECT u.ready_time, u.script, t.id, t.asset, t.moderation FROM homepage_uploads AS u"
            " LEFT JOIN homepage_thumbnails AS t ON t.id = u.thumbnail WHERE u.id = ? AND u.universe = ?",
            (number, call.path["universeId"]),
        ).fetchone()
        if row is None:
            raise invalid("There is no such upload.")
        states[number] = _state(world, *row)
    running = any(state["homepageThumbnailId"] is None and "moderationStatus" not in state for state in states.values())
    return json_reply({"uploadStatus": _RUNNING if running else _ENDED, "uploadThumbnailStatusDict": states})


def _state(
    world: World, ready: float, script: str, thumbnail: str | None, asset: int | None, moderation: str | None
) -> dict[str, Any]:
    if thumbnail is not None:
        return {"homepageThumbnailId": thumbnail, "assetId": asset, "moderationStatus": moderation}
    failed = ready <= world.now() and OperationScript.model_validate_json(script).code is not None
    return {"homepageThumbnailId": None, **({"moderationStatus": "Rejected"} if failed else {})}


def _list(world: World, call: Call) -> Reply:
    _settle(world)
    page = page_request(call, default=_DEFAULT_PAGE, largest=_LARGEST_PAGE, kinds=(int,))
    after = cast("tuple[int]", page.position)[0] if page.position else 0
    rows = world.database.execute(
        "SELECT number, id, asset, moderation FROM homepage_thumbnails WHERE universe = ? AND number > ?"
        " ORDER BY number LIMIT ?",
        (call.path["universeId"], after, page.size + 1),
    ).fetchall()
    chosen = {each for _, _, thumbnails, active in _of(world, call) if active for each in thumbnails}
    shown = [
        {
            "homepageThumbnailId": number,
            "assetId": asset,
            "moderationStatus": moderation,
            "personalizedConfigStatus": "Active" if number in chosen else "Inactive",
            "homepageThumbnailStatus": "Active",
        }
        for _, number, asset, moderation in rows[: page.size]
    ]
    cursor = page.token(rows[page.size - 1][0]) if len(rows) > page.size else None
    return json_reply({"homepageThumbnails": shown, "nextCursor": cursor})


def _delete(world: World, call: Call) -> Reply:
    _settle(world)
    doomed = _existing(world, call, call.query.get("homepageThumbnailIds", "").split(","))
    world.database.executemany("DELETE FROM homepage_thumbnails WHERE id = ?", [(each,) for each in doomed])
    for number, _, thumbnails, active in _of(world, call):
        _write(world, number, [each for each in thumbnails if each not in doomed], active)
    return json_reply({})


def _create(world: World, call: Call) -> Reply:
    _settle(world)
    thumbnails = _existing(world, call, call.json_object().get("homepageThumbnailIds"))
    for number, _, others, _ in _of(world, call):
        _write(world, number, others, False)
    identifier = str(uuid4())
    world.database.execute(
        "INSERT INTO personalizations (id, universe, thumbnails, active) VALUES (?, ?, ?, 1)",
        (identifier, call.path["universeId"], json.dumps(thumbnails)),
    )
    return json_reply(_personalization(identifier, thumbnails, True))


def _update(world: World, call: Call) -> Reply:
    _settle(world)
    body = call.json_object()
    thumbnails = _existing(world, call, body.get("homepageThumbnailIds"))
    found = next((row for row in _of(world, call) if row[1] == body.get("id")), None)
    if found is None:
        raise invalid("There is no personalization with this id.")
    _write(world, found[0], thumbnails, found[3])
    return json_reply(_personalization(found[1], thumbnails, found[3]))


def _find(world: World, call: Call) -> Reply:
    status, limit = call.query.get("status", ""), call.query.get("limit", "")
    if status not in ("", "Active", "Inactive"):
        raise invalid("The status is Active or Inactive.")
    if limit and not (limit.isascii() and limit.isdigit() and 0 < int(limit[:10]) < 2**31):
        raise invalid("The limit is a positive number.")
    cursor = call.query.get("cursor", "") or "0"
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) < 19):
        raise invalid("The cursor is invalid.")
    rows = [
        row for row in _of(world, call) if row[0] > int(cursor) and status in ("", "Active" if row[3] else "Inactive")
    ]
    size = min(int(limit[:10] or _DEFAULT_PAGE), _LARGEST_PAGE)
    shown = [_personalization(identifier, thumbnails, active) for _, identifier, thumbnails, active in rows[:size]]
    return json_reply({"personalizations": shown, "nextCursor": str(rows[size - 1][0]) if len(rows) > size else None})


def _of(world: World, call: Call) -> list[tuple[int, str, list[str], bool]]:
    """Return a universe's personalizations: number, id, pictures, and whether it is the active one."""
    rows = world.database.execute(
        "SELECT number, id, thumbnails, active FROM personalizations WHERE universe = ? ORDER BY number",
        (call.path["universeId"],),
    ).fetchall()
    return [
        (number, identifier, json.loads(thumbnails), bool(active)) for number, identifier, thumbnails, active in rows
    ]


def _write(world: World, number: int, thumbnails: list[str], active: bool) -> None:
    world.database.execute(
        "UPDATE personalizations SET thumbnails = ?, active = ? WHERE number = ?",
        (json.dumps(thumbnails), active, number),
    )


def _existing(world: World, call: Call, wanted: Any) -> list[str]:
    """Return ids of pictures of the universe.

    Raises:
        Refusal: 400 when there are none, or one is that of no picture.
    """
    known = {
        number
        for (number,) in world.database.execute(
            "SELECT id FROM homepage_thumbnails WHERE universe = ?", (call.path["universeId"],)
        )
    }
    named = cast("list[Any]", wanted) if isinstance(wanted, list) else []
    if not named or not all(isinstance(each, str) and each in known for each in named):
        raise invalid("homepageThumbnailIds must hold ids of pictures of this experience, and one at least.")
    return list(dict.fromkeys(named))


def _personalization(identifier: str, thumbnails: list[str], active: bool) -> dict[str, Any]:
    return {"id": identifier, "homepageThumbnailIds": thumbnails, "status": "Active" if active else "Inactive"}


HANDLERS: Mapping[Endpoint, Handler] = {
    api.UPLOAD_HOMEPAGE_THUMBNAILS: _upload,
    api.GET_HOMEPAGE_THUMBNAIL_UPLOADS: _uploads,
    api.LIST_HOMEPAGE_THUMBNAILS: _list,
    api.DELETE_HOMEPAGE_THUMBNAILS: _delete,
    api.CREATE_PERSONALIZATION: _create,
    api.UPDATE_PERSONALIZATION: _update,
    api.LIST_PERSONALIZATIONS: _find,
}
