"""Who is in a group, as what, and who asks to be."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AliasChoices, BeforeValidator, Field, TypeAdapter

from rblxcloud.endpoints import groups
from rblxcloud.errors import InvalidRequestError
from rblxcloud.http.binding import Binding
from rblxcloud.pagination import Pager
from rblxcloud.resources.base import Model, PathId, PathName, Timestamp, check_id, check_several
from rblxcloud.resources.listing import PageModel, WirePage, list_pages

_MOST_USERS = 50
_LARGEST_PAGE = 100
_MEMBERSHIP = re.compile(r"groups/(\d+)/memberships/", re.ASCII)


def _group_of(path: object) -> object:
    match = _MEMBERSHIP.match(path) if isinstance(path, str) else None
    return match[1] if match else path


def _several(roles: object) -> object:
    return [roles] if isinstance(roles, str) else roles


class GroupMember(Model):
    """A user's membership in a group."""

    id: PathName = Field(alias="path")
    """Id of the membership. Wherever Roblox takes one, it takes the user's id too."""
    group_id: Annotated[int, BeforeValidator(_group_of)] = Field(validation_alias="path")
    """Id of the group."""
    user_id: PathId = Field(alias="user")
    """Id of the user."""
    role_id: PathId | None = Field(default=None, alias="role")
    """Id of the highest of the member's roles."""
    # Memberships of 2024 came without `roles`.
    role_ids: Annotated[tuple[PathId, ...], BeforeValidator(_several)] = Field(
        default=(), validation_alias=AliasChoices("roles", "role")
    )
    """Ids of all roles that the member has."""
    created: Timestamp | None = Field(default=None, alias="createTime")
    """When the user joined."""
    updated: Timestamp | None = Field(default=None, alias="updateTime")
    """When the membership was last changed."""


class GroupRolePermissions(Model):
    """What the members of a role may do."""

    view_wall_posts: bool = False
    """Read the wall."""
    create_wall_posts: bool = False
    """Write on the wall."""
    delete_wall_posts: bool = False
    """Remove what stands on the wall."""
    view_group_shout: bool = False
    """Read the shout."""
    create_group_shout: bool = False
    """Write the shout."""
    change_rank: bool = False
    """Change the roles of lower members."""
    accept_requests: bool = False
    """Answer join requests."""
    exile_members: bool = False
    """Remove members."""
    manage_relationships: bool = False
    """Manage allies and enemies."""
    view_audit_log: bool = False
    """Read the audit log."""
    spend_group_funds: bool = False
    """Spend the group's Robux."""
    advertise_group: bool = False
    """Advertise the group."""
    create_avatar_items: bool = False
    """Make avatar items."""
    manage_avatar_items: bool = False
    """Configure avatar items."""
    manage_group_universes: bool = False
    """Make and edit the group's experiences."""
    view_universe_analytics: bool = False
    """See the analytics of the group's experiences."""
    create_api_keys: bool = False
    """Make API keys for the group."""
    manage_api_keys: bool = False
    """Manage all API keys of the group."""
    ban_members: bool = False
    """Ban members."""
    view_forums: bool = False
    """Read the forums."""
    manage_categories: bool = False
    """Make, change and remove forum categories."""
    create_posts: bool = False
    """Write forum posts."""
    lock_posts: bool = False
    """Lock forum posts."""
    pin_posts: bool = False
    """Pin forum posts."""
    remove_posts: bool = False
    """Remove forum posts."""
    create_comments: bool = False
    """Write forum comments."""
    remove_comments: bool = False
    """Remove forum comments."""
    manage_blocked_words: bool = False
    """Change the list of blocked words."""
    view_blocked_words: bool = False
    """See the list of blocked words."""
    bypass_slow_mode: bool = False
    """Write in the forums without waiting."""


class GroupRole(Model):
    """A role in a group."""

    id: int
    """Id of the role."""
    display_name: str = ""
    """Its name."""
    description: str | None = None
    """Its description; Roblox shows it to the group's owner alone."""
    rank: int = 0
    """How high it stands, 0 (guests) to 255 (the owner)."""
    member_count: int | None = None
    """How many members have it; None for guests."""
    permissions: GroupRolePermissions | None = None
    """What its members may do. Roblox shows those of guests to everybody; with the scope `group:read` members see those
    of their own role, and the owner those of all roles."""
    created: Timestamp | None = Field(default=None, alias="createTime")
    """When it was made; Roblox shows it to the group's owner alone."""
    updated: Timestamp | None = Field(default=None, alias="updateTime")
    """When it was last changed; Roblox shows it to the group's owner alone."""


class GroupJoinRequest(Model):
    """A user who asks to be let into a group."""

    user_id: PathId = Field(alias="user")
    """Id of the user."""
    created: Timestamp | None = Field(default=None, alias="createTime")
    """When they asked."""


class _Members(PageModel):
    items: tuple[GroupMember, ...] = Field(default=(), alias="groupMemberships")


class _Roles(PageModel):
    items: tuple[GroupRole, ...] = Field(default=(), alias="groupRoles")


class _JoinRequests(PageModel):
    items: tuple[GroupJoinRequest, ...] = Field(default=(), alias="groupJoinRequests")


MEMBER = TypeAdapter(GroupMember)
ROLE = TypeAdapter(GroupRole)
MEMBERS: TypeAdapter[WirePage[GroupMember]] = TypeAdapter(_Members)
ROLES: TypeAdapter[WirePage[GroupRole]] = TypeAdapter(_Roles)
JOIN_REQUESTS: TypeAdapter[WirePage[GroupJoinRequest]] = TypeAdapter(_JoinRequests)


def list_members(
    binding: Binding, group_id: int | str, condition: str | None, *, limit: int | None, page_size: int
) -> Pager[GroupMember]:
    """Return the memberships of a group, or with `-` those of all groups.

    Args:
        binding: The session's source.
        group_id: Id of the group, or `-`.
        condition: The filter, of checked values.
        limit: Most memberships in all.
        page_size: Most memberships a request.

    Raises:
        InvalidRequestError: `limit` or `page_size` is refused.
    """
    return list_pages(
        binding,
        groups.LIST_GROUP_MEMBERSHIPS,
        MEMBERS,
        {"group_id": group_id},
        page_size=page_size,
        largest=_LARGEST_PAGE,
        limit=limit,
        query={"filter": condition},
    )


def list_members_of_all_groups(
    binding: Binding, user_ids: object, *, limit: int | None, page_size: int
) -> Pager[GroupMember]:
    """Return the memberships that users have in whatever groups.

    Args:
        binding: The session's source.
        user_ids: 1 to 50 ids.
        limit: Most memberships in all.
        page_size: Most memberships a request.

    Raises:
        InvalidRequestError: An argument is refused.
    """
    users = [f"'users/{check_id('user_ids', id)}'" for id in check_several("user_ids", user_ids)]
    if len(users) > _MOST_USERS:
        raise InvalidRequestError("user_ids", f"holds {len(users)} ids; it takes {_MOST_USERS} at most")
    return list_members(binding, "-", f"user in [{', '.join(users)}]", limit=limit, page_size=page_size)
