"""Publishing a message in both versions, and watching what was published."""

from typing import Any

import pytest

from rblxcloud.emulator.api_keys import ApiKey
from rblxcloud.emulator.clock import Clock
from rblxcloud.emulator.core import Emulator
from rblxcloud.emulator.messaging import Message
from tests.support.emulator import START, Caller

V2 = "/cloud/v2/universes/7:publishMessage"
V1 = "/messaging-service/v1/universes/7/topics"


def test_both_versions_write_one_log(emulator: Emulator, call: Caller, clock: Clock) -> None:
    emulator.add_key("team", ApiKey(owner="groups/9"))
    first = call("POST", V2, {"topic": "news", "message": "héllo"})
    clock.advance(1.5)
    second = call("POST", f"{V1}/a%2Fb%20c", {"message": "text"}, key="team")
    assert [(answer.status, answer.reply.body) for answer in (first, second)] == [(200, b"")] * 2
    assert emulator.messages() == [
        Message(1, START, "7", "news", "héllo", "users/1"),
        Message(2, START + 1.5, "7", "a/b c", "text", "groups/9"),
    ]


@pytest.mark.parametrize(
    "body",
    [
        {"topic": "t" * 81, "message": "m"},
        {"topic": "", "message": "m"},
        {"topic": "t", "message": "m" * 1025},
        {"topic": "t", "message": ""},
        {"topic": "t"},
        {"message": "m"},
        {"topic": "t", "message": {"not": "text"}},
        {"topic": 5, "message": "m"},
        {"topic": "t", "message": "\ud800"},
        ["topic", "message"],
        b"not json",
        b'{"topic": "\xff"}',
        '{"topic": "t", "message": "m"}'.encode("utf-16"),
        b'{"topic": "t", "message": "m", "more": NaN}',
        b'{"topic": "t", "message": "m", "more": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        None,
    ],
)
def test_v2_refuses_what_is_no_topic_or_no_message(emulator: Emulator, call: Caller, body: Any) -> None:
    answer = call("POST", V2, body)
    assert (answer.status, answer.json["code"]) == (400, "INVALID_ARGUMENT")
    assert emulator.messages() == []


@pytest.mark.parametrize(
    ("topic", "body"),
    [
        ("t" * 81, {"message": "m"}),
        ("t", {"message": "m" * 1025}),
        ("t", {"message": None}),
        ("t", {"message": ""}),
        ("t", {}),
        ("t", None),
        ("t", b"{"),
    ],
)
def test_v1_refuses_them_too(emulator: Emulator, call: Caller, topic: str, body: Any) -> None:
    answer = call("POST", f"{V1}/{topic}", body)
    assert (answer.status, sorted(answer.json)) == (400, ["code", "message"])
    assert emulator.messages() == []


def test_the_longest_topic_and_message_are_counted_in_characters(emulator: Emulator, call: Caller) -> None:
    assert call("POST", V2, {"topic": "é" * 80, "message": "é" * 1024}).status == 200
    assert len(emulator.messages()[0].message) == 1024


@pytest.mark.parametrize("universe", ["0", "-7", "07", "abc", "7.0", str(2**63), "%D9%A7"])
def test_a_universe_that_is_no_id_is_400(emulator: Emulator, call: Caller, universe: str) -> None:
    body = {"topic": "t", "message": "m"}
    assert call("POST", f"/cloud/v2/universes/{universe}:publishMessage", body).status == 400
    assert emulator.messages() == []


def test_messages_can_be_picked(emulator: Emulator, call: Caller) -> None:
    for universe in (7, 8):
        for topic in ("a", "b"):
            call("POST", f"/cloud/v2/universes/{universe}:publishMessage", {"topic": topic, "message": "m"})
    assert [message.id for message in emulator.messages(universe=8)] == [3, 4]
    assert [message.id for message in emulator.messages(topic="a")] == [1, 3]
    assert [message.id for message in emulator.messages(after=1, limit=2)] == [2, 3]


def test_subscribers_hear_each_message_once_until_they_leave(emulator: Emulator, call: Caller) -> None:
    heard: list[str] = []
    leave = emulator.subscribe(lambda message: heard.append(message.message))
    call("POST", V2, {"topic": "t", "message": "one"})
    call("POST", V2, {"topic": "t", "message": ""})
    leave()
    leave()
    call("POST", V2, {"topic": "t", "message": "two"})
    assert heard == ["one"]


def test_a_subscriber_may_use_the_emulator(emulator: Emulator, call: Caller) -> None:
    seen: list[list[Message]] = []
    emulator.subscribe(lambda _: seen.append(emulator.messages()))
    call("POST", V2, {"topic": "t", "message": "m"})
    assert [message.message for message in seen[0]] == ["m"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"content-type": "application/json; charset=utf-8"}, 200),
        ({"content-type": "text/json"}, 200),
        ({"content-type": "application/json-patch+json"}, 200),
        ({"content-type": "text/plain"}, 400),
        ({"content-type": ""}, 400),
    ],
)
def test_a_body_has_to_be_called_json(call: Caller, headers: dict[str, str], status: int) -> None:
    assert call("POST", f"{V1}/t", {"message": "m"}, headers=headers).status == status


def test_a_body_without_a_length_is_400(emulator: Emulator) -> None:
    from rblxcloud.emulator.model import RawRequest

    headers = {"x-api-key": "emulator-key", "content-type": "application/json", "transfer-encoding": "chunked"}
    assert emulator.handle(RawRequest("POST", f"{V1}/t", headers, b'{"message":"m"}')).status == 400
