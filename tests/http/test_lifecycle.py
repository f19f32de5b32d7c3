"""Who closes what, and who is told when nobody does."""

from __future__ import annotations

import copy
import gc
import pickle
import warnings

import httpx
import pytest

import rblxcloud
from tests.support.clock import ManualClock
from tests.support.server import Script, async_client

pytestmark = pytest.mark.anyio

ENTRY = {"revisionId": "v", "value": 1}


def answers(count: int) -> Script:
    return Script([httpx.Response(200, json=ENTRY) for _ in range(count)])


async def test_client_that_was_used_and_lost_is_warned_of(clock: ManualClock) -> None:
    client = async_client(clock, answers(1))
    await client.experience(1).get_data_store("s").get("k")
    with pytest.warns(ResourceWarning, match="not closed"):
        del client
        gc.collect()


async def test_client_that_was_never_used_is_lost_silently(clock: ManualClock) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        async_client(clock, answers(0))
        gc.collect()
    assert not [warning for warning in caught if issubclass(warning.category, ResourceWarning)]


async def test_a_data_store_keeps_its_clients_connections_open(clock: ManualClock) -> None:
    client = async_client(clock, answers(2))
    store = client.experience(1).get_data_store("s")
    await store.get("k")
    del client
    gc.collect()
    assert (await store.get("k")).value == 1
    await store._session.aclose()


async def test_a_copy_with_other_options_closes_nothing(clock: ManualClock) -> None:
    client = async_client(clock, answers(1))
    async with client.with_options(timeout=1):
        pass
    await client.experience(1).get_data_store("s").get("k")
    await client.aclose()


async def test_pickles_carry_no_session_and_say_so(clock: ManualClock) -> None:
    client = async_client(clock, Script([httpx.Response(200, json={"path": "universes/7"})]), api_key="very-secret")
    original = client.experience(7)
    pickled = pickle.dumps(original)
    assert b"very-secret" not in pickled
    again = pickle.loads(pickled)
    assert again == original
    with pytest.raises(rblxcloud.ConfigurationError, match="bind"):
        await again.fetch()
    assert client.bind(again) is again
    assert (await again.fetch()).id == 7
    await client.aclose()


async def test_copies_share_the_session_and_close_nothing(clock: ManualClock) -> None:
    original = rblxcloud.Experience(7, api_key="k", base_url="http://127.0.0.1:1")
    for duplicate in (copy.copy(original), copy.deepcopy(original)):
        assert duplicate == original
        await duplicate.aclose()
    original._bound_to.get()
    await original.aclose()
    with pytest.raises(rblxcloud.ConfigurationError, match="closed"):
        original._bound_to.get()


async def test_fields_of_an_answer_never_reach_the_constructor(clock: ManualClock) -> None:
    hostile = {"path": "universes/7", "api_key": "theirs", "base_url": "http://evil", "displayName": "n"}
    async with async_client(clock, Script([httpx.Response(200, json=hostile)])) as client:
        experience = await client.experience(7).fetch()
    assert experience.display_name == "n"
    assert experience._binding is client._session
