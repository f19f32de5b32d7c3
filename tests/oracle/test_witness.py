"""The witness puts a request down to the method that sent it, and tells where a docstring says something else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest

import rblxcloud.sync
from codegen.index import claims
from codegen.sources import Claim
from rblxcloud.emulator import Emulator, EmulatorTransport
from rblxcloud.emulator.journal import LoggedRequest
from tests.oracle import witness as module
from tests.oracle.witness import Witness


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Witness]:
    """Return a function that has a story watched, told by a blocking client to an emulator in process."""

    def watch(
        story: Callable[[Any], object],
        *,
        claimed: dict[str, tuple[Claim, ...]] | None = None,
        log: Callable[[Emulator], list[LoggedRequest]] = Emulator.requests,
    ) -> Witness:
        changed = {**claims(), **(claimed or {})}
        monkeypatch.setattr(module, "claims", lambda: changed)
        witness = Witness()
        with Emulator() as emulator, httpx.Client(transport=EmulatorTransport(emulator)) as http:
            client = rblxcloud.sync.Client("emulator-key", http_client=http, base_url="http://127.0.0.1:1")
            with client, witness.watching("test", lambda: log(emulator)):
                story(client)
        return witness

    return watch


def test_a_call_is_put_down_to_its_method(watch: Callable[..., Witness]) -> None:
    witness = watch(lambda client: client.user(1).fetch())
    assert witness.record({}) == {"users.get_user": {"User.fetch": "test"}}
    assert witness.unclaimed == set()


def test_a_list_is_put_down_to_the_method_that_made_it(watch: Callable[..., Witness]) -> None:
    witness = watch(lambda client: list(client.group(1).members()))
    assert witness.record({}) == {"groups.list_group_memberships": {"Group.members": "test"}}


def test_what_threads_send_is_put_down_to_the_method_that_made_them_too(watch: Callable[..., Witness]) -> None:
    def story(client: Any) -> None:
        store = client.experience(1).get_data_store("s")
        client.request("POST", "/cloud/v2/universes/1/data-stores/s/entries", query={"id": "k"}, json={"value": 1})
        assert [result.entry.value for result in store.get_many(["k"])] == [1]

    witness = watch(story)
    witness.seen.pop("data_stores.create_entry_unscoped")
    assert witness.record({}) == {"data_stores.get_entry": {"DataStore.get": "test"}}
    assert not any("DataStore.get_many" in text for text in witness.unused())


def test_a_call_within_a_call_is_put_down_to_the_inner_one(watch: Callable[..., Witness]) -> None:
    def story(client: Any) -> None:
        store = client.experience(1).get_data_store("s")
        for _ in range(2):
            store.update("k", lambda value: 1)

    witness = watch(story)
    assert witness.record({}) == {
        "data_stores.get_entry": {"DataStore.get": "test"},
        "data_stores.v1_set_entry": {"DataStore.update": "test"},
    }
    assert not any("DataStore.update" in text for text in witness.unused())


def test_what_the_emulator_took_for_something_else_does_not_count(watch: Callable[..., Witness]) -> None:
    def misread(emulator: Emulator) -> list[LoggedRequest]:
        return [replace(entry, endpoint="users.list_inventory_items") for entry in emulator.requests()]

    assert watch(lambda client: client.user(1).fetch(), log=misread).record({}) == {}


def test_what_the_emulator_refused_or_a_fault_struck_does_not_count(watch: Callable[..., Witness]) -> None:
    def refused(client: Any) -> None:
        with pytest.raises(rblxcloud.NotFoundError):
            client.experience(1).get_data_store("s").get("k")

    def struck(emulator: Emulator) -> list[LoggedRequest]:
        return [replace(entry, fault="cut") for entry in emulator.requests()]

    assert watch(refused).record({}) == {}
    assert watch(lambda client: client.user(1).fetch(), log=struck).record({}) == {}


def test_a_docstring_that_leaves_out_what_is_sent_is_found(watch: Callable[..., Witness]) -> None:
    wrong = {"User.fetch": (Claim("GET", "/cloud/v2/groups/{group_id}"),)}
    witness = watch(lambda client: client.user(1).fetch(), claimed=wrong)
    assert witness.unclaimed == {"User.fetch: its Source does not name users.get_user, which a story saw it send"}
    assert witness.record({}) == {}


def test_a_docstring_that_names_what_is_never_sent_is_found(watch: Callable[..., Witness]) -> None:
    witness = watch(lambda client: client.user(1).fetch())
    assert not any(text.startswith("User.fetch:") for text in witness.unused())
    assert any(
        text.startswith("Group.fetch: its Source names GET /cloud/v2/groups/{group_id}") for text in witness.unused()
    )


def test_what_a_request_is_told_to_send_needs_no_docstring(watch: Callable[..., Witness]) -> None:
    def story(client: Any) -> None:
        with pytest.raises(rblxcloud.AuthenticationError):
            client.request("POST", "/api-keys/v1/introspect", json={"apiKey": "nonsense"})

    assert watch(story).unclaimed == set()


def test_a_record_keeps_the_test_that_still_holds(watch: Callable[..., Witness]) -> None:
    witness = watch(lambda client: client.user(1).fetch())
    witness.seen["users.get_user"]["User.fetch"] |= {"a", "b"}
    assert witness.record({"users.get_user": {"User.fetch": "b"}}) == {"users.get_user": {"User.fetch": "b"}}
    assert witness.record({"users.get_user": {"User.fetch": "gone"}}) == {"users.get_user": {"User.fetch": "a"}}
