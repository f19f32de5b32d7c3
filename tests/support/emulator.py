"""Calls an emulator without HTTP, or runs the command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from rblxcloud.emulator.api_keys import ApiKey, ScopeGrant
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


def act_as(emulator: Emulator, owner: str, *scopes: str) -> None:
    """Let the key that clients of tests have be one of `owner`, such as `users/1`, with these scopes alone."""
    for key in emulator.list_keys():
        emulator.remove_key(key.id)
    emulator.add_key(DEFAULT_KEY, ApiKey(owner=owner, scopes=tuple(ScopeGrant.parse(scope) for scope in scopes)))


@contextmanager
def running(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run the command on a free port; yield the process and the line that it printed. It is killed in the end."""
    process = subprocess.Popen(
        [sys.executable, "-m", "rblxcloud.cli", "emulator", "--port", "0", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONWARNINGS": "error"},
    )
    try:
        assert process.stdout is not None
        yield process, process.stdout.readline().rstrip("\n")
    finally:
        process.kill()
        process.communicate()
