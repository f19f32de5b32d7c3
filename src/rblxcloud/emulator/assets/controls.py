"""What a test says to an emulator of its assets."""

from __future__ import annotations

from typing import Literal

from rblxcloud.emulator.assets import delivery, operations, permissions, quotas, store
from rblxcloud.emulator.assets.kinds import KINDS, shows
from rblxcloud.emulator.controls import Controls

__all__ = ["AssetControls"]


class AssetControls(Controls):
    """An emulator's assets: none, until something is uploaded or put there."""

    def add(
        self,
        content: bytes,
        content_type: str,
        *,
        asset_type: str = "Image",
        creator: str = "users/1",
        display_name: str = "An asset",
        description: str = "",
        privacy: Literal["default", "restricted", "openUse"] = "default",
    ) -> int:
        """Put an asset there without an upload; return its id.

        Args:
            content: Its file.
            content_type: Such as `image/png`.
            asset_type: Such as `Image`; one that cannot be uploaded, such as `Place`, takes any file.
            creator: `users/1` or `groups/1`.
            display_name: Its name.
            description: What is said of it.
            privacy: Who may use it.

        Raises:
            ValueError: Such a file makes no asset of that type.
        """
        kind = KINDS.get(asset_type)
        if kind is not None and (content_type not in kind.content_types or not shows(content_type, content)):
            raise ValueError(f"the file is no {asset_type} of type {content_type}")
        fields = {"displayName": display_name, "description": description}
        with self._transaction():
            asset = store.add_asset(self._world, asset_type, creator, privacy, fields)
            store.add_version(
                self._world,
                asset,
                create_time=self._world.now(),
                moderation="Approved",
                content_type=content_type,
                file=store.keep_file(self._world, content),
            )
        return asset

    def moderate(self, asset: int, state: Literal["Approved", "Reviewing", "Rejected"]) -> None:
        """Say what moderation made of an asset's newest version.

        Raises:
            ValueError: There is no such asset.
        """
        with self._transaction():
            store.set_moderation(self._world, self._version(asset, None), state)

    def change_file(self, asset: int, content: bytes, *, version: int | None = None, after: int = 0) -> None:
        """Let an asset's file become another one behind the addresses that were told, as if it was processed again.

        Args:
            asset: Id of the asset.
            content: The new file.
            version: Of which version; None for the newest.
            after: How many downloads, or pieces of one, still get the old file.

        Raises:
            ValueError: There is no such asset or version.
        """
        with self._transaction():
            digest = store.keep_file(self._world, content)
            delivery.change_file(self._world, self._version(asset, version), digest, after=after)

    def permissions(self, asset: int) -> list[tuple[str, str, str]]:
        """Return what was granted on an asset, as subject type, subject and action."""
        with self._transaction():
            return permissions.granted(self._world, asset)

    def set_quota(
        self,
        user: int,
        asset_type: str,
        capacity: int,
        *,
        period: Literal["DAY", "MONTH"] = "MONTH",
        quota_type: Literal["RATE_LIMIT_UPLOAD", "RATE_LIMIT_CREATOR_STORE_DISTRIBUTE"] = "RATE_LIMIT_UPLOAD",
    ) -> None:
        """Say how much a user may upload, or make for sale.

        Args:
            user: Id of the user.
            asset_type: Such as `AUDIO`.
            capacity: How many in a period.
            period: Days and months are those of UTC.
            quota_type: What is counted; the emulator counts uploads.

        Raises:
            ValueError: For a type that is none, or a negative capacity.
        """
        with self._transaction():
            quotas.set_quota(self._world, user, asset_type, capacity, period=period, quota_type=quota_type)

    def _version(self, asset: int, number: int | None) -> store.Version:
        operations.settle(self._world)
        version = store.find_version(self._world, asset, number)
        if version is None:
            raise ValueError(f"there is no asset {asset} with that version")
        return version
