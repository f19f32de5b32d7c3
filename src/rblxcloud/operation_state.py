"""Where a long-running operation is polled, and what Roblox's answers say of it: its services differ in both."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, cast
from urllib.parse import parse_qsl, quote, unquote

from pydantic import TypeAdapter

from rblxcloud.endpoints import all_endpoints
from rblxcloud.endpoints.memory_stores import GET_MEMORY_STORE_FLUSH_OPERATION
from rblxcloud.endpoints.model import Endpoint, LongRunning
from rblxcloud.errors import APIStatusError, InvalidRequestError
from rblxcloud.http.request import Call, QueryValue, encode_query
from rblxcloud.http.response import decode, read_error_object, unusable
from rblxcloud.http.routes import match
from rblxcloud.types import Response

_TASKS = "/luau-execution-session"
"""What the path of every task has in it."""
_FAILED_STATES = frozenset({"FAILED", "CANCELLED"})
_FLUSH = re.compile(r"(/cloud/v2/universes/[^/?#]+)(/operations/[^/?#]+)")
"""Where a flush of memory stores says that it is polled (seen in practice); the table has the documented path."""
_MARK = re.compile(r"([?#])")
"""What a path goes on after with which of several operations it is."""
_OBJECT = TypeAdapter(dict[str, Any])


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an operation failed, in Roblox's words."""

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
    failure: Failure | None = None
    result: Any = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where an operation is polled, and which of those that the address tells of it is."""

    endpoint: Endpoint
    values: Mapping[str, str | int]
    query: Mapping[str, str]
    id: str | None = None
    """Its id, where the address tells of several operations."""
    states: str | None = None
    """Under which field of the answer they stand by id."""

    def call(self) -> Call:
        """Return the poll."""
        return Call(self.endpoint, self.values, self.query)


def locate(path: str) -> Place:
    """Return where an operation is polled.

    Raises:
        InvalidRequestError: The path cannot be one.
    """
    bare, *identity = _MARK.split(path, maxsplit=1)
    endpoint, values = match("GET", bare)
    if _FLUSH.fullmatch(bare):
        endpoint = replace(GET_MEMORY_STORE_FLUSH_OPERATION, path=bare, path_parameters=())
    listed = _lists().get(endpoint.path)
    if listed is None or listed.states is None:
        return Place(endpoint, values, _query_of(path, endpoint))
    mark, text = identity or ("", "")
    _, wanted, template = _MARK.split(listed.poll, maxsplit=1)
    name = template.partition("{")[0]
    if mark != wanted or not text.startswith(name) or not (number := unquote(text.removeprefix(name))):
        raise InvalidRequestError("path", f"{path!r:.200} does not say which operation; {wanted}{template} does")
    return Place(endpoint, values, {name.rstrip("="): number} if mark == "?" else {}, number, listed.states)


def elsewhere(path: str) -> str | None:
    """Return the documented path of a flush that was said to be polled at another one; None for all else."""
    bare, *rest = _MARK.split(path, maxsplit=1)
    flush = _FLUSH.fullmatch(bare)
    return f"{flush[1]}/memory-store{flush[2]}{''.join(rest)}" if flush else None


def started(call: Call, response: Response, query: Mapping[str, QueryValue] | None) -> State:
    """Read the answer to the call that started an operation.

    Args:
        call: The call; its endpoint says where the operation is polled.
        response: The answer.
        query: What each poll takes besides its path.

    Raises:
        APIResponseError: The answer names no operation; the call may have been carried out.
    """
    body = decode(_OBJECT, response, call.endpoint)
    path = _path_of(body, call, response)
    if query:
        path = f"{path}?{encode_query(query)}"
    place = locate(path)
    # Where several stand in a list, only the list tells how they stand.
    return State(path, metadata=body) if place.states is not None else _read(body, path, place, response)


def polled(path: str, endpoint: Endpoint, response: Response) -> State:
    """Read the answer to a poll.

    Args:
        path: Path of the operation.
        endpoint: Where it was polled.
        response: The answer.

    Raises:
        APIResponseError: The answer is no JSON object.
    """
    return _read(decode(_OBJECT, response, endpoint), path, locate(path), response)


def refused(path: str, error: APIStatusError) -> State | None:
    """Return the state of an operation whose end was told with a status that is no success; None for another refusal.

    Analytics tells so of a query that failed; other services do it with a 200.

    Args:
        path: Path of the operation.
        error: The poll's error.
    """
    try:
        body = json.loads(error.response.content)
    except (ValueError, RecursionError):
        return None
    if _fields(body).get("done") is not True:
        return None
    return State(path, done=True, failure=Failure(error.message, error.code, error.details))


@cache
def _lists() -> Mapping[str, LongRunning]:
    """Return what tells of several operations at once, by the template of its path."""
    rows = (row.long_running for row in all_endpoints())
    return {_MARK.split(row.poll)[0]: row for row in rows if row is not None and row.states is not None}


def _query_of(path: str, endpoint: Endpoint) -> dict[str, str]:
    """Return what a poll takes besides its path, which only the query parameters of its endpoint can be."""
    _, mark, text = path.partition("?")
    query = dict(parse_qsl(text, keep_blank_values=True))
    known = {parameter.name for parameter in endpoint.query_parameters}
    if "#" in path or (mark and not query) or query.keys() - known:
        raise InvalidRequestError("path", f"{path!r:.200} has more than an address")
    return query


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
        locate(template)
    except InvalidRequestError as error:
        raise unusable(response, call.endpoint, f"the operation's {error}") from error
    return template


def _nested(body: dict[str, Any]) -> dict[str, Any]:
    """Experiments put the operation one level deeper."""
    return _fields(body.get("operation")) or body


def _only(ids: Any) -> Any:
    """Return the value of an object with one; thumbnails are answered with the id of each file that was sent."""
    values = [*_fields(ids).values()]
    return values[0] if len(values) == 1 else None


def _read(body: dict[str, Any], path: str, place: Place, response: Response) -> State:
    """Read how an operation stands, of whatever kind it is."""
    if place.id is not None:
        return _read_listed(body.get(str(place.states)), place.id, path)
    if "/operations/" not in path:
        return _read_result(body, path, response)
    fields = _nested(body)
    # The guide shows a failure under `status`, the reference under `error`.
    failures = (_failure(fields[name], response) for name in ("error", "status") if isinstance(fields.get(name), dict))
    failure = next(failures, None)
    # Absent, null and false all mean that it runs.
    done = fields.get("done") is True
    return State(
        path,
        done=done or failure is not None,
        metadata=_fields(fields.get("metadata")) or None,
        failure=failure,
        result=fields.get("response", fields) if done else None,
    )


def _read_result(body: dict[str, Any], path: str, response: Response) -> State:
    """Read what is no operation but the result itself, at once (an asset), or as soon as its state says so (a task)."""
    state = body.get("state")
    name = state if isinstance(state, str) else None
    if name in _FAILED_STATES:
        failure = _failure(_fields(body.get("error")) or {"message": name}, response)
        return State(path, done=True, name=name, failure=failure)
    if _TASKS in path:
        if name != "COMPLETE":  # Whatever other state there may be, a task does not end in it.
            return State(path, name=name)
        # It opens the file to whoever has it, and is no good for long: pickles and tracebacks do without.
        body = {field: value for field, value in body.items() if field != "binaryOutputUri"}
    return State(path, done=True, name=name, result=body)


def _read_listed(states: Any, number: str, path: str) -> State:
    """Read what stands in a list: a restart of servers, or the upload of a thumbnail.

    One that is not listed counts as running: it may not have got there yet.
    """
    fields = _fields(_fields(states).get(number))
    if fields.get("moderationStatus") == "Rejected":
        return State(path, done=True, failure=Failure("Moderation rejected the picture.", "Rejected", (fields,)))
    if isinstance(fields.get("placeRestartStatuses"), dict):
        reached = {str(_fields(place).get("state")) for place in _fields(fields["placeRestartStatuses"]).values()}
        if failed := reached & _FAILED_STATES:
            return State(path, done=True, failure=Failure("The restart failed.", min(failed), (fields,)))
        done = reached <= {"SUCCEEDED"}
    else:
        done = fields.get("homepageThumbnailId") is not None
    return State(path, done=done, metadata=fields or None, result={"id": number, **fields} if done else None)


def _fields(value: Any) -> dict[str, Any]:
    """Return a JSON object; an empty one in the place of anything else."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _failure(error: dict[str, Any], response: Response) -> Failure:
    body = read_error_object(error, response)
    return Failure(body.message, body.code, body.details)
