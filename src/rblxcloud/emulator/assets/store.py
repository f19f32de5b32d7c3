"""Assets, their versions and their files, as they are kept, and the JSON that tells of them."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from rblxcloud.emulator.model import World
from rblxcloud.emulator.storage_time import ticks_at, v2_time

__all__ = [
    "SCHEMA",
    "Asset",
    "Version",
    "add_asset",
    "add_version",
    "asset_json",
    "creation_context",
    "find_asset",
    "find_version",
    "keep_file",
    "newest_versions",
    "read_file",
    "replace_file",
    "save_asset",
    "set_moderation",
    "version_json",
]

SCHEMA = """
CREATE TABLE IF NOT EXISTS assets (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    creator TEXT NOT NULL,
    privacy TEXT NOT NULL,
    state TEXT NOT NULL,
    fields TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS asset_versions (
    asset INTEGER NOT NULL,
    number INTEGER NOT NULL,
    create_time REAL NOT NULL,
    moderation TEXT NOT NULL,
    content_type TEXT NOT NULL,
    file TEXT NOT NULL,
    PRIMARY KEY (asset, number)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS asset_files (
    hash TEXT PRIMARY KEY,
    content BLOB NOT NULL
);
"""

ALWAYS = ("displayName", "description", "previews")
"""The optional metadata that is shown without a read mask too."""

_FIRST_ID = 90_000_000_001
_COLUMNS = "id, kind, creator, privacy, state, fields"


@dataclass(frozen=True, slots=True)
class Asset:
    """An asset, without its files."""

    id: int
    kind: str
    """Such as `Decal`."""
    creator: str
    """`users/1` or `groups/1`."""
    privacy: str
    state: str
    """`Active` or `Archived`."""
    fields: Mapping[str, Any]
    """The metadata that can be changed, by the names of the JSON."""


@dataclass(frozen=True, slots=True)
class Version:
    """A version of an asset; `file` is the hash by which its content is kept."""

    asset: int
    number: int
    create_time: float
    moderation: str
    content_type: str
    file: str


def keep_file(world: World, content: bytes) -> str:
    """Keep a file, once however often it is uploaded; return its hash."""
    digest = hashlib.sha256(content).hexdigest()
    world.database.execute("INSERT OR IGNORE INTO asset_files VALUES (?, ?)", (digest, sqlite3.Binary(content)))
    return digest


def read_file(world: World, digest: str) -> bytes:
    """Return a file by its hash."""
    row: tuple[bytes] = world.database.execute("SELECT content FROM asset_files WHERE hash = ?", (digest,)).fetchone()
    return row[0]


def add_asset(world: World, kind: str, creator: str, privacy: str, fields: Mapping[str, Any]) -> int:
    """Make an asset that has no version yet; return its id."""
    (number,) = world.database.execute(
        "INSERT INTO assets VALUES ((SELECT coalesce(max(id) + 1, ?) FROM assets), ?, ?, ?, 'Active', ?) RETURNING id",
        (_FIRST_ID, kind, creator, privacy, json.dumps(fields)),
    ).fetchone()
    return int(number)


def save_asset(
    world: World, asset: Asset, *, state: str | None = None, fields: Mapping[str, Any] | None = None
) -> Asset:
    """Change an asset; return it as it is now."""
    asset = replace(asset, state=state or asset.state, fields=asset.fields if fields is None else fields)
    world.database.execute(
        "UPDATE assets SET state = ?, fields = ? WHERE id = ?", (asset.state, json.dumps(asset.fields), asset.id)
    )
    return asset


def add_version(
    world: World, asset: int, *, create_time: float, moderation: str, content_type: str, file: str
) -> Version:
    """Make the next version of an asset."""
    (number,) = world.database.execute(
        "INSERT INTO asset_versions VALUES"
        " (?, (SELECT coalesce(max(number), 0) + 1 FROM asset_versions WHERE asset = ?), ?, ?, ?, ?) RETURNING number",
        (asset, asset, create_time, moderation, content_type, file),
    ).fetchone()
    return Version(asset, number, create_time, moderation, content_type, file)


def find_asset(world: World, number: int) -> Asset | None:
    """Return an asset by its id."""
    row = world.database.execute(f"SELECT {_COLUMNS} FROM assets WHERE id = ?", (number,)).fetchone()
    if row is None:
        return None
    number, kind, creator, privacy, state, fields = row
    return Asset(number, kind, creator, privacy, state, json.loads(fields))


def find_version(world: World, asset: int, number: int | None = None) -> Version | None:
    """Return a version of an asset.

    Args:
        world: The emulator's state.
        asset: Id of the asset.
        number: Which version; None for the newest.
    """
    row = world.database.execute(
        "SELECT * FROM asset_versions WHERE asset = ? AND (? IS NULL OR number = ?) ORDER BY number DESC LIMIT 1",
        (asset, number, number),
    ).fetchone()
    return None if row is None else Version(*row)


def newest_versions(world: World, asset: int, before: int | None) -> Iterator[Version]:
    """Yield the versions of an asset, the newest first.

    Args:
        world: The emulator's state.
        asset: Id of the asset.
        before: Only those with a smaller number.
    """
    rows = world.database.execute(
        "SELECT * FROM asset_versions WHERE asset = ? AND (? IS NULL OR number < ?) ORDER BY number DESC",
        (asset, before, before),
    )
    return (Version(*row) for row in rows)


def replace_file(world: World, version: Version, digest: str) -> Version:
    """Give a version another file; return it as it is now."""
    world.database.execute(
        "UPDATE asset_versions SET file = ? WHERE asset = ? AND number = ?", (digest, version.asset, version.number)
    )
    return replace(version, file=digest)


def set_moderation(world: World, version: Version, moderation: str) -> None:
    """Say what moderation made of a version."""
    world.database.execute(
        "UPDATE asset_versions SET moderation = ? WHERE asset = ? AND number = ?",
        (moderation, version.asset, version.number),
    )


def asset_json(world: World, asset: Asset, shown: Iterable[str] = ALWAYS) -> dict[str, Any]:
    """Return an asset as the service shows it, in the short spellings.

    Args:
        world: The emulator's state.
        asset: What to show.
        shown: Which of the optional metadata.
    """
    version = find_version(world, asset.id)
    assert version is not None
    optional: dict[str, Any] = {"previews": [], **asset.fields}
    return {
        "path": f"assets/{asset.id}",
        "revisionId": str(version.number),
        "revisionCreateTime": v2_time(ticks_at(version.create_time)),
        "assetId": str(asset.id),
        "assetType": asset.kind,
        "creationContext": creation_context(asset),
        "moderationResult": {"moderationState": version.moderation},
        "state": asset.state,
        **{name: optional[name] for name in shown if name in optional},
    }


def version_json(asset: Asset, version: Version) -> dict[str, Any]:
    """Return a version as the service shows it; only places are published."""
    return {
        **({"published": True} if asset.kind == "Place" else {}),
        "path": f"assets/{asset.id}/versions/{version.number}",
        "creationContext": creation_context(asset),
        "moderationResult": {"moderationState": version.moderation},
    }


def creation_context(asset: Asset) -> dict[str, Any]:
    """Return who made an asset, as the service shows it: ids are texts."""
    kind, _, number = asset.creator.partition("/")
    return {"creator": {"userId" if kind == "users" else "groupId": number}}
