"""Game servers: lists with their filters and orders, logs, and restarts on the clock (universes.md sections 2, 13)."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest

from rblxcloud.emulator.api_keys import ApiKey, ScopeGrant
from rblxcloud.emulator.clock import Clock
from rblxcloud.emulator.core import Emulator
from rblxcloud.emulator.scripts import OperationScript
from tests.support.emulator import Caller

BASE = "/server-management/v1/universes/1"
LIST = f"{BASE}/places/2/versions/7/game-servers"
RESTARTS = f"{BASE}/restarts"


@pytest.fixture
def jobs(emulator: Emulator) -> list[str]:
    return [
        emulator.servers.add(1, 2, 7, players=(10, 11), max_players=2),
        emulator.servers.add(1, 2, 7, engine_version='0.6"'),
        emulator.servers.add(1, 2, 8, players=(12,)),
        emulator.servers.add(2, 2, 7),
    ]


def listed(call: Caller, **query: str) -> list[str]:
    return [server["jobId"] for server in call("GET", f"{LIST}?{urlencode(query)}").json["gameServers"]]


def test_a_server_is_shown_as_the_document_has_it(call: Caller, jobs: list[str], clock: Clock) -> None:
    clock.advance(2 * 86_400 + 3_725)
    first = call("GET", LIST).json["gameServers"][0]
    assert first == {
        "placeId": "2",
        "placeVersion": "7",
        "jobId": jobs[0],
        "engineVersion": "0.700.0.7000000",
        "createTime": "2027-01-15T08:00:00.0000000Z",
        "uptime": "2.01:02:05",
        "memoryUsageBytes": 500_000_000,
        "frameRate": 60.0,
        "occupancy": 2,
        "maxOccupancy": 2,
        "type": 0,
        "full": True,
        "shutDown": False,
        "status": "active",
        "terminationTime": None,
        "playerIds": [10, 11],
    }


def test_a_server_that_ended_says_when_and_stops_counting(
    emulator: Emulator, call: Caller, jobs: list[str], clock: Clock
) -> None:
    clock.advance(59)
    emulator.servers.end(jobs[0], "out_of_memory")
    emulator.servers.end(jobs[0], "crashed")
    clock.advance(3600)
    first, second = call("GET", LIST).json["gameServers"]
    assert (first["uptime"], first["status"], first["shutDown"], first["playerIds"]) == (
        "00:00:59",
        "out_of_memory",
        True,
        [],
    )
    assert first["terminationTime"] == "2027-01-15T08:00:59.0000000Z"
    assert second["uptime"] == "01:00:59"


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("occupancy > 0", [0]),
        ("occupancy <= 2 && full == true", [0]),
        ("occupancy in [0, 5]", [1]),
        ("occupancy in []", []),
        (r'engineVersion == "0.6\""', [1]),
        (r'engineVersion in ["x", "0.6\""] && shutDown==false', [1]),
        ('status == "active" && placeVersion == "7"', [0, 1]),
        ('uptime >= "00:01:00"', [0, 1]),
        ('uptime < "00:01:00"', []),
        ('createTime > "2027-01-15T07:00:00Z"', [0, 1]),
        ('terminationTime > "2027-01-15T07:00:00Z"', []),
        ("frameRate > 59.5", [0, 1]),
    ],
)
def test_filters_pick_servers(call: Caller, jobs: list[str], clock: Clock, condition: str, found: list[int]) -> None:
    clock.advance(60)
    assert listed(call, Filter=condition) == [jobs[number] for number in found]


@pytest.mark.parametrize(
    "query",
    [
        "Filter=nonsense",
        "Filter=players%20%3D%3D%201",
        "Filter=occupancy%20%3D%3D%20%22x%22",
        "Filter=occupancy%20%3D%3D%20true",
        "Filter=full%20%3D%3D%201",
        "Filter=occupancy%20%3D%3D%201%20%7C%7C%20full%20%3D%3D%20true",
        "Filter=status%20%3D%3D%20%22%5Cq%22",
        "Filter=playerIds%20%3D%3D%201",
        "OrderBy=players",
        "OrderBy=uptime%20asc",
        "OrderBy=playerIds",
        "MaxPageSize=-1",
        "MaxPageSize=x",
        "PageToken=bad",
    ],
)
def test_what_cannot_be_read_is_a_problem(call: Caller, jobs: list[str], query: str) -> None:
    answer = call("GET", f"{LIST}?{query}")
    assert (answer.status, answer.json["status"], answer.json["title"]) == (400, 400, "INVALID_ARGUMENT")


def test_pages_are_25_by_default_and_100_at_most(emulator: Emulator, call: Caller) -> None:
    for _ in range(101):
        emulator.servers.add(1, 2, 7)
    first = call("GET", LIST).json
    assert (len(first["gameServers"]), first["totalCount"]) == (25, 101)
    second = call("GET", f"{LIST}?PageToken={first['nextPageToken']}").json
    assert second["gameServers"][0] != first["gameServers"][0]
    large = call("GET", f"{LIST}?MaxPageSize=500").json
    assert len(large["gameServers"]) == 100
    last = call("GET", f"{LIST}?MaxPageSize=500&PageToken={large['nextPageToken']}").json
    assert (len(last["gameServers"]), last["nextPageToken"]) == (1, None)
    assert call("GET", f"{LIST}?MaxPageSize=0").json == {"gameServers": [], "totalCount": 101}


def test_servers_stand_in_an_order(call: Caller, emulator: Emulator, jobs: list[str], clock: Clock) -> None:
    clock.advance(5)
    late = emulator.servers.add(1, 2, 7)
    assert listed(call, OrderBy="uptime") == [late, *jobs[:2]]
    assert listed(call, OrderBy="uptime desc")[-1] == late
    assert listed(call, OrderBy="occupancy desc")[0] == jobs[0]


def test_logs_are_read_by_severity(call: Caller, emulator: Emulator, jobs: list[str]) -> None:
    emulator.servers.log(jobs[0], "a")
    emulator.servers.log(jobs[0], "b", 2)
    path = f"{LIST}/{jobs[0]}/logs"
    assert [line["message"] for line in call("GET", path).json["gameServerLogs"]] == ["a", "b"]
    (line,) = call("GET", f"{path}?Filter=severity%20%3E%3D%202").json["gameServerLogs"]
    assert (line["severity"], line["universeId"], line["placeId"], line["jobId"]) == (2, 1, "2", jobs[0])
    page = call("GET", f"{path}?MaxPageSize=1&OrderBy=severity%20desc").json
    assert page["gameServerLogs"][0]["message"] == "b"
    assert page["nextPageToken"]
    for missing in (f"{LIST}/nobody/logs", f"{BASE}/places/2/versions/8/game-servers/{jobs[0]}/logs"):
        assert call("GET", missing).status == 404


@pytest.mark.parametrize("path", ["places/x/versions/7", "places/2/versions/x", "places/2/versions/0"])
def test_ids_that_are_none_are_400(call: Caller, path: str) -> None:
    assert call("GET", f"{BASE}/{path}/game-servers").status == 400


def test_the_values_that_servers_have_can_be_asked_for(call: Caller, jobs: list[str]) -> None:
    options = call("GET", f"{BASE}/places/2/game-servers:filter-options").json["filters"]
    assert options["PlaceVersion"] == {"field": "PlaceVersion", "type": "Number", "values": [7, 8]}
    assert options["EngineVersion"]["values"] == ['0.6"', "0.700.0.7000000"]
    one = call("GET", f"{BASE}/places/2/game-servers:filter-options?Filter=PlaceVersion").json["filters"]
    assert list(one) == ["PlaceVersion"]
    assert call("GET", f"{BASE}/places/2/game-servers:filter-options?Filter=Nothing").status == 400


def test_a_restart_goes_on_with_the_clock(emulator: Emulator, call: Caller, jobs: list[str], clock: Clock) -> None:
    emulator.scripts.add(OperationScript(kind="restart", processing=10))
    body = {"bleedOffDurationMinutes": 2, "places": {"2": {"versions": [7]}}, "attributes": {"a": 1}}
    launched = call("POST", RESTARTS, body).json
    assert (launched["playersImpacted"], launched["instancesImpacted"]) == (2, 2)
    number = launched["id"]

    def status() -> Any:
        return call("GET", RESTARTS).json["restartStatuses"][number]

    assert status() == {
        "universeId": "1",
        "scheduledTime": "2027-01-15T08:00:00.0000000Z",
        "startTime": "2027-01-15T08:02:00.0000000Z",
        "placeRestartStatuses": {
            "2": {
                "state": "DELAYING",
                "startTime": "2027-01-15T08:02:00.0000000Z",
                "endTime": None,
                "totalPlayers": 2,
                "totalInstances": 2,
                "remainingPlayers": 2,
                "remainingInstances": 2,
                "filter": {"versions": [7]},
                "latestVersion": "8",
            }
        },
    }
    clock.advance(120)
    emulator.servers.end(jobs[1], "crashed")
    place = status()["placeRestartStatuses"]["2"]
    assert (place["state"], place["remainingInstances"], place["remainingPlayers"]) == ("RESTARTING", 1, 2)
    clock.advance(10)
    place = status()["placeRestartStatuses"]["2"]
    assert (place["state"], place["remainingInstances"]) == ("SUCCEEDED", 0)
    assert place["endTime"] == "2027-01-15T08:02:10.0000000Z"
    assert emulator.servers.running(1) == [jobs[2]]
    assert [server["status"] for server in call("GET", LIST).json["gameServers"]] == ["restarted", "crashed"]
    assert emulator.servers.attributes(number) == {"a": 1}
    assert len(emulator.servers.running(2)) == 1
    assert call("GET", "/server-management/v1/universes/2/restarts").json == {"restartStatuses": {}}


@pytest.mark.parametrize("body", [None, {}, {"places": None}, {"places": {}}, {"bleedOffDurationMinutes": None}])
def test_a_restart_of_nothing_said_is_one_of_everything(
    emulator: Emulator, call: Caller, jobs: list[str], body: Any
) -> None:
    assert call("POST", RESTARTS, body).json["instancesImpacted"] == 3
    assert emulator.servers.running(1) == []


@pytest.mark.parametrize(
    "body",
    [
        {"bleedOffDurationMinutes": 0},
        {"bleedOffDurationMinutes": 241},
        {"bleedOffDurationMinutes": "soon"},
        {"places": []},
        {"places": {"x": {}}},
        {"places": {"2": []}},
        {"places": {"2": {"versions": 7}}},
        {"places": {"2": {"versions": ["7"]}}},
        {"places": {"2": {"versions": [True]}}},
        {"places": {"2": {"versions": [7], "excludeCurrentVersion": True}}},
        {"places": {"2": {"excludeCurrentVersion": 1}}},
        {"attributes": []},
        {"attributes": {"a": "é" * 247}},
    ],
)
def test_a_restart_that_makes_no_sense_is_a_problem(
    emulator: Emulator, call: Caller, jobs: list[str], body: Any
) -> None:
    answer = call("POST", RESTARTS, body)
    assert (answer.status, answer.json["status"]) == (400, 400)
    assert len(emulator.servers.running(1)) == 3


def test_attributes_may_have_500_bytes(call: Caller) -> None:
    assert call("POST", RESTARTS, {"attributes": {"a": "é" * 246}}).status == 200


def test_a_restart_can_be_refused(emulator: Emulator, call: Caller, jobs: list[str]) -> None:
    emulator.scripts.add(OperationScript(kind="restart", refusal="Too many restarts."))
    assert call("POST", RESTARTS, {}).json["detail"] == "Too many restarts."
    assert call("GET", RESTARTS).json == {"restartStatuses": {}}


def test_a_forecast_counts_by_version(call: Caller, jobs: list[str]) -> None:
    assert call("GET", f"{BASE}/restarts:forecast").json["placeForecasts"] == {
        "2": {
            "playersImpacted": 3,
            "totalPlayers": 3,
            "instancesImpacted": 3,
            "totalInstances": 3,
            "latestPlaceVersion": "8",
            "publishTime": "2027-01-15T08:00:00.0000000Z",
            "isNotInUniverse": False,
            "playersPerVersion": {"7": 2, "8": 1},
            "instancesPerVersion": {"7": 2, "8": 1},
        }
    }


def test_servers_are_outdated_once_a_newer_version_is_published(emulator: Emulator, call: Caller, clock: Clock) -> None:
    emulator.places.add(1, 2)
    old = emulator.places.add_version(2)
    job = emulator.servers.add(1, 2, old)
    restart = "/cloud/v2/universes/1:restartServers"
    assert call("POST", restart, {}).status == 200
    emulator.places.add_version(2, published=False)
    assert call("POST", restart, {}).status == 200
    assert emulator.servers.running(1) == [job]

    clock.advance(60)
    newest = emulator.places.add_version(2)
    forecast = call("GET", f"{BASE}/restarts:forecast").json["placeForecasts"]["2"]
    assert (forecast["latestPlaceVersion"], forecast["publishTime"]) == (str(newest), "2027-01-15T08:01:00.0000000Z")
    launched = call("POST", RESTARTS, {"places": {"2": {"excludeCurrentVersion": True, "versions": None}}}).json
    assert launched["instancesImpacted"] == 1
    assert emulator.servers.running(1) == []
    emulator.servers.add(1, 2, old)
    assert call("POST", restart, {}).status == 200
    assert emulator.servers.running(1) == []
    status = call("GET", RESTARTS).json["restartStatuses"][launched["id"]]["placeRestartStatuses"]["2"]
    assert status["latestVersion"] == str(newest)


def test_the_version_of_a_place_of_another_universe_is_not_told(emulator: Emulator, call: Caller) -> None:
    emulator.places.add(2, 5)
    emulator.places.add_version(5)
    number = call("POST", RESTARTS, {"places": {"5": {}}}).json["id"]
    status = call("GET", RESTARTS).json["restartStatuses"][number]["placeRestartStatuses"]["5"]
    assert (status["totalInstances"], status["latestVersion"]) == (0, None)


def test_a_key_for_another_universe_is_a_problem(emulator: Emulator, call: Caller) -> None:
    emulator.add_key("k", ApiKey(scopes=(ScopeGrant(name="universe", operations=("read",), universe_ids=("2",)),)))
    answer = call("GET", RESTARTS, key="k")
    assert (answer.status, answer.json["title"]) == (403, "PERMISSION_DENIED")
    assert call("POST", RESTARTS, {}, key="k").json["title"] == "INSUFFICIENT_SCOPE"


@pytest.mark.parametrize("fields", [{"players": (1, 2), "max_players": 1}, {"type": 6}, {"version": 0}])
def test_a_server_that_cannot_be_is_refused(emulator: Emulator, fields: Any) -> None:
    with pytest.raises(ValueError, match="server"):
        emulator.servers.add(1, 2, **fields)


def test_what_is_not_there_is_refused(emulator: Emulator) -> None:
    with pytest.raises(ValueError, match="no server"):
        emulator.servers.log("j", "m")
    with pytest.raises(ValueError, match="no server"):
        emulator.servers.end("j")
    with pytest.raises(ValueError, match="no restart"):
        emulator.servers.attributes("r")
