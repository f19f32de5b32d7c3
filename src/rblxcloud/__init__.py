"""The Python client for Roblox Open Cloud: async first, typed, with a blocking mirror in `rblxcloud.sync`."""

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
    DeadlineExceededError,
    InvalidRequestError,
    NotFoundError,
    OutcomeUnknownError,
    PermissionDeniedError,
    PreconditionFailedError,
    RateLimitedError,
    RblxCloudError,
    ServerError,
    UnsupportedCredentialError,
)
from rblxcloud.http.hooks import RequestEvent, ResponseEvent
from rblxcloud.pagination import Page, Pager
from rblxcloud.resources.data_store import DataStore, DataStoreInfo
from rblxcloud.resources.entry import Entry, EntryInfo, EntryResult, EntryVersion
from rblxcloud.resources.experience import Experience, Snapshot, SocialLink
from rblxcloud.resources.ordered_data_store import OrderedDataStore, OrderedEntry
from rblxcloud.types import JSON, UNSET, Headers, Response, Unset

__version__ = "0.1.0"

__all__ = [
    "JSON",
    "UNSET",
    "APIConnectionError",
    "APIResponseError",
    "APIStatusError",
    "APITimeoutError",
    "AuthenticationError",
    "BadRequestError",
    "Client",
    "ConfigurationError",
    "ConflictError",
    "DataStore",
    "DataStoreInfo",
    "DeadlineExceededError",
    "Entry",
    "EntryInfo",
    "EntryResult",
    "EntryVersion",
    "Experience",
    "Headers",
    "InvalidRequestError",
    "NotFoundError",
    "OrderedDataStore",
    "OrderedEntry",
    "OutcomeUnknownError",
    "Page",
    "Pager",
    "PermissionDeniedError",
    "PreconditionFailedError",
    "RateLimitedError",
    "RateLimits",
    "RblxCloudError",
    "RequestEvent",
    "Response",
    "ResponseEvent",
    "RetryPolicy",
    "ServerError",
    "Snapshot",
    "SocialLink",
    "Unset",
    "UnsupportedCredentialError",
    "__version__",
]
