"""From a raw request line to an endpoint of the table and its decoded values.

Everything is matched before it is decoded: a `%2F` or `%3A` belongs to a value, a literal `/` or `:verb` to the route.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote_to_bytes

from rblxcloud.emulator.model import ErrorFamily, Refusal
from rblxcloud.endpoints.model import Endpoint

__all__ = ["Match", "Router"]

_CASELESS_QUERIES = ("/datastores/v1/", "/messaging-service/v1/")
_DOTS = re.compile(r"(\.|%2[eE]){1,2}")
_BAD_ESCAPE = re.compile(r"%(?![0-9a-fA-F]{2})")


@dataclass(frozen=True, slots=True)
class Match:
    """An endpoint, and the values that its path and query carry."""

    endpoint: Endpoint
    path: dict[str, str]
    query: dict[str, str]


@dataclass(slots=True)
class _Route:
    endpoint: Endpoint
    names: tuple[str, ...]


@dataclass(slots=True)
class _Node:
    literals: dict[str, _Node] = field(default_factory=dict[str, "_Node"])
    value: _Node | None = None
    routes: dict[str, dict[str, _Route]] = field(default_factory=dict[str, dict[str, _Route]])
    """By verb (empty for none), then by method."""


class Router:
    """Finds the endpoint that a request line addresses.

    Args:
        endpoints: The rows to know; of two with the same shape the first one wins.
    """

    def __init__(self, endpoints: Iterable[Endpoint]) -> None:
        self._root = _Node()
        for endpoint in endpoints:
            self._add(endpoint)

    def _add(self, endpoint: Endpoint) -> None:
        *segments, last = endpoint.path.strip("/").split("/")
        last, _, verb = last.partition(":")
        node, names = self._root, list[str]()
        for segment in (*segments, last):
            if segment.startswith("{"):
                names.append(segment[1:-1])
                node.value = node = node.value or _Node()
            else:
                node = node.literals.setdefault(segment, _Node())
        node.routes.setdefault(verb, {}).setdefault(endpoint.method, _Route(endpoint, tuple(names)))

    def match(self, method: str, raw_path: str) -> Match:
        """Return the endpoint and the decoded values of a request line.

        Args:
            method: HTTP method.
            raw_path: Undecoded path and query.

        Raises:
            Refusal: 404 for a path that nobody knows, 405 for a method it does not take, 400 for one that cannot be
                decoded or has a dot segment.
        """
        path, _, query = raw_path.partition("?")
        segments = path.split("/")[1:] or [""]
        if any(_DOTS.fullmatch(segment) for segment in segments):
            raise _refusal(400, "INVALID_ARGUMENT", "The path has a dot segment.")
        allowed: set[str] = set()
        for routes, values in _candidates(self._root, segments):
            if (route := routes.get(method)) is not None:
                decoded = {name: _decode(value) for name, value in zip(route.names, values, strict=True)}
                return Match(route.endpoint, decoded, _decode_query(route.endpoint, query))
            allowed |= routes.keys()
        if allowed:
            headers = {"allow": ", ".join(sorted(allowed))}
            raise _refusal(405, "METHOD_NOT_ALLOWED", "The requested resource does not support this method.", headers)
        raise _refusal(404, "NOT_FOUND", "Not Found")


def _candidates(
    node: _Node, segments: list[str], values: tuple[str, ...] = ()
) -> Iterator[tuple[dict[str, _Route], tuple[str, ...]]]:
    """Yield the routes that fit, literal segments before values."""
    first, rest = segments[0], segments[1:]
    if not rest:
        yield from _last(node, first, values)
        return
    if (child := node.literals.get(first)) is not None:
        yield from _candidates(child, rest, values)
    if node.value is not None and first:
        yield from _candidates(node.value, rest, (*values, first))


def _last(node: _Node, segment: str, values: tuple[str, ...]) -> Iterator[tuple[dict[str, _Route], tuple[str, ...]]]:
    head, colon, verb = segment.rpartition(":")
    for text, known in ((head, verb), (segment, "")) if colon and verb else ((segment, ""),):
        found = False
        if (child := node.literals.get(text)) is not None and known in child.routes:
            yield child.routes[known], values
            found = True
        if node.value is not None and text and known in node.value.routes:
            yield node.value.routes[known], (*values, text)
            found = True
        if found:  # a known verb is never part of a value: a client has to encode the colon of its key
            return


def _decode(raw: str) -> str:
    if _BAD_ESCAPE.search(raw):
        raise _refusal(400, "INVALID_ARGUMENT", "The path is not properly percent-encoded.")
    try:
        return unquote_to_bytes(raw).decode()
    except UnicodeDecodeError as error:
        raise _refusal(400, "INVALID_ARGUMENT", "The path is not UTF-8.") from error


def _decode_query(endpoint: Endpoint, raw: str) -> dict[str, str]:
    try:
        pairs = parse_qsl(raw, keep_blank_values=True, errors="strict")
    except ValueError as error:
        raise _refusal(400, "INVALID_ARGUMENT", "The query is not UTF-8.") from error
    if endpoint.path.startswith(_CASELESS_QUERIES):
        return {name.lower(): value for name, value in pairs}
    query = dict(pairs)
    for parameter in endpoint.query_parameters:
        if parameter.type == "array":  # Repeated names; ids and such hold no comma.
            values = [value for name, value in pairs if name == parameter.name]
            if values:
                query[parameter.name] = ",".join(values)
    return query


def _refusal(status: int, code: str, message: str, headers: dict[str, str] | None = None) -> Refusal:
    return Refusal(status, code, message, family=ErrorFamily.GATEWAY, headers=headers)
