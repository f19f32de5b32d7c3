"""Which files make an asset of which type, and how a file shows what it is."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass

from rblxcloud.emulator.assets.images import IMAGE_FORMATS, dimensions

__all__ = ["KINDS", "Kind", "shows"]

_MIB = 2**20
_PLAIN_LIMIT = 20 * _MIB
_VIDEO_LIMIT = int(3.75 * 2**30)
LARGEST_STORED = 10**9
"""SQLite keeps no larger value."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A type of asset that can be created from a file."""

    content_types: tuple[str, ...]
    max_bytes: int = _PLAIN_LIMIT
    updatable: bool = False
    """Whether a later file makes a new version."""
    upload_quota: str | None = None
    """Name of the type in the quotas, where uploads are counted."""


_IMAGES = ("image/png", "image/jpeg", "image/bmp", "image/tga")
KINDS: dict[str, Kind] = {
    "Animation": Kind(("model/x-rbxm",)),
    "Audio": Kind(("audio/mpeg", "audio/ogg", "audio/wav", "audio/flac"), upload_quota="AUDIO"),
    "Decal": Kind(_IMAGES),
    "Image": Kind(_IMAGES),
    "Mesh": Kind(("model/x-file-mesh-data",)),
    "Model": Kind(("model/fbx", "model/gltf+json", "model/gltf-binary", "model/x-rbxm"), updatable=True),
    "Video": Kind(("video/mp4", "video/mov"), min(_VIDEO_LIMIT, LARGEST_STORED), upload_quota="VIDEO"),
}
"""By the name that a request gives the type."""


def shows(content_type: str, content: bytes) -> bool:
    """Return whether the first bytes of a file are those of its content type.

    Args:
        content_type: One of those in `KINDS`.
        content: The whole file.
    """
    if content_type in IMAGE_FORMATS:
        return dimensions(content_type, content) is not None
    return _SIGNS[content_type](content)


def _begins(*starts: bytes) -> Callable[[bytes], bool]:
    return lambda content: content.startswith(starts)


def _is_mp3(content: bytes) -> bool:
    """A tag, or the eleven set bits of a frame."""
    return content.startswith(b"ID3") or (len(content) > 1 and content[0] == 0xFF and content[1] & 0xE0 == 0xE0)


def _is_wave(content: bytes) -> bool:
    return content[:4] == b"RIFF" and content[8:12] == b"WAVE"


def _is_film(content: bytes) -> bool:
    """An atom that files of QuickTime's family begin with."""
    return content[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip")


def _is_gltf(content: bytes) -> bool:
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        return False
    return isinstance(document, dict) and "asset" in document


_SIGNS: dict[str, Callable[[bytes], bool]] = {
    "audio/mpeg": _is_mp3,
    "audio/ogg": _begins(b"OggS"),
    "audio/wav": _is_wave,
    "audio/flac": _begins(b"fLaC"),
    "video/mp4": _is_film,
    "video/mov": _is_film,
    "model/fbx": _begins(b"Kaydara FBX Binary", b"; FBX"),
    "model/gltf+json": _is_gltf,
    "model/gltf-binary": _begins(b"glTF"),
    "model/x-rbxm": lambda content: re.match(rb"(\xef\xbb\xbf)?\s*<roblox[!\s>]", content) is not None,
    "model/x-file-mesh-data": lambda content: re.match(rb"version \d+\.\d+\r?\n", content) is not None,
}
