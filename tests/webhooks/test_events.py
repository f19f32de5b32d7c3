"""What Roblox tells by webhooks, as objects."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

import rblxcloud
import rblxcloud.webhooks.events
from rblxcloud import (
    CommerceProductOrderPaid,
    CommerceProductOrderRefunded,
    RightToErasureRequest,
    SampleNotification,
    SubscriptionCancelled,
    SubscriptionEvent,
    Webhook,
    WebhookError,
    WebhookEvent,
)
from tests.webhooks.signing import NUMBER, body

UNSIGNED = Webhook(None, allow_unsigned=True)
ORDER = {
    "path": "universes/1/commerce-products/2/orders/3",
    "createTime": "2026-05-28T20:26:40Z",
    "state": "STATE_PAID",
    "merchantOrderId": "1001",
    "merchant": "SHOPIFY",
    "user": "users/7",
    "grants": [{"any": "thing"}],
}


def read(content: bytes) -> WebhookEvent:
    return UNSIGNED.parse({}, content)


def test_an_erasure_request() -> None:
    event = read(body())
    assert isinstance(event, RightToErasureRequest)
    assert (event.user_id, event.place_ids) == (7, (13059,))
    assert (event.notification_id, event.event_type) == (NUMBER, "RightToErasureRequest")
    assert event.key == NUMBER


def test_times_with_seven_digits_are_read_to_the_microsecond() -> None:
    assert read(body()).event_time == datetime(2026, 5, 28, 20, 26, 40, 123456, UTC)


@pytest.mark.parametrize(
    "time", ["2026-05-28T20:26:40Z", "2026-05-28T20:26:40.123456789Z", "2026-05-28T22:26:40+02:00"]
)
def test_other_times_are_read_too(time: str) -> None:
    read_time = read(body(EventTime=time)).event_time
    assert read_time is not None
    assert read_time.replace(microsecond=0) == datetime(2026, 5, 28, 20, 26, 40, tzinfo=UTC)


def test_a_sample() -> None:
    event = read(body("SampleNotification", {"UserId": 1}))
    assert isinstance(event, SampleNotification)
    assert event.user_id == 1


@pytest.mark.parametrize("name", ["Purchased", "Renewed", "Resubscribed", "Refunded", "Cancelled"])
def test_subscriptions_keep_their_payload_open(name: str) -> None:
    payload = {"Subscription": {"any": ["thing"]}, "Subscriber": None}
    event = read(body(f"Subscription{name}", payload))
    assert type(event).__name__ == f"Subscription{name}"
    assert isinstance(event, SubscriptionEvent)
    assert event.payload == payload
    assert type(read(body("SubscriptionCancelled", {}))) is SubscriptionCancelled


@pytest.mark.parametrize("kind", [CommerceProductOrderPaid, CommerceProductOrderRefunded])
def test_orders_are_told_apart_by_path_and_happening(kind: type[CommerceProductOrderPaid]) -> None:
    event = read(body(kind.__name__, ORDER))
    assert type(event) is kind
    assert (event.order.path, event.order.state, event.order.user) == (ORDER["path"], "STATE_PAID", "users/7")
    assert (event.order.merchant, event.order.merchant_order_id, event.order.update_time) == ("SHOPIFY", "1001", None)
    assert event.payload["grants"] == ORDER["grants"]
    assert event.key == read(body(kind.__name__, ORDER, number="another")).key == f"{kind.__name__}:{ORDER['path']}"


def test_an_unknown_kind_comes_through_as_itself() -> None:
    event = read(body("SomethingNew", {"Any": 1}, Extra=True))
    assert type(event) is WebhookEvent
    assert (event.event_type, event.payload) == ("SomethingNew", {"Any": 1})


def test_time_and_payload_may_be_missing_where_nothing_depends_on_them() -> None:
    event = read(b'{"NotificationId":"1","EventType":"SomethingNew"}')
    assert (event.event_time, event.payload) == (None, {})


@pytest.mark.parametrize("time", ["yesterday", "2026-05-28T20:26:40", "", {}, None, 10**30])
def test_a_time_that_cannot_be_read_does_not_lose_the_event(time: Any) -> None:
    event = read(body(EventTime=time))
    assert isinstance(event, RightToErasureRequest)
    assert event.event_time is None
    order = read(body("CommerceProductOrderPaid", {**ORDER, "updateTime": time}))
    assert isinstance(order, CommerceProductOrderPaid)
    assert order.order.update_time is None


def test_null_is_an_empty_payload_where_nothing_depends_on_it() -> None:
    assert read(body("SubscriptionRenewed", EventPayload=None)).payload == {}


def without(name: str) -> bytes:
    content = json.loads(body())
    del content[name]
    return json.dumps(content).encode()


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "Invalid JSON"),
        (b"not json", "Invalid JSON"),
        (b"\xff\xfe", "Invalid JSON"),
        (b"[]", "object"),
        (b"null", "object"),
        (b"[" * 10_000, "Invalid JSON"),
        (b"{}", "EventType"),
        (without("NotificationId"), "NotificationId"),
        (without("EventType"), "EventType"),
        (without("EventPayload"), "EventPayload.UserId"),
        (body(NotificationId=""), "NotificationId"),
        (body(NotificationId=7), "NotificationId"),
        (body(EventType=""), "EventType"),
        (body(EventType=7), "EventType"),
        (body(EventPayload=[]), "EventPayload"),
        (body("SomethingNew", "text"), "EventPayload"),
        (body(payload={"UserId": 7}), "EventPayload.GameIds"),
        (body(payload={"UserId": 0, "GameIds": []}), "EventPayload.UserId"),
        (body(payload={"UserId": -1, "GameIds": []}), "EventPayload.UserId"),
        (body(payload={"UserId": "seven", "GameIds": []}), "EventPayload.UserId"),
        (body(payload={"UserId": 7, "GameIds": 13059}), "EventPayload.GameIds"),
        (body(payload={"UserId": 7, "GameIds": [None]}), "EventPayload.GameIds"),
        (body("CommerceProductOrderPaid", {"user": "users/7"}), "EventPayload.path"),
    ],
)
def test_a_malformed_body_is_told_with_what_was_wrong(content: bytes, told: str) -> None:
    with pytest.raises(WebhookError, match=told) as caught:
        read(content)
    assert type(caught.value) is WebhookError
    assert caught.value.__context__ is None  # pydantic's error would show what stood in the body


def test_what_is_wrong_is_told_without_what_stood_there() -> None:
    with pytest.raises(WebhookError) as caught:
        read(body(payload={"UserId": "a private matter", "GameIds": []}))
    assert "private" not in str(caught.value)


def test_events_can_be_made_for_tests_of_handlers() -> None:
    event = RightToErasureRequest(notification_id="1", user_id=7, place_ids=(13059,))
    assert (event.event_type, event.user_id, event.place_ids) == ("RightToErasureRequest", 7, (13059,))


def test_events_do_not_change() -> None:
    event: Any = read(body())
    with pytest.raises(ValidationError):
        event.user_id = 8


def test_every_kind_is_public() -> None:
    kinds = [kind for kind in vars(rblxcloud.webhooks.events).values() if isinstance(kind, type)]
    events = {kind.__name__ for kind in kinds if issubclass(kind, WebhookEvent)}
    assert events <= set(rblxcloud.__all__)
