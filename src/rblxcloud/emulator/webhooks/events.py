"""The kinds of events that Roblox tells by webhooks, with payloads as it sends them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal, get_args
from uuid import uuid4

__all__ = [
    "KINDS",
    "Event",
    "commerce_product_order",
    "right_to_erasure_request",
    "sample_notification",
    "subscription",
]

SubscriptionHappening = Literal["Purchased", "Renewed", "Resubscribed", "Refunded", "Cancelled"]
OrderHappening = Literal["Paid", "Refunded"]


@dataclass(frozen=True, slots=True)
class Event:
    """Something to be told: any type and payload, Roblox's or not."""

    type: str
    """The `EventType`."""
    payload: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """The `EventPayload`."""


def sample_notification(*, user: int = 1) -> Event:
    """Return what the dashboard's test button sends.

    Args:
        user: Who pressed it.
    """
    return Event("SampleNotification", {"UserId": user})


def right_to_erasure_request(*, user: int, game_ids: Sequence[int]) -> Event:
    """Return a user's wish to be forgotten.

    Args:
        user: Who wants it.
        game_ids: The start places of the experiences concerned.
    """
    return Event("RightToErasureRequest", {"UserId": user, "GameIds": list(game_ids)})


def subscription(
    happening: SubscriptionHappening,
    *,
    user: int = 1,
    universe: int = 13058,
    product: str = "EXP-1",
    reason: str = "SUBSCRIBER_CANCELLED",
) -> Event:
    """Return what happened to a subscription.

    Args:
        happening: What it was.
        user: Whose subscription it is.
        universe: The experience.
        product: Id of the subscription product.
        reason: Why it was cancelled; only a cancellation tells it.
    """
    path = f"universes/{universe}/subscription-products/{product}/subscriptions/{user}"
    payload = {"Subscription": path, "Subscriber": f"users/{user}"}
    if happening == "Cancelled":
        payload["CancellationReason"] = reason
    return Event(f"Subscription{happening}", payload)


def commerce_product_order(
    happening: OrderHappening,
    *,
    user: int = 1,
    universe: int = 13058,
    product: int = 1,
    order: str | None = None,
    created: str = "2026-01-02T03:04:05.6789012Z",
) -> Event:
    """Return what happened to an order of a commerce product.

    Args:
        happening: What it was.
        user: Who ordered.
        universe: The experience.
        product: Id of the product.
        order: Id of the order; None for a new one.
        created: When it was made, as RFC 3339.
    """
    return Event(
        f"CommerceProductOrder{happening}",
        {
            "path": f"universes/{universe}/commerce-products/{product}/orders/{order or uuid4()}",
            "createTime": created,
            "updateTime": created,
            "state": f"STATE_{happening.upper()}",
            "merchantOrderId": "1001",
            "merchant": "SHOPIFY",
            "user": f"users/{user}",
        },
    )


KINDS: Mapping[str, Callable[..., Event]] = {
    "sample-notification": sample_notification,
    "right-to-erasure-request": right_to_erasure_request,
    **{f"subscription-{name.lower()}": partial(subscription, name) for name in get_args(SubscriptionHappening)},
    **{
        f"commerce-product-order-{name.lower()}": partial(commerce_product_order, name)
        for name in get_args(OrderHappening)
    },
}
"""What makes an event, by the name that the control API has for its kind."""
