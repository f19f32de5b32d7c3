"""The Python client for Roblox Open Cloud: async first, typed, with a blocking mirror in `rblxcloud.sync`."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rblxcloud.client import Client
    from rblxcloud.config import RateLimits, RetryPolicy
    from rblxcloud.errors import (
        APIConnectionError,
        APIResponseError,
        APIStatusError,
        APITimeoutError,
        AuthenticationError,
        BadRequestError,
        ConfigurationError,
        ConflictError,
        ConsentDeniedError,
        DeadlineExceededError,
        IDTokenError,
        InvalidGrantError,
        InvalidRequestError,
        NotFoundError,
        OAuth2Error,
        OutcomeUnknownError,
        PermissionDeniedError,
        PreconditionFailedError,
        RateLimitedError,
        RblxCloudError,
        ServerError,
        SignInRequiredError,
        StateMismatchError,
        TokenStoreError,
        UnsupportedCredentialError,
    )
    from rblxcloud.http.hooks import RequestEvent, ResponseEvent
    from rblxcloud.oauth2.app import OAuth2App
    from rblxcloud.oauth2.authorization import AuthorizationRequest
    from rblxcloud.oauth2.resources import Resources
    from rblxcloud.oauth2.stores.base import StoredToken, TokenKey, TokenStore
    from rblxcloud.oauth2.stores.memory import MemoryTokenStore
    from rblxcloud.oauth2.token import AccessToken, PartialAccessToken
    from rblxcloud.oauth2.token_info import AccessTokenInfo
    from rblxcloud.oauth2.user_client import UserClient
    from rblxcloud.pagination import Page, Pager
    from rblxcloud.resources.creator import Creator
    from rblxcloud.resources.data_store import DataStore, DataStoreInfo
    from rblxcloud.resources.entry import Entry, EntryInfo, EntryResult, EntryVersion
    from rblxcloud.resources.experience import Experience, Snapshot, SocialLink
    from rblxcloud.resources.group import Group
    from rblxcloud.resources.ordered_data_store import OrderedDataStore, OrderedEntry
    from rblxcloud.resources.user import SocialNetworkProfiles, User
    from rblxcloud.types import JSON, UNSET, Headers, Response, TokenPair, Unset

__version__ = "0.1.0"

__all__ = [
    "JSON",
    "UNSET",
    "APIConnectionError",
    "APIResponseError",
    "APIStatusError",
    "APITimeoutError",
    "AccessToken",
    "AccessTokenInfo",
    "AuthenticationError",
    "AuthorizationRequest",
    "BadRequestError",
    "Client",
    "ConfigurationError",
    "ConflictError",
    "ConsentDeniedError",
    "Creator",
    "DataStore",
    "DataStoreInfo",
    "DeadlineExceededError",
    "Entry",
    "EntryInfo",
    "EntryResult",
    "EntryVersion",
    "Experience",
    "Group",
    "Headers",
    "IDTokenError",
    "InvalidGrantError",
    "InvalidRequestError",
    "MemoryTokenStore",
    "NotFoundError",
    "OAuth2App",
    "OAuth2Error",
    "OrderedDataStore",
    "OrderedEntry",
    "OutcomeUnknownError",
    "Page",
    "Pager",
    "PartialAccessToken",
    "PermissionDeniedError",
    "PreconditionFailedError",
    "RateLimitedError",
    "RateLimits",
    "RblxCloudError",
    "RequestEvent",
    "Resources",
    "Response",
    "ResponseEvent",
    "RetryPolicy",
    "ServerError",
    "SignInRequiredError",
    "Snapshot",
    "SocialLink",
    "SocialNetworkProfiles",
    "StateMismatchError",
    "StoredToken",
    "TokenKey",
    "TokenPair",
    "TokenStore",
    "TokenStoreError",
    "Unset",
    "UnsupportedCredentialError",
    "User",
    "UserClient",
    "__version__",
]

_HOMES = {
    "AccessToken": "rblxcloud.oauth2.token",
    "AccessTokenInfo": "rblxcloud.oauth2.token_info",
    "APIConnectionError": "rblxcloud.errors",
    "APIResponseError": "rblxcloud.errors",
    "APIStatusError": "rblxcloud.errors",
    "APITimeoutError": "rblxcloud.errors",
    "AuthenticationError": "rblxcloud.errors",
    "AuthorizationRequest": "rblxcloud.oauth2.authorization",
    "BadRequestError": "rblxcloud.errors",
    "Client": "rblxcloud.client",
    "ConfigurationError": "rblxcloud.errors",
    "ConflictError": "rblxcloud.errors",
    "ConsentDeniedError": "rblxcloud.errors",
    "Creator": "rblxcloud.resources.creator",
    "DataStore": "rblxcloud.resources.data_store",
    "DataStoreInfo": "rblxcloud.resources.data_store",
    "DeadlineExceededError": "rblxcloud.errors",
    "Entry": "rblxcloud.resources.entry",
    "EntryInfo": "rblxcloud.resources.entry",
    "EntryResult": "rblxcloud.resources.entry",
    "EntryVersion": "rblxcloud.resources.entry",
    "Experience": "rblxcloud.resources.experience",
    "Group": "rblxcloud.resources.group",
    "Headers": "rblxcloud.types",
    "IDTokenError": "rblxcloud.errors",
    "InvalidGrantError": "rblxcloud.errors",
    "InvalidRequestError": "rblxcloud.errors",
    "JSON": "rblxcloud.types",
    "MemoryTokenStore": "rblxcloud.oauth2.stores.memory",
    "NotFoundError": "rblxcloud.errors",
    "OAuth2App": "rblxcloud.oauth2.app",
    "OAuth2Error": "rblxcloud.errors",
    "OrderedDataStore": "rblxcloud.resources.ordered_data_store",
    "OrderedEntry": "rblxcloud.resources.ordered_data_store",
    "OutcomeUnknownError": "rblxcloud.errors",
    "Page": "rblxcloud.pagination",
    "Pager": "rblxcloud.pagination",
    "PartialAccessToken": "rblxcloud.oauth2.token",
    "PermissionDeniedError": "rblxcloud.errors",
    "PreconditionFailedError": "rblxcloud.errors",
    "RateLimitedError": "rblxcloud.errors",
    "RateLimits": "rblxcloud.config",
    "RblxCloudError": "rblxcloud.errors",
    "RequestEvent": "rblxcloud.http.hooks",
    "Resources": "rblxcloud.oauth2.resources",
    "Response": "rblxcloud.types",
    "ResponseEvent": "rblxcloud.http.hooks",
    "RetryPolicy": "rblxcloud.config",
    "ServerError": "rblxcloud.errors",
    "SignInRequiredError": "rblxcloud.errors",
    "Snapshot": "rblxcloud.resources.experience",
    "SocialLink": "rblxcloud.resources.experience",
    "SocialNetworkProfiles": "rblxcloud.resources.user",
    "StateMismatchError": "rblxcloud.errors",
    "StoredToken": "rblxcloud.oauth2.stores.base",
    "TokenKey": "rblxcloud.oauth2.stores.base",
    "TokenPair": "rblxcloud.types",
    "TokenStore": "rblxcloud.oauth2.stores.base",
    "TokenStoreError": "rblxcloud.errors",
    "UNSET": "rblxcloud.types",
    "Unset": "rblxcloud.types",
    "UnsupportedCredentialError": "rblxcloud.errors",
    "User": "rblxcloud.resources.user",
    "UserClient": "rblxcloud.oauth2.user_client",
}
"""Where each name is defined: loaded when it is first asked for, since pytest imports this package into every run."""


def __getattr__(name: str) -> Any:
    """Load a public name when it is first asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Return the public names."""
    return sorted(__all__)
