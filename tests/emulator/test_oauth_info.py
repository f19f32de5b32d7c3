"""Discovery, certs, introspection, granted resources, revocation and userinfo."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import urlsplit

import httpx
import pytest
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from rblxcloud.emulator import Emulator, EmulatorTransport, serve
from rblxcloud.emulator.assets.images import dimensions
from rblxcloud.emulator.clock import Clock
from rblxcloud.emulator.faults import Fault
from rblxcloud.emulator.oauth.apps import OAuthApp
from tests.emulator.oauth_app import CLIENT_ID, EVERYTHING, App, bearer
from tests.support.emulator import START, Answer, Caller

CLAIMS = {
    *("sub", "type", "iss", "aud", "exp", "iat", "nonce", "name", "nickname", "preferred_username", "created_at"),
    *("profile", "email", "email_verified", "verified", "age_bracket", "premium", "roles", "internal_user"),
}
DISCOVERY = "/oauth/.well-known/openid-configuration"


# --- discovery


def test_discovery_names_everything_under_the_base_url(emulator: Emulator) -> None:
    with serve(emulator) as base_url:
        document = httpx.get(base_url + DISCOVERY).json()
    oauth = f"{base_url}/oauth"
    assert set(document.pop("claims_supported")) == CLAIMS
    assert document == {
        "issuer": f"{oauth}/",
        "authorization_endpoint": f"{oauth}/v1/authorize",
        "token_endpoint": f"{oauth}/v1/token",
        "introspection_endpoint": f"{oauth}/v1/token/introspect",
        "revocation_endpoint": f"{oauth}/v1/token/revoke",
        "resources_endpoint": f"{oauth}/v1/token/resources",
        "userinfo_endpoint": f"{oauth}/v1/userinfo",
        "jwks_uri": f"{oauth}/v1/certs",
        "registration_endpoint": "https://create.roblox.com/dashboard/credentials",
        "service_documentation": "https://create.roblox.com/docs/reference/cloud",
        "scopes_supported": ["openid", "profile", "email", "verification", "credentials", "age", "premium", "roles"],
        "response_types_supported": ["none", "code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
        "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
    }


@pytest.mark.parametrize("base_url", ["https://apis.roblox.com", "http://emulator", "http://[::1]:5"])
def test_in_process_the_issuer_is_the_clients_base_url(emulator: Emulator, base_url: str) -> None:
    with httpx.Client(transport=EmulatorTransport(emulator), base_url=base_url) as client:
        assert client.get(DISCOVERY).json()["issuer"] == f"{base_url}/oauth/"


# --- certs


def test_certs_tell_public_es256_keys(call: Caller) -> None:
    (key,) = call("GET", "/oauth/v1/certs", key=None).json["keys"]
    assert {name: key[name] for name in ("kty", "crv", "alg", "use")} == {
        "kty": "EC",
        "crv": "P-256",
        "alg": "ES256",
        "use": "sig",
    }
    assert key.keys() == {"kty", "crv", "alg", "use", "kid", "x", "y"}


def keys(call: Caller) -> KeySet:
    return KeySet.import_key_set(call("GET", "/oauth/v1/certs", key=None).json)


def test_a_rotated_key_still_verifies_what_it_signed(emulator: Emulator, app: App, call: Caller) -> None:
    old = app.sign_in()["id_token"]
    kid = emulator.oauth.rotate_keys()
    new = app.sign_in()["id_token"]
    assert jwt.decode(new, keys(call)).header["kid"] == kid != jwt.decode(old, keys(call)).header["kid"]


def test_a_key_that_is_not_kept_is_gone(emulator: Emulator, app: App, call: Caller) -> None:
    tokens = app.sign_in()
    emulator.oauth.rotate_keys(keep=False)
    assert len(keys(call).keys) == 1
    with pytest.raises((JoseError, ValueError)):
        jwt.decode(tokens["id_token"], keys(call))
    userinfo = call("GET", "/oauth/v1/userinfo", key=None, headers=bearer(tokens["access_token"]))
    assert userinfo.status == 200, "access tokens are known by their text"


# --- introspection


@pytest.mark.parametrize(
    ("name", "prefix", "seconds"),
    [("access_token", "AT.", 900), ("refresh_token", "RT.", 90 * 86_400), ("id_token", "ID.", 36_000)],
)
def test_introspection_tells_about_every_kind(app: App, clock: Clock, name: str, prefix: str, seconds: int) -> None:
    token = app.sign_in(user=42)[name]
    told = app.ask("introspect", token).json
    assert told.pop("jti").startswith(prefix)
    assert told == {
        "active": True,
        "iss": "http://localhost/oauth/",
        "token_type": "Bearer",
        "client_id": CLIENT_ID,
        "aud": CLIENT_ID,
        "sub": "42",
        "scope": EVERYTHING,
        "iat": int(START),
        "exp": int(START) + seconds,
    }
    clock.advance(seconds - 1)
    assert app.ask("introspect", token).json["active"] is True
    clock.advance(1)
    assert app.ask("introspect", token).json == {"active": False}


def test_a_revoked_token_is_active_until_it_expires(app: App, clock: Clock) -> None:
    token = app.sign_in()["access_token"]
    app.ask("revoke", token)
    assert app.ask("introspect", token).json["active"] is True
    clock.advance(900)
    assert app.ask("introspect", token).json == {"active": False}


def test_what_was_never_issued_or_to_another_is_inactive(emulator: Emulator, app: App) -> None:
    emulator.oauth.add_app(OAuthApp(id="42"), "other")
    stranger = App(emulator, {"client_id": "42", "client_secret": "other"})
    for asking, token in ((app, "nonsense"), (stranger, app.sign_in()["access_token"])):
        answer = asking.ask("introspect", token)
        assert (answer.status, answer.json) == (200, {"active": False})


@pytest.mark.parametrize("path", ["introspect", "resources", "revoke"])
def test_a_question_without_a_token_is_400(app: App, path: str) -> None:
    answer = app.post(f"token/{path}", **app.credentials)
    assert (answer.status, answer.json["error"]) == (400, "invalid_request")


# --- resources


def resources(app: App, **granted: object) -> object:
    return app.ask("resources", app.sign_in(**granted)["access_token"]).json["resource_infos"]


def test_resources_stand_by_their_owners(emulator: Emulator, app: App) -> None:
    emulator.create_universe(7, "users/42")
    emulator.create_universe(8, "groups/9")
    assert resources(app, user=42, universes=[7, 8, 13158], groups=[9, 5]) == [
        {"owner": {"id": "42", "type": "User"}, "resources": {"universe": {"ids": ["7"]}, "creator": {"ids": ["U"]}}},
        {"owner": {"id": "9", "type": "Group"}, "resources": {"universe": {"ids": ["8"]}, "creator": {"ids": ["G9"]}}},
        {"owner": {"id": "1", "type": "Group"}, "resources": {"universe": {"ids": ["13158"]}}},
        {"owner": {"id": "5", "type": "Group"}, "resources": {"creator": {"ids": ["G5"]}}},
    ]


def test_nothing_granted_is_an_empty_list(app: App) -> None:
    assert resources(app, universes=[], groups=[], as_creator=False) == []
    assert resources(app, scopes=["openid"]) == []


def test_resources_are_told_to_live_access_tokens_alone(app: App, clock: Clock) -> None:
    tokens, revoked = app.sign_in(), app.sign_in()["access_token"]
    app.ask("revoke", revoked)
    for token in (revoked, tokens["refresh_token"], tokens["id_token"], "nonsense"):
        answer = app.ask("resources", token)
        assert (answer.status, answer.json["error"]) == (400, "invalid_request")
    clock.advance(900)
    assert app.ask("resources", tokens["access_token"]).status == 400


# --- revocation


def test_revocation_answers_nothing_and_can_be_repeated(app: App) -> None:
    token = app.sign_in()["refresh_token"]
    for text in (token, token, "nonsense"):
        answer = app.ask("revoke", text)
        assert (answer.status, answer.reply.body) == (200, b"")


def test_an_application_revokes_only_its_own(emulator: Emulator, app: App) -> None:
    emulator.oauth.add_app(OAuthApp(id="42"), "other")
    token = app.sign_in()["refresh_token"]
    assert app.ask("revoke", token, client_id="42", client_secret="other").status == 200
    assert app.refresh(token).status == 200


def test_users_can_revoke_too(emulator: Emulator, app: App, clock: Clock) -> None:
    mine, yours = app.sign_in(user=1)["refresh_token"], app.sign_in(user=2)["refresh_token"]
    clock.advance(5)
    assert emulator.oauth.revoke(user=1, client_id=CLIENT_ID) == 1
    assert app.refresh(mine).json["error"] == "invalid_grant"
    assert app.refresh(yours).status == 200
    assert [authorization.ended_at for authorization in emulator.oauth.authorizations()] == [START + 5, None]
    assert emulator.oauth.revoke() == 1


# --- userinfo


def userinfo(call: Caller, token: str) -> Answer:
    return call("GET", "/oauth/v1/userinfo", key=None, headers=bearer(token))


def test_userinfo_with_openid_alone_tells_only_who(app: App, call: Caller) -> None:
    assert userinfo(call, app.sign_in(user=42, scopes=["openid"])["access_token"]).json == {"sub": "42"}


def test_userinfo_tells_the_profile(app: App, call: Caller) -> None:
    told = userinfo(call, app.sign_in(user=42)["access_token"]).json
    assert told.pop("picture").startswith("http://localhost/_cdn/headshots/42?")
    assert told == {
        "sub": "42",
        "name": "User 42",
        "nickname": "User 42",
        "preferred_username": "user42",
        "created_at": 1373701800,
        "profile": "https://www.roblox.com/users/42/profile",
    }


def test_the_picture_is_a_real_one_for_an_hour(app: App, call: Caller, clock: Clock) -> None:
    address = urlsplit(userinfo(call, app.sign_in(user=42)["access_token"]).json["picture"])
    file = f"{address.path}?{address.query}"
    answer = call("GET", file, key=None)
    assert (answer.status, answer.headers["content-type"]) == (200, "image/png")
    assert dimensions("image/png", answer.reply.body) == (150, 150)
    assert call("GET", file.replace("/42?", "/43?"), key=None).status == 403  # the address was made for another one
    clock.advance(3601)
    assert call("GET", file, key=None).status == 403


def test_a_user_has_the_same_names_everywhere(emulator: Emulator, app: App, call: Caller) -> None:
    emulator.users.update(42, name="zoe", display_name="Zoë")
    for user in (1, 42, 43):
        shown = call("GET", f"/cloud/v2/users/{user}").json
        told = userinfo(call, app.sign_in(user=user)["access_token"]).json
        assert (told["preferred_username"], told["name"], told["nickname"]) == (
            shown["name"],
            shown["displayName"],
            shown["displayName"],
        )
        assert told["created_at"] == int(datetime.fromisoformat(shown["createTime"]).timestamp())


def test_of_a_user_who_was_removed_only_the_id_is_told(emulator: Emulator, app: App, call: Caller) -> None:
    token = app.sign_in(user=42)["access_token"]
    emulator.users.remove(42)
    assert userinfo(call, token).json == {"sub": "42", "picture": None}


def test_userinfo_needs_openid(app: App, call: Caller) -> None:
    answer = userinfo(call, app.sign_in(scopes=["universe:write"])["access_token"])
    assert (answer.status, answer.json["error"]) == (403, "insufficient_scope")


def test_userinfo_without_a_good_token_is_401(call: Caller) -> None:
    assert userinfo(call, "nonsense").status == 401
    assert call("GET", "/oauth/v1/userinfo", key=None).status == 401


# --- when the provider fails


@pytest.mark.parametrize(
    ("status", "error"), [(503, "temporarily_unavailable"), (500, "server_error"), (429, "slow_down")]
)
def test_an_ordered_failure_has_the_shape_of_oauth(emulator: Emulator, app: App, status: int, error: str) -> None:
    emulator.faults.add(Fault(kind="answer", status=status, endpoint="oauth.token"))
    code = app.code()
    answer = app.exchange(code)
    assert (answer.status, answer.json["error"]) == (status, error)
    assert app.exchange(code).status == 200


def test_an_answer_that_is_lost_has_used_the_refresh_token(emulator: Emulator, app: App) -> None:
    token = app.sign_in()["refresh_token"]
    emulator.faults.add(Fault(kind="drop", acts=True, endpoint="oauth.token"))
    assert app.refresh(token).reply.cut_after == -1
    assert app.refresh(token).json["error"] == "invalid_grant"
