"""Groups: what Roblox tells of them, their members, roles, join requests and forums."""

from __future__ import annotations

from typing import ClassVar, Self

from pydantic import AliasPath, Field, SecretStr, TypeAdapter

from rblxcloud.endpoints import groups
from rblxcloud.endpoints.model import Endpoint
from rblxcloud.errors import InvalidRequestError
from rblxcloud.http.binding import StandaloneBinding
from rblxcloud.http.request import Call, check_unicode, json_call
from rblxcloud.pagination import Pager
from rblxcloud.resources.base import BINDING, ID, Model, PathId, Timestamp, check_id, check_text
from rblxcloud.resources.creator import Creator
from rblxcloud.resources.group_forum import (
    CATEGORIES,
    COMMENTS,
    POSTS,
    ForumCategory,
    ForumComment,
    ForumPost,
    check_forum_id,
)
from rblxcloud.resources.group_members import (
    JOIN_REQUESTS,
    MEMBER,
    ROLE,
    ROLES,
    GroupJoinRequest,
    GroupMember,
    GroupRole,
    list_members,
)
from rblxcloud.resources.listing import list_pages
from rblxcloud.resources.user import User, user_id_of


class GroupShout(Model):
    """What a group's page says at its top."""

    message: str = Field(default="", alias="body")
    """The text."""
    poster_id: int | None = Field(default=None, validation_alias=AliasPath("poster", "userId"))
    """Id of the user who wrote it."""
    created: Timestamp | None = None
    """When it was written."""
    updated: Timestamp | None = None
    """When it was last changed."""


class Group(Creator):
    """A group. The fields besides `id` are None until `fetch()` has filled them."""

    description: str | None = None
    """Its description."""
    created: Timestamp | None = Field(default=None, alias="createTime")
    """When it was made."""
    updated: Timestamp | None = Field(default=None, alias="updateTime")
    """When it was last changed."""
    owner_id: PathId | None = Field(default=None, alias="owner")
    """Id of the user who owns it; None when nobody does."""
    member_count: int | None = None
    """How many members it has."""
    public_entry_allowed: bool | None = None
    """Whether everybody can join without asking."""
    locked: bool | None = None
    """Whether Roblox has locked it."""
    verified: bool | None = None
    """Whether it has a verified badge."""

    _collection: ClassVar[str] = "groups"

    def __init__(
        self,
        id: int,
        *,
        api_key: str | SecretStr | None = None,
        access_token: str | SecretStr | None = None,
        base_url: str | None = None,
    ) -> None:
        """Make a group that stands alone; `client.group(id)` makes one that shares a client.

        Objects that stand alone share their connections with those of the same credential and address.

        Args:
            id: The group id.
            api_key: Open Cloud API key; `RBLXCLOUD_API_KEY` when neither credential is passed.
            access_token: OAuth 2.0 access token, instead of a key.
            base_url: Address of Open Cloud; `RBLXCLOUD_BASE_URL`, else Roblox's own.

        Raises:
            InvalidRequestError: The id is not one.
            ConfigurationError: No credential, both, or an address that is refused.
        """
        checked = check_id("id", id)
        binding = StandaloneBinding("async", api_key=api_key, access_token=access_token, base_url=base_url)
        self.__pydantic_validator__.validate_python({"id": checked}, self_instance=self, context={BINDING: binding})
        self._owns_binding = True

    # Else validation would call __init__ (see Experience).
    __init__.__pydantic_base_init__ = True  # type: ignore[attr-defined]  # pyright: ignore[reportFunctionMemberAccess]

    async def fetch(self) -> Self:
        """Fill the fields in place.

        Returns:
            The group itself.

        Raises:
            NotFoundError: There is no such group.

        Scopes: none.
        Source: `GET /cloud/v2/groups/{group_id}`.
        """
        call = Call(groups.GET_GROUP, {"group_id": self.id})
        answer = await self._session.request(call, _GROUP, context={ID: self.id})
        self._adopt(answer)
        return self

    async def update_shout(self, message: str) -> GroupShout:
        """Replace the shout: what the group's page says at its top.

        Args:
            message: The new text; Roblox's own filter may refuse it.

        Returns:
            The shout as it is now.

        Raises:
            InvalidRequestError: The message is empty, or no text; nothing was sent.
            PermissionDeniedError: The key's owner may not write the shout.

        Scopes: `legacy-group:manage`.
        Source: `PATCH /legacy-groups/v1/groups/{groupId}/status`.
        """
        body = {"message": check_unicode("message", check_text("message", message))}
        call = json_call(groups.PATCH_LEGACY_GROUPS_V1_GROUPS_GROUP_ID_STATUS, {"groupId": self.id}, body)
        return await self._session.request(call, _SHOUT)

    # Members.

    def members(
        self,
        *,
        role: GroupRole | int | None = None,
        user: User | int | None = None,
        limit: int | None = None,
        page_size: int = 100,
    ) -> Pager[GroupMember]:
        """List the members.

        Args:
            role: Only members who have this role, or the role with this id.
            user: Only this user, if they are a member.
            limit: Most members in all.
            page_size: Most members a request, 1 to 100.

        Returns:
            A pager: iterate it, or its `pages()`.

        Raises:
            InvalidRequestError: An argument is refused, or both filters were passed, which Roblox does not combine.

        Scopes: none.
        Source: `GET /cloud/v2/groups/{group_id}/memberships`.
        """
        if role is not None and user is not None:
            raise InvalidRequestError("role", "cannot be combined with user; look at the member's role_ids instead")
        condition = None
        if role is not None:
            condition = f"role == '{self._role(role)}'"
        if user is not None:
            condition = f"user == 'users/{user_id_of('user', user)}'"
        return list_members(self._bound_to, self.id, condition, limit=limit, page_size=page_size)

    async def find_member(self, user: User | int) -> GroupMember | None:
        """Return a user's membership.

        Args:
            user: The user, or the user id.

        Returns:
            The membership; None when the user is no member.

        Raises:
            InvalidRequestError: It is neither a user nor an id.

        Scopes: none.
        Source: `GET /cloud/v2/groups/{group_id}/memberships`.
        """
        found = [member async for member in self.members(user=user_id_of("user", user), limit=1)]
        return found[0] if found else None

    async def assign_role(self, user: User | int, role: GroupRole | int) -> GroupMember:
        """Give a member a role besides those they have; one that they have already stays.

        Args:
            user: The member, or their user id.
            role: The role, or its id.

        Returns:
            The membership as it is now.

        Raises:
            InvalidRequestError: An argument is refused; nothing was sent.
            PermissionDeniedError: The key's owner may not give this role to this member.

        Scopes: `group:write`.
        Source: `POST /cloud/v2/groups/{group_id}/memberships/{membership_id}:assignRole`.
        """
        return await self._change_member(groups.ASSIGN_ROLE_GROUP_MEMBERSHIP, user, role)

    async def unassign_role(self, user: User | int, role: GroupRole | int) -> GroupMember:
        """Take a role from a member; nothing changes when they do not have it.

        Args:
            user: The member, or their user id.
            role: The role, or its id.

        Returns:
            The membership as it is now.

        Raises:
            InvalidRequestError: An argument is refused; nothing was sent.
            PermissionDeniedError: The key's owner may not take this role from this member.

        Scopes: `group:write`.
        Source: `POST /cloud/v2/groups/{group_id}/memberships/{membership_id}:unassignRole`.
        """
        return await self._change_member(groups.UNASSIGN_ROLE_GROUP_MEMBERSHIP, user, role)

    async def update_member(self, user: User | int, role: GroupRole | int) -> GroupMember:
        """Replace the roles of a member by one; Roblox advises `assign_role` and `unassign_role` instead.

        Args:
            user: The member, or their user id.
            role: The role, or its id.

        Returns:
            The membership as it is now.

        Raises:
            InvalidRequestError: An argument is refused; nothing was sent.
            PermissionDeniedError: The key's owner may not give this role to this member.

        Scopes: `group:write`.
        Source: `PATCH /cloud/v2/groups/{group_id}/memberships/{membership_id}`.
        """
        return await self._change_member(groups.UPDATE_GROUP_MEMBERSHIP, user, role)

    async def _change_member(self, endpoint: Endpoint, user: object, role: object) -> GroupMember:
        path = {"group_id": self.id, "membership_id": user_id_of("user", user)}
        return await self._session.request(json_call(endpoint, path, {"role": self._role(role)}), MEMBER)

    def _role(self, role: object) -> str:
        role_id = role.id if isinstance(role, GroupRole) else check_id("role", role)
        return f"{self.path}/roles/{role_id}"

    # Roles.

    def roles(self, *, limit: int | None = None, page_size: int = 20) -> Pager[GroupRole]:
        """List the roles.

        Args:
            limit: Most roles in all.
            page_size: Most roles a request, 1 to 20.

        Returns:
            A pager: iterate it, or its `pages()`.

        Scopes: none; `group:read` for the permissions of roles other than guests.
        Source: `GET /cloud/v2/groups/{group_id}/roles`.
        """
        return list_pages(
            self._bound_to,
            groups.LIST_GROUP_ROLES,
            ROLES,
            {"group_id": self.id},
            page_size=page_size,
            largest=20,
            limit=limit,
        )

    async def get_role(self, role_id: int) -> GroupRole:
        """Return one role.

        Args:
            role_id: Its id.

        Raises:
            NotFoundError: The group has no such role.

        Scopes: none; `group:read` for the permissions of roles other than guests.
        Source: `GET /cloud/v2/groups/{group_id}/roles/{role_id}`.
        """
        path = {"group_id": self.id, "role_id": check_id("role_id", role_id)}
        return await self._session.request(Call(groups.GET_GROUP_ROLE, path), ROLE)

    # Join requests.

    def join_requests(
        self, *, user: User | int | None = None, limit: int | None = None, page_size: int = 20
    ) -> Pager[GroupJoinRequest]:
        """List who asks to be let in.

        Args:
            user: Only the request of this user.
            limit: Most requests in all.
            page_size: Most of them a request to Roblox, 1 to 20.

        Returns:
            A pager: iterate it, or its `pages()`.

        Scopes: `group:read`.
        Source: `GET /cloud/v2/groups/{group_id}/join-requests`.
        """
        return list_pages(
            self._bound_to,
            groups.LIST_GROUP_JOIN_REQUESTS,
            JOIN_REQUESTS,
            {"group_id": self.id},
            page_size=page_size,
            largest=20,
            limit=limit,
            query={"filter": None if user is None else f"user == 'users/{user_id_of('user', user)}'"},
        )

    async def accept_join_request(self, user: User | int) -> None:
        """Let a user in who has asked for it.

        Args:
            user: The user, or the user id.

        Raises:
            NotFoundError: They have not asked.

        Scopes: `group:write`.
        Source: `POST /cloud/v2/groups/{group_id}/join-requests/{join_request_id}:accept`.
        """
        await self._answer_join_request(groups.ACCEPT_GROUP_JOIN_REQUEST, user)

    async def decline_join_request(self, user: User | int) -> None:
        """Turn down a user who has asked to be let in.

        Args:
            user: The user, or the user id.

        Raises:
            NotFoundError: They have not asked.

        Scopes: `group:write`.
        Source: `POST /cloud/v2/groups/{group_id}/join-requests/{join_request_id}:decline`.
        """
        await self._answer_join_request(groups.DECLINE_GROUP_JOIN_REQUEST, user)

    async def _answer_join_request(self, endpoint: Endpoint, user: object) -> None:
        path = {"group_id": self.id, "join_request_id": user_id_of("user", user)}
        await self._session.send(json_call(endpoint, path, {}))

    # Forums.

    def forum_categories(
        self, *, archived: bool = False, limit: int | None = None, page_size: int = 10
    ) -> Pager[ForumCategory]:
        """List the categories of the forums.

        Args:
            archived: Whether the archived ones are listed, instead of the others.
            limit: Most categories in all.
            page_size: Most categories a request, 1 to 10.

        Returns:
            A pager: iterate it, or its `pages()`.

        Scopes: `group-forum:read`.
        Source: `GET /cloud/v2/groups/{group_id}/forum-categories`.
        """
        return list_pages(
            self._bound_to,
            groups.LIST_GROUP_FORUM_CATEGORIES,
            CATEGORIES,
            {"group_id": self.id},
            page_size=page_size,
            largest=10,
            limit=limit,
            query={"filter": "archived==true" if archived else None},
        )

    def forum_posts(
        self,
        category_id: str,
        *,
        pinned: bool = False,
        with_text: bool = False,
        limit: int | None = None,
        page_size: int = 100,
    ) -> Pager[ForumPost]:
        """List the posts of a forum category.

        Args:
            category_id: Id of the category.
            pinned: Whether only pinned posts are listed.
            with_text: Whether `first_comment`, which holds the text of a post, comes whole instead of its id alone.
            limit: Most posts in all.
            page_size: Most posts a request, 1 to 100.

        Returns:
            A pager: iterate it, or its `pages()`.

        Scopes: `group-forum:read`.
        Source: `GET /cloud/v2/groups/{group_id}/forum-categories/{forum_category_id}/posts`.
        """
        return list_pages(
            self._bound_to,
            groups.LIST_GROUP_FORUM_POSTS,
            POSTS,
            {"group_id": self.id, "forum_category_id": check_forum_id("category_id", category_id)},
            page_size=page_size,
            largest=100,
            limit=limit,
            # The document contradicts itself on the default, so the view is always said.
            query={
                "filter": "pinned==true" if pinned else None,
                "view": "FULL_WITH_FIRST_COMMENT" if with_text else "FULL",
            },
        )

    def forum_comments(
        self,
        category_id: str,
        post_id: str,
        *,
        replies_to: str | None = None,
        limit: int | None = None,
        page_size: int = 100,
    ) -> Pager[ForumComment]:
        """List the comments on a forum post.

        Args:
            category_id: Id of the category that the post stands in.
            post_id: Id of the post.
            replies_to: Id of a comment, to list the answers to it; None lists the comments on the post itself.
            limit: Most comments in all.
            page_size: Most comments a request, 1 to 100.

        Returns:
            A pager: iterate it, or its `pages()`.

        Scopes: `group-forum:read`.
        Source: `GET /cloud/v2/groups/{group_id}/forum-categories/{forum_category_id}/posts/{post_id}/comments`.
        """
        condition = None
        if replies_to is not None:
            condition = f"repliesToCommentId=={check_forum_id('replies_to', replies_to)}"
        return list_pages(
            self._bound_to,
            groups.LIST_GROUP_FORUM_COMMENTS,
            COMMENTS,
            {
                "group_id": self.id,
                "forum_category_id": check_forum_id("category_id", category_id),
                "post_id": check_forum_id("post_id", post_id),
            },
            page_size=page_size,
            largest=100,
            limit=limit,
            query={"filter": condition},
        )


_GROUP = TypeAdapter(Group)
_SHOUT = TypeAdapter(GroupShout)
