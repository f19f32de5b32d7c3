"""Every Python block of the README and the documentation runs as it stands, against the emulator."""

from __future__ import annotations

import gc
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from rblxcloud.emulator import Emulator, LuauRun
from tests.docs.blocks import PAGES, ROOT, Block, blocks


@pytest.mark.parametrize("block", [block for block in blocks() if not block.is_test], ids=str)
def test_block_runs(
    block: Block, rblxcloud_emulator: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # Some write files.
    answer_scripts(rblxcloud_emulator)
    code = compile("\n" * (block.line - 1) + block.source, str(block.page), "exec", dont_inherit=True)
    gc.freeze()  # What stands already is not the block's, and takes long to look through.
    try:
        exec(code, {"__name__": "__main__"})
        # Objects that stand alone close their connections when they are collected: here, and without a warning.
        gc.collect()
    finally:
        gc.unfreeze()


def answer_scripts(emulator: Emulator) -> None:
    """Answer the Luau scripts of the documentation, since the emulator runs none."""

    @emulator.luau.on()
    def answer(run: LuauRun) -> object:
        run.log("working")
        return {"BinaryOutput": run.binary_input, "ReturnValues": [1]} if run.binary_output else 2


def test_blocks_that_are_tests_pass(tmp_path: Path) -> None:
    found = [block for block in blocks() if block.is_test]
    assert found
    for block in found:
        (tmp_path / f"test_{block}.py").write_text(block.source)
    options = ["-q", "-W", "error", "-p", "no:cacheprovider", "-o", "asyncio_default_fixture_loop_scope=function"]
    run = subprocess.run(
        [sys.executable, "-m", "pytest", *options, "--rootdir", tmp_path, tmp_path],
        cwd=tmp_path,
        env={name: value for name, value in os.environ.items() if not name.startswith("RBLXCLOUD")},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    passed = re.search(r"(\d+) passed", run.stdout)
    assert passed
    assert int(passed[1]) >= len(found)


def test_the_test_command_of_the_readme_is_the_one_of_ci() -> None:
    commands = [line for line in (ROOT / "README.md").read_text().splitlines() if "-m pytest" in line]
    assert len(commands) == 1
    assert commands[0] in (ROOT / ".ci/run").read_text().splitlines()


def test_security_cases_name_tests_that_are_there() -> None:
    page = (ROOT / "docs/oauth2.md").read_text()
    named = re.findall(r"\[(\w+)\]\(\.\./(tests/[^)]+)\)", page)
    assert named
    assert [name for name, path in named if f"def {name}(" not in (ROOT / path).read_text()] == []
    assert len(named) == page.split("## Security cases")[1].count("\n| ") - 2


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_to_files_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)", page.read_text())
    missing = [target for target in targets if not (page.parent / target).exists()]
    assert not missing
