"""Users: profiles by scope, thumbnails, inventories and notifications."""

from __future__ import annotations

import json
import threading
import zlib
from base64 import urlsafe_b64decode
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
import pytest

from rblxcloud.emulator.api_keys import ApiKey, ScopeGrant
from rblxcloud.emulator.clock import Clock
from rblxcloud.emulator.core import Emulator
from rblxcloud.emulator.creators.inventory import Collectible
from rblxcloud.emulator.creators.notifications import Notification
from rblxcloud.emulator.scripts import OperationScript
from rblxcloud.emulator.server import serve
from tests.support.emulator import START, Answer, Caller

USER = "/cloud/v2/users/7"
INVENTORY = f"{USER}/inventory-items"
NOTIFICATIONS = f"{USER}/notifications"


def add_key(emulator: Emulator, name: str, owner: str, *scopes: str) -> None:
    emulator.add_key(name, ApiKey(owner=owner, scopes=tuple(map(ScopeGrant.parse, scopes))))


# --- profiles


def test_any_numeric_user_exists_and_stays_the_same(call: Caller, clock: Clock) -> None:
    first = call("GET", USER).json
    clock.advance(1000)
    assert call("GET", USER).json == first == {
        "path": "users/7",
        "id": "7",
        "createTime": "2013-07-13T07:50:00.083Z",
        "name": "user7",
        "displayName": "User 7",
        "about": "",
        "locale": "en_us",
        "premium": True,
        "idVerified": True,
        "socialNetworkProfiles": {
            **dict.fromkeys(("facebook", "twitter", "youtube", "twitch", "guilded"), ""),
            "visibility": "EVERYONE",
        },
    }  # fmt: skip


@pytest.mark.parametrize(
    ("scopes", "fields"),
    [
        (["asset:read"], set[str]()),
        (["user.advanced:read"], {"idVerified"}),
        (["user.social:read"], {"socialNetworkProfiles"}),
        (["user.advanced:read", "user.social:read"], {"idVerified", "socialNetworkProfiles"}),
    ],
)
def test_scopes_open_fields(emulator: Emulator, call: Caller, scopes: list[str], fields: set[str]) -> None:
    add_key(emulator, "narrow", "users/1", *scopes)
    shown = call("GET", USER, key="narrow").json.keys()
    assert shown & {"idVerified", "socialNetworkProfiles"} == fields
    assert shown >= {"path", "id", "name", "displayName", "about", "locale", "premium", "createTime"}


@pytest.mark.parametrize("user", ["0", "-7", "me", "7.0", str(2**63)])
def test_a_user_that_is_no_id_is_400(call: Caller, user: str) -> None:
    for path in ("", ":generateThumbnail", "/inventory-items", "/asset-quotas", "/operations/x"):
        answer = call("GET", f"/cloud/v2/users/{user}{path}")
        assert (answer.status, answer.json["code"]) == (400, "INVALID_ARGUMENT")


def test_a_removed_user_is_404_until_something_is_said_of_them(emulator: Emulator, call: Caller) -> None:
    emulator.users.remove(7)
    for path in ("", ":generateThumbnail", "/inventory-items", "/asset-quotas"):
        assert call("GET", USER + path).status == 404
    emulator.users.update(7, about="Back.")
    assert call("GET", USER).json["about"] == "Back."


def test_a_profile_can_be_set(emulator: Emulator, call: Caller) -> None:
    emulator.users.update(7, name="seven", display_name="Seven", premium=False, locale="de_de", id_verified=False)
    emulator.users.update(7, social_network_profiles={"twitch": "https://twitch.tv/7", "visibility": "NO_ONE"})
    user = call("GET", USER).json
    assert (user["name"], user["displayName"], user["premium"], user["locale"]) == ("seven", "Seven", False, "de_de")
    assert (user["idVerified"], user["socialNetworkProfiles"]["visibility"]) == (False, "NO_ONE")
    for profiles in ({"myspace": "x"}, {"visibility": "SOMEBODY"}):
        with pytest.raises(ValueError, match=r"myspace|visibility"):
            emulator.users.update(7, social_network_profiles=profiles)


# --- thumbnails


def picture(call: Caller, query: str = "") -> Answer:
    operation = call("GET", f"{USER}:generateThumbnail{query}").json
    assert operation["done"] is True
    assert operation["response"]["@type"].endswith("cloud.v2.GenerateUserThumbnailResponse")
    location = urlsplit(operation["response"]["imageUri"])
    return call("GET", f"{location.path}?{location.query}", key=None)


def pixels(content: bytes) -> tuple[int, int, list[bytes]]:
    """Return width, height and rows of a PNG whose rows are not filtered."""
    width, height = int.from_bytes(content[16:20]), int.from_bytes(content[20:24])
    start = content.index(b"IDAT") + 4
    raw = zlib.decompress(content[start : start + int.from_bytes(content[start - 8 : start - 4])])
    return width, height, [raw[row * (4 * width + 1) + 1 : (row + 1) * (4 * width + 1)] for row in range(height)]


def test_a_thumbnail_is_a_round_png_of_420_pixels(call: Caller) -> None:
    answer = picture(call)
    width, height, rows = pixels(answer.reply.body)
    assert (answer.headers["content-type"], width, height) == ("image/png", 420, 420)
    assert (rows[0][3], rows[210][4 * 210 + 3], rows[210][3], rows[419][4 * 419 + 3]) == (0, 255, 255, 0)


@pytest.mark.parametrize("size", [48, 50, 60, 75, 100, 110, 150, 180, 352, 420, 720])
def test_every_size_is_made(call: Caller, size: int) -> None:
    width, height, rows = pixels(picture(call, f"?size={size}&shape=SQUARE&format=PNG").reply.body)
    assert (width, height, rows[0][3], rows[-1][-1]) == (size, size, 255, 255)


@pytest.mark.parametrize("shape", ["ROUND", "SQUARE", "SHAPE_UNSPECIFIED"])
def test_a_jpeg_is_one(call: Caller, shape: str) -> None:
    answer = picture(call, f"?format=JPEG&shape={shape}&size=50")
    body = answer.reply.body
    frame = body.index(b"\xff\xc0")
    assert answer.headers["content-type"] == "image/jpeg"
    assert (body[:2], body[-2:]) == (b"\xff\xd8", b"\xff\xd9")
    assert body[frame + 5 : frame + 9] == b"\0\x32\0\x32"


def test_users_look_different_and_pieces_of_a_picture_can_be_fetched(call: Caller) -> None:
    operation = call("GET", "/cloud/v2/users/8:generateThumbnail").json
    location = urlsplit(operation["response"]["imageUri"])
    address = f"{location.path}?{location.query}"
    other = call("GET", address, key=None).reply.body
    assert other != picture(call).reply.body
    assert call("GET", address, key=None, headers={"range": "bytes=0-7"}).reply.body == other[:8]


@pytest.mark.parametrize("query", ["size=49", "size=x", "size=-48", "size=4٢0", "format=GIF", "shape=STAR"])
def test_other_thumbnails_are_400(call: Caller, query: str) -> None:
    answer = call("GET", f"{USER}:generateThumbnail?{query}")
    assert (answer.status, answer.json["code"]) == (400, "INVALID_ARGUMENT")


def test_the_operation_is_named_by_what_was_asked_for_and_can_be_polled(call: Caller) -> None:
    operation = call("GET", f"{USER}:generateThumbnail?size=48").json
    prefix, _, identifier = operation["path"].rpartition("/")
    asked = json.loads(urlsafe_b64decode(identifier))
    assert (prefix, asked["size"], asked["userId"]) == ("users/7/operations", 48, "7")
    for spelled in (identifier, quote(identifier, safe=""), identifier.rstrip("=")):
        assert call("GET", f"{USER}/operations/{spelled}").json["response"] == operation["response"]
    assert call("GET", f"/cloud/v2/users/8/operations/{identifier}").status == 404


@pytest.mark.parametrize("identifier", ["x", "e30", "W10", "eyJ1c2VySWQiOiI3In0", "%C3%A4"])
def test_an_operation_that_is_none_is_404(call: Caller, identifier: str) -> None:
    assert call("GET", f"{USER}/operations/{identifier}").status == 404


def test_a_thumbnail_can_take_its_time_or_fail(emulator: Emulator, call: Caller, clock: Clock) -> None:
    emulator.scripts.add(OperationScript(kind="thumbnail", processing=10))
    emulator.scripts.add(OperationScript(kind="thumbnail", answer="path", code=13, message="No luck."))
    emulator.scripts.add(OperationScript(kind="thumbnail", refusal="Not today."))
    slow, failing = (call("GET", f"{USER}:generateThumbnail").json for _ in range(2))
    assert call("GET", f"{USER}:generateThumbnail").json["message"] == "Not today."
    assert (slow["done"], list(failing)) == (False, ["path"])
    assert call("GET", f"/cloud/v2/{slow['path']}").json == slow
    clock.advance(10)
    assert call("GET", f"/cloud/v2/{slow['path']}").json["response"]["imageUri"]
    failed = call("GET", f"/cloud/v2/{failing['path']}").json
    assert (failed["done"], failed["error"]["code"], failed["error"]["message"]) == (True, 13, "No luck.")
    emulator.reset()
    assert call("GET", f"/cloud/v2/{slow['path']}").status == 404


# --- inventories


@pytest.fixture
def inventory(emulator: Emulator) -> dict[str, str]:
    """An inventory with one thing of each kind; their paths."""
    add = emulator.users.add_item
    limited = Collectible(item_id="item", instance_id="copy", serial_number=3, instance_state="HOLD")
    return {
        "hat": add(7, "asset", 11, asset_type="HAT"),
        "limited": add(7, "asset", 12, asset_type="FACE", collectible=limited),
        "place": add(7, "asset", 13, asset_type="PURCHASED_PLACE"),
        "badge": add(7, "badge", 21),
        "pass": add(7, "game_pass", 31),
        "server": add(7, "private_server", 41),
    }


def items(call: Caller, text: str = "", key: str = "emulator-key") -> list[Any]:
    answer = call("GET", f"{INVENTORY}?filter={quote(text)}", key=key)
    assert answer.status == 200, answer.json
    return list(answer.json["inventoryItems"])


def test_items_tell_what_they_are(call: Caller, inventory: dict[str, str]) -> None:
    hat, limited, _, badge, passed, server = items(call)
    assert hat == {
        "path": inventory["hat"],
        "addTime": "2027-01-15T08:00:00.000000000Z",
        "assetDetails": {
            "assetId": "11",
            "inventoryItemAssetType": "HAT",
            "instanceId": hat["assetDetails"]["instanceId"],
        },
    }
    assert limited["assetDetails"]["collectibleDetails"] == {
        "itemId": "item",
        "instanceId": "copy",
        "instanceState": "HOLD",
        "serialNumber": 3,
    }
    assert (badge["badgeDetails"], server["privateServerDetails"]) == ({"badgeId": "21"}, {"privateServerId": "41"})
    assert (passed["gamePassDetails"], "addTime" in passed) == ({"gamePassId": "31"}, False)
    names = [urlsafe_b64decode(item["path"].rpartition("/")[2] + "==").decode() for item in (hat, passed)]
    assert names == [f"USER_ASSET_ID={hat['assetDetails']['instanceId']}", "GAME_PASS_ID=31"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", "hat limited place badge pass server"),
        ("badges=true", "badge"),
        ("gamePasses=true", "pass"),
        ("privateServers=true", "server"),
        ("badges=true;gamePasses=true;privateServers=false", "badge pass"),
        ("badges=false", ""),
        ("inventoryItemAssetTypes=*", "hat limited place"),
        ("inventoryItemAssetTypes=HAT", "hat"),
        ("inventoryItemAssetTypes=HAT,PURCHASED_PLACE", "hat place"),
        ("inventoryItemAssetTypes=*;badges=true", "hat limited place badge"),
        ("inventoryItemAssetTypes=*;onlyCollectibles=true", "limited"),
        ("inventoryItemAssetTypes=*;onlyCollectibles=false", "hat limited place"),
        ("onlyCollectibles=true;inventoryItemAssetTypes=HAT", ""),
        ("assetIds=11,12,99", "hat limited"),
        ("badgeIds=21", "badge"),
        ("gamePassIds=31;assetIds=11", "hat pass"),
        ("privateServerIds=41", "server"),
        ("assetIds=21", ""),
    ],
)
def test_filters_pick_items(call: Caller, inventory: dict[str, str], text: str, found: str) -> None:
    assert [item["path"] for item in items(call, text)] == [inventory[name] for name in found.split()]


@pytest.mark.parametrize(
    "text",
    [
        "badges=true;assetIds=11",
        "inventoryItemAssetTypes=HAT;badgeIds=21",
        "onlyCollectibles=true",
        "onlyCollectibles=true;badges=true",
        "badges=yes",
        "badges",
        "badges=true;badges=true",
        "badges=true;",
        "BADGES=true",
        "badges = true",
        "assetIds=",
        "assetIds=11,",
        "assetIds=x",
        "assetIds=*",
        "inventoryItemAssetTypes=Hat",
        "inventoryItemAssetTypes=HAT,*",
        "inventoryItemAssetTypes=",
        "badges==true",
    ],
)
def test_other_filters_are_400(call: Caller, text: str) -> None:
    answer = call("GET", f"{INVENTORY}?filter={quote(text)}")
    assert (answer.status, answer.json["code"]) == (400, "INVALID_ARGUMENT")


def test_a_public_inventory_is_read_by_anybody_but_for_what_is_private(
    emulator: Emulator, call: Caller, inventory: dict[str, str]
) -> None:
    add_key(emulator, "stranger", "users/8", "user.inventory-item:read")
    add_key(emulator, "own", "users/7", "user.inventory-item:read")
    add_key(emulator, "scopeless", "users/7", "asset:read")
    public = [inventory[name] for name in ("hat", "limited", "badge", "pass")]
    for key in ("stranger", "scopeless"):
        assert [item["path"] for item in items(call, key=key)] == public
        assert [item["path"] for item in items(call, "inventoryItemAssetTypes=*", key)] == public[:2]
        for text in ("privateServers=true", "privateServerIds=41", "inventoryItemAssetTypes=PURCHASED_PLACE"):
            answer = call("GET", f"{INVENTORY}?filter={quote(text)}", key=key)
            assert (answer.status, answer.json["code"]) == (403, "PERMISSION_DENIED")
    assert len(items(call, key="own")) == 6


def test_a_private_inventory_is_for_its_user(emulator: Emulator, call: Caller, inventory: dict[str, str]) -> None:
    emulator.users.update(7, inventory_public=False)
    for name, owner, scope, status in (
        ("stranger", "users/8", "user.inventory-item:read", 403),
        ("scopeless", "users/7", "asset:read", 403),
        ("own", "users/7", "user.inventory-item:read", 200),
    ):
        add_key(emulator, name, owner, scope)
        assert call("GET", INVENTORY, key=name).status == status


def test_an_inventory_comes_in_pages(emulator: Emulator, call: Caller, inventory: dict[str, str]) -> None:
    seen, token = list[str](), ""
    while True:
        page = call("GET", f"{INVENTORY}?maxPageSize=3&pageToken={token}").json
        seen += [item["path"] for item in page["inventoryItems"]]
        token = page["nextPageToken"]
        if not token:
            break
        assert call("GET", f"{INVENTORY}?maxPageSize=3&pageToken={token}&filter=badges=true").status == 400
    assert seen == list(inventory.values())


@pytest.mark.parametrize(
    "arguments",
    [
        {"kind": "car", "thing": 1},
        {"kind": "asset", "thing": 1},
        {"kind": "asset", "thing": 1, "asset_type": "Hat"},
        {"kind": "badge", "thing": 1, "asset_type": "HAT"},
        {"kind": "badge", "thing": 0},
        {"kind": "badge", "thing": 1, "collectible": Collectible(item_id="a", instance_id="b")},
    ],
)
def test_a_thing_that_makes_no_sense_is_refused(emulator: Emulator, arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"kind|type|id"):
        emulator.users.add_item(7, **arguments)


# --- notifications


def notification(**more: Any) -> dict[str, Any]:
    return {
        "source": {"universe": "universes/13058"},
        "payload": {"messageId": "5dd7024b", "type": "MOMENT", **more},
    }


def test_a_notification_is_kept_with_all_that_it_says(emulator: Emulator, call: Caller) -> None:
    heard: list[Notification] = []
    emulator.subscribe(heard.append, Notification)
    body = notification(
        parameters={"who_is_it": {"stringValue": "Bob"}, "points": {"int64Value": "-5"}, "more": {"int64Value": 7}},
        joinExperience={"launchData": "é" * 100},
        analyticsData={"category": "beaten"},
    )
    answer = call("POST", NOTIFICATIONS, body)
    number = answer.json["id"]
    assert answer.json == {"path": f"users/7/notifications/{number}", "id": number}
    parameters: dict[str, str | int] = {"who_is_it": "Bob", "points": -5, "more": 7}
    sent = Notification(1, number, START, 7, "13058", "5dd7024b", parameters, "é" * 100, "beaten")
    assert emulator.users.notifications() == heard == [sent]


def test_the_guides_spelling_is_taken_too(emulator: Emulator, call: Caller) -> None:
    payload = {"message_id": "m", "type": "MOMENT", "parameters": {"a_b": {"string_value": "x"}}}
    body = {
        "source": {"universe": "universes/1"},
        "payload": payload,
        "join_experience": {"launch_data": "l"},
        "analytics_data": {"category": "c"},
    }
    assert call("POST", NOTIFICATIONS, body).status == 200
    (sent,) = emulator.users.notifications()
    assert (sent.message_id, sent.parameters, sent.launch_data, sent.category) == ("m", {"a_b": "x"}, "l", "c")


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {},
        {"source": {"universe": "universes/1"}},
        {"payload": notification()["payload"]},
        {**notification(), "source": {"universe": "1"}},
        {**notification(), "source": {"universe": "universes/x"}},
        {**notification(), "source": {}},
        {**notification(), "source": 5},
        notification(type="TYPE_UNSPECIFIED"),
        notification(messageId=""),
        notification(messageId=5),
        notification(parameters=[]),
        notification(parameters={"a": "x"}),
        notification(parameters={"a": {}}),
        notification(parameters={"a": {"stringValue": 5}}),
        notification(parameters={"a": {"stringValue": "x", "int64Value": 5}}),
        notification(parameters={"a": {"int64Value": 5.5}}),
        notification(parameters={"a": {"int64Value": True}}),
        notification(parameters={"a": {"int64Value": 2**63}}),
        notification(parameters={"a": {"boolValue": True}}),
        notification(joinExperience={"launchData": "é" * 101}),
        notification(joinExperience="x"),
        notification(analyticsData={"category": 5}),
    ],
)
def test_a_notification_that_makes_no_sense_is_400(emulator: Emulator, call: Caller, body: Any) -> None:
    answer = call("POST", NOTIFICATIONS, body)
    assert (answer.status, answer.json["code"]) == (400, "INVALID_ARGUMENT")
    assert emulator.users.notifications() == []


def test_one_notification_a_day_of_an_experience_reaches_a_user(emulator: Emulator, call: Caller, clock: Clock) -> None:
    assert call("POST", NOTIFICATIONS, notification()).status == 200
    refused = call("POST", NOTIFICATIONS, notification())
    assert (refused.status, refused.json["code"]) == (429, "RESOURCE_EXHAUSTED")
    assert call("POST", "/cloud/v2/users/8/notifications", notification()).status == 200
    other = {**notification(), "source": {"universe": "universes/2"}}
    assert call("POST", NOTIFICATIONS, other).status == 200
    clock.advance(int(refused.headers["retry-after"]))
    assert call("POST", NOTIFICATIONS, notification()).status == 200
    emulator.limits.enabled = False
    assert call("POST", NOTIFICATIONS, notification()).status == 200
    assert [sent.user for sent in emulator.users.notifications()] == [7, 8, 7, 7, 7]
    assert [sent.id for sent in emulator.users.notifications(user=7, after=1, limit=2)] == [3, 4]


def test_a_notification_needs_its_scope(emulator: Emulator, call: Caller) -> None:
    add_key(emulator, "narrow", "users/1", "user.advanced:read")
    assert call("POST", NOTIFICATIONS, notification(), key="narrow").status == 403


@pytest.fixture
def base_url(emulator: Emulator) -> Iterator[str]:
    with serve(emulator) as url:
        yield url


def test_a_long_poll_ends_with_the_next_notification(emulator: Emulator, base_url: str) -> None:
    subscribed, answers = threading.Event(), list[Any]()
    subscribe = emulator.subscribe

    def noticed(*arguments: Any) -> Any:
        leave = subscribe(*arguments)
        subscribed.set()
        return leave

    emulator.subscribe = noticed  # type: ignore[assignment, method-assign]

    def poll() -> None:
        answers.append(httpx.get(f"{base_url}/_emulator/notifications?user=7&wait=30", timeout=30).json())

    thread = threading.Thread(target=poll)
    thread.start()
    assert subscribed.wait(10)
    headers = {"x-api-key": "emulator-key"}
    for user in (8, 7):
        path = f"{base_url}/cloud/v2/users/{user}/notifications"
        assert httpx.post(path, json=notification(), headers=headers).status_code == 200
    thread.join(10)
    (sent,) = answers[0]["notifications"]
    assert (sent["user"], sent["messageId"], sent["universe"]) == (7, "5dd7024b", "13058")
