"""What the emulator needs of uvicorn beyond ASGI. Imports uvicorn, so that only a running server imports this."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable, Coroutine, MutableMapping
from typing import Any

import uvicorn
from uvicorn.protocols.http.auto import AutoHTTPProtocol

from rblxcloud.emulator.server import TRANSPORT

__all__ = ["Application", "Receive", "Scope", "Send", "Server", "config"]

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

_KEEP_ALIVE = 75
_STOP_WITHIN = 1


class Server(uvicorn.Server):
    """A server that says when it answers.

    Args:
        config: How to serve.
        on_ready: Called once the sockets are listened on.
        background: What goes on while it serves.
    """

    def __init__(
        self, config: uvicorn.Config, on_ready: Callable[[], None], background: Callable[[], Coroutine[Any, Any, None]]
    ) -> None:
        super().__init__(config)
        self._on_ready = on_ready
        self._background = background
        self._task: asyncio.Task[None] | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start as uvicorn does, then say so."""
        await super().startup(sockets)
        self._task = asyncio.create_task(self._background())
        self._on_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop as uvicorn does, and end what goes on."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await super().shutdown(sockets)


def config(application: Application) -> uvicorn.Config:
    """Return how the emulator is served: quietly, without headers that Roblox does not send."""
    return uvicorn.Config(
        application,
        http=_protocol,  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        ws="none",
        lifespan="off",
        log_config=None,
        log_level=logging.CRITICAL,
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        timeout_keep_alive=_KEEP_ALIVE,
        timeout_graceful_shutdown=_STOP_WITHIN,
    )


def _protocol(**arguments: Any) -> Any:
    """Make one connection's protocol, and show the application its transport: ASGI cannot cut a connection."""
    connection: Any = AutoHTTPProtocol(**arguments)
    application: Application = connection.app

    async def with_transport(scope: Scope, receive: Receive, send: Send) -> None:
        scope[TRANSPORT] = connection.transport
        await application(scope, receive, send)

    connection.app = with_transport
    return connection
