"""The game servers of an experience: which there are, what they log, and how they are restarted."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, cast, get_args

from rblxcloud.endpoints import server_management as api
from rblxcloud.errors import InvalidRequestError
from rblxcloud.http.binding import Binding
from rblxcloud.http.request import Call, QueryValue, json_call
from rblxcloud.operation import Operation, start
from rblxcloud.pagination import Pager
from rblxcloud.resources.arguments import check_choice, check_json, check_switch, check_whole, shown
from rblxcloud.resources.base import check_id, check_several, check_text
from rblxcloud.resources.game_server import (
    FORECAST,
    LOGS,
    OPTIONS,
    RESTARTS,
    SERVER_PAGE,
    SERVERS,
    FilterField,
    FilterOption,
    GameServer,
    GameServerLog,
    LogSeverity,
    PlaceForecast,
    ServerRestart,
    ServerStatus,
)
from rblxcloud.resources.listing import list_pages
from rblxcloud.types import JSON

RestartedPlaces = Iterable[int] | Mapping[int, Iterable[int] | Literal["outdated"] | None]
"""Which places' servers are restarted: ids of places, or for each id the versions of the place, `outdated` for all
versions but the newest, or None for all."""

MOST_ATTRIBUTE_BYTES = 500
LONGEST_BLEED_OFF = 240
_LARGEST_PAGE = 100
_LARGEST_VERSION = 2**31 - 1


class GameServers:
    """The game servers of an experience; reached by `Experience.servers`."""

    def __init__(self, binding: Binding, universe_id: int) -> None:
        self._binding = binding
        self._universe_id = universe_id

    def __repr__(self) -> str:
        """Show the experience."""
        return f"<GameServers of experience {self._universe_id}>"

    async def restart(
        self,
        places: RestartedPlaces | None = None,
        *,
        bleed_off_minutes: int | None = None,
        attributes: Mapping[str, JSON] | None = None,
    ) -> Operation[ServerRestart]:
        """Restart servers, and get something to wait for.

        With nothing passed, every server of every place is restarted at once. `Experience.restart_servers` does it by
        an older endpoint, which tells nothing of how it goes, and by default spares the newest version.

        Args:
            places: Ids of the places; or for each id the versions of the place whose servers are restarted,
                `"outdated"` for all but the newest, None for all. None for every place.
            bleed_off_minutes: Minutes, 1 to 240, in which servers take no new players before they are restarted; None
                to restart at once.
            attributes: Told to the servers when the restart is launched: at most 500 bytes of JSON.

        Returns:
            The operation, which ends when all is restarted; `metadata` says how many players and servers it concerns,
            and later how far it is. A restart that Roblox does not list counts as running: pass a `timeout` to `wait`
            for one of long ago.

        Raises:
            InvalidRequestError: An argument is refused; nothing was sent.

        Scopes: `universe:write`; `universe:read` to wait for it.
        Source: `POST /server-management/v1/universes/{universeId}/restarts`.
        """
        body: dict[str, Any] = {}
        if places is not None:
            body["places"] = _places(places)
        if bleed_off_minutes is not None:
            minutes = check_whole("bleed_off_minutes", bleed_off_minutes, LONGEST_BLEED_OFF, smallest=1)
            body["bleedOffDurationMinutes"] = minutes
        if attributes is not None:
            body["attributes"] = _attributes(attributes)
        call = json_call(api.LAUNCH_RESTART, {"universeId": self._universe_id}, body)
        return await start(self._binding, call, ServerRestart)

    async def restarts(self) -> tuple[ServerRestart, ...]:
        """Ask which restarts there are, and how far each is.

        Returns:
            The restarts that Roblox lists, the latest first.

        Scopes: `universe:read`.
        Source: `GET /server-management/v1/universes/{universeId}/restarts`.
        """
        call = Call(api.LIST_RESTARTS, {"universeId": self._universe_id})
        answer = await self._binding.get().request(call, RESTARTS)
        return tuple(sorted(answer.restarts, key=_launched, reverse=True))

    async def forecast_restart(self) -> dict[int, PlaceForecast]:
        """Ask what a restart would do now.

        Returns:
            What would happen, by the place's id.

        Scopes: `universe:read`.
        Source: `GET /server-management/v1/universes/{universeId}/restarts:forecast`.
        """
        call = Call(api.FORECAST_RESTART, {"universeId": self._universe_id})
        return (await self._binding.get().request(call, FORECAST)).places

    def list(
        self,
        place_id: int,
        version: int,
        *,
        status: ServerStatus | Iterable[ServerStatus] | None = None,
        engine_version: str | Iterable[str] | None = None,
        shut_down: bool | None = None,
        full: bool | None = None,
        min_players: int | None = None,
        max_players: int | None = None,
        filter: str | None = None,
        order_by: str | None = None,
        limit: int | None = None,
        page_size: int = 100,
    ) -> Pager[GameServer]:
        """List the servers that run a version of a place; every condition that is passed has to hold.

        Args:
            place_id: Id of the place.
            version: Its version.
            status: What has become of them, such as `active`, or several of these.
            engine_version: Version of Roblox's engine, or several.
            shut_down: Whether they have ended.
            full: Whether they have as many players as they can have.
            min_players: At least so many players.
            max_players: At most so many players.
            filter: A condition of your own, in CEL: `uptime > ...`, joined by `&&`.
            order_by: A field, such as `uptime`, or `uptime desc`.
            limit: Most servers in all.
            page_size: Most servers a request, 1 to 100.

        Returns:
            A pager: iterate it, or its `pages()`.

        Raises:
            InvalidRequestError: An argument is refused.

        Scopes: `universe:read`.
        Source: `GET /server-management/v1/.../versions/{versionNumber}/game-servers`.
        """
        condition = _condition(status, engine_version, shut_down, full, min_players, max_players, filter)
        return list_pages(
            self._binding,
            api.LIST_GAME_SERVERS,
            SERVERS,
            self._version(place_id, version),
            page_size=page_size,
            largest=_LARGEST_PAGE,
            limit=limit,
            query={"Filter": condition, "OrderBy": _order(order_by)},
        )

    async def count(
        self,
        place_id: int,
        version: int,
        *,
        status: ServerStatus | Iterable[ServerStatus] | None = None,
        engine_version: str | Iterable[str] | None = None,
        shut_down: bool | None = None,
        full: bool | None = None,
        min_players: int | None = None,
        max_players: int | None = None,
        filter: str | None = None,
    ) -> int | None:
        """Count the servers that run a version of a place; every condition that is passed has to hold.

        Args:
            place_id: Id of the place.
            version: Its version.
            status: As of `list`.
            engine_version: As of `list`.
            shut_down: As of `list`.
            full: As of `list`.
            min_players: As of `list`.
            max_players: As of `list`.
            filter: As of `list`.

        Returns:
            How many there are; None where Roblox could not tell.

        Raises:
            InvalidRequestError: An argument is refused; nothing was sent.

        Scopes: `universe:read`.
        Source: `GET /server-management/v1/.../versions/{versionNumber}/game-servers`.
        """
        condition = _condition(status, engine_version, shut_down, full, min_players, max_players, filter)
        query: dict[str, QueryValue] = {"MaxPageSize": 0, "Filter": condition}
        call = Call(api.LIST_GAME_SERVERS, self._version(place_id, version), query)
        return (await self._binding.get().request(call, SERVER_PAGE)).total_count

    def logs(
        self,
        place_id: int,
        version: int,
        job_id: str,
        *,
        min_severity: LogSeverity | int | None = None,
        filter: str | None = None,
        order_by: str | None = None,
        limit: int | None = None,
        page_size: int = 100,
    ) -> Pager[GameServerLog]:
        """List what a server has logged.

        Args:
            place_id: Id of the place.
            version: Its version.
            job_id: Id of the server.
            min_severity: Only lines of this severity or a higher one.
            filter: A condition of your own, in CEL, joined by `&&`.
            order_by: A field, or a field and `desc`.
            limit: Most lines in all.
            page_size: Most lines a request, 1 to 100.

        Returns:
            A pager: iterate it, or its `pages()`.

        Raises:
            InvalidRequestError: An argument is refused.

        Scopes: `universe:read`.
        Source: `GET /server-management/v1/.../versions/{versionNumber}/game-servers/{jobId}/logs`.
        """
        conditions: list[str | None] = [None if filter is None else check_text("filter", filter)]
        if min_severity is not None:
            least = check_whole("min_severity", min_severity, max(LogSeverity), smallest=0)
            conditions.insert(0, f"severity >= {int(least)}")
        return list_pages(
            self._binding,
            api.LIST_GAME_SERVER_LOGS,
            LOGS,
            {**self._version(place_id, version), "jobId": check_text("job_id", job_id)},
            page_size=page_size,
            largest=_LARGEST_PAGE,
            limit=limit,
            query={"Filter": _joined(conditions), "OrderBy": _order(order_by)},
        )

    async def filter_options(self, place_id: int, field: FilterField | None = None) -> dict[str, FilterOption]:
        """Ask which versions the servers of a place run.

        Args:
            place_id: Id of the place.
            field: `EngineVersion` or `PlaceVersion`; None for both.

        Returns:
            The values that there are, by the name of the field.

        Raises:
            InvalidRequestError: An argument is refused; nothing was sent.

        Scopes: `universe:read`.
        Source: `GET /server-management/v1/universes/{universeId}/places/{placeId}/game-servers:filter-options`.
        """
        wanted = "ALL" if field is None else check_choice("field", field, get_args(FilterField))
        path = {"universeId": self._universe_id, "placeId": check_id("place_id", place_id)}
        call = Call(api.GET_FILTER_OPTIONS, path, {"Filter": wanted})
        return dict((await self._binding.get().request(call, OPTIONS)).filters or {})

    def _version(self, place_id: int, version: int) -> dict[str, str | int]:
        return {
            "universeId": self._universe_id,
            "placeId": check_id("place_id", place_id),
            "versionNumber": check_whole("version", version, _LARGEST_VERSION, smallest=1),
        }


def restart_body(
    place_ids: object, close_all_versions: object, bleed_off_servers: object, bleed_off_duration_minutes: object
) -> dict[str, Any]:
    """Return the body of `Experience.restart_servers`.

    Raises:
        InvalidRequestError: An argument is refused.
    """
    body: dict[str, Any] = {}
    if place_ids is not None:
        # To Roblox no places are all places.
        body["placeIds"] = [check_id("place_ids", place) for place in _list("place_ids", place_ids)]
    if check_switch("close_all_versions", close_all_versions):
        body["closeAllVersions"] = True
    if check_switch("bleed_off_servers", bleed_off_servers):
        body["bleedOffServers"] = True
    if bleed_off_duration_minutes is not None:
        if not bleed_off_servers:
            raise InvalidRequestError("bleed_off_duration_minutes", "takes bleed_off_servers=True beside it")
        minutes = check_whole("bleed_off_duration_minutes", bleed_off_duration_minutes, 60, smallest=1)
        body["bleedOffDurationMinutes"] = minutes
    return body


def _launched(restart: ServerRestart) -> float:
    return 0.0 if restart.scheduled is None else restart.scheduled.timestamp()


def _places(places: object) -> dict[str, Any]:
    if isinstance(places, Mapping):
        given = cast("Mapping[object, object]", places)
        check_several("places", given.keys())
        return {str(check_id("places", place)): _versions(choice) for place, choice in given.items()}
    return {str(check_id("places", place)): {} for place in check_several("places", places)}


def _versions(choice: object) -> dict[str, Any]:
    if choice is None:
        return {}
    if choice == "outdated":
        return {"excludeCurrentVersion": True}
    if isinstance(choice, str | bytes | Mapping) or not isinstance(choice, Iterable):
        problem = f"{shown(cast('object', choice))} is neither a list of versions nor 'outdated' nor None"
        raise InvalidRequestError("places", problem)
    versions = check_several("places", cast("object", choice))
    return {"versions": [check_whole("places", version, _LARGEST_VERSION, smallest=1) for version in versions]}


def _attributes(attributes: object) -> Mapping[str, Any]:
    if not isinstance(attributes, Mapping):
        raise InvalidRequestError("attributes", f"is of type {type(attributes).__name__}; it takes a mapping")
    given = dict(cast("Mapping[str, Any]", attributes))
    size = len(check_json("attributes", given))
    if size > MOST_ATTRIBUTE_BYTES:
        raise InvalidRequestError("attributes", f"has {size} bytes as JSON; it takes {MOST_ATTRIBUTE_BYTES} at most")
    return given


def _condition(
    status: object,
    engine_version: object,
    shut_down: bool | None,
    full: bool | None,
    min_players: int | None,
    max_players: int | None,
    filter: str | None,
) -> str | None:
    conditions: list[str | None] = []
    if status is not None:
        # A misspelled one would find nothing.
        chosen = [check_choice("status", each, get_args(ServerStatus)) for each in _several("status", status)]
        conditions.append(_among("status", chosen))
    if engine_version is not None:
        versions = [check_text("engine_version", each) for each in _several("engine_version", engine_version)]
        conditions.append(_among("engineVersion", versions))
    for argument, field, switch in (("shut_down", "shutDown", shut_down), ("full", "full", full)):
        if switch is not None:
            conditions.append(f"{field} == {'true' if check_switch(argument, switch) else 'false'}")
    for argument, operator, bound in (("min_players", ">=", min_players), ("max_players", "<=", max_players)):
        if bound is not None:
            conditions.append(f"occupancy {operator} {check_whole(argument, bound, 2**31 - 1, smallest=0)}")
    conditions.append(None if filter is None else check_text("filter", filter))
    return _joined(conditions)


def _several(argument: str, value: object) -> Sequence[object]:
    return [value] if isinstance(value, str) else _list(argument, value)


def _list(argument: str, value: object) -> Sequence[object]:
    """Return several values; what a mapping says of each would not be looked at."""
    if isinstance(value, Mapping):
        raise InvalidRequestError(argument, "is a mapping; it takes a list, or another iterable")
    return check_several(argument, value)


def _among(field: str, texts: Iterable[str]) -> str:
    """Return a condition on a text; as literals of CEL, texts are quoted as JSON quotes them."""
    quoted = [json.dumps(each, ensure_ascii=False) for each in texts]
    return f"{field} == {quoted[0]}" if len(quoted) == 1 else f"{field} in [{', '.join(quoted)}]"


def _joined(conditions: Iterable[str | None]) -> str | None:
    return " && ".join(condition for condition in conditions if condition) or None


def _order(order_by: object) -> str | None:
    return None if order_by is None else check_text("order_by", order_by)
