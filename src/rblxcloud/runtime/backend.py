"""What both runtimes know of httpx (and of httpx2, its continuation with the same interface)."""

from __future__ import annotations

import logging
import os
import ssl
import sys
import weakref
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any, Protocol

import httpx

from rblxcloud.errors import ConfigurationError, RblxCloudError
from rblxcloud.runtime.base import CarriedError, DeadlinePassed, Headers, Request, SendFailure

CONNECTIONS = 50
"""Most connections of a client of ours."""
KEEPALIVE_SECONDS = 30.0
"""httpx's own 5 s make everyone who polls every 10 s connect anew each time."""

_HEADERS_STARTED = ("http11.send_request_headers.started", "http2.send_request_headers.started")
_HEADERS_FAILED = "http11.send_request_headers.failed"


@cache
def tls_context() -> ssl.SSLContext:
    """Return the TLS context of this process: making one takes tens of milliseconds."""
    import_module("encodings.idna")  # Else connecting loads it, and a fork in the middle of that hangs the child.
    try:
        return httpx.create_ssl_context()
    except OSError as error:  # SSLError is one.
        raise ConfigurationError(
            f"TLS cannot be set up, see the variables SSL_CERT_FILE, SSL_CERT_DIR and SSLKEYLOGFILE: {error}"
        ) from error


def module_of(client: object, class_name: str) -> ModuleType:
    """Return httpx or httpx2, whichever a user's client is of.

    Raises:
        ConfigurationError: It is no client, or one of the other mode.
    """
    for cls in type(client).__mro__:
        package = cls.__module__.partition(".")[0]
        if package in ("httpx", "httpx2") and cls.__name__ == class_name:
            return sys.modules[package]
    mode = "the async client takes an AsyncClient" if class_name == "AsyncClient" else "rblxcloud.sync takes a Client"
    raise ConfigurationError(f"http_client is of type {type(client).__name__}: {mode} of httpx or httpx2")


class Progress:
    """How far an attempt has come, from the trace events of httpcore."""

    def __init__(self) -> None:
        self.traced: bool = False
        """Whether there are trace events at all: transports of tests have none."""
        self.started: bool = False
        """Whether the headers have begun to go out."""
        self.refused: bool = False
        """Whether the headers were never written, because HTTP does not allow them."""

    def note(self, event: str, info: Mapping[str, Any]) -> None:
        """Take a trace event."""
        self.traced = True
        if event in _HEADERS_STARTED:
            # A proxy is asked for a tunnel first, with a request of its own.
            self.started = bool(info["request"].method != b"CONNECT")
        elif event == _HEADERS_FAILED:
            self.refused = type(info["exception"]).__name__ == "LocalProtocolError"


def build(module: Any, request: Request, content: Any, trace: Any) -> Any:
    """Return a request of httpx's own that carries nothing but what ours says, with its body as the mode needs it.

    Raises:
        ConfigurationError: HTTP does not allow the address or a header.
    """
    timeout = request.timeout
    extensions: dict[str, Any] = {
        "timeout": {"connect": timeout.connect, "read": timeout.read, "write": timeout.write, "pool": timeout.pool},
        "trace": trace,
    }
    try:
        # Without accept-encoding a server may choose any, and httpx would hand out what it cannot decode.
        headers = {"accept-encoding": "gzip, deflate", **request.headers}
        wire = module.Request(request.method, request.url, headers=headers, content=content, extensions=extensions)
        target = _target(request.url)
    except (module.InvalidURL, UnicodeError):
        # Not chained: the original holds the offending text, which may be a secret.
        raise _unsendable() from None
    if content is not None and not isinstance(content, bytes):
        wire.stream = _stream(module, content)
    if request.signed:
        wire.url = _signed_url(module)(wire.url)
    if wire.url.raw_path != target:
        wire.extensions["target"] = target  # httpx takes dot segments out of a path.
    return wire


class _Signed:
    """Marks URLs whose query opens a file to whoever has it."""


class _Discreet(logging.Filter):
    """Takes that query out of what is logged, and lets everything through."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Look at the arguments of a message."""
        if isinstance(record.args, tuple):
            record.args = tuple(_bare(item) if isinstance(item, _Signed) else item for item in record.args)
        return True


@cache
def _signed_url(module: Any) -> Any:
    """Return the library's class of URLs with that mark; the library logs each at the level INFO."""
    logging.getLogger(module.__name__).addFilter(_Discreet())
    return type("SignedURL", (_Signed, module.URL), {})


def _bare(url: Any) -> Any:
    return url.copy_with(query=None)


def _stream(module: Any, chunks: Any) -> Any:
    """Return a body whose chunks a transport takes directly.

    httpx would put a generator of its own around them, which nobody closes when an attempt is broken off.
    """

    def iterate(stream: object) -> Any:
        return chunks

    if hasattr(chunks, "__aiter__"):
        return type("Outgoing", (module.AsyncByteStream,), {"__aiter__": iterate})()
    return type("Outgoing", (module.SyncByteStream,), {"__iter__": iterate})()


def _target(url: str) -> bytes:
    slash = url.find("/", url.find("://") + 3)
    return url[slash:].encode("ascii") if slash > 0 else b"/"


def _unsendable() -> ConfigurationError:
    return ConfigurationError("the address or a header has characters that HTTP does not allow")


def headers_of(response: Any) -> Headers:
    """Return response headers with names in lower case."""
    return Headers({name.lower(): value for name, value in response.headers.items()})


def errors_of(module: Any) -> tuple[type[Exception], ...]:
    """Return what a transport raises when an attempt brings no whole answer."""
    return (module.HTTPError, module.StreamError, module.InvalidURL, UnicodeError)


@contextmanager
def in_its_words(module: Any) -> Generator[None]:
    """Turn what a user's client lets out, from a transport or hook of the user's own, into an error of its library."""
    known = (*errors_of(module), RblxCloudError, SendFailure, DeadlinePassed, CarriedError)
    try:
        yield
    except Exception as error:
        if isinstance(error, known):
            raise
        raise module.TransportError(f"{type(error).__name__}: {error}") from error


def failure(module: Any, error: Exception, progress: Progress) -> Exception:
    """Return what an exception of a transport means for the session."""
    _drop_request(module, error)
    if progress.refused or isinstance(error, module.UnsupportedProtocol):
        return _unsendable()
    unsent = (module.ConnectError, module.ConnectTimeout, module.PoolTimeout, module.ProxyError)
    sent = progress.started if progress.traced else not isinstance(error, unsent)
    if isinstance(error, module.TimeoutException):
        phase = type(error).__name__.removesuffix("Timeout").lower()
        return SendFailure(f"timed out ({phase})", sent=sent, timed_out=True)
    if isinstance(error, (module.ConnectError, module.ProxyError)):
        return SendFailure(f"could not connect: {_words(error)}", sent=sent)
    return SendFailure(f"the connection failed: {_words(error)}", sent=sent)


def _words(error: Exception) -> str:
    return str(error).rstrip(".") or type(error).__name__


def _drop_request(module: Any, error: Exception) -> None:
    """Take the request, and with it what opens something, out of an exception that users may keep or pickle."""
    if isinstance(error, module.RequestError):
        with suppress(RuntimeError):  # It has none.
            holder: Any = error
            url = holder.request.url
            holder.request = module.Request(holder.request.method, _bare(url) if isinstance(url, _Signed) else url)


def closed() -> ConfigurationError:
    """Return the error for a call on a closed client."""
    return ConfigurationError("this client is closed; make a new one")


def check_client(client: Any, *, inherited: bool) -> None:
    """Refuse a user's client that cannot be used any more.

    Args:
        client: The client.
        inherited: Whether it was used before this process was forked.

    Raises:
        ConfigurationError: It is closed, or its connections are another process's.
    """
    if client.is_closed:
        raise ConfigurationError("http_client is closed; pass one that is open as long as this client is used")
    if inherited:
        raise ConfigurationError("http_client was used before this process was forked; make one in the child")


class Forked(Protocol):
    """What has something to leave behind when a process forks."""

    def after_fork(self) -> None:
        """Start afresh in the child."""


_forking: weakref.WeakSet[Forked] = weakref.WeakSet()
_inherited: list[object] = []


def watch_fork(runtime: Forked) -> None:
    """Have `runtime.after_fork()` called in each forked child."""
    _forking.add(runtime)


def never_close(connections: object) -> None:
    """Keep what a child inherited alive to its end: closing it could say goodbye in its parent's name."""
    _inherited.append(connections)


def _after_fork() -> None:
    for runtime in list(_forking):
        runtime.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
