"""Which calls an API key may make, before the first of them is made."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from functools import cache
from typing import Any, TypeAlias, cast

from rblxcloud.endpoints import all_endpoints
from rblxcloud.endpoints.model import Credential, Endpoint
from rblxcloud.errors import InvalidRequestError, MissingScopesError
from rblxcloud.http.routes import match
from rblxcloud.resources.api_key import ALL, ApiKeyInfo
from rblxcloud.resources.arguments import shown
from rblxcloud.resources.base import Model, check_id
from rblxcloud.resources.data_store import DataStore
from rblxcloud.resources.experience import Experience
from rblxcloud.resources.group import Group
from rblxcloud.resources.ordered_data_store import OrderedDataStore
from rblxcloud.resources.user import User

Planned: TypeAlias = Callable[..., object] | str | tuple[str, str]
"""A call that a program means to make: a method of this package, the name of an endpoint, or HTTP method and path."""

_PARAMETER = re.compile(r"{\w+}")
_TARGETS = {
    **dict.fromkeys(("universe_id", "universeId"), "experience"),
    **dict.fromkeys(("data_store_id", "ordered_data_store_id", "orderedDataStore", "datastoreName"), "data_store"),
    **dict.fromkeys(("user_id", "userId"), "user"),
    **dict.fromkeys(("group_id", "groupId"), "group"),
}


@dataclass(frozen=True, slots=True)
class _Target:
    """What a call is about, as far as a key can be restricted to it."""

    experience: int | None = None
    data_store: str | None = None
    user: int | None = None
    group: int | None = None

    def __str__(self) -> str:
        store = None if self.data_store == ALL else self.data_store
        named = {"experience": self.experience, "data store": store, "user": self.user, "group": self.group}
        return ", ".join(f"{name} {value}" for name, value in named.items() if value is not None)


@dataclass(frozen=True, slots=True)
class PlannedCall:
    """A call that a program means to make, and one endpoint that it uses."""

    name: str
    endpoint: Endpoint
    target: _Target


class ScopeCheck(Model):
    """Whether an API key may make a call."""

    call: str
    """The call as it was named, such as `DataStore.get`."""
    endpoint: str
    """Name of the endpoint that it calls."""
    missing: tuple[str, ...] = ()
    """What the key lacks for it: scopes, with what they would have to be for; `a or b` where one of them would do."""
    may_need: tuple[str, ...] = ()
    """Scopes that the key lacks, and that the call needs for some of what it can do."""
    takes_api_key: bool = True
    """False for an endpoint that takes no API keys at all."""

    @property
    def allowed(self) -> bool:
        """Whether the key may make the call."""
        return self.takes_api_key and not self.missing

    @property
    def verdict(self) -> str:
        """The outcome in words."""
        if not self.takes_api_key:
            return "takes no API keys"
        if self.missing:
            return f"lacks {', '.join(self.missing)}"
        return f"allowed; may need {', '.join(self.may_need)}" if self.may_need else "allowed"


class ScopeReport(Model):
    """Which of the calls that a program means to make its API key may make; as text, a table."""

    key: ApiKeyInfo
    """The key."""
    checks: tuple[ScopeCheck, ...]
    """Each call with each endpoint that it uses, in order."""

    @property
    def refused(self) -> tuple[ScopeCheck, ...]:
        """The calls that the key may not make."""
        return tuple(check for check in self.checks if not check.allowed)

    @property
    def ok(self) -> bool:
        """Whether Roblox takes the key, and it may make every call."""
        return self.key.active and not self.refused

    def raise_if_missing(self) -> None:
        """Raise unless everything is allowed.

        Raises:
            MissingScopesError: The key is expired or disabled, or may not make one of the calls; the message is this
                report.
        """
        if not self.ok:
            missing = dict.fromkeys(scope for check in self.refused for scope in check.missing)
            raise MissingScopesError(str(self), missing=tuple(missing))

    def __str__(self) -> str:
        """Show a line about the key, and one for each call."""
        rows = [(check.call, check.endpoint, check.verdict) for check in self.checks]
        widths = [max((len(row[column]) for row in rows), default=0) for column in range(2)]
        lines = [f"{call:{widths[0]}}  {endpoint:{widths[1]}}  {verdict}" for call, endpoint, verdict in rows]
        return "\n".join([str(self.key), *lines])


def plan(calls: Iterable[object], experience: object) -> tuple[PlannedCall, ...]:
    """Return what is to be called.

    Args:
        calls: What a user means to call.
        experience: Id of the experience that calls are about which do not say it themselves.

    Raises:
        InvalidRequestError: One is no call of Open Cloud, or there is none.
    """
    default = None if experience is None else check_id("experience", experience)
    planned = [each for call in calls for each in _planned(call)]
    if not planned:
        raise InvalidRequestError("calls", "is empty: name what is to be called")
    return tuple(replace(each, target=_completed(each, default)) for each in planned)


def judge(key: ApiKeyInfo, planned: Iterable[PlannedCall]) -> ScopeReport:
    """Return which calls a key may make."""
    return ScopeReport(key=key, checks=tuple(_check(key, call) for call in planned))


def _completed(call: PlannedCall, experience: int | None) -> _Target:
    """Return what a call is about, where it does not say all of it itself."""
    parameters = (*call.endpoint.path_parameters, *call.endpoint.query_parameters)
    named = {_TARGETS.get(parameter.name) for parameter in parameters}
    target = call.target
    if "experience" in named and target.experience is None:
        target = replace(target, experience=experience)
    if "experience" in named and "data_store" not in named:
        # A key for single data stores may not do what is about all of them, such as to list them.
        target = replace(target, data_store=ALL)
    return target


def _check(key: ApiKeyInfo, call: PlannedCall) -> ScopeCheck:
    endpoint = call.endpoint
    if Credential.API_KEY not in endpoint.credentials:
        open_to_all = Credential.NONE in endpoint.credentials
        return ScopeCheck(call=call.name, endpoint=endpoint.name, takes_api_key=open_to_all)
    target = asdict(call.target)

    def lacking(scopes: Iterable[str]) -> tuple[str, ...]:
        """Return those of the scopes that the key lacks; it may have them for something else."""
        lacked = [scope for scope in scopes if not key.has_scope(scope, **target)]
        about = str(call.target) or "all of it"
        return tuple(f"{scope} (for {about})" if key.has_scope(scope) else scope for scope in lacked)

    scopes = endpoint.scopes
    missing, may_need = lacking(scopes.all_of), lacking(scopes.conditional)
    # Without what a read needs now and then it tells less; what writes needs one of them in any case.
    for wanted in (scopes.any_of, scopes.conditional if endpoint.method != "GET" else ()):
        if wanted and len(lacking(wanted)) == len(wanted):
            missing = (*missing, " or ".join(lacking(wanted)))
    return ScopeCheck(call=call.name, endpoint=endpoint.name, missing=missing, may_need=may_need)


def _planned(call: object) -> Iterator[PlannedCall]:
    if isinstance(call, str):
        endpoint = _by_name().get(call)
        if endpoint is None:
            raise InvalidRequestError("calls", f"{shown(call)} is not the name of an endpoint")
        yield PlannedCall(call, endpoint, _Target())
    elif isinstance(call, tuple):
        method, path = _pair(cast("tuple[object, ...]", call))
        endpoint, values = match(method, path)
        if endpoint.name not in _by_name():
            raise InvalidRequestError("calls", f"{method} {path} is no endpoint of Open Cloud")
        yield PlannedCall(f"{method} {path}", endpoint, _named(values))
    elif callable(call):
        name = getattr(call, "__qualname__", shown(call))
        endpoints = _called_by(name) if str(getattr(call, "__module__", None)).startswith("rblxcloud.") else ()
        if not endpoints:
            raise InvalidRequestError("calls", f"{name} is no method that calls Open Cloud")
        owner = getattr(call, "__self__", None)
        target = _target_of(getattr(owner, "_impl", owner))
        yield from (PlannedCall(name, endpoint, target) for endpoint in endpoints)
    else:
        raise InvalidRequestError("calls", f"{shown(call)} is no method, no endpoint's name, and no (method, path)")


def _pair(call: tuple[object, ...]) -> tuple[str, str]:
    match call:
        case (str() as method, str() as path):
            return method, path
        case _:
            raise InvalidRequestError("calls", f"{shown(call)} is not a pair of HTTP method and path")


def _named(values: Mapping[str, str | int]) -> _Target:
    """Return what the values of a path name; a template names nothing, and neither does a hyphen."""
    named: dict[str, Any] = {}
    for name, value in values.items():
        slot, text = _TARGETS.get(name), str(value)
        if slot is not None and text != "-" and not _PARAMETER.fullmatch(text):
            named[slot] = text if slot == "data_store" else check_id("calls", text)
    return _Target(**named)


def _target_of(owner: object) -> _Target:
    """Return what the methods of an object are about: a bound method says which experience it belongs to."""
    match owner:
        case Experience():
            return _Target(experience=owner.id)
        case User():
            return _Target(user=owner.id)
        case Group():
            return _Target(group=owner.id)
        case _:
            experience = getattr(owner, "_universe_id", None) or getattr(owner, "experience_id", None)
            store = owner.name if isinstance(owner, DataStore | OrderedDataStore) else None
            return _Target(experience=experience, data_store=store)


def _called_by(method: str) -> tuple[Endpoint, ...]:
    # The table is written by what imports this package, which has to work where the table is broken or missing.
    from rblxcloud.resources.method_endpoints import METHOD_ENDPOINTS

    return tuple(_by_name()[name] for name in METHOD_ENDPOINTS.get(method, ()))


@cache
def _by_name() -> Mapping[str, Endpoint]:
    return {endpoint.name: endpoint for endpoint in all_endpoints()}
