"""Signing in with OAuth 2.0, from the consent page to signing out."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import pytest

import rblxcloud
import rblxcloud.sync
from rblxcloud.emulator import Emulator
from rblxcloud.emulator.faults import Fault
from tests.support.files import png
from tests.support.modes import View, view

Tell = Callable[[Callable[[Any], Any]], None]

ID, SECRET, REDIRECT = 1234567890, "emulator-secret", "http://localhost:9066/roblox"
SCOPES = ["openid", "profile", "universe-messaging-service:publish", "asset:read", "asset:write"]
USER, UNIVERSE, GROUP = 287113233, 13058, 7


def application(client: Any, base_url: str, **options: Any) -> Any:
    """An application in the mode of a story's client."""
    if isinstance(client, View):
        return view(rblxcloud.sync.OAuth2App(ID, SECRET, REDIRECT, base_url=base_url, **options))
    return rblxcloud.OAuth2App(ID, SECRET, REDIRECT, base_url=base_url, **options)


@pytest.fixture
def sign_in(emulator: Emulator) -> Callable[[Any], Any]:
    """Return a coroutine function that goes through the consent page."""

    async def sign_in(app: Any) -> Any:
        request = app.authorize(SCOPES)
        callback = emulator.oauth.approve(request.uri, user=USER, universes=[UNIVERSE], groups=[GROUP])
        return await app.finish(request, callback)

    return sign_in


def test_a_user_signs_in_is_acted_for_and_signs_out(
    tell: Tell, emulator: Emulator, base_url: str, sign_in: Callable[[Any], Any]
) -> None:
    async def story(client: Any) -> None:
        app = application(client, base_url)
        token = await sign_in(app)
        assert token.user.id == USER
        assert token.scope == SCOPES
        user = await token.fetch_userinfo()
        assert (user.username, user.display_name) == (token.user.username, token.user.display_name)
        signed = await app.sign_in(token)
        resources = await signed.fetch_resources()
        assert [one.id for one in resources.experiences] == [UNIVERSE]
        assert sorted(one.path for one in resources.creators) == [f"groups/{GROUP}", f"users/{USER}"]
        assert await signed.fetch_userinfo() == user
        await resources.experiences[0].publish_message("topic", "from the user")
        emulator.clock.advance(1000)
        await signed.experience(UNIVERSE).publish_message("topic", "a quarter of an hour later")
        assert await app.client(USER).fetch_sign_in_id() == await signed.fetch_sign_in_id() is not None
        await signed.sign_out()
        assert await app.client(USER).fetch_sign_in_id() is None
        with pytest.raises(rblxcloud.SignInRequiredError):
            await app.client(USER).experience(UNIVERSE).publish_message("topic", "never")

    tell(story)
    assert [message.message for message in emulator.messages()] == ["from the user", "a quarter of an hour later"]


def test_the_creators_that_a_user_grants_upload(
    tell: Tell, emulator: Emulator, base_url: str, sign_in: Callable[[Any], Any]
) -> None:
    emulator.groups.add_member(GROUP, USER, role="Admin")

    async def story(client: Any) -> None:
        app = application(client, base_url)
        signed = await app.sign_in(await sign_in(app))
        creators = (await signed.fetch_resources()).creators
        assert len(creators) == 2
        for creator in creators:
            operation = await creator.upload_asset(png(), rblxcloud.AssetType.Decal, "name", "description")
            assert (await operation.wait()).creator == creator.path

    tell(story)


def test_the_seeds_calls_work_as_they_are_named(
    tell: Tell, emulator: Emulator, base_url: str, sign_in: Callable[[Any], Any]
) -> None:
    async def story(client: Any) -> None:
        app = application(client, base_url, openid_certs_cache_seconds=120)
        callback = emulator.oauth.approve(app.generate_uri(scope=["openid", "profile"], state="hello world"))
        code = callback.split("code=")[1].split("&")[0]
        access = await app.exchange_code(code=code)
        info = await access.fetch_token_info()
        assert (info.active, info.client_id, info.user_id) == (True, str(ID), str(access.user.id))
        new_access = await app.refresh_token(access.refresh_token)
        partial = app.from_access_token_string(new_access.token)
        assert (await partial.fetch_userinfo()).id == access.user.id
        assert (await partial.fetch_resources()).experiences == []
        await app.revoke_token(new_access.token)
        with pytest.raises(rblxcloud.AuthenticationError):
            await partial.fetch_userinfo()
        await new_access.revoke()
        await new_access.revoke_refresh_token()

    tell(story)


def test_a_sign_in_survives_a_restart_between_its_two_halves(tell: Tell, emulator: Emulator, base_url: str) -> None:
    async def story(client: Any) -> None:
        before = application(client, base_url)
        kept = pickle.dumps(before.authorize(SCOPES))
        request = pickle.loads(kept)
        after = application(client, base_url)
        assert (await after.finish(request, emulator.oauth.approve(request.uri))).user.id == 1
        with pytest.raises(rblxcloud.StateMismatchError):
            await after.finish(after.authorize(SCOPES), emulator.oauth.approve(request.uri))
        with pytest.raises(rblxcloud.ConsentDeniedError):
            await after.finish(request, emulator.oauth.deny(request.uri))

    tell(story)


def test_a_cut_refresh_is_an_error_and_then_a_new_sign_in(
    tell: Tell, emulator: Emulator, base_url: str, sign_in: Callable[[Any], Any]
) -> None:
    async def story(client: Any) -> None:
        app = application(client, base_url)
        signed = await app.sign_in(await sign_in(app))
        emulator.clock.advance(1000)
        emulator.faults.add(Fault(kind="cut", endpoint="oauth.token"))
        with pytest.raises(rblxcloud.APIConnectionError):
            await signed.experience(UNIVERSE).publish_message("topic", "never")
        with pytest.raises(rblxcloud.SignInRequiredError):
            await signed.experience(UNIVERSE).publish_message("topic", "never")
        emulator.clock.reset()
        again = await app.sign_in(await sign_in(app))
        await again.experience(UNIVERSE).publish_message("topic", "signed in again")

    tell(story)
    assert [message.message for message in emulator.messages()] == ["signed in again"]


def test_an_endpoint_that_takes_only_keys_is_refused_before_anything_is_sent(
    tell: Tell, emulator: Emulator, base_url: str, sign_in: Callable[[Any], Any]
) -> None:
    async def story(client: Any) -> None:
        app = application(client, base_url)
        signed = await app.sign_in(await sign_in(app))
        emulator.clear_requests()
        with pytest.raises(rblxcloud.UnsupportedCredentialError):
            await signed.experience(UNIVERSE).get_data_store("saves").get("key")
        assert emulator.requests() == []

    tell(story)
