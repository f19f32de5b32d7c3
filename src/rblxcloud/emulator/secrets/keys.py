"""The key pairs of the universes, and what was sealed with them. PyNaCl is imported when a key is needed."""

from __future__ import annotations

from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from uuid import uuid4

from rblxcloud.emulator.model import World

__all__ = ["SCHEMA", "KeyPair", "check_library", "current", "find", "open_sealed", "rotate", "seal"]

SCHEMA = """
CREATE TABLE IF NOT EXISTS secret_keys (
    universe TEXT NOT NULL,
    id TEXT NOT NULL,
    private BLOB NOT NULL,
    number INTEGER PRIMARY KEY AUTOINCREMENT
);
CREATE INDEX IF NOT EXISTS secret_keys_by_universe ON secret_keys (universe);
"""


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A key pair of a universe."""

    id: str
    private: bytes = field(repr=False)

    @property
    def public(self) -> str:
        """The public key, in base64."""
        from nacl.public import PrivateKey

        return b64encode(bytes(PrivateKey(self.private).public_key)).decode()


def check_library() -> None:
    """Refuse to go on without PyNaCl.

    Raises:
        ImportError: It is not installed.
    """
    try:
        import nacl.public  # noqa: F401  # pyright: ignore[reportUnusedImport]
    except ImportError:
        need = "The emulator's secrets need an extra: pip install 'rblxcloud[secrets]'"
        raise ImportError(need, name="nacl") from None


def current(world: World, universe: str) -> KeyPair:
    """Return the newest key pair of a universe; the first one is made when it is asked for."""
    row = world.database.execute(
        "SELECT id, private FROM secret_keys WHERE universe = ? ORDER BY number DESC LIMIT 1", (universe,)
    ).fetchone()
    return rotate(world, universe) if row is None else KeyPair(*row)


def find(world: World, universe: str, number: str) -> KeyPair | None:
    """Return a key pair of a universe by its id, one that was rotated away too."""
    row = world.database.execute(
        "SELECT id, private FROM secret_keys WHERE universe = ? AND id = ?", (universe, number)
    ).fetchone()
    return None if row is None else KeyPair(*row)


def rotate(world: World, universe: str) -> KeyPair:
    """Give a universe a new key pair."""
    from nacl.public import PrivateKey

    pair = KeyPair(str(uuid4()), bytes(PrivateKey.generate()))
    world.database.execute(
        "INSERT INTO secret_keys (universe, id, private) VALUES (?, ?, ?)", (universe, pair.id, pair.private)
    )
    return pair


def open_sealed(pair: KeyPair, sealed: str) -> bytes:
    """Return what a sealed box holds.

    Args:
        pair: The key pair that it was sealed for.
        sealed: The box, in base64.

    Raises:
        ValueError: It is no base64, or was not sealed for this key.
    """
    from nacl.exceptions import CryptoError
    from nacl.public import PrivateKey, SealedBox

    try:
        return SealedBox(PrivateKey(pair.private)).decrypt(b64decode(sealed, validate=True))
    except CryptoError as error:
        raise ValueError("it was not sealed with this key") from error


def seal(pair: KeyPair, plain: bytes) -> str:
    """Return a sealed box with a value, in base64."""
    from nacl.public import PrivateKey, SealedBox

    return b64encode(SealedBox(PrivateKey(pair.private).public_key).encrypt(plain)).decode()
