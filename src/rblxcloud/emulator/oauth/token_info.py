"""What applications ask about their tokens: introspection, granted resources, revocation; and who the user is."""

from __future__ import annotations

from collections.abc import Mapping

from rblxcloud.emulator import universes
from rblxcloud.emulator.errors import json_reply
from rblxcloud.emulator.model import Call, Handler, Refusal, Reply, World
from rblxcloud.emulator.oauth import apps, grants, tokens
from rblxcloud.emulator.oauth.apps import OAuthApp
from rblxcloud.emulator.oauth.form import read_form, required
from rblxcloud.emulator.oauth.grants import Consent
from rblxcloud.emulator.oauth.profiles import id_claims, picture
from rblxcloud.emulator.oauth.tokens import Token
from rblxcloud.endpoints.model import Endpoint
from rblxcloud.endpoints.oauth import INTROSPECT_TOKEN, REVOKE_TOKEN, TOKEN_RESOURCES, USERINFO

__all__ = ["HANDLERS"]


def _introspect(world: World, call: Call) -> Reply:
    """Tell about a token. Only its lifetime counts: a revoked one is active until it expires."""
    token = _asked_about(world, call)
    if token is None or world.now() >= token.expires_at:
        return json_reply({"active": False})
    authorization = token.authorization
    return json_reply(
        {
            "active": True,
            "jti": token.jti,
            "iss": token.issuer,
            "token_type": "Bearer",
            "client_id": authorization.client_id,
            "aud": authorization.client_id,
            "sub": authorization.consent.user,
            "scope": " ".join(authorization.consent.scopes),
            "exp": token.expires_at,
            "iat": token.issued_at,
        }
    )


def _resources(world: World, call: Call) -> Reply:
    token = _asked_about(world, call)
    if token is None or not token.is_live(world.now()) or token.kind != "access":
        raise Refusal(400, "invalid_request", "The access token is not valid.")
    return json_reply({"resource_infos": _resource_infos(world, token.authorization.consent)})


def _resource_infos(world: World, consent: Consent) -> list[dict[str, object]]:
    """Return what was granted, by its owner."""
    by_owner: dict[str, dict[str, list[str]]] = {}
    for universe in consent.universes:
        owner = by_owner.setdefault(universes.owner(world, universe), {})
        owner.setdefault("universe", []).append(universe)
    for user in consent.users:
        by_owner.setdefault(f"users/{user}", {})["creator"] = ["U"]
    for group in consent.groups:
        by_owner.setdefault(f"groups/{group}", {})["creator"] = [f"G{group}"]
    return [
        {
            "owner": {"id": owner.partition("/")[2], "type": "User" if owner.startswith("users/") else "Group"},
            "resources": {kind: {"ids": ids} for kind, ids in granted.items()},
        }
        for owner, granted in by_owner.items()
    ]


def _revoke(world: World, call: Call) -> Reply:
    """End the session of a refresh or access token; what is no token is as good as revoked (RFC 7009 section 2.2)."""
    token = _asked_about(world, call)
    if token is not None:
        grants.end(world, authorization=token.authorization.id)
    return Reply()


def _userinfo(world: World, call: Call) -> Reply:
    if not call.has_scope("openid"):
        raise Refusal(403, "insufficient_scope", "The access token lacks the scope openid.")
    user = call.principal.owner.removeprefix("users/")
    if not call.has_scope("profile"):
        return json_reply(id_claims(world, user, ("openid",)))
    return json_reply({**id_claims(world, user, ("openid", "profile")), "picture": picture(world, call, user)})


def _asked_about(world: World, call: Call) -> Token | None:
    """Return the token that a request is about; None when it is not one of the application that asks."""
    form = read_form(call)
    app: OAuthApp = apps.authenticate(world, form, call.headers)
    token = tokens.find(world, required(form, "token"))
    return token if token is not None and token.authorization.client_id == app.id else None


HANDLERS: Mapping[Endpoint, Handler] = {
    INTROSPECT_TOKEN: _introspect,
    TOKEN_RESOURCES: _resources,
    REVOKE_TOKEN: _revoke,
    USERINFO: _userinfo,
}
