"""Notifications of experiences to users: a log of what was sent, instead of people."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import uuid4

from rblxcloud.emulator.creators.users import addressed
from rblxcloud.emulator.errors import json_reply
from rblxcloud.emulator.model import Call, Handler, Refusal, Reply, World
from rblxcloud.emulator.protobuf import camel, invalid
from rblxcloud.emulator.universes import is_id
from rblxcloud.endpoints import users as api
from rblxcloud.endpoints.model import Endpoint

__all__ = ["HANDLERS", "SCHEMA", "Notification", "sent"]

SCHEMA = """
CREATE TABLE IF NOT EXISTS notifications (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid TEXT NOT NULL,
    time REAL NOT NULL,
    user_id INTEGER NOT NULL,
    universe TEXT NOT NULL,
    message_id TEXT NOT NULL,
    parameters TEXT NOT NULL,
    launch_data TEXT,
    category TEXT
);
CREATE INDEX IF NOT EXISTS notifications_by_user ON notifications (user_id, universe, time);
"""

MAX_LAUNCH_DATA = 200
_INT64 = re.compile(r"-?[0-9]{1,19}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Notification:
    """A notification that was sent."""

    id: int
    """Counts the notifications, in the order in which they were sent."""
    uuid: str
    """The id in the answer."""
    time: float
    """Seconds since 1970 UTC on the emulator's clock."""
    user: int
    universe: str
    """Id of the universe."""
    message_id: str
    """Id of the text, which the experience's creator made beforehand."""
    parameters: Mapping[str, str | int]
    """What is put into the text."""
    launch_data: str | None
    """What the experience is told when the user joins through it."""
    category: str | None
    """The analytics category."""


def sent(world: World, *, after: int = 0, user: int | None = None, limit: int | None = None) -> list[Notification]:
    """Return the notifications there are, oldest first.

    Args:
        world: The emulator's state.
        after: Only those with a greater id.
        user: Only those to this user.
        limit: At most that many; None for all.
    """
    rows = world.database.execute(
        "SELECT * FROM notifications WHERE id > :after AND (:user IS NULL OR user_id = :user) ORDER BY id LIMIT :limit",
        {"after": after, "user": user, "limit": -1 if limit is None else limit},
    )
    return [
        Notification(number, uuid, time, to, universe, message, json.loads(parameters), launch_data, category)
        for number, uuid, time, to, universe, message, parameters, launch_data, category in rows
    ]


def _create(world: World, call: Call) -> Reply:
    user = addressed(world, call)
    body = _camel_keys(call.json_object())
    payload = {**_object(body, "payload"), **{name: body[name] for name in _BESIDE_PAYLOAD if name in body}}
    universe = _universe(_object(body, "source").get("universe"))
    message = payload.get("messageId")
    if payload.get("type") != "MOMENT":
        raise invalid("payload.type has to be MOMENT.")
    if not isinstance(message, str) or not message:
        raise invalid("payload.messageId has to be a text that is not empty.")
    parameters = {name: _parameter(name, value) for name, value in _object(payload, "parameters", {}).items()}
    launch_data = _text(_object(payload, "joinExperience", {}), "launchData")
    if launch_data is not None and len(launch_data.encode("utf-8", "replace")) > MAX_LAUNCH_DATA:
        raise invalid(f"launchData has at most {MAX_LAUNCH_DATA} bytes.")
    category = _text(_object(payload, "analyticsData", {}), "category")
    if call.limited:
        _check_day(world, user.id, universe)
    number, now = str(uuid4()), world.now()
    cursor = world.database.execute(
        "INSERT INTO notifications (uuid, time, user_id, universe, message_id, parameters, launch_data, category)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (number, now, user.id, universe, message, json.dumps(parameters), launch_data, category),
    )
    made = Notification(
        cursor.lastrowid or 0, number, now, user.id, universe, message, parameters, launch_data, category
    )
    world.events.append(made)
    return json_reply({"path": f"{user.path}/notifications/{number}", "id": number})


_BESIDE_PAYLOAD = ("joinExperience", "analyticsData")
"""Roblox's guide puts these beside the payload, its document into it (users_groups.md section 1)."""


def _check_day(world: World, user: int, universe: str) -> None:
    """One notification of an experience a day reaches a user; days are those of UTC."""
    today = datetime.fromtimestamp(world.now(), UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    (count,) = world.database.execute(
        "SELECT count(*) FROM notifications WHERE user_id = ? AND universe = ? AND time >= ?",
        (user, universe, today.timestamp()),
    ).fetchone()
    if count:
        wait = (today + timedelta(days=1)).timestamp() - world.now()
        raise Refusal(
            429,
            "RESOURCE_EXHAUSTED",
            "The experience has notified the user today.",
            headers={"retry-after": str(int(wait) + 1)},
        )


def _universe(path: object) -> str:
    number = path.removeprefix("universes/") if isinstance(path, str) else ""
    if number == path or not is_id(number):
        raise invalid("source.universe has to be a path such as universes/1.")
    return number


def _parameter(name: str, value: object) -> str | int:
    given = cast("dict[str, Any]", value) if isinstance(value, dict) else {}
    given = {camel(each): content for each, content in given.items() if content is not None}
    match given:
        case {"stringValue": str() as text, **others} if not others:
            return text
        case {"int64Value": number, **others} if not others and _is_int64(number):
            return int(number)
        case _:
            raise Refusal(400, "INVALID_ARGUMENT", f"The parameter {name!r} has either a stringValue or an int64Value.")


def _is_int64(value: object) -> bool:
    """Protobuf's JSON takes such a number as a text too."""
    whole = not isinstance(value, bool) and _INT64.fullmatch(str(value)) is not None
    return whole and -(2**63) <= int(str(value)) < 2**63


def _text(body: Mapping[str, Any], name: str) -> str | None:
    value = body.get(name)
    if value is not None and not isinstance(value, str):
        raise invalid(f"{name} has to be a text.")
    return value


def _object(body: Mapping[str, Any], name: str, default: dict[str, Any] | None = None) -> dict[str, Any]:
    value = body.get(name, default)
    if not isinstance(value, dict):
        raise invalid(f"{name} has to be an object.")
    return cast("dict[str, Any]", value)


def _camel_keys(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return a body in camelCase: protobuf's JSON takes snake_case too. Names of parameters are the caller's own."""
    return {
        camel(name): _camel_keys(cast("dict[str, Any]", value))
        if isinstance(value, dict) and name != "parameters"
        else value
        for name, value in body.items()
    }


HANDLERS: Mapping[Endpoint, Handler] = {api.CREATE_USER_NOTIFICATION: _create}
