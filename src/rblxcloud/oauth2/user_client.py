"""A client in the name of a user who has signed in."""

from __future__ import annotations

from typing import cast

from pydantic import SecretStr

from rblxcloud.client import Client
from rblxcloud.errors import OAuth2Error
from rblxcloud.http.auth import BearerToken
from rblxcloud.http.binding import SignedBinding
from rblxcloud.http.session import Session
from rblxcloud.oauth2.provider import Grant
from rblxcloud.oauth2.refresh import RefreshingToken
from rblxcloud.oauth2.resources import Resources
from rblxcloud.oauth2.token import AccessToken
from rblxcloud.resources.user import User


class UserClient(Client):
    """A client in the name of a user who has signed in. Got from `OAuth2App.sign_in` or `OAuth2App.client`.

    It refreshes the user's tokens before they expire. What it raises then is `SignInRequiredError` when the user has to
    go through the consent page again; other errors pass, and leave the user signed in.
    """

    def __init__(self, session: Session) -> None:
        self._session = session

    @property
    def _credential(self) -> RefreshingToken:
        return cast("RefreshingToken", self._session.settings.credential)

    @property
    def user_id(self) -> int:
        """Whose client it is."""
        return self._credential.key.user_id

    async def fetch_token(self) -> AccessToken:
        """Return the user's tokens, refreshed where they were about to expire.

        Do not refresh them yourself: the refresh token works once, and the store would be left with a dead one.

        Returns:
            The tokens; of the user only the id is known.

        Raises:
            SignInRequiredError: The user has to sign in again.
            RblxCloudError: The tokens could not be refreshed.
        """
        credential = self._credential
        pair = await credential.pair()
        binding = SignedBinding(credential.provider.binding, BearerToken(SecretStr(pair.token)))
        return AccessToken(credential.provider, binding, Grant(pair, None, {}), User.bound(binding, id=self.user_id))

    async def fetch_userinfo(self) -> User:
        """Ask Roblox who has signed in.

        Returns:
            The user: `id`, and with the scope `profile` `username`, `display_name`, `created_at`, `profile_uri` and
            `headshot_uri`.

        Raises:
            SignInRequiredError: The user has to sign in again.
            APIResponseError: Roblox speaks of another user than this one.

        Scopes: `openid`, and `profile` for all but the id.
        Source: `GET /oauth/v1/userinfo`.
        """
        return await self._credential.provider.userinfo(self._session, self.user_id)

    async def fetch_resources(self) -> Resources:
        """Ask Roblox which experiences, users and groups the user has let this application touch.

        Returns:
            Objects that use this client.

        Raises:
            SignInRequiredError: The user has to sign in again.

        Scopes: none.
        Source: `POST /oauth/v1/token/resources`.
        """
        credential = self._credential
        pair = await credential.pair()
        try:
            return await credential.provider.resources(SecretStr(pair.token), self._session)
        except OAuth2Error:
            # The token is in the body, so no 401 says that it was revoked, or has expired by Roblox's clock.
            pair = await credential.renewed(pair)
            return await credential.provider.resources(SecretStr(pair.token), self._session)

    async def fetch_sign_in_id(self) -> str | None:
        """Return what names this sign-in of the user; nothing is sent to Roblox.

        It stays the same while the user is signed in, over refreshes and when they sign in again elsewhere. After a
        sign-out there is another one. So a web site that puts it into its sessions, and compares it at each request,
        ends all of a user's sessions by signing the user out.

        Returns:
            The name, which is no secret; None where the user is not signed in, or has to sign in again.

        Raises:
            TokenStoreError: The store failed.
        """
        return await self._credential.sign_in_id()

    async def sign_out(self) -> None:
        """Forget the user's tokens, and then have Roblox revoke them; idempotent.

        Raises:
            TokenStoreError: The store failed; the user is signed in as before.
            RblxCloudError: The tokens are forgotten, but Roblox could not be asked to revoke them.

        Scopes: none.
        Source: `POST /oauth/v1/token/revoke`.
        """
        await self._credential.sign_out()
