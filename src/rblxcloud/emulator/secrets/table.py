"""The secrets there are, as they were sealed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from rblxcloud.emulator.model import World

__all__ = ["SCHEMA", "Secret", "after", "before", "count", "find", "remove", "save"]

SCHEMA = """
CREATE TABLE IF NOT EXISTS secrets (
    universe TEXT NOT NULL,
    id TEXT NOT NULL,
    sealed TEXT NOT NULL,
    key_id TEXT NOT NULL,
    domain TEXT,
    created REAL NOT NULL,
    updated REAL NOT NULL,
    PRIMARY KEY (universe, id)
);
"""

_COLUMNS = "id, sealed, key_id, domain, created, updated"


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret."""

    id: str
    sealed: str = field(repr=False)
    """The sealed box, in base64."""
    key_id: str
    domain: str | None
    """Where it may be sent; None for nowhere."""
    created: float
    updated: float


def find(world: World, universe: str, number: str) -> Secret | None:
    """Return a secret; None where there is none of that name."""
    row = world.database.execute(
        f"SELECT {_COLUMNS} FROM secrets WHERE universe = ? AND id = ?", (universe, number)
    ).fetchone()
    return None if row is None else Secret(*row)


def save(world: World, universe: str, secret: Secret) -> None:
    """Keep a secret, in the place of one of the same name."""
    world.database.execute(
        "INSERT OR REPLACE INTO secrets VALUES (?, ?, ?, ?, ?, ?, ?)",
        (universe, secret.id, secret.sealed, secret.key_id, secret.domain, secret.created, secret.updated),
    )


def remove(world: World, universe: str, number: str) -> bool:
    """Forget a secret; return whether there was one."""
    done = world.database.execute("DELETE FROM secrets WHERE universe = ? AND id = ?", (universe, number))
    return done.rowcount > 0


def count(world: World, universe: str) -> int:
    """Return how many secrets a universe has."""
    (number,) = world.database.execute("SELECT count(*) FROM secrets WHERE universe = ?", (universe,)).fetchone()
    return int(number)


def after(world: World, universe: str, name: str) -> Iterator[Secret]:
    """Yield the secrets that come after a name, in the order of their names."""
    rows = world.database.execute(
        f"SELECT {_COLUMNS} FROM secrets WHERE universe = ? AND id > ? ORDER BY id", (universe, name)
    )
    return (Secret(*row) for row in rows)


def before(world: World, universe: str, name: str) -> Iterator[Secret]:
    """Yield the secrets that come before a name, the nearest first."""
    rows = world.database.execute(
        f"SELECT {_COLUMNS} FROM secrets WHERE universe = ? AND id < ? ORDER BY id DESC", (universe, name)
    )
    return (Secret(*row) for row in rows)
