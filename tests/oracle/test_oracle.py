"""The oracle itself: it lets pass what the document allows, and finds what it does not."""

from __future__ import annotations

from typing import Any

import pytest

from rblxcloud.emulator.model import RawRequest
from tests.oracle.added import completed
from tests.oracle.document import strict
from tests.oracle.exceptions import REQUESTS, Ledger, Outranked
from tests.oracle.oracle import Finding, Oracle

UNIVERSE = "/cloud/v2/universes/1"
ENTRIES = f"{UNIVERSE}/data-stores/s/entries"
V1 = "/datastores/v1/universes/1/standard-datastores/datastore/entries/entry"
KEY = {"x-api-key": "secret"}
JSON = {**KEY, "content-type": "application/json"}
TOKEN = "/oauth/v1/token"
FORM = {"content-type": "application/x-www-form-urlencoded"}


@pytest.fixture(scope="module")
def oracle() -> Oracle:
    return Oracle(completed(strict()))


GOOD: list[tuple[Any, ...]] = [
    ("GET", UNIVERSE, KEY),
    ("GET", UNIVERSE, {"authorization": "Bearer token"}),
    ("GET", f"{ENTRIES}/a%3AlistRevisions", KEY),
    ("GET", f"{ENTRIES}/a:listRevisions?maxPageSize=5", KEY),
    ("PATCH", f"{UNIVERSE}?updateMask=voiceChatEnabled", JSON, b'{"voiceChatEnabled": true}'),
    ("POST", f"{ENTRIES}?id=k", JSON, b'{"value": {"any": ["thing"]}}'),
    ("GET", f"{V1}?datastoreName=s&entryKey=a%26b", KEY),
    ("POST", f"{V1}?datastoreName=s&entryKey=k", {**JSON, "roblox-entry-userids": "[1]"}, b"5"),
    ("GET", "/oauth/v1/userinfo", {"authorization": "Bearer token"}),
    ("POST", TOKEN, FORM, b"grant_type=refresh_token&refresh_token=r&client_id=5&client_secret=s"),
    ("POST", TOKEN, FORM, b"grant_type=authorization_code&code=c&client_id=5&code_verifier=" + b"v" * 43),
    ("POST", f"{TOKEN}/revoke", FORM, b"token=t&client_id=5"),
]  # fmt: skip


@pytest.mark.parametrize("request_", GOOD, ids=lambda request: f"{request[0]} {request[1]}")
def test_what_is_documented_passes(oracle: Oracle, request_: Any) -> None:
    assert Ledger(REQUESTS).unexplained(oracle.judge(RawRequest(*request_))) == []


WRONG: list[tuple[str, tuple[Any, ...]]] = [
    ("no operation", ("GET", "/cloud/v3/universes/1", KEY)),
    ("no operation", ("PUT", UNIVERSE, KEY)),
    ("no operation", ("GET", f"{ENTRIES}/a:b", KEY)),
    ("no operation", ("GET", f"{ENTRIES}/a/b", KEY)),
    ("no credential", ("GET", UNIVERSE, {})),
    ("two credentials", ("GET", UNIVERSE, {**KEY, "authorization": "Bearer token"})),
    ("authorization is not taken here", ("GET", f"{ENTRIES}/a", {"authorization": "Bearer token"})),
    ("no bearer token", ("GET", UNIVERSE, {"authorization": "token"})),
    ("query parameter 'maxpagesize' is not documented", ("GET", f"{ENTRIES}?maxpagesize=5", KEY)),
    ("query parameter 'maxPageSize': 'five'", ("GET", f"{ENTRIES}?maxPageSize=five", KEY)),
    ("query parameter 'maxPageSize' is repeated", ("GET", f"{ENTRIES}?maxPageSize=5&maxPageSize=6", KEY)),
    ("query parameter 'showDeleted': 'True'", ("GET", f"{ENTRIES}?showDeleted=True", KEY)),
    ("query parameter 'id' is missing",
        ("POST", "/ordered-data-stores/v1/universes/1/orderedDataStores/s/scopes/g/entries", JSON, b'{"value": 1}')),
    ("header parameter 'roblox-entry-user' is not documented", ("GET", V1, {**KEY, "roblox-entry-user": "1"})),
    ("body is missing", ("PATCH", UNIVERSE, KEY)),
    ("body is not documented", ("DELETE", f"{ENTRIES}/k", JSON, b"{}")),
    ("content type 'text/plain'", ("PATCH", UNIVERSE, {**KEY, "content-type": "text/plain"}, b"{}")),
    ("not JSON", ("PATCH", UNIVERSE, JSON, b"{")),
    ("not JSON", ("POST", f"{ENTRIES}?id=k", JSON, b'{"value": NaN}')),
    ("body.voiceChatEnabled: 'yes'", ("PATCH", UNIVERSE, JSON, b'{"voiceChatEnabled": "yes"}')),
    ("'voiceChat' was unexpected", ("PATCH", UNIVERSE, JSON, b'{"voiceChat": true}')),
    ("read-only", ("PATCH", UNIVERSE, JSON, b'{"displayName": "x"}')),
    ("no credential", ("GET", "/oauth/v1/userinfo", {})),
    ("not valid under any of the given schemas", ("POST", TOKEN, FORM, b"grant_type=password")),
    ("'scope' was unexpected", ("POST", f"{TOKEN}/introspect", FORM, b"token=t&scope=openid")),
    ("'5a' does not match", ("POST", f"{TOKEN}/revoke", FORM, b"token=t&client_id=5a")),
    ("'token' is a required property", ("POST", f"{TOKEN}/resources", FORM, b"client_id=5")),
    ("body parameter 'token' is repeated", ("POST", f"{TOKEN}/revoke", FORM, b"token=t&token=t")),
    ("content type 'application/json'", ("POST", TOKEN, {"content-type": "application/json"}, b"{}")),
    ("'message' is a required property", ("POST", f"{UNIVERSE}:publishMessage", JSON, b'{"topic": "t"}')),
]  # fmt: skip


@pytest.mark.parametrize(("expected", "request_"), WRONG, ids=[text for text, _ in WRONG])
def test_what_is_not_documented_is_found(oracle: Oracle, expected: str, request_: Any) -> None:
    (finding,) = Ledger(REQUESTS).unexplained(oracle.judge(RawRequest(*request_)))
    assert expected.lower() in finding.lower()


def test_ledger_tells_the_unexplained_and_the_unneeded() -> None:
    used, unused = Outranked("GET /a", "odd", "facts 1"), Outranked("GET /b", "odd", "facts 2")
    ledger = Ledger((used, unused))
    assert ledger.unexplained([Finding("GET /a", "is odd"), Finding("GET /a/b", "is odd")]) == ["GET /a/b: is odd"]
    assert ledger.unneeded() == [unused]


def test_extract_is_whole() -> None:
    """The stories run without the extract too, and are then not judged: it is here that this shows, as a skip."""
    assert len(strict()["paths"]) > 200
