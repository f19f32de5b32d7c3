"""v2 of the standard data stores: entries, revisions asked for, etags, and stores that are deleted."""

from typing import Any

import pytest

from rblxcloud.emulator.core import Emulator
from tests.emulator.stores import DAY, HOUR, V1, V2, code
from tests.support.emulator import Caller

REVISION = "08DF72DD8DAA8000.0000000001.08DF72DD8DAA8000.01"


@pytest.fixture
def v2(emulator: Emulator, call: Caller) -> V2:
    emulator.limits.enabled = False
    return V2(call)


def test_an_entry_is_shown_whole(v2: V2) -> None:
    answer = v2.create("k", {"a": [1, None]}, users=["users/156"], attributes={"a": "b"})
    assert answer.status == 200
    assert list(answer.json.items()) == [
        ("path", "universes/7/data-stores/S/entries/k"),
        ("createTime", "2027-01-15T08:00:00.000000000Z"),
        ("revisionId", REVISION),
        ("revisionCreateTime", "2027-01-15T08:00:00.000000000Z"),
        ("state", "ACTIVE"),
        ("etag", REVISION),
        ("value", {"a": [1, None]}),
        ("id", "k"),
        ("users", ["users/156"]),
        ("attributes", {"a": "b"}),
    ]
    assert v2.get().json == answer.json


def test_without_users_and_attributes_both_are_empty(v2: V2) -> None:
    entry = v2.create().json
    assert (entry["users"], entry["attributes"]) == ([], {})


def test_paths_mirror_the_form_of_the_request(v2: V2) -> None:
    v2.create("a/b")
    assert v2.get("a/b").json["path"] == "universes/7/data-stores/S/entries/a/b"
    assert V2(v2.call, scope="global").get("a/b").json["path"] == "universes/7/data-stores/S/scopes/global/entries/a/b"


@pytest.mark.parametrize("key", ["a/b", "users:1", "a b", "100%", "?#", "é", "..%2f", "x:increment"])
def test_hostile_keys_are_keys(v2: V2, key: str) -> None:
    v2.create(key, "here")
    entry = v2.get(key).json
    assert (entry["id"], entry["value"]) == (key, "here")


def test_creating_twice_is_400(v2: V2) -> None:
    v2.create()
    assert code(v2.create(value=2)) == (400, "INVALID_ARGUMENT")
    assert v2.get().json["value"] == 1


def test_creating_on_a_tombstone_is_allowed(v2: V2) -> None:
    v2.create()
    v2.delete()
    assert v2.create(value=2).status == 200


def test_creating_needs_an_id(v2: V2) -> None:
    assert code(v2.call("POST", v2.entries, {"value": 1})) == (400, "INVALID_ARGUMENT")


@pytest.mark.parametrize("body", [{}, {"value": None}, [], "x", b"{", b'{"value": NaN}', b'{"value": 1e999}'])
@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_bad_bodies_are_400(v2: V2, method: str, body: Any) -> None:
    path = f"{v2.entries}?id=k" if method == "POST" else f"{v2.path('k')}?allowMissing=true"
    assert code(v2.call(method, path, body)) == (400, "INVALID_ARGUMENT")
    assert v2.get().status == 404


@pytest.mark.parametrize(
    "tags",
    [
        {"users": ["users/1", "users/2", "users/3", "users/4", "users/5"]},
        {"users": ["1"]},
        {"users": [1]},
        {"users": ["users/0"]},
        {"users": "users/1"},
        {"attributes": {"n" * 51: "v"}},
        {"attributes": {"n": "v" * 251}},
        {"attributes": {"a": "v" * 150, "b": "v" * 149}},
        {"attributes": ["a"]},
        {"etag": 5},
    ],
)
def test_bad_users_attributes_and_etags_are_400(v2: V2, tags: dict[str, Any]) -> None:
    assert code(v2.set(**tags)) == (400, "INVALID_ARGUMENT")


@pytest.mark.parametrize("key", ["k" * 51, "é" * 26])
def test_a_key_over_50_bytes_is_400(v2: V2, key: str) -> None:
    answers = [v2.get(key), v2.create(key), v2.set(key), v2.delete(key), v2.increment(key), v2.revisions(key)]
    assert [code(answer) for answer in answers] == [(400, "INVALID_ARGUMENT")] * 6


@pytest.mark.parametrize(("store", "scope"), [("s" * 51, "global"), ("S", "s" * 51)])
def test_store_and_scope_over_50_bytes_are_400(call: Caller, store: str, scope: str) -> None:
    v2 = V2(call, store, scope)
    assert [code(answer) for answer in (v2.get(), v2.set(), v2.keys())] == [(400, "INVALID_ARGUMENT")] * 3


def test_a_value_may_fill_the_limit_and_not_a_byte_more(v2: V2) -> None:
    assert v2.set(value="a" * 4_194_302).status == 200
    assert code(v2.set(value="a" * 4_194_303)) == (400, "INVALID_ARGUMENT")


# --- numbers


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (2**53, 2**53),
        (2**53 + 1, 2**53),
        (-(2**53) - 1, -(2**53)),
        (2**64 + 1, 2**64),
        ({"a": [2**53 + 1]}, {"a": [2**53]}),
        (5.0, 5),
        (0.1, 0.1),
    ],
)
def test_numbers_become_doubles(v2: V2, sent: Any, kept: Any) -> None:
    v2.set(value=sent)
    assert v2.get().json["value"] == kept
    assert V1(v2.call).get().json == kept
    assert type(v2.get().json["value"]) is type(kept)


def test_a_large_number_written_by_v1_is_rounded_only_on_its_way_out(v2: V2) -> None:
    v1 = V1(v2.call)
    v1.set(value=b"9007199254740993")
    assert v2.get().json["value"] == 2**53
    assert v1.get().reply.body == b"9007199254740993"


# --- reading revisions


def test_missing_and_removed_keys_are_404(v2: V2) -> None:
    assert code(v2.get()) == (404, "NOT_FOUND")
    v2.create()
    v2.delete()
    assert [code(v2.get(revision=at)) for at in ("", "@latest")] == [(404, "NOT_FOUND")] * 2


def test_a_revision_is_read_by_its_id(v2: V2, emulator: Emulator) -> None:
    first = v2.create(value="old").json["revisionId"]
    emulator.clock.advance(HOUR)
    v2.update(value="new")
    old = v2.get(revision=f"@{first}").json
    assert (old["value"], old["revisionId"], old["id"]) == ("old", first, f"k@{first}")
    assert old["path"] == f"universes/7/data-stores/S/entries/k@{first}"


def test_the_last_at_sign_begins_the_revision(v2: V2) -> None:
    v2.create("a@b")
    assert v2.get("a", "@b").status == 400
    assert v2.get("a@b").status == 400
    entry = v2.get("a@b", "@latest").json
    assert (entry["id"], entry["path"]) == ("a@b", "universes/7/data-stores/S/entries/a@b")


def test_a_percent_encoded_at_sign_begins_the_revision_too(v2: V2) -> None:
    v2.create()
    assert v2.get("k", "%40latest").status == 200


@pytest.mark.parametrize("revision", ["@", "@x", "@LATEST", f"@{REVISION.lower()}", f"@{REVISION}x"])
def test_a_garbled_revision_is_400(v2: V2, revision: str) -> None:
    v2.create()
    answer = v2.get(revision=revision)
    assert (answer.status, answer.json["message"]) == (400, "Invalid version id.")


def test_a_well_formed_revision_that_is_not_there_is_404(v2: V2) -> None:
    v2.create()
    assert v2.get(revision=f"@{REVISION.replace('.0000000001.', '.0000000002.')}").status == 404


def test_a_revision_of_a_removed_key_is_readable_and_the_tombstone_has_no_value(v2: V2) -> None:
    first = v2.create(value="old", attributes={"a": "b"}).json["revisionId"]
    v2.delete()
    assert v2.get(revision=f"@{first}").json["value"] == "old"
    tombstone = v2.revisions().json["dataStoreEntries"][0]["revisionId"]
    entry = v2.get(revision=f"@{tombstone}").json
    assert (entry["state"], entry["attributes"]) == ("DELETED", {})
    assert "value" not in entry


def test_latest_at_a_time_is_the_revision_of_that_time(v2: V2, emulator: Emulator) -> None:
    v2.create(value="eight")
    emulator.clock.advance(HOUR)
    v2.update(value="nine")
    emulator.clock.advance(HOUR)
    v2.delete()
    found = [
        v2.get(revision=f"@latest:2027-01-15T{time}")
        for time in ("08:00:00Z", "08:59:59.9999999Z", "09:00:00Z", "10:30:00%2B01:00")
    ]
    assert [answer.json["value"] for answer in found] == ["eight", "eight", "nine", "nine"]
    assert v2.get(revision="@latest:2027-01-15T07:59:59Z").status == 404
    assert v2.get(revision="@latest:2027-01-15T10:00:00Z").status == 404


@pytest.mark.parametrize(
    ("time", "status"),
    [
        ("2027-01-15T08:10:00Z", 200),
        ("2027-01-15T08:10:00.0000001Z", 400),
        ("1970-01-01T00:00:00Z", 400),
        ("1970-01-01T00:00:01Z", 404),
        ("2027-02-30T00:00:00Z", 400),
        ("now", 400),
        ("", 400),
    ],
)
def test_latest_takes_times_after_1970_and_ten_minutes_ahead(v2: V2, time: str, status: int) -> None:
    v2.create()
    assert v2.get(revision=f"@latest:{time}").status == status


# --- updates


def test_an_update_replaces_everything(v2: V2) -> None:
    v2.create(value=1, users=["users/1"], attributes={"a": "b"})
    entry = v2.update(value=2).json
    assert (entry["value"], entry["users"], entry["attributes"]) == (2, [], {})


def test_an_update_of_a_missing_key_is_404_unless_allowed(v2: V2) -> None:
    assert code(v2.update()) == (404, "NOT_FOUND")
    assert v2.get().status == 404
    assert v2.update(allow_missing=True).status == 200
    assert v2.get().status == 200


def test_an_update_revives_a_removed_key_and_keeps_its_creation(v2: V2, emulator: Emulator) -> None:
    created = v2.create().json["createTime"]
    v2.delete()
    emulator.clock.advance(DAY)
    entry = v2.update(value=2).json
    assert (entry["state"], entry["createTime"]) == ("ACTIVE", created)


def test_an_update_with_a_revision_means_a_key_of_that_name(v2: V2) -> None:
    v2.create("k", 1)
    assert v2.call("PATCH", v2.path("k") + "@latest", {"value": 2}).status == 404
    assert v2.call("PATCH", v2.path("k") + "@latest?allowMissing=true", {"value": 2}).status == 200
    assert v2.get("k").json["value"] == 1
    assert v2.get("k@latest", "@latest").json["value"] == 2


def test_an_etag_that_is_not_current_is_aborted(v2: V2, emulator: Emulator) -> None:
    old = v2.create().json["etag"]
    emulator.clock.advance(1)
    new = v2.update(value=2, etag=old).json["etag"]
    assert code(v2.update(value=3, etag=old)) == (409, "ABORTED")
    assert v2.get().json["value"] == 2
    assert v2.update(value=3, etag=new).status == 200


def test_an_etag_for_a_missing_key_is_aborted(v2: V2) -> None:
    assert code(v2.set(etag=REVISION)) == (409, "ABORTED")


@pytest.mark.parametrize("query", ["allowMissing=yes", "allowMissing=1", "allowMissing=TRUE"])
def test_a_boolean_is_true_or_false(v2: V2, query: str) -> None:
    assert code(v2.call("PATCH", f"{v2.path('k')}?{query}", {"value": 1})) == (400, "INVALID_ARGUMENT")


def test_a_removal_is_empty_and_a_second_one_404(v2: V2) -> None:
    assert code(v2.delete()) == (404, "NOT_FOUND")
    v2.create()
    answer = v2.delete()
    assert (answer.status, answer.json) == (200, {})
    assert code(v2.delete()) == (404, "NOT_FOUND")


# --- increments


def test_an_increment_answers_with_the_entry(v2: V2) -> None:
    v2.create(value=40)
    answer = v2.increment(amount=2, users=["users/5"], attributes={"a": "b"})
    assert (answer.json["value"], answer.json["users"], answer.json["attributes"]) == (42, ["users/5"], {"a": "b"})
    assert answer.json == v2.get().json


def test_an_increment_creates_with_the_amount(v2: V2) -> None:
    assert v2.increment(amount=-3).json["value"] == -3


def test_an_increment_clears_what_it_does_not_repeat(v2: V2) -> None:
    v2.create(users=["users/1"], attributes={"a": "b"})
    entry = v2.increment().json
    assert (entry["users"], entry["attributes"]) == ([], {})


def test_an_increment_creates_anew_on_a_tombstone(v2: V2) -> None:
    v2.create(value=40)
    v2.delete()
    assert v2.increment(amount=2).json["value"] == 2


@pytest.mark.parametrize("amount", [1.0, "1", "1e0"])
def test_an_amount_may_be_written_as_protobuf_does(v2: V2, amount: Any) -> None:
    assert v2.increment(amount=amount).json["value"] == 1


@pytest.mark.parametrize("amount", [1.5, "x", "NaN", "1e999", None, True, [1]])
def test_an_amount_that_is_no_whole_number_is_400(v2: V2, amount: Any) -> None:
    assert code(v2.increment(amount=amount)) == (400, "INVALID_ARGUMENT")


@pytest.mark.parametrize("value", ["text", 1.5, True, []])
def test_only_whole_numbers_are_incremented(v2: V2, value: Any) -> None:
    v2.create(value=value)
    assert code(v2.increment()) == (400, "INVALID_ARGUMENT")


def test_an_increment_beyond_the_exact_doubles_rounds(v2: V2) -> None:
    v2.create(value=2**53)
    assert v2.increment().json["value"] == 2**53


def test_an_increment_is_clamped_to_64_bits(v2: V2) -> None:
    v2.create(value=2**62)
    assert v2.increment(amount=2**63).json["value"] == 2**63  # the double nearest to 2^63 - 1
    assert V2(v2.call, "T").increment(amount=-(2.0**80)).json["value"] == -(2**63)


def test_an_increment_with_a_revision_means_a_key_of_that_name(v2: V2) -> None:
    v2.create("k", 1)
    assert v2.call("POST", v2.path("k") + "@latest:increment", {"amount": 5}).json["id"] == "k@latest"
    assert v2.get("k").json["value"] == 1


# --- stores


def test_a_store_comes_with_its_first_write(v2: V2, emulator: Emulator) -> None:
    assert v2.stores().json["dataStores"] == []
    v2.set()
    assert v2.stores().json["dataStores"] == [
        {"path": "universes/7/data-stores/S", "createTime": "2027-01-15T08:00:00.000000000Z", "id": "S"}
    ]


def test_a_deleted_store_expires_in_30_days(v2: V2) -> None:
    v2.set()
    answer = v2.delete_store()
    assert answer.json == {
        "path": "universes/7/data-stores/S",
        "createTime": "2027-01-15T08:00:00.000000000Z",
        "expireTime": "2027-02-14T08:00:00.000000000Z",
        "state": "DELETED",
        "id": "S",
    }


def test_deleting_a_store_again_changes_nothing(v2: V2, emulator: Emulator) -> None:
    v2.set()
    first = v2.delete_store().json
    emulator.clock.advance(DAY)
    assert v2.delete_store().json == first


def test_a_deleted_store_fails_reads_and_writes(v2: V2) -> None:
    v2.set()
    v2.delete_store()
    reads = [v2.get(), v2.keys(), v2.revisions()]
    writes = [v2.create("new"), v2.set(), v2.delete(), v2.increment()]
    assert [code(answer) for answer in reads] == [(404, "NOT_FOUND")] * 3
    assert [code(answer) for answer in writes] == [(400, "FAILED_PRECONDITION")] * 4


def test_a_deleted_store_comes_back_with_its_entries(v2: V2) -> None:
    v2.set(value="kept")
    v2.delete_store()
    answer = v2.undelete_store()
    assert answer.json["state"] == "ACTIVE"
    assert "expireTime" not in answer.json
    assert v2.get().json["value"] == "kept"


def test_undeleting_an_active_store_changes_nothing(v2: V2) -> None:
    v2.set()
    assert v2.undelete_store().json["state"] == "ACTIVE"


def test_after_30_days_a_deleted_store_is_gone_and_its_name_free(v2: V2, emulator: Emulator) -> None:
    v2.set(value="lost")
    v2.delete_store()
    emulator.clock.advance(30 * DAY)
    assert code(v2.undelete_store()) == (404, "NOT_FOUND")
    assert v2.stores(showDeleted=True).json["dataStores"] == []
    v2.set("other")
    assert v2.get().status == 404


def test_deleting_an_unknown_store_is_404(v2: V2) -> None:
    assert code(v2.delete_store()) == (404, "NOT_FOUND")
    assert code(v2.undelete_store()) == (404, "NOT_FOUND")
