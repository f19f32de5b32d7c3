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
        LuauCancelledError,
        LuauDeadlineError,
        LuauError,
        LuauInternalError,
        LuauOutputSizeError,
        LuauScriptError,
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
        ResultTooLargeError,
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
    from rblxcloud.resources.asset import Asset, AssetPreview, AssetVersion
    from rblxcloud.resources.asset_permissions import PermissionGrants, RefusedGrant
    from rblxcloud.resources.asset_type import AssetType
    from rblxcloud.resources.creator import Creator
    from rblxcloud.resources.data_store import DataStore, DataStoreInfo
    from rblxcloud.resources.entry import Entry, EntryInfo, EntryResult, EntryVersion
    from rblxcloud.resources.experience import Experience, Snapshot, SocialLink
    from rblxcloud.resources.group import Group, GroupShout
    from rblxcloud.resources.group_forum import ForumCategory, ForumComment, ForumPost, ForumReaction
    from rblxcloud.resources.group_members import GroupJoinRequest, GroupMember, GroupRole, GroupRolePermissions
    from rblxcloud.resources.instance import BaseScript, Folder, Instance, LocalScript, ModuleScript, Script
    from rblxcloud.resources.inventory import CollectibleDetails, InventoryAsset, InventoryAssetType, InventoryItem
    from rblxcloud.resources.luau import LuauBinaryInput
    from rblxcloud.resources.luau_task import LuauLogMessage, LuauResult, LuauTask
    from rblxcloud.resources.memory_queue import MemoryQueue, QueueItem, QueueRead
    from rblxcloud.resources.memory_store import MemoryStoreFlush
    from rblxcloud.resources.ordered_data_store import OrderedDataStore, OrderedEntry
    from rblxcloud.resources.place import Place
    from rblxcloud.resources.place_version import PlaceVersion
    from rblxcloud.resources.quota import AssetQuota
    from rblxcloud.resources.secret import Secret, Secrets
    from rblxcloud.resources.sorted_map import SortedMap, SortedMapItem
    from rblxcloud.resources.subscription import ExpirationReason, Subscription, SubscriptionState
    from rblxcloud.resources.team_create import TeamCreateMember
    from rblxcloud.resources.thumbnail import UserThumbnail
    from rblxcloud.resources.user import SocialNetworkProfiles, User
    from rblxcloud.resources.user_restriction import (
        RestrictionTerms,
        UserRestriction,
        UserRestrictionLog,
        UserRestrictions,
    )
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
    "Asset",
    "AssetPreview",
    "AssetQuota",
    "AssetType",
    "AssetVersion",
    "AuthenticationError",
    "AuthorizationRequest",
    "BadRequestError",
    "BaseScript",
    "Client",
    "CollectibleDetails",
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
    "ExpirationReason",
    "Folder",
    "ForumCategory",
    "ForumComment",
    "ForumPost",
    "ForumReaction",
    "Group",
    "GroupJoinRequest",
    "GroupMember",
    "GroupRole",
    "GroupRolePermissions",
    "GroupShout",
    "Headers",
    "IDTokenError",
    "Instance",
    "InvalidGrantError",
    "InvalidRequestError",
    "InventoryAsset",
    "InventoryAssetType",
    "InventoryItem",
    "LocalScript",
    "LuauBinaryInput",
    "LuauCancelledError",
    "LuauDeadlineError",
    "LuauError",
    "LuauInternalError",
    "LuauLogMessage",
    "LuauOutputSizeError",
    "LuauResult",
    "LuauScriptError",
    "LuauTask",
    "MemoryQueue",
    "MemoryStoreFlush",
    "MemoryTokenStore",
    "ModerationError",
    "ModuleScript",
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
    "Place",
    "PlaceVersion",
    "PreconditionFailedError",
    "QueueItem",
    "QueueRead",
    "RateLimitedError",
    "RateLimits",
    "RblxCloudError",
    "RefusedGrant",
    "RequestEvent",
    "Resources",
    "Response",
    "ResponseEvent",
    "RestrictionTerms",
    "ResultTooLargeError",
    "RetryPolicy",
    "Script",
    "Secret",
    "Secrets",
    "ServerError",
    "SignInRequiredError",
    "Snapshot",
    "SocialLink",
    "SocialNetworkProfiles",
    "SortedMap",
    "SortedMapItem",
    "StateMismatchError",
    "StoredToken",
    "Subscription",
    "SubscriptionState",
    "TeamCreateMember",
    "TokenKey",
    "TokenPair",
    "TokenStore",
    "TokenStoreError",
    "Unset",
    "UnsupportedCredentialError",
    "User",
    "UserClient",
    "UserRestriction",
    "UserRestrictionLog",
    "UserRestrictions",
    "UserThumbnail",
    "__version__",
]

_HOMES = {
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
    "BaseScript": "rblxcloud.resources.instance",
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
    "Folder": "rblxcloud.resources.instance",
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
    "Instance": "rblxcloud.resources.instance",
    "InvalidGrantError": "rblxcloud.errors",
    "InvalidRequestError": "rblxcloud.errors",
    "InventoryAsset": "rblxcloud.resources.inventory",
    "InventoryAssetType": "rblxcloud.resources.inventory",
    "InventoryItem": "rblxcloud.resources.inventory",
    "JSON": "rblxcloud.types",
    "LocalScript": "rblxcloud.resources.instance",
    "MemoryQueue": "rblxcloud.resources.memory_queue",
    "MemoryStoreFlush": "rblxcloud.resources.memory_store",
    "ModerationError": "rblxcloud.errors",
    "ModuleScript": "rblxcloud.resources.instance",
    "NotFoundError": "rblxcloud.errors",
    "Operation": "rblxcloud.operation",
    "OperationError": "rblxcloud.errors",
    "OperationFailedError": "rblxcloud.errors",
    "OperationTimeoutError": "rblxcloud.errors",
    "LuauBinaryInput": "rblxcloud.resources.luau",
    "LuauCancelledError": "rblxcloud.errors",
    "LuauDeadlineError": "rblxcloud.errors",
    "LuauError": "rblxcloud.errors",
    "LuauInternalError": "rblxcloud.errors",
    "LuauLogMessage": "rblxcloud.resources.luau_task",
    "LuauOutputSizeError": "rblxcloud.errors",
    "LuauResult": "rblxcloud.resources.luau_task",
    "LuauScriptError": "rblxcloud.errors",
    "LuauTask": "rblxcloud.resources.luau_task",
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
    "Place": "rblxcloud.resources.place",
    "PlaceVersion": "rblxcloud.resources.place_version",
    "PreconditionFailedError": "rblxcloud.errors",
    "QueueItem": "rblxcloud.resources.memory_queue",
    "QueueRead": "rblxcloud.resources.memory_queue",
    "RateLimitedError": "rblxcloud.errors",
    "RateLimits": "rblxcloud.config",
    "RblxCloudError": "rblxcloud.errors",
    "RefusedGrant": "rblxcloud.resources.asset_permissions",
    "RequestEvent": "rblxcloud.http.hooks",
    "Resources": "rblxcloud.oauth2.resources",
    "Response": "rblxcloud.types",
    "ResponseEvent": "rblxcloud.http.hooks",
    "ResultTooLargeError": "rblxcloud.errors",
    "RetryPolicy": "rblxcloud.config",
    "Script": "rblxcloud.resources.instance",
    "ServerError": "rblxcloud.errors",
    "SignInRequiredError": "rblxcloud.errors",
    "Snapshot": "rblxcloud.resources.experience",
    "SocialLink": "rblxcloud.resources.experience",
    "SocialNetworkProfiles": "rblxcloud.resources.user",
    "SortedMap": "rblxcloud.resources.sorted_map",
    "SortedMapItem": "rblxcloud.resources.sorted_map",
    "StateMismatchError": "rblxcloud.errors",
    "StoredToken": "rblxcloud.oauth2.stores.base",
    "TeamCreateMember": "rblxcloud.resources.team_create",
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
    "RestrictionTerms": "rblxcloud.resources.user_restriction",
    "UserRestriction": "rblxcloud.resources.user_restriction",
    "UserRestrictionLog": "rblxcloud.resources.user_restriction",
    "UserRestrictions": "rblxcloud.resources.user_restriction",
    "Secret": "rblxcloud.resources.secret",
    "Secrets": "rblxcloud.resources.secret",
    "Subscription": "rblxcloud.resources.subscription",
    "SubscriptionState": "rblxcloud.resources.subscription",
    "ExpirationReason": "rblxcloud.resources.subscription",
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
