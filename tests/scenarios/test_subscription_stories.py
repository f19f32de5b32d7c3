"""Subscriptions: whether somebody still pays."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import rblxcloud
from rblxcloud import ExpirationReason, SubscriptionState
from rblxcloud.emulator import Emulator
from tests.support.emulator import act_as

Tell = Callable[[Callable[[Any], Any]], None]

PRODUCT = "EXP-11111111"


def test_subscription_is_told_in_short(tell: Tell, emulator: Emulator) -> None:
    emulator.subscriptions.set(1, PRODUCT, 7)

    async def story(client: Any) -> None:
        subscription = await client.experience(1).get_subscription(PRODUCT, 7)
        assert (subscription.product_id, subscription.user_id) == (PRODUCT, 7)
        assert (subscription.active, subscription.will_renew) == (True, True)
        assert (subscription.state, subscription.created, subscription.renews) == (None, None, None)
        assert await client.experience(1).get_subscription(PRODUCT, client.user(7)) == subscription

    tell(story)


def test_subscription_is_told_in_full(tell: Tell, emulator: Emulator) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    emulator.subscriptions.set(
        1, PRODUCT, 7, created=start.timestamp(), purchase_platform="MOBILE", payment_provider="APPLE"
    )

    async def story(client: Any) -> None:
        subscription = await client.experience(1).get_subscription(PRODUCT, 7, full=True)
        assert subscription.state is SubscriptionState.SUBSCRIBED_WILL_RENEW
        assert (subscription.created, subscription.last_billed) == (start, start)
        assert (subscription.renews, subscription.expires) == (start + timedelta(days=30), None)
        assert (subscription.purchase_platform, subscription.payment_provider) == ("MOBILE", "APPLE")
        assert subscription.expiration_reason is None

    tell(story)


@pytest.mark.parametrize(
    ("state", "active", "will_renew", "reason"),
    [
        ("SUBSCRIBED_WILL_RENEW", True, True, None),
        ("SUBSCRIBED_WILL_NOT_RENEW", True, False, None),
        ("SUBSCRIBED_RENEWAL_PAYMENT_PENDING", True, True, None),
        ("EXPIRED", False, False, ExpirationReason.LAPSED),
    ],
)
def test_states(
    tell: Tell, emulator: Emulator, state: Any, active: bool, will_renew: bool, reason: ExpirationReason | None
) -> None:
    emulator.subscriptions.set(1, PRODUCT, 7, state=state)

    async def story(client: Any) -> None:
        subscription = await client.experience(1).get_subscription(PRODUCT, 7, full=True)
        assert (subscription.state, subscription.active, subscription.will_renew) == (state, active, will_renew)
        assert subscription.expiration_reason is reason

    tell(story)


def test_who_never_subscribed_is_not_found(tell: Tell, emulator: Emulator) -> None:
    emulator.subscriptions.set(1, PRODUCT, 7)

    async def story(client: Any) -> None:
        for product, user in ((PRODUCT, 8), ("EXP-2", 7)):
            with pytest.raises(rblxcloud.NotFoundError):
                await client.experience(1).get_subscription(product, user)

    tell(story)


def test_either_scope_will_do(tell: Tell, emulator: Emulator) -> None:
    for user in (7, 8):
        emulator.subscriptions.set(1, PRODUCT, user)

    async def story(client: Any) -> None:
        experience = client.experience(1)
        act_as(emulator, "users/7", "universe:write")
        assert (await experience.get_subscription(PRODUCT, 8)).active
        act_as(emulator, "users/7", "universe.subscription-product.subscription:read")
        assert (await experience.get_subscription(PRODUCT, 7)).active
        with pytest.raises(rblxcloud.PermissionDeniedError) as caught:
            await experience.get_subscription(PRODUCT, 8)
        assert set(caught.value.required_scopes) == {
            "universe:write",
            "universe.subscription-product.subscription:read",
        }

    tell(story)


@pytest.mark.parametrize(
    ("argument", "arguments"),
    [
        ("product_id", (11111111, 7)),
        ("product_id", ("", 7)),
        ("product_id", ("..", 7)),
        ("product_id", (None, 7)),
        ("user", (PRODUCT, True)),
        ("user", (PRODUCT, "builderman")),
        ("full", (PRODUCT, 7, "FULL")),
    ],
)
def test_what_names_no_subscription_is_refused(
    tell: Tell, emulator: Emulator, argument: str, arguments: tuple[Any, ...]
) -> None:
    async def story(client: Any) -> None:
        product, user, *full = arguments
        with pytest.raises(rblxcloud.InvalidRequestError) as caught:
            await client.experience(1).get_subscription(product, user, **({"full": full[0]} if full else {}))
        assert caught.value.argument == argument

    tell(story)
    assert emulator.requests() == []
