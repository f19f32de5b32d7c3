"""A request to the control API, as its actions get it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from rblxcloud.emulator.core import Emulator

__all__ = ["Command", "ControlError"]


class ControlError(Exception):
    """What is wrong with a request to the control API.

    Args:
        status: HTTP status.
        message: Text for the caller.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class Command:
    """What is to be inspected or steered, and how."""

    emulator: Emulator
    query: dict[str, str]
    body: bytes
    target: str
    """The rest of the path after the collection's name; empty for the collection."""

    def object(self) -> dict[str, Any]:
        """Return the body, which has to be a JSON object.

        Raises:
            ControlError: 400 when it is another JSON value.
            ValueError: It is no JSON.
        """
        body = json.loads(self.body)
        if not isinstance(body, dict):
            raise ControlError(400, "The body must be a JSON object.")
        return cast("dict[str, Any]", body)

    def number(self, name: str) -> int | None:
        """Return a whole number of the query; None when it is not there.

        Raises:
            ValueError: It is no whole number.
        """
        text = self.query.get(name)
        return None if text is None else int(text)
