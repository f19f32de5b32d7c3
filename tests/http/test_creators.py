"""Users and groups on the wire: what is asked, and how Roblox's answers are read, as captured and as documented."""

from __future__ import annotations

import json
import pickle
from datetime import UTC, datetime
from enum import Enum
from typing import Any

import httpx
import pytest

import rblxcloud
from tests.support.clock import ManualClock
from tests.support.server import Script, async_client

pytestmark = pytest.mark.anyio

USER = {
    "path": "users/45348281",
    "createTime": "2013-07-13T07:50:00.083Z",
    "id": "45348281",
    "name": "someone",
    "displayName": "Some One",
    "about": "",
    "locale": "en_us",
    "premium": True,
    "idVerified": True,
    "socialNetworkProfiles": {"facebook": "", "twitter": "@x", "visibility": "NOBODY_YET_KNOWN"},
    "somethingNew": {"a": 1},
}
MEMBER = {
    "path": "groups/7/memberships/NDUzNDgyODE",
    "createTime": "2023-07-05T12:34:56.829412600Z",
    "user": "users/45348281",
    "role": "groups/7/roles/99513316",
    "roles": ["groups/7/roles/99513316", "groups/7/roles/5"],
}


def answers(*bodies: Any) -> Script:
    return Script([httpx.Response(200, json=body) for body in bodies])


def sent(script: Script) -> list[tuple[str, str, dict[str, str]]]:
    return [(r.method, r.url.path, dict(r.url.params)) for r in script.requests]


async def test_user_is_filled(clock: ManualClock) -> None:
    async with async_client(clock, answers(USER)) as client:
        user = await client.user(45348281).fetch()
    assert (user.id, user.username, user.display_name, user.about) == (45348281, "someone", "Some One", "")
    assert user.created_at == datetime(2013, 7, 13, 7, 50, 0, 83000, UTC)
    assert (user.premium, user.id_verified, user.locale) == (True, True, "en_us")
    profiles = user.social_network_profiles
    assert profiles is not None
    assert (profiles.twitter, profiles.guilded, profiles.visibility) == ("@x", "", "NOBODY_YET_KNOWN")


async def test_what_may_not_be_read_is_none_and_what_a_sign_in_told_stays(clock: ManualClock) -> None:
    script = answers(USER, {"id": "45348281", "name": "renamed"})
    async with async_client(clock, script) as client:
        user = rblxcloud.User.bound(client._session, id=45348281, profile_uri="p", headshot_uri="h", username="before")
        await user.fetch()
        await user.fetch()
    assert (user.username, user.premium, user.social_network_profiles) == ("renamed", None, None)
    assert (user.profile_uri, user.headshot_uri) == ("p", "h")


async def test_group_without_an_owner_is_filled(clock: ManualClock) -> None:
    body = {"path": "groups/7", "id": "7", "displayName": "G", "description": "", "memberCount": 3, "locked": False}
    script = answers({**body, "owner": "users/1"}, body)
    async with async_client(clock, script) as client:
        group = await client.group(7).fetch()
        assert (group.display_name, group.member_count, group.owner_id, group.locked) == ("G", 3, 1, False)
        assert (await group.fetch()).owner_id is None


@pytest.mark.parametrize("kind", [rblxcloud.User, rblxcloud.Group])
@pytest.mark.parametrize("id", [-1, 0, True, "abc", "-5", 1.0, None, 2**63, "", b"1"])
def test_ids_that_are_none_are_refused(kind: Any, id: Any) -> None:
    with pytest.raises(rblxcloud.InvalidRequestError, match="id: .* is not an id"):
        kind(id, api_key="k")


@pytest.mark.parametrize("kind", [rblxcloud.User, rblxcloud.Group])
def test_creators_stand_alone_compare_and_pickle_without_their_key(kind: Any) -> None:
    creator = kind(13058, api_key="secret-key")
    assert isinstance(creator, rblxcloud.Creator)
    assert creator == kind(13058, api_key="another")
    data = pickle.dumps(creator)
    assert b"secret-key" not in data
    assert "secret-key" not in repr(creator)
    assert pickle.loads(data) == creator


def test_a_user_is_no_group() -> None:
    user, group = rblxcloud.User(1, api_key="k"), rblxcloud.Group(1, api_key="k")
    assert user != group
    assert (user.path, group.path) == ("users/1", "groups/1")


async def test_members_are_read_with_all_their_roles(clock: ManualClock) -> None:
    script = answers({"groupMemberships": [MEMBER], "nextPageToken": ""})
    async with async_client(clock, script) as client:
        [member] = [m async for m in client.group(7).members()]
    assert (member.id, member.group_id, member.user_id) == ("NDUzNDgyODE", 7, 45348281)
    assert (member.role_id, member.role_ids) == (99513316, (99513316, 5))
    assert member.created == datetime(2023, 7, 5, 12, 34, 56, 829412, UTC)
    assert pickle.loads(pickle.dumps(member)) == member
    assert sent(script) == [("GET", "/cloud/v2/groups/7/memberships", {"maxPageSize": "100"})]


async def test_memberships_of_before_there_were_several_roles_are_read(clock: ManualClock) -> None:
    old = {name: value for name, value in MEMBER.items() if name != "roles"}
    async with async_client(clock, answers({"groupMemberships": [old]})) as client:
        page = await client.group(7).members().first_page()
    assert page.items[0].role_ids == (99513316,)


@pytest.mark.parametrize("path", ["", "memberships/1", "groups/x/memberships/1", 5, None])
async def test_a_membership_of_no_group_is_an_unusable_answer(clock: ManualClock, path: Any) -> None:
    async with async_client(clock, answers({"groupMemberships": [{**MEMBER, "path": path}]})) as client:
        with pytest.raises(rblxcloud.APIResponseError, match="groupMemberships"):
            await client.group(7).members().first_page()


async def test_members_are_filtered_by_role_or_user(clock: ManualClock) -> None:
    script = answers({}, {}, {}, {})
    role = rblxcloud.GroupRole(id=99)
    async with async_client(clock, script) as client:
        group = client.group(7)
        for pager in (group.members(role=99), group.members(role=role), group.members(user=5)):
            assert [m async for m in pager] == []
        assert [m async for m in group.members(user=client.user(5), limit=3)] == []
    filters = [(query["filter"], query["maxPageSize"]) for _, _, query in sent(script)]
    by_role, by_user = "role == 'groups/7/roles/99'", "user == 'users/5'"
    assert filters == [(by_role, "100"), (by_role, "100"), (by_user, "100"), (by_user, "3")]


async def test_a_member_is_found_or_not(clock: ManualClock) -> None:
    script = answers({"groupMemberships": [MEMBER], "nextPageToken": "t"}, {})
    async with async_client(clock, script) as client:
        found = await client.group(7).find_member(45348281)
        assert found is not None
        assert found.role_ids == (99513316, 5)
        assert await client.group(7).find_member(5) is None
    assert [query for _, _, query in sent(script)] == [
        {"maxPageSize": "1", "filter": "user == 'users/45348281'"},
        {"maxPageSize": "1", "filter": "user == 'users/5'"},
    ]


async def test_memberships_across_groups_are_asked_for_up_to_fifty_users(clock: ManualClock) -> None:
    script = answers({"groupMemberships": [MEMBER]}, {})
    async with async_client(clock, script) as client:
        assert [m.group_id async for m in client.user(5).group_memberships()] == [7]
        assert [m async for m in client.group_memberships(range(1, 51))] == []
        for users in ([], range(1, 52), [1, -1], "12", 5, [True]):
            with pytest.raises(rblxcloud.InvalidRequestError, match="user_ids: "):
                client.group_memberships(users)  # type: ignore[arg-type]
    [one, many] = [query["filter"] for _, _, query in sent(script)]
    assert one == "user in ['users/5']"
    assert many == "user in [" + ", ".join(f"'users/{n}'" for n in range(1, 51)) + "]"
    assert script.requests[0].url.path == "/cloud/v2/groups/-/memberships"


HOSTILE = ["1' || user == 'users/2", "1'", "users/1", "", -1, 0, True, 1.5, None, "１"]


@pytest.mark.parametrize("value", HOSTILE)
async def test_no_value_changes_what_a_filter_of_a_group_means(clock: ManualClock, value: Any) -> None:
    async with async_client(clock, answers()) as client:
        group = client.group(7)
        calls: list[Any] = [
            lambda: group.find_member(value),
            lambda: group.assign_role(value, 1),
            lambda: group.assign_role(1, value),
            lambda: group.unassign_role(1, value),
            lambda: group.update_member(value, 1),
            lambda: group.accept_join_request(value),
            lambda: group.decline_join_request(value),
            lambda: group.get_role(value),
        ]
        for call in calls:
            with pytest.raises(rblxcloud.InvalidRequestError):
                await call()
        for listing in (group.members, group.join_requests) if value is not None else ():
            with pytest.raises(rblxcloud.InvalidRequestError):
                listing(user=value)
        with pytest.raises(rblxcloud.InvalidRequestError):
            group.forum_comments("c", "p", replies_to="a || b" if value is None else f"{value} ")


async def test_role_and_user_are_not_combined(clock: ManualClock) -> None:
    async with async_client(clock, answers()) as client:
        with pytest.raises(rblxcloud.InvalidRequestError, match="role_ids"):
            client.group(7).members(role=1, user=1)


async def test_roles_are_assigned_and_taken(clock: ManualClock) -> None:
    script = answers(MEMBER, MEMBER, MEMBER)
    async with async_client(clock, script) as client:
        group = client.group(7)
        assert (await group.assign_role(45348281, 5)).role_ids == (99513316, 5)
        await group.unassign_role(45348281, 5)
        await group.update_member(45348281, 5)
    base = "/cloud/v2/groups/7/memberships/45348281"
    assert [(r.method, r.url.path, json.loads(r.content)) for r in script.requests] == [
        ("POST", f"{base}:assignRole", {"role": "groups/7/roles/5"}),
        ("POST", f"{base}:unassignRole", {"role": "groups/7/roles/5"}),
        ("PATCH", base, {"role": "groups/7/roles/5"}),
    ]


async def test_roles_are_read_and_their_last_token_ends_the_list(clock: ManualClock) -> None:
    guest = {"path": "groups/7/roles/1", "id": "1", "displayName": "Guest", "permissions": {"viewForums": True}}
    owner = {"id": "2", "rank": 255, "memberCount": 1, "createTime": "2024-01-01T00:00:00Z"}
    # As captured: the token is the last role's id, also on the last page.
    script = answers({"groupRoles": [guest, owner], "nextPageToken": "2"}, {"groupRoles": [], "nextPageToken": "2"})
    async with async_client(clock, script) as client:
        [first, last] = [role async for role in client.group(7).roles()]
    assert (first.id, first.display_name, first.rank, first.member_count) == (1, "Guest", 0, None)
    assert first.permissions is not None
    assert (first.permissions.view_forums, first.permissions.ban_members) == (True, False)
    assert (last.rank, last.member_count, last.permissions) == (255, 1, None)
    assert len(script.requests) == 2


async def test_join_requests_are_listed_and_answered(clock: ManualClock) -> None:
    request = {"path": "groups/7/join-requests/156", "createTime": "2024-01-01T00:00:00Z", "user": "users/156"}
    script = answers({"groupJoinRequests": [request]}, {}, {}, {})
    async with async_client(clock, script) as client:
        group = client.group(7)
        assert [r.user_id async for r in group.join_requests(user=156)] == [156]
        await group.accept_join_request(156)
        await group.decline_join_request(client.user(157))
    assert sent(script)[0][2] == {"maxPageSize": "20", "filter": "user == 'users/156'"}
    assert [(r.url.path, r.content) for r in script.requests[1:]] == [
        ("/cloud/v2/groups/7/join-requests/156:accept", b"{}"),
        ("/cloud/v2/groups/7/join-requests/157:decline", b"{}"),
    ]


async def test_an_acceptance_that_may_have_happened_is_not_repeated(clock: ManualClock) -> None:
    script = Script([httpx.ReadError("cut")])
    async with async_client(clock, script) as client:
        with pytest.raises(rblxcloud.APIConnectionError) as caught:
            await client.group(7).accept_join_request(156)
    assert caught.value.outcome_unknown


async def test_forums_are_read(clock: ManualClock) -> None:
    category = {
        "path": "groups/7/forum-categories/c-1",
        "groupForumCategoryId": "c-1",
        "displayName": "General",
        "creator": "users/1",
        "archiveTime": "2024-01-01T00:00:00Z",
    }
    comment = {"path": "groups/7/forum-categories/c-1/posts/p-1/comments/m-1"}
    post = {
        "path": "groups/7/forum-categories/c-1/posts/p-1",
        "title": "T",
        "pinned": True,
        "author": "users/2",
        "commentCount": "12",
        "firstComment": comment,
    }
    message = {
        "plainText": "hello",
        "author": "users/3",
        "createTime": "2024-01-01T00:00:00Z",
        "messageReaction": [{"emoteId": "e", "count": "4"}],
    }
    script = answers(
        {"groupForumCategories": [category]},
        {"groupForumPosts": [post]},
        {"groupForumComments": [{**comment, "message": message}]},
        {},
    )
    async with async_client(clock, script) as client:
        group = client.group(7)
        [found] = [c async for c in group.forum_categories(archived=True)]
        [first] = [p async for p in group.forum_posts(found.id, pinned=True)]
        [answer] = [c async for c in group.forum_comments(found.id, first.id)]
        assert [c async for c in group.forum_comments(found.id, first.id, replies_to=answer.id)] == []
    assert (found.id, found.display_name, found.creator_id) == ("c-1", "General", 1)
    assert found.archived is not None
    assert (first.id, first.title, first.author_id, first.comment_count) == ("p-1", "T", 2, 12)
    assert first.first_comment is not None
    assert (first.first_comment.id, first.first_comment.text) == ("m-1", None)
    assert (answer.text, answer.author_id, answer.reactions) == (
        "hello",
        3,
        (rblxcloud.ForumReaction(emote_id="e", count=4),),
    )
    queries = [query for _, _, query in sent(script)]
    assert queries[0] == {"maxPageSize": "10", "filter": "archived==true"}
    assert queries[1] == {"maxPageSize": "100", "filter": "pinned==true", "view": "FULL"}
    assert queries[2] == {"maxPageSize": "100"}
    assert queries[3] == {"maxPageSize": "100", "filter": "repliesToCommentId==m-1"}


async def test_inventory_items_of_all_kinds_are_read(clock: ManualClock) -> None:
    asset = {
        "path": "users/1/inventory-items/QQ",
        "addTime": "2024-01-01T00:00:00Z",
        "assetDetails": {
            "assetId": "9",
            "inventoryItemAssetType": "HOLOGRAM",
            "instanceId": "77",
            "collectibleDetails": {
                "itemId": "i",
                "instanceId": "j",
                "instanceState": "HOLD",
                "serialNumber": "12",
            },
        },
    }
    others = [
        {"path": "users/1/inventory-items/Qg", "badgeDetails": {"badgeId": "2"}},
        {"path": "users/1/inventory-items/Qw", "gamePassDetails": {"gamePassId": "3"}},
        {"path": "users/1/inventory-items/RA", "privateServerDetails": {"privateServerId": "4"}},
    ]
    script = answers({"inventoryItems": [asset, *others], "nextPageToken": ""})
    async with async_client(clock, script) as client:
        [first, *rest] = [item async for item in client.user(1).inventory()]
    assert first.id == "QQ"
    assert first.asset is not None
    assert (first.asset.asset_id, first.asset.type, first.asset.instance_id) == (9, "HOLOGRAM", "77")
    assert first.asset.collectible == rblxcloud.CollectibleDetails(
        item_id="i", instance_id="j", instance_state="HOLD", serial_number=12
    )
    assert [(i.badge_id, i.game_pass_id, i.private_server_id) for i in rest] == [
        (2, None, None),
        (None, 3, None),
        (None, None, 4),
    ]
    assert "filter" not in sent(script)[0][2]


async def test_the_filter_stays_the_same_on_every_page(clock: ManualClock) -> None:
    script = answers({"inventoryItems": [], "nextPageToken": "t"}, {"nextPageToken": ""})
    async with async_client(clock, script) as client:
        assert [i async for i in client.user(1).inventory(asset_types=["HAT", "GEAR"], badges=True)] == []
    condition = "badges=true;inventoryItemAssetTypes=HAT,GEAR"
    assert [query for _, _, query in sent(script)] == [
        {"maxPageSize": "100", "filter": condition},
        {"maxPageSize": "100", "filter": condition, "pageToken": "t"},
    ]


async def test_notification_says_what_it_was_given(clock: ManualClock) -> None:
    script = answers({"path": "users/1/notifications/n", "id": "n"}, {"id": "m"})
    async with async_client(clock, script) as client:
        user = client.user(1)
        given = {"egg": "royal", "count": 2**63 - 1}
        assert await user.notify(5, "m-1", parameters=given, launch_data="é" * 100, category="Egg") == "n"
        assert await user.notify(client.experience(6), "m-2") == "m"
    first, second = [json.loads(r.content) for r in script.requests]
    assert first == {
        "source": {"universe": "universes/5"},
        "payload": {
            "type": "MOMENT",
            "messageId": "m-1",
            "parameters": {"egg": {"stringValue": "royal"}, "count": {"int64Value": 2**63 - 1}},
            "joinExperience": {"launchData": "é" * 100},
            "analyticsData": {"category": "Egg"},
        },
    }
    assert second == {"source": {"universe": "universes/6"}, "payload": {"type": "MOMENT", "messageId": "m-2"}}


@pytest.mark.parametrize(
    ("arguments", "argument"),
    [
        ({"experience": -1}, "experience"),
        ({"experience": True}, "experience"),
        ({"message_id": ""}, "message_id"),
        ({"message_id": 5}, "message_id"),
        ({"parameters": ["a"]}, "parameters"),
        ({"parameters": {"a": 1.5}}, "parameters"),
        ({"parameters": {"a": True}}, "parameters"),
        ({"parameters": {"a": 2**63}}, "parameters"),
        ({"parameters": {"": 1}}, "parameters"),
        ({"parameters": {"a": "\ud800"}}, "parameters"),
        ({"launch_data": "é" * 101}, "launch_data"),
        ({"launch_data": b"x"}, "launch_data"),
        ({"category": ""}, "category"),
    ],
)
async def test_notifications_that_cannot_be_are_not_sent(
    clock: ManualClock, arguments: dict[str, Any], argument: str
) -> None:
    async with async_client(clock, answers()) as client:
        with pytest.raises(rblxcloud.InvalidRequestError, match=f"^{argument}: "):
            await client.user(1).notify(**{"experience": 1, "message_id": "m", **arguments})


async def test_a_user_who_was_notified_today_holds_up_no_other(clock: ManualClock) -> None:
    today = httpx.Response(429, headers={"retry-after": "40000"}, json={"code": "RESOURCE_EXHAUSTED", "message": "no"})
    script = Script([today, httpx.Response(200, json={"id": "n"})])
    async with async_client(clock, script) as client:
        started = clock.monotonic()
        with pytest.raises(rblxcloud.RateLimitedError) as caught:
            await client.user(1).notify(5, "m")
        assert caught.value.retry_after == 40000
        assert not caught.value.outcome_unknown
        assert await client.user(2).notify(5, "m") == "n"
        assert clock.monotonic() == started


async def test_thumbnail_that_is_done_already_needs_one_request(clock: ManualClock) -> None:
    done = {
        "path": "users/1/operations/eyJ1IjoxfQ==",
        "done": True,
        "response": {
            "@type": "apis.roblox.com/roblox.open_cloud.cloud.v2.GenerateUserThumbnailResponse",
            "imageUri": "https://tr.rbxcdn.com/x",
        },
    }
    script = answers(done)
    async with async_client(clock, script) as client:
        operation = await client.user(1).generate_thumbnail(size=48, format="JPEG", shape="SQUARE")
        assert operation.done
        assert (await operation.wait()).uri == "https://tr.rbxcdn.com/x"
    assert sent(script) == [
        ("GET", "/cloud/v2/users/1:generateThumbnail", {"size": "48", "format": "JPEG", "shape": "SQUARE"})
    ]


async def test_thumbnail_that_takes_a_while_is_polled_at_its_path(clock: ManualClock) -> None:
    path = "users/1/operations/eyJ1IjoxfQ=="
    script = answers({"path": path}, {"path": path, "done": True, "response": {"imageUri": "u"}})
    async with async_client(clock, script) as client:
        thumbnail = await (await client.user(1).generate_thumbnail()).wait()
    assert thumbnail == rblxcloud.UserThumbnail(uri="u")
    assert script.requests[1].url.raw_path == b"/cloud/v2/users/1/operations/eyJ1IjoxfQ%3D%3D"


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("size", 49),
        ("size", True),
        ("size", 48.0),
        ("size", "48"),
        ("format", "png"),
        ("shape", "OVAL"),
        ("shape", None),
    ],
)
async def test_thumbnails_that_roblox_does_not_make_are_refused(clock: ManualClock, argument: str, value: Any) -> None:
    async with async_client(clock, answers()) as client:
        with pytest.raises(rblxcloud.InvalidRequestError, match=f"^{argument}: .* is none of"):
            await client.user(1).generate_thumbnail(**{argument: value})


async def test_shout_is_written_by_the_legacy_service(clock: ManualClock) -> None:
    poster = {"userId": 1, "username": "u", "displayName": "U", "hasVerifiedBadge": False}
    body = {
        "body": "hi",
        "poster": poster,
        "created": "2024-01-01T00:00:00.1234567Z",
        "updated": "2024-01-02T00:00:00Z",
    }
    script = answers(body)
    async with async_client(clock, script) as client:
        shout = await client.group(7).update_shout("hi")
        with pytest.raises(rblxcloud.InvalidRequestError, match="message: "):
            await client.group(7).update_shout("")
    assert (shout.message, shout.poster_id) == ("hi", 1)
    assert shout.created == datetime(2024, 1, 1, 0, 0, 0, 123456, UTC)
    assert [(r.method, r.url.path, json.loads(r.content)) for r in script.requests] == [
        ("PATCH", "/legacy-groups/v1/groups/7/status", {"message": "hi"})
    ]


@pytest.mark.parametrize(("listing", "largest"), [("members", 100), ("roles", 20), ("join_requests", 20)])
async def test_pages_have_the_sizes_that_roblox_gives(clock: ManualClock, listing: str, largest: int) -> None:
    async with async_client(clock, answers()) as client:
        for size in (0, largest + 1, True, "5"):
            with pytest.raises(rblxcloud.InvalidRequestError, match=f"page_size: .* from 1 to {largest}"):
                getattr(client.group(7), listing)(page_size=size)
        with pytest.raises(rblxcloud.InvalidRequestError, match="limit: "):
            getattr(client.group(7), listing)(limit=0)


class Kind(str, Enum):  # noqa: UP042
    """A user's own names, which are not written by `str()`."""

    VIDEO = "VIDEO"


async def test_quotas_are_read_and_picked_by_type(clock: ManualClock) -> None:
    quota = {
        "path": "users/1/asset-quotas/q",
        "quotaType": "RATE_LIMIT_UPLOAD",
        "assetType": "AUDIO",
        "usage": "15",
        "capacity": 100,
        "period": "MONTH",
        "usageResetTime": "2024-01-01T00:00:00Z",
    }
    script = answers({"assetQuotas": [quota, {**quota, "assetType": "HOLOGRAM"}]}, {}, {}, {})
    async with async_client(clock, script) as client:
        user = client.user(1)
        picked = user.asset_quotas(quota_type="RATE_LIMIT_UPLOAD", asset_type="AUDIO")
        [found, newer] = [quota async for quota in picked]
        assert [q async for q in user.asset_quotas(asset_type=rblxcloud.AssetType.MeshPart)] == []
        assert [q async for q in user.asset_quotas()] == []
        assert [q async for q in user.asset_quotas(asset_type=Kind.VIDEO)] == []
        for value in ("", "A && B", "x == y", "Ä", 5, True):
            with pytest.raises(rblxcloud.InvalidRequestError, match="asset_type: "):
                user.asset_quotas(asset_type=value)  # type: ignore[arg-type]
    assert (found.usage, found.capacity, found.period) == (15, 100, "MONTH")
    assert (found.asset_type, newer.asset_type) == (rblxcloud.AssetType.Audio, "HOLOGRAM")
    assert [query.get("filter") for _, _, query in sent(script)] == [
        "quotaType == RateLimitUpload && assetType == Audio",
        "assetType == MeshPart",
        None,
        "assetType == Video",
    ]
