"""The discovery document, and the issuer that it names."""

from __future__ import annotations

from collections.abc import Mapping

from rblxcloud.emulator.errors import json_reply
from rblxcloud.emulator.model import Call, Handler, Reply, World
from rblxcloud.endpoints.model import Endpoint
from rblxcloud.endpoints.oauth import (
    AUTHORIZE,
    CERTS,
    DISCOVERY,
    INTROSPECT_TOKEN,
    REVOKE_TOKEN,
    TOKEN,
    TOKEN_RESOURCES,
    USERINFO,
)

__all__ = ["HANDLERS", "issuer_of"]

_ENDPOINTS = {
    "authorization_endpoint": AUTHORIZE,
    "token_endpoint": TOKEN,
    "introspection_endpoint": INTROSPECT_TOKEN,
    "revocation_endpoint": REVOKE_TOKEN,
    "resources_endpoint": TOKEN_RESOURCES,
    "userinfo_endpoint": USERINFO,
    "jwks_uri": CERTS,
}

_FACTS = {
    "registration_endpoint": "https://create.roblox.com/dashboard/credentials",
    "service_documentation": "https://create.roblox.com/docs/reference/cloud",
    "scopes_supported": ["openid", "profile", "email", "verification", "credentials", "age", "premium", "roles"],
    "response_types_supported": ["none", "code"],
    "subject_types_supported": ["public"],
    "id_token_signing_alg_values_supported": ["ES256"],
    "claims_supported": [
        *("sub", "type", "iss", "aud", "exp", "iat", "nonce", "name", "nickname", "preferred_username", "created_at"),
        *("profile", "email", "email_verified", "verified", "age_bracket", "premium", "roles", "internal_user"),
    ],
    "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
}


def issuer_of(base_url: str) -> str:
    """Return the issuer's name, which is the base URL's."""
    return f"{base_url}/oauth/"


def _discovery(world: World, call: Call) -> Reply:
    addresses = {name: f"{call.base_url}{endpoint.path}" for name, endpoint in _ENDPOINTS.items()}
    return json_reply({"issuer": issuer_of(call.base_url), **addresses, **_FACTS})


HANDLERS: Mapping[Endpoint, Handler] = {DISCOVERY: _discovery}
