"""A receiver is killed at every step: every erasure request is handled at least once, and none is lost."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import anyio
import httpx
import pytest
import sqlalchemy as sa

from rblxcloud.emulator import Clock, Emulator
from rblxcloud.emulator.webhooks.courier import deliver_due
from rblxcloud.emulator.webhooks.events import Event, right_to_erasure_request
from tests.support.programs import Program
from tests.webhooks.program import DIRECT, STORED, main
from tests.webhooks.signing import SECRET

ANSWERED = ("before_handler", "in_handler", "after_handler", "before_finish", "after_finish")
"""Steps of a receiver with an inbox that come when Roblox has been told that the event is stored."""
HANDLED = ("after_handler", "before_finish", "after_finish")
"""Steps that come when the handler has run."""


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


@pytest.fixture
def emulator(port: int) -> Iterator[Emulator]:
    """An emulator that nobody serves: it delivers when the test says so."""
    with Emulator(clock=Clock(frozen=True)) as emulator:
        emulator.webhooks.add(f"http://127.0.0.1:{port}/webhooks/roblox", SECRET)
        yield emulator


class Receiver:
    """A running program."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._lines = program.lines()
        self.said: list[str] = []

    def until(self, line: str) -> None:
        """Read what it says, up to a line."""
        for said in self._lines:
            self.said.append(said)
            if said == line:
                return
        raise AssertionError(f"it ended before it said {line!r}; it said {self.said}")

    def killed(self) -> None:
        """Wait until it is dead."""
        self.said += self._lines
        assert self._program.ended() == -9


@contextmanager
def receiving(port: int, step: str, database: str = "-", table: str = "-") -> Iterator[Receiver]:
    with Program(main, port, database, table, step) as program:
        receiver = Receiver(program)
        receiver.until("ready")
        until_connected(port)
        yield receiver


def until_connected(port: int) -> None:
    for _ in range(1000):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            threading.Event().wait(0.01)
        else:
            return
    raise AssertionError("it does not listen")


def deliver(emulator: Emulator) -> list[int | None]:
    """Deliver what is due; return how the newest attempts were answered."""

    async def once() -> None:
        async with httpx.AsyncClient(trust_env=False) as http:
            await deliver_due(emulator.webhooks, http)

    anyio.run(once)
    return [delivery.attempts[-1].status for delivery in emulator.webhooks.deliveries()]


@pytest.mark.parametrize("step", STORED)
def test_an_event_is_handled_whenever_a_receiver_with_an_inbox_dies(
    emulator: Emulator, port: int, address: str, table: str, step: str
) -> None:
    number = emulator.webhooks.trigger(request())
    with receiving(port, step, address, table) as first:
        answers = deliver(emulator)
        first.killed()
    # What looks for stored events can be faster than the answer is.
    assert answers == [None] or (step in ANSWERED and answers == [202])
    assert (number in first.said) is (step in HANDLED)
    lease_runs_out(address, table)
    with receiving(port, "never", address, table) as second:
        if answers == [None]:
            emulator.clock.advance(1)
            assert deliver(emulator) == [202]
        if step == "after_finish":
            # It is known as handled: another event, which comes after it, is handled first.
            emulator.webhooks.trigger(request(), notification_id=number)
            last = emulator.webhooks.trigger(request())
            assert deliver(emulator) == [202, 202, 202]
            second.until(f"finished {last}")
        else:
            second.until(f"finished {number}")
    assert second.said.count(number) == (0 if step == "after_finish" else 1)
    assert emulator.webhooks.deliveries()[0].state == "delivered"


def request() -> Event:
    return right_to_erasure_request(user=7, game_ids=[13059])


def lease_runs_out(database: str, table: str) -> None:
    """Let the thirty seconds be over after which a process is taken for dead."""
    engine = sa.create_engine(database, poolclass=sa.NullPool)
    if sa.inspect(engine).has_table(table):
        with engine.begin() as connection:
            connection.execute(sa.text(f"UPDATE {table} SET due_at = 1"))


@pytest.mark.parametrize("step", DIRECT)
def test_an_event_is_handled_whenever_a_receiver_without_an_inbox_dies(
    emulator: Emulator, port: int, step: str
) -> None:
    number = emulator.webhooks.trigger(request())
    with receiving(port, step) as first:
        assert deliver(emulator) == [None]
        first.killed()
    assert (number in first.said) is (step in HANDLED)
    with receiving(port, "never") as second:
        assert deliver(emulator) == [None]  # it is not due yet
        emulator.clock.advance(1)
        assert deliver(emulator) == [200]
        second.until(number)
    assert emulator.webhooks.deliveries()[0].state == "delivered"
