"""Standard data stores."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Generic, TypeVar, overload

from pydantic import Field, TypeAdapter

from rblxcloud.endpoints import data_stores as api
from rblxcloud.endpoints.model import Endpoint
from rblxcloud.errors import (
    APIResponseError,
    InvalidRequestError,
    NotFoundError,
    OutcomeUnknownError,
    PreconditionFailedError,
    RblxCloudError,
)
from rblxcloud.http.binding import Binding
from rblxcloud.http.request import Call, QueryValue
from rblxcloud.http.response import decode, unusable
from rblxcloud.http.session import Session
from rblxcloud.pagination import Page, Pager
from rblxcloud.resources import data_store_wire as wire
from rblxcloud.resources.arguments import check_function, check_limit, check_moment, check_switch, check_whole, shown
from rblxcloud.resources.base import Model, Timestamp, check_segment, check_text
from rblxcloud.resources.data_store_wire import Address, Tags
from rblxcloud.resources.entry import (
    ENTRY_LIST,
    VERSION_LIST,
    WIRE_ENTRY,
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
_LONGEST_VERSION = 200
_EVERY_SCOPE = "-"


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


_STORE_INFO = TypeAdapter(DataStoreInfo)


def check_scope(scope: str) -> str:
    """Return the name of one scope.

    Raises:
        InvalidRequestError: It is no text of 1 to 50 characters, or stands for all scopes.
    """
    if scope == _EVERY_SCOPE:
        raise InvalidRequestError("scope", f"{_EVERY_SCOPE!r} stands for all scopes at Roblox; pass the name of one")
    return check_text("scope", scope, LONGEST_NAME)


class DataStore(Generic[T]):
    """A standard data store of an experience; made by `Experience.get_data_store`.

    Values are JSON: bool, int, float, str, lists and dicts, with None inside of these - or of the type the store was
    made for.
    """

    def __init__(self, binding: Binding, universe_id: int, name: str, scope: str | None, codec: Codec[T]) -> None:
        self._binding = binding
        self._universe_id = universe_id
        self._name = check_text("name", name, LONGEST_NAME)
        self._scope = None if scope is None else check_scope(scope)
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
        Also: where a name is `.` or `..`, `GET /datastores/v1/.../datastore/entries/entry`.
        Source: `GET /cloud/v2/universes/{universe_id}/data-stores/{data_store_id}/scopes/{scope_id}/entries/{id}`.
        """
        call = wire.get(self._address(key))
        try:
            return self._read(key, call, await self._session.send(call))
        except NotFoundError:
            if default is UNSET:
                raise
            return default, None

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
        Also: where the store or its scope is named `.` or `..`,
        `GET /datastores/v1/.../datastore/entries/entry/versions/version`.
        Source: `GET /cloud/v2/.../data-stores/{data_store_id}/scopes/{scope_id}/entries/{entry_id}`, of `key@version`.
        """
        call = wire.get_version(self._address(key), check_text("version", version, _LONGEST_VERSION))
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
            value: The value; at most 4,194,304 bytes of JSON. Whole numbers that Roblox would round, which begin beyond
                2^53, are refused.
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
        Source: `PATCH /cloud/v2/.../data-stores/{data_store_id}/scopes/{scope_id}/entries/{entry_id}`; with a
        precondition, and where a name is `.` or `..`, `POST /datastores/v1/.../datastore/entries/entry`.
        """
        if check_switch("exclusive_create", exclusive_create) and previous_version is not None:
            raise InvalidRequestError("exclusive_create", "cannot be combined with previous_version")
        if previous_version is not None:
            # An empty one would be no condition at all.
            check_text("previous_version", previous_version, _LONGEST_VERSION)
        content = self._codec.encode(value)
        tags = Tags(check_users(users), check_metadata(metadata))
        address = self._address(key)
        if exclusive_create or previous_version is not None:
            return await self._write_if(key, address, content, tags, previous_version)
        return await self._write(wire.replace(address, content, tags), content)

    async def create(
        self,
        key: str,
        value: T,
        *,
        users: Iterable[int] | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> EntryVersion:
        """Write a value only when the key does not exist. Never repeated after a lost answer.

        `set` with `exclusive_create` does so too, with a repeat that is safe and an error that holds what stands there,
        but within 300 writes a minute for the experience, where the budget of this one grows with the players.

        Args:
            key: The key, 1 to 50 characters.
            value: The value, as for `set`.
            users: Ids of at most four users that the entry is about.
            metadata: As for `set`.

        Returns:
            The version that was written.

        Raises:
            InvalidRequestError: An argument is refused; nothing was sent.
            BadRequestError: The key exists.
            PreconditionFailedError: The key exists, and a name is `.` or `..`.
            APIConnectionError: No answer came; `outcome_unknown` says whether it may have been written.

        Scopes: `universe-datastores.objects:create`, and `universe-datastores.control:create` for a store that does not
        exist.
        Also: where a name is `.` or `..`, `POST /datastores/v1/.../datastore/entries/entry`.
        Source: `POST /cloud/v2/.../data-stores/{data_store_id}/scopes/{scope_id}/entries`.
        """
        content = self._codec.encode(value)
        tags = Tags(check_users(users), check_metadata(metadata))
        address = self._address(key)
        if address.only_v1:
            return await self._write_if(key, address, content, tags, None)
        return await self._write(wire.create(address, content, tags), content)

    async def _write(self, call: Call, content: bytes) -> EntryVersion:
        response = await self._session.send(call)
        if call.endpoint is api.V1_SET_ENTRY:
            return decode(WIRE_VERSION, response, call.endpoint).entry_version()
        written = decode(WIRE_ENTRY, response, call.endpoint)
        if not written.revision_id:
            raise unusable(response, call.endpoint, "it holds no revisionId")
        return written.entry_version().model_copy(update={"content_length": len(content)})

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
        Also: where a name is `.` or `..`, `POST /datastores/v1/.../datastore/entries/entry/increment`.
        Source: `POST /cloud/v2/.../data-stores/{data_store_id}/scopes/{scope_id}/entries/{entry_id}:increment`.
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
        Also: where a name is `.` or `..`, `DELETE /datastores/v1/.../datastore/entries/entry`.
        Source: `DELETE /cloud/v2/.../data-stores/{data_store_id}/scopes/{scope_id}/entries/{entry_id}`.
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
        Source: `GET /cloud/v2/.../data-stores/{data_store_id}/scopes/{scope_id}/entries/{entry_id}`,
        `POST /datastores/v1/.../datastore/entries/entry`.
        """
        check_whole("attempts", attempts, 1_000_000, smallest=1)
        check_function("transform", transform)
        given_users = users if isinstance(users, Unset) else check_users(users)
        given_metadata = metadata if isinstance(metadata, Unset) else check_metadata(metadata)
        session = self._session
        value, info = await self.get(key, default=None)
        for attempt in range(1, attempts + 1):
            changed = await session.runtime.call("transform", transform, value)
            if changed is None:
                return None
            tags = self._kept_tags(info, given_users, given_metadata)
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
            InvalidRequestError: `keys` is a single text, or `concurrency` is out of range.

        Scopes: `universe-datastores.objects:read`.
        Source: `GET /cloud/v2/.../data-stores/{data_store_id}/scopes/{scope_id}/entries/{entry_id}`.
        """
        check_whole("concurrency", concurrency, 1000, smallest=1)
        if isinstance(keys, str | bytes) or not isinstance(keys, Iterable | AsyncIterable):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise InvalidRequestError("keys", f"is of type {type(keys).__name__}; it takes several keys, as in [key]")
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

        Raises:
            InvalidRequestError: An argument is refused, or the store or its scope has a name that no list can address:
                `.` or `..`.

        Scopes: `universe-datastores.objects:list`.
        Source: `GET /cloud/v2/.../data-stores/{data_store_id}/scopes/{scope_id}/entries`.
        """
        check_limit(limit)
        check_whole("page_size", page_size, _LARGEST_KEY_PAGE, smallest=1)
        path, condition = self._list_path(), wire.starts_with(prefix)
        deleted = True if show_deleted else None

        async def fetch(token: str | None) -> Page[str]:
            # The size stays the same for all pages: Roblox refuses a token with other parameters than it was made for.
            size = page_size if limit is None else min(page_size, limit)
            query: dict[str, QueryValue] = {"maxPageSize": size, "filter": condition, "showDeleted": deleted}
            call = Call(api.LIST_ENTRIES, path, {**query, "pageToken": token})
            page = await self._session.request(call, ENTRY_LIST)
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
        Also: where a name is `.` or `..`, `GET /datastores/v1/.../datastore/entries/entry/versions`.
        Source: `GET /cloud/v2/.../data-stores/{data_store_id}/scopes/{scope_id}/entries/{entry_id}:listRevisions`.
        """
        check_limit(limit)
        check_whole("page_size", page_size, _LARGEST_PAGE, smallest=1)
        address = self._address(key)
        since, until = check_moment("after", after), check_moment("before", before)
        size = page_size if limit is None else min(page_size, limit)

        async def fetch(token: str | None) -> Page[EntryVersion]:
            if address.only_v1:
                return await self._versions_v1(address, since, until, size, token)
            bounds = [f"revision_create_time >= {since}"] if since else []
            bounds += [f"revision_create_time <= {until}"] if until else []
            query: dict[str, QueryValue] = {"maxPageSize": size, "filter": " && ".join(bounds) or None}
            call = Call(api.LIST_REVISIONS, address.v2(), {**query, "pageToken": token})
            page = await self._session.request(call, ENTRY_LIST)
            return Page(tuple(row.entry_version() for row in page.data_store_entries), page.next_page_token or None)

        return Pager(fetch, limit=limit)

    async def _versions_v1(
        self, address: Address, since: str | None, until: str | None, size: int, token: str | None
    ) -> Page[EntryVersion]:
        query = address.v1_query(startTime=since, endTime=until, sortOrder="Descending", limit=size, cursor=token)
        call = Call(api.V1_LIST_VERSIONS, address.v1_path(), query)
        page = await self._session.request(call, VERSION_LIST)
        return Page(tuple(row.entry_version() for row in page.versions), page.next_page_cursor or None)

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
        return await self._session.request(Call(endpoint, self._store_path(), content=content), _STORE_INFO)

    @property
    def _session(self) -> Session:
        return self._binding.get()

    def _address(self, key: str) -> Address:
        if self._scope is not None:
            return Address(self._universe_id, self._name, self._scope, check_text("key", key, LONGEST_NAME))
        scope, slash, rest = check_text("key", key, 2 * LONGEST_NAME + 1).partition("/")
        if not slash or not 1 <= len(scope) <= LONGEST_NAME or not 1 <= len(rest) <= LONGEST_NAME:
            raise InvalidRequestError(
                "key",
                f"{shown(key)} is not written scope/key, as a store with scope=None takes it: "
                f"1 to {LONGEST_NAME} characters on either side of the first slash",
            )
        if scope == _EVERY_SCOPE:
            raise InvalidRequestError("key", f"{shown(key)} names no scope: {_EVERY_SCOPE!r} stands for all of them")
        return Address(self._universe_id, self._name, scope, rest)

    def _list_path(self) -> dict[str, str | int]:
        scope = _EVERY_SCOPE if self._scope is None else check_segment("scope", self._scope)
        return {**self._store_path(), "scope_id": scope}

    def _store_path(self) -> dict[str, str | int]:
        return {"universe_id": self._universe_id, "data_store_id": check_segment("name", self._name)}

    def _listed_key(self, row: WireEntry) -> str:
        if self._scope is not None:
            return row.id
        # Names stand unencoded in paths, slashes and all: only the known parts around the scope tell where it is.
        head = f"universes/{self._universe_id}/data-stores/{self._name}/scopes/"
        scope = row.path.removeprefix(head).removesuffix(f"/entries/{row.id}")
        return f"{scope}/{row.id}"

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
        """A 412 carries the current value; None when it does not, or when that does not fit the store's type."""
        if "roblox-entry-version" not in error.response.headers:
            return None
        try:
            return read_v1(self._codec, key, error.response, api.V1_SET_ENTRY)
        except APIResponseError:
            return None  # What is raised tells whether something was written, which matters more.

    @staticmethod
    def _kept_tags(info: EntryInfo | None, users: list[int] | Unset, metadata: Mapping[str, Any] | Unset) -> Tags:
        kept = Tags(list(info.users), info.metadata) if info else Tags([], {})
        return Tags(
            kept.users if isinstance(users, Unset) else users,
            kept.metadata if isinstance(metadata, Unset) else metadata,
        )


_WHOLE: Codec[int] = Codec(int)


def _info_of(written: EntryVersion, tags: Tags) -> EntryInfo:
    return EntryInfo(
        version=written.version,
        created=written.key_created,
        updated=written.created,
        users=tuple(tags.users),
        metadata=tags.metadata,
    )
