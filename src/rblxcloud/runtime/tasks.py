"""Tasks of the async runtime that let no exception group out."""

from __future__ import annotations

import contextvars
import inspect
import sys
import threading
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
from contextlib import asynccontextmanager, suppress
from itertools import count
from typing import Any, Generic, Self, TypeVar, cast

import anyio
import anyio.from_thread
import anyio.to_thread
from anyio.lowlevel import RunVar

from rblxcloud.errors import ConfigurationError
from rblxcloud.runtime.base import Outcome
from rblxcloud.runtime.interrupts import cancellation_as_failure

T = TypeVar("T")
R = TypeVar("R")

_BRIEF_THREADS = 20
_brief = RunVar[anyio.CapacityLimiter | None]("rblxcloud_brief", None)


def current_loop() -> object:
    """Return what stands for the running event loop: the same object as long as it is the same loop.

    Raises:
        ConfigurationError: None is running.
    """
    trio = sys.modules.get("trio")
    if trio is not None:  # Asked first: trio can be a guest in asyncio's loop.
        try:
            return cast("object", trio.lowlevel.current_trio_token())
        except RuntimeError:
            pass
    asyncio = sys.modules.get("asyncio")
    if asyncio is not None:
        try:
            return cast("object", asyncio.get_running_loop())
        except RuntimeError:
            pass
    raise ConfigurationError("no event loop is running: await this under asyncio or trio, or use rblxcloud.sync")


def rests(loop: Any) -> bool:
    """Return whether an event loop is one of asyncio's that is not running now."""
    return hasattr(loop, "is_running") and not loop.is_running()


def has_ended(loop: Any) -> bool:
    """Return whether an event loop, as `current_loop` returned it, will never run again."""
    if hasattr(loop, "is_closed"):
        return bool(loop.is_closed())
    try:
        loop.run_sync_soon(int)
    except sys.modules["trio"].RunFinishedError:
        return True
    return False


async def awaited(awaitable: Awaitable[R]) -> R:
    """Await what a user handed in.

    Raises:
        RuntimeError: It raised a cancellation, as what awaits a task that somebody else has cancelled does, although
            nobody cancels the running task.
    """
    try:
        return await awaitable
    except anyio.get_cancelled_exc_class() as error:
        asyncio: Any = sys.modules.get("asyncio")
        # In trio a cancellation is always one of the running task.
        if asyncio is None or not isinstance(error, asyncio.CancelledError) or asyncio.current_task().cancelling():
            raise
        raise RuntimeError("what was awaited has been cancelled") from error


class Caught(Generic[R]):
    """What came of a coroutine in a task of its own, or of a function in a thread."""

    def __init__(self) -> None:
        self._result: R | None = None
        self._error: BaseException | None = None

    async def run(self, coroutine: Awaitable[R]) -> None:
        """Await `coroutine` and keep what comes of it."""
        try:
            self._result = await coroutine
        except BaseException as error:
            self._error = error

    def call(self, function: Callable[[], R]) -> None:
        """Call `function` and keep what comes of it."""
        try:
            with cancellation_as_failure():
                self._result = function()
        except BaseException as error:
            self._error = error

    def take(self) -> R:
        """Return the result, or raise what was raised."""
        if self._error is not None:
            raise self._error
        return cast("R", self._result)


async def in_own_thread(function: Callable[[], R]) -> R:
    """Call `function` in a thread of its own, and leave that behind when the caller is cancelled.

    Neither a pool nor the end of the program waits for such a thread. What it has opened, it closes.
    """
    loop: Any = current_loop()
    wake = loop.call_soon_threadsafe if hasattr(loop, "call_soon_threadsafe") else loop.run_sync_soon
    ended, caught = anyio.Event(), Caught[R]()
    left = count()  # Whoever comes second of the thread and a cancelled caller finds that nobody takes the result.

    def run() -> None:
        caught.call(function)
        if next(left):
            _discard(caught)
        with suppress(RuntimeError):  # The loop has ended.
            wake(ended.set)

    threading.Thread(target=_context_of_a_thread().run, args=(run,), name="rblxcloud-user", daemon=True).start()
    try:
        await ended.wait()
    except BaseException:
        if next(left):
            _discard(caught)
        raise
    return caught.take()


def _context_of_a_thread() -> contextvars.Context:
    """Return a copy of the context that does not say that an event loop runs: none does in a new thread."""
    context = contextvars.copy_context()
    sniffio: Any = sys.modules.get("sniffio")
    if sniffio is not None:
        context.run(sniffio.current_async_library_cvar.set, None)
    return context


def _discard(caught: Caught[Any]) -> None:
    with suppress(BaseException):
        close = getattr(caught.take(), "close", None)
        if close is not None:
            close()


async def shielded(coroutine: Coroutine[Any, Any, R]) -> R:
    """Await `coroutine` so that it finishes although the caller is cancelled, also by asyncio's `Task.cancel()`."""
    caught = Caught[R]()
    with anyio.CancelScope(shield=True):
        async with anyio.create_task_group() as group:
            group.start_soon(_in_shield, caught, coroutine)
    return caught.take()


async def _in_shield(caught: Caught[R], coroutine: Coroutine[Any, Any, R]) -> None:
    with anyio.CancelScope(shield=True):
        await caught.run(coroutine)


def brief_limiter() -> anyio.CapacityLimiter:
    """Return what bounds the worker threads of brief calls, of which each event loop has one.

    anyio's own is for all blocking code, so that what takes long there holds up what comes after it.
    """
    limiter = _brief.get()
    if limiter is None:
        limiter = anyio.CapacityLimiter(_BRIEF_THREADS)
        _brief.set(limiter)
    return limiter


async def in_thread(function: Callable[[], R], limiter: anyio.CapacityLimiter | None = None) -> R:
    """Call `function` in a worker thread, and wait for its end although the caller is cancelled.

    Args:
        function: Blocking code.
        limiter: Bounds how many threads there are; None for anyio's own.
    """
    begun, ended = threading.Event(), threading.Event()

    def run() -> R:
        begun.set()
        try:
            with cancellation_as_failure(unless=anyio.from_thread.check_cancelled):
                return function()
        finally:
            ended.set()

    try:
        return await anyio.to_thread.run_sync(run, limiter=limiter)
    except anyio.get_cancelled_exc_class():
        # anyio waits when it is the one that cancels; asyncio's `Task.cancel()` leaves the thread behind.
        if begun.is_set() and not ended.is_set():
            # Of its own: where others hold every worker thread, the wait would be for those.
            await shielded(anyio.to_thread.run_sync(ended.wait, limiter=anyio.CapacityLimiter(1)))
        raise


async def attended(coroutine: Coroutine[Any, Any, R], beat: Callable[[], object], every: float) -> R:
    """Await `coroutine`, and meanwhile call `beat` in worker threads; see `Runtime.attended`."""
    caught = Caught[R]()
    # Of its own, so that what holds every worker thread does not hold the beat up.
    limiter = anyio.CapacityLimiter(1)

    async def pulse() -> None:
        while True:
            await anyio.sleep(every)
            with suppress(Exception):
                await anyio.to_thread.run_sync(beat, limiter=limiter)

    async with anyio.create_task_group() as group:
        group.start_soon(pulse)
        await caught.run(coroutine)
        group.cancel_scope.cancel()
    return caught.take()


async def in_time(
    coroutine: Coroutine[Any, Any, R], seconds: float, tell: Callable[[R | None], Coroutine[Any, Any, object]]
) -> R:
    """Await `coroutine` to its end; `tell` is called with its result, or with None as soon as it takes longer.

    Args:
        coroutine: What may take long. An exception of its is raised, before `tell` is called where it comes in time.
        seconds: How long its result is waited for.
        tell: Called once, while `coroutine` goes on where it takes longer.
    """
    caught, told = Caught[R](), Caught[None]()
    ended = anyio.Event()

    async def work() -> None:
        await caught.run(coroutine)
        ended.set()

    async def pass_on() -> None:
        await tell(caught.take() if ended.is_set() else None)

    async with anyio.create_task_group() as group:
        group.start_soon(work)
        with anyio.move_on_after(seconds):
            await ended.wait()
        await told.run(pass_on())
    told.take()
    return caught.take()


@asynccontextmanager
async def meanwhile(run: Callable[[], Coroutine[Any, Any, object]], times: int) -> AsyncGenerator[None]:
    """Run a coroutine function in the background, so many times at once.

    Leaving the context cancels it, and waits for its end.
    """
    failed: BaseException | None = None
    async with anyio.create_task_group() as group:
        for _ in range(times):
            group.start_soon(run)
        try:
            yield
        except BaseException as error:  # The group would wrap it.
            failed = error
        group.cancel_scope.cancel()
    if failed is not None:
        raise failed


@asynccontextmanager
async def map_in_tasks(
    function: Callable[[T], Awaitable[R]], items: Iterable[T] | AsyncIterable[T], limit: int
) -> AsyncGenerator[AsyncIterator[tuple[T, Outcome[R]]], None]:
    """Apply `function` to the items; see `Runtime.map`.

    The task group lives in a task of its own. Were it the caller's, its cancel scope would stand open wherever the
    caller's generator is suspended, and closing that from another task, as asyncio does after a `break`, would fail.
    """
    work = _Work(function, items, limit)
    task = _start(work.run, work.ended)
    try:
        yield work
    finally:
        await work.stop()
        del task  # Until here it had to be held: asyncio does not.


def _start(run: Callable[[], Coroutine[Any, Any, None]], ended: Callable[[], None]) -> object:
    """Run a coroutine in a task that is nobody's child; call `ended` after it, even when it never began."""
    loop: Any = current_loop()
    if hasattr(loop, "create_task"):
        task = loop.create_task(run())

        def after(_: object) -> None:
            ended()

        task.add_done_callback(after)
        return cast("object", task)

    async def run_to_end() -> None:
        try:
            await run()
        finally:
            ended()

    task = sys.modules["trio"].lowlevel.spawn_system_task(run_to_end, context=contextvars.copy_context())
    return cast("object", task)


class _Work(Generic[T, R]):
    """Tasks that take items one by one; iterating over it brings the outcomes."""

    def __init__(
        self, function: Callable[[T], Awaitable[R]], items: Iterable[T] | AsyncIterable[T], limit: int
    ) -> None:
        self._function = function
        self._items = _Items(items)
        self._limit = limit
        self._scope = anyio.CancelScope()
        self._ended = anyio.Event()
        self._error: BaseException | None = None
        self._put, self._take = anyio.create_memory_object_stream[tuple[T, Outcome[R]]](0)

    async def run(self) -> None:
        """Work until the items are used up or `stop` is called."""
        with self._scope:
            try:
                async with anyio.create_task_group() as group:
                    for _ in range(self._limit):
                        group.start_soon(self._work)
            finally:
                self._put.close()
                with anyio.CancelScope(shield=True):
                    await self._items.aclose()

    def ended(self) -> None:
        """Note that nothing of it runs any more."""
        self._put.close()
        self._ended.set()

    async def stop(self) -> None:
        """Cancel what is under way, and wait until it has ended."""
        self._scope.cancel()
        self._take.close()
        with anyio.CancelScope(shield=True):
            await self._ended.wait()

    async def _work(self) -> None:
        while self._error is None:
            try:
                item = await self._items.next()
            except StopAsyncIteration:
                return
            except Exception as error:
                self._error = self._error or error  # What the others are at still comes out.
                return
            except BaseException as error:
                self._break_off(error)
                return
            outcome: Outcome[R]
            try:
                outcome = Outcome(result=await self._function(item))
            except Exception as error:
                outcome = Outcome(error=error)
            except BaseException as error:
                self._break_off(error)
                return
            try:
                await self._put.send((item, outcome))
            except anyio.BrokenResourceError:
                return

    def _break_off(self, error: BaseException) -> None:
        """Stop everything for what is no `Exception`: a cancellation from outside, or KeyboardInterrupt."""
        if not self._scope.cancel_called:
            self._error = error
            self._scope.cancel()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> tuple[T, Outcome[R]]:
        with suppress(anyio.EndOfStream):
            return await self._take.receive()
        if self._error is not None:
            raise self._error
        raise StopAsyncIteration


class _Items(Generic[T]):
    """Items of a plain or an asynchronous iterable, one at a time."""

    def __init__(self, items: Iterable[T] | AsyncIterable[T]) -> None:
        self._items: AsyncIterator[T] | Iterator[T] = aiter(items) if isinstance(items, AsyncIterable) else iter(items)
        self._lock = anyio.Lock()

    async def next(self) -> T:
        """Return the next item.

        Raises:
            StopAsyncIteration: There is none.
        """
        async with self._lock:
            if isinstance(self._items, AsyncIterator):
                return await anext(self._items)
            try:
                return next(self._items)
            except StopIteration:
                raise StopAsyncIteration from None

    async def aclose(self) -> None:
        """Close an asynchronous generator: left to the garbage collector, it would run on after its loop's end."""
        if inspect.isasyncgen(self._items):
            await cast("AsyncGenerator[T, None]", self._items).aclose()
