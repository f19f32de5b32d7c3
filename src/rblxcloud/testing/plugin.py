"""The pytest plugin: an emulator for each test, and clients of both modes on it.

pytest loads this into every test run of everybody who has rblxcloud installed, so it imports nothing of the package
until a fixture is used.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import rblxcloud
    import rblxcloud.sync
    from rblxcloud.emulator import Emulator


@pytest.fixture
def rblxcloud_emulator(monkeypatch: pytest.MonkeyPatch) -> Iterator[Emulator]:
    """A fresh emulator behind a loopback socket, for one test.

    `RBLXCLOUD_BASE_URL` and `RBLXCLOUD_API_KEY` point at it, so a program that uses rblxcloud reaches it unchanged.
    The published rate limits are not enforced, and no client obeys them; `emulator.limits.enabled = True` and
    `RBLXCLOUD_RATE_LIMITS` change that.

    Yields:
        The emulator; needs `pip install 'rblxcloud[emulator]'`.
    """
    from rblxcloud.emulator import Emulator
    from rblxcloud.emulator.server import serve

    with Emulator(limits=False) as emulator, serve(emulator) as base_url:
        monkeypatch.setenv("RBLXCLOUD_BASE_URL", base_url)
        monkeypatch.setenv("RBLXCLOUD_API_KEY", "emulator-key")
        monkeypatch.setenv("RBLXCLOUD_RATE_LIMITS", "server")
        yield emulator


@pytest.fixture
def rblxcloud_client(rblxcloud_emulator: Emulator) -> rblxcloud.Client:
    """Return an async client on the test's emulator: in process, without a socket, so there is nothing to close."""
    import httpx

    import rblxcloud
    from rblxcloud.emulator.transport import EmulatorTransport

    return rblxcloud.Client(http_client=httpx.AsyncClient(transport=EmulatorTransport(rblxcloud_emulator)))


@pytest.fixture
def rblxcloud_sync_client(rblxcloud_emulator: Emulator) -> Iterator[rblxcloud.sync.Client]:
    """A blocking client on the test's emulator, closed when the test is over.

    Yields:
        The client.
    """
    import rblxcloud.sync

    with rblxcloud.sync.Client() as client:
        yield client
