"""The kinds of events that Roblox tells by webhooks, with payloads as it sends them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from uuid import uuid4

__all__ = [
    "KINDS",
    "Event",
    "commerce_product_order_paid",
    "commerce_product_order_refunded",
    "right_to_erasure_request",
    "sample_notification",
    "subscription_cancelled",
    "subscription_purchased",
    "subscription_refunded",
    "subscription_renewed",
    "subscription_resubscribed",
]


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


def _subscription(kind: str, *, user: int = 1, universe: int = 13058, product: str = "EXP-1") -> Event:
    path = f"universes/{universe}/subscription-products/{product}/subscriptions/{user}"
    return Event(f"Subscription{kind}", {"Subscription": path, "Subscriber": f"users/{user}"})


subscription_purchased = partial(_subscription, "Purchased")
subscription_renewed = partial(_subscription, "Renewed")
subscription_resubscribed = partial(_subscription, "Resubscribed")
subscription_refunded = partial(_subscription, "Refunded")


def subscription_cancelled(
    *, user: int = 1, universe: int = 13058, product: str = "EXP-1", reason: str = "SUBSCRIBER_CANCELLED"
) -> Event:
    """Return the end of a subscription.

    Args:
        user: Whose it was.
        universe: The experience.
        product: Id of the subscription product.
        reason: Why it ended.
    """
    event = _subscription("Cancelled", user=user, universe=universe, product=product)
    return Event(event.type, {**event.payload, "CancellationReason": reason})


def _order(
    kind: str,
    state: str,
    *,
    user: int = 1,
    universe: int = 13058,
    product: int = 1,
    order: str | None = None,
    created: str = "2026-01-02T03:04:05.6789012Z",
) -> Event:
    return Event(
        f"CommerceProductOrder{kind}",
        {
            "path": f"universes/{universe}/commerce-products/{product}/orders/{order or uuid4()}",
            "createTime": created,
            "updateTime": created,
            "state": state,
            "merchantOrderId": "1001",
            "merchant": "SHOPIFY",
            "user": f"users/{user}",
        },
    )


commerce_product_order_paid = partial(_order, "Paid", "STATE_PAID")
commerce_product_order_refunded = partial(_order, "Refunded", "STATE_REFUNDED")

KINDS: Mapping[str, Callable[..., Event]] = {
    "sample-notification": sample_notification,
    "right-to-erasure-request": right_to_erasure_request,
    "subscription-purchased": subscription_purchased,
    "subscription-renewed": subscription_renewed,
    "subscription-resubscribed": subscription_resubscribed,
    "subscription-refunded": subscription_refunded,
    "subscription-cancelled": subscription_cancelled,
    "commerce-product-order-paid": commerce_product_order_paid,
    "commerce-product-order-refunded": commerce_product_order_refunded,
}
"""What makes an event, by the name that the control API has for its kind."""
