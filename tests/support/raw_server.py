"""A server of raw bytes on loopback: answers what it is told, and keeps what it read."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Answer = Callable[[bytes, socket.socket], None]
"""Given a request's head, writes what it likes."""


def reply(body: bytes = b"{}", *, status: str = "200 OK", headers: str = "") -> bytes:
    return f"HTTP/1.1 {status}\r\ncontent-length: {len(body)}\r\n{headers}\r\n".encode() + body


class RawServer:
    """Keeps the head of every request and the connections it ever had."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self.heads: list[bytes] = []
        self.connections: list[socket.socket] = []
        self._closing = False
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while not self._closing:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self.connections.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        buffer = b""
        try:
            while True:
                while b"\r\n\r\n" not in buffer:
                    chunk = connection.recv(65536)
                    if not chunk:
                        return
                    buffer += chunk
                head, _, buffer = buffer.partition(b"\r\n\r\n")
                length = next(
                    (int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0
                )  # fmt: skip
                while len(buffer) < length:
                    buffer += connection.recv(65536)
                buffer = buffer[length:]
                self.heads.append(head)
                self._answer(head, connection)
        except OSError:
            return
        finally:
            connection.close()

    def close(self) -> None:
        self._closing = True
        self._socket.close()
        for connection in self.connections:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue

    def request_lines(self) -> list[str]:
        return [head.split(b"\r\n")[0].decode("latin-1") for head in self.heads]


@contextmanager
def raw_server(answer: Answer | bytes) -> Iterator[RawServer]:
    """Serve while the context is open."""
    server = RawServer(answer if callable(answer) else lambda head, connection: connection.sendall(answer))
    try:
        yield server
    finally:
        server.close()
