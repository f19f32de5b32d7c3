"""Users: what Roblox tells of them, what they hold, and messages to them."""

from __future__ import annotations

from typing import ClassVar, Self

from pydantic import Field, SecretStr, TypeAdapter

from rblxcloud.endpoints import users
from rblxcloud.http.binding import StandaloneBinding
from rblxcloud.http.request import Call
from rblxcloud.resources.base import BINDING, ID, Model, Timestamp, check_id
from rblxcloud.resources.creator import Creator


class SocialNetworkProfiles(Model):
    """Where a user is found elsewhere; a link that is not set is empty text."""

    facebook: str = ""
    """Link to Facebook."""
    twitter: str = ""
    """Link to Twitter."""
    youtube: str = ""
    """Link to YouTube."""
    twitch: str = ""
    """Link to Twitch."""
    guilded: str = ""
    """Link to Guilded."""
    visibility: str | None = None
    """Who sees them: `NO_ONE`, `FRIENDS`, `FRIENDS_AND_FOLLOWING`, `FRIENDS_FOLLOWING_AND_FOLLOWERS`, `EVERYONE`."""


class User(Creator):
    """A user. The fields besides `id` are None until `fetch()`, or a sign-in with OAuth 2.0, has told them."""

    username: str | None = Field(default=None, alias="name")
    """The unique name."""
    created_at: Timestamp | None = Field(default=None, alias="createTime")
    """When the account was made."""
    about: str | None = None
    """What the user says of themselves."""
    locale: str | None = None
    """The language, as Roblox writes it: `en_us`."""
    premium: bool | None = None
    """Whether the user has Premium."""
    id_verified: bool | None = None
    """Whether the user has shown a document or a phone number; None without the scope `user.advanced:read`."""
    social_network_profiles: SocialNetworkProfiles | None = None
    """Links to other networks; None without the scope `user.social:read`."""
    profile_uri: str | None = None
    """Address of the profile page; only a sign-in with OAuth 2.0 tells it."""
    headshot_uri: str | None = None
    """Address of a picture of the avatar's head; only a sign-in with OAuth 2.0 tells it."""

    _collection: ClassVar[str] = "users"

    def __init__(
        self,
        id: int,
        *,
        api_key: str | SecretStr | None = None,
        access_token: str | SecretStr | None = None,
        base_url: str | None = None,
    ) -> None:
        """Make a user that stands alone; `client.user(id)` makes one that shares a client.

        Objects that stand alone share their connections with those of the same credential and address.

        Args:
            id: The user id.
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
        """Fill the fields in place, as far as the credential may read them.

        Returns:
            The user itself.

        Raises:
            NotFoundError: There is no such user.

        Scopes: none; `user.advanced:read` for `id_verified`, `user.social:read` for `social_network_profiles`.
        Source: `GET /cloud/v2/users/{user_id}`.
        """
        call = Call(users.GET_USER, {"user_id": self.id})
        answer = await self._session.request(call, _USER, context={ID: self.id})
        self._adopt(answer, changed=_FETCHED)
        return self


_USER = TypeAdapter(User)
_FETCHED = frozenset(User.model_fields) - {"profile_uri", "headshot_uri"}
"""What the answer to `fetch` holds; the rest is kept."""
