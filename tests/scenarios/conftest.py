"""Every story runs on asyncio, on trio and through the blocking mirror, over a real socket."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import anyio
import pytest

import rblxcloud
import rblxcloud.sync
from rblxcloud.emulator import Emulator
from rblxcloud.emulator.server import serve
from rblxcloud.runtime.blocking import run
from tests.support.modes import view

Story = Callable[[Any], Coroutine[Any, Any, None]]


@pytest.fixture(scope="module")
def _served() -> Iterator[tuple[Emulator, str]]:
    with Emulator(limits=False) as emulator, serve(emulator) as base_url:
        yield emulator, base_url


@pytest.fixture
def emulator(_served: tuple[Emulator, str]) -> Emulator:
    """The emulator that the story's client reaches, fresh."""
    _served[0].reset()
    return _served[0]


@pytest.fixture
def base_url(emulator: Emulator, _served: tuple[Emulator, str]) -> str:
    """Where it is."""
    return _served[1]


@pytest.fixture(params=["asyncio", "trio", "blocking"])
def tell(request: pytest.FixtureRequest, base_url: str) -> Callable[[Story], None]:
    """Return a function that runs a story with a client in one of the three modes."""

    def asynchronous(story: Story) -> None:
        async def main() -> None:
            async with rblxcloud.Client("emulator-key", base_url=base_url, rate_limits="server") as client:
                await story(client)

        anyio.run(main, backend=request.param)

    def blocking(story: Story) -> None:
        with rblxcloud.sync.Client("emulator-key", base_url=base_url, rate_limits="server") as client:
            run(story(view(client)))

    return blocking if request.param == "blocking" else asynchronous
