"""Subscriptions: universes.md section 4."""

from __future__ import annotations

from typing import Any

import pytest

from rblxcloud.emulator.api_keys import ApiKey, ScopeGrant
from rblxcloud.emulator.core import Emulator
from tests.support.emulator import START, Caller

PATH = "/cloud/v2/universes/13058/subscription-products/EXP-11111111/subscriptions/7"
SHORT = {
    "path": "universes/13058/subscription-products/EXP-11111111/subscriptions/7",
    "active": True,
    "willRenew": True,
}


def test_views(call: Caller, emulator: Emulator) -> None:
    emulator.subscriptions.set(13058, "EXP-11111111", 7)
    for view in ("", "?view=BASIC", "?view=VIEW_UNSPECIFIED"):
        assert call("GET", f"{PATH}{view}").json == SHORT
    assert call("GET", f"{PATH}?view=FULL").json == {
        **SHORT,
        "user": "users/7",
        "createTime": "2027-01-15T08:00:00.000000000Z",
        "updateTime": "2027-01-15T08:00:00.000000000Z",
        "lastBillingTime": "2027-01-15T08:00:00.000000000Z",
        "nextRenewTime": "2027-02-14T08:00:00.000000000Z",
        "state": "SUBSCRIBED_WILL_RENEW",
        "purchasePlatform": "DESKTOP",
        "paymentProvider": "STRIPE",
    }
    assert call("GET", f"{PATH}?view=full").status == 400


def test_subscription_that_ended(call: Caller, emulator: Emulator) -> None:
    emulator.subscriptions.set(
        13058,
        "EXP-11111111",
        7,
        state="EXPIRED",
        expiration_reason="SUBSCRIBER_REFUNDED",
        created=START - 86_400,
        last_billed=START - 3600,
        expires=START,
    )
    body = call("GET", f"{PATH}?view=FULL").json
    assert (body["active"], body["willRenew"], body["state"]) == (False, False, "EXPIRED")
    assert body["expirationDetails"] == {"reason": "SUBSCRIBER_REFUNDED"}
    assert (body["createTime"][:10], body["expireTime"][:19]) == ("2027-01-14", "2027-01-15T08:00:00")
    assert "nextRenewTime" not in body


def test_who_never_subscribed(call: Caller, emulator: Emulator) -> None:
    assert call("GET", PATH).status == 404
    emulator.subscriptions.set(13058, "EXP-11111111", 7)
    assert call("GET", PATH).status == 200
    emulator.subscriptions.remove(13058, "EXP-11111111", 7)
    answer = call("GET", PATH)
    assert (answer.status, answer.json["code"]) == (404, "NOT_FOUND")
    assert call("GET", PATH.replace("/7", "/me")).status == 400


@pytest.mark.parametrize(
    ("owner", "scopes", "status"),
    [
        ("users/7", ["universe.subscription-product.subscription:read"], 200),
        ("users/8", ["universe.subscription-product.subscription:read"], 403),
        ("users/8", ["universe:write"], 200),
        ("users/7", ["universe.secret:read"], 403),
    ],
)
def test_own_subscriptions_and_those_of_others(
    call: Caller, emulator: Emulator, owner: str, scopes: list[str], status: int
) -> None:
    emulator.subscriptions.set(13058, "EXP-11111111", 7)
    emulator.add_key("key", ApiKey(owner=owner, scopes=tuple(map(ScopeGrant.parse, scopes))))
    assert call("GET", PATH, key="key").status == status


def test_reset_forgets_them(call: Caller, emulator: Emulator) -> None:
    emulator.subscriptions.set(13058, "EXP-11111111", 7)
    emulator.reset()
    assert call("GET", PATH).status == 404


@pytest.mark.parametrize(
    "arguments",
    [
        {"state": "PAID"},
        {"state": "EXPIRED", "expiration_reason": "BORED"},
        {"state": "SUBSCRIBED_WILL_RENEW", "expiration_reason": "LAPSED"},
    ],
)
def test_states_that_roblox_does_not_have_are_refused(call: Caller, emulator: Emulator, arguments: Any) -> None:
    with pytest.raises(ValueError, match="state"):
        emulator.subscriptions.set(13058, "EXP-11111111", 7, **arguments)
    assert call("GET", PATH).status == 404
