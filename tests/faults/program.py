"""`rblxcloud emulator` as a program of its own, which can be killed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from rblxcloud.emulator.faults import Fault

_GREETING = "rblxcloud emulator listening on "


class Program:
    """A running `rblxcloud emulator` without rate limits; leaving the context kills it.

    Args:
        database: File that holds its state; None for memory.
    """

    def __init__(self, database: Path | None = None) -> None:
        kept = [] if database is None else ["--db", str(database)]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "rblxcloud.cli", "emulator", "--port", "0", *kept],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        greeting = self._process.stdout.readline().strip()
        if not greeting.startswith(_GREETING):
            self.kill()
            raise RuntimeError(f"the emulator did not start: {greeting!r}")
        self.base_url = greeting.removeprefix(_GREETING)
        self._control("PUT", "limits", {"enabled": False})

    def reset(self) -> None:
        """Make it as it was when it started."""
        self._control("POST", "reset")
        self._control("PUT", "limits", {"enabled": False})

    def arm(self, *faults: Fault) -> None:
        """Arm faults."""
        for fault in faults:
            self._control("POST", "faults", fault.model_dump(mode="json", by_alias=True, exclude_defaults=True))

    def calm(self) -> None:
        """Disarm every fault."""
        self._control("DELETE", "faults")

    def _control(self, method: str, path: str, body: object = None) -> None:
        # No connection is kept: tests count sockets.
        httpx.request(method, f"{self.base_url}/_emulator/{path}", json=body, trust_env=False).raise_for_status()

    def kill(self) -> None:
        """End it with SIGKILL, in the middle of whatever it does."""
        self._process.kill()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.kill()
