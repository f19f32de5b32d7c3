"""The authorization request: who may ask, what for, and where users are sent with which answer."""

from __future__ import annotations

import pytest

from rblxcloud.emulator.clock import Clock
from rblxcloud.emulator.core import Emulator
from rblxcloud.emulator.oauth.apps import OAuthApp
from tests.emulator.browser import Browser, Page
from tests.emulator.oauth_app import CHALLENGE, REDIRECT, App, query_of


@pytest.fixture
def browser(emulator: Emulator) -> Browser:
    return Browser(emulator)


def error_of(browser: Browser, uri: str) -> str:
    """The error that a browser carries back to the application."""
    reply = browser.get(uri)
    assert reply.status == 302
    assert reply.headers["location"].startswith(f"{REDIRECT}?")
    answer = query_of(reply.headers["location"])
    assert "code" not in answer
    assert answer["error_description"]
    return answer["error"]


# --- nobody is sent to an address that is not the application's


@pytest.mark.parametrize(
    "changed",
    [
        {"client_id": "5"},
        {"client_id": None},
        {"client_id": "<script>alert(1)</script>"},
        {"redirect_uri": None},
        {"redirect_uri": "https://evil.example/roblox"},
        {"redirect_uri": "http://localhost.evil.example/"},
        {"redirect_uri": "http://localhost@evil.example/"},
        {"redirect_uri": "//localhost/roblox"},
        {"redirect_uri": "javascript://localhost/%0aalert(1)"},
        {"redirect_uri": "http://localhost:99999/"},
        {"redirect_uri": "http://localhost/#fragment"},
        {"redirect_uri": "http://localhost/\r\nset-cookie: a=b"},
        {"redirect_uri": "http://localhost/a b"},
        {"redirect_uri": "http://localhost\\@evil.example/"},
        {"redirect_uri": "http://localhost/é"},
        {"redirect_uri": f"http://localhost/{'a' * 240}"},
    ],
)
def test_a_wrong_application_or_address_ends_on_a_page(
    emulator: Emulator, app: App, browser: Browser, changed: dict[str, str | None]
) -> None:
    reply = browser.get(app.uri(**changed))
    assert reply.status == 400
    assert reply.headers["content-type"] == "text/html; charset=utf-8"
    assert "location" not in reply.headers
    page = Page(reply)
    assert "does not work" in page.text
    assert not {"form", "script"} & set(page.tags)
    with pytest.raises(ValueError, match=r"application|redirect_uri"):
        emulator.oauth.approve(app.uri(**changed))
    with pytest.raises(ValueError, match=r"application|redirect_uri"):
        emulator.oauth.deny(app.uri(**changed))


@pytest.mark.parametrize(
    "uri",
    [
        "http://localhost/",
        "https://localhost:8443/callback?keep=1",
        "http://127.0.0.1:5000/callback",
        "http://127.9.9.9/",
        "http://[::1]:5000/callback",
    ],
)
def test_without_registered_addresses_any_loopback_one_is_good(emulator: Emulator, app: App, uri: str) -> None:
    location = emulator.oauth.approve(app.uri(redirect_uri=uri, state="s"))
    assert location.startswith(f"{uri}{'&' if '?' in uri else '?'}code=")
    assert query_of(location)["state"] == "s"
    assert app.exchange(query_of(location)["code"], redirect_uri=uri).status == 200


@pytest.mark.parametrize("uri", ["https://site.example/callback", "myapp:/back", "http://localhost:80/x"])
def test_registered_addresses_are_good_and_no_other(emulator: Emulator, uri: str) -> None:
    emulator.oauth.add_app(OAuthApp(id="42", redirect_uris=(uri,)), "secret")
    app = App(emulator, {"client_id": "42", "client_secret": "secret"})
    assert emulator.oauth.approve(app.uri(redirect_uri=uri)).startswith(uri)
    for other in (REDIRECT, f"{uri}/", f"{uri}?a=b", uri.upper()):
        with pytest.raises(ValueError, match="redirect_uri"):
            emulator.oauth.approve(app.uri(redirect_uri=other))


@pytest.mark.parametrize(
    "uris",
    [
        ("http://site.example/",),
        ("https://",),
        ("/callback",),
        ("https://site.example/#a",),
        ("javascript:alert(1)",),
        ("data:text/html,x",),
        ("https://site.example/" + "a" * 240,),
        ("https://site.example/; default-src *",),
        tuple(f"https://site.example/{number}" for number in range(11)),
    ],
)
def test_an_address_that_roblox_would_not_register_is_refused(uris: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="redirect"):
        OAuthApp(id="42", redirect_uris=uris)


# --- what may be asked for


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"scope": None}, "invalid_scope"),
        ({"scope": " "}, "invalid_scope"),
        ({"scope": "nonsense"}, "invalid_scope"),
        ({"scope": "openid nonsense:read"}, "invalid_scope"),
        ({"scope": "openid,profile"}, "invalid_scope"),
        ({"scope": "profile"}, "invalid_scope"),
        ({"scope": "openid email"}, "invalid_scope"),
        ({"scope": "universe-datastores.objects:read"}, "invalid_scope"),
        ({"response_type": None}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"prompt": "maybe"}, "invalid_request"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"code_challenge": CHALLENGE}, "invalid_request"),
        ({"code_challenge": CHALLENGE, "code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": "short", "code_challenge_method": "S256"}, "invalid_request"),
        ({"code_challenge": f"{CHALLENGE}=", "code_challenge_method": "S256"}, "invalid_request"),
        ({"code_challenge_method": "S256"}, "invalid_request"),
    ],
)
def test_a_wrong_request_goes_back_with_an_error(
    emulator: Emulator, app: App, browser: Browser, changed: dict[str, str | None], error: str
) -> None:
    assert error_of(browser, app.uri(**changed)) == error
    assert query_of(emulator.oauth.approve(app.uri(**changed)))["error"] == error
    assert emulator.oauth.authorizations() == []


def test_errors_carry_the_state_and_nothing_that_the_standard_forbids(app: App, browser: Browser) -> None:
    reply = browser.get(app.uri(scope='"\\é\n', state="a&b=c d"))
    answer = query_of(reply.headers["location"])
    assert answer["state"] == "a&b=c d"
    assert set(answer["error_description"]).isdisjoint('"\\é\n')


def test_an_application_asks_only_for_its_scopes(emulator: Emulator, browser: Browser) -> None:
    emulator.oauth.add_app(OAuthApp(id="42", scopes=("openid",)), "secret")
    app = App(emulator, {"client_id": "42", "client_secret": "secret"})
    assert error_of(browser, app.uri(scope="openid profile")) == "invalid_scope"
    assert app.sign_in(app.uri(scope="openid"))["scope"] == "openid"


def test_a_public_application_has_to_use_pkce(emulator: Emulator, browser: Browser) -> None:
    emulator.oauth.add_app(OAuthApp(id="77", public=True))
    assert error_of(browser, App(emulator, {"client_id": "77"}).uri()) == "invalid_request"


@pytest.mark.parametrize("changed", [{"response_type": "Code"}, {"prompts": "login+consent"}, {"client_secret": "x"}])
def test_what_one_guide_writes_works_too(app: App, changed: dict[str, str]) -> None:
    assert app.exchange(app.code(app.uri(**changed))).status == 200


# --- the answers


def test_consent_goes_back_with_a_code_and_the_state_as_it_was(emulator: Emulator, app: App) -> None:
    location = emulator.oauth.approve(app.uri(state="a&b=c d/ü"))
    assert query_of(location).keys() == {"code", "state"}
    assert query_of(location)["state"] == "a&b=c d/ü"
    assert "state" not in query_of(emulator.oauth.approve(app.uri()))


def test_a_user_who_does_not_agree_goes_back_with_access_denied(emulator: Emulator, app: App) -> None:
    answer = query_of(emulator.oauth.deny(app.uri(state="s")))
    assert (answer["error"], answer["state"]) == ("access_denied", "s")
    assert emulator.oauth.authorizations() == []


def test_response_type_none_goes_back_without_a_code(emulator: Emulator, app: App) -> None:
    assert emulator.oauth.approve(app.uri(response_type="none")) == REDIRECT
    assert emulator.oauth.approve(app.uri(response_type="none", state="s")) == f"{REDIRECT}?state=s"
    assert len(emulator.oauth.authorizations()) == 2


def test_two_codes_are_never_the_same(app: App) -> None:
    assert len({app.code() for _ in range(5)}) == 5


def test_scopes_may_be_granted_in_part(emulator: Emulator, app: App) -> None:
    tokens = app.sign_in(scopes=["openid"])
    assert tokens["scope"] == "openid"
    (authorization,) = emulator.oauth.authorizations()
    assert (authorization.consent.universes, authorization.consent.users) == ((), ())


@pytest.mark.parametrize(
    ("granted", "problem"),
    [
        ({"scopes": ["openid", "asset:read"]}, "asked for"),
        ({"scopes": []}, "At least one"),
        ({"scopes": ["profile"]}, "without openid"),
        ({"user": 0}, "user"),
        ({"user": "a"}, "user"),
        ({"universes": ["-1"]}, "experience"),
        ({"groups": ["G1"]}, "group"),
    ],
)
def test_consent_that_cannot_be_is_refused(
    emulator: Emulator, app: App, granted: dict[str, object], problem: str
) -> None:
    with pytest.raises(ValueError, match=problem):
        emulator.oauth.approve(app.uri(), **granted)  # type: ignore[arg-type]
    assert emulator.oauth.authorizations() == []


def test_an_authorization_tells_who_agreed_to_what_and_when(emulator: Emulator, app: App, clock: Clock) -> None:
    emulator.oauth.approve(app.uri(scope="openid universe:write"), user=42, universes=[7], groups=[], as_creator=False)
    (authorization,) = emulator.oauth.authorizations()
    consent = authorization.consent
    assert (authorization.client_id, authorization.created_at, authorization.ended_at) == (
        "1234567890",
        clock.now(),
        None,
    )
    assert (consent.user, consent.scopes) == ("42", ("openid", "universe:write"))
    assert (consent.universes, consent.groups, consent.users) == (("7",), (), ())
