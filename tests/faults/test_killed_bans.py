"""A program is killed in the middle of a ban and bans again: the user is banned once, and only for as long as was said."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from rblxcloud.emulator import Clock, Emulator, Fault, serve
from tests.faults.moderator import STEPS, UNIVERSE, USER, WEEK, ban_blocking

ROOT = Path(__file__).parents[2]
UPDATE = "user_restrictions.update_user_restriction"
DOWN = 600
"""Seconds until the program runs again."""


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with Emulator(clock=Clock(frozen=True), limits=False) as made:
        yield made


def kill(mode: str, base_url: str, step: str) -> None:
    command = [sys.executable, "-W", "error", "-m", "tests.faults.moderator", mode, base_url, step]
    done = subprocess.run(command, cwd=ROOT, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr


@pytest.mark.parametrize(
    ("mode", "step"), [*(("blocking", step) for step in STEPS), ("asyncio", STEPS[1]), ("trio", STEPS[1])]
)
def test_ban_that_is_made_again_after_a_kill_is_made_once(emulator: Emulator, mode: str, step: str) -> None:
    if step == "before an answer":
        emulator.faults.add(Fault(kind="drop", acts=True, endpoint=UPDATE))
    acted = step != "before it is sent"
    with serve(emulator) as base_url:
        kill(mode, base_url, step)
        assert emulator.user_restrictions.is_banned(UNIVERSE, USER) == acted
        emulator.clock.advance(DOWN)
        ban_blocking(base_url)
    (row,) = emulator.user_restrictions.logs(UNIVERSE)
    assert row.terms.duration == WEEK
    emulator.clock.advance(WEEK - DOWN if acted else WEEK)
    assert not emulator.user_restrictions.is_banned(UNIVERSE, USER), "it ends a week after it was laid"


def test_ban_that_was_lifted_while_the_program_was_down_stays_lifted(emulator: Emulator) -> None:
    with serve(emulator) as base_url:
        kill("blocking", base_url, "after an answer")
        emulator.user_restrictions.unban(UNIVERSE, USER)
        ban_blocking(base_url)
    assert not emulator.user_restrictions.is_banned(UNIVERSE, USER)
