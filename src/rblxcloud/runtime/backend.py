"""What both runtimes know of httpx (and of httpx2, its continuation with the same interface)."""

from __future__ import annotations

import ssl
import sys
from functools import cache
from types import ModuleType
from typing import Any

import httpx

from rblxcloud.errors import ConfigurationError
from rblxcloud.runtime.base import Headers, Request, SendFailure

CONNECTIONS = 50
"""Most connections of a client of ours."""
KEEPALIVE_SECONDS = 30.0
"""httpx's own 5 s make everyone who polls every 10 s connect anew each time."""

_HEADERS_STARTED = "http11.send_request_headers.started"


@cache
def tls_context() -> ssl.SSLContext:
    """Return the TLS context of this process: making one takes tens of milliseconds."""
    return httpx.create_ssl_context()


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
    """Whether an attempt's headers have begun to go out."""

    def __init__(self) -> None:
        self.started = False

    def note(self, event: str) -> bool:
        """Take a trace event of httpcore's; return True when it is the one that says so."""
        if event != _HEADERS_STARTED:
            return False
        self.started = True
        return True


def build(module: Any, request: Request, trace: Any) -> Any:
    """Return a request of httpx's own that carries nothing but what ours says."""
    timeout = request.timeout
    phases = {"connect": timeout.connect, "read": timeout.read, "write": timeout.write, "pool": timeout.pool}
    return module.Request(
        request.method,
        request.url,
        headers=request.headers,
        content=request.content,
        extensions={"timeout": phases, "trace": trace},
    )


def headers_of(response: Any) -> Headers:
    """Return response headers with names in lower case."""
    return Headers({name.lower(): value for name, value in response.headers.items()})


def failure(module: Any, error: Exception, progress: Progress) -> SendFailure:
    """Return what an exception of httpx's means for the session."""
    never_sent = (module.ConnectError, module.ConnectTimeout, module.PoolTimeout, module.UnsupportedProtocol)
    sent = progress.started or not isinstance(error, never_sent)
    if isinstance(error, module.TimeoutException):
        phase = type(error).__name__.removesuffix("Timeout").lower()
        return SendFailure(f"timed out ({phase})", sent=sent, timed_out=True)
    if isinstance(error, module.ConnectError):
        return SendFailure(f"could not connect: {error}", sent=sent)
    return SendFailure(f"the connection failed: {error or type(error).__name__}", sent=sent)


def closed() -> ConfigurationError:
    """Return the error for a call on a closed client."""
    return ConfigurationError("this client is closed; make a new one")
