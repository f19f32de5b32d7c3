"""Protobuf's JSON, which the v2 services speak: names, times, durations, field masks, checks of plain values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from rblxcloud.emulator.model import Refusal

__all__ = [
    "camel",
    "camel_keys",
    "duration",
    "duration_text",
    "integer",
    "invalid",
    "mask_paths",
    "switch",
    "timestamp",
]

LONGEST_DURATION = 315_576_000_000
"""Seconds either way that a duration can hold."""

_INTEGER = re.compile(r"-?\d{1,10}(\.0+)?")
_DURATION = re.compile(r"-?\d{1,12}(\.\d{1,9})?s", re.ASCII)


def invalid(message: str) -> Refusal:
    """Return the refusal of a value that does not do."""
    return Refusal(400, "INVALID_ARGUMENT", message)


def camel(name: str) -> str:
    """Return a field's name as the answers write it; requests may use snake_case too."""
    return re.sub(r"_([a-z0-9])", lambda match: match[1].upper(), name)


def camel_keys(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return an object with its fields named as the answers name them."""
    return {camel(name): value for name, value in body.items()}


def timestamp(moment: float) -> str:
    """Return RFC 3339 with .NET ticks padded to nanoseconds, which is what Roblox sends."""
    text = datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")
    return f"{text}000Z"


def duration(name: str, value: object) -> Decimal:
    """Return the seconds of a duration such as `1.5s`.

    Raises:
        Refusal: 400 for anything else.
    """
    if not isinstance(value, str) or not _DURATION.fullmatch(value):
        raise invalid(f"{name} must be a duration such as 3.5s.")
    seconds = Decimal(value[:-1])
    if abs(seconds) > LONGEST_DURATION:
        raise invalid(f"{name} is out of range.")
    return seconds


def duration_text(seconds: Decimal | int) -> str:
    """Return a duration as the answers write it."""
    text = f"{seconds:f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text) + "s"


def switch(name: str, value: Any) -> bool:
    """Return a boolean.

    Raises:
        Refusal: 400 for anything else.
    """
    if not isinstance(value, bool):
        raise invalid(f"{name} must be true or false.")
    return value


def integer(name: str, value: Any) -> int:
    """Return a number of about 32 bits; protobuf's JSON also takes `5.0` and `"5"`.

    Raises:
        Refusal: 400 for anything else.
    """
    if isinstance(value, bool) or not _INTEGER.fullmatch(str(value)):
        raise invalid(f"{name} must be a whole number.")
    return int(float(value))


def mask_paths(query: Mapping[str, str]) -> list[str]:
    """Return the paths of a request's field mask; empty without one."""
    mask = query.get("updateMask", query.get("update_mask", ""))
    return [camel(path.strip()) for path in mask.split(",") if path.strip()]
