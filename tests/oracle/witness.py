"""Sees which public method sends to which endpoint while a story is told; the scenarios' conftest puts it to work.

The endpoint index (`codegen/index.py`) is written from what it has seen. A request counts when the emulator took it for
the endpoint that the client meant and did what it asked, and it is put down to the innermost public method that was being
run.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import pytest

from codegen.index import ANY_ENDPOINT, Record, claims, codes
from rblxcloud import Pager
from rblxcloud.emulator.journal import LoggedRequest
from rblxcloud.endpoints import all_endpoints
from rblxcloud.http.request import Call
from rblxcloud.http.session import Session
from rblxcloud.runtime.blocking import BlockingRuntime
from rblxcloud.runtime.concurrent import ConcurrentRuntime
from rblxcloud.types import Response

ENDPOINTS = {endpoint.name: endpoint for endpoint in all_endpoints()}
_SEND, _INIT = Session.send, Pager.__init__
_IN_A_BROWSER = ("OAuth2App.generate_uri",)
"""What no program sends, only the browser of a user."""


class Witness:
    """What was sent, by which method, in which test."""

    def __init__(self) -> None:
        self.seen: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
        """For each endpoint its callers, for each of them the tests."""
        self.unclaimed: set[str] = set()
        """Calls that no docstring speaks of."""
        self._used: set[tuple[str, str]] = set()
        self._sent: set[tuple[str, str]] = set()

    @contextmanager
    def watching(self, test: str, log: Callable[[], Iterable[LoggedRequest]]) -> Iterator[None]:
        """Open a context in which a test tells its story.

        Args:
            test: Its id, without parameters.
            log: Returns what the emulator was sent meanwhile.
        """
        self._sent.clear()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Session, "send", self._watched_send)
            patch.setattr(Pager, "__init__", _pager)
            for runtime in (BlockingRuntime, ConcurrentRuntime):
                patch.setattr(runtime, "map", _map(runtime.map))
            yield
        done = {entry.endpoint for entry in log() if entry.acted and entry.fault is None}
        for endpoint, method in self._sent:
            if endpoint in done:
                self.seen[endpoint][method].add(test)

    @property
    def _watched_send(self) -> Callable[[Session, Call], Awaitable[Response]]:
        async def send(session: Session, call: Call) -> Response:
            self._note(call.endpoint.name)
            return await _SEND(session, call)

        return send

    def _note(self, endpoint: str) -> None:
        frame = sys._getframe(2)
        callers = list(_callers(frame)) if endpoint in ENDPOINTS else []
        claiming = [name for name in callers if _claims(name, endpoint)]
        self._used |= {(name, endpoint) for name in claiming}
        if callers and callers[0] in claiming:
            self._sent.add((endpoint, callers[0]))
        # A refresh or an introspection in the course of a call is the session's own business.
        elif callers and callers[0] != ANY_ENDPOINT and _SEND.__code__ not in {one.f_code for one in _frames(frame)}:
            self.unclaimed.add(f"{callers[0]}: its Source does not name {endpoint}, which a story saw it send")

    def unused(self) -> list[str]:
        """Return the claims of docstrings that no story has borne out."""
        return [
            f"{method}: its Source names {claim.method} {claim.path or 'of any path'}, which no story saw it send"
            for method, named in claims().items()
            for claim in named
            if method not in _IN_A_BROWSER
            and not any(user == method and claim.names(ENDPOINTS[name]) for user, name in self._used)
        ]

    def record(self, before: Record) -> Record:
        """Return one test for each caller of each endpoint: that of an earlier record, where it still holds."""
        return {
            endpoint: {
                method: _chosen(tests, before.get(endpoint, {}).get(method)) for method, tests in methods.items()
            }
            for endpoint, methods in self.seen.items()
        }


def _pager(pager: Pager[Any], fetch: Any, **options: Any) -> None:
    # A list is sent for when it is iterated, and then the method that made it is long over.
    _INIT(pager, _remembering(fetch, sys._getframe(1)), **options)


def _map(original: Any) -> Any:
    def map(runtime: object, function: Any, *args: Any, **options: Any) -> Any:
        # Other tasks and threads do it, who do not know the method that had it done.
        return original(runtime, _remembering(function, sys._getframe(1)), *args, **options)

    return map


def _remembering(function: Any, frame: FrameType) -> Any:
    makers = tuple(_callers(frame))

    async def remembering(*args: Any, callers: tuple[str, ...] = makers) -> Any:
        return await function(*args)

    return remembering


def _chosen(tests: set[str], before: str | None) -> str:
    return before if before in tests else min(tests)


def _claims(method: str, endpoint: str) -> bool:
    return any(claim.names(ENDPOINTS[endpoint]) for claim in claims()[method])


def _frames(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back


def _callers(frame: FrameType | None) -> Iterator[str]:
    """Yield the public methods that are being run, the innermost first."""
    for one in _frames(frame):
        if one.f_code in codes():
            yield codes()[one.f_code]
        elif one.f_code.co_qualname == "_remembering.<locals>.remembering":
            yield from one.f_locals["callers"]
