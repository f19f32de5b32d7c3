"""Pages as Roblox sends them: short, empty, with tokens that stand still, and cut by a limit."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from rblxcloud import Page, Pager

pytestmark = pytest.mark.anyio

Pages = Mapping[str | None, Page[int]]

SPARSE: Pages = {
    None: Page((), "a"),
    "a": Page((1,), "b"),
    "b": Page((), "c"),
    "c": Page((2, 3), None),
}
FULL: Pages = {None: Page((1, 2, 3), "a"), "a": Page((4, 5, 6), "b"), "b": Page((), None)}


def pager(pages: Pages, limit: int | None = None) -> Pager[int]:
    async def fetch(token: str | None) -> Page[int]:
        return pages[token]

    return Pager(fetch, limit=limit)


async def test_short_and_empty_pages_with_a_token_do_not_end_a_list() -> None:
    assert [item async for item in pager(SPARSE)] == [1, 2, 3]
    assert (await pager(SPARSE).first_page()).items == ()


async def test_a_token_that_is_repeated_ends_a_list() -> None:
    still: Pages = {None: Page((1,), "a"), "a": Page((2,), "a")}
    assert [page async for page in pager(still).pages()] == [Page((1,), "a"), Page((2,), None)]


async def test_an_empty_token_ends_a_list() -> None:
    assert [item async for item in pager({None: Page((1,), "")})] == [1]


async def test_a_list_goes_on_at_a_token() -> None:
    assert [item async for page in pager(SPARSE).pages(token="b") for item in page.items] == [2, 3]


async def test_a_page_that_the_limit_cuts_has_no_token_that_would_pass_over_items() -> None:
    assert [page async for page in pager(FULL, limit=5).pages()] == [Page((1, 2, 3), "a"), Page((4, 5), None)]


async def test_a_list_that_reached_its_limit_at_a_pages_end_can_be_resumed() -> None:
    assert [page async for page in pager(FULL, limit=3).pages()] == [Page((1, 2, 3), "a")]
    assert [item async for item in pager(FULL, limit=100)] == [1, 2, 3, 4, 5, 6]
