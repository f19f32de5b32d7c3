"""The generator on a document of three operations, and what `--check` notices."""

from __future__ import annotations

import copy
import hashlib
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from codegen import endpoints as generator
from codegen.endpoints import check, find_document, hand_edited, main, modules, rows, write
from codegen.overrides import GenerationError

BOTH: list[dict[str, list[str]]] = [{"roblox-api-key": []}, {"roblox-oauth2": []}]
ANYBODY: dict[str, list[str]] = {}
UNIVERSE = {"name": "universe_id", "in": "path", "required": True, "schema": {"type": "string"}}
DOCUMENT: dict[str, Any] = {
    "servers": [{"url": "https://apis.roblox.com"}],
    "paths": {
        "/cloud/v2/universes/{universe_id}/things": {
            "get": {
                "operationId": "Cloud_ListThings",
                "security": BOTH,
                "parameters": [
                    UNIVERSE,
                    {"name": "maxPageSize", "in": "query", "schema": {"type": "integer"}},
                    {"name": "pageToken", "in": "query", "schema": {"type": "string"}},
                ],
                "responses": {
                    "200": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Things"}}}}
                },
                "x-roblox-rate-limits": {"perApiKeyOwner": {"maxInPeriod": 1000000, "period": "MINUTE"}},
                "x-roblox-scopes": [{"name": "thing:read"}, {"name": "thing:write"}],
            },
            "post": {
                "operationId": "Cloud_CreateThing",
                "security": [{"roblox-api-key": []}],
                "parameters": [UNIVERSE],
                "requestBody": {"required": True, "content": {"application/json": {}}},
                "responses": {},
                "x-roblox-rate-limits": {"perApiKeyOwner": {"maxInPeriod": 3, "period": "SECOND"}},
                "x-roblox-stability": "BETA",
            },
        },
        "/legacy/v1/cookies/{id}": {
            "get": {"operationId": "OnlyCookie", "security": [{"roblox-legacy-cookie": []}], "responses": {}},
            "delete": {"security": BOTH, "responses": {}},
        },
    },
    "components": {
        "schemas": {"Things": {"properties": {"things": {"type": "array"}, "nextPageToken": {"type": "string"}}}}
    },
}
OVERRIDES: dict[str, Any] = {"families": {"/cloud/v2/": "things", "/legacy/": "cookies"}}
LIST_PATH = "/paths/~1cloud~1v2~1universes~1{universe_id}~1things/get"


def generated(**overrides: object) -> dict[str, str]:
    """Return the generator's files for the document above."""
    return modules(rows(DOCUMENT, {**OVERRIDES, **overrides}), "0" * 64)


def refused(**overrides: object) -> str:
    """Return why the generator does not take these overrides."""
    with pytest.raises(GenerationError) as caught:
        rows(DOCUMENT, {**OVERRIDES, **overrides})
    return str(caught.value)


def load(text: str) -> dict[str, Any]:
    """Run a generated module and return its names."""
    names: dict[str, Any] = {}
    exec(text, names)
    return names


def test_what_takes_a_key_or_oauth_gets_a_row_with_what_the_document_says() -> None:
    files = generated()
    assert files.keys() == {"__init__.py", "things.py", "cookies.py"}
    things = load(files["things.py"])
    assert [row.name for row in things["ENDPOINTS"]] == ["things.create_thing", "things.list_things"]
    assert repr(things["CREATE_THING"].key_limit) == "Limit(count=3, seconds=1)"
    assert things["LIST_THINGS"].paging.items == "things"
    assert things["LIST_THINGS"].scopes.all_of == ("thing:read", "thing:write")
    assert [row.name for row in load(files["cookies.py"])["ENDPOINTS"]] == ["cookies.delete_legacy_v1_cookies_id"]


def test_defaults_are_left_out() -> None:
    source = generated()["cookies.py"]
    assert set(re.findall(r"^    (\w+)=", source, re.M)) == {"name", "method", "server", "path", "credentials"}


def test_the_order_of_the_document_does_not_matter() -> None:
    turned = copy.deepcopy(DOCUMENT)
    turned["paths"] = dict(reversed(turned["paths"].items()))
    assert modules(rows(turned, OVERRIDES), "0" * 64) == generated()


def test_every_kind_of_override_reaches_the_table() -> None:
    reason = {"reason": "because"}
    things = load(
        generated(
            names={"things": {"LIST_THINGS": "SEARCH"}},
            patch=[{"pointers": [f"{LIST_PATH}/parameters/1/required"], "value": True, **reason}],
            placeholder_limit={"count": 1000000, **reason},
            scopes=[{"endpoints": ["things.SEARCH"], "kind": "any_of", **reason}],
            budget=[{"endpoints": ["things.SEARCH"], "name": "b", "count": 5, "per_player": 2, **reason}],
            repeat=[{"endpoints": ["things.CREATE_THING"], "value": "WITH_KEY", **reason}],
            paging=[{"endpoints": ["things.SEARCH"], "set": {"items": "found"}, **reason}],
            long_running=[{"endpoints": ["things.CREATE_THING"], "poll": "/x/{path}", **reason}],
            added=[{"constant": "COUNT", "method": "GET", "path": "/cloud/v2/n", "credentials": ["NONE"], **reason}],
        )["things.py"]
    )
    search, create = things["SEARCH"], things["CREATE_THING"]
    assert search.query_parameters[0].required
    assert search.key_limit is None
    assert search.scopes.any_of == ("thing:read", "thing:write")
    assert [(b.name, b.count, b.per_player, b.keyed_by) for b in search.budgets] == [("b", 5, 2, ("universe_id",))]
    assert (search.paging.items, search.paging.next) == ("found", "nextPageToken")
    assert create.repeat.value == "with_key"
    assert create.long_running.poll == "/x/{path}"
    assert things["COUNT"].path == "/cloud/v2/n"


@pytest.mark.parametrize(
    ("overrides", "complaint"),
    [
        ({"patch": [{"pointers": ["/paths/~1nowhere/get/x"], "value": 1, "reason": "r"}]}, "is not in the document"),
        ({"patch": [{"pointers": [f"{LIST_PATH}/parameters/9/x"], "value": 1, "reason": "r"}]}, "not in the document"),
        ({"patch": [{"pointers": [f"{LIST_PATH}/security/1"], "value": BOTH[1], "reason": "r"}]}, "has that value"),
        ({"patch": [{"pointers": [f"{LIST_PATH}/x"], "value": 1}]}, "no reason"),
        ({"names": {"things": {"NO_SUCH": "NAME"}}}, "unused names"),
        ({"names": {"things": {"LIST_THINGS": "CREATE_THING"}}}, "names clash"),
        ({"placeholder_limit": {"count": 7, "reason": "r"}}, "unused placeholder"),
        ({"placeholder_limit": {"count": 1000000}}, "no reason"),
        ({"families": {**OVERRIDES["families"], "/none/": "none"}}, "unused families"),
        ({"families": {"/cloud/v2/": "things"}}, "no family for /legacy/"),
        ({"repeat": [{"endpoints": ["things.LIST_THINGS"], "value": "SAFE", "reason": "r"}]}, "unused override"),
        ({"repeat": [{"endpoints": ["things.CREATE_THING"], "value": "NEVER", "reason": "r"}]}, "unused override"),
        ({"repeat": [{"endpoints": ["things.CREATE_THING"], "value": "SAFE"}]}, "no reason"),
        ({"repeat": [{"endpoints": ["things.NO_SUCH"], "value": "SAFE", "reason": "r"}]}, "unknown endpoints"),
        ({"scopes": [{"endpoints": ["things.LIST_THINGS"], "kind": "all_of", "reason": "r"}]}, "unused override"),
        ({"scopes": [{"endpoints": ["things.CREATE_THING"], "kind": "any_of", "reason": "r"}]}, "unused override"),
        (
            {"paging": [{"endpoints": ["things.LIST_THINGS"], "set": {"items": "things"}, "reason": "r"}]},
            "unused override",
        ),
        (
            {
                "budget": [
                    {"endpoints": ["cookies.DELETE_LEGACY_V1_COOKIES_ID"], "name": "b", "count": 1, "reason": "r"}
                ]
            },
            "does not have",
        ),
        ({"added": [{"constant": "X", "method": "GET", "path": "/cloud/v2/x", "credentials": ["NONE"]}]}, "no reason"),
    ],
)
def test_an_override_that_changes_nothing_or_gives_no_reason_fails(
    overrides: dict[str, object], complaint: str
) -> None:
    assert complaint in refused(**overrides)


def test_the_same_budget_twice_is_unused() -> None:
    budget = {"endpoints": ["things.LIST_THINGS"], "name": "b", "count": 1, "reason": "r"}
    assert "unused override" in refused(budget=[budget, budget])


def test_the_document_itself_is_left_as_it_was() -> None:
    before = copy.deepcopy(DOCUMENT)
    generated(patch=[{"pointers": [f"{LIST_PATH}/security/0"], "value": ANYBODY, "reason": "r"}])
    assert before == DOCUMENT


def test_writing_removes_what_is_generated_no_longer_and_spares_the_model(tmp_path: Path) -> None:
    for name in ("model.py", "former.py"):
        (tmp_path / name).write_text("kept = False\n")
    write(generated(), tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"model.py", "__init__.py", "things.py", "cookies.py"}
    assert hand_edited(tmp_path) == []


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Return a copy of the real table."""
    return Path(shutil.copytree(generator.TABLE, tmp_path / "endpoints", ignore=shutil.ignore_patterns("__pycache__")))


def test_the_table_was_not_edited_by_hand() -> None:
    assert check(None) == []


def test_check_notices_an_edit_by_hand_without_the_document(table: Path) -> None:
    path = table / "messaging.py"
    path.write_text(path.read_text().replace("Limit(5000)", "Limit(9000)", 1))
    assert check(None, table) == ["messaging.py is missing or was edited by hand"]


def test_check_notices_files_that_came_or_went_without_the_document(table: Path) -> None:
    (table / "messaging.py").unlink()
    (table / "mine.py").write_text("ENDPOINTS = ()\n")
    assert check(None, table) == [f"{name}.py is missing or was edited by hand" for name in ("messaging", "mine")]


def test_check_notices_a_table_that_is_not_the_documents(table: Path, document_path: Path) -> None:
    assert check(document_path, table) == []
    path = table / "messaging.py"
    head, mark, text = path.read_text().partition('"""Endpoints')
    edited = mark + text.replace("Limit(5000)", "Limit(9000)", 1)
    seal = hashlib.sha256(edited.encode()).hexdigest()
    path.write_text(re.sub(r"(content sha256:) \w+", rf"\1 {seal}", head) + edited)
    assert check(None, table) == []
    assert check(document_path, table) == ["messaging.py is not current"]


def test_generated_files_name_their_source(document_path: Path) -> None:
    sha = hashlib.sha256(document_path.read_bytes()).hexdigest()
    for path in generator.TABLE.glob("*.py"):
        if path.name != "model.py":
            head = path.read_text()[:500]
            assert "python -m codegen.endpoints" in head
            assert f"document sha256: {sha}\n" in head


def test_the_command_line_says_when_there_is_no_document(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(generator, "ROOT", tmp_path / "checkout")
    monkeypatch.delenv("RBLXCLOUD_OPENAPI", raising=False)
    assert find_document(None) is None
    assert main([]) == 2
    assert "--document" in capsys.readouterr().err
    assert main(["--check"]) == 0
    assert "document not at hand" in capsys.readouterr().out
    assert main(["--check", "--document", str(tmp_path / "missing.json")]) == 2
    assert "missing.json" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "problem"), [("# Title", "is not JSON"), ("[]", "is no OpenAPI"), ("{}", "is no OpenAPI")]
)
def test_the_command_line_says_when_the_document_is_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, problem: str
) -> None:
    path = tmp_path / "README.md"
    path.write_text(text)
    assert main(["--document", str(path)]) == 2
    assert f"{path} {problem}" in capsys.readouterr().err


def test_the_document_is_found_by_argument_then_environment_then_beside_the_checkout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    beside = tmp_path / "shared" / "openapi" / "openapi.json"
    beside.parent.mkdir(parents=True)
    given, named = tmp_path / "given.json", tmp_path / "named.json"
    for path in (beside, given, named):
        path.write_text("{}")
    monkeypatch.setattr(generator, "ROOT", tmp_path / "checkout")
    monkeypatch.setenv("RBLXCLOUD_OPENAPI", str(named))
    assert find_document(str(given)) == given
    assert find_document(None) == named
    monkeypatch.delenv("RBLXCLOUD_OPENAPI")
    assert find_document(None) == beside
