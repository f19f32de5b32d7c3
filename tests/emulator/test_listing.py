"""Listing stores and keys: prefixes, scopes, removed ones, pages and tokens of both versions."""

import base64
from collections.abc import Callable
from typing import Any

import pytest

from rblxcloud.emulator.core import Emulator
from tests.emulator.stores import V1, V2, code
from tests.support.emulator import Answer, Caller

PREFIXED = ["a", "ab", "ab\U0010ffff", "ab\U0010ffffz", "ac", "b", "é", "\ud7ff", "\ue000", "\U0001f600"]


@pytest.fixture
def v1(emulator: Emulator, call: Caller) -> V1:
    emulator.limits.enabled = False
    return V1(call)


@pytest.fixture
def v2(v1: V1) -> V2:
    return V2(v1.call)


def v1_keys(answer: Answer) -> list[str]:
    return [f"{row['scope']}/{row['key']}" for row in answer.json["keys"]]


def v2_keys(answer: Answer) -> list[str]:
    return [row["id"] for row in answer.json["dataStoreEntries"]]


def pages(ask: Callable[..., Answer], token: str, following: str, **query: Any) -> list[dict[str, Any]]:
    """Return the bodies of all pages, the last of which has no token."""
    found: list[dict[str, Any]] = []
    position = ""
    while len(found) < 50:
        answer = ask(**query, **({token: position} if position else {}))
        assert answer.status == 200, answer.json
        found.append(answer.json)
        position = answer.json.get(following) or ""
        if not position:
            return found
    raise AssertionError("the pages never end")


# --- v1 keys


def test_v1_lists_keys_of_the_global_scope(v1: V1) -> None:
    for key in ("b", "a/x", "c"):
        v1.set(key)
    v1.set("d", scope="other")
    answer = v1.keys()
    assert answer.json == {
        "keys": [
            {"scope": "global", "key": "a/x"},
            {"scope": "global", "key": "b"},
            {"scope": "global", "key": "c"},
        ],
        "nextPageCursor": "",
    }
    assert v1_keys(v1.keys(scope="other")) == ["other/d"]


def test_v1_lists_all_scopes(v1: V1) -> None:
    for scope, key in (("b", "1"), ("a", "2"), ("a/b", "0"), ("a", "b/0"), ("global", "x")):
        v1.set(key, scope=scope)
    found = [
        row for page in pages(v1.keys, "cursor", "nextPageCursor", allScopes=True, limit=1) for row in page["keys"]
    ]
    assert [(row["scope"], row["key"]) for row in found] == [
        ("a", "2"),
        ("a", "b/0"),
        ("a/b", "0"),
        ("b", "1"),
        ("global", "x"),
    ]


def test_v1_takes_allscopes_in_any_case_with_an_empty_scope(v1: V1) -> None:
    v1.set("k", scope="other")
    assert v1_keys(v1.keys(AllScopes="True", scope="")) == ["other/k"]


def test_v1_refuses_all_scopes_with_a_scope(v1: V1) -> None:
    assert code(v1.keys(allScopes=True, scope="global")) == (400, "InvalidDataStoreScope")


def test_v1_prefix_over_all_scopes_is_of_scope_and_key(v1: V1) -> None:
    for scope, key in (("a", "k1"), ("a", "x"), ("ab", "k2"), ("b", "k3")):
        v1.set(key, scope=scope)
    assert v1_keys(v1.keys(allScopes=True, prefix="a/k")) == ["a/k1"]
    assert v1_keys(v1.keys(allScopes=True, prefix="a")) == ["a/k1", "a/x", "ab/k2"]


@pytest.mark.parametrize("prefix", ["", "a", "ab", "ab\U0010ffff", "\ud7ff", "\U0001f600", "x", "%", "_", "A"])
def test_a_prefix_finds_exactly_the_keys_that_start_with_it(v1: V1, v2: V2, prefix: str) -> None:
    for key in PREFIXED:
        v1.set(key)
    expected = sorted(key for key in PREFIXED if key.startswith(prefix))
    assert v1_keys(v1.keys(prefix=prefix)) == [f"global/{key}" for key in expected]
    filters = {"filter": f'id.startsWith("{prefix}")'} if prefix else {}
    assert v2_keys(v2.keys(maxPageSize=100, **filters)) == expected


def test_v1_lists_tombstones_until_they_are_purged_and_v2_only_when_asked(v1: V1, v2: V2) -> None:
    for key in ("gone", "here"):
        v1.set(key)
    v1.delete("gone")
    assert v1_keys(v1.keys()) == ["global/gone", "global/here"]
    assert v2_keys(v2.keys()) == ["here"]
    assert v2.keys(showDeleted=True).json["dataStoreEntries"] == [
        {"path": "universes/7/data-stores/S/entries/gone", "state": "DELETED", "id": "gone"},
        {"path": "universes/7/data-stores/S/entries/here", "id": "here"},
    ]


def test_a_store_that_was_never_written_to_has_no_keys(v1: V1, v2: V2) -> None:
    assert v1.keys().json == {"keys": [], "nextPageCursor": ""}
    assert v2.keys().json == {"dataStoreEntries": [], "nextPageToken": ""}


def test_v1_pages_have_16_keys_by_default(v1: V1) -> None:
    for number in range(20):
        v1.set(f"k{number:02}")
    assert [len(page["keys"]) for page in pages(v1.keys, "cursor", "nextPageCursor")] == [16, 4]


def test_a_cursor_may_stand_where_nothing_is_left(v1: V1) -> None:
    v1.set("a")
    v1.set("b")
    found = pages(v1.keys, "cursor", "nextPageCursor", limit=2)
    assert [len(page["keys"]) for page in found] == [2, 0]


def test_keys_written_between_two_pages_neither_repeat_nor_hide_others(v1: V1) -> None:
    for key in ("b", "d"):
        v1.set(key)
    cursor = v1.keys(limit=1).json["nextPageCursor"]
    v1.set("a")
    v1.set("c")
    v1.delete("b")
    assert v1_keys(v1.keys(limit=1, cursor=cursor)) == ["global/c"]


@pytest.mark.parametrize("limit", ["-1", "x", "1.5", "99999999999"])
def test_a_bad_limit_is_400(v1: V1, v2: V2, limit: str) -> None:
    assert v1.keys(limit=limit).status == 400
    assert code(v2.keys(maxPageSize=limit)) == (400, "INVALID_ARGUMENT")


# --- tokens


@pytest.mark.parametrize(
    "change",
    [{"prefix": "k"}, {"scope": "other"}, {"allScopes": True}, {"limit": 2}, {"datastoreName": "T"}],
    ids=lambda change: next(iter(change)),
)
def test_a_v1_cursor_is_good_only_for_the_parameters_it_was_made_for(v1: V1, change: dict[str, Any]) -> None:
    for key in ("k1", "k2", "k3"):
        v1.set(key)
    cursor = v1.keys(limit=1).json["nextPageCursor"]
    assert v1.keys(limit=1, cursor=cursor).status == 200
    assert code(v1.keys(**{"limit": 1, **change}, cursor=cursor)) == (400, "InvalidCursor")


@pytest.mark.parametrize("change", [{"filter": 'id.startsWith("k")'}, {"showDeleted": True}, {"maxPageSize": 2}])
def test_a_v2_token_is_good_only_for_the_parameters_it_was_made_for(v2: V2, change: dict[str, Any]) -> None:
    for key in ("k1", "k2", "k3"):
        v2.set(key)
    token = v2.keys(maxPageSize=1).json["nextPageToken"]
    assert v2.keys(maxPageSize=1, pageToken=token).status == 200
    assert code(v2.keys(**{"maxPageSize": 1, **change}, pageToken=token)) == (400, "INVALID_ARGUMENT")


def test_a_token_is_of_no_use_for_another_scope_or_store(v2: V2) -> None:
    others = [V2(v2.call, scope="global"), V2(v2.call, store="T"), V2(v2.call, universe=8)]
    for each in (v2, *others):
        each.set("k1")
        each.set("k2")
    token = v2.keys(maxPageSize=1).json["nextPageToken"]
    assert [each.keys(maxPageSize=1, pageToken=token).status for each in others] == [400, 400, 400]


@pytest.mark.parametrize(
    "content", [b'["x","global","k"]', b"[]", b"{}", b"1", b"x", b'["x"]', b'["x",1,2]', b"[[],[]]", b"\xff"]
)
def test_a_forged_token_is_400(v1: V1, v2: V2, content: bytes) -> None:
    token = base64.urlsafe_b64encode(content).decode()
    assert code(v1.keys(cursor=token)) == (400, "InvalidCursor")
    assert code(v2.keys(pageToken=token)) == (400, "INVALID_ARGUMENT")
    assert code(v2.stores(pageToken=token)) == (400, "INVALID_ARGUMENT")


@pytest.mark.parametrize("token", ["é", "a", "====", " "])
def test_a_token_that_is_not_base64_is_400(v1: V1, token: str) -> None:
    assert code(v1.keys(cursor=token)) == (400, "InvalidCursor")


# --- v2 keys


def test_v2_rows_hold_path_and_id_only(v2: V2) -> None:
    scoped = V2(v2.call, scope="a/b")
    scoped.set("k/1")
    assert scoped.keys().json["dataStoreEntries"] == [
        {"path": "universes/7/data-stores/S/scopes/a/b/entries/k/1", "id": "k/1"}
    ]


def test_v2_dash_lists_all_scopes_with_each_rows_own_scope(v2: V2) -> None:
    V2(v2.call, scope="other").set("x")
    v2.set("k")
    rows = V2(v2.call, scope="-").keys().json["dataStoreEntries"]
    assert [(row["path"].split("/")[5], row["id"]) for row in rows] == [("global", "k"), ("other", "x")]


def test_v2_prefix_over_all_scopes_is_of_scope_and_key(v2: V2) -> None:
    for scope in ("a", "b"):
        V2(v2.call, scope=scope).set("k")
    everywhere = V2(v2.call, scope="-")
    assert v2_keys(everywhere.keys(filter='id.startsWith("k")')) == []
    assert everywhere.keys(filter='id.startsWith("b/k")').json["dataStoreEntries"][0]["path"].split("/")[5] == "b"


def test_v2_unscoped_prefix_may_name_the_global_scope(v2: V2) -> None:
    for key in ("p1", "p2", "global/p3", "q", "g"):
        v2.set(key)
    assert v2_keys(v2.keys(filter='id.startsWith("global/p")')) == ["global/p3", "p1", "p2"]
    query = {"filter": 'id.startsWith("global/p")', "maxPageSize": 1}
    found = pages(v2.keys, "pageToken", "nextPageToken", **query)
    assert [row["id"] for page in found for row in page["dataStoreEntries"]] == ["global/p3", "p1", "p2"]


def test_v2_unscoped_prefix_of_the_bare_scope_lists_every_key_once(v2: V2) -> None:
    for key in ("a", "global/b", "z"):
        v2.set(key)
    assert v2_keys(v2.keys(filter='id.startsWith("global/")')) == ["a", "global/b", "z"]


def test_v2_scoped_prefix_is_of_the_key_alone(v2: V2) -> None:
    scoped = V2(v2.call, scope="global")
    scoped.set("p1")
    assert v2_keys(scoped.keys(filter='id.startsWith("global/p")')) == []
    assert v2_keys(scoped.keys(filter='id.startsWith("p")')) == ["p1"]


def test_v2_prefixes_may_hold_quotes_and_backslashes(v2: V2) -> None:
    for key in ('a"b', "a\\b", "ab"):
        v2.set(key)
    assert v2_keys(v2.keys(filter=r'id.startsWith("a\"")')) == ['a"b']
    assert v2_keys(v2.keys(filter=r'id.startsWith("a\\")')) == ["a\\b"]


@pytest.mark.parametrize(
    "condition",
    [
        "id.startsWith('a')",
        "id.startsWith(a)",
        'id.startswith("a")',
        'id.startsWith( "a")',
        'id.startsWith("a") ',
        'id.endsWith("a")',
        'id == "a"',
        'id.startsWith("a") && id.startsWith("b")',
        'id.startsWith("a"b")',
        r'id.startsWith("\x")',
        'key.startsWith("a")',
        "a",
    ],
)
def test_other_filters_are_400(v2: V2, condition: str) -> None:
    assert code(v2.keys(filter=condition)) == (400, "INVALID_ARGUMENT")
    assert code(v2.stores(filter=condition)) == (400, "INVALID_ARGUMENT")


@pytest.mark.parametrize(("size", "sizes"), [(None, 10), (0, 10), (256, 256), (257, 256), (2**31 - 1, 256)])
def test_v2_key_pages_have_10_by_default_and_at_most_256(v2: V2, size: int | None, sizes: int) -> None:
    for number in range(260):
        v2.set(f"k{number:03}")
    query = {} if size is None else {"maxPageSize": size}
    assert len(v2_keys(v2.keys(**query))) == sizes


def test_a_page_may_be_empty_while_more_comes(v2: V2) -> None:
    for number in range(600):
        v2.set(f"k{number:03}")
        v2.delete(f"k{number:03}")
    v2.set("last")
    found = pages(v2.keys, "pageToken", "nextPageToken")
    assert [[row["id"] for row in page["dataStoreEntries"]] for page in found] == [[], ["last"]]


# --- stores


def test_v1_lists_one_store_by_default_and_those_asked_for(v1: V1) -> None:
    for name in ("B", "A", "C"):
        V1(v1.call, name).set()
    first = v1.stores().json
    assert first["datastores"] == [{"name": "A", "createdTime": "2027-01-15T08:00:00.0000000Z"}]
    assert first["nextPageCursor"]
    found = pages(v1.stores, "cursor", "nextPageCursor", limit=2)
    assert [[row["name"] for row in page["datastores"]] for page in found] == [["A", "B"], ["C"]]


def test_stores_are_listed_by_prefix(v1: V1, v2: V2) -> None:
    for name in ("A1", "A2", "B"):
        V1(v1.call, name).set()
    assert [row["name"] for row in v1.stores(prefix="A", limit=10).json["datastores"]] == ["A1", "A2"]
    assert [row["id"] for row in v2.stores(filter='id.startsWith("A")').json["dataStores"]] == ["A1", "A2"]


def test_deleted_stores_are_listed_only_when_asked_for(v1: V1, v2: V2) -> None:
    for name in ("A", "B"):
        V2(v2.call, name).set()
    deleted = V2(v2.call, "A").delete_store().json
    assert [row["name"] for row in v1.stores(limit=10).json["datastores"]] == ["B"]
    assert [row["id"] for row in v2.stores().json["dataStores"]] == ["B"]
    assert v2.stores(showDeleted=True).json["dataStores"][0] == deleted


def test_v2_scans_at_most_512_stores_for_a_page(v2: V2) -> None:
    for number in range(520):
        store = V2(v2.call, f"S{number:03}")
        store.set()
        if number < 515:
            store.delete_store()
    found = pages(v2.stores, "pageToken", "nextPageToken")
    assert [len(page["dataStores"]) for page in found] == [0, 5]


def test_v2_store_pages_have_at_most_100(v2: V2) -> None:
    for number in range(101):
        V2(v2.call, f"S{number:03}").set()
    assert len(v2.stores(maxPageSize=1000).json["dataStores"]) == 100
    assert len(v2.stores().json["dataStores"]) == 10


def test_a_page_deep_in_a_large_store_reads_no_more_than_itself(emulator: Emulator, v2: V2) -> None:
    database = emulator._world.database  # pyright: ignore[reportPrivateUsage]
    v2.set("a")
    store = database.execute("SELECT id FROM data_stores").fetchone()[0]
    rows = ((store, "global", f"k{number:06}") for number in range(100_000))
    database.executemany(
        "INSERT INTO data_store_entries (store, scope, key, created, sequence) VALUES (?, ?, ?, 0, 1)", rows
    )

    def steps(scope: str | None, prefix: str) -> int:
        """Count the hundreds of instructions that SQLite spends on the page after 90,000 keys."""
        listing = V2(v2.call, scope=scope)
        query = {"filter": f'id.startsWith("{prefix}09")', "maxPageSize": 256}
        counted = 0

        def count() -> int:
            nonlocal counted
            counted += 1
            return 0

        token = listing.keys(**query).json["nextPageToken"]
        database.set_progress_handler(count, 100)
        try:
            answer = listing.keys(**query, pageToken=token)
        finally:
            database.set_progress_handler(None, 0)
        assert v2_keys(answer)[0] == "k090256"
        return counted

    assert steps(None, "k") < 200
    assert steps("global", "k") < 200
    assert steps("-", "global/k") < 200
