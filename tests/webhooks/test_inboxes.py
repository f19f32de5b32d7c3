"""What every inbox does, and what each has of its own."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from rblxcloud import ConfigurationError, MemoryWebhookInbox, Webhook, WebhookInbox, WebhookInboxError, WebhookReceiver
from rblxcloud.webhooks import SQLWebhookInbox
from rblxcloud.webhooks.inboxes.memory import Ledger

BODY = b'{"any":"body \\u0000 of a webhook"}\xff'


class Shelf:
    """An inbox whose clock can be moved: that of PostgreSQL itself by moving its rows instead."""

    def __init__(self, inbox: Any, move: Callable[[float], None]) -> None:
        self.inbox: WebhookInbox = inbox
        self.move = move


class _Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now

    def move(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def shelf(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shelf]:
    clock = _Clock()
    if request.param == "memory":
        yield Shelf(MemoryWebhookInbox(clock=clock), clock.move)
        return
    if request.param == "sqlite":
        inbox = SQLWebhookInbox(f"sqlite:///{tmp_path}/inbox.db", clock=clock)
        yield Shelf(inbox, clock.move)
    else:
        address, table = request.getfixturevalue("postgresql_url"), f"webhooks_{secrets.token_hex(4)}"
        inbox = SQLWebhookInbox(address, table=table)
        engine = sa.create_engine(address, poolclass=sa.NullPool)

        def move(seconds: float) -> None:
            with engine.begin() as connection:
                statement = f"UPDATE {table} SET due_at = due_at - {seconds}, finished_at = finished_at - {seconds}"
                connection.execute(sa.text(statement))

        yield Shelf(inbox, move)
    inbox.close()


@pytest.fixture
def inbox(shelf: Shelf) -> WebhookInbox:
    return shelf.inbox


def leased(inbox: WebhookInbox, holder: str = "me", seconds: float = 30) -> tuple[str, int] | None:
    row = inbox.lease(holder, seconds)
    return None if row is None else (row.key, row.attempts)


def test_what_was_added_is_leased_once(inbox: WebhookInbox) -> None:
    assert inbox.add("1", BODY) is True
    row = inbox.lease("me", 30)
    assert row is not None
    assert (row.key, row.body, row.attempts) == ("1", BODY, 1)
    assert inbox.lease("me", 30) is None
    assert inbox.lease("another", 30) is None


def test_an_empty_inbox_has_nothing(inbox: WebhookInbox) -> None:
    assert inbox.lease("me", 30) is None
    assert inbox.renew("1", "me", 30) is False
    inbox.release("1", "me", delay=0)
    inbox.finish("1")
    assert inbox.purge(0) == 0


def test_what_is_there_is_not_added_again(shelf: Shelf) -> None:
    inbox = shelf.inbox
    inbox.add("1", BODY)
    assert inbox.add("1", b"another") is False
    inbox.lease("me", 30)
    assert inbox.add("1", b"another") is False
    inbox.finish("1")
    assert inbox.add("1", b"another") is False
    shelf.move(31)
    assert inbox.lease("me", 30) is None


def test_what_has_been_due_longest_comes_first(shelf: Shelf) -> None:
    for key in ("c", "a", "b"):
        shelf.inbox.add(key, BODY)
        shelf.move(1)
    assert [leased(shelf.inbox) for _ in range(4)] == [("c", 1), ("a", 1), ("b", 1), None]


def test_a_lease_runs_out(shelf: Shelf) -> None:
    shelf.inbox.add("1", BODY)
    assert leased(shelf.inbox) == ("1", 1)
    shelf.move(29)
    assert leased(shelf.inbox, "another") is None
    shelf.move(2)
    assert leased(shelf.inbox, "another") == ("1", 2)


def test_a_lease_is_renewed_by_its_holder_alone(shelf: Shelf) -> None:
    shelf.inbox.add("1", BODY)
    leased(shelf.inbox, "me")
    shelf.move(20)
    assert shelf.inbox.renew("1", "another", 1000) is False
    assert shelf.inbox.renew("1", "me", 30) is True
    shelf.move(20)
    assert leased(shelf.inbox, "another") is None
    shelf.move(11)
    assert leased(shelf.inbox, "another") == ("1", 2)
    assert shelf.inbox.renew("1", "me", 30) is False


def test_a_lease_is_given_back_by_its_holder_alone(shelf: Shelf) -> None:
    shelf.inbox.add("1", BODY)
    leased(shelf.inbox, "me")
    shelf.inbox.release("1", "another", delay=0)
    assert leased(shelf.inbox, "another") is None
    shelf.inbox.release("1", "me", delay=10)
    shelf.inbox.release("1", "me", delay=1000)
    shelf.move(9)
    assert leased(shelf.inbox) is None
    shelf.move(2)
    assert leased(shelf.inbox) == ("1", 2)
    shelf.inbox.release("1", "me", delay=0)
    assert leased(shelf.inbox) == ("1", 3)


def test_what_is_finished_never_comes_again(shelf: Shelf) -> None:
    shelf.inbox.add("1", BODY)
    leased(shelf.inbox, "me")
    shelf.move(31)
    leased(shelf.inbox, "another")
    shelf.inbox.finish("1")  # by the first one, which was taken for dead
    shelf.inbox.release("1", "another", delay=0)
    assert shelf.inbox.renew("1", "another", 30) is False
    shelf.move(1000)
    assert leased(shelf.inbox) is None


def test_what_was_finished_long_ago_is_forgotten(shelf: Shelf) -> None:
    for key in ("old", "young", "open"):
        shelf.inbox.add(key, BODY)
    shelf.inbox.finish("old")
    shelf.move(100)
    shelf.inbox.finish("young")
    assert shelf.inbox.purge(101) == 0
    assert shelf.inbox.purge(50) == 1
    assert [shelf.inbox.add(key, BODY) for key in ("old", "young", "open")] == [True, False, False]


def test_of_many_threads_one_gets_the_lease(inbox: WebhookInbox) -> None:
    for number in range(4):
        inbox.add(str(number), BODY)
    barrier, taken = threading.Barrier(8), list[str]()

    def take(holder: str) -> None:
        barrier.wait()
        while (row := inbox.lease(holder, 30)) is not None:
            taken.append(row.key)

    threads = [threading.Thread(target=take, args=(str(number),)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == ["0", "1", "2", "3"]


def test_a_handled_body_is_not_kept(tmp_path: Path) -> None:
    inbox = SQLWebhookInbox(f"sqlite:///{tmp_path}/inbox.db")
    inbox.add("1", BODY)
    inbox.finish("1")
    engine = sa.create_engine(f"sqlite:///{tmp_path}/inbox.db", poolclass=sa.NullPool)
    with engine.connect() as connection:
        assert connection.execute(sa.text("SELECT body FROM rblxcloud_webhooks")).scalar_one() == b""


WORKER = """
import sys
from rblxcloud.webhooks import SQLWebhookInbox
inbox = SQLWebhookInbox(sys.argv[1], table=sys.argv[2])
print("ready", flush=True)
sys.stdin.readline()
while (row := inbox.lease(sys.argv[3], 600)) is not None:
    print(row.key, flush=True)
    inbox.finish(row.key)
"""


def test_of_two_processes_each_event_goes_to_one(shared: SQLWebhookInbox, address: str, table: str) -> None:
    for number in range(100):
        shared.add(str(number), BODY)
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    command = [sys.executable, "-c", WORKER, address, table]
    processes = [subprocess.Popen([*command, name], **pipes) for name in ("first", "second")]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    handled = [process.communicate(timeout=60)[0].split() for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    assert sorted([*handled[0], *handled[1]], key=int) == [str(number) for number in range(100)]
    assert shared.lease("me", 30) is None


@pytest.mark.parametrize("where", ["sqlite://", "sqlite:///:memory:", "mysql://u@h/d", "nonsense"])
def test_a_database_that_cannot_be_used_is_refused(where: str) -> None:
    with pytest.raises(ConfigurationError):
        SQLWebhookInbox(where)


def test_postgresql_without_a_driver_is_the_one_of_the_extra() -> None:
    assert "postgresql+psycopg://" in repr(SQLWebhookInbox("postgresql://user@127.0.0.1/db"))


def test_a_driver_for_asyncio_is_refused() -> None:
    engine = sa.create_engine("postgresql+psycopg://user@127.0.0.1/db")
    engine.dialect.is_async = True
    with pytest.raises(ConfigurationError, match="use a blocking one"):
        SQLWebhookInbox(engine)


def test_a_database_that_fails_is_an_error_of_ours(tmp_path: Path) -> None:
    inbox = SQLWebhookInbox(f"sqlite:///{tmp_path}/missing/inbox.db")
    with pytest.raises(WebhookInboxError, match="the database failed"):
        inbox.add("1", BODY)


def test_a_password_is_not_shown() -> None:
    assert "hush" not in repr(SQLWebhookInbox("postgresql+psycopg://user:hush@127.0.0.1/db"))


def test_a_missing_extra_is_named() -> None:
    program = "import sys; sys.modules['sqlalchemy'] = None; from rblxcloud.webhooks import SQLWebhookInbox"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert ran.returncode == 1
    assert "pip install 'rblxcloud[sql]'" in ran.stderr.splitlines()[-1]


def test_reading_webhooks_needs_no_http_library() -> None:
    program = "import sys; from rblxcloud import Webhook, RightToErasureRequest; print('httpx' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout == "False\n"


def test_inboxes_fit_the_protocol() -> None:
    inboxes: list[WebhookInbox] = [MemoryWebhookInbox(), SQLWebhookInbox("sqlite:///any.db")]
    for inbox in inboxes:
        WebhookReceiver(Webhook("secret"), inbox=inbox)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
def test_a_forked_child_can_use_what_its_parent_held() -> None:
    inbox, ledger = MemoryWebhookInbox(), Ledger(60, 10)
    inbox.add("1", BODY)
    with inbox._lock, ledger._lock:
        child = os.fork()
        if child == 0:
            ledger.begin("1")
            os._exit(0 if inbox.lease("me", 30) is not None else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
