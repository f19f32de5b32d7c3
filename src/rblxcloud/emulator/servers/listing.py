"""The lists of game servers, of what they log, and of the values that they can be picked by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from rblxcloud.emulator.errors import json_reply
from rblxcloud.emulator.model import Call, Handler, Refusal, Reply, World
from rblxcloud.emulator.paging import page_request
from rblxcloud.emulator.servers import restarts
from rblxcloud.emulator.servers.conditions import Row, chosen, ordered
from rblxcloud.emulator.servers.store import Log, Server, find, logs_of, servers_of
from rblxcloud.emulator.universes import is_id
from rblxcloud.endpoints import server_management as api
from rblxcloud.endpoints.model import Endpoint

__all__ = ["HANDLERS"]

_DEFAULT_PAGE = 25
_LARGEST_PAGE = 100
_SERVER = Server("j", "1", "1", 1, 0, None, "active", (), 1, "0", 0, 60.0, 0)
_FIELDS = _SERVER.json(0)
_LOG_FIELDS = Log(0, 0, "", None).json(_SERVER)
_OPTIONS = {"EngineVersion": "String", "PlaceVersion": "Number"}


def _list(world: World, call: Call) -> Reply:
    restarts.settle(world)
    place, version = _place(call), _version(call)
    found: list[Row] = [
        server.json(world.now()) for server in servers_of(world, call.path["universeId"], place=place, version=version)
    ]
    found = ordered(chosen(found, call.query.get("Filter", ""), _FIELDS), call.query.get("OrderBy", ""), _FIELDS)
    if call.query.get("MaxPageSize") == "0":
        return json_reply({"gameServers": [], "totalCount": len(found)})
    page, token = _page(call, found)
    return json_reply({"gameServers": page, "nextPageToken": token, "totalCount": len(found)})


def _list_logs(world: World, call: Call) -> Reply:
    place, version = _place(call), _version(call)
    server = find(world, call.path["jobId"])
    if server is None or (server.universe, server.place, server.version) != (call.path["universeId"], place, version):
        raise Refusal(404, "NOT_FOUND", "The server does not exist.")
    lines: list[Row] = [log.json(server) for log in logs_of(world, server.job)]
    lines = chosen(lines, call.query.get("Filter", ""), _LOG_FIELDS)
    page, token = _page(call, ordered(lines, call.query.get("OrderBy", ""), _LOG_FIELDS))
    return json_reply({"gameServerLogs": page, "nextPageToken": token})


def _filter_options(world: World, call: Call) -> Reply:
    wanted = call.query.get("Filter") or "ALL"
    if wanted not in (*_OPTIONS, "ALL"):
        raise Refusal(400, "INVALID_ARGUMENT", "Filter is EngineVersion, PlaceVersion or ALL.")
    servers = list(servers_of(world, call.path["universeId"], place=_place(call)))
    values: dict[str, list[Any]] = {
        "EngineVersion": sorted({server.engine_version for server in servers}),
        "PlaceVersion": sorted({server.version for server in servers}),
    }
    filters = {
        name: {"field": name, "type": kind, "values": values[name]}
        for name, kind in _OPTIONS.items()
        if wanted in (name, "ALL")
    }
    return json_reply({"filters": filters})


def _page(call: Call, rows: list[Row]) -> tuple[list[Row], str | None]:
    page = page_request(call, default=_DEFAULT_PAGE, largest=_LARGEST_PAGE, kinds=(int,))
    start = cast("tuple[int]", page.position)[0] if page.position else 0
    end = start + page.size
    return rows[start:end], page.token(end) if end < len(rows) else None


def _place(call: Call) -> str:
    if not is_id(call.path["placeId"]):
        raise Refusal(400, "INVALID_ARGUMENT", "The place id is not a positive number.")
    return call.path["placeId"]


def _version(call: Call) -> int:
    text = call.path["versionNumber"]
    if not is_id(text) or len(text) > 10:
        raise Refusal(400, "INVALID_ARGUMENT", "The version is not a positive number.")
    return int(text)


HANDLERS: Mapping[Endpoint, Handler] = {
    api.LIST_GAME_SERVERS: _list,
    api.LIST_GAME_SERVER_LOGS: _list_logs,
    api.GET_FILTER_OPTIONS: _filter_options,
}
