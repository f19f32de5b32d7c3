"""rblxcloud.WebhookReceiver, in each mode: what is answered, what is handled, and how often."""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from typing import Any

import anyio
import anyio.from_thread
import anyio.lowlevel
import pytest
from anyio import to_thread

import rblxcloud
import rblxcloud.sync
from rblxcloud import (
    ConfigurationError,
    InvalidRequestError,
    MemoryWebhookInbox,
    RightToErasureRequest,
    SampleNotification,
    SubscriptionEvent,
    Webhook,
    WebhookEvent,
    WebhookInboxError,
    WebhookReceiver,
)
from rblxcloud.runtime.concurrent import ConcurrentRuntime
from rblxcloud.webhooks import SQLWebhookInbox
from tests.support.clock import ManualClock
from tests.webhooks.signing import NOW, NUMBER, SECRET, body, signed

WEBHOOK = Webhook(SECRET, clock=lambda: NOW)
MODES = ("asyncio", "trio", "blocking")


class Clock:
    """The clock of an inbox, which a test can move."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Stage:
    """A receiver in one of the modes, whose methods are called as plain functions."""

    def __init__(self, mode: str, webhook: Webhook = WEBHOOK, **options: Any) -> None:
        package = rblxcloud.sync if mode == "blocking" else rblxcloud
        self._mode = mode
        self.receiver: Any = package.WebhookReceiver(webhook, **options)
        self.seen: list[WebhookEvent] = []

    def do(self, name: str, *arguments: Any, **options: Any) -> Any:
        method = partial(getattr(self.receiver, name), **options)
        return method(*arguments) if self._mode == "blocking" else anyio.run(method, *arguments, backend=self._mode)

    def take(self, content: bytes, headers: Any = None) -> int:
        answer = self.do("receive", signed(content) if headers is None else headers, content)
        return int(answer.status)

    def listen(self, kind: Any = WebhookEvent, then: Callable[[], None] = lambda: None) -> None:
        def handle(event: WebhookEvent) -> None:
            self.seen.append(event)
            then()

        async def handle_async(event: WebhookEvent) -> None:
            handle(event)

        self.receiver.on(kind)(handle if self._mode == "blocking" else handle_async)


@pytest.fixture(params=MODES)
def mode(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def stage(mode: str) -> Stage:
    return Stage(mode)


@pytest.fixture
def clock_of_inbox() -> Clock:
    return Clock()


@pytest.fixture
def inbox(clock_of_inbox: Clock) -> MemoryWebhookInbox:
    return MemoryWebhookInbox(clock=clock_of_inbox)


@pytest.fixture
def storing(mode: str, inbox: MemoryWebhookInbox) -> Stage:
    return Stage(mode, inbox=inbox)


def fail() -> None:
    raise RuntimeError("the handler's own")


# --- before the answer


def test_an_event_is_handled_and_then_answered(stage: Stage) -> None:
    stage.listen(RightToErasureRequest)
    assert stage.take(body()) == 200
    assert [type(event) for event in stage.seen] == [RightToErasureRequest]


def test_a_duplicate_is_answered_and_not_handled(stage: Stage) -> None:
    stage.listen()
    assert [stage.take(body()), stage.take(body()), stage.take(body(number="2"))] == [200, 200, 200]
    assert [event.notification_id for event in stage.seen] == [NUMBER, "2"]


def test_a_handler_that_failed_is_run_again(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    outcomes = [fail, fail, lambda: None]
    stage.listen(then=lambda: outcomes.pop(0)())
    assert [stage.take(body()) for _ in range(4)] == [503, 503, 200, 200]
    assert len(stage.seen) == 3
    assert [record.exc_info[1].args[0] for record in caplog.records if record.exc_info and record.exc_info[1]] == [
        "the handler's own"
    ] * 2


@pytest.mark.parametrize(
    ("content", "headers", "status"),
    [
        (body(), {}, 401),
        (body(), signed(body(), "another"), 401),
        (body(), signed(body(), moment=NOW - 601), 403),
        (body(), signed(body(), moment=NOW + 601), 403),
        (b"{}", signed(b"{}"), 400),
        (b" " * (2**20 + 1), {}, 413),
        (bytearray(2**20 + 1), {}, 413),
        (memoryview(bytes(2**20 + 1)), {}, 413),
        (memoryview(bytes(2**20 + 4)).cast("I"), {}, 413),
    ],
)
def test_what_is_refused_is_not_handled(stage: Stage, content: bytes, headers: Any, status: int) -> None:
    stage.listen()
    assert stage.take(content, headers) == status
    assert stage.seen == []


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_bytes_of_any_kind_are_handled_and_stored(mode: str, inbox: MemoryWebhookInbox, kind: Any) -> None:
    direct, storing = Stage(mode), Stage(mode, inbox=inbox)
    for stage in (direct, storing):
        stage.listen()
    assert (direct.take(kind(body()), signed(body())), storing.take(kind(body()), signed(body()))) == (200, 202)
    assert storing.do("handle_due") == 1


def test_the_largest_body_can_be_another(mode: str) -> None:
    content = body()
    largest, smaller = Stage(mode, max_body_bytes=len(content)), Stage(mode, max_body_bytes=len(content) - 1)
    for stage in (largest, smaller):
        stage.listen()
    assert (largest.take(content), smaller.take(content)) == (200, 413)


def test_an_event_without_a_handler_is_answered_and_told(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    stage.listen(RightToErasureRequest)
    assert stage.take(body("SampleNotification", {"UserId": 1})) == 200
    assert stage.seen == []
    assert [(record.levelname, record.message) for record in caplog.records] == [
        ("WARNING", f"there is no handler for the webhook SampleNotification {NUMBER}: nothing is done with it")
    ]


def test_without_any_handler_roblox_is_to_try_again(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    assert stage.take(body()) == 503
    assert [(record.levelname, record.message) for record in caplog.records] == [
        (
            "ERROR",
            f"this receiver has no handlers, and would drop the webhook RightToErasureRequest {NUMBER}: see on()",
        )
    ]
    stage.listen()
    assert stage.take(body()) == 200


def test_the_nearest_handler_is_the_one(stage: Stage) -> None:
    called: list[Any] = []
    for kind in (WebhookEvent, SubscriptionEvent, RightToErasureRequest, "SubscriptionRenewed", "SomethingNew"):
        stage.listen(kind, then=partial(called.append, kind))
    kinds = ["RightToErasureRequest", "SubscriptionPurchased", "SubscriptionRenewed", "SomethingNew", "Else"]
    for number, name in enumerate(kinds):
        assert stage.take(body(name, number=str(number))) == 200
    assert called == [
        RightToErasureRequest,
        SubscriptionEvent,
        "SubscriptionRenewed",
        "SomethingNew",
        WebhookEvent,
    ]


def test_ids_are_remembered_for_a_while(mode: str) -> None:
    stage = Stage(mode, Webhook(SECRET, tolerance=5, clock=lambda: NOW), remember=10)
    clock = Clock()
    ledger = getattr(stage.receiver, "_impl", stage.receiver)._ledger
    ledger._clock = clock
    stage.listen()
    for moment in (0, 9, 10, 11, 12):
        clock.now = moment
        assert stage.take(body()) == 200
    assert len(stage.seen) == 2


def test_no_more_ids_are_remembered_than_ten_thousand() -> None:
    ledger = WebhookReceiver(WEBHOOK)._ledger
    for number in range(10_010):
        ledger.begin(str(number))
        ledger.end(str(number), finished=True)
    assert (ledger.begin("9").name, ledger.begin("10").name) == ("BEGUN", "FINISHED")


@pytest.mark.anyio
async def test_an_event_that_is_being_handled_is_not_handled_at_the_same_time() -> None:
    receiver, begun, go = WebhookReceiver(WEBHOOK), anyio.Event(), anyio.Event()
    answers: list[int] = []

    @receiver.on(WebhookEvent)
    async def handle(event: WebhookEvent) -> None:
        begun.set()
        await go.wait()

    async def take() -> None:
        answers.append((await receiver.receive(signed(body()), body())).status)

    async with anyio.create_task_group() as group:
        group.start_soon(take)
        await begun.wait()
        await take()
        go.set()
    await take()
    assert answers == [503, 200, 200]


@pytest.mark.anyio
async def test_plain_handlers_run_in_worker_threads() -> None:
    receiver, threads = WebhookReceiver(WEBHOOK), list[int]()

    @receiver.on(WebhookEvent)
    def handle(event: WebhookEvent) -> None:
        threads.append(threading.get_ident())

    assert (await receiver.receive(signed(body()), body())).status == 200
    assert threads != [threading.get_ident()]


@pytest.mark.anyio
async def test_plain_handlers_that_hold_every_worker_thread_do_not_hold_the_inbox_up() -> None:
    inbox, begun, go = MemoryWebhookInbox(), threading.Semaphore(0), threading.Event()
    receiver, threads = (
        WebhookReceiver(WEBHOOK, inbox=inbox),
        int(to_thread.current_default_thread_limiter().total_tokens),
    )

    @receiver.on(WebhookEvent)
    def handle(event: WebhookEvent) -> None:
        begun.release()
        assert go.wait(30)

    for number in range(threads):
        inbox.add(str(number), body(number=str(number)))
    async with anyio.create_task_group() as group:
        try:
            for _ in range(threads):
                group.start_soon(partial(receiver.handle_due, limit=1))
            for _ in range(threads):
                await to_thread.run_sync(begun.acquire, limiter=anyio.CapacityLimiter(1))
            with anyio.fail_after(10):
                assert (await receiver.receive(signed(body()), body())).status == 202
        finally:
            go.set()
    assert repr(inbox) == f"<MemoryWebhookInbox of 1 webhooks, {threads} handled>"


@pytest.mark.anyio
async def test_an_object_that_returns_a_coroutine_is_awaited() -> None:
    receiver, seen = WebhookReceiver(WEBHOOK), list[str]()

    async def handle(word: str, event: WebhookEvent) -> None:
        await anyio.lowlevel.checkpoint()
        seen.append(word)

    receiver.on(SampleNotification)(partial(handle, "partial"))
    receiver.on(WebhookEvent)(lambda event: handle("lambda", event))
    sample = body("SampleNotification", {"UserId": 1}, number="2")
    assert (await receiver.receive(signed(body()), body())).status == 200
    assert (await receiver.receive(signed(sample), sample)).status == 200
    assert seen == ["lambda", "partial"]


@pytest.mark.anyio
async def test_a_cancelled_handler_is_run_again() -> None:
    receiver, seen = WebhookReceiver(WEBHOOK), list[str]()

    @receiver.on(WebhookEvent)
    async def handle(event: WebhookEvent) -> None:
        seen.append("begun")
        if len(seen) == 1:
            await anyio.sleep_forever()

    with anyio.move_on_after(0.05):
        await receiver.receive(signed(body()), body())
    assert (await receiver.receive(signed(body()), body())).status == 200
    assert seen == ["begun", "begun"]


# --- after the answer


def test_a_stored_event_is_handled_afterwards(storing: Stage) -> None:
    storing.listen()
    assert [storing.take(body()), storing.take(body())] == [202, 202]
    assert storing.seen == []
    assert [storing.do("handle_due"), storing.do("handle_due")] == [1, 0]
    assert [type(event) for event in storing.seen] == [RightToErasureRequest]
    assert storing.take(body()) == 202
    assert storing.do("handle_due") == 0


def test_a_stored_event_whose_handler_failed_waits_longer_each_time(storing: Stage, clock_of_inbox: Clock) -> None:
    outcomes = [fail, fail, lambda: None]
    storing.listen(then=lambda: outcomes.pop(0)())
    storing.take(body())
    assert storing.do("handle_due") == 0
    assert storing.do("handle_due") == 0
    assert len(storing.seen) == 1  # it was not due again
    clock_of_inbox.now += 2.0
    assert storing.do("handle_due") == 0
    assert len(storing.seen) == 2
    clock_of_inbox.now += 1.9  # from two to four seconds
    assert storing.do("handle_due") == 0
    assert len(storing.seen) == 2
    clock_of_inbox.now += 2.1
    assert storing.do("handle_due") == 1
    assert len(storing.seen) == 3


def test_one_that_fails_does_not_hold_others_up(storing: Stage) -> None:
    storing.listen(SampleNotification, then=fail)
    storing.listen()
    storing.take(body("SampleNotification", {"UserId": 1}, number="1"))
    storing.take(body(number="2"))
    assert storing.do("handle_due") == 1
    assert [event.notification_id for event in storing.seen] == ["1", "2"]


def test_the_wait_grows_to_a_quarter_of_an_hour_and_no_further() -> None:
    receiver = WebhookReceiver(WEBHOOK)
    waits = [receiver._delay(attempts) for attempts in range(1, 40)]
    assert all(2.0**attempts / 2 <= wait <= 2.0**attempts for attempts, wait in enumerate(waits[:9], start=1))
    assert all(450 <= wait <= 900 for wait in waits[9:])
    assert receiver._delay(10**6) <= 900


def test_a_stored_event_that_cannot_be_read_any_more_stays(storing: Stage, inbox: MemoryWebhookInbox) -> None:
    storing.listen()
    inbox.add("1", b"from another version")
    storing.take(body())
    assert storing.do("handle_due") == 1
    assert repr(inbox) == "<MemoryWebhookInbox of 1 webhooks, 1 handled>"


class Broken:
    """An inbox that fails."""

    def __getattr__(self, name: str) -> Any:
        def broken(*arguments: Any, **options: Any) -> Any:
            raise OSError("the disk is full")

        return broken


def test_an_inbox_that_fails_has_roblox_try_again(mode: str, caplog: pytest.LogCaptureFixture) -> None:
    stage = Stage(mode, inbox=Broken())
    stage.listen()
    assert stage.take(body()) == 503
    assert "the disk is full" in caplog.text
    with pytest.raises(WebhookInboxError, match="the disk is full"):
        stage.do("handle_due")


@pytest.mark.parametrize(("limit", "handled"), [(1, [1, 1, 1, 0]), (2, [2, 1, 0, 0]), (None, [3, 0, 0, 0])])
def test_no_more_are_handled_than_the_limit(mode: str, limit: int | None, handled: list[int]) -> None:
    stage = Stage(mode, inbox=MemoryWebhookInbox())
    stage.listen()
    for number in range(3):
        stage.take(body(number=str(number)))
    assert [stage.do("handle_due", limit=limit) for _ in range(4)] == handled


@pytest.mark.parametrize("limit", [0, -1, True, 1.5, "1"])
def test_limits_that_cannot_be_meant_are_refused(storing: Stage, limit: Any) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        storing.do("handle_due", limit=limit)
    assert caught.value.argument == "limit"


def test_a_receiver_without_handlers_leaves_what_is_stored_to_others(storing: Stage, inbox: MemoryWebhookInbox) -> None:
    assert storing.take(body()) == 202
    for name in ("handle_due", "run"):
        with pytest.raises(ConfigurationError, match="no handlers"):
            storing.do(name)
    assert repr(inbox) == "<MemoryWebhookInbox of 1 webhooks, 0 handled>"


class Ended(Exception):
    """Ends what would go on for ever."""


class EndingClock(ManualClock):
    """Lets `run` wait so many times."""

    def __init__(self, waits: int) -> None:
        super().__init__()
        self._waits = waits

    def skip(self, seconds: float) -> bool:
        if len(self.sleeps) == self._waits:
            raise Ended
        return super().skip(seconds)


def runner(stage: Stage, waits: int) -> EndingClock:
    impl = getattr(stage.receiver, "_impl", stage.receiver)
    clock = EndingClock(waits)
    impl._runtime._clock = clock
    return clock


def test_run_handles_what_is_left_and_what_comes(storing: Stage) -> None:
    storing.listen()
    storing.take(body(number="1"))
    clock = runner(storing, 3)
    with pytest.raises(Ended):
        storing.do("run")
    assert len(storing.seen) == 1
    assert clock.sleeps == [1.0, 1.0, 1.0]


def test_run_goes_on_while_the_inbox_fails(mode: str, caplog: pytest.LogCaptureFixture) -> None:
    stage = Stage(mode, inbox=Broken())
    stage.listen()
    runner(stage, 3)
    with pytest.raises(Ended):
        stage.do("run")
    assert caplog.text.count("webhooks wait: the inbox failed: OSError: the disk is full") == 4


class PurgedInbox(MemoryWebhookInbox):
    """An inbox that notes when it is purged."""

    def __init__(self) -> None:
        super().__init__()
        self.purges: list[float] = []

    def purge(self, seconds: float) -> int:
        self.purges.append(seconds)
        return 0


def test_handle_due_forgets_what_was_handled_long_ago_once_an_hour(mode: str) -> None:
    inbox = PurgedInbox()
    stage = Stage(mode, inbox=inbox)
    stage.listen()
    clock = runner(stage, 0)
    for _ in range(3):
        stage.do("handle_due")
    assert inbox.purges == [7 * 86_400.0]
    clock.advance(3600)
    stage.do("handle_due")
    assert inbox.purges == [7 * 86_400.0] * 2


def test_run_forgets_what_was_handled_long_ago(mode: str) -> None:
    inbox = PurgedInbox()
    stage = Stage(mode, inbox=inbox)
    stage.listen()
    runner(stage, 3601)
    with pytest.raises(Ended):
        stage.do("run")
    assert inbox.purges == [7 * 86_400.0] * 2


@pytest.mark.anyio
async def test_a_cancelled_handler_is_due_at_once() -> None:
    inbox = MemoryWebhookInbox()
    receiver, seen = WebhookReceiver(WEBHOOK, inbox=inbox), list[str]()

    @receiver.on(WebhookEvent)
    async def handle(event: WebhookEvent) -> None:
        seen.append("begun")
        if len(seen) == 1:
            await anyio.sleep_forever()

    await receiver.receive(signed(body()), body())
    with anyio.move_on_after(0.05):
        await receiver.handle_due()
    assert await receiver.handle_due() == 1
    assert seen == ["begun", "begun"]


class Stuck(MemoryWebhookInbox):
    """An inbox that fails when it is to let go of an event."""

    def release(self, key: str, holder: str, *, delay: float) -> None:
        raise OSError("the disk is full")

    def finish(self, key: str) -> None:
        raise OSError("the disk is full")


@pytest.mark.anyio
async def test_a_cancellation_ends_run_although_the_inbox_fails(caplog: pytest.LogCaptureFixture) -> None:
    receiver = WebhookReceiver(WEBHOOK, inbox=Stuck())
    await receiver.receive(signed(body()), body())
    with anyio.fail_after(10), anyio.CancelScope() as scope:

        @receiver.on(WebhookEvent)
        async def handle(event: WebhookEvent) -> None:
            scope.cancel()
            await anyio.sleep_forever()

        await receiver.run()
    assert scope.cancelled_caught
    assert "has to run out: the inbox failed: OSError: the disk is full" in caplog.text


@pytest.mark.asyncio
async def test_a_task_that_is_cancelled_ends_although_the_inbox_fails() -> None:
    receiver, begun = WebhookReceiver(WEBHOOK, inbox=Stuck()), asyncio.Event()

    @receiver.on(WebhookEvent)
    async def handle(event: WebhookEvent) -> None:
        begun.set()
        await asyncio.sleep(3600)

    await receiver.receive(signed(body()), body())
    task = asyncio.create_task(receiver.handle_due())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def test_ctrl_c_ends_run_although_the_inbox_fails() -> None:
    stage = Stage("blocking", inbox=Stuck())
    stage.listen(then=interrupt)
    stage.take(body())
    runner(stage, 0)
    with pytest.raises(KeyboardInterrupt):
        stage.do("run")


@pytest.mark.anyio
async def test_a_plain_handler_that_came_to_its_end_is_not_run_again_after_a_cancellation() -> None:
    receiver, ran = WebhookReceiver(WEBHOOK, inbox=MemoryWebhookInbox()), list[str]()

    with anyio.CancelScope() as scope:

        @receiver.on(WebhookEvent)
        def handle(event: WebhookEvent) -> None:
            anyio.from_thread.run_sync(scope.cancel)
            ran.append(event.notification_id)

        await receiver.receive(signed(body()), body())
        await receiver.handle_due()
    assert scope.cancelled_caught
    assert (await receiver.handle_due(), ran) == (0, [NUMBER])


@pytest.mark.asyncio
async def test_a_plain_handler_is_waited_for_when_its_task_is_cancelled() -> None:
    receiver, begun, go = WebhookReceiver(WEBHOOK, inbox=MemoryWebhookInbox()), threading.Event(), threading.Event()
    ran: list[str] = []

    @receiver.on(WebhookEvent)
    def handle(event: WebhookEvent) -> None:
        begun.set()
        assert go.wait(10)
        ran.append(event.notification_id)

    await receiver.receive(signed(body()), body())
    task = asyncio.create_task(receiver.handle_due())
    assert await asyncio.to_thread(begun.wait, 10)
    task.cancel()
    for _ in range(10):
        await asyncio.sleep(0)
    assert not task.done()
    assert await receiver.handle_due() == 0  # it is still leased
    go.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ran == [NUMBER]


class SlowInbox(MemoryWebhookInbox):
    """An inbox whose leases come late."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock=clock)
        self.begun, self.go = threading.Event(), threading.Event()

    def lease(self, holder: str, seconds: float) -> Any:
        stored = super().lease(holder, seconds)
        self.begun.set()
        assert self.go.wait(10)
        return stored


@pytest.mark.asyncio
async def test_an_event_that_was_leased_for_a_task_that_is_cancelled_is_due_at_once(clock_of_inbox: Clock) -> None:
    inbox, seen = SlowInbox(clock_of_inbox), list[WebhookEvent]()
    receiver = WebhookReceiver(WEBHOOK, inbox=inbox)
    receiver.on(WebhookEvent)(seen.append)
    await receiver.receive(signed(body()), body())
    task = asyncio.create_task(receiver.handle_due())
    assert await asyncio.to_thread(inbox.begun.wait, 10)
    task.cancel()
    await asyncio.sleep(0)
    inbox.go.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert seen == []
    assert await receiver.handle_due() == 1


@pytest.mark.anyio
async def test_a_plain_handler_that_fails_while_it_is_cancelled_gives_its_lease_back(clock_of_inbox: Clock) -> None:
    inbox, outcomes = MemoryWebhookInbox(clock=clock_of_inbox), [fail, lambda: None]
    receiver = WebhookReceiver(WEBHOOK, inbox=inbox)
    with anyio.CancelScope() as scope:

        @receiver.on(WebhookEvent)
        def handle(event: WebhookEvent) -> None:
            anyio.from_thread.run_sync(scope.cancel)
            outcomes.pop(0)()

        await receiver.receive(signed(body()), body())
        await receiver.handle_due()
    clock_of_inbox.now += 2.0
    assert await receiver.handle_due() == 1


async def await_what_was_cancelled(event: WebhookEvent) -> None:
    task = asyncio.create_task(asyncio.sleep(3600))
    task.cancel()
    await task


@pytest.mark.asyncio
async def test_a_handler_that_awaits_what_was_cancelled_has_failed(caplog: pytest.LogCaptureFixture) -> None:
    receiver = WebhookReceiver(WEBHOOK)
    receiver.on(WebhookEvent)(await_what_was_cancelled)
    assert (await receiver.receive(signed(body()), body())).status == 503
    assert "what was awaited has been cancelled" in caplog.text


@pytest.mark.asyncio
async def test_a_stored_event_whose_handler_awaits_what_was_cancelled_waits_for_its_next_attempt(
    clock_of_inbox: Clock,
) -> None:
    receiver, seen = WebhookReceiver(WEBHOOK, inbox=MemoryWebhookInbox(clock=clock_of_inbox)), list[WebhookEvent]()
    receiver.on(RightToErasureRequest)(await_what_was_cancelled)
    receiver.on(WebhookEvent)(seen.append)
    sample = body("SampleNotification", {"UserId": 1}, number="2")
    await receiver.receive(signed(body()), body())
    await receiver.receive(signed(sample), sample)
    assert await receiver.handle_due() == 1
    assert [event.notification_id for event in seen] == ["2"]
    assert await receiver.handle_due() == 0


def run_what_is_cancelled(event: WebhookEvent) -> None:
    asyncio.run(await_what_was_cancelled(event))


def call_for_the_end(event: WebhookEvent) -> None:
    sys.exit(3)


async def call_for_the_end_later(event: WebhookEvent) -> None:
    await anyio.lowlevel.checkpoint()
    sys.exit(3)


def test_a_plain_handler_whose_own_loop_is_cancelled_has_failed(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    stage.receiver.on(WebhookEvent)(run_what_is_cancelled)
    assert stage.take(body()) == 503
    assert "what was called has been cancelled" in caplog.text


def test_a_stored_event_whose_plain_handler_is_cancelled_does_not_end_the_worker(storing: Stage) -> None:
    storing.receiver.on(RightToErasureRequest)(run_what_is_cancelled)
    storing.listen()
    storing.take(body())
    storing.take(body("SampleNotification", {"UserId": 1}, number="2"))
    assert [storing.do("handle_due"), storing.do("handle_due")] == [1, 0]
    assert [event.notification_id for event in storing.seen] == ["2"]


@pytest.mark.parametrize("mode", ["asyncio", "trio"])
def test_a_plain_handler_that_calls_for_the_end_of_the_program_has_failed(
    mode: str, inbox: MemoryWebhookInbox, caplog: pytest.LogCaptureFixture
) -> None:
    direct, storing = Stage(mode), Stage(mode, inbox=inbox)
    for stage in (direct, storing):
        stage.receiver.on(WebhookEvent)(call_for_the_end)
    assert (direct.take(body()), storing.take(body())) == (503, 202)
    assert [storing.do("handle_due"), storing.do("handle_due")] == [0, 0]  # it is not due again at once
    assert caplog.text.count("RuntimeError: what was called has called for the end") == 2


def test_in_a_thread_of_a_blocking_program_a_handler_that_calls_for_the_end_has_failed() -> None:
    stage, statuses = Stage("blocking"), list[int]()
    stage.receiver.on(WebhookEvent)(call_for_the_end)
    thread = threading.Thread(target=lambda: statuses.append(stage.take(body())))
    thread.start()
    thread.join()
    assert statuses == [503]


@pytest.mark.parametrize("mode", ["asyncio", "trio"])
def test_in_the_main_thread_of_an_async_program_a_signal_handler_can_call_for_the_end(mode: str) -> None:
    stage = Stage(mode)
    stage.receiver.on(WebhookEvent)(call_for_the_end_later)
    with pytest.raises(SystemExit):
        stage.take(body())


@pytest.mark.parametrize("mode", ["asyncio", "trio"])
def test_a_plain_handler_that_stops_when_it_is_cancelled_leaves_the_event_due(
    mode: str, inbox: MemoryWebhookInbox
) -> None:
    receiver = WebhookReceiver(WEBHOOK, inbox=inbox)
    began = threading.Event()

    @receiver.on(WebhookEvent)
    def handle(event: WebhookEvent) -> None:
        began.set()
        while not threading.Event().wait(0.001):
            anyio.from_thread.check_cancelled()

    async def story() -> None:
        await receiver.receive(signed(body()), body())
        async with anyio.create_task_group() as group:
            group.start_soon(receiver.handle_due)
            await anyio.to_thread.run_sync(began.wait)
            group.cancel_scope.cancel()
        assert inbox.lease("another", 30) is not None

    anyio.run(story, backend=mode)


def test_what_is_not_signed_need_not_be_remembered() -> None:
    WebhookReceiver(Webhook(None, allow_unsigned=True), remember=1)


def test_in_the_main_thread_of_a_blocking_program_a_signal_handler_can_call_for_the_end() -> None:
    stage = Stage("blocking", inbox=MemoryWebhookInbox())
    stage.receiver.on(WebhookEvent)(call_for_the_end)
    stage.take(body())
    with pytest.raises(SystemExit):
        stage.do("run")


def test_ctrl_c_in_a_handler_leaves_the_event_due() -> None:
    stage = Stage("blocking", inbox=MemoryWebhookInbox())
    outcomes: list[Callable[[], None]] = [interrupt, lambda: None]
    stage.listen(then=lambda: outcomes.pop(0)())
    stage.take(body())
    with pytest.raises(KeyboardInterrupt):
        stage.do("handle_due")
    assert stage.do("handle_due") == 1


def interrupt() -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("mode", MODES)
def test_a_long_handler_keeps_its_lease(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rblxcloud.webhooks.receiver._LEASE_SECONDS", 0.03)
    renewed = threading.Event()

    class Inbox(MemoryWebhookInbox):
        def renew(self, key: str, holder: str, seconds: float) -> bool:
            kept = super().renew(key, holder, seconds)
            renewed.set()
            return kept

    stage = Stage(mode, inbox=Inbox(clock=Clock()))

    def plain(event: WebhookEvent) -> None:
        renewed.clear()
        assert renewed.wait(10)
        assert renewed.wait(10)

    stage.receiver.on(WebhookEvent)(plain)
    stage.take(body())
    assert stage.do("handle_due") == 1


def test_a_lease_that_was_lost_is_told(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr("rblxcloud.webhooks.receiver._LEASE_SECONDS", 0.03)
    asked = threading.Event()

    class Inbox(MemoryWebhookInbox):
        def renew(self, key: str, holder: str, seconds: float) -> bool:
            asked.set()
            return False

    stage = Stage("blocking", inbox=Inbox())
    stage.receiver.on(WebhookEvent)(lambda event: asked.wait(10) and asked.clear() is None and asked.wait(10))
    stage.take(body())
    assert stage.do("handle_due") == 1
    assert "its lease has run out" in caplog.text


@pytest.mark.anyio
async def test_of_two_receivers_with_one_inbox_one_handles_an_event(address: str, table: str) -> None:
    running, most, handled = list[str](), list[int](), list[str]()

    async def handle(event: WebhookEvent) -> None:
        running.append(event.notification_id)
        most.append(running.count(event.notification_id))
        await anyio.sleep(0.01)
        running.remove(event.notification_id)
        handled.append(event.notification_id)

    async def deliver(receiver: WebhookReceiver) -> None:
        for number in range(10):
            content = body(number=str(number))
            assert (await receiver.receive(signed(content), content)).status == 202
            await receiver.handle_due()

    inboxes = [SQLWebhookInbox(address, table=table) for _ in range(2)]
    async with anyio.create_task_group() as group:
        for inbox in inboxes:
            receiver = WebhookReceiver(WEBHOOK, inbox=inbox)
            receiver.on(WebhookEvent)(handle)
            group.start_soon(deliver, receiver)
    for inbox in inboxes:
        inbox.close()
    assert sorted(handled) == [str(number) for number in range(10)]
    assert set(most) == {1}


# --- what is refused


def test_handlers_are_refused_that_cannot_be_meant(stage: Stage) -> None:
    for kind in (int, "", None, 5, WEBHOOK):
        with pytest.raises(InvalidRequestError) as caught:
            stage.receiver.on(kind)
        assert caught.value.argument == "kind"
    with pytest.raises(InvalidRequestError) as caught:
        stage.receiver.on(WebhookEvent)("no function")
    assert caught.value.argument == "handler"
    stage.listen(SampleNotification)
    with pytest.raises(InvalidRequestError, match="a handler already"):
        stage.receiver.on(SampleNotification)


def generate(event: WebhookEvent) -> Iterator[None]:
    yield


async def generate_later(event: WebhookEvent) -> AsyncIterator[None]:
    yield


async def return_a_generator(event: WebhookEvent) -> Iterator[None]:
    return generate(event)


@pytest.mark.parametrize("handler", [generate, generate_later, partial(generate)])
def test_a_handler_with_a_yield_is_refused(stage: Stage, handler: Any) -> None:
    with pytest.raises(InvalidRequestError, match="has a yield") as caught:
        stage.receiver.on(WebhookEvent)(handler)
    assert caught.value.argument == "handler"
    assert not stage.receiver.handles


@pytest.mark.parametrize("handler", [lambda event: generate(event), lambda event: generate_later(event)])
def test_a_handler_that_returns_a_generator_has_failed(
    stage: Stage, handler: Any, caplog: pytest.LogCaptureFixture
) -> None:
    stage.receiver.on(WebhookEvent)(handler)
    assert stage.take(body()) == 503
    assert "TypeError: the handler has returned a generator" in caplog.text


@pytest.mark.anyio
async def test_a_coroutine_handler_that_returns_a_generator_has_failed() -> None:
    receiver = WebhookReceiver(WEBHOOK)
    receiver.on(WebhookEvent)(return_a_generator)
    assert (await receiver.receive(signed(body()), body())).status == 503


@pytest.mark.parametrize("inbox", ["sqlite:///inbox.db", MemoryWebhookInbox, 5])
def test_an_inbox_that_is_none_is_refused(inbox: Any) -> None:
    with pytest.raises(InvalidRequestError, match="^inbox: .* SQLWebhookInbox"):
        WebhookReceiver(WEBHOOK, inbox=inbox)


def test_a_coroutine_function_is_refused_in_blocking_mode() -> None:
    receiver = rblxcloud.sync.WebhookReceiver(WEBHOOK)

    async def handle(event: WebhookEvent) -> None: ...

    with pytest.raises(InvalidRequestError, match="coroutine function"):
        receiver.on(WebhookEvent)(handle)


def test_a_body_that_was_decoded_is_the_programs_mistake(stage: Stage) -> None:
    with pytest.raises(InvalidRequestError, match="as they came"):
        stage.do("receive", signed(body()), body().decode())


def test_without_an_inbox_there_is_nothing_to_run(stage: Stage) -> None:
    for name in ("run", "handle_due"):
        with pytest.raises(ConfigurationError, match="inbox="):
            stage.do(name)


class AsynchronousInbox(MemoryWebhookInbox):
    """An inbox that would store nothing: nobody awaits it."""

    async def add(self, key: str, body: bytes) -> bool:  # type: ignore[override]
        return True


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"webhook": SECRET}, "webhook"),
        ({"webhook": WEBHOOK, "inbox": "sqlite:///inbox.db"}, "inbox"),
        ({"webhook": WEBHOOK, "inbox": MemoryWebhookInbox}, "inbox"),
        ({"webhook": WEBHOOK, "inbox": AsynchronousInbox()}, "inbox"),
        ({"webhook": WEBHOOK, "remember": 0}, "remember"),
        ({"webhook": WEBHOOK, "remember": "week"}, "remember"),
        ({"webhook": WEBHOOK, "remember": 7}, "remember"),
        ({"webhook": WEBHOOK, "max_body_bytes": 0}, "max_body_bytes"),
        ({"webhook": WEBHOOK, "max_body_bytes": 1.5}, "max_body_bytes"),
    ],
)
def test_arguments_that_cannot_be_meant_are_refused(arguments: dict[str, Any], named: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        WebhookReceiver(**arguments)
    assert caught.value.argument == named


def test_what_is_remembered_for_a_shorter_time_than_it_can_be_sent_again_is_refused() -> None:
    problem = "^remember: 1199 seconds: it must be 1200 or more, twice the webhook's tolerance"
    with pytest.raises(InvalidRequestError, match=problem):
        WebhookReceiver(WEBHOOK, remember=1199)
    WebhookReceiver(WEBHOOK, remember=1200)
    WebhookReceiver(Webhook(SECRET, tolerance=3), remember=6)
    with pytest.raises(InvalidRequestError, match="7200 or more"):
        WebhookReceiver(Webhook(SECRET, tolerance=3600), remember=7199)


def test_a_receiver_shows_what_it_handles(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    stage.listen(RightToErasureRequest)
    stage.listen("SomethingNew")
    assert repr(stage.receiver).endswith("WebhookReceiver of RightToErasureRequest, SomethingNew>")
    with caplog.at_level(logging.DEBUG):
        stage.take(body(), signed(body(), "another"))
    assert SECRET not in repr(stage.receiver) + caplog.text


@pytest.mark.anyio
async def test_the_runtime_is_the_one_of_the_loop() -> None:
    assert isinstance(WebhookReceiver(WEBHOOK)._runtime, ConcurrentRuntime)
