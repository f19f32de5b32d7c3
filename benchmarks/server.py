"""The quickest server there is for one entry and for endless keys: what is measured is the client."""

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


class _Protocol(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: Any = transport
        self.buffer = b""

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while b"\r\n\r\n" in self.buffer:
            head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
            self.transport.write(_page(head) if b"/entries?" in head else _ENTRY_ANSWER)


def serve(ready: Any) -> None:
    """Serve in this process until it is ended; sends the port through `ready`."""

    async def main() -> None:
        server = await asyncio.get_running_loop().create_server(_Protocol, "127.0.0.1", 0)
        ready.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(main())
