"""Who else may use an asset."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Literal, get_args

from pydantic import Field, TypeAdapter

from rblxcloud.endpoints import assets as api
from rblxcloud.errors import InvalidRequestError
from rblxcloud.http.binding import Binding
from rblxcloud.http.request import json_call
from rblxcloud.http.response import decode, error_for
from rblxcloud.resources.arguments import check_choice, check_switch
from rblxcloud.resources.base import Model, check_id, check_several
from rblxcloud.types import Response

AssetAction = Literal["Edit", "Use", "Download", "CopyFromRcc", "UpdateFromRcc"]
"""What somebody may do with an asset; which of them there are depends on its type."""

_ENDPOINT = api.PATCH_ASSET_PERMISSIONS_API_V1_ASSETS_PERMISSIONS
_STATUS: Mapping[str, int] = {
    "AssetNotFound": 404,
    "SubjectNotFound": 404,
    "CannotManageAsset": 403,
    "CannotManageSubject": 403,
    "CallerNotOwner": 403,
}
"""What refusals are by the measure of HTTP; the service tells of them in a success."""


class RefusedGrant(Model):
    """An asset that a permission was not granted on."""

    asset_id: int
    """Id of the asset."""
    code: str
    """Why: `CannotManageAsset`, `AssetNotFound`, `AssetTypeNotEnabled` ..."""


class PermissionGrants(Model):
    """On which assets a permission was granted."""

    granted: tuple[int, ...] = Field(default=(), alias="successAssetIds")
    """Ids of the assets on which it was."""
    refused: tuple[RefusedGrant, ...] = Field(default=(), alias="errors")
    """Those on which it was not, and why."""


_GRANTS = TypeAdapter(PermissionGrants)


def check_subject(
    *, user: object = None, group: object = None, role: object = None, experience: object = None, everyone: object
) -> dict[str, str]:
    """Return whom a permission is for, as the service takes it.

    Raises:
        InvalidRequestError: It is not exactly one, or an id is none.
    """
    ids = {"user": user, "group": group, "role": role, "experience": experience}
    given = [name for name, value in ids.items() if value is not None]
    if len(given) + check_switch("everyone", everyone) != 1:
        raise InvalidRequestError("user", "exactly one of user, group, role, experience and everyone has to be passed")
    if everyone:
        return {"subjectType": "All", "subjectId": ""}
    kinds = {"user": "User", "group": "Group", "role": "GroupRoleset", "experience": "Universe"}
    return {"subjectType": kinds[given[0]], "subjectId": str(check_id(given[0], ids[given[0]]))}


async def grant(
    binding: Binding, assets: Iterable[int], action: object, subject: Mapping[str, str], *, dependencies: bool
) -> PermissionGrants:
    """Grant a permission on assets, on all that can be.

    Args:
        binding: The session's source.
        assets: Ids of the assets.
        action: What is allowed.
        subject: Whom, from `check_subject`.
        dependencies: Whether it is granted on what the assets are made of too.

    Raises:
        InvalidRequestError: An argument is refused; nothing was sent.
    """
    ids = [check_id("asset_ids", asset) for asset in check_several("asset_ids", assets)]
    grants, _ = await _send(binding, ids, action, subject, dependencies)
    return grants


async def grant_one(
    binding: Binding, asset: int, action: object, subject: Mapping[str, str], *, dependencies: bool
) -> None:
    """Grant a permission on one asset.

    Raises:
        InvalidRequestError: An argument is refused; nothing was sent.
        APIStatusError: The permission was refused.
    """
    grants, response = await _send(binding, [asset], action, subject, dependencies)
    if grants.refused:
        status = _STATUS.get(grants.refused[0].code, 400)
        wall_time = binding.get().runtime.wall_time()
        raise error_for(replace(response, status=status), _ENDPOINT, wall_time=wall_time)


async def _send(
    binding: Binding, ids: list[int], action: object, subject: Mapping[str, str], dependencies: bool
) -> tuple[PermissionGrants, Response]:
    chosen = check_choice("action", action, get_args(AssetAction))
    extra = {"grantToDependencies": True} if check_switch("dependencies", dependencies) else {}
    body = {**subject, "action": chosen, "requests": [{"assetId": number, **extra} for number in ids]}
    response = await binding.get().send(json_call(_ENDPOINT, {}, body))
    return decode(_GRANTS, response, _ENDPOINT), response
