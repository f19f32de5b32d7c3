"""Standard data stores."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Generic, TypeVar, overload

from pydantic import Field, TypeAdapter

from rblxcloud.endpoints import data_stores as api
from rblxcloud.endpoints.model import Endpoint
from rblxcloud.errors import (
    InvalidRequestError,
    NotFoundError,
    OutcomeUnknownError,
    PreconditionFailedError,
    RblxCloudError,
)
from rblxcloud.http.binding import Binding
from rblxcloud.http.request import Call, QueryValue
from rblxcloud.http.response import decode
from rblxcloud.http.session import Session
from rblxcloud.pagination import Page, Pager
from rblxcloud.resources import data_store_wire as wire
from rblxcloud.resources.base import Model, Timestamp, check_text
from rblxcloud.resources.data_store_wire import Address, Tags
from rblxcloud.resources.entry import (
    WIRE_VERSION,
    Entry,
    EntryInfo,
    EntryResult,
    EntryVersion,
    WireEntry,
    read_v1,
    read_v2,
)
from rblxcloud.resources.value import EXACT_INTEGER, Codec, check_metadata, check_users
from rblxcloud.types import UNSET, Response, Unset

T = TypeVar("T")
D = TypeVar("D")

LONGEST_NAME = 50
"""Characters of a data store's name, a scope and a key."""

_LARGEST_KEY_PAGE = 256
_LARGEST_PAGE = 100


class DataStoreInfo(Model):
    """A data store as Roblox lists it."""

    id: str
    """Its name."""
    created: Timestamp | None = Field(default=None, alias="createTime")
    """When it was first written to."""
    expires: Timestamp | None = Field(default=None, alias="expireTime")
    """When a deleted store is gone for good; None for one that is not deleted."""
    state: str = "ACTIVE"
    """`ACTIVE` or `DELETED`."""


class _EntryList(Model):
    data_store_entries: tuple[WireEntry, ...] = ()
    next_page_token: str | None = None


class _VersionList(Model):
    versions: tuple[Any, ...] = ()
    next_page_cursor: str | None = None


_ENTRY_LIST = TypeAdapter(_EntryList)
_VERSION_LIST = TypeAdapter(_VersionList)
_STORE_INFO = TypeAdapter(DataStoreInfo)


class DataStore(Generic[T]):
    """A standard data store of an experience; made by `Experience.get_data_store`.

    Values are JSON: None, bool, int, float, str, lists and dicts - or of the type the store was made for.
    """

    def __init__(self, binding: Binding, universe_id: int, name: str, scope: str | None, codec: Codec[T]) -> None:
        self._binding = binding
        self._universe_id = universe_id
        self._name = check_text("name", name, LONGEST_NAME)
        self._scope = None if scope is None else check_text("scope", scope, LONGEST_NAME)
        self._codec = codec

    @property
    def name(self) -> str:
        """The store's name."""
        return self._name

    @property
    def scope(self) -> str | None:
        """The scope that keys stand in; None when keys are written `scope/key`."""
        return self._scope

    def __repr__(self) -> str:
        """Show experience, name and scope."""
        return f"<DataStore {self._name!r} scope={self._scope!r} of experience {self._universe_id}>"

    @overload
    async def get(self, key: str) -> Entry[T]: ...
    @overload
    async def get(self, key: str, *, default: D) -> Entry[T] | tuple[D, None]: ...
    async def get(self, key: str, *, default: Any = UNSET) -> Any:
        """Read a value.

        Args:
            key: The key, 1 to 50 characters; `scope/key` when the store was got with `scope=None`.
            default: Returned as `(default, None)` when the key does not exist; without it, that is an error.

        Returns:
            The value and what is known of it.

        Raises:
            NotFoundError: The key does not exist, or was removed, and there is no default.
            APIResponseError: The value is not of the store's type; the message names key and version.
            RblxCloudError: Any other failure.

        Scopes: `universe-datastores.objects:read`.
        Source: `GET /cloud/v2/universes/{universe_id}/data-stores/{data_store_id}/scopes/{scope_id}/entries/{id}`.
        """
        call = wire.get(self._address(key))
        try:
            response = await self._session.send(call)
        except NotFoundError:
            if default is UNSET:
                raise
            return default, None
        if response.status == 204:  # How v1's table describes a removed key; seen in practice as 404.
            if default is UNSET:
                raise NotFoundError(response, "the entry was removed", endpoint=call.endpoint.name)
            return default, None
        return self._read(key, call, response)

    async def get_version(self, key: str, version: str) -> Entry[T]:
        """Read an earlier version of a value.

        Args:
            key: The key.
            version: Id of the version, from `EntryInfo.version` or `versions()`.

        Returns:
            The value as it was, and what is known of that version.

        Raises:
            NotFoundError: There is no such version, or it marks a removal.
            BadRequestError: It is not the id of a version.

        Scopes: `universe-datastores.objects:read`.
        Source: `GET /cloud/v2/.../entries/{entry_id}@{revision_id}`.
        """
        call = wire.get_version(self._address(key), check_text("version", version, 200))
        return self._read(key, call, await self._session.send(call))

    async def set(
        self,
        key: str,
        value: T,
        *,
        users: Iterable[int] | None = None,
        metadata: Mapping[str, Any] | None = None,
        exclusive_create: bool = False,
        previous_version: str | None = None,
    ) -> EntryVersion:
        """Write a value, and replace what stood there.

        Users and metadata that are left out are cleared, as Roblox does.

        Args:
            key: The key, 1 to 50 characters.
            value: The value; at most 4,194,304 bytes of JSON. Whole numbers beyond 2^53 - 1 are refused, since
                Roblox would round them.
            users: Ids of at most four users that the entry is about.
            metadata: Names of at most 50 and values of at most 250 characters, 300 in all.
            exclusive_create: Write only when the key does not exist.
            previous_version: Write only when this is still the current version.

        Returns:
            The version that was written.

        Raises:
            InvalidRequestError: An argument is refused; nothing was sent.
            PreconditionFailedError: The precondition does not hold; `entry` is what stands there.
            OutcomeUnknownError: An attempt was lost, and the repeat could not find out whether it had written.

        Scopes: `universe-datastores.objects:update`, `universe-datastores.objects:create`, and
        `universe-datastores.control:create` for a store that does not exist.
        Source: `PATCH /cloud/v2/.../entries/{entry_id}`; with a precondition
        `POST /datastores/v1/.../datastore/entries/entry`.
        """
        if exclusive_create and previous_version is not None:
            raise InvalidRequestError("exclusive_create", "cannot be combined with previous_version")
        content = self._codec.encode(value)
        tags = Tags(check_users(users), check_metadata(metadata))
        address = self._address(key)
        if exclusive_create or previous_version is not None:
            return await self._write_if(key, address, content, tags, previous_version)
        call = wire.replace(address, content, tags)
        response = await self._session.send(call)
        if call.endpoint is api.V1_SET_ENTRY:
            return decode(WIRE_VERSION, response, call.endpoint).entry_version()
        written = decode(_WIRE_ENTRY, response, call.endpoint).entry_version()
        return written.model_copy(update={"content_length": len(content)})

    async def increment(
        self,
        key: str,
        amount: int = 1,
        *,
        users: Iterable[int] | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> Entry[int]:
        """Add to a whole number; a key that does not exist is created with `amount`.

        Users and metadata that are left out are cleared, as Roblox does. Never repeated after a lost answer.

        Args:
            key: The key.
            amount: Whole number to add, from -(2^53 - 1) to 2^53 - 1.
            users: Ids of at most four users that the entry is about.
            metadata: As for `set`.

        Returns:
            The new number and what is known of it.

        Raises:
            BadRequestError: The stored value is not a whole number.
            APIConnectionError: No answer came; `outcome_unknown` says whether it may have been added.

        Scopes: `universe-datastores.objects:create`, `universe-datastores.objects:update`.
        Source: `POST /cloud/v2/.../entries/{entry_id}:increment`.
        """
        check_whole("amount", amount, EXACT_INTEGER)
        call = wire.increment(self._address(key), amount, Tags(check_users(users), check_metadata(metadata)))
        response = await self._session.send(call)
        read = read_v1 if call.endpoint is api.V1_INCREMENT_ENTRY else read_v2
        return read(_WHOLE, key, response, call.endpoint)

    async def remove(self, key: str) -> None:
        """Remove a value; its versions stay readable for 30 days.

        Args:
            key: The key.

        Raises:
            NotFoundError: The key does not exist, or was removed before.

        Scopes: `universe-datastores.objects:delete`.
        Source: `DELETE /cloud/v2/.../entries/{entry_id}`.
        """
        await self._session.send(wire.remove(self._address(key)))

    async def update(
        self,
        key: str,
        transform: Callable[[T | None], Awaitable[T | None] | T | None],
        *,
        users: Iterable[int] | Unset | None = UNSET,
        metadata: Mapping[str, Any] | Unset | None = UNSET,
        attempts: int = 100,
    ) -> Entry[T] | None:
        """Read a value, change it, and write it if nobody else has in the meantime; else start again from theirs.

        What Luau's `UpdateAsync` does. Users and metadata stay as they are unless they are passed.

        Args:
            key: The key.
            transform: Given the current value (None when the key does not exist), returns the one to write, or None
                to write nothing. It is called once for each try, so it must not do anything but compute.
            users: Users to tag the entry with instead of those it has.
            metadata: Metadata to write instead of what is there.
            attempts: How often at most others may come first.

        Returns:
            What was written; None when `transform` returned None.

        Raises:
            PreconditionFailedError: Others came first every time.
            OutcomeUnknownError: A write was lost and it could not be found out whether it happened; `transform` is
                not called again, since it could be applied twice.

        Scopes: `universe-datastores.objects:read`, `universe-datastores.objects:update`,
        `universe-datastores.objects:create`.
        Source: `GET /cloud/v2/.../entries/{entry_id}`, `POST /datastores/v1/.../datastore/entries/entry`.
        """
        check_whole("attempts", attempts, 1_000_000, smallest=1)
        session = self._session
        value, info = await self.get(key, default=None)
        for attempt in range(1, attempts + 1):
            changed = await session.runtime.call("transform", transform, value)
            if changed is None:
                return None
            tags = self._kept_tags(info, users, metadata)
            try:
                written = await self._write_if(
                    key, self._address(key), self._codec.encode(changed), tags, info.version if info else None
                )
            except PreconditionFailedError as error:
                if attempt == attempts:
                    raise
                value, info = error.entry if error.entry is not None else await self.get(key, default=None)
                await session.runtime.sleep(
                    session.settings.options.retry.delay(attempt, session.runtime.random()) / 10
                )
                continue
            return Entry(changed, _info_of(written, tags))
        raise AssertionError("unreachable: the last attempt returns or raises")

    async def get_many(
        self, keys: Iterable[str] | AsyncIterable[str], *, concurrency: int = 20
    ) -> AsyncGenerator[EntryResult[T], None]:
        """Read many keys at once, and yield each result as it comes.

        Memory does not grow with the number of keys: no more than `concurrency` are taken ahead.

        Args:
            keys: The keys; any iterable, also one that never ends.
            concurrency: How many are read at the same time, 1 to 1000.

        Yields:
            For each key its entry or its own error, in the order in which they come.

        Raises:
            InvalidRequestError: `concurrency` is out of range.

        Scopes: `universe-datastores.objects:read`.
        Source: `GET /cloud/v2/.../entries/{entry_id}`.
        """
        check_whole("concurrency", concurrency, 1000, smallest=1)
        async with self._session.runtime.map(self._get_result, keys, limit=concurrency) as outcomes:
            async for _, outcome in outcomes:
                if outcome.error is not None:
                    raise outcome.error
                assert outcome.result is not None
                yield outcome.result

    async def _get_result(self, key: str) -> EntryResult[T]:
        try:
            return EntryResult(key, entry=await self.get(key))
        except RblxCloudError as error:
            return EntryResult(key, error=error)

    def keys(
        self, *, prefix: str | None = None, limit: int | None = None, show_deleted: bool = False, page_size: int = 256
    ) -> Pager[str]:
        """List the keys; written `scope/key` when the store was got with `scope=None`.

        Args:
            prefix: Only keys that start with this.
            limit: Most keys in all.
            show_deleted: Whether keys that were removed in the last 30 days are listed too.
            page_size: Most keys a request, 1 to 256.

        Returns:
            A pager: iterate it, or its `pages()`.

        Scopes: `universe-datastores.objects:list`.
        Source: `GET /cloud/v2/.../scopes/{scope_id}/entries`.
        """
        check_limit(limit)
        check_whole("page_size", page_size, _LARGEST_KEY_PAGE, smallest=1)
        condition = wire.starts_with(prefix)
        deleted = True if show_deleted else None

        async def fetch(token: str | None, wanted: int | None) -> Page[str]:
            # The size stays the same for all pages: Roblox refuses a token with other parameters than it was made for.
            size = page_size if limit is None else min(page_size, limit)
            query: dict[str, QueryValue] = {"maxPageSize": size, "filter": condition, "showDeleted": deleted}
            call = Call(api.LIST_ENTRIES, self._list_path(), {**query, "pageToken": token})
            page = await self._session.request(call, _ENTRY_LIST)
            return Page(tuple(self._listed_key(row) for row in page.data_store_entries), page.next_page_token or None)

        return Pager(fetch, limit=limit)

    def versions(
        self,
        key: str,
        *,
        after: datetime | None = None,
        before: datetime | None = None,
        limit: int | None = None,
        page_size: int = 100,
    ) -> Pager[EntryVersion]:
        """List the versions of an entry, newest first.

        Args:
            key: The key.
            after: Only versions written at this moment or later; an aware datetime.
            before: Only versions written at this moment or earlier; an aware datetime.
            limit: Most versions in all.
            page_size: Most versions a request, 1 to 100.

        Returns:
            A pager: iterate it, or its `pages()`.

        Scopes: `universe-datastores.versions:list`.
        Source: `GET /cloud/v2/.../entries/{entry_id}:listRevisions`.
        """
        check_limit(limit)
        check_whole("page_size", page_size, _LARGEST_PAGE, smallest=1)
        address = self._address(key)
        since, until = check_moment("after", after), check_moment("before", before)
        size = page_size if limit is None else min(page_size, limit)

        async def fetch(token: str | None, wanted: int | None) -> Page[EntryVersion]:
            if address.only_v1:
                return await self._versions_v1(address, since, until, size, token)
            bounds = [f"revision_create_time >= {since}"] if since else []
            bounds += [f"revision_create_time <= {until}"] if until else []
            query: dict[str, QueryValue] = {"maxPageSize": size, "filter": " && ".join(bounds) or None}
            call = Call(api.LIST_REVISIONS, address.v2(), {**query, "pageToken": token})
            page = await self._session.request(call, _ENTRY_LIST)
            return Page(tuple(row.entry_version() for row in page.data_store_entries), page.next_page_token or None)

        return Pager(fetch, limit=limit)

    async def _versions_v1(
        self, address: Address, since: str | None, until: str | None, size: int, token: str | None
    ) -> Page[EntryVersion]:
        query = address.v1_query(startTime=since, endTime=until, sortOrder="Descending", limit=size, cursor=token)
        call = Call(api.V1_LIST_VERSIONS, address.v1_path(), query)
        page = await self._session.request(call, _VERSION_LIST)
        rows = tuple(WIRE_VERSION.validate_python(row).entry_version() for row in page.versions)
        return Page(rows, page.next_page_cursor or None)

    async def delete(self) -> DataStoreInfo:
        """Delete the whole store; it can be undeleted for 30 days.

        Returns:
            The store, with the moment at which it is gone for good. Deleting it again changes nothing.

        Raises:
            NotFoundError: There is no such store.

        Scopes: `universe-datastores.control:delete`.
        Source: `DELETE /cloud/v2/universes/{universe_id}/data-stores/{data_store_id}`.
        """
        return await self._on_store(api.DELETE_DATA_STORE, None)

    async def undelete(self) -> DataStoreInfo:
        """Bring a deleted store back.

        Returns:
            The store.

        Raises:
            NotFoundError: There is no such store, or its 30 days are over.

        Scopes: `universe-datastores.control:delete`.
        Source: `POST /cloud/v2/universes/{universe_id}/data-stores/{data_store_id}:undelete`.
        """
        return await self._on_store(api.UNDELETE_DATA_STORE, b"{}")

    async def _on_store(self, endpoint: Endpoint, content: bytes | None) -> DataStoreInfo:
        call = Call(endpoint, {"universe_id": self._universe_id, "data_store_id": self._name}, content=content)
        return await self._session.request(call, _STORE_INFO)

    @property
    def _session(self) -> Session:
        return self._binding.get()

    def _address(self, key: str) -> Address:
        if self._scope is not None:
            return Address(self._universe_id, self._name, self._scope, check_text("key", key, LONGEST_NAME))
        scope, slash, rest = check_text("key", key, 2 * LONGEST_NAME + 1).partition("/")
        if not slash:
            raise InvalidRequestError("key", f"{key!r} is not written scope/key, as a store with scope=None takes it")
        check_text("key (its scope)", scope, LONGEST_NAME)
        return Address(self._universe_id, self._name, scope, check_text("key", rest, LONGEST_NAME))

    def _list_path(self) -> dict[str, str | int]:
        scope = "-" if self._scope is None else self._scope
        return {"universe_id": self._universe_id, "data_store_id": self._name, "scope_id": scope}

    def _listed_key(self, row: WireEntry) -> str:
        if self._scope is not None:
            return row.id
        _, _, tail = row.path.partition("/scopes/")
        return f"{tail.partition('/entries/')[0]}/{row.id}"

    def _read(self, key: str, call: Call, response: Response) -> Entry[T]:
        v1 = call.endpoint in (api.V1_GET_ENTRY, api.V1_GET_VERSION)
        return (read_v1 if v1 else read_v2)(self._codec, key, response, call.endpoint)

    async def _write_if(
        self, key: str, address: Address, content: bytes, tags: Tags, previous_version: str | None
    ) -> EntryVersion:
        call = wire.write_if(address, content, tags, previous_version=previous_version)
        try:
            response = await self._session.send(call)
        except PreconditionFailedError as error:
            error.entry = self._standing_entry(key, error)
            raise
        except OutcomeUnknownError as error:
            if isinstance(error.__cause__, PreconditionFailedError):
                error.entry = self._standing_entry(key, error.__cause__)
            raise
        return decode(WIRE_VERSION, response, call.endpoint).entry_version()

    def _standing_entry(self, key: str, error: PreconditionFailedError) -> Entry[T] | None:
        """A 412 carries the current value; where it does not, there is none to tell of."""
        if "roblox-entry-version" not in error.response.headers:
            return None
        return read_v1(self._codec, key, error.response, api.V1_SET_ENTRY)

    @staticmethod
    def _kept_tags(
        info: EntryInfo | None, users: Iterable[int] | Unset | None, metadata: Mapping[str, Any] | Unset | None
    ) -> Tags:
        kept_users = list(info.users) if info else []
        kept_metadata = dict(info.metadata) if info else {}
        return Tags(
            kept_users if isinstance(users, Unset) else check_users(users),
            kept_metadata if isinstance(metadata, Unset) else check_metadata(metadata),
        )


_WIRE_ENTRY = TypeAdapter(WireEntry)
_WHOLE: Codec[int] = Codec(int)


def _info_of(written: EntryVersion, tags: Tags) -> EntryInfo:
    return EntryInfo(
        version=written.version,
        created=written.key_created,
        updated=written.created,
        users=tuple(tags.users),
        metadata=tags.metadata,
    )


def check_whole(argument: str, value: object, largest: int, *, smallest: int | None = None) -> int:
    """Return a whole number within its bounds.

    Args:
        argument: Name of the argument, for the error.
        value: What was passed.
        largest: The largest allowed.
        smallest: The smallest allowed; `-largest` when None.

    Raises:
        InvalidRequestError: It is not an int, or out of bounds.
    """
    low = -largest if smallest is None else smallest
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= largest:
        raise InvalidRequestError(argument, f"{value!r} is not a whole number from {low} to {largest}")
    return value


def check_limit(limit: object) -> None:
    """Refuse a limit that is neither None nor a whole number from 1 up.

    Raises:
        InvalidRequestError: It is something else.
    """
    if limit is not None:
        check_whole("limit", limit, 2**63 - 1, smallest=1)


def check_moment(argument: str, value: datetime | None) -> str | None:
    """Return a moment as Roblox's filters take it.

    Raises:
        InvalidRequestError: It has no time zone.
    """
    if value is None:
        return None
    if not isinstance(value, datetime) or value.tzinfo is None:  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InvalidRequestError(argument, f"{value!r} is not a datetime with a time zone")
    return value.isoformat()
