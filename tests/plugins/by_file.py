"""How the tests are shared out when several processes run them (`pytest -n auto`)."""

from __future__ import annotations

import os

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

_TOGETHER = "tests/scenarios/"
"""All stories are judged together, in the end."""


class ByFile(LoadScopeScheduling):
    """A file's tests run in one process, which starts once what they share."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return _TOGETHER if file.startswith(_TOGETHER) else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByFile:
    """Choose the scheduler."""
    return ByFile(config, log)


def pytest_xdist_auto_num_workers() -> int:
    """One more than there are cores: many tests wait for a process or a server that they have started."""
    return (os.cpu_count() or 1) + 1
