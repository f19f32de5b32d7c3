"""The calls of standard data stores: which of Roblox's two versions each one uses, and how it is written there.

v2 is used where it can be: its budgets grow with the players, while v1 takes 300 writes a minute for a universe. v1 is
used where only it keeps a promise: preconditions are atomic there, and keys that are `.` or `..` travel in the query.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rblxcloud.endpoints import data_stores as api
from rblxcloud.http.request import Call, QueryValue, encode_json
from rblxcloud.resources.base import check_text

LONGEST_PREFIX = 101
"""Characters of what ids may be listed by: a scope, a slash and a key."""

_STEPS = (".", "..")


@dataclass(frozen=True, slots=True)
class Address:
    """Where an entry stands."""

    universe: int
    store: str
    scope: str
    key: str

    @property
    def only_v1(self) -> bool:
        """Whether a part of it would be taken for a step in v2's path, however it is encoded."""
        return any(part in _STEPS for part in (self.store, self.scope, self.key))

    def v2(self, suffix: str = "") -> dict[str, str | int]:
        """Return the path values of v2."""
        return {
            "universe_id": self.universe,
            "data_store_id": self.store,
            "scope_id": self.scope,
            "entry_id": self.key + suffix,
        }

    def v1_path(self) -> dict[str, str | int]:
        """Return the path values of v1."""
        return {"universeId": self.universe}

    def v1_query(self, **more: QueryValue) -> dict[str, QueryValue]:
        """Return the query of v1, where the address stands."""
        return {"datastoreName": self.store, "scope": self.scope, "entryKey": self.key, **more}


@dataclass(frozen=True, slots=True)
class Tags:
    """Users and metadata of a write; what is left out is cleared, as Roblox does."""

    users: list[int]
    metadata: Mapping[str, Any]

    def v2(self) -> dict[str, Any]:
        """Return the fields of a v2 body."""
        return {"users": [f"users/{user}" for user in self.users], "attributes": dict(self.metadata)}

    def v1(self) -> dict[str, str]:
        """Return the headers of v1; JSON text escaped to ASCII, since a header carries no more."""
        headers: dict[str, str] = {}
        if self.users:
            headers["roblox-entry-userids"] = json.dumps(self.users, separators=(",", ":"))
        if self.metadata:
            headers["roblox-entry-attributes"] = json.dumps(dict(self.metadata), separators=(",", ":"))
        return headers


def get(address: Address) -> Call:
    """Read the current version."""
    if address.only_v1:
        return Call(api.V1_GET_ENTRY, address.v1_path(), address.v1_query())
    # Whatever follows the last @ is taken for a version, so a key with one is read with a version of its own.
    return Call(api.GET_ENTRY, address.v2("@latest" if "@" in address.key else ""))


def get_version(address: Address, version: str) -> Call:
    """Read one version."""
    if address.store in _STEPS or address.scope in _STEPS:
        return Call(api.V1_GET_VERSION, address.v1_path(), address.v1_query(versionId=version))
    return Call(api.GET_ENTRY, address.v2(f"@{version}"))


def replace(address: Address, content: bytes, tags: Tags) -> Call:
    """Write whatever stands there."""
    if address.only_v1:
        return Call(api.V1_SET_ENTRY, address.v1_path(), address.v1_query(), tags.v1(), content)
    return Call(api.UPDATE_ENTRY, address.v2(), {"allowMissing": True}, content=_body(content, tags))


def create(address: Address, content: bytes, tags: Tags) -> Call:
    """Write where nothing stands, in v2: not for an address that only v1 can express."""
    path = {name: value for name, value in address.v2().items() if name != "entry_id"}
    return Call(api.CREATE_ENTRY, path, {"id": address.key}, content=_body(content, tags))


def _body(content: bytes, tags: Tags) -> bytes:
    # The value is JSON already; encoding it once more would cost as much again for a large one.
    return b'{"value":' + content + b"," + encode_json(tags.v2())[1:]


def write_if(address: Address, content: bytes, tags: Tags, *, previous_version: str | None) -> Call:
    """Write only when the version is still this one, or, for None, when there is no entry: atomic in v1 alone."""
    condition: dict[str, QueryValue] = (
        {"exclusiveCreate": True} if previous_version is None else {"matchVersion": previous_version}
    )
    query = address.v1_query(**condition)
    return Call(api.V1_SET_ENTRY, address.v1_path(), query, tags.v1(), content, guarded=True)


def increment(address: Address, amount: int, tags: Tags) -> Call:
    """Add to a whole number."""
    if address.only_v1:
        query = address.v1_query(incrementBy=amount)
        return Call(api.V1_INCREMENT_ENTRY, address.v1_path(), query, tags.v1(), b"")
    return Call(api.INCREMENT_ENTRY, address.v2(), content=encode_json({"amount": amount, **tags.v2()}))


def remove(address: Address) -> Call:
    """Mark an entry as removed."""
    if address.only_v1:
        return Call(api.V1_DELETE_ENTRY, address.v1_path(), address.v1_query())
    return Call(api.DELETE_ENTRY, address.v2())


def starts_with(prefix: str | None) -> str | None:
    """Return the filter for ids that start with `prefix`, quoted so that nothing in it can change its meaning.

    Raises:
        InvalidRequestError: It is not text, or longer than any id.
    """
    if prefix is None or prefix == "":
        return None
    escaped = check_text("prefix", prefix, LONGEST_PREFIX).replace("\\", "\\\\").replace('"', '\\"')
    return f'id.startsWith("{escaped}")'
