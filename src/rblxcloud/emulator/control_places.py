"""The part of the control API that is about places."""

from __future__ import annotations

from collections.abc import Callable

from rblxcloud.emulator.control_command import Command, ControlError, apply, file_content, numbered

__all__ = ["ROUTES"]


def _set(command: Command) -> object:
    place, part = numbered(command, "", "instances")
    controls, fields = command.emulator.places, command.object()
    if part == "instances":
        apply(controls.lock_instance, place, **fields)
        return {}
    if "universe" not in fields:
        raise ControlError(400, "universe must be the id of the universe that the place is in.")
    apply(controls.add, fields.pop("universe"), place, **fields)
    return {}


def _add(command: Command) -> object:
    place, part = numbered(command, "versions", "instances", "team-tests")
    controls = command.emulator.places
    if part == "team-tests":
        return {"id": controls.start_team_test(place)}
    fields = command.object()
    if part == "instances":
        return {"id": apply(controls.add_instance, place, **fields)}
    if "content" in fields:
        return {"version": apply(controls.add_version, place, file_content(fields), **fields)}
    return {"version": apply(controls.add_version, place, **fields)}


def _show(command: Command) -> object:
    place, part = numbered(command, "instances", "team-tests")
    if part == "team-tests":
        return {"teamTests": command.emulator.places.team_tests(place)}
    return command.emulator.places.instance(place, _instance(command))


def _remove(command: Command) -> object:
    place, _ = numbered(command, "instances")
    command.emulator.places.remove_instance(place, _instance(command))
    return {}


def _instance(command: Command) -> str:
    instance = command.query.get("instance", "")
    if not instance:
        raise ControlError(400, "instance must be an id, or names from the root on.")
    return instance


ROUTES: dict[tuple[str, bool], dict[str, Callable[[Command], object]]] = {
    ("places", True): {"GET": _show, "PUT": _set, "POST": _add, "DELETE": _remove},
}
