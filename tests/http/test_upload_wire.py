"""Uploads and downloads over a real socket that is cut, or answers before it has heard everything."""

from __future__ import annotations

import os
import signal
import socket
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import httpx
import httpx2
import pytest

import rblxcloud
import rblxcloud.sync
from rblxcloud import AssetType
from rblxcloud.config import RetryPolicy
from rblxcloud.http.upload import CHUNK
from rblxcloud.runtime.blocking import run
from tests.support.files import FILM
from tests.support.modes import view
from tests.support.raw_server import reply

STARTED = reply(b'{"path":"operations/1"}')
BIG_FILM = FILM * 5
"""More than the buffers of a connection hold, so that a sender notices that it is cut."""
MIB = 2**20
SOON = RetryPolicy(base_delay=0, max_delay=0)

Handler = Callable[[socket.socket, int], None]
"""Given a connection and how many there were before, does what it likes."""


@contextmanager
def serving(handle: Handler) -> Iterator[str]:
    """Serve connections one after the other."""
    listening = socket.create_server(("127.0.0.1", 0))
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)

    def accept() -> None:
        for number in range(100):
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            with connection, suppress(ConnectionError):
                handle(connection, number)

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join(10)


def receive(connection: socket.socket, size: int) -> bytes:
    received = bytearray()
    while len(received) < size and (data := connection.recv(65_536)):
        received += data
    return bytes(received)


def receive_head(connection: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data and (more := connection.recv(65_536)):
        data += more
    return data


def body_of(connection: socket.socket) -> bytes:
    head, _, body = receive_head(connection).partition(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    return body + receive(connection, length - len(body))


@pytest.fixture(params=["asyncio", "trio", "blocking", "httpx", "httpx2", "blocking httpx", "blocking httpx2"])
def tell(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """Return a function that runs a story with a client: over connections of ours, and over those of a user's client."""
    mode, _, library = request.param.rpartition(" ")
    module = {"httpx": httpx, "httpx2": httpx2}.get(library)

    def tell(base_url: str, story: Any, on_response: Any = ()) -> Any:
        options = {"base_url": base_url, "retries": SOON, "rate_limits": "server", "on_response": on_response}
        if "blocking" in (mode, library):
            http_client = None if module is None else module.Client()
            with rblxcloud.sync.Client("key", http_client=http_client, **options) as client:
                result = run(story(view(client)))
            if http_client is not None:
                http_client.close()
            return result

        async def main() -> Any:
            http_client = None if module is None else module.AsyncClient()
            async with rblxcloud.Client("key", http_client=http_client, **options) as client:
                result = await story(client)
            if http_client is not None:
                await http_client.aclose()
            return result

        return anyio.run(main, backend="trio" if library == "trio" else "asyncio")

    return tell


async def upload(client: Any, file: Any, **more: Any) -> Any:
    return await client.user(1).upload_asset(file, AssetType.Video, "name", **more)


def in_pieces() -> Iterator[bytes]:
    yield from (BIG_FILM[start : start + 100_000] for start in range(0, len(BIG_FILM), 100_000))


def test_what_was_cut_half_way_is_sent_again(tell: Callable[..., Any]) -> None:
    bodies: list[bytes] = []

    def handle(connection: socket.socket, number: int) -> None:
        if number == 0:
            receive(connection, CHUNK)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # A reset, not an end.
            return
        bodies.append(body_of(connection))
        connection.sendall(STARTED)

    with serving(handle) as base_url:
        assert tell(base_url, lambda client: upload(client, BIG_FILM)).path == "/assets/v1/operations/1"
    assert BIG_FILM in bodies[0]


def test_a_stream_that_was_cut_half_way_certainly_made_nothing(tell: Callable[..., Any]) -> None:
    def handle(connection: socket.socket, number: int) -> None:
        receive(connection, CHUNK)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    with serving(handle) as base_url, pytest.raises(rblxcloud.APIConnectionError) as caught:
        tell(base_url, lambda client: upload(client, in_pieces(), size=len(BIG_FILM)))
    assert not caught.value.outcome_unknown


def test_what_was_sent_whole_is_not_sent_again(tell: Callable[..., Any]) -> None:
    connections: list[int] = []

    def handle(connection: socket.socket, number: int) -> None:
        connections.append(number)
        assert BIG_FILM in body_of(connection)

    with serving(handle) as base_url, pytest.raises(rblxcloud.APIConnectionError) as caught:
        tell(base_url, lambda client: upload(client, BIG_FILM))
    assert caught.value.outcome_unknown
    assert connections == [0]


def test_a_refusal_before_the_end_is_heard(tell: Callable[..., Any]) -> None:
    def handle(connection: socket.socket, number: int) -> None:
        receive(connection, 1000)
        connection.sendall(reply(b'{"errors":[{"message":"Invalid API Key"}]}', status="401 Unauthorized"))
        connection.shutdown(socket.SHUT_WR)
        receive(connection, 10 * len(BIG_FILM))

    with serving(handle) as base_url, pytest.raises(rblxcloud.AuthenticationError, match="Invalid API Key"):
        tell(base_url, lambda client: upload(client, BIG_FILM))


def test_a_download_that_is_broken_off_leaves_no_connection_in_use(tell: Callable[..., Any], tmp_path: Path) -> None:
    closed: list[bool] = []

    def handle(connection: socket.socket, number: int) -> None:
        try:
            while head := receive_head(connection):
                if b"/assetId/" in head:
                    connection.sendall(reply(b'{"location":"https://c0.rbxcdn.com/film"}'))
                else:
                    connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 5000000\r\n\r\n" + bytes(1_000_000))
        finally:
            closed.append(True)

    def progress(received: int, total: int | None) -> None:
        assert total == 5_000_000
        if received:
            raise KeyError("mine")

    with serving(handle) as base_url, pytest.raises(KeyError, match="mine"):
        tell(base_url, lambda client: client.asset(1).download(tmp_path / "film", progress=progress))
    assert closed == [True]
    assert list(tmp_path.iterdir()) == []


def test_a_stream_is_kept_until_there_is_a_connection(tell: Callable[..., Any]) -> None:
    """Where nobody listens, none of it is taken, and a later attempt still has all of it."""
    with socket.create_server(("127.0.0.1", 0)) as placeholder:
        port = placeholder.getsockname()[1]
    bodies: list[bytes] = []
    ready = threading.Event()

    def listen() -> None:
        with socket.create_server(("127.0.0.1", port)) as listening:
            ready.set()
            connection, _ = listening.accept()
            with connection:
                bodies.append(body_of(connection))
                connection.sendall(STARTED)

    server = threading.Thread(target=listen, daemon=True)

    def after_refusal(event: rblxcloud.ResponseEvent) -> None:
        if event.attempt == 1:
            assert event.failure is not None
            server.start()
            assert ready.wait(10)

    tell(f"http://127.0.0.1:{port}", lambda client: upload(client, in_pieces(), size=len(BIG_FILM)), [after_refusal])
    server.join(10)
    assert BIG_FILM in bodies[0]


@pytest.mark.parametrize("source", ["path", "stream", "stream of known size"])
def test_memory_does_not_grow_with_the_file(tell: Callable[..., Any], tmp_path: Path, source: str) -> None:
    part, count = FILM[:MIB], 64
    path = tmp_path / "film.mp4"
    with path.open("wb") as file:
        file.writelines(part for _ in range(count))

    def handle(connection: socket.socket, number: int) -> None:
        buffer = bytearray(CHUNK)
        head, _, body = receive_head(connection).partition(b"\r\n\r\n")
        left = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0]) - len(body)
        while left > 0:
            left -= connection.recv_into(buffer, min(left, CHUNK))
        connection.sendall(STARTED)

    async def story(client: Any) -> int:
        file = path if source == "path" else (part for _ in range(count))
        tracemalloc.start()
        try:
            await upload(client, file, size=count * MIB if source == "stream of known size" else None)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    with serving(handle) as base_url:
        assert tell(base_url, story) < 16 * MIB


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@pytest.mark.parametrize("own", [True, False], ids=["ours", "theirs"])
def test_an_upload_that_is_cancelled_leaves_the_client_usable(backend: str, own: bool, tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    path.write_bytes(BIG_FILM)
    bodies: list[bytes] = []

    def handle(connection: socket.socket, number: int) -> None:
        if number < 20:
            receive(connection, len(BIG_FILM))
            return
        bodies.append(body_of(connection))
        connection.sendall(STARTED)

    async def main(base_url: str) -> None:
        http_client = None if own else httpx.AsyncClient(limits=httpx.Limits(max_connections=2))
        async with rblxcloud.Client("key", base_url=base_url, rate_limits="off", http_client=http_client) as client:
            for _ in range(20):
                with anyio.CancelScope() as scope:

                    def progress(sent: int, total: int, scope: anyio.CancelScope = scope) -> None:
                        if sent > CHUNK:
                            scope.cancel()

                    await upload(client, path, progress=progress)
                assert scope.cancelled_caught
            await upload(client, path)
        if http_client is not None:
            await http_client.aclose()

    with serving(handle) as base_url:
        anyio.run(main, base_url, backend=backend)
    assert BIG_FILM in bodies[0]


@pytest.mark.parametrize("inner", ["asyncio", "trio"])
@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_parts_of_an_upload_can_come_from_a_loop_of_their_own(backend: str, inner: str) -> None:
    async def fetch() -> bytes:
        await anyio.lowlevel.checkpoint()
        return FILM[:8]

    def parts() -> Iterator[bytes]:
        yield anyio.run(fetch, backend=inner)

    bodies: list[bytes] = []

    def handle(connection: socket.socket, number: int) -> None:
        bodies.append(body_of(connection))
        connection.sendall(STARTED)

    async def main(base_url: str) -> None:
        async with rblxcloud.Client("key", base_url=base_url) as client:
            await upload(client, parts(), file_name="film.mp4")

    with serving(handle) as base_url:
        anyio.run(main, base_url, backend=backend)
    assert FILM[:8] in bodies[0]


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@pytest.mark.parametrize("source", ["pipe", "pipe of known size", "path of a fifo"])
def test_an_upload_of_a_file_that_brings_nothing_can_be_cancelled(backend: str, source: str, tmp_path: Path) -> None:
    fifo = tmp_path / "film.mp4"
    os.mkfifo(fifo)
    reading, writing = os.pipe()

    async def main(base_url: str) -> None:
        async with rblxcloud.Client("key", base_url=base_url) as client:
            with os.fdopen(reading, "rb", buffering=0) as pipe, anyio.move_on_after(0.2) as scope:
                file = fifo if source == "path of a fifo" else pipe
                await upload(client, file, file_name="film.mp4", size=MIB if "size" in source else None)
            assert scope.cancelled_caught

    os.write(writing, FILM[:8])
    try:
        with serving(lambda connection, number: None) as base_url:
            anyio.run(main, base_url, backend=backend)
    finally:
        os.close(writing)  # What reads in a thread of its own ends.
        os.close(os.open(fifo, os.O_RDWR))


@pytest.mark.parametrize("source", ["path", "stream"])
def test_ctrl_c_in_a_blocking_upload_leaves_the_client_usable(tmp_path: Path, source: str) -> None:
    path = tmp_path / "film.mp4"
    path.write_bytes(BIG_FILM)
    bodies: list[bytes] = []

    def handle(connection: socket.socket, number: int) -> None:
        if number == 0:
            receive(connection, len(BIG_FILM))
            return
        bodies.append(body_of(connection))
        connection.sendall(STARTED)

    def progress(sent: int, total: int) -> None:
        if sent > CHUNK:
            signal.raise_signal(signal.SIGINT)

    with serving(handle) as base_url, rblxcloud.sync.Client("key", base_url=base_url, rate_limits="off") as client:
        user = client.user(1)
        with pytest.raises(KeyboardInterrupt):
            file = path if source == "path" else in_pieces()
            user.upload_asset(file, AssetType.Video, "name", progress=progress)
        assert user.upload_asset(path, AssetType.Video, "name").path == "/assets/v1/operations/1"
    assert len(bodies) == 1
    assert BIG_FILM in bodies[0]


# A place travels without a form: what ends the body is its last byte.

PLACE = b"<roblox!" + BIG_FILM
PUBLISHED = reply(b'{"versionNumber":7}')


async def publish(client: Any, **more: Any) -> Any:
    return await client.experience(1).place(2).publish(PLACE, **more)


def test_a_place_that_was_cut_half_way_is_sent_again(tell: Callable[..., Any]) -> None:
    bodies: list[bytes] = []

    def handle(connection: socket.socket, number: int) -> None:
        if number == 0:
            receive(connection, CHUNK)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            return
        bodies.append(body_of(connection))
        connection.sendall(PUBLISHED)

    with serving(handle) as base_url:
        assert tell(base_url, publish) == 7
    assert bodies == [PLACE]


def test_a_place_that_arrived_whole_is_not_sent_again(tell: Callable[..., Any]) -> None:
    bodies: list[bytes] = []

    def handle(connection: socket.socket, number: int) -> None:
        bodies.append(body_of(connection))

    with serving(handle) as base_url, pytest.raises(rblxcloud.APIConnectionError) as caught:
        tell(base_url, publish)
    assert caught.value.outcome_unknown
    assert bodies == [PLACE]


def test_what_progress_raises_at_the_end_leaves_a_place_unfinished(tell: Callable[..., Any]) -> None:
    bodies: list[bytes] = []

    def handle(connection: socket.socket, number: int) -> None:
        bodies.append(body_of(connection))

    def stop(sent: int, total: int) -> None:
        if sent == total:
            raise KeyError("enough")

    with serving(handle) as base_url, pytest.raises(KeyError, match="enough"):
        tell(base_url, lambda client: publish(client, progress=stop))
    assert [len(body) for body in bodies] == [len(PLACE) - 1]
