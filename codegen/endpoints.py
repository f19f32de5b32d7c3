"""Writes `rblxcloud.endpoints` from Roblox's OpenAPI document and `overrides.toml`.

python -m codegen.endpoints --document PATH      write the table
python -m codegen.endpoints --check              verify that nobody edited it by hand; with the document (found at
                                                 --document, $RBLXCLOUD_OPENAPI or ../shared/openapi/openapi.json)
                                                 also that it is current
"""

from __future__ import annotations

import argparse
import copy
import hashlib
import json
import os
import re
import subprocess
import sys
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
TABLE = ROOT / "src" / "rblxcloud" / "endpoints"
OVERRIDES = Path(__file__).with_name("overrides.toml")
METHODS = ("get", "post", "put", "patch", "delete")
SCHEMES = {"roblox-api-key": "API_KEY", "roblox-oauth2": "OAUTH2"}
PERIODS = {"SECOND": 1, "MINUTE": 60}


class GenerationError(Exception):
    """The document or the overrides are not as expected."""


@dataclass
class Row:
    """One endpoint on its way into the table: field values as Python source."""

    family: str
    constant: str
    fields: dict[str, str]
    raw: dict[str, Any] = field(default_factory=dict[str, Any])

    @property
    def reference(self) -> str:
        """How overrides name it."""
        return f"{self.family}.{self.constant}"


def rows(document: dict[str, Any], overrides: dict[str, Any]) -> list[Row]:
    """Return the rows of the table.

    Raises:
        GenerationError: An override changes nothing, or names clash.
    """
    patched = apply_patches(document, overrides.get("patch", []))
    table = [_row(method, path, operation, patched, overrides) for method, path, operation in operations(patched)]
    table += [_added(entry) for entry in overrides.get("added", [])]
    _rename(table, overrides.get("names", {}))
    _drop_placeholders(table, overrides.get("placeholder_limit"))
    _add_budgets(table, overrides.get("budget", []))
    _set_repeats(table, overrides.get("repeat", []))
    references = [row.reference for row in table]
    if len(set(references)) != len(references):
        raise GenerationError(f"names clash: {sorted({r for r in references if references.count(r) > 1})}")
    return sorted(table, key=lambda row: (row.family, row.constant))


def operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    """Return method, path and operation of everything that accepts an API key or OAuth 2.0."""
    return [
        (method, path, item[method])
        for path, item in document["paths"].items()
        for method in METHODS
        if method in item and _credentials(item[method])
    ]


def apply_patches(document: dict[str, Any], patches: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a patched copy of the document.

    Raises:
        GenerationError: A patch has no reason, finds no place, or finds its value there already.
    """
    result = copy.deepcopy(document)
    for patch in patches:
        if not patch.get("reason"):
            raise GenerationError(f"the patch of {patch['pointer']} gives no reason")
        *parents, last = (part.replace("~1", "/").replace("~0", "~") for part in patch["pointer"].split("/")[1:])
        place = result
        for part in parents:
            if part not in place:
                raise GenerationError(f"unused patch: {patch['pointer']} is not in the document")
            place = place[part]
        if place.get(last) == patch["value"]:
            raise GenerationError(f"unused patch: {patch['pointer']} has that value already")
        place[last] = patch["value"]
    return result


def _credentials(operation: dict[str, Any]) -> list[str]:
    names = {name for alternative in operation.get("security", []) for name in alternative}
    return sorted(SCHEMES[name] for name in names if name in SCHEMES)


def _row(method: str, path: str, operation: dict[str, Any], document: dict[str, Any], overrides: dict[str, Any]) -> Row:
    family = next((f for prefix, f in overrides["families"].items() if path.startswith(prefix)), None)
    if family is None:
        raise GenerationError(f"no family for {path}")
    server = (operation.get("servers") or document["paths"][path].get("servers") or document["servers"])[0]["url"]
    parameters = [_resolved(parameter, document) for parameter in operation.get("parameters", [])]
    limits = operation.get("x-roblox-rate-limits", {})
    body = _resolved(operation.get("requestBody"), document)
    return Row(
        family,
        _constant(operation.get("operationId") or f"{method}_{path}"),
        {
            "method": repr(method.upper()),
            "server": repr(server),
            "path": repr(path),
            "path_parameters": _parameters([p for p in parameters if p["in"] == "path"]),
            "query_parameters": _parameters([p for p in parameters if p["in"] == "query"]),
            "header_parameters": _parameters([p for p in parameters if p["in"] == "header"]),
            "body": _body(body),
            "body_required": "True" if body and body.get("required") else "",
            "credentials": _credential_set(_credentials(operation)),
            "scopes": _scopes(path, [s["name"] for s in operation.get("x-roblox-scopes", [])], overrides["scopes"]),
            "key_limit": _limit(limits.get("perApiKeyOwner")),
            "oauth_limit": _limit(limits.get("perOauth2Authorization")),
            "stability": _stability(operation),
            "repeat": "Repeat.SAFE" if method == "get" else "",
            "paging": _paging(operation, document) if method == "get" else "",
            "long_running": _long_running(path, operation),
        },
        limits,
    )


def _resolved(value: Any, document: dict[str, Any]) -> Any:
    while value and "$ref" in value:
        target: Any = document
        for part in value["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        value = target
    return value


def _added(entry: dict[str, Any]) -> Row:
    fields = {
        "method": repr(entry["method"]),
        "server": repr("https://apis.roblox.com"),
        "path": repr(entry["path"]),
        "body": f"Body.{entry['body']}" if "body" in entry else "",
        "body_required": "True" if "body" in entry else "",
        "credentials": _credential_set(entry["credentials"]),
        "repeat": "Repeat.SAFE" if entry["method"] == "GET" else "",
    }
    return Row(entry["family"], entry["constant"], fields)


def _constant(name: str) -> str:
    name = re.sub(r"^Cloud_", "", name)
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    name = re.sub(r"[^A-Za-z0-9]+", lambda m: "__" if m[0] == "__" else "_", name)
    return re.sub(r"_{3,}", "__", name).strip("_").upper()


def _parameters(parameters: list[dict[str, Any]]) -> str:
    items: list[str] = []
    for parameter in parameters:
        kind = parameter.get("schema", {}).get("type", "string")
        arguments = [repr(parameter["name"])]
        if kind != "string":
            arguments.append(repr(kind))
        if parameter.get("required"):
            arguments.append("required=True")
        items.append(f"Parameter({', '.join(arguments)})")
    return f"({', '.join(items)},)" if items else ""


def _body(body: dict[str, Any] | None) -> str:
    if not body:
        return ""
    types = list(body["content"])
    kinds = {"multipart/form-data": "MULTIPART", "application/x-www-form-urlencoded": "FORM"}
    for content_type in types:
        if content_type in kinds:
            return f"Body.{kinds[content_type]}"
    return "Body.JSON" if any("json" in t for t in types) else "Body.BINARY"


def _credential_set(names: list[str]) -> str:
    if names == ["API_KEY"]:
        return ""
    return f"frozenset({{{', '.join(f'Credential.{name}' for name in names)}}})"


def _scopes(path: str, names: list[str], rules: dict[str, Any]) -> str:
    if not names:
        return ""
    kind = "all_of"
    if path in rules["conditional_paths"]:
        kind = "conditional"
    elif len(names) > 1 and any(part in name for part in rules["any_of"] for name in names):
        kind = "any_of"
    return f"Scopes({kind}=({', '.join(map(repr, dict.fromkeys(names)))},))"


def _limit(limit: dict[str, Any] | None) -> str:
    if not limit:
        return ""
    seconds = PERIODS[limit["period"]]
    return f"Limit({limit['maxInPeriod']})" if seconds == 60 else f"Limit({limit['maxInPeriod']}, {seconds})"


def _stability(operation: dict[str, Any]) -> str:
    value = operation.get("x-roblox-stability")
    return f"Stability.{value}" if value else ""


def _paging(operation: dict[str, Any], document: dict[str, Any]) -> str:
    names = {p["name"] for p in operation.get("parameters", []) if p["in"] == "query"}
    by_lower = {name.lower(): name for name in names}
    size = next((by_lower[n] for n in ("maxpagesize", "max_page_size", "pagesize", "limit") if n in by_lower), None)
    token = next((by_lower[n] for n in ("pagetoken", "page_token", "cursor", "skip", "page") if n in by_lower), None)
    if not size or not token:
        return ""
    style = {"cursor": "CURSOR", "skip": "OFFSET", "page": "PAGE_NUMBER"}.get(token.lower(), "TOKEN")
    next_field, items = _page_fields(operation, document)
    if style in ("OFFSET", "PAGE_NUMBER"):
        next_field = None
    return f"Paging(PagingStyle.{style}, {size!r}, {token!r}, {next_field!r}, {items!r})"


def _page_fields(operation: dict[str, Any], document: dict[str, Any]) -> tuple[str | None, str | None]:
    content = operation["responses"].get("200", {}).get("content", {})
    schema = next(iter(content.values()), {}).get("schema", {})
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    properties = schema.get("properties", {})
    following = next((name for name in properties if name.startswith("next")), None)
    items = next((name for name, value in properties.items() if value.get("type") == "array"), None)
    return following, items


def _long_running(path: str, operation: dict[str, Any]) -> str:
    if "x-long-running-operation-parameters" not in operation:
        return ""
    if path.startswith("/assets/") or "generateSpeechAsset" in path:
        return "LongRunning('/assets/v1/{path}')"
    return "LongRunning('/{path}')" if "memory-store" in path else "LongRunning('/cloud/v2/{path}')"


def _rename(table: list[Row], names: dict[str, dict[str, str]]) -> None:
    wanted = {(family, old): new for family, pairs in names.items() for old, new in pairs.items()}
    for row in table:
        new = wanted.pop((row.family, row.constant), None)
        row.constant = new or row.constant
    if wanted:
        raise GenerationError(f"unused names: {sorted(wanted)}")


def _drop_placeholders(table: list[Row], placeholder: dict[str, Any] | None) -> None:
    if placeholder is None:
        return
    source = f"Limit({placeholder['count']})"
    hits = [row for row in table if row.fields.get("key_limit") == source or row.fields.get("oauth_limit") == source]
    if not hits:
        raise GenerationError("unused placeholder_limit")
    for row in hits:
        for name in ("key_limit", "oauth_limit"):
            if row.fields[name] == source:
                row.fields[name] = ""


def _chosen(table: list[Row], entry: dict[str, Any]) -> list[Row]:
    by_reference = {row.reference: row for row in table}
    missing = [name for name in entry.get("endpoints", []) if name not in by_reference]
    if missing or not entry.get("reason"):
        raise GenerationError(f"an override names unknown endpoints {missing} or gives no reason")
    chosen = [by_reference[name] for name in entry.get("endpoints", [])]
    for part in entry.get("paths", []):
        found = [row for row in table if part in row.fields["path"]]
        if not found:
            raise GenerationError(f"unused override: no path holds {part!r}")
        chosen += found
    return chosen


def _add_budgets(table: list[Row], budgets: list[dict[str, Any]]) -> None:
    for budget in budgets:
        for row in _chosen(table, budget):
            own = "universeId" if "{universeId}" in row.fields["path"] else "universe_id"
            arguments = [repr(budget["name"]), str(budget["count"])]
            if budget.get("seconds", 60) != 60:
                arguments.append(f"seconds={budget['seconds']}")
            if budget.get("per_player"):
                arguments.append(f"per_player={budget['per_player']}")
            keyed_by = (own, *budget.get("keyed_by", []))
            if keyed_by != ("universe_id",):
                arguments.append(f"keyed_by={keyed_by!r}")
            before = row.fields.get("budgets", "")[1:-1]
            row.fields["budgets"] = f"({before}Budget({', '.join(arguments)}),)"


def _set_repeats(table: list[Row], repeats: list[dict[str, Any]]) -> None:
    for entry in repeats:
        source = "" if entry["value"] == "NEVER" else f"Repeat.{entry['value']}"
        for row in _chosen(table, entry):
            if row.fields["repeat"] == source:
                raise GenerationError(f"unused override: {row.reference} is {entry['value']} already")
            row.fields["repeat"] = source


def modules(table: list[Row], document_hash: str) -> dict[str, str]:
    """Return the generated files by name, formatted and sealed."""
    families = sorted({row.family for row in table})
    files = {f"{name}.py": _module(name, [row for row in table if row.family == name]) for name in families}
    files["__init__.py"] = _package(families)
    return {name: _seal(text, document_hash) for name, text in _formatted(files).items()}


def _module(family: str, table: list[Row]) -> str:
    lines = [f'"""Endpoints: {family.replace("_", " ")}."""', "", "from rblxcloud.endpoints.model import *", ""]
    body: list[str] = []
    for row in table:
        fields = {"name": repr(f"{family}.{row.constant.lower()}"), **row.fields}
        arguments = ", ".join(f"{name}={value}" for name, value in fields.items() if value)
        body.append(f"{row.constant}: Final = Endpoint({arguments})\n")
    body.append(f"ENDPOINTS: Final = ({', '.join(row.constant for row in table)},)\n")
    source = "".join(body)
    known = ("Body", "Budget", "Credential", "Endpoint", "Limit", "LongRunning", "Paging", "PagingStyle", "Parameter")
    used = [n for n in (*known, "Repeat", "Scopes", "Stability") if re.search(rf"\b{n}[.(]", source)]
    lines[2] = f"from typing import Final\n\nfrom rblxcloud.endpoints.model import {', '.join(used)}"
    return "\n".join(lines) + "\n" + source


def _package(families: list[str]) -> str:
    return f'''"""The endpoint table: one row for each HTTP operation of Roblox Open Cloud."""

from functools import cache
from importlib import import_module
from typing import Final

from rblxcloud.endpoints.model import Endpoint

FAMILIES: Final = {tuple(families)!r}
"""The modules of this package that hold rows."""


@cache
def all_endpoints() -> tuple[Endpoint, ...]:
    """Return every row of the table; the first call imports all families."""
    modules = (import_module(f"{{__name__}}.{{family}}") for family in FAMILIES)
    return tuple(endpoint for module in modules for endpoint in module.ENDPOINTS)
'''


def _formatted(files: dict[str, str]) -> dict[str, str]:
    result: dict[str, str] = {}
    for name, text in files.items():
        command = [sys.executable, "-m", "ruff", "format", "--stdin-filename", str(TABLE / name), "-"]
        result[name] = subprocess.run(command, input=text, capture_output=True, text=True, check=True, cwd=ROOT).stdout
    return result


def _seal(text: str, document_hash: str) -> str:
    return (
        "# GENERATED by `python -m codegen.endpoints` from Roblox's openapi.json and codegen/overrides.toml.\n"
        "# Do not edit: change overrides.toml and generate again.\n"
        f"# document sha256: {document_hash}\n"
        f"# content sha256: {hashlib.sha256(text.encode()).hexdigest()}\n{text}"
    )


def hand_edited(directory: Path) -> list[str]:
    """Return the names of generated files whose content is not the one they were sealed with."""
    wrong: list[str] = []
    for path in sorted(directory.glob("*.py")):
        if path.name == "model.py":
            continue
        match = re.match(r"(?:#.*\n)*# content sha256: (\w+)\n", path.read_text())
        content = path.read_text()[match.end() :] if match else ""
        if match is None or match[1] != hashlib.sha256(content.encode()).hexdigest():
            wrong.append(path.name)
    return wrong


def find_document(given: str | None) -> Path | None:
    """Return where the official document is, if it is anywhere."""
    for candidate in (given, os.environ.get("RBLXCLOUD_OPENAPI"), str(ROOT.parent / "shared/openapi/openapi.json")):
        if candidate and Path(candidate).is_file():
            return Path(candidate)
    return None


def generate(document_path: Path) -> dict[str, str]:
    """Return the generated files by name."""
    content = document_path.read_bytes()
    overrides = tomllib.loads(OVERRIDES.read_text())
    return modules(rows(json.loads(content), overrides), hashlib.sha256(content).hexdigest())


def check(document: Path | None) -> list[str]:
    """Return what is wrong with the table as it stands."""
    problems = [f"{name} was edited by hand" for name in hand_edited(TABLE)]
    if document is not None:
        current = generate(document)
        present = {path.name: path.read_text() for path in TABLE.glob("*.py") if path.name != "model.py"}
        problems += [f"{n} is not current" for n in sorted({*current, *present}) if current.get(n) != present.get(n)]
    return problems


def main(arguments: list[str] | None = None) -> int:
    """Run the generator from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--document", help="where Roblox's openapi.json is")
    parser.add_argument(
        "--check", action="store_true", help="write nothing; fail when the table is not as it should be"
    )
    options = parser.parse_args(arguments)
    document = find_document(options.document)
    if options.check:
        problems = check(document)
        print("\n".join(problems) or f"endpoints: as generated{'' if document else ' (document not at hand)'}")
        return 1 if problems else 0
    if document is None:
        print("the document is nowhere: pass --document PATH", file=sys.stderr)
        return 2
    files = generate(document)
    for path in TABLE.glob("*.py"):
        if path.name != "model.py" and path.name not in files:
            path.unlink()
    for name, text in files.items():
        (TABLE / name).write_text(text)
    print(f"endpoints: {len(files)} files written")
    return 0


if __name__ == "__main__":
    sys.exit(main())
