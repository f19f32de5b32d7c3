"""With `RBLXCLOUD_TEST_ALL=1`, as on CI, a skipped test is a failed one: there, nothing may be missing."""

from __future__ import annotations

import os
from collections.abc import Generator
from typing import TypeVar

import pytest

ReportT = TypeVar("ReportT", pytest.TestReport, pytest.CollectReport)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fail a test that was skipped, by itself or by a fixture."""
    return _without_skip((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Fail a module that skipped itself while it was imported."""
    return _without_skip((yield))


def _without_skip(report: ReportT) -> ReportT:
    # An expected failure is reported as a skip too.
    if os.environ.get("RBLXCLOUD_TEST_ALL") == "1" and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"{reason} (RBLXCLOUD_TEST_ALL=1: a skip is a failure)"
    return report
