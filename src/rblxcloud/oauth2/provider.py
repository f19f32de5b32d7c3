"""Roblox's OAuth 2.0 service as one application calls it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, ClassVar, cast
from urllib.parse import urlencode

from pydantic import ConfigDict, Field, SecretStr, TypeAdapter

from rblxcloud.endpoints import oauth
from rblxcloud.endpoints.model import Endpoint
from rblxcloud.errors import (
    APIResponseError,
    APIStatusError,
    ConsentDeniedError,
    InvalidGrantError,
    InvalidRequestError,
    OAuth2Error,
)
from rblxcloud.http.binding import Binding
from rblxcloud.http.request import Call
from rblxcloud.http.response import decode, unusable
from rblxcloud.oauth2.id_token import Profile, verified_user
from rblxcloud.oauth2.keys import SigningKeys
from rblxcloud.oauth2.resources import Resources, granted_resources
from rblxcloud.oauth2.token_info import AccessTokenInfo
from rblxcloud.resources.base import Model
from rblxcloud.resources.user import User
from rblxcloud.runtime.base import Response
from rblxcloud.types import TokenPair

FORM = "application/x-www-form-urlencoded"
_LONGEST_PHASE_SECONDS = 20.0
_LONGEST_LIFETIME_SECONDS = 10 * 365 * 86_400.0

_ERROR_CLASSES: Mapping[str, type[OAuth2Error]] = {
    "invalid_grant": InvalidGrantError,
    "access_denied": ConsentDeniedError,
    "invalid_client": OAuth2Error,
    "invalid_request": OAuth2Error,
    "invalid_scope": OAuth2Error,
    "invalid_token": OAuth2Error,
    "unauthorized_client": OAuth2Error,
    "unsupported_grant_type": OAuth2Error,
    "unsupported_token_type": OAuth2Error,
}
"""What Roblox's OAuth service may answer with a status below 500 (RFC 6749, 5.2; RFC 7009, 2.2.1)."""


class _TokenAnswer(Model):
    model_config: ClassVar[ConfigDict] = ConfigDict(alias_generator=None)

    access_token: str = Field(min_length=1)
    refresh_token: str = Field(min_length=1)
    token_type: str = "Bearer"
    expires_in: float = Field(gt=0, le=_LONGEST_LIFETIME_SECONDS)
    scope: str | None = None
    id_token: str | None = None


_TOKEN_ANSWER = TypeAdapter(_TokenAnswer)
_PROFILE = TypeAdapter(Profile)


@dataclass(frozen=True, slots=True)
class Grant:
    """What the token endpoint gave: the new tokens, and nothing of it verified."""

    pair: TokenPair
    id_token: str | None = field(repr=False)
    raw: dict[str, Any] = field(repr=False)


class Provider:
    """Roblox's OAuth 2.0 service, with one application's id and secret on each request.

    Args:
        binding: Where the session comes from; what it signs with is not used.
        base_url: Address of Open Cloud.
        client_id: The application.
        secret: Its secret; None for a public client.
        keys_cache_seconds: How long Roblox's signing keys are kept.
    """

    def __init__(
        self, binding: Binding, base_url: str, client_id: str, secret: SecretStr | None, keys_cache_seconds: float
    ) -> None:
        self.binding = binding
        self.client_id = client_id
        self.issuer: str = f"{base_url}/oauth/"
        self._secret = secret
        self._keys = SigningKeys(binding, keys_cache_seconds)

    async def redeem(
        self, grant_type: str, *, deadline: float | None = None, **parameters: str | SecretStr | None
    ) -> Grant:
        """Exchange a code or a refresh token. It works once, so nothing is sent again that Roblox may have seen.

        Args:
            grant_type: `authorization_code` or `refresh_token`.
            deadline: Seconds after which it is given up, each phase of an attempt after 20 of them; None for what the
                session has.
            **parameters: What the grant type takes; None values are left out.

        Raises:
            InvalidGrantError: The code or refresh token is not good, or not any more.
            OAuth2Error: Roblox refused for another reason.
            APIResponseError: The answer has no tokens that can be used.
            RblxCloudError: As for any other call.
        """
        session = self.binding.get()
        asked = session.runtime.wall_time()
        body = _token_request(grant_type, {**self._credentials(), **parameters})
        answered = await self._send(oauth.TOKEN, body, deadline=deadline)
        return _read_grant(answered, asked)

    async def introspect(self, token: SecretStr) -> AccessTokenInfo:
        """Ask Roblox about a token.

        Args:
            token: An access, refresh or ID token.
        """
        answered = await self._post(oauth.INTROSPECT_TOKEN, token)
        return AccessTokenInfo.read(answered, oauth.INTROSPECT_TOKEN)

    async def resources(self, token: SecretStr, binding: Binding) -> Resources:
        """Ask Roblox what a token may touch.

        Args:
            token: An access token.
            binding: What the objects are bound to.
        """
        return granted_resources(await self._post(oauth.TOKEN_RESOURCES, token), binding)

    async def revoke(self, token: SecretStr, *, deadline: float | None = None) -> None:
        """End the authorization that a token belongs to.

        Args:
            token: An access or refresh token.
            deadline: Seconds after which it is given up; None for what the session has.
        """
        await self._post(oauth.REVOKE_TOKEN, token, deadline=deadline)

    async def userinfo(self, binding: Binding, known: int | None) -> User:
        """Ask Roblox who has signed in.

        Args:
            binding: A session that signs with an access token; the user is bound to it.
            known: The user, where it is known who that is: nothing may be taken from an answer about another one
                (OpenID Connect Core, 5.3.2).
        """
        answered = await binding.get().send(Call(oauth.USERINFO))
        try:
            user = decode(_PROFILE, answered, oauth.USERINFO).user(binding)
        except InvalidRequestError as error:
            raise unusable(answered, oauth.USERINFO, str(error)) from error
        if known is not None and user.id != known:
            raise unusable(answered, oauth.USERINFO, f"sub: it speaks of user {user.id}, and user {known} signed in")
        return user

    async def verify(self, id_token: str, *, nonce: str | None, binding: Binding) -> User:
        """Return the user that an ID token speaks of.

        Args:
            id_token: The ID token.
            nonce: What was sent with the authorization request.
            binding: What the user is bound to.

        Raises:
            IDTokenError: A check failed.
        """
        return await verified_user(
            id_token,
            self._keys,
            issuer=self.issuer,
            client_id=self.client_id,
            nonce=nonce,
            now=self.binding.get().runtime.wall_time(),
            binding=binding,
        )

    def _credentials(self) -> dict[str, str | SecretStr | None]:
        return {"client_id": self.client_id, "client_secret": self._secret}

    async def _post(self, endpoint: Endpoint, token: SecretStr, *, deadline: float | None = None) -> Response:
        return await self._send(endpoint, _form({"token": token, **self._credentials()}), deadline=deadline)

    async def _send(self, endpoint: Endpoint, body: SecretStr, *, deadline: float | None = None) -> Response:
        session = self.binding.get()
        if deadline is not None:
            options = session.settings.options
            timeout = min(options.timeout, _LONGEST_PHASE_SECONDS)
            session = session.with_options(replace(options, deadline=deadline, timeout=timeout))
        try:
            return await session.send(
                Call(endpoint, content=body.get_secret_value().encode(), content_type=FORM, anonymous=True)
            )
        except APIStatusError as error:
            error_class = _ERROR_CLASSES.get(error.code or "") if error.status < 500 else None
            if error_class is None:
                raise
            description = error.message if error.message != error.code else None
            raise error_class(cast("str", error.code), description) from error


def _form(fields: Mapping[str, str | SecretStr | None]) -> SecretStr:
    """Encode fields, of which None is left out; no variable of a caller's has what is secret in them."""
    return SecretStr(urlencode(_plain(fields)))


def _token_request(grant_type: str, fields: Mapping[str, str | SecretStr | None]) -> SecretStr:
    from authlib.oauth2.rfc6749 import parameters as protocol

    return SecretStr(cast("Any", protocol).prepare_token_request(grant_type, **_plain(fields)))


def _plain(fields: Mapping[str, str | SecretStr | None]) -> dict[str, str]:
    return {
        name: value.get_secret_value() if isinstance(value, SecretStr) else value
        for name, value in fields.items()
        if value is not None
    }


def _read_grant(answered: Response, asked: float) -> Grant:
    try:
        answer = decode(_TOKEN_ANSWER, answered, oauth.TOKEN)
        if answer.token_type.lower() != "bearer":
            raise unusable(answered, oauth.TOKEN, "token_type: it is not Bearer")
    except APIResponseError as error:
        # The answer may hold tokens, and pydantic's error shows it.
        error.response = error.__cause__ = error.__context__ = None
        raise
    # The clock started when Roblox answered; from when we asked is on the safe side.
    expires_at = datetime.fromtimestamp(asked + answer.expires_in, UTC)
    pair = TokenPair(answer.access_token, answer.refresh_token, tuple((answer.scope or "").split()), expires_at)
    return Grant(pair, answer.id_token, cast("dict[str, Any]", json.loads(answered.content)))
