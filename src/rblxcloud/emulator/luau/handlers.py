"""Who answers for a script: functions and fixed answers that a test registers."""

from __future__ import annotations

import inspect
import math
import re
import traceback
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, cast

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

__all__ = ["ErrorCode", "Handlers", "LuauAnswer", "LuauHandler", "LuauLog", "LuauRun", "MessageType", "answer_of"]

MessageType = Literal["OUTPUT", "INFO", "WARNING", "ERROR"]
"""What kind of message a script logged."""
ErrorCode = Literal["SCRIPT_ERROR", "DEADLINE_EXCEEDED", "OUTPUT_SIZE_LIMIT_EXCEEDED", "INTERNAL_ERROR"]
"""How a task fails."""

_EXACT = 2**53
_NOBODY = (
    "The emulator runs no Luau, and no handler is registered for this script:"
    " see emulator.luau.on, or POST /_emulator/luau."
)


class _Model(BaseModel):
    model_config: ClassVar[ConfigDict] = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, frozen=True, extra="forbid"
    )


class LuauLog(_Model):
    """A message that a script logs."""

    message: str
    """Its text."""
    type: MessageType = "OUTPUT"
    """`OUTPUT` is what `print` makes, `WARNING` what `warn` does."""
    after: float = Field(default=0.0, ge=0)
    """Seconds after the start of the script."""


class LuauAnswer(_Model):
    """What becomes of a task."""

    results: tuple[Any, ...] = ()
    """The values that the script returns."""
    code: ErrorCode | None = None
    """How it fails instead; None for success."""
    message: str = ""
    """Text of that error."""
    logs: tuple[LuauLog, ...] = ()
    """What it logs."""
    running: float = Field(default=0.0, ge=0)
    """Seconds on the emulator's clock that it runs for; more than the task's timeout end in `DEADLINE_EXCEEDED`."""
    binary_output: bytes | None = None
    """The buffer that it returns, for a task that has binary output."""


@dataclass(frozen=True, slots=True)
class LuauRun:
    """A script that is run: what a handler gets."""

    script: str = field(repr=False)
    """The source text."""
    universe: int
    place: int
    version: int
    """Version of the place."""
    user: int
    """As whom it runs."""
    timeout: float
    """Seconds that it may take."""
    binary_input: bytes | None = field(default=None, repr=False)
    """The file that it was given."""
    binary_output: bool = False
    """Whether it has to return `{"BinaryOutput": bytes, "ReturnValues": [...]}`."""
    logged: list[LuauLog] = field(default_factory=list[LuauLog], repr=False)
    """What `log` was called with."""

    def log(self, message: object, *, type: MessageType = "OUTPUT", after: float = 0.0) -> None:
        """Log a message.

        Args:
            message: Its text.
            type: `OUTPUT`, `INFO`, `WARNING` or `ERROR`.
            after: Seconds after the start of the script, on the emulator's clock.
        """
        self.logged.append(LuauLog(message=str(message), type=type, after=after))


LuauHandler = Callable[[LuauRun], object]
"""Runs in place of a script.

It returns what the script would: a tuple for several values, None for no value, anything else for one; or a
`LuauAnswer`. What it raises becomes the error of the script.
"""


@dataclass(slots=True)
class _Registration:
    handler: LuauHandler
    script: str | re.Pattern[str] | None
    universe: int | None
    place: int | None
    queued: float
    left: int | None

    def fits(self, run: LuauRun) -> bool:
        if self.universe not in (None, run.universe) or self.place not in (None, run.place):
            return False
        if isinstance(self.script, re.Pattern):
            return self.script.search(run.script) is not None
        return self.script is None or self.script.strip() == run.script.strip()


class Handlers:
    """The handlers there are; of those that fit a script, the one that was registered last answers."""

    def __init__(self) -> None:
        self.live_logs: bool = False
        """Whether the logs of a script can be read while it runs; else from its end on."""
        self._registered: list[_Registration] = []

    def clear(self) -> None:
        """Forget every handler."""
        self._registered.clear()
        self.live_logs = False

    def add(
        self,
        handler: LuauHandler,
        script: str | re.Pattern[str] | None,
        *,
        universe: int | None,
        place: int | None,
        queued: float,
        times: int | None,
    ) -> None:
        """Register a handler; see `LuauControls.on`."""
        if queued < 0 or (times is not None and times < 1):
            raise ValueError("queued is 0 or more, times 1 or more")
        self._registered.append(_Registration(handler, script, universe, place, queued, times))

    def count(self) -> int:
        """Return how many handlers still wait for scripts."""
        return len(self._registered)

    def take(self, run: LuauRun) -> tuple[LuauHandler, float]:
        """Return who answers for a script, and how long it is queued."""
        for registration in reversed(self._registered):
            if registration.fits(run):
                if registration.left is not None:
                    registration.left -= 1
                    if not registration.left:
                        self._registered.remove(registration)
                return registration.handler, registration.queued
        return _nobody, 0.0


def _nobody(run: LuauRun) -> LuauAnswer:
    return LuauAnswer(code="INTERNAL_ERROR", message=_NOBODY)


def answer_of(handler: LuauHandler, run: LuauRun) -> LuauAnswer:
    """Call a handler; whatever it does, a task's end comes of it.

    Args:
        handler: Who answers.
        run: What is run.
    """
    try:
        answer = _read(handler(run), run)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # What pytest fails and skips with is no Exception.
        answer = LuauAnswer(code="SCRIPT_ERROR", message=_told(error))
    logs = tuple(log.model_copy(update={"message": _text(log.message)}) for log in (*run.logged, *answer.logs))
    return answer.model_copy(update={"message": _text(answer.message), "logs": logs})


def _text(text: str) -> str:
    """Return text that UTF-8 can carry."""
    return text.encode(errors="replace").decode()


def _told(error: BaseException) -> str:
    """Return what was raised, and below it where, as Roblox tells of a script's error."""
    said = "".join(traceback.format_exception_only(error)).strip()
    frames = "".join(traceback.format_tb(error.__traceback__)[1:]).rstrip()
    return f"{said}\n{frames}" if frames else said


def _read(value: object, run: LuauRun) -> LuauAnswer:
    if inspect.isawaitable(value):
        if inspect.iscoroutine(value):
            value.close()
        raise TypeError("the handler is a coroutine function; the emulator calls plain functions")
    if isinstance(value, LuauAnswer):
        answer = value
    elif run.binary_output:
        answer = _read_table(value)
    else:
        answer = LuauAnswer(results=_values(value))
    if run.binary_output and answer.code is None and answer.binary_output is None:
        raise TypeError("a task with binary output returns one table with a buffer BinaryOutput")
    output = answer.binary_output if run.binary_output else None
    return answer.model_copy(update={"results": tuple(map(_as_json, answer.results)), "binary_output": output})


def _values(value: object) -> tuple[Any, ...]:
    if value is None:
        return ()
    return cast("tuple[Any, ...]", value) if isinstance(value, tuple) else (value,)


def _read_table(value: object) -> LuauAnswer:
    """Read the one table that a script with binary output returns."""
    table = cast("Mapping[str, Any]", value if isinstance(value, Mapping) else {})
    output, values = table.get("BinaryOutput"), table.get("ReturnValues", ())
    if not isinstance(output, bytes | bytearray) or not isinstance(values, list | tuple):
        raise TypeError("a task with binary output returns {'BinaryOutput': bytes, 'ReturnValues': [...]}")
    return LuauAnswer(results=tuple(cast("Iterable[Any]", values)), binary_output=bytes(output))


def _as_json(value: Any) -> Any:
    """Return a value as a task tells it: numbers are doubles, and what JSON cannot hold is null."""
    match value:
        case bool() | None:
            return value
        case str():
            return _text(value)
        case int():
            return value if abs(value) <= _EXACT else _as_json(_double(value))
        case float():
            return value if math.isfinite(value) else None
        case list() | tuple():
            return [_as_json(item) for item in cast("Iterable[Any]", value)]
        case Mapping():
            return {_text(str(key)): _as_json(item) for key, item in cast("Mapping[Any, Any]", value).items()}
        case _:
            return None


def _double(value: int) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf
