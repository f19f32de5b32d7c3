"""The parameters of a form-encoded OAuth request."""

from __future__ import annotations

from collections import Counter
from urllib.parse import parse_qsl

from rblxcloud.emulator.model import Call, Refusal

__all__ = ["read_form", "required"]

_FORM_TYPE = "application/x-www-form-urlencoded"


def read_form(call: Call) -> dict[str, str]:
    """Return the parameters of a request's body; empty ones count as left out (RFC 6749 section 3.2).

    Args:
        call: The request.

    Raises:
        Refusal: 400 `invalid_request` when it is no form, or names a parameter twice.
    """
    if call.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM_TYPE:
        raise Refusal(400, "invalid_request", f"The Content-Type must be {_FORM_TYPE}.")
    try:
        pairs = parse_qsl(call.body.decode("ascii"), keep_blank_values=True, errors="strict")
    except ValueError as error:
        raise Refusal(400, "invalid_request", "The body is not form-encoded UTF-8.") from error
    repeated = [name for name, count in Counter(name for name, _ in pairs).items() if count > 1]
    if repeated:
        raise Refusal(400, "invalid_request", f"{repeated[0]} is repeated.")
    return {name: value for name, value in pairs if value}


def required(form: dict[str, str], name: str) -> str:
    """Return a parameter.

    Args:
        form: What `read_form` returned.
        name: The parameter.

    Raises:
        Refusal: 400 `invalid_request` when it is missing.
    """
    if name not in form:
        raise Refusal(400, "invalid_request", f"{name} is missing.")
    return form[name]
