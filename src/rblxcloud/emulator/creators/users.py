"""Users: every positive number is one, until an emulator is told otherwise."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rblxcloud.emulator.errors import json_reply
from rblxcloud.emulator.model import Call, Handler, Refusal, Reply, World
from rblxcloud.emulator.universes import is_id
from rblxcloud.endpoints import users as api
from rblxcloud.endpoints.model import Endpoint

__all__ = ["HANDLERS", "SCHEMA", "User", "addressed", "find", "remove", "user_number", "write"]

SCHEMA = """
CREATE TABLE IF NOT EXISTS users (
    id INTEGER PRIMARY KEY,
    removed INTEGER NOT NULL,
    fields TEXT NOT NULL
);
"""

_CREATE_TIME = "2013-07-13T07:50:00.083Z"
_NETWORKS = ("facebook", "twitter", "youtube", "twitch", "guilded")
_VISIBILITIES = ("NO_ONE", "FRIENDS", "FRIENDS_AND_FOLLOWING", "FRIENDS_FOLLOWING_AND_FOLLOWERS", "EVERYONE")


@dataclass(frozen=True, slots=True)
class User:
    """A user, and what is said of them by the names of the JSON.

    `inventoryPublic` is a field that no answer shows: whether everybody may read the inventory.
    """

    id: int
    fields: Mapping[str, Any]

    @property
    def path(self) -> str:
        """Such as `users/1`."""
        return f"users/{self.id}"


def find(world: World, number: int) -> User | None:
    """Return a user by id; None for one that was removed."""
    row = world.database.execute("SELECT removed, fields FROM users WHERE id = ?", (number,)).fetchone()
    removed, fields = (0, "{}") if row is None else row
    return None if removed else User(number, {**_defaults(number), **json.loads(fields)})


def write(world: World, number: int, fields: Mapping[str, Any]) -> None:
    """Say something of a user, who exists from now on; what is not in `fields` stays.

    Args:
        world: The emulator's state.
        number: Id of the user.
        fields: By the names of the JSON.

    Raises:
        ValueError: For a field that users do not have, or a value of another type than it has.
    """
    known = _defaults(number)
    for name, value in fields.items():
        if name not in known:
            raise ValueError(f"a user has no {name!r}; known are {', '.join(known)}")
        if not isinstance(value, type(known[name])):
            raise ValueError(f"{name} of a user is {type(known[name]).__name__}")
    if "socialNetworkProfiles" in fields:
        _check_profiles(fields["socialNetworkProfiles"])
    row = world.database.execute("SELECT fields FROM users WHERE id = ?", (number,)).fetchone()
    kept: dict[str, Any] = {} if row is None else json.loads(row[0])
    world.database.execute("INSERT OR REPLACE INTO users VALUES (?, 0, ?)", (number, json.dumps({**kept, **fields})))


def remove(world: World, number: int) -> None:
    """Let a user be unknown from now on."""
    world.database.execute("INSERT OR REPLACE INTO users VALUES (?, 1, '{}')", (number,))


def user_number(path: object) -> int | None:
    """Return the id in a path such as `users/1`; None where it is no such path."""
    number = path.removeprefix("users/") if isinstance(path, str) else ""
    return int(number) if number != path and is_id(number) else None


def addressed(world: World, call: Call) -> User:
    """Return the user that a request addresses.

    Raises:
        Refusal: 400 for an id that is none, 404 for a user who was removed.
    """
    if not is_id(call.path["user_id"]):
        raise Refusal(400, "INVALID_ARGUMENT", "The user id is not a positive number.")
    found = find(world, int(call.path["user_id"]))
    if found is None:
        raise Refusal(404, "NOT_FOUND", "The user does not exist.")
    return found


def _get(world: World, call: Call) -> Reply:
    user = addressed(world, call)
    hidden = {"inventoryPublic"}
    if not call.has_scope("user.advanced:read"):
        hidden.add("idVerified")
    if not call.has_scope("user.social:read"):
        hidden.add("socialNetworkProfiles")
    shown = {name: value for name, value in user.fields.items() if name not in hidden}
    return json_reply({"path": user.path, "id": str(user.id), **shown})


def _defaults(number: int) -> dict[str, Any]:
    return {
        "createTime": _CREATE_TIME,
        "name": f"user{number}",
        "displayName": f"User {number}",
        "about": "",
        "locale": "en_us",
        "premium": True,
        "idVerified": True,
        "socialNetworkProfiles": {**dict.fromkeys(_NETWORKS, ""), "visibility": "EVERYONE"},
        "inventoryPublic": True,
    }


def _check_profiles(profiles: Mapping[str, Any]) -> None:
    if unknown := profiles.keys() - {*_NETWORKS, "visibility"}:
        raise ValueError(f"socialNetworkProfiles has no {', '.join(sorted(unknown))}")
    if profiles.get("visibility", "EVERYONE") not in _VISIBILITIES:
        raise ValueError(f"visibility is one of {', '.join(_VISIBILITIES)}")


HANDLERS: Mapping[Endpoint, Handler] = {api.GET_USER: _get}
