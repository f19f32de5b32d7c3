"""What a test says to an emulator of its secrets."""

from __future__ import annotations

from rblxcloud.emulator.controls import Controls
from rblxcloud.emulator.model import Refusal
from rblxcloud.emulator.secrets import keys, rooms, table
from rblxcloud.emulator.secrets.table import Secret

__all__ = ["SecretControls"]


class SecretControls(Controls):
    """An emulator's secrets, which it can open. They need `pip install 'rblxcloud[secrets]'`."""

    def put(self, universe: int, id: str, value: str | bytes, *, domain: str | None = None) -> None:
        """Let there be a secret, in the place of one of the same name.

        Args:
            universe: Id of the universe.
            id: Its name.
            value: What is secret.
            domain: Where it may be sent; None for nowhere.

        Raises:
            ValueError: For a name, a value or a domain that Roblox would not take.
        """
        keys.check_library()
        plain = value.encode() if isinstance(value, str) else value
        rooms.check_plain(plain)
        try:
            name, allowed = rooms.check_id(id), rooms.check_domain(domain)
        except Refusal as refusal:
            raise ValueError(refusal.message) from None
        with self._transaction():
            pair, now = keys.current(self._world, str(universe)), self._world.now()
            secret = Secret(name, keys.seal(pair, plain), pair.id, allowed, now, now)
            table.save(self._world, str(universe), secret)

    def open(self, universe: int, id: str) -> str:
        """Return a secret in plain text, as the experience's servers would have it.

        Args:
            universe: Id of the universe.
            id: Its name.

        Raises:
            ValueError: There is no such secret, or it is no text (see `open_bytes`).
        """
        return self.open_bytes(universe, id).decode()

    def open_bytes(self, universe: int, id: str) -> bytes:
        """Return a secret in plain bytes.

        Args:
            universe: Id of the universe.
            id: Its name.

        Raises:
            ValueError: There is no such secret.
        """
        keys.check_library()
        with self._transaction():
            secret = table.find(self._world, str(universe), id)
            pair = None if secret is None else keys.find(self._world, str(universe), secret.key_id)
        if secret is None or pair is None:
            raise ValueError(f"universe {universe} has no secret {id!r}")
        return keys.open_sealed(pair, secret.sealed)

    def ids(self, universe: int) -> list[str]:
        """Return the names of a universe's secrets."""
        with self._transaction():
            return [secret.id for secret in table.after(self._world, str(universe), "")]

    def rotate_key(self, universe: int) -> str:
        """Give a universe a new public key, and take no secret any more that is sealed with an older one.

        Args:
            universe: Id of the universe.

        Returns:
            The id of the new key.
        """
        keys.check_library()
        with self._transaction():
            return keys.rotate(self._world, str(universe)).id
