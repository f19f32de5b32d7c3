"""Ordered faults: what the caller gets, what the service did, and what the log says of it."""

import json
import threading
from typing import Any

import httpx
import pytest

from rblxcloud.emulator.clock import Clock
from rblxcloud.emulator.core import Emulator
from rblxcloud.emulator.faults import Fault
from rblxcloud.emulator.transport import EmulatorTransport
from tests.support.emulator import START, Caller

PATH = "/cloud/v2/universes/7:publishMessage"
MESSAGE = {"topic": "t", "message": "m"}


def log(emulator: Emulator) -> list[tuple[int | None, bool, str | None]]:
    return [(entry.status, entry.acted, entry.fault) for entry in emulator.requests()]


@pytest.mark.parametrize(
    ("fault", "sent", "cut_after", "acted"),
    [
        (Fault(kind="delay", delay=2.5), 200, None, True),
        (Fault(kind="answer", status=503), 503, None, False),
        (Fault(kind="answer", status=500, acts=True), 500, None, True),
        (Fault(kind="drop"), None, -1, False),
        (Fault(kind="drop", acts=True), None, -1, True),
        (Fault(kind="cut"), 200, 0, True),
    ],
    ids=lambda value: f"{value.kind}-{value.acts}" if isinstance(value, Fault) else None,
)
def test_the_log_says_what_was_done(
    emulator: Emulator, call: Caller, fault: Fault, sent: int | None, cut_after: int | None, acted: bool
) -> None:
    emulator.faults.add(fault)
    reply = call("POST", PATH, MESSAGE).reply
    assert reply.cut_after == cut_after
    assert reply.delay == fault.delay
    assert log(emulator) == [(sent, acted, fault.kind)]
    assert len(emulator.messages()) == acted
    assert call("POST", PATH, MESSAGE).status == 200
    assert log(emulator)[1:] == [(200, True, None)]


def test_a_refused_request_did_nothing_although_a_fault_let_it_act(emulator: Emulator, call: Caller) -> None:
    emulator.faults.add(Fault(kind="drop", acts=True))
    call("POST", PATH, MESSAGE, key="wrong")
    assert log(emulator) == [(None, False, "drop")]


@pytest.mark.parametrize(
    ("path", "field", "value"),
    [
        (PATH, "code", "UNAVAILABLE"),
        ("/datastores/v1/universes/7/standard-datastores", "error", "UNAVAILABLE"),
        ("/nowhere", "errors", [{"code": 0, "message": "Fault of the emulator."}]),
    ],
)
def test_an_answer_is_in_the_family_of_the_service(
    emulator: Emulator, call: Caller, path: str, field: str, value: Any
) -> None:
    emulator.faults.add(Fault(kind="answer", status=503))
    assert call("POST" if path == PATH else "GET", path).json[field] == value


def test_an_answer_can_be_anything(emulator: Emulator, call: Caller) -> None:
    html = {"Content-Type": "text/html", "Retry-After": "7"}
    emulator.faults.add(Fault(kind="answer", status=429, headers=html, body="<html>"))
    answer = call("GET", "/cloud/v2/universes/7")
    assert (answer.status, answer.reply.body) == (429, b"<html>")
    assert answer.headers == {"content-type": "text/html", "retry-after": "7"}


def test_a_fault_strikes_only_what_it_matches(emulator: Emulator, call: Caller) -> None:
    emulator.faults.add(Fault(kind="answer", status=503, endpoint="messaging.publish_message", times=None))
    emulator.faults.add(Fault(kind="answer", status=502, method="PATCH", times=None))
    emulator.faults.add(Fault(kind="answer", status=500, path="/cloud/v2/universes/9*", times=None))
    assert call("POST", PATH, MESSAGE).status == 503
    assert call("PATCH", "/cloud/v2/universes/7", {}).status == 502
    assert call("GET", "/cloud/v2/universes/99?x=1").status == 500
    assert call("GET", "/cloud/v2/universes/7").status == 200


def test_a_fault_strikes_after_some_so_many_times(emulator: Emulator, call: Caller) -> None:
    emulator.faults.add(Fault(kind="answer", status=503, after=2, times=3))
    statuses = [call("GET", "/cloud/v2/universes/7").status for _ in range(7)]
    assert statuses == [200, 200, 503, 503, 503, 200, 200]
    assert emulator.faults.armed() == {}


def test_probability_is_drawn_from_the_seed() -> None:
    def run(seed: int) -> list[int]:
        with Emulator(seed=seed, limits=False) as emulator:
            emulator.faults.add(Fault(kind="answer", status=503, probability=0.3, times=None))
            return [Caller(emulator)("GET", "/cloud/v2/universes/7").status for _ in range(300)]

    first = run(1)
    assert first == run(1)
    assert first != run(2)
    assert 60 < first.count(503) < 120


def test_faults_come_before_every_check_and_spend_no_limit(emulator: Emulator, call: Caller) -> None:
    emulator.faults.add(Fault(kind="answer", status=503))
    assert call("GET", "/cloud/v2/universes/7", key=None).status == 503
    assert call("GET", "/cloud/v2/universes/7").headers["x-ratelimit-remaining"] == "99"


def test_a_removed_fault_does_not_strike(emulator: Emulator, call: Caller) -> None:
    number = emulator.faults.add(Fault(kind="drop"))
    assert emulator.faults.remove(number)
    assert not emulator.faults.remove(number)
    assert call("GET", "/cloud/v2/universes/7").reply.cut_after is None


def test_the_log_finds_tagged_requests_and_forgets_old_ones() -> None:
    with Emulator(log_size=100, limits=False) as emulator:
        call = Caller(emulator)
        for number in range(600):
            call("GET", "/cloud/v2/universes/7", headers={"x-emulator-tag": f"run-{number % 2}"})
        entries = emulator.requests()
        assert [entry.id for entry in entries] == list(range(413, 601))
        assert {entry.tag for entry in emulator.requests(tag="run-1")} == {"run-1"}
        assert len(emulator.requests(tag="run-1")) == 94
        assert [entry.id for entry in emulator.requests(after=598)] == [599, 600]
        assert [entry.id for entry in emulator.requests(limit=1)] == [413]
        emulator.clear_requests()
        assert emulator.requests() == []


def test_unacted_requests_leave_nothing_among_threads(emulator: Emulator) -> None:
    emulator.limits.enabled = False
    emulator.faults.add(Fault(kind="answer", status=500, acts=False, probability=0.3, times=None))
    emulator.faults.add(Fault(kind="drop", acts=True, probability=0.3, times=None))
    heard: list[int] = []
    emulator.subscribe(lambda message: heard.append(message.id))

    def publish() -> None:
        for _ in range(50):
            Caller(emulator)("POST", PATH, MESSAGE)

    threads = [threading.Thread(target=publish) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    acted = sum(entry.acted for entry in emulator.requests())
    assert len(emulator.requests()) == 400
    assert 0 < acted < 400
    assert acted == len(emulator.messages()) == len(heard)


# --- the same as httpx sees it in process


def blocking(emulator: Emulator, **options: Any) -> httpx.Client:
    headers = {"x-api-key": "emulator-key"}
    return httpx.Client(transport=EmulatorTransport(emulator, **options), base_url="http://emulator", headers=headers)


@pytest.mark.parametrize("kind", ["drop", "cut"])
def test_a_broken_connection_is_a_protocol_error(emulator: Emulator, kind: Any) -> None:
    emulator.faults.add(Fault(kind=kind, acts=True))
    with blocking(emulator) as client, pytest.raises(httpx.RemoteProtocolError):
        client.get("/cloud/v2/universes/7")
    assert [entry.acted for entry in emulator.requests()] == [True]


def test_the_beginning_of_a_cut_body_arrives(emulator: Emulator) -> None:
    emulator.faults.add(Fault(kind="cut", cut_after=9))
    with blocking(emulator) as client, client.stream("GET", "/cloud/v2/universes/7") as response:
        chunks = response.iter_raw()
        assert next(chunks) == b'{"path":"'
        assert int(response.headers["content-length"]) > 9
        with pytest.raises(httpx.RemoteProtocolError):
            next(chunks)


def test_a_delay_moves_the_clock_instead_of_waiting(emulator: Emulator, clock: Clock) -> None:
    emulator.faults.add(Fault(kind="delay", delay=3.0))
    with blocking(emulator) as client:
        assert client.get("/cloud/v2/universes/7", timeout=5).status_code == 200
    assert clock.now() == START + 3


def test_a_delay_beyond_the_timeout_is_a_timeout_although_it_was_done(emulator: Emulator, clock: Clock) -> None:
    emulator.faults.add(Fault(kind="delay", delay=30.0))
    with blocking(emulator) as client, pytest.raises(httpx.ReadTimeout):
        client.post(PATH, json=MESSAGE, timeout=5)
    assert clock.now() == START + 5
    assert len(emulator.messages()) == 1


@pytest.mark.anyio
async def test_the_async_transport_does_the_same(emulator: Emulator, clock: Clock) -> None:
    transport = EmulatorTransport(emulator)
    headers = {"x-api-key": "emulator-key"}
    async with httpx.AsyncClient(transport=transport, base_url="http://emulator", headers=headers) as client:
        assert json.loads((await client.get("/cloud/v2/universes/7")).content)["path"] == "universes/7"
        emulator.faults.add(Fault(kind="cut"))
        with pytest.raises(httpx.RemoteProtocolError):
            await client.get("/cloud/v2/universes/7")
        emulator.faults.add(Fault(kind="drop"))
        with pytest.raises(httpx.RemoteProtocolError):
            await client.get("/cloud/v2/universes/7")
        emulator.faults.add(Fault(kind="delay", delay=9))
        with pytest.raises(httpx.ReadTimeout):
            await client.get("/cloud/v2/universes/7", timeout=1)
    assert [entry.acted for entry in emulator.requests()] == [True, True, False, True]
    assert clock.now() == START + 1
