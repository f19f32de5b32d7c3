"""A scripted Open Cloud behind httpx's mock transport, and clients of both modes over it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import httpx

from rblxcloud import Client
from rblxcloud.config import Options
from rblxcloud.http.auth import resolve_credential
from rblxcloud.http.session import SessionSettings
from rblxcloud.runtime.blocking import BlockingRuntime
from rblxcloud.runtime.concurrent import ConcurrentRuntime
from tests.support.clock import ManualClock

Step = httpx.Response | Exception | Callable[[httpx.Request], httpx.Response]


class Script:
    """Answers requests one after the other with what it was given; keeps the requests."""

    def __init__(self, steps: Sequence[Step]) -> None:
        self.steps = list(steps)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        request.read()
        self.requests.append(request)
        assert self.steps, f"one request more than the script has: {request.method} {request.url}"
        step = self.steps.pop(0)
        if isinstance(step, Exception):
            raise step
        return step(request) if callable(step) else step


def settings(options: Options, **more: Any) -> SessionSettings:
    credential = resolve_credential(more.pop("api_key", "key"), more.pop("access_token", None))
    return SessionSettings(credential, more.pop("base_url", "https://apis.roblox.com"), options, **more)


def async_client(clock: ManualClock, script: Script, options: Options | None = None, **more: Any) -> Client:
    runtime = ConcurrentRuntime(transport=httpx.MockTransport(script), clock=clock)
    return Client._on_runtime(runtime, settings(options or Options(), **more))


def blocking_runtime_client(clock: ManualClock, script: Script, options: Options | None = None, **more: Any) -> Client:
    """The core's client over the blocking runtime, to be driven with `rblxcloud.runtime.blocking.run`."""
    runtime = BlockingRuntime(transport=httpx.MockTransport(script), clock=clock)
    return Client._on_runtime(runtime, settings(options or Options(), **more))
