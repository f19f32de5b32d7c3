"""The emulator sends every kind, right and wrong, to a receiver in each mode, over sockets."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, get_args

import anyio
import pytest

import rblxcloud
import rblxcloud.sync
from rblxcloud import MemoryWebhookInbox, Webhook, WebhookAnswer, WebhookEvent
from rblxcloud.emulator import Emulator, WebhookDelivery, serve
from rblxcloud.emulator.webhooks.events import KINDS, Event, sample_notification
from rblxcloud.emulator.webhooks.signer import Flaw
from tests.webhooks.signing import SECRET


class Site:
    """A web server that takes webhooks in with a receiver of one of the modes."""

    def __init__(self, mode: str, *, stored: bool) -> None:
        package = rblxcloud.sync if mode == "blocking" else rblxcloud
        receiver: Any = package.WebhookReceiver(Webhook(SECRET), inbox=MemoryWebhookInbox() if stored else None)
        self.events: list[WebhookEvent] = []
        self.receiver = receiver

        def do(name: str, *arguments: Any) -> Any:
            method = getattr(receiver, name)
            return method(*arguments) if mode == "blocking" else anyio.run(method, *arguments, backend=mode)

        @receiver.on(WebhookEvent)
        def handle(event: WebhookEvent) -> None:
            self.events.append(event)

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                content = self.rfile.read(int(self.headers["content-length"]))
                answer: WebhookAnswer = do("receive", self.headers, content)
                if stored:
                    do("handle_due")
                self.send_response(answer.status)
                self.end_headers()

            def log_message(self, *arguments: object) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)


@pytest.fixture(
    params=[(mode, stored) for mode in ("asyncio", "trio", "blocking") for stored in (False, True)], ids=str
)
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    mode, stored = request.param
    site = Site(mode, stored=stored)
    thread = threading.Thread(target=site.server.serve_forever, args=(0.01,))
    thread.start()
    yield site
    site.server.shutdown()
    thread.join()
    site.server.server_close()


@pytest.fixture
def emulator(site: Site) -> Iterator[Emulator]:
    with Emulator() as emulator, serve(emulator):
        emulator.webhooks.retry_interval = 0
        emulator.webhooks.add(f"http://127.0.0.1:{site.server.server_port}/", SECRET)
        yield emulator


def settled(emulator: Emulator) -> list[WebhookDelivery]:
    """Return the deliveries, once nothing more is to be sent."""
    for _ in range(3000):
        if not emulator.webhooks.is_waiting():
            return emulator.webhooks.deliveries()
        threading.Event().wait(0.01)
    raise AssertionError("something is still to be sent")


def test_every_kind_comes_through_as_itself(site: Site, emulator: Emulator) -> None:
    sent: dict[str, Event] = {}
    for name, make in KINDS.items():
        event = make(user=7, game_ids=[13059]) if name == "right-to-erasure-request" else make(user=7)
        sent[emulator.webhooks.trigger(event)] = event
    new = Event("SomethingNew", {"é": [1.5, None]})
    sent[emulator.webhooks.trigger(new)] = new
    assert {delivery.state for delivery in settled(emulator)} == {"delivered"}
    assert {event.notification_id: (event.event_type, event.payload) for event in site.events} == {
        number: (event.type, event.payload) for number, event in sent.items()
    }
    kinds = {type(event).__name__ for event in site.events}
    assert kinds == {event.type for event in sent.values()} - {"SomethingNew"} | {"WebhookEvent"}
    assert len(site.events) == len(sent)


STATUS = {"expired": 403, "future": 403}


@pytest.mark.parametrize("flaw", [flaw for flaw in get_args(Flaw) if flaw != "replayed"])
def test_a_wrong_one_is_refused_six_times(site: Site, emulator: Emulator, flaw: Flaw) -> None:
    emulator.webhooks.trigger(sample_notification(), flaw=flaw)
    (delivery,) = settled(emulator)
    assert [attempt.status for attempt in delivery.attempts] == [STATUS.get(flaw, 401)] * 6
    assert (delivery.state, site.events) == ("abandoned", [])


def test_a_replayed_one_is_handled_once(site: Site, emulator: Emulator) -> None:
    # While its twin is handled it is refused, and six times is soon over: the handler needs its time on a busy machine.
    emulator.webhooks.retry_interval = 1
    emulator.webhooks.trigger(sample_notification(), flaw="replayed")
    deliveries = settled(emulator)
    assert [delivery.state for delivery in deliveries] == ["delivered"] * 2
    assert len(site.events) == 1
