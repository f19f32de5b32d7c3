"""Generated requests to everything that the emulator serves: what it answers is what the document says.

Requests travel over a socket. Identifiers are narrowed to a few which lead somewhere, so that success is common.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest
import schemathesis
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    ignored_auth,
    response_schema_conformance,
)

from rblxcloud.emulator import Emulator
from rblxcloud.emulator.core import DEFAULT_KEY
from rblxcloud.emulator.model import RawRequest
from rblxcloud.emulator.server import serve
from tests.oracle.document import METHODS, strict
from tests.oracle.exceptions import ANSWERS, Ledger
from tests.oracle.oracle import Finding

SERVED = (
    "/cloud/v2/universes/{universe_id}/data-stores",
    "/cloud/v2/universes/{universe_id}/ordered-data-stores",
    "/cloud/v2/universes/{universe_id}:publishMessage",
    "/cloud/v2/universes/{universe_id}:restartServers",
    "/datastores/v1/",
    "/ordered-data-stores/v1/",
    "/messaging-service/v1/",
)
UNIVERSE = "/cloud/v2/universes/{universe_id}"

_STORES = ("seeded", "new")
_SCOPES = ("global", "eu")
_KEYS = ("number", "text", "deleted", "new")
NARROWED: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("universe_id", "universeId"), ("1",)),
    **dict.fromkeys(("data_store_id", "ordered_data_store_id", "orderedDataStore", "datastoreName"), _STORES),
    **dict.fromkeys(("scope_id", "scope"), _SCOPES),
    **dict.fromkeys(("entry_id", "entry", "entryKey", "id"), _KEYS),
    **dict.fromkeys(("pageToken", "page_token", "cursor"), ("", "bad")),
    **dict.fromkeys(("filter", "prefix", "orderBy", "order_by", "matchVersion", "startTime", "endTime"), ("", "bad")),
    "updateMask": ("", "voiceChatEnabled", "privateServerPriceRobux,discordSocialLink", "bad"),
    "versionId": ("seeded", "bad"),
    "roblox-entry-userids": ("[1, 2]", "bad"),
    "roblox-entry-attributes": ('{"a": 1}', "bad"),
}
"""Values of the parameters that name something, or have a grammar that the document does not tell."""

_NEEDED = ("datastoreName", "entryKey", "id")
"""Parameters without which nothing succeeds (datastores.md sections 3 and 5), although they are called optional."""

CHECKS = [not_a_server_error, response_schema_conformance, content_type_conformance, ignored_auth]
SEEDED = {"datastoreName": "seeded", "scope": "global", "entryKey": "number"}
HEADERS = {"x-api-key": DEFAULT_KEY}
EXAMPLES = 12


def served_part(document: Any) -> Any:
    """Return the operations of the document that the emulator serves, with narrowed identifiers."""
    paths = {
        path: copy.deepcopy(item)
        for path, item in document["paths"].items()
        if path == UNIVERSE or path.startswith(SERVED)
    }
    for item in paths.values():
        for method in METHODS:
            parameters = item.get(method, {}).get("parameters", [])
            # No generated text is the checksum of the body that is generated with it.
            parameters[:] = [parameter for parameter in parameters if parameter["name"] != "content-md5"]
            for parameter in parameters:
                if values := NARROWED.get(parameter["name"]):
                    parameter["schema"] = {"type": "string", "enum": list(values)}
                if parameter["name"] in _NEEDED:
                    parameter["required"] = True
    components = copy.deepcopy(document["components"])
    for name in ("IncrementDataStoreEntryRequest", "IncrementOrderedDataStoreEntryRequest", "IncrementEntryRequest"):
        components["schemas"][name]["properties"]["amount"] = {"type": "integer", "minimum": -9, "maximum": 9}
        components["schemas"][name]["required"] = ["amount"]  # datastores.md sections 4 and 5
    return {**document, "paths": paths, "components": components}


@pytest.fixture(scope="module")
def schema() -> Any:
    return schemathesis.openapi.from_dict(served_part(strict()))


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with Emulator(limits=False) as emulator:
        yield emulator


@pytest.fixture(scope="module")
def base_url(emulator: Emulator) -> Iterator[str]:
    with serve(emulator) as base_url:
        yield base_url


def seed(emulator: Emulator) -> str:
    """Give the emulator a number, a text and a deleted entry in each scope; return the version of the first number."""
    emulator.reset()
    versions: list[str] = []
    for scope in ("global", "eu"):
        stores = "/cloud/v2/universes/1/{}/seeded/scopes/" + scope + "/entries"
        for key, value in (("number", 5), ("text", "five"), ("deleted", 1)):
            entry = _post(emulator, f"{stores.format('data-stores')}?id={key}", value)
            versions.append(entry["revisionId"])
        _post(emulator, f"{stores.format('ordered-data-stores')}?id=number", 5)
        reply = emulator.handle(RawRequest("DELETE", f"{stores.format('data-stores')}/deleted", HEADERS))
        assert reply.status == 200
    return versions[0]


def _post(emulator: Emulator, path: str, value: object) -> Any:
    body = json.dumps({"value": value}).encode()
    headers = {**HEADERS, "content-type": "application/json", "content-length": str(len(body))}
    reply = emulator.handle(RawRequest("POST", path, headers, body))
    assert reply.status == 200
    return json.loads(reply.body)


def findings(operation: Any, emulator: Emulator, base_url: str) -> tuple[list[Finding], set[int]]:
    """Send generated requests of an operation; return what is wrong with the answers, and their statuses."""
    found: dict[Finding, None] = {}
    statuses: set[int] = set()
    transport = {"base_url": base_url, "headers": HEADERS}

    @hypothesis.seed(0)
    @hypothesis.settings(
        max_examples=EXAMPLES,
        database=None,
        deadline=None,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=[hypothesis.HealthCheck.too_slow, hypothesis.HealthCheck.filter_too_much],
    )
    @hypothesis.given(case=operation.as_strategy())
    def send(case: Any) -> None:
        version = seed(emulator)
        if case.query.get("versionId") == "seeded":
            case.query = {**SEEDED, "versionId": version}
        response = case.call(**transport)
        statuses.add(response.status_code)
        try:
            case.validate_response(response, checks=CHECKS, headers=HEADERS, transport_kwargs=transport)
        except FailureGroup as group:
            for failure in group.exceptions:
                assert isinstance(failure, Failure)
                text = " ".join(failure.message.split("Schema:")[0].split())
                found[Finding(operation.label, f"{response.status_code} {failure.title}: {text}")] = None

    send()
    return list(found), statuses


def test_answers_are_those_of_the_document(schema: Any, emulator: Emulator, base_url: str) -> None:
    ledger, unexplained, barren = Ledger(ANSWERS), list[str](), list[str]()
    for result in schema.get_all_operations():
        operation = result.ok()
        found, statuses = findings(operation, emulator, base_url)
        unexplained += ledger.unexplained(found)
        if not any(status < 300 for status in statuses):
            barren.append(f"{operation.label}: {sorted(statuses)}")
    assert unexplained == []
    assert barren == [], "operations of which no generated request succeeded, so that little was checked"
    assert ledger.unneeded() == []
