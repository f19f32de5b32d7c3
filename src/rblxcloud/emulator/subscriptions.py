"""Subscriptions of users to what experiences sell: those that a test has put there."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal, get_args

from rblxcloud.emulator.acting import acts_as_user
from rblxcloud.emulator.controls import Controls
from rblxcloud.emulator.errors import json_reply
from rblxcloud.emulator.model import Call, Handler, Refusal, Reply, World
from rblxcloud.emulator.protobuf import invalid, timestamp
from rblxcloud.emulator.universes import is_id
from rblxcloud.endpoints.model import Endpoint
from rblxcloud.endpoints.subscriptions import GET_SUBSCRIPTION

__all__ = ["HANDLERS", "SCHEMA", "ExpirationReason", "State", "SubscriptionControls"]

SCHEMA = """
CREATE TABLE IF NOT EXISTS subscriptions (
    universe TEXT NOT NULL,
    product TEXT NOT NULL,
    user INTEGER NOT NULL,
    fields TEXT NOT NULL,
    PRIMARY KEY (universe, product, user)
);
"""

State = Literal["SUBSCRIBED_WILL_RENEW", "SUBSCRIBED_WILL_NOT_RENEW", "SUBSCRIBED_RENEWAL_PAYMENT_PENDING", "EXPIRED"]
ExpirationReason = Literal[
    "PRODUCT_INACTIVE", "PRODUCT_DELETED", "SUBSCRIBER_CANCELLED", "SUBSCRIBER_REFUNDED", "LAPSED"
]

_VIEWS = ("", "VIEW_UNSPECIFIED", "BASIC", "FULL")
_ANYBODYS = "universe:write"
_MONTH = 30 * 86_400.0


def _get(world: World, call: Call) -> Reply:
    universe, product, user = (
        call.path[name] for name in ("universe_id", "subscription_product_id", "subscription_id")
    )
    if not is_id(user):
        raise invalid("The id of a subscription is that of the user, a positive number.")
    if (view := call.query.get("view", "")) not in _VIEWS:
        raise invalid("view must be BASIC or FULL.")
    if not call.has_scope(_ANYBODYS) and not acts_as_user(call, f"users/{user}"):
        raise Refusal(403, "PERMISSION_DENIED", f"Without the scope {_ANYBODYS} only the caller's own can be read.")
    row = world.database.execute(
        "SELECT fields FROM subscriptions WHERE universe = ? AND product = ? AND user = ?",
        (universe, product, int(user)),
    ).fetchone()
    if row is None:
        raise Refusal(404, "NOT_FOUND", "The user never subscribed to this product.")
    fields = json.loads(row[0])
    body: dict[str, Any] = {
        "path": f"universes/{universe}/subscription-products/{product}/subscriptions/{user}",
        "active": fields["state"] != "EXPIRED",
        "willRenew": fields["state"] in ("SUBSCRIBED_WILL_RENEW", "SUBSCRIBED_RENEWAL_PAYMENT_PENDING"),
    }
    return json_reply({**body, "user": f"users/{user}", **fields} if view == "FULL" else body)


class SubscriptionControls(Controls):
    """An emulator's subscriptions: none, until one is set."""

    def set(
        self,
        universe: int,
        product: str,
        user: int,
        *,
        state: State = "SUBSCRIBED_WILL_RENEW",
        expiration_reason: ExpirationReason | None = None,
        created: float | None = None,
        last_billed: float | None = None,
        renews: float | None = None,
        expires: float | None = None,
        purchase_platform: Literal["DESKTOP", "MOBILE"] = "DESKTOP",
        payment_provider: Literal["STRIPE", "APPLE", "GOOGLE", "ROBLOX_CREDIT", "ROBUX"] = "STRIPE",
    ) -> None:
        """Say how a user's subscription stands. Moments are seconds since 1970 UTC.

        Args:
            universe: Id of the universe.
            product: Id of what is subscribed to, such as `EXP-11111111`.
            user: Id of the user.
            state: Where it stands.
            expiration_reason: Why it ended; None for `LAPSED` where it has ended.
            created: When the user subscribed; None for now.
            last_billed: When it was last paid for; None for when it was made.
            renews: When it is renewed next; None for 30 days after the last payment, where it is renewed.
            expires: When it ends or ended; None for 30 days after the last payment, where it is not renewed.
            purchase_platform: Where it was bought.
            payment_provider: How it is paid for.

        Raises:
            ValueError: For a state or a reason that Roblox does not have, or a reason of a subscription that holds.
        """
        if state not in get_args(State) or expiration_reason not in (None, *get_args(ExpirationReason)):
            raise ValueError(f"Roblox has no state {state!r} with the reason {expiration_reason!r}")
        if expiration_reason is not None and state != "EXPIRED":
            raise ValueError("expiration_reason goes with the state EXPIRED")
        with self._transaction():
            now = self._world.now()
            made = now if created is None else created
            paid = made if last_billed is None else last_billed
            goes_on = state in ("SUBSCRIBED_WILL_RENEW", "SUBSCRIBED_RENEWAL_PAYMENT_PENDING")
            moments = {
                "createTime": made,
                "updateTime": now,
                "lastBillingTime": paid,
                "nextRenewTime": paid + _MONTH if renews is None and goes_on else renews,
                "expireTime": paid + _MONTH if expires is None and not goes_on else expires,
            }
            fields: dict[str, Any] = {name: timestamp(when) for name, when in moments.items() if when is not None}
            fields |= {"state": state, "purchasePlatform": purchase_platform, "paymentProvider": payment_provider}
            if state == "EXPIRED":
                fields["expirationDetails"] = {"reason": expiration_reason or "LAPSED"}
            self._world.database.execute(
                "INSERT OR REPLACE INTO subscriptions VALUES (?, ?, ?, ?)",
                (str(universe), product, user, json.dumps(fields)),
            )

    def remove(self, universe: int, product: str, user: int) -> None:
        """Let a user never have subscribed."""
        with self._transaction():
            self._world.database.execute(
                "DELETE FROM subscriptions WHERE universe = ? AND product = ? AND user = ?",
                (str(universe), product, user),
            )


HANDLERS: Mapping[Endpoint, Handler] = {GET_SUBSCRIPTION: _get}
