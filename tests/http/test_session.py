"""The one request path: what is repeated, what is not, and what an error says."""

from __future__ import annotations

import pickle
from typing import Any

import httpx
import pytest

import rblxcloud
from rblxcloud.config import Options, RetryPolicy
from tests.http.conftest import Perform
from tests.support.clock import ManualClock
from tests.support.server import Script, async_client

pytestmark = pytest.mark.anyio

ENTRY = {"revisionId": "v1", "value": 68, "users": ["users/1"], "attributes": {"a": "b"}, "id": "k"}


def cut() -> httpx.ReadError:
    return httpx.ReadError("connection reset")


def refused() -> httpx.ConnectError:
    return httpx.ConnectError("refused")


def v2_error(status: int, code: str = "INVALID_ARGUMENT") -> httpx.Response:
    return httpx.Response(status, json={"code": code, "message": "no"})


async def test_read_is_repeated_after_a_cut_answer(clock: ManualClock) -> None:
    script = Script([cut(), httpx.Response(200, json=ENTRY)])
    async with async_client(clock, script) as client:
        value, info = await client.experience(1).get_data_store("s").get("k")
    assert (value, info.version, info.users) == (68, "v1", (1,))
    assert len(script.requests) == 2


async def test_increment_is_not_repeated_after_a_cut_answer(clock: ManualClock) -> None:
    script = Script([cut()])
    async with async_client(clock, script) as client:
        with pytest.raises(rblxcloud.APIConnectionError) as caught:
            await client.experience(1).get_data_store("s").increment("k")
    assert caught.value.outcome_unknown
    assert isinstance(caught.value.__cause__, Exception)


async def test_increment_is_repeated_when_the_connection_was_refused(clock: ManualClock) -> None:
    script = Script([refused(), httpx.Response(200, json=ENTRY)])
    async with async_client(clock, script) as client:
        value, _ = await client.experience(1).get_data_store("s").increment("k")
    assert value == 68


async def test_connection_refused_every_time_has_a_known_outcome(clock: ManualClock) -> None:
    script = Script([refused()] * 6)
    async with async_client(clock, script) as client:
        with pytest.raises(rblxcloud.APIConnectionError) as caught:
            await client.experience(1).get_data_store("s").increment("k")
    assert not caught.value.outcome_unknown


async def test_increment_is_not_repeated_after_a_server_error(clock: ManualClock) -> None:
    script = Script([v2_error(500, "INTERNAL")])
    async with async_client(clock, script) as client:
        with pytest.raises(rblxcloud.ServerError) as caught:
            await client.experience(1).get_data_store("s").increment("k")
    assert caught.value.outcome_unknown


async def test_an_outage_is_waited_for_as_long_as_it_says_and_not_by_all_to_the_moment(clock: ManualClock) -> None:
    out = httpx.Response(503, headers={"retry-after": "60"}, json={"code": "UNAVAILABLE", "message": "no"})
    async with async_client(clock, Script([out, httpx.Response(200, json=ENTRY)])) as client:
        await client.experience(1).get_data_store("s").get("k")
    assert len(clock.sleeps) == 1
    assert 60 <= clock.sleeps[0] < 60 + RetryPolicy().base_delay


async def test_an_outage_that_is_too_long_is_raised_with_how_long_it_is(clock: ManualClock) -> None:
    out = httpx.Response(503, headers={"retry-after": "3600"}, json={"code": "UNAVAILABLE", "message": "no"})
    script = Script([out])
    async with async_client(clock, script) as client:
        with pytest.raises(rblxcloud.ServerError) as caught:
            await client.experience(1).get_data_store("s").get("k")
    assert caught.value.retry_after == 3600
    assert len(script.requests) == 1
    assert clock.sleeps == []


async def test_an_outage_does_not_make_a_write_repeatable(clock: ManualClock) -> None:
    out = httpx.Response(503, headers={"retry-after": "1"}, json={"code": "UNAVAILABLE", "message": "no"})
    script = Script([out])
    async with async_client(clock, script) as client:
        with pytest.raises(rblxcloud.ServerError) as caught:
            await client.experience(1).get_data_store("s").increment("k")
    assert caught.value.outcome_unknown
    assert len(script.requests) == 1


async def test_server_error_on_a_read_changed_nothing(clock: ManualClock) -> None:
    script = Script([v2_error(503, "UNAVAILABLE")] * 6)
    async with async_client(clock, script) as client:
        with pytest.raises(rblxcloud.ServerError) as caught:
            await client.experience(1).get_data_store("s").get("k")
    assert not caught.value.outcome_unknown
    assert len(script.requests) == 6


async def test_set_is_repeated_only_for_the_only_writer(clock: ManualClock) -> None:
    script = Script([cut(), httpx.Response(200, json=ENTRY)])
    async with async_client(clock, script, Options(repeat_writes=True)) as client:
        assert (await client.experience(1).get_data_store("s").set("k", 1)).version == "v1"
    script = Script([cut()])
    async with async_client(clock, script) as client:
        with pytest.raises(rblxcloud.APIConnectionError):
            await client.experience(1).get_data_store("s").set("k", 1)


async def test_a_repeat_carries_the_whole_request_again(clock: ManualClock) -> None:
    script = Script([v2_error(429, "RESOURCE_EXHAUSTED"), httpx.Response(200, json=ENTRY)])
    async with async_client(clock, script, Options(headers={"x-mine": "1"})) as client:
        await client.experience(1).get_data_store("s").set("k", [1], users=[5], metadata={"m": "n"})
    first, second = script.requests
    assert first.content == second.content == b'{"value":[1],"users":["users/5"],"attributes":{"m":"n"}}'
    assert second.headers["x-api-key"] == "key"
    assert second.headers["x-mine"] == "1"


async def test_precondition_that_fails_after_a_lost_attempt_proves_nothing(clock: ManualClock) -> None:
    standing = httpx.Response(412, content=b"7", headers={"roblox-entry-version": "v9"})
    async with async_client(clock, Script([cut(), standing])) as client:
        with pytest.raises(rblxcloud.OutcomeUnknownError) as caught:
            await client.experience(1).get_data_store("s").set("k", 1, previous_version="v1")
    assert caught.value.entry.value == 7
    assert caught.value.outcome_unknown


async def test_precondition_that_fails_at_once_shows_what_stands_there(clock: ManualClock) -> None:
    standing = httpx.Response(412, content=b"7", headers={"roblox-entry-version": "v9", "roblox-entry-userids": "[3]"})
    async with async_client(clock, Script([standing])) as client:
        with pytest.raises(rblxcloud.PreconditionFailedError) as caught:
            await client.experience(1).get_data_store("s").set("k", 1, exclusive_create=True)
    assert caught.value.entry.info.users == (3,)
    assert not caught.value.outcome_unknown


async def test_retry_after_is_slept_and_obeyed(clock: ManualClock) -> None:
    script = Script([httpx.Response(429, headers={"retry-after": "7"}), httpx.Response(200, json=ENTRY)])
    async with async_client(clock, script, Options(rate_limits="off")) as client:
        await client.experience(1).get_data_store("s").get("k")
    assert clock.sleeps == [7.0]


async def test_retry_after_above_the_deadline_raises_without_sleeping(clock: ManualClock) -> None:
    script = Script([httpx.Response(429, headers={"retry-after": "7"})])
    async with async_client(clock, script, Options(deadline=5)) as client:
        with pytest.raises(rblxcloud.DeadlineExceededError) as caught:
            await client.experience(1).get_data_store("s").get("k")
    assert clock.sleeps == []
    assert not caught.value.outcome_unknown


async def test_retry_after_above_the_longest_wait_raises_the_429(clock: ManualClock) -> None:
    script = Script([httpx.Response(429, headers={"retry-after": "3600"})])
    async with async_client(clock, script) as client:
        with pytest.raises(rblxcloud.RateLimitedError) as caught:
            await client.experience(1).get_data_store("s").get("k")
    assert caught.value.retry_after == 3600
    assert clock.sleeps == []


async def test_no_retries_sends_once(clock: ManualClock) -> None:
    script = Script([cut()])
    async with async_client(clock, script, Options(retry=RetryPolicy(retries=0))) as client:
        with pytest.raises(rblxcloud.APIConnectionError):
            await client.experience(1).get_data_store("s").get("k")


async def test_403_names_the_scopes_wanted_and_those_the_key_has(clock: ManualClock) -> None:
    introspection = {"scopes": [{"name": "universe-datastores.objects", "operations": ["list"]}]}
    script = Script([v2_error(403, "PERMISSION_DENIED"), httpx.Response(200, json=introspection)])
    async with async_client(clock, script) as client:
        with pytest.raises(rblxcloud.PermissionDeniedError) as caught:
            await client.experience(1).get_data_store("s").get("k")
    assert caught.value.required_scopes == ("universe-datastores.objects:read",)
    assert caught.value.granted_scopes == ("universe-datastores.objects:list",)
    assert "x-api-key" not in script.requests[1].headers


async def test_oauth_on_an_endpoint_for_keys_is_refused_before_sending(clock: ManualClock) -> None:
    script = Script([])
    async with async_client(clock, script, api_key=None, access_token="t") as client:
        with pytest.raises(rblxcloud.UnsupportedCredentialError):
            await client.experience(1).get_data_store("s").get("k")


@pytest.mark.parametrize("body", [b"", b"<html>busy</html>", b'{"value": 1', b"[]", b'{"revisionId": 5}'])
async def test_a_success_that_cannot_be_used_is_our_error(clock: ManualClock, body: bytes) -> None:
    async with async_client(clock, Script([httpx.Response(200, content=body)])) as client:
        with pytest.raises(rblxcloud.APIResponseError) as caught:
            await client.experience(1).get_data_store("s").get("k")
    assert not caught.value.outcome_unknown


async def test_an_answer_that_is_too_large_is_refused_while_it_is_read(clock: ManualClock) -> None:
    script = Script([httpx.Response(200, content=b"x" * 100)])
    async with async_client(clock, script, max_response_bytes=50) as client:
        with pytest.raises(rblxcloud.APIResponseError, match="max_response_bytes"):
            await client.experience(1).get_data_store("s").get("k")


async def test_errors_pickle_with_all_they_say(clock: ManualClock) -> None:
    async with async_client(clock, Script([v2_error(404, "NOT_FOUND")])) as client:
        with pytest.raises(rblxcloud.NotFoundError) as caught:
            await client.experience(1).get_data_store("s").get("k")
    copy = pickle.loads(pickle.dumps(caught.value))
    assert (type(copy), str(copy), copy.code, copy.endpoint) == (
        rblxcloud.NotFoundError,
        str(caught.value),
        "NOT_FOUND",
        "data_stores.get_entry",
    )


async def test_hooks_see_each_attempt_and_no_secret(clock: ManualClock) -> None:
    seen: list[object] = []

    async def after(event: rblxcloud.ResponseEvent) -> None:
        seen.append(event)

    script = Script([cut(), httpx.Response(200, json=ENTRY)])
    client = async_client(clock, script, api_key="very-secret", on_request=(seen.append,), on_response=(after,))
    async with client:
        await client.experience(1).get_data_store("s").get("k")
    assert [type(event).__name__ for event in seen] == ["RequestEvent", "ResponseEvent"] * 2
    assert "very-secret" not in repr(seen) + repr(client) + repr(client._session)
    assert "very-secret" not in repr(client._session.settings)


async def test_a_closed_client_says_so(clock: ManualClock) -> None:
    client = async_client(clock, Script([]))
    await client.aclose()
    await client.aclose()
    with pytest.raises(rblxcloud.ConfigurationError, match="closed"):
        await client.experience(1).fetch()


async def test_the_raw_request_uses_the_row_of_the_table(clock: ManualClock) -> None:
    script = Script([httpx.Response(200, json={}), httpx.Response(200, json={})])
    async with async_client(clock, script) as client:
        await client.request("POST", "/cloud/v2/universes/1:publishMessage", json={"topic": "t", "message": "m"})
        await client.request("GET", "/new/api", query={"a": True, "b": None})
    assert str(script.requests[0].url) == "https://apis.roblox.com/cloud/v2/universes/1:publishMessage"
    assert script.requests[1].url.query == b"a=true"


def test_several_texts_travel_under_a_repeated_name(perform: Perform) -> None:
    script = Script([httpx.Response(200, json={})])

    async def story(client: Any) -> None:
        await client.request("GET", "/new/api", query={"ids": ("a b", "c&d"), "none": (), "n": 5})

    perform(script, story)
    assert script.requests[0].url.raw_path == b"/new/api?ids=a%20b&ids=c%26d&n=5"


@pytest.mark.parametrize("value", [["a"], ("a", 5), (None,), {"a"}, b"a"])
def test_a_query_value_of_another_type_is_refused(perform: Perform, value: Any) -> None:
    with pytest.raises(rblxcloud.InvalidRequestError, match="query"):
        perform(Script([]), lambda client: client.request("GET", "/new/api", query={"ids": value}))
