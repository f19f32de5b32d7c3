"""The control API of bans, secrets and subscriptions."""

from __future__ import annotations

import json
import sys
from base64 import b64encode
from typing import Any

import pytest

from rblxcloud.emulator.core import Emulator
from rblxcloud.emulator.model import RawRequest
from tests.support.emulator import Answer, Caller


class Control:
    """The control API."""

    def __init__(self, emulator: Emulator) -> None:
        self.emulator = emulator

    def __call__(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.ask(method, path, body)
        assert answer.status == 200, answer.json
        return answer.json

    def ask(self, method: str, path: str, body: Any = None) -> Answer:
        content = b"" if body is None else json.dumps(body).encode()
        return Answer(self.emulator.handle(RawRequest(method, f"/_emulator/{path}", {}, content)))


@pytest.fixture
def control(emulator: Emulator) -> Control:
    return Control(emulator)


def test_users_are_banned_and_let_in_again(control: Control, call: Caller) -> None:
    control("PUT", "user-restrictions/13058/7", {"duration": 60, "displayReason": "d", "moderator": 5})
    shown = call("GET", "/cloud/v2/universes/13058/user-restrictions/7").json["gameJoinRestriction"]
    assert (shown["active"], shown["duration"], shown["displayReason"]) == (True, "60s", "d")
    control("PUT", "user-restrictions/13058/8", {"place": 13059})
    assert control("GET", "user-restrictions/13058/7") == {"banned": True}
    assert control("GET", "user-restrictions/13058/8") == {"banned": False}
    assert control("GET", "user-restrictions/13058/8?place=13059") == {"banned": True}
    control("DELETE", "user-restrictions/13058/7")
    control("DELETE", "user-restrictions/13058/8?place=13059")
    assert control("GET", "user-restrictions/13058/8?place=13059") == {"banned": False}
    logs = control("GET", "user-restrictions/13058")["logs"]
    assert [(row["user"], row["place"], row["moderator"], row["active"]) for row in logs] == [
        (8, 13059, None, False),
        (7, None, None, False),
        (8, 13059, None, True),
        (7, None, 5, True),
    ]
    assert logs[3] == {
        "id": 1,
        "user": 7,
        "place": None,
        "moderator": 5,
        "time": "2027-01-15T08:00:00Z",
        "active": True,
        "duration": 60,
        "privateReason": "",
        "displayReason": "d",
        "excludeAltAccounts": False,
        "start": "2027-01-15T08:00:00Z",
    }
    assert control("GET", "user-restrictions/13058?user=7&limit=1")["logs"] == [logs[1]]
    assert control("GET", "user-restrictions/13058?place=13059")["logs"] == [logs[0], logs[2]]


def test_secrets_are_put_and_opened(control: Control, call: Caller) -> None:
    control("PUT", "secrets/13058/k", {"value": "hush", "domain": "*"})
    assert control("GET", "secrets/13058") == {"ids": ["k"]}
    assert control("GET", "secrets/13058/k") == {"value": "hush"}
    assert call("GET", "/cloud/v2/universes/13058/secrets").json["secrets"][0]["domain"] == "*"
    before = call("GET", "/cloud/v2/universes/13058/secrets/public-key").json["key_id"]
    newer = control("POST", "secrets/13058/key")["keyId"]
    assert newer != before
    assert call("GET", "/cloud/v2/universes/13058/secrets/public-key").json["key_id"] == newer


def test_secrets_that_are_no_text(control: Control, emulator: Emulator) -> None:
    emulator.secrets.put(13058, "k", b"\xff")
    assert control("GET", "secrets/13058/k") == {"content": b64encode(b"\xff").decode()}


def test_secrets_want_their_extra(control: Control, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "nacl.public", None)
    for method, path, body in (("PUT", "k", {"value": "hush"}), ("GET", "k", None), ("POST", "key", None)):
        answer = control.ask(method, f"secrets/13058/{path}", body)
        assert answer.status == 501
        assert "pip install 'rblxcloud[secrets]'" in answer.json["error"]


def test_subscriptions_are_set_and_removed(control: Control, call: Caller) -> None:
    path = "/cloud/v2/universes/13058/subscription-products/EXP-1/subscriptions/7"
    control("PUT", "subscriptions/13058/EXP-1/7", {"state": "EXPIRED", "expirationReason": "PRODUCT_DELETED"})
    assert call("GET", f"{path}?view=FULL").json["expirationDetails"] == {"reason": "PRODUCT_DELETED"}
    control("DELETE", "subscriptions/13058/EXP-1/7")
    assert call("GET", path).status == 404


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("PUT", "user-restrictions/13058", {}, 404),
        ("PUT", "user-restrictions/13058/7/8", {}, 404),
        ("PUT", "user-restrictions/13058/me", {}, 400),
        ("PUT", "user-restrictions/13058/7", {"duration": 0}, 400),
        ("PUT", "user-restrictions/13058/7", {"duration": "a week"}, 400),
        ("PUT", "user-restrictions/13058/7", {"reason": "d"}, 400),
        ("GET", "user-restrictions", None, 404),
        ("GET", "secrets/13058/unknown", None, 400),
        ("GET", "secrets/mine", None, 400),
        ("PUT", "secrets/13058/1a", {"value": "x"}, 400),
        ("PUT", "secrets/13058/k", {}, 400),
        ("POST", "secrets/13058", None, 404),
        ("PUT", "subscriptions/13058/7", {}, 400),
        ("PUT", "subscriptions/13058/EXP-1/me", {}, 400),
        ("PUT", "subscriptions/13058/EXP-1/7", {"state": "PAID"}, 400),
        ("POST", "subscriptions/13058/EXP-1/7", {}, 405),
    ],
)
def test_what_is_not_understood_is_refused(control: Control, method: str, path: str, body: Any, status: int) -> None:
    answer = control.ask(method, path, body)
    assert answer.status == status
    assert answer.json["error"]
