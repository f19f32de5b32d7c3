"""The one storage behind both versions of the standard data stores: stores, keys and their revisions.

The latest revision of a key never expires. A write keeps the revision before it when it is the first in its UTC clock
hour, or the first since a snapshot; otherwise it takes its place. A removal writes a tombstone and always keeps what
was there. What was replaced, removed or deleted is gone 30 days later: nothing runs in the background, each request
first drops what is due.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator, Mapping
from typing import Any

from rblxcloud.emulator.model import Call, Handler, Reply, World
from rblxcloud.emulator.storage_records import Address, KeyRow, Place, Revision, Store, Tags, Version
from rblxcloud.emulator.storage_time import DAY, HOUR, ticks_at

__all__ = [
    "RETENTION",
    "delete_store",
    "find",
    "find_store",
    "is_version_id",
    "list_keys",
    "list_stores",
    "list_versions",
    "purged",
    "read_at",
    "read_version",
    "remove",
    "snapshot",
    "undelete_store",
    "write",
]

RETENTION = 30 * DAY
"""How long replaced versions, removed keys and deleted stores are kept, in ticks."""

_VERSION_ID = re.compile(r"[0-9A-F]{16}\.([0-9A-F]{10})\.[0-9A-F]{16}\.01")
_REVISION = "r.sequence, e.created, r.written, length(r.value), r.snapshots, r.users, r.attributes, r.value"
_AFTER_ALL_TEXT = b""
"""SQLite orders every blob after every text."""


def purged(handler: Handler) -> Handler:
    """Return the handler so that it finds nothing whose 30 days are over."""

    def handle(world: World, call: Call) -> Reply:
        _purge(world)
        return handler(world, call)

    return handle


# --- stores


def find_store(world: World, universe: str, name: str) -> Store | None:
    """Return a store, deleted or not; None when it was never written to, or is gone for good.

    Args:
        world: The emulator's state.
        universe: Id of the universe.
        name: Name of the store.
    """
    row = world.database.execute(
        "SELECT id, name, created, expires FROM data_stores WHERE universe = ? AND name = ?", (universe, name)
    ).fetchone()
    return None if row is None else Store(*row)


def delete_store(world: World, store: Store) -> Store:
    """Mark a store as deleted, for good in 30 days; one that is already stays as it is."""
    return store if store.expires is not None else _set_expiry(world, store, ticks_at(world.now()) + RETENTION)


def undelete_store(world: World, store: Store) -> Store:
    """Take the mark off a deleted store."""
    return store if store.expires is None else _set_expiry(world, store, None)


def list_stores(world: World, universe: str, prefix: str, after: str | None) -> Iterator[Store]:
    """Yield the stores of a universe by name, the deleted ones too.

    Args:
        world: The emulator's state.
        universe: Id of the universe.
        prefix: What their names start with.
        after: Name to go on after; None to begin.
    """
    comparison, low = (">=", prefix) if after is None else (">", after)
    rows = world.database.execute(
        f"SELECT id, name, created, expires FROM data_stores WHERE universe = ? AND name {comparison} ? AND name < ?"
        " ORDER BY name",
        (universe, low, _end_of(prefix)),
    )
    return (Store(*row) for row in rows)


def snapshot(world: World, universe: str) -> tuple[bool, int]:
    """Take a snapshot of every store of a universe, unless there is one of this UTC day.

    Returns:
        Whether it was taken, and the tick of the latest one.
    """
    now = ticks_at(world.now())
    row: tuple[int] | None = world.database.execute(
        "SELECT taken FROM data_store_snapshots WHERE universe = ?", (universe,)
    ).fetchone()
    if row is not None and row[0] // DAY >= now // DAY:
        return False, row[0]
    world.database.execute(
        "INSERT INTO data_store_snapshots VALUES (?, 1, ?)"
        " ON CONFLICT (universe) DO UPDATE SET number = number + 1, taken = excluded.taken",
        (universe, now),
    )
    return True, now


# --- values


def find(world: World, address: Address) -> Place:
    """Return what stands at an address."""
    row = world.database.execute(
        f"SELECT s.id, s.name, s.created, s.expires, e.id, {_REVISION} FROM data_stores s"
        " LEFT JOIN data_store_entries e ON e.store = s.id AND e.scope = ? AND e.key = ?"
        " LEFT JOIN data_store_revisions r ON r.entry = e.id AND r.sequence = e.sequence"
        " WHERE s.universe = ? AND s.name = ?",
        (address.scope, address.key, address.universe, address.store),
    ).fetchone()
    if row is None:
        return Place(address, None, None, None)
    latest = None if row[4] is None else _revision(row[5:])
    return Place(address, Store(*row[:4]), row[4], latest)


def write(world: World, place: Place, value: bytes, tags: Tags) -> Revision:
    """Write a value, whatever stands there; store and key are created when they do not exist.

    Args:
        world: The emulator's state.
        place: Where, as `find` has just returned it.
        value: JSON text.
        tags: What replaces users and attributes.

    Returns:
        The revision that was written.
    """
    return _add(world, place, value, tags)


def remove(world: World, place: Place) -> Revision:
    """Write a tombstone, and keep the revision before it; returns the tombstone."""
    return _add(world, place, None, Tags())


def read_version(world: World, place: Place, version_id: str) -> Revision | None:
    """Return the revision with this id; None when there is none, or no longer."""
    match = _VERSION_ID.fullmatch(version_id)
    if match is None or place.entry is None:
        return None
    row = world.database.execute(
        f"SELECT {_REVISION} FROM data_store_revisions r JOIN data_store_entries e ON e.id = r.entry"
        " WHERE r.entry = ? AND r.sequence = ?",
        (place.entry, int(match[1], 16)),
    ).fetchone()
    found = None if row is None else _revision(row)
    return found if found is not None and found.id == version_id else None


def read_at(world: World, place: Place, moment: int) -> Revision | None:
    """Return the newest revision kept that was written at `moment` (a tick) or before."""
    row = world.database.execute(
        f"SELECT {_REVISION} FROM data_store_revisions r JOIN data_store_entries e ON e.id = r.entry"
        " WHERE r.entry = ? AND r.written <= ? ORDER BY r.sequence DESC LIMIT 1",
        (place.entry, moment),
    ).fetchone()
    return None if row is None else _revision(row)


def is_version_id(text: str) -> bool:
    """Return whether `text` has the form of a version id."""
    return _VERSION_ID.fullmatch(text) is not None


# --- listings


def list_keys(
    world: World, store: Store, scope: str | None, prefix: str, after: tuple[str, str] | None
) -> Iterator[KeyRow]:
    """Yield the keys of a store, removed ones too: by key, or by `scope/key` over all scopes.

    Args:
        world: The emulator's state.
        store: The store.
        scope: The scope; None for all of them.
        prefix: What the key, or over all scopes `scope/key`, starts with.
        after: Scope and key to go on after; None to begin.
    """
    order = "key" if scope is not None else "scope || '/' || key"
    low: tuple[str, ...]
    if scope is not None:
        resumes = after is not None and after[1] >= prefix
        begin, low = "scope = ? AND key > ?" if resumes else "scope = ? AND key >= ?", (scope, prefix)
        if resumes and after is not None:
            low = (scope, after[1])
    elif after is None:
        begin, low = f"{order} >= ?", (prefix,)
    else:
        path = "/".join(after)
        # The first condition says nothing new, but only such a one makes SQLite begin at the right place of the index.
        begin, low = f"{order} >= ? AND ({order}, scope) > (?, ?)", (path, path, after[0])
    rows = world.database.execute(
        "SELECT scope, key, removed IS NOT NULL FROM data_store_entries"
        f" WHERE store = ? AND {begin} AND {order} < ? ORDER BY {order}, scope",
        (store.id, *low, _end_of(prefix)),
    )
    return (KeyRow(row[0], row[1], bool(row[2])) for row in rows)


def list_versions(
    world: World,
    place: Place,
    *,
    descending: bool,
    first: int | None = None,
    last: int | None = None,
    after: int | None = None,
) -> Iterator[Version]:
    """Yield the revisions that are kept of a key.

    Args:
        world: The emulator's state.
        place: Where.
        descending: Newest first.
        first: Only those written at this tick or later.
        last: Only those written at this tick or before.
        after: Sequence number to go on after; None to begin.
    """
    comparison, order = ("<", "DESC") if descending else (">", "ASC")
    rows = world.database.execute(
        "SELECT r.sequence, e.created, r.written, length(r.value) FROM data_store_revisions r"
        " JOIN data_store_entries e ON e.id = r.entry WHERE r.entry = :entry"
        " AND (:first IS NULL OR r.written >= :first) AND (:last IS NULL OR r.written <= :last)"
        f" AND (:after IS NULL OR r.sequence {comparison} :after) ORDER BY r.sequence {order}",
        {"entry": place.entry, "first": first, "last": last, "after": after},
    )
    return (Version(*row) for row in rows)


# --- inside


def _add(world: World, place: Place, value: bytes | None, tags: Tags) -> Revision:
    now = ticks_at(world.now())
    database = world.database
    snapshots = _snapshots(world, place.address.universe)
    if place.entry is None or place.latest is None:
        entry, created, sequence = _create_entry(world, place, now), now, 1
    else:
        entry, created, sequence = place.entry, place.latest.created, place.latest.sequence + 1
        _retire(database, entry, place.latest, now, keep=value is None or place.latest.snapshots < snapshots)
        database.execute(
            "UPDATE data_store_entries SET sequence = ?, removed = ? WHERE id = ?",
            (sequence, now if value is None else None, entry),
        )
    database.execute(
        "INSERT INTO data_store_revisions (entry, sequence, written, snapshots, users, attributes, value)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (entry, sequence, now, snapshots, json.dumps(tags.users), json.dumps(tags.attributes), value),
    )
    return Revision(sequence, created, now, None if value is None else len(value), snapshots, tags, value or b"")


def _retire(database: sqlite3.Connection, entry: int, latest: Revision, now: int, *, keep: bool) -> None:
    if keep or latest.written // HOUR != now // HOUR:
        database.execute(
            "UPDATE data_store_revisions SET replaced = ? WHERE entry = ? AND sequence = ?",
            (now, entry, latest.sequence),
        )
    else:
        database.execute("DELETE FROM data_store_revisions WHERE entry = ? AND sequence = ?", (entry, latest.sequence))


def _create_entry(world: World, place: Place, now: int) -> int:
    store = place.store.id if place.store is not None else _create_store(world, place.address, now)
    cursor = world.database.execute(
        "INSERT INTO data_store_entries (store, scope, key, created, sequence) VALUES (?, ?, ?, ?, 1)",
        (store, place.address.scope, place.address.key, now),
    )
    assert cursor.lastrowid is not None
    return cursor.lastrowid


def _create_store(world: World, address: Address, now: int) -> int:
    cursor = world.database.execute(
        "INSERT INTO data_stores (universe, name, created) VALUES (?, ?, ?)", (address.universe, address.store, now)
    )
    assert cursor.lastrowid is not None
    return cursor.lastrowid


def _set_expiry(world: World, store: Store, expires: int | None) -> Store:
    world.database.execute("UPDATE data_stores SET expires = ? WHERE id = ?", (expires, store.id))
    return Store(store.id, store.name, store.created, expires)


def _snapshots(world: World, universe: str) -> int:
    row: tuple[int] | None = world.database.execute(
        "SELECT number FROM data_store_snapshots WHERE universe = ?", (universe,)
    ).fetchone()
    return 0 if row is None else row[0]


def _revision(row: tuple[Any, ...]) -> Revision:
    sequence, created, written, length, snapshots, users, attributes, value = row
    tags = Tags(tuple(json.loads(users)), json.loads(attributes))
    return Revision(sequence, created, written, length, snapshots, tags, value or b"")


def _purge(world: World) -> None:
    now = ticks_at(world.now())
    due = {"now": now, "limit": now - RETENTION}
    stores, entries, revisions = world.database.execute(
        "SELECT EXISTS (SELECT 1 FROM data_stores WHERE expires <= :now),"
        " EXISTS (SELECT 1 FROM data_store_entries WHERE removed <= :limit),"
        " EXISTS (SELECT 1 FROM data_store_revisions WHERE replaced <= :limit)",
        due,
    ).fetchone()
    if revisions:
        world.database.execute("DELETE FROM data_store_revisions WHERE replaced <= :limit", due)
    if entries:
        _drop_entries(world, "removed <= :limit", due)
    if stores:
        _drop_entries(world, "store IN (SELECT id FROM data_stores WHERE expires <= :now)", due)
        world.database.execute("DELETE FROM data_stores WHERE expires <= :now", due)


def _drop_entries(world: World, which: str, due: Mapping[str, int]) -> None:
    world.database.execute(
        f"DELETE FROM data_store_revisions WHERE entry IN (SELECT id FROM data_store_entries WHERE {which})", due
    )
    world.database.execute(f"DELETE FROM data_store_entries WHERE {which}", due)


def _end_of(prefix: str) -> str | bytes:
    """Return what sorts after every text that starts with `prefix`, and before every other text after those."""
    head = prefix.rstrip("\U0010ffff")
    if not head:
        return _AFTER_ALL_TEXT
    following = ord(head[-1]) + 1
    return head[:-1] + chr(0xE000 if following == 0xD800 else following)
