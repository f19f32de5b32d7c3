"""Working together in Studio: who has a place open, and the servers on which it is tried out."""

from __future__ import annotations

from typing import Literal, get_args
from uuid import UUID

from pydantic import Field, TypeAdapter

from rblxcloud.endpoints import develop
from rblxcloud.errors import InvalidRequestError
from rblxcloud.http.binding import Binding
from rblxcloud.http.request import Call
from rblxcloud.pagination import Page, Pager
from rblxcloud.resources.arguments import check_choice, check_limit, shown
from rblxcloud.resources.base import Model
from rblxcloud.resources.listing import PageModel

MembersPage = Literal[10, 25, 50, 100]
"""How many members a request may ask for."""


class TeamCreateMember(Model):
    """A user who has a place open in Studio."""

    id: int
    """The user id."""
    name: str | None = None
    """The user's name."""
    display_name: str | None = None
    """The name that is shown."""


class _Members(PageModel):
    next_page_token: str | None = Field(default=None, alias="nextPageCursor")
    items: tuple[TeamCreateMember, ...] = Field(default=(), alias="data")


_MEMBERS = TypeAdapter(_Members)


def list_members(binding: Binding, place: int, *, limit: int | None, page_size: object) -> Pager[TeamCreateMember]:
    """List who has a place open; see `Place.team_create_members`."""
    check_limit(limit)
    size = check_choice("page_size", page_size, get_args(MembersPage))

    async def fetch(token: str | None) -> Page[TeamCreateMember]:
        endpoint = develop.GET_LEGACY_DEVELOP_V1_PLACES_PLACE_ID_TEAMCREATE_ACTIVE_SESSION_MEMBERS
        call = Call(endpoint, {"placeId": place}, {"limit": size, "cursor": token})
        page = await binding.get().request(call, _MEMBERS)
        return Page(page.items, page.next_page_token or None)

    return Pager(fetch, limit=limit)


def check_game_id(value: object) -> str:
    """Return the id of a server.

    Raises:
        InvalidRequestError: It is no UUID.
    """
    try:
        if isinstance(value, str | UUID):
            return str(UUID(str(value)))
    except ValueError:
        pass
    raise InvalidRequestError("game_id", f"{shown(value)} is not the id of a server, which is a UUID")
