"""Secrets: universes.md section 5."""

from __future__ import annotations

import base64
import sys
from typing import Any
from urllib.parse import quote

import pytest
from nacl.public import PrivateKey, PublicKey, SealedBox

from rblxcloud.emulator.api_keys import ApiKey, ScopeGrant
from rblxcloud.emulator.clock import Clock
from rblxcloud.emulator.core import Emulator
from tests.support.emulator import Answer, Caller

UNIVERSE = "/cloud/v2/universes/13058"
PATH = f"{UNIVERSE}/secrets"
KEY = f"{PATH}/public-key"


@pytest.fixture
def emulator(clock: Clock) -> Any:
    with Emulator(clock=clock, limits=False) as made:
        yield made


def sealed(call: Caller, plain: str | bytes = "hush", path: str = KEY) -> dict[str, str]:
    """Seal a value with the public key, and return what goes into a body."""
    key = call("GET", path).json
    box = SealedBox(PublicKey(base64.b64decode(key["secret"])))
    content = box.encrypt(plain.encode() if isinstance(plain, str) else plain)
    return {"secret": base64.b64encode(content).decode(), "key_id": key["key_id"]}


def create(call: Caller, name: str = "k", plain: str | bytes = "hush", **more: Any) -> Answer:
    return call("POST", PATH, {"id": name, **sealed(call, plain), **more})


def problem(answer: Answer) -> tuple[int, str]:
    """Return status and title of an error, which is a problem with its status as text."""
    body = answer.json
    assert body["status"] == str(answer.status)
    assert isinstance(body["detail"], str)
    return answer.status, body["title"]


def test_public_key_is_that_of_the_universe(call: Caller) -> None:
    key = call("GET", KEY).json
    assert key == {**key, "id": "public-key", "domain": None, "create_time": None, "update_time": None}
    assert len(base64.b64decode(key["secret"], validate=True)) == 32
    assert call("GET", KEY).json == key
    other = call("GET", KEY.replace("13058", "5")).json
    assert (other["secret"] != key["secret"], other["key_id"] != key["key_id"]) == (True, True)


def test_secret_is_made_and_opened(call: Caller, emulator: Emulator) -> None:
    answer = create(call, domain="*.example.com")
    assert answer.status == 201
    assert answer.json == {
        "id": "k",
        "secret": None,
        "key_id": call("GET", KEY).json["key_id"],
        "domain": "*.example.com",
        "create_time": "2027-01-15T08:00:00.0000000Z",
        "update_time": "2027-01-15T08:00:00.0000000Z",
    }
    assert emulator.secrets.open(13058, "k") == "hush"
    assert call("GET", PATH).json == {"secrets": [answer.json], "nextPageCursor": None, "previousPageCursor": None}


def test_value_domain_or_both_are_updated(call: Caller, emulator: Emulator, clock: Clock) -> None:
    made = create(call, domain="*").json
    clock.advance(1)
    moved = call("PATCH", f"{PATH}/k", {"domain": "api.example.com"})
    assert moved.status == 200
    assert moved.json == {**made, "domain": "api.example.com", "update_time": "2027-01-15T08:00:01.0000000Z"}
    assert call("PATCH", f"{PATH}/k", {"domain": None, **sealed(call, "new")}).json["domain"] == "api.example.com"
    assert emulator.secrets.open(13058, "k") == "new"
    assert call("PATCH", f"{PATH}/k", {"id": "k", "domain": ""}).json["domain"] is None
    assert emulator.secrets.open(13058, "k") == "new"
    assert problem(call("PATCH", f"{PATH}/k", {"id": "other"})) == (400, "INVALID_ARGUMENT")


def test_secret_is_deleted(call: Caller, emulator: Emulator) -> None:
    create(call)
    answer = call("DELETE", f"{PATH}/k")
    assert (answer.status, answer.reply.body) == (200, b"")
    assert emulator.secrets.ids(13058) == []
    assert problem(call("DELETE", f"{PATH}/k")) == (404, "NOT_FOUND")
    assert problem(call("PATCH", f"{PATH}/k", {"domain": "*"})) == (404, "NOT_FOUND")


def test_name_is_taken_once(call: Caller, emulator: Emulator) -> None:
    create(call)
    assert problem(create(call, plain="other")) == (409, "ALREADY_EXISTS")
    assert emulator.secrets.open(13058, "k") == "hush"


def test_public_key_is_no_secret(call: Caller) -> None:
    assert problem(create(call, "public-key")) == (400, "INVALID_ARGUMENT")
    for method in ("PATCH", "DELETE"):
        assert problem(call(method, KEY, {"domain": "*"})) == (400, "INVALID_ARGUMENT")


@pytest.mark.parametrize("name", ["_", "a" * 64, "A1_b", "public_key"])
def test_names_that_are_taken(call: Caller, name: str) -> None:
    assert create(call, name).status == 201


@pytest.mark.parametrize("name", ["", "1a", "a" * 65, "a-b", "a b", "ä", "a\n", None, 5])
def test_names_that_are_not(call: Caller, name: Any) -> None:
    assert problem(create(call, name)) == (400, "INVALID_ARGUMENT")


@pytest.mark.parametrize("domain", ["*", "*.example.com", "api.example.com", "", None])
def test_domains_that_are_taken(call: Caller, domain: Any) -> None:
    assert create(call, domain=domain).json["domain"] == (domain or None)


@pytest.mark.parametrize("domain", ["https://example.com", "example.com/a", "a.*.com", "*a.com", ".com", "a..b", 5])
def test_domains_that_are_not(call: Caller, domain: Any) -> None:
    assert problem(create(call, domain=domain)) == (400, "INVALID_ARGUMENT")


@pytest.mark.parametrize("plain", ["x", "ö" * 1024, b"\xff" * 1024])
def test_lengths_that_are_taken(call: Caller, emulator: Emulator, plain: str | bytes) -> None:
    assert create(call, plain=plain).status == 201
    assert emulator.secrets.open_bytes(13058, "k") == (plain.encode() if isinstance(plain, str) else plain)


@pytest.mark.parametrize("plain", ["", "x" * 1025, b"\xff" * 1025])
def test_lengths_that_are_not(call: Caller, plain: str | bytes) -> None:
    assert problem(create(call, plain=plain)) == (400, "INVALID_ARGUMENT")


def test_what_cannot_be_opened_is_refused(call: Caller, emulator: Emulator) -> None:
    good = sealed(call)
    stranger = SealedBox(PrivateKey.generate().public_key).encrypt(b"hush")
    for wrong in (
        {"secret": base64.b64encode(stranger).decode()},
        {"secret": base64.b64encode(b"hush").decode()},
        {"secret": "hush!"},
        {"secret": ""},
        {"secret": None},
        {"secret": good["secret"][:-4] + "AAAA"},
        {"key_id": "other"},
        {"key_id": None},
    ):
        assert problem(call("POST", PATH, {"id": "k", **good, **wrong})) == (400, "INVALID_ARGUMENT")
    assert emulator.secrets.ids(13058) == []


def test_value_is_updated_with_its_key(call: Caller, emulator: Emulator) -> None:
    create(call)
    good = sealed(call, "new")
    assert problem(call("PATCH", f"{PATH}/k", {"secret": good["secret"]})) == (400, "INVALID_ARGUMENT")
    assert emulator.secrets.open(13058, "k") == "hush"


def test_key_of_another_universe_will_not_do(call: Caller) -> None:
    body = {"id": "k", **sealed(call, path=KEY.replace("13058", "5"))}
    assert problem(call("POST", PATH, body)) == (400, "INVALID_ARGUMENT")


def test_rotated_key_is_refused_and_opens_what_it_sealed(call: Caller, emulator: Emulator) -> None:
    create(call, "old")
    before = sealed(call)
    newer = emulator.secrets.rotate_key(13058)
    assert problem(call("POST", PATH, {"id": "k", **before})) == (400, "INVALID_ARGUMENT")
    assert call("GET", KEY).json["key_id"] == newer
    assert create(call, "new").json["key_id"] == newer
    assert [emulator.secrets.open(13058, name) for name in ("old", "new")] == ["hush", "hush"]
    assert emulator.secrets.rotate_key(5) != newer


def test_universe_has_five_hundred_secrets_at_most(call: Caller, emulator: Emulator) -> None:
    for number in range(500):
        emulator.secrets.put(13058, f"k{number}", "hush")
    assert problem(create(call)) == (400, "INVALID_ARGUMENT")
    call("DELETE", f"{PATH}/k0")
    assert create(call).status == 201


def test_pages_lead_on_and_back(call: Caller, emulator: Emulator) -> None:
    for number in range(25):
        emulator.secrets.put(13058, f"k{number:02}", "hush")

    def page(query: str) -> tuple[list[str], str | None, str | None]:
        body = call("GET", f"{PATH}{query}").json
        return [each["id"] for each in body["secrets"]], body["nextPageCursor"], body["previousPageCursor"]

    first, after_first, before_first = page("")
    assert (first, before_first) == ([f"k{number:02}" for number in range(10)], None)
    second, after_second, before_second = page(f"?cursor={quote(str(after_first))}")
    third, after_third, before_third = page(f"?cursor={quote(str(after_second))}")
    assert (len(second), len(third), after_third) == (10, 5, None)
    assert page(f"?cursor={quote(str(before_third))}")[0] == second
    assert page(f"?cursor={quote(str(before_second))}")[0] == first
    assert len(page("?limit=500")[0]) == 25
    assert len(page("?maxPageSize=5")[0]) == 10, "another parameter's name is ignored"
    assert problem(call("GET", f"{PATH}?cursor=bad")) == (400, "INVALID_ARGUMENT")
    assert problem(call("GET", f"{PATH}?limit=-1")) == (400, "INVALID_ARGUMENT")


def test_bodies_that_are_none(call: Caller) -> None:
    for body in (b"{", b"[]", b"5"):
        assert problem(call("POST", PATH, body)) == (400, "INVALID_ARGUMENT")


def test_only_the_owner_may(call: Caller, emulator: Emulator) -> None:
    emulator.secrets.put(13158, "k", "hush")
    emulator.groups.add_role(1, "Manager", 101, permissions=("manageGroupUniverses",))
    emulator.groups.add_member(1, 5, role="Manager")
    emulator.groups.add_member(1, 6)
    emulator.groups.update(7, owner=70)
    scopes = (ScopeGrant.parse("universe.secret:read"), ScopeGrant.parse("universe.secret:write"))
    for owner in ("users/1", "users/5", "users/6", "groups/1", "groups/7"):
        emulator.add_key(owner, ApiKey(owner=owner, scopes=scopes))
    allowed = {
        owner: [call("GET", f"/cloud/v2/universes/{universe}/secrets", key=owner).status for universe in (13058, 13158)]
        for owner in ("users/1", "users/5", "users/6", "groups/1", "groups/7")
    }
    assert allowed == {
        "users/1": [200, 200],
        "users/5": [403, 200],
        "users/6": [403, 403],
        "groups/1": [403, 200],
        "groups/7": [403, 403],
    }
    assert problem(call("DELETE", "/cloud/v2/universes/13158/secrets/k", key="users/6")) == (403, "PERMISSION_DENIED")
    assert problem(call("GET", KEY, key="users/5")) == (403, "PERMISSION_DENIED")


def test_scopes(call: Caller, emulator: Emulator) -> None:
    emulator.add_key("reader", ApiKey(scopes=(ScopeGrant.parse("universe.secret:read"),)))
    assert call("GET", KEY, key="reader").status == 200
    body = {"id": "k", **sealed(call)}
    assert problem(call("POST", PATH, body, key="reader"))[0] == 403


def test_hundred_and_twenty_requests_a_minute(clock: Clock) -> None:
    with Emulator(clock=clock) as emulator:
        call = Caller(emulator)
        assert {call("GET", PATH).status for _ in range(120)} == {200}
        assert call("GET", PATH).status == 429


def test_without_the_extra_the_rest_works(call: Caller, emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    good = sealed(call)
    monkeypatch.setitem(sys.modules, "nacl.public", None)
    for answer in (call("GET", KEY), call("POST", PATH, {"id": "k", **good})):
        assert problem(answer) == (501, "NOT_IMPLEMENTED")
        assert "pip install 'rblxcloud[secrets]'" in answer.json["detail"]
    assert call("GET", PATH).status == 200
    for act in (
        lambda: emulator.secrets.put(1, "k", "x"),
        lambda: emulator.secrets.open(1, "k"),
        lambda: emulator.secrets.rotate_key(1),
    ):
        with pytest.raises(ImportError, match=r"rblxcloud\[secrets\]"):
            act()


def test_secrets_outlive_the_process(tmp_path: Any) -> None:
    with Emulator(database=tmp_path / "state.db") as emulator:
        emulator.secrets.put(13058, "k", "hush")
    assert b"hush" not in b"".join(path.read_bytes() for path in tmp_path.iterdir())
    with Emulator(database=tmp_path / "state.db") as emulator:
        assert emulator.secrets.open(13058, "k") == "hush"
        emulator.reset()
        with pytest.raises(ValueError, match="no secret 'k'"):
            emulator.secrets.open(13058, "k")


def test_controls_refuse_what_roblox_would(emulator: Emulator) -> None:
    for arguments in (("1a", "x"), ("k", ""), ("k", b"x" * 1025)):
        with pytest.raises(ValueError, match="1 to"):
            emulator.secrets.put(1, *arguments)
    with pytest.raises(ValueError, match="domain"):
        emulator.secrets.put(1, "k", "x", domain="https://example.com")
    with pytest.raises(ValueError, match="decode"):
        emulator.secrets.put(1, "bytes", b"\xff")
        emulator.secrets.open(1, "bytes")
