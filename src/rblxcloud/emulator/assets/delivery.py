"""Asset delivery: where the file of an asset can be fetched, and the file."""

from __future__ import annotations

from collections.abc import Mapping

from rblxcloud.emulator.assets import permissions
from rblxcloud.emulator.assets.store import Asset, Version, find_asset, find_version, read_file, replace_file
from rblxcloud.emulator.assets.uploads import settled
from rblxcloud.emulator.creators.authority import may_act_for
from rblxcloud.emulator.errors import json_reply
from rblxcloud.emulator.files import check_location, file_endpoint, file_reply, location
from rblxcloud.emulator.model import Call, Handler, Refusal, Reply, World
from rblxcloud.emulator.universes import is_id
from rblxcloud.endpoints import assets as api
from rblxcloud.endpoints.model import Endpoint

__all__ = ["HANDLERS", "SCHEMA", "change_file"]

SCHEMA = """
CREATE TABLE IF NOT EXISTS asset_file_changes (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    asset INTEGER NOT NULL,
    number INTEGER NOT NULL,
    downloads INTEGER NOT NULL,
    file TEXT NOT NULL
);
"""

_FILE = file_endpoint("assets.file", "/_cdn/assets/{assetId}/{versionNumber}", "assetId", "versionNumber")
_SIZE = 1
"""The `metadataType` that stands for a size in bytes."""


def change_file(world: World, version: Version, digest: str, *, after: int) -> None:
    """Let the file of a version become another one behind its addresses.

    Args:
        world: The emulator's state.
        version: Whose file it is.
        digest: Hash of the new file.
        after: How many downloads, or pieces of one, still get the old one.
    """
    world.database.execute(
        "INSERT INTO asset_file_changes (asset, number, downloads, file) VALUES (?, ?, ?, ?)",
        (version.asset, version.number, after, digest),
    )


def _get(world: World, call: Call) -> Reply:
    return _deliver(world, call, None)


def _get_version(world: World, call: Call) -> Reply:
    number = call.path["versionNumber"]
    if not is_id(number):
        raise Refusal(400, "INVALID_ARGUMENT", "The version number is not a positive number.")
    return _deliver(world, call, int(number))


def _deliver(world: World, call: Call, number: int | None) -> Reply:
    if not is_id(call.path["assetId"]):
        raise Refusal(400, "INVALID_ARGUMENT", "The asset id is not a positive number.")
    asset = find_asset(world, int(call.path["assetId"]))
    version = None if asset is None else find_version(world, asset.id, number)
    if asset is None or version is None:
        return _failure(404, "The asset does not exist.")
    if not _may_download(world, call, asset):
        return _failure(409, "The caller may not download the asset.")
    file = read_file(world, version.file)
    return json_reply(
        {
            "location": location(call, world.now(), f"/_cdn/assets/{asset.id}/{version.number}"),
            "isRecordable": True,
            "isArchived": asset.state == "Archived",
            "assetMetadatas": [{"metadataType": _SIZE, "value": str(len(file))}],
        }
    )


def _may_download(world: World, call: Call, asset: Asset) -> bool:
    return (
        may_act_for(world, call, asset.creator)
        or asset.privacy == "openUse"
        or permissions.may_use(world, call.principal.owner, asset.id)
    )


def _failure(code: int, message: str) -> Reply:
    """Failures of this service come with the status 200 (assets.md section 2)."""
    return json_reply({"errors": [{"code": code, "message": message}]})


def _download(world: World, call: Call) -> Reply:
    asset, number = call.path["assetId"], call.path["versionNumber"]
    check_location(call, world.now(), f"/_cdn/assets/{asset}/{number}")
    version = find_version(world, int(asset), int(number))
    if version is None:  # the emulator was reset since the address was told
        raise Refusal(404, "NOT_FOUND", "There is no such file.")
    version = _changed(world, version)
    return file_reply(read_file(world, version.file), version.content_type, call.headers)


def _changed(world: World, version: Version) -> Version:
    """Return the version with the change that is due, and count this download for the one that is not."""
    row = world.database.execute(
        "SELECT id, downloads, file FROM asset_file_changes WHERE asset = ? AND number = ? ORDER BY id LIMIT 1",
        (version.asset, version.number),
    ).fetchone()
    if row is None:
        return version
    number, downloads, digest = row
    if downloads > 0:
        world.database.execute("UPDATE asset_file_changes SET downloads = downloads - 1 WHERE id = ?", (number,))
        return version
    world.database.execute("DELETE FROM asset_file_changes WHERE id = ?", (number,))
    return replace_file(world, version, digest)


HANDLERS: Mapping[Endpoint, Handler] = {
    api.GET_ASSET_DELIVERY_API_V1_ASSET_ID_ASSET_ID: settled(_get),
    api.GET_ASSET_DELIVERY_API_V1_ASSET_ID_ASSET_ID_VERSION_VERSION_NUMBER: settled(_get_version),
    _FILE: _download,
}
