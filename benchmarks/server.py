"""The quickest server there is for one entry, endless keys and uploads: what is measured is the client."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

ENTRY_PATH = "/cloud/v2/universes/1/data-stores/s/scopes/global/entries/k"
HEADERS = {"x-api-key": "k", "accept": "application/json"}

_VERSION = "08D9E6A3F2188CFF.0000000001.08D9E6A3F2188CFF.01"
_ENTRY = json.dumps(
    {
        "path": ENTRY_PATH[10:],
        "createTime": "2026-01-02T03:04:05.678901200Z",
        "revisionId": _VERSION,
        "revisionCreateTime": "2026-01-02T03:04:05.678901200Z",
        "state": "ACTIVE",
        "etag": _VERSION,
        "value": {"coins": 68},
        "id": "k",
        "users": ["users/1"],
        "attributes": {},
    }
).encode()


def _answer(body: bytes) -> bytes:
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


_ENTRY_ANSWER = _answer(_ENTRY)


def _page(head: bytes) -> bytes:
    token = re.search(rb"pageToken=(\d+)", head)
    start = int(token[1]) if token else 0
    rows = [{"path": f"p/{number}", "id": f"key-{number:09}"} for number in range(start, start + 256)]
    return _answer(json.dumps({"dataStoreEntries": rows, "nextPageToken": str(start + 256)}).encode())


# The asynchronous half of rblx-open-cloud 2.3.0 reads through v1, where all but the value stands in headers.
_V1_BODY = b'{"coins":68}'
_V1_ENTRY_ANSWER = (
    f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(_V1_BODY)}\r\n"
    f"roblox-entry-version: {_VERSION}\r\nroblox-entry-created-time: 2026-01-02T03:04:05.6789012Z\r\n"
    "roblox-entry-version-created-time: 2026-01-02T03:04:05.6789012Z\r\n"
    "roblox-entry-attributes: {}\r\nroblox-entry-userids: [1]\r\n\r\n"
).encode() + _V1_BODY

UPLOAD_PATH = "/assets/v1/assets"
_UPLOADED = _answer(b'{"path":"operations/1","operationId":"1","done":true,"response":{"assetId":"1"}}')


def _read(head: bytes) -> bytes:
    if b"/entries?" in head:
        return _page(head)
    return _V1_ENTRY_ANSWER if b" /datastores/v1/" in head else _ENTRY_ANSWER


class _Protocol(asyncio.BufferedProtocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: Any = transport
        self.received = bytearray(1 << 20)
        self.buffer = b""
        self.body_left = 0

    def get_buffer(self, sizehint: int) -> bytearray:
        return self.received

    def buffer_updated(self, nbytes: int) -> None:
        if self.body_left > nbytes:
            self.body_left -= nbytes  # Of a body, only the length counts.
            return
        data = bytes(self.received[:nbytes])
        if self.body_left:
            data = data[self.body_left :]
            self.body_left = 0
            self.transport.write(_UPLOADED)
        self.buffer += data
        while not self.body_left and b"\r\n\r\n" in self.buffer:
            head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
            length = re.search(rb"(?i)content-length: *(\d+)", head)
            if length is None:
                self.transport.write(_read(head))
            else:
                self.body_left = int(length[1]) - len(self.buffer)
                self.buffer = b""
                if not self.body_left:
                    self.transport.write(_UPLOADED)


@contextmanager
def serving() -> Iterator[str]:
    """Serve from another process while the context is open.

    Yields:
        The base URL.
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_serve, args=(theirs,), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{ours.recv()}"
    finally:
        process.terminate()
        process.join()


def _serve(ready: Any) -> None:
    async def main() -> None:
        server = await asyncio.get_running_loop().create_server(_Protocol, "127.0.0.1", 0)
        ready.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(main())
