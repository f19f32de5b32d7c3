"""Small files of the kinds that assets are made from, and forms taken apart."""

from __future__ import annotations

import email
import json
import struct
import zlib
from dataclasses import dataclass
from typing import Any

import httpx


def png(width: int = 2, height: int = 2) -> bytes:
    """Return a picture that is all black."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = zlib.compress(bytes(height * (1 + 3 * width)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


FILM = b"\0\0\0\x18ftypmp42" + bytes(range(256)) * 12_000
"""About 3 MB that begin like a film: several lots of an upload."""
MODEL = b"; FBX 7.3.0 project file\n"


@dataclass(frozen=True)
class Form:
    """An upload, taken apart."""

    request: dict[str, Any]
    filename: str
    content_type: str
    content: bytes


def read_form(request: httpx.Request) -> Form:
    """Return what a request uploads."""
    head = f"content-type: {request.headers['content-type']}\r\n\r\n".encode()
    message = email.message_from_bytes(head + request.content)
    fields, file = message.get_payload()
    assert fields.get_param("name", header="content-disposition") == "request"
    assert file.get_param("name", header="content-disposition") == "fileContent"
    # The parser of mail would take line ends out of the content.
    boundary = message.get_boundary().encode()
    content = request.content.split(b"\r\n\r\n", 2)[2].removesuffix(b"\r\n--" + boundary + b"--\r\n")
    return Form(json.loads(fields.get_payload()), file.get_filename(), file.get_content_type(), content)
