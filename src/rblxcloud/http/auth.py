"""Credentials: what is put on a request, and how a limiter tells them apart."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from pydantic import SecretStr

from rblxcloud.endpoints.model import Credential as Kind
from rblxcloud.endpoints.model import Endpoint
from rblxcloud.errors import ConfigurationError, UnsupportedCredentialError


class Credential(Protocol):
    """What signs requests."""

    @property
    def kind(self) -> Kind:
        """Which kind of credential an endpoint sees."""
        ...

    @property
    def fingerprint(self) -> str:
        """Tells credentials apart without showing them."""
        ...

    async def headers(self) -> dict[str, str]:
        """Return the headers that sign a request."""
        ...

    async def refresh(self, rejected: Mapping[str, str]) -> bool:
        """Get a new credential after a 401; return False where that is not possible.

        Args:
            rejected: The headers that signed the refused request: another caller may have replaced them meanwhile.
        """
        ...


def _fingerprint(secret: SecretStr) -> str:
    return hashlib.sha256(secret.get_secret_value().encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class ApiKey:
    """An Open Cloud API key."""

    secret: SecretStr
    kind: Kind = field(default=Kind.API_KEY, init=False)

    @property
    def fingerprint(self) -> str:
        """Tells keys apart without showing them."""
        return _fingerprint(self.secret)

    async def headers(self) -> dict[str, str]:
        """Return the `x-api-key` header."""
        return {"x-api-key": self.secret.get_secret_value()}

    async def refresh(self, rejected: Mapping[str, str]) -> bool:
        """Return False: a key cannot be refreshed."""
        return False


@dataclass(frozen=True, slots=True)
class BearerToken:
    """An OAuth 2.0 access token that nobody refreshes."""

    secret: SecretStr
    kind: Kind = field(default=Kind.OAUTH2, init=False)

    @property
    def fingerprint(self) -> str:
        """Tells tokens apart without showing them."""
        return _fingerprint(self.secret)

    async def headers(self) -> dict[str, str]:
        """Return the `Authorization` header."""
        return {"authorization": f"Bearer {self.secret.get_secret_value()}"}

    async def refresh(self, rejected: Mapping[str, str]) -> bool:
        """Return False: the token stands alone."""
        return False


@dataclass(frozen=True, slots=True)
class NoCredential:
    """Signs nothing: the calls carry what they need, or need nothing."""

    fingerprint: str
    """Tells apart who calls, for the rate limits."""
    kind: Kind = field(default=Kind.NONE, init=False)

    async def headers(self) -> dict[str, str]:
        """Return nothing."""
        return {}

    async def refresh(self, rejected: Mapping[str, str]) -> bool:
        """Return False: there is nothing to refresh."""
        return False


def resolve_credential(api_key: str | SecretStr | None, access_token: str | SecretStr | None) -> Credential:
    """Return the credential that was passed, else the key in `RBLXCLOUD_API_KEY`.

    Raises:
        ConfigurationError: Both kinds were passed, none is there, or it cannot stand in a header.
    """
    if api_key is not None and access_token is not None:
        raise ConfigurationError("api_key and access_token were both passed; pass the one that is to be used")
    if access_token is not None:
        return BearerToken(check_secret("access_token", access_token))
    if api_key is not None:
        return ApiKey(check_secret("api_key", api_key))
    from_environment = os.environ.get("RBLXCLOUD_API_KEY")
    if from_environment:
        return ApiKey(check_secret("RBLXCLOUD_API_KEY", from_environment))
    raise ConfigurationError(
        "no credential: pass api_key=... (or access_token=...), or set RBLXCLOUD_API_KEY; "
        "keys are made at https://create.roblox.com/dashboard/credentials"
    )


def check_secret(source: str, value: str | SecretStr) -> SecretStr:
    """Return a secret that a header can carry.

    Args:
        source: Name of the argument or variable, for the error.
        value: The secret.

    Raises:
        ConfigurationError: It is no text, empty, or has characters that no header can carry.
    """
    if not isinstance(value, str | SecretStr):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ConfigurationError(f"{source} is of type {type(value).__name__}; it takes text")
    secret = value if isinstance(value, SecretStr) else SecretStr(value)
    if problem := _problem_of(secret):
        raise ConfigurationError(f"{source} {problem}")
    return secret


def _problem_of(secret: SecretStr) -> str | None:
    """Return what is wrong with a secret; it raises nothing, since tracebacks can be made to show variables."""
    text = secret.get_secret_value()
    if not isinstance(text, str):  # pyright: ignore[reportUnnecessaryIsInstance]
        return f"is of type {type(text).__name__}; it takes text"
    if not text:
        return "is empty"
    if not text.isascii() or not text.isprintable() or text != text.strip():
        return "has characters that no header can carry (a line break or a space at an end?)"
    return None


def check_credential(credential: Credential, endpoint: Endpoint) -> None:
    """Refuse a credential of a kind that the endpoint does not take.

    Raises:
        UnsupportedCredentialError: The endpoint takes only the other kind.
    """
    if credential.kind in endpoint.credentials or Kind.NONE in endpoint.credentials:
        return
    wanted = " or ".join(sorted("an API key" if k is Kind.API_KEY else "OAuth 2.0" for k in endpoint.credentials))
    has = "an API key" if credential.kind is Kind.API_KEY else "an OAuth 2.0 access token"
    raise UnsupportedCredentialError(f"{endpoint.name} takes {wanted}; this client has {has}")
