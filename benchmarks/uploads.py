"""Uploading a large file: throughput, and memory."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx

import rblxcloud
import rblxcloud.sync
from benchmarks.processes import MEBIBYTE, PEAK
from benchmarks.report import Bar, Goal, Group, compared
from benchmarks.server import HEADERS, UPLOAD_PATH

FILE_MIB = 200
VIDEO = rblxcloud.AssetType.Video

UPLOAD = {
    "blocking": """
import rblxcloud.sync as r
user = r.User(1, api_key="k", base_url=sys.argv[1])
user.upload_asset(small, r.AssetType.Video, "film")
idle = peak()
user.upload_asset(sys.argv[2], r.AssetType.Video, "film")
""",
    "async": """
import asyncio, rblxcloud as r
async def main():
    user = r.User(1, api_key="k", base_url=sys.argv[1])
    await user.upload_asset(small, r.AssetType.Video, "film")
    idle = peak()
    await user.upload_asset(sys.argv[2], r.AssetType.Video, "film")
    return idle
idle = asyncio.run(main())
""",
}


@contextmanager
def film() -> Iterator[Path]:
    """Yield a file that begins like a film: only those may be so large."""
    with TemporaryDirectory() as directory:
        path = Path(directory) / "film.mp4"
        with path.open("wb") as file:
            file.write(b"\0\0\0\x18ftypmp42")
            for _ in range(FILE_MIB):
                file.write(bytes(1 << 20))
        yield path


def _pieces(path: Path) -> Iterator[bytes]:
    """As httpx itself reads a file that it is given."""
    with path.open("rb") as file:
        while piece := file.read(65_536):
            yield piece


async def _async_pieces(path: Path) -> AsyncIterator[bytes]:
    for piece in _pieces(path):
        yield piece


def blocking(base: str, rounds: int, step: Callable[[], None]) -> Group:
    """Throughput, blocking, against a streaming upload.

    Args:
        base: Address of the server.
        rounds: How often to measure, after one time to warm up.
        step: Called after each round.
    """
    speeds: dict[str, list[float]] = {"httpx.Client": [], "rblxcloud.sync": []}
    with (
        film() as path,
        httpx.Client(base_url=base, headers=_headers(path)) as plain,
        rblxcloud.sync.Client("k", base_url=base) as client,
    ):
        for number in range(rounds + 1):
            started = time.perf_counter()
            plain.post(UPLOAD_PATH, content=_pieces(path)).json()
            middle = time.perf_counter()
            client.user(1).upload_asset(path, VIDEO, "film")
            if number:
                speeds["httpx.Client"].append(FILE_MIB / (middle - started))
                speeds["rblxcloud.sync"].append(FILE_MIB / (time.perf_counter() - middle))
            step()
    goals = {"rblxcloud.sync": Goal("at least", 0.9)}
    return Group("upload-blocking", f"A file of {FILE_MIB} MiB is sent, blocking", "MiB/s", compared(speeds, goals))


async def awaited(base: str, rounds: int, step: Callable[[], None]) -> Group:
    """Throughput, awaited; arguments as for `blocking`."""
    speeds: dict[str, list[float]] = {"httpx.AsyncClient": [], "rblxcloud": []}
    with film() as path:
        async with (
            httpx.AsyncClient(base_url=base, headers=_headers(path)) as plain,
            rblxcloud.Client("k", base_url=base) as client,
        ):
            for number in range(rounds + 1):
                started = time.perf_counter()
                (await plain.post(UPLOAD_PATH, content=_async_pieces(path))).json()
                middle = time.perf_counter()
                await client.user(1).upload_asset(path, VIDEO, "film")
                if number:
                    speeds["httpx.AsyncClient"].append(FILE_MIB / (middle - started))
                    speeds["rblxcloud"].append(FILE_MIB / (time.perf_counter() - middle))
                step()
    goals = {"rblxcloud": Goal("at least", 0.9)}
    return Group("upload-async", f"A file of {FILE_MIB} MiB is sent, async", "MiB/s", compared(speeds, goals))


def _headers(path: Path) -> dict[str, str]:
    return {**HEADERS, "content-length": str(path.stat().st_size)}


def memory(base: str, mode: str, step: Callable[[], None]) -> Group:
    """Peak memory of a program that sends a file, after one of 1 KiB and after the large one.

    Args:
        base: Address of the server.
        mode: `blocking` or `async`.
        step: Called when it is measured.
    """
    start = f"{PEAK}with open(sys.argv[2], 'rb') as file:\n    small = file.read(1024)\n"
    with film() as path:
        command = [sys.executable, "-c", f"{start}{UPLOAD[mode]}print(idle, peak())", base, str(path)]
        printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    small, large = (int(figure) / MEBIBYTE for figure in printed.split())
    step()
    bars = [
        Bar("rblxcloud, 1 KiB", small, 1.0),
        Bar(f"rblxcloud, {FILE_MIB} MiB", large, large / small, Goal("at most", 16.0, "difference")),
    ]
    return Group(f"upload-memory-{mode}", f"Memory at most while a file is sent, {mode}", "MiB", bars)
