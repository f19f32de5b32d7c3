"""The applications that may ask users for consent, and how they prove who they are at the token endpoint."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from collections.abc import Mapping
from hmac import compare_digest
from typing import ClassVar
from urllib.parse import unquote_plus, urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic.alias_generators import to_camel

from rblxcloud.emulator.api_keys import secret_hash
from rblxcloud.emulator.model import Refusal, World

__all__ = ["DEFAULT_APPS", "SCHEMA", "OAuthApp", "add", "authenticate", "every", "find", "remove"]

SCHEMA = """
CREATE TABLE IF NOT EXISTS oauth_apps (
    id TEXT PRIMARY KEY,
    secret_hash TEXT NOT NULL,
    record TEXT NOT NULL
);
"""

DEFAULT_APPS: Mapping[str, str | None] = {"1234567890": "emulator-secret"}
"""Client id and secret of the application of an emulator that was given none."""

_MAX_URIS = 10
_MAX_URI = 256
_VISIBLE = re.compile(r"[\x21-\x7e]+")
_AUTHORITY = re.compile(r"[A-Za-z0-9.\-_~%\[\]:]*")
_SCRIPT_SCHEMES = ("javascript", "data", "vbscript", "file", "blob", "about")


class OAuthApp(BaseModel):
    """An OAuth 2.0 application. The secret is kept apart, and only as a hash."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, frozen=True, extra="forbid", hide_input_in_errors=True
    )

    id: str = Field(pattern=r"^[0-9]{1,30}$")
    """The client id: digits, more of them than fit into 64 bits."""
    name: str = "Emulator app"
    """What the consent page calls it."""
    public: bool = False
    """Whether it has no secret, and has to use PKCE instead."""
    redirect_uris: tuple[str, ...] | None = Field(default=None, max_length=_MAX_URIS)
    """Where users may be sent back to, exactly; None for any loopback address."""
    scopes: tuple[str, ...] | None = None
    """What it may ask for; None for every scope that can be granted."""

    @field_validator("redirect_uris")
    @classmethod
    def _check_uris(cls, value: tuple[str, ...] | None) -> tuple[str, ...] | None:
        for uri in value or ():
            if len(uri) > _MAX_URI or not _is_allowed(uri):
                raise ValueError(
                    f"{uri!r} is no redirect URI: https, http on localhost or a scheme of the app's own, without a"
                    f" fragment, of at most {_MAX_URI} visible ASCII characters"
                )
        return value

    def takes(self, uri: str) -> bool:
        """Return whether users may be sent back to `uri`."""
        if self.redirect_uris is None:
            return len(uri) <= _MAX_URI and _is_allowed(uri) and _is_loopback(uri)
        return uri in self.redirect_uris


def add(world: World, app: OAuthApp, secret: str | None) -> None:
    """Store an application, in the place of one with the same id.

    Args:
        world: The emulator's state.
        app: What it is.
        secret: What it authenticates with; None for a public one.

    Raises:
        ValueError: A public application was given a secret, or another one none.
    """
    if app.public == bool(secret):
        raise ValueError("a public application has no secret, any other application needs one")
    world.database.execute(
        "INSERT OR REPLACE INTO oauth_apps VALUES (?, ?, ?)",
        (app.id, secret_hash(secret) if secret else "", app.model_dump_json()),
    )


def remove(world: World, client_id: str) -> bool:
    """Forget an application; return whether there was one."""
    return world.database.execute("DELETE FROM oauth_apps WHERE id = ?", (client_id,)).rowcount > 0


def every(world: World) -> list[OAuthApp]:
    """Return the applications there are, in the order in which they were added."""
    rows = world.database.execute("SELECT record FROM oauth_apps ORDER BY rowid")
    return [OAuthApp.model_validate_json(record) for (record,) in rows]


def find(world: World, client_id: str) -> OAuthApp | None:
    """Return an application, or None where there is none with this id."""
    row = world.database.execute("SELECT record FROM oauth_apps WHERE id = ?", (client_id,)).fetchone()
    return None if row is None else OAuthApp.model_validate_json(row[0])


def authenticate(world: World, form: Mapping[str, str], headers: Mapping[str, str]) -> OAuthApp:
    """Return the application that calls: by its secret in the body or in HTTP Basic, or a public one by its id.

    Args:
        world: The emulator's state.
        form: The parameters of the body.
        headers: The headers of the request.

    Raises:
        Refusal: 401 `invalid_client`, or 400 `invalid_request` when it authenticates in two ways.
    """
    basic = headers.get("authorization")
    client_id, secret = form.get("client_id", ""), form.get("client_secret", "")
    secrets: tuple[str, ...] = (secret,)
    if basic is not None:
        if secret:
            raise Refusal(400, "invalid_request", "Send the client secret in the body or in HTTP Basic, not in both.")
        named, secrets = _read_basic(basic)
        if client_id not in ("", named):
            raise Refusal(400, "invalid_request", "client_id is not the one of HTTP Basic.")
        client_id = named
    elif not client_id:
        raise Refusal(400, "invalid_request", "client_id is missing.")
    app = find(world, client_id)
    if app is None or not any(_is_secret(world, app, secret) for secret in secrets):
        challenge = {"www-authenticate": 'Basic realm="oauth"'} if basic is not None else {}
        raise Refusal(401, "invalid_client", "The client id or the client secret is wrong.", headers=challenge)
    return app


def _is_secret(world: World, app: OAuthApp, secret: str) -> bool:
    if app.public:
        return not secret
    (kept,) = world.database.execute("SELECT secret_hash FROM oauth_apps WHERE id = ?", (app.id,)).fetchone()
    return compare_digest(kept, secret_hash(secret))


def _read_basic(header: str) -> tuple[str, tuple[str, ...]]:
    """Return the id and what the secret may be: RFC 6749 form-encodes it before base64, Roblox's guide does not."""
    scheme, _, encoded = header.partition(" ")
    try:
        if scheme.lower() != "basic":
            raise ValueError(scheme)
        client_id, colon, secret = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (ValueError, binascii.Error):
        colon, client_id, secret = "", "", ""
    if not colon:
        challenge = {"www-authenticate": 'Basic realm="oauth"'}
        raise Refusal(401, "invalid_client", "The Authorization header is not HTTP Basic.", headers=challenge)
    return client_id, (secret, unquote_plus(secret))


def _is_allowed(uri: str) -> bool:
    if not _VISIBLE.fullmatch(uri) or "#" in uri:
        return False
    try:
        parts = urlsplit(uri)
        _ = parts.port
    except ValueError:
        return False
    if parts.scheme in ("", *_SCRIPT_SCHEMES) or not _AUTHORITY.fullmatch(parts.netloc):
        return False
    if parts.scheme == "https":
        return bool(parts.hostname)
    return parts.scheme != "http" or _is_loopback(uri)


def _is_loopback(uri: str) -> bool:
    parts = urlsplit(uri)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return False
    if parts.hostname == "localhost":
        return True
    try:
        return ipaddress.ip_address(parts.hostname).is_loopback
    except ValueError:
        return False
