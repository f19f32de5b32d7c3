"""An application of Roblox's OAuth 2.0: it signs users in, and keeps them signed in."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Self

from pydantic import SecretStr

from rblxcloud.config import Options, RetryPolicy, also_unmade, check_seconds
from rblxcloud.errors import APIResponseError, IDTokenError, InvalidRequestError
from rblxcloud.http.auth import BearerToken, NoCredential, check_secret
from rblxcloud.http.binding import Binding, Mode, SignedBinding, StandaloneBinding
from rblxcloud.oauth2 import authorization
from rblxcloud.oauth2.authorization import AuthorizationRequest, ResponseType
from rblxcloud.oauth2.provider import Grant, Provider
from rblxcloud.oauth2.refresh import Queues, RefreshingToken, Unstored
from rblxcloud.oauth2.stores.base import TokenStore, check_store
from rblxcloud.oauth2.stores.memory import MemoryTokenStore
from rblxcloud.oauth2.token import AccessToken, PartialAccessToken
from rblxcloud.oauth2.user_client import UserClient
from rblxcloud.resources.base import check_id


class OAuth2App:
    """An application that users sign in to with their Roblox accounts.

    Make one for the whole program, at its start: it keeps the connections, Roblox's signing keys and, unless you bring
    a store, the tokens of the users. It serves any number of tasks, threads and event loops.

    It need not be closed; `aclose()` closes its connections at once.
    """

    _mode: Mode = "async"

    id: str
    """The application's id. It can be larger than 64 bits, so it is text."""
    redirect_uri: str | None
    """Where Roblox sends users back to."""

    def __init__(
        self,
        id: int | str,
        secret: str | SecretStr | None = None,
        redirect_uri: str | None = None,
        openid_certs_cache_seconds: float = 3600,
        *,
        base_url: str | None = None,
        timeout: float = 30.0,
        retries: int | RetryPolicy = 5,
    ) -> None:
        """Make an application; nothing is sent before the first call.

        Args:
            id: The application's id, from the Creator Dashboard.
            secret: Its secret; None for a public client, which cannot keep one and has to use PKCE.
            redirect_uri: Where Roblox sends users back to, exactly as registered: https, http to this machine, or a
                scheme of your own. Only what uses the consent page needs it.
            openid_certs_cache_seconds: How long Roblox's signing keys are kept before they are fetched again.
            base_url: Address of Open Cloud; `RBLXCLOUD_BASE_URL`, else Roblox's own.
            timeout: Seconds for each phase of an attempt.
            retries: How often a request is sent again at most where that is safe, or a whole policy.

        Raises:
            InvalidRequestError: An argument is refused.
            ConfigurationError: The secret or the address is refused.
        """
        self.id = authorization.check_client_id(id)
        self.redirect_uri = None if redirect_uri is None else authorization.check_redirect_uri(redirect_uri)
        self._binding = StandaloneBinding(
            self._mode,
            base_url=base_url,
            credential=NoCredential(f"application {self.id}"),
            options=Options(
                timeout=check_seconds("timeout", timeout),
                retry=retries if isinstance(retries, RetryPolicy) else RetryPolicy(retries=retries),
            ),
        )
        self._provider = Provider(
            self._binding,
            self._binding.base_url,
            self.id,
            None if secret is None else check_secret("secret", secret),
            check_seconds("openid_certs_cache_seconds", openid_certs_cache_seconds, zero=True),
        )
        self._memory = MemoryTokenStore()
        self._unstored = Unstored()
        self._queues: Queues = {}

    @also_unmade
    def __repr__(self) -> str:
        """Show the id and the address, and nothing secret."""
        return f"<{type(self).__name__} {self.id} at {self._binding.base_url}>"

    @property
    def issuer(self) -> str:
        """Who makes its ID tokens."""
        return self._provider.issuer

    def generate_uri(
        self,
        scope: str | Iterable[str],
        state: str | None = None,
        *,
        nonce: str | None = None,
        code_verifier: str | None = None,
        prompt: str | None = None,
        response_type: ResponseType = "code",
    ) -> str:
        """Return the address of the consent page. `authorize` is the safe way, which makes the secrets itself.

        Args:
            scope: The scopes to ask for: a list, or text with spaces between them.
            state: Comes back with the callback. Make it at random, keep it in the user's session and compare it:
                without that, somebody can sign your user in as somebody else.
            nonce: Comes back inside the ID token; pass it to `exchange_code` too.
            code_verifier: For PKCE: 43 to 128 letters, digits and characters of `-._~`; pass it to `exchange_code` too.
                Only its hash is in the address.
            prompt: `login`, `consent`, `select_account` or `none`; several with spaces between them.
            response_type: `code`, or `none` to ask for consent alone.

        Returns:
            Where to send the user.

        Raises:
            InvalidRequestError: An argument is refused, or the application has no `redirect_uri`.

        Source: `GET /oauth/v1/authorize`, which the user's browser calls.
        """
        return authorization.authorization_uri(
            self._binding.base_url,
            self.id,
            self._redirect_uri(),
            scope,
            state=state,
            nonce=nonce,
            code_verifier=code_verifier,
            prompt=prompt,
            response_type=response_type,
        )

    def authorize(self, scope: str | Iterable[str], *, prompt: str | None = None) -> AuthorizationRequest:
        """Begin a sign-in: make state, nonce and PKCE together. `finish` checks them all.

        Args:
            scope: The scopes to ask for: a list, or text with spaces between them; `openid` to learn who signs in.
            prompt: `login`, `consent`, `select_account` or `none`; several with spaces between them.

        Returns:
            Where to send the user, and what to keep in the user's session until `finish`.

        Raises:
            InvalidRequestError: An argument is refused, or the application has no `redirect_uri`.
        """
        state, nonce, verifier = (authorization.new_secret() for _ in range(3))
        uri = self.generate_uri(scope, state, nonce=nonce, code_verifier=verifier, prompt=prompt)
        return AuthorizationRequest(uri, state, nonce, verifier)

    async def finish(self, request: AuthorizationRequest, callback_url: str) -> AccessToken:
        """Finish a sign-in: check the callback, exchange its code and verify the ID token.

        Args:
            request: What `authorize` returned, from the session of the user who has come back. Use it once.
            callback_url: The address that the user came back to, or its query.

        Returns:
            The tokens, and the user, where `openid` was asked for.

        Raises:
            StateMismatchError: The callback does not belong to this sign-in.
            ConsentDeniedError: The user did not agree.
            InvalidGrantError: The code is wrong, used or older than a minute.
            IDTokenError: The ID token is bad; its `token` has the tokens.
            OAuth2Error: Roblox refused for another reason.
            InvalidRequestError: An argument is refused; nothing was sent.
            RblxCloudError: As for any other call. When an answer was lost, the user has to sign in again.

        Source: `POST /oauth/v1/token`, `GET /oauth/v1/certs`.
        """
        code = authorization.read_callback(request, callback_url)
        return await self.exchange_code(code, code_verifier=request.code_verifier, nonce=request.nonce)

    async def exchange_code(
        self, code: str, *, code_verifier: str | None = None, nonce: str | None = None
    ) -> AccessToken:
        """Exchange the code of a callback for tokens, and verify the ID token. `finish` checks the callback first.

        A code works once: when an answer was lost, the exchange is not repeated.

        Args:
            code: The callback's `code`.
            code_verifier: What was passed to `generate_uri`.
            nonce: What was passed to `generate_uri`.

        Returns:
            The tokens, and the user, where `openid` was asked for.

        Raises:
            InvalidRequestError: An argument is refused; nothing was sent.
            InvalidGrantError: The code is wrong, used or older than a minute, or the verifier is not the code's.
            IDTokenError: The ID token is bad; its `token` has the tokens.
            OAuth2Error: Roblox refused for another reason.
            RblxCloudError: As for any other call.

        Source: `POST /oauth/v1/token`, `GET /oauth/v1/certs`.
        """
        expected = None if nonce is None else _check_given("nonce", nonce)
        hidden = _secret("code", code)
        verifier = None if code_verifier is None else SecretStr(authorization.check_verifier(code_verifier))
        del code, code_verifier
        grant = await self._provider.redeem(
            "authorization_code", code=hidden, redirect_uri=self.redirect_uri, code_verifier=verifier
        )
        return await self._verified(grant, nonce=expected)

    async def refresh_token(self, refresh_token: str) -> AccessToken:
        """Exchange a refresh token for new tokens. The old one is dead then: store the new one before anything else.

        `sign_in` and `client` do this by themselves, safely among tasks, processes and crashes.

        A refresh token works once: when an answer was lost, the exchange is not repeated.

        Args:
            refresh_token: The refresh token.

        Returns:
            The new tokens, and the user, where Roblox says it again.

        Raises:
            InvalidRequestError: The argument is refused; nothing was sent.
            InvalidGrantError: The refresh token is wrong, used, revoked or older than 90 days.
            IDTokenError: An ID token came too, and is bad; the error's `token` has the tokens.
            OAuth2Error: Roblox refused for another reason.
            RblxCloudError: As for any other call.

        Source: `POST /oauth/v1/token`.
        """
        hidden = _secret("refresh_token", refresh_token)
        del refresh_token  # Tools that print variables with a traceback would print it.
        grant = await self._provider.redeem("refresh_token", refresh_token=hidden)
        return await self._verified(grant, refreshed=True)

    async def _verified(self, grant: Grant, *, nonce: str | None = None, refreshed: bool = False) -> AccessToken:
        binding, user = self._signed(SecretStr(grant.pair.token)), None
        try:
            if grant.id_token is not None:
                user = await self._provider.verify(grant.id_token, nonce=nonce, binding=binding)
            elif not refreshed and {"openid", "openid:read"} & {*grant.pair.scope}:
                raise IDTokenError("missing", "Roblox sent none, although the scope openid was granted")
        except IDTokenError as error:
            error.token = grant.pair
            raise
        return AccessToken(self._provider, binding, grant, user)

    def _signed(self, token: SecretStr) -> Binding:
        return SignedBinding(self._binding, BearerToken(token))

    async def revoke_token(self, token: str) -> None:
        """End the authorization that a token belongs to: none of its tokens work any more.

        Args:
            token: An access or refresh token.

        Raises:
            InvalidRequestError: The argument is refused; nothing was sent.
            OAuth2Error: Roblox does not know the application.

        Source: `POST /oauth/v1/token/revoke`.
        """
        hidden = _secret("token", token)
        del token
        await self._provider.revoke(hidden)

    def from_access_token_string(self, token: str | SecretStr) -> PartialAccessToken:
        """Return an access token that was kept as text; nothing is sent. To keep a refresh token is the better way.

        Args:
            token: The access token.

        Raises:
            ConfigurationError: No header can carry it.
        """
        secret = check_secret("token", token)
        return PartialAccessToken(self._provider, self._signed(secret), secret.get_secret_value())

    async def sign_in(self, token: AccessToken, *, store: TokenStore | None = None) -> UserClient:
        """Store the tokens of a user who has just signed in, and return a client that keeps them fresh.

        The store owns the tokens from then on: do not refresh them elsewhere.

        Args:
            token: What `finish` or `exchange_code` returned.
            store: Where the tokens of this application's users are; None for this object's memory, which other
                processes do not see and which ends with this one.

        Returns:
            A client in the user's name. It shares this application's connections; closing it closes nothing.

        Raises:
            InvalidRequestError: It is no such token, or one of another application; or `store` is none.
            TokenStoreError: They could not be stored.
            RblxCloudError: Roblox could not be asked who the user is, where `openid` was not asked for.
        """
        if not isinstance(token, AccessToken):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise InvalidRequestError("token", f"is of type {type(token).__name__}; it takes what `finish` returned")
        if token.client_id != self.id:
            raise InvalidRequestError("token", f"is one of application {token.client_id}, which alone can refresh it")
        user_id = token.user.id if token.user is not None else await self._user_of(token)
        credential = self._credential(user_id, store)
        await credential.sign_in(token.pair)
        return self._client(credential)

    async def _user_of(self, token: AccessToken) -> int:
        info = await token.fetch_token_info()
        try:
            return check_id("user_id", info.user_id)
        except InvalidRequestError as error:
            raise APIResponseError("Roblox did not say whose the token is") from error

    def client(self, user_id: int, *, store: TokenStore | None = None) -> UserClient:
        """Return a client in the name of a user who has signed in earlier, in any process; nothing is sent or read.

        Args:
            user_id: The user.
            store: The store that `sign_in` was given.

        Returns:
            A client. Each call of it raises `SignInRequiredError` where the user is not signed in. One that is in use
            notices a sign-out by another client when its access token is due, or Roblox refuses it. It shares this
            application's connections; closing it closes nothing.

        Raises:
            InvalidRequestError: The id is not one, or `store` is none.
        """
        return self._client(self._credential(check_id("user_id", user_id), store))

    def _credential(self, user_id: int, store: TokenStore | None) -> RefreshingToken:
        if store is not None:
            check_store(store)
        runtime = self._binding.get().runtime
        kept = self._memory if store is None else store
        return RefreshingToken(self._provider, kept, user_id, runtime, self._unstored, self._queues)

    def _client(self, credential: RefreshingToken) -> UserClient:
        return UserClient(self._binding.get().with_credential(credential))

    def _redirect_uri(self) -> str:
        if self.redirect_uri is None:
            raise InvalidRequestError("redirect_uri", "this application was made without one")
        return self.redirect_uri

    async def aclose(self) -> None:
        """Close the connections; idempotent. Tokens and clients of this application cannot be used any more."""
        await self._binding.aclose()

    async def __aenter__(self) -> Self:
        """Return the application itself."""
        return self

    async def __aexit__(self, *exception: object) -> None:
        """Close the connections."""
        await self.aclose()


def _check_given(argument: str, value: object) -> str:
    """Return text from a user; what it has to look like is Roblox's affair."""
    if not isinstance(value, str) or not value or not value.isprintable():
        raise InvalidRequestError(argument, "takes text without line breaks, and not empty")
    return value


def _secret(argument: str, value: object) -> SecretStr:
    return SecretStr(_check_given(argument, value))
