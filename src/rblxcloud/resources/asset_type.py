"""The types of assets, and the files that some of them can be made from."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from rblxcloud.errors import InvalidRequestError


class AssetType(StrEnum):
    """The type of an asset.

    Uploads make `Animation`, `Audio`, `Decal`, `Image`, `Mesh`, `Model` and `Video`; the others are told of only.
    """

    Animation = "Animation"
    Audio = "Audio"
    Decal = "Decal"
    Image = "Image"
    Mesh = "Mesh"
    Model = "Model"
    Video = "Video"

    AdsVideo = "AdsVideo"
    App = "App"
    BackAccessory = "BackAccessory"
    ClimbAnimation = "ClimbAnimation"
    Code = "Code"
    CodeSnippet = "CodeSnippet"
    DeathAnimation = "DeathAnimation"
    DressSkirtAccessory = "DressSkirtAccessory"
    DynamicHead = "DynamicHead"
    EmoteAnimation = "EmoteAnimation"
    EyebrowAccessory = "EyebrowAccessory"
    EyelashAccessory = "EyelashAccessory"
    Face = "Face"
    FaceAccessory = "FaceAccessory"
    FallAnimation = "FallAnimation"
    FontFace = "FontFace"
    FontFamily = "FontFamily"
    FrontAccessory = "FrontAccessory"
    Gear = "Gear"
    HairAccessory = "HairAccessory"
    Hat = "Hat"
    Head = "Head"
    IdleAnimation = "IdleAnimation"
    JacketAccessory = "JacketAccessory"
    JumpAnimation = "JumpAnimation"
    LeftArm = "LeftArm"
    LeftLeg = "LeftLeg"
    LeftShoeAccessory = "LeftShoeAccessory"
    LocalizationTableManifest = "LocalizationTableManifest"
    LocalizationTableTranslation = "LocalizationTableTranslation"
    Lua = "Lua"
    MeshHiddenSurfaceRemoval = "MeshHiddenSurfaceRemoval"
    MeshPart = "MeshPart"
    MoodAnimation = "MoodAnimation"
    NeckAccessory = "NeckAccessory"
    Package = "Package"
    Pants = "Pants"
    PantsAccessory = "PantsAccessory"
    Place = "Place"
    Plugin = "Plugin"
    PoseAnimation = "PoseAnimation"
    RightArm = "RightArm"
    RightLeg = "RightLeg"
    RightShoeAccessory = "RightShoeAccessory"
    RunAnimation = "RunAnimation"
    Shirt = "Shirt"
    ShirtAccessory = "ShirtAccessory"
    ShortsAccessory = "ShortsAccessory"
    ShoulderAccessory = "ShoulderAccessory"
    SolidModel = "SolidModel"
    SweaterAccessory = "SweaterAccessory"
    SwimAnimation = "SwimAnimation"
    TShirt = "TShirt"
    TShirtAccessory = "TShirtAccessory"
    TexturePack = "TexturePack"
    Torso = "Torso"
    WaistAccessory = "WaistAccessory"
    WalkAnimation = "WalkAnimation"
    YouTubeVideo = "YouTubeVideo"


def _plain(name: str) -> str:
    return name.removeprefix("ASSET_TYPE_").replace("_", "").lower()


_BY_NAME = {_plain(member.value): member for member in AssetType}


def read_type(value: object) -> object:
    """Read a type as the services write it: `MeshPart`, `MESH_PART`, `ASSET_TYPE_MESH_PART`; new ones are kept."""
    return _BY_NAME.get(_plain(value), value) if isinstance(value, str) else value


@dataclass(frozen=True, slots=True)
class FileKind:
    """A kind of file that Roblox takes."""

    name: str
    content_type: str
    extensions: tuple[str, ...]
    """In lower case; the first one names a file that has no name of its own."""
    fits: Callable[[bytes], bool]
    """Whether a file that begins so can be one of these."""
    telling: bool = True
    """Whether its first bytes tell it from the others."""


def _begins(pattern: bytes) -> Callable[[bytes], bool]:
    compiled = re.compile(pattern, re.DOTALL)
    return lambda head: compiled.match(head) is not None


def _is_tga(head: bytes) -> bool:
    """The format has no signature; what can be checked is whether its header makes sense."""
    if len(head) < 18:
        return False
    return head[1] in (0, 1) and head[2] in (1, 2, 3, 9, 10, 11) and head[16] in (8, 15, 16, 24, 32)


_XML = rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*>\s*)?"
_PNG = FileKind("PNG", "image/png", (".png",), _begins(rb"\x89PNG\r\n\x1a\n"))
_JPEG = FileKind("JPEG", "image/jpeg", (".jpeg", ".jpg"), _begins(rb"\xff\xd8\xff"))
_BMP = FileKind("BMP", "image/bmp", (".bmp",), _begins(rb"BM"))
_TGA = FileKind("TGA", "image/tga", (".tga",), _is_tga, telling=False)
_MP3 = FileKind("MP3", "audio/mpeg", (".mp3",), _begins(rb"ID3|\xff[\xe0-\xff]"))
_OGG = FileKind("Ogg", "audio/ogg", (".ogg",), _begins(rb"OggS"))
_WAV = FileKind("WAV", "audio/wav", (".wav",), _begins(rb"RIFF....WAVE"))
_FLAC = FileKind("FLAC", "audio/flac", (".flac",), _begins(rb"fLaC"))
_FBX = FileKind("FBX", "model/fbx", (".fbx",), _begins(rb"Kaydara FBX Binary|\s*; FBX"))
_GLTF = FileKind("glTF", "model/gltf+json", (".gltf",), _begins(rb"(?:\xef\xbb\xbf)?\s*\{"))
_GLB = FileKind("GLB", "model/gltf-binary", (".glb",), _begins(rb"glTF"))
_RBXM = FileKind("Roblox model", "model/x-rbxm", (".rbxm", ".rbxmx"), _begins(_XML + rb"<roblox[!\s>]"))
_MESH = FileKind("Roblox mesh", "model/x-file-mesh-data", (".mesh",), _begins(rb"version \d+\.\d+"))
_MP4 = FileKind("MP4", "video/mp4", (".mp4",), _begins(rb"....(?:ftyp(?!qt)|moov|mdat|free|skip)"))
_MOV = FileKind("QuickTime", "video/mov", (".mov",), _begins(rb"....(?:ftyp|moov|mdat|wide|free|skip|pnot)"))


@dataclass(frozen=True, slots=True)
class UploadRules:
    """What a type of asset can be made from."""

    kinds: tuple[FileKind, ...]
    max_bytes: int = 20 * 2**20
    max_pixels: int | None = None
    """Most pixels in width and in height."""


_PICTURES = UploadRules((_PNG, _JPEG, _BMP, _TGA), max_pixels=7999)
RULES = {
    AssetType.Animation: UploadRules((_RBXM,)),
    AssetType.Audio: UploadRules((_OGG, _WAV, _FLAC, _MP3)),
    AssetType.Decal: _PICTURES,
    AssetType.Image: _PICTURES,
    AssetType.Mesh: UploadRules((_MESH,)),
    AssetType.Model: UploadRules((_FBX, _GLTF, _GLB, _RBXM)),
    AssetType.Video: UploadRules((_MP4, _MOV), max_bytes=int(3.75 * 2**30)),
}
"""The types that can be uploaded."""


def check_upload_type(value: object) -> AssetType:
    """Return a type that can be uploaded.

    Raises:
        InvalidRequestError: It is none, or one that Roblox does not make from a file.
    """
    known = read_type(value)
    if isinstance(known, AssetType) and known in RULES:
        return known
    raise InvalidRequestError("asset_type", f"{value!s} cannot be uploaded; {', '.join(map(str, RULES))} can")


def kind_of_file(asset_type: AssetType, name: str | None, size: int, head: bytes) -> FileKind:
    """Return what kind of file it is, when an asset of the type can be made from it.

    Args:
        asset_type: What is to be made of it.
        name: The file's name; None when it has none.
        size: Its bytes.
        head: Its first bytes.

    Raises:
        InvalidRequestError: It is empty, too large, of a kind that does not do, or not of the kind that its name says.
    """
    rules = RULES[asset_type]
    check_size(asset_type, size)
    kind = _kind(asset_type, rules, name, head)
    dimensions = _dimensions(kind, head)
    if rules.max_pixels is not None and dimensions is not None and max(dimensions) > rules.max_pixels:
        width, height = dimensions
        raise InvalidRequestError(
            "file", f"has {width} x {height} pixels; {asset_type} takes {rules.max_pixels} in width and height at most"
        )
    return kind


def check_size(asset_type: AssetType, size: int) -> None:
    """Refuse a file that is empty or too large.

    Raises:
        InvalidRequestError: It is.
    """
    limit = RULES[asset_type].max_bytes
    if size == 0:
        raise InvalidRequestError("file", "is empty")
    if size > limit:
        raise InvalidRequestError("file", f"has {size} bytes; {asset_type} takes at most {limit}")


def _kind(asset_type: AssetType, rules: UploadRules, name: str | None, head: bytes) -> FileKind:
    seen = next((kind for kind in rules.kinds if kind.telling and kind.fits(head)), None)
    extension = (re.search(r"\.[^.]+$", name or "") or [""])[0].lower()
    if not extension:
        if seen is None:
            raise InvalidRequestError("file", f"does not begin like {_listed(rules)}; {asset_type} is made from these")
        return seen
    named = next((kind for kind in rules.kinds if extension in kind.extensions), None)
    if named is None:
        takes = ", ".join(extension for kind in rules.kinds for extension in kind.extensions)
        raise InvalidRequestError("file", f"is named {extension}; {asset_type} is made from {takes}")
    if not named.fits(head):
        content = f"but its content is {seen.name}" if seen else f"but does not begin like {named.name}"
        raise InvalidRequestError("file", f"is named {extension}, {content}")
    return named


def _listed(rules: UploadRules) -> str:
    return " or ".join(kind.name for kind in rules.kinds if kind.telling)


def _dimensions(kind: FileKind, head: bytes) -> tuple[int, int] | None:
    """Return width and height, where the beginning tells; Roblox itself finds out the rest."""
    layout = {_PNG: (">II", 16), _BMP: ("<ii", 18), _TGA: ("<HH", 12)}.get(kind)
    if layout is None or len(head) < 26:
        return None
    width, height = struct.unpack_from(*layout[:1], head, layout[1])
    return width, abs(height)
