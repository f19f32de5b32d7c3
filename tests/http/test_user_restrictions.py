"""Bans on the wire: idempotency keys, rate limits, and the shapes that answers come in."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from rblxcloud import APIResponseError, DeadlineExceededError, OutcomeUnknownError, UserRestriction, UserRestrictionLog
from rblxcloud.config import Options, RetryPolicy
from tests.support.clock import ManualClock
from tests.support.server import Script

Perform = Callable[..., Any]

BANNED = {"path": "universes/1/user-restrictions/7", "user": "users/7", "gameJoinRestriction": {"active": True}}
CUT = httpx.ReadError("cut")


def done() -> httpx.Response:
    return httpx.Response(200, json=BANNED)


def queries(script: Script) -> list[dict[str, list[str]]]:
    return [parse_qs(urlsplit(str(request.url)).query) for request in script.requests]


def test_ban_is_sent_whole(perform: Perform) -> None:
    script = Script([done()])

    async def story(client: Any) -> None:
        await client.experience(1).user_restrictions.ban(
            7,
            duration=timedelta(hours=1),
            private_reason="p",
            display_reason="d",
            exclude_alt_accounts=True,
        )

    perform(script, story)
    (request,) = script.requests
    assert (request.method, request.url.path) == ("PATCH", "/cloud/v2/universes/1/user-restrictions/7")
    assert queries(script)[0]["updateMask"] == ["gameJoinRestriction"]
    assert json.loads(request.content) == {
        "gameJoinRestriction": {
            "active": True,
            "duration": "3600s",
            "privateReason": "p",
            "displayReason": "d",
            "excludeAltAccounts": True,
        }
    }


def test_ban_for_good_has_no_duration(perform: Perform) -> None:
    script = Script([done()])

    async def story(client: Any) -> None:
        await client.experience(1).place(2).user_restrictions.ban(7, permanent=True)

    perform(script, story)
    assert script.requests[0].url.path == "/cloud/v2/universes/1/places/2/user-restrictions/7"
    assert json.loads(script.requests[0].content) == {"gameJoinRestriction": {"active": True}}


def test_key_is_made_before_the_first_attempt_and_kept(perform: Perform, clock: ManualClock) -> None:
    begun = datetime.fromtimestamp(clock.wall_time(), UTC)
    script = Script([CUT, httpx.Response(503), done(), done()])

    async def story(client: Any) -> None:
        bans = client.experience(1).user_restrictions
        assert (await bans.ban(7, duration=60)).active
        await bans.unban(7)

    perform(script, story, Options(rate_limits="server", retry=RetryPolicy(base_delay=30.0)))
    first, second, third, other = queries(script)
    assert first == second == third
    assert datetime.fromisoformat(first["idempotencyKey.firstSent"][0]) == begun
    assert first["idempotencyKey.firstSent"][0].endswith("Z")
    assert clock.sleeps
    assert other["idempotencyKey.key"] != first["idempotencyKey.key"]
    assert other["idempotencyKey.firstSent"] > first["idempotencyKey.firstSent"]


def test_third_change_of_a_user_waits_for_its_minute(perform: Perform, clock: ManualClock) -> None:
    script = Script([done() for _ in range(4)])

    async def story(client: Any) -> None:
        bans = client.experience(1).user_restrictions
        await bans.ban(7, duration=60)
        await client.experience(1).place(2).user_restrictions.ban(7, duration=60)
        await bans.ban(8, duration=60)
        assert clock.sleeps == []
        await bans.unban(7)
        assert sum(clock.sleeps) == pytest.approx(60, abs=1)

    begun = clock.wall_time()
    perform(script, story, api_key="a key whose windows are empty")
    moments = [datetime.fromisoformat(query["idempotencyKey.firstSent"][0]) for query in queries(script)]
    assert [moment.timestamp() - begun for moment in moments] == [0, 0, 0, pytest.approx(60, abs=1)], "when it was sent"


def test_key_of_the_callers_is_sent_as_it_is(perform: Perform) -> None:
    script = Script([CUT, done(), done()])

    async def story(client: Any) -> None:
        bans = client.experience(1).user_restrictions
        await bans.ban(7, duration=60, idempotency_key="ticket 4711 & more")
        await bans.unban(7, idempotency_key="appeal 12")

    perform(script, story, Options(rate_limits="off", retry=RetryPolicy(base_delay=0.0)))
    first, second, other = queries(script)
    assert first == second
    assert (first["idempotencyKey.key"], other["idempotencyKey.key"]) == (["ticket 4711 & more"], ["appeal 12"])


def test_repeat_that_would_wait_past_the_deadline_is_not_made(perform: Perform) -> None:
    script = Script([CUT, CUT])

    async def story(client: Any) -> None:
        with pytest.raises(DeadlineExceededError) as caught:
            await client.experience(1).user_restrictions.ban(7, duration=60)
        assert caught.value.outcome_unknown

    perform(script, story, Options(deadline=50.0, retry=RetryPolicy(base_delay=0.0)))


def test_repeat_that_is_refused_tells_nothing(perform: Perform) -> None:
    script = Script([CUT, httpx.Response(400, json={"code": "INVALID_ARGUMENT", "message": "stale"})])

    async def story(client: Any) -> None:
        with pytest.raises(OutcomeUnknownError):
            await client.experience(1).user_restrictions.unban(7)

    perform(script, story, Options(retry=RetryPolicy(base_delay=0.0)))


def answers(value: Any) -> Script:
    return Script([httpx.Response(200, json=value)])


def test_logs_are_read_as_documented_and_as_seen(perform: Perform) -> None:
    common = {"active": True, "createTime": "2024-03-25T10:42:46.829412600Z", "startTime": "2024-03-25T10:42:46Z"}
    script = answers(
        {
            "logs": [
                {"user": "users/7", "place": "18210254887", "moderator": {"robloxUser": "45348281"}, **common},
                {"user": "users/7", "place": "places/456", "moderator": {"robloxUser": "users/5"}, **common},
                {"user": "users/7", "place": "", "moderator": {"gameServerScript": {}}, "duration": "3s", **common},
                {"user": "7"},
            ],
            "nextPageToken": "",
        }
    )

    async def story(client: Any) -> None:
        rows = [row async for row in client.experience(1).user_restrictions.logs()]
        assert [(row.user_id, row.place_id, row.moderator_id, row.by_script) for row in rows] == [
            (7, 18210254887, 45348281, False),
            (7, 456, 5, False),
            (7, None, None, True),
            (7, None, None, False),
        ]
        assert rows[0].created == datetime(2024, 3, 25, 10, 42, 46, 829412, tzinfo=UTC)
        assert rows[2].ends == datetime(2024, 3, 25, 10, 42, 49, tzinfo=UTC)
        assert (rows[3].active, rows[3].created) == (False, None)

    perform(script, story)
    assert queries(script) == [{"maxPageSize": ["100"]}]


@pytest.mark.parametrize(
    ("terms", "active", "permanent", "duration"),
    [
        (None, False, False, None),
        ({}, False, False, None),
        ({"active": True}, True, True, None),
        ({"active": True, "duration": "315576000000s"}, True, False, timedelta(seconds=315_576_000_000)),
        ({"active": True, "duration": "1.500s", "new": 1}, True, False, timedelta(seconds=1.5)),
        ({"active": False, "duration": "60s"}, False, False, timedelta(seconds=60)),
    ],
)
def test_restrictions_are_read_whatever_is_left_out(
    perform: Perform, terms: Any, active: bool, permanent: bool, duration: timedelta | None
) -> None:
    script = answers({"path": "universes/1/places/2/user-restrictions/7", "gameJoinRestriction": terms})

    async def story(client: Any) -> None:
        read = await client.experience(1).place(2).user_restrictions.get(7)
        assert (read.user_id, read.place_id, read.active, read.permanent, read.duration) == (
            7,
            2,
            active,
            permanent,
            duration,
        )

    perform(script, story)


@pytest.mark.parametrize("duration", ["1e400s", "99999999999999999999s", "nans", "s", "sixty", []])
def test_duration_that_is_none_is_an_answer_that_cannot_be_used(perform: Perform, duration: Any) -> None:
    script = answers({**BANNED, "gameJoinRestriction": {"active": True, "duration": duration}})

    async def story(client: Any) -> None:
        with pytest.raises(APIResponseError, match="duration"):
            await client.experience(1).user_restrictions.get(7)

    perform(script, story)


def test_values_can_be_made_by_hand() -> None:
    """What a program tests itself with."""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    ban = UserRestriction(user_id=7, active=True, start=start, duration=timedelta(days=1))
    assert (ban.ends, ban.permanent) == (datetime(2026, 1, 2, tzinfo=UTC), False)
    assert UserRestriction(user_id=7, place_id=2).place_id == 2
    assert UserRestrictionLog(user_id=7, place_id=2, by_script=True).place_id == 2
    assert not UserRestrictionLog(user_id=7, by_script=False).by_script
