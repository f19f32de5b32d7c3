"""The provider as tests see it: applications, headless consent, keys and grants."""

from __future__ import annotations

from collections.abc import Iterable

from rblxcloud.emulator.controls import Controls
from rblxcloud.emulator.model import Reply
from rblxcloud.emulator.oauth import apps, authorize, flaws, grants, keys
from rblxcloud.emulator.oauth import consent as consent_form
from rblxcloud.emulator.oauth.apps import OAuthApp
from rblxcloud.emulator.oauth.authorize import AuthorizationRequest, RefusedRequest, UntrustedRequest
from rblxcloud.emulator.oauth.flaws import IDTokenFlaw
from rblxcloud.emulator.oauth.grants import Authorization, Consent
from rblxcloud.emulator.universes import GROUP_ID, SMALL_WORLD

__all__ = ["OAuthProvider"]


class OAuthProvider(Controls):
    """Controls an emulator's OAuth 2.0 provider. `Emulator.oauth` is one."""

    # --- applications

    def add_app(self, app: OAuthApp, secret: str | None = None) -> None:
        """Register an application, in the place of one with the same id.

        Args:
            app: What it is.
            secret: What it authenticates with; None for a public one.

        Raises:
            ValueError: A public application was given a secret, or another one none.
        """
        with self._transaction():
            apps.add(self._world, app, secret)

    def remove_app(self, client_id: str) -> bool:
        """Forget an application and revoke what it was granted; return whether there was one."""
        with self._transaction():
            grants.end(self._world, client=client_id)
            return apps.remove(self._world, client_id)

    def list_apps(self) -> list[OAuthApp]:
        """Return the applications there are; their secrets are not kept."""
        with self._transaction():
            return apps.every(self._world)

    # --- consent

    def approve(
        self,
        uri: str,
        *,
        user: int | str = 1,
        scopes: Iterable[str] | None = None,
        universes: Iterable[int | str] | None = None,
        groups: Iterable[int | str] | None = None,
        as_creator: bool = True,
    ) -> str:
        """Do what a user does who agrees on the consent page.

        ```python
        from urllib.parse import urlencode

        from rblxcloud.emulator import Emulator

        asked = {
            "client_id": "1234567890",
            "redirect_uri": "http://localhost:8000/callback",
            "response_type": "code",
            "scope": "openid profile",
        }
        with Emulator() as emulator:
            location = emulator.oauth.approve(f"http://127.0.0.1:8360/oauth/v1/authorize?{urlencode(asked)}")
            assert location.startswith("http://localhost:8000/callback?code=")
        ```

        Args:
            uri: The authorization URL that the application made.
            user: Who agrees.
            scopes: What is granted, out of what was asked for; None for all of it.
            universes: Experiences that are granted; None for those of the small world. Without a scope that concerns
                experiences or creators none is.
            groups: Groups that are granted; None for that of the small world.
            as_creator: Whether the application may act for the user as a creator.

        Returns:
            Where the user's browser is sent: the redirect URI with a code, or with an error when the request was wrong.

        Raises:
            ValueError: The application or the redirect URI is wrong, so that nobody would be sent anywhere; or what is
                granted does not fit what was asked for.
        """
        with self._transaction():
            try:
                request = self._read(uri)
            except RefusedRequest as refused:
                return refused.location
            consent = Consent.to(
                str(user),
                request.scopes if scopes is None else scopes,
                universes=SMALL_WORLD if universes is None else map(str, universes),
                groups=(GROUP_ID,) if groups is None else map(str, groups),
                as_creator=as_creator,
            )
            return authorize.approve(self._world, request, consent)

    def deny(self, uri: str) -> str:
        """Do what a user does who does not agree on the consent page.

        Args:
            uri: The authorization URL that the application made.

        Returns:
            Where the user's browser is sent.

        Raises:
            ValueError: The application or the redirect URI is wrong.
        """
        with self._transaction():
            try:
                return authorize.deny(self._read(uri))
            except RefusedRequest as refused:
                return refused.location

    def submit_consent(self, body: bytes) -> Reply:
        """Answer what the consent page posts.

        Args:
            body: The form.
        """
        with self._transaction():
            return consent_form.submit(self._world, body)

    def _read(self, uri: str) -> AuthorizationRequest:
        try:
            return authorize.read(self._world, authorize.query_of(uri))
        except UntrustedRequest as error:
            raise ValueError(str(error)) from None

    # --- grants and keys

    def authorizations(self) -> list[Authorization]:
        """Return what users have granted, revoked grants too, oldest first."""
        with self._transaction():
            return grants.every(self._world)

    def revoke(
        self, *, authorization: str | None = None, client_id: str | None = None, user: int | str | None = None
    ) -> int:
        """Revoke grants, as users do in their settings: the tokens that go with them stop working.

        Args:
            authorization: Only the one with this id.
            client_id: Only those of this application.
            user: Only those of this user.

        Returns:
            How many held until now.
        """
        name = None if user is None else str(user)
        with self._transaction():
            return grants.end(self._world, authorization=authorization, client=client_id, user=name)

    def rotate_keys(self, *, keep: bool = True) -> str:
        """Sign with a new key from now on.

        Args:
            keep: Whether certs goes on telling the keys before it.

        Returns:
            The new key's id.
        """
        with self._transaction():
            return keys.rotate(self._world, keep=keep)

    def spoil_id_token(self, flaw: IDTokenFlaw) -> None:
        """Let the next ID token be wrong.

        Args:
            flaw: What is to be wrong; several are carried out one after the other.

        Raises:
            ValueError: There is no such flaw.
        """
        with self._transaction():
            flaws.order(self._world, flaw)
