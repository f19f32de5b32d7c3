"""What blocking objects do that the core does not: wrap, unwrap, compare, pickle, iterate, and refuse coroutines."""

from __future__ import annotations

import asyncio
import copy
import gc
import json
import pickle
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import httpx
import pytest

import rblxcloud.sync as rblxopencloud
from rblxcloud.config import Options
from rblxcloud.runtime.blocking import BlockingRuntime, iterate
from rblxcloud.sync import _lifecycle
from tests.support.clock import ManualClock
from tests.support.server import Script, settings
from tests.sync.conftest import Store

Handler = Callable[[httpx.Request], httpx.Response]


Connect = Callable[[Handler], rblxopencloud.Client]


@pytest.fixture
def connect(clock: ManualClock) -> Iterator[Connect]:
    """Makes blocking clients whose requests go to a function."""
    with ExitStack() as clients:

        def make(handler: Handler) -> rblxopencloud.Client:
            runtime = BlockingRuntime(transport=httpx.MockTransport(handler), clock=clock)
            impl = _lifecycle.Client._on_runtime(runtime, settings(Options(rate_limits="off")))
            return clients.enter_context(_lifecycle.wrap(rblxopencloud.Client, impl))

        yield make


def echo(request: httpx.Request) -> httpx.Response:
    """Answer a read with the key as the value."""
    key = request.url.path.rpartition("/")[2]
    return httpx.Response(200, json={"id": key, "value": key, "revisionId": "v1"})


def three_pages(request: httpx.Request) -> httpx.Response:
    """Answer a listing of keys with two keys on each of three pages."""
    page = int(request.url.params.get("pageToken") or "0")
    rows = [{"id": f"k{2 * page + place}"} for place in range(2)]
    return httpx.Response(200, json={"dataStoreEntries": rows, "nextPageToken": str(page + 1) if page < 2 else ""})


def test_the_seeds_snippets_run(store: Store) -> None:
    experience = rblxopencloud.Experience(13058, api_key="api-key-from-step-2", base_url=store.url)
    datastore = experience.get_data_store("data-store-name", scope="global")
    value, info = datastore.get("key-name")
    assert (value, info.version) == ("key-name", "v1")
    experience.close()


def test_a_write_returns_plain_values(connect: Connect) -> None:
    script = Script([httpx.Response(200, json={"id": "key-name", "value": 68, "revisionId": "v2"})])
    datastore = connect(script).experience(13058).get_data_store("data-store-name")
    version = datastore.set("key-name", 68, users=[287113233], metadata={"key": "value"})
    assert type(version) is rblxopencloud.EntryVersion
    assert json.loads(script.requests[0].content)["value"] == 68


def test_a_message_is_published(connect: Connect) -> None:
    script = Script([httpx.Response(200, json={})])
    assert connect(script).experience(13058).publish_message("topic-name", "Hello World!") is None
    assert json.loads(script.requests[0].content) == {"topic": "topic-name", "message": "Hello World!"}


def test_resources_of_a_client_are_twins(connect: Connect) -> None:
    experience = connect(echo).experience(1)
    assert type(experience) is rblxopencloud.Experience
    assert type(experience.get_data_store("s")) is rblxopencloud.DataStore
    assert type(experience.get_ordered_data_store("s")) is rblxopencloud.OrderedDataStore
    assert type(experience.data_stores()) is rblxopencloud.Pager


@pytest.mark.parametrize("twin", [rblxopencloud.DataStore, rblxopencloud.OrderedDataStore])
def test_what_is_got_from_others_cannot_be_made(twin: Any) -> None:
    with pytest.raises(TypeError, match=twin.__name__):
        twin()


def test_fetch_fills_the_properties_and_returns_the_object_itself(connect: Connect) -> None:
    experience = connect(lambda _: httpx.Response(200, json={"displayName": "Crossroads"})).experience(1)
    assert experience.display_name is None
    assert experience.fetch() is experience
    assert experience.display_name == "Crossroads"


def test_fields_cannot_be_assigned(connect: Connect) -> None:
    experience = connect(echo).experience(1)
    with pytest.raises(AttributeError):
        experience.display_name = "mine"  # type: ignore[misc]


def test_a_context_manager_gives_the_object_itself_and_closes_it(connect: Connect) -> None:
    client = connect(echo)
    with client as entered:
        assert entered is client
    with pytest.raises(rblxopencloud.ConfigurationError):
        client.experience(1).get_data_store("s").get("k")


def test_other_options_make_another_client_of_the_same_class() -> None:
    class Mine(rblxopencloud.Client):
        pass

    client = Mine("key")
    other = client.with_options(retries=0)
    assert type(other) is Mine
    assert other is not client
    assert other.with_options(timeout=1.0)._impl._session.settings.options.retry.retries == 0


def test_a_raw_call_is_blocking(connect: Connect) -> None:
    assert connect(lambda _: httpx.Response(200, text="raw")).request("GET", "/cloud/v2/universes/1").text == "raw"


def test_repr_equality_and_hash_are_those_of_what_is_wrapped(connect: Connect) -> None:
    client = connect(echo)
    one, same, other = client.experience(1), client.experience(1), client.experience(2)
    assert repr(one) == repr(one._impl)
    assert str(one) == str(one._impl)
    assert one == same
    assert one != other
    assert len({one, same, other}) == 2
    assert one != one._impl
    assert repr(client) == "<Client https://apis.roblox.com>"


def test_a_pickle_carries_fields_but_neither_session_nor_secret() -> None:
    experience = rblxopencloud.Experience(7, api_key="very-secret")
    pickled = pickle.dumps(experience)
    assert b"very-secret" not in pickled
    restored = pickle.loads(pickled)
    assert type(restored) is rblxopencloud.Experience
    assert restored == experience
    with pytest.raises(rblxopencloud.ConfigurationError, match="bind"):
        restored.fetch()


def test_bind_returns_the_same_object_with_a_session(connect: Connect) -> None:
    restored = pickle.loads(pickle.dumps(connect(echo).experience(7)))
    client = connect(lambda _: httpx.Response(200, json={"displayName": "Bound"}))
    assert client.bind(restored) is restored
    assert restored.fetch().display_name == "Bound"


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
def test_a_copy_is_filled_apart_from_the_original(connect: Connect, copied: Callable[[Any], Any]) -> None:
    original = connect(lambda _: httpx.Response(200, json={"displayName": "Filled"})).experience(1)
    duplicate = copied(original)
    duplicate.fetch()
    assert (duplicate.display_name, original.display_name) == ("Filled", None)


def test_a_pager_iterates_pages_and_resumes(connect: Connect) -> None:
    keys = connect(three_pages).experience(1).get_data_store("s").keys()
    assert list(keys) == ["k0", "k1", "k2", "k3", "k4", "k5"]
    first = keys.first_page()
    assert type(first) is rblxopencloud.Page
    assert [page.items for page in keys.pages(token=first.next_token)] == [("k2", "k3"), ("k4", "k5")]


def test_a_pager_of_ones_own_takes_a_plain_function() -> None:
    def fetch(token: str | None) -> rblxopencloud.Page[int]:
        return rblxopencloud.Page((1, 2), None) if token else rblxopencloud.Page((0,), "next")

    assert list(rblxopencloud.Pager(fetch, limit=None)) == [0, 1, 2]


def test_iteration_that_is_left_closes_the_generator_of_the_core() -> None:
    closed: list[bool] = []

    async def numbers() -> Any:
        try:
            yield 1
            yield 2
        finally:
            closed.append(True)

    iterator = iterate(numbers())
    assert next(iterator) == 1
    iterator.close()
    assert closed == [True]


def test_all_works_inside_a_running_event_loop(store: Store) -> None:
    async def main() -> list[Any]:
        with rblxopencloud.Client("key", base_url=store.url) as client:
            datastore = client.experience(1).get_data_store("s")
            return [datastore.get("a").value, *(r.unwrap().value for r in datastore.get_many(["b"]))]

    assert asyncio.run(main()) == ["a", "b"]


def test_threads_share_a_client(store: Store) -> None:
    with rblxopencloud.Client("key", base_url=store.url, rate_limits="off") as client:
        datastore = client.experience(1).get_data_store("s")
        keys = [f"k{number}" for number in range(320)]
        with ThreadPoolExecutor(32) as threads:
            assert [entry.value for entry in threads.map(datastore.get, keys)] == keys


def _worker_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("rblxcloud-")]


def _endless() -> Iterator[str]:
    number = 0
    while True:
        number += 1
        yield f"k{number}"


def test_many_keys_are_read_in_threads(connect: Connect) -> None:
    results = connect(echo).experience(1).get_data_store("s").get_many((f"k{n}" for n in range(50)), concurrency=8)
    assert {result.unwrap().value for result in results} == {f"k{n}" for n in range(50)}
    assert not _worker_threads()


def test_leaving_an_endless_read_leaves_no_threads(connect: Connect) -> None:
    results = connect(echo).experience(1).get_data_store("s").get_many(_endless(), concurrency=8)
    for place, result in enumerate(results):
        assert result.error is None
        if place == 20:
            break
    assert _worker_threads()
    del results
    gc.collect()
    assert not _worker_threads()


def test_an_asynchronous_iterable_of_keys_is_refused(connect: Connect) -> None:
    async def keys() -> Any:
        yield "a"

    with pytest.raises(rblxopencloud.ConfigurationError, match="asynchronous iterable"):
        list(connect(echo).experience(1).get_data_store("s").get_many(keys()))  # type: ignore[arg-type]


def test_update_takes_a_plain_function(connect: Connect) -> None:
    headers = {"roblox-entry-version": "v1"}
    written = httpx.Response(200, json={"version": "v2"}, headers=headers)
    script = Script([httpx.Response(200, json={"id": "k", "value": 1, "revisionId": "v1"}), written])
    entry = connect(script).experience(1).get_data_store("s").update("k", lambda value: value + 1)
    assert entry is not None
    assert (entry.value, entry.info.version) == (2, "v2")


def test_a_coroutine_function_is_refused_as_transform_and_nothing_is_written(connect: Connect) -> None:
    async def transform(value: Any) -> Any:
        return value

    script = Script([httpx.Response(200, json={"id": "k", "value": 1, "revisionId": "v1"})])
    with pytest.raises(rblxopencloud.ConfigurationError, match="transform"):
        connect(script).experience(1).get_data_store("s").update("k", transform)
    assert len(script.requests) == 1


def test_a_coroutine_function_is_refused_as_hook(store: Store) -> None:
    async def hook(event: rblxopencloud.RequestEvent) -> None:
        pass

    with (
        rblxopencloud.Client("key", base_url=store.url, on_request=[hook]) as client,
        pytest.raises(rblxopencloud.ConfigurationError, match="on_request"),
    ):
        client.experience(1).get_data_store("s").get("k")


def test_an_asynchronous_http_client_is_refused() -> None:
    with pytest.raises(rblxopencloud.ConfigurationError, match="Client"):
        rblxopencloud.Client("key", http_client=httpx.AsyncClient())


def _use_and_lose_a_client(url: str) -> None:
    client = rblxopencloud.Client("key", base_url=url)
    client.experience(1).get_data_store("s").get("k")


def test_a_client_that_is_lost_open_warns(store: Store) -> None:
    with pytest.warns(ResourceWarning, match="was not closed"):
        _use_and_lose_a_client(store.url)


def test_objects_that_stand_alone_are_collected_silently(store: Store) -> None:
    experience = rblxopencloud.Experience(1, api_key="key", base_url=store.url)
    experience.get_data_store("s").get("k")
    del experience
    gc.collect()


def test_a_closed_object_that_stands_alone_refuses_calls(store: Store) -> None:
    with rblxopencloud.Experience(1, api_key="key", base_url=store.url) as experience:
        experience.get_data_store("s").get("k")
    with pytest.raises(rblxopencloud.ConfigurationError, match="closed"):
        experience.fetch()


@pytest.mark.parametrize("id", [0, -1, True, "x", None])
def test_an_experience_that_stands_alone_checks_its_id(id: Any) -> None:
    with pytest.raises(rblxopencloud.InvalidRequestError):
        rblxopencloud.Experience(id, api_key="key")


def test_an_experience_that_stands_alone_needs_one_credential() -> None:
    with pytest.raises(rblxopencloud.ConfigurationError):
        rblxopencloud.Experience(1)
    with pytest.raises(rblxopencloud.ConfigurationError):
        rblxopencloud.Experience(1, api_key="key", access_token="token")


def test_an_object_of_a_subclass_has_the_twin_of_the_subclass(connect: Connect) -> None:
    found = connect(echo).operation("/cloud/v2/universes/1/places/2/luau-execution-session-tasks/4")
    assert type(found) is rblxopencloud.LuauTask
    assert isinstance(found, rblxopencloud.Operation)
