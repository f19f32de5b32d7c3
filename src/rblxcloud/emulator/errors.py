"""Error bodies: one renderer for each family, and which service answers with which."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping

from rblxcloud.emulator.model import ErrorFamily, Refusal, Reply

__all__ = ["CODES", "family_of", "json_reply", "render"]

JSON_TYPE = "application/json; charset=utf-8"

CODES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ABORTED",
    412: "FAILED_PRECONDITION",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    500: "INTERNAL",
    501: "NOT_IMPLEMENTED",
    503: "UNAVAILABLE",
}
"""The code that goes with a status where nobody names another."""

_SECRETS = re.compile(r"/cloud/v2/universes/[^/]+/secrets(?=[/?]|$)")
_FAMILIES = (
    ("/cloud/v2/", ErrorFamily.V2),
    ("/datastores/v1/", ErrorFamily.V1_DATA_STORE),
    ("/ordered-data-stores/v1/", ErrorFamily.V1_PLAIN),
    ("/messaging-service/v1/", ErrorFamily.V1_PLAIN),
    ("/assets/v1/", ErrorFamily.ASSETS),
    ("/asset-permissions-api/", ErrorFamily.ASSET_PERMISSIONS),
    ("/universes/v1/", ErrorFamily.V1_PLAIN),
    ("/place-version-history-api/", ErrorFamily.PLACE_HISTORY),
    ("/legacy-", ErrorFamily.LEGACY),
    ("/server-management/", ErrorFamily.PROBLEM),
    ("/thumbnail-personalization-api/", ErrorFamily.EMPTY),
    ("/oauth/", ErrorFamily.OAUTH),
)

_INVALID_ARGUMENT = 3
"""The `google.rpc.Code` that the assets service writes for a bad request, where others write its name."""

_OAUTH_CODES = {
    "UNAUTHENTICATED": "invalid_token",
    "PERMISSION_DENIED": "insufficient_scope",
    "INTERNAL": "server_error",
    "UNAVAILABLE": "temporarily_unavailable",
    "RESOURCE_EXHAUSTED": "slow_down",
}
"""RFC 6749 and 6750; what has no name there is an `invalid_request`."""

_DATA_STORE_CODES = {
    "PERMISSION_DENIED": "Forbidden",
    "INSUFFICIENT_SCOPE": "InsufficientScope",
    "RESOURCE_EXHAUSTED": "TooManyRequests",
    "INTERNAL": "Unknown",
}

_ASSET_PERMISSION_CODES = {400: "InvalidRequest", 403: "CannotManageAsset", 429: "RateLimited"}


def family_of(path: str) -> ErrorFamily:
    """Return the error family of the service that `path` (a template or a raw path) belongs to."""
    if _SECRETS.match(path):
        return ErrorFamily.PROBLEM_TEXT
    return next((family for prefix, family in _FAMILIES if path.startswith(prefix)), ErrorFamily.GATEWAY)


def json_reply(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Reply:
    """Return a reply with a JSON body.

    Args:
        value: Anything `json` can write.
        status: HTTP status.
        headers: Headers besides the content type.
    """
    body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    return Reply(status, {"content-type": JSON_TYPE, **(headers or {})}, body)


def render(refusal: Refusal, family: ErrorFamily) -> Reply:
    """Return the answer that a refusal becomes.

    Args:
        refusal: What the service says; its own family wins over `family`.
        family: The family of the endpoint's service.
    """
    body = _BODIES[refusal.family or family](refusal)
    return json_reply(body, refusal.status, refusal.headers)


def _gateway(refusal: Refusal) -> object:
    return {"errors": [{"code": 0, "message": refusal.message}]}


def _legacy(refusal: Refusal) -> object:
    detail = refusal.detail or ""
    return {"errors": [{"code": int(detail) if detail.isdecimal() else 0, "message": refusal.message}]}


def _v2(refusal: Refusal) -> object:
    return {"code": refusal.code, "message": refusal.message, "details": []}


def _v1_data_store(refusal: Refusal) -> object:
    code = refusal.detail or _DATA_STORE_CODES.get(refusal.code)
    details = [{"errorDetailType": "DatastoreErrorInfo", "datastoreErrorCode": code}] if code else []
    return {"error": refusal.code, "message": refusal.message, "errorDetails": details}


def _v1_plain(refusal: Refusal) -> object:
    return {"code": refusal.code, "message": refusal.message}


def _assets(refusal: Refusal) -> object:
    return {"code": _INVALID_ARGUMENT if refusal.status == 400 else refusal.code, "message": refusal.message}


def _asset_permissions(refusal: Refusal) -> object:
    code = refusal.detail or _ASSET_PERMISSION_CODES.get(refusal.status, "UnknownError")
    return {"error": {"code": code, "message": refusal.message}}


def _place_history(refusal: Refusal) -> object:
    return {"code": refusal.status, "error": refusal.code, "message": refusal.message}


def _aspnet(refusal: Refusal) -> object:
    return {
        "errors": {refusal.detail or "": [refusal.message]},
        "type": "https://tools.ietf.org/html/rfc9110#section-15.5.1",
        "title": "One or more validation errors occurred.",
        "status": refusal.status,
    }


def _problem(refusal: Refusal) -> object:
    return {"type": "about:blank", "title": refusal.code, "status": refusal.status, "detail": refusal.message}


def _problem_text(refusal: Refusal) -> object:
    return {"type": "about:blank", "title": refusal.code, "status": str(refusal.status), "detail": refusal.message}


def _empty(refusal: Refusal) -> object:
    """The services that answer with an `ActionResult` document nothing in it."""
    return {}


def _oauth(refusal: Refusal) -> object:
    code = refusal.code if refusal.code.islower() else _OAUTH_CODES.get(refusal.code, "invalid_request")
    return {"error": code, "error_description": refusal.message}


_BODIES: dict[ErrorFamily, Callable[[Refusal], object]] = {
    ErrorFamily.GATEWAY: _gateway,
    ErrorFamily.V2: _v2,
    ErrorFamily.V1_DATA_STORE: _v1_data_store,
    ErrorFamily.V1_PLAIN: _v1_plain,
    ErrorFamily.ASSETS: _assets,
    ErrorFamily.ASSET_PERMISSIONS: _asset_permissions,
    ErrorFamily.ASPNET: _aspnet,
    ErrorFamily.PROBLEM: _problem,
    ErrorFamily.PROBLEM_TEXT: _problem_text,
    ErrorFamily.PLACE_HISTORY: _place_history,
    ErrorFamily.EMPTY: _empty,
    ErrorFamily.LEGACY: _legacy,
    ErrorFamily.OAUTH: _oauth,
}
