"""What the core awaits: the one interface to HTTP, time, threads and tasks."""

from __future__ import annotations

import os
import threading
from abc import ABC, abstractmethod
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
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from dataclasses import dataclass, field
from typing import Generic, ParamSpec, TypeVar

from rblxcloud.types import Headers, Response

__all__ = [
    "CarriedError",
    "DeadlinePassed",
    "Headers",
    "Incoming",
    "Outcome",
    "Request",
    "Response",
    "Runtime",
    "SendFailure",
    "Timeout",
    "opening",
]

_opening = threading.RLock()
opening: AbstractContextManager[object] = _opening
"""Held while a session or its connections are made: a fork waits for it.

What is loaded for them (modules, OpenSSL) would be found half loaded by the child, whose first call would hang.
Reentrant, since a finalizer can run in the middle of anything. There is one for all, so that no two can be taken in
different orders.
"""

if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_opening.acquire, after_in_parent=_opening.release, after_in_child=_opening.release)

P = ParamSpec("P")
T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Timeout:
    """How long each phase of one attempt may take, in seconds; None waits for ever."""

    connect: float | None = 10.0
    read: float | None = 30.0
    write: float | None = 30.0
    pool: float | None = 60.0


@dataclass(slots=True)
class Request:
    """One attempt, ready to be sent: everything is already encoded."""

    method: str
    url: str = field(repr=False)
    """Absolute and percent-encoded; a backend sends the path exactly as it stands here."""
    headers: dict[str, str] = field(default_factory=dict[str, str], repr=False)
    content: bytes | AsyncGenerator[bytes, None] | None = field(default=None, repr=False)
    """The body; one that is made while it is sent goes with its `content-length`, and is closed after the attempt."""
    timeout: Timeout = field(default_factory=Timeout)
    signed: bool = False
    """Whether the query of the URL opens a file to whoever has it: nothing that is logged has it."""


class SendFailure(Exception):
    """An attempt that brought no whole answer. The session turns it into an error of `rblxcloud.errors`.

    Args:
        reason: What happened, in a few words.
        sent: False when the server certainly saw nothing of the request.
        timed_out: True when a phase took longer than its timeout.
        too_large: True when the body was larger than `max_bytes`.
    """

    def __init__(self, reason: str, *, sent: bool, timed_out: bool = False, too_large: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.sent = sent
        self.timed_out = timed_out
        self.too_large = too_large


@dataclass(frozen=True, slots=True)
class Incoming:
    """An answer whose body is still to be read."""

    status: int
    headers: Headers
    chunks: AsyncIterator[bytes]
    """The body as it comes over the wire: a `content-encoding` is not undone."""


class DeadlinePassed(Exception):
    """The deadline passed while a body was being sent or read; the request was sent, or begun."""


class CarriedError(Exception):
    """Carries an exception of what a user handed in through the HTTP library, which would take it for one of its own.

    Args:
        error: The exception, which the session raises again unchanged.
    """

    def __init__(self, error: Exception) -> None:
        super().__init__(error)
        self.error = error


@dataclass(frozen=True, slots=True)
class Outcome(Generic[R]):
    """What became of one item of `Runtime.map`: exactly one of a result and an error."""

    result: R | None = None
    error: Exception | None = None


class Runtime(ABC):
    """HTTP, time, threads and tasks for one mode.

    A runtime never lets an exception of its HTTP library or an `ExceptionGroup` of its own out.
    """

    mode: str
    """`async` or `blocking`."""

    @abstractmethod
    async def send(self, request: Request, *, max_bytes: int | None, deadline: float | None) -> Response:
        """Send one attempt and read its whole answer.

        Args:
            request: What to send.
            max_bytes: Most bytes of body, after decompression; None for no bound.
            deadline: Moment of `monotonic()` after which reading the body stops (checked between chunks).

        Raises:
            SendFailure: No whole answer came; it says whether the server can have acted.
            DeadlinePassed: The deadline passed while the body was read.
        """

    @abstractmethod
    async def stream(
        self, request: Request, read: Callable[[Incoming], Awaitable[Response]], *, deadline: float | None
    ) -> Response:
        """Send one attempt and let `read` take its answer while it comes; what `read` leaves is dropped.

        Args:
            request: What to send.
            read: Takes the answer, whatever its status.
            deadline: Moment of `monotonic()` after which reading the body stops (checked between chunks).

        Raises:
            SendFailure: No whole answer came; it says whether the server can have acted.
            DeadlinePassed: The deadline passed while the body was read.
        """

    @abstractmethod
    async def sleep(self, seconds: float) -> None:
        """Wait; a cancellation or Ctrl-C ends it at once."""

    @abstractmethod
    def monotonic(self) -> float:
        """Return seconds that never go back, for durations."""

    @abstractmethod
    def wall_time(self) -> float:
        """Return seconds since 1970 UTC."""

    @abstractmethod
    def random(self) -> float:
        """Return a random number in [0, 1)."""

    @abstractmethod
    def lock(self) -> AbstractContextManager[object]:
        """Return a new plain lock, never to be held across an await."""

    @abstractmethod
    def exclusive(self, key: Hashable) -> AbstractAsyncContextManager[None]:
        """Return a context in which one task, or thread, is at a time among those with an equal `key`.

        It may be held across awaits. A cancellation or Ctrl-C ends the wait for it.
        """

    @abstractmethod
    async def blocking(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run blocking code: inline in blocking mode, in a worker thread otherwise.

        A cancellation of asyncio's that comes out of it, of a loop that it has run itself, comes as a `RuntimeError`.
        """

    @abstractmethod
    async def brief(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run blocking code that is soon over as `blocking` does, but without waiting for blocking code that is not."""

    @abstractmethod
    async def abandonable(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run code of a user's that may block for ever.

        It runs inline in blocking mode; otherwise in a thread of its own, which is left behind, with what it returns
        or raises, when the caller is cancelled.
        """

    @abstractmethod
    async def shielded(self, coroutine: Coroutine[object, object, R]) -> R:
        """Await `coroutine` so that it finishes although the caller is cancelled, or a first Ctrl-C comes."""

    @abstractmethod
    async def attended(self, coroutine: Coroutine[object, object, R], beat: Callable[[], object], every: float) -> R:
        """Await `coroutine`, and meanwhile call `beat`, which is blocking code, every so many seconds.

        What `beat` raises is dropped.
        """

    @abstractmethod
    async def call(
        self, argument: str, function: Callable[P, Awaitable[R] | R], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """Call what a user handed in as `argument`.

        In blocking mode an awaitable result is refused with a `ConfigurationError` that names the argument. An
        exception from the function passes through unchanged, but for a cancellation although nobody cancels it: that
        comes as a `RuntimeError`, since it would end the caller's task without a word.
        """

    @abstractmethod
    def map(
        self, function: Callable[[T], Awaitable[R]], items: Iterable[T] | AsyncIterable[T], *, limit: int
    ) -> AbstractAsyncContextManager[AsyncIterator[tuple[T, Outcome[R]]]]:
        """Apply `function` to the items, `limit` at a time, and yield the outcomes as they come.

        Memory does not grow with the number of items: no more than `limit` are taken from `items` ahead of what the
        caller has consumed. Leaving the context stops what is under way. An exception of `items` itself passes
        through; one of `function` comes as that item's `Outcome.error`.
        """

    @abstractmethod
    async def aclose(self) -> None:
        """Close the connections this runtime opened itself; idempotent."""

    @abstractmethod
    def abandon(self) -> None:
        """Let go of the connections without waiting, from a finalizer, any thread, or after the loop has ended."""
