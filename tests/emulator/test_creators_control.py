"""The control API of users, groups, assets and scripts, and the same from Python."""

from __future__ import annotations

import json
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest

from rblxcloud.emulator.clock import Clock
from rblxcloud.emulator.core import Emulator
from rblxcloud.emulator.model import RawRequest
from rblxcloud.emulator.transport import EmulatorTransport
from tests.emulator.forms import FILES, Assets, png, request
from tests.support.emulator import Answer, Caller


class Control:
    """The control API."""

    def __init__(self, emulator: Emulator) -> None:
        self.emulator = emulator

    def __call__(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.ask(method, path, body)
        assert answer.status == 200, answer.json
        return answer.json

    def ask(self, method: str, path: str, body: Any = None) -> Answer:
        content = b"" if body is None else json.dumps(body).encode()
        return Answer(self.emulator.handle(RawRequest(method, f"/_emulator/{path}", {}, content)))


@pytest.fixture
def control(emulator: Emulator) -> Control:
    return Control(emulator)


def test_a_user_is_set_and_removed(control: Control, call: Caller) -> None:
    profiles = {"twitch": "https://twitch.tv/7"}
    assert (
        control("PUT", "users/7", {"displayName": "Seven", "idVerified": False, "socialNetworkProfiles": profiles})
        == {}
    )
    user = call("GET", "/cloud/v2/users/7").json
    assert (user["displayName"], user["idVerified"], user["name"]) == ("Seven", False, "user7")
    control("DELETE", "users/7")
    assert call("GET", "/cloud/v2/users/7").status == 404


def test_what_is_wrong_with_a_body_is_one_line(control: Control) -> None:
    answer = control.ask("PUT", "users/7", {"displayName": 7, "age": 3})
    assert answer.status == 400
    assert answer.json["error"] == "display_name: Input should be a valid string; age: Unexpected keyword argument"


def test_an_inventory_is_filled(control: Control, call: Caller) -> None:
    limited = {"itemId": "item", "instanceId": "copy", "serialNumber": 3, "instanceState": "HOLD"}
    made = control(
        "POST", "users/7/inventory", {"kind": "asset", "thing": 11, "assetType": "HAT", "collectible": limited}
    )
    control("POST", "users/7/inventory", {"kind": "badge", "thing": 21})
    first, second = call("GET", "/cloud/v2/users/7/inventory-items").json["inventoryItems"]
    assert (first["path"], first["assetDetails"]["collectibleDetails"]) == (made["path"], limited)
    assert second["badgeDetails"] == {"badgeId": "21"}


def test_a_quota_is_set(control: Control, call: Caller) -> None:
    control("PUT", "users/1/quotas", {"assetType": "AUDIO", "capacity": 1, "period": "DAY"})
    row = call("GET", "/cloud/v2/users/1/asset-quotas").json["assetQuotas"][0]
    assert (row["capacity"], row["period"]) == (1, "DAY")


def test_notifications_are_listed(control: Control, call: Caller) -> None:
    for user in (7, 8, 9):
        body = {"source": {"universe": "universes/1"}, "payload": {"messageId": "m", "type": "MOMENT"}}
        call("POST", f"/cloud/v2/users/{user}/notifications", body)
    rows = control("GET", "notifications?after=1&limit=1")["notifications"]
    assert [(row["id"], row["user"], row["messageId"]) for row in rows] == [(2, 8, "m")]
    assert rows[0]["time"] == "2027-01-15T08:00:00Z"
    assert [row["id"] for row in control("GET", "notifications?user=9")["notifications"]] == [3]


def test_a_group_is_set_filled_shown_and_removed(control: Control, call: Caller) -> None:
    control("PUT", "groups/7", {"displayName": "Sevens", "owner": 70, "verified": True})
    made = control("POST", "groups/7/roles", {"name": "Scout", "rank": 50, "permissions": ["acceptRequests"]})
    control("POST", "groups/7/members", {"user": 71, "role": "Scout"})
    control("POST", "groups/7/members", {"user": 72})
    control("POST", "groups/7/join-requests", {"user": 73})
    control("PUT", "groups/7/shout", {"content": "Hey", "poster": 71})
    shown = control("GET", "groups/7")
    assert (shown["members"], shown["joinRequests"]) == ([70, 71, 72], [73])
    assert {"id": made["id"], "name": "Scout", "rank": 50} in shown["roles"]
    assert call("GET", "/cloud/v2/groups/7/shout").json["content"] == "Hey"
    assert call("GET", "/cloud/v2/groups/7").json["owner"] == "users/70"
    assert call("GET", "/cloud/v2/groups/7/memberships/x").status == 405
    control("DELETE", "groups/7")
    assert call("GET", "/cloud/v2/groups/7").status == 404


def test_a_member_can_leave(emulator: Emulator, call: Caller) -> None:
    assert [emulator.groups.remove_member(1, 3) for _ in range(2)] == [True, False]
    assert emulator.groups.members(1) == [1, 2, 4]
    emulator.groups.add_member(1, 3)
    rows = call("GET", "/cloud/v2/groups/1/memberships").json["groupMemberships"]
    assert len(rows[2]["roles"]) == 1


def test_a_forum_is_filled(control: Control, call: Caller) -> None:
    category = control("POST", "groups/7/categories", {"name": "Talk"})["id"]
    post = control("POST", f"forum-categories/{category}", {"title": "Hi", "text": "There", "pinned": True})["id"]
    comment = control("POST", f"forum-posts/{post}", {"text": "You", "emote": "smile", "emotes": 2})["id"]
    path = f"/cloud/v2/groups/7/forum-categories/{category}/posts"
    assert call("GET", path).json["groupForumPosts"][0]["title"] == "Hi"
    rows = call("GET", f"{path}/{post}/comments").json["groupForumComments"]
    assert rows[1]["groupForumCommentId"] == comment


def test_an_asset_is_put_there_moderated_changed_and_shown(control: Control, call: Caller, emulator: Emulator) -> None:
    fields = {"content": b64encode(png()).decode(), "contentType": "image/png", "creator": "groups/7"}
    asset = control("POST", "assets", {**fields, "assetType": "Decal", "displayName": "A decal"})["assetId"]
    control("PUT", f"assets/{asset}/moderation", {"state": "Rejected"})
    shown = call("GET", f"/assets/v1/assets/{asset}").json
    assert (shown["displayName"], shown["assetType"], shown["creationContext"]) == (
        "A decal",
        "Decal",
        {"creator": {"groupId": "7"}},
    )
    assert shown["moderationResult"] == {"moderationState": "Rejected"}
    grant = {"subjectType": "All", "action": "Use", "requests": [{"assetId": asset}]}
    call("PATCH", "/asset-permissions-api/v1/assets/permissions", grant)
    assert control("GET", f"assets/{asset}") == {
        "permissions": [{"subjectType": "All", "subjectId": "", "action": "Use"}]
    }
    control("PUT", f"assets/{asset}/file", {"content": b64encode(b"new").decode(), "version": 1})
    location = call("GET", f"/asset-delivery-api/v1/assetId/{asset}").json["location"]
    assert call("GET", location.removeprefix("http://localhost"), key=None).reply.body == b"new"


def test_scripts_are_added_listed_and_cleared(control: Control, call: Caller, clock: Clock) -> None:
    script = {"processing": 5, "code": 9, "message": "No.", "errorField": "status", "times": None}
    assert control("POST", "scripts", script)["errorField"] == "status"
    started = Assets(call).create(request("Audio"), FILES["Audio"]["audio/ogg"], "audio/ogg")
    clock.advance(5)
    assert Assets(call).poll(started)["status"] == {"code": 9, "message": "No."}
    assert [each["code"] for each in control("GET", "scripts")["scripts"]] == [9]
    control("DELETE", "scripts")
    assert control("GET", "scripts") == {"scripts": []}


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("PUT", "users/x", {}, 400),
        ("PUT", "users/7/nonsense", {}, 404),
        ("PUT", "users/7", {"displayName": 5}, 400),
        ("PUT", "users/7", {"nonsense": 5}, 400),
        ("PUT", "users/7", {"socialNetworkProfiles": {"myspace": "x"}}, 400),
        ("PUT", "users/7", [], 400),
        ("POST", "users/7/inventory", {"kind": "asset", "thing": 1}, 400),
        ("POST", "users/7/inventory", {"kind": "asset", "thing": 1, "assetType": "HAT", "collectible": {}}, 400),
        ("POST", "users/7", {}, 404),
        ("PUT", "users/7/quotas", {"assetType": "AUDIO", "capacity": -1}, 400),
        ("DELETE", "users/7/inventory", None, 404),
        ("POST", "groups/7/roles", {"name": "Twin", "rank": 255}, 400),
        ("POST", "groups/7/members", {"user": 5, "role": "Nobody"}, 400),
        ("POST", "groups/7/nonsense", {}, 404),
        ("PUT", "groups/7", {"displayName": ""}, 400),
        ("POST", "forum-posts/none", {"text": "x"}, 400),
        ("POST", "assets", {"content": "no base64!", "contentType": "image/png"}, 400),
        ("POST", "assets", {"content": "", "contentType": "image/png"}, 400),
        ("POST", "assets", {"content": "eA==", "contentType": "image/gif", "assetType": "Decal"}, 400),
        ("PUT", "assets/5/moderation", {"state": "Rejected"}, 400),
        ("PUT", "assets/5/moderation", {"state": "Odd"}, 400),
        ("PUT", "assets/5/file", {"content": ""}, 400),
        ("POST", "scripts", {"processing": -1}, 400),
        ("POST", "scripts", {"kind": "download"}, 400),
        ("GET", "notifications?user=x", None, 400),
        ("PATCH", "users/7", {}, 405),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_reason(
    control: Control, method: str, path: str, body: Any, status: int
) -> None:
    answer = control.ask(method, path, body)
    assert (answer.status, list(answer.json)) == (status, ["error"])


def test_a_reset_brings_the_small_world_back(emulator: Emulator, control: Control, call: Caller) -> None:
    before = call("GET", "/cloud/v2/groups/1/memberships").json
    emulator.groups.remove(1)
    emulator.users.update(1, name="other")
    control("POST", "reset")
    assert call("GET", "/cloud/v2/groups/1/memberships").json == before
    assert call("GET", "/cloud/v2/users/1").json["name"] == "builder"
    assert len(call("GET", "/cloud/v2/users/1/inventory-items").json["inventoryItems"]) == 6
    (category,) = call("GET", "/cloud/v2/groups/1/forum-categories").json["groupForumCategories"]
    posts = call("GET", f"/cloud/v2/{category['path']}/posts").json["groupForumPosts"]
    assert [post["title"] for post in posts] == ["Rules", "Hello"]


def test_a_file_keeps_what_was_done_to_the_small_world(tmp_path: Path) -> None:
    for _ in range(2):
        with Emulator(database=tmp_path / "state.db") as emulator:
            call = Caller(emulator)
            call("POST", "/cloud/v2/groups/1/join-requests/5:accept", {})
            assert emulator.groups.members(1) == [1, 2, 3, 4, 5]
            assert emulator.groups.join_requests(1) == []


def test_addresses_lead_to_where_the_caller_found_the_emulator(emulator: Emulator) -> None:
    import httpx

    for base_url in ("https://apis.roblox.com", "http://127.0.0.1:9999"):
        with httpx.Client(transport=EmulatorTransport(emulator), base_url=base_url) as client:
            answer = client.get("/cloud/v2/users/7:generateThumbnail", headers={"x-api-key": "emulator-key"}).json()
            assert answer["response"]["imageUri"].startswith(f"{base_url}/_cdn/")
            assert client.get(answer["response"]["imageUri"]).content[:4] == b"\x89PNG"


def test_servers_begin_log_end_and_are_told(control: Control, call: Caller, emulator: Emulator) -> None:
    job = control("POST", "servers", {"universe": 1, "place": 2, "version": 7, "players": [5], "maxPlayers": 8})[
        "jobId"
    ]
    assert control("GET", "servers?universe=1") == {"jobIds": [job]}
    control("POST", f"servers/{job}/logs", {"message": "Ready.", "severity": 1})
    path = "/server-management/v1/universes/1"
    servers = f"{path}/places/2/versions/7/game-servers"
    assert call("GET", f"{servers}/{job}/logs").json["gameServerLogs"][0]["message"] == "Ready."
    restart = call("POST", f"{path}/restarts", {"bleedOffDurationMinutes": 5, "attributes": {"a": 1}}).json["id"]
    assert control("GET", f"restarts/{restart}") == {"attributes": {"a": 1}}
    control("POST", f"servers/{job}/end", {"status": "crashed"})
    assert control("GET", "servers?universe=1") == {"jobIds": []}


def test_translations_and_restrictions_are_registered(control: Control, call: Caller, emulator: Emulator) -> None:
    control("POST", "translations", {"text": "Hello", "translations": {"fr-fr": "Bonjour"}})
    body = {"text": "Hello", "targetLanguageCodes": ["fr-fr"]}
    assert call("POST", "/cloud/v2/universes/1:translateText", body).json["translations"] == {"fr-fr": "Bonjour"}
    asset = emulator.assets.add(b"m", "x", asset_type="Plugin")
    made = call("POST", "/cloud/v2/creator-store-products", {"pluginAssetId": str(asset), "published": True}).json
    assert made["purchasable"]
    control("PUT", f"creator-store/{asset}", {"restrictions": ["SOLD_ITEM_RESTRICTED"]})
    assert not call("GET", f"/cloud/v2/{made['path']}").json["purchasable"]


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "servers", {"universe": 1}, 400),
        ("POST", "servers", {"universe": 1, "place": 2, "speed": 5}, 400),
        ("GET", "servers", None, 400),
        ("GET", "servers?universe=x", None, 400),
        ("POST", "servers/nobody/logs", {"message": "m"}, 400),
        ("POST", "servers/nobody/end", {}, 400),
        ("POST", "servers/nobody/dance", {}, 404),
        ("GET", "restarts/nobody", None, 400),
        ("POST", "translations", {"text": "x", "translations": {"xx": "y"}}, 400),
        ("PUT", "creator-store/5", {"restrictions": ["SOLD_ITEM_RESTRICTED"]}, 400),
        ("PUT", "creator-store/5", {"restrictions": ["BORING"]}, 400),
        ("PUT", "creator-store/x", {}, 400),
    ],
)
def test_what_is_wrong_with_such_a_control_is_said(
    control: Control, method: str, path: str, body: Any, status: int
) -> None:
    answer = control.ask(method, path, body)
    assert answer.status == status
    assert answer.json["error"]
