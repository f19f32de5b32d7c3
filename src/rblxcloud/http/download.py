"""Files behind addresses that Roblox hands out, which are reached without the credential.

On their way from Roblox they are streamed to a path, resumed where they were cut, and there only when they are whole.
"""

from __future__ import annotations

import os
import re
import secrets
import zlib
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from pathlib import Path
from stat import S_ISDIR
from typing import Any, BinaryIO, Literal, TypeAlias
from urllib.parse import urlsplit

from rblxcloud.config import DEFAULT_BASE_URL, is_loopback
from rblxcloud.endpoints.model import Credential, Endpoint, Repeat
from rblxcloud.errors import APIResponseError, InvalidRequestError
from rblxcloud.runtime.base import CarriedError, Incoming, Runtime, SendFailure
from rblxcloud.types import Headers, Response

DownloadProgress: TypeAlias = Callable[[int, int | None], Awaitable[object] | object]
"""Called with the bytes that have come so far, and all there are: None where the server does not say."""

_CHUNK = 256 * 1024
_LONGEST_REFUSAL = 64 * 1024
_ROBLOX_HOSTS = ("roblox.com", "rbxcdn.com")
_ADDRESS = re.compile(r"[!-~]+")
"""What an address can be written with (RFC 3986); what it lacks, such as a letter with an accent, is encoded."""


def handed_out(name: str, method: Literal["GET", "PUT"]) -> Endpoint:
    """Return what stands for the addresses of one kind of file; they are no part of Open Cloud.

    Args:
        name: What logs and errors call it, since the address opens the file to whoever has it.
        method: To read a file or to put one there, whole: both may be repeated.
    """
    credentials = frozenset({Credential.NONE})
    return Endpoint(name=name, method=method, server="", path="", credentials=credentials, repeat=Repeat.SAFE)


def resolve_address(base_url: str, address: str) -> str:
    """Return where an address that Roblox handed out is fetched from.

    Args:
        base_url: The client's; one that is not Roblox's own stands for all of Roblox's hosts.
        address: What was handed out.

    Raises:
        APIResponseError: It is not https, and not on this machine together with the base URL.
    """
    try:
        parts = urlsplit(address if _ADDRESS.fullmatch(address) else "")
        host, _ = parts.hostname or "", parts.port  # A port that is none is found out when it is asked for.
    except ValueError:
        parts, host = urlsplit(""), ""
    target = f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}"
    if base_url != DEFAULT_BASE_URL and any(host == h or host.endswith(f".{h}") for h in _ROBLOX_HOSTS):
        return f"{base_url}{target}"
    local = parts.scheme == "http" and is_loopback(host) and is_loopback(urlsplit(base_url).hostname or "")
    if not host or not (parts.scheme == "https" or local):
        raise APIResponseError(f"Roblox handed out an address that is not fetched from: {parts.scheme}://{host}")
    return f"{parts.scheme}://{parts.netloc}{target}"


class FileDownload:
    """Writes a file while it comes; an attempt goes on where the last one was cut, when the file is still the same.

    Args:
        runtime: Writes.
        locate: Asks where the file is: such addresses soon expire.
        file: What it is written to.
        progress: Told of the bytes that have come.
    """

    def __init__(
        self,
        runtime: Runtime,
        locate: Callable[[], Awaitable[str]],
        file: BinaryIO,
        progress: DownloadProgress | None,
    ) -> None:
        self._runtime = runtime
        self._locate = locate
        self._file = file
        self._progress = progress
        self._buffer = bytearray()
        self._received = 0
        self._total: int | None = None
        self._validator: str | None = None
        self._decoder: Any = None

    async def target(self) -> tuple[str, dict[str, str]]:
        """Return where the file is, and the headers that ask for the part that is missing."""
        headers = {"accept": "*/*", "accept-encoding": "gzip"}
        if self._received and self._validator:
            headers |= {"range": f"bytes={self._received}-", "if-range": self._validator}
        return await self._locate(), headers

    async def read(self, incoming: Incoming) -> Response:
        """Write what comes."""
        if incoming.status == 206:
            self._check_part(incoming.headers)
        elif incoming.status == 416:
            raise self._start_again("the server has less of the file than it sent before")
        elif incoming.status >= 300:
            return Response(incoming.status, incoming.headers, await read_refusal(incoming))
        else:
            await self._begin(incoming.headers)
        await self._tell()
        async for chunk in incoming.chunks:
            self._received += len(chunk)
            for data in self._decoded(chunk):
                self._buffer += data
                if len(self._buffer) >= _CHUNK:
                    await self._write()
            await self._tell()
        if self._decoder is not None and not self._decoder.eof:
            raise self._start_again("the file ended early")
        await self._write()
        return Response(incoming.status, incoming.headers)

    def _check_part(self, headers: Headers) -> None:
        """Make sure that a part is of the same file, and the one that was asked for."""
        start = re.match(r"bytes (\d+)-", headers.get("content-range", ""))
        if start is None or int(start[1]) != self._received or _validator(headers) != self._validator:
            raise self._start_again("the server sent another part than was asked for")

    async def _begin(self, headers: Headers) -> None:
        """Start with nothing: the first time, and when the file is not the same any more."""
        self._forget()
        self._validator = _validator(headers)
        length = headers.get("content-length", "")
        self._total = int(length) if length.isascii() and length.isdigit() else None
        encoding = headers.get("content-encoding", "identity").lower()
        if encoding == "gzip":
            self._decoder = zlib.decompressobj(wbits=31)
        elif encoding != "identity":
            raise APIResponseError(f"the file came with the content-encoding {encoding!r}, which was not asked for")
        await _on_disk(self._runtime, _empty, self._file)

    def _forget(self) -> None:
        self._buffer.clear()
        self._received, self._total, self._validator, self._decoder = 0, None, None, None

    def _start_again(self, reason: str) -> SendFailure:
        self._forget()
        return SendFailure(reason, sent=True)

    def _decoded(self, chunk: bytes) -> Iterator[bytes]:
        """Undo the encoding, in parts of moderate size: a little can decode to a lot."""
        if self._decoder is None:
            yield chunk
            return
        try:
            while chunk:
                yield self._decoder.decompress(chunk, _CHUNK)
                chunk = self._decoder.unconsumed_tail
        except zlib.error as error:
            raise self._start_again(f"the file cannot be decoded: {error}") from error

    async def _write(self) -> None:
        data = bytes(self._buffer)
        self._buffer.clear()
        await _on_disk(self._runtime, self._file.write, data)

    async def _tell(self) -> None:
        if self._progress is not None:
            try:
                await self._runtime.call("progress", self._progress, self._received, self._total)
            except Exception as error:
                raise CarriedError(error) from error


class HandedOutTarget:
    """An upload to an address that Roblox handed out, which takes the whole file again at each attempt.

    Args:
        address: The address. Whoever has it can write there: it is not shown.
    """

    def __init__(self, address: str) -> None:
        self._address = address

    async def target(self) -> tuple[str, dict[str, str]]:
        """Return the address; the session adds what the body wants."""
        return self._address, {"accept": "*/*"}

    async def read(self, incoming: Incoming) -> Response:
        """Read a refusal; what a success says is of no interest."""
        body = b"" if incoming.status < 300 else await read_refusal(incoming)
        return Response(incoming.status, incoming.headers, body)


async def _on_disk(runtime: Runtime, function: Callable[..., object], *args: object) -> None:
    try:
        await runtime.blocking(function, *args)
    except OSError as error:
        raise InvalidRequestError("path", f"cannot be written: {error.strerror or error}") from error


def _empty(file: BinaryIO) -> None:
    file.seek(0)
    file.truncate()


def _validator(headers: Headers) -> str | None:
    """Return what tells this content from another for sure: `If-Range` takes no weak one (RFC 9110, 13.1.5)."""
    tag = headers.get("etag")
    return headers.get("last-modified") if tag is None else None if tag.startswith("W/") else tag


async def read_refusal(incoming: Incoming) -> bytes:
    """Return the body of a refusal, cut where it is long."""
    body = bytearray()
    async for chunk in incoming.chunks:
        body += chunk
        if len(body) >= _LONGEST_REFUSAL:
            break
    return bytes(body)


async def save(runtime: Runtime, path: str | os.PathLike[str], fill: Callable[[BinaryIO], Awaitable[object]]) -> Path:
    """Have a file written that appears under its name only when it is whole, in place of one that was there.

    Args:
        runtime: Works with files.
        path: Its name.
        fill: Writes it.

    Returns:
        The name.

    Raises:
        InvalidRequestError: There can be no such file, and nothing was sent; or it could not be written to the end.
    """
    target, part, file = await runtime.blocking(_create, path)
    try:
        with file:
            await fill(file)
            await _on_disk(runtime, _settle, file)
        await _on_disk(runtime, os.replace, part, target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    return target


def _create(path: str | os.PathLike[str]) -> tuple[Path, Path, BinaryIO]:
    try:
        target = Path(path)
        with suppress(FileNotFoundError):
            if S_ISDIR(target.stat().st_mode):  # `is_dir` says nothing of names that no file can have.
                raise IsADirectoryError
        part = target.with_name(f".{secrets.token_hex(8)}.part")
        return target, part, part.open("xb")
    except IsADirectoryError:
        problem = f"{str(path)!r:.300} is a directory; it takes the name of a file"
    except OSError as error:
        problem = f"nothing can be written to {str(path)!r:.300}: {error.strerror or error}"
    except (TypeError, ValueError) as error:
        problem = f"{str(path)!r:.300} cannot be the path of a file: {error}"
    raise InvalidRequestError("path", problem)


def _settle(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())
