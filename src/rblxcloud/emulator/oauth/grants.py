"""What users have agreed to: a consent for one application, and what its access tokens may do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from uuid import uuid4

from pydantic import TypeAdapter

from rblxcloud.emulator.api_keys import Resource
from rblxcloud.emulator.model import World
from rblxcloud.emulator.oauth.scopes import concerns_resources
from rblxcloud.emulator.universes import is_id

__all__ = ["SCHEMA", "Authorization", "Consent", "end", "every", "find", "latest", "start"]

SCHEMA = """
CREATE TABLE IF NOT EXISTS oauth_authorizations (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    client_id TEXT NOT NULL,
    user TEXT NOT NULL,
    consent TEXT NOT NULL,
    created_at REAL NOT NULL,
    ended_at REAL
);
"""

_ANY_USER = ("user.user-notification:write",)
"""Scopes of endpoints whose path names somebody else: the recipient of a notification, say."""


@dataclass(frozen=True, slots=True)
class Consent:
    """What a user agreed to; ids as text."""

    user: str
    """Who agreed."""
    scopes: tuple[str, ...]
    universes: tuple[str, ...] = ()
    """Experiences that the application may act on."""
    groups: tuple[str, ...] = ()
    """Groups that it may act for."""
    users: tuple[str, ...] = ()
    """Users that it may act for as creators: the one who agreed, or nobody."""

    @classmethod
    def to(
        cls,
        user: str,
        scopes: Iterable[str],
        *,
        universes: Iterable[str] = (),
        groups: Iterable[str] = (),
        as_creator: bool = True,
    ) -> Consent:
        """Return a consent; resources are part of it only if some scope concerns them.

        Args:
            user: Who agrees.
            scopes: What is granted.
            universes: Experiences that the application may act on.
            groups: Groups that it may act for.
            as_creator: Whether it may act for the user.

        Raises:
            ValueError: An id is no positive number.
        """
        granted, chosen, teams = tuple(scopes), tuple(dict.fromkeys(universes)), tuple(dict.fromkeys(groups))
        for what, ids in (("a user", (user,)), ("an experience", chosen), ("a group", teams)):
            if wrong := [item for item in ids if not is_id(item)]:
                raise ValueError(f"{wrong[0]!r} is not the id of {what}.")
        if not concerns_resources(granted):
            return cls(user, granted)
        return cls(user, granted, chosen, teams, (user,) if as_creator else ())

    def names(self, scope: str) -> bool:
        """Return whether `scope` was granted."""
        return scope in self.scopes

    def covers(self, scope: str, resource: Resource) -> bool:
        """Return whether `scope` was granted for `resource`."""
        return (
            scope in self.scopes
            and resource.universe in (None, *self.universes)
            and resource.group in (None, *self.groups)
            and (resource.user is None or self._covers_user(scope, resource.user))
        )

    def _covers_user(self, scope: str, user: str) -> bool:
        if scope in _ANY_USER:
            return True
        return user == self.user if scope.startswith("user.") else user in self.users


_CONSENT = TypeAdapter(Consent)


@dataclass(frozen=True, slots=True)
class Authorization:
    """A consent that was given, and the session of tokens that goes with it."""

    id: str
    client_id: str
    consent: Consent
    created_at: float
    """Seconds since 1970 UTC on the emulator's clock."""
    ended_at: float | None = None
    """When it was revoked, in seconds since 1970 UTC; None while it holds."""


def start(world: World, client_id: str, consent: Consent) -> Authorization:
    """Store a consent that was just given."""
    authorization = Authorization(str(uuid4()), client_id, consent, world.now())
    world.database.execute(
        "INSERT INTO oauth_authorizations (id, client_id, user, consent, created_at) VALUES (?, ?, ?, ?, ?)",
        (authorization.id, client_id, consent.user, _CONSENT.dump_json(consent).decode(), authorization.created_at),
    )
    return authorization


def find(world: World, authorization_id: str) -> Authorization:
    """Return the authorization with this id, which is there."""
    (authorization,) = _select(world, "WHERE id = :id", {"id": authorization_id})
    return authorization


def latest(world: World, client_id: str, user: str) -> Authorization | None:
    """Return what a user last granted to an application, unless it was revoked."""
    where = "WHERE client_id = :client AND user = :user AND ended_at IS NULL"
    found = _select(world, where, {"client": client_id, "user": user})
    return found[-1] if found else None


def every(world: World) -> list[Authorization]:
    """Return all authorizations, revoked ones too, in the order in which they were given."""
    return _select(world, "", {})


def end(world: World, *, authorization: str | None = None, client: str | None = None, user: str | None = None) -> int:
    """Revoke authorizations; return how many held until now.

    Args:
        world: The emulator's state.
        authorization: Only the one with this id.
        client: Only those of this application.
        user: Only those of this user.
    """
    cursor = world.database.execute(
        "UPDATE oauth_authorizations SET ended_at = :now WHERE ended_at IS NULL"
        " AND (:id IS NULL OR id = :id) AND (:client IS NULL OR client_id = :client)"
        " AND (:user IS NULL OR user = :user)",
        {"now": world.now(), "id": authorization, "client": client, "user": user},
    )
    return cursor.rowcount


def _select(world: World, where: str, values: Mapping[str, str]) -> list[Authorization]:
    rows = world.database.execute(
        f"SELECT id, client_id, consent, created_at, ended_at FROM oauth_authorizations {where} ORDER BY number", values
    )
    return [
        Authorization(number, client, _CONSENT.validate_json(consent), created_at, ended_at)
        for number, client, consent, created_at, ended_at in rows
    ]
