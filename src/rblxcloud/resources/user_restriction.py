"""Bans: which users may not join an experience or a place, since when, for how long and why."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Literal, overload

from pydantic import AliasChoices, AliasPath, BeforeValidator, Field, TypeAdapter

from rblxcloud.endpoints import user_restrictions as api
from rblxcloud.endpoints.model import Endpoint
from rblxcloud.errors import InvalidRequestError
from rblxcloud.http.binding import Binding
from rblxcloud.http.idempotency import new_key
from rblxcloud.http.request import Call, check_unicode, encode_json
from rblxcloud.pagination import Pager
from rblxcloud.resources.arguments import check_switch, check_whole, shown
from rblxcloud.resources.base import Model, PathId, Resource, Timestamp, check_id, check_text
from rblxcloud.resources.listing import PageModel, WirePage, list_pages

if TYPE_CHECKING:
    # Both know experiences, which know these bans.
    from rblxcloud.resources.place import Place
    from rblxcloud.resources.user import User

LONGEST_RESTRICTION = 315_576_000_000
"""Seconds: about 10,000 years."""
LONGEST_PRIVATE_REASON = 1000
LONGEST_DISPLAY_REASON = 400
_LARGEST_PAGE = 100
_SECOND = timedelta(seconds=1)
_PLACE = re.compile(r"universes/\d+/places/(\d+)/", re.ASCII)


def _read_duration(value: object) -> object:
    """v2 writes a duration as seconds with an `s` behind."""
    if not isinstance(value, str) or not value.endswith("s"):
        return value
    try:
        return timedelta(seconds=float(value[:-1]))
    except OverflowError as error:
        raise ValueError("longer than a timedelta can be") from error


def _place_of(path: object) -> object:
    """A restriction's path names the place; one of the whole experience names none."""
    if not isinstance(path, str):
        return path
    match = _PLACE.match(path)
    return match[1] if match else None


def _read_place(place: object) -> object:
    """Documented as a path, seen as a bare id, and empty for the whole experience."""
    return place.rpartition("/")[2] or None if isinstance(place, str) else place


def _is_there(value: object) -> bool:
    """Answers hold an empty object where it is so, and leave it out where it is not."""
    return value if isinstance(value, bool) else value is not None


def _term(name: str) -> AliasChoices:
    """Logs hold the terms themselves, restrictions below a name."""
    return AliasChoices(AliasPath("gameJoinRestriction", name), name)


class RestrictionTerms(Model):
    """What is laid on a user: since when, for how long, and why."""

    user_id: PathId = Field(validation_alias=AliasChoices("user", "path"))
    """Id of the user."""
    active: bool = Field(default=False, validation_alias=_term("active"))
    """Whether the user may not join."""
    start: Timestamp | None = Field(default=None, validation_alias=_term("startTime"))
    """Since when."""
    duration: Annotated[timedelta | None, BeforeValidator(_read_duration)] = Field(
        default=None, validation_alias=_term("duration")
    )
    """For how long; None for good (see `permanent`), and where nothing is laid on the user."""
    private_reason: str = Field(default="", validation_alias=_term("privateReason"))
    """Why, for those who manage the experience."""
    display_reason: str = Field(default="", validation_alias=_term("displayReason"))
    """Why, as the user reads it."""
    exclude_alt_accounts: bool = Field(default=False, validation_alias=_term("excludeAltAccounts"))
    """Whether other accounts of the same person may join."""

    @property
    def permanent(self) -> bool:
        """Whether it holds for good."""
        return self.active and self.duration is None

    @property
    def ends(self) -> datetime | None:
        """When it ends or ended; None when it does not, or later than a `datetime` can tell (the year 9999)."""
        if self.start is None or self.duration is None:
            return None
        try:
            return self.start + self.duration
        except OverflowError:
            return None


class UserRestriction(RestrictionTerms):
    """Whether a user may join an experience or a place, as it stands now."""

    place_id: Annotated[int | None, BeforeValidator(_place_of)] = Field(default=None, validation_alias="path")
    """Id of the place that was asked about; None for the whole experience."""
    inherited: bool = Field(default=False, validation_alias=_term("inherited"))
    """Whether it is the whole experience, and not this place alone, that the user may not join."""
    updated: Timestamp | None = Field(default=None, alias="updateTime")
    """When it was last changed."""


class UserRestrictionLog(RestrictionTerms):
    """A change of a user's restriction: the terms are those that held after it."""

    place_id: Annotated[int | None, BeforeValidator(_read_place)] = Field(default=None, alias="place")
    """Id of the place; None for the whole experience."""
    moderator_id: PathId | None = Field(default=None, validation_alias=AliasPath("moderator", "robloxUser"))
    """Id of the user who did it; None where a script did."""
    by_script: Annotated[bool, BeforeValidator(_is_there)] = Field(
        default=False, validation_alias=AliasPath("moderator", "gameServerScript")
    )
    """Whether a script on one of the experience's servers did it."""
    created: Timestamp | None = Field(default=None, alias="createTime")
    """When it was done."""


class _Restrictions(PageModel):
    items: tuple[UserRestriction, ...] = Field(default=(), alias="userRestrictions")


class _Logs(PageModel):
    items: tuple[UserRestrictionLog, ...] = Field(default=(), alias="logs")


_RESTRICTION = TypeAdapter(UserRestriction)
_RESTRICTIONS: TypeAdapter[WirePage[UserRestriction]] = TypeAdapter(_Restrictions)
_LOGS: TypeAdapter[WirePage[UserRestrictionLog]] = TypeAdapter(_Logs)


class UserRestrictions:
    """The bans of an experience or of one place; got as their `user_restrictions`."""

    def __init__(self, binding: Binding, universe_id: int, place_id: int | None = None) -> None:
        self._binding = binding
        self._universe_id = universe_id
        self._place_id = place_id

    def __repr__(self) -> str:
        """Show whose they are."""
        place = "" if self._place_id is None else f"place {self._place_id} of "
        return f"<UserRestrictions of {place}experience {self._universe_id}>"

    async def get(self, user: User | int) -> UserRestriction:
        """Fetch whether a user may join.

        Args:
            user: The user, or the id.

        Returns:
            What holds for the user; one who was never restricted has a restriction that is not `active`.

        Raises:
            NotFoundError: There is no such experience or place.

        Scopes: `universe.user-restriction:read`.
        Source: `GET /cloud/v2/universes/{universe_id}/user-restrictions/{user_restriction_id}`,
        `GET /cloud/v2/universes/{universe_id}/places/{place_id}/user-restrictions/{user_restriction_id}`.
        """
        endpoint = self._either(api.GET_USER_RESTRICTION, api.GET_USER_RESTRICTION_OF_PLACE)
        call = Call(endpoint, self._path(check_user(user)))
        return await self._binding.get().request(call, _RESTRICTION)

    def list(self, *, limit: int | None = None, page_size: int = 100) -> Pager[UserRestriction]:
        """List the users who were ever restricted, those who may join again too.

        Args:
            limit: Most restrictions in all.
            page_size: Most restrictions a request, 1 to 100.

        Returns:
            A pager: iterate it, or its `pages()`.

        Scopes: `universe.user-restriction:read`.
        Source: `GET /cloud/v2/universes/{universe_id}/user-restrictions`,
        `GET /cloud/v2/universes/{universe_id}/places/{place_id}/user-restrictions`.
        """
        return list_pages(
            self._binding,
            self._either(api.LIST_USER_RESTRICTIONS, api.LIST_USER_RESTRICTIONS_OF_PLACE),
            _RESTRICTIONS,
            self._path(),
            page_size=page_size,
            largest=_LARGEST_PAGE,
            limit=limit,
        )

    @overload
    async def ban(
        self,
        user: User | int,
        *,
        duration: timedelta | int,
        permanent: Literal[False] = False,
        private_reason: str | None = None,
        display_reason: str | None = None,
        exclude_alt_accounts: bool = False,
        idempotency_key: str | None = None,
    ) -> UserRestriction: ...
    @overload
    async def ban(
        self,
        user: User | int,
        *,
        duration: None = None,
        permanent: Literal[True],
        private_reason: str | None = None,
        display_reason: str | None = None,
        exclude_alt_accounts: bool = False,
        idempotency_key: str | None = None,
    ) -> UserRestriction: ...
    async def ban(
        self,
        user: User | int,
        *,
        duration: Any = None,
        permanent: Any = False,
        private_reason: str | None = None,
        display_reason: str | None = None,
        exclude_alt_accounts: bool = False,
        idempotency_key: str | None = None,
    ) -> UserRestriction:
        """Keep a user from joining; one who plays now is put out. It takes the place of a ban that holds already.

        A ban is for good only where `permanent=True` says so: a duration that came out as 0 or None is an error. A lost
        answer is no harm: the ban is sent again with the same idempotency key. Roblox takes two changes a minute for
        the same user; a third one waits for its turn.

        Args:
            user: The user, or the id.
            duration: For how long, from now: a `timedelta`, or seconds. Whole seconds, 1 to 315,576,000,000.
            permanent: Whether the ban is for good, instead of a duration.
            private_reason: Why, for those who manage the experience; at most 1,000 characters.
            display_reason: Why, as the user reads it; at most 400 characters.
            exclude_alt_accounts: Whether other accounts of the same person may still join.
            idempotency_key: Text that stands for this one ban, such as the id of a row in your own database: a program
                that was killed and bans again with the same key bans once. Roblox knows a key for a while only. None
                for a key of the call's own.

        Returns:
            The restriction as it is now; for a key that came before, what was answered then.

        Raises:
            InvalidRequestError: An argument is refused, or there are both a duration and `permanent=True`, or neither;
                nothing was sent.
            BadRequestError: The idempotency key is too old, or came before with another change.
            OutcomeUnknownError: An attempt was lost, and the repeat was refused.

        Scopes: `universe.user-restriction:write`.
        Source: `PATCH /cloud/v2/universes/{universe_id}/user-restrictions/{user_restriction_id}`,
        `PATCH /cloud/v2/universes/{universe_id}/places/{place_id}/user-restrictions/{user_restriction_id}`.
        """
        terms: dict[str, Any] = {"active": True}
        if (seconds := _check_term(duration, permanent)) is not None:
            terms["duration"] = f"{seconds}s"
        if private := _check_reason("private_reason", private_reason, LONGEST_PRIVATE_REASON):
            terms["privateReason"] = private
        if displayed := _check_reason("display_reason", display_reason, LONGEST_DISPLAY_REASON):
            terms["displayReason"] = displayed
        if check_switch("exclude_alt_accounts", exclude_alt_accounts):
            terms["excludeAltAccounts"] = True
        return await self._update(user, terms, idempotency_key)

    async def unban(self, user: User | int, *, idempotency_key: str | None = None) -> UserRestriction:
        """Let a user join again; one who may is left as they are.

        A ban from the whole experience is not lifted at one of its places.

        Args:
            user: The user, or the id.
            idempotency_key: Text that stands for this one change, as `ban` takes it.

        Returns:
            The restriction as it is now; for a key that came before, what was answered then.

        Raises:
            InvalidRequestError: An argument is refused; nothing was sent.
            BadRequestError: The idempotency key is too old, or came before with another change.
            OutcomeUnknownError: An attempt was lost, and the repeat was refused.

        Scopes: `universe.user-restriction:write`.
        Source: `PATCH /cloud/v2/universes/{universe_id}/user-restrictions/{user_restriction_id}`,
        `PATCH /cloud/v2/universes/{universe_id}/places/{place_id}/user-restrictions/{user_restriction_id}`.
        """
        return await self._update(user, {"active": False}, idempotency_key)

    def logs(
        self,
        *,
        user: User | int | None = None,
        place: Place | int | None = None,
        limit: int | None = None,
        page_size: int = 100,
    ) -> Pager[UserRestrictionLog]:
        """List the bans that were laid and lifted; those of a place are that place's alone.

        Args:
            user: Only those of this user.
            place: Only those of this place, or of the one with this id; an experience's logs hold those of all its
                places.
            limit: Most rows in all.
            page_size: Most rows a request, 1 to 100.

        Returns:
            A pager: iterate it, or its `pages()`.

        Raises:
            InvalidRequestError: An argument is refused, or names a place of another experience, or another place than
                the one whose logs these are.

        Scopes: `universe.user-restriction:read`.
        Source: `GET /cloud/v2/universes/{universe_id}/user-restrictions:listLogs`.
        """
        conditions: list[str] = []
        if user is not None:
            conditions.append(f"user == 'users/{check_user(user)}'")
        if (place_id := self._check_place(place)) is not None:
            conditions.append(f"place == 'places/{place_id}'")
        return list_pages(
            self._binding,
            api.LIST_USER_RESTRICTION_LOGS,
            _LOGS,
            {"universe_id": self._universe_id},
            page_size=page_size,
            largest=_LARGEST_PAGE,
            limit=limit,
            query={"filter": " && ".join(conditions) or None},
        )

    async def _update(self, user: User | int, terms: dict[str, Any], key: str | None) -> UserRestriction:
        endpoint = self._either(api.UPDATE_USER_RESTRICTION, api.UPDATE_USER_RESTRICTION_OF_PLACE)
        call = Call(
            endpoint,
            self._path(check_user(user)),
            {"updateMask": "gameJoinRestriction"},
            content=encode_json({"gameJoinRestriction": terms}),
            idempotency_key=new_key() if key is None else check_text("idempotency_key", key),
        )
        return await self._binding.get().request(call, _RESTRICTION)

    def _either(self, of_experience: Endpoint, of_place: Endpoint) -> Endpoint:
        return of_experience if self._place_id is None else of_place

    def _path(self, user_id: int | None = None) -> dict[str, str | int]:
        path: dict[str, str | int] = {"universe_id": self._universe_id}
        if self._place_id is not None:
            path["place_id"] = self._place_id
        if user_id is not None:
            path["user_restriction_id"] = user_id
        return path

    def _check_place(self, place: Place | int | None) -> int | None:
        if place is None:
            return self._place_id
        place_id = check_id("place", place) if not isinstance(place, Resource) else self._id_of(place)
        if self._place_id not in (None, place_id):
            raise InvalidRequestError("place", f"is {place_id}, but these are the bans of place {self._place_id}")
        return place_id

    def _id_of(self, place: Resource) -> int:
        from rblxcloud.resources.place import Place

        if not isinstance(place, Place):
            raise InvalidRequestError("place", f"{shown(place)} is no place")
        if place.experience_id != self._universe_id:
            problem = f"is one of experience {place.experience_id}, but these are the bans of {self._universe_id}"
            raise InvalidRequestError("place", problem)
        return place.id


def check_user(user: object) -> int:
    """Return the id of a user who was passed as an object or by the id.

    Raises:
        InvalidRequestError: It is neither.
    """
    if not isinstance(user, Resource):
        return check_id("user", user)
    from rblxcloud.resources.user import user_id_of

    return user_id_of("user", user)


def _check_term(duration: object, permanent: object) -> int | None:
    """Return the seconds of a ban; None for one for good."""
    if check_switch("permanent", permanent):
        if duration is not None:
            raise InvalidRequestError("duration", f"is {shown(duration)} beside permanent=True; pass one of the two")
        return None
    if duration is None:
        raise InvalidRequestError("duration", "is None; pass for how long, or permanent=True for a ban for good")
    if not isinstance(duration, timedelta):
        if isinstance(duration, bool) or not isinstance(duration, int):
            raise InvalidRequestError("duration", f"{shown(duration)} is neither a timedelta nor an int of seconds")
        return check_whole("duration", duration, LONGEST_RESTRICTION, smallest=1)
    if not _SECOND <= duration <= LONGEST_RESTRICTION * _SECOND:
        raise InvalidRequestError("duration", f"{duration} is not 1 to {LONGEST_RESTRICTION} seconds")
    if duration % _SECOND:
        rounded = -(-duration // _SECOND)
        raise InvalidRequestError("duration", f"{duration} is not whole seconds: pass {rounded}, or another round time")
    return duration // _SECOND


def _check_reason(argument: str, reason: object, longest: int) -> str:
    if reason is None:
        return ""
    if not isinstance(reason, str):
        raise InvalidRequestError(argument, f"is of type {type(reason).__name__}; it takes text")
    if len(reason) > longest:
        raise InvalidRequestError(argument, f"has {len(reason)} characters; it takes {longest} at most")
    return check_unicode(argument, reason)
