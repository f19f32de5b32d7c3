"""How the tests are shared out when several processes run them (`pytest -n auto`)."""

from __future__ import annotations

import os

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

_TOGETHER = "tests/scenarios/"
"""All stories are judged together, in the end."""

_LONGEST = (
    "tests/webhooks/test_story.py",
    "tests/oracle/test_schemathesis.py",
    "tests/docs/test_blocks.py",
    "tests/faults/test_queue_consumers.py",
    "tests/faults/test_kill.py",
    "tests/faults/test_interruptions.py",
    "tests/webhooks/test_killed.py",
    "tests/faults/test_exactly_once.py",
    "tests/emulator/test_durability.py",
    "tests/typing/test_samples.py",
    "tests/sync/test_processes.py",
    "tests/runtime/test_wire.py",
    "tests/examples/test_batch_job.py",
    "tests/oauth2/test_processes.py",
    "tests/examples/test_erasure_webhook.py",
    "tests/faults/test_published_queue_limits.py",
)
"""They begin first: one that began last would keep a single core busy in the end."""


class ByFile(LoadScopeScheduling):
    """A file's tests run in one process, which starts once what they share."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return _TOGETHER if file.startswith(_TOGETHER) else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByFile:
    """Choose the scheduler, which is to keep the order of the files."""
    config.option.loadscopereorder = False
    return ByFile(config, log)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One more than there are cores: many tests wait for a process or a server that they have started."""
    return (os.cpu_count() or 1) + 1


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put the files that take longest first, where several processes share the tests out."""
    if hasattr(config, "workerinput"):
        turns = {file: turn for turn, file in enumerate(_LONGEST)}
        items.sort(key=lambda item: turns.get(item.nodeid.partition("::")[0], len(turns)))
