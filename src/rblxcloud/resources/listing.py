"""Lists that are paged by token, from the row of their endpoint."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, TypeVar

from pydantic import TypeAdapter

from rblxcloud.endpoints.model import Endpoint
from rblxcloud.http.binding import Binding
from rblxcloud.http.request import Call, QueryValue
from rblxcloud.pagination import Page, Pager
from rblxcloud.resources.arguments import check_limit, check_whole
from rblxcloud.resources.base import Model

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class WirePage(Protocol[T_co]):
    """A page of a list, as it is read."""

    @property
    def items(self) -> tuple[T_co, ...]:
        """The items of this page."""
        ...

    @property
    def next_page_token(self) -> str | None:
        """Asks for the page after."""
        ...


class PageModel(Model):
    """A page as most services send it; each list has a subclass with `items`, which says under which name they come."""

    next_page_token: str | None = None


def list_pages(
    binding: Binding,
    endpoint: Endpoint,
    answer: TypeAdapter[WirePage[T]],
    path: Mapping[str, str | int],
    *,
    page_size: int,
    largest: int,
    limit: int | None,
    query: Mapping[str, QueryValue] | None = None,
) -> Pager[T]:
    """Return a pager; nothing is sent.

    Args:
        binding: The session's source.
        endpoint: Row of the list.
        answer: Reads a page.
        path: Values in the path.
        page_size: Most items a request.
        largest: Largest page that Roblox gives.
        limit: Most items in all; None for all of them.
        query: Filter and other parameters, the same for each page.

    Raises:
        InvalidRequestError: `page_size` or `limit` is refused.
    """
    check_limit(limit)
    check_whole("page_size", page_size, largest, smallest=1)
    size = page_size if limit is None else min(page_size, limit)
    paging = endpoint.paging
    assert paging is not None
    assert paging.size is not None
    names = (paging.size, paging.token)

    async def fetch(token: str | None, wanted: int | None) -> Page[T]:
        call = Call(endpoint, path, {names[0]: size, names[1]: token, **(query or {})})
        page = await binding.get().request(call, answer)
        return Page(page.items, page.next_page_token or None)

    return Pager(fetch, limit=limit)
