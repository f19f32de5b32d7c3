"""Judges requests by Roblox's document: route, credential, parameters, headers and body.

It shares nothing with the client: neither its endpoint table nor its router, which are what is on trial.
"""

from __future__ import annotations

import email
import email.policy
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, parse_qsl, quote, unquote

from openapi_schema_validator import OAS30WriteValidator, oas30_format_checker
from referencing import Registry
from referencing.jsonschema import DRAFT4

from rblxcloud.emulator.model import RawRequest
from tests.oracle.document import METHODS

_TRANSPORT_HEADERS = frozenset(
    {"accept", "accept-encoding", "connection", "content-length", "content-type", "host", "user-agent"}
)
_CREDENTIAL_HEADERS = {"x-api-key": "roblox-api-key", "authorization": "roblox-oauth2"}
_URI = "urn:document"


@dataclass(frozen=True)
class Finding:
    """Something about a request, or about its answer, that the document does not allow."""

    operation: str
    """Method and path template; the request line where nothing fits it."""
    what: str

    def __str__(self) -> str:
        return f"{self.operation}: {self.what}"


@dataclass(frozen=True)
class _Operation:
    method: str
    template: str
    pattern: re.Pattern[str]
    pointer: tuple[str, ...]
    definition: Any

    def __str__(self) -> str:
        return f"{self.method} {self.template}"


class Oracle:
    """Knows the document.

    Args:
        document: The strict extract.
    """

    def __init__(self, document: Any) -> None:
        self._document = document
        self._registry: Registry[Any] = Registry[Any]().with_resource(_URI, DRAFT4.create_resource(document))
        found = [
            _Operation(method.upper(), template, _pattern(template), ("paths", template, method), item[method])
            for template, item in document["paths"].items()
            for method in METHODS
            if method in item
        ]
        self._operations = sorted(found, key=lambda operation: operation.template.count("{"))

    def judge(self, request: RawRequest) -> list[Finding]:
        """Return what the document does not allow about a request.

        Args:
            request: As it came over the wire.
        """
        path, _, query = request.raw_path.partition("?")
        for operation in self._operations:
            match = operation.pattern.fullmatch(path)
            if match is not None and operation.method == request.method:
                what = self._findings(operation, match.groups(), query, request)
                return [Finding(str(operation), text) for text in what]
        return [Finding(f"{request.method} {path}", "no operation of the document")]

    def _findings(
        self, operation: _Operation, segments: tuple[str, ...], query: str, request: RawRequest
    ) -> Iterator[str]:
        yield from _credential(operation.definition, request.headers)
        given: dict[str, dict[str, list[str]]] = {
            "path": {
                name: [unquote(value, errors="strict")]
                for name, value in zip(re.findall(r"{(\w+)}", operation.template), segments, strict=True)
            },
            "query": parse_qs(query, keep_blank_values=True, strict_parsing=bool(query), errors="strict"),
            "header": {
                name: [value]
                for name, value in request.headers.items()
                if name not in _TRANSPORT_HEADERS and name not in _CREDENTIAL_HEADERS
            },
        }
        for number, parameter in enumerate(operation.definition.get("parameters", [])):
            name = parameter["name"].lower() if parameter["in"] == "header" else parameter["name"]
            values = given[parameter["in"]].pop(name, None)
            pointer = (*operation.pointer, "parameters", str(number), "schema")
            yield from self._parameter(parameter, values, pointer)
        for place, left in given.items():
            yield from (f"{place} parameter {name!r} is not documented" for name in left)
        yield from self._body(operation, request)

    def _parameter(self, parameter: Any, values: list[str] | None, pointer: tuple[str, ...]) -> Iterator[str]:
        label = f"{parameter['in']} parameter {parameter['name']!r}"
        if values is None:
            if parameter.get("required"):
                yield f"{label} is missing"
            return
        schema = parameter.get("schema", {})
        if schema.get("type") == "array":
            yield from self._fits(label, [_decoded(value, schema["items"]) for value in values], pointer)
        elif len(values) > 1:
            yield f"{label} is repeated"
        else:
            yield from self._fits(label, _decoded(values[0], schema), pointer)

    def _body(self, operation: _Operation, request: RawRequest) -> Iterator[str]:
        pointer, body = (*operation.pointer, "requestBody"), operation.definition.get("requestBody")
        if body is not None and "$ref" in body:
            pointer = tuple(body["$ref"].removeprefix("#/").split("/"))
            body = self._at(pointer)
        if not request.body:
            if body is not None and body.get("required"):
                yield "the body is missing"
            return
        if body is None:
            yield "a body is not documented"
            return
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind not in body["content"]:
            yield f"the content type {kind!r} is not documented"
        elif kind.endswith("json"):
            try:
                value = json.loads(request.body, parse_constant=_refuse)
            except ValueError as error:
                yield f"the body is not JSON: {error}"
            else:
                yield from self._fits("body", value, (*pointer, "content", kind, "schema"))
        elif kind == "multipart/form-data":
            schema = body["content"][kind]["schema"]
            try:
                value = _form(request, schema)
            except ValueError as error:
                yield f"the form cannot be read: {error}"
            else:
                yield from self._fits("form", value, (*pointer, "content", kind, "schema"))
        elif kind == "application/x-www-form-urlencoded":
            pairs = parse_qsl(request.body.decode("ascii"), keep_blank_values=True, errors="strict")
            yield from (f"body parameter {name!r} is repeated" for name in _repeated(pairs))
            yield from self._fits("body", dict(pairs), (*pointer, "content", kind, "schema"))

    def _fits(self, label: str, value: object, pointer: tuple[str, ...]) -> Iterator[str]:
        escaped = "/".join(part.replace("~", "~0").replace("/", "~1") for part in pointer)
        validator: Any = OAS30WriteValidator(
            {"$ref": f"{_URI}#/{quote(escaped, safe='/~')}"},
            registry=self._registry,
            format_checker=oas30_format_checker,
        )
        for error in validator.iter_errors(value):
            where = "".join(f".{part}" for part in error.absolute_path)
            yield f"{label}{where}: {error.message[:200]}"

    def _at(self, pointer: tuple[str, ...]) -> Any:
        place = self._document
        for part in pointer:
            place = place[part]
        return place


def _form(request: RawRequest, schema: Any) -> dict[str, Any]:
    """Return the fields of a form: files as text, several of a name as a list, and objects from the JSON they are."""
    head = f"content-type: {request.headers['content-type']}\r\n\r\n".encode()
    message = email.message_from_bytes(head + request.body, policy=email.policy.HTTP)
    if message.defects:
        raise ValueError(message.defects)
    fields: dict[str, Any] = {}
    for part in message.iter_parts():
        name = part.get_param("name", header="content-disposition")
        content = bytes(part.get_payload(decode=True)).decode("utf-8", "replace")
        kind = schema["properties"].get(name, {}).get("type")
        if kind == "array":
            fields[str(name)] = [*fields.get(str(name), []), content]
        else:
            fields[str(name)] = content if kind == "string" else json.loads(content)
    return fields


def _pattern(template: str) -> re.Pattern[str]:
    """A raw colon begins a verb, so that it is no part of a value."""
    parts = re.split(r"{\w+}", template)
    return re.compile("([^/:]+)".join(map(re.escape, parts)))


def _credential(definition: Any, headers: Mapping[str, str]) -> Iterator[str]:
    given = [name for name in _CREDENTIAL_HEADERS if name in headers]
    accepted = [way for alternative in definition.get("security", [{}]) for way in alternative or [None]]
    if len(given) > 1:
        yield "two credentials"
    elif not given:
        if None not in accepted:
            yield "no credential"
    elif _CREDENTIAL_HEADERS[given[0]] not in accepted:
        yield f"the credential {given[0]} is not taken here"
    elif given == ["authorization"] and not re.fullmatch(r"Bearer \S+", headers["authorization"]):
        yield "the authorization is no bearer token"


def _decoded(text: str, schema: Any) -> object:
    """The value that a text stands for; the text itself where it stands for none of that type."""
    kind = schema.get("type")
    if kind == "integer" and re.fullmatch(r"-?\d+", text):
        return int(text)
    if kind == "number" and re.fullmatch(r"-?\d+(\.\d+)?([eE][-+]?\d+)?", text):
        return float(text)
    return {"true": True, "false": False}.get(text, text) if kind == "boolean" else text


def _repeated(pairs: list[tuple[str, str]]) -> list[str]:
    return [name for name, count in Counter(name for name, _ in pairs).items() if count > 1]


def _refuse(constant: str) -> object:
    raise ValueError(f"{constant} is not JSON")
