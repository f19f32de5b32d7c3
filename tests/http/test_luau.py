"""Luau tasks over the request path: what is sent, what is sent again, and what is made of the answers."""

from __future__ import annotations

import io
import json
import pickle
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import httpx
import pytest

import rblxcloud
from rblxcloud import LuauLogMessage, ResponseEvent
from rblxcloud.config import Options, RetryPolicy
from tests.http.conftest import Perform
from tests.support.clock import ManualClock
from tests.support.server import Script, async_client

TASK = "universes/1/places/2/versions/3/luau-execution-sessions/4/tasks/4"
FORMS = [
    TASK,
    "universes/1/places/2/luau-execution-sessions/4/tasks/4",
    "universes/1/places/2/versions/3/luau-execution-session-tasks/4",
    "universes/1/places/2/luau-execution-session-tasks/4",
]
ADDRESS = "https://storage.example.com/in?signature=secret"
INPUT = {"path": "universes/1/luau-execution-session-task-binary-inputs/5", "size": "3", "uploadUri": ADDRESS}


def answer(body: Any = None, status: int = 200, **headers: str) -> httpx.Response:
    return httpx.Response(status, json=body, headers={name.replace("_", "-"): text for name, text in headers.items()})


def storage(status: int = 200, content: bytes = b"", **headers: str) -> httpx.Response:
    """An answer from where the files are: it is read while it comes."""
    return httpx.Response(status, stream=httpx.ByteStream(content), headers=headers)


def task(state: str | None = "PROCESSING", path: str = TASK, **fields: Any) -> httpx.Response:
    return answer({"path": path, "user": "5", **({} if state is None else {"state": state}), **fields})


def logs(*messages: str, token: str = "") -> httpx.Response:
    return answer({"luauExecutionSessionTaskLogs": [{"path": "x", "messages": messages}], "nextPageToken": token})


def structured(*messages: tuple[str, str]) -> httpx.Response:
    rows = [{"message": text, "createTime": time, "messageType": "WARNING"} for text, time in messages]
    return answer({"luauExecutionSessionTaskLogs": [{"path": "x", "structuredMessages": rows}]})


def place(client: Any) -> Any:
    return client.experience(1).place(2)


async def run(client: Any, **options: Any) -> Any:
    return await place(client).run_luau("return 1", **options)


# --- starting


def test_a_start_is_one_request_with_what_was_asked_for(perform: Perform) -> None:
    script = Script([task(), task()])

    async def story(client: Any) -> Any:
        await run(client)
        return await run(client, timeout=1.5, version=7, binary_output=True)

    assert perform(script, story).version == 3
    plain, full = script.requests
    assert (plain.method, plain.url.path) == ("POST", "/cloud/v2/universes/1/places/2/luau-execution-session-tasks")
    assert json.loads(plain.content) == {"script": "return 1"}
    assert full.url.path == "/cloud/v2/universes/1/places/2/versions/7/luau-execution-session-tasks"
    assert json.loads(full.content) == {"script": "return 1", "timeout": "1.5s", "enableBinaryOutput": True}


@pytest.mark.parametrize(
    ("timeout", "sent"),
    [
        (300, "300s"),
        (10, "10s"),
        (0.25, "0.25s"),
        (1e-9, "0.000000001s"),
        (timedelta(microseconds=1), "0.000001s"),
        (timedelta(minutes=5), "300s"),
    ],
)
def test_a_timeout_is_sent_as_a_duration(perform: Perform, timeout: float | timedelta, sent: str) -> None:
    script = Script([task()])
    perform(script, lambda client: run(client, timeout=timeout))
    assert json.loads(script.requests[0].content)["timeout"] == sent


@pytest.mark.parametrize("text", ["--note.lua", "return-x.lua"])
def test_what_looks_like_the_name_of_a_file_but_is_a_script_is_sent(perform: Perform, text: str) -> None:
    script = Script([task()])
    perform(script, lambda client: place(client).run_luau(text))
    assert json.loads(script.requests[0].content) == {"script": text}


def test_the_largest_script_is_sent(perform: Perform, tmp_path: Path) -> None:
    text = "é" * (2 * 1024 * 1024)
    file = tmp_path / "script.luau"
    file.write_text(text, encoding="utf-8")
    script = Script([task(), task()])

    async def story(client: Any) -> None:
        for given in (text, file):
            await place(client).run_luau(given)

    perform(script, story)
    assert [json.loads(request.content)["script"] == text for request in script.requests] == [True, True]


@pytest.mark.parametrize("lost", [httpx.ReadError("reset"), answer(status=503)], ids=str)
def test_a_start_whose_answer_is_lost_is_not_repeated(perform: Perform, lost: Any) -> None:
    script = Script([lost])
    with pytest.raises((rblxcloud.APIConnectionError, rblxcloud.ServerError)) as caught:
        perform(script, run)
    assert caught.value.outcome_unknown
    assert len(script.requests) == 1


def test_a_start_that_did_nothing_is_repeated(perform: Perform) -> None:
    script = Script([httpx.ConnectError("refused"), answer(status=429, retry_after="3"), task()])
    perform(script, run)
    assert len(script.requests) == 3


def test_a_full_place_is_waited_for_briefly_and_is_no_full_window(perform: Perform, clock: ManualClock) -> None:
    full = {"code": "RESOURCE_EXHAUSTED", "message": "The place has 10 tasks."}
    left = {"x_ratelimit_remaining": "30", "x_ratelimit_reset": "59"}
    script = Script([answer(full, 429, **left), answer(full, 429, **left)])
    options = Options(retry=RetryPolicy(retries=1, base_delay=2, max_delay=2))
    with pytest.raises(rblxcloud.RateLimitedError, match=r"The place has 10 tasks\.") as caught:
        perform(script, run, options)
    assert caught.value.retry_after is None
    assert sum(clock.sleeps) <= 2


def test_a_full_place_is_waited_for_as_long_as_retries_and_deadline_allow(perform: Perform, clock: ManualClock) -> None:
    full = answer({"code": "RESOURCE_EXHAUSTED", "message": "The place has 10 tasks."}, 429)
    options = Options(retry=RetryPolicy(retries=200, max_delay=10), deadline=600)
    script = Script([full] * 50 + [task()])
    assert perform(script, run, options).state == "PROCESSING"
    assert len(script.requests) == 51
    began = clock.monotonic()
    with pytest.raises(rblxcloud.DeadlineExceededError) as caught:
        perform(Script([full] * 200), run, options)
    assert not caught.value.outcome_unknown
    assert 500 < clock.monotonic() - began <= 600


# --- inputs


def test_an_input_is_put_without_the_credential_and_named_in_the_start(perform: Perform, tmp_path: Path) -> None:
    file = tmp_path / "in.bin"
    file.write_bytes(b"abc")
    for given in (b"abc", file, str(file), io.BytesIO(b"abc"), [b"a", b"bc"]):
        script = Script([answer(INPUT), storage(), task()])
        perform(script, lambda client, given=given: run(client, binary_input=given))
        made, put, started = script.requests
        assert (made.url.path, json.loads(made.content)) == (
            "/cloud/v2/universes/1/luau-execution-session-task-binary-inputs",
            {"size": 3},
        )
        assert (put.method, str(put.url), put.content) == ("PUT", ADDRESS, b"abc")
        assert put.headers["content-length"] == "3"
        assert not {"x-api-key", "authorization", "cookie"} & set(put.headers)
        assert json.loads(started.content)["binaryInput"] == INPUT["path"]


def test_what_was_cut_on_its_way_is_put_again_whole(perform: Perform) -> None:
    seen: list[tuple[int, int]] = []
    lost = [answer(status=503), answer(INPUT), httpx.ReadError("reset"), storage(500), storage()]
    script = Script(lost)

    def upload(client: Any) -> Any:
        return place(client).upload_luau_input(b"abc", progress=lambda sent, size: seen.append((sent, size)))

    assert perform(script, upload).path == INPUT["path"]
    assert [request.content for request in script.requests[2:]] == [b"abc"] * 3
    assert seen[-1] == (3, 3)


def test_a_stream_that_is_used_up_is_not_put_again(perform: Perform) -> None:
    def parts() -> Iterator[bytes]:
        yield b"ab"
        yield b"c"

    script = Script([answer(INPUT), storage(503)])
    with pytest.raises(rblxcloud.ServerError):
        perform(script, lambda client: place(client).upload_luau_input(parts(), size=3))


def test_an_address_that_is_refused_is_not_shown(perform: Perform) -> None:
    urls = list[str]()
    script = Script([answer(INPUT), storage(403, b"expired")])
    with pytest.raises(rblxcloud.PermissionDeniedError, match="expired") as caught:
        perform(
            script,
            lambda client: place(client).upload_luau_input(b"abc"),
            on_request=[lambda event: urls.append(event.url)],
        )
    assert urls[1] == "https://storage.example.com/in"
    assert "secret" not in str(caught.value) + repr(caught.value)


@pytest.mark.parametrize(
    "address",
    [
        "http://storage.example.com/in",
        "https://storage.example.com:port/in",
        "https://storage.example.com:99999/in",
        "https://storage.example.com/in\u00e9",
        "https://storage.example.com/i n",
        "https://storage.example.com/\r\nin",
        "https://",
        "in",
        "",
    ],
)
def test_addresses_are_whole_and_https(perform: Perform, address: str) -> None:
    script = Script([answer({**INPUT, "uploadUri": address})])
    with pytest.raises(rblxcloud.APIResponseError, match="not fetched from"):
        perform(script, lambda client: place(client).upload_luau_input(b"abc"))


def test_an_input_is_used_again_until_it_expires(perform: Perform, clock: ManualClock) -> None:
    script = Script([answer(INPUT), storage(), task(), task()])

    async def story(client: Any) -> None:
        given = await place(client).upload_luau_input(b"abc")
        await run(client, binary_input=given)
        clock.advance(899)
        await run(client, binary_input=pickle.loads(pickle.dumps(given)))
        other = client.experience(9).place(2)
        with pytest.raises(rblxcloud.InvalidRequestError, match="binary_input: was uploaded for experience 1"):
            await other.run_luau("return 1", binary_input=given)
        clock.advance(1)
        with pytest.raises(rblxcloud.InvalidRequestError, match="binary_input: was uploaded more than 15 minutes ago"):
            await run(client, binary_input=given)

    perform(script, story)


# --- waiting


@pytest.mark.parametrize("path", FORMS)
def test_a_task_is_polled_at_the_path_it_names(perform: Perform, path: str) -> None:
    script = Script([task(path=path), task(None), task("STARTING"), task("COMPLETE", output={"results": [1, None]})])

    async def story(client: Any) -> Any:
        started = await run(client)
        assert repr(started) == f"<LuauTask /cloud/v2/{path} PROCESSING>"
        result = await started.wait()
        assert started.state == "COMPLETE"
        assert started.version == (3 if "versions/3" in path else None)
        return result

    result = perform(script, story)
    assert (result.values, result.value, result.user_id) == ((1, None), 1, 5)
    assert {request.url.path for request in script.requests[1:]} == {f"/cloud/v2/{path}"}


@pytest.mark.parametrize("path", FORMS)
def test_tasks_are_found_again_by_any_form_of_their_path(perform: Perform, path: str) -> None:
    script = Script([task("COMPLETE", output={"results": []})] * 3)

    async def story(client: Any) -> None:
        for found in (
            client.luau_task(path),
            client.luau_task(f"/cloud/v2/{path}"),
            client.operation(f"/cloud/v2/{path}"),
        ):
            assert (found.state, found.done) == (None, False)
            result = await client.bind(pickle.loads(pickle.dumps(found))).wait()
            assert (result.values, result.value) == ((), None)

    perform(script, story)


@pytest.mark.parametrize(
    "path", ["", "operations/1", f"{TASK}/logs", f"{TASK}?view=FULL", "universes/1/places/2", 5, None, f"/{TASK}"]
)
def test_other_paths_are_no_tasks(perform: Perform, path: Any) -> None:
    async def story(client: Any) -> None:
        with pytest.raises(rblxcloud.InvalidRequestError, match="^path: "):
            client.luau_task(path)

    perform(Script([]), story)


@pytest.mark.parametrize(
    ("state", "error", "expected"),
    [
        ("FAILED", {"code": "SCRIPT_ERROR", "message": "TaskScript:1: boom\nStack:\nTaskScript:1"}, "LuauScriptError"),
        ("FAILED", {"code": "DEADLINE_EXCEEDED", "message": "m"}, "LuauDeadlineError"),
        ("FAILED", {"code": "OUTPUT_SIZE_LIMIT_EXCEEDED", "message": "m"}, "LuauOutputSizeError"),
        ("FAILED", {"code": "INTERNAL_ERROR", "message": "m"}, "LuauInternalError"),
        ("FAILED", {"code": "MODERATED", "message": "m"}, "LuauError"),
        ("FAILED", None, "LuauError"),
        ("CANCELLED", None, "LuauCancelledError"),
    ],
)
def test_each_failure_has_an_error_of_its_own(perform: Perform, state: str, error: Any, expected: str) -> None:
    script = Script([task(), task(state, **({"error": error} if error else {}))])

    async def story(client: Any) -> None:
        await (await run(client)).wait()

    with pytest.raises(rblxcloud.LuauError) as caught:
        perform(script, story)
    failure = pickle.loads(pickle.dumps(caught.value))
    assert type(failure) is getattr(rblxcloud, expected)
    assert failure.path == f"/cloud/v2/{TASK}"
    assert failure.code == (error["code"] if error else None)
    if isinstance(failure, rblxcloud.LuauScriptError):
        assert failure.traceback == "Stack:\nTaskScript:1"


def test_a_task_that_is_not_done_in_time_can_be_waited_for_again(perform: Perform) -> None:
    script = Script([task()] * 9 + [task("COMPLETE", output={"results": [1]})])

    async def story(client: Any) -> Any:
        started = await run(client)
        with pytest.raises(rblxcloud.OperationTimeoutError) as caught:
            await started.wait(timeout=20)
        return await client.luau_task(caught.value.path).wait()

    assert perform(script, story).value == 1


@pytest.mark.anyio
async def test_an_answer_that_was_overtaken_does_not_undo_the_end(clock: ManualClock) -> None:
    script = Script([task(), task(), task("COMPLETE", output={"results": [1]})])
    late = anyio.Event()

    async def hold_back(event: ResponseEvent) -> None:
        if len(script.requests) == 2:
            await late.wait()

    async with async_client(clock, script, on_response=[hold_back]) as client:
        started = await run(client)
        async with anyio.create_task_group() as group:
            group.start_soon(started.fetch_operation)
            await anyio.wait_all_tasks_blocked()
            assert (await started.wait()).value == 1
            late.set()
        assert (started.done, started.state) == (True, "COMPLETE")
        assert (await started.wait()).value == 1


@pytest.mark.anyio
async def test_who_gives_up_a_question_may_ask_again(clock: ManualClock) -> None:
    script = Script([task(), task(), task(), task(), logs("a"), task("COMPLETE"), logs("a", "b")])
    scope = anyio.CancelScope()

    async def give_up(event: ResponseEvent) -> None:
        if len(script.requests) in (2, 3):
            scope.cancel()
            await anyio.lowlevel.checkpoint()

    async with async_client(clock, script, on_response=[give_up]) as client:
        started = await run(client)
        with scope:
            await started.fetch_operation()
        assert (scope.cancelled_caught, started.done, started.state) == (True, False, "PROCESSING")
        scope = anyio.CancelScope()
        with scope:
            await texts(started)
        assert scope.cancelled_caught
        assert await texts(started) == ["a", "b"]


# --- logs


async def texts(found: Any, **options: Any) -> list[str]:
    return [text async for text in found.logs(**options)]


def test_logs_come_as_they_are_made_and_each_once(perform: Perform, clock: ManualClock) -> None:
    script = Script(
        [
            *(task(), task(), logs(), task(), logs("a"), task(), logs("a", "a"), task(), logs("a", "a")),
            *(task("FAILED"), logs("a", "a", "b", "c")),
        ]
    )

    async def story(client: Any) -> Any:
        return await texts(await run(client))

    assert perform(script, story) == ["a", "a", "b", "c"]
    assert clock.sleeps == [pytest.approx(pause, abs=1.0) for pause in (1, 2, 1, 1)]
    assert script.requests[2].url.path == f"/cloud/v2/{TASK}/logs"
    assert script.requests[2].url.params["view"] == "FLAT"
    assert script.requests[2].url.params["maxPageSize"] == "10000"


def test_logs_of_a_task_that_turns_out_to_have_ended_are_had_without_waiting(
    perform: Perform, clock: ManualClock
) -> None:
    async def story(client: Any) -> Any:
        return await texts(client.luau_task(TASK))

    assert perform(Script([task("COMPLETE"), logs("a")]), story) == ["a"]
    assert clock.sleeps == []


def test_logs_of_which_the_oldest_are_dropped_go_on_after_what_was_seen(perform: Perform) -> None:
    script = Script(
        [
            *(
                task(),
                task(),
                logs("a", "b", "a", "c"),
                task(),
                logs("a", "c", "d"),
                task(),
                logs(),
                task(),
                logs("d", "e"),
            ),
            *(task("COMPLETE"), logs("x", "y")),
        ]
    )

    async def story(client: Any) -> Any:
        return await texts(await run(client), poll=1)

    assert perform(script, story) == ["a", "b", "a", "c", "d", "e", "x", "y"]


def test_logs_of_a_task_that_has_ended_are_listed_once_page_by_page(perform: Perform) -> None:
    script = Script([task("COMPLETE"), logs("a", token="t"), logs("b", "c")])

    async def story(client: Any) -> Any:
        return await texts(await run(client))

    assert perform(script, story) == ["a", "b", "c"]
    assert script.requests[2].url.params["pageToken"] == "t"


def test_logs_go_on_to_the_end_when_somebody_else_has_heard_of_it(perform: Perform) -> None:
    async def story(client: Any) -> list[str]:
        started, heard = await run(client), list[str]()
        async for text in started.logs():
            heard.append(text)
            await started.wait()
        return heard

    script = Script([task(), task(), logs("a"), task("COMPLETE", output={"results": []}), logs("a", "b")])
    assert perform(script, story) == ["a", "b"]


def test_logs_that_are_not_there_before_the_end_are_waited_for(perform: Perform) -> None:
    gone = answer({"code": "NOT_FOUND", "message": "no logs"}, 404)

    async def story(client: Any) -> None:
        started = await run(client)
        assert await texts(started, follow=False) == []
        assert await texts(started) == ["a"]
        for found in (started, client.luau_task(TASK)):
            with pytest.raises(rblxcloud.NotFoundError):
                await texts(found, follow=False)

    perform(Script([task(), gone, task(), gone, task("COMPLETE"), logs("a"), gone, gone]), story)


def test_logs_that_are_there_now_are_had_without_waiting(perform: Perform, clock: ManualClock) -> None:
    script = Script([task(), logs("a")])

    async def story(client: Any) -> Any:
        return await texts(await run(client), follow=False)

    assert perform(script, story) == ["a"]
    assert clock.sleeps == []


def test_structured_logs_have_time_and_type(perform: Perform) -> None:
    first, second = ("a", "2026-08-01T10:00:00.123456700Z"), ("a", "2026-08-01T10:00:01Z")
    script = Script([task(), task(), structured(first), task("COMPLETE"), structured(first, second)])

    async def story(client: Any) -> Any:
        return [message async for message in (await run(client)).structured_logs()]

    found = perform(script, story)
    assert found == [
        LuauLogMessage(message=text, created=time, type="WARNING")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        for text, time in (first, second)
    ]
    assert found[0].created.microsecond == 123456
    assert script.requests[2].url.params["view"] == "STRUCTURED"


def test_those_who_follow_many_logs_share_the_limit(perform: Perform, clock: ManualClock) -> None:
    script = Script([task(), logs("a")] * 3)

    async def story(client: Any) -> None:
        followed = [client.luau_task(path).logs() for path in FORMS[:3]]
        for each in followed:
            assert await anext(each) == "a"
        clock.sleeps.clear()
        script.steps[:] = [task("COMPLETE"), logs("a")]
        assert [text async for text in followed[0]] == []
        for each in followed[1:]:
            await each.aclose()

    perform(script, story)
    assert clock.sleeps[0] > 3 * 60 / 45


# --- binary output


def finished(**fields: Any) -> httpx.Response:
    return task("COMPLETE", output={"results": [1]}, **fields)


def output() -> httpx.Response:
    return storage(200, b"bytes", etag='"e"')


def test_binary_output_is_fetched_without_the_credential(perform: Perform, tmp_path: Path) -> None:
    located = finished(binaryOutputUri=ADDRESS)
    script = Script([task(), located, located, output(), located, output()])

    async def story(client: Any) -> Any:
        started = await run(client, binary_output=True)
        return await started.download_output(tmp_path / "out"), await started.read_output()

    path, content = perform(script, story)
    assert (path, path.read_bytes(), content) == (tmp_path / "out", b"bytes", b"bytes")
    fetch = script.requests[3]
    assert (fetch.method, str(fetch.url)) == ("GET", ADDRESS)
    assert not {"x-api-key", "authorization"} & set(fetch.headers)


def test_an_address_that_has_expired_is_an_error_and_leaves_no_file(perform: Perform, tmp_path: Path) -> None:
    script = Script([finished(), finished(binaryOutputUri=ADDRESS), storage(403, b"expired")])

    async def story(client: Any) -> None:
        await (await run(client)).download_output(tmp_path / "out")

    with pytest.raises(rblxcloud.PermissionDeniedError, match="expired"):
        perform(script, story)
    assert list(tmp_path.iterdir()) == []


def test_no_binary_output_is_an_error_that_says_how_to_get_one(perform: Perform, tmp_path: Path) -> None:
    async def story(client: Any) -> None:
        await (await run(client)).read_output()

    with pytest.raises(rblxcloud.OperationError, match="binary_output=True"):
        perform(Script([finished(), finished()]), story)


def test_the_address_of_a_binary_output_is_in_no_pickle(perform: Perform) -> None:
    async def story(client: Any) -> bytes:
        started = await run(client)
        await started.wait()
        return pickle.dumps(started)

    content = perform(Script([task(), finished(binaryOutputUri=ADDRESS)]), story)
    assert b"COMPLETE" in content
    assert b"signature=secret" not in content


def test_a_path_that_cannot_be_is_told_of_before_a_script_is_waited_for(perform: Perform, tmp_path: Path) -> None:
    async def story(client: Any) -> None:
        await client.luau_task(TASK).download_output(tmp_path / "missing" / "out")

    script = Script([])
    with pytest.raises(rblxcloud.InvalidRequestError, match="^path: nothing can be written to"):
        perform(script, story)


def test_no_output_comes_of_a_script_that_failed(perform: Perform, tmp_path: Path) -> None:
    async def story(client: Any) -> None:
        await (await run(client)).download_output(tmp_path / "out")

    failed = task("FAILED", error={"code": "SCRIPT_ERROR", "message": "boom"})
    with pytest.raises(rblxcloud.LuauScriptError, match="boom"):
        perform(Script([failed]), story)
