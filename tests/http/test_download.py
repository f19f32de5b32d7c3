"""Downloads: whole or not there, resumed where they were cut, and without the credential."""

from __future__ import annotations

import gzip
import os
import traceback
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

import rblxcloud
from rblxcloud.config import Options
from rblxcloud.http.download import resolve_address
from tests.http.conftest import Perform
from tests.support.clock import ManualClock
from tests.support.server import Script

CONTENT = bytes(range(256)) * 4000
CUT = 700_000
ADDRESS = "https://c0.rbxcdn.com/f00?token=1"


class Body(httpx.SyncByteStream, httpx.AsyncByteStream):
    """An answer's body in pieces, which is cut after some bytes."""

    def __init__(self, content: bytes, cut: int | None = None) -> None:
        self._content = content[:cut]
        self._cut = cut is not None

    def __iter__(self) -> Iterator[bytes]:
        for start in range(0, len(self._content), 65_536):
            yield self._content[start : start + 65_536]
        if self._cut:
            raise httpx.ReadError("reset")

    def __aiter__(self) -> AsyncIterator[bytes]:
        return Pieces(iter(self))


class Pieces:
    """An asynchronous iterator that, not being a generator, need not be closed."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        try:
            return next(self._pieces)
        except StopIteration:
            raise StopAsyncIteration from None


def located(address: str = ADDRESS) -> httpx.Response:
    return httpx.Response(200, json={"location": address, "assetMetadatas": []})


def file(content: bytes = CONTENT, *, cut: int | None = None, status: int = 200, **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Response(status, headers={"content-length": str(len(content)), **named}, stream=Body(content, cut))


def rest(content: bytes = CONTENT, start: int = CUT, **headers: str) -> httpx.Response:
    span = f"bytes {start}-{len(content) - 1}/{len(content)}"
    return file(content[start:], status=206, content_range=span, **{"etag": '"a"', **headers})


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """Where a download goes; nothing else is in its directory."""
    return tmp_path / "file.bin"


@pytest.fixture
def download(perform: Perform, target: Path) -> Callable[..., Path]:
    """Download asset 5 from a script."""

    def download(script: Script, options: Options | None = None, **arguments: Any) -> Path:
        return perform(script, lambda client: client.asset(5).download(target, **arguments), options)

    return download


Download = Callable[..., Path]


def test_a_file_is_written_without_the_credential(download: Download, target: Path) -> None:
    script = Script([located(), file()])
    assert download(script) == target
    assert target.read_bytes() == CONTENT
    ask, fetch = script.requests
    assert ask.headers["x-api-key"] == "key"
    assert str(fetch.url) == ADDRESS
    assert not {"x-api-key", "authorization", "cookie"} & set(fetch.headers)


def test_hooks_are_told_of_a_download_but_not_of_what_opens_it(perform: Perform, target: Path) -> None:
    asked: list[rblxcloud.RequestEvent] = []
    answered: list[rblxcloud.ResponseEvent] = []
    script = Script([located(), file(cut=CUT), located(), file()])
    hooks = {"on_request": [asked.append], "on_response": [answered.append]}
    perform(script, lambda client: client.asset(5).download(target), **hooks)
    urls = [event.url for event in asked if event.endpoint == "assets.file"]
    assert urls == ["https://c0.rbxcdn.com/f00"] * 2
    assert [(event.attempt, event.status) for event in answered if event.endpoint == "assets.file"] == [
        (1, None),
        (2, 200),
    ]


def test_a_version_has_its_own_address(download: Download) -> None:
    script = Script([located(), file()])
    download(script, version=3)
    assert script.requests[0].url.path == "/asset-delivery-api/v1/assetId/5/version/3"


def test_what_was_cut_is_resumed_at_the_address_of_now(download: Download, target: Path) -> None:
    script = Script([located(), file(cut=CUT, etag='"a"'), located("https://c1.rbxcdn.com/f00"), rest()])
    download(script)
    assert target.read_bytes() == CONTENT
    again = script.requests[3]
    assert str(again.url) == "https://c1.rbxcdn.com/f00"
    assert (again.headers["range"], again.headers["if-range"]) == (f"bytes={CUT}-", '"a"')


def test_a_file_that_has_changed_is_started_again(download: Download, target: Path) -> None:
    changed = CONTENT[::-1][:800_000]
    download(Script([located(), file(cut=CUT, etag='"a"'), located(), file(changed, etag='"b"')]))
    assert target.read_bytes() == changed


@pytest.mark.parametrize("headers", [{}, {"etag": 'W/"a"'}, {"etag": 'W/"a"', "last_modified": "Mon, 1 Jan 2026"}])
def test_what_cannot_be_told_from_another_is_started_again(
    download: Download, target: Path, headers: dict[str, str]
) -> None:
    script = Script([located(), file(cut=CUT, **headers), located(), file()])
    download(script)
    assert target.read_bytes() == CONTENT
    assert "range" not in script.requests[3].headers


def test_a_date_does_where_there_is_no_tag(download: Download, target: Path) -> None:
    date = "Mon, 05 Jan 2026 00:00:00 GMT"
    script = Script([located(), file(cut=CUT, last_modified=date), located(), rest(etag="", last_modified=date)])
    script.steps[3].headers.pop("etag")
    download(script)
    assert target.read_bytes() == CONTENT
    assert script.requests[3].headers["if-range"] == date


@pytest.mark.parametrize(
    "wrong",
    [
        rest(start=CUT - 10),
        rest(etag='"b"'),
        file(CONTENT[CUT:], status=206, etag='"a"'),
        httpx.Response(416, headers={"content-range": "bytes */5"}),
    ],
    ids=["another part", "another file", "no range", "nothing left"],
)
def test_another_part_than_was_asked_for_is_not_taken(download: Download, target: Path, wrong: httpx.Response) -> None:
    script = Script([located(), file(cut=CUT, etag='"a"'), located(), wrong, located(), file()])
    download(script)
    assert target.read_bytes() == CONTENT
    assert "range" not in script.requests[5].headers


def test_what_is_compressed_is_resumed_within_the_compressed(download: Download, target: Path) -> None:
    packed = gzip.compress(CONTENT, compresslevel=0)
    first = file(packed, cut=CUT, etag='"a"', content_encoding="gzip")
    script = Script([located(), first, located(), rest(packed, content_encoding="gzip")])
    download(script)
    assert target.read_bytes() == CONTENT
    assert script.requests[1].headers["accept-encoding"] == "gzip"


@pytest.mark.parametrize("broken", [b"this is not gzip", gzip.compress(CONTENT)[:-20]], ids=["garbage", "short"])
def test_what_cannot_be_decompressed_is_not_taken(download: Download, target: Path, broken: bytes) -> None:
    script = Script([located(), file(broken, content_encoding="gzip"), located(), file()])
    download(script)
    assert target.read_bytes() == CONTENT


def test_a_little_that_decompresses_to_a_lot_is_written_piece_by_piece(download: Download, target: Path) -> None:
    packed = gzip.compress(bytes(50_000_000))
    download(Script([located(), file(packed, content_encoding="gzip")]))
    assert target.stat().st_size == 50_000_000


@pytest.mark.parametrize("stands", [None, b"what was there"])
def test_what_fails_leaves_what_stood_there(download: Download, target: Path, stands: bytes | None) -> None:
    if stands is not None:
        target.write_bytes(stands)
    cuts = [step for _ in range(6) for step in (located(), file(cut=CUT))]
    with pytest.raises(rblxcloud.APIConnectionError) as caught:
        download(Script(cuts))
    assert not caught.value.outcome_unknown
    assert [path.read_bytes() for path in target.parent.iterdir()] == ([] if stands is None else [stands])


def test_progress_is_told_and_starts_again_with_the_file(download: Download) -> None:
    told: list[tuple[int, int | None]] = []
    download(Script([located(), file(cut=CUT), located(), file()]), progress=lambda *step: told.append(step))
    assert told[0] == (0, len(CONTENT))
    assert (CUT, len(CONTENT)) in told
    assert told[told.index((CUT, len(CONTENT))) + 1] == (0, len(CONTENT))
    assert told[-1] == (len(CONTENT), len(CONTENT))


def test_what_a_progress_function_raises_comes_out_unchanged(download: Download, target: Path) -> None:
    error = httpx.ReadError("mine")

    def progress(received: int, total: int | None) -> None:
        raise error

    with pytest.raises(httpx.ReadError) as caught:
        download(Script([located(), file()]), progress=progress)
    assert caught.value is error
    assert list(target.parent.iterdir()) == []


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_disk_that_fails_is_an_error_of_ours(
    download: Download, target: Path, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, step, fail)
    with pytest.raises(rblxcloud.InvalidRequestError, match="path: cannot be written: No space left on device"):
        download(Script([located(), file()]))
    assert list(target.parent.iterdir()) == []


def test_a_deadline_ends_it(download: Download, clock: ManualClock, target: Path) -> None:
    with pytest.raises(rblxcloud.DeadlineExceededError):
        download(Script([located(), file()]), Options(deadline=10), progress=lambda *_: clock.advance(3))
    assert list(target.parent.iterdir()) == []


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (404, rblxcloud.NotFoundError),
        (409, rblxcloud.PermissionDeniedError),
        (403, rblxcloud.PermissionDeniedError),
        (0, rblxcloud.BadRequestError),
    ],
)
def test_a_refusal_within_a_success_is_an_error(
    download: Download, target: Path, code: int, error: type[Exception]
) -> None:
    answer = httpx.Response(200, json={"errors": [{"code": code, "message": "No."}]})
    with pytest.raises(error, match=r"No\."):
        download(Script([answer]))
    assert list(target.parent.iterdir()) == []


@pytest.mark.parametrize("answer", [b"", b"[]", b'{"location": 5}', b"<html>"])
def test_an_answer_without_an_address_is_an_error(download: Download, answer: bytes) -> None:
    with pytest.raises(rblxcloud.APIResponseError):
        download(Script([httpx.Response(200, content=answer)]))


def test_a_refusal_of_the_content_network_is_an_error(download: Download) -> None:
    script = Script([located(), file(b"<Error>expired</Error>", status=403)])
    with pytest.raises(rblxcloud.PermissionDeniedError, match="expired"):
        download(script)
    assert len(script.requests) == 2  # The key was not introspected for it.


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("", "is a directory"),
        ("missing/file", "nothing can be written"),
        ("file/file", "nothing can be written"),
        ("x" * 300, "File name too long"),
        ("a\0b", "cannot be the path of a file: .*embedded null"),
        ("\ud800", "cannot be the path of a file"),
    ],
)
def test_a_path_where_there_can_be_no_file_is_refused_before_anything_is_sent(
    perform: Perform, tmp_path: Path, path: str, problem: str
) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(rblxcloud.InvalidRequestError, match=problem) as caught:
        perform(Script([]), lambda client: client.asset(5).download(tmp_path / path))
    assert caught.value.argument == "path"


@pytest.mark.parametrize("path", [5, None, b"file"])
def test_a_path_that_is_none_is_refused_before_anything_is_sent(perform: Perform, path: Any) -> None:
    with pytest.raises(rblxcloud.InvalidRequestError, match=r"^path: .* cannot be the path of a file"):
        perform(Script([]), lambda client: client.asset(5).download(path))


@pytest.mark.parametrize("path", ["", ".", "/"])
def test_a_path_without_a_name_is_a_directory(perform: Perform, path: str) -> None:
    with pytest.raises(rblxcloud.InvalidRequestError, match=r"^path: .* is a directory"):
        perform(Script([]), lambda client: client.asset(5).download(path))


def test_a_progress_that_is_no_function_is_refused_before_anything_is_sent(perform: Perform, target: Path) -> None:
    with pytest.raises(rblxcloud.InvalidRequestError, match=r"^progress: is of type int"):
        perform(Script([]), lambda client: client.asset(5).download(target, progress=5))
    assert not target.exists()


ROBLOX = "https://apis.roblox.com"


@pytest.mark.parametrize(
    ("base_url", "address", "fetched"),
    [
        (ROBLOX, "https://c0.rbxcdn.com/a%2Fb?x=1#y", "https://c0.rbxcdn.com/a%2Fb?x=1"),
        (ROBLOX, "https://elsewhere.example/a", "https://elsewhere.example/a"),
        (ROBLOX, "https://c0.rbxcdn.com", "https://c0.rbxcdn.com/"),
        ("http://127.0.0.1:8360", "https://c0.rbxcdn.com/a?x=1", "http://127.0.0.1:8360/a?x=1"),
        ("http://127.0.0.1:8360", "http://localhost:9/a", "http://localhost:9/a"),
        ("https://proxy.example", "https://assetdelivery.roblox.com/a", "https://proxy.example/a"),
        ("https://proxy.example", "https://roblox.com.example/a", "https://roblox.com.example/a"),
    ],
)
def test_an_address_is_fetched_from_where_the_base_url_leads(base_url: str, address: str, fetched: str) -> None:
    assert resolve_address(base_url, address) == fetched


@pytest.mark.parametrize(
    ("base_url", "address"),
    [
        (ROBLOX, "http://c0.rbxcdn.com/a"),
        (ROBLOX, "http://127.0.0.1/a"),
        (ROBLOX, "file:///etc/passwd"),
        (ROBLOX, "/a"),
        (ROBLOX, "https://[bad/a"),
        ("http://127.0.0.1:8360", "http://elsewhere.example/a"),
    ],
)
def test_an_address_that_is_not_safe_is_refused(base_url: str, address: str) -> None:
    with pytest.raises(rblxcloud.APIResponseError, match="an address that is not fetched from"):
        resolve_address(base_url, address)


@pytest.mark.parametrize(
    "content",
    [b'{"location": "https://cdn.example/f?signature=secret', b"\xffsecret", b'"secret"', b'["secret"]', b"[" * 10_000],
    ids=["cut", "no text", "text", "list", "deep"],
)
def test_an_address_that_cannot_be_read_is_an_error_that_does_not_show_it(
    download: Download, target: Path, content: bytes
) -> None:
    with pytest.raises(rblxcloud.APIResponseError, match="cannot be used") as caught:
        download(Script([httpx.Response(200, content=content)]))
    assert "secret" not in "".join(traceback.format_exception(caught.value))
    assert "secret" not in repr(caught.value.__cause__)
    assert list(target.parent.iterdir()) == []
