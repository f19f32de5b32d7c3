"""Long-running operations: what Roblox goes on with after it has answered, and how to wait for it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any, Generic, TypeVar, cast

from pydantic import TypeAdapter, ValidationError

from rblxcloud.config import check_seconds
from rblxcloud.errors import (
    APIStatusError,
    ConfigurationError,
    DeadlineExceededError,
    ModerationError,
    NotFoundError,
    OperationFailedError,
    OperationTimeoutError,
    ResultTooLargeError,
)
from rblxcloud.http.binding import BINDING, Binding
from rblxcloud.http.request import Call, QueryValue
from rblxcloud.http.response import problems_of, unusable
from rblxcloud.http.session import Session
from rblxcloud.operation_state import State, elsewhere, locate, polled, refused, started
from rblxcloud.types import Response

ResultT = TypeVar("ResultT")

FIRST_PAUSE = 1.0
LONGEST_PAUSE = 16.0
_LAST_POLL_SECONDS = 5.0
"""How much longer than the timeout the last poll may take."""
_MODERATED = re.compile(r"\bmoderat(?!or)", re.IGNORECASE)
_FAILURES: Mapping[str | None, type[OperationFailedError]] = {"422": ResultTooLargeError}


class Operation(Generic[ResultT]):
    """Something that Roblox goes on with after it has answered, such as the processing of an upload.

    It can be pickled, or found again by its path with `client.operation(path)`: in another process, or the next day.

    Args:
        binding: Where its session comes from.
        result: Class of what it brings.
        state: What is known of it.
        others: Classes of what it may bring instead, by the `@type` that the result then names.
    """

    def __init__(
        self,
        binding: Binding | None,
        result: type[ResultT],
        state: State,
        others: Mapping[str, type[Any]] | None = None,
    ) -> None:
        self._binding = binding
        self._result_class = result
        self._others = others or {}
        self._state = state
        self._result: ResultT | None = None
        self._asked = float("-inf")

    def __repr__(self) -> str:
        """Show its path and how it stands."""
        state = "failed" if self._state.failure else "done" if self.done else "running"
        return f"<Operation[{self._result_class.__name__}] {self.path} {state}>"

    def __getstate__(self) -> dict[str, Any]:
        """Leave the session out of pickles."""
        return {**self.__dict__, "_binding": None, "_result": None, "_asked": float("-inf")}

    @property
    def path(self) -> str:
        """Where Roblox tells how it stands: with `client.operation(path)` it can be waited for in another process."""
        return self._state.path

    @property
    def done(self) -> bool:
        """Whether it had ended, well or not, when Roblox last spoke of it; `fetch_operation` asks again."""
        return self._state.done

    @property
    def metadata(self) -> Mapping[str, Any] | None:
        """What Roblox said beside, when it last spoke of it; most kinds of operation have none."""
        return self._state.metadata

    async def fetch_operation(self) -> ResultT | None:
        """Ask Roblox once how it stands, unless it is known to have ended.

        In a loop without pauses it is asked for as often as the published limit allows in the long run: uploads about
        five times a second. `wait` is gentler.

        Returns:
            The result; None while it runs.

        Raises:
            OperationFailedError: It failed.
            ModerationError: Roblox's moderation did not let it pass.
            ResultTooLargeError: The result is larger than Roblox gives out.

        Scopes: those of the endpoint that it is polled at; `asset:read` for uploads.
        Source: `GET` of its path, such as `/assets/v1/operations/{operationId}`.
        """
        if not self.done:
            session, call = self._session, self._call()
            with session.polling(call) as fair_pause:
                # A loop would use up at once what is to last for a minute.
                early = self._asked + fair_pause() - session.runtime.monotonic()
                if early > 0:
                    await session.runtime.sleep(early)
                await self._poll(session, call)
            self._asked = session.runtime.monotonic()
        return self._outcome()

    async def wait(self, *, timeout: float | None = None, poll: float | None = None) -> ResultT:
        """Wait until it has ended.

        It is asked for at once, then after 1, 2, 4 ... 16 seconds. Operations that are waited for at the same time
        share the published limit of the endpoint evenly: 100 uploads are asked for every 22 seconds each.

        Args:
            timeout: Seconds to wait at most; None for no bound.
            poll: Seconds between two polls, instead of the growing pauses; they grow when the limit demands it.

        Returns:
            The result.

        Raises:
            OperationFailedError: It failed.
            ModerationError: Roblox's moderation did not let it pass.
            ResultTooLargeError: The result is larger than Roblox gives out.
            OperationTimeoutError: It was not done in time; it goes on, and can be waited for again.

        Scopes: those of the endpoint that it is polled at; `asset:read` for uploads.
        Source: `GET` of its path, such as `/assets/v1/operations/{operationId}`.
        """
        limit = None if timeout is None else check_seconds("timeout", timeout)
        pause = FIRST_PAUSE if poll is None else check_seconds("poll", poll)
        if not self.done:
            await self._poll_to_the_end(pause, limit, growing=poll is None)
        return cast("ResultT", self._outcome())

    async def _poll_to_the_end(self, pause: float, timeout: float | None, *, growing: bool) -> None:
        session, call = self._session, self._call()
        ends = None if timeout is None else session.runtime.monotonic() + timeout
        with session.polling(call) as fair_pause:
            # Were many asked for at once, they would use up what is to last for a minute.
            delay = fair_pause() if fair_pause() > FIRST_PAUSE else 0.0
            while not self.done:
                left = float("inf") if ends is None else ends - session.runtime.monotonic()
                if delay:
                    if left <= 0:
                        raise self._too_late(timeout)
                    await session.runtime.sleep(min(delay, left))
                await self._poll_until(session, self._call(), ends, timeout)
                delay = max(pause, fair_pause())
                if growing:
                    pause = min(2 * pause, LONGEST_PAUSE)

    @property
    def _session(self) -> Session:
        if self._binding is None:
            raise ConfigurationError(
                "this operation has no client (it was unpickled); client.bind(operation) gives it one"
            )
        return self._binding.get()

    def _call(self) -> Call:
        return locate(self.path).call()

    async def _poll(self, session: Session, call: Call) -> None:
        try:
            response = await self._send(session, call)
        except APIStatusError as error:
            ended = refused(self.path, error)
            if ended is None:
                raise
            state = ended
        else:
            state = polled(self.path, call.endpoint, response)
        # Two may wait at once: an answer that was long on its way does not undo the end that the other was told of.
        if not self.done:
            self._state = state

    async def _send(self, session: Session, call: Call) -> Response:
        try:
            return await session.send(call)
        except NotFoundError:
            path = elsewhere(self.path)
            if path is None:
                raise
            self._state = replace(self._state, path=path)
            return await session.send(self._call())

    async def _poll_until(self, session: Session, call: Call, ends: float | None, timeout: float | None) -> None:
        """Poll so that neither the answer nor the turn for it is waited for much longer than the timeout."""
        options = session.settings.options
        left = None if ends is None else ends - session.runtime.monotonic() + _LAST_POLL_SECONDS
        if left is None or (options.deadline is not None and options.deadline <= left):
            await self._poll(session, call)
            return
        try:
            await self._poll(session.with_options(replace(options, deadline=left)), call)
        except DeadlineExceededError as error:
            raise self._too_late(timeout) from error

    def _too_late(self, timeout: float | None) -> OperationTimeoutError:
        return OperationTimeoutError(
            f"{self.path} is not done after {timeout:g} s; it goes on, and client.operation(path) waits on",
            path=self.path,
        )

    def _outcome(self) -> ResultT | None:
        failure = self._state.failure
        if failure is not None:
            error_class = self._error_class(failure.code, failure.message)
            raise error_class(failure.message, code=failure.code, path=self.path, details=failure.details)
        if not self.done or self._result is not None:
            return self._result
        result = self._decoded()
        if self._binding is not None:  # Else a client that it is bound to later would not reach the result.
            self._result = result
        return result

    def _error_class(self, code: str | None, message: str) -> type[OperationFailedError]:
        return ModerationError if is_moderation(message) else _FAILURES.get(code, OperationFailedError)

    def _decoded(self) -> ResultT:
        try:
            adapter: TypeAdapter[ResultT] = _adapter(cast("Any", self._class_of_result()))
            return adapter.validate_python(self._state.result, context={BINDING: self._binding})
        except ValidationError as error:
            problems = "; ".join(problems_of(error))
            # Pydantic's own error would show the result in every traceback.
            raise unusable(None, self._call().endpoint, problems) from ValueError(problems)

    def _class_of_result(self) -> type[Any]:
        result = self._state.result
        kind = cast("dict[str, Any]", result).get("@type") if isinstance(result, dict) else None
        return self._others.get(str(kind).rpartition(".")[2], self._result_class)


@cache
def _adapter(result: type[Any]) -> TypeAdapter[Any]:
    return TypeAdapter(result)


async def start(
    binding: Binding, call: Call, result: type[ResultT], *, query: Mapping[str, QueryValue] | None = None
) -> Operation[ResultT]:
    """Send a call that starts an operation.

    Args:
        binding: Where the session comes from.
        call: The call; its endpoint says where the operation is polled.
        result: Class of what it brings: a resource or a model.
        query: What each poll takes besides its path.

    Returns:
        The operation, which may have ended already.

    Raises:
        APIResponseError: The answer names no operation; the call may have been carried out.
        RblxCloudError: As for any other call.
    """
    return Operation(binding, result, await begin(binding, call, query))


async def begin(binding: Binding, call: Call, query: Mapping[str, QueryValue] | None = None) -> State:
    """Send a call that starts an operation, and return what its answer says; see `start`."""
    return started(call, await binding.get().send(call), query)


def resume(
    binding: Binding, path: str, result: type[ResultT], others: Mapping[str, type[Any]] | None = None
) -> Operation[ResultT]:
    """Return an operation that was started earlier; nothing is sent.

    Args:
        binding: Where the session comes from.
        path: Its path.
        result: Class of what it brings.
        others: Classes of what it may bring instead, by the `@type` that the result then names.

    Raises:
        InvalidRequestError: The path cannot be one.
    """
    locate(path)
    return Operation(binding, result, State(path), others)


def is_moderation(message: str) -> bool:
    """Whether Roblox's text says that moderation refused; no code does: "AssetName is moderated." has a plain 400."""
    return _MODERATED.search(message) is not None
