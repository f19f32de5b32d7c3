"""A program that receives webhooks, and dies where it is told to."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import uvicorn
from fastapi import FastAPI

from rblxcloud import RightToErasureRequest, StoredWebhook, Webhook, WebhookReceiver
from rblxcloud.integrations.fastapi import webhook_router
from rblxcloud.webhooks import SQLWebhookInbox
from tests.webhooks.signing import SECRET

STORED = (
    "before_store",
    "before_answer",
    "before_handler",
    "in_handler",
    "after_handler",
    "before_finish",
    "after_finish",
)
DIRECT = ("in_handler", "after_handler")


class Program:
    """The steps of the program, at one of which it dies."""

    def __init__(self, step: str) -> None:
        self._step = step

    def pass_by(self, step: str) -> None:
        if step == self._step:
            # As by a power cut: nothing is cleaned up.
            os.kill(os.getpid(), signal.SIGKILL)


class Inbox(SQLWebhookInbox):
    """An inbox that passes by the steps."""

    def __init__(self, database: str, table: str, program: Program) -> None:
        super().__init__(database, table=table)
        self._program = program

    def add(self, key: str, body: bytes) -> bool:
        self._program.pass_by("before_store")
        new = super().add(key, body)
        self._program.pass_by("before_answer")
        return new

    def lease(self, holder: str, seconds: float) -> StoredWebhook | None:
        row = super().lease(holder, seconds)
        if row is not None:
            self._program.pass_by("before_handler")
        return row

    def finish(self, key: str) -> None:
        self._program.pass_by("before_finish")
        super().finish(key)
        self._program.pass_by("after_finish")
        say(f"finished {key}")


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main(port: int, database: str, table: str, step: str) -> None:
    """Say `ready`, the id of each event whose handler has run, and `finished` with its id when that is written down.

    Args:
        port: Where to listen on loopback.
        database: Where the inbox is; `-` for none.
        table: The inbox's table.
        step: Where to die, or `never`.
    """
    program = Program(step)
    inbox = None if database == "-" else Inbox(database, table, program)
    receiver = WebhookReceiver(Webhook(SECRET), inbox=inbox)

    @receiver.on(RightToErasureRequest)
    async def handle(event: RightToErasureRequest) -> None:
        program.pass_by("in_handler")
        say(event.notification_id)
        program.pass_by("after_handler")

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
        say("ready")
        yield

    app = FastAPI(lifespan=lifespan)
    app.include_router(webhook_router(receiver))
    uvicorn.run(app, port=port, log_level="critical")
