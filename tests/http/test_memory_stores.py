"""Memory stores: answers in the forms of the past, consumers on a clock that is moved by hand, and request units."""

from __future__ import annotations

import json
import logging
from contextlib import aclosing
from typing import Any

import httpx
import pytest

import rblxcloud
from rblxcloud.config import Options, RetryPolicy
from tests.http.conftest import Perform
from tests.support.clock import ManualClock
from tests.support.server import Script, Step

BASE = "cloud/v2/universes/1/memory-store"
ITEM = {"path": f"{BASE}/sorted-maps/m/items/k", "value": 5, "etag": "24", "id": "k", "numericSortKey": 1}
DONE = httpx.Response(200, json={})


def ok(body: Any) -> httpx.Response:
    return httpx.Response(200, json=body)


def read(*values: Any, read_id: str = "r") -> httpx.Response:
    rows = [{"path": f"{BASE}/queues/q/items/{value}", "data": value, "priority": 0} for value in values]
    return ok({"readId": read_id, "items": rows})


async def the_map(client: Any, act: Any) -> Any:
    return await act(client.experience(1).get_sorted_map("m"))


async def the_queue(client: Any, act: Any) -> Any:
    return await act(client.experience(1).get_queue("q"))


# --- answers


def test_an_answer_to_an_update_may_name_no_item(perform: Perform) -> None:
    answer = {"path": f"{BASE}/sorted-maps/m/items/", "value": 6, "etag": "25", "stringSortKey": None}
    item = perform(Script([ok(answer)]), lambda c: the_map(c, lambda m: m.set("a/b", 6)))
    assert (item.id, item.value, item.etag, item.sort_key) == ("a/b", 6, "25", None)


def test_an_answer_to_a_write_may_be_empty(perform: Perform) -> None:
    item = perform(Script([DONE]), lambda c: the_map(c, lambda m: m.set("k", [1])))
    assert item == rblxcloud.SortedMapItem("k", [1])


def test_an_item_without_an_etag_cannot_be_updated(perform: Perform) -> None:
    script = Script([ok({**ITEM, "etag": None})])
    with pytest.raises(rblxcloud.APIResponseError, match="holds no etag"):
        perform(script, lambda c: the_map(c, lambda m: m.update("k", lambda old: old + 1)))


def test_an_update_asks_for_the_item_that_was_read_and_keeps_its_sort_key(perform: Perform) -> None:
    script = Script([ok(ITEM), ok(ITEM)])
    perform(script, lambda c: the_map(c, lambda m: m.update("k", lambda old: old + 1)))
    assert json.loads(script.requests[1].content) == {"value": 6, "numericSortKey": 1, "etag": "24"}
    assert script.requests[1].url.query == b""


@pytest.mark.parametrize("body", [{}, {"id": "k", "etag": "1"}, []])
def test_an_answer_without_a_value_is_no_item(perform: Perform, body: Any) -> None:
    with pytest.raises(rblxcloud.APIResponseError, match="cannot be used"):
        perform(Script([ok(body)]), lambda c: the_map(c, lambda m: m.get("k")))


@pytest.mark.parametrize("row", [{}, {"id": "k", "etag": "1"}, {"value": 1}, {"value": 1, "id": ""}])
def test_a_row_without_key_or_value_is_no_item(perform: Perform, row: Any) -> None:
    with pytest.raises(rblxcloud.APIResponseError, match="cannot be used"):
        perform(Script([ok({"items": [row]})]), lambda c: the_map(c, lambda m: m.items().first_page()))


@pytest.mark.parametrize("value", ["1e999", "NaN"])
def test_values_that_are_no_json_are_refused(perform: Perform, value: str) -> None:
    script = Script([httpx.Response(200, content=json.dumps(ITEM).replace(": 5", f": {value}").encode())])
    with pytest.raises(rblxcloud.APIResponseError):
        perform(script, lambda c: the_map(c, lambda m: m.get("k")))


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(204),
        ok({"readId": "r", "items": []}),
        ok({"items": []}),
        ok({"readId": "r", "items": None}),
        DONE,
    ],
)
def test_an_empty_queue_is_answered_in_several_ways(perform: Perform, answer: httpx.Response) -> None:
    found = perform(Script([answer]), lambda c: the_queue(c, lambda q: q.read(5)))
    assert found.items == ()


def test_a_read_in_the_form_of_the_past_is_read(perform: Perform) -> None:
    async def story(queue: Any) -> Any:
        found = await queue.read(2)
        await found.discard()
        return found

    script = Script([ok({"data": [1, {"a": 2}], "id": "old"}), httpx.Response(200)])
    found = perform(script, lambda c: the_queue(c, story))
    assert (found.id, [item.value for item in found.items]) == ("old", [1, {"a": 2}])
    assert json.loads(script.requests[1].content) == {"readId": "old"}


def test_what_is_not_set_may_be_null(perform: Perform) -> None:
    row = {"path": None, "id": None, "data": 1, "priority": None, "expireTime": None}
    found = perform(Script([ok({"readId": "r", "items": [row]})]), lambda c: the_queue(c, lambda q: q.read()))
    assert found.items == (rblxcloud.QueueItem("", 1),)
    page = ok({"items": None, "nextPageToken": None})
    assert perform(Script([page]), lambda c: the_map(c, lambda m: m.items().first_page())).items == ()


def test_items_without_a_read_id_are_no_answer(perform: Perform) -> None:
    script = Script([ok({"items": [{"data": 1}]})])
    with pytest.raises(rblxcloud.APIResponseError, match="readId") as caught:
        perform(script, lambda c: the_queue(c, lambda q: q.read()))
    assert caught.value.outcome_unknown, "items may be hidden"


@pytest.mark.parametrize(
    "answer", [read(read_id="r"), ok({"readId": "r"}), ok({"data": [], "id": "r"}), ok({}), httpx.Response(204)]
)
def test_a_read_that_brought_nothing_has_no_id(perform: Perform, answer: httpx.Response) -> None:
    async def story(queue: Any) -> Any:
        found = await queue.read()
        await found.discard()
        return found

    script = Script([answer])
    found = perform(script, lambda c: the_queue(c, story))
    assert (found.id, found.items) == (None, ())
    assert len(script.requests) == 1


def test_a_universe_that_is_missing_is_no_empty_queue(perform: Perform) -> None:
    missing = httpx.Response(404, json={"code": "NOT_FOUND", "message": "The universe does not exist."})
    with pytest.raises(rblxcloud.NotFoundError):
        perform(Script([missing]), lambda c: the_queue(c, lambda q: q.read()))


@pytest.mark.parametrize(("seconds", "text"), [(60, "60s"), (0.1 + 0.2, "0.3s"), (1e-9, "0.000000001s"), (5.0, "5s")])
def test_times_are_written_as_durations(perform: Perform, seconds: float, text: str) -> None:
    script = Script([ok({})])
    perform(script, lambda c: the_queue(c, lambda q: q.add(1, expires_in=seconds, priority=1.5)))
    assert json.loads(script.requests[0].content) == {"data": 1, "priority": 1.5, "ttl": text}


# --- request units


@pytest.mark.parametrize("what", ["list", "read"])
def test_each_item_of_a_list_or_read_costs_a_unit(perform: Perform, clock: ManualClock, what: str) -> None:
    page = ok({"items": [ITEM] * 100, "nextPageToken": "t"}) if what == "list" else read(*range(100))

    async def story(client: Any) -> None:
        for _ in range(10):
            if what == "list":
                await client.experience(1).get_sorted_map("m").items().first_page()
            else:
                await client.experience(1).get_queue("q").read(100)
        assert clock.sleeps == []
        await client.experience(1).get_queue("q").add(1)
        assert sum(clock.sleeps) == pytest.approx(60.25)

    perform(Script([page] * 10 + [ok({})]), story)


def test_units_are_not_counted_where_published_limits_are_not_obeyed(perform: Perform, clock: ManualClock) -> None:
    async def story(client: Any) -> None:
        for _ in range(11):
            await client.experience(1).get_queue("q").read(100)

    perform(Script([read(*range(100))] * 11), story, Options(rate_limits="server"))
    assert clock.sleeps == []


def full(seconds: int, code: str | None = "RESOURCE_EXHAUSTED") -> httpx.Response:
    body = {"code": code, "message": "TotalRequestsOverLimit"} if code else {"errors": [{"code": 0, "message": "No"}]}
    return httpx.Response(429, json=body, headers={"retry-after": str(seconds)})


def test_a_full_experience_holds_up_all_of_its_memory_stores_and_no_others(
    perform: Perform, clock: ManualClock
) -> None:
    async def story(client: Any) -> None:
        with pytest.raises(rblxcloud.RateLimitedError):
            await client.experience(1).get_queue("q").add(1)
        await client.experience(2).get_queue("q").add(1)
        assert clock.sleeps == []
        await client.experience(1).get_sorted_map("m").get("k")
        assert clock.sleeps == [20]

    perform(Script([full(20), DONE, ok(ITEM)]), story, Options(retry=RetryPolicy(retries=0)))


def test_a_full_window_of_the_credential_holds_up_no_other_endpoint(perform: Perform, clock: ManualClock) -> None:
    async def story(client: Any) -> None:
        with pytest.raises(rblxcloud.RateLimitedError):
            await client.experience(1).get_queue("q").add(1)
        await client.experience(1).get_sorted_map("m").get("k")
        assert clock.sleeps == []
        await client.experience(1).get_queue("q").add(1)
        assert clock.sleeps == [20]

    perform(Script([full(20, None), ok(ITEM), DONE]), story, Options(retry=RetryPolicy(retries=0)))


def test_a_read_whose_items_do_not_fit_has_cost_its_units(perform: Perform, clock: ManualClock) -> None:
    async def story(client: Any) -> None:
        queue = client.experience(1).get_queue("q", int)
        for _ in range(10):
            with pytest.raises(rblxcloud.APIResponseError):
                await queue.read(100)
        assert clock.sleeps == []
        await queue.add(1)
        assert sum(clock.sleeps) == pytest.approx(60.25)

    perform(Script([read(*["x"] * 100)] * 10 + [DONE]), story)


async def spend(client: Any, units: int) -> None:
    """Use up units, one a call."""
    for _ in range(units):
        await client.experience(1).get_sorted_map("m").get("k")


def test_a_consumer_pays_for_read_and_discard_at_once(perform: Perform, clock: ManualClock) -> None:
    """It once waited for the read while what it had paid for the items and the discard lapsed."""

    async def story(client: Any) -> None:
        await spend(client, 800)
        async for _ in client.experience(1).get_queue("q").consume(batch=200, limit=200):
            pass
        waited = sum(clock.sleeps)
        assert waited == pytest.approx(60.25)
        await spend(client, 799)
        assert sum(clock.sleeps) == waited
        await spend(client, 1)
        assert sum(clock.sleeps) > waited

    perform(Script([ok(ITEM)] * 800 + [read(*range(200)), DONE] + [ok(ITEM)] * 800), story)


def test_a_discard_is_counted_when_it_is_sent(perform: Perform, clock: ManualClock) -> None:
    async def story(client: Any) -> None:
        async for _ in client.experience(1).get_queue("q").consume(invisible_for=100, limit=1):
            clock.advance(50)
        clock.advance(11)
        await spend(client, 999)
        assert clock.sleeps == []
        await spend(client, 1)
        assert sum(clock.sleeps) == pytest.approx(49.25)

    perform(Script([read(1), DONE] + [ok(ITEM)] * 1_000), story)


def test_what_a_read_did_not_cost_is_given_back(perform: Perform, clock: ManualClock) -> None:
    async def story(client: Any) -> None:
        queue = client.experience(1).get_queue("q")
        assert [item async for item in queue.consume(batch=200, until_empty=True)] == []
        with pytest.raises(rblxcloud.PermissionDeniedError):
            [item async for item in queue.consume(batch=200)]
        await spend(client, 998)
        assert clock.sleeps == []
        await spend(client, 1)
        assert clock.sleeps != []

    refused = httpx.Response(403, json={"code": "PERMISSION_DENIED"})
    perform(Script([read(), refused, ok({"scopes": []})] + [ok(ITEM)] * 1_000), story)


def test_a_read_that_was_lost_may_have_cost_all_that_it_asked_for(perform: Perform, clock: ManualClock) -> None:
    async def story(client: Any) -> None:
        with pytest.raises(rblxcloud.APIConnectionError):
            [item async for item in client.experience(1).get_queue("q").consume(batch=200)]
        await spend(client, 800)
        assert clock.sleeps == []
        await spend(client, 1)
        assert clock.sleeps != []

    script = Script([httpx.ReadError("cut")] + [ok(ITEM)] * 801)
    perform(script, story, Options(retry=RetryPolicy(retries=0)))


def test_a_consumer_does_not_wait_for_units_that_another_read_has_given_back(
    perform: Perform, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(client: Any) -> None:
        queue = client.experience(1).get_queue("q")
        call = queue._read_call(200, "30s")
        others = [await queue._session.pace.prepay(call, 201) for _ in range(4)]
        skip = clock.skip

        def give_back(seconds: float) -> bool:
            while others:
                others.pop().give_back(201)
            return skip(seconds)

        monkeypatch.setattr(clock, "skip", give_back)
        assert [item.value async for item in queue.consume(batch=200, until_empty=True)] == [1]
        assert sum(clock.sleeps) <= 1

    perform(Script([read(1), DONE, read()]), story)


# --- consumers


def test_the_pauses_between_reads_of_an_empty_queue_grow(perform: Perform, clock: ManualClock) -> None:
    async def story(queue: Any) -> None:
        async with aclosing(queue.consume(longest_pause=4)) as items:
            async for item in items:
                if item.value == "b":
                    break

    steps: list[Step] = [*[read()] * 6, read("a"), DONE, *[httpx.Response(204)] * 2, read("b")]
    perform(Script(steps), lambda c: the_queue(c, story))
    assert clock.sleeps == [0.5, 1, 2, 4, 4, 4, 0.5, 1]


def test_a_warning_is_logged_when_handling_outlasts_the_time(
    perform: Perform, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "rblxcloud")
    seen: list[tuple[Any, int]] = []

    async def story(queue: Any) -> None:
        async for item in queue.consume(batch=3, invisible_for=20, until_empty=True):
            seen.append((item.value, len(caplog.messages)))
            clock.advance(9.9)

    script = Script([read(1, 2, 3), DONE, read(4, 5), DONE, read()])
    perform(script, lambda c: the_queue(c, story))
    assert seen == [(1, 0), (2, 0), (3, 0), (4, 1), (5, 1)]
    [warning] = caplog.messages
    assert "longer than the 20 s" in warning


def test_a_consumer_goes_on_after_lost_reads_and_no_longer_than_the_retries(
    perform: Perform, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    async def story(queue: Any) -> list[Any]:
        return [item.value async for item in queue.consume(until_empty=True)]

    lost = httpx.ReadError("cut")
    options = Options(retry=RetryPolicy(retries=2))
    steps: list[Step] = [lost, httpx.Response(503), read(1), DONE, lost, lost, read()]
    assert perform(Script(steps), lambda c: the_queue(c, story), options) == [1]
    with pytest.raises(rblxcloud.APIConnectionError):
        perform(Script([lost, lost, lost]), lambda c: the_queue(c, story), options)


def test_the_time_of_items_begins_before_the_answer_that_brings_them(
    perform: Perform, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    """They are hidden when Roblox answers, which is some time before the answer is here."""
    caplog.set_level(logging.WARNING, "rblxcloud")

    def slow(request: httpx.Request) -> httpx.Response:
        clock.advance(15)
        return read(1)

    async def story(queue: Any) -> None:
        async for _ in queue.consume(invisible_for=20, limit=1):
            clock.advance(6)

    perform(Script([slow, DONE]), lambda c: the_queue(c, story))
    [warning] = caplog.messages
    assert "longer than the 20 s" in warning


@pytest.mark.parametrize("status", [429, 503])
def test_a_consumer_waits_as_long_as_it_is_told_and_holds_nothing_meanwhile(
    perform: Perform, clock: ManualClock, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    caplog.set_level(logging.WARNING, "rblxcloud")

    async def story(queue: Any) -> list[Any]:
        return [item.value async for item in queue.consume(batch=200, invisible_for=5, limit=1)]

    refused = httpx.Response(status, headers={"retry-after": "7"}, json={"code": "UNAVAILABLE", "message": "later"})
    assert perform(Script([refused, read(1), DONE]), lambda c: the_queue(c, story)) == [1]
    assert 7 <= sum(clock.sleeps) <= 7.5
    assert ["was lost" in text for text in caplog.messages] == ([] if status == 429 else [True])


@pytest.mark.parametrize("status", [400, 401, 404, 501])
def test_a_consumer_does_not_read_again_after_a_refusal(perform: Perform, clock: ManualClock, status: int) -> None:
    async def story(queue: Any) -> None:
        [item async for item in queue.consume()]

    with pytest.raises(rblxcloud.APIStatusError):
        perform(Script([httpx.Response(status, json={})]), lambda c: the_queue(c, story))
    assert clock.sleeps == []


def test_a_consumer_reads_no_sooner_than_a_refused_discard_was_told_to_wait(
    perform: Perform, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "rblxcloud")
    read_at: list[float] = []

    def reads(request: httpx.Request) -> httpx.Response:
        read_at.append(clock.now)
        return read(*([1] if len(read_at) == 1 else []))

    async def story(queue: Any) -> list[Any]:
        return [item.value async for item in queue.consume(invisible_for=5, until_empty=True)]

    assert perform(Script([reads, full(20), reads]), lambda c: the_queue(c, story)) == [1]
    assert read_at == [1_000, 1_020]
    assert any("could not be discarded" in text for text in caplog.messages)


def test_a_failed_discard_costs_no_more_than_the_time(perform: Perform, clock: ManualClock) -> None:
    async def story(queue: Any) -> list[Any]:
        return [item.value async for item in queue.consume(invisible_for=5, until_empty=True)]

    def slow(request: httpx.Request) -> httpx.Response:
        clock.advance(2)
        return httpx.Response(503)

    async def patient(client: Any) -> Any:
        return await the_queue(client.with_options(retries=RetryPolicy(retries=50, base_delay=0)), story)

    assert perform(Script([read(1), slow, slow, slow, read()]), patient) == [1]
    assert clock.now == 1_006
