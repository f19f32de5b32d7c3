"""Luau execution: scripts that are run, waited for, listened to and given files."""

from __future__ import annotations

import io
import pickle
import threading
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import rblxcloud
import rblxcloud.sync
from rblxcloud import RetryPolicy
from rblxcloud.emulator import Emulator, LuauAnswer, LuauLog, LuauRun
from tests.oracle.stories import RecordingEmulator

Tell = Callable[[Callable[[Any], Any]], None]

SCRIPT = "return 1 + 1"
TOO_LARGE = "x" * (4 * 1024 * 1024 + 1)
AT_ONCE = RetryPolicy(retries=1, base_delay=0, max_delay=0)


def place(client: Any) -> Any:
    return client.experience(13058).place(13059)


def test_a_script_is_run_and_brings_values(tell: Tell, emulator: Emulator, tmp_path: Path) -> None:
    emulator.luau.answer(LuauAnswer(results=(2, "two", {"a": [None]})), SCRIPT)
    file = tmp_path / "script.luau"
    file.write_bytes(b"\xef\xbb\xbf" + SCRIPT.encode())

    async def story(client: Any) -> None:
        task = await place(client).run_luau(SCRIPT)
        result = await task.wait()
        assert (result.values, result.value) == ((2, "two", {"a": [None]}), 2)
        assert (task.state, task.done, task.version) == ("COMPLETE", True, 1)
        assert (result.user_id, result.updated >= result.created) == (1, True)
        task = await place(client).run_luau(file, timeout=timedelta(minutes=2))
        assert (await task.fetch_operation()).value == 2

    tell(story)
    assert [task.script for task in emulator.luau.tasks()] == [SCRIPT, SCRIPT]


def test_a_script_runs_in_the_newest_version_or_in_the_one_that_is_named(tell: Tell, emulator: Emulator) -> None:
    emulator.luau.answer(LuauAnswer(results=(1,)))

    async def story(client: Any) -> None:
        first, second = [await place(client).publish(b"<roblox!") for _ in range(2)]
        assert [(await place(client).run_luau(SCRIPT, version=given)).version for given in (None, first, second)] == [
            second,
            first,
            second,
        ]
        with pytest.raises(rblxcloud.NotFoundError, match=f"no version {second + 1}"):
            await place(client).run_luau(SCRIPT, version=second + 1)

    tell(story)


def test_a_script_uses_the_experience_it_runs_in(tell: Tell, emulator: Emulator, base_url: str) -> None:
    @emulator.luau.on()
    def count(run: LuauRun) -> float:
        with rblxcloud.sync.Client("emulator-key", base_url=base_url) as client:
            return float(client.experience(run.universe).get_data_store("runs").increment("count").value)

    async def story(client: Any) -> None:
        values = [(await (await place(client).run_luau(SCRIPT)).wait()).value for _ in range(2)]
        assert values == [1, 2]
        assert await client.experience(13058).get_data_store("runs").get("count", default=None) is not None

    tell(story)


def test_a_task_is_waited_for_in_another_process(tell: Tell, emulator: Emulator) -> None:
    emulator.luau.answer(LuauAnswer(results=(1,), running=60), queued=10)

    async def story(client: Any) -> None:
        task = await place(client).run_luau(SCRIPT)
        assert (task.state, task.done, await task.fetch_operation()) == ("QUEUED", False, None)
        emulator.clock.advance(10)
        with pytest.raises(rblxcloud.OperationTimeoutError) as caught:
            await task.wait(timeout=0.01)
        assert task.state == "PROCESSING"
        emulator.clock.advance(60)
        again = client.bind(pickle.loads(pickle.dumps(task)))
        for found in (again, client.luau_task(caught.value.path), client.operation(task.path)):
            assert (await found.wait()).value == 1
            assert [text async for text in found.logs()] == []
        emulator.clock.advance(86_400)
        with pytest.raises(rblxcloud.NotFoundError):
            await client.luau_task(task.path).wait()

    tell(story)


def test_how_a_script_fails_is_told_by_the_error(tell: Tell, emulator: Emulator) -> None:
    @emulator.luau.on("error('boom')")
    def boom(run: LuauRun) -> None:
        raise RuntimeError("boom")

    emulator.luau.answer(LuauAnswer(running=31), "while true do end")
    emulator.luau.answer(LuauAnswer(results=(TOO_LARGE,)), "return large")
    emulator.luau.answer(LuauAnswer(running=100), "cancelled")

    async def story(client: Any) -> None:
        with pytest.raises(rblxcloud.LuauScriptError, match="RuntimeError: boom") as caught:
            await (await place(client).run_luau("error('boom')")).wait()
        assert "in boom" in caught.value.traceback
        task = await place(client).run_luau("while true do end", timeout=30)
        emulator.clock.advance(30)
        with pytest.raises(rblxcloud.LuauDeadlineError) as late:
            await task.wait()
        assert (late.value.code, late.value.path) == ("DEADLINE_EXCEEDED", task.path)
        with pytest.raises(rblxcloud.LuauOutputSizeError):
            await (await place(client).run_luau("return large")).wait()
        with pytest.raises(rblxcloud.LuauInternalError, match="no handler is registered"):
            await (await place(client).run_luau("nobody knows")).wait()
        task = await place(client).run_luau("cancelled")
        emulator.luau.cancel(task.path.rpartition("/")[2])
        with pytest.raises(rblxcloud.LuauCancelledError):
            await task.wait()

    tell(story)


def test_logs_are_heard_while_the_script_runs(tell: Tell, emulator: Emulator) -> None:
    logs = (
        LuauLog(message="start"),
        LuauLog(message="tick", after=5),
        LuauLog(message="tick", type="WARNING", after=10),
    )
    emulator.luau.answer(LuauAnswer(results=(1,), logs=logs, running=20))
    emulator.luau.live_logs = True

    async def story(client: Any) -> None:
        heard = list[str]()
        task = await place(client).run_luau(SCRIPT)
        async for text in task.logs(poll=0.001):
            heard.append(text)
            emulator.clock.advance(5)
            if len(heard) == 3:
                emulator.clock.advance(10)
        assert heard == ["start", "tick", "tick"]
        assert (await task.wait()).value == 1
        again = await place(client).run_luau(SCRIPT)
        kinds = list[tuple[Any, ...]]()
        async for each in again.structured_logs(poll=0.001):
            kinds.append((each.message, each.type, each.created))
            emulator.clock.advance(10)
        assert [kind[:2] for kind in kinds] == [("start", "OUTPUT"), ("tick", "OUTPUT"), ("tick", "WARNING")]
        assert (kinds[2][2] - kinds[0][2]).total_seconds() == pytest.approx(10)

    tell(story)


def test_logs_of_a_script_that_fails_are_heard_before_its_error(tell: Tell, emulator: Emulator) -> None:
    @emulator.luau.on()
    def fail(run: LuauRun) -> None:
        run.log("last words\nof two lines")
        raise RuntimeError("boom")

    async def story(client: Any) -> None:
        task = await place(client).run_luau(SCRIPT)
        assert [text async for text in task.logs(follow=False)] == ["last words\nof two lines"]
        assert [text async for text in task.logs()] == ["last words\nof two lines"]
        with pytest.raises(rblxcloud.LuauScriptError):
            await task.wait()

    tell(story)


async def chunks(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


def test_files_go_to_a_script_and_come_from_it(tell: Tell, emulator: RecordingEmulator, tmp_path: Path) -> None:
    @emulator.luau.on()
    def turn(run: LuauRun) -> dict[str, Any]:
        assert run.binary_input is not None
        return {"BinaryOutput": run.binary_input[::-1], "ReturnValues": [len(run.binary_input)]}

    content = bytes(range(256)) * 2000
    file = tmp_path / "in.bin"
    file.write_bytes(content)

    async def story(client: Any) -> None:
        for given in (content, file, str(file), io.BytesIO(content), [content[:9], content[9:]]):
            task = await place(client).run_luau(SCRIPT, binary_input=given, binary_output=True)
            path = await task.download_output(tmp_path / "out.bin")
            assert path.read_bytes() == content[::-1]
            assert (await task.wait()).values == (len(content),)
        seen = list[tuple[int, int]]()

        def note(sent: int, size: int) -> None:
            seen.append((sent, size))

        uploaded = await place(client).upload_luau_input(content, progress=note)
        assert (uploaded.size, seen[-1]) == (len(content), (len(content), len(content)))
        for other in (13059, 5):
            task = (
                await client.experience(13058)
                .place(other)
                .run_luau(SCRIPT, binary_input=pickle.loads(pickle.dumps(uploaded)), binary_output=True)
            )
            assert await task.read_output() == content[::-1]

        emulator.clock.advance(901)
        with pytest.raises(rblxcloud.PermissionDeniedError, match="expired"):
            await task.read_output()
        assert (await client.luau_task(task.path).wait()).values == (len(content),)

    tell(story)
    files = [request for request in emulator.recorded if request.raw_path.startswith("/_cdn/")]
    assert len(files) == 6 + 7 + 1
    assert not any({"x-api-key", "authorization"} & request.headers.keys() for request in files)


def test_a_full_place_says_so(tell: Tell, emulator: Emulator) -> None:
    emulator.luau.answer(LuauAnswer(results=(1,), running=60))
    emulator.limits.enabled = True

    async def story(client: Any) -> None:
        client = client.with_options(retries=AT_ONCE, rate_limits="off")
        tasks = [await place(client).run_luau(SCRIPT) for _ in range(10)]
        with pytest.raises(rblxcloud.RateLimitedError, match="10 tasks that have not ended"):
            await place(client).run_luau(SCRIPT)
        emulator.clock.advance(60)
        assert (await tasks[0].wait()).value == 1
        await place(client).run_luau(SCRIPT)

    tell(story)


BAD_CALLS: dict[str, tuple[str, Callable[[Any, Path], Any]]] = {
    "no script": ("script: is empty", lambda place, _: place.run_luau("")),
    "a script that is bytes": ("script: is of type bytes", lambda place, _: place.run_luau(b"return 1")),
    "a script that is None": ("script: is of type NoneType", lambda place, _: place.run_luau(None)),
    "a script that is too large": ("script: has 4194305 bytes", lambda place, _: place.run_luau(TOO_LARGE)),
    "a script that is no text": ("script: character 0 is a lone surrogate", lambda p, _: p.run_luau("\ud800")),
    "the name of a script": ("script: 'a/run-me.luau' is the name of a file", lambda p, _: p.run_luau("a/run-me.luau")),
    "a script that is missing": ("does not exist", lambda place, there: place.run_luau(there / "missing.luau")),
    "a directory as a script": ("is a directory", lambda place, there: place.run_luau(there)),
    "a script file that is too large": (
        "^script: has 4194305 bytes; it takes 4 MB at most$",
        lambda place, there: place.run_luau(there / "large.luau"),
    ),
    "a script file of bytes": ("is not text in UTF-8", lambda place, there: place.run_luau(there / "bytes.luau")),
    "an empty script file": ("script: is empty", lambda place, there: place.run_luau(there / "empty.luau")),
    "no time": ("timeout: 0 seconds", lambda place, _: place.run_luau(SCRIPT, timeout=0)),
    "negative time": ("timeout: -1 seconds", lambda place, _: place.run_luau(SCRIPT, timeout=-1)),
    "too much time": ("timeout: 301 .* at most 300 seconds", lambda place, _: place.run_luau(SCRIPT, timeout=301)),
    "milliseconds": ("timeout: 5000 .* at most 300 seconds", lambda place, _: place.run_luau(SCRIPT, timeout=5000)),
    "time as text": ("timeout: '5m' is not", lambda place, _: place.run_luau(SCRIPT, timeout="5m")),
    "time as a bool": ("timeout: True is not", lambda place, _: place.run_luau(SCRIPT, timeout=True)),
    "endless time": ("timeout: inf is not", lambda place, _: place.run_luau(SCRIPT, timeout=float("inf"))),
    "an hour": ("timeout: datetime.*300", lambda place, _: place.run_luau(SCRIPT, timeout=timedelta(hours=1))),
    "no timedelta": ("timeout: datetime.*300", lambda place, _: place.run_luau(SCRIPT, timeout=timedelta())),
    "version 0": ("version: 0 is not", lambda place, _: place.run_luau(SCRIPT, version=0)),
    "a version that is a bool": ("version: True is not", lambda place, _: place.run_luau(SCRIPT, version=True)),
    "a version that is text": ("version: '5' is not", lambda place, _: place.run_luau(SCRIPT, version="5")),
    "an output that is a path": ("binary_output: 'out", lambda place, _: place.run_luau(SCRIPT, binary_output="out")),
    "an empty input": ("binary_input: has 0 bytes", lambda place, _: place.run_luau(SCRIPT, binary_input=b"")),
    "an input that is missing": (
        "binary_input: .* does not exist",
        lambda place, there: place.run_luau(SCRIPT, binary_input=there / "missing"),
    ),
    "a directory as an input": (
        "binary_input: .* is a directory",
        lambda place, there: place.run_luau(SCRIPT, binary_input=there),
    ),
    "an input that is a number": ("binary_input: is of type int", lambda p, _: p.run_luau(SCRIPT, binary_input=5)),
    "an input in text mode": (
        "file: was opened in text mode",
        lambda place, _: place.upload_luau_input(io.StringIO("text")),
    ),
    "a size of 0": ("size: 0 is not", lambda place, _: place.upload_luau_input([b"a"], size=0)),
    "a size over 100 MiB": ("size: 104857601 is not", lambda p, _: p.upload_luau_input([b"a"], size=104857601)),
    "a progress that is no function": (
        "progress: is of type int",
        lambda place, _: place.upload_luau_input(b"a", progress=5),
    ),
}


@pytest.mark.parametrize("case", BAD_CALLS)
def test_what_users_get_wrong_is_told_before_anything_is_sent(
    tell: Tell, emulator: RecordingEmulator, tmp_path: Path, case: str
) -> None:
    (tmp_path / "large.luau").write_text(TOO_LARGE)
    (tmp_path / "bytes.luau").write_bytes(b"\xff\xfe")
    (tmp_path / "empty.luau").write_text("")
    problem, act = BAD_CALLS[case]

    async def story(client: Any) -> None:
        with pytest.raises(rblxcloud.InvalidRequestError, match=problem):
            await act(place(client), tmp_path)

    tell(story)
    assert emulator.recorded == []


def test_an_input_over_100_mebibytes_is_refused_before_it_is_read(
    tell: Tell, emulator: RecordingEmulator, tmp_path: Path
) -> None:
    file = tmp_path / "large.bin"
    with file.open("wb") as opened:
        opened.truncate(100 * 1024 * 1024 + 1)

    async def story(client: Any) -> None:
        with pytest.raises(rblxcloud.InvalidRequestError, match=r"binary_input: .* \(100 MiB\)"):
            await place(client).run_luau(SCRIPT, binary_input=file)

    tell(story)
    assert emulator.recorded == []


@pytest.mark.parametrize("id", [True, 0, -1, "abc", None, 2**63, 1.5])
def test_places_have_positive_ids(tell: Tell, emulator: RecordingEmulator, id: Any) -> None:
    async def story(client: Any) -> None:
        with pytest.raises(rblxcloud.InvalidRequestError, match="^id: "):
            client.experience(13058).place(id)

    tell(story)
    assert emulator.recorded == []


def test_what_only_roblox_can_know_is_an_error_of_its_own(tell: Tell, emulator: Emulator) -> None:
    emulator.luau.answer(LuauAnswer(results=(1,)))

    async def story(client: Any) -> None:
        with pytest.raises(rblxcloud.NotFoundError):  # the root place of another experience
            await client.experience(13158).place(13059).run_luau(SCRIPT)
        uploaded = await place(client).upload_luau_input(b"abc")
        with pytest.raises(rblxcloud.InvalidRequestError, match="uploaded for experience 13058"):
            await client.experience(13158).place(13159).run_luau(SCRIPT, binary_input=uploaded)
        emulator.clock.advance(900)
        with pytest.raises(rblxcloud.BadRequestError, match="expired"):
            await place(client).run_luau(SCRIPT, binary_input=uploaded)
        task = await place(client).run_luau(SCRIPT)
        with pytest.raises(rblxcloud.OperationError, match="has no binary output"):
            await task.read_output()
        with pytest.raises(rblxcloud.InvalidRequestError, match="is a directory"):
            await task.download_output("/")

    tell(story)


def test_a_handler_that_takes_its_time_holds_nobody_else_up(tell: Tell, emulator: Emulator, base_url: str) -> None:
    begun, go_on = threading.Event(), threading.Event()

    @emulator.luau.on()
    def slow(run: LuauRun) -> int:
        begun.set()
        assert go_on.wait(timeout=10)
        return 1

    def other() -> None:
        assert begun.wait(timeout=10)
        with rblxcloud.sync.Client("emulator-key", base_url=base_url) as client:
            assert client.experience(1).fetch().display_name == "Experience 1"
        go_on.set()

    async def story(client: Any) -> None:
        thread = threading.Thread(target=other)
        thread.start()
        assert (await (await place(client).run_luau(SCRIPT)).wait()).value == 1
        thread.join()

    tell(story)


def test_scripts_may_start_scripts(tell: Tell, emulator: Emulator, base_url: str) -> None:
    @emulator.luau.on()
    def descend(run: LuauRun) -> float:
        depth = int(run.script)
        if not depth:
            return 0
        with rblxcloud.sync.Client("emulator-key", base_url=base_url, rate_limits="off") as client:
            return 1 + float(place(client).run_luau(str(depth - 1)).wait().value)

    async def story(client: Any) -> None:
        assert (await (await place(client).run_luau("20")).wait()).value == 20

    tell(story)
