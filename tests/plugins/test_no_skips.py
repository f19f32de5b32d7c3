"""A skip is a failure where nothing may be missing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

SUITE = """
import pytest

def test_passes():
    pass

def test_skips():
    pytest.skip("no server here")

@pytest.mark.xfail(reason="known")
def test_expected_failure():
    assert False
"""
SKIPPING_MODULE = "import pytest\npytest.skip('no browser here', allow_module_level=True)\n"


def run_suite(directory: Path, *, test_all: str, **modules: str) -> subprocess.CompletedProcess[str]:
    for name, source in modules.items():
        (directory / f"{name}.py").write_text(source)
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "tests.plugins.no_skips", "-p", "no:cacheprovider", "-rA", directory],
        cwd=Path(__file__).parents[2],
        env=os.environ | {"RBLXCLOUD_TEST_ALL": test_all},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_skips_are_skips_on_a_developers_machine(tmp_path: Path) -> None:
    run = run_suite(tmp_path, test_all="", test_suite=SUITE, test_module=SKIPPING_MODULE)
    assert run.returncode == 0, run.stdout
    assert "1 passed, 2 skipped, 1 xfailed" in run.stdout


def test_a_skipped_test_fails_when_everything_must_run(tmp_path: Path) -> None:
    run = run_suite(tmp_path, test_all="1", test_suite=SUITE)
    assert run.returncode == 1
    assert "no server here (RBLXCLOUD_TEST_ALL=1: a skip is a failure)" in run.stdout
    assert "1 failed, 1 passed, 1 xfailed" in run.stdout


def test_a_skipped_module_fails_when_everything_must_run(tmp_path: Path) -> None:
    run = run_suite(tmp_path, test_all="1", test_module=SKIPPING_MODULE)
    assert run.returncode == 2
    assert "no browser here (RBLXCLOUD_TEST_ALL=1: a skip is a failure)" in run.stdout
    assert "1 error" in run.stdout
