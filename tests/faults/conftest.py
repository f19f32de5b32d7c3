"""An emulator in a process of its own, so that what is counted in this one is the client's."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.program import Program


@pytest.fixture(scope="package")
def _program() -> Iterator[Program]:
    with Program() as program:
        yield program


@pytest.fixture
def program(_program: Program) -> Program:
    """The emulator, fresh."""
    _program.reset()
    return _program
