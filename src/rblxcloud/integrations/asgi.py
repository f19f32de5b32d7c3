"""A place for webhooks in any ASGI application, without a web framework."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager, suppress
from typing import Any

from rblxcloud.config import check_seconds
from rblxcloud.errors import ConfigurationError, InvalidRequestError, WebhookInboxError
from rblxcloud.resources.arguments import check_whole, shown
from rblxcloud.runtime import tasks
from rblxcloud.webhooks.receiver import TOO_LARGE, TOO_LONG, WebhookAnswer, WebhookReceiver
from rblxcloud.webhooks.signature import AnyHeaders

__all__ = ["WebhookEndpoint"]

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_NOT_ALLOWED = WebhookAnswer(405, "webhooks come by POST")
_CUT = WebhookAnswer(400, "the connection was cut")
_MOST_WORKERS = 1000
_ROBLOX_WAITS = 5.0


class _Disconnected(Exception):
    """A connection was cut while its request was read."""


class WebhookEndpoint:
    """An ASGI application that takes in webhooks, under any path: mount it, or make it the endpoint of a route.

    Roblox waits five seconds for an answer. After four the answer is 503, so that Roblox tries again, while the handler
    goes on: where it finishes, the next delivery is a duplicate.

    With an inbox, what is stored is handled while `lifespan` is open: what comes, what is left over from before the
    start, and what has failed. Where nobody opens it, as in an application that is mounted in another, each request
    handles one stored event after its answer, and what has failed waits for the next request.

    ```python
    from starlette.applications import Starlette
    from starlette.routing import Route

    from rblxcloud import MemoryWebhookInbox, Webhook, WebhookReceiver
    from rblxcloud.integrations.asgi import WebhookEndpoint

    receiver = WebhookReceiver(Webhook("the secret in the Creator Dashboard"), inbox=MemoryWebhookInbox())
    endpoint = WebhookEndpoint(receiver)
    app = Starlette(routes=[Route("/webhooks/roblox", endpoint)], lifespan=endpoint.lifespan)
    ```
    """

    def __init__(self, receiver: WebhookReceiver, *, answer_within: float = 4.0, workers: int = 4) -> None:
        """Make an application.

        Args:
            receiver: What the webhooks are for: one of `rblxcloud`, not of `rblxcloud.sync`.
            answer_within: Seconds after which the answer is 503; less than the five that Roblox waits.
            workers: How many stored events are handled at the same time, at most 1000; 0 to store them alone, where
                another process handles them.

        Raises:
            InvalidRequestError: An argument is refused.
        """
        if not isinstance(receiver, WebhookReceiver):  # pyright: ignore[reportUnnecessaryIsInstance]
            kind = f"{type(receiver).__module__}.{type(receiver).__name__}"
            raise InvalidRequestError("receiver", f"is a {kind}; it takes a rblxcloud.WebhookReceiver")
        self._receiver = receiver
        self._answer_within = check_seconds("answer_within", answer_within)
        if self._answer_within >= _ROBLOX_WAITS:
            problem = f"{shown(answer_within)} seconds: it must be less than the {_ROBLOX_WAITS:g} that Roblox waits"
            raise InvalidRequestError("answer_within", problem)
        self._workers = check_whole("workers", workers, _MOST_WORKERS, smallest=0)
        self._alive = 0

    @asynccontextmanager
    async def lifespan(self, app: object = None) -> AsyncGenerator[None]:
        """Handle stored webhooks while the context is open: a lifespan for Starlette and FastAPI.

        Args:
            app: The application; nothing is done with it.

        Raises:
            ConfigurationError: The receiver has an inbox, and no handlers.
        """
        workers = self._workers if self._receiver.stores else 0
        if workers and not self._receiver.handles:
            raise ConfigurationError(
                "the receiver has an inbox and no handlers: register them before the start, or pass workers=0 where"
                " another process handles what is stored"
            )
        self._alive += 1
        try:
            async with tasks.meanwhile(self._receiver.run, workers):
                yield
        finally:
            self._alive -= 1

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request; see the ASGI specification."""
        if scope["type"] == "lifespan":
            return await self._live(receive, send)
        if scope["type"] != "http":
            raise InvalidRequestError("scope", f"is of a {scope['type']} connection; webhooks come over http")

        async def tell(answer: WebhookAnswer | None) -> None:
            await _send(answer or TOO_LONG, send)

        if scope["method"] != "POST":
            return await tell(_NOT_ALLOWED)
        answer = await tasks.in_time(self._take(scope["headers"], receive), self._answer_within, tell)
        # Not all that is due: a server that is to stop waits for its requests.
        if self._receiver.stores and self._workers and not self._alive and answer.status < 300:
            with suppress(WebhookInboxError):
                await self._receiver.handle_due(limit=1)
        return None

    async def _take(self, headers: AnyHeaders, receive: Receive) -> WebhookAnswer:
        try:
            body = await self._read(receive)
        except _Disconnected:
            return _CUT
        return TOO_LARGE if body is None else await self._receiver.receive(headers, body)

    async def _live(self, receive: Receive, send: Send) -> None:
        """Handle stored webhooks as long as a server runs, where nothing is around this application."""
        await receive()
        outcome = {"type": "lifespan.shutdown.complete"}
        try:
            async with self.lifespan():
                await send({"type": "lifespan.startup.complete"})
                await receive()
        except ConfigurationError as error:
            outcome = {"type": "lifespan.startup.failed", "message": str(error)}
        await send(outcome)

    async def _read(self, receive: Receive) -> bytes | None:
        """Return the body; None where it is too large, of which no more is read than that takes to know.

        Raises:
            _Disconnected: The connection was cut before its end.
        """
        chunks: list[bytes] = []
        size, more = 0, True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise _Disconnected
            chunks.append(message.get("body", b""))
            size += len(chunks[-1])
            if size > self._receiver.max_body_bytes:
                return None
            more = message.get("more_body", False)
        return b"".join(chunks)


async def _send(answer: WebhookAnswer, send: Send) -> None:
    body = answer.reason.encode()
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
    ]
    if answer is _NOT_ALLOWED:
        headers.append((b"allow", b"POST"))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
