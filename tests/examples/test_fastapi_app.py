"""examples/fastapi_app.py: a web service on one client."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from examples.fastapi_app import app, lifespan
from rblxcloud import APIResponseError, AuthenticationError, Client, RateLimitedError
from rblxcloud.emulator import Emulator
from rblxcloud.emulator.faults import Fault


@pytest.fixture
def anyio_backend() -> str:
    """FastAPI runs on asyncio."""
    return "asyncio"


@pytest.fixture
async def web(rblxcloud_emulator: Emulator, anyio_backend: str) -> AsyncIterator[httpx.AsyncClient]:
    """A caller of the running application."""
    async with lifespan(app), httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://app") as caller:
        yield caller


@pytest.mark.anyio
async def test_coins_are_granted_and_read(web: httpx.AsyncClient) -> None:
    assert (await web.post("/players/156/coins", json={"coins": 5})).json() == {"coins": 5}
    assert (await web.post("/players/156/coins", json={"coins": 2})).json() == {"coins": 7}
    assert (await web.get("/players/156")).json() == {"coins": 7}


@pytest.mark.anyio
async def test_an_announcement_is_published(web: httpx.AsyncClient, rblxcloud_emulator: Emulator) -> None:
    answer = await web.post("/announcements", json={"text": "double coins"})
    assert answer.status_code == 202
    assert [message.message for message in rblxcloud_emulator.messages(topic="announcements")] == ["double coins"]


@pytest.mark.anyio
async def test_an_unknown_player_is_not_found(web: httpx.AsyncClient) -> None:
    assert (await web.get("/players/1")).status_code == 404


@pytest.mark.anyio
async def test_a_refused_grant_sends_nothing(web: httpx.AsyncClient, rblxcloud_emulator: Emulator) -> None:
    assert (await web.post("/players/156/coins", json={"coins": 0})).status_code == 422
    assert rblxcloud_emulator.requests() == []


@pytest.mark.anyio
async def test_a_full_limit_is_told_with_its_wait(web: httpx.AsyncClient, rblxcloud_emulator: Emulator) -> None:
    headers = {"retry-after": "600"}
    rblxcloud_emulator.faults.add(Fault(kind="answer", status=429, path="*:publishMessage", headers=headers))
    answer = await web.post("/announcements", json={"text": "hello"})
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "600"


@pytest.mark.anyio
async def test_a_lost_answer_is_a_bad_gateway(web: httpx.AsyncClient, rblxcloud_emulator: Emulator) -> None:
    rblxcloud_emulator.faults.add(Fault(kind="drop", acts=True, path="*:publishMessage"))
    answer = await web.post("/announcements", json={"text": "hello"})
    assert answer.status_code == 502
    assert answer.json()["may_have_happened"] is True


@pytest.mark.anyio
async def test_a_request_that_was_never_sent_says_what_is_wrong_with_it(
    web: httpx.AsyncClient, rblxcloud_emulator: Emulator, caplog: pytest.LogCaptureFixture
) -> None:
    answer = await web.post("/players/-1/coins", json={"coins": 5})
    assert answer.status_code == 422
    assert answer.json()["error"].startswith("users")
    assert rblxcloud_emulator.requests() == []
    assert errors(caplog) == []


@pytest.mark.anyio
@pytest.mark.parametrize(("status", "told", "error"), [(401, 502, AuthenticationError), (429, 503, RateLimitedError)])
async def test_the_log_says_what_the_caller_is_not_told(
    web: httpx.AsyncClient,
    rblxcloud_emulator: Emulator,
    caplog: pytest.LogCaptureFixture,
    status: int,
    told: int,
    error: type[Exception],
) -> None:
    headers = {"retry-after": "600"}
    rblxcloud_emulator.faults.add(Fault(kind="answer", status=status, path="*:publishMessage", headers=headers))
    assert (await web.post("/announcements", json={"text": "hello"})).status_code == told
    assert errors(caplog) == [error]


@pytest.mark.anyio
async def test_the_log_says_which_stored_value_does_not_fit(
    web: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    async with Client() as client:
        await client.experience(13058).get_data_store("players").set("156", {"coins": "many"})
    assert (await web.get("/players/156")).status_code == 502
    assert errors(caplog) == [APIResponseError]


def errors(caplog: pytest.LogCaptureFixture) -> list[type[BaseException] | None]:
    """The types of the errors that were logged."""
    return [record.exc_info[0] for record in caplog.records if record.levelname == "ERROR" and record.exc_info]
