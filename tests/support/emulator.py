"""Calls an emulator without HTTP."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from rblxcloud.emulator.core import DEFAULT_KEY, Emulator
from rblxcloud.emulator.model import RawRequest, Reply

START = 1_800_000_000.0
"""A moment at which a minute begins, in seconds since 1970 UTC."""


@dataclass(frozen=True)
class Answer:
    """A reply, decoded."""

    reply: Reply

    @property
    def status(self) -> int:
        return self.reply.status

    @property
    def headers(self) -> dict[str, str]:
        return dict(self.reply.headers)

    @property
    def json(self) -> Any:
        return json.loads(self.reply.body)


class Caller:
    """Sends requests to an emulator as a client would put them on the wire."""

    def __init__(self, emulator: Emulator) -> None:
        self.emulator = emulator

    def __call__(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        key: str | None = DEFAULT_KEY,
        headers: dict[str, str] | None = None,
        ip: str = "127.0.0.1",
    ) -> Answer:
        content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        sent = {"content-length": str(len(content)), "content-type": "application/json"} if content else {}
        if key is not None:
            sent["x-api-key"] = key
        return Answer(self.emulator.handle(RawRequest(method, path, sent | (headers or {}), content, ip)))
