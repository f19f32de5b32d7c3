"""Luau execution: what handlers answer, when it is told, and what is refused."""

from __future__ import annotations

import re
import threading
from typing import Any

import pytest

from rblxcloud.emulator import ApiKey, Emulator, LuauAnswer, LuauLog, LuauRun, ScopeGrant
from rblxcloud.emulator.clock import Clock
from rblxcloud.emulator.model import RawRequest
from tests.support.emulator import START, Answer, Caller

UNIVERSE = "/cloud/v2/universes/1"
PLACE = f"{UNIVERSE}/places/2"
TASKS = f"{PLACE}/luau-execution-session-tasks"
INPUTS = f"{UNIVERSE}/luau-execution-session-task-binary-inputs"
MIB = 1024 * 1024
DAY = 86_400


def start(call: Caller, script: str = "return 1", *, path: str = TASKS, **fields: Any) -> str:
    """Start a task; return the path that it is polled at."""
    answer = call("POST", path, {"script": script, **fields})
    assert answer.status == 200, answer.json
    return f"/cloud/v2/{answer.json['path']}"


def returning(emulator: Emulator, *values: Any, **fields: Any) -> None:
    emulator.luau.answer(LuauAnswer(results=values, **fields))


def publish(emulator: Emulator, times: int) -> None:
    emulator.places.add(1, 2)
    for _ in range(times):
        emulator.places.add_version(2)


def refused(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.json["code"]


def messages(call: Caller, task: str, query: str = "") -> list[str]:
    (log,) = call("GET", f"{task}/logs{query}").json["luauExecutionSessionTaskLogs"]
    return list(log["messages"])


# --- handlers


def test_a_task_is_told_as_it_was_observed(emulator: Emulator, call: Caller) -> None:
    returning(emulator, 1, "two", [3], {"four": 4.5}, None, True)
    created = call("POST", TASKS, {"script": "return 1", "timeout": "60s"}).json
    task = created["path"].rpartition("/")[2]
    path = f"universes/1/places/2/versions/1/luau-execution-sessions/{task}/tasks/{task}"
    expected = {"path": path, "user": "1", "state": "PROCESSING", "script": "return 1", "timeout": "60s"}
    assert created == expected
    assert call("GET", f"/cloud/v2/{path}").json == {
        "path": path,
        "createTime": "2027-01-15T08:00:00.000000000Z",
        "updateTime": "2027-01-15T08:00:00.000000000Z",
        "user": "1",
        "state": "COMPLETE",
        "script": "",
        "timeout": "60s",
        "output": {"results": [1, "two", [3], {"four": 4.5}, None, True]},
    }


@pytest.mark.parametrize(
    ("value", "results"),
    [
        (None, []),
        (5, [5]),
        ((), []),
        ((1, None), [1, None]),
        ([1, 2], [[1, 2]]),
        ({"a": (1, object())}, [{"a": [1, None]}]),
        (float("nan"), [None]),
        (2**60 + 1, [2.0**60]),
        (10**400, [None]),
        (b"buffer", [None]),
    ],
)
def test_what_a_handler_returns_is_what_the_script_returns(
    emulator: Emulator, call: Caller, value: Any, results: list[Any]
) -> None:
    @emulator.luau.on()
    def answer(run: LuauRun) -> Any:
        return value

    assert call("GET", start(call)).json["output"] == {"results": results}


def test_a_handler_is_told_what_it_runs(emulator: Emulator, call: Caller) -> None:
    seen: list[LuauRun] = []
    emulator.luau.on()(seen.append)
    publish(emulator, 2)
    start(call, "print(1)", path=f"{PLACE}/versions/2/luau-execution-session-tasks", timeout="1.5s")
    (run,) = seen
    assert (run.script, run.universe, run.place, run.version, run.user) == ("print(1)", 1, 2, 2, 1)
    assert (run.timeout, run.binary_input, run.binary_output) == (1.5, None, False)


def test_the_last_handler_that_fits_answers(emulator: Emulator, call: Caller) -> None:
    returning(emulator, "any")
    emulator.luau.answer(LuauAnswer(results=("script",)), "return 1")
    emulator.luau.answer(LuauAnswer(results=("pattern",)), re.compile(r"spawn\("))
    emulator.luau.answer(LuauAnswer(results=("place",)), place=9)
    emulator.luau.answer(LuauAnswer(results=("universe",)), universe=8)
    emulator.luau.answer(LuauAnswer(results=("twice",)), "twice", times=2)

    def result(script: str, path: str = TASKS) -> Any:
        return call("GET", start(call, script, path=path)).json["output"]["results"][0]

    assert result("  return 1\n") == "script"
    assert result("return 11") == "any"
    assert result("task.spawn(f)") == "pattern"
    assert result("return 1", f"{UNIVERSE}/places/9/luau-execution-session-tasks") == "place"
    assert result("return 1", "/cloud/v2/universes/8/places/10/luau-execution-session-tasks") == "universe"
    assert [result("twice") for _ in range(3)] == ["twice", "twice", "any"]
    emulator.luau.clear()
    assert call("GET", start(call)).json["error"]["code"] == "INTERNAL_ERROR"


def test_a_script_that_nobody_answers_for_fails_and_says_so(call: Caller) -> None:
    task = call("GET", start(call)).json
    assert (task["state"], task["error"]["code"]) == ("FAILED", "INTERNAL_ERROR")
    assert "no handler is registered" in task["error"]["message"]
    assert "output" not in task


def test_what_a_handler_raises_is_the_error_of_the_script(emulator: Emulator, call: Caller) -> None:
    @emulator.luau.on()
    def fail(run: LuauRun) -> None:
        run.log("before")
        raise KeyError("gone")

    task = start(call)
    error = call("GET", task).json["error"]
    first, *traceback = error["message"].split("\n")
    assert (error["code"], first) == ("SCRIPT_ERROR", "KeyError: 'gone'")
    assert any("test_luau.py" in line and "in fail" in line for line in traceback)
    assert messages(call, task) == ["before"]
    assert call("GET", UNIVERSE).status == 200


@pytest.mark.parametrize("error", [SystemExit(1), pytest.fail.Exception("unmet")], ids=repr)
def test_what_is_no_exception_ends_the_script_too(emulator: Emulator, call: Caller, error: BaseException) -> None:
    @emulator.luau.on()
    def fail(run: LuauRun) -> None:
        raise error

    assert call("GET", start(call)).json["error"]["code"] == "SCRIPT_ERROR"


def test_an_interruption_of_a_handler_is_no_end_of_a_script(emulator: Emulator, call: Caller) -> None:
    @emulator.luau.on()
    def interrupt(run: LuauRun) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        start(call)
    assert emulator.luau.tasks()[0].state == "PROCESSING"


def test_text_that_utf_8_cannot_carry_is_replaced(emulator: Emulator, call: Caller) -> None:
    logs = (LuauLog(message="\ud800"),)
    returning(emulator, "\ud800", {"\ud800": 1}, logs=logs)
    task = start(call)
    assert call("GET", task).json["output"]["results"] == ["?", {"?": 1}]
    assert messages(call, task) == ["?"]
    emulator.luau.answer(LuauAnswer(code="SCRIPT_ERROR", message="\ud800"))
    assert call("GET", start(call)).json["error"]["message"] == "?"


def test_a_buffer_is_kept_only_for_a_task_that_asks_for_it(emulator: Emulator, call: Caller) -> None:
    returning(emulator, 1, binary_output=b"bytes")
    assert "binaryOutputUri" not in call("GET", start(call)).json
    assert "binaryOutputUri" in call("GET", start(call, enableBinaryOutput=True)).json


def test_coroutine_functions_are_not_awaited_but_named(emulator: Emulator, call: Caller) -> None:
    @emulator.luau.on()
    async def answer(run: LuauRun) -> int:
        return 1

    assert "coroutine function" in call("GET", start(call)).json["error"]["message"]


def test_a_handler_may_use_the_emulator_as_a_script_uses_data_stores(emulator: Emulator, call: Caller) -> None:
    entry = f"{UNIVERSE}/data-stores/s/entries"

    @emulator.luau.on()
    def write(run: LuauRun) -> str:
        answers = list[Any]()
        thread = threading.Thread(target=lambda: answers.append(call("POST", f"{entry}?id=k", {"value": 5})))
        thread.start()
        thread.join(timeout=10)
        assert answers
        assert answers[0].status == 200
        return emulator.luau.tasks()[-1].state

    task = start(call)
    assert call("GET", task).json["output"]["results"] == ["PROCESSING"]
    assert call("GET", f"{entry}/k").json["value"] == 5


def test_a_request_that_is_refused_calls_no_handler(emulator: Emulator, call: Caller) -> None:
    seen: list[LuauRun] = []
    emulator.luau.on(times=1)(seen.append)
    assert call("POST", TASKS, {"script": "x", "timeout": "301s"}).status == 400
    assert seen == []
    start(call)
    assert len(seen) == 1


def test_a_fresh_start_forgets_handlers_and_tasks(emulator: Emulator, call: Caller) -> None:
    returning(emulator, 1)
    emulator.luau.live_logs = True
    start(call)
    emulator.reset()
    assert (emulator.luau.handlers(), emulator.luau.tasks(), emulator.luau.live_logs) == (0, [], False)


# --- time


def test_a_task_goes_through_its_states_on_the_emulators_clock(emulator: Emulator, call: Caller, clock: Clock) -> None:
    emulator.luau.answer(LuauAnswer(results=(1,), running=20), queued=10)
    created = call("POST", TASKS, {"script": "x"}).json
    task = f"/cloud/v2/{created['path']}"
    states = [created["state"]]
    updates = list[str]()
    for seconds in (0, 9, 1, 19, 1):
        clock.advance(seconds)
        seen = call("GET", task).json
        states.append(seen["state"])
        updates.append(seen["updateTime"][17:19])
        assert ("output" in seen) == (seen["state"] == "COMPLETE")
    assert states == ["QUEUED", "QUEUED", "QUEUED", "PROCESSING", "PROCESSING", "COMPLETE"]
    assert updates == ["00", "00", "10", "10", "30"]


@pytest.mark.parametrize("timeout", [None, "300s", "5s", "0.25s"])
def test_a_task_that_runs_longer_than_its_timeout_fails(
    emulator: Emulator, call: Caller, clock: Clock, timeout: str | None
) -> None:
    logs = (LuauLog(message="soon"), LuauLog(message="too late", after=301))
    returning(emulator, 1, running=400, logs=logs)
    task = start(call, **({"timeout": timeout} if timeout else {}))
    seconds = float((timeout or "300s")[:-1])
    clock.advance(seconds - 0.125)
    assert call("GET", task).json["state"] == "PROCESSING"
    clock.advance(0.125)
    assert call("GET", task).json["error"]["code"] == "DEADLINE_EXCEEDED"
    assert messages(call, task) == ["soon"]


def test_a_task_may_take_all_of_its_timeout(emulator: Emulator, call: Caller, clock: Clock) -> None:
    returning(emulator, 1, running=5)
    task = start(call, timeout="5s")
    clock.advance(5)
    assert call("GET", task).json["state"] == "COMPLETE"


def test_a_handler_that_moves_the_clock_past_the_timeout_was_too_slow(
    emulator: Emulator, call: Caller, clock: Clock
) -> None:
    @emulator.luau.on()
    def slow(run: LuauRun) -> int:
        clock.advance(10)
        return 1

    task = call("GET", start(call, timeout="5s")).json
    assert (task["state"], task["error"]["code"]) == ("FAILED", "DEADLINE_EXCEEDED")


def test_a_task_can_be_cancelled_until_it_has_ended(emulator: Emulator, call: Caller, clock: Clock) -> None:
    logs = (LuauLog(message="a"), LuauLog(message="b", after=9))
    returning(emulator, 1, running=10, logs=logs)
    task = start(call)
    clock.advance(5)
    assert emulator.luau.cancel(emulator.luau.tasks()[0].id)
    assert not emulator.luau.cancel(emulator.luau.tasks()[0].id)
    clock.advance(10)
    seen = call("GET", task).json
    assert (seen["state"], seen["updateTime"][17:19]) == ("CANCELLED", "05")
    assert not seen.keys() & {"output", "error"}
    assert messages(call, task) == ["a"]


def test_a_task_is_gone_a_day_after_its_end(emulator: Emulator, call: Caller, clock: Clock) -> None:
    returning(emulator, 1, running=60)
    task = start(call)
    clock.advance(60 + DAY - 1)
    assert call("GET", task).status == 200
    assert call("GET", f"{task}/logs").status == 200
    clock.advance(1)
    assert refused(call("GET", task)) == (404, "NOT_FOUND")
    assert refused(call("GET", f"{task}/logs")) == (404, "NOT_FOUND")
    start(call)
    assert len(emulator.luau.tasks()) == 1


def test_a_place_has_ten_tasks_that_have_not_ended(emulator: Emulator, call: Caller, clock: Clock) -> None:
    returning(emulator, 1, running=60)
    for _ in range(10):
        start(call)
    answer = call("POST", TASKS, {"script": "x"})
    assert refused(answer) == (429, "RESOURCE_EXHAUSTED")
    assert "retry-after" not in answer.headers
    start(call, path=f"{UNIVERSE}/places/3/luau-execution-session-tasks")
    clock.advance(60)
    start(call)


def test_named_versions_may_be_started_five_times_a_minute(emulator: Emulator, call: Caller) -> None:
    returning(emulator, 1)
    for _ in range(5):
        start(call, path=f"{PLACE}/versions/1/luau-execution-session-tasks")
    assert call("POST", f"{PLACE}/versions/1/luau-execution-session-tasks", {"script": "x"}).status == 429
    for _ in range(40):
        start(call)
    assert call("POST", TASKS, {"script": "x"}).status == 429


# --- what is asked for


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"script": ""},
        {"script": 5},
        {"script": "x" * (4 * MIB + 1)},
        {"script": "x", "timeout": "0s"},
        {"script": "x", "timeout": "-1s"},
        {"script": "x", "timeout": "300.000000001s"},
        {"script": "x", "timeout": "5m"},
        {"script": "x", "timeout": 5},
        {"script": "x", "binaryInput": "universes/1/other"},
        {"script": "x", "binaryInput": 5},
        {"script": "x", "binaryInput": 0},
        {"script": "x", "binaryInput": False},
        {"script": "x", "enableBinaryOutput": "yes"},
    ],
    ids=lambda body: str(body)[:50],
)
def test_bad_tasks_are_refused(call: Caller, body: Any) -> None:
    assert refused(call("POST", TASKS, body)) == (400, "INVALID_ARGUMENT")


def test_largest_script_and_longest_time_are_taken(emulator: Emulator, call: Caller) -> None:
    returning(emulator, 1)
    start(call, "x" * 4 * MIB, timeout="300s")
    start(call, timeout="0.000000001s")
    start(call, enable_binary_output=False, binary_input="")


@pytest.mark.parametrize("version", ["0", "-1", "x"])
def test_versions_are_positive_numbers(call: Caller, version: str) -> None:
    path = f"{PLACE}/versions/{version}/luau-execution-session-tasks"
    assert refused(call("POST", path, {"script": "x"})) == (400, "INVALID_ARGUMENT")


def test_a_task_is_in_the_newest_version_or_in_the_one_that_is_named(emulator: Emulator, call: Caller) -> None:
    def versions(*named: int) -> list[int]:
        paths = [TASKS, *(f"{PLACE}/versions/{number}/luau-execution-session-tasks" for number in named)]
        return [int(start(call, path=path).split("/versions/")[1].partition("/")[0]) for path in paths]

    def is_missing(number: int) -> bool:
        answer = call("POST", f"{PLACE}/versions/{number}/luau-execution-session-tasks", {"script": "x"})
        return refused(answer) == (404, "NOT_FOUND")

    emulator.limits.enabled = False
    assert versions(1) == [1, 1]  # nothing was published yet
    assert is_missing(2)
    publish(emulator, 1)
    assert versions(1) == [1, 1]
    emulator.places.add_version(2, published=False)
    assert versions(1, 2) == [2, 1, 2]
    assert is_missing(3)
    assert is_missing(2**63 - 1)


def test_a_place_of_another_universe_is_not_found(call: Caller) -> None:
    path = "/cloud/v2/universes/1/places/13059/luau-execution-session-tasks"  # the root place of universe 13058
    assert refused(call("POST", path, {"script": "x"})) == (404, "NOT_FOUND")
    assert refused(call("POST", f"{UNIVERSE}/places/x/luau-execution-session-tasks", {"script": "x"}))[0] == 400


def test_views_show_the_script_or_not(emulator: Emulator, call: Caller) -> None:
    returning(emulator, 1)
    task = start(call, "return 1")
    shown = {view: call("GET", f"{task}?view={view}").json["script"] for view in ("", "BASIC", "FULL")}
    assert shown == {"": "", "BASIC": "", "FULL": "return 1"}
    assert refused(call("GET", f"{task}?view=STRUCTURED")) == (400, "INVALID_ARGUMENT")
    assert refused(call("GET", f"{task}/logs?view=FULL")) == (400, "INVALID_ARGUMENT")


def test_a_task_is_found_by_each_of_its_four_paths_and_no_other(emulator: Emulator, call: Caller) -> None:
    returning(emulator, 1)
    number = start(call).rpartition("/")[2]
    for version in ("", "/versions/1"):
        for rest in (f"luau-execution-sessions/{number}/tasks/{number}", f"luau-execution-session-tasks/{number}"):
            path = f"{PLACE}{version}/{rest}"
            assert call("GET", path).json["path"].endswith(number)
            assert call("GET", f"{path}/logs").status == 200
            assert call("GET", path.replace("places/2", "places/3")).status == 404
            assert call("GET", path.replace("universes/1", "universes/2")).status == 404
    for wrong in (
        f"versions/2/luau-execution-session-tasks/{number}",
        f"versions/1/luau-execution-sessions/other/tasks/{number}",
        "luau-execution-session-tasks/other",
    ):
        assert refused(call("GET", f"{PLACE}/{wrong}")) == (404, "NOT_FOUND")


def test_too_much_output_is_an_error(emulator: Emulator, call: Caller) -> None:
    returning(emulator, "x" * (4 * MIB - 4))
    assert call("GET", start(call)).json["state"] == "COMPLETE"
    returning(emulator, "x" * (4 * MIB - 3))
    assert call("GET", start(call)).json["error"]["code"] == "OUTPUT_SIZE_LIMIT_EXCEEDED"


# --- logs


def test_logs_are_flat_or_structured_and_one_for_each_call(emulator: Emulator, call: Caller) -> None:
    @emulator.luau.on()
    def talk(run: LuauRun) -> None:
        run.log("two\nlines")
        run.log("careful", type="WARNING", after=0.0)

    task = start(call)
    path = task.removeprefix("/cloud/v2/") + "/logs/1"
    assert call("GET", f"{task}/logs").json == {
        "luauExecutionSessionTaskLogs": [{"path": path, "messages": ["two\nlines", "careful"]}],
        "nextPageToken": "",
    }
    time = "2027-01-15T08:00:00.000000000Z"
    assert call("GET", f"{task}/logs?view=STRUCTURED").json["luauExecutionSessionTaskLogs"] == [
        {
            "path": path,
            "structuredMessages": [
                {"message": "two\nlines", "createTime": time, "messageType": "OUTPUT"},
                {"message": "careful", "createTime": time, "messageType": "WARNING"},
            ],
        }
    ]


def test_logs_come_with_the_end_or_as_they_are_made(emulator: Emulator, call: Caller, clock: Clock) -> None:
    logs = tuple(LuauLog(message=str(second), after=second) for second in (0, 5, 10))
    returning(emulator, running=10, logs=logs)
    task = start(call)
    clock.advance(5)
    assert messages(call, task) == []
    emulator.luau.live_logs = True
    assert messages(call, task) == ["0", "5"]
    emulator.luau.live_logs = False
    clock.advance(5)
    assert messages(call, task) == ["0", "5", "10"]


def test_logs_are_paged(emulator: Emulator, call: Caller) -> None:
    returning(emulator, logs=tuple(LuauLog(message=str(number)) for number in range(5)))
    task, token, found = start(call), "", list[Any]()
    while True:
        page = call("GET", f"{task}/logs?maxPageSize=2&pageToken={token}").json
        found += page["luauExecutionSessionTaskLogs"]
        token = page["nextPageToken"]
        if not token:
            break
    assert [(log["path"].rpartition("/")[2], log["messages"]) for log in found] == [
        ("1", ["0", "1"]),
        ("2", ["2", "3"]),
        ("3", ["4"]),
    ]
    assert call("GET", f"{task}/logs?pageToken=bad").status == 400
    assert call("GET", f"{task}/logs?maxPageSize=-1").status == 400


def test_of_many_logs_the_last_450_kilobytes_are_kept(emulator: Emulator, call: Caller) -> None:
    returning(emulator, logs=tuple(LuauLog(message=f"{number:03}" + "é" * 512) for number in range(500)))
    kept = messages(call, start(call))
    assert kept[-1].startswith("499")
    assert len(kept) == 450 * 1024 // (3 + 1024)
    returning(emulator, logs=(LuauLog(message="dropped"), *(LuauLog(message="x" * 1024) for _ in range(450))))
    assert messages(call, start(call)) == ["x" * 1024] * 450


# --- files


def upload(call: Caller, content: bytes, *, size: int | None = None) -> str:
    made = call("POST", INPUTS, {"size": len(content) if size is None else size}).json
    answer = put(call, made["uploadUri"], content)
    assert answer.status == 200, answer.reply.body
    return str(made["path"])


def put(call: Caller, address: str, content: bytes, **headers: str) -> Answer:
    raw_path = "/" + address.split("/", 3)[3]
    sent = {"content-length": str(len(content)), **headers}
    return Answer(call.emulator.handle(RawRequest("PUT", raw_path, sent, content)))


def test_an_input_reaches_scripts_of_its_universe_for_15_minutes(
    emulator: Emulator, call: Caller, clock: Clock
) -> None:
    @emulator.luau.on()
    def size(run: LuauRun) -> int:
        assert run.binary_input is not None
        return len(run.binary_input)

    path = upload(call, b"12345")
    assert re.fullmatch(r"universes/1/luau-execution-session-task-binary-inputs/[0-9a-f-]{36}", path)
    clock.advance(899)
    for _ in range(2):
        assert call("GET", start(call, binaryInput=path)).json["output"]["results"] == [5]
    other = "/cloud/v2/universes/8/places/10/luau-execution-session-tasks"
    assert refused(call("POST", other, {"script": "x", "binaryInput": path})) == (400, "INVALID_ARGUMENT")
    clock.advance(1)
    assert refused(call("POST", TASKS, {"script": "x", "binaryInput": path})) == (400, "INVALID_ARGUMENT")


@pytest.mark.parametrize("size", [0, -1, 100 * MIB + 1, "x", None, True, 1.5])
def test_inputs_have_1_byte_to_100_mebibytes(call: Caller, size: Any) -> None:
    assert refused(call("POST", INPUTS, {"size": size})) == (400, "INVALID_ARGUMENT")


def test_a_size_may_be_text(call: Caller) -> None:
    assert call("POST", INPUTS, {"size": str(100 * MIB)}).json["size"] == str(100 * MIB)


def test_an_address_takes_what_was_declared_and_no_credential(call: Caller, clock: Clock) -> None:
    made = call("POST", INPUTS, {"size": 3}).json
    address = made["uploadUri"]
    assert address.startswith("http://localhost/_cdn/")
    assert put(call, address, b"1234").status == 400
    assert put(call, address, b"123", **{"x-api-key": "emulator-key"}).status == 400
    assert put(call, address.replace("signature=", "signature=0"), b"123").status == 403
    assert refused(call("POST", TASKS, {"script": "x", "binaryInput": made["path"]}))[0] == 400
    clock.advance(901)
    assert put(call, address, b"123").status == 403


def test_binary_output_is_fetched_at_an_address(emulator: Emulator, call: Caller, clock: Clock) -> None:
    @emulator.luau.on()
    def answer(run: LuauRun) -> LuauAnswer:
        return LuauAnswer(results=(1, 2), running=10, binary_output=b"bytes")

    task = start(call, enableBinaryOutput=True)
    assert "binaryOutputUri" not in call("GET", task).json
    clock.advance(10)
    seen = call("GET", task).json
    assert seen["output"] == {"results": [1, 2]}
    raw_path = "/" + seen["binaryOutputUri"].split("/", 3)[3]
    reply = emulator.handle(RawRequest("GET", raw_path, {"range": "bytes=1-2"}))
    assert (reply.status, reply.body) == (206, b"yt")
    clock.advance(899)
    assert call("GET", task).json["binaryOutputUri"] == seen["binaryOutputUri"]
    assert emulator.handle(RawRequest("GET", raw_path, {})).status == 200
    clock.advance(2)
    assert call("GET", task).json["binaryOutputUri"] == seen["binaryOutputUri"]
    assert emulator.handle(RawRequest("GET", raw_path, {})).status == 403


def test_a_task_that_is_cancelled_or_late_has_no_binary_output(emulator: Emulator, call: Caller, clock: Clock) -> None:
    returning(emulator, running=10, binary_output=b"bytes")
    cancelled, late = start(call, enableBinaryOutput=True), start(call, enableBinaryOutput=True, timeout="9s")
    assert emulator.luau.cancel(cancelled.rpartition("/")[2])
    clock.advance(10)
    for task, state in ((cancelled, "CANCELLED"), (late, "FAILED")):
        seen = call("GET", task).json
        assert (seen["state"], "binaryOutputUri" in seen) == (state, False)


@pytest.mark.parametrize(
    ("value", "results"),
    [
        ({"BinaryOutput": b"b", "ReturnValues": [1, 2]}, [1, 2]),
        ({"BinaryOutput": b"b"}, []),
        ({"ReturnValues": [1]}, None),
        ({"BinaryOutput": "text"}, None),
        ((b"b", 1), None),
        (None, None),
        (LuauAnswer(results=(1,)), None),
    ],
    ids=str,
)
def test_a_task_with_binary_output_returns_one_table(
    emulator: Emulator, call: Caller, value: Any, results: list[Any] | None
) -> None:
    emulator.luau.on()(lambda run: value)
    task = call("GET", start(call, enableBinaryOutput=True)).json
    if results is None:
        assert task["error"]["code"] == "SCRIPT_ERROR"
        assert "BinaryOutput" in task["error"]["message"]
    else:
        assert task["output"] == {"results": results}


# --- who may


def test_keys_need_the_scope_and_either_one_reads(emulator: Emulator, call: Caller) -> None:
    returning(emulator, 1)
    scope = "universe.place.luau-execution-session"
    for name in ("read", "write"):
        emulator.add_key(name, ApiKey(owner="users/7", scopes=(ScopeGrant.parse(f"{scope}:{name}"),)))
    emulator.add_key("none", ApiKey(scopes=(ScopeGrant.parse("universe:write"),)))
    assert [call("POST", TASKS, {"script": "x"}, key=key).status for key in ("none", "read")] == [403, 403]
    assert call("POST", INPUTS, {"size": 1}, key="read").status == 403
    created = call("POST", TASKS, {"script": "x"}, key="write").json
    assert created["user"] == "7"
    task = f"/cloud/v2/{created['path']}"
    assert [call("GET", task, key=key).status for key in ("none", "read", "write")] == [403, 200, 200]
    assert [call("GET", f"{task}/logs", key=key).status for key in ("none", "read", "write")] == [403, 200, 200]


# --- for other programs


def test_answers_are_registered_and_tasks_seen_by_the_control_api(
    emulator: Emulator, call: Caller, clock: Clock
) -> None:
    body = {
        "pattern": "heal",
        "universe": 1,
        "results": [1],
        "running": 5,
        "queued": 1,
        "times": 1,
        "binaryOutput": "Ynl0ZXM=",
        "logs": [{"message": "m", "type": "INFO", "after": 1}],
    }
    assert call("POST", "/_emulator/luau", body).json == {"handlers": 1}
    assert call("POST", "/_emulator/luau", {"code": "SCRIPT_ERROR", "message": "bad"}).json == {"handlers": 2}
    assert call("PUT", "/_emulator/luau", {"liveLogs": True}).json == {"liveLogs": True}
    assert call("GET", start(call)).json["error"] == {"code": "SCRIPT_ERROR", "message": "bad"}
    call("DELETE", "/_emulator/luau")
    call("POST", "/_emulator/luau", body)
    task = start(call, "heal()", enableBinaryOutput=True)
    assert call("GET", "/_emulator/luau?limit=1").json == {
        "handlers": 0,
        "liveLogs": False,
        "tasks": [
            {
                "id": task.rpartition("/")[2],
                "path": task.removeprefix("/cloud/v2/"),
                "state": "QUEUED",
                "universe": 1,
                "place": 2,
                "version": 1,
                "script": "heal()",
            }
        ],
    }
    clock.advance(6)
    seen = call("GET", task).json
    assert seen["output"] == {"results": [1]}
    raw_path = "/" + seen["binaryOutputUri"].split("/", 3)[3]
    assert emulator.handle(RawRequest("GET", raw_path, {})).body == b"bytes"


def test_tasks_are_cancelled_by_the_control_api(emulator: Emulator, call: Caller) -> None:
    returning(emulator, running=100)
    task = start(call)
    number = task.rpartition("/")[2]
    assert call("DELETE", f"/_emulator/luau/{number}").status == 200
    assert call("DELETE", f"/_emulator/luau/{number}").status == 404
    assert call("GET", task).json["state"] == "CANCELLED"


@pytest.mark.parametrize(
    "body",
    [
        {"result": [1]},
        {"code": "BROKEN"},
        {"pattern": "("},
        {"pattern": "a", "script": "a"},
        {"running": -1},
        {"times": 0},
        {"binaryOutput": "!"},
    ],
    ids=str,
)
def test_controls_that_are_wrong_are_refused(emulator: Emulator, call: Caller, body: Any) -> None:
    assert call("POST", "/_emulator/luau", body).status == 400
    assert emulator.luau.handlers() == 0


def test_controls_in_python_refuse_what_makes_no_sense(emulator: Emulator) -> None:
    for wrong in ({"queued": -1.0}, {"times": 0}):
        with pytest.raises(ValueError, match="queued is 0 or more, times 1 or more"):
            emulator.luau.answer(LuauAnswer(), **wrong)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def test_tasks_outlive_the_emulator_that_has_a_file(tmp_path: Any) -> None:
    clock = Clock(start=START, frozen=True)
    with Emulator(database=tmp_path / "db", clock=clock) as emulator:
        returning(emulator, 1, running=10)
        task = start(Caller(emulator))
    clock.advance(10)
    with Emulator(database=tmp_path / "db", clock=clock) as emulator:
        assert Caller(emulator)("GET", task).json["output"] == {"results": [1]}
