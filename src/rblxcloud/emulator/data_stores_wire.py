"""How requests of the data stores carry numbers, booleans and objects."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, cast

from rblxcloud.emulator.data_stores_values import parse_doubles
from rblxcloud.emulator.model import Call, Refusal

__all__ = ["boolean", "number", "parse_object"]

_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?", re.ASCII)


def parse_object(body: bytes, parse: Callable[[bytes], Any] = parse_doubles) -> dict[str, Any]:
    """Return a JSON body, which has to be an object.

    Args:
        body: The text.
        parse: Reads it; its numbers become doubles unless another function is given.

    Raises:
        Refusal: 400 when it is not strict JSON, or no object.
    """
    try:
        value = parse(body)
    except ValueError as error:
        raise Refusal(400, "INVALID_ARGUMENT", "The request body is not valid JSON.") from error
    if not isinstance(value, dict):
        raise Refusal(400, "INVALID_ARGUMENT", "The request body is not a JSON object.")
    return cast("dict[str, Any]", value)


def number(body: Mapping[str, Any], name: str, parse: Callable[[bytes], Any] = parse_doubles) -> float | int:
    """Return a number of a body; protobuf JSON may also write one as text.

    Args:
        body: What `parse_object` returned.
        name: Name of the field.
        parse: Reads a number that is text.

    Raises:
        Refusal: 400 when it is missing or no number.
    """
    value = body.get(name)
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        try:
            value = parse(value.encode())
        except ValueError:
            value = None
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise Refusal(400, "INVALID_ARGUMENT", f"{name} has to be a number.")
    return value


def boolean(call: Call, name: str) -> bool:
    """Return a boolean of the query, written in lower case; false when it is missing.

    Raises:
        Refusal: 400 when it is neither `true` nor `false`.
    """
    text = call.query.get(name, "")
    if text not in ("", "true", "false"):
        raise Refusal(400, "INVALID_ARGUMENT", f"{name} is true or false.")
    return text == "true"
