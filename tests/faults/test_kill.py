"""An emulator with a file is killed at random moments, and loses nothing that it has acknowledged."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from rblxcloud.errors import APIConnectionError, NotFoundError
from rblxcloud.sync import Client, DataStore
from tests.faults.program import Program

WRITERS = 8
KILLS = 20
EARLIEST, LATEST = 0.01, 0.25
"""Seconds from the first acknowledged write to the kill."""


def _text(number: int) -> str:
    return f"{number}," * 1_000


@dataclass
class Writer:
    """Writes the next number into a key of its own, and then into a new key, until the emulator is gone."""

    id: int
    replaced: int = 0
    """The last number that was acknowledged in its own key."""
    created: int = 0
    """The last number that was acknowledged in a new key."""
    checked: int = 0
    """The last new key that was found after a restart."""
    errors: list[APIConnectionError] = field(default_factory=list)

    @property
    def own(self) -> str:
        return f"writer-{self.id}"

    def new(self, number: int) -> str:
        return f"writer-{self.id}/{number}"

    def write(self, store: DataStore[object], under_way: threading.Event) -> None:
        try:
            while True:
                self._write(store, self.own, self.replaced + 1)
                self.replaced += 1
                self._write(store, self.new(self.created + 1), self.created + 1)
                self.created += 1
                under_way.set()
        except APIConnectionError as error:
            self.errors.append(error)

    @staticmethod
    def _write(store: DataStore[object], key: str, number: int) -> None:
        store.set(key, _text(number), users=[number], metadata={"number": number})

    def check(self, store: DataStore[object]) -> None:
        """Find everything acknowledged, and anything else whole or absent; then go on from what is there."""
        found = _number(store, self.own)
        assert found in (self.replaced, self.replaced + 1)
        for number in range(self.checked + 1, self.created + 1):
            assert _number(store, self.new(number)) == number
        unknown = _number(store, self.new(self.created + 1))
        assert unknown in (0, self.created + 1)
        self.replaced, self.created = found, unknown or self.created
        self.checked = self.created


def _number(store: DataStore[object], key: str) -> int:
    """Return the number that a key holds in value, users and metadata alike; 0 when there is none."""
    try:
        value, info = store.get(key)
    except NotFoundError:
        return 0
    number = info.users[0]
    assert value == _text(number)
    assert dict(info.metadata) == {"number": number}
    return number


def _store(client: Client) -> DataStore[object]:
    return client.experience(1).get_data_store("killed")


def _write_until_killed(program: Program, writers: list[Writer], seconds: float) -> None:
    under_way = threading.Event()
    with Client("emulator-key", base_url=program.base_url, retries=0, rate_limits="off") as client:
        threads = [threading.Thread(target=writer.write, args=(_store(client), under_way)) for writer in writers]
        for thread in threads:
            thread.start()
        assert under_way.wait(10)
        threading.Event().wait(seconds)
        program.kill()
        for thread in threads:
            thread.join(10)
            assert not thread.is_alive()


def _check(program: Program, writers: list[Writer]) -> None:
    with Client("emulator-key", base_url=program.base_url, rate_limits="off") as client:
        for writer in writers:
            writer.check(_store(client))


def test_an_emulator_killed_at_random_moments_keeps_every_acknowledged_write(tmp_path: Path) -> None:
    random, file = Random(20), tmp_path / "emulator.db"
    writers = [Writer(number) for number in range(WRITERS)]
    for _ in range(KILLS):
        with Program(file) as program:
            _check(program, writers)
            _write_until_killed(program, writers, random.uniform(EARLIEST, LATEST))
    for writer in writers:
        writer.checked = 0
    with Program(file) as program:
        _check(program, writers)
    assert all(len(writer.errors) == KILLS for writer in writers)
    assert min(writer.replaced for writer in writers) >= KILLS
