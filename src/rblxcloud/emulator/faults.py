"""Faults to order: delays, wrong answers, dropped and cut connections."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fnmatch import fnmatchcase
from random import Random
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from rblxcloud.emulator.errors import CODES, render
from rblxcloud.emulator.model import ErrorFamily, Refusal, Reply

__all__ = ["Fault", "Faults"]


class Fault(BaseModel):
    """Something that goes wrong with the requests it matches."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, frozen=True, extra="forbid"
    )

    kind: Literal["delay", "answer", "drop", "cut"]
    """`delay` waits, then answers as usual; `answer` sends `status` and `body` instead of the answer; `drop` closes the
    connection without an answer; `cut` acts, and closes it in the middle of the answer's body."""
    acts: bool = False
    """Whether the service does what was asked before an `answer` or a `drop`; `delay` and `cut` always let it."""
    endpoint: str | None = None
    """Name of the endpoint; None for any, unknown paths too."""
    method: str | None = None
    """HTTP method; None for any."""
    path: str | None = None
    """Pattern for the raw path without its query, where `*` stands for anything; None for any."""
    after: int = Field(default=0, ge=0)
    """How many matching requests go well first."""
    times: int | None = Field(default=1, ge=1)
    """How often it strikes; None for as long as it is there."""
    probability: float = Field(default=1.0, gt=0, le=1)
    """Chance that it strikes a matching request, drawn from the emulator's seeded random numbers."""
    delay: float = Field(default=0.0, ge=0)
    """Seconds to wait before the answer, whatever the kind."""
    status: int = Field(default=500, ge=200, le=599)
    """Status of an `answer`."""
    headers: Mapping[str, str] = Field(default_factory=dict[str, str])
    """Headers of an `answer`, such as `retry-after`."""
    body: str | None = None
    """Body of an `answer`; None for the error that the service would send with this status."""
    cut_after: int | None = Field(default=None, ge=0)
    """How many bytes of the body come before a `cut`; None for half of them."""

    @property
    def lets_act(self) -> bool:
        """Whether the service does what was asked."""
        return self.acts or self.kind in ("delay", "cut")

    def matches(self, method: str, path: str, endpoint: str | None) -> bool:
        """Return whether a request is one of those this fault is for.

        Args:
            method: HTTP method.
            path: Raw path without the query.
            endpoint: Name of the endpoint; None for an unknown path.
        """
        return (
            self.endpoint in (None, endpoint)
            and self.method in (None, method)
            and (self.path is None or fnmatchcase(path, self.path))
        )

    def spoil(self, reply: Reply, family: ErrorFamily) -> Reply:
        """Return what becomes of the service's answer.

        Args:
            reply: The answer.
            family: The family of the service's errors.
        """
        if self.kind == "answer":
            reply = self._answer(family)
        elif self.kind == "drop":
            reply = replace(reply, cut_after=-1)
        elif self.kind == "cut":
            reply = replace(reply, cut_after=len(reply.body) // 2 if self.cut_after is None else self.cut_after)
        return replace(reply, delay=reply.delay + self.delay)

    def _answer(self, family: ErrorFamily) -> Reply:
        headers = {name.lower(): value for name, value in self.headers.items()}
        if self.body is None and self.status >= 400:
            code = CODES.get(self.status, "INTERNAL")
            return render(Refusal(self.status, code, "Fault of the emulator.", headers=headers), family)
        return Reply(self.status, headers, (self.body or "").encode())


class _Armed:
    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self.seen = 0
        self.struck = 0

    def strikes(self, random: Random) -> bool:
        self.seen += 1
        if self.seen <= self.fault.after or (self.fault.probability < 1 and random.random() >= self.fault.probability):
            return False
        self.struck += 1
        return True

    @property
    def spent(self) -> bool:
        return self.fault.times is not None and self.struck >= self.fault.times


class Faults:
    """The faults that are armed, in the order in which they were added.

    Args:
        seed: Seed of the random numbers that decide on probabilities.
    """

    def __init__(self, seed: int = 0) -> None:
        self._seed = seed
        self._random = Random(seed)
        self._armed: dict[int, _Armed] = {}
        self._last_id = 0

    def add(self, fault: Fault) -> int:
        """Arm a fault; return the number that `remove` takes."""
        self._last_id += 1
        self._armed[self._last_id] = _Armed(fault)
        return self._last_id

    def remove(self, number: int) -> bool:
        """Disarm a fault; return whether it was still armed."""
        return self._armed.pop(number, None) is not None

    def clear(self) -> None:
        """Disarm all, and start the random numbers afresh."""
        self._armed.clear()
        self._random = Random(self._seed)

    def armed(self) -> dict[int, tuple[Fault, int]]:
        """Return the faults that still strike, by number, with how often each has struck."""
        return {number: (armed.fault, armed.struck) for number, armed in self._armed.items()}

    def take(self, method: str, path: str, endpoint: str | None) -> Fault | None:
        """Return the first fault that strikes this request, and count it.

        Args:
            method: HTTP method.
            path: Raw path without the query.
            endpoint: Name of the endpoint; None for an unknown path.
        """
        for number, armed in list(self._armed.items()):
            if armed.fault.matches(method, path, endpoint) and armed.strikes(self._random):
                if armed.spent:
                    del self._armed[number]
                return armed.fault
        return None
