"""Pages: how many rows are wanted, and tokens that are good only for the request they were made for."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar, cast

from rblxcloud.emulator.model import Call, Refusal

__all__ = ["SCAN", "PageRequest", "look_ahead", "page_request", "page_size", "take"]

SCAN = 512
"""Rows that one request looks at, at most, for those that it shows."""

Row = TypeVar("Row")
Position = tuple[str | int, ...]
Kinds = tuple[type[str] | type[int], ...]

_INTEGER = re.compile(r"-?\d{1,10}", re.ASCII)
_INT32 = 2**31


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Which page is wanted."""

    size: int
    """Most rows on it."""
    position: Position | None
    """Where the page before ended; None for the first page."""
    binding: str
    """What the tokens of this listing are bound to."""

    def token(self, *position: str | int) -> str:
        """Return the token for the page after `position`."""
        content = json.dumps([_seal(self.binding, position), *position], separators=(",", ":"))
        return base64.urlsafe_b64encode(content.encode()).decode()


def page_request(call: Call, *, default: int, largest: int, kinds: Kinds) -> PageRequest:
    """Return which page a call wants; the names of the parameters are those of the endpoint.

    Args:
        call: The request.
        default: Size of a page when none is given, or 0.
        largest: What larger sizes are cut to.
        kinds: Types of the parts of a position.

    Raises:
        Refusal: 400 for a size that is negative or no number, for a token that is not one of ours, and for one that
            was made for other parameters.
    """
    paging = call.endpoint.paging
    assert paging is not None
    size = page_size(call, default=default, largest=largest)
    # Queries of ASP.NET services arrive in lower case.
    names = {name for each in call.endpoint.query_parameters for name in (each.name, each.name.lower())}
    names -= {paging.size, paging.token}
    query = sorted((name, value) for name, value in call.query.items() if value and name in names)
    binding = json.dumps([call.endpoint.name, sorted(call.path.items()), query, size])
    token = call.query.get(paging.token, "")
    return PageRequest(size, _position(token, binding, kinds) if token else None, binding)


def page_size(call: Call, *, default: int, largest: int) -> int:
    """Return how many rows a page may have.

    Args:
        call: The request.
        default: Size of a page when none is given, or 0.
        largest: What larger sizes are cut to.

    Raises:
        Refusal: 400 for a size that is negative or no number.
    """
    paging = call.endpoint.paging
    assert paging is not None
    assert paging.size is not None
    return _size(call.query.get(paging.size, ""), default, largest)


def take(
    rows: Iterable[Row], size: int, *, shown: Callable[[Row], bool] = lambda _: True
) -> tuple[list[Row], Row | None]:
    """Return a page of rows.

    The rows are not looked at beyond the page, so that more may seem to come where nothing is left, and a page may be
    short or empty although more comes.

    Args:
        rows: Where they come from.
        size: Most rows on the page.
        shown: Which of them are shown.

    Returns:
        The page, and the row to go on after; None when the end was reached.
    """
    page: list[Row] = []
    for scanned, row in enumerate(rows, 1):
        if shown(row):
            page.append(row)
        if len(page) == size or scanned == SCAN:
            return page, row
    return page, None


def look_ahead(rows: Iterator[Row], size: int) -> tuple[list[Row], Row | None]:
    """Return a page of rows, and whether there is another one, which is looked at.

    Args:
        rows: Where they come from.
        size: Most rows on the page.

    Returns:
        The page, and the row to go on after; None when nothing is left.
    """
    page = list(islice(rows, size))
    return page, page[-1] if page and next(rows, None) is not None else None


def _size(text: str, default: int, largest: int) -> int:
    if not text:
        return default
    size = int(text) if _INTEGER.fullmatch(text) else -1
    if not 0 <= size < _INT32:
        raise Refusal(400, "INVALID_ARGUMENT", "The page size is not a number, or is negative.")
    return min(size or default, largest)


def _position(token: str, binding: str, kinds: Kinds) -> Position:
    invalid = Refusal(400, "INVALID_ARGUMENT", "The page token is invalid.", detail="InvalidCursor")
    try:
        seal, *parts = json.loads(base64.b64decode(token.encode("ascii"), altchars=b"-_", validate=True))
    except (ValueError, TypeError, RecursionError) as error:
        raise invalid from error
    position = tuple(cast("list[str | int]", parts))
    if tuple(map(type, position)) != kinds or seal != _seal(binding, position):
        raise invalid
    return position


def _seal(binding: str, position: Position) -> str:
    return hashlib.sha256(json.dumps([binding, position]).encode()).hexdigest()[:24]
