"""Assets: uploaded, waited for, changed, shared and fetched."""

from __future__ import annotations

import io
import pickle
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import rblxcloud
from rblxcloud import AssetPreview, AssetType, RetryPolicy, SocialLink
from rblxcloud.emulator import Emulator
from rblxcloud.emulator.faults import Fault
from rblxcloud.emulator.scripts import OperationScript
from tests.oracle.stories import RecordingEmulator
from tests.support.files import FILM, MODEL, png

Tell = Callable[[Callable[[Any], Any]], None]

PNG = png()
AT_ONCE = RetryPolicy(base_delay=0, max_delay=0)
FILES = {
    AssetType.Animation: ("walk.rbxm", b"<roblox!\x89\xff\r\n\x1a\n"),
    AssetType.Audio: ("song.ogg", b"OggS\0"),
    AssetType.Decal: ("picture.png", PNG),
    AssetType.Image: ("picture.bmp", b"BM" + bytes(16) + (2).to_bytes(4, "little") * 2),
    AssetType.Mesh: ("shape.mesh", b"version 2.00\n"),
    AssetType.Model: ("house.fbx", MODEL),
    AssetType.Video: ("film.mp4", FILM),
}
"""A file for each type that can be uploaded."""


@pytest.mark.parametrize("asset_type", FILES, ids=str)
@pytest.mark.parametrize("creator", ["user", "group"])
def test_each_type_is_uploaded_and_comes_back(tell: Tell, tmp_path: Path, asset_type: AssetType, creator: str) -> None:
    name, content = FILES[asset_type]
    (tmp_path / name).write_bytes(content)

    async def story(client: Any) -> None:
        owner = getattr(client, creator)(1)
        operation = await owner.upload_asset(tmp_path / name, asset_type, "name", "description", expected_price=0)
        asset = await operation.wait(timeout=60)
        assert operation.done
        assert (asset.asset_type, asset.display_name, asset.description) == (asset_type, "name", "description")
        assert (asset.creator, asset.revision_id, asset.state) == (f"{creator}s/1", 1, "Active")
        assert asset.moderation_state == "Approved"
        fetched = await client.asset(asset.id).fetch()
        assert fetched == asset
        assert fetched.display_name == "name"
        path = await fetched.download(tmp_path / "back")
        assert path.read_bytes() == content

    tell(story)


def test_what_is_processed_for_a_while_is_waited_for(tell: Tell, emulator: Emulator) -> None:
    emulator.scripts.add(OperationScript(processing=30, answer="path"))

    async def story(client: Any) -> None:
        operation = await client.user(1).upload_asset(PNG, AssetType.Decal, "n")
        assert not operation.done
        assert await operation.fetch_operation() is None
        with pytest.raises(rblxcloud.OperationTimeoutError) as caught:
            await operation.wait(timeout=0.01)
        resumed = client.bind(pickle.loads(pickle.dumps(operation)))
        assert await resumed.fetch_operation() is None
        emulator.clock.advance(30)
        for handle in (operation, resumed, client.operation(caught.value.path)):
            asset = await handle.wait()
            assert asset.display_name == "n"
            assert (await asset.archive()).state == "Archived"

    tell(story)


def test_what_is_done_already_needs_no_poll(tell: Tell, emulator: RecordingEmulator) -> None:
    emulator.scripts.add(OperationScript(answer="done", processing=100))

    async def story(client: Any) -> None:
        operation = await client.user(1).upload_asset(PNG, AssetType.Decal, "n")
        assert operation.done
        assert (await operation.fetch_operation()).display_name == "n"

    tell(story)
    assert [request.method for request in emulator.recorded] == ["POST"]


@pytest.mark.parametrize("field", ["error", "status"])
def test_what_fails_at_roblox_is_an_error(tell: Tell, emulator: Emulator, field: Any) -> None:
    emulator.scripts.add(OperationScript(code=3, message="The mesh is broken.", error_field=field))
    emulator.scripts.add(OperationScript(code=3, message="The asset was moderated.", error_field=field))

    async def story(client: Any) -> None:
        user = client.user(1)
        with pytest.raises(rblxcloud.OperationFailedError) as caught:
            await (await user.upload_asset(PNG, AssetType.Decal, "n")).wait()
        assert (caught.value.code, caught.value.message) == ("3", "The mesh is broken.")
        with pytest.raises(rblxcloud.ModerationError):
            await (await user.upload_asset(PNG, AssetType.Decal, "n")).wait()

    tell(story)


def test_what_moderation_rejects_later_is_seen_on_the_asset(tell: Tell, emulator: Emulator) -> None:
    emulator.scripts.add(OperationScript(moderation="Reviewing"))

    async def story(client: Any) -> None:
        asset = await (await client.user(1).upload_asset(PNG, AssetType.Decal, "n")).wait()
        assert asset.moderation_state == "Reviewing"
        emulator.assets.moderate(asset.id, "Rejected")
        assert (await asset.fetch()).moderation_state == "Rejected"

    tell(story)


def test_a_refused_upload_says_why(tell: Tell, emulator: Emulator) -> None:
    for script in ({"refusal": "AssetName is moderated."}, {"refusal": "displayName is too long."}, {"price": 10}):
        emulator.scripts.add(OperationScript(**script))

    async def story(client: Any) -> None:
        user = client.user(1)
        with pytest.raises(rblxcloud.ModerationError, match=r"AssetName is moderated\."):
            await user.upload_asset(PNG, AssetType.Decal, "rude")
        with pytest.raises(rblxcloud.BadRequestError, match="too long"):
            await user.upload_asset(PNG, AssetType.Decal, "n" * 1000)
        with pytest.raises(rblxcloud.BadRequestError, match="10 Robux"):
            await user.upload_asset(PNG, AssetType.Decal, "n", expected_price=5)

    tell(story)


def test_files_and_streams_are_taken(tell: Tell, emulator: Emulator, request: pytest.FixtureRequest) -> None:
    told: list[tuple[int, int]] = []

    def pieces() -> Iterator[bytes]:
        yield from (FILM[start : start + 1000] for start in range(0, len(FILM), 1000))

    async def async_pieces() -> AsyncIterator[bytes]:
        for piece in pieces():
            yield piece

    async def story(client: Any) -> None:
        sources: list[tuple[Any, int | None]] = [(FILM, None), (io.BytesIO(FILM), None)]
        sources += [(pieces(), None), (pieces(), len(FILM))]
        if "blocking" not in request.node.name:
            sources += [(async_pieces(), None), (async_pieces(), len(FILM))]
        for source, size in sources:
            operation = await client.user(1).upload_asset(
                source, AssetType.Video, "n", size=size, progress=lambda *step: told.append(step)
            )
            await operation.wait()
            assert told[0] == (0, len(FILM))
            assert told[-1] == (len(FILM), len(FILM))

    tell(story)


def test_an_upload_that_is_throttled_is_sent_again_from_where_the_file_stood(tell: Tell, emulator: Emulator) -> None:
    emulator.faults.add(Fault(kind="answer", status=429, endpoint="assets.assets_create_asset"))
    file = io.BytesIO(b"before" + PNG)
    file.seek(6)

    async def story(client: Any) -> None:
        client = client.with_options(retries=AT_ONCE)
        asset = await (await client.user(1).upload_asset(file, AssetType.Decal, "n")).wait()
        assert asset.revision_id == 1

    tell(story)


def test_a_lost_answer_is_not_repeated_and_says_so(tell: Tell, emulator: Emulator) -> None:
    emulator.faults.add(Fault(kind="drop", acts=True, endpoint="assets.assets_create_asset"))

    async def story(client: Any) -> None:
        with pytest.raises(rblxcloud.APIConnectionError) as caught:
            await client.user(1).upload_asset(PNG, AssetType.Decal, "n")
        assert caught.value.outcome_unknown

    tell(story)


def test_an_asset_is_changed(tell: Tell, emulator: Emulator) -> None:
    icon = emulator.assets.add(PNG, "image/png", asset_type="Image")
    discord = SocialLink(title="Chat", uri="https://discord.gg/abc")

    async def story(client: Any) -> None:
        user = client.user(1)
        model = await (await user.upload_asset(MODEL, AssetType.Model, "old", "old")).wait()
        updated = await (
            await model.update(
                name="new", icon=icon, previews=[AssetPreview(asset=icon, alt_text="a")], discord_social_link=discord
            )
        ).wait()
        assert updated == model
        assert model.display_name == "old"  # A change is seen by who asks.
        await model.fetch()
        assert (model.display_name, model.description, model.icon) == ("new", "old", icon)
        assert model.previews == (AssetPreview(asset=icon, alt_text="a"),)
        assert model.discord_social_link == discord
        await model.update(icon=None, discord_social_link=None)
        await model.fetch()
        assert (model.icon, model.discord_social_link) == (None, None)
        second = await (await user.update_asset(model.id, file=MODEL + b"2", description="d")).wait()
        assert (second.revision_id, second.description) == (2, "d")

    tell(story)


def test_versions_are_listed_and_brought_back(tell: Tell, tmp_path: Path) -> None:
    async def story(client: Any) -> None:
        model = await (await client.user(1).upload_asset(MODEL, AssetType.Model, "n")).wait()
        await (await model.update(file=MODEL + b"2")).wait()
        assert [version.number async for version in model.versions()] == [2, 1]
        assert [version.number async for version in model.versions(limit=1)] == [2]
        first = await model.fetch_version(1)
        assert (first.number, first.creator, first.moderation_state) == (1, "users/1", "Approved")
        assert (await model.rollback(first)).number == 3
        assert (await model.download(tmp_path / "a")).read_bytes() == MODEL
        assert (await model.download(tmp_path / "b", version=2)).read_bytes() == MODEL + b"2"
        with pytest.raises(rblxcloud.NotFoundError):
            await model.fetch_version(9)
        with pytest.raises(rblxcloud.NotFoundError):
            await model.rollback(9)

    tell(story)


def test_an_asset_is_archived_and_restored(tell: Tell) -> None:
    async def story(client: Any) -> None:
        asset = await (await client.user(1).upload_asset(PNG, AssetType.Decal, "n")).wait()
        assert (await asset.archive()).state == "Archived"
        assert asset.state == "Archived"
        assert asset.display_name == "n"
        assert (await asset.restore()).state == "Active"
        with pytest.raises(rblxcloud.NotFoundError):
            await client.asset(404).archive()

    tell(story)


def test_an_asset_is_shared(tell: Tell, emulator: Emulator) -> None:
    async def story(client: Any) -> None:
        asset = await (await client.user(1).upload_asset(PNG, AssetType.Decal, "n")).wait()
        await asset.grant_permission("Use", user=5)
        await asset.grant_permission("Use", everyone=True, dependencies=True)
        assert emulator.assets.permissions(asset.id) == [("All", "", "Use"), ("User", "5", "Use")]
        with pytest.raises(rblxcloud.BadRequestError) as caught:
            await asset.grant_permission("Edit", group=5)
        assert caught.value.code == "AssetTypeNotEnabled"
        with pytest.raises(rblxcloud.NotFoundError):
            await client.asset(404).grant_permission("Use", experience=5)
        for subject in ({}, {"user": 5, "everyone": True}, {"role": -1}):
            with pytest.raises(rblxcloud.InvalidRequestError):
                await asset.grant_permission("Use", **subject)
        with pytest.raises(rblxcloud.InvalidRequestError):
            await asset.grant_permission("Own", user=5)
        for switch in ("everyone", "dependencies"):
            with pytest.raises(rblxcloud.InvalidRequestError, match=f"^{switch}: 'no' is neither True nor False"):
                await asset.grant_permission("Use", user=5, **{switch: "no"})
        grants = await client.grant_asset_permissions([asset.id, 404], "Use", group=7)
        assert grants.granted == (asset.id,)
        assert [(refused.asset_id, refused.code) for refused in grants.refused] == [(404, "AssetNotFound")]

    tell(story)


def test_a_download_that_is_cut_goes_on(tell: Tell, emulator: RecordingEmulator, tmp_path: Path) -> None:
    film = emulator.assets.add(FILM, "video/mp4", asset_type="Video")
    emulator.faults.add(Fault(kind="cut", endpoint="assets.file", cut_after=1_000_000, times=2))
    told: list[int] = []

    async def story(client: Any) -> None:
        asset = client.with_options(retries=AT_ONCE).asset(film)
        path = await asset.download(tmp_path / "film.mp4", progress=lambda received, _: told.append(received))
        assert path.read_bytes() == FILM
        assert told == sorted(told)  # It never began again.

    tell(story)
    ranges = [request.headers.get("range") for request in emulator.recorded if request.raw_path.startswith("/_cdn/")]
    assert ranges == [None, "bytes=1000000-", "bytes=2000000-"]


def test_a_download_of_what_changes_meanwhile_starts_again(tell: Tell, emulator: Emulator, tmp_path: Path) -> None:
    film = emulator.assets.add(FILM, "video/mp4", asset_type="Video")
    changed = FILM[:500_000] + b"changed"
    emulator.assets.change_file(film, changed, after=1)
    emulator.faults.add(Fault(kind="cut", endpoint="assets.file", cut_after=1_000_000))

    async def story(client: Any) -> None:
        path = await client.with_options(retries=AT_ONCE).asset(film).download(tmp_path / "film.mp4")
        assert path.read_bytes() == changed

    tell(story)


def test_what_may_not_be_downloaded_leaves_no_file(tell: Tell, tmp_path: Path) -> None:
    async def story(client: Any) -> None:
        with pytest.raises(rblxcloud.NotFoundError):
            await client.asset(404).download(tmp_path / "a")

    tell(story)
    assert list(tmp_path.iterdir()) == []
