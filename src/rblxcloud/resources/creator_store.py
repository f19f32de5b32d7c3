"""The Creator Store: for what price an asset is distributed, and whether it is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Literal, cast, get_args

from pydantic import Field, TypeAdapter, model_validator

from rblxcloud.endpoints import creator_store as api
from rblxcloud.errors import InvalidRequestError
from rblxcloud.http.binding import Binding
from rblxcloud.http.request import Call, QueryValue, json_call
from rblxcloud.resources.arguments import check_switch, shown
from rblxcloud.resources.base import Model, PathId, PathName, check_id
from rblxcloud.types import UNSET, Unset

CreatorStoreType = Literal["Model", "Plugin", "Audio", "Decal", "MeshPart", "Video", "FontFamily"]
"""A type of asset that the Creator Store distributes."""

PLUGIN_PRICES: tuple[Decimal, ...] = tuple(
    Decimal(text)
    for text in (
        "0",
        *(f"{dollars}.99" for dollars in range(4, 20)),
        *(f"{dollars}.99" for dollars in range(24, 50, 5)),
        *(f"{dollars}.99" for dollars in range(59, 100, 10)),
        *("149.99", "199.99", "249.99"),
    )
)
"""The prices in dollars that a plugin can have."""

_NANOS = 9
"""Digits behind the point that Roblox wants the significand of a price to have."""
_LARGEST = 2**63 - 1
_MOST_DIGITS = 10
"""Digits before the point of the largest price that fits, less one."""
_PRODUCT = re.compile(r"CreatorMarketplaceAsset-(?:PRODUCT_TYPE_)?(\w+)-([1-9]\d{0,18})", re.ASCII)


class Money(Model):
    """An amount of money."""

    currency: str = Field(alias="currencyCode")
    """Such as `USD`."""
    amount: Decimal = Decimal(0)
    """How much, exactly; 0 for what is free."""

    @model_validator(mode="before")
    @classmethod
    def _read_quantity(cls, fields: Any) -> Any:
        """Roblox writes an amount as a significand and a power of ten, either of which is left out where it is 0."""
        given: Mapping[str, Any] = cast("Mapping[str, Any]", fields) if isinstance(fields, Mapping) else {}
        if not isinstance(given.get("quantity"), Mapping):
            return cast("Any", fields)
        quantity = cast("Mapping[str, Any]", given["quantity"])
        try:
            amount = Decimal(quantity.get("significand", 0)).scaleb(int(quantity.get("exponent", 0)))
        except (ArithmeticError, TypeError, ValueError) as error:
            raise ValueError("its quantity is no number") from error
        return {**given, "amount": amount}


class CreatorStoreProduct(Model):
    """What the Creator Store knows of an asset that it distributes."""

    id: PathName = Field(alias="path")
    """Id of the product: `CreatorMarketplaceAsset-Model-1`."""
    base_price: Money | None = None
    """The price that the seller set."""
    purchase_price: Money | None = None
    """The price for whoever asks, which may differ by country."""
    published: bool = False
    """Whether the seller wants it to be distributed."""
    restrictions: tuple[str, ...] = ()
    """Why it cannot be had although it is published: `SOLD_ITEM_RESTRICTED`, `SELLER_NO_LONGER_ACTIVE` ..."""
    purchasable: bool = False
    """Whether it can be had: it is published, and nothing restricts it."""
    user_seller: PathId | None = None
    """Id of the user who sells it."""
    group_seller: PathId | None = None
    """Id of the group that sells it."""
    asset_type: CreatorStoreType | str | None = None
    """What it is."""
    asset_id: int | None = None
    """Id of the asset."""

    @model_validator(mode="before")
    @classmethod
    def _read_asset(cls, fields: Any) -> Any:
        """The asset's id stands in a field that says its type."""
        given: Mapping[str, Any] = cast("Mapping[str, Any]", fields) if isinstance(fields, Mapping) else {}
        for kind in get_args(CreatorStoreType):
            if given.get(_asset_field(kind)) is not None:
                return {**given, "asset_type": kind, "asset_id": given[_asset_field(kind)]}
        return cast("Any", fields)


_ADAPTER = TypeAdapter(CreatorStoreProduct)


class CreatorStore:
    """The Creator Store, where assets are distributed to other creators; reached by `Client.creator_store`."""

    def __init__(self, binding: Binding) -> None:
        self._binding = binding

    def __repr__(self) -> str:
        """Say what it is."""
        return "<CreatorStore>"

    def product_id(self, asset_type: CreatorStoreType, asset_id: int) -> str:
        """Return the id that the product of an asset has; nothing is sent.

        Args:
            asset_type: `Model`, `Plugin`, `Audio`, `Decal`, `MeshPart`, `Video` or `FontFamily`.
            asset_id: Id of the asset.

        Returns:
            Such as `CreatorMarketplaceAsset-Model-1`.

        Raises:
            InvalidRequestError: An argument is refused.
        """
        return f"CreatorMarketplaceAsset-{_check_type(asset_type)}-{check_id('asset_id', asset_id)}"

    async def fetch(self, product_id: str) -> CreatorStoreProduct:
        """Ask for a product.

        Args:
            product_id: Its id; `product_id(...)` tells that of an asset.

        Returns:
            The product.

        Raises:
            InvalidRequestError: The id is not that of a product; nothing was sent.
            NotFoundError: The asset was never distributed.

        Scopes: `creator-store-product:read`.
        Source: `GET /cloud/v2/creator-store-products/{creator_store_product_id}`.
        """
        path = {"creator_store_product_id": _check_product(product_id)[0]}
        return await self._binding.get().request(Call(api.GET_CREATOR_STORE_PRODUCT, path), _ADAPTER)

    async def create(
        self, asset_type: CreatorStoreType, asset_id: int, price: Decimal | int | str = 0, *, published: bool = True
    ) -> CreatorStoreProduct:
        """Make a product of an asset that was never distributed; `update` changes one.

        Args:
            asset_type: `Model`, `Plugin`, `Audio`, `Decal`, `MeshPart`, `Video` or `FontFamily`.
            asset_id: Id of the asset.
            price: US dollars, exactly: `Decimal("4.99")`, `"4.99"` or `5`; 0 is free. A plugin has one of the prices
                that Roblox names: 0, 4.99 to 19.99, 24.99 to 49.99 by 5, 59.99 to 99.99 by 10, 149.99, 199.99, 249.99.
            published: Whether it is distributed from now on.

        Returns:
            The product.

        Raises:
            InvalidRequestError: An argument is refused; nothing was sent.
            ConflictError: There is a product of this asset.

        Scopes: `creator-store-product:write`.
        Source: `POST /cloud/v2/creator-store-products`.
        """
        kind, number = _check_type(asset_type), check_id("asset_id", asset_id)
        body = {
            "basePrice": _price(price, kind),
            "published": check_switch("published", published),
            _asset_field(kind): str(number),
        }
        return await self._binding.get().request(json_call(api.CREATE_CREATOR_STORE_PRODUCT, {}, body), _ADAPTER)

    async def update(
        self,
        product_id: str,
        *,
        price: Decimal | int | str | Unset = UNSET,
        published: bool | Unset = UNSET,
        create: bool = False,
    ) -> CreatorStoreProduct:
        """Change the price of a product, or whether it is distributed.

        Args:
            product_id: Its id; `product_id(...)` tells that of an asset.
            price: US dollars, as of `create`.
            published: Whether it is distributed from now on.
            create: Whether to make the product where there is none.

        Returns:
            The product.

        Raises:
            InvalidRequestError: Nothing was passed, or something that is refused; nothing was sent.
            NotFoundError: The asset was never distributed.

        Scopes: `creator-store-product:write`.
        Source: `PATCH /cloud/v2/creator-store-products/{creator_store_product_id}`.
        """
        checked, kind, number = _check_product(product_id)
        body: dict[str, Any] = {}
        if not isinstance(price, Unset):
            body["basePrice"] = _price(price, kind)
        if not isinstance(published, Unset):
            body["published"] = check_switch("published", published)
        if not body:
            raise InvalidRequestError("update", "nothing was passed to change")
        query: dict[str, QueryValue] = {"updateMask": ",".join(body)}
        if check_switch("create", create):
            query["allowMissing"] = True
            if kind not in get_args(CreatorStoreType):
                raise InvalidRequestError("product_id", f"{shown(kind)} is no type of asset that a product is made of")
            body[_asset_field(kind)] = number
        path = {"creator_store_product_id": checked}
        call = json_call(api.UPDATE_CREATOR_STORE_PRODUCT, path, body, query)
        return await self._binding.get().request(call, _ADAPTER)


def _asset_field(kind: str) -> str:
    return f"{kind[0].lower()}{kind[1:]}AssetId"


def _check_type(asset_type: object) -> str:
    # An AssetType of an upload is text, too.
    if not isinstance(asset_type, str) or asset_type not in get_args(CreatorStoreType):
        raise InvalidRequestError(
            "asset_type", f"{shown(asset_type)} is none of {', '.join(get_args(CreatorStoreType))}"
        )
    return str(asset_type)


def _check_product(product_id: object) -> tuple[str, str, str]:
    """Return a product's id, and what it says of its asset: type and id."""
    match = _PRODUCT.fullmatch(product_id) if isinstance(product_id, str) else None
    if match is None:
        raise InvalidRequestError(
            "product_id", f"{shown(product_id)} is not the id of a product, such as CreatorMarketplaceAsset-Model-1"
        )
    # Some write the type as MESH_PART.
    kind = match[1] if not match[1].isupper() else match[1].title().replace("_", "")
    return match[0], kind, match[2]


def _price(price: object, kind: str) -> dict[str, Any]:
    """Return a price as Roblox takes it: billionths of a dollar, and 0 with the exponent 0."""
    if isinstance(price, bool) or not isinstance(price, Decimal | int | str):
        raise InvalidRequestError("price", f"{shown(price)} is not an exact amount: a Decimal, an int or text")
    try:
        amount = Decimal(price)
    except InvalidOperation:
        raise InvalidRequestError("price", f"{shown(price)} is not an amount of dollars") from None
    if not amount.is_finite() or amount < 0:
        raise InvalidRequestError("price", f"{shown(price)} is not an amount of dollars of 0 or more")
    if kind == "Plugin" and amount not in PLUGIN_PRICES:
        raise InvalidRequestError("price", f"{amount} is none of a plugin's: {', '.join(map(str, PLUGIN_PRICES))}")
    if not amount:
        return {"currencyCode": "USD", "quantity": {"significand": 0, "exponent": 0}}
    digits = amount.adjusted()
    numerator, denominator = amount.as_integer_ratio() if -_NANOS <= digits <= _MOST_DIGITS else (1, 0)
    significand, rest = divmod(numerator * 10**_NANOS, denominator) if denominator else (0, 1)
    if rest or significand > _LARGEST:
        raise InvalidRequestError("price", f"{amount} has more than {_NANOS} digits behind the point, or is too large")
    return {"currencyCode": "USD", "quantity": {"significand": significand, "exponent": -_NANOS}}
