"""The emulator on loopback: uvicorn around `Emulator.handle`, and what replies ask for on the wire.

Requests are answered in the event loop itself: an answer takes a fraction of a millisecond under one lock, less than
handing it to a thread would cost.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import socket
import threading
from collections.abc import Callable, Generator
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Self

import anyio

from rblxcloud.emulator import control
from rblxcloud.emulator.core import Emulator
from rblxcloud.emulator.errors import family_of, render
from rblxcloud.emulator.luau.controls import starts_script
from rblxcloud.emulator.model import RawRequest, Refusal, Reply
from rblxcloud.emulator.webhooks import courier

if TYPE_CHECKING:
    from types import ModuleType

    from rblxcloud.emulator.wire import Application, Receive, Scope, Send, Server

__all__ = ["DEFAULT_HOST", "DEFAULT_PORT", "EmulatorServer", "MissingServerError", "application", "serve"]

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8360
_LOOPBACKS = {"0.0.0.0": "127.0.0.1", "::": "::1"}
"""Where a server that listens on every address is found from this machine."""

TRANSPORT = "rblxcloud.transport"
"""Where the scope of a request holds the connection's `asyncio.Transport`."""

_logger = logging.getLogger("rblxcloud.emulator")


class MissingServerError(ImportError):
    """The extra that the server needs is not installed."""


class EmulatorServer:
    """An emulator behind a loopback socket. As a context manager it serves from a thread of its own.

    ```python
    with Emulator() as emulator, EmulatorServer(emulator) as server:
        Client(api_key="emulator-key", base_url=server.base_url)
    ```

    Args:
        emulator: Who answers; it is not closed with the server.
        host: Address to listen on.
        port: Port to listen on; 0 for any free one.

    Raises:
        MissingServerError: uvicorn is not installed.
        OSError: The address cannot be listened on.
    """

    def __init__(self, emulator: Emulator, *, host: str = DEFAULT_HOST, port: int = 0) -> None:
        self._wire = _wire()
        self._emulator = emulator
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.create_server((host, port), family=family, backlog=512)
        # asyncio leaves this out for a socket that does not name its protocol: each answer would wait 40 ms for an ACK.
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        address, bound_port = self._socket.getsockname()[:2]
        # A wildcard is no address to send to, and clients refuse it.
        shown = _LOOPBACKS.get(address, host)
        self.base_url: str = f"http://[{shown}]:{bound_port}" if ":" in shown else f"http://{shown}:{bound_port}"
        """Where clients find the emulator."""
        self._server: Server | None = None
        self._thread: threading.Thread | None = None

    def run(self, on_ready: Callable[[], None] = lambda: None) -> None:
        """Serve in this thread until Ctrl-C, a termination signal or `stop`.

        Args:
            on_ready: Called once requests are answered.
        """
        background = partial(courier.run, self._emulator.webhooks)
        server: Server = self._wire.Server(self._wire.config(application(self._emulator)), on_ready, background)
        self._server = server
        try:
            server.run(sockets=[self._socket])
        finally:
            self._socket.close()

    def stop(self) -> None:
        """End the server and its thread; requests under way are given a second."""
        if self._server is not None:
            self._server.should_exit = True
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        self._socket.close()

    def __enter__(self) -> Self:
        """Serve from a thread, and return once requests are answered."""
        ready = threading.Event()
        self._thread = threading.Thread(target=self.run, args=(ready.set,), name="rblxcloud-emulator", daemon=True)
        self._thread.start()
        while not ready.wait(0.05):
            if not self._thread.is_alive():
                raise RuntimeError("The emulator's server did not start.")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stop serving."""
        self.stop()


@contextlib.contextmanager
def serve(emulator: Emulator, *, host: str = DEFAULT_HOST, port: int = 0) -> Generator[str]:
    """Serve an emulator from a thread while the context is open.

    Args:
        emulator: Who answers.
        host: Address to listen on.
        port: Port to listen on; 0 for any free one.

    Yields:
        The base URL.
    """
    with EmulatorServer(emulator, host=host, port=port) as server:
        yield server.base_url


def application(emulator: Emulator) -> Application:
    """Return the ASGI application that answers from an emulator.

    Under a server that does not put its transport into the scope, as ours does, a dropped connection becomes an
    exception of the application.

    Args:
        emulator: Who answers.
    """

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        request = await _read(scope, receive)
        reply = await _answer(emulator, request)
        if reply.delay:
            await _delay(reply.delay, receive)
        if reply.cut_after is None:
            await _send_whole(reply, send)
        else:
            await _send_cut(reply, reply.cut_after, scope, receive, send)

    return app


async def _read(scope: Scope, receive: Receive) -> RawRequest:
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    chunks: list[bytes] = []
    more = True
    while more:
        message = await receive()
        chunks.append(message.get("body", b""))
        more = message.get("more_body", False)
    query = scope["query_string"]
    return RawRequest(
        method=scope["method"],
        raw_path=(scope["raw_path"] + (b"?" + query if query else b"")).decode("latin-1"),
        headers=headers,
        body=b"".join(chunks),
        client_ip=scope["client"][0] if scope["client"] else "127.0.0.1",
        scheme=scope["scheme"],
    )


async def _answer(emulator: Emulator, request: RawRequest) -> Reply:
    try:
        wait = control.wait_seconds(request)
        if wait:
            return await _poll(emulator, request, wait)
        if starts_script(request):  # Its handler may call the emulator, which has to go on answering.
            return await _in_thread(emulator, request)
        return emulator.handle(request)
    except Exception:
        _logger.exception("The emulator failed on %s %s", request.method, request.raw_path)
        return render(Refusal(500, "INTERNAL", "The emulator failed; see its log."), family_of(request.raw_path))


async def _in_thread(emulator: Emulator, request: RawRequest) -> Reply:
    """Answer in a thread of its own: in a pool, handlers that start scripts could wait for each other."""
    loop = asyncio.get_running_loop()
    over = asyncio.Event()
    outcome: list[Reply | BaseException] = []

    def run() -> None:
        try:
            outcome.append(emulator.handle(request))
        except BaseException as error:
            outcome.append(error)
        with contextlib.suppress(RuntimeError):  # The server has stopped.
            loop.call_soon_threadsafe(over.set)

    threading.Thread(target=run, name="rblxcloud-luau", daemon=True).start()
    await over.wait()
    (reply,) = outcome
    if isinstance(reply, BaseException):
        raise reply
    return reply


async def _poll(emulator: Emulator, request: RawRequest, wait: float) -> Reply:
    """Answer once there is something to tell of, or `wait` seconds are over."""
    loop, published = asyncio.get_running_loop(), asyncio.Event()
    unsubscribe = emulator.subscribe(lambda _: loop.call_soon_threadsafe(published.set), object)
    deadline = loop.time() + wait
    try:
        while True:
            published.clear()
            reply = emulator.handle(request)
            if reply.status != 200 or any(json.loads(reply.body).values()):
                return reply
            with anyio.move_on_after(deadline - loop.time()) as waiting:
                await published.wait()
            if waiting.cancelled_caught:
                return reply
    finally:
        unsubscribe()


async def _send_whole(reply: Reply, send: Send) -> None:
    await _start(reply, len(reply.body), send)
    await send({"type": "http.response.body", "body": reply.body})


async def _send_cut(reply: Reply, cut_after: int, scope: Scope, receive: Receive, send: Send) -> None:
    if cut_after >= 0:
        await _start(reply, max(len(reply.body), cut_after + 1), send)
        await send({"type": "http.response.body", "body": reply.body[:cut_after], "more_body": True})
    transport: asyncio.Transport | None = scope.get(TRANSPORT)
    if transport is None:
        raise ConnectionResetError("dropped by a fault of the emulator")
    transport.close()
    await _disconnected(receive)


async def _delay(seconds: float, receive: Receive) -> None:
    """Wait, but no longer than the client does."""
    with anyio.move_on_after(seconds):
        await _disconnected(receive)


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _start(reply: Reply, length: int, send: Send) -> None:
    headers = {**reply.headers, "content-length": str(length)}
    raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": reply.status, "headers": raw})


def _wire() -> ModuleType:
    try:
        from rblxcloud.emulator import wire
    except ImportError as error:
        raise MissingServerError(
            "The emulator's server needs an extra: pip install 'rblxcloud[emulator]'", name="uvicorn"
        ) from error
    return wire
