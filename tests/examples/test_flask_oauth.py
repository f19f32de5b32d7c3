"""examples/flask_oauth.py: a user goes through the emulator's consent page in Chromium."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
from flask import Flask
from selenium.webdriver import Chrome, ChromeOptions, ChromeService
from selenium.webdriver.common.by import By
from selenium.webdriver.support import expected_conditions as expected
from selenium.webdriver.support.wait import WebDriverWait
from werkzeug.serving import make_server

from examples.flask_oauth import SCOPES, create_app
from rblxcloud.emulator import Emulator, OAuthApp
from rblxcloud.sync import OAuth2App
from tests.support.files import png

CLIENT_ID, SECRET = "1234567890", "emulator-secret"
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Chrome]:
    """A browser that has never been used."""
    for program in ("chromium", "chromedriver"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    options = ChromeOptions()
    options.binary_location = str(shutil.which("chromium"))
    for flag in (*FLAGS, f"--user-data-dir={tmp_path / 'profile'}"):
        options.add_argument(flag)
    browser = Chrome(options, ChromeService(shutil.which("chromedriver")))
    try:
        browser.set_page_load_timeout(60)
        yield browser
    finally:
        browser.quit()


@pytest.fixture
def site(rblxcloud_emulator: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Where the program is served."""
    picture = tmp_path / "file-object.png"
    picture.write_bytes(png())
    monkeypatch.setenv("PICTURE", str(picture))
    server = make_server("localhost", 0, Flask("not made yet"), threaded=True)
    address = f"http://localhost:{server.server_port}"
    server.app = create_app(CLIENT_ID, SECRET, f"{address}/roblox")  # whose redirect address has the port
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield address
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def press(browser: Chrome, value: str, there: str) -> None:
    """Press a button, and wait until the browser is at an address that has `there` in it."""
    button = browser.find_element(By.CSS_SELECTOR, f"button[value={value}]")
    button.click()
    wait = WebDriverWait(browser, 30)
    wait.until(expected.staleness_of(button))
    wait.until(expected.url_contains(there))


def text_of(browser: Chrome) -> str:
    return browser.find_element(By.TAG_NAME, "body").text


def test_the_whole_program_in_a_real_browser(site: str, browser: Chrome, rblxcloud_emulator: Emulator) -> None:
    browser.get(site)
    assert "wants to connect to your account" in browser.find_element(By.TAG_NAME, "h1").text
    browser.find_element(By.NAME, "other_user").send_keys("42")
    browser.find_element(By.CSS_SELECTOR, "input[name=universe][value='13158']").click()  # cleared
    browser.find_element(By.NAME, "group").click()  # 42 is not in that group: cleared
    press(browser, "approve", "/me")
    assert browser.find_element(By.TAG_NAME, "h1").text == "You are User 42 (@user42)"
    assert "experiences 13058, and upload for users/42" in text_of(browser)
    assert browser.get_cookie("session")["httpOnly"]

    browser.find_element(By.LINK_TEXT, "What Roblox says of the token").click()
    WebDriverWait(browser, 30).until(expected.url_contains("/token-info"))
    first = json.loads(text_of(browser))
    assert (first["active"], first["client_id"], first["user_id"]) == (True, CLIENT_ID, "42")
    assert first["scope"] == SCOPES

    browser.back()
    press(browser, "renew", "/token-info")
    assert json.loads(text_of(browser))["id"] != first["id"]

    browser.get(f"{site}/me")
    press(browser, "try", "/try")
    done = json.loads(text_of(browser))
    assert done["published"] is True
    assert isinstance(done["asset"], int)
    (message,) = rblxcloud_emulator.messages()
    assert (message.topic, message.message, message.principal) == ("topic", "string-message", "users/42")

    browser.get(f"{site}/me")
    press(browser, "sign-out", "/sign-out")
    assert text_of(browser) == "You are signed out."
    (authorization,) = rblxcloud_emulator.oauth.authorizations()
    assert authorization.ended_at is not None
    browser.get(f"{site}/me")
    assert "Sign in first" in text_of(browser)


def test_a_user_who_does_not_allow_it(site: str, browser: Chrome, rblxcloud_emulator: Emulator) -> None:
    browser.get(site)
    press(browser, "deny", "/roblox?")
    assert "You did not allow the sign-in." in text_of(browser)
    assert rblxcloud_emulator.oauth.authorizations() == []


def test_a_callback_that_was_not_begun_in_this_browser(site: str, browser: Chrome) -> None:
    browser.get(f"{site}/roblox?code=stolen&state=foreign")
    assert "not begun here" in text_of(browser)


# The rest needs no real browser.


@pytest.fixture
def visitor(site: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=site) as visitor:
        yield visitor


def come_back(visitor: httpx.Client, emulator: Emulator, user: int = 42) -> httpx.Response:
    """Begin at the first page, allow what is asked for, and come back."""
    return visitor.get(emulator.oauth.approve(visitor.get("/").headers["location"], user=user))


def token_of(emulator: Emulator, client_id: str = CLIENT_ID, secret: str = SECRET) -> str:
    """An access token that was got elsewhere than at the site."""
    with OAuth2App(client_id, secret, "http://localhost:1/elsewhere") as app:
        request = app.authorize(["openid", "profile"])
        return app.finish(request, emulator.oauth.approve(request.uri, user=43)).token


def test_no_token_is_in_the_cookie(visitor: httpx.Client, rblxcloud_emulator: Emulator) -> None:
    assert come_back(visitor, rblxcloud_emulator).headers["location"] == "/me"
    assert len(visitor.cookies["session"]) < 150


def test_tokens_are_renewed_before_they_expire(
    visitor: httpx.Client, rblxcloud_emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    come_back(visitor, rblxcloud_emulator)
    assert visitor.get("/me").status_code == 200
    assert len(rblxcloud_emulator.requests(endpoint="oauth.token")) == 1
    later = datetime.now(UTC) + timedelta(seconds=850)
    monkeypatch.setattr("examples.flask_oauth.datetime", SimpleNamespace(now=lambda zone: later))
    assert visitor.get("/me").status_code == 200
    assert len(rblxcloud_emulator.requests(endpoint="oauth.token")) == 2


@pytest.mark.parametrize(("method", "page"), [("POST", "/renew"), ("GET", "/me")])
def test_who_has_revoked_the_application_has_to_sign_in_again(
    visitor: httpx.Client, rblxcloud_emulator: Emulator, method: str, page: str
) -> None:
    come_back(visitor, rblxcloud_emulator)
    rblxcloud_emulator.oauth.revoke(user=42)
    for text in ("Roblox has ended the sign-in", "Sign in first"):
        answer = visitor.request(method, page)
        assert (answer.status_code, text in answer.text) == (401, True)


def test_a_bad_id_token_of_a_renewal_ends_the_sign_in(visitor: httpx.Client, rblxcloud_emulator: Emulator) -> None:
    come_back(visitor, rblxcloud_emulator)
    rblxcloud_emulator.oauth.spoil_id_token("tampered")
    assert [visitor.post("/renew").status_code for _ in range(2)] == [502, 401]
    (authorization,) = rblxcloud_emulator.oauth.authorizations()
    assert authorization.ended_at is not None


def test_a_code_that_was_used(visitor: httpx.Client, rblxcloud_emulator: Emulator) -> None:
    callback = rblxcloud_emulator.oauth.approve(visitor.get("/").headers["location"])
    cookie = visitor.cookies["session"]
    assert visitor.get(callback).status_code == 302
    visitor.cookies.clear()
    visitor.cookies.set("session", cookie)
    assert visitor.get(callback).status_code == 400


def test_a_bad_id_token_signs_nobody_in_and_is_revoked(visitor: httpx.Client, rblxcloud_emulator: Emulator) -> None:
    rblxcloud_emulator.oauth.spoil_id_token("tampered")
    assert come_back(visitor, rblxcloud_emulator).status_code == 502
    (authorization,) = rblxcloud_emulator.oauth.authorizations()
    assert authorization.ended_at is not None


def test_another_part_of_the_application_brings_its_own_token(
    visitor: httpx.Client, rblxcloud_emulator: Emulator
) -> None:
    headers = {"authorization": f"Bearer {token_of(rblxcloud_emulator)}"}
    assert visitor.get("/api/me", headers=headers).json() == {
        "id": 43,
        "username": "user43",
        "display_name": "User 43",
    }
    assert visitor.delete("/api/me", headers=headers).json() == {}
    (authorization,) = rblxcloud_emulator.oauth.authorizations()
    assert authorization.ended_at is not None


def test_a_token_of_another_application_is_refused(visitor: httpx.Client, rblxcloud_emulator: Emulator) -> None:
    rblxcloud_emulator.oauth.add_app(OAuthApp(id="77"), "other")
    for header in (f"Bearer {token_of(rblxcloud_emulator, '77', 'other')}", "Bearer nonsense", "Basic x", ""):
        assert visitor.get("/api/me", headers={"authorization": header}).status_code == 401
