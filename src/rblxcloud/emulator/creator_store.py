"""Products of the Creator Store: what price an asset has, and whether it is distributed."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Literal, cast

from rblxcloud.emulator.assets import operations
from rblxcloud.emulator.assets.store import Asset, find_asset
from rblxcloud.emulator.controls import Controls
from rblxcloud.emulator.creators.authority import check_creator
from rblxcloud.emulator.errors import json_reply
from rblxcloud.emulator.model import Call, Handler, Refusal, Reply, World
from rblxcloud.emulator.protobuf import camel_keys, integer, invalid, mask_paths, switch
from rblxcloud.emulator.universes import is_id
from rblxcloud.endpoints import creator_store as api
from rblxcloud.endpoints.model import Endpoint

__all__ = ["HANDLERS", "SCHEMA", "CreatorStoreControls"]

SCHEMA = """
CREATE TABLE IF NOT EXISTS creator_store_products (
    asset INTEGER PRIMARY KEY,
    significand INTEGER NOT NULL,
    exponent INTEGER NOT NULL,
    published INTEGER NOT NULL,
    restrictions TEXT NOT NULL
);
"""

Restriction = Literal[
    "SOLD_ITEM_RESTRICTED",
    "SELLER_TEMPORARILY_RESTRICTED",
    "SELLER_PERMANENTLY_RESTRICTED",
    "SELLER_NO_LONGER_ACTIVE",
]

_KINDS = {
    f"{kind[0].lower()}{kind[1:]}AssetId": kind
    for kind in ("Model", "Plugin", "Audio", "Decal", "MeshPart", "Video", "FontFamily")
}
_ID = re.compile(r"CreatorMarketplaceAsset-(\w+)-(\d{1,19})", re.ASCII)
_INT64 = re.compile(r"-?\d{1,19}", re.ASCII)
_PLUGIN_PRICES = {
    Decimal(text)
    for text in (
        *("0", "149.99", "199.99", "249.99"),
        *(f"{dollars}.99" for dollars in (*range(4, 20), *range(24, 50, 5), *range(59, 100, 10))),
    )
}
_WRITABLE = ("basePrice", "published")


@dataclass(frozen=True, slots=True)
class _Product:
    significand: int = 0
    exponent: int = 0
    published: bool = False
    restrictions: tuple[str, ...] = ()


class CreatorStoreControls(Controls):
    """What a test says to an emulator of the Creator Store."""

    def restrict(self, asset: int, *restrictions: Restriction) -> None:
        """Say what keeps a product from being bought; nothing lifts the restrictions.

        Args:
            asset: Id of the asset that is distributed.
            *restrictions: Such as `SOLD_ITEM_RESTRICTED`.

        Raises:
            ValueError: The asset is not distributed.
        """
        with self._transaction():
            product = _find(self._world, asset)
            if product is None:
                raise ValueError(f"the asset {asset} is not distributed")
            _write(self._world, asset, replace(product, restrictions=restrictions))


def _create(world: World, call: Call) -> Reply:
    body = camel_keys(call.json_object())
    asset = _named(world, call, body)
    if _find(world, asset.id) is not None:
        raise Refusal(409, "ALREADY_EXISTS", "The asset is distributed already.")
    product = _changed(_Product(), asset, body, _WRITABLE)
    _write(world, asset.id, product)
    return json_reply(_product(asset, product))


def _get(world: World, call: Call) -> Reply:
    asset, product = _addressed(world, call)
    if asset is None or product is None:
        raise _missing()
    return json_reply(_product(asset, product))


def _update(world: World, call: Call) -> Reply:
    asset, product = _addressed(world, call)
    if asset is None:
        raise _missing()
    check_creator(world, call, asset.creator)
    body = camel_keys(call.json_object())
    if any(name in body for name in _KINDS) and _named(world, call, body).id != asset.id:
        raise invalid("The asset of a product cannot be changed.")
    mask = mask_paths(call.query)
    if product is None:
        if call.query.get("allowMissing", call.query.get("allow_missing")) != "true":
            raise _missing()
        mask = []  # It is ignored where a product is made.
    if unknown := [path for path in mask if path not in (*_WRITABLE, "*")]:
        raise invalid(f"The field mask names {unknown[0]!r}, which cannot be updated.")
    paths = [name for name in _WRITABLE if name in body] if not mask or mask == ["*"] else mask
    product = _changed(product or _Product(), asset, body, paths)
    _write(world, asset.id, product)
    return json_reply(_product(asset, product))


def _addressed(world: World, call: Call) -> tuple[Asset | None, _Product | None]:
    """Return the asset and the product that the address of a request names; None for what there is not."""
    operations.settle(world)
    match = _ID.fullmatch(call.path["creator_store_product_id"])
    asset = find_asset(world, int(match[2])) if match is not None and is_id(match[2]) else None
    if asset is None or match is None or match[1] != asset.kind:
        return None, None
    return asset, _find(world, asset.id)


def _named(world: World, call: Call, body: Mapping[str, Any]) -> Asset:
    """Return the asset that a body names: exactly one, of the type that its field says, and of the caller's."""
    operations.settle(world)
    named = [(kind, body[name]) for name, kind in _KINDS.items() if body.get(name) is not None]
    if len(named) != 1 or not is_id(str(named[0][1])):
        raise invalid("Exactly one of modelAssetId, pluginAssetId and so on must be the id of an asset.")
    kind, number = named[0][0], int(named[0][1])
    asset = find_asset(world, number)
    if asset is None or asset.kind != kind:
        raise Refusal(404, "NOT_FOUND", f"There is no asset {number} of type {kind}.")
    check_creator(world, call, asset.creator)
    return asset


def _changed(product: _Product, asset: Asset, body: Mapping[str, Any], paths: tuple[str, ...] | list[str]) -> _Product:
    if "published" in paths and body.get("published") is not None:
        product = replace(product, published=switch("published", body["published"]))
    if "basePrice" in paths and body.get("basePrice") is not None:
        significand, exponent = _price(asset, body["basePrice"])
        product = replace(product, significand=significand, exponent=exponent)
    return product


def _price(asset: Asset, money: Any) -> tuple[int, int]:
    fields = camel_keys(cast("dict[str, Any]", money)) if isinstance(money, dict) else {}
    quantity = fields.get("quantity", {})
    if fields.get("currencyCode") != "USD" or not isinstance(quantity, dict):
        raise invalid("basePrice must be an amount of USD.")
    amount = cast("dict[str, Any]", quantity)
    significand, exponent = amount.get("significand", 0), integer("exponent", amount.get("exponent", 0))
    if isinstance(significand, bool) or not _INT64.fullmatch(str(significand)) or not 0 <= int(significand) < 2**63:
        raise invalid("significand must be a whole number of 0 or more.")
    if exponent != (-9 if int(significand) else 0) and not (exponent == -9 and not int(significand)):
        raise invalid("The exponent of a price must be -9; of 0 it is 0.")
    if asset.kind == "Plugin" and Decimal(int(significand)).scaleb(exponent) not in _PLUGIN_PRICES:
        raise invalid("A plugin cannot have this price.")
    return int(significand), exponent


def _product(asset: Asset, product: _Product) -> dict[str, Any]:
    price = {
        "currencyCode": "USD",
        "quantity": {"significand": product.significand, "exponent": product.exponent},
    }
    kind, _, seller = asset.creator.partition("/")
    field = next(name for name, each in _KINDS.items() if each == asset.kind)
    return {
        "path": f"creator-store-products/CreatorMarketplaceAsset-{asset.kind}-{asset.id}",
        "basePrice": price,
        "purchasePrice": price,
        "published": product.published,
        "restrictions": list(product.restrictions),
        "purchasable": product.published and not product.restrictions,
        "userSeller" if kind == "users" else "groupSeller": seller,
        field: str(asset.id),
    }


def _find(world: World, asset: int) -> _Product | None:
    row = world.database.execute(
        "SELECT significand, exponent, published, restrictions FROM creator_store_products WHERE asset = ?", (asset,)
    ).fetchone()
    return None if row is None else _Product(row[0], row[1], bool(row[2]), tuple(json.loads(row[3])))


def _write(world: World, asset: int, product: _Product) -> None:
    world.database.execute(
        "INSERT OR REPLACE INTO creator_store_products VALUES (?, ?, ?, ?, ?)",
        (asset, product.significand, product.exponent, product.published, json.dumps(product.restrictions)),
    )


def _missing() -> Refusal:
    return Refusal(404, "NOT_FOUND", "The product does not exist.")


HANDLERS: Mapping[Endpoint, Handler] = {
    api.CREATE_CREATOR_STORE_PRODUCT: _create,
    api.GET_CREATOR_STORE_PRODUCT: _get,
    api.UPDATE_CREATOR_STORE_PRODUCT: _update,
}
