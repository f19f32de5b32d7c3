"""The first half of a sign-in: the address of the consent page, and what comes back from it."""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal, cast
from urllib.parse import parse_qs, urlsplit

from rblxcloud.config import is_loopback, shown
from rblxcloud.endpoints.oauth import AUTHORIZE
from rblxcloud.errors import (
    ConsentDeniedError,
    InvalidRequestError,
    OAuth2Error,
    StateMismatchError,
)

ResponseType = Literal["code", "none"]

LONGEST_REDIRECT_URI = 256
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")
_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")  # RFC 6749, 3.3
_TEXT = re.compile(r"[\x20-\x7e]+")  # RFC 6749, appendix A: VSCHAR
_LONGEST_DESCRIPTION = 200
_LARGEST_ID = 10**40


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """A sign-in that was begun: keep it in the user's session, and nowhere else, until the callback comes.

    It is plain data: it pickles, and `dataclasses.asdict` makes JSON of it.
    """

    uri: str = field(repr=False)
    """Where to send the user."""
    state: str = field(repr=False)
    """Comes back with the callback, and shows that it belongs to this sign-in."""
    nonce: str = field(repr=False)
    """Comes back inside the ID token, and shows that it was made for this sign-in."""
    code_verifier: str = field(repr=False)
    """Proves to Roblox that who exchanges the code is who began."""


def new_secret() -> str:
    """Return 256 random bits as 43 characters: a state, a nonce or a code verifier."""
    return secrets.token_urlsafe(32)


def authorization_uri(
    base_url: str,
    client_id: str,
    redirect_uri: str,
    scope: str | Iterable[str],
    *,
    state: str | None,
    nonce: str | None,
    code_verifier: str | None,
    prompt: str | None,
    response_type: ResponseType,
) -> str:
    """Return the address of the consent page.

    Raises:
        InvalidRequestError: An argument is refused.
    """
    from authlib.oauth2 import rfc7636
    from authlib.oauth2.rfc6749 import parameters as oauth

    if response_type not in ("code", "none"):
        raise InvalidRequestError("response_type", f"{response_type!r} is neither 'code' nor 'none'")
    more = {
        "nonce": _check_text("nonce", nonce),
        "prompt": _check_text("prompt", prompt),
    }
    if code_verifier is not None:
        verifier = check_verifier(code_verifier)
        more["code_challenge"] = cast("Any", rfc7636).create_s256_code_challenge(verifier)
        more["code_challenge_method"] = "S256"
    uri = cast("Any", oauth).prepare_grant_uri(
        base_url + AUTHORIZE.path,
        client_id,
        response_type,
        redirect_uri=redirect_uri,
        scope=" ".join(check_scope(scope)),
        state=_check_text("state", state),
        **more,
    )
    return cast("str", uri)


def read_callback(request: AuthorizationRequest, callback_url: str) -> str:
    """Return the code that the consent page sent the user back with.

    The state is compared before anything else is looked at.

    Args:
        request: The sign-in that was begun.
        callback_url: The address that the user came back to, or its query.

    Raises:
        StateMismatchError: The callback is not an answer to this request.
        ConsentDeniedError: The user did not agree.
        OAuth2Error: Roblox refused for another reason, or there is no code.
        InvalidRequestError: The address is not text, or the request is not as `authorize` made it.
    """
    if not isinstance(request, AuthorizationRequest):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InvalidRequestError("request", f"is of type {type(request).__name__}; it takes an AuthorizationRequest")
    for name in ("state", "nonce", "code_verifier"):
        if not _check_text(f"request.{name}", getattr(request, name)):
            raise InvalidRequestError(f"request.{name}", "is None; it takes what `authorize` made")
    answers = _query_of(callback_url)
    states = answers.get("state", [])
    if len(states) != 1:
        problem = "no state" if not states else "more than one state"
        raise StateMismatchError("state_mismatch", f"the callback has {problem}")
    if not hmac.compare_digest(_bytes(states[0]), _bytes(request.state)):
        raise StateMismatchError("state_mismatch", "the callback's state is not that of this sign-in")
    error, code = _only(answers, "error"), _only(answers, "code")
    if error is not None:
        error_class = ConsentDeniedError if error == "access_denied" else OAuth2Error
        raise error_class(_shown(error), _shown(_only(answers, "error_description") or "") or None)
    if not code:
        raise OAuth2Error("invalid_response", "the callback has neither a code nor an error")
    return code


def _query_of(callback_url: str) -> dict[str, list[str]]:
    if not isinstance(callback_url, str):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InvalidRequestError("callback_url", f"is of type {type(callback_url).__name__}; it takes text")
    address, mark, query = callback_url.partition("#")[0].partition("?")
    if not mark or "=" in address:  # It is but the query, in which a question mark may stand.
        query = address + mark + query
    try:
        return parse_qs(query, keep_blank_values=True, errors="replace")
    except ValueError:  # more fields than a query has
        raise OAuth2Error("invalid_response", "the callback's query cannot be read") from None


def _bytes(text: str) -> bytes:
    return text.encode(errors="surrogatepass")


def _only(answers: dict[str, list[str]], name: str) -> str | None:
    """Return a parameter's value; RFC 6749, 3.1 has it at most once."""
    values = answers.get(name, [])
    if len(values) > 1:
        raise OAuth2Error("invalid_response", f"the callback has {name} more than once")
    return values[0] if values else None


def _shown(text: str) -> str:
    """Return text from a callback, which anybody can write, so that it does no harm in a log."""
    return "".join(character if character.isprintable() else " " for character in text[:_LONGEST_DESCRIPTION])


def check_scope(scope: object) -> tuple[str, ...]:
    """Return the scopes, in order, once.

    Args:
        scope: Text with spaces between the scopes, or the scopes.

    Raises:
        InvalidRequestError: It is neither, there is none, or one of them cannot be a scope.
    """
    if isinstance(scope, str):
        given: list[object] = [*scope.split()]
    elif isinstance(scope, Iterable) and not isinstance(scope, bytes | bytearray):
        given = list(cast("Iterable[object]", scope))
    else:
        raise InvalidRequestError("scope", f"is of type {type(scope).__name__}; it takes text, or a list of texts")
    for item in given:
        if not isinstance(item, str) or not _SCOPE.fullmatch(item):
            raise InvalidRequestError("scope", f"{item!r} is not a scope such as 'openid'")
    if not given:
        raise InvalidRequestError("scope", "there is none; 'openid' is the least that signs a user in")
    return tuple(dict.fromkeys(cast("list[str]", given)))


def check_verifier(code_verifier: object) -> str:
    """Return a code verifier.

    Raises:
        InvalidRequestError: It is not 43 to 128 of the characters that it may have.
    """
    if not isinstance(code_verifier, str) or not _VERIFIER.fullmatch(code_verifier):
        raise InvalidRequestError("code_verifier", "takes 43 to 128 letters, digits and characters of -._~")
    return code_verifier


def _check_text(argument: str, value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or not _TEXT.fullmatch(value):
        raise InvalidRequestError(argument, "takes text of printable ASCII characters")
    return value


def check_client_id(value: object) -> str:
    """Return an application's id as text: it can be larger than 64 bits.

    Raises:
        InvalidRequestError: It is not a positive whole number, or the text of one.
    """
    # Python writes no number of more than 4300 digits.
    is_number = isinstance(value, int) and not isinstance(value, bool) and 0 < value < _LARGEST_ID
    text = str(value) if is_number else value
    if not isinstance(text, str) or not re.fullmatch(r"[0-9]{1,40}", text) or int(text) == 0:
        problem = f"{shown(value)} is not the id of an application: a whole number, or its digits"
        raise InvalidRequestError("id", problem)
    return text


def check_redirect_uri(value: object) -> str:
    """Return an address that Roblox may send the user back to.

    Raises:
        InvalidRequestError: It is not absolute, has a fragment, or is plain http to another machine.
    """
    if not isinstance(value, str) or not _TEXT.fullmatch(value) or len(value) > LONGEST_REDIRECT_URI:
        raise InvalidRequestError("redirect_uri", f"takes text of 1 to {LONGEST_REDIRECT_URI} ASCII characters")
    try:
        parts = urlsplit(value)
        host = parts.hostname
    except ValueError:
        raise InvalidRequestError("redirect_uri", "is not an address") from None
    if not parts.scheme or "#" in value or " " in value:
        raise InvalidRequestError("redirect_uri", f"{value!r} is not a whole address without fragment")
    if parts.scheme in ("http", "https") and not host:
        raise InvalidRequestError("redirect_uri", f"{value!r} has no host")
    if parts.scheme == "http" and not is_loopback(host or ""):
        raise InvalidRequestError(
            "redirect_uri", "is plain http to another machine, which would show the code; use https"
        )
    return value
