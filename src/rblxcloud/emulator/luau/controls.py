"""What a test says to an emulator of Luau: who answers for which script."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from rblxcloud.emulator.controls import Controls
from rblxcloud.emulator.luau import tasks
from rblxcloud.emulator.luau.handlers import LuauAnswer, LuauHandler, LuauRun, answer_of
from rblxcloud.emulator.luau.rooms import StartedTask
from rblxcloud.emulator.model import RawRequest

__all__ = ["LuauControls", "LuauTaskRecord", "starts_script"]

HandlerT = TypeVar("HandlerT", bound=LuauHandler)

_MOST_TASKS = 1000


@dataclass(frozen=True, slots=True)
class LuauTaskRecord:
    """A task that was asked for."""

    id: str
    path: str
    state: str
    universe: int
    place: int
    version: int
    script: str = field(repr=False)


class LuauControls(Controls):
    """An emulator's Luau. It runs none: a handler that is registered for a script says what comes of it.

    A handler is called when a task is made, in the thread that answers the request, and outside of the emulator's lock
    and transaction: it may use the emulator, as a script uses data stores. When the task begins and ends is a matter of
    the emulator's clock. A script that nobody answers for fails with `INTERNAL_ERROR`.

    Args:
        world: The emulator's state.
        transaction: Opens a transaction in it.
    """

    @property
    def live_logs(self) -> bool:
        """Whether the logs of a script can be read while it runs; else, as Roblox documents it, from its end on."""
        return self._world.luau.live_logs

    @live_logs.setter
    def live_logs(self, live: bool) -> None:
        self._world.luau.live_logs = live

    def on(
        self,
        script: str | re.Pattern[str] | None = None,
        *,
        universe: int | None = None,
        place: int | None = None,
        queued: float = 0.0,
        times: int | None = None,
    ) -> Callable[[HandlerT], HandlerT]:
        """Return a decorator that lets a function answer for scripts; of those that fit, the last one does.

        Args:
            script: The whole source text, but for white space around it, or a pattern that is found in it; None for
                every script.
            universe: Only in this universe.
            place: Only in this place.
            queued: Seconds on the emulator's clock until a task begins.
            times: For how many tasks; None for all.

        Raises:
            ValueError: A negative time, or a number of times below 1.
        """

        def register(handler: HandlerT) -> HandlerT:
            with self._transaction():
                self._world.luau.add(handler, script, universe=universe, place=place, queued=queued, times=times)
            return handler

        return register

    def answer(
        self,
        answer: LuauAnswer,
        script: str | re.Pattern[str] | None = None,
        *,
        universe: int | None = None,
        place: int | None = None,
        queued: float = 0.0,
        times: int | None = None,
    ) -> None:
        """Let scripts end in one way, without a function; the other arguments are those of `on`.

        Args:
            answer: What becomes of them.
            script: As for `on`.
            universe: As for `on`.
            place: As for `on`.
            queued: As for `on`.
            times: As for `on`.

        Raises:
            ValueError: A negative time, or a number of times below 1.
        """

        def fixed(run: LuauRun) -> LuauAnswer:
            return answer

        self.on(script, universe=universe, place=place, queued=queued, times=times)(fixed)

    def clear(self) -> None:
        """Forget every handler."""
        with self._transaction():
            self._world.luau.clear()

    def handlers(self) -> int:
        """Return how many handlers there are."""
        with self._transaction():
            return self._world.luau.count()

    def tasks(self, limit: int = _MOST_TASKS) -> list[LuauTaskRecord]:
        """Return the newest tasks, oldest first.

        Args:
            limit: At most that many.
        """
        with self._transaction():
            return [_record(task, self._world.now()) for task in tasks.every(self._world, limit)]

    def cancel(self, id: str) -> bool:
        """Cancel a task, as Roblox may; return whether there was one that had not ended.

        Args:
            id: Its id.
        """
        with self._transaction():
            return tasks.cancel(self._world, id)

    def carry_out(self, event: Any) -> None:
        """Let the handler of a task answer; other events are of no interest.

        Args:
            event: What happened in a transaction that is over.
        """
        if isinstance(event, StartedTask):
            answer = answer_of(event.handler, event.run)
            with self._transaction():
                tasks.settle(self._world, event.id, answer)


def starts_script(request: RawRequest) -> bool:
    """Return whether an answer may wait for a handler."""
    return request.method == "POST" and request.raw_path.partition("?")[0].endswith("/luau-execution-session-tasks")


def _record(task: tasks.Task, now: float) -> LuauTaskRecord:
    return LuauTaskRecord(
        id=task.id,
        path=task.path,
        state=task.state(now),
        universe=int(task.universe),
        place=int(task.place),
        version=task.version,
        script=str(task.request["script"]),
    )
