"""Files on their way to Roblox: what a user hands in, and the body that carries it, made while it is sent.

Memory does not grow with the file. Roblox wants to know the length of a body beforehand, so a stream whose size nobody
says is written to a temporary file first.
"""

from __future__ import annotations

import inspect
import io
import os
import secrets
import tempfile
from abc import ABC, abstractmethod
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
    Iterator,
    Mapping,
)
from contextlib import aclosing, asynccontextmanager
from os import PathLike
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias, cast

from rblxcloud.errors import InvalidRequestError
from rblxcloud.runtime.base import CarriedError, DeadlinePassed, Runtime

File: TypeAlias = str | PathLike[str] | bytes | BinaryIO | Iterable[bytes] | AsyncIterable[bytes]
"""What can be uploaded: a path, the content itself, an open binary file, or an iterable of the content's parts."""

Progress: TypeAlias = Callable[[int, int], Awaitable[object] | object]
"""Called with the bytes that are through so far, and all there are."""

CHUNK = 120 * 1024
"""Bytes that are sent at once; from 128 KiB on, the C library would get memory anew for each lot."""
_CHUNKS_AT_ONCE = 8
"""Chunks that are read at once: in async mode, each reading takes a worker thread."""
HEAD = 4096
"""Bytes at the beginning that tell what a file is."""


class Source(ABC):
    """A file that can be read in parts.

    Args:
        name: Its name, without directories; None when it has none.
        size: Its bytes.
    """

    replayable = True
    """Whether it can be read again from where it stood."""

    def __init__(self, name: str | None, size: int) -> None:
        self.name = name
        self.size = size

    @abstractmethod
    async def head(self, runtime: Runtime) -> bytes:
        """Return its first bytes; reading it is not begun by that."""

    @abstractmethod
    def chunks(self, runtime: Runtime) -> AsyncGenerator[bytes, None]:
        """Yield it from the start, in parts of moderate size."""


class FileSource(Source):
    """A seekable file, from where it stands now.

    Args:
        file: The file.
        name: Its name.
        start: Where it stands.
        size: Bytes from there to its end.
        ours: Whether it was opened here, so that what it raises is not a user's own.
    """

    def __init__(self, file: BinaryIO, name: str | None, start: int, size: int, *, ours: bool) -> None:
        super().__init__(name, size)
        self._file = file
        self._start = start
        self._ours = ours

    async def head(self, runtime: Runtime) -> bytes:
        """Return its first bytes, and leave it where it stood."""
        return await runtime.blocking(self._peek)

    def _peek(self) -> bytes:
        head = b"".join(self._read(0, 1, HEAD))
        self._file.seek(self._start)
        return head

    def _read(self, place: int, count: int, size: int) -> list[bytes]:
        try:
            self._file.seek(self._start + place)
            return [chunk for _ in range(count) if (chunk := self._file.read(size))]
        except OSError as error:
            if self._ours:
                raise _unreadable(error) from error
            raise

    async def chunks(self, runtime: Runtime) -> AsyncGenerator[bytes, None]:
        """Yield it from where it stood."""
        place = 0
        while place < self.size:
            chunks = await runtime.blocking(self._read, place, _CHUNKS_AT_ONCE, CHUNK)
            if not chunks:
                raise _wrong_size(place, self.size)
            for chunk in chunks:
                place += len(chunk)
                if place > self.size:
                    raise _wrong_size(place, self.size)
                yield chunk


class StreamSource(Source):
    """Parts that can be had once.

    Args:
        parts: The parts.
        size: Bytes of all parts together.
    """

    replayable = False

    def __init__(self, parts: AsyncIterator[bytes], name: str | None, size: int) -> None:
        super().__init__(name, size)
        self._parts = parts
        self._ahead: list[bytes] = []

    async def head(self, runtime: Runtime) -> bytes:
        """Return its first bytes; the parts that hold them are kept."""
        while sum(map(len, self._ahead)) < min(HEAD, self.size):
            part = await anext(self._parts, None)
            if part is None:
                break
            self._ahead.append(part)
        return b"".join(self._ahead)[:HEAD]

    async def chunks(self, runtime: Runtime) -> AsyncGenerator[bytes, None]:
        """Yield the parts."""
        place = 0
        async with aclosing(self._all()) as parts:
            async for part in parts:
                place += len(part)
                if place > self.size:
                    raise _wrong_size(place, self.size)
                yield part
        if place < self.size:
            raise _wrong_size(place, self.size)

    async def _all(self) -> AsyncGenerator[bytes, None]:
        while self._ahead:
            yield self._ahead.pop(0)
        async for part in self._parts:
            yield part


def _unreadable(error: OSError) -> InvalidRequestError:
    return InvalidRequestError("file", f"cannot be read: {error.strerror or error}")


def _wrong_size(place: int, size: int) -> InvalidRequestError:
    more = "goes on after" if place > size else f"ended after {place} of"
    return InvalidRequestError(
        "file", f"{more} {size} bytes (size= is wrong, or it changed); the upload was broken off"
    )


@asynccontextmanager
async def open_source(runtime: Runtime, file: object, *, size: int | None, limit: int) -> AsyncGenerator[Source, None]:
    """Open what a user wants to upload.

    Args:
        runtime: Reads files.
        file: A path, bytes, an open binary file, or an iterable of bytes.
        size: Bytes of an iterable, so that it need not be stored first; None when that is not known.
        limit: Most bytes that are stored of a stream whose size is not known.

    Yields:
        The source; what was opened here is closed in the end.

    Raises:
        InvalidRequestError: It is none of these, or cannot be read.
    """
    if isinstance(file, str | PathLike):
        opened = await runtime.abandonable(_open, cast("str | PathLike[str]", file))
        try:
            async with _open_file(runtime, opened, _check_open(opened), size, limit, ours=True) as source:
                yield source
        finally:
            opened.close()
    elif isinstance(file, bytes | bytearray | memoryview):
        yield _measured(io.BytesIO(cast("bytes", file)), None, ours=True)
    elif hasattr(file, "read") and not isinstance(file, AsyncIterable | type):
        name = _check_open(file)
        async with _open_file(runtime, cast("BinaryIO", file), name, size, limit, ours=False) as source:
            yield source
    elif isinstance(file, Iterable | AsyncIterable) and not isinstance(file, Mapping):
        async with _stream(runtime, cast("Iterable[bytes]", file), None, size, limit) as source:
            yield source
    else:
        kind = type(cast("object", file)).__name__
        raise InvalidRequestError(
            "file", f"is of type {kind}; it takes a path, bytes, a binary file or an iterable of bytes"
        )


def _open(file: str | PathLike[str]) -> BinaryIO:
    try:
        path = Path(file)
        if path.is_dir():
            raise IsADirectoryError
        return path.open("rb", buffering=0)  # A buffer only copies what is read in large parts.
    except IsADirectoryError:
        problem = "is a directory"
    except FileNotFoundError:
        problem = "does not exist"
    except OSError as error:
        problem = f"cannot be read: {error.strerror or error}"
    except (TypeError, ValueError) as error:
        problem = f"cannot be the path of a file: {error}"
    # Cut, since it may be the content, passed as text by mistake.
    raise InvalidRequestError("file", f"{str(file)!r:.300} {problem}")


@asynccontextmanager
async def _open_file(
    runtime: Runtime, file: BinaryIO, name: str | None, size: int | None, limit: int, *, ours: bool
) -> AsyncGenerator[Source, None]:
    if _is_seekable(file):
        yield await runtime.blocking(_measured, file, name, ours=ours)
        return
    async with _stream(runtime, iter(lambda: file.read(CHUNK), b""), name, size, limit) as source:
        yield source


def _measured(file: BinaryIO, name: str | None, *, ours: bool) -> FileSource:
    try:
        start = file.tell()
        file.seek(0, os.SEEK_END)  # It need not return where that is: an mmap does not.
        end = file.tell()
        file.seek(start)
    except OSError as error:
        if ours:
            raise _unreadable(error) from error
        raise
    return FileSource(file, name, start, max(0, end - start), ours=ours)


def _check_open(file: Any) -> str | None:
    """Return the name of an open file, when it is one that bytes can be read from."""
    if getattr(file, "closed", False):
        raise InvalidRequestError("file", "is closed")
    if inspect.iscoroutinefunction(file.read):
        raise InvalidRequestError("file", "has a read() to be awaited; pass an asynchronous iterable of its parts")
    if hasattr(file, "readable") and not file.readable():
        raise InvalidRequestError("file", "was not opened for reading; open it with mode 'rb'")
    if not isinstance(file, io.RawIOBase | io.BufferedIOBase) and isinstance(file.read(0), str):
        raise InvalidRequestError("file", "was opened in text mode; open it with mode 'rb'")
    name = getattr(file, "name", None)  # A number where the file was opened by descriptor.
    return os.path.basename(name) if isinstance(name, str) else None


def _is_seekable(file: Any) -> bool:
    return bool(file.seekable()) if hasattr(file, "seekable") else hasattr(file, "seek")


@asynccontextmanager
async def _stream(
    runtime: Runtime, items: Iterable[bytes] | AsyncIterable[bytes], name: str | None, size: int | None, limit: int
) -> AsyncGenerator[Source, None]:
    async with aclosing(_parts(runtime, items)) as parts:
        if size is not None:
            yield StreamSource(parts, name, size)
            return
        with await runtime.blocking(_temporary) as stored:
            await _store(runtime, parts, stored, limit)
            yield await runtime.blocking(_measured, stored, name, ours=True)


async def _store(runtime: Runtime, parts: AsyncIterator[bytes], stored: Any, limit: int) -> None:
    buffer, total = bytearray(), 0
    async for part in parts:
        total += len(part)
        if total > limit:
            raise InvalidRequestError("file", f"has more than {limit} bytes, which is the most that is taken")
        buffer += part
        if len(buffer) >= CHUNK:
            await runtime.blocking(_keep, stored, bytes(buffer))
            buffer.clear()
    await runtime.blocking(_keep, stored, bytes(buffer))
    await runtime.blocking(stored.seek, 0)


def _temporary() -> BinaryIO:
    try:
        return cast("BinaryIO", tempfile.TemporaryFile())
    except OSError as error:
        raise _not_stored(error) from error


def _keep(stored: BinaryIO, part: bytes) -> None:
    try:
        stored.write(part)
        stored.flush()  # Else it would be a later seek that finds the disk full.
    except OSError as error:
        raise _not_stored(error) from error


def _not_stored(error: OSError) -> InvalidRequestError:
    problem = f"cannot be stored to find out its size: {error.strerror or error}; with size= it need not be"
    return InvalidRequestError("file", problem)


async def _parts(runtime: Runtime, items: Iterable[bytes] | AsyncIterable[bytes]) -> AsyncGenerator[bytes, None]:
    """Iterate over a user's iterable: a plain one where it may block, for ever too."""
    if isinstance(items, AsyncIterable):
        if runtime.mode == "blocking":
            raise InvalidRequestError("file", "is an asynchronous iterable; rblxcloud.sync takes plain ones")
        try:
            async for item in items:
                yield _bytes(item)
        finally:
            if inspect.isasyncgen(items):  # Left to the garbage collector, it would run on after its loop's end.
                await cast("AsyncGenerator[bytes, None]", items).aclose()
        return
    iterator = iter(items)
    while parts := await runtime.abandonable(_take, iterator):
        yield parts


def _take(iterator: Iterator[object]) -> bytes:
    """Take items until there is enough for a part."""
    taken: list[bytes] = []
    size = 0
    for item in iterator:
        taken.append(_bytes(item))
        size += len(taken[-1])
        if size >= CHUNK:
            break
    return b"".join(taken)


def _bytes(item: object) -> bytes:
    if not isinstance(item, bytes | bytearray | memoryview):
        raise InvalidRequestError("file", f"brings items of type {type(item).__name__}; it takes bytes")
    return bytes(cast("bytes", item))


class Upload:
    """A body that carries a file, made while it is sent: the file alone, or a form around it.

    Args:
        source: The file.
        content_type: What the body is.
        head: What stands before the file.
        tail: What stands after it.
        progress: Told of the bytes of the file that are through.
    """

    def __init__(
        self, source: Source, content_type: str, *, head: bytes = b"", tail: bytes = b"", progress: Progress | None
    ) -> None:
        self.content_type = content_type
        self._head = head
        self._tail = tail
        self._source = source
        self._progress = progress
        self._begun = False
        self.complete: bool = False
        """Whether the last attempt has handed out all of it: before that, the server cannot have acted on it."""

    @property
    def length(self) -> int:
        """Bytes of the whole body."""
        return len(self._head) + self._source.size + len(self._tail)

    @property
    def repeatable(self) -> bool:
        """Whether there can be another attempt."""
        return self._source.replayable or not self._begun

    async def chunks(self, runtime: Runtime, deadline: float | None) -> AsyncGenerator[bytes, None]:
        """Yield the body from its start.

        Args:
            runtime: Reads the file.
            deadline: Moment of `monotonic()` after which it is broken off.

        Raises:
            CarriedError: Reading the file failed, or the progress function.
            DeadlinePassed: The deadline passed.
        """
        self.complete = False
        self._begun = True
        # What ends the body is sent when the file has proved to be as long as was said, and progress has been told:
        # of a file alone, that is its last byte.
        kept, keep = b"", 0 if self._tail else 1
        if self._head:
            yield self._head
        try:
            async with aclosing(self._source.chunks(runtime)) as parts:
                sent = 0
                await self._tell(runtime, sent)
                async for part in parts:
                    if deadline is not None and runtime.monotonic() > deadline:
                        raise DeadlinePassed("the deadline passed while the file was sent")
                    body = kept + part
                    cut = len(body) - keep
                    if handed := body[:cut]:
                        yield handed
                    kept = body[cut:]
                    sent += len(part)
                    await self._tell(runtime, sent)
        except DeadlinePassed:
            raise
        except Exception as error:
            raise CarriedError(error) from error
        self.complete = True
        yield kept + self._tail

    async def _tell(self, runtime: Runtime, sent: int) -> None:
        if self._progress is not None:
            await runtime.call("progress", self._progress, sent, self._source.size)


def upload_form(
    fields: Mapping[str, str],
    *,
    field: str,
    filename: str,
    content_type: str,
    source: Source,
    progress: Progress | None,
) -> Upload:
    """Return a `multipart/form-data` body (RFC 7578) that ends with a file.

    Args:
        fields: Plain fields, in order.
        field: Name of the file's field.
        filename: Name of the file, for Roblox.
        content_type: What the file is.
        source: The file.
        progress: Told of the bytes of the file that are through.
    """
    boundary = secrets.token_hex(16)
    disposition = f'form-data; name="{field}"; filename="{_escaped(filename)}"'
    part = f"--{boundary}\r\ncontent-disposition: {disposition}\r\ncontent-type: {content_type}\r\n\r\n"
    return Upload(
        source,
        f"multipart/form-data; boundary={boundary}",
        head=_plain_parts(fields, boundary) + part.encode(),
        tail=f"\r\n--{boundary}--\r\n".encode(),
        progress=progress,
    )


def encode_form(fields: Mapping[str, str]) -> tuple[bytes, str]:
    """Return a `multipart/form-data` body of plain fields, and its content type."""
    boundary = secrets.token_hex(16)
    return _plain_parts(fields, boundary) + f"--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"


def _plain_parts(fields: Mapping[str, str], boundary: str) -> bytes:
    parts = (
        f'--{boundary}\r\ncontent-disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    )
    return "".join(parts).encode()


def _escaped(filename: str) -> str:
    """As browsers do it (WHATWG, multipart/form-data encoding)."""
    return filename.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
