"""Right uses of `rblxcloud`: neither checker may say anything, and both must infer what is asserted."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, assert_type

import httpx
import httpx2
from models import PlayerData, Position, Settings
from pydantic import SecretStr, TypeAdapter

from rblxcloud import (
    JSON,
    AccessToken,
    APIConnectionError,
    ApiKeyInfo,
    APIResponseError,
    APIStatusError,
    Asset,
    AssetType,
    AuthorizationRequest,
    Client,
    CreatorStoreProduct,
    DataStore,
    DataStoreInfo,
    Entry,
    EntryInfo,
    EntryResult,
    EntryVersion,
    Experience,
    GameServer,
    Group,
    GroupMember,
    GroupRole,
    HomepageThumbnail,
    Instance,
    InvalidRequestError,
    LuauBinaryInput,
    LuauError,
    LuauLogMessage,
    LuauResult,
    LuauTask,
    MemoryQueue,
    MemoryStoreFlush,
    MemoryWebhookInbox,
    ModuleScript,
    NotFoundError,
    OAuth2App,
    Operation,
    OrderedDataStore,
    OrderedEntry,
    Page,
    Pager,
    PermissionDeniedError,
    Place,
    PlaceVersion,
    PreconditionFailedError,
    QueueItem,
    QueueRead,
    RateLimitedError,
    RblxCloudError,
    RequestEvent,
    Response,
    ResponseEvent,
    RetryPolicy,
    RightToErasureRequest,
    ScopeReport,
    Script,
    Secret,
    Secrets,
    ServerRestart,
    Snapshot,
    SocialLink,
    SortedMap,
    SortedMapItem,
    SpeechAsset,
    Subscription,
    Translation,
    User,
    UserClient,
    UserRestriction,
    UserRestrictionLog,
    UserRestrictions,
    Webhook,
    WebhookAnswer,
    WebhookEvent,
    WebhookReceiver,
)


async def plain_store(experience: Experience) -> None:
    store = experience.get_data_store("players")
    assert_type(store, DataStore[Any])
    assert_type(store.name, str)
    assert_type(store.scope, str | None)

    entry = await store.get("builderman")
    assert_type(entry, Entry[Any])
    value, info = entry
    assert_type(info, EntryInfo)
    print(value["coins"])
    assert_type(info.version, str)
    assert_type(info.created, datetime | None)
    assert_type(info.users, tuple[int, ...])

    written = await store.set("builderman", {"coins": 1}, users=[156], metadata={"source": "web", "times": 3})
    assert_type(written, EntryVersion)
    await store.set("builderman", [1, 2.5, "three", None], previous_version=written.version)
    await store.set("noob", 1, exclusive_create=True)
    assert_type(await store.increment("visits"), Entry[int])
    number, _ = await store.increment("visits", 5, users={1, 2}, metadata=info.metadata)
    assert_type(number, int)
    assert_type(await store.get_version("builderman", written.version), Entry[Any])
    await store.remove("builderman")
    assert_type(await store.delete(), DataStoreInfo)
    assert_type(await store.undelete(), DataStoreInfo)


async def typed_stores(experience: Experience) -> None:
    players = experience.get_data_store("players", model=PlayerData)
    assert_type(players, DataStore[PlayerData])
    assert_type(experience.get_data_store("players", "global", PlayerData), DataStore[PlayerData])
    assert_type(experience.get_data_store("players", scope=None, model=Settings), DataStore[Settings])
    assert_type(experience.get_data_store("players", model=Position), DataStore[Position])
    assert_type(experience.get_data_store("players", model=int), DataStore[int])
    assert_type(experience.get_data_store("players", model=dict[str, int]), DataStore[dict[str, int]])
    assert_type(experience.get_data_store("players", model=TypeAdapter(list[int])), DataStore[list[int]])

    player, info = await players.get("builderman")
    assert_type(player, PlayerData)
    assert_type(info, EntryInfo)
    assert_type((await players.get("builderman")).value.coins, int)
    assert_type((await players.get_version("builderman", info.version)).value, PlayerData)
    assert_type(await players.set("builderman", PlayerData(coins=3)), EntryVersion)


async def defaults(players: DataStore[PlayerData], counters: DataStore[int]) -> None:
    assert_type(await players.get("nobody", default=None), Entry[PlayerData] | tuple[None, None])
    player, info = await players.get("nobody", default=None)
    assert_type(player, PlayerData | None)
    assert_type(info, EntryInfo | None)
    new, _ = await players.get("nobody", default=PlayerData())
    assert_type(new, PlayerData)
    count, _ = await counters.get("nobody", default="none")
    assert_type(count, int | str)


def add_coin(player: PlayerData | None) -> PlayerData:
    return PlayerData(coins=player.coins + 1 if player else 1)


async def add_coin_slowly(player: PlayerData | None) -> PlayerData | None:
    return player and add_coin(player)


def add_to_json(value: dict[str, int] | None) -> dict[str, int]:
    return {**(value or {}), "coins": 1}


async def updates(players: DataStore[PlayerData], plain: DataStore[Any]) -> None:
    assert_type(await players.update("builderman", add_coin), Entry[PlayerData] | None)
    assert_type(await players.update("builderman", add_coin_slowly), Entry[PlayerData] | None)
    await players.update("builderman", lambda player: player and PlayerData(coins=player.coins + 1))
    await players.update("builderman", add_coin, users=None, metadata={"by": "shop"}, attempts=3)
    entry = await plain.update("builderman", add_to_json)
    if entry is not None:
        print(entry.value["coins"], entry.info.version)


async def some_keys() -> AsyncIterator[str]:
    yield "builderman"


async def many(players: DataStore[PlayerData]) -> None:
    async for result in players.get_many(["builderman", "noob"]):
        assert_type(result, EntryResult[PlayerData])
        assert_type(result.key, str)
        assert_type(result.error, RblxCloudError | None)
        if result.entry is not None:
            assert_type(result.entry.value, PlayerData)
    async with aclosing(players.get_many(some_keys(), concurrency=5)) as results:
        async for result in results:
            assert_type(result.unwrap().value.coins, int)
    async for result in players.get_many(f"key-{number}" for number in range(10)):
        print(result.key)
    async for result in players.get_many(players.keys()):
        print(result.key)


async def lists(experience: Experience, store: DataStore[PlayerData]) -> None:
    keys = store.keys(prefix="build", limit=100, show_deleted=True)
    assert_type(keys, Pager[str])
    async for key in keys:
        assert_type(key, str)
    async for page in keys.pages(token="t"):
        assert_type(page, Page[str])
        assert_type(page.items, tuple[str, ...])
        assert_type(page.next_token, str | None)
    assert_type(await keys.first_page(), Page[str])
    assert_type([key async for key in keys], list[str])
    async for version in store.versions("builderman", after=datetime.now(UTC)):
        assert_type(version, EntryVersion)
        assert_type(version.deleted, bool)
    async for info in experience.data_stores(prefix="p"):
        assert_type(info, DataStoreInfo)
        assert_type(info.expires, datetime | None)


async def ordered(experience: Experience) -> None:
    board = experience.get_ordered_data_store("score", "season-1")
    assert_type(board, OrderedDataStore)
    assert_type(await board.get("builderman"), int)
    assert_type(await board.get("nobody", default=0), int)
    assert_type(await board.get("nobody", default=None), int | None)
    assert_type(await board.set("builderman", 10), int)
    assert_type(await board.create("noob", 1), int)
    assert_type(await board.increment("builderman"), int)
    await board.remove("noob")
    async for entry in board.sorted(descending=True, minimum=0, maximum=100, limit=10):
        assert_type(entry, OrderedEntry)
        assert_type(entry.value, int)


async def memory_stores(experience: Experience) -> None:
    board = experience.get_sorted_map("board", int)
    assert_type(board, SortedMap[int])
    assert_type(experience.get_sorted_map("board"), SortedMap[Any])
    assert_type(experience.get_sorted_map("board", model=TypeAdapter(list[int])), SortedMap[list[int]])
    assert_type(await board.get("builderman"), SortedMapItem[int])
    assert_type(await board.get("nobody", default=None), SortedMapItem[int] | None)
    item = await board.set("builderman", 10, sort_key="a", expires_in=timedelta(minutes=1))
    assert_type(item.value, int)
    assert_type(item.sort_key, str | float | None)
    assert_type(await board.add("noob", 1, sort_key=1.5, expires_in=60), SortedMapItem[int])
    assert_type(
        await board.update("noob", lambda old: (old or 0) + 1, sort_key=lambda new: -new), SortedMapItem[int] | None
    )
    await board.remove("noob")
    async for row in board.items(sort_key_above=5, key_below="z"):
        assert_type(row, SortedMapItem[int])
    queue = experience.get_queue("jobs", PlayerData)
    assert_type(queue, MemoryQueue[PlayerData])
    assert_type(await queue.add(PlayerData(), priority=1.5), QueueItem[PlayerData])
    read = await queue.read(10)
    assert_type(read, QueueRead[PlayerData])
    assert_type(read.items, tuple[QueueItem[PlayerData], ...])
    await read.discard()
    async with aclosing(queue.consume(batch=5)) as items:
        async for item_of_queue in items:
            assert_type(item_of_queue, QueueItem[PlayerData])
    operation = await experience.flush_memory_stores(scope="TEST")
    assert_type(operation, Operation[MemoryStoreFlush])
    assert_type(await operation.wait(), MemoryStoreFlush)


async def experiences(client: Client) -> None:
    experience = client.experience(13058)
    assert_type(experience, Experience)
    assert_type(await experience.fetch(), Experience)
    assert_type(experience.display_name, str | None)
    await experience.update(desktop_enabled=True, twitter_social_link=SocialLink(title="us", uri="https://x.com/us"))
    await experience.update(twitter_social_link=None, private_server_price_robux=None)
    await experience.publish_message("shop", "restock")
    message: dict[str, JSON] = {"restock": True, "items": [1, "two"]}
    await experience.publish_message("shop", message)
    await experience.publish_message("shop", {"restock": True})
    await experience.restart_servers(place_ids=[1], bleed_off_servers=True, bleed_off_duration_minutes=5)
    assert_type(await experience.snapshot_data_stores(), Snapshot)
    async with Experience(13058, api_key="k") as alone:
        assert_type(alone, Experience)
        await alone.publish_message("shop", "restock")


async def creators(client: Client) -> None:
    user = client.user(287113233)
    assert_type(user, User)
    assert_type(await user.fetch(), User)
    assert_type(user.username, str | None)
    operation = await user.upload_asset("shirt.png", AssetType.Decal, "A shirt")
    assert_type(operation, Operation[Asset])
    assert_type(await operation.fetch_operation(), Asset | None)
    assert_type(await operation.wait(timeout=60), Asset)
    group = client.group(7)
    assert_type(await group.fetch(), Group)
    assert_type(await group.find_member(user), GroupMember | None)
    async for role in group.roles():
        assert_type(role, GroupRole)
    async for member in group.members(limit=10):
        assert_type(member, GroupMember)
        await group.assign_role(member.user_id, 1)


async def servers_and_speech(experience: Experience) -> None:
    operation = await experience.servers.restart(
        {2: "outdated", 3: [7], 4: None}, bleed_off_minutes=5, attributes={"a": 1}
    )
    assert_type(operation, Operation[ServerRestart])
    assert_type(await operation.wait(), ServerRestart)
    assert_type(await experience.servers.restart([2, 3]), Operation[ServerRestart])
    assert_type(experience.servers.list(2, 7, status="active", order_by="uptime"), Pager[GameServer])
    assert_type(await experience.homepage_thumbnails.upload(b"x"), Operation[HomepageThumbnail])
    assert_type(await experience.translate_text("x", ["fr-fr"], source="en-us"), Translation)
    assert_type(await experience.generate_speech_asset("x", voice=1), Operation[SpeechAsset])


async def keys_and_products(client: Client, store: DataStore[PlayerData]) -> None:
    assert_type(await client.introspect_api_key(), ApiKeyInfo)
    report = await client.check_scopes(store.get, Experience.publish_message, "luau.get", ("GET", "/x"), experience=1)
    assert_type(report, ScopeReport)
    assert_type(await client.creator_store.create("Model", 5, Decimal("4.99")), CreatorStoreProduct)


async def signing_in(callback_url: str) -> None:
    async with OAuth2App(1, "secret", redirect_uri="https://example.com/callback") as app:
        request = app.authorize("openid profile")
        assert_type(request, AuthorizationRequest)
        token = await app.finish(request, callback_url)
        assert_type(token, AccessToken)
        assert_type(app.client(1), UserClient)


def note_request(event: RequestEvent) -> None:
    assert_type(event.attempt, int)


async def note_response(event: ResponseEvent) -> None:
    assert_type(event.status, int | None)


async def clients() -> None:
    async with (
        httpx.AsyncClient() as of_httpx,
        httpx2.AsyncClient() as of_httpx2,
        Client(http_client=of_httpx) as client,
        Client(SecretStr("k"), http_client=of_httpx2),
        Client(access_token="t", rate_limits="off", retries=RetryPolicy(retries=1), headers={"a": "b"}),
        Client("k", on_request=[note_request], on_response=[note_response, print], deadline=None),
    ):
        assert_type(client, Client)
        other = client.with_options(timeout=5, deadline=None, retries=0, rate_limits="server")
        assert_type(other, Client)
        assert_type(client.bind(Experience(1, api_key="k")), Experience)
        response = await client.request("GET", "/cloud/v2/universes/1", query={"a": 1, "b": None, "c": True})
        assert_type(response, Response)
        assert_type(response.content, bytes)
        await client.request("POST", "/cloud/v2/universes/1:publishMessage", json={"topic": "t", "message": "m"})


async def bans_and_secrets(experience: Experience) -> None:
    bans = experience.user_restrictions
    assert_type(bans, UserRestrictions)
    ban = await bans.ban(156, duration=timedelta(days=1), private_reason="p", display_reason=None)
    assert_type(ban, UserRestriction)
    assert_type(ban.ends, datetime | None)
    assert_type(await bans.ban(156, permanent=True, exclude_alt_accounts=True, idempotency_key="b"), UserRestriction)
    assert_type(await experience.place(2).user_restrictions.unban(156, idempotency_key="a"), UserRestriction)
    async for row in bans.logs(user=156, place=experience.place(2)):
        assert_type(row, UserRestrictionLog)
        assert_type(row.moderator_id, int | None)
    secrets = experience.secrets
    assert_type(secrets, Secrets)
    assert_type(await secrets.create("k", SecretStr("v"), domain="*"), Secret)
    assert_type(await secrets.update("k", value=b"v", domain=None), Secret)
    async for secret in secrets.list():
        assert_type(secret, Secret)
    assert_type(await experience.get_subscription("EXP-1", 156, full=True), Subscription)


async def errors(store: DataStore[PlayerData]) -> None:
    try:
        await store.get("builderman")
    except NotFoundError as error:
        assert_type(error.status, int)
        assert_type(error.code, str | None)
    except PreconditionFailedError as error:
        print(error.entry.value)
    except PermissionDeniedError as error:
        assert_type(error.required_scopes, tuple[str, ...])
        assert_type(error.granted_scopes, tuple[str, ...] | None)
    except RateLimitedError as error:
        assert_type(error.retry_after, float | None)
    except APIStatusError as error:
        assert_type(error.response, Response)
    except (APIConnectionError, APIResponseError) as error:
        assert_type(error.outcome_unknown, bool)
        assert_type(error.endpoint, str | None)
    except InvalidRequestError as error:
        assert_type(error.argument, str)
    except RblxCloudError as error:
        assert_type(error.outcome_unknown, bool)


async def scripts(client: Client, place: Place) -> None:
    task = await place.run_luau(Path("script.luau"), timeout=timedelta(minutes=1), version=3, binary_input=b"bytes")
    assert_type(task, LuauTask)
    assert_type(client.luau_task(task.path), LuauTask)
    operation: Operation[LuauResult] = client.bind(task)
    try:
        assert_type(await operation.wait(), LuauResult)
        assert_type(await task.wait(timeout=60), LuauResult)
        assert_type(await task.fetch_operation(), LuauResult | None)
    except LuauError as error:
        assert_type(error.code, str | None)
    async for message in task.logs(poll=2):
        assert_type(message, str)
    async for entry in task.structured_logs(follow=False):
        assert_type(entry, LuauLogMessage)
    assert_type(await place.upload_luau_input(Path("in.bin"), progress=print), LuauBinaryInput)
    assert_type(await task.download_output("out.bin"), Path)
    assert_type(await task.read_output(), bytes)


async def places(experience: Experience) -> None:
    place = experience.place(2)
    assert_type(await place.fetch(), Place)
    assert_type(await place.update(server_size=5), Place)
    assert_type(place.experience_id, int)
    assert_type(place.root, bool | None)
    assert_type(await place.publish("game.rbxl", "Saved"), int)
    assert_type(await place.publish([b"<roblox!"], size=8, progress=print), int)
    assert_type(place.versions(published=True), Pager[PlaceVersion])
    assert_type(place.contributors(), Pager[int])
    assert_type(await place.set_version_notes(1, title="1.0", description=None), PlaceVersion)


async def instances(place: Place) -> None:
    root = place.instance()
    assert_type(root.id, str)
    assert_type(root.children(), Pager[Instance])
    assert_type(await root.find("ServerScriptService", "Main"), Instance | None)
    async for script in root.walk((Script, ModuleScript), depth=3):
        assert_type(script, Instance)
        assert_type(script.source, str | None)
        if isinstance(script.details, Script):
            assert_type(script.details.enabled, bool | None)
        assert_type(await script.update(source="", run_context="Server"), Instance)
    async for page in root.children().pages():
        assert_type(page, Page[Instance])


async def webhooks(headers: dict[str, str], pairs: list[tuple[bytes, bytes]], body: bytes) -> None:
    webhook = Webhook(SecretStr("secret"), tolerance=300)
    assert_type(webhook.parse(headers, body), WebhookEvent)
    event = webhook.parse(pairs, body)
    if isinstance(event, RightToErasureRequest):
        assert_type(event.user_id, int)
        assert_type(event.place_ids, tuple[int, ...])
    receiver = WebhookReceiver(webhook, inbox=MemoryWebhookInbox())

    @receiver.on(RightToErasureRequest)
    async def erase(event: RightToErasureRequest) -> bool:
        return event.user_id > 0

    @receiver.on(WebhookEvent)
    def note(event: WebhookEvent) -> None: ...

    @receiver.on("SomethingNew")
    def new(event: WebhookEvent) -> None: ...

    assert_type(await erase(RightToErasureRequest(notification_id="1", user_id=1, place_ids=())), bool)
    assert_type(await receiver.receive(headers, body), WebhookAnswer)
    assert_type(await receiver.handle_due(), int)
