"""Brings what a run measured into the documentation: charts, and two parts of `performance.md`, each between marks."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from pathlib import Path

from benchmarks import chart
from benchmarks.report import Bar, Group, Report

PAGE = "performance.md"
MEASURED = ("<!-- measured: written by `nox -s bench -- --docs docs` -->", "<!-- end of what was measured -->")
COUNTED = ("<!-- counted: written by `nox -s bench -- --docs docs` -->", "<!-- end of what was counted -->")

CHARTS = {
    "performance-calls.svg": ("blocking", "async"),
    "performance-in-flight.svg": ("in-flight",),
    "performance-import.svg": ("import",),
    "performance-memory.svg": ("listing-blocking", "listing-async", "upload-memory-blocking", "upload-memory-async"),
    "performance-upload.svg": ("upload-blocking", "upload-async"),
}
"""Which groups each chart shows."""
TIMED = tuple(key for keys in CHARTS.values() for key in keys)
ON_A_CLOCK = ("operations-polls", "operations-spread")
"""Groups whose figures are the same on every machine."""


def has_part(keys: Collection[str]) -> bool:
    """Return whether a part of the page can be written from some groups: it takes all of its own.

    Args:
        keys: The groups that are run.
    """
    return {*keys} >= {*TIMED} or {*keys} >= {*ON_A_CLOCK}


def write(report: Report, docs: Path) -> None:
    """Write charts and page, of either part only when all of its groups were run.

    Args:
        report: A run.
        docs: The directory of the documentation.
    """
    groups = {group.key: group for group in report.groups}
    if groups.keys() >= {*TIMED}:
        images = [_draw(name, [groups[key] for key in keys], docs) for name, keys in CHARTS.items()]
        _replace(docs / PAGE, MEASURED, [_circumstances(report), _goals([groups[key] for key in TIMED]), *images])
    if groups.keys() >= {*ON_A_CLOCK}:
        _replace(docs / PAGE, COUNTED, [counted([groups[key] for key in ON_A_CLOCK])])


def _draw(name: str, groups: Sequence[Group], docs: Path) -> str:
    (docs / name).write_text(chart.draw(groups))
    return f"![{'; '.join(group.title for group in groups)}]({name})"


def _replace(page: Path, marks: tuple[str, str], parts: Sequence[str]) -> None:
    begin, end = marks
    written = "\n\n".join([begin, *parts, end])
    text, count = re.subn(f"{re.escape(begin)}.*{re.escape(end)}", lambda _: written, page.read_text(), flags=re.DOTALL)
    if count != 1:
        raise ValueError(f"{page} has no marks to write between")
    page.write_text(text)


def _circumstances(report: Report) -> str:
    versions = ", ".join(f"{name} {number}" for name, number in report.versions.items())
    shared = "" if report.load < 0.5 else f" Other programs ran on the machine (load {report.load} at the beginning)."
    return (
        f"Measured on {report.date}: {report.machine}; {versions}.\n"
        f"Medians of {report.rounds} rounds after one to warm up.{shared}"
    )


def _goals(groups: Sequence[Group]) -> str:
    rows = [
        f"| {group.title}: `{bar.name}` against `{group.bars[0].name}` | {_result(bar, group)} "
        f"| {bar.goal.wording(group.unit)} |"
        for group in groups
        for bar in group.bars
        if bar.goal is not None
    ]
    return "\n".join(["| what | measured | goal |", "| --- | --- | --- |", *rows])


def _result(bar: Bar, group: Group) -> str:
    if bar.goal is not None and bar.goal.of == "difference":
        return f"{bar.value - group.bars[0].value:.1f} {group.unit} more"
    return f"{bar.ratio:.2f} times"


def counted(groups: Sequence[Group]) -> str:
    """Return a table of figures that are the same on every machine, so that they can stand for themselves.

    Args:
        groups: What was counted.
    """
    rows = [
        f"| {group.title} | {chart.figure(bar.value)} {group.unit} "
        f"| {bar.goal.bound} {chart.figure(group.bars[0].value)}, {group.bars[0].name} |"
        for group in groups
        for bar in group.bars
        if bar.goal is not None
    ]
    return "\n".join(["| what | counted | goal |", "| --- | --- | --- |", *rows])
