"""Versions, rollback, archive; permissions; and the files behind temporary addresses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from rblxcloud.emulator.api_keys import ApiKey
from rblxcloud.emulator.clock import Clock
from rblxcloud.emulator.core import Emulator
from rblxcloud.emulator.faults import Fault
from rblxcloud.emulator.server import serve
from tests.emulator.forms import ASSETS, FILES, RBXM, Assets, form, png, request
from tests.support.emulator import Answer, Caller

DELIVERY = "/asset-delivery-api/v1/assetId"
PERMISSIONS = "/asset-permissions-api/v1/assets/permissions"


@pytest.fixture
def assets(call: Caller) -> Assets:
    return Assets(call)


@pytest.fixture
def model(assets: Assets) -> str:
    """A model of two versions."""
    asset = assets.made(request("Model"), RBXM, "model/x-rbxm")
    assets.poll(assets.update(asset, {"assetId": asset}, RBXM + b"2"))
    return asset


def version(asset: str, number: int) -> dict[str, Any]:
    return {
        "path": f"assets/{asset}/versions/{number}",
        "creationContext": {"creator": {"userId": "1"}},
        "moderationResult": {"moderationState": "Approved"},
    }


# --- versions


def test_versions_are_listed_the_newest_first(call: Caller, model: str) -> None:
    assert call("GET", f"{ASSETS}/{model}/versions").json == {"assetVersions": [version(model, 2), version(model, 1)]}
    assert call("GET", f"{ASSETS}/{model}/versions/1").json == version(model, 1)


@pytest.mark.parametrize("number", ["3", "0", "x", "-1", str(2**63)])
def test_an_unknown_version_is_404(call: Caller, model: str, number: str) -> None:
    assert call("GET", f"{ASSETS}/{model}/versions/{number}").status == 404
    assert call("GET", f"{ASSETS}/5/versions/{number}").status == 404


def test_versions_come_in_pages(emulator: Emulator, call: Caller, model: str) -> None:
    for _ in range(8):
        call("POST", f"{ASSETS}/{model}/versions:rollback", {"assetVersion": f"assets/{model}/versions/1"})
    path, seen = f"{ASSETS}/{model}/versions", list[str]()
    first = call("GET", path).json
    assert len(first["assetVersions"]) == 8
    page = call("GET", f"{path}?maxPageSize=4").json
    while True:
        seen += [row["path"].rpartition("/")[2] for row in page["assetVersions"]]
        if "nextPageToken" not in page:
            break
        page = call("GET", f"{path}?maxPageSize=4&pageToken={page['nextPageToken']}").json
    assert seen == [str(number) for number in range(10, 0, -1)]
    assert call("GET", f"{path}?maxPageSize=51").status == 200
    for bad in ("maxPageSize=-1", "maxPageSize=x", "pageToken=x", f"pageToken={first['nextPageToken']}&maxPageSize=3"):
        assert call("GET", f"{path}?{bad}").status == 400


@pytest.mark.parametrize("as_form", [False, True])
def test_a_rollback_makes_a_version_with_the_old_content(
    assets: Assets, call: Caller, model: str, as_form: bool
) -> None:
    path, wanted = f"{ASSETS}/{model}/versions:rollback", f"assets/{model}/versions/1"
    if as_form:
        answer = assets.send("POST", path, form(("assetVersion", wanted.encode(), None, None)))
    else:
        answer = call("POST", path, {"assetVersion": wanted})
    assert answer.json == version(model, 3)
    assert assets.get(model).json["revisionId"] == "3"
    assert fetched(call, f"{DELIVERY}/{model}").reply.body == RBXM
    assert fetched(call, f"{DELIVERY}/{model}/version/2").reply.body == RBXM + b"2"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("assets/{0}/versions/9", 404),
        ("assets/5/versions/1", 400),
        ("assets/{0}", 400),
        ("versions/1", 400),
        ("", 400),
        (1, 400),
        (None, 400),
    ],
)
def test_a_rollback_to_nothing_is_refused(call: Caller, model: str, path: Any, status: int) -> None:
    wanted = path.format(model) if isinstance(path, str) else path
    assert call("POST", f"{ASSETS}/{model}/versions:rollback", {"assetVersion": wanted}).status == status
    assert call("GET", f"{ASSETS}/{model}").json["revisionId"] == "2"


def test_archiving_and_restoring_set_the_state_and_can_be_repeated(call: Caller, model: str) -> None:
    for verb, state in (("archive", "Archived"), ("archive", "Archived"), ("restore", "Active"), ("restore", "Active")):
        answer = call("POST", f"{ASSETS}/{model}:{verb}", {})
        assert (answer.status, answer.json["state"]) == (200, state)
        assert call("GET", f"{ASSETS}/{model}").json == answer.json
        assert call("GET", f"{DELIVERY}/{model}").json["isArchived"] == (state == "Archived")
    assert call("POST", f"{ASSETS}/5:archive").status == 404


def test_a_place_is_published_and_its_content_is_not_updated_here(emulator: Emulator, assets: Assets) -> None:
    place = emulator.assets.add(RBXM, "model/x-rbxm", asset_type="Place")
    assert assets.call("GET", f"{ASSETS}/{place}/versions/1").json == {**version(str(place), 1), "published": True}
    assert assets.update(place, {"displayName": "New"}, RBXM).status == 400


# --- delivery


def fetched(call: Caller, path: str, **headers: str) -> Answer:
    """Ask where a file is, and fetch it without a credential."""
    location = urlsplit(call("GET", path).json["location"])
    assert location.netloc == "localhost"
    return call("GET", f"{location.path}?{location.query}", key=None, headers=headers)


def test_delivery_tells_where_the_file_is(call: Caller, model: str) -> None:
    answer = call("GET", f"{DELIVERY}/{model}", headers={"host": "127.0.0.1:8360"}).json
    assert answer.pop("location").startswith("http://127.0.0.1:8360/_cdn/")
    size = {"metadataType": 1, "value": str(len(RBXM) + 1)}
    assert answer == {"isRecordable": True, "isArchived": False, "assetMetadatas": [size]}


@pytest.mark.parametrize("path", ["5", "5/version/1", "{0}/version/9"])
def test_a_missing_asset_is_told_with_the_status_200(call: Caller, model: str, path: str) -> None:
    answer = call("GET", f"{DELIVERY}/{path.format(model)}")
    assert (answer.status, answer.json["errors"][0]["code"]) == (200, 404)


@pytest.mark.parametrize("path", ["x", "0", "{0}/version/x"])
def test_an_id_that_is_none_is_400(call: Caller, model: str, path: str) -> None:
    assert call("GET", f"{DELIVERY}/{path.format(model)}").status == 400


def test_who_may_not_download_is_told_409(emulator: Emulator, assets: Assets, call: Caller) -> None:
    emulator.add_key("other", ApiKey(owner="users/2", scopes=("legacy-asset:manage",)))
    closed = assets.made()
    context = {"creator": {"userId": "1"}, "assetPrivacy": "openUse"}
    open_ = assets.made(request(creationContext=context))
    refused = call("GET", f"{DELIVERY}/{closed}", key="other")
    assert (refused.status, refused.json["errors"][0]["code"]) == (200, 409)
    assert "location" in call("GET", f"{DELIVERY}/{open_}", key="other").json
    grant = {"subjectType": "User", "subjectId": "2", "action": "Use", "requests": [{"assetId": int(closed)}]}
    call("PATCH", PERMISSIONS, grant)
    assert "location" in call("GET", f"{DELIVERY}/{closed}", key="other").json


@pytest.mark.parametrize(
    ("header", "status", "span", "content_range"),
    [
        ("bytes=0-3", 206, (0, 4), "bytes 0-3/25"),
        ("bytes=20-", 206, (20, 25), "bytes 20-24/25"),
        ("bytes=20-99", 206, (20, 25), "bytes 20-24/25"),
        ("bytes=-4", 206, (21, 25), "bytes 21-24/25"),
        ("bytes=-99", 206, (0, 25), "bytes 0-24/25"),
        ("bytes=25-", 416, (0, 0), "bytes */25"),
        ("bytes=5-4", 416, (0, 0), "bytes */25"),
        ("bytes=-0", 416, (0, 0), "bytes */25"),
        ("bytes=-", 200, (0, 25), None),
        ("bytes=0-1,3-4", 200, (0, 25), None),
        ("lines=1-2", 200, (0, 25), None),
    ],
)
def test_a_file_is_served_in_pieces(
    emulator: Emulator, call: Caller, header: str, status: int, span: tuple[int, int], content_range: str | None
) -> None:
    content = b"OggS" + bytes(range(21))
    asset = emulator.assets.add(content, "audio/ogg", asset_type="Audio")
    answer = fetched(call, f"{DELIVERY}/{asset}", range=header)
    assert (answer.status, answer.reply.body) == (status, content[slice(*span)])
    assert answer.headers.get("content-range") == content_range


def test_tags_decide_whether_a_piece_or_the_whole_is_sent(assets: Assets, call: Caller, model: str) -> None:
    path = f"{DELIVERY}/{model}"
    whole = fetched(call, path)
    tag = whole.headers["etag"]
    assert (whole.headers["content-type"], whole.headers["accept-ranges"]) == ("model/x-rbxm", "bytes")
    assert fetched(call, path, range="bytes=4-", **{"if-range": tag}).reply.body == whole.reply.body[4:]
    assert fetched(call, path, range="bytes=4-", **{"if-range": '"other"'}).reply == whole.reply
    assert fetched(call, path, **{"if-none-match": tag}).status == 304
    assert fetched(call, path, **{"if-none-match": '"other"'}).status == 200


def test_a_file_can_change_between_two_requests(emulator: Emulator, call: Caller, model: str) -> None:
    path = f"{DELIVERY}/{model}"
    emulator.assets.change_file(int(model), b"new file", after=1)
    old = fetched(call, path)
    resumed = fetched(call, path, range="bytes=3-", **{"if-range": old.headers["etag"]})
    assert (old.reply.body, resumed.status, resumed.reply.body) == (RBXM + b"2", 200, b"new file")
    assert fetched(call, path, range="bytes=3-", **{"if-range": resumed.headers["etag"]}).reply.body == b" file"
    assert fetched(call, f"{DELIVERY}/{model}/version/1").reply.body == RBXM


def test_an_address_works_for_an_hour_and_for_its_file_only(call: Caller, model: str, clock: Clock) -> None:
    location = urlsplit(call("GET", f"{DELIVERY}/{model}").json["location"])
    query = parse_qs(location.query)
    later = location.query.replace(query["expires"][0], str(int(query["expires"][0]) + 1))
    path = location.path
    for address in (f"{path[:-1]}1?{location.query}", f"{path}?{later}", path, f"{path}?expires=x&signature="):
        assert call("GET", address, key=None).status == 403
    clock.advance(3600)
    assert call("GET", f"{path}?{location.query}", key=None).status == 200
    clock.advance(1)
    assert call("GET", f"{path}?{location.query}", key=None).status == 403


def test_files_of_a_state_that_is_gone_are_404(emulator: Emulator, call: Caller, model: str) -> None:
    location = urlsplit(call("GET", f"{DELIVERY}/{model}").json["location"])
    emulator.reset()
    assert call("GET", f"{location.path}?{location.query}", key=None).status == 404


# --- over a socket


@pytest.fixture
def client(emulator: Emulator) -> Iterator[httpx.Client]:
    with (
        serve(emulator) as base_url,
        httpx.Client(base_url=base_url, headers={"x-api-key": "emulator-key"}) as made,
    ):
        yield made


def test_a_download_that_is_cut_can_be_resumed(emulator: Emulator, client: httpx.Client) -> None:
    asset = emulator.assets.add(png(64, 64), "image/png")
    location = client.get(f"{DELIVERY}/{asset}").json()["location"]
    emulator.faults.add(Fault(kind="cut", endpoint="assets.file", cut_after=50))
    received = b""
    with pytest.raises(httpx.RemoteProtocolError), httpx.stream("GET", location) as response:
        tag = response.headers["etag"]
        for chunk in response.iter_bytes():
            received += chunk
    assert len(received) == 50
    rest = httpx.get(location, headers={"range": "bytes=50-", "if-range": tag})
    assert (rest.status_code, received + rest.content) == (206, png(64, 64))
    assert [entry.endpoint for entry in emulator.requests()][-2:] == ["assets.file"] * 2


def test_httpx_uploads_a_form(client: httpx.Client) -> None:
    import json

    files = {"fileContent": ("bild.png", png(), "image/png")}
    answer = client.post(ASSETS, data={"request": json.dumps(request())}, files=files)
    assert client.get(f"/assets/v1/{answer.json()['path']}").json()["done"] is True


def test_a_chunked_upload_is_400(emulator: Emulator, client: httpx.Client) -> None:
    answer = client.post(ASSETS, content=iter([b"a", b"b"]), headers={"content-type": "multipart/form-data"})
    assert answer.status_code == 400
    assert "Content-Length" in answer.json()["message"]


# --- permissions


GRANTABLE = [
    *((kind, subject, "Use") for kind in ("Animation", "Audio", "Video") for subject in ("Group", "User", "Universe")),
    *(
        (kind, subject, "Use")
        for kind in ("Decal", "Image", "Mesh")
        for subject in ("Group", "User", "Universe", "All")
    ),
    ("Model", "User", "Edit"),
    ("Model", "Group", "Use"),
    ("MeshPart", "Universe", "Use"),
    ("Place", "All", "Download"),
    ("Place", "Universe", "CopyFromRcc"),
    ("Place", "Universe", "UpdateFromRcc"),
]


def grant(*assets: Any, subject: str = "User", action: str = "Use", **more: Any) -> dict[str, Any]:
    requests = [{"assetId": asset} for asset in assets]
    number = "" if subject == "All" else "5"
    return {"subjectType": subject, "subjectId": number, "action": action, "requests": requests, **more}


@pytest.mark.parametrize(("kind", "subject", "action"), GRANTABLE)
def test_what_is_documented_can_be_granted(
    emulator: Emulator, call: Caller, kind: str, subject: str, action: str
) -> None:
    content_type, content = next(iter(FILES.get(kind, {"model/x-rbxm": RBXM}).items()))
    asset = emulator.assets.add(content, content_type, asset_type=kind)
    answer = call("PATCH", PERMISSIONS, grant(asset, subject=subject, action=action))
    assert answer.json == {"successAssetIds": [asset], "errors": []}
    assert emulator.assets.permissions(asset) == [(subject, "" if subject == "All" else "5", action)]


def test_what_can_be_granted_is_and_the_rest_is_told(emulator: Emulator, call: Caller) -> None:
    mine = emulator.assets.add(png(), "image/png")
    foreign = emulator.assets.add(png(), "image/png", creator="users/2")
    emulator.add_key("own", ApiKey(owner="users/1", scopes=("asset-permissions:write",)))
    answer = call("PATCH", PERMISSIONS, grant(mine, foreign, 5), key="own").json
    assert answer == {
        "successAssetIds": [mine],
        "errors": [
            {"assetId": foreign, "code": "CannotManageAsset"},
            {"assetId": 5, "code": "AssetNotFound"},
        ],
    }
    refused = call("PATCH", PERMISSIONS, grant(mine, action="Edit"), key="own").json
    assert refused["errors"] == [{"assetId": mine, "code": "AssetTypeNotEnabled"}]


def test_the_deprecated_list_counts_where_there_is_no_other(emulator: Emulator, call: Caller) -> None:
    first, second = (emulator.assets.add(png(), "image/png") for _ in range(2))
    body = {"subjectType": "All", "action": "Use", "assetIds": [first]}
    assert call("PATCH", PERMISSIONS, body).json["successAssetIds"] == [first]
    both = {**body, "requests": [{"assetId": second, "grantToDependencies": True, "parentVersionNumber": 1}]}
    assert call("PATCH", PERMISSIONS, both).json["successAssetIds"] == [second]


@pytest.mark.parametrize(
    "change",
    [
        {"subjectType": "Invalid"},
        {"subjectType": None},
        {"action": "Invalid"},
        {"subjectId": ""},
        {"subjectId": 5},
        {"subjectType": "All", "subjectId": "5"},
        {"requests": []},
        {"requests": None},
        {"requests": 5},
        {"requests": [5]},
        {"requests": [{"assetId": "90000000001"}]},
        {"requests": [{"assetId": True}]},
    ],
)
def test_a_grant_that_makes_no_sense_is_400(call: Caller, change: dict[str, Any]) -> None:
    answer = call("PATCH", PERMISSIONS, grant(90000000001, **change))
    assert (answer.status, answer.json["error"]["code"]) == (400, "InvalidRequest")


def test_a_key_without_the_scope_is_403_in_the_services_own_words(emulator: Emulator, call: Caller) -> None:
    emulator.add_key("narrow", ApiKey(scopes=("asset:read",)))
    answer = call("PATCH", PERMISSIONS, grant(1), key="narrow")
    assert (answer.status, list(answer.json["error"])) == (403, ["code", "message"])
