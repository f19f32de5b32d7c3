"""Publishing places, and the history of their versions."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest

from rblxcloud.emulator import ApiKey, Emulator
from rblxcloud.emulator.api_keys import ScopeGrant
from rblxcloud.emulator.clock import Clock
from rblxcloud.emulator.model import LARGEST_PLACE
from tests.support.emulator import Answer, Caller

PUBLISH = "/universes/v1/7/places/8/versions"
HISTORY = "/place-version-history-api/v1/8"
BINARY = b"<roblox!\x89\xff\r\n\x1a\n"
XML = b'<roblox version="4"></roblox>'
MINUTE = 60.0


def publish(call: Caller, content: bytes = BINARY, kind: str = "Published", path: str = PUBLISH) -> Answer:
    headers = {"content-type": "application/octet-stream"}
    return call("POST", f"{path}?versionType={kind}", content, headers=headers)


def history(call: Caller, **query: Any) -> list[str]:
    answer = call("GET", f"{HISTORY}/history?{urlencode(query)}")
    assert answer.status == 200, answer.json
    return [version["version"] for version in answer.json["placeVersions"]]


@pytest.fixture
def versions(call: Caller, emulator: Emulator, clock: Clock) -> None:
    """Four versions of place 8, a minute apart."""
    publish(call)
    clock.advance(MINUTE)
    publish(call, kind="Saved")
    clock.advance(MINUTE)
    emulator.places.add_version(8, created_by=5, contributors=[6, 5], save_type=1)
    clock.advance(MINUTE)
    emulator.places.add_version(8, published=False, created_by=6, save_type=2)
    assert note(call, 2, title="Winter", description="Snow falls.").status == 200
    assert note(call, 3, title="Spring").status == 200


def note(call: Caller, version: int | str, **body: Any) -> Answer:
    return call("POST", f"{HISTORY}/version/{version}/notes", body)


def test_versions_count_from_one_whether_published_or_saved(call: Caller) -> None:
    answers = [publish(call), publish(call, XML, "Saved"), publish(call)]
    assert [answer.json for answer in answers] == [{"versionNumber": number} for number in (1, 2, 3)]
    assert publish(call, path="/universes/v1/7/places/70/versions").json == {"versionNumber": 1}


def test_the_file_is_kept(call: Caller, emulator: Emulator) -> None:
    publish(call, BINARY + b"1")
    publish(call, XML)
    assert emulator.places.file(8, 1) == BINARY + b"1"
    assert emulator.places.file(8) == XML
    with pytest.raises(ValueError, match="no such version"):
        emulator.places.file(8, 3)


@pytest.mark.parametrize("kind", ["application/xml", "application/octet-stream", "text/plain"])
def test_the_bytes_count_and_not_the_header(call: Caller, kind: str) -> None:
    path, headers = f"{PUBLISH}?versionType=Saved", {"content-type": kind}
    assert call("POST", path, XML, headers=headers).status == 200
    assert call("POST", path, BINARY, headers=headers).status == 200
    assert call("POST", path, b"print('hello')", headers=headers).status == 400


def test_a_place_is_changed_when_it_is_published(call: Caller, clock: Clock) -> None:
    clock.advance(MINUTE)
    publish(call)
    assert call("GET", "/cloud/v2/universes/7/places/8").json["updateTime"] == "2027-01-15T08:01:00.000000000Z"


@pytest.mark.parametrize(
    ("query", "content"),
    [
        ("", BINARY),
        ("?versionType=", BINARY),
        ("?versionType=published", BINARY),
        ("?versionType=Draft", BINARY),
        ("?versionType=Saved", b""),
        ("?versionType=Saved", b"roblox"),
        ("?versionType=Saved", b"<robloxian"),
        ("?versionType=Saved", b" <roblox >"),
    ],
)
def test_what_is_no_version_is_400(call: Caller, query: str, content: bytes) -> None:
    answer = call("POST", PUBLISH + query, content, headers={"content-type": "application/octet-stream"})
    assert (answer.status, answer.json["code"]) == (400, "INVALID_ARGUMENT")
    assert history(call) == []


def test_a_file_may_have_ten_mebibytes(call: Caller) -> None:
    assert publish(call, BINARY + bytes(LARGEST_PLACE - len(BINARY))).status == 200
    assert publish(call, BINARY + bytes(LARGEST_PLACE - len(BINARY) + 1)).status == 413


def test_how_large_a_file_may_be_can_be_set(call: Caller, emulator: Emulator) -> None:
    emulator.places.largest_file = len(BINARY)
    assert (publish(call).status, publish(call, BINARY + b"1").status) == (200, 413)
    emulator.reset()
    assert publish(call, BINARY + b"1").status == 200


def test_a_place_of_another_universe_is_409(call: Caller) -> None:
    publish(call)
    answer = publish(call, path="/universes/v1/9/places/8/versions")
    assert (answer.status, answer.json["code"]) == (409, "ABORTED")
    assert publish(call, path="/universes/v1/9/places/x/versions").status == 400
    assert history(call) == ["1"]


def test_in_a_strict_emulator_an_unknown_place_is_404() -> None:
    with Emulator(strict_universes=True) as emulator:
        call = Caller(emulator)
        assert publish(call, path="/universes/v1/13058/places/70/versions").status == 404
        assert publish(call, path="/universes/v1/13058/places/13159/versions").status == 409
        assert publish(call, path="/universes/v1/7/places/8/versions").status == 404
        assert call("GET", "/place-version-history-api/v1/70/history").status == 403
        emulator.places.add(13058, 70)
        assert publish(call, path="/universes/v1/13058/places/70/versions").status == 200


def test_thirty_versions_a_minute_may_be_published(call: Caller, clock: Clock) -> None:
    assert [publish(call).status for _ in range(31)] == [200] * 30 + [429]
    clock.advance(MINUTE)
    assert publish(call).json == {"versionNumber": 31}


def test_a_history_tells_of_the_newest_first(call: Caller, versions: None) -> None:
    answer = call("GET", f"{HISTORY}/history").json
    assert (answer["hasMore"], answer["nextCursor"]) == (False, None)
    assert [version["version"] for version in answer["placeVersions"]] == ["4", "3", "2", "1"]
    assert answer["placeVersions"][1] == {
        "version": "3",
        "title": "Spring",
        "description": None,
        "contributors": [5, 6],
        "saveType": 1,
        "isPublished": True,
        "publishStatus": 1,
        "hasNotes": True,
        "createdTime": "2027-01-15T08:02:00.0000000Z",
        "createdBy": 5,
    }


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"isPublished": "true"}, ["3", "1"]),
        ({"isPublished": "False"}, ["4", "2"]),
        ({"hasNotes": "true"}, ["3", "2"]),
        ({"hasNotes": "false"}, ["4", "1"]),
        ({"saveType": 0}, ["2", "1"]),
        ({"saveType": 2}, ["4"]),
        ({"searchTerm": "SNOW"}, ["2"]),
        ({"searchTerm": "%"}, []),
        ({"contributor": 6}, ["4", "3"]),
        ({"contributor": 1}, ["2", "1"]),
        ({"startTime": "2027-01-15T08:02:00Z"}, ["4", "3"]),
        ({"endTime": "2027-01-15T09:01:00+01:00"}, ["2", "1"]),
        ({"startTime": "2027-01-15T08:01:00Z", "endTime": "2027-01-15T08:02:00Z", "isPublished": "true"}, ["3"]),
    ],
)
def test_a_history_is_filtered(call: Caller, versions: None, query: dict[str, Any], expected: list[str]) -> None:
    assert history(call, **query) == expected


@pytest.mark.parametrize(
    "query",
    [
        {"isPublished": "yes"},
        {"hasNotes": 1},
        {"saveType": 3},
        {"saveType": "x"},
        {"contributor": "x"},
        {"contributor": -1},
        {"startTime": "yesterday"},
        {"endTime": 5},
        {"pageSize": -1},
        {"pageSize": "x"},
        {"cursor": "bad"},
    ],
)
def test_a_filter_that_makes_no_sense_is_400_in_words_of_its_own(call: Caller, query: dict[str, Any]) -> None:
    answer = call("GET", f"{HISTORY}/history?{urlencode(query)}")
    assert answer.status == 400
    assert answer.json.keys() == {"code", "error", "message"}
    assert (answer.json["code"], answer.json["error"]) == (400, "INVALID_ARGUMENT")


@pytest.mark.parametrize("what", ["history", "contributors"])
def test_a_history_comes_in_pages(call: Caller, versions: None, what: str) -> None:
    field = {"history": "placeVersions", "contributors": "contributors"}[what]
    whole = call("GET", f"{HISTORY}/{what}").json[field]
    read: list[Any] = []
    cursor = ""
    for _ in range(len(whole)):
        answer = call("GET", f"{HISTORY}/{what}?pageSize=1&cursor={cursor}").json
        read += answer[field]
        cursor = answer["nextCursor"] or ""
        assert answer["hasMore"] is bool(cursor)
    assert (read, cursor) == (whole, "")


def test_contributors_are_told_once_each(call: Caller, versions: None) -> None:
    assert call("GET", f"{HISTORY}/contributors").json == {
        "nextCursor": None,
        "hasMore": False,
        "contributors": [1, 5, 6],
    }


def test_notes_are_replaced_whole(call: Caller, versions: None) -> None:
    answer = note(call, 2, title=None, description="Thaw.")
    assert answer.json.keys() == {"placeVersion"}
    assert (answer.json["placeVersion"]["title"], answer.json["placeVersion"]["description"]) == (None, "Thaw.")
    assert not note(call, 2).json["placeVersion"]["hasNotes"]
    assert history(call, hasNotes="true") == ["3"]


@pytest.mark.parametrize(
    ("version", "body"), [("9", {}), ("0", {}), ("x", {}), ("2", {"title": 5}), ("2", {"description": []}), ("2", [])]
)
def test_notes_that_make_no_sense_are_400(call: Caller, versions: None, version: str, body: Any) -> None:
    answer = call("POST", f"{HISTORY}/version/{version}/notes", body)
    assert (answer.status, answer.json["code"]) == (400, 400)
    assert history(call, hasNotes="true") == ["3", "2"]


def test_a_key_reaches_the_histories_of_its_universes_alone(call: Caller, emulator: Emulator, versions: None) -> None:
    for universe in ("7", "9"):
        read = ScopeGrant(name="universe.place", operations=("read", "write"), universe_ids=(universe,))
        emulator.add_key(universe, ApiKey(scopes=(read,)))
    assert call("GET", f"{HISTORY}/history", key="7").status == 200
    assert call("POST", f"{HISTORY}/version/1/notes", {}, key="7").status == 200
    for answer in (
        call("GET", f"{HISTORY}/history", key="9"),
        call("GET", f"{HISTORY}/contributors", key="9"),
        call("POST", f"{HISTORY}/version/1/notes", {}, key="9"),
    ):
        assert (answer.status, answer.json["code"], answer.json["error"]) == (403, 403, "PERMISSION_DENIED")


def test_a_groups_key_makes_versions_of_nobody(call: Caller, emulator: Emulator) -> None:
    emulator.add_key("group", ApiKey(owner="groups/1"))
    headers = {"content-type": "application/octet-stream"}
    assert call("POST", f"{PUBLISH}?versionType=Saved", BINARY, headers=headers, key="group").status == 200
    version = call("GET", f"{HISTORY}/history").json["placeVersions"][0]
    assert (version["createdBy"], version["contributors"]) == (None, [])
