"""Sorted maps of memory stores: items that are kept for a while, in the order of their sort keys."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar, overload

from pydantic import Field, TypeAdapter

from rblxcloud.endpoints import memory_stores as api
from rblxcloud.endpoints.model import Endpoint
from rblxcloud.errors import ConflictError, InvalidRequestError, NotFoundError
from rblxcloud.http.binding import Binding
from rblxcloud.http.request import Call, QueryValue, encode_json
from rblxcloud.http.response import decode, unusable
from rblxcloud.http.session import Session
from rblxcloud.pagination import Page, Pager
from rblxcloud.resources.arguments import check_function, check_limit, check_switch, check_whole
from rblxcloud.resources.base import Model, Timestamp, check_segment, check_text
from rblxcloud.resources.memory_store import LONGEST_STAY, check_duration, check_name, check_number, read_value
from rblxcloud.resources.value import EXACT_INTEGER, Codec
from rblxcloud.types import UNSET, Response

T = TypeVar("T")
D = TypeVar("D")

LONGEST_ID = 127
"""Characters of an item's key."""
LONGEST_SORT_KEY = 128
"""Characters of a sort key that is text."""

_LARGEST_PAGE = 100


@dataclass(frozen=True, slots=True)
class SortedMapItem(Generic[T]):
    """An item of a sorted map."""

    id: str
    """The key."""
    value: T
    """The value."""
    sort_key: str | float | None = None
    """What the map is sorted by; None for an item that stands behind those that have one."""
    etag: str | None = None
    """Names this state of the item."""
    expires: datetime | None = None
    """When it is gone."""


class _WireItem(Model):
    etag: str | None = None
    expire_time: Timestamp | None = None
    string_sort_key: str | None = None
    numeric_sort_key: float | None = None


class _WireWritten(_WireItem):
    value: Any = None


class _WireStored(_WireItem):
    value: Any


class _WireRow(_WireStored):
    id: str = Field(min_length=1)


class _WireList(Model):
    items: tuple[_WireRow, ...] | None = None
    next_page_token: str | None = None


_WRITTEN = TypeAdapter(_WireWritten)
_STORED = TypeAdapter(_WireStored)
_LIST = TypeAdapter(_WireList)


class SortedMap(Generic[T]):
    """A sorted map of an experience's memory stores; made by `Experience.get_sorted_map`.

    Its order: items with a number as sort key, by that number; then those with a text, by that text; then those without
    one; and by key where that is equal. The map is there as long as there is an item in it.

    Values are JSON, at most 32,768 bytes of it, or of the type the map was made for.
    """

    def __init__(self, binding: Binding, universe_id: int, name: str, codec: Codec[T]) -> None:
        self._binding = binding
        self._universe_id = universe_id
        self._name = check_name("name", name)
        self._codec = codec

    @property
    def name(self) -> str:
        """The map's name."""
        return self._name

    def __repr__(self) -> str:
        """Show experience and name."""
        return f"<SortedMap {self._name!r} of experience {self._universe_id}>"

    @overload
    async def get(self, key: str) -> SortedMapItem[T]: ...
    @overload
    async def get(self, key: str, *, default: D) -> SortedMapItem[T] | D: ...
    async def get(self, key: str, *, default: Any = UNSET) -> Any:
        """Read an item.

        Args:
            key: The key, 1 to 127 characters.
            default: Returned when there is no such item; without it, that is an error.

        Returns:
            The item.

        Raises:
            NotFoundError: There is no such item, or it has expired, and there is no default.
            APIResponseError: The value is not of the map's type.

        Scopes: `memory-store.sorted-map:read`.
        Source: `GET /cloud/v2/universes/{universe_id}/memory-store/sorted-maps/{sorted_map_id}/items/{item_id}`.
        """
        call = Call(api.GET_MEMORY_STORE_SORTED_MAP_ITEM, self._item_path(key))
        try:
            response = await self._session.send(call)
        except NotFoundError:
            if default is UNSET:
                raise
            return default
        return self._stored(decode(_STORED, response, call.endpoint), key, response, call.endpoint)

    async def set(
        self,
        key: str,
        value: T,
        *,
        sort_key: str | float | None = None,
        expires_in: float | timedelta = LONGEST_STAY,
    ) -> SortedMapItem[T]:
        """Write an item, whether there is one or not.

        Args:
            key: The key, 1 to 127 characters.
            value: The value; at most 32,768 bytes of JSON.
            sort_key: What the map is sorted by: a number, or a text of 1 to 128 characters. None leaves the one that
                the item has; a new item then has none.
            expires_in: Seconds, or a timedelta, until the item is gone: above 0, at most 3,888,000 (45 days).

        Returns:
            The item as Roblox keeps it.

        Raises:
            InvalidRequestError: An argument is refused; nothing was sent.
            APIConnectionError: No answer came; `outcome_unknown` says whether it may have been written. It is sent
                again only with `repeat_writes=True`, for a client that is the only writer.

        Scopes: `memory-store.sorted-map:write`.
        Source: `PATCH /cloud/v2/.../sorted-maps/{sorted_map_id}/items/{item_id}?allowMissing=true`.
        """
        content = _body(
            self._codec.encode(value), **_sort_fields(sort_key), ttl=check_duration("expires_in", expires_in)
        )
        endpoint = api.UPDATE_MEMORY_STORE_SORTED_MAP_ITEM
        call = Call(endpoint, self._item_path(key), {"allowMissing": True}, content=content)
        return self._written(await self._session.send(call), endpoint, key, value)

    async def add(
        self,
        key: str,
        value: T,
        *,
        sort_key: str | float | None = None,
        expires_in: float | timedelta = LONGEST_STAY,
    ) -> SortedMapItem[T]:
        """Write an item only when there is none.

        Args:
            key: The key, 1 to 127 characters.
            value: The value; at most 32,768 bytes of JSON.
            sort_key: What the map is sorted by: a number, a text of 1 to 128 characters, or None.
            expires_in: Seconds, or a timedelta, until the item is gone: above 0, at most 3,888,000 (45 days).

        Returns:
            The item as Roblox keeps it.

        Raises:
            InvalidRequestError: An argument is refused; nothing was sent.
            ConflictError: There is one.
            OutcomeUnknownError: An attempt was lost, and the repeat found an item there, which may be its own.

        Scopes: `memory-store.sorted-map:write`.
        Source: `POST /cloud/v2/.../sorted-maps/{sorted_map_id}/items?id={key}`.
        """
        return await self._create(key, value, sort_key, check_duration("expires_in", expires_in))

    async def update(
        self,
        key: str,
        transform: Callable[[T | None], Awaitable[T | None] | T | None],
        *,
        sort_key: str | float | Callable[[T], Awaitable[str | float] | str | float] | None = None,
        expires_in: float | timedelta | None = None,
        attempts: int = 100,
    ) -> SortedMapItem[T] | None:
        """Read an item, change it, and write it if nobody else has in the meantime; else start again from theirs.

        What Luau's `UpdateAsync` does.

        Args:
            key: The key.
            transform: Given the current value (None when there is no item), returns the one to write, or None to write
                nothing. It is called once for each try, so it must not do anything but compute.
            sort_key: The new sort key, or a function that returns it for the new value. None leaves the one that the
                item has.
            expires_in: Seconds, or a timedelta, until the item is gone. None leaves that as it is; 45 days for a new
                item.
            attempts: How often at most others may come first.

        Returns:
            The item as it was written; None when `transform` returned None.

        Raises:
            ConflictError: Others came first every time.
            NotFoundError: At the last attempt, others had removed the item.
            OutcomeUnknownError: A write was lost and it could not be found out whether it happened; `transform` is
                not called again, since it could be applied twice.

        Scopes: `memory-store.sorted-map:read`, `memory-store.sorted-map:write`.
        Source: `GET` and `PATCH` of `/cloud/v2/.../sorted-maps/{sorted_map_id}/items/{item_id}`, and
        `POST /cloud/v2/.../sorted-maps/{sorted_map_id}/items?id={key}`.
        """
        check_whole("attempts", attempts, 1_000_000, smallest=1)
        check_function("transform", transform)
        if not callable(sort_key):
            _sort_fields(sort_key)
        ttl = None if expires_in is None else check_duration("expires_in", expires_in)
        session = self._session
        item = await self.get(key, default=None)
        for attempt in range(1, attempts + 1):
            changed = await session.runtime.call("transform", transform, None if item is None else item.value)
            if changed is None:
                return None
            place = await self._place_of(changed, sort_key)
            try:
                if item is None:
                    return await self._create(key, changed, place, ttl or f"{LONGEST_STAY}s")
                return await self._replace(key, item, changed, item.sort_key if place is None else place, ttl)
            except (ConflictError, NotFoundError) as error:
                gone = isinstance(error, NotFoundError)
                if attempt == attempts or (gone and item is None):
                    raise
            delay = session.settings.options.retry.delay(attempt, session.runtime.random()) / 10
            await session.runtime.sleep(delay)
            item = await self.get(key, default=None)
        raise AssertionError("unreachable: the last attempt returns or raises")

    async def remove(self, key: str) -> None:
        """Remove an item at once.

        Args:
            key: The key.

        Raises:
            NotFoundError: There is no such item.
            APIConnectionError: No answer came; `outcome_unknown` says whether it may have been removed. It is sent
                again only with `repeat_writes=True`, for a client that is the only writer.

        Scopes: `memory-store.sorted-map:write`.
        Source: `DELETE /cloud/v2/.../sorted-maps/{sorted_map_id}/items/{item_id}`.
        """
        await self._session.send(Call(api.DELETE_MEMORY_STORE_SORTED_MAP_ITEM, self._item_path(key)))

    def items(
        self,
        *,
        descending: bool = False,
        key_above: str | None = None,
        key_below: str | None = None,
        sort_key_above: str | float | None = None,
        sort_key_below: str | float | None = None,
        limit: int | None = None,
        page_size: int = 100,
    ) -> Pager[SortedMapItem[T]]:
        """List items in the order of the map. The bounds are not part of the range.

        Args:
            descending: Whether the list begins at the end.
            key_above: Only items whose key comes after this.
            key_below: Only items whose key comes before this.
            sort_key_above: Only items whose sort key comes after this, a number or a text; items whose sort key is of
                the other kind, or that have none, are left out.
            sort_key_below: Only items whose sort key comes before this.
            limit: Most items in all.
            page_size: Most items a request, 1 to 100. Each item costs one request unit of the experience.

        Returns:
            A pager: iterate it, or its `pages()`.

        Raises:
            InvalidRequestError: An argument is refused, or the two bounds of the sort key are a number and a text.

        Scopes: `memory-store.sorted-map:read`.
        Source: `GET /cloud/v2/.../sorted-maps/{sorted_map_id}/items`.
        """
        check_limit(limit)
        check_whole("page_size", page_size, _LARGEST_PAGE, smallest=1)
        kinds = {isinstance(bound, str) for bound in (sort_key_above, sort_key_below) if bound is not None}
        if len(kinds) == 2:
            raise InvalidRequestError("sort_key_below", "is of another kind than sort_key_above: no item is in between")
        bounds = [
            *_bound("id >", "key_above", _check_id("key_above", key_above)),
            *_bound("id <", "key_below", _check_id("key_below", key_below)),
            *_bound("sortKey >", "sort_key_above", sort_key_above),
            *_bound("sortKey <", "sort_key_below", sort_key_below),
        ]
        query: dict[str, QueryValue] = {
            "maxPageSize": page_size if limit is None else min(page_size, limit),
            "orderBy": "id desc" if check_switch("descending", descending) else None,
            "filter": " && ".join(bounds) or None,
        }

        async def fetch(token: str | None) -> Page[SortedMapItem[T]]:
            call = Call(api.LIST_MEMORY_STORE_SORTED_MAP_ITEMS, self._path(), {**query, "pageToken": token})
            response = await self._session.send(call)
            page = decode(_LIST, response, call.endpoint)
            rows = page.items or ()
            self._session.pace.spend(call, len(rows) - 1)
            items = tuple(self._stored(row, row.id, response, call.endpoint) for row in rows)
            return Page(items, page.next_page_token or None)

        return Pager(fetch, limit=limit)

    @property
    def _session(self) -> Session:
        return self._binding.get()

    def _path(self) -> dict[str, str | int]:
        return {"universe_id": self._universe_id, "sorted_map_id": self._name}

    def _item_path(self, key: str) -> dict[str, str | int]:
        return {**self._path(), "item_id": check_segment("key", check_text("key", key, LONGEST_ID))}

    async def _place_of(
        self, value: T, sort_key: str | float | Callable[[T], Awaitable[str | float] | str | float] | None
    ) -> str | float | None:
        if sort_key is None or isinstance(sort_key, str | int | float):
            return sort_key
        return await self._session.runtime.call("sort_key", sort_key, value)

    async def _create(self, key: str, value: T, sort_key: str | float | None, ttl: str) -> SortedMapItem[T]:
        self._item_path(key)  # An item that could not be addressed afterwards is not made.
        content = _body(self._codec.encode(value), **_sort_fields(sort_key), ttl=ttl)
        endpoint = api.CREATE_MEMORY_STORE_SORTED_MAP_ITEM
        call = Call(endpoint, self._path(), {"id": key}, content=content, guarded=True)
        return self._written(await self._session.send(call), endpoint, key, value)

    async def _replace(
        self, key: str, item: SortedMapItem[T], value: T, sort_key: str | float | None, ttl: str | None
    ) -> SortedMapItem[T]:
        """Write over exactly the item that was read."""
        if item.etag is None:
            raise unusable(None, api.GET_MEMORY_STORE_SORTED_MAP_ITEM, "it holds no etag")
        content = _body(self._codec.encode(value), **_sort_fields(sort_key), ttl=ttl, etag=item.etag)
        endpoint = api.UPDATE_MEMORY_STORE_SORTED_MAP_ITEM
        call = Call(endpoint, self._item_path(key), content=content, guarded=True)
        return self._written(await self._session.send(call), endpoint, key, value)

    def _written(self, response: Response, endpoint: Endpoint, key: str, value: T) -> SortedMapItem[T]:
        wire = decode(_WRITTEN, response, endpoint)
        if "value" not in wire.model_fields_set:
            return _item(wire, key, value)
        return self._stored(wire, key, response, endpoint)

    def _stored(
        self, wire: _WireWritten | _WireStored, key: str, response: Response, endpoint: Endpoint
    ) -> SortedMapItem[T]:
        what = f"the value of {key!r} does not fit the type of the map {self._name!r}"
        return _item(wire, key, read_value(self._codec, wire.value, what, response, endpoint))


def _item(wire: _WireItem, key: str, value: T) -> SortedMapItem[T]:
    # The answer to an update leaves the id out (seen in practice), so the key is the one that was asked for.
    return SortedMapItem(key, value, wire.string_sort_key or _number(wire), wire.etag, wire.expire_time)


def _number(wire: _WireItem) -> int | float | None:
    """Return the sort key as a whole number where that is exact; beyond, its digits are not those of the double."""
    number = wire.numeric_sort_key
    if number is None or not number.is_integer() or abs(number) > EXACT_INTEGER:
        return number
    return int(number)


def _body(value: bytes, **fields: object) -> bytes:
    # The value is JSON already.
    sent = {name: field for name, field in fields.items() if field is not None}
    return b'{"value":' + value + (b"," + encode_json(sent)[1:] if sent else b"}")


def _sort_fields(sort_key: object) -> dict[str, object]:
    if sort_key is None:
        return {}
    if isinstance(sort_key, str):
        return {"stringSortKey": check_text("sort_key", sort_key, LONGEST_SORT_KEY)}
    return {"numericSortKey": check_number("sort_key", sort_key)}


def _check_id(argument: str, key: object) -> str | None:
    return None if key is None else check_text(argument, key, LONGEST_ID)


def _bound(comparison: str, argument: str, bound: object) -> list[str]:
    """Return one condition; text is quoted as JSON, whose escapes those of the filter contain."""
    if bound is None:
        return []
    if isinstance(bound, str):
        return [f"{comparison} {json.dumps(check_text(argument, bound, LONGEST_SORT_KEY), ensure_ascii=False)}"]
    return [f"{comparison} {check_number(argument, bound)!r}"]
