"""Groups: profiles, shouts, members, roles, requests to join and forums."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote
from uuid import UUID, uuid4

import pytest

from rblxcloud.emulator.api_keys import ApiKey, ScopeGrant
from rblxcloud.emulator.clock import Clock
from rblxcloud.emulator.core import Emulator
from tests.support.emulator import Answer, Caller

GROUP = "/cloud/v2/groups/1"
OTHER = "/cloud/v2/groups/7"
THE_OWNER = "user == 'users/1'"
START = "2027-01-15T08:00:00.000000000Z"


def add_key(emulator: Emulator, name: str, owner: str, *scopes: str) -> None:
    emulator.add_key(name, ApiKey(owner=owner, scopes=tuple(map(ScopeGrant.parse, scopes))))


def role(emulator: Emulator, name: str, group: int = 1) -> str:
    number = next(each.id for each in emulator.groups.roles(group) if each.name == name)
    return f"groups/{group}/roles/{number}"


def membership(call: Caller, user: int) -> dict[str, Any]:
    text = quote(f"user == 'users/{user}'")
    (found,) = call("GET", f"{GROUP}/memberships?filter={text}").json["groupMemberships"]
    assert isinstance(found, dict)
    return found


def refused(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.json["code"]


# --- profiles


def test_the_small_world_has_a_group(call: Caller) -> None:
    assert call("GET", GROUP).json == {
        "path": "groups/1",
        "createTime": "2024-01-01T00:00:00.000000000Z",
        "updateTime": "2024-01-01T00:00:00.000000000Z",
        "id": "1",
        "displayName": "Builders",
        "description": "A group.",
        "owner": "users/1",
        "memberCount": 4,
        "publicEntryAllowed": False,
        "locked": False,
        "verified": False,
    }


def test_any_numeric_group_exists_and_stays_the_same(call: Caller, clock: Clock) -> None:
    paths = (OTHER, f"{OTHER}/memberships", f"{OTHER}/roles")
    first = [call("GET", path).json for path in paths]
    clock.advance(1000)
    assert [call("GET", path).json for path in paths] == first
    assert (first[0]["owner"], first[0]["memberCount"]) == ("users/1", 1)
    assert [row["displayName"] for row in first[2]["groupRoles"]] == ["Guest", "Member", "Admin", "Owner"]


@pytest.mark.parametrize("group", ["0", "-7", "x", str(2**63)])
def test_a_group_that_is_no_id_is_400(call: Caller, group: str) -> None:
    for path in ("", "/memberships", "/roles", "/join-requests", "/forum-categories", "/shout"):
        assert refused(call("GET", f"/cloud/v2/groups/{group}{path}")) == (400, "INVALID_ARGUMENT")


def test_a_removed_group_is_404_until_something_is_said_of_it(emulator: Emulator, call: Caller) -> None:
    emulator.groups.remove(1)
    for path in ("", "/memberships", "/roles", "/join-requests", "/forum-categories", "/shout"):
        assert refused(call("GET", GROUP + path)) == (404, "NOT_FOUND")
    with pytest.raises(ValueError, match="no group 1"):
        emulator.groups.add_member(1, 5)
    emulator.groups.update(1, display_name="Again")
    assert (call("GET", GROUP).json["displayName"], emulator.groups.members(1)) == ("Again", [1])


def test_a_group_can_be_abandoned_and_taken_over(emulator: Emulator, call: Caller) -> None:
    emulator.groups.update(1, owner=0)
    assert "owner" not in call("GET", GROUP).json
    emulator.groups.update(1, owner=9, display_name="Nine", verified=True, locked=True, public_entry_allowed=True)
    group = call("GET", GROUP).json
    assert (group["owner"], group["memberCount"], group["verified"], group["updateTime"]) == ("users/9", 5, True, START)
    assert membership(call, 1)["role"] == role(emulator, "Member")
    for name in ("", "x" * 51):
        with pytest.raises(ValueError, match="displayName"):
            emulator.groups.update(1, display_name=name)


# --- shouts


def test_a_shout_is_read_and_replaced(emulator: Emulator, call: Caller, clock: Clock) -> None:
    assert call("GET", f"{GROUP}/shout").json["content"] == "Welcome."
    assert refused(call("GET", f"{OTHER}/shout")) == (404, "NOT_FOUND")
    clock.advance(60)
    emulator.groups.shout(1, "Hello", poster=2)
    assert call("GET", f"{GROUP}/shout").json == {
        "path": "groups/1/shout",
        "createTime": START,
        "updateTime": "2027-01-15T08:01:00.000000000Z",
        "content": "Hello",
        "poster": "users/2",
    }


def test_the_legacy_service_posts_a_shout(emulator: Emulator, call: Caller) -> None:
    for user in (2, 4):
        add_key(emulator, f"key-{user}", f"users/{user}", "legacy-group:manage")
    path = "/legacy-groups/v1/groups/1/status"
    answer = call("PATCH", path, {"message": "News"}, key="key-2").json
    assert (answer["body"], answer["poster"]["userId"], answer["poster"]["username"]) == ("News", 2, "user2")
    assert call("GET", f"{GROUP}/shout").json["content"] == "News"
    for where, body, key, expected in (
        (path, {"message": "News"}, "key-4", (403, 6)),
        (path, {"message": ""}, "key-2", (400, 7)),
        (path, {"message": "x" * 256}, "key-2", (400, 7)),
        (path, {}, "key-2", (400, 7)),
        ("/legacy-groups/v1/groups/0/status", {"message": "News"}, "key-2", (400, 1)),
    ):
        answer = call("PATCH", where, body, key=key)
        assert (answer.status, answer.json["errors"][0]["code"]) == expected


# --- members


def listed(call: Caller, text: str = "", group: str = "1", **query: Any) -> list[str]:
    sent = "".join(f"&{name}={value}" for name, value in query.items())
    answer = call("GET", f"/cloud/v2/groups/{group}/memberships?filter={quote(text)}{sent}")
    assert answer.status == 200, answer.json
    return [row["user"] for row in answer.json["groupMemberships"]]


def test_a_membership_tells_user_and_roles(emulator: Emulator, call: Caller) -> None:
    memberships = call("GET", f"{GROUP}/memberships").json["groupMemberships"]
    assert [row["user"] for row in memberships] == ["users/1", "users/2", "users/3", "users/4"]
    roles = [role(emulator, "Member"), role(emulator, "Builder")]
    assert memberships[2] == {
        "path": "groups/1/memberships/Mw",
        "createTime": START,
        "updateTime": START,
        "user": "users/3",
        "role": roles[1],
        "roles": roles,
    }


@pytest.mark.parametrize(
    ("text", "users"),
    [
        ("user == 'users/2'", ["users/2"]),
        ("user=='users/2'", ["users/2"]),
        ("user == 'users/99'", []),
        ("user in ['users/2', 'users/4','users/99']", ["users/2", "users/4"]),
        ("role == 'groups/1/roles/70000003'", ["users/2"]),
        ("role == 'groups/1/roles/70000002'", ["users/3", "users/4"]),
        ("role in ['groups/1/roles/70000004']", ["users/1"]),
        ("role == 'groups/1/roles/5'", []),
    ],
)
def test_filters_pick_members(call: Caller, text: str, users: list[str]) -> None:
    assert listed(call, text) == users


@pytest.mark.parametrize(
    "text",
    [
        'user == "users/2"',
        "user == users/2",
        "user != 'users/2'",
        "user == 'users/2' && role == 'groups/1/roles/70000002'",
        "user == 'users/2' || user == 'users/3'",
        "user == 'groups/2'",
        "user == 'users/x'",
        "user == 'users/2'' || true'",
        "user in []",
        "user in ['users/2'",
        "role == 'groups/7/roles/70000002'",
        "role == '70000002'",
        "role in ['groups/1/roles/70000002', 'groups/1/roles/70000003']",
        "rank == '5'",
        "path == 'groups/1/memberships/Mg'",
    ],
)
def test_other_filters_are_400(call: Caller, text: str) -> None:
    assert refused(call("GET", f"{GROUP}/memberships?filter={quote(text)}")) == (400, "INVALID_ARGUMENT")


def test_members_come_in_pages(call: Caller) -> None:
    first = call("GET", f"{GROUP}/memberships?maxPageSize=3").json
    second = call("GET", f"{GROUP}/memberships?maxPageSize=3&pageToken={first['nextPageToken']}").json
    assert [len(page["groupMemberships"]) for page in (first, second)] == [3, 1]
    assert second["nextPageToken"] == ""
    path = f"{GROUP}/memberships?maxPageSize=3&pageToken={first['nextPageToken']}"
    assert call("GET", f"{path}&filter={quote(THE_OWNER)}").status == 400
    assert call("GET", path.replace("groups/1", "groups/7")).status == 400


def test_memberships_of_users_in_any_group(emulator: Emulator, call: Caller) -> None:
    emulator.groups.add_member(7, 2)
    emulator.groups.add_member(8, 2)
    text = "user in ['users/2', 'users/3']"
    rows = call("GET", f"/cloud/v2/groups/-/memberships?filter={quote(text)}").json["groupMemberships"]
    assert [row["path"].rpartition("/memberships")[0] for row in rows] == [
        "groups/1",
        "groups/7",
        "groups/8",
        "groups/1",
    ]
    token, seen = "", list[str]()
    while True:
        page = call("GET", f"/cloud/v2/groups/-/memberships?filter={quote(text)}&maxPageSize=1&pageToken={token}").json
        seen += [row["path"] for row in page["groupMemberships"]]
        if not (token := page["nextPageToken"]):
            break
    assert seen == [row["path"] for row in rows]


@pytest.mark.parametrize(
    "text",
    ["", "user == 'users/2'", "role == 'groups/1/roles/70000002'", "user in ['users/2'" + ", 'users/2'" * 50 + "]"],
)
def test_any_group_needs_users_fifty_at_most(call: Caller, text: str) -> None:
    assert refused(call("GET", f"/cloud/v2/groups/-/memberships?filter={quote(text)}")) == (400, "INVALID_ARGUMENT")
    assert call("GET", "/cloud/v2/groups/-").status == 400


# --- changing roles


def change(call: Caller, verb: str, wanted: object, member: str = "NA", key: str = "emulator-key") -> Answer:
    body = {"role": wanted}
    if verb == "update":
        return call("PATCH", f"{GROUP}/memberships/{member}", {"user": "users/4", **body}, key=key)
    return call("POST", f"{GROUP}/memberships/{member}:{verb}", body, key=key)


def test_roles_are_added_taken_and_replaced(emulator: Emulator, call: Caller, clock: Clock) -> None:
    member, builder, admin = (role(emulator, name) for name in ("Member", "Builder", "Admin"))
    clock.advance(60)
    added = change(call, "assignRole", builder).json
    assert (added["user"], added["role"], added["roles"]) == ("users/4", builder, [member, builder])
    assert (added["createTime"], added["updateTime"]) == (START, "2027-01-15T08:01:00.000000000Z")
    clock.advance(60)
    assert change(call, "assignRole", builder, "4").json == added
    assert change(call, "unassignRole", admin).json == added
    assert change(call, "unassignRole", builder).json["roles"] == [member]
    assert change(call, "unassignRole", member).json["roles"] == [member]
    assert change(call, "update", admin).json["roles"] == [admin]
    assert change(call, "unassignRole", admin).json["roles"] == [member]
    assert [row["user"] for row in call("GET", f"{GROUP}/memberships").json["groupMemberships"]][-1] == "users/4"


@pytest.mark.parametrize("verb", ["assignRole", "unassignRole", "update"])
def test_what_cannot_be_changed_is_refused(emulator: Emulator, call: Caller, verb: str) -> None:
    guest, builder, owner = (role(emulator, name) for name in ("Guest", "Builder", "Owner"))
    for wanted, member, expected in (
        (guest, "NA", (403, "PERMISSION_DENIED")),
        (owner, "NA", (403, "PERMISSION_DENIED")),
        (builder, "MQ", (403, "PERMISSION_DENIED")),
        (builder, "99", (404, "NOT_FOUND")),
        (builder, "x", (400, "INVALID_ARGUMENT")),
        (builder, "%C3%A4", (400, "INVALID_ARGUMENT")),
        ("groups/1/roles/5", "NA", (404, "NOT_FOUND")),
        (role(emulator, "Member", 7), "NA", (400, "INVALID_ARGUMENT")),
        ("70000002", "NA", (400, "INVALID_ARGUMENT")),
        (None, "NA", (400, "INVALID_ARGUMENT")),
    ):
        assert refused(change(call, verb, wanted, member)) == expected
    assert call("POST", f"{GROUP}/memberships/NA:assignRole").status == 400


def test_a_caller_changes_lower_ranks_only(emulator: Emulator, call: Caller) -> None:
    for user in (1, 2, 3, 99):
        add_key(emulator, f"key-{user}", f"users/{user}", "group:write")
    member, builder, admin = (role(emulator, name) for name in ("Member", "Builder", "Admin"))
    emulator.groups.add_member(1, 6, role="Admin")
    statuses = {
        "a builder has no say": change(call, "assignRole", member, "4", key="key-3").status,
        "nor has a stranger": change(call, "assignRole", member, "4", key="key-99").status,
        "an admin changes those below": change(call, "assignRole", builder, "4", key="key-2").status,
        "but makes no admins": change(call, "assignRole", admin, "4", key="key-2").status,
        "and touches none": change(call, "assignRole", builder, "6", key="key-2").status,
        "nor itself": change(call, "assignRole", builder, "2", key="key-2").status,
        "an owner makes admins": change(call, "assignRole", admin, "4", key="key-1").status,
        "and unmakes them": change(call, "update", member, "6", key="key-1").status,
    }
    assert list(statuses.values()) == [403, 403, 200, 403, 403, 403, 200, 200], statuses
    emulator.groups.add_role(1, "Chief", 200, permissions=("changeRank",))
    emulator.groups.add_member(1, 3, role="Chief")
    assert change(call, "unassignRole", builder, "4", key="key-3").status == 403  # who is an admin by now
    assert change(call, "assignRole", builder, "6", key="key-3").status == 200


def test_changing_needs_the_scope_for_that_group(emulator: Emulator, call: Caller) -> None:
    add_key(emulator, "reader", "users/1", "group:read")
    held = ScopeGrant(name="group", operations=("write",), group_ids=("7",))
    emulator.add_key("held", ApiKey(owner="users/1", scopes=(held,)))
    emulator.add_key("group", ApiKey(owner="groups/1", scopes=("group:write",)))
    builder = role(emulator, "Builder")
    assert [change(call, "assignRole", builder, key=key).status for key in ("reader", "held", "group")] == [
        403,
        403,
        200,
    ]


# --- roles


def test_a_role_tells_owners_everything(emulator: Emulator, call: Caller) -> None:
    emulator.groups.add_role(1, "Scout", 50, permissions=("viewForums",), description="Looks ahead.")
    path = role(emulator, "Scout")
    shown = call("GET", f"/cloud/v2/{path}").json
    permissions = shown.pop("permissions")
    assert shown == {
        "path": path,
        "createTime": START,
        "updateTime": START,
        "id": path.rpartition("/")[2],
        "displayName": "Scout",
        "description": "Looks ahead.",
        "rank": 50,
        "memberCount": 0,
    }
    assert [name for name, allowed in permissions.items() if allowed] == ["viewForums"]
    assert len(permissions) == 30
    assert "memberCount" not in call("GET", f"/cloud/v2/{role(emulator, 'Guest')}").json


@pytest.mark.parametrize(
    ("user", "scope", "seen"),
    [
        (1, "group:read", {"Guest", "Member", "Builder", "Admin", "Owner"}),
        (1, "asset:read", {"Guest"}),
        (3, "group:read", {"Guest", "Member", "Builder"}),
        (3, "asset:read", {"Guest"}),
        (99, "group:read", {"Guest"}),
    ],
)
def test_permissions_are_shown_to_whom_they_concern(
    emulator: Emulator, call: Caller, user: int, scope: str, seen: set[str]
) -> None:
    add_key(emulator, "key", f"users/{user}", scope)
    rows = call("GET", f"{GROUP}/roles", key="key").json["groupRoles"]
    assert {row["displayName"] for row in rows if "permissions" in row} == seen
    assert {"createTime" in row for row in rows} == {"description" in row for row in rows} == {user == 1}


def test_roles_come_in_pages_with_a_token_on_the_last_one_too(emulator: Emulator, call: Caller) -> None:
    seen, token, pages = list[int](), "", 0
    while True:
        page = call("GET", f"{GROUP}/roles?maxPageSize=3&pageToken={token}").json
        pages += 1
        seen += [row["rank"] for row in page["groupRoles"]]
        token = page["nextPageToken"]
        if not page["groupRoles"]:
            break
        assert token == page["groupRoles"][-1]["id"]
    assert (seen, pages, token) == ([0, 1, 100, 254, 255], 3, "")
    for rank in range(2, 30):
        emulator.groups.add_role(1, f"Role {rank}", rank)
    assert [len(call("GET", f"{GROUP}/roles?maxPageSize={n}").json["groupRoles"]) for n in (0, 99)] == [10, 20]
    for bad in ("maxPageSize=-1", "pageToken=5", "pageToken=x"):
        assert call("GET", f"{GROUP}/roles?{bad}").status == 400


def test_an_unknown_role_is_404(emulator: Emulator, call: Caller) -> None:
    foreign = role(emulator, "Member", 7).rpartition("/")[2]
    assert [call("GET", f"{GROUP}/roles/{each}").status for each in ("5", foreign, "x")] == [404, 404, 400]


@pytest.mark.parametrize(("rank", "permissions"), [(100, ()), (-1, ()), (256, ()), (50, ("flyAround",))])
def test_a_role_that_makes_no_sense_is_refused(emulator: Emulator, rank: int, permissions: Any) -> None:
    with pytest.raises(ValueError, match=r"rank|permission"):
        emulator.groups.add_role(1, "Odd", rank, permissions=permissions)
    with pytest.raises(ValueError, match="no role 'Odd'"):
        emulator.groups.add_member(1, 5, role="Odd")


# --- requests to join


def test_a_request_is_listed_and_accepted(emulator: Emulator, call: Caller, clock: Clock) -> None:
    assert call("GET", f"{GROUP}/join-requests").json == {
        "groupJoinRequests": [{"path": "groups/1/join-requests/5", "createTime": START, "user": "users/5"}],
        "nextPageToken": "",
    }
    clock.advance(60)
    answer = call("POST", f"{GROUP}/join-requests/5:accept", {})
    assert (answer.status, answer.json) == (200, {})
    member = membership(call, 5)
    assert (member["role"], member["createTime"]) == (role(emulator, "Member"), "2027-01-15T08:01:00.000000000Z")
    assert emulator.groups.join_requests(1) == []


def test_a_request_is_declined_once(emulator: Emulator, call: Caller) -> None:
    answers = [call("POST", f"{GROUP}/join-requests/5:decline", {}) for _ in range(2)]
    assert [answer.status for answer in answers] == [200, 404]
    assert refused(call("POST", f"{GROUP}/join-requests/5:accept", {})) == (404, "NOT_FOUND")
    assert 5 not in emulator.groups.members(1)


@pytest.mark.parametrize("body", [None, [], b"{"])
def test_deciding_needs_a_body_and_an_id(call: Caller, body: Any) -> None:
    assert call("POST", f"{GROUP}/join-requests/5:accept", body).status == 400
    assert call("POST", f"{GROUP}/join-requests/x:accept", {}).status == 400
    assert len(call("GET", f"{GROUP}/join-requests").json["groupJoinRequests"]) == 1


def test_requests_are_filtered_and_come_in_pages(emulator: Emulator, call: Caller) -> None:
    for user in range(100, 125):
        emulator.groups.ask_to_join(1, user)
    path = f"{GROUP}/join-requests"
    first = call("GET", f"{path}?maxPageSize=99").json
    second = call("GET", f"{path}?maxPageSize=99&pageToken={first['nextPageToken']}").json
    assert [len(page["groupJoinRequests"]) for page in (first, second)] == [20, 6]
    assert second["nextPageToken"] == ""
    for text, count in (("user == 'users/100'", 1), ("user == 'users/999'", 0)):
        assert len(call("GET", f"{path}?filter={quote(text)}").json["groupJoinRequests"]) == count
    for text in ("user == 'x'", "user in ['users/5']", "path == 'users/5'"):
        assert refused(call("GET", f"{path}?filter={quote(text)}")) == (400, "INVALID_ARGUMENT")


def test_deciding_needs_the_permission(emulator: Emulator, call: Caller) -> None:
    for user in (2, 4):
        add_key(emulator, f"key-{user}", f"users/{user}", "group:read", "group:write")
    for key, status in (("key-4", 403), ("key-2", 200)):
        assert call("GET", f"{GROUP}/join-requests", key=key).status == status
        assert call("POST", f"{GROUP}/join-requests/5:accept", {}, key=key).status == status


# --- forums


@pytest.fixture
def forum(emulator: Emulator) -> tuple[str, str]:
    """A category with a pinned post and twelve others; the paths of both."""
    category = emulator.groups.add_category(7, "Talk", author=3)
    post = emulator.groups.add_post(category, "First", "Hello", author=4, pinned=True, locked=True)
    for number in range(12):
        emulator.groups.add_post(category, f"Post {number}", "…")
    path = f"{OTHER}/forum-categories/{category}"
    return path, f"{path}/posts/{post}"


def test_categories_are_listed_and_archived_ones_apart(
    emulator: Emulator, call: Caller, forum: tuple[str, str]
) -> None:
    old = emulator.groups.add_category(7, "Old")
    emulator.groups.archive(old, archiver=2)
    path = forum[0].removeprefix("/cloud/v2/")
    (shown,) = call("GET", f"{OTHER}/forum-categories").json["groupForumCategories"]
    assert shown == {
        "path": path,
        "createTime": START,
        "updateTime": START,
        "groupForumCategoryId": path.rpartition("/")[2],
        "displayName": "Talk",
        "creator": "users/3",
    }
    assert UUID(shown["groupForumCategoryId"])
    for text, names in (("archived==true", ["Old"]), ("archived == false", ["Talk"])):
        rows = call("GET", f"{OTHER}/forum-categories?filter={quote(text)}").json["groupForumCategories"]
        assert [row["displayName"] for row in rows] == names
    (archived,) = call("GET", f"{OTHER}/forum-categories?filter=archived==true").json["groupForumCategories"]
    assert (archived["archiveTime"], archived["archiver"]) == (START, "users/2")


def test_a_page_has_ten_categories_at_most(emulator: Emulator, call: Caller) -> None:
    for number in range(11):
        emulator.groups.add_category(7, f"Category {number}")
    first = call("GET", f"{OTHER}/forum-categories?maxPageSize=50").json
    second = call("GET", f"{OTHER}/forum-categories?maxPageSize=50&pageToken={first['nextPageToken']}").json
    assert [len(page["groupForumCategories"]) for page in (first, second)] == [10, 1]


@pytest.mark.parametrize(("view", "whole"), [("", False), ("FULL", False), ("FULL_WITH_FIRST_COMMENT", True)])
def test_posts_show_their_first_comment_by_view(call: Caller, forum: tuple[str, str], view: str, whole: bool) -> None:
    page = call("GET", f"{forum[0]}/posts?view={view}&maxPageSize=2").json
    post = page["groupForumPosts"][0]
    comment = post.pop("firstComment")
    assert post == {
        "path": forum[1].removeprefix("/cloud/v2/"),
        "createTime": START,
        "updateTime": START,
        "pinned": True,
        "locked": True,
        "groupForumPostId": forum[1].rpartition("/")[2],
        "title": "First",
        "author": "users/4",
        "commentCount": 1,
    }
    assert comment["path"].startswith(f"{post['path']}/comments/")
    assert (comment.get("message", {}).get("plainText") == "Hello") == whole
    assert (len(page["groupForumPosts"]), bool(page["nextPageToken"])) == (2, True)


def test_posts_are_filtered_by_pinned_and_come_in_pages(call: Caller, forum: tuple[str, str]) -> None:
    pinned = call("GET", f"{forum[0]}/posts?filter=pinned==true").json["groupForumPosts"]
    assert [post["title"] for post in pinned] == ["First"]
    titles, token = list[str](), ""
    while True:
        page = call("GET", f"{forum[0]}/posts?maxPageSize=5&pageToken={token}").json
        titles += [post["title"] for post in page["groupForumPosts"]]
        if not (token := page["nextPageToken"]):
            break
    assert titles == ["First", *(f"Post {number}" for number in range(12))]


def test_comments_and_the_replies_to_one(emulator: Emulator, call: Caller, forum: tuple[str, str]) -> None:
    post = forum[1].rpartition("/")[2]
    comment = emulator.groups.add_comment(post, "Second", author=5, emote="smile", emotes=3)
    reply = emulator.groups.add_comment(post, "Reply", replies_to=comment)
    rows = call("GET", f"{forum[1]}/comments").json["groupForumComments"]
    assert [row["message"]["plainText"] for row in rows] == ["Hello", "Second"]
    assert rows[1] == {
        "path": f"{forum[1].removeprefix('/cloud/v2/')}/comments/{comment}",
        "groupForumCommentId": comment,
        "message": {
            "createTime": START,
            "updateTime": START,
            "plainText": "Second",
            "author": "users/5",
            "messageReaction": [{"emoteId": "smile", "count": 3}],
        },
    }
    replies = call("GET", f"{forum[1]}/comments?filter=repliesToCommentId=={comment}").json["groupForumComments"]
    assert [row["groupForumCommentId"] for row in replies] == [reply]
    posts = call("GET", f"{forum[0]}/posts?maxPageSize=1").json["groupForumPosts"]
    assert posts[0]["commentCount"] == 3


@pytest.mark.parametrize(
    ("place", "query"),
    [
        ("categories", "filter=archived==maybe"),
        ("categories", "filter=pinned==true"),
        ("posts", "filter=pinned==false"),
        ("posts", "filter=archived==true"),
        ("posts", "filter=pinned=true"),
        ("posts", "view=BASIC"),
        ("comments", "filter=repliesToCommentId==5"),
        ("comments", "filter=repliesToCommentId=='5'"),
        ("comments", "maxPageSize=-1"),
        ("comments", "pageToken=x"),
    ],
)
def test_what_the_forum_does_not_understand_is_400(
    call: Caller, forum: tuple[str, str], place: str, query: str
) -> None:
    paths = {
        "categories": f"{OTHER}/forum-categories",
        "posts": f"{forum[0]}/posts",
        "comments": f"{forum[1]}/comments",
    }
    assert refused(call("GET", f"{paths[place]}?{query}")) == (400, "INVALID_ARGUMENT")


def test_a_category_or_post_of_another_place_is_404(emulator: Emulator, call: Caller, forum: tuple[str, str]) -> None:
    other = emulator.groups.add_category(7, "Other")
    post = forum[1].rpartition("/")[2]
    for path in (
        f"{OTHER}/forum-categories/{uuid4()}/posts",
        forum[0].replace("groups/7", "groups/1") + "/posts",
        f"{OTHER}/forum-categories/{other}/posts/{post}/comments",
        f"{forum[0]}/posts/{uuid4()}/comments",
    ):
        assert refused(call("GET", path)) == (404, "NOT_FOUND")
    for add in (
        lambda: emulator.groups.add_post("none", "t", "t"),
        lambda: emulator.groups.add_comment("none", "t"),
        lambda: emulator.groups.add_comment(post, "t", replies_to="none"),
    ):
        with pytest.raises(ValueError, match="not in the forum"):
            add()


def test_the_forum_needs_its_scope(emulator: Emulator, call: Caller) -> None:
    add_key(emulator, "narrow", "users/1", "group:read")
    assert call("GET", f"{GROUP}/forum-categories", key="narrow").status == 403
