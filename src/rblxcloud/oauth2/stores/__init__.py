"""Where the tokens of signed-in users are kept.

`MemoryTokenStore`, `SQLTokenStore` (extra `sql`), `RedisTokenStore` (extra `redis`), `EncryptedTokenStore` around any
of them, and `TokenStore`, the protocol to write another one by.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rblxcloud.oauth2.stores.base import StoredToken, TokenKey, TokenStore
    from rblxcloud.oauth2.stores.encrypted import EncryptedTokenStore
    from rblxcloud.oauth2.stores.memory import MemoryTokenStore
    from rblxcloud.oauth2.stores.redis import RedisTokenStore
    from rblxcloud.oauth2.stores.sql import SQLTokenStore

__all__ = [
    "EncryptedTokenStore",
    "MemoryTokenStore",
    "RedisTokenStore",
    "SQLTokenStore",
    "StoredToken",
    "TokenKey",
    "TokenStore",
]

_HOMES = {
    "EncryptedTokenStore": "encrypted",
    "MemoryTokenStore": "memory",
    "RedisTokenStore": "redis",
    "SQLTokenStore": "sql",
    "StoredToken": "base",
    "TokenKey": "base",
    "TokenStore": "base",
}


def __getattr__(name: str) -> Any:
    """Load a store when it is first asked for: two of them need an extra."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    """Return the public names."""
    return sorted(__all__)
