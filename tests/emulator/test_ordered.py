"""Ordered data stores of both versions: entries, order, filters, pages, and numbers of 64 bits."""

from typing import Any

import pytest

from rblxcloud.emulator.core import Emulator
from tests.emulator.stores import Ordered, code
from tests.support.emulator import Caller

LARGEST = 2**63 - 1
SMALLEST = -(2**63)


@pytest.fixture(autouse=True)
def unlimited(emulator: Emulator) -> None:
    emulator.limits.enabled = False


@pytest.fixture
def v1(call: Caller) -> Ordered:
    return Ordered(call, 1)


@pytest.fixture
def v2(call: Caller) -> Ordered:
    return Ordered(call, 2)


@pytest.fixture(params=[1, 2])
def store(call: Caller, request: pytest.FixtureRequest) -> Ordered:
    return Ordered(call, request.param)


@pytest.fixture
def filled(store: Ordered) -> Ordered:
    for key, value in (("b", 2), ("a", 2), ("c", -5), ("d", 9)):
        store.create(key, value)
    return store


def test_v1_shows_an_entry(v1: Ordered) -> None:
    answer = v1.create("45", 54)
    assert answer.status == 200
    assert answer.json == {
        "path": "universes/7/orderedDataStores/Points/scopes/global/entries/45",
        "id": "45",
        "value": 54,
    }
    assert v1.get("45").json == answer.json


def test_v2_shows_an_entry(v2: Ordered) -> None:
    answer = v2.create("45", 54)
    assert answer.status == 200
    assert answer.json == {
        "path": "universes/7/ordered-data-stores/Points/scopes/global/entries/45",
        "value": 54,
        "id": "45",
    }
    assert v2.get("45").json == answer.json


def test_both_versions_see_the_same_entry(v1: Ordered, v2: Ordered) -> None:
    v1.create("k", 1)
    v2.update("k", 2)
    assert v1.get("k").json["value"] == 2


def test_scopes_and_stores_are_apart(call: Caller, store: Ordered) -> None:
    store.create("k", 1)
    version = 2 if store.v2 else 1
    assert Ordered(call, version, scope="other").get("k").status == 404
    assert Ordered(call, version, store="Other").get("k").status == 404


def test_creating_twice_is_400(store: Ordered) -> None:
    store.create("k", 1)
    answer = store.create("k", 2)
    assert code(answer) == (400, "INVALID_ARGUMENT")
    assert answer.json["message"] == "Entry already exists."
    assert store.get("k").json["value"] == 1


def test_a_missing_entry_is_404(store: Ordered) -> None:
    assert code(store.get("k")) == (404, "NOT_FOUND")
    assert code(store.update("k", 1)) == (404, "NOT_FOUND")
    assert store.get("k").status == 404


def test_an_update_may_create(store: Ordered) -> None:
    assert store.update("k", 5, allow_missing=True).json["value"] == 5
    assert store.update("k", 5).json["value"] == 5
    assert store.get("k").json["value"] == 5


def test_a_removal_is_at_once_and_leaves_nothing(store: Ordered) -> None:
    store.create("k", 1)
    answer = store.delete("k")
    assert (answer.status, answer.json) == (200, {})
    assert store.get("k").status == 404
    assert store.create("k", 2).status == 200


def test_removing_a_missing_entry_is_200_in_v1_and_404_in_v2(v1: Ordered, v2: Ordered) -> None:
    assert (v1.delete("k").status, v1.delete("k").json) == (200, {})
    assert code(v2.delete("k")) == (404, "NOT_FOUND")


def test_an_increment_adds_and_creates(store: Ordered) -> None:
    assert [store.increment("k", amount).json["value"] for amount in (5, -7)] == [5, -2]
    assert store.get("k").json["value"] == -2


@pytest.mark.parametrize(
    ("start", "amount", "end"), [(LARGEST, 1, LARGEST), (LARGEST, LARGEST, LARGEST), (SMALLEST, -1, SMALLEST)]
)
def test_an_increment_is_clamped_to_64_bits(v1: Ordered, start: int, amount: int, end: int) -> None:
    v1.create("k", start)
    assert v1.increment("k", amount).json["value"] == end
    assert v1.get("k").json["value"] == end


# --- arguments


@pytest.mark.parametrize("value", [None, "x", True, [1], {}, "NaN"])
def test_a_value_that_is_no_number_is_400(store: Ordered, value: Any) -> None:
    answers = [store.create("k", value), store.update("k", value, allow_missing=True), store.increment("k", value)]
    assert [code(answer) for answer in answers] == [(400, "INVALID_ARGUMENT")] * 3
    assert store.get("k").status == 404


def test_a_body_without_a_value_is_400(store: Ordered) -> None:
    assert code(store.call("POST", f"{store.entries}?id=k", {})) == (400, "INVALID_ARGUMENT")
    assert code(store.call("POST", f"{store.path('k')}:increment", {})) == (400, "INVALID_ARGUMENT")


@pytest.mark.parametrize("value", [LARGEST + 1, SMALLEST - 2**12, 1e300])
def test_a_value_beyond_64_bits_is_400(store: Ordered, value: float) -> None:
    assert code(store.create("k", value)) == (400, "INVALID_ARGUMENT")


def test_v1_takes_whole_numbers_only_and_all_of_64_bits(v1: Ordered) -> None:
    assert code(v1.create("k", 1.5)) == (400, "INVALID_ARGUMENT")
    assert v1.create("a", LARGEST).json["value"] == LARGEST
    assert v1.create("b", 2**53 + 1).json["value"] == 2**53 + 1
    assert v1.create("c", str(LARGEST)).json["value"] == LARGEST


@pytest.mark.parametrize(("sent", "kept"), [(1.4, 1), (1.5, 2), (2.5, 3), (-1.5, -2), (-1.4, -1), ("7", 7)])
def test_v2_rounds_to_the_nearest_whole_number(v2: Ordered, sent: Any, kept: int) -> None:
    assert v2.create("k", sent).json["value"] == kept
    assert v2.increment("new", sent).json["value"] == kept


def test_v2_writes_and_shows_doubles(v1: Ordered, v2: Ordered) -> None:
    v2.create("k", 2**53 + 1)
    assert v1.get("k").json["value"] == 2**53
    v1.create("exact", 2**53 + 1)
    assert v2.get("exact").json["value"] == 2**53
    assert v1.get("exact").json["value"] == 2**53 + 1


def test_v2_increments_the_stored_number_exactly(v1: Ordered, v2: Ordered) -> None:
    v1.create("k", 2**53 + 1)
    v2.increment("k", 2)
    assert v1.get("k").json["value"] == 2**53 + 3


def test_keys_have_50_bytes_in_v1_and_63_in_v2(v1: Ordered, v2: Ordered) -> None:
    assert [v1.create("k" * length, 1).status for length in (50, 51)] == [200, 400]
    assert [v2.create("l" * length, 1).status for length in (63, 64)] == [200, 400]
    assert v2.get("l" * 63).status == 200
    assert v1.get("l" * 63).status == 400


def test_an_id_is_required(store: Ordered) -> None:
    assert code(store.call("POST", store.entries, {"value": 1})) == (400, "INVALID_ARGUMENT")


@pytest.mark.parametrize(("name", "scope"), [("s" * 51, "global"), ("Points", "s" * 51)])
def test_store_and_scope_have_50_bytes(call: Caller, store: Ordered, name: str, scope: str) -> None:
    assert code(Ordered(call, 2 if store.v2 else 1, name, scope).create("k", 1)) == (400, "INVALID_ARGUMENT")


# --- order, filters, pages


def test_entries_are_listed_by_value_and_equal_ones_by_key(filled: Ordered) -> None:
    assert filled.rows() == [("c", -5), ("a", 2), ("b", 2), ("d", 9)]


@pytest.mark.parametrize("order", ["desc", "value desc"])
def test_entries_are_listed_backwards_with_equal_ones_by_key(filled: Ordered, order: str) -> None:
    assert filled.rows(order=order) == [("d", 9), ("a", 2), ("b", 2), ("c", -5)]


@pytest.mark.parametrize("order", ["asc", "id", "value asc", "VALUE", "value  desc"])
def test_other_orders_are_400(filled: Ordered, order: str) -> None:
    assert code(filled.list(order=order)) == (400, "INVALID_ARGUMENT")


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("entry <= 2", ["c", "a", "b"]),
        ("entry >= 2", ["a", "b", "d"]),
        ("entry >= -5 && entry <= 2", ["c", "a", "b"]),
        ("entry <= 2 && entry >= 2", ["a", "b"]),
        ("entry >= 10", []),
        ("entry >= 3 && entry <= 2", []),
        (f"entry <= {LARGEST}", ["c", "a", "b", "d"]),
    ],
)
def test_entries_are_filtered_by_value(filled: Ordered, condition: str, found: list[str]) -> None:
    assert [key for key, _ in filled.rows(filter=condition)] == found
    assert {key for key, _ in filled.rows(filter=condition, order="desc")} == set(found)


@pytest.mark.parametrize(
    "condition",
    [
        "entry<=2",
        "entry  <= 2",
        "entry <= 2 ",
        "entry < 2",
        "entry == 2",
        "value <= 2",
        "entry <= 2.5",
        "entry <= x",
        "entry <= 2 && ",
        "entry <= 2&&entry >= 1",
        "entry <= 2 || entry >= 1",
        "ENTRY <= 2",
        f"entry <= {LARGEST + 1}",
    ],
)
def test_other_filters_are_400(filled: Ordered, condition: str) -> None:
    assert code(filled.list(filter=condition)) == (400, "INVALID_ARGUMENT")


def test_the_last_page_has_an_empty_token_in_v1_and_none_in_v2(v1: Ordered, v2: Ordered) -> None:
    v1.create("k", 1)
    assert v1.list(size=1).json["nextPageToken"] == ""
    assert "nextPageToken" not in v2.list(size=1).json


@pytest.mark.parametrize("order", ["", "desc"])
@pytest.mark.parametrize("values", [range(7), [5] * 7, [LARGEST, LARGEST, SMALLEST, SMALLEST, 0, 1, 1]])
def test_pages_hold_every_entry_once(store: Ordered, v1: Ordered, values: list[int], order: str) -> None:
    for number, value in enumerate(values):
        v1.create(f"k{number}", value)
    query: dict[str, Any] = {"size": 2, **({"order": order} if order else {})}
    keys: list[str] = []
    token = ""
    for _ in range(4):
        answer = store.list(**query, **({"token": token} if token else {})).json
        keys += [row["id"] for row in answer["orderedDataStoreEntries" if store.v2 else "entries"]]
        token = answer.get("nextPageToken", "")
    assert token == ""
    sign = -1 if order else 1
    assert keys == [f"k{n}" for n, _ in sorted(enumerate(values), key=lambda row: (sign * row[1], f"k{row[0]}"))]


@pytest.mark.parametrize(("size", "count"), [(None, 10), (0, 10), (100, 100), (101, 100)])
def test_pages_have_10_by_default_and_at_most_100(store: Ordered, size: int | None, count: int) -> None:
    for number in range(105):
        store.create(f"k{number}", number)
    assert len(store.rows(**({} if size is None else {"size": size}))) == count


@pytest.mark.parametrize("change", [{"order": "desc"}, {"filter": "entry >= 0"}, {"size": 2}])
def test_a_token_is_good_only_for_the_parameters_it_was_made_for(filled: Ordered, change: dict[str, Any]) -> None:
    token = filled.list(size=1).json["nextPageToken"]
    assert filled.list(size=1, token=token).status == 200
    assert code(filled.list(**{"size": 1, **change}, token=token)) == (400, "INVALID_ARGUMENT")


@pytest.mark.parametrize("query", [{"token": "x"}, {"size": -1}, {"size": "x"}])
def test_bad_pages_are_400(filled: Ordered, query: dict[str, Any]) -> None:
    assert code(filled.list(**query)) == (400, "INVALID_ARGUMENT")
