"""Judges what the stories send; the scenarios' conftest puts it to work."""

from __future__ import annotations

from pathlib import Path

import pytest

from rblxcloud.emulator import Emulator
from rblxcloud.emulator.core import CONTROL_PREFIX
from rblxcloud.emulator.model import RawRequest, Reply


class RecordingEmulator(Emulator):
    """An emulator that keeps the requests it was sent, whole and as they came."""

    def __init__(self, *, limits: bool = True) -> None:
        super().__init__(limits=limits)
        self.recorded: list[RawRequest] = []

    def handle(self, request: RawRequest) -> Reply:
        if not request.raw_path.startswith(CONTROL_PREFIX):
            self.recorded.append(request)
        return super().handle(request)


def all_selected(session: pytest.Session, directory: Path) -> bool:
    """Return whether no test of a directory was left out of a run, so that it can be known what is never needed."""
    options = session.config.option
    if options.keyword or options.markexpr or session.shouldfail or any("::" in text for text in session.config.args):
        return False
    ran = {item.path for item in session.items if item.path.is_relative_to(directory)}
    return not session.testsfailed and ran == set(directory.glob("test_*.py"))
