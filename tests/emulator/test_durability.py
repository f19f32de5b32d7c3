"""`--db FILE` under kill -9: what was acknowledged stays, everything else is whole or absent."""

from __future__ import annotations

import json
import signal
import threading
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from random import Random
from typing import Any

from rblxcloud.emulator.core import Emulator
from tests.support.emulator import Caller, running

WRITERS = 8
KILLS = 20
HEADERS = {"x-api-key": "emulator-key", "content-type": "application/json"}
STORE = "/cloud/v2/universes/7/data-stores/Saves/entries"


class Writer(threading.Thread):
    """Counts its entry up until the emulator is gone."""

    def __init__(self, number: int, port: int, last: int, acknowledged: threading.Semaphore) -> None:
        super().__init__()
        self.number = number
        self.port = port
        self.last = last
        self.acknowledged = acknowledged

    def run(self) -> None:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=10)
        path = f"{STORE}/writer-{self.number}?allowMissing=true"
        try:
            while True:
                connection.request("PATCH", path, json.dumps({"value": value(self.last + 1)}), HEADERS)
                response = connection.getresponse()
                response.read()
                assert response.status == 200
                self.last += 1
                self.acknowledged.release()
        except (OSError, HTTPException):
            connection.close()


def value(count: int) -> dict[str, Any]:
    return {"count": count, "copies": [count] * 50}


def test_eight_writers_and_twenty_kills_lose_nothing(tmp_path: Path) -> None:
    database, random, last = tmp_path / "state.db", Random(20), [0] * WRITERS
    for _ in range(KILLS):
        acknowledged = threading.Semaphore(0)
        with running("--db", str(database)) as (process, line):
            port = int(line.rsplit(":", 1)[1])
            control = HTTPConnection("127.0.0.1", port)
            control.request("PUT", "/_emulator/limits", '{"enabled": false}')
            control.getresponse().read()
            control.close()
            writers = [Writer(number, port, last[number], acknowledged) for number in range(WRITERS)]
            for writer in writers:
                writer.start()
            for _ in range(random.randrange(1, 120)):
                assert acknowledged.acquire(timeout=30)
            process.send_signal(signal.SIGKILL)
            for writer in writers:
                writer.join()
        with Emulator(database=database) as emulator:
            call = Caller(emulator)
            for writer in writers:
                stored = call("GET", f"{STORE}/writer-{writer.number}")
                count = 0 if stored.status == 404 else stored.json["value"]["count"]
                assert count in (writer.last, writer.last + 1)
                if count:
                    assert stored.json["value"] == value(count)
                last[writer.number] = count
    assert sum(last) >= KILLS
