"""Groups: every positive number is one, of user 1, until an emulator is told otherwise; and their shouts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from rblxcloud.emulator.acting import is_anybody
from rblxcloud.emulator.creators import roles, users
from rblxcloud.emulator.errors import json_reply
from rblxcloud.emulator.model import Call, Handler, Refusal, Reply, World
from rblxcloud.emulator.storage_time import ticks_at, v2_time
from rblxcloud.emulator.universes import is_id
from rblxcloud.endpoints import groups as api
from rblxcloud.endpoints.model import Credential, Endpoint, Limit, Parameter, Repeat, Stability

__all__ = [
    "HANDLERS",
    "SCHEMA",
    "Group",
    "addressed",
    "allows",
    "check_allowed",
    "find",
    "is_owner",
    "rank_of_caller",
    "remove",
    "set_shout",
    "user_of_caller",
    "write",
]

SCHEMA = """
CREATE TABLE IF NOT EXISTS groups (
    id INTEGER PRIMARY KEY,
    removed INTEGER NOT NULL,
    owner INTEGER,
    create_time REAL NOT NULL,
    update_time REAL NOT NULL,
    fields TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS group_shouts (
    group_id INTEGER PRIMARY KEY,
    content TEXT NOT NULL,
    poster INTEGER NOT NULL,
    create_time REAL NOT NULL,
    update_time REAL NOT NULL
);
"""

MAX_NAME = 50
MAX_DESCRIPTION = 1000
MAX_SHOUT = 255
_CREATED = 1_704_067_200.0
FIRST_OWNER = 1
_ABOVE_ALL = 256

_GET_SHOUT = Endpoint(
    # Not in Roblox's document any more, and still answered (users_groups.md section 2).
    name="groups.get_group_shout",
    method="GET",
    server="https://apis.roblox.com",
    path="/cloud/v2/groups/{group_id}/shout",
    path_parameters=(Parameter("group_id", required=True),),
    credentials=frozenset({Credential.API_KEY, Credential.OAUTH2}),
    key_limit=Limit(150),
    oauth_limit=Limit(30),
    stability=Stability.BETA,
    repeat=Repeat.SAFE,
)


@dataclass(frozen=True, slots=True)
class Group:
    """A group, and what is said of it by the names of the JSON."""

    id: int
    owner: int | None
    """Id of the user who owns it; None for a group that was abandoned."""
    create_time: float
    update_time: float
    fields: Mapping[str, Any]

    @property
    def path(self) -> str:
        """Such as `groups/1`."""
        return f"groups/{self.id}"


def find(world: World, number: int) -> Group | None:
    """Return a group by id; None for one that was removed.

    A group that nobody has asked for yet begins to exist, with its roles and its owner.
    """
    row = _row(world, number)
    if row is None:
        write(world, number, {}, owner=FIRST_OWNER)
        row = _row(world, number)
        assert row is not None
    removed, owner, created, updated, fields = row
    if removed:
        return None
    return Group(number, owner, created, updated, {**_defaults(number), **json.loads(fields)})


def write(world: World, number: int, fields: Mapping[str, Any], owner: int | None) -> None:
    """Say something of a group, which exists from now on; what is not in `fields` stays.

    Args:
        world: The emulator's state.
        number: Id of the group.
        fields: By the names of the JSON.
        owner: Id of the owner, who becomes a member; None for nobody.

    Raises:
        ValueError: For a field that groups do not have, or a value that does not do.
    """
    known = _defaults(number)
    for name, value in fields.items():
        if name not in known:
            raise ValueError(f"a group has no {name!r}; known are {', '.join(known)}")
        if not isinstance(value, type(known[name])):
            raise ValueError(f"{name} of a group is {type(known[name]).__name__}")
    if not 1 <= len(fields.get("displayName", "-")) <= MAX_NAME:
        raise ValueError(f"displayName of a group has 1 to {MAX_NAME} characters")
    if len(fields.get("description", "")) > MAX_DESCRIPTION:
        raise ValueError(f"description of a group has at most {MAX_DESCRIPTION} characters")
    row = _row(world, number)
    created: float = _CREATED
    kept: dict[str, Any] = {}
    if row is not None and not row[0]:
        created, kept = row[2], json.loads(row[4])
    world.database.execute(
        "INSERT OR REPLACE INTO groups VALUES (?, 0, ?, ?, ?, ?)",
        (number, owner, created, _CREATED if row is None else world.now(), json.dumps({**kept, **fields})),
    )
    roles.furnish(world, number, _CREATED)
    if owner is not None:
        roles.hand_over(world, number, owner, _CREATED if row is None else world.now())


def remove(world: World, number: int) -> None:
    """Let a group be unknown from now on; its members and roles are gone."""
    roles.clear(world, number)
    world.database.execute("INSERT OR REPLACE INTO groups VALUES (?, 1, NULL, 0, 0, '{}')", (number,))


def set_shout(world: World, group: int, content: str, poster: int) -> None:
    """Let a user shout in a group, in the place of the shout before."""
    now = world.now()
    world.database.execute(
        "INSERT INTO group_shouts VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
        " content = excluded.content, poster = excluded.poster, update_time = excluded.update_time",
        (group, content, poster, now, now),
    )


def addressed(world: World, call: Call, name: str = "group_id") -> Group:
    """Return the group that a request addresses.

    Args:
        world: The emulator's state.
        call: The request.
        name: Name of the path parameter.

    Raises:
        Refusal: 400 for an id that is none, 404 for a group that was removed.
    """
    if not is_id(call.path[name]):
        _refuse(400, "INVALID_ARGUMENT", "The group id is not a positive number.")
    found = find(world, int(call.path[name]))
    if found is None:
        _refuse(404, "NOT_FOUND", "The group does not exist.")
    return found


def user_of_caller(world: World, call: Call, group: Group) -> int | None:
    """Return as which user a caller acts in a group: a key of a group acts as that group's owner."""
    if is_anybody(call, group.path):
        return group.owner
    kind, _, number = call.principal.owner.partition("/")
    if kind == "users":
        return int(number)
    own = find(world, int(number))
    return None if own is None else own.owner


def is_owner(world: World, call: Call, group: Group) -> bool:
    """Return whether a caller acts as the owner of a group."""
    return is_anybody(call, group.path) or (
        group.owner is not None and user_of_caller(world, call, group) == group.owner
    )


def rank_of_caller(world: World, call: Call, group: Group) -> int:
    """Return the rank below which a caller may change ranks."""
    if is_anybody(call, group.path):
        return _ABOVE_ALL
    return max((role.rank for role in roles.held(world, group.id, user_of_caller(world, call, group))), default=0)


def allows(world: World, call: Call, group: Group, permission: str) -> bool:
    """Return whether a caller has a permission in a group, such as `acceptRequests`."""
    user = user_of_caller(world, call, group)
    return is_owner(world, call, group) or any(
        role.permissions[permission] for role in roles.held(world, group.id, user)
    )


def check_allowed(world: World, call: Call, group: Group, permission: str) -> None:
    """Refuse a caller who lacks a permission in a group.

    Raises:
        Refusal: 403.
    """
    if not allows(world, call, group, permission):
        _refuse(403, "PERMISSION_DENIED", f"The caller lacks the permission {permission} in the group.")


def _get(world: World, call: Call) -> Reply:
    group = addressed(world, call)
    body: dict[str, Any] = {
        "path": group.path,
        "createTime": v2_time(ticks_at(group.create_time)),
        "updateTime": v2_time(ticks_at(group.update_time)),
        "id": str(group.id),
        **group.fields,
        "memberCount": roles.member_count(world, group.id),
    }
    if group.owner is not None:
        body["owner"] = f"users/{group.owner}"
    return json_reply(body)


def _get_shout(world: World, call: Call) -> Reply:
    group = addressed(world, call)
    content, poster, created, updated = _shout(world, group.id) or _refuse(404, "NOT_FOUND", "The group has no shout.")
    return json_reply(
        {
            "path": f"{group.path}/shout",
            "createTime": v2_time(ticks_at(created)),
            "updateTime": v2_time(ticks_at(updated)),
            "content": content,
            "poster": f"users/{poster}",
        }
    )


def _shout(world: World, group: int) -> tuple[str, int, float, float] | None:
    row: tuple[str, int, float, float] | None = world.database.execute(
        "SELECT content, poster, create_time, update_time FROM group_shouts WHERE group_id = ?", (group,)
    ).fetchone()
    return row


def _post_shout(world: World, call: Call) -> Reply:
    """The legacy service's way to shout (users_groups.md section 3)."""
    number = call.path["groupId"]
    group = find(world, int(number)) if is_id(number) else None
    if group is None:
        _refuse(400, "INVALID_ARGUMENT", "The group is invalid or does not exist.", "1")
    if not allows(world, call, group, "createGroupShout"):
        _refuse(403, "PERMISSION_DENIED", "You are not authorized to set the status of this group.", "6")
    message = call.json_object().get("message")
    if not isinstance(message, str) or not 1 <= len(message) <= MAX_SHOUT:
        _refuse(400, "INVALID_ARGUMENT", "Missing group status content.", "7")
    poster = user_of_caller(world, call, group) or FIRST_OWNER
    set_shout(world, group.id, message, poster)
    _, _, created, updated = _shout(world, group.id) or _refuse(500, "INTERNAL", "The shout is gone.")
    user = users.find(world, poster)
    return json_reply(
        {
            "body": message,
            "poster": {
                "buildersClubMembershipType": 0,
                "hasVerifiedBadge": False,
                "userId": poster,
                "username": user.fields["name"] if user else "",
                "displayName": user.fields["displayName"] if user else "",
            },
            "created": v2_time(ticks_at(created)),
            "updated": v2_time(ticks_at(updated)),
        }
    )


def _row(world: World, number: int) -> tuple[int, int | None, float, float, str] | None:
    row: tuple[int, int | None, float, float, str] | None = world.database.execute(
        "SELECT removed, owner, create_time, update_time, fields FROM groups WHERE id = ?", (number,)
    ).fetchone()
    return row


def _defaults(number: int) -> dict[str, Any]:
    return {
        "displayName": f"Group {number}",
        "description": "",
        "publicEntryAllowed": True,
        "locked": False,
        "verified": False,
    }


def _refuse(status: int, code: str, message: str, detail: str | None = None) -> NoReturn:
    raise Refusal(status, code, message, detail=detail)


HANDLERS: Mapping[Endpoint, Handler] = {
    api.GET_GROUP: _get,
    _GET_SHOUT: _get_shout,
    api.PATCH_LEGACY_GROUPS_V1_GROUPS_GROUP_ID_STATUS: _post_shout,
}
