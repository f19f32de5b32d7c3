"""Filters and orders of the lists of servers and logs: the part of CEL that the service takes."""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from rblxcloud.emulator.protobuf import invalid
from rblxcloud.emulator.storage_time import parse_time

__all__ = ["chosen", "ordered"]

_TEXT = r'"(?:[^"\\]|\\.)*"'
_LITERAL = rf"(?:{_TEXT}|-?\d{{1,18}}(?:\.\d{{1,9}})?|true|false)"
_CONDITION = re.compile(
    rf"\s*(\w+)\s*(?:(==|<=|>=|<|>)\s*({_LITERAL})|in\s*\[\s*((?:{_LITERAL}\s*(?:,\s*{_LITERAL}\s*)*)?)\])\s*(&&|$)",
    re.ASCII,
)
_SPAN = re.compile(r"(?:(\d{1,8})\.)?(\d{1,2}):(\d{2}):(\d{2})", re.ASCII)
_OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}

Row = Mapping[str, Any]
Test = Callable[[Row], bool]


def chosen(rows: Iterable[Row], filter: str, fields: Row) -> list[Row]:
    """Return the rows that a filter lets through.

    Args:
        rows: As the service shows them.
        filter: Such as `status == "active" && occupancy > 5`; empty for all.
        fields: An example of a row, which says which fields there are and of what type.

    Raises:
        Refusal: 400 for a filter that cannot be read, an unknown field, and a value of another type.
    """
    tests = _tests(filter, fields)
    return [row for row in rows if all(test(row) for test in tests)]


def ordered(rows: Iterable[Row], order: str, fields: Row) -> list[Row]:
    """Return rows in an order.

    Args:
        rows: As the service shows them.
        order: A field, which `desc` may follow; empty to leave them.
        fields: An example of a row.

    Raises:
        Refusal: 400 for an order that cannot be read, and for an unknown field.
    """
    if not order:
        return list(rows)
    field, _, direction = order.partition(" ")
    if field not in fields or isinstance(fields[field], list) or direction not in ("", "desc"):
        raise invalid("OrderBy is a field, which ' desc' may follow.")
    return sorted(rows, key=lambda row: _key(row[field]), reverse=bool(direction))


def _tests(filter: str, fields: Row) -> list[Test]:
    tests: list[Test] = []
    place = 0
    while filter.strip() and place <= len(filter):
        match = _CONDITION.match(filter, place)
        if match is None or match[1] not in fields:
            raise invalid("The filter is invalid.")
        field, compare, literal, several, joint = match.groups()
        texts = [literal] if literal is not None else re.findall(_LITERAL, several)
        wanted = [_value(text, fields[field]) for text in texts]
        tests.append(_test(field, _OPERATORS.get(compare or ""), wanted))
        if not joint:
            return tests
        place = match.end()
    return tests


def _test(field: str, compare: Callable[[Any, Any], bool] | None, wanted: list[Any]) -> Test:
    def among(row: Row) -> bool:
        return row[field] is not None and _key(row[field]) in wanted

    def holds(row: Row) -> bool:
        return row[field] is not None and compare is not None and compare(_key(row[field]), wanted[0])

    return among if compare is None else holds


def _value(literal: str, example: Any) -> Any:
    """Return a literal as it is compared with the values of a field."""
    try:
        value = json.loads(literal)
    except ValueError:
        raise invalid("The filter has a text that is not closed or escaped.") from None
    numbers = isinstance(value, int | float) and isinstance(example, int | float)
    if isinstance(value, bool) != isinstance(example, bool) or not (numbers or isinstance(value, type(_text(example)))):
        raise invalid("The filter compares a field with a value of another type.")
    return _key(value)


def _text(example: Any) -> Any:
    return "" if example is None else example


def _key(value: Any) -> Any:
    """Return what values are compared by: times and stretches of time by their length, whatever their form."""
    if not isinstance(value, str):
        return 0 if value is None else value
    if (match := _SPAN.fullmatch(value)) is not None:
        days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
        return f"{((days * 24 + hours) * 60 + minutes) * 60 + seconds:020d}"
    ticks = parse_time(value)
    return value if ticks is None else f"{ticks:020d}"
