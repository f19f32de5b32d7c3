"""Ordered data stores: whole numbers that Roblox keeps sorted."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar, overload

from pydantic import BeforeValidator, TypeAdapter

from rblxcloud.endpoints import ordered_data_stores as api
from rblxcloud.endpoints.model import Endpoint
from rblxcloud.errors import NotFoundError, RblxCloudError
from rblxcloud.http.binding import Binding
from rblxcloud.http.request import Call, QueryValue, json_call
from rblxcloud.http.session import Session
from rblxcloud.pagination import Page, Pager
from rblxcloud.resources.arguments import check_limit, check_whole
from rblxcloud.resources.base import Model, check_segment, check_text
from rblxcloud.resources.data_store import LONGEST_NAME, check_scope
from rblxcloud.resources.value import EXACT_INTEGER
from rblxcloud.types import UNSET

D = TypeVar("D")

LONGEST_ORDERED_KEY = 63
"""Characters of a key of an ordered data store."""

_LARGEST = 2**63 - 1
_SMALLEST = -(2**63)
_LARGEST_PAGE = 100


def _whole(value: object) -> object:
    """v2 types numbers as doubles, which may be written with an exponent."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


class OrderedEntry(Model):
    """A key of an ordered data store and its number."""

    id: str
    """The key."""
    value: Annotated[int, BeforeValidator(_whole)] = 0
    """The number, from -(2^63) to 2^63 - 1."""


class _OrderedList(Model):
    ordered_data_store_entries: tuple[OrderedEntry, ...] = ()
    next_page_token: str | None = None


def _check_number(argument: str, value: object) -> int:
    return check_whole(argument, value, _LARGEST, smallest=_SMALLEST)


def _check_key(key: object) -> str:
    return check_segment("key", check_text("key", key, LONGEST_ORDERED_KEY))


_ENTRY = TypeAdapter(OrderedEntry)
_LIST = TypeAdapter(_OrderedList)


class OrderedDataStore:
    """An ordered data store of an experience; made by `Experience.get_ordered_data_store`.

    Numbers are 64-bit integers. Roblox's v2, which is used where it can be, sends them as doubles, so what is beyond
    2^53 - 1 is read and written through v1, which has 300 reads and 300 writes a minute for a universe.
    """

    def __init__(self, binding: Binding, universe_id: int, name: str, scope: str) -> None:
        self._binding = binding
        self._universe_id = universe_id
        self._name = check_segment("name", check_text("name", name, LONGEST_NAME))
        self._scope = check_segment("scope", check_scope(scope))

    @property
    def name(self) -> str:
        """The store's name."""
        return self._name

    @property
    def scope(self) -> str:
        """The scope that keys stand in."""
        return self._scope

    def __repr__(self) -> str:
        """Show experience, name and scope."""
        return f"<OrderedDataStore {self._name!r} scope={self._scope!r} of experience {self._universe_id}>"

    @overload
    async def get(self, key: str) -> int: ...
    @overload
    async def get(self, key: str, *, default: D) -> int | D: ...
    async def get(self, key: str, *, default: Any = UNSET) -> Any:
        """Read a number.

        Args:
            key: The key, 1 to 63 characters.
            default: Returned when the key does not exist; without it, that is an error.

        Returns:
            The number.

        Raises:
            NotFoundError: The key does not exist and there is no default.

        Scopes: `universe.ordered-data-store.scope.entry:read`.
        Source: `GET /cloud/v2/.../ordered-data-stores/{ordered_data_store_id}/scopes/{scope_id}/entries/{entry_id}`.
        """
        try:
            return await self._exact(await self._session.request(Call(api.GET_ENTRY, self._v2(key)), _ENTRY), key)
        except NotFoundError:
            if default is UNSET:
                raise
            return default

    async def set(self, key: str, value: int) -> int:
        """Write a number, and replace what stood there.

        Args:
            key: The key, 1 to 63 characters.
            value: Whole number from -(2^63) to 2^63 - 1.

        Returns:
            The number as Roblox keeps it.

        Raises:
            InvalidRequestError: An argument is refused; nothing was sent.

        Scopes: `universe.ordered-data-store.scope.entry:write`.
        Source: `PATCH /cloud/v2/.../ordered-data-stores/{ordered_data_store_id}/scopes/{scope_id}/entries/{entry_id}`.
        """
        if abs(_check_number("value", value)) > EXACT_INTEGER:
            return await self._send_v1(api.V1_UPDATE_ENTRY, key, {"value": value}, {"allow_missing": True})
        call = json_call(api.UPDATE_ENTRY, self._v2(key), {"value": value}, {"allowMissing": True})
        return (await self._session.request(call, _ENTRY)).value

    async def create(self, key: str, value: int) -> int:
        """Write a number only when the key does not exist.

        Args:
            key: The key, 1 to 63 characters.
            value: Whole number from -(2^63) to 2^63 - 1.

        Returns:
            The number as Roblox keeps it.

        Raises:
            BadRequestError: The key exists.

        Scopes: `universe.ordered-data-store.scope.entry:write`.
        Source: `POST /cloud/v2/.../ordered-data-stores/{ordered_data_store_id}/scopes/{scope_id}/entries`.
        """
        _check_key(key)
        if abs(_check_number("value", value)) > EXACT_INTEGER:
            return await self._send_v1(api.V1_CREATE_ENTRY, key, {"value": value}, {"id": key})
        call = json_call(api.CREATE_ENTRY, self._store_v2(), {"value": value}, {"id": key})
        return (await self._session.request(call, _ENTRY)).value

    async def increment(self, key: str, amount: int = 1) -> int:
        """Add to a number; a key that does not exist is created with `amount`. Never repeated after a lost answer.

        Args:
            key: The key, 1 to 63 characters.
            amount: Whole number from -(2^63) to 2^63 - 1.

        Returns:
            The new number.

        Raises:
            APIConnectionError: No answer came; `outcome_unknown` says whether it may have been added.

        Scopes: `universe.ordered-data-store.scope.entry:write`, and `...:read` for a number beyond 2^53 - 1.
        Source: `POST /cloud/v2/.../ordered-data-stores/.../entries/{entry_id}:increment`.
        """
        if abs(_check_number("amount", amount)) > EXACT_INTEGER:
            return await self._send_v1(api.V1_INCREMENT_ENTRY, key, {"amount": amount}, {})
        call = json_call(api.INCREMENT_ENTRY, self._v2(key), {"amount": amount})
        written = await self._session.request(call, _ENTRY)
        try:
            return await self._exact(written, key)
        except RblxCloudError as error:
            error.outcome_unknown = True
            error.add_note(f"It was added; only the exact number, about {written.value}, could not be read.")
            raise

    async def remove(self, key: str) -> None:
        """Remove a number at once and for good.

        Args:
            key: The key.

        Raises:
            NotFoundError: The key does not exist.

        Scopes: `universe.ordered-data-store.scope.entry:write`.
        Source: `DELETE /cloud/v2/.../ordered-data-stores/{ordered_data_store_id}/scopes/{scope_id}/entries/{entry_id}`.
        """
        await self._session.send(Call(api.DELETE_ENTRY, self._v2(key)))

    def sorted(
        self,
        *,
        descending: bool = False,
        minimum: int | None = None,
        maximum: int | None = None,
        limit: int | None = None,
        page_size: int = 100,
    ) -> Pager[OrderedEntry]:
        """List keys and numbers, sorted by number.

        Args:
            descending: Whether the largest number comes first.
            minimum: Only numbers from this up.
            maximum: Only numbers up to this.
            limit: Most entries in all.
            page_size: Most entries a request, 1 to 100.

        Returns:
            A pager: iterate it, or its `pages()`.

        Scopes: `universe.ordered-data-store.scope.entry:read`.
        Source: `GET /cloud/v2/.../ordered-data-stores/{ordered_data_store_id}/scopes/{scope_id}/entries`.
        """
        check_limit(limit)
        check_whole("page_size", page_size, _LARGEST_PAGE, smallest=1)
        # The field is called `entry` although it is compared with the number; one space between the tokens, no more.
        bounds = [f"entry >= {_check_number('minimum', minimum)}"] if minimum is not None else []
        bounds += [f"entry <= {_check_number('maximum', maximum)}"] if maximum is not None else []
        query: dict[str, QueryValue] = {
            "maxPageSize": page_size if limit is None else min(page_size, limit),
            "orderBy": "value desc" if descending else None,
            "filter": " && ".join(bounds) or None,
        }

        async def fetch(token: str | None, wanted: int | None) -> Page[OrderedEntry]:
            call = Call(api.LIST_ENTRIES, self._store_v2(), {**query, "pageToken": token})
            page = await self._session.request(call, _LIST)
            rows = [await self._exact_row(row) for row in page.ordered_data_store_entries]
            return Page(tuple(row for row in rows if row is not None), page.next_page_token or None)

        return Pager(fetch, limit=limit)

    async def _exact_row(self, row: OrderedEntry) -> OrderedEntry | None:
        try:
            return OrderedEntry(id=row.id, value=await self._exact(row, row.id))
        except NotFoundError:
            return None  # It was removed after the page was made.

    @property
    def _session(self) -> Session:
        return self._binding.get()

    def _store_v2(self) -> dict[str, str | int]:
        return {"universe_id": self._universe_id, "ordered_data_store_id": self._name, "scope_id": self._scope}

    def _v2(self, key: str) -> dict[str, str | int]:
        return {**self._store_v2(), "entry_id": _check_key(key)}

    def _v1(self, key: str) -> dict[str, str | int]:
        return {
            "universeId": self._universe_id,
            "orderedDataStore": self._name,
            "scope": self._scope,
            "entry": _check_key(key),
        }

    async def _send_v1(self, endpoint: Endpoint, key: str, body: dict[str, int], query: dict[str, QueryValue]) -> int:
        return (await self._session.request(json_call(endpoint, self._v1(key), body, query), _ENTRY)).value

    async def _exact(self, entry: OrderedEntry, key: str) -> int:
        """v2 sends numbers as doubles: one that a double cannot hold is read again through v1."""
        if abs(entry.value) <= EXACT_INTEGER:
            return entry.value
        return (await self._session.request(Call(api.V1_GET_ENTRY, self._v1(key)), _ENTRY)).value
