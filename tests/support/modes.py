"""Stories are written once, against the async API. Here they also run through `rblxcloud.sync`.

A `View` shows a twin with the async package's manners: what is a coroutine there is called at once, and its result is
wrapped so that it can be awaited. Nothing of it suspends, so a story is driven by one step.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Generator
from dataclasses import replace
from typing import Any

import rblxcloud
import rblxcloud.sync

TWINS = tuple(
    twin
    for name in rblxcloud.__all__
    if inspect.isclass(twin := getattr(rblxcloud.sync, name, None)) and twin is not getattr(rblxcloud, name)
)


class Ready:
    """A result that can be awaited."""

    def __init__(self, value: Any) -> None:
        self._value = value

    def __await__(self) -> Generator[Any, None, Any]:
        return self._value
        yield


class View:
    """A twin, seen as its async original."""

    def __init__(self, twin: Any) -> None:
        self._twin = twin
        self._original = getattr(rblxcloud, type(twin).__name__)

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._twin, name)
        original = inspect.getattr_static(self._original, name, None)
        if not callable(value):
            return view(value)
        if inspect.iscoroutinefunction(original):
            return lambda *a, **k: Ready(view(value(*_plain(a), **_named(k))))
        if inspect.isasyncgenfunction(original):
            return lambda *a, **k: _iterate(value(*_plain(a), **_named(k)))
        return lambda *a, **k: view(value(*_plain(a), **_named(k)))

    def __reduce__(self) -> tuple[Any, ...]:
        return view, (self._twin,)

    def __aiter__(self) -> AsyncIterator[Any]:
        return _iterate(iter(self._twin))

    def __eq__(self, other: object) -> bool:
        return self._twin == (other._twin if isinstance(other, View) else other)

    def __hash__(self) -> int:
        return hash(self._twin)

    def __repr__(self) -> str:
        return repr(self._twin)


def view(value: Any) -> Any:
    """Return a twin's view, also in a list or a page; anything else as it is."""
    if isinstance(value, list):
        return [view(item) for item in value]
    if isinstance(value, rblxcloud.Page):
        return replace(value, items=tuple(map(view, value.items)))
    return View(value) if isinstance(value, TWINS) else value


def _plain(arguments: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(argument._twin if isinstance(argument, View) else argument for argument in arguments)


def _named(arguments: dict[str, Any]) -> dict[str, Any]:
    return dict(zip(arguments, _plain(tuple(arguments.values())), strict=True))


async def _iterate(items: Any) -> AsyncIterator[Any]:
    try:
        for item in items:
            yield view(item)
    finally:
        if hasattr(items, "close"):
            items.close()
