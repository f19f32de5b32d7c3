"""Uploads: from what a user hands in to the form that Roblox takes."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Literal

from rblxcloud.errors import BadRequestError, ModerationError
from rblxcloud.http.binding import Binding
from rblxcloud.http.request import Call, check_unicode, encode_json
from rblxcloud.http.upload import Progress, Upload, open_source, upload_form
from rblxcloud.operation import Operation, ResultT, is_moderation, start
from rblxcloud.resources.arguments import check_function, check_whole
from rblxcloud.resources.asset_type import RULES, AssetType, check_size, kind_of_file
from rblxcloud.resources.base import check_text
from rblxcloud.runtime.base import Runtime

AssetPrivacy = Literal["default", "restricted", "openUse"]
"""Who may use a new asset."""

LONGEST_DESCRIPTION = 1000


def check_name(name: object) -> str:
    """Return the name of an asset; Roblox does not say how long it may be.

    Raises:
        InvalidRequestError: It is not text, or empty.
    """
    return check_unicode("name", check_text("name", name))


def check_description(description: object) -> str:
    """Return the description of an asset.

    Raises:
        InvalidRequestError: It is not text, or too long.
    """
    if description == "":
        return ""
    return check_unicode("description", check_text("description", description, LONGEST_DESCRIPTION))


@asynccontextmanager
async def open_form(
    runtime: Runtime,
    request: Mapping[str, Any] | None,
    file: object,
    asset_type: AssetType,
    *,
    field: str = "fileContent",
    file_name: str | None,
    size: int | None,
    progress: Progress | None,
) -> AsyncGenerator[Upload, None]:
    """Check a file and open the form that carries it.

    Args:
        runtime: Reads the file.
        request: What is said of the asset; None where nothing is.
        file: What a user handed in.
        asset_type: What is to be made of it.
        field: Name of the file's field.
        file_name: Its name, instead of its own.
        size: Bytes of a stream.
        progress: Told of the bytes that are through.

    Yields:
        The form; the file is closed in the end, when it was opened here.

    Raises:
        InvalidRequestError: The file cannot be read, or no asset of the type can be made from it; or progress is no
            function.
    """
    if progress is not None:
        check_function("progress", progress)
    if size is not None:
        check_size(asset_type, check_whole("size", size, 2**63 - 1, smallest=0))
    async with open_source(runtime, file, size=size, limit=RULES[asset_type].max_bytes) as source:
        name = source.name if file_name is None else check_unicode("file_name", check_text("file_name", file_name))
        kind = kind_of_file(asset_type, name, source.size, await source.head(runtime))
        yield upload_form(
            {} if request is None else {"request": encode_json(request).decode()},
            field=field,
            filename=name or f"file{kind.extensions[0]}",
            content_type=kind.content_type,
            source=source,
            progress=progress,
        )


async def start_upload(binding: Binding, call: Call, result: type[ResultT]) -> Operation[ResultT]:
    """Send a form and return the operation that it starts.

    Raises:
        ModerationError: Roblox's moderation refused the name or the description.
        RblxCloudError: As for any other call.
    """
    try:
        return await start(binding, call, result)
    except BadRequestError as error:
        if is_moderation(error.message):
            raise ModerationError(error.message, code=error.code, details=error.details) from error
        raise
