"""An emulator on a stopped clock, and a way to call it without HTTP."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from rblxcloud.emulator.clock import Clock
from rblxcloud.emulator.core import Emulator
from tests.emulator.oauth_app import App
from tests.support.emulator import START, Caller


@pytest.fixture
def clock() -> Clock:
    return Clock(start=START, frozen=True)


@pytest.fixture
def emulator(clock: Clock) -> Iterator[Emulator]:
    with Emulator(clock=clock) as made:
        yield made


@pytest.fixture
def call(emulator: Emulator) -> Caller:
    return Caller(emulator)


@pytest.fixture
def app(emulator: Emulator) -> App:
    return App(emulator)
