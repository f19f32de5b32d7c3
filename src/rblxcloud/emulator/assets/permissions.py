"""Who else may use an asset."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from rblxcloud.emulator.assets.store import find_asset
from rblxcloud.emulator.assets.uploads import settled
from rblxcloud.emulator.creators.authority import may_act_for
from rblxcloud.emulator.errors import json_reply
from rblxcloud.emulator.model import Call, Handler, Reply, World
from rblxcloud.emulator.protobuf import invalid
from rblxcloud.emulator.universes import is_id
from rblxcloud.endpoints import assets as api
from rblxcloud.endpoints.model import Endpoint

__all__ = ["HANDLERS", "SCHEMA", "granted", "may_use"]

SCHEMA = """
CREATE TABLE IF NOT EXISTS asset_permissions (
    asset INTEGER NOT NULL,
    subject_type TEXT NOT NULL,
    subject TEXT NOT NULL,
    action TEXT NOT NULL,
    PRIMARY KEY (asset, subject_type, subject, action)
) WITHOUT ROWID;
"""

_SUBJECTS = ("User", "Group", "GroupRoleset", "All", "Universe")
_ACTIONS = ("Edit", "Use", "Download", "CopyFromRcc", "UpdateFromRcc")

_USED = {("Group", "Use"), ("User", "Use"), ("Universe", "Use")}
_PICTURES = _USED | {("All", "Use")}
_GRANTABLE: Mapping[str, set[tuple[str, str]]] = {
    **dict.fromkeys(("Animation", "Audio", "MeshPart", "Video"), _USED),
    **dict.fromkeys(("Decal", "Image", "Mesh"), _PICTURES),
    "Model": _USED | {("User", "Edit")},
    "Place": {("All", "Download"), ("Universe", "CopyFromRcc"), ("Universe", "UpdateFromRcc")},
}
"""Which subjects can be given which permission on assets of a type."""


def granted(world: World, asset: int) -> list[tuple[str, str, str]]:
    """Return what was granted on an asset, as subject type, subject and action."""
    rows = world.database.execute(
        "SELECT subject_type, subject, action FROM asset_permissions WHERE asset = ? ORDER BY 1, 2, 3", (asset,)
    )
    return list(rows)


def may_use(world: World, owner: str, asset: int) -> bool:
    """Return whether the owner of a credential, such as `users/1`, was given a permission that includes reading."""
    kind, _, number = owner.partition("/")
    subjects = {("All", ""), ("User" if kind == "users" else "Group", number)}
    return any(
        (subject_type, subject) in subjects and action in ("Use", "Edit", "Download")
        for subject_type, subject, action in granted(world, asset)
    )


def _grant(world: World, call: Call) -> Reply:
    body = call.json_object()
    subject_type = _one_of(body, "subjectType", _SUBJECTS)
    action = _one_of(body, "action", _ACTIONS)
    subject = body.get("subjectId")
    if subject_type == "All":
        if subject:
            raise invalid("subjectId has to be empty for All.")
        subject = ""
    elif not isinstance(subject, str) or not is_id(subject):
        raise invalid("subjectId has to be the text of an id.")
    done: list[int] = []
    failed: list[dict[str, Any]] = []
    for number in _wanted(body):
        if (code := _problem(world, call, number, subject_type, action)) is not None:
            failed.append({"assetId": number, "code": code})
            continue
        world.database.execute(
            "INSERT OR IGNORE INTO asset_permissions VALUES (?, ?, ?, ?)", (number, subject_type, subject, action)
        )
        done.append(number)
    return json_reply({"successAssetIds": done, "errors": failed})


def _problem(world: World, call: Call, number: int, subject_type: str, action: str) -> str | None:
    asset = find_asset(world, number)
    if asset is None:
        return "AssetNotFound"
    if not may_act_for(world, call, asset.creator):
        return "CannotManageAsset"
    return None if (subject_type, action) in _GRANTABLE.get(asset.kind, ()) else "AssetTypeNotEnabled"


def _wanted(body: Mapping[str, Any]) -> list[int]:
    """Return the ids of the assets; `requests` wins over the deprecated `assetIds`."""
    requests = body.get("requests")
    if requests is None:
        numbers = body.get("assetIds")
    elif isinstance(requests, list):
        items = cast("list[object]", requests)
        numbers = [cast("dict[str, object]", item).get("assetId") if isinstance(item, dict) else None for item in items]
    else:
        numbers = None
    if not isinstance(numbers, list) or not numbers:
        raise invalid("requests has to be a list of objects with an assetId.")
    return [_number(value) for value in cast("list[object]", numbers)]


def _number(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not is_id(str(value)):
        raise invalid("An assetId has to be a positive number.")
    return value


def _one_of(body: Mapping[str, Any], name: str, values: tuple[str, ...]) -> str:
    value = body.get(name)
    if value not in values:
        raise invalid(f"{name} is one of {', '.join(values)}.")
    return str(value)


HANDLERS: Mapping[Endpoint, Handler] = {
    api.PATCH_ASSET_PERMISSIONS_API_V1_ASSETS_PERMISSIONS: settled(_grant),
}
