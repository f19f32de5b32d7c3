"""The forums of groups: categories, posts and comments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast
from uuid import UUID, uuid4

from rblxcloud.emulator.creators.groups import Group, addressed
from rblxcloud.emulator.errors import json_reply
from rblxcloud.emulator.filters import equal_words
from rblxcloud.emulator.model import Call, Handler, Refusal, Reply, World
from rblxcloud.emulator.paging import look_ahead, page_request
from rblxcloud.emulator.protobuf import invalid
from rblxcloud.emulator.storage_time import ticks_at, v2_time
from rblxcloud.endpoints import groups as api
from rblxcloud.endpoints.model import Endpoint

__all__ = ["HANDLERS", "SCHEMA", "add_category", "add_comment", "add_post", "archive"]

SCHEMA = """
CREATE TABLE IF NOT EXISTS forum_categories (
    row INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    group_id INTEGER NOT NULL,
    name TEXT NOT NULL,
    author INTEGER NOT NULL,
    create_time REAL NOT NULL,
    archive_time REAL,
    archiver INTEGER
);
CREATE TABLE IF NOT EXISTS forum_posts (
    row INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    category TEXT NOT NULL,
    title TEXT NOT NULL,
    author INTEGER NOT NULL,
    pinned INTEGER NOT NULL,
    locked INTEGER NOT NULL,
    create_time REAL NOT NULL,
    archive_time REAL,
    archiver INTEGER
);
CREATE TABLE IF NOT EXISTS forum_comments (
    row INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    post TEXT NOT NULL,
    replies_to TEXT,
    text TEXT NOT NULL,
    author INTEGER NOT NULL,
    create_time REAL NOT NULL,
    emote TEXT,
    emotes INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS forum_comments_by_post ON forum_comments (post, replies_to);
"""

_DEFAULT_PAGE = 10
_LARGEST_PAGE = 100
_LARGEST_CATEGORIES = 10
_VIEWS = ("", "VIEW_UNSPECIFIED", "FULL", "FULL_WITH_FIRST_COMMENT")


def add_category(world: World, group: int, name: str, author: int) -> str:
    """Make a category; return its id."""
    number = str(uuid4())
    world.database.execute(
        "INSERT INTO forum_categories (id, group_id, name, author, create_time) VALUES (?, ?, ?, ?, ?)",
        (number, group, name, author, world.now()),
    )
    return number


def add_post(
    world: World, category: str, title: str, text: str, author: int, *, pinned: bool = False, locked: bool = False
) -> str:
    """Make a post with its first comment; return its id.

    Args:
        world: The emulator's state.
        category: Id of the category.
        title: Of the post.
        text: Of the first comment.
        author: Id of the user.
        pinned: Whether it is pinned.
        locked: Whether it is locked.

    Raises:
        ValueError: There is no such category.
    """
    _known(world, "forum_categories", category)
    number = str(uuid4())
    world.database.execute(
        "INSERT INTO forum_posts (id, category, title, author, pinned, locked, create_time)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (number, category, title, author, pinned, locked, world.now()),
    )
    add_comment(world, number, text, author)
    return number


def add_comment(
    world: World,
    post: str,
    text: str,
    author: int,
    *,
    replies_to: str | None = None,
    emote: str | None = None,
    emotes: int = 0,
) -> str:
    """Make a comment; return its id.

    Args:
        world: The emulator's state.
        post: Id of the post.
        text: What it says.
        author: Id of the user.
        replies_to: Id of the comment that it answers; None for one of its own.
        emote: Id of an emote that others reacted with.
        emotes: How many did.

    Raises:
        ValueError: There is no such post or comment.
    """
    _known(world, "forum_posts", post)
    if replies_to is not None:
        _known(world, "forum_comments", replies_to)
    number = str(uuid4())
    world.database.execute(
        "INSERT INTO forum_comments (id, post, replies_to, text, author, create_time, emote, emotes)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (number, post, replies_to, text, author, world.now(), emote, emotes),
    )
    return number


def archive(world: World, number: str, archiver: int) -> None:
    """Archive a category or a post.

    Args:
        world: The emulator's state.
        number: Id of the category or of the post.
        archiver: Id of the user.
    """
    for table in ("forum_categories", "forum_posts"):
        world.database.execute(
            f"UPDATE {table} SET archive_time = ?, archiver = ? WHERE id = ?", (world.now(), archiver, number)
        )


def _list_categories(world: World, call: Call) -> Reply:
    group = addressed(world, call)
    archived = _boolean(_filter(call, "archived").get("archived", "false"))
    page = page_request(call, default=_DEFAULT_PAGE, largest=_LARGEST_CATEGORIES, kinds=(int,))
    rows = world.database.execute(
        "SELECT * FROM forum_categories WHERE group_id = ? AND (archive_time IS NOT NULL) = ? AND row > ? ORDER BY row",
        (group.id, archived, _after(page.position)),
    )
    shown, last = look_ahead(rows, page.size)
    categories: list[dict[str, Any]] = []
    for _, number, _, name, author, created, archived_at, archiver in shown:
        category = {
            "path": f"{group.path}/forum-categories/{number}",
            **_times(created),
            "groupForumCategoryId": number,
            "displayName": name,
            "creator": f"users/{author}",
            **_archived(archived_at, archiver),
        }
        categories.append(category)
    return json_reply({"groupForumCategories": categories, "nextPageToken": page.token(last[0]) if last else ""})


def _list_posts(world: World, call: Call) -> Reply:
    group, category = addressed(world, call), call.path["forum_category_id"]
    view, wanted = call.query.get("view", ""), _filter(call, "pinned")
    if view not in _VIEWS:
        raise invalid("The view is FULL or FULL_WITH_FIRST_COMMENT.")
    if wanted and not _boolean(wanted["pinned"]):
        raise invalid("Posts are filtered by pinned==true only.")
    _check_category(world, group, category)
    page = page_request(call, default=_DEFAULT_PAGE, largest=_LARGEST_PAGE, kinds=(int,))
    rows = world.database.execute(
        "SELECT * FROM forum_posts WHERE category = ? AND (pinned OR NOT ?) AND row > ? ORDER BY row",
        (category, bool(wanted), _after(page.position)),
    )
    shown, last = look_ahead(rows, page.size)
    posts = [_post(world, group, row, whole=view == "FULL_WITH_FIRST_COMMENT") for row in shown]
    return json_reply({"groupForumPosts": posts, "nextPageToken": page.token(last[0]) if last else ""})


def _post(world: World, group: Group, row: tuple[Any, ...], *, whole: bool) -> dict[str, Any]:
    _, number, category, title, author, pinned, locked, created, archived_at, archiver = row
    path = f"{group.path}/forum-categories/{category}/posts/{number}"
    first, *others = world.database.execute("SELECT * FROM forum_comments WHERE post = ? ORDER BY row", (number,))
    comment = _comment(path, first)
    return {
        "path": path,
        **_times(created),
        "pinned": bool(pinned),
        "locked": bool(locked),
        "groupForumPostId": number,
        "title": title,
        "firstComment": comment if whole else {"path": comment["path"]},
        "author": f"users/{author}",
        **_archived(archived_at, archiver),
        "commentCount": 1 + len(others),
    }


def _list_comments(world: World, call: Call) -> Reply:
    group, category, post = addressed(world, call), call.path["forum_category_id"], call.path["post_id"]
    answered = _filter(call, "repliesToCommentId").get("repliesToCommentId")
    if answered is not None and not _is_uuid(answered):
        raise invalid("repliesToCommentId is the id of a comment.")
    _check_category(world, group, category)
    if _row(world, "SELECT 1 FROM forum_posts WHERE id = ? AND category = ?", post, category) is None:
        raise Refusal(404, "NOT_FOUND", "The post does not exist.")
    page = page_request(call, default=_DEFAULT_PAGE, largest=_LARGEST_PAGE, kinds=(int,))
    rows = world.database.execute(
        "SELECT * FROM forum_comments WHERE post = ? AND replies_to IS ? AND row > ? ORDER BY row",
        (post, answered, _after(page.position)),
    )
    shown, last = look_ahead(rows, page.size)
    path = f"{group.path}/forum-categories/{category}/posts/{post}"
    comments = [_comment(path, row) for row in shown]
    return json_reply({"groupForumComments": comments, "nextPageToken": page.token(last[0]) if last else ""})


def _comment(post_path: str, row: tuple[Any, ...]) -> dict[str, Any]:
    _, number, _, _, text, author, created, emote, emotes = row
    reactions = [{"emoteId": emote, "count": emotes}] if emote else []
    message = {**_times(created), "plainText": text, "author": f"users/{author}", "messageReaction": reactions}
    return {"path": f"{post_path}/comments/{number}", "groupForumCommentId": number, "message": message}


def _check_category(world: World, group: Group, category: str) -> None:
    if _row(world, "SELECT 1 FROM forum_categories WHERE id = ? AND group_id = ?", category, group.id) is None:
        raise Refusal(404, "NOT_FOUND", "The category does not exist.")


def _filter(call: Call, field: str) -> dict[str, str]:
    wanted = equal_words(call.query.get("filter", ""))
    if wanted.keys() - {field}:
        raise invalid(f"The filter names another field than {field}.")
    return wanted


def _boolean(word: str) -> bool:
    if word not in ("true", "false"):
        raise invalid("The value of the filter is true or false.")
    return word == "true"


def _times(created: float) -> dict[str, str]:
    moment = v2_time(ticks_at(created))
    return {"createTime": moment, "updateTime": moment}


def _archived(moment: float | None, archiver: int | None) -> dict[str, str]:
    return {} if moment is None else {"archiveTime": v2_time(ticks_at(moment)), "archiver": f"users/{archiver}"}


def _after(position: object) -> int:
    return cast("tuple[int]", position)[0] if position else 0


def _known(world: World, table: str, number: str) -> None:
    if _row(world, f"SELECT 1 FROM {table} WHERE id = ?", number) is None:
        raise ValueError(f"{number!r} is not in the forum")


def _row(world: World, query: str, *values: object) -> tuple[Any, ...] | None:
    row: tuple[Any, ...] | None = world.database.execute(query, values).fetchone()
    return row


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


HANDLERS: Mapping[Endpoint, Handler] = {
    api.LIST_GROUP_FORUM_CATEGORIES: _list_categories,
    api.LIST_GROUP_FORUM_POSTS: _list_posts,
    api.LIST_GROUP_FORUM_COMMENTS: _list_comments,
}
