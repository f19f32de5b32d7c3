"""What users get wrong, and what goes wrong on the way: each a clear error, with nothing sent or lost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import rblxcloud
from rblxcloud.emulator import Emulator, Fault, ScopeGrant

Tell = Callable[[Callable[[Any], Any]], None]

LONG = "x" * 51
KEYS = ["", LONG, "\ud800", 5, None, b"key", ["key"]]

CALLS: dict[str, Callable[[Any], Any]] = {
    "users that are text": lambda store: store.set("k", 1, users="12"),
    "users that are bytes": lambda store: store.set("k", 1, users=bytearray(b"1")),
    "users that are names": lambda store: store.set("k", 1, users=["builderman"]),
    "too many users": lambda store: store.increment("k", users=range(1, 6)),
    "metadata that is text": lambda store: store.set("k", 1, metadata="a=b"),
    "metadata of lists": lambda store: store.set("k", 1, metadata={"a": [1]}),
    "metadata that is no text": lambda store: store.set("k", 1, metadata={"a": "\ud800"}),
    "metadata that would be rounded": lambda store: store.increment("k", metadata={"a": 2**53 + 1}),
    "metadata that is too long": lambda store: store.set("k", 1, metadata={"a": "b" * 251}),
    "a value that is None": lambda store: store.set("k", None),
    "a value that is not JSON": lambda store: store.set("k", {"a": {1, 2}}),
    "a value that would be rounded": lambda store: store.set("k", {"id": 2**53 + 1}),
    "a value that JSON lacks": lambda store: store.set("k", [float("nan")]),
    "an amount that is a float": lambda store: store.increment("k", 1.5),
    "an amount that would be rounded": lambda store: store.increment("k", 2**53),
    "an amount that Python does not write": lambda store: store.increment("k", 10**5000),
    "two conditions": lambda store: store.set("k", 1, exclusive_create=True, previous_version="v"),
    "a condition that is none": lambda store: store.set("k", 1, previous_version=""),
    "a condition of another type": lambda store: store.set("k", 1, previous_version=5),
    "a switch that is text": lambda store: store.set("k", 1, exclusive_create="no"),
    "a version that is no text": lambda store: store.get_version("k", 5),
    "a transform that is no function": lambda store: store.update("k", 5),
}


@pytest.mark.parametrize("key", KEYS)
def test_keys_that_are_none_are_refused_by_every_call(tell: Tell, emulator: Emulator, key: Any) -> None:
    async def story(client: Any) -> None:
        store = client.experience(1).get_data_store("s")
        board = client.experience(1).get_ordered_data_store("s")
        longer = key * 2 if key == LONG else key
        for act in (
            lambda: store.get(key),
            lambda: store.get(key, default=0),
            lambda: store.get_version(key, "v"),
            lambda: store.set(key, 1),
            lambda: store.set(key, 1, exclusive_create=True),
            lambda: store.increment(key),
            lambda: store.remove(key),
            lambda: store.update(key, lambda value: 1),
            lambda: board.get(longer),
            lambda: board.set(longer, 1),
            lambda: board.set(longer, 2**60),
            lambda: board.create(longer, 1),
            lambda: board.increment(longer),
            lambda: board.remove(longer),
        ):
            with pytest.raises(rblxcloud.InvalidRequestError) as caught:
                await act()
            assert caught.value.argument == "key"
        with pytest.raises(rblxcloud.InvalidRequestError, match="^key: "):
            [version async for version in store.versions(key)]

    tell(story)
    assert emulator.requests() == []


def test_the_wildcard_of_scopes_names_no_scope(tell: Tell, emulator: Emulator) -> None:
    async def story(client: Any) -> None:
        experience = client.experience(1)
        for make in (lambda: experience.get_data_store("s", "-"), lambda: experience.get_ordered_data_store("s", "-")):
            with pytest.raises(rblxcloud.InvalidRequestError, match="^scope: .*all scopes"):
                make()
        with pytest.raises(rblxcloud.InvalidRequestError, match="^key: .*names no scope"):
            await experience.get_data_store("s", scope=None).get("-/key")

    tell(story)
    assert emulator.requests() == []


@pytest.mark.parametrize("name", [*KEYS[:3], 5, b"s"])
def test_names_and_scopes_that_are_none_are_refused(tell: Tell, name: Any) -> None:
    async def story(client: Any) -> None:
        experience = client.experience(1)
        for make, argument in (
            (lambda: experience.get_data_store(name), "name"),
            (lambda: experience.get_data_store("s", name), "scope"),
            (lambda: experience.get_ordered_data_store(name), "name"),
            (lambda: experience.get_ordered_data_store("s", name), "scope"),
        ):
            with pytest.raises(rblxcloud.InvalidRequestError) as caught:
                make()
            assert caught.value.argument == argument

    tell(story)


@pytest.mark.parametrize("key", ["plain", "/key", "scope/", f"{LONG}/key", f"scope/{LONG}"])
def test_keys_that_name_no_scope_are_refused_where_they_have_to(tell: Tell, emulator: Emulator, key: str) -> None:
    async def story(client: Any) -> None:
        with pytest.raises(rblxcloud.InvalidRequestError, match="^key: .*scope/key"):
            await client.experience(1).get_data_store("s", scope=None).set(key, 1)

    tell(story)
    assert emulator.requests() == []


@pytest.mark.parametrize("what", CALLS)
def test_arguments_of_a_wrong_form_are_refused(tell: Tell, emulator: Emulator, what: str) -> None:
    async def story(client: Any) -> None:
        with pytest.raises(rblxcloud.InvalidRequestError):
            await CALLS[what](client.experience(1).get_data_store("s"))

    tell(story)
    assert emulator.requests() == []


def test_lists_that_cannot_be_are_refused(tell: Tell, emulator: Emulator) -> None:
    async def story(client: Any) -> None:
        store = client.experience(1).get_data_store("s")
        for make, argument in (
            (lambda: store.keys(prefix=5), "prefix"),
            (lambda: store.keys(limit=0), "limit"),
            (lambda: store.keys(page_size=257), "page_size"),
            (lambda: store.versions("k", after="2024-01-01"), "after"),
            (lambda: client.experience(1).data_stores(prefix=b"p"), "prefix"),
            (lambda: client.experience(1).get_ordered_data_store("s").sorted(minimum="1"), "minimum"),
            (lambda: client.experience(1).get_data_store("..").keys(), "name"),
        ):
            with pytest.raises(rblxcloud.InvalidRequestError) as caught:
                make()
            assert caught.value.argument == argument

    tell(story)
    assert emulator.requests() == []


@pytest.mark.parametrize("keys", ["key", b"key", 5, None])
def test_many_keys_have_to_be_several(tell: Tell, emulator: Emulator, keys: Any) -> None:
    async def story(client: Any) -> None:
        with pytest.raises(rblxcloud.InvalidRequestError, match="^keys: "):
            [result async for result in client.experience(1).get_data_store("s").get_many(keys)]

    tell(story)
    assert emulator.requests() == []


@pytest.mark.parametrize("model", [5, "Player", ["Player"], {}])
def test_models_that_are_no_types_are_refused(tell: Tell, model: Any) -> None:
    async def story(client: Any) -> None:
        with pytest.raises(rblxcloud.InvalidRequestError, match="^model: "):
            client.experience(1).get_data_store("s", model=model)

    tell(story)


@pytest.mark.parametrize("place", [".", ".."])
def test_steps_in_a_path_are_refused_where_nothing_else_can_carry_them(
    tell: Tell, emulator: Emulator, place: str
) -> None:
    async def story(client: Any) -> None:
        experience = client.experience(1)
        for act, argument in (
            (lambda: experience.get_data_store(place).delete(), "name"),
            (lambda: experience.get_ordered_data_store("s").get(place), "key"),
        ):
            with pytest.raises(rblxcloud.InvalidRequestError, match="step in a path") as caught:
                await act()
            assert caught.value.argument == argument

    tell(story)
    assert emulator.requests() == []


@pytest.mark.parametrize(
    ("argument", "call"),
    [
        ("place_ids", lambda experience: experience.restart_servers(place_ids="12")),
        ("place_ids", lambda experience: experience.restart_servers(place_ids=12)),
        ("place_ids", lambda experience: experience.restart_servers(place_ids=[0])),
        ("place_ids", lambda experience: experience.restart_servers(place_ids=[])),
        ("place_ids", lambda experience: experience.restart_servers(place_ids={5: [7]})),
        ("place_ids", lambda experience: experience.restart_servers(place_ids=bytearray(b"x"))),
        ("place_ids", lambda experience: experience.restart_servers(place_ids=memoryview(b"x"))),
        ("close_all_versions", lambda experience: experience.restart_servers(close_all_versions="no")),
        ("bleed_off_servers", lambda experience: experience.restart_servers(bleed_off_servers=1)),
        ("bleed_off_duration_minutes", lambda experience: experience.restart_servers(bleed_off_duration_minutes=5)),
        ("vr_enabled", lambda experience: experience.update(vr_enabled="yes")),
        ("roblox_group_social_link", lambda experience: experience.update(roblox_group_social_link="https://x")),
        ("private_server_price_robux", lambda experience: experience.update(private_server_price_robux=-1)),
    ],
)
def test_an_experience_refuses_by_the_name_of_the_argument(
    tell: Tell, emulator: Emulator, argument: str, call: Callable[[Any], Any]
) -> None:
    async def story(client: Any) -> None:
        with pytest.raises(rblxcloud.InvalidRequestError) as caught:
            await call(client.experience(1))
        assert caught.value.argument == argument

    tell(story)
    assert emulator.requests() == []


def test_a_missing_scope_is_named_with_those_that_the_key_has(tell: Tell, emulator: Emulator) -> None:
    (key,) = emulator.list_keys()
    scopes = (
        ScopeGrant(name="universe-datastores.objects", operations=("list", "read")),
        ScopeGrant.parse("universe:write"),
    )
    emulator.update_key(key.model_copy(update={"scopes": scopes}))

    async def story(client: Any) -> None:
        with pytest.raises(rblxcloud.PermissionDeniedError) as caught:
            await client.experience(1).get_data_store("s").increment("k")
        assert caught.value.required_scopes == (
            "universe-datastores.objects:create",
            "universe-datastores.objects:update",
        )
        assert caught.value.granted_scopes == (
            "universe-datastores.objects:list",
            "universe-datastores.objects:read",
            "universe:write",
        )

    tell(story)


@pytest.mark.parametrize(
    "fault",
    [
        Fault(kind="cut", times=None),
        Fault(kind="answer", status=200, body="", times=None),
        Fault(kind="answer", status=200, body="<html>Be right back</html>", headers={"content-type": "text/html"}),
        Fault(kind="answer", status=200, body='{"path": "universes/1', times=None),
    ],
)
def test_a_write_whose_answer_is_lost_says_that_it_may_have_been_done(
    tell: Tell, emulator: Emulator, fault: Fault
) -> None:
    async def story(client: Any) -> None:
        client = client.with_options(retries=1)
        emulator.faults.add(fault)
        with pytest.raises((rblxcloud.APIConnectionError, rblxcloud.APIResponseError)) as caught:
            await client.experience(1).get_data_store("s").increment("k")
        assert caught.value.outcome_unknown
        emulator.faults.clear()
        assert len(emulator.requests()) == 1, "it was not repeated"

    tell(story)


def test_a_read_whose_answer_is_cut_is_repeated(tell: Tell, emulator: Emulator) -> None:
    async def story(client: Any) -> None:
        store = client.with_options(retries=rblxcloud.RetryPolicy(base_delay=0)).experience(1).get_data_store("s")
        await store.set("k", "value")
        emulator.faults.add(Fault(kind="cut", times=2))
        assert (await store.get("k")).value == "value"

    tell(story)


def test_html_instead_of_an_error_gives_the_class_of_its_status(tell: Tell, emulator: Emulator) -> None:
    async def story(client: Any) -> None:
        html = {"content-type": "text/html"}
        emulator.faults.add(Fault(kind="answer", status=403, headers=html, body="<html><h1>Forbidden</h1></html>"))
        with pytest.raises(rblxcloud.PermissionDeniedError, match="<h1>Forbidden</h1>"):
            await client.experience(1).fetch()

    tell(story)


def test_a_raw_request_refuses_what_cannot_be_sent(tell: Tell, emulator: Emulator) -> None:
    async def story(client: Any) -> None:
        path = "/cloud/v2/universes/1:publishMessage"
        for argument, options in (
            ("json", {"json": {1, 2}}),
            ("json", {"json": float("nan")}),
            ("content", {"json": {}, "content": b"{}"}),
            ("content", {"content": "{}"}),
            ("headers", {"headers": {"x": 5}}),
            ("headers", {"headers": ["x"]}),
            ("query", {"query": ["x"]}),
            ("query", {"query": {"x": [1]}}),
            ("query", {"query": {5: "x"}}),
        ):
            with pytest.raises(rblxcloud.InvalidRequestError) as caught:
                await client.request("POST", path, **options)
            assert caught.value.argument == argument
        for path in ("cloud/v2/universes/1", "https://apis.roblox.com/cloud/v2/universes/1", "//other/x", "/x?y=z", 5):
            with pytest.raises(rblxcloud.InvalidRequestError, match="^path: "):
                await client.request("GET", path)
        for method in ("get", "FETCH", 5):
            with pytest.raises(rblxcloud.InvalidRequestError, match="^method: "):
                await client.request(method, "/cloud/v2/universes/1")

    tell(story)
    assert emulator.requests() == []


def test_a_closed_client_sends_nothing(tell: Tell, emulator: Emulator) -> None:
    async def story(client: Any) -> None:
        store = client.experience(1).get_data_store("s")
        if hasattr(client, "close"):
            client.close()
        else:
            await client.aclose()
        for act in (lambda: store.get("k"), lambda: store.set("k", 1), lambda: store.keys().first_page()):
            with pytest.raises(rblxcloud.ConfigurationError, match="closed"):
                await act()

    tell(story)
    assert emulator.requests() == []
