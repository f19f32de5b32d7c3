"""Links to other networks, which the pages of experiences and assets show."""

from __future__ import annotations

from rblxcloud.errors import InvalidRequestError
from rblxcloud.resources.arguments import shown
from rblxcloud.resources.base import Model


class SocialLink(Model):
    """A link that the page of an experience or an asset shows."""

    title: str = ""
    """What it is called."""
    uri: str = ""
    """Where it goes."""


def check_link(argument: str, value: object) -> dict[str, str] | None:
    """Return a link as it is sent; None for none.

    Raises:
        InvalidRequestError: It is something else.
    """
    if value is not None and not isinstance(value, SocialLink):
        raise InvalidRequestError(argument, f"{shown(value)} is neither a SocialLink nor None")
    return None if value is None else {"title": value.title, "uri": value.uri}
