"""ID tokens that are wrong, each in one way, and the keys that they are verified with."""

from __future__ import annotations

import base64
import hmac
import json
from typing import Any

import anyio
import anyio.lowlevel
import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from rblxcloud import IDTokenError, OAuth2App
from rblxcloud.emulator.faults import Fault
from rblxcloud.oauth2.id_token import LEEWAY_SECONDS, claimed_subject
from rblxcloud.oauth2.keys import FLOOR_SECONDS
from tests.oauth2.stages import BASE, CLIENT_ID, USER, Stage

FLAWS = {
    "alg_none": "alg",
    "hs256_public_key": "alg",
    "tampered": "signature",
    "unknown_key": "kid",
    "foreign_key": "signature",
    "wrong_issuer": "iss",
    "wrong_audience": "aud",
    "wrong_nonce": "nonce",
    "missing_nonce": "nonce",
    "missing_subject": "sub",
    "expired": "exp",
    "future": "nbf",
    "garbage": "format",
    "missing": "missing",
}


@pytest.mark.parametrize(("flaw", "check"), FLAWS.items())
def test_a_bad_token_is_refused_and_the_grant_is_not_lost(stage: Stage, flaw: Any, check: str) -> None:
    stage.emulator.oauth.spoil_id_token(flaw)

    async def story(app: OAuth2App) -> None:
        with pytest.raises(IDTokenError) as caught:
            await stage.sign_in(app)
        assert caught.value.check == check
        assert caught.value.token is not None
        renewed = await app.refresh_token(caught.value.token.refresh_token)
        assert (await renewed.fetch_userinfo()).id == USER

    stage.tell(story)


# Tokens that the emulator cannot be ordered to make: signed here, over certs of our own.

KEY = ECKey.generate_key("P-256", parameters={"kid": "k1", "alg": "ES256", "use": "sig"}, auto_kid=False)
PUBLIC = KEY.as_dict(private=False)


class Provider:
    """Answers certs and the token endpoint."""

    def __init__(self, now: float) -> None:
        now = int(now)
        self.claims: dict[str, Any] = {
            "iss": f"{BASE}/oauth/",
            "aud": CLIENT_ID,
            "sub": str(USER),
            "exp": now + 36_000,
            "iat": now,
            "nbf": now,
            "nonce": "n",
        }
        self.keys: list[Any] = [PUBLIC]
        self.id_token: str | None = None
        self.certs_asked = 0

    def sign(self, key: Any = KEY, header: dict[str, Any] | None = None) -> str:
        return jwt.encode(
            {"alg": "ES256", "kid": "k1", **(header or {})}, self.claims, key, algorithms=["ES256", "HS256"]
        )

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/certs"):
            self.certs_asked += 1
            return httpx.Response(200, json={"keys": self.keys})
        answer = {"access_token": "a", "refresh_token": "r", "expires_in": 899, "scope": "openid"}
        return httpx.Response(200, json={**answer, "id_token": self.id_token or self.sign()})


@pytest.fixture
def provided(stage: Stage) -> tuple[Stage, Provider]:
    provider = Provider(stage.clock.wall_time())
    stage.transport = httpx.MockTransport(provider)
    return stage, provider


def refused(stage: Stage, nonce: str | None = "n") -> str:
    async def story(app: OAuth2App) -> str:
        with pytest.raises(IDTokenError) as caught:
            await app.exchange_code("code", nonce=nonce)
        return caught.value.check

    return str(stage.tell(story))


def accepted(stage: Stage, nonce: str | None = "n") -> None:
    async def story(app: OAuth2App) -> None:
        token = await app.exchange_code("code", nonce=nonce)
        assert token.user is not None
        assert token.user.id == USER

    stage.tell(story)


def test_a_good_token_is_accepted(provided: tuple[Stage, Provider]) -> None:
    accepted(provided[0])
    accepted(provided[0], nonce=None)


@pytest.mark.parametrize(
    ("claim", "value", "check"),
    [
        ("iss", f"{BASE}/oauth", "iss"),
        ("iss", "https://apis.roblox.com/oauth/", "iss"),
        ("iss", [f"{BASE}/oauth/"], "iss"),
        ("iss", None, "iss"),
        ("aud", CLIENT_ID + "0", "aud"),
        ("aud", [], "aud"),
        ("aud", int(CLIENT_ID), "aud"),
        ("aud", [CLIENT_ID, "2"], "aud"),
        ("aud", None, "aud"),
        ("azp", "2", "azp"),
        ("sub", None, "sub"),
        ("sub", 42, "sub"),
        ("sub", "0", "sub"),
        ("sub", "not-a-user", "sub"),
        ("exp", None, "exp"),
        ("exp", "tomorrow", "exp"),
        ("exp", True, "exp"),
        ("iat", None, "iat"),
        ("iat", "today", "iat"),
        ("nonce", "m", "nonce"),
        ("nonce", None, "nonce"),
        ("nonce", ["n"], "nonce"),
        ("preferred_username", 5, "preferred_username"),
    ],
)
def test_a_bad_claim_is_refused_by_name(provided: tuple[Stage, Provider], claim: str, value: Any, check: str) -> None:
    stage, provider = provided
    provider.claims[claim] = value
    if value is None:
        del provider.claims[claim]
    assert refused(stage) == check


@pytest.mark.parametrize("audience", [[CLIENT_ID], CLIENT_ID])
def test_an_audience_of_this_application_alone_is_accepted(provided: tuple[Stage, Provider], audience: Any) -> None:
    provided[1].claims["aud"] = audience
    accepted(provided[0])


def test_an_audience_with_others_needs_the_authorized_party(provided: tuple[Stage, Provider]) -> None:
    provided[1].claims |= {"aud": [CLIENT_ID, "2"], "azp": CLIENT_ID}
    accepted(provided[0])


@pytest.mark.parametrize(("name", "sign"), [("exp", -1), ("iat", 1), ("nbf", 1)])
def test_clocks_may_be_a_little_apart(provided: tuple[Stage, Provider], name: str, sign: int) -> None:
    stage, provider = provided
    now = int(stage.clock.wall_time())
    provider.claims[name] = now + sign * (LEEWAY_SECONDS - 1)
    accepted(stage)
    provider.claims[name] = now + sign * (LEEWAY_SECONDS + 2)
    assert refused(stage) == name


def test_a_token_signed_with_the_public_key_as_a_secret_is_refused(provided: tuple[Stage, Provider]) -> None:
    stage, provider = provided
    signed = ".".join(_base64(json.dumps(part).encode()) for part in ({"alg": "HS256", "kid": "k1"}, provider.claims))
    digest = hmac.digest(KEY.as_pem(private=False), signed.encode(), "sha256")
    provider.id_token = f"{signed}.{_base64(digest)}"
    assert refused(stage) == "alg"


@pytest.mark.parametrize(
    ("header", "check"),
    [({"kid": None}, "kid"), ({"kid": "k2"}, "kid"), ({"crit": ["x"], "x": 1}, "format")],
)
def test_a_header_that_is_not_understood_is_refused(
    provided: tuple[Stage, Provider], header: dict[str, Any], check: str
) -> None:
    stage, provider = provided
    _, payload, signature = provider.sign().split(".")
    made = json.dumps({"alg": "ES256", "kid": "k1", **header}).encode()
    provider.id_token = ".".join([_base64(made), payload, signature])
    assert refused(stage) == check


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


@pytest.mark.parametrize("text", ["a.b.c", "..", "a" * 10_000, "é.é.é", "eyJhbGciOiJFUzI1NiJ9.e30.", "e30.e30.e30"])
def test_what_is_no_token_is_refused(provided: tuple[Stage, Provider], text: str) -> None:
    provided[1].id_token = text
    assert refused(provided[0]) in ("format", "alg", "kid")


def test_keys_of_other_kinds_are_left_out(provided: tuple[Stage, Provider]) -> None:
    stage, provider = provided
    other = ECKey.generate_key("P-384", parameters={"kid": "k1"}).as_dict(private=False)
    provider.keys = [
        {},
        {"kty": "new"},
        other,
        {**PUBLIC, "use": "enc"},
        {**PUBLIC, "alg": "ES384"},
        {**PUBLIC, "x": "!"},
    ]
    assert refused(stage) == "keys"
    provider.keys.append(PUBLIC)
    accepted(stage)


def test_a_subject_can_be_read_without_a_key() -> None:
    provider = Provider(0)
    assert claimed_subject(provider.sign()) == str(USER)
    for text in ("", "a.b.c", "é", provider.sign().split(".")[0]):
        assert claimed_subject(text) is None


# Keys: when they are fetched.


def test_keys_are_fetched_once_and_again_when_they_are_old(provided: tuple[Stage, Provider]) -> None:
    stage, provider = provided

    async def story(app: OAuth2App) -> None:
        await app.exchange_code("code")
        stage.clock.advance(119)
        await app.exchange_code("code")
        assert provider.certs_asked == 1
        stage.clock.advance(2)
        await app.exchange_code("code")
        assert provider.certs_asked == 2

    provider.claims["exp"] += 1000
    stage.tell(story, stage.app(openid_certs_cache_seconds=120))


def test_an_unknown_key_is_asked_for_once_and_not_more_often_than_the_floor(provided: tuple[Stage, Provider]) -> None:
    stage, provider = provided
    new = ECKey.generate_key("P-256", parameters={"kid": "k2"})

    async def story(app: OAuth2App) -> None:
        await app.exchange_code("code")
        stage.clock.advance(FLOOR_SECONDS)
        provider.id_token = provider.sign(new, {"kid": "k2"})
        for _ in range(3):
            with pytest.raises(IDTokenError, match="kid"):
                await app.exchange_code("code")
        assert provider.certs_asked == 2
        provider.keys.append(new.as_dict(private=False))
        stage.clock.advance(FLOOR_SECONDS)
        await app.exchange_code("code")
        assert provider.certs_asked == 3

    stage.tell(story)


def test_a_key_that_roblox_rotates_to_is_found_at_once(stage: Stage) -> None:
    async def story(app: OAuth2App) -> None:
        await stage.sign_in(app)
        stage.clock.advance(FLOOR_SECONDS)
        stage.emulator.oauth.rotate_keys()
        assert (await stage.sign_in(app)).user.id == USER
        assert len(stage.sent("oauth.certs")) == 2

    stage.tell(story)


def test_old_keys_are_good_while_roblox_is_down(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    async def story(app: OAuth2App) -> None:
        await stage.sign_in(app)
        stage.emulator.faults.add(Fault(kind="answer", status=503, endpoint="oauth.certs", times=None))
        stage.clock.advance(121)
        assert (await stage.sign_in(app)).user.id == USER
        asked = len(stage.sent("oauth.certs"))
        assert (await stage.sign_in(app)).user.id == USER
        assert len(stage.sent("oauth.certs")) == asked
        stage.emulator.faults.clear()
        stage.clock.advance(FLOOR_SECONDS)
        assert (await stage.sign_in(app)).user.id == USER
        assert len(stage.sent("oauth.certs")) == asked + 1

    stage.tell(story, stage.app(openid_certs_cache_seconds=120))
    assert "signing keys could not be fetched" in caplog.text


def test_while_roblox_is_down_an_unknown_key_is_not_asked_for_more_often_than_the_floor(
    provided: tuple[Stage, Provider],
) -> None:
    stage, provider = provided
    new = ECKey.generate_key("P-256", parameters={"kid": "k2"})

    async def story(app: OAuth2App) -> None:
        await app.exchange_code("code")
        stage.clock.advance(FLOOR_SECONDS)
        provider.keys, provider.id_token = [], provider.sign(new, {"kid": "k2"})
        for _ in range(3):
            with pytest.raises(IDTokenError, match="could not be fetched"):
                await app.exchange_code("code")
        assert provider.certs_asked == 2

    stage.tell(story)


@pytest.mark.parametrize(
    "fault", [{"kind": "drop"}, {"kind": "answer", "status": 503}, {"kind": "answer", "status": 200, "body": "<html>"}]
)
def test_without_any_key_the_grant_is_not_lost(stage: Stage, fault: dict[str, Any]) -> None:
    stage.emulator.faults.add(Fault(endpoint="oauth.certs", times=None, **fault))

    async def story(app: OAuth2App) -> None:
        with pytest.raises(IDTokenError) as caught:
            await stage.sign_in(app)
        assert caught.value.check == "keys"
        assert caught.value.token is not None
        stage.emulator.faults.clear()
        assert (await stage.sign_in(app)).user.id == USER

    stage.tell(story)


def test_one_fetch_serves_many_waiting_tasks(async_stage: Stage) -> None:
    provider = Provider(async_stage.clock.wall_time())

    async def slowly(request: httpx.Request) -> httpx.Response:
        await anyio.lowlevel.checkpoint()
        return provider(request)

    async_stage.transport = httpx.MockTransport(slowly)

    async def story(app: OAuth2App) -> None:
        async with anyio.create_task_group() as group:
            for _ in range(20):
                group.start_soon(app.exchange_code, "code")
        assert provider.certs_asked == 1

    async_stage.tell(story)


def test_one_failed_fetch_serves_many_waiting_tasks(async_stage: Stage) -> None:
    provider = Provider(async_stage.clock.wall_time())
    provider.keys = []

    async def slowly(request: httpx.Request) -> httpx.Response:
        await anyio.lowlevel.checkpoint()
        return provider(request)

    async_stage.transport = httpx.MockTransport(slowly)

    async def story(app: OAuth2App) -> None:
        async def fail() -> None:
            with pytest.raises(IDTokenError, match="keys"):
                await app.exchange_code("code")

        async with anyio.create_task_group() as group:
            for _ in range(20):
                group.start_soon(fail)
        assert provider.certs_asked == 1

    async_stage.tell(story)
