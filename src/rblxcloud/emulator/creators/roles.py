"""The roles of groups, who holds them, and who is a member: the state without its services."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from rblxcloud.emulator.model import World

__all__ = [
    "GUEST",
    "OWNER",
    "PERMISSIONS",
    "SCHEMA",
    "Member",
    "Role",
    "add",
    "base_role",
    "clear",
    "find",
    "find_member",
    "furnish",
    "give",
    "hand_over",
    "held",
    "join",
    "leave",
    "member_count",
    "members",
    "of_group",
    "take_away",
]

SCHEMA = """
CREATE TABLE IF NOT EXISTS group_roles (
    id INTEGER PRIMARY KEY,
    group_id INTEGER NOT NULL,
    rank INTEGER NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    permissions TEXT NOT NULL,
    create_time REAL NOT NULL,
    UNIQUE (group_id, rank)
);
CREATE TABLE IF NOT EXISTS group_members (
    group_id INTEGER NOT NULL,
    user_id INTEGER NOT NULL,
    create_time REAL NOT NULL,
    update_time REAL NOT NULL,
    PRIMARY KEY (group_id, user_id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS group_members_by_user ON group_members (user_id, group_id);
CREATE TABLE IF NOT EXISTS group_role_holders (
    role INTEGER NOT NULL,
    user_id INTEGER NOT NULL,
    PRIMARY KEY (role, user_id)
) WITHOUT ROWID;
"""

PERMISSIONS = (
    "viewWallPosts", "createWallPosts", "deleteWallPosts", "viewGroupShout", "createGroupShout", "changeRank",
    "acceptRequests", "exileMembers", "manageRelationships", "viewAuditLog", "spendGroupFunds", "advertiseGroup",
    "createAvatarItems", "manageAvatarItems", "manageGroupUniverses", "viewUniverseAnalytics", "createApiKeys",
    "manageApiKeys", "banMembers", "viewForums", "manageCategories", "createPosts", "lockPosts", "pinPosts",
    "removePosts", "createComments", "removeComments", "manageBlockedWords", "viewBlockedWords", "bypassSlowMode",
)  # fmt: skip
GUEST = 0
OWNER = 255

_FIRST_ID = 70_000_001
_VISITOR = ("viewWallPosts", "viewGroupShout", "viewForums")
_MEMBER = (*_VISITOR, "createWallPosts", "createPosts", "createComments")
_FURNITURE: tuple[tuple[str, int, tuple[str, ...]], ...] = (
    ("Guest", GUEST, _VISITOR),
    ("Member", 1, _MEMBER),
    ("Admin", 254, tuple(name for name in PERMISSIONS if name not in ("spendGroupFunds", "manageApiKeys"))),
    ("Owner", OWNER, PERMISSIONS),
)
_ROLE = "group_roles.id, group_id, rank, name, description, permissions, create_time"


@dataclass(frozen=True, slots=True)
class Role:
    """A role of a group."""

    id: int
    group: int
    rank: int
    name: str
    description: str
    permissions: Mapping[str, bool]
    create_time: float

    @property
    def path(self) -> str:
        """Such as `groups/1/roles/2`."""
        return f"groups/{self.group}/roles/{self.id}"


@dataclass(frozen=True, slots=True)
class Member:
    """A member of a group."""

    group: int
    user: int
    create_time: float
    update_time: float


def furnish(world: World, group: int, moment: float) -> None:
    """Give a group that has no roles those that every group has."""
    if of_group(world, group):
        return
    for name, rank, permissions in _FURNITURE:
        add(world, group, name, rank, permissions, moment=moment)


def add(
    world: World,
    group: int,
    name: str,
    rank: int,
    permissions: tuple[str, ...] = _MEMBER,
    *,
    description: str = "",
    moment: float | None = None,
) -> Role:
    """Make a role.

    Args:
        world: The emulator's state.
        group: Id of the group.
        name: What it is called.
        rank: 0 to 255, another one than the group's other roles have.
        permissions: What it allows.
        description: What is said of it.
        moment: When it was made; None for now.

    Raises:
        ValueError: For a rank that is none or taken, or a permission that does not exist.
    """
    if unknown := set(permissions) - set(PERMISSIONS):
        raise ValueError(f"there is no permission {', '.join(sorted(unknown))}")
    if not GUEST <= rank <= OWNER:
        raise ValueError("a rank is 0 to 255")
    if any(role.rank == rank for role in of_group(world, group)):
        raise ValueError(f"the group has a role of rank {rank} already")
    allowed = {each: each in permissions for each in PERMISSIONS}
    row = world.database.execute(
        "INSERT INTO group_roles VALUES ((SELECT coalesce(max(id) + 1, ?) FROM group_roles), ?, ?, ?, ?, ?, ?)"
        f" RETURNING {_ROLE}",
        (_FIRST_ID, group, rank, name, description, json.dumps(allowed), world.now() if moment is None else moment),
    ).fetchone()
    return _role(row)


def of_group(world: World, group: int) -> list[Role]:
    """Return the roles of a group, the lowest rank first."""
    rows = world.database.execute(f"SELECT {_ROLE} FROM group_roles WHERE group_id = ? ORDER BY rank", (group,))
    return [_role(row) for row in rows]


def find(world: World, group: int, number: int) -> Role | None:
    """Return a role of a group by its id."""
    row = world.database.execute(
        f"SELECT {_ROLE} FROM group_roles WHERE id = ? AND group_id = ?", (number, group)
    ).fetchone()
    return None if row is None else _role(row)


def base_role(world: World, group: int) -> Role:
    """Return the role that every new member gets: the lowest above the guests'."""
    return next(role for role in of_group(world, group) if role.rank > GUEST)


def held(world: World, group: int, user: int | None) -> list[Role]:
    """Return the roles that a user holds in a group, the lowest rank first; none for somebody who is no member."""
    rows = world.database.execute(
        f"SELECT {_ROLE} FROM group_roles JOIN group_role_holders ON role = group_roles.id"
        " WHERE group_id = ? AND user_id = ? ORDER BY rank",
        (group, user),
    )
    return [_role(row) for row in rows]


def join(world: World, group: int, user: int, role: Role | None = None, *, moment: float | None = None) -> None:
    """Make a user a member.

    Args:
        world: The emulator's state.
        group: Id of the group.
        user: Id of the user; a member already only gets the role.
        role: The role; None for the base role.
        moment: Since when; None for now.
    """
    since = world.now() if moment is None else moment
    cursor = world.database.execute(
        "INSERT OR IGNORE INTO group_members VALUES (?, ?, ?, ?)", (group, user, since, since)
    )
    if cursor.rowcount > 0:
        _hold(world, user, role or base_role(world, group))
    elif role is not None:
        give(world, user, role)


def leave(world: World, group: int, user: int) -> bool:
    """End a membership; return whether there was one."""
    for role in held(world, group, user):
        _drop(world, user, role)
    cursor = world.database.execute("DELETE FROM group_members WHERE group_id = ? AND user_id = ?", (group, user))
    return cursor.rowcount > 0


def give(world: World, user: int, role: Role) -> None:
    """Give a member a role; nothing happens when it is held already."""
    if _hold(world, user, role):
        _touch(world, role.group, user)


def take_away(world: World, user: int, role: Role) -> None:
    """Take a role from a member, who keeps at least the base role; nothing happens when it is not held."""
    base = base_role(world, role.group)
    last = [each.id for each in held(world, role.group, user)] == [role.id]
    if last and role.id == base.id:
        return
    if _drop(world, user, role):
        _touch(world, role.group, user)
    if last:
        _hold(world, user, base)


def hand_over(world: World, group: int, owner: int, moment: float) -> None:
    """Make a user the one who holds the owner's role.

    Args:
        world: The emulator's state.
        group: Id of the group.
        owner: Id of the user.
        moment: Since when the owner is a member, if not before.
    """
    role = next(role for role in of_group(world, group) if role.rank == OWNER)
    holders = world.database.execute(
        "SELECT user_id FROM group_role_holders WHERE role = ? AND user_id <> ?", (role.id, owner)
    ).fetchall()
    for (user,) in holders:
        take_away(world, user, role)
    join(world, group, owner, role, moment=moment)


def clear(world: World, group: int) -> None:
    """End every membership of a group, and forget its roles."""
    for role in of_group(world, group):
        world.database.execute("DELETE FROM group_role_holders WHERE role = ?", (role.id,))
    world.database.execute("DELETE FROM group_roles WHERE group_id = ?", (group,))
    world.database.execute("DELETE FROM group_members WHERE group_id = ?", (group,))


def find_member(world: World, group: int, user: int) -> Member | None:
    """Return a member of a group."""
    row = world.database.execute(
        "SELECT * FROM group_members WHERE group_id = ? AND user_id = ?", (group, user)
    ).fetchone()
    return None if row is None else Member(*row)


def members(
    world: World, *, group: int | None, users: tuple[int, ...] | None, role: int | None, after: tuple[int, int] | None
) -> Iterator[Member]:
    """Yield members, by user and then by group.

    Args:
        world: The emulator's state.
        group: Only those of this group.
        users: Only these users.
        role: Only those who hold the role with this id.
        after: Only those after this user and group.
    """
    conditions, values = ["(user_id, group_id) > (?, ?)"], list[object](after or (0, 0))
    if group is not None:
        conditions.append("group_id = ?")
        values.append(group)
    if users is not None:
        conditions.append(f"user_id IN ({', '.join('?' * len(users))})")
        values.extend(users)
    if role is not None:
        conditions.append("user_id IN (SELECT user_id FROM group_role_holders WHERE role = ?)")
        values.append(role)
    rows = world.database.execute(
        f"SELECT * FROM group_members WHERE {' AND '.join(conditions)} ORDER BY user_id, group_id", values
    )
    return (Member(*row) for row in rows)


def member_count(world: World, group: int, role: int | None = None) -> int:
    """Return how many members a group has, or how many of them hold a role."""
    if role is None:
        query, value = "SELECT count(*) FROM group_members WHERE group_id = ?", group
    else:
        query, value = "SELECT count(*) FROM group_role_holders WHERE role = ?", role
    (count,) = world.database.execute(query, (value,)).fetchone()
    return int(count)


def _hold(world: World, user: int, role: Role) -> bool:
    cursor = world.database.execute("INSERT OR IGNORE INTO group_role_holders VALUES (?, ?)", (role.id, user))
    return cursor.rowcount > 0


def _drop(world: World, user: int, role: Role) -> bool:
    cursor = world.database.execute("DELETE FROM group_role_holders WHERE role = ? AND user_id = ?", (role.id, user))
    return cursor.rowcount > 0


def _touch(world: World, group: int, user: int) -> None:
    world.database.execute(
        "UPDATE group_members SET update_time = ? WHERE group_id = ? AND user_id = ?", (world.now(), group, user)
    )


def _role(row: tuple[int, int, int, str, str, str, float]) -> Role:
    number, group, rank, name, description, permissions, created = row
    return Role(number, group, rank, name, description, json.loads(permissions), created)
