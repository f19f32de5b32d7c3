"""Every story runs on asyncio, on trio and through the blocking mirror, over a real socket.

What a story's client sends is judged by Roblox's document, where that is at hand.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest

import rblxcloud
import rblxcloud.sync
from codegen import index
from rblxcloud.emulator import Emulator
from rblxcloud.emulator.server import serve
from rblxcloud.runtime.blocking import run
from tests.oracle.added import completed
from tests.oracle.document import load
from tests.oracle.exceptions import REQUESTS, Ledger
from tests.oracle.oracle import Oracle
from tests.oracle.stories import RecordingEmulator, all_selected
from tests.oracle.witness import Witness
from tests.support.modes import view

Story = Callable[[Any], Coroutine[Any, Any, None]]


@pytest.fixture(scope="session")
def _judge(request: pytest.FixtureRequest) -> Iterator[tuple[Oracle, Ledger] | None]:
    document = load("RBLXCLOUD_OPENAPI_STRICT", "open-cloud.strict.json")
    if document is None:
        yield None
        return
    ledger = Ledger(REQUESTS)
    yield Oracle(completed(document)), ledger
    if all_selected(request.session, Path(__file__).parent):
        assert ledger.unneeded() == [], "exceptions from the document that no story needs"


@pytest.fixture(scope="session")
def _witness(request: pytest.FixtureRequest) -> Iterator[Witness]:
    witness = Witness()
    yield witness
    if not all_selected(request.session, Path(__file__).parent):
        return
    if findings := sorted({*witness.unclaimed, *witness.unused()}):
        pytest.fail("\n".join(["docstrings and stories do not agree", *findings]), pytrace=False)
    record = witness.record(index.load())
    if request.config.getoption("--record-endpoints"):
        index.save(record)
    assert record == index.load(), "the endpoint index is not current: run python -m codegen.index --record"


@pytest.fixture(scope="module")
def _served() -> Iterator[tuple[RecordingEmulator, str]]:
    with RecordingEmulator(limits=False) as emulator, serve(emulator) as base_url:
        yield emulator, base_url


@pytest.fixture
def emulator(
    request: pytest.FixtureRequest,
    _served: tuple[RecordingEmulator, str],
    _judge: tuple[Oracle, Ledger] | None,
    _witness: Witness,
) -> Iterator[RecordingEmulator]:
    """The emulator that the story's client reaches, fresh; in the end, what it was sent is judged."""
    emulator, _ = _served
    emulator.reset()
    emulator.recorded.clear()
    test = request.node.nodeid.partition("[")[0]
    with _witness.watching(test, emulator.requests):
        yield emulator
    if _judge is not None:
        oracle, ledger = _judge
        findings = [finding for request in emulator.recorded for finding in oracle.judge(request)]
        assert ledger.unexplained(findings) == [], "requests that the document does not allow"


@pytest.fixture
def base_url(emulator: Emulator, _served: tuple[RecordingEmulator, str]) -> str:
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
