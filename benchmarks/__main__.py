"""Ratios against bare clients, in one run on loopback: `python -m benchmarks [--json]`.

Machines are noisy, so what is compared is interleaved, round by round, and the median of the rounds is shown.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import httpx
import httpx2

import rblxcloud
import rblxcloud.sync
from benchmarks.server import ENTRY_PATH, HEADERS, UPLOAD_PATH, serve

ROUNDS = 5
CALLS = 200
AT_ONCE = 100
THOUSAND = 1_000
FILE_MIB = 200
UPLOADS = 20


def timed(work: Callable[[], Any]) -> float:
    """Return the seconds that a call takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def median_ratio(ours: list[float], bare: list[float]) -> float:
    """Return how many times longer ours takes, by the median of the rounds."""
    return statistics.median(a / b for a, b in zip(ours, bare, strict=True))


def blocking_call(base: str) -> float:
    """One call after the other, blocking, against `httpx.Client`."""
    ours: list[float] = []
    bare: list[float] = []
    with rblxcloud.sync.Client("k", base_url=base) as client, httpx.Client(base_url=base, headers=HEADERS) as plain:
        store = client.experience(1).get_data_store("s")
        for _ in range(ROUNDS):
            ours.append(timed(lambda: [store.get("k") for _ in range(CALLS)]))
            bare.append(timed(lambda: [plain.get(ENTRY_PATH).json() for _ in range(CALLS)]))
    return median_ratio(ours[1:], bare[1:])


def async_call(base: str) -> float:
    """One call after the other, awaited, against `httpx.AsyncClient`."""

    async def main() -> float:
        ours: list[float] = []
        bare: list[float] = []
        async with (
            rblxcloud.Client("k", base_url=base) as client,
            httpx.AsyncClient(base_url=base, headers=HEADERS) as plain,
        ):
            store = client.experience(1).get_data_store("s")
            for _ in range(ROUNDS):
                started = time.perf_counter()
                for _ in range(CALLS):
                    await store.get("k")
                middle = time.perf_counter()
                for _ in range(CALLS):
                    (await plain.get(ENTRY_PATH)).json()
                ours.append(middle - started)
                bare.append(time.perf_counter() - middle)
        return median_ratio(ours[1:], bare[1:])

    return asyncio.run(main())


async def _in_flight(call: Callable[[], Awaitable[Any]]) -> float:
    left = iter(range(THOUSAND))

    async def worker() -> None:
        for _ in left:
            await call()

    started = time.perf_counter()
    await asyncio.gather(*(worker() for _ in range(AT_ONCE)))
    return time.perf_counter() - started


def concurrent_throughput(base: str, with_httpx2: bool) -> float:
    """100 calls in flight: throughput against a default `httpx.AsyncClient`."""

    async def main() -> float:
        ours: list[float] = []
        bare: list[float] = []
        backend = httpx2.AsyncClient() if with_httpx2 else None
        async with rblxcloud.Client("k", base_url=base, http_client=backend) as client:
            store = client.experience(1).get_data_store("s")
            for _ in range(ROUNDS):
                async with httpx.AsyncClient(base_url=base, headers=HEADERS) as plain:

                    async def get() -> Any:
                        return (await plain.get(ENTRY_PATH)).json()

                    ours.append(await _in_flight(lambda: store.get("k")))
                    bare.append(await _in_flight(get))
        if backend is not None:
            await backend.aclose()
        return 1 / median_ratio(ours[1:], bare[1:])

    return asyncio.run(main())


def import_time() -> tuple[float, float]:
    """`import rblxcloud`, and the first use of its Client, against the import of httpx, pydantic and anyio."""

    def run(code: str) -> float:
        return min(timed(lambda: subprocess.run([sys.executable, "-c", code], check=True)) for _ in range(2))

    nothing = [run("pass") for _ in range(ROUNDS)]
    idle = statistics.median(nothing)
    bare = statistics.median(run("import httpx, pydantic, anyio") for _ in range(ROUNDS)) - idle
    package = statistics.median(run("import rblxcloud") for _ in range(ROUNDS)) - idle
    client = statistics.median(run("from rblxcloud import Client") for _ in range(ROUNDS)) - idle
    return package / bare, client / bare


PEAK = (
    "import re, sys\n"
    "def peak():\n"
    "    with open('/proc/self/status') as status:\n"
    "        return int(re.search(r'VmHWM:\\s+(\\d+)', status.read())[1])\n"
)
"""Peak of this program in KiB. (`getrusage` also counts what the process was before it ran this program.)"""


def listing_memory(base: str) -> float:
    """MiB more at the peak after listing 1,000,000 keys than after 10,000."""
    code = PEAK + (
        "import rblxcloud.sync\n"
        "with rblxcloud.sync.Client('k', base_url=sys.argv[1], rate_limits='server') as client:\n"
        "    keys = client.experience(1).get_data_store('s').keys(limit=int(sys.argv[2]))\n"
        "    count = sum(1 for _ in keys)\n"
        "assert count == int(sys.argv[2]), count\n"
        "print(peak())\n"
    )

    def peak(count: int) -> int:
        command = [sys.executable, "-c", code, base, str(count)]
        return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)

    return (peak(1_000_000) - peak(10_000)) / 1024


def make_film(path: Path) -> None:
    """Write a file that begins like a film: only those may be so large."""
    with path.open("wb") as file:
        file.write(b"\0\0\0\x18ftypmp42")
        for _ in range(FILE_MIB):
            file.write(bytes(1 << 20))


def _pieces(path: Path) -> Iterator[bytes]:
    """As httpx itself reads a file that it is given."""
    with path.open("rb") as file:
        while piece := file.read(65_536):
            yield piece


async def _async_pieces(path: Path) -> AsyncIterator[bytes]:
    for piece in _pieces(path):
        yield piece


def blocking_upload(base: str, film: Path) -> float:
    """A file of 200 MiB, blocking: throughput against a streaming upload with `httpx.Client`."""
    ours: list[float] = []
    bare: list[float] = []
    headers = {**HEADERS, "content-length": str(film.stat().st_size)}
    with rblxcloud.sync.Client("k", base_url=base) as client, httpx.Client(base_url=base, headers=headers) as plain:
        user = client.user(1)
        for _ in range(UPLOADS):
            ours.append(timed(lambda: user.upload_asset(film, rblxcloud.AssetType.Video, "film")))
            bare.append(timed(lambda: plain.post(UPLOAD_PATH, content=_pieces(film)).json()))
    return 1 / median_ratio(ours[1:], bare[1:])


def async_upload(base: str, film: Path) -> float:
    """A file of 200 MiB, awaited: throughput against a streaming upload with `httpx.AsyncClient`."""
    headers = {**HEADERS, "content-length": str(film.stat().st_size)}

    async def main() -> float:
        ours: list[float] = []
        bare: list[float] = []
        async with (
            rblxcloud.Client("k", base_url=base) as client,
            httpx.AsyncClient(base_url=base, headers=headers) as plain,
        ):
            user = client.user(1)
            for _ in range(UPLOADS):
                started = time.perf_counter()
                await user.upload_asset(film, rblxcloud.AssetType.Video, "film")
                middle = time.perf_counter()
                (await plain.post(UPLOAD_PATH, content=_async_pieces(film))).json()
                ours.append(middle - started)
                bare.append(time.perf_counter() - middle)
        return 1 / median_ratio(ours[1:], bare[1:])

    return asyncio.run(main())


def upload_memory(base: str, film: Path, mode: str) -> float:
    """MiB of the peak while a file of 200 MiB is uploaded, above what the client takes after an upload of 1 KiB."""
    start = f"{PEAK}with open(sys.argv[2], 'rb') as film:\n    small = film.read(1024)\n"
    calls = {
        "blocking": (
            "import rblxcloud.sync as r\n"
            "user = r.User(1, api_key='k', base_url=sys.argv[1])\n"
            "user.upload_asset(small, r.AssetType.Video, 'film'); idle = peak()\n"
            "user.upload_asset(sys.argv[2], r.AssetType.Video, 'film')\n"
        ),
        "async": (
            "import asyncio, rblxcloud as r\n"
            "async def main():\n"
            "    user = r.User(1, api_key='k', base_url=sys.argv[1])\n"
            "    await user.upload_asset(small, r.AssetType.Video, 'film'); idle = peak()\n"
            "    await user.upload_asset(sys.argv[2], r.AssetType.Video, 'film')\n"
            "    return idle\n"
            "idle = asyncio.run(main())\n"
        ),
    }
    command = [sys.executable, "-c", f"{start}{calls[mode]}print(peak() - idle)", base, str(film)]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout) / 1024


def upload_rows(base: str) -> list[tuple[str, float, str]]:
    """Upload a file of 200 MiB in all ways."""
    with tempfile.TemporaryDirectory() as directory:
        film = Path(directory) / "film.mp4"
        make_film(film)
        return [
            ("upload of 200 MiB, blocking, throughput / httpx.Client", blocking_upload(base, film), ">= 0.9"),
            ("upload of 200 MiB, async, throughput / httpx.AsyncClient", async_upload(base, film), ">= 0.9"),
            ("MiB above idle while it is uploaded, blocking", upload_memory(base, film, "blocking"), "< 16"),
            ("MiB above idle while it is uploaded, async", upload_memory(base, film, "async"), "< 16"),
        ]


def main() -> None:
    """Run all and print a table."""
    os.environ["RBLXCLOUD_RATE_LIMITS"] = "server"
    context = multiprocessing.get_context("spawn")
    port_end, child_end = context.Pipe(duplex=False)
    server = context.Process(target=serve, args=(child_end,), daemon=True)
    server.start()
    base = f"http://127.0.0.1:{port_end.recv()}"
    package, client = import_time()
    rows = [
        ("one call, blocking / httpx.Client", blocking_call(base), "<= 1.15"),
        ("one call, async / httpx.AsyncClient", async_call(base), "<= 1.15"),
        ("100 in flight, throughput / httpx.AsyncClient", concurrent_throughput(base, False), ">= 1.5"),
        ("the same with httpx2", concurrent_throughput(base, True), ""),
        ("import rblxcloud / httpx + pydantic + anyio", package, "<= 1.2"),
        ("from rblxcloud import Client / the same", client, ""),
        ("MiB more for 1,000,000 keys than for 10,000", listing_memory(base), "<= 8"),
        *upload_rows(base),
    ]
    server.terminate()
    machine = f"{platform.machine()}, {os.cpu_count()} cores, CPython {platform.python_version()}"
    versions = ", ".join(f"{name} {version(name)}" for name in ("httpx", "httpcore", "httpx2", "anyio", "pydantic"))
    if "--json" in sys.argv:
        print(json.dumps({"machine": machine, "versions": versions, "rows": rows}))
        return
    print(f"{machine}\n{versions}\n")
    for name, value, goal in rows:
        print(f"{name:<56} {value:>6.2f}   {goal}")


if __name__ == "__main__":
    main()
