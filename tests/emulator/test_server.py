"""The emulator on loopback: what is really on the wire, the command, durability, and the control API."""

from __future__ import annotations

import argparse
import json
import signal
import socket
import sqlite3
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from rblxcloud.cli import emulator as command
from rblxcloud.emulator.clock import Clock
from rblxcloud.emulator.core import Emulator
from rblxcloud.emulator.faults import Fault
from rblxcloud.emulator.messaging import Message
from rblxcloud.emulator.server import EmulatorServer, serve
from tests.support.emulator import Caller, running

PATH = "/cloud/v2/universes/7"
MESSAGE = {"topic": "t", "message": "m"}


@pytest.fixture
def base_url(emulator: Emulator) -> Iterator[str]:
    with serve(emulator) as url:
        yield url


@pytest.fixture
def client(base_url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=base_url, headers={"x-api-key": "emulator-key"}) as made:
        yield made


def raw(base_url: str, request: str) -> bytes:
    """Send a request byte for byte, and return everything up to the end of the connection."""
    host, port = base_url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        connection.sendall(request.replace("\n", "\r\n").encode())
        received = b""
        while chunk := connection.recv(65_536):
            received += chunk
        return received


def get(path: str, connection: str = "close") -> str:
    return f"GET {path} HTTP/1.1\nHost: x\nX-Api-Key: emulator-key\nConnection: {connection}\n\n"


# --- on the wire


def test_the_path_arrives_undecoded(emulator: Emulator, base_url: str) -> None:
    raw(base_url, get("/cloud/v2/universes/7/data-stores/a%2Fb/entries/x%3Aincrement%2e?y=%20+z"))
    assert [(entry.endpoint, entry.path) for entry in emulator.requests()] == [
        (
            "data_stores.get_entry_unscoped",
            "/cloud/v2/universes/7/data-stores/a%2Fb/entries/x%3Aincrement%2e?y=%20+z",
        )
    ]


def test_a_dropped_request_gets_nothing_and_the_connection_ends(emulator: Emulator, base_url: str) -> None:
    emulator.faults.add(Fault(kind="drop"))
    assert raw(base_url, get(PATH, "keep-alive")) == b""


def test_a_cut_answer_announces_more_than_it_sends(emulator: Emulator, base_url: str) -> None:
    emulator.faults.add(Fault(kind="cut", cut_after=20))
    head, _, body = raw(base_url, get(PATH, "keep-alive")).partition(b"\r\n\r\n")
    announced = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    assert head.startswith(b"HTTP/1.1 200")
    assert len(body) == 20 < announced


def test_an_empty_answer_is_cut_too(emulator: Emulator, client: httpx.Client) -> None:
    emulator.faults.add(Fault(kind="cut"))
    with pytest.raises(httpx.RemoteProtocolError, match="without sending complete message body"):
        client.post(f"{PATH}:publishMessage", json=MESSAGE)
    assert len(emulator.messages()) == 1
    assert client.post(f"{PATH}:publishMessage", json=MESSAGE).status_code == 200


def test_a_delay_is_waited_for(emulator: Emulator, client: httpx.Client) -> None:
    emulator.faults.add(Fault(kind="delay", delay=60))
    with pytest.raises(httpx.ReadTimeout):
        client.get(PATH, timeout=httpx.Timeout(5, read=0.1))
    assert [entry.acted for entry in emulator.requests()] == [True]


def test_headers_of_the_answer_are_those_of_the_service(client: httpx.Client) -> None:
    headers = client.get(PATH).headers
    assert headers["content-type"] == "application/json; charset=utf-8"
    assert headers["x-ratelimit-limit"] == "100, 100;w=60"
    assert "server" not in headers


def test_many_connections_at_once(emulator: Emulator, base_url: str) -> None:
    emulator.limits.enabled = False

    def publish() -> None:
        with httpx.Client(base_url=base_url, headers={"x-api-key": "emulator-key"}) as mine:
            for _ in range(20):
                assert mine.post(f"{PATH}:publishMessage", json=MESSAGE).status_code == 200

    threads = [threading.Thread(target=publish) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [message.id for message in emulator.messages()] == list(range(1, 161))


def test_a_bug_of_the_emulator_is_an_internal_error(
    emulator: Emulator, client: httpx.Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_: Message) -> None:
        raise RuntimeError("broken subscriber")

    emulator.subscribe(broken)
    answer = client.post(f"{PATH}:publishMessage", json=MESSAGE)
    assert (answer.status_code, answer.json()["code"]) == (500, "INTERNAL")
    assert "broken subscriber" in caplog.text


def test_a_stopped_server_frees_its_port(emulator: Emulator) -> None:
    with serve(emulator) as first:
        pass
    port = int(first.rsplit(":", 1)[1])
    with EmulatorServer(emulator, port=port) as server:
        assert server.base_url == first
        assert httpx.get(f"{first}/_emulator/health").json()["status"] == "ok"


# --- the command


def test_the_command_says_one_line_when_it_answers_and_ctrl_c_ends_it() -> None:
    with running("--api-key", "one", "--api-key", "two") as (process, line):
        words, _, url = line.rpartition(" ")
        assert words == "rblxcloud emulator listening on"
        for key, status in (("one", 200), ("two", 200), ("emulator-key", 401)):
            assert httpx.get(url + PATH, headers={"x-api-key": key}).status_code == status
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=10) == ("", "")
        assert process.returncode == 0


def test_ctrl_c_does_not_wait_for_slow_answers() -> None:
    with running() as (process, line):
        url = line.rsplit(" ", 1)[1]
        httpx.post(f"{url}/_emulator/faults", json={"kind": "delay", "delay": 600})
        with httpx.Client() as slow, pytest.raises(httpx.ReadTimeout):
            slow.get(url + PATH, timeout=httpx.Timeout(5, read=0.1))
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=10) == ("", "")
        assert process.returncode == 0


def arguments(**changed: Any) -> argparse.Namespace:
    return argparse.Namespace(
        **{"host": "127.0.0.1", "port": 0, "db": ":memory:", "api_key": None, "oauth_app": None, **changed}
    )


def test_a_busy_port_is_one_line_and_status_2(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert command.run(arguments(port=port)) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err == f"rblxcloud emulator: cannot listen on 127.0.0.1 port {port}: Address already in use\n"


def test_a_file_that_is_no_database_is_one_line_and_status_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("not a database, but long enough to look like a header of one" * 20)
    assert command.run(arguments(db=str(file))) == 2
    assert capsys.readouterr().err == (f"rblxcloud emulator: cannot use the database {file}: file is not a database\n")


def test_without_the_extra_the_error_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delitem(sys.modules, "rblxcloud.emulator.wire", raising=False)
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    import rblxcloud.emulator

    monkeypatch.delattr(rblxcloud.emulator, "wire", raising=False)
    assert command.run(arguments()) == 2
    assert "pip install 'rblxcloud[emulator]'" in capsys.readouterr().err


# --- state


def test_a_file_keeps_the_state_for_the_next_run(tmp_path: Path) -> None:
    database = tmp_path / "state.db"
    with Emulator(database=database, api_keys=["first"]) as emulator:
        Caller(emulator)("POST", f"{PATH}:publishMessage", MESSAGE, key="first")
        Caller(emulator)("PATCH", PATH, {"vrEnabled": False}, key="first")
    with Emulator(database=database, api_keys=["second"]) as emulator:
        call = Caller(emulator)
        assert [message.topic for message in emulator.messages()] == ["t"]
        assert [call("GET", PATH, key=key).json["vrEnabled"] for key in ("first", "second")] == [False, False]


def test_reset_makes_a_fresh_emulator(emulator: Emulator, call: Caller, clock: Clock) -> None:
    fresh = call("GET", PATH).json
    now = clock.now()
    call("PATCH", PATH, {"vrEnabled": False})
    call("POST", f"{PATH}:publishMessage", MESSAGE)
    emulator.add_key("extra")
    emulator.faults.add(Fault(kind="drop", times=None))
    emulator.limits.enabled = False
    emulator.set_players(7, 5)
    clock.advance(100)
    emulator.reset()
    assert (emulator.messages(), emulator.requests(), emulator.faults.armed()) == ([], [], {})
    assert (emulator.limits.enabled, emulator.limits.players, clock.now()) == (True, {}, now)
    assert call("GET", PATH, key="extra").status == 401
    answer = call("GET", PATH)
    assert (answer.json, answer.headers["x-ratelimit-remaining"]) == (fresh, "99")
    assert emulator.requests()[0].id == 1


def test_a_closed_emulator_answers_no_more() -> None:
    emulator = Emulator()
    emulator.close()
    emulator.close()
    with pytest.raises(sqlite3.ProgrammingError):
        Caller(emulator)("GET", PATH)


# --- the control API


def test_health_needs_no_key_and_is_not_logged(emulator: Emulator, call: Caller) -> None:
    answer = call("GET", "/_emulator/health", key=None)
    assert (answer.status, answer.json) == (200, {"status": "ok", "time": "2027-01-15T08:00:00Z"})
    assert emulator.requests() == []


def test_keys_can_be_made_changed_and_removed(call: Caller) -> None:
    scopes = ["universe:write", {"name": "asset", "operations": ["read"], "userIds": ["1"]}]
    made = call("POST", "/_emulator/keys", {"key": "secret", "owner": "groups/9", "scopes": scopes})
    assert made.status == 200
    assert "secret" not in json.dumps(made.json)
    assert made.json["scopes"][0] == {"name": "universe", "operations": ["write"]}
    path = f"/_emulator/keys/{made.json['id']}"
    assert call("PATCH", PATH, {}, key="secret").status == 200
    assert call("PATCH", path, {"status": "DISABLED"}).json["status"] == "DISABLED"
    assert call("GET", path).json["owner"] == "groups/9"
    assert call("GET", PATH, key="secret").status == 401
    assert [key["id"] for key in call("GET", "/_emulator/keys").json["keys"]][1:] == [made.json["id"]]
    assert call("DELETE", path).status == 200
    assert [call(method, path, {}).status for method in ("GET", "PATCH", "DELETE")] == [404, 404, 404]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"key": ""},
        {"key": "secret-text", "owner": "bots/1"},
        {"key": "secret-text", "ipRanges": ["nowhere"]},
        {"key": "secret-text", "colour": "red"},
        [],
        b"{",
    ],
)
def test_a_key_that_makes_no_sense_is_refused(call: Caller, body: Any) -> None:
    answer = call("POST", "/_emulator/keys", body)
    assert answer.status == 400
    assert "secret-text" not in answer.json["error"]
    assert len(call("GET", "/_emulator/keys").json["keys"]) == 1


def test_messages_and_requests_can_be_read(call: Caller) -> None:
    for topic in ("a", "b"):
        call("POST", f"{PATH}:publishMessage", {"topic": topic, "message": "m"}, headers={"x-emulator-tag": topic})
    messages = call("GET", "/_emulator/messages?after=1&wait=30").json["messages"]
    assert messages == [
        {
            "id": 2,
            "time": "2027-01-15T08:00:00Z",
            "universe": "7",
            "topic": "b",
            "message": "m",
            "principal": "users/1",
        }
    ]
    (entry,) = call("GET", "/_emulator/requests?tag=a").json["requests"]
    assert (entry["method"], entry["endpoint"], entry["status"], entry["acted"]) == (
        "POST",
        "messaging.publish_message",
        200,
        True,
    )
    assert call("GET", "/_emulator/messages?after=x").status == 400
    call("DELETE", "/_emulator/requests")
    assert call("GET", "/_emulator/requests").json == {"requests": []}


def test_faults_can_be_armed_and_disarmed(call: Caller) -> None:
    made = call("POST", "/_emulator/faults", {"kind": "answer", "status": 503, "times": None}).json
    assert (call("GET", PATH).status, call("GET", PATH).status) == (503, 503)
    (listed,) = call("GET", "/_emulator/faults").json["faults"]
    assert (listed["id"], listed["struck"], listed["status"]) == (made["id"], 2, 503)
    assert call("DELETE", f"/_emulator/faults/{made['id']}").status == 200
    assert call("DELETE", f"/_emulator/faults/{made['id']}").status == 404
    call("POST", "/_emulator/faults", {"kind": "drop"})
    call("DELETE", "/_emulator/faults")
    assert call("GET", PATH).status == 200
    assert call("POST", "/_emulator/faults", {"kind": "explode"}).status == 400


def test_the_clock_can_be_moved_and_stopped(call: Caller, clock: Clock) -> None:
    moved = call("POST", "/_emulator/clock", {"set": "2030-01-01T00:00:00Z", "advance": 1.5})
    assert moved.json == {"time": "2030-01-01T00:00:01.500000Z", "seconds": 1_893_456_001.5, "frozen": True}
    assert call("POST", "/_emulator/clock", {"frozen": False}).json["frozen"] is False
    assert call("POST", "/_emulator/clock", {"frozen": True, "set": 5}).json["frozen"] is True
    assert call("GET", "/_emulator/clock").json["time"].startswith("1970-01-01T00:00:05")
    for bad in ({"set": "soon"}, {"set": True}, {"advance": "x"}, {"jump": 5}):
        assert call("POST", "/_emulator/clock", bad).status == 400


def test_limits_and_players_can_be_set(emulator: Emulator, call: Caller) -> None:
    assert call("PUT", "/_emulator/limits", {"enabled": False}).json == {"enabled": False, "players": {}}
    assert call("PUT", "/_emulator/universes/7", {"players": 40}).json == {"universe": "7", "players": 40}
    assert call("GET", "/_emulator/limits").json == {"enabled": False, "players": {"7": 40}}
    assert (emulator.limits.enabled, emulator.limits.players) == (False, {"7": 40})
    assert call("PUT", "/_emulator/limits", {"enabled": "no"}).status == 400
    for universe, players in (("7", -1), ("7", "x"), ("x", 1)):
        assert call("PUT", f"/_emulator/universes/{universe}", {"players": players}).status == 400


def test_reset_is_a_control_too(emulator: Emulator, call: Caller) -> None:
    call("POST", f"{PATH}:publishMessage", MESSAGE)
    assert call("POST", "/_emulator/reset").json == {}
    assert emulator.messages() == []


def test_other_controls_are_404_or_405(call: Caller) -> None:
    assert call("GET", "/_emulator/nothing").status == 404
    answer = call("DELETE", "/_emulator/clock")
    assert (answer.status, answer.headers["allow"]) == (405, "GET, POST")


def test_a_long_poll_ends_with_the_next_message(emulator: Emulator, base_url: str, client: httpx.Client) -> None:
    subscribed, answers = threading.Event(), list[Any]()
    subscribe = emulator.subscribe

    def noticed(*arguments: Any) -> Any:
        leave = subscribe(*arguments)
        subscribed.set()
        return leave

    emulator.subscribe = noticed  # type: ignore[assignment, method-assign]

    def poll() -> None:
        answers.append(httpx.get(f"{base_url}/_emulator/messages?topic=wanted&wait=30", timeout=30).json())

    thread = threading.Thread(target=poll)
    thread.start()
    assert subscribed.wait(10)
    for topic in ("other", "wanted"):
        client.post(f"{PATH}:publishMessage", json={"topic": topic, "message": "m"})
    thread.join(10)
    assert [message["topic"] for message in answers[0]["messages"]] == ["wanted"]


def test_a_long_poll_without_a_message_ends_empty(base_url: str) -> None:
    assert httpx.get(f"{base_url}/_emulator/messages?wait=0.05").json() == {"messages": []}
