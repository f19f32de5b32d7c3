"""Ordered data stores, messages, and the experience itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import rblxcloud
from rblxcloud.emulator import Emulator

Tell = Callable[[Callable[[Any], Any]], None]


def test_numbers_are_kept_in_order(tell: Tell) -> None:
    async def story(client: Any) -> None:
        store = client.experience(1).get_ordered_data_store("points")
        for key, value in (("a", 5), ("b", -2), ("c", 9)):
            assert await store.set(key, value) == value
        assert await store.create("d", 7) == 7
        with pytest.raises(rblxcloud.BadRequestError):
            await store.create("d", 8)
        assert await store.increment("a", 3) == 8
        assert [(row.id, row.value) async for row in store.sorted()] == [("b", -2), ("d", 7), ("a", 8), ("c", 9)]
        top = [row.id async for row in store.sorted(descending=True, minimum=0, maximum=8, limit=2)]
        assert top == ["a", "d"]
        await store.remove("a")
        assert await store.get("a", default=None) is None
        with pytest.raises(rblxcloud.NotFoundError):
            await store.get("a")

    tell(story)


@pytest.mark.parametrize("value", [2**53 - 1, 2**53 + 1, 2**63 - 1, -(2**53) - 1, -(2**63)])
def test_numbers_that_a_double_cannot_hold_stay_exact(tell: Tell, value: int) -> None:
    async def story(client: Any) -> None:
        store = client.experience(1).get_ordered_data_store("points")
        assert await store.set("k", value) == value
        assert await store.get("k") == value
        assert [row.value async for row in store.sorted()] == [value]
        assert await store.create("new", value) == value
        assert await store.increment("sum", value) == value
        assert await store.increment("k", -1 if value > 0 else 1) == value - (1 if value > 0 else -1)

    tell(story)


def test_messages_arrive_as_they_were_given(tell: Tell, emulator: Emulator) -> None:
    async def story(client: Any) -> None:
        experience = client.experience(13058)
        await experience.publish_message("topic-name", "Hello World!")
        await experience.publish_message("topic-name", {"a": [1, "é"]})

    tell(story)
    assert [(m.universe, m.topic, m.message) for m in emulator.messages()] == [
        ("13058", "topic-name", "Hello World!"),
        ("13058", "topic-name", '{"a":[1,"é"]}'),
    ]


@pytest.mark.parametrize(
    ("topic", "message"),
    [("", "m"), ("t" * 81, "m"), ("t", ""), ("t", "m" * 1025), (5, "m"), ("t", float("nan")), ("t", {1, 2}), ("\ud800", "m")],
)  # fmt: skip
def test_messages_that_roblox_refuses_are_not_sent(tell: Tell, emulator: Emulator, topic: Any, message: Any) -> None:
    async def story(client: Any) -> None:
        with pytest.raises(rblxcloud.InvalidRequestError):
            await client.experience(1).publish_message(topic, message)

    tell(story)
    assert emulator.requests() == []


def test_experience_is_fetched_and_changed(tell: Tell) -> None:
    async def story(client: Any) -> None:
        experience = client.experience(1)
        assert experience.voice_chat_enabled is None
        fetched = await experience.fetch()
        assert fetched == experience
        assert experience.visibility is not None
        await experience.update(
            voice_chat_enabled=True,
            private_server_price_robux=100,
            discord_social_link=rblxcloud.SocialLink(title="d", uri="https://discord.gg/x"),
        )
        assert experience.discord_social_link == rblxcloud.SocialLink(title="d", uri="https://discord.gg/x")
        await experience.update(discord_social_link=None, private_server_price_robux=None)
        again = await client.experience(1).fetch()
        assert (again.discord_social_link, again.private_server_price_robux) == (None, None)
        assert again.voice_chat_enabled is True
        with pytest.raises(rblxcloud.InvalidRequestError, match="nothing was passed"):
            await experience.update()

    tell(story)


def test_servers_are_restarted(tell: Tell) -> None:
    async def story(client: Any) -> None:
        await client.experience(1).restart_servers()
        await client.experience(1).restart_servers(bleed_off_servers=True, bleed_off_duration_minutes=60, place_ids=[1])
        with pytest.raises(rblxcloud.InvalidRequestError, match="1 to 60"):
            await client.experience(1).restart_servers(bleed_off_servers=True, bleed_off_duration_minutes=61)

    tell(story)


def test_wrong_key_is_an_authentication_error(tell: Tell, emulator: Emulator) -> None:
    for key in emulator.list_keys():
        emulator.remove_key(key.id)

    async def story(client: Any) -> None:
        with pytest.raises(rblxcloud.AuthenticationError, match="Invalid API Key"):
            await client.experience(1).get_data_store("s").get("k")

    tell(story)
