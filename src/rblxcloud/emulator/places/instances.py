"""Reading, listing and updating instances: each a long-running operation that takes place when its time has come."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast
from uuid import uuid4

from rblxcloud.emulator.errors import json_reply
from rblxcloud.emulator.model import Call, Handler, Refusal, Reply, World
from rblxcloud.emulator.paging import PageRequest, look_ahead, page_request
from rblxcloud.emulator.places import tree
from rblxcloud.emulator.places.addressing import addressed
from rblxcloud.emulator.places.instance_changes import Changes, read_changes
from rblxcloud.emulator.places.table import Place, of_universe, save
from rblxcloud.emulator.protobuf import invalid
from rblxcloud.emulator.scripts import OperationScript
from rblxcloud.endpoints import places as api
from rblxcloud.endpoints.model import Endpoint

__all__ = ["HANDLERS", "LARGEST_RESULT", "SCHEMA", "settle"]

SCHEMA = """
CREATE TABLE IF NOT EXISTS instance_operations (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    universe TEXT NOT NULL,
    place TEXT NOT NULL,
    instance TEXT NOT NULL,
    kind TEXT NOT NULL,
    request TEXT NOT NULL,
    ready_time REAL NOT NULL,
    script TEXT NOT NULL,
    outcome TEXT
);
CREATE INDEX IF NOT EXISTS instance_operations_due ON instance_operations (ready_time) WHERE outcome IS NULL;
"""

LARGEST_RESULT = 500_000
"""Bytes that the result of an operation may have."""

_PAGE = 200
_TYPE = "type.googleapis.com/roblox.open_cloud.cloud.v2"
# google.rpc.Code; too large a result alone has the number of an HTTP status.
_INVALID_ARGUMENT, _NOT_FOUND, _FAILED_PRECONDITION, _TOO_LARGE = 3, 5, 9, 422


class _Failure(Exception):
    """An operation that fails.

    Args:
        code: The `code` of its error.
        message: Its text.
    """

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


def settle(world: World) -> None:
    """Let every operation whose time has come take place, in the order in which they come."""
    rows = world.database.execute(
        "SELECT number, universe, place, instance, kind, request, script FROM instance_operations"
        " WHERE outcome IS NULL AND ready_time <= ? ORDER BY ready_time, number",
        (world.now(),),
    ).fetchall()
    for number, universe, place_id, instance, kind, request, script in rows:
        place = of_universe(world, universe, place_id)
        outcome = _outcome(
            world, place, instance, kind, json.loads(request), OperationScript.model_validate_json(script)
        )
        world.database.execute(
            "UPDATE instance_operations SET outcome = ? WHERE number = ?", (json.dumps(outcome), number)
        )


def _outcome(
    world: World, place: Place | None, instance: str, kind: str, request: dict[str, Any], script: OperationScript
) -> dict[str, Any]:
    try:
        if script.code is not None:
            raise _Failure(script.code, script.message)
        if place is None:
            raise _Failure(_NOT_FOUND, "The place has become one of another universe.")
        if not place.collaborative:
            raise _Failure(_FAILED_PRECONDITION, "The place is not collaborative: Team Create is off.")
        found = tree.find(world, place.id, instance)
        if found is None:
            raise _Failure(_NOT_FOUND, "The instance does not exist.")
        response = _ACTIONS[kind](world, place, found, request)
        if len(json.dumps(response, ensure_ascii=False).encode("utf-8", "surrogatepass")) > LARGEST_RESULT:
            raise _Failure(_TOO_LARGE, f"The response is larger than {LARGEST_RESULT} bytes.")
    except _Failure as failure:
        return {script.error_field: {"code": failure.code, "message": str(failure), "details": []}}
    return {"response": response}


def _read(world: World, place: Place, instance: tree.Instance, request: dict[str, Any]) -> dict[str, Any]:
    return {"@type": f"{_TYPE}.Instance", **tree.instance_json(world, place, instance)}


def _list(world: World, place: Place, instance: tree.Instance, request: dict[str, Any]) -> dict[str, Any]:
    page = PageRequest(request["size"], None, request["binding"])
    shown, last = look_ahead(tree.children(world, place.id, instance.id, request["after"]), page.size)
    return {
        "@type": f"{_TYPE}.ListInstanceChildrenResponse",
        "instances": [tree.instance_json(world, place, child) for child in shown],
        **({} if last is None else {"nextPageToken": page.token(last.number)}),
    }


def _update(world: World, place: Place, instance: tree.Instance, request: dict[str, Any]) -> dict[str, Any]:
    changes = Changes(**request)
    if instance.parent == "" and changes.name is not None:
        raise _Failure(_INVALID_ARGUMENT, "The root cannot be renamed.")
    if changes.kind is not None and changes.kind != instance.kind:
        raise _Failure(_INVALID_ARGUMENT, f"The instance is a {instance.kind} and not a {changes.kind}.")
    if instance.lock is not None:
        raise _Failure(_FAILED_PRECONDITION, instance.lock)
    name = instance.name if changes.name is None else changes.name
    tree.change(world, place.id, instance, name, changes.properties)
    save(world, place, {})
    changed = tree.find(world, place.id, instance.id)
    assert changed is not None
    return _read(world, place, changed, request)


_ACTIONS = {"get": _read, "list": _list, "update": _update}


def _start(world: World, call: Call, kind: str, request: Mapping[str, Any]) -> Reply:
    place, instance = _addressed(world, call)
    script = world.scripts.take("instance")
    if script.refusal is not None:
        raise invalid(script.refusal)
    number = str(uuid4())
    ready = world.now() + (0 if script.answer == "done" else script.processing)
    world.database.execute(
        "INSERT INTO instance_operations (id, universe, place, instance, kind, request, ready_time, script)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (number, place.universe, place.id, instance, kind, json.dumps(request), ready, script.model_dump_json()),
    )
    path = {"path": f"{place.path}/instances/{instance}/operations/{number}"}
    if script.answer == "path":
        return json_reply(path)
    if script.answer == "done":
        settle(world)
        return json_reply(_operation(world, place, instance, number))
    return json_reply({**path, "done": False})


def _start_get(world: World, call: Call) -> Reply:
    return _start(world, call, "get", {})


def _start_list(world: World, call: Call) -> Reply:
    page = page_request(call, default=_PAGE, largest=_PAGE, kinds=(int,))
    after = page.position[0] if page.position is not None else 0
    return _start(world, call, "list", {"size": page.size, "binding": page.binding, "after": after})


def _start_update(world: World, call: Call) -> Reply:
    changes = read_changes(call)
    return _start(
        world, call, "update", {"name": changes.name, "kind": changes.kind, "properties": dict(changes.properties)}
    )


def _poll(world: World, call: Call) -> Reply:
    place, instance = _addressed(world, call)
    return json_reply(_operation(world, place, instance, call.path["operation_id"]))


def _addressed(world: World, call: Call) -> tuple[Place, str]:
    place = addressed(world, call)
    instance = tree.canonical(call.path["instance_id"])
    if instance is None:
        raise invalid("The instance id is neither root nor a UUID.")
    return place, instance


def _operation(world: World, place: Place, instance: str, number: str) -> dict[str, Any]:
    settle(world)
    row = world.database.execute(
        "SELECT outcome FROM instance_operations WHERE id = ? AND place = ? AND universe = ? AND instance = ?",
        (number, place.id, place.universe, instance),
    ).fetchone()
    if row is None:
        raise Refusal(404, "NOT_FOUND", "The operation does not exist.")
    shown = {"path": f"{place.path}/instances/{instance}/operations/{number}", "done": row[0] is not None}
    return {**shown, **cast("dict[str, Any]", json.loads(row[0]))} if row[0] is not None else shown


HANDLERS: Mapping[Endpoint, Handler] = {
    api.GET_INSTANCE: _start_get,
    api.LIST_INSTANCE_CHILDREN: _start_list,
    api.UPDATE_INSTANCE: _start_update,
    api.GET_UPDATE_INSTANCE_OPERATION: _poll,
}
