"""From an endpoint and arguments to an encoded request."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import quote

from rblxcloud.endpoints.model import Endpoint
from rblxcloud.errors import InvalidRequestError
from rblxcloud.http.upload import Upload
from rblxcloud.runtime.base import Incoming
from rblxcloud.types import Response

QueryValue = str | int | float | bool | tuple[str, ...] | None
"""What a query parameter may be; None leaves it out, several texts travel under a repeated name."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call of an endpoint, before it is encoded. Attempts are made from it."""

    endpoint: Endpoint
    path: Mapping[str, str | int] = field(default_factory=dict[str, str | int])
    query: Mapping[str, QueryValue] = field(default_factory=dict[str, QueryValue])
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    content: bytes | Upload | None = field(default=None, repr=False)
    content_type: str = "application/json"
    download: Download | None = None
    """Takes the answer while it comes, from an address that Roblox handed out, to which `content` goes where there is
    some; the endpoint gives but the name and the method."""
    guarded: bool = False
    """The request carries a precondition, so that a repeat cannot do it twice."""
    idempotency_key: str | None = None
    """What a repeat is known by, so that it is not done twice; sent with the moment of the first attempt."""
    prepaid: bool = False
    """What it costs of the budgets was counted before, so that it does not wait for them."""
    anonymous: bool = False
    """The request is sent without the credential."""


class Download(Protocol):
    """A call to an address that Roblox handed out, whose attempts differ: each may go on where the last one was cut."""

    async def target(self) -> tuple[str, dict[str, str]]:
        """Return address and headers of the next attempt."""
        ...

    async def read(self, incoming: Incoming) -> Response:
        """Take what the attempt brought; return a success with an empty body, or a refusal with its own."""
        ...


def json_call(
    endpoint: Endpoint,
    path: Mapping[str, str | int],
    body: Mapping[str, Any],
    query: Mapping[str, QueryValue] | None = None,
) -> Call:
    """Return a call with a JSON body that holds no text of a user's that was not checked before."""
    return Call(endpoint, path, query or {}, content=encode_json(body))


def encode_json(value: Any) -> bytes:
    """Return compact JSON in UTF-8."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def encode_url(base: str, call: Call) -> str:
    """Return the address of a call, each path value percent-encoded by itself.

    Raises:
        InvalidRequestError: A path value is empty or cannot be carried by a path.
    """
    path = call.endpoint.path
    for parameter in call.endpoint.path_parameters:
        path = path.replace("{" + parameter.name + "}", encode_segment(parameter.name, str(call.path[parameter.name])))
    query = encode_query(call.query)
    return f"{base}{path}?{query}" if query else f"{base}{path}"


def encode_segment(argument: str, value: str) -> str:
    """Return `value` as one segment of a path: nothing in it can reach another path.

    Args:
        argument: Name of the argument, for the error.
        value: Any text but an empty one, `.` or `..` (which proxies and servers take for steps in the path, however
            they are encoded).

    Raises:
        InvalidRequestError: The value is one of these, or is not valid Unicode.
    """
    if value in ("", ".", ".."):
        raise InvalidRequestError(argument, f"{value!r} cannot be addressed in the path of this endpoint")
    return quote(check_unicode(argument, value), safe="")


def encode_query(query: Mapping[str, QueryValue]) -> str:
    """Return a query string; booleans are `true` and `false`, None is left out, several texts repeat the name."""
    return "&".join(
        f"{quote(name, safe='')}={quote(check_unicode(name, _query_text(value)), safe='')}"
        for name, values in query.items()
        for value in (values if isinstance(values, tuple) else (values,))
        if value is not None
    )


def _query_text(value: str | int | float | bool) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def check_unicode(argument: str, value: str) -> str:
    """Return `value`, when UTF-8 can carry it.

    Raises:
        InvalidRequestError: It holds a lone surrogate.
    """
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise InvalidRequestError(argument, f"character {error.start} is a lone surrogate, not valid text") from None
    return value
