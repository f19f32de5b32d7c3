"""Lists that Roblox hands out in pages."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Generic, TypeVar

ItemT = TypeVar("ItemT")


@dataclass(frozen=True, slots=True)
class Page(Generic[ItemT]):
    """One page of a list, as Roblox sent it; it may be short or empty although more pages follow."""

    items: tuple[ItemT, ...]
    """The items of this page."""
    next_token: str | None
    """Continues the list after this page, with `Pager.pages(token=...)`; None at its end, and after a page that `limit`
    cut short: the token would pass over the items that were left out."""


class Pager(Generic[ItemT]):
    """A list that is fetched page by page, as it is iterated.

    Iterate it for its items, `pages()` for its pages. A pager can be iterated more than once, each time from its start.

    Args:
        fetch: Fetches the page for a token; None for the first.
        limit: Most items over all pages; None for all of them.
    """

    def __init__(self, fetch: Callable[[str | None], Awaitable[Page[ItemT]]], *, limit: int | None) -> None:
        self._fetch = fetch
        self._limit = limit

    async def __aiter__(self) -> AsyncIterator[ItemT]:
        """Iterate over the items of all pages.

        Yields:
            The items, in Roblox's order.

        Raises:
            RblxCloudError: A page could not be fetched; the items before it have been yielded.
        """
        async with aclosing(self.pages()) as pages:
            async for page in pages:
                for item in page.items:
                    yield item

    async def pages(self, *, token: str | None = None) -> AsyncGenerator[Page[ItemT], None]:
        """Iterate over the pages.

        Args:
            token: Where to go on: `next_token` of a page got earlier, possibly in another process, from a list with
                the same arguments; None starts at the beginning.

        Yields:
            The pages, each with the token that goes on after it.

        Raises:
            RblxCloudError: A page could not be fetched.
        """
        left = self._limit
        while left is None or left > 0:
            page = await self._fetch(token)
            if left is not None:
                page = page if len(page.items) <= left else Page(page.items[:left], None)
                left -= len(page.items)
            # Some of Roblox's lists repeat the last token for ever instead of leaving it out at the end.
            ended = not page.next_token or page.next_token == token
            token = page.next_token
            yield Page(page.items, None) if ended else page
            if ended:
                return

    async def first_page(self) -> Page[ItemT]:
        """Fetch the first page alone.

        Returns:
            The page; its items are empty when the list is, but they may also be when it is not (see `Page`).

        Raises:
            RblxCloudError: The page could not be fetched.
        """
        async with aclosing(self.pages()) as pages:
            return await anext(pages, Page((), None))
