"""One user's tokens, kept fresh: when they are refreshed, by whom, and until when."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from rblxcloud import (
    APITimeoutError,
    InvalidRequestError,
    OAuth2App,
    OAuth2Error,
    RblxCloudError,
    ServerError,
    SignInRequiredError,
    TokenKey,
)
from rblxcloud.emulator.faults import Fault
from rblxcloud.oauth2.refresh import DEADLINE_SECONDS, LEASE_SECONDS, REFRESH_BEFORE
from rblxcloud.runtime.blocking import run
from tests.oauth2.stages import (
    CLIENT_ID,
    KEY,
    LIFE,
    SCOPES,
    USER,
    Interposed,
    Stage,
    once,
    publish,
    refreshes,
    row_of,
    signed_in,
)

# When.


def test_tokens_are_refreshed_before_they_expire(stage: Stage) -> None:
    async def story(app: OAuth2App) -> None:
        client = await signed_in(stage, app)
        stage.clock.advance(LIFE - REFRESH_BEFORE - 1)
        await publish(client)
        assert refreshes(stage) == 0
        stage.clock.advance(2)
        await publish(client)
        assert refreshes(stage) == 1
        await publish(client)
        assert refreshes(stage) == 1

    stage.tell(story)
    assert len(stage.emulator.messages()) == 3
    assert all(request.status == 200 for request in stage.emulator.requests())


def test_a_user_stays_signed_in_for_as_long_as_they_come(stage: Stage) -> None:
    async def story(app: OAuth2App) -> None:
        await signed_in(stage, app)
        for _ in range(20):
            stage.clock.advance(80 * 24 * 3600)
            await publish(app.client(USER, store=stage.store))
        assert refreshes(stage) == 20

    stage.tell(story)


def test_after_a_401_the_tokens_are_refreshed_and_the_call_sent_again(stage: Stage) -> None:
    async def story(app: OAuth2App) -> None:
        client = await signed_in(stage, app)
        stage.emulator.faults.add(Fault(kind="answer", status=401, endpoint="messaging.publish_message"))
        await publish(client)
        assert refreshes(stage) == 1

    stage.tell(story)
    assert len(stage.emulator.messages()) == 1


def test_tokens_that_somebody_else_has_refreshed_are_taken_from_the_store(stage: Stage) -> None:
    async def story(app: OAuth2App) -> None:
        first = await signed_in(stage, app)
        second = app.client(USER, store=stage.store)
        await publish(second)
        stage.clock.advance(LIFE + 1)
        await publish(first)
        await publish(second)
        assert refreshes(stage) == 1

    stage.tell(story)


def test_objects_and_options_of_a_client_stay_signed_in_too(stage: Stage) -> None:
    async def story(app: OAuth2App) -> None:
        client = await signed_in(stage, app)
        experience = (await client.fetch_resources()).experiences[0]
        patient = client.with_options(timeout=60)
        stage.clock.advance(LIFE + 1)
        await experience.publish_message("topic", "message")
        assert patient.user_id == USER
        assert (await patient.fetch_userinfo()).id == USER
        token = await client.fetch_token()
        assert token.user.id == USER
        assert (await token.fetch_token_info()).active
        assert token.pair == row_of(stage).pair
        assert refreshes(stage) == 1

    stage.tell(story)


def test_where_openid_was_not_asked_for_roblox_is_asked_who_it_is(stage: Stage) -> None:
    async def story(app: OAuth2App) -> None:
        token = await stage.sign_in(app, "universe-messaging-service:publish")
        client = await app.sign_in(token, store=stage.store)
        assert client.user_id == USER
        stage.clock.advance(LIFE)
        await publish(client)

    stage.tell(story)


def test_without_a_store_the_application_remembers(stage: Stage) -> None:
    async def story(app: OAuth2App) -> None:
        await app.sign_in(await stage.sign_in(app))
        await publish(app.client(USER))
        with pytest.raises(SignInRequiredError):
            await publish(app.client(USER + 1))

    stage.tell(story)


@pytest.mark.parametrize("user", [0, -1, "x", None, 2**63, True])
def test_what_is_no_user_is_refused(stage: Stage, user: Any) -> None:
    async def story(app: OAuth2App) -> None:
        with pytest.raises(InvalidRequestError, match="user_id"):
            app.client(user)

    stage.tell(story)


@pytest.mark.parametrize("of", ["another application", "nobody"])
def test_tokens_that_the_application_cannot_refresh_are_not_stored(stage: Stage, of: str) -> None:
    async def story(app: OAuth2App) -> None:
        token = await stage.sign_in(app)
        other = stage.app(id=77) if of == "another application" else app
        given: Any = token if of == "another application" else app.from_access_token_string(token.token)
        with pytest.raises(InvalidRequestError, match="token"):
            await other.sign_in(given, store=stage.store)
        assert stage.store.users("77") == stage.store.users(CLIENT_ID) == []

    stage.tell(story)


def test_a_token_that_roblox_knows_no_more_is_refreshed_to_ask_for_resources(stage: Stage) -> None:
    async def story(app: OAuth2App) -> None:
        client = await signed_in(stage, app)
        stage.emulator.clock.advance(LIFE + 2)  # by Roblox's clock alone
        assert len((await client.fetch_resources()).experiences) == 2
        assert refreshes(stage) == 1
        stage.emulator.oauth.revoke(user=USER)
        with pytest.raises(SignInRequiredError):
            await client.fetch_resources()

    stage.tell(story)


class AsyncStore:
    """What somebody might write who awaits everything."""

    async def lease(self, *arguments: object) -> None: ...


@pytest.mark.parametrize("store", ["sqlite:///tokens.db", 5, TokenKey, AsyncStore()])
def test_what_is_no_store_is_refused(stage: Stage, store: Any) -> None:
    async def story(app: OAuth2App) -> None:
        with pytest.raises(InvalidRequestError, match="store"):
            app.client(USER, store=store)

    stage.tell(story)


# By whom.


@pytest.mark.parametrize("why", ["due", "refused"])
def test_one_refresh_serves_many_tasks(async_stage: Stage, why: str) -> None:
    stage = async_stage

    async def story(app: OAuth2App) -> None:
        client = await signed_in(stage, app)
        # Where Roblox's clock alone goes on, it refuses tokens that are good by ours.
        (stage.clock if why == "due" else stage.emulator.clock).advance(LIFE + 2)
        async with anyio.create_task_group() as group:
            for number in range(30):
                other = app.client(USER, store=stage.store)
                group.start_soon(publish, client if number % 2 else other)
        assert refreshes(stage) == 1

    stage.tell(story)
    assert len(stage.emulator.messages()) == 30


def test_one_refresh_that_fails_fails_for_all_that_wait_for_it(async_stage: Stage) -> None:
    stage, failures = async_stage, list[str]()

    async def story(app: OAuth2App) -> None:
        await signed_in(stage, app)
        stage.clock.advance(LIFE)
        stage.emulator.faults.add(Fault(kind="answer", status=503, endpoint="oauth.token"))

        async def act() -> None:
            try:
                await publish(app.client(USER, store=stage.store))
            except ServerError as error:
                failures.append(str(error))

        async with anyio.create_task_group() as group:
            for _ in range(30):
                group.start_soon(act)
        assert refreshes(stage) == 1
        await publish(app.client(USER, store=stage.store))

    stage.tell(story)
    assert len(failures) == 30
    assert len({*failures}) == 1
    assert refreshes(stage) == 2


def test_who_tries_again_at_once_after_a_refresh_has_failed_is_served(async_stage: Stage) -> None:
    stage, app = async_stage, async_stage.app()

    async def act() -> None:
        while True:
            try:
                return await publish(app.client(USER, store=stage.store))
            except ServerError:
                await anyio.lowlevel.checkpoint()

    async def story(app: OAuth2App) -> None:
        await signed_in(stage, app)
        stage.clock.advance(LIFE)
        stage.emulator.faults.add(Fault(kind="answer", status=503, endpoint="oauth.token"))
        with anyio.fail_after(30):
            async with anyio.create_task_group() as group:
                for _ in range(30):
                    group.start_soon(act)

    stage.tell(story, app)
    assert len(stage.emulator.messages()) == 30
    assert refreshes(stage) == 2
    assert app._queues == {}


def test_one_refresh_serves_many_threads(blocking_stage: Stage) -> None:
    stage, app = blocking_stage, blocking_stage.app()
    client = run(signed_in(stage, app))
    stage.clock.advance(LIFE)
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            run(publish(client if number % 2 else app.client(USER, store=stage.store)))
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert refreshes(stage) == 1


def test_while_somebody_else_refreshes_good_tokens_are_used(stage: Stage) -> None:
    async def story(app: OAuth2App) -> None:
        await signed_in(stage, app)
        stage.clock.advance(LIFE - 1)
        stage.store.lease(KEY, row_of(stage).generation, "somebody else", LEASE_SECONDS)
        await publish(app.client(USER, store=stage.store))
        assert refreshes(stage) == 0

    stage.tell(story)


def test_when_tokens_have_expired_somebody_elses_refresh_is_waited_for(stage: Stage) -> None:
    async def story(app: OAuth2App) -> None:
        await signed_in(stage, app)
        stage.clock.advance(LIFE)
        row = row_of(stage)
        stage.store.lease(KEY, row.generation, "somebody else", LEASE_SECONDS)
        renewed = await app.refresh_token(row.pair.refresh_token)
        loads = iter(range(1_000))

        def finish() -> None:
            if next(loads) == 3:
                stage.store.replace(KEY, row.generation, renewed.pair)

        await publish(app.client(USER, store=Interposed(stage.store, before_load=finish)))
        assert refreshes(stage) == 1

    stage.tell(story)


def test_a_lease_that_nobody_ends_is_taken_over_when_it_has_run_out(stage: Stage) -> None:
    async def story(app: OAuth2App) -> None:
        await signed_in(stage, app)
        stage.clock.advance(LIFE)
        stage.store.lease(KEY, row_of(stage).generation, "killed", LEASE_SECONDS)
        before = stage.clock.monotonic()
        await publish(app.client(USER, store=stage.store))
        assert LEASE_SECONDS <= stage.clock.monotonic() - before < LEASE_SECONDS + 2
        assert row_of(stage).attempts == 0

    stage.tell(story)


def test_a_lease_that_never_ends_is_not_waited_for_for_ever(stage: Stage) -> None:
    async def story(app: OAuth2App) -> None:
        await signed_in(stage, app)
        stage.clock.advance(LIFE)
        stage.store.lease(KEY, row_of(stage).generation, "immortal", 1e9)
        with pytest.raises(APITimeoutError, match="somebody else"):
            await publish(app.client(USER, store=stage.store))

    stage.tell(story)


def test_who_was_held_up_between_lease_and_request_gives_it_back(stage: Stage) -> None:
    async def story(app: OAuth2App) -> None:
        await signed_in(stage, app)
        stage.clock.advance(LIFE)
        store = Interposed(stage.store, after_lease=once(lambda: stage.clock.advance(LEASE_SECONDS)))
        await publish(app.client(USER, store=store))
        assert refreshes(stage) == 1
        assert row_of(stage).attempts == 0

    stage.tell(story)


# Signing in and out.


def test_a_sign_in_has_an_id_until_the_user_signs_out(stage: Stage) -> None:
    async def story(app: OAuth2App) -> None:
        client = await signed_in(stage, app)
        first = await client.fetch_sign_in_id()
        assert first
        stage.clock.advance(LIFE)
        await publish(client)
        elsewhere = await signed_in(stage, app)
        assert await elsewhere.fetch_sign_in_id() == await client.fetch_sign_in_id() == first
        await client.sign_out()
        assert await elsewhere.fetch_sign_in_id() is None
        await signed_in(stage, app)
        assert await client.fetch_sign_in_id() not in (None, first)
        stage.emulator.oauth.revoke(user=USER)
        stage.clock.advance(LIFE)
        with pytest.raises(SignInRequiredError):
            await publish(client)
        assert await client.fetch_sign_in_id() is None

    stage.tell(story)


def test_signing_out_does_not_wait_for_roblox_for_ever(stage: Stage) -> None:
    waits = {"retry-after": "20"}
    stage.emulator.faults.add(
        Fault(kind="answer", status=429, headers=waits, endpoint="oauth.revoke_token", times=None)
    )

    async def story(app: OAuth2App) -> None:
        client = await signed_in(stage, app)
        before = stage.clock.monotonic()
        with pytest.raises(RblxCloudError):
            await client.sign_out()
        assert stage.clock.monotonic() - before <= DEADLINE_SECONDS
        assert row_of(stage) is None

    stage.tell(story)


def test_signing_out_forgets_and_revokes(stage: Stage) -> None:
    async def story(app: OAuth2App) -> None:
        token = await stage.sign_in(app)
        client = await app.sign_in(token, store=stage.store)
        await client.sign_out()
        assert row_of(stage) is None
        with pytest.raises(SignInRequiredError):
            await publish(client)
        with pytest.raises(OAuth2Error):
            await app.refresh_token(token.refresh_token)
        await client.sign_out()
        assert len(stage.sent("oauth.revoke_token")) == 1

    stage.tell(story)


def test_signing_out_while_roblox_is_down_forgets_all_the_same(stage: Stage) -> None:
    stage.emulator.faults.add(Fault(kind="answer", status=503, endpoint="oauth.revoke_token", times=None))

    async def story(app: OAuth2App) -> None:
        client = await signed_in(stage, app)
        with pytest.raises(ServerError):
            await client.sign_out()
        assert row_of(stage) is None

    stage.tell(story)


def test_who_signs_out_during_a_refresh_stays_signed_out(stage: Stage) -> None:
    async def story(app: OAuth2App) -> None:
        await signed_in(stage, app)
        stage.clock.advance(LIFE)
        store = Interposed(stage.store, before_replace=once(lambda: stage.store.delete(KEY)))
        with pytest.raises(SignInRequiredError):
            await publish(app.client(USER, store=store))
        assert row_of(stage) is None
        assert len(stage.sent("oauth.revoke_token")) == 1  # what the refresh brought
        assert all(grant.ended_at is not None for grant in stage.emulator.oauth.authorizations())

    stage.tell(story)


def test_who_signs_in_during_a_refresh_is_signed_in_anew(stage: Stage) -> None:
    async def story(app: OAuth2App) -> None:
        await signed_in(stage, app)
        stage.clock.advance(LIFE)
        new = (await stage.sign_in(app)).pair
        store = Interposed(stage.store, before_replace=once(lambda: stage.store.save(KEY, new)))
        await publish(app.client(USER, store=store))
        assert row_of(stage).pair == new

    stage.tell(story)


def test_signing_in_again_brings_an_ended_row_back(stage: Stage) -> None:
    async def story(app: OAuth2App) -> None:
        client = await signed_in(stage, app)
        stage.emulator.oauth.revoke(user=USER)
        stage.clock.advance(LIFE)
        with pytest.raises(SignInRequiredError):
            await publish(client)
        assert row_of(stage).ended
        await signed_in(stage, app)
        await publish(client)

    stage.tell(story)


def test_users_of_one_store_do_not_mix(stage: Stage) -> None:
    async def story(app: OAuth2App) -> None:
        await signed_in(stage, app)
        other = await signed_in(stage, app, user=43)
        stage.clock.advance(LIFE)
        assert (await other.fetch_userinfo()).id == 43
        assert (await app.client(USER, store=stage.store).fetch_userinfo()).id == USER
        assert stage.store.users(CLIENT_ID) == [USER, 43]

    stage.tell(story)


def test_expiry_is_kept_to_the_microsecond(stage: Stage) -> None:
    async def story(app: OAuth2App) -> None:
        token = await stage.sign_in(app, SCOPES)
        await app.sign_in(token, store=stage.store)
        assert row_of(stage).pair.expires_at - token.expires_at == timedelta(0)

    stage.tell(story)
