"""How an object comes by its session: from a client, or, when it stands alone, from one that its like share."""

from __future__ import annotations

import weakref
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol

from pydantic import SecretStr

from rblxcloud.config import Options, resolve_base_url, resolve_rate_limits
from rblxcloud.errors import ConfigurationError
from rblxcloud.http.auth import Credential, resolve_credential
from rblxcloud.http.rate_limit import shared_limiter
from rblxcloud.http.session import Session, SessionSettings
from rblxcloud.runtime.base import Runtime, opening

Mode = Literal["async", "blocking"]

_MOST_RESTING = 3
"""Loops that are not running may go on, as where some take turns in a thread; or were left without being closed."""

BINDING = "rblxcloud_binding"
"""Key of the validation context under which a new resource finds its binding."""


class Binding(Protocol):
    """Where a resource gets its session from."""

    def get(self) -> Session:
        """Return the session to call with now."""
        ...

    async def aclose(self) -> None:
        """Close what was opened for this object alone."""
        ...


def make_runtime(mode: Mode, http_client: Any = None) -> Runtime:
    """Return a runtime; what the other mode needs is not imported.

    Args:
        mode: Which one.
        http_client: A user's client of httpx or httpx2, whose connections are to be used.

    Raises:
        ConfigurationError: The client is of the wrong kind.
    """
    if mode == "blocking":
        from rblxcloud.runtime.blocking import BlockingRuntime

        return BlockingRuntime(http_client)
    from rblxcloud.runtime.concurrent import ConcurrentRuntime

    return ConcurrentRuntime(http_client)


@dataclass(slots=True)
class _Shared:
    session: Session
    users: int = 0


_Key = tuple[object, ...]
_Held = tuple[_Key, "weakref.finalize[..., StandaloneBinding]"]
_sessions: dict[_Key, _Shared] = {}


class StandaloneBinding:
    """The session of an object that was made without a client.

    Such objects share one session for each mode, credential, address and event loop. It is made at the first request
    and closed, silently, when the last of them is closed or collected. An object that is used in several event loops
    holds the session of each.

    Args:
        mode: `async` or `blocking`.
        api_key: Open Cloud API key.
        access_token: OAuth 2.0 access token, instead of a key.
        base_url: Address of Open Cloud.
        credential: What signs, instead of either.
        options: How the session behaves, but for its rate limits, which the environment sets.

    Raises:
        ConfigurationError: No credential, both, or an address that is refused.
    """

    def __init__(
        self,
        mode: Mode,
        *,
        api_key: str | SecretStr | None = None,
        access_token: str | SecretStr | None = None,
        base_url: str | None,
        credential: Credential | None = None,
        options: Options | None = None,
    ) -> None:
        self._mode: Mode = mode
        self._credential: Credential = credential or resolve_credential(api_key, access_token)
        self.base_url: str = resolve_base_url(base_url)
        self._options = replace(options or Options(), rate_limits=resolve_rate_limits(None))
        self._held: dict[object, _Held] = {}
        self._closed = False

    def get(self) -> Session:
        """Return the session that this object's like share now.

        Raises:
            ConfigurationError: The object is closed.
        """
        if self._closed:
            raise ConfigurationError("this object is closed; make a new one")
        loop = self._loop()
        key = self._key(loop)
        if loop in self._held and (known := _sessions.get(key)) is not None:
            return known.session
        with opening:
            shared = _sessions.get(key)
            if shared is None:
                settings = SessionSettings(self._credential, self.base_url, self._options)
                shared = _sessions[key] = _Shared(Session(make_runtime(self._mode), settings, shared_limiter()))
            if loop not in self._held:  # Another thread may have been first.
                shared.users += 1
                self._held[loop] = (key, weakref.finalize(self, _release, key))
        self._let_go_of_the_past(loop)
        return shared.session

    def _loop(self) -> object:
        """Return the event loop, which has a session to itself; None in blocking mode, where all threads share one."""
        if self._mode == "blocking":
            return None
        from rblxcloud.runtime.concurrent import current_loop

        return current_loop()

    def _key(self, loop: object) -> _Key:
        options = (self._options.rate_limits, self._options.timeout, self._options.retry)
        return (self._mode, self._credential.kind, self._credential.fingerprint, self.base_url, options, loop)

    def _let_go_of_the_past(self, current: object) -> None:
        """Let go of the sessions of event loops that have ended, and of all but a few that only seem to rest."""
        if current is None:
            return
        from rblxcloud.runtime.tasks import has_ended, rests

        resting = 0
        for loop in reversed(tuple(self._held)):
            resting += loop is not current and rests(loop)
            if has_ended(loop) or resting > _MOST_RESTING:
                self._let_go(loop)

    def _let_go(self, loop: object) -> None:
        held = self._held.pop(loop, None)
        if held is not None:
            held[1]()

    async def aclose(self) -> None:
        """Close the session, when no other object uses it, and let go of those of other loops; idempotent."""
        self._closed = True
        held = self._held.pop(self._loop(), None)
        for loop in tuple(self._held):
            self._let_go(loop)
        if held is None or held[1].detach() is None:
            return
        session = _leave(held[0])
        if session is not None:
            await session.aclose()


class SignedBinding:
    """The session of another binding, with another credential on each request.

    Args:
        binding: The other one.
        credential: What signs.
    """

    def __init__(self, binding: Binding, credential: Credential) -> None:
        self._binding = binding
        self._credential = credential
        self._derived: tuple[Session, Session] | None = None

    def get(self) -> Session:
        """Return the session to call with now."""
        session, derived = self._binding.get(), self._derived
        if derived is None or derived[0] is not session:
            derived = self._derived = (session, session.with_credential(self._credential))
        return derived[1]

    async def aclose(self) -> None:
        """Close nothing: the connections are those of the other binding."""


def _leave(key: _Key) -> Session | None:
    """Count one user less; return the session when it was the last."""
    with opening:
        shared = _sessions.get(key)
        if shared is None:
            return None
        shared.users -= 1
        if shared.users > 0:
            return None
        del _sessions[key]
        return shared.session


def _release(key: _Key) -> None:
    session = _leave(key)
    if session is not None:
        session.abandon()
