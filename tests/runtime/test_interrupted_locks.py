"""Ctrl-C in the middle of httpcore: in a process of its own, which must not hang."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.raw_server import raw_server, reply

ROOT = Path(__file__).parents[2]
SECONDS = 20
"""After this the process has hung."""

PROGRAM = """
import sys
import httpcore._synchronization as synchronization
from rblxcloud.runtime.base import Request, Timeout
from rblxcloud.runtime.blocking import BlockingRuntime, run

lock, method, nth = getattr(synchronization, sys.argv[2]), sys.argv[3], int(sys.argv[4])
original = getattr(lock, method)
calls = 0

def interrupted(self, *exception):
    global calls
    calls += 1
    entering = method == "__enter__"
    result = original(self, *exception) if entering or calls != nth else None
    if calls == nth:
        raise KeyboardInterrupt
    return result

setattr(lock, method, interrupted)
runtime = BlockingRuntime()
endings = []
for _ in range(3):
    request = Request("GET", sys.argv[1], timeout=Timeout(5, 5, 5, 5))
    try:
        endings.append(run(runtime.send(request, max_bytes=None, deadline=None)).status)
    except KeyboardInterrupt:
        endings.append("interrupted")
run(runtime.aclose())
print(*endings)
"""


@pytest.mark.parametrize("nth", [1, 2, 3, 4])
@pytest.mark.parametrize("method", ["__enter__", "__exit__"])
@pytest.mark.parametrize("lock", ["ThreadLock", "Lock"])
def test_ctrl_c_that_leaves_a_lock_of_httpcore_locked_hangs_nothing(lock: str, method: str, nth: int) -> None:
    with raw_server(reply()) as server:
        arguments = [sys.executable, "-c", PROGRAM, server.url, lock, method, str(nth)]
        ended = subprocess.run(arguments, cwd=ROOT, capture_output=True, text=True, timeout=SECONDS)
    assert ended.returncode == 0, ended.stderr
    endings = ended.stdout.split()
    assert endings.count("interrupted") <= 1
    assert endings[-1] == "200"
