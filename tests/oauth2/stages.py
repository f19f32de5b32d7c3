"""An application, the emulator as its provider and one clock for both; in process, in one of three modes."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field, replace
from typing import Any

import anyio

from rblxcloud import OAuth2App, TokenKey
from rblxcloud.config import RetryPolicy
from rblxcloud.emulator import Emulator, EmulatorTransport
from rblxcloud.emulator.journal import LoggedRequest
from rblxcloud.http.rate_limit import RateLimiter
from rblxcloud.http.session import Session, SessionSettings
from rblxcloud.oauth2.stores.memory import MemoryTokenStore
from rblxcloud.runtime.base import Runtime
from rblxcloud.runtime.blocking import BlockingRuntime, run
from rblxcloud.runtime.concurrent import ConcurrentRuntime
from tests.support.clock import ManualClock

CLIENT_ID, SECRET, REDIRECT = "1234567890", "emulator-secret", "http://localhost:9066/roblox"
BASE = "http://127.0.0.1:8360"
SCOPES = ["openid", "profile", "universe-messaging-service:publish"]
USER = 42
KEY = TokenKey(CLIENT_ID, USER)
LIFE = 899.0
"""Seconds for which an access token is good."""
UNIVERSE = 13058

MODES = ("asyncio", "trio", "blocking")


class SharedClock(ManualClock):
    """The client's clock, which takes the emulator's along."""

    def __init__(self, emulator: Emulator) -> None:
        super().__init__()
        self._emulator = emulator
        emulator.clock.freeze()
        emulator.clock.set(self.wall_time())

    def skip(self, seconds: float) -> bool:
        self._emulator.clock.advance(seconds)
        return super().skip(seconds)

    def advance(self, seconds: float) -> None:
        self._emulator.clock.advance(seconds)
        super().advance(seconds)


@dataclass
class Stage:
    """What a test plays on."""

    emulator: Emulator
    mode: str
    transport: Any = None
    clock: SharedClock = field(init=False)
    store: Any = field(init=False)

    def __post_init__(self) -> None:
        self.clock = SharedClock(self.emulator)
        self.transport = self.transport or EmulatorTransport(self.emulator)
        self.store = MemoryTokenStore(clock=self.clock.monotonic)

    def runtime(self) -> Runtime:
        made = BlockingRuntime if self.mode == "blocking" else ConcurrentRuntime
        return made(transport=self.transport, clock=self.clock)

    def app(self, secret: str | None = SECRET, **options: Any) -> OAuth2App:
        """An application over this stage's transport and clock."""
        app = OAuth2App(options.pop("id", CLIENT_ID), secret, REDIRECT, base_url=BASE, **options)
        return on_runtime(app, self.runtime())

    def tell(self, story: Callable[[OAuth2App], Coroutine[Any, Any, Any]], app: OAuth2App | None = None) -> Any:
        """Run a story with an application in this stage's mode."""
        app = app or self.app()
        return run(story(app)) if self.mode == "blocking" else anyio.run(story, app, backend=self.mode)

    def approve(self, uri: str, **choices: Any) -> str:
        """What a user does on the consent page; return where the browser goes."""
        return self.emulator.oauth.approve(uri, user=choices.pop("user", USER), **choices)

    async def sign_in(self, app: OAuth2App, scope: Any = SCOPES, **choices: Any) -> Any:
        """Go through the consent page, and return the access token."""
        request = app.authorize(scope)
        return await app.finish(request, self.approve(request.uri, **choices))

    def sent(self, endpoint: str) -> list[LoggedRequest]:
        """The requests that the emulator has seen."""
        return self.emulator.requests(endpoint=endpoint)


def refreshes(stage: Stage) -> int:
    """How many refreshes Roblox has been asked for, since the sign-in."""
    return len(stage.sent("oauth.token")) - 1


async def signed_in(stage: Stage, app: OAuth2App, **choices: Any) -> Any:
    return await app.sign_in(await stage.sign_in(app, **choices), store=stage.store)


async def publish(client: Any) -> None:
    await client.experience(UNIVERSE).publish_message("topic", "message")


def row_of(stage: Stage) -> Any:
    return stage.store.load(KEY)


def on_runtime(app: OAuth2App, runtime: Runtime) -> OAuth2App:
    """Put an application over a runtime, with retries that wait for no time."""
    binding: Any = app._binding
    options = replace(binding._options, retry=RetryPolicy(retries=binding._options.retry.retries), rate_limits="off")
    session = Session(
        runtime, SessionSettings(binding._credential, binding.base_url, options), RateLimiter(), holds_connections=False
    )
    provider: Any = app._provider
    session.base_url = binding.base_url  # type: ignore[attr-defined]
    app._binding = provider.binding = provider._keys._binding = session  # type: ignore[assignment]
    return app


class Interposed:
    """A store that calls a function before, or after, some of its methods.

    Args:
        store: What it is around.
        **steps: By `before_` or `after_` and a method's name.
    """

    def __init__(self, store: Any, **steps: Callable[[], object]) -> None:
        self._store = store
        self._steps = steps

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._store, name)

        def call(*arguments: Any, **options: Any) -> Any:
            self._steps.get(f"before_{name}", lambda: None)()
            result = method(*arguments, **options)
            self._steps.get(f"after_{name}", lambda: None)()
            return result

        return call


def once(step: Callable[[], object]) -> Callable[[], None]:
    """Return a function that takes a step the first time it is called."""
    left = [step]

    def call() -> None:
        if left:
            left.pop()()

    return call
