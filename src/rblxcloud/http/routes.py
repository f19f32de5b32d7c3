"""From a path as it goes over the wire to the row of the endpoint table that it belongs to."""

from __future__ import annotations

import re
from typing import cast, get_args
from urllib.parse import unquote

from rblxcloud.endpoints import all_endpoints
from rblxcloud.endpoints.model import Credential as Kind
from rblxcloud.endpoints.model import Endpoint, Method
from rblxcloud.errors import InvalidRequestError

_PATH = re.compile(r"(/[^/?#]+)+/?")


def match(method: str, path: str) -> tuple[Endpoint, dict[str, str | int]]:
    """Return the row of the table that a raw path belongs to and the values in it.

    Args:
        method: HTTP method.
        path: Percent-encoded path.

    Raises:
        InvalidRequestError: The path cannot be one, or the method is none of Open Cloud's.
    """
    if method not in get_args(Method):
        raise InvalidRequestError("method", f"{method!r:.100} is none of {', '.join(get_args(Method))}")
    if not isinstance(path, str) or not _PATH.fullmatch(path):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InvalidRequestError("path", f"{path!r:.100} is not a path such as /cloud/v2/universes/1, without query")
    segments = path.split("/")
    best: tuple[int, Endpoint, dict[str, str | int]] | None = None
    for endpoint in all_endpoints():
        values = _match_template(endpoint.path.split("/"), segments) if endpoint.method == method else None
        if values is not None and (best is None or len(values) < best[0]):
            best = (len(values), endpoint, {name: _decoded(value) for name, value in values.items()})
    if best is not None:
        return best[1], best[2]
    if any(segment in (".", "..") for segment in segments):
        raise InvalidRequestError("path", f"{path!r} has a step in it")
    unknown = Endpoint(
        name=f"{method} {path}",
        method=cast("Method", method),
        server="https://apis.roblox.com",
        path=path,
        credentials=frozenset({Kind.API_KEY, Kind.OAUTH2}),
    )
    return unknown, {}


def _decoded(segment: str) -> str:
    try:
        return unquote(segment, errors="strict")
    except UnicodeDecodeError:
        # Any other reading of it would address something else.
        raise InvalidRequestError("path", f"{segment!r:.100} is not percent-encoded UTF-8") from None


def _match_template(template: list[str], segments: list[str]) -> dict[str, str] | None:
    if len(template) != len(segments):
        return None
    values: dict[str, str] = {}
    for expected, actual in zip(template, segments, strict=True):
        if not expected.startswith("{"):
            if expected != actual:
                return None
            continue
        name, _, verb = expected[1:].partition("}")
        if verb and not actual.endswith(verb):
            return None
        value = actual.removesuffix(verb) if verb else actual
        if not value or (not verb and ":" in value):
            return None
        values[name] = value
    return values
