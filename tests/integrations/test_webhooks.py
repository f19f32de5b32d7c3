"""rblxcloud.integrations: webhooks in Starlette, FastAPI, any ASGI server, and Flask."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import anyio
import anyio.lowlevel
import flask
import httpx
import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.routing import Mount, Route

import rblxcloud.sync
from rblxcloud import (
    ConfigurationError,
    InvalidRequestError,
    MemoryWebhookInbox,
    Webhook,
    WebhookEvent,
    WebhookReceiver,
)
from rblxcloud.integrations.asgi import WebhookEndpoint
from rblxcloud.integrations.fastapi import webhook_router
from tests.webhooks.signing import NOW, SECRET, body, signed

WEBHOOK = Webhook(SECRET, clock=lambda: NOW)
PATH = "/webhooks/roblox"


class Log:
    """A receiver that notes what it handles."""

    def __init__(self, **options: Any) -> None:
        self.receiver = WebhookReceiver(WEBHOOK, **options)
        self.begun: list[str] = []
        self.done: list[str] = []
        self.hold = anyio.Event()
        self.hold.set()
        self.fails = 0
        self.receiver.on(WebhookEvent)(self._handle)
        # Else each test would wait for a second.
        setattr(self.receiver, "run", partial(self.receiver.run, every=0.01))  # noqa: B010

    async def _handle(self, event: WebhookEvent) -> None:
        self.begun.append(event.notification_id)
        await self.hold.wait()
        if len(self.begun) <= self.fails:
            raise RuntimeError("the handler's own")
        self.done.append(event.notification_id)


def starlette(receiver: WebhookReceiver) -> Starlette:
    endpoint = WebhookEndpoint(receiver)
    return Starlette(routes=[Route(PATH, endpoint)], lifespan=endpoint.lifespan)


def mounted(receiver: WebhookReceiver) -> Starlette:
    endpoint = WebhookEndpoint(receiver)
    return Starlette(routes=[Mount("/webhooks", routes=[Route("/roblox", endpoint)])], lifespan=endpoint.lifespan)


def fastapi(receiver: WebhookReceiver) -> FastAPI:
    app = FastAPI()
    app.include_router(webhook_router(receiver))
    return app


def prefixed(receiver: WebhookReceiver) -> FastAPI:
    app = FastAPI()
    app.include_router(webhook_router(receiver, "/roblox"), prefix="/webhooks")
    return app


APPS = (starlette, mounted, fastapi, prefixed)


@asynccontextmanager
async def running(app: Any) -> AsyncIterator[httpx.AsyncClient]:
    """An application with its lifespan, and a caller of it."""
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://app") as caller,
    ):
        yield caller


async def until(condition: Callable[[], bool]) -> None:
    with anyio.fail_after(30):
        while not condition():  # noqa: ASYNC110
            await anyio.sleep(0.01)


async def send(caller: httpx.AsyncClient, content: bytes, headers: Any = None) -> int:
    answer = await caller.post(PATH, content=content, headers=signed(content) if headers is None else headers)
    return answer.status_code


@pytest.mark.anyio
@pytest.mark.parametrize("make", APPS)
async def test_an_event_is_handled_and_answered(make: Any) -> None:
    log = Log()
    async with running(make(log.receiver)) as caller:
        assert [await send(caller, body()), await send(caller, body())] == [200, 200]
        assert log.done == [log.begun[0]]
        assert await send(caller, body(), {}) == 401
        assert await send(caller, body(), signed(body(), moment=NOW - 601)) == 403
        assert await send(caller, b"{}") == 400
        refused = await caller.get(PATH)
        assert (refused.status_code, refused.headers["allow"]) == (405, "POST")


@pytest.mark.anyio
@pytest.mark.parametrize("make", APPS)
async def test_a_stored_event_is_handled_once_it_was_answered(make: Any) -> None:
    log = Log(inbox=MemoryWebhookInbox())
    async with running(make(log.receiver)) as caller:
        assert [await send(caller, body()), await send(caller, body())] == [202, 202]
        await until(lambda: len(log.done) == 1)


@pytest.mark.anyio
async def test_a_failed_handler_has_roblox_try_again() -> None:
    log = Log()
    log.fails = 1
    async with running(fastapi(log.receiver)) as caller:
        assert [await send(caller, body()), await send(caller, body())] == [503, 200]


@pytest.mark.anyio
async def test_what_was_left_is_handled_at_the_start() -> None:
    inbox = MemoryWebhookInbox()
    assert (await Log(inbox=inbox).receiver.receive(signed(body()), body())).status == 202
    log = Log(inbox=inbox)
    async with running(fastapi(log.receiver)):
        while not log.done:
            await anyio.lowlevel.checkpoint()


@pytest.mark.anyio
async def test_shutdown_leaves_what_is_being_handled_for_the_next_start() -> None:
    inbox = MemoryWebhookInbox()
    log = Log(inbox=inbox)
    log.hold = anyio.Event()
    await log.receiver.receive(signed(body()), body())
    async with running(fastapi(log.receiver)):
        while not log.begun:
            await anyio.lowlevel.checkpoint()
    again = Log(inbox=inbox)
    async with running(fastapi(again.receiver)):
        while not again.done:
            await anyio.lowlevel.checkpoint()
    assert log.done == []


@pytest.mark.anyio
async def test_a_slow_handler_does_not_hold_others_up() -> None:
    inbox, begun, done = MemoryWebhookInbox(), list[str](), list[str]()
    receiver = WebhookReceiver(WEBHOOK, inbox=inbox)

    @receiver.on(WebhookEvent)
    async def handle(event: WebhookEvent) -> None:
        begun.append(event.notification_id)
        if event.notification_id == "slow":
            await anyio.sleep_forever()
        done.append(event.notification_id)

    for number in ("slow", "1", "2", "3"):
        content = body(number=number)
        await receiver.receive(signed(content), content)
    async with running(fastapi(receiver)):
        await until(lambda: sorted(done) == ["1", "2", "3"])
    assert begun.count("slow") == 1


@pytest.mark.anyio
async def test_where_another_process_handles_them_events_are_stored_alone() -> None:
    inbox = MemoryWebhookInbox()
    for log in (Log(inbox=inbox), Log(inbox=inbox)):
        log.receiver._handlers.clear()
        endpoint = WebhookEndpoint(log.receiver, workers=0)
        app = Starlette(routes=[Route(PATH, endpoint)], lifespan=endpoint.lifespan)
        async with running(app) as caller:
            assert await send(caller, body()) == 202
            await anyio.lowlevel.checkpoint()
    assert repr(inbox) == "<MemoryWebhookInbox of 1 webhooks, 0 handled>"


@pytest.mark.anyio
@pytest.mark.parametrize("make", APPS)
async def test_an_application_that_would_drop_what_is_stored_does_not_start(make: Any) -> None:
    app = make(WebhookReceiver(WEBHOOK, inbox=MemoryWebhookInbox()))
    with pytest.raises(ConfigurationError, match="workers=0"):
        async with running(app):
            raise AssertionError("it has started")


@pytest.mark.anyio
async def test_alone_under_a_server_what_would_drop_events_tells_that_it_does_not_start() -> None:
    said: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "lifespan.startup"}

    async def send(message: Any) -> None:
        said.append(message)

    receiver = WebhookReceiver(WEBHOOK, inbox=MemoryWebhookInbox())
    await WebhookEndpoint(receiver)({"type": "lifespan"}, receive, send)
    assert [message["type"] for message in said] == ["lifespan.startup.failed"]
    assert "workers=0" in said[0]["message"]


@pytest.mark.anyio
async def test_without_a_lifespan_a_request_handles_one_stored_event() -> None:
    inbox = MemoryWebhookInbox()
    log = Log(inbox=inbox)
    for number in range(3):
        inbox.add(str(number), body(number=str(number)))
    wire = Wire(body())
    await WebhookEndpoint(log.receiver)(wire.scope, wire.receive, wire.send)
    assert (wire.status, log.done) == (202, ["0"])


@pytest.mark.anyio
async def test_an_error_of_the_application_ends_its_lifespan_unwrapped() -> None:
    log = Log(inbox=MemoryWebhookInbox())
    with pytest.raises(LookupError, match="its own"):
        async with running(starlette(log.receiver)):
            raise LookupError("its own")


class Wire:
    """One request to an ASGI application, whose answer can be looked at while the application still works."""

    def __init__(self, *chunks: bytes, headers: Any = None, method: str = "POST") -> None:
        content = b"".join(chunks)
        given = signed(content) if headers is None else headers
        raw = [(name.encode(), value.encode()) for name, value in given.items()]
        self.scope = {"type": "http", "method": method, "path": PATH, "headers": raw}
        self._left = list(chunks)
        self._count = len(chunks)
        self.answered = anyio.Event()
        self.status = 0

    async def receive(self) -> dict[str, Any]:
        if not self._left:
            return {"type": "http.disconnect"}
        chunk = self._left.pop(0)
        self._count -= 1
        return {"type": "http.request", "body": chunk, "more_body": self._count > 0}

    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
        else:
            self.answered.set()

    def cut_after(self, chunks: int) -> None:
        del self._left[chunks:]

    @property
    def left(self) -> int:
        return len(self._left)


@pytest.mark.anyio
async def test_a_handler_that_takes_too_long_goes_on_behind_a_503() -> None:
    log = Log()
    log.hold = anyio.Event()
    endpoint = WebhookEndpoint(log.receiver, answer_within=0.01)
    first, second, third = Wire(body()), Wire(body()), Wire(body())
    async with anyio.create_task_group() as group:
        group.start_soon(endpoint, first.scope, first.receive, first.send)
        await first.answered.wait()
        await endpoint(second.scope, second.receive, second.send)
        assert (first.status, second.status, log.done) == (503, 503, [])
        log.hold.set()
    await endpoint(third.scope, third.receive, third.send)
    assert third.status == 200
    assert len(log.begun) == len(log.done) == 1


@pytest.mark.anyio
async def test_a_stored_event_is_answered_before_it_is_handled() -> None:
    log = Log(inbox=MemoryWebhookInbox())
    log.hold = anyio.Event()
    endpoint, wire = WebhookEndpoint(log.receiver), Wire(body())
    async with anyio.create_task_group() as group:
        group.start_soon(endpoint, wire.scope, wire.receive, wire.send)
        await wire.answered.wait()
        assert (wire.status, log.done) == (202, [])
        log.hold.set()
    assert len(log.done) == 1


@pytest.mark.anyio
async def test_a_body_that_comes_in_pieces_is_one() -> None:
    log, content = Log(), body()
    wire = Wire(content[:10], b"", content[10:])
    await WebhookEndpoint(log.receiver)(wire.scope, wire.receive, wire.send)
    assert wire.status == 200


@pytest.mark.anyio
async def test_a_body_that_was_cut_is_not_taken_for_a_forgery(caplog: pytest.LogCaptureFixture) -> None:
    log, content = Log(), body()
    wire = Wire(content[:10], content[10:])
    wire.cut_after(1)
    await WebhookEndpoint(log.receiver)(wire.scope, wire.receive, wire.send)
    assert (wire.status, log.begun, caplog.records) == (400, [], [])


@pytest.mark.anyio
async def test_a_body_that_takes_too_long_is_answered_in_time() -> None:
    log = Log()
    endpoint, wire, rest = WebhookEndpoint(log.receiver, answer_within=0.01), Wire(body()), anyio.Event()

    async def receive() -> dict[str, Any]:
        await rest.wait()
        return await wire.receive()

    async with anyio.create_task_group() as group:
        group.start_soon(endpoint, wire.scope, receive, wire.send)
        await wire.answered.wait()
        assert wire.status == 503
        rest.set()


@pytest.mark.anyio
async def test_a_body_without_end_is_not_read_to_its_end() -> None:
    log = Log(max_body_bytes=100)
    wire = Wire(*[b"x" * 60] * 1000)
    await WebhookEndpoint(log.receiver)(wire.scope, wire.receive, wire.send)
    assert wire.status == 413
    assert wire.left == 998


@pytest.mark.anyio
async def test_an_inbox_that_fails_after_the_answer_is_no_error_of_the_application() -> None:
    class Inbox(MemoryWebhookInbox):
        def lease(self, holder: str, seconds: float) -> Any:
            raise OSError("the disk is full")

    log, wire = Log(inbox=Inbox()), Wire(body())
    await WebhookEndpoint(log.receiver)(wire.scope, wire.receive, wire.send)
    assert wire.status == 202


@pytest.mark.anyio
async def test_alone_under_a_server_it_handles_what_is_stored_too() -> None:
    inbox = MemoryWebhookInbox()
    log, said = Log(inbox=inbox), list[str]()
    await log.receiver.receive(signed(body()), body())
    received = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]

    async def receive() -> dict[str, Any]:
        while len(received) == 1 and not log.done:
            await anyio.lowlevel.checkpoint()
        return received.pop(0)

    async def send(message: Any) -> None:
        said.append(message["type"])

    await WebhookEndpoint(log.receiver)({"type": "lifespan"}, receive, send)
    assert said == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert len(log.done) == 1


@pytest.mark.anyio
async def test_another_kind_of_connection_is_refused() -> None:
    wire = Wire(body())
    with pytest.raises(InvalidRequestError, match="websocket"):
        await WebhookEndpoint(Log().receiver)({**wire.scope, "type": "websocket"}, wire.receive, wire.send)


@pytest.mark.anyio
async def test_arguments_that_cannot_be_meant_are_refused() -> None:
    blocking: Any = rblxcloud.sync.WebhookReceiver(WEBHOOK)
    with pytest.raises(InvalidRequestError, match=r"rblxcloud\.WebhookReceiver"):
        WebhookEndpoint(blocking)
    for seconds in (0, 5, 5.0, 4000):
        with pytest.raises(InvalidRequestError) as caught:
            webhook_router(Log().receiver, answer_within=seconds)
        assert caught.value.argument == "answer_within"
    WebhookEndpoint(Log().receiver, answer_within=4.9)
    for path in ("webhooks", "", None, 5, b"/webhooks"):
        with pytest.raises(InvalidRequestError) as caught:
            webhook_router(Log().receiver, path)  # type: ignore[arg-type]
        assert caught.value.argument == "path"
    for workers in (-1, 1.5, True, 1001):
        with pytest.raises(InvalidRequestError) as caught:
            WebhookEndpoint(Log().receiver, workers=workers)  # type: ignore[arg-type]
        assert caught.value.argument == "workers"


@pytest.mark.parametrize("stored", [False, True])
def test_flask(stored: bool) -> None:
    inbox = MemoryWebhookInbox() if stored else None
    receiver = rblxcloud.sync.WebhookReceiver(WEBHOOK, inbox=inbox)
    app, seen = flask.Flask(__name__), list[str]()

    @receiver.on(WebhookEvent)
    def handle(event: WebhookEvent) -> None:
        seen.append(event.notification_id)

    @app.post(PATH)
    def webhook() -> tuple[str, int]:
        answer = receiver.receive(flask.request.headers, flask.request.get_data())
        return answer.reason, answer.status

    caller = app.test_client()
    answers = [caller.post(PATH, data=body(), headers=signed(body())).status_code for _ in range(2)]
    assert answers == ([202, 202] if stored else [200, 200])
    assert caller.post(PATH, data=body()).status_code == 401
    if stored:
        assert receiver.handle_due() == 1
    assert len(seen) == 1
