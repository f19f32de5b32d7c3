"""Turns classes with coroutines into classes with blocking methods, from their source text and what they are."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from collections.abc import Iterator
from types import ModuleType, UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel

from codegen.source import Function, GenerationError, Member, members, source

ASYNC_NAMES = {
    "AsyncIterator": "Iterator",
    "AsyncIterable": "Iterable",
    "AsyncGenerator": "Generator",
    "AsyncHTTPClient": "HTTPClient",
}
METHOD_NAMES = {"aclose": "close", "__aenter__": "__enter__", "__aexit__": "__exit__", "__aiter__": "__iter__"}
LIFECYCLE = "rblxcloud.sync._lifecycle"
ADAPTED = {"Client", "OAuth2App", "WebhookReceiver"}
"""Classes whose twins wrap a class of the same name in the lifecycle module, not the one that is mirrored."""
HELPERS = "Twin, alone, awaited, mirrored, same, unwrap, wrap, wrap_either"
HELD = {"ResultT", "ItemT"}
"""Type variables that can stand for a class with a twin: which values have one is only known when the program runs."""
SECRETS = {"SecretStr", "SecretBytes"}
"""What a parameter can take that is not to be seen."""
WORDING = (
    (r"`aclose(\(\))?`", r"`close\1`"),
    (r"\b(httpx2?)\.AsyncClient\b", r"\1.Client"),
    (r"any number of tasks of one event loop", "any number of threads"),
    (r"any number of tasks, threads and event loops", "any number of threads"),
    (r"\basync (with|for|def)\b", r"\1"),
    (r"\bawait ", ""),
)
"""What docstrings say otherwise of a twin."""


class Twins:
    """The twins of a package's classes.

    Args:
        package: The package; its `__all__` says what is mirrored.
    """

    def __init__(self, package: ModuleType) -> None:
        self._package = package
        self._exported = {name: getattr(package, name) for name in package.__all__}
        self._imports: set[tuple[str, str]] = set()
        self._typevars: dict[str, str] = {}
        self.names: dict[str, type] = {}
        self._find()

    def _find(self) -> None:
        """A class needs a twin when something in it is asynchronous, or speaks of a class with a twin."""
        classes = {
            name: value
            for name, value in self._exported.items()
            if inspect.isclass(value) and not issubclass(value, BaseException)
        }
        for name, value in self._exported.items():
            if inspect.isfunction(value):
                raise GenerationError(f"{name} is a function; only classes are mirrored")
        before = -1
        while before != len(self.names):
            before = len(self.names)
            for name, cls in classes.items():
                if name not in self.names and self._needs_twin(cls):
                    self.names[name] = cls

    def _needs_twin(self, cls: type) -> bool:
        if cls.__name__ not in source(cls.__module__).classes:
            return False
        for member in members(cls).values():
            for node in member.nodes:
                if isinstance(node, ast.AsyncFunctionDef):
                    return True
                annotations = [node.annotation] if isinstance(node, ast.AnnAssign) else _annotations(node)
                if any(self._twins_in(annotation, member.module) for annotation in annotations):
                    return True
        return False

    def origin(self, module: str, name: str) -> tuple[str, str] | None:
        """Return module and name where a global name was defined; None for a builtin.

        Args:
            module: Where it is used.
            name: The name there.
        """
        here = source(module)
        if name in here.imported:
            place = here.imported[name]
            return self.origin(*place) or place if place[0].startswith(self._root) else place
        return (module, name) if name in here.assigned or name in here.classes else None

    @property
    def _root(self) -> str:
        return self._package.__name__.split(".")[0]

    def _twin_of(self, module: str, name: str) -> str | None:
        place = self.origin(module, name)
        if place is None:
            return None
        for twin, cls in self.names.items():
            if (cls.__module__, cls.__name__) == place:
                return twin
        return None

    def _value(self, module: str, name: str) -> Any:
        place = self.origin(module, name)
        return None if place is None else getattr(importlib.import_module(place[0]), place[1])

    def _bound_twins(self, module: str, name: str) -> list[str]:
        """Return the twins that a type variable can stand for."""
        value = self._value(module, name)
        bound = value.__bound__ if isinstance(value, TypeVar) else None
        alternatives = get_args(bound) if get_origin(bound) in (Union, UnionType) else [bound]
        bounds = [get_origin(b) or b for b in alternatives]
        classes = tuple(b for b in bounds if inspect.isclass(b))
        return [twin for twin, cls in self.names.items() if issubclass(cls, classes)]

    def _holds(self, name: str, module: str) -> bool:
        """Return whether the twin of a generic class gives twins of what it holds."""
        variables: tuple[TypeVar, ...] = getattr(self._value(module, name), "__parameters__", ())
        return {variable.__name__ for variable in variables} <= HELD

    def _twins_in(self, node: ast.AST | None, module: str) -> bool:
        names = [] if node is None else [n.id for n in ast.walk(node) if isinstance(n, ast.Name)]
        return any(self._twin_of(module, name) or self._bound_twins(module, name) for name in names)

    # Annotations and defaults.

    def annotation(self, node: ast.expr, module: str) -> ast.expr:
        """Return an annotation as the blocking mirror has it, and note what must be imported for it.

        Args:
            node: The annotation.
            module: Where it stands.
        """
        match node:
            case ast.Name(id=name):
                return self._name(name, module)
            case ast.Constant():
                return node
            case ast.BinOp(op=ast.BitOr()):
                return self._union(node, module)
            case ast.Subscript(value=ast.Name(id="Awaitable"), slice=inner):
                return self.annotation(inner, module)
            case ast.Subscript(value=ast.Name(id="AsyncGenerator") as value, slice=ast.Tuple(elts=[item, sent])):
                parts = [self.annotation(part, module) for part in (item, sent, ast.Constant(None))]
                return ast.Subscript(self.annotation(value, module), ast.Tuple(parts, ast.Load()), ast.Load())
            case ast.Subscript(value=value, slice=inner):
                return ast.Subscript(self.annotation(value, module), self.annotation(inner, module), ast.Load())
            case ast.Tuple(elts=items):
                return ast.Tuple([self.annotation(item, module) for item in items], ast.Load())
            case ast.List(elts=items):
                return ast.List([self.annotation(item, module) for item in items], ast.Load())
            case _:
                raise GenerationError(f"{module}: cannot mirror the annotation {ast.unparse(node)}")

    def _union(self, node: ast.expr, module: str) -> ast.expr:
        kept: dict[str, ast.expr] = {}
        for alternative in _alternatives(node):
            for item in _alternatives(self.annotation(alternative, module)):
                kept.setdefault(ast.dump(item), item)
        first, *rest = kept.values()
        for item in rest:
            first = ast.BinOp(first, ast.BitOr(), item)
        return first

    def _name(self, name: str, module: str) -> ast.expr:
        twin = self._twin_of(module, name)
        if twin is not None:
            return ast.Name(twin, ast.Load())
        place = self.origin(module, name)
        if place is None:
            return ast.Name(name, ast.Load())
        if place[1] in ASYNC_NAMES:
            self._imports.add((place[0], ASYNC_NAMES[place[1]]))
            return ast.Name(ASYNC_NAMES[place[1]], ast.Load())
        value = self._value(module, name)
        if isinstance(value, TypeVar):
            self._declare(value, module)
            return ast.Name(name, ast.Load())
        if get_origin(value) is Annotated:
            return self._plain_class(get_args(value)[0])
        alias = source(place[0]).assigned.get(place[1]) if place[0].startswith(self._root) else None
        if isinstance(alias, ast.Subscript | ast.BinOp) and _is_asynchronous(alias):
            return self.annotation(alias, place[0])
        self._imports.add(place)
        return ast.Name(place[1], ast.Load())

    def _plain_class(self, cls: type) -> ast.expr:
        if cls.__module__ != "builtins":
            self._imports.add((cls.__module__, cls.__name__))
        return ast.Name(cls.__name__, ast.Load())

    def _declare(self, variable: TypeVar, module: str) -> None:
        bound = " | ".join(self._for_anything(twin) for twin in self._bound_twins(module, variable.__name__))
        if inspect.isclass(variable.__bound__) and not bound:
            bound = ast.unparse(self._plain_class(variable.__bound__))
        if (variable.__bound__ is not None and not bound) or variable.__constraints__:
            raise GenerationError(f"{module}: cannot mirror the type variable {variable}")
        declared = f'{variable.__name__} = TypeVar("{variable.__name__}"{f", bound={bound!r}" if bound else ""})'
        if self._typevars.setdefault(variable.__name__, declared) != declared:
            raise GenerationError(f"{module}: {variable} is declared elsewhere in another way")

    def _for_anything(self, twin: str) -> str:
        variables: tuple[TypeVar, ...] = getattr(self.names[twin], "__parameters__", ())
        if not variables:
            return twin
        self._imports.add(("typing", "Any"))
        return f"{twin}[{', '.join('Any' for _ in variables)}]"

    def signature(self, node: Function, module: str) -> str:
        """Return the parameters and the result of a method as the blocking mirror has them.

        Args:
            node: The method.
            module: Where it stands.
        """
        arguments = node.args
        new = ast.arguments(
            posonlyargs=[self._parameter(p, module) for p in arguments.posonlyargs],
            args=[self._parameter(p, module) for p in arguments.args],
            vararg=arguments.vararg and self._parameter(arguments.vararg, module),
            kwonlyargs=[self._parameter(p, module) for p in arguments.kwonlyargs],
            kw_defaults=[default and self._default(default, module) for default in arguments.kw_defaults],
            kwarg=arguments.kwarg and self._parameter(arguments.kwarg, module),
            defaults=[self._default(default, module) for default in arguments.defaults],
        )
        returns = "" if node.returns is None else f" -> {ast.unparse(self.annotation(node.returns, module))}"
        return f"({ast.unparse(new)}){returns}"

    def _parameter(self, parameter: ast.arg, module: str) -> ast.arg:
        return ast.arg(parameter.arg, parameter.annotation and self.annotation(parameter.annotation, module))

    def _default(self, node: ast.expr, module: str) -> ast.expr:
        for name in (n.id for n in ast.walk(node) if isinstance(n, ast.Name)):
            place = self.origin(module, name)
            if place is not None:
                self._imports.add(place)
        return node

    # Bodies.

    def wrapping(self, node: ast.expr | None, module: str, value: str, function: Function | None = None) -> str:
        """Return an expression that gives twins for what the core returned.

        Args:
            node: Annotation of the value in the core.
            module: Where it stands.
            value: Expression of the value.
            function: The method whose result it is, when it is the whole result.

        Raises:
            GenerationError: Twins are in a type whose values cannot be mapped.
        """
        match node:
            case ast.Name(id="Self"):
                return f"same(self, {value})"
            case None:
                return value
            case _ if not self._twins_in(node, module):
                return f"mirrored({value})" if _is_held(node) else value
            case ast.Name(id=name) if not self._twin_of(module, name):
                return f"same({_parameter_of(name, function)}, {value})"
            case ast.Name():
                return f"wrap({self._text(node, module)}, {value})"
            case ast.Subscript(value=ast.Name(id=name), slice=inner) if self._twin_of(module, name):
                if self._twins_in(inner, module) and not self._holds(name, module):
                    raise GenerationError(f"{module}: cannot map twins inside {ast.unparse(node)}")
                return f"wrap({self._text(node, module)}, {value})"
            case ast.BinOp():
                return self._wrapping_union(node, module, value)
            case ast.Subscript(value=ast.Name(id="list" | "Sequence"), slice=inner):
                return f"[{self.wrapping(inner, module, 'item')} for item in {value}]"
            case ast.Subscript(value=ast.Name(id="tuple"), slice=ast.Tuple(elts=[inner, ast.Constant(value=ends)])):
                if ends is ...:
                    return f"tuple([{self.wrapping(inner, module, 'item')} for item in {value}])"
            case ast.Subscript(value=ast.Name(id="dict" | "Mapping"), slice=ast.Tuple(elts=[key, inner])):
                if not self._twins_in(key, module):
                    return f"{{key: {self.wrapping(inner, module, 'item')} for key, item in {value}.items()}}"
            case _:
                pass
        raise GenerationError(f"{module}: cannot map twins inside {ast.unparse(node)}")

    def _text(self, node: ast.expr, module: str) -> str:
        return ast.unparse(self.annotation(node, module))

    def _wrapping_union(self, node: ast.expr, module: str, value: str) -> str:
        twins = [item for item in _alternatives(node) if self._twins_in(item, module)]
        for item in twins:
            base = item.value if isinstance(item, ast.Subscript) else item
            if not isinstance(base, ast.Name) or not self._twin_of(module, base.id):
                raise GenerationError(f"{module}: cannot map twins inside {ast.unparse(node)}")
        return f"wrap_either({value}, {', '.join(self._text(item, module) for item in twins)})"

    def unwrapping(self, node: ast.expr | None, module: str, value: str) -> str:
        """Return an expression that gives the core what an argument wraps.

        Args:
            node: Annotation of the argument in the core.
            module: Where it stands.
            value: Expression of the argument.

        Raises:
            GenerationError: Twins are in a type whose values cannot be mapped.
        """
        match node:
            case ast.Subscript(
                value=ast.Name(id="Callable"), slice=ast.Tuple(elts=[_, ast.Subscript(value=ast.Name(id="Awaitable"))])
            ) if not self._twins_in(node, module):
                return f"awaited({value})"
            case None:
                return value
            case _ if not self._twins_in(node, module):
                return value
            case ast.Name() | ast.BinOp() if not _containers(node):
                return f"unwrap({value})"
            case ast.Subscript(value=ast.Name(id="list" | "Sequence" | "Iterable"), slice=inner):
                return f"[{self.unwrapping(inner, module, 'item')} for item in {value}]"
            case ast.Subscript(value=ast.Name(id="dict" | "Mapping"), slice=ast.Tuple(elts=[_, inner])):
                return f"{{key: {self.unwrapping(inner, module, 'item')} for key, item in {value}.items()}}"
            case ast.Subscript(value=ast.Name(id=name)) if self._twin_of(module, name):
                return f"unwrap({value})"
            case _:
                raise GenerationError(f"{module}: cannot map twins inside {ast.unparse(node)}")

    def arguments(self, node: Function, module: str) -> str:
        """Return the arguments with which a twin's method calls the core's.

        Args:
            node: The method.
            module: Where it stands.
        """
        positional = [*node.args.posonlyargs, *node.args.args]
        required = len(positional) if node.args.vararg else len(positional) - len(node.args.defaults)
        passed: list[str] = []
        for place, parameter in enumerate(positional[1:], start=1):
            value = self.unwrapping(parameter.annotation, module, parameter.arg)
            by_place = place < required or parameter in node.args.posonlyargs
            passed.append(value if by_place else f"{parameter.arg}={value}")
        if node.args.vararg:
            passed.append(f"*{node.args.vararg.arg}")
        for parameter in node.args.kwonlyargs:
            passed.append(f"{parameter.arg}={self.unwrapping(parameter.annotation, module, parameter.arg)}")
        if node.args.kwarg:
            passed.append(f"**{node.args.kwarg.arg}")
        return ", ".join(passed)

    # Classes.

    def module(self) -> str:
        """Return the source of the module of twins; its imports may be too many."""
        # A class stands below those it inherits from.
        ordered = sorted(self.names.items(), key=lambda item: len(self._bases(item[1])))
        classes = "\n\n".join(self._class(name, cls) for name, cls in ordered)
        imports = [f"from {module} import {name}" for module, name in sorted(self._imports)]
        imports += [f"from {cls.__module__} import {cls.__name__} as Async{name}" for name, cls in self.names.items()]
        return "\n".join(
            [
                f'"""The blocking twins of the classes of `{self._package.__name__}`."""\n',
                "# What a twin wraps is narrower than what its base wraps.",
                "# pyright: reportIncompatibleVariableOverride=false\n",
                "from __future__ import annotations\n",
                "from typing import Generic, TypeVar, overload",
                "from rblxcloud.runtime.blocking import iterate, run",
                "from rblxcloud.sync import _lifecycle",
                f"from {LIFECYCLE} import {HELPERS}",
                *imports,
                "",
                *sorted(self._typevars.values()),
                "",
                classes,
            ]
        )

    def _bases(self, cls: type) -> list[str]:
        """Return the twins of what a class inherits from, the nearest first."""
        return [twin for base in cls.__mro__[1:] for twin, mirrored in self.names.items() if mirrored is base]

    def _base_of(self, cls: type, twin: str) -> str:
        """Return the nearest twin as a base class, with what stands for its type variables."""
        for node in source(cls.__module__).classes[cls.__name__].bases:
            if isinstance(node, ast.Subscript) and ast.unparse(node.value) == self.names[twin].__name__:
                return self._text(node, cls.__module__)
        return twin

    def _class(self, name: str, cls: type) -> str:
        variables: tuple[TypeVar, ...] = getattr(cls, "__parameters__", ())
        for variable in variables:
            self._declare(variable, cls.__module__)
        generic = f"[{', '.join(v.__name__ for v in variables)}]" if variables else ""
        inherited = self._bases(cls)
        base = self._base_of(cls, inherited[0]) if inherited else "Twin"
        bases = f"{base}, Generic{generic}" if generic else base
        lines = [f"class {name}({bases}, wraps=Async{name}):", _docstring(inspect.getdoc(cls))]
        lines += [f"    _impl: Async{name}{generic}", ""]
        for member_name, member in members(cls).items():
            if not self._is_internal(member_name, member):
                lines += [*self._member(name, cls, member_name, member), ""]
            elif member_name == "__init__" and inherited:
                lines += ["    def __init__(self) -> None:", _docstring("Refuse: it is got from another object.", 8)]
                lines += ["        Twin.__init__(self)", ""]
        return "\n".join(lines)

    def _is_internal(self, name: str, member: Member) -> bool:
        """Constructors and class methods that take what is not exported are for the package alone."""
        node = member.last
        if isinstance(node, ast.AnnAssign):
            return False
        known = {*self._exported, *ASYNC_NAMES}
        unknown = [n for n in self._classes_in(_parameter_annotations(node), member.module) if n not in known]
        if unknown and name != "__init__" and "classmethod" not in _decorators(node):
            raise GenerationError(f"{member.module}: {name} takes {unknown[0]}, which is not exported")
        return bool(unknown)

    def _classes_in(self, nodes: list[ast.expr], module: str) -> Iterator[str]:
        for name in (n.id for node in nodes for n in ast.walk(node) if isinstance(n, ast.Name)):
            place = self.origin(module, name)
            if place is not None and place[0].startswith(self._root) and place[1] in source(place[0]).classes:
                yield place[1]

    def _member(self, twin: str, cls: type, name: str, member: Member) -> list[str]:
        node = member.last
        if isinstance(node, ast.AnnAssign):
            return self._property(name, node.annotation, member)
        decorators = _decorators(node)
        if decorators == {"property"}:
            return self._property(name, node.returns, member)
        if decorators:
            raise GenerationError(f"{cls.__name__}.{name}: cannot mirror {', '.join(sorted(decorators))}")
        lines: list[str] = []
        for overload in member.nodes[:-1]:
            assert isinstance(overload, Function)
            lines += ["    @overload", f"    def {name}{self.signature(overload, member.module)}: ..."]
        new_name = METHOD_NAMES.get(name, name)
        lines += [f"    def {new_name}{self.signature(node, member.module)}:", _docstring(member.doc, 8)]
        if name == "__init__":
            return [*lines, f"        self._impl = {self._construction(twin, cls, node, member.module)}"]
        if isinstance(node, ast.AsyncFunctionDef) and (secrets := _secrets(node)):
            # Tracebacks can be made to show variables, and a twin's are there for as long as the core runs.
            lines += [f"        call = self._impl.{name}({self.arguments(node, member.module)})"]
            lines += [f"        del {', '.join(secrets)}"]
            return [*lines, f"        {self._result(node, member.module, 'run(call)')}"]
        return [*lines, f"        {self._body(name, node, member.module)}"]

    def _property(self, name: str, annotation: ast.expr | None, member: Member) -> list[str]:
        if annotation is None:
            raise GenerationError(f"{member.module}: {name} has no annotation")
        result = self._text(annotation, member.module)
        value = self.wrapping(annotation, member.module, f"self._impl.{name}")
        head = f"    @property\n    def {name}(self) -> {result}:"
        return [head, _docstring(member.doc, 8), f"        return {value}"]

    def _construction(self, twin: str, cls: type, node: Function, module: str) -> str:
        arguments = self.arguments(node, module)
        if twin in ADAPTED:
            return f"_lifecycle.{twin}({arguments})"
        return f"alone(Async{twin}, {arguments})" if issubclass(cls, BaseModel) else f"Async{twin}({arguments})"

    def _body(self, name: str, node: Function, module: str) -> str:
        call = f"self._impl.{name}({self.arguments(node, module)})"
        if _base(node.returns) in ASYNC_NAMES:
            each = self._each(node.returns, module)
            return f"return iterate({call}, {each})" if each else f"return iterate({call})"
        return self._result(node, module, f"run({call})" if isinstance(node, ast.AsyncFunctionDef) else call)

    def _result(self, node: Function, module: str, value: str) -> str:
        if isinstance(node.returns, ast.Constant) and node.returns.value is None:
            return value
        return f"return {self.wrapping(node.returns, module, value, node)}"

    def _each(self, node: ast.expr | None, module: str) -> str | None:
        """Return a function that gives a twin for an item of a generator; None where items have none."""
        assert isinstance(node, ast.Subscript)
        item = node.slice.elts[0] if isinstance(node.slice, ast.Tuple) else node.slice
        value = self.wrapping(item, module, "item")
        return {"item": None, "mirrored(item)": "mirrored"}.get(value, f"lambda item: {value}")


def _alternatives(node: ast.expr) -> list[ast.expr]:
    if isinstance(node, ast.BinOp):
        return [*_alternatives(node.left), *_alternatives(node.right)]
    return [node]


def _base(node: ast.expr | None) -> str | None:
    name = node.value if isinstance(node, ast.Subscript) else node
    return name.id if isinstance(name, ast.Name) else None


def _containers(node: ast.expr) -> bool:
    return any(_base(item) in {"list", "Sequence", "Iterable", "dict", "Mapping"} for item in _alternatives(node))


def _is_held(node: ast.AST) -> bool:
    return bool(_names(node) & HELD)


def _is_asynchronous(node: ast.expr) -> bool:
    return bool(_names(node) & {*ASYNC_NAMES, "Awaitable"})


def _decorators(node: Function) -> set[str]:
    return {ast.unparse(decorator) for decorator in node.decorator_list} - {"overload"}


def _secrets(node: Function) -> list[str]:
    """Return the parameters that take a secret, wrapped or plain."""
    every = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    return [each.arg for each in every if each.annotation and _names(each.annotation) & SECRETS]


def _names(node: ast.AST) -> set[str]:
    return {name.id for name in ast.walk(node) if isinstance(name, ast.Name)}


def _parameter_annotations(node: Function) -> list[ast.expr]:
    arguments = node.args
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
    return [parameter.annotation for parameter in every if parameter is not None and parameter.annotation is not None]


def _annotations(node: Function) -> list[ast.expr]:
    return [*_parameter_annotations(node), *([node.returns] if node.returns else [])]


def _parameter_of(variable: str, function: Function | None) -> str:
    for parameter in function.args.args if function else ():
        if isinstance(parameter.annotation, ast.Name) and parameter.annotation.id == variable:
            return parameter.arg
    raise GenerationError(f"no argument is of type {variable}")


def _docstring(doc: str | None, indent: int = 4) -> str:
    if doc is None:
        return ""
    text = inspect.cleandoc(doc)
    for pattern, replacement in WORDING:
        text = re.sub(pattern, replacement, text)
    lines = text.split("\n")
    if len(lines) > 1:
        lines.append("")
    quoted = f'{"r" if chr(92) in text else ""}"""' + "\n".join(lines) + '"""'
    return "\n".join(" " * indent + line if line else "" for line in quoted.split("\n"))
