"""Pictures of the home page: uploads whose state stands in a list, and personalizations (universes.md section 14)."""

from __future__ import annotations

from typing import Any

import pytest

from rblxcloud.emulator.clock import Clock
from rblxcloud.emulator.core import Emulator
from rblxcloud.emulator.scripts import OperationScript
from tests.emulator.forms import BOUNDARY, form, png
from tests.support.emulator import Answer, Caller

BASE = "/thumbnail-personalization-api/v1/universes/1"
UPLOADS = f"{BASE}/thumbnails/uploads"


def upload(call: Caller, *files: tuple[str, bytes], kind: str = "image/png", field: str = "files") -> Answer:
    body = form(*((field, content, name, kind) for name, content in files))
    return call("POST", UPLOADS, body, headers={"content-type": f"multipart/form-data; boundary={BOUNDARY}"})


def pictures(call: Caller, count: int) -> list[str]:
    for number in range(count):
        upload(call, (f"{number}.png", png()))
    return [each["homepageThumbnailId"] for each in call("GET", f"{BASE}/thumbnails").json["homepageThumbnails"]]


def test_several_files_are_uploaded_and_asked_for_at_once(emulator: Emulator, call: Caller, clock: Clock) -> None:
    emulator.scripts.add(OperationScript(kind="homepage_thumbnail", processing=5))
    started = upload(call, ("a.png", png()), ("b.png", png(8, 8))).json["fileToOperationIdDict"]
    assert list(started) == ["a.png", "b.png"]
    first, second = started.values()
    status = f"{UPLOADS}/status?operationIds={first}&operationIds={second}"
    states = call("GET", status).json
    assert states["uploadStatus"] == 1
    assert states["uploadThumbnailStatusDict"][first] == {"homepageThumbnailId": None}
    assert states["uploadThumbnailStatusDict"][second]["moderationStatus"] == "Approved"
    clock.advance(5)
    states = call("GET", status).json
    assert states["uploadStatus"] == 2
    done = states["uploadThumbnailStatusDict"][first]
    assert call("GET", f"/assets/v1/assets/{done['assetId']}").json["assetType"] == "Image"
    assert call("GET", f"{UPLOADS}/status").json == {"uploadStatus": 2, "uploadThumbnailStatusDict": {}}


@pytest.mark.parametrize(
    ("files", "more"),
    [
        ((), {}),
        ((("a.png", b"no picture"),), {}),
        ((("a.png", b""),), {}),
        ((("a.png", png()),), {"kind": "text/plain"}),
        ((("a.png", png()),), {"field": "file"}),
        ((("a.png", png()), ("a.png", png())), {}),
        ((("", png()),), {}),
    ],
)
def test_an_upload_that_cannot_be_is_400_and_says_nothing(call: Caller, files: Any, more: Any) -> None:
    answer = upload(call, *files, **more)
    assert (answer.status, answer.json) == (400, {})
    assert call("GET", f"{BASE}/thumbnails").json["homepageThumbnails"] == []


def test_an_upload_that_fails_is_rejected(emulator: Emulator, call: Caller) -> None:
    emulator.scripts.add(OperationScript(kind="homepage_thumbnail", code=13))
    (number,) = upload(call, ("a.png", png())).json["fileToOperationIdDict"].values()
    assert call("GET", f"{UPLOADS}/status?operationIds={number}").json == {
        "uploadStatus": 2,
        "uploadThumbnailStatusDict": {number: {"homepageThumbnailId": None, "moderationStatus": "Rejected"}},
    }
    emulator.scripts.add(OperationScript(kind="homepage_thumbnail", refusal="No."))
    assert upload(call, ("a.png", png())).status == 400
    assert call("GET", f"{UPLOADS}/status?operationIds=nobody").status == 400
    assert (
        call(
            "GET", f"/thumbnail-personalization-api/v1/universes/2/thumbnails/uploads/status?operationIds={number}"
        ).status
        == 400
    )


def test_pictures_are_listed_in_pages(call: Caller) -> None:
    ids = pictures(call, 3)
    first = call("GET", f"{BASE}/thumbnails?limit=2").json
    rest = call("GET", f"{BASE}/thumbnails?limit=2&nextCursor={first['nextCursor']}").json
    found = [each["homepageThumbnailId"] for page in (first, rest) for each in page["homepageThumbnails"]]
    assert found == ids
    assert rest["nextCursor"] is None
    for query in ("limit=-1", "nextCursor=bad"):
        assert call("GET", f"{BASE}/thumbnails?{query}").status == 400


def test_one_personalization_is_active(call: Caller) -> None:
    first, second, third = pictures(call, 3)
    old = call("POST", f"{BASE}/personalization/create", {"homepageThumbnailIds": [first]}).json["id"]
    new = call("POST", f"{BASE}/personalization/create", {"homepageThumbnailIds": [second]}).json["id"]
    call("POST", f"{BASE}/personalization/update", {"id": new, "homepageThumbnailIds": [second, third]})
    listed = call("GET", f"{BASE}/thumbnails").json["homepageThumbnails"]
    assert [each["personalizedConfigStatus"] for each in listed] == ["Inactive", "Active", "Active"]

    def found(query: str) -> list[str]:
        return [each["id"] for each in call("GET", f"{BASE}/personalization?{query}").json["personalizations"]]

    assert found("") == [old, new]
    assert (found("status=Active"), found("status=Inactive")) == ([new], [old])
    page = call("GET", f"{BASE}/personalization?limit=1").json
    assert found(f"cursor={page['nextCursor']}") == [new]
    for query in ("status=active", "limit=0", "limit=x", "cursor=x"):
        assert call("GET", f"{BASE}/personalization?{query}").status == 400

    deleted = call("DELETE", f"{BASE}/thumbnails?homepageThumbnailIds={second}&homepageThumbnailIds={first}")
    assert (deleted.status, deleted.json) == (200, {})
    left = call("GET", f"{BASE}/personalization?status=Active").json["personalizations"]
    assert left[0]["homepageThumbnailIds"] == [third]


@pytest.mark.parametrize("ids", [None, [], "x", ["nobody"], [5], [[]], {}])
def test_pictures_that_are_not_there_are_400(call: Caller, ids: Any) -> None:
    pictures(call, 1)
    for verb in ("create", "update"):
        answer = call("POST", f"{BASE}/personalization/{verb}", {"id": "x", "homepageThumbnailIds": ids})
        assert (answer.status, answer.json) == (400, {})
    assert call("DELETE", f"{BASE}/thumbnails").status == 400


def test_a_personalization_that_is_not_there_is_400(call: Caller) -> None:
    (picture,) = pictures(call, 1)
    for number in ("nobody", None, 5):
        body = {"id": number, "homepageThumbnailIds": [picture]}
        assert call("POST", f"{BASE}/personalization/update", body).status == 400
