"""What a run of the benchmarks brings: groups of bars, each compared with the first of its group."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True)
class Goal:
    """What a bar is to be compared with the first one of its group."""

    bound: Literal["at most", "at least"]
    value: float
    of: Literal["ratio", "difference"] = "ratio"

    def wording(self, unit: str) -> str:
        """Return it in words.

        Args:
            unit: The group's unit.
        """
        return f"{self.bound} {self.value:g} " + ("times" if self.of == "ratio" else f"{unit} more")


@dataclass(frozen=True)
class Bar:
    """One thing that was measured."""

    name: str
    value: float
    """Median of the rounds."""
    ratio: float
    """Median of the rounds' ratios to the first bar of the group."""
    goal: Goal | None = None

    def reached(self, first: float) -> bool | None:
        """Return whether the goal is reached; None when there is none.

        Args:
            first: Value of the group's first bar.
        """
        if self.goal is None:
            return None
        value = self.ratio if self.goal.of == "ratio" else self.value - first
        return value <= self.goal.value if self.goal.bound == "at most" else value >= self.goal.value


@dataclass(frozen=True)
class Group:
    """Bars that are compared."""

    key: str
    title: str
    unit: str
    bars: Sequence[Bar]


@dataclass(frozen=True)
class Report:
    """A whole run."""

    date: str
    machine: str
    load: float
    """How many programs wanted a processor when the run began."""
    rounds: int
    versions: Mapping[str, str]
    groups: Sequence[Group] = field(default_factory=list[Group])


def compared(rounds: Mapping[str, Sequence[float]], goals: Mapping[str, Goal], scale: float = 1.0) -> list[Bar]:
    """Return bars of contenders that were measured side by side, round by round; the first one is what to compare with.

    Machines are noisy, so the ratios are those within a round, and the median of the rounds is taken.

    Args:
        rounds: What was measured of each contender, one figure for each round.
        goals: Goals of some of them.
        scale: What a figure is multiplied with to be in the group's unit.
    """
    first = next(iter(rounds.values()))
    return [
        Bar(
            name,
            statistics.median(values) * scale,
            statistics.median(value / base for value, base in zip(values, first, strict=True)),
            goals.get(name),
        )
        for name, values in rounds.items()
    ]
