"""The token endpoint: codes and refresh tokens, who may exchange them, when, and how often."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from rblxcloud.emulator.clock import Clock
from rblxcloud.emulator.core import Emulator
from rblxcloud.emulator.oauth.apps import OAuthApp
from tests.emulator.oauth_app import CHALLENGE, CLIENT_ID, EVERYTHING, REDIRECT, SECRET, VERIFIER, App, bearer
from tests.support.emulator import START, Caller

NOW = int(START)


def header_of(token: str) -> Any:
    return json.loads(base64.urlsafe_b64decode(token.partition(".")[0] + "=="))


def claims_of(emulator: Emulator, token: str) -> Any:
    keys = KeySet.import_key_set(Caller(emulator)("GET", "/oauth/v1/certs", key=None).json)
    decoded = jwt.decode(token, keys, algorithms=["ES256"])
    assert decoded.header["typ"] == "JWT"
    return decoded.claims


# --- a code becomes tokens


def test_a_code_becomes_three_tokens(app: App) -> None:
    answer = app.exchange(app.code())
    assert answer.status == 200
    body = answer.json
    texts = {name: body.pop(name) for name in ("access_token", "refresh_token", "id_token")}
    assert len(set(texts.values())) == 3
    assert body == {"token_type": "Bearer", "expires_in": 899, "scope": EVERYTHING}
    assert answer.headers["cache-control"] == "no-store"


def test_the_access_token_is_a_signed_jwt_of_the_authorization(emulator: Emulator, app: App) -> None:
    tokens = app.sign_in(app.uri(scope="openid profile universe:write"), user=42)
    claims = claims_of(emulator, tokens["access_token"])
    assert claims.pop("jti").startswith("AT.")
    (authorization,) = emulator.oauth.authorizations()
    assert claims == {
        "sub": "42",
        "aid": authorization.id,
        "scope": "openid:read profile:read universe:write",
        "nbf": NOW,
        "iat": NOW,
        "exp": NOW + 900,
        "iss": "http://localhost/oauth/",
        "aud": CLIENT_ID,
    }


def test_the_id_token_tells_the_user_and_the_nonce(emulator: Emulator, app: App) -> None:
    tokens = app.sign_in(app.uri(nonce="n-1"), user=42)
    claims = claims_of(emulator, tokens["id_token"])
    assert claims.pop("jti").startswith("ID.")
    assert claims == {
        "sub": "42",
        "name": "User 42",
        "nickname": "User 42",
        "preferred_username": "user42",
        "created_at": 1373701800,
        "profile": "https://www.roblox.com/users/42/profile",
        "nonce": "n-1",
        "nbf": NOW,
        "iat": NOW,
        "exp": NOW + 36_000,
        "iss": "http://localhost/oauth/",
        "aud": CLIENT_ID,
    }


def test_with_openid_alone_the_id_token_tells_only_who(emulator: Emulator, app: App) -> None:
    claims = claims_of(emulator, app.sign_in(app.uri(scope="openid"))["id_token"])
    assert claims.keys() == {"sub", "jti", "nbf", "exp", "iat", "iss", "aud"}


def test_without_openid_there_is_no_id_token(app: App) -> None:
    tokens = app.sign_in(app.uri(scope="universe:write"))
    assert "id_token" not in tokens
    assert tokens["scope"] == "universe:write"


def test_the_refresh_token_is_sealed(app: App) -> None:
    text = app.sign_in()["refresh_token"]
    header = header_of(text)
    assert (header["alg"], header["enc"], text.count(".")) == ("dir", "A256CBC-HS512", 4)


def test_the_issuer_is_where_the_caller_found_the_emulator(emulator: Emulator, app: App) -> None:
    code = app.code()
    form = {"grant_type": "authorization_code", "code": code, **app.credentials}
    tokens = app.post("token", {"host": "localhost:7"}, **form).json
    assert claims_of(emulator, tokens["id_token"])["iss"] == "http://localhost:7/oauth/"


# --- a code works once, for a minute, for its application


def test_a_code_works_once(app: App) -> None:
    code = app.code()
    assert app.exchange(code).status == 200
    again = app.exchange(code)
    assert (again.status, again.json["error"]) == (400, "invalid_grant")


@pytest.mark.parametrize(("seconds", "status"), [(59.9, 200), (60, 400)])
def test_a_code_lives_sixty_seconds(app: App, clock: Clock, seconds: float, status: int) -> None:
    code = app.code()
    clock.advance(seconds)
    assert app.exchange(code).status == status


def test_a_code_belongs_to_its_application(emulator: Emulator, app: App) -> None:
    emulator.oauth.add_app(OAuthApp(id="42"), "other")
    stolen = app.exchange(app.code(), client_id="42", client_secret="other")
    assert (stolen.status, stolen.json["error"]) == (400, "invalid_grant")


def test_a_code_of_a_revoked_grant_is_worth_nothing(emulator: Emulator, app: App) -> None:
    code = app.code()
    assert emulator.oauth.revoke(user=1) == 1
    assert app.exchange(code).json["error"] == "invalid_grant"


@pytest.mark.parametrize(("uri", "status"), [(REDIRECT, 200), (f"{REDIRECT}/", 400), ("http://localhost:9066", 400)])
def test_a_redirect_uri_at_the_exchange_has_to_be_the_same(app: App, uri: str, status: int) -> None:
    assert app.exchange(app.code(), redirect_uri=uri).status == status


def test_a_refused_exchange_leaves_the_code_good(app: App) -> None:
    code = app.code()
    assert app.exchange(code, client_secret="wrong").status == 401
    assert app.exchange(code).status == 200


# --- PKCE


@pytest.mark.parametrize(
    ("challenge", "verifier", "error"),
    [
        (CHALLENGE, VERIFIER, None),
        (CHALLENGE, "w" * 43, "invalid_grant"),
        (CHALLENGE, None, "invalid_grant"),
        (CHALLENGE, "v" * 42, "invalid_request"),
        (CHALLENGE, "v" * 129, "invalid_request"),
        (CHALLENGE, "ü" * 43, "invalid_request"),
        (None, VERIFIER, "invalid_grant"),
    ],
)
def test_the_verifier_has_to_be_that_of_the_challenge(
    app: App, challenge: str | None, verifier: str | None, error: str | None
) -> None:
    method = "S256" if challenge else None
    code = app.code(app.uri(code_challenge=challenge, code_challenge_method=method))
    answer = app.exchange(code, **({"code_verifier": verifier} if verifier else {}))
    assert (answer.status, answer.json.get("error")) == ((200, None) if error is None else (400, error))


def test_a_public_application_needs_no_secret(emulator: Emulator) -> None:
    emulator.oauth.add_app(OAuthApp(id="77", public=True))
    app = App(emulator, {"client_id": "77"})
    code = app.code(app.uri(code_challenge=CHALLENGE, code_challenge_method="S256"))
    tokens = app.exchange(code, code_verifier=VERIFIER)
    assert tokens.status == 200
    assert app.refresh(tokens.json["refresh_token"]).status == 200
    assert app.ask("introspect", tokens.json["access_token"]).json["active"] is True


# --- who the application is


def basic(client_id: str, secret: str) -> dict[str, str]:
    return {"authorization": f"Basic {base64.b64encode(f'{client_id}:{secret}'.encode()).decode()}"}


def test_the_secret_may_come_in_http_basic(app: App) -> None:
    answer = app.post("token", basic(CLIENT_ID, SECRET), grant_type="authorization_code", code=app.code())
    assert answer.status == 200


@pytest.mark.parametrize("sent", ["a+b%/", "a%2Bb%25%2F"])
def test_a_secret_in_http_basic_may_be_form_encoded(emulator: Emulator, app: App, sent: str) -> None:
    emulator.oauth.add_app(OAuthApp(id=CLIENT_ID), "a+b%/")
    assert app.post("token", basic(CLIENT_ID, sent), grant_type="authorization_code", code=app.code()).status == 200


@pytest.mark.parametrize(
    "credentials",
    [
        {"client_id": CLIENT_ID, "client_secret": "wrong"},
        {"client_id": CLIENT_ID},
        {"client_id": "5", "client_secret": SECRET},
    ],
)
def test_a_wrong_application_is_401(emulator: Emulator, app: App, credentials: dict[str, str]) -> None:
    code, token = app.code(), app.sign_in()["access_token"]
    stranger = App(emulator, credentials)
    for answer in (
        stranger.exchange(code),
        stranger.refresh("x"),
        *(stranger.ask(path, token) for path in ("introspect", "resources", "revoke")),
    ):
        assert (answer.status, answer.json["error"]) == (401, "invalid_client")
        assert answer.json["error_description"]
        assert "www-authenticate" not in answer.headers


@pytest.mark.parametrize("header", [basic(CLIENT_ID, "wrong")["authorization"], "Basic !", "Basic YQ==", "Bearer a"])
def test_a_wrong_authorization_header_is_401_with_a_challenge(app: App, header: str) -> None:
    answer = app.post("token", {"authorization": header}, grant_type="authorization_code", code=app.code())
    assert (answer.status, answer.json["error"]) == (401, "invalid_client")
    assert answer.headers["www-authenticate"].startswith("Basic")


@pytest.mark.parametrize("form", [{"client_secret": SECRET}, {"client_id": "5"}])
def test_two_ways_to_authenticate_are_400(app: App, form: dict[str, str]) -> None:
    header = basic(CLIENT_ID, SECRET)
    answer = app.post("token", header, grant_type="authorization_code", code=app.code(), **form)
    assert (answer.status, answer.json["error"]) == (400, "invalid_request")


def test_a_public_application_with_a_secret_is_401(emulator: Emulator) -> None:
    emulator.oauth.add_app(OAuthApp(id="77", public=True))
    assert App(emulator, {"client_id": "77", "client_secret": "x"}).refresh("x").status == 401


# --- refreshing


def test_a_refresh_token_gives_a_new_pair_and_works_once(emulator: Emulator, app: App) -> None:
    first = app.sign_in(app.uri(nonce="n-1"))
    second = app.refresh(first["refresh_token"])
    assert second.status == 200
    assert second.json["scope"] == first["scope"]
    assert {second.json[name] for name in ("access_token", "refresh_token")}.isdisjoint(first.values())
    claims = claims_of(emulator, second.json["id_token"])
    assert (claims["sub"], claims.get("nonce")) == ("1", None)
    again = app.refresh(first["refresh_token"])
    assert (again.status, again.json["error"]) == (400, "invalid_grant")
    assert app.refresh(second.json["refresh_token"]).status == 200, "a reused token leaves the others alone"


def test_a_refresh_token_lives_ninety_days(app: App, clock: Clock) -> None:
    first = app.sign_in()["refresh_token"]
    clock.advance(90 * 86_400 - 1)
    second = app.refresh(first)
    assert second.status == 200
    clock.advance(90 * 86_400)
    late = app.refresh(second.json["refresh_token"])
    assert (late.status, late.json["error"]) == (400, "invalid_grant")


@pytest.mark.parametrize("name", ["access_token", "id_token"])
def test_only_a_refresh_token_refreshes(app: App, name: str) -> None:
    assert app.refresh(app.sign_in()[name]).json["error"] == "invalid_grant"


def test_a_refresh_token_belongs_to_its_application(emulator: Emulator, app: App) -> None:
    emulator.oauth.add_app(OAuthApp(id="42"), "other")
    token = app.sign_in()["refresh_token"]
    assert app.refresh(token, client_id="42", client_secret="other").json["error"] == "invalid_grant"
    assert app.refresh(token).status == 200


def test_a_refresh_token_of_a_removed_application_is_worth_nothing(emulator: Emulator, app: App) -> None:
    tokens = app.sign_in()
    assert emulator.oauth.remove_app(CLIENT_ID)
    assert app.refresh(tokens["refresh_token"]).json["error"] == "invalid_client"
    userinfo = Caller(emulator)("GET", "/oauth/v1/userinfo", key=None, headers=bearer(tokens["access_token"]))
    assert userinfo.status == 401


# --- wrong requests


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({}, "invalid_request"),
        ({"grant_type": ""}, "invalid_request"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": "client_credentials"}, "unsupported_grant_type"),
        ({"grant_type": "authorization_code"}, "invalid_request"),
        ({"grant_type": "refresh_token", "refresh_token": ""}, "invalid_request"),
        ({"grant_type": "authorization_code", "code": "wrong"}, "invalid_grant"),
        ({"grant_type": "refresh_token", "refresh_token": "wrong"}, "invalid_grant"),
    ],
)
def test_wrong_parameters_are_400(app: App, form: dict[str, str], error: str) -> None:
    answer = app.post("token", **app.credentials, **form)
    assert (answer.status, answer.json["error"]) == (400, error)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", "application/x-www-form-urlencoded"),
        (b'{"grant_type": "refresh_token"}', "application/json"),
        (b"grant_type=refresh_token&grant_type=password", "application/x-www-form-urlencoded"),
        (b"grant_type=%ff", "application/x-www-form-urlencoded"),
        (b"grant_type=\xff", "application/x-www-form-urlencoded"),
    ],
)
def test_what_is_no_form_is_400(call: Caller, body: bytes, kind: str) -> None:
    answer = call("POST", "/oauth/v1/token", body, key=None, headers={"content-type": kind})
    assert (answer.status, answer.json["error"]) == (400, "invalid_request")
    assert answer.json.keys() == {"error", "error_description"}
