"""The endpoint table against Roblox's own document, read here anew; and the generator's own guards."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from codegen.endpoints import OVERRIDES, TABLE, check, hand_edited, rows
from codegen.overrides import GenerationError, apply_overrides, apply_patches
from rblxcloud.endpoints import FAMILIES, all_endpoints, find
from rblxcloud.endpoints.model import Credential, Endpoint, Limit, Parameter, Stability
from tests.oracle.document import METHODS, official

_KINDS = {"roblox-api-key": Credential.API_KEY, "roblox-oauth2": Credential.OAUTH2}
_PLACEHOLDER = 1_000_000
_OVERRIDES: Any = tomllib.loads(OVERRIDES.read_text(encoding="utf-8"))
_ADDED = {(entry["method"], entry["path"]) for entry in _OVERRIDES["added"]}


@pytest.fixture(scope="module")
def document() -> Any:
    """The document, with what is known to be wrong in it put right."""
    return apply_patches(official(), _OVERRIDES["patch"])


def documented(document: Any) -> Iterator[tuple[Endpoint | None, str, str, Any]]:
    """Yield row, method, path and operation of what takes a credential of Open Cloud."""
    for path, item in document["paths"].items():
        for method in METHODS:
            security = item.get(method, {}).get("security", [])
            if any(_KINDS.keys() & way.keys() for way in security):
                yield find(method.upper(), path), method.upper(), path, item[method]


def resolved(value: Any, document: Any) -> Any:
    while "$ref" in value:
        place = document
        for part in value["$ref"].removeprefix("#/").split("/"):
            place = place[part]
        value = place
    return value


def test_every_operation_has_one_row_and_no_row_is_made_up(document: Any) -> None:
    operations = {(method, path) for _, method, path, _ in documented(document)}
    assert len(operations) == 264
    assert not operations & _ADDED
    table = [(endpoint.method, endpoint.path) for endpoint in all_endpoints()]
    assert len(table) == len(set(table))
    assert set(table) == operations | _ADDED


def test_servers_are_those_of_the_document(document: Any) -> None:
    for row, method, path, operation in documented(document):
        servers = operation.get("servers") or document["paths"][path].get("servers") or document["servers"]
        assert row is not None
        assert row.server == servers[0]["url"], (method, path)


def test_parameters_are_those_of_the_document(document: Any) -> None:
    for row, method, path, operation in documented(document):
        expected = [
            (parameter["in"], parameter["name"], bool(parameter.get("required")))
            for parameter in (resolved(value, document) for value in operation.get("parameters", []))
        ]
        assert row is not None
        assert sorted(in_table(row)) == sorted(expected), (method, path)


def in_table(row: Endpoint) -> Iterator[tuple[str, str, bool]]:
    places: dict[str, tuple[Parameter, ...]] = {
        "path": row.path_parameters,
        "query": row.query_parameters,
        "header": row.header_parameters,
    }
    return ((place, item.name, item.required) for place, items in places.items() for item in items)


def test_path_parameters_are_those_of_the_template(document: Any) -> None:
    for row, method, path, _ in documented(document):
        assert row is not None
        assert {item.name for item in row.path_parameters} == set(re.findall(r"{(\w+)}", path)), (method, path)


def test_credentials_are_those_of_the_document(document: Any) -> None:
    for row, method, path, operation in documented(document):
        expected = {_KINDS[name] for way in operation["security"] for name in way if name in _KINDS}
        expected |= {Credential.NONE} if {} in operation["security"] else set()
        assert row is not None
        assert row.credentials == expected, (method, path)


def test_scopes_are_those_of_the_document(document: Any) -> None:
    for row, method, path, operation in documented(document):
        assert row is not None
        assert set(row.scopes.named()) == {scope["name"] for scope in operation.get("x-roblox-scopes", [])}, (method, path)  # fmt: skip


def test_limits_are_those_of_the_document_but_for_the_placeholder(document: Any) -> None:
    seen: set[int] = set()
    for row, method, path, operation in documented(document):
        limits = operation.get("x-roblox-rate-limits", {})
        assert row is not None
        for limit, name in ((row.key_limit, "perApiKeyOwner"), (row.oauth_limit, "perOauth2Authorization")):
            published = limits.get(name) or {"maxInPeriod": _PLACEHOLDER}
            seen.add(published["maxInPeriod"])
            if published["maxInPeriod"] == _PLACEHOLDER:
                assert limit is None, (method, path)
            else:
                seconds = {"SECOND": 1, "MINUTE": 60}[published["period"]]
                assert limit == Limit(published["maxInPeriod"], seconds), (method, path)
    assert len(seen) > 5


def test_stability_is_that_of_the_document(document: Any) -> None:
    for row, method, path, operation in documented(document):
        assert row is not None
        assert row.stability is Stability[operation.get("x-roblox-stability") or "UNSTATED"], (method, path)


def test_every_body_that_is_required_there_is_required_here(document: Any) -> None:
    for row, method, path, operation in documented(document):
        body = resolved(operation.get("requestBody", {}), document)
        assert row is not None
        assert row.body_required is bool(body.get("required")), (method, path)
        assert (row.body.value != "none") is bool(body), (method, path)


def test_names_are_unique_and_lead_to_their_row() -> None:
    names = [endpoint.name for endpoint in all_endpoints()]
    assert len(names) == len(set(names))
    for endpoint in all_endpoints():
        family, _, constant = endpoint.name.partition(".")
        assert family in FAMILIES
        assert getattr(sys.modules[f"rblxcloud.endpoints.{family}"], constant.upper()) is endpoint


# --- the generator


def small() -> Any:
    """A document of one operation."""
    operation = {"operationId": "GetThing", "security": [{"roblox-api-key": []}], "x-roblox-scopes": [{"name": "a"}]}
    return {"servers": [{"url": "https://apis.roblox.com"}], "paths": {"/things": {"get": operation}}}


SMALL: Any = {"families": {"/things": "things"}}


def test_rows_of_a_small_document() -> None:
    (row,) = rows(small(), SMALL)
    assert (row.reference, row.scopes, row.fields["method"]) == ("things.GET_THING", ("a",), "'GET'")


POINTER = "/paths/~1things/get/operationId"


def test_patch_changes_a_copy() -> None:
    original = small()
    (row,) = rows(original, {**SMALL, "patch": [{"pointers": [POINTER], "value": "ReadThing", "reason": "r"}]})
    assert row.constant == "READ_THING"
    assert original == small()


USELESS: dict[str, tuple[str, Any]] = {
    "patch that finds its value there": ("already", {"patch": [{"pointers": [POINTER], "value": "GetThing", "reason": "r"}]}),
    "patch of nothing": ("not in the document", {"patch": [{"pointers": ["/paths/~1other/get"], "value": 1, "reason": "r"}]}),
    "patch without reason": ("no reason", {"patch": [{"pointers": [POINTER], "value": "x"}]}),
    "name of nothing": ("unused names", {"names": {"things": {"OTHER": "NEW"}}}),
    "family of nothing": ("unused families", {"families": {"/things": "things", "/other": "other"}}),
    "scopes as they are": ("already", {"scopes": [{"kind": "all_of", "endpoints": ["things.GET_THING"], "reason": "r"}]}),
    "repeat as it is": ("already", {"repeat": [{"value": "SAFE", "endpoints": ["things.GET_THING"], "reason": "r"}]}),
    "repeat of nothing": ("unknown endpoints", {"repeat": [{"value": "NEVER", "endpoints": ["things.X"], "reason": "r"}]}),
    "placeholder of nothing": ("unused placeholder", {"placeholder_limit": {"count": 5, "reason": "r"}}),
    "addition without reason": ("no reason", {"added": [{"method": "GET", "path": "/things/1", "constant": "X", "credentials": []}]}),
}  # fmt: skip


@pytest.mark.parametrize("case", USELESS)
def test_override_that_changes_nothing_fails(case: str) -> None:
    message, overrides = USELESS[case]
    with pytest.raises(GenerationError, match=message):
        rows(small(), {**SMALL, **overrides})


def test_names_that_clash_fail() -> None:
    twice = rows(small(), SMALL) * 2
    with pytest.raises(GenerationError, match="names clash"):
        apply_overrides(twice, {})


# --- its check


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A copy of the table."""
    return Path(shutil.copytree(TABLE, tmp_path / "endpoints", ignore=shutil.ignore_patterns("__pycache__")))


def test_table_is_as_generated(table: Path) -> None:
    assert hand_edited(table) == []
    assert check(None, table) == []


@pytest.mark.parametrize("name", ["data_stores.py", "__init__.py"])
def test_check_detects_an_edit_by_hand(table: Path, name: str) -> None:
    path = table / name
    path.write_text(path.read_text(encoding="utf-8").replace("Final", "Any", 1), encoding="utf-8")
    assert hand_edited(table) == [name]
    assert check(None, table) == [f"{name} is missing or was edited by hand"]


def test_check_detects_a_missing_family(table: Path) -> None:
    (table / "users.py").unlink()
    assert hand_edited(table) == ["users.py"]


def test_check_detects_a_file_without_seal(table: Path) -> None:
    (table / "mine.py").write_text("ENDPOINTS = ()\n", encoding="utf-8")
    assert hand_edited(table) == ["mine.py"]


# --- its cost


def test_importing_one_family_imports_no_other() -> None:
    script = (
        "import sys, rblxcloud.endpoints.messaging\n"
        "print(*sorted(m for m in sys.modules if m.startswith('rblxcloud.endpoints.')))"
    )
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert loaded == ["rblxcloud.endpoints.messaging", "rblxcloud.endpoints.model"]
