"""Game servers and their logs, as they are kept, and the JSON that tells of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from rblxcloud.emulator.model import World
from rblxcloud.emulator.storage_time import ticks_at, v1_time

__all__ = [
    "SCHEMA",
    "Log",
    "Server",
    "add",
    "add_log",
    "end",
    "find",
    "logs_of",
    "moment",
    "servers_of",
    "span",
]

SCHEMA = """
CREATE TABLE IF NOT EXISTS game_servers (
    job TEXT PRIMARY KEY,
    universe TEXT NOT NULL,
    place TEXT NOT NULL,
    version INTEGER NOT NULL,
    created REAL NOT NULL,
    ended REAL,
    status TEXT NOT NULL,
    players TEXT NOT NULL,
    max_players INTEGER NOT NULL,
    engine_version TEXT NOT NULL,
    memory_bytes INTEGER NOT NULL,
    frame_rate REAL NOT NULL,
    type INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS game_servers_of_place ON game_servers (universe, place, version);
CREATE TABLE IF NOT EXISTS game_server_logs (
    job TEXT NOT NULL,
    time REAL NOT NULL,
    severity INTEGER NOT NULL,
    message TEXT NOT NULL,
    stack_trace TEXT
);
CREATE INDEX IF NOT EXISTS game_server_logs_of_job ON game_server_logs (job);
"""


@dataclass(frozen=True, slots=True)
class Server:
    """A game server."""

    job: str
    universe: str
    place: str
    version: int
    created: float
    ended: float | None
    status: str
    players: Sequence[int]
    max_players: int
    engine_version: str
    memory_bytes: int
    frame_rate: float
    type: int

    def json(self, now: float) -> dict[str, Any]:
        """Return the server as the service shows it.

        Args:
            now: Seconds since 1970 UTC.
        """
        return {
            "placeId": self.place,
            "placeVersion": str(self.version),
            "jobId": self.job,
            "engineVersion": self.engine_version,
            "createTime": moment(self.created),
            "uptime": span((now if self.ended is None else self.ended) - self.created),
            "memoryUsageBytes": self.memory_bytes,
            "frameRate": self.frame_rate,
            "occupancy": len(self.players),
            "maxOccupancy": self.max_players,
            "type": self.type,
            "full": len(self.players) >= self.max_players,
            "shutDown": self.ended is not None,
            "status": self.status,
            "terminationTime": None if self.ended is None else moment(self.ended),
            "playerIds": list(self.players),
        }


@dataclass(frozen=True, slots=True)
class Log:
    """A line of a server's log."""

    time: float
    severity: int
    message: str
    stack_trace: str | None

    def json(self, server: Server) -> dict[str, Any]:
        """Return the line as the service shows it.

        Args:
            server: Where it was logged.
        """
        return {
            "messageTimestampMs": moment(self.time),
            "universeId": int(server.universe),
            "placeId": server.place,
            "placeVersion": str(server.version),
            "jobId": server.job,
            "severity": self.severity,
            "message": self.message,
            "stackTrace": self.stack_trace,
            "messageTemplate": None,
            "context": None,
            "skippedCount": 0,
            "rateLimitedCount": 0,
        }


def moment(time: float) -> str:
    """Return a moment as .NET writes it: seven digits and `Z`."""
    return v1_time(ticks_at(time))


def span(seconds: float) -> str:
    """Return a stretch of time as .NET writes it, `d.hh:mm:ss`."""
    days, rest = divmod(int(seconds), 86_400)
    hours, rest = divmod(rest, 3600)
    return f"{f'{days}.' if days else ''}{hours:02d}:{rest // 60:02d}:{rest % 60:02d}"


def add(
    world: World,
    universe: str,
    place: str,
    version: int,
    *,
    players: Iterable[int],
    max_players: int,
    engine_version: str,
    memory_bytes: int,
    frame_rate: float,
    type: int,
) -> str:
    """Let a server begin; return its id."""
    job = str(uuid4())
    world.database.execute(
        "INSERT INTO game_servers VALUES (?, ?, ?, ?, ?, NULL, 'active', ?, ?, ?, ?, ?, ?)",
        (
            *(job, universe, place, version, world.now(), json.dumps(list(players))),
            *(max_players, engine_version, memory_bytes, frame_rate, type),
        ),
    )
    return job


def end(world: World, job: str, status: str, time: float) -> None:
    """Let a server end, unless it has ended; its players leave."""
    world.database.execute(
        "UPDATE game_servers SET status = ?, ended = ?, players = '[]' WHERE job = ? AND ended IS NULL",
        (status, time, job),
    )


def find(world: World, job: str) -> Server | None:
    """Return a server by its id."""
    row = world.database.execute("SELECT * FROM game_servers WHERE job = ?", (job,)).fetchone()
    return None if row is None else _server(row)


def servers_of(
    world: World, universe: str, *, place: str | None = None, version: int | None = None, running: bool = False
) -> Iterator[Server]:
    """Yield servers, in the order in which they began.

    Args:
        world: The emulator's state.
        universe: Of which universe.
        place: Of which place; None for all.
        version: Of which version of the place; None for all.
        running: Whether those that have ended are left out.
    """
    rows = world.database.execute(
        "SELECT * FROM game_servers WHERE universe = ? AND (? IS NULL OR place = ?) AND (? IS NULL OR version = ?)"
        " AND (NOT ? OR ended IS NULL) ORDER BY rowid",
        (universe, place, place, version, version, running),
    )
    return map(_server, rows.fetchall())


def add_log(world: World, job: str, message: str, severity: int, stack_trace: str | None) -> None:
    """Add a line to a server's log."""
    world.database.execute(
        "INSERT INTO game_server_logs VALUES (?, ?, ?, ?, ?)", (job, world.now(), severity, message, stack_trace)
    )


def logs_of(world: World, job: str) -> Iterator[Log]:
    """Yield the lines of a server's log, oldest first."""
    rows = world.database.execute(
        "SELECT time, severity, message, stack_trace FROM game_server_logs WHERE job = ? ORDER BY rowid", (job,)
    )
    return (Log(*row) for row in rows.fetchall())


def _server(row: tuple[Any, ...]) -> Server:
    fields = {name: row[place] for place, name in enumerate(Server.__slots__)}
    return Server(**{**fields, "players": json.loads(fields["players"])})
