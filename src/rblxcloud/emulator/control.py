"""The control API under `/_emulator/`: inspect and steer an emulator from another program."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote

from pydantic import ValidationError

from rblxcloud.emulator import control_creators, control_places, control_restrictions
from rblxcloud.emulator.api_keys import ApiKey
from rblxcloud.emulator.control_command import DEFAULT_LIMIT, Command, ControlError, shown_time
from rblxcloud.emulator.control_servers import ROUTES as SERVER_ROUTES
from rblxcloud.emulator.errors import json_reply
from rblxcloud.emulator.faults import Fault
from rblxcloud.emulator.luau.control_routes import ROUTES as LUAU_ROUTES
from rblxcloud.emulator.memory_stores import controls as memory_stores
from rblxcloud.emulator.model import RawRequest, Reply
from rblxcloud.emulator.oauth import control as oauth
from rblxcloud.emulator.universes import is_id
from rblxcloud.emulator.webhooks import control as webhooks

if TYPE_CHECKING:
    from rblxcloud.emulator.core import Emulator

__all__ = ["MAX_WAIT", "handle", "wait_seconds"]

MAX_WAIT = 60.0
"""Longest time that a long poll for messages or notifications is held, in seconds."""

_HELD = ("/_emulator/messages", "/_emulator/notifications")


def handle(emulator: Emulator, request: RawRequest) -> Reply:
    """Answer a request to the control API; it needs no key, and neither limits nor faults apply.

    Args:
        emulator: What to inspect or to steer.
        request: A request whose path begins with `/_emulator/`.
    """
    path, _, query = request.raw_path.partition("?")
    collection, target = _addressed(unquote(path.removeprefix("/_emulator/")).rstrip("/"))
    methods = _ROUTES.get((collection, bool(target)), {})
    action = methods.get(request.method)
    if action is None:
        allow = {"allow": ", ".join(methods)} if methods else None
        return json_reply({"error": "There is no such control."}, 405 if methods else 404, allow)
    try:
        result = action(Command(emulator, dict(parse_qsl(query)), request.body, target))
        return result if isinstance(result, Reply) else json_reply(result)
    except ControlError as problem:
        return json_reply({"error": str(problem)}, problem.status)
    except ValidationError as error:
        return json_reply({"error": "; ".join(_problems(error))}, 400)
    except (ValueError, TypeError) as error:
        return json_reply({"error": f"Not understood: {error}"}, 400)
    except ImportError as error:  # It names the extra that is not installed.
        return json_reply({"error": str(error)}, 501)


def _problems(error: ValidationError) -> Iterator[str]:
    for problem in error.errors(include_url=False, include_input=False, include_context=False):
        place = ".".join(str(part) for part in problem["loc"])
        yield f"{place}: {problem['msg']}" if place else problem["msg"]


def wait_seconds(request: RawRequest) -> float:
    """Return how long a server may hold this request while it has nothing to tell of, at most `MAX_WAIT`."""
    path, _, query = request.raw_path.partition("?")
    if path not in _HELD:
        return 0.0
    try:
        return min(max(float(dict(parse_qsl(query)).get("wait", 0)), 0.0), MAX_WAIT)
    except ValueError:
        return 0.0


def _addressed(name: str) -> tuple[str, str]:
    """Return a collection's name and what of it is meant; those of OAuth stand one step deeper."""
    room, _, rest = name.partition("/")
    if room != "oauth":
        return room, rest
    collection, _, target = rest.partition("/")
    return f"{room}/{collection}", target


def _health(command: Command) -> object:
    return {"status": "ok", "time": shown_time(command.emulator.clock.now())}


def _reset(command: Command) -> object:
    command.emulator.reset()
    return {}


def _list_keys(command: Command) -> object:
    return {"keys": [_shown(key) for key in command.emulator.list_keys()]}


def _add_key(command: Command) -> object:
    fields = command.object()
    secret = fields.pop("key", None)
    if not isinstance(secret, str) or not secret:
        raise ControlError(400, "key must be the text that callers send.")
    return _shown(command.emulator.add_key(secret, ApiKey.model_validate(fields)))


def _show_key(command: Command) -> object:
    return _shown(_key(command))


def _update_key(command: Command) -> object:
    fields = {**_shown(_key(command)), **command.object(), "id": command.target}
    key = ApiKey.model_validate(fields)
    command.emulator.update_key(key)
    return _shown(key)


def _remove_key(command: Command) -> object:
    if not command.emulator.remove_key(command.target):
        raise ControlError(404, "There is no key with this id.")
    return {}


def _key(command: Command) -> ApiKey:
    found = next((key for key in command.emulator.list_keys() if key.id == command.target), None)
    if found is None:
        raise ControlError(404, "There is no key with this id.")
    return found


def _shown(key: ApiKey) -> dict[str, Any]:
    return key.model_dump(mode="json", by_alias=True, exclude_none=True)


def _list_messages(command: Command) -> object:
    messages = command.emulator.messages(
        after=command.number("after") or 0,
        universe=command.query.get("universe"),
        topic=command.query.get("topic"),
        limit=command.number("limit") or DEFAULT_LIMIT,
    )
    return {"messages": [{**asdict(message), "time": shown_time(message.time)} for message in messages]}


def _list_requests(command: Command) -> object:
    entries = command.emulator.requests(
        after=command.number("after") or 0,
        limit=command.number("limit") or DEFAULT_LIMIT,
        endpoint=command.query.get("endpoint"),
        tag=command.query.get("tag"),
    )
    return {"requests": [{**asdict(entry), "time": shown_time(entry.time)} for entry in entries]}


def _clear_requests(command: Command) -> object:
    command.emulator.clear_requests()
    return {}


def _list_faults(command: Command) -> object:
    armed = command.emulator.faults.armed()
    return {"faults": [{"id": number, "struck": struck, **_fault(fault)} for number, (fault, struck) in armed.items()]}


def _add_fault(command: Command) -> object:
    fault = Fault.model_validate(command.object())
    return {"id": command.emulator.faults.add(fault), **_fault(fault)}


def _clear_faults(command: Command) -> object:
    command.emulator.faults.clear()
    return {}


def _remove_fault(command: Command) -> object:
    if not command.emulator.faults.remove(int(command.target)):
        raise ControlError(404, "There is no armed fault with this id.")
    return {}


def _fault(fault: Fault) -> dict[str, Any]:
    return fault.model_dump(mode="json", by_alias=True, exclude_none=True)


def _show_clock(command: Command) -> object:
    clock = command.emulator.clock
    return {"time": shown_time(clock.now()), "seconds": clock.now(), "frozen": clock.frozen}


def _move_clock(command: Command) -> object:
    fields, clock = command.object(), command.emulator.clock
    if unknown := fields.keys() - {"set", "advance", "frozen"}:
        raise ControlError(400, f"Unknown: {', '.join(sorted(unknown))}.")
    if "set" in fields:
        clock.set(_moment(fields["set"]))
    if "advance" in fields:
        clock.advance(float(fields["advance"]))
    if "frozen" in fields:
        clock.freeze() if fields["frozen"] else clock.resume()
    return _show_clock(command)


def _show_limits(command: Command) -> object:
    limits = command.emulator.limits
    return {"enabled": limits.enabled, "players": limits.players}


def _set_limits(command: Command) -> object:
    enabled = command.object().get("enabled")
    if not isinstance(enabled, bool):
        raise ControlError(400, "enabled must be true or false.")
    command.emulator.limits.enabled = enabled
    return _show_limits(command)


def _set_universe(command: Command) -> object:
    fields = command.object()
    if not is_id(command.target):
        raise ControlError(400, "The universe id must be a positive number.")
    players = fields.get("players", 0)
    if not isinstance(players, int) or isinstance(players, bool) or players < 0:
        raise ControlError(400, "players must be a whole number of at least 0.")
    command.emulator.create_universe(command.target, str(fields.get("owner", "users/1")))
    if "players" in fields:
        command.emulator.set_players(command.target, players)
    return {"universe": command.target, "players": command.emulator.limits.players.get(command.target, 0)}


def _moment(value: object) -> float:
    if isinstance(value, str):
        moment = datetime.fromisoformat(value)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    raise ControlError(400, "set must be an RFC 3339 time or seconds since 1970 UTC.")


_ROUTES: dict[tuple[str, bool], dict[str, Callable[[Command], object]]] = {
    ("health", False): {"GET": _health},
    ("reset", False): {"POST": _reset},
    ("keys", False): {"GET": _list_keys, "POST": _add_key},
    ("keys", True): {"GET": _show_key, "PATCH": _update_key, "DELETE": _remove_key},
    ("messages", False): {"GET": _list_messages},
    ("requests", False): {"GET": _list_requests, "DELETE": _clear_requests},
    ("faults", False): {"GET": _list_faults, "POST": _add_fault, "DELETE": _clear_faults},
    ("faults", True): {"DELETE": _remove_fault},
    ("clock", False): {"GET": _show_clock, "POST": _move_clock},
    ("limits", False): {"GET": _show_limits, "PUT": _set_limits},
    ("universes", True): {"PUT": _set_universe},
    **control_restrictions.ROUTES,
    **LUAU_ROUTES,
    **control_creators.ROUTES,
    **control_places.ROUTES,
    **memory_stores.ROUTES,
    **SERVER_ROUTES,
    **oauth.ROUTES,
    **webhooks.ROUTES,
}
