"""What the endpoint table says beyond the official document, or against it: all of it, and nothing else.

`test_table.py` holds the rest against the document. Where the two differ, the difference stands in this file as an
exception; one that nothing needs fails, too.
"""

from __future__ import annotations

import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any, cast

import pytest

from rblxcloud.endpoints import all_endpoints, api_keys, data_stores, find, oauth, ordered_data_stores
from rblxcloud.endpoints.model import (
    Body,
    Budget,
    Credential,
    Endpoint,
    Limit,
    LongRunning,
    PagingStyle,
    Parameter,
    Repeat,
    Scopes,
)

Address = tuple[str, str]
ENDPOINTS = all_endpoints()
ADDED = {(endpoint.method, endpoint.path) for endpoint in (*oauth.ENDPOINTS, *api_keys.ENDPOINTS)}
PLACEHOLDER = 1_000_000
METHODS = ("get", "post", "put", "patch", "delete")
KINDS = {"roblox-api-key": Credential.API_KEY, "roblox-oauth2": Credential.OAUTH2}
V2_STORES = "/cloud/v2/universes/{universe_id}/data-stores"
V1_ENTRIES = "/datastores/v1/universes/{universeId}/standard-datastores/datastore/entries"
PUBLISH_PLACE = ("POST", "/universes/v1/{universeId}/places/{placeId}/versions")

REQUIRED_ANYWAY = {
    ("GET", V1_ENTRIES): {"datastoreName"},
    ("GET", f"{V1_ENTRIES}/entry"): {"datastoreName", "entryKey"},
    ("POST", f"{V1_ENTRIES}/entry"): {"datastoreName", "entryKey"},
    ("DELETE", f"{V1_ENTRIES}/entry"): {"datastoreName", "entryKey"},
    ("POST", f"{V1_ENTRIES}/entry/increment"): {"datastoreName", "entryKey"},
    ("GET", f"{V1_ENTRIES}/entry/versions"): {"datastoreName", "entryKey"},
    ("GET", f"{V1_ENTRIES}/entry/versions/version"): {"datastoreName", "entryKey"},
    ("POST", f"{V2_STORES}/{{data_store_id}}/entries"): {"id"},
    ("POST", f"{V2_STORES}/{{data_store_id}}/scopes/{{scope_id}}/entries"): {"id"},
    (
        "POST",
        "/cloud/v2/universes/{universe_id}/ordered-data-stores/{ordered_data_store_id}/scopes/{scope_id}/entries",
    ): {"id"},
}
"""Parameters that the document calls optional."""

ANONYMOUS_TOO = {("GET", "/v1/assets-thumbnail-3d"), ("GET", "/v1/users/avatar-3d"), ("GET", "/v1/users/outfit-3d")}
"""Endpoints that take calls without a credential, which the document does not say of them."""

BODIES = {
    PUBLISH_PLACE: ((Body.NONE, False), (Body.BINARY, True)),
    ("POST", f"{V1_ENTRIES}/entry"): ((Body.JSON, False), (Body.JSON, True)),
}
"""Bodies as the document has them, and as they are."""


def address(endpoint: Endpoint) -> Address:
    return endpoint.method, endpoint.path


TABLE = {address(endpoint): endpoint for endpoint in ENDPOINTS if address(endpoint) not in ADDED}


@pytest.fixture(scope="module")
def official(document: dict[str, Any]) -> dict[Address, dict[str, Any]]:
    """Return the document's operations that take an API key or OAuth 2.0."""
    return {
        (method.upper(), path): operation
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if method in METHODS and KINDS.keys() & _schemes(operation)
    }


def _schemes(operation: dict[str, Any]) -> set[str]:
    return {name for way in operation.get("security", ()) for name in way}


def _deref(value: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in value:
        return value
    _, _, kind, name = value["$ref"].split("/")
    return cast("dict[str, Any]", document["components"][kind][name])


# --- the table against the document


def test_the_table_has_the_published_number_of_operations() -> None:
    assert len(TABLE) == 264
    assert len({(method, re.sub(r"{\w+}", "{}", path)) for method, path in TABLE}) == 263


def test_parameters_are_the_documents(official: dict[Address, dict[str, Any]], document: dict[str, Any]) -> None:
    required_anyway: dict[Address, set[str]] = {}
    for key, operation in official.items():
        row = TABLE[key]
        for place in ("path", "query", "header"):
            ours: tuple[Parameter, ...] = getattr(row, f"{place}_parameters")
            theirs = [p for p in operation.get("parameters", ()) if p["in"] == place]
            assert [p.name for p in ours] == [p["name"] for p in theirs], key
            assert [p.type for p in ours] == [_type(p["schema"], document) for p in theirs], key
            assert not [p.name for p, q in zip(ours, theirs, strict=True) if q.get("required") and not p.required], key
            more = {p.name for p, q in zip(ours, theirs, strict=True) if p.required and not q.get("required")}
            if more:
                required_anyway[key] = more
    assert required_anyway == REQUIRED_ANYWAY


def _type(schema: dict[str, Any], document: dict[str, Any]) -> str:
    inner = _deref(schema.get("allOf", [schema])[0], document)
    return str(inner["type"])


def test_bodies_are_the_documents(official: dict[Address, dict[str, Any]], document: dict[str, Any]) -> None:
    different: dict[Address, object] = {}
    for key, operation in official.items():
        body = _deref(operation.get("requestBody", {}), document)
        theirs = (_body(body), bool(body.get("required")))
        ours = (TABLE[key].body, TABLE[key].body_required)
        if ours != theirs:
            different[key] = (theirs, ours)
    assert different == BODIES


def _body(body: dict[str, Any]) -> Body:
    if not body:
        return Body.NONE
    if "multipart/form-data" in body["content"]:
        return Body.MULTIPART
    assert "application/json" in body["content"]
    return Body.JSON


def test_credentials_are_the_documents(official: dict[Address, dict[str, Any]]) -> None:
    anonymous_too: set[Address] = set()
    for key, operation in official.items():
        theirs = frozenset(KINDS[name] for name in _schemes(operation) if name in KINDS)
        if {} in operation["security"]:
            theirs |= {Credential.NONE}
        more = TABLE[key].credentials - theirs
        assert theirs <= TABLE[key].credentials, key
        assert more <= {Credential.NONE}, key
        if more:
            anonymous_too.add(key)
    assert anonymous_too == ANONYMOUS_TOO


def test_nine_operations_want_no_scope_and_the_others_73_of_them() -> None:
    assert sum(row.scopes == Scopes() for row in TABLE.values()) == 9
    assert len({scope for row in TABLE.values() for scope in row.scopes.named()}) == 73


def test_limits_are_the_documents_but_for_its_placeholders(official: dict[Address, dict[str, Any]]) -> None:
    placeholders: set[str] = set()
    for key, operation in official.items():
        row, limits = TABLE[key], operation["x-roblox-rate-limits"]
        for ours, name in ((row.key_limit, "perApiKeyOwner"), (row.oauth_limit, "perOauth2Authorization")):
            theirs = limits.get(name)
            if theirs and theirs["maxInPeriod"] == PLACEHOLDER:
                placeholders.add(row.name.partition(".")[0])
                assert ours is None, key
            elif theirs:
                assert ours == Limit(theirs["maxInPeriod"], {"SECOND": 1, "MINUTE": 60}[theirs["period"]]), key
            else:
                assert ours is None, key
    assert placeholders == {"data_stores", "ordered_data_stores", "memory_stores"}


def test_no_text_of_the_document_is_in_the_table(official: dict[Address, dict[str, Any]]) -> None:
    directory = Path(data_stores.__file__).parent
    code = " ".join(path.read_text() for path in directory.glob("*.py") if path.name != "model.py")
    prose = [operation.get(name, "") for operation in official.values() for name in ("summary", "description")]
    sentences = {line.strip() for text in prose for line in text.splitlines() if len(line.split()) > 4}
    assert sentences
    assert not [sentence for sentence in sentences if sentence in code]


# --- what the document does not say


def test_the_added_rows_are_oauth_and_key_introspection() -> None:
    free, form = frozenset({Credential.NONE}), Body.FORM
    expected = {
        api_keys.INTROSPECT_API_KEY: ("POST", "/api-keys/v1/introspect", Body.JSON, free),
        oauth.DISCOVERY: ("GET", "/oauth/.well-known/openid-configuration", Body.NONE, free),
        oauth.AUTHORIZE: ("GET", "/oauth/v1/authorize", Body.NONE, free),
        oauth.TOKEN: ("POST", "/oauth/v1/token", form, free),
        oauth.INTROSPECT_TOKEN: ("POST", "/oauth/v1/token/introspect", form, free),
        oauth.TOKEN_RESOURCES: ("POST", "/oauth/v1/token/resources", form, free),
        oauth.REVOKE_TOKEN: ("POST", "/oauth/v1/token/revoke", form, free),
        oauth.USERINFO: ("GET", "/oauth/v1/userinfo", Body.NONE, frozenset({Credential.OAUTH2})),
        oauth.CERTS: ("GET", "/oauth/v1/certs", Body.NONE, free),
    }
    assert {address(row) for row in expected} == ADDED
    for row, facts in expected.items():
        assert (row.method, row.path, row.body, row.credentials) == facts


def _v2_class(row: Endpoint) -> tuple[str, int]:
    if row.method == "DELETE" or row.path.endswith(":undelete"):
        return "remove", 40
    if row.method != "GET":
        return "write", 20
    return ("read", 40) if row.path.endswith("/{entry_id}") else ("list", 2)


@pytest.mark.parametrize("family", ["data_stores", "ordered_data_stores"])
def test_data_stores_share_the_published_budgets_of_a_universe(family: str) -> None:
    for row in import_module(f"rblxcloud.endpoints.{family}").ENDPOINTS:
        name = family.replace("_", "-")
        expected: tuple[Budget, ...]
        if row is data_stores.SNAPSHOT_DATA_STORES:
            expected = ()
        elif row.path.startswith("/cloud/v2/"):
            kind, per_player = _v2_class(row)
            expected = (Budget(f"{name}.v2.{kind}", 300, per_player=per_player),)
        else:
            kind = "read" if row.method == "GET" else "write"
            expected = (Budget(f"{name}.v1.{kind}", 300, keyed_by=("universeId",)),)
        assert row.budgets == expected, row.name


def test_user_restrictions_and_memory_stores_have_their_published_budgets() -> None:
    published = {
        "user-restrictions.get": (50, 1.0, 0),
        "user-restrictions.list": (50, 1.0, 0),
        "user-restrictions.logs": (50, 1.0, 0),
        "user-restrictions.update": (10, 1.0, 0),
        "user-restrictions.update-user": (2, 60.0, 0),
        "memory-stores": (1000, 60.0, 120),
        "memory-stores.queue": (100_000, 60.0, 0),
        "memory-stores.sorted-map": (100_000, 60.0, 0),
    }
    budgets = [budget for row in ENDPOINTS for budget in row.budgets if "data-stores" not in budget.name]
    assert {b.name: (b.count, b.seconds, b.per_player) for b in budgets} == published


def test_scopes_that_are_not_all_needed_are_told_apart() -> None:
    kinds = {row.name: row.scopes for row in ENDPOINTS if row.scopes.any_of or row.scopes.conditional}
    luau = tuple(f"universe.place.luau-execution-session:{verb}" for verb in ("read", "write"))
    written = tuple(f"universe-datastores.{verb}" for verb in ("objects:update", "objects:create", "control:create"))
    assert kinds == {
        "data_stores.v1_set_entry": Scopes(conditional=written),
        "data_stores.v1_increment_entry": Scopes(conditional=written),
        "groups.get_group_role": Scopes(conditional=("group:read",)),
        "groups.list_group_roles": Scopes(conditional=("group:read",)),
        "luau.get_task": Scopes(any_of=luau),
        "luau.list_task_logs": Scopes(any_of=luau),
        "subscriptions.get_subscription": Scopes(
            any_of=("universe:write", "universe.subscription-product.subscription:read")
        ),
        "users.get_user": Scopes(conditional=("user.advanced:read", "user.social:read")),
        "users.list_inventory_items": Scopes(conditional=("user.inventory-item:read",)),
    }


def test_no_write_may_be_repeated_but_the_ones_that_are_named() -> None:
    by_repeat = {repeat: {row.name for row in ENDPOINTS if row.repeat is repeat} for repeat in Repeat}
    reads = {row.name for row in ENDPOINTS if row.method == "GET"}
    assert reads & by_repeat[Repeat.NEVER] == {"memory_stores.read_memory_store_queue_items", "oauth.authorize"}
    assert by_repeat[Repeat.SAFE] - reads == {
        "ads.post_ads_management_v1_campaigns_batch_get_status",
        "analytics.post_analytics_query_api_v1_universes_universe_id_dimension_values",
        "analytics.post_analytics_query_api_v1_universes_universe_id_metrics",
        "api_keys.introspect_api_key",
        "assets.assets_archive_asset",
        "assets.assets_restore_asset",
        "data_stores.delete_data_store",
        "data_stores.undelete_data_store",
        "experiments.public_experimentation_calculate_experiment_mde",
        "groups.assign_role_group_membership",
        "groups.post_legacy_groups_v1_groups_policies",
        "groups.unassign_role_group_membership",
        "localization.list_name_description_history",
        "localization.list_table_entry_history",
        "luau.create_binary_input",
        "memory_stores.discard_memory_store_queue_items",
        "oauth.introspect_token",
        "oauth.revoke_token",
        "oauth.token_resources",
        "places.close_team_test",
        "toolbox.toolbox_search_creator_store_assets",
        "universes.translate_text",
    }
    assert by_repeat[Repeat.REPLACES] == {
        "data_stores.delete_entry",
        "data_stores.delete_entry_unscoped",
        "data_stores.update_entry",
        "data_stores.update_entry_unscoped",
        "data_stores.v1_delete_entry",
        "data_stores.v1_set_entry",
        "memory_stores.delete_memory_store_sorted_map_item",
        "memory_stores.update_memory_store_sorted_map_item",
        "ordered_data_stores.delete_entry",
        "ordered_data_stores.update_entry",
        "ordered_data_stores.v1_delete_entry",
        "ordered_data_stores.v1_update_entry",
        "places.update_instance",
        "places.update_place",
        "places.update_version_notes",
        "secrets.delete_secret",
        "secrets.update_secret",
        "universes.update_universe",
    }
    assert len(by_repeat[Repeat.WITH_KEY]) == 3


def test_what_may_be_repeated_with_a_key_has_a_parameter_for_it() -> None:
    for row in ENDPOINTS:
        names = " ".join(p.name for p in (*row.query_parameters, *row.header_parameters)).lower()
        assert (row.repeat is Repeat.WITH_KEY) == ("idempotency" in names), row.name


def test_lists_say_where_their_pages_are() -> None:
    for row in ENDPOINTS:
        if row.paging is None:
            continue
        assert (row.paging.next is None) == (row.paging.style in (PagingStyle.OFFSET, PagingStyle.PAGE_NUMBER))
        asked = {row.paging.token, *([row.paging.size] if row.paging.size else ())}
        assert row.body is Body.JSON or asked <= {p.name for p in row.query_parameters}, row.name
        assert row.paging.items, row.name
    items = {row.name.partition(".")[2]: row.paging.items for row in data_stores.ENDPOINTS if row.paging}
    assert items == {
        "list_data_stores": "dataStores",
        "list_entries": "dataStoreEntries",
        "list_entries_unscoped": "dataStoreEntries",
        "list_revisions": "dataStoreEntries",
        "list_revisions_unscoped": "dataStoreEntries",
        "v1_list_data_stores": "datastores",
        "v1_list_entries": "keys",
        "v1_list_versions": "versions",
    }


def test_every_read_with_a_page_token_is_a_list() -> None:
    tokens = {"pagetoken", "page_token", "cursor", "nextcursor", "skip"}
    unpaged = {
        row.name
        for row in ENDPOINTS
        if row.paging is None and tokens & {parameter.name.lower() for parameter in row.query_parameters}
    }
    # Its answer is an empty schema, and nobody has published what stands in it.
    assert unpaged == {
        "thumbnails.list_personalizations",
    }


def test_operations_are_polled_where_the_endpoint_can_tell() -> None:
    for row in ENDPOINTS:
        if row.long_running is not None:
            names = set(re.findall(r"{(\w+)}", row.long_running.poll))
            assert names <= {"path", "operationId", "id"} | {p.name for p in row.path_parameters}, row.name
            assert ("?" in row.long_running.poll or "#" in row.long_running.poll) == (
                row.long_running.states is not None
            )
    assert find("POST", "/assets/v1/assets").long_running == LongRunning("/assets/v1/{path}")  # type: ignore[union-attr]
    assert sum(row.long_running is not None for row in ENDPOINTS) == 22


# --- the table against itself


def test_budgets_of_one_name_are_one_budget_counted_by_parameters_of_the_endpoint() -> None:
    figures: dict[str, set[tuple[object, ...]]] = {}
    for row in ENDPOINTS:
        for budget in row.budgets:
            assert set(budget.keyed_by) <= {p.name for p in row.path_parameters}, row.name
            same = (budget.count, budget.seconds, budget.per_player, len(budget.keyed_by))
            figures.setdefault(budget.name, set()).add(same)
    assert {name for name, values in figures.items() if len(values) > 1} == set()


ENTRY_NAMES = ("LIST_ENTRIES", "CREATE_ENTRY", "GET_ENTRY", "UPDATE_ENTRY", "DELETE_ENTRY", "INCREMENT_ENTRY")
PROMISED = {
    "data_stores": (
        *("LIST_DATA_STORES", "DELETE_DATA_STORE", "UNDELETE_DATA_STORE", "SNAPSHOT_DATA_STORES"),
        *(f"{name}{form}" for name in (*ENTRY_NAMES, "LIST_REVISIONS") for form in ("", "_UNSCOPED")),
        *("V1_LIST_DATA_STORES", "V1_LIST_ENTRIES", "V1_GET_ENTRY", "V1_SET_ENTRY", "V1_DELETE_ENTRY"),
        *("V1_INCREMENT_ENTRY", "V1_LIST_VERSIONS", "V1_GET_VERSION"),
    ),
    "ordered_data_stores": tuple(f"{form}{name}" for name in ENTRY_NAMES for form in ("", "V1_")),
    "messaging": ("PUBLISH_MESSAGE", "V1_PUBLISH_MESSAGE"),
    "universes": ("GET_UNIVERSE", "UPDATE_UNIVERSE", "RESTART_SERVERS"),
}


@pytest.mark.parametrize("family", PROMISED)
def test_the_constants_that_the_rest_is_built_on_are_there(family: str) -> None:
    module = import_module(f"rblxcloud.endpoints.{family}")
    assert [name for name in PROMISED[family] if not isinstance(getattr(module, name, None), Endpoint)] == []


def test_scoped_and_unscoped_constants_address_what_their_names_say() -> None:
    scoped = f"{V2_STORES}/{{data_store_id}}/scopes/{{scope_id}}/entries"
    assert data_stores.GET_ENTRY.path == f"{scoped}/{{entry_id}}"
    assert data_stores.GET_ENTRY_UNSCOPED.path == f"{V2_STORES}/{{data_store_id}}/entries/{{entry_id}}"
    for name in (*ENTRY_NAMES, "LIST_REVISIONS"):
        row, unscoped = getattr(data_stores, name), getattr(data_stores, f"{name}_UNSCOPED")
        assert (row.method, row.path) == (
            unscoped.method,
            unscoped.path.replace("/entries", "/scopes/{scope_id}/entries"),
        )
    for name in ENTRY_NAMES:
        row, v1 = getattr(ordered_data_stores, name), getattr(ordered_data_stores, f"V1_{name}")
        assert (row.method, row.path.count("{")) == (v1.method, v1.path.count("{"))


def test_a_row_is_found_by_method_and_template() -> None:
    assert find("GET", V2_STORES) is data_stores.LIST_DATA_STORES
    assert find("PUT", V2_STORES) is None
    assert find("GET", f"{V2_STORES}/") is None
    assert all(find(row.method, row.path) is row for row in ENDPOINTS)
    assert all_endpoints() is ENDPOINTS


# --- what importing it costs

ALONE = """
import sys, types
from importlib import import_module
package = types.ModuleType("rblxcloud")
package.__path__ = [sys.argv[1]]
sys.modules["rblxcloud"] = package
import rblxcloud.endpoints
known = set(sys.modules)
for family in rblxcloud.endpoints.FAMILIES:
    import_module(f"rblxcloud.endpoints.{family}")
    more = set(sys.modules) - known
    assert more == {f"rblxcloud.endpoints.{family}"}, (family, more)
    for name in more:
        del sys.modules[name]
"""

WITH_THE_CLIENT = """
import sys, rblxcloud
assert rblxcloud.Client
families = {name for name in sys.modules if name.startswith("rblxcloud.endpoints.")}
assert "rblxcloud.endpoints.localization" not in families, families
"""


def test_importing_one_family_imports_no_other() -> None:
    source = Path(data_stores.__file__).parents[1]
    subprocess.run([sys.executable, "-c", ALONE, str(source)], check=True, timeout=60)


def test_importing_the_library_does_not_import_the_whole_table() -> None:
    subprocess.run([sys.executable, "-c", WITH_THE_CLIENT], check=True, timeout=60)
