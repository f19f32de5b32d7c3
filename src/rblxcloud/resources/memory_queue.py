"""Queues of memory stores: what is read is hidden for a while, and gone only once it is discarded."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

from pydantic import AliasChoices, Field, TypeAdapter

from rblxcloud.config import check_seconds
from rblxcloud.endpoints import memory_stores as api
from rblxcloud.endpoints.model import Endpoint
from rblxcloud.errors import (
    APIConnectionError,
    DeadlineExceededError,
    InvalidRequestError,
    NotFoundError,
    OutcomeUnknownError,
    RateLimitedError,
    RblxCloudError,
    ServerError,
)
from rblxcloud.http.binding import Binding
from rblxcloud.http.pace import Prepaid
from rblxcloud.http.request import Call, QueryValue, encode_json
from rblxcloud.http.response import decode, unusable
from rblxcloud.http.retry import Attempt, Fate, next_delay
from rblxcloud.http.session import Session
from rblxcloud.resources.arguments import check_limit, check_switch, check_whole
from rblxcloud.resources.base import Model, Timestamp, check_text
from rblxcloud.resources.memory_store import LONGEST_STAY, check_duration, check_name, check_number, read_value
from rblxcloud.resources.value import Codec
from rblxcloud.types import Response

T = TypeVar("T")

logger: logging.Logger = logging.getLogger("rblxcloud")

LARGEST_READ = 200
"""Items that one read brings at most."""

_FIRST_PAUSE = 0.5
_LONGEST_DISCARD = 30.0
"""Seconds for which a cancelled consumer goes on to discard what it has handled."""
_TOO_SLOW = (
    "%r: reading and handling took longer than the %g s for which items are hidden, so they may be handled twice; "
    "invisible_for=... gives more time, batch=... fewer items for it"
)


@dataclass(frozen=True, slots=True)
class QueueItem(Generic[T]):
    """An item of a queue."""

    id: str
    """Roblox's id of it; empty where Roblox did not say."""
    value: T
    """The value."""
    priority: float = 0.0
    """Items with a higher one are nearer to the front."""
    expires: datetime | None = None
    """When it is gone, read or not."""


# Memory stores write null for what is not set (seen in practice with sort keys and operations).
class _WireItem(Model):
    path: str | None = None
    id: str | None = None
    data: Any = None
    priority: float | None = None
    expire_time: Timestamp | None = None


class _WireRead(Model):
    # Older answers call them `id` and `data`, and the items are the bare values.
    read_id: str | None = Field(default=None, validation_alias=AliasChoices("readId", "id"))
    items: tuple[_WireItem, ...] | None = None
    data: tuple[Any, ...] | None = None

    @property
    def rows(self) -> tuple[_WireItem, ...]:
        return self.items or tuple(_WireItem(data=value) for value in self.data or ())


_ITEM = TypeAdapter(_WireItem)
_READ = TypeAdapter(_WireRead)


class QueueRead(Generic[T]):
    """What one read brought: hidden from other reads until its time is over, and gone once it is discarded."""

    def __init__(
        self, binding: Binding, path: dict[str, str | int], id: str | None, items: tuple[QueueItem[T], ...]
    ) -> None:
        self._binding = binding
        self._path = path
        self._id = id
        self._items = items

    @property
    def id(self) -> str | None:
        """Roblox's id of the read, which `MemoryQueue.discard` takes; None when nothing was there."""
        return self._id

    @property
    def items(self) -> tuple[QueueItem[T], ...]:
        """The items, from the front of the queue."""
        return self._items

    def __repr__(self) -> str:
        """Show how many there are."""
        return f"<QueueRead {self._id!r}: {len(self._items)} items>"

    async def discard(self) -> None:
        """Take all items of this read out of the queue for good; where there are none, nothing is sent.

        Raises:
            RblxCloudError: They may come back when their time is over.

        Scopes: `memory-store.queue:discard`.
        Source: `POST /cloud/v2/universes/{universe_id}/memory-store/queues/{queue_id}/items:discard`.
        """
        if self._id is not None and self._items:
            await _discard(self._binding.get(), self._path, self._id)


class MemoryQueue(Generic[T]):
    """A queue of an experience's memory stores; made by `Experience.get_queue`.

    Items with a higher priority come first, and of those with the same one the oldest. A read hides what it brings for
    a while; an item that is not discarded until then comes back to its place. So each item is handled at least once,
    and twice when a consumer dies or is too slow: what handles them should not mind.

    Values are JSON, at most 32,768 bytes of it, or of the type the queue was made for.
    """

    def __init__(self, binding: Binding, universe_id: int, name: str, codec: Codec[T]) -> None:
        self._binding = binding
        self._universe_id = universe_id
        self._name = check_name("name", name)
        self._codec = codec

    @property
    def name(self) -> str:
        """The queue's name."""
        return self._name

    def __repr__(self) -> str:
        """Show experience and name."""
        return f"<MemoryQueue {self._name!r} of experience {self._universe_id}>"

    async def add(self, value: T, *, priority: float = 0, expires_in: float | timedelta = LONGEST_STAY) -> QueueItem[T]:
        """Put an item into the queue. Never repeated after a lost answer.

        Args:
            value: The value; at most 32,768 bytes of JSON.
            priority: Items with a higher one come first.
            expires_in: Seconds, or a timedelta, until the item is gone, read or not: above 0, at most 3,888,000
                (45 days).

        Returns:
            The item.

        Raises:
            InvalidRequestError: An argument is refused; nothing was sent.
            APIConnectionError: No answer came; `outcome_unknown` says whether it may have been added.

        Scopes: `memory-store.queue:add`.
        Source: `POST /cloud/v2/universes/{universe_id}/memory-store/queues/{queue_id}/items`.
        """
        if value is None:
            raise InvalidRequestError("value", "None cannot be put into a queue")
        fields = {"priority": check_number("priority", priority), "ttl": check_duration("expires_in", expires_in)}
        # The value is JSON already.
        content = b'{"data":' + self._codec.encode(value) + b"," + encode_json(fields)[1:]
        call = Call(api.CREATE_MEMORY_STORE_QUEUE_ITEM, self._path(), content=content)
        response = await self._session.send(call)
        wire = decode(_ITEM, response, call.endpoint)
        if "data" not in wire.model_fields_set:
            return _item(wire, value)
        return self._fitted(wire, "", response, call.endpoint)

    async def read(
        self, count: int = 1, *, all_or_nothing: bool = False, invisible_for: float | timedelta = 30
    ) -> QueueRead[T]:
        """Read items from the front of the queue, and hide them from other reads for a while.

        Never repeated after a lost answer: that may have hidden items, which come back when their time is over.

        Args:
            count: Most items, 1 to 200. Each costs one request unit of the experience.
            all_or_nothing: Whether nothing is read when there are fewer.
            invisible_for: Seconds, or a timedelta, for which the items are hidden: above 0, at most 3,888,000.

        Returns:
            What was read, and can be discarded as a whole; without items where there were none, or too few.

        Raises:
            InvalidRequestError: An argument is refused; nothing was sent.
            APIConnectionError: No answer came; `outcome_unknown` says whether items may be hidden.
            APIResponseError: A value is not of the queue's type; the message names the read, which can be discarded.

        Scopes: `memory-store.queue:dequeue`.
        Source: `GET /cloud/v2/universes/{universe_id}/memory-store/queues/{queue_id}/items:read`.
        """
        check_whole("count", count, LARGEST_READ, smallest=1)
        whole, window = check_switch("all_or_nothing", all_or_nothing), check_duration("invisible_for", invisible_for)
        session, call = self._session, self._read_call(count, window, all_or_nothing=whole)
        try:
            response = await session.send(call)
        except NotFoundError:
            if not all_or_nothing:
                raise
            return QueueRead(self._binding, self._path(), None, ())
        wire = _wire_read(response, call.endpoint)
        session.pace.spend(call, len(wire.rows) - 1)
        return self._read(wire, response, call.endpoint)

    async def discard(self, read_id: str) -> None:
        """Take all items of a read out of the queue for good; repeated after a lost answer.

        Args:
            read_id: `QueueRead.id`.

        Raises:
            NotFoundError: Roblox knows no such read, or no longer.
            RblxCloudError: The items may come back when their time is over.

        Scopes: `memory-store.queue:discard`.
        Source: `POST /cloud/v2/universes/{universe_id}/memory-store/queues/{queue_id}/items:discard`.
        """
        await _discard(self._session, self._path(), check_text("read_id", read_id))

    async def consume(
        self,
        *,
        batch: int = 1,
        invisible_for: float | timedelta = 30,
        longest_pause: float = 10.0,
        until_empty: bool = False,
        limit: int | None = None,
    ) -> AsyncGenerator[QueueItem[T], None]:
        """Hand out the items of the queue, one by one, and discard each once the body of the loop has finished.

        An item is discarded when the next one is asked for: then its body has finished. After `break`, `return`, an
        exception, a cancellation or the death of the process it is not; it comes back when its time is over, to this
        consumer or another. With `batch=n`, that is so for all items that were read with it: a read is discarded as a
        whole, once the last of its items was handled. Several consumers may share a queue.

        When reading and handling outlast `invisible_for`, other consumers may get the item too: a warning is logged. So
        it is of a discard that failed, after which the item comes back, and of a read whose answer was lost; another
        read follows after a pause, as often as the client's retries allow, and what the lost one hid comes back.

        Args:
            batch: Items a read, 1 to 200: fewer requests, but the time is for all of them together.
            invisible_for: Seconds, or a timedelta, in which what was read has to be handled: above 0, at most
                3,888,000.
            longest_pause: Seconds: the pauses between reads of an empty queue grow up to this.
            until_empty: Whether to end when a read brings nothing, instead of waiting for more. Items that are hidden
                by other reads are not waited for.
            limit: Most items to hand out. All of them are discarded, which `break` does not do with the last.

        Yields:
            The items, from the front of the queue.

        Raises:
            InvalidRequestError: An argument is refused; nothing was sent.
            APIResponseError: A value is not of the queue's type; the message names the read, which can be discarded.
            RblxCloudError: The queue could not be read.

        Scopes: `memory-store.queue:dequeue`, `memory-store.queue:discard`.
        Source: `GET /cloud/v2/.../queues/{queue_id}/items:read`, `POST /cloud/v2/.../queues/{queue_id}/items:discard`.
        """
        check_whole("batch", batch, LARGEST_READ, smallest=1)
        check_seconds("longest_pause", longest_pause)
        check_switch("until_empty", until_empty)
        check_limit(limit)
        window = check_duration("invisible_for", invisible_for)
        runtime = self._session.runtime
        pause = first_pause = min(_FIRST_PAUSE, longest_pause)
        left, failed = float("inf") if limit is None else limit, 0
        while left > 0:
            try:
                held = await self._take(int(min(batch, left)), window)
            except (APIConnectionError, RateLimitedError, ServerError) as error:
                failed += 1
                await self._after_failed_read(error, failed)
                continue
            failed, ends, items = 0, held.began + _seconds(window), held.read.items
            for item in items:
                yield item
                if runtime.monotonic() >= ends:
                    logger.warning(_TOO_SLOW, self, _seconds(window))
                    ends = float("inf")  # Once for each read.
            if items:
                await self._finish(held, window)
                left, pause = left - len(items), first_pause
            elif until_empty:
                return
            else:
                await runtime.sleep(pause)
                pause = min(2 * pause, longest_pause)

    async def _take(self, count: int, window: str) -> _Held[T]:
        """Read, once that and the discard of it are paid for: a discard must not wait until the items are back."""
        session, call = self._session, replace(self._read_call(count, window), prepaid=True)
        # Sent once: a repeat would hold the units as long as it waits, and not tell when the items were hidden.
        options = session.settings.options
        once = session.with_options(replace(options, retry=replace(options.retry, retries=0)))
        paid = await session.pace.prepay(call, count + 1)
        began = session.runtime.monotonic()
        try:
            response = await once.send(call)
            read = self._read(_wire_read(response, call.endpoint), response, call.endpoint)
        except BaseException as error:
            # A read that was lost may have cost all of it.
            lost = not isinstance(error, RblxCloudError) or error.outcome_unknown
            paid.give_back(1 if lost else count)
            raise
        paid.give_back(count - len(read.items) if read.items else count)
        return _Held(read, began, paid)

    async def _after_failed_read(self, error: APIConnectionError | RateLimitedError | ServerError, failed: int) -> None:
        """Pause before the next read; it is no repeat of one that was lost, since what that has hidden comes back."""
        session, lost = self._session, error.outcome_unknown
        asked = None if isinstance(error, APIConnectionError) else error.retry_after
        attempt = Attempt(failed, Fate.UNKNOWN if lost else Fate.DID_NOTHING, asked)
        delay = next_delay(session.settings.options.retry, attempt, repeatable=True, chance=session.runtime.random())
        if delay is None or (not lost and isinstance(error, DeadlineExceededError | ServerError)):
            raise error
        if lost:
            logger.warning("%r: a read was lost, what it may have hidden comes back: %s", self, error)
        await session.runtime.sleep(delay)

    async def _finish(self, held: _Held[T], window: str) -> None:
        """Discard what was handled, although the consumer is cancelled meanwhile; a failure only means a repeat."""
        session = self._session
        options = session.settings.options
        deadline = min(_seconds(window), _LONGEST_DISCARD, options.deadline or _LONGEST_DISCARD)
        brief = session.with_options(replace(options, deadline=deadline))
        assert held.read.id is not None
        held.paid.use(1)
        try:
            await session.runtime.shielded(_discard(brief, self._path(), held.read.id, prepaid=True))
        except (APIConnectionError, ServerError, RateLimitedError, NotFoundError) as error:
            logger.warning(
                "%r: items that were handled could not be discarded, and may be handled again: %s", self, error
            )

    @property
    def _session(self) -> Session:
        return self._binding.get()

    def _path(self) -> dict[str, str | int]:
        return {"universe_id": self._universe_id, "queue_id": self._name}

    def _read_call(self, count: int, window: str, *, all_or_nothing: bool = False) -> Call:
        query: dict[str, QueryValue] = {
            "count": count,
            "allOrNothing": True if all_or_nothing else None,
            "invisibilityWindow": window,
        }
        return Call(api.READ_MEMORY_STORE_QUEUE_ITEMS, self._path(), query)

    def _read(self, wire: _WireRead, response: Response, endpoint: Endpoint) -> QueueRead[T]:
        hint = f"; discard({wire.read_id!r}) drops what was read"
        items = tuple(self._fitted(row, hint, response, endpoint) for row in wire.rows)
        # A read that brought nothing may have an id, too, but there is nothing to discard.
        return QueueRead(self._binding, self._path(), wire.read_id if items else None, items)

    def _fitted(self, wire: _WireItem, hint: str, response: Response, endpoint: Endpoint) -> QueueItem[T]:
        what = f"the item {_id_of(wire)!r} does not fit the type of the queue {self._name!r}{hint}"
        return _item(wire, read_value(self._codec, wire.data, what, response, endpoint))


@dataclass(frozen=True, slots=True)
class _Held(Generic[T]):
    """What a consumer has read and not yet discarded."""

    read: QueueRead[T]
    began: float
    """The moment before it was sent: no item was hidden earlier."""
    paid: Prepaid
    """Holds the unit that its discard costs."""


def _seconds(duration: str) -> float:
    return float(duration.removesuffix("s"))


def _wire_read(response: Response, endpoint: Endpoint) -> _WireRead:
    if response.status == 204:  # How an empty queue was answered in the past.
        return _WireRead()
    wire = decode(_READ, response, endpoint)
    if wire.rows and not wire.read_id:
        raise unusable(response, endpoint, "it holds no readId")
    return wire


def _id_of(wire: _WireItem) -> str:
    # It is no field of its own in practice, but the end of the path, without a slash in it.
    return wire.id or (wire.path or "").rpartition("/")[2]


def _item(wire: _WireItem, value: T) -> QueueItem[T]:
    return QueueItem(_id_of(wire), value, wire.priority or 0.0, wire.expire_time)


async def _discard(session: Session, path: dict[str, str | int], read_id: str, *, prepaid: bool = False) -> None:
    content = encode_json({"readId": read_id})
    call = Call(api.DISCARD_MEMORY_STORE_QUEUE_ITEMS, path, content=content, prepaid=prepaid)
    try:
        await session.send(call)
    except OutcomeUnknownError as error:
        # The repeat found no such read: the attempt that was lost had discarded it.
        if not isinstance(error.__cause__, NotFoundError):
            raise
