"""How large a picture is, from its header."""

from __future__ import annotations

import struct
from collections.abc import Callable

__all__ = ["IMAGE_FORMATS", "dimensions"]

_JPEG_STANDALONE = {0x01, *range(0xD0, 0xD9)}
_JPEG_FRAMES = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_TGA_IMAGES = (1, 2, 3, 9, 10, 11)


def dimensions(content_type: str, content: bytes) -> tuple[int, int] | None:
    """Return width and height of a picture in pixels; None when it is none of that format.

    Args:
        content_type: One of `IMAGE_FORMATS`.
        content: The whole file.
    """
    try:
        width, height = IMAGE_FORMATS[content_type](content)
    except (struct.error, ValueError):
        return None
    return (width, height) if width > 0 and height > 0 else None


def _png(content: bytes) -> tuple[int, int]:
    signature, _, chunk, width, height = struct.unpack_from(">8sI4sII", content)
    if signature != b"\x89PNG\r\n\x1a\n" or chunk != b"IHDR":
        raise ValueError
    return width, height


def _bmp(content: bytes) -> tuple[int, int]:
    signature, width, height = struct.unpack_from("<2s16xii", content)
    if signature != b"BM":
        raise ValueError
    return width, abs(height)  # a negative height only says that the first row is the top one


def _tga(content: bytes) -> tuple[int, int]:
    """The format has no signature; what can be checked is whether its header makes sense."""
    colour_map, kind, width, height, depth = struct.unpack_from("<xBB9xHHB", content)
    if colour_map > 1 or kind not in _TGA_IMAGES or depth not in (8, 15, 16, 24, 32):
        raise ValueError
    return width, height


def _jpeg(content: bytes) -> tuple[int, int]:
    """Segment by segment up to the frame, which tells the size."""
    if content[:2] != b"\xff\xd8":
        raise ValueError
    position = 2
    while True:
        mark, marker = struct.unpack_from(">BB", content, position)
        if mark != 0xFF:
            raise ValueError
        if marker == 0xFF:  # a fill byte
            position += 1
        elif marker in _JPEG_STANDALONE:
            position += 2
        elif marker in _JPEG_FRAMES:
            height, width = struct.unpack_from(">HH", content, position + 5)
            return width, height
        else:
            position += 2 + struct.unpack_from(">H", content, position + 2)[0]


IMAGE_FORMATS: dict[str, Callable[[bytes], tuple[int, int]]] = {
    "image/png": _png,
    "image/jpeg": _jpeg,
    "image/bmp": _bmp,
    "image/tga": _tga,
}
