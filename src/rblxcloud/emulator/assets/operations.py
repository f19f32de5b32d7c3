"""The long-running operations of the assets service: an upload that is under way, and what it comes to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from rblxcloud.emulator.assets import quotas
from rblxcloud.emulator.assets.store import add_asset, add_version, asset_json, find_asset
from rblxcloud.emulator.model import World
from rblxcloud.emulator.scripts import OperationScript

__all__ = ["SCHEMA", "Upload", "find", "operation_json", "settle", "start"]

SCHEMA = """
CREATE TABLE IF NOT EXISTS asset_operations (
    id TEXT PRIMARY KEY,
    creator TEXT NOT NULL,
    ready_time REAL NOT NULL,
    settled INTEGER NOT NULL DEFAULT 0,
    asset INTEGER,
    upload TEXT NOT NULL,
    script TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS asset_operations_due ON asset_operations (settled, ready_time);
"""

_SPEECH = "type.googleapis.com/roblox.open_cloud.cloud.v2.GenerateSpeechAssetResponse"
_COLUMNS = "id, creator, ready_time, settled, asset, upload, script"


@dataclass(frozen=True, slots=True)
class Upload:
    """What an operation is to make: a new asset, or with `asset` the next version of one."""

    kind: str
    creator: str
    privacy: str
    fields: Mapping[str, Any]
    content_type: str
    file: str
    """Hash of the content."""
    speaks_for: int | None = None
    """Of speech, the user whose quota it counts against; None for any other asset."""


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation as it is kept."""

    id: str
    creator: str
    ready_time: float
    settled: bool
    asset: int | None
    """The asset that it makes a version of; of a new asset not before it was settled."""
    upload: Upload
    script: OperationScript


def start(world: World, upload: Upload, script: OperationScript, asset: int | None = None) -> Operation:
    """Start an operation.

    Args:
        world: The emulator's state.
        upload: What it is to make.
        script: How it goes.
        asset: Id of the asset that gets a new version; None for a new asset.
    """
    number = str(uuid4())
    ready = world.now() + (0 if script.answer == "done" else script.processing)
    fields = {name: getattr(upload, name) for name in Upload.__slots__}
    world.database.execute(
        f"INSERT INTO asset_operations ({_COLUMNS}) VALUES (?, ?, ?, 0, ?, ?, ?)",
        (number, upload.creator, ready, asset, json.dumps(fields), script.model_dump_json()),
    )
    if script.answer == "done":
        settle(world)
    started = find(world, number)
    assert started is not None
    return started


def settle(world: World) -> None:
    """Let every operation that is over have its effect, in the order in which they ended."""
    rows = world.database.execute(
        f"SELECT {_COLUMNS} FROM asset_operations WHERE settled = 0 AND ready_time <= ? ORDER BY ready_time, rowid",
        (world.now(),),
    ).fetchall()
    for operation in map(_operation, rows):
        asset = operation.asset if operation.script.code is not None else _carry_out(world, operation)
        world.database.execute("UPDATE asset_operations SET settled = 1, asset = ? WHERE id = ?", (asset, operation.id))


def find(world: World, number: str) -> Operation | None:
    """Return an operation by its id."""
    row = world.database.execute(f"SELECT {_COLUMNS} FROM asset_operations WHERE id = ?", (number,)).fetchone()
    return None if row is None else _operation(row)


def operation_json(world: World, operation: Operation, *, answer: str = "pending") -> dict[str, Any]:
    """Return an operation as the service shows it.

    Args:
        world: The emulator's state.
        operation: What to show.
        answer: The `answer` of a script: `path` for the path alone.
    """
    path = {"path": f"operations/{operation.id}"}
    if answer == "path":
        return path
    shown: dict[str, Any] = {**path, "operationId": operation.id, "done": operation.settled}
    if not operation.settled:
        return shown
    script = operation.script
    if script.code is not None:
        return {**shown, script.error_field: {"code": script.code, "message": script.message}}
    asset = None if operation.asset is None else find_asset(world, operation.asset)
    assert asset is not None
    if (user := operation.upload.speaks_for) is not None:
        left = quotas.remaining(world, user, "AUDIO")
        return {**shown, "response": {"@type": _SPEECH, "assetId": str(asset.id), "remainingQuota": left}}
    return {**shown, "response": asset_json(world, asset)}


def _carry_out(world: World, operation: Operation) -> int:
    upload = operation.upload
    asset = operation.asset
    if asset is None:
        asset = add_asset(world, upload.kind, upload.creator, upload.privacy, upload.fields)
    add_version(
        world,
        asset,
        create_time=operation.ready_time,
        moderation=operation.script.moderation,
        content_type=upload.content_type,
        file=upload.file,
    )
    return asset


def _operation(row: tuple[Any, ...]) -> Operation:
    number, creator, ready, settled, asset, upload, script = row
    return Operation(
        number,
        creator,
        ready,
        bool(settled),
        asset,
        Upload(**json.loads(upload)),
        OperationScript.model_validate_json(script),
    )
