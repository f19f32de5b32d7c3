"""Who is calling, and whether they may: credential, validity, kind, scope and resource, in that order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from rblxcloud.emulator import api_keys
from rblxcloud.emulator.api_keys import Resource
from rblxcloud.emulator.model import ErrorFamily, Principal, RawRequest, Refusal, World
from rblxcloud.emulator.oauth import bearer
from rblxcloud.emulator.routing import Match
from rblxcloud.endpoints.model import Credential, Endpoint

__all__ = ["Caller", "Rights", "authenticate", "authorize", "resource_of"]

_ANYBODY = Principal(Credential.NONE, "anonymous", "anonymous")

_RESOURCE_NAMES = {
    "universe_id": "universe",
    "universeId": "universe",
    "data_store_id": "data_store",
    "ordered_data_store_id": "data_store",
    "orderedDataStore": "data_store",
    "user_id": "user",
    "userId": "user",
    "group_id": "group",
    "groupId": "group",
}


class Rights(Protocol):
    """What a credential may do: an API key, or the consent that an access token stands for."""

    def names(self, scope: str) -> bool:
        """Return whether there is `scope`, for some resource at least."""
        ...

    def covers(self, scope: str, resource: Resource) -> bool:
        """Return whether there is `scope` for `resource`."""
        ...


@dataclass(frozen=True, slots=True)
class Caller:
    """An authenticated caller; `rights` is None for one who needs no credential."""

    principal: Principal
    rights: Rights | None

    def has_scope(self, scope: str, resource: Resource) -> bool:
        """Return whether the credential has `scope` for `resource`."""
        return self.rights is not None and self.rights.covers(scope, resource)


def authenticate(world: World, endpoint: Endpoint, request: RawRequest) -> Caller:
    """Return who is calling.

    Args:
        world: The emulator's state.
        endpoint: What is called.
        request: The request as it came.

    Raises:
        Refusal: 401 without exactly one good credential of a kind that the endpoint takes.
    """
    secret, authorization = request.headers.get("x-api-key"), request.headers.get("authorization")
    anonymous = not secret and not authorization
    # Where nothing but NONE is accepted, the Authorization header is the endpoint's own affair: HTTP Basic of OAuth.
    if Credential.NONE in endpoint.credentials and (anonymous or len(endpoint.credentials) == 1):
        return Caller(_ANYBODY, None)
    if secret and authorization:
        raise _unauthenticated("Send an API key or an access token, not both.")
    if anonymous:
        raise _unauthenticated("Invalid API Key")
    caller = _with_token(world, authorization) if authorization else _with_key(world, secret or "", request.client_ip)
    if caller.principal.kind not in endpoint.credentials:
        kind = "API keys" if secret else "access tokens"
        raise _unauthenticated(f"This endpoint does not take {kind}.")
    return caller


def authorize(endpoint: Endpoint, caller: Caller, resource: Resource) -> None:
    """Check scope, then resource; conditional scopes are the handler's affair.

    Args:
        endpoint: What is called.
        caller: Who calls.
        resource: What the request addresses.

    Raises:
        Refusal: 403 `INSUFFICIENT_SCOPE` when a scope is missing altogether (plain `PERMISSION_DENIED` in v2), 403
            `PERMISSION_DENIED` when it does not cover the resource.
    """
    if caller.rights is None:
        return
    scopes = endpoint.scopes
    missing = [scope for scope in scopes.all_of if not caller.rights.names(scope)]
    if not missing and scopes.any_of and not any(caller.rights.names(scope) for scope in scopes.any_of):
        missing = list(scopes.any_of)
    if missing:
        code = "PERMISSION_DENIED" if endpoint.path.startswith("/cloud/v2/") else "INSUFFICIENT_SCOPE"
        raise Refusal(403, code, f"The credential lacks the scope {', '.join(missing)}.")
    covered = all(caller.has_scope(scope, resource) for scope in scopes.all_of) and (
        not scopes.any_of or any(caller.has_scope(scope, resource) for scope in scopes.any_of)
    )
    if not covered:
        raise Refusal(403, "PERMISSION_DENIED", "The credential is not allowed on this resource.")


def resource_of(match: Match) -> Resource:
    """Return what a request addresses, as far as a credential can be restricted to it."""
    named = {_RESOURCE_NAMES[name]: value for name, value in match.path.items() if name in _RESOURCE_NAMES}
    if store := match.query.get("datastorename"):
        named["data_store"] = store
    return Resource(**named)


def _with_key(world: World, secret: str, client_ip: str) -> Caller:
    key = api_keys.authenticate(world, secret, client_ip)
    return Caller(Principal(Credential.API_KEY, key.owner, key.id), key)


def _with_token(world: World, header: str) -> Caller:
    authorization = bearer.authenticate(world, header)
    user, client = authorization.consent.user, authorization.client_id
    return Caller(Principal(Credential.OAUTH2, f"users/{user}", f"{client}/{user}"), authorization.consent)


def _unauthenticated(message: str) -> Refusal:
    return Refusal(401, "UNAUTHENTICATED", message, family=ErrorFamily.GATEWAY)
