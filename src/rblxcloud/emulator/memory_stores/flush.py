"""The flush, which empties all memory stores of a universe after a while; and how what is over is forgotten."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from secrets import token_urlsafe
from typing import Any

from rblxcloud.emulator.errors import json_reply
from rblxcloud.emulator.memory_stores.space import last_number
from rblxcloud.emulator.model import Call, Handler, Refusal, Reply, World
from rblxcloud.emulator.protobuf import invalid
from rblxcloud.emulator.scripts import OperationScript
from rblxcloud.endpoints import memory_stores as api
from rblxcloud.endpoints.model import Endpoint

__all__ = ["HANDLERS", "SCHEMA", "settle", "settled"]

SCHEMA = """
CREATE TABLE IF NOT EXISTS memory_store_flushes (
    id TEXT PRIMARY KEY,
    universe TEXT NOT NULL,
    scope TEXT NOT NULL,
    upto INTEGER NOT NULL,
    ready_time REAL NOT NULL,
    settled INTEGER NOT NULL DEFAULT 0,
    script TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS memory_store_flushes_due ON memory_store_flushes (settled, ready_time);
"""

_TYPE = "type.googleapis.com/roblox.open_cloud.cloud.v2"
_SCOPES = ("LIVE", "TEST")

_POLL_AS_ANSWERED = replace(
    api.GET_MEMORY_STORE_FLUSH_OPERATION,
    name="memory_stores.get_memory_store_flush_operation_as_answered",
    path="/cloud/v2/universes/{universe_id}/operations/{operation_id}",
)
"""The path that the flush answers, which is not the documented one."""


def settled(handler: Handler) -> Handler:
    """Return the handler so that it finds nothing that is over."""

    def handle(world: World, call: Call) -> Reply:
        settle(world)
        return handler(world, call)

    return handle


def settle(world: World) -> None:
    """Forget what has expired, and let the flushes that are due have their effect."""
    now = world.now()
    for table in ("memory_store_map_items", "memory_store_queue_items"):
        world.database.execute(f"DELETE FROM {table} WHERE expires <= ?", (now,))
    due = world.database.execute(
        "SELECT id, universe, scope, upto, script FROM memory_store_flushes WHERE settled = 0 AND ready_time <= ?",
        (now,),
    ).fetchall()
    for number, universe, scope, upto, script in due:
        if scope == "LIVE" and OperationScript.model_validate_json(script).code is None:
            # What was written after it began stays.
            for table, order in (("memory_store_map_items", "etag"), ("memory_store_queue_items", "number")):
                world.database.execute(f"DELETE FROM {table} WHERE universe = ? AND {order} <= ?", (universe, upto))
        world.database.execute("UPDATE memory_store_flushes SET settled = 1 WHERE id = ?", (number,))


def _flush(world: World, call: Call) -> Reply:
    scope = _scope(call)
    if call.body:
        call.json_object()
    script = world.scripts.take("flush")
    if script.refusal is not None:
        raise invalid(script.refusal)
    number, universe = f"AAUA{token_urlsafe(24)}", call.path["universe_id"]
    ready = world.now() + (0 if script.answer == "done" else script.processing)
    world.database.execute(
        "INSERT INTO memory_store_flushes (id, universe, scope, upto, ready_time, script) VALUES (?, ?, ?, ?, ?, ?)",
        (number, universe, scope, last_number(world, universe), ready, script.model_dump_json()),
    )
    if script.answer == "done":
        settle(world)
    shown = _json(number, universe, script, done=script.answer == "done")
    return json_reply({"path": shown["path"]} if script.answer == "path" else shown)


def _poll(world: World, call: Call) -> Reply:
    number, universe = call.path["operation_id"], call.path["universe_id"]
    row = world.database.execute(
        "SELECT settled, script FROM memory_store_flushes WHERE id = ? AND universe = ? AND scope = ?",
        (number, universe, _scope(call)),
    ).fetchone()
    if row is None:
        raise Refusal(404, "NOT_FOUND", "There is no such operation.")
    done, script = row
    return json_reply(_json(number, universe, OperationScript.model_validate_json(script), done=bool(done)))


def _json(number: str, universe: str, script: OperationScript, *, done: bool) -> dict[str, Any]:
    path = f"cloud/v2/universes/{universe}/operations/{number}"
    if not done:
        return {"path": path, "done": None}
    if script.code is not None:
        return {"path": path, "done": True, script.error_field: {"code": script.code, "message": script.message}}
    return {"path": path, "done": True, "response": {"@type": f"{_TYPE}.FlushMemoryStoreResponse"}}


def _scope(call: Call) -> str:
    scope = call.query.get("scope") or _SCOPES[0]
    if scope not in _SCOPES:
        raise invalid("scope is LIVE or TEST.")
    return scope


HANDLERS: Mapping[Endpoint, Handler] = {
    api.FLUSH_MEMORY_STORE: settled(_flush),
    api.GET_MEMORY_STORE_FLUSH_OPERATION: settled(_poll),
    _POLL_AS_ANSWERED: settled(_poll),
}
"""What answers the flush and its polls."""
