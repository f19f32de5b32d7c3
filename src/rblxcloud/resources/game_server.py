"""What Roblox tells of game servers and of their restarts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from enum import IntEnum
from typing import Annotated, Any, Literal, TypeVar, cast

from pydantic import BeforeValidator, Field, TypeAdapter

from rblxcloud.resources.base import Model, Timestamp
from rblxcloud.resources.listing import PageModel, WirePage

T = TypeVar("T")

ServerStatus = Literal[
    "active",
    "shut_down",
    "restarted",
    "roblox_restarted",
    "crashed",
    "out_of_memory",
    "moderated",
    "pending",
    "unspecified",
]
"""What has become of a game server."""
FilterField = Literal["EngineVersion", "PlaceVersion"]
"""A field of game servers whose values Roblox lists."""

_SPAN = re.compile(r"(-?)(?:(\d{1,8})\.)?(\d{1,2}):(\d{2}):(\d{2})(?:\.(\d{1,9}))?", re.ASCII)


def _read_span(value: object) -> object:
    """.NET writes a time span as `d.hh:mm:ss`, with up to seven digits of a second behind it."""
    match = _SPAN.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        return value
    sign, days, hours, minutes, seconds, fraction = match.groups(default="0")
    span = timedelta(
        days=int(days),
        hours=int(hours),
        minutes=int(minutes),
        seconds=int(seconds),
        microseconds=int(fraction.ljust(6, "0")[:6]),
    )
    return -span if sign == "-" else span


TimeSpan = Annotated[timedelta, BeforeValidator(_read_span)]
"""How long something takes, read from the form that .NET writes."""


Several = Annotated[tuple[T, ...], BeforeValidator(lambda value: () if value is None else value)]
"""Several values; Roblox may write null for none."""
ByPlace = Annotated[dict[int, T], BeforeValidator(lambda value: {} if value is None else value)]
"""A value for each place id; Roblox may write null for none."""


class LogSeverity(IntEnum):
    """How serious a line of a server's log is."""

    OUTPUT = 0
    INFO = 1
    WARNING = 2
    ERROR = 3


def _read_severity(value: object) -> object:
    try:
        return LogSeverity(value) if isinstance(value, int) else value
    except ValueError:
        return value


class GameServer(Model):
    """A game server, which may have ended."""

    job_id: str
    """Its id."""
    place_id: int | None = None
    """Id of the place that it runs."""
    place_version: int | None = None
    """Version of that place."""
    engine_version: str | None = None
    """Version of Roblox's engine."""
    created: Timestamp | None = Field(default=None, alias="createTime")
    """When it began."""
    uptime: TimeSpan | None = None
    """How long it has been running."""
    memory_usage_bytes: int | None = None
    """Memory that it uses, in bytes."""
    frame_rate: float | None = None
    """Frames that it computes a second."""
    occupancy: int = 0
    """How many players it has."""
    max_occupancy: int | None = None
    """How many players it can have."""
    type: int | None = None
    """What kind of server it is, 0 to 5; Roblox does not say what the numbers mean."""
    full: bool = False
    """Whether it has as many players as it can have."""
    shut_down: bool = False
    """Whether it has ended."""
    status: ServerStatus | str | None = None
    """What has become of it; text for a status that this package does not know."""
    terminated: Timestamp | None = Field(default=None, alias="terminationTime")
    """When it ended; None while it runs."""
    player_ids: tuple[int, ...] | None = None
    """Ids of the players."""


class GameServerLog(Model):
    """A line of a game server's log."""

    time: Timestamp = Field(alias="messageTimestampMs")
    """When it was received."""
    message: str | None = None
    """The text."""
    severity: Annotated[LogSeverity | int | None, BeforeValidator(_read_severity)] = None
    """How serious it is; a number that is newer than this package is kept as it came."""
    universe_id: int | None = None
    """Id of the experience."""
    place_id: int | None = None
    """Id of the place."""
    place_version: int | None = None
    """Version of the place."""
    job_id: str | None = None
    """Id of the server."""
    stack_trace: str | None = None
    """Where in the scripts it comes from."""
    message_template: str | None = None
    """The template of a structured message."""
    context: str | None = None
    """The context of a structured message."""
    skipped_count: int = 0
    """How many lines of the same text were left out in the same stretch of time."""
    rate_limited_count: int = 0
    """How many more lines there were than Roblox takes."""


class FilterOption(Model):
    """A field that game servers can be picked by, and the values that there are."""

    field: str
    """Its name: `EngineVersion` or `PlaceVersion`."""
    type: str | None = None
    """`String` or `Number`."""
    values: Several[Any] = ()
    """The values."""


class PlaceFilter(Model):
    """Which servers of a place are restarted: those of some versions, or all but the newest; with neither, all."""

    versions: tuple[int, ...] | None = None
    """Servers that run one of these versions of the place."""
    exclude_current_version: bool | None = None
    """True for servers that run any version but the one published last."""


class PlaceRestart(Model):
    """How far the restart of a place's servers is."""

    state: Literal["DELAYING", "RESTARTING", "SUCCEEDED"] | str
    """`DELAYING` while the servers are bled off, `RESTARTING`, then `SUCCEEDED`."""
    started: Timestamp | None = Field(default=None, alias="startTime")
    """When it began."""
    ended: Timestamp | None = Field(default=None, alias="endTime")
    """When it ended; None before."""
    total_players: int = 0
    """Players who were to be moved."""
    total_instances: int = 0
    """Servers that were to be closed."""
    remaining_players: int = 0
    """Players who are still to be moved."""
    remaining_instances: int = 0
    """Servers that are still to be closed."""
    filter: PlaceFilter | None = None
    """Which servers were picked."""
    latest_version: int | None = None
    """The newest version of the place when the restart was launched."""


class ServerRestart(Model):
    """A restart of an experience's servers."""

    id: str
    """Its id."""
    universe_id: int | None = None
    """Id of the experience."""
    scheduled: Timestamp | None = Field(default=None, alias="scheduledTime")
    """When it was launched."""
    starts: Timestamp | None = Field(default=None, alias="startTime")
    """When the bleed-off ends, and the servers begin to be restarted."""
    places: ByPlace[PlaceRestart] = Field(default_factory=dict[int, PlaceRestart], alias="placeRestartStatuses")
    """How far it is, by the place's id."""

    @property
    def done(self) -> bool:
        """Whether every place's servers have been restarted."""
        return all(place.state == "SUCCEEDED" for place in self.places.values())


class PlaceForecast(Model):
    """What a restart would do to a place."""

    players_impacted: int = 0
    """Players who would be moved."""
    total_players: int = 0
    """Players in the place."""
    instances_impacted: int = 0
    """Servers that would be closed."""
    total_instances: int = 0
    """Servers of the place."""
    latest_version: int | None = Field(default=None, alias="latestPlaceVersion")
    """The newest version that a server runs."""
    published: Timestamp | None = Field(default=None, alias="publishTime")
    """When that was published."""
    is_not_in_universe: bool = False
    """True of a place that was moved to another experience, and still has servers of before."""
    players_per_version: dict[int, int] | None = None
    """Players, by the version of the place."""
    instances_per_version: dict[int, int] | None = None
    """Servers, by the version of the place."""


class _ServerPage(PageModel):
    items: Several[GameServer] = Field(default=(), alias="gameServers")
    total_count: int | None = None


class _Logs(PageModel):
    items: Several[GameServerLog] = Field(default=(), alias="gameServerLogs")


def _with_ids(statuses: object) -> object:
    """Roblox keeps restarts by their ids, which do not stand in what is kept."""
    if not isinstance(statuses, Mapping):
        return () if statuses is None else statuses
    return tuple({"id": number, **fields} for number, fields in cast("Mapping[str, dict[str, Any]]", statuses).items())


class _Options(Model):
    filters: Mapping[str, FilterOption] | None = None


class _Restarts(Model):
    restarts: Annotated[tuple[ServerRestart, ...], BeforeValidator(_with_ids)] = Field(
        default=(), alias="restartStatuses"
    )


class _Forecast(Model):
    places: ByPlace[PlaceForecast] = Field(default_factory=dict[int, PlaceForecast], alias="placeForecasts")


SERVERS: TypeAdapter[WirePage[GameServer]] = TypeAdapter(_ServerPage)
SERVER_PAGE = TypeAdapter(_ServerPage)
LOGS: TypeAdapter[WirePage[GameServerLog]] = TypeAdapter(_Logs)
OPTIONS = TypeAdapter(_Options)
FORECAST = TypeAdapter(_Forecast)
RESTARTS = TypeAdapter(_Restarts)
