"""What may be stored in a data store: checked, with the path to the offender, before anything is sent."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any, Generic, TypeVar, cast

from pydantic import PydanticUserError, TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError, to_json

from rblxcloud.errors import InvalidRequestError
from rblxcloud.http.request import check_unicode, encode_json
from rblxcloud.http.response import problems_of
from rblxcloud.resources.arguments import shown

T = TypeVar("T")

LARGEST_VALUE = 4_194_304
"""Bytes of serialized JSON that one key holds."""
EXACT_INTEGER = 2**53 - 1
"""Roblox's v2 keeps numbers as doubles; beyond this an integer would come back as another one."""
_MOST_USERS = 4
_DEEPEST = 200
_SHOWN_INPUT = re.compile(r", input_value=.*")


def serialize(value: object, largest: int = LARGEST_VALUE) -> bytes:
    """Return a value as the JSON that is stored.

    Args:
        value: The value.
        largest: Most bytes that it may have as JSON.

    Raises:
        InvalidRequestError: It, or something in it, cannot be stored; the message names the path to it.
    """
    _check(value, "value", 0)
    if value is None:
        raise InvalidRequestError("value", "None cannot be stored; remove(key) removes an entry")
    content = encode_json(value)
    if len(content) > largest:
        raise InvalidRequestError("value", f"is {len(content)} bytes of JSON; at most {largest} are stored")
    return content


def is_rounded(number: int) -> bool:
    """Return whether a whole number changes at Roblox, which keeps numbers as doubles.

    What it has given back does not: it has to be possible to write what was read.
    """
    if abs(number) <= EXACT_INTEGER:
        return False
    try:
        return int(float(number)) != number
    except OverflowError:
        return True


def _check(value: object, path: str, depth: int) -> None:
    if depth > _DEEPEST:
        raise InvalidRequestError("value", f"{path[:80]}... is nested deeper than {_DEEPEST}, or holds itself")
    if isinstance(value, str):
        _check_text(value, path)
    elif isinstance(value, bool) or value is None:
        return
    elif isinstance(value, int):
        if is_rounded(value):
            raise InvalidRequestError(
                "value",
                f"{path} is beyond ±(2^53 - 1), where Roblox rounds numbers; keep it as text, or as a float if "
                "rounding does no harm",
            )
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise InvalidRequestError("value", f"{path} is {value}, which JSON cannot hold")
    elif isinstance(value, dict):
        for key, item in cast("dict[object, object]", value).items():
            if not isinstance(key, str):
                raise InvalidRequestError("value", f"{path} has the key {shown(key)}; keys of JSON objects are text")
            _check_text(key, f"{path} key")
            _check(item, f"{path}[{key!r}]", depth + 1)
    elif isinstance(value, list | tuple):
        for index, item in enumerate(cast("list[object]", value)):
            _check(item, f"{path}[{index}]", depth + 1)
    else:
        raise InvalidRequestError(
            "value",
            f"{path} is of type {type(value).__name__}, which is not JSON; a typed store (model=...) takes models",
        )


def _check_text(text: str, path: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InvalidRequestError("value", f"{path} holds a lone surrogate, which is not valid text") from None


def check_users(users: object) -> list[int]:
    """Return the ids of the users that an entry is tagged with.

    Raises:
        InvalidRequestError: It is no collection of at most four ids of users.
    """
    if users is None:
        return []
    if isinstance(users, str | bytes | bytearray | memoryview | Mapping) or not isinstance(users, Iterable):
        raise InvalidRequestError("users", f"{shown(cast('object', users))} is not a list of user ids")
    ids = list(cast("list[object]", users))
    for user in ids:
        if not isinstance(user, int) or isinstance(user, bool) or not 0 < user < 2**63:
            raise InvalidRequestError("users", f"{shown(user)} is not a user id: a whole number from 1 to 2^63 - 1")
    if len(ids) > _MOST_USERS:
        raise InvalidRequestError("users", f"{len(ids)} users; an entry takes at most {_MOST_USERS}")
    return cast("list[int]", ids)


def check_metadata(metadata: object) -> dict[str, str | int | float | bool]:
    """Return the metadata of an entry.

    Raises:
        InvalidRequestError: It is no mapping of text to text, numbers and booleans, or larger than Roblox takes.
    """
    if metadata is None:
        return {}
    if not isinstance(metadata, Mapping):
        raise InvalidRequestError("metadata", f"is of type {type(metadata).__name__}; it takes a mapping")
    pairs = dict(cast("Mapping[object, object]", metadata))
    total = 0
    for name, value in pairs.items():
        if not isinstance(name, str) or not 1 <= len(name) <= 50:
            raise InvalidRequestError("metadata", f"the name {shown(name)} is not text of 1 to 50 characters")
        if not isinstance(value, str | int | float) or (isinstance(value, float) and not math.isfinite(value)):
            raise InvalidRequestError("metadata", f"[{name!r}] is {shown(value)}; it takes text, a number or a boolean")
        if isinstance(value, int) and is_rounded(value):
            raise InvalidRequestError(
                "metadata", f"[{name!r}] is beyond ±(2^53 - 1), where Roblox rounds numbers; keep it as text"
            )
        text = check_unicode("metadata", value) if isinstance(value, str) else str(value)
        check_unicode("metadata", name)
        if len(text) > 250:
            raise InvalidRequestError("metadata", f"[{name!r}] has {len(text)} characters; it takes 250")
        total += len(name) + len(text)
    if total > 300:
        raise InvalidRequestError("metadata", f"has {total} characters in all; it takes 300")
    return cast("dict[str, str | int | float | bool]", pairs)


class Codec(Generic[T]):
    """Turns the values of one store into JSON and back.

    Args:
        model: A class or a `TypeAdapter` that values are validated with; None takes and gives plain JSON.
        largest: Most bytes that a value may have as JSON.

    Raises:
        InvalidRequestError: The model is no type that values could be of.
    """

    def __init__(self, model: type[T] | TypeAdapter[T] | None, largest: int = LARGEST_VALUE) -> None:
        self._largest = largest
        if model is None:
            self._adapter: TypeAdapter[T] | None = None
        else:
            self._adapter = model if isinstance(model, TypeAdapter) else _adapter_of(model)

    def encode(self, value: T) -> bytes:
        """Return a value as the JSON that is stored.

        Raises:
            InvalidRequestError: It cannot be stored, or is not of the store's type.
        """
        if self._adapter is None:
            return serialize(value, self._largest)
        try:
            checked = self._adapter.validate_python(value)
            # A model whose fields were assigned after its validation may hold what it would refuse: that is a warning.
            plain = self._adapter.dump_python(checked, mode="json", by_alias=True, warnings="error")
        except (ValidationError, PydanticSerializationError) as error:
            problem = _summary(error)
            # pydantic's own errors show the value, which has no place in a traceback.
            raise InvalidRequestError("value", f"does not fit the store's type: {problem}") from ValueError(problem)
        return serialize(plain, self._largest)

    def decode(self, value: Any) -> T:
        """Return plain JSON as a value of the store.

        Raises:
            ValidationError: It does not fit the store's type.
        """
        if self._adapter is None:
            return cast("T", value)
        return self._adapter.validate_json(to_json(value))


def _adapter_of(model: type[T]) -> TypeAdapter[T]:
    problem = f"{shown(model)} is no type that values can be of"
    if isinstance(model, str):  # pydantic would take it for the name of a class that is still to come
        raise InvalidRequestError("model", problem)
    try:
        return TypeAdapter(model)
    except (PydanticUserError, KeyError) as error:
        raise InvalidRequestError("model", f"{problem}: {str(error).splitlines()[0]}") from error


def _summary(error: ValidationError | PydanticSerializationError) -> str:
    if isinstance(error, ValidationError):
        return next(problems_of(error))
    return _SHOWN_INPUT.sub("]", " ".join(str(error).split()))
