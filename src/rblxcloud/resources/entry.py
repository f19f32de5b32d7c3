"""What a data store gives back: values, versions, and what is known of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, NamedTuple, TypeVar

from pydantic import Field, TypeAdapter, ValidationError
from pydantic_core import from_json

from rblxcloud.endpoints.model import Endpoint
from rblxcloud.errors import APIResponseError, NotFoundError, RblxCloudError
from rblxcloud.http.response import changes_something, decode, problems_of, unusable
from rblxcloud.resources.base import Model, PathId, Timestamp
from rblxcloud.resources.value import Codec
from rblxcloud.types import Response

T = TypeVar("T")

_DELETED = "DELETED"


class EntryInfo(Model):
    """What Roblox knows of a stored value besides the value."""

    version: str
    """Id of this version; pass it as `previous_version` to write only when it is still the current one."""
    created: Timestamp | None = None
    """When the key was first written."""
    updated: Timestamp | None = None
    """When this version was written."""
    users: tuple[int, ...] = ()
    """Ids of the users that the entry is tagged with."""
    metadata: Mapping[str, Any] = Field(default_factory=dict[str, Any])
    """The entry's own attributes."""


class Entry(NamedTuple, Generic[T]):
    """A stored value and what is known of it; unpacks into the two."""

    value: T
    """The value."""
    info: EntryInfo
    """Version, times, users and metadata."""


class EntryVersion(Model):
    """One version of an entry, without its value; `DataStore.get_version` reads that."""

    version: str
    """Id of the version."""
    deleted: bool = False
    """Whether this version is the mark of a removal."""
    created: Timestamp | None = None
    """When this version was written."""
    key_created: Timestamp | None = None
    """When the key was first written."""
    content_length: int | None = None
    """Bytes of the stored JSON; None where Roblox does not say."""


@dataclass(frozen=True, slots=True)
class EntryResult(Generic[T]):
    """What became of one key of `DataStore.get_many`: an entry or an error, never both."""

    key: str
    """The key."""
    entry: Entry[T] | None = None
    """The value and what is known of it."""
    error: RblxCloudError | None = None
    """Why there is no entry; `NotFoundError` for a key that does not exist."""

    def unwrap(self) -> Entry[T]:
        """Return the entry.

        Raises:
            RblxCloudError: The error, when there is one.
        """
        if self.entry is None:
            raise self.error or RblxCloudError(f"{self.key}: no entry")
        return self.entry


class WireEntry(Model):
    """A data store entry as v2 sends it."""

    path: str = ""
    id: str = ""
    value: Any = None
    create_time: Timestamp | None = None
    revision_id: str = ""
    revision_create_time: Timestamp | None = None
    state: str = "ACTIVE"
    users: tuple[PathId, ...] = ()
    attributes: Mapping[str, Any] | None = None

    def info(self) -> EntryInfo:
        """Return what is known of the value."""
        return EntryInfo(
            version=self.revision_id,
            created=self.create_time,
            updated=self.revision_create_time,
            users=self.users,
            metadata=self.attributes or {},
        )

    def entry_version(self) -> EntryVersion:
        """Return the version alone."""
        return EntryVersion(
            version=self.revision_id,
            deleted=self.state == _DELETED,
            created=self.revision_create_time,
            key_created=self.create_time,
        )


class WireVersion(Model):
    """An entry version as v1 sends it."""

    version: str = Field(min_length=1)
    deleted: bool = False
    content_length: int | None = None
    created_time: datetime | None = None
    object_created_time: datetime | None = None

    def entry_version(self) -> EntryVersion:
        """Return it under the names that both versions of the API share."""
        return EntryVersion(
            version=self.version,
            deleted=self.deleted,
            created=self.created_time,
            key_created=self.object_created_time,
            content_length=self.content_length,
        )


class EntryList(Model):
    """A page of keys, or of revisions of a key, as v2 sends it."""

    data_store_entries: tuple[WireEntry, ...] = ()
    next_page_token: str | None = None


class VersionList(Model):
    """A page of versions as v1 sends it."""

    versions: tuple[WireVersion, ...] = ()
    next_page_cursor: str | None = None


WIRE_ENTRY = TypeAdapter(WireEntry)
WIRE_VERSION = TypeAdapter(WireVersion)
ENTRY_LIST = TypeAdapter(EntryList)
VERSION_LIST = TypeAdapter(VersionList)


def fit(codec: Codec[T], value: Any, what: str, *, response: Response, endpoint: Endpoint) -> T:
    """Return a stored value as one of the store's type.

    Args:
        codec: The store's.
        value: Plain JSON.
        what: What does not fit, for the error.
        response: The answer that brought it.
        endpoint: What was called.

    Raises:
        APIResponseError: It does not fit.
    """
    try:
        return codec.decode(value)
    except ValidationError as error:
        problem = next(problems_of(error))
        # pydantic's own error shows the value, which has no place in a traceback.
        raise APIResponseError(
            f"{what}: {problem}",
            endpoint=endpoint.name,
            response=response,
            outcome_unknown=changes_something(endpoint),
        ) from ValueError(problem)


def read_v2(codec: Codec[T], key: str, response: Response, endpoint: Endpoint) -> Entry[T]:
    """Read an entry from an answer of v2.

    Raises:
        NotFoundError: It is the mark of a removal.
        APIResponseError: It cannot be used, or its value is not of the store's type.
    """
    wire = decode(WIRE_ENTRY, response, endpoint)
    if not wire.revision_id:
        raise unusable(response, endpoint, "it holds no revisionId")
    if wire.state == _DELETED:
        raise _removed(response, endpoint)
    try:
        check_finite(wire.value, wire.attributes)
    except ValueError as error:
        raise unusable(response, endpoint, str(error)) from error
    value = fit(codec, wire.value, _misfit(key, wire.revision_id), response=response, endpoint=endpoint)
    return Entry(value, wire.info())


def read_v1(codec: Codec[T], key: str, response: Response, endpoint: Endpoint) -> Entry[T]:
    """Read an entry from an answer of v1: the body is the value, the headers are the rest.

    Raises:
        NotFoundError: It is the mark of a removal.
        APIResponseError: It cannot be used, or its value is not of the store's type.
    """
    if response.status == 204:  # How v1's document describes a removed key; seen in practice as 404.
        raise _removed(response, endpoint)
    headers = response.headers
    version = headers.get("roblox-entry-version")
    if version is None:
        raise unusable(response, endpoint, "it has no roblox-entry-version header")
    try:
        plain = from_json(response.content)
        metadata = from_json(headers.get("roblox-entry-attributes") or "{}")
        check_finite(plain, metadata)
        info = EntryInfo.model_validate(
            {
                "version": version,
                "created": headers.get("roblox-entry-created-time"),
                "updated": headers.get("roblox-entry-version-created-time"),
                "users": _read_users(headers.get("roblox-entry-userids")),
                "metadata": metadata,
            }
        )
    except ValueError as error:
        problem = next(problems_of(error)) if isinstance(error, ValidationError) else str(error)
        raise unusable(response, endpoint, problem) from ValueError(problem)
    value = fit(codec, plain, _misfit(key, version), response=response, endpoint=endpoint)
    return Entry(value, info)


def _misfit(key: str, version: str) -> str:
    return f"the value of {key!r} at version {version} does not fit the store's type"


def check_finite(*values: Any) -> None:
    """Refuse NaN and infinities: JSON has none, but pydantic takes them, and makes one of a number like 1e999.

    Raises:
        ValueError: There is one.
    """
    json.dumps(values, allow_nan=False)


def _removed(response: Response, endpoint: Endpoint) -> NotFoundError:
    return NotFoundError(response, "the entry was removed", endpoint=endpoint.name)


def _read_users(text: str | None) -> list[int]:
    """The documents say a comma-separated list, the service sends a JSON array."""
    inner = (text or "").strip().removeprefix("[").removesuffix("]")
    return [int(part) for part in inner.split(",") if part.strip()]
