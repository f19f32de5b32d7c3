"""What all resources have in common: an identity, a session to call with, and a way to be fetched."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Annotated, Any, ClassVar, Self, cast

from pydantic import BaseModel, BeforeValidator, ConfigDict, PrivateAttr, ValidationInfo, model_validator
from pydantic.alias_generators import to_camel, to_snake

from rblxcloud.errors import ConfigurationError, InvalidRequestError
from rblxcloud.http.binding import BINDING as BINDING
from rblxcloud.http.binding import Binding
from rblxcloud.http.request import check_unicode
from rblxcloud.http.session import Session
from rblxcloud.resources.arguments import shown


def _truncate_fraction(value: object) -> object:
    """Roblox sends 7 to 9 fractional digits (.NET ticks, padded); a datetime holds 6."""
    if not isinstance(value, str):
        return value
    head, point, tail = value.partition(".")
    digits = len(tail) - len(tail.lstrip("0123456789"))
    return f"{head}{point}{tail[: min(digits, 6)]}{tail[digits:]}" if point else value


Timestamp = Annotated[datetime, BeforeValidator(_truncate_fraction)]
"""An aware datetime, read from any of the forms that Roblox's services use."""


def _last_segment(value: object) -> object:
    return value.rpartition("/")[2] if isinstance(value, str) else value


PathId = Annotated[int, BeforeValidator(_last_segment)]
"""An id, read from the path by which Roblox names something: 2 from `groups/1/roles/2`."""

PathName = Annotated[str, BeforeValidator(_last_segment)]
"""An id that is no number, read from a path."""


class Model(BaseModel):
    """A plain result: frozen, comparable and picklable, the same object in both modes."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        frozen=True,
        populate_by_name=True,
        alias_generator=to_camel,
        extra="ignore",
        defer_build=True,
    )


ID = "rblxcloud_id"
"""Key of the validation context under which an answer that holds only a `path` finds its id."""


class Resource(BaseModel):
    """An object of Roblox's with an identity and methods.

    Equality and hash are type and id. Pickles and copies made by pickling carry no session and no secret;
    `client.bind(resource)` gives them one.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(
        frozen=True,
        populate_by_name=True,
        alias_generator=to_camel,
        extra="ignore",
        defer_build=True,
    )

    id: int
    """The id at Roblox."""

    _binding: Binding | None = PrivateAttr(default=None)
    _owns_binding: bool = PrivateAttr(default=False)

    @model_validator(mode="before")
    @classmethod
    def _add_id(cls, fields: Any, info: ValidationInfo) -> Any:
        """Roblox's answers name a resource by its path; its id is known from the request."""
        context = cast("dict[str, Any]", info.context or {})
        if isinstance(fields, Mapping) and ID in context:
            return {**cast("Mapping[str, Any]", fields), "id": context[ID]}
        return cast("Any", fields)

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
        if context is not None:
            self._binding = context.get(BINDING)

    @property
    def _bound_to(self) -> Binding:
        if self._binding is None:
            raise ConfigurationError(
                f"this {type(self).__name__} has no client (it was unpickled); client.bind(resource) gives it one"
            )
        return self._binding

    @property
    def _session(self) -> Session:
        return self._bound_to.get()

    def _adopt(self, answer: Resource, *, changed: Iterable[str] | None = None) -> None:
        """Swap in the fields of a validated answer at once: all of them, or with `changed` those and what it holds."""
        fields = answer.__dict__
        if changed is not None:
            names = {to_snake(name) for name in changed} | answer.__pydantic_fields_set__
            fields = {**self.__dict__, **{name: fields[name] for name in names}}
        object.__setattr__(self, "__dict__", {**fields, "id": self.id})
        object.__setattr__(
            self, "__pydantic_fields_set__", self.__pydantic_fields_set__ | answer.__pydantic_fields_set__
        )

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        """Show what is known."""
        return [(name, value) for name, value in super().__repr_args__() if value is not None]

    def __eq__(self, other: object) -> bool:
        """Whether it is the same object of Roblox's."""
        return isinstance(other, Resource) and type(other) is type(self) and other.id == self.id

    def __hash__(self) -> int:
        """Hash by type and id."""
        return hash((type(self), self.id))

    def __getstate__(self) -> dict[Any, Any]:
        """Leave the session out of pickles."""
        return {**super().__getstate__(), "__pydantic_private__": {"_binding": None, "_owns_binding": False}}

    def __copy__(self) -> Self:
        """Copy the fields and share the session; closing the copy closes nothing."""
        copy = super().__copy__()
        copy._owns_binding = False
        return copy

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
        """Copy the fields and share the session."""
        return self.__copy__()

    async def aclose(self) -> None:
        """Close the connections that this object opened for itself; idempotent.

        An object that was got from a client or another resource closes nothing.
        """
        if self._owns_binding and self._binding is not None:
            await self._binding.aclose()

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
        raise InvalidRequestError(argument, f"{shown(value)} is not an id: a whole number from 1 to 2^63 - 1")
    return int(value)  # A member of an enumeration of ints is written by its name.


def check_text(argument: str, value: object, longest: int | None = None) -> str:
    """Return text of 1 to `longest` characters; None where Roblox names no limit.

    Raises:
        InvalidRequestError: It is not text, empty, too long, or holds a lone surrogate.
    """
    if not isinstance(value, str):
        raise InvalidRequestError(argument, f"is of type {type(value).__name__}; it takes text")
    if not value or (longest is not None and len(value) > longest):
        bounds = "1 or more" if longest is None else f"1 to {longest}"
        raise InvalidRequestError(argument, f"has {len(value)} characters; it takes {bounds}")
    return check_unicode(argument, value)


def check_segment(argument: str, value: str) -> str:
    """Return text that travels in a path, where `.` and `..` would be taken for steps, however they are encoded.

    Raises:
        InvalidRequestError: It is one of these.
    """
    if value in (".", ".."):
        raise InvalidRequestError(argument, f"{value!r} cannot be addressed here: Roblox takes it for a step in a path")
    return value


def check_several(argument: str, values: object) -> list[object]:
    """Return the values of an iterable, of which there is one at least.

    Raises:
        InvalidRequestError: It is empty, or a single value; text and bytes are one, although Python can iterate them.
    """
    if isinstance(values, str | bytes | bytearray | memoryview) or not isinstance(values, Iterable):
        raise InvalidRequestError(
            argument, f"is of type {type(cast('object', values)).__name__}; it takes several values"
        )
    items = list(cast("Iterable[object]", values))
    if not items:
        raise InvalidRequestError(argument, "is empty")
    return items
