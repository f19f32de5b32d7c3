"""Creating and updating assets: what is refused at once, what is under way, and what it comes to."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rblxcloud.emulator.api_keys import ApiKey, ScopeGrant
from rblxcloud.emulator.clock import Clock
from rblxcloud.emulator.core import Emulator
from rblxcloud.emulator.scripts import OperationScript
from tests.emulator.forms import ASSETS, BOUNDARY, FILES, RBXM, Assets, bmp, form, jpeg, png, request, tga
from tests.support.emulator import START, Answer, Caller

EVERY_FILE = [(kind, content_type) for kind, files in FILES.items() for content_type in files]
MODEL = (request("Model"), RBXM, "model/x-rbxm")


@pytest.fixture
def assets(call: Caller) -> Assets:
    return Assets(call)


def refusal(answer: Answer) -> tuple[int, object, str]:
    return answer.status, answer.json["code"], answer.json["message"]


# --- what becomes of an upload


def test_an_upload_is_an_operation_and_then_an_asset(assets: Assets) -> None:
    started = assets.create(request("Decal", 13058))
    assert started.json == {
        "path": f"operations/{started.json['operationId']}",
        "operationId": started.json["operationId"],
        "done": False,
    }
    asset = {
        "path": "assets/90000000001",
        "revisionId": "1",
        "revisionCreateTime": "2027-01-15T08:00:00.000000000Z",
        "assetId": "90000000001",
        "displayName": "A name",
        "description": "A text",
        "assetType": "Decal",
        "creationContext": {"creator": {"userId": "13058"}},
        "moderationResult": {"moderationState": "Approved"},
        "state": "Active",
        "previews": [],
    }
    assert assets.poll(started) == {**started.json, "done": True, "response": asset}
    assert assets.get("90000000001").json == asset


@pytest.mark.parametrize(("kind", "content_type"), EVERY_FILE)
def test_every_documented_file_makes_an_asset(assets: Assets, kind: str, content_type: str) -> None:
    started = assets.create(request(kind), FILES[kind][content_type], content_type)
    assert assets.poll(started)["response"]["assetType"] == kind


def test_a_group_owns_what_is_uploaded_for_it(assets: Assets) -> None:
    started = assets.create(request(creationContext={"creator": {"groupId": 7}}))
    assert assets.poll(started)["response"]["creationContext"] == {"creator": {"groupId": "7"}}


def test_processing_takes_as_long_as_it_is_told(emulator: Emulator, assets: Assets, clock: Clock) -> None:
    emulator.scripts.add(OperationScript(processing=30, moderation="Reviewing"))
    started = assets.create()
    clock.advance(29.9)
    assert assets.poll(started) == started.json
    assert assets.get("90000000001").status == 404
    clock.advance(0.1)
    asset = assets.poll(started)["response"]
    assert (asset["revisionCreateTime"], asset["moderationResult"]) == (
        "2027-01-15T08:00:30.000000000Z",
        {"moderationState": "Reviewing"},
    )
    emulator.assets.moderate(90000000001, "Rejected")
    assert assets.get("90000000001").json["moderationResult"] == {"moderationState": "Rejected"}


def test_assets_are_numbered_in_the_order_in_which_they_are_done(
    emulator: Emulator, assets: Assets, clock: Clock
) -> None:
    emulator.scripts.add(OperationScript(processing=20))
    slow, fast = assets.create(), assets.create()
    clock.advance(20)
    ids = [assets.poll(started)["response"]["assetId"] for started in (slow, fast)]
    assert ids == ["90000000002", "90000000001"]


def test_the_answer_can_be_the_end_or_the_path_alone(emulator: Emulator, assets: Assets) -> None:
    emulator.scripts.add(OperationScript(answer="done", processing=99))
    emulator.scripts.add(OperationScript(answer="path"))
    done, bare, plain = (assets.create() for _ in range(3))
    assert (done.json["done"], done.json["response"]["assetId"]) == (True, "90000000001")
    assert list(bare.json) == ["path"]
    assert assets.poll(bare)["response"]["assetId"] == "90000000002"
    assert plain.json["done"] is False


@pytest.mark.parametrize("field", ["error", "status"])
def test_an_operation_can_end_with_an_error(emulator: Emulator, assets: Assets, field: Any) -> None:
    emulator.scripts.add(OperationScript(code=3, message="Asset is moderated.", error_field=field, processing=1))
    started = assets.create()
    emulator.clock.advance(1)
    ended = assets.poll(started)
    assert (ended["done"], ended[field]) == (True, {"code": 3, "message": "Asset is moderated."})
    assert "response" not in ended
    assert assets.get("90000000001").status == 404


def test_a_script_can_refuse_the_request_and_is_used_up_by_it(emulator: Emulator, assets: Assets) -> None:
    emulator.scripts.add(OperationScript(refusal="AssetName is moderated."))
    assert refusal(assets.create()) == (400, 3, "AssetName is moderated.")
    assert assets.create().status == 200


def test_scripts_are_used_in_order_and_as_often_as_they_say(emulator: Emulator, assets: Assets) -> None:
    emulator.scripts.add(OperationScript(refusal="first", times=2))
    emulator.scripts.add(OperationScript(refusal="for ever", times=None))
    assert [assets.create().json["message"] for _ in range(4)] == ["first", "first", "for ever", "for ever"]
    assert [script.refusal for script in emulator.scripts.waiting()] == ["for ever"]
    emulator.reset()
    assert assets.create().status == 200


def test_a_bad_request_uses_no_script_up(emulator: Emulator, assets: Assets) -> None:
    emulator.scripts.add(OperationScript(answer="done"))
    assert assets.create(request("Plugin")).status == 400
    assert assets.create().json["done"] is True


@pytest.mark.parametrize(("expected", "status"), [(None, 200), (10, 200), ("10", 200), (9, 400), (0, 400)])
def test_a_fee_above_the_expected_price_is_refused(
    emulator: Emulator, assets: Assets, expected: object, status: int
) -> None:
    emulator.scripts.add(OperationScript(price=10))
    context = {"creator": {"userId": "1"}, "expectedPrice": expected}
    assert assets.create(request(creationContext=context)).status == status


def test_operations_survive_a_restart(tmp_path: Any) -> None:
    clock = Clock(start=START, frozen=True)
    with Emulator(database=tmp_path / "state.db", clock=clock) as emulator:
        emulator.scripts.add(OperationScript(processing=60))
        started = Assets(Caller(emulator)).create()
    clock.advance(60)
    with Emulator(database=tmp_path / "state.db", clock=clock) as emulator:
        assert Assets(Caller(emulator)).poll(started)["response"]["displayName"] == "A name"


def test_an_unknown_operation_is_404(call: Caller) -> None:
    answer = call("GET", "/assets/v1/operations/5c2c2d5e-0000-0000-0000-000000000000")
    assert (answer.status, answer.json["code"]) == (404, "NOT_FOUND")


# --- what is refused at once


@pytest.mark.parametrize(
    "change",
    [
        {"assetType": "Plugin"},
        {"assetType": None},
        {"assetType": ["Image"]},
        {"displayName": None},
        {"displayName": " "},
        {"displayName": 5},
        {"description": None},
        {"description": "x" * 1001},
        {"creationContext": None},
        {"creationContext": {"creator": {}}},
        {"creationContext": {"creator": {"userId": "1", "groupId": "1"}}},
        {"creationContext": {"creator": {"userId": "x"}}},
        {"creationContext": {"creator": {"userId": -1}}},
        {"creationContext": {"creator": {"userId": True}}},
        {"creationContext": {"creator": {"userId": "1"}, "expectedPrice": -1}},
        {"creationContext": {"creator": {"userId": "1"}, "expectedPrice": "many"}},
        {"creationContext": {"creator": {"userId": "1"}, "assetPrivacy": "secret"}},
        {"twitterSocialLink": {"uri": "https://x.com/roblox"}},
    ],
)
def test_a_request_that_does_not_do_is_400(emulator: Emulator, assets: Assets, change: dict[str, Any]) -> None:
    answer = assets.create(request(**change))
    assert (answer.status, answer.json["code"]) == (400, 3)
    assert not emulator.requests()[0].acted


@pytest.mark.parametrize(("kind", "content_type"), [each for each in EVERY_FILE if each[1] != "audio/mpeg"])
def test_a_file_that_is_not_of_its_content_type_is_400(assets: Assets, kind: str, content_type: str) -> None:
    status, code, message = refusal(assets.create(request(kind), b"\xff\xe0 no such file", content_type))
    assert (status, code) == (400, 3)
    # The quotes are part of the text (assets.md section 1).
    assert (message == '"InvalidImage"') == content_type.startswith("image/")


@pytest.mark.parametrize(
    ("content", "content_type", "filename"),
    [
        (b"", "image/png", "a.png"),
        (png(), "image/gif", "a.png"),
        (png(), "audio/ogg", "a.png"),
        (png(), "image/jpeg", "a.jpeg"),
        (png(), "", "a.png"),
        (png(), "image/png", None),
        (png(), "image/png", ""),
        (png() + b"\0" * 20 * 2**20, "image/png", "a.png"),
        (png(8000, 1), "image/png", "a.png"),
        (jpeg(1, 8000), "image/jpeg", "a.jpeg"),
        (bmp(1, -8000), "image/bmp", "a.bmp"),
        (tga(8000, 1), "image/tga", "a.tga"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_a_file_that_does_not_do_is_400(
    assets: Assets, content: bytes, content_type: str, filename: str | None
) -> None:
    assert refusal(assets.create(None, content, content_type, filename=filename))[:2] == (400, 3)


def test_the_largest_file_and_picture_are_taken(assets: Assets) -> None:
    assert assets.create(None, png().ljust(20 * 2**20, b"\0")).status == 200
    assert assets.create(None, png(7999, 1)).status == 200


GOOD = form(("request", json.dumps(request()).encode(), None, None), ("fileContent", png(), "a.png", "image/png"))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no form",
        GOOD.removesuffix(b"--\r\n"),
        GOOD[:-60],
        GOOD.replace(b'name="request"', b'title="request"'),
        GOOD.replace(b'name="request"', b'name="fileContent"'),
        GOOD.replace(b"form-data", b"attachment"),
        GOOD.replace(f"--{BOUNDARY}\r\n".encode(), f"--{BOUNDARY}x\r\n".encode()),
        form(("request", json.dumps(request()).encode(), None, None)),
        form(("fileContent", png(), "a.png", "image/png")),
        form(("request", b"{", None, None), ("fileContent", png(), "a.png", "image/png")),
        form(("request", b"[]", None, None), ("fileContent", png(), "a.png", "image/png")),
        form(("request", b"\xff", None, None), ("fileContent", png(), "a.png", "image/png")),
    ],
    ids=range(13),
)
def test_a_form_that_is_broken_is_400(assets: Assets, body: bytes) -> None:
    assert refusal(assets.send("POST", ASSETS, body))[:2] == (400, 3)


@pytest.mark.parametrize("kind", ["application/json", "multipart/form-data", "multipart/mixed; boundary=x", ""])
def test_another_kind_of_body_is_400(call: Caller, kind: str) -> None:
    assert call("POST", ASSETS, GOOD, headers={"content-type": kind}).status == 400


def test_parts_may_come_in_any_order_with_types_a_preamble_and_a_quoted_boundary(call: Caller) -> None:
    body = b"preamble\r\n" + form(
        ("fileContent", png(), "ünï.png", "image/png"),
        ("request", json.dumps(request()).encode(), None, "application/json"),
    )
    headers = {"content-type": f'multipart/form-data; boundary="{BOUNDARY}"; charset=utf-8'}
    assert call("POST", ASSETS, body, headers=headers).status == 200


def test_content_may_hold_what_looks_like_a_boundary(assets: Assets, call: Caller) -> None:
    content = RBXM + f"--{BOUNDARY}\r\n\r\n--{BOUNDARY[:-1]}\r\n".encode()
    asset = assets.made(request("Model"), content, "model/x-rbxm")
    where = call("GET", f"/asset-delivery-api/v1/assetId/{asset}").json["location"].removeprefix("http://localhost")
    assert call("GET", where, key=None).reply.body == content


# --- who may


@pytest.mark.parametrize(("scopes", "status"), [(["asset:read"], 403), (["asset:read", "asset:write"], 200)])
def test_creating_needs_both_scopes(emulator: Emulator, assets: Assets, scopes: Any, status: int) -> None:
    emulator.add_key("narrow", ApiKey(owner="users/1", scopes=scopes))
    assert assets.create(key="narrow").status == status


def test_a_key_acts_for_its_owner_and_for_the_groups_where_that_is_allowed(emulator: Emulator, assets: Assets) -> None:
    for user in (1, 3, 4):  # the owner, a builder and a plain member of group 1
        emulator.add_key(f"key-{user}", ApiKey(owner=f"users/{user}", scopes=("asset:read", "asset:write")))
    group = request(creationContext={"creator": {"groupId": "1"}})
    assert [assets.create(group, key=f"key-{user}").status for user in (1, 3, 4)] == [200, 200, 403]
    assert [assets.create(request(user="3"), key=f"key-{user}").status for user in (1, 3, 4)] == [403, 200, 403]


def test_a_key_is_held_to_its_creators(emulator: Emulator, assets: Assets) -> None:
    grants = tuple(
        ScopeGrant(name="asset", operations=(operation,), user_ids=("1",), group_ids=("7",))
        for operation in ("read", "write")
    )
    emulator.add_key("held", ApiKey(owner="users/1", scopes=grants))
    assert assets.create(key="held").status == 200
    for group, status in (("7", 200), ("8", 403)):
        answer = assets.create(request(creationContext={"creator": {"groupId": group}}), key="held")
        assert answer.status == status


def test_others_neither_poll_nor_read_nor_change(emulator: Emulator, assets: Assets, call: Caller) -> None:
    emulator.add_key("other", ApiKey(owner="users/2", scopes=("asset:read", "asset:write")))
    started = assets.create()
    asset = assets.poll(started)["response"]["assetId"]
    answers = [
        call("GET", f"/assets/v1/{started.json['path']}", key="other"),
        assets.get(asset, key="other"),
        assets.update(asset, {"displayName": "Mine"}, key="other"),
        call("GET", f"{ASSETS}/{asset}/versions", key="other"),
        call("POST", f"{ASSETS}/{asset}:archive", key="other"),
    ]
    assert [(answer.status, answer.json["code"]) for answer in answers] == [(403, "PERMISSION_DENIED")] * 5


# --- reading and updating


def test_a_read_mask_picks_the_optional_metadata(assets: Assets) -> None:
    asset = assets.made()
    fixed = assets.get(asset).json.keys() - {"displayName", "description", "previews"}
    assert assets.get(asset, "description,%20icon").json.keys() == fixed | {"description"}
    assert assets.get(asset, "nonsense").status == 400
    assert [assets.get(each).status for each in ("5", "x", "0", str(2**63))] == [404, 400, 400, 400]


def test_metadata_is_updated_by_mask_and_answered_at_once(assets: Assets) -> None:
    asset, icon = assets.made(), assets.made(None, png(9, 9))
    preview = {"asset": f"assets/{icon}", "altText": "A picture"}
    fields = {"assetId": int(asset), "displayName": "New", "icon": f"assets/{icon}", "previews": [preview]}
    answer = assets.update(asset, {**fields, "description": "ignored"}, mask="displayName,icon,previews")
    assert answer.json["path"] == f"assets/{asset}"
    shown = assets.get(asset, "displayName,description,icon,previews").json
    assert (shown["displayName"], shown["description"], shown["icon"]) == ("New", "A text", f"assets/{icon}")
    assert (shown["previews"], shown["revisionId"]) == ([preview], "1")
    assets.update(asset, {"assetId": asset}, mask="icon,previews")
    shown = assets.get(asset, "icon,previews").json
    assert ("icon" in shown, shown["previews"]) == (False, [])


def test_without_a_mask_what_the_request_holds_is_updated(assets: Assets) -> None:
    asset = assets.made()
    answer = assets.update(asset, {"assetId": asset, "assetType": "Image", "description": "New"})
    assert (answer.json["displayName"], answer.json["description"]) == ("A name", "New")


LINKS = {
    "facebookSocialLink": "https://www.facebook.com/roblox",
    "twitterSocialLink": "https://x.com/roblox",
    "youtubeSocialLink": "https://www.youtube.com/@roblox",
    "twitchSocialLink": "https://twitch.tv/roblox",
    "discordSocialLink": "https://discord.gg/roblox",
    "guildedSocialLink": "https://guilded.gg/roblox",
    "githubSocialLink": "https://github.com/roblox",
    "robloxSocialLink": "https://www.roblox.com/groups/1",
    "devForumSocialLink": "https://devforum.roblox.com/u/1",
    "tryAssetSocialLink": "1818",
}


@pytest.mark.parametrize("network", LINKS)
def test_every_network_has_a_link(assets: Assets, network: str) -> None:
    asset = assets.made()
    link = {"title": "Here", "uri": LINKS[network]}
    assert assets.update(asset, {network: link}, mask=network).json[network] == link
    assert network not in assets.get(asset).json
    assert assets.get(asset, network).json[network] == link


def test_a_fourth_link_is_400(assets: Assets) -> None:
    asset, networks = assets.made(), list(LINKS)[:4]
    fields = {network: {"uri": LINKS[network]} for network in networks}
    assert assets.update(asset, fields, mask=",".join(networks[:3])).status == 200
    assert assets.update(asset, fields, mask=networks[3]).status == 400


@pytest.mark.parametrize(
    ("mask", "fields"),
    [
        ("assetType", {"assetType": "Image"}),
        ("nonsense", {}),
        ("displayName", {"displayName": ""}),
        ("displayName", {"displayName": "x", "assetId": "5"}),
        ("displayName", {"displayName": "x", "assetType": "Model"}),
        ("icon", {"icon": "assets/5"}),
        ("icon", {"icon": 5}),
        ("previews", {"previews": {}}),
        ("previews", {"previews": ["assets/90000000001"]}),
        ("previews", {"previews": [{"asset": "assets/90000000001", "altText": 5}]}),
        ("githubSocialLink", {"githubSocialLink": "https://github.com/roblox"}),
        ("githubSocialLink", {"githubSocialLink": {"title": "no address"}}),
        ("githubSocialLink", {"githubSocialLink": {"uri": "http://github.com/roblox"}}),
        ("githubSocialLink", {"githubSocialLink": {"uri": "https://github.com.evil.example/"}}),
        ("tryAssetSocialLink", {"tryAssetSocialLink": {"uri": "https://roblox.com/games/1818"}}),
    ],
)
def test_what_cannot_be_updated_is_400_and_changes_nothing(assets: Assets, mask: str, fields: Any) -> None:
    asset = assets.made()
    before = assets.get(asset).json
    answer = assets.update(asset, {"description": "New", **fields}, mask=f"description,{mask}")
    assert (answer.status, answer.json["code"]) == (400, 3)
    assert assets.get(asset).json == before


def test_an_icon_is_a_square_image(assets: Assets) -> None:
    asset = assets.made()
    for content, kind, status in ((png(4, 5), "Image", 400), (png(), "Decal", 400), (png(), "Image", 200)):
        icon = assets.made(request(kind), content)
        assert assets.update(asset, {"icon": f"assets/{icon}"}, mask="icon").status == status


def test_new_content_of_a_model_is_an_operation_and_a_revision(
    emulator: Emulator, assets: Assets, clock: Clock
) -> None:
    asset = assets.made(*MODEL)
    emulator.scripts.add(OperationScript(processing=5))
    clock.advance(60)
    started = assets.update(asset, {"assetId": asset, "displayName": "New"}, FILES["Model"]["model/fbx"], "model/fbx")
    assert (started.json["done"], started.json["path"][:11]) == (False, "operations/")
    shown = assets.get(asset).json
    assert (shown["displayName"], shown["revisionId"]) == ("New", "1")
    clock.advance(5)  # whoever looks sees the new revision, polled or not
    shown = assets.get(asset).json
    assert (shown["revisionId"], shown["revisionCreateTime"]) == ("2", "2027-01-15T08:01:05.000000000Z")
    assert assets.poll(started)["response"] == shown


@pytest.mark.parametrize("kind", [kind for kind in FILES if kind != "Model"])
def test_content_of_other_types_cannot_be_updated(assets: Assets, kind: str) -> None:
    content_type, content = next(iter(FILES[kind].items()))
    asset = assets.made(request(kind), content, content_type)
    answer = assets.update(asset, {"displayName": "New"}, content, content_type)
    assert (answer.status, assets.get(asset).json["displayName"]) == (400, "A name")
