"""The bans' endpoints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from rblxcloud.emulator.creators import groups
from rblxcloud.emulator.errors import json_reply
from rblxcloud.emulator.filters import equal_paths
from rblxcloud.emulator.model import Call, Handler, Reply, World
from rblxcloud.emulator.paging import look_ahead, page_request
from rblxcloud.emulator.places.addressing import addressed
from rblxcloud.emulator.protobuf import (
    LONGEST_DURATION,
    camel_keys,
    duration,
    duration_text,
    invalid,
    mask_paths,
    switch,
    timestamp,
)
from rblxcloud.emulator.restrictions import idempotency, table
from rblxcloud.emulator.restrictions.table import EVERYWHERE, Ban, Log, Terms
from rblxcloud.emulator.universes import is_id
from rblxcloud.endpoints import user_restrictions as api
from rblxcloud.endpoints.model import Endpoint

__all__ = ["HANDLERS", "LONGEST_DISPLAY_REASON", "LONGEST_PRIVATE_REASON", "SCHEMA"]

SCHEMA = table.SCHEMA

LONGEST_PRIVATE_REASON = 1000
LONGEST_DISPLAY_REASON = 400
_MASK = "gameJoinRestriction"
_PAGE = 10
_LARGEST_PAGE = 100


def _get(world: World, call: Call) -> Reply:
    universe, place, user = call.path["universe_id"], _place(world, call), _user(call)
    return json_reply(_resource(world, universe, place, user))


def _list(world: World, call: Call) -> Reply:
    universe, place = call.path["universe_id"], _place(world, call)
    request = page_request(call, default=_PAGE, largest=_LARGEST_PAGE, kinds=(int,))
    after = cast("int", request.position[0]) if request.position else 0
    page, last = look_ahead(table.users(world, universe, place, after), request.size)
    body: dict[str, Any] = {"userRestrictions": [_resource(world, universe, place, user) for user in page]}
    if last is not None:
        body["nextPageToken"] = request.token(last)
    return json_reply(body)


def _update(world: World, call: Call) -> Reply:
    universe, place, user = call.path["universe_id"], _place(world, call), _user(call)
    terms = _terms(camel_keys(call.json_object()), mask_paths(call.query))

    def act() -> Reply:
        table.lay(world, universe, place, user, terms, _moderator(world, call))
        return json_reply(_resource(world, universe, place, user))

    return idempotency.once(world, call, act)


def _list_logs(world: World, call: Call) -> Reply:
    wanted = equal_paths(call.query.get("filter", ""), {"user": "users", "place": "places"})
    request = page_request(call, default=_PAGE, largest=_LARGEST_PAGE, kinds=(int,))
    before = cast("int", request.position[0]) if request.position else None
    rows = table.logs(
        world, call.path["universe_id"], user=wanted.get("user"), place=wanted.get("place"), before=before
    )
    page, last = look_ahead(rows, request.size)
    body: dict[str, Any] = {"logs": [_log(row) for row in page]}
    if last is not None:
        body["nextPageToken"] = request.token(last.id)
    return json_reply(body)


def _place(world: World, call: Call) -> str:
    return addressed(world, call).id if "place_id" in call.path else EVERYWHERE


def _user(call: Call) -> int:
    number = call.path["user_restriction_id"]
    if not is_id(number):
        raise invalid("The id of a user restriction is that of the user, a positive number.")
    return int(number)


def _moderator(world: World, call: Call) -> int | None:
    """Return as which user a caller acts: a key of a group acts as its owner."""
    kind, _, number = call.principal.owner.partition("/")
    if kind == "users":
        return int(number)
    group = groups.find(world, int(number))
    return None if group is None else group.owner


def _terms(body: Mapping[str, Any], paths: list[str]) -> Terms:
    """Return what a body asks for: all of it, since parts cannot be updated."""
    if not paths and body.get(_MASK) is None:
        raise invalid(f"The field mask has to name {_MASK}.")
    if paths and {*paths} not in ({_MASK}, {"*"}):
        raise invalid(f"Only {_MASK} as a whole can be updated.")
    given: object = body.get(_MASK) or {}
    if not isinstance(given, dict):
        raise invalid(f"{_MASK} must be an object.")
    fields = {name: value for name, value in camel_keys(cast("dict[str, Any]", given)).items() if value is not None}
    active = switch("active", fields.get("active", False))
    seconds = _duration(fields["duration"]) if "duration" in fields else None
    return Terms(
        active,
        seconds if active else None,
        _reason(fields, "privateReason", LONGEST_PRIVATE_REASON),
        _reason(fields, "displayReason", LONGEST_DISPLAY_REASON),
        switch("excludeAltAccounts", fields.get("excludeAltAccounts", False)),
    )


def _duration(value: object) -> int:
    seconds = duration("duration", value)
    if seconds != int(seconds) or not 1 <= seconds <= LONGEST_DURATION:
        raise invalid(f"duration must be whole seconds, from 1 to {LONGEST_DURATION}.")
    return int(seconds)


def _reason(fields: Mapping[str, Any], name: str, longest: int) -> str:
    text = fields.get(name, "")
    if not isinstance(text, str) or len(text) > longest:
        raise invalid(f"{name} must be text of at most {longest} characters.")
    return text


def _resource(world: World, universe: str, place: str, user: int) -> dict[str, Any]:
    ban = table.in_force(world, universe, place, user)
    parent = f"universes/{universe}" + (f"/places/{place}" if place else "")
    body: dict[str, Any] = {"path": f"{parent}/user-restrictions/{user}", "user": f"users/{user}"}
    if ban.updated is not None:
        body["updateTime"] = timestamp(ban.updated)
    return {**body, "gameJoinRestriction": _wire_ban(ban, world.now())}


def _wire_ban(ban: Ban, now: float) -> dict[str, Any]:
    return {**_wire_terms(ban.terms), "active": ban.terms.holds(now), "inherited": ban.inherited}


def _wire_terms(terms: Terms) -> dict[str, Any]:
    body: dict[str, Any] = {"active": terms.active}
    if terms.start is not None:
        body["startTime"] = timestamp(terms.start)
    if terms.duration is not None:
        body["duration"] = duration_text(terms.duration)
    return {
        **body,
        "privateReason": terms.private_reason,
        "displayReason": terms.display_reason,
        "excludeAltAccounts": terms.exclude_alt_accounts,
    }


def _log(log: Log) -> dict[str, Any]:
    # Place and moderator are bare ids, as observed (universes.md section 3).
    return {
        "user": f"users/{log.user}",
        "place": "" if log.place is None else str(log.place),
        "moderator": {"gameServerScript": {}} if log.moderator is None else {"robloxUser": str(log.moderator)},
        "createTime": timestamp(log.time),
        **_wire_terms(log.terms),
        "restrictionType": {"gameJoinRestriction": {}},
    }


HANDLERS: Mapping[Endpoint, Handler] = {
    api.GET_USER_RESTRICTION: _get,
    api.GET_USER_RESTRICTION_OF_PLACE: _get,
    api.LIST_USER_RESTRICTIONS: _list,
    api.LIST_USER_RESTRICTIONS_OF_PLACE: _list,
    api.UPDATE_USER_RESTRICTION: _update,
    api.UPDATE_USER_RESTRICTION_OF_PLACE: _update,
    api.LIST_USER_RESTRICTION_LOGS: _list_logs,
}
