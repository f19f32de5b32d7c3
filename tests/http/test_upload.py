"""Uploads: what is taken and what is refused, and what becomes of them when something goes wrong."""

from __future__ import annotations

import io
import mmap
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

import rblxcloud
from rblxcloud import AssetType
from rblxcloud.config import Options
from rblxcloud.http.upload import CHUNK, Upload, open_source
from rblxcloud.runtime.blocking import BlockingRuntime, run
from tests.http.conftest import Perform
from tests.support.clock import ManualClock
from tests.support.files import FILM, MODEL, png, read_form
from tests.support.server import Script

STARTED = {"path": "operations/7f", "operationId": "7f", "done": False}
PNG = png()


def started() -> httpx.Response:
    return httpx.Response(200, json=STARTED)


def throttled() -> httpx.Response:
    return httpx.Response(429, headers={"retry-after": "1"}, json={"code": "RESOURCE_EXHAUSTED", "message": "slow"})


async def upload(client: Any, file: Any, asset_type: AssetType = AssetType.Decal, **more: Any) -> Any:
    return await client.user(1).upload_asset(file, asset_type, "name", "description", **more)


def in_pieces(content: bytes, size: int = 1000) -> Iterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]


async def in_async_pieces(content: bytes, size: int = 1000) -> AsyncIterator[bytes]:
    for piece in in_pieces(content, size):
        yield piece


class Pipe(io.RawIOBase):
    """A file that can only be read forwards."""

    def __init__(self, content: bytes) -> None:
        self._content = io.BytesIO(content)

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        return self._content.read(size)


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "picture.png"
    path.write_bytes(PNG)
    return path


def mapped(path: Path) -> mmap.mmap:
    with path.open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


SOURCES = {
    "path": lambda path: path,
    "path as text": str,
    "bytes": lambda path: PNG,
    "bytearray": lambda path: bytearray(PNG),
    "open file": lambda path: path.open("rb"),
    "unbuffered file": lambda path: path.open("rb", buffering=0),
    "file in memory": lambda path: io.BytesIO(PNG),
    "list": lambda path: list(in_pieces(PNG, 10)),
    "generator": lambda path: in_pieces(PNG, 10),
    "pipe": lambda path: Pipe(PNG),
    "memory map": mapped,
}


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES.keys())
def test_a_file_is_taken_in_many_forms(perform: Perform, picture: Path, source: Any) -> None:
    script = Script([started()])
    file = source(picture)
    operation = perform(script, lambda client: upload(client, file))
    assert operation.path == "/assets/v1/operations/7f"
    (request,) = script.requests
    form = read_form(request)
    assert form.content == PNG
    assert form.content_type == "image/png"
    assert form.filename.endswith(".png")
    assert form.request == {
        "assetType": "Decal",
        "displayName": "name",
        "description": "description",
        "creationContext": {"creator": {"userId": 1}},
    }
    assert request.headers["content-length"] == str(len(request.content))
    assert "transfer-encoding" not in request.headers
    if isinstance(file, io.IOBase | mmap.mmap):
        assert not file.closed  # It is the caller's.
        file.close()


@pytest.mark.parametrize("size", [None, len(PNG)])
def test_an_asynchronous_iterable_is_taken_where_it_can_be_awaited(
    perform: Perform, mode: str, size: int | None
) -> None:
    script = Script([started()] if mode != "blocking" else [])

    async def story(client: Any) -> Any:
        return await upload(client, in_async_pieces(PNG), size=size)

    if mode == "blocking":
        with pytest.raises(rblxcloud.InvalidRequestError, match=r"file: is an asynchronous iterable; rblxcloud\.sync"):
            perform(script, story)
    else:
        perform(script, story)
        assert read_form(script.requests[0]).content == PNG


def test_a_group_uploads_as_itself(perform: Perform) -> None:
    script = Script([started()])

    async def story(client: Any) -> Any:
        return await client.group(7).upload_asset(
            PNG, AssetType.Image, "n", expected_price=0, privacy="openUse", file_name="a.png"
        )

    perform(script, story)
    form = read_form(script.requests[0])
    assert form.request["creationContext"] == {
        "creator": {"groupId": 7},
        "expectedPrice": 0,
        "assetPrivacy": "openUse",
    }
    assert form.request["description"] == ""
    assert form.filename == "a.png"


def test_a_file_is_sent_from_where_it_stands(perform: Perform) -> None:
    file = io.BytesIO(b"before" + PNG)
    file.seek(6)
    script = Script([started()])
    perform(script, lambda client: upload(client, file))
    assert read_form(script.requests[0]).content == PNG


def test_a_name_cannot_break_out_of_the_form(perform: Perform) -> None:
    script = Script([started()])
    perform(script, lambda client: upload(client, PNG, file_name='a"\r\nx: y\r\n\r\n.png'))
    assert read_form(script.requests[0]).content == PNG
    assert b'filename="a%22%0D%0Ax: y%0D%0A%0D%0A.png"' in script.requests[0].content


def text_file(path: Path) -> Any:
    return path.open()


def closed_file(path: Path) -> Any:
    with path.open("rb") as file:
        return file


class PathOf:
    def __init__(self, path: Any) -> None:
        self._path = path

    def __fspath__(self) -> Any:
        return self._path


class AsyncFile:
    async def read(self, size: int = -1) -> bytes:
        return b""


REFUSED = {
    "text mode": (text_file, "opened in text mode; open it with mode 'rb'"),
    "text in memory": (lambda path: io.StringIO("a"), "opened in text mode"),
    "text wrapper of tempfile": (lambda path: tempfile.NamedTemporaryFile("w+"),  # noqa: SIM115
        "opened in text mode"),
    "closed": (closed_file, "is closed"),
    "for writing": (lambda path: path.with_name("new").open("wb"), "not opened for reading"),
    "directory": (lambda path: path.parent, "is a directory"),
    "missing": (lambda path: path.with_name("missing.png"), r"missing\.png' does not exist"),
    "empty": (lambda path: b"", "is empty"),
    "empty stream": (lambda path: iter([]), "is empty"),
    "at its end": (lambda path: seek_to_end(path), "is empty"),
    "to be awaited": (lambda path: AsyncFile(), "has a read"),
    "class": (lambda path: io.BytesIO, "is of type type; it takes a path, bytes"),
    "number": (lambda path: 5, "is of type int; it takes a path, bytes"),
    "mapping": (lambda path: {b"a": b"b"}, "is of type dict"),
    "texts": (lambda path: ["a"], "brings items of type str; it takes bytes"),
    "null byte": (lambda path: "a\0b", "cannot be the path of a file: embedded null byte"),
    "content as text": (lambda path: "iVBOR" * 2000, r"^file: 'iVB[a-zA-Z]{296} cannot be read: File name too long$"),
    "surrogate": (lambda path: "\ud800.png", "cannot be the path of a file"),
    "path of bytes": (lambda path: PathOf(b"a.png"), "cannot be the path of a file"),
    "path of a number": (lambda path: PathOf(5), "cannot be the path of a file"),
    "fake PNG": (lambda path: named(path, "fake.png", b"this is no picture"), r"is named \.png, but does not begin like PNG"),
    "JPEG named PNG": (lambda path: named(path, "photo.png", b"\xff\xd8\xff\xe0"), r"\.png, but its content is JPEG"),
    "wrong extension": (lambda path: named(path, "a.txt", PNG), r"is named \.txt; Decal is made from \.png, \.jpeg"),
    "unknown content": (lambda path: b"abc", "does not begin like PNG or JPEG or BMP; Decal is made from these"),
    "too large": (lambda path: PNG + bytes(20 * 2**20), "has 20971588 bytes; Decal takes at most 20971520"),
    "too large a stream": (lambda path: in_pieces(PNG + bytes(20 * 2**20), 2**20), "has more than 20971520 bytes"),
    "too many pixels": (lambda path: png(8000, 1), "has 8000 x 1 pixels; Decal takes 7999"),
}  # fmt: skip


def named(path: Path, name: str, content: bytes) -> Path:
    path.with_name(name).write_bytes(content)
    return path.with_name(name)


def seek_to_end(path: Path) -> Any:
    file = io.BytesIO(PNG)
    file.seek(0, 2)
    return file


@pytest.mark.parametrize(("source", "problem"), REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_the_asset_is_refused_before_anything_is_sent(
    perform: Perform, picture: Path, source: Any, problem: str
) -> None:
    file = source(picture)
    with pytest.raises(rblxcloud.InvalidRequestError, match=problem) as caught:
        perform(Script([]), lambda client: upload(client, file))
    assert caught.value.argument == "file"
    if hasattr(file, "close") and not isinstance(file, type):
        file.close()


@pytest.mark.parametrize(
    ("arguments", "argument"),
    [
        ({"asset_type": AssetType.Place}, "asset_type"),
        ({"asset_type": "Nonsense"}, "asset_type"),
        ({"name": ""}, "name"),
        ({"name": 5}, "name"),
        ({"name": "\ud800"}, "name"),
        ({"description": "x" * 1001}, "description"),
        ({"description": None}, "description"),
        ({"expected_price": -1}, "expected_price"),
        ({"expected_price": True}, "expected_price"),
        ({"privacy": "secret"}, "privacy"),
        ({"file_name": ""}, "file_name"),
        ({"size": -1}, "size"),
        ({"size": "5"}, "size"),
        ({"size": 30_000_000}, "file"),
        ({"progress": 5}, "progress"),
    ],
)
def test_a_bad_argument_is_refused_by_its_name(perform: Perform, arguments: dict[str, Any], argument: str) -> None:
    given = {"file": iter([PNG]), "asset_type": AssetType.Decal, "name": "n", "description": "", **arguments}
    with pytest.raises(rblxcloud.InvalidRequestError) as caught:
        perform(Script([]), lambda client: client.user(1).upload_asset(**given))
    assert caught.value.argument == argument


@pytest.mark.parametrize("id", [-1, 0, "one", 2**63, 1.5, None])
def test_an_id_that_is_none_is_refused(perform: Perform, id: Any) -> None:
    async def story(client: Any) -> None:
        with pytest.raises(rblxcloud.InvalidRequestError, match="is not an id"):
            client.asset(id)
        with pytest.raises(rblxcloud.InvalidRequestError, match="is not an id"):
            await client.user(1).update_asset(id, name="n")

    perform(Script([]), story)


def test_a_refused_file_stands_where_it_stood(perform: Perform) -> None:
    file = io.BytesIO(b"12345 this is no picture")
    file.seek(6)
    with pytest.raises(rblxcloud.InvalidRequestError):
        perform(Script([]), lambda client: upload(client, file))
    assert file.tell() == 6


@pytest.mark.parametrize("source", ["path", "bytes", "open file", "generator", "pipe"])
def test_a_repeat_sends_the_file_again_from_where_it_stood(perform: Perform, picture: Path, source: str) -> None:
    script = Script([throttled(), started()])
    file = SOURCES[source](picture)
    perform(script, lambda client: upload(client, file))
    first, second = map(read_form, script.requests)
    assert first == second
    assert first.content == PNG
    if source == "open file":
        file.close()


def test_a_stream_that_is_sent_as_it_comes_is_not_repeated(perform: Perform) -> None:
    script = Script([throttled()])
    with pytest.raises(rblxcloud.RateLimitedError):
        perform(script, lambda client: upload(client, in_pieces(PNG), size=len(PNG)))
    assert read_form(script.requests[0]).content == PNG


def test_an_upload_that_may_have_been_taken_is_not_repeated(perform: Perform) -> None:
    script = Script([httpx.Response(500, json={"code": "INTERNAL", "message": "no"})])
    with pytest.raises(rblxcloud.ServerError) as caught:
        perform(script, lambda client: upload(client, PNG))
    assert caught.value.outcome_unknown


class HeadsFirst(httpx.MockTransport):
    """Answers the first request when it has heard its head, as a proxy that is out of order does."""

    failed = False

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return super().handle_request(request) if self.failed else self._fail()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await super().handle_async_request(request) if self.failed else self._fail()

    def _fail(self) -> httpx.Response:
        self.failed = True
        return httpx.Response(503, json={"code": "UNAVAILABLE", "message": "no"})


def test_a_failure_before_the_file_was_heard_did_nothing(perform: Perform, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(httpx, "MockTransport", HeadsFirst)
    script = Script([started()])
    perform(script, lambda client: upload(client, PNG))
    assert read_form(script.requests[0]).content == PNG


@pytest.mark.parametrize("answer", [b'{"path": "operati', b"[]", b"{}", b"<html>"])
def test_an_answer_that_was_cut_says_that_the_upload_may_have_been_taken(perform: Perform, answer: bytes) -> None:
    with pytest.raises(rblxcloud.APIResponseError) as caught:
        perform(Script([httpx.Response(200, content=answer)]), lambda client: upload(client, PNG))
    assert caught.value.outcome_unknown


THEIRS = [ValueError("mine"), UnicodeError("mine"), httpx.ReadError("mine"), rblxcloud.RblxCloudError("mine")]


@pytest.mark.parametrize("error", THEIRS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("size", [None, 5000])
def test_what_a_stream_raises_half_way_comes_out_unchanged(
    perform: Perform, error: Exception, size: int | None
) -> None:
    def failing() -> Iterator[bytes]:
        yield PNG + bytes(CHUNK)
        raise error

    error.__context__ = None
    script = Script([])
    with pytest.raises(type(error)) as caught:
        perform(script, lambda client: upload(client, failing(), size=None if size is None else 2 * CHUNK))
    assert caught.value is error
    assert error.__context__ is None
    assert script.requests == []


def test_what_an_asynchronous_stream_raises_comes_out_unchanged(perform: Perform, mode: str) -> None:
    error = ValueError("mine")

    async def failing() -> AsyncIterator[bytes]:
        yield PNG
        raise error

    if mode == "blocking":
        return

    async def story(client: Any) -> None:
        with pytest.raises(ValueError, match="mine") as caught:
            await upload(client, failing(), size=100)
        assert caught.value is error

    perform(Script([]), story)


@pytest.mark.parametrize("size", [len(PNG) - 1, len(PNG) + 1])
def test_a_stream_of_another_size_is_broken_off(perform: Perform, size: int) -> None:
    with pytest.raises(
        rblxcloud.InvalidRequestError, match=r"size= is wrong, or it changed\); the upload was broken off"
    ):
        perform(Script([]), lambda client: upload(client, in_pieces(PNG, 10), size=size))


def test_a_file_that_shrinks_while_it_is_sent_is_broken_off(perform: Perform, tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    path.write_bytes(FILM)

    def shrink(sent: int, total: int) -> None:
        if sent == CHUNK:
            path.write_bytes(FILM[:CHUNK])

    with pytest.raises(rblxcloud.InvalidRequestError, match=rf"ended after \d+ of {len(FILM)} bytes"):
        perform(Script([]), lambda client: upload(client, path, AssetType.Video, progress=shrink))


class BrokenFile(io.BytesIO):
    """A file on a disk that fails half-way."""

    def read(self, size: int | None = -1) -> bytes:
        if self.tell() >= CHUNK:
            raise OSError(5, "Input/output error")
        return super().read(size)


def test_a_disk_that_fails_is_an_error_of_ours_where_we_opened_the_file(
    perform: Perform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "open", lambda *_, **__: BrokenFile(FILM))
    with pytest.raises(rblxcloud.InvalidRequestError, match="file: cannot be read: Input/output error"):
        perform(Script([]), lambda client: upload(client, tmp_path / "film.mp4", AssetType.Video))


class FullDisk(io.BytesIO):
    """A file that finds out when it is flushed that nothing more can be written."""

    def flush(self) -> None:
        raise OSError(28, "No space left on device")


def no_directory() -> Any:
    raise FileNotFoundError(2, "No usable temporary directory found")


@pytest.mark.parametrize(
    ("temporary", "problem"),
    [(no_directory, "No usable temporary directory found"), (FullDisk, "No space left on device")],
)
def test_a_stream_that_cannot_be_stored_is_refused_and_told_how_it_need_not_be(
    perform: Perform, monkeypatch: pytest.MonkeyPatch, temporary: Any, problem: str
) -> None:
    monkeypatch.setattr(tempfile, "TemporaryFile", temporary)
    with pytest.raises(rblxcloud.InvalidRequestError, match=f"^file: cannot be stored .*{problem}; with size="):
        perform(Script([]), lambda client: upload(client, in_pieces(PNG, 10)))


def test_what_a_file_of_the_callers_raises_comes_out_unchanged(perform: Perform) -> None:
    with pytest.raises(OSError, match="Input/output error"):
        perform(Script([]), lambda client: upload(client, BrokenFile(FILM), AssetType.Video))


def test_progress_is_told_from_nothing_to_the_end(perform: Perform) -> None:
    told: list[tuple[int, int]] = []
    perform(
        Script([throttled(), started()]),
        lambda client: upload(client, FILM, AssetType.Video, progress=lambda *step: told.append(step)),
    )
    sizes = [*range(0, len(FILM), CHUNK), len(FILM)]
    assert told == [(sent, len(FILM)) for sent in sizes] * 2


def test_a_progress_function_may_be_a_coroutine_function_where_it_can_be_awaited(perform: Perform, mode: str) -> None:
    told: list[int] = []

    async def progress(sent: int, total: int) -> None:
        told.append(sent)

    if mode == "blocking":
        with pytest.raises(rblxcloud.ConfigurationError, match="progress is a coroutine function"):
            perform(Script([]), lambda client: upload(client, PNG, progress=progress))
    else:
        perform(Script([started()]), lambda client: upload(client, PNG, progress=progress))
        assert told == [0, len(PNG)]


def test_what_a_progress_function_raises_comes_out_unchanged(perform: Perform) -> None:
    error = httpx.ReadError("mine")

    def progress(sent: int, total: int) -> None:
        raise error

    with pytest.raises(httpx.ReadError) as caught:
        perform(Script([]), lambda client: upload(client, PNG, progress=progress))
    assert caught.value is error


def test_a_deadline_in_the_middle_of_a_file_leaves_nothing_behind(perform: Perform, clock: ManualClock) -> None:
    def late(sent: int, total: int) -> None:
        clock.advance(6)

    with pytest.raises(rblxcloud.DeadlineExceededError) as caught:
        perform(Script([]), lambda client: upload(client, FILM, AssetType.Video, progress=late), Options(deadline=10))
    assert not caught.value.outcome_unknown


def test_moderation_of_a_name_has_an_error_of_its_own(perform: Perform) -> None:
    refusal = {"code": "INVALID_ARGUMENT", "message": "AssetName is moderated."}
    with pytest.raises(rblxcloud.ModerationError, match=r"AssetName is moderated\.") as caught:
        perform(Script([httpx.Response(400, json=refusal)]), lambda client: upload(client, PNG))
    assert (caught.value.path, caught.value.code) == (None, "INVALID_ARGUMENT")
    assert isinstance(caught.value.__cause__, rblxcloud.BadRequestError)


@pytest.mark.parametrize("message", ['"InvalidImage"', "displayName is too long.", "The upload costs 10 Robux."])
def test_other_refusals_are_told_in_the_words_of_roblox(perform: Perform, message: str) -> None:
    answer = httpx.Response(400, json={"code": 3, "message": message})
    with pytest.raises(rblxcloud.BadRequestError) as caught:
        perform(Script([answer]), lambda client: upload(client, PNG, expected_price=5))
    assert (caught.value.code, caught.value.message) == ("3", message)
    assert not caught.value.outcome_unknown


@pytest.mark.parametrize(
    "argument", ["name", "description", "icon", "previews", "discord_social_link", "dev_forum_social_link"]
)
def test_a_bad_change_is_refused_by_the_name_of_its_argument(perform: Perform, argument: str) -> None:
    with pytest.raises(rblxcloud.InvalidRequestError) as caught:
        perform(Script([]), lambda client: client.asset(6).update(**{argument: -5}))
    assert caught.value.argument == argument


def test_new_content_goes_to_models_alone(perform: Perform) -> None:
    script = Script([httpx.Response(200, json={"assetId": "5", "assetType": "ASSET_TYPE_DECAL"}), started()])

    async def story(client: Any) -> None:
        await client.asset(6).update(file=MODEL, name="new")
        decal = await client.asset(5).fetch()
        with pytest.raises(
            rblxcloud.InvalidRequestError, match="the content of assets of type Decal cannot be changed"
        ):
            await decal.update(file=PNG)
        with pytest.raises(rblxcloud.InvalidRequestError, match="nothing was passed to change"):
            await decal.update()

    script.steps.reverse()
    perform(script, story)
    sent = script.requests[0]
    assert sent.url.query == b"updateMask=displayName"
    form = read_form(sent)
    assert form.request == {"assetId": 6, "displayName": "new"}
    assert form.content_type == "model/fbx"


@pytest.mark.parametrize("size", [0, 1, CHUNK, 2 * CHUNK + 1])
def test_a_plain_body_is_complete_with_its_last_part(size: int) -> None:
    async def parts() -> list[tuple[int, bool]]:
        runtime = BlockingRuntime()
        async with open_source(runtime, b"a" * size, size=None, limit=size) as source:
            body = Upload(source, "text/plain", progress=None)
            assert body.length == size
            found = [(len(part), body.complete) async for part in body.chunks(runtime, None)]
            assert body.complete
            return found

    found = run(parts())
    assert sum(length for length, _ in found) == size
    assert [complete for _, complete in found] == [False] * (len(found) - 1) + [True]
