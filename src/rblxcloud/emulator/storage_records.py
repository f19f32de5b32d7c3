"""What the storage of the standard data stores keeps: its tables, and the records that are made of their rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["SCHEMA", "Address", "KeyRow", "Place", "Revision", "Store", "Tags", "Version"]

SCHEMA = """
CREATE TABLE IF NOT EXISTS data_stores (
    id INTEGER PRIMARY KEY,
    universe TEXT NOT NULL,
    name TEXT NOT NULL,
    created INTEGER NOT NULL,
    expires INTEGER,
    UNIQUE (universe, name)
);
CREATE INDEX IF NOT EXISTS data_stores_due ON data_stores (expires) WHERE expires IS NOT NULL;

CREATE TABLE IF NOT EXISTS data_store_entries (
    id INTEGER PRIMARY KEY,
    store INTEGER NOT NULL,
    scope TEXT NOT NULL,
    key TEXT NOT NULL,
    created INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    removed INTEGER,
    UNIQUE (store, scope, key)
);
CREATE INDEX IF NOT EXISTS data_store_entries_by_path ON data_store_entries (store, scope || '/' || key, scope);
CREATE INDEX IF NOT EXISTS data_store_entries_due ON data_store_entries (removed) WHERE removed IS NOT NULL;

CREATE TABLE IF NOT EXISTS data_store_revisions (
    id INTEGER PRIMARY KEY,
    entry INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    written INTEGER NOT NULL,
    snapshots INTEGER NOT NULL,
    replaced INTEGER,
    users TEXT NOT NULL,
    attributes TEXT NOT NULL,
    value BLOB,
    UNIQUE (entry, sequence)
);
CREATE INDEX IF NOT EXISTS data_store_revisions_due ON data_store_revisions (replaced) WHERE replaced IS NOT NULL;

CREATE TABLE IF NOT EXISTS data_store_snapshots (
    universe TEXT PRIMARY KEY,
    number INTEGER NOT NULL,
    taken INTEGER NOT NULL
);
"""


@dataclass(frozen=True, slots=True)
class Store:
    """A standard data store."""

    id: int
    name: str
    created: int
    """Tick of the first write."""
    expires: int | None
    """Tick at which a deleted store is gone for good; None for one that is not deleted."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a key stands."""

    universe: str
    store: str
    scope: str
    key: str


@dataclass(frozen=True, slots=True)
class Tags:
    """What is kept beside a value."""

    users: tuple[int, ...] = ()
    attributes: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class Version:
    """What is known of one revision of a key, without its value."""

    sequence: int
    created: int
    """Tick of the key's creation."""
    written: int
    """Tick of this revision."""
    length: int | None
    """Bytes of the value; None for a tombstone."""

    @property
    def id(self) -> str:
        """The version id, which v2 calls revision id and etag."""
        return f"{self.created:016X}.{self.sequence:010X}.{self.written:016X}.01"

    @property
    def removed(self) -> bool:
        """Whether it is a tombstone."""
        return self.length is None


@dataclass(frozen=True, slots=True)
class Revision(Version):
    """One revision of a key."""

    snapshots: int
    """How many snapshots the universe had when it was written."""
    tags: Tags
    value: bytes
    """JSON text; empty for a tombstone."""


@dataclass(frozen=True, slots=True)
class Place:
    """What stands at an address."""

    address: Address
    store: Store | None
    entry: int | None
    latest: Revision | None
    """The latest revision, which may be a tombstone."""

    @property
    def live(self) -> Revision | None:
        """The latest revision, unless there is none or it is a tombstone."""
        return None if self.latest is None or self.latest.removed else self.latest


@dataclass(frozen=True, slots=True)
class KeyRow:
    """A key in a listing."""

    scope: str
    key: str
    removed: bool
