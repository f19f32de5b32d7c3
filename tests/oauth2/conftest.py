"""Stages, and the stores that are there."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from rblxcloud.emulator import Emulator
from tests.oauth2.servers import postgresql, redis_server
from tests.oauth2.shelves import MemoryShelf, Shelf
from tests.oauth2.stages import MODES, Stage


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with Emulator(limits=False) as emulator:
        yield emulator


@pytest.fixture(params=MODES)
def stage(request: pytest.FixtureRequest, emulator: Emulator) -> Stage:
    """A stage in each mode."""
    return Stage(emulator, request.param)


@pytest.fixture(params=["asyncio", "trio"])
def async_stage(request: pytest.FixtureRequest, emulator: Emulator) -> Stage:
    """A stage in the modes that have tasks."""
    return Stage(emulator, request.param)


@pytest.fixture
def blocking_stage(emulator: Emulator) -> Stage:
    """A stage in blocking mode."""
    return Stage(emulator, "blocking")


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    with postgresql() as url:
        yield url


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    with redis_server() as url:
        yield url


@contextmanager
def real_shelf(kind: str, request: pytest.FixtureRequest, directory: Path) -> Iterator[Shelf]:
    """A store on a real server, or in a file; empty."""
    address = f"sqlite:///{directory}/tokens.db" if kind == "sqlite" else request.getfixturevalue(f"{kind}_url")
    shelf = Shelf(kind, address, f"tokens_{secrets.token_hex(4)}")
    yield shelf
    shelf.store.close()  # type: ignore[attr-defined]


@pytest.fixture(params=["sqlite", "postgresql", "redis"])
def shelf(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shelf]:
    """Each kind of store that processes can share."""
    with real_shelf(request.param, request, tmp_path) as shelf:
        yield shelf


@pytest.fixture(params=["memory", "encrypted", "sqlite", "postgresql", "redis"])
def any_shelf(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shelf]:
    """Each kind of store, empty."""
    if request.param in ("memory", "encrypted"):
        yield MemoryShelf(encrypted=request.param == "encrypted")
        return
    with real_shelf(request.param, request, tmp_path) as shelf:
        yield shelf
