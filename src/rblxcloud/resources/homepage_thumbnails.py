"""The pictures that stand for an experience on Roblox's home page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal, get_args

from pydantic import Field, TypeAdapter

from rblxcloud.endpoints import thumbnails as api
from rblxcloud.endpoints.model import Endpoint
from rblxcloud.http.binding import Binding
from rblxcloud.http.request import Call, QueryValue, json_call
from rblxcloud.http.upload import File, Progress
from rblxcloud.operation import Operation, start
from rblxcloud.pagination import Pager
from rblxcloud.resources.arguments import check_choice, check_whole
from rblxcloud.resources.asset_type import AssetType
from rblxcloud.resources.asset_upload import open_form
from rblxcloud.resources.base import Model, check_several, check_text
from rblxcloud.resources.listing import PageModel, WirePage, list_pages
from rblxcloud.types import JSON

PersonalizationStatus = Literal["Active", "Inactive"]
"""Whether Roblox picks from the pictures of a personalization."""

_LARGEST_PAGE = 100


class HomepageThumbnail(Model):
    """A picture that stands for an experience on Roblox's home page."""

    id: str = Field(alias="homepageThumbnailId")
    """Its id."""
    asset_id: int | None = None
    """Id of the asset that it is."""
    moderation_status: str | None = None
    """`Reviewing`, `Rejected`, `Approved` or `Unspecified`."""
    personalized_config_status: str | None = None
    """`Active` where it belongs to an active personalization; None of one that was just uploaded."""
    homepage_thumbnail_status: str | None = None
    """`Active` or `Spammy`; None of one that was just uploaded."""


class _Thumbnails(PageModel):
    items: tuple[HomepageThumbnail, ...] = Field(default=(), alias="homepageThumbnails")
    next_page_token: str | None = Field(default=None, alias="nextCursor")


_THUMBNAILS: TypeAdapter[WirePage[HomepageThumbnail]] = TypeAdapter(_Thumbnails)
_ANYTHING: TypeAdapter[JSON] = TypeAdapter(Any)


class HomepageThumbnails:
    """The pictures that stand for an experience on Roblox's home page; reached by `Experience.homepage_thumbnails`.

    Roblox calls this part of Open Cloud experimental.
    """

    def __init__(self, binding: Binding, universe_id: int) -> None:
        self._binding = binding
        self._universe_id = universe_id

    def __repr__(self) -> str:
        """Show the experience."""
        return f"<HomepageThumbnails of experience {self._universe_id}>"

    def list(self, *, limit: int | None = None, page_size: int = 100) -> Pager[HomepageThumbnail]:
        """List the pictures.

        Args:
            limit: Most pictures in all.
            page_size: Most pictures a request, 1 to 100.

        Returns:
            A pager: iterate it, or its `pages()`.

        Raises:
            InvalidRequestError: An argument is refused.

        Scopes: `universe.thumbnail:read`.
        Source: `GET /thumbnail-personalization-api/v1/universes/{universeId}/thumbnails`.
        """
        return list_pages(
            self._binding,
            api.LIST_HOMEPAGE_THUMBNAILS,
            _THUMBNAILS,
            {"universeId": self._universe_id},
            page_size=page_size,
            largest=_LARGEST_PAGE,
            limit=limit,
        )

    async def upload(
        self, file: File, *, file_name: str | None = None, size: int | None = None, progress: Progress | None = None
    ) -> Operation[HomepageThumbnail]:
        """Upload a picture.

        Args:
            file: A path, the content itself, a file that was opened with mode `rb`, or an iterable of the content's
                parts: .png, .jpeg, .bmp or .tga, at most 20 MiB, as for an asset of type `Image`.
            file_name: Name of the file, instead of its own.
            size: Bytes of an iterable.
            progress: Called with the bytes that are through, and all there are.

        Returns:
            The operation, which brings the picture: `await operation.wait()`.

        Raises:
            InvalidRequestError: The file cannot be read, or is no picture; nothing was sent.

        Scopes: `universe.thumbnail:write`; `universe.thumbnail:read` to wait for it.
        Source: `POST /thumbnail-personalization-api/v1/universes/{universeId}/thumbnails/uploads`.
        """
        async with open_form(
            self._binding.get().runtime,
            None,
            file,
            AssetType.Image,
            field="files",
            file_name=file_name,
            size=size,
            progress=progress,
        ) as form:
            call = Call(
                api.UPLOAD_HOMEPAGE_THUMBNAILS,
                {"universeId": self._universe_id},
                content=form,
                content_type=form.content_type,
            )
            return await start(self._binding, call, HomepageThumbnail)

    async def delete(self, thumbnail_ids: Iterable[str]) -> None:
        """Delete pictures.

        Args:
            thumbnail_ids: Their ids, one at least.

        Raises:
            InvalidRequestError: There is none, or one is no text; nothing was sent.

        Scopes: `universe.thumbnail:write`.
        Source: `DELETE /thumbnail-personalization-api/v1/universes/{universeId}/thumbnails`.
        """
        query: dict[str, QueryValue] = {"homepageThumbnailIds": _ids(thumbnail_ids)}
        await self._binding.get().send(Call(api.DELETE_HOMEPAGE_THUMBNAILS, {"universeId": self._universe_id}, query))

    async def personalizations(
        self, *, status: PersonalizationStatus | None = None, limit: int | None = None, cursor: str | None = None
    ) -> JSON:
        """Ask for the personalizations: sets of pictures, of which each player is shown the likeliest to please.

        Roblox has not published what the answer holds, so it comes as it is.

        Args:
            status: Only those that are `Active` or `Inactive`.
            limit: Most of them.
            cursor: Where to go on, as an earlier answer said.

        Returns:
            The answer.

        Raises:
            InvalidRequestError: An argument is refused; nothing was sent.

        Scopes: `universe.thumbnail:read`.
        Source: `GET /thumbnail-personalization-api/v1/universes/{universeId}/personalization`.
        """
        query: dict[str, QueryValue] = {
            "status": None if status is None else check_choice("status", status, get_args(PersonalizationStatus)),
            "limit": None if limit is None else check_whole("limit", limit, 2**31 - 1, smallest=1),
            "cursor": None if cursor is None else check_text("cursor", cursor),
        }
        call = Call(api.LIST_PERSONALIZATIONS, {"universeId": self._universe_id}, query)
        return await self._binding.get().request(call, _ANYTHING)

    async def create_personalization(self, thumbnail_ids: Iterable[str]) -> JSON:
        """Have Roblox pick from a set of pictures for each player.

        Args:
            thumbnail_ids: Ids of the pictures, one at least.

        Returns:
            The answer as it is: Roblox has not published what it holds.

        Raises:
            InvalidRequestError: There is none, or one is no text; nothing was sent.

        Scopes: `universe.thumbnail:write`.
        Source: `POST /thumbnail-personalization-api/v1/universes/{universeId}/personalization/create`.
        """
        return await self._post(api.CREATE_PERSONALIZATION, {"homepageThumbnailIds": _ids(thumbnail_ids)})

    async def update_personalization(self, personalization_id: str, thumbnail_ids: Iterable[str]) -> JSON:
        """Replace the pictures of a personalization.

        Args:
            personalization_id: Its id.
            thumbnail_ids: Ids of the pictures that it has from now on, one at least.

        Returns:
            The answer as it is: Roblox has not published what it holds.

        Raises:
            InvalidRequestError: An argument is refused; nothing was sent.

        Scopes: `universe.thumbnail:write`.
        Source: `POST /thumbnail-personalization-api/v1/universes/{universeId}/personalization/update`.
        """
        body = {
            "id": check_text("personalization_id", personalization_id),
            "homepageThumbnailIds": _ids(thumbnail_ids),
        }
        return await self._post(api.UPDATE_PERSONALIZATION, body)

    async def _post(self, endpoint: Endpoint, body: Mapping[str, object]) -> JSON:
        call = json_call(endpoint, {"universeId": self._universe_id}, body)
        return await self._binding.get().request(call, _ANYTHING)


def _ids(thumbnail_ids: object) -> tuple[str, ...]:
    return tuple(check_text("thumbnail_ids", number) for number in check_several("thumbnail_ids", thumbnail_ids))
