"""The part of the control API that is about webhooks."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from pydantic import BaseModel, ConfigDict, validate_call
from pydantic.alias_generators import to_camel, to_snake

from rblxcloud.emulator.control_command import DEFAULT_LIMIT, Command, ControlError, shown_time
from rblxcloud.emulator.webhooks.controls import RegisteredWebhook, WebhookDelivery
from rblxcloud.emulator.webhooks.events import KINDS, Event
from rblxcloud.emulator.webhooks.signer import Flaw

__all__ = ["ROUTES"]


class _Registration(BaseModel):
    model_config = ConfigDict(extra="forbid", alias_generator=to_camel)

    url: str
    secret: str | None = None
    event_types: list[str] | None = None


class _Delivery(BaseModel):
    """The fields of a trigger that are not the event's own."""

    model_config = ConfigDict(extra="allow", alias_generator=to_camel)

    notification_id: str | None = None
    flaw: Flaw | None = None


class _Anything(BaseModel):
    model_config = ConfigDict(extra="forbid", alias_generator=to_camel)

    event_type: str
    payload: dict[str, Any] = {}


def _list(command: Command) -> object:
    webhooks = command.emulator.webhooks
    return {
        "webhooks": [_webhook(webhook) for webhook in webhooks.registered()],
        "retryInterval": webhooks.retry_interval,
    }


def _add(command: Command) -> object:
    fields = _Registration.model_validate(command.object())
    return {"id": command.emulator.webhooks.add(fields.url, fields.secret, fields.event_types)}


def _set(command: Command) -> object:
    interval = command.object().get("retryInterval")
    if isinstance(interval, bool) or not isinstance(interval, int | float) or not 0 <= interval < math.inf:
        raise ControlError(400, "retryInterval must be a number of seconds of at least 0.")
    command.emulator.webhooks.retry_interval = float(interval)
    return _list(command)


def _remove(command: Command) -> object:
    if not command.target.isdigit() or not command.emulator.webhooks.remove(int(command.target)):
        raise ControlError(404, "There is no webhook with this id.")
    return {}


def _show(command: Command) -> object:
    if command.target != "deliveries":
        raise ControlError(404, "There is no such control.")
    rows = command.emulator.webhooks.deliveries(
        after=command.number("after") or 0, limit=command.number("limit") or DEFAULT_LIMIT
    )
    return {"deliveries": [_delivery(row) for row in rows]}


def _trigger(command: Command) -> object:
    """Let something happen: by the name of its kind, or as `events`, with any type and payload."""
    fields = _Delivery.model_validate(command.object() if command.body else {})
    event = _event(command.target, fields.model_extra or {})
    number = command.emulator.webhooks.trigger(event, notification_id=fields.notification_id, flaw=fields.flaw)
    return {"notificationId": number}


def _event(name: str, fields: dict[str, Any]) -> Event:
    if name == "events":
        anything = _Anything.model_validate(fields)
        return Event(anything.event_type, anything.payload)
    if name not in KINDS:
        raise ControlError(404, f"There is no such kind of event; there are events, {', '.join(KINDS)}.")
    return validate_call(KINDS[name])(**{to_snake(field): value for field, value in fields.items()})


def _webhook(webhook: RegisteredWebhook) -> dict[str, Any]:
    return _camel(asdict(webhook))


def _delivery(delivery: WebhookDelivery) -> dict[str, Any]:
    attempts = [{**_camel(asdict(each)), "time": shown_time(each.time)} for each in delivery.attempts]
    return {**_camel(asdict(delivery)), "attempts": attempts}


def _camel(fields: dict[str, Any]) -> dict[str, Any]:
    return {to_camel(name): value for name, value in fields.items()}


ROUTES: dict[tuple[str, bool], dict[str, Callable[[Command], object]]] = {
    ("webhooks", False): {"GET": _list, "POST": _add, "PUT": _set},
    ("webhooks", True): {"GET": _show, "POST": _trigger, "DELETE": _remove},
}
