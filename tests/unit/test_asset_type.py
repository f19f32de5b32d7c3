"""Which files make which asset, by name and first bytes."""

from __future__ import annotations

import pytest

from rblxcloud import AssetType, InvalidRequestError
from rblxcloud.resources.asset_type import kind_of_file, read_type
from tests.support.files import png

TGA = bytes([0, 0, 2, *[0] * 9, 4, 0, 4, 0, 32, 0]) + bytes(64)
FILES = [
    (AssetType.Decal, "a.png", png(), "image/png"),
    (AssetType.Image, "a.PNG", png(), "image/png"),
    (AssetType.Image, None, png(), "image/png"),
    (AssetType.Image, "no extension", png(), "image/png"),
    (AssetType.Image, "a.jpeg", b"\xff\xd8\xff\xe0", "image/jpeg"),
    (AssetType.Image, "a.jpg", b"\xff\xd8\xff\xdb", "image/jpeg"),
    (AssetType.Image, "a.bmp", b"BM" + bytes(30), "image/bmp"),
    (AssetType.Image, "a.tga", TGA, "image/tga"),
    (AssetType.Audio, "a.mp3", b"ID3\4", "audio/mpeg"),
    (AssetType.Audio, "a.mp3", b"\xff\xfb\x90", "audio/mpeg"),
    (AssetType.Audio, "a.ogg", b"OggS", "audio/ogg"),
    (AssetType.Audio, None, b"RIFF\0\1\n\0WAVEfmt ", "audio/wav"),
    (AssetType.Audio, "a.flac", b"fLaC", "audio/flac"),
    (AssetType.Model, "a.fbx", b"Kaydara FBX Binary  \0", "model/fbx"),
    (AssetType.Model, "a.fbx", b"; FBX 7.3.0", "model/fbx"),
    (AssetType.Model, "a.gltf", b'\xef\xbb\xbf {"asset": {}}', "model/gltf+json"),
    (AssetType.Model, None, b"glTF\2\0\0\0", "model/gltf-binary"),
    (AssetType.Model, "a.rbxm", b"<roblox!\x89\xff", "model/x-rbxm"),
    (AssetType.Model, "a.rbxmx", b'<?xml version="1.0"?>\n<roblox version="4">', "model/x-rbxm"),
    (AssetType.Animation, "a.rbxmx", b'<roblox xmlns:xmime="x">', "model/x-rbxm"),
    (AssetType.Mesh, "a.mesh", b"version 4.01\n", "model/x-file-mesh-data"),
    (AssetType.Mesh, None, b"version 1.00\r\n", "model/x-file-mesh-data"),
    (AssetType.Video, "a.mp4", b"\0\0\0\x18ftypmp42", "video/mp4"),
    (AssetType.Video, None, b"\0\0\0\x18ftypqt  ", "video/mov"),
    (AssetType.Video, "a.mov", b"\0\0\0\x08wide", "video/mov"),
]


@pytest.mark.parametrize(("asset_type", "name", "content", "content_type"), FILES)
def test_a_file_is_known_by_its_name_and_its_first_bytes(
    asset_type: AssetType, name: str | None, content: bytes, content_type: str
) -> None:
    assert kind_of_file(asset_type, name, len(content), content).content_type == content_type


@pytest.mark.parametrize(
    ("asset_type", "name", "content", "problem"),
    [
        (AssetType.Decal, "a.ogg", b"OggS", r"is named \.ogg; Decal is made from \.png, \.jpeg, \.jpg, \.bmp, \.tga"),
        (AssetType.Audio, "a.mp3", b"OggS", r"is named \.mp3, but its content is Ogg"),
        (AssetType.Audio, "a.wav", b"RIFF\0\0\0\0AVI ", r"is named \.wav, but does not begin like WAV"),
        (AssetType.Decal, None, TGA, "does not begin like PNG or JPEG or BMP"),
        (AssetType.Decal, "a.tga", b"no picture at all, but text", r"is named \.tga, but does not begin like TGA"),
        (AssetType.Video, "a.mp4", b"\0\0\0\x18ftypqt  ", r"is named \.mp4, but its content is QuickTime"),
        (AssetType.Image, "a.bmp", b"BM" + bytes(16) + b"\x40\x1f\0\0\1\0\0\0", "has 8000 x 1 pixels"),
        (AssetType.Model, "a.fbx", b"", "is empty"),
    ],
)
def test_what_does_not_fit_is_refused(asset_type: AssetType, name: str | None, content: bytes, problem: str) -> None:
    with pytest.raises(InvalidRequestError, match=problem):
        kind_of_file(asset_type, name, len(content), content)


@pytest.mark.parametrize(
    ("asset_type", "limit"),
    [(AssetType.Model, 20 * 2**20), (AssetType.Video, int(3.75 * 2**30))],
)
def test_the_largest_file_is_taken_and_a_larger_one_refused(asset_type: AssetType, limit: int) -> None:
    head = b"glTF" if asset_type is AssetType.Model else b"\0\0\0\x18ftypmp42"
    kind_of_file(asset_type, None, limit, head)
    with pytest.raises(InvalidRequestError, match=f"has {limit + 1} bytes; {asset_type} takes at most {limit}"):
        kind_of_file(asset_type, None, limit + 1, head)


@pytest.mark.parametrize("text", ["MeshPart", "MESH_PART", "ASSET_TYPE_MESH_PART"])
def test_a_type_is_read_however_a_service_writes_it(text: str) -> None:
    assert read_type(text) is AssetType.MeshPart


def test_a_type_that_is_new_is_kept() -> None:
    assert read_type("ASSET_TYPE_HOLOGRAM") == "ASSET_TYPE_HOLOGRAM"
