"""The filter texts of the lists. Their grammars are taken to the letter; anything else is refused."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, cast

from rblxcloud.emulator.model import Refusal
from rblxcloud.emulator.storage_time import parse_time
from rblxcloud.emulator.universes import is_id

__all__ = [
    "INT64_MAX",
    "INT64_MIN",
    "Bound",
    "equal_path",
    "equal_paths",
    "equal_words",
    "id_prefix",
    "item_bounds",
    "member_condition",
    "revision_times",
    "value_range",
]

INT64_MAX = 2**63 - 1
INT64_MIN = -(2**63)

_STARTS_WITH = re.compile(r'id\.startsWith\(("(?:[^"\\]|\\.)*")\)', re.DOTALL)
_TIME_CONDITION = re.compile(r"\s*revision_create_time\s*(<=|>=)\s*(\S+?)\s*")
_EQUAL = re.compile(r"(\w+)\s*==\s*'([^']*)'", re.ASCII)
_AMONG = re.compile(r"(\w+)\s+in\s+\[\s*('[^']*'(?:\s*,\s*'[^']*')*)\s*\]", re.ASCII)
_BARE_EQUAL = re.compile(r"(\w+)\s*==\s*([\w-]+)", re.ASCII)
_ITEM_CONDITION = re.compile(
    r"""\s*(?P<field>id|sortKey)\s*(?P<operator>[<>])\s*
    (?:(?P<text>"(?:[^"\\]|\\.)*")|(?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?))\s*""",
    re.DOTALL | re.VERBOSE | re.ASCII,
)
_AND = "&&"
_VALUE_CONDITION = re.compile(r"entry (<=|>=) (-?\d{1,19})", re.ASCII)


def id_prefix(text: str) -> str:
    """Return the prefix that a filter such as `id.startsWith("a")` asks for; no filter asks for the empty one.

    Raises:
        Refusal: 400 for any other filter.
    """
    if not text:
        return ""
    if (match := _STARTS_WITH.fullmatch(text)) is None:
        raise _invalid()
    try:
        prefix = cast("str", json.loads(match[1], strict=False))
        prefix.encode()
    except ValueError as error:
        raise _invalid() from error
    return prefix


def revision_times(text: str) -> tuple[int | None, int | None]:
    """Return the first and the last tick that a filter on `revision_create_time` lets through; None for no bound.

    Raises:
        Refusal: 400 for anything but `>=` and `<=` conditions with bare RFC 3339 times, joined by `&&`.
    """
    first: int | None = None
    last: int | None = None
    for condition in text.split("&&") if text else ():
        match = _TIME_CONDITION.fullmatch(condition)
        moment = None if match is None else parse_time(match[2])
        if match is None or moment is None:
            raise _invalid()
        if match[1] == ">=":
            first = moment if first is None else max(first, moment)
        else:
            last = moment if last is None else min(last, moment)
    return first, last


def value_range(text: str) -> tuple[int, int]:
    """Return the least and the greatest value that a filter of an ordered list lets through.

    Raises:
        Refusal: 400 for anything but `entry >= N` and `entry <= N`, joined by `&&`, with single spaces.
    """
    low, high = INT64_MIN, INT64_MAX
    for condition in text.split(" && ") if text else ():
        match = _VALUE_CONDITION.fullmatch(condition)
        if match is None or not INT64_MIN <= int(match[2]) <= INT64_MAX:
            raise _invalid()
        if match[1] == ">=":
            low = max(low, int(match[2]))
        else:
            high = min(high, int(match[2]))
    return low, high


@dataclass(frozen=True, slots=True)
class Bound:
    """A condition on the items of a sorted map."""

    field: Literal["id", "sortKey"]
    operator: Literal["<", ">"]
    value: str | float


def item_bounds(text: str) -> list[Bound]:
    """Return the conditions of a filter such as `id > "a" && sortKey < 5`; no filter has none.

    Raises:
        Refusal: 400 for anything but `<` and `>` with texts in double quotes and bare numbers, joined by `&&`.
    """
    bounds: list[Bound] = []
    place = 0
    while text:
        # Not split at `&&`, which may stand within quotes.
        match = _ITEM_CONDITION.match(text, place)
        if match is None:
            raise _invalid()
        bounds.append(_bound(match))
        place = match.end()
        if place == len(text):
            break
        if not text.startswith(_AND, place):
            raise _invalid()
        place += len(_AND)
    return bounds


def _bound(match: re.Match[str]) -> Bound:
    field, operator = cast('Literal["id", "sortKey"]', match["field"]), cast('Literal["<", ">"]', match["operator"])
    if match["number"] is not None and field == "id":
        raise _invalid()
    if match["number"] is not None:
        return Bound(field, operator, float(match["number"]))
    try:
        quoted = cast("str", json.loads(match["text"]))
        quoted.encode()
    except ValueError as error:
        raise _invalid() from error
    return Bound(field, operator, quoted)


def member_condition(text: str) -> tuple[str, str, list[str]]:
    """Return field, operator and paths of a filter such as `user == 'users/1'` or `user in ['users/1', 'users/2']`.

    Raises:
        Refusal: 400 for anything else, and for another field than `user` and `role`.
    """
    text = text.strip()
    if match := _EQUAL.fullmatch(text):
        field, operator, paths = match[1], "==", [match[2]]
    elif match := _AMONG.fullmatch(text):
        field, operator, paths = match[1], "in", re.findall("'([^']*)'", match[2])
    else:
        raise _invalid()
    if field not in ("user", "role"):
        raise _invalid()
    return field, operator, paths


def equal_path(text: str, field: str) -> str:
    """Return the path that a filter such as `user == 'users/1'` asks for.

    Args:
        text: The filter.
        field: The only field that it may name.

    Raises:
        Refusal: 400 for anything else.
    """
    match = _EQUAL.fullmatch(text.strip())
    if match is None or match[1] != field:
        raise _invalid()
    return match[2]


def equal_paths(text: str, collections: Mapping[str, str]) -> dict[str, int]:
    """Return the ids that a filter such as `user == 'users/1' && place == 'places/2'` asks for, by field.

    Args:
        text: The filter.
        collections: What the paths of each field begin with.

    Raises:
        Refusal: 400 for anything but `==` conditions on different fields, joined by `&&`.
    """
    wanted: dict[str, int] = {}
    for condition in text.split("&&") if text else ():
        match = _EQUAL.fullmatch(condition.strip())
        if match is None or match[1] in wanted or match[1] not in collections:
            raise _invalid()
        collection, _, number = match[2].partition("/")
        if collection != collections[match[1]] or not is_id(number):
            raise _invalid()
        wanted[match[1]] = int(number)
    return wanted


def equal_words(text: str) -> dict[str, str]:
    """Return what a filter such as `archived == true && kind == Some-Word` asks for, by field.

    Raises:
        Refusal: 400 for anything but `==` conditions on different fields with bare words, joined by `&&`.
    """
    wanted: dict[str, str] = {}
    for condition in text.split("&&") if text else ():
        match = _BARE_EQUAL.fullmatch(condition.strip())
        if match is None or match[1] in wanted:
            raise _invalid()
        wanted[match[1]] = match[2]
    return wanted


def _invalid() -> Refusal:
    return Refusal(400, "INVALID_ARGUMENT", "The filter is invalid.")
