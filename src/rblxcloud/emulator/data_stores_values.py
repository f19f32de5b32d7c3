"""What data stores take as values, names, users and attributes."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

__all__ = [
    "MAX_VALUE",
    "check_attributes",
    "check_users",
    "dump",
    "fits",
    "parse_doubles",
    "parse_exact",
    "rounded",
]

MAX_VALUE = 4_194_304
"""Most bytes of JSON text that a key holds."""

_MAX_NAME = 50
_MAX_USERS = 4
_MAX_ATTRIBUTE_NAME = 50
_MAX_ATTRIBUTE = 250
_MAX_ATTRIBUTES = 300
_MAX_DEPTH = 100
_LARGEST_USER = 2**63 - 1
_EXACT = 2**53
_LONGEST_FINITE = 308
_SURROGATE_ESCAPE = re.compile(rb"\\u[dD][89a-fA-F]")


def fits(text: str, longest: int = _MAX_NAME) -> bool:
    """Return whether a name, scope or key has 1 to `longest` bytes."""
    return 0 < len(text.encode()) <= longest


def parse_exact(text: bytes) -> Any:
    """Return what JSON text holds, whole numbers exactly.

    Raises:
        ValueError: It is not strict JSON in UTF-8: also for NaN, for numbers beyond any double, for halves of
            surrogate pairs and for more than 100 levels.
    """
    return _parse(text, _integer, _float)


def parse_doubles(text: bytes) -> Any:
    """Return what JSON text holds, every number as the double nearest to it, and those without a fraction as `int`.

    Raises:
        ValueError: As `parse_exact`.
    """
    return _parse(text, _rounded_integer, _rounded_float)


def rounded(value: int) -> int:
    """Return the whole number that a double keeps of `value`."""
    return value if -_EXACT <= value <= _EXACT else int(float(value))


def dump(value: Any) -> bytes:
    """Return compact JSON text."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def check_users(users: Sequence[object]) -> tuple[int, ...]:
    """Return the users of an entry.

    Raises:
        ValueError: There are more than four, or one is not a positive 64-bit id.
    """
    checked = tuple(user for user in users if type(user) is int and 0 < user <= _LARGEST_USER)
    if len(checked) > _MAX_USERS or len(checked) != len(users):
        raise ValueError(f"users are at most {_MAX_USERS} ids")
    return checked


def check_attributes(attributes: object) -> Mapping[str, Any]:
    """Return the attributes of an entry.

    Raises:
        ValueError: They are not an object, or too long: names 50, values 250, all together 300 characters.
    """
    if not isinstance(attributes, dict):
        raise ValueError("attributes are an object")
    checked = cast("dict[str, Any]", attributes)
    lengths = {name: len(_attribute_text(value)) for name, value in checked.items()}
    if (
        any(len(name) > _MAX_ATTRIBUTE_NAME or length > _MAX_ATTRIBUTE for name, length in lengths.items())
        or sum(len(name) + length for name, length in lengths.items()) > _MAX_ATTRIBUTES
    ):
        raise ValueError(
            f"attributes have names of at most {_MAX_ATTRIBUTE_NAME} characters and values of at most"
            f" {_MAX_ATTRIBUTE}, {_MAX_ATTRIBUTES} in all"
        )
    return checked


def _attribute_text(value: object) -> str:
    return value if isinstance(value, str) else dump(value).decode()


def _parse(text: bytes, integer: Any, number: Any) -> Any:
    try:
        value = json.loads(text.decode(), parse_int=integer, parse_float=number, parse_constant=_no_constant)
    except RecursionError as error:
        raise ValueError("too many levels") from error
    if text.count(b"[") + text.count(b"{") > _MAX_DEPTH and _depth(value) > _MAX_DEPTH:
        raise ValueError("too many levels")
    if _SURROGATE_ESCAPE.search(text):
        dump(value)  # a half of a surrogate pair cannot be encoded
    return value


def _depth(value: object) -> int:
    depth, level = -1, [value]
    while level:
        depth += 1
        level = [child for item in level for child in _children(item)]
    return depth


def _children(value: object) -> Iterable[object]:
    """Return what stands one level below, and something below each empty container too."""
    if isinstance(value, list):
        return cast("list[object]", value) or [None]
    if isinstance(value, dict):
        return cast("dict[str, object]", value).values() or [None]
    return ()


def _integer(text: str) -> int:
    value = int(text)
    if len(text) > _LONGEST_FINITE:
        _finite(float(text))
    return value


def _float(text: str) -> float:
    return _finite(float(text))


def _rounded_integer(text: str) -> int:
    return rounded(_integer(text))


def _rounded_float(text: str) -> float | int:
    value = _finite(float(text))
    return int(value) if value.is_integer() else value


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise ValueError("the number is too large")
    return value


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")
