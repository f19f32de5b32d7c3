"""For FastAPI: sign-in with Roblox, as three routes and a dependency that yields the user's client; and webhooks.

Needs the extra `fastapi`.
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any, Literal, cast
from urllib.parse import urlsplit

from pydantic import SecretStr

from rblxcloud.config import also_unmade, is_loopback
from rblxcloud.errors import (
    ConfigurationError,
    ConsentDeniedError,
    IDTokenError,
    InvalidGrantError,
    InvalidRequestError,
    RblxCloudError,
    StateMismatchError,
    TokenStoreError,
)
from rblxcloud.http.auth import check_secret
from rblxcloud.integrations.asgi import WebhookEndpoint
from rblxcloud.oauth2.app import OAuth2App
from rblxcloud.oauth2.authorization import AuthorizationRequest, check_scope
from rblxcloud.oauth2.stores.base import TokenStore, check_store
from rblxcloud.oauth2.user_client import UserClient
from rblxcloud.resources.arguments import check_whole, shown
from rblxcloud.types import TokenPair
from rblxcloud.webhooks.receiver import WebhookReceiver

try:
    from fastapi import APIRouter, HTTPException, Request
    from fastapi.responses import JSONResponse, RedirectResponse, Response
    from itsdangerous import BadData, URLSafeTimedSerializer
    from starlette.routing import Route
except ImportError as _missing:
    raise ConfigurationError(f"{__name__} needs an extra: pip install 'rblxcloud[fastapi]'") from _missing

__all__ = ["RobloxSignIn", "webhook_router"]

_logger = logging.getLogger("rblxcloud.integrations")

_SHORTEST_KEY = 32
_BEGUN_SECONDS = 600
_LONGEST_ADDRESS = 512
_LONGEST_SESSION_SECONDS = 400 * 86_400
_COOKIE = re.compile(r"[A-Za-z0-9_-]+")
_LAX: Literal["lax"] = "lax"
"""Not strict: the callback comes from Roblox's site, and has to bring the cookie."""


class RobloxSignIn:
    """Signs the users of a FastAPI application in with their Roblox accounts.

    ```python
    from fastapi import Depends, FastAPI

    from rblxcloud import OAuth2App, UserClient
    from rblxcloud.integrations.fastapi import RobloxSignIn

    oauth2 = OAuth2App(1234567890, "emulator-secret", "http://localhost:8000/auth/callback")
    sign_in = RobloxSignIn(oauth2, secret_key="at least 32 characters of random text", scope=["openid", "profile"])
    app = FastAPI()
    app.include_router(sign_in.router, prefix="/auth")


    @app.get("/me")
    async def me(client: UserClient = Depends(sign_in.user)) -> dict[str, object]:
        return {"username": (await client.fetch_userinfo()).username}
    ```

    The routes of `router`: `GET /login` sends the user to Roblox (`?next=/page` says where to afterwards), `GET
    /callback` is the application's redirect address, and `POST /logout` signs the user out.

    The browser keeps two signed cookies: the sign-in that was begun, for ten minutes, and who is signed in. The tokens
    never leave the store. Signing out ends all of the user's sessions, in other browsers too.
    """

    router: APIRouter
    """The routes; include it with the prefix that the application's redirect address has."""

    def __init__(
        self,
        app: OAuth2App,
        *,
        secret_key: str | SecretStr,
        scope: str | Iterable[str] = ("openid", "profile"),
        store: TokenStore | None = None,
        home: str = "/",
        session_seconds: int = 14 * 86_400,
        cookie: str = "rblxcloud",
        prompt: str | None = None,
    ) -> None:
        """Make the routes; nothing is sent.

        Args:
            app: The application, with its redirect address.
            secret_key: Signs the cookies: 32 characters or more, random, the same in all processes.
            scope: What to ask for; has to include `openid`.
            store: Where the tokens are kept; None for the application object's memory, which other processes do not
                see and which ends with this one.
            home: Where users go after sign-in without `next`, and after sign-out: a path of this site.
            session_seconds: How long a user stays signed in to this site: from 60 seconds to 400 days, which is what
                browsers keep a cookie for.
            cookie: What the names of the cookies begin with; over TLS, `__Host-` stands before it.
            prompt: What Roblox asks of the user each time, as for `OAuth2App.authorize`: `select_account`, say.

        Raises:
            InvalidRequestError: An argument is refused.
            ConfigurationError: The key is too short.
        """
        if not isinstance(app, OAuth2App):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise InvalidRequestError("app", f"is of type {type(app).__name__}; it takes an OAuth2App of rblxcloud")
        if store is not None:
            check_store(store)
        if app.redirect_uri is None:
            raise InvalidRequestError("app", "was made without redirect_uri, where users come back to")
        self._scope = check_scope(scope)
        if "openid" not in self._scope:
            raise InvalidRequestError("scope", "lacks 'openid', without which nobody knows who signs in")
        app.authorize(self._scope, prompt=prompt)  # refuses here what it would refuse at each sign-in
        if not isinstance(home, str) or _local_path(home) is None:  # pyright: ignore[reportUnnecessaryIsInstance]
            raise InvalidRequestError("home", f"{home!r} is not a path of this site, such as '/'")
        if not isinstance(cookie, str) or not _COOKIE.fullmatch(cookie):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise InvalidRequestError("cookie", f"{cookie!r} is not made of letters, digits, '-' and '_'")
        check_whole("session_seconds", session_seconds, _LONGEST_SESSION_SECONDS, smallest=60)
        key = check_secret("secret_key", secret_key).get_secret_value()
        if len(key) < _SHORTEST_KEY:
            raise ConfigurationError(f"secret_key takes {_SHORTEST_KEY} characters or more")
        self._app = app
        self._store = store
        self._home = home
        self._prompt = prompt
        # Roblox's answer comes back over the redirect address, so it says whether the site is served with TLS, also
        # behind a proxy that hides it.
        parts = urlsplit(app.redirect_uri)
        secure = not (parts.scheme == "http" and is_loopback(parts.hostname or ""))
        self._begun = _Cookie(f"{cookie}_begun", key, app.id, _BEGUN_SECONDS, secure)
        self._session = _Cookie(f"{cookie}_session", key, app.id, session_seconds, secure)
        self.router = APIRouter(tags=["sign-in"])
        self.router.add_api_route("/login", self._login, methods=["GET"], response_model=None)
        self.router.add_api_route("/callback", self._callback, methods=["GET"], response_model=None)
        self.router.add_api_route("/logout", self._logout, methods=["POST"], response_model=None)

    @also_unmade
    def __repr__(self) -> str:
        """Show the application, and nothing secret."""
        return f"<{type(self).__name__} of application {self._app.id}>"

    async def user(self, request: Request) -> UserClient:
        """Return the signed-in user's client: a dependency, for `Depends`.

        Args:
            request: The request.

        Returns:
            A client in the user's name. Its calls raise `SignInRequiredError` when Roblox ended the sign-in.

        Raises:
            HTTPException: 401, nobody is signed in.
            TokenStoreError: The store failed.
        """
        client = await self.optional_user(request)
        if client is None:
            raise HTTPException(401, "Sign in with Roblox first.")
        return client

    async def optional_user(self, request: Request) -> UserClient | None:
        """Return the signed-in user's client, or None where nobody is signed in: a dependency, for `Depends`.

        Args:
            request: The request.

        Raises:
            TokenStoreError: The store failed.
        """
        kept = self._session.read(request)
        if kept is None:
            return None
        client = self._app.client(kept["user"], store=self._store)
        # The cookie alone would be good again when the user, after a sign-out, signs in anew.
        sign_in = await client.fetch_sign_in_id()
        return client if sign_in is not None and sign_in == kept.get("sign_in") else None

    async def _login(self, next: str | None = None) -> Response:
        """Send the user to the consent page."""
        target = self._home if next is None else _local_path(next)
        if target is None:
            raise HTTPException(400, "next has to be a path of this site.")
        begun = self._app.authorize(self._scope, prompt=self._prompt)
        # Not the address: a cookie has room for 4096 bytes, and scopes can be many.
        kept = {**asdict(begun), "uri": "", "next": target}
        answer = _redirect(begun.uri)
        self._begun.write(answer, kept)
        return answer

    async def _callback(self, request: Request) -> Response:
        """Finish the sign-in, and send the user on."""
        kept = self._begun.read(request)
        if kept is None:
            raise HTTPException(400, "This sign-in was not begun in this browser, or too long ago. Begin again.")
        target = kept.pop("next")
        try:
            token = await self._app.finish(AuthorizationRequest(**kept), f"?{request.url.query}")
        except StateMismatchError:
            raise HTTPException(400, "This answer belongs to another sign-in. Begin again.") from None
        except ConsentDeniedError:
            # The sign-in is over: a copy of its cookie is of no use to the next one.
            return self._over(403, "You did not allow the sign-in.")
        except InvalidGrantError:
            return self._over(400, "This sign-in was used already, or took too long. Begin again.")
        except RblxCloudError as error:
            _logger.warning("a sign-in failed: %s", error)
            if isinstance(error, IDTokenError):
                await self._give_up(error.token)
            return self._over(502, "Roblox did not complete the sign-in. Begin again.")
        try:
            client = await self._app.sign_in(token, store=self._store)
        except RblxCloudError as error:
            _logger.error("a sign-in could not be kept: %s", error)
            await self._give_up(token.pair)
            return self._over(503, "The sign-in could not be kept. Begin again.")
        answer = _redirect(target)
        self._begun.clear(answer)
        self._session.write(answer, {"user": client.user_id, "sign_in": await client.fetch_sign_in_id()})
        return answer

    async def _give_up(self, pair: TokenPair | None) -> None:
        """Have Roblox revoke tokens that nobody will use: they would be good for 90 days."""
        if pair is None:
            return
        try:
            await self._app.revoke_token(pair.refresh_token)
        except RblxCloudError as error:
            _logger.warning("the tokens of a sign-in that failed were not revoked: %s", error)

    async def _logout(self, request: Request) -> Response:
        """Forget the user's tokens and have Roblox revoke them."""
        answer = _redirect(self._home)
        if not self._session.is_sent(request):  # another site's form, with which browsers send no cookie
            return answer
        client = await self.optional_user(request)
        self._session.clear(answer)
        if client is not None:
            try:
                await client.sign_out()
            except TokenStoreError:
                raise
            except RblxCloudError as error:
                _logger.warning("user %s is signed out, but the tokens were not revoked: %s", client.user_id, error)
        return answer

    def _over(self, status: int, detail: str) -> Response:
        answer = JSONResponse({"detail": detail}, status)
        self._begun.clear(answer)
        return answer


def webhook_router(
    receiver: WebhookReceiver, path: str = "/webhooks/roblox", *, answer_within: float = 4.0, workers: int = 4
) -> APIRouter:
    """Return a router that takes in webhooks, and handles stored ones while the application runs.

    ```python
    from fastapi import FastAPI

    from rblxcloud import Webhook, WebhookReceiver
    from rblxcloud.integrations.fastapi import webhook_router

    app = FastAPI()
    app.include_router(webhook_router(WebhookReceiver(Webhook("the secret in the Creator Dashboard"))))
    ```

    Args:
        receiver: What the webhooks are for.
        path: Where Roblox sends them, with a `/` at the beginning; what `include_router` puts before it comes first.
        answer_within: Seconds after which the answer is 503, so that Roblox tries again; less than the five that it
            waits.
        workers: How many stored events are handled at the same time, at most 1000; 0 to store them alone, where another
            process handles them.

    Raises:
        InvalidRequestError: An argument is refused.
    """
    if not isinstance(path, str) or not path.startswith("/"):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InvalidRequestError("path", f"{shown(path)} is not a path, which begins with '/'")
    endpoint = WebhookEndpoint(receiver, answer_within=answer_within, workers=workers)
    route = Route(path, endpoint, methods=["POST"], include_in_schema=False)
    return APIRouter(routes=[route], lifespan=endpoint.lifespan)


class _Cookie:
    """A cookie whose content is signed, with the time."""

    def __init__(self, name: str, key: str, client_id: str, seconds: int, secure: bool) -> None:
        # With this prefix, browsers take the cookie from no other host: not from a sibling that was broken into either.
        self.name = f"__Host-{name}" if secure else name
        self._seconds = seconds
        self._attributes: dict[str, Any] = {"httponly": True, "secure": secure, "samesite": _LAX, "path": "/"}
        # The salt keeps one cookie's content from being good in the place of another's, or of another application's.
        self._serializer = URLSafeTimedSerializer(
            key, salt=f"{name}.{client_id}", signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256}
        )

    def is_sent(self, request: Request) -> bool:
        """Return whether the browser has sent the cookie, good or not."""
        return self.name in request.cookies

    def read(self, request: Request) -> dict[str, Any] | None:
        """Return the content; None where there is none, or one that was changed or is too old."""
        value = request.cookies.get(self.name)
        if value is None:
            return None
        try:
            return cast("dict[str, Any]", self._serializer.loads(value, max_age=self._seconds))
        except BadData:
            return None

    def write(self, answer: Response, content: Mapping[str, Any]) -> None:
        value = str(self._serializer.dumps(dict(content)))
        answer.set_cookie(self.name, value, self._seconds, **self._attributes)

    def clear(self, answer: Response) -> None:
        answer.delete_cookie(self.name, **self._attributes)


def _local_path(address: str) -> str | None:
    """Return an address when it is a path of this site, so that a link cannot lead a user elsewhere after sign-in.

    Browsers read `//host` and `/\\host` as another site, and drop tabs and line ends from within.
    """
    if not address.startswith("/") or address.startswith("//") or len(address) > _LONGEST_ADDRESS:
        return None
    if "\\" in address or not all("\x21" <= character <= "\x7e" for character in address):
        return None
    return address


def _redirect(address: str) -> Response:
    return RedirectResponse(address, 303, {"cache-control": "no-store"})
