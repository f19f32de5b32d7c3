"""Tests of the request path that are told once and run on asyncio, on trio and in blocking mode."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

import anyio
import pytest

from rblxcloud.config import Options
from rblxcloud.runtime.blocking import run
from tests.support.clock import ManualClock
from tests.support.server import Script, async_client, blocking_runtime_client

Story = Callable[[Any], Coroutine[Any, Any, Any]]
Perform = Callable[..., Any]


@pytest.fixture(params=["asyncio", "trio", "blocking"])
def mode(request: pytest.FixtureRequest) -> str:
    """The mode of `perform`."""
    return request.param


@pytest.fixture
def perform(mode: str, clock: ManualClock) -> Perform:
    """Return a function that runs a story with a client whose requests a script answers."""

    def perform(script: Script, story: Story, options: Options | None = None, **settings: Any) -> Any:
        if mode == "blocking":
            client = blocking_runtime_client(clock, script, options, **settings)
            try:
                return run(story(client))
            finally:
                run(client.aclose())

        async def main() -> Any:
            async with async_client(clock, script, options, **settings) as client:
                return await story(client)

        return anyio.run(main, backend=mode)

    return perform
