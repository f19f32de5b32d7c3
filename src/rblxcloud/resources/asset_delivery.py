"""The file of an asset: where it is, and how it is written to a path."""

from __future__ import annotations

from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any, BinaryIO, cast

from pydantic import TypeAdapter

from rblxcloud.endpoints import assets as api
from rblxcloud.endpoints.model import Endpoint
from rblxcloud.http.download import DownloadProgress, FileDownload, handed_out, save
from rblxcloud.http.request import Call
from rblxcloud.http.response import decode, error_for, unusable
from rblxcloud.http.session import Session
from rblxcloud.types import Response

_FILE = handed_out("assets.file", "GET")
_ANSWER = TypeAdapter(dict[str, Any])
_NO_PERMISSION = 409
"""How the service says that the caller may not download the asset: within an answer with the status 200."""


async def download(
    session: Session,
    asset: int,
    version: int | None,
    path: str | PathLike[str],
    progress: DownloadProgress | None,
) -> Path:
    """Write the file of an asset to a path; see `Asset.download`."""
    endpoint, values = api.GET_ASSET_DELIVERY_API_V1_ASSET_ID_ASSET_ID, {"assetId": asset}
    if version is not None:
        endpoint = api.GET_ASSET_DELIVERY_API_V1_ASSET_ID_ASSET_ID_VERSION_VERSION_NUMBER
        values["versionNumber"] = version

    async def locate() -> str:
        return _location(await session.send(Call(endpoint, values)), session, endpoint)

    async def fill(file: BinaryIO) -> None:
        await session.send(Call(_FILE, download=FileDownload(session.runtime, locate, file, progress), anonymous=True))

    return await save(session.runtime, path, fill)


def _location(response: Response, session: Session, endpoint: Endpoint) -> str:
    fields = decode(_ANSWER, response, endpoint)
    errors = fields.get("errors")
    if isinstance(errors, list) and errors:
        code = cast("dict[str, Any]", errors[0]).get("code") if isinstance(errors[0], dict) else None
        status = 403 if code == _NO_PERMISSION else code if isinstance(code, int) and 400 <= code < 600 else 400
        raise error_for(replace(response, status=status), endpoint, wall_time=session.runtime.wall_time())
    location = fields.get("location")
    if not isinstance(location, str):
        raise unusable(response, endpoint, "it has no location")
    return location
