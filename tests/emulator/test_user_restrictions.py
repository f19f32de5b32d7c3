"""Bans: universes.md section 3."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from rblxcloud.emulator.api_keys import ApiKey
from rblxcloud.emulator.clock import Clock
from rblxcloud.emulator.core import Emulator
from tests.support.emulator import START, Caller

UNIVERSE = "/cloud/v2/universes/13058"
PATH = f"{UNIVERSE}/user-restrictions/7"
PLACE = f"{UNIVERSE}/places/13059/user-restrictions/7"
LOGS = f"{UNIVERSE}/user-restrictions:listLogs"
MASK = "?updateMask=gameJoinRestriction"
NOW = "2027-01-15T08:00:00.000000000Z"


@pytest.fixture
def emulator(clock: Clock) -> Any:
    with Emulator(clock=clock, limits=False) as made:
        yield made


def ban(call: Caller, path: str = PATH, more: str = "", **terms: Any) -> Any:
    """Ban a user, and return the answer's body."""
    answer = call("PATCH", f"{path}{MASK}{more}", {"gameJoinRestriction": {"active": True, **terms}})
    assert answer.status == 200, answer.json
    return answer.json


def test_ban_is_kept_as_it_was_asked_for(call: Caller) -> None:
    terms = {"duration": "31540000s", "privateReason": "p", "displayReason": "d", "excludeAltAccounts": True}
    made = ban(call, **terms)
    assert made == {
        "path": "universes/13058/user-restrictions/7",
        "updateTime": NOW,
        "user": "users/7",
        "gameJoinRestriction": {"active": True, "startTime": NOW, **terms, "inherited": False},
    }
    assert call("GET", PATH).json == made


def test_user_of_whom_nothing_was_said_may_join(call: Caller) -> None:
    for path in (PATH, PLACE):
        answer = call("GET", path)
        assert answer.status == 200
        assert answer.json["user"] == "users/7"
        assert answer.json["gameJoinRestriction"]["active"] is False
        assert "updateTime" not in answer.json
    assert call("GET", f"{UNIVERSE}/user-restrictions").json == {"userRestrictions": []}


def test_ban_without_a_duration_is_for_good(call: Caller, clock: Clock) -> None:
    assert "duration" not in ban(call)["gameJoinRestriction"]
    assert "duration" not in ban(call, duration=None)["gameJoinRestriction"]
    clock.advance(10**9)
    assert call("GET", PATH).json["gameJoinRestriction"]["active"] is True


def test_ban_ends_by_itself(call: Caller, emulator: Emulator, clock: Clock) -> None:
    ban(call, duration="60s")
    clock.advance(59.5)
    assert call("GET", PATH).json["gameJoinRestriction"]["active"] is True
    assert emulator.user_restrictions.is_banned(13058, 7)
    clock.advance(0.5)
    over = call("GET", PATH).json["gameJoinRestriction"]
    assert (over["active"], over["startTime"], over["duration"]) == (False, NOW, "60s")
    assert not emulator.user_restrictions.is_banned(13058, 7)
    assert len(emulator.user_restrictions.logs(13058)) == 1


@pytest.mark.parametrize("duration", ["1s", "60.000s", "315576000000s"])
def test_durations_that_are_taken(call: Caller, duration: str) -> None:
    assert ban(call, duration=duration)["gameJoinRestriction"]["duration"] == f"{int(float(duration[:-1]))}s"


@pytest.mark.parametrize("duration", ["0s", "-1s", "1.5s", "315576000001s", "60", 60, "1m", "", True])
def test_durations_that_are_not(call: Caller, duration: Any) -> None:
    answer = call("PATCH", f"{PATH}{MASK}", {"gameJoinRestriction": {"active": True, "duration": duration}})
    assert (answer.status, answer.json["code"]) == (400, "INVALID_ARGUMENT")
    assert call("GET", PATH).json["gameJoinRestriction"]["active"] is False


def test_whole_restriction_is_replaced(call: Caller, clock: Clock) -> None:
    ban(call, duration="60s", privateReason="p", excludeAltAccounts=True)
    clock.advance(10)
    again = ban(call, displayReason="d")["gameJoinRestriction"]
    assert again["startTime"] == "2027-01-15T08:00:10.000000000Z"
    assert (again["privateReason"], again["displayReason"], again["excludeAltAccounts"]) == ("", "d", False)
    lifted = call("PATCH", f"{PATH}{MASK}", {"gameJoinRestriction": {"active": False, "duration": "5s"}}).json
    assert lifted["gameJoinRestriction"] == {
        "active": False,
        "privateReason": "",
        "displayReason": "",
        "excludeAltAccounts": False,
        "inherited": False,
    }


@pytest.mark.parametrize(
    "mask",
    [
        "gameJoinRestriction.active",
        "game_join_restriction.active",
        "gameJoinRestriction,gameJoinRestriction.duration",
        "user",
        "active",
        "gameJoinRestriction,user",
    ],
)
def test_parts_of_a_restriction_cannot_be_updated(call: Caller, mask: str) -> None:
    answer = call("PATCH", f"{PATH}?updateMask={mask}", {"gameJoinRestriction": {"active": True}})
    assert (answer.status, answer.json["code"]) == (400, "INVALID_ARGUMENT")


@pytest.mark.parametrize("mask", ["?updateMask=game_join_restriction", "?updateMask=*", ""])
def test_other_names_of_the_whole(call: Caller, mask: str) -> None:
    answer = call("PATCH", f"{PATH}{mask}", {"game_join_restriction": {"active": True, "display_reason": "d"}})
    assert answer.json["gameJoinRestriction"]["displayReason"] == "d"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"gameJoinRestriction": None},
        {"gameJoinRestriction": [1]},
        {"gameJoinRestriction": {"active": "yes"}},
        {"gameJoinRestriction": {"active": True, "privateReason": "x" * 1001}},
        {"gameJoinRestriction": {"active": True, "displayReason": "x" * 401}},
        {"gameJoinRestriction": {"active": True, "displayReason": 5}},
        {"gameJoinRestriction": {"active": True, "excludeAltAccounts": 1}},
        [],
    ],
)
def test_bodies_that_are_refused(call: Caller, body: Any) -> None:
    assert call("PATCH", PATH, body).status == 400


@pytest.mark.parametrize("user", ["0", "-1", "seven", "users%2F7", str(2**63)])
def test_ids_that_are_those_of_no_user(call: Caller, user: str) -> None:
    assert call("GET", f"{UNIVERSE}/user-restrictions/{user}").status == 400
    assert call("PATCH", f"{UNIVERSE}/user-restrictions/{user}{MASK}", {"gameJoinRestriction": {}}).status == 400


def test_place_inherits_from_its_universe(call: Caller, clock: Clock) -> None:
    ban(call, duration="60s", displayReason="Everywhere")
    seen = call("GET", PLACE).json
    assert seen["path"] == "universes/13058/places/13059/user-restrictions/7"
    assert (seen["gameJoinRestriction"]["active"], seen["gameJoinRestriction"]["inherited"]) == (True, True)
    assert seen["gameJoinRestriction"]["displayReason"] == "Everywhere"
    own = ban(call, PLACE, duration="30s", displayReason="Here")["gameJoinRestriction"]
    assert (own["inherited"], own["displayReason"]) == (False, "Here")
    clock.advance(30)
    assert call("GET", PLACE).json["gameJoinRestriction"]["inherited"] is True
    clock.advance(30)
    over = call("GET", PLACE).json["gameJoinRestriction"]
    assert (over["active"], over["inherited"], over["displayReason"]) == (False, False, "Here")


def test_place_of_another_universe_is_not_found(call: Caller) -> None:
    ban(call, PLACE)
    assert call("GET", "/cloud/v2/universes/5/places/13059/user-restrictions/7").status == 404
    assert call("GET", f"{UNIVERSE}/places/start/user-restrictions/7").status == 400


def test_lists_hold_who_was_ever_restricted(call: Caller) -> None:
    for user in (30, 9, 100):
        ban(call, f"{UNIVERSE}/user-restrictions/{user}")
    ban(call, f"{UNIVERSE}/places/13059/user-restrictions/50")
    call("PATCH", f"{UNIVERSE}/user-restrictions/9{MASK}", {"gameJoinRestriction": {"active": False}})

    def listed(path: str) -> list[tuple[str, bool, bool]]:
        rows = call("GET", path).json["userRestrictions"]
        terms = [(row["user"], row["gameJoinRestriction"]) for row in rows]
        return [(user, each["active"], each["inherited"]) for user, each in terms]

    assert listed(f"{UNIVERSE}/user-restrictions") == [
        ("users/9", False, False),
        ("users/30", True, False),
        ("users/100", True, False),
    ]
    assert listed(f"{UNIVERSE}/places/13059/user-restrictions") == [
        ("users/9", False, False),
        ("users/30", True, True),
        ("users/50", True, False),
        ("users/100", True, True),
    ]


def test_pages_have_ten_rows_and_a_hundred_at_most(call: Caller, emulator: Emulator) -> None:
    for user in range(1, 106):
        emulator.user_restrictions.ban(13058, user)
    for path, name in ((f"{UNIVERSE}/user-restrictions", "userRestrictions"), (LOGS, "logs")):
        first = call("GET", path).json
        assert len(first[name]) == 10
        second = call("GET", f"{path}?pageToken={quote(first['nextPageToken'])}").json
        assert len({row["user"] for row in first[name] + second[name]}) == 20
        largest = call("GET", f"{path}?maxPageSize=500").json
        assert len(largest[name]) == 100
        rest = call("GET", f"{path}?maxPageSize=500&pageToken={quote(largest['nextPageToken'])}").json
        assert (len(rest[name]), "nextPageToken" in rest) == (5, False)
        assert call("GET", f"{path}?pageToken=bad").status == 400
        assert call("GET", f"{path}?maxPageSize=-1").status == 400


def test_logs_hold_each_change_the_newest_first(call: Caller, emulator: Emulator, clock: Clock) -> None:
    ban(call, duration="60s", privateReason="p")
    clock.advance(1)
    ban(call, PLACE, displayReason="d")
    clock.advance(1)
    emulator.user_restrictions.unban(13058, 7)
    lifted, here, everywhere = call("GET", LOGS).json["logs"]
    assert everywhere == {
        "user": "users/7",
        "place": "",
        "moderator": {"robloxUser": "1"},
        "createTime": NOW,
        "active": True,
        "startTime": NOW,
        "duration": "60s",
        "privateReason": "p",
        "displayReason": "",
        "excludeAltAccounts": False,
        "restrictionType": {"gameJoinRestriction": {}},
    }
    assert (here["place"], here["displayReason"], "duration" in here) == ("13059", "d", False)
    assert (lifted["moderator"], lifted["active"], "startTime" in lifted) == ({"gameServerScript": {}}, False, False)


def test_moderator_of_a_groups_key_is_the_groups_owner(call: Caller, emulator: Emulator) -> None:
    emulator.groups.update(9, owner=44)
    emulator.add_key("group-key", ApiKey(owner="groups/9"))
    call("PATCH", f"{PATH}{MASK}", {"gameJoinRestriction": {"active": True}}, key="group-key")
    assert call("GET", LOGS).json["logs"][0]["moderator"] == {"robloxUser": "44"}


@pytest.mark.parametrize(
    ("filter", "count"),
    [
        ("user == 'users/7'", 2),
        ("user=='users/8'", 1),
        ("place == 'places/13059'", 2),
        ("user == 'users/7' && place == 'places/13059'", 1),
        ("place == 'places/13059' && user == 'users/8'", 1),
        ("user == 'users/9'", 0),
        ("", 3),
    ],
)
def test_logs_are_filtered(call: Caller, filter: str, count: int) -> None:
    ban(call)
    ban(call, PLACE)
    ban(call, PLACE.replace("/7", "/8"))
    assert len(call("GET", f"{LOGS}?filter={quote(filter)}").json["logs"]) == count


@pytest.mark.parametrize(
    "filter",
    [
        "user == 7",
        "user == '7'",
        'user == "users/7"',
        "user != 'users/7'",
        "user == 'users/7' || user == 'users/8'",
        "user == 'users/7' && user == 'users/8'",
        "user == 'places/7'",
        "user == 'users/0'",
        "moderator == 'users/7'",
        "user == 'users/7' &&",
        "active == true",
    ],
)
def test_filters_that_are_refused(call: Caller, filter: str) -> None:
    answer = call("GET", f"{LOGS}?filter={quote(filter)}")
    assert (answer.status, answer.json["code"]) == (400, "INVALID_ARGUMENT")


KEY = "&idempotencyKey.key=a&idempotencyKey.firstSent=2027-01-15T08:00:00Z"


def test_request_that_comes_again_with_its_key_does_nothing(call: Caller, emulator: Emulator, clock: Clock) -> None:
    first = ban(call, more=KEY, duration="60s")
    clock.advance(5)
    emulator.user_restrictions.unban(13058, 7)
    assert ban(call, more=KEY, duration="60s") == first
    assert [row.terms.active for row in emulator.user_restrictions.logs(13058)] == [False, True]
    assert not emulator.user_restrictions.is_banned(13058, 7)
    assert ban(call, more=KEY.replace("=a", "=b"), duration="60s") != first
    assert len(emulator.user_restrictions.logs(13058)) == 3


@pytest.mark.parametrize("path", [PATH, PATH.replace("/7", "/8"), PLACE])
def test_key_belongs_to_its_request(call: Caller, path: str) -> None:
    ban(call, more=KEY, duration="60s")
    answer = call("PATCH", f"{path}{MASK}{KEY}", {"gameJoinRestriction": {"active": True, "duration": "61s"}})
    assert (answer.status, answer.json["code"]) == (400, "INVALID_ARGUMENT")


def test_keys_are_those_of_a_universe(call: Caller, emulator: Emulator) -> None:
    ban(call, more=KEY)
    ban(call, PATH.replace("13058", "5"), more=KEY)
    assert len(emulator.user_restrictions.logs(5)) == 1


def test_refused_request_leaves_no_key(call: Caller) -> None:
    refused = call("PATCH", f"{PATH}{MASK}{KEY}", {"gameJoinRestriction": {"active": "yes"}})
    assert refused.status == 400
    assert ban(call, more=KEY)["gameJoinRestriction"]["active"]


def test_key_that_is_too_old_is_refused() -> None:
    """An hour after it was first sent, on the emulator's clock and on the one that nobody moved."""
    machine = [START]
    clock = Clock(lambda: machine[0], frozen=True)
    with Emulator(clock=clock, limits=False) as emulator:
        call = Caller(emulator)
        body = {"gameJoinRestriction": {"active": True}}

        def status() -> int:
            return call("PATCH", f"{PATH}{MASK}{KEY}", body).status

        clock.advance(3601)
        assert status() == 200, "the clocks of callers do not go along when the emulator's is moved"
        machine[0] += 3600
        assert status() == 200
        machine[0] += 1
        answer = call("PATCH", f"{PATH}{MASK}{KEY}", body)
        assert (answer.status, answer.json["code"]) == (400, "INVALID_ARGUMENT")
        assert "too long ago" in answer.json["message"]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("&idempotencyKey.key=a", 200),
        ("&idempotencyKey.key=a&idempotencyKey.firstSent=2030-01-01T00:00:00%2B02:00", 200),
        ("&idempotencyKey.firstSent=2027-01-15T08:00:00Z", 400),
        ("&idempotencyKey.key=a&idempotencyKey.firstSent=yesterday", 400),
    ],
)
def test_halves_of_keys(call: Caller, query: str, status: int) -> None:
    answer = call("PATCH", f"{PATH}{MASK}{query}", {"gameJoinRestriction": {"active": True}})
    assert answer.status == status


def test_same_user_is_changed_twice_a_minute(clock: Clock) -> None:
    with Emulator(clock=clock) as emulator:
        call = Caller(emulator)
        body = {"gameJoinRestriction": {"active": True}}
        assert [call("PATCH", f"{PATH}{MASK}", body).status for _ in range(3)] == [200, 200, 429]
        assert call("PATCH", f"{PATH.replace('/7', '/8')}{MASK}", body).status == 200
        clock.advance(60)
        assert call("PATCH", f"{PLACE}{MASK}", body).status == 200


def test_universe_takes_ten_changes_a_second(clock: Clock) -> None:
    with Emulator(clock=clock) as emulator:
        call = Caller(emulator)
        body = {"gameJoinRestriction": {"active": True}}
        paths = [f"{UNIVERSE}/user-restrictions/{user}{MASK}" for user in range(1, 12)]
        assert [call("PATCH", path, body).status for path in paths] == [*[200] * 10, 429]
        clock.advance(1)
        assert call("PATCH", paths[-1], body).status == 200


def test_bans_outlive_the_process(tmp_path: Any) -> None:
    with Emulator(database=tmp_path / "state.db") as emulator:
        emulator.user_restrictions.ban(13058, 7, duration=10**6)
    with Emulator(database=tmp_path / "state.db") as emulator:
        assert emulator.user_restrictions.is_banned(13058, 7, place=13059)
        emulator.reset()
        assert not emulator.user_restrictions.is_banned(13058, 7)
        assert emulator.user_restrictions.logs(13058) == []


def test_controls_refuse_what_roblox_would(emulator: Emulator) -> None:
    for arguments in ({"duration": 0}, {"private_reason": "x" * 1001}, {"display_reason": "x" * 401}):
        with pytest.raises(ValueError, match="to|at most"):
            emulator.user_restrictions.ban(1, 7, **arguments)
    assert emulator.user_restrictions.logs(1) == []
