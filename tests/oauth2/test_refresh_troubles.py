"""What becomes of each way in which a refresh can go wrong, at Roblox and in the store."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import SecretStr

from rblxcloud import (
    APIConnectionError,
    APIStatusError,
    IDTokenError,
    OAuth2App,
    OAuth2Error,
    RateLimitedError,
    ServerError,
    SignInRequiredError,
    TokenPair,
    TokenStoreError,
)
from rblxcloud.emulator.faults import Fault
from rblxcloud.oauth2.refresh import LEASE_SECONDS, REFRESH_BEFORE, Unstored
from rblxcloud.oauth2.stores.memory import MemoryTokenStore
from tests.oauth2.stages import (
    KEY,
    LIFE,
    USER,
    Interposed,
    Stage,
    once,
    publish,
    refreshes,
    row_of,
    signed_in,
)

# What goes wrong.


@pytest.mark.parametrize("kind", ["drop", "answer", "cut"])
def test_when_an_answer_was_lost_the_old_token_is_tried_once_and_then_the_user_has_to_sign_in(
    stage: Stage, kind: Any
) -> None:
    async def story(app: OAuth2App) -> None:
        client = await signed_in(stage, app)
        stage.clock.advance(LIFE)
        stage.emulator.faults.add(Fault(kind=kind, status=503, acts=True, endpoint="oauth.token"))
        with pytest.raises((APIConnectionError, ServerError)) as caught:
            await publish(client)
        assert not caught.value.outcome_unknown  # nothing was published
        assert (row_of(stage).attempts, row_of(stage).leased, row_of(stage).ended) == (1, False, False)
        with pytest.raises(SignInRequiredError, match="broken off"):
            await publish(client)
        assert refreshes(stage) == 2
        assert row_of(stage).ended
        for signed in (client, app.client(USER, store=stage.store)):
            with pytest.raises(SignInRequiredError):
                await publish(signed)
        assert refreshes(stage) == 2  # a dead token is not tried again

    stage.tell(story)
    assert stage.emulator.messages() == []


@pytest.mark.parametrize("kind", ["drop", "answer"])
def test_when_a_refresh_never_arrived_the_old_token_works_the_next_time(stage: Stage, kind: Any) -> None:
    async def story(app: OAuth2App) -> None:
        client = await signed_in(stage, app)
        stage.clock.advance(LIFE)
        stage.emulator.faults.add(Fault(kind=kind, status=503, endpoint="oauth.token"))
        with pytest.raises((APIConnectionError, ServerError)):
            await publish(client)
        await publish(client)
        assert (row_of(stage).attempts, row_of(stage).ended) == (0, False)

    stage.tell(story)


def test_a_refused_limit_counts_for_nothing(stage: Stage) -> None:
    async def story(app: OAuth2App) -> None:
        client = await signed_in(stage, app)
        stage.clock.advance(LIFE)
        stage.emulator.faults.add(Fault(kind="answer", status=429, endpoint="oauth.token", times=None))
        with pytest.raises(RateLimitedError) as caught:
            await publish(client)
        assert caught.value.outcome_unknown is False
        assert (row_of(stage).attempts, row_of(stage).leased) == (0, False)
        stage.emulator.faults.clear()
        await publish(client)

    stage.tell(story)


@pytest.mark.parametrize("status", [503, 403])
def test_while_roblox_is_down_tokens_are_used_until_they_expire(
    stage: Stage, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    async def story(app: OAuth2App) -> None:
        client = await signed_in(stage, app)
        stage.clock.advance(LIFE - REFRESH_BEFORE)
        stage.emulator.faults.add(Fault(kind="answer", status=status, endpoint="oauth.token", times=None))
        await publish(client)
        await publish(client)
        assert refreshes(stage) == 1
        stage.clock.advance(11)
        await publish(client)
        assert refreshes(stage) == 2
        stage.clock.advance(REFRESH_BEFORE)
        with pytest.raises(APIStatusError) as caught:
            await publish(client)
        assert caught.value.status == status
        stage.emulator.faults.clear()
        await publish(client)

    stage.tell(story)
    assert "still good" in caplog.text


def test_a_wrong_secret_signs_nobody_out(stage: Stage) -> None:
    async def story(app: OAuth2App) -> None:
        await signed_in(stage, app)
        stage.clock.advance(LIFE)
        broken = stage.app("wrong-secret")
        with pytest.raises(OAuth2Error, match="invalid_client"):
            await publish(broken.client(USER, store=stage.store))
        assert (row_of(stage).attempts, row_of(stage).ended, row_of(stage).leased) == (0, False, False)
        await publish(app.client(USER, store=stage.store))

    stage.tell(story)


def test_who_has_revoked_the_application_has_to_sign_in_again(stage: Stage) -> None:
    async def story(app: OAuth2App) -> None:
        client = await signed_in(stage, app)
        stage.emulator.oauth.revoke(user=USER)
        with pytest.raises(SignInRequiredError):
            await publish(client)
        await publish(await signed_in(stage, app))

    stage.tell(story)


def test_a_refused_token_is_not_believed_dead_when_somebody_else_has_stored_another(stage: Stage) -> None:
    async def story(app: OAuth2App) -> None:
        await signed_in(stage, app)
        stage.clock.advance(LIFE)
        row = row_of(stage)
        renewed = await app.refresh_token(row.pair.refresh_token)
        store = Interposed(stage.store, before_end=once(lambda: stage.store.replace(KEY, row.generation, renewed.pair)))
        await publish(app.client(USER, store=store))
        assert (row_of(stage).pair, row_of(stage).ended) == (renewed.pair, False)

    stage.tell(story)


def test_a_refused_token_is_not_believed_dead_while_another_lease_is_running(stage: Stage) -> None:
    async def story(app: OAuth2App) -> None:
        await signed_in(stage, app)
        stage.clock.advance(LIFE)
        row = row_of(stage)
        renewed = await app.refresh_token(row.pair.refresh_token)

        def pass_the_lease_on() -> None:
            stage.clock.advance(LEASE_SECONDS)
            assert stage.store.lease(KEY, row.generation, "somebody else", LEASE_SECONDS)

        loads = iter(range(1_000))

        def finish() -> None:
            if next(loads) == 2:
                assert not row_of(stage).ended
                stage.store.replace(KEY, row.generation, renewed.pair)

        store = Interposed(stage.store, before_end=once(pass_the_lease_on), before_load=finish)
        await publish(app.client(USER, store=store))
        assert row_of(stage).ended is False

    stage.tell(story)


def test_who_slept_through_their_lease_can_still_store_what_they_got(stage: Stage) -> None:
    """The sleeper has the live tokens; whoever took over has told its user to sign in. Both were right."""

    async def story(app: OAuth2App) -> None:
        await signed_in(stage, app)
        stage.clock.advance(LIFE)
        generation = row_of(stage).generation

        def oversleep() -> None:
            stage.clock.advance(LEASE_SECONDS)
            assert stage.store.lease(KEY, generation, "hasty", LEASE_SECONDS)
            assert stage.store.end(KEY, generation, "hasty")

        await publish(app.client(USER, store=Interposed(stage.store, before_replace=once(oversleep))))
        assert not row_of(stage).ended
        await publish(app.client(USER, store=stage.store))

    stage.tell(story)


def test_an_id_token_is_not_needed_after_a_refresh(stage: Stage) -> None:
    async def story(app: OAuth2App) -> None:
        client = await signed_in(stage, app)
        for flaw in ("missing", "garbage", "expired", "alg_none"):
            stage.emulator.oauth.spoil_id_token(flaw)
            stage.clock.advance(LIFE)
            await publish(client)

    stage.tell(story)
    assert len(stage.emulator.messages()) == 4


def test_another_users_tokens_are_an_error_and_nobody_is_signed_in_by_them(stage: Stage) -> None:
    async def story(app: OAuth2App) -> None:
        client = await signed_in(stage, app)
        stage.emulator.oauth.spoil_id_token("wrong_subject")
        stage.clock.advance(LIFE)
        with pytest.raises(IDTokenError) as caught:
            await publish(client)
        assert caught.value.check == "sub"
        assert row_of(stage) is None
        with pytest.raises(SignInRequiredError):
            await publish(client)

    stage.tell(story)
    assert stage.emulator.messages() == []


def test_a_sign_in_that_came_meanwhile_outlives_another_users_tokens(stage: Stage) -> None:
    async def story(app: OAuth2App) -> None:
        await signed_in(stage, app)
        later = (await stage.sign_in(app)).pair
        stage.emulator.oauth.spoil_id_token("wrong_subject")
        stage.clock.advance(LIFE)
        store = Interposed(stage.store, after_replace=lambda: stage.store.save(KEY, later))
        with pytest.raises(IDTokenError):
            await publish(app.client(USER, store=store))
        assert row_of(stage).pair == later

    stage.tell(story)


def test_another_users_tokens_do_not_work_either_when_they_cannot_be_deleted(stage: Stage) -> None:
    async def story(app: OAuth2App) -> None:
        await signed_in(stage, app)
        stage.emulator.oauth.spoil_id_token("wrong_subject")
        stage.clock.advance(LIFE)
        store = Interposed(stage.store, before_delete=broken)
        with pytest.raises(IDTokenError):
            await publish(app.client(USER, store=store))
        with pytest.raises(SignInRequiredError):
            await publish(app.client(USER, store=store))

    stage.tell(story)
    assert stage.emulator.messages() == []


# The store.


def broken() -> None:
    raise OSError("the disk is full")


def test_a_store_that_fails_for_a_while_is_asked_again(stage: Stage) -> None:
    async def story(app: OAuth2App) -> None:
        await signed_in(stage, app)
        stage.clock.advance(LIFE)
        await publish(app.client(USER, store=Interposed(stage.store, before_replace=once(broken))))
        assert refreshes(stage) == 1

    stage.tell(story)


def test_a_store_that_fails_after_it_has_stored_has_stored(stage: Stage) -> None:
    async def story(app: OAuth2App) -> None:
        await signed_in(stage, app)
        stage.clock.advance(LIFE)
        await publish(app.client(USER, store=Interposed(stage.store, after_replace=once(broken))))
        assert refreshes(stage) == 1

    stage.tell(story)


def test_tokens_that_cannot_be_stored_are_not_lost(stage: Stage) -> None:
    async def story(app: OAuth2App) -> None:
        await signed_in(stage, app)
        stage.clock.advance(LIFE - REFRESH_BEFORE)
        failing = [True]
        store = Interposed(stage.store, before_replace=lambda: broken() if failing else None)
        client = app.client(USER, store=store)
        with pytest.raises(TokenStoreError, match="the disk is full") as caught:
            await publish(client)
        assert isinstance(caught.value.token, TokenPair)
        failing.clear()
        await publish(client)
        assert row_of(stage).pair == caught.value.token
        assert refreshes(stage) == 1

    stage.tell(story)


async def with_tokens_that_cannot_be_stored(stage: Stage, app: OAuth2App) -> tuple[Any, TokenPair]:
    """Return a store that has begun to fail and works again, and the tokens that it has not taken."""
    await signed_in(stage, app)
    stage.clock.advance(LIFE)
    failing = [True]
    store = Interposed(stage.store, before_replace=lambda: broken() if failing else None)
    with pytest.raises(TokenStoreError) as caught:
        await publish(app.client(USER, store=store))
    failing.clear()
    assert caught.value.token is not None
    return store, caught.value.token


def test_tokens_that_cannot_be_stored_outlive_the_client_that_got_them(stage: Stage) -> None:
    async def story(app: OAuth2App) -> None:
        store, pair = await with_tokens_that_cannot_be_stored(stage, app)
        row = row_of(stage)
        # Another process has found the old token dead meanwhile.
        stage.clock.advance(LEASE_SECONDS)
        assert stage.store.lease(KEY, row.generation, "somebody else", LEASE_SECONDS)
        assert stage.store.end(KEY, row.generation, "somebody else")
        assert await app.client(USER, store=store).fetch_sign_in_id() == row.sign_in_id
        await publish(app.client(USER, store=store))
        assert (row_of(stage).pair, row_of(stage).ended) == (pair, False)
        assert refreshes(stage) == 1

    stage.tell(story)


def test_tokens_that_came_later_are_kept_when_earlier_ones_have_been_stored() -> None:
    unstored, store = Unstored(), MemoryTokenStore()
    pairs = [TokenPair(text, text, (), datetime.now(UTC)) for text in ("first", "second")]
    unstored.put(store, KEY, 1, pairs[0])
    first = unstored.get(store, KEY)
    unstored.put(store, KEY, 2, pairs[1])
    unstored.drop(store, KEY, first)
    second = unstored.get(store, KEY)
    assert second == (2, pairs[1])
    unstored.drop(store, KEY, second)
    assert unstored.get(store, KEY) is None


def noting_what_is_revoked(app: OAuth2App) -> list[str]:
    """Return the tokens that the application will have had Roblox revoke."""
    revoked: list[str] = []
    provider: Any = app._provider
    revoke = provider.revoke

    async def noting(token: SecretStr, **options: Any) -> None:
        revoked.append(token.get_secret_value())
        await revoke(token, **options)

    provider.revoke = noting
    return revoked


def test_who_signs_out_has_tokens_revoked_that_could_not_be_stored(stage: Stage) -> None:
    async def story(app: OAuth2App) -> None:
        store, pair = await with_tokens_that_cannot_be_stored(stage, app)
        revoked = noting_what_is_revoked(app)
        await app.client(USER, store=store).sign_out()
        assert revoked == [pair.refresh_token]
        with pytest.raises(SignInRequiredError):
            await publish(app.client(USER, store=store))

    stage.tell(story)


def test_who_has_signed_in_elsewhere_meanwhile_signs_out_of_that(stage: Stage) -> None:
    async def story(app: OAuth2App) -> None:
        store, _ = await with_tokens_that_cannot_be_stored(stage, app)
        new = (await stage.sign_in(app)).pair
        stage.store.save(KEY, new)
        revoked = noting_what_is_revoked(app)
        await app.client(USER, store=store).sign_out()
        assert revoked == [new.refresh_token]

    stage.tell(story)


def test_who_has_signed_out_elsewhere_meanwhile_has_tokens_revoked_that_could_not_be_stored(stage: Stage) -> None:
    async def story(app: OAuth2App) -> None:
        store, pair = await with_tokens_that_cannot_be_stored(stage, app)
        stage.store.delete(KEY)
        revoked = noting_what_is_revoked(app)
        for _ in range(2):
            with pytest.raises(SignInRequiredError):
                await publish(app.client(USER, store=store))
        assert revoked == [pair.refresh_token]

    stage.tell(story)


@pytest.mark.parametrize("method", ["load", "lease"])
def test_a_store_that_cannot_be_asked_is_an_error_of_ours_and_nothing_is_sent(stage: Stage, method: str) -> None:
    async def story(app: OAuth2App) -> None:
        await signed_in(stage, app)
        stage.clock.advance(LIFE)
        store = Interposed(stage.store, **{f"before_{method}": broken})
        with pytest.raises(TokenStoreError, match="the disk is full") as caught:
            await publish(app.client(USER, store=store))
        assert caught.value.token is None
        assert refreshes(stage) == 0

    stage.tell(story)


def test_a_lease_that_a_failing_store_gave_is_given_back(stage: Stage) -> None:
    async def story(app: OAuth2App) -> None:
        await signed_in(stage, app)
        stage.clock.advance(LIFE)
        client = app.client(USER, store=Interposed(stage.store, after_lease=once(broken)))
        with pytest.raises(TokenStoreError):
            await publish(client)
        assert (row_of(stage).leased, row_of(stage).attempts) == (False, 0)
        await publish(client)

    stage.tell(story)
