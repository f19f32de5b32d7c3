"""Time and memory against bare clients, in one run on loopback.

python -m benchmarks                       measure, and print a table
python -m benchmarks --json FILE           write what was measured, too
python -m benchmarks --docs docs           and bring it into the documentation, as charts and a table
python -m benchmarks --rounds 3 blocking   fewer rounds, and only some groups
python -m benchmarks --docs docs operations-polls operations-spread
                                           bring one part of the page up to date: what is counted, not timed
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from benchmarks import calls, chart, operations, page, processes, uploads
from benchmarks.report import Bar, Group, Report
from benchmarks.server import serving

Step = Callable[[], None]
Measure = Callable[[str, int, Step], Group]

ONCE = ("listing-", "upload-memory-", "operations-")
"""How the names of groups begin that are not measured in rounds."""

GROUPS: dict[str, Measure] = {
    "blocking": calls.blocking,
    "async": lambda base, rounds, step: asyncio.run(calls.awaited(base, rounds, step)),
    "in-flight": lambda base, rounds, step: asyncio.run(calls.in_flight(base, rounds, step)),
    "import": lambda _, rounds, step: processes.imports(rounds, step),
    "listing-blocking": lambda base, _, step: processes.listing(base, "blocking", step),
    "listing-async": lambda base, _, step: processes.listing(base, "async", step),
    "upload-blocking": uploads.blocking,
    "upload-async": lambda base, rounds, step: asyncio.run(uploads.awaited(base, rounds, step)),
    "upload-memory-blocking": lambda base, _, step: uploads.memory(base, "blocking", step),
    "upload-memory-async": lambda base, _, step: uploads.memory(base, "async", step),
    "operations-polls": lambda *_: operations.polls(),
    "operations-spread": lambda *_: operations.spread(),
}
PACKAGES = ("httpx", "httpcore", "httpx2", "anyio", "pydantic", "rblx-open-cloud", "requests", "aiohttp")


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, and show it.

    Args:
        argv: The arguments after the program's name; None for those of the process.

    Returns:
        Exit status: 0 when all goals are reached, else 1.
    """
    parser = _parser()
    args = parser.parse_args(argv)
    keys: list[str] = args.groups or list(GROUPS)
    if args.docs and not page.has_part(keys):
        parser.error(f"--docs takes all of {', '.join(page.TIMED)}, or of {', '.join(page.ON_A_CLOCK)}")
    os.environ["RBLXCLOUD_RATE_LIMITS"] = "server"
    console = Console()
    report = measure(keys, args.rounds, console)
    if args.json:
        args.json.write_text(json.dumps(asdict(report), indent=2) + "\n")
    if args.docs:
        page.write(report, args.docs)
    missed = [bar for group in report.groups for bar in group.bars if bar.reached(group.bars[0].value) is False]
    return 1 if missed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Time and memory against bare clients.")
    parser.add_argument("groups", nargs="*", type=_group, metavar="GROUP", help=", ".join(GROUPS))
    parser.add_argument("--rounds", type=int, default=9, help="how often each is measured, after once to warm up")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write what was measured")
    parser.add_argument("--docs", type=Path, metavar="DIRECTORY", help="bring it into the documentation there")
    return parser


def _group(name: str) -> str:
    if name not in GROUPS:
        raise argparse.ArgumentTypeError(f"{name} is none of {', '.join(GROUPS)}")
    return name


def measure(keys: Sequence[str], rounds: int, console: Console) -> Report:
    """Measure some groups, and print each one's table when it is there.

    Args:
        keys: Which groups.
        rounds: How often each is measured.
        console: Where to print.

    Returns:
        What was measured.
    """
    groups: list[Group] = []
    report = Report(
        date=f"{datetime.now(UTC):%Y-%m-%d}",
        machine=f"{platform.machine()}, {os.cpu_count()} cores, CPython {platform.python_version()}",
        load=round(os.getloadavg()[0], 2),
        rounds=rounds,
        versions=_versions(),
        groups=groups,
    )
    console.print(f"{report.date}, {report.machine}, load {report.load}, medians of {rounds} rounds")
    console.print(", ".join(f"{name} {number}" for name, number in report.versions.items()))
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with serving() as base, Progress(*columns, console=console, transient=True) as progress:
        for key in keys:
            task = progress.add_task(key, total=None if key.startswith(ONCE) else rounds + 1)
            groups.append(GROUPS[key](base, rounds, lambda task=task: progress.advance(task)))
            progress.remove_task(task)
            console.print(_table(groups[-1]))
    return report


def _versions() -> dict[str, str]:
    versions: dict[str, str] = {}
    for name in PACKAGES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            sys.stderr.write(f"{name} is not installed, and left out; nox -s bench installs it\n")
    return versions


def _table(group: Group) -> Table:
    table = Table("", group.unit, "ratio", "goal", title=group.title, title_justify="left", min_width=80)
    for column in table.columns[1:3]:
        column.justify = "right"
    first = group.bars[0]
    for bar in group.bars:
        ratio = "" if bar is first else f"{bar.ratio:.2f}"
        table.add_row(bar.name, chart.figure(bar.value), ratio, _verdict(bar, first, group.unit))
    return table


def _verdict(bar: Bar, first: Bar, unit: str) -> str:
    if bar.goal is None:
        return ""
    style = "green" if bar.reached(first.value) else "bold red"
    return f"[{style}]{bar.goal.wording(unit)}[/]"


if __name__ == "__main__":
    sys.exit(main())
