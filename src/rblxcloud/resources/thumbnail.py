"""Pictures of users."""

from __future__ import annotations

from typing import Literal, get_args

from pydantic import Field

from rblxcloud.http.request import QueryValue
from rblxcloud.resources.arguments import check_choice
from rblxcloud.resources.base import Model

ThumbnailSize = Literal[48, 50, 60, 75, 100, 110, 150, 180, 352, 420, 720]
"""Width and height of a picture in pixels."""
ThumbnailFormat = Literal["PNG", "JPEG"]
"""Kind of file of a picture."""
ThumbnailShape = Literal["ROUND", "SQUARE"]
"""Outline of a picture."""


class UserThumbnail(Model):
    """A picture of a user's avatar."""

    uri: str = Field(alias="imageUri")
    """Where it can be loaded from, without a credential."""


def thumbnail_query(size: object, format: object, shape: object) -> dict[str, QueryValue]:
    """Return the query for a picture, from the arguments of `User.generate_thumbnail`.

    Raises:
        InvalidRequestError: One of them is none that Roblox makes.
    """
    return {
        "size": check_choice("size", size, get_args(ThumbnailSize)),
        "format": check_choice("format", format, get_args(ThumbnailFormat)),
        "shape": check_choice("shape", shape, get_args(ThumbnailShape)),
    }
