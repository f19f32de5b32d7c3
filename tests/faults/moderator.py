"""Bans a user under the id of a ticket: a program, so that it can be killed, at a step that it is told."""

from __future__ import annotations

import sys

import anyio

from rblxcloud import Client
from rblxcloud import sync as blocking
from tests.faults.consumer import Killer

UNIVERSE, USER, WEEK = 1, 7, 7 * 86_400
TICKET = "ticket-4711"

STEPS = ("before it is sent", "before an answer", "after an answer")


def _hooks(step: str) -> dict[str, object]:
    killer = Killer(step, 1)
    return {
        "on_request": [lambda _: killer.reach("before it is sent")],
        "on_response": [lambda event: killer.reach("before an answer" if event.failure else "after an answer")],
    }


async def ban(base_url: str, step: str = "") -> None:
    """Ban with the async client."""
    async with Client("emulator-key", base_url=base_url, **_hooks(step)) as client:
        await client.experience(UNIVERSE).user_restrictions.ban(USER, duration=WEEK, idempotency_key=TICKET)


def ban_blocking(base_url: str, step: str = "") -> None:
    """Ban with the blocking client."""
    with blocking.Client("emulator-key", base_url=base_url, **_hooks(step)) as client:
        client.experience(UNIVERSE).user_restrictions.ban(USER, duration=WEEK, idempotency_key=TICKET)


def main(mode: str, base_url: str, step: str) -> None:
    """Ban, unless the process is killed."""
    if mode == "blocking":
        ban_blocking(base_url, step)
    else:
        anyio.run(ban, base_url, step, backend=mode)


if __name__ == "__main__":
    main(*sys.argv[1:])
