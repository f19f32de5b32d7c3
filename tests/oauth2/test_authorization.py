"""The address of the consent page, and what comes back from it: nothing is sent."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
import pickle
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

import rblxcloud
import rblxcloud.sync
from rblxcloud import AuthorizationRequest, ConfigurationError, InvalidRequestError, OAuth2App
from rblxcloud.errors import ConsentDeniedError, OAuth2Error, StateMismatchError
from rblxcloud.oauth2.authorization import read_callback

APP = OAuth2App(123456789, "app-secret", "http://localhost:9066/roblox")
VERIFIER = "v" * 43


def query_of(uri: str) -> dict[str, list[str]]:
    return parse_qs(urlsplit(uri).query, strict_parsing=True)


def test_the_address_of_the_consent_page() -> None:
    uri = APP.generate_uri(scope=["openid", "profile"], state="hello world")
    assert uri.startswith("https://apis.roblox.com/oauth/v1/authorize?")
    assert query_of(uri) == {
        "client_id": ["123456789"],
        "redirect_uri": ["http://localhost:9066/roblox"],
        "response_type": ["code"],
        "scope": ["openid profile"],
        "state": ["hello world"],
    }


def test_it_is_the_same_in_blocking_mode() -> None:
    app = rblxcloud.sync.OAuth2App(123456789, "app-secret", "http://localhost:9066/roblox")
    assert app.generate_uri("openid") == APP.generate_uri("openid")


def test_what_else_can_be_asked_for() -> None:
    uri = APP.generate_uri(
        "openid profile openid", nonce="n", code_verifier=VERIFIER, prompt="login consent", response_type="none"
    )
    challenge = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")
    found = query_of(uri)
    assert (found["scope"], found["nonce"], found["prompt"]) == (["openid profile"], ["n"], ["login consent"])
    assert (found["code_challenge"], found["code_challenge_method"]) == ([challenge], ["S256"])
    assert found["response_type"] == ["none"]
    assert VERIFIER not in uri
    assert "app-secret" not in uri


@pytest.mark.parametrize("scope", [[], "", "  ", None, 1, b"openid", [1], ["a b"], ['"'], [""], {"openid": 1}.items()])
def test_a_scope_list_that_is_none_is_refused(scope: Any) -> None:
    with pytest.raises(InvalidRequestError, match="scope"):
        APP.generate_uri(scope)


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("state", ""),
        ("state", 1),
        ("state", "line\nbreak"),
        ("nonce", ""),
        ("prompt", "é"),
        ("code_verifier", "short"),
        ("code_verifier", "v" * 129),
        ("code_verifier", "v" * 42 + "!"),
        ("response_type", "token"),
    ],
)
def test_an_argument_that_cannot_be_sent_is_refused(argument: str, value: Any) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        APP.generate_uri("openid", **{argument: value})
    assert caught.value.argument == argument


@pytest.mark.parametrize(
    "id", [0, -1, 1.5, True, None, "", "12a", "１２", "1" * 41, 10**40, pytest.param(10**5000, id="huge")]
)
def test_what_is_no_application_id_is_refused(id: Any) -> None:
    with pytest.raises(InvalidRequestError, match="id"):
        OAuth2App(id, "secret", "https://site.example/callback")


def test_an_application_id_can_exceed_64_bits() -> None:
    assert OAuth2App(10**21, "secret").id == OAuth2App(str(10**21), "secret").id == "1" + "0" * 21


@pytest.mark.parametrize(
    "uri",
    [
        "https://site.example/callback?a=b",
        "http://localhost:9066/roblox",
        "http://127.0.0.1/",
        "http://[::1]:80/x",
        "my-app://callback",
    ],
)
def test_a_redirect_uri_that_roblox_takes(uri: str) -> None:
    assert OAuth2App(1, None, uri).redirect_uri == uri


@pytest.mark.parametrize(
    "uri",
    [
        "http://site.example/callback",
        "https:///callback",
        "/callback",
        "",
        "https://site.example/#",
        "https://site.example/a b",
        "https://[oops/",
        "https://site.example/" + "x" * 256,
        "https://é.example/",
        1,
    ],
)
def test_a_redirect_uri_that_roblox_does_not_take(uri: Any) -> None:
    with pytest.raises(InvalidRequestError, match="redirect_uri"):
        OAuth2App(1, None, uri)


def test_without_a_redirect_uri_there_is_no_consent_page() -> None:
    with pytest.raises(InvalidRequestError, match="redirect_uri"):
        OAuth2App(1, "secret").authorize("openid")


@pytest.mark.parametrize("seconds", [-1, float("nan"), "3600", True, None])
def test_seconds_that_are_none_are_refused(seconds: Any) -> None:
    with pytest.raises(InvalidRequestError, match="openid_certs_cache_seconds"):
        OAuth2App(1, "secret", openid_certs_cache_seconds=seconds)


@pytest.mark.parametrize("secret", ["", "two\nlines", 5])
def test_a_secret_that_cannot_be_one_is_refused(secret: Any) -> None:
    with pytest.raises(ConfigurationError, match="secret"):
        OAuth2App(1, secret)


def test_a_sign_in_has_a_state_a_nonce_and_a_challenge_of_its_own() -> None:
    first, second = APP.authorize("openid"), APP.authorize("openid")
    found = query_of(first.uri)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(first.code_verifier.encode()).digest()).decode().rstrip("=")
    assert (found["state"], found["nonce"], found["code_challenge"]) == ([first.state], [first.nonce], [challenge])
    values = [first.state, first.nonce, first.code_verifier, second.state, second.nonce, second.code_verifier]
    assert len(set(values)) == 6
    assert all(len(value) >= 43 for value in values)


def test_a_sign_in_can_be_kept_in_a_session() -> None:
    request = APP.authorize("openid")
    assert pickle.loads(pickle.dumps(request)) == request
    assert AuthorizationRequest(**json.loads(json.dumps(dataclasses.asdict(request)))) == request


def test_a_sign_in_shows_no_secret() -> None:
    request = APP.authorize("openid")
    for secret in (request.state, request.nonce, request.code_verifier):
        assert secret not in repr(request)


# The callback.

REQUEST = AuthorizationRequest("https://page.example", "right", "nonce", VERIFIER)


def callback(**query: str) -> str:
    return f"https://site.example/callback?{urlencode(query)}"


@pytest.mark.parametrize(
    "address", ["https://site.example/cb?code=c&state=right", "/cb?state=right&code=c", "code=c&state=right#fragment"]
)
def test_the_code_is_found(address: str) -> None:
    assert read_callback(REQUEST, address) == "c"


@pytest.mark.parametrize("query", [{"state": "wrong"}, {"state": ""}, {}, {"state": "right "}, {"state": "ｒight"}])
@pytest.mark.parametrize("more", [{"code": "c"}, {"error": "access_denied"}])
def test_a_foreign_state_is_refused_before_anything_else(query: dict[str, str], more: dict[str, str]) -> None:
    with pytest.raises(StateMismatchError, match="state"):
        read_callback(REQUEST, callback(**query, **more))


def test_a_denied_consent_is_an_error_of_its_own() -> None:
    with pytest.raises(ConsentDeniedError) as caught:
        read_callback(REQUEST, callback(state="right", error="access_denied", error_description="no"))
    assert (caught.value.error, caught.value.description) == ("access_denied", "no")


def test_another_refusal_is_told() -> None:
    with pytest.raises(OAuth2Error, match="invalid_scope: no such scope") as caught:
        read_callback(REQUEST, callback(state="right", error="invalid_scope", error_description="no such scope"))
    assert not isinstance(caught.value, ConsentDeniedError)


@pytest.mark.parametrize(
    "address",
    [callback(state="right"), callback(state="right", code=""), callback(state="right", code="a") + "&code=b"],
)
def test_a_callback_without_one_code_is_refused(address: str) -> None:
    with pytest.raises(OAuth2Error, match="invalid_response"):
        read_callback(REQUEST, address)


def test_a_state_that_comes_twice_is_refused() -> None:
    with pytest.raises(StateMismatchError, match="more than one"):
        read_callback(REQUEST, callback(state="right", code="c") + "&state=right")


def test_what_a_stranger_writes_does_no_harm_in_a_log() -> None:
    with pytest.raises(OAuth2Error) as caught:
        read_callback(REQUEST, callback(state="right", error="x\r\nFAKE LINE\x1b[31m", error_description="y" * 10_000))
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 500


@given(st.text() | st.text(st.characters()).map("?code=c&state={}".format))
def test_any_other_callback_is_an_error_of_ours(address: str) -> None:
    with pytest.raises(OAuth2Error):
        read_callback(REQUEST, address)


@pytest.mark.parametrize("request_", [None, dataclasses.asdict(REQUEST), "right"])
def test_what_is_no_sign_in_that_was_begun_is_refused(request_: Any) -> None:
    with pytest.raises(InvalidRequestError, match="request"):
        read_callback(request_, callback(state="right", code="c"))


@pytest.mark.parametrize("value", [None, "", 5])
@pytest.mark.parametrize("name", ["state", "nonce", "code_verifier"])
def test_a_sign_in_that_lost_something_in_the_session_is_refused(name: str, value: Any) -> None:
    with pytest.raises(InvalidRequestError, match=rf"request\.{name}"):
        read_callback(dataclasses.replace(REQUEST, **{name: value}), callback(state=value or "right", code="c"))


def test_a_question_mark_may_stand_in_a_query_without_an_address() -> None:
    with pytest.raises(ConsentDeniedError, match="Really?"):
        read_callback(REQUEST, "error=access_denied&error_description=Really?&state=right")


@pytest.mark.parametrize("address", [None, b"code=c&state=right", 1])
def test_an_address_that_is_no_text_is_refused(address: Any) -> None:
    with pytest.raises(InvalidRequestError, match="callback_url"):
        read_callback(REQUEST, address)


def test_errors_pickle() -> None:
    pair = rblxcloud.TokenPair("access", "refresh", ("openid",), datetime(2026, 1, 1, tzinfo=UTC))
    for error in (
        OAuth2Error("a", "b"),
        rblxcloud.IDTokenError("aud", "c", token=pair),
        rblxcloud.TokenStoreError("d"),
    ):
        copy = pickle.loads(pickle.dumps(error))
        assert (type(copy), str(copy), vars(copy)) == (type(error), str(error), vars(error))
        assert "refresh" not in f"{copy} {copy!r}"
