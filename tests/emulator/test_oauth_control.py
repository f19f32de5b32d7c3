"""The provider under control: applications, headless consent, bad ID tokens, restarts, and the command."""

from __future__ import annotations

import base64
import gc
import hashlib
import hmac
import json
import threading
import weakref
from pathlib import Path
from typing import Any

import httpx
import pytest
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet

from rblxcloud.emulator import Emulator, OAuthApp
from rblxcloud.emulator.clock import Clock
from rblxcloud.emulator.oauth.flaws import IDTokenFlaw
from tests.emulator.oauth_app import CLIENT_ID, REDIRECT, App, bearer, query_of
from tests.support.emulator import START, Answer, Caller, running

CONTROL = "/_emulator/oauth"


def read(token: str) -> tuple[Any, Any, str]:
    """Header, claims and signature, unverified."""
    header, claims, signature = token.split(".")
    decoded = (json.loads(base64.urlsafe_b64decode(part + "==")) for part in (header, claims))
    return *decoded, signature


# --- ID tokens that are wrong


def spoiled(emulator: Emulator, app: App, flaw: IDTokenFlaw) -> tuple[str, KeySet]:
    emulator.oauth.spoil_id_token(flaw)
    token = app.sign_in(app.uri(nonce="n"))["id_token"]
    return token, KeySet.import_key_set(Caller(emulator)("GET", "/oauth/v1/certs", key=None).json)


@pytest.mark.parametrize(
    ("flaw", "changed"),
    [
        ("wrong_issuer", {"iss": "https://issuer.example/oauth/"}),
        ("wrong_audience", {"aud": "666"}),
        ("wrong_nonce", {"nonce": "of-another-login"}),
        ("missing_nonce", {"nonce": None}),
        ("wrong_subject", {"sub": "666"}),
        ("missing_subject", {"sub": None}),
        ("expired", {"exp": START - 3600, "iat": START - 39_600, "nbf": START - 39_600}),
        ("future", {"exp": START + 39_600, "iat": START + 3600, "nbf": START + 3600}),
    ],
)
def test_a_flawed_claim_is_signed_as_if_it_were_right(
    emulator: Emulator, app: App, flaw: IDTokenFlaw, changed: dict[str, object]
) -> None:
    token, keys = spoiled(emulator, app, flaw)
    claims = jwt.decode(token, keys).claims
    right = {"iss": "http://localhost/oauth/", "aud": CLIENT_ID, "nonce": "n", "sub": "1", "iat": int(START)}
    expected = {**right, **changed}
    assert {name: claims.get(name) for name in expected} == expected


def test_alg_none_has_no_signature(emulator: Emulator, app: App) -> None:
    header, claims, signature = read(spoiled(emulator, app, "alg_none")[0])
    assert (header["alg"], claims["sub"], signature) == ("none", "1", "")


def test_hs256_is_signed_with_the_public_key(emulator: Emulator, app: App) -> None:
    token, keys = spoiled(emulator, app, "hs256_public_key")
    header, _, signature = read(token)
    key = keys.get_by_kid(header["kid"])
    assert isinstance(key, ECKey)
    digest = hmac.new(key.as_pem(private=False), token.rpartition(".")[0].encode(), hashlib.sha256).digest()
    assert (header["alg"], base64.urlsafe_b64decode(signature + "==")) == ("HS256", digest)


@pytest.mark.parametrize(
    ("flaw", "known"), [("tampered", True), ("foreign_key", True), ("unknown_key", False), ("garbage", None)]
)
def test_a_forged_token_does_not_verify(emulator: Emulator, app: App, flaw: IDTokenFlaw, known: bool | None) -> None:
    token, keys = spoiled(emulator, app, flaw)
    with pytest.raises((JoseError, ValueError)):
        jwt.decode(token, keys)
    if known is not None:
        assert (read(token)[0]["kid"] in {key.kid for key in keys.keys}) is known


def test_an_id_token_can_be_missing(emulator: Emulator, app: App) -> None:
    emulator.oauth.spoil_id_token("missing")
    assert "id_token" not in app.sign_in()


def test_flaws_strike_once_in_their_order_and_refreshes_too(emulator: Emulator, app: App) -> None:
    emulator.oauth.spoil_id_token("wrong_subject")
    emulator.oauth.spoil_id_token("wrong_audience")
    first = app.sign_in()
    second = app.refresh(first["refresh_token"]).json
    third = app.refresh(second["refresh_token"]).json
    claims = [read(tokens["id_token"])[1] for tokens in (first, second, third)]
    assert [(claim["sub"], claim["aud"]) for claim in claims] == [("666", CLIENT_ID), ("1", "666"), ("1", CLIENT_ID)]


def test_a_refused_request_uses_up_no_flaw(emulator: Emulator, app: App) -> None:
    emulator.oauth.spoil_id_token("missing")
    assert app.exchange("wrong").status == 400
    assert "id_token" not in app.sign_in()


# --- the control API


def test_a_browser_can_be_replaced_by_one_request(app: App, call: Caller) -> None:
    granted = {"user": 42, "scopes": ["openid", "universe:write"], "universes": [7], "groups": [], "asCreator": False}
    answer = call("POST", f"{CONTROL}/approve", {"uri": app.uri(state="s"), **granted}, key=None)
    location = answer.json["location"]
    assert query_of(location)["state"] == "s"
    assert app.exchange(query_of(location)["code"]).json["scope"] == "openid universe:write"
    (authorization,) = call("GET", f"{CONTROL}/authorizations", key=None).json["authorizations"]
    number = authorization.pop("id")
    assert authorization == {
        "clientId": CLIENT_ID,
        "user": "42",
        "scopes": ["openid", "universe:write"],
        "universes": ["7"],
        "groups": [],
        "users": [],
        "createdAt": "2027-01-15T08:00:00Z",
        "endedAt": None,
    }
    assert call("DELETE", f"{CONTROL}/authorizations/{number}", key=None).json == {"revoked": 1}
    assert call("DELETE", f"{CONTROL}/authorizations/{number}", key=None).status == 404


def test_denial_is_one_request_too(app: App, call: Caller) -> None:
    location = call("POST", f"{CONTROL}/deny", {"uri": app.uri()}, key=None).json["location"]
    assert location.startswith(f"{REDIRECT}?error=access_denied&")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("approve", {}),
        ("approve", {"uri": "nonsense"}),
        ("approve", {"uri": "{uri}", "user": "me"}),
        ("approve", {"uri": "{uri}", "scopes": "openid"}),
        ("approve", {"uri": "{uri}", "scopes": ["asset:read"]}),
        ("approve", {"uri": "{uri}", "scope": ["openid"]}),
        ("approve", {"uri": "{uri}", "asCreator": "no"}),
        ("deny", {"uri": 5}),
        ("deny", []),
        ("apps", {"id": "not digits", "secret": "s"}),
        ("apps", {"id": "5"}),
        ("apps", {"id": "5", "secret": 5}),
        ("apps", {"id": "5", "public": True, "secret": "s"}),
        ("apps", {"id": "5", "secret": "s", "redirectUris": ["ftp"]}),
        ("apps", {"id": "5", "secret": "s", "unknown": 1}),
        ("keys", {"keep": "no"}),
        ("flaws", {"flaw": "small"}),
        ("flaws", {}),
    ],
)
def test_wrong_control_requests_are_400(app: App, call: Caller, path: str, body: Any) -> None:
    sent = json.loads(json.dumps(body).replace('"{uri}"', json.dumps(app.uri())))
    answer = call("POST", f"{CONTROL}/{path}", sent, key=None)
    assert answer.status == 400
    assert answer.json["error"]


@pytest.mark.parametrize(("method", "path"), [("GET", "approve"), ("POST", "nothing"), ("GET", ""), ("PUT", "apps/1")])
def test_what_is_no_control_is_404_or_405(call: Caller, method: str, path: str) -> None:
    assert call(method, f"{CONTROL}/{path}", key=None).status in (404, 405)


def test_applications_can_be_added_and_removed(call: Caller, emulator: Emulator) -> None:
    record = {"id": "123456789012345678901234", "name": "Mine", "redirectUris": ["https://site.example/cb"]}
    made = call("POST", f"{CONTROL}/apps", {**record, "secret": "s3cret", "scopes": ["openid"]}, key=None)
    assert made.json == {**record, "public": False, "scopes": ["openid"]}
    told = call("GET", f"{CONTROL}/apps", key=None)
    assert [app["id"] for app in told.json["apps"]] == [CLIENT_ID, record["id"]]
    assert "s3cret" not in told.reply.body.decode()
    mine = App(emulator, {"client_id": record["id"], "client_secret": "s3cret"})
    assert mine.sign_in(mine.uri(scope="openid", redirect_uri="https://site.example/cb"))["scope"] == "openid"
    assert call("DELETE", f"{CONTROL}/apps/{record['id']}", key=None).status == 200
    assert call("DELETE", f"{CONTROL}/apps/{record['id']}", key=None).status == 404


def test_keys_grants_and_flaws_by_request(app: App, call: Caller) -> None:
    tokens = app.sign_in()
    kid = call("POST", f"{CONTROL}/keys", key=None).json["kid"]
    assert [key["kid"] for key in call("GET", "/oauth/v1/certs", key=None).json["keys"]][-1] == kid
    assert call("POST", f"{CONTROL}/keys", {"keep": False}, key=None).status == 200
    assert len(call("GET", "/oauth/v1/certs", key=None).json["keys"]) == 1
    assert call("POST", f"{CONTROL}/flaws", {"flaw": "missing"}, key=None).json == {"flaw": "missing"}
    assert "id_token" not in app.sign_in()
    assert call("DELETE", f"{CONTROL}/authorizations?user=2", key=None).json == {"revoked": 0}
    assert call("DELETE", f"{CONTROL}/authorizations?user=1&clientId={CLIENT_ID}", key=None).json == {"revoked": 2}
    assert app.refresh(tokens["refresh_token"]).status == 400


def test_a_reset_forgets_everything_and_signs_with_a_new_key(emulator: Emulator, app: App, call: Caller) -> None:
    tokens = app.sign_in()
    before = call("GET", "/oauth/v1/certs", key=None).json
    emulator.oauth.add_app(OAuthApp(id="5"), "s")
    emulator.reset()
    assert app.refresh(tokens["refresh_token"]).status == 400
    assert call("GET", "/oauth/v1/certs", key=None).json != before
    assert [known.id for known in emulator.oauth.list_apps()] == [CLIENT_ID]
    assert emulator.oauth.authorizations() == []


# --- state


def test_a_restart_keeps_keys_applications_and_tokens(tmp_path: Path) -> None:
    database = tmp_path / "state.db"
    with Emulator(database=database) as emulator:
        emulator.oauth.add_app(OAuthApp(id="42", name="Mine"), "secret")
        app = App(emulator, {"client_id": "42", "client_secret": "secret"})
        tokens, code = app.sign_in(), app.code()
        certs = Caller(emulator)("GET", "/oauth/v1/certs", key=None).json
    with Emulator(database=database) as emulator:
        app = App(emulator, {"client_id": "42", "client_secret": "secret"})
        call = Caller(emulator)
        assert call("GET", "/oauth/v1/certs", key=None).json == certs
        assert call("GET", "/oauth/v1/userinfo", key=None, headers=bearer(tokens["access_token"])).status == 200
        assert app.exchange(code).status == 200
        assert app.refresh(tokens["refresh_token"]).status == 200
        assert app.refresh(tokens["refresh_token"]).status == 400


def test_no_secret_and_no_token_stands_in_the_database(tmp_path: Path) -> None:
    database = tmp_path / "state.db"
    with Emulator(database=database) as emulator:
        app = App(emulator)
        code = app.code()
        tokens = app.exchange(code).json
    kept = database.read_bytes()
    for text in (code, "emulator-secret", *(tokens[name] for name in ("access_token", "refresh_token", "id_token"))):
        assert text.encode() not in kept


def test_a_forgotten_emulator_is_gone_at_once() -> None:
    gc.disable()
    try:
        gone = weakref.ref(Emulator())
        assert gone() is None
    finally:
        gc.enable()


def test_of_many_refreshes_at_once_one_wins(app: App) -> None:
    token = app.sign_in()["refresh_token"]
    answers: list[Answer] = []
    threads = [threading.Thread(target=lambda: answers.append(app.refresh(token))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer.status for answer in answers) == [200] + [400] * 7


def test_a_clock_that_goes_back_gives_life_back(app: App, clock: Clock) -> None:
    token = app.sign_in()["access_token"]
    clock.advance(900)
    assert app.ask("introspect", token).json == {"active": False}
    clock.advance(-1)
    assert app.ask("introspect", token).json["active"] is True


def test_applications_of_ones_own_replace_the_default_one() -> None:
    with Emulator(oauth_apps={"7": "s", "8": None}) as emulator:
        assert [(app.id, app.public) for app in emulator.oauth.list_apps()] == [("7", False), ("8", True)]


# --- the command


def test_the_command_registers_applications() -> None:
    with running("--oauth-app", "42:se:cret", "--oauth-app", "77") as (_, line):
        base_url = line.rpartition(" ")[2]
        apps = httpx.get(f"{base_url}{CONTROL}/apps").json()["apps"]
        assert [(app["id"], app["public"]) for app in apps] == [("42", False), ("77", True)]
        form = {"token": "x", "client_id": "42", "client_secret": "se:cret"}
        assert httpx.post(f"{base_url}/oauth/v1/token/introspect", data=form).json() == {"active": False}


@pytest.mark.parametrize("text", ["", ":secret", "name:secret", "²:secret", "1" * 31])
def test_the_command_refuses_what_is_no_application(text: str) -> None:
    with running("--oauth-app", text) as (process, line):
        assert line == ""
        _, said = process.communicate(timeout=10)
        assert process.returncode == 2
    assert "it has to be ID:SECRET" in said
    assert "secret" not in said.partition("error:")[2]
