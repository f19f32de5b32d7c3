"""A request to the control API, as what carries it out gets it."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

from pydantic import validate_call

from rblxcloud.emulator.universes import is_id

if TYPE_CHECKING:
    from rblxcloud.emulator.core import Emulator

__all__ = ["DEFAULT_LIMIT", "Command", "ControlError", "apply", "file_content", "numbered", "shown_time"]

DEFAULT_LIMIT = 1000
"""How many rows a list shows where the request does not say."""


class ControlError(Exception):
    """A control request that is refused.

    Args:
        status: HTTP status of the answer.
        message: What was wrong.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class Command:
    """A request to the control API, taken apart."""

    emulator: Emulator
    query: dict[str, str]
    body: bytes
    target: str
    """The rest of the path after the collection's name; empty for the collection."""

    def object(self) -> dict[str, Any]:
        """Return the body, which has to be a JSON object.

        Raises:
            ControlError: It is something else.
        """
        body = json.loads(self.body)
        if not isinstance(body, dict):
            raise ControlError(400, "The body must be a JSON object.")
        return cast("dict[str, Any]", body)

    def number(self, name: str) -> int | None:
        """Return a query parameter as a whole number; None where it was not sent.

        Raises:
            ValueError: It is no number.
        """
        text = self.query.get(name)
        return None if text is None else int(text)


def shown_time(moment: float) -> str:
    """Return a moment in seconds since 1970 UTC as RFC 3339."""
    return datetime.fromtimestamp(moment, UTC).isoformat().replace("+00:00", "Z")


def apply(method: Callable[..., Any], *arguments: object, **fields: Any) -> Any:
    """Call a method of the emulator with a body's fields, once they have the types that it wants.

    Args:
        method: What to call.
        *arguments: What the path says.
        **fields: What the body says, by the names of the JSON.

    Raises:
        ValidationError: A field is unknown, missing or of another type.
    """
    named = {re.sub(r"[A-Z]", lambda match: f"_{match[0].lower()}", name): value for name, value in fields.items()}
    return validate_call(method)(*arguments, **named)


def numbered(command: Command, *parts: str) -> tuple[int, str]:
    """Return the id in the rest of the path, and which of `parts` comes after it.

    Raises:
        ControlError: It is no id, or something else comes after it.
    """
    number, _, part = command.target.partition("/")
    if not is_id(number):
        raise ControlError(400, "The id must be a positive number.")
    if part not in parts:
        raise ControlError(404, "There is no such control.")
    return int(number), part


def file_content(fields: dict[str, Any]) -> bytes:
    """Take the base64 of a file out of a body."""
    return base64.b64decode(str(fields.pop("content", "")), validate=True)
