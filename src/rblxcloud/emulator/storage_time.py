"""Moments as the storage keeps them: whole ticks of 100 ns since the year 1, which version ids are made of."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

__all__ = ["DAY", "HOUR", "MINUTE", "UNIX_EPOCH", "header_time", "parse_time", "ticks_at", "v1_time", "v2_time"]

_SECOND = 10_000_000
MINUTE = 60 * _SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
UNIX_EPOCH = 621_355_968_000_000_000
"""1970-01-01T00:00:00Z in ticks."""

_YEAR_ONE = datetime(1, 1, 1)
_RFC3339 = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(?:\.(\d+))?(?:[Zz]|([+-])([01]\d|2[0-3]):([0-5]\d))", re.ASCII
)


def ticks_at(seconds: float) -> int:
    """Return the tick of a moment.

    Args:
        seconds: Seconds since 1970 UTC.
    """
    return UNIX_EPOCH + int(seconds * _SECOND)


def parse_time(text: str) -> int | None:
    """Return the tick that an RFC 3339 time names, with any offset and any number of fractional digits.

    Args:
        text: Such as `2024-02-29T12:00:00.5+01:00`; digits beyond 100 ns are cut off.

    Returns:
        The tick; None when it is not such a time.
    """
    if (match := _RFC3339.fullmatch(text)) is None:
        return None
    date, clock, fraction, sign, hours, minutes = match.groups()
    try:
        moment = datetime.fromisoformat(f"{date}T{clock}").replace(tzinfo=UTC)
    except ValueError:
        return None
    whole = (moment - _YEAR_ONE.replace(tzinfo=UTC)) // timedelta(seconds=1)
    if sign:
        offset = int(hours) * 3600 + int(minutes) * 60
        whole -= offset if sign == "+" else -offset
    return whole * _SECOND + int((fraction or "").ljust(7, "0")[:7])


def header_time(ticks: int) -> str:
    """Return a time as v1 writes it into headers: seven digits and `+00:00`."""
    return f"{_digits(ticks)}+00:00"


def v1_time(ticks: int) -> str:
    """Return a time as v1 writes it into bodies: seven digits and `Z`."""
    return f"{_digits(ticks)}Z"


def v2_time(ticks: int) -> str:
    """Return a time as v2 writes it: ticks padded to nine digits, and `Z`."""
    return f"{_digits(ticks)}00Z"


def _digits(ticks: int) -> str:
    seconds, fraction = divmod(ticks, _SECOND)
    return f"{(_YEAR_ONE + timedelta(seconds=seconds)).isoformat()}.{fraction:07d}"
