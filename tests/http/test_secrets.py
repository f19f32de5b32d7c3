"""Secrets on the wire: the public key, its cache and its flaws."""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from nacl.public import PrivateKey, SealedBox

from rblxcloud import APIConnectionError, APIResponseError, BadRequestError, ConfigurationError, PermissionDeniedError
from tests.support.clock import ManualClock
from tests.support.server import Script, async_client

Perform = Callable[..., Any]

PAIR = PrivateKey.generate()
NEWER = PrivateKey.generate()
SECRET = {"id": "k", "secret": None, "key_id": "1", "domain": None, "create_time": None, "update_time": None}
REFUSED = {"type": "about:blank", "title": "Bad Request", "status": "400", "detail": "Unknown key."}


def key(pair: PrivateKey = PAIR, number: str = "1") -> httpx.Response:
    content = base64.b64encode(bytes(pair.public_key)).decode()
    return httpx.Response(200, json={**SECRET, "id": "public-key", "secret": content, "key_id": number})


def made() -> httpx.Response:
    return httpx.Response(201, json=SECRET)


def refused() -> httpx.Response:
    return httpx.Response(400, json=REFUSED)


def opened(request: httpx.Request, pair: PrivateKey = PAIR) -> dict[str, Any]:
    """Return the body of a request, its secret opened."""
    body = json.loads(request.content)
    return {**body, "secret": SealedBox(pair).decrypt(base64.b64decode(body["secret"], validate=True)).decode()}


async def create(client: Any, universe: int = 1) -> Any:
    return await client.experience(universe).secrets.create("k", "hush", domain="*.example.com")


def test_secret_is_sealed(perform: Perform) -> None:
    script = Script([key(), made(), httpx.Response(200, json=SECRET), httpx.Response(200, json=SECRET)])

    async def story(client: Any) -> None:
        await create(client)
        await client.experience(1).secrets.update("k", value=b"new")
        await client.experience(1).secrets.update("k", domain=None)

    perform(script, story)
    _, creation, update, move = script.requests
    assert creation.url.path == "/cloud/v2/universes/1/secrets"
    assert opened(creation) == {"id": "k", "secret": "hush", "key_id": "1", "domain": "*.example.com"}
    assert update.url.path == "/cloud/v2/universes/1/secrets/k"
    assert opened(update) == {"secret": "new", "key_id": "1"}
    assert json.loads(move.content) == {"domain": ""}


def test_answer_may_hold_what_nobody_should_see(perform: Perform) -> None:
    script = Script([httpx.Response(200, json={"secrets": [{**SECRET, "secret": "hush", "domain": ""}]})])

    async def story(client: Any) -> None:
        (secret,) = [secret async for secret in client.experience(1).secrets.list()]
        assert "hush" not in repr(secret)
        assert (secret.id, secret.domain, secret.created) == ("k", None, None)

    perform(script, story)


def test_pages_go_on_by_cursor(perform: Perform) -> None:
    pages = [{"secrets": [SECRET], "nextPageCursor": "c"}, {"secrets": [], "nextPageCursor": None}]
    script = Script([httpx.Response(200, json=page) for page in pages])

    async def story(client: Any) -> None:
        assert len([secret async for secret in client.experience(1).secrets.list(page_size=500)]) == 1

    perform(script, story)
    assert [request.url.query for request in script.requests] == [b"limit=500", b"limit=500&cursor=c"]


def test_refused_key_is_replaced_once(perform: Perform) -> None:
    script = Script([key(), refused(), key(NEWER, "2"), made(), made()])

    async def story(client: Any) -> None:
        await create(client)
        await create(client)

    perform(script, story)
    assert opened(script.requests[1])["key_id"] == "1"
    for request in script.requests[3:]:
        assert opened(request, NEWER) == {"id": "k", "secret": "hush", "key_id": "2", "domain": "*.example.com"}


def test_refusal_stays_when_the_key_is_the_same_or_cannot_be_fetched(perform: Perform) -> None:
    script = Script([key(), refused(), key(), refused(), httpx.Response(403, json=REFUSED)])

    async def story(client: Any) -> None:
        with pytest.raises(BadRequestError, match="Unknown key"):
            await create(client)
        with pytest.raises(PermissionDeniedError) as caught:
            await create(client)
        assert isinstance(caught.value.__context__, BadRequestError)

    perform(script, story, access_token="token", api_key=None)


@pytest.mark.parametrize("step", [httpx.ReadError("cut"), httpx.Response(500), httpx.Response(502, text="<html>")])
def test_write_that_may_have_happened_is_not_sealed_again(perform: Perform, step: Any) -> None:
    script = Script([key(), step])

    async def story(client: Any) -> None:
        with pytest.raises(Exception, match="secrets") as caught:
            await create(client)
        assert caught.value.outcome_unknown

    perform(script, story)


def test_lost_public_key_is_fetched_again(perform: Perform) -> None:
    script = Script([httpx.ReadError("cut"), httpx.Response(503), key(), made()])
    perform(script, create)
    assert [request.method for request in script.requests] == ["GET", "GET", "GET", "POST"]


def test_key_that_never_comes_leaves_nothing_unknown(perform: Perform) -> None:
    script = Script([httpx.ReadError("cut") for _ in range(6)])

    async def story(client: Any) -> None:
        with pytest.raises(APIConnectionError) as caught:
            await create(client)
        assert not caught.value.outcome_unknown

    perform(script, story)


@pytest.mark.parametrize(
    "content",
    ["", "not base64", base64.b64encode(b"short").decode(), base64.b64encode(bytes(32)).decode(), None, 5],
    ids=["empty", "no base64", "short", "no point of the curve", "null", "a number"],
)
def test_key_that_is_none_seals_nothing(perform: Perform, content: Any) -> None:
    script = Script([httpx.Response(200, json={"id": "public-key", "secret": content, "key_id": "1"}), key(), made()])

    async def story(client: Any) -> None:
        with pytest.raises(APIResponseError, match="secret") as caught:
            await create(client)
        assert not caught.value.outcome_unknown
        await create(client)

    perform(script, story)


@pytest.mark.anyio
async def test_calls_at_the_same_time_fetch_one_key(clock: ManualClock) -> None:
    import anyio

    script = Script([key(), *(made() for _ in range(10))])
    async with async_client(clock, script) as client, anyio.create_task_group() as group:
        for _ in range(10):
            group.start_soon(create, client)
    assert [request.method for request in script.requests] == ["GET", *["POST"] * 10]


@pytest.mark.anyio
async def test_key_that_is_refused_to_many_at_once_is_fetched_once(clock: ManualClock) -> None:
    import anyio

    pairs, sent = {"1": PAIR}, list[httpx.Request]()

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        newest = max(pairs)
        if request.method == "GET":
            return key(pairs[newest], newest)
        return made() if json.loads(request.content)["key_id"] == newest else refused()

    async with async_client(clock, Script([answer] * 23)) as client:
        await create(client)
        pairs["2"] = NEWER
        async with anyio.create_task_group() as group:
            for _ in range(10):
                group.start_soon(create, client)
    taken = [request for request in sent if request.method == "POST" and json.loads(request.content)["key_id"] == "2"]
    assert [opened(request, NEWER)["secret"] for request in taken] == ["hush"] * 10
    assert [request.method for request in sent].count("GET") == 2


@pytest.mark.anyio
async def test_key_whose_fetch_was_cancelled_is_fetched_for_the_next(clock: ManualClock) -> None:
    import anyio

    script, began = Script([key(), made(), made()]), anyio.Event()

    async def answer(request: httpx.Request) -> httpx.Response:
        if not began.is_set():
            began.set()
            await anyio.sleep_forever()
        return script(request)

    async with async_client(clock, answer) as client, anyio.create_task_group() as group:
        scope = anyio.CancelScope()

        async def cancelled() -> None:
            with scope:
                await create(client)

        group.start_soon(cancelled)
        await began.wait()
        for _ in range(2):
            group.start_soon(create, client)
        await anyio.wait_all_tasks_blocked()
        assert script.requests == []
        scope.cancel()
    assert [request.method for request in script.requests] == ["GET", "POST", "POST"]


def test_clients_share_no_keys(perform: Perform) -> None:
    for pair in (PAIR, NEWER):
        script = Script([key(pair), made()])
        perform(script, create)
        assert opened(script.requests[1], pair)["secret"] == "hush"


def test_without_the_extra_nothing_is_sent(perform: Perform, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "nacl.public", None)
    script = Script([httpx.Response(200, json={"secrets": [SECRET]}), httpx.Response(200, json=SECRET)])

    async def story(client: Any) -> None:
        secrets = client.experience(1).secrets
        with pytest.raises(ConfigurationError, match=r"pip install 'rblxcloud\[secrets\]'"):
            await secrets.create("k", "hush")
        with pytest.raises(ConfigurationError, match=r"pip install 'rblxcloud\[secrets\]'"):
            await secrets.update("k", value="hush")
        assert script.requests == []
        assert len([secret async for secret in secrets.list()]) == 1
        await secrets.update("k", domain="*")

    perform(script, story)
