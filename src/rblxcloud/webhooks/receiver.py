"""From a webhook to the function that handles it: once for each event, and again until it has worked."""

from __future__ import annotations

import inspect
import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from itertools import repeat
from typing import Any, ParamSpec, TypeVar, cast, overload

from rblxcloud.config import also_unmade, check_seconds
from rblxcloud.errors import (
    ConfigurationError,
    ExpiredSignatureError,
    InvalidRequestError,
    InvalidSignatureError,
    RblxCloudError,
    WebhookError,
    WebhookInboxError,
)
from rblxcloud.http.binding import Mode, make_runtime
from rblxcloud.resources.arguments import check_function, check_limit, check_whole, shown
from rblxcloud.runtime.interrupts import exit_as_failure
from rblxcloud.webhooks.events import WebhookEvent, read_event
from rblxcloud.webhooks.inboxes.base import StoredWebhook, WebhookInbox
from rblxcloud.webhooks.inboxes.memory import Ledger, Standing
from rblxcloud.webhooks.signature import AnyHeaders, Webhook

__all__ = ["TOO_LARGE", "TOO_LONG", "WebhookAnswer", "WebhookReceiver"]

EventT = TypeVar("EventT", bound=WebhookEvent)
ReturnT = TypeVar("ReturnT")
P = ParamSpec("P")
R = TypeVar("R")

_logger = logging.getLogger("rblxcloud.webhooks")

_LARGEST_BODY = 2**30
_LEASE_SECONDS = 30.0
"""How long after its last sign of life a process is taken for dead, and its events are handled by another."""
_PURGE_SECONDS = 3600.0
_LONGEST_DELAY = 900.0
_MOST_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class WebhookAnswer:
    """What the request that brought a webhook is to be answered with."""

    status: int
    """HTTP status: 2XX where Roblox need not send it again."""
    reason: str
    """Why, in a few words; a body for the answer, since Roblox reads none."""


TOO_LARGE = WebhookAnswer(413, "the body is too large")
TOO_LONG = WebhookAnswer(503, "it takes longer than Roblox waits; send it again")


class WebhookReceiver:
    """Runs a handler once for each webhook: verified, without duplicates, and again until it has worked.

    ```python
    from rblxcloud import RightToErasureRequest, Webhook, WebhookEvent, WebhookReceiver

    receiver = WebhookReceiver(Webhook("the secret that stands in the Creator Dashboard"))


    @receiver.on(RightToErasureRequest)
    async def erase(event: RightToErasureRequest) -> None:
        print("erase what is kept of", event.user_id)


    @receiver.on(WebhookEvent)
    async def note(event: WebhookEvent) -> None:
        print("something else happened:", event.event_type)
    ```

    Without an inbox the handler runs first, and the answer tells Roblox how it went: when it failed, Roblox sends the
    event again, five times in all, and then never more. With one the event is stored, the answer sent, and the handler
    run afterwards: by `handle_due` and `run`, until it has worked, and after a crash too.

    An event is a duplicate when its handler has *finished*: one whose handler only began is handled again, so that a
    handler has to be able to run twice. Two deliveries of one event never run it at the same time.

    The routes for web frameworks are in `rblxcloud.integrations`.
    """

    _mode: Mode = "async"

    def __init__(
        self,
        webhook: Webhook,
        *,
        inbox: WebhookInbox | None = None,
        remember: float = 7 * 86_400.0,
        max_body_bytes: int = 2**20,
    ) -> None:
        """Make a receiver without handlers.

        Args:
            webhook: Reads the requests.
            inbox: Where events are stored until they are handled; None to handle them before the answer.
            remember: Seconds for which the ids of handled events are remembered, so that another delivery is known as
                a duplicate. At least twice the webhook's tolerance: for so long a recorded request can be sent again.
                Without an inbox the last 10,000 of this process at most.
            max_body_bytes: Larger bodies are refused.

        Raises:
            InvalidRequestError: An argument is refused.
        """
        if not isinstance(webhook, Webhook):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise InvalidRequestError("webhook", f"is of type {type(webhook).__name__}; it takes a Webhook")
        if isinstance(inbox, type) or (inbox is not None and not callable(getattr(inbox, "lease", None))):  # pyright: ignore[reportUnnecessaryIsInstance]
            problem = (
                f"is of type {type(inbox).__name__}; it takes an inbox, such as SQLWebhookInbox('sqlite:///inbox.db')"
            )
            raise InvalidRequestError("inbox", problem)
        self.max_body_bytes: int = check_whole("max_body_bytes", max_body_bytes, _LARGEST_BODY, smallest=1)
        """Larger bodies are refused."""
        self._webhook = webhook
        self._inbox = None if inbox is None else _check_inbox(inbox)
        self._remember = _check_remember(remember, webhook.tolerance if webhook.signed else 0.0)
        self._ledger = Ledger(self._remember, _MOST_REMEMBERED)
        self._purged_at: float | None = None
        self._handlers: dict[type[WebhookEvent] | str, Callable[[Any], object]] = {}
        self._runtime = make_runtime(self._mode)

    @also_unmade
    def __repr__(self) -> str:
        """Show what it handles."""
        kinds = ", ".join(kind if isinstance(kind, str) else kind.__name__ for kind in self._handlers)
        return f"<{type(self).__name__} of {kinds or 'nothing'}>"

    @property
    def handles(self) -> bool:
        """Whether there is a handler."""
        return bool(self._handlers)

    @property
    def stores(self) -> bool:
        """Whether events are stored, and handled after the answer."""
        return self._inbox is not None

    @overload
    def on(self, kind: type[EventT]) -> Callable[[Callable[[EventT], ReturnT]], Callable[[EventT], ReturnT]]: ...

    @overload
    def on(self, kind: str) -> Callable[[Callable[[WebhookEvent], ReturnT]], Callable[[WebhookEvent], ReturnT]]: ...

    def on(self, kind: type[Any] | str) -> Callable[[Callable[[Any], ReturnT]], Callable[[Any], ReturnT]]:
        """Return a decorator that makes a function the handler of a kind of event.

        Args:
            kind: A class of events: `WebhookEvent` for all those that no other handler is for. Or Roblox's name of a
                kind, for one that this package does not know.

        Returns:
            A decorator that returns the function as it is. The function is called with the event; what it returns is
            dropped. It may be a coroutine function in `rblxcloud`; plain functions run in worker threads there.

        Raises:
            InvalidRequestError: It is no such class, or has a handler already; or the decorator was handed what is no
                function, or one with a `yield`.
        """
        if not _is_kind(kind):
            raise InvalidRequestError("kind", f"{shown(kind)} is neither a class of events nor a name of Roblox's")
        if kind in self._handlers:
            raise InvalidRequestError("kind", f"{shown(kind)} has a handler already")

        def register(handler: Callable[[Any], ReturnT]) -> Callable[[Any], ReturnT]:
            check_function("handler", handler)
            if inspect.isgeneratorfunction(handler) or inspect.isasyncgenfunction(handler):
                raise InvalidRequestError("handler", "has a yield: calling it would run nothing of it")
            if self._mode == "blocking" and inspect.iscoroutinefunction(handler):
                raise InvalidRequestError("handler", "is a coroutine function; rblxcloud.sync takes plain functions")
            self._handlers[kind] = handler
            return handler

        return register

    async def receive(self, headers: AnyHeaders, body: bytes) -> WebhookAnswer:
        """Take a webhook in: check it, and handle it or, with an inbox, store it.

        Args:
            headers: The request's headers.
            body: The request's body as it came over the wire.

        Returns:
            What to answer: 200 handled (before, too), 202 stored, 400 malformed, 401 not signed, 403 out of time, 413
            too large, 503 not handled or stored, so that Roblox tries again: also where there are no handlers at all.
            Nothing that a handler or an inbox raises comes out; it is logged.

        Raises:
            InvalidRequestError: What was passed are no headers, or no raw body.
        """
        # Not len(): a memoryview counts items.
        if isinstance(cast("object", body), bytes | bytearray | memoryview) and (
            memoryview(body).nbytes > self.max_body_bytes
        ):
            return TOO_LARGE
        try:
            event = self._webhook.parse(headers, body)
        except WebhookError as error:
            _logger.warning("a webhook was refused: %s", error)
            return WebhookAnswer(_REFUSALS.get(type(error), 400), str(error))
        if self._inbox is None:
            return await self._handle_first(event)
        try:
            new = await self._ask(self._inbox.add, event.key, bytes(body))
        except WebhookInboxError as error:
            _logger.error("%s could not be stored: %s", _name(event), error)
            return WebhookAnswer(503, "the inbox does not work; send it again")
        return WebhookAnswer(202, "stored" if new else "stored before")

    async def handle_due(self, *, limit: int | None = None) -> int:
        """Handle the stored events that are due, one after the other.

        Events are due when they were stored, some time after their handler has failed, and thirty seconds after the
        process that handled them was last heard of. Once an hour, those that were handled longer ago than `remember`
        are forgotten.

        Args:
            limit: At most that many, 1 or more; None for all that are due.

        Returns:
            How many were handled.

        Raises:
            WebhookInboxError: The inbox could not be read or written.
            ConfigurationError: There is no inbox, or no handler: an event that nothing is done with would be lost.
            InvalidRequestError: The limit is refused.
        """
        inbox, handled = self._kept(), 0
        check_limit(limit)
        if not self.handles:
            raise ConfigurationError("this receiver has no handlers, and would drop what is stored: see on()")
        for _ in repeat(None) if limit is None else range(limit):
            holder = secrets.token_hex(8)
            stored = await self._lease(inbox, holder)
            if stored is None:
                break
            handled += await self._handle_stored(inbox, stored, holder)
        await self._purge(inbox)
        return handled

    async def run(self, *, every: float = 1.0) -> None:
        """Handle stored events for ever: those of before the start, new ones, and again those that have failed.

        It handles one event at a time: run it in several tasks, threads or processes, so that a slow handler does not
        hold the others up.

        Args:
            every: Seconds between two looks at the inbox.

        Raises:
            InvalidRequestError: The number of seconds is refused.
            ConfigurationError: There is no inbox, or no handler.
        """
        check_seconds("every", every)
        while True:
            try:
                await self.handle_due()
            except WebhookInboxError as error:
                _logger.error("webhooks wait: %s", error)
            await self._runtime.sleep(every)

    def _kept(self) -> WebhookInbox:
        if self._inbox is None:
            raise ConfigurationError("this receiver stores nothing: pass inbox=... to WebhookReceiver")
        return self._inbox

    async def _purge(self, inbox: WebhookInbox) -> None:
        now = self._runtime.monotonic()
        if self._purged_at is None or now - self._purged_at >= _PURGE_SECONDS:
            await self._ask(inbox.purge, self._remember)
            self._purged_at = now

    async def _handle_first(self, event: WebhookEvent) -> WebhookAnswer:
        if not self.handles:
            _logger.error("this receiver has no handlers, and would drop %s: see on()", _name(event))
            return WebhookAnswer(503, "there are no handlers; send it again")
        standing = self._ledger.begin(event.key)
        if standing is Standing.FINISHED:
            return WebhookAnswer(200, "handled before")
        if standing is Standing.RUNNING:
            return WebhookAnswer(503, "it is being handled; send it again")
        finished = False
        try:
            await self._dispatch(event)
            finished = True
        except Exception:
            _logger.exception("the handler of %s failed", _name(event))
            return WebhookAnswer(503, "the handler failed; send it again")
        finally:
            self._ledger.end(event.key, finished=finished)
        return WebhookAnswer(200, "handled")

    async def _lease(self, inbox: WebhookInbox, holder: str) -> StoredWebhook | None:
        stored: StoredWebhook | None = None

        def lease() -> StoredWebhook | None:
            nonlocal stored
            stored = inbox.lease(holder, _LEASE_SECONDS)
            return stored

        try:
            return await self._ask(lease)
        except BaseException:
            # asyncio's `Task.cancel()` comes although the thread has worked.
            if stored is not None:
                await self._runtime.shielded(self._leave(inbox, stored.key, holder, handled=False))
            raise

    async def _handle_stored(self, inbox: WebhookInbox, stored: StoredWebhook, holder: str) -> bool:
        """Run the handler of an event whose lease was taken, and return whether it worked."""

        def renew() -> None:
            if not inbox.renew(stored.key, holder, _LEASE_SECONDS):
                _logger.warning("another process may handle %s too: its lease has run out", stored.key)

        handled = False

        async def handle() -> None:
            nonlocal handled
            await self._dispatch(read_event(stored.body))
            handled = True

        try:
            await self._runtime.attended(handle(), renew, _LEASE_SECONDS / 3)
        except Exception:
            delay = self._delay(stored.attempts)
            _logger.exception(
                "the stored webhook %s was not handled at attempt %d; the next is due in %.0f seconds",
                stored.key,
                stored.attempts,
                delay,
            )
            await self._runtime.shielded(self._ask(inbox.release, stored.key, holder, delay=delay))
            return False
        except BaseException:
            # Cancelled, or Ctrl-C. A handler in a worker thread has come to its end all the same.
            await self._runtime.shielded(self._leave(inbox, stored.key, holder, handled=handled))
            raise
        await self._runtime.shielded(self._ask(inbox.finish, stored.key))
        return True

    async def _leave(self, inbox: WebhookInbox, key: str, holder: str, *, handled: bool) -> None:
        """Let go of an event because of a cancellation or Ctrl-C, in whose place nothing is raised.

        What was not handled is left for the next start, which need not wait until the lease has run out.
        """
        try:
            if handled:
                await self._ask(inbox.finish, key)
            else:
                await self._ask(inbox.release, key, holder, delay=0.0)
        except RblxCloudError as error:
            _logger.error("the lease of the stored webhook %s has to run out: %s", key, error)

    async def _dispatch(self, event: WebhookEvent) -> None:
        handler = self._handler_of(event)
        if handler is None:
            _logger.warning("there is no handler for %s: nothing is done with it", _name(event))
        else:
            with exit_as_failure():
                await self._run(handler, event)

    async def _run(self, handler: Callable[[Any], object], event: WebhookEvent) -> None:
        if inspect.iscoroutinefunction(handler):
            result = await self._runtime.call("handler", handler, event)
        else:
            # In a tuple, since it can be awaitable (from a coroutine function inside of another): trio would refuse it.
            (made,) = await self._runtime.blocking(exit_as_failure()(lambda: (handler(event),)))
            result = await self._runtime.call("handler", lambda: made)
        if inspect.isgenerator(result) or inspect.isasyncgen(result):
            raise TypeError("the handler has returned a generator, of which nothing has run")

    def _handler_of(self, event: WebhookEvent) -> Callable[[Any], object] | None:
        """Return the handler of the name, else that of the nearest class."""
        kinds: list[Any] = [event.event_type, *type(event).__mro__]
        return next((self._handlers[kind] for kind in kinds if kind in self._handlers), None)

    def _delay(self, attempts: int) -> float:
        """Return how long to wait after so many attempts: twice as long each time, and not the same for all."""
        longest = min(2.0 ** min(attempts, 20), _LONGEST_DELAY)
        return longest * (0.5 + self._runtime.random() / 2)

    async def _ask(self, method: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        try:
            # Handlers can hold every other worker thread, and a webhook has to be stored all the same.
            return await self._runtime.brief(method, *args, **kwargs)
        except RblxCloudError:
            raise
        except Exception as error:
            raise WebhookInboxError(f"the inbox failed: {type(error).__name__}: {error}") from error


_REFUSALS: dict[type[WebhookError], int] = {InvalidSignatureError: 401, ExpiredSignatureError: 403}


def _name(event: WebhookEvent) -> str:
    return f"the webhook {event.event_type} {event.notification_id}"


def _check_inbox(inbox: WebhookInbox) -> WebhookInbox:
    for name in ("add", "lease", "renew", "release", "finish", "purge"):
        method = getattr(inbox, name, None)
        if isinstance(inbox, type) or not callable(method):
            raise InvalidRequestError("inbox", f"{shown(inbox)} is no WebhookInbox, such as SQLWebhookInbox(...)")
        if inspect.iscoroutinefunction(method):
            # What it returns would pass for success, and nothing would be stored.
            raise InvalidRequestError("inbox", f"has a coroutine function {name}; an inbox has plain functions")
    return inbox


def _check_remember(remember: object, tolerance: float) -> float:
    """Return the seconds, if a signature that is good from so far ahead to so long ago is not forgotten before."""
    seconds = check_seconds("remember", remember)
    if seconds < 2 * tolerance:
        problem = (
            f"{seconds:.15g} seconds: it must be {2 * tolerance:.15g} or more, twice the webhook's tolerance, or a"
            " recorded request that is sent again runs the handler again"
        )
        raise InvalidRequestError("remember", problem)
    return seconds


def _is_kind(kind: object) -> bool:
    return issubclass(kind, WebhookEvent) if isinstance(kind, type) else isinstance(kind, str) and bool(kind)
