"""The inboxes that are there."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from rblxcloud.webhooks import SQLWebhookInbox
from tests.oauth2.servers import postgresql


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    with postgresql() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a database of each kind."""
    return f"sqlite:///{tmp_path}/inbox.db" if request.param == "sqlite" else request.getfixturevalue("postgresql_url")


@pytest.fixture
def table() -> str:
    """The name of a table that is not there yet."""
    return f"webhooks_{secrets.token_hex(4)}"


@pytest.fixture
def shared(address: str, table: str) -> Iterator[SQLWebhookInbox]:
    """An inbox that processes can share, empty."""
    inbox = SQLWebhookInbox(address, table=table)
    yield inbox
    inbox.close()
