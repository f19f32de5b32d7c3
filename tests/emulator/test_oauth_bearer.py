"""Access tokens as credentials: where they are taken, what they may do, and when they stop."""

from __future__ import annotations

from typing import Any

import pytest

from rblxcloud.emulator import rooms
from rblxcloud.emulator.api_keys import Resource
from rblxcloud.emulator.clock import Clock
from rblxcloud.emulator.core import DEFAULT_KEY, Emulator
from rblxcloud.emulator.oauth.apps import OAuthApp
from rblxcloud.emulator.oauth.grants import Consent
from rblxcloud.endpoints import all_endpoints
from rblxcloud.endpoints.model import Credential, Endpoint
from tests.emulator.oauth_app import App, bearer
from tests.support.emulator import Answer, Caller

UNIVERSE = "/cloud/v2/universes/13058"
PUBLISH = f"{UNIVERSE}:publishMessage"
PUBLISH_V1 = "/messaging-service/v1/universes/{}/topics/news"
MESSAGE = {"topic": "news", "message": "hello"}
INVALID = {"errors": [{"code": 0, "message": "Invalid access token"}]}
SCOPE = "universe-messaging-service:publish"

EMULATED = rooms._handlers()
KEY_ONLY = [
    endpoint
    for endpoint in all_endpoints()
    if endpoint.name in EMULATED and endpoint.credentials == {Credential.API_KEY}
]


def send(call: Caller, token: str, method: str = "POST", path: str = PUBLISH, body: Any = MESSAGE) -> Answer:
    return call(method, path, body, key=None, headers=bearer(token))


# --- scopes and resources


def test_a_token_with_scope_and_experience_acts_as_its_user(emulator: Emulator, app: App, call: Caller) -> None:
    token = app.sign_in(user=42)["access_token"]
    assert send(call, token).status == 200
    assert [(message.topic, message.principal) for message in emulator.messages()] == [("news", "users/42")]


@pytest.mark.parametrize(
    ("path", "code"),
    [(PUBLISH, ("code", "PERMISSION_DENIED")), (PUBLISH_V1.format(13058), ("code", "INSUFFICIENT_SCOPE"))],
)
def test_without_the_scope_it_is_403_naming_it(app: App, call: Caller, path: str, code: tuple[str, str]) -> None:
    token = app.sign_in(scopes=["openid", "universe:write"])["access_token"]
    answer = send(call, token, path=path)
    assert (answer.status, answer.json[code[0]]) == (403, code[1])
    assert SCOPE in answer.json["message"]


@pytest.mark.parametrize(("universe", "status"), [(7, 200), (13058, 403), (8, 403)])
def test_only_the_granted_experiences_can_be_reached(app: App, call: Caller, universe: int, status: int) -> None:
    token = app.sign_in(universes=[7])["access_token"]
    for path in (f"/cloud/v2/universes/{universe}:publishMessage", PUBLISH_V1.format(universe)):
        answer = send(call, token, path=path)
        assert answer.status == status
        if status == 403:
            assert answer.json["code"] == "PERMISSION_DENIED"


def test_no_experience_granted_is_none(app: App, call: Caller) -> None:
    assert send(call, app.sign_in(universes=[])["access_token"]).status == 403


def test_an_endpoint_without_scopes_takes_any_token(app: App, call: Caller) -> None:
    token = app.sign_in(app.uri(scope="openid"))["access_token"]
    assert send(call, token, "GET", "/cloud/v2/universes/5", None).status == 200


@pytest.mark.parametrize(
    ("scope", "resource", "covered"),
    [
        ("group:write", Resource(group="9"), True),
        ("group:write", Resource(group="8"), False),
        ("asset:read", Resource(user="42"), True),
        ("asset:read", Resource(user="43"), False),
        ("user.social:read", Resource(user="42"), True),
        ("user.social:read", Resource(user="43"), False),
        ("user.user-notification:write", Resource(user="43"), True),
        ("universe:write", Resource(universe="7"), True),
        ("universe:write", Resource(universe="8"), False),
        ("universe:read", Resource(), False),
    ],
)
def test_a_consent_covers_what_was_granted(scope: str, resource: Resource, covered: bool) -> None:
    scopes = ("group:write", "asset:read", "user.social:read", "user.user-notification:write", "universe:write")
    consent = Consent.to("42", scopes, universes=("7",), groups=("9",))
    assert consent.covers(scope, resource) is covered


def test_who_did_not_grant_himself_is_no_creator_for_the_application() -> None:
    consent = Consent.to("42", ("asset:read", "user.social:read"), as_creator=False)
    assert not consent.covers("asset:read", Resource(user="42"))
    assert consent.covers("user.social:read", Resource(user="42"))


# --- where no token is taken


@pytest.mark.parametrize("endpoint", KEY_ONLY, ids=lambda endpoint: endpoint.name)
def test_endpoints_for_keys_refuse_tokens(emulator: Emulator, app: App, endpoint: Endpoint) -> None:
    token = app.sign_in()["access_token"]
    path = endpoint.path
    for parameter in endpoint.path_parameters:
        path = path.replace(f"{{{parameter.name}}}", "13058")
    answer = send(Caller(emulator), token, endpoint.method, path, None)
    assert (answer.status, answer.json["errors"][0]["message"]) == (401, "This endpoint does not take access tokens.")


def test_there_are_endpoints_for_keys_alone() -> None:
    assert len(KEY_ONLY) > 30


def test_an_endpoint_for_tokens_refuses_keys(call: Caller) -> None:
    answer = call("GET", "/oauth/v1/userinfo")
    assert (answer.status, answer.json["errors"][0]["message"]) == (401, "This endpoint does not take API keys.")


def test_a_token_and_a_key_are_401(app: App, call: Caller) -> None:
    answer = call("GET", UNIVERSE, key=DEFAULT_KEY, headers=bearer(app.sign_in()["access_token"]))
    assert answer.status == 401


# --- which tokens are none


def test_a_token_lives_fifteen_minutes(app: App, call: Caller, clock: Clock) -> None:
    token = app.sign_in()["access_token"]
    clock.advance(899)
    assert send(call, token).status == 200
    clock.advance(1)
    late = send(call, token)
    assert (late.status, late.json) == (401, INVALID)


@pytest.mark.parametrize("name", ["refresh_token", "id_token"])
def test_only_access_tokens_are_credentials(app: App, call: Caller, name: str) -> None:
    answer = send(call, app.sign_in()[name])
    assert (answer.status, answer.json) == (401, INVALID)


@pytest.mark.parametrize("header", ["Bearer", "Bearer ", "Bearer x", "Basic {}", "{}", "Bearer {}x", "Bearer {} {}"])
def test_what_is_no_bearer_token_is_401(app: App, call: Caller, header: str) -> None:
    authorization = header.replace("{}", app.sign_in()["access_token"])
    answer = call("GET", UNIVERSE, key=None, headers={"authorization": authorization})
    assert (answer.status, answer.json) == (401, INVALID)


def test_the_name_of_the_scheme_may_be_in_any_case(app: App, call: Caller) -> None:
    token = app.sign_in()["access_token"]
    assert call("GET", UNIVERSE, key=None, headers={"authorization": f"bearer {token}"}).status == 200


def test_the_old_access_token_outlives_a_refresh(app: App, call: Caller) -> None:
    tokens = app.sign_in()
    assert app.refresh(tokens["refresh_token"]).status == 200
    assert send(call, tokens["access_token"]).status == 200


@pytest.mark.parametrize("name", ["refresh_token", "access_token"])
def test_a_revoked_session_is_over_at_once(app: App, call: Caller, name: str) -> None:
    first, other = app.sign_in(), app.sign_in()
    second = app.refresh(first["refresh_token"]).json
    assert app.ask("revoke", first[name]).status == 200
    for token in (first["access_token"], second["access_token"]):
        assert (send(call, token).status, send(call, token).json) == (401, INVALID)
    assert app.refresh(second["refresh_token"]).json["error"] == "invalid_grant"
    assert send(call, other["access_token"]).status == 200


# --- limits


def remaining(answer: Answer) -> int:
    return int(answer.headers["x-ratelimit-remaining"])


def test_limits_are_counted_for_user_and_application(emulator: Emulator, app: App, call: Caller) -> None:
    emulator.oauth.add_app(OAuthApp(id="42"), "secret")
    other = App(emulator, {"client_id": "42", "client_secret": "secret"})
    tokens = [
        app.sign_in()["access_token"],
        app.sign_in()["access_token"],
        app.sign_in(user=2)["access_token"],
        other.sign_in()["access_token"],
    ]
    left = [remaining(send(call, token, "GET", UNIVERSE, None)) for token in tokens]
    assert left == [99, 98, 99, 99]
    assert remaining(call("GET", UNIVERSE)) == 99


def test_the_limit_is_the_one_for_tokens(app: App, call: Caller) -> None:
    token = app.sign_in()["access_token"]
    answers = [send(call, token, "GET", UNIVERSE, None) for _ in range(101)]
    assert [answer.status for answer in answers] == [200] * 100 + [429]
    assert answers[-1].headers["retry-after"] == "60"
    assert call("GET", UNIVERSE).status == 200
