"""Every error that rblxcloud raises.

```
RblxCloudError
  ConfigurationError
    UnsupportedCredentialError, MissingScopesError
  InvalidRequestError                (also a ValueError)
  APIConnectionError
    APITimeoutError
    DeadlineExceededError
    OutcomeUnknownError
  APIStatusError
    BadRequestError 400, AuthenticationError 401, PermissionDeniedError 403, NotFoundError 404,
    ConflictError 409, PreconditionFailedError 412, RateLimitedError 429, ServerError 5xx
  APIResponseError
  OperationError
    OperationFailedError
      ModerationError
      LuauError
        LuauScriptError, LuauDeadlineError, LuauOutputSizeError, LuauInternalError, LuauCancelledError
    OperationTimeoutError
  OAuth2Error
    InvalidGrantError, StateMismatchError, ConsentDeniedError, SignInRequiredError, IDTokenError
  TokenStoreError
  WebhookError
    InvalidSignatureError, ExpiredSignatureError
  WebhookInboxError
```

Errors hold plain data only: they pickle, are the same in both modes, and never hold a client. None shows a secret; two
carry one, the token pair of a grant that would otherwise be lost.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rblxcloud.types import Response, TokenPair

__all__ = [
    "APIConnectionError",
    "APIResponseError",
    "APIStatusError",
    "APITimeoutError",
    "AuthenticationError",
    "BadRequestError",
    "ConfigurationError",
    "ConflictError",
    "ConsentDeniedError",
    "DeadlineExceededError",
    "ExpiredSignatureError",
    "IDTokenError",
    "InvalidGrantError",
    "InvalidRequestError",
    "InvalidSignatureError",
    "LuauCancelledError",
    "LuauDeadlineError",
    "LuauError",
    "LuauInternalError",
    "LuauOutputSizeError",
    "LuauScriptError",
    "MissingScopesError",
    "ModerationError",
    "NotFoundError",
    "OAuth2Error",
    "OperationError",
    "OperationFailedError",
    "OperationTimeoutError",
    "OutcomeUnknownError",
    "PermissionDeniedError",
    "PreconditionFailedError",
    "RateLimitedError",
    "RblxCloudError",
    "ResultTooLargeError",
    "ServerError",
    "SignInRequiredError",
    "StateMismatchError",
    "TokenStoreError",
    "UnsupportedCredentialError",
    "WebhookError",
    "WebhookInboxError",
]

_ErrorT = TypeVar("_ErrorT", bound="RblxCloudError")


def _rebuild(cls: type[_ErrorT], args: tuple[Any, ...], state: dict[str, Any]) -> _ErrorT:
    error = cls.__new__(cls, *args)
    error.__dict__.update(state)
    return error


class RblxCloudError(Exception):
    """The base of every error of this package."""

    outcome_unknown: bool = False
    """False when the call certainly changed nothing; True when it may have been carried out."""

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle by state, so that subclasses are free in what their constructors take."""
        return _rebuild, (type(self), self.args, self.__dict__.copy())


class ConfigurationError(RblxCloudError):
    """The client or its surroundings are set up in a way that cannot work; nothing was sent.

    No credential or two of them, plain http to another machine, a closed client, a client of another event loop ...
    The message names the remedy.
    """


class UnsupportedCredentialError(ConfigurationError):
    """The endpoint does not take the kind of credential this client has; nothing was sent."""


class MissingScopesError(ConfigurationError):
    """The API key is expired or disabled, or may not make calls that the program means to make.

    `ScopeReport.raise_if_missing` raises it; the message is the report.

    Args:
        message: The report.
        missing: What the key lacks.
    """

    missing: tuple[str, ...]
    """The scopes that the key lacks, each with what it would have to be for."""

    def __init__(self, message: str, *, missing: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.missing = missing


class InvalidRequestError(RblxCloudError, ValueError):
    """An argument was refused before anything was sent.

    Args:
        argument: Name of the argument.
        problem: What was wrong and what is allowed.
    """

    argument: str
    """Name of the argument that was refused."""

    def __init__(self, argument: str, problem: str) -> None:
        super().__init__(f"{argument}: {problem}")
        self.argument = argument


class APIConnectionError(RblxCloudError):
    """No whole answer came: refused, cut, or lost on the way.

    Args:
        message: What happened.
        endpoint: Name of the endpoint, as in the endpoint table.
        outcome_unknown: Whether the call may have been carried out.
    """

    endpoint: str | None
    """Name of the endpoint that was called."""

    def __init__(self, message: str, *, endpoint: str | None = None, outcome_unknown: bool = False) -> None:
        super().__init__(message)
        self.endpoint = endpoint
        self.outcome_unknown = outcome_unknown


class APITimeoutError(APIConnectionError):
    """A phase of the last attempt (connect, write, read, pool) took longer than its timeout."""


class DeadlineExceededError(APIConnectionError):
    """The call's total deadline passed, or a wait would have ended after it."""


class OutcomeUnknownError(APIConnectionError):
    """An attempt was lost after it was sent, and the repeat could not find out whether it had been carried out.

    Args:
        message: What happened.
        endpoint: Name of the endpoint, as in the endpoint table.
        entry: What stands in the data store now, where the repeat brought it.
    """

    entry: Any
    """What stands there now (an `Entry`), where the repeat brought it; else None."""

    def __init__(self, message: str, *, endpoint: str | None = None, entry: Any = None) -> None:
        super().__init__(message, endpoint=endpoint, outcome_unknown=True)
        self.entry = entry


class APIStatusError(RblxCloudError):
    """Roblox answered with a status that is not a success.

    Args:
        response: The answer.
        message: Roblox's text, or what there was of one.
        code: Roblox's code such as `INVALID_ARGUMENT` or `EntryNotFound`; numbers as text.
        details: Further details as Roblox sent them.
        endpoint: Name of the endpoint, as in the endpoint table.
    """

    status: int
    """HTTP status."""
    code: str | None
    """Roblox's code for the error, where it gave one."""
    message: str
    """Roblox's text, or what there was of one."""
    details: tuple[Any, ...]
    """Further details as Roblox sent them."""
    endpoint: str | None
    """Name of the endpoint that was called."""
    request_id: str | None
    """What Roblox calls this request in its logs, where it said so."""
    response: Response
    """The answer as it came."""

    def __init__(
        self,
        response: Response,
        message: str,
        *,
        code: str | None = None,
        details: Sequence[Any] = (),
        endpoint: str | None = None,
    ) -> None:
        # Some services have the status for a code too.
        told = code if code != str(response.status) else None
        parts = [f"{response.status}", told, f"in {endpoint}" if endpoint else None]
        super().__init__(f"{' '.join(part for part in parts if part)}: {message}")
        self.status = response.status
        self.code = code
        self.message = message
        self.details = tuple(details)
        self.endpoint = endpoint
        self.request_id = response.request_id
        self.response = response


class BadRequestError(APIStatusError):
    """400: Roblox did not accept an argument."""


class AuthenticationError(APIStatusError):
    """401: the credential is missing, unknown, expired or disabled, or may not be used from here."""


_MOST_SCOPES_SHOWN = 20


class PermissionDeniedError(APIStatusError):
    """403: the credential is good but lacks a scope, or was not given this resource."""

    required_scopes: tuple[str, ...] = ()
    """The scopes that the endpoint wants, from the endpoint table."""
    granted_scopes: tuple[str, ...] | None = None
    """The scopes that the API key has, where introspection could tell; else None."""

    def __str__(self) -> str:
        """Say what was refused, which scopes the endpoint wants, and which the key has."""
        parts = [super().__str__()]
        if self.required_scopes:
            parts.append(f"This endpoint wants: {', '.join(self.required_scopes)}.")
        if self.granted_scopes is not None:
            shown = self.granted_scopes[:_MOST_SCOPES_SHOWN]
            more = f" and {len(self.granted_scopes) - len(shown)} more" if len(self.granted_scopes) > len(shown) else ""
            parts.append(f"This key has: {', '.join(shown) or 'no scope at all'}{more}.")
        return " ".join(parts)


class NotFoundError(APIStatusError):
    """404: it does not exist, or not for this credential."""


class ConflictError(APIStatusError):
    """409: it exists already, or something else changed it at the same time."""


class PreconditionFailedError(APIStatusError):
    """412: the entry exists although it was not to, or is not at the version asked for; nothing was written."""

    entry: Any = None
    """What stands there now (an `Entry`); None where Roblox did not send it."""


class RateLimitedError(APIStatusError):
    """429: too many requests, and the retries are used up or the wait asked for is too long."""

    retry_after: float | None = None
    """Seconds after which Roblox would take another request, where it said so."""


class ServerError(APIStatusError):
    """5xx: Roblox failed. See `outcome_unknown` before repeating a write."""

    retry_after: float | None = None
    """Seconds after which Roblox expects to be there again, where a 503 said so."""


class APIResponseError(RblxCloudError):
    """A success whose body could not be used: cut, empty, not JSON, too large, or not of the shape expected.

    Args:
        message: What was wrong with it.
        endpoint: Name of the endpoint, as in the endpoint table.
        response: The answer, where there was a whole one.
        outcome_unknown: Whether the call may have been carried out.
    """

    endpoint: str | None
    """Name of the endpoint that was called."""
    response: Response | None
    """The answer as it came, where there was a whole one."""

    def __init__(
        self,
        message: str,
        *,
        endpoint: str | None = None,
        response: Response | None = None,
        outcome_unknown: bool = False,
    ) -> None:
        super().__init__(message)
        self.endpoint = endpoint
        self.response = response
        self.outcome_unknown = outcome_unknown


class OperationError(RblxCloudError):
    """A long-running operation of Roblox's brought no result.

    Args:
        message: What happened.
        path: Path of the operation.
    """

    path: str | None
    """Path of the operation; None when Roblox refused before there was one."""

    def __init__(self, message: str, *, path: str | None) -> None:
        super().__init__(message)
        self.path = path


class OperationFailedError(OperationError):
    """A long-running operation ended without a result, and will not bring one.

    Args:
        message: Roblox's text.
        code: Roblox's code; numbers as text.
        path: Path of the operation; None when Roblox refused before there was one.
        details: Further details as Roblox sent them.
    """

    code: str | None
    """Roblox's code for the failure, where it gave one; numbers as text."""
    message: str
    """Roblox's text."""
    details: tuple[Any, ...]
    """Further details as Roblox sent them."""

    def __init__(
        self, message: str, *, code: str | None = None, path: str | None = None, details: Sequence[Any] = ()
    ) -> None:
        super().__init__(f"{path or 'refused'}: {f'{code}: ' if code else ''}{message}", path=path)
        self.code = code
        self.message = message
        self.details = tuple(details)


class ModerationError(OperationFailedError):
    """Roblox's moderation did not let it pass: a name, a description or the content of a file."""


class LuauError(OperationFailedError):
    """A Luau task ended without results; what the script did before, to data stores for example, stays done."""


class LuauScriptError(LuauError):
    """`SCRIPT_ERROR`: the script cannot be compiled, or raised an error."""

    @property
    def traceback(self) -> str:
        """The lines of Roblox's text after the first, which say where the error was raised; empty where it has none."""
        return self.message.partition("\n")[2]


class LuauDeadlineError(LuauError):
    """`DEADLINE_EXCEEDED`: the script ran longer than the timeout that the task was given."""


class LuauOutputSizeError(LuauError):
    """`OUTPUT_SIZE_LIMIT_EXCEEDED`: the script returned more than 4 MB."""


class LuauInternalError(LuauError):
    """`INTERNAL_ERROR`: Roblox failed; the script may have run in part."""


class LuauCancelledError(LuauError):
    """The task was cancelled: Roblox has a state for that, though no endpoint that does it."""


class ResultTooLargeError(OperationFailedError):
    """The result of an operation is larger than Roblox gives out: 500,000 bytes, of instances in a place."""


class OperationTimeoutError(OperationError):
    """A long-running operation was not done in time. It goes on at Roblox: `client.operation(error.path)` waits on."""


class OAuth2Error(RblxCloudError):
    """A step of OAuth 2.0 or OpenID Connect failed.

    Args:
        error: What failed: a code of OAuth's, such as `invalid_client`, or one of this package's.
        description: What Roblox, or this package, says of it.
    """

    error: str
    """What failed: a code of OAuth's, such as `invalid_client`, or one of this package's."""
    description: str | None
    """What Roblox, or this package, says of it."""

    def __init__(self, error: str, description: str | None = None) -> None:
        super().__init__(f"{error}: {description}" if description else error)
        self.error = error
        self.description = description


class InvalidGrantError(OAuth2Error):
    """The code or refresh token is unknown, expired, revoked, used already, or was given to somebody else."""


class StateMismatchError(OAuth2Error):
    """The callback does not belong to the sign-in that was begun: do not go on with it."""


class ConsentDeniedError(OAuth2Error):
    """The user did not agree."""


class SignInRequiredError(OAuth2Error):
    """Nobody is signed in, or not any more: the user has to go through the consent page again."""


class IDTokenError(OAuth2Error):
    """The ID token is missing or bad; nothing in it may be believed.

    Args:
        check: Which check failed.
        description: What was found, and what was expected.
        token: The tokens that came with it.
    """

    check: str
    """Which check failed: `missing`, `format`, `alg`, `kid`, `keys`, `signature`, or the name of a claim."""
    token: TokenPair | None
    """The tokens that came with it, so that the grant is not lost; they are good, but whose they are is not known."""

    def __init__(self, check: str, description: str, *, token: TokenPair | None = None) -> None:
        super().__init__("invalid_id_token", f"{check}: {description}")
        self.check = check
        self.token = token


class TokenStoreError(RblxCloudError):
    """The token store could not be read or written.

    Args:
        message: What happened.
        token: Tokens that could not be stored.
    """

    token: TokenPair | None
    """Tokens that Roblox has just given out and that could not be stored; the ones before them are dead."""

    def __init__(self, message: str, *, token: TokenPair | None = None) -> None:
        super().__init__(message)
        self.token = token


class WebhookError(RblxCloudError):
    """What came as a webhook is none of Roblox's, or cannot be read; the message says what was wrong."""


class InvalidSignatureError(WebhookError):
    """The signature is missing, or not that of this body under this secret: do not believe anything in it."""


class ExpiredSignatureError(WebhookError):
    """The signature is good, but was made too long ago or too far ahead: a replay, or a clock that is wrong."""


class WebhookInboxError(RblxCloudError):
    """The inbox that keeps webhooks could not be read or written."""
