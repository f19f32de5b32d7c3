"""What Roblox tells by webhooks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import (
    AliasPath,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)
from pydantic.alias_generators import to_camel

from rblxcloud.errors import WebhookError
from rblxcloud.http.response import problems_of

__all__ = [
    "CommerceProductOrder",
    "CommerceProductOrderEvent",
    "CommerceProductOrderPaid",
    "CommerceProductOrderRefunded",
    "RightToErasureRequest",
    "SampleNotification",
    "SubscriptionCancelled",
    "SubscriptionEvent",
    "SubscriptionPurchased",
    "SubscriptionRefunded",
    "SubscriptionRenewed",
    "SubscriptionResubscribed",
    "WebhookEvent",
    "read_event",
]

Id = Annotated[int, Field(gt=0)]


def _or_none(value: object, read: ValidatorFunctionWrapHandler) -> object:
    """Read a value, or None: a request to erase data, or an order, is not to be lost for the form of its time."""
    try:
        return read(value)
    except ValidationError:
        return None


Moment = Annotated[AwareDatetime | None, WrapValidator(_or_none)]
"""An aware datetime; None for what cannot be read as one."""

Payload = Annotated[Mapping[str, Any], BeforeValidator(lambda value: {} if value is None else value)]
"""An open mapping; empty for null."""


class WebhookEvent(BaseModel):
    """An event, as Roblox told it. A kind that this package does not know is one of this class itself."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, populate_by_name=True, extra="ignore")

    notification_id: str = Field(validation_alias="NotificationId", min_length=1)
    """Roblox's id of the notification: the same in every delivery of it."""
    event_type: str = Field(validation_alias="EventType", min_length=1)
    """Roblox's name of the kind, such as `RightToErasureRequest`."""
    event_time: Moment = Field(default=None, validation_alias="EventTime")
    """When it happened, to the microsecond; None where Roblox did not say, or not as it is documented."""
    payload: Payload = Field(default={}, validation_alias="EventPayload")
    """What Roblox tells of it, as it came."""

    @property
    def key(self) -> str:
        """What deliveries of the same event have in common, and no other event has."""
        return self.notification_id


class SampleNotification(WebhookEvent):
    """Somebody pressed the test button in the Creator Dashboard."""

    event_type: str = Field(default="SampleNotification", validation_alias="EventType")
    user_id: Id = Field(validation_alias=AliasPath("EventPayload", "UserId"))
    """Who pressed it."""


class RightToErasureRequest(WebhookEvent):
    """A user wants everything that an experience keeps of them to be erased."""

    event_type: str = Field(default="RightToErasureRequest", validation_alias="EventType")
    user_id: Id = Field(validation_alias=AliasPath("EventPayload", "UserId"))
    """Whose data is to be erased."""
    place_ids: tuple[Id, ...] = Field(validation_alias=AliasPath("EventPayload", "GameIds"))
    """The start places of the experiences concerned. Roblox calls them `GameIds`; they are not ids of universes."""


class SubscriptionEvent(WebhookEvent):
    """Something happened to a subscription.

    Roblox publishes neither the names of these events nor what their payload holds: the names are taken from the
    titles in the Creator Dashboard, and what came is in `payload`.
    """


class SubscriptionPurchased(SubscriptionEvent):
    """A user subscribed."""

    event_type: str = Field(default="SubscriptionPurchased", validation_alias="EventType")


class SubscriptionRenewed(SubscriptionEvent):
    """A subscription went on for another period."""

    event_type: str = Field(default="SubscriptionRenewed", validation_alias="EventType")


class SubscriptionResubscribed(SubscriptionEvent):
    """A user whose subscription had ended subscribed again."""

    event_type: str = Field(default="SubscriptionResubscribed", validation_alias="EventType")


class SubscriptionRefunded(SubscriptionEvent):
    """A user got the money back."""

    event_type: str = Field(default="SubscriptionRefunded", validation_alias="EventType")


class SubscriptionCancelled(SubscriptionEvent):
    """A user ended a subscription; the payload holds the reason."""

    event_type: str = Field(default="SubscriptionCancelled", validation_alias="EventType")


class CommerceProductOrder(BaseModel):
    """An order of a real thing that was sold inside an experience."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        frozen=True, populate_by_name=True, extra="ignore", alias_generator=to_camel
    )

    path: str
    """Roblox's path of the order: `universes/U/commerce-products/P/orders/UUID`."""
    state: str | None = None
    """`STATE_PAID`, `STATE_REFUNDED`, or what Roblox adds."""
    create_time: Moment = None
    """When it was made."""
    update_time: Moment = None
    """When it last changed."""
    merchant: str | None = None
    """Whose shop it was: `SHOPIFY`, or what Roblox adds."""
    merchant_order_id: str | None = None
    """The shop's own id of the order."""
    user: str | None = None
    """Path of the buyer, such as `users/123`."""


class CommerceProductOrderEvent(WebhookEvent):
    """Something happened to an order of a commerce product."""

    order: CommerceProductOrder = Field(validation_alias="EventPayload")
    """The order; what Roblox sends besides is in `payload`."""

    @property
    def key(self) -> str:
        """What tells of the same order have in common: Roblox can notify of one more than once."""
        return f"{self.event_type}:{self.order.path}"


class CommerceProductOrderPaid(CommerceProductOrderEvent):
    """An order was paid."""

    event_type: str = Field(default="CommerceProductOrderPaid", validation_alias="EventType")


class CommerceProductOrderRefunded(CommerceProductOrderEvent):
    """An order was refunded or cancelled."""

    event_type: str = Field(default="CommerceProductOrderRefunded", validation_alias="EventType")


_KINDS: Mapping[str, type[WebhookEvent]] = {
    kind.__name__: kind
    for kind in (
        SampleNotification,
        RightToErasureRequest,
        SubscriptionPurchased,
        SubscriptionRenewed,
        SubscriptionResubscribed,
        SubscriptionRefunded,
        SubscriptionCancelled,
        CommerceProductOrderPaid,
        CommerceProductOrderRefunded,
    )
}


class _Envelope(BaseModel):
    kind: str = Field(alias="EventType", min_length=1)


def read_event(body: bytes) -> WebhookEvent:
    """Return the event of a body whose signature was checked.

    Raises:
        WebhookError: It is not JSON, or not of the shape that Roblox documents.
    """
    try:
        kind = _Envelope.model_validate_json(body).kind
        return _KINDS.get(kind, WebhookEvent).model_validate_json(body)
    except ValidationError as error:
        problems = "; ".join(problems_of(error))
    # Outside of the handler, and so without pydantic's error as its context: that one shows what stood in the body.
    raise WebhookError(f"the body is no webhook of Roblox's: {problems}")
