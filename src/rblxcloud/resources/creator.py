"""Creators: users and groups, who own experiences and assets."""

from __future__ import annotations

from typing import ClassVar

from rblxcloud.resources.base import Resource


class Creator(Resource):
    """What can own experiences and assets: a `User` or a `Group`."""

    _collection: ClassVar[str]

    display_name: str | None = None
    """Its name as it is shown."""

    @property
    def path(self) -> str:
        """How Roblox's services name it: `users/1` or `groups/1`."""
        return f"{self._collection}/{self.id}"
