"""API keys: what they may do, where they are kept, and the endpoint that tells a key about itself."""

from __future__ import annotations

import hashlib
import ipaddress
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import ClassVar
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic.alias_generators import to_camel

from rblxcloud.emulator.errors import json_reply
from rblxcloud.emulator.model import Call, ErrorFamily, Handler, Refusal, Reply, World
from rblxcloud.endpoints import all_endpoints
from rblxcloud.endpoints.api_keys import INTROSPECT_API_KEY
from rblxcloud.endpoints.model import Endpoint

__all__ = ["HANDLERS", "SCHEMA", "ApiKey", "DataStoreGrant", "KeyStatus", "Resource", "ScopeGrant", "secret_hash"]

SCHEMA = """
CREATE TABLE IF NOT EXISTS api_keys (
    id TEXT PRIMARY KEY,
    secret_hash TEXT NOT NULL UNIQUE,
    record TEXT NOT NULL,
    used_at REAL NOT NULL
);
"""

UNUSED_DAYS = 60
_DAY = 86_400.0
_EVERYTHING = "*"


class KeyStatus(Enum):
    """What state an API key is in; only an active one authenticates."""

    ACTIVE = "ACTIVE"
    DISABLED = "DISABLED"
    EXPIRED = "EXPIRED"
    AUTO_EXPIRED = "AUTO_EXPIRED"
    REVOKED = "REVOKED"
    MODERATED = "MODERATED"
    USER_MODERATED = "USER_MODERATED"


class _Model(BaseModel):
    model_config: ClassVar[ConfigDict] = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, frozen=True, extra="forbid", hide_input_in_errors=True
    )


@dataclass(frozen=True, slots=True)
class Resource:
    """What a request addresses, as far as a key can be restricted to it; ids as text, None where it names none."""

    universe: str | None = None
    data_store: str | None = None
    user: str | None = None
    group: str | None = None


class DataStoreGrant(_Model):
    """A data store that a grant covers."""

    universe_id: str = _EVERYTHING
    """Id of the universe; `*` for every one."""
    datastore_name: str | None = None
    """Name of the store; None or `*` for every store of the universe."""

    def covers(self, resource: Resource) -> bool:
        """Return whether the store that `resource` names is the granted one."""
        return self.universe_id in (_EVERYTHING, resource.universe) and (
            self.datastore_name in (None, _EVERYTHING) or self.datastore_name == resource.data_store
        )


class ScopeGrant(_Model):
    """One scope of a key, its operations, and what they are restricted to; a list that is None restricts nothing."""

    name: str
    """The scope without its operation, such as `universe-datastores.objects`; `*` for every one."""
    operations: tuple[str, ...] = (_EVERYTHING,)
    """Such as `read`; `*` for every one."""
    user_ids: tuple[str, ...] | None = None
    group_ids: tuple[str, ...] | None = None
    universe_ids: tuple[str, ...] | None = None
    universe_datastores: tuple[DataStoreGrant, ...] | None = None

    @classmethod
    def parse(cls, scope: str) -> ScopeGrant:
        """Return the unrestricted grant of a scope as endpoints name it, such as `universe:write`, or of `*`."""
        name, _, operation = scope.rpartition(":")
        return cls(name=name, operations=(operation,)) if name else cls(name=operation)

    def names(self, scope: str) -> bool:
        """Return whether this grants `scope`, for some resource at least."""
        name, _, operation = scope.rpartition(":")
        return self.name in (_EVERYTHING, name) and (_EVERYTHING in self.operations or operation in self.operations)

    def covers(self, resource: Resource) -> bool:
        """Return whether `resource` is within every restriction of this grant."""
        return (
            _listed(self.universe_ids, resource.universe)
            and _listed(self.user_ids, resource.user)
            and _listed(self.group_ids, resource.group)
            and (self.universe_datastores is None or any(store.covers(resource) for store in self.universe_datastores))
        )


class ApiKey(_Model):
    """What a key may do. The secret is kept apart, and only as a hash."""

    id: str = Field(default_factory=lambda: str(uuid4()))
    """Names the key; not the secret."""
    name: str = "emulator"
    owner: str = Field(default="users/1", pattern=r"^(users|groups)/[1-9][0-9]*$")
    """Whose key it is; rate limits are counted for all keys of an owner together."""
    scopes: tuple[ScopeGrant, ...] = (ScopeGrant(name=_EVERYTHING),)
    ip_ranges: tuple[str, ...] = ()
    """Addresses or CIDR ranges that may use the key; none for any."""
    expires_at: datetime | None = None
    """When it stops working; None for never. A time without a zone is UTC."""
    status: KeyStatus = KeyStatus.ACTIVE
    auto_expire: bool = False
    """Whether it stops working after 60 days without use, as Roblox's do."""
    authorized_user_id: int | None = None
    """For a group's key, the user who made it; None for the owner, or user 1."""

    @field_validator("scopes", mode="before")
    @classmethod
    def _parse_scopes(cls, value: object) -> object:
        if isinstance(value, str):
            value = (value,)
        if isinstance(value, list | tuple):
            return [ScopeGrant.parse(item) if isinstance(item, str) else item for item in value]  # pyright: ignore[reportUnknownVariableType]
        return value

    @field_validator("ip_ranges")
    @classmethod
    def _check_ranges(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for item in value:
            ipaddress.ip_network(item, strict=False)
        return value

    @field_validator("expires_at")
    @classmethod
    def _aware(cls, value: datetime | None) -> datetime | None:
        return value.replace(tzinfo=UTC) if value is not None and value.tzinfo is None else value

    def status_at(self, now: float, used_at: float) -> KeyStatus:
        """Return the state of the key.

        Args:
            now: Seconds since 1970 UTC.
            used_at: When it was last used or edited, in seconds since 1970 UTC.
        """
        if self.status is not KeyStatus.ACTIVE:
            return self.status
        if self.expires_at is not None and self.expires_at.timestamp() <= now:
            return KeyStatus.EXPIRED
        if self.auto_expire and now - used_at >= UNUSED_DAYS * _DAY:
            return KeyStatus.AUTO_EXPIRED
        return KeyStatus.ACTIVE

    def allows_ip(self, address: str) -> bool:
        """Return whether a caller at `address` may use the key."""
        if not self.ip_ranges:
            return True
        try:
            caller = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(caller in ipaddress.ip_network(item, strict=False) for item in self.ip_ranges)

    def names(self, scope: str) -> bool:
        """Return whether the key has `scope`, for some resource at least."""
        return any(grant.names(scope) for grant in self.scopes)

    def covers(self, scope: str, resource: Resource) -> bool:
        """Return whether the key has `scope` for `resource`."""
        return any(grant.names(scope) and grant.covers(resource) for grant in self.scopes)


def add(world: World, secret: str, key: ApiKey) -> None:
    """Store a key, in the place of one with the same secret or id.

    Args:
        world: The emulator's state.
        secret: What callers send.
        key: What it may do.
    """
    world.database.execute(
        "INSERT OR REPLACE INTO api_keys VALUES (?, ?, ?, ?)",
        (key.id, secret_hash(secret), key.model_dump_json(), world.now()),
    )


def update(world: World, key: ApiKey) -> None:
    """Store what the key with this id may do from now on; its secret stays."""
    world.database.execute(
        "UPDATE api_keys SET record = ?, used_at = ? WHERE id = ?", (key.model_dump_json(), world.now(), key.id)
    )


def remove(world: World, key_id: str) -> bool:
    """Forget a key; return whether there was one."""
    return world.database.execute("DELETE FROM api_keys WHERE id = ?", (key_id,)).rowcount > 0


def every(world: World) -> list[ApiKey]:
    """Return the keys there are, in the order in which they were added."""
    rows = world.database.execute("SELECT record FROM api_keys ORDER BY rowid")
    return [ApiKey.model_validate_json(record) for (record,) in rows]


def authenticate(world: World, secret: str, client_ip: str) -> ApiKey:
    """Return the key that a caller may use with this secret.

    Args:
        world: The emulator's state.
        secret: What the caller sent.
        client_ip: Where the caller is.

    Raises:
        Refusal: 401 when the key is unknown, not active or not allowed from there; the answer does not say which.
    """
    found = _find(world, secret)
    if found is None:
        raise _invalid_key()
    key, used_at = found
    now = world.now()
    if key.status_at(now, used_at) is not KeyStatus.ACTIVE or not key.allows_ip(client_ip):
        raise _invalid_key()
    if key.auto_expire and now - used_at > _DAY:  # a day's grain spares a write on every request
        world.database.execute("UPDATE api_keys SET used_at = ? WHERE id = ?", (now, key.id))
    return key


def _introspect(world: World, call: Call) -> Reply:
    secret = call.json_object().get("apiKey")
    if not isinstance(secret, str):
        raise Refusal(400, "INVALID_ARGUMENT", "apiKey is required.")
    found = _find(world, secret)
    if found is None:
        raise _invalid_key()
    key, used_at = found
    status = key.status_at(world.now(), used_at)
    if not key.allows_ip(call.client_ip) or status in (
        KeyStatus.REVOKED,
        KeyStatus.MODERATED,
        KeyStatus.USER_MODERATED,
    ):
        raise _invalid_key()
    return json_reply(_introspection(key, status))


def _introspection(key: ApiKey, status: KeyStatus) -> dict[str, object]:
    kind, _, owner = key.owner.partition("/")
    body: dict[str, object] = {
        "name": key.name,
        "authorizedUserId": key.authorized_user_id or (int(owner) if kind == "users" else 1),
        "scopes": [grant.model_dump(by_alias=True, exclude_none=True) for grant in _spelled_out(key)],
        "enabled": status is not KeyStatus.DISABLED,
        "expired": status in (KeyStatus.EXPIRED, KeyStatus.AUTO_EXPIRED),
    }
    if key.expires_at is not None:
        moment = key.expires_at.astimezone(UTC)
        body["expirationTimeUtc"] = moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
    return body


def _spelled_out(key: ApiKey) -> Iterator[ScopeGrant]:
    """Yield the grants with every `*` of scope and operation replaced by what it stands for."""
    known: defaultdict[str, list[str]] = defaultdict(list)
    for endpoint in all_endpoints():
        for scope in endpoint.scopes.named():
            name, _, operation = scope.rpartition(":")
            if operation not in known[name]:
                known[name].append(operation)
    for grant in key.scopes:
        for name in sorted(known) if grant.name == _EVERYTHING else (grant.name,):
            operations = known[name] if _EVERYTHING in grant.operations else grant.operations
            yield grant.model_copy(update={"name": name, "operations": tuple(operations)})


def _find(world: World, secret: str) -> tuple[ApiKey, float] | None:
    row: tuple[str, float] | None = world.database.execute(
        "SELECT record, used_at FROM api_keys WHERE secret_hash = ?", (secret_hash(secret),)
    ).fetchone()
    return None if row is None else (ApiKey.model_validate_json(row[0]), row[1])


def secret_hash(secret: str) -> str:
    """Return what is kept of a secret."""
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()


def _listed(ids: tuple[str, ...] | None, value: str | None) -> bool:
    return ids is None or value is None or _EVERYTHING in ids or value in ids


def _invalid_key() -> Refusal:
    return Refusal(401, "UNAUTHENTICATED", "Invalid API Key", family=ErrorFamily.GATEWAY)


HANDLERS: Mapping[Endpoint, Handler] = {INTROSPECT_API_KEY: _introspect}
