"""Team Create sessions, as the legacy service tells of them, and Team Test servers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from rblxcloud.emulator.api_keys import Resource
from rblxcloud.emulator.creators import users
from rblxcloud.emulator.errors import json_reply
from rblxcloud.emulator.model import Call, Handler, Refusal, Reply, World
from rblxcloud.emulator.paging import look_ahead, page_request
from rblxcloud.emulator.places.table import Place, find
from rblxcloud.emulator.universes import is_id
from rblxcloud.endpoints import develop, places
from rblxcloud.endpoints.model import Endpoint

__all__ = ["HANDLERS", "SCHEMA", "servers", "start_server"]

SCHEMA = """
CREATE TABLE IF NOT EXISTS team_test_servers (
    place TEXT NOT NULL,
    id TEXT NOT NULL,
    PRIMARY KEY (place, id)
);
"""

_SCOPE = "legacy-team-collaboration:manage"
_SIZES = ("", "10", "25", "50", "100")


def servers(world: World, place: str) -> list[str]:
    """Return the ids of the Team Test servers of a place, oldest first."""
    rows = world.database.execute("SELECT id FROM team_test_servers WHERE place = ? ORDER BY rowid", (place,))
    return [server for (server,) in rows]


def start_server(world: World, place: str, server: str) -> None:
    """Let a Team Test server of a place run."""
    world.database.execute("INSERT INTO team_test_servers VALUES (?, ?)", (place, server))


def _members(world: World, call: Call) -> Reply:
    place = _place(world, call)
    if place is not None and not place.collaborative:
        raise Refusal(403, "PERMISSION_DENIED", "Team Create is disabled for the place.", detail="4")
    if call.query.get("limit", "") not in _SIZES:
        raise Refusal(400, "INVALID_ARGUMENT", "limit is one of 10, 25, 50 and 100.")
    page = page_request(call, default=10, largest=100, kinds=(int,))
    after = page.position[0] if page.position is not None else 0
    editors = sorted(user for user in (place.editors if place is not None else ()) if user > int(after))
    shown, last = look_ahead(iter(editors), page.size)
    body: dict[str, Any] = {"data": [_member(world, user) for user in shown]}
    if last is not None:
        body["nextPageCursor"] = page.token(last)
    return json_reply(body)


def _member(world: World, number: int) -> dict[str, Any]:
    user = users.find(world, number)
    names = {} if user is None else {name: user.fields[name] for name in ("name", "displayName")}
    return {"id": number, **names}


def _close(world: World, call: Call) -> Reply:
    place = _place(world, call)
    try:
        server = str(UUID(call.query.get("gameId", "")))
    except ValueError as error:
        raise Refusal(400, "INVALID_ARGUMENT", "gameId has to be a UUID.") from error
    if place is not None:
        world.database.execute("DELETE FROM team_test_servers WHERE place = ? AND id = ?", (place.id, server))
    return json_reply({})


def _place(world: World, call: Call) -> Place | None:
    """Return the place; None for one that nobody spoke of, where nobody is and nothing runs."""
    number = call.path["placeId"]
    place = find(world, number) if is_id(number) else None
    if place is None and (world.strict or not is_id(number)):
        raise Refusal(400, "INVALID_ARGUMENT", "The place is invalid.", detail="5")
    if place is not None and not call.has_scope_on(_SCOPE, Resource(universe=place.universe)):
        raise Refusal(403, "PERMISSION_DENIED", "You are not authorized to perform this action.", detail="2")
    return place


HANDLERS: Mapping[Endpoint, Handler] = {
    develop.GET_LEGACY_DEVELOP_V1_PLACES_PLACE_ID_TEAMCREATE_ACTIVE_SESSION_MEMBERS: _members,
    places.CLOSE_TEAM_TEST: _close,
}
