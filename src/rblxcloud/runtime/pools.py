"""Our own connections: requests spread over small pools.

httpcore's work for each request grows with the connections of its pool, so ten pools of five are faster than one of
fifty. And httpcore 1.0 loses a connection for good when a request is cancelled at the wrong moment
(encode/httpcore#1093). So a pool in which a request was cancelled takes no more requests, and is closed when its last
one has left: whatever was lost in it goes with it.
"""

from __future__ import annotations

import threading
import urllib.request
from collections import OrderedDict
from collections.abc import Callable
from contextlib import nullcontext, suppress
from typing import Any, Generic, TypeVar
from urllib.parse import urlsplit

import anyio
import httpx

from rblxcloud.errors import ConfigurationError
from rblxcloud.runtime import backend
from rblxcloud.runtime.base import SendFailure, opening

TransportT = TypeVar("TransportT")
Proxy = str | None

POOL_SIZE = 5
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class Pool(Generic[TransportT]):
    """A small httpcore pool, and how many requests are in it."""

    def __init__(self, transport: TransportT, proxy: Proxy) -> None:
        self.transport = transport
        self.proxy = proxy
        self.active = 0
        self.retired = False


class Spread(Generic[TransportT]):
    """Pools in the order in which they are filled: the most recently used first, so that few are needed.

    Args:
        transport: Opens the transport of a pool, for requests that go through a proxy or directly.
    """

    def __init__(self, transport: Callable[[Proxy], TransportT]) -> None:
        self._transport = transport
        self._pools: list[Pool[TransportT]] = []
        self._proxies = {kind: url for kind, url in urllib.request.getproxies().items() if url}

    def enter(self, url: str) -> Pool[TransportT]:
        """Take a place in a pool with room."""
        proxy = self.proxy_for(url)
        for place, pool in enumerate(self._pools):
            if pool.active < POOL_SIZE and pool.proxy == proxy:
                if place:
                    self._pools.insert(0, self._pools.pop(place))
                break
        else:
            with opening:
                pool = Pool(self._transport(proxy), proxy)
            self._pools.insert(0, pool)
        pool.active += 1
        return pool

    def leave(self, pool: Pool[TransportT], *, cancelled: bool) -> bool:
        """Give a place back; return True when the pool is to be closed now."""
        pool.active -= 1
        if cancelled and not pool.retired:
            pool.retired = True
            if pool in self._pools:
                self._pools.remove(pool)
        return pool.retired and not pool.active

    def clear(self) -> list[Pool[TransportT]]:
        """Retire all pools; return those that are to be closed now: the others let their last request do it."""
        pools, self._pools = self._pools, []
        for pool in pools:
            pool.retired = True
        return [pool for pool in pools if not pool.active]

    def proxy_for(self, url: str) -> Proxy:
        """Return the proxy that the environment wants for this address; there is none to this machine."""
        if not self._proxies:
            return None
        parts = urlsplit(url)
        host = parts.hostname or ""
        if host in _LOOPBACK or urllib.request.proxy_bypass(host):
            return None
        proxy = self._proxies.get(parts.scheme) or self._proxies.get("all")
        return proxy if proxy is None or "://" in proxy else f"http://{proxy}"


def _limits() -> httpx.Limits:
    return httpx.Limits(
        max_connections=POOL_SIZE, max_keepalive_connections=POOL_SIZE, keepalive_expiry=backend.KEEPALIVE_SECONDS
    )


def _async_transport(proxy: Proxy) -> httpx.AsyncHTTPTransport:
    try:
        return httpx.AsyncHTTPTransport(verify=backend.tls_context(), limits=_limits(), proxy=proxy)
    except (ImportError, ValueError, httpx.InvalidURL) as error:
        raise _bad_proxy(error) from error


def _blocking_transport(proxy: Proxy) -> httpx.HTTPTransport:
    try:
        return httpx.HTTPTransport(verify=backend.tls_context(), limits=_limits(), proxy=proxy)
    except (ImportError, ValueError, httpx.InvalidURL) as error:
        raise _bad_proxy(error) from error


def _bad_proxy(error: Exception) -> ConfigurationError:
    return ConfigurationError(f"the proxy that the environment names cannot be used: {error}")


def _no_room() -> SendFailure:
    return SendFailure("timed out (waiting for a connection)", sent=False, timed_out=True)


class AsyncPools:
    """Pools for the tasks of one event loop; what finds no room queues here, in order."""

    def __init__(self) -> None:
        self._spread = Spread(_async_transport)
        self._free = backend.CONNECTIONS
        self._queue: OrderedDict[anyio.Event, None] = OrderedDict()
        self._closed = False

    async def enter(self, url: str, timeout: float | None) -> Pool[httpx.AsyncHTTPTransport]:
        """Take a place in a pool, waiting at most `timeout` seconds for one.

        Raises:
            SendFailure: There was none in time.
            ConfigurationError: The pools were closed meanwhile.
        """
        if self._free:
            self._free -= 1
        else:
            await self._wait(timeout)
        try:
            if self._closed:
                raise backend.closed()
            return self._spread.enter(url)
        except BaseException:
            self._release()
            raise

    async def _wait(self, timeout: float | None) -> None:
        turn = anyio.Event()
        self._queue[turn] = None
        try:
            with anyio.move_on_after(timeout):
                await turn.wait()
        except BaseException:
            if turn.is_set():
                self._release()
            else:
                del self._queue[turn]
            raise
        if not turn.is_set():
            del self._queue[turn]
            raise _no_room()

    def _release(self) -> None:
        if self._queue:
            self._queue.popitem(last=False)[0].set()  # The place goes straight to the first of the queue.
        else:
            self._free += 1

    def leave(self, pool: Pool[httpx.AsyncHTTPTransport], *, cancelled: bool) -> bool:
        """Give a place back; return True when the pool is to be closed now."""
        self._release()
        return self._spread.leave(pool, cancelled=cancelled)

    async def aclose(self) -> None:
        """Close the connections, those in use when they are no more; who queues is told."""
        self._closed = True
        for pool in self._spread.clear():
            await pool.transport.aclose()

    def abandon(self) -> None:
        """Close the sockets without awaiting anything."""
        self._closed = True
        for pool in self._spread.clear():
            for connection in _connections(pool.transport):
                _abort(connection)


def _connections(transport: Any) -> list[Any]:
    """The connections of an httpcore pool; there is no public way to them from httpx's transport."""
    pool = getattr(transport, "_pool", None)
    return list(getattr(pool, "connections", ()))


def _abort(connection: Any) -> None:
    """Close a connection's socket where nothing can be awaited.

    asyncio and trio warn of a transport that is merely collected, and the loop it belongs to may be closed by now, so
    this reaches through httpcore and anyio to the socket. When they change inside, the warning comes back, no more.
    """
    with suppress(Exception):
        stream = connection._connection._network_stream._stream
        transport = getattr(stream, "_transport", None)
        if transport is None:  # trio's
            _close_socket(stream._raw_socket if hasattr(stream, "_raw_socket") else stream.socket)
        elif transport._loop.is_closed():
            _close_socket(transport._sock)
            transport._sock = None
        else:
            transport.abort()


def _close_socket(socket: Any) -> None:
    try:
        socket.close()
    except RuntimeError:  # trio's sockets close only in a running trio
        socket._sock.close()


class SolePool(Pool[httpx.HTTPTransport]):
    """A pool of the main thread, for one request at a time.

    It is owned by reference: one that an interruption makes nobody's is collected, and its sockets with it.
    """

    def __init__(self, proxy: Proxy) -> None:
        super().__init__(_blocking_transport(proxy), proxy)
        # Ctrl-C between the taking of httpcore's lock and its release would have httpcore itself wait for it in its
        # clean-up, for ever. One thread needs no lock.
        core: Any = getattr(self.transport, "_pool", None)
        core._optional_thread_lock = nullcontext()

    def discard(self) -> None:
        """Close the connections, without the order that an interrupted request may have left undone."""
        for connection in _connections(self.transport):
            with suppress(Exception):
                connection.close()


class BlockingPools:
    """Pools for threads; what finds no room waits here.

    Ctrl-C reaches the main thread between any two lines, httpcore's own included, where it can leave a lock locked for
    ever. So the main thread shares no pool with other threads, and counts nothing. It has at most as many requests
    under way as its signal handlers nest.
    """

    def __init__(self) -> None:
        self._spread = Spread(_blocking_transport)
        # The lock itself and not the condition is entered: that is written in Python, and could be left locked too.
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)
        self._free = backend.CONNECTIONS
        self._sole: list[SolePool] = []
        self._closed = False

    def enter(self, url: str, timeout: float | None) -> Pool[httpx.HTTPTransport]:
        """Take a place in a pool, waiting at most `timeout` seconds for one.

        Raises:
            SendFailure: There was none in time.
            ConfigurationError: The pools were closed meanwhile.
        """
        if threading.current_thread() is threading.main_thread():
            return self._take_sole(url)
        with self._lock:
            if not self._free and not self._changed.wait_for(lambda: self._free or self._closed, timeout):
                raise _no_room()
            if self._closed:
                self._changed.notify()  # Whoever waits behind this one, should closing not have come to tell it.
                raise backend.closed()
            pool = self._spread.enter(url)
            self._free -= 1
            return pool

    def _take_sole(self, url: str) -> SolePool:
        if self._closed:
            raise backend.closed()
        proxy = self._spread.proxy_for(url)
        if self._sole:
            pool = self._sole.pop()
            if pool.proxy == proxy:
                return pool
        with opening:
            return SolePool(proxy)

    def leave(self, pool: Pool[httpx.HTTPTransport], *, cancelled: bool) -> None:
        """Give a place back, and close the pool when that is due."""
        if isinstance(pool, SolePool):
            if cancelled or self._closed:
                pool.discard()
            else:
                self._sole.append(pool)
            return
        with self._lock:
            self._free += 1
            close = self._spread.leave(pool, cancelled=cancelled)
            self._changed.notify()
        if close:
            pool.transport.close()

    def close(self) -> None:
        """Close the connections, those in use when they are no more; who waits is told."""
        with self._lock:
            self._closed = True
            pools = self._spread.clear()
            self._changed.notify_all()
        for pool in pools:
            pool.transport.close()
        while self._sole:
            self._sole.pop().discard()
