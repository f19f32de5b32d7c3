"""The runtime of `rblxcloud.sync`: its coroutines never suspend, so a blocking call is one step of one coroutine."""

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
)
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, ParamSpec, TypeVar, cast
from weakref import WeakValueDictionary

import httpx

from rblxcloud.errors import ConfigurationError
from rblxcloud.runtime import backend, interrupts, workers
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
from rblxcloud.runtime.pools import BlockingPools
from rblxcloud.runtime.workers import iterate, run

__all__ = ["BlockingRuntime", "iterate", "run"]

P = ParamSpec("P")
T = TypeVar("T")
R = TypeVar("R")

Send = Callable[[Any], Any]
Read = Callable[[Any], Response]


class BlockingRuntime(Runtime):
    """HTTP, time and threads for blocking code; threads may share it.

    Args:
        http_client: A user's `httpx.Client` or `httpx2.Client`, whose connections are used; never closed here.
        transport: Where requests go instead of the network, for tests and the embedded emulator.
        clock: Where the time comes from.
    """

    mode = "blocking"

    def __init__(
        self,
        http_client: Any = None,
        *,
        transport: httpx.BaseTransport | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._client = http_client
        self._module: Any = httpx if http_client is None else backend.module_of(http_client, "Client")
        self._errors = backend.errors_of(self._module)
        self._transport = transport
        self._pools: BlockingPools | None = None
        self._opening = threading.RLock()
        self._exclusive = WeakValueDictionary[Hashable, threading.Lock]()
        self._clock = clock or SystemClock()
        self._used = False
        self._inherited = False
        self._closed = False
        backend.watch_fork(self)

    async def send(self, request: Request, *, max_bytes: int | None, deadline: float | None) -> Response:
        """Send one attempt and read its whole answer; see `Runtime.send`."""
        return self._deliver(request, partial(self._read, max_bytes=max_bytes, deadline=deadline))

    async def stream(
        self, request: Request, read: Callable[[Incoming], Awaitable[Response]], *, deadline: float | None
    ) -> Response:
        """Send one attempt and let `read` take its answer while it comes; see `Runtime.stream`."""

        def take(response: Any) -> Response:
            chunks = self._in_time(response.iter_raw(), deadline)
            try:
                incoming = Incoming(response.status_code, backend.headers_of(response), chunks)
                return run(cast("Coroutine[Any, Any, Response]", read(incoming)))
            finally:
                run(chunks.aclose())
                response.close()

        return self._deliver(request, take)

    def _deliver(self, request: Request, read: Read) -> Response:
        if self._closed:
            raise backend.closed()
        workers.check_stopped()
        self._used = True
        if self._client is not None:
            backend.check_client(self._client, inherited=self._inherited)
            return self._exchange(request, self._send_by_client, read)
        if self._transport is not None:
            return self._exchange(request, self._transport.handle_request, read)
        return self._send_on_own(request, read)

    def _send_by_client(self, request: Any) -> Any:
        with backend.in_its_words(self._module):
            return self._client.send(request, stream=True, auth=None, follow_redirects=False)

    def after_fork(self) -> None:
        """Leave the parent's connections to the parent, and a lock that a thread of its may have held."""
        self._inherited = self._used
        backend.never_close(self._pools)
        self._pools = None
        self._opening = threading.RLock()
        self._exclusive.clear()

    def _send_on_own(self, request: Request, read: Read) -> Response:
        pools = self._open_pools()
        pool = pools.enter(request.url, request.timeout.pool)
        cancelled = False
        try:
            return self._exchange(request, pool.transport.handle_request, read)
        except (SendFailure, DeadlinePassed, ConfigurationError, CarriedError):
            raise
        except BaseException:
            cancelled = True  # Ctrl-C, or what a signal handler raised.
            raise
        finally:
            pools.leave(pool, cancelled=cancelled)

    def _open_pools(self) -> BlockingPools:
        with self._opening:
            if self._closed:
                raise backend.closed()
            if self._pools is None:
                self._pools = BlockingPools()
            return self._pools

    def _exchange(self, request: Request, send: Send, read: Read) -> Response:
        progress = backend.Progress()
        made = iterate(request.content) if isinstance(request.content, AsyncGenerator) else None
        try:
            response = send(backend.build(self._module, request, made or request.content, progress.note))
            try:
                return read(response)
            except BaseException:
                response.close()
                raise
        except self._errors as error:
            raise backend.failure(self._module, error, progress) from error
        finally:
            if made is not None:
                made.close()

    async def _in_time(self, parts: Iterable[bytes], deadline: float | None) -> AsyncGenerator[bytes, None]:
        for chunk in parts:
            if deadline is not None and self.monotonic() > deadline:
                raise DeadlinePassed("the deadline passed while the answer was read")
            yield chunk

    def _read(self, response: Any, *, max_bytes: int | None, deadline: float | None) -> Response:
        chunks: list[bytes] = []
        size = 0
        for chunk in response.iter_bytes():
            chunks.append(chunk)
            size += len(chunk)
            if max_bytes is not None and size > max_bytes:
                raise SendFailure("the answer is too large", sent=True, too_large=True)
            if deadline is not None and self.monotonic() > deadline:
                raise DeadlinePassed("the deadline passed while the answer was read")
        return Response(response.status_code, backend.headers_of(response), b"".join(chunks))

    async def sleep(self, seconds: float) -> None:
        """Wait; Ctrl-C ends it at once."""
        if not self._clock.skip(seconds):
            workers.sleep(seconds)

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
        """Let one thread at a time in; see `Runtime.exclusive`."""
        with self._opening:
            lock = self._exclusive.get(key)
            if lock is None:
                lock = self._exclusive[key] = threading.Lock()
        with lock:
            yield

    async def blocking(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run blocking code inline."""
        with interrupts.cancellation_as_failure():
            return function(*args, **kwargs)

    async def brief(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run blocking code inline."""
        return await self.blocking(function, *args, **kwargs)

    async def abandonable(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run a user's code inline."""
        return function(*args, **kwargs)

    async def shielded(self, coroutine: Coroutine[object, object, R]) -> R:
        """Await `coroutine`; nothing cancels a blocking call but Ctrl-C, and that is held back."""
        with interrupts.held_back():
            return await coroutine

    async def attended(self, coroutine: Coroutine[object, object, R], beat: Callable[[], object], every: float) -> R:
        """Await `coroutine`, and meanwhile call `beat` in a thread; see `Runtime.attended`."""
        with workers.beating(beat, every):
            return await coroutine

    async def call(
        self, argument: str, function: Callable[P, Awaitable[R] | R], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """Call what a user handed in; see `Runtime.call`."""
        result = function(*args, **kwargs)
        if inspect.isawaitable(result):
            if inspect.iscoroutine(result):
                result.close()
            raise ConfigurationError(f"{argument} is a coroutine function; rblxcloud.sync takes plain functions")
        return result

    @asynccontextmanager
    async def map(
        self, function: Callable[[T], Awaitable[R]], items: Iterable[T] | AsyncIterable[T], *, limit: int
    ) -> AsyncGenerator[AsyncIterator[tuple[T, Outcome[R]]], None]:
        """Apply `function` to the items in worker threads; see `Runtime.map`."""
        if not isinstance(items, Iterable):
            raise ConfigurationError("an asynchronous iterable was passed; rblxcloud.sync takes plain ones")
        work = workers.Workers(cast("Callable[[T], Coroutine[Any, Any, R]]", function), items, limit)
        try:
            yield work
        finally:
            work.stop()

    async def aclose(self) -> None:
        """Close the connections this runtime opened itself; idempotent."""
        self.abandon()

    def abandon(self) -> None:
        """Close without waiting, from a finalizer too."""
        self._closed = True
        pools, self._pools = self._pools, None
        if pools is not None:
            pools.close()
