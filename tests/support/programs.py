"""Programs that tests start and kill: each a process of its own, forked from one that has imported what they need."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from typing import Self

_FORK_SERVER = multiprocessing.get_context("forkserver")
_FORK_SERVER.set_forkserver_preload(["tests.oauth2.worker", "tests.webhooks.program"])

_PATIENCE = 60.0


class Program:
    """A function that runs in a process of its own, which is killed when the context ends.

    Args:
        main: The function, of a module that the process can import.
        arguments: What it is called with.
    """

    def __init__(self, main: Callable[..., None], *arguments: object) -> None:
        reader, writer = _FORK_SERVER.Pipe(duplex=False)
        self._process = _FORK_SERVER.Process(target=_print_into, args=(writer, main, arguments), daemon=True)
        self._process.start()
        writer.close()
        self._lines = os.fdopen(os.dup(reader.fileno()))
        reader.close()

    def lines(self) -> Iterator[str]:
        """Yield the lines that it prints, as they come."""
        for line in self._lines:
            yield line.rstrip("\n")

    def ended(self, within: float = _PATIENCE) -> int | None:
        """Wait until it has ended; return its exit code, or None where it goes on."""
        self._process.join(within)
        return self._process.exitcode

    def kill(self) -> None:
        """End it as a power cut does."""
        self._process.kill()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        self._process.join()
        self._process.close()
        self._lines.close()


def _print_into(writer: Connection, main: Callable[..., None], arguments: tuple[object, ...]) -> None:
    os.dup2(writer.fileno(), 1)
    writer.close()
    main(*arguments)
