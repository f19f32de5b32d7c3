"""The token endpoint: codes and refresh tokens become tokens, each of them once."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hmac import compare_digest
from typing import Literal

from rblxcloud.emulator.api_keys import secret_hash
from rblxcloud.emulator.errors import json_reply
from rblxcloud.emulator.model import Call, Handler, Refusal, Reply, World
from rblxcloud.emulator.oauth import apps, flaws, grants, keys
from rblxcloud.emulator.oauth.apps import OAuthApp
from rblxcloud.emulator.oauth.discovery import issuer_of
from rblxcloud.emulator.oauth.form import read_form, required
from rblxcloud.emulator.oauth.grants import Authorization
from rblxcloud.emulator.oauth.profiles import id_claims
from rblxcloud.emulator.oauth.scopes import IDENTITY
from rblxcloud.endpoints.model import Endpoint
from rblxcloud.endpoints.oauth import TOKEN

__all__ = ["HANDLERS", "SCHEMA", "Token", "authorization_of", "find"]

SCHEMA = """
CREATE TABLE IF NOT EXISTS oauth_tokens (
    hash TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    jti TEXT NOT NULL,
    authorization_id TEXT NOT NULL,
    issuer TEXT NOT NULL,
    issued_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used INTEGER NOT NULL DEFAULT 0
);
"""

Kind = Literal["access", "refresh", "id"]

_LIFETIMES: dict[Kind, int] = {"access": 900, "refresh": 90 * 86_400, "id": 36_000}
_PREFIXES: dict[Kind, str] = {"access": "AT", "refresh": "RT", "id": "ID"}
_EXPIRES_IN = 899
"""What the answer says of an access token: whole seconds that are left when it arrives."""

_VERIFIER = re.compile(r"[A-Za-z0-9\-._~]{43,128}")
_NO_STORE = {"cache-control": "no-store", "pragma": "no-cache"}


@dataclass(frozen=True, slots=True)
class Token:
    """A token that was issued; its text is not kept."""

    kind: Kind
    jti: str
    authorization: Authorization
    issuer: str
    issued_at: int
    """Seconds since 1970 UTC."""
    expires_at: int
    """Seconds since 1970 UTC."""
    used: bool
    """Whether it is a refresh token that was exchanged."""

    def is_live(self, now: float) -> bool:
        """Return whether it has neither expired nor been revoked."""
        return now < self.expires_at and self.authorization.ended_at is None


def find(world: World, text: str) -> Token | None:
    """Return what is known of a token, expired or not; None for one that was never issued."""
    row = world.database.execute(
        "SELECT kind, jti, authorization_id, issuer, issued_at, expires_at, used FROM oauth_tokens WHERE hash = ?",
        (secret_hash(text),),
    ).fetchone()
    if row is None:
        return None
    kind, jti, authorization, issuer, issued_at, expires_at, used = row
    return Token(kind, jti, grants.find(world, authorization), issuer, issued_at, expires_at, bool(used))


def authorization_of(world: World, access_token: str) -> Authorization | None:
    """Return what an access token stands for; None when it is none, has expired or was revoked."""
    token = find(world, access_token)
    return token.authorization if token and token.kind == "access" and token.is_live(world.now()) else None


def _token(world: World, call: Call) -> Reply:
    form = read_form(call)
    exchange = _GRANTS.get(required(form, "grant_type"))
    if exchange is None:
        raise Refusal(400, "unsupported_grant_type", "grant_type must be authorization_code or refresh_token.")
    app = apps.authenticate(world, form, call.headers)
    authorization, nonce = exchange(world, app, form)
    return json_reply(_issue(world, authorization, issuer_of(call.base_url), nonce), headers=_NO_STORE)


def _exchange_code(world: World, app: OAuthApp, form: dict[str, str]) -> tuple[Authorization, str | None]:
    hashed = secret_hash(required(form, "code"))
    row = world.database.execute(
        "SELECT authorization_id, redirect_uri, challenge, nonce, expires_at, used FROM oauth_codes WHERE hash = ?",
        (hashed,),
    ).fetchone()
    if row is None:
        raise _invalid_grant("The code is not valid.")
    authorization_id, redirect_uri, challenge, nonce, expires_at, used = row
    authorization = grants.find(world, authorization_id)
    if authorization.client_id != app.id:
        raise _invalid_grant("The code is not valid.")
    if used:
        raise _invalid_grant("The code has been used.")
    if world.now() >= expires_at or authorization.ended_at is not None:
        raise _invalid_grant("The code has expired.")
    if form.get("redirect_uri", redirect_uri) != redirect_uri:
        raise _invalid_grant("The redirect_uri is not the one of the authorization.")
    _check_verifier(challenge, form.get("code_verifier", ""))
    world.database.execute("UPDATE oauth_codes SET used = 1 WHERE hash = ?", (hashed,))
    return authorization, nonce


def _check_verifier(challenge: str, verifier: str) -> None:
    if bool(challenge) != bool(verifier):
        raise _invalid_grant(
            "code_verifier is missing." if challenge else "The authorization was made without a code_challenge."
        )
    if not verifier:
        return
    if not _VERIFIER.fullmatch(verifier):
        raise Refusal(400, "invalid_request", "code_verifier must be 43 to 128 unreserved characters.")
    digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
    if not compare_digest(digest, challenge):
        raise _invalid_grant("code_verifier does not belong to the code_challenge.")


def _exchange_refresh_token(world: World, app: OAuthApp, form: dict[str, str]) -> tuple[Authorization, None]:
    text = required(form, "refresh_token")
    token = find(world, text)
    if token is None or token.kind != "refresh" or token.authorization.client_id != app.id:
        raise _invalid_grant("The refresh token is not valid.")
    if token.used:
        raise _invalid_grant("The refresh token has been used.")
    if world.now() >= token.expires_at:
        raise _invalid_grant("The refresh token has expired.")
    if token.authorization.ended_at is not None:
        raise _invalid_grant("The authorization has been revoked.")
    world.database.execute("UPDATE oauth_tokens SET used = 1 WHERE hash = ?", (secret_hash(text),))
    return token.authorization, None


def _issue(world: World, authorization: Authorization, issuer: str, nonce: str | None) -> dict[str, object]:
    """Return the answer that holds a new access token, a new refresh token and, with `openid`, an ID token."""
    consent = authorization.consent
    access = _claims(world, "access", authorization, issuer)
    access |= {"sub": consent.user, "aid": authorization.id, "scope": " ".join(map(_as_claim, consent.scopes))}
    refresh = _claims(world, "refresh", authorization, issuer)
    key = keys.signing_key(world)
    answer: dict[str, object] = {
        "access_token": _store(world, keys.sign(access, key), "access", authorization, access),
        "refresh_token": _store(world, keys.seal(world, refresh), "refresh", authorization, refresh),
        "token_type": "Bearer",
        "expires_in": _EXPIRES_IN,
        "scope": " ".join(consent.scopes),
    }
    if "openid" in consent.scopes:
        claims = id_claims(world, consent.user, consent.scopes) | _claims(world, "id", authorization, issuer)
        if nonce is not None:
            claims["nonce"] = nonce
        text = flaws.id_token(world, claims, key)
        if text is not None:
            answer["id_token"] = _store(world, text, "id", authorization, claims)
    return answer


def _claims(world: World, kind: Kind, authorization: Authorization, issuer: str) -> dict[str, object]:
    now = int(world.now())
    return {
        "jti": f"{_PREFIXES[kind]}.{secrets.token_urlsafe(15)}",
        "nbf": now,
        "exp": now + _LIFETIMES[kind],
        "iat": now,
        "iss": issuer,
        "aud": authorization.client_id,
    }


def _store(world: World, text: str, kind: Kind, authorization: Authorization, claims: Mapping[str, object]) -> str:
    world.database.execute(
        "INSERT INTO oauth_tokens VALUES (?, ?, ?, ?, ?, ?, ?, 0)",
        (secret_hash(text), kind, claims["jti"], authorization.id, claims["iss"], claims["iat"], claims["exp"]),
    )
    return text


def _as_claim(scope: str) -> str:
    """Return a scope as the access token spells it: `openid:read`, where the answer has `openid`."""
    return f"{scope}:read" if scope in IDENTITY else scope


def _invalid_grant(description: str) -> Refusal:
    return Refusal(400, "invalid_grant", description)


_GRANTS: dict[str, Callable[[World, OAuthApp, dict[str, str]], tuple[Authorization, str | None]]] = {
    "authorization_code": _exchange_code,
    "refresh_token": _exchange_refresh_token,
}

HANDLERS: Mapping[Endpoint, Handler] = {TOKEN: _token}
