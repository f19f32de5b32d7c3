"""What is kept of a key: the hour rule, snapshots, tombstones, 30 days, and the two listings of versions."""

import pytest

from rblxcloud.emulator.core import Emulator
from rblxcloud.emulator.storage_time import parse_time
from tests.emulator.stores import DAY, HOUR, V1, V2, code
from tests.support.emulator import Caller


@pytest.fixture
def v1(emulator: Emulator, call: Caller) -> V1:
    emulator.limits.enabled = False
    return V1(call)


@pytest.fixture
def v2(v1: V1) -> V2:
    return V2(v1.call)


def kept(v1: V1, key: str = "k") -> list[str]:
    """Return the values of the versions that are kept, oldest first; `-` for a tombstone."""
    versions = v1.versions(key, limit=100).json["versions"]
    return ["-" if row["deleted"] else v1.version(row["version"], key).reply.body.decode() for row in versions]


def test_ticks_are_those_of_a_captured_version_id() -> None:
    assert parse_time("2022-02-02T23:30:06.5388799Z") == 0x08D9E6A3F2188CFF


@pytest.mark.parametrize(
    "text",
    ["2022-02-02T23:30:06.53887991234Z", "2022-02-03T00:30:06.5388799+01:00", "2022-02-02t18:00:06.5388799-05:30"],
)
def test_times_have_any_offset_and_any_number_of_digits(text: str) -> None:
    assert parse_time(text) == 0x08D9E6A3F2188CFF


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2022-02-02",
        "2022-02-02T23:30Z",
        "2022-02-02T23:30:06",
        "2022-02-02 23:30:06Z",
        "2022-02-02T23:30:60Z",
        "2022-02-02T23:30:06.Z",
        "2022-02-02T23:30:06+24:00",
        "0000-01-01T00:00:00Z",
    ],
)
def test_other_times_are_none(text: str) -> None:
    assert parse_time(text) is None


# --- the hour rule


def test_writes_in_the_same_utc_hour_overwrite_each_other(v1: V1, emulator: Emulator) -> None:
    first = v1.set(value=1).json["version"]
    emulator.clock.advance(HOUR - 1)
    v1.set(value=2)
    assert kept(v1) == ["2"]
    assert code(v1.version(first)) == (404, "VersionNotFound")


def test_the_first_write_of_an_hour_keeps_the_value_before_it(v1: V1, emulator: Emulator) -> None:
    emulator.clock.advance(HOUR - 1)
    v1.set(value=1)
    emulator.clock.advance(1)
    v1.set(value=2)
    emulator.clock.advance(1)
    v1.set(value=3)
    assert kept(v1) == ["1", "3"]


def test_the_same_hour_of_another_day_is_another_hour(v1: V1, emulator: Emulator) -> None:
    v1.set(value=1)
    emulator.clock.advance(DAY)
    v1.set(value=2)
    assert kept(v1) == ["1", "2"]


def test_increments_follow_the_hour_rule(v1: V1, emulator: Emulator) -> None:
    for _ in range(2):
        v1.increment()
        v1.increment()
        emulator.clock.advance(HOUR)
    assert kept(v1) == ["2", "4"]


def test_the_sequence_counts_every_write_and_the_creation_stays(v1: V1, emulator: Emulator) -> None:
    ids: list[str] = []
    for _ in range(11):
        ids.append(v1.set().json["version"])
        emulator.clock.advance(60)
    created, sequence, written, end = zip(*(version.split(".") for version in ids), strict=True)
    assert sequence == tuple(f"{number:010X}" for number in range(1, 12))
    assert sequence[9] == "000000000A"
    assert set(created) == {written[0]}
    assert len(set(written)) == 11
    assert set(end) == {"01"}


# --- removal


def test_a_removal_keeps_the_value_before_it_even_in_the_same_hour(v1: V1) -> None:
    v1.set(value=1)
    v1.delete()
    assert kept(v1) == ["1", "-"]


def test_a_tombstone_has_no_length(v1: V1) -> None:
    v1.set(value=1)
    v1.delete()
    tombstone = v1.versions().json["versions"][1]
    assert (tombstone["deleted"], tombstone["contentLength"]) == (True, 0)
    assert code(v1.version(tombstone["version"])) == (404, "EntryNotFound")


def test_a_write_after_a_removal_goes_on_counting(v1: V1, emulator: Emulator) -> None:
    created = v1.set(value=1).json["objectCreatedTime"]
    emulator.clock.advance(HOUR)
    v1.delete()
    emulator.clock.advance(HOUR)
    again = v1.set(value=2).json
    assert kept(v1) == ["1", "-", "2"]
    assert again["objectCreatedTime"] == created
    assert again["version"].split(".")[1] == "0000000003"


def test_a_removed_key_is_gone_for_good_after_30_days(v1: V1, emulator: Emulator) -> None:
    version = v1.set(value=1).json["version"]
    v1.delete()
    emulator.clock.advance(30 * DAY - 1)
    assert v1.version(version).status == 200
    emulator.clock.advance(1)
    assert code(v1.version(version)) == (404, "VersionNotFound")
    assert code(v1.versions()) == (404, "EntryNotFound")
    assert v1.keys().json["keys"] == []


def test_a_revived_key_is_not_purged(v1: V1, emulator: Emulator) -> None:
    v1.set(value=1)
    v1.delete()
    emulator.clock.advance(29 * DAY)
    v1.set(value=2)
    emulator.clock.advance(DAY)
    assert v1.get().reply.body == b"2"


# --- 30 days


def test_a_replaced_version_is_dropped_30_days_after_its_replacement(v1: V1, emulator: Emulator) -> None:
    v1.set(value=1)
    emulator.clock.advance(10 * DAY)
    v1.set(value=2)
    emulator.clock.advance(30 * DAY - 1)
    assert kept(v1) == ["1", "2"]
    emulator.clock.advance(1)
    assert kept(v1) == ["2"]


def test_each_replaced_version_has_its_own_30_days(v1: V1, emulator: Emulator) -> None:
    for value in (1, 2, 3):
        v1.set(value=value)
        emulator.clock.advance(10 * DAY)
    emulator.clock.advance(10 * DAY)
    assert kept(v1) == ["2", "3"]


def test_the_latest_version_never_expires(v1: V1, emulator: Emulator) -> None:
    v1.set(value=1)
    emulator.clock.advance(1000 * DAY)
    assert v1.get().reply.body == b"1"


# --- snapshots


def test_the_first_write_after_a_snapshot_keeps_the_value_before_it(v1: V1, v2: V2) -> None:
    v1.set(value=1)
    v2.snapshot()
    v1.set(value=2)
    v1.set(value=3)
    assert kept(v1) == ["1", "3"]


def test_a_snapshot_holds_for_every_key_of_the_universe_only(v1: V1, v2: V2) -> None:
    stores = [v1, V1(v1.call, "T"), V1(v1.call, universe=8)]
    for store in stores:
        store.set(value=1)
    v2.snapshot()
    for store in stores:
        store.set(value=2)
    assert [kept(store) for store in stores] == [["1", "2"], ["1", "2"], ["2"]]


def test_one_snapshot_is_taken_in_a_utc_day(v2: V2, emulator: Emulator) -> None:
    first = v2.snapshot().json
    emulator.clock.advance(16 * HOUR - 1)
    second = v2.snapshot().json
    emulator.clock.advance(1)
    third = v2.snapshot().json
    assert first == {"newSnapshotTaken": True, "latestSnapshotTime": "2027-01-15T08:00:00.000000000Z"}
    assert second == {**first, "newSnapshotTaken": False}
    assert third == {"newSnapshotTaken": True, "latestSnapshotTime": "2027-01-16T00:00:00.000000000Z"}


def test_a_snapshot_that_was_not_taken_keeps_nothing(v1: V1, v2: V2) -> None:
    v2.snapshot()
    v1.set(value=1)
    v2.snapshot()
    v1.set(value=2)
    assert kept(v1) == ["2"]


# --- v1 listing


@pytest.fixture
def five(v1: V1, emulator: Emulator) -> V1:
    """A key with one version at each full hour from 8 to 12."""
    for hour in range(8, 13):
        v1.set(value=hour)
        emulator.clock.advance(HOUR)
    return v1


def hours(answer_versions: list[dict[str, str]]) -> list[int]:
    return [int(row["createdTime"][11:13]) for row in answer_versions]


def test_versions_come_oldest_first_or_newest_first(five: V1) -> None:
    assert hours(five.versions().json["versions"]) == [8, 9, 10, 11, 12]
    assert hours(five.versions(sortOrder="Descending").json["versions"]) == [12, 11, 10, 9, 8]


@pytest.mark.parametrize("order", ["Ascending", "Descending"])
def test_versions_are_paged_to_the_last(five: V1, order: str) -> None:
    found: list[int] = []
    query = {"sortOrder": order, "limit": 2}
    cursor = ""
    while True:
        answer = five.versions(**query, cursor=cursor).json
        found += hours(answer["versions"])
        cursor = answer.get("nextPageCursor", "")
        if not cursor:
            break
    assert found == sorted(range(8, 13), reverse=order == "Descending")


def test_versions_are_bounded_by_times(five: V1) -> None:
    bounds = {"startTime": "2027-01-15T09:00:00Z", "endTime": "2027-01-15T12:00:00+01:00"}
    assert hours(five.versions(**bounds).json["versions"]) == [9, 10, 11]


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ({"startTime": "x"}, "InvalidStartTime"),
        ({"endTime": "2027-13-01T00:00:00Z"}, "InvalidEndTime"),
        ({"sortOrder": "up"}, "InvalidSortOrder"),
        ({"cursor": "x"}, "InvalidCursor"),
    ],
)
def test_bad_arguments_of_the_version_list_are_400(five: V1, query: dict[str, str], problem: str) -> None:
    assert code(five.versions(**query)) == (400, problem)


def test_versions_of_an_unknown_key_are_404(v1: V1, v2: V2) -> None:
    assert code(v1.versions()) == (404, "EntryNotFound")
    assert code(v2.revisions()) == (404, "NOT_FOUND")


def test_a_version_is_read_with_its_own_headers(v1: V1, emulator: Emulator) -> None:
    version = v1.set(value=1, headers={"roblox-entry-userids": "[3]"}).json["version"]
    emulator.clock.advance(HOUR)
    v1.set(value=2)
    answer = v1.version(version)
    assert (answer.status, answer.reply.body) == (200, b"1")
    assert answer.headers["roblox-entry-version"] == version
    assert answer.headers["roblox-entry-userids"] == "[3]"


@pytest.mark.parametrize("version", ["", "x", "08DF72DD8DAA8000.0000000001.08DF72DD8DAA8000.02"])
def test_a_garbled_version_is_400(v1: V1, version: str) -> None:
    v1.set()
    answer = v1.version(version)
    assert code(answer) == (400, "InvalidVersionId")
    assert answer.json["message"] == "Invalid version id."


def test_a_version_of_another_key_is_not_found(v1: V1, emulator: Emulator) -> None:
    version = v1.set("a").json["version"]
    emulator.clock.advance(1)
    v1.set("b")
    assert code(v1.version(version, "b")) == (404, "VersionNotFound")


# --- v2 listing


def test_revisions_come_newest_first_with_suffixed_names(five: V1, v2: V2) -> None:
    rows = v2.revisions().json["dataStoreEntries"]
    revision = rows[0]["revisionId"]
    assert rows[0] == {
        "path": f"universes/7/data-stores/S/entries/k@{revision}",
        "createTime": "2027-01-15T08:00:00.000000000Z",
        "revisionId": revision,
        "revisionCreateTime": "2027-01-15T12:00:00.000000000Z",
        "state": "ACTIVE",
        "etag": revision,
        "id": f"k@{revision}",
    }
    assert [row["revisionCreateTime"][11:13] for row in rows] == ["12", "11", "10", "09", "08"]


def test_revisions_tell_the_tombstone(v1: V1, v2: V2) -> None:
    v1.set()
    v1.delete()
    assert [row["state"] for row in v2.revisions().json["dataStoreEntries"]] == ["DELETED", "ACTIVE"]


def test_a_token_may_stand_on_the_last_page_of_revisions(five: V1, v2: V2) -> None:
    answer = v2.revisions(maxPageSize=5).json
    assert len(answer["dataStoreEntries"]) == 5
    token = answer["nextPageToken"]
    assert token
    assert v2.revisions(maxPageSize=5, pageToken=token).json == {"dataStoreEntries": [], "nextPageToken": ""}


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("revision_create_time >= 2027-01-15T11:00:00Z", [12, 11]),
        ("revision_create_time<=2027-01-15T09:00:00Z", [9, 8]),
        ("revision_create_time >= 2027-01-15T09:00:00Z && revision_create_time <= 2027-01-15T10:30:00Z", [10, 9]),
    ],
)
def test_revisions_are_filtered_by_time(five: V1, v2: V2, condition: str, found: list[int]) -> None:
    rows = v2.revisions(filter=condition).json["dataStoreEntries"]
    assert [int(row["revisionCreateTime"][11:13]) for row in rows] == found


@pytest.mark.parametrize(
    "condition",
    [
        "revision_create_time > 2027-01-15T11:00:00Z",
        "revision_create_time == 2027-01-15T11:00:00Z",
        'revision_create_time >= "2027-01-15T11:00:00Z"',
        "revision_create_time >= yesterday",
        "revision_create_time >= 2027-01-15T11:00:00Z &&",
        "revision_create_time >= 2027-01-15T11:00:00Z || revision_create_time <= 2027-01-15T11:00:00Z",
        "createTime >= 2027-01-15T11:00:00Z",
        'id.startsWith("k")',
    ],
)
def test_other_revision_filters_are_400(five: V1, v2: V2, condition: str) -> None:
    assert code(v2.revisions(filter=condition)) == (400, "INVALID_ARGUMENT")
