"""What keeps the tokens of signed-in users, so that many processes can share them.

A refresh token works once. So there is a row for each user of each application, and on it:

- a *generation*, which every stored pair has another one of: who stores what a refresh brought says which pair it
  refreshed, and nothing is stored when that is no longer the one that stands there;
- a *lease*, which whoever refreshes takes first, so that only one does;
- a count of *attempts*, the refreshes that have begun with this pair and of whose end nothing was written: while it is
  above zero, the refresh token may be used up;
- a *sign-in id*, which stays as long as the row does, so that a web site can tell a session from before a sign-out from
  one of now.
"""

from __future__ import annotations

import inspect
import secrets
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from rblxcloud.errors import InvalidRequestError
from rblxcloud.types import TokenPair

_LARGEST_FIRST_GENERATION = 2**48


def first_generation() -> int:
    """Return the generation of a new row, at random: a row that was deleted and made anew is not the same."""
    return secrets.randbelow(_LARGEST_FIRST_GENERATION)


def new_sign_in_id() -> str:
    """Return the sign-in id of a new row."""
    return secrets.token_urlsafe(9)


class TokenKey(NamedTuple):
    """Names a row."""

    client_id: str
    """The application."""
    user_id: int
    """The user."""


def check_store(store: object) -> None:
    """Refuse what cannot keep tokens.

    Raises:
        InvalidRequestError: It is no store, or one whose methods are coroutine functions.
    """
    lease = getattr(store, "lease", None)
    if not callable(lease):
        problem = f"is of type {type(store).__name__}; it takes a store, such as SQLTokenStore('sqlite:///tokens.db')"
        raise InvalidRequestError("store", problem)
    if inspect.iscoroutinefunction(lease):
        problem = "has coroutine functions; it takes plain ones, which asynchronous programs call in worker threads"
        raise InvalidRequestError("store", problem)


@dataclass(frozen=True, slots=True)
class StoredToken:
    """A row as it stood when it was read."""

    key: TokenKey
    """Whose it is."""
    pair: TokenPair
    """The tokens."""
    generation: int
    """Changes whenever other tokens are stored."""
    attempts: int
    """How many refreshes have begun with these tokens and have not ended, as far as is known."""
    ended: bool
    """Roblox has refused the refresh token: the user has to sign in again."""
    leased: bool
    """Somebody is refreshing them."""
    sign_in_id: str
    """Made at random with the row, and the same until that is deleted."""


class TokenStore(Protocol):
    """Keeps the tokens of signed-in users. Plain functions, which asynchronous programs call in worker threads.

    Each method is one atomic step, and short: no connection or transaction outlives it. Threads and processes may call
    them at once. `lease_until` is reckoned by the store's own clock where it has one, since machines' clocks differ.
    What a method raises is shown to users as a `TokenStoreError`: it must not have tokens in its text.
    """

    def save(self, key: TokenKey, pair: TokenPair) -> None:
        """Store the tokens of a user who has just signed in, in place of whatever there is.

        The generation becomes a new one, attempts zero, and a lease ends. A row that is there keeps its sign-in id.
        """
        ...

    def load(self, key: TokenKey) -> StoredToken | None:
        """Return a row; None when there is none."""
        ...

    def lease(self, key: TokenKey, generation: int, holder: str, seconds: float) -> StoredToken | None:
        """Take the lease for `seconds`, count one attempt, and return the row as it is then.

        None, and nothing changes, when the generation is another one, the row has ended, or somebody else's lease is
        running. A call is repeatable: it counts once for each holder.
        """
        ...

    def replace(self, key: TokenKey, generation: int, pair: TokenPair) -> bool:
        """Store what a refresh of this generation brought, whoever holds the lease, and return True.

        The generation grows by one, attempts become zero, the row has not ended, and a lease ends. False, and nothing
        changes, when the generation is another one or there is no row.
        """
        ...

    def release(self, key: TokenKey, holder: str, *, undo: bool) -> None:
        """Give the lease back where `holder` has it; with `undo` its attempt did nothing, and no longer counts."""
        ...

    def end(self, key: TokenKey, generation: int, holder: str) -> bool:
        """Mark the row as ended, end the lease, and return True.

        False, and nothing changes, when the generation is another one or the lease has passed to another holder.
        """
        ...

    def delete(self, key: TokenKey) -> StoredToken | None:
        """Forget a user, and return what the row was."""
        ...

    def users(self, client_id: str) -> list[int]:
        """Return the ids of the users of an application that have a row, in order."""
        ...
