"""The pages that a user's browser shows: consent, and what went wrong. No script, nothing from elsewhere."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from urllib.parse import urlsplit

from rblxcloud.emulator.model import Reply
from rblxcloud.emulator.oauth.authorize import AuthorizationRequest

__all__ = ["CONSENT_PATH", "Choices", "Offer", "consent_page", "error_page"]

CONSENT_PATH = "/_emulator/oauth/consent"
"""Where the consent page posts to."""

_STYLE = """
:root { color-scheme: light dark; --page: #f2f4f5; --card: #fff; --text: #191b1d; --soft: #565b61; --line: #c5cad0;
  --accent: #1f55c4; --on-accent: #fff; --bad: #a3151b; --bad-page: #fdecec; }
@media (prefers-color-scheme: dark) {
  :root { --page: #111214; --card: #1e2023; --text: #f2f4f5; --soft: #b4bac1; --line: #4a5057;
    --accent: #9dbcff; --on-accent: #0c1a36; --bad: #ffb3b3; --bad-page: #3d1517; }
}
* { box-sizing: border-box; }
body { margin: 0; padding: 1rem; background: var(--page); color: var(--text);
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; overflow-wrap: anywhere; }
header, main { max-width: 34rem; margin: 0 auto; }
header { padding: .25rem .25rem 1rem; color: var(--soft); font-size: .875rem; }
main { padding: 1.5rem; background: var(--card); border: 1px solid var(--line); border-radius: .75rem; }
h1 { margin: 0 0 .5rem; font-size: 1.5rem; line-height: 1.25; }
p { margin: 0 0 1rem; }
fieldset { margin: 1.5rem 0 0; padding: 0; border: 0; min-width: 0; }
legend { padding: 0; font-weight: 600; font-size: 1.125rem; }
fieldset > p { margin: 0 0 .5rem; color: var(--soft); font-size: .875rem; }
.choice { display: flex; gap: .75rem; align-items: flex-start; padding: .625rem .25rem;
  border-bottom: 1px solid var(--line); cursor: pointer; }
.choice input { flex: none; width: 1.25rem; height: 1.25rem; margin: .125rem 0 0; accent-color: var(--accent); }
.choice small, .field small { display: block; color: var(--soft); font-size: .875rem; }
.field { display: block; padding: .625rem .25rem; }
.field input { display: block; width: 100%; margin-top: .25rem; padding: .5rem .75rem; min-height: 2.75rem;
  border: 1px solid var(--soft); border-radius: .5rem; background: var(--card); color: var(--text); font: inherit; }
.actions { display: flex; flex-wrap: wrap; gap: .75rem; margin-top: 1.5rem; }
button { flex: 1 1 9rem; min-height: 2.75rem; padding: .5rem 1rem; border: 1px solid var(--accent);
  border-radius: .5rem; font: inherit; font-weight: 600; cursor: pointer; background: none; color: var(--accent); }
button.primary { background: var(--accent); color: var(--on-accent); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.problem { padding: .75rem 1rem; border: 1px solid var(--bad); border-radius: .5rem; background: var(--bad-page);
  color: var(--bad); font-weight: 600; }
code { font-size: .875em; }
"""

# Without form-action: browsers apply it to the redirects that follow a form, too, so that it would have to name every
# site on the way that an application sends its users after the sign-in.
_POLICY = "; ".join(
    (
        "default-src 'none'",
        f"style-src 'sha256-{base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()}'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
_HEADERS = {
    "content-type": "text/html; charset=utf-8",
    "cache-control": "no-store",
    "content-security-policy": _POLICY,
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}

_MEANINGS = {
    "openid": "Know who you are, by your user id",
    "profile": "See your username, display name and profile",
}


@dataclass(frozen=True, slots=True)
class Offer:
    """What a user can choose from without typing; ids as text."""

    users: tuple[tuple[str, str], ...]
    """Each with the names that people know."""
    universes: tuple[tuple[str, str], ...]
    """Each with its owner, `users/1` or `groups/1`."""
    groups: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Choices:
    """What stands in the form: what is chosen, and what was typed."""

    user: str
    """One that is offered; what was typed counts instead."""
    scopes: tuple[str, ...]
    universes: tuple[str, ...]
    groups: tuple[str, ...]
    as_creator: bool = True
    other_user: str = ""
    other_universes: str = ""
    other_groups: str = ""


def consent_page(
    request: AuthorizationRequest,
    query: str,
    offer: Offer,
    chosen: Choices,
    *,
    with_resources: bool,
    problem: str | None = None,
) -> Reply:
    """Return the page that asks a user for consent.

    Args:
        request: What the application asks for.
        query: The same, as it came in the address; the form sends it back.
        offer: What can be chosen.
        chosen: What is chosen.
        with_resources: Whether experiences and creators are asked for, too.
        problem: What was wrong with the form that was sent.
    """
    name = escape(request.app.name)
    parts = [
        f"<h1>{name} wants to connect to your account</h1>",
        f"<p>Application <code>{escape(request.app.id)}</code>. Afterwards you return to"
        f" <strong>{escape(_place(request.redirect_uri))}</strong>.</p>",
        f'<p class="problem" role="alert">{escape(problem)}</p>' if problem else "",
        f'<form method="post" action="{CONSENT_PATH}">',
        f'<input type="hidden" name="request" value="{escape(query)}">',
        _users(offer, chosen),
        _scopes(request, chosen),
        _universes(offer, chosen) + _creators(offer, chosen) if with_resources else "",
        '<div class="actions"><button class="primary" name="decision" value="approve">Allow</button>'
        '<button name="decision" value="deny">Do not allow</button></div></form>',
    ]
    return _page(f"Connect to {name}?", "".join(parts), 400 if problem else 200)


def error_page(title: str, message: str) -> Reply:
    """Return a page that says why there is nothing to agree to.

    Args:
        title: What is wrong, in few words.
        message: What is wrong, and what helps.
    """
    body = f"<h1>{escape(title)}</h1><p>{escape(message)}</p>"
    return _page(escape(title), body, 400)


def _users(offer: Offer, chosen: Choices) -> str:
    choices = [
        _choice("radio", "user", user, names, f"User id {user}", user == chosen.user) for user, names in offer.users
    ]
    field = _field("other_user", "Somebody else, by user id", chosen.other_user, "Counts instead of the above")
    return _fieldset("Continue as", "The emulator asks for no password: be whoever you like.", [*choices, field])


def _scopes(request: AuthorizationRequest, chosen: Choices) -> str:
    choices = [
        _choice("checkbox", "scope", scope, _meaning(scope), f"<code>{escape(scope)}</code>", scope in chosen.scopes)
        for scope in request.scopes
    ]
    return _fieldset("It wants to", "Clear what you do not want to allow.", choices)


def _universes(offer: Offer, chosen: Choices) -> str:
    choices = [
        _choice("checkbox", "universe", number, f"Experience {number}", _owner(owner), number in chosen.universes)
        for number, owner in offer.universes
    ]
    field = _field("other_universes", "Ids of other experiences", chosen.other_universes, "Separated by spaces")
    return _fieldset("In these experiences", "", [*choices, field])


def _creators(offer: Offer, chosen: Choices) -> str:
    yourself = _choice("checkbox", "creator", "yes", "Yourself", "What you own as a creator", chosen.as_creator)
    choices = [
        _choice("checkbox", "group", group, f"Group {group}", "What the group owns", group in chosen.groups)
        for group in offer.groups
    ]
    field = _field("other_groups", "Ids of other groups", chosen.other_groups, "Separated by spaces")
    return _fieldset("On behalf of", "", [yourself, *choices, field])


def _fieldset(legend: str, hint: str, rows: Iterable[str]) -> str:
    said = f"<p>{hint}</p>" if hint else ""
    return f"<fieldset><legend>{legend}</legend>{said}{''.join(rows)}</fieldset>"


def _choice(kind: str, name: str, value: str, label: str, hint: str, checked: bool) -> str:
    """Return one line to choose; `hint` is HTML, everything else is text."""
    state, note = " checked" if checked else "", f"<small>{hint}</small>" if hint else ""
    return (
        f'<label class="choice"><input type="{kind}" name="{name}" value="{escape(value)}"{state}>'
        f"<span>{escape(label)}{note}</span></label>"
    )


def _field(name: str, label: str, value: str, hint: str = "") -> str:
    note = f"<small>{hint}</small>" if hint else ""
    return (
        f'<label class="field">{label}{note}<input name="{name}" value="{escape(value)}"'
        ' inputmode="numeric" autocomplete="off"></label>'
    )


def _meaning(scope: str) -> str:
    """Return what a scope is about: `universe.place:write` is "Write: universe place"."""
    name, _, operation = scope.rpartition(":")
    words = name.replace(".", " ").replace("-", " ")
    return _MEANINGS.get(scope) or f"{operation.replace('-', ' ').capitalize()}: {words}"


def _owner(owner: str) -> str:
    kind, _, number = owner.partition("/")
    return escape(f"Owned by {'group' if kind == 'groups' else 'user'} {number}")


def _place(redirect_uri: str) -> str:
    """Return where a user returns to, as people read it: site, or scheme of an app."""
    parts = urlsplit(redirect_uri)
    return parts.netloc or f"{parts.scheme}:"


def _page(title: str, body: str, status: int) -> Reply:
    document = (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>{_STYLE}</style></head><body>"
        "<header>rblxcloud emulator: this is not Roblox, and nothing here is real.</header>"
        f"<main>{body}</main></body></html>"
    )
    return Reply(status, _HEADERS, document.encode())
