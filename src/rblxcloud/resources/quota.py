"""How much a user may still upload or distribute."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BeforeValidator, Field, TypeAdapter

from rblxcloud.errors import InvalidRequestError
from rblxcloud.resources.asset_type import AssetType, read_type
from rblxcloud.resources.base import Model, PathName, Timestamp
from rblxcloud.resources.listing import PageModel, WirePage

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*", re.ASCII)


class AssetQuota(Model):
    """How often a user may do something with assets of a type."""

    id: PathName = Field(alias="path")
    """Id of the quota."""
    quota_type: str
    """What is counted: `RATE_LIMIT_UPLOAD` or `RATE_LIMIT_CREATOR_STORE_DISTRIBUTE`."""
    asset_type: Annotated[AssetType | str, BeforeValidator(read_type)]
    """Of what; a type that is newer than this package is text."""
    usage: int = 0
    """How often it was done in this period."""
    capacity: int = 0
    """How often it may be done in a period."""
    period: str | None = None
    """`MONTH` or `DAY`; it need not begin with one of the calendar."""
    resets: Timestamp | None = Field(default=None, alias="usageResetTime")
    """When the next period begins."""


class _Quotas(PageModel):
    items: tuple[AssetQuota, ...] = Field(default=(), alias="assetQuotas")


QUOTAS: TypeAdapter[WirePage[AssetQuota]] = TypeAdapter(_Quotas)


def quota_filter(quota_type: str | None, asset_type: AssetType | str | None) -> str | None:
    """Return the filter for quotas of these types; None for all.

    Raises:
        InvalidRequestError: A value is not the name of a type.
    """
    names = {
        "quotaType": _literal("quota_type", quota_type),
        "assetType": _literal("asset_type", read_type(asset_type)),
    }
    return " && ".join(field + " == " + name for field, name in names.items() if name) or None


def _literal(argument: str, value: object) -> str | None:
    """Quotas are answered with types written `RATE_LIMIT_UPLOAD`, but picked by types written `RateLimitUpload`."""
    if value is None:
        return None
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise InvalidRequestError(argument, f"{value!r} is not the name of a type, such as RATE_LIMIT_UPLOAD or AUDIO")
    return "".join(part.capitalize() for part in value.split("_")) if value.isupper() else value
