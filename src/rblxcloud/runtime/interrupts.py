"""Ctrl-C, held back while something must not be broken off; and what looks like an end from outside, and is none."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import FrameType
from typing import Any


@contextmanager
def held_back() -> Generator[None]:
    """Let a first Ctrl-C take effect when the context ends; a second one breaks it off.

    Python delivers Ctrl-C in the main thread, so nothing has to be done in others, nor where the program has given
    SIGINT to something that is not Python's.
    """
    previous = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(previous):
        yield
        return
    held: list[tuple[int, FrameType | None]] = []

    def hold(number: int, frame: FrameType | None) -> None:
        if held:
            previous(number, frame)
        held.append((number, frame))

    signal.signal(signal.SIGINT, hold)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)
        if len(held) == 1:
            previous(*held[0])


@contextmanager
def cancellation_as_failure(*, unless: Callable[[], None] | None = None) -> Generator[None]:
    """Turn a cancellation of asyncio's that comes out of plain code into a `RuntimeError`.

    It is one of a loop that the code has run itself, and would end the caller's task without a word.

    Args:
        unless: Raises when it is the caller that is cancelled, which code in a worker thread can find out.
    """
    try:
        yield
    except BaseException as error:
        asyncio: Any = sys.modules.get("asyncio")
        if asyncio is None or not isinstance(error, asyncio.CancelledError):
            raise
        if unless is not None:
            unless()
        raise RuntimeError("what was called has been cancelled") from error


@contextmanager
def exit_as_failure() -> Generator[None]:
    """Turn `SystemExit` into a `RuntimeError` outside of the main thread, where it ends one thread without a word.

    In the main thread it can be a signal handler's, and ends the program.
    """
    try:
        yield
    except SystemExit as error:
        if threading.current_thread() is threading.main_thread():
            raise
        raise RuntimeError("what was called has called for the end of the program") from error
