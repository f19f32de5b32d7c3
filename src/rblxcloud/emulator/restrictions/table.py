"""What is kept of bans: the terms that hold now, a log of all that held, and the idempotency keys."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import astuple, dataclass, replace

from rblxcloud.emulator.model import World

__all__ = ["EVERYWHERE", "SCHEMA", "Ban", "Log", "Terms", "in_force", "lay", "logs", "stored", "users"]

SCHEMA = """
CREATE TABLE IF NOT EXISTS user_restrictions (
    universe TEXT NOT NULL,
    place TEXT NOT NULL,
    user INTEGER NOT NULL,
    updated REAL NOT NULL,
    active INTEGER NOT NULL,
    duration INTEGER,
    private_reason TEXT NOT NULL,
    display_reason TEXT NOT NULL,
    exclude_alt_accounts INTEGER NOT NULL,
    start REAL,
    PRIMARY KEY (universe, place, user)
);

CREATE TABLE IF NOT EXISTS user_restriction_logs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    universe TEXT NOT NULL,
    place TEXT NOT NULL,
    user INTEGER NOT NULL,
    moderator INTEGER,
    time REAL NOT NULL,
    active INTEGER NOT NULL,
    duration INTEGER,
    private_reason TEXT NOT NULL,
    display_reason TEXT NOT NULL,
    exclude_alt_accounts INTEGER NOT NULL,
    start REAL
);
CREATE INDEX IF NOT EXISTS user_restriction_logs_by_user ON user_restriction_logs (universe, user);

CREATE TABLE IF NOT EXISTS user_restriction_keys (
    universe TEXT NOT NULL,
    key TEXT NOT NULL,
    time REAL NOT NULL,
    request TEXT NOT NULL,
    reply BLOB NOT NULL,
    PRIMARY KEY (universe, key)
);
"""

EVERYWHERE = ""
"""The place of a ban from the whole experience."""

_TERMS = "active, duration, private_reason, display_reason, exclude_alt_accounts, start"


@dataclass(frozen=True, slots=True)
class Terms:
    """Whether a user may join, and why."""

    active: bool = False
    duration: int | None = None
    """Seconds; None for good."""
    private_reason: str = ""
    display_reason: str = ""
    exclude_alt_accounts: bool = False
    start: float | None = None
    """Seconds since 1970 UTC; None where it is not active."""

    def holds(self, now: float) -> bool:
        """Return whether the user may not join at a moment: a ban ends by itself."""
        return self.active and (self.start is None or self.duration is None or now < self.start + self.duration)


@dataclass(frozen=True, slots=True)
class Ban:
    """What holds for a user."""

    terms: Terms
    updated: float | None = None
    """Seconds since 1970 UTC; None for a user of whom nothing was ever said."""
    inherited: bool = False
    """Whether it is the whole experience that the user may not join."""


@dataclass(frozen=True, slots=True)
class Log:
    """A change of a user's ban."""

    id: int
    """Counts the changes of all experiences, in their order."""
    place: int | None
    """Id of the place; None for the whole experience."""
    user: int
    moderator: int | None
    """Id of the user who did it; None for a script on a game server."""
    time: float
    """Seconds since 1970 UTC on the emulator's clock."""
    terms: Terms
    """What held from then on."""


def stored(world: World, universe: str, place: str, user: int) -> Ban:
    """Return what was last said of a user at one level."""
    row = world.database.execute(
        f"SELECT updated, {_TERMS} FROM user_restrictions WHERE universe = ? AND place = ? AND user = ?",
        (universe, place, user),
    ).fetchone()
    return Ban(Terms()) if row is None else Ban(_terms(*row[1:]), row[0])


def in_force(world: World, universe: str, place: str, user: int) -> Ban:
    """Return what holds for a user: what was said of the place itself, or else of the whole experience."""
    own = stored(world, universe, place, user)
    if place == EVERYWHERE or own.terms.holds(world.now()):
        return own
    above = stored(world, universe, EVERYWHERE, user)
    return Ban(above.terms, above.updated, inherited=True) if above.terms.holds(world.now()) else own


def lay(world: World, universe: str, place: str, user: int, terms: Terms, moderator: int | None) -> None:
    """Let terms hold for a user, with their start now, and log it.

    Args:
        world: The emulator's state.
        universe: Id of the universe.
        place: Id of the place, or `EVERYWHERE`.
        user: Id of the user.
        terms: What is to hold.
        moderator: Id of the user who does it; None for a script.
    """
    now = world.now()
    columns = astuple(replace(terms, start=now if terms.active else None))
    world.database.execute(
        "INSERT OR REPLACE INTO user_restrictions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (universe, place, user, now, *columns),
    )
    world.database.execute(
        f"INSERT INTO user_restriction_logs (universe, place, user, moderator, time, {_TERMS})"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (universe, place, user, moderator, now, *columns),
    )


def users(world: World, universe: str, place: str, after: int) -> Iterator[int]:
    """Yield the users of whom something was ever said, at one level or above it, by their ids.

    Args:
        world: The emulator's state.
        universe: Id of the universe.
        place: Id of the place, or `EVERYWHERE`.
        after: Only those with a greater id.
    """
    rows = world.database.execute(
        "SELECT DISTINCT user FROM user_restrictions WHERE universe = ? AND place IN (?, ?) AND user > ? ORDER BY user",
        (universe, place, EVERYWHERE, after),
    )
    return (user for (user,) in rows)


def logs(
    world: World, universe: str, *, user: int | None = None, place: int | None = None, before: int | None = None
) -> Iterator[Log]:
    """Yield what was done, the newest first.

    Args:
        world: The emulator's state.
        universe: Id of the universe.
        user: Only what was done to this user.
        place: Only what was done in this place.
        before: Only rows with a smaller id.
    """
    rows = world.database.execute(
        f"SELECT id, place, user, moderator, time, {_TERMS} FROM user_restriction_logs WHERE universe = :universe"
        " AND (:user IS NULL OR user = :user) AND (:place IS NULL OR place = :place)"
        " AND (:before IS NULL OR id < :before) ORDER BY id DESC",
        {"universe": universe, "user": user, "place": None if place is None else str(place), "before": before},
    )
    return (
        Log(number, int(where) if where else None, whom, moderator, time, _terms(*terms))
        for number, where, whom, moderator, time, *terms in rows
    )


def _terms(
    active: int, duration: int | None, private_reason: str, display_reason: str, exclude: int, start: float | None
) -> Terms:
    return Terms(bool(active), duration, private_reason, display_reason, bool(exclude), start)
