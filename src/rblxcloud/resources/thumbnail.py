"""Pictures of users."""

from __future__ import annotations

from typing import Literal, get_args

from pydantic import Field

from rblxcloud.errors import InvalidRequestError
from rblxcloud.http.request import QueryValue
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
        "size": _one_of("size", size, get_args(ThumbnailSize)),
        "format": _one_of("format", format, get_args(ThumbnailFormat)),
        "shape": _one_of("shape", shape, get_args(ThumbnailShape)),
    }


def _one_of(argument: str, value: object, allowed: tuple[QueryValue, ...]) -> QueryValue:
    for choice in allowed:
        if type(value) is type(choice) and value == choice:
            return choice
    raise InvalidRequestError(argument, f"{value!r} is none of {', '.join(map(repr, allowed))}")
