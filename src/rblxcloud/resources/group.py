"""Groups: what Roblox tells of them, their members, roles, join requests and forums."""

from __future__ import annotations

from typing import ClassVar, Self

from pydantic import Field, SecretStr, TypeAdapter

from rblxcloud.endpoints import groups
from rblxcloud.http.binding import StandaloneBinding
from rblxcloud.http.request import Call
from rblxcloud.resources.base import BINDING, ID, Timestamp, check_id
from rblxcloud.resources.creator import Creator


class Group(Creator):
    """A group. The fields besides `id` are None until `fetch()` has filled them."""

    description: str | None = None
    """Its description."""
    created: Timestamp | None = Field(default=None, alias="createTime")
    """When it was made."""
    updated: Timestamp | None = Field(default=None, alias="updateTime")
    """When it was last changed."""
    owner: str | None = None
    """Path of the user who owns it, `users/1`; None when nobody does."""
    member_count: int | None = None
    """How many members it has."""
    public_entry_allowed: bool | None = None
    """Whether everybody can join without asking."""
    locked: bool | None = None
    """Whether Roblox has locked it."""
    verified: bool | None = None
    """Whether it has a verified badge."""

    _collection: ClassVar[str] = "groups"

    def __init__(
        self,
        id: int,
        *,
        api_key: str | SecretStr | None = None,
        access_token: str | SecretStr | None = None,
        base_url: str | None = None,
    ) -> None:
        """Make a group that stands alone; `client.group(id)` makes one that shares a client.

        Objects that stand alone share their connections with those of the same credential and address.

        Args:
            id: The group id.
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

    async def fetch(self) -> Self:
        """Fill the fields in place.

        Returns:
            The group itself.

        Raises:
            NotFoundError: There is no such group.

        Scopes: none.
        Source: `GET /cloud/v2/groups/{group_id}`.
        """
        call = Call(groups.GET_GROUP, {"group_id": self.id})
        answer = await self._session.request(call, _GROUP, context={ID: self.id})
        self._adopt(answer)
        return self


_GROUP = TypeAdapter(Group)
