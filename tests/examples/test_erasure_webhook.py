"""examples/erasure_webhook.py: the emulator tells it of a user who wants to be forgotten."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from examples import erasure_webhook
from rblxcloud import NotFoundError
from rblxcloud.emulator import Emulator
from rblxcloud.emulator.faults import Fault
from rblxcloud.emulator.webhooks.events import right_to_erasure_request, sample_notification
from rblxcloud.sync import Client

SECRET = "the secret of the webhook"
CONFIG = """
[[experiences]]
universe = 13058
start_place = 13059
keys = [
    { store = "players", key = "Player_{UserId}" },
    { store = "settings", key = "{UserId}", scope = "v2" },
    { store = "coins", key = "{UserId}", ordered = true },
]

[[experiences]]
universe = 13158
start_place = 13159
keys = [{ store = "players", key = "{UserId}" }]
"""


class Server(uvicorn.Server):
    """A server that says when it answers."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        self.ready.set()


@contextmanager
def running() -> Iterator[str]:
    """Run the program, made from the environment, on a socket."""
    server = Server(uvicorn.Config(erasure_webhook.from_environment(), port=0, log_config=None))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        assert server.ready.wait(30)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/webhooks/roblox"
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "erasure.toml").write_text(CONFIG)
    monkeypatch.setenv("ERASURE_CONFIG", str(tmp_path / "erasure.toml"))
    monkeypatch.setenv("INBOX", f"sqlite:///{tmp_path}/inbox.db")
    monkeypatch.setenv("WEBHOOK_SECRET", SECRET)
    return tmp_path


@pytest.fixture
def entries(rblxcloud_sync_client: Client) -> list[tuple[Any, str]]:
    """What is kept of users 7 and 8: by store and key, user 7's first."""
    first, second = rblxcloud_sync_client.experience(13058), rblxcloud_sync_client.experience(13158)
    kept = [
        (store, name.format(user))
        for user in (7, 8)
        for store, name in (
            (first.get_data_store("players"), "Player_{}"),
            (first.get_data_store("settings", "v2"), "{}"),
            (first.get_ordered_data_store("coins"), "{}"),
            (second.get_data_store("players"), "{}"),
        )
    ]
    for store, key in kept:
        store.set(key, 1)
    return kept


def is_there(entry: tuple[Any, str]) -> bool:
    store, key = entry
    try:
        store.get(key)
    except NotFoundError:
        return False
    return True


def until(condition: Callable[[], bool]) -> None:
    for _ in range(1500):
        if condition():
            return
        threading.Event().wait(0.02)
    raise AssertionError("it did not happen")


def states(emulator: Emulator) -> list[str]:
    return [delivery.state for delivery in emulator.webhooks.deliveries()]


def test_what_is_kept_of_a_user_is_removed_and_nothing_else(
    rblxcloud_emulator: Emulator, settings: Path, entries: list[tuple[Any, str]]
) -> None:
    with running() as address:
        rblxcloud_emulator.webhooks.add(address, SECRET)
        rblxcloud_emulator.webhooks.trigger(sample_notification())
        rblxcloud_emulator.webhooks.trigger(right_to_erasure_request(user=7, game_ids=[13059, 13159]))
        until(lambda: [is_there(entry) for entry in entries] == [False] * 4 + [True] * 4)
        until(lambda: states(rblxcloud_emulator) == ["delivered"] * 2)


def test_only_the_experiences_concerned_are_touched(
    rblxcloud_emulator: Emulator, settings: Path, entries: list[tuple[Any, str]]
) -> None:
    with running() as address:
        rblxcloud_emulator.webhooks.add(address, SECRET)
        rblxcloud_emulator.webhooks.trigger(right_to_erasure_request(user=7, game_ids=[13159]))
        until(lambda: [is_there(entry) for entry in entries] == [True] * 3 + [False] + [True] * 4)


def test_a_request_survives_an_outage_of_the_data_stores_and_a_restart(
    rblxcloud_emulator: Emulator, settings: Path, entries: list[tuple[Any, str]]
) -> None:
    rblxcloud_emulator.faults.add(Fault(kind="answer", status=403, endpoint="data_stores.delete_entry", after=1))
    with running() as address:
        rblxcloud_emulator.webhooks.add(address, SECRET)
        rblxcloud_emulator.webhooks.trigger(right_to_erasure_request(user=7, game_ids=[13059, 13159]))
        until(lambda: states(rblxcloud_emulator) == ["delivered"])
        until(lambda: not is_there(entries[0]))
    with running():
        until(lambda: [is_there(entry) for entry in entries] == [False] * 4 + [True] * 4)


def test_a_tampered_request_removes_nothing(
    rblxcloud_emulator: Emulator, settings: Path, entries: list[tuple[Any, str]]
) -> None:
    rblxcloud_emulator.webhooks.retry_interval = 0
    with running() as address:
        rblxcloud_emulator.webhooks.add(address, SECRET)
        rblxcloud_emulator.webhooks.trigger(right_to_erasure_request(user=7, game_ids=[13059]), flaw="tampered")
        until(lambda: states(rblxcloud_emulator) == ["abandoned"])
    assert all(is_there(entry) for entry in entries)


def test_a_place_that_is_not_configured_makes_the_request_wait(
    rblxcloud_emulator: Emulator, settings: Path, entries: list[tuple[Any, str]], caplog: pytest.LogCaptureFixture
) -> None:
    config = settings / "erasure.toml"
    config.write_text(CONFIG[CONFIG.rindex("[[experiences]]") :])
    with running() as address:
        rblxcloud_emulator.webhooks.add(address, SECRET)
        rblxcloud_emulator.webhooks.trigger(right_to_erasure_request(user=7, game_ids=[13059, 13159]))
        until(lambda: "these start places are not configured: [13059]" in caplog.text)
    assert [is_there(entry) for entry in entries[:4]] == [True, True, True, False]
    config.write_text(CONFIG)
    with running():
        until(lambda: not any(is_there(entry) for entry in entries[:4]))


def test_a_place_of_another_universe_makes_the_request_wait(
    rblxcloud_emulator: Emulator, settings: Path, entries: list[tuple[Any, str]], caplog: pytest.LogCaptureFixture
) -> None:
    config = settings / "erasure.toml"
    config.write_text(CONFIG.replace("universe = 13058", "universe = 13158"))
    with running() as address:
        rblxcloud_emulator.webhooks.add(address, SECRET)
        rblxcloud_emulator.webhooks.trigger(right_to_erasure_request(user=7, game_ids=[13059]))
        until(lambda: "was not handled at attempt 1" in caplog.text)
    assert all(is_there(entry) for entry in entries)
    config.write_text(CONFIG)
    with running():
        until(lambda: not any(is_there(entry) for entry in entries[:3]))


@pytest.mark.parametrize(
    ("right", "wrong", "told"),
    [
        ("Player_{UserId}", "Player_", "key"),
        ("ordered", "orderd", "orderd"),
        ("scope", "scop", "scop"),
        ("start_place = 13159", "start_place = 13059", "twice"),
        ("universe = 13158", "universe = 0", "universe"),
        ('keys = [{ store = "players", key = "{UserId}" }]', "keys = []", "keys"),
    ],
)
def test_a_configuration_that_would_miss_data_is_refused(settings: Path, right: str, wrong: str, told: str) -> None:
    assert CONFIG.count(right) == 1
    (settings / "erasure.toml").write_text(CONFIG.replace(right, wrong))
    with pytest.raises(SystemExit, match=told):
        erasure_webhook.from_environment()
