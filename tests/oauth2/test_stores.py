"""What every token store does, and what each has of its own."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis
import redis.asyncio
import sqlalchemy as sa

from rblxcloud import ConfigurationError, TokenPair, TokenStoreError
from rblxcloud.oauth2.stores import (
    EncryptedTokenStore,
    MemoryTokenStore,
    RedisTokenStore,
    SQLTokenStore,
    StoredToken,
    TokenKey,
)
from tests.oauth2.shelves import Shelf

KEY = TokenKey("1234567890123456789012", 42)
OTHER = TokenKey("1234567890123456789012", 2**53 + 1)
WHEN = datetime(2026, 11, 25, 12, 0, 0, 123456, UTC)


def pair(name: str) -> TokenPair:
    return TokenPair(f"access-{name}", f"refresh-{name}", ("openid", "asset:read"), WHEN)


def row_of(shelf: Shelf, key: TokenKey = KEY) -> StoredToken:
    row = shelf.store.load(key)
    assert row is not None
    return row


@pytest.fixture
def saved(any_shelf: Shelf) -> Shelf:
    any_shelf.store.save(KEY, pair("1"))
    return any_shelf


def test_what_was_saved_is_read_again(saved: Shelf) -> None:
    row = row_of(saved)
    assert (row.key, row.pair, row.attempts, row.ended, row.leased) == (KEY, pair("1"), 0, False, False)


def test_an_unknown_user_has_no_row(any_shelf: Shelf) -> None:
    store = any_shelf.store
    assert store.load(KEY) is None
    assert store.lease(KEY, 1, "me", 60) is None
    assert store.replace(KEY, 1, pair("2")) is False
    assert store.end(KEY, 1, "me") is False
    assert store.delete(KEY) is None
    store.release(KEY, "me", undo=True)
    assert store.users(KEY.client_id) == []


def test_one_holder_gets_the_lease(saved: Shelf) -> None:
    generation = row_of(saved).generation
    leased = saved.store.lease(KEY, generation, "first", 60)
    assert leased is not None
    assert (leased.attempts, leased.leased, leased.pair) == (1, True, pair("1"))
    assert saved.store.lease(KEY, generation, "second", 60) is None
    assert row_of(saved).attempts == 1


def test_asking_for_the_lease_again_counts_once(saved: Shelf) -> None:
    generation = row_of(saved).generation
    saved.store.lease(KEY, generation, "me", 60)
    again = saved.store.lease(KEY, generation, "me", 60)
    assert again is not None
    assert again.attempts == 1


def test_a_lease_that_has_run_out_passes_on_and_the_attempt_stays_counted(saved: Shelf) -> None:
    generation = row_of(saved).generation
    saved.store.lease(KEY, generation, "first", 60)
    saved.expire_lease(KEY)
    assert row_of(saved).leased is False
    leased = saved.store.lease(KEY, generation, "second", 60)
    assert leased is not None
    assert leased.attempts == 2


def test_a_lease_of_another_generation_is_refused(saved: Shelf) -> None:
    assert saved.store.lease(KEY, row_of(saved).generation + 1, "me", 60) is None
    assert row_of(saved).attempts == 0


@pytest.mark.parametrize(("undo", "attempts"), [(True, 0), (False, 1)])
def test_a_lease_is_given_back_with_or_without_its_attempt(saved: Shelf, undo: bool, attempts: int) -> None:
    saved.store.lease(KEY, row_of(saved).generation, "me", 60)
    saved.store.release(KEY, "somebody else", undo=True)
    assert row_of(saved).leased
    saved.store.release(KEY, "me", undo=undo)
    saved.store.release(KEY, "me", undo=undo)
    assert (row_of(saved).leased, row_of(saved).attempts) == (False, attempts)


def test_new_tokens_are_stored_whoever_has_the_lease(saved: Shelf) -> None:
    before = row_of(saved)
    saved.store.lease(KEY, before.generation, "first", 60)
    saved.expire_lease(KEY)
    saved.store.lease(KEY, before.generation, "second", 60)
    assert saved.store.replace(KEY, before.generation, pair("2")) is True
    row = row_of(saved)
    assert (row.pair, row.generation, row.attempts, row.leased) == (pair("2"), before.generation + 1, 0, False)


def test_new_tokens_of_an_old_generation_are_not_stored(saved: Shelf) -> None:
    generation = row_of(saved).generation
    assert saved.store.replace(KEY, generation, pair("2")) is True
    assert saved.store.replace(KEY, generation, pair("3")) is False
    assert row_of(saved).pair == pair("2")


def test_only_the_holder_ends_a_row(saved: Shelf) -> None:
    generation = row_of(saved).generation
    saved.store.lease(KEY, generation, "first", 60)
    saved.expire_lease(KEY)
    saved.store.lease(KEY, generation, "second", 60)
    assert saved.store.end(KEY, generation, "first") is False
    assert row_of(saved).ended is False
    assert saved.store.end(KEY, generation, "second") is True
    assert (row_of(saved).ended, row_of(saved).leased) == (True, False)
    assert saved.store.lease(KEY, generation, "third", 60) is None


def test_tokens_that_arrive_late_bring_an_ended_row_back(saved: Shelf) -> None:
    generation = row_of(saved).generation
    saved.store.lease(KEY, generation, "me", 60)
    saved.store.end(KEY, generation, "me")
    assert saved.store.replace(KEY, generation, pair("2")) is True
    assert (row_of(saved).ended, row_of(saved).pair) == (False, pair("2"))


def test_a_new_sign_in_overrules_a_refresh_of_the_old_one(saved: Shelf) -> None:
    generation = row_of(saved).generation
    saved.store.lease(KEY, generation, "me", 60)
    saved.store.save(KEY, pair("new"))
    assert saved.store.replace(KEY, generation, pair("2")) is False
    row = row_of(saved)
    assert (row.pair, row.attempts, row.leased) == (pair("new"), 0, False)


def test_a_row_that_was_deleted_and_made_anew_is_not_the_same(saved: Shelf) -> None:
    generation = row_of(saved).generation
    deleted = saved.store.delete(KEY)
    assert deleted is not None
    assert deleted.pair == pair("1")
    saved.store.save(KEY, pair("new"))
    assert saved.store.replace(KEY, generation, pair("2")) is False
    assert row_of(saved).pair == pair("new")


def test_a_sign_in_id_stays_until_the_row_is_deleted(saved: Shelf) -> None:
    first = row_of(saved)
    saved.store.replace(KEY, first.generation, pair("2"))
    saved.store.save(KEY, pair("3"))
    assert row_of(saved).sign_in_id == first.sign_in_id != ""
    leased = saved.store.lease(KEY, row_of(saved).generation, "me", 60)
    assert leased is not None
    assert leased.sign_in_id == first.sign_in_id
    saved.store.delete(KEY)
    saved.store.save(KEY, pair("4"))
    assert row_of(saved).sign_in_id not in ("", first.sign_in_id)


def test_users_are_listed_by_application(saved: Shelf) -> None:
    saved.store.save(OTHER, pair("2"))
    saved.store.save(TokenKey("1234567890", 7), pair("3"))
    assert saved.store.users(KEY.client_id) == [KEY.user_id, OTHER.user_id]
    assert saved.store.users("1234567890") == [7]
    saved.store.delete(KEY)
    assert saved.store.users(KEY.client_id) == [OTHER.user_id]
    assert row_of(saved, OTHER).pair == pair("2")


def test_of_many_threads_one_gets_the_lease(any_shelf: Shelf) -> None:
    any_shelf.store.save(KEY, pair("1"))
    generation = row_of(any_shelf).generation
    barrier, taken = threading.Barrier(8), list[str]()

    def take(holder: str) -> None:
        barrier.wait()
        if any_shelf.store.lease(KEY, generation, holder, 60) is not None:
            taken.append(holder)

    threads = [threading.Thread(target=take, args=(str(number),)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == 1
    assert row_of(any_shelf).attempts == 1


def test_no_store_shows_a_token(saved: Shelf) -> None:
    shown = f"{saved.store!r} {row_of(saved)!r} {row_of(saved)}"
    assert "access-1" not in shown
    assert "refresh-1" not in shown


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
def test_a_forked_child_can_use_a_store_whose_lock_its_parent_held() -> None:
    store = MemoryTokenStore()
    store.save(KEY, pair("1"))
    with store._lock:
        child = os.fork()
        if child == 0:
            os._exit(0 if store.load(KEY) is not None else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_an_encrypted_row_shows_neither_token(tmp_path: Path) -> None:
    inner = SQLTokenStore(f"sqlite:///{tmp_path}/tokens.db")
    EncryptedTokenStore(inner, [EncryptedTokenStore.new_key()]).save(KEY, pair("1"))
    content = (tmp_path / "tokens.db").read_bytes()
    assert b"access-1" not in content
    assert b"refresh-1" not in content


def test_an_old_key_still_opens_what_it_closed() -> None:
    inner, old, new = MemoryTokenStore(), EncryptedTokenStore.new_key(), EncryptedTokenStore.new_key()
    EncryptedTokenStore(inner, [old]).save(KEY, pair("1"))
    row = EncryptedTokenStore(inner, [new, old]).load(KEY)
    assert row is not None
    assert row.pair == pair("1")
    with pytest.raises(TokenStoreError, match="any of the keys"):
        EncryptedTokenStore(inner, [new]).load(KEY)


def test_an_encrypted_row_cannot_be_moved_to_another_user() -> None:
    inner = MemoryTokenStore()
    store = EncryptedTokenStore(inner, [EncryptedTokenStore.new_key()])
    store.save(KEY, pair("1"))
    row = inner.load(KEY)
    assert row is not None
    inner.save(OTHER, row.pair)
    with pytest.raises(TokenStoreError, match="another user"):
        store.load(OTHER)


def test_tokens_that_cannot_be_decrypted_any_more_can_be_forgotten() -> None:
    inner = MemoryTokenStore()
    EncryptedTokenStore(inner, [EncryptedTokenStore.new_key()]).save(KEY, pair("1"))
    assert EncryptedTokenStore(inner, [EncryptedTokenStore.new_key()]).delete(KEY) is None
    assert inner.load(KEY) is None


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX permissions")
def test_a_new_database_can_be_read_by_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "tokens.db"
    SQLTokenStore(f"sqlite:///{file}").save(KEY, pair("1"))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    shared = tmp_path / "shared.db"
    shared.touch(0o660)
    shared.chmod(0o660)
    SQLTokenStore(f"sqlite:///{shared}").save(KEY, pair("1"))
    assert stat.S_IMODE(shared.stat().st_mode) == 0o660  # whoever made it has decided


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("file:{}/tokens.db?uri=true", "tokens.db"),
        ("file:{}/tokens.db?mode=rwc&uri=true", "tokens.db"),
        ("file://localhost{}/tokens.db?cache=private&uri=true", "tokens.db"),
        ("file://{}/the%2520tokens.db?uri=true", "the tokens.db"),  # decoded by SQLAlchemy, and by SQLite again
        ("file:tokens.db", "file:tokens.db"),  # no URI, but the name of a file
    ],
)
def test_a_new_database_that_a_uri_names_can_be_read_by_its_owner_alone(
    address: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    store = SQLTokenStore("sqlite:///" + address.format(tmp_path))
    store.save(KEY, pair("1"))
    assert (row := store.load(KEY)) is not None
    assert row.pair == pair("1")
    assert [file.name for file in tmp_path.iterdir()] == [name]
    assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600


@pytest.mark.parametrize("address", ["file:{}/t.db?mode=ro", "file:{}/t.db?mode=rw", "file://elsewhere{}/t.db?x=1"])
def test_a_database_that_a_uri_does_not_make_stays_missing(address: str, tmp_path: Path) -> None:
    store = SQLTokenStore(f"sqlite:///{address.format(tmp_path)}&uri=true")
    with pytest.raises(TokenStoreError):
        store.load(KEY)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("address", ["file::memory:?cache=shared", "file:shared?mode=memory&cache=shared"])
def test_a_uri_of_memory_makes_no_file(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    engine = sa.create_engine(f"sqlite:///{address}&uri=true", poolclass=sa.StaticPool)
    SQLTokenStore(engine).save(KEY, pair("1"))
    assert list(tmp_path.iterdir()) == []
    engine.dispose()


def test_a_second_store_of_a_file_leaves_the_locks_of_the_first(tmp_path: Path) -> None:
    address = f"sqlite:///{tmp_path}/tokens.db"
    SQLTokenStore(address).save(KEY, pair("1"))
    engine = sa.create_engine(address, poolclass=sa.NullPool)
    with engine.connect() as connection:
        connection.exec_driver_sql("BEGIN EXCLUSIVE")
        impatient = SQLTokenStore(sa.create_engine(address, poolclass=sa.NullPool, connect_args={"timeout": 0}))
        with pytest.raises(TokenStoreError, match="locked"):
            impatient.load(KEY)
        # Another process is kept out as well: the lock on the file is still held.
        code = "import sqlite3, sys; sqlite3.connect(sys.argv[1], timeout=0).execute('SELECT * FROM rblxcloud_tokens')"
        other = subprocess.run([sys.executable, "-c", code, tmp_path / "tokens.db"], capture_output=True, text=True)
        assert "database is locked" in other.stderr


def test_a_database_in_a_folder_that_is_not_there_is_an_error_of_ours(tmp_path: Path) -> None:
    with pytest.raises(TokenStoreError, match="unable to open"):
        SQLTokenStore(f"sqlite:///{tmp_path}/missing/tokens.db").load(KEY)


@pytest.mark.parametrize("keys", [[], ["no key"], [b"\xff"], [None], None, 5, "no list"])
def test_what_is_no_key_is_refused(keys: Any) -> None:
    with pytest.raises(ConfigurationError, match="keys"):
        EncryptedTokenStore(MemoryTokenStore(), keys)


@pytest.mark.parametrize(
    "address", ["sqlite://", "sqlite:///:memory:", "mysql://u@h/d", "nonsense", "sqlite+nothing:///x"]
)
def test_a_database_that_cannot_be_used_is_refused(address: str) -> None:
    with pytest.raises(ConfigurationError):
        SQLTokenStore(address)


def test_a_redis_address_that_cannot_be_used_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="redis"):
        RedisTokenStore("http://localhost")


@pytest.mark.parametrize(
    ("client", "problem"),
    [(None, "NoneType"), (5, "int"), (redis.Redis, "type"), (redis.asyncio.Redis(), "for asyncio")],
)
def test_what_is_no_redis_client_is_refused(client: Any, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^redis: .*{problem}"):
        RedisTokenStore(client)


def test_a_database_that_fails_is_an_error_of_ours_and_shows_no_token(tmp_path: Path) -> None:
    engine = sa.create_engine(f"sqlite:///{tmp_path}/tokens.db", poolclass=sa.NullPool)
    store = SQLTokenStore(engine)
    assert store.load(KEY) is None
    with engine.begin() as connection:
        connection.execute(sa.text("DROP TABLE rblxcloud_tokens"))
    with pytest.raises(TokenStoreError) as caught:
        store.save(KEY, pair("1"))
    waiting: list[BaseException | None] = [caught.value]
    while waiting:
        if (error := waiting.pop()) is not None:
            assert "access-1" not in f"{error} {error!r} {vars(error)}"
            waiting += [error.__cause__, error.__context__]


def test_a_redis_that_is_gone_is_an_error_of_ours() -> None:
    store = RedisTokenStore("redis://127.0.0.1:1/0")
    for step in (lambda: store.load(KEY), lambda: store.users("1")):
        with pytest.raises(TokenStoreError):
            step()
    store.close()


def test_a_redis_that_does_not_answer_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rblxcloud.oauth2.stores.redis._SECONDS", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        store = RedisTokenStore(f"redis://127.0.0.1:{silent.getsockname()[1]}/0")
        with pytest.raises(TokenStoreError, match="Redis failed"):
            store.load(KEY)
        store.close()


def test_a_postgresql_that_does_not_answer_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, object]] = []

    def connect(*arguments: object, **options: object) -> None:
        asked.append(options)
        raise psycopg.OperationalError("connection timeout expired")

    monkeypatch.setattr("psycopg.connect", connect)
    with pytest.raises(TokenStoreError, match="timeout expired"):
        SQLTokenStore("postgresql+psycopg://user@127.0.0.1/db").load(KEY)
    assert asked
    assert all(options["connect_timeout"] == 10 and options["tcp_user_timeout"] == 30_000 for options in asked)


def test_a_store_shows_no_password(tmp_path: Path) -> None:
    assert "hush" not in repr(SQLTokenStore("postgresql+psycopg://user:hush@127.0.0.1/db"))
    assert "hush" not in repr(RedisTokenStore("redis://:hush@127.0.0.1/0"))


@pytest.mark.parametrize(
    ("store", "package", "extra"), [("SQLTokenStore", "sqlalchemy", "sql"), ("RedisTokenStore", "redis", "redis")]
)
def test_a_missing_extra_is_named(store: str, package: str, extra: str) -> None:
    program = f"import sys; sys.modules[{package!r}] = None; from rblxcloud.oauth2.stores import {store}"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert ran.returncode == 1
    assert f"pip install 'rblxcloud[{extra}]'" in ran.stderr.splitlines()[-1]
