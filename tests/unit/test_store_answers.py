"""What data stores make of answers: strange ones, lost ones, and those that somebody else was faster than."""

from __future__ import annotations

import traceback
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

import rblxcloud
from tests.support.clock import ManualClock
from tests.support.server import Script, Step, async_client

pytestmark = pytest.mark.anyio

ENTRY = {"revisionId": "v1", "value": 68, "users": ["users/1"], "attributes": {"a": "b"}, "id": "k"}
WRITTEN = {"version": "v2"}


def ok(body: Any) -> httpx.Response:
    return httpx.Response(200, json=body)


def standing(value: bytes, **headers: str) -> httpx.Response:
    return httpx.Response(412, content=value, headers={"roblox-entry-version": "v9", **headers})


async def told(clock: ManualClock, steps: list[Step], act: Callable[[Any], Awaitable[Any]], **store: Any) -> Any:
    """Return what a call on a store comes to, when the server answers with these steps and no more."""
    script = Script(steps)
    async with async_client(clock, script) as client:
        result = await act(client.experience(1).get_data_store("s", **store))
    assert script.steps == []
    return result


# --- answers that cannot be used


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"<html>busy</html>",
        b'{"revisionId": "v1", "val',
        b'{"revisionId": "v1", "users": ["users/me"]}',
        b'{"revisionId": ""}',
        b"[" * 100_000,
    ],
)
@pytest.mark.parametrize("call", ["get", "set", "increment"])
async def test_an_answer_that_cannot_be_used_says_whether_something_was_written(
    clock: ManualClock, call: str, body: bytes
) -> None:
    arguments = ("k",) if call != "set" else ("k", 1)
    with pytest.raises(rblxcloud.APIResponseError) as caught:
        await told(clock, [httpx.Response(200, content=body)], lambda store: getattr(store, call)(*arguments))
    assert caught.value.outcome_unknown is (call != "get")


@pytest.mark.parametrize("body", [b"", b"{}", b"<html>", b'{"version": ""}', b'{"version": 5}'])
async def test_a_conditional_write_without_a_version_in_its_answer_is_unknown(clock: ManualClock, body: bytes) -> None:
    with pytest.raises(rblxcloud.APIResponseError) as caught:
        await told(
            clock,
            [httpx.Response(200, content=body)],
            lambda store: store.set("k", 1, exclusive_create=True),
        )
    assert caught.value.outcome_unknown


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, content=b"1"),
        httpx.Response(200, content=b"", headers={"roblox-entry-version": "v"}),
        httpx.Response(200, content=b"[" * 100_000, headers={"roblox-entry-version": "v"}),
        httpx.Response(200, content=b"1", headers={"roblox-entry-version": "v", "roblox-entry-attributes": "[]"}),
        httpx.Response(200, content=b"1", headers={"roblox-entry-version": "v", "roblox-entry-userids": "[a]"}),
    ],
)
async def test_an_answer_of_v1_that_cannot_be_used_is_our_error(clock: ManualClock, answer: httpx.Response) -> None:
    with pytest.raises(rblxcloud.APIResponseError):
        await told(clock, [answer], lambda store: store.get(".."))


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
async def test_numbers_that_json_lacks_are_refused(clock: ManualClock, number: str) -> None:
    held = f'{{"score": [{number}]}}'
    v1 = {"roblox-entry-version": "v"}
    for key, answer in (
        ("k", httpx.Response(200, content=f'{{"revisionId": "v", "value": {held}}}'.encode())),
        ("k", httpx.Response(200, content=f'{{"revisionId": "v", "value": 1, "attributes": {held}}}'.encode())),
        ("..", httpx.Response(200, content=held.encode(), headers=v1)),
        ("..", httpx.Response(200, content=b"1", headers={**v1, "roblox-entry-attributes": held})),
    ):
        with pytest.raises(rblxcloud.APIResponseError, match="cannot be used"):
            await told(clock, [answer], lambda store, key=key: store.get(key))


async def test_a_stored_value_that_does_not_fit_is_in_no_traceback(clock: ManualClock) -> None:
    v1 = {"roblox-entry-version": "v"}
    for key, answer in (
        ("k", ok({"revisionId": "v", "value": "hush"})),
        ("..", httpx.Response(200, content=b'"hush"', headers=v1)),
        ("..", httpx.Response(200, content=b"1", headers={**v1, "roblox-entry-attributes": '"hush"'})),
    ):
        with pytest.raises(rblxcloud.APIResponseError) as caught:
            await told(clock, [answer], lambda store, key=key: store.get(key), model=int)
        assert isinstance(caught.value.__cause__, ValueError)
        assert "hush" not in "".join(traceback.format_exception(caught.value))


async def test_a_list_of_v1_versions_that_cannot_be_used_is_our_error(clock: ManualClock) -> None:
    with pytest.raises(rblxcloud.APIResponseError):
        await told(clock, [ok({"versions": [{"deleted": False}]})], lambda store: store.versions("..").first_page())


async def test_fields_that_are_new_or_missing_are_borne(clock: ManualClock) -> None:
    value, info = await told(clock, [ok({"revisionId": "v", "value": 1, "new": {}})], lambda store: store.get("k"))
    assert (value, info) == (1, rblxcloud.EntryInfo(version="v"))


async def test_users_of_v1_may_be_a_comma_list(clock: ManualClock) -> None:
    headers = {"roblox-entry-version": "v", "roblox-entry-userids": "1, 2"}
    answer = httpx.Response(200, content=b"5", headers=headers)
    assert (await told(clock, [answer], lambda store: store.get(".."))).info.users == (1, 2)


@pytest.mark.parametrize(
    ("key", "answer"), [("..", httpx.Response(204)), ("k", ok({**ENTRY, "state": "DELETED", "value": None}))]
)
async def test_the_mark_of_a_removal_is_a_missing_key(clock: ManualClock, key: str, answer: httpx.Response) -> None:
    assert await told(clock, [answer], lambda store: store.get(key, default="none")) == ("none", None)
    with pytest.raises(rblxcloud.NotFoundError, match="removed"):
        await told(clock, [answer], lambda store: store.get(key))


async def test_a_number_that_does_not_fit_after_an_increment_may_have_been_written(clock: ManualClock) -> None:
    with pytest.raises(rblxcloud.APIResponseError, match="does not fit") as caught:
        await told(clock, [ok({**ENTRY, "value": "text"})], lambda store: store.increment("k"))
    assert caught.value.outcome_unknown


# --- update


async def test_a_lost_write_of_an_update_is_never_transformed_again(clock: ManualClock) -> None:
    seen: list[int] = []
    steps: list[Step] = [ok(ENTRY), httpx.ReadError("reset"), standing(b"70")]
    with pytest.raises(rblxcloud.OutcomeUnknownError) as caught:
        await told(clock, steps, lambda store: store.update("k", lambda value: seen.append(value) or value + 1))
    assert (seen, caught.value.entry.value, caught.value.outcome_unknown) == ([68], 70, True)


async def test_a_lost_write_stays_unknown_when_what_stands_there_is_of_another_type(clock: ManualClock) -> None:
    steps: list[Step] = [ok(ENTRY), httpx.ReadError("reset"), standing(b'"text"')]
    with pytest.raises(rblxcloud.OutcomeUnknownError) as caught:
        await told(clock, steps, lambda store: store.update("k", lambda value: value + 1), model=int)
    assert (caught.value.entry, caught.value.outcome_unknown) == (None, True)


async def test_a_failed_precondition_says_so_when_what_stands_there_is_of_another_type(clock: ManualClock) -> None:
    with pytest.raises(rblxcloud.PreconditionFailedError) as caught:
        await told(clock, [standing(b'"text"')], lambda store: store.set("k", 1, exclusive_create=True), model=int)
    assert caught.value.entry is None


async def test_an_update_goes_on_from_what_the_refusal_brought(clock: ManualClock) -> None:
    theirs = {"roblox-entry-userids": "[7]", "roblox-entry-attributes": '{"by": "them"}'}
    steps: list[Step] = [ok(ENTRY), standing(b"70", **theirs), ok(WRITTEN)]
    entry = await told(clock, steps, lambda store: store.update("k", lambda value: value + 1))
    assert (entry.value, entry.info.users, entry.info.metadata) == (71, (7,), {"by": "them"})


async def test_an_update_reads_again_when_the_refusal_brought_nothing(clock: ManualClock) -> None:
    seen: list[object] = []
    steps: list[Step] = [ok(ENTRY), httpx.Response(412), httpx.Response(404), ok(WRITTEN)]
    await told(clock, steps, lambda store: store.update("k", lambda value: seen.append(value) or 1))
    assert seen == [68, None]


async def test_an_update_gives_up_after_its_attempts(clock: ManualClock) -> None:
    steps: list[Step] = [ok(ENTRY), standing(b"70"), standing(b"71"), standing(b"72")]
    with pytest.raises(rblxcloud.PreconditionFailedError) as caught:
        await told(clock, steps, lambda store: store.update("k", lambda value: value + 1, attempts=3))
    assert caught.value.entry.value == 72


async def test_a_coroutine_function_may_transform(clock: ManualClock) -> None:
    async def transform(value: int) -> int:
        return value + 1

    entry = await told(clock, [ok(ENTRY), ok(WRITTEN)], lambda store: store.update("k", transform))
    assert entry.value == 69


async def test_an_update_that_writes_what_cannot_be_stored_writes_nothing(clock: ManualClock) -> None:
    with pytest.raises(rblxcloud.InvalidRequestError, match="nan"):
        await told(clock, [ok(ENTRY)], lambda store: store.update("k", lambda value: float("nan")))


@pytest.mark.parametrize(
    ("problem", "arguments"),
    [("transform", (5,)), ("users", (abs, ["x"])), ("metadata", (abs, None, {"a": None})), ("attempts", (abs, None, None, 0))],
)  # fmt: skip
async def test_bad_arguments_of_an_update_are_refused_before_it_reads(
    clock: ManualClock, problem: str, arguments: tuple[Any, ...]
) -> None:
    names = ("transform", "users", "metadata", "attempts")
    given = dict(zip(names, arguments, strict=False))
    with pytest.raises(rblxcloud.InvalidRequestError, match=f"^{problem}: "):
        await told(clock, [], lambda store: store.update("k", given.pop("transform"), **given))


# --- ordered stores


def ordered(client: rblxcloud.Client) -> rblxcloud.OrderedDataStore:
    return client.experience(1).get_ordered_data_store("points")


async def test_an_increment_whose_exact_number_could_not_be_read_says_that_it_was_added(clock: ManualClock) -> None:
    script = Script([ok({"id": "k", "value": 2**60}), httpx.Response(404, json={"code": "NOT_FOUND"})])
    async with async_client(clock, script) as client:
        with pytest.raises(rblxcloud.NotFoundError) as caught:
            await ordered(client).increment("k")
    assert caught.value.outcome_unknown
    assert "was added" in caught.value.__notes__[0]


async def test_a_number_that_vanishes_while_it_is_listed_is_left_out(clock: ManualClock) -> None:
    rows = [{"id": "gone", "value": 2**60}, {"id": "small", "value": 5}, {"id": "big", "value": 2**60}]
    exact = {"id": "big", "value": 2**60 + 1}
    script = Script([ok({"orderedDataStoreEntries": rows}), httpx.Response(404), ok(exact)])
    async with async_client(clock, script) as client:
        assert [(row.id, row.value) async for row in ordered(client).sorted()] == [("small", 5), ("big", 2**60 + 1)]


async def test_a_double_with_an_exponent_is_a_whole_number(clock: ManualClock) -> None:
    script = Script([httpx.Response(200, content=b'{"id":"k","value":1.5E+2}')])
    async with async_client(clock, script) as client:
        assert await ordered(client).get("k") == 150
