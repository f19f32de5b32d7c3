"""Experiences: what Roblox's paths call universes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Self, TypeVar, overload

from pydantic import Field, SecretStr, TypeAdapter
from pydantic.alias_generators import to_camel

from rblxcloud.endpoints import data_stores, messaging, universes
from rblxcloud.errors import InvalidRequestError
from rblxcloud.http.binding import StandaloneBinding
from rblxcloud.http.request import Call, json_call
from rblxcloud.operation import Operation, start
from rblxcloud.pagination import Pager
from rblxcloud.resources.arguments import check_json, check_switch, check_whole
from rblxcloud.resources.base import BINDING, ID, Model, Resource, Timestamp, check_id, check_text
from rblxcloud.resources.data_store import DataStore, DataStoreInfo
from rblxcloud.resources.data_store_wire import starts_with
from rblxcloud.resources.game_servers import GameServers, restart_body
from rblxcloud.resources.generative import (
    TRANSLATION,
    LanguageCode,
    SpeechAsset,
    Translation,
    speech_body,
    translation_body,
)
from rblxcloud.resources.homepage_thumbnails import HomepageThumbnails
from rblxcloud.resources.listing import PageModel, WirePage, list_pages
from rblxcloud.resources.memory_queue import MemoryQueue
from rblxcloud.resources.memory_store import LARGEST_ITEM, FlushScope, MemoryStoreFlush, flush
from rblxcloud.resources.ordered_data_store import OrderedDataStore
from rblxcloud.resources.place import Place
from rblxcloud.resources.secret import Secrets
from rblxcloud.resources.social_link import SocialLink, check_link
from rblxcloud.resources.sorted_map import SortedMap
from rblxcloud.resources.subscription import SUBSCRIPTION, Subscription, subscription_call
from rblxcloud.resources.user_restriction import UserRestrictions
from rblxcloud.resources.value import Codec
from rblxcloud.types import JSON, UNSET, Unset

if TYPE_CHECKING:
    from rblxcloud.resources.user import User

T = TypeVar("T")

LONGEST_TOPIC = 80
LONGEST_MESSAGE = 1024
_LARGEST_PAGE = 100


class Snapshot(Model):
    """A snapshot of an experience's data stores."""

    new_snapshot_taken: bool = False
    """False when there was one of the same UTC day already."""
    latest_snapshot_time: Timestamp | None = None
    """When the latest one was taken."""


class _Stores(PageModel):
    items: tuple[DataStoreInfo, ...] = Field(default=(), alias="dataStores")


_SNAPSHOT = TypeAdapter(Snapshot)
_STORES: TypeAdapter[WirePage[DataStoreInfo]] = TypeAdapter(_Stores)


class Experience(Resource):
    """An experience and everything in it. Its `id` is the universe id.

    The fields besides `id` are None until `fetch()` has filled them.
    """

    display_name: str | None = None
    """Its name; changed through the root place."""
    description: str | None = None
    """Its description; changed through the root place."""
    created: Timestamp | None = Field(default=None, alias="createTime")
    """When it was made."""
    updated: Timestamp | None = Field(default=None, alias="updateTime")
    """When it was last changed."""
    user: str | None = None
    """Path of the user who owns it, `users/1`."""
    group: str | None = None
    """Path of the group that owns it, `groups/1`."""
    visibility: str | None = None
    """`PUBLIC` or `PRIVATE`."""
    age_rating: str | None = None
    """`AGE_RATING_ALL`, `AGE_RATING_9_PLUS` ..."""
    root_place: str | None = None
    """Path of its start place, `universes/1/places/2`."""
    voice_chat_enabled: bool | None = None
    """Whether players can talk."""
    private_server_price_robux: int | None = None
    """Price of a private server; None when there are none."""
    desktop_enabled: bool | None = None
    """Whether it can be played on a computer."""
    mobile_enabled: bool | None = None
    """Whether it can be played on a phone."""
    tablet_enabled: bool | None = None
    """Whether it can be played on a tablet."""
    console_enabled: bool | None = None
    """Whether it can be played on a console."""
    vr_enabled: bool | None = None
    """Whether it can be played with a headset."""
    facebook_social_link: SocialLink | None = None
    """Link to Facebook."""
    twitter_social_link: SocialLink | None = None
    """Link to Twitter."""
    youtube_social_link: SocialLink | None = None
    """Link to YouTube."""
    twitch_social_link: SocialLink | None = None
    """Link to Twitch."""
    discord_social_link: SocialLink | None = None
    """Link to Discord."""
    roblox_group_social_link: SocialLink | None = None
    """Link to a Roblox group."""
    guilded_social_link: SocialLink | None = None
    """Link to Guilded."""

    def __init__(
        self,
        id: int,
        *,
        api_key: str | SecretStr | None = None,
        access_token: str | SecretStr | None = None,
        base_url: str | None = None,
    ) -> None:
        """Make an experience that stands alone; `client.experience(id)` makes one that shares a client.

        Objects that stand alone share their connections with those of the same credential and address.

        Args:
            id: The universe id.
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

    # Else validation would call __init__: it would lose the context that binds the session, and fields of an answer
    # named like its arguments would reach it.
    __init__.__pydantic_base_init__ = True  # type: ignore[attr-defined]  # pyright: ignore[reportFunctionMemberAccess]

    @overload
    def get_data_store(self, name: str, scope: str | None = "global", model: None = None) -> DataStore[Any]: ...
    @overload
    def get_data_store(self, name: str, scope: str | None, model: type[T] | TypeAdapter[T]) -> DataStore[T]: ...
    @overload
    def get_data_store(
        self, name: str, scope: str | None = "global", *, model: type[T] | TypeAdapter[T]
    ) -> DataStore[T]: ...
    def get_data_store(
        self, name: str, scope: str | None = "global", model: type[Any] | TypeAdapter[Any] | None = None
    ) -> DataStore[Any]:
        """Return a standard data store; nothing is sent.

        Args:
            name: Its name, 1 to 50 characters.
            scope: The scope of its keys, 1 to 50 characters; None when keys are written `scope/key`.
            model: A class or a `TypeAdapter` that values are of; None for plain JSON.

        Returns:
            The data store.

        Raises:
            InvalidRequestError: Name or scope is refused.
        """
        return DataStore(self._bound_to, self.id, name, scope, Codec(model))

    def get_ordered_data_store(self, name: str, scope: str = "global") -> OrderedDataStore:
        """Return an ordered data store; nothing is sent.

        Args:
            name: Its name, 1 to 50 characters.
            scope: The scope of its keys, 1 to 50 characters.

        Returns:
            The data store.

        Raises:
            InvalidRequestError: Name or scope is refused.
        """
        return OrderedDataStore(self._bound_to, self.id, name, scope)

    def place(self, id: int) -> Place:
        """Return a place of the experience; nothing is sent.

        Args:
            id: The place id.

        Raises:
            InvalidRequestError: The id is not one.
        """
        return Place.bound(self._bound_to, id=check_id("id", id), experience_id=self.id)

    @property
    def user_restrictions(self) -> UserRestrictions:
        """Who may not join the experience: bans, and what became of them."""
        return UserRestrictions(self._bound_to, self.id)

    @property
    def secrets(self) -> Secrets:
        """The secrets that the experience's servers can use."""
        return Secrets(self._bound_to, self.id)

    async def get_subscription(self, product_id: str, user: User | int, *, full: bool = False) -> Subscription:
        """Fetch a user's subscription to something that the experience sells.

        Args:
            product_id: Id of what is subscribed to, such as `EXP-11111111`.
            user: The user, or the id.
            full: Whether everything is fetched, and not only whether it is active and will renew.

        Returns:
            The subscription, which may have ended.

        Raises:
            NotFoundError: The user never subscribed to it.

        Scopes: `universe:write` for any user, or `universe.subscription-product.subscription:read` for oneself.
        Source: `GET /cloud/v2/universes/{universe_id}/subscription-products/{product_id}/subscriptions/{id}`.
        """
        return await self._session.request(subscription_call(self.id, product_id, user, full), SUBSCRIPTION)

    @overload
    def get_sorted_map(self, name: str, model: None = None) -> SortedMap[Any]: ...
    @overload
    def get_sorted_map(self, name: str, model: type[T] | TypeAdapter[T]) -> SortedMap[T]: ...
    def get_sorted_map(self, name: str, model: type[Any] | TypeAdapter[Any] | None = None) -> SortedMap[Any]:
        """Return a sorted map of the memory stores; nothing is sent.

        Args:
            name: Its name.
            model: A class or a `TypeAdapter` that values are of; None for plain JSON.

        Returns:
            The map.

        Raises:
            InvalidRequestError: Name or model is refused.
        """
        return SortedMap(self._bound_to, self.id, name, Codec(model, LARGEST_ITEM))

    @overload
    def get_queue(self, name: str, model: None = None) -> MemoryQueue[Any]: ...
    @overload
    def get_queue(self, name: str, model: type[T] | TypeAdapter[T]) -> MemoryQueue[T]: ...
    def get_queue(self, name: str, model: type[Any] | TypeAdapter[Any] | None = None) -> MemoryQueue[Any]:
        """Return a queue of the memory stores; nothing is sent.

        Args:
            name: Its name.
            model: A class or a `TypeAdapter` that values are of; None for plain JSON.

        Returns:
            The queue.

        Raises:
            InvalidRequestError: Name or model is refused.
        """
        return MemoryQueue(self._bound_to, self.id, name, Codec(model, LARGEST_ITEM))

    async def flush_memory_stores(self, *, scope: FlushScope = "LIVE") -> Operation[MemoryStoreFlush]:
        """Start to empty every memory store of the experience: sorted maps, queues and hash maps. It cannot be undone.

        Args:
            scope: `LIVE` for the stores of the published experience, `TEST` for those of tests in Studio.

        Returns:
            The operation: `await operation.wait()` waits until they are empty.

        Raises:
            InvalidRequestError: There is no such scope.

        Scopes: `memory-store:flush`.
        Source: `POST /cloud/v2/universes/{universe_id}/memory-store:flush`.
        """
        return await flush(self._bound_to, self.id, scope)

    def data_stores(
        self,
        *,
        prefix: str | None = None,
        limit: int | None = None,
        show_deleted: bool = False,
        page_size: int = 100,
    ) -> Pager[DataStoreInfo]:
        """List the standard data stores.

        Args:
            prefix: Only stores whose name starts with this.
            limit: Most stores in all.
            show_deleted: Whether stores that were deleted in the last 30 days are listed too.
            page_size: Most stores a request, 1 to 100.

        Returns:
            A pager: iterate it, or its `pages()`.

        Scopes: `universe-datastores.control:list`.
        Source: `GET /cloud/v2/universes/{universe_id}/data-stores`.
        """
        return list_pages(
            self._bound_to,
            data_stores.LIST_DATA_STORES,
            _STORES,
            {"universe_id": self.id},
            page_size=page_size,
            largest=_LARGEST_PAGE,
            limit=limit,
            query={"filter": starts_with(prefix), "showDeleted": True if show_deleted else None},
        )

    async def snapshot_data_stores(self) -> Snapshot:
        """Have the current version of every key kept when it is next overwritten; one new snapshot each UTC day.

        Returns:
            Whether a new one was taken, and when the latest was.

        Scopes: `universe-datastores.control:snapshot`.
        Source: `POST /cloud/v2/universes/{universe_id}/data-stores:snapshot`.
        """
        call = json_call(data_stores.SNAPSHOT_DATA_STORES, {"universe_id": self.id}, {})
        return await self._session.request(call, _SNAPSHOT)

    async def publish_message(self, topic: str, message: str | JSON) -> None:
        """Publish a message to the live servers of the experience (not to Studio).

        Args:
            topic: 1 to 80 characters.
            message: Text is sent as it is; anything else as compact JSON. 1 to 1,024 characters.

        Raises:
            InvalidRequestError: Topic or message is refused; nothing was sent.

        Scopes: `universe-messaging-service:publish`.
        Source: `POST /cloud/v2/universes/{universe_id}:publishMessage`.
        """
        body = {
            "topic": check_text("topic", topic, LONGEST_TOPIC),
            "message": check_text("message", _message_text(message), LONGEST_MESSAGE),
        }
        await self._session.send(json_call(messaging.PUBLISH_MESSAGE, {"universe_id": self.id}, body))

    async def fetch(self) -> Self:
        """Fill the fields in place.

        Returns:
            The experience itself.

        Raises:
            NotFoundError: There is no such experience.

        Scopes: none.
        Source: `GET /cloud/v2/universes/{universe_id}`.
        """
        call = Call(universes.GET_UNIVERSE, {"universe_id": self.id})
        answer = await self._session.request(call, _EXPERIENCE, context={ID: self.id})
        self._adopt(answer)
        return self

    async def update(
        self,
        *,
        voice_chat_enabled: bool | Unset = UNSET,
        private_server_price_robux: int | Unset | None = UNSET,
        desktop_enabled: bool | Unset = UNSET,
        mobile_enabled: bool | Unset = UNSET,
        tablet_enabled: bool | Unset = UNSET,
        console_enabled: bool | Unset = UNSET,
        vr_enabled: bool | Unset = UNSET,
        facebook_social_link: SocialLink | Unset | None = UNSET,
        twitter_social_link: SocialLink | Unset | None = UNSET,
        youtube_social_link: SocialLink | Unset | None = UNSET,
        twitch_social_link: SocialLink | Unset | None = UNSET,
        discord_social_link: SocialLink | Unset | None = UNSET,
        roblox_group_social_link: SocialLink | Unset | None = UNSET,
        guilded_social_link: SocialLink | Unset | None = UNSET,
    ) -> Self:
        """Change what is passed, and leave the rest; None removes a social link or closes the private servers.

        Args:
            voice_chat_enabled: Whether players can talk.
            private_server_price_robux: Price of a private server; a change ends all subscriptions to them.
            desktop_enabled: Whether it can be played on a computer.
            mobile_enabled: Whether it can be played on a phone.
            tablet_enabled: Whether it can be played on a tablet.
            console_enabled: Whether it can be played on a console.
            vr_enabled: Whether it can be played with a headset.
            facebook_social_link: Link to Facebook.
            twitter_social_link: Link to Twitter.
            youtube_social_link: Link to YouTube.
            twitch_social_link: Link to Twitch.
            discord_social_link: Link to Discord.
            roblox_group_social_link: Link to a Roblox group.
            guilded_social_link: Link to Guilded.

        Returns:
            The experience itself, its fields as Roblox has them now.

        Raises:
            InvalidRequestError: Nothing was passed, or something of a wrong type.

        Scopes: `universe:write`.
        Source: `PATCH /cloud/v2/universes/{universe_id}`.
        """
        flags = {
            "voice_chat_enabled": voice_chat_enabled,
            "desktop_enabled": desktop_enabled,
            "mobile_enabled": mobile_enabled,
            "tablet_enabled": tablet_enabled,
            "console_enabled": console_enabled,
            "vr_enabled": vr_enabled,
        }
        links = {
            "facebook_social_link": facebook_social_link,
            "twitter_social_link": twitter_social_link,
            "youtube_social_link": youtube_social_link,
            "twitch_social_link": twitch_social_link,
            "discord_social_link": discord_social_link,
            "roblox_group_social_link": roblox_group_social_link,
            "guilded_social_link": guilded_social_link,
        }
        changes: dict[str, Any] = {n: check_switch(n, v) for n, v in flags.items() if not isinstance(v, Unset)}
        changes |= {name: check_link(name, v) for name, v in links.items() if not isinstance(v, Unset)}
        if not isinstance(private_server_price_robux, Unset):
            price = private_server_price_robux
            if price is not None:
                check_whole("private_server_price_robux", price, 2**31 - 1, smallest=0)
            changes["private_server_price_robux"] = price
        if not changes:
            raise InvalidRequestError("update", "nothing was passed to change")
        body = {to_camel(name): value for name, value in changes.items() if value is not None}
        query = {"updateMask": ",".join(map(to_camel, changes))}
        call = json_call(universes.UPDATE_UNIVERSE, {"universe_id": self.id}, body, query)
        answer = await self._session.request(call, _EXPERIENCE, context={ID: self.id})
        # The answer holds at least what was changed, and leaves out what was removed.
        self._adopt(answer, changed=changes)
        return self

    @property
    def servers(self) -> GameServers:
        """Its game servers: lists, logs, and restarts that can be waited for."""
        return GameServers(self._bound_to, self.id)

    @property
    def homepage_thumbnails(self) -> HomepageThumbnails:
        """The pictures that stand for it on Roblox's home page."""
        return HomepageThumbnails(self._bound_to, self.id)

    async def translate_text(
        self, text: str, targets: Iterable[LanguageCode], *, source: LanguageCode | None = None
    ) -> Translation:
        """Translate a text.

        Args:
            text: The text.
            targets: Codes of the languages to translate to, one at least: `en-us`, `fr-fr`, `vi-vn`, `th-th`, `tr-tr`,
                `ru-ru`, `es-es`, `pt-br`, `ko-kr`, `ja-jp`, `zh-cn`, `zh-tw`, `de-de`, `pl-pl`, `it-it`, `id-id`.
            source: Code of the language of the text; None to have it found out.

        Returns:
            The text in each of the languages.

        Raises:
            InvalidRequestError: An argument is refused; nothing was sent.
            UnsupportedCredentialError: The client has an access token; this takes an API key.

        Scopes: `universe:write`.
        Source: `POST /cloud/v2/universes/{universe_id}:translateText`.
        """
        call = json_call(universes.TRANSLATE_TEXT, {"universe_id": self.id}, translation_body(text, targets, source))
        return await self._session.request(call, TRANSLATION)

    async def generate_speech_asset(
        self, text: str, *, voice: str | int | None = None, pitch: float | None = None, speed: float | None = None
    ) -> Operation[SpeechAsset]:
        """Have an English text spoken, as a new audio asset.

        It counts against the uploads of audio that its owner has each month.

        Args:
            text: What is said.
            voice: Number of the voice, such as 1; None for Roblox's choice.
            pitch: How high the voice is; None for Roblox's choice.
            speed: How fast it speaks; None for Roblox's choice.

        Returns:
            The operation, which brings the id of the asset: `await operation.wait()`.

        Raises:
            InvalidRequestError: An argument is refused; nothing was sent.

        Scopes: `universe:write`, `asset:read` and `asset:write`.
        Source: `POST /cloud/v2/universes/{universe_id}:generateSpeechAsset`.
        """
        body = speech_body(text, voice, pitch, speed)
        return await start(
            self._bound_to, json_call(universes.GENERATE_SPEECH_ASSET, {"universe_id": self.id}, body), SpeechAsset
        )

    async def restart_servers(
        self,
        *,
        place_ids: Iterable[int] | None = None,
        close_all_versions: bool = False,
        bleed_off_servers: bool = False,
        bleed_off_duration_minutes: int | None = None,
    ) -> None:
        """Restart servers; with nothing passed, those that run an older version than the published one.

        Roblox tells nothing of how it goes; `servers.restart` starts one that can be waited for.

        Args:
            place_ids: Only servers of these places; None for every place. An empty list is refused, since Roblox would
                take it for every place.
            close_all_versions: Whether servers of the current version are restarted too.
            bleed_off_servers: Whether servers take no new players and close when they are empty, instead of at once.
            bleed_off_duration_minutes: Minutes after which a server that is bled off is closed, 1 to 60.

        Raises:
            InvalidRequestError: An argument is refused; nothing was sent.

        Scopes: `universe:write`.
        Source: `POST /cloud/v2/universes/{universe_id}:restartServers`.
        """
        body = restart_body(place_ids, close_all_versions, bleed_off_servers, bleed_off_duration_minutes)
        await self._session.send(json_call(universes.RESTART_SERVERS, {"universe_id": self.id}, body))


def _message_text(message: object) -> str:
    return message if isinstance(message, str) else check_json("message", message).decode()


_EXPERIENCE = TypeAdapter(Experience)
