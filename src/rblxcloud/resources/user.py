"""Users: what Roblox tells of them, what they hold, and messages to them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import ClassVar, Self

from pydantic import Field, SecretStr, TypeAdapter

from rblxcloud.endpoints import users
from rblxcloud.http.binding import StandaloneBinding
from rblxcloud.http.request import Call, json_call
from rblxcloud.operation import Operation, start
from rblxcloud.pagination import Pager
from rblxcloud.resources.asset_type import AssetType
from rblxcloud.resources.base import BINDING, ID, Model, Timestamp, check_id
from rblxcloud.resources.creator import Creator
from rblxcloud.resources.experience import Experience
from rblxcloud.resources.group_members import GroupMember, list_members_of_all_groups
from rblxcloud.resources.inventory import INVENTORY_PAGE, InventoryItem, inventory_filter
from rblxcloud.resources.listing import list_pages
from rblxcloud.resources.notification import notification_body
from rblxcloud.resources.quota import QUOTAS, AssetQuota, quota_filter
from rblxcloud.resources.thumbnail import ThumbnailFormat, ThumbnailShape, ThumbnailSize, UserThumbnail, thumbnail_query

_LARGEST_PAGE = 100


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
    """Whether the user has proved who they are; None without the scope `user.advanced:read`."""
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

    async def generate_thumbnail(
        self, *, size: ThumbnailSize = 420, format: ThumbnailFormat = "PNG", shape: ThumbnailShape = "ROUND"
    ) -> Operation[UserThumbnail]:
        """Have a picture of the user's avatar made; mostly there is one already.

        Args:
            size: Width and height in pixels: 48, 50, 60, 75, 100, 110, 150, 180, 352, 420 or 720.
            format: `PNG` or `JPEG`.
            shape: `ROUND` or `SQUARE`.

        Returns:
            The operation, which brings the address of the picture.

        Raises:
            InvalidRequestError: An argument is none of these; nothing was sent.
            NotFoundError: There is no such user.

        Scopes: none.
        Source: `GET /cloud/v2/users/{user_id}:generateThumbnail`.
        """
        call = Call(users.GENERATE_USER_THUMBNAIL, {"user_id": self.id}, thumbnail_query(size, format, shape))
        return await start(self._bound_to, call, UserThumbnail)

    def inventory(
        self,
        *,
        badges: bool = False,
        game_passes: bool = False,
        private_servers: bool = False,
        asset_types: str | Iterable[str] | None = None,
        only_collectibles: bool = False,
        asset_ids: Iterable[int] | None = None,
        badge_ids: Iterable[int] | None = None,
        game_pass_ids: Iterable[int] | None = None,
        private_server_ids: Iterable[int] | None = None,
        limit: int | None = None,
        page_size: int = 100,
    ) -> Pager[InventoryItem]:
        """List what the user holds: everything, or items of any of these kinds, or with any of these ids.

        Inventories that not everybody may see are listed only for the users themselves.

        Args:
            badges: All badges.
            game_passes: All passes.
            private_servers: All private servers; they are seen only with the scope.
            asset_types: All assets of these kinds (see `InventoryAssetType`); `*` for assets of any kind.
            only_collectibles: Of these assets only limited ones; those that users made are left out.
            asset_ids: These assets, where the user has them.
            badge_ids: These badges.
            game_pass_ids: These passes.
            private_server_ids: These private servers; they are seen only with the scope.
            limit: Most items in all.
            page_size: Most items a request, 1 to 100.

        Returns:
            A pager: iterate it, or its `pages()`.

        Raises:
            InvalidRequestError: A value is refused, or kinds are combined with ids.

        Scopes: none for an inventory that everybody may see, else `user.inventory-item:read`.
        Source: `GET /cloud/v2/users/{user_id}/inventory-items`.
        """
        condition = inventory_filter(
            badges=badges,
            game_passes=game_passes,
            private_servers=private_servers,
            asset_types=asset_types,
            only_collectibles=only_collectibles,
            asset_ids=asset_ids,
            badge_ids=badge_ids,
            game_pass_ids=game_pass_ids,
            private_server_ids=private_server_ids,
        )
        return list_pages(
            self._bound_to,
            users.LIST_INVENTORY_ITEMS,
            INVENTORY_PAGE,
            {"user_id": self.id},
            page_size=page_size,
            largest=_LARGEST_PAGE,
            limit=limit,
            query={"filter": condition},
        )

    def asset_quotas(
        self,
        *,
        quota_type: str | None = None,
        asset_type: AssetType | str | None = None,
        limit: int | None = None,
        page_size: int = 100,
    ) -> Pager[AssetQuota]:
        """List how often the user may still upload or distribute assets; only the key's own user may ask.

        Args:
            quota_type: Only quotas of this type: `RATE_LIMIT_UPLOAD` or `RATE_LIMIT_CREATOR_STORE_DISTRIBUTE`.
            asset_type: Only quotas for assets of this type.
            limit: Most quotas in all.
            page_size: Most quotas a request, 1 to 100.

        Returns:
            A pager: iterate it, or its `pages()`.

        Raises:
            InvalidRequestError: An argument is refused.

        Scopes: `asset:read`.
        Source: `GET /cloud/v2/users/{user_id}/asset-quotas`.
        """
        return list_pages(
            self._bound_to,
            users.LIST_ASSET_QUOTAS,
            QUOTAS,
            {"user_id": self.id},
            page_size=page_size,
            largest=_LARGEST_PAGE,
            limit=limit,
            query={"filter": quota_filter(quota_type, asset_type)},
        )

    def group_memberships(self, *, limit: int | None = None, page_size: int = 100) -> Pager[GroupMember]:
        """List the groups that the user is in, and as what; `client.group_memberships` does so for many users.

        Args:
            limit: Most memberships in all.
            page_size: Most memberships a request, 1 to 100.

        Returns:
            A pager: iterate it, or its `pages()`.

        Scopes: none.
        Source: `GET /cloud/v2/groups/-/memberships`.
        """
        return list_members_of_all_groups(self._bound_to, [self.id], limit=limit, page_size=page_size)

    async def notify(
        self,
        experience: Experience | int,
        message_id: str,
        *,
        parameters: Mapping[str, str | int] | None = None,
        launch_data: str | None = None,
        category: str | None = None,
    ) -> str:
        """Send the user a notification from an experience; one a day from each reaches them.

        Args:
            experience: The experience that sends it, or its universe id.
            message_id: Id of the notification text, made in the Creator Dashboard.
            parameters: Values for the places in braces in that text, by their names.
            launch_data: What the experience is told when it is joined through the notification, 200 bytes at most;
                with it, the notification offers to join.
            category: Under what the notification is counted in the analytics.

        Returns:
            Id of the notification.

        Raises:
            InvalidRequestError: An argument is refused; nothing was sent.
            RateLimitedError: The user has had the experience's notification of the day.

        Scopes: `user.user-notification:write`.
        Source: `POST /cloud/v2/users/{user_id}/notifications`.
        """
        universe_id = experience.id if isinstance(experience, Experience) else check_id("experience", experience)
        body = notification_body(universe_id, message_id, parameters, launch_data, category)
        call = json_call(users.CREATE_USER_NOTIFICATION, {"user_id": self.id}, body)
        return (await self._session.request(call, _NOTIFICATION)).id


class _Notification(Model):
    id: str


def user_id_of(argument: str, user: object) -> int:
    """Return the id of a user who was passed as an object or by the id.

    Raises:
        InvalidRequestError: It is neither.
    """
    return user.id if isinstance(user, User) else check_id(argument, user)


_NOTIFICATION = TypeAdapter(_Notification)
_USER = TypeAdapter(User)
_FETCHED = frozenset(User.model_fields) - {"profile_uri", "headshot_uri"}
"""What the answer to `fetch` holds; the rest is kept."""
