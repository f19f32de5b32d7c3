"""What Roblox keeps on its content network: files behind temporary addresses, without a credential, in pieces if asked.

The addresses lead back to the emulator; what is signed into one says which file it is and until when.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from urllib.parse import urlencode

from rblxcloud.emulator.model import Call, Refusal, Reply
from rblxcloud.endpoints.model import Body, Credential, Endpoint, Method, Parameter, Repeat

__all__ = ["LIFETIME", "check_location", "file_endpoint", "file_reply", "location"]

LIFETIME = 3600.0
"""Seconds for which an address is good, where nothing else is said."""

_RANGE = re.compile(r"bytes=(\d*)-(\d*)", re.ASCII)
_EXPIRES = re.compile(r"\d{1,12}", re.ASCII)


def file_endpoint(name: str, path: str, *parameters: str, method: Method = "GET") -> Endpoint:
    """Return the row of a kind of file. Roblox's document has none: the addresses are what its answers say they are.

    Args:
        name: Its name in the log and for faults.
        path: Template of its path.
        parameters: The path's parameters.
        method: `GET`, or `PUT` where it is to be uploaded.
    """
    return Endpoint(
        name=name,
        method=method,
        server="https://c0.rbxcdn.com",
        path=path,
        path_parameters=tuple(Parameter(each, required=True) for each in parameters),
        body=Body.BINARY if method == "PUT" else Body.NONE,
        query_parameters=(Parameter("expires", required=True), Parameter("signature", required=True)),
        credentials=frozenset({Credential.NONE}),
        repeat=Repeat.SAFE,
    )


def location(call: Call, now: float, path: str, lifetime: float = LIFETIME) -> str:
    """Return the address of a file, as an answer tells it.

    Args:
        call: The request that is answered: the address leads to where its caller found the emulator.
        now: The emulator's time.
        path: Path of the file.
        lifetime: Seconds for which it is good.
    """
    expires = str(int(now + lifetime))
    return f"{call.base_url}{path}?{urlencode({'expires': expires, 'signature': _sign(path, expires)})}"


def check_location(call: Call, now: float, path: str) -> None:
    """Refuse an address that the emulator did not make, or made too long ago.

    Args:
        call: The request for the file.
        now: The emulator's time.
        path: Path of the file, as it was given to `location`.

    Raises:
        Refusal: 403.
    """
    expires, signature = call.query.get("expires", ""), call.query.get("signature", "")
    if signature != _sign(path, expires):
        raise Refusal(403, "PERMISSION_DENIED", "The signature of the address is wrong.")
    if not _EXPIRES.fullmatch(expires) or int(expires) < now:
        raise Refusal(403, "PERMISSION_DENIED", "The address has expired.")


def file_reply(content: bytes, content_type: str, headers: Mapping[str, str]) -> Reply:
    """Return a file, or the piece of it that a request asks for (RFC 9110 sections 13 and 14).

    Args:
        content: The whole file.
        content_type: What it is.
        headers: Headers of the request: `range`, `if-range` and `if-none-match` count.
    """
    tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    common = {"etag": tag, "accept-ranges": "bytes", "content-type": content_type}
    if headers.get("if-none-match") in (tag, "*"):
        return Reply(304, common)
    match = _RANGE.fullmatch(headers.get("range", ""))
    if match is None or not any(match.groups()) or headers.get("if-range", tag) != tag:
        return Reply(200, common, content)
    start, end = _piece(match[1], match[2], len(content))
    if start >= end:
        return Reply(416, {"content-range": f"bytes */{len(content)}"})
    return Reply(206, {**common, "content-range": f"bytes {start}-{end - 1}/{len(content)}"}, content[start:end])


def _piece(first: str, last: str, size: int) -> tuple[int, int]:
    """Return the bounds of a range, the second one exclusive; the last bytes are asked for without a first one."""
    if not first:
        return max(0, size - int(last)), size
    return int(first), min(size, int(last) + 1 if last else size)


def _sign(path: str, expires: str) -> str:
    """Bind an address to its time. It is no secret: whoever reaches an emulator controls it."""
    return hashlib.sha256(f"{path}?{expires}".encode()).hexdigest()[:24]
