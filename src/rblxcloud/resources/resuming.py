"""Long-running operations that are found again by their path."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rblxcloud.endpoints import assets, memory_stores, places, server_management, thumbnails, users
from rblxcloud.errors import InvalidRequestError
from rblxcloud.http.binding import Binding
from rblxcloud.operation import Operation, resume
from rblxcloud.operation_state import locate
from rblxcloud.resources.asset import Asset
from rblxcloud.resources.game_server import ServerRestart
from rblxcloud.resources.generative import SpeechAsset
from rblxcloud.resources.homepage_thumbnails import HomepageThumbnail
from rblxcloud.resources.instance import CHILDREN, Instance
from rblxcloud.resources.luau_task import is_task, resume_task
from rblxcloud.resources.memory_store import MemoryStoreFlush
from rblxcloud.resources.thumbnail import UserThumbnail

RESULTS: Mapping[str, type[Any]] = {
    assets.ASSETS_GET_OPERATION.name: Asset,
    assets.ASSETS_GET_ASSET.name: Asset,
    places.GET_UPDATE_INSTANCE_OPERATION.name: Instance,
    users.GET_USER_THUMBNAIL_GENERATION_OPERATION.name: UserThumbnail,
    thumbnails.GET_HOMEPAGE_THUMBNAIL_UPLOADS.name: HomepageThumbnail,
    server_management.LIST_RESTARTS.name: ServerRestart,
    memory_stores.GET_MEMORY_STORE_FLUSH_OPERATION.name: MemoryStoreFlush,
}
"""What the operations bring that are polled at an endpoint."""

OTHERS: Mapping[str, type[Any]] = {
    "GenerateSpeechAssetResponse": SpeechAsset,
    "ListInstanceChildrenResponse": CHILDREN,
}
"""What they bring instead where the result says so: speech is polled at the same endpoint as an upload, a page of
instances where an instance is."""


def resume_by_path(binding: Binding, path: object) -> Operation[Any]:
    """Return an operation that was started earlier.

    Args:
        binding: Where its session comes from.
        path: Its path; an upload's may also be as Roblox writes it, `operations/...`.

    Raises:
        InvalidRequestError: The path is not that of an operation whose result is known.
    """
    if not isinstance(path, str):
        raise InvalidRequestError("path", f"is of type {type(path).__name__}; it takes text")
    if is_task(path):
        return resume_task(binding, path)
    address = f"/assets/v1/{path}" if path.startswith("operations/") else path
    result = RESULTS.get(locate(address).endpoint.name)
    if result is None:
        raise InvalidRequestError("path", f"{path!r} is not the path of an operation; operation.path is one")
    return resume(binding, address, result, OTHERS)
