"""Sign users in with Roblox from a Flask program, act for them, and sign them out.

It needs `pip install rblxcloud flask`.

Run it with `ROBLOX_CLIENT_ID=... ROBLOX_CLIENT_SECRET=... python examples/flask_oauth.py`, and open
http://localhost:9066. The redirect address http://localhost:9066/roblox has to be registered with the application.
With PICTURE=path-to/file-object.png, the program uploads that picture in the user's name.

It shows each call of OAuth2App. A program that keeps users signed in for longer has less to do with
`OAuth2App.sign_in`, which refreshes and stores the tokens by itself.
"""

from __future__ import annotations

import os
import secrets
import sys
import threading
from datetime import UTC, datetime, timedelta
from html import escape
from typing import NoReturn

from flask import Flask, abort, redirect, request, session
from werkzeug.wrappers import Response

import rblxcloud.sync as rblxopencloud

REDIRECT_URI = "http://localhost:9066/roblox"
SCOPES = ["openid", "profile", "universe-messaging-service:publish", "asset:read", "asset:write"]
PAGE = """<!DOCTYPE html><html lang="en"><title>Signed in</title>
<h1>You are {name}</h1><p>Since {since:%Y}, with user id {id}: <a href="{profile}">profile</a></p>
<p>This program may touch the experiences {experiences}, and upload for {creators}.</p>
<form method="post" action="/try"><button name="do" value="try">Publish a message, upload a picture</button></form>
<form method="post" action="/renew"><button name="do" value="renew">Renew the token</button></form>
<form method="post" action="/sign-out"><button name="do" value="sign-out">Sign out</button></form>
<p><a href="/token-info">What Roblox says of the token</a></p>"""


class SignIns:
    """The tokens of who is signed in, by what their browsers' sessions say; in memory, so they end with the program."""

    def __init__(self, oauth2: rblxopencloud.OAuth2App) -> None:
        self._oauth2 = oauth2
        self._kept: dict[str, rblxopencloud.AccessToken] = {}
        self._lock = threading.Lock()

    def add(self, access: rblxopencloud.AccessToken) -> None:
        """Sign the browser of this request in. The session's cookie can be read, so that no token stands in it."""
        session.clear()
        session["id"] = secrets.token_urlsafe(32)
        self._kept[session["id"]] = access

    def current(self, *, renew: bool = False) -> rblxopencloud.AccessToken:
        """Return the tokens of the browser of this request, renewed where they are about to expire."""
        # One at a time: a refresh token works once.
        with self._lock:
            access = self._kept.get(session.get("id", ""))
            if access is None:
                abort(401, "Sign in first, at the first page.")
            if renew or access.expires_at - datetime.now(UTC) < timedelta(minutes=1):
                try:
                    access = self._oauth2.refresh_token(access.refresh_token)
                except rblxopencloud.InvalidGrantError:
                    del self._kept[session["id"]]
                    abort(401, "Roblox has ended the sign-in. Sign in again, at the first page.")
                except rblxopencloud.IDTokenError as error:
                    del self._kept[session["id"]]
                    end(self._oauth2, error)
                self._kept[session["id"]] = access
            return access

    def remove(self) -> rblxopencloud.AccessToken | None:
        """Sign the browser of this request out, and return its tokens."""
        return self._kept.pop(session.pop("id", ""), None)


def end(oauth2: rblxopencloud.OAuth2App, error: rblxopencloud.IDTokenError) -> NoReturn:
    """End a sign-in of which nobody knows whose it is: nobody may have its tokens."""
    if error.token is not None:
        oauth2.revoke_token(error.token.refresh_token)
    abort(502, "Roblox did not say who you are. Begin again at the first page.")


def create_app(client_id: str, client_secret: str, redirect_uri: str = REDIRECT_URI) -> Flask:
    """Make the program, with one OAuth2App for all of its requests."""
    app = Flask(__name__)
    # Signs the session's cookie. Keep one in the environment where sessions have to outlive the program.
    app.secret_key = os.environ.get("FLASK_SECRET_KEY") or secrets.token_bytes(32)
    # Lax, and not Strict: the callback comes from Roblox's site, and has to bring the cookie. With a form of another
    # site, browsers do not send it.
    app.config.update(
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=redirect_uri.startswith("https:"),
    )
    oauth2 = rblxopencloud.OAuth2App(client_id, client_secret, redirect_uri, openid_certs_cache_seconds=120)
    sign_ins = SignIns(oauth2)

    @app.get("/")
    def index() -> Response:
        session["state"] = secrets.token_urlsafe(32)
        return redirect(oauth2.generate_uri(scope=SCOPES, state=session["state"]))

    @app.get("/roblox")
    def roblox() -> Response:
        # Without this check somebody can sign your user in as somebody else.
        state = session.pop("state", None)
        if state is None or not secrets.compare_digest(state.encode(), request.args.get("state", "").encode()):
            abort(400, "This sign-in was not begun here. Begin again at the first page.")
        if "code" not in request.args:
            abort(403, "You did not allow the sign-in.")
        try:
            access = oauth2.exchange_code(code=request.args["code"])
        except rblxopencloud.InvalidGrantError:
            abort(400, "This sign-in was used already, or took too long. Begin again at the first page.")
        except rblxopencloud.IDTokenError as error:
            end(oauth2, error)
        sign_ins.add(access)
        return redirect("/me")

    @app.errorhandler(rblxopencloud.AuthenticationError)
    def ended(error: rblxopencloud.AuthenticationError) -> tuple[str, int]:
        sign_ins.remove()
        return "Roblox has ended the sign-in. Sign in again, at the first page.", 401

    @app.get("/me")
    def me() -> str:
        access = sign_ins.current()
        user = access.fetch_userinfo()
        resources = access.fetch_resources()
        return PAGE.format(
            name=escape(f"{user.display_name} (@{user.username})"),
            since=user.created_at or datetime.now(UTC),
            id=user.id,
            profile=escape(user.profile_uri or ""),
            experiences=", ".join(str(experience.id) for experience in resources.experiences) or "none",
            creators=", ".join(creator.path for creator in resources.creators) or "nobody",
        )

    @app.post("/try")
    def try_it() -> dict[str, object]:
        resources = sign_ins.current().fetch_resources()
        if resources.experiences:
            resources.experiences[0].publish_message("topic", "string-message")
        asset = None
        if resources.creators and (picture := os.environ.get("PICTURE")):
            with open(picture, "rb") as file:
                upload = resources.creators[0].upload_asset(file, rblxopencloud.AssetType.Decal, "name", "description")
            asset = upload if isinstance(upload, rblxopencloud.Asset) else upload.wait()
        return {"published": bool(resources.experiences), "asset": asset and asset.id}

    @app.post("/renew")
    def renew() -> Response:
        sign_ins.current(renew=True)
        return redirect("/token-info", 303)

    @app.get("/token-info")
    def token_info() -> dict[str, object]:
        return shown(sign_ins.current().fetch_token_info())

    @app.post("/sign-out")
    def sign_out() -> str:
        access = sign_ins.remove()
        if access is not None:
            access.revoke_refresh_token()
        return "You are signed out."

    # For another part of the same application, a plug-in for Studio say, that signed its user in itself.
    def bearer() -> rblxopencloud.PartialAccessToken:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            abort(401, "Send an access token.")
        access = oauth2.from_access_token_string(token)
        info = access.fetch_token_info()
        # One that a user gave to another application must not open this one.
        if not info.active or info.client_id != oauth2.id:
            abort(401, "The access token has expired, or is none of this application.")
        return access

    @app.get("/api/me")
    def api_me() -> dict[str, object]:
        user = bearer().fetch_userinfo()
        return {"id": user.id, "username": user.username, "display_name": user.display_name}

    @app.delete("/api/me")
    def api_sign_out() -> dict[str, object]:
        bearer().revoke()
        return {}

    return app


def shown(info: rblxopencloud.AccessTokenInfo) -> dict[str, object]:
    """Return what may be shown of a token."""
    return {
        "active": info.active,
        "id": info.id,
        "client_id": info.client_id,
        "user_id": info.user_id,
        "scope": info.scope,
        "expires_at": info.expires_at and info.expires_at.isoformat(),
        "issued_at": info.issued_at and info.issued_at.isoformat(),
    }


def required(name: str) -> str:
    """Return a variable of the environment, or end the program."""
    return os.environ.get(name) or sys.exit(f"set {name}: the first lines of {__file__} say how")


if __name__ == "__main__":
    create_app(required("ROBLOX_CLIENT_ID"), required("ROBLOX_CLIENT_SECRET")).run("localhost", 9066)
