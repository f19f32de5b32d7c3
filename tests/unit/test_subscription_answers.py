"""Subscriptions as they may come."""

from __future__ import annotations

from typing import Any

import pytest

from rblxcloud import ExpirationReason, Subscription, SubscriptionState

PATH = "universes/1/subscription-products/EXP-1/subscriptions/7"


def read(**fields: Any) -> Subscription:
    return Subscription.model_validate({"path": PATH, **fields})


def test_ids_are_in_the_path() -> None:
    subscription = read(active=True)
    assert (subscription.product_id, subscription.user_id) == ("EXP-1", 7)
    assert read(user="users/8").user_id == 8


@pytest.mark.parametrize("name", ["willRenew", "renewing"])
def test_renewal_has_two_names(name: str) -> None:
    assert read(**{name: True}).will_renew
    assert not read().will_renew


def test_values_that_are_new_stay_text() -> None:
    subscription = read(state="PAUSED", expirationDetails={"reason": "BANNED"}, paymentProvider="BARTER")
    assert (subscription.state, subscription.expiration_reason) == ("PAUSED", "BANNED")
    assert subscription.payment_provider == "BARTER"


def test_values_that_are_known_are_named() -> None:
    subscription = read(state="EXPIRED", expirationDetails={"reason": "LAPSED"})
    assert subscription.state is SubscriptionState.EXPIRED
    assert subscription.expiration_reason is ExpirationReason.LAPSED
    assert read(expirationDetails={}).expiration_reason is None
