"""The quickest server there is for one entry, endless keys and uploads: what is measured is the client."""

from __future__ import annotations

import asyncio
import json
import re
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


UPLOAD_PATH = "/assets/v1/assets"
_UPLOADED = _answer(b'{"path":"operations/1","operationId":"1","done":true,"response":{"assetId":"1"}}')


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
                self.transport.write(_page(head) if b"/entries?" in head else _ENTRY_ANSWER)
            else:
                self.body_left = int(length[1]) - len(self.buffer)
                self.buffer = b""
                if not self.body_left:
                    self.transport.write(_UPLOADED)


def serve(ready: Any) -> None:
    """Serve in this process until it is ended; sends the port through `ready`."""

    async def main() -> None:
        server = await asyncio.get_running_loop().create_server(_Protocol, "127.0.0.1", 0)
        ready.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(main())
