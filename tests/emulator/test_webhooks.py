"""The emulator's webhooks: what goes out, signed, tried again, abandoned."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import hmac
import json
import math
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from rblxcloud.emulator import Emulator
from rblxcloud.emulator.clock import Clock
from rblxcloud.emulator.server import serve
from rblxcloud.emulator.webhooks.controls import TIMEOUT, OutgoingWebhook
from rblxcloud.emulator.webhooks.courier import deliver_due, run
from rblxcloud.emulator.webhooks.events import KINDS, Event, sample_notification
from tests.emulator.test_creators_control import Control
from tests.support.emulator import START

URL, SECRET = "http://receiver.example/hook", "the secret"


@pytest.fixture
def control(emulator: Emulator) -> Control:
    return Control(emulator)


def outgoing(emulator: Emulator) -> OutgoingWebhook:
    (request,) = emulator.webhooks.take_due()
    return request


def elements(request: OutgoingWebhook) -> dict[str, str]:
    return dict(element.split("=", 1) for element in request.headers["roblox-signature"].split(","))


def is_signed(request: OutgoingWebhook, secret: str = SECRET) -> bool:
    """Whether the documented formula gives the signature in the header."""
    found = elements(request)
    message = found["t"].encode() + b"." + request.body
    return found.get("v1") == base64.b64encode(hmac.new(secret.encode(), message, hashlib.sha256).digest()).decode()


def test_a_notification_is_compact_json_with_a_time_of_seven_digits(emulator: Emulator) -> None:
    emulator.webhooks.add(URL, SECRET)
    emulator.clock.advance(0.25)
    number = emulator.webhooks.trigger(Event("SampleNotification", {"UserId": 1, "Name": "é"}))
    request = outgoing(emulator)
    assert request.url == URL
    assert request.headers["content-type"] == "application/json"
    assert request.body.decode() == (
        f'{{"NotificationId":"{number}","EventType":"SampleNotification",'
        '"EventTime":"2027-01-15T08:00:00.2500000Z","EventPayload":{"UserId":1,"Name":"é"}}'
    )


def test_it_is_signed_with_the_secret(emulator: Emulator) -> None:
    emulator.webhooks.add(URL, SECRET)
    emulator.webhooks.trigger(sample_notification())
    request = outgoing(emulator)
    assert elements(request)["t"] == str(int(START))
    assert is_signed(request)


def test_without_a_secret_the_header_has_the_time_alone(emulator: Emulator) -> None:
    emulator.webhooks.add(URL)
    emulator.webhooks.trigger(sample_notification())
    assert outgoing(emulator).headers["roblox-signature"] == f"t={int(START)}"


def test_each_address_is_told_what_it_wants(emulator: Emulator) -> None:
    emulator.webhooks.add(URL)
    emulator.webhooks.add(f"{URL}/2", event_types=["RightToErasureRequest"])
    emulator.webhooks.trigger(sample_notification())
    assert [request.url for request in emulator.webhooks.take_due()] == [URL]
    emulator.webhooks.trigger(KINDS["right-to-erasure-request"](user=7, game_ids=[2, 1]))
    requests = emulator.webhooks.take_due()
    assert [request.url for request in requests] == [URL, f"{URL}/2"]
    assert len({request.body for request in requests}) == 1
    assert json.loads(requests[0].body)["EventPayload"] == {"UserId": 7, "GameIds": [2, 1]}


def test_a_failure_is_tried_again_five_times_and_then_abandoned(emulator: Emulator, clock: Clock) -> None:
    emulator.webhooks.add(URL, SECRET)
    emulator.webhooks.trigger(sample_notification())
    bodies: set[bytes] = set()
    moments: list[str] = []
    for status in (500, 404, 301, None, 199, 300):
        request = outgoing(emulator)
        bodies.add(request.body)
        moments.append(elements(request)["t"])
        assert is_signed(request)
        emulator.webhooks.record(request, status=status, problem=None if status else "cut")
        assert emulator.webhooks.take_due() == []
        clock.advance(1)
    assert len(bodies) == 1
    assert moments == [str(int(START) + second) for second in range(6)]  # each attempt is signed anew
    assert emulator.webhooks.take_due() == []
    assert not emulator.webhooks.is_waiting()
    (delivery,) = emulator.webhooks.deliveries()
    assert delivery.state == "abandoned"
    assert [(attempt.status, attempt.problem) for attempt in delivery.attempts] == [
        (500, None), (404, None), (301, None), (None, "cut"), (199, None), (300, None)
    ]  # fmt: skip
    assert [attempt.time for attempt in delivery.attempts] == [START + second for second in range(6)]


@pytest.mark.parametrize("status", [200, 204, 299])
def test_a_success_ends_it(emulator: Emulator, clock: Clock, status: int) -> None:
    emulator.webhooks.add(URL)
    emulator.webhooks.trigger(sample_notification())
    emulator.webhooks.record(outgoing(emulator), status=503)
    clock.advance(1)
    emulator.webhooks.record(outgoing(emulator), status=status)
    clock.advance(100)
    assert emulator.webhooks.take_due() == []
    assert emulator.webhooks.deliveries()[0].state == "delivered"


def test_the_interval_can_be_another(emulator: Emulator, clock: Clock) -> None:
    emulator.webhooks.retry_interval = 60
    emulator.webhooks.add(URL)
    emulator.webhooks.trigger(sample_notification())
    emulator.webhooks.record(outgoing(emulator), status=503)
    clock.advance(59)
    assert emulator.webhooks.take_due() == []
    clock.advance(1)
    assert len(emulator.webhooks.take_due()) == 1


def test_what_was_taken_and_never_reported_is_due_again(emulator: Emulator, clock: Clock) -> None:
    emulator.webhooks.add(URL)
    emulator.webhooks.trigger(sample_notification())
    assert len(emulator.webhooks.take_due()) == 1
    clock.advance(TIMEOUT)
    assert emulator.webhooks.take_due() == []
    clock.advance(1)
    assert len(emulator.webhooks.take_due()) == 1


FLAWED = {
    "wrong_secret": (False, 0),
    "tampered": (False, 0),
    "reencoded": (False, 0),
    "expired": (True, -3600),
    "future": (True, 3600),
}


@pytest.mark.parametrize(("flaw", "is_good", "skew"), [(flaw, *told) for flaw, told in FLAWED.items()])
def test_what_is_wrong_to_order_is_wrong_in_that_alone(emulator: Emulator, flaw: Any, is_good: bool, skew: int) -> None:
    emulator.webhooks.add(URL, SECRET)
    number = emulator.webhooks.trigger(sample_notification(), flaw=flaw)
    request = outgoing(emulator)
    assert is_signed(request) is is_good
    assert int(elements(request)["t"]) == int(START) + skew
    content = json.loads(request.body)
    assert content["EventPayload"] == {"UserId": 1}
    assert (content["NotificationId"] == number) is (flaw != "tampered")
    assert emulator.webhooks.deliveries()[0].flaw == flaw


def test_an_unsigned_one_has_the_time_alone(emulator: Emulator) -> None:
    emulator.webhooks.add(URL, SECRET)
    emulator.webhooks.trigger(sample_notification(), flaw="unsigned")
    assert elements(outgoing(emulator)) == {"t": str(int(START))}


def test_a_replayed_one_comes_twice_the_same_to_the_last_bit(emulator: Emulator, clock: Clock) -> None:
    emulator.webhooks.add(URL, SECRET)
    emulator.webhooks.trigger(sample_notification(), flaw="replayed")
    clock.advance(9)
    first, second = emulator.webhooks.take_due()
    assert (first.headers, first.body) == (second.headers, second.body)
    assert is_signed(first)


def test_the_same_id_again_is_a_duplicate(emulator: Emulator) -> None:
    emulator.webhooks.add(URL)
    for _ in range(2):
        assert emulator.webhooks.trigger(sample_notification(), notification_id="1") == "1"
    assert [json.loads(request.body)["NotificationId"] for request in emulator.webhooks.take_due()] == ["1", "1"]


def test_five_addresses_and_no_more(emulator: Emulator) -> None:
    ids = [emulator.webhooks.add(f"{URL}/{number}") for number in range(5)]
    with pytest.raises(ValueError, match="5 webhooks already"):
        emulator.webhooks.add(URL)
    assert emulator.webhooks.remove(ids[2]) is True
    assert emulator.webhooks.remove(ids[2]) is False
    emulator.webhooks.add(URL)
    assert len(emulator.webhooks.registered()) == 5


def test_a_removed_address_is_told_nothing_more(emulator: Emulator) -> None:
    removed = emulator.webhooks.add(URL)
    emulator.webhooks.trigger(sample_notification())
    emulator.webhooks.record(outgoing(emulator), status=200)
    emulator.webhooks.trigger(sample_notification())
    emulator.webhooks.remove(removed)
    assert emulator.webhooks.take_due() == []
    assert [delivery.state for delivery in emulator.webhooks.deliveries()] == ["delivered", "abandoned"]


@pytest.mark.parametrize("url", ["", "receiver.example", "ftp://receiver.example", "https://"])
def test_what_is_no_address_is_refused(emulator: Emulator, url: str) -> None:
    with pytest.raises(ValueError, match="address"):
        emulator.webhooks.add(url)
    with pytest.raises(ValueError, match="secret"):
        emulator.webhooks.add(URL, "")


def test_reset_forgets_everything(emulator: Emulator) -> None:
    emulator.webhooks.add(URL)
    emulator.webhooks.trigger(sample_notification())
    emulator.webhooks.retry_interval = 60
    emulator.reset()
    assert emulator.webhooks.registered() == []
    assert emulator.webhooks.deliveries() == []
    assert not emulator.webhooks.is_waiting()
    assert emulator.webhooks.retry_interval == 1


def test_what_was_under_way_at_a_reset_is_not_noted(emulator: Emulator) -> None:
    for _ in range(2):
        emulator.webhooks.add(URL)
        emulator.webhooks.trigger(sample_notification())
        request = outgoing(emulator)
        emulator.reset()
    emulator.webhooks.add(URL)
    emulator.webhooks.trigger(sample_notification())
    emulator.webhooks.record(request, status=200)
    (delivery,) = emulator.webhooks.deliveries()
    assert (delivery.id, delivery.state, delivery.attempts) == (request.delivery, "pending", ())


def test_a_file_keeps_what_is_still_to_be_sent(tmp_path: Path) -> None:
    with Emulator(database=tmp_path / "state.db") as emulator:
        emulator.webhooks.add(URL, SECRET)
        emulator.webhooks.trigger(sample_notification())
    with Emulator(database=tmp_path / "state.db") as emulator:
        assert is_signed(outgoing(emulator))


# --- the control API


EVENTS = {
    "sample-notification": ("SampleNotification", {"UserId": 7}),
    "right-to-erasure-request": ("RightToErasureRequest", {"UserId": 7, "GameIds": [13059]}),
    **{
        f"subscription-{name.lower()}": (
            f"Subscription{name}",
            {"Subscription": "universes/2/subscription-products/EXP-3/subscriptions/7", "Subscriber": "users/7"},
        )
        for name in ("Purchased", "Renewed", "Resubscribed", "Refunded", "Cancelled")
    },
    "commerce-product-order-paid": ("CommerceProductOrderPaid", {"state": "STATE_PAID", "user": "users/7"}),
    "commerce-product-order-refunded": ("CommerceProductOrderRefunded", {"state": "STATE_REFUNDED", "user": "users/7"}),
}


def test_there_is_a_control_for_each_kind() -> None:
    assert EVENTS.keys() == KINDS.keys()


@pytest.mark.parametrize(("name", "kind", "payload"), [(name, *event) for name, event in EVENTS.items()])
def test_a_kind_is_triggered(
    emulator: Emulator, control: Control, name: str, kind: str, payload: dict[str, Any]
) -> None:
    control("POST", "webhooks", {"url": URL, "secret": SECRET})
    more: dict[str, Any] = {"gameIds": [13059]} if name == "right-to-erasure-request" else {}
    more = {"universe": 2, "product": "EXP-3"} if name.startswith("subscription") else more
    number = control("POST", f"webhooks/{name}", {"user": 7, **more})["notificationId"]
    content = json.loads(outgoing(emulator).body)
    assert (content["NotificationId"], content["EventType"]) == (number, kind)
    assert content["EventPayload"].items() >= payload.items()


def test_a_cancelled_subscription_has_its_reason(emulator: Emulator, control: Control) -> None:
    control("POST", "webhooks", {"url": URL})
    control("POST", "webhooks/subscription-cancelled", {"reason": "BORED"})
    assert json.loads(outgoing(emulator).body)["EventPayload"]["CancellationReason"] == "BORED"


def test_anything_is_triggered(emulator: Emulator, control: Control) -> None:
    control("POST", "webhooks", {"url": URL, "eventTypes": ["SomethingNew"]})
    body = {"eventType": "SomethingNew", "payload": {"Any": [1]}, "notificationId": "1", "flaw": "expired"}
    assert control("POST", "webhooks/events", body) == {"notificationId": "1"}
    request = outgoing(emulator)
    assert json.loads(request.body)["EventPayload"] == {"Any": [1]}
    assert elements(request)["t"] == str(int(START) - 3600)


def test_addresses_are_listed_without_their_secrets(control: Control) -> None:
    number = control("POST", "webhooks", {"url": URL, "secret": SECRET})["id"]
    assert control("PUT", "webhooks", {"retryInterval": 2})["retryInterval"] == 2
    shown = control("GET", "webhooks")
    assert shown == {
        "webhooks": [{"id": number, "url": URL, "eventTypes": None, "signed": True}],
        "retryInterval": 2,
    }
    assert control("DELETE", f"webhooks/{number}") == {}
    assert control("GET", "webhooks")["webhooks"] == []


def test_deliveries_are_listed(emulator: Emulator, control: Control) -> None:
    webhook = control("POST", "webhooks", {"url": URL})["id"]
    for _ in range(3):
        control("POST", "webhooks/sample-notification")
    emulator.webhooks.record(emulator.webhooks.take_due()[1], status=200)
    (row,) = control("GET", "webhooks/deliveries?after=1&limit=1")["deliveries"]
    assert (row["id"], row["webhook"], row["eventType"], row["state"]) == (
        2,
        webhook,
        "SampleNotification",
        "delivered",
    )
    assert row["attempts"] == [{"time": "2027-01-15T08:00:00Z", "status": 200, "problem": None}]


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "webhooks", {}, 400),
        ("POST", "webhooks", {"url": "nowhere"}, 400),
        ("POST", "webhooks", {"url": URL, "secrets": "x"}, 400),
        ("PUT", "webhooks", {"retryInterval": -1}, 400),
        ("PUT", "webhooks", {"retryInterval": True}, 400),
        ("PUT", "webhooks", {"retryInterval": math.nan}, 400),
        ("PUT", "webhooks", {"retryInterval": math.inf}, 400),
        ("DELETE", "webhooks/7", None, 404),
        ("DELETE", "webhooks/x", None, 404),
        ("GET", "webhooks/7", None, 404),
        ("POST", "webhooks/nonsense", {}, 404),
        ("POST", "webhooks/sample-notification", {"user": "x"}, 400),
        ("POST", "webhooks/sample-notification", {"users": 7}, 400),
        ("POST", "webhooks/sample-notification", {"flaw": "none such"}, 400),
        ("POST", "webhooks/right-to-erasure-request", {"user": 7}, 400),
        ("POST", "webhooks/events", {"payload": {}}, 400),
    ],
)
def test_controls_that_cannot_be_meant_are_refused(
    control: Control, method: str, path: str, body: Any, status: int
) -> None:
    answer = control.ask(method, path, body)
    assert answer.status == status
    assert answer.json["error"]


# --- delivery


class Server(ThreadingHTTPServer):
    """A server that lets many wait."""

    request_queue_size = 64


class Target:
    """A receiver on a socket, which answers as it is told and keeps what came."""

    def __init__(self) -> None:
        self.statuses: list[int] = []
        self.requests: list[tuple[str, dict[str, str], bytes]] = []
        self.came = threading.Semaphore(0)
        target = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                content = self.rfile.read(int(self.headers["content-length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                target.requests.append((self.path, headers, content))
                self.send_response(target.statuses.pop(0) if target.statuses else 200)
                self.send_header("content-length", "0")
                self.send_header("location", "/elsewhere")
                self.end_headers()
                target.came.release()

            def log_message(self, *arguments: object) -> None: ...

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook?a=1"


@pytest.fixture
def target() -> Iterator[Target]:
    target = Target()
    thread = threading.Thread(target=target.server.serve_forever, args=(0.01,))
    thread.start()
    yield target
    target.server.shutdown()
    thread.join()
    target.server.server_close()


@pytest.mark.parametrize("ticks", range(8))
def test_the_courier_ends_even_when_it_is_woken_at_the_same_moment(emulator: Emulator, ticks: int) -> None:
    emulator.webhooks.add("http://127.0.0.1:1/", SECRET, ["SampleNotification"])
    number = emulator.webhooks.trigger(sample_notification())

    async def stop() -> None:
        courier = asyncio.create_task(run(emulator.webhooks))
        while not emulator.webhooks.deliveries()[0].attempts:  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0)
        for _ in range(100):  # It has come to its wait for the second attempt.
            await asyncio.sleep(0)
        emulator.webhooks.trigger(Event("NobodyWants", {}))
        for _ in range(ticks):
            await asyncio.sleep(0)
        courier.cancel()
        ended, _ = await asyncio.wait([courier], timeout=10)
        assert ended
        assert courier.cancelled()

    asyncio.run(stop())
    assert [each.notification_id for each in emulator.webhooks.deliveries()] == [number]


def test_a_served_emulator_delivers_at_once_and_again_when_its_clock_is_moved(
    emulator: Emulator, clock: Clock, target: Target
) -> None:
    target.statuses = [500, 302, 204]
    with serve(emulator):
        emulator.webhooks.add(target.url, SECRET)
        emulator.webhooks.trigger(sample_notification())
        assert target.came.acquire(timeout=30)
        until_recorded(emulator, 1)
        clock.advance(1)
        assert target.came.acquire(timeout=30)
        until_recorded(emulator, 2)
        clock.advance(1)
        assert target.came.acquire(timeout=30)
        until_recorded(emulator, 3)
    assert [path for path, _, _ in target.requests] == ["/hook?a=1"] * 3  # no redirect is followed
    for _, headers, content in target.requests:
        assert is_signed(OutgoingWebhook(0, "", "", headers, content))
    (delivery,) = emulator.webhooks.deliveries()
    assert (delivery.state, [attempt.status for attempt in delivery.attempts]) == ("delivered", [500, 302, 204])


def until_recorded(emulator: Emulator, attempts: int) -> None:
    for _ in range(3000):
        if len(emulator.webhooks.deliveries()[0].attempts) == attempts:
            return
        threading.Event().wait(0.01)
    raise AssertionError("the attempt was not recorded")


def test_what_was_left_is_delivered_when_it_is_served_again(emulator: Emulator, target: Target) -> None:
    emulator.webhooks.add(target.url)
    emulator.webhooks.trigger(sample_notification())
    with serve(emulator):
        assert target.came.acquire(timeout=30)


def test_many_are_delivered_a_few_at_a_time(emulator: Emulator, target: Target) -> None:
    with serve(emulator):
        emulator.webhooks.add(target.url)
        for _ in range(200):
            emulator.webhooks.trigger(sample_notification())
        for _ in range(200):
            assert target.came.acquire(timeout=30)
    assert len({content for _, _, content in target.requests}) == 200


def test_over_http_alone(emulator: Emulator, target: Target) -> None:
    with serve(emulator) as base_url:
        for path, body in (("webhooks", {"url": target.url}), ("webhooks/sample-notification", {"user": 9})):
            httpx.post(f"{base_url}/_emulator/{path}", json=body, trust_env=False).raise_for_status()
        assert target.came.acquire(timeout=30)
    assert json.loads(target.requests[0][2])["EventPayload"] == {"UserId": 9}


def deliver(emulator: Emulator, transport: httpx.AsyncBaseTransport | None = None) -> int:
    async def once() -> int:
        async with httpx.AsyncClient(transport=transport, trust_env=False) as http:
            return await deliver_due(emulator.webhooks, http)

    return anyio.run(once)


@pytest.mark.parametrize("url", ["http://127.0.0.1:99999/", "http://[::1", "http://a b/", "http://\u2603..example/"])
def test_an_address_that_cannot_be_reached_is_refused_or_a_failure(emulator: Emulator, url: str) -> None:
    with contextlib.suppress(ValueError):
        emulator.webhooks.add(url)
    emulator.webhooks.trigger(sample_notification())
    assert deliver(emulator) == len(emulator.webhooks.registered())
    assert all(each.problem for delivery in emulator.webhooks.deliveries() for each in delivery.attempts)


def test_a_target_that_is_not_there_is_a_failure(emulator: Emulator) -> None:
    emulator.webhooks.add("http://127.0.0.1:1/")
    emulator.webhooks.trigger(sample_notification())
    assert deliver(emulator) == 1
    (attempt,) = emulator.webhooks.deliveries()[0].attempts
    assert attempt.status is None
    assert attempt.problem is not None
    assert attempt.problem.startswith("ConnectError")
    assert deliver(emulator) == 0


def test_a_target_that_does_not_answer_in_time_is_a_failure(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rblxcloud.emulator.webhooks.courier.TIMEOUT", 0.01)

    class Slow(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            await anyio.sleep_forever()
            raise AssertionError

    emulator.webhooks.add(URL)
    emulator.webhooks.trigger(sample_notification())
    deliver(emulator, Slow())
    (attempt,) = emulator.webhooks.deliveries()[0].attempts
    assert (attempt.status, attempt.problem) == (None, "no answer within 0.01 seconds")
