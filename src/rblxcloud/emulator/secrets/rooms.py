"""The secrets' endpoints: a service of .NET, which writes snake_case."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from itertools import islice
from typing import Any, cast

from rblxcloud.emulator import universes
from rblxcloud.emulator.acting import acts_as_user
from rblxcloud.emulator.creators import groups
from rblxcloud.emulator.errors import json_reply
from rblxcloud.emulator.model import Call, Handler, Refusal, Reply, World
from rblxcloud.emulator.paging import look_ahead, page_request
from rblxcloud.emulator.protobuf import invalid
from rblxcloud.emulator.secrets import keys, table
from rblxcloud.emulator.secrets.table import Secret
from rblxcloud.emulator.storage_time import ticks_at, v1_time
from rblxcloud.endpoints import secrets as api
from rblxcloud.endpoints.model import Endpoint

__all__ = ["HANDLERS", "SCHEMA", "check_domain", "check_id", "check_plain"]

SCHEMA = keys.SCHEMA + table.SCHEMA

MOST = 500
LONGEST = 1024
_PAGE = 10
_LARGEST_PAGE = 500
_ID = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}", re.ASCII)
_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_DOMAIN = re.compile(rf"\*|(\*\.)?{_LABEL}(\.{_LABEL})*", re.ASCII | re.IGNORECASE)


def _list(world: World, call: Call) -> Reply:
    universe = _universe(world, call)
    request = page_request(call, default=_PAGE, largest=_LARGEST_PAGE, kinds=(str,))
    start = cast("str", request.position[0]) if request.position else ""
    page, last = look_ahead(table.after(world, universe, start), request.size)
    previous = None
    if page:
        earlier = [secret.id for secret in islice(table.before(world, universe, page[0].id), request.size + 1)]
        previous = request.token(earlier[request.size] if len(earlier) > request.size else "") if earlier else None
    return json_reply(
        {
            "secrets": [_shown(secret) for secret in page],
            "nextPageCursor": None if last is None else request.token(last.id),
            "previousPageCursor": previous,
        }
    )


def _public_key(world: World, call: Call) -> Reply:
    _check_library()
    pair = keys.current(world, _universe(world, call))
    empty = {"domain": None, "create_time": None, "update_time": None}
    return json_reply({"id": "public-key", "secret": pair.public, "key_id": pair.id, **empty})


def _create(world: World, call: Call) -> Reply:
    universe, body, now = _universe(world, call), call.json_object(), world.now()
    name = check_id(body.get("id"))
    sealed, key_id = _sealed(world, universe, body)
    secret = Secret(name, sealed, key_id, check_domain(body.get("domain")), now, now)
    if table.find(world, universe, name) is not None:
        raise Refusal(409, "ALREADY_EXISTS", "There is a secret of this name.")
    if table.count(world, universe) >= MOST:
        raise invalid(f"A universe has at most {MOST} secrets.")
    table.save(world, universe, secret)
    return json_reply(_shown(secret), 201)


def _update(world: World, call: Call) -> Reply:
    universe, body, name = _universe(world, call), call.json_object(), check_id(call.path["secretId"])
    if body.get("id") not in (None, name):
        raise invalid("The name of a secret cannot be changed.")
    changes: dict[str, Any] = {"updated": world.now()}
    if body.get("domain") is not None:
        changes["domain"] = check_domain(body["domain"])
    if body.get("secret") is not None:
        changes["sealed"], changes["key_id"] = _sealed(world, universe, body)
    secret = table.find(world, universe, name)
    if secret is None:
        raise _unknown()
    secret = replace(secret, **changes)
    table.save(world, universe, secret)
    return json_reply(_shown(secret))


def _delete(world: World, call: Call) -> Reply:
    if not table.remove(world, _universe(world, call), check_id(call.path["secretId"])):
        raise _unknown()
    return Reply()


def _universe(world: World, call: Call) -> str:
    """Return the universe that a request names, when the caller may see its secrets."""
    universe = call.path["universeId"]
    owner = universes.owner(world, universe)
    kind, _, number = owner.partition("/")
    group = groups.find(world, int(number)) if kind == "groups" else None
    managed = group is not None and groups.allows(world, call, group, "manageGroupUniverses")
    if not managed and not acts_as_user(call, owner):
        raise Refusal(403, "PERMISSION_DENIED", "Only the owner of the universe has to do with its secrets.")
    return universe


def _sealed(world: World, universe: str, body: Mapping[str, Any]) -> tuple[str, str]:
    """Return a sealed box and the id of its key, once it could be opened."""
    _check_library()
    sealed, key_id = body.get("secret"), body.get("key_id")
    if not isinstance(sealed, str) or not isinstance(key_id, str):
        raise invalid("secret and key_id have to be texts.")
    pair = keys.current(world, universe)
    if key_id != pair.id:
        raise invalid("The key_id is not that of the public key.")
    try:
        check_plain(keys.open_sealed(pair, sealed))
    except ValueError as error:
        raise invalid("The secret is not sealed with the public key, or has a length that is not allowed.") from error
    return sealed, key_id


def check_plain(plain: bytes) -> None:
    """Refuse a value that is empty or too long; what is no text is counted in bytes.

    Raises:
        ValueError: It is one of these.
    """
    try:
        length = len(plain.decode())
    except UnicodeDecodeError:
        length = len(plain)
    if not 1 <= length <= LONGEST:
        raise ValueError(f"a secret has 1 to {LONGEST} characters")


def check_id(name: object) -> str:
    """Return the name of a secret.

    Raises:
        Refusal: 400 for anything else.
    """
    if not isinstance(name, str) or not _ID.fullmatch(name):
        raise invalid("id must be 1 to 64 letters, digits and underscores, and not begin with a digit.")
    return name


def check_domain(domain: object) -> str | None:
    """Return a domain; None for an empty one, which allows nothing.

    Raises:
        Refusal: 400 for what is no domain.
    """
    if domain is None or domain == "":
        return None
    if not isinstance(domain, str) or not _DOMAIN.fullmatch(domain):
        raise invalid("domain must be such as api.example.com, *.example.com or *.")
    return domain


def _check_library() -> None:
    try:
        keys.check_library()
    except ImportError as error:
        raise Refusal(501, "NOT_IMPLEMENTED", str(error)) from error


def _unknown() -> Refusal:
    return Refusal(404, "NOT_FOUND", "There is no secret of this name.")


def _shown(secret: Secret) -> dict[str, Any]:
    """Return what is told of a secret: everything but what it is."""
    return {
        "id": secret.id,
        "secret": None,
        "key_id": secret.key_id,
        "domain": secret.domain,
        "create_time": v1_time(ticks_at(secret.created)),
        "update_time": v1_time(ticks_at(secret.updated)),
    }


HANDLERS: Mapping[Endpoint, Handler] = {
    api.LIST_SECRETS: _list,
    api.GET_PUBLIC_KEY: _public_key,
    api.CREATE_SECRET: _create,
    api.UPDATE_SECRET: _update,
    api.DELETE_SECRET: _delete,
}
