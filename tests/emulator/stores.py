"""Data-store requests, written as the facts write them and not as the client builds them."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote, urlencode

from tests.support.emulator import Answer, Caller

HOUR = 3_600.0
DAY = 24 * HOUR


def _query(values: dict[str, Any]) -> str:
    texts = {name: str(value).lower() if isinstance(value, bool) else value for name, value in values.items()}
    return f"?{urlencode(texts)}" if texts else ""


class V1:
    """v1 of the standard data stores, for one store of one universe."""

    def __init__(self, call: Caller, store: str = "S", universe: int = 7) -> None:
        self.call = call
        self.store = store
        self.prefix = f"/datastores/v1/universes/{universe}/standard-datastores"

    def stores(self, **query: Any) -> Answer:
        return self.call("GET", self.prefix + _query(query))

    def send(
        self,
        method: str,
        suffix: str,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
        credential: str = "emulator-key",
        **query: Any,
    ) -> Answer:
        path = f"{self.prefix}/datastore/entries{suffix}{_query({'datastoreName': self.store, **query})}"
        sent = {"content-length": "0"} if method == "POST" and not body else {}
        return self.call(method, path, body, headers={**sent, **(headers or {})}, key=credential)

    def keys(self, **query: Any) -> Answer:
        return self.send("GET", "", **query)

    def get(self, key: str = "k", **query: Any) -> Answer:
        return self.send("GET", "/entry", entryKey=key, **query)

    def set(self, key: str = "k", value: Any = 1, headers: dict[str, str] | None = None, **query: Any) -> Answer:
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        return self.send("POST", "/entry", body, headers, entryKey=key, **query)

    def delete(self, key: str = "k", **query: Any) -> Answer:
        return self.send("DELETE", "/entry", entryKey=key, **query)

    def increment(self, key: str = "k", headers: dict[str, str] | None = None, **query: Any) -> Answer:
        return self.send("POST", "/entry/increment", None, headers, entryKey=key, **query)

    def versions(self, key: str = "k", **query: Any) -> Answer:
        return self.send("GET", "/entry/versions", entryKey=key, **query)

    def version(self, version: str, key: str = "k", **query: Any) -> Answer:
        return self.send("GET", "/entry/versions/version", entryKey=key, versionId=version, **query)


class V2:
    """v2 of the standard data stores, for one store and scope (None for the unscoped form)."""

    def __init__(self, call: Caller, store: str = "S", scope: str | None = None, universe: int = 7) -> None:
        self.call = call
        self.stores_path = f"/cloud/v2/universes/{universe}/data-stores"
        self.store_path = f"{self.stores_path}/{quote(store, safe='')}"
        middle = "" if scope is None else f"/scopes/{quote(scope, safe='')}"
        self.entries = f"{self.store_path}{middle}/entries"

    def path(self, key: str) -> str:
        return f"{self.entries}/{quote(key, safe='')}"

    def stores(self, **query: Any) -> Answer:
        return self.call("GET", self.stores_path + _query(query))

    def delete_store(self) -> Answer:
        return self.call("DELETE", self.store_path)

    def undelete_store(self) -> Answer:
        return self.call("POST", f"{self.store_path}:undelete", {})

    def snapshot(self) -> Answer:
        return self.call("POST", f"{self.stores_path}:snapshot", {})

    def keys(self, **query: Any) -> Answer:
        return self.call("GET", self.entries + _query(query))

    def create(self, key: str = "k", value: Any = 1, **body: Any) -> Answer:
        return self.call("POST", self.entries + _query({"id": key}), {"value": value, **body})

    def get(self, key: str = "k", revision: str = "") -> Answer:
        return self.call("GET", self.path(key) + revision)

    def update(self, key: str = "k", value: Any = 1, *, allow_missing: bool = False, **body: Any) -> Answer:
        query = _query({"allowMissing": True}) if allow_missing else ""
        return self.call("PATCH", self.path(key) + query, {"value": value, **body})

    def set(self, key: str = "k", value: Any = 1, **body: Any) -> Answer:
        return self.update(key, value, allow_missing=True, **body)

    def delete(self, key: str = "k") -> Answer:
        return self.call("DELETE", self.path(key))

    def increment(self, key: str = "k", amount: Any = 1, **body: Any) -> Answer:
        return self.call("POST", f"{self.path(key)}:increment", {"amount": amount, **body})

    def revisions(self, key: str = "k", **query: Any) -> Answer:
        return self.call("GET", f"{self.path(key)}:listRevisions{_query(query)}")


class Ordered:
    """One version of the ordered data stores, for one store and scope."""

    def __init__(self, call: Caller, version: int, store: str = "Points", scope: str = "global") -> None:
        self.call = call
        self.v2 = version == 2
        base = "/cloud/v2/universes/7/ordered-data-stores" if self.v2 else ""
        base = base or "/ordered-data-stores/v1/universes/7/orderedDataStores"
        self.entries = f"{base}/{quote(store, safe='')}/scopes/{quote(scope, safe='')}/entries"

    def path(self, key: str) -> str:
        return f"{self.entries}/{quote(key, safe='')}"

    def list(self, **query: Any) -> Answer:
        names = {"size": "maxPageSize", "token": "pageToken", "order": "orderBy"}
        if not self.v2:
            names = {"size": "max_page_size", "token": "page_token", "order": "order_by"}
        return self.call("GET", self.entries + _query({names.get(name, name): v for name, v in query.items()}))

    def rows(self, **query: Any) -> list[tuple[str, int]]:
        answer = self.list(**query)
        assert answer.status == 200, answer.json
        return [(row["id"], row["value"]) for row in answer.json["orderedDataStoreEntries" if self.v2 else "entries"]]

    def create(self, key: str, value: Any) -> Answer:
        return self.call("POST", self.entries + _query({"id": key}), {"value": value})

    def get(self, key: str) -> Answer:
        return self.call("GET", self.path(key))

    def update(self, key: str, value: Any, *, allow_missing: bool = False) -> Answer:
        name = "allowMissing" if self.v2 else "allow_missing"
        return self.call("PATCH", self.path(key) + _query({name: allow_missing}), {"value": value})

    def delete(self, key: str) -> Answer:
        return self.call("DELETE", self.path(key))

    def increment(self, key: str, amount: Any = 1) -> Answer:
        return self.call("POST", f"{self.path(key)}:increment", {"amount": amount})


def code(answer: Answer) -> tuple[int, str]:
    """Return status and code of a refusal; of v1 standard stores the `datastoreErrorCode`."""
    body = answer.json
    if body.get("errorDetails"):
        return answer.status, body["errorDetails"][0]["datastoreErrorCode"]
    return answer.status, body.get("code") or body["error"]
