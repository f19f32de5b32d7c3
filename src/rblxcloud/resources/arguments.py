"""What callers pass, checked before anything is sent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar, cast

from rblxcloud.config import shown as shown
from rblxcloud.errors import InvalidRequestError
from rblxcloud.http.request import QueryValue, encode_json

_Choice = TypeVar("_Choice")

_NOT_THE_CALLERS = frozenset(
    {"x-api-key", "authorization", "cookie", "host", "content-length", "transfer-encoding", "connection"}
)


def check_whole(argument: str, value: object, largest: int, *, smallest: int | None = None) -> int:
    """Return a whole number within its bounds.

    Args:
        argument: Name of the argument, for the error.
        value: What was passed.
        largest: The largest allowed.
        smallest: The smallest allowed; `-largest` when None.

    Raises:
        InvalidRequestError: It is not an int, or out of bounds.
    """
    low = -largest if smallest is None else smallest
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= largest:
        raise InvalidRequestError(argument, f"{shown(value)} is not a whole number from {low} to {largest}")
    return int(value)  # A member of an enumeration of ints is written by its name.


def check_limit(limit: object) -> None:
    """Refuse a limit that is neither None nor a whole number from 1 up.

    Raises:
        InvalidRequestError: It is something else.
    """
    if limit is not None:
        check_whole("limit", limit, 2**63 - 1, smallest=1)


def check_switch(argument: str, value: object) -> bool:
    """Return True or False: no other value, since `"no"` would count as yes.

    Raises:
        InvalidRequestError: It is something else.
    """
    if not isinstance(value, bool):
        raise InvalidRequestError(argument, f"{shown(value)} is neither True nor False")
    return value


def check_choice(argument: str, value: object, allowed: Iterable[_Choice]) -> _Choice:
    """Return one of a few values, such as the `get_args` of a `Literal`.

    Args:
        argument: Name of the argument, for the error.
        value: What was passed.
        allowed: What is allowed; a value of another type is none of them, so that True is not 1.

    Raises:
        InvalidRequestError: It is none of them.
    """
    choices = tuple(allowed)
    for choice in choices:
        if type(value) is type(choice) and value == choice:
            return choice
    raise InvalidRequestError(argument, f"{shown(value)} is none of {', '.join(map(repr, choices))}")


def check_function(argument: str, value: object) -> None:
    """Refuse what cannot be called.

    Raises:
        InvalidRequestError: It is no function.
    """
    if not callable(value):
        raise InvalidRequestError(argument, f"is of type {type(value).__name__}; it takes a function")


def check_moment(argument: str, value: datetime | None) -> str | None:
    """Return a moment as Roblox's filters take it.

    Raises:
        InvalidRequestError: It has no time zone, or lies beyond the years 1 to 9999 in UTC.
    """
    if value is None:
        return None
    if not isinstance(value, datetime) or value.tzinfo is None:  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InvalidRequestError(argument, f"{shown(value)} is not a datetime with a time zone")
    try:
        # Python writes the seconds of an offset that has some, which RFC 3339 does not know.
        return value.astimezone(UTC).isoformat()
    except OverflowError:
        raise InvalidRequestError(argument, f"{shown(value)} is not within the years 1 to 9999 in UTC") from None


def check_json(argument: str, value: Any) -> bytes:
    """Return a value as compact JSON.

    Raises:
        InvalidRequestError: It is not JSON.
    """
    try:
        return encode_json(value)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidRequestError(argument, f"is not JSON: {error}") from error


def check_headers(headers: object) -> dict[str, str]:
    """Return headers, their names in lower case.

    Raises:
        InvalidRequestError: They are no mapping of text to text, or hold one that is not the caller's to set.
    """
    if headers is None:
        return {}
    if not isinstance(headers, Mapping):
        raise InvalidRequestError("headers", f"is of type {type(headers).__name__}; it takes a mapping of text to text")
    pairs = dict(cast("Mapping[object, object]", headers))
    for name, value in pairs.items():
        if not isinstance(name, str) or not isinstance(value, str):
            # A value may be a secret, so that it is not shown.
            raise InvalidRequestError("headers", f"[{shown(name)}] is no text; names and values of headers are text")
    named = {name.lower(): value for name, value in cast("dict[str, str]", pairs).items()}
    for name in named.keys() & _NOT_THE_CALLERS:
        raise InvalidRequestError("headers", f"{name!r} is set by the client: from its credential, address and body")
    return named


def check_query(query: object) -> dict[str, QueryValue]:
    """Return query parameters.

    Raises:
        InvalidRequestError: They are no mapping of text to text, numbers, booleans, tuples of text and None.
    """
    if query is None:
        return {}
    if not isinstance(query, Mapping):
        raise InvalidRequestError("query", f"is of type {type(query).__name__}; it takes a mapping")
    pairs = dict(cast("Mapping[object, object]", query))
    for name, value in pairs.items():
        if not isinstance(name, str) or not _is_query_value(value):
            raise InvalidRequestError(
                "query",
                f"[{shown(name)}] is {shown(value)}; names are text, values text, numbers, booleans, None or tuples "
                "of text",
            )
    return cast("dict[str, QueryValue]", pairs)


def _is_query_value(value: object) -> bool:
    if isinstance(value, tuple):
        return all(isinstance(item, str) for item in cast("tuple[object, ...]", value))
    return isinstance(value, str | int | float | None)
