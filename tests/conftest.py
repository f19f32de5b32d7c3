"""What all tests share: only loopback is reached, and time is moved by hand."""

from __future__ import annotations

import os
import signal
import socket
import sys

import pytest

from tests.support.clock import ManualClock

pytest_plugins = ["tests.plugins.by_file", "tests.plugins.no_skips"]

_LOOPBACK = ("127.", "::1", "localhost")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add what `python -m codegen.index --record` passes."""
    parser.addoption("--record-endpoints", action="store_true", help="write codegen/record.json from the scenarios")


def pytest_configure() -> None:
    """Let the tests, and the programs that they start, find what a terminal gives them, wherever they run."""
    # A shell lets what it begins with `&` ignore Ctrl-C.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    # Images of containers often forbid it; each of the programs would then compile the package anew.
    sys.dont_write_bytecode = False
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


@pytest.fixture(autouse=True)
def only_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse connections to other machines."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: object) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6) and not str(address[0]).startswith(_LOOPBACK):  # type: ignore[index]
            raise AssertionError(f"a test tried to reach {address}")
        connect(self, address)  # type: ignore[arg-type]

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the caller's settings out of the tests."""
    for name in ("RBLXCLOUD_API_KEY", "RBLXCLOUD_BASE_URL", "RBLXCLOUD_RATE_LIMITS"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    """Run async tests on both event loops."""
    return request.param


@pytest.fixture
def clock() -> ManualClock:
    """A clock that stands still until it is slept on or moved."""
    return ManualClock()
