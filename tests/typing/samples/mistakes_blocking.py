"""Wrong uses of `rblxcloud.sync`: each checker must report every marked line, and no other."""

# What follows from a mistake is not what is looked for.
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
from models import PlayerData

import rblxcloud
from rblxcloud.sync import Client, DataStore, Experience


async def add_coin(player: PlayerData | None) -> PlayerData:
    return PlayerData(coins=player.coins + 1 if player else 1)


async def some_keys() -> AsyncIterator[str]:
    yield "builderman"


def what_only_the_other_mode_takes(store: DataStore[PlayerData]) -> None:
    store.update("builderman", add_coin)  # wrong: a coroutine function
    for result in store.get_many(some_keys()):  # wrong: an asynchronous generator
        print(result)


async def what_only_the_other_mode_gives(store: DataStore[PlayerData]) -> None:
    await store.get("builderman")  # wrong: nothing to await
    async for key in store.keys():  # wrong: a plain iterable
        print(key)
    async with Client("k") as client:  # wrong: a plain context manager
        print(client)
    Client("k").aclose()  # wrong: it is called close
    Client(http_client=httpx.AsyncClient())  # wrong: of the other mode


def takes_the_other_mode(store: rblxcloud.DataStore[PlayerData]) -> None:
    print(store)


def objects_of_the_other_mode(client: Client, store: DataStore[PlayerData]) -> None:
    client.bind(rblxcloud.Experience(1))  # wrong: of the other mode
    takes_the_other_mode(store)  # wrong: of the other mode


def values_of_another_type(store: DataStore[PlayerData], experience: Experience) -> None:
    store.set("builderman", {"coins": 1})  # wrong: a dict in a store of PlayerData
    print(store.get("builderman").value.gems)  # wrong: the model has no such field
    player, _ = store.get("nobody", default=None)
    print(player.coins)  # wrong: may be None
    store.update("builderman", lambda player: 5)  # wrong: it does not return PlayerData
    experience.get_data_store("players", 1)  # wrong: scopes are text


def bans(experience: Experience, setting: timedelta | None) -> None:
    experience.user_restrictions.ban(156)  # wrong: for how long?
    experience.user_restrictions.ban(156, duration=setting)  # wrong: may be None
    experience.user_restrictions.ban(156, duration=60.0)  # wrong: not whole seconds
    experience.user_restrictions.ban(156, permanent=False)  # wrong: for how long?
    experience.user_restrictions.ban(156, duration=60, permanent=True)  # wrong: one of the two
    experience.user_restrictions.ban(experience, permanent=True)  # wrong: no user
    experience.secrets.create("k", 5)  # wrong: neither text nor bytes
