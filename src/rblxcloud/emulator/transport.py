"""The emulator in process: an httpx transport for either client, without a socket."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator

import anyio
import httpx

from rblxcloud.emulator.core import Emulator
from rblxcloud.emulator.model import RawRequest, Reply

__all__ = ["EmulatorTransport"]


class EmulatorTransport(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Answers an `httpx.Client` or `httpx.AsyncClient` from an emulator.

    Faults arrive as what httpx raises when a server does the same. A delay longer than the request's read timeout
    raises `httpx.ReadTimeout` at once.

    Args:
        emulator: Who answers; it is not closed with the transport.
        real_delays: Whether a delay is waited for; otherwise it moves the emulator's clock, and nobody waits.
        client_ip: Address that the emulator sees.
    """

    def __init__(self, emulator: Emulator, *, real_delays: bool = False, client_ip: str = "127.0.0.1") -> None:
        self._emulator = emulator
        self._real_delays = real_delays
        self._client_ip = client_ip

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a blocking client."""
        reply = self._handle(request, request.read())
        if reply.delay:
            self._time_out(request, reply.delay)
            time.sleep(reply.delay) if self._real_delays else self._emulator.clock.advance(reply.delay)
        return _response(request, reply)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer an async client."""
        reply = self._handle(request, await request.aread())
        if reply.delay:
            self._time_out(request, reply.delay)
            if self._real_delays:
                await anyio.sleep(reply.delay)
            else:
                self._emulator.clock.advance(reply.delay)
        return _response(request, reply)

    def _handle(self, request: httpx.Request, body: bytes) -> Reply:
        return self._emulator.handle(
            RawRequest(
                method=request.method,
                raw_path=request.url.raw_path.decode("ascii"),
                headers=dict(request.headers),
                body=body,
                client_ip=self._client_ip,
                scheme=request.url.scheme,
            )
        )

    def _time_out(self, request: httpx.Request, delay: float) -> None:
        allowed = request.extensions.get("timeout", {}).get("read")
        if allowed is not None and delay > allowed:
            if not self._real_delays:
                self._emulator.clock.advance(allowed)
            raise httpx.ReadTimeout("The read operation timed out", request=request)


class _CutStream(httpx.SyncByteStream, httpx.AsyncByteStream):
    """The beginning of a body, and then what httpx raises for a connection that ends too early."""

    def __init__(self, start: bytes, request: httpx.Request) -> None:
        self._start = start
        self._request = request

    def __iter__(self) -> Iterator[bytes]:
        yield self._start
        raise self._error()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._start
        raise self._error()

    def _error(self) -> httpx.RemoteProtocolError:
        return httpx.RemoteProtocolError(
            "peer closed connection without sending complete message body", request=self._request
        )


def _response(request: httpx.Request, reply: Reply) -> httpx.Response:
    if reply.cut_after == -1:
        raise httpx.RemoteProtocolError("Server disconnected without sending a response.", request=request)
    headers = {"content-length": str(len(reply.body)), **reply.headers}
    if reply.cut_after is None:
        return httpx.Response(reply.status, headers=headers, content=reply.body)
    headers["content-length"] = str(max(len(reply.body), reply.cut_after + 1))
    return httpx.Response(reply.status, headers=headers, stream=_CutStream(reply.body[: reply.cut_after], request))
