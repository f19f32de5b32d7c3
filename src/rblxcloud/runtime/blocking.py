"""The runtime of `rblxcloud.sync`: its coroutines never suspend, so a blocking call is one step of one coroutine."""

from __future__ import annotations

import inspect
import os
import queue
import random
import threading
import time
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Awaitable,
    Callable,
    Coroutine,
    Iterable,
    Iterator,
)
from contextlib import asynccontextmanager
from typing import Any, ParamSpec, TypeVar, cast

import httpx

from rblxcloud.errors import ConfigurationError
from rblxcloud.runtime import backend
from rblxcloud.runtime.base import DeadlinePassed, Outcome, Request, Response, Runtime, SendFailure
from rblxcloud.runtime.clock import Clock, SystemClock

P = ParamSpec("P")
T = TypeVar("T")
R = TypeVar("R")

_abandoned: list[httpx.BaseTransport] = []
"""Connections that a fork brought into a child: kept, so that the child never closes what is its parent's."""


def run(coroutine: Coroutine[Any, Any, R]) -> R:
    """Drive a coroutine over a `BlockingRuntime` to its end: without a loop, without a thread.

    Args:
        coroutine: A coroutine of the core.

    Raises:
        RuntimeError: It suspended, which is a bug of this package; the message names it.
    """
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return cast("R", stop.value)
    name = getattr(coroutine, "__qualname__", repr(coroutine))
    coroutine.close()
    raise RuntimeError(f"{name} suspended in blocking mode; please report this as a bug of rblxcloud")


class BlockingRuntime(Runtime):
    """HTTP, time and threads for blocking code.

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
        self._given_transport = transport
        self._transport: httpx.BaseTransport | None = transport
        self._clock = clock or SystemClock()
        self._pid = os.getpid()
        self._opening = threading.Lock()
        self._closed = False

    async def send(self, request: Request, *, max_bytes: int | None, deadline: float | None) -> Response:
        """Send one attempt and read its whole answer; see `Runtime.send`."""
        if self._closed:
            raise backend.closed()
        progress = backend.Progress()
        wire = backend.build(self._module, request, lambda event, info: progress.note(event))  # pyright: ignore
        try:
            response = self._dispatch(wire)
            try:
                content = self._read(response, max_bytes, deadline)
            finally:
                response.close()
        except (self._module.HTTPError, self._module.StreamError, self._module.InvalidURL) as error:
            raise backend.failure(self._module, error, progress) from error
        return Response(response.status_code, backend.headers_of(response), content)

    def _dispatch(self, wire: Any) -> Any:
        if self._client is not None:
            return self._client.send(wire, stream=True, auth=None, follow_redirects=False)
        response = self._own_transport().handle_request(wire)
        response.request = wire
        return response

    def _own_transport(self) -> httpx.BaseTransport:
        if self._pid != os.getpid():
            self._leave_parent_behind()
        transport = self._transport
        if transport is not None:
            return transport
        with self._opening:
            if self._transport is None:
                limits = httpx.Limits(
                    max_connections=backend.CONNECTIONS,
                    max_keepalive_connections=backend.CONNECTIONS,
                    keepalive_expiry=backend.KEEPALIVE_SECONDS,
                )
                self._transport = httpx.HTTPTransport(verify=backend.tls_context(), limits=limits)
            return self._transport

    def _leave_parent_behind(self) -> None:
        """A forked child opens connections of its own; the lock may have been held by a thread it does not have."""
        self._pid = os.getpid()
        self._opening = threading.Lock()
        if self._transport is not None and self._given_transport is None:
            _abandoned.append(self._transport)
            self._transport = None

    def _read(self, response: Any, max_bytes: int | None, deadline: float | None) -> bytes:
        chunks: list[bytes] = []
        size = 0
        for chunk in response.iter_bytes():
            chunks.append(chunk)
            size += len(chunk)
            if max_bytes is not None and size > max_bytes:
                raise SendFailure("the answer is too large", sent=True, too_large=True)
            if deadline is not None and self.monotonic() > deadline:
                raise DeadlinePassed("the deadline passed while the answer was read")
        return b"".join(chunks)

    async def sleep(self, seconds: float) -> None:
        """Wait; Ctrl-C ends it at once."""
        if not self._clock.skip(seconds):
            time.sleep(seconds)

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
        """Run blocking code inline."""
        return function(*args, **kwargs)

    async def shielded(self, coroutine: Coroutine[object, object, R]) -> R:
        """Await `coroutine`; nothing cancels a blocking call but Ctrl-C."""
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
        return cast("R", result)

    @asynccontextmanager
    async def map(
        self, function: Callable[[T], Awaitable[R]], items: Iterable[T] | AsyncIterable[T], *, limit: int
    ) -> AsyncGenerator[AsyncIterator[tuple[T, Outcome[R]]], None]:
        """Apply `function` to the items in worker threads; see `Runtime.map`."""
        if not isinstance(items, Iterable):
            raise ConfigurationError("an asynchronous iterable was passed; rblxcloud.sync takes plain ones")
        workers = _Workers(function, iter(items), limit)
        try:
            yield workers.outcomes()
        except KeyboardInterrupt:
            workers.abandon()
            raise
        finally:
            workers.stop()

    async def aclose(self) -> None:
        """Close the connections this runtime opened itself; idempotent."""
        self.abandon()

    def abandon(self) -> None:
        """Close without waiting, from a finalizer too."""
        self._closed = True
        transport, self._transport = self._transport, None
        if transport is not None and self._given_transport is None and self._pid == os.getpid():
            transport.close()


class _Workers:
    """Threads that take items one by one and put outcomes into a queue."""

    def __init__(self, function: Callable[[Any], Awaitable[Any]], items: Iterator[Any], limit: int) -> None:
        self._function = function
        self._items = items
        self._taking = threading.Lock()
        self._stopped = threading.Event()
        self._results: queue.Queue[tuple[Any, Outcome[Any]] | BaseException | None] = queue.Queue(maxsize=limit)
        self._limit = limit
        self._threads: list[threading.Thread] = []

    def _start(self) -> None:
        for number in range(self._limit):
            thread = threading.Thread(target=self._work, name=f"rblxcloud-{number}", daemon=True)
            self._threads.append(thread)
            thread.start()

    async def outcomes(self) -> AsyncIterator[Any]:
        """Yield the outcomes as they come."""
        self._start()
        running = len(self._threads)
        while running:
            result = self._results.get()
            if result is None:
                running -= 1
            elif isinstance(result, BaseException):
                raise result
            else:
                yield result

    def _work(self) -> None:
        while not self._stopped.is_set():
            try:
                with self._taking:
                    item = next(self._items)
            except StopIteration:
                break
            except BaseException as error:
                self._put(error)
                return
            self._put((item, self._outcome(item)))
        self._put(None)

    def _outcome(self, item: Any) -> Outcome[Any]:
        try:
            return Outcome(result=run(cast("Coroutine[Any, Any, Any]", self._function(item))))
        except Exception as error:
            return Outcome(error=error)

    def _put(self, result: tuple[Any, Outcome[Any]] | BaseException | None) -> None:
        while not self._stopped.is_set():
            try:
                self._results.put(result, timeout=0.1)
            except queue.Full:
                continue
            return

    def abandon(self) -> None:
        """Let `stop` not wait: after Ctrl-C nobody wants what is under way, and the threads are daemons."""
        self._threads.clear()

    def stop(self) -> None:
        """Take no more items, and wait for what is under way."""
        self._stopped.set()
        for thread in self._threads:
            thread.join()
