"""Subscriptions that users have to what an experience sells."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import AliasChoices, AliasPath, BeforeValidator, Field, TypeAdapter

from rblxcloud.endpoints import subscriptions
from rblxcloud.http.request import Call
from rblxcloud.resources.arguments import check_switch
from rblxcloud.resources.base import Model, PathId, Timestamp, check_segment, check_text
from rblxcloud.resources.user_restriction import check_user


class SubscriptionState(StrEnum):
    """Where a subscription stands."""

    SUBSCRIBED_WILL_RENEW = "SUBSCRIBED_WILL_RENEW"
    SUBSCRIBED_WILL_NOT_RENEW = "SUBSCRIBED_WILL_NOT_RENEW"
    SUBSCRIBED_RENEWAL_PAYMENT_PENDING = "SUBSCRIBED_RENEWAL_PAYMENT_PENDING"
    EXPIRED = "EXPIRED"


class ExpirationReason(StrEnum):
    """Why a subscription has ended."""

    PRODUCT_INACTIVE = "PRODUCT_INACTIVE"
    PRODUCT_DELETED = "PRODUCT_DELETED"
    SUBSCRIBER_CANCELLED = "SUBSCRIBER_CANCELLED"
    SUBSCRIBER_REFUNDED = "SUBSCRIBER_REFUNDED"
    LAPSED = "LAPSED"


def _product_of(path: object) -> object:
    parts = path.split("/") if isinstance(path, str) else []
    return parts[3] if len(parts) == 6 else path


def _read(kinds: type[StrEnum]) -> BeforeValidator:
    """Values that Roblox adds later stay text."""
    return BeforeValidator(lambda value: kinds(value) if value in [*kinds] else value)


class Subscription(Model):
    """A user's subscription. What stands below `will_renew` is None unless it was asked for with `full=True`."""

    product_id: Annotated[str, BeforeValidator(_product_of)] = Field(validation_alias="path")
    """Id of what is subscribed to, such as `EXP-11111111`."""
    user_id: PathId = Field(validation_alias=AliasChoices("user", "path"))
    """Id of the user."""
    active: bool = False
    """Whether it holds now, paid for or with the payment still pending."""
    will_renew: bool = Field(default=False, validation_alias=AliasChoices("willRenew", "renewing"))
    """Whether it goes on after the period that is paid for."""
    state: Annotated[SubscriptionState | str | None, _read(SubscriptionState)] = None
    """Where it stands: one of `SubscriptionState`, or a newer one as text."""
    created: Timestamp | None = Field(default=None, alias="createTime")
    """When the user subscribed."""
    updated: Timestamp | None = Field(default=None, alias="updateTime")
    """When it was last changed."""
    last_billed: Timestamp | None = Field(default=None, alias="lastBillingTime")
    """When it was last paid for."""
    renews: Timestamp | None = Field(default=None, alias="nextRenewTime")
    """When it is renewed next."""
    expires: Timestamp | None = Field(default=None, alias="expireTime")
    """When it ends or ended."""
    expiration_reason: Annotated[ExpirationReason | str | None, _read(ExpirationReason)] = Field(
        default=None, validation_alias=AliasPath("expirationDetails", "reason")
    )
    """Why it ended: one of `ExpirationReason`, or a newer one as text."""
    purchase_platform: str | None = None
    """Where it was bought: `DESKTOP`, `MOBILE` ..."""
    payment_provider: str | None = None
    """How it is paid for: `STRIPE`, `APPLE`, `GOOGLE`, `ROBLOX_CREDIT`, `ROBUX` ..."""


SUBSCRIPTION = TypeAdapter(Subscription)


def subscription_call(universe_id: int, product_id: object, user: object, full: object) -> Call:
    """Return the call that fetches a subscription.

    Raises:
        InvalidRequestError: An argument is refused.
    """
    path: dict[str, str | int] = {
        "universe_id": universe_id,
        "subscription_product_id": check_segment("product_id", check_text("product_id", product_id)),
        "subscription_id": check_user(user),
    }
    return Call(subscriptions.GET_SUBSCRIPTION, path, {"view": "FULL" if check_switch("full", full) else None})
