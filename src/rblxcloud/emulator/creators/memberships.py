"""The services around membership: members, roles and requests to join."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any, cast

from rblxcloud.emulator.creators import groups, roles
from rblxcloud.emulator.creators.groups import Group, addressed, check_allowed, is_owner, rank_of_caller
from rblxcloud.emulator.creators.roles import GUEST, OWNER, Member, Role
from rblxcloud.emulator.creators.users import user_number
from rblxcloud.emulator.errors import json_reply
from rblxcloud.emulator.filters import equal_path, member_condition
from rblxcloud.emulator.model import Call, Handler, Refusal, Reply, World
from rblxcloud.emulator.paging import look_ahead, page_request, page_size
from rblxcloud.emulator.protobuf import invalid
from rblxcloud.emulator.storage_time import ticks_at, v2_time
from rblxcloud.emulator.universes import is_id
from rblxcloud.endpoints import groups as api
from rblxcloud.endpoints.model import Endpoint

__all__ = ["HANDLERS", "SCHEMA", "ask_to_join", "asking", "membership_id"]

SCHEMA = """
CREATE TABLE IF NOT EXISTS group_join_requests (
    group_id INTEGER NOT NULL,
    user_id INTEGER NOT NULL,
    create_time REAL NOT NULL,
    PRIMARY KEY (group_id, user_id)
) WITHOUT ROWID;
"""

ANY_GROUP = "-"
MAX_USERS = 50
_DEFAULT_PAGE = 10
_LARGEST_PAGE = 100
_LARGEST_SMALL_PAGE = 20


def membership_id(user: int) -> str:
    """Return the id of a user's membership: base64 without padding, safe in addresses."""
    return base64.urlsafe_b64encode(str(user).encode()).decode().rstrip("=")


def ask_to_join(world: World, group: int, user: int) -> None:
    """Let a user ask to join a group; the first request counts."""
    world.database.execute("INSERT OR IGNORE INTO group_join_requests VALUES (?, ?, ?)", (group, user, world.now()))


def asking(world: World, group: int) -> list[int]:
    """Return the ids of the users who ask to join a group."""
    rows = world.database.execute("SELECT user_id FROM group_join_requests WHERE group_id = ? ORDER BY 1", (group,))
    return [user for (user,) in rows]


# --- memberships


def _list(world: World, call: Call) -> Reply:
    group = None if call.path["group_id"] == ANY_GROUP else addressed(world, call)
    users, role = _wanted(call, group)
    page = page_request(call, default=_DEFAULT_PAGE, largest=_LARGEST_PAGE, kinds=(int, int))
    after = cast("tuple[int, int] | None", page.position)
    rows = roles.members(world, group=group.id if group else None, users=users, role=role, after=after)
    shown, last = look_ahead(rows, page.size)
    return json_reply(
        {
            "groupMemberships": [_member(world, member) for member in shown],
            "nextPageToken": page.token(last.user, last.group) if last else "",
        }
    )


def _wanted(call: Call, group: Group | None) -> tuple[tuple[int, ...] | None, int | None]:
    """Return which users, and which role, a filter asks for."""
    text = call.query.get("filter", "")
    if not text:
        if group is None:
            raise invalid("Memberships of any group need a filter such as user in ['users/1'].")
        return None, None
    field, operator, paths = member_condition(text)
    if group is None and (field != "user" or operator != "in" or len(paths) > MAX_USERS):
        raise invalid(f"Memberships of any group are filtered by user in, with at most {MAX_USERS} users.")
    if field == "user":
        numbers = [user_number(path) for path in paths]
        if None in numbers:
            raise invalid("A user of the filter is none, such as users/1.")
        return tuple(number for number in numbers if number is not None), None
    if len(paths) != 1 or group is None:
        raise invalid("A filter by role names one role.")
    return None, _role_number(group, paths[0])


def _update(world: World, call: Call) -> Reply:
    group, user = _member_to_change(world, call)
    role = _role_to_change(world, call, group, user)
    roles.give(world, user, role)
    for other in roles.held(world, group.id, user):
        if other.id != role.id:
            roles.take_away(world, user, other)
    return _answer(world, group, user)


def _assign(world: World, call: Call) -> Reply:
    group, user = _member_to_change(world, call)
    roles.give(world, user, _role_to_change(world, call, group, user))
    return _answer(world, group, user)


def _unassign(world: World, call: Call) -> Reply:
    group, user = _member_to_change(world, call)
    roles.take_away(world, user, _role_to_change(world, call, group, user))
    return _answer(world, group, user)


def _member_to_change(world: World, call: Call) -> tuple[Group, int]:
    """Return group and user, once the caller may change ranks there."""
    group = addressed(world, call)
    check_allowed(world, call, group, "changeRank")
    user = _user_of(call.path["membership_id"])
    if roles.find_member(world, group.id, user) is None:
        raise Refusal(404, "NOT_FOUND", "The membership does not exist.")
    return group, user


def _role_to_change(world: World, call: Call, group: Group, user: int) -> Role:
    path = call.json_object().get("role")
    number = _role_number(group, path)
    role = roles.find(world, group.id, number)
    if role is None:
        raise Refusal(404, "NOT_FOUND", "The role does not exist.")
    rank = rank_of_caller(world, call, group)
    own = user == groups.user_of_caller(world, call, group)
    theirs = max(each.rank for each in roles.held(world, group.id, user))
    if role.rank in (GUEST, OWNER) or own or role.rank >= rank or theirs >= min(rank, OWNER):
        raise Refusal(403, "PERMISSION_DENIED", "The caller cannot change this role of this member.")
    return role


def _answer(world: World, group: Group, user: int) -> Reply:
    member = roles.find_member(world, group.id, user)
    assert member is not None
    return json_reply(_member(world, member))


def _member(world: World, member: Member) -> dict[str, Any]:
    held = roles.held(world, member.group, member.user)
    return {
        "path": f"groups/{member.group}/memberships/{membership_id(member.user)}",
        "createTime": v2_time(ticks_at(member.create_time)),
        "updateTime": v2_time(ticks_at(member.update_time)),
        "user": f"users/{member.user}",
        "role": held[-1].path,
        "roles": [role.path for role in held],
    }


def _user_of(identifier: str) -> int:
    """Return the user of a membership id; the plain id of the user does too."""
    if is_id(identifier):
        return int(identifier)
    try:
        padded = identifier + "=" * (-len(identifier) % 4)
        text = base64.b64decode(padded, altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        text = ""
    if not is_id(text):
        raise invalid("The membership id is none.")
    return int(text)


def _role_number(group: Group, path: object) -> int:
    prefix = f"{group.path}/roles/"
    number = path.removeprefix(prefix) if isinstance(path, str) else ""
    if number == path or not is_id(number):
        raise invalid(f"A role is named by its path, such as {prefix}1.")
    return int(number)


# --- roles


def _list_roles(world: World, call: Call) -> Reply:
    group = addressed(world, call)
    size = page_size(call, default=_DEFAULT_PAGE, largest=_LARGEST_SMALL_PAGE)
    every, token = roles.of_group(world, group.id), call.query.get("pageToken", "")
    if token:
        places = [place for place, role in enumerate(every, 1) if str(role.id) == token]
        if not places:
            raise invalid("The page token is invalid.")
        every = every[places[0] :]
    shown = every[:size]
    return json_reply(
        {
            "groupRoles": [_role(world, call, group, role) for role in shown],
            # The token is the id of the last role, and it is there on the last page too (users_groups.md section 2).
            "nextPageToken": str(shown[-1].id) if shown else "",
        }
    )


def _get_role(world: World, call: Call) -> Reply:
    group, number = addressed(world, call), call.path["role_id"]
    if not is_id(number):
        raise invalid("The role id is not a positive number.")
    role = roles.find(world, group.id, int(number))
    if role is None:
        raise Refusal(404, "NOT_FOUND", "The role does not exist.")
    return json_reply(_role(world, call, group, role))


def _role(world: World, call: Call, group: Group, role: Role) -> dict[str, Any]:
    owner = is_owner(world, call, group)
    shown: dict[str, Any] = {
        "path": role.path,
        "id": str(role.id),
        "displayName": role.name,
        "rank": role.rank,
    }
    if role.rank != GUEST:
        shown["memberCount"] = roles.member_count(world, group.id, role.id)
    if owner:
        moment = v2_time(ticks_at(role.create_time))
        shown |= {"createTime": moment, "updateTime": moment, "description": role.description}
    if role.rank == GUEST or (call.has_scope("group:read") and (owner or _holds(world, call, group, role))):
        shown["permissions"] = role.permissions
    return shown


def _holds(world: World, call: Call, group: Group, role: Role) -> bool:
    held = roles.held(world, group.id, groups.user_of_caller(world, call, group))
    return any(each.id == role.id for each in held)


# --- requests to join


def _list_requests(world: World, call: Call) -> Reply:
    group = addressed(world, call)
    check_allowed(world, call, group, "acceptRequests")
    user = _requested_user(call.query.get("filter", ""))
    page = page_request(call, default=_DEFAULT_PAGE, largest=_LARGEST_SMALL_PAGE, kinds=(int,))
    after = cast("tuple[int] | None", page.position)
    rows = world.database.execute(
        "SELECT user_id, create_time FROM group_join_requests"
        " WHERE group_id = ? AND user_id > ? AND (? IS NULL OR user_id = ?) ORDER BY user_id",
        (group.id, after[0] if after else 0, user, user),
    )
    shown, last = look_ahead(rows, page.size)
    return json_reply(
        {
            "groupJoinRequests": [
                {
                    "path": f"{group.path}/join-requests/{number}",
                    "createTime": v2_time(ticks_at(created)),
                    "user": f"users/{number}",
                }
                for number, created in shown
            ],
            "nextPageToken": page.token(last[0]) if last else "",
        }
    )


def _requested_user(text: str) -> int | None:
    if not text:
        return None
    number = user_number(equal_path(text, "user"))
    if number is None:
        raise invalid("The user of the filter is none, such as users/1.")
    return number


def _accept(world: World, call: Call) -> Reply:
    group, user = _take_request(world, call)
    roles.join(world, group.id, user)
    return json_reply({})


def _decline(world: World, call: Call) -> Reply:
    _take_request(world, call)
    return json_reply({})


def _take_request(world: World, call: Call) -> tuple[Group, int]:
    """Remove a request to join, and return whose it was."""
    group = addressed(world, call)
    check_allowed(world, call, group, "acceptRequests")
    call.json_object()
    number = call.path["join_request_id"]
    if not is_id(number):
        raise invalid("The id of the request is not a positive number.")
    cursor = world.database.execute(
        "DELETE FROM group_join_requests WHERE group_id = ? AND user_id = ?", (group.id, int(number))
    )
    if cursor.rowcount == 0:
        raise Refusal(404, "NOT_FOUND", "The request to join does not exist.")
    return group, int(number)


HANDLERS: Mapping[Endpoint, Handler] = {
    api.LIST_GROUP_MEMBERSHIPS: _list,
    api.UPDATE_GROUP_MEMBERSHIP: _update,
    api.ASSIGN_ROLE_GROUP_MEMBERSHIP: _assign,
    api.UNASSIGN_ROLE_GROUP_MEMBERSHIP: _unassign,
    api.LIST_GROUP_ROLES: _list_roles,
    api.GET_GROUP_ROLE: _get_role,
    api.LIST_GROUP_JOIN_REQUESTS: _list_requests,
    api.ACCEPT_GROUP_JOIN_REQUEST: _accept,
    api.DECLINE_GROUP_JOIN_REQUEST: _decline,
}
