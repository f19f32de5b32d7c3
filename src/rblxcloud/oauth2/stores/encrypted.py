"""Tokens that the store itself cannot read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from pydantic import SecretStr

from rblxcloud.errors import ConfigurationError, TokenStoreError
from rblxcloud.oauth2.stores.base import StoredToken, TokenKey, TokenStore
from rblxcloud.types import TokenPair


class EncryptedTokenStore:
    """Encrypts the tokens in another store (AES-128-CBC with HMAC-SHA-256, as Fernet has it), each bound to its user.

    Args:
        store: Where they are kept. It sees who has signed in, with which scopes and until when, and no token.
        keys: Keys as `EncryptedTokenStore.new_key()` makes them: the first encrypts, and all of them decrypt, so that
            a new key can be put first and an old one taken away 90 days later.

    Raises:
        ConfigurationError: There is no key, or one of them is none.
    """

    def __init__(self, store: TokenStore, keys: Sequence[str | SecretStr]) -> None:
        self._store = store
        try:
            plain = [key.get_secret_value() if isinstance(key, SecretStr) else key for key in keys]
            self._cipher = MultiFernet([Fernet(key) for key in plain])
        except (ValueError, TypeError):
            raise ConfigurationError("keys: takes a list of keys made by EncryptedTokenStore.new_key()") from None

    @staticmethod
    def new_key() -> str:
        """Return a new key: text, to be kept as a secret."""
        return Fernet.generate_key().decode()

    def __repr__(self) -> str:
        """Show what it is around."""
        return f"<{type(self).__name__} around {self._store!r}>"

    def save(self, key: TokenKey, pair: TokenPair) -> None:
        """Store the tokens of a user who has just signed in; see `TokenStore.save`."""
        self._store.save(key, self._sealed(key, pair))

    def load(self, key: TokenKey) -> StoredToken | None:
        """Return a row; see `TokenStore.load`."""
        return self._opened(self._store.load(key))

    def lease(self, key: TokenKey, generation: int, holder: str, seconds: float) -> StoredToken | None:
        """Take the lease; see `TokenStore.lease`."""
        return self._opened(self._store.lease(key, generation, holder, seconds))

    def replace(self, key: TokenKey, generation: int, pair: TokenPair) -> bool:
        """Store what a refresh brought; see `TokenStore.replace`."""
        return self._store.replace(key, generation, self._sealed(key, pair))

    def release(self, key: TokenKey, holder: str, *, undo: bool) -> None:
        """Give the lease back; see `TokenStore.release`."""
        self._store.release(key, holder, undo=undo)

    def end(self, key: TokenKey, generation: int, holder: str) -> bool:
        """Mark the row as ended; see `TokenStore.end`."""
        return self._store.end(key, generation, holder)

    def delete(self, key: TokenKey) -> StoredToken | None:
        """Forget a user; see `TokenStore.delete`. Tokens that cannot be decrypted any more are forgotten as well."""
        row = self._store.delete(key)
        try:
            return self._opened(row)
        except TokenStoreError:
            return None

    def users(self, client_id: str) -> list[int]:
        """Return the ids of the users that have a row; see `TokenStore.users`."""
        return self._store.users(client_id)

    def _sealed(self, key: TokenKey, pair: TokenPair) -> TokenPair:
        return replace(pair, token=self._seal(key, pair.token), refresh_token=self._seal(key, pair.refresh_token))

    def _seal(self, key: TokenKey, token: str) -> str:
        return self._cipher.encrypt((_owner(key) + token).encode()).decode()

    def _opened(self, row: StoredToken | None) -> StoredToken | None:
        if row is None:
            return None
        pair = row.pair
        opened = replace(
            pair, token=self._open(row.key, pair.token), refresh_token=self._open(row.key, pair.refresh_token)
        )
        return replace(row, pair=opened)

    def _open(self, key: TokenKey, sealed: str) -> str:
        try:
            text = self._cipher.decrypt(sealed).decode()
        except InvalidToken:
            raise TokenStoreError(f"the tokens of user {key.user_id} were not encrypted with any of the keys") from None
        owner = _owner(key)
        if not text.startswith(owner):
            raise TokenStoreError(f"the tokens in the row of user {key.user_id} are those of another user")
        return text.removeprefix(owner)


def _owner(key: TokenKey) -> str:
    return f"{key.client_id}/{key.user_id}/"
