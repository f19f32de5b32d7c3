"""mypy and pyright, strict, on what users write: right uses have the types that they assert, wrong ones are reported."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

SAMPLES = Path(__file__).parent / "samples"
RIGHT = ("asynchronous.py", "blocking.py", "models.py")
MISTAKES = ("mistakes_asynchronous.py", "mistakes_blocking.py")
MARK = "  # wrong: "
SECONDS = 120

Reports = dict[str, dict[int, str]]
"""For each file what was reported of each line."""


def run(*command: str) -> str:
    process = subprocess.run(
        [sys.executable, "-m", *command], cwd=SAMPLES, capture_output=True, text=True, timeout=SECONDS
    )
    # 0 and 1 say whether there was anything to report; beyond that the checker did not work.
    assert process.returncode in (0, 1), process.stdout + process.stderr
    return process.stdout


def mypy(cache: Path) -> Reports:
    reports: Reports = {}
    for line in run("mypy", "--output=json", f"--cache-dir={cache}", ".").splitlines():
        found = json.loads(line)
        if found["severity"] == "error":
            reports.setdefault(Path(found["file"]).name, {})[found["line"]] = found["message"]
    return reports


def pyright() -> Reports:
    reports: Reports = {}
    answer = json.loads(run("pyright", "--outputjson", "--project", ".", "--pythonpath", sys.executable))
    assert answer["summary"]["filesAnalyzed"] == len(RIGHT) + len(MISTAKES)
    for found in answer["generalDiagnostics"]:
        line = found["range"]["start"]["line"] + 1
        reports.setdefault(Path(found["file"]).name, {})[line] = found["message"]
    return reports


@pytest.fixture(scope="session", params=["mypy", "pyright"])
def reports(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Reports:
    """What one checker says of all samples; it runs once."""
    if find_spec(request.param) is None:
        pytest.skip(f"{request.param} is not installed (dependency group types)")
    return mypy(tmp_path_factory.mktemp("mypy")) if request.param == "mypy" else pyright()


@pytest.mark.parametrize("name", RIGHT)
def test_right_uses_have_the_types_they_assert(reports: Reports, name: str) -> None:
    assert reports.get(name, {}) == {}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_reported_and_nothing_else(reports: Reports, name: str) -> None:
    lines = (SAMPLES / name).read_text().splitlines()
    marked = {number: line.strip() for number, line in enumerate(lines, start=1) if MARK in line}
    found = reports.get(name, {})
    assert not {number: line for number, line in marked.items() if number not in found}, "not reported"
    assert not {number: text for number, text in found.items() if number not in marked}, "reported, but not marked"


def test_all_samples_are_looked_at() -> None:
    assert {path.name for path in SAMPLES.glob("*.py")} == {*RIGHT, *MISTAKES}
