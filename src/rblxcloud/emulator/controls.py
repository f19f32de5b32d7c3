"""What the controls of each room share: the state that they speak of, and how it is changed."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from rblxcloud.emulator.model import World

__all__ = ["Controls", "given"]


class Controls:
    """What a test says to an emulator of one of its rooms.

    Args:
        world: The emulator's state.
        transaction: Opens a transaction in it.
    """

    def __init__(self, world: World, transaction: Callable[[], AbstractContextManager[object]]) -> None:
        self._world = world
        self._transaction = transaction


def given(fields: dict[str, Any]) -> dict[str, Any]:
    """Return the fields that were passed: those that are not None."""
    return {field: value for field, value in fields.items() if value is not None}
