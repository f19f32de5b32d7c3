"""The published client, rblx-open-cloud 2.3.0, brought to a server on loopback; it knows Roblox's address only."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from importlib.util import find_spec
from typing import Any

NAME = "rblx-open-cloud"
INSTALLED = find_spec("rblxopencloud") is not None
ADDRESS = "https://apis.roblox.com"


@contextmanager
def blocking_read(base: str) -> Iterator[Callable[[], Any]]:
    """Yield a function that reads an entry."""
    import rblxopencloud
    from requests.adapters import HTTPAdapter

    class Loopback(HTTPAdapter):
        def send(self, request: Any, *args: Any, **options: Any) -> Any:
            request.url = base + request.url.removeprefix(ADDRESS)
            return super().send(request, *args, **options)

    rblxopencloud.http_session.mount(ADDRESS, Loopback())
    store = rblxopencloud.Experience(1, "k").get_datastore("s")
    yield lambda: store.get_entry("k")
    rblxopencloud.http_session.close()


@asynccontextmanager
async def async_read(base: str) -> AsyncIterator[Callable[[], Awaitable[Any]]]:
    """Yield a coroutine function that reads an entry."""
    import aiohttp
    import rblxopencloudasync
    from rblxopencloudasync import http

    class Loopback:
        @staticmethod
        def request(method: str, url: str, **options: Any) -> Any:
            return session.request(method, base + url.removeprefix(ADDRESS), **options)

    async with aiohttp.ClientSession() as session:
        http.http_session = Loopback()
        store = rblxopencloudasync.Experience(1, "k").get_datastore("s")
        yield lambda: store.get_entry("k")
