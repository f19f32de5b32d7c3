"""The provider's keys: ES256 ones that sign tokens and stand in certs, and one that hides what refresh tokens hold.

joserfc is imported where it is used: it brings `cryptography` along, which an emulator that issues no token needs not.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from rblxcloud.emulator.errors import json_reply
from rblxcloud.emulator.model import Call, Handler, Reply, World
from rblxcloud.endpoints.model import Endpoint
from rblxcloud.endpoints.oauth import CERTS

if TYPE_CHECKING:
    from joserfc.jwk import ECKey

__all__ = ["HANDLERS", "SCHEMA", "new_key", "rotate", "seal", "sign", "signing_key"]

SCHEMA = """
CREATE TABLE IF NOT EXISTS oauth_keys (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    purpose TEXT NOT NULL,
    jwk TEXT NOT NULL
);
"""

_SIGNING = "sig"
_SEALING = "enc"


def signing_key(world: World) -> ECKey:
    """Return the key that signs, which is the newest one; the first is made when it is needed."""
    from joserfc.jwk import ECKey

    stored = _stored(world, _SIGNING)
    return ECKey.import_key(json.loads(stored[-1])) if stored else _add_signing_key(world)


def new_key(kid: str | None = None) -> ECKey:
    """Return an ES256 key that nobody knows.

    Args:
        kid: Its id; None for one of its own.
    """
    from joserfc.jwk import ECKey

    return ECKey.generate_key("P-256", {"kid": kid or str(uuid4()), "alg": "ES256", "use": "sig"}, private=True)


def rotate(world: World, *, keep: bool) -> str:
    """Sign with a new key from now on.

    Args:
        world: The emulator's state.
        keep: Whether certs goes on telling the keys before it.

    Returns:
        The new key's id.
    """
    if keep:
        signing_key(world)
    else:
        world.database.execute("DELETE FROM oauth_keys WHERE purpose = ?", (_SIGNING,))
    return str(_add_signing_key(world).kid)


def sign(claims: Mapping[str, object], key: ECKey) -> str:
    """Return claims as a JWT, signed with ES256."""
    from joserfc import jwt

    return jwt.encode({"alg": "ES256", "kid": str(key.kid), "typ": "JWT"}, dict(claims), key)


def seal(world: World, claims: Mapping[str, object]) -> str:
    """Return claims as a JWE that only the provider can open, which is what refresh tokens are."""
    from joserfc import jwe
    from joserfc.jwk import OctKey

    stored = _stored(world, _SEALING)
    if stored:
        key = OctKey.import_key(json.loads(stored[-1]))
    else:
        key = OctKey.generate_key(512, {"kid": str(uuid4())}, private=True)
        _store(world, _SEALING, key.as_dict(private=True))
    header = {"alg": "dir", "enc": "A256CBC-HS512", "kid": str(key.kid)}
    return jwe.encrypt_compact(header, json.dumps(dict(claims)).encode(), key)


def _certs(world: World, call: Call) -> Reply:
    from joserfc.jwk import ECKey

    signing_key(world)
    keys = [ECKey.import_key(json.loads(stored)).as_dict(private=False) for stored in _stored(world, _SIGNING)]
    return json_reply({"keys": keys})


def _add_signing_key(world: World) -> ECKey:
    key = new_key()
    _store(world, _SIGNING, key.as_dict(private=True))
    return key


def _store(world: World, purpose: str, jwk: Mapping[str, Any]) -> None:
    world.database.execute("INSERT INTO oauth_keys (purpose, jwk) VALUES (?, ?)", (purpose, json.dumps(jwk)))


def _stored(world: World, purpose: str) -> list[str]:
    rows = world.database.execute("SELECT jwk FROM oauth_keys WHERE purpose = ? ORDER BY number", (purpose,))
    return [jwk for (jwk,) in rows]


HANDLERS: Mapping[Endpoint, Handler] = {CERTS: _certs}
