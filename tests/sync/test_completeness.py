"""The mirror has everything: derived here from the live objects, not from their source as the generator does."""

from __future__ import annotations

import dataclasses
import inspect
import re
import types
import typing
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Awaitable,
    Callable,
    Generator,
    Iterable,
    Iterator,
    Sequence,
)
from typing import Any, TypeVar

import pytest
from pydantic import BaseModel

import rblxcloud
import rblxcloud.sync
from rblxcloud.sync import _generated
from rblxcloud.sync._lifecycle import Twin
from rblxcloud.types import AsyncHTTPClient, HTTPClient

RENAMED = {"aclose": "close", "__aenter__": "__enter__", "__aexit__": "__exit__", "__aiter__": "__iter__"}
BLOCKING = {AsyncIterator: Iterator, AsyncIterable: Iterable, AsyncHTTPClient: HTTPClient}
CLASSES = [name for name in rblxcloud.__all__ if inspect.isclass(getattr(rblxcloud, name))]
PUBLIC = {name: getattr(rblxcloud, name) for name in CLASSES}


def _own_members(cls: type) -> dict[str, Any]:
    bases = [base for base in reversed(cls.__mro__) if base.__module__.startswith("rblxcloud")]
    return {name: value for base in bases for name, value in vars(base).items()}


def _is_asynchronous(member: object) -> bool:
    return inspect.iscoroutinefunction(member) or inspect.isasyncgenfunction(member)


def _is_asynchronous_class(cls: type) -> bool:
    return not issubclass(cls, BaseException) and any(map(_is_asynchronous, _own_members(cls).values()))


ASYNCHRONOUS = [cls for cls in (getattr(rblxcloud, name) for name in CLASSES) if _is_asynchronous_class(cls)]


def _speaks_of(hint: Any) -> bool:
    return hint in ASYNCHRONOUS or any(map(_speaks_of, typing.get_args(hint)))


def _needs_twin(cls: type) -> bool:
    holds = dataclasses.is_dataclass(cls) and any(map(_speaks_of, typing.get_type_hints(cls).values()))
    return cls in ASYNCHRONOUS or holds


TWINS = {cls: getattr(rblxcloud.sync, name) for name in CLASSES if _needs_twin(cls := getattr(rblxcloud, name))}


def _expected_members(cls: type) -> dict[str, Any]:
    """Public methods and properties by their blocking names, and the special ones that are asynchronous."""
    found: dict[str, Any] = {}
    for name, member in _own_members(cls).items():
        public = not name.startswith("_") and (inspect.isfunction(member) or isinstance(member, property))
        hidden = issubclass(cls, BaseModel) and hasattr(BaseModel, name)
        if (public and not hidden) or (name in RENAMED):
            found[RENAMED.get(name, name)] = member
    return found


def _fields(cls: type) -> list[str]:
    if issubclass(cls, BaseModel):
        return [*cls.model_fields]
    bases = [base for base in cls.__mro__ if base.__module__.startswith("rblxcloud")]
    return [name for base in bases for name in vars(base).get("__annotations__", {}) if not name.startswith("_")]


def _mirrored(hint: Any) -> Any:
    """Return what a blocking program has instead of a type."""
    if isinstance(hint, TypeVar):
        return getattr(_generated, hint.__name__)
    if isinstance(hint, list):
        return [_mirrored(item) for item in hint]
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is None:
        return TWINS.get(hint) or BLOCKING.get(hint, hint)
    if origin is Awaitable:
        return _mirrored(arguments[0])
    inner = tuple(_mirrored(argument) for argument in arguments)
    if origin in (types.UnionType, typing.Union):
        return typing.Union[inner]  # noqa: UP007
    if origin is Callable:
        return Callable[inner[0], inner[1]]
    if origin is AsyncGenerator:
        return Generator[*inner, None]
    return (BLOCKING.get(origin) or TWINS.get(origin) or origin)[inner]


def _hints(function: Any) -> dict[str, Any]:
    """Return the annotations; modules that know each other import some of the names for type checkers alone."""
    return typing.get_type_hints(function, globalns={**PUBLIC, **function.__globals__})


def _describe(function: Any, convert: Callable[[Any], Any]) -> tuple[Any, ...]:
    parameters = inspect.signature(function).parameters.values()
    hints = _hints(function)
    return (
        [(p.name, p.kind, p.default) for p in parameters],
        {name: convert(hint) for name, hint in hints.items()},
    )


METHODS = [
    pytest.param(twin, name, member, id=f"{twin.__name__}.{name}")
    for cls, twin in TWINS.items()
    for name, member in _expected_members(cls).items()
]


def test_the_mirror_exports_the_same_names() -> None:
    assert rblxcloud.sync.__all__ == rblxcloud.__all__


def test_only_classes_with_coroutines_have_twins() -> None:
    assert {cls.__name__ for cls in TWINS} == {
        "Asset",
        "AccessToken",
        "Client",
        "Creator",
        "DataStore",
        "CreatorStore",
        "Experience",
        "GameServers",
        "HomepageThumbnails",
        "Group",
        "LuauTask",
        "Instance",
        "MemoryQueue",
        "Operation",
        "OAuth2App",
        "OrderedDataStore",
        "Pager",
        "PartialAccessToken",
        "Place",
        "Resources",
        "Secrets",
        "QueueRead",
        "SortedMap",
        "User",
        "UserClient",
        "UserRestrictions",
        "WebhookReceiver",
    }
    twins = {name for name in CLASSES if issubclass(getattr(rblxcloud.sync, name), Twin)}
    assert twins == {cls.__name__ for cls in TWINS}


@pytest.mark.parametrize("name", [name for name in rblxcloud.__all__ if getattr(rblxcloud, name) not in [*TWINS]])
def test_plain_values_are_the_same_objects(name: str) -> None:
    assert getattr(rblxcloud.sync, name) is getattr(rblxcloud, name)


@pytest.mark.parametrize(("cls", "twin"), TWINS.items())
def test_a_twin_has_these_members_and_no_others(cls: type, twin: type) -> None:
    public = {name for name in vars(twin) if not name.startswith("_")}
    special = set(RENAMED.values()) & set(vars(twin))
    assert public | special == {*_expected_members(cls), *_fields(cls)}


@pytest.mark.parametrize(("twin", "name", "member"), METHODS)
def test_a_member_has_the_signature_of_its_like(twin: type, name: str, member: Any) -> None:
    mirror = inspect.getattr_static(twin, name)
    assert type(mirror) is type(member)
    if isinstance(member, property):
        member, mirror = member.fget, mirror.fget
    assert not _is_asynchronous(mirror)
    assert _describe(mirror, lambda hint: hint) == _describe(member, _mirrored)
    ours, theirs = typing.get_overloads(mirror), typing.get_overloads(member)
    assert [_describe(o, lambda hint: hint) for o in ours] == [_describe(o, _mirrored) for o in theirs]


@pytest.mark.parametrize(
    "name", ["Asset", "Client", "Experience", "Group", "OAuth2App", "Pager", "User", "WebhookReceiver"]
)
def test_a_constructor_takes_the_same(name: str) -> None:
    made, mirror = getattr(rblxcloud, name).__init__, getattr(rblxcloud.sync, name).__init__
    assert _describe(mirror, lambda hint: hint) == _describe(made, _mirrored)


@pytest.mark.parametrize(("cls", "twin"), [pair for pair in TWINS.items() if _fields(pair[0])])
def test_fields_are_properties_of_the_same_type(cls: type, twin: type) -> None:
    hints = typing.get_type_hints(cls)
    for name in _fields(cls):
        mirror = inspect.getattr_static(twin, name)
        assert isinstance(mirror, property)
        assert mirror.fset is None
        assert typing.get_type_hints(mirror.fget)["return"] == _mirrored(hints[name])


@pytest.mark.parametrize("twin", TWINS.values())
def test_docstrings_are_there_and_speak_of_blocking_code(twin: type) -> None:
    own = {
        name: value for name, value in vars(twin).items() if inspect.isfunction(value) or isinstance(value, property)
    }
    for name, value in {**own, "class": twin}.items():
        assert value.__doc__ or name == "__init__", name
        assert not re.search(r"\bawait\b|\basync\b|aclose|AsyncClient|event loop", value.__doc__ or ""), name


def test_a_hook_is_a_plain_function() -> None:
    hints = typing.get_type_hints(rblxcloud.sync.Client.__init__)
    assert hints["on_request"] == Sequence[Callable[[rblxcloud.RequestEvent], Any]]
    assert hints["on_response"] == Sequence[Callable[[rblxcloud.ResponseEvent], Any]]
