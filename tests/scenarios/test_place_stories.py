"""Places: their settings, publishing, and the history of their versions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import rblxcloud
import rblxcloud.sync
from tests.support.modes import View, view

Tell = Callable[[Callable[[Any], Any]], None]


def test_a_place_is_fetched(tell: Tell) -> None:
    async def story(client: Any) -> None:
        experience = client.experience(7)
        place = experience.place(8)
        assert (place.id, place.experience_id, place.display_name) == (8, 7, None)
        fetched = await place.fetch()
        assert fetched == place == experience.place("8")
        assert (place.display_name, place.description, place.root) == ("Experience 7", "", True)
        assert (place.server_size, place.universe_runtime_creation) == (50, False)
        assert place.created <= place.updated
        assert not (await experience.place(9).fetch()).root

    tell(story)


def test_a_place_is_updated_and_the_root_place_renames_the_experience(tell: Tell) -> None:
    async def story(client: Any) -> None:
        experience = client.experience(7)
        place = experience.place(8)
        updated = await place.update(display_name="Castle ⛫", description="", server_size=12)
        assert updated == place
        assert (place.display_name, place.description, place.server_size) == ("Castle ⛫", "", 12)
        await place.update(description="A castle.")
        assert (place.display_name, place.description, place.experience_id) == ("Castle ⛫", "A castle.", 7)
        await experience.fetch()
        assert (experience.display_name, experience.description) == ("Castle ⛫", "A castle.")

    tell(story)


def test_a_place_of_another_experience_is_not_found(tell: Tell) -> None:
    async def story(client: Any) -> None:
        await client.experience(7).place(70).update(server_size=5)
        with pytest.raises(rblxcloud.NotFoundError):
            await client.experience(9).place(70).fetch()
        with pytest.raises(rblxcloud.NotFoundError):
            await client.experience(9).place(70).update(server_size=6)

    tell(story)


def test_a_place_stands_alone(tell: Tell, base_url: str) -> None:
    async def story(client: Any) -> None:
        made: Any = rblxcloud.sync.Place if isinstance(client, View) else rblxcloud.Place
        place = view(made(8, experience_id=7, api_key="emulator-key", base_url=base_url))
        await place.fetch()
        assert (place.experience_id, place.root) == (7, True)
        await place.aclose() if made is rblxcloud.Place else place.close()
        with pytest.raises(rblxcloud.InvalidRequestError, match="^experience_id: True"):
            made(8, experience_id=True, api_key="emulator-key", base_url=base_url)

    tell(story)
