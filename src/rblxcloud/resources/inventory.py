"""What users hold: the items of inventories, and the filters that pick among them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import StrEnum

from pydantic import AliasPath, Field, TypeAdapter

from rblxcloud.errors import InvalidRequestError
from rblxcloud.resources.arguments import check_switch
from rblxcloud.resources.base import Model, PathName, Timestamp, check_id, check_several
from rblxcloud.resources.listing import PageModel, WirePage

_ENUM_NAME = re.compile(r"[A-Z][A-Z0-9_]*", re.ASCII)


class InventoryAssetType(StrEnum):
    """Kinds of assets in inventories; one that is not here can be written as text."""

    CLASSIC_TSHIRT = "CLASSIC_TSHIRT"
    AUDIO = "AUDIO"
    HAT = "HAT"
    MODEL = "MODEL"
    CLASSIC_SHIRT = "CLASSIC_SHIRT"
    CLASSIC_PANTS = "CLASSIC_PANTS"
    DECAL = "DECAL"
    CLASSIC_HEAD = "CLASSIC_HEAD"
    FACE = "FACE"
    GEAR = "GEAR"
    ANIMATION = "ANIMATION"
    TORSO = "TORSO"
    RIGHT_ARM = "RIGHT_ARM"
    LEFT_ARM = "LEFT_ARM"
    LEFT_LEG = "LEFT_LEG"
    RIGHT_LEG = "RIGHT_LEG"
    PACKAGE = "PACKAGE"
    PLUGIN = "PLUGIN"
    MESH_PART = "MESH_PART"
    HAIR_ACCESSORY = "HAIR_ACCESSORY"
    FACE_ACCESSORY = "FACE_ACCESSORY"
    NECK_ACCESSORY = "NECK_ACCESSORY"
    SHOULDER_ACCESSORY = "SHOULDER_ACCESSORY"
    FRONT_ACCESSORY = "FRONT_ACCESSORY"
    BACK_ACCESSORY = "BACK_ACCESSORY"
    WAIST_ACCESSORY = "WAIST_ACCESSORY"
    CLIMB_ANIMATION = "CLIMB_ANIMATION"
    DEATH_ANIMATION = "DEATH_ANIMATION"
    FALL_ANIMATION = "FALL_ANIMATION"
    IDLE_ANIMATION = "IDLE_ANIMATION"
    JUMP_ANIMATION = "JUMP_ANIMATION"
    RUN_ANIMATION = "RUN_ANIMATION"
    SWIM_ANIMATION = "SWIM_ANIMATION"
    WALK_ANIMATION = "WALK_ANIMATION"
    POSE_ANIMATION = "POSE_ANIMATION"
    EMOTE_ANIMATION = "EMOTE_ANIMATION"
    VIDEO = "VIDEO"
    TSHIRT_ACCESSORY = "TSHIRT_ACCESSORY"
    SHIRT_ACCESSORY = "SHIRT_ACCESSORY"
    PANTS_ACCESSORY = "PANTS_ACCESSORY"
    JACKET_ACCESSORY = "JACKET_ACCESSORY"
    SWEATER_ACCESSORY = "SWEATER_ACCESSORY"
    SHORTS_ACCESSORY = "SHORTS_ACCESSORY"
    LEFT_SHOE_ACCESSORY = "LEFT_SHOE_ACCESSORY"
    RIGHT_SHOE_ACCESSORY = "RIGHT_SHOE_ACCESSORY"
    DRESS_SKIRT_ACCESSORY = "DRESS_SKIRT_ACCESSORY"
    EYEBROW_ACCESSORY = "EYEBROW_ACCESSORY"
    EYELASH_ACCESSORY = "EYELASH_ACCESSORY"
    MOOD_ANIMATION = "MOOD_ANIMATION"
    DYNAMIC_HEAD = "DYNAMIC_HEAD"
    CREATED_PLACE = "CREATED_PLACE"
    PURCHASED_PLACE = "PURCHASED_PLACE"
    """Places that the user has paid for; seen only with the scope `user.inventory-item:read`."""


class CollectibleDetails(Model):
    """Which one of a limited series an item is."""

    item_id: str
    """Id of the series."""
    instance_id: str
    """Id of this one."""
    instance_state: str | None = None
    """`AVAILABLE`, or `HOLD` while it cannot be traded yet."""
    serial_number: int | None = None
    """Its number in the series; None where it has none."""


class InventoryAsset(Model):
    """An asset in an inventory."""

    asset_id: int
    """Id of the asset."""
    type: str = Field(alias="inventoryItemAssetType")
    """What it is: one of `InventoryAssetType`, or a newer kind."""
    instance_id: str | None = None
    """Which copy of the asset this is."""
    collectible: CollectibleDetails | None = Field(default=None, alias="collectibleDetails")
    """Which one of a series it is; None when it is no collectible."""


class InventoryItem(Model):
    """One thing in an inventory: of `asset`, `badge_id`, `game_pass_id` and `private_server_id`, one is not None."""

    id: PathName = Field(alias="path")
    """Id of the item in the inventory."""
    added: Timestamp | None = Field(default=None, alias="addTime")
    """When the user got it; Roblox does not say so of all items."""
    asset: InventoryAsset | None = Field(default=None, alias="assetDetails")
    """The asset."""
    badge_id: int | None = Field(default=None, validation_alias=AliasPath("badgeDetails", "badgeId"))
    """The badge."""
    game_pass_id: int | None = Field(default=None, validation_alias=AliasPath("gamePassDetails", "gamePassId"))
    """The pass."""
    private_server_id: int | None = Field(
        default=None, validation_alias=AliasPath("privateServerDetails", "privateServerId")
    )
    """The private server."""


class _Page(PageModel):
    items: tuple[InventoryItem, ...] = Field(default=(), alias="inventoryItems")


INVENTORY_PAGE: TypeAdapter[WirePage[InventoryItem]] = TypeAdapter(_Page)


def inventory_filter(
    *,
    badges: bool,
    game_passes: bool,
    private_servers: bool,
    asset_types: str | Iterable[str] | None,
    only_collectibles: bool,
    asset_ids: Iterable[int] | None,
    badge_ids: Iterable[int] | None,
    game_pass_ids: Iterable[int] | None,
    private_server_ids: Iterable[int] | None,
) -> str | None:
    """Return the filter text for `User.inventory`, whose arguments these are; None when everything is wanted.

    Raises:
        InvalidRequestError: A value is not what it should be, or kinds are combined with ids.
    """
    kinds = {
        "badges": _flag("badges", badges),
        "gamePasses": _flag("game_passes", game_passes),
        "privateServers": _flag("private_servers", private_servers),
        "inventoryItemAssetTypes": _types(asset_types),
        "onlyCollectibles": _flag("only_collectibles", only_collectibles),
    }
    ids = {
        "assetIds": _ids("asset_ids", asset_ids),
        "badgeIds": _ids("badge_ids", badge_ids),
        "gamePassIds": _ids("game_pass_ids", game_pass_ids),
        "privateServerIds": _ids("private_server_ids", private_server_ids),
    }
    if any(kinds.values()) and any(ids.values()):
        raise InvalidRequestError("inventory", "takes kinds of items or ids of items, not both")
    if kinds["onlyCollectibles"] and not kinds["inventoryItemAssetTypes"]:
        raise InvalidRequestError("only_collectibles", "takes asset_types beside it")
    return ";".join(f"{field}={value}" for field, value in {**kinds, **ids}.items() if value) or None


def _flag(argument: str, value: object) -> str | None:
    return "true" if check_switch(argument, value) else None


def _types(types: str | Iterable[str] | None) -> str | None:
    if types is None:
        return None
    names = [types] if isinstance(types, str) else check_several("asset_types", types)
    if names == ["*"]:
        return "*"
    return ",".join(_type(name) for name in names)


def _type(name: object) -> str:
    if not isinstance(name, str) or not _ENUM_NAME.fullmatch(name):
        raise InvalidRequestError("asset_types", f"{name!r} is not a kind such as HAT, or * alone for all of them")
    return name


def _ids(argument: str, ids: Iterable[int] | None) -> str | None:
    # No ids would be no filter, and so everything: check_several refuses an empty list.
    return None if ids is None else ",".join(str(check_id(argument, id)) for id in check_several(argument, ids))
