"""The one request path. Every call to Roblox, of every resource and in both modes, goes through `Session.send`.

The order of one call: deadline check, rate limiter, credential, hooks, send, hooks, limiter learns from the headers, on
401 one refresh, retry decision, error class. Whether a call may be repeated is settled before its first attempt.
"""

from __future__ import annotations

import json
import logging
import os
import warnings
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar, cast

from pydantic import TypeAdapter

from rblxcloud.config import DEFAULT_BASE_URL, DEFAULT_MAX_RESPONSE_BYTES, Options, RetryPolicy
from rblxcloud.endpoints.api_keys import INTROSPECT_API_KEY
from rblxcloud.endpoints.model import Credential as Kind
from rblxcloud.errors import (
    APIConnectionError,
    APIResponseError,
    APITimeoutError,
    DeadlineExceededError,
    OutcomeUnknownError,
    PermissionDeniedError,
    RateLimitedError,
    RblxCloudError,
    ServerError,
    UnsupportedCredentialError,
)
from rblxcloud.http.auth import Credential, check_credential
from rblxcloud.http.download import resolve_address
from rblxcloud.http.hooks import RequestEvent, RequestHook, ResponseEvent, ResponseHook
from rblxcloud.http.idempotency import key_query
from rblxcloud.http.pace import Pace
from rblxcloud.http.rate_limit import RateLimiter, Windows
from rblxcloud.http.request import Call, Download, encode_json, encode_url
from rblxcloud.http.response import changes_something, decode, error_for
from rblxcloud.http.retry import Attempt, Fate, may_repeat, next_delay
from rblxcloud.http.upload import Upload
from rblxcloud.runtime.base import CarriedError, DeadlinePassed, Request, Response, Runtime, SendFailure, Timeout

T = TypeVar("T")

logger: logging.Logger = logging.getLogger("rblxcloud")

_CONNECT_SECONDS = 10.0
_INTROSPECTION_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class SessionSettings:
    """What a session is made of, besides its runtime."""

    credential: Credential
    base_url: str
    options: Options = field(default_factory=Options)
    players: int = 0
    """Players in the experience, which the budgets of its data stores grow with."""
    owner: str | None = None
    """Owner of the API key, when it is known: keys of one owner share their limits."""
    max_response_bytes: int = DEFAULT_MAX_RESPONSE_BYTES
    on_request: Sequence[RequestHook] = ()
    on_response: Sequence[ResponseHook] = ()


class Session:
    """Sends calls: with the credential, within the limits, again when that is safe, and with errors of ours.

    Args:
        runtime: HTTP, time and threads of one mode.
        settings: Credential, address and options.
        limiter: The windows to start calls in.
        parent: The session whose runtime this one shares; it lives as long as this one.
        holds_connections: Whether there are connections of ours to be lost when nobody closes it.
    """

    def __init__(
        self,
        runtime: Runtime,
        settings: SessionSettings,
        limiter: RateLimiter,
        *,
        parent: Session | None = None,
        holds_connections: bool = True,
    ) -> None:
        self.runtime = runtime
        self.settings = settings
        self.limiter = limiter
        self.kept: dict[object, object] = {} if parent is None else parent.kept
        """What resources have learnt of Roblox and need again, such as a public key; shared like the runtime."""
        self._parent = parent
        self._holds_connections = holds_connections and parent is None
        self._used = False
        self._pid = os.getpid()
        self._granted_scopes: tuple[str, ...] | None = None
        self._introspected = False
        windows = Windows(
            settings.options.rate_limits,
            settings.base_url,
            settings.owner or settings.credential.fingerprint,
            settings.credential.kind,
            settings.players,
        )
        self.pace: Pace = Pace(limiter, runtime, windows, settings.options)
        """When its calls may start, and what they cost."""

    def __repr__(self) -> str:
        """Show the address only."""
        return f"<Session {self.settings.base_url}>"

    def get(self) -> Session:
        """Return itself: a session of a client is bound to as it is."""
        return self

    def with_options(self, options: Options) -> Session:
        """Return a session that shares the runtime and the limits and differs in its options."""
        return Session(self.runtime, replace(self.settings, options=options), self.limiter, parent=self)

    def with_credential(self, credential: Credential) -> Session:
        """Return a session that shares the runtime and the limits and signs with another credential."""
        return Session(self.runtime, replace(self.settings, credential=credential), self.limiter, parent=self)

    async def request(self, call: Call, adapter: TypeAdapter[T], *, context: Any = None) -> T:
        """Send a call and validate its answer.

        Args:
            call: What to send.
            adapter: What the answer's body should be.
            context: Validation context that binds resources to their session.

        Raises:
            RblxCloudError: As `send`, and `APIResponseError` for a body of another shape.
        """
        return decode(adapter, await self.send(call), call.endpoint, context=context)

    async def send(self, call: Call) -> Response:
        """Send a call, again where that is safe, and return its success.

        Args:
            call: What to send.

        Raises:
            ConfigurationError: The client is closed, or its credential is of the wrong kind.
            InvalidRequestError: A path value cannot be addressed.
            DeadlineExceededError: The deadline passed, or a wait would have ended after it.
            APIConnectionError: No whole answer came, and no retry was left or safe.
            APIStatusError: Roblox refused.
            OutcomeUnknownError: A repeat could not find out what became of an earlier attempt.
        """
        if not call.anonymous:
            check_credential(self.settings.credential, call.endpoint)
        self._used = True
        deadline = self.settings.options.deadline
        progress = _Progress(
            call=call,
            url="" if call.download else self._url_of(call),
            repeatable=may_repeat(call, repeat_writes=self.settings.options.repeat_writes),
            deadline=None if deadline is None else self.runtime.monotonic() + deadline,
        )
        while True:
            response = await self._attempt(progress)
            if response is not None:
                return response

    async def _attempt(self, progress: _Progress) -> Response | None:
        """Return a success; None when there is to be another attempt; else raise."""
        await self._wait_turn(progress)
        progress.number += 1
        if progress.number == 1 and progress.call.idempotency_key is not None:
            # Not before, since a turn can be as far off as Roblox remembers keys.
            query = key_query(progress.call.idempotency_key, self.runtime.wall_time())
            progress.url = self._url_of(replace(progress.call, query={**progress.call.query, **query}))
        try:
            response = await self._exchange(progress)
        except SendFailure as failure:
            await self._after_failure(progress, failure)
            return None
        except DeadlinePassed as error:
            unknown = changes_something(progress.call.endpoint) and progress.delivered
            raise self._deadline_error(progress, unknown=unknown) from error
        except CarriedError as carried:
            theirs = carried.error
        else:
            return await self._judge(progress, response)
        raise theirs  # Out here, since in there it would get a context that it did not have.

    async def _judge(self, progress: _Progress, response: Response) -> Response | None:
        if response.status < 300:
            return response
        await self._after_refusal(progress, response)
        return None

    async def _wait_turn(self, progress: _Progress) -> None:
        if progress.deadline is not None and self.runtime.monotonic() >= progress.deadline:
            raise self._deadline_error(progress, unknown=False)
        if progress.call.download is not None:
            return  # What Roblox hands out an address of is not counted.
        try:
            await self.pace.turn(progress.call, progress.deadline)
        except DeadlineExceededError as error:
            error.outcome_unknown = progress.unknown
            raise

    async def _exchange(self, progress: _Progress) -> Response:
        """Sign, send, and let the hooks and the limiter see the answer."""
        call, runtime = progress.call, self.runtime
        request = await (self._signed(progress) if call.download is None else self._unsigned(progress, call.download))
        # What is signed into an address that Roblox handed out opens the file to whoever has it.
        url = request.url if call.download is None else request.url.partition("?")[0]
        event = (call.endpoint.name, request.method, url, progress.number)
        for hook in self.settings.on_request:
            await runtime.call("on_request", hook, RequestEvent(*event))
        started = runtime.monotonic()
        try:
            if call.download is not None:
                response = await runtime.stream(request, call.download.read, deadline=progress.deadline)
            else:
                response = await runtime.send(
                    request, max_bytes=self.settings.max_response_bytes, deadline=progress.deadline
                )
        except (SendFailure, DeadlinePassed, CarriedError) as error:
            await self._tell(event, started, status=None, failure=str(error))
            raise
        await self._tell(event, started, status=response.status, failure=None)
        if call.download is None:
            self.pace.learn(call, response)
        return response

    async def _tell(
        self, event: tuple[str, str, str, int], started: float, *, status: int | None, failure: str | None
    ) -> None:
        seconds = self.runtime.monotonic() - started
        logger.debug("%s, attempt %d: %s in %.3f s", event[0], event[3], status or failure, seconds)
        for hook in self.settings.on_response:
            await self.runtime.call("on_response", hook, ResponseEvent(*event, status, seconds, failure))

    async def _signed(self, progress: _Progress) -> Request:
        call, options = progress.call, self.settings.options
        headers = {"accept": "application/json", **options.headers}
        if call.content is not None:
            headers["content-type"] = call.content_type
        headers.update(call.headers)
        if not call.anonymous:
            with _before_sending(progress):
                progress.signature = await self.settings.credential.headers()
            headers.update(progress.signature)
        return self._request(progress, headers)

    async def _unsigned(self, progress: _Progress, download: Download) -> Request:
        address, headers = await download.target()
        progress.url = resolve_address(self.settings.base_url, address)
        if progress.call.content is not None:
            headers["content-type"] = progress.call.content_type
        return self._request(progress, headers)

    def _request(self, progress: _Progress, headers: dict[str, str]) -> Request:
        call = progress.call
        timeout, signed = self._timeout(progress), call.download is not None
        request = Request(call.endpoint.method, progress.url, headers, timeout=timeout, signed=signed)
        if isinstance(call.content, Upload):
            headers["content-length"] = str(call.content.length)
            request.content = call.content.chunks(self.runtime, progress.deadline)
        else:
            request.content = call.content
        return request

    def _timeout(self, progress: _Progress) -> Timeout:
        """No phase may take longer than what is left until the deadline."""
        seconds, pool = self.settings.options.timeout, None
        if progress.deadline is not None:
            pool = max(0.001, progress.deadline - self.runtime.monotonic())
            seconds = min(seconds, pool)
        return Timeout(connect=min(seconds, _CONNECT_SECONDS), read=seconds, write=seconds, pool=pool)

    async def _after_failure(self, progress: _Progress, failure: SendFailure) -> None:
        """Wait for the next attempt, or raise."""
        fate = Fate.UNKNOWN if failure.sent and progress.delivered else Fate.DID_NOTHING
        progress.note(fate)
        error = self._error_for_failure(progress, failure)
        if failure.too_large:
            raise error from failure
        await self._wait_or_raise(progress, Attempt(progress.number, fate), error, cause=failure)

    def _error_for_failure(self, progress: _Progress, failure: SendFailure) -> RblxCloudError:
        name, unknown = progress.call.endpoint.name, progress.unknown
        if failure.too_large:
            return APIResponseError(
                f"{name}: the answer is larger than max_response_bytes ({self.settings.max_response_bytes} bytes)",
                endpoint=name,
                outcome_unknown=unknown,
            )
        hint = " It may have been carried out." if unknown else ""
        error_class = APITimeoutError if failure.timed_out else APIConnectionError
        return error_class(f"{name}: {failure.reason}.{hint}", endpoint=name, outcome_unknown=unknown)

    async def _after_refusal(self, progress: _Progress, response: Response) -> None:
        """Refresh the credential, or wait for the next attempt, or raise."""
        call, runtime = progress.call, self.runtime
        if response.status == 401 and not call.anonymous and not progress.refreshed and progress.can_go_on:
            progress.refreshed = True
            with _before_sending(progress):
                if await self.settings.credential.refresh(progress.signature):
                    return
        error = error_for(response, call.endpoint, wall_time=runtime.wall_time())
        fate = _fate(response)
        if fate is Fate.UNKNOWN and not progress.delivered:
            fate = Fate.DID_NOTHING
        unknown_before = progress.unknown
        progress.note(fate)
        error.outcome_unknown = progress.unknown
        if isinstance(error, RateLimitedError):
            self.pace.block(call, response, error)
        if isinstance(error, PermissionDeniedError) and not unknown_before and not call.anonymous:
            await self._add_granted_scopes(error, progress.deadline)
        delay = error.retry_after if isinstance(error, RateLimitedError | ServerError) else None
        if unknown_before and not isinstance(error, ServerError) and fate is Fate.REFUSED:
            raise _unknown_outcome(call, error) from error
        await self._wait_or_raise(progress, Attempt(progress.number, fate, delay), error, cause=None)

    async def _wait_or_raise(
        self, progress: _Progress, attempt: Attempt, error: RblxCloudError, *, cause: Exception | None
    ) -> None:
        runtime = self.runtime
        policy = self.settings.options.retry
        delay = next_delay(policy, attempt, repeatable=progress.repeatable, chance=runtime.random())
        if delay is None or not progress.can_go_on:
            if progress.unknown and attempt.fate is Fate.DID_NOTHING and not isinstance(error, APIConnectionError):
                raise _unknown_outcome(progress.call, error) from error
            raise error from cause
        if progress.deadline is not None and runtime.monotonic() + delay >= progress.deadline:
            raise self._deadline_error(progress, unknown=progress.unknown) from error
        await runtime.sleep(delay)

    def _deadline_error(self, progress: _Progress, *, unknown: bool) -> DeadlineExceededError:
        name = progress.call.endpoint.name
        return DeadlineExceededError(
            f"{name}: the deadline of {self.settings.options.deadline} s passed after {progress.number} attempts",
            endpoint=name,
            outcome_unknown=unknown or progress.unknown,
        )

    def _url_of(self, call: Call) -> str:
        """Roblox's own hosts as the table has them; any other base URL stands for all of them."""
        base_url = self.settings.base_url
        return encode_url(call.endpoint.server if base_url == DEFAULT_BASE_URL else base_url, call)

    async def _add_granted_scopes(self, error: PermissionDeniedError, deadline: float | None) -> None:
        """Say what the key has, where it can be introspected: asked once for a session."""
        if self.settings.credential.kind is not Kind.API_KEY:
            return
        if self._parent is not None:
            await self._parent._add_granted_scopes(error, deadline)
            return
        if not self._introspected:
            self._introspected = True
            self._granted_scopes = await self._introspect(deadline)
        error.granted_scopes = self._granted_scopes

    async def _introspect(self, deadline: float | None) -> tuple[str, ...] | None:
        """Ask once, briefly, and not past the deadline of the call that was refused."""
        left = _INTROSPECTION_SECONDS
        if deadline is not None:
            left = min(left, deadline - self.runtime.monotonic())
        if left <= 0:
            return None
        options = replace(self.settings.options, retry=RetryPolicy(retries=0), timeout=left, deadline=left)
        try:
            body = json.loads((await self.with_options(options).send(await self.introspection())).content)
            scopes = cast("list[dict[str, Any]]", body["scopes"])
            return tuple(f"{scope['name']}:{operation}" for scope in scopes for operation in scope["operations"])
        except (RblxCloudError, ValueError, KeyError, TypeError):
            return None  # The 403 is what the caller has to hear of.

    async def introspection(self) -> Call:
        """Return the call that asks Roblox about this session's API key; it is none that the key makes.

        Raises:
            UnsupportedCredentialError: The session has another kind of credential.
        """
        if self.settings.credential.kind is not Kind.API_KEY:
            raise UnsupportedCredentialError("only an API key can be asked about; this client has an access token")
        key = (await self.settings.credential.headers())["x-api-key"]
        return Call(INTROSPECT_API_KEY, content=encode_json({"apiKey": key}), anonymous=True)

    async def aclose(self) -> None:
        """Close the connections; idempotent. A session that shares another's runtime closes nothing."""
        self._holds_connections = False
        if self._parent is None:
            await self.runtime.aclose()

    def abandon(self) -> None:
        """Let go of the connections, silently and without waiting."""
        self._holds_connections = False
        self.runtime.abandon()

    def __del__(self) -> None:
        """Warn when a session that was used is lost open: when neither its client nor any resource is left."""
        if self._holds_connections and self._used and self._pid == os.getpid():
            message = f"{self!r} was not closed: use its client as a context manager"
            warnings.warn(message, ResourceWarning, stacklevel=2)
            self.abandon()


@dataclass(slots=True)
class _Progress:
    """How far one call has come."""

    call: Call
    url: str = field(repr=False)
    """What is signed into an address that Roblox handed out opens the file."""
    repeatable: bool
    deadline: float | None
    number: int = 0
    unknown: bool = False
    """An attempt was lost after it was sent, and it may have changed something."""
    refreshed: bool = False
    signature: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    """The headers that the credential put on the last attempt."""

    @property
    def delivered(self) -> bool:
        """Whether the server may have the whole request: it cannot act on a body that was cut."""
        content = self.call.content
        return not isinstance(content, Upload) or content.complete

    @property
    def can_go_on(self) -> bool:
        """Whether the request can be made again: a stream can be read but once."""
        content = self.call.content
        return not isinstance(content, Upload) or content.repeatable

    def note(self, fate: Fate) -> None:
        """Remember an attempt that may have changed something."""
        if fate is Fate.UNKNOWN and changes_something(self.call.endpoint):
            self.unknown = True


@contextmanager
def _before_sending(progress: _Progress) -> Generator[None]:
    """Whatever became of a credential's own requests, this call's outcome is what its attempts made of it."""
    try:
        yield
    except RblxCloudError as error:
        error.outcome_unknown = progress.unknown
        raise


def _fate(response: Response) -> Fate:
    if response.status == 429:
        return Fate.DID_NOTHING
    return Fate.UNKNOWN if response.status >= 500 and response.status != 501 else Fate.REFUSED


def _unknown_outcome(call: Call, error: RblxCloudError) -> OutcomeUnknownError:
    name = call.endpoint.name
    return OutcomeUnknownError(
        f"{name}: an attempt was lost on its way, and the repeat was answered with «{error}», "
        "which does not tell whether the first one was carried out",
        endpoint=name,
    )
