"""Publishing a place: what is taken for one, how it travels, and that it is never published twice by accident."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

import rblxcloud
from rblxcloud.http.upload import CHUNK
from tests.http.conftest import Perform
from tests.support.server import Script

BINARY = b"<roblox!\x89\xff\r\n\x1a\n" + bytes(range(256)) * 2000
XML = b'<roblox version="4">' + b" " * 100 + b"</roblox>"


def published(number: int = 7) -> httpx.Response:
    return httpx.Response(200, json={"versionNumber": number})


async def publish(client: Any, file: Any = BINARY, *arguments: Any, **more: Any) -> Any:
    return await client.experience(1).place(2).publish(file, *arguments, **more)


def in_pieces(content: bytes, size: int = 1000) -> Iterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]


@pytest.mark.parametrize(("content", "kind"), [(BINARY, "application/octet-stream"), (XML, "application/xml")])
def test_the_file_is_the_whole_body(perform: Perform, content: bytes, kind: str) -> None:
    script = Script([published()])
    perform(script, lambda client: publish(client, content))
    request = script.requests[0]
    assert request.content == content
    assert (request.headers["content-type"], request.headers["content-length"]) == (kind, str(len(content)))
    assert (request.url.path, request.url.query) == ("/universes/v1/1/places/2/versions", b"versionType=Published")


def test_a_version_can_be_saved_without_being_published(perform: Perform) -> None:
    script = Script([published()])
    perform(script, lambda client: publish(client, BINARY, "Saved"))
    assert script.requests[0].url.query == b"versionType=Saved"


@pytest.mark.parametrize("size", [1, 7, CHUNK - 1, CHUNK, CHUNK + 1, len(BINARY)])
@pytest.mark.parametrize("known", [True, False])
def test_a_stream_arrives_whole_however_it_is_cut(perform: Perform, size: int, known: bool) -> None:
    content = BINARY[:50_000] if size < 10 else BINARY
    script = Script([published()])
    pieces = [b"", *in_pieces(content, size), b""]
    perform(script, lambda client: publish(client, pieces, size=len(content) if known else None))
    assert script.requests[0].content == content


def test_progress_counts_the_file(perform: Perform, tmp_path: Path) -> None:
    path = tmp_path / "game.rbxl"
    path.write_bytes(BINARY)
    heard: list[tuple[int, int]] = []
    perform(Script([published()]), lambda client: publish(client, path, progress=lambda *told: heard.append(told)))
    assert heard[0] == (0, len(BINARY))
    assert heard[-1] == (len(BINARY), len(BINARY))
    assert len(heard) > 3


def test_a_publication_that_may_have_arrived_is_not_repeated(perform: Perform) -> None:
    script = Script([httpx.Response(500, json={"code": "INTERNAL", "message": "no"})])
    with pytest.raises(rblxcloud.ServerError) as caught:
        perform(script, publish)
    assert caught.value.outcome_unknown
    assert len(script.requests) == 1


def test_a_publication_that_was_turned_away_is_repeated_whole(perform: Perform) -> None:
    slow = httpx.Response(429, headers={"retry-after": "1"}, json={"code": "RESOURCE_EXHAUSTED", "message": "slow"})
    script = Script([slow, published()])
    perform(script, publish)
    assert [request.content for request in script.requests] == [BINARY, BINARY]


class HeadsFirst(httpx.MockTransport):
    """Answers the first request when it has heard all but the last part of its body."""

    heard = 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if self.heard:
            return super().handle_request(request)
        assert not isinstance(request.stream, httpx.AsyncByteStream)
        for part in request.stream:
            self.heard += len(part)
            if self.heard >= len(BINARY) - 1:
                break
        return httpx.Response(503, json={"code": "UNAVAILABLE", "message": "no"})

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self.heard:
            return await super().handle_async_request(request)
        assert isinstance(request.stream, httpx.AsyncByteStream)
        async for part in request.stream:
            self.heard += len(part)
            if self.heard >= len(BINARY) - 1:
                break
        return httpx.Response(503, json={"code": "UNAVAILABLE", "message": "no"})


def test_without_its_last_byte_a_publication_did_nothing(perform: Perform, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(httpx, "MockTransport", HeadsFirst)
    script = Script([published()])
    perform(script, publish)
    assert script.requests[0].content == BINARY


@pytest.mark.parametrize("size", [len(XML) - 1, len(XML) + 1])
def test_a_stream_of_another_size_is_broken_off_before_its_end(perform: Perform, size: int) -> None:
    script = Script([])
    with pytest.raises(rblxcloud.InvalidRequestError, match=r"the upload was broken off"):
        perform(script, lambda client: publish(client, in_pieces(XML, 10), size=size))
    assert script.requests == []


def test_what_progress_raises_comes_out_before_all_was_sent(perform: Perform) -> None:
    def stop(sent: int, total: int) -> None:
        if sent == total:
            raise KeyError("enough")

    script = Script([])
    with pytest.raises(KeyError, match="enough"):
        perform(script, lambda client: publish(client, progress=stop))
    assert script.requests == []


REFUSED: dict[str, tuple[Callable[[Path], Any], str]] = {
    "a text file": (lambda folder: folder / "notes.txt", "begins neither like"),
    "a program": (lambda folder: b"print('hello')", "begins neither like"),
    "the beginning alone": (lambda folder: b"<roblox", "begins neither like"),
    "a picture": (lambda folder: b"\x89PNG\r\n\x1a\n", "begins neither like"),
    "an empty file": (lambda folder: folder / "empty.rbxl", "is empty"),
    "no bytes": (lambda folder: b"", "is empty"),
    "a stream of nothing": (lambda folder: iter(()), "is empty"),
    "a directory": (lambda folder: folder, "is a directory"),
    "a missing file": (lambda folder: str(folder / "gone.rbxl"), "does not exist"),
    "content as text": (lambda folder: "<roblox version='4'>", "does not exist"),
    "a model": (lambda folder: folder / "tree.rbxm", "is a model by its name"),
    "a model in capitals": (lambda folder: folder / "TREE.RBXM", "is a model by its name"),
    "a number": (lambda folder: 5, "is of type int"),
    "nothing": (lambda folder: None, "is of type NoneType"),
    "a file in text mode": (lambda folder: io.StringIO("<roblox !"), "text mode"),
    "a stream of text": (lambda folder: iter(["<roblox !"]), "takes bytes"),
}
"""What is no place, and what the error says."""


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_no_place_is_refused_before_it_is_sent(perform: Perform, tmp_path: Path, what: str) -> None:
    (tmp_path / "notes.txt").write_text("Remember the milk.")
    (tmp_path / "empty.rbxl").touch()
    (tmp_path / "tree.rbxm").write_bytes(BINARY)
    (tmp_path / "TREE.RBXM").write_bytes(BINARY)
    make, problem = REFUSED[what]
    script = Script([])
    with pytest.raises(rblxcloud.InvalidRequestError, match=problem) as caught:
        perform(script, lambda client: publish(client, make(tmp_path)))
    assert caught.value.argument == "file"
    assert script.requests == []


@pytest.mark.parametrize(
    ("arguments", "argument"),
    [
        ({"version_type": "published"}, "version_type"),
        ({"version_type": True}, "version_type"),
        ({"size": 0}, "size"),
        ({"size": "5"}, "size"),
        ({"size": True}, "size"),
        ({"progress": 5}, "progress"),
    ],
)
def test_arguments_that_are_wrong_are_refused(perform: Perform, arguments: dict[str, Any], argument: str) -> None:
    script = Script([])
    with pytest.raises(rblxcloud.InvalidRequestError) as caught:
        perform(script, lambda client: publish(client, **arguments))
    assert caught.value.argument == argument
    assert script.requests == []


@pytest.mark.parametrize("answer", [b"7", b"{}", b'{"versionNumber"', b"<html>", b""])
def test_an_answer_that_was_cut_says_that_it_may_have_been_published(perform: Perform, answer: bytes) -> None:
    with pytest.raises(rblxcloud.APIResponseError) as caught:
        perform(Script([httpx.Response(200, content=answer)]), publish)
    assert caught.value.outcome_unknown


def test_an_asynchronous_stream_is_published(perform: Perform, mode: str) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for piece in in_pieces(BINARY):
            yield piece

    script = Script([published()])
    if mode == "blocking":
        with pytest.raises(rblxcloud.InvalidRequestError, match="asynchronous iterable"):
            perform(script, lambda client: publish(client, pieces()))
    else:
        perform(script, lambda client: publish(client, pieces()))
        assert script.requests[0].content == BINARY
