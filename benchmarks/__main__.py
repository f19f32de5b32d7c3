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
import time
from collections.abc import Awaitable, Callable
from importlib.metadata import version
from typing import Any

import httpx
import httpx2

import rblxcloud
import rblxcloud.sync
from benchmarks.server import ENTRY_PATH, HEADERS, serve

ROUNDS = 5
CALLS = 200
AT_ONCE = 100
THOUSAND = 1_000


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


def listing_memory(base: str) -> float:
    """MiB more at the peak after listing 1,000,000 keys than after 10,000."""
    code = (
        "import sys, resource, rblxcloud.sync\n"
        "with rblxcloud.sync.Client('k', base_url=sys.argv[1], rate_limits='server') as client:\n"
        "    keys = client.experience(1).get_data_store('s').keys(limit=int(sys.argv[2]))\n"
        "    count = sum(1 for _ in keys)\n"
        "assert count == int(sys.argv[2]), count\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)\n"
    )

    def peak(count: int) -> int:
        command = [sys.executable, "-c", code, base, str(count)]
        return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)

    return (peak(1_000_000) - peak(10_000)) / 1024


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
    ]
    server.terminate()
    machine = f"{platform.machine()}, {os.cpu_count()} cores, CPython {platform.python_version()}"
    versions = ", ".join(f"{name} {version(name)}" for name in ("httpx", "httpcore", "httpx2", "anyio", "pydantic"))
    if "--json" in sys.argv:
        print(json.dumps({"machine": machine, "versions": versions, "rows": rows}))
        return
    print(f"{machine}\n{versions}\n")
    for name, value, goal in rows:
        print(f"{name:<48} {value:>6.2f}   {goal}")


if __name__ == "__main__":
    main()
