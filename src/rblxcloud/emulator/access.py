"""Who is calling, and whether they may: credential, validity, kind, scope and resource, in that order."""

from __future__ import annotations

from dataclasses import dataclass

from rblxcloud.emulator import api_keys
from rblxcloud.emulator.api_keys import ApiKey, Resource
from rblxcloud.emulator.model import ErrorFamily, Principal, RawRequest, Refusal, World
from rblxcloud.emulator.routing import Match
from rblxcloud.endpoints.model import Credential, Endpoint

__all__ = ["Caller", "authenticate", "authorize", "resource_of"]

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


@dataclass(frozen=True, slots=True)
class Caller:
    """An authenticated caller; `key` is None for one who needs no credential."""

    principal: Principal
    key: ApiKey | None

    def has_scope(self, scope: str, resource: Resource) -> bool:
        """Return whether the credential has `scope` for `resource`."""
        return self.key is not None and self.key.covers(scope, resource)


def authenticate(world: World, endpoint: Endpoint, request: RawRequest) -> Caller:
    """Return who is calling.

    Args:
        world: The emulator's state.
        endpoint: What is called.
        request: The request as it came.

    Raises:
        Refusal: 401 without exactly one good credential of a kind that the endpoint takes.
    """
    if Credential.NONE in endpoint.credentials:
        return Caller(_ANYBODY, None)
    secret, authorization = request.headers.get("x-api-key"), request.headers.get("authorization")
    if secret and authorization:
        raise _unauthenticated("Send an API key or an access token, not both.")
    if authorization:
        # The emulator issues no access tokens yet, so that none is valid.
        raise _unauthenticated("Invalid access token")
    if not secret:
        raise _unauthenticated("Invalid API Key")
    key = api_keys.authenticate(world, secret, request.client_ip)
    if Credential.API_KEY not in endpoint.credentials:
        raise _unauthenticated("This endpoint does not take API keys.")
    return Caller(Principal(Credential.API_KEY, key.owner, key.id), key)


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
    if caller.key is None:
        return
    scopes = endpoint.scopes
    missing = [scope for scope in scopes.all_of if not caller.key.names(scope)]
    if not missing and scopes.any_of and not any(caller.key.names(scope) for scope in scopes.any_of):
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


def _unauthenticated(message: str) -> Refusal:
    return Refusal(401, "UNAUTHENTICATED", message, family=ErrorFamily.GATEWAY)
