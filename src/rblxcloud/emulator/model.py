"""What the emulator's rooms hand each other: a request in, a call to a handler, a reply out."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any, cast

from rblxcloud.emulator.data_stores_values import parse_exact
from rblxcloud.emulator.luau.handlers import Handlers as LuauHandlers
from rblxcloud.emulator.scripts import Scripts
from rblxcloud.endpoints.model import Credential, Endpoint

if TYPE_CHECKING:
    from rblxcloud.emulator.api_keys import Resource
    from rblxcloud.emulator.limits import Limits


@dataclass(frozen=True, slots=True)
class RawRequest:
    """An HTTP request as it came over the wire."""

    method: str
    raw_path: str
    """Undecoded path and query, as in the request line."""
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes = field(default=b"", repr=False)
    client_ip: str = "127.0.0.1"
    scheme: str = "http"

    @property
    def base_url(self) -> str:
        """Where the caller found the emulator, without a slash at the end."""
        return f"{self.scheme}://{self.headers.get('host', 'localhost')}"


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer, and what the server is to do to it on the wire."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: bytes = field(default=b"", repr=False)
    delay: float = 0.0
    """Seconds to wait before answering."""
    cut_after: int | None = None
    """Close the connection after that many bytes of the body; -1 answers nothing at all."""


class ErrorFamily(Enum):
    """The shapes of error bodies (roblox/http.md section 3) that emulated services answer with."""

    GATEWAY = "gateway"
    V2 = "v2"
    V1_DATA_STORE = "v1_data_store"
    V1_PLAIN = "v1_plain"
    ASSETS = "assets"
    ASSET_PERMISSIONS = "asset_permissions"
    ASPNET = "aspnet"
    PROBLEM = "problem"
    PROBLEM_TEXT = "problem_text"
    """The same, with its status as text."""
    PLACE_HISTORY = "place_history"
    EMPTY = "empty"
    LEGACY = "legacy"
    OAUTH = "oauth"


class Refusal(Exception):
    """A request that the service refuses; rendered in the error family of the endpoint, unless `family` says another.

    Args:
        status: HTTP status.
        code: Upper-snake code such as `INVALID_ARGUMENT`; of OAuth, its own lower-snake one.
        message: Text for the caller.
        detail: The v1 data stores' `datastoreErrorCode`, the code of asset permissions, or the legacy services' number.
        family: Shape of the body, where it is not the endpoint's own.
        headers: Extra headers of the answer.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        detail: str | None = None,
        family: ErrorFamily | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.detail = detail
        self.family = family
        self.headers: dict[str, str] = dict(headers or {})


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is calling, once the credential was found good."""

    kind: Credential
    owner: str
    """`users/1` or `groups/1`: limits are counted for it."""
    credential_id: str
    """Which key or authorization; never the secret itself."""


LARGEST_PLACE = 10 * 2**20
"""Bytes that the document names for the file of a place; how Roblox enforces it, nobody says."""


@dataclass(slots=True)
class World:
    """The emulator's one state."""

    database: sqlite3.Connection
    now: Callable[[], float]
    """Seconds since 1970 UTC on the emulator's clock, which can be moved."""
    limits: Limits
    """Requests are counted before a handler is called; bytes are the handler's to count, who alone knows them."""
    strict: bool = False
    """Whether only universes and places exist that were created; otherwise all do."""
    events: list[object] = field(default_factory=list[object])
    """What happened in the open transaction; subscribers hear of it once it is committed."""
    scripts: Scripts = field(default_factory=Scripts)
    """How the next long-running operations go."""
    unmoved: Callable[[], float] = time.time
    """Seconds since 1970 UTC on the clock that nobody moves, which is that of the callers."""
    luau: LuauHandlers = field(default_factory=LuauHandlers)
    """Who answers for Luau scripts."""
    largest_place: int = LARGEST_PLACE
    """Bytes that the file of a place may have."""


@dataclass(frozen=True, slots=True)
class Call:
    """A routed and authorized request, as a handler gets it."""

    endpoint: Endpoint
    path: Mapping[str, str]
    """Decoded path values by parameter name."""
    query: Mapping[str, str]
    """Decoded query values; names of ASP.NET services in lower case."""
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    principal: Principal
    has_scope: Callable[[str], bool]
    """Whether the credential has a scope for the resource addressed (for conditional scopes)."""
    has_scope_on: Callable[[str, Resource], bool]
    """Whether the credential has a scope for a resource that the address does not name."""
    client_ip: str = "127.0.0.1"
    base_url: str = "http://localhost"
    """Where the caller found the emulator, without a slash at the end."""
    limited: bool = True
    """Whether published limits are enforced."""

    def json(self) -> Any:
        """Return the decoded JSON body.

        Raises:
            Refusal: 400 `INVALID_ARGUMENT` when the body is not strict JSON.
        """
        try:
            return parse_exact(self.body)
        except ValueError as error:
            raise Refusal(400, "INVALID_ARGUMENT", "The request body is not valid JSON.") from error

    def json_object(self) -> dict[str, Any]:
        """Return the decoded JSON body, which has to be an object.

        Raises:
            Refusal: 400 `INVALID_ARGUMENT` when it is anything else.
        """
        body = self.json()
        if not isinstance(body, dict):
            raise Refusal(400, "INVALID_ARGUMENT", "The request body is not a JSON object.")
        return cast("dict[str, Any]", body)


Handler = Callable[[World, Call], Reply]
"""Does what one endpoint does, inside the transaction that the emulator opened, and answers."""
