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


# --- Team Create and Team Test

MEMBERS = "/legacy-develop/v1/places/70/teamcreate/active_session/members"
SERVER = "00000000-0000-0000-0000-00000000000a"


def test_the_members_of_a_session_are_the_editors(call: Caller, emulator: Emulator) -> None:
    assert call("GET", MEMBERS).json == {"data": []}
    emulator.users.update(5, name="builder", display_name="Builder")
    emulator.places.add(7, 70, editors=[6, 5])
    first, second = call("GET", MEMBERS).json["data"]
    assert first == {"id": 5, "name": "builder", "displayName": "Builder"}
    assert second["id"] == 6


def test_members_come_in_pages(call: Caller, emulator: Emulator) -> None:
    emulator.places.add(7, 70, editors=range(1, 12))
    first = call("GET", MEMBERS).json
    assert len(first["data"]) == 10
    second = call("GET", f"{MEMBERS}?cursor={first['nextPageCursor']}").json
    assert [member["id"] for member in second["data"]] == [11]
    assert "nextPageCursor" not in second
    assert len(call("GET", f"{MEMBERS}?limit=25").json["data"]) == 11


def test_a_team_test_is_closed(call: Caller, emulator: Emulator) -> None:
    emulator.places.add(7, 70)
    kept, closed = emulator.places.start_team_test(70), emulator.places.start_team_test(70)
    path = "/legacy-develop/v2/teamtest/70?gameId="
    assert call("DELETE", path + closed).json == {}
    assert emulator.places.team_tests(70) == [kept]
    assert call("DELETE", path + closed).status == 200
    assert call("DELETE", "/legacy-develop/v2/teamtest/71?gameId=" + kept).status == 200
    assert emulator.places.team_tests(70) == [kept]
    assert call("POST", "/_emulator/places/70/team-tests").json["id"] in emulator.places.team_tests(70)
    assert len(call("GET", "/_emulator/places/70/team-tests").json["teamTests"]) == 2


def test_refusals_are_the_legacy_services(call: Caller, emulator: Emulator) -> None:
    def code(method: str, path: str, key: str = "emulator-key") -> tuple[int, int]:
        answer = call(method, path, key=key)
        return answer.status, answer.json["errors"][0]["code"]

    assert code("GET", f"{MEMBERS}?limit=11") == (400, 0)
    assert code("GET", f"{MEMBERS}?cursor=bad") == (400, 0)
    assert code("GET", MEMBERS.replace("70", "x")) == (400, 5)
    assert code("DELETE", "/legacy-develop/v2/teamtest/70?gameId=5") == (400, 0)
    assert code("DELETE", "/legacy-develop/v2/teamtest/70") == (400, 0)
    emulator.places.add(7, 70)
    scope = ScopeGrant(name="legacy-team-collaboration", operations=("manage",), universe_ids=("9",))
    emulator.add_key("other", ApiKey(scopes=(scope,)))
    assert code("GET", MEMBERS, "other") == (403, 2)
    assert code("DELETE", f"/legacy-develop/v2/teamtest/70?gameId={SERVER}", "other") == (403, 2)
    emulator.places.add(7, 70, collaborative=False)
    assert code("GET", MEMBERS) == (403, 4)
    emulator.strict_universes = True
    assert code("GET", MEMBERS.replace("70", "71")) == (400, 5)
