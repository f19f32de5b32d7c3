"""Worker threads of the blocking runtime."""

from __future__ import annotations

import atexit
import contextvars
import os
import queue
import threading
import time
import weakref
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Generator, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Generic, Self, TypeVar, cast, overload

from rblxcloud.errors import ConfigurationError
from rblxcloud.runtime.base import Outcome

T = TypeVar("T")
R = TypeVar("R")

GRACE_SECONDS = 2.0
"""How long leaving waits for requests under way; a thread that takes longer ends by itself after its request."""
_WAKE_SECONDS = 0.5
"""On Windows, Ctrl-C does not wake a thread that waits for a lock."""


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


@overload
def iterate(items: AsyncIterator[T]) -> Generator[T, None, None]: ...
@overload
def iterate(items: AsyncIterator[T], each: Callable[[T], R]) -> Generator[R, None, None]: ...
def iterate(items: AsyncIterator[Any], each: Callable[[Any], Any] | None = None) -> Generator[Any, None, None]:
    """Iterate over an asynchronous generator of the core, and close it however the iteration ends.

    Args:
        items: The generator.
        each: Returns what is yielded for an item; None for the item itself.

    Yields:
        Its items.
    """
    generator = cast("AsyncGenerator[Any, None]", items)
    try:
        while True:
            try:
                item = run(generator.__anext__())
            except StopAsyncIteration:
                return
            yield item if each is None else each(item)
    finally:
        run(generator.aclose())


class Stopped(BaseException):
    """Unwinds a worker thread whose caller has left."""


class _Here(threading.local):
    stopping: threading.Event | None = None


_here = _Here()


def check_stopped() -> None:
    """Raise `Stopped` in a worker thread whose caller has left."""
    if _here.stopping is not None and _here.stopping.is_set():
        raise Stopped


def sleep(seconds: float) -> None:
    """Wait; Ctrl-C ends it, and in a worker thread so does the caller's leaving."""
    if _here.stopping is None:
        time.sleep(seconds)
    elif _here.stopping.wait(seconds):
        raise Stopped


@contextmanager
def beating(beat: Callable[[], object], every: float) -> Generator[None]:
    """Call `beat` every so many seconds, in a thread, while the context is open; what it raises is dropped."""
    over = threading.Event()

    def pulse() -> None:
        while not over.wait(every):
            with suppress(Exception):
                beat()

    threading.Thread(target=pulse, name="rblxcloud-beat", daemon=True).start()
    try:
        yield
    finally:
        over.set()


_live: weakref.WeakSet[Workers[Any, Any]] = weakref.WeakSet()


@atexit.register
def _stop_all() -> None:
    """Stop the threads of iterations that nobody closed: Python would end them amid Rust code, and abort."""
    for workers in list(_live):
        workers.stop()


class Workers(Generic[T, R]):
    """Threads that apply a function; iterating over it brings the outcomes.

    The items are taken in the iterating thread: what makes them may be bound to it, as a SQLite cursor is.
    """

    def __init__(self, function: Callable[[T], Coroutine[Any, Any, R]], items: Iterable[T], limit: int) -> None:
        self._function = function
        self._items: Iterator[T] | None = iter(items)
        self._limit = limit
        self._error: Exception | None = None
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self._under_way = 0
        self._pid = os.getpid()
        _live.add(self)
        self._tasks: queue.SimpleQueue[tuple[T] | None] = queue.SimpleQueue()
        self._results: queue.SimpleQueue[tuple[T, Outcome[R] | BaseException]] = queue.SimpleQueue()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> tuple[T, Outcome[R]]:
        self._feed()
        if not self._under_way:
            if self._error is not None:
                raise self._error
            raise StopAsyncIteration
        item, outcome = self._wait()
        self._under_way -= 1
        if isinstance(outcome, BaseException):
            raise outcome
        return item, outcome

    def _feed(self) -> None:
        """Hand out items until all threads are busy or there is an outcome to hand back.

        Raises:
            ConfigurationError: This process was forked meanwhile: the threads are its parent's.
        """
        if self._pid != os.getpid():
            raise ConfigurationError("this iteration was begun before the process was forked; begin a new one here")
        while self._items is not None and self._under_way < self._limit and self._results.empty():
            try:
                item = next(self._items)
            except StopIteration:
                self._items = None
            except Exception as error:
                self._items, self._error = None, error  # What is under way still comes out.
            else:
                self._under_way += 1
                self._tasks.put((item,))
                if len(self._threads) < self._under_way:
                    self._start_thread()

    def _start_thread(self) -> None:
        context = contextvars.copy_context()
        thread = threading.Thread(target=context.run, args=(self._work,), name="rblxcloud-worker", daemon=True)
        thread.start()
        self._threads.append(thread)

    def _wait(self) -> tuple[T, Outcome[R] | BaseException]:
        while True:
            try:
                return self._results.get(timeout=_WAKE_SECONDS)
            except queue.Empty:
                continue

    def _work(self) -> None:
        _here.stopping = self._stopping
        while (task := self._tasks.get()) is not None:
            if self._stopping.is_set():
                return
            outcome: Outcome[R] | BaseException
            try:
                outcome = Outcome(result=run(self._function(task[0])))
            except Stopped:
                return
            except Exception as error:
                outcome = Outcome(error=error)
            except BaseException as error:
                outcome = error
            self._results.put((task[0], outcome))

    def stop(self) -> None:
        """Begin nothing more, end the waits, and give the requests under way a short while."""
        if self._pid != os.getpid():
            return  # The threads are the parent's.
        self._stopping.set()
        for _ in self._threads:
            self._tasks.put(None)
        until = time.monotonic() + GRACE_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))
