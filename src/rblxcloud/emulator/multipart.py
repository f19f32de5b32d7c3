"""Forms of several parts (RFC 7578), as the asset services take them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from email.message import Message
from email.parser import BytesHeaderParser

from rblxcloud.emulator.model import Call
from rblxcloud.emulator.protobuf import invalid

__all__ = ["Part", "form_parts", "parse_form"]

_END_OF_HEAD = b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Part:
    """One field of a form."""

    content: bytes = field(repr=False)
    filename: str | None
    """Name of the file; None for a plain field."""
    content_type: str
    """In lower case and without parameters; empty where the part does not say it."""


def parse_form(call: Call) -> Mapping[str, Part]:
    """Return the parts of a `multipart/form-data` body by the names of their fields.

    Args:
        call: The request.

    Raises:
        Refusal: 400 for another kind of body, for one that does not end with its boundary, and for a part without a
            name or with one that was there before.
    """
    parts: dict[str, Part] = {}
    for name, part in form_parts(call):
        if name in parts:
            raise invalid(f"The form has the field {name!r} twice.")
        parts[name] = part
    return parts


def form_parts(call: Call) -> list[tuple[str, Part]]:
    """Return the parts of a `multipart/form-data` body in order, each with the name of its field.

    Args:
        call: The request.

    Raises:
        Refusal: 400 for another kind of body, for one that does not end with its boundary, and for a part without a
            name.
    """
    head = Message()
    head["content-type"] = call.headers.get("content-type", "")
    boundary = head.get_boundary()
    if head.get_content_type() != "multipart/form-data" or not boundary:
        raise invalid("The Content-Type has to be multipart/form-data with a boundary.")
    # The first boundary has no line end before it: one is put there, so that all look alike.
    _, *raw_parts = (b"\r\n" + call.body).split(b"\r\n--" + boundary.encode("latin-1", "replace"))
    if not raw_parts or raw_parts.pop().rstrip(b"\r\n \t") != b"--":
        raise invalid("The form does not end with its boundary.")
    return [_part(raw) for raw in raw_parts]


def _part(raw: bytes) -> tuple[str, Part]:
    if not raw.startswith(b"\r\n"):
        raise invalid("A boundary of the form has to stand in a line of its own.")
    # A part without headers begins with the empty line.
    raw_head, found, content = raw[2:].partition(_END_OF_HEAD)
    if not found:
        raise invalid("A part of the form does not end its headers.")
    head = BytesHeaderParser().parsebytes(raw_head + _END_OF_HEAD)
    name = head.get_param("name", header="content-disposition")
    if head.get_content_disposition() != "form-data" or not isinstance(name, str):
        raise invalid("A part of the form has no name.")
    kind = head.get_content_type() if "content-type" in head else ""
    return name, Part(content, head.get_filename(), kind)
