"""The consent page in a browser that runs no script."""

from __future__ import annotations

import base64
import hashlib
import re

import pytest

from rblxcloud.emulator.core import Emulator
from rblxcloud.emulator.oauth.apps import OAuthApp
from tests.emulator.browser import Browser
from tests.emulator.oauth_app import REDIRECT, App, query_of

HOSTILE = """"><script>alert('1')</script>&amp;"""


@pytest.fixture
def browser(emulator: Emulator) -> Browser:
    return Browser(emulator)


# --- what it shows


def test_the_small_world_is_offered_already_chosen(app: App, browser: Browser) -> None:
    page = browser.open(app.uri())
    assert page.reply.status == 200
    assert page.values("user", checked=True) == ["1"]
    assert page.values("scope", checked=True) == app_scopes()
    assert page.values("universe", checked=True) == ["13058", "13158"]
    assert page.values("group", checked=True) == ["1"]
    assert page.values("creator", checked=True) == ["yes"]
    assert page.buttons == {"Allow": "approve", "Do not allow": "deny"}
    assert page.alert == ""


def app_scopes() -> list[str]:
    return ["openid", "profile", "universe-messaging-service:publish", "universe:write"]


def test_other_universes_are_offered_with_their_owners(emulator: Emulator, app: App, browser: Browser) -> None:
    emulator.create_universe(7, "users/42")
    emulator.create_universe(8, "groups/9")
    page = browser.open(app.uri())
    assert page.values("universe", checked=False) == ["7", "8"]
    assert page.values("user", checked=False) == ["42"]
    assert page.values("group", checked=False) == ["9"]
    assert "Owned by group 9" in page.text


def test_users_are_offered_by_their_names(emulator: Emulator, app: App, browser: Browser) -> None:
    emulator.create_universe(7, "users/42")
    emulator.create_universe(8, "users/43")
    emulator.users.remove(43)
    emulator.users.update(42, display_name=HOSTILE)
    page = browser.open(app.uri())
    assert page.values("user") == ["1", "42", "43"]
    for names in ("The Builder (@builder)", f"{HOSTILE} (@user42)", "User 43"):
        assert names in page.text
    assert "script" not in page.tags


def test_who_only_wants_to_sign_in_is_asked_for_nothing_else(app: App, browser: Browser) -> None:
    page = browser.open(app.uri(scope="openid profile user.advanced:read"))
    assert {control.name for control in page.controls} == {"request", "user", "other_user", "scope"}


def test_it_is_readable_by_machines_for_people(app: App, browser: Browser) -> None:
    page = browser.open(app.uri())
    assert all(control.labelled for control in page.controls if control.kind != "hidden")
    assert page.tags.count("fieldset") == page.tags.count("legend") == 4
    assert (page.tags.count("main"), page.tags.count("h1"), page.tags.count("title")) == (1, 1, 1)
    document = page.reply.body.decode()
    assert '<html lang="en">' in document
    assert 'name="viewport"' in document


def test_it_can_run_no_script_and_load_nothing(app: App, browser: Browser) -> None:
    reply = browser.get(app.uri())
    document = reply.body.decode()
    (style,) = re.findall(r"<style>(.*?)</style>", document, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert reply.headers["content-security-policy"] == (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; frame-ancestors 'none'"
    )
    assert reply.headers["x-frame-options"] == "DENY"
    assert reply.headers["referrer-policy"] == "no-referrer"
    assert reply.headers["cache-control"] == "no-store"
    assert " style=" not in document


def test_what_others_wrote_is_text_and_nothing_else(emulator: Emulator, browser: Browser) -> None:
    emulator.oauth.add_app(OAuthApp(id="42", name=HOSTILE), "secret")
    app = App(emulator, {"client_id": "42", "client_secret": "secret"})
    page = browser.open(app.uri(state=HOSTILE, nonce=HOSTILE))
    page.fill("other_universes", HOSTILE)
    again = browser.press(page, "Allow")
    for shown in (page, type(page)(again)):
        assert "script" not in shown.tags
        assert f"{HOSTILE} wants to connect" in shown.text
    assert type(page)(again).values("other_universes") == [HOSTILE]
    page.fill("other_universes", "")
    assert query_of(browser.press(page, "Allow").headers["location"])["state"] == HOSTILE


# --- what it does


def test_allow_as_it_stands_goes_back_with_a_code(emulator: Emulator, app: App, browser: Browser) -> None:
    reply = browser.press(browser.open(app.uri(state="s")), "Allow")
    assert reply.status == 303
    assert reply.headers["location"].startswith(f"{REDIRECT}?code=")
    answer = query_of(reply.headers["location"])
    assert answer["state"] == "s"
    assert app.exchange(answer["code"]).status == 200
    (authorization,) = emulator.oauth.authorizations()
    consent = authorization.consent
    assert (consent.user, consent.universes, consent.groups, consent.users) == ("1", ("13058", "13158"), ("1",), ("1",))


def test_do_not_allow_goes_back_with_access_denied(emulator: Emulator, app: App, browser: Browser) -> None:
    reply = browser.press(browser.open(app.uri(state="s")), "Do not allow")
    answer = query_of(reply.headers["location"])
    assert (reply.status, answer["error"], answer["state"]) == (303, "access_denied", "s")
    assert emulator.oauth.authorizations() == []


def test_everything_can_be_chosen(emulator: Emulator, app: App, browser: Browser) -> None:
    emulator.create_universe(7)
    page = browser.open(app.uri())
    page.fill("other_user", " 42 ")
    page.choose("scope", "openid", "universe:write")
    page.choose("universe", "7")
    page.fill("other_universes", "8, 9")
    page.choose("group")
    page.fill("other_groups", "10")
    page.choose("creator")
    answer = query_of(browser.press(page, "Allow").headers["location"])
    assert app.exchange(answer["code"]).json["scope"] == "openid universe:write"
    (authorization,) = emulator.oauth.authorizations()
    consent = authorization.consent
    assert (consent.user, consent.scopes) == ("42", ("openid", "universe:write"))
    assert (consent.universes, consent.groups, consent.users) == (("7", "8", "9"), ("10",), ())


@pytest.mark.parametrize(
    ("field", "text", "problem"),
    [
        ("other_user", "me", "'me' is not the id of a user."),
        ("other_universes", "7 x", "'x' is not the id of an experience."),
        ("other_groups", "0", "'0' is not the id of a group."),
    ],
)
def test_what_cannot_be_is_said_and_what_was_chosen_stays(
    emulator: Emulator, app: App, browser: Browser, field: str, text: str, problem: str
) -> None:
    page = browser.open(app.uri(state="s"))
    page.choose("universe", "13158")
    page.choose("scope", "openid", "universe:write")
    page.fill(field, text)
    again = type(page)(browser.press(page, "Allow"))
    assert (again.reply.status, again.alert) == (400, problem)
    assert again.values(field) == [text]
    assert again.values("universe", checked=True) == ["13158"]
    assert again.values("scope", checked=True) == ["openid", "universe:write"]
    assert emulator.oauth.authorizations() == []
    again.fill(field, "5")
    assert query_of(browser.press(again, "Allow").headers["location"])["state"] == "s"


@pytest.mark.parametrize(("scopes", "problem"), [((), "At least one"), (("profile",), "without openid")])
def test_scopes_that_do_not_go_together_are_said(
    app: App, browser: Browser, scopes: tuple[str, ...], problem: str
) -> None:
    page = browser.open(app.uri())
    page.choose("scope", *scopes)
    assert problem in type(page)(browser.press(page, "Allow")).alert


def test_a_form_that_asks_for_more_is_refused(app: App, browser: Browser) -> None:
    page = browser.open(app.uri())
    for control in page.controls:
        if control.value == "universe:write":
            control.value = "asset:write"
    assert "was not asked for" in type(page)(browser.press(page, "Allow")).alert


def test_a_form_whose_request_was_changed_ends_on_a_page(app: App, browser: Browser) -> None:
    page = browser.open(app.uri())
    page.fill("request", "client_id=1234567890&redirect_uri=https://evil.example/")
    reply = browser.press(page, "Allow")
    assert (reply.status, "location" in reply.headers) == (400, False)


# --- prompt


def test_a_browser_is_remembered(app: App, browser: Browser) -> None:
    page = browser.open(app.uri())
    page.fill("other_user", "42")
    browser.press(page, "Allow")
    assert browser.open(app.uri()).values("user", checked=True) == ["42"]
    for prompt in ("login", "select_account", "login consent"):
        assert browser.open(app.uri(prompt=prompt)).values("user", checked=True) == ["1"]


def test_prompt_none_needs_a_sign_in(app: App, browser: Browser) -> None:
    reply = browser.get(app.uri(prompt="none", state="s"))
    answer = query_of(reply.headers["location"])
    assert (answer["error"], answer["state"]) == ("login_required", "s")


def test_prompt_none_needs_consent(emulator: Emulator, app: App, browser: Browser) -> None:
    browser.press(browser.open(app.uri(scope="openid")), "Allow")
    for uri in (app.uri(prompt="none"), app.uri(prompt="none", scope="openid profile")):
        assert query_of(browser.get(uri).headers["location"])["error"] == "consent_required"
    emulator.oauth.revoke()
    uri = app.uri(prompt="none", scope="openid")
    assert query_of(browser.get(uri).headers["location"])["error"] == "consent_required"


def test_prompt_none_grants_again_what_was_granted(emulator: Emulator, app: App, browser: Browser) -> None:
    page = browser.open(app.uri())
    page.fill("other_user", "42")
    page.choose("universe", "13058")
    browser.press(page, "Allow")
    location = browser.get(app.uri(prompt="none", scope="openid universe:write")).headers["location"]
    assert app.exchange(query_of(location)["code"]).json["scope"] == "openid universe:write"
    consent = emulator.oauth.authorizations()[-1].consent
    assert (consent.user, consent.universes) == ("42", ("13058",))


@pytest.mark.parametrize("cookie", ["<script>", "0", "", "a=b; c", '"\\'])
def test_a_strange_cookie_is_nobody(app: App, browser: Browser, cookie: str) -> None:
    browser.cookies["rblxcloud_emulator_user"] = cookie
    assert browser.open(app.uri()).values("user", checked=True) == ["1"]
