"""What all resources have in common: an identity, a session to call with, and a way to be fetched."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Protocol, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, PrivateAttr
from pydantic.alias_generators import to_camel

from rblxcloud.errors import ConfigurationError, InvalidRequestError
from rblxcloud.http.session import Session


def _truncate_fraction(value: object) -> object:
    """Roblox sends 7 to 9 fractional digits (.NET ticks, padded); a datetime holds 6."""
    if not isinstance(value, str):
        return value
    head, point, tail = value.partition(".")
    digits = len(tail) - len(tail.lstrip("0123456789"))
    return f"{head}{point}{tail[: min(digits, 6)]}{tail[digits:]}" if point else value


Timestamp = Annotated[datetime, BeforeValidator(_truncate_fraction)]
"""An aware datetime, read from any of the forms that Roblox's services use."""


class Model(BaseModel):
    """A plain result: frozen, comparable and picklable, the same object in both modes."""

    model_config = ConfigDict(
        frozen=True,
        populate_by_name=True,
        alias_generator=to_camel,
        extra="ignore",
        defer_build=True,
        use_attribute_docstrings=True,
    )


class Binding(Protocol):
    """Where a resource gets its session from."""

    def get(self) -> Session:
        """Return the session to call with now."""
        ...

    def release(self) -> None:
        """Say that the resource that was made with this binding needs it no longer."""
        ...


BINDING = "rblxcloud_binding"
"""Key of the validation context under which a new resource finds its binding."""


class Resource(BaseModel):
    """An object of Roblox's with an identity and methods.

    Equality and hash are type and id. Pickles and copies made by pickling carry no session and no secret;
    `client.bind(resource)` gives them one.
    """

    model_config = ConfigDict(
        frozen=True,
        populate_by_name=True,
        alias_generator=to_camel,
        extra="ignore",
        defer_build=True,
        use_attribute_docstrings=True,
    )

    id: int
    """The id at Roblox."""

    _binding: Binding | None = PrivateAttr(default=None)
    _owns_binding: bool = PrivateAttr(default=False)

    @classmethod
    def bound(cls, binding: Binding, **fields: Any) -> Self:
        """Make a resource with the session of another object.

        Args:
            binding: The session's source.
            **fields: Fields by their Python names.
        """
        return cls.model_validate(fields, context={BINDING: binding})

    def model_post_init(self, context: Any, /) -> None:
        """Take the binding out of the validation context.

        Args:
            context: Pydantic's validation context.
        """
        if isinstance(context, Mapping):
            self._binding = context.get(BINDING)

    @property
    def _session(self) -> Session:
        if self._binding is None:
            raise ConfigurationError(
                f"this {type(self).__name__} has no client (it was unpickled or copied); "
                "client.bind(resource) gives it one"
            )
        return self._binding.get()

    def _adopt(self, answer: Self) -> None:
        """Swap in all fields of a validated answer at once."""
        object.__setattr__(self, "__dict__", {**answer.__dict__, "id": self.id})
        object.__setattr__(self, "__pydantic_fields_set__", set(answer.__pydantic_fields_set__))

    def __eq__(self, other: object) -> bool:
        """Whether it is the same object of Roblox's."""
        return type(other) is type(self) and isinstance(other, Resource) and other.id == self.id

    def __hash__(self) -> int:
        """Hash by type and id."""
        return hash((type(self), self.id))

    def __getstate__(self) -> dict[Any, Any]:
        """Leave the session out of pickles."""
        return {**super().__getstate__(), "__pydantic_private__": {"_binding": None, "_owns_binding": False}}

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
        """Copy the fields and share the session."""
        return self.__copy__()

    async def aclose(self) -> None:
        """Close the connections that this object opened for itself; idempotent.

        An object that was got from a client or another resource closes nothing.
        """
        if self._owns_binding and self._binding is not None:
            self._binding.release()

    async def __aenter__(self) -> Self:
        """Return the resource itself."""
        return self

    async def __aexit__(self, *exception: object) -> None:
        """Close as `aclose` does."""
        await self.aclose()


def check_id(argument: str, value: object) -> int:
    """Return an id of Roblox's.

    Args:
        argument: Name of the argument, for the error.
        value: An int; text of digits is accepted too, since Roblox itself sends ids as text.

    Raises:
        InvalidRequestError: It is not a whole number from 1 to 2^63 - 1.
    """
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < 2**63:
        raise InvalidRequestError(argument, f"{value!r} is not an id: a whole number from 1 to 2^63 - 1")
    return value


def check_text(argument: str, value: object, longest: int) -> str:
    """Return text of 1 to `longest` characters.

    Raises:
        InvalidRequestError: It is not text, empty, or too long.
    """
    if not isinstance(value, str):
        raise InvalidRequestError(argument, f"is of type {type(value).__name__}; it takes text")
    if not 1 <= len(value) <= longest:
        raise InvalidRequestError(argument, f"has {len(value)} characters; it takes 1 to {longest}")
    return value


