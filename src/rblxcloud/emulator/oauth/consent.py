"""The authorization endpoint in a browser: the page, its form, and the sign-in that a browser remembers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs, parse_qsl, urlencode

from rblxcloud.emulator import universes
from rblxcloud.emulator.creators import users
from rblxcloud.emulator.model import Call, Handler, Reply, World
from rblxcloud.emulator.oauth import authorize, grants
from rblxcloud.emulator.oauth.authorize import AuthorizationRequest, RefusedRequest, UntrustedRequest
from rblxcloud.emulator.oauth.grants import Consent
from rblxcloud.emulator.oauth.page import Choices, Offer, consent_page, error_page
from rblxcloud.emulator.oauth.scopes import concerns_resources
from rblxcloud.endpoints.model import Endpoint
from rblxcloud.endpoints.oauth import AUTHORIZE

__all__ = ["HANDLERS", "submit"]

_COOKIE = "rblxcloud_emulator_user"
_MOST_OFFERED = 20
_SEPARATORS = re.compile(r"[\s,;]+")


def submit(world: World, body: bytes) -> Reply:
    """Answer what the consent page posts: go back to the application, or show the page again with what was wrong.

    Args:
        world: The emulator's state.
        body: The form.
    """
    form = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True)
    query = _first(form, "request")
    request = _read(world, query)
    if isinstance(request, Reply):
        return request
    if _first(form, "decision") != "approve":
        return _redirect(authorize.deny(request), status=303)
    choices = _choices(form)
    try:
        consent = _consent(choices)
        location = authorize.approve(world, request, consent)
    except ValueError as error:
        return _page(world, request, query, choices, problem=str(error))
    cookie = f"{_COOKIE}={consent.user}; Path=/; HttpOnly; SameSite=Lax"
    return _redirect(location, {"set-cookie": cookie}, status=303)


def _authorize(world: World, call: Call) -> Reply:
    query = urlencode(call.query)
    request = _read(world, query)
    if isinstance(request, Reply):
        return request
    user = _signed_in(call.headers)
    if "none" in request.prompts:
        return _redirect(_without_asking(world, request, user))
    if user is None or request.prompts & {"login", "select_account"}:
        user = universes.USER_ID
    choices = Choices(
        user=user,
        scopes=request.scopes,
        universes=tuple(universes.SMALL_WORLD),
        groups=(universes.GROUP_ID,),
    )
    return _page(world, request, query, choices)


def _read(world: World, query: str) -> AuthorizationRequest | Reply:
    try:
        return authorize.read(world, dict(parse_qsl(query, keep_blank_values=True)))
    except UntrustedRequest as error:
        return error_page("This link does not work", f"{error} Nobody can be sent back, so this is where it ends.")
    except RefusedRequest as refused:
        return _redirect(refused.location)


def _without_asking(world: World, request: AuthorizationRequest, user: str | None) -> str:
    """Return where `prompt=none` leads: what the user has agreed to already is granted again."""
    if user is None:
        return authorize.refuse(request, "login_required", "Nobody is signed in.")
    agreed = grants.latest(world, request.app.id, user)
    if agreed is None or not set(request.scopes) <= set(agreed.consent.scopes):
        return authorize.refuse(request, "consent_required", "The user has not agreed to this yet.")
    kept = agreed.consent
    consent = Consent.to(
        user, request.scopes, universes=kept.universes, groups=kept.groups, as_creator=bool(kept.users)
    )
    return authorize.approve(world, request, consent)


def _page(
    world: World, request: AuthorizationRequest, query: str, choices: Choices, *, problem: str | None = None
) -> Reply:
    with_resources = concerns_resources(request.scopes)
    return consent_page(request, query, _offer(world, choices), choices, with_resources=with_resources, problem=problem)


def _offer(world: World, choices: Choices) -> Offer:
    owned = {universe: universes.owner(world, universe) for universe in universes.every(world, _MOST_OFFERED)}
    owners = [universes.USER, universes.GROUP, *owned.values()]
    people = [*(owner.partition("/")[2] for owner in owners if owner.startswith("users/")), choices.user]
    groups = [owner.partition("/")[2] for owner in owners if owner.startswith("groups/")]
    return Offer(
        users=tuple((user, _name(world, user)) for user in dict.fromkeys(people) if universes.is_id(user)),
        universes=tuple(owned.items()),
        groups=tuple(dict.fromkeys(groups)),
    )


def _name(world: World, user: str) -> str:
    found = users.find(world, int(user))
    return f"User {user}" if found is None else f"{found.fields['displayName']} (@{found.fields['name']})"


def _choices(form: Mapping[str, list[str]]) -> Choices:
    return Choices(
        user=_first(form, "user"),
        scopes=tuple(form.get("scope", ())),
        universes=tuple(form.get("universe", ())),
        groups=tuple(form.get("group", ())),
        as_creator="creator" in form,
        other_user=_first(form, "other_user"),
        other_universes=_first(form, "other_universes"),
        other_groups=_first(form, "other_groups"),
    )


def _consent(choices: Choices) -> Consent:
    return Consent.to(
        choices.other_user.strip() or choices.user,
        choices.scopes,
        universes=(*choices.universes, *_typed(choices.other_universes)),
        groups=(*choices.groups, *_typed(choices.other_groups)),
        as_creator=choices.as_creator,
    )


def _typed(text: str) -> list[str]:
    return [part for part in _SEPARATORS.split(text) if part]


def _signed_in(headers: Mapping[str, str]) -> str | None:
    try:
        cookie = SimpleCookie(headers.get("cookie", "")).get(_COOKIE)
    except CookieError:
        return None
    return cookie.value if cookie is not None and universes.is_id(cookie.value) else None


def _first(form: Mapping[str, list[str]], name: str) -> str:
    return form.get(name, [""])[0]


def _redirect(location: str, headers: Mapping[str, str] | None = None, *, status: int = 302) -> Reply:
    return Reply(status, {"location": location, "cache-control": "no-store", **(headers or {})})


HANDLERS: Mapping[Endpoint, Handler] = {AUTHORIZE: _authorize}
