"""How a client behaves: defaults, what the environment says, and what is refused."""

from __future__ import annotations

import ipaddress
import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import wraps
from typing import Literal, TypeVar, cast, get_args
from urllib.parse import urlsplit

from rblxcloud.errors import ConfigurationError, InvalidRequestError

T = TypeVar("T")

RateLimits = Literal["published", "server", "off"]
"""`published`: the endpoint table's figures, corrected by Roblox's headers; `server`: headers and 429 only; `off`."""

DEFAULT_BASE_URL = "https://apis.roblox.com"
DEFAULT_MAX_RESPONSE_BYTES = 64 * 1024 * 1024
_LONGEST_SHOWN = 100


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """When a request is sent again, and after how long.

    What may be repeated at all is decided by the endpoint table, not here. A wait is drawn evenly from zero to a
    bound that doubles with each retry (full jitter); a wait that Roblox asks for is obeyed instead.
    """

    retries: int = 5
    """How often a request is sent again at most; 0 sends it once."""
    base_delay: float = 0.5
    """Seconds: bound of the first wait."""
    max_delay: float = 20.0
    """Seconds: the bound doubles up to this."""
    max_server_delay: float = 120.0
    """Seconds: when Roblox asks for a longer wait than this, the error is raised instead."""

    def __post_init__(self) -> None:
        """Refuse figures that make no sense.

        Raises:
            InvalidRequestError: A figure is negative or no number.
        """
        if type(self.retries) is not int or self.retries < 0:
            raise InvalidRequestError("retries", f"{shown(self.retries)} is not a whole number from 0 up")
        for name in ("base_delay", "max_delay", "max_server_delay"):
            check_seconds(name, getattr(self, name), zero=True)

    def delay(self, attempt: int, chance: float) -> float:
        """Return the seconds to wait after a failed attempt.

        Args:
            attempt: Which attempt failed, counted from 1.
            chance: A random number in [0, 1).
        """
        bound = min(self.max_delay, self.base_delay * 2.0 ** min(attempt - 1, 60))
        return chance * bound


@dataclass(frozen=True, slots=True)
class Options:
    """What may differ from call to call; `Client.with_options` makes a copy of a client with others."""

    timeout: float = 30.0
    """Seconds for each phase of an attempt: writing, and each wait for more of the answer."""
    deadline: float | None = None
    """Seconds for a whole call: attempts, waits and the reading of the answer; None for no bound."""
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    """How a request is repeated."""
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    """Headers added to each request, their names in lower case; none that the client sets itself."""
    rate_limits: RateLimits = "published"
    """Which rate limits are obeyed before Roblox has to say so."""
    repeat_writes: bool = False
    """Whether full replacements and removals are repeated after a lost answer (for a caller who is the only writer)."""


def check_seconds(argument: str, value: object, *, zero: bool = False) -> float:
    """Return `value` as seconds.

    Args:
        argument: Name of the argument, for the error.
        value: Seconds as an int or float.
        zero: Whether 0 is allowed.

    Raises:
        InvalidRequestError: It is no finite number, negative, or 0 where that is not allowed.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not is_finite(value):
        raise InvalidRequestError(argument, f"{shown(value)} is not a number of seconds")
    if value < 0 or (value == 0 and not zero):
        bound = "0 or more" if zero else "more than 0"
        raise InvalidRequestError(argument, f"{shown(value)} seconds: it must be {bound}")
    return float(value)


def is_finite(number: float) -> bool:
    """Whether a float can hold a number; Python's whole numbers grow larger than that."""
    try:
        return math.isfinite(number)
    except OverflowError:
        return False


def also_unmade(show: Callable[[T], str]) -> Callable[[T], str]:
    """Let a `__repr__` show an object whose constructor refused its arguments, too: some tools do with a traceback."""

    @wraps(show)
    def represent(self: T) -> str:
        try:
            return show(self)
        except AttributeError:
            return f"<{type(self).__name__} that was not made>"

    return represent


def shown(value: object) -> str:
    """Return what an error tells of a refused value: its `repr`, cut where it is long."""
    try:
        text = repr(value)
    except ValueError:  # Python writes no number of more than 4300 digits.
        return f"this {type(value).__name__}"
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}..."


def resolve_rate_limits(value: str | None) -> RateLimits:
    """Return what was passed, else what `RBLXCLOUD_RATE_LIMITS` says, else `published`.

    Raises:
        ConfigurationError: It is none of the known modes.
    """
    chosen = value or os.environ.get("RBLXCLOUD_RATE_LIMITS") or "published"
    if chosen in get_args(RateLimits):
        return cast("RateLimits", chosen)
    source = "rate_limits" if value else "RBLXCLOUD_RATE_LIMITS"
    raise ConfigurationError(f"{source} is {chosen!r}: it takes 'published', 'server' or 'off'")


def resolve_base_url(value: str | None) -> str:
    """Return what was passed, else what `RBLXCLOUD_BASE_URL` says, else Roblox's own address; no slash at the end.

    Raises:
        ConfigurationError: It is no bare address, or plain http to another machine.
    """
    source = "RBLXCLOUD_BASE_URL" if value is None else "base_url"
    url = (os.environ.get("RBLXCLOUD_BASE_URL") or DEFAULT_BASE_URL) if value is None else value
    if not isinstance(url, str):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ConfigurationError(f"{source} is of type {type(url).__name__}; it takes text")
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise ConfigurationError(f"{source} is not an address such as {DEFAULT_BASE_URL}") from None
    if parts.username or parts.password:
        raise ConfigurationError(f"{source} holds a user name or password; pass the credential to the client instead")
    if parts.scheme not in ("http", "https") or not host:
        raise ConfigurationError(f"{source} {url!r} is not an address such as {DEFAULT_BASE_URL}")
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise ConfigurationError(
            f"{source} {url!r} goes on after the host; only scheme, host and port are allowed, "
            f"as in {parts.scheme}://{parts.netloc}"
        )
    if parts.scheme == "http" and not is_loopback(host):
        raise ConfigurationError(
            f"{source} {url!r} is plain http to another machine, which would show the credential to anyone on the "
            "way; use https (http is allowed for loopback addresses only)"
        )
    return f"{parts.scheme}://{parts.netloc}"


def is_loopback(host: str) -> bool:
    """Whether `host` is this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
