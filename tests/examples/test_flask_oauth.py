"""examples/flask_oauth.py: a user goes through the emulator's consent page in Chromium."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from selenium.webdriver import Chrome, ChromeOptions, ChromeService
from selenium.webdriver.common.by import By
from selenium.webdriver.support import expected_conditions as expected
from selenium.webdriver.support.wait import WebDriverWait
from werkzeug.serving import make_server

from examples.flask_oauth import create_app
from rblxcloud.emulator import Emulator
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


def press(browser: Chrome, decision: str) -> None:
    """Press a button of the consent page, and wait until the browser has left it."""
    button = browser.find_element(By.CSS_SELECTOR, f"button[value={decision}]")
    button.click()
    wait = WebDriverWait(browser, 30)
    wait.until(expected.staleness_of(button))
    wait.until(expected.url_contains("/roblox?"))


def text_of(browser: Chrome) -> str:
    return browser.find_element(By.TAG_NAME, "body").text


def test_the_whole_program_in_a_real_browser(site: str, browser: Chrome, rblxcloud_emulator: Emulator) -> None:
    browser.get(site)
    assert "wants to connect to your account" in browser.find_element(By.TAG_NAME, "h1").text
    browser.find_element(By.NAME, "other_user").send_keys("42")
    browser.find_element(By.CSS_SELECTOR, "input[name=universe][value='13158']").click()  # cleared
    browser.find_element(By.NAME, "group").click()  # 42 is not in that group: cleared
    press(browser, "approve")
    shown = json.loads(text_of(browser))
    asset = shown.pop("asset")
    assert isinstance(asset, int)
    assert shown == {
        "id": 42,
        "username": "user42",
        "display_name": "User 42",
        "experiences": [13058],
        "creators": [42],
        "active": True,
        "scope": ["openid", "profile", "universe-messaging-service:publish", "asset:read", "asset:write"],
    }
    (message,) = rblxcloud_emulator.messages()
    assert (message.topic, message.message) == ("topic", "string-message")
    (authorization,) = rblxcloud_emulator.oauth.authorizations()
    assert authorization.ended_at is not None  # revoked at the end


def test_a_user_who_does_not_allow_it(site: str, browser: Chrome, rblxcloud_emulator: Emulator) -> None:
    browser.get(site)
    press(browser, "deny")
    assert "You did not allow the sign-in." in text_of(browser)
    assert rblxcloud_emulator.oauth.authorizations() == []


def test_a_callback_that_was_not_begun_in_this_browser(site: str, browser: Chrome) -> None:
    browser.get(f"{site}/roblox?code=stolen&state=foreign")
    assert "not begun here" in text_of(browser)
