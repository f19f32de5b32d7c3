"""What Roblox says of a token."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any, ClassVar, Self, cast

from pydantic import ConfigDict, Field, TypeAdapter

from rblxcloud.endpoints.model import Endpoint
from rblxcloud.http.response import decode
from rblxcloud.resources.base import Model, Timestamp
from rblxcloud.runtime.base import Response


class AccessTokenInfo(Model):
    """What Roblox says of a token. Of one that is not active it says nothing else."""

    model_config: ClassVar[ConfigDict] = ConfigDict(alias_generator=None)

    active: bool
    """Whether the token has not expired. One that was revoked is still active until then, as far as Roblox says."""
    id: str | None = Field(default=None, alias="jti")
    """Names this token."""
    client_id: str | None = None
    """The application that it was given to."""
    user_id: str | None = Field(default=None, alias="sub")
    """The user who agreed."""
    scope: list[str] = Field(default_factory=list[str])
    """The scopes that were granted."""
    expires_at: datetime | None = Field(default=None, alias="exp")
    """When it expires; aware."""
    issued_at: datetime | None = Field(default=None, alias="iat")
    """When it was made; aware."""
    raw: dict[str, Any] = Field(default_factory=dict[str, Any], repr=False)
    """Roblox's answer as it came."""

    @classmethod
    def read(cls, answered: Response, endpoint: Endpoint) -> Self:
        """Read an answer of the introspection endpoint.

        Args:
            answered: The answer.
            endpoint: What was called.

        Raises:
            APIResponseError: It is not of this shape.
        """
        answer = decode(_ANSWER, answered, endpoint)
        raw = cast("dict[str, Any]", json.loads(answered.content or b"{}"))
        return cls.model_validate({**answer.model_dump(), "scope": (answer.scope or "").split(), "raw": raw})


class _Answer(Model):
    model_config: ClassVar[ConfigDict] = ConfigDict(alias_generator=None)

    active: bool = False
    jti: str | None = None
    client_id: str | None = None
    sub: str | None = None
    scope: str | None = None
    exp: Timestamp | None = None
    iat: Timestamp | None = None


_ANSWER = TypeAdapter(_Answer)
