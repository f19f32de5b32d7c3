"""What is to become of the next long-running operations: how long they take, and how they end."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

__all__ = ["OperationScript", "Scripts"]

Kind = Literal["upload", "thumbnail", "homepage_thumbnail", "speech", "instance", "flush", "restart"]


class OperationScript(BaseModel):
    """How one of these operations goes. The default one is done when it is first polled."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, frozen=True, extra="forbid"
    )

    kind: Kind = "upload"
    """What it is for: an `upload`, which updates of a file's content are too, a `thumbnail` of a user, the upload of a
    `homepage_thumbnail`, `speech`, a call to an `instance`, a `flush` of memory stores, or a `restart` of servers, of
    which only `processing` and `refusal` count."""
    processing: float = Field(default=0.0, ge=0)
    """Seconds on the emulator's clock until the operation is done."""
    answer: Literal["pending", "path", "done"] = "pending"
    """The answer to the request that starts it: `pending` says that it is not done, `path` holds the path alone, `done`
    holds the end already, whatever `processing` says."""
    code: int | None = None
    """Code of the error that it ends with (a `google.rpc.Code`); None for success."""
    message: str = "The operation failed."
    """Text of that error."""
    error_field: Literal["error", "status"] = "error"
    """Where that error stands: Roblox's document says `error`, its guide says `status`."""
    moderation: Literal["Approved", "Reviewing", "Rejected"] = "Approved"
    """What moderation made of the uploaded version."""
    refusal: str | None = None
    """Text of the 400 that the request itself is answered with, such as `AssetName is moderated.`; None for no such."""
    price: int = Field(default=0, ge=0)
    """Fee of the upload in Robux: above the request's `expectedPrice` it is refused."""
    times: int | None = Field(default=1, ge=1)
    """How many operations it is for; None for all that come."""


class Scripts:
    """The scripts that wait, in the order in which they were added; the first one for a kind of operation is taken."""

    def __init__(self) -> None:
        self._waiting: list[OperationScript] = []

    def add(self, script: OperationScript) -> None:
        """Put a script behind those that wait already."""
        self._waiting.append(script)

    def clear(self) -> None:
        """Forget every script."""
        self._waiting.clear()

    def waiting(self) -> list[OperationScript]:
        """Return the scripts that still wait; `times` says how many operations each is still for."""
        return list(self._waiting)

    def take(self, kind: Kind) -> OperationScript:
        """Return the script for an operation that is asked for now, and count it."""
        for place, script in enumerate(self._waiting):
            if script.kind == kind:
                if script.times == 1:
                    del self._waiting[place]
                elif script.times is not None:
                    self._waiting[place] = script.model_copy(update={"times": script.times - 1})
                return script
        return OperationScript(kind=kind)
