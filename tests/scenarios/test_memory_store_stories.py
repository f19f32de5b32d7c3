"""Memory stores: sorted maps, queues and their consumers, and the flush."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import aclosing
from datetime import timedelta
from typing import Any

import pytest
from pydantic import BaseModel

import rblxcloud
from rblxcloud.emulator import Emulator, Fault, OperationScript
from tests.support.emulator import Caller, act_as

Tell = Callable[[Callable[[Any], Any]], None]

UPDATE = "memory_stores.update_memory_store_sorted_map_item"
CREATE = "memory_stores.create_memory_store_sorted_map_item"
ADD = "memory_stores.create_memory_store_queue_item"
READ = "memory_stores.read_memory_store_queue_items"
DISCARD = "memory_stores.discard_memory_store_queue_items"


class Score(BaseModel):
    player: str
    points: int


# --- sorted maps


def test_items_are_written_read_and_removed(tell: Tell) -> None:
    async def story(client: Any) -> None:
        scores = client.experience(1).get_sorted_map("scores")
        assert scores.name == "scores"
        written = await scores.set("a/b?ü", {"points": [1, 2.5]}, sort_key=5, expires_in=60)
        assert (written.id, written.value, written.sort_key) == ("a/b?ü", {"points": [1, 2.5]}, 5)
        assert await scores.get("a/b?ü") == written
        changed = await scores.set("a/b?ü", "changed")
        assert (changed.value, changed.sort_key) == ("changed", 5)
        assert changed.etag != written.etag
        assert changed.expires - written.expires > timedelta(days=44)
        await scores.remove("a/b?ü")
        assert await scores.get("a/b?ü", default=None) is None
        for call in (scores.get, scores.remove):
            with pytest.raises(rblxcloud.NotFoundError):
                await call("a/b?ü")

    tell(story)


def test_items_are_added_once(tell: Tell) -> None:
    async def story(client: Any) -> None:
        servers = client.experience(1).get_sorted_map("servers")
        added = await servers.add("eu", 1, sort_key="west", expires_in=timedelta(minutes=1))
        assert (added.id, added.value, added.sort_key) == ("eu", 1, "west")
        with pytest.raises(rblxcloud.ConflictError):
            await servers.add("eu", 2)
        assert (await servers.get("eu")).value == 1

    tell(story)


def test_items_expire(tell: Tell, emulator: Emulator) -> None:
    async def story(client: Any) -> None:
        servers = client.experience(1).get_sorted_map("servers")
        await servers.add("eu", 1, expires_in=60)
        await servers.add("us", 2, expires_in=61)
        emulator.clock.advance(60.5)
        assert [item.id async for item in servers.items()] == ["us"]
        await servers.add("eu", 3)

    tell(story)


def test_items_are_listed_in_order_and_in_ranges(tell: Tell) -> None:
    async def story(client: Any) -> None:
        board = client.experience(1).get_sorted_map("board")
        keys: dict[str, Any] = {"n": None, "t2": "b", "t1": "a", "b": 2.5, "c": -3, "a": 2.5, "d": 10}
        for key, sort_key in keys.items():
            await board.set(key, {"of": key}, sort_key=sort_key)

        async def listed(**options: Any) -> list[str]:
            return [item.id async for item in board.items(**options)]

        assert await listed() == ["c", "a", "b", "d", "t1", "t2", "n"]
        assert await listed(page_size=2) == await listed()
        assert await listed(descending=True) == ["n", "t2", "t1", "d", "b", "a", "c"]
        assert await listed(descending=True, limit=3) == ["n", "t2", "t1"]
        assert await listed(sort_key_above=-3, sort_key_below=10) == ["a", "b"]
        assert await listed(sort_key_above="a") == ["t2"]
        assert await listed(key_above="a", key_below="n") == ["c", "b", "d"]
        assert [item.sort_key async for item in board.items(limit=2)] == [-3, 2.5]
        first = await board.items(page_size=3).first_page()
        rest = [page async for page in board.items(page_size=3).pages(token=first.next_token)]
        assert [item.id for page in rest for item in page.items] == ["d", "t1", "t2", "n"]

    tell(story)


def test_what_a_user_passes_cannot_change_what_a_filter_means(tell: Tell) -> None:
    async def story(client: Any) -> None:
        board = client.experience(1).get_sorted_map("board")
        hostile = ['" && id < "a', "a\\", '\\" && sortKey > 1', "&&", "\n\t\u2028", "😀", "'"]
        for text in hostile:
            await board.set(text, 1, sort_key=text)
        for bound in hostile:
            above = [item.id async for item in board.items(key_above=bound)]
            assert sorted(above) == sorted(text for text in hostile if text > bound)
            below = [item.id async for item in board.items(sort_key_below=bound)]
            assert below == sorted(text for text in hostile if text < bound)

    tell(story)


def test_maps_are_typed(tell: Tell) -> None:
    async def story(client: Any) -> None:
        board = client.experience(1).get_sorted_map("board", Score)
        await board.set("a", Score(player="a", points=3))
        assert (await board.get("a")).value == Score(player="a", points=3)
        await client.experience(1).get_sorted_map("board").set("b", {"points": "many"})
        with pytest.raises(rblxcloud.APIResponseError, match="'b' does not fit the type of the map 'board': player"):
            await board.get("b")
        with pytest.raises(rblxcloud.InvalidRequestError, match="does not fit"):
            await board.set("a", {"points": 1})

    tell(story)


def test_an_update_changes_what_is_there(tell: Tell) -> None:
    async def story(client: Any) -> None:
        board = client.experience(1).get_sorted_map("board")
        item = await board.update("a", lambda old: (old or 0) + 1, sort_key=float, expires_in=60)
        assert (item.value, item.sort_key) == (1, 1.0)
        item = await board.update("a", lambda old: (old or 0) + 1)
        assert (item.id, item.value, item.sort_key) == ("a", 2, 1.0)
        again = await board.update("a", lambda old: old + 1, sort_key=lambda new: -new)
        assert (again.sort_key, again.expires) == (-3, item.expires)
        assert await board.update("a", lambda old: None) is None
        assert (await board.get("a")).value == 3

    tell(story)


def test_a_sort_key_that_only_a_double_holds_outlives_an_update(tell: Tell) -> None:
    async def story(client: Any) -> None:
        board = client.experience(1).get_sorted_map("board")
        await board.set("a", 1, sort_key=1e17)
        item = await board.update("a", lambda old: old + 1)
        assert (item.value, item.sort_key, type(item.sort_key)) == (2, 1e17, float)
        assert type((await board.set("b", 1, sort_key=2.0)).sort_key) is int

    tell(story)


def _path(key: str) -> str:
    return f"/cloud/v2/universes/1/memory-store/sorted-maps/board/items/{key}"


def test_an_update_starts_again_from_what_another_wrote(tell: Tell, emulator: Emulator) -> None:
    other = Caller(emulator)

    async def story(client: Any) -> None:
        board = client.experience(1).get_sorted_map("board")
        meanwhile = [
            lambda: other("PATCH", f"{_path('a')}?allowMissing=true", {"value": 10}),
            lambda: other("PATCH", _path("a"), {"value": 20}),
            lambda: other("DELETE", _path("a")),
            lambda: None,
        ]
        seen: list[Any] = []

        def transform(old: Any) -> Any:
            seen.append(old)
            meanwhile.pop(0)()
            return (old or 0) + 1

        assert (await board.update("a", transform)).value == 1
        assert seen == [None, 10, 20, None]

    tell(story)


def test_an_update_gives_up_when_others_always_come_first(tell: Tell, emulator: Emulator) -> None:
    other = Caller(emulator)

    async def story(client: Any) -> None:
        board = client.experience(1).get_sorted_map("board")
        tries: list[Any] = []

        def transform(old: Any) -> Any:
            tries.append(old)
            other("PATCH", f"{_path('a')}?allowMissing=true", {"value": len(tries)})
            return 0

        with pytest.raises(rblxcloud.ConflictError):
            await board.update("a", transform, attempts=3)
        assert tries == [None, 1, 2]
        assert (await board.get("a")).value == 3

    tell(story)


@pytest.mark.parametrize("exists", [True, False])
def test_an_update_never_transforms_again_after_a_lost_write(tell: Tell, emulator: Emulator, exists: bool) -> None:
    endpoint = UPDATE if exists else CREATE

    async def story(client: Any) -> None:
        board = client.experience(1).get_sorted_map("board")
        if exists:
            await board.set("a", 1)
        emulator.faults.add(Fault(kind="drop", acts=True, endpoint=endpoint))
        calls: list[Any] = []

        def transform(old: Any) -> int:
            calls.append(old)
            return (old or 0) + 1

        with pytest.raises(rblxcloud.OutcomeUnknownError):
            await board.update("a", transform)
        assert calls == [1 if exists else None]
        assert (await board.get("a")).value == (2 if exists else 1)

    tell(story)


def test_an_update_that_was_lost_before_it_acted_is_repeated(tell: Tell, emulator: Emulator) -> None:
    async def story(client: Any) -> None:
        board = client.experience(1).get_sorted_map("board")
        await board.set("a", 1)
        emulator.faults.add(Fault(kind="drop", endpoint=UPDATE))
        assert (await board.update("a", lambda old: old + 1)).value == 2

    tell(story)


def test_a_set_whose_answer_was_lost_is_repeated_only_for_the_only_writer(tell: Tell, emulator: Emulator) -> None:
    async def story(client: Any) -> None:
        emulator.faults.add(Fault(kind="drop", acts=True, endpoint=UPDATE, times=2))
        with pytest.raises(rblxcloud.APIConnectionError) as caught:
            await client.experience(1).get_sorted_map("board").set("a", 1)
        assert caught.value.outcome_unknown
        alone = client.with_options(repeat_writes=True)
        assert (await alone.experience(1).get_sorted_map("board").set("a", 2)).value == 2

    tell(story)


# --- queues


def test_items_come_by_priority_then_in_turn(tell: Tell) -> None:
    async def story(client: Any) -> None:
        queue = client.experience(1).get_queue("jobs")
        for value, priority in (("b", 0), ("c", 0), ("d", -1.5), ("a", 2)):
            added = await queue.add(value, priority=priority, expires_in=timedelta(hours=1))
            assert (added.value, added.priority) == (value, priority)
            assert added.id
        read = await queue.read(10)
        assert [item.value for item in read.items] == ["a", "b", "c", "d"]
        await read.discard()
        assert (await queue.read()).items == ()

    tell(story)


def test_what_is_read_is_hidden_and_comes_back_unless_it_is_discarded(tell: Tell, emulator: Emulator) -> None:
    async def story(client: Any) -> None:
        queue = client.experience(1).get_queue("jobs")
        for value in range(4):
            await queue.add(value)
        first = await queue.read(2, invisible_for=20)
        second = await queue.read(1, invisible_for=timedelta(minutes=1))
        assert [item.value for item in (*first.items, *second.items)] == [0, 1, 2]
        assert (await queue.read(3, all_or_nothing=True)).items == ()
        await queue.discard(second.id)
        emulator.clock.advance(20)
        again = await queue.read(200)
        assert [item.value for item in again.items] == [0, 1, 3]
        await first.discard()
        assert len(emulator.memory_stores.queue(1, "jobs")) == 3
        await again.discard()
        await again.discard()
        assert emulator.memory_stores.queue(1, "jobs") == []

    tell(story)


def test_a_read_whose_answer_was_lost_is_not_repeated(tell: Tell, emulator: Emulator) -> None:
    async def story(client: Any) -> None:
        queue = client.experience(1).get_queue("jobs")
        await queue.add("a")
        emulator.faults.add(Fault(kind="cut", endpoint=READ))
        with pytest.raises(rblxcloud.APIConnectionError) as caught:
            await queue.read()
        assert caught.value.outcome_unknown
        assert len(emulator.requests(endpoint=READ)) == 1
        assert (await queue.read()).items == ()
        emulator.clock.advance(30)
        assert [item.value for item in (await queue.read()).items] == ["a"]

    tell(story)


def test_an_item_is_never_added_twice(tell: Tell, emulator: Emulator) -> None:
    async def story(client: Any) -> None:
        queue = client.experience(1).get_queue("jobs")
        emulator.faults.add(Fault(kind="drop", acts=True, endpoint=ADD))
        with pytest.raises(rblxcloud.APIConnectionError) as caught:
            await queue.add("a")
        assert caught.value.outcome_unknown
        assert [item.value for item in emulator.memory_stores.queue(1, "jobs")] == ["a"]

    tell(story)


def test_a_discard_is_repeated(tell: Tell, emulator: Emulator) -> None:
    async def story(client: Any) -> None:
        queue = client.experience(1).get_queue("jobs")
        await queue.add("a")
        read = await queue.read()
        emulator.faults.add(Fault(kind="drop", acts=True, endpoint=DISCARD))
        await read.discard()
        assert emulator.memory_stores.queue(1, "jobs") == []
        # Roblox may also say that there is no such read when its attempt that was lost had discarded it.
        emulator.faults.add(Fault(kind="drop", endpoint=DISCARD))
        emulator.faults.add(Fault(kind="answer", status=404, endpoint=DISCARD))
        await read.discard()
        emulator.faults.add(Fault(kind="answer", status=404, endpoint=DISCARD))
        with pytest.raises(rblxcloud.NotFoundError):
            await read.discard()

    tell(story)


def test_queues_are_typed(tell: Tell, emulator: Emulator) -> None:
    async def story(client: Any) -> None:
        queue = client.experience(1).get_queue("jobs", Score)
        await queue.add(Score(player="a", points=3))
        assert [item.value async for item in queue.consume(until_empty=True)] == [Score(player="a", points=3)]
        await client.experience(1).get_queue("jobs").add("something else")
        with pytest.raises(rblxcloud.APIResponseError, match="does not fit the type of the queue 'jobs'") as caught:
            await queue.read()
        [held] = emulator.memory_stores.queue(1, "jobs")
        assert f"discard('{held.read_id}')" in str(caught.value)
        await queue.discard(held.read_id)
        assert emulator.memory_stores.queue(1, "jobs") == []

    tell(story)


# --- consumers


def _left(emulator: Emulator) -> list[Any]:
    return [item.value for item in emulator.memory_stores.queue(1, "jobs")]


async def _filled(client: Any, count: int) -> Any:
    queue = client.experience(1).get_queue("jobs")
    for value in range(count):
        await queue.add(value)
    return queue


def test_each_item_is_discarded_once_its_body_has_finished(tell: Tell, emulator: Emulator) -> None:
    async def story(client: Any) -> None:
        queue = await _filled(client, 3)
        left = []
        async for item in queue.consume(until_empty=True):
            left.append((item.value, _left(emulator)))
        assert left == [(0, [0, 1, 2]), (1, [1, 2]), (2, [2])]
        assert _left(emulator) == []

    tell(story)


def test_an_item_is_not_discarded_after_a_break_or_an_exception(tell: Tell, emulator: Emulator) -> None:
    class Failed(Exception):
        pass

    async def story(client: Any) -> None:
        queue = await _filled(client, 4)
        async with aclosing(queue.consume()) as items:
            async for item in items:
                if item.value == 1:
                    break
        assert _left(emulator) == [1, 2, 3]
        with pytest.raises(Failed):
            async with aclosing(queue.consume()) as items:
                async for item in items:
                    if item.value == 3:
                        raise Failed
        assert _left(emulator) == [1, 3]
        assert [item.value async for item in queue.consume(until_empty=True)] == []
        emulator.clock.advance(30)
        assert [item.value async for item in queue.consume(until_empty=True)] == [1, 3]
        assert _left(emulator) == []

    tell(story)


def test_a_batch_is_discarded_whole_after_all_of_it_was_handled(tell: Tell, emulator: Emulator) -> None:
    async def story(client: Any) -> None:
        queue = await _filled(client, 7)
        seen = []
        async with aclosing(queue.consume(batch=3)) as items:
            async for item in items:
                seen.append((item.value, _left(emulator)[0]))
                if item.value == 5:
                    break
        assert seen == [(0, 0), (1, 0), (2, 0), (3, 3), (4, 3), (5, 3)]
        assert _left(emulator) == [3, 4, 5, 6]
        assert len(emulator.requests(endpoint=DISCARD)) == 1

    tell(story)


def test_a_limited_consumer_discards_all_that_it_handed_out(tell: Tell, emulator: Emulator) -> None:
    async def story(client: Any) -> None:
        queue = await _filled(client, 8)
        assert [item.value async for item in queue.consume(batch=3, limit=5)] == [0, 1, 2, 3, 4]
        assert _left(emulator) == [5, 6, 7]

    tell(story)


def test_a_consumer_goes_on_after_a_lost_read_and_a_lost_discard(
    tell: Tell, emulator: Emulator, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "rblxcloud")

    async def story(client: Any) -> None:
        queue = await _filled(client.with_options(retries=1), 3)
        emulator.faults.add(Fault(kind="drop", acts=True, endpoint=READ))
        emulator.faults.add(Fault(kind="drop", endpoint=DISCARD, times=2))
        handled = [item.value async for item in queue.consume(until_empty=True)]
        assert handled == [1, 2]
        assert _left(emulator) == [0, 1]
        emulator.clock.advance(30)
        assert [item.value async for item in queue.consume(until_empty=True)] == [0, 1]
        assert _left(emulator) == []

    tell(story)
    assert [("a read was lost" in text, "could not be discarded" in text) for text in caplog.messages] == [
        (True, False),
        (False, True),
    ]


def test_a_consumer_stops_when_it_cannot_read_or_discard(tell: Tell, emulator: Emulator) -> None:
    async def story(client: Any) -> None:
        queue = await _filled(client.with_options(retries=2), 2)
        act_as(emulator, "users/1", "memory-store.queue:dequeue")
        with pytest.raises(rblxcloud.PermissionDeniedError, match=r"memory-store\.queue:discard"):
            [item async for item in queue.consume()]
        emulator.faults.add(Fault(kind="drop", endpoint=READ, times=None))
        with pytest.raises(rblxcloud.APIConnectionError):
            [item async for item in queue.consume()]
        assert len([request for request in emulator.requests(endpoint=READ) if request.fault]) == 3

    tell(story)


# --- the flush


def test_memory_stores_are_flushed(tell: Tell, emulator: Emulator) -> None:
    async def story(client: Any) -> None:
        experience = client.experience(1)
        queue, board = await _filled(client, 2), experience.get_sorted_map("board")
        await board.set("a", 1)
        emulator.scripts.add(OperationScript(kind="flush", processing=30))
        operation = await experience.flush_memory_stores()
        assert not operation.done
        await queue.add("later")
        assert await operation.fetch_operation() is None
        emulator.clock.advance(30)
        assert await operation.wait() == rblxcloud.MemoryStoreFlush()
        assert _left(emulator) == ["later"]
        assert await board.get("a", default=None) is None
        assert await client.operation(operation.path).wait() == rblxcloud.MemoryStoreFlush()

    tell(story)


def test_a_flush_is_polled_with_its_scope_and_where_the_reference_says(tell: Tell, emulator: Emulator) -> None:
    async def story(client: Any) -> None:
        queue = await _filled(client, 1)
        operation = await client.experience(1).flush_memory_stores(scope="TEST")
        assert operation.path.endswith("?scope=TEST")
        emulator.faults.add(Fault(kind="answer", status=404, path="/cloud/v2/universes/1/operations/*", times=None))
        await operation.wait()
        assert "/memory-store/operations/" in operation.path
        assert [item.value for item in (await queue.read()).items] == [0]
        await client.operation(operation.path).wait()

    tell(story)


def test_a_flush_that_fails_says_so(tell: Tell, emulator: Emulator) -> None:
    async def story(client: Any) -> None:
        emulator.scripts.add(OperationScript(kind="flush", code=13, message="It burst."))
        operation = await client.experience(1).flush_memory_stores()
        with pytest.raises(rblxcloud.OperationFailedError, match="It burst"):
            await operation.wait()

    tell(story)


# --- bad input


@pytest.mark.parametrize(
    "expiry", [0, -1, 3_888_001, True, "60", "1m", None, float("nan"), float("inf"), 1e-12, timedelta(0), timedelta(days=46)]
)  # fmt: skip
def test_times_that_are_none_are_refused(tell: Tell, emulator: Emulator, expiry: Any) -> None:
    async def story(client: Any) -> None:
        board, queue = client.experience(1).get_sorted_map("board"), client.experience(1).get_queue("jobs")
        for call, argument in (
            (lambda: board.set("a", 1, expires_in=expiry), "expires_in"),
            (lambda: board.add("a", 1, expires_in=expiry), "expires_in"),
            (lambda: queue.add(1, expires_in=expiry), "expires_in"),
            (lambda: queue.read(invisible_for=expiry), "invisible_for"),
        ):
            with pytest.raises(rblxcloud.InvalidRequestError, match=argument):
                await call()
        if expiry is not None:
            with pytest.raises(rblxcloud.InvalidRequestError, match="expires_in"):
                await board.update("a", lambda old: 1, expires_in=expiry)
        with pytest.raises(rblxcloud.InvalidRequestError, match="invisible_for"):
            [item async for item in queue.consume(invisible_for=expiry)]

    tell(story)
    assert emulator.requests() == []


@pytest.mark.parametrize("key", ["", "k" * 128, ".", "..", 5, None, True, "\ud800"])
def test_keys_that_are_none_are_refused(tell: Tell, emulator: Emulator, key: Any) -> None:
    async def story(client: Any) -> None:
        board = client.experience(1).get_sorted_map("board")
        for call in (
            lambda: board.get(key),
            lambda: board.set(key, 1),
            lambda: board.add(key, 1),
            lambda: board.update(key, lambda old: 1),
            lambda: board.remove(key),
        ):
            with pytest.raises(rblxcloud.InvalidRequestError, match="key"):
                await call()

    tell(story)
    assert emulator.requests() == []


@pytest.mark.parametrize("sort_key", ["", "s" * 129, True, float("nan"), float("inf"), 2**53, [1], "\ud800"])
def test_sort_keys_that_are_none_are_refused(tell: Tell, emulator: Emulator, sort_key: Any) -> None:
    async def story(client: Any) -> None:
        board = client.experience(1).get_sorted_map("board")
        for call in (
            lambda: board.set("a", 1, sort_key=sort_key),
            lambda: board.add("a", 1, sort_key=sort_key),
            lambda: board.update("a", lambda old: 1, sort_key=sort_key),
        ):
            with pytest.raises(rblxcloud.InvalidRequestError, match="sort_key"):
                await call()
        with pytest.raises(rblxcloud.InvalidRequestError, match="sort_key_above"):
            board.items(sort_key_above=sort_key)

    tell(story)
    assert emulator.requests() == []


@pytest.mark.parametrize("value", [None, float("nan"), {1: 2}, {1, 2}, "x" * 32_767, 2**53 + 1, "\ud800", b"x"])
def test_values_that_are_none_or_too_large_are_refused(tell: Tell, emulator: Emulator, value: Any) -> None:
    async def story(client: Any) -> None:
        board, queue = client.experience(1).get_sorted_map("board"), client.experience(1).get_queue("jobs")
        for call in (lambda: board.set("a", value), lambda: board.add("a", value), lambda: queue.add(value)):
            with pytest.raises(rblxcloud.InvalidRequestError, match="value"):
                await call()

    tell(story)
    assert emulator.requests() == []


def test_the_largest_value_is_stored(tell: Tell) -> None:
    async def story(client: Any) -> None:
        largest = "x" * 32_766
        assert (await client.experience(1).get_sorted_map("board").set("k" * 127, largest)).value == largest
        assert (await client.experience(1).get_queue("jobs").add(largest)).value == largest

    tell(story)


@pytest.mark.parametrize(
    ("argument", "call"),
    [
        ("name", lambda e: e.get_queue("")),
        ("name", lambda e: e.get_sorted_map("..")),
        ("name", lambda e: e.get_queue(5)),
        ("model", lambda e: e.get_queue("q", "Score")),
        ("priority", lambda e: e.get_queue("q").add(1, priority=float("nan"))),
        ("priority", lambda e: e.get_queue("q").add(1, priority=True)),
        ("priority", lambda e: e.get_queue("q").add(1, priority="high")),
        ("count", lambda e: e.get_queue("q").read(0)),
        ("count", lambda e: e.get_queue("q").read(201)),
        ("count", lambda e: e.get_queue("q").read(True)),
        ("all_or_nothing", lambda e: e.get_queue("q").read(all_or_nothing="no")),
        ("read_id", lambda e: e.get_queue("q").discard("")),
        ("read_id", lambda e: e.get_queue("q").discard(None)),
        ("transform", lambda e: e.get_sorted_map("m").update("a", 5)),
        ("attempts", lambda e: e.get_sorted_map("m").update("a", lambda old: 1, attempts=0)),
        ("descending", lambda e: e.get_sorted_map("m").items(descending="no")),
        ("page_size", lambda e: e.get_sorted_map("m").items(page_size=101)),
        ("limit", lambda e: e.get_sorted_map("m").items(limit=0)),
        ("key_above", lambda e: e.get_sorted_map("m").items(key_above=5)),
        ("sort_key_below", lambda e: e.get_sorted_map("m").items(sort_key_above=5, sort_key_below="a")),
        ("scope", lambda e: e.flush_memory_stores(scope="live")),
        ("batch", lambda e: anext(aiter(e.get_queue("q").consume(batch=0)))),
        ("longest_pause", lambda e: anext(aiter(e.get_queue("q").consume(longest_pause=0)))),
        ("limit", lambda e: anext(aiter(e.get_queue("q").consume(limit=0)))),
        ("until_empty", lambda e: anext(aiter(e.get_queue("q").consume(until_empty=1)))),
    ],
)
def test_bad_arguments_are_refused_before_anything_is_sent(
    tell: Tell, emulator: Emulator, argument: str, call: Callable[[Any], Any]
) -> None:
    async def story(client: Any) -> None:
        with pytest.raises(rblxcloud.InvalidRequestError) as caught:
            result = call(client.experience(1))
            await result
        assert caught.value.argument == argument

    tell(story)
    assert emulator.requests() == []
