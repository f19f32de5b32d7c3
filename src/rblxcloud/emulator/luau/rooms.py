"""The endpoints of Luau execution."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from rblxcloud.emulator.errors import json_reply
from rblxcloud.emulator.luau import files, tasks
from rblxcloud.emulator.luau.handlers import LuauHandler, LuauRun
from rblxcloud.emulator.luau.tasks import Task
from rblxcloud.emulator.model import Call, Handler, Refusal, Reply, World
from rblxcloud.emulator.paging import page_request
from rblxcloud.emulator.places.addressing import addressed
from rblxcloud.emulator.places.versions import find_version
from rblxcloud.emulator.protobuf import camel_keys, duration, invalid, switch, timestamp
from rblxcloud.emulator.universes import is_id
from rblxcloud.endpoints import luau as api
from rblxcloud.endpoints.model import Endpoint, Parameter

__all__ = ["HANDLERS", "SCHEMA", "StartedTask"]

SCHEMA = tasks.SCHEMA + files.SCHEMA

LARGEST_SCRIPT = 4 * 1024 * 1024
LONGEST_RUN = 300
MOST_INCOMPLETE = 10
KEPT_LOGS = 450 * 1024
MOST_MESSAGES = 10_000

_FIRST_VERSION = 1
"""What a place has to which nothing was published yet."""
_KEPT: tuple[str, ...] = ("script", "timeout", "binaryInput", "enableBinaryOutput")
_BASIC, _FULL = ("", "VIEW_UNSPECIFIED", "BASIC"), ("FULL",)
_FLAT, _STRUCTURED = ("", "VIEW_UNSPECIFIED", "FLAT"), ("STRUCTURED",)


@dataclass(frozen=True, slots=True)
class StartedTask:
    """A task was made, and waits for its handler."""

    id: str
    run: LuauRun
    handler: LuauHandler


def _create(world: World, call: Call) -> Reply:
    place = addressed(world, call)
    body = camel_keys({name: value for name, value in call.json_object().items() if value is not None})
    script, seconds = _script(body.get("script", "")), _timeout(body)
    run = LuauRun(
        script=script,
        universe=int(place.universe),
        place=int(place.id),
        version=_version(world, call, place.id),
        user=_user(call),
        timeout=float(seconds),
        binary_input=files.read_input(world, place.universe, body.get("binaryInput", "")),
        binary_output=switch("enableBinaryOutput", body.get("enableBinaryOutput", False)),
    )
    if call.limited and tasks.incomplete(world, place.id) >= MOST_INCOMPLETE:
        raise Refusal(
            429,
            "RESOURCE_EXHAUSTED",
            f"The place has {MOST_INCOMPLETE} tasks that have not ended: more are not allowed.",
        )
    tasks.forget_old(world)
    handler, queued = world.luau.take(run)
    request = {name: body[name] for name in _KEPT if name in body}
    task = tasks.add(world, run, request, queued)
    world.events.append(StartedTask(task.id, run, handler))
    shown = {"path": task.path, "user": task.user, "state": task.state(world.now())}
    return json_reply({**shown, **request})


def _script(script: object) -> str:
    if not isinstance(script, str) or not script:
        raise invalid("script must be a text that is not empty.")
    if len(script.encode()) > LARGEST_SCRIPT:
        raise invalid(f"The script has more than {LARGEST_SCRIPT} bytes.")
    return script


def _timeout(body: Mapping[str, Any]) -> Decimal:
    seconds = duration("timeout", body.get("timeout", f"{LONGEST_RUN}s"))
    if not 0 < seconds <= LONGEST_RUN:
        raise invalid(f"timeout must be more than 0 and at most {LONGEST_RUN}s.")
    return seconds


def _version(world: World, call: Call, place: str) -> int:
    """Return the version that a script runs in: the one that is named, else the newest."""
    newest, named = find_version(world, place), call.path.get("version_id")
    if named is None:
        return _FIRST_VERSION if newest is None else newest.number
    if not is_id(named):
        raise invalid("The version is not a positive number.")
    number = int(named)
    there = number == _FIRST_VERSION if newest is None else find_version(world, place, number) is not None
    if not there:
        raise Refusal(404, "NOT_FOUND", f"The place {place} has no version {number}.")
    return number


def _user(call: Call) -> int:
    """Return as whom a script runs: a group's key belongs to somebody too, who in an emulator is user 1."""
    kind, _, number = call.principal.owner.partition("/")
    return int(number) if kind == "users" else 1


def _get(world: World, call: Call) -> Reply:
    task, now = _addressed(world, call), world.now()
    view = call.query.get("view", "")
    if view not in (*_BASIC, *_FULL):
        raise invalid("view must be BASIC or FULL.")
    shown = {
        "path": task.path,
        "createTime": timestamp(task.created),
        "updateTime": timestamp(task.changed(now)),
        "user": task.user,
        "state": task.state(now),
        **task.request,
        "script": task.request["script"] if view in _FULL else "",
    }
    ending = task.ending(now)
    if "results" in ending:
        shown["output"] = {"results": ending["results"]}
    if "error" in ending:
        shown["error"] = ending["error"]
    if (address := files.output_address(world, call, task)) is not None:
        shown["binaryOutputUri"] = address
    return json_reply(shown)


def _list_logs(world: World, call: Call) -> Reply:
    task = _addressed(world, call)
    view = call.query.get("view", "")
    if view not in (*_FLAT, *_STRUCTURED):
        raise invalid("view must be FLAT or STRUCTURED.")
    page = page_request(call, default=MOST_MESSAGES, largest=MOST_MESSAGES, kinds=(int, int))
    chunk, first = page.position or (0, 0)
    assert isinstance(chunk, int)
    assert isinstance(first, int)
    kept = [(number, log) for number, log in _kept_logs(world, task) if number >= first]
    shown, rest = kept[: page.size], kept[page.size :]
    log: dict[str, Any] = {"path": f"{task.path}/logs/{chunk + 1}"}
    if view in _FLAT:
        log["messages"] = [text for _, (_, _, text) in shown]
    else:
        log["structuredMessages"] = [
            {"message": text, "createTime": timestamp(at), "messageType": kind} for _, (at, kind, text) in shown
        ]
    token = page.token(chunk + 1, rest[0][0]) if rest else ""
    return json_reply({"luauExecutionSessionTaskLogs": [log], "nextPageToken": token})


def _kept_logs(world: World, task: Task) -> list[tuple[int, tuple[float, str, str]]]:
    """Return the messages that can be read now, each with its number; of many, the oldest are dropped."""
    now = world.now()
    if now < task.ends and not world.luau.live_logs:
        return []
    logs = [(number, log) for number, log in enumerate(task.logs) if log[0] <= now]
    room, first = KEPT_LOGS, len(logs)
    while first and (room := room - len(logs[first - 1][1][2].encode())) >= 0:
        first -= 1
    return logs[first:]


def _addressed(world: World, call: Call) -> Task:
    """Return the task that a path of one of the four forms names."""
    task = tasks.find(world, call.path["task_id"])
    named = (
        {
            "universe_id": task.universe,
            "place_id": task.place,
            "version_id": str(task.version),
            "luau_execution_session_id": task.id,
            "task_id": task.id,
        }
        if task
        else {}
    )
    if task is None or any(named[name] != value for name, value in call.path.items()):
        raise Refusal(404, "NOT_FOUND", "There is no such task, or it ended more than a day ago.")
    return task


def _forms(endpoint: Endpoint) -> list[Endpoint]:
    """Return the row of an endpoint for each of the forms that the path of a task has; the document knows one alone."""
    version, session = "/versions/{version_id}", "luau-execution-sessions/{luau_execution_session_id}/tasks"
    rows = [endpoint]
    for path in (
        endpoint.path.replace(version, ""),
        endpoint.path.replace(session, "luau-execution-session-tasks"),
        endpoint.path.replace(version, "").replace(session, "luau-execution-session-tasks"),
    ):
        names = re.findall(r"{(\w+)}", path)
        parameters = tuple(Parameter(name, required=True) for name in names)
        row = replace(endpoint, name=f"{endpoint.name}_{len(rows)}", path=path, path_parameters=parameters)
        rows.append(row)
    return rows


HANDLERS: Mapping[Endpoint, Handler] = {
    api.CREATE_TASK: _create,
    api.CREATE_TASK_OF_VERSION: _create,
    **dict.fromkeys(_forms(api.GET_TASK), _get),
    **dict.fromkeys(_forms(api.LIST_TASK_LOGS), _list_logs),
    **files.HANDLERS,
}
