"""Which scopes an application can be granted."""

from __future__ import annotations

from functools import cache

from rblxcloud.endpoints import all_endpoints
from rblxcloud.endpoints.model import Credential

__all__ = ["IDENTITY", "concerns_resources", "grantable"]

IDENTITY = ("openid", "profile")
"""The scopes of OpenID Connect that Roblox grants to third parties."""


@cache
def grantable() -> frozenset[str]:
    """Return the scopes that some endpoint takes from an access token, and those of OpenID Connect."""
    wanted = {
        scope
        for endpoint in all_endpoints()
        if Credential.OAUTH2 in endpoint.credentials
        for scope in endpoint.scopes.named()
    }
    return frozenset(wanted | set(IDENTITY))


def concerns_resources(scopes: tuple[str, ...]) -> bool:
    """Return whether any of `scopes` is about experiences or creators, rather than about who the user is."""
    return any(scope not in IDENTITY and not scope.startswith("user.") for scope in scopes)
