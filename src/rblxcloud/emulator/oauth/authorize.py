"""The authorization endpoint: what an application asks for, and the redirect that answers it."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode, urlsplit

from rblxcloud.emulator.api_keys import secret_hash
from rblxcloud.emulator.model import World
from rblxcloud.emulator.oauth import apps, grants
from rblxcloud.emulator.oauth.apps import OAuthApp
from rblxcloud.emulator.oauth.grants import Consent
from rblxcloud.emulator.oauth.scopes import grantable

__all__ = [
    "CODE_SECONDS",
    "SCHEMA",
    "AuthorizationRequest",
    "RefusedRequest",
    "UntrustedRequest",
    "approve",
    "deny",
    "query_of",
    "read",
    "refuse",
]

SCHEMA = """
CREATE TABLE IF NOT EXISTS oauth_codes (
    hash TEXT PRIMARY KEY,
    authorization_id TEXT NOT NULL,
    redirect_uri TEXT NOT NULL,
    challenge TEXT NOT NULL,
    nonce TEXT,
    expires_at REAL NOT NULL,
    used INTEGER NOT NULL DEFAULT 0
);
"""

CODE_SECONDS = 60.0
"""How long a code may be exchanged."""

_PROMPTS = {"none", "login", "consent", "select_account"}
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")


class UntrustedRequest(Exception):
    """A request whose application or redirect URI is wrong: nobody may be sent back there."""


class RefusedRequest(Exception):
    """A request that is answered with an error, by a redirect.

    Args:
        location: Where the user is sent.
    """

    def __init__(self, location: str) -> None:
        super().__init__(location)
        self.location = location


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """What an application asks a user for."""

    app: OAuthApp
    redirect_uri: str
    scopes: tuple[str, ...]
    wants_code: bool
    prompts: frozenset[str]
    state: str | None
    nonce: str | None
    challenge: str
    """Of PKCE; empty when it is not used."""

    def check(self, consent: Consent) -> None:
        """Raise `ValueError` for a consent that does not answer this request."""
        if surplus := [scope for scope in consent.scopes if scope not in self.scopes]:
            raise ValueError(f"{surplus[0]!r} was not asked for.")
        if not consent.scopes:
            raise ValueError("At least one scope has to be granted.")
        if "profile" in consent.scopes and "openid" not in consent.scopes:
            raise ValueError("profile cannot be granted without openid.")


def query_of(uri: str) -> dict[str, str]:
    """Return the parameters of an authorization URL."""
    return dict(parse_qsl(urlsplit(uri).query, keep_blank_values=True))


def read(world: World, query: Mapping[str, str]) -> AuthorizationRequest:
    """Return what a request to the authorization endpoint asks for. Unknown parameters are ignored.

    Args:
        world: The emulator's state.
        query: Its parameters; empty ones count as left out.

    Raises:
        UntrustedRequest: The application or the redirect URI is wrong.
        RefusedRequest: Anything else is.
    """
    query = {name: value for name, value in query.items() if value}
    app = apps.find(world, query.get("client_id", ""))
    if app is None:
        raise UntrustedRequest("There is no application with this client_id.")
    redirect_uri = query.get("redirect_uri", "")
    if not app.takes(redirect_uri):
        raise UntrustedRequest("The redirect_uri is none of the application's.")
    problem = _response_problem(query) or _scope_problem(app, query) or _challenge_problem(app, query)
    if problem is not None:
        raise RefusedRequest(_answer(redirect_uri, query.get("state"), error=problem[0], error_description=problem[1]))
    return AuthorizationRequest(
        app=app,
        redirect_uri=redirect_uri,
        scopes=tuple(dict.fromkeys(query["scope"].split())),
        wants_code=query["response_type"].lower() == "code",
        prompts=frozenset(query.get("prompt", "").split()),
        state=query.get("state"),
        nonce=query.get("nonce"),
        challenge=query.get("code_challenge", ""),
    )


def approve(world: World, request: AuthorizationRequest, consent: Consent) -> str:
    """Store a consent and return where its user is sent, with a code.

    Args:
        world: The emulator's state.
        request: What was asked for.
        consent: What the user agreed to.

    Raises:
        ValueError: The consent does not answer the request.
    """
    request.check(consent)
    authorization = grants.start(world, request.app.id, consent)
    if not request.wants_code:
        return _answer(request.redirect_uri, request.state)
    code = secrets.token_urlsafe(48)
    world.database.execute(
        "INSERT INTO oauth_codes VALUES (?, ?, ?, ?, ?, ?, 0)",
        (
            secret_hash(code),
            authorization.id,
            request.redirect_uri,
            request.challenge,
            request.nonce,
            world.now() + CODE_SECONDS,
        ),
    )
    return _answer(request.redirect_uri, request.state, code=code)


def deny(request: AuthorizationRequest) -> str:
    """Return where a user who does not agree is sent."""
    return refuse(request, "access_denied", "The user did not agree.")


def refuse(request: AuthorizationRequest, error: str, description: str) -> str:
    """Return where a user is sent with an error.

    Args:
        request: What was asked for.
        error: Code of OAuth 2.0 or OpenID Connect.
        description: Text for the application's developer.
    """
    return _answer(request.redirect_uri, request.state, error=error, error_description=description)


def _response_problem(query: Mapping[str, str]) -> tuple[str, str] | None:
    wanted = query.get("response_type")
    if wanted is None:
        return "invalid_request", "response_type is missing."
    if wanted.lower() not in ("code", "none"):
        return "unsupported_response_type", "response_type must be code or none."
    prompts = set(query.get("prompt", "").split())
    if prompts - _PROMPTS or ("none" in prompts and len(prompts) > 1):
        return "invalid_request", "prompt must be none, or some of login, consent and select_account."
    return None


def _scope_problem(app: OAuthApp, query: Mapping[str, str]) -> tuple[str, str] | None:
    scopes = query.get("scope", "").split()
    if not scopes:
        return "invalid_scope", "scope is missing."
    for scope in scopes:
        if scope not in grantable():
            return "invalid_scope", f"{_printable(scope)} is no scope that an application can be granted."
        if app.scopes is not None and scope not in app.scopes:
            return "invalid_scope", f"The application may not ask for {scope}."
    if "profile" in scopes and "openid" not in scopes:
        return "invalid_scope", "profile needs openid."
    return None


def _challenge_problem(app: OAuthApp, query: Mapping[str, str]) -> tuple[str, str] | None:
    challenge, method = query.get("code_challenge"), query.get("code_challenge_method")
    if challenge is None:
        if method is not None:
            return "invalid_request", "code_challenge is missing."
        return ("invalid_request", "A public application has to use PKCE.") if app.public else None
    if method != "S256":
        return "invalid_request", "code_challenge_method must be S256."
    if not _CHALLENGE.fullmatch(challenge):
        return "invalid_request", "code_challenge must be 43 characters of base64url."
    return None


def _printable(text: str) -> str:
    """Return what an error description may hold (RFC 6749 section 4.1.2.1)."""
    return re.sub(r'[^\x20-\x7e]|["\\]', "?", text[:100])


def _answer(redirect_uri: str, state: str | None, **parameters: str) -> str:
    if state is not None:
        parameters["state"] = state
    if not parameters:
        return redirect_uri
    return f"{redirect_uri}{'&' if '?' in redirect_uri else '?'}{urlencode(parameters)}"
