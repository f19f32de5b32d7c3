"""The part of the control API that is about users, groups, assets and what becomes of uploads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from rblxcloud.emulator.control_command import DEFAULT_LIMIT, Command, apply, shown_time
from rblxcloud.emulator.control_command import file_content as _content
from rblxcloud.emulator.control_command import numbered as _place
from rblxcloud.emulator.protobuf import camel_keys
from rblxcloud.emulator.scripts import OperationScript

__all__ = ["ROUTES"]


def _set_user(command: Command) -> object:
    user, part = _place(command, "", "quotas")
    if part:
        apply(command.emulator.assets.set_quota, user, **command.object())
    else:
        apply(command.emulator.users.update, user, **command.object())
    return {}


def _add_to_user(command: Command) -> object:
    user, _ = _place(command, "inventory")
    return {"path": apply(command.emulator.users.add_item, user, **command.object())}


def _remove_user(command: Command) -> object:
    command.emulator.users.remove(_place(command, "")[0])
    return {}


def _list_notifications(command: Command) -> object:
    sent = command.emulator.users.notifications(
        after=command.number("after") or 0, user=command.number("user"), limit=command.number("limit") or DEFAULT_LIMIT
    )
    return {"notifications": [{**camel_keys(asdict(each)), "time": shown_time(each.time)} for each in sent]}


def _show_group(command: Command) -> object:
    group, _ = _place(command, "")
    controls = command.emulator.groups
    return {
        "members": controls.members(group),
        "joinRequests": controls.join_requests(group),
        "roles": [{"id": role.id, "name": role.name, "rank": role.rank} for role in controls.roles(group)],
    }


def _set_group(command: Command) -> object:
    group, part = _place(command, "", "shout")
    controls = command.emulator.groups
    apply(controls.shout if part else controls.update, group, **command.object())
    return {}


def _add_to_group(command: Command) -> object:
    group, part = _place(command, "roles", "members", "join-requests", "categories")
    controls = command.emulator.groups
    add: dict[str, Callable[..., object]] = {
        "roles": controls.add_role,
        "members": controls.add_member,
        "join-requests": controls.ask_to_join,
        "categories": controls.add_category,
    }
    made = apply(add[part], group, **command.object())
    return {} if made is None else {"id": made}


def _remove_group(command: Command) -> object:
    command.emulator.groups.remove(_place(command, "")[0])
    return {}


def _add_post(command: Command) -> object:
    return {"id": apply(command.emulator.groups.add_post, command.target, **command.object())}


def _add_comment(command: Command) -> object:
    return {"id": apply(command.emulator.groups.add_comment, command.target, **command.object())}


def _add_asset(command: Command) -> object:
    fields = command.object()
    content = _content(fields)
    return {"assetId": apply(command.emulator.assets.add, content, **fields)}


def _show_asset(command: Command) -> object:
    asset, _ = _place(command, "")
    granted = command.emulator.assets.permissions(asset)
    return {
        "permissions": [
            {"subjectType": subject_type, "subjectId": subject, "action": action}
            for subject_type, subject, action in granted
        ]
    }


def _set_asset(command: Command) -> object:
    asset, part = _place(command, "moderation", "file")
    fields = command.object()
    if part == "file":
        content = _content(fields)
        apply(command.emulator.assets.change_file, asset, content, **fields)
    else:
        apply(command.emulator.assets.moderate, asset, **fields)
    return {}


def _list_scripts(command: Command) -> object:
    return {"scripts": [_script(each) for each in command.emulator.scripts.waiting()]}


def _add_script(command: Command) -> object:
    script = OperationScript.model_validate(command.object())
    command.emulator.scripts.add(script)
    return _script(script)


def _clear_scripts(command: Command) -> object:
    command.emulator.scripts.clear()
    return {}


def _script(script: OperationScript) -> dict[str, Any]:
    return script.model_dump(mode="json", by_alias=True, exclude_none=True)


ROUTES: dict[tuple[str, bool], dict[str, Callable[[Command], object]]] = {
    ("users", True): {"PUT": _set_user, "POST": _add_to_user, "DELETE": _remove_user},
    ("notifications", False): {"GET": _list_notifications},
    ("groups", True): {"GET": _show_group, "PUT": _set_group, "POST": _add_to_group, "DELETE": _remove_group},
    ("forum-categories", True): {"POST": _add_post},
    ("forum-posts", True): {"POST": _add_comment},
    ("assets", False): {"POST": _add_asset},
    ("assets", True): {"GET": _show_asset, "PUT": _set_asset},
    ("scripts", False): {"GET": _list_scripts, "POST": _add_script, "DELETE": _clear_scripts},
}
