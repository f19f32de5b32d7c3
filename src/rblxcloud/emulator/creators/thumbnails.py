"""Thumbnails of users: an operation that is done at once, and a real small picture."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any, cast

from rblxcloud.emulator.creators.pictures import colour_of, jpeg, png
from rblxcloud.emulator.creators.users import User, addressed
from rblxcloud.emulator.errors import json_reply
from rblxcloud.emulator.files import check_location, file_endpoint, file_reply, location
from rblxcloud.emulator.model import Call, Handler, Refusal, Reply, World
from rblxcloud.emulator.protobuf import invalid
from rblxcloud.emulator.scripts import OperationScript
from rblxcloud.emulator.universes import is_id
from rblxcloud.endpoints import users as api
from rblxcloud.endpoints.model import Endpoint

__all__ = ["HANDLERS", "SCHEMA"]

SCHEMA = """
CREATE TABLE IF NOT EXISTS thumbnail_operations (
    id INTEGER PRIMARY KEY,
    ready_time REAL NOT NULL,
    script TEXT NOT NULL
);
"""

SIZES = (48, 50, 60, 75, 100, 110, 150, 180, 352, 420, 720)
_FORMATS = {"": "PNG", "FORMAT_UNSPECIFIED": "PNG", "PNG": "PNG", "JPEG": "JPEG"}
_SHAPES = {"": "ROUND", "SHAPE_UNSPECIFIED": "ROUND", "ROUND": "ROUND", "SQUARE": "SQUARE"}
_TYPE = "apis.roblox.com/roblox.open_cloud.cloud.v2.GenerateUserThumbnailResponse"

_FILE = file_endpoint("users.thumbnail_file", "/_cdn/thumbnails/{description}", "description")


def _generate(world: World, call: Call) -> Reply:
    user = addressed(world, call)
    size = call.query.get("size", "") or "420"
    picture = {
        "userId": str(user.id),
        "size": int(size) if size.isascii() and size.isdigit() and len(size) < 5 else 0,
        "format": _FORMATS.get(call.query.get("format", "")),
        "shape": _SHAPES.get(call.query.get("shape", "")),
    }
    if picture["size"] not in SIZES:
        raise invalid(f"The size is one of {', '.join(map(str, SIZES))}.")
    if picture["format"] is None or picture["shape"] is None:
        raise invalid("The format is PNG or JPEG, the shape ROUND or SQUARE.")
    script = world.scripts.take("thumbnail")
    if script.refusal is not None:
        raise invalid(script.refusal)
    if script != OperationScript(kind="thumbnail"):
        picture["operation"] = _start(world, script)
    answer = script.answer if "operation" in picture else "done"
    return json_reply(_operation(world, call, user, _encode(picture), answer=answer))


def _start(world: World, script: OperationScript) -> int:
    """Keep how an operation goes that is not as all are; return its number."""
    ready = world.now() + (0 if script.answer == "done" else script.processing)
    cursor = world.database.execute(
        "INSERT INTO thumbnail_operations (ready_time, script) VALUES (?, ?)",
        (ready, script.model_dump_json()),
    )
    return cursor.lastrowid or 0


def _get_operation(world: World, call: Call) -> Reply:
    user = addressed(world, call)
    return json_reply(_operation(world, call, user, call.path["operation_id"], answer="pending"))


def _operation(world: World, call: Call, user: User, identifier: str, *, answer: str) -> dict[str, Any]:
    picture = _decode(identifier)
    if picture is None or picture.get("userId") != str(user.id):
        raise Refusal(404, "NOT_FOUND", "The operation does not exist.")
    path = {"path": f"{user.path}/operations/{identifier}"}
    if answer == "path":
        return path
    script = OperationScript(kind="thumbnail")
    if "operation" in picture:
        row = world.database.execute(
            "SELECT ready_time, script FROM thumbnail_operations WHERE id = ?", (picture["operation"],)
        ).fetchone()
        if row is None:  # the emulator was reset since the operation was started
            raise Refusal(404, "NOT_FOUND", "The operation does not exist.")
        ready, text = row
        script = OperationScript.model_validate_json(text)
        if ready > world.now():
            return {**path, "done": False}
    if script.code is not None:
        return {**path, "done": True, "error": {"code": script.code, "message": script.message, "details": []}}
    file = f"/_cdn/thumbnails/{identifier.rstrip('=')}"
    return {**path, "done": True, "response": {"@type": _TYPE, "imageUri": location(call, world.now(), file)}}


def _download(world: World, call: Call) -> Reply:
    description = call.path["description"]
    check_location(call, world.now(), f"/_cdn/thumbnails/{description}")
    picture = _decode(description)
    if picture is None:
        raise Refusal(404, "NOT_FOUND", "There is no such file.")
    number, size, round_ = int(picture["userId"]), picture["size"], picture["shape"] == "ROUND"
    if picture["format"] == "JPEG":
        return file_reply(jpeg(size, number % 128, round_=round_), "image/jpeg", call.headers)
    return file_reply(png(size, colour_of(number), round_=round_), "image/png", call.headers)


def _encode(picture: Mapping[str, Any]) -> str:
    text = json.dumps(picture, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode()


def _decode(identifier: str) -> dict[str, Any] | None:
    """Return the description that an id is made of; None where it is none of ours."""
    try:
        padded = identifier + "=" * (-len(identifier) % 4)
        picture = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, RecursionError):
        return None
    if not isinstance(picture, dict):
        return None
    fields = cast("dict[str, Any]", picture)
    whole = (
        is_id(str(fields.get("userId")))
        and fields.get("size") in SIZES
        and fields.get("format") in ("PNG", "JPEG")
        and fields.get("shape") in ("ROUND", "SQUARE")
        and isinstance(fields.get("operation", 0), int)
    )
    return fields if whole else None


HANDLERS: Mapping[Endpoint, Handler] = {
    api.GENERATE_USER_THUMBNAIL: _generate,
    api.GET_USER_THUMBNAIL_GENERATION_OPERATION: _get_operation,
    _FILE: _download,
}
