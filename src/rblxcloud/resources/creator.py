"""Creators: users and groups, who own experiences and assets."""

from __future__ import annotations

from typing import ClassVar, get_args

from rblxcloud.endpoints import assets
from rblxcloud.http.request import Call
from rblxcloud.http.upload import File, Progress
from rblxcloud.operation import Operation
from rblxcloud.resources.arguments import check_choice, check_whole
from rblxcloud.resources.asset import Asset
from rblxcloud.resources.asset_type import AssetType, check_upload_type
from rblxcloud.resources.asset_upload import AssetPrivacy, check_description, check_name, open_form, start_upload
from rblxcloud.resources.base import Resource, check_id
from rblxcloud.types import UNSET, Unset

_LARGEST_PRICE = 2**63 - 1


class Creator(Resource):
    """What can own experiences and assets: a `User` or a `Group`."""

    _collection: ClassVar[str]

    display_name: str | None = None
    """Its name as it is shown."""

    @property
    def path(self) -> str:
        """How Roblox's services name it: `users/1` or `groups/1`."""
        return f"{self._collection}/{self.id}"

    async def upload_asset(
        self,
        file: File,
        asset_type: AssetType,
        name: str,
        description: str = "",
        *,
        expected_price: int | None = None,
        privacy: AssetPrivacy | None = None,
        file_name: str | None = None,
        size: int | None = None,
        progress: Progress | None = None,
    ) -> Operation[Asset]:
        """Upload a file as a new asset of this creator.

        | type | files | at most |
        | --- | --- | --- |
        | `Animation` | .rbxm .rbxmx | 20 MiB |
        | `Audio` | .mp3 .ogg .wav .flac | 20 MiB, 7 minutes |
        | `Decal`, `Image` | .png .jpeg .jpg .bmp .tga | 20 MiB, 7,999 pixels in width and height |
        | `Mesh` | .mesh, as Roblox hands it out | 20 MiB |
        | `Model` | .fbx .gltf .glb .rbxm .rbxmx | 20 MiB |
        | `Video` | .mp4 .mov | 3.75 GiB, 5 minutes, 4,096 x 2,160 pixels |

        The file is streamed, and read again from where it stood when the upload has to be repeated. It is repeated only
        where Roblox cannot have taken it: when it was cut half-way, or refused for the rate limit.

        Args:
            file: A path, the content itself, a file that was opened with mode `rb`, or an iterable of the content's
                parts. What is no file and has no `size` is written to a temporary file first, since Roblox wants to
                know the length beforehand; with `size` it is sent as it comes, and not repeated.
            asset_type: What is to be made of it.
            name: The asset's name.
            description: At most 1,000 characters.
            expected_price: Fee in Robux that may be taken; the upload is refused when it would cost more.
            privacy: `default`, `restricted` or `openUse`, for the types that have a choice.
            file_name: Name of the file, instead of its own; its end says what kind it is. Without a name, the first
                bytes say it.
            size: Bytes of an iterable.
            progress: Called with the bytes that are through, and all there are; with 0 whenever the upload begins.

        Returns:
            The operation, which brings the asset as soon as Roblox has processed it: `await operation.wait()`.

        Raises:
            InvalidRequestError: An argument is refused, or the file cannot be this type of asset; nothing was sent. Or
                a stream was not of the size that was said; nothing was made of it.
            BadRequestError: Roblox refused the upload, its name or its price.
            ModerationError: Roblox's moderation refused the name or the description.

        Scopes: `asset:read` and `asset:write`.
        Source: `POST /assets/v1/assets`.
        """
        checked_type = check_upload_type(asset_type)
        context: dict[str, object] = {"creator": {f"{self._collection.removesuffix('s')}Id": self.id}}
        if expected_price is not None:
            context["expectedPrice"] = check_whole("expected_price", expected_price, _LARGEST_PRICE, smallest=0)
        if privacy is not None:
            context["assetPrivacy"] = check_choice("privacy", privacy, get_args(AssetPrivacy))
        request = {
            "assetType": str(checked_type),
            "displayName": check_name(name),
            "description": check_description(description),
            "creationContext": context,
        }
        async with open_form(
            self._session.runtime, request, file, checked_type, file_name=file_name, size=size, progress=progress
        ) as form:
            call = Call(assets.ASSETS_CREATE_ASSET, content=form, content_type=form.content_type)
            return await start_upload(self._bound_to, call, Asset)

    async def update_asset(
        self,
        asset_id: int,
        *,
        file: File | None = None,
        name: str | Unset = UNSET,
        description: str | Unset = UNSET,
        file_name: str | None = None,
        size: int | None = None,
        progress: Progress | None = None,
    ) -> Operation[Asset]:
        """Change an asset of this creator; `Asset.update` changes what there is besides.

        Args:
            asset_id: Id of the asset.
            file: New content, which makes a new version; only of models (and of some animations).
            name: Its name.
            description: At most 1,000 characters.
            file_name: Name of the file, instead of its own.
            size: Bytes of an iterable.
            progress: Called with the bytes that are through, and all there are.

        Returns:
            The operation, which brings the asset as it is then; without `file` it is done already.

        Raises:
            InvalidRequestError: Nothing was passed, or something that is refused; nothing was sent.
            ModerationError: Roblox's moderation refused the name or the description.

        Scopes: `asset:read` and `asset:write`.
        Source: `PATCH /assets/v1/assets/{assetId}`.
        """
        asset = Asset.bound(self._bound_to, id=check_id("asset_id", asset_id))
        return await asset.update(
            file=file, name=name, description=description, file_name=file_name, size=size, progress=progress
        )
