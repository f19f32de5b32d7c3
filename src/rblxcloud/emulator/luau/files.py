"""The files that scripts take and bring: at addresses of their own, without a credential, for 15 minutes.

Those of an input begin with its creation, those of an output with the end of its task.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Mapping
from uuid import uuid4

from rblxcloud.emulator.errors import json_reply
from rblxcloud.emulator.files import check_location, file_endpoint, file_reply, location
from rblxcloud.emulator.luau.tasks import Task
from rblxcloud.emulator.model import Call, Handler, Refusal, Reply, World
from rblxcloud.emulator.protobuf import camel_keys, invalid
from rblxcloud.endpoints import luau as api
from rblxcloud.endpoints.model import Endpoint

__all__ = ["HANDLERS", "SCHEMA", "output_address", "read_input"]

SCHEMA = """
CREATE TABLE IF NOT EXISTS luau_inputs (
    id TEXT PRIMARY KEY,
    universe TEXT NOT NULL,
    size INTEGER NOT NULL,
    created REAL NOT NULL,
    content BLOB
);
"""

LIFETIME = 900.0
LARGEST_INPUT = 100 * 1024 * 1024

_SIZE = re.compile(r"\d{1,18}", re.ASCII)
_PATH = re.compile(r"universes/(\d+)/luau-execution-session-task-binary-inputs/([0-9a-f-]{36})", re.ASCII)
_INPUT = file_endpoint("luau.input_file", "/_cdn/luau-inputs/{input}", "input", method="PUT")
_OUTPUT = file_endpoint("luau.output_file", "/_cdn/luau-outputs/{task}", "task")


def _create(world: World, call: Call) -> Reply:
    universe, size = call.path["universe_id"], camel_keys(call.json_object()).get("size")
    if isinstance(size, bool) or not _SIZE.fullmatch(str(size)) or not 1 <= int(str(size)) <= LARGEST_INPUT:
        raise invalid(f"size must be a number of bytes between 1 and {LARGEST_INPUT}.")
    number = str(uuid4())
    world.database.execute("DELETE FROM luau_inputs WHERE created <= ?", (world.now() - LIFETIME,))
    world.database.execute(
        "INSERT INTO luau_inputs VALUES (?, ?, ?, ?, NULL)", (number, universe, int(str(size)), world.now())
    )
    return json_reply(
        {
            "path": f"universes/{universe}/luau-execution-session-task-binary-inputs/{number}",
            "size": str(size),
            "uploadUri": location(call, world.now(), f"/_cdn/luau-inputs/{number}", LIFETIME),
        }
    )


def _put(world: World, call: Call) -> Reply:
    number = call.path["input"]
    check_location(call, world.now(), f"/_cdn/luau-inputs/{number}")
    if call.headers.keys() & {"x-api-key", "authorization", "cookie"}:
        raise invalid("A signed address takes no credential besides.")
    row = world.database.execute("SELECT size FROM luau_inputs WHERE id = ?", (number,)).fetchone()
    if row is None:  # the emulator was reset since the address was told
        raise Refusal(404, "NOT_FOUND", "There is no such file.")
    if len(call.body) != row[0]:
        raise invalid(f"The file has {len(call.body)} bytes; {row[0]} were declared.")
    world.database.execute("UPDATE luau_inputs SET content = ? WHERE id = ?", (sqlite3.Binary(call.body), number))
    return Reply()


def read_input(world: World, universe: str, path: object) -> bytes | None:
    """Return the file that a task is given; None for a task without one.

    Args:
        world: The emulator's state.
        universe: Id of the task's universe.
        path: What the request names; an empty text is nothing, as in protobuf's JSON.

    Raises:
        Refusal: 400 for what is no input, one of another universe, one that is too old or was never uploaded.
    """
    if path == "":
        return None
    match = _PATH.fullmatch(path) if isinstance(path, str) else None
    if match is None:
        raise invalid("binaryInput is not the path of a binary input.")
    if match[1] != universe:
        raise invalid(f"The binary input belongs to the universe {match[1]}.")
    row = world.database.execute("SELECT created, content FROM luau_inputs WHERE id = ?", (match[2],)).fetchone()
    if row is None or row[0] + LIFETIME <= world.now():
        raise invalid("There is no such binary input, or it has expired.")
    if row[1] is None:
        raise invalid("The binary input was not uploaded.")
    return bytes(row[1])


def output_address(world: World, call: Call, task: Task) -> str | None:
    """Return where the binary output of a task that has ended can be fetched; None where there is none."""
    row = world.database.execute("SELECT 1 FROM luau_outputs WHERE task = ?", (task.id,)).fetchone()
    if row is None or world.now() < task.ends:
        return None
    return location(call, task.ends, f"/_cdn/luau-outputs/{task.id}", LIFETIME)


def _download(world: World, call: Call) -> Reply:
    number = call.path["task"]
    check_location(call, world.now(), f"/_cdn/luau-outputs/{number}")
    row = world.database.execute("SELECT content FROM luau_outputs WHERE task = ?", (number,)).fetchone()
    if row is None:  # the emulator was reset since the address was told
        raise Refusal(404, "NOT_FOUND", "There is no such file.")
    return file_reply(bytes(row[0]), "application/octet-stream", call.headers)


HANDLERS: Mapping[Endpoint, Handler] = {
    api.CREATE_BINARY_INPUT: _create,
    _INPUT: _put,
    _OUTPUT: _download,
}
