"""Sign users in with Roblox from a Flask program, and use what they have allowed.

Run it with `ROBLOX_CLIENT_ID=... ROBLOX_CLIENT_SECRET=... python examples/flask_oauth.py`, and open
http://localhost:9066. The redirect address http://localhost:9066/roblox has to be registered with the application.
With PICTURE=path-to/file-object.png, the program uploads that picture in the user's name.
"""

from __future__ import annotations

import os
import secrets

from flask import Flask, abort, redirect, request, session
from werkzeug.wrappers import Response

import rblxcloud.sync as rblxopencloud

REDIRECT_URI = "http://localhost:9066/roblox"
SCOPES = ["openid", "profile", "universe-messaging-service:publish", "asset:read", "asset:write"]


def create_app(client_id: str, client_secret: str, redirect_uri: str = REDIRECT_URI) -> Flask:
    """Make the program, with one OAuth2App for all of its requests."""
    app = Flask(__name__)
    # Signs the session's cookie. Keep one in the environment where the program runs in several processes.
    app.secret_key = os.environ.get("FLASK_SECRET_KEY") or secrets.token_bytes(32)
    # Lax, and not Strict: the callback comes from Roblox's site, and has to bring the cookie.
    app.config.update(SESSION_COOKIE_HTTPONLY=True, SESSION_COOKIE_SAMESITE="Lax")
    oauth2 = rblxopencloud.OAuth2App(client_id, client_secret, redirect_uri)

    @app.get("/")
    def index() -> Response:
        session["state"] = secrets.token_urlsafe(32)
        return redirect(oauth2.generate_uri(scope=SCOPES, state=session["state"]))

    @app.get("/roblox")
    def roblox() -> dict[str, object]:
        # Without this check somebody can sign your user in as somebody else.
        state = session.pop("state", None)
        if state is None or not secrets.compare_digest(state.encode(), request.args.get("state", "").encode()):
            abort(400, "This sign-in was not begun here. Begin again at the first page.")
        if "code" not in request.args:
            abort(403, "You did not allow the sign-in.")

        access = oauth2.exchange_code(code=request.args["code"])
        user = access.user or access.fetch_userinfo()
        resources = access.fetch_resources()
        if resources.experiences:
            resources.experiences[0].publish_message("topic", "string-message")
        asset = None
        if resources.creators and (picture := os.environ.get("PICTURE")):
            with open(picture, "rb") as file:
                upload = resources.creators[0].upload_asset(file, rblxopencloud.AssetType.Decal, "name", "description")
            asset = upload if isinstance(upload, rblxopencloud.Asset) else upload.wait()
        renewed = oauth2.refresh_token(access.refresh_token)
        info = oauth2.from_access_token_string(renewed.token).fetch_token_info()
        # This program keeps nothing, so it ends what it was given.
        renewed.revoke_refresh_token()
        return {
            "id": user.id,
            "username": user.username,
            "display_name": user.display_name,
            "experiences": [experience.id for experience in resources.experiences],
            "creators": [creator.id for creator in resources.creators],
            "asset": asset and asset.id,
            "active": info.active,
            "scope": info.scope,
        }

    return app


if __name__ == "__main__":
    create_app(os.environ["ROBLOX_CLIENT_ID"], os.environ["ROBLOX_CLIENT_SECRET"]).run("localhost", 9066)
