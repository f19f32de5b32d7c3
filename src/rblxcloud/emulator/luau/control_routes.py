"""The part of the control API that is about Luau: fixed answers for the scripts of other programs."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from dataclasses import asdict

from pydantic import Field

from rblxcloud.emulator.control_command import DEFAULT_LIMIT, Command, ControlError
from rblxcloud.emulator.luau.handlers import LuauAnswer

__all__ = ["ROUTES"]


class _Registered(LuauAnswer):
    """An answer, its binary output in base64, and the scripts that it is for."""

    script: str | None = None
    """The whole source text; None for every script."""
    pattern: str | None = None
    """A regular expression that is found in the source text, instead."""
    universe: int | None = None
    place: int | None = None
    queued: float = Field(default=0.0, ge=0)
    times: int | None = Field(default=None, ge=1)

    def answer(self) -> LuauAnswer:
        """Return the answer alone."""
        return LuauAnswer.model_construct(**{name: getattr(self, name) for name in LuauAnswer.model_fields})


def _list(command: Command) -> object:
    luau = command.emulator.luau
    found = luau.tasks(command.number("limit") or DEFAULT_LIMIT)
    return {"handlers": luau.handlers(), "liveLogs": luau.live_logs, "tasks": [asdict(task) for task in found]}


def _add(command: Command) -> object:
    fields = command.object()
    if "binaryOutput" in fields:
        fields["binaryOutput"] = base64.b64decode(str(fields["binaryOutput"]), validate=True)
    given = _Registered.model_validate(fields)
    if given.script is not None and given.pattern is not None:
        raise ControlError(400, "script and pattern exclude each other.")
    try:
        script = re.compile(given.pattern) if given.pattern is not None else given.script
    except re.error as error:
        raise ControlError(400, f"pattern is no regular expression: {error}") from error
    command.emulator.luau.answer(
        given.answer(), script, universe=given.universe, place=given.place, queued=given.queued, times=given.times
    )
    return {"handlers": command.emulator.luau.handlers()}


def _set(command: Command) -> object:
    live = command.object().get("liveLogs")
    if not isinstance(live, bool):
        raise ControlError(400, "liveLogs must be true or false.")
    command.emulator.luau.live_logs = live
    return {"liveLogs": live}


def _clear(command: Command) -> object:
    command.emulator.luau.clear()
    return {}


def _cancel(command: Command) -> object:
    if not command.emulator.luau.cancel(command.target):
        raise ControlError(404, "There is no such task that has not ended.")
    return {}


ROUTES: dict[tuple[str, bool], dict[str, Callable[[Command], object]]] = {
    ("luau", False): {"GET": _list, "POST": _add, "PUT": _set, "DELETE": _clear},
    ("luau", True): {"DELETE": _cancel},
}
