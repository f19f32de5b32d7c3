"""A caller who is cancelled, or presses Ctrl-C, at every step of a refresh: the exchange and the store finish."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable

import anyio
import anyio.from_thread
import anyio.lowlevel
import httpx
import pytest

from rblxcloud import OAuth2App, SignInRequiredError
from rblxcloud.emulator import EmulatorTransport
from rblxcloud.runtime.blocking import run
from tests.oauth2.stages import KEY, LIFE, USER, Interposed, Stage, once, publish

STORE_STEPS = ("before_load", "after_load", "before_lease", "after_lease", "before_replace", "after_replace")
WIRE_STEPS = ("before_send", "after_answer")


class Wire(httpx.AsyncBaseTransport, httpx.BaseTransport):
    """The emulator's transport, with steps around requests to the token endpoint."""

    def __init__(self, inner: EmulatorTransport, steps: dict[str, Callable[[], object]]) -> None:
        self._inner = inner
        self._steps = steps

    def _step(self, name: str, request: httpx.Request) -> None:
        if request.url.path.endswith("/token"):
            self._steps.get(name, lambda: None)()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self._step("before_send", request)
        response = await self._inner.handle_async_request(request)
        self._step("after_answer", request)
        await anyio.lowlevel.checkpoint()
        return response

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self._step("before_send", request)
        response = self._inner.handle_request(request)
        self._step("after_answer", request)
        return response


def check_still_signed_in(stage: Stage, app_of: Callable[[], OAuth2App]) -> None:
    """The refresh that began has ended, its tokens are stored, and no dead one was ever sent."""
    row = stage.store.load(KEY)
    assert row is not None
    assert (row.attempts, row.leased, row.ended) == (0, False, False)

    async def story(app: OAuth2App) -> None:
        await publish(app.client(USER, store=stage.store))
        stage.clock.advance(LIFE)
        await publish(app.client(USER, store=stage.store))

    stage.tell(story, app_of())
    assert all(request.status == 200 for request in stage.sent("oauth.token"))


async def prepare(stage: Stage, app: OAuth2App) -> None:
    await app.sign_in(await stage.sign_in(app), store=stage.store)
    stage.clock.advance(LIFE)


@pytest.mark.parametrize("native", [False, True], ids=["scope", "task"])
@pytest.mark.parametrize("step", [*STORE_STEPS, *WIRE_STEPS])
def test_a_caller_cancelled_at_a_step(async_stage: Stage, step: str, native: bool) -> None:
    stage = async_stage
    if native and stage.mode == "trio":
        native = False  # trio has no other way
    cancel: list[Callable[[], object]] = []

    def here() -> None:
        if not cancel:
            return
        try:
            anyio.from_thread.run_sync(cancel[0])
        except RuntimeError:  # not a worker thread: the transport
            cancel[0]()

    stage.transport = Wire(EmulatorTransport(stage.emulator), {step: here})

    async def story(app: OAuth2App) -> None:
        await prepare(stage, app)
        client = app.client(USER, store=Interposed(stage.store, **{step: here}))
        if native:
            task = asyncio.ensure_future(publish(client))
            cancel.append(task.cancel)
            with pytest.raises(asyncio.CancelledError):
                await task
        else:
            with anyio.CancelScope() as scope:
                cancel.append(scope.cancel)
                await publish(client)
            assert scope.cancelled_caught
        cancel.clear()
        if not step.endswith("load"):  # before the lease it may begin or not
            assert len(stage.sent("oauth.token")) == 2
        assert not stage.store.load(KEY).leased  # type: ignore[union-attr]

    stage.tell(story)
    check_still_signed_in(stage, stage.app)


@pytest.mark.parametrize("ticks", range(0, 60, 3))
def test_a_caller_cancelled_after_any_number_of_ticks(async_stage: Stage, ticks: int) -> None:
    stage = async_stage

    async def story(app: OAuth2App) -> None:
        await prepare(stage, app)
        async with anyio.create_task_group() as group:
            group.start_soon(publish, app.client(USER, store=stage.store))
            for _ in range(ticks):
                await anyio.lowlevel.checkpoint()
            group.cancel_scope.cancel()

    stage.tell(story)
    check_still_signed_in(stage, stage.app)


def test_a_cancelled_task_does_not_take_those_that_wait_along(async_stage: Stage) -> None:
    stage = async_stage
    stage.transport = Wire(EmulatorTransport(stage.emulator), {})
    scopes: list[anyio.CancelScope] = []

    async def story(app: OAuth2App) -> None:
        await prepare(stage, app)
        store = Interposed(stage.store, after_lease=lambda: anyio.from_thread.run_sync(scopes[0].cancel))

        async def cancelled() -> None:
            with anyio.CancelScope() as scope:
                scopes.append(scope)
                await publish(app.client(USER, store=store))

        async with anyio.create_task_group() as group:
            group.start_soon(cancelled)
            for _ in range(5):
                await anyio.lowlevel.checkpoint()
                group.start_soon(publish, app.client(USER, store=store))

    stage.tell(story)
    assert scopes[0].cancelled_caught
    assert len(stage.emulator.messages()) >= 5  # the cancelled one may have been on its way
    assert len(stage.sent("oauth.token")) == 2
    check_still_signed_in(stage, stage.app)


@pytest.mark.parametrize("step", [*STORE_STEPS, *WIRE_STEPS])
def test_ctrl_c_at_a_step(blocking_stage: Stage, step: str) -> None:
    stage = blocking_stage
    armed: list[bool] = []

    def here() -> None:
        if armed:
            armed.clear()
            signal.raise_signal(signal.SIGINT)

    stage.transport = Wire(EmulatorTransport(stage.emulator), {step: here})
    app = stage.app()
    run(prepare(stage, app))
    client = app.client(USER, store=Interposed(stage.store, **{step: here}))
    armed.append(True)
    with pytest.raises(KeyboardInterrupt):
        run(publish(client))
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert len(stage.sent("oauth.token")) == (1 if step.endswith("load") else 2)
    check_still_signed_in(stage, stage.app)


@pytest.mark.parametrize(
    ("step", "lost"), [("after_lease", False), ("before_send", False), ("after_answer", True), ("before_replace", True)]
)
def test_a_second_ctrl_c_breaks_off_and_the_user_is_signed_in_or_told_to_sign_in(
    blocking_stage: Stage, step: str, lost: bool
) -> None:
    stage = blocking_stage
    armed: list[bool] = []

    def here() -> None:
        if armed:
            armed.clear()
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)

    stage.transport = Wire(EmulatorTransport(stage.emulator), {step: here})
    app = stage.app()
    run(prepare(stage, app))
    client = app.client(USER, store=Interposed(stage.store, **{step: once(here)}))
    armed.append(True)
    with pytest.raises(KeyboardInterrupt):
        run(publish(client))
    row = stage.store.load(KEY)
    assert row is not None
    assert (row.attempts, row.ended) == (1, False)
    again = app.client(USER, store=stage.store)
    if lost:
        for _ in range(2):
            with pytest.raises(SignInRequiredError):
                run(publish(again))
        assert [request.status for request in stage.sent("oauth.token")] == [200, 200, 400]
    else:
        run(publish(again))
