"""An application that signs users in at the emulator's provider, with bare requests."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from rblxcloud.emulator.core import Emulator
from tests.support.emulator import Answer, Caller

REDIRECT = "http://localhost:9066/roblox"
CLIENT_ID, SECRET = "1234567890", "emulator-secret"
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")
FORM = {"content-type": "application/x-www-form-urlencoded"}
EVERYTHING = "openid profile universe-messaging-service:publish universe:write"


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def query_of(location: str) -> dict[str, str]:
    return {name: value for name, (value,) in parse_qs(urlsplit(location).query, keep_blank_values=True).items()}


@dataclass
class App:
    """A client of the provider."""

    emulator: Emulator
    credentials: dict[str, str] = field(
        default_factory=lambda: {"client_id": CLIENT_ID, "client_secret": SECRET},
    )

    def uri(self, **changed: str | None) -> str:
        """Return an authorization URL; a parameter that is None is left out."""
        asked = {
            "client_id": self.credentials["client_id"],
            "redirect_uri": REDIRECT,
            "response_type": "code",
            "scope": EVERYTHING,
            **changed,
        }
        query = urlencode({name: value for name, value in asked.items() if value is not None})
        return f"http://127.0.0.1:8360/oauth/v1/authorize?{query}"

    def post(self, path: str, headers: dict[str, str] | None = None, **form: str) -> Answer:
        """Send a form to an endpoint under `/oauth/v1/`."""
        body = urlencode(form).encode()
        return Caller(self.emulator)("POST", f"/oauth/v1/{path}", body, key=None, headers={**FORM, **(headers or {})})

    def code(self, uri: str | None = None, **consent: Any) -> str:
        """Return a code that a user's consent made."""
        return query_of(self.emulator.oauth.approve(uri or self.uri(), **consent))["code"]

    def exchange(self, code: str, **form: str) -> Answer:
        return self.post("token", grant_type="authorization_code", code=code, **{**self.credentials, **form})

    def refresh(self, token: str, **form: str) -> Answer:
        return self.post("token", grant_type="refresh_token", refresh_token=token, **{**self.credentials, **form})

    def ask(self, path: str, token: str, **form: str) -> Answer:
        """Send a token to `token/introspect`, `token/resources` or `token/revoke`."""
        return self.post(f"token/{path}", token=token, **{**self.credentials, **form})

    def sign_in(self, uri: str | None = None, **consent: Any) -> dict[str, Any]:
        """Return the tokens of a new grant."""
        answer = self.exchange(self.code(uri, **consent))
        assert answer.status == 200
        return answer.json
