"""Notifications that experiences send to users: what stands in one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from rblxcloud.errors import InvalidRequestError
from rblxcloud.http.request import check_unicode
from rblxcloud.resources.arguments import check_whole, shown
from rblxcloud.resources.base import check_text

LAUNCH_DATA_BYTES = 200
_INT64_MAX = 2**63 - 1


def notification_body(
    universe_id: int,
    message_id: str,
    parameters: Mapping[str, str | int] | None,
    launch_data: str | None,
    category: str | None,
) -> dict[str, Any]:
    """Return the body of a notification, from the arguments of `User.notify`.

    Raises:
        InvalidRequestError: An argument is refused.
    """
    payload: dict[str, Any] = {"type": "MOMENT", "messageId": _text("message_id", message_id)}
    if parameters is not None:
        payload["parameters"] = _parameters(parameters)
    if launch_data is not None:
        payload["joinExperience"] = {"launchData": _launch_data(launch_data)}
    if category is not None:
        payload["analyticsData"] = {"category": _text("category", category)}
    return {"source": {"universe": f"universes/{universe_id}"}, "payload": payload}


def _text(argument: str, value: object) -> str:
    return check_unicode(argument, check_text(argument, value))


def _parameters(parameters: object) -> dict[str, Any]:
    if not isinstance(parameters, Mapping):
        raise InvalidRequestError("parameters", f"is of type {type(parameters).__name__}; it takes a mapping")
    given = cast("Mapping[object, object]", parameters)
    return {_text("parameters", name): _parameter(value) for name, value in given.items()}


def _parameter(value: object) -> dict[str, str | int]:
    if isinstance(value, str):
        return {"stringValue": check_unicode("parameters", value)}
    if not isinstance(value, int):
        raise InvalidRequestError("parameters", f"holds {shown(value)}, which is neither text nor a whole number")
    return {"int64Value": check_whole("parameters", value, _INT64_MAX, smallest=-_INT64_MAX - 1)}


def _launch_data(value: object) -> str:
    if not isinstance(value, str):
        raise InvalidRequestError("launch_data", f"is of type {type(value).__name__}; it takes text")
    size = len(check_unicode("launch_data", value).encode())
    if size > LAUNCH_DATA_BYTES:
        raise InvalidRequestError("launch_data", f"has {size} bytes in UTF-8; it takes {LAUNCH_DATA_BYTES} at most")
    return value
