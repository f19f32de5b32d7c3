"""Users: profiles, pictures, inventories, notifications, quotas and the groups that they are in."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

import httpx
import pytest

import rblxcloud
from rblxcloud.emulator import Collectible, Emulator
from rblxcloud.emulator.scripts import OperationScript
from tests.support.emulator import START, act_as

Tell = Callable[[Callable[[Any], Any]], None]


def test_profile_is_fetched(tell: Tell, emulator: Emulator) -> None:
    emulator.users.update(
        13058,
        name="someone",
        display_name="Some One",
        about="Hi.",
        premium=False,
        social_network_profiles={"twitter": "@x", "visibility": "FRIENDS"},
    )

    async def story(client: Any) -> None:
        user = client.user(13058)
        assert (user.username, user.created_at) == (None, None)
        fetched = await user.fetch()
        assert fetched == user
        assert (user.id, user.username, user.display_name, user.about) == (13058, "someone", "Some One", "Hi.")
        assert (user.premium, user.id_verified, user.locale) == (False, True, "en_us")
        assert (user.social_network_profiles.twitter, user.social_network_profiles.visibility) == ("@x", "FRIENDS")
        assert user.created_at.year == 2013

    tell(story)


def test_profile_holds_what_the_key_may_read(tell: Tell, emulator: Emulator) -> None:
    act_as(emulator, "users/99", "user.social:read")

    async def story(client: Any) -> None:
        user = await client.user(1).fetch()
        assert user.username is not None
        assert user.social_network_profiles is not None
        assert user.id_verified is None

    tell(story)


def test_nobody_is_not_found(tell: Tell, emulator: Emulator) -> None:
    emulator.users.remove(404)

    async def story(client: Any) -> None:
        user = client.user(404)
        with pytest.raises(rblxcloud.NotFoundError):
            await user.fetch()
        with pytest.raises(rblxcloud.NotFoundError):
            await user.generate_thumbnail()
        with pytest.raises(rblxcloud.NotFoundError):
            await user.notify(1, "m")
        assert user.username is None

    tell(story)


@pytest.mark.parametrize(
    ("format", "shape", "begins"), [("PNG", "ROUND", b"\x89PNG\r\n\x1a\n"), ("JPEG", "SQUARE", b"\xff\xd8\xff")]
)
def test_picture_is_made_and_can_be_loaded(tell: Tell, format: str, shape: str, begins: bytes) -> None:
    addresses: list[str] = []

    async def story(client: Any) -> None:
        operation = await client.user(1).generate_thumbnail(size=48, format=format, shape=shape)
        addresses.append((await operation.wait()).uri)

    tell(story)
    picture = httpx.get(addresses[0])
    assert picture.status_code == 200
    assert picture.content.startswith(begins)
    if format == "PNG":
        assert struct.unpack(">II", picture.content[16:24]) == (48, 48)


def test_a_picture_that_takes_a_while_is_waited_for(tell: Tell, emulator: Emulator) -> None:
    emulator.scripts.add(OperationScript(kind="thumbnail", processing=30))

    async def story(client: Any) -> None:
        operation = await client.user(1).generate_thumbnail()
        assert await operation.fetch_operation() is None
        emulator.clock.advance(31)
        assert "/_cdn/thumbnails/" in (await operation.wait()).uri

    tell(story)


def furnish_inventory(emulator: Emulator) -> None:
    """Give user 8 two hats, of which one is limited, a gear, a badge, a pass and what only they may see."""
    emulator.users.add_item(8, "asset", 11, asset_type="HAT")
    emulator.users.add_item(
        8, "asset", 12, asset_type="HAT", collectible=Collectible(item_id="series", instance_id="copy", serial_number=7)
    )
    emulator.users.add_item(8, "asset", 13, asset_type="GEAR")
    emulator.users.add_item(8, "badge", 21)
    emulator.users.add_item(8, "game_pass", 31)
    emulator.users.add_item(8, "private_server", 41)


def test_inventory_is_listed_whole(tell: Tell, emulator: Emulator) -> None:
    furnish_inventory(emulator)

    async def story(client: Any) -> None:
        items = [item async for item in client.user(8).inventory(page_size=2)]
        assert [item.asset.asset_id for item in items if item.asset] == [11, 12, 13]
        assert [item.badge_id for item in items if item.badge_id] == [21]
        assert [item.game_pass_id for item in items if item.game_pass_id] == [31]
        assert [item.private_server_id for item in items if item.private_server_id] == [41]
        assert len({item.id for item in items}) == 6
        assert [item.added is None for item in items] == [item.game_pass_id is not None for item in items]
        limited = items[1].asset.collectible
        assert (limited.item_id, limited.instance_id, limited.serial_number) == ("series", "copy", 7)
        assert limited.instance_state == "AVAILABLE"
        assert items[0].asset.type == rblxcloud.InventoryAssetType.HAT
        assert len([item async for item in client.user(8).inventory(limit=3)]) == 3

    tell(story)


@pytest.mark.parametrize(
    ("picked", "things"),
    [
        ({"asset_types": "*"}, [11, 12, 13]),
        ({"asset_types": ["HAT"]}, [11, 12]),
        ({"asset_types": ["HAT", rblxcloud.InventoryAssetType.GEAR], "badges": True}, [11, 12, 13, 21]),
        ({"asset_types": "*", "only_collectibles": True}, [12]),
        ({"badges": True, "game_passes": True, "private_servers": True}, [21, 31, 41]),
        ({"asset_ids": [13, 11, 99]}, [11, 13]),
        ({"badge_ids": [21], "game_pass_ids": [31], "private_server_ids": [41]}, [21, 31, 41]),
        ({"game_pass_ids": [32]}, []),
    ],
)
def test_inventory_is_picked_from(tell: Tell, emulator: Emulator, picked: dict[str, Any], things: list[int]) -> None:
    furnish_inventory(emulator)

    async def story(client: Any) -> None:
        items = [item async for item in client.user(8).inventory(**picked)]
        ids = [
            item.asset.asset_id if item.asset else item.badge_id or item.game_pass_id or item.private_server_id
            for item in items
        ]
        assert ids == things

    tell(story)


def test_private_inventories_are_for_their_owners(tell: Tell, emulator: Emulator) -> None:
    furnish_inventory(emulator)
    emulator.users.update(8, inventory_public=False)
    act_as(emulator, "users/99", "user.inventory-item:read")

    async def story(client: Any) -> None:
        with pytest.raises(rblxcloud.PermissionDeniedError):
            await client.user(8).inventory().first_page()

    tell(story)
    act_as(emulator, "users/8", "user.inventory-item:read")

    async def own(client: Any) -> None:
        assert len([item async for item in client.user(8).inventory()]) == 6

    tell(own)


def test_kinds_and_ids_together_are_refused_before_anything_is_sent(tell: Tell, emulator: Emulator) -> None:
    async def story(client: Any) -> None:
        with pytest.raises(rblxcloud.InvalidRequestError, match="not both"):
            client.user(8).inventory(badges=True, asset_ids=[1])

    tell(story)
    assert emulator.requests() == []


def test_a_list_is_taken_up_again_by_token(tell: Tell, emulator: Emulator) -> None:
    furnish_inventory(emulator)

    async def story(client: Any) -> None:
        user = client.user(8)
        page = await user.inventory(asset_types="*", page_size=2).first_page()
        assert [item.asset.asset_id for item in page.items] == [11, 12]
        [rest] = [p async for p in user.inventory(asset_types="*", page_size=2).pages(token=page.next_token)]
        assert [item.asset.asset_id for item in rest.items] == [13]

    tell(story)


def test_notification_reaches_the_user(tell: Tell, emulator: Emulator) -> None:
    async def story(client: Any) -> None:
        user = client.user(8)
        given = {"egg_name": "royal", "count": 2**63 - 1, "depth": -(2**63)}
        first = await user.notify(13058, "m-1", parameters=given, launch_data="é" * 100, category="Egg hatched")
        second = await user.notify(client.experience(2), "m-2")
        assert first != second

    tell(story)
    [first, second] = emulator.users.notifications(user=8)
    assert (first.universe, first.message_id, first.category) == ("13058", "m-1", "Egg hatched")
    assert first.parameters == {"egg_name": "royal", "count": 2**63 - 1, "depth": -(2**63)}
    assert first.launch_data == "é" * 100
    assert (second.universe, second.message_id, second.parameters) == ("2", "m-2", {})
    assert (second.launch_data, second.category) == (None, None)


def test_one_notification_a_day_reaches_a_user(tell: Tell, emulator: Emulator) -> None:
    emulator.limits.enabled = True
    emulator.clock.set(START)

    async def story(client: Any) -> None:
        await client.user(8).notify(1, "m")
        with pytest.raises(rblxcloud.RateLimitedError) as caught:
            await client.user(8).notify(1, "m")
        assert caught.value.retry_after > 3600
        await client.user(8).notify(2, "m")
        await client.user(9).notify(1, "m")
        emulator.clock.advance(86_400)
        await client.user(8).notify(1, "m")

    tell(story)
    assert [(n.user, n.universe) for n in emulator.users.notifications()] == [(8, "1"), (8, "2"), (9, "1"), (8, "1")]


def test_notifications_that_cannot_be_are_not_sent(tell: Tell, emulator: Emulator) -> None:
    async def story(client: Any) -> None:
        with pytest.raises(rblxcloud.InvalidRequestError, match="200 at most"):
            await client.user(8).notify(1, "m", launch_data="é" * 101)
        with pytest.raises(rblxcloud.InvalidRequestError, match="parameters"):
            await client.user(8).notify(1, "m", parameters={"a": 1.5})

    tell(story)
    assert emulator.requests() == []


def test_quotas_are_told_and_picked(tell: Tell) -> None:
    async def story(client: Any) -> None:
        user = client.user(8)
        every = [quota async for quota in user.asset_quotas()]
        assert rblxcloud.AssetType.Audio in {quota.asset_type for quota in every}
        picked = user.asset_quotas(quota_type="RATE_LIMIT_UPLOAD", asset_type=rblxcloud.AssetType.Audio)
        [audio] = [quota async for quota in picked]
        assert (audio.quota_type, audio.asset_type, audio.usage) == ("RATE_LIMIT_UPLOAD", rblxcloud.AssetType.Audio, 0)
        assert audio.capacity > 0
        assert audio.period == "MONTH"
        assert audio.resets is not None

    tell(story)


def test_groups_of_users_are_listed(tell: Tell, emulator: Emulator) -> None:
    emulator.groups.add_member(71, 8)
    emulator.groups.add_member(72, 8, role="Admin")
    emulator.groups.add_member(72, 9)

    async def story(client: Any) -> None:
        mine = [member async for member in client.user(8).group_memberships()]
        assert [(member.group_id, member.user_id) for member in mine] == [(71, 8), (72, 8)]
        both = [member async for member in client.group_memberships([8, 9], page_size=1)]
        assert [(member.user_id, member.group_id) for member in both] == [(8, 71), (8, 72), (9, 72)]
        many = [member async for member in client.group_memberships(range(8, 58))]
        assert len(many) == 3
        assert [member async for member in client.user(10).group_memberships()] == []

    tell(story)
