"""The versions of an asset, and its state."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import cast

from rblxcloud.emulator.assets.store import (
    Asset,
    Version,
    add_version,
    asset_json,
    find_version,
    newest_versions,
    save_asset,
    version_json,
)
from rblxcloud.emulator.assets.uploads import addressed, settled
from rblxcloud.emulator.errors import json_reply
from rblxcloud.emulator.model import Call, Handler, Refusal, Reply, World
from rblxcloud.emulator.multipart import parse_form
from rblxcloud.emulator.paging import look_ahead, page_request
from rblxcloud.emulator.protobuf import invalid
from rblxcloud.emulator.universes import is_id
from rblxcloud.endpoints import assets as api
from rblxcloud.endpoints.model import Endpoint

__all__ = ["HANDLERS"]

_DEFAULT_PAGE = 8
_LARGEST_PAGE = 50
_VERSION_PATH = re.compile(r"assets/([0-9]+)/versions/([0-9]+)", re.ASCII)


def _list(world: World, call: Call) -> Reply:
    asset = addressed(world, call)
    page = page_request(call, default=_DEFAULT_PAGE, largest=_LARGEST_PAGE, kinds=(int,))
    before = cast("tuple[int] | None", page.position)
    shown, last = look_ahead(newest_versions(world, asset.id, before[0] if before else None), page.size)
    body: dict[str, object] = {"assetVersions": [version_json(asset, version) for version in shown]}
    if last is not None:
        body["nextPageToken"] = page.token(last.number)
    return json_reply(body)


def _get(world: World, call: Call) -> Reply:
    asset = addressed(world, call)
    return json_reply(version_json(asset, _version(world, asset, call.path["versionNumber"])))


def _roll_back(world: World, call: Call) -> Reply:
    asset = addressed(world, call)
    path = _wanted(call)
    match = _VERSION_PATH.fullmatch(path) if isinstance(path, str) else None
    if match is None or match[1] != str(asset.id):
        raise invalid(f"assetVersion has to be a version of the asset, such as assets/{asset.id}/versions/1.")
    version = _version(world, asset, match[2])
    made = add_version(
        world,
        asset.id,
        create_time=world.now(),
        moderation=version.moderation,
        content_type=version.content_type,
        file=version.file,
    )
    return json_reply(version_json(asset, made))


def _archive(world: World, call: Call) -> Reply:
    return json_reply(asset_json(world, save_asset(world, addressed(world, call), state="Archived")))


def _restore(world: World, call: Call) -> Reply:
    return json_reply(asset_json(world, save_asset(world, addressed(world, call), state="Active")))


def _wanted(call: Call) -> object:
    """Clients send JSON here, where the document tells of a form (assets.md section 1): both are taken."""
    if call.headers.get("content-type", "").startswith("multipart/"):
        part = parse_form(call).get("assetVersion")
        return None if part is None else part.content.decode("utf-8", "replace")
    return call.json_object().get("assetVersion")


def _version(world: World, asset: Asset, number: str) -> Version:
    found = find_version(world, asset.id, int(number)) if is_id(number) else None
    if found is None:
        raise Refusal(404, "NOT_FOUND", "The asset has no such version.")
    return found


HANDLERS: Mapping[Endpoint, Handler] = {
    api.LIST_ASSET_VERSIONS: settled(_list),
    api.ASSETS_GET_ASSET_VERSION: settled(_get),
    api.ASSETS_ROLLBACK_ASSET_VERSION: settled(_roll_back),
    api.ASSETS_ARCHIVE_ASSET: settled(_archive),
    api.ASSETS_RESTORE_ASSET: settled(_restore),
}
