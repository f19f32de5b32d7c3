"""Versions of places: the file that makes one, and what is told of those there are."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Literal, cast

from pydantic import Field, TypeAdapter, model_validator

from rblxcloud.endpoints import places as api
from rblxcloud.errors import InvalidRequestError
from rblxcloud.http.binding import Binding
from rblxcloud.http.upload import Progress, Upload, open_source
from rblxcloud.pagination import Pager
from rblxcloud.resources.arguments import check_function, check_moment, check_switch, check_whole
from rblxcloud.resources.base import Model, Timestamp, check_id, check_text
from rblxcloud.resources.listing import PageModel, WirePage, list_pages
from rblxcloud.runtime.base import Runtime

VersionType = Literal["Published", "Saved"]
"""Whether a new version is what players get from now on, or only kept."""

LARGEST_VERSION = 2**31 - 1
_LARGEST_PAGE = 2**31 - 1
_MOST_STORED = 2**30
_LARGEST_SAVE_TYPE = 2
_MODELS = (".rbxm", ".rbxmx")


class PlaceVersion(Model):
    """A version of a place, as its history tells of it."""

    number: int = Field(alias="version")
    """Its number, counted from 1: what `publish` returns."""
    title: str | None = None
    """Title of the notes on it."""
    description: str | None = None
    """Text of the notes on it."""
    contributors: tuple[int, ...] = ()
    """Ids of the users who worked on it."""
    save_type: int | None = None
    """How it was saved: 0, 1 or 2; Roblox does not say what they mean."""
    published: bool | None = Field(default=None, alias="isPublished")
    """Whether it was published, not only saved."""
    publish_status: int | None = None
    """0, 1 or 2; Roblox does not say what they mean."""
    has_notes: bool | None = None
    """Whether there are notes on it."""
    created: Timestamp | None = Field(default=None, alias="createdTime")
    """When it was made."""
    creator_id: int | None = Field(default=None, alias="createdBy")
    """Id of the user who made it."""


class _HistoryPage(PageModel):
    next_page_token: str | None = Field(default=None, alias="nextCursor")

    @model_validator(mode="before")
    @classmethod
    def _end(cls, page: Any) -> Any:
        """The history says when it has ended, whatever the cursor is."""
        if isinstance(page, Mapping) and cast("Mapping[str, Any]", page).get("hasMore") is False:
            return {**cast("Mapping[str, Any]", page), "nextCursor": None}
        return cast("Any", page)


class _Versions(_HistoryPage):
    items: tuple[PlaceVersion, ...] = Field(default=(), alias="placeVersions")


class _Contributors(_HistoryPage):
    items: tuple[int, ...] = Field(default=(), alias="contributors")


class Made(Model):
    """The answer to a new version."""

    version_number: int


class Noted(Model):
    """The answer to new notes."""

    place_version: PlaceVersion


_VERSIONS: TypeAdapter[WirePage[PlaceVersion]] = TypeAdapter(_Versions)
_CONTRIBUTORS: TypeAdapter[WirePage[int]] = TypeAdapter(_Contributors)
MADE = TypeAdapter(Made)
NOTED = TypeAdapter(Noted)


@asynccontextmanager
async def open_place(
    runtime: Runtime, file: object, *, size: int | None, progress: Progress | None
) -> AsyncGenerator[Upload, None]:
    """Check the file of a place and open the body that carries it.

    Args:
        runtime: Reads the file.
        file: What a user handed in.
        size: Bytes of a stream.
        progress: Told of the bytes that are through.

    Yields:
        The body; the file is closed in the end, when it was opened here.

    Raises:
        InvalidRequestError: The file cannot be read, or is no place; or progress is no function.
    """
    if progress is not None:
        check_function("progress", progress)
    if size is not None:
        check_whole("size", size, 2**63 - 1, smallest=1)
    async with open_source(runtime, file, size=size, limit=_MOST_STORED) as source:
        if source.size == 0:
            raise InvalidRequestError("file", "is empty")
        yield Upload(source, _content_type(source.name or "", await source.head(runtime)), progress=progress)


def _content_type(name: str, head: bytes) -> str:
    if name.lower().endswith(_MODELS):
        raise InvalidRequestError("file", f"is a model by its name, {name!r:.100}; places are .rbxl and .rbxlx files")
    if head.startswith(b"<roblox!"):
        return "application/octet-stream"
    if head.startswith(b"<roblox "):
        return "application/xml"
    raise InvalidRequestError("file", "is no place: it begins neither like an .rbxl file nor like an .rbxlx file")


def list_versions(
    binding: Binding,
    place: int,
    *,
    published: bool | None,
    has_notes: bool | None,
    save_type: int | None,
    search: str | None,
    contributor: int | None,
    after: datetime | None,
    before: datetime | None,
    limit: int | None,
    page_size: int | None,
) -> Pager[PlaceVersion]:
    """List the versions of a place; see `Place.versions`."""
    query = {
        "isPublished": None if published is None else check_switch("published", published),
        "hasNotes": None if has_notes is None else check_switch("has_notes", has_notes),
        "saveType": None if save_type is None else check_whole("save_type", save_type, _LARGEST_SAVE_TYPE, smallest=0),
        "searchTerm": None if search is None else check_text("search", search),
        "contributor": None if contributor is None else check_id("contributor", contributor),
        "startTime": check_moment("after", after),
        "endTime": check_moment("before", before),
    }
    return list_pages(
        binding,
        api.LIST_VERSIONS,
        _VERSIONS,
        {"placeId": place},
        page_size=page_size,
        largest=_LARGEST_PAGE,
        limit=limit,
        query=query,
    )


def list_contributors(binding: Binding, place: int, *, limit: int | None, page_size: int | None) -> Pager[int]:
    """List who worked on a place; see `Place.contributors`."""
    return list_pages(
        binding,
        api.LIST_CONTRIBUTORS,
        _CONTRIBUTORS,
        {"placeId": place},
        page_size=page_size,
        largest=_LARGEST_PAGE,
        limit=limit,
    )
