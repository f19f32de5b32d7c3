"""v1 of the standard data stores: values, headers, preconditions and refusals."""

import base64
import hashlib
from typing import Any

import pytest

from rblxcloud.emulator.api_keys import ApiKey
from rblxcloud.emulator.core import Emulator
from tests.emulator.stores import DAY, V1, V2, code
from tests.support.emulator import Caller

OBJECTS = "universe-datastores.objects"
NEW_STORE = "universe-datastores.control:create"


@pytest.fixture
def v1(emulator: Emulator, call: Caller) -> V1:
    emulator.limits.enabled = False
    return V1(call)


def md5(body: bytes) -> str:
    return base64.b64encode(hashlib.md5(body).digest()).decode()


@pytest.mark.parametrize("body", [b'"abc"', b' {"b" : 1.50, "a":[true, 9007199254740993]}\n', b"750", b"[]", b"false"])
def test_the_value_comes_back_byte_for_byte(v1: V1, body: bytes) -> None:
    v1.set(value=body)
    answer = v1.get()
    assert (answer.status, answer.reply.body) == (200, body)
    assert answer.headers["content-type"] == "application/json"


def test_a_write_tells_the_version(v1: V1) -> None:
    answer = v1.set(value="abc")
    assert answer.headers["content-type"].startswith("text/json")
    assert answer.json == {
        "version": "08DF72DD8DAA8000.0000000001.08DF72DD8DAA8000.01",
        "deleted": False,
        "contentLength": 5,
        "createdTime": "2027-01-15T08:00:00.0000000Z",
        "objectCreatedTime": "2027-01-15T08:00:00.0000000Z",
    }


def test_the_headers_of_a_value(v1: V1, emulator: Emulator) -> None:
    v1.set(value=1)
    emulator.clock.advance(0.25)
    version = v1.set(value=b"750").json["version"]
    headers = v1.get().headers
    assert headers["content-md5"] == "sTf90fedVsft8zZf6nUg8g=="
    assert headers["roblox-entry-version"] == version
    assert headers["roblox-entry-created-time"] == "2027-01-15T08:00:00.0000000+00:00"
    assert headers["roblox-entry-version-created-time"] == "2027-01-15T08:00:00.2500000+00:00"
    assert "roblox-entry-attributes" not in headers
    assert "roblox-entry-userids" not in headers


def test_attributes_and_users_are_kept_and_cleared_by_the_next_write(v1: V1) -> None:
    v1.set(headers={"roblox-entry-attributes": '{"a": "b"}', "roblox-entry-userids": "[1, 23]"})
    headers = v1.get().headers
    assert headers["roblox-entry-attributes"] == '{"a": "b"}'
    assert headers["roblox-entry-userids"] == "[1, 23]"
    v1.set()
    assert "roblox-entry-attributes" not in v1.get().headers


def test_users_may_be_a_comma_list(v1: V1) -> None:
    v1.set(headers={"roblox-entry-userids": "1, 2,3"})
    assert v1.get().headers["roblox-entry-userids"] == "[1, 2, 3]"


def test_attributes_in_utf8_come_back_as_ascii(v1: V1) -> None:
    v1.set(headers={"roblox-entry-attributes": '{"a":"é"}'.encode().decode("latin-1")})
    assert v1.get().headers["roblox-entry-attributes"] == '{"a": "\\u00e9"}'


@pytest.mark.parametrize("users", ["[1,2,3,4,5]", "[0]", "[-1]", "[1.5]", '["1"]', "[true]", "x", "[1", "[[1]]", "{}"])
def test_bad_users_are_refused(v1: V1, users: str) -> None:
    assert code(v1.set(headers={"roblox-entry-userids": users})) == (400, "InvalidUserIds")
    assert v1.get().status == 404


@pytest.mark.parametrize(
    "attributes",
    [
        "[]",
        "null",
        "{",
        '{"a": NaN}',
        f'{{"{"n" * 51}": "v"}}',
        f'{{"n": "{"v" * 251}"}}',
        f'{{"a": "{"v" * 150}", "b": "{"v" * 149}"}}',
    ],
)
def test_bad_attributes_are_refused(v1: V1, attributes: str) -> None:
    assert code(v1.set(headers={"roblox-entry-attributes": attributes})) == (400, "InvalidAttributes")


def test_attributes_may_fill_their_limits(v1: V1) -> None:
    attributes = f'{{"{"n" * 50}": "{"v" * 250}"}}'
    assert v1.set(headers={"roblox-entry-attributes": attributes}).status == 200


@pytest.mark.parametrize(
    "body",
    [b"x", b"{", b"NaN", b"[Infinity]", b"1e999", b"null", b"\xff", b'"\\ud800"', b"[" * 200 + b"]" * 200],
)
def test_what_is_not_json_is_refused(v1: V1, body: bytes) -> None:
    assert code(v1.set(value=body)) == (400, "ContentNotJson")


def test_an_empty_body_is_refused(v1: V1) -> None:
    assert v1.set(value=b"").status == 400


def test_a_value_may_fill_the_limit_and_not_a_byte_more(v1: V1) -> None:
    assert v1.set(value=b'"' + b"a" * 4_194_302 + b'"').json["contentLength"] == 4_194_304
    assert code(v1.set(value=b'"' + b"a" * 4_194_303 + b'"')) == (400, "ContentTooBig")


def test_the_checksum_has_to_match(v1: V1) -> None:
    assert v1.set(value=b"1", headers={"content-md5": md5(b"1")}).status == 200
    assert code(v1.set(value=b"1", headers={"content-md5": md5(b"2")})) == (400, "ChecksumMismatch")


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ({"entryKey": ""}, "InvalidEntryKey"),
        ({"entryKey": "k" * 51}, "InvalidEntryKey"),
        ({"entryKey": "é" * 26}, "InvalidEntryKey"),
        ({"datastoreName": "", "entryKey": "k"}, "InvalidDataStoreName"),
        ({"datastoreName": "s" * 51, "entryKey": "k"}, "InvalidDataStoreName"),
        ({"scope": "s" * 51, "entryKey": "k"}, "InvalidDataStoreScope"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_names_have_1_to_50_bytes(v1: V1, method: str, query: dict[str, str], problem: str) -> None:
    body = b"1" if method == "POST" else None
    assert code(v1.send(method, "/entry", body, **query)) == (400, problem)


def test_a_key_of_50_bytes_is_good(v1: V1) -> None:
    assert v1.set("é" * 25).status == 200
    assert v1.get("é" * 25).status == 200


def test_query_names_have_any_case(v1: V1) -> None:
    v1.set("k", 5)
    path = f"{v1.prefix}/datastore/entries/entry?DATASTORENAME=S&EntryKey=k&SCOPE=global"
    assert v1.call("GET", path).reply.body == b"5"


def test_scopes_are_apart_and_global_is_the_default(v1: V1) -> None:
    v1.set(value=1)
    v1.set(value=2, scope="other")
    assert [v1.get(scope=scope).reply.body for scope in ("", "global", "other")] == [b"1", b"1", b"2"]


def test_universes_are_apart(v1: V1) -> None:
    v1.set()
    assert V1(v1.call, universe=8).get().status == 404


@pytest.mark.parametrize("step", ["get", "delete"])
def test_a_missing_key_is_entry_not_found(v1: V1, step: str) -> None:
    assert code(getattr(v1, step)()) == (404, "EntryNotFound")


@pytest.mark.parametrize("step", ["get", "delete"])
def test_a_removed_key_is_entry_not_found(v1: V1, step: str) -> None:
    v1.set()
    removed = v1.delete()
    assert (removed.status, removed.reply.body) == (204, b"")
    assert code(getattr(v1, step)()) == (404, "EntryNotFound")


# --- preconditions


def test_exclusive_create_writes_only_what_is_absent(v1: V1) -> None:
    assert v1.set(value=1, exclusiveCreate=True).status == 200
    refused = v1.set(value=2, exclusiveCreate=True)
    assert (refused.status, refused.reply.body) == (412, b"1")
    assert v1.get().reply.body == b"1"


def test_exclusive_create_writes_over_a_tombstone(v1: V1) -> None:
    v1.set()
    v1.delete()
    assert v1.set(exclusiveCreate=True).status == 200


def test_match_version_writes_only_over_that_version(v1: V1) -> None:
    old = v1.set(value=1).json["version"]
    new = v1.set(value=2, matchVersion=old).json["version"]
    assert v1.set(value=3, matchVersion=old).status == 412
    assert v1.set(value=3, matchVersion=new).status == 200


def test_412_carries_the_current_value_with_all_its_headers(v1: V1) -> None:
    old = v1.set(value=1).json["version"]
    v1.set(value=2, headers={"roblox-entry-attributes": '{"a": "b"}', "roblox-entry-userids": "[9]"})
    refused, current = v1.set(value=3, matchVersion=old), v1.get()
    assert (refused.status, refused.reply.body) == (412, b"2")
    assert refused.headers == current.headers


def test_match_version_on_an_absent_key_is_412_without_a_value(v1: V1) -> None:
    version = v1.set("other").json["version"]
    refused = v1.set("k", matchVersion=version)
    assert (refused.status, refused.reply.body) == (412, b"")
    assert v1.get("k").status == 404


def test_match_version_accepts_the_tombstone_it_names(v1: V1) -> None:
    v1.set()
    v1.delete()
    tombstone = v1.versions(sortOrder="Descending").json["versions"][0]["version"]
    assert v1.set(matchVersion=tombstone).status == 200


def test_both_preconditions_are_400(v1: V1) -> None:
    version = v1.set().json["version"]
    refused = v1.set(matchVersion=version, exclusiveCreate=True)
    assert code(refused) == (400, "ExclusiveCreateAndMatchVersionCannotBeSet")


def test_a_garbled_match_version_is_400(v1: V1) -> None:
    assert code(v1.set(matchVersion="x")) == (400, "InvalidVersionId")


# --- increments


def test_an_increment_answers_with_the_number_and_the_headers_of_a_value(v1: V1) -> None:
    v1.set(value=40)
    answer = v1.increment(incrementBy=2, headers={"roblox-entry-userids": "[5]"})
    assert (answer.status, answer.reply.body) == (200, b"42")
    assert answer.headers == v1.get().headers
    assert answer.headers["roblox-entry-userids"] == "[5]"


def test_an_increment_is_one_by_default_and_creates(v1: V1) -> None:
    assert [v1.increment().reply.body for _ in range(2)] == [b"1", b"2"]


def test_an_increment_clears_what_it_does_not_repeat(v1: V1) -> None:
    v1.set(headers={"roblox-entry-attributes": '{"a": "b"}', "roblox-entry-userids": "[1]"})
    v1.increment()
    assert {"roblox-entry-attributes", "roblox-entry-userids"}.isdisjoint(v1.get().headers)


def test_an_increment_creates_anew_on_a_tombstone(v1: V1) -> None:
    v1.set(value=40)
    v1.delete()
    assert v1.increment(incrementBy=2).reply.body == b"2"


def test_increments_are_exact_up_to_64_bits(v1: V1) -> None:
    v1.set(value=2**53)
    assert v1.increment().reply.body == b"9007199254740993"


@pytest.mark.parametrize("value", ["text", 1.5, True, [], {}])
def test_only_whole_numbers_are_incremented(v1: V1, value: Any) -> None:
    v1.set(value=value)
    assert code(v1.increment()) == (400, "ExistingValueNotNumeric")


@pytest.mark.parametrize(
    ("start", "amount", "problem"),
    [
        (2**63 - 1, 1, "IncrementValueTooLarge"),
        (-(2**63), -1, "IncrementValueTooSmall"),
        (0, 2**63, "IncrementValueTooLarge"),
        (0, -(2**63) - 1, "IncrementValueTooSmall"),
    ],
)
def test_increments_stay_in_64_bits(v1: V1, start: int, amount: int, problem: str) -> None:
    v1.set(value=start)
    assert code(v1.increment(incrementBy=amount)) == (400, problem)
    assert v1.get().json == start


def test_an_increment_reaches_the_last_number(v1: V1) -> None:
    v1.set(value=2**63 - 2)
    assert v1.increment().json == 2**63 - 1


@pytest.mark.parametrize("amount", ["x", "1.5"])
def test_an_amount_that_is_no_whole_number_is_400(v1: V1, amount: str) -> None:
    assert v1.increment(incrementBy=amount).status == 400


def test_an_increment_needs_a_content_length(v1: V1) -> None:
    path = f"{v1.prefix}/datastore/entries/entry/increment?datastoreName=S&entryKey=k"
    assert code(v1.call("POST", path)) == (400, "ContentLengthRequired")


# --- scopes


@pytest.mark.parametrize(
    ("scopes", "first", "second"),
    [
        ((f"{OBJECTS}:create", f"{OBJECTS}:update", NEW_STORE), 200, 200),
        ((f"{OBJECTS}:create", NEW_STORE), 200, 403),
        ((f"{OBJECTS}:update", NEW_STORE), 403, 403),
        ((f"{OBJECTS}:create",), 403, 403),
        ((f"{OBJECTS}:read",), 403, 403),
    ],
)
@pytest.mark.parametrize("suffix", ["/entry", "/entry/increment"])
def test_a_write_wants_the_scopes_of_what_it_does(
    emulator: Emulator, v1: V1, suffix: str, scopes: tuple[str, ...], first: int, second: int
) -> None:
    emulator.add_key("narrow", ApiKey.model_validate({"scopes": scopes}))
    body = b"1" if suffix == "/entry" else None
    answers = [v1.send("POST", suffix, body, credential="narrow", entryKey="k") for _ in range(2)]
    assert [answer.status for answer in answers] == [first, second]
    assert all(code(answer) == (403, "InsufficientScope") for answer in answers if answer.status == 403)


def test_a_write_into_an_existing_store_needs_no_control_scope(emulator: Emulator, v1: V1) -> None:
    v1.set("first")
    emulator.add_key("narrow", ApiKey.model_validate({"scopes": (f"{OBJECTS}:create",)}))
    assert v1.send("POST", "/entry", b"1", credential="narrow", entryKey="k").status == 200


@pytest.mark.parametrize(("method", "scope"), [("GET", "read"), ("DELETE", "delete")])
def test_reading_and_deleting_want_their_scope(emulator: Emulator, v1: V1, method: str, scope: str) -> None:
    v1.set()
    emulator.add_key("good", ApiKey.model_validate({"scopes": (f"{OBJECTS}:{scope}",)}))
    emulator.add_key("bad", ApiKey.model_validate({"scopes": (f"{OBJECTS}:create",)}))
    assert code(v1.send(method, "/entry", credential="bad", entryKey="k")) == (403, "InsufficientScope")
    assert v1.send(method, "/entry", credential="good", entryKey="k").status in (200, 204)


# --- both versions on one storage


def test_v2_reads_what_v1_wrote_under_the_same_version(v1: V1) -> None:
    written = v1.set(
        value={"a": [1, 2.5]},
        headers={"roblox-entry-attributes": '{"a":"b"}', "roblox-entry-userids": "[1]"},
    )
    entry = V2(v1.call).get().json
    assert (entry["value"], entry["revisionId"]) == ({"a": [1, 2.5]}, written.json["version"])
    assert (entry["users"], entry["attributes"]) == (["users/1"], {"a": "b"})


def test_v1_reads_what_v2_wrote_under_the_same_version(v1: V1) -> None:
    written = V2(v1.call).create(value={"a": [1, 2.5]}, users=["users/1"], attributes={"a": "b"})
    answer = v1.get()
    assert answer.reply.body == b'{"a":[1,2.5]}'
    assert answer.headers["roblox-entry-version"] == written.json["etag"]
    assert answer.headers["roblox-entry-userids"] == "[1]"


def test_a_deleted_store_is_not_found(v1: V1) -> None:
    v1.set()
    V2(v1.call).delete_store()
    answers = [v1.get(), v1.set(), v1.delete(), v1.increment(), v1.keys(), v1.versions()]
    assert [code(answer) for answer in answers] == [(404, "DatastoreNotFound")] * 6


def test_a_purged_key_is_created_anew(v1: V1, emulator: Emulator) -> None:
    first = v1.set().json["version"]
    v1.delete()
    emulator.clock.advance(30 * DAY)
    again = v1.set().json
    assert again["objectCreatedTime"] == again["createdTime"]
    assert code(v1.version(first)) == (404, "VersionNotFound")
