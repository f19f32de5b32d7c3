"""What a user's own `http_client` lets out becomes an error of ours, which says whether the call may have happened."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import httpx
import httpx2
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


def chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


@pytest.mark.parametrize("library", [httpx, httpx2], ids=lambda library: library.__name__)
def test_what_is_signed_into_an_address_is_in_no_log_and_no_error(
    library: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    address = "https://storage.example.com/in?signature=secret"
    made = {"path": "universes/1/luau-execution-session-task-binary-inputs/5", "size": "3", "uploadUri": address}
    sent = list[str]()

    def handle(request: Any) -> Any:
        if request.url.host == "apis.roblox.com":
            return library.Response(200, json=made)
        sent.append(str(request.url))
        if len(sent) == 1:
            raise library.ReadError("reset", request=request)
        return library.Response(200)

    with (
        library.Client(transport=library.MockTransport(handle)) as http_client,
        rblxcloud.sync.Client("key", http_client=http_client, retries=0, rate_limits="off") as client,
    ):
        place = client.experience(1).place(2)
        with pytest.raises(rblxcloud.APIConnectionError) as caught:
            place.upload_luau_input(b"abc")
        place.upload_luau_input(b"abc")
    assert sent == [address] * 2
    requests = [each.request for each in chain(caught.value) if isinstance(each, library.RequestError)]
    assert [str(request.url) for request in requests] == ["https://storage.example.com/in"]
    messages = [record.getMessage() for record in caplog.records if record.name == library.__name__]
    assert any(" https://storage.example.com/in " in message for message in messages)
    assert "secret" not in caplog.text
