"""A place for webhooks in any ASGI application, without a web framework."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager, suppress
from typing import Any

from rblxcloud.config import check_seconds
from rblxcloud.errors import InvalidRequestError, WebhookInboxError
from rblxcloud.runtime import tasks
from rblxcloud.webhooks.receiver import TOO_LARGE, TOO_LONG, WebhookAnswer, WebhookReceiver

__all__ = ["WebhookEndpoint"]

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_NOT_ALLOWED = WebhookAnswer(405, "webhooks come by POST")


class WebhookEndpoint:
    """An ASGI application that takes in webhooks, under any path: mount it, or make it the endpoint of a route.

    Roblox waits five seconds for an answer. After four the answer is 503, so that Roblox tries again, while the handler
    goes on: where it finishes, the next delivery is a duplicate.

    With an inbox, what was just stored is handled as soon as the answer is out. What is left over from before the
    start, and what has failed, is handled while `lifespan` is open.

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

    def __init__(self, receiver: WebhookReceiver, *, answer_within: float = 4.0) -> None:
        """Make an application.

        Args:
            receiver: What the webhooks are for: one of `rblxcloud`, not of `rblxcloud.sync`.
            answer_within: Seconds after which the answer is 503.

        Raises:
            InvalidRequestError: An argument is refused.
        """
        if not isinstance(receiver, WebhookReceiver):  # pyright: ignore[reportUnnecessaryIsInstance]
            kind = f"{type(receiver).__module__}.{type(receiver).__name__}"
            raise InvalidRequestError("receiver", f"is a {kind}; it takes a rblxcloud.WebhookReceiver")
        self._receiver = receiver
        self._answer_within = check_seconds("answer_within", answer_within)

    @asynccontextmanager
    async def lifespan(self, app: object = None) -> AsyncGenerator[None]:
        """Handle stored webhooks while the context is open: a lifespan for Starlette and FastAPI.

        Args:
            app: The application; nothing is done with it.
        """
        if not self._receiver.stores:
            yield
            return
        async with tasks.meanwhile(self._receiver.run):
            yield

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
        body = await self._read(receive)
        if body is None:
            return await tell(TOO_LARGE)
        answer = await tasks.in_time(self._receiver.receive(scope["headers"], body), self._answer_within, tell)
        if self._receiver.stores and answer.status < 300:
            with suppress(WebhookInboxError):  # `lifespan` tries again, and tells.
                await self._receiver.handle_due()
        return None

    async def _live(self, receive: Receive, send: Send) -> None:
        """Handle stored webhooks as long as a server runs, where nothing is around this application."""
        await receive()
        async with self.lifespan():
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})

    async def _read(self, receive: Receive) -> bytes | None:
        """Return the body; None where it is too large, of which no more is read than that takes to know."""
        chunks: list[bytes] = []
        size, more = 0, True
        while more:
            message = await receive()
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
