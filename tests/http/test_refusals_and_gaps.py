"""Answers that hold nothing, headers that are not the caller's, and a 403 that stays within the deadline."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

import rblxcloud
from rblxcloud.config import Options
from tests.support.clock import ManualClock
from tests.support.server import Script, async_client

pytestmark = pytest.mark.anyio

FORBIDDEN = {"code": "PERMISSION_DENIED", "message": "no"}


@pytest.mark.parametrize(
    "read",
    [
        lambda experience: experience.get_data_store("s").keys().first_page(),
        lambda experience: experience.get_ordered_data_store("s").sorted().first_page(),
        lambda experience: experience.data_stores().first_page(),
        lambda experience: experience.fetch(),
    ],
    ids=["keys", "sorted", "data_stores", "fetch"],
)
async def test_an_empty_answer_to_a_read_is_an_error_and_not_an_empty_list(clock: ManualClock, read: Any) -> None:
    script = Script([httpx.Response(200)])
    async with async_client(clock, script) as client:
        with pytest.raises(rblxcloud.APIResponseError, match="cannot be used"):
            await read(client.experience(1))


@pytest.mark.parametrize(
    "name", ["X-Api-Key", "Authorization", "Cookie", "Host", "Content-Length", "Transfer-Encoding", "Connection"]
)
async def test_headers_that_the_client_sets_itself_are_refused(clock: ManualClock, name: str) -> None:
    script = Script([])
    async with async_client(clock, script) as client:
        with pytest.raises(rblxcloud.InvalidRequestError, match=f"'{name.lower()}' is set by the client") as caught:
            await client.request("GET", "/cloud/v2/universes/1", headers={name: "secret-value"})
    assert "secret-value" not in str(caught.value)


@pytest.mark.parametrize("name", ["X-Api-Key", "AUTHORIZATION", "cookie"])
async def test_no_header_that_a_client_is_given_replaces_the_credential(clock: ManualClock, name: str) -> None:
    with pytest.raises(rblxcloud.InvalidRequestError, match=f"'{name.lower()}' is set by the client"):
        rblxcloud.Client("key", headers={name: "other"})
    async with async_client(clock, Script([])) as client:
        with pytest.raises(rblxcloud.InvalidRequestError, match=f"'{name.lower()}' is set by the client"):
            client.with_options(headers={name: "other"})


async def test_headers_of_a_client_go_out_in_one_spelling(clock: ManualClock) -> None:
    script = Script([httpx.Response(200, json={"path": "users/1"})])
    async with async_client(clock, script) as client:
        await client.with_options(headers={"X-Mine": "1", "ACCEPT": "application/xml"}).user(1).fetch()
    assert script.requests[0].headers.get_list("x-mine") == ["1"]
    assert script.requests[0].headers.get_list("accept") == ["application/xml"]


async def test_a_content_type_of_the_callers_goes_out_once(clock: ManualClock) -> None:
    script = Script([httpx.Response(200, json={})])
    async with async_client(clock, script) as client:
        await client.request("POST", "/x", content=b"a", headers={"Content-Type": "text/plain"})
    assert script.requests[0].headers.get_list("content-type") == ["text/plain"]


async def test_a_refusal_asks_for_the_scopes_of_the_key_once_and_not_past_the_deadline(clock: ManualClock) -> None:
    script = Script([httpx.Response(403, json=FORBIDDEN), httpx.Response(503), httpx.Response(403, json=FORBIDDEN)])
    async with async_client(clock, script, Options(deadline=3)) as client:
        store = client.experience(1).get_data_store("s")
        for _ in range(2):
            with pytest.raises(rblxcloud.PermissionDeniedError) as caught:
                await store.get("k")
            assert caught.value.granted_scopes is None
    assert len(script.requests) == 3


async def test_a_429_that_asks_for_no_wait_is_still_backed_off_from(clock: ManualClock) -> None:
    busy = httpx.Response(429, headers={"retry-after": "0"}, json={"errors": [{"code": 0, "message": "busy"}]})
    script = Script([busy] * 6)
    before = clock.monotonic()
    async with async_client(clock, script) as client:
        with pytest.raises(rblxcloud.RateLimitedError):
            await client.experience(1).get_data_store("s").get("k")
    assert clock.monotonic() > before


@pytest.mark.parametrize("date", ["Wed, 21 Oct 99999999999999999999 07:28:00 GMT", "soon"])
async def test_a_date_that_is_none_is_no_wait(clock: ManualClock, date: str) -> None:
    script = Script([httpx.Response(429, headers={"retry-after": date}, json=FORBIDDEN)] * 6)
    async with async_client(clock, script) as client:
        with pytest.raises(rblxcloud.RateLimitedError) as caught:
            await client.experience(1).get_data_store("s").get("k")
    assert caught.value.retry_after is None
