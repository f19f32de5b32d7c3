"""The forums of a group."""

from __future__ import annotations

import re

from pydantic import AliasPath, Field, TypeAdapter

from rblxcloud.errors import InvalidRequestError
from rblxcloud.resources.base import Model, PathId, PathName, Timestamp
from rblxcloud.resources.listing import PageModel, WirePage

_FORUM_ID = re.compile(r"[0-9A-Za-z-]+", re.ASCII)


class ForumReaction(Model):
    """How many users reacted to a comment with the same emote."""

    emote_id: str
    """Id of the emote."""
    count: int = 0
    """How many users."""


class ForumComment(Model):
    """A comment on a forum post; the text of a post is its first comment."""

    id: PathName = Field(alias="path")
    """Id of the comment."""
    text: str | None = Field(default=None, validation_alias=AliasPath("message", "plainText"))
    """What it says; None when only the id is known."""
    author_id: PathId | None = Field(default=None, validation_alias=AliasPath("message", "author"))
    """Id of the user who wrote it."""
    created: Timestamp | None = Field(default=None, validation_alias=AliasPath("message", "createTime"))
    """When it was written."""
    updated: Timestamp | None = Field(default=None, validation_alias=AliasPath("message", "updateTime"))
    """When it was last changed."""
    reactions: tuple[ForumReaction, ...] = Field(default=(), validation_alias=AliasPath("message", "messageReaction"))
    """The reactions to it."""


class ForumPost(Model):
    """A post in a forum category."""

    id: PathName = Field(alias="path")
    """Id of the post."""
    title: str = ""
    """Its title."""
    first_comment: ForumComment | None = None
    """Its text; of it only the id is known unless it was asked for."""
    author_id: PathId | None = Field(default=None, alias="author")
    """Id of the user who wrote it."""
    pinned: bool = False
    """Whether it is shown above others."""
    locked: bool = False
    """Whether nobody can comment on it."""
    comment_count: int = 0
    """How many comments it has."""
    created: Timestamp | None = Field(default=None, alias="createTime")
    """When it was written."""
    updated: Timestamp | None = Field(default=None, alias="updateTime")
    """When it was last changed."""
    archived: Timestamp | None = Field(default=None, alias="archiveTime")
    """When it was archived; None when it was not."""
    archiver_id: PathId | None = Field(default=None, alias="archiver")
    """Id of the user who archived it."""


class ForumCategory(Model):
    """A category of a group's forums."""

    id: PathName = Field(alias="path")
    """Id of the category."""
    display_name: str = ""
    """Its name."""
    creator_id: PathId | None = Field(default=None, alias="creator")
    """Id of the user who made it."""
    created: Timestamp | None = Field(default=None, alias="createTime")
    """When it was made."""
    updated: Timestamp | None = Field(default=None, alias="updateTime")
    """When it was last changed."""
    archived: Timestamp | None = Field(default=None, alias="archiveTime")
    """When it was archived; None when it was not."""
    archiver_id: PathId | None = Field(default=None, alias="archiver")
    """Id of the user who archived it."""


class _Categories(PageModel):
    items: tuple[ForumCategory, ...] = Field(default=(), alias="groupForumCategories")


class _Posts(PageModel):
    items: tuple[ForumPost, ...] = Field(default=(), alias="groupForumPosts")


class _Comments(PageModel):
    items: tuple[ForumComment, ...] = Field(default=(), alias="groupForumComments")


CATEGORIES: TypeAdapter[WirePage[ForumCategory]] = TypeAdapter(_Categories)
POSTS: TypeAdapter[WirePage[ForumPost]] = TypeAdapter(_Posts)
COMMENTS: TypeAdapter[WirePage[ForumComment]] = TypeAdapter(_Comments)


def check_forum_id(argument: str, value: object) -> str:
    """Return the id of a category, post or comment: filters take it without quotes, so nothing else may stand in it.

    Raises:
        InvalidRequestError: It is not one.
    """
    if not isinstance(value, str) or not _FORUM_ID.fullmatch(value):
        raise InvalidRequestError(argument, f"{value!r} is not an id such as 01234567-89ab-cdef-0123-456789abcdef")
    return value
