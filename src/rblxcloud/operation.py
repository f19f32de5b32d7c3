"""Long-running operations: what Roblox goes on with after it has answered, and how to wait for it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Generic, TypeVar, cast
from urllib.parse import parse_qsl, quote, unquote

from pydantic import TypeAdapter, ValidationError

from rblxcloud.config import check_seconds
from rblxcloud.endpoints import all_endpoints
from rblxcloud.endpoints.model import Endpoint, LongRunning, Repeat
from rblxcloud.errors import (
    APIStatusError,
    ConfigurationError,
    DeadlineExceededError,
    InvalidRequestError,
    ModerationError,
    NotFoundError,
    OperationFailedError,
    OperationTimeoutError,
    ResultTooLargeError,
)
from rblxcloud.http.binding import BINDING, Binding
from rblxcloud.http.request import Call, QueryValue, encode_json, encode_query
from rblxcloud.http.response import problems_of, read_error, unusable
from rblxcloud.http.routes import match
from rblxcloud.http.session import Session
from rblxcloud.types import Response

ResultT = TypeVar("ResultT")

FIRST_PAUSE = 1.0
LONGEST_PAUSE = 16.0
_LAST_POLL_SECONDS = 5.0
"""How much longer than the timeout the last poll may take."""
_TASKS = "/luau-execution-session"
"""What the path of every task has in it."""
_FAILED_STATES = frozenset({"FAILED", "CANCELLED"})
_FAILURES: Mapping[str | None, type[OperationFailedError]] = {"422": ResultTooLargeError}
_FLUSH = re.compile(r"(/cloud/v2/universes/[^/?]+)(/operations/[^/?]+(?:\?.*)?)")
_MARK = re.compile(r"([?#])")
"""What a path goes on after with which of several operations it is."""


@dataclass(frozen=True, slots=True)
class _Failure:
    message: str
    code: str | None
    details: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class State:
    """What is known of an operation: plain data, which pickles."""

    path: str
    done: bool = False
    name: str | None = None
    """What Roblox calls the state, such as `QUEUED`; few kinds of operation have such a name."""
    metadata: Mapping[str, Any] | None = None
    failure: _Failure | None = None
    result: Any = None


class Operation(Generic[ResultT]):
    """Something that Roblox goes on with after it has answered, such as the processing of an upload.

    It can be pickled, or found again by its path with `client.operation(path)`: in another process, or the next day.

    Args:
        binding: Where its session comes from.
        result: Class of what it brings.
        state: What is known of it.
        others: Classes of what it may bring instead, by the `@type` that the result then names.
    """

    def __init__(
        self,
        binding: Binding | None,
        result: type[ResultT],
        state: State,
        others: Mapping[str, type[Any]] | None = None,
    ) -> None:
        self._binding = binding
        self._result_class = result
        self._others = others or {}
        self._state = state
        self._result: ResultT | None = None
        self._asked = float("-inf")

    def __repr__(self) -> str:
        """Show its path and how it stands."""
        state = "failed" if self._state.failure else "done" if self.done else "running"
        return f"<Operation[{self._result_class.__name__}] {self.path} {state}>"

    def __getstate__(self) -> dict[str, Any]:
        """Leave the session out of pickles."""
        return {**self.__dict__, "_binding": None, "_result": None, "_asked": float("-inf")}

    @property
    def path(self) -> str:
        """Where Roblox tells how it stands: with `client.operation(path)` it can be waited for in another process."""
        return self._state.path

    @property
    def done(self) -> bool:
        """Whether it had ended, well or not, when Roblox last spoke of it; `fetch_operation` asks again."""
        return self._state.done

    @property
    def metadata(self) -> Mapping[str, Any] | None:
        """What Roblox said beside, when it last spoke of it; most kinds of operation have none."""
        return self._state.metadata

    async def fetch_operation(self) -> ResultT | None:
        """Ask Roblox once how it stands, unless it is known to have ended.

        In a loop without pauses it is asked for as often as the published limit allows in the long run: uploads about
        five times a second. `wait` is gentler.

        Returns:
            The result; None while it runs.

        Raises:
            OperationFailedError: It failed.
            ModerationError: Roblox's moderation did not let it pass.
            ResultTooLargeError: The result is larger than Roblox gives out.

        Scopes: those of the endpoint that it is polled at; `asset:read` for uploads.
        Source: `GET` of its path, such as `/assets/v1/operations/{operationId}`.
        """
        if not self.done:
            session, call = self._session, self._call()
            with session.pace.polling(call) as fair_pause:
                # A loop would use up at once what is to last for a minute.
                early = self._asked + fair_pause() - session.runtime.monotonic()
                if early > 0:
                    await session.runtime.sleep(early)
                await self._poll(session, call)
            self._asked = session.runtime.monotonic()
        return self._outcome()

    async def wait(self, *, timeout: float | None = None, poll: float | None = None) -> ResultT:
        """Wait until it has ended.

        It is asked for at once, then after 1, 2, 4 ... 16 seconds. Operations that are waited for at the same time
        share the published limit of the endpoint evenly: 100 uploads are asked for every 22 seconds each.

        Args:
            timeout: Seconds to wait at most; None for no bound.
            poll: Seconds between two polls, instead of the growing pauses; they grow when the limit demands it.

        Returns:
            The result.

        Raises:
            OperationFailedError: It failed.
            ModerationError: Roblox's moderation did not let it pass.
            ResultTooLargeError: The result is larger than Roblox gives out.
            OperationTimeoutError: It was not done in time; it goes on, and can be waited for again.

        Scopes: those of the endpoint that it is polled at; `asset:read` for uploads.
        Source: `GET` of its path, such as `/assets/v1/operations/{operationId}`.
        """
        limit = None if timeout is None else check_seconds("timeout", timeout)
        pause = FIRST_PAUSE if poll is None else check_seconds("poll", poll)
        if not self.done:
            await self._poll_to_the_end(pause, limit, growing=poll is None)
        return cast("ResultT", self._outcome())

    async def _poll_to_the_end(self, pause: float, timeout: float | None, *, growing: bool) -> None:
        session, call = self._session, self._call()
        ends = None if timeout is None else session.runtime.monotonic() + timeout
        with session.pace.polling(call) as fair_pause:
            # Were many asked for at once, they would use up what is to last for a minute.
            delay = fair_pause() if fair_pause() > FIRST_PAUSE else 0.0
            while not self.done:
                left = float("inf") if ends is None else ends - session.runtime.monotonic()
                if delay:
                    if left <= 0:
                        raise self._too_late(timeout)
                    await session.runtime.sleep(min(delay, left))
                await self._poll_until(session, self._call(), ends, timeout)
                delay = max(pause, fair_pause())
                if growing:
                    pause = min(2 * pause, LONGEST_PAUSE)

    @property
    def _session(self) -> Session:
        if self._binding is None:
            raise ConfigurationError(
                "this operation has no client (it was unpickled); client.bind(operation) gives it one"
            )
        return self._binding.get()

    def _call(self) -> Call:
        place = _locate(self.path)
        return Call(replace(place.endpoint, repeat=Repeat.SAFE), place.values, place.query)

    async def _poll(self, session: Session, call: Call) -> None:
        try:
            response = await self._send(session, call)
        except APIStatusError as error:
            # Analytics tells of a query that failed with a status of its own, others with a 200.
            failed = _failed_query(error, self.path)
            if failed is None:
                raise
            self._state = failed
        else:
            self._state = _read(_object(response, call.endpoint), self.path, response)

    async def _send(self, session: Session, call: Call) -> Response:
        try:
            return await session.send(call)
        except NotFoundError:
            # A flush of memory stores answers one path (seen in practice), and the reference polls it at another.
            flush = _FLUSH.fullmatch(self.path)
            if flush is None:
                raise
            self._state = replace(self._state, path=f"{flush[1]}/memory-store{flush[2]}")
            return await session.send(self._call())

    async def _poll_until(self, session: Session, call: Call, ends: float | None, timeout: float | None) -> None:
        """Poll so that neither the answer nor the turn for it is waited for much longer than the timeout."""
        options = session.settings.options
        left = None if ends is None else ends - session.runtime.monotonic() + _LAST_POLL_SECONDS
        if left is None or (options.deadline is not None and options.deadline <= left):
            await self._poll(session, call)
            return
        try:
            await self._poll(session.with_options(replace(options, deadline=left)), call)
        except DeadlineExceededError as error:
            raise self._too_late(timeout) from error

    def _too_late(self, timeout: float | None) -> OperationTimeoutError:
        return OperationTimeoutError(
            f"{self.path} is not done after {timeout:g} s; it goes on, and client.operation(path) waits on",
            path=self.path,
        )

    def _outcome(self) -> ResultT | None:
        failure = self._state.failure
        if failure is not None:
            error_class = self._error_class(failure.code, failure.message)
            raise error_class(failure.message, code=failure.code, path=self.path, details=failure.details)
        if not self.done or self._result is not None:
            return self._result
        result = self._decoded()
        if self._binding is not None:  # Else a client that it is bound to later would not reach the result.
            self._result = result
        return result

    def _error_class(self, code: str | None, message: str) -> type[OperationFailedError]:
        return ModerationError if is_moderation(message) else _FAILURES.get(code, OperationFailedError)

    def _decoded(self) -> ResultT:
        try:
            adapter: TypeAdapter[ResultT] = _adapter(cast("Any", self._class_of_result()))
            return adapter.validate_python(self._state.result, context={BINDING: self._binding})
        except ValidationError as error:
            endpoint = self._call().endpoint
            raise unusable(None, endpoint, "; ".join(problems_of(error))) from error

    def _class_of_result(self) -> type[Any]:
        result = self._state.result
        kind = cast("dict[str, Any]", result).get("@type") if isinstance(result, dict) else None
        return self._others.get(str(kind).rpartition(".")[2], self._result_class)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where an operation is polled, and which of those that the address tells of it is."""

    endpoint: Endpoint
    values: Mapping[str, str | int]
    query: Mapping[str, str]
    id: str | None = None
    """Its id, where the address tells of several operations."""
    states: str | None = None
    """Under which field of the answer they stand by id."""


@cache
def _lists() -> Mapping[str, LongRunning]:
    """Return what tells of several operations at once, by the template of its path."""
    rows = (row.long_running for row in all_endpoints())
    return {_MARK.split(row.poll)[0]: row for row in rows if row is not None and row.states is not None}


def _locate(path: str) -> _Place:
    """Return where an operation is polled.

    Raises:
        InvalidRequestError: The path cannot be one.
    """
    bare, *identity = _MARK.split(path, maxsplit=1)
    endpoint, values = match("GET", bare)
    listed = _lists().get(endpoint.path)
    if listed is None or listed.states is None:
        return _Place(endpoint, values, _query_of(path, endpoint))
    mark, text = identity or ("", "")
    _, wanted, template = _MARK.split(listed.poll, maxsplit=1)
    name = template.partition("{")[0]
    if mark != wanted or not text.startswith(name) or not (number := unquote(text.removeprefix(name))):
        raise InvalidRequestError("path", f"{path!r:.200} does not say which operation; {wanted}{template} does")
    return _Place(endpoint, values, {name.rstrip("="): number} if mark == "?" else {}, number, listed.states)


def _query_of(path: str, endpoint: Endpoint) -> dict[str, str]:
    """Return what a poll takes besides its path, which only the query parameters of its endpoint can be."""
    _, mark, text = path.partition("?")
    query = dict(parse_qsl(text, keep_blank_values=True))
    known = {parameter.name for parameter in endpoint.query_parameters}
    # The address that a flush answers is in no table.
    if "#" in path or (mark and not query) or (query.keys() - known and not _FLUSH.fullmatch(path)):
        raise InvalidRequestError("path", f"{path!r:.200} has more than an address")
    return query


@cache
def _adapter(result: type[Any]) -> TypeAdapter[Any]:
    return TypeAdapter(result)


async def start(
    binding: Binding, call: Call, result: type[ResultT], *, query: Mapping[str, QueryValue] | None = None
) -> Operation[ResultT]:
    """Send a call that starts an operation.

    Args:
        binding: Where the session comes from.
        call: The call; its endpoint says where the operation is polled.
        result: Class of what it brings: a resource or a model.
        query: What each poll takes besides its path.

    Returns:
        The operation, which may have ended already.

    Raises:
        APIResponseError: The answer names no operation; the call may have been carried out.
        RblxCloudError: As for any other call.
    """
    return Operation(binding, result, await begin(binding, call, query))


async def begin(binding: Binding, call: Call, query: Mapping[str, QueryValue] | None = None) -> State:
    """Send a call that starts an operation, and return what its answer says; see `start`."""
    response = await binding.get().send(call)
    body = _object(response, call.endpoint)
    path = _path_of(body, call, response)
    if query:
        path = f"{path}?{encode_query(query)}"
    listed = call.endpoint.long_running is not None and call.endpoint.long_running.states is not None
    # Where several stand in a list, only the list tells how they stand.
    return State(path, metadata=body) if listed else _read(body, path, response)


def resume(
    binding: Binding, path: str, result: type[ResultT], others: Mapping[str, type[Any]] | None = None
) -> Operation[ResultT]:
    """Return an operation that was started earlier; nothing is sent.

    Args:
        binding: Where the session comes from.
        path: Its path.
        result: Class of what it brings.
        others: Classes of what it may bring instead, by the `@type` that the result then names.

    Raises:
        InvalidRequestError: The path cannot be one.
    """
    _locate(path)
    return Operation(binding, result, State(path), others)


def polled_at(path: str) -> Endpoint:
    """Return the endpoint at which an operation is polled.

    Raises:
        InvalidRequestError: The path cannot be that of an operation.
    """
    return _locate(path).endpoint


def is_moderation(message: str) -> bool:
    """Whether Roblox's text says that moderation refused; no code does: "AssetName is moderated." has a plain 400."""
    return "moderat" in message.lower()


def _object(response: Response, endpoint: Endpoint) -> dict[str, Any]:
    try:
        body = json.loads(response.content or b"{}")
    except (ValueError, RecursionError) as error:
        raise unusable(response, endpoint, str(error)) from error
    if not isinstance(body, dict):
        raise unusable(response, endpoint, "it is no JSON object")
    return cast("dict[str, Any]", body)


def _nested(body: dict[str, Any]) -> dict[str, Any]:
    """Experiments put the operation one level deeper."""
    inner = body.get("operation")
    return cast("dict[str, Any]", inner) if isinstance(inner, dict) else body


def _path_of(body: dict[str, Any], call: Call, response: Response) -> str:
    """Return where an operation that was just started is polled: the services differ, and the table says how."""
    assert call.endpoint.long_running is not None
    fields = _nested(body)
    operation_id, path = fields.get("operationId") or _only(fields.get("fileToOperationIdDict")), fields.get("path")
    if not isinstance(path, str):
        path = f"operations/{operation_id}" if operation_id and path is None else None
    template = call.endpoint.long_running.poll
    values = {**call.path, "path": path, "operationId": operation_id, "id": fields.get("id")}
    for name, value in values.items():
        if "{" + name + "}" in template:
            if not isinstance(value, str | int) or isinstance(value, bool) or value == "":
                raise unusable(response, call.endpoint, f"it has no {name}")
            # A path comes as one; what stands beside a mark is any text.
            encoded = str(value) if call.endpoint.long_running.states is None else quote(str(value), safe="")
            template = template.replace("{" + name + "}", encoded)
    try:
        _locate(template)
    except InvalidRequestError as error:
        raise unusable(response, call.endpoint, f"the operation's {error}") from error
    return template


def _only(ids: Any) -> Any:
    """Return the value of an object with one; thumbnails are answered with the id of each file that was sent."""
    values = [*_fields(ids).values()]
    return values[0] if len(values) == 1 else None


def _read(body: dict[str, Any], path: str, response: Response) -> State:
    """Read how an operation stands, of whatever kind it is."""
    place = _locate(path)
    if place.id is not None:
        return _read_listed(body.get(str(place.states)), place.id, path)
    if "/operations/" not in path:
        return _read_result(body, path, response)
    fields = _nested(body)
    metadata, failure = fields.get("metadata"), None
    for name in ("error", "status"):  # The guide shows the second, the reference the first.
        if isinstance(fields.get(name), dict):
            failure = _failure(fields[name], response)
            break
    # Absent, null and false all mean that it runs.
    done = fields.get("done") is True and response.status != 202
    return State(
        path,
        done=done or failure is not None,
        metadata=cast("dict[str, Any]", metadata) if isinstance(metadata, dict) else None,
        failure=failure,
        result=fields.get("response", fields) if done else None,
    )


def _read_result(body: dict[str, Any], path: str, response: Response) -> State:
    """Read what is no operation but the result itself, at once (an asset), or as soon as its state says so (a task)."""
    state = body.get("state")
    name = state if isinstance(state, str) else None
    if state in _FAILED_STATES:
        failure = _failure(body.get("error") or {"message": state}, response)
        return State(path, done=True, name=name, failure=failure)
    if _TASKS in path and state != "COMPLETE":  # Whatever other state there may be, a task does not end in it.
        return State(path, name=name)
    return State(path, done=True, name=name, result=body)


def _read_listed(states: Any, number: str, path: str) -> State:
    """Read what stands in a list: a restart of servers, or the upload of a thumbnail.

    One that is not listed counts as running: it may not have got there yet.
    """
    fields = _fields(_fields(states).get(number))
    if fields.get("moderationStatus") == "Rejected":
        return State(path, done=True, failure=_Failure("Moderation rejected the picture.", "Rejected", (fields,)))
    if isinstance(fields.get("placeRestartStatuses"), dict):
        reached = {str(_fields(place).get("state")) for place in _fields(fields["placeRestartStatuses"]).values()}
        if failed := reached & _FAILED_STATES:
            return State(path, done=True, failure=_Failure("The restart failed.", failed.pop(), (fields,)))
        done = reached <= {"SUCCEEDED"}
    else:
        done = fields.get("homepageThumbnailId") is not None
    return State(path, done=done, metadata=fields or None, result={"id": number, **fields} if done else None)


def _fields(value: Any) -> dict[str, Any]:
    """Return a JSON object; an empty one in the place of anything else."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _failure(error: Any, response: Response) -> _Failure:
    body = read_error(Response(response.status, response.headers, encode_json(error)))
    return _Failure(body.message, body.code, body.details)


def _failed_query(error: APIStatusError, path: str) -> State | None:
    try:
        body = json.loads(error.response.content)
    except (ValueError, RecursionError):
        return None
    if not isinstance(body, dict) or "done" not in body:
        return None
    return State(path, done=True, failure=_Failure(error.message, error.code, error.details))
