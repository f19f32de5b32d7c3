"""What users have: assets, badges, game passes and private servers."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, cast

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from rblxcloud.emulator.acting import acts_as_user
from rblxcloud.emulator.creators.users import User, addressed
from rblxcloud.emulator.errors import json_reply
from rblxcloud.emulator.model import Call, Handler, Refusal, Reply, World
from rblxcloud.emulator.paging import look_ahead, page_request
from rblxcloud.emulator.protobuf import invalid
from rblxcloud.emulator.storage_time import ticks_at, v2_time
from rblxcloud.emulator.universes import is_id
from rblxcloud.endpoints import users as api
from rblxcloud.endpoints.model import Endpoint

__all__ = ["ASSET_TYPES", "HANDLERS", "SCHEMA", "Collectible", "add"]

SCHEMA = """
CREATE TABLE IF NOT EXISTS inventory_items (
    row INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id INTEGER NOT NULL,
    kind TEXT NOT NULL,
    thing TEXT NOT NULL,
    asset_type TEXT,
    instance TEXT NOT NULL,
    collectible TEXT,
    add_time REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS inventory_items_by_user ON inventory_items (user_id, row);
"""

SCOPE = "user.inventory-item:read"
ASSET_TYPES = (
    "CLASSIC_TSHIRT", "AUDIO", "HAT", "MODEL", "CLASSIC_SHIRT", "CLASSIC_PANTS", "DECAL", "CLASSIC_HEAD", "FACE",
    "GEAR", "ANIMATION", "TORSO", "RIGHT_ARM", "LEFT_ARM", "LEFT_LEG", "RIGHT_LEG", "PACKAGE", "PLUGIN", "MESH_PART",
    "HAIR_ACCESSORY", "FACE_ACCESSORY", "NECK_ACCESSORY", "SHOULDER_ACCESSORY", "FRONT_ACCESSORY", "BACK_ACCESSORY",
    "WAIST_ACCESSORY", "CLIMB_ANIMATION", "DEATH_ANIMATION", "FALL_ANIMATION", "IDLE_ANIMATION", "JUMP_ANIMATION",
    "RUN_ANIMATION", "SWIM_ANIMATION", "WALK_ANIMATION", "POSE_ANIMATION", "EMOTE_ANIMATION", "VIDEO",
    "TSHIRT_ACCESSORY", "SHIRT_ACCESSORY", "PANTS_ACCESSORY", "JACKET_ACCESSORY", "SWEATER_ACCESSORY",
    "SHORTS_ACCESSORY", "LEFT_SHOE_ACCESSORY", "RIGHT_SHOE_ACCESSORY", "DRESS_SKIRT_ACCESSORY", "EYEBROW_ACCESSORY",
    "EYELASH_ACCESSORY", "MOOD_ANIMATION", "DYNAMIC_HEAD", "CREATED_PLACE", "PURCHASED_PLACE",
)  # fmt: skip
_PRIVATE_TYPE = "PURCHASED_PLACE"
_ANY = "*"
_DEFAULT_PAGE = 10
_LARGEST_PAGE = 100


@dataclass(frozen=True, slots=True)
class _Kind:
    """A kind of thing that can be had."""

    type_field: str
    """The field of a filter that asks for all of them."""
    id_field: str
    """The field of a filter that asks for single ones."""
    details: str
    id_name: str
    identifier: str
    """What the id of an item begins with, before it is encoded."""


_KINDS = {
    "asset": _Kind("inventoryItemAssetTypes", "assetIds", "assetDetails", "assetId", "USER_ASSET_ID"),
    "badge": _Kind("badges", "badgeIds", "badgeDetails", "badgeId", "BADGE_ID"),
    "game_pass": _Kind("gamePasses", "gamePassIds", "gamePassDetails", "gamePassId", "GAME_PASS_ID"),
    "private_server": _Kind(
        "privateServers", "privateServerIds", "privateServerDetails", "privateServerId", "PRIVATE_SERVER_ID"
    ),
}
_TYPE_FIELDS = (*(kind.type_field for kind in _KINDS.values()), "onlyCollectibles")
_ID_FIELDS = tuple(kind.id_field for kind in _KINDS.values())


class Collectible(BaseModel):
    """What makes an asset a limited one."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, frozen=True, extra="forbid"
    )

    item_id: str
    instance_id: str
    serial_number: int = 1
    instance_state: Literal["AVAILABLE", "HOLD"] = "AVAILABLE"


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What a filter asks for."""

    kinds: frozenset[str]
    """Kinds of which all are asked for; of assets those of `asset_types`."""
    asset_types: frozenset[str]
    collectibles: bool
    things: Mapping[str, frozenset[str]]
    """Single ones, by their kind."""


def add(
    world: World,
    user: int,
    kind: str,
    thing: int | str,
    *,
    asset_type: str | None = None,
    collectible: Collectible | None = None,
) -> str:
    """Give a user something; return the path of the item.

    Args:
        world: The emulator's state.
        user: Id of the user.
        kind: `asset`, `badge`, `game_pass` or `private_server`.
        thing: Its id.
        asset_type: What type of asset it is, such as `HAT`; for assets only.
        collectible: What makes it a limited one; for assets only.

    Raises:
        ValueError: For a kind or a type that does not exist.
    """
    if kind not in _KINDS:
        raise ValueError(f"kind is one of {', '.join(_KINDS)}")
    if (asset_type in ASSET_TYPES) != (kind == "asset") or (collectible is not None and kind != "asset"):
        raise ValueError(f"an asset, and nothing else, has one of the types {', '.join(ASSET_TYPES)}")
    if not is_id(str(thing)):
        raise ValueError("the id of a thing is a positive number")
    details = None if collectible is None else collectible.model_dump_json(by_alias=True)
    row = world.database.execute(
        "INSERT INTO inventory_items (user_id, kind, thing, asset_type, instance, collectible, add_time) VALUES"
        " (?, ?, ?, ?, (SELECT coalesce(max(row), 0) + 500001 FROM inventory_items), ?, ?) RETURNING *",
        (user, kind, str(thing), asset_type, details, world.now()),
    ).fetchone()
    return str(_item(row)["path"])


def _list(world: World, call: Call) -> Reply:
    user = addressed(world, call)
    private = _may_see_private(call, user)
    if not private and not user.fields["inventoryPublic"]:
        raise Refusal(403, "PERMISSION_DENIED", "The inventory is private.")
    wanted = _parse(call.query.get("filter", ""), private=private)
    page = page_request(call, default=_DEFAULT_PAGE, largest=_LARGEST_PAGE, kinds=(int,))
    after = cast("tuple[int] | None", page.position)
    rows: Iterator[tuple[Any, ...]] = world.database.execute(
        "SELECT * FROM inventory_items WHERE user_id = ? AND row > ? ORDER BY row", (user.id, after[0] if after else 0)
    )
    shown, last = look_ahead((row for row in rows if _is_wanted(row, wanted)), page.size)
    items = [_item(row) for row in shown]
    return json_reply({"inventoryItems": items, "nextPageToken": page.token(last[0]) if last else ""})


def _may_see_private(call: Call, user: User) -> bool:
    return call.has_scope(SCOPE) and acts_as_user(call, user.path)


def _parse(text: str, *, private: bool) -> _Wanted:
    fields = _fields(text)
    types = {name: value for name, value in fields.items() if name in _TYPE_FIELDS}
    ids = {name: value for name, value in fields.items() if name in _ID_FIELDS}
    if types and ids:
        raise invalid("Fields that name types and fields that name ids cannot be combined.")
    if ids:
        things = {kind: _ids(ids[known.id_field]) for kind, known in _KINDS.items() if known.id_field in ids}
        _check_private("private_server" in things, private=private)
        return _Wanted(frozenset(), frozenset(), False, things)
    if not types:
        kinds = frozenset(_KINDS) if private else frozenset(_KINDS) - {"private_server"}
        return _Wanted(kinds, _every_type(private=private), False, {})
    switches = {name: _switch(name, value) for name, value in types.items() if name != "inventoryItemAssetTypes"}
    _check_private(switches.get("privateServers", False), private=private)
    kinds = frozenset(kind for kind, known in _KINDS.items() if switches.get(known.type_field))
    asset_types = frozenset[str]()
    if "inventoryItemAssetTypes" in types:
        kinds |= {"asset"}
        asset_types = _asset_types(types["inventoryItemAssetTypes"], private=private)
    elif switches.get("onlyCollectibles"):
        raise invalid("onlyCollectibles needs inventoryItemAssetTypes.")
    return _Wanted(kinds, asset_types, switches.get("onlyCollectibles", False), {})


def _fields(text: str) -> dict[str, str]:
    fields: dict[str, str] = {}
    for part in text.split(";") if text else ():
        name, found, value = part.partition("=")
        if not found or name in fields or name not in (*_TYPE_FIELDS, *_ID_FIELDS):
            raise invalid(f"The filter is not understood at {part!r}.")
        fields[name] = value
    return fields


def _asset_types(text: str, *, private: bool) -> frozenset[str]:
    if text == _ANY:
        return _every_type(private=private)
    wanted = frozenset(text.split(","))
    if unknown := wanted - set(ASSET_TYPES):
        raise invalid(f"There is no type {', '.join(sorted(unknown))}.")
    _check_private(_PRIVATE_TYPE in wanted, private=private)
    return wanted


def _every_type(*, private: bool) -> frozenset[str]:
    return frozenset(ASSET_TYPES) if private else frozenset(ASSET_TYPES) - {_PRIVATE_TYPE}


def _ids(text: str) -> frozenset[str]:
    wanted = frozenset(text.split(","))
    if not all(map(is_id, wanted)):
        raise invalid("An id of the filter is not a positive number.")
    return wanted


def _switch(name: str, value: str) -> bool:
    if value not in ("true", "false"):
        raise invalid(f"{name} is true or false.")
    return value == "true"


def _check_private(wanted: bool, *, private: bool) -> None:
    if wanted and not private:
        raise Refusal(403, "PERMISSION_DENIED", f"Private items need the scope {SCOPE} of that user.")


def _is_wanted(row: tuple[Any, ...], wanted: _Wanted) -> bool:
    _, _, kind, thing, asset_type, _, collectible, _ = row
    if wanted.things:
        return thing in wanted.things.get(kind, ())
    if kind != "asset":
        return kind in wanted.kinds
    return (
        kind in wanted.kinds
        and asset_type in wanted.asset_types
        and (collectible is not None or not wanted.collectibles)
    )


def _item(row: tuple[Any, ...]) -> dict[str, Any]:
    _, user, name, thing, asset_type, instance, collectible, added = row
    kind = _KINDS[name]
    number = instance if name == "asset" else thing
    identifier = base64.urlsafe_b64encode(f"{kind.identifier}={number}".encode()).decode().rstrip("=")
    details: dict[str, Any] = {kind.id_name: thing}
    if name == "asset":
        details |= {"inventoryItemAssetType": asset_type, "instanceId": instance}
    if collectible is not None:
        details["collectibleDetails"] = json.loads(collectible)
    item: dict[str, Any] = {"path": f"users/{user}/inventory-items/{identifier}", kind.details: details}
    if name != "game_pass":  # users_groups.md section 1: not set for passes
        item["addTime"] = v2_time(ticks_at(added))
    return item


HANDLERS: Mapping[Endpoint, Handler] = {api.LIST_INVENTORY_ITEMS: _list}
