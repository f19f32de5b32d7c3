"""Programs that mock httpx with respx see what their own `http_client` sends for us."""

from __future__ import annotations

import httpx
import pytest
import respx

import rblxcloud
import rblxcloud.sync

ENTRY = {"revisionId": "v1", "value": 68, "id": "k"}
URL = "https://apis.roblox.com/cloud/v2/universes/1/data-stores/s/scopes/global/entries/k"


@respx.mock
def test_respx_answers_for_a_blocking_client() -> None:
    route = respx.get(URL).mock(return_value=httpx.Response(200, json=ENTRY))
    with httpx.Client() as http_client, rblxcloud.sync.Client("key", http_client=http_client) as client:
        assert client.experience(1).get_data_store("s").get("k").value == 68
    assert route.calls.last.request.headers["x-api-key"] == "key"


@pytest.mark.anyio
@respx.mock
async def test_respx_answers_for_an_async_client() -> None:
    respx.get(URL).mock(side_effect=[httpx.ReadError("cut"), httpx.Response(200, json=ENTRY)])
    policy = rblxcloud.RetryPolicy(base_delay=0.0)
    async with (
        httpx.AsyncClient() as http_client,
        rblxcloud.Client("key", http_client=http_client, retries=policy) as client,
    ):
        assert (await client.experience(1).get_data_store("s").get("k")).value == 68
