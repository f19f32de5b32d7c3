"""The shape of one row of the endpoint table. Written by hand; the rows themselves are generated."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Literal

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
"""The HTTP methods that Open Cloud uses."""

ParameterType = Literal["string", "integer", "number", "boolean", "array", "object"]
"""The JSON type of a parameter; an array of strings travels as repeated names."""


class Body(Enum):
    """What an endpoint takes as its request body."""

    NONE = "none"
    JSON = "json"
    FORM = "form"
    MULTIPART = "multipart"
    BINARY = "binary"


class Credential(Enum):
    """A kind of credential that an endpoint accepts."""

    API_KEY = "api_key"
    OAUTH2 = "oauth2"
    NONE = "none"


class Repeat(Enum):
    """Whether a request whose outcome is unknown may be sent again."""

    SAFE = "safe"
    """It reads, or sets a state that a repeat leaves as it is."""

    NEVER = "never"
    """A repeat could do it twice, or undo what somebody else did in between."""

    WITH_KEY = "with_key"
    """Safe when the request carries an idempotency key made before the first attempt."""

    REPLACES = "replaces"
    """A full replacement or a removal: repeated only for a caller who says that it is the only writer."""


class Stability(Enum):
    """How settled Roblox says an endpoint is."""

    STABLE = "stable"
    BETA = "beta"
    EXPERIMENTAL = "experimental"
    UNSTATED = "unstated"


class PagingStyle(Enum):
    """How a list endpoint is paged (the names of its parameters stand in `Paging`)."""

    TOKEN = "token"
    CURSOR = "cursor"
    OFFSET = "offset"
    PAGE_NUMBER = "page_number"


@dataclass(frozen=True, slots=True)
class Parameter:
    """One path, query or header parameter of an endpoint."""

    name: str
    type: ParameterType = "string"
    required: bool = False


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `count` requests started in any `seconds`."""

    count: int
    seconds: float = 60.0


@dataclass(frozen=True, slots=True)
class Budget:
    """A published limit shared by several endpoints and counted for the value of one or more path parameters.

    `count` is the floor that holds without players; each player in the experience adds `per_player` to it. Endpoints
    that name the same budget draw on one window for each combination of the values of their `keyed_by` parameters.
    """

    name: str
    count: int
    seconds: float = 60.0
    per_player: int = 0
    keyed_by: tuple[str, ...] = ("universe_id",)
    """Path parameters of the endpoint, by the names that they have in its template."""


@dataclass(frozen=True, slots=True)
class Scopes:
    """The scopes that an endpoint wants.

    Every one of `all_of`, at least one of `any_of` (when it is not empty); which of `conditional` are needed depends
    on what the request does.
    """

    all_of: tuple[str, ...] = ()
    any_of: tuple[str, ...] = ()
    conditional: tuple[str, ...] = ()

    def named(self) -> tuple[str, ...]:
        """Return every scope that is named here, in order, once."""
        return tuple(dict.fromkeys((*self.all_of, *self.any_of, *self.conditional)))


@dataclass(frozen=True, slots=True)
class Paging:
    """How the pages of a list endpoint are asked for and found in its answer.

    The parameters stand in the query, or in the JSON body of an endpoint that takes one. Where the list is a
    long-running operation, the answer's fields are those of the operation's `response`.
    """

    style: PagingStyle
    size: str | None
    """Name of the parameter that bounds a page; None when Roblox alone decides."""
    token: str
    """Name of the parameter that asks for the page after."""
    next: str | None
    """Name of the answer's field that holds the token of the page after; None for offsets and page numbers."""
    items: str | None
    """Name of the answer's field that holds the items; None when the answer is a bare array."""


@dataclass(frozen=True, slots=True)
class LongRunning:
    """An endpoint that starts a long-running operation."""

    poll: str
    """Template of the path that is polled.

    `{path}`, `{operationId}` and `{id}` stand for the fields of the operation (or task) that was answered, other names
    for path parameters of the endpoint. Where the address tells of several operations, a query (which is sent) or a
    fragment (which is not) says which of them it is.
    """
    states: str | None = None
    """Name of the answer's field that holds by id how several operations stand; None where an address tells of one."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One HTTP operation of Roblox Open Cloud."""

    name: str
    method: Method
    server: str
    path: str
    path_parameters: tuple[Parameter, ...] = ()
    query_parameters: tuple[Parameter, ...] = ()
    header_parameters: tuple[Parameter, ...] = ()
    body: Body = Body.NONE
    body_required: bool = False
    credentials: frozenset[Credential] = frozenset({Credential.API_KEY})
    scopes: Scopes = field(default_factory=Scopes)
    key_limit: Limit | None = None
    """Published limit for all API keys of one owner together."""
    oauth_limit: Limit | None = None
    """Published limit for one OAuth authorization."""
    budgets: tuple[Budget, ...] = ()
    """Limits counted for a universe or another resource, whatever the credential."""
    stability: Stability = Stability.UNSTATED
    repeat: Repeat = Repeat.NEVER
    paging: Paging | None = None
    long_running: LongRunning | None = None
