"""The emulator's memory stores: sorted maps, queues, the flush, and the room that there is."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rblxcloud.emulator import Clock, Emulator, OperationScript
from rblxcloud.emulator.filters import Bound, item_bounds
from rblxcloud.emulator.model import RawRequest, Refusal
from rblxcloud.resources.sorted_map import _bound
from tests.emulator.stores import code
from tests.support.emulator import START, Answer, Caller

BASE = "/cloud/v2/universes/7/memory-store"
MAP = f"{BASE}/sorted-maps/m/items"
QUEUE = f"{BASE}/queues/q/items"
MINUTE = 60


def put(call: Caller, key: str, value: Any = 1, **fields: Any) -> Answer:
    return call("POST", f"{MAP}?id={quote(key, safe='')}", {"value": value, **fields})


def get(call: Caller, key: str) -> Answer:
    return call("GET", f"{MAP}/{quote(key, safe='')}")


def ids(call: Caller, **query: Any) -> list[str]:
    """Return the ids that a list has over all of its pages."""
    found, token = list[str](), ""
    text = "&".join(f"{name}={quote(str(value), safe='')}" for name, value in {"maxPageSize": 100, **query}.items())
    while True:
        answer = call("GET", f"{MAP}?{text}&pageToken={token}")
        assert answer.status == 200, answer.json
        found += [item["id"] for item in answer.json["items"]]
        token = answer.json.get("nextPageToken", "")
        if not token:
            return found


def add(call: Caller, data: Any, **fields: Any) -> Answer:
    return call("POST", QUEUE, {"data": data, **fields})


def read(call: Caller, **query: Any) -> Answer:
    return call("GET", f"{QUEUE}:read?" + "&".join(f"{name}={value}" for name, value in query.items()))


def values(answer: Answer) -> list[Any]:
    return [item["data"] for item in answer.json["items"]]


# --- sorted maps


def test_a_map_shows_its_items(call: Caller) -> None:
    answer = put(call, "a/b", {"x": 1.0}, numericSortKey=1, ttl="60s")
    assert answer.json == {
        "path": "cloud/v2/universes/7/memory-store/sorted-maps/m/items/a/b",
        "value": {"x": 1},
        "etag": "1",
        "expireTime": "2027-01-15T08:01:00Z",
        "id": "a/b",
        "numericSortKey": 1,
    }
    assert get(call, "a/b").json == answer.json
    assert put(call, "plain").json.keys() == {"path", "value", "etag", "expireTime", "id"}
    assert put(call, "text", stringSortKey="z").json["stringSortKey"] == "z"


def test_etags_grow_over_the_whole_universe(call: Caller) -> None:
    first = int(put(call, "a").json["etag"])
    add(call, 1)
    other = call("POST", f"{BASE}/sorted-maps/other/items?id=a", {"value": 1})
    assert first < int(other.json["etag"])
    assert call("POST", f"{BASE.replace('7', '8')}/sorted-maps/m/items?id=a", {"value": 1}).json["etag"] == "1"


def test_an_update_merges_and_names_no_item(call: Caller) -> None:
    before = put(call, "a", numericSortKey=5, ttl="60s").json
    answer = call("PATCH", f"{MAP}/a", {"value": 2})
    assert answer.json == {
        "path": "cloud/v2/universes/7/memory-store/sorted-maps/m/items/",
        "value": 2,
        "etag": "2",
        "expireTime": before["expireTime"],
        "numericSortKey": 5,
    }
    shown = call("PATCH", f"{MAP}/a", {"stringSortKey": "s", "ttl": "120s"}).json
    assert (shown["value"], shown["stringSortKey"], shown["expireTime"]) == (2, "s", "2027-01-15T08:02:00Z")
    assert "numericSortKey" not in shown


def test_an_update_creates_only_where_it_may(call: Caller) -> None:
    assert code(call("PATCH", f"{MAP}/a", {"value": 1})) == (404, "NOT_FOUND")
    assert call("PATCH", f"{MAP}/a?allowMissing=true", {"value": 1}).status == 200
    assert code(call("PATCH", f"{MAP}/b?allowMissing=true", {"ttl": "1s"})) == (400, "INVALID_ARGUMENT")
    assert code(call("PATCH", f"{MAP}/b?allowMissing=yes", {"value": 1})) == (400, "INVALID_ARGUMENT")


def test_an_etag_is_a_precondition(call: Caller) -> None:
    etag = put(call, "a").json["etag"]
    changed = call("PATCH", f"{MAP}/a", {"value": 2, "etag": etag})
    assert changed.status == 200
    assert code(call("PATCH", f"{MAP}/a", {"value": 3, "etag": etag})) == (409, "ABORTED")
    assert code(call("PATCH", f"{MAP}/b?allowMissing=true", {"value": 3, "etag": etag})) == (409, "ABORTED")
    assert code(call("DELETE", f"{MAP}/a?etag={etag}")) == (409, "ABORTED")
    assert get(call, "a").json["value"] == 2
    assert call("DELETE", f"{MAP}/a?etag={changed.json['etag']}").json == {}


def test_an_item_that_is_there_is_not_created(call: Caller) -> None:
    put(call, "a")
    answer = put(call, "a", 2)
    assert (answer.status, answer.json["error"]) == (409, "ALREADY_EXISTS")
    assert put(call, "A").status == 200


def test_what_is_missing_or_expired_is_404(call: Caller, clock: Clock) -> None:
    assert code(get(call, "a")) == code(call("DELETE", f"{MAP}/a")) == (404, "NOT_FOUND")
    put(call, "a", ttl="1.5s")
    clock.advance(1.4)
    assert get(call, "a").status == 200
    clock.advance(0.1)
    assert get(call, "a").status == 404
    assert put(call, "a").status == 200


def test_items_stay_45_days_where_nothing_is_said(call: Caller, clock: Clock) -> None:
    put(call, "a")
    clock.advance(45 * 86_400 - 1)
    assert get(call, "a").status == 200
    clock.advance(1)
    assert get(call, "a").status == 404


@pytest.mark.parametrize("ttl", ["0s", "-1s", "3888000.1s", "3888001s", "60", 60, "1m", "", True])
def test_times_to_live_have_bounds(call: Caller, ttl: Any) -> None:
    for answer in (put(call, "a", ttl=ttl), add(call, 1, ttl=ttl)):
        assert code(answer) == (400, "INVALID_ARGUMENT")
    assert put(call, "a", ttl="3888000s").status == 200


@pytest.mark.parametrize(
    "fields",
    [
        {"numericSortKey": 1, "stringSortKey": "a"},
        {"stringSortKey": "s" * 129},
        {"stringSortKey": 5},
        {"numericSortKey": "five"},
        {"numericSortKey": True},
        {"value": "x" * 32_767},
        {"value": None},
    ],
)
def test_other_fields_are_400(call: Caller, fields: dict[str, Any]) -> None:
    assert code(put(call, "a", **fields)) == (400, "INVALID_ARGUMENT")


@pytest.mark.parametrize(("key", "status"), [("", 400), ("k" * 127, 200), ("k" * 128, 400), ("é" * 127, 200)])
def test_ids_have_1_to_127_characters(call: Caller, key: str, status: int) -> None:
    assert put(call, key).status == status


def test_a_value_has_32_kilobytes(call: Caller) -> None:
    call.emulator.set_players(7, 100)
    assert put(call, "a", "x" * 32_766).status == 200
    assert add(call, "x" * 32_766).status == 200
    assert "ItemValueSizeTooLarge" in add(call, "x" * 32_767).json["message"]


def test_older_clients_are_understood(call: Caller) -> None:
    assert call("POST", MAP, {"Id": "a", "Value": 1, "Ttl": "60s", "NumericSortKey": 2}).json["numericSortKey"] == 2
    assert call("POST", MAP, {"id": "b", "value": 1, "string_sort_key": "s"}).json["stringSortKey"] == "s"
    assert call("POST", f"{QUEUE}:add", {"Data": "old", "Ttl": "60s", "Priority": 1}).json["priority"] == 1
    found = read(call, invisibilityTimeoutSeconds=5)
    assert values(found) == ["old"]
    assert call("POST", f"{QUEUE}:discard?readId={found.json['readId']}", {}).status == 200
    assert call.emulator.memory_stores.queue(7, "q") == []


# --- order, filters, pages

TEXTS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=5)
SORT_KEYS = st.one_of(st.none(), st.integers(-3, 3), st.floats(-1e300, 1e300), TEXTS)
CONTENTS = st.dictionaries(TEXTS.filter(lambda key: key not in (".", "..")), SORT_KEYS, max_size=12)


def place(row: tuple[str, Any]) -> tuple[Any, ...]:
    """Return a key that sorts as the facts say: numbers, then texts, then nothing; ties by id."""
    key, sort_key = row
    if sort_key is None:
        return (2, 0, "", key)
    return (1, 0, sort_key, key) if isinstance(sort_key, str) else (0, sort_key, "", key)


def fields(sort_key: Any) -> dict[str, Any]:
    if sort_key is None:
        return {}
    return {"stringSortKey" if isinstance(sort_key, str) else "numericSortKey": sort_key}


@settings(max_examples=60, deadline=None)
@given(CONTENTS, st.integers(1, 5), st.one_of(st.none(), TEXTS), SORT_KEYS)
def test_lists_are_in_the_one_order_whatever_is_in_the_map(
    contents: dict[str, Any], size: int, above: str | None, below: Any
) -> None:
    with Emulator(limits=False) as emulator:
        call = Caller(emulator)
        for key, sort_key in contents.items():
            assert put(call, key, key, **fields(sort_key)).status == 200
        order = [key for key, _ in sorted(contents.items(), key=place)]
        assert ids(call, maxPageSize=size) == order
        assert ids(call, maxPageSize=size, orderBy="id desc") == order[::-1]
        assert [item.id for item in emulator.memory_stores.sorted_map(7, "m")] == order
        bounds = [*_bound("id >", "a", above), *_bound("sortKey <", "b", below)]

        def wanted(key: str) -> bool:
            sort_key = contents[key]
            alike = sort_key is not None and isinstance(sort_key, str) == isinstance(below, str)
            return (above is None or key > above) and (below is None or (alike and sort_key < below))

        assert ids(call, maxPageSize=size, filter=" && ".join(bounds)) == [key for key in order if wanted(key)]


@settings(max_examples=300)
@given(st.lists(st.one_of(st.text(st.characters(codec="utf-8"), min_size=1, max_size=128), st.floats(-1e300, 1e300))))
def test_a_filter_says_what_the_client_was_told_and_nothing_else(given_bounds: list[str | float]) -> None:
    conditions = [_bound("sortKey >", "sort_key_above", bound)[0] for bound in given_bounds]
    assert item_bounds(" && ".join(conditions)) == [Bound("sortKey", ">", bound) for bound in given_bounds]


@pytest.mark.parametrize(
    ("text", "bounds"),
    [
        ("", []),
        ('id>"a"&&id<"b"', [("id", ">", "a"), ("id", "<", "b")]),
        (' id  <  "a && b" ', [("id", "<", "a && b")]),
        ("sortKey < -1.5e3", [("sortKey", "<", -1500.0)]),
        (r'sortKey > "\"\\\n"', [("sortKey", ">", '"\\\n')]),
    ],
)
def test_filters_are_read(text: str, bounds: list[tuple[Any, ...]]) -> None:
    assert item_bounds(text) == [Bound(*bound) for bound in bounds]


@pytest.mark.parametrize(
    "text",
    [
        'id >= "a"',
        'id == "a"',
        "id > 'a'",
        "id > a",
        "id > 5",
        'id > "a" || id < "b"',
        'id > "a" &&',
        '&& id > "a"',
        'id > "a" id < "b"',
        'id > "a" & id < "b"',
        'key > "a"',
        'id.startsWith("a")',
        'id > "a',
        'id > "a\\"',
        r'id > "\ud800"',
        r'id > "\x"',
        "sortKey > 0x10",
        "sortKey > NaN",
        " ",
    ],
)
def test_other_filters_are_400(call: Caller, text: str) -> None:
    with pytest.raises(Refusal):
        item_bounds(text)
    assert code(call("GET", f"{MAP}?filter={quote(text)}")) == (400, "INVALID_ARGUMENT")


def test_a_page_has_1_item_by_default_and_100_at_most(call: Caller) -> None:
    call.emulator.limits.enabled = False
    for number in range(101):
        put(call, f"{number:03}")
    assert len(call("GET", MAP).json["items"]) == 1
    assert len(call("GET", f"{MAP}?maxPageSize=500").json["items"]) == 100


def test_a_token_may_lead_to_an_empty_page(call: Caller) -> None:
    put(call, "a")
    token = call("GET", MAP).json["nextPageToken"]
    assert call("GET", f"{MAP}?pageToken={token}").json == {"items": []}
    assert code(call("GET", f"{MAP}?pageToken={token}&orderBy=id%20desc")) == (400, "INVALID_ARGUMENT")


@pytest.mark.parametrize("order", ["desc", "id desc"])
def test_lists_go_backwards(call: Caller, order: str) -> None:
    put(call, "a")
    put(call, "b")
    assert ids(call, orderBy=order) == ["b", "a"]


@pytest.mark.parametrize("order", ["asc", "ID", "sortKey", "id asc"])
def test_other_orders_are_400(call: Caller, order: str) -> None:
    assert code(call("GET", f"{MAP}?orderBy={quote(order)}")) == (400, "INVALID_ARGUMENT")


# --- queues


def test_a_queue_shows_its_items(call: Caller) -> None:
    answer = add(call, {"x": 1.0}, ttl="60s")
    number = "7fffffffffffffff0000000000000001"
    assert answer.json == {
        "path": f"cloud/v2/universes/7/memory-store/queues/q/items/{number}",
        "data": {"x": 1},
        "priority": 0,
        "expireTime": "2027-01-15T08:01:00Z",
    }
    found = read(call)
    assert found.json["items"] == [answer.json]
    [item] = call.emulator.memory_stores.queue(7, "q")
    assert (item.id, item.hidden_until, item.read_id) == (number, START + 30, found.json["readId"])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(st.integers(-2, 2), st.floats(-1e300, 1e300)), max_size=15), st.integers(1, 4))
def test_items_come_by_priority_and_then_in_turn(priorities: list[float], count: int) -> None:
    with Emulator(limits=False, clock=Clock(frozen=True)) as emulator:
        call = Caller(emulator)
        for number, priority in enumerate(priorities):
            assert add(call, number, priority=priority).status == 200
        found = list[int]()
        while page := values(read(call, count=count)):
            found += page
        assert found == [number for number, _ in sorted(enumerate(priorities), key=lambda row: (-row[1], row[0]))]


def test_what_is_read_is_hidden_until_its_window_lapses(call: Caller, clock: Clock) -> None:
    for value in "abc":
        add(call, value)
    first = read(call, count=2, invisibilityWindow="10s")
    assert values(read(call, count=5)) == ["c"]
    clock.advance(9.5)
    assert values(read(call, count=5)) == []
    clock.advance(0.5)
    again = read(call, count=5)
    assert values(again) == ["a", "b"], "they come back to the front"
    call("POST", f"{QUEUE}:discard", {"readId": first.json["readId"]})
    assert len(call.emulator.memory_stores.queue(7, "q")) == 3, "the first read has no say any more"
    call("POST", f"{QUEUE}:discard", {"readId": again.json["readId"]})
    assert [item.value for item in call.emulator.memory_stores.queue(7, "q")] == ["c"]


def test_a_discard_after_the_window_removes_nothing(call: Caller, clock: Clock) -> None:
    add(call, 1)
    found = read(call).json["readId"]
    clock.advance(30)
    assert call("POST", f"{QUEUE}:discard", {"readId": found}).json == {}
    assert values(read(call)) == [1]


@pytest.mark.parametrize("read_id", [None, "", "nonsense", 5, "A" * 32])
def test_a_malformed_read_id_is_400(call: Caller, read_id: Any) -> None:
    assert code(call("POST", f"{QUEUE}:discard", {"readId": read_id})) == (400, "INVALID_ARGUMENT")
    assert call("POST", f"{QUEUE}:discard", {"readId": "0" * 32}).json == {}


def test_all_or_nothing_is_404_when_there_are_fewer(call: Caller) -> None:
    add(call, 1)
    add(call, 2)
    assert code(read(call, count=3, allOrNothing="true")) == (404, "NOT_FOUND")
    assert values(read(call, count=2, allOrNothing="true")) == [1, 2]
    assert read(call).json["items"] == []
    assert read(call).json["readId"]


def test_items_of_a_queue_expire_also_when_they_are_hidden(call: Caller, clock: Clock) -> None:
    add(call, 1, ttl="10s")
    found = read(call, invisibilityWindow="5s")
    assert values(found) == [1]
    clock.advance(10)
    assert values(read(call)) == []
    assert call.emulator.memory_stores.queue(7, "q") == []


def test_a_read_brings_at_most_200(call: Caller) -> None:
    call.emulator.limits.enabled = False
    for value in range(201):
        add(call, value)
    assert len(values(read(call, count=1000))) == 200


@pytest.mark.parametrize(
    "query",
    [
        {"count": 0},
        {"count": -1},
        {"count": "x"},
        {"invisibilityWindow": "0s"},
        {"invisibilityWindow": "30"},
        {"invisibilityTimeoutSeconds": 0},
        {"invisibilityTimeoutSeconds": "nan"},
        {"allOrNothing": "yes"},
    ],
)
def test_other_reads_are_400(call: Caller, query: dict[str, Any]) -> None:
    assert code(read(call, **query)) == (400, "INVALID_ARGUMENT")


@pytest.mark.parametrize(
    "body", [{}, {"data": None}, {"data": 1, "priority": "high"}, {"data": 1, "priority": True}, []]
)
def test_other_items_are_400(call: Caller, body: Any) -> None:
    assert code(call("POST", QUEUE, body)) == (400, "INVALID_ARGUMENT")


# --- units and room


def test_lists_and_reads_cost_a_unit_an_item(call: Caller, clock: Clock) -> None:
    call.emulator.limits.enabled = False
    for value in range(100):
        put(call, f"{value:03}")
        add(call, value)
    call.emulator.limits.enabled = True
    for _ in range(4):
        assert call("GET", f"{MAP}?maxPageSize=100").status == 200
    for _ in range(6):
        read(call, count=100, invisibilityWindow="1s")
        clock.advance(1)
    refused = get(call, "000")
    assert code(refused) == (429, "RESOURCE_EXHAUSTED")
    assert refused.json["message"].startswith("TotalRequestsOverLimit")
    call.emulator.set_players(7, 1)
    assert call("GET", f"{MAP}?maxPageSize=100").status == 200
    clock.advance(MINUTE)
    assert get(call, "000").status == 200


def test_a_universe_has_room_that_grows_with_its_players(call: Caller) -> None:
    large = "x" * 30_000
    assert put(call, "a", large).status == 200
    assert add(call, large).status == 200
    assert add(call, "x" * 4_000).status == 200
    for refused in (put(call, "b", large), add(call, large), call("PATCH", f"{MAP}/a", {"value": "x" * 32_000})):
        assert code(refused) == (429, "RESOURCE_EXHAUSTED")
        assert refused.json["message"].startswith("TotalMemoryOverLimit")
    assert call("PATCH", f"{MAP}/a", {"value": large[1:]}).status == 200
    call.emulator.set_players(7, 100)
    assert put(call, "b", large).status == 200
    assert call.emulator.memory_stores.used(7) == 30_002 + 30_002 + 4_002 + 30_003


# --- the flush


def test_a_flush_takes_its_time_and_leaves_what_came_after(call: Caller, clock: Clock) -> None:
    put(call, "before")
    put(call, "changed")
    add(call, "before")
    call.emulator.scripts.add(OperationScript(kind="flush", processing=60))
    started = call("POST", f"{BASE}:flush", {}).json
    assert started["done"] is None
    assert started["path"].startswith("cloud/v2/universes/7/operations/AAUA")
    number = started["path"].rpartition("/")[2]
    add(call, "after")
    call("PATCH", f"{MAP}/changed", {"value": 2})
    assert get(call, "before").status == 200
    clock.advance(60)
    assert ids(call) == ["changed"]
    assert values(read(call, count=5)) == ["after"]
    done = {"path": started["path"], "done": True}
    for path in (f"/{started['path']}", f"{BASE}/operations/{number}", f"{BASE}/operations/{number}?scope=LIVE"):
        answer = call("GET", path).json
        assert answer.pop("response")["@type"].endswith("v2.FlushMemoryStoreResponse")
        assert answer == done
    assert call("GET", f"{BASE}/operations/{number}?scope=TEST").status == 404
    assert call("GET", f"{BASE.replace('7', '8')}/operations/{number}").status == 404


def test_a_flush_of_the_tests_leaves_the_live_stores(call: Caller) -> None:
    add(call, 1)
    assert call("POST", f"{BASE}:flush?scope=TEST").status == 200
    assert values(read(call)) == [1]
    assert code(call("POST", f"{BASE}:flush?scope=live")) == (400, "INVALID_ARGUMENT")


def test_a_flush_may_be_done_at_once_or_answer_the_path_alone(call: Caller) -> None:
    call.emulator.scripts.add(OperationScript(kind="flush", answer="done"))
    call.emulator.scripts.add(OperationScript(kind="flush", answer="path"))
    add(call, 1)
    assert call("POST", f"{BASE}:flush", {}).json["done"] is True
    assert values(read(call)) == []
    assert call("POST", f"{BASE}:flush", {}).json.keys() == {"path"}


# --- control


def test_the_control_api_shows_what_is_there(call: Caller) -> None:
    put(call, "a", {"some_name": 1}, numericSortKey=2)
    add(call, "b")
    reply = call.emulator.handle(RawRequest("GET", "/_emulator/memory-stores/7", {}))
    shown = json.loads(reply.body)
    [item] = shown["sortedMaps"]["m"]
    assert (item["id"], item["value"], item["sortKey"], item["etag"]) == ("a", {"some_name": 1}, 2, "1")
    [queued] = shown["queues"]["q"]
    assert (queued["value"], queued["hiddenUntil"], queued["readId"]) == ("b", 0, None)
    assert shown["bytes"] == call.emulator.memory_stores.used(7)
    assert call.emulator.handle(RawRequest("GET", "/_emulator/memory-stores/x", {})).status == 400


def test_a_reset_forgets_everything(call: Caller) -> None:
    put(call, "a")
    add(call, 1)
    call("POST", f"{BASE}:flush", {})
    call.emulator.reset()
    assert call.emulator.memory_stores.names(7) == ([], [])
    assert put(call, "a").json["etag"] == "1"
