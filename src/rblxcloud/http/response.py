"""From an answer to an error: all the shapes of error body that Roblox's services use, read in one place."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar, cast

from pydantic import TypeAdapter, ValidationError

from rblxcloud.endpoints.model import Endpoint
from rblxcloud.errors import (
    APIResponseError,
    APIStatusError,
    AuthenticationError,
    BadRequestError,
    ConflictError,
    NotFoundError,
    PermissionDeniedError,
    PreconditionFailedError,
    RateLimitedError,
    ServerError,
)
from rblxcloud.types import Response

T = TypeVar("T")

_CLASSES: Mapping[int, type[APIStatusError]] = {
    400: BadRequestError,
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    409: ConflictError,
    412: PreconditionFailedError,
    429: RateLimitedError,
}
_LONGEST_EXCERPT = 200


@dataclass(frozen=True, slots=True)
class ErrorBody:
    """What an error body says, whatever its shape."""

    message: str
    code: str | None = None
    details: tuple[Any, ...] = ()


def error_for(response: Response, endpoint: Endpoint, *, wall_time: float) -> APIStatusError:
    """Return the error that a refused request raises.

    Args:
        response: An answer whose status is not a success.
        endpoint: What was called.
        wall_time: Seconds since 1970 UTC, for a `Retry-After` that is a date.
    """
    # v1's 412 brings the value that stands there: no error text, and nothing for a log.
    stored = "roblox-entry-version" in response.headers
    body = ErrorBody("the entry is not what the precondition asks for") if stored else read_error(response)
    error_class = _CLASSES.get(response.status) or (ServerError if response.status >= 500 else APIStatusError)
    error = error_class(response, body.message, code=body.code, details=body.details, endpoint=endpoint.name)
    if isinstance(error, PermissionDeniedError):
        error.required_scopes = endpoint.scopes.named()
    if isinstance(error, RateLimitedError):
        error.retry_after = retry_after(response, wall_time=wall_time)
    if isinstance(error, ServerError) and response.status == 503:
        # The reset of a window says nothing of an outage.
        error.retry_after = _seconds(response.headers.get("retry-after"), wall_time)
    return error


def read_error(response: Response) -> ErrorBody:
    """Read an error body of any known family; one of none of them gives what there was."""
    try:
        body = json.loads(response.content)
    except (ValueError, RecursionError):
        return ErrorBody(_excerpt(response))
    if isinstance(body, dict):
        return read_error_object(cast("dict[str, Any]", body), response)
    return ErrorBody(_excerpt(response))


def read_error_object(body: dict[str, Any], response: Response) -> ErrorBody:
    """Read a JSON object that tells of an error.

    Args:
        body: The object.
        response: The answer that it came with, which stands in for a text.
    """
    errors = body.get("errors")
    if isinstance(errors, list) and errors:
        return _read_list(cast("list[Any]", errors), response)
    if isinstance(errors, dict) and errors:
        return _read_validation(cast("dict[str, Any]", errors), body)
    error = body.get("error")
    if isinstance(error, dict):
        return read_error_object(cast("dict[str, Any]", error), response)
    code = _first_text(body, "code", "errorCode", "error", "status") if error is None else str(error)
    message = _first_text(body, "message", "errorMessage", "error_description", "detail", "title")
    return ErrorBody(message or code or _excerpt(response), _specific_code(body) or code, _details(body))


def _read_list(errors: list[Any], response: Response) -> ErrorBody:
    """The gateway's, the legacy services' and the ads' list of errors: the first one speaks, all are kept."""
    first = errors[0]
    if not isinstance(first, dict):
        return ErrorBody(str(first), details=tuple(errors))
    fields = cast("dict[str, Any]", first)
    message = _first_text(fields, "message", "userFacingMessage") or _excerpt(response)
    code = _first_text(fields, "code")
    return ErrorBody(message, None if code == "0" else code, tuple(errors))


def _read_validation(errors: dict[str, Any], body: dict[str, Any]) -> ErrorBody:
    """ASP.NET's map of field to texts."""
    texts = [f"{name}: {text}" if name else str(text) for name, values in errors.items() for text in _as_list(values)]
    return ErrorBody("; ".join(texts) or str(body.get("title", "")), "INVALID_ARGUMENT", (errors,))


def _as_list(value: Any) -> list[Any]:
    return cast("list[Any]", value) if isinstance(value, list) else [value]


def _specific_code(body: dict[str, Any]) -> str | None:
    """The data stores' v1 answers hold a finer code than their `error`."""
    for detail in _details(body):
        if isinstance(detail, dict):
            code = cast("dict[str, Any]", detail).get("datastoreErrorCode")
            if code:
                return str(code)
    return None


def _details(body: dict[str, Any]) -> tuple[Any, ...]:
    details = body.get("details") or body.get("errorDetails")
    return tuple(cast("list[Any]", details)) if isinstance(details, list) else ()


def _first_text(body: dict[str, Any], *names: str) -> str | None:
    for name in names:
        value = body.get(name)
        if isinstance(value, str | int) and not isinstance(value, bool) and value != "":
            return str(value)
    return None


def _excerpt(response: Response) -> str:
    text = " ".join(response.text.split())
    if not text:
        return "the answer has no body"
    return text if len(text) <= _LONGEST_EXCERPT else f"{text[:_LONGEST_EXCERPT]}..."


def retry_after(response: Response, *, wall_time: float) -> float | None:
    """Return the seconds that Roblox asks to wait; None where it does not say."""
    # With something left of the credential's window, it is another limit that was hit, such as the number of tasks.
    left = _seconds(response.headers.get("x-ratelimit-remaining"), wall_time)
    for name in ("retry-after",) if left else ("retry-after", "x-ratelimit-reset"):
        seconds = _seconds(response.headers.get(name), wall_time)
        if seconds is not None:
            return seconds
    return None


def _seconds(text: str | None, wall_time: float) -> float | None:
    if not text:
        return None
    try:
        seconds = float(text.split(",")[0])
    except ValueError:
        try:
            moment = parsedate_to_datetime(text)
        except (ValueError, OverflowError):
            return None
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        seconds = (aware - datetime.fromtimestamp(wall_time, UTC)).total_seconds()
    return max(0.0, seconds) if seconds == seconds and seconds != float("inf") else None


def decode(adapter: TypeAdapter[T], response: Response, endpoint: Endpoint, *, context: Any = None) -> T:
    """Validate an answer's body straight from its bytes.

    Args:
        adapter: What the body should be.
        response: A success. An empty body counts as `{}` for a call that is no read: some of Roblox's services answer
            so. Of a read it would mean that nothing is there.
        endpoint: What was called.
        context: Validation context that binds resources to their session.

    Raises:
        APIResponseError: The body is not JSON, or not of this shape.
    """
    try:
        empty = b"" if endpoint.method == "GET" else b"{}"
        return adapter.validate_json(response.content or empty, context=context)
    except ValidationError as error:
        problems = "; ".join(problems_of(error))
        # Pydantic's own error would show what is stored in every traceback.
        raise unusable(response, endpoint, problems) from ValueError(problems)


def unusable(response: Response | None, endpoint: Endpoint, problem: str) -> APIResponseError:
    """Return the error for a success whose body cannot be used; the response may be gone already."""
    return APIResponseError(
        f"{endpoint.name} answered {response.status if response else 200} with a body that cannot be used: {problem}",
        endpoint=endpoint.name,
        response=response,
        outcome_unknown=changes_something(endpoint),
    )


def problems_of(error: ValidationError) -> Iterator[str]:
    """Yield the first problems of an answer of the wrong shape, each with its place."""
    for problem in error.errors(include_url=False, include_input=False, include_context=False)[:3]:
        place = ".".join(str(part) for part in problem["loc"])
        yield f"{place}: {problem['msg']}" if place else problem["msg"]


def changes_something(endpoint: Endpoint) -> bool:
    """Whether a call of the endpoint can change anything at Roblox."""
    from rblxcloud.endpoints.model import Repeat

    return endpoint.method != "GET" or endpoint.repeat is not Repeat.SAFE
