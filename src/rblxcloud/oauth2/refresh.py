"""Staying signed in: one user's tokens, kept fresh among tasks, threads, processes and machines.

A refresh token works once, and what it brings is lost with the process that does not store it. So a refresh goes:

1. take the lease on the user's row, which counts an attempt there: from now on the refresh token may be used up;
2. send it, within a deadline that ends before the lease does;
3. store what it brought, before anything else is done with it, where the row still has the tokens that were refreshed.

Whoever finds a lease that has run out, or an attempt that never ended, tries the refresh token once more. When Roblox
refuses it, and the row is still as it was and the lease ours, then the tokens are lost, and the user is told to sign
in.
"""

from __future__ import annotations

import copy
import hashlib
import logging
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import ParamSpec, TypeVar

from pydantic import SecretStr

from rblxcloud.endpoints.model import Credential as Kind
from rblxcloud.errors import (
    APIConnectionError,
    APIResponseError,
    APIStatusError,
    APITimeoutError,
    IDTokenError,
    InvalidGrantError,
    RblxCloudError,
    SignInRequiredError,
    TokenStoreError,
)
from rblxcloud.oauth2.id_token import claimed_subject
from rblxcloud.oauth2.provider import Grant, Provider
from rblxcloud.oauth2.stores.base import StoredToken, TokenKey, TokenStore
from rblxcloud.runtime.base import Runtime
from rblxcloud.types import TokenPair

P = ParamSpec("P")
R = TypeVar("R")

logger: logging.Logger = logging.getLogger("rblxcloud")

REFRESH_BEFORE = 60.0
"""Seconds before its end at which an access token is refreshed."""
DEADLINE_SECONDS = 30.0
"""How long a refresh may go on. No phase of an attempt (getting a connection, connecting, writing, waiting, reading)
takes longer than what was left when it began, or than 20 seconds: after 100 seconds at the latest it is over."""
LEASE_SECONDS = 120.0
"""How long a lease runs: longer than any refresh."""
_SLACK_SECONDS = 5.0
"""A process that was held up for longer between the lease and the request gives the lease back."""
_PATIENCE_SECONDS = 2 * LEASE_SECONDS
_FIRST_WAIT, _LONGEST_WAIT = 0.05, 1.0
_STORE_WAITS = (0.1, 0.4, 1.6, 5.0)
_RETRY_SECONDS = 10.0
"""After a failed refresh, an access token that is still good is used this long before the next one."""


@dataclass(slots=True)
class _Lease:
    """A lease that was taken, and the row as it was then."""

    row: StoredToken
    holder: str = field(repr=False)


@dataclass(slots=True)
class Queue:
    """Those who want the tokens of one user refreshed at the same time.

    Who waits while a refresh fails takes that failure, and does not begin another one: hundreds would go on for ever.
    """

    length: int = 0
    failure: RblxCloudError | None = None
    """What became of the newest refresh that one of them began, if it failed."""


Queues = dict[tuple[int, TokenKey], Queue]
"""By the id of the store, and user; there is one as long as somebody waits."""


class Unstored:
    """Tokens that Roblox has given and that no store has taken, by store and user.

    They are the application's: a client that could not store them may be gone when the store works again.
    """

    def __init__(self) -> None:
        self._kept: dict[tuple[int, TokenKey], tuple[TokenStore, int, TokenPair]] = {}

    def put(self, store: TokenStore, key: TokenKey, generation: int, pair: TokenPair) -> None:
        """Keep tokens and the generation that they belong after; the store too, so that its id stays its own."""
        self._kept[id(store), key] = (store, generation, pair)

    def get(self, store: TokenStore, key: TokenKey) -> tuple[int, TokenPair] | None:
        """Return a user's tokens, and the generation that they belong after."""
        kept = self._kept.get((id(store), key))
        return None if kept is None else kept[1:]

    def drop(self, store: TokenStore, key: TokenKey, kept: tuple[int, TokenPair] | None) -> None:
        """Forget a user's tokens, where they are those that `get` has returned: others may have come meanwhile."""
        if kept is not None and self.get(store, key) == kept:
            self._kept.pop((id(store), key), None)


class RefreshingToken:
    """A credential: the access token of a user who has signed in, refreshed before it expires, and after a 401.

    Args:
        provider: Roblox's OAuth service.
        store: Where the tokens are.
        user_id: Whose they are.
        runtime: That of the session which signs with this.
        unstored: What the application's clients could not store.
        queues: Who waits for a refresh, in the whole application.
    """

    kind: Kind = Kind.OAUTH2

    def __init__(
        self,
        provider: Provider,
        store: TokenStore,
        user_id: int,
        runtime: Runtime,
        unstored: Unstored,
        queues: Queues,
    ) -> None:
        self.provider = provider
        self.store = store
        self.key: TokenKey = TokenKey(provider.client_id, user_id)
        self._runtime = runtime
        self._pair: TokenPair | None = None
        self._not_before = 0.0
        self._unstored = unstored
        self._queues = queues

    @property
    def fingerprint(self) -> str:
        """Tells users and applications apart, and outlives a refresh: Roblox's limits count for these."""
        return hashlib.sha256(f"{self.key.client_id}/{self.key.user_id}".encode()).hexdigest()[:16]

    async def headers(self) -> dict[str, str]:
        """Return the `Authorization` header.

        Raises:
            SignInRequiredError: The user is not signed in, or not any more.
            RblxCloudError: The tokens could not be refreshed, and the access token has expired.
        """
        return _header(await self.pair())

    async def refresh(self, rejected: Mapping[str, str]) -> bool:
        """Replace the access token that was refused with a 401, unless that has been done.

        Args:
            rejected: The headers of the refused request.
        """
        pair = self._pair
        used = pair is not None and _header(pair) == rejected
        del rejected  # Tools that print variables with a traceback would print the token.
        if pair is not None and used:
            await self.renewed(pair)
        return True

    async def renewed(self, refused: TokenPair) -> TokenPair:
        """Return other tokens than those whose access token Roblox has refused.

        Args:
            refused: The tokens.

        Raises:
            SignInRequiredError: The user is not signed in, or not any more.
            RblxCloudError: The tokens could not be refreshed.
        """
        return await self._renew(refused=refused)

    async def pair(self) -> TokenPair:
        """Return tokens whose access token is good for a while.

        Raises:
            SignInRequiredError: The user is not signed in, or not any more.
            RblxCloudError: The tokens could not be refreshed, and the access token has expired.
        """
        pair = self._pair
        if pair is not None and not self._is_due(pair):
            return pair
        try:
            return await self._renew()
        except (APIConnectionError, APIResponseError, APIStatusError, TokenStoreError) as error:
            pair = self._pair
            unstored = isinstance(error, TokenStoreError) and error.token is not None
            if pair is None or self._has_expired(pair) or unstored:
                raise
            logger.warning("a refresh failed; the access token is still good: %s", error)
            self._not_before = self._runtime.monotonic() + _RETRY_SECONDS
            return pair

    async def sign_in(self, pair: TokenPair) -> None:
        """Store the tokens of a user who has just signed in, in place of whatever there is.

        Args:
            pair: The tokens.
        """
        unstored = self._unstored.get(self.store, self.key)
        await self._runtime.shielded(self._ask(self.store.save, self.key, pair))
        self._unstored.drop(self.store, self.key, unstored)
        self._pair = pair

    async def sign_out(self) -> None:
        """Forget the user's tokens, and then have Roblox revoke them; idempotent."""
        self._pair = None
        await self._runtime.shielded(self._forget())

    async def _forget(self) -> None:
        # Forgotten first: a refresh that is under way then finds no row, and revokes what it brings.
        row = await self._ask(self.store.delete, self.key)
        unstored = self._unstored.get(self.store, self.key)
        self._unstored.drop(self.store, self.key, unstored)
        if unstored is not None and (row is None or row.generation == unstored[0]):
            live = unstored[1]  # and those of the row are dead
        elif row is not None and not row.ended:
            live = row.pair
        else:
            return
        await self.provider.revoke(SecretStr(live.refresh_token), deadline=DEADLINE_SECONDS)

    async def sign_in_id(self) -> str | None:
        """Return the sign-in id of the user's row; None when the user is not signed in."""
        await self._store_unstored()
        try:
            row = await self._load()
        except SignInRequiredError:
            return None
        self._pair = row.pair
        return row.sign_in_id

    async def _renew(self, *, refused: TokenPair | None = None) -> TokenPair:
        """Return other tokens than those that are due or were refused: from the store, or by a refresh."""
        place = (id(self.store), self.key)
        queue = self._queues.setdefault(place, Queue())
        queue.length += 1
        before = queue.failure
        try:
            async with self._runtime.exclusive(("refresh", *place)):
                failure = None if queue.failure is before else queue.failure
                try:
                    return await self._renew_alone(refused, failure)
                except RblxCloudError as error:
                    if failure is None:
                        queue.failure = copy.copy(error)
                    raise
        finally:
            queue.length -= 1
            if not queue.length and self._queues.get(place) is queue:
                del self._queues[place]

    async def _renew_alone(self, refused: TokenPair | None, failure: RblxCloudError | None) -> TokenPair:
        runtime = self._runtime
        give_up, wait = runtime.monotonic() + _PATIENCE_SECONDS, _FIRST_WAIT
        while True:
            await self._store_unstored()
            row = await self._load()
            self._pair = row.pair
            if self._is_usable(row, refused):
                return row.pair
            if failure is not None:
                raise copy.copy(failure) from failure
            pair = None if row.leased else await runtime.shielded(self._refresh(row))
            if pair is not None:
                return pair
            if runtime.monotonic() >= give_up:
                raise APITimeoutError(f"somebody else has been refreshing the tokens of user {self.key.user_id}")
            await runtime.sleep(wait)
            wait = min(2 * wait, _LONGEST_WAIT)

    def _is_usable(self, row: StoredToken, refused: TokenPair | None) -> bool:
        """While somebody else refreshes them, tokens are used until they expire."""
        if refused is not None and row.pair.token == refused.token:
            return False
        return not self._is_due(row.pair) or (row.leased and not self._has_expired(row.pair))

    async def _refresh(self, row: StoredToken) -> TokenPair | None:
        """Refresh the tokens of a row and store what that brings; None when the row is no longer as it was."""
        began = self._runtime.monotonic()
        holder = secrets.token_hex(16)
        try:
            leased = await self._ask(self.store.lease, self.key, row.generation, holder, LEASE_SECONDS)
        except TokenStoreError:
            await self._release(holder, undo=True)  # It may have been given before the store failed.
            raise
        if leased is None:
            return None
        lease = _Lease(leased, holder)
        if self._runtime.monotonic() - began > _SLACK_SECONDS:
            await self._release(lease.holder, undo=True)
            return None
        grant = await self._redeem(lease)
        return None if grant is None else await self._keep(lease, grant)

    async def _redeem(self, lease: _Lease) -> Grant | None:
        """Send the refresh token; None when Roblox refused it and that may be somebody else's doing."""
        pair = lease.row.pair
        try:
            return await self.provider.redeem(
                "refresh_token", deadline=DEADLINE_SECONDS, refresh_token=SecretStr(pair.refresh_token)
            )
        except InvalidGrantError as error:
            if await self._ask(self.store.end, self.key, lease.row.generation, lease.holder):
                raise self._sign_in_required(interrupted=lease.row.attempts > 1) from error
            return None
        except RblxCloudError as error:
            await self._release(lease.holder, undo=not error.outcome_unknown)
            raise
        except GeneratorExit:
            raise  # Nothing can be awaited any more.
        except BaseException:  # Ctrl-C, twice.
            await self._release(lease.holder, undo=False)
            raise

    async def _keep(self, lease: _Lease, grant: Grant) -> TokenPair | None:
        """Store new tokens where the old ones stand; None when others stand there."""
        stored = await self._store_pair(lease, grant.pair)
        if stored is None:
            # Signed out meanwhile: what the refresh brought must not outlive that.
            await self._revoke(grant.pair)
            raise self._sign_in_required()
        if not stored:
            return None
        self._pair = grant.pair
        subject = None if grant.id_token is None else claimed_subject(grant.id_token)
        if subject not in (None, str(self.key.user_id)):
            self._pair = None
            await self._discard(grant.pair)
            raise IDTokenError("sub", "a refresh brought the tokens of another user", token=grant.pair)
        return grant.pair

    async def _discard(self, pair: TokenPair) -> None:
        """Delete a row that holds the tokens of another user; one of a sign-in that has come since stays."""
        try:
            row = await self._ask(self.store.load, self.key)
            if row is not None and row.pair.refresh_token == pair.refresh_token:
                await self._ask(self.store.delete, self.key)
        except TokenStoreError:
            await self._revoke(pair)  # They stand in the user's row: so they must not work.

    async def _store_pair(self, lease: _Lease, pair: TokenPair) -> bool | None:
        """Store new tokens, again where the store failed; False when others stand there, None when nothing does."""
        for wait in (*_STORE_WAITS, None):
            try:
                if await self._ask(self.store.replace, self.key, lease.row.generation, pair):
                    return True
                row = await self._ask(self.store.load, self.key)
                # It may have stored them before it failed.
                return None if row is None else row.pair.refresh_token == pair.refresh_token
            except TokenStoreError as error:
                if wait is None:
                    self._unstored.put(self.store, self.key, lease.row.generation, pair)
                    error.token = pair
                    raise
                await self._runtime.sleep(wait)
        raise AssertionError  # pragma: no cover

    async def _store_unstored(self) -> None:
        unstored = self._unstored.get(self.store, self.key)
        if unstored is None:
            return
        # False where somebody signed in or out meanwhile, which is what counts then.
        stored = await self._ask(self.store.replace, self.key, *unstored)
        if not stored and await self._ask(self.store.load, self.key) is None:
            await self._revoke(unstored[1])
        self._unstored.drop(self.store, self.key, unstored)

    async def _load(self) -> StoredToken:
        row = await self._ask(self.store.load, self.key)
        if row is None or row.ended:
            self._pair = None
            raise self._sign_in_required()
        return row

    async def _release(self, holder: str, *, undo: bool) -> None:
        try:
            await self._ask(self.store.release, self.key, holder, undo=undo)
        except TokenStoreError as error:
            logger.warning("a lease could not be given back; it will run out: %s", error)

    async def _revoke(self, pair: TokenPair) -> None:
        try:
            await self.provider.revoke(SecretStr(pair.refresh_token), deadline=DEADLINE_SECONDS)
        except RblxCloudError as error:
            logger.warning("tokens that user %s has no use for could not be revoked: %s", self.key.user_id, error)

    async def _ask(self, method: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Call the store; what it raises becomes an error of ours."""
        try:
            return await self._runtime.brief(method, *args, **kwargs)
        except RblxCloudError:
            raise
        except Exception as error:
            raise TokenStoreError(f"the token store failed: {type(error).__name__}: {error}") from error

    def _is_due(self, pair: TokenPair) -> bool:
        if self._runtime.monotonic() < self._not_before and not self._has_expired(pair):
            return False
        return self._has_expired(pair, in_seconds=REFRESH_BEFORE)

    def _has_expired(self, pair: TokenPair, *, in_seconds: float = 0.0) -> bool:
        return pair.expires_at.timestamp() - in_seconds <= self._runtime.wall_time()

    def _sign_in_required(self, *, interrupted: bool = False) -> SignInRequiredError:
        self._pair = None
        why = (
            "an earlier refresh was broken off, and its tokens are lost" if interrupted else "there are no good tokens"
        )
        return SignInRequiredError("sign_in_required", f"user {self.key.user_id} has to sign in again: {why}")


def _header(pair: TokenPair) -> dict[str, str]:
    return {"authorization": f"Bearer {pair.token}"}
