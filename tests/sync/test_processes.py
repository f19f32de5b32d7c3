"""Blocking code in processes of its own: forks, exits and Ctrl-C."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time

import pytest

from tests.sync.conftest import Store

SECONDS = 15
"""After this a process has hung."""

PREAMBLE = """
import os, signal, sys, threading
import rblxcloud.sync as rblxopencloud
url = sys.argv[1]
"""


def start(program: str, store: Store, *options: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, *options, "-c", PREAMBLE + textwrap.dedent(program), store.url],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, "RBLXCLOUD_API_KEY": "key", "RBLXCLOUD_RATE_LIMITS": "server"},
    )


def finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    with process:
        try:
            out, err = process.communicate(timeout=SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    return process.returncode, out, err


def run(program: str, store: Store, *options: str) -> tuple[int, str, str]:
    return finish(start(program, store, *options))


needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")


@needs_fork
@pytest.mark.parametrize(
    "owner",
    ["rblxopencloud.Client(base_url=url).__enter__()", "None"],
    ids=["client", "alone"],
)
def test_parent_and_forked_child_both_go_on(owner: str, store: Store) -> None:
    program = f"""
        client = {owner}
        experience = client.experience(1) if client else rblxopencloud.Experience(1, base_url=url)
        datastore = experience.get_data_store("s")
        datastore.get("before")
        child = os.fork()
        if not child:
            print(datastore.get("child").value, flush=True)
            print(*sorted(r.unwrap().value for r in datastore.get_many(["a", "b"])), flush=True)
            sys.exit(0)
        assert os.waitpid(child, 0)[1] == 0
        print(datastore.get("parent").value)
        (client or experience).close()
    """
    code, out, err = run(program, store)
    assert (code, err) == (0, "")
    assert out.splitlines() == ["child", "a b", "parent"]


@needs_fork
def test_an_iteration_that_was_begun_before_a_fork_is_an_error_in_the_child_and_goes_on_in_the_parent(
    store: Store,
) -> None:
    program = """
        client = rblxopencloud.Client(base_url=url)
        datastore = client.experience(1).get_data_store("s")
        results = datastore.get_many(["a", "b", "c", "d"], concurrency=2)
        values = [next(results).unwrap().value]
        child = os.fork()
        if not child:
            try:
                next(results)
            except rblxopencloud.ConfigurationError as error:
                print(error, flush=True)
            print(*sorted(r.unwrap().value for r in datastore.get_many(["x", "y"])), flush=True)
            sys.exit(0)
        assert os.waitpid(child, 0)[1] == 0
        print(*sorted([*values, *(result.unwrap().value for result in results)]))
        client.close()
    """
    # Python warns of every fork beside threads from 3.12 on.
    code, out, err = run(program, store, "-W", "ignore:This process:DeprecationWarning")
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "this iteration was begun before the process was forked; begin a new one here",
        "x y",
        "a b c d",
    ]


@needs_fork
def test_a_child_forked_while_a_thread_calls_does_not_hang(store: Store) -> None:
    program = """
        client = rblxopencloud.Client(base_url=url, rate_limits="off")
        datastore = client.experience(1).get_data_store("s")
        stop = threading.Event()
        def work():
            while not stop.is_set():
                datastore.get("busy")
        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for _ in range(20):
            child = os.fork()
            if not child:
                datastore.get("child")
                os._exit(0)
            assert os.waitpid(child, 0)[1] == 0
        stop.set()
        for thread in threads:
            thread.join()
        client.close()
    """
    # Python warns of every fork beside threads from 3.12 on.
    assert run(program, store, "-W", "ignore:This process:DeprecationWarning") == (0, "", "")


@needs_fork
@pytest.mark.parametrize("delay", [0.0, 0.005, 0.02, 0.05])
def test_a_child_forked_during_the_very_first_request_does_not_hang(delay: float, store: Store) -> None:
    program = f"""
        import time
        client = rblxopencloud.Client(base_url=url)
        datastore = client.experience(1).get_data_store("s")
        thread = threading.Thread(target=datastore.get, args=("first",))
        thread.start()
        time.sleep({delay})
        child = os.fork()
        if not child:
            datastore.get("child")
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        thread.join()
        client.close()
    """
    code, out, err = run(program, store)
    assert (code, out) == (0, ""), err


@pytest.mark.parametrize(
    "use",
    [
        'rblxopencloud.Experience(1, base_url=url).get_data_store("s").get("k")',
        'kept = rblxopencloud.Experience(1, base_url=url); kept.get_data_store("s").get("k")',
        """kept = rblxopencloud.Experience(1, base_url=url)
        results = kept.get_data_store("s").get_many(f"k{n}" for n in range(10**9))
        next(results)""",
    ],
    ids=["lost", "kept", "in the middle of many"],
)
def test_exit_without_close_is_silent_and_quick(use: str, store: Store) -> None:
    begun = time.monotonic()
    code, out, err = run(
        f"""
        {use}
        print("used")
    """,
        store,
        "-Werror",
    )
    assert (code, out, err) == (0, "used\n", "")
    assert time.monotonic() - begun < 5


def interrupt(process: subprocess.Popen[str]) -> tuple[float, str]:
    """Press Ctrl-C in the middle of a call; return how long the process went on, and what it said last."""
    assert process.stdout is not None
    assert process.stdout.readline() == "calling\n"
    time.sleep(0.3)  # So that the request is under way in the other process.
    interrupted = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, _, err = finish(process)
    return time.monotonic() - interrupted, err.strip().splitlines()[-1]


@pytest.mark.parametrize(
    ("call", "bound"),
    [
        ('datastore.get("slow")', 1.5),
        # The requests of worker threads are given a short while.
        ('list(datastore.get_many(["slow"]))', 5),
        ('list(datastore.get_many(["a", "slow", "slow"]))', 5),
    ],
)
def test_ctrl_c_ends_a_call_of_ten_seconds_soon(call: str, bound: float, store: Store) -> None:
    program = f"""
        signal.signal(signal.SIGINT, signal.default_int_handler)
        with rblxopencloud.Client(base_url=url) as client:
            datastore = client.experience(1).get_data_store("s")
            print("calling", flush=True)
            {call}
    """
    seconds, last = interrupt(start(program, store))
    assert last == "KeyboardInterrupt"
    assert seconds < bound


def test_ctrl_c_ends_a_wait_between_attempts(store: Store) -> None:
    program = """
        signal.signal(signal.SIGINT, signal.default_int_handler)
        policy = rblxopencloud.RetryPolicy(retries=5, base_delay=20.0)
        with rblxopencloud.Client(base_url="http://127.0.0.1:1", retries=policy) as client:
            print("calling", flush=True)
            client.experience(1).get_data_store("s").get("k")
    """
    seconds, last = interrupt(start(program, store))
    assert last == "KeyboardInterrupt"
    assert seconds < 1.5
