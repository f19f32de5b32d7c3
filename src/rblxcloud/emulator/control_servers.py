"""The part of the control API that is about game servers, translations and the Creator Store."""

from __future__ import annotations

from collections.abc import Callable

from rblxcloud.emulator.control_command import Command, ControlError, apply

__all__ = ["ROUTES"]


def _add_server(command: Command) -> object:
    return {"jobId": apply(command.emulator.servers.add, **command.object())}


def _list_servers(command: Command) -> object:
    universe = command.number("universe")
    if universe is None:
        raise ControlError(400, "Name the universe.")
    return {"jobIds": command.emulator.servers.running(universe)}


def _change_server(command: Command) -> object:
    job, _, part = command.target.partition("/")
    if part not in ("logs", "end"):
        raise ControlError(404, "There is no such control.")
    controls = command.emulator.servers
    apply(controls.log if part == "logs" else controls.end, job, **command.object())
    return {}


def _show_restart(command: Command) -> object:
    return {"attributes": command.emulator.servers.attributes(command.target)}


def _add_translation(command: Command) -> object:
    apply(command.emulator.translations.add, **command.object())
    return {}


def _restrict(command: Command) -> object:
    fields = command.object()
    apply(command.emulator.creator_store.restrict, int(command.target), *fields.pop("restrictions", ()), **fields)
    return {}


ROUTES: dict[tuple[str, bool], dict[str, Callable[[Command], object]]] = {
    ("servers", False): {"GET": _list_servers, "POST": _add_server},
    ("servers", True): {"POST": _change_server},
    ("restarts", True): {"GET": _show_restart},
    ("translations", False): {"POST": _add_translation},
    ("creator-store", True): {"PUT": _restrict},
}
