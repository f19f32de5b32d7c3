"""rblxcloud.integrations.fastapi: a user of the emulator signs in to an application, and out."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import httpx
import pytest
from fastapi import Depends, FastAPI

import rblxcloud.sync
from rblxcloud import (
    ConfigurationError,
    InvalidRequestError,
    OAuth2App,
    SignInRequiredError,
    TokenKey,
    TokenPair,
    UserClient,
)
from rblxcloud.emulator import Emulator, OAuthApp
from rblxcloud.emulator.faults import Fault
from rblxcloud.integrations.fastapi import RobloxSignIn
from rblxcloud.oauth2.stores import MemoryTokenStore

SITE = "http://localhost:8000"
REDIRECT = f"{SITE}/auth/callback"
KEY = "k" * 32
SECRET = "emulator-secret"


@pytest.fixture
def anyio_backend() -> str:
    """FastAPI runs on asyncio."""
    return "asyncio"


def site(app: OAuth2App, **options: Any) -> FastAPI:
    sign_in = RobloxSignIn(app, **{"secret_key": KEY, **options})
    web = FastAPI()
    web.include_router(sign_in.router, prefix="/auth")

    @web.get("/me")
    async def me(client: UserClient = Depends(sign_in.user)) -> dict[str, object]:  # noqa: B008
        try:
            return {"username": (await client.fetch_userinfo()).username}
        except SignInRequiredError:
            return {"username": None}

    @web.get("/maybe")
    async def maybe(client: UserClient | None = Depends(sign_in.optional_user)) -> dict[str, object]:  # noqa: B008
        return {"id": client and client.user_id}

    return web


def application(redirect: str = REDIRECT) -> OAuth2App:
    return OAuth2App("1234567890", SECRET, redirect, retries=0)


def browser(web: FastAPI) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(web), base_url=SITE)


@pytest.fixture
async def visitor(rblxcloud_emulator: Emulator, anyio_backend: str) -> AsyncIterator[httpx.AsyncClient]:
    """A browser at the application's site."""
    app = application()
    async with browser(site(app)) as visitor:
        yield visitor
    await app.aclose()


async def come_back(
    visitor: httpx.AsyncClient, decide: Callable[[str], str], path: str = "/auth/login"
) -> httpx.Response:
    """Begin at `path`, decide on the consent page, and follow the browser back."""
    begun = await visitor.get(path)
    assert begun.status_code == 303
    return await visitor.get(decide(begun.headers["location"]))


def approve(emulator: Emulator) -> Callable[[str], str]:
    return lambda uri: emulator.oauth.approve(uri, user=42)


def cookies_of(answer: httpx.Response) -> SimpleCookie:
    jar = SimpleCookie()
    for line in answer.headers.get_list("set-cookie"):
        jar.load(line)
    return jar


@pytest.mark.anyio
async def test_a_user_signs_in_and_out(visitor: httpx.AsyncClient, rblxcloud_emulator: Emulator) -> None:
    assert (await visitor.get("/me")).status_code == 401
    assert (await visitor.get("/maybe")).json() == {"id": None}

    back = await come_back(visitor, approve(rblxcloud_emulator), "/auth/login?next=/me%3Fa%3D1")
    assert (back.status_code, back.headers["location"]) == (303, "/me?a=1")
    assert (await visitor.get("/me")).json() == {"username": "user42"}
    assert (await visitor.get("/maybe")).json() == {"id": 42}

    stolen = visitor.cookies["rblxcloud_session"]
    out = await visitor.post("/auth/logout")
    assert (out.status_code, out.headers["location"]) == (303, "/")
    assert (await visitor.get("/me")).status_code == 401
    (authorization,) = rblxcloud_emulator.oauth.authorizations()
    assert authorization.ended_at is not None
    visitor.cookies.set("rblxcloud_session", stolen)
    assert (await visitor.get("/me")).status_code == 401
    assert (await visitor.get("/maybe")).json() == {"id": None}


@pytest.mark.anyio
async def test_a_session_from_before_a_sign_out_is_over_for_good(
    visitor: httpx.AsyncClient, rblxcloud_emulator: Emulator
) -> None:
    await come_back(visitor, approve(rblxcloud_emulator))
    old = visitor.cookies["rblxcloud_session"]
    await visitor.post("/auth/logout")
    await come_back(visitor, approve(rblxcloud_emulator))
    assert (await visitor.get("/me")).json() == {"username": "user42"}
    visitor.cookies.clear()
    visitor.cookies.set("rblxcloud_session", old)
    assert (await visitor.get("/me")).status_code == 401
    out = await visitor.post("/auth/logout")
    assert cookies_of(out)["rblxcloud_session"].value == ""  # it is of no use, and signs nobody out
    assert [grant.ended_at is None for grant in rblxcloud_emulator.oauth.authorizations()] == [False, True]


@pytest.mark.anyio
async def test_a_user_has_a_session_in_each_browser_until_one_signs_out(
    visitor: httpx.AsyncClient, rblxcloud_emulator: Emulator
) -> None:
    await come_back(visitor, approve(rblxcloud_emulator))
    first = dict(visitor.cookies)
    visitor.cookies.clear()
    await come_back(visitor, approve(rblxcloud_emulator))
    second = dict(visitor.cookies)
    for cookies in (first, second):
        visitor.cookies = httpx.Cookies(cookies)
        assert (await visitor.get("/me")).json() == {"username": "user42"}
    await visitor.post("/auth/logout")
    visitor.cookies = httpx.Cookies(first)
    assert (await visitor.get("/me")).status_code == 401


@pytest.mark.anyio
async def test_a_user_who_has_revoked_the_application_is_told_once_and_then_nobody(
    visitor: httpx.AsyncClient, rblxcloud_emulator: Emulator
) -> None:
    await come_back(visitor, approve(rblxcloud_emulator))
    rblxcloud_emulator.oauth.revoke(user=42)
    assert (await visitor.get("/me")).json() == {"username": None}  # SignInRequiredError
    assert (await visitor.get("/me")).status_code == 401
    await come_back(visitor, approve(rblxcloud_emulator))
    assert (await visitor.get("/me")).json() == {"username": "user42"}


@pytest.mark.anyio
async def test_the_request_has_pkce_nonce_and_the_scopes(visitor: httpx.AsyncClient) -> None:
    asked = parse_qs(urlsplit((await visitor.get("/auth/login")).headers["location"]).query)
    assert asked["scope"] == ["openid profile"]
    assert asked["redirect_uri"] == [REDIRECT]
    assert asked["code_challenge_method"] == ["S256"]
    assert {"state", "nonce", "code_challenge"} <= set(asked)


@pytest.mark.anyio
async def test_roblox_can_be_told_to_ask_for_the_account(rblxcloud_emulator: Emulator) -> None:
    async with application() as app, browser(site(app, prompt="select_account")) as visitor:
        location = (await visitor.get("/auth/login")).headers["location"]
    assert parse_qs(urlsplit(location).query)["prompt"] == ["select_account"]


@pytest.mark.anyio
async def test_a_site_with_tls_signs_in_and_out(rblxcloud_emulator: Emulator) -> None:
    address = "https://game.example"
    rblxcloud_emulator.oauth.add_app(OAuthApp(id="1234567890", redirect_uris=(f"{address}/auth/callback",)), SECRET)
    async with application(f"{address}/auth/callback") as app:
        transport = httpx.ASGITransport(site(app))
        async with httpx.AsyncClient(transport=transport, base_url=address) as visitor:
            await come_back(visitor, approve(rblxcloud_emulator))
            assert set(visitor.cookies) == {"__Host-rblxcloud_session"}
            assert (await visitor.get("/me")).json() == {"username": "user42"}
            await visitor.post("/auth/logout")
            assert not visitor.cookies


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("redirect", "secure"), [(REDIRECT, False), ("http://127.0.0.1:8000/c", False), ("https://game.example/c", True)]
)
async def test_cookies_are_kept_from_scripts_other_sites_and_plain_http(
    redirect: str, secure: bool, rblxcloud_emulator: Emulator
) -> None:
    async with application(redirect) as app, browser(site(app)) as visitor:
        answer = await visitor.get("/auth/login")
    (cookie,) = cookies_of(answer).values()
    assert cookie.key == ("__Host-rblxcloud_begun" if secure else "rblxcloud_begun")
    assert (cookie["path"], cookie["domain"]) == ("/", "")
    assert cookie["httponly"]
    assert cookie["samesite"] == "lax"
    assert bool(cookie["secure"]) is secure
    assert cookie["max-age"] == "600"
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.anyio
async def test_the_session_cookie_holds_no_token(visitor: httpx.AsyncClient, rblxcloud_emulator: Emulator) -> None:
    back = await come_back(visitor, approve(rblxcloud_emulator))
    jar = cookies_of(back)
    assert jar["rblxcloud_begun"].value == ""  # used once
    session = jar["rblxcloud_session"]
    assert session["httponly"]
    assert len(session.value) < 120


@pytest.mark.anyio
@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "\\/evil.example",
        "/\t/evil.example",
        "/\n/evil.example",
        "javascript:alert(1)",
        "/" + "a" * 600,
        "/é",
        " /",
        "evil",
        "",
    ],
)
async def test_an_open_redirect_is_refused(target: str, visitor: httpx.AsyncClient) -> None:
    answer = await visitor.get(f"/auth/login?next={quote(target, safe='')}")
    assert answer.status_code == 400
    assert "location" not in answer.headers
    assert "set-cookie" not in answer.headers


@pytest.mark.anyio
async def test_a_user_who_denies(visitor: httpx.AsyncClient, rblxcloud_emulator: Emulator) -> None:
    back = await come_back(visitor, rblxcloud_emulator.oauth.deny)
    assert back.status_code == 403
    assert "rblxcloud_begun" not in visitor.cookies
    assert (await visitor.get("/me")).status_code == 401


@pytest.mark.anyio
async def test_a_callback_in_a_browser_that_began_nothing(
    visitor: httpx.AsyncClient, rblxcloud_emulator: Emulator
) -> None:
    location = (await visitor.get("/auth/login")).headers["location"]
    visitor.cookies.clear()
    back = await visitor.get(rblxcloud_emulator.oauth.approve(location))
    assert back.status_code == 400
    assert "set-cookie" not in back.headers


@pytest.mark.anyio
async def test_the_callback_of_somebody_elses_sign_in(visitor: httpx.AsyncClient, rblxcloud_emulator: Emulator) -> None:
    foreign = (await visitor.get("/auth/login")).headers["location"]
    back = await come_back(visitor, lambda _: rblxcloud_emulator.oauth.approve(foreign))
    assert back.status_code == 400
    assert "another sign-in" in back.json()["detail"]
    assert rblxcloud_emulator.requests(endpoint="oauth.token") == []


@pytest.mark.anyio
async def test_a_callback_is_used_once(visitor: httpx.AsyncClient, rblxcloud_emulator: Emulator) -> None:
    callback = rblxcloud_emulator.oauth.approve((await visitor.get("/auth/login")).headers["location"])
    begun = visitor.cookies["rblxcloud_begun"]
    assert (await visitor.get(callback)).status_code == 303
    assert (await visitor.get(callback)).status_code == 400
    visitor.cookies.clear()
    visitor.cookies.set("rblxcloud_begun", begun)
    again = await visitor.get(callback)
    assert again.status_code == 400
    assert "used already" in again.json()["detail"]


@pytest.mark.anyio
@pytest.mark.parametrize("change", [lambda text: text[:-2] + "xx", lambda text: "x" + text[1:], lambda _: "nonsense"])
async def test_a_cookie_that_was_changed_is_nobodys(
    change: Callable[[str], str], visitor: httpx.AsyncClient, rblxcloud_emulator: Emulator
) -> None:
    await come_back(visitor, approve(rblxcloud_emulator))
    changed = change(visitor.cookies["rblxcloud_session"])
    visitor.cookies.clear()
    visitor.cookies.set("rblxcloud_session", changed)
    assert (await visitor.get("/me")).status_code == 401


@pytest.mark.anyio
async def test_one_cookie_is_not_taken_for_the_other_nor_for_that_of_another_key(
    visitor: httpx.AsyncClient, rblxcloud_emulator: Emulator
) -> None:
    await visitor.get("/auth/login")
    visitor.cookies.set("rblxcloud_session", visitor.cookies["rblxcloud_begun"])
    assert (await visitor.get("/me")).status_code == 401
    visitor.cookies.clear()
    await come_back(visitor, approve(rblxcloud_emulator))
    async with application() as app, browser(site(app, secret_key="o" * 32)) as other:
        other.cookies.set("rblxcloud_session", visitor.cookies["rblxcloud_session"])
        assert (await other.get("/me")).status_code == 401


@pytest.mark.anyio
async def test_a_session_ends_when_it_is_too_old(
    visitor: httpx.AsyncClient, rblxcloud_emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    from itsdangerous import TimestampSigner

    await come_back(visitor, approve(rblxcloud_emulator))
    now = TimestampSigner("k").get_timestamp()
    monkeypatch.setattr(TimestampSigner, "get_timestamp", lambda _: now + 14 * 86_400 + 5)
    assert (await visitor.get("/me")).status_code == 401


@pytest.mark.anyio
async def test_roblox_being_down_is_told(visitor: httpx.AsyncClient, rblxcloud_emulator: Emulator) -> None:
    begun = (await visitor.get("/auth/login")).headers["location"]
    callback = rblxcloud_emulator.oauth.approve(begun)
    rblxcloud_emulator.faults.add(Fault(kind="answer", status=503))
    back = await visitor.get(callback)
    assert back.status_code == 502
    assert (await visitor.get("/me")).status_code == 401


@pytest.mark.anyio
@pytest.mark.parametrize("flaw", ["wrong_nonce", "tampered", "missing"])
async def test_a_bad_id_token_signs_nobody_in_and_its_grant_is_revoked(
    flaw: Any, visitor: httpx.AsyncClient, rblxcloud_emulator: Emulator
) -> None:
    rblxcloud_emulator.oauth.spoil_id_token(flaw)
    back = await come_back(visitor, approve(rblxcloud_emulator))
    assert back.status_code == 502
    assert "rblxcloud_begun" not in visitor.cookies
    assert (await visitor.get("/me")).status_code == 401
    (authorization,) = rblxcloud_emulator.oauth.authorizations()
    assert authorization.ended_at is not None


@pytest.mark.anyio
async def test_a_bad_id_token_signs_nobody_in_while_roblox_cannot_revoke_it(
    visitor: httpx.AsyncClient, rblxcloud_emulator: Emulator, caplog: pytest.LogCaptureFixture
) -> None:
    rblxcloud_emulator.oauth.spoil_id_token("tampered")
    rblxcloud_emulator.faults.add(Fault(kind="answer", status=503, endpoint="oauth.revoke_token"))
    assert (await come_back(visitor, approve(rblxcloud_emulator))).status_code == 502
    assert "not revoked" in caplog.text


class _Full(MemoryTokenStore):
    def save(self, key: TokenKey, pair: TokenPair) -> None:
        raise OSError("the disk is full")


@pytest.mark.anyio
async def test_a_sign_in_that_cannot_be_stored_is_revoked(rblxcloud_emulator: Emulator) -> None:
    async with application() as app, browser(site(app, store=_Full())) as visitor:
        back = await come_back(visitor, approve(rblxcloud_emulator))
    assert back.status_code == 503
    assert "could not be kept" in back.json()["detail"]
    (authorization,) = rblxcloud_emulator.oauth.authorizations()
    assert authorization.ended_at is not None


class _Forgetful(MemoryTokenStore):
    def save(self, key: TokenKey, pair: TokenPair) -> None:
        super().save(key, pair)
        super().delete(key)


@pytest.mark.anyio
async def test_who_is_signed_out_elsewhere_while_signing_in_is_nobody(rblxcloud_emulator: Emulator) -> None:
    async with application() as app, browser(site(app, store=_Forgetful())) as visitor:
        assert (await come_back(visitor, approve(rblxcloud_emulator))).status_code == 303
        assert (await visitor.get("/maybe")).json() == {"id": None}


@pytest.mark.anyio
async def test_signing_out_works_while_roblox_is_down(visitor: httpx.AsyncClient, rblxcloud_emulator: Emulator) -> None:
    await come_back(visitor, approve(rblxcloud_emulator))
    rblxcloud_emulator.faults.add(Fault(kind="answer", status=503, times=None))
    assert (await visitor.post("/auth/logout")).status_code == 303
    assert (await visitor.get("/me")).status_code == 401


@pytest.mark.anyio
async def test_a_form_of_another_site_signs_nobody_out(
    visitor: httpx.AsyncClient, rblxcloud_emulator: Emulator
) -> None:
    out = await visitor.post("/auth/logout")  # browsers send no SameSite=Lax cookie with it
    assert "set-cookie" not in out.headers
    assert (await visitor.get("/auth/logout")).status_code == 405


@pytest.mark.anyio
async def test_processes_that_share_key_and_store_share_sign_ins(rblxcloud_emulator: Emulator) -> None:
    store = MemoryTokenStore()
    async with (
        application() as app,
        application() as other,
        browser(site(app, store=store)) as first,
        browser(site(other, store=store)) as second,
    ):
        await come_back(first, approve(rblxcloud_emulator))
        second.cookies.update(first.cookies)
        assert (await second.get("/me")).json() == {"username": "user42"}


@pytest.mark.parametrize(
    ("options", "argument"),
    [
        ({"scope": "profile"}, "scope"),
        ({"home": "https://evil.example"}, "home"),
        ({"home": "//evil.example"}, "home"),
        ({"home": None}, "home"),
        ({"session_seconds": 59}, "session_seconds"),
        ({"session_seconds": "3600"}, "session_seconds"),
        ({"session_seconds": 401 * 86_400}, "session_seconds"),
        ({"cookie": "two words"}, "cookie"),
        ({"cookie": ""}, "cookie"),
        ({"prompt": 5}, "prompt"),
        ({"store": "sqlite:///tokens.db"}, "store"),
    ],
)
def test_bad_arguments_are_refused(options: dict[str, Any], argument: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        RobloxSignIn(application(), **{"secret_key": KEY, **options})
    assert caught.value.argument == argument


def test_a_short_key_is_refused_and_not_shown() -> None:
    with pytest.raises(ConfigurationError) as caught:
        RobloxSignIn(application(), secret_key="short-secret")
    assert "short-secret" not in str(caught.value)


@pytest.mark.parametrize("app", [None, rblxcloud.sync.OAuth2App(1, "secret", "http://localhost:8000/auth/callback")])
def test_what_is_no_async_application_is_refused(app: Any) -> None:
    with pytest.raises(InvalidRequestError, match="app"):
        RobloxSignIn(app, secret_key=KEY)


def test_an_application_without_redirect_address_is_refused() -> None:
    with pytest.raises(InvalidRequestError, match="redirect_uri"):
        RobloxSignIn(OAuth2App(1, "secret"), secret_key=KEY)


def test_nothing_secret_is_shown() -> None:
    assert KEY not in repr(RobloxSignIn(application(), secret_key=KEY))


@pytest.mark.parametrize("package", ["fastapi", "itsdangerous"])
def test_the_extra_is_named_where_it_is_missing(package: str, tmp_path: Path) -> None:
    code = f"import sys; sys.modules[{package!r}] = None; import rblxcloud.integrations.fastapi"
    outcome = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (
        "ConfigurationError: rblxcloud.integrations.fastapi needs an extra: pip install 'rblxcloud[fastapi]'"
        in outcome.stderr
    )
