"""Restarts of game servers: launched, bled off, carried out on the emulator's clock, and told of."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, cast
from uuid import uuid4

from rblxcloud.emulator.errors import json_reply
from rblxcloud.emulator.model import Call, Handler, Reply, World
from rblxcloud.emulator.places.versions import newest_published
from rblxcloud.emulator.protobuf import camel_keys, integer, invalid, switch
from rblxcloud.emulator.servers.store import Server, end, find, moment, servers_of
from rblxcloud.emulator.storage_time import v1_time
from rblxcloud.emulator.universes import is_id
from rblxcloud.endpoints import server_management as api
from rblxcloud.endpoints.model import Endpoint
from rblxcloud.endpoints.universes import RESTART_SERVERS

__all__ = ["HANDLERS", "SCHEMA", "attributes_of", "settle"]

SCHEMA = """
CREATE TABLE IF NOT EXISTS server_restarts (
    id TEXT PRIMARY KEY,
    universe TEXT NOT NULL,
    listed INTEGER NOT NULL,
    scheduled REAL NOT NULL,
    starts REAL NOT NULL,
    ends REAL NOT NULL,
    settled INTEGER NOT NULL DEFAULT 0,
    places TEXT NOT NULL,
    attributes TEXT
);
CREATE INDEX IF NOT EXISTS server_restarts_due ON server_restarts (settled, ends);
"""

MOST_ATTRIBUTE_BYTES = 500
_LONGEST_BLEED_OFF = 240
_LONGEST_BLEED_OFF_V2 = 60
_OUTDATED = {"excludeCurrentVersion": True}


def settle(world: World) -> None:
    """Let every restart that is over have closed its servers, in the order in which they ended."""
    rows = world.database.execute(
        "SELECT id, ends, places FROM server_restarts WHERE settled = 0 AND ends <= ? ORDER BY ends, rowid",
        (world.now(),),
    ).fetchall()
    for number, ends, places in rows:
        for place in json.loads(places).values():
            for job in place["jobs"]:
                end(world, job, "restarted", ends)
        world.database.execute("UPDATE server_restarts SET settled = 1 WHERE id = ?", (number,))


def attributes_of(world: World, number: str) -> Any:
    """Return what the servers were told when a restart was launched.

    Raises:
        ValueError: There is no such restart.
    """
    row = world.database.execute("SELECT attributes FROM server_restarts WHERE id = ?", (number,)).fetchone()
    if row is None:
        raise ValueError(f"there is no restart {number}")
    return None if row[0] is None else json.loads(row[0])


def _launch(world: World, call: Call) -> Reply:
    body = {name: value for name, value in (call.json_object() if call.body else {}).items() if value is not None}
    minutes = integer("bleedOffDurationMinutes", body.get("bleedOffDurationMinutes", 1))
    if not 1 <= minutes <= _LONGEST_BLEED_OFF:
        raise invalid(f"bleedOffDurationMinutes must be between 1 and {_LONGEST_BLEED_OFF}.")
    attributes = body.get("attributes", {})
    if not isinstance(attributes, dict):
        raise invalid("attributes must be an object.")
    size = len(json.dumps(attributes, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass"))
    if size > MOST_ATTRIBUTE_BYTES:
        raise invalid(f"attributes may have {MOST_ATTRIBUTE_BYTES} bytes.")
    filters = _filters(body.get("places", {}))
    bleed_off = 60.0 * minutes if "bleedOffDurationMinutes" in body else 0.0
    number, jobs = _start(world, call, filters, bleed_off, listed=True, attributes=body.get("attributes"))
    return json_reply(
        {"id": number, "playersImpacted": sum(len(job.players) for job in jobs), "instancesImpacted": len(jobs)}
    )


def _filters(places: Any) -> dict[str, dict[str, Any]]:
    if not isinstance(places, dict):
        raise invalid("places must be an object.")
    return {place: _filter(place, value) for place, value in cast("dict[str, Any]", places).items()}


def _filter(place: str, value: Any) -> dict[str, Any]:
    if not is_id(place) or not isinstance(value, dict):
        raise invalid("places must hold an object for each place id.")
    given = {name: each for name, each in cast("dict[str, Any]", value).items() if each is not None}
    versions = given.get("versions", [])
    outdated = switch("excludeCurrentVersion", given.get("excludeCurrentVersion", False))
    whole = isinstance(versions, list) and all(
        isinstance(each, int) and not isinstance(each, bool) for each in cast("list[object]", versions)
    )
    if not whole:
        raise invalid("versions must be a list of numbers.")
    if versions and outdated:
        raise invalid("versions and excludeCurrentVersion exclude each other.")
    return {name: each for name, each in given.items() if name in ("versions", "excludeCurrentVersion")}


def _restart_v2(world: World, call: Call) -> Reply:
    """The older endpoint restarts on the same state, but lists nothing."""
    body = camel_keys({name: value for name, value in call.json_object().items() if value is not None})
    places = body.get("placeIds", [])
    if not isinstance(places, list) or not all(is_id(str(place)) for place in cast("list[object]", places)):
        raise invalid("placeIds must be a list of place ids.")
    everything = switch("closeAllVersions", body.get("closeAllVersions", False))
    bleeds_off = switch("bleedOffServers", body.get("bleedOffServers", False))
    minutes = integer("bleedOffDurationMinutes", body.get("bleedOffDurationMinutes", _LONGEST_BLEED_OFF_V2))
    if not 1 <= minutes <= _LONGEST_BLEED_OFF_V2:
        raise invalid(f"bleedOffDurationMinutes must be between 1 and {_LONGEST_BLEED_OFF_V2}.")
    named = [str(place) for place in cast("list[object]", places)]
    filters = dict.fromkeys(named or _places_of(world, call), {} if everything else _OUTDATED)
    _start(world, call, filters, 60.0 * minutes if bleeds_off else 0.0, listed=False)
    return json_reply({})


def _places_of(world: World, call: Call) -> list[str]:
    universe = call.path.get("universe_id") or call.path["universeId"]
    return list(dict.fromkeys(server.place for server in servers_of(world, universe, running=True)))


def _start(
    world: World,
    call: Call,
    filters: Mapping[str, Mapping[str, Any]],
    bleed_off: float,
    *,
    listed: bool,
    attributes: Any = None,
) -> tuple[str, list[Server]]:
    """Start a restart; return its id and the servers that it concerns."""
    settle(world)
    universe = call.path.get("universe_id") or call.path["universeId"]
    script = world.scripts.take("restart")
    if script.refusal is not None:
        raise invalid(script.refusal)
    places, jobs = dict[str, Any](), list[Server]()
    for place, wanted in (filters or {place: {} for place in _places_of(world, call)}).items():
        servers = list(servers_of(world, universe, place=place, running=True))
        latest, _ = _latest(world, universe, place, servers)
        concerned = [server for server in servers if _is_meant(server, wanted, latest)]
        places[place] = {
            "filter": wanted,
            "latest": latest,
            "jobs": [server.job for server in concerned],
            "players": sum(len(server.players) for server in concerned),
        }
        jobs += concerned
    number, now = str(uuid4()), world.now()
    starts = now + bleed_off
    told = None if attributes is None else json.dumps(attributes)
    world.database.execute(
        "INSERT INTO server_restarts VALUES (?, ?, ?, ?, ?, ?, 0, ?, ?)",
        (number, universe, listed, now, starts, starts + script.processing, json.dumps(places), told),
    )
    settle(world)
    return number, jobs


def _latest(world: World, universe: str, place: str, servers: Sequence[Server]) -> tuple[int | None, str | None]:
    """Return the newest version of a place, and when it was published.

    That is the newest one that was published, or that of a server: tests let servers begin of versions that nobody
    published, whose first server tells the moment.
    """
    newest = newest_published(world, universe, place)
    latest = max((server.version for server in servers), default=0)
    if newest is not None and newest.number >= latest:
        return newest.number, v1_time(newest.created)
    began = min((server.created for server in servers if server.version == latest), default=None)
    return (None, None) if began is None else (latest, moment(began))


def _is_meant(server: Server, wanted: Mapping[str, Any], latest: int | None) -> bool:
    if wanted.get("versions"):
        return server.version in wanted["versions"]
    return not wanted.get("excludeCurrentVersion") or server.version != latest


def _list(world: World, call: Call) -> Reply:
    settle(world)
    rows = world.database.execute(
        "SELECT id, scheduled, starts, ends, places FROM server_restarts WHERE universe = ? AND listed ORDER BY rowid",
        (call.path["universeId"],),
    ).fetchall()
    statuses = {
        number: {
            "universeId": call.path["universeId"],
            "scheduledTime": moment(scheduled),
            "startTime": moment(starts),
            "placeRestartStatuses": {
                place: _status(world, fields, starts, ends) for place, fields in json.loads(places).items()
            },
        }
        for number, scheduled, starts, ends, places in rows
    }
    return json_reply({"restartStatuses": statuses})


def _status(world: World, place: Mapping[str, Any], starts: float, ends: float) -> dict[str, Any]:
    now = world.now()
    left = [server for job in place["jobs"] if (server := find(world, job)) is not None and server.ended is None]
    return {
        "state": "DELAYING" if now < starts else "RESTARTING" if now < ends else "SUCCEEDED",
        "startTime": moment(starts),
        "endTime": moment(ends) if now >= ends else None,
        "totalPlayers": place["players"],
        "totalInstances": len(place["jobs"]),
        "remainingPlayers": sum(len(server.players) for server in left),
        "remainingInstances": len(left),
        "filter": place["filter"],
        "latestVersion": None if place["latest"] is None else str(place["latest"]),
    }


def _forecast(world: World, call: Call) -> Reply:
    settle(world)
    universe = call.path["universeId"]
    by_place: defaultdict[str, list[Server]] = defaultdict(list)
    for server in servers_of(world, universe, running=True):
        by_place[server.place].append(server)
    forecasts = {
        place: _summary(servers, *_latest(world, universe, place, servers)) for place, servers in by_place.items()
    }
    return json_reply({"placeForecasts": forecasts})


def _summary(servers: Sequence[Server], latest: int | None, published: str | None) -> dict[str, Any]:
    instances, players = Counter[int](), Counter[int]()
    for server in servers:
        instances[server.version] += 1
        players[server.version] += len(server.players)
    return {
        "playersImpacted": players.total(),
        "totalPlayers": players.total(),
        "instancesImpacted": instances.total(),
        "totalInstances": instances.total(),
        "latestPlaceVersion": str(latest),
        "publishTime": published,
        "isNotInUniverse": False,
        "playersPerVersion": {str(version): count for version, count in players.items()},
        "instancesPerVersion": {str(version): count for version, count in instances.items()},
    }


HANDLERS: Mapping[Endpoint, Handler] = {
    api.LAUNCH_RESTART: _launch,
    api.LIST_RESTARTS: _list,
    api.FORECAST_RESTART: _forecast,
    RESTART_SERVERS: _restart_v2,
}
