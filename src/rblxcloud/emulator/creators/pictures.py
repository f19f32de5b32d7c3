"""Small pictures, written by hand: a disc or a square of one colour on a ground that is clear, or white."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

__all__ = ["colour_of", "jpeg", "png"]

_BLOCK = 8
_WHITE = 1016
"""The level of a white block in a JPEG whose quantization does nothing: 8 * (255 - 128)."""


def colour_of(number: int) -> tuple[int, int, int]:
    """Return the colour of what has this id: red, green and blue."""
    return number * 67 % 256, number * 131 % 256, number * 29 % 256


def png(size: int, colour: tuple[int, int, int], *, round_: bool) -> bytes:
    """Return a PNG with an alpha channel.

    Args:
        size: Width and height in pixels.
        colour: Red, green and blue.
        round_: Whether it is a disc on a clear ground.
    """
    inside, outside = bytes((*colour, 255)), bytes(4)
    rows = (b"\0" + outside * start + inside * (size - 2 * start) + outside * start for start in _starts(size, round_))
    header = struct.pack(">IIBBBBB", size, size, 8, 6, 0, 0, 0)
    return b"".join(
        (
            b"\x89PNG\r\n\x1a\n",
            _chunk(b"IHDR", header),
            _chunk(b"IDAT", zlib.compress(b"".join(rows), 6)),
            _chunk(b"IEND", b""),
        )
    )


def jpeg(size: int, grey: int, *, round_: bool) -> bytes:
    """Return a JPEG in shades of grey, in blocks of 8 pixels.

    Every block is of one shade: its code is the difference to the block before, and the end of the block.

    Args:
        size: Width and height in pixels.
        grey: How bright, from 0 to 127.
        round_: Whether it is a disc on a white ground.
    """
    dark = 8 * (grey - 128)
    count = -(-size // _BLOCK)
    bits: list[str] = []
    before = 0
    for start in _starts(count, round_):
        for column in range(count):
            level = dark if start <= column < count - start else _WHITE
            bits.append(_difference(level - before))
            before = level
    code = "".join(bits)
    code += "1" * (-len(code) % 8)
    data = int(code, 2).to_bytes(len(code) // 8).replace(b"\xff", b"\xff\0")
    frame = struct.pack(">BHHBBBB", 8, size, size, 1, 1, 0x11, 0)
    return b"".join(
        (
            b"\xff\xd8",
            _segment(0xE0, b"JFIF\0" + struct.pack(">BBBHHBB", 1, 1, 0, 1, 1, 0, 0)),
            _segment(0xDB, b"\0" + b"\1" * 64),
            _segment(0xC0, frame),
            _segment(0xC4, b"\0" + bytes((0, 0, 0, 12, *[0] * 12)) + bytes(range(12))),
            _segment(0xC4, b"\x10" + bytes((1, *[0] * 15)) + b"\0"),
            _segment(0xDA, struct.pack(">BBBBBB", 1, 1, 0, 0, 63, 0)),
            data,
            b"\xff\xd9",
        )
    )


def _starts(size: int, round_: bool) -> Iterator[int]:
    """Yield for each row where the shape begins; it ends as far from the other side."""
    for row in range(size):
        if not round_:
            yield 0
            continue
        height = 2 * row + 1 - size
        half = (size * size - height * height) ** 0.5
        yield int((size - half) / 2)


def _difference(value: int) -> str:
    """Return the code of a block: how many bits the difference has, the difference, and the end of the block."""
    length = abs(value).bit_length()
    if not length:
        return "0000" + "0"
    return f"{length:04b}" + f"{value if value > 0 else value + 2**length - 1:0{length}b}" + "0"


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def _segment(marker: int, content: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content
