"""Luau execution: a script and its input, on their way to a server of Roblox's."""

from __future__ import annotations

import re
from collections.abc import Generator
from contextlib import aclosing, contextmanager
from datetime import UTC, datetime, timedelta
from os import PathLike
from typing import Any, cast

from pydantic import Field, TypeAdapter

from rblxcloud.config import check_seconds
from rblxcloud.endpoints import luau as api
from rblxcloud.errors import InvalidRequestError
from rblxcloud.http.binding import Binding
from rblxcloud.http.download import HandedOutTarget, handed_out
from rblxcloud.http.request import Call, check_unicode, json_call
from rblxcloud.http.upload import File, Progress, Source, Upload, open_source
from rblxcloud.operation import begin
from rblxcloud.resources.arguments import check_function, check_switch, check_whole, shown
from rblxcloud.resources.base import Model, Timestamp
from rblxcloud.resources.luau_task import LuauTask
from rblxcloud.runtime.base import Runtime

LARGEST_SCRIPT = 4 * 1024 * 1024
LARGEST_INPUT = 100 * 1024 * 1024
LONGEST_RUN = 300.0
"""Seconds."""
INPUT_LIFETIME = timedelta(minutes=15)

_SHORTEST_RUN = 1e-9
"""Seconds: what a duration of Roblox's can hold."""
_FILE_NAME = re.compile(r"(?!--|return\b)[\w./\\:~-]*\w\.luau?")
"""What is the name of a file and no script: Luau runs no expression that is not a call."""
_INPUT = re.compile(r"universes/(\d+)/luau-execution-session-task-binary-inputs/[^/?#]+", re.ASCII)
_INPUT_FILE = handed_out("luau.binary_input", "PUT")


class LuauBinaryInput(Model):
    """A file for scripts of an experience, already at Roblox, which any number of tasks can take for 15 minutes."""

    path: str
    """Roblox's name for it."""
    size: int
    """Its bytes."""
    expires: Timestamp
    """Until when tasks can be started with it, by the clock of this machine."""


class _NewInput(Model):
    path: str
    upload_uri: str = Field(repr=False)


_NEW_INPUT = TypeAdapter(_NewInput)


async def run(
    binding: Binding,
    experience_id: int,
    place_id: int,
    script: str | PathLike[str],
    *,
    timeout: float | timedelta | None,
    version: int | None,
    binary_input: LuauBinaryInput | File | None,
    binary_output: bool,
) -> LuauTask:
    """Start a script; see `Place.run_luau`."""
    path = {"universe_id": experience_id, "place_id": place_id}
    endpoint = api.CREATE_TASK
    if version is not None:
        endpoint = api.CREATE_TASK_OF_VERSION
        path["version_id"] = check_whole("version", version, 2**63 - 1, smallest=1)
    body: dict[str, Any] = {}
    if timeout is not None:
        body["timeout"] = _duration(timeout)
    if check_switch("binary_output", binary_output):
        body["enableBinaryOutput"] = True
    runtime = binding.get().runtime
    body = {"script": await _read_script(runtime, script), **body}
    if binary_input is not None:
        body["binaryInput"] = await _input_path(binding, experience_id, binary_input)
    return LuauTask(binding, await begin(binding, json_call(endpoint, path, body)))


async def upload_input(
    binding: Binding, experience_id: int, file: File, *, size: int | None, progress: Progress | None
) -> LuauBinaryInput:
    """Upload a file for scripts; see `Place.upload_luau_input`."""
    if progress is not None:
        check_function("progress", progress)
    if size is not None:
        check_whole("size", size, LARGEST_INPUT, smallest=1)
    async with open_source(binding.get().runtime, file, size=size, limit=LARGEST_INPUT) as source:
        return await _upload(binding, experience_id, source, progress)


async def _upload(binding: Binding, experience_id: int, source: Source, progress: Progress | None) -> LuauBinaryInput:
    if not 0 < source.size <= LARGEST_INPUT:
        raise InvalidRequestError("file", f"has {source.size} bytes; a script takes 1 to {LARGEST_INPUT} (100 MiB)")
    session = binding.get()
    asked = session.runtime.wall_time()
    endpoint = api.CREATE_BINARY_INPUT
    call = json_call(endpoint, {"universe_id": experience_id}, {"size": source.size})
    made = await session.request(call, _NEW_INPUT)
    upload = Upload(source, "application/octet-stream", progress=progress)
    target = HandedOutTarget(made.upload_uri)
    await session.send(
        Call(_INPUT_FILE, content=upload, content_type=upload.content_type, download=target, anonymous=True)
    )
    expires = datetime.fromtimestamp(asked, UTC) + INPUT_LIFETIME
    return LuauBinaryInput(path=made.path, size=source.size, expires=expires)


async def _input_path(binding: Binding, experience_id: int, binary_input: LuauBinaryInput | File) -> str:
    if not isinstance(binary_input, LuauBinaryInput):
        with _file_named("binary_input"):
            return (await upload_input(binding, experience_id, binary_input, size=None, progress=None)).path
    match = _INPUT.fullmatch(binary_input.path)
    if match is not None and int(match[1]) != experience_id:
        problem = f"was uploaded for experience {match[1]}; the place belongs to experience {experience_id}"
        raise InvalidRequestError("binary_input", problem)
    if binary_input.expires.timestamp() <= binding.get().runtime.wall_time():
        raise InvalidRequestError("binary_input", "was uploaded more than 15 minutes ago; upload it again")
    return binary_input.path


def _duration(timeout: object) -> str:
    """Return the time that a script may take as Roblox writes durations."""
    seconds = timeout.total_seconds() if isinstance(timeout, timedelta) else check_seconds("timeout", timeout)
    if not _SHORTEST_RUN <= seconds <= LONGEST_RUN:
        problem = f"{shown(timeout)} is not more than 0 and at most 300 seconds (5 minutes), or a timedelta of that"
        raise InvalidRequestError("timeout", problem)
    return f"{seconds:.9f}".rstrip("0").rstrip(".") + "s"


async def _read_script(runtime: Runtime, script: object) -> str:
    if isinstance(script, PathLike):
        with _file_named("script"):
            async with open_source(runtime, cast("PathLike[str]", script), size=None, limit=LARGEST_SCRIPT) as source:
                text = await _read_text(runtime, source)
    elif isinstance(script, str):
        text = script
        if _FILE_NAME.fullmatch(text):
            raise InvalidRequestError("script", f"{shown(text)} is the name of a file; a pathlib.Path of it is read")
    else:
        raise InvalidRequestError("script", f"is of type {type(script).__name__}; it takes text or a pathlib.Path")
    if not text:
        raise InvalidRequestError("script", "is empty")
    size = len(check_unicode("script", text).encode())
    if size > LARGEST_SCRIPT:
        raise _too_large(size)
    return text


async def _read_text(runtime: Runtime, source: Source) -> str:
    if source.size > LARGEST_SCRIPT:
        raise _too_large(source.size)
    async with aclosing(source.chunks(runtime)) as chunks:
        content = b"".join([chunk async for chunk in chunks])
    try:
        return content.decode("utf-8-sig")  # Editors on Windows put a mark there, which Luau does not know.
    except UnicodeDecodeError as error:
        raise InvalidRequestError("script", f"is not text in UTF-8: {error.reason} at byte {error.start}") from None


def _too_large(size: int) -> InvalidRequestError:
    return InvalidRequestError("script", f"has {size} bytes; it takes 4 MB at most")


@contextmanager
def _file_named(argument: str) -> Generator[None]:
    """Let what is wrong with a file be told of the argument that it was passed as."""
    try:
        yield
    except InvalidRequestError as error:
        if error.argument != "file":
            raise
        raise InvalidRequestError(argument, str(error).removeprefix("file: ")) from error
