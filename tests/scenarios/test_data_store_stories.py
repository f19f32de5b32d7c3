"""What a user does with standard data stores, from the first write to the last."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import BaseModel

import rblxcloud
import rblxcloud.sync
from rblxcloud.emulator import Emulator, Fault

Tell = Callable[[Callable[[Any], Any]], None]

HOSTILE = ["a/b", "a:b", "a:increment", "x@y", "x@latest", "@", "%2F", "a?b=c", "a#b", "..", ".", "../..", " ", "é✓", "a&b", "+"]  # fmt: skip


def test_write_read_increment_remove(tell: Tell) -> None:
    async def story(client: Any) -> None:
        store = client.experience(13058).get_data_store("data-store-name", scope="global")
        written = await store.set("key-name", 68, users=[287113233], metadata={"key": "value"})
        value, info = await store.get("key-name")
        assert (value, info.users, dict(info.metadata)) == (68, (287113233,), {"key": "value"})
        assert info.version == written.version
        assert info.created.tzinfo is not None
        value, info = await store.increment("key-name", 1, users=info.users, metadata=info.metadata)
        assert (value, info.users) == (69, (287113233,))
        await store.remove("key-name")
        with pytest.raises(rblxcloud.NotFoundError):
            await store.get("key-name")
        assert await store.get("key-name", default="none") == ("none", None)
        with pytest.raises(rblxcloud.NotFoundError):
            await store.remove("key-name")

    tell(story)


def test_omitted_users_and_metadata_are_cleared(tell: Tell) -> None:
    async def story(client: Any) -> None:
        store = client.experience(1).get_data_store("s")
        await store.set("k", 1, users=[5], metadata={"a": "b"})
        await store.set("k", 2)
        _, info = await store.get("k")
        assert (info.users, dict(info.metadata)) == ((), {})

    tell(story)


@pytest.mark.parametrize("key", HOSTILE)
def test_any_key_reaches_its_own_entry_and_no_other(tell: Tell, key: str) -> None:
    async def story(client: Any) -> None:
        store = client.experience(1).get_data_store("s")
        await store.set("a", "bystander")
        await store.set(key, {"key": key})
        assert (await store.get(key)).value == {"key": key}
        assert [k async for k in store.keys()] == sorted(["a", key])
        (version,) = [v async for v in store.versions(key)]
        assert (await store.get_version(key, version.version)).value == {"key": key}
        assert [k async for k in store.keys(prefix=key) if k != "a"] == [key]
        assert (await store.increment(key + "n")).value == 1
        await store.remove(key)
        assert (await store.get("a")).value == "bystander"
        assert (await store.get(key, default=0))[0] == 0

    tell(story)


def test_preconditions_are_atomic_and_show_what_stands_there(tell: Tell) -> None:
    async def story(client: Any) -> None:
        store = client.experience(1).get_data_store("s")
        first = await store.set("k", "one", exclusive_create=True)
        with pytest.raises(rblxcloud.PreconditionFailedError) as caught:
            await store.set("k", "two", exclusive_create=True)
        assert caught.value.entry.value == "one"
        second = await store.set("k", "two", previous_version=first.version)
        with pytest.raises(rblxcloud.PreconditionFailedError) as caught:
            await store.set("k", "three", previous_version=first.version)
        assert caught.value.entry.info.version == second.version
        assert (await store.get("k")).value == "two"

    tell(story)


def test_update_reads_transforms_and_keeps_the_tags(tell: Tell) -> None:
    async def story(client: Any) -> None:
        store = client.experience(1).get_data_store("s")
        assert (await store.update("k", lambda value: (value or 0) + 1)).value == 1
        await store.set("k", 5, users=[7], metadata={"a": 1})
        changed = await store.update("k", lambda value: value + 1)
        assert changed.value == 6
        value, info = await store.get("k")
        assert (value, info.users, dict(info.metadata)) == (6, (7,), {"a": 1})
        assert info.version == changed.info.version
        assert await store.update("k", lambda value: None) is None
        await store.update("k", lambda value: value, users=[])
        assert (await store.get("k")).info.users == ()

    tell(story)


def test_update_starts_again_from_what_others_wrote(tell: Tell, base_url: str) -> None:
    async def story(client: Any) -> None:
        store = client.experience(1).get_data_store("s")
        await store.set("k", 1)
        seen: list[int] = []

        def transform(value: int) -> int:
            seen.append(value)
            if len(seen) == 1:
                with rblxcloud.sync.Client("emulator-key", base_url=base_url) as other:
                    other.experience(1).get_data_store("s").set("k", 10)
            return value + 1

        assert (await store.update("k", transform)).value == 11
        assert seen == [1, 10]

    tell(story)


def test_errors_of_a_transform_pass_through_and_write_nothing(tell: Tell) -> None:
    def broken(value: object) -> object:
        raise KeyError("mine")

    async def story(client: Any) -> None:
        store = client.experience(1).get_data_store("s")
        await store.set("k", 1)
        with pytest.raises(KeyError, match="mine"):
            await store.update("k", broken)
        assert (await store.get("k")).value == 1

    tell(story)


def test_versions_of_other_hours_stay_readable(tell: Tell, emulator: Emulator) -> None:
    async def story(client: Any) -> None:
        store = client.experience(1).get_data_store("s")
        first = await store.set("k", "one")
        emulator.clock.advance(3600)
        await store.set("k", "two")
        emulator.clock.advance(3600)
        await store.remove("k")
        versions = [version async for version in store.versions("k")]
        assert [version.deleted for version in versions] == [True, False, False]
        assert versions[-1].version == first.version
        value, info = await store.get_version("k", first.version)
        assert (value, info.version) == ("one", first.version)
        with pytest.raises(rblxcloud.BadRequestError):
            await store.get_version("k", "nonsense")
        with pytest.raises(rblxcloud.NotFoundError, match="removed"):
            await store.get_version("k", versions[0].version)
        between = versions[1].created - datetime.timedelta(minutes=1)
        assert [v.version async for v in store.versions("k", before=between)] == [first.version]
        east = datetime.timezone(datetime.timedelta(hours=5, minutes=30, seconds=7))
        assert len([v async for v in store.versions("k", after=between.astimezone(east))]) == 2
        assert [v.deleted async for v in store.versions("k", limit=1)] == [True]

    tell(story)


def test_keys_are_listed_in_pages_that_can_be_resumed(tell: Tell) -> None:
    async def story(client: Any) -> None:
        store = client.experience(1).get_data_store("s")
        for number in range(7):
            await store.set(f"player-{number}", number)
        await store.set("other", 0)
        pages = [page async for page in store.keys(prefix="player-", page_size=3).pages()]
        assert [key for page in pages for key in page.items] == [f"player-{n}" for n in range(7)]
        resumed = store.keys(prefix="player-", page_size=3).pages(token=pages[0].next_token)
        assert [key async for page in resumed for key in page.items] == [f"player-{n}" for n in range(3, 7)]
        assert [key async for key in store.keys(limit=2)] == ["other", "player-0"]
        assert (await store.keys(page_size=1).first_page()).items == ("other",)

    tell(story)


def test_removed_keys_are_listed_when_asked_for(tell: Tell) -> None:
    async def story(client: Any) -> None:
        store = client.experience(1).get_data_store("s")
        await store.set("here", 1)
        await store.set("gone", 1)
        await store.remove("gone")
        assert [key async for key in store.keys()] == ["here"]
        assert [key async for key in store.keys(show_deleted=True)] == ["gone", "here"]
        assert (await store.update("gone", lambda value: [value])).value == [None]

    tell(story)


def test_stores_are_listed_by_prefix(tell: Tell) -> None:
    async def story(client: Any) -> None:
        experience = client.experience(1)
        for name in ("pets", 'p"\\', "players", "other"):
            await experience.get_data_store(name).set("k", 1)
        assert [store.id async for store in experience.data_stores(prefix="p", page_size=1)] == [
            'p"\\',
            "pets",
            "players",
        ]
        assert [store.id async for store in experience.data_stores(prefix='p"\\')] == ['p"\\']

    tell(story)


@pytest.mark.parametrize("key", ["k", "a/b?c=d", "x@y", ".."])
def test_a_value_is_created_once(tell: Tell, key: str) -> None:
    async def story(client: Any) -> None:
        store = client.experience(1).get_data_store("s")
        created = await store.create(key, {"a": 1}, users=[7], metadata={"m": "n"})
        entry = await store.get(key)
        assert (entry.value, entry.info.version) == ({"a": 1}, created.version)
        assert (entry.info.users, entry.info.metadata) == ((7,), {"m": "n"})
        with pytest.raises((rblxcloud.BadRequestError, rblxcloud.PreconditionFailedError)):
            await store.create(key, {"a": 2})
        assert (await store.get(key)).value == {"a": 1}
        await store.remove(key)
        await store.create(key, 3)
        assert (await store.get(key)).value == 3

    tell(story)


def test_a_creation_whose_answer_is_lost_is_not_repeated(tell: Tell, emulator: Emulator) -> None:
    async def story(client: Any) -> None:
        emulator.faults.add(Fault(kind="cut", endpoint="data_stores.create_entry"))
        with pytest.raises(rblxcloud.APIConnectionError) as caught:
            await client.experience(1).get_data_store("s").create("k", 1)
        assert caught.value.outcome_unknown

    tell(story)
    assert len(emulator.requests(endpoint="data_stores.create_entry")) == 1


def test_the_spelling_without_scope_means_the_scope_global(tell: Tell) -> None:
    """Roblox has every entry's endpoint twice; the methods use the one with a scope, so that they need no other."""

    async def story(client: Any) -> None:
        store = client.experience(1).get_data_store("s")
        entries = "/cloud/v2/universes/1/data-stores/s/entries"
        await client.request("POST", entries, query={"id": "k"}, json={"value": 1})
        assert (await store.get("k")).value == 1
        await client.request("PATCH", f"{entries}/k", json={"value": 2})
        assert (await store.get("k")).value == 2
        await client.request("POST", f"{entries}/k:increment", json={"amount": 3})
        assert json.loads((await client.request("GET", f"{entries}/k")).content)["value"] == 5
        listed = json.loads((await client.request("GET", entries)).content)
        assert [row["id"] for row in listed["dataStoreEntries"]] == ["k"]
        versions = [version.version async for version in store.versions("k")]
        revisions = json.loads((await client.request("GET", f"{entries}/k:listRevisions")).content)
        assert [row["revisionId"] for row in revisions["dataStoreEntries"]] == versions
        await client.request("DELETE", f"{entries}/k")
        assert await store.get("k", default=None) == (None, None)

    tell(story)


@pytest.mark.parametrize(("name", "scope", "key"), [("..", "s", "k"), ("s", ".", "k"), ("s", "s", "..")])
def test_names_that_look_like_steps_of_a_path_do_all_that_others_do(
    tell: Tell, name: str, scope: str, key: str
) -> None:
    async def story(client: Any) -> None:
        store = client.experience(1).get_data_store(name, scope)
        first = await store.set(key, 1, users=[7])
        kept = await store.get_version(key, first.version)
        assert (kept.value, kept.info.users) == (1, (7,))
        assert [version.version async for version in store.versions(key)] == [first.version]
        assert (await store.increment(key, 2)).value == 3
        assert (await store.get(key)).value == 3
        await store.remove(key)
        assert await store.get(key, default=None) == (None, None)

    tell(story)


@pytest.mark.parametrize("name", ["a/scopes/b", "x/entries/y"])
def test_scopes_are_told_apart_in_stores_of_any_name(tell: Tell, name: str) -> None:
    async def story(client: Any) -> None:
        everywhere = client.experience(1).get_data_store(name, scope=None)
        await everywhere.set("eu/entries/k", 1)
        await everywhere.set("us/scopes/k", 2)
        keys = [key async for key in everywhere.keys()]
        assert keys == ["eu/entries/k", "us/scopes/k"]
        assert [(await everywhere.get(key)).value for key in keys] == [1, 2]

    tell(story)


def test_store_without_scope_writes_and_lists_scope_and_key(tell: Tell) -> None:
    async def story(client: Any) -> None:
        everywhere = client.experience(1).get_data_store("s", scope=None)
        await everywhere.set("eu/a", 1)
        await everywhere.set("us/a/b", 2)
        assert (await client.experience(1).get_data_store("s", "us").get("a/b")).value == 2
        assert [key async for key in everywhere.keys()] == ["eu/a", "us/a/b"]
        with pytest.raises(rblxcloud.InvalidRequestError, match="scope/key"):
            await everywhere.get("plain")

    tell(story)


def test_many_keys_come_each_with_its_value_or_its_error(tell: Tell) -> None:
    async def story(client: Any) -> None:
        store = client.experience(1).get_data_store("s")
        for number in range(10):
            await store.set(str(number), number)
        wanted = [str(number) for number in range(12)] + [""]
        results = {result.key: result async for result in store.get_many(iter(wanted), concurrency=4)}
        assert {key: result.entry.value for key, result in results.items() if result.entry} == {
            str(number): number for number in range(10)
        }
        assert type(results["11"].error) is rblxcloud.NotFoundError
        assert type(results[""].error) is rblxcloud.InvalidRequestError
        with pytest.raises(rblxcloud.NotFoundError):
            results["10"].unwrap()

    tell(story)


class Player(BaseModel):
    coins: int = 0
    name: str = "?"


def test_typed_store_gives_models_and_names_what_does_not_fit(tell: Tell) -> None:
    async def story(client: Any) -> None:
        store = client.experience(1).get_data_store("s", model=Player)
        await store.set("k", Player(coins=3, name="Ann"))
        assert (await store.get("k")).value == Player(coins=3, name="Ann")
        changed = await store.update("k", lambda player: Player(coins=player.coins + 1, name=player.name))
        assert changed.value.coins == 4
        await client.experience(1).get_data_store("s").set("bad", {"coins": "many"})
        with pytest.raises(rblxcloud.APIResponseError, match=r"'bad' at version [0-9A-F.]+ does not fit.*coins"):
            await store.get("bad")
        assert await store.get("nobody", default=None) == (None, None)
        errors = [result.error async for result in store.get_many(["bad", "k"]) if result.error]
        assert [type(error) for error in errors] == [rblxcloud.APIResponseError]
        assigned = Player()
        assigned.coins = "many"  # type: ignore[assignment]
        with pytest.raises(rblxcloud.InvalidRequestError, match="coins"):
            await store.set("k", assigned)
        assert (await store.get("k")).value.coins == 4

    tell(story)


def test_whole_store_is_deleted_listed_and_brought_back(tell: Tell) -> None:
    async def story(client: Any) -> None:
        experience = client.experience(1)
        await experience.get_data_store("one").set("k", 1)
        await experience.get_data_store("two").set("k", 1)
        deleted = await experience.get_data_store("one").delete()
        assert (deleted.id, deleted.state) == ("one", "DELETED")
        assert [store.id async for store in experience.data_stores()] == ["two"]
        assert [store.id async for store in experience.data_stores(show_deleted=True)] == ["one", "two"]
        assert (await experience.get_data_store("one").undelete()).state == "ACTIVE"
        assert (await experience.get_data_store("one").get("k")).value == 1

    tell(story)


def test_one_snapshot_a_day(tell: Tell) -> None:
    async def story(client: Any) -> None:
        assert (await client.experience(1).snapshot_data_stores()).new_snapshot_taken
        assert not (await client.experience(1).snapshot_data_stores()).new_snapshot_taken

    tell(story)


def test_increment_of_text_is_refused_by_roblox(tell: Tell) -> None:
    async def story(client: Any) -> None:
        store = client.experience(1).get_data_store("s")
        await store.set("k", "text")
        with pytest.raises(rblxcloud.BadRequestError):
            await store.increment("k")

    tell(story)
