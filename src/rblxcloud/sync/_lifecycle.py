"""How blocking twins are made, and how values pass between them and what they wrap."""

# The functions here are the other half of `Twin`.
# pyright: reportPrivateUsage=false

from __future__ import annotations

import copy
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, ClassVar, ParamSpec, Self, TypeVar, cast, get_origin

from pydantic import SecretStr

from rblxcloud import client
from rblxcloud.config import also_unmade
from rblxcloud.http.binding import Mode, StandaloneBinding
from rblxcloud.oauth2 import app
from rblxcloud.pagination import Page
from rblxcloud.resources.base import Resource, check_id
from rblxcloud.webhooks import receiver

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")
TwinT = TypeVar("TwinT", bound="Twin")
ResourceT = TypeVar("ResourceT", bound=Resource)


class Client(client.Client):
    """What `rblxcloud.sync.Client` wraps: the client over the blocking runtime."""

    _mode: Mode = "blocking"

    def __init__(self, api_key: str | SecretStr | None = None, **options: Any) -> None:
        """Take what the twin takes, whose `http_client` is of another type."""
        super().__init__(api_key, **options)


class OAuth2App(app.OAuth2App):
    """What `rblxcloud.sync.OAuth2App` wraps: the application over the blocking runtime."""

    _mode: Mode = "blocking"


class WebhookReceiver(receiver.WebhookReceiver):
    """What `rblxcloud.sync.WebhookReceiver` wraps: the receiver over the blocking runtime."""

    _mode: Mode = "blocking"


_twins: dict[type[Any], type[Twin]] = {}
"""The twins by what they wrap."""


class Twin:
    """The blocking form of an object of `rblxcloud`, which it wraps."""

    _wraps: ClassVar[type[Any]]
    _impl: Any

    def __init_subclass__(cls, *, wraps: type[Any] | None = None, **options: Any) -> None:
        """Note what the twins of a class wrap; subclasses of a twin wrap the same."""
        super().__init_subclass__(**options)
        if wraps is not None:
            cls._wraps = wraps
            _twins[wraps] = cls

    def __init__(self) -> None:
        """Refuse: twins without a constructor of their own are got from other objects."""
        raise TypeError(f"a {type(self).__name__} is not made, but got from another object")

    @also_unmade
    def __repr__(self) -> str:
        """Show it as what it wraps."""
        return repr(self._impl)

    def __str__(self) -> str:
        """Show it as what it wraps."""
        return str(self._impl)

    def __eq__(self, other: object) -> bool:
        """Whether both wrap the same."""
        return isinstance(other, Twin) and bool(self._impl == other._impl)

    def __hash__(self) -> int:
        """Hash as what it wraps."""
        return hash(self._impl)

    def __copy__(self) -> Self:
        """Copy what it wraps."""
        return wrap(type(self), copy.copy(self._impl))

    def __getstate__(self) -> object:
        """Leave what is wrapped to say what goes into a pickle."""
        return {"_impl": self._impl}


def alone(
    resource: type[ResourceT],
    id: int,
    *,
    api_key: str | SecretStr | None,
    access_token: str | SecretStr | None,
    base_url: str | None,
    **parents: int,
) -> ResourceT:
    """Make a resource that stands alone, for a twin to wrap.

    Args:
        resource: Its class in `rblxcloud`.
        id: Its id.
        api_key: Open Cloud API key.
        access_token: OAuth 2.0 access token, instead of a key.
        base_url: Address of Open Cloud.
        **parents: Ids of what it is part of, by the names of the fields that hold them.

    Raises:
        InvalidRequestError: An id is not one.
        ConfigurationError: No credential, both, or an address that is refused.
    """
    ids = {name: check_id(name, value) for name, value in (("id", id), *parents.items())}
    binding = StandaloneBinding("blocking", api_key=api_key, access_token=access_token, base_url=base_url)
    made = resource.bound(binding, **ids)
    made._owns_binding = True
    return made


def wrap(twin: type[TwinT], impl: object) -> TwinT:
    """Return a twin of what the core returned.

    Args:
        twin: The twin's class, possibly with type arguments; that of a subclass is taken for an object of one.
        impl: What it wraps.
    """
    cls = get_origin(twin) or twin
    own = _twins.get(type(impl))
    made = cast("TwinT", object.__new__(own if own is not None and issubclass(own, cls) else cls))
    made._impl = impl
    return made


def wrap_either(value: Any, *twins: type[TwinT]) -> TwinT | Any:
    """Return a twin of a value of a union, or the value itself where it has none.

    Args:
        value: What the core returned.
        *twins: Classes of the union's twins.
    """
    for twin in twins:
        if isinstance(value, (get_origin(twin) or twin)._wraps):
            return wrap(twin, value)
    return value


def mirrored(value: T) -> T:
    """Return a twin of a value whose class is only known now, or the value itself where it has none.

    Args:
        value: What the core returned; of a page, its items are what counts.
    """
    if isinstance(value, Page):
        page = cast("Page[Any]", value)
        return cast("T", replace(page, items=tuple(map(mirrored, page.items))))
    twin = _twins.get(type(value))
    return value if twin is None else cast("T", wrap(twin, value))


def same(twin: TwinT, impl: object) -> TwinT:
    """Return `twin` itself when the core returned what it wraps, else another of its class.

    Args:
        twin: The twin at hand.
        impl: What the core returned.
    """
    return twin if impl is twin._impl else wrap(type(twin), impl)


def unwrap(value: object) -> Any:
    """Return what an argument wraps, or the argument itself where it is no twin.

    Args:
        value: The argument.
    """
    return value._impl if isinstance(value, Twin) else value


def awaited(function: Callable[P, R]) -> Callable[P, Awaitable[R]]:
    """Return a plain function in the form that the core awaits.

    Args:
        function: What a user handed in.
    """

    async def call(*args: P.args, **kwargs: P.kwargs) -> R:
        return function(*args, **kwargs)

    return call
