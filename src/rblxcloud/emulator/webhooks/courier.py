"""Sends what the emulator has to tell: the I/O that the emulator itself does not do."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress

import anyio
import httpx

from rblxcloud.emulator.webhooks.controls import TIMEOUT, OutgoingWebhook, WebhookControls

__all__ = ["deliver_due", "run"]

_logger = logging.getLogger("rblxcloud.emulator")

_LOOK_AGAIN = 0.05
"""Seconds between two looks while something is to be sent later: nobody tells when the emulator's clock is moved."""

_AT_ONCE = 10
"""Requests under way at the same time: one that waits for a connection would use up its receiver's time."""


async def deliver_due(webhooks: WebhookControls, http: httpx.AsyncClient) -> int:
    """Send everything that is due now, one after the other, and return how many requests that took.

    Tests move the emulator's clock and call this, where nothing serves the emulator on a socket.

    Args:
        webhooks: What is to be sent.
        http: Sends it; with `httpx.ASGITransport` into an application, without a socket.
    """
    due = webhooks.take_due()
    for outgoing in due:
        await _deliver(webhooks, outgoing, http)
    return len(due)


async def run(webhooks: WebhookControls) -> None:
    """Send what is due, as soon as it is, until cancelled. For asyncio.

    Args:
        webhooks: What is to be sent.
    """
    loop, woken = asyncio.get_running_loop(), asyncio.Event()

    def wake() -> None:
        with suppress(RuntimeError):  # The loop has just been closed.
            loop.call_soon_threadsafe(woken.set)

    end = webhooks.listen(wake)
    try:
        await _work_off(webhooks, woken)
    except Exception:
        _logger.exception("The emulator sends no more webhooks")
    finally:
        end()


async def _work_off(webhooks: WebhookControls, woken: asyncio.Event) -> None:
    if not webhooks.is_waiting():
        await woken.wait()  # The client's TLS context takes a while to make, and most emulators send nothing.
    async with httpx.AsyncClient(trust_env=False) as http, asyncio.TaskGroup() as group:
        under_way: set[asyncio.Task[None]] = set()

        def ended(task: asyncio.Task[None]) -> None:
            under_way.discard(task)
            woken.set()

        while True:
            woken.clear()
            for outgoing in webhooks.take_due(_AT_ONCE - len(under_way)):
                task = group.create_task(_deliver(webhooks, outgoing, http))
                under_way.add(task)
                task.add_done_callback(ended)
            # Not asyncio.wait_for: on Python 3.11 a cancellation that meets the end of the wait is lost in it.
            with anyio.move_on_after(_LOOK_AGAIN if webhooks.is_waiting() else None):
                await woken.wait()


async def _deliver(webhooks: WebhookControls, outgoing: OutgoingWebhook, http: httpx.AsyncClient) -> None:
    try:
        with anyio.fail_after(TIMEOUT):
            sending = http.stream("POST", outgoing.url, content=outgoing.body, headers=outgoing.headers, timeout=None)
            async with sending as response:
                status = response.status_code
    except TimeoutError:
        webhooks.record(outgoing, problem=f"no answer within {TIMEOUT:g} seconds")
    except Exception as error:  # An address can be wrong in more ways than httpx has errors for.
        webhooks.record(outgoing, problem=f"{type(error).__name__}: {error}")
    else:
        webhooks.record(outgoing, status=status)
