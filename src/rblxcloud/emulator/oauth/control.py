"""The control API of the provider, under `/_emulator/oauth/`, and what the consent page posts to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, StrictBool
from pydantic.alias_generators import to_camel

from rblxcloud.emulator.control_command import Command, ControlError, shown_time
from rblxcloud.emulator.oauth.apps import OAuthApp
from rblxcloud.emulator.oauth.grants import Authorization

__all__ = ["ROUTES"]


class _Approval(BaseModel):
    """What `OAuthProvider.approve` takes."""

    model_config: ClassVar[ConfigDict] = ConfigDict(alias_generator=to_camel, extra="forbid")

    uri: str
    user: int | str = 1
    scopes: tuple[str, ...] | None = None
    universes: tuple[int | str, ...] | None = None
    groups: tuple[int | str, ...] | None = None
    as_creator: StrictBool = True


def _list_apps(command: Command) -> object:
    return {"apps": [_shown(app) for app in command.emulator.oauth.list_apps()]}


def _add_app(command: Command) -> object:
    fields = command.object()
    secret = fields.pop("secret", None)
    if not isinstance(secret, str | None):
        raise ControlError(400, "secret must be the text that the application authenticates with.")
    app = OAuthApp.model_validate(fields)
    command.emulator.oauth.add_app(app, secret)
    return _shown(app)


def _remove_app(command: Command) -> object:
    if not command.emulator.oauth.remove_app(command.target):
        raise ControlError(404, "There is no application with this id.")
    return {}


def _shown(app: OAuthApp) -> dict[str, Any]:
    return app.model_dump(mode="json", by_alias=True, exclude_none=True)


def _approve(command: Command) -> object:
    approval = _Approval.model_validate(command.object())
    location = command.emulator.oauth.approve(
        approval.uri,
        user=approval.user,
        scopes=approval.scopes,
        universes=approval.universes,
        groups=approval.groups,
        as_creator=approval.as_creator,
    )
    return {"location": location}


def _deny(command: Command) -> object:
    return {"location": command.emulator.oauth.deny(_text("uri", command.object()))}


def _consent(command: Command) -> object:
    return command.emulator.oauth.submit_consent(command.body)


def _list_authorizations(command: Command) -> object:
    return {"authorizations": [_told(authorization) for authorization in command.emulator.oauth.authorizations()]}


def _revoke(command: Command) -> object:
    query = command.query
    return {"revoked": command.emulator.oauth.revoke(client_id=query.get("clientId"), user=query.get("user"))}


def _revoke_one(command: Command) -> object:
    if not command.emulator.oauth.revoke(authorization=command.target):
        raise ControlError(404, "There is no authorization with this id that still holds.")
    return {"revoked": 1}


def _told(authorization: Authorization) -> dict[str, object]:
    ended_at = authorization.ended_at
    return {
        "id": authorization.id,
        "clientId": authorization.client_id,
        **asdict(authorization.consent),
        "createdAt": shown_time(authorization.created_at),
        "endedAt": None if ended_at is None else shown_time(ended_at),
    }


def _rotate_keys(command: Command) -> object:
    keep = (command.object() if command.body else {}).get("keep", True)
    if not isinstance(keep, bool):
        raise ControlError(400, "keep must be true or false.")
    return {"kid": command.emulator.oauth.rotate_keys(keep=keep)}


def _spoil(command: Command) -> object:
    flaw: Any = _text("flaw", command.object())
    command.emulator.oauth.spoil_id_token(flaw)
    return {"flaw": flaw}


def _text(name: str, fields: Mapping[str, object]) -> str:
    value = fields.get(name)
    if not isinstance(value, str):
        raise ControlError(400, f"{name} must be a text.")
    return value


ROUTES: dict[tuple[str, bool], dict[str, Callable[[Command], object]]] = {
    ("oauth/apps", False): {"GET": _list_apps, "POST": _add_app},
    ("oauth/apps", True): {"DELETE": _remove_app},
    ("oauth/approve", False): {"POST": _approve},
    ("oauth/deny", False): {"POST": _deny},
    ("oauth/consent", False): {"POST": _consent},
    ("oauth/authorizations", False): {"GET": _list_authorizations, "DELETE": _revoke},
    ("oauth/authorizations", True): {"DELETE": _revoke_one},
    ("oauth/keys", False): {"POST": _rotate_keys},
    ("oauth/flaws", False): {"POST": _spoil},
}
