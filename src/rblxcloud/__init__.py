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
        MissingScopesError,
        ModerationError,
        NotFoundError,
        OAuth2Error,
        OperationError,
        OperationFailedError,
        OperationTimeoutError,
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
    from rblxcloud.operation import Operation
    from rblxcloud.pagination import Page, Pager
    from rblxcloud.resources.api_key import ApiKeyInfo, KeyDataStore, KeyScope
    from rblxcloud.resources.asset import Asset, AssetPreview, AssetVersion
    from rblxcloud.resources.asset_permissions import PermissionGrants, RefusedGrant
    from rblxcloud.resources.asset_type import AssetType
    from rblxcloud.resources.creator import Creator
    from rblxcloud.resources.creator_store import CreatorStore, CreatorStoreProduct, Money
    from rblxcloud.resources.data_store import DataStore, DataStoreInfo
    from rblxcloud.resources.entry import Entry, EntryInfo, EntryResult, EntryVersion
    from rblxcloud.resources.experience import Experience, Snapshot, SocialLink
    from rblxcloud.resources.game_server import (
        FilterOption,
        GameServer,
        GameServerLog,
        LogSeverity,
        PlaceFilter,
        PlaceForecast,
        PlaceRestart,
        ServerRestart,
    )
    from rblxcloud.resources.game_servers import GameServers
    from rblxcloud.resources.generative import SpeechAsset, Translation
    from rblxcloud.resources.group import Group, GroupShout
    from rblxcloud.resources.group_forum import ForumCategory, ForumComment, ForumPost, ForumReaction
    from rblxcloud.resources.group_members import GroupJoinRequest, GroupMember, GroupRole, GroupRolePermissions
    from rblxcloud.resources.homepage_thumbnails import HomepageThumbnail, HomepageThumbnails
    from rblxcloud.resources.inventory import CollectibleDetails, InventoryAsset, InventoryAssetType, InventoryItem
    from rblxcloud.resources.ordered_data_store import OrderedDataStore, OrderedEntry
    from rblxcloud.resources.quota import AssetQuota
    from rblxcloud.resources.scope_check import ScopeCheck, ScopeReport
    from rblxcloud.resources.thumbnail import UserThumbnail
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
    "ApiKeyInfo",
    "Asset",
    "AssetPreview",
    "AssetQuota",
    "AssetType",
    "AssetVersion",
    "AuthenticationError",
    "AuthorizationRequest",
    "BadRequestError",
    "Client",
    "CollectibleDetails",
    "ConfigurationError",
    "ConflictError",
    "ConsentDeniedError",
    "Creator",
    "CreatorStore",
    "CreatorStoreProduct",
    "DataStore",
    "DataStoreInfo",
    "DeadlineExceededError",
    "Entry",
    "EntryInfo",
    "EntryResult",
    "EntryVersion",
    "Experience",
    "FilterOption",
    "ForumCategory",
    "ForumComment",
    "ForumPost",
    "ForumReaction",
    "GameServer",
    "GameServerLog",
    "GameServers",
    "Group",
    "GroupJoinRequest",
    "GroupMember",
    "GroupRole",
    "GroupRolePermissions",
    "GroupShout",
    "Headers",
    "HomepageThumbnail",
    "HomepageThumbnails",
    "IDTokenError",
    "InvalidGrantError",
    "InvalidRequestError",
    "InventoryAsset",
    "InventoryAssetType",
    "InventoryItem",
    "KeyDataStore",
    "KeyScope",
    "LogSeverity",
    "MemoryTokenStore",
    "MissingScopesError",
    "ModerationError",
    "Money",
    "NotFoundError",
    "OAuth2App",
    "OAuth2Error",
    "Operation",
    "OperationError",
    "OperationFailedError",
    "OperationTimeoutError",
    "OrderedDataStore",
    "OrderedEntry",
    "OutcomeUnknownError",
    "Page",
    "Pager",
    "PartialAccessToken",
    "PermissionDeniedError",
    "PermissionGrants",
    "PlaceFilter",
    "PlaceForecast",
    "PlaceRestart",
    "PreconditionFailedError",
    "RateLimitedError",
    "RateLimits",
    "RblxCloudError",
    "RefusedGrant",
    "RequestEvent",
    "Resources",
    "Response",
    "ResponseEvent",
    "RetryPolicy",
    "ScopeCheck",
    "ScopeReport",
    "ServerError",
    "ServerRestart",
    "SignInRequiredError",
    "Snapshot",
    "SocialLink",
    "SocialNetworkProfiles",
    "SpeechAsset",
    "StateMismatchError",
    "StoredToken",
    "TokenKey",
    "TokenPair",
    "TokenStore",
    "TokenStoreError",
    "Translation",
    "Unset",
    "UnsupportedCredentialError",
    "User",
    "UserClient",
    "UserThumbnail",
    "__version__",
]

_HOMES = {
    "MissingScopesError": "rblxcloud.errors",
    "ApiKeyInfo": "rblxcloud.resources.api_key",
    "KeyScope": "rblxcloud.resources.api_key",
    "KeyDataStore": "rblxcloud.resources.api_key",
    "ScopeCheck": "rblxcloud.resources.scope_check",
    "ScopeReport": "rblxcloud.resources.scope_check",
    "GameServers": "rblxcloud.resources.game_servers",
    "GameServer": "rblxcloud.resources.game_server",
    "GameServerLog": "rblxcloud.resources.game_server",
    "LogSeverity": "rblxcloud.resources.game_server",
    "FilterOption": "rblxcloud.resources.game_server",
    "PlaceFilter": "rblxcloud.resources.game_server",
    "PlaceRestart": "rblxcloud.resources.game_server",
    "PlaceForecast": "rblxcloud.resources.game_server",
    "ServerRestart": "rblxcloud.resources.game_server",
    "HomepageThumbnails": "rblxcloud.resources.homepage_thumbnails",
    "HomepageThumbnail": "rblxcloud.resources.homepage_thumbnails",
    "Translation": "rblxcloud.resources.generative",
    "SpeechAsset": "rblxcloud.resources.generative",
    "CreatorStore": "rblxcloud.resources.creator_store",
    "CreatorStoreProduct": "rblxcloud.resources.creator_store",
    "Money": "rblxcloud.resources.creator_store",
    "AccessToken": "rblxcloud.oauth2.token",
    "AccessTokenInfo": "rblxcloud.oauth2.token_info",
    "APIConnectionError": "rblxcloud.errors",
    "APIResponseError": "rblxcloud.errors",
    "APIStatusError": "rblxcloud.errors",
    "APITimeoutError": "rblxcloud.errors",
    "Asset": "rblxcloud.resources.asset",
    "AssetPreview": "rblxcloud.resources.asset",
    "AssetQuota": "rblxcloud.resources.quota",
    "AssetType": "rblxcloud.resources.asset_type",
    "AssetVersion": "rblxcloud.resources.asset",
    "AuthenticationError": "rblxcloud.errors",
    "AuthorizationRequest": "rblxcloud.oauth2.authorization",
    "BadRequestError": "rblxcloud.errors",
    "Client": "rblxcloud.client",
    "CollectibleDetails": "rblxcloud.resources.inventory",
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
    "ForumCategory": "rblxcloud.resources.group_forum",
    "ForumComment": "rblxcloud.resources.group_forum",
    "ForumPost": "rblxcloud.resources.group_forum",
    "ForumReaction": "rblxcloud.resources.group_forum",
    "Group": "rblxcloud.resources.group",
    "GroupJoinRequest": "rblxcloud.resources.group_members",
    "GroupMember": "rblxcloud.resources.group_members",
    "GroupRole": "rblxcloud.resources.group_members",
    "GroupRolePermissions": "rblxcloud.resources.group_members",
    "GroupShout": "rblxcloud.resources.group",
    "Headers": "rblxcloud.types",
    "IDTokenError": "rblxcloud.errors",
    "InvalidGrantError": "rblxcloud.errors",
    "InvalidRequestError": "rblxcloud.errors",
    "InventoryAsset": "rblxcloud.resources.inventory",
    "InventoryAssetType": "rblxcloud.resources.inventory",
    "InventoryItem": "rblxcloud.resources.inventory",
    "JSON": "rblxcloud.types",
    "ModerationError": "rblxcloud.errors",
    "NotFoundError": "rblxcloud.errors",
    "Operation": "rblxcloud.operation",
    "OperationError": "rblxcloud.errors",
    "OperationFailedError": "rblxcloud.errors",
    "OperationTimeoutError": "rblxcloud.errors",
    "MemoryTokenStore": "rblxcloud.oauth2.stores.memory",
    "OAuth2App": "rblxcloud.oauth2.app",
    "OAuth2Error": "rblxcloud.errors",
    "OrderedDataStore": "rblxcloud.resources.ordered_data_store",
    "OrderedEntry": "rblxcloud.resources.ordered_data_store",
    "OutcomeUnknownError": "rblxcloud.errors",
    "Page": "rblxcloud.pagination",
    "Pager": "rblxcloud.pagination",
    "PartialAccessToken": "rblxcloud.oauth2.token",
    "PermissionDeniedError": "rblxcloud.errors",
    "PermissionGrants": "rblxcloud.resources.asset_permissions",
    "PreconditionFailedError": "rblxcloud.errors",
    "RateLimitedError": "rblxcloud.errors",
    "RateLimits": "rblxcloud.config",
    "RblxCloudError": "rblxcloud.errors",
    "RefusedGrant": "rblxcloud.resources.asset_permissions",
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
    "UserThumbnail": "rblxcloud.resources.thumbnail",
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
