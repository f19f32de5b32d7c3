"""The universe resource: every numeric universe exists, unless the emulator is told to be strict."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, cast

from rblxcloud.emulator.errors import json_reply
from rblxcloud.emulator.model import Call, Handler, Reply, World
from rblxcloud.emulator.places import table as places
from rblxcloud.emulator.protobuf import camel_keys, integer, invalid, mask_paths, switch, timestamp
from rblxcloud.endpoints.model import Endpoint
from rblxcloud.endpoints.universes import GET_UNIVERSE, UPDATE_UNIVERSE

__all__ = [
    "GROUP",
    "GROUP_ID",
    "HANDLERS",
    "SCHEMA",
    "SMALL_WORLD",
    "USER",
    "USER_ID",
    "create",
    "every",
    "exists",
    "is_id",
    "owner",
    "touch",
]

SCHEMA = """
CREATE TABLE IF NOT EXISTS universes (
    id TEXT PRIMARY KEY,
    owner TEXT NOT NULL,
    update_time REAL NOT NULL,
    fields TEXT NOT NULL
);
"""

USER_ID = GROUP_ID = "1"
USER = f"users/{USER_ID}"
GROUP = f"groups/{GROUP_ID}"
SMALL_WORLD = {"13058": USER, "13158": GROUP}
"""The universes that a fresh emulator holds, and who owns them."""

_CREATED = 1_704_067_200.0
_MAX_ID = 2**63 - 1
_ID = re.compile(r"[1-9][0-9]{0,18}")
_SOCIAL_LINKS = tuple(
    f"{network}SocialLink"
    for network in ("facebook", "twitter", "youtube", "twitch", "discord", "robloxGroup", "guilded")
)
_SWITCHES = {
    "voiceChatEnabled": False,
    "desktopEnabled": True,
    "mobileEnabled": True,
    "tabletEnabled": True,
    "consoleEnabled": False,
    "vrEnabled": True,
}


def is_id(text: str) -> bool:
    """Return whether `text` is a positive 64-bit number, written plainly."""
    return _ID.fullmatch(text) is not None and int(text) <= _MAX_ID


def exists(world: World, universe: str) -> bool:
    """Return whether a universe was created, or changed since."""
    return _row(world, universe) is not None


def owner(world: World, universe: str) -> str:
    """Return whose a universe is: `users/1` or `groups/1`."""
    row = _row(world, universe)
    return row[0] if row else SMALL_WORLD.get(universe, USER)


def every(world: World, limit: int) -> list[str]:
    """Return the ids of the universes that were created or changed, oldest first, and at most `limit` of them."""
    return [number for (number,) in world.database.execute("SELECT id FROM universes ORDER BY rowid LIMIT ?", (limit,))]


def create(world: World, universe: str, owner: str = USER) -> None:
    """Make sure that a universe is there.

    Args:
        world: The emulator's state.
        universe: Its id.
        owner: `users/1` or `groups/1`.
    """
    made = world.database.execute("INSERT OR IGNORE INTO universes VALUES (?, ?, ?, '{}')", (universe, owner, _CREATED))
    if made.rowcount:
        places.create_root(world, universe)


def touch(world: World, universe: str) -> None:
    """Note that a universe was changed now."""
    create(world, universe)
    world.database.execute("UPDATE universes SET update_time = ? WHERE id = ?", (world.now(), universe))


def _get(world: World, call: Call) -> Reply:
    return json_reply(_resource(world, call.path["universe_id"]))


def _update(world: World, call: Call) -> Reply:
    universe = call.path["universe_id"]
    changes = _changes(camel_keys(call.json_object()), mask_paths(call.query))
    create(world, universe)
    _, _, fields = _row(world, universe) or (USER, _CREATED, {})
    for path, value in changes.items():
        _put(fields, path, value)
    world.database.execute(
        "UPDATE universes SET fields = ?, update_time = ? WHERE id = ?", (json.dumps(fields), world.now(), universe)
    )
    return json_reply(_resource(world, universe))


def _changes(body: Mapping[str, Any], paths: list[str]) -> dict[str, Any]:
    """Return what to write, by path. Without a mask these are the fields that the body holds."""
    if paths == ["*"]:
        paths = list(_WRITABLE)
    elif not paths:
        paths = [name for name in _WRITABLE if body.get(name) is not None]
    return {path: _value(body, path) for path in paths}


def _value(body: Mapping[str, Any], path: str) -> Any:
    field, _, part = path.partition(".")
    if field not in _WRITABLE or (part and (field not in _SOCIAL_LINKS or part not in ("title", "uri"))):
        raise invalid(f"The field mask names {path!r}, which cannot be updated.")
    value = body.get(field)
    if value is not None or field in _SWITCHES:
        value = _WRITABLE[field](field, value)
    return cast("dict[str, str]", value or {}).get(part) if part else value


def _put(fields: dict[str, Any], path: str, value: Any) -> None:
    field, _, part = path.partition(".")
    if part:
        link = fields.setdefault(field, {})
        _put(link, part, value)
    elif value is None:
        fields.pop(field, None)
    else:
        fields[field] = value


def _resource(world: World, universe: str) -> dict[str, Any]:
    _, updated, fields = _row(world, universe) or (USER, _CREATED, {})
    owned_by, root = owner(world, universe), places.root_place(world, universe)
    return {
        "path": f"universes/{universe}",
        "createTime": timestamp(_CREATED)[:-7] + "Z",
        "updateTime": timestamp(updated),
        "displayName": root.display_name,
        "description": root.description,
        "user" if owned_by.startswith("users/") else "group": owned_by,
        "visibility": "PUBLIC",
        "ageRating": "AGE_RATING_UNSPECIFIED",
        **_SWITCHES,
        **fields,
        "rootPlace": root.path,
    }


def _row(world: World, universe: str) -> tuple[str, float, dict[str, Any]] | None:
    row = world.database.execute(
        "SELECT owner, update_time, fields FROM universes WHERE id = ?", (universe,)
    ).fetchone()
    return None if row is None else (row[0], row[1], json.loads(row[2]))


def _price(name: str, value: Any) -> int:
    price = integer(name, value)
    if not 0 <= price < 2**31:
        raise invalid(f"{name} must be between 0 and {2**31 - 1}.")
    return price


def _social_link(name: str, value: Any) -> dict[str, str]:
    link = cast("dict[str, Any]", value) if isinstance(value, dict) else {"title": value}
    parts = {part: link[part] for part in ("title", "uri") if link.get(part) is not None}
    if not all(isinstance(text, str) for text in parts.values()) or not isinstance(value, dict):
        raise invalid(f"{name} must be an object with the texts title and uri.")
    return parts


_WRITABLE: dict[str, Callable[[str, Any], Any]] = {
    **dict.fromkeys(_SWITCHES, switch),
    "privateServerPriceRobux": _price,
    **dict.fromkeys(_SOCIAL_LINKS, _social_link),
}


HANDLERS: Mapping[Endpoint, Handler] = {
    GET_UNIVERSE: _get,
    UPDATE_UNIVERSE: _update,
}
