"""Classes as source text: their public members, and where the names in them come from."""

from __future__ import annotations

import ast
import importlib
import inspect
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache

from pydantic import BaseModel

FORWARDED = {
    "__repr__",
    "__repr_args__",
    "__str__",
    "__eq__",
    "__hash__",
    "__del__",
    "__copy__",
    "__deepcopy__",
    "__getstate__",
    "__reduce__",
}
"""Methods that `Twin` forwards, or that what it wraps keeps to itself."""

Function = ast.FunctionDef | ast.AsyncFunctionDef
Statement = Function | ast.AnnAssign


class GenerationError(Exception):
    """A class has something that cannot be mirrored."""


@dataclass
class Source:
    """A module as text: where its global names come from."""

    name: str
    imported: dict[str, tuple[str, str]] = field(default_factory=dict[str, tuple[str, str]])
    assigned: dict[str, ast.expr] = field(default_factory=dict[str, ast.expr])
    classes: dict[str, ast.ClassDef] = field(default_factory=dict[str, ast.ClassDef])


@cache
def source(module: str) -> Source:
    """Return the names of a module.

    Args:
        module: Its dotted name.
    """
    found = Source(module)
    tree = ast.parse(inspect.getsource(importlib.import_module(module)))
    for node in _statements(tree.body):
        match node:
            case ast.ImportFrom(module=str(origin), names=names):
                found.imported |= {alias.asname or alias.name: (origin, alias.name) for alias in names}
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                found.assigned[name] = value
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                found.assigned[name] = value
            case ast.ClassDef(name=name):
                found.classes[name] = node
            case _:
                pass
    return found


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield the statements of a module, with those that only type checkers run."""
    for node in body:
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            yield from node.body
        else:
            yield node


@dataclass
class Member:
    """A public member of a class: the statements that define it, overloads first."""

    module: str
    nodes: list[Statement]
    doc: str | None

    @property
    def last(self) -> Statement:
        """The definition itself."""
        return self.nodes[-1]


def members(cls: type) -> dict[str, Member]:
    """Return the public and special members of a class by name, inherited ones too: fields first.

    Args:
        cls: A class; what it inherits from other packages is not its own.
    """
    package = cls.__module__.split(".")[0]
    found: dict[str, Member] = {}
    for base in (base for base in cls.__mro__ if base.__module__.split(".")[0] == package):
        found = {**_members_of(base), **found}
    return dict(sorted(found.items(), key=lambda item: not isinstance(item[1].last, ast.AnnAssign)))


def _members_of(cls: type) -> dict[str, Member]:
    found: dict[str, Member] = {}
    body = source(cls.__module__).classes[cls.__name__].body
    for node, following in zip(body, [*body[1:], None], strict=True):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) if _is_public(cls, name):
                overloads = found[name].nodes if name in found else []
                found[name] = Member(cls.__module__, [*overloads, node], ast.get_docstring(node))
            case ast.AnnAssign(target=ast.Name(id=name)) if _is_public(cls, name):
                found[name] = Member(cls.__module__, [node], _text(following))
            case _:
                pass
    return found


def _text(node: ast.stmt | None) -> str | None:
    match node:
        case ast.Expr(value=ast.Constant(value=str(text))):
            return text
        case _:
            return None


def _is_public(cls: type, name: str) -> bool:
    special = name.startswith("__") and name.endswith("__") and name not in FORWARDED
    framework = issubclass(cls, BaseModel) and hasattr(BaseModel, name) and name != "__init__"
    return special or not (name.startswith("_") or framework)
