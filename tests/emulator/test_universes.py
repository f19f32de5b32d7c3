"""The universe resource: reading, updating by mask, restarting servers."""

from typing import Any

import pytest

from rblxcloud.emulator.clock import Clock
from rblxcloud.emulator.core import Emulator
from tests.support.emulator import Caller

PATH = "/cloud/v2/universes/7"


def test_any_numeric_universe_exists_and_stays_the_same(call: Caller, clock: Clock) -> None:
    first = call("GET", PATH).json
    clock.advance(1000)
    assert call("GET", PATH).json == first
    assert (first["path"], first["user"], first["rootPlace"]) == ("universes/7", "users/1", "universes/7/places/8")
    assert "privateServerPriceRobux" not in first
    assert "discordSocialLink" not in first


def test_the_small_world_has_a_universe_of_a_user_and_one_of_a_group(call: Caller) -> None:
    assert call("GET", "/cloud/v2/universes/13058").json["user"] == "users/1"
    group = call("GET", "/cloud/v2/universes/13158").json
    assert (group["group"], "user" in group) == ("groups/1", False)


def test_a_strict_emulator_knows_only_what_was_created() -> None:
    with Emulator(strict_universes=True) as emulator:
        call = Caller(emulator)
        assert call("GET", "/cloud/v2/universes/13058").status == 200
        answer = call("GET", PATH)
        assert (answer.status, answer.json["code"]) == (404, "NOT_FOUND")
        assert call("PATCH", PATH, {"vrEnabled": False}).status == 404
        publish = {"topic": "t", "message": "m"}
        assert call("POST", f"{PATH}:publishMessage", {**publish, "message": ""}).status == 400
        assert call("POST", f"{PATH}:publishMessage", publish).status == 404
        assert emulator.messages() == []
        assert call("GET", PATH).status == 404
        emulator.create_universe(7, "groups/1")
        assert call("GET", PATH).json["group"] == "groups/1"


def test_a_mask_picks_what_is_written(call: Caller, clock: Clock) -> None:
    before = call("GET", PATH).json
    clock.advance(60)
    body = {"vrEnabled": False, "consoleEnabled": True, "privateServerPriceRobux": 100}
    after = call("PATCH", f"{PATH}?updateMask=vrEnabled,%20private_server_price_robux", body).json
    assert (after["vrEnabled"], after["consoleEnabled"], after["privateServerPriceRobux"]) == (False, False, 100)
    assert after["createTime"] == before["createTime"]
    assert after["updateTime"] == "2027-01-15T08:01:00.000000000Z"
    assert call("GET", PATH).json == after


def test_without_a_mask_what_the_body_holds_is_written(call: Caller) -> None:
    link = {"title": "Chat", "uri": "https://discord.gg/x"}
    body = {"voiceChatEnabled": True, "discordSocialLink": link, "displayName": "ignored", "mobileEnabled": None}
    after = call("PATCH", PATH, body).json
    assert (after["voiceChatEnabled"], after["discordSocialLink"]) == (True, link)
    assert (after["displayName"], after["mobileEnabled"]) == ("Experience 7", True)


def test_a_masked_field_without_a_value_is_removed(call: Caller) -> None:
    link = {"title": "Chat", "uri": "https://discord.gg/x"}
    call("PATCH", PATH, {"discordSocialLink": link, "guildedSocialLink": link, "privateServerPriceRobux": 5})
    mask = "discordSocialLink,privateServerPriceRobux"
    after = call("PATCH", f"{PATH}?updateMask={mask}", {"discordSocialLink": None}).json
    assert "discordSocialLink" not in after
    assert "privateServerPriceRobux" not in after
    assert after["guildedSocialLink"] == link


def test_a_mask_may_name_a_part_of_a_social_link(call: Caller) -> None:
    call("PATCH", PATH, {"discordSocialLink": {"title": "Chat", "uri": "https://discord.gg/x"}})
    body = {"discordSocialLink": {"title": "New", "uri": "ignored"}}
    after = call("PATCH", f"{PATH}?updateMask=discordSocialLink.title", body).json
    assert after["discordSocialLink"] == {"title": "New", "uri": "https://discord.gg/x"}


@pytest.mark.parametrize(
    ("mask", "body"),
    [
        ("displayName", {"displayName": "x"}),
        ("visibility", {"visibility": "PUBLIC"}),
        ("nothing", {}),
        ("vrEnabled.part", {"vrEnabled": True}),
        ("discordSocialLink.colour", {"discordSocialLink": {}}),
        ("vrEnabled", {}),
        ("vrEnabled", {"vrEnabled": "yes"}),
        ("privateServerPriceRobux", {"privateServerPriceRobux": -1}),
        ("privateServerPriceRobux", {"privateServerPriceRobux": 2**31}),
        ("privateServerPriceRobux", {"privateServerPriceRobux": 1.5}),
        ("privateServerPriceRobux", {"privateServerPriceRobux": True}),
        ("discordSocialLink", {"discordSocialLink": "https://discord.gg/x"}),
        ("discordSocialLink", {"discordSocialLink": {"title": 5}}),
        ("discordSocialLink", {"discordSocialLink": {"title": "\ud800"}}),
        ("", {"vrEnabled": 1}),
        ("vrEnabled", []),
        ("vrEnabled", b"{"),
    ],
)
def test_what_cannot_be_written_is_400_and_changes_nothing(call: Caller, mask: str, body: Any) -> None:
    before = call("GET", PATH).json
    answer = call("PATCH", f"{PATH}?updateMask=mobileEnabled,{mask}" if mask else PATH, body)
    assert (answer.status, answer.json["code"]) == (400, "INVALID_ARGUMENT")
    assert call("GET", PATH).json == before


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"closeAllVersions": True, "placeIds": [1, "2"]},
        {"bleedOffServers": True, "bleedOffDurationMinutes": 60},
        {"bleed_off_servers": True, "bleed_off_duration_minutes": 1},
    ],
)
def test_servers_restart(call: Caller, body: Any) -> None:
    answer = call("POST", f"{PATH}:restartServers", body)
    assert (answer.status, answer.json) == (200, {})


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {"bleedOffDurationMinutes": 0},
        {"bleedOffDurationMinutes": 61},
        {"bleedOffDurationMinutes": "soon"},
        {"closeAllVersions": "true"},
        {"bleedOffServers": 1},
        {"placeIds": 5},
        {"placeIds": [0]},
        {"placeIds": ["x"]},
    ],
)
def test_a_restart_that_makes_no_sense_is_400(call: Caller, body: Any) -> None:
    answer = call("POST", f"{PATH}:restartServers", body)
    assert (answer.status, answer.json["code"]) == (400, "INVALID_ARGUMENT")


def test_an_endpoint_that_is_not_emulated_says_so(call: Caller) -> None:
    answer = call("GET", "/ads-management/v1/campaigns")
    assert answer.status == 501
    assert "/ads-management/v1/campaigns" in answer.json["errors"][0]["message"]


def test_unknown_paths_and_methods_are_the_gateways(call: Caller) -> None:
    assert call("GET", "/nowhere").json == {"errors": [{"code": 0, "message": "Not Found"}]}
    answer = call("DELETE", PATH)
    assert (answer.status, answer.headers["allow"]) == (405, "GET, PATCH")
    assert "errors" in answer.json
