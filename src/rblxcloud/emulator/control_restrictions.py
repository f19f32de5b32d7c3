"""The part of the control API that is about bans, secrets and subscriptions."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from rblxcloud.emulator.control_command import DEFAULT_LIMIT, Command, ControlError, apply, shown_time
from rblxcloud.emulator.protobuf import camel_keys
from rblxcloud.emulator.restrictions.table import Log
from rblxcloud.emulator.universes import is_id

__all__ = ["ROUTES"]


def _show_bans(command: Command) -> object:
    universe, *user = _ids(command, 1, 2)
    controls, place = command.emulator.user_restrictions, command.number("place")
    if user:
        return {"banned": controls.is_banned(universe, user[0], place=place)}
    rows = controls.logs(
        universe, user=command.number("user"), place=place, limit=command.number("limit") or DEFAULT_LIMIT
    )
    return {"logs": [_log(row) for row in rows]}


def _ban(command: Command) -> object:
    apply(command.emulator.user_restrictions.ban, *_ids(command, 2), **command.object())
    return {}


def _unban(command: Command) -> object:
    command.emulator.user_restrictions.unban(*_ids(command, 2), place=command.number("place"))
    return {}


def _log(row: Log) -> dict[str, Any]:
    terms = camel_keys(asdict(row.terms))
    start = None if row.terms.start is None else shown_time(row.terms.start)
    about = {"id": row.id, "place": row.place, "user": row.user, "moderator": row.moderator}
    return {**about, "time": shown_time(row.time), **terms, "start": start}


def _show_secrets(command: Command) -> object:
    universe, name = _named(command)
    controls = command.emulator.secrets
    if not name:
        return {"ids": controls.ids(universe)}
    content = controls.open_bytes(universe, name)
    try:
        return {"value": content.decode()}
    except UnicodeDecodeError:
        return {"content": base64.b64encode(content).decode()}


def _put_secret(command: Command) -> object:
    universe, name = _named(command)
    apply(command.emulator.secrets.put, universe, name, **command.object())
    return {}


def _rotate_key(command: Command) -> object:
    universe, name = _named(command)
    if name != "key":
        raise ControlError(404, "There is no such control.")
    return {"keyId": command.emulator.secrets.rotate_key(universe)}


def _set_subscription(command: Command) -> object:
    apply(command.emulator.subscriptions.set, *_subscription(command), **command.object())
    return {}


def _remove_subscription(command: Command) -> object:
    command.emulator.subscriptions.remove(*_subscription(command))
    return {}


def _ids(command: Command, *lengths: int) -> list[int]:
    """Return the ids that the rest of the path is made of."""
    parts = command.target.split("/")
    if len(parts) not in lengths:
        raise ControlError(404, "There is no such control.")
    if not all(map(is_id, parts)):
        raise ControlError(400, "The ids must be positive numbers.")
    return [int(part) for part in parts]


def _named(command: Command) -> tuple[int, str]:
    """Return a universe, and what of its secrets is meant."""
    universe, _, name = command.target.partition("/")
    if not is_id(universe):
        raise ControlError(400, "The universe id must be a positive number.")
    return int(universe), name


def _subscription(command: Command) -> tuple[int, str, int]:
    match command.target.split("/"):
        case [universe, product, user] if is_id(universe) and is_id(user):
            return int(universe), product, int(user)
        case _:
            raise ControlError(400, "The path must name a universe, a product and a user.")


ROUTES: dict[tuple[str, bool], dict[str, Callable[[Command], object]]] = {
    ("user-restrictions", True): {"GET": _show_bans, "PUT": _ban, "DELETE": _unban},
    ("secrets", True): {"GET": _show_secrets, "PUT": _put_secret, "POST": _rotate_key},
    ("subscriptions", True): {"PUT": _set_subscription, "DELETE": _remove_subscription},
}
