"""Whether a webhook is Roblox's: its signature, over the bytes as they came, and its time."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NoReturn, cast

from pydantic import SecretStr

from rblxcloud.config import check_seconds
from rblxcloud.errors import ConfigurationError, ExpiredSignatureError, InvalidRequestError, InvalidSignatureError
from rblxcloud.resources.arguments import check_switch
from rblxcloud.webhooks.events import WebhookEvent, read_event

__all__ = ["AnyHeaders", "Webhook"]

_NAMES = ("roblox-signature", "http_roblox_signature")
"""The header's name, and its name in the environment of a WSGI program."""
_LONGEST_TIME = 15

AnyHeaders = Mapping[str, Any] | Iterable[tuple[str | bytes, str | bytes]]
"""Headers as web frameworks have them."""


class Webhook:
    """Reads the webhooks that Roblox sends to an address of yours, and believes none that Roblox did not sign.

    ```python
    from rblxcloud import Webhook, WebhookError

    webhook = Webhook("the secret that stands in the Creator Dashboard")


    def on_post(headers, body: bytes) -> int:
        try:
            event = webhook.parse(headers, body)
        except WebhookError as error:
            print(error)
            return 401
        print(event.event_type, event.event_time, event.payload)
        return 200
    ```

    It remembers nothing: Roblox can deliver an event more than once, and what was recorded on its way can be sent again
    while it is younger than `tolerance`. `WebhookReceiver` runs a handler once for each event.
    """

    # Tracebacks that show variables show one whose arguments were refused, too.
    _secret: SecretStr | None = None
    _tolerance: float = 0.0

    def __init__(
        self,
        secret: str | SecretStr | None,
        *,
        tolerance: float = 600.0,
        allow_unsigned: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Make a reader.

        Args:
            secret: The secret that was entered in the Creator Dashboard. None, with `allow_unsigned`, for a webhook
                without one: anybody who knows its address can then send anything.
            tolerance: Seconds by which the time of a signature may differ from `clock`, to either side.
            allow_unsigned: Whether to believe webhooks without a signature; only together with `secret=None`.
            clock: Returns seconds since 1970 UTC.

        Raises:
            ConfigurationError: There is no secret, and unsigned webhooks were not allowed.
            InvalidRequestError: An argument is refused.
        """
        # First of all: tracebacks that show variables show those of this frame, whichever argument is refused.
        self._secret, problem = _hide(secret)
        del secret
        if problem:
            raise InvalidRequestError("secret", problem)
        allowed = check_switch("allow_unsigned", allow_unsigned)
        self._tolerance = check_seconds("tolerance", tolerance)
        self._clock = clock
        if self._secret is None and not allowed:
            raise ConfigurationError(
                "a webhook needs its secret, as it stands in the Creator Dashboard; Webhook(None, allow_unsigned=True)"
                " believes whoever knows the address"
            )
        if self._secret is not None and allowed:
            raise InvalidRequestError("allow_unsigned", "goes without a secret: with one, Roblox signs every webhook")

    def __repr__(self) -> str:
        """Show how it was made, and nothing secret."""
        return f"<{type(self).__name__} {'unsigned' if self._secret is None else 'signed'}, ±{self._tolerance:g} s>"

    @property
    def signed(self) -> bool:
        """Whether it has a secret, and believes only what is signed with it."""
        return self._secret is not None

    @property
    def tolerance(self) -> float:
        """Seconds by which the time of a signature may differ, to either side."""
        return self._tolerance

    def parse(self, headers: AnyHeaders, body: bytes) -> WebhookEvent:
        """Return the event that a request tells of, if Roblox signed it.

        Args:
            headers: The request's headers: a mapping, the headers of a web framework, or pairs of name and value. Case
                does not matter.
            body: The request's body as it came over the wire, such as `await request.body()` in Starlette and FastAPI
                or `request.get_data()` in Flask.

        Returns:
            An event of its kind; a `WebhookEvent` where the kind is not known.

        Raises:
            InvalidSignatureError: The signature is missing, or is not one of this body.
            ExpiredSignatureError: The time of the signature is out of the tolerance.
            WebhookError: The body is not of the shape that Roblox documents.
            InvalidRequestError: What was passed are no headers, or no raw body.
        """
        content = _check_body(body)
        moment, signatures = _elements(_header(headers))
        if self._secret is not None:
            _check_signature(self._secret, moment, signatures, content)
        if moment is not None:
            self._check_time(int(moment))
        return read_event(content)

    def _check_time(self, moment: int) -> None:
        age = self._clock() - moment
        if abs(age) > self._tolerance:
            told = f"{age:.0f} seconds ago" if age > 0 else f"{-age:.0f} seconds ahead"
            raise ExpiredSignatureError(f"the signature was made {told}; {self._tolerance:g} are allowed")


def _check_signature(secret: SecretStr, moment: str | None, signatures: list[str], body: bytes) -> None:
    if moment is None:
        raise InvalidSignatureError("the request has no roblox-signature header with a time: it is not from Roblox")
    if not signatures:
        raise InvalidSignatureError("the request is not signed: is the secret entered in the Creator Dashboard?")
    digest = hmac.digest(secret.get_secret_value().encode(), f"{moment}.".encode() + body, hashlib.sha256)
    expected = base64.b64encode(digest)
    # As bytes: a header can hold anything, and compare_digest takes text only when it is ASCII.
    if not any(hmac.compare_digest(expected, signature.encode("utf-8", "replace")) for signature in signatures):
        raise InvalidSignatureError("the signature is not one of this body under this secret")


def _hide(secret: object) -> tuple[SecretStr | None, str | None]:
    """Return a secret as nothing shows it, and what is wrong with it; it raises nothing, for the same reason."""
    if secret is None:
        return None, None
    hidden = SecretStr(secret) if isinstance(secret, str) else secret
    if not isinstance(hidden, SecretStr):
        return None, f"is of type {type(secret).__name__}; it takes text"
    return hidden, _problem_of(hidden.get_secret_value())


def _problem_of(text: object) -> str | None:
    if not isinstance(text, str):
        return f"holds a value of type {type(text).__name__}; it takes text"
    if not text:
        return "is empty"
    if text != text.strip("\r\n"):
        return "has a line break at an end, which the Creator Dashboard does not take"
    try:
        text.encode()
    except UnicodeEncodeError as error:
        return f"character {error.start} is a lone surrogate, not valid text"
    return None


def _check_body(body: object) -> bytes:
    if isinstance(body, bytes | bytearray | memoryview):
        return bytes(cast("bytes", body))
    kind = type(body).__name__
    raise InvalidRequestError(
        "body",
        f"is of type {kind}; hand over the bytes of the request as they came (await request.body() in Starlette and"
        " FastAPI, request.get_data() in Flask): the signature is one of these, and not of what was decoded from them",
    )


def _header(headers: object) -> str | None:
    """Return the header; several of that name are joined, as HTTP has it."""
    found: list[str] = []
    for name, value in _pairs(headers):
        if _text(name).lower() in _NAMES:
            found += [_text(each) for each in (cast("list[object]", value) if isinstance(value, list) else [value])]
    return ",".join(found) if found else None


def _pairs(headers: object) -> Iterator[tuple[object, object]]:
    items = getattr(headers, "items", None)
    pairs: object = items() if callable(items) else headers
    if isinstance(pairs, str | bytes) or not isinstance(pairs, Iterable):
        _refuse_headers(headers)
    for pair in cast("Iterable[object]", pairs):
        if not isinstance(pair, tuple | list) or len(cast("tuple[object, ...]", pair)) != 2:
            _refuse_headers(headers)
        yield cast("tuple[object, object]", pair)


def _text(value: object) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _refuse_headers(headers: object) -> NoReturn:
    kind = type(headers).__name__
    raise InvalidRequestError("headers", f"is of type {kind}; it takes a mapping, or pairs of name and value")


def _elements(header: str | None) -> tuple[str | None, list[str]]:
    """Take a header apart: the time, and every signature of the scheme that is known.

    Raises:
        InvalidSignatureError: The time is no number, or there are two.
    """
    named: list[tuple[str, str]] = []
    for element in (header or "").split(","):
        # At the first one: base64 ends with more of them.
        name, _, value = element.strip().partition("=")
        named.append((name, value))
    times = {value for name, value in named if name == "t"}
    if len(times) > 1 or not all(_is_time(value) for value in times):
        raise InvalidSignatureError("the time in the roblox-signature header is not one number of seconds")
    return next(iter(times), None), [value for name, value in named if name == "v1"]


def _is_time(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= _LONGEST_TIME
