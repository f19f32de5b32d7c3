"""From the callback to tokens and what can be done with them, and everything that Roblox can answer instead."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

import rblxcloud
from rblxcloud import (
    APIConnectionError,
    APIResponseError,
    AuthenticationError,
    Experience,
    Group,
    IDTokenError,
    InvalidGrantError,
    InvalidRequestError,
    OAuth2App,
    OAuth2Error,
    PermissionDeniedError,
    RateLimitedError,
    RblxCloudError,
    ServerError,
    User,
)
from rblxcloud.emulator import OAuthApp
from rblxcloud.emulator.faults import Fault
from tests.oauth2.stages import BASE, CLIENT_ID, SCOPES, UNIVERSE, USER, Stage
from tests.support.server import Script


def code_of(location: str) -> str:
    return httpx.URL(location).params["code"]


async def code_for(stage: Stage, app: OAuth2App, scope: Any = SCOPES, **more: Any) -> str:
    return code_of(stage.approve(app.generate_uri(scope, **more)))


@pytest.mark.parametrize("nonce", ["", 5, "two\nlines", ["text"]])
def test_a_nonce_that_is_none_is_refused_before_the_code_is_used_up(stage: Stage, nonce: Any) -> None:
    async def story(app: OAuth2App) -> None:
        code = await code_for(stage, app, ["openid"], nonce="given")
        with pytest.raises(InvalidRequestError, match="nonce"):
            await app.exchange_code(code, nonce=nonce)
        assert (await app.exchange_code(code, nonce="given")).user is not None

    stage.tell(story)


# What works.


def test_a_user_signs_in(stage: Stage) -> None:
    async def story(app: OAuth2App) -> None:
        token = await stage.sign_in(app)
        assert isinstance(token.user, User)
        assert (token.user.id, token.user.username, token.user.display_name) == (USER, "user42", "User 42")
        assert token.user.profile_uri == f"https://www.roblox.com/users/{USER}/profile"
        assert token.user.created_at is not None
        assert token.scope == SCOPES
        assert token.expires_at == datetime.fromtimestamp(stage.clock.wall_time(), UTC) + timedelta(seconds=899)
        assert token.raw["access_token"] == token.token
        assert token.pair.refresh_token == token.refresh_token

    stage.tell(story)


def test_the_seeds_way_without_pkce_and_nonce_works(stage: Stage) -> None:
    async def story(app: OAuth2App) -> None:
        code = await code_for(stage, app, ["openid"], state="hello world")
        token = await app.exchange_code(code=code)
        assert token.user is not None
        assert (token.user.id, token.user.username, token.scope) == (USER, None, ["openid"])

    stage.tell(story)


def test_without_openid_nobody_is_known(stage: Stage) -> None:
    async def story(app: OAuth2App) -> None:
        token = await stage.sign_in(app, "universe-messaging-service:publish")
        assert token.user is None
        assert (await token.fetch_token_info()).user_id == str(USER)

    stage.tell(story)


def test_a_public_application_signs_in_with_pkce_alone(stage: Stage) -> None:
    stage.emulator.oauth.add_app(OAuthApp(id="77", public=True))

    async def story(app: OAuth2App) -> None:
        token = await stage.sign_in(app)
        assert token.user.id == USER
        renewed = await app.refresh_token(token.refresh_token)
        assert renewed.token != token.token
        await renewed.fetch_resources()
        await renewed.revoke()

    stage.tell(story, stage.app(None, id=77))


def test_userinfo_tells_what_the_scopes_allow(stage: Stage) -> None:
    async def story(app: OAuth2App) -> None:
        known = await (await stage.sign_in(app)).fetch_userinfo()
        assert (known.id, known.username, known.display_name) == (USER, "user42", "User 42")
        assert known.headshot_uri.startswith(f"{BASE}/_cdn/headshots/{USER}?")
        assert known.created_at.tzinfo is not None
        unknown = await (await stage.sign_in(app, "openid")).fetch_userinfo()
        assert (unknown.id, unknown.username, unknown.created_at, unknown.profile_uri) == (USER, None, None, None)

    stage.tell(story)


def test_resources_can_be_used_at_once(stage: Stage) -> None:
    async def story(app: OAuth2App) -> None:
        token = await stage.sign_in(app, [*SCOPES, "asset:write"], universes=[UNIVERSE], groups=[9])
        resources = await token.fetch_resources()
        assert [type(one) for one in resources.experiences] == [Experience]
        assert {(type(one), one.id) for one in resources.creators} == {(User, USER), (Group, 9)}
        await resources.experiences[0].publish_message("topic", "string-message")
        with pytest.raises(PermissionDeniedError):
            await token.user._bound_to.get().send(_publish_elsewhere())

    stage.tell(story)
    assert [message.message for message in stage.emulator.messages()] == ["string-message"]


def _publish_elsewhere() -> Any:
    from rblxcloud.endpoints import messaging
    from rblxcloud.http.request import json_call

    return json_call(messaging.PUBLISH_MESSAGE, {"universe_id": 13158}, {"topic": "t", "message": "m"})


def test_where_nothing_was_granted_there_are_no_resources(stage: Stage) -> None:
    async def story(app: OAuth2App) -> None:
        resources = await (await stage.sign_in(app, "openid")).fetch_resources()
        assert (resources.experiences, resources.creators) == ([], [])

    stage.tell(story)


def test_token_info(stage: Stage) -> None:
    async def story(app: OAuth2App) -> None:
        token = await stage.sign_in(app)
        info = await token.fetch_token_info()
        now = datetime.fromtimestamp(stage.clock.wall_time(), UTC)
        assert (info.active, info.client_id, info.user_id, info.scope) == (True, CLIENT_ID, str(USER), SCOPES)
        assert info.id
        assert (info.issued_at, info.expires_at) == (now, now + timedelta(seconds=900))
        assert info.raw["active"] is True
        stage.clock.advance(1000)
        ended = await token.fetch_token_info()
        assert (ended.active, ended.id, ended.user_id, ended.scope, ended.expires_at) == (False, None, None, [], None)

    stage.tell(story)


def test_a_refresh_brings_other_tokens_and_the_old_one_is_dead(stage: Stage) -> None:
    async def story(app: OAuth2App) -> None:
        token = await stage.sign_in(app)
        renewed = await app.refresh_token(token.refresh_token)
        assert renewed.token != token.token
        assert renewed.user is None or renewed.user.id == USER
        with pytest.raises(InvalidGrantError):
            await app.refresh_token(token.refresh_token)
        assert (await renewed.fetch_userinfo()).id == USER

    stage.tell(story)


@pytest.mark.parametrize("way", ["revoke", "revoke_refresh_token", "revoke_token"])
def test_a_revoked_grant_is_over(stage: Stage, way: str) -> None:
    async def story(app: OAuth2App) -> None:
        token = await stage.sign_in(app)
        await (app.revoke_token(token.token) if way == "revoke_token" else getattr(token, way)())
        with pytest.raises(AuthenticationError):
            await token.fetch_userinfo()
        with pytest.raises(InvalidGrantError):
            await app.refresh_token(token.refresh_token)

    stage.tell(story)


def test_a_token_from_text_is_a_partial_one(stage: Stage) -> None:
    async def story(app: OAuth2App) -> None:
        token = app.from_access_token_string((await stage.sign_in(app)).token)
        assert (await token.fetch_userinfo()).id == USER
        assert len((await token.fetch_resources()).experiences) == 2
        assert (await token.fetch_token_info()).active
        assert token.user is None
        for name in ("revoke_refresh_token", "scope", "refresh_token", "expires_at"):
            assert not hasattr(token, name)
        await token.revoke()
        with pytest.raises(AuthenticationError):
            await token.fetch_userinfo()

    stage.tell(story)


@pytest.mark.parametrize("text", ["", "two\nlines", "é", 5])
def test_text_that_no_header_carries_is_no_token(blocking_stage: Stage, text: Any) -> None:
    with pytest.raises(rblxcloud.ConfigurationError, match="token"):
        blocking_stage.app().from_access_token_string(text)


# What does not.


def test_a_wrong_code(stage: Stage) -> None:
    async def story(app: OAuth2App) -> None:
        with pytest.raises(InvalidGrantError) as caught:
            await app.exchange_code("never-given-out")
        assert caught.value.error == "invalid_grant"

    stage.tell(story)


def test_an_expired_code(stage: Stage) -> None:
    async def story(app: OAuth2App) -> None:
        code = await code_for(stage, app)
        stage.clock.advance(61)
        with pytest.raises(InvalidGrantError):
            await app.exchange_code(code)

    stage.tell(story)


def test_a_used_code(stage: Stage) -> None:
    async def story(app: OAuth2App) -> None:
        code = await code_for(stage, app)
        await app.exchange_code(code)
        with pytest.raises(InvalidGrantError):
            await app.exchange_code(code)

    stage.tell(story)


@pytest.mark.parametrize("verifier", [None, "w" * 43])
def test_a_wrong_verifier(stage: Stage, verifier: str | None) -> None:
    async def story(app: OAuth2App) -> None:
        code = await code_for(stage, app, code_verifier="v" * 43)
        with pytest.raises(InvalidGrantError):
            await app.exchange_code(code, code_verifier=verifier)

    stage.tell(story)


def test_a_denied_consent(stage: Stage) -> None:
    async def story(app: OAuth2App) -> None:
        request = app.authorize(SCOPES)
        with pytest.raises(rblxcloud.ConsentDeniedError):
            await app.finish(request, stage.emulator.oauth.deny(request.uri))
        assert stage.sent("oauth.token") == []

    stage.tell(story)


def test_a_callback_of_another_sign_in(stage: Stage) -> None:
    async def story(app: OAuth2App) -> None:
        attackers = stage.approve(app.authorize(SCOPES).uri, user=666)
        with pytest.raises(rblxcloud.StateMismatchError):
            await app.finish(app.authorize(SCOPES), attackers)
        assert stage.sent("oauth.token") == []

    stage.tell(story)


def test_a_wrong_secret(stage: Stage) -> None:
    async def story(app: OAuth2App) -> None:
        with pytest.raises(OAuth2Error, match="invalid_client"):
            await app.exchange_code(await code_for(stage, app))

    stage.tell(story, stage.app("wrong-secret"))


@pytest.mark.parametrize("code", ["", None, 1, "line\nbreak"])
@pytest.mark.parametrize("method", ["exchange_code", "refresh_token", "revoke_token"])
def test_what_cannot_be_a_token_is_refused(stage: Stage, method: str, code: Any) -> None:
    async def story(app: OAuth2App) -> None:
        with pytest.raises(InvalidRequestError):
            await getattr(app, method)(code)

    stage.tell(story)
    assert stage.emulator.requests() == []


@pytest.mark.parametrize("acts", [True, False])
@pytest.mark.parametrize("kind", ["drop", "answer", "cut"])
def test_an_exchange_whose_answer_was_lost_is_not_repeated(stage: Stage, kind: str, acts: bool) -> None:
    fault = Fault(kind=kind, status=503, acts=acts, endpoint="oauth.token", times=None)  # type: ignore[arg-type]
    stage.emulator.faults.add(fault)

    async def story(app: OAuth2App) -> None:
        code = await code_for(stage, app)
        with pytest.raises((APIConnectionError, ServerError)) as caught:
            await app.exchange_code(code)
        assert caught.value.outcome_unknown
        assert len(stage.sent("oauth.token")) == 1

    stage.tell(story)


def test_an_exchange_that_was_answered_429_is_repeated(stage: Stage) -> None:
    stage.emulator.faults.add(Fault(kind="answer", status=429, headers={"retry-after": "2"}, endpoint="oauth.token"))

    async def story(app: OAuth2App) -> None:
        assert (await stage.sign_in(app)).user.id == USER
        assert len(stage.sent("oauth.token")) == 2

    stage.tell(story)


def test_a_limit_that_does_not_end_is_told(stage: Stage) -> None:
    stage.emulator.faults.add(Fault(kind="answer", status=429, endpoint="oauth.token", times=None))

    async def story(app: OAuth2App) -> None:
        with pytest.raises(RateLimitedError) as caught:
            await app.exchange_code("code")
        assert not caught.value.outcome_unknown

    stage.tell(story)


@pytest.fixture(params=["async", "blocking"])
def scripted(request: pytest.FixtureRequest, emulator: Any) -> Any:
    """Return a function that makes a stage whose provider answers by a script."""

    def make(*steps: Any) -> Stage:
        mode = "asyncio" if request.param == "async" else "blocking"
        script = Script(steps)
        return Stage(emulator, mode, transport=httpx.MockTransport(script))

    return make


HTML = "<html><title>502</title>proxy</html>"


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (httpx.Response(502, html=HTML), ServerError),
        (httpx.Response(200, html=HTML), APIResponseError),
        (httpx.Response(200, content=b""), APIResponseError),
        (httpx.Response(200, json=[]), APIResponseError),
        (httpx.Response(200, json={"access_token": "SECRET-1", "expires_in": 899}), APIResponseError),
        (httpx.Response(200, json={"access_token": "SECRET-1", "refresh_token": "SECRET-2", "expires_in": -5}), APIResponseError),
        (httpx.Response(200, json={"access_token": "SECRET-1", "refresh_token": "SECRET-2", "expires_in": 1e300}), APIResponseError),
        (httpx.Response(200, json={"access_token": "SECRET-1", "refresh_token": "SECRET-2", "expires_in": 9, "token_type": "mac"}), APIResponseError),
        (httpx.Response(400, html=HTML), rblxcloud.BadRequestError),
        (httpx.Response(400, json={"error": "what is that"}), rblxcloud.BadRequestError),
        (httpx.Response(400, json={"error": "invalid_grant"}), InvalidGrantError),
        (httpx.Response(401, json={"error": "invalid_grant", "error_description": "used"}), InvalidGrantError),
        (httpx.Response(401, json={"error": "invalid_client"}), OAuth2Error),
        (httpx.Response(400, json={"error": "unsupported_grant_type"}), OAuth2Error),
        (httpx.Response(500, json={"error": "invalid_grant"}), ServerError),
        (httpx.Response(302, headers={"location": "https://elsewhere.example"}), rblxcloud.APIStatusError),
        (httpx.ReadTimeout("slow"), rblxcloud.APITimeoutError),
    ],
)  # fmt: skip
def test_whatever_the_provider_answers_is_an_error_of_ours_without_a_secret(
    scripted: Any, answer: Any, error: type[RblxCloudError]
) -> None:
    async def story(app: OAuth2App) -> None:
        with pytest.raises(error) as caught:
            await app.refresh_token("refresh-token-of-mine")
        shown, cause = "", caught.value
        while cause is not None:
            shown += f"{cause} {cause!r} {vars(cause)}"
            cause = cause.__cause__ or cause.__context__
        for secret in ("SECRET", "refresh-token-of-mine", "emulator-secret"):
            assert secret not in shown

    scripted(answer).tell(story)


def test_an_exchange_that_never_left_is_repeated(scripted: Any) -> None:
    refused = httpx.ConnectError("refused")
    tokens = {"access_token": "a", "refresh_token": "r", "expires_in": 899, "scope": "asset:read"}

    async def story(app: OAuth2App) -> None:
        token = await app.exchange_code("code")
        assert (token.token, token.scope, token.user) == ("a", ["asset:read"], None)

    scripted(refused, refused, httpx.Response(200, json=tokens)).tell(story)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"resource_infos": [{}]},
        {"resource_infos": [{"owner": {"id": "1", "type": "User"}, "resources": {"creator": {"ids": ["X1", "", "U0", "G"]}}}]},
        {"resource_infos": [{"resources": {"universe": {"ids": ["0", "a", "-1"]}, "creator": None}}]},
    ],
)  # fmt: skip
def test_resources_of_no_known_kind_are_left_out(scripted: Any, body: Any) -> None:
    async def story(app: OAuth2App) -> None:
        resources = await app.from_access_token_string("a").fetch_resources()
        assert (resources.experiences, resources.creators) == ([], [])

    scripted(httpx.Response(200, json=body)).tell(story)


def test_creators_of_each_kind_are_found(scripted: Any) -> None:
    infos = [
        {"owner": {"id": "5", "type": "User"}, "resources": {"creator": {"ids": ["U", "U6", "G7", "U"]}}},
        {"owner": {"id": "8", "type": "Group"}, "resources": {"universe": {"ids": ["9", "9"]}, "creator": {"ids": ["U"]}}},
    ]  # fmt: skip

    async def story(app: OAuth2App) -> None:
        resources = await app.from_access_token_string("a").fetch_resources()
        assert [(type(one), one.id) for one in resources.creators] == [(User, 5), (User, 6), (Group, 7), (Group, 8)]
        assert [one.id for one in resources.experiences] == [9]

    scripted(httpx.Response(200, json={"resource_infos": infos})).tell(story)


@pytest.mark.parametrize("sub", ["0", "abc", "-1", ""])
def test_a_userinfo_of_nobody_is_refused(scripted: Any, sub: str) -> None:
    async def story(app: OAuth2App) -> None:
        with pytest.raises(APIResponseError, match="sub"):
            await app.from_access_token_string("a").fetch_userinfo()

    scripted(httpx.Response(200, json={"sub": sub})).tell(story)


def test_a_userinfo_of_somebody_else_than_signed_in_is_refused(stage: Stage) -> None:
    async def story(app: OAuth2App) -> None:
        token = await stage.sign_in(app)
        client = await app.sign_in(token)
        stage.emulator.faults.add(
            Fault(kind="answer", status=200, body='{"sub": "666"}', endpoint="oauth.userinfo", times=None)
        )
        for asked in (token, client):
            with pytest.raises(APIResponseError, match="user 666, and user 42 signed in"):
                await asked.fetch_userinfo()

    stage.tell(story)


# What is not shown.


def test_nothing_shows_a_secret(stage: Stage) -> None:
    async def story(app: OAuth2App) -> None:
        token = await stage.sign_in(app)
        client = await app.sign_in(token)
        shown = (
            f"{app!r} {token!r} {token.pair!r} {client!r} {token.user!r} {app.from_access_token_string(token.token)!r}"
        )
        for secret in ("emulator-secret", token.token, token.refresh_token):
            assert secret not in shown

    stage.tell(story)


def test_a_token_does_not_pickle_but_its_pair_does(stage: Stage) -> None:
    async def story(app: OAuth2App) -> None:
        token = await stage.sign_in(app)
        with pytest.raises(TypeError, match="refresh_token"):
            pickle.dumps(token)
        assert pickle.loads(pickle.dumps(token.pair)) == token.pair
        assert pickle.loads(pickle.dumps(token.user)) == token.user

    stage.tell(story)


def test_no_log_sees_a_secret(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")

    async def story(app: OAuth2App) -> None:
        token = await stage.sign_in(app)
        await app.refresh_token(token.refresh_token)
        for secret in ("emulator-secret", token.token, token.refresh_token):
            assert secret not in caplog.text

    stage.tell(story)


def test_the_id_token_is_missed_where_openid_was_granted(stage: Stage) -> None:
    stage.emulator.oauth.spoil_id_token("missing")

    async def story(app: OAuth2App) -> None:
        with pytest.raises(IDTokenError) as caught:
            await stage.sign_in(app)
        assert caught.value.check == "missing"
        assert caught.value.token is not None

    stage.tell(story)
