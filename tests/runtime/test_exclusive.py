"""The exclusive section of both runtimes, and Ctrl-C that is held back."""

from __future__ import annotations

import os
import signal
import threading

import anyio
import pytest

from rblxcloud.runtime.blocking import BlockingRuntime, run
from rblxcloud.runtime.concurrent import ConcurrentRuntime
from rblxcloud.runtime.interrupts import held_back


@pytest.mark.anyio
async def test_one_task_is_in_at_a_time_for_a_key_and_others_for_another() -> None:
    runtime, inside, most = ConcurrentRuntime(), {"a": 0, "b": 0}, {"a": 0, "b": 0}

    async def work(key: str) -> None:
        async with runtime.exclusive(key):
            inside[key] += 1
            most[key] = max(most[key], inside[key])
            await anyio.lowlevel.checkpoint()
            inside[key] -= 1

    async with anyio.create_task_group() as group:
        for key in "ab" * 10:
            group.start_soon(work, key)
    assert most == {"a": 1, "b": 1}
    async with runtime.exclusive("a"), runtime.exclusive("b"):
        pass


@pytest.mark.anyio
async def test_who_waits_can_be_cancelled_and_the_next_gets_in() -> None:
    runtime = ConcurrentRuntime()

    async def work() -> None:
        async with runtime.exclusive("a"):
            raise AssertionError

    async with runtime.exclusive("a"), anyio.create_task_group() as group:
        group.start_soon(work)
        await anyio.lowlevel.checkpoint()
        group.cancel_scope.cancel()
    async with runtime.exclusive("a"):
        pass


@pytest.mark.anyio
async def test_nothing_is_kept_of_keys_that_nobody_uses() -> None:
    runtime = ConcurrentRuntime()
    for key in range(100):
        async with runtime.exclusive(key):
            pass
    assert len(runtime._exclusive) == 0


def test_one_thread_is_in_at_a_time() -> None:
    runtime, inside, most = BlockingRuntime(), [0], [0]

    async def work() -> None:
        async with runtime.exclusive("a"):
            inside[0] += 1
            most[0] = max(most[0], inside[0])
            threading.Event().wait(0.001)
            inside[0] -= 1

    threads = [threading.Thread(target=lambda: run(work())) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1]
    assert len(runtime._exclusive) == 0


def test_an_exception_leaves_the_section() -> None:
    runtime = BlockingRuntime()

    async def work(fail: bool) -> None:
        async with runtime.exclusive("a"):
            if fail:
                raise KeyError

    with pytest.raises(KeyError):
        run(work(True))
    run(work(False))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
def test_a_forked_child_does_not_wait_for_a_thread_of_its_parent() -> None:
    runtime = BlockingRuntime()

    async def work() -> int:
        async with runtime.exclusive("a"):
            return 0

    async def fork_inside() -> int:
        async with runtime.exclusive("a"):
            child = os.fork()
            if child == 0:
                os._exit(run(work()))
            return child

    assert os.waitstatus_to_exitcode(os.waitpid(run(fork_inside()), 0)[1]) == 0


def interrupt() -> None:
    signal.raise_signal(signal.SIGINT)


def test_a_first_ctrl_c_takes_effect_at_the_end() -> None:
    reached = False
    with pytest.raises(KeyboardInterrupt), held_back():
        interrupt()
        reached = True
    assert reached
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_second_one_at_once() -> None:
    with pytest.raises(KeyboardInterrupt), held_back():
        interrupt()
        interrupt()
        raise AssertionError
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_error_inside_is_not_lost() -> None:
    with pytest.raises(KeyboardInterrupt) as caught, held_back():
        interrupt()
        raise ValueError
    assert isinstance(caught.value.__context__, ValueError)


@pytest.mark.parametrize("handler", [signal.SIG_IGN, signal.SIG_DFL])
def test_what_is_not_pythons_is_left_alone(handler: signal.Handlers) -> None:
    before = signal.signal(signal.SIGINT, handler)
    try:
        with held_back():
            assert signal.getsignal(signal.SIGINT) == handler
    finally:
        signal.signal(signal.SIGINT, before)


def test_other_threads_have_nothing_to_hold_back() -> None:
    seen: list[object] = []

    def work() -> None:
        with held_back():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [signal.default_int_handler]
