"""Access tokens: what a user's consent gave, and what can be done with it."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NoReturn

from pydantic import SecretStr

from rblxcloud.http.binding import Binding
from rblxcloud.oauth2.provider import Grant, Provider
from rblxcloud.oauth2.resources import Resources
from rblxcloud.oauth2.token_info import AccessTokenInfo
from rblxcloud.resources.user import User
from rblxcloud.types import TokenPair


class PartialAccessToken:
    """An access token of which nothing else is known. Made by `OAuth2App.from_access_token_string`."""

    token: str
    """The access token: a secret."""
    user: User | None = None
    """The user who signed in, where a verified ID token has said so; `fetch_userinfo` asks Roblox."""

    def __init__(self, provider: Provider, binding: Binding, token: str) -> None:
        self.token = token
        self._provider = provider
        self._binding = binding

    def __repr__(self) -> str:
        """Show the application, and nothing secret."""
        return f"<{type(self).__name__} of application {self.client_id}>"

    @property
    def client_id(self) -> str:
        """The application that it was given to."""
        return self._provider.client_id

    def __reduce__(self) -> NoReturn:
        """Refuse: it holds a connection, and a secret that is better kept on purpose."""
        raise TypeError(f"a {type(self).__name__} cannot be pickled; keep what you need of it, such as .refresh_token")

    async def fetch_userinfo(self) -> User:
        """Ask Roblox who has signed in.

        Returns:
            The user: `id`, and with the scope `profile` `username`, `display_name`, `created_at`, `profile_uri` and
            `headshot_uri`.

        Raises:
            AuthenticationError: The token has expired or was revoked.
            APIResponseError: Roblox speaks of another user than the one who signed in.

        Scopes: `openid`, and `profile` for all but the id.
        Source: `GET /oauth/v1/userinfo`.
        """
        return await self._provider.userinfo(self._binding, None if self.user is None else self.user.id)

    async def fetch_resources(self) -> Resources:
        """Ask Roblox which experiences, users and groups the user has let this application touch.

        Returns:
            Objects that use this token.

        Raises:
            OAuth2Error: Roblox does not know the token or the application.

        Scopes: none.
        Source: `POST /oauth/v1/token/resources`.
        """
        return await self._provider.resources(SecretStr(self.token), self._binding)

    async def fetch_token_info(self) -> AccessTokenInfo:
        """Ask Roblox about this token.

        Returns:
            What it says. Only the lifetime is looked at: a token that was revoked is `active` until it expires.

        Raises:
            OAuth2Error: Roblox does not know the application.

        Scopes: none.
        Source: `POST /oauth/v1/token/introspect`.
        """
        return await self._provider.introspect(SecretStr(self.token))

    async def revoke(self) -> None:
        """End the authorization: neither this token nor the refresh token work any more.

        Raises:
            OAuth2Error: Roblox does not know the application.

        Scopes: none.
        Source: `POST /oauth/v1/token/revoke`.
        """
        await self._provider.revoke(SecretStr(self.token))


class AccessToken(PartialAccessToken):
    """What a user's consent gave: an access token for a quarter of an hour, and a refresh token for the time after."""

    refresh_token: str
    """Exchanges for new tokens, once: a secret."""
    scope: list[str]
    """The scopes that were granted."""
    expires_at: datetime
    """When the access token expires; aware."""
    raw: dict[str, Any]
    """Roblox's answer as it came, with its secrets."""

    def __init__(self, provider: Provider, binding: Binding, grant: Grant, user: User | None) -> None:
        super().__init__(provider, binding, grant.pair.token)
        self.user = user
        self.refresh_token = grant.pair.refresh_token
        self.scope = list(grant.pair.scope)
        self.expires_at = grant.pair.expires_at
        self.raw = grant.raw
        self._pair = grant.pair

    @property
    def pair(self) -> TokenPair:
        """Both tokens as plain data, which pickles."""
        return self._pair

    async def revoke_refresh_token(self) -> None:
        """End the authorization: neither the refresh token nor this token work any more.

        Raises:
            OAuth2Error: Roblox does not know the application.

        Scopes: none.
        Source: `POST /oauth/v1/token/revoke`.
        """
        await self._provider.revoke(SecretStr(self.refresh_token))
