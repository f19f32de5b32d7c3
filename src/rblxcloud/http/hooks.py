"""What a user is told of each attempt."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class RequestEvent:
    """An attempt is about to be sent."""

    endpoint: str
    """Name of the endpoint, as in the endpoint table."""
    method: str
    """HTTP method."""
    url: str
    """Address with its query; never holds a credential."""
    attempt: int
    """Which attempt this is, counted from 1."""


@dataclass(frozen=True, slots=True)
class ResponseEvent:
    """An attempt is over."""

    endpoint: str
    """Name of the endpoint, as in the endpoint table."""
    method: str
    """HTTP method."""
    url: str
    """Address with its query; never holds a credential."""
    attempt: int
    """Which attempt this was, counted from 1."""
    status: int | None
    """HTTP status; None when no whole answer came."""
    seconds: float
    """How long the attempt took."""
    failure: str | None
    """What went wrong when no whole answer came."""


RequestHook = Callable[[RequestEvent], Awaitable[Any] | Any]
"""Called before each attempt; in blocking mode it must be a plain function."""

ResponseHook = Callable[[ResponseEvent], Awaitable[Any] | Any]
"""Called after each attempt; in blocking mode it must be a plain function."""
