"""Luau tasks: scripts that run on a server of Roblox's, what they print and what they bring."""

from __future__ import annotations

import io
import re
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from pydantic import AliasPath, Field, TypeAdapter

from rblxcloud.config import check_seconds
from rblxcloud.endpoints import luau as api
from rblxcloud.endpoints.model import Endpoint
from rblxcloud.errors import (
    InvalidRequestError,
    LuauCancelledError,
    LuauDeadlineError,
    LuauError,
    LuauInternalError,
    LuauOutputSizeError,
    LuauScriptError,
    NotFoundError,
    OperationError,
    OperationFailedError,
)
from rblxcloud.http.binding import Binding
from rblxcloud.http.download import DownloadProgress, FileDownload, handed_out, save
from rblxcloud.http.request import Call
from rblxcloud.operation import FIRST_PAUSE, LONGEST_PAUSE, Operation
from rblxcloud.operation_state import State
from rblxcloud.pagination import Pager
from rblxcloud.resources.arguments import check_function, check_switch
from rblxcloud.resources.base import Model, PathId, Timestamp
from rblxcloud.resources.listing import PageModel, WirePage, list_pages

T = TypeVar("T")

_LARGEST_LOG_PAGE = 10_000
_PATH = re.compile(
    r"/cloud/v2/universes/\d+/places/\d+(/versions/(?P<version>\d+))?"
    r"/(luau-execution-sessions/[^/?#]+/tasks|luau-execution-session-tasks)/[^/?#]+",
    re.ASCII,
)
"""The four forms that the path of a task has."""
_ERRORS: Mapping[str | None, type[LuauError]] = {
    "SCRIPT_ERROR": LuauScriptError,
    "DEADLINE_EXCEEDED": LuauDeadlineError,
    "OUTPUT_SIZE_LIMIT_EXCEEDED": LuauOutputSizeError,
    "INTERNAL_ERROR": LuauInternalError,
}
_OUTPUT_FILE = handed_out("luau.binary_output", "GET")


class LuauResult(Model):
    """What a script returned."""

    values: tuple[Any, ...] = Field(default=(), validation_alias=AliasPath("output", "results"))
    """The values it returned, in order, as JSON has them: numbers may be floats, and what JSON cannot hold is None."""
    created: Timestamp | None = Field(default=None, alias="createTime")
    """When the task was made."""
    updated: Timestamp | None = Field(default=None, alias="updateTime")
    """When it ended."""
    user_id: PathId | None = Field(default=None, alias="user")
    """Id of the user whose credential ran it."""

    @property
    def value(self) -> Any:
        """The first value; None when the script returned none."""
        return self.values[0] if self.values else None


class LuauLogMessage(Model):
    """A message of a script, with what is known of it."""

    message: str = ""
    """Its text: one message for each call of `print`, line breaks kept."""
    created: Timestamp | None = Field(default=None, alias="createTime")
    """When it was printed."""
    type: str = Field(default="OUTPUT", alias="messageType")
    """`OUTPUT` of `print`, `INFO`, `WARNING` of `warn`, or `ERROR`."""


class _Log(Model):
    messages: tuple[str, ...] = ()
    structured_messages: tuple[LuauLogMessage, ...] = ()


class _Logs(PageModel):
    items: tuple[_Log, ...] = Field(default=(), alias="luauExecutionSessionTaskLogs")


class _BinaryOutput(Model):
    binary_output_uri: str | None = Field(default=None, repr=False)


_LOGS: TypeAdapter[WirePage[_Log]] = TypeAdapter(_Logs)
_BINARY_OUTPUT = TypeAdapter(_BinaryOutput)


class LuauTask(Operation[LuauResult]):
    """A script that runs on a server of Roblox's; `Place.run_luau` starts one.

    It can be pickled, or found again by its path with `client.luau_task(path)`: in another process, for 24 hours after
    the script has ended.

    Args:
        binding: Where its session comes from.
        state: What is known of it.
    """

    def __init__(self, binding: Binding | None, state: State) -> None:
        super().__init__(binding, LuauResult, state)

    def __repr__(self) -> str:
        """Show its path and its state."""
        return f"<LuauTask {self.path} {self.state or 'not asked for yet'}>"

    @property
    def state(self) -> str | None:
        """`QUEUED`, `PROCESSING`, `COMPLETE`, `FAILED` or `CANCELLED`, as Roblox last said; None before."""
        return self._state.name

    @property
    def version(self) -> int | None:
        """The version of the place that the script runs in; None where the path does not tell."""
        match = _PATH.fullmatch(self.path)
        return int(match["version"]) if match and match["version"] else None

    async def fetch_operation(self) -> LuauResult | None:
        """Ask Roblox once how it stands, unless it is known to have ended; `wait` does so until it has.

        Returns:
            What the script returned; None while it runs.

        Raises:
            LuauError: It ended without results; the subclass says why.
            NotFoundError: It ended more than 24 hours ago.

        Scopes: `universe.place.luau-execution-session:read` or `:write`.
        Source: `GET /cloud/v2/universes/{universe_id}/.../tasks/{task_id}`.
        """
        return await super().fetch_operation()

    async def wait(self, *, timeout: float | None = None, poll: float | None = None) -> LuauResult:
        """Wait until it has ended.

        It is asked for at once, then after 1, 2, 4 ... 16 seconds. Tasks that are waited for at the same time share the
        published limit evenly.

        Args:
            timeout: Seconds to wait at most; None for no bound. How long the script may run is said when it is started.
            poll: Seconds between two polls, instead of the growing pauses; they grow when the limit demands it.

        Returns:
            What the script returned.

        Raises:
            LuauScriptError: The script cannot be compiled, or raised an error.
            LuauDeadlineError: It ran longer than it was allowed to.
            LuauOutputSizeError: It returned more than 4 MB.
            LuauError: It ended without results for another reason.
            OperationTimeoutError: It was not done in time; it goes on, and can be waited for again.
            NotFoundError: It ended more than 24 hours ago.

        Scopes: `universe.place.luau-execution-session:read` or `:write`.
        Source: `GET /cloud/v2/universes/{universe_id}/.../tasks/{task_id}`.
        """
        return await super().wait(timeout=timeout, poll=poll)

    async def logs(self, *, follow: bool = True, poll: float | None = None) -> AsyncGenerator[str, None]:
        """Iterate over what the script prints, until it has ended; how it ended is told by `wait`.

        Roblox keeps the last 450 KB of the messages, and may give them out only once the script has ended. What is
        dropped between two polls is missing here. An iteration that was cancelled, or that an error ended, does not go
        on: a new one begins with the oldest message that is kept.

        Args:
            follow: Whether to go on until the script has ended; False ends with what there is now.
            poll: Seconds between two polls, instead of pauses that grow from 1 to 16 seconds while nothing comes; they
                grow when the limit demands it.

        Yields:
            The messages, each once: one for each call of `print`, line breaks kept.

        Raises:
            NotFoundError: The script ended more than 24 hours ago.

        Scopes: `universe.place.luau-execution-session:read` or `:write`.
        Source: `GET /cloud/v2/universes/{universe_id}/.../tasks/{task_id}/logs`,
            and `GET /cloud/v2/universes/{universe_id}/.../tasks/{task_id}`.
        """
        async with aclosing(self._follow("FLAT", follow=follow, poll=poll)) as logs:
            async for log in logs:
                for message in log.messages:
                    yield message

    async def structured_logs(
        self, *, follow: bool = True, poll: float | None = None
    ) -> AsyncGenerator[LuauLogMessage, None]:
        """Iterate over what the script prints, with time and type; see `logs`.

        Args:
            follow: As for `logs`.
            poll: As for `logs`.

        Yields:
            The messages, each once.

        Raises:
            NotFoundError: The script ended more than 24 hours ago.

        Scopes: `universe.place.luau-execution-session:read` or `:write`.
        Source: `GET /cloud/v2/universes/{universe_id}/.../tasks/{task_id}/logs`,
            and `GET /cloud/v2/universes/{universe_id}/.../tasks/{task_id}`.
        """
        async with aclosing(self._follow("STRUCTURED", follow=follow, poll=poll)) as logs:
            async for log in logs:
                for message in log.structured_messages:
                    yield message

    async def download_output(self, path: str | PathLike[str], *, progress: DownloadProgress | None = None) -> Path:
        """Write the binary output to a file, which appears when it is whole; the end of the script is waited for.

        Roblox keeps it for 15 minutes after the end of the script, unlike the results, which it keeps for 24 hours.

        Args:
            path: Name of the file; one that is there is replaced.
            progress: Called with the bytes that have come and all there are.

        Returns:
            The name.

        Raises:
            LuauError: The script ended without results.
            OperationError: There is no binary output: `run_luau` has to ask for it.
            PermissionDeniedError: The script ended more than 15 minutes ago.
            InvalidRequestError: There can be no such file, and nothing was sent; or the disk is full.

        Scopes: `universe.place.luau-execution-session:read` or `:write`.
        Source: `GET /cloud/v2/universes/{universe_id}/.../tasks/{task_id}`, and the address that it names.
        """
        if progress is not None:
            check_function("progress", progress)

        async def fill(file: BinaryIO) -> None:
            await self.wait()  # In here, since a path that cannot be is told of before the wait for a script.
            await self._fill(file, progress)

        return await save(self._session.runtime, path, fill)

    async def read_output(self) -> bytes:
        """Return the binary output, up to 256 MiB, in memory; see `download_output`.

        Raises:
            LuauError: The script ended without results.
            OperationError: There is no binary output: `run_luau` has to ask for it.
            PermissionDeniedError: The script ended more than 15 minutes ago.

        Scopes: `universe.place.luau-execution-session:read` or `:write`.
        Source: `GET /cloud/v2/universes/{universe_id}/.../tasks/{task_id}`, and the address that it names.
        """
        await self.wait()
        content = io.BytesIO()
        await self._fill(content, None)
        return content.getvalue()

    async def _fill(self, file: BinaryIO, progress: DownloadProgress | None) -> None:
        session = self._session
        download = FileDownload(session.runtime, self._output_address, file, progress)
        await session.send(Call(_OUTPUT_FILE, download=download, anonymous=True))

    async def _output_address(self) -> str:
        answer = await self._session.request(self._call(), _BINARY_OUTPUT)
        if answer.binary_output_uri is None:
            problem = "has no binary output; run_luau(..., binary_output=True) asks for one"
            raise OperationError(f"{self.path} {problem}", path=self.path)
        return answer.binary_output_uri

    async def _follow(self, view: str, *, follow: bool, poll: float | None) -> AsyncGenerator[_Log, None]:
        """Yield what is new in the logs, as long as more can come."""
        check_switch("follow", follow)
        shortest = FIRST_PAUSE if poll is None else check_seconds("poll", poll)
        pause, seen = shortest, _Log()
        session, pager = self._session, self._log_pages(view)
        with session.polling(Call(_at(api.LIST_TASK_LOGS, f"{self.path}/logs"))) as fair_pause:
            while True:
                if follow and not self.done:
                    await self._poll(session, self._call())
                ended = self.done  # What is printed before the end is there when the end has been told of.
                try:
                    logs = [log async for log in pager]
                except NotFoundError:
                    if ended or self.state is None:
                        raise
                    logs = []  # Roblox promises logs only from the end of a script on.
                now = _Log(
                    messages=tuple(text for log in logs for text in log.messages),
                    structured_messages=tuple(each for log in logs for each in log.structured_messages),
                )
                fresh = _Log(
                    messages=_newer(seen.messages, now.messages),
                    structured_messages=_newer(seen.structured_messages, now.structured_messages),
                )
                seen = now if now != _Log() else seen
                yield fresh
                if ended or not follow:
                    return
                pause = shortest if poll is not None or fresh != _Log() else pause
                await session.runtime.sleep(max(pause, fair_pause()))
                pause = min(2 * pause, LONGEST_PAUSE)

    def _log_pages(self, view: str) -> Pager[_Log]:
        return list_pages(
            self._session,
            _at(api.LIST_TASK_LOGS, f"{self.path}/logs"),
            _LOGS,
            {},
            page_size=_LARGEST_LOG_PAGE,
            largest=_LARGEST_LOG_PAGE,
            limit=None,
            query={"view": view},
        )

    def _call(self) -> Call:
        return Call(_at(api.GET_TASK, self.path))

    def _error_class(self, code: str | None, message: str) -> type[OperationFailedError]:
        return LuauCancelledError if self.state == "CANCELLED" else _ERRORS.get(code, LuauError)


def resume_task(binding: Binding, path: object) -> LuauTask:
    """Return a task that was started earlier; nothing is sent.

    Args:
        binding: Where its session comes from.
        path: Its path, also as Roblox writes it: `universes/...`.

    Raises:
        InvalidRequestError: It is not the path of a task.
    """
    if not isinstance(path, str):
        raise InvalidRequestError("path", f"is of type {type(path).__name__}; it takes text")
    if not is_task(path):
        raise InvalidRequestError("path", f"{path!r:.300} is not the path of a Luau task; task.path is one")
    return LuauTask(binding, State(_absolute(path)))


def is_task(path: str) -> bool:
    """Whether a path is that of a task."""
    return _PATH.fullmatch(_absolute(path)) is not None


def _absolute(path: str) -> str:
    return f"/cloud/v2/{path}" if path.startswith("universes/") else path


def _at(endpoint: Endpoint, path: str) -> Endpoint:
    """Return an endpoint's row for a path that Roblox gave: of its four forms, the table knows the longest alone."""
    return replace(endpoint, path=path, path_parameters=())


def _newer(seen: tuple[T, ...], now: tuple[T, ...]) -> tuple[T, ...]:
    """Return what came after what was seen; Roblox may have dropped the oldest in the meantime."""
    if not now:
        return ()
    for dropped in range(max(0, len(seen) - len(now)), len(seen)):
        kept = len(seen) - dropped
        if seen[dropped] == now[0] and seen[dropped:] == now[:kept]:
            return now[kept:]
    return now
