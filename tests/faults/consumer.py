"""Consumes a queue until it is empty, and writes what it handled into a file: a program, so that it can be killed.

It can be told at which step it is to kill itself. It lives once for each line that it is sent, in a child of its own,
since most of a life would be spent importing.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import traceback
from contextlib import aclosing
from pathlib import Path

import anyio

from rblxcloud import Client, QueueItem
from rblxcloud import sync as blocking
from rblxcloud.http.hooks import RequestEvent, ResponseEvent

QUEUE = "jobs"
UNIVERSE = 1

STEPS = ("before read", "after read", "before handling", "after handling", "before discard", "after discard")


class Killer:
    """Counts the steps, and ends the process at one of them as `kill -9` does."""

    def __init__(self, step: str, after: int) -> None:
        self._step = step
        self._after = after

    def reach(self, step: str) -> None:
        if step == self._step:
            self._after -= 1
            if self._after == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    def on_request(self, event: RequestEvent) -> None:
        self.reach("before read" if event.method == "GET" else "before discard")

    def on_response(self, event: ResponseEvent) -> None:
        self.reach("after read" if event.method == "GET" else "after discard")


def handle(item: QueueItem[int], output: int, killer: Killer) -> None:
    """Handle an item: it is handled once its line is in the file."""
    killer.reach("before handling")
    os.write(output, f"{item.value}\n".encode())
    killer.reach("after handling")


async def consume(base_url: str, batch: int, output: int, killer: Killer) -> None:
    """Consume with the async client."""
    hooks = {"on_request": (killer.on_request,), "on_response": (killer.on_response,)}
    async with Client("emulator-key", base_url=base_url, **hooks) as client:
        queue = client.experience(UNIVERSE).get_queue(QUEUE, int)
        async with aclosing(queue.consume(batch=batch, until_empty=True)) as items:
            async for item in items:
                handle(item, output, killer)


def consume_blocking(base_url: str, batch: int, output: int, killer: Killer) -> None:
    """Consume with the blocking client."""
    hooks = {"on_request": (killer.on_request,), "on_response": (killer.on_response,)}
    with blocking.Client("emulator-key", base_url=base_url, **hooks) as client:
        for item in client.experience(UNIVERSE).get_queue(QUEUE, int).consume(batch=batch, until_empty=True):
            handle(item, output, killer)


def live(mode: str, base_url: str, output: str, batch: int, step: str, after: int) -> None:
    """Consume until the queue is empty or the process is killed."""
    killer = Killer(step, after)
    file = os.open(Path(output), os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    if mode == "blocking":
        consume_blocking(base_url, batch, file, killer)
    else:
        anyio.run(consume, base_url, batch, file, killer, backend=mode)


def main() -> None:
    """Answer each line of arguments with the id of the process that it made, and with how that ended."""
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            try:
                live(*json.loads(line))
            except BaseException:
                traceback.print_exc()
                os._exit(1)
            os._exit(0)
        os.write(1, f"{child}\n".encode())
        os.write(1, f"{os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}\n".encode())


if __name__ == "__main__":
    main()
