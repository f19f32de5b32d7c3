"""The tasks there are, and how each of them stands at a moment."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from rblxcloud.emulator.luau.handlers import LuauAnswer, LuauRun
from rblxcloud.emulator.model import World

__all__ = ["DAY", "SCHEMA", "Task", "add", "cancel", "every", "find", "forget_old", "incomplete", "settle"]

SCHEMA = """
CREATE TABLE IF NOT EXISTS luau_tasks (
    id TEXT PRIMARY KEY,
    universe TEXT NOT NULL,
    place TEXT NOT NULL,
    version INTEGER NOT NULL,
    user TEXT NOT NULL,
    created REAL NOT NULL,
    starts REAL NOT NULL,
    ends REAL NOT NULL,
    timeout REAL NOT NULL,
    request TEXT NOT NULL,
    outcome TEXT
);
CREATE INDEX IF NOT EXISTS luau_tasks_of_place ON luau_tasks (place, ends);
CREATE TABLE IF NOT EXISTS luau_outputs (
    task TEXT PRIMARY KEY,
    content BLOB NOT NULL
);
"""

DAY = 86_400.0
LARGEST_OUTPUT = 4 * 1024 * 1024
LARGEST_BINARY_OUTPUT = 256 * 1024 * 1024

_COLUMNS = "id, universe, place, version, user, created, starts, ends, timeout, request, outcome"
_TOO_LATE: Mapping[str, Any] = {
    "state": "FAILED",
    "error": {"code": "DEADLINE_EXCEEDED", "message": "The script ran longer than its timeout."},
}
_TOO_LARGE: Mapping[str, Any] = {
    "state": "FAILED",
    "error": {"code": "OUTPUT_SIZE_LIMIT_EXCEEDED", "message": "The script returned more than is allowed."},
}


@dataclass(frozen=True, slots=True)
class Task:
    """A task as it is kept."""

    id: str
    universe: str
    place: str
    version: int
    user: str
    created: float
    starts: float
    ends: float
    """When it ends, or, as long as nobody has answered for it, has to end."""
    timeout: float
    request: Mapping[str, Any]
    """What it was asked for with, by the names of the JSON."""
    outcome: Mapping[str, Any] | None
    """How it ends: `state`, and `results` or `error`; None as long as nobody has answered for it."""
    logs: tuple[tuple[float, str, str], ...]
    """Moment, type and text of what it logs."""

    @property
    def path(self) -> str:
        """How answers name it: the session has the id of its task."""
        place = f"universes/{self.universe}/places/{self.place}/versions/{self.version}"
        return f"{place}/luau-execution-sessions/{self.id}/tasks/{self.id}"

    def state(self, now: float) -> str:
        """Return what it is doing."""
        if now >= self.ends:
            return str((self.outcome or _TOO_LATE)["state"])
        return "QUEUED" if now < self.starts else "PROCESSING"

    def changed(self, now: float) -> float:
        """Return when it came to be in the state that it is in."""
        return self.ends if now >= self.ends else self.starts if now >= self.starts else self.created

    def ending(self, now: float) -> Mapping[str, Any]:
        """Return how it ended; empty while it has not."""
        return (self.outcome or _TOO_LATE) if now >= self.ends else {}


def add(world: World, run: LuauRun, request: Mapping[str, Any], queued: float) -> Task:
    """Make a task that nobody has answered for.

    Args:
        world: The emulator's state.
        run: What is to be run.
        request: What it was asked for with.
        queued: Seconds until it begins.
    """
    now, number = world.now(), str(uuid4())
    starts = now + queued
    world.database.execute(
        f"INSERT INTO luau_tasks ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL)",
        (
            *(number, str(run.universe), str(run.place), run.version, str(run.user), now, starts),
            *(starts + run.timeout, run.timeout, json.dumps(request)),
        ),
    )
    task = find(world, number)
    assert task is not None
    return task


def settle(world: World, number: str, answer: LuauAnswer) -> None:
    """Keep how a task goes, unless it was cancelled or its time is up already.

    Args:
        world: The emulator's state.
        number: Its id.
        answer: What a handler made of it.
    """
    task = find(world, number)
    if task is None or task.outcome is not None or world.now() >= task.ends:
        return
    running = max(answer.running, world.now() - task.starts)
    late = running > task.timeout
    outcome = dict(_TOO_LATE) if late else _outcome(answer)
    ends = task.starts + min(running, task.timeout)
    outcome["logs"] = [
        (task.starts + log.after, log.type, log.message) for log in answer.logs if task.starts + log.after <= ends
    ]
    world.database.execute(
        "UPDATE luau_tasks SET ends = ?, outcome = ? WHERE id = ?", (ends, json.dumps(outcome), number)
    )
    if outcome["state"] == "COMPLETE" and answer.binary_output is not None:
        content = sqlite3.Binary(answer.binary_output)
        world.database.execute("INSERT INTO luau_outputs VALUES (?, ?)", (number, content))


def _outcome(answer: LuauAnswer) -> dict[str, Any]:
    if answer.code is not None:
        return {"state": "FAILED", "error": {"code": answer.code, "message": answer.message}}
    results = list(answer.results)
    size = len(json.dumps(results, ensure_ascii=False, separators=(",", ":")).encode())
    if size > LARGEST_OUTPUT or len(answer.binary_output or b"") > LARGEST_BINARY_OUTPUT:
        return dict(_TOO_LARGE)
    return {"state": "COMPLETE", "results": results}


def cancel(world: World, number: str) -> bool:
    """End a task as Roblox may; return whether there was one that had not ended."""
    task, now = find(world, number), world.now()
    if task is None or now >= task.ends:
        return False
    outcome = {"state": "CANCELLED", "logs": [log for log in task.logs if log[0] <= now]}
    world.database.execute(
        "UPDATE luau_tasks SET starts = min(starts, :now), ends = :now, outcome = :outcome WHERE id = :id",
        {"now": now, "outcome": json.dumps(outcome), "id": number},
    )
    world.database.execute("DELETE FROM luau_outputs WHERE task = ?", (number,))
    return True


def find(world: World, number: str) -> Task | None:
    """Return a task by its id, up to a day after its end."""
    row = world.database.execute(
        f"SELECT {_COLUMNS} FROM luau_tasks WHERE id = ? AND ends > ?", (number, world.now() - DAY)
    ).fetchone()
    return None if row is None else _task(row)


def every(world: World, limit: int) -> list[Task]:
    """Return the newest tasks, oldest first, and at most `limit` of them."""
    rows = world.database.execute(
        f"SELECT {_COLUMNS} FROM luau_tasks WHERE ends > ? ORDER BY rowid DESC LIMIT ?", (world.now() - DAY, limit)
    )
    return [_task(row) for row in rows][::-1]


def incomplete(world: World, place: str) -> int:
    """Return how many tasks of a place have not ended."""
    (count,) = world.database.execute(
        "SELECT count(*) FROM luau_tasks WHERE place = ? AND ends > ?", (place, world.now())
    ).fetchone()
    return int(count)


def forget_old(world: World) -> None:
    """Drop the tasks that ended more than a day ago."""
    limit = (world.now() - DAY,)
    world.database.execute("DELETE FROM luau_outputs WHERE task IN (SELECT id FROM luau_tasks WHERE ends <= ?)", limit)
    world.database.execute("DELETE FROM luau_tasks WHERE ends <= ?", limit)


def _task(row: tuple[Any, ...]) -> Task:
    number, universe, place, version, user, created, starts, ends, timeout, request, outcome = row
    ending: dict[str, Any] | None = None if outcome is None else json.loads(outcome)
    logs: list[tuple[float, str, str]] = [] if ending is None else ending.pop("logs")
    return Task(
        id=number,
        universe=universe,
        place=place,
        version=version,
        user=user,
        created=created,
        starts=starts,
        ends=ends,
        timeout=timeout,
        request=json.loads(request),
        outcome=ending,
        logs=tuple((at, kind, text) for at, kind, text in logs),
    )
