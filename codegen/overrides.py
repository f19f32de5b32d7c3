"""What `overrides.toml` does to the document and to its rows. An override that changes nothing is an error."""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

Json = dict[str, Any]


class GenerationError(Exception):
    """The document or the overrides are not as expected."""


@dataclass
class Row:
    """One endpoint on its way into the table."""

    family: str
    constant: str
    fields: dict[str, str]
    """Python source of its fields, by name; empty where the default holds."""
    scopes: tuple[str, ...] = ()
    scope_kind: str = "all_of"
    paging: dict[str, str | None] | None = None
    budgets: list[str] = field(default_factory=list[str])

    @property
    def reference(self) -> str:
        """How overrides name it."""
        return f"{self.family}.{self.constant}"


def apply_patches(document: Json, patches: list[Json]) -> Json:
    """Return a patched copy of the document.

    Raises:
        GenerationError: A patch has no reason, finds no place, or finds its value there already.
    """
    result = copy.deepcopy(document)
    for patch in patches:
        if not patch.get("reason"):
            raise GenerationError(f"the patch of {patch['pointers']} gives no reason")
        for pointer in patch["pointers"]:
            _patch(result, pointer, patch["value"])
    return result


def _patch(document: Json, pointer: str, value: Any) -> None:
    *parents, last = (part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:])
    place: Any = document
    try:
        for part in parents:
            place = place[_key(place, part)]
        key = _key(place, last)
        present: Any = _at(place, key)
    except (KeyError, IndexError, ValueError) as error:
        raise GenerationError(f"unused patch: {pointer} is not in the document") from error
    if present == value:
        raise GenerationError(f"unused patch: {pointer} has that value already")
    place[key] = copy.deepcopy(value)


def _key(place: Any, part: str) -> Any:
    return int(part) if isinstance(place, list) else part


def _at(place: Any, key: Any) -> Any:
    return cast("Any", place)[key] if isinstance(place, list) else place.get(key)


def apply_overrides(table: list[Row], overrides: Json) -> None:
    """Name the rows, and change what the document gets wrong about them.

    Raises:
        GenerationError: An override gives no reason or changes nothing, or names clash.
    """
    _rename(table, overrides.get("names", {}))
    references = [row.reference for row in table]
    if len(set(references)) != len(references):
        raise GenerationError(f"names clash: {sorted({r for r in references if references.count(r) > 1})}")
    _drop_placeholders(table, overrides.get("placeholder_limit"))
    for kind, apply in _KINDS.items():
        for entry in overrides.get(kind, []):
            for row in _chosen(table, entry):
                apply(row, entry)


def long_running(poll: str, states: str | None = None) -> str:
    """Return the source of a long-running column."""
    return f"LongRunning({poll!r}, states={states!r})" if states else f"LongRunning({poll!r})"


def _rename(table: list[Row], names: dict[str, dict[str, str]]) -> None:
    wanted = {(family, old): new for family, pairs in names.items() for old, new in pairs.items()}
    for row in table:
        new = wanted.pop((row.family, row.constant), None)
        row.constant = new or row.constant
    if wanted:
        raise GenerationError(f"unused names: {sorted(wanted)}")


def _drop_placeholders(table: list[Row], placeholder: Json | None) -> None:
    if placeholder is None:
        return
    if not placeholder.get("reason"):
        raise GenerationError("placeholder_limit gives no reason")
    source = f"Limit({placeholder['count']})"
    hits = [row for row in table if row.fields.get("key_limit") == source or row.fields.get("oauth_limit") == source]
    if not hits:
        raise GenerationError("unused placeholder_limit")
    for row in hits:
        for name in ("key_limit", "oauth_limit"):
            if row.fields.get(name) == source:
                row.fields[name] = ""


def _chosen(table: list[Row], entry: Json) -> list[Row]:
    by_reference = {row.reference: row for row in table}
    missing = [name for name in entry["endpoints"] if name not in by_reference]
    if missing or not entry.get("reason"):
        raise GenerationError(f"an override names unknown endpoints {missing} or gives no reason: {entry}")
    return [by_reference[name] for name in entry["endpoints"]]


def _set_scopes(row: Row, entry: Json) -> None:
    if row.scope_kind == entry["kind"] or not row.scopes:
        raise GenerationError(f"unused override: the scopes of {row.reference} are {entry['kind']} already, or none")
    row.scope_kind = entry["kind"]


def _add_budget(row: Row, entry: Json) -> None:
    path: str = ast.literal_eval(row.fields["path"])
    keyed_by = ("universeId" if "{universeId}" in path else "universe_id", *entry.get("keyed_by", []))
    if unknown := [name for name in keyed_by if f"{{{name}}}" not in path]:
        raise GenerationError(f"the budget {entry['name']} counts by {unknown}, which {row.reference} does not have")
    arguments = [repr(entry["name"]), str(entry["count"])]
    if entry.get("seconds", 60) != 60:
        arguments.append(f"seconds={entry['seconds']}")
    if entry.get("per_player"):
        arguments.append(f"per_player={entry['per_player']}")
    if keyed_by != ("universe_id",):
        arguments.append(f"keyed_by={keyed_by!r}")
    budget = f"Budget({', '.join(arguments)})"
    if budget in row.budgets:
        raise GenerationError(f"unused override: {row.reference} has the budget {entry['name']} already")
    row.budgets.append(budget)


def _set_repeat(row: Row, entry: Json) -> None:
    source = "" if entry["value"] == "NEVER" else f"Repeat.{entry['value']}"
    _change(row, "repeat", source)


def _set_long_running(row: Row, entry: Json) -> None:
    _change(row, "long_running", long_running(entry["poll"], entry.get("states")))


def _change(row: Row, name: str, source: str) -> None:
    if row.fields.get(name, "") == source:
        raise GenerationError(f"unused override: {name} of {row.reference} is that already")
    row.fields[name] = source


def _set_paging(row: Row, entry: Json) -> None:
    paging = {**(row.paging or {}), **entry["set"]}
    if paging == row.paging:
        raise GenerationError(f"unused override: the paging of {row.reference} is that already")
    row.paging = paging


_KINDS: dict[str, Callable[[Row, Json], None]] = {
    "scopes": _set_scopes,
    "budget": _add_budget,
    "repeat": _set_repeat,
    "paging": _set_paging,
    "long_running": _set_long_running,
}
