"""What sorted maps and queues have in common: names, how long they keep things, and how they are emptied."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal, TypeVar, get_args

from rblxcloud.config import is_finite
from rblxcloud.endpoints import memory_stores as api
from rblxcloud.endpoints.model import Endpoint
from rblxcloud.errors import InvalidRequestError
from rblxcloud.http.binding import Binding
from rblxcloud.http.request import Call
from rblxcloud.http.response import unusable
from rblxcloud.operation import Operation, start
from rblxcloud.resources.arguments import check_choice, shown
from rblxcloud.resources.base import Model, check_segment, check_text
from rblxcloud.resources.entry import check_finite, fit
from rblxcloud.resources.value import EXACT_INTEGER, Codec
from rblxcloud.types import Response

T = TypeVar("T")

LONGEST_STAY = 3_888_000
"""Seconds that an item is kept at most: 45 days."""
LARGEST_ITEM = 32 * 1024
"""Bytes of serialized JSON that one item holds."""

FlushScope = Literal["LIVE", "TEST"]
"""Whose memory stores are flushed: those of the published experience, or those of Studio's tests."""


class MemoryStoreFlush(Model):
    """The end of a flush; Roblox tells nothing more of it."""


def check_name(argument: str, value: object) -> str:
    """Return the name of a map or a queue.

    Raises:
        InvalidRequestError: It is no text, empty, or cannot stand in a path.
    """
    return check_segment(argument, check_text(argument, value))


def check_duration(argument: str, value: object) -> str:
    """Return a time as Roblox takes it, such as `1.5s`.

    Args:
        argument: Name of the argument, for the error.
        value: Seconds, or a timedelta.

    Raises:
        InvalidRequestError: It is neither, or not above 0 and at most `LONGEST_STAY`.
    """
    seconds = value.total_seconds() if isinstance(value, timedelta) else value
    if not isinstance(seconds, int | float) or isinstance(seconds, bool):
        raise InvalidRequestError(argument, f"{shown(value)} is neither a number of seconds nor a timedelta")
    if not 0 < seconds <= LONGEST_STAY:
        raise InvalidRequestError(
            argument, f"{shown(value)} is not above 0 and at most {LONGEST_STAY} seconds ({LONGEST_STAY // 86400} days)"
        )
    text = f"{seconds:.9f}".rstrip("0").rstrip(".")
    if text == "0":
        raise InvalidRequestError(argument, f"{shown(value)} is less than a nanosecond")
    return f"{text}s"


def check_number(argument: str, value: object) -> int | float:
    """Return a number that a double can hold.

    Raises:
        InvalidRequestError: It is no number, not finite, or a whole number that Roblox would round.
    """
    if not isinstance(value, int | float) or isinstance(value, bool) or not is_finite(value):
        raise InvalidRequestError(argument, f"{shown(value)} is not a finite number")
    if isinstance(value, int) and abs(value) > EXACT_INTEGER:
        raise InvalidRequestError(argument, f"{shown(value)} is beyond ±(2^53 - 1), where Roblox rounds numbers")
    # Not a subclass's own way to write it.
    return int(value) if isinstance(value, int) else float(value)


def read_value(codec: Codec[T], value: object, what: str, response: Response, endpoint: Endpoint) -> T:
    """Return what was stored as a value of the store's type.

    Args:
        codec: The store's.
        value: Plain JSON.
        what: What does not fit, for the error.
        response: The answer that brought it.
        endpoint: What was called.

    Raises:
        APIResponseError: It is no JSON, or does not fit.
    """
    try:
        check_finite(value)
    except ValueError as error:
        raise unusable(response, endpoint, str(error)) from error
    return fit(codec, value, what, response=response, endpoint=endpoint)


async def flush(binding: Binding, universe_id: int, scope: FlushScope) -> Operation[MemoryStoreFlush]:
    """Start to empty every memory store of an experience.

    Args:
        binding: The session's source.
        universe_id: Id of the experience.
        scope: Whose.

    Raises:
        InvalidRequestError: There is no such scope.
    """
    query = {"scope": check_choice("scope", scope, get_args(FlushScope))}
    call = Call(api.FLUSH_MEMORY_STORE, {"universe_id": universe_id}, query)
    # The poll wants the same scope as the flush.
    return await start(binding, call, MemoryStoreFlush, query=query)
