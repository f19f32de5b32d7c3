"""Wrong uses of `rblxcloud`: each checker must report every marked line, and no other."""

# What follows from a mistake is not what is looked for.
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

from datetime import timedelta

import httpx
from models import PlayerData

import rblxcloud.sync
from rblxcloud import (
    Client,
    DataStore,
    Experience,
    OrderedDataStore,
    RequestEvent,
    ResponseEvent,
    RightToErasureRequest,
    SampleNotification,
    WebhookReceiver,
)


async def forgotten_await(store: DataStore[PlayerData], board: OrderedDataStore) -> None:
    store.set("builderman", PlayerData())  # wrong: no await
    print(store.get("builderman").value)  # wrong: no await
    print(board.get("builderman") + 1)  # wrong: no await


async def values_of_another_type(store: DataStore[PlayerData], board: OrderedDataStore) -> None:
    await store.set("builderman", {"coins": 1})  # wrong: a dict in a store of PlayerData
    await store.set("builderman", None)  # wrong: None cannot be stored
    await store.increment("visits", 0.5)  # wrong: not a whole number
    await board.set("builderman", "10")  # wrong: not a number
    (await store.get("builderman")).value.gems  # wrong: the model has no such field


async def a_default_that_is_not_looked_at(store: DataStore[PlayerData]) -> None:
    player, info = await store.get("nobody", default=None)
    print(player.coins)  # wrong: may be None
    print(info.version)  # wrong: may be None


def takes_no_none(player: PlayerData) -> PlayerData:
    return player


async def returns_something_else(player: PlayerData | None) -> int:
    return 5


async def transforms(store: DataStore[PlayerData]) -> None:
    await store.update("builderman", takes_no_none)  # wrong: it is called with None for a new key
    await store.update("builderman", returns_something_else)  # wrong: it does not return PlayerData
    await store.update("builderman", lambda: PlayerData())  # wrong: it takes no argument
    (await store.update("builderman", lambda player: player)).value  # wrong: may be None


async def arguments(store: DataStore[PlayerData], experience: Experience) -> None:
    await store.get(156)  # wrong: keys are text
    await store.set("builderman", PlayerData(), users=["156"])  # wrong: ids of users are whole numbers
    await store.set("builderman", PlayerData(), metadata=["web"])  # wrong: metadata is a mapping
    written = await store.set("builderman", PlayerData())
    await store.set("builderman", PlayerData(), previous_version=written)  # wrong: it takes written.version
    await experience.publish_message("shop", {1, 2})  # wrong: a set is not JSON
    await experience.update(display_name="My game")  # wrong: Roblox does not let it be changed
    experience.get_data_store("players", model=PlayerData())  # wrong: it takes the class


async def lists(store: DataStore[PlayerData]) -> None:
    await store.keys()  # wrong: a pager is not awaited
    for key in store.keys():  # wrong: not async for
        print(key)
    for result in store.get_many(["builderman"]):  # wrong: not async for
        print(result)
    async for page in store.keys().pages():
        print(page.token)  # wrong: it is called next_token


async def memory_stores(experience: Experience) -> None:
    queue = experience.get_queue("jobs", int)
    await queue.add("text")  # wrong: a queue of numbers
    await queue.add(1, expires_in="1m")  # wrong: text
    for item in queue.consume():  # wrong: not async for
        print(item)
    await experience.flush_memory_stores(scope="live")  # wrong: no such scope


def about_an_answer(event: ResponseEvent) -> None:
    print(event.status)


async def about_a_request(event: RequestEvent) -> None:
    print(event.status)  # wrong: there is none yet


async def clients() -> None:
    Client(rate_limits="sometimes")  # wrong: no such way
    Client(timeout="5")  # wrong: text
    Client(on_request=[about_an_answer])  # wrong: it takes another event
    Client(on_response=about_an_answer)  # wrong: not a list
    Client(http_client=httpx.Client())  # wrong: of the other mode
    Client(http_client="httpx")  # wrong: no client
    with Client("k") as client:  # wrong: not async with
        print(client)
    Client("k").bind(rblxcloud.sync.Experience(1))  # wrong: of the other mode
    await Client("k").request("GET", "/cloud/v2/universes/1", query={"a": [1]})  # wrong: a list in a query


async def bans(experience: Experience, setting: timedelta | None) -> None:
    await experience.user_restrictions.ban(156)  # wrong: for how long?
    await experience.user_restrictions.ban(156, duration=setting)  # wrong: may be None
    await experience.user_restrictions.ban(156, duration=60.0)  # wrong: not whole seconds
    await experience.user_restrictions.ban(156, permanent=False)  # wrong: for how long?
    await experience.user_restrictions.ban(156, duration=60, permanent=True)  # wrong: one of the two
    await experience.user_restrictions.ban(experience, permanent=True)  # wrong: no user
    await experience.secrets.create("k", 5)  # wrong: neither text nor bytes


async def about_a_sample(event: SampleNotification) -> None: ...


async def webhooks(receiver: WebhookReceiver, body: bytes) -> None:
    receiver.on(RightToErasureRequest)(about_a_sample)  # wrong: it takes another event
    receiver.on(int)  # wrong: no kind of event
    await receiver.receive({}, body.decode())  # wrong: not the raw body
