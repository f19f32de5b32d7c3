"""Writes `rblxcloud.endpoints` from Roblox's OpenAPI document and `overrides.toml`.

`python -m codegen.endpoints` writes the table; with `--check` it verifies that nobody edited it by hand and, where the
document is at hand, that it is current. The document is looked for at `--document`, then at the path in
`$RBLXCLOUD_OPENAPI`, then at `../shared/openapi/openapi.json` beside the checkout.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any, cast

from codegen.overrides import GenerationError, Json, Row, apply_overrides, apply_patches, long_running

ROOT = Path(__file__).resolve().parent.parent
TABLE = ROOT / "src" / "rblxcloud" / "endpoints"
OVERRIDES = Path(__file__).with_name("overrides.toml")
METHODS = ("get", "post", "put", "patch", "delete")
SCHEMES = {"roblox-api-key": "API_KEY", "roblox-oauth2": "OAUTH2"}
_NOTHING: Json = {}
PERIODS = {"SECOND": 1, "MINUTE": 60}
MODEL = (
    "Body",
    "Budget",
    "Credential",
    "Endpoint",
    "Limit",
    "LongRunning",
    "Method",
    "Paging",
    "PagingStyle",
    "Parameter",
    "ParameterType",
    "Repeat",
    "Scopes",
    "Stability",
)


def rows(document: Json, overrides: Json) -> list[Row]:
    """Return the rows of the table.

    Args:
        document: The official OpenAPI document.
        overrides: What `overrides.toml` holds.

    Raises:
        GenerationError: An override changes nothing, or names clash.
    """
    patched = apply_patches(document, overrides.get("patch", []))
    families: dict[str, str] = overrides["families"]
    table = [_row(method, path, operation, patched, families) for method, path, operation in operations(patched)]
    table += [_added(entry, families) for entry in overrides.get("added", [])]
    _check_families(table, families)
    apply_overrides(table, overrides)
    return sorted(table, key=lambda row: (row.family, row.constant))


def operations(document: Json) -> list[tuple[str, str, Json]]:
    """Return method, path and operation of everything that accepts an API key or OAuth 2.0."""
    return [
        (method, path, item[method])
        for path, item in document["paths"].items()
        for method in METHODS
        if method in item and any(name in SCHEMES for way in item[method].get("security", []) for name in way)
    ]


def _credentials(operation: Json) -> list[str]:
    alternatives: list[Json] = operation["security"]
    names = {SCHEMES[name] for way in alternatives for name in way if name in SCHEMES}
    return sorted(names | ({"NONE"} if {} in alternatives else set()))


def _row(method: str, path: str, operation: Json, document: Json, families: dict[str, str]) -> Row:
    server = (operation.get("servers") or document["paths"][path].get("servers") or document["servers"])[0]["url"]
    parameters = [_resolved(parameter, document) for parameter in operation.get("parameters", [])]
    limits: Json = operation.get("x-roblox-rate-limits", {})
    body = _resolved(operation.get("requestBody", {}), document)
    fields = {
        "method": repr(method.upper()),
        "server": repr(server),
        "path": repr(path),
        "path_parameters": _parameters(parameters, "path", document),
        "query_parameters": _parameters(parameters, "query", document),
        "header_parameters": _parameters(parameters, "header", document),
        "body": _body(body),
        "body_required": "True" if body.get("required") else "",
        "credentials": _credential_set(_credentials(operation)),
        "key_limit": _limit(limits.get("perApiKeyOwner")),
        "oauth_limit": _limit(limits.get("perOauth2Authorization")),
        "stability": _stability(operation),
        "repeat": "Repeat.SAFE" if method == "get" else "",
        "long_running": long_running("/cloud/v2/{path}") if _is_long_running(operation) else "",
    }
    return Row(
        _family(path, families),
        _constant(operation.get("operationId") or f"{method}_{path}"),
        fields,
        scopes=tuple(dict.fromkeys(scope["name"] for scope in operation.get("x-roblox-scopes", []))),
        paging=_paging(operation, parameters, document) if method == "get" else None,
    )


def _family(path: str, families: dict[str, str]) -> str:
    prefix = _prefix(path, families)
    if prefix is None:
        raise GenerationError(f"no family for {path}")
    return families[prefix]


def _prefix(path: str, families: dict[str, str]) -> str | None:
    return next((prefix for prefix in families if path.startswith(prefix)), None)


def _check_families(table: list[Row], families: dict[str, str]) -> None:
    used = {_prefix(ast.literal_eval(row.fields["path"]), families) for row in table}
    if unused := sorted(families.keys() - used):
        raise GenerationError(f"unused families: {unused}")


def _resolved(value: Json, document: Json) -> Json:
    while "$ref" in value:
        target: Any = document
        for part in value["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        value = cast("Json", target)
    return value


def _schema_type(schema: Json, document: Json) -> str:
    schema = _resolved(schema, document)
    if "type" in schema:
        return str(schema["type"])
    parts: list[Json] = schema.get("allOf", [])
    return _schema_type(parts[0], document) if parts else "string"


def _added(entry: Json, families: dict[str, str]) -> Row:
    if not entry.get("reason"):
        raise GenerationError(f"the added {entry['path']} gives no reason")
    query = [
        {"name": name.rstrip("*"), "in": "query", "required": name.endswith("*")} for name in entry.get("query", [])
    ]
    fields = {
        "method": repr(entry["method"]),
        "server": repr("https://apis.roblox.com"),
        "path": repr(entry["path"]),
        "query_parameters": _parameters(query, "query", {}),
        "body": f"Body.{entry['body']}" if "body" in entry else "",
        "body_required": "True" if "body" in entry else "",
        "credentials": _credential_set(entry["credentials"]),
        "repeat": "Repeat.SAFE" if entry["method"] == "GET" else "",
    }
    return Row(_family(entry["path"], families), entry["constant"], fields)


def _constant(name: str) -> str:
    name = re.sub(r"^Cloud_", "", name)
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    name = re.sub(r"[^A-Za-z0-9]+", lambda m: "__" if m[0] == "__" else "_", name)
    return re.sub(r"_{3,}", "__", name).strip("_").upper()


def _parameters(parameters: list[Json], place: str, document: Json) -> str:
    items: list[str] = []
    for parameter in parameters:
        if parameter["in"] != place:
            continue
        kind = _schema_type(parameter.get("schema", {}), document)
        arguments = [repr(parameter["name"])]
        if kind != "string":
            arguments.append(repr(kind))
        if parameter.get("required"):
            arguments.append("required=True")
        items.append(f"Parameter({', '.join(arguments)})")
    return f"({', '.join(items)},)" if items else ""


def _body(body: Json) -> str:
    if not body:
        return ""
    kinds = {"multipart/form-data": "MULTIPART", "application/x-www-form-urlencoded": "FORM"}
    types: list[str] = list(body["content"])
    named = next((kinds[name] for name in types if name in kinds), None)
    return f"Body.{named}" if named else "Body.JSON" if any("json" in name for name in types) else "Body.BINARY"


def _credential_set(names: list[str]) -> str:
    if names == ["API_KEY"]:
        return ""
    return f"frozenset({{{', '.join(f'Credential.{name}' for name in names)}}})"


def _scopes(row: Row) -> str:
    return f"Scopes({row.scope_kind}=({', '.join(map(repr, row.scopes))},))" if row.scopes else ""


def _limit(limit: Json | None) -> str:
    if not limit:
        return ""
    seconds = PERIODS[limit["period"]]
    return f"Limit({limit['maxInPeriod']})" if seconds == 60 else f"Limit({limit['maxInPeriod']}, {seconds})"


def _stability(operation: Json) -> str:
    value = operation.get("x-roblox-stability")
    return f"Stability.{value}" if value else ""


def _paging(operation: Json, parameters: list[Json], document: Json) -> dict[str, str | None] | None:
    names = {p["name"].lower(): p["name"] for p in parameters if p["in"] == "query"}
    size = next((names[n] for n in ("maxpagesize", "max_page_size", "pagesize", "limit") if n in names), None)
    tokens = ("pagetoken", "page_token", "cursor", "nextcursor", "skip", "page")
    token = next((names[n] for n in tokens if n in names), None)
    if token is None:
        return None
    styles = {"cursor": "CURSOR", "nextcursor": "CURSOR", "skip": "OFFSET", "page": "PAGE_NUMBER"}
    style = styles.get(token.lower(), "TOKEN")
    following, items = _page_fields(operation, document)
    if style in ("OFFSET", "PAGE_NUMBER"):
        following = None
    elif following is None:
        return None  # nothing in the answer leads to the page after
    return {"style": style, "size": size, "token": token, "next": following, "items": items}


def _page_fields(operation: Json, document: Json) -> tuple[str | None, str | None]:
    content: Json = operation["responses"].get("200", {}).get("content", {})
    media: Json = next(iter(content.values()), _NOTHING)
    properties: dict[str, Json] = _resolved(media.get("schema", {}), document).get("properties", {})
    following = next((name for name in properties if name.startswith("next")), None)
    items = next((name for name, value in properties.items() if value.get("type") == "array"), None)
    return following, items


def _paging_source(paging: dict[str, str | None] | None) -> str:
    if paging is None:
        return ""
    style, *names = (paging[name] for name in ("style", "size", "token", "next", "items"))
    return f"Paging(PagingStyle.{style}, {', '.join(map(repr, names))})"


def _is_long_running(operation: Json) -> bool:
    return "x-long-running-operation-parameters" in operation


def modules(table: list[Row], document_hash: str) -> dict[str, str]:
    """Return the generated files by name, formatted and sealed."""
    families = sorted({row.family for row in table})
    files = {f"{name}.py": _module(name, [row for row in table if row.family == name]) for name in families}
    files["__init__.py"] = _package(families)
    return {name: _seal(text, document_hash) for name, text in _formatted(files).items()}


def _module(family: str, table: list[Row]) -> str:
    constants = [f"{row.constant}: Final = Endpoint({_arguments(row)})\n" for row in table]
    source = "".join(constants) + f"ENDPOINTS: Final = ({', '.join(row.constant for row in table)},)\n"
    used = ", ".join(name for name in MODEL if re.search(rf"\b{name}[.(]", source))
    return (
        f'"""Endpoints: {family.replace("_", " ")}."""\n\nfrom typing import Final\n\n'
        f"from rblxcloud.endpoints.model import {used}\n\n{source}"
    )


def _arguments(row: Row) -> str:
    fields = {
        "name": repr(f"{row.family}.{row.constant.lower()}"),
        **row.fields,
        "scopes": _scopes(row),
        "budgets": f"({', '.join(row.budgets)},)" if row.budgets else "",
        "paging": _paging_source(row.paging),
    }
    return ", ".join(f"{name}={fields[name]}" for name in _FIELDS if fields.get(name))


_FIELDS = (
    "name",
    "method",
    "server",
    "path",
    "path_parameters",
    "query_parameters",
    "header_parameters",
    "body",
    "body_required",
    "credentials",
    "scopes",
    "key_limit",
    "oauth_limit",
    "budgets",
    "stability",
    "repeat",
    "paging",
    "long_running",
)


def _package(families: list[str]) -> str:
    exported = ["FAMILIES", *MODEL, "all_endpoints", "find"]
    return f'''"""The endpoint table: one row for each HTTP operation of Roblox Open Cloud."""

from functools import cache
from importlib import import_module
from typing import Final

from rblxcloud.endpoints.model import {", ".join(MODEL)}

__all__ = {exported!r}

FAMILIES: Final = {tuple(families)!r}
"""The modules of this package that hold rows."""


@cache
def all_endpoints() -> tuple[Endpoint, ...]:
    """Return every row of the table; the first call imports all families."""
    modules = (import_module(f"{{__name__}}.{{family}}") for family in FAMILIES)
    return tuple(endpoint for module in modules for endpoint in module.ENDPOINTS)


def find(method: str, path_template: str) -> Endpoint | None:
    """Return the row of a method and a path template; the first call imports all families.

    Args:
        method: HTTP method in upper case.
        path_template: Path as in the table, such as `/cloud/v2/universes/{{universe_id}}`.

    Returns:
        The row; None when the table has no such endpoint.
    """
    return _by_address().get((method, path_template))


@cache
def _by_address() -> dict[tuple[str, str], Endpoint]:
    return {{(endpoint.method, endpoint.path): endpoint for endpoint in all_endpoints()}}
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
    """Return the names of generated files that are missing, or whose content is not the one they were sealed with."""
    wrong: list[str] = []
    for path in _generated(directory):
        text = path.read_text(encoding="utf-8")
        match = re.match(r"(?:#.*\n)*# content sha256: (\w+)\n", text)
        if match is None or match[1] != hashlib.sha256(text[match.end() :].encode()).hexdigest():
            wrong.append(path.name)
    present = {path.name for path in _generated(directory)}
    return sorted([*wrong, *({"__init__.py", *_listed(directory)} - present)])


def _generated(directory: Path) -> list[Path]:
    return sorted(path for path in directory.glob("*.py") if path.name != "model.py")


def _listed(directory: Path) -> list[str]:
    """Return the files that the package itself says it has."""
    package = directory / "__init__.py"
    found = re.search(r"^FAMILIES: Final = (\(.*?\))", package.read_text(), re.M | re.S) if package.exists() else None
    return [f"{family}.py" for family in ast.literal_eval(found[1])] if found else []


def find_document(given: str | None) -> Path | None:
    """Return where the official document is, if it is anywhere.

    Args:
        given: What was passed on the command line.

    Raises:
        GenerationError: What was passed is no file.
    """
    if given is not None:
        if not Path(given).is_file():
            raise GenerationError(f"there is no document at {given}")
        return Path(given)
    candidates = (os.environ.get("RBLXCLOUD_OPENAPI"), str(ROOT.parent / "shared/openapi/openapi.json"))
    return next((Path(candidate) for candidate in candidates if candidate and Path(candidate).is_file()), None)


def generate(document_path: Path) -> dict[str, str]:
    """Return the generated files by name."""
    content = document_path.read_bytes()
    overrides = tomllib.loads(OVERRIDES.read_text(encoding="utf-8"))
    try:
        document = json.loads(content)
    except ValueError as error:
        raise GenerationError(f"{document_path} is not JSON: {error}") from error
    if not isinstance(document, dict) or "paths" not in document:
        raise GenerationError(f"{document_path} is no OpenAPI document: it has no paths")
    return modules(rows(cast("Json", document), overrides), hashlib.sha256(content).hexdigest())


def check(document: Path | None, directory: Path = TABLE) -> list[str]:
    """Return what is wrong with the table as it stands in a directory."""
    problems = [f"{name} is missing or was edited by hand" for name in hand_edited(directory)]
    if document is not None:
        current = generate(document)
        present = {path.name: path.read_text(encoding="utf-8") for path in _generated(directory)}
        problems += [f"{n} is not current" for n in sorted({*current, *present}) if current.get(n) != present.get(n)]
    return problems


def write(files: dict[str, str], directory: Path = TABLE) -> None:
    """Write the generated files to a directory, and remove those that are generated no longer."""
    for path in _generated(directory):
        if path.name not in files:
            path.unlink()
    for name, text in files.items():
        path = directory / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def main(arguments: list[str] | None = None) -> int:
    """Run the generator from the command line and return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m codegen.endpoints", description=__doc__)
    parser.add_argument("--document", help="where Roblox's openapi.json is")
    parser.add_argument("--check", action="store_true", help="write nothing; fail when the table is not as generated")
    options = parser.parse_args(arguments)
    try:
        return _run(find_document(options.document), checking=options.check)
    except GenerationError as error:
        print(error, file=sys.stderr)
        return 2


def _run(document: Path | None, *, checking: bool) -> int:
    if checking:
        problems = check(document)
        print("\n".join(problems) or f"endpoints: as generated{'' if document else ' (document not at hand)'}")
        return 1 if problems else 0
    if document is None:
        raise GenerationError("the document is nowhere: pass --document PATH")
    files = generate(document)
    write(files)
    print(f"endpoints: {len(files)} files")
    return 0


if __name__ == "__main__":
    sys.exit(main())
