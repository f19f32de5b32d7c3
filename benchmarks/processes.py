"""What is measured in processes of their own: the time to import, and memory."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable

from benchmarks import published
from benchmarks.report import Bar, Goal, Group, compared

FEW = 10_000
MANY = 1_000_000
MEBIBYTE = 1024

PEAK = """
import re, sys
def peak():
    with open("/proc/self/status") as status:
        return int(re.search(r"VmHWM:\\s+(\\d+)", status.read())[1])
"""
"""Peak of a program in KiB, on Linux. (`getrusage` also counts what the process was before it ran this program.)"""

LISTING = {
    "blocking": """
import rblxcloud.sync
with rblxcloud.sync.Client("k", base_url=sys.argv[1]) as client:
    keys = client.experience(1).get_data_store("s").keys(limit=int(sys.argv[2]))
    count = sum(1 for _ in keys)
""",
    "async": """
import asyncio, rblxcloud
async def main():
    async with rblxcloud.Client("k", base_url=sys.argv[1]) as client:
        count = 0
        async for _ in client.experience(1).get_data_store("s").keys(limit=int(sys.argv[2])):
            count += 1
        return count
count = asyncio.run(main())
""",
}

IMPORTS = {
    "import httpx, pydantic, anyio": "import httpx, pydantic, anyio",
    "... and a pydantic model": "import httpx, anyio, pydantic; type('M', (pydantic.BaseModel,), {})",
    "... and httpx.AsyncClient()": "import httpx, pydantic, anyio; httpx.AsyncClient()",
    "import rblxcloud": "import rblxcloud",
    "from rblxcloud import Client": "from rblxcloud import Client",
    "rblxcloud, and Client(key)": "from rblxcloud import Client; Client('k')",
}


def imports(rounds: int, step: Callable[[], None]) -> Group:
    """Processor time until a package is imported, above that of an empty program.

    Args:
        rounds: How often to measure, after one time to warm up.
        step: Called after each round.
    """
    programs = dict(IMPORTS)
    if published.INSTALLED:
        programs["import rblxopencloud"] = "import rblxopencloud"
    seconds: dict[str, list[float]] = {name: [] for name in programs}
    for number in range(rounds + 1):
        empty = _processor_seconds("pass")
        for name, program in programs.items():
            measured = _processor_seconds(program) - empty
            if number:
                seconds[name].append(max(measured, 1e-4))
        step()
    goals = {"import rblxcloud": Goal("at most", 1.2)}
    return Group("import", "Until it is imported", "ms", compared(seconds, goals, 1e3))


def _processor_seconds(program: str) -> float:
    """Return what a program takes: less dependent on what else runs than the clock on the wall."""
    # What is installed is compiled already; here the round to warm up compiles.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    process = subprocess.Popen([sys.executable, "-c", program], env=environment)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, program
    return usage.ru_utime + usage.ru_stime


def listing(base: str, mode: str, step: Callable[[], None]) -> Group:
    """Peak memory of a program that lists keys, few and many.

    Args:
        base: Address of the server.
        mode: `blocking` or `async`.
        step: Called after each of the two.
    """
    bars: list[Bar] = []
    for count in (FEW, MANY):
        program = f"{PEAK}{LISTING[mode]}\nassert count == int(sys.argv[2]), count\nprint(peak())"
        command = [sys.executable, "-c", program, base, str(count)]
        printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        value = int(printed) / MEBIBYTE
        goal = Goal("at most", 8.0, "difference") if bars else None
        bars.append(Bar(f"rblxcloud, {count:,} keys", value, value / bars[0].value if bars else 1.0, goal))
        step()
    return Group(f"listing-{mode}", f"Memory at most while keys are listed, {mode}", "MiB", bars)
