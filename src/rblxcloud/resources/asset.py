"""Assets: what is told of them, their versions, and what can be done with them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from os import PathLike
from pathlib import Path
from typing import Any, Self, cast

from pydantic import Field, SecretStr, TypeAdapter, field_validator, model_validator
from pydantic.alias_generators import to_camel

from rblxcloud.endpoints import assets as api
from rblxcloud.errors import InvalidRequestError
from rblxcloud.http.binding import StandaloneBinding
from rblxcloud.http.download import DownloadProgress
from rblxcloud.http.request import Call, encode_json, json_call
from rblxcloud.http.upload import File, Progress, encode_form
from rblxcloud.operation import Operation
from rblxcloud.pagination import Pager
from rblxcloud.resources.arguments import check_function, check_whole
from rblxcloud.resources.asset_delivery import download
from rblxcloud.resources.asset_permissions import AssetAction, check_subject, grant_one
from rblxcloud.resources.asset_type import AssetType, read_type
from rblxcloud.resources.asset_upload import check_description, check_name, open_form, start_upload
from rblxcloud.resources.base import BINDING, ID, Model, PathId, Resource, Timestamp, check_id
from rblxcloud.resources.listing import PageModel, WirePage, list_pages
from rblxcloud.resources.social_link import SocialLink, check_link
from rblxcloud.types import UNSET, Unset

_LARGEST_PAGE = 50
_LARGEST_VERSION = 2**31 - 1
_MOST_LINKS = 3
_UPDATABLE = (AssetType.Model, AssetType.Animation)
"""Types whose content can be changed; of animations, Roblox decides which."""


def _creator_path(context: object) -> object:
    """Return `users/1` or `groups/1` from the context of creation."""
    if not isinstance(context, Mapping):
        return context
    creator = cast("Mapping[str, Any]", context).get("creator")
    if isinstance(creator, Mapping):
        ids = cast("Mapping[str, Any]", creator)
        for name, collection in (("userId", "users"), ("groupId", "groups")):
            if ids.get(name) is not None:
                return f"{collection}/{ids[name]}"
    return None


def _moderation_state(result: object) -> object:
    """Operations write `MODERATION_STATE_APPROVED`, the rest of the service `Approved`."""
    if not isinstance(result, Mapping):
        return result
    state = cast("Mapping[str, Any]", result).get("moderationState")
    prefix = "MODERATION_STATE_"
    return state.removeprefix(prefix).capitalize() if isinstance(state, str) and state.startswith(prefix) else state


class AssetPreview(Model):
    """A picture that the page of an asset shows."""

    asset: PathId
    """Id of an asset of type `Image`."""
    alt_text: str = ""
    """What it shows, in words."""


class AssetVersion(Model):
    """A version of an asset."""

    number: PathId = Field(alias="path")
    """Its number, counted from 1."""
    creator: str | None = Field(default=None, alias="creationContext")
    """Who made it: `users/1` or `groups/1`."""
    moderation_state: str | None = Field(default=None, alias="moderationResult")
    """`Reviewing`, `Approved` or `Rejected`."""
    published: bool | None = None
    """Whether it is or was live; only of places."""

    @field_validator("creator", mode="before")
    @classmethod
    def _read_creator(cls, value: object) -> object:
        return _creator_path(value)

    @field_validator("moderation_state", mode="before")
    @classmethod
    def _read_moderation(cls, value: object) -> object:
        return _moderation_state(value)


class _Versions(PageModel):
    items: tuple[AssetVersion, ...] = Field(default=(), alias="assetVersions")


_VERSIONS: TypeAdapter[WirePage[AssetVersion]] = TypeAdapter(_Versions)
_VERSION = TypeAdapter(AssetVersion)


class Asset(Resource):
    """An asset. The fields besides `id` are None until `fetch()`, or the upload that made it, has told them."""

    asset_type: AssetType | str | None = None
    """What it is; text for a type that this package does not know."""
    display_name: str | None = None
    """Its name."""
    description: str | None = None
    """Its description."""
    creator: str | None = Field(default=None, alias="creationContext")
    """Who owns it: `users/1` or `groups/1`."""
    revision_id: int | None = None
    """Number of its current version."""
    revision_created: Timestamp | None = Field(default=None, alias="revisionCreateTime")
    """When that was made."""
    moderation_state: str | None = Field(default=None, alias="moderationResult")
    """`Reviewing`, `Approved` or `Rejected`."""
    state: str | None = None
    """`Active` or `Archived`."""
    icon: PathId | None = None
    """Id of the picture that stands for it."""
    previews: tuple[AssetPreview, ...] | None = None
    """Pictures that its page shows."""
    facebook_social_link: SocialLink | None = None
    """Link to Facebook."""
    twitter_social_link: SocialLink | None = None
    """Link to Twitter."""
    youtube_social_link: SocialLink | None = None
    """Link to YouTube."""
    twitch_social_link: SocialLink | None = None
    """Link to Twitch."""
    discord_social_link: SocialLink | None = None
    """Link to Discord."""
    guilded_social_link: SocialLink | None = None
    """Link to Guilded."""
    github_social_link: SocialLink | None = None
    """Link to GitHub."""
    roblox_social_link: SocialLink | None = None
    """Link to Roblox."""
    dev_forum_social_link: SocialLink | None = None
    """Link to the developer forum."""

    def __init__(
        self,
        id: int,
        *,
        api_key: str | SecretStr | None = None,
        access_token: str | SecretStr | None = None,
        base_url: str | None = None,
    ) -> None:
        """Make an asset that stands alone; `client.asset(id)` makes one that shares a client.

        Objects that stand alone share their connections with those of the same credential and address.

        Args:
            id: The asset id.
            api_key: Open Cloud API key; `RBLXCLOUD_API_KEY` when neither credential is passed.
            access_token: OAuth 2.0 access token, instead of a key.
            base_url: Address of Open Cloud; `RBLXCLOUD_BASE_URL`, else Roblox's own.

        Raises:
            InvalidRequestError: The id is not one.
            ConfigurationError: No credential, both, or an address that is refused.
        """
        checked = check_id("id", id)
        binding = StandaloneBinding("async", api_key=api_key, access_token=access_token, base_url=base_url)
        self.__pydantic_validator__.validate_python({"id": checked}, self_instance=self, context={BINDING: binding})
        self._owns_binding = True

    # Else validation would call __init__ (see Experience).
    __init__.__pydantic_base_init__ = True  # type: ignore[attr-defined]  # pyright: ignore[reportFunctionMemberAccess]

    @model_validator(mode="before")
    @classmethod
    def _read_id(cls, fields: Any) -> Any:
        """Take the id from where the service has it: `assetId`, or the path alone."""
        if not isinstance(fields, Mapping) or "id" in fields:
            return cast("Any", fields)
        known = cast("Mapping[str, Any]", fields)
        return {**known, "id": known.get("assetId") or str(known.get("path", "")).rpartition("/")[2]}

    @field_validator("icon", mode="before")
    @classmethod
    def _read_icon(cls, value: object) -> object:
        return value or None

    @field_validator("asset_type", mode="before")
    @classmethod
    def _read_type(cls, value: object) -> object:
        return read_type(value)

    @field_validator("creator", mode="before")
    @classmethod
    def _read_creator(cls, value: object) -> object:
        return _creator_path(value)

    @field_validator("moderation_state", mode="before")
    @classmethod
    def _read_moderation(cls, value: object) -> object:
        return _moderation_state(value)

    async def fetch(self) -> Self:
        """Fill the fields in place.

        Returns:
            The asset itself.

        Raises:
            NotFoundError: There is no such asset.
            PermissionDeniedError: It is somebody else's.

        Scopes: `asset:read`.
        Source: `GET /assets/v1/assets/{assetId}`.
        """
        # Without the mask, some of what it names is left out.
        call = Call(api.ASSETS_GET_ASSET, {"assetId": self.id}, {"readMask": ",".join(_METADATA)})
        answer = await self._session.request(call, _ASSET, context={ID: self.id})
        self._adopt(answer)
        return self

    async def update(
        self,
        *,
        file: File | None = None,
        name: str | Unset = UNSET,
        description: str | Unset = UNSET,
        icon: int | Unset | None = UNSET,
        previews: Iterable[AssetPreview] | Unset = UNSET,
        facebook_social_link: SocialLink | Unset | None = UNSET,
        twitter_social_link: SocialLink | Unset | None = UNSET,
        youtube_social_link: SocialLink | Unset | None = UNSET,
        twitch_social_link: SocialLink | Unset | None = UNSET,
        discord_social_link: SocialLink | Unset | None = UNSET,
        guilded_social_link: SocialLink | Unset | None = UNSET,
        github_social_link: SocialLink | Unset | None = UNSET,
        roblox_social_link: SocialLink | Unset | None = UNSET,
        dev_forum_social_link: SocialLink | Unset | None = UNSET,
        file_name: str | None = None,
        size: int | None = None,
        progress: Progress | None = None,
    ) -> Operation[Asset]:
        """Change what is passed, and leave the rest; None removes an icon or a social link.

        Args:
            file: New content, which makes a new version; only of models (and of some animations). See
                `Creator.upload_asset`.
            name: Its name.
            description: At most 1,000 characters.
            icon: Id of an asset of type `Image` that is square.
            previews: Pictures for its page; they replace those it has.
            facebook_social_link: Link to Facebook; an asset has three links at most.
            twitter_social_link: Link to Twitter.
            youtube_social_link: Link to YouTube.
            twitch_social_link: Link to Twitch.
            discord_social_link: Link to Discord.
            guilded_social_link: Link to Guilded.
            github_social_link: Link to GitHub.
            roblox_social_link: Link to Roblox.
            dev_forum_social_link: Link to the developer forum.
            file_name: Name of the file, instead of its own; its end says what kind it is.
            size: Bytes of a stream, so that it need not be stored first.
            progress: Called with the bytes that are through, and all there are.

        Returns:
            The operation, which brings the asset as it is then; without `file` it is done already. This object stays as
            it was.

        Raises:
            InvalidRequestError: Nothing was passed, or something that is refused; nothing was sent.
            ModerationError: Roblox's moderation refused the name or the description.

        Scopes: `asset:read` and `asset:write`.
        Source: `PATCH /assets/v1/assets/{assetId}`.
        """
        links = {
            "facebook_social_link": facebook_social_link,
            "twitter_social_link": twitter_social_link,
            "youtube_social_link": youtube_social_link,
            "twitch_social_link": twitch_social_link,
            "discord_social_link": discord_social_link,
            "guilded_social_link": guilded_social_link,
            "github_social_link": github_social_link,
            "roblox_social_link": roblox_social_link,
            "dev_forum_social_link": dev_forum_social_link,
        }
        changes: dict[str, Any] = {
            to_camel(argument): check_link(argument, value)
            for argument, value in links.items()
            if not isinstance(value, Unset)
        }
        if sum(link is not None for link in changes.values()) > _MOST_LINKS:
            raise InvalidRequestError("update", f"more than {_MOST_LINKS} social links were passed")
        if not isinstance(name, Unset):
            changes["displayName"] = check_name(name)
        if not isinstance(description, Unset):
            changes["description"] = check_description(description)
        if not isinstance(icon, Unset):
            changes["icon"] = None if icon is None else f"assets/{check_id('icon', icon)}"
        if not isinstance(previews, Unset):
            changes["previews"] = _previews(previews)
        if not changes and file is None:
            raise InvalidRequestError("update", "nothing was passed to change")
        known_type = {"assetType": str(self.asset_type)} if self.asset_type else {}
        request = {"assetId": self.id, **known_type, **{n: v for n, v in changes.items() if v is not None}}
        path, query = {"assetId": self.id}, {"updateMask": ",".join(changes) or None}
        if file is None:
            content, content_type = encode_form({"request": encode_json(request).decode()})
            call = Call(api.ASSETS_UPDATE_ASSET, path, query, content=content, content_type=content_type)
            return await start_upload(self._bound_to, call, Asset)
        asset_type = self._content_type()
        async with open_form(
            self._session.runtime, request, file, asset_type, file_name=file_name, size=size, progress=progress
        ) as form:
            call = Call(api.ASSETS_UPDATE_ASSET, path, query, content=form, content_type=form.content_type)
            return await start_upload(self._bound_to, call, Asset)

    def _content_type(self) -> AssetType:
        if self.asset_type is None:
            return AssetType.Model
        for known in _UPDATABLE:
            if self.asset_type == known:
                return known
        raise InvalidRequestError("file", f"the content of assets of type {self.asset_type} cannot be changed")

    def versions(self, *, limit: int | None = None, page_size: int = 50) -> Pager[AssetVersion]:
        """List the versions, the newest first.

        Args:
            limit: Most versions in all.
            page_size: Most versions a request, 1 to 50.

        Returns:
            A pager: iterate it, or its `pages()`.

        Scopes: `asset:read`.
        Source: `GET /assets/v1/assets/{assetId}/versions`.
        """
        return list_pages(
            self._bound_to,
            api.LIST_ASSET_VERSIONS,
            _VERSIONS,
            {"assetId": self.id},
            page_size=page_size,
            largest=_LARGEST_PAGE,
            limit=limit,
        )

    async def fetch_version(self, number: int) -> AssetVersion:
        """Fetch a version.

        Args:
            number: Its number, counted from 1.

        Raises:
            NotFoundError: There is no such version.

        Scopes: `asset:read`.
        Source: `GET /assets/v1/assets/{assetId}/versions/{versionNumber}`.
        """
        call = Call(api.ASSETS_GET_ASSET_VERSION, {"assetId": self.id, "versionNumber": _version(number)})
        return await self._session.request(call, _VERSION)

    async def rollback(self, version: int | AssetVersion) -> AssetVersion:
        """Make an older version the current one.

        Args:
            version: The version, or its number.

        Returns:
            The version that stands now.

        Raises:
            NotFoundError: There is no such version.

        Scopes: `asset:read` and `asset:write`.
        Source: `POST /assets/v1/assets/{assetId}/versions:rollback`.
        """
        number = _version(version.number if isinstance(version, AssetVersion) else version)
        # JSON, as the clients that Roblox serves send it; the document speaks of a form.
        body = {"assetVersion": f"assets/{self.id}/versions/{number}"}
        return await self._session.request(
            json_call(api.ASSETS_ROLLBACK_ASSET_VERSION, {"assetId": self.id}, body), _VERSION
        )

    async def archive(self) -> Self:
        """Archive the asset: it is shown and used no more, until it is restored.

        Returns:
            The asset itself, its `state` as it is now.

        Raises:
            NotFoundError: There is no such asset.

        Scopes: `asset:read` and `asset:write`.
        Source: `POST /assets/v1/assets/{assetId}:archive`.
        """
        return await self._change_state(Call(api.ASSETS_ARCHIVE_ASSET, {"assetId": self.id}))

    async def restore(self) -> Self:
        """Restore the asset from the archive.

        Returns:
            The asset itself, its `state` as it is now.

        Raises:
            NotFoundError: There is no such asset.

        Scopes: `asset:read` and `asset:write`.
        Source: `POST /assets/v1/assets/{assetId}:restore`.
        """
        return await self._change_state(Call(api.ASSETS_RESTORE_ASSET, {"assetId": self.id}))

    async def _change_state(self, call: Call) -> Self:
        answer = await self._session.request(call, _ASSET, context={ID: self.id})
        self._adopt(answer, changed=("state",))
        return self

    async def grant_permission(
        self,
        action: AssetAction,
        *,
        user: int | None = None,
        group: int | None = None,
        role: int | None = None,
        experience: int | None = None,
        everyone: bool = False,
        dependencies: bool = False,
    ) -> None:
        """Let somebody use the asset; `client.grant_asset_permissions` does so for many assets at once.

        Args:
            action: `Use`, or `Edit` (of models), `Download`, `CopyFromRcc` and `UpdateFromRcc` (of places).
            user: Id of the user who may.
            group: Id of the group whose members may.
            role: Id of the role of a group whose members may.
            experience: Id of the experience that may.
            everyone: Whether everybody may.
            dependencies: Whether they may use what the asset is made of too.

        Raises:
            InvalidRequestError: It is not exactly one of user, group, role, experience and everyone; nothing was sent.
            PermissionDeniedError: The asset, or the one who is to use it, is not the caller's to manage.
            NotFoundError: There is no such asset, or nobody with that id.
            BadRequestError: Assets of its type have no such permission.

        Scopes: `asset-permissions:write`.
        Source: `PATCH /asset-permissions-api/v1/assets/permissions`.
        """
        subject = check_subject(user=user, group=group, role=role, experience=experience, everyone=everyone)
        await grant_one(self._bound_to, self.id, action, subject, dependencies=dependencies)

    async def download(
        self, path: str | PathLike[str], *, version: int | None = None, progress: DownloadProgress | None = None
    ) -> Path:
        """Write the file of the asset to a path.

        It is streamed to a file beside it, which takes its name when it is whole. What is cut is resumed, and a file
        that has changed meanwhile is started again.

        Args:
            path: Where it goes; a file that stands there is replaced.
            version: Number of the version; None for the current one.
            progress: Called with the bytes that have come, and all there are (None where Roblox does not say).

        Returns:
            The path.

        Raises:
            InvalidRequestError: There can be no such file, and nothing was sent; or the disk is full.
            NotFoundError: There is no such asset or version.
            PermissionDeniedError: The caller may not download it.

        Scopes: `legacy-asset:manage`.
        Source: `GET /asset-delivery-api/v1/assetId/{assetId}`.
        """
        number = None if version is None else _version(version)
        if progress is not None:
            check_function("progress", progress)
        return await download(self._session, self.id, number, path, progress)


_ASSET = TypeAdapter(Asset)
_METADATA = (
    "description",
    "displayName",
    "icon",
    "previews",
    "facebookSocialLink",
    "twitterSocialLink",
    "youtubeSocialLink",
    "twitchSocialLink",
    "discordSocialLink",
    "guildedSocialLink",
    "githubSocialLink",
    "robloxSocialLink",
    "devForumSocialLink",
)
"""What a read mask can name."""


def _version(number: object) -> int:
    return check_whole("version", number, _LARGEST_VERSION, smallest=1)


def _previews(previews: object) -> list[dict[str, str]]:
    """None at all is allowed: it takes those away that there are."""
    if not isinstance(previews, Iterable):
        raise InvalidRequestError("previews", f"is of type {type(previews).__name__}; it takes several AssetPreview")
    return [_preview(preview) for preview in cast("Iterable[object]", previews)]


def _preview(preview: object) -> dict[str, str]:
    if not isinstance(preview, AssetPreview):
        raise InvalidRequestError("previews", f"{preview!r} is no AssetPreview")
    return {"asset": f"assets/{preview.asset}", "altText": preview.alt_text}
