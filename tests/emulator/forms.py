"""Forms and files as the facts write them, and not as the client builds them."""

from __future__ import annotations

import json
import struct
import zlib
from typing import Any

from tests.support.emulator import Answer, Caller

BOUNDARY = "----edge"
ASSETS = "/assets/v1/assets"


def png(width: int = 4, height: int = 4) -> bytes:
    """Return a whole grey picture."""
    rows = b"".join(b"\0" + b"\x80" * width for _ in range(height))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        for kind, content in (
            (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)),
            (b"IDAT", zlib.compress(rows)),
            (b"IEND", b""),
        )
    )


def jpeg(width: int, height: int) -> bytes:
    """Return the beginning of a picture, with a comment and a fill byte before its frame."""
    comment = b"\xff\xfe" + struct.pack(">H", 6) + b"\xff\xc0ab"
    frame = b"\xff\xff\xc2" + struct.pack(">HBHH", 17, 8, height, width) + b"\3" + b"\0" * 9
    return b"\xff\xd8" + comment + frame


def bmp(width: int, height: int) -> bytes:
    return struct.pack("<2sIIIIii", b"BM", 54, 0, 54, 40, width, height)


def tga(width: int, height: int) -> bytes:
    return struct.pack("<BBB9xHHBB", 0, 0, 2, width, height, 24, 0)


RBXM = b"<roblox!\x89\xff\r\n\x1a\n" + b"\0" * 16
FILES: dict[str, dict[str, bytes]] = {
    "Animation": {"model/x-rbxm": RBXM},
    "Audio": {
        "audio/mpeg": b"ID3\4\0",
        "audio/ogg": b"OggS\0\2",
        "audio/wav": b"RIFF\x24\0\0\0WAVEfmt ",
        "audio/flac": b"fLaC\0",
    },
    "Decal": {"image/png": png(), "image/jpeg": jpeg(8, 6), "image/bmp": bmp(8, -6), "image/tga": tga(8, 6)},
    "Image": {"image/png": png(), "image/jpeg": jpeg(8, 6), "image/bmp": bmp(8, 6), "image/tga": tga(8, 6)},
    "Mesh": {"model/x-file-mesh-data": b"version 4.01\n\0\0"},
    "Model": {
        "model/fbx": b"Kaydara FBX Binary  \0\x1a\0",
        "model/gltf+json": b'{"asset": {"version": "2.0"}}',
        "model/gltf-binary": b"glTF\2\0\0\0",
        "model/x-rbxm": b'<roblox xmlns:xmime="http://www.w3.org/2005/05/xmlmime" version="4">',
    },
    "Video": {"video/mp4": b"\0\0\0\x18ftypmp42", "video/mov": b"\0\0\0\x14ftypqt  "},
}
"""A file of every content type of every type of asset (assets.md section 1)."""


def form(*parts: tuple[str, bytes, str | None, str | None]) -> bytes:
    """Return a form of parts, each with name, content, filename and content type."""
    body = b""
    for name, content, filename, kind in parts:
        disposition = f'form-data; name="{name}"' + (f'; filename="{filename}"' if filename is not None else "")
        body += f"--{BOUNDARY}\r\nContent-Disposition: {disposition}\r\n".encode()
        body += f"Content-Type: {kind}\r\n".encode() if kind else b""
        body += b"\r\n" + content + b"\r\n"
    return body + f"--{BOUNDARY}--\r\n".encode()


def request(asset_type: str = "Image", user: object = "1", **more: Any) -> dict[str, Any]:
    """Return the JSON of a request to create an asset."""
    return {
        "assetType": asset_type,
        "displayName": "A name",
        "description": "A text",
        "creationContext": {"creator": {"userId": user}},
        **more,
    }


class Assets:
    """The assets service."""

    def __init__(self, call: Caller) -> None:
        self.call = call

    def send(self, method: str, path: str, body: bytes, key: str = "emulator-key") -> Answer:
        kind = {"content-type": f"multipart/form-data; boundary={BOUNDARY}"}
        return self.call(method, path, body, headers=kind, key=key)

    def create(
        self,
        fields: Any = None,
        content: bytes | None = None,
        content_type: str = "image/png",
        *,
        filename: str | None = "file",
        key: str = "emulator-key",
    ) -> Answer:
        sent = json.dumps(request() if fields is None else fields).encode()
        file = ("fileContent", png() if content is None else content, filename, content_type)
        return self.send("POST", ASSETS, form(("request", sent, None, None), file), key)

    def update(
        self,
        asset: int | str,
        fields: Any,
        content: bytes | None = None,
        content_type: str = "model/x-rbxm",
        *,
        mask: str | None = None,
        key: str = "emulator-key",
    ) -> Answer:
        parts: list[tuple[str, bytes, str | None, str | None]] = [("request", json.dumps(fields).encode(), None, None)]
        if content is not None:
            parts.append(("fileContent", content, "file", content_type))
        query = "" if mask is None else f"?updateMask={mask}"
        return self.send("PATCH", f"{ASSETS}/{asset}{query}", form(*parts), key)

    def poll(self, answer: Answer, key: str = "emulator-key") -> Any:
        polled = self.call("GET", f"/assets/v1/{answer.json['path']}", key=key)
        assert polled.status == 200, polled.json
        return polled.json

    def made(self, *arguments: Any, **more: Any) -> str:
        """Create an asset; return its id."""
        return str(self.poll(self.create(*arguments, **more))["response"]["assetId"])

    def get(self, asset: int | str, mask: str = "", key: str = "emulator-key") -> Answer:
        return self.call("GET", f"{ASSETS}/{asset}" + (f"?readMask={mask}" if mask else ""), key=key)
