"""The runtime of `rblxcloud`: httpx's async transports and anyio, on asyncio and trio."""

from __future__ import annotations

import inspect
import random
import threading
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Awaitable,
    Callable,
    Coroutine,
    Hashable,
    Iterable,
    Mapping,
)
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager, suppress
from functools import partial
from typing import Any, ParamSpec, TypeVar, cast
from weakref import WeakValueDictionary

import anyio
import httpx

from rblxcloud.errors import ConfigurationError
from rblxcloud.runtime import backend, tasks
from rblxcloud.runtime.base import (
    CarriedError,
    DeadlinePassed,
    Incoming,
    Outcome,
    Request,
    Response,
    Runtime,
    SendFailure,
)
from rblxcloud.runtime.clock import Clock, SystemClock
from rblxcloud.runtime.pools import AsyncPools, Pool
from rblxcloud.runtime.tasks import current_loop

__all__ = ["ConcurrentRuntime", "current_loop"]

P = ParamSpec("P")
T = TypeVar("T")
R = TypeVar("R")

Send = Callable[[Any], Awaitable[Any]]
Read = Callable[[Any], Awaitable[Response]]

_SETTLE_SECONDS = 1.0
"""How long a cancelled request may take to get its headers out of a client that would lose a connection."""


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
        self._errors = backend.errors_of(self._module)
        self._transport = transport
        self._pools: AsyncPools | None = None
        self._exclusive = WeakValueDictionary[Hashable, anyio.Lock]()
        self._clock = clock or SystemClock()
        self._loop: object | None = None
        self._inherited = False
        self._closed = False
        backend.watch_fork(self)

    async def send(self, request: Request, *, max_bytes: int | None, deadline: float | None) -> Response:
        """Send one attempt and read its whole answer; see `Runtime.send`."""
        read = partial(self._read, max_bytes=max_bytes, deadline=deadline)
        if deadline is None:
            return await self._deliver(request, read)
        with anyio.move_on_after(max(0.0, deadline - self.monotonic())):
            return await self._deliver(request, read)
        raise DeadlinePassed("the deadline passed while the request was under way")

    async def stream(
        self, request: Request, read: Callable[[Incoming], Awaitable[Response]], *, deadline: float | None
    ) -> Response:
        """Send one attempt and let `read` take its answer while it comes; see `Runtime.stream`."""

        async def take(response: Any) -> Response:
            parts = response.aiter_raw()
            try:
                async with aclosing(self._in_time(parts, deadline)) as chunks:
                    return await read(Incoming(response.status_code, backend.headers_of(response), chunks))
            except GeneratorExit:
                parts = None  # Nothing can be awaited any more.
                raise
            finally:
                if parts is not None:
                    await _end(response, parts)

        return await self._deliver(request, take)

    async def _deliver(self, request: Request, read: Read) -> Response:
        if self._closed:
            raise backend.closed()
        self._check_loop()
        if self._client is not None:
            backend.check_client(self._client, inherited=self._inherited)
            shield = _loses_connections(self._client)
            return await self._exchange(request, self._send_by_client, read, shield=shield)
        if self._transport is not None:
            return await self._exchange(request, self._transport.handle_async_request, read)
        return await self._send_on_own(request, read)

    async def _send_by_client(self, request: Any) -> Any:
        with backend.in_its_words(self._module):
            return await self._client.send(request, stream=True, auth=None, follow_redirects=False)

    def _check_loop(self) -> None:
        loop = current_loop()
        if self._loop is None:
            self._loop = loop
        elif self._loop is not loop:
            raise ConfigurationError(
                "this client belongs to another event loop: make one client for each loop, or use rblxcloud.sync"
            )

    def after_fork(self) -> None:
        """Leave the parent's loop and connections to the parent."""
        self._inherited = self._loop is not None
        backend.never_close(self._pools)
        self._loop = self._pools = None
        self._exclusive.clear()

    async def _send_on_own(self, request: Request, read: Read) -> Response:
        if self._pools is None:
            self._pools = AsyncPools()
        pools = self._pools
        pool = await pools.enter(request.url, request.timeout.pool)
        cancelled = gone = False
        try:
            return await self._exchange(request, pool.transport.handle_async_request, read)
        except (SendFailure, DeadlinePassed, ConfigurationError, CarriedError):
            raise
        except BaseException as error:
            cancelled, gone = True, isinstance(error, GeneratorExit)
            raise
        finally:
            if pools.leave(pool, cancelled=cancelled) and not gone:
                await tasks.shielded(_close(pool))

    async def _exchange(self, request: Request, send: Send, read: Read, *, shield: bool = False) -> Response:
        progress = backend.Progress()
        gone = False
        try:
            response = await (self._send_settled if shield else self._send)(request, send, progress)
            try:
                return await read(response)
            except GeneratorExit:
                raise  # Nothing can be awaited any more.
            except BaseException:
                with anyio.CancelScope(shield=True):
                    await response.aclose()
                raise
        except self._errors as error:
            raise backend.failure(self._module, error, progress) from error
        except GeneratorExit:
            gone = True
            raise
        finally:
            if isinstance(request.content, AsyncGenerator) and not gone:
                await request.content.aclose()

    async def _in_time(self, parts: AsyncIterable[bytes], deadline: float | None) -> AsyncGenerator[bytes, None]:
        async for chunk in parts:
            if deadline is not None and self.monotonic() > deadline:
                raise DeadlinePassed("the deadline passed while the answer was read")
            yield chunk

    async def _send(self, request: Request, send: Send, progress: backend.Progress) -> Any:
        async def trace(event: str, info: Mapping[str, Any]) -> None:
            progress.note(event, info)

        return await send(backend.build(self._module, request, request.content, trace))

    async def _send_settled(self, request: Request, send: Send, progress: backend.Progress) -> Any:
        """Send so that no cancellation comes before the headers are on their way.

        httpcore 1.0 loses a connection slot for good when a request is cancelled between getting a new connection and
        being active on it (encode/httpcore#1093), and a user's pool cannot be replaced as one of ours can. Only a task
        of its own can be shielded from asyncio's `Task.cancel()` too.
        """
        settled = anyio.Event()
        scope = anyio.CancelScope(shield=True)
        caught = tasks.Caught[Any]()

        async def trace(event: str, info: Mapping[str, Any]) -> None:
            progress.note(event, info)
            if progress.started:
                scope.shield = False
                settled.set()

        async def deliver() -> None:
            with scope:
                await caught.run(send(wire))
            settled.set()

        wire = backend.build(self._module, request, request.content, trace)
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(deliver)
                try:
                    await settled.wait()
                except BaseException:
                    with anyio.move_on_after(_SETTLE_SECONDS, shield=True):
                        await settled.wait()
                    scope.shield = False
                    raise
        except BaseException:
            with suppress(BaseException):
                response = caught.take()
                if response is not None:
                    await tasks.shielded(response.aclose())
            raise
        return caught.take()

    async def _read(self, response: Any, *, max_bytes: int | None, deadline: float | None) -> Response:
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
        return Response(response.status_code, backend.headers_of(response), b"".join(chunks))

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

    @asynccontextmanager
    async def exclusive(self, key: Hashable) -> AsyncGenerator[None, None]:
        """Let one task at a time in; see `Runtime.exclusive`."""
        lock = self._exclusive.get(key)
        if lock is None:
            lock = self._exclusive[key] = anyio.Lock()
        async with lock:
            yield

    async def blocking(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run blocking code in a worker thread, and wait for its end although the caller is cancelled."""
        return await tasks.in_thread(partial(function, *args, **kwargs))

    async def abandonable(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run a user's code in a thread of its own, which a cancellation leaves behind."""
        return await tasks.in_own_thread(partial(function, *args, **kwargs))

    async def brief(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run blocking code in a worker thread that no long code can hold; see `Runtime.brief`."""
        return await tasks.in_thread(partial(function, *args, **kwargs), tasks.brief_limiter())

    async def shielded(self, coroutine: Coroutine[object, object, R]) -> R:
        """Await `coroutine` so that it finishes although the caller is cancelled."""
        return await tasks.shielded(coroutine)

    async def attended(self, coroutine: Coroutine[object, object, R], beat: Callable[[], object], every: float) -> R:
        """Await `coroutine`, and meanwhile call `beat` in worker threads; see `Runtime.attended`."""
        return await tasks.attended(coroutine, beat, every)

    async def call(
        self, argument: str, function: Callable[P, Awaitable[R] | R], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """Call what a user handed in, and await what it returns where that is awaitable; see `Runtime.call`."""
        result = function(*args, **kwargs)
        return cast("R", await tasks.awaited(result) if inspect.isawaitable(result) else result)

    def map(
        self, function: Callable[[T], Awaitable[R]], items: Iterable[T] | AsyncIterable[T], *, limit: int
    ) -> AbstractAsyncContextManager[AsyncIterator[tuple[T, Outcome[R]]]]:
        """Apply `function` to the items in tasks; see `Runtime.map`."""
        return tasks.map_in_tasks(function, items, limit)

    async def aclose(self) -> None:
        """Close the connections this runtime opened itself; idempotent."""
        self._closed = True
        pools, self._pools = self._pools, None
        if pools is None:
            return
        if self._loop is current_loop():
            await tasks.shielded(pools.aclose())
        else:
            pools.abandon()

    def abandon(self) -> None:
        """Close the sockets at once, silently: from a finalizer, any thread, or after the loop has ended."""
        self._closed = True
        pools, self._pools = self._pools, None
        if pools is not None:
            pools.abandon()


async def _end(response: Any, parts: AsyncIterable[bytes]) -> None:
    """End a body that may not have been read to its end.

    httpcore reads in generators of its own, which nobody closes, and trio reports those. Once the connection is closed,
    what is left in them soon comes to an error, which ends them.
    """
    with anyio.CancelScope(shield=True):
        await response.aclose()
        with suppress(Exception):
            async for _ in parts:
                pass


async def _close(pool: Pool[httpx.AsyncHTTPTransport]) -> None:
    with suppress(Exception):
        await pool.transport.aclose()


def _loses_connections(client: Any) -> bool:
    """Whether a user's client is over httpcore 1.0: httpx2 is not, and transports of tests send no trace events."""
    return isinstance(getattr(client, "_transport", None), httpx.AsyncHTTPTransport)
