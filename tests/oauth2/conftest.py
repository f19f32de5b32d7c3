"""Stages, and the stores that are there."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis
import sqlalchemy as sa

from rblxcloud.emulator import Emulator
from rblxcloud.oauth2.stores import (
    EncryptedTokenStore,
    MemoryTokenStore,
    RedisTokenStore,
    SQLTokenStore,
    TokenKey,
    TokenStore,
)
from tests.oauth2.servers import postgresql, redis_server
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


class Shelf:
    """A store that other processes can open too, and whose leases can be made to run out."""

    def __init__(self, kind: str, address: str, name: str) -> None:
        self.kind, self.address, self.name = kind, address, name
        self.store = self.open()

    def open(self) -> TokenStore:
        return open_shelf(self.kind, self.address, self.name)

    def expire_lease(self, key: TokenKey) -> None:
        """Let a lease have run out, as if its time had passed on the store's clock."""
        if self.kind == "redis":
            with redis.Redis.from_url(self.address) as client:
                client.hset(f"{self.name}:{key.client_id}:{key.user_id}", "lease_until", "1")
            return
        engine = sa.create_engine(self.address, poolclass=sa.NullPool)
        with engine.begin() as connection:
            connection.execute(sa.text(f"UPDATE {self.name} SET lease_until = 1"))


def open_shelf(kind: str, address: str, name: str) -> TokenStore:
    """Open a store; for this process or another."""
    if kind == "redis":
        return RedisTokenStore(address, prefix=name)
    return SQLTokenStore(address, table=name)


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


class _Clock:
    """A clock of a memory store, which a test can move."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class MemoryShelf(Shelf):
    """The same for memory, as it is or encrypted."""

    def __init__(self, *, encrypted: bool) -> None:
        self.clock = _Clock()
        memory = MemoryTokenStore(clock=self.clock)
        self.store = EncryptedTokenStore(memory, [EncryptedTokenStore.new_key()]) if encrypted else memory

    def expire_lease(self, key: TokenKey) -> None:
        self.clock.now += 10_000.0


@pytest.fixture(params=["memory", "encrypted", "sqlite", "postgresql", "redis"])
def any_shelf(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shelf]:
    """Each kind of store, empty."""
    if request.param in ("memory", "encrypted"):
        yield MemoryShelf(encrypted=request.param == "encrypted")
        return
    with real_shelf(request.param, request, tmp_path) as shelf:
        yield shelf
