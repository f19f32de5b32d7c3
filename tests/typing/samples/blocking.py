"""Right uses of `rblxcloud.sync`: neither checker may say anything, and both must infer what is asserted."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, assert_type

import httpx
import httpx2
from models import PlayerData, Position, Settings
from pydantic import SecretStr, TypeAdapter

import rblxcloud
import rblxcloud.sync as rblxopencloud
from rblxcloud.sync import (
    AccessToken,
    ApiKeyInfo,
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
    LuauBinaryInput,
    LuauError,
    LuauLogMessage,
    LuauResult,
    LuauTask,
    MemoryQueue,
    MemoryStoreFlush,
    ModuleScript,
    NotFoundError,
    OAuth2App,
    Operation,
    OrderedDataStore,
    OrderedEntry,
    Page,
    Pager,
    Place,
    PlaceVersion,
    QueueItem,
    QueueRead,
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


def plain_store(experience: Experience) -> None:
    store = experience.get_data_store("players")
    assert_type(store, DataStore[Any])
    assert_type(store.scope, str | None)
    entry = store.get("builderman")
    assert_type(entry, Entry[Any])
    value, info = entry
    print(value["coins"])
    assert_type(info, EntryInfo)
    written = store.set("builderman", {"coins": 1}, users=[156], metadata={"source": "web"})
    assert_type(written, EntryVersion)
    assert_type(store.increment("visits", 1), Entry[int])
    assert_type(store.get_version("builderman", written.version), Entry[Any])
    store.remove("builderman")
    assert_type(store.delete(), DataStoreInfo)
    assert_type(store.undelete(), DataStoreInfo)


def typed_stores(experience: Experience) -> None:
    players = experience.get_data_store("players", model=PlayerData)
    assert_type(players, DataStore[PlayerData])
    assert_type(experience.get_data_store("players", "global", PlayerData), DataStore[PlayerData])
    assert_type(experience.get_data_store("players", scope=None, model=Settings), DataStore[Settings])
    assert_type(experience.get_data_store("players", model=Position), DataStore[Position])
    assert_type(experience.get_data_store("players", model=TypeAdapter(list[int])), DataStore[list[int]])
    player, _ = players.get("builderman")
    assert_type(player, PlayerData)
    assert_type(players.set("builderman", PlayerData(coins=3)), EntryVersion)


def defaults(players: DataStore[PlayerData]) -> None:
    player, info = players.get("nobody", default=None)
    assert_type(player, PlayerData | None)
    assert_type(info, EntryInfo | None)
    new, _ = players.get("nobody", default=PlayerData())
    assert_type(new, PlayerData)


def add_coin(player: PlayerData | None) -> PlayerData:
    return PlayerData(coins=player.coins + 1 if player else 1)


def updates(players: DataStore[PlayerData]) -> None:
    assert_type(players.update("builderman", add_coin), Entry[PlayerData] | None)
    players.update("builderman", lambda player: player and PlayerData(coins=player.coins + 1))


def some_keys() -> Iterator[str]:
    yield "builderman"


def many(players: DataStore[PlayerData]) -> None:
    for result in players.get_many(some_keys(), concurrency=5):
        assert_type(result, EntryResult[PlayerData])
        assert_type(result.unwrap().value.coins, int)
    for result in players.get_many(players.keys()):
        assert_type(result.error, RblxCloudError | None)
    with ThreadPoolExecutor() as threads:
        for entry in threads.map(players.get, ["builderman", "noob"]):
            print(entry)


def lists(experience: Experience, store: DataStore[PlayerData]) -> None:
    keys = store.keys(prefix="build", limit=100)
    assert_type(keys, Pager[str])
    assert_type(list(keys), list[str])
    for page in keys.pages():
        assert_type(page, Page[str])
    assert_type(keys.first_page(), Page[str])
    for version in store.versions("builderman", before=datetime.now(UTC)):
        assert_type(version, EntryVersion)
    for info in experience.data_stores():
        assert_type(info, DataStoreInfo)


def ordered(experience: Experience) -> None:
    board = experience.get_ordered_data_store("score")
    assert_type(board, OrderedDataStore)
    assert_type(board.get("builderman"), int)
    assert_type(board.get("nobody", default=None), int | None)
    assert_type(board.increment("builderman"), int)
    for entry in board.sorted(descending=True):
        assert_type(entry, OrderedEntry)


def memory_stores(experience: Experience) -> None:
    board = experience.get_sorted_map("board", int)
    assert_type(board, SortedMap[int])
    assert_type(experience.get_sorted_map("board"), SortedMap[Any])
    assert_type(experience.get_sorted_map("board", model=TypeAdapter(list[int])), SortedMap[list[int]])
    assert_type(board.get("builderman"), SortedMapItem[int])
    assert_type(board.get("nobody", default=None), SortedMapItem[int] | None)
    item = board.set("builderman", 10, sort_key="a", expires_in=timedelta(minutes=1))
    assert_type(item.value, int)
    assert_type(item.sort_key, str | float | None)
    assert_type(board.add("noob", 1, sort_key=1.5, expires_in=60), SortedMapItem[int])
    assert_type(board.update("noob", lambda old: (old or 0) + 1, sort_key=lambda new: -new), SortedMapItem[int] | None)
    board.remove("noob")
    for row in board.items(sort_key_above=5, key_below="z"):
        assert_type(row, SortedMapItem[int])
    queue = experience.get_queue("jobs", PlayerData)
    assert_type(queue, MemoryQueue[PlayerData])
    assert_type(queue.add(PlayerData(), priority=1.5), QueueItem[PlayerData])
    read = queue.read(10)
    assert_type(read, QueueRead[PlayerData])
    assert_type(read.items, tuple[QueueItem[PlayerData], ...])
    read.discard()
    for item_of_queue in queue.consume(batch=5):
        assert_type(item_of_queue, QueueItem[PlayerData])
    operation = experience.flush_memory_stores(scope="TEST")
    assert_type(operation, Operation[MemoryStoreFlush])
    assert_type(operation.wait(), MemoryStoreFlush)


def experiences(client: Client) -> None:
    experience = client.experience(13058)
    assert_type(experience, Experience)
    assert_type(experience.fetch(), Experience)
    assert_type(experience.display_name, str | None)
    experience.update(desktop_enabled=True, twitter_social_link=SocialLink(title="us", uri="https://x.com/us"))
    experience.publish_message("shop", {"restock": True})
    assert_type(experience.snapshot_data_stores(), Snapshot)
    with Experience(13058, api_key="k") as alone:
        alone.publish_message("shop", "restock")
    rblxopencloud.Experience(13058).publish_message("shop", "restock")


def creators(client: Client) -> None:
    user = client.user(287113233)
    assert_type(user, User)
    assert_type(user.fetch(), User)
    assert_type(user.username, str | None)
    operation = user.upload_asset("shirt.png", AssetType.Decal, "A shirt")
    assert_type(operation, Operation[Asset])
    assert_type(operation.fetch_operation(), Asset | None)
    assert_type(operation.wait(timeout=60), Asset)
    group = client.group(7)
    assert_type(group.fetch(), Group)
    assert_type(group.find_member(user), GroupMember | None)
    for role in group.roles():
        assert_type(role, GroupRole)
    for member in group.members(limit=10):
        assert_type(member, GroupMember)
        group.assign_role(member.user_id, 1)


def servers_and_speech(experience: Experience) -> None:
    operation = experience.servers.restart({2: "outdated", 3: [7], 4: None}, bleed_off_minutes=5, attributes={"a": 1})
    assert_type(operation, Operation[ServerRestart])
    assert_type(operation.wait(), ServerRestart)
    assert_type(experience.servers.restart([2, 3]), Operation[ServerRestart])
    assert_type(experience.servers.list(2, 7, status="active", order_by="uptime"), Pager[GameServer])
    assert_type(experience.homepage_thumbnails.upload(b"x"), Operation[HomepageThumbnail])
    assert_type(experience.translate_text("x", ["fr-fr"], source="en-us"), Translation)
    assert_type(experience.generate_speech_asset("x", voice=1), Operation[SpeechAsset])


def keys_and_products(client: Client, store: DataStore[PlayerData]) -> None:
    assert_type(client.introspect_api_key(), ApiKeyInfo)
    report = client.check_scopes(store.get, Experience.publish_message, "luau.get", ("GET", "/x"), experience=1)
    assert_type(report, ScopeReport)
    assert_type(client.creator_store.create("Model", 5, Decimal("4.99")), CreatorStoreProduct)


def signing_in(callback_url: str) -> None:
    with OAuth2App(1, "secret", redirect_uri="https://example.com/callback") as app:
        request = app.authorize("openid profile")
        assert_type(request, AuthorizationRequest)
        token = app.finish(request, callback_url)
        assert_type(token, AccessToken)
        assert_type(app.client(1), UserClient)


def note_request(event: RequestEvent) -> None:
    assert_type(event.attempt, int)


def note_response(event: ResponseEvent) -> None:
    assert_type(event.status, int | None)


def clients() -> None:
    with (
        httpx.Client() as of_httpx,
        httpx2.Client() as of_httpx2,
        Client(http_client=of_httpx) as client,
        Client(SecretStr("k"), http_client=of_httpx2),
        Client("k", on_request=[note_request], on_response=[note_response, print], retries=RetryPolicy(retries=1)),
    ):
        assert_type(client, Client)
        assert_type(client.with_options(timeout=5, deadline=None), Client)
        assert_type(client.bind(Experience(1, api_key="k")), Experience)
        assert_type(client.request("GET", "/cloud/v2/universes/1", query={"a": 1}), Response)


def bans_and_secrets(experience: Experience) -> None:
    bans = experience.user_restrictions
    assert_type(bans, UserRestrictions)
    ban = bans.ban(156, duration=timedelta(days=1), private_reason="p", display_reason=None)
    assert_type(ban, UserRestriction)
    assert_type(ban.ends, datetime | None)
    assert_type(bans.ban(156, permanent=True, exclude_alt_accounts=True, idempotency_key="b"), UserRestriction)
    assert_type(experience.place(2).user_restrictions.unban(156, idempotency_key="a"), UserRestriction)
    for row in bans.logs(user=156, place=experience.place(2)):
        assert_type(row, UserRestrictionLog)
        assert_type(row.moderator_id, int | None)
    secrets = experience.secrets
    assert_type(secrets, Secrets)
    assert_type(secrets.create("k", SecretStr("v"), domain="*"), Secret)
    assert_type(secrets.update("k", value=b"v", domain=None), Secret)
    for secret in secrets.list():
        assert_type(secret, Secret)
    assert_type(experience.get_subscription("EXP-1", 156, full=True), Subscription)


def errors(store: DataStore[PlayerData]) -> None:
    try:
        store.get("builderman")
    except rblxcloud.NotFoundError as error:  # The classes are the same in both modes.
        same: NotFoundError = error
        assert_type(same.status, int)


def scripts(client: Client, place: Place) -> None:
    task = place.run_luau(Path("script.luau"), timeout=timedelta(minutes=1), version=3, binary_input=b"bytes")
    assert_type(task, LuauTask)
    assert_type(client.luau_task(task.path), LuauTask)
    operation: Operation[LuauResult] = client.bind(task)
    try:
        assert_type(operation.wait(), LuauResult)
        assert_type(task.wait(timeout=60), LuauResult)
        assert_type(task.fetch_operation(), LuauResult | None)
    except LuauError as error:
        assert_type(error.code, str | None)
    for message in task.logs(poll=2):
        assert_type(message, str)
    for entry in task.structured_logs(follow=False):
        assert_type(entry, LuauLogMessage)
    assert_type(place.upload_luau_input(Path("in.bin"), progress=print), LuauBinaryInput)
    assert_type(task.download_output("out.bin"), Path)
    assert_type(task.read_output(), bytes)


def places(experience: Experience) -> None:
    place = experience.place(2)
    assert_type(place.fetch(), Place)
    assert_type(place.update(server_size=5), Place)
    assert_type(place.experience_id, int)
    assert_type(place.root, bool | None)
    assert_type(place.publish("game.rbxl", "Saved"), int)
    assert_type(place.publish([b"<roblox!"], size=8, progress=print), int)
    assert_type(place.versions(published=True), Pager[PlaceVersion])
    assert_type(place.contributors(), Pager[int])
    assert_type(place.set_version_notes(1, title="1.0", description=None), PlaceVersion)


def instances(place: Place) -> None:
    root = place.instance()
    assert_type(root.id, str)
    assert_type(root.children(), Pager[Instance])
    assert_type(root.find("ServerScriptService", "Main"), Instance | None)
    for script in root.walk((Script, ModuleScript), depth=3):
        assert_type(script, Instance)
        assert_type(script.source, str | None)
        if isinstance(script.details, Script):
            assert_type(script.details.enabled, bool | None)
        assert_type(script.update(source="", run_context="Server"), Instance)
    for page in root.children().pages():
        assert_type(page, Page[Instance])


def webhooks(headers: dict[str, str], body: bytes) -> None:
    receiver = WebhookReceiver(Webhook("secret"))

    @receiver.on(RightToErasureRequest)
    def erase(event: RightToErasureRequest) -> None:
        assert_type(event.place_ids, tuple[int, ...])

    @receiver.on("SomethingNew")
    def new(event: WebhookEvent) -> None: ...

    assert_type(receiver.receive(headers, body), WebhookAnswer)
    assert_type(receiver.handle_due(), int)
