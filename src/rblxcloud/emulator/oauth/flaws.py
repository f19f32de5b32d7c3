"""ID tokens that are wrong to order, so that a client's checks can be tried."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Literal, get_args

from rblxcloud.emulator.model import World
from rblxcloud.emulator.oauth import keys

if TYPE_CHECKING:
    from joserfc.jwk import ECKey

__all__ = ["SCHEMA", "IDTokenFlaw", "id_token", "order"]

SCHEMA = """
CREATE TABLE IF NOT EXISTS oauth_flaws (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL
);
"""

IDTokenFlaw = Literal[
    "alg_none",
    "hs256_public_key",
    "tampered",
    "unknown_key",
    "foreign_key",
    "wrong_issuer",
    "wrong_audience",
    "wrong_nonce",
    "missing_nonce",
    "wrong_subject",
    "missing_subject",
    "expired",
    "future",
    "garbage",
    "missing",
]
"""What can be wrong with an ID token."""

_HOUR = 3600
_STRANGER = "666"

Claims = Mapping[str, object]


def order(world: World, flaw: IDTokenFlaw) -> None:
    """Let the next ID token have a flaw; several orders are carried out one after the other.

    Args:
        world: The emulator's state.
        flaw: What is to be wrong.

    Raises:
        ValueError: There is no such flaw.
    """
    if flaw not in get_args(IDTokenFlaw):
        raise ValueError(f"the flaw must be one of {', '.join(get_args(IDTokenFlaw))}")
    world.database.execute("INSERT INTO oauth_flaws (kind) VALUES (?)", (flaw,))


def id_token(world: World, claims: Claims, key: ECKey) -> str | None:
    """Return an ID token, with the flaw that was ordered; None when it is to be missing.

    Args:
        world: The emulator's state.
        claims: What it is to say.
        key: The provider's key.
    """
    row = world.database.execute("SELECT number, kind FROM oauth_flaws ORDER BY number LIMIT 1").fetchone()
    if row is None:
        return keys.sign(claims, key)
    number, kind = row
    world.database.execute("DELETE FROM oauth_flaws WHERE number = ?", (number,))
    if kind == "missing":
        return None
    if kind in _FORGERIES:
        return _FORGERIES[kind](claims, key)
    changed = {**claims, **_CHANGES[kind](claims)}
    return keys.sign({name: value for name, value in changed.items() if value is not None}, key)


def _shifted(claims: Claims, seconds: int) -> Claims:
    return {name: int(str(claims[name])) + seconds for name in ("nbf", "iat", "exp")}


_CHANGES: dict[str, Callable[[Claims], Claims]] = {
    "wrong_issuer": lambda claims: {"iss": "https://issuer.example/oauth/"},
    "wrong_audience": lambda claims: {"aud": _STRANGER},
    "wrong_nonce": lambda claims: {"nonce": "of-another-login"},
    "missing_nonce": lambda claims: {"nonce": None},
    "wrong_subject": lambda claims: {"sub": _STRANGER},
    "missing_subject": lambda claims: {"sub": None},
    "expired": lambda claims: _shifted(claims, int(str(claims["iat"])) - int(str(claims["exp"])) - _HOUR),
    "future": lambda claims: _shifted(claims, _HOUR),
}


def _without_signature(claims: Claims, key: ECKey) -> str:
    return f"{_encoded({'alg': 'none', 'typ': 'JWT'})}.{_encoded(claims)}."


def _with_public_key_as_secret(claims: Claims, key: ECKey) -> str:
    signed = f"{_encoded({'alg': 'HS256', 'kid': str(key.kid), 'typ': 'JWT'})}.{_encoded(claims)}"
    digest = hmac.new(key.as_pem(private=False), signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{_base64url(digest)}"


def _tampered(claims: Claims, key: ECKey) -> str:
    header, _, signature = keys.sign(claims, key).split(".")
    return f"{header}.{_encoded({**claims, 'sub': _STRANGER})}.{signature}"


def _of_unknown_key(claims: Claims, key: ECKey) -> str:
    return keys.sign(claims, keys.new_key())


def _of_foreign_key(claims: Claims, key: ECKey) -> str:
    """Sign with a key that only claims to be the provider's."""
    return keys.sign(claims, keys.new_key(str(key.kid)))


_FORGERIES: dict[str, Callable[[Claims, ECKey], str]] = {
    "alg_none": _without_signature,
    "hs256_public_key": _with_public_key_as_secret,
    "tampered": _tampered,
    "unknown_key": _of_unknown_key,
    "foreign_key": _of_foreign_key,
    "garbage": lambda claims, key: "this is no token",
}


def _encoded(value: Claims) -> str:
    return _base64url(json.dumps(dict(value)).encode())


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
