"""What a user has let an application touch."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

from pydantic import ConfigDict, TypeAdapter

from rblxcloud.endpoints.oauth import TOKEN_RESOURCES
from rblxcloud.http.binding import Binding
from rblxcloud.http.response import decode
from rblxcloud.resources.base import Model
from rblxcloud.resources.experience import Experience
from rblxcloud.resources.group import Group
from rblxcloud.resources.user import User
from rblxcloud.runtime.base import Response

_ID = re.compile(r"[1-9][0-9]{0,18}")


@dataclass(frozen=True)
class Resources:
    """What the user chose on the consent page. The objects use the token that asked for them."""

    experiences: list[Experience]
    """The experiences that may be touched."""
    creators: list[User | Group]
    """The users and groups in whose name assets may be made."""


class _Ids(Model):
    ids: tuple[str, ...] = ()


class _Granted(Model):
    universe: _Ids | None = None
    creator: _Ids | None = None


class _Owner(Model):
    id: str = ""
    type: str = ""


class _Info(Model):
    owner: _Owner = _Owner()
    resources: _Granted = _Granted()


class _Answer(Model):
    model_config: ClassVar[ConfigDict] = ConfigDict(alias_generator=None)

    resource_infos: tuple[_Info, ...] = ()


_ANSWER: TypeAdapter[_Answer] = TypeAdapter(_Answer)


def granted_resources(answered: Response, binding: Binding) -> Resources:
    """Read an answer of the resources endpoint. What is of no known kind is left out: Roblox may add some.

    Args:
        answered: The answer.
        binding: What the objects are bound to.

    Raises:
        APIResponseError: It is not of this shape.
    """
    experiences: dict[Experience, None] = {}
    creators: dict[User | Group, None] = {}
    for info in decode(_ANSWER, answered, TOKEN_RESOURCES).resource_infos:
        for id in info.resources.universe.ids if info.resources.universe else ():
            if _is_id(id):
                experiences[Experience.bound(binding, id=int(id))] = None
        for name in info.resources.creator.ids if info.resources.creator else ():
            creator = _creator(name, info.owner, binding)
            if creator is not None:
                creators[creator] = None
    return Resources([*experiences], [*creators])


def _is_id(text: str) -> bool:
    return _ID.fullmatch(text) is not None


def _creator(name: str, owner: _Owner, binding: Binding) -> User | Group | None:
    """`U` is the user who owns the grant, `U1` another user, `G1` a group (the last two as clients have seen them)."""
    kind, id = name[:1], name[1:]
    if name == "U":
        kind, id = ("G" if owner.type == "Group" else "U"), owner.id
    if not _is_id(id) or kind not in ("U", "G"):
        return None
    return (User if kind == "U" else Group).bound(binding, id=int(id))
