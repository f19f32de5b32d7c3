"""Creating, updating and reading assets, and polling what is under way."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast

from rblxcloud.emulator.assets import operations, quotas
from rblxcloud.emulator.assets.images import IMAGE_FORMATS, dimensions
from rblxcloud.emulator.assets.kinds import KINDS, Kind, shows
from rblxcloud.emulator.assets.metadata import (
    OPTIONAL,
    changed_fields,
    creator_of,
    expected_price,
    new_fields,
    privacy_of,
)
from rblxcloud.emulator.assets.store import ALWAYS, Asset, asset_json, find_asset, keep_file, save_asset
from rblxcloud.emulator.creators import groups
from rblxcloud.emulator.creators.authority import check_creator
from rblxcloud.emulator.errors import json_reply
from rblxcloud.emulator.model import Call, Handler, Refusal, Reply, World
from rblxcloud.emulator.multipart import Part, parse_form
from rblxcloud.emulator.protobuf import invalid
from rblxcloud.emulator.scripts import OperationScript
from rblxcloud.emulator.universes import is_id
from rblxcloud.endpoints import assets as api
from rblxcloud.endpoints.model import Endpoint

__all__ = ["HANDLERS", "addressed", "check_file", "settled", "uploader"]

_MAX_PIXELS = 8000


def settled(handler: Handler) -> Handler:
    """Return a handler that first lets operations that are over have their effect."""

    def handle(world: World, call: Call) -> Reply:
        operations.settle(world)
        return handler(world, call)

    return handle


def addressed(world: World, call: Call, name: str = "assetId") -> Asset:
    """Return the asset that a request addresses, and that the caller may do this to.

    Args:
        world: The emulator's state.
        call: The request.
        name: Name of the path parameter.

    Raises:
        Refusal: 400 for an id that is none, 404 for an unknown one, 403 for an asset of somebody else.
    """
    number = call.path[name]
    if not is_id(number):
        raise invalid("The asset id is not a positive number.")
    found = find_asset(world, int(number))
    if found is None:
        raise Refusal(404, "NOT_FOUND", "The asset does not exist.")
    check_creator(world, call, found.creator)
    return found


def _create(world: World, call: Call) -> Reply:
    request, file = _form(call)
    name = request.get("assetType")
    kind = KINDS.get(name) if isinstance(name, str) else None
    if kind is None or not isinstance(name, str):
        raise invalid("The assetType is none that can be created.")
    if file is None:
        raise invalid("The form lacks the file fileContent.")
    creator, privacy, price = creator_of(request), privacy_of(request), expected_price(request)
    fields = new_fields(world, request)
    check_file(kind, file)
    check_creator(world, call, creator)
    if kind.upload_quota is not None:
        quotas.count_upload(world, call, uploader(world, call, creator), kind.upload_quota)
    script = world.scripts.take("upload")
    _check_script(script, price)
    upload = operations.Upload(name, creator, privacy, fields, file.content_type, keep_file(world, file.content))
    return _started(world, operations.start(world, upload, script))


def uploader(world: World, call: Call, creator: str) -> int:
    """Return which user an upload counts for: of a group's asset the one who uploads it."""
    kind, _, number = creator.partition("/")
    group = groups.find(world, int(number)) if kind == "groups" else None
    user = int(number) if group is None else groups.user_of_caller(world, call, group)
    return 0 if user is None else user


def _update(world: World, call: Call) -> Reply:
    asset = addressed(world, call)
    request, file = _form(call)
    if str(request.get("assetId", asset.id)) != str(asset.id):
        raise invalid("The assetId of the request is another one than that of the address.")
    if request.get("assetType", asset.kind) != asset.kind:
        raise invalid("The type of an asset cannot be changed.")
    mask = _mask(call.query.get("updateMask", "")) or [name for name in OPTIONAL if request.get(name) is not None]
    asset = save_asset(world, asset, fields=changed_fields(world, asset.fields, request, mask))
    if file is None:
        return json_reply(asset_json(world, asset, OPTIONAL))
    kind = KINDS.get(asset.kind)
    if kind is None or not kind.updatable:
        raise invalid(f"The content of assets of type {asset.kind} cannot be updated.")
    check_file(kind, file)
    script = world.scripts.take("upload")
    _check_script(script, None)
    digest = keep_file(world, file.content)
    upload = operations.Upload(asset.kind, asset.creator, asset.privacy, asset.fields, file.content_type, digest)
    return _started(world, operations.start(world, upload, script, asset.id))


def _get(world: World, call: Call) -> Reply:
    asset = addressed(world, call)
    mask = _mask(call.query.get("readMask", ""))
    if unknown := [name for name in mask if name not in OPTIONAL]:
        raise invalid(f"The mask names {unknown[0]!r}, which is no part of an asset's metadata.")
    return json_reply(asset_json(world, asset, mask or ALWAYS))


def _get_operation(world: World, call: Call) -> Reply:
    found = operations.find(world, call.path["operationId"])
    if found is None:
        raise Refusal(404, "NOT_FOUND", "The operation does not exist.")
    check_creator(world, call, found.creator)
    return json_reply(operations.operation_json(world, found))


def _started(world: World, operation: operations.Operation) -> Reply:
    return json_reply(operations.operation_json(world, operation, answer=operation.script.answer))


def _form(call: Call) -> tuple[dict[str, Any], Part | None]:
    """Return the JSON and the file of a form."""
    form = parse_form(call)
    if (part := form.get("request")) is None:
        raise invalid("The form lacks the field request.")
    try:
        request = json.loads(part.content)
    except (ValueError, RecursionError) as error:
        raise invalid("The field request is not valid JSON.") from error
    if not isinstance(request, dict):
        raise invalid("The field request is not a JSON object.")
    return cast("dict[str, Any]", request), form.get("fileContent")


def check_file(kind: Kind, file: Part) -> None:
    """Refuse a file from which no asset of a kind can be made.

    Args:
        kind: The kind.
        file: The file, as it stands in a form.

    Raises:
        Refusal: 400 for a file without a name, of another kind, empty or too large.
    """
    if not file.filename:
        raise invalid("The file has no filename.")
    if file.content_type not in kind.content_types:
        raise invalid(f"The content type {file.content_type!r} is none of {', '.join(kind.content_types)}.")
    if not file.content:
        raise invalid("The file is empty.")
    if len(file.content) > kind.max_bytes:
        raise invalid(f"The file has {len(file.content)} bytes; {kind.max_bytes} are allowed.")
    if not shows(file.content_type, file.content):
        # The quotes are part of the text that the service sends for pictures.
        raise invalid(
            '"InvalidImage"' if file.content_type in IMAGE_FORMATS else "The file is not of its content type."
        )
    if file.content_type in IMAGE_FORMATS:
        size = dimensions(file.content_type, file.content)
        if size is None or max(size) >= _MAX_PIXELS:
            raise invalid(f"A picture has fewer than {_MAX_PIXELS} pixels in width and in height.")


def _check_script(script: OperationScript, expected: int | None) -> None:
    if script.refusal is not None:
        raise invalid(script.refusal)
    if expected is not None and script.price > expected:
        raise invalid(f"The upload costs {script.price} Robux, and {expected} were expected.")


def _mask(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


HANDLERS: Mapping[Endpoint, Handler] = {
    api.ASSETS_CREATE_ASSET: settled(_create),
    api.ASSETS_UPDATE_ASSET: settled(_update),
    api.ASSETS_GET_ASSET: settled(_get),
    api.ASSETS_GET_OPERATION: settled(_get_operation),
}
