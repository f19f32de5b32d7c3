"""Both runtimes against raw bytes: what goes out is what we encoded, and every failure says whether it was sent."""

from __future__ import annotations

import asyncio
import gzip
import socket
import threading
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import anyio
import anyio.lowlevel
import httpx
import httpx2
import pytest

from rblxcloud import ConfigurationError
from rblxcloud.runtime.base import Request, Response, Runtime, SendFailure, Timeout
from rblxcloud.runtime.blocking import BlockingRuntime, run
from rblxcloud.runtime.concurrent import ConcurrentRuntime
from tests.support.raw_server import raw_server, reply

Use = Callable[[Runtime], Coroutine[Any, Any, Any]]
Drive = Callable[[Use], Any]

BACKENDS = ["asyncio", "trio", "asyncio-httpx", "asyncio-httpx2", "blocking", "blocking-httpx", "blocking-httpx2"]


@pytest.fixture(params=BACKENDS)
def drive(request: pytest.FixtureRequest) -> Drive:
    """Return a function that uses a runtime of one of the backends, and closes it."""
    mode, _, library = request.param.partition("-")
    module: Any = {"": None, "httpx": httpx, "httpx2": httpx2}[library]

    def blocking(use: Use) -> Any:
        client = module.Client(headers={"x-own": "1"}, cookies={"c": "1"}, auth=("u", "p")) if module else None
        runtime = BlockingRuntime(client)
        try:
            return run(use(runtime))
        finally:
            run(runtime.aclose())
            if client is not None:
                assert not client.is_closed
                client.close()

    async def asynchronous(use: Use) -> Any:
        client = module.AsyncClient(headers={"x-own": "1"}, cookies={"c": "1"}, auth=("u", "p")) if module else None
        runtime = ConcurrentRuntime(client)
        try:
            return await use(runtime)
        finally:
            await runtime.aclose()
            if client is not None:
                assert not client.is_closed
                await client.aclose()

    if mode == "blocking":
        return blocking
    return lambda use: anyio.run(asynchronous, use, backend=mode)


def get(url: str, path: str = "/", *, read: float = 5.0, max_bytes: int | None = None) -> Use:
    async def use(runtime: Runtime) -> Response:
        request = Request("GET", url + path, {"x-api-key": "k"}, timeout=Timeout(5, read, 5, 5))
        return await runtime.send(request, max_bytes=max_bytes, deadline=None)

    return use


@pytest.mark.parametrize(
    "path",
    ["/a%2Fb", "/%2E%2E/x", "/a%3Fb?c=d%26e", "/%20+%2B", "/x:increment", "/%C3%A9", "/a%40b?filter=%22%5C%22", "/%25"],
)
def test_path_goes_out_byte_for_byte(drive: Drive, path: str) -> None:
    with raw_server(reply()) as server:
        assert drive(get(server.url, path)).content == b"{}"
    assert server.request_lines() == [f"GET {path} HTTP/1.1"]


def test_nothing_of_the_users_client_is_sent(drive: Drive) -> None:
    with raw_server(reply()) as server:
        drive(get(server.url))
    head = server.heads[0].lower()
    assert b"x-api-key: k" in head
    assert not any(name in head for name in (b"x-own", b"cookie", b"authorization"))


def test_redirects_are_not_followed(drive: Drive) -> None:
    with raw_server(reply(status="302 Found", headers="location: /other\r\n")) as server:
        assert drive(get(server.url)).status == 302
    assert len(server.heads) == 1


def test_headers_are_read_in_lower_case(drive: Drive) -> None:
    with raw_server(reply(headers="X-RateLimit-Remaining: 5\r\n")) as server:
        assert drive(get(server.url)).headers["x-ratelimit-remaining"] == "5"


def test_refused_connection_was_not_sent(drive: Drive) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
    with pytest.raises(SendFailure) as caught:
        drive(get(url))
    assert not caught.value.sent


def drop(head: bytes, connection: socket.socket) -> None:
    connection.shutdown(socket.SHUT_RDWR)


def cut_body(head: bytes, connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nabc")
    connection.shutdown(socket.SHUT_RDWR)


def garbage(head: bytes, connection: socket.socket) -> None:
    connection.sendall(b"\x00\x01 what is this\r\n\r\n")


def bad_gzip(head: bytes, connection: socket.socket) -> None:
    connection.sendall(reply(b"not gzip", headers="content-encoding: gzip\r\n"))


# httpx's nested generators cannot be closed from outside when a body is left half-read; trio warns of it.
half_read = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@half_read
@pytest.mark.parametrize("answer", [drop, cut_body, garbage, bad_gzip])
def test_answer_that_is_cut_or_broken_was_sent(drive: Drive, answer: Any) -> None:
    with raw_server(answer) as server, pytest.raises(SendFailure) as caught:
        drive(get(server.url))
    assert caught.value.sent
    assert not caught.value.timed_out


@pytest.fixture
def silence() -> Iterator[tuple[Any, threading.Event]]:
    """An answer that does not come before the test is over."""
    over = threading.Event()
    yield lambda head, connection: over.wait(10), over
    over.set()


def test_answer_that_does_not_come_times_out(drive: Drive, silence: tuple[Any, threading.Event]) -> None:
    with raw_server(silence[0]) as server, pytest.raises(SendFailure) as caught:
        drive(get(server.url, read=0.05))
    assert caught.value.sent
    assert caught.value.timed_out


@half_read
def test_size_is_counted_after_decompression(drive: Drive) -> None:
    packed = gzip.compress(b"x" * 1_000_000)
    with raw_server(reply(packed, headers="content-encoding: gzip\r\n")) as server:
        assert len(drive(get(server.url, max_bytes=1_000_000)).content) == 1_000_000
        with pytest.raises(SendFailure) as caught:
            drive(get(server.url, max_bytes=999_999))
    assert caught.value.too_large


def test_connections_are_used_again(drive: Drive) -> None:
    async def use(runtime: Runtime) -> None:
        for _ in range(5):
            await get(server.url)(runtime)

    with raw_server(reply()) as server:
        drive(use)
    assert len(server.connections) == 1


def test_closed_runtime_says_so(drive: Drive) -> None:
    async def use(runtime: Runtime) -> None:
        await runtime.aclose()
        with pytest.raises(ConfigurationError, match="closed"):
            await get("http://127.0.0.1:1")(runtime)

    drive(use)


def test_client_of_the_other_mode_is_refused() -> None:
    for module in (httpx, httpx2):
        with module.Client() as client, pytest.raises(ConfigurationError, match="AsyncClient"):
            ConcurrentRuntime(client)
    with pytest.raises(ConfigurationError, match="takes a Client"):
        BlockingRuntime(object())


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_second_event_loop_is_refused_with_the_remedy(backend: str) -> None:
    with raw_server(reply()) as server:
        runtime = ConcurrentRuntime(
            http_client=httpx.AsyncClient(transport=httpx.MockTransport(lambda r: httpx.Response(200)))
        )
        anyio.run(get(server.url), runtime, backend=backend)
        with pytest.raises(ConfigurationError, match="one client for each loop"):
            anyio.run(get(server.url), runtime, backend=backend)


@pytest.mark.parametrize(("backend", "native"), [("asyncio", False), ("asyncio", True), ("trio", False)])
def test_no_connection_is_lost_to_cancellations(backend: str, native: bool) -> None:
    """Thousands of calls cancelled at all moments; then as many plain ones as there are connections succeed."""

    async def main() -> None:
        runtime = ConcurrentRuntime()
        use = get(server.url)
        for round_number in range(40):
            async with anyio.create_task_group() as group:
                for number in range(50):
                    group.start_soon(cancelled_call, runtime, use, (round_number * 50 + number) % 40)
        async with anyio.create_task_group() as group:
            for _ in range(100):
                group.start_soon(use, runtime)
        await runtime.aclose()

    async def cancelled_call(runtime: ConcurrentRuntime, use: Use, steps: int) -> None:
        if native:
            task = asyncio.ensure_future(use(runtime))
            for _ in range(steps):
                await asyncio.sleep(0)
            task.cancel()
            try:
                await task
            except asyncio.CancelledError:
                return
            return
        with anyio.CancelScope() as scope:
            async with anyio.create_task_group() as group:
                group.start_soon(use, runtime)
                for _ in range(steps):
                    await anyio.lowlevel.checkpoint()
                scope.cancel()

    with raw_server(reply()) as server:
        anyio.run(main, backend=backend)
