"""The place resource: which places there are, reading and updating them."""

from __future__ import annotations

from typing import Any

import pytest

from rblxcloud.emulator import ApiKey, Emulator
from rblxcloud.emulator.api_keys import ScopeGrant
from rblxcloud.emulator.clock import Clock
from tests.support.emulator import Caller

ROOT = "/cloud/v2/universes/7/places/8"
PLACE = "/cloud/v2/universes/7/places/70"


def test_any_numeric_place_exists_and_stays_the_same(call: Caller, clock: Clock) -> None:
    first = call("GET", PLACE).json
    clock.advance(1000)
    assert call("GET", PLACE).json == first
    assert (first["path"], first["displayName"], first["root"]) == ("universes/7/places/70", "Place 70", False)
    assert (first["description"], first["serverSize"], first["universeRuntimeCreation"]) == ("", 50, False)
    assert "templatePlace" not in first


def test_a_universe_has_one_root_place(call: Caller) -> None:
    assert call("GET", "/cloud/v2/universes/7").json["rootPlace"] == "universes/7/places/8"
    assert [call("GET", f"/cloud/v2/universes/7/places/{place}").json["root"] for place in (7, 8, 9)] == [
        False,
        True,
        False,
    ]


def test_a_universe_is_renamed_through_its_root_place(call: Caller, clock: Clock) -> None:
    clock.advance(60)
    call("PATCH", PLACE, {"displayName": "Lobby"})
    assert call("GET", "/cloud/v2/universes/7").json["displayName"] == "Experience 7"
    answer = call("PATCH", f"{ROOT}?updateMask=displayName,description", {"displayName": "Game", "description": "Fun"})
    assert (answer.json["displayName"], answer.json["description"]) == ("Game", "Fun")
    universe = call("GET", "/cloud/v2/universes/7").json
    assert (universe["displayName"], universe["description"]) == ("Game", "Fun")
    assert universe["updateTime"] == answer.json["updateTime"] == "2027-01-15T08:01:00.000000000Z"


def test_a_place_belongs_to_the_universe_through_which_it_was_first_written(call: Caller) -> None:
    other = "/cloud/v2/universes/9/places/70"
    assert (call("GET", PLACE).status, call("GET", other).status) == (200, 200)
    assert call("PATCH", other, {"serverSize": 5}).json["serverSize"] == 5
    answer = call("GET", PLACE)
    assert (answer.status, answer.json["code"]) == (404, "NOT_FOUND")
    assert call("PATCH", PLACE, {"serverSize": 6}).status == 404
    assert call("GET", other).json["serverSize"] == 5


def test_another_universe_cannot_take_a_root_place(call: Caller, emulator: Emulator) -> None:
    assert call("PATCH", "/cloud/v2/universes/7/places/13059", {"serverSize": 5}).status == 404
    assert call("PATCH", "/cloud/v2/universes/7/places/101", {"serverSize": 5}).status == 200
    emulator.create_universe(100)
    assert call("GET", "/cloud/v2/universes/100").json["rootPlace"] == "universes/100/places/102"
    assert call("GET", "/cloud/v2/universes/100/places/101").status == 404


def test_a_strict_emulator_knows_only_what_was_created() -> None:
    with Emulator(strict_universes=True) as emulator:
        call = Caller(emulator)
        assert call("GET", "/cloud/v2/universes/13058/places/13059").status == 200
        assert call("GET", "/cloud/v2/universes/13058/places/70").status == 404
        assert call("PATCH", "/cloud/v2/universes/13058/places/70", {"serverSize": 5}).status == 404
        assert (call("GET", ROOT).status, call("PATCH", ROOT, {"serverSize": 5}).status) == (404, 404)
        emulator.strict_universes = False
        assert call("PATCH", PLACE, {"serverSize": 5}).status == 200


def test_a_mask_picks_what_is_written(call: Caller, clock: Clock) -> None:
    before = call("GET", PLACE).json
    clock.advance(60)
    body = {"displayName": "Lobby", "serverSize": "12", "description": "ignored"}
    after = call("PATCH", f"{PLACE}?updateMask=displayName,%20server_size", body).json
    assert (after["displayName"], after["serverSize"], after["description"]) == ("Lobby", 12, "")
    assert after["createTime"] == before["createTime"]
    assert after["updateTime"] == "2027-01-15T08:01:00.000000000Z"
    assert call("GET", PLACE).json == after


def test_without_a_mask_what_the_body_holds_is_written(call: Caller) -> None:
    call("PATCH", PLACE, {"description": "Old"})
    after = call("PATCH", PLACE, {"display_name": "Lobby", "root": True, "description": None}).json
    assert (after["displayName"], after["root"], after["description"]) == ("Lobby", False, "Old")
    assert call("PATCH", f"{PLACE}?updateMask=description", {}).json["description"] == ""


@pytest.mark.parametrize(
    ("mask", "body"),
    [
        ("root", {"root": True}),
        ("templatePlace", {"templatePlace": "x"}),
        ("displayName", {"displayName": ""}),
        ("displayName", {}),
        ("displayName", {"displayName": 5}),
        ("description", {"description": ["x"]}),
        ("serverSize", {}),
        ("serverSize", {"serverSize": 0}),
        ("serverSize", {"serverSize": 2**31}),
        ("serverSize", {"serverSize": 1.5}),
        ("serverSize", {"serverSize": True}),
        ("", {"serverSize": "many"}),
        ("serverSize", []),
        ("serverSize", b"{"),
        ("serverSize", None),
    ],
)
def test_what_cannot_be_written_is_400_and_changes_nothing(call: Caller, mask: str, body: Any) -> None:
    before = call("GET", PLACE).json
    answer = call("PATCH", f"{PLACE}?updateMask=description,{mask}" if mask else PLACE, body)
    assert (answer.status, answer.json["code"]) == (400, "INVALID_ARGUMENT")
    assert call("GET", PLACE).json == before


@pytest.mark.parametrize("number", ["0", "x", "-1", "007", str(2**63)])
def test_what_is_no_place_id_is_400(call: Caller, number: str) -> None:
    answer = call("GET", f"/cloud/v2/universes/7/places/{number}")
    assert (answer.status, answer.json["code"]) == (400, "INVALID_ARGUMENT")


def test_reading_takes_no_scope_and_writing_takes_one(call: Caller, emulator: Emulator) -> None:
    emulator.add_key("none", ApiKey(scopes=()))
    emulator.add_key("place", ApiKey(scopes=(ScopeGrant.parse("universe.place:write"),)))
    assert call("GET", PLACE, key="none").status == 200
    assert call("PATCH", PLACE, {"serverSize": 5}, key="none").status == 403
    assert call("PATCH", PLACE, {"serverSize": 5}, key="place").status == 200
