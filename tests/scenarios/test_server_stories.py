"""Game servers: listed, read, restarted and waited for; and the pictures of the home page."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import rblxcloud
from rblxcloud import LogSeverity
from rblxcloud.emulator import Emulator, OperationScript
from tests.support.files import png

Tell = Callable[[Callable[[Any], Any]], None]


@pytest.fixture
def servers(emulator: Emulator) -> list[str]:
    """Two servers of an old version of place 2, one of the newest, and one of place 3."""
    emulator.clock.freeze()
    return [
        emulator.servers.add(1, 2, 7, players=(10, 11)),
        emulator.servers.add(1, 2, 7, players=(12,), max_players=1, engine_version='0.6"'),
        emulator.servers.add(1, 2, 8, players=(13,)),
        emulator.servers.add(1, 3, 1),
    ]


def test_servers_are_listed_counted_and_read(tell: Tell, emulator: Emulator, servers: list[str]) -> None:
    emulator.clock.advance(93_784)  # A day, two hours, three minutes and four seconds.
    late = emulator.servers.add(1, 2, 7)
    emulator.servers.log(servers[0], "Ready.")
    emulator.servers.log(servers[0], "Out of gold.", 3, stack_trace="Script:1")
    emulator.servers.end(late, "crashed")

    async def story(client: Any) -> None:
        place = client.experience(1).servers
        first = (await place.list(2, 7).first_page()).items[0]
        assert (first.job_id, first.place_id, first.place_version, first.player_ids) == (servers[0], 2, 7, (10, 11))
        assert (first.occupancy, first.max_occupancy, first.status, first.shut_down) == (2, 30, "active", False)
        assert first.uptime == timedelta(days=1, hours=2, minutes=3, seconds=4)
        assert first.created is not None
        assert first.terminated is None

        async def found(**conditions: Any) -> list[str]:
            return [server.job_id async for server in place.list(2, 7, page_size=1, **conditions)]

        assert await found() == [servers[0], servers[1], late]
        assert await found(order_by="uptime", limit=2) == [late, servers[0]]
        assert await found(full=True) == await found(engine_version='0.6"') == [servers[1]]
        assert await found(status=["crashed", "moderated"]) == await found(shut_down=True) == [late]
        assert await found(min_players=1, max_players=1, status="active") == [servers[1]]
        assert await found(filter='uptime > "01:00:00"', shut_down=False, full=False) == [servers[0]]
        assert await place.count(2, 7) == 3
        assert await place.count(2, 7, min_players=1) == 2

        lines = [line async for line in place.logs(2, 7, servers[0])]
        assert [(line.message, line.severity) for line in lines] == [
            ("Ready.", LogSeverity.OUTPUT),
            ("Out of gold.", LogSeverity.ERROR),
        ]
        errors = [line async for line in place.logs(2, 7, servers[0], min_severity=LogSeverity.WARNING)]
        assert errors == lines[1:]
        assert errors[0].stack_trace == "Script:1"
        options = await place.filter_options(2)
        assert options["PlaceVersion"].values == (7, 8)
        assert list(await place.filter_options(2, "EngineVersion")) == ["EngineVersion"]
        with pytest.raises(rblxcloud.NotFoundError):
            await place.logs(2, 8, servers[0]).first_page()
        with pytest.raises(rblxcloud.BadRequestError, match="filter"):
            await place.list(2, 7, filter="nonsense").first_page()

    tell(story)


def test_a_restart_is_waited_for_from_another_process_too(tell: Tell, emulator: Emulator, servers: list[str]) -> None:
    emulator.scripts.add(OperationScript(kind="restart", processing=30))

    async def story(client: Any) -> None:
        place = client.experience(1).servers
        forecast = (await place.forecast_restart())[2]
        assert (forecast.players_impacted, forecast.instances_impacted, forecast.latest_version) == (4, 3, 8)
        assert forecast.players_per_version == {7: 3, 8: 1}
        operation = await place.restart({2: "outdated"}, bleed_off_minutes=5, attributes={"why": "é"})
        assert operation.metadata == {**operation.metadata, "playersImpacted": 3, "instancesImpacted": 2}
        assert emulator.servers.attributes(operation.metadata["id"]) == {"why": "é"}
        assert await operation.fetch_operation() is None
        (listed,) = await place.restarts()
        assert not listed.done
        assert (listed.places[2].state, listed.places[2].remaining_players) == ("DELAYING", 3)
        assert listed.places[2].filter == rblxcloud.PlaceFilter(exclude_current_version=True)
        assert listed.starts - listed.scheduled == timedelta(minutes=5)
        assert len(emulator.servers.running(1)) == 4

        emulator.clock.advance(5 * 60 + 10)
        with pytest.raises(rblxcloud.OperationTimeoutError) as caught:
            await operation.wait(timeout=0.001, poll=0.001)
        assert (await place.restarts())[0].places[2].state == "RESTARTING"
        emulator.clock.advance(20)
        again = client.bind(pickle.loads(pickle.dumps(operation)))
        for restart in (await again.wait(), await client.operation(caught.value.path).wait()):
            assert restart.done
            assert restart.id == listed.id
            assert restart.places[2].remaining_instances == 0
            assert restart.places[2].ended is not None
        assert emulator.servers.running(1) == servers[2:]
        restarted = [server.job_id async for server in place.list(2, 7, status="restarted")]
        assert restarted == servers[:2]

    tell(story)


@pytest.mark.parametrize(
    ("places", "left"), [(None, []), ([3], [0, 1, 2]), ({2: [8], 3: None}, [0, 1]), ({2: "outdated"}, [2, 3])]
)
def test_it_is_the_callers_choice_what_is_restarted(
    tell: Tell, emulator: Emulator, servers: list[str], places: Any, left: list[int]
) -> None:
    async def story(client: Any) -> None:
        restart = await (await client.experience(1).servers.restart(places)).wait()
        assert restart.done
        assert emulator.servers.running(1) == [servers[number] for number in left]

    tell(story)


def test_the_older_restart_spares_the_newest_version_and_is_not_listed(
    tell: Tell, emulator: Emulator, servers: list[str]
) -> None:
    async def story(client: Any) -> None:
        experience = client.experience(1)
        await experience.restart_servers()
        assert emulator.servers.running(1) == servers[2:]
        await experience.restart_servers(close_all_versions=True, place_ids=[2])
        assert emulator.servers.running(1) == servers[3:]
        await experience.restart_servers(close_all_versions=True, bleed_off_servers=True, bleed_off_duration_minutes=1)
        assert emulator.servers.running(1) == servers[3:]
        emulator.clock.advance(60)
        assert emulator.servers.running(1) == []
        assert await experience.servers.restarts() == ()

    tell(story)


def test_the_latest_restart_comes_first(tell: Tell, emulator: Emulator, servers: list[str]) -> None:
    async def story(client: Any) -> None:
        place = client.experience(1).servers
        launched: list[str] = []
        for _ in range(3):
            launched.insert(0, (await (await place.restart()).wait()).id)
            emulator.clock.advance(1)
        assert [restart.id for restart in await place.restarts()] == launched

    tell(story)


SERVER_CALLS: dict[str, Callable[[Any], Any]] = {
    "no minutes": lambda servers: servers.restart(bleed_off_minutes=0),
    "seconds for minutes": lambda servers: servers.restart(bleed_off_minutes=300),
    "half a minute": lambda servers: servers.restart(bleed_off_minutes=0.5),
    "a switch for minutes": lambda servers: servers.restart(bleed_off_minutes=True),
    "no places": lambda servers: servers.restart([]),
    "no places by id": lambda servers: servers.restart({}),
    "a place": lambda servers: servers.restart(5),
    "a switch for a place": lambda servers: servers.restart([True]),
    "places of another type": lambda servers: servers.restart("2"),
    "places that are bytes": lambda servers: servers.restart(bytearray(b"x")),
    "versions that are bytes": lambda servers: servers.restart({2: bytearray(b"x")}),
    "no versions": lambda servers: servers.restart({2: []}),
    "a version": lambda servers: servers.restart({2: 7}),
    "a version of another type": lambda servers: servers.restart({2: ["7"]}),
    "a misspelled choice": lambda servers: servers.restart({2: "outdatd"}),
    "a filter of the wire": lambda servers: servers.restart({2: {"versions": [1]}}),
    "attributes that are too long": lambda servers: servers.restart(attributes={"a": "é" * 246 + "x"}),
    "attributes that are no mapping": lambda servers: servers.restart(attributes="a"),
    "attributes that are not JSON": lambda servers: servers.restart(attributes={"a": {1}}),
    "a place that is none": lambda servers: servers.list(0, 1),
    "a version that is none": lambda servers: servers.list(2, 0),
    "a switch for a version": lambda servers: servers.list(2, True),
    "a misspelled status": lambda servers: servers.list(2, 1, status="Active"),
    "a misspelled status among others": lambda servers: servers.count(2, 1, status=["active", "dead"]),
    "engine versions with something for each": lambda servers: servers.list(2, 1, engine_version={"0.7": 5}),
    "a mapping of statuses": lambda servers: servers.count(2, 1, status={"active": True}),
    "no status": lambda servers: servers.list(2, 1, status=[]),
    "a switch that is text": lambda servers: servers.list(2, 1, full="no"),
    "players below none": lambda servers: servers.list(2, 1, min_players=-1),
    "an empty filter": lambda servers: servers.list(2, 1, filter=""),
    "an order of another type": lambda servers: servers.list(2, 1, order_by=5),
    "a page that is too large": lambda servers: servers.list(2, 1, page_size=101),
    "no server": lambda servers: servers.logs(2, 1, ""),
    "a severity that there is not": lambda servers: servers.logs(2, 1, "j", min_severity=4),
    "a field that there is not": lambda servers: servers.filter_options(2, "ALL"),
    "players of a count": lambda servers: servers.count(2, 1, max_players=1.5),
}


@pytest.mark.parametrize("name", SERVER_CALLS)
def test_what_servers_are_asked_for_wrongly_is_not_sent(tell: Tell, emulator: Emulator, name: str) -> None:
    async def story(client: Any) -> None:
        with pytest.raises(rblxcloud.InvalidRequestError):
            await SERVER_CALLS[name](client.experience(1).servers)

    tell(story)
    assert emulator.requests() == []


def test_pictures_of_the_home_page_are_uploaded_chosen_and_deleted(
    tell: Tell, emulator: Emulator, tmp_path: Path
) -> None:
    (tmp_path / "first.png").write_bytes(png())
    heard: list[tuple[int, int]] = []

    async def story(client: Any) -> None:
        heard.clear()
        thumbnails = client.experience(1).homepage_thumbnails
        operation = await thumbnails.upload(
            tmp_path / "first.png", progress=lambda sent, size: heard.append((sent, size))
        )
        assert not operation.done
        first = await operation.wait()
        assert heard[-1] == (len(png()), len(png()))
        assert first.moderation_status == "Approved"
        assert await (await client.asset(first.asset_id).fetch()).download(tmp_path / "back")
        assert (tmp_path / "back").read_bytes() == png()
        emulator.scripts.add(OperationScript(kind="homepage_thumbnail", processing=60))
        waiting = await thumbnails.upload(png(), file_name="second.png")
        assert await waiting.fetch_operation() is None
        assert [each.id async for each in thumbnails.list(page_size=1)] == [first.id]
        emulator.clock.advance(60)
        second = await client.operation(waiting.path).wait()
        assert [each.id async for each in thumbnails.list(page_size=1)] == [first.id, second.id]

        made = await thumbnails.create_personalization([first.id])
        await thumbnails.update_personalization(made["id"], [second.id, first.id])
        (active,) = (await thumbnails.personalizations(status="Active", limit=1))["personalizations"]
        assert active["homepageThumbnailIds"] == [second.id, first.id]
        assert [each.personalized_config_status async for each in thumbnails.list()] == ["Active", "Active"]
        await thumbnails.delete([first.id, second.id])
        assert [each async for each in thumbnails.list()] == []

    tell(story)


def test_a_picture_that_is_rejected_is_told(tell: Tell, emulator: Emulator) -> None:
    async def story(client: Any) -> None:
        emulator.scripts.add(OperationScript(kind="homepage_thumbnail", moderation="Rejected"))
        operation = await client.experience(1).homepage_thumbnails.upload(png())
        with pytest.raises(rblxcloud.ModerationError):
            await operation.wait()
        emulator.scripts.add(OperationScript(kind="homepage_thumbnail", code=13))
        operation = await client.experience(1).homepage_thumbnails.upload(png())
        with pytest.raises(rblxcloud.ModerationError):
            await operation.wait()

    tell(story)


@pytest.mark.parametrize(
    "act",
    [
        lambda thumbnails: thumbnails.upload(b"no picture"),
        lambda thumbnails: thumbnails.upload(b""),
        lambda thumbnails: thumbnails.upload("missing.png"),
        lambda thumbnails: thumbnails.upload(png(), file_name="house.rbxm"),
        lambda thumbnails: thumbnails.upload(png(), progress=5),
        lambda thumbnails: thumbnails.delete([]),
        lambda thumbnails: thumbnails.delete("id"),
        lambda thumbnails: thumbnails.delete([5]),
        lambda thumbnails: thumbnails.create_personalization([""]),
        lambda thumbnails: thumbnails.update_personalization("", ["a"]),
        lambda thumbnails: thumbnails.personalizations(status="active"),
        lambda thumbnails: thumbnails.personalizations(limit=True),
        lambda thumbnails: thumbnails.personalizations(cursor=5),
        lambda thumbnails: thumbnails.list(page_size=0),
    ],
)
def test_what_pictures_are_asked_for_wrongly_is_not_sent(tell: Tell, emulator: Emulator, act: Any) -> None:
    async def story(client: Any) -> None:
        with pytest.raises(rblxcloud.InvalidRequestError):
            await act(client.experience(1).homepage_thumbnails)

    tell(story)
    assert emulator.requests() == []
