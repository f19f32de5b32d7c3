"""What the page on performance says of figures that are the same on every machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import operations, page
from benchmarks.report import Group

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def groups() -> list[Group]:
    return [operations.polls(), operations.spread()]


def test_operations_that_are_awaited_at_once_reach_their_goals(groups: list[Group]) -> None:
    verdicts = [bar.reached(group.bars[0].value) for group in groups for bar in group.bars]
    assert verdicts == [None, True, None, True]


def test_the_page_says_what_is_counted(groups: list[Group]) -> None:
    assert page.counted(groups) in (DOCS / page.PAGE).read_text()
