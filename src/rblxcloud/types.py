"""Small types that the whole package shares."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Protocol, TypeAlias, Union

JSON: TypeAlias = Union[bool, int, float, str, "list[JSON]", "dict[str, JSON]", None]
"""What can be stored in a data store: None, bool, int, float, str, and lists and dicts of these."""


class Unset(Enum):
    """The type of `UNSET`."""

    UNSET = "UNSET"

    def __repr__(self) -> str:
        """Return `UNSET`."""
        return "UNSET"

    def __bool__(self) -> bool:
        """Return False."""
        return False


UNSET = Unset.UNSET
"""Stands for an argument that was not passed, where None has a meaning of its own."""


class AsyncHTTPClient(Protocol):
    """An `httpx.AsyncClient` or an `httpx2.AsyncClient`, told by what it has: neither has to be installed."""

    @property
    def is_closed(self) -> bool:
        """Whether it was closed."""
        ...

    async def aclose(self) -> None:
        """Close it."""
        ...


class HTTPClient(Protocol):
    """An `httpx.Client` or an `httpx2.Client`, told by what it has: neither has to be installed."""

    @property
    def is_closed(self) -> bool:
        """Whether it was closed."""
        ...

    def close(self) -> None:
        """Close it."""
        ...


class Headers(dict[str, str]):
    """Response headers: names in lower case, repeated ones joined with a comma."""


@dataclass(slots=True)
class Response:
    """An answer from Roblox as it came, its body decompressed."""

    status: int
    """HTTP status."""
    headers: Headers
    """Response headers, names in lower case."""
    content: bytes = field(default=b"", repr=False)
    """The whole body."""

    @property
    def text(self) -> str:
        """The body as text; bytes that are not UTF-8 are replaced."""
        return self.content.decode("utf-8", "replace")

    @property
    def request_id(self) -> str | None:
        """What Roblox calls this request in its logs, where it said so."""
        return self.headers.get("x-roblox-request-id") or self.headers.get("x-request-id") or None


@dataclass(frozen=True, slots=True)
class TokenPair:
    """An access token and the refresh token that came with it: plain data, to be kept somewhere safe.

    It pickles, with its secrets; they are not shown.
    """

    token: str = field(repr=False)
    """The access token."""
    refresh_token: str = field(repr=False)
    """The refresh token, which works once."""
    scope: tuple[str, ...]
    """The scopes that were granted."""
    expires_at: datetime
    """When the access token expires; aware."""
