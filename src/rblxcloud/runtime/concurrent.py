"""The runtime of `rblxcloud`: httpx's async transports and anyio, on asyncio and trio."""

from __future__ import annotations

import contextvars
import inspect
import os
import random
import sys
import threading
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Awaitable, Callable, Coroutine, Iterable
from contextlib import aclosing, asynccontextmanager
from functools import partial
from typing import Any, Generic, ParamSpec, Self, TypeVar, cast

import anyio
import anyio.to_thread
import httpx

from rblxcloud.errors import ConfigurationError
from rblxcloud.runtime import backend
from rblxcloud.runtime.base import DeadlinePassed, Outcome, Request, Response, Runtime, SendFailure
from rblxcloud.runtime.clock import Clock, SystemClock

P = ParamSpec("P")
T = TypeVar("T")
R = TypeVar("R")

_POOL_SIZE = 5
_abandoned: list[Any] = []
"""Connections that a fork brought into a child: kept, so that the child never closes what is its parent's."""


def current_loop() -> object:
    """Return what stands for the running event loop: the same object as long as it is the same loop.

    Raises:
        ConfigurationError: None is running.
    """
    asyncio = sys.modules.get("asyncio")
    if asyncio is not None:
        try:
            return asyncio.get_running_loop()
        except RuntimeError:
            pass
    trio = sys.modules.get("trio")
    if trio is not None:
        try:
            return trio.lowlevel.current_trio_token()
        except RuntimeError:
            pass
    raise ConfigurationError("no event loop is running: await this under asyncio or trio, or use rblxcloud.sync")


class _Pool:
    """A small httpcore pool and how many requests are in it."""

    def __init__(self) -> None:
        limits = httpx.Limits(
            max_connections=_POOL_SIZE,
            max_keepalive_connections=_POOL_SIZE,
            keepalive_expiry=backend.KEEPALIVE_SECONDS,
        )
        self.transport = httpx.AsyncHTTPTransport(verify=backend.tls_context(), limits=limits)
        self.active = 0


class _SpreadPools:
    """Requests spread over small pools: httpcore's work for each request grows with the connections of its pool.

    The most recently used pool with room comes first, so that few requests need few connections; what finds no room
    queues here, before it enters httpcore.
    """

    def __init__(self) -> None:
        self.pools: list[_Pool] = []
        self._room = anyio.Semaphore(backend.CONNECTIONS, fast_acquire=True)

    @asynccontextmanager
    async def place(self, timeout: float | None) -> AsyncGenerator[httpx.AsyncHTTPTransport, None]:
        """Hold a place in a pool with room.

        Raises:
            SendFailure: There was none for `timeout` seconds.
        """
        try:
            self._room.acquire_nowait()
        except anyio.WouldBlock:
            await self._queue(timeout)
        pool = self._choose()
        pool.active += 1
        try:
            yield pool.transport
        finally:
            pool.active -= 1
            self._room.release()

    async def _queue(self, timeout: float | None) -> None:
        with anyio.move_on_after(timeout) as scope:
            await self._room.acquire()
            return
        if scope.cancelled_caught:
            raise SendFailure("timed out (waiting for a connection)", sent=False, timed_out=True)

    def _choose(self) -> _Pool:
        for place, pool in enumerate(self.pools):
            if pool.active < _POOL_SIZE:
                if place:
                    self.pools.insert(0, self.pools.pop(place))
                return pool
        pool = _Pool()
        self.pools.insert(0, pool)
        return pool

    async def aclose(self) -> None:
        """Close all pools."""
        pools, self.pools = self.pools, []
        for pool in pools:
            await pool.transport.aclose()


class ConcurrentRuntime(Runtime):
    """HTTP, time, threads and tasks for async code.

    Args:
        http_client: A user's `httpx.AsyncClient` or `httpx2.AsyncClient`, used for its connections; never closed here.
        transport: Where requests go instead of the network, for tests and the embedded emulator.
        clock: Where the time comes from.
    """

    mode = "async"

    def __init__(
        self,
        http_client: Any = None,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._client = http_client
        self._module: Any = httpx if http_client is None else backend.module_of(http_client, "AsyncClient")
        self._transport = transport
        self._pools: _SpreadPools | None = None
        self._clock = clock or SystemClock()
        self._loop: object | None = None
        self._pid = os.getpid()
        self._closed = False

    async def send(self, request: Request, *, max_bytes: int | None, deadline: float | None) -> Response:
        """Send one attempt and read its whole answer; see `Runtime.send`."""
        if self._closed:
            raise backend.closed()
        self._check_surroundings()
        read = partial(self._read, max_bytes=max_bytes, deadline=deadline)
        if self._client is not None:
            send = partial(self._client.send, stream=True, auth=None, follow_redirects=False)
            return await self._exchange(request, send, read, shield=True)
        if self._transport is not None:
            # Transports of tests emit no trace events, so nothing would ever lift the shield.
            return await self._exchange(request, self._transport.handle_async_request, read, shield=False)
        if self._pools is None:
            self._pools = _SpreadPools()
        async with self._pools.place(request.timeout.pool) as transport:
            return await self._exchange(request, transport.handle_async_request, read, shield=True)

    def _check_surroundings(self) -> None:
        if self._pid != os.getpid():
            _abandoned.append(self._pools)
            self._pid, self._pools, self._loop = os.getpid(), None, None
        loop = current_loop()
        if self._loop is None:
            self._loop = loop
        elif self._loop is not loop:
            raise ConfigurationError(
                "this client belongs to another event loop: make one client for each loop, or use rblxcloud.sync"
            )

    async def _exchange(
        self, request: Request, send: Callable[[Any], Awaitable[Any]], read: Callable[[Any], Any], *, shield: bool
    ) -> Response:
        progress = backend.Progress()
        deliver = self._send_shielded if shield else self._send_plainly
        try:
            response = await deliver(request, send, progress)
            try:
                content = await read(response)
            finally:
                with anyio.CancelScope(shield=True):
                    await response.aclose()
        except (self._module.HTTPError, self._module.StreamError, self._module.InvalidURL) as error:
            raise backend.failure(self._module, error, progress) from error
        return Response(response.status_code, backend.headers_of(response), content)

    async def _send_plainly(
        self, request: Request, send: Callable[[Any], Awaitable[Any]], progress: backend.Progress
    ) -> Any:
        async def trace(event: str, info: Any) -> None:
            progress.note(event)

        wire = backend.build(self._module, request, trace)
        response = await send(wire)
        response.request = wire
        return response

    async def _send_shielded(
        self, request: Request, send: Callable[[Any], Awaitable[Any]], progress: backend.Progress
    ) -> Any:
        """Send so that no cancellation comes before the headers are on their way.

        httpcore 1.0 loses a connection slot for good when a request is cancelled between getting a new connection and
        being active on it (encode/httpcore#1093). Only a task of its own can be shielded from `task.cancel()` too.
        """
        outcome: list[Any] = []

        async def deliver() -> None:
            with anyio.CancelScope(shield=True) as scope:

                async def trace(event: str, info: Any) -> None:
                    if progress.note(event):
                        scope.shield = False

                wire = backend.build(self._module, request, trace)
                try:
                    response = await send(wire)
                except Exception as error:
                    outcome.append(error)
                    return
                response.request = wire
                outcome.append(response)

        try:
            async with anyio.create_task_group() as group:
                group.start_soon(deliver)
        except BaseException:
            if outcome and not isinstance(outcome[0], Exception):
                with anyio.CancelScope(shield=True):
                    await outcome[0].aclose()
            raise
        if isinstance(outcome[0], Exception):
            raise outcome[0]
        return outcome[0]

    async def _read(self, response: Any, *, max_bytes: int | None, deadline: float | None) -> bytes:
        chunks: list[bytes] = []
        size = 0
        async with aclosing(response.aiter_bytes()) as parts:
            async for chunk in parts:
                chunks.append(chunk)
                size += len(chunk)
                if max_bytes is not None and size > max_bytes:
                    raise SendFailure("the answer is too large", sent=True, too_large=True)
                if deadline is not None and self.monotonic() > deadline:
                    raise DeadlinePassed("the deadline passed while the answer was read")
        return b"".join(chunks)

    async def sleep(self, seconds: float) -> None:
        """Wait; a cancellation ends it at once."""
        await anyio.sleep(0 if self._clock.skip(seconds) else seconds)

    def monotonic(self) -> float:
        """Return seconds that never go back, for durations."""
        return self._clock.monotonic()

    def wall_time(self) -> float:
        """Return seconds since 1970 UTC."""
        return self._clock.wall_time()

    def random(self) -> float:
        """Return a random number in [0, 1)."""
        return random.random()

    def lock(self) -> threading.Lock:
        """Return a new plain lock."""
        return threading.Lock()

    async def blocking(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run blocking code in a worker thread."""
        return await anyio.to_thread.run_sync(partial(function, *args, **kwargs))

    async def shielded(self, coroutine: Coroutine[object, object, R]) -> R:
        """Await `coroutine` so that it finishes although the caller is cancelled."""
        outcome: list[Any] = []

        async def finish() -> None:
            with anyio.CancelScope(shield=True):
                try:
                    outcome.append((await coroutine, None))
                except Exception as error:
                    outcome.append((None, error))

        async with anyio.create_task_group() as group:
            group.start_soon(finish)
        result, error = outcome[0]
        if error is not None:
            raise error
        return cast("R", result)

    async def call(
        self, argument: str, function: Callable[P, Awaitable[R] | R], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """Call what a user handed in, and await what it returns where that is awaitable."""
        result = function(*args, **kwargs)
        return await result if inspect.isawaitable(result) else cast("R", result)

    @asynccontextmanager
    async def map(
        self, function: Callable[[T], Awaitable[R]], items: Iterable[T] | AsyncIterable[T], *, limit: int
    ) -> AsyncGenerator[AsyncIterator[tuple[T, Outcome[R]]], None]:
        """Apply `function` to the items in tasks; see `Runtime.map`."""
        crew = _Crew(function, _taking(items), limit)
        try:
            yield crew
        finally:
            await crew.stop()

    async def aclose(self) -> None:
        """Close the connections this runtime opened itself; idempotent."""
        self._closed = True
        pools, self._pools = self._pools, None
        if pools is not None and self._pid == os.getpid():
            with anyio.CancelScope(shield=True):
                await pools.aclose()

    def abandon(self) -> None:
        """Let go of the connections without a loop to close them in; the sockets close as they are collected."""
        self._closed = True
        self._pools = None


class _Crew(Generic[T, R]):
    """Workers that take items one by one and hand outcomes over.

    They are tasks of no task group: the loop over the outcomes is the user's, and one that is left by `break` is closed
    whenever and wherever it is collected - where a task group would cancel whatever its host does by then.
    """

    def __init__(self, function: Callable[[T], Awaitable[R]], items: AsyncGenerator[T, None], limit: int) -> None:
        self._function = function
        self._items = items
        self._taking = anyio.Lock()
        self._put, self._take = anyio.create_memory_object_stream[tuple[T, Outcome[R]]](0)
        self._scopes: list[anyio.CancelScope] = []
        self._broken: Exception | None = None
        self._running = limit
        self._ended = anyio.Event()
        self._tasks = [_spawn(self._work) for _ in range(limit)]

    def __aiter__(self) -> Self:
        """Return itself: an iterator that is dropped needs no closing, unlike a generator."""
        return self

    async def __anext__(self) -> tuple[T, Outcome[R]]:
        """Return the outcome that comes next."""
        try:
            return await self._take.receive()
        except anyio.EndOfStream:
            raise (self._broken or StopAsyncIteration) from None

    async def _work(self) -> None:
        try:
            with anyio.CancelScope() as scope:
                self._scopes.append(scope)
                while await self._step():
                    pass
        finally:
            self._running -= 1
            if self._running == 0:
                self._put.close()
                self._ended.set()

    async def _step(self) -> bool:
        """Do one item; return whether there may be another."""
        async with self._taking:
            if self._broken is not None:
                return False
            try:
                item = await anext(self._items)
            except StopAsyncIteration:
                return False
            except Exception as error:
                self._broken = error
                return False
        outcome: Outcome[R]
        try:
            outcome = Outcome(result=await self._function(item))
        except Exception as error:
            outcome = Outcome(error=error)
        await self._put.send((item, outcome))
        return True

    async def stop(self) -> None:
        """Cancel what is under way, and wait until it has ended."""
        with anyio.CancelScope(shield=True):
            # A worker that has not begun yet has no scope to cancel: it begins first, and finds nothing to take.
            self._broken = self._broken or RuntimeError("stopped")
            for scope in self._scopes:
                scope.cancel()
            await self._ended.wait()
            await self._items.aclose()
            self._take.close()


def _spawn(work: Callable[[], Coroutine[Any, Any, None]]) -> object:
    """Start a task that no task group waits for."""
    asyncio = sys.modules.get("asyncio")
    if asyncio is not None:
        try:
            return asyncio.get_running_loop().create_task(work())
        except RuntimeError:
            pass
    return sys.modules["trio"].lowlevel.spawn_system_task(work, context=contextvars.copy_context())


async def _taking(items: Iterable[T] | AsyncIterable[T]) -> AsyncGenerator[T, None]:
    if isinstance(items, AsyncIterable):
        async for item in items:
            yield item
    else:
        for item in items:
            yield item
