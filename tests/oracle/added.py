"""What the official document lacks, written down from the facts (auth.md) in its own language.

It stands beside the document as a witness of the same kind: requests and answers are judged by it, and it is closed.
"""

from __future__ import annotations

from typing import Any

TEXT = {"type": "string"}
ID = {"type": "string", "pattern": "^[0-9]+$"}
SECONDS = {"type": "integer"}
FORM = "application/x-www-form-urlencoded"
JSON = "application/json; charset=utf-8"


def _object(properties: dict[str, Any], *optional: str) -> dict[str, Any]:
    required = [name for name in properties if name not in optional]
    closed = {"type": "object", "properties": properties, "additionalProperties": False}
    return {**closed, "required": required} if required else closed


def _list(items: Any) -> dict[str, Any]:
    return {"type": "array", "items": items}


def _answer(schema: Any) -> dict[str, Any]:
    return {"description": "", "content": {JSON: {"schema": schema}}}


def _page() -> dict[str, Any]:
    return {"description": "", "content": {"text/html; charset=utf-8": {"schema": {}}}}


OAUTH_ERROR = _answer(_object({"error": {"type": "string", "pattern": "^[a-z_]+$"}, "error_description": TEXT}))
GATEWAY_ERROR = _answer(_object({"errors": _list(_object({"code": SECONDS, "message": TEXT}))}))

_CLIENT = {"client_id": ID, "client_secret": TEXT}
_PERSON = {
    "sub": ID,
    "name": TEXT,
    "nickname": TEXT,
    "preferred_username": TEXT,
    "created_at": SECONDS,
    "profile": TEXT,
    "picture": {"type": "string", "nullable": True},
}
_QUERY = {
    "client_id": True,
    "redirect_uri": True,
    "scope": True,
    "response_type": True,
    "prompt": False,
    "nonce": False,
    "state": False,
    "code_challenge": False,
    "code_challenge_method": False,
}


def _form(schema: Any, answer: Any) -> dict[str, Any]:
    return {
        "post": {
            "security": [{}],
            "requestBody": {"required": True, "content": {FORM: {"schema": schema}}},
            "responses": {"200": answer, "400": OAUTH_ERROR, "401": OAUTH_ERROR},
        }
    }


def _get(security: list[Any], answer: Any, **more: Any) -> dict[str, Any]:
    return {"get": {"security": security, "responses": {"200": answer, **more}}}


PATHS: dict[str, Any] = {
    "/oauth/.well-known/openid-configuration": _get(
        [{}],
        _answer(
            _object(
                {
                    **dict.fromkeys(
                        (
                            *("issuer", "authorization_endpoint", "token_endpoint", "introspection_endpoint"),
                            *("revocation_endpoint", "resources_endpoint", "userinfo_endpoint", "jwks_uri"),
                            *("registration_endpoint", "service_documentation"),
                        ),
                        TEXT,
                    ),
                    **dict.fromkeys(
                        (
                            *("scopes_supported", "response_types_supported", "subject_types_supported"),
                            *("id_token_signing_alg_values_supported", "claims_supported"),
                            "token_endpoint_auth_methods_supported",
                        ),
                        _list(TEXT),
                    ),
                }
            )
        ),
    ),
    "/oauth/v1/certs": _get(
        [{}],
        _answer(
            _object(
                {"keys": _list(_object(dict.fromkeys(("kty", "crv", "alg", "use", "kid", "x", "y"), TEXT)))},
            )
        ),
    ),
    "/oauth/v1/authorize": {
        "get": {
            "security": [{}],
            "parameters": [
                {"in": "query", "name": name, "required": required, "schema": TEXT} for name, required in _QUERY.items()
            ],
            "responses": {"200": _page(), "302": {"description": ""}, "400": _page()},
        }
    },
    "/oauth/v1/token": _form(
        {
            "oneOf": [
                _object(
                    {
                        "grant_type": {"type": "string", "enum": ["authorization_code"]},
                        "code": TEXT,
                        **_CLIENT,
                        "code_verifier": {"type": "string", "pattern": "^[A-Za-z0-9._~-]{43,128}$"},
                        "redirect_uri": TEXT,
                    },
                    *("client_id", "client_secret", "code_verifier", "redirect_uri"),
                ),
                _object(
                    {"grant_type": {"type": "string", "enum": ["refresh_token"]}, "refresh_token": TEXT, **_CLIENT},
                    *("client_id", "client_secret"),
                ),
            ]
        },
        _answer(
            _object(
                {
                    "access_token": TEXT,
                    "refresh_token": TEXT,
                    "token_type": {"type": "string", "enum": ["Bearer"]},
                    "expires_in": {"type": "integer", "enum": [899]},
                    "scope": TEXT,
                    "id_token": TEXT,
                },
                "id_token",
            )
        ),
    ),
    "/oauth/v1/token/introspect": _form(
        _object({"token": TEXT, **_CLIENT}, "client_id", "client_secret"),
        _answer(
            {
                "oneOf": [
                    _object({"active": {"type": "boolean", "enum": [False]}}),
                    _object(
                        {
                            "active": {"type": "boolean", "enum": [True]},
                            "jti": TEXT,
                            "iss": TEXT,
                            "token_type": {"type": "string", "enum": ["Bearer"]},
                            **dict.fromkeys(("client_id", "aud", "sub"), ID),
                            "scope": TEXT,
                            **dict.fromkeys(("exp", "iat"), SECONDS),
                        }
                    ),
                ]
            }
        ),
    ),
    "/oauth/v1/token/resources": _form(
        _object({"token": TEXT, **_CLIENT}, "client_id", "client_secret"),
        _answer(
            _object(
                {
                    "resource_infos": _list(
                        _object(
                            {
                                "owner": _object({"id": ID, "type": {"type": "string", "enum": ["User", "Group"]}}),
                                "resources": _object(
                                    {
                                        "universe": _object({"ids": _list(ID)}),
                                        "creator": _object(
                                            {"ids": _list({"type": "string", "pattern": "^[UG][0-9]*$"})}
                                        ),
                                    },
                                    *("universe", "creator"),
                                ),
                            }
                        )
                    )
                }
            )
        ),
    ),
    "/oauth/v1/token/revoke": _form(
        _object({"token": TEXT, **_CLIENT}, "client_id", "client_secret"), {"description": ""}
    ),
    "/oauth/v1/userinfo": _get(
        [{"roblox-oauth2": []}],
        _answer({"oneOf": [_object({"sub": ID}), _object(_PERSON)]}),
        **{"401": GATEWAY_ERROR, "403": OAUTH_ERROR},
    ),
    "/api-keys/v1/introspect": {
        "post": {
            "security": [{}],
            "requestBody": {
                "required": True,
                "content": {"application/json": {"schema": _object({"apiKey": TEXT})}},
            },
            "responses": {
                "200": _answer(
                    _object(
                        {
                            "name": TEXT,
                            "authorizedUserId": {"type": "integer"},
                            "scopes": _list(
                                _object(
                                    {
                                        "name": TEXT,
                                        "operations": _list(TEXT),
                                        **dict.fromkeys(("userIds", "groupIds", "universeIds"), _list(TEXT)),
                                        "universeDatastores": _list(
                                            _object({"universeId": TEXT, "datastoreName": TEXT}, "datastoreName")
                                        ),
                                    },
                                    *("userIds", "groupIds", "universeIds", "universeDatastores"),
                                )
                            ),
                            "enabled": {"type": "boolean"},
                            "expired": {"type": "boolean"},
                            "expirationTimeUtc": {"type": "string", "format": "date-time"},
                        },
                        "expirationTimeUtc",
                    )
                ),
                "400": {"description": ""},
                "401": GATEWAY_ERROR,
            },
        }
    },
}

DOCUMENT: dict[str, Any] = {
    "openapi": "3.0.4",
    "info": {"title": "what the document lacks", "version": "1"},
    "paths": PATHS,
    "components": {"securitySchemes": {"roblox-oauth2": {"type": "http", "scheme": "bearer"}}},
}


def completed(document: Any) -> Any:
    """Return a document with what it lacks.

    Args:
        document: The strict extract.
    """
    return {**document, "paths": {**document["paths"], **PATHS}}
