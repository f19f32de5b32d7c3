"""What a user's own `http_client` lets out becomes an error of ours, which says whether the call may have happened."""

from __future__ import annotations

import httpx
import pytest

import rblxcloud
import rblxcloud.sync

FAILURES = [OSError("disk"), RuntimeError("x"), TimeoutError("t"), httpx.CookieConflict("c"), ValueError("v")]


def failing(error: Exception) -> httpx.MockTransport:
    def handle(request: httpx.Request) -> httpx.Response:
        raise error

    return httpx.MockTransport(handle)


@pytest.mark.parametrize("error", FAILURES, ids=lambda error: type(error).__name__)
def test_any_error_of_a_blocking_client_is_one_of_ours(error: Exception) -> None:
    with (
        httpx.Client(transport=failing(error)) as http_client,
        rblxcloud.sync.Client("key", http_client=http_client, retries=0) as client,
        pytest.raises(rblxcloud.APIConnectionError, match=str(error)) as caught,
    ):
        client.experience(1).get_data_store("s").increment("k")
    assert caught.value.outcome_unknown


@pytest.mark.anyio
@pytest.mark.parametrize("error", FAILURES, ids=lambda error: type(error).__name__)
async def test_any_error_of_an_async_client_is_one_of_ours(error: Exception) -> None:
    async with (
        httpx.AsyncClient(transport=failing(error)) as http_client,
        rblxcloud.Client("key", http_client=http_client, retries=0) as client,
    ):
        with pytest.raises(rblxcloud.APIConnectionError, match=str(error)) as caught:
            await client.experience(1).get_data_store("s").increment("k")
    assert caught.value.outcome_unknown
