"""Brings what a run measured into the documentation: charts, and the part of `performance.md` between two marks."""

from __future__ import annotations

import re
from pathlib import Path

from benchmarks import chart
from benchmarks.report import Bar, Group, Report

PAGE = "performance.md"
BEGIN = "<!-- measured: written by `nox -s bench -- --docs docs` -->"
END = "<!-- end of what was measured -->"

CHARTS = {
    "performance-calls.svg": ("blocking", "async"),
    "performance-in-flight.svg": ("in-flight",),
    "performance-import.svg": ("import",),
    "performance-memory.svg": ("listing-blocking", "listing-async", "upload-memory-blocking", "upload-memory-async"),
    "performance-upload.svg": ("upload-blocking", "upload-async"),
}
"""Which groups each chart shows."""


def write(report: Report, docs: Path) -> None:
    """Write charts and page.

    Args:
        report: A run with all groups.
        docs: The directory of the documentation.
    """
    groups = {group.key: group for group in report.groups}
    images: list[str] = []
    for name, keys in CHARTS.items():
        shown = [groups[key] for key in keys]
        (docs / name).write_text(chart.draw(shown))
        images.append(f"![{'; '.join(group.title for group in shown)}]({name})")
    page = docs / PAGE
    measured = "\n\n".join([BEGIN, _circumstances(report), _goals(report), *images, END])
    text, count = re.subn(
        f"{re.escape(BEGIN)}.*{re.escape(END)}", lambda _: measured, page.read_text(), flags=re.DOTALL
    )
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


def _goals(report: Report) -> str:
    rows = [
        f"| {group.title}: `{bar.name}` against `{group.bars[0].name}` | {_result(bar, group)} "
        f"| {bar.goal.wording(group.unit)} |"
        for group in report.groups
        for bar in group.bars
        if bar.goal is not None
    ]
    return "\n".join(["| what | measured | goal |", "| --- | --- | --- |", *rows])


def _result(bar: Bar, group: Group) -> str:
    if bar.goal is not None and bar.goal.of == "difference":
        return f"{bar.value - group.bars[0].value:.1f} {group.unit} more"
    return f"{bar.ratio:.2f} times"
