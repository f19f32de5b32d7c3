"""Bans: from an experience and from a place, for a while and for good, and what is told of them."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from datetime import timedelta
from enum import Enum
from typing import Any

import pytest

import rblxcloud
from rblxcloud import RetryPolicy
from rblxcloud.emulator import Emulator, Fault
from tests.support.emulator import act_as

Tell = Callable[[Callable[[Any], Any]], None]

AT_ONCE = RetryPolicy(5, base_delay=0.0)
UPDATE = "user_restrictions.update_user_restriction"


def test_user_is_banned_for_a_while(tell: Tell, emulator: Emulator) -> None:
    emulator.clock.freeze()

    async def story(client: Any) -> None:
        bans = client.experience(13058).user_restrictions
        before = await bans.get(7)
        assert (before.user_id, before.active, before.permanent, before.ends) == (7, False, False, None)
        made = await bans.ban(
            client.user(7),
            duration=timedelta(days=7),
            private_reason="Ticket 12",
            display_reason="Spoiled the game of others.",
            exclude_alt_accounts=True,
        )
        assert (made.user_id, made.place_id, made.active, made.permanent, made.inherited) == (
            7,
            None,
            True,
            False,
            False,
        )
        assert (made.duration, made.ends) == (timedelta(days=7), made.start + timedelta(days=7))
        assert (made.private_reason, made.display_reason) == ("Ticket 12", "Spoiled the game of others.")
        assert made.exclude_alt_accounts
        assert made.updated == made.start
        assert await bans.get(7) == made
        emulator.clock.advance(7 * 86_400 - 1)
        assert (await bans.get(7)).active
        emulator.clock.advance(1)
        over = await bans.get(7)
        assert (over.active, over.ends) == (False, made.ends)

    tell(story)


def test_ban_for_good_is_said_in_so_many_words(tell: Tell, emulator: Emulator) -> None:
    async def story(client: Any) -> None:
        made = await client.experience(1).user_restrictions.ban(7, permanent=True)
        assert (made.active, made.permanent, made.duration, made.ends) == (True, True, None, None)
        emulator.clock.advance(200 * 366 * 86_400)
        assert (await client.experience(1).user_restrictions.get(7)).active

    tell(story)


def test_longest_ban_ends_after_the_years_that_a_datetime_knows(tell: Tell) -> None:
    async def story(client: Any) -> None:
        made = await client.experience(1).user_restrictions.ban(7, duration=315_576_000_000)
        assert (made.duration, made.permanent, made.ends) == (timedelta(seconds=315_576_000_000), False, None)

    tell(story)


def test_user_is_let_in_again(tell: Tell) -> None:
    async def story(client: Any) -> None:
        bans = client.experience(1).user_restrictions
        await bans.ban(7, duration=60, display_reason="Enough.")
        after = await bans.unban(7)
        assert (after.active, after.start, after.duration, after.display_reason) == (False, None, None, "")
        assert not (await bans.unban(8)).active

    tell(story)


def test_place_shows_the_ban_of_its_experience_as_inherited(tell: Tell) -> None:
    async def story(client: Any) -> None:
        experience = client.experience(13058)
        place = experience.place(13059)
        await experience.user_restrictions.ban(7, duration=600, display_reason="Everywhere")
        seen = await place.user_restrictions.get(7)
        assert (seen.place_id, seen.active, seen.inherited, seen.display_reason) == (13059, True, True, "Everywhere")
        own = await place.user_restrictions.ban(7, duration=300, display_reason="Here")
        assert (own.place_id, own.active, own.inherited, own.display_reason) == (13059, True, False, "Here")
        assert (await place.user_restrictions.unban(7)).inherited
        await experience.user_restrictions.unban(7)
        assert not (await place.user_restrictions.get(7)).active

    tell(story)


def test_ban_of_one_place_leaves_the_others_open(tell: Tell) -> None:
    async def story(client: Any) -> None:
        experience = client.experience(13058)
        await experience.place(13059).user_restrictions.ban(7, duration=600)
        assert not (await experience.user_restrictions.get(7)).active
        assert not (await experience.place(20000).user_restrictions.get(7)).active

    tell(story)


def test_everybody_who_was_ever_banned_is_listed(tell: Tell, emulator: Emulator) -> None:
    for user in range(10, 25):
        emulator.user_restrictions.ban(13058, user)
    emulator.user_restrictions.unban(13058, 12)
    emulator.user_restrictions.ban(13058, 30, place=13059)

    async def story(client: Any) -> None:
        experience = client.experience(13058)
        listed = [each async for each in experience.user_restrictions.list(page_size=4)]
        assert [each.user_id for each in listed] == [*range(10, 25)]
        assert [each.user_id for each in listed if not each.active] == [12]
        here = [each async for each in experience.place(13059).user_restrictions.list()]
        assert [each.user_id for each in here if not each.inherited] == [12, 30]
        assert len([each async for each in experience.user_restrictions.list(limit=3)]) == 3

    tell(story)


def test_logs_tell_who_did_what_the_newest_first(tell: Tell, emulator: Emulator) -> None:
    async def story(client: Any) -> None:
        experience = client.experience(13058)
        place = experience.place(13059)
        await experience.user_restrictions.ban(7, duration=60, private_reason="a")
        await place.user_restrictions.ban(client.user(8), permanent=True, display_reason="b")
        emulator.user_restrictions.ban(13058, 7, duration=90)
        await experience.user_restrictions.unban(7)
        rows = [row async for row in experience.user_restrictions.logs(page_size=1)]
        assert [(row.user_id, row.place_id, row.active) for row in rows] == [
            (7, None, False),
            (7, None, True),
            (8, 13059, True),
            (7, None, True),
        ]
        assert [(row.moderator_id, row.by_script) for row in rows] == [(1, False), (None, True), (1, False), (1, False)]
        assert rows[1].duration == timedelta(seconds=90)
        assert rows[2].permanent
        assert rows[3].ends == rows[3].start + timedelta(seconds=60)
        assert rows[3].created == rows[3].start
        assert [row async for row in experience.user_restrictions.logs(user=client.user(8))] == [rows[2]]
        assert [row async for row in experience.user_restrictions.logs(user=7, limit=2)] == [rows[0], rows[1]]
        for of_place in (place, 13059):
            assert [row async for row in experience.user_restrictions.logs(place=of_place)] == [rows[2]]
        assert [row async for row in place.user_restrictions.logs()] == [rows[2]]
        assert [row async for row in place.user_restrictions.logs(user=7, place=13059)] == []

    tell(story)


@pytest.mark.parametrize(
    "fault",
    [
        Fault(kind="cut", endpoint=UPDATE, times=2),
        Fault(kind="drop", endpoint=UPDATE, acts=True),
        Fault(kind="drop", endpoint=UPDATE),
        Fault(kind="answer", status=503, endpoint=UPDATE, acts=True),
    ],
    ids=lambda fault: f"{fault.kind} {'done' if fault.lets_act else 'not done'}",
)
def test_lost_answer_bans_once(tell: Tell, emulator: Emulator, fault: Fault) -> None:
    emulator.faults.add(fault)

    async def story(client: Any) -> None:
        bans = client.with_options(retries=AT_ONCE).experience(1).user_restrictions
        made = await bans.ban(7, duration=60)
        assert made == await bans.get(7)
        assert len([row async for row in bans.logs()]) == 1

    tell(story)
    sent = emulator.requests(endpoint=UPDATE)
    assert len(sent) > 1
    assert len({request.path for request in sent}) == 1, "each repeat carries the key of the first attempt"


def test_two_bans_have_keys_of_their_own(tell: Tell, emulator: Emulator) -> None:
    async def story(client: Any) -> None:
        await client.experience(1).user_restrictions.ban(7, duration=60)
        await client.experience(1).user_restrictions.ban(7, duration=60)

    tell(story)
    assert len({request.path for request in emulator.requests()}) == 2
    assert len(emulator.user_restrictions.logs(1)) == 2


def test_change_that_is_made_again_with_its_key_is_made_once(tell: Tell, emulator: Emulator) -> None:
    async def story(client: Any) -> None:
        bans = client.experience(1).user_restrictions
        first = await bans.ban(7, duration=timedelta(minutes=1), idempotency_key="ticket 12")
        await bans.unban(7, idempotency_key="appeal 3")
        assert await bans.ban(7, duration=60, idempotency_key="ticket 12") == first
        assert not (await bans.get(7)).active, "what was lifted meanwhile stays lifted"
        with pytest.raises(rblxcloud.BadRequestError, match="key"):
            await bans.ban(7, duration=61, idempotency_key="ticket 12")

    tell(story)
    assert [row.terms.active for row in emulator.user_restrictions.logs(1)] == [False, True]


class Term(int, Enum):
    """What a program may keep its ids and durations in."""

    USER = 7
    EXPERIENCE = 13058
    PLACE = 13059
    HOUR = 3600


def test_numbers_may_come_from_an_enumeration(tell: Tell, emulator: Emulator) -> None:
    async def story(client: Any) -> None:
        experience = client.experience(Term.EXPERIENCE)
        made = await experience.place(Term.PLACE).user_restrictions.ban(Term.USER, duration=Term.HOUR)
        assert (made.user_id, made.place_id, made.duration) == (7, 13059, timedelta(hours=1))
        logs = experience.user_restrictions.logs(user=Term.USER, place=Term.PLACE)
        assert len([row async for row in logs]) == 1

    tell(story)


def test_refused_repeat_leaves_the_outcome_unknown(tell: Tell, emulator: Emulator) -> None:
    emulator.faults.add(Fault(kind="drop", endpoint=UPDATE, acts=True))
    emulator.faults.add(Fault(kind="answer", status=400, endpoint=UPDATE))

    async def story(client: Any) -> None:
        with pytest.raises(rblxcloud.OutcomeUnknownError):
            await client.with_options(retries=AT_ONCE).experience(1).user_restrictions.ban(7, duration=60)

    tell(story)


def test_ban_wants_its_scope(tell: Tell, emulator: Emulator) -> None:
    act_as(emulator, "users/1", "universe.user-restriction:read")

    async def story(client: Any) -> None:
        bans = client.experience(1).user_restrictions
        assert not (await bans.get(7)).active
        with pytest.raises(rblxcloud.PermissionDeniedError) as caught:
            await bans.ban(7, permanent=True)
        assert caught.value.required_scopes == ("universe.user-restriction:write",)

    tell(story)
    assert emulator.user_restrictions.logs(1) == []


def test_place_of_another_experience_is_unknown(tell: Tell) -> None:
    async def story(client: Any) -> None:
        root = client.experience(13158).place(13059)
        await client.experience(13058).place(13059).update(description="It is there.")
        with pytest.raises(rblxcloud.NotFoundError):
            await root.user_restrictions.ban(7, permanent=True)

    tell(story)


WRONG: dict[str, tuple[str, dict[str, Any]]] = {
    "neither": ("duration", {}),
    "None": ("duration", {"duration": None}),
    "zero": ("duration", {"duration": 0}),
    "no time at all": ("duration", {"duration": timedelta()}),
    "negative": ("duration", {"duration": -1}),
    "negative time": ("duration", {"duration": timedelta(seconds=-1)}),
    "a bool": ("duration", {"duration": True}),
    "a fraction": ("duration", {"duration": 0.5}),
    "a float": ("duration", {"duration": 60.0}),
    "no number": ("duration", {"duration": float("nan")}),
    "infinity": ("duration", {"duration": float("inf")}),
    "text": ("duration", {"duration": "7d"}),
    "parts of a second": ("duration", {"duration": timedelta(milliseconds=1500)}),
    "too long": ("duration", {"duration": 315_576_000_001}),
    "too long a time": ("duration", {"duration": timedelta(days=3_652_501)}),
    "both": ("duration", {"duration": 60, "permanent": True}),
    "zero and for good": ("duration", {"duration": 0, "permanent": True}),
    "permanent by a word": ("permanent", {"permanent": "yes"}),
    "permanent by a number": ("permanent", {"permanent": 1}),
    "a long private reason": ("private_reason", {"duration": 60, "private_reason": "x" * 1001}),
    "a long reason": ("display_reason", {"duration": 60, "display_reason": "x" * 401}),
    "a reason that is no text": ("display_reason", {"duration": 60, "display_reason": 5}),
    "a reason that is not Unicode": ("private_reason", {"duration": 60, "private_reason": "\ud800"}),
    "an empty key": ("idempotency_key", {"duration": 60, "idempotency_key": ""}),
    "a key that is no text": ("idempotency_key", {"duration": 60, "idempotency_key": 4711}),
    "a key that is not Unicode": ("idempotency_key", {"duration": 60, "idempotency_key": "\ud800"}),
    "a switch that is text": ("exclude_alt_accounts", {"duration": 60, "exclude_alt_accounts": "no"}),
}


@pytest.mark.parametrize("case", WRONG)
def test_ban_that_cannot_be_meant_is_refused(tell: Tell, emulator: Emulator, case: str) -> None:
    argument, arguments = WRONG[case]

    async def story(client: Any) -> None:
        experience = client.experience(1)
        for bans in (experience.user_restrictions, experience.place(2).user_restrictions):
            with pytest.raises(rblxcloud.InvalidRequestError) as caught:
                await bans.ban(7, **arguments)
            assert caught.value.argument == argument

    tell(story)
    assert emulator.requests() == []


@pytest.mark.parametrize("user", [True, 0, -1, "builderman", None, 1.5])
def test_users_that_are_none_are_refused(tell: Tell, emulator: Emulator, user: Any) -> None:
    async def story(client: Any) -> None:
        bans = client.experience(1).user_restrictions
        acts: list[Callable[[], Any]] = [
            lambda: bans.get(user),
            lambda: bans.ban(user, duration=60),
            lambda: bans.unban(user),
        ]
        for act in acts:
            with pytest.raises(rblxcloud.InvalidRequestError) as caught:
                await act()
            assert caught.value.argument == "user"
        if user is not None:
            with pytest.raises(rblxcloud.InvalidRequestError, match="^user: "):
                bans.logs(user=user)

    tell(story)
    assert emulator.requests() == []


def test_group_is_no_user(tell: Tell, emulator: Emulator) -> None:
    async def story(client: Any) -> None:
        with pytest.raises(rblxcloud.InvalidRequestError, match="^user: "):
            await client.experience(1).user_restrictions.get(client.group(7))

    tell(story)
    assert emulator.requests() == []


def test_logs_of_places_that_are_elsewhere_are_refused(tell: Tell, emulator: Emulator) -> None:
    async def story(client: Any) -> None:
        experience = client.experience(1)
        with pytest.raises(rblxcloud.InvalidRequestError, match="^place: .*experience 9"):
            experience.user_restrictions.logs(place=client.experience(9).place(2))
        with pytest.raises(rblxcloud.InvalidRequestError, match="^place: .*place 2"):
            experience.place(2).user_restrictions.logs(place=3)
        for place in (True, 0, "start", client.group(7)):
            with pytest.raises(rblxcloud.InvalidRequestError, match="^place: "):
                experience.user_restrictions.logs(place=place)
        for arguments in ({"limit": 0}, {"page_size": 101}, {"page_size": 0}):
            with pytest.raises(rblxcloud.InvalidRequestError):
                experience.user_restrictions.logs(**arguments)
            with pytest.raises(rblxcloud.InvalidRequestError):
                experience.user_restrictions.list(**arguments)

    tell(story)
    assert emulator.requests() == []


def test_results_are_plain_values(tell: Tell) -> None:
    async def story(client: Any) -> None:
        experience = client.experience(13058)
        made = await experience.user_restrictions.ban(7, duration=60)
        (row,) = [row async for row in experience.user_restrictions.logs()]
        here = await experience.place(13059).user_restrictions.get(7)
        assert here.place_id == 13059
        for value in (made, row, here):
            assert pickle.loads(pickle.dumps(value)) == value == copy.deepcopy(value)
            assert hash(value) == hash(copy.copy(value))
            assert type(value).model_validate(value.model_dump()) == value
            assert type(value).model_validate_json(value.model_dump_json()) == value

    tell(story)
