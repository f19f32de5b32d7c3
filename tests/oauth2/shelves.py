"""Stores as tests use them: opened in several processes, and with leases that can be made to run out."""

from __future__ import annotations

import redis
import sqlalchemy as sa

from rblxcloud.oauth2.stores import (
    EncryptedTokenStore,
    MemoryTokenStore,
    RedisTokenStore,
    SQLTokenStore,
    TokenKey,
    TokenStore,
)


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
