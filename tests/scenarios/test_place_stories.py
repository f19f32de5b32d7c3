"""Places: their settings, publishing, and the history of their versions."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

import rblxcloud
import rblxcloud.sync
from rblxcloud.emulator import Emulator, Fault
from tests.support.modes import View, view

Tell = Callable[[Callable[[Any], Any]], None]

BINARY = b"<roblox!\x89\xff\r\n\x1a\n" + bytes(range(256))
XML = b'<roblox version="4"></roblox>'


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


def test_a_place_is_published_and_its_history_told(tell: Tell, emulator: Emulator, tmp_path: Path) -> None:
    path = tmp_path / "castle.rbxl"
    path.write_bytes(BINARY)

    async def story(client: Any) -> None:
        place = client.experience(7).place(8)
        assert await place.publish(path) == 1
        assert await place.publish(XML, "Saved") == 2
        with path.open("rb") as file:
            assert await place.publish(file, version_type="Published") == 3
        assert await place.publish(piece for piece in (XML[:9], XML[9:])) == 4
        versions = [version async for version in place.versions(page_size=3)]
        assert [version.number for version in versions] == [4, 3, 2, 1]
        assert [version.published for version in versions] == [True, True, False, True]
        assert {version.creator_id for version in versions} == {1}
        assert versions == sorted(versions, key=lambda version: version.created, reverse=True)
        assert [user async for user in place.contributors()] == [1]

    tell(story)
    assert [emulator.places.file(8, number) for number in (1, 2, 3, 4)] == [BINARY, XML, BINARY, XML]


def test_a_history_is_filtered(tell: Tell, emulator: Emulator) -> None:
    emulator.clock.freeze()
    emulator.clock.set(1_800_000_000)
    emulator.places.add(7, 8)
    emulator.places.add_version(8, created_by=5)
    emulator.clock.advance(60)
    emulator.places.add_version(8, created_by=6, published=False, save_type=2)

    async def story(client: Any) -> None:
        place = client.experience(7).place(8)
        second, first = [version async for version in place.versions()]
        for filters, expected in (
            ({"published": True}, [first]),
            ({"published": False}, [second]),
            ({"has_notes": False}, [second, first]),
            ({"save_type": 2}, [second]),
            ({"contributor": 5}, [first]),
            ({"search": "winter"}, []),
            ({"after": second.created}, [second]),
            ({"before": first.created}, [first]),
            ({"limit": 1}, [second]),
            ({"limit": 1, "page_size": 7}, [second]),
        ):
            assert [version async for version in place.versions(**filters)] == expected, filters
        assert [user async for user in place.contributors(page_size=1)] == [5, 6]

    tell(story)


def test_notes_are_written_and_cleared(tell: Tell) -> None:
    async def story(client: Any) -> None:
        place = client.experience(7).place(8)
        number = await place.publish(BINARY)
        noted = await place.set_version_notes(number, title="Winter", description="Snow ❄")
        assert (noted.number, noted.title, noted.description, noted.has_notes) == (1, "Winter", "Snow ❄", True)
        assert [version async for version in place.versions(search="snow")] == [noted]
        cleared = await place.set_version_notes(noted, title=None, description=None)
        assert (cleared.title, cleared.description, cleared.has_notes) == (None, None, False)
        with pytest.raises(rblxcloud.BadRequestError):
            await place.set_version_notes(9, title="Never", description=None)

    tell(story)


def test_publishing_a_place_of_another_experience_is_a_conflict(tell: Tell, emulator: Emulator) -> None:
    emulator.places.add(9, 70)

    async def story(client: Any) -> None:
        with pytest.raises(rblxcloud.ConflictError) as caught:
            await client.experience(7).place(70).publish(BINARY)
        assert not caught.value.outcome_unknown
        assert [version async for version in client.experience(9).place(70).versions()] == []

    tell(story)


def test_a_place_that_is_open_in_studio_is_not_updated(tell: Tell, emulator: Emulator) -> None:
    emulator.places.add(7, 8, editors=[5])

    async def story(client: Any) -> None:
        place = client.experience(7).place(8)
        with pytest.raises(rblxcloud.ConflictError, match="Team Create"):
            await place.update(display_name="Castle")
        assert place.display_name is None
        assert await place.publish(BINARY) == 1

    tell(story)


def test_a_publication_whose_answer_was_lost_is_made_once(tell: Tell, emulator: Emulator) -> None:
    emulator.faults.add(Fault(kind="drop", acts=True, endpoint="places.create_version"))

    async def story(client: Any) -> None:
        place = client.experience(7).place(8)
        with pytest.raises(rblxcloud.APIConnectionError) as caught:
            await place.publish(BINARY)
        assert caught.value.outcome_unknown
        assert [version.number async for version in place.versions()] == [1]

    tell(story)


async def keep_its_name(place: Any) -> None:
    baseplate = await place.instance().find("Workspace", "Baseplate")
    await baseplate.update(name="Baseplate")


WRITES: dict[str, Callable[[Any], Any]] = {
    "places.update_place": lambda place: place.update(server_size=5),
    "places.update_instance": keep_its_name,
    "places.update_version_notes": lambda place: place.set_version_notes(1, title="Winter", description=None),
}
"""What sets values, by the name of its endpoint."""


@pytest.mark.parametrize("endpoint", WRITES)
def test_a_write_whose_answer_was_lost_is_repeated_for_the_only_writer_alone(
    tell: Tell, emulator: Emulator, endpoint: str
) -> None:
    async def story(client: Any) -> None:
        place = client.experience(7).place(8)
        await place.publish(BINARY)
        emulator.faults.add(Fault(kind="drop", acts=True, endpoint=endpoint))
        with pytest.raises(rblxcloud.APIConnectionError) as caught:
            await WRITES[endpoint](place)
        assert caught.value.outcome_unknown
        assert len(emulator.requests(endpoint=endpoint)) == 1
        only = client.with_options(repeat_writes=True).experience(7).place(8)
        emulator.faults.add(Fault(kind="drop", acts=True, endpoint=endpoint))
        emulator.faults.add(Fault(kind="drop", acts=True, endpoint="places.create_version"))
        await WRITES[endpoint](only)
        assert len(emulator.requests(endpoint=endpoint)) == 3
        with pytest.raises(rblxcloud.APIConnectionError):
            await only.publish(BINARY)
        assert [version.number async for version in place.versions()] == [2, 1]

    tell(story)


@pytest.mark.parametrize(
    ("act", "argument"),
    [
        (lambda place: place.update(), "update"),
        (lambda place: place.update(display_name=""), "display_name"),
        (lambda place: place.update(display_name=None), "display_name"),
        (lambda place: place.update(description=5), "description"),
        (lambda place: place.update(server_size=0), "server_size"),
        (lambda place: place.update(server_size=True), "server_size"),
        (lambda place: place.update(server_size="12"), "server_size"),
        (lambda place: place.publish("no such file.rbxl"), "file"),
        (lambda place: place.publish(b"print('hello')"), "file"),
        (lambda place: place.publish(BINARY, "Draft"), "version_type"),
        (lambda place: place.set_version_notes(True, title=None, description=None), "version"),
        (lambda place: place.set_version_notes("1", title=None, description=None), "version"),
        (lambda place: place.set_version_notes(1, title=5, description=None), "title"),
        (lambda place: place.set_version_notes(1, title=None, description="\ud800"), "description"),
        (lambda place: place.versions(published="yes").first_page(), "published"),
        (lambda place: place.versions(save_type=3).first_page(), "save_type"),
        (lambda place: place.versions(save_type=True).first_page(), "save_type"),
        (lambda place: place.versions(contributor=True).first_page(), "contributor"),
        (lambda place: place.versions(search="").first_page(), "search"),
        (lambda place: place.versions(after=datetime(2026, 1, 1)).first_page(), "after"),
        (lambda place: place.versions(before="yesterday").first_page(), "before"),
        (lambda place: place.versions(page_size=0).first_page(), "page_size"),
        (lambda place: place.contributors(limit=0).first_page(), "limit"),
        (lambda place: place.team_create_members(limit=0).first_page(), "limit"),
    ],
)
def test_wrong_arguments_are_refused_before_anything_is_sent(
    tell: Tell, emulator: Emulator, act: Callable[[Any], Any], argument: str
) -> None:
    async def story(client: Any) -> None:
        with pytest.raises(rblxcloud.InvalidRequestError) as caught:
            await act(client.experience(7).place(8))
        assert caught.value.argument == argument

    tell(story)
    assert emulator.requests() == []


@pytest.mark.parametrize("id", [True, 0, -1, 2**63, "x", "", None, 1.5])
def test_what_is_no_id_is_refused(tell: Tell, id: Any) -> None:
    async def story(client: Any) -> None:
        with pytest.raises(rblxcloud.InvalidRequestError, match="^id: "):
            client.experience(7).place(id)

    tell(story)


def test_who_works_on_a_place_is_told(tell: Tell, emulator: Emulator) -> None:
    emulator.places.add(7, 8, editors=range(1, 13))
    emulator.users.update(3, name="builder", display_name="Builder")
    server, other = emulator.places.start_team_test(8), emulator.places.start_team_test(8)

    async def story(client: Any) -> None:
        place = client.experience(7).place(8)
        members = [member async for member in place.team_create_members(page_size=10)]
        assert [member.id for member in members] == list(range(1, 13))
        assert (members[2].name, members[2].display_name) == ("builder", "Builder")
        assert [member.id async for member in place.team_create_members(limit=3)] == [1, 2, 3]
        emulator.faults.add(Fault(kind="drop", acts=True, endpoint="places.close_team_test"))
        await place.close_team_test(server)
        await place.close_team_test(UUID(server))
        for game_id in ("", "5", 5, None, True):
            with pytest.raises(rblxcloud.InvalidRequestError, match="^game_id: .*UUID"):
                await place.close_team_test(game_id)
        for page_size in (0, 11, True, "10"):
            with pytest.raises(rblxcloud.InvalidRequestError, match="^page_size: "):
                place.team_create_members(page_size=page_size)

    tell(story)
    assert emulator.places.team_tests(8) == [other]
