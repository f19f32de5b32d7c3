"""Requests that are interrupted at random moments, in blocking mode: a program, since it interrupts itself.

It prints, as JSON, how the requests ended and what was left of them.
"""

from __future__ import annotations

import json
import signal
import sys
from collections import Counter
from dataclasses import asdict
from random import Random

import httpx

from rblxcloud.errors import RblxCloudError
from rblxcloud.sync import Client
from tests.faults.census import Census

GIVEN_UP = ("interrupted", "APITimeoutError")


def get(client: Client) -> str:
    """Make a request; return how it ended."""
    try:
        client.experience(1).get_data_store("mishaps").get("absent", default=None)
    except RblxCloudError as error:
        return type(error).__name__
    return "returned"


def interrupted(client: Client, delay: float) -> str:
    """Make a request that Ctrl-C ends after `delay` seconds, unless it has ended by then; return how it ended."""
    try:
        signal.setitimer(signal.ITIMER_REAL, delay)
        ending = get(client)
        signal.setitimer(signal.ITIMER_REAL, 0)
    except KeyboardInterrupt:
        return "interrupted"
    return ending


def timed_out(client: Client, timeout: float) -> str:
    """Make a request that is given `timeout` seconds; return how it ended."""
    return get(client.with_options(timeout=timeout, deadline=timeout))


def main(base_url: str, kind: str, count: int) -> None:
    """Make `count` requests of which about half come to a mishap, then 100 plain ones."""
    signal.signal(signal.SIGALRM, signal.default_int_handler)
    random, mishap = Random(2_000), {"interrupted": interrupted, "timed_out": timed_out}[kind]
    before, endings, longest = Census.take(), Counter[str](), 0.006
    with Client("emulator-key", base_url=base_url, rate_limits="off", retries=0) as client:
        get(client)  # The TLS context takes longer to make than the requests are given.
        for _ in range(count):
            ending = mishap(client, random.uniform(0.00001, longest))
            endings[ending] += 1
            # A machine that is busy needs longer for a request, and mishaps come at each of its moments all the same.
            longest *= 1.02 if ending in GIVEN_UP else 0.98
        httpx.delete(f"{base_url}/_emulator/faults", trust_env=False).raise_for_status()
        plain = Counter(get(client) for _ in range(100))
        held = Census.take()
    report = {"endings": endings, "plain": plain, "before": asdict(before), "held": asdict(held)}
    print(json.dumps({**report, "after": asdict(Census.take())}))  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
