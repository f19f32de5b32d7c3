"""The instances in a place: its tree, and the scripts in it."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Annotated, Any, ClassVar, Literal, Self, TypeAlias, cast, get_args
from uuid import UUID

from pydantic import BeforeValidator, ConfigDict, model_validator
from pydantic.alias_generators import to_pascal

from rblxcloud.config import check_seconds
from rblxcloud.endpoints import places as api
from rblxcloud.errors import InvalidRequestError, OperationFailedError, ResultTooLargeError
from rblxcloud.http.request import Call, check_unicode, encode_json
from rblxcloud.operation import ResultT, start
from rblxcloud.pagination import Page, Pager
from rblxcloud.resources.arguments import check_choice, check_limit, check_switch, check_whole, shown
from rblxcloud.resources.base import Model, Resource, check_text
from rblxcloud.types import UNSET, Unset

RunContext = Literal["Legacy", "Server", "Client", "Plugin"]
"""Where a script runs."""

ROOT = "root"
LARGEST_SOURCE = 200_000
LARGEST_BODY = 200 * 1024
TIMEOUT = 120.0
"""Seconds to wait for an operation: about two turns at the published limit, which a walk over a tree uses up."""
_LARGEST_PAGE = 200
_NOT_FOUND = frozenset({"5", "404"})
"""Codes of an operation whose instance is gone: that of `google.rpc.Code`, and what HTTP would say."""
_ENGINE = "engineInstance"
_ID = re.compile(r"[0-9a-f]{8}(-?)[0-9a-f]{4}\1[0-9a-f]{4}\1[0-9a-f]{4}\1[0-9a-f]{12}", re.IGNORECASE)
_PATH = re.compile(r"universes/(\d+)/places/(\d+)/instances/([^/]+)", re.ASCII)


class _Engine(Model):
    """Something of Roblox's engine, whose names begin with capitals."""

    model_config: ClassVar[ConfigDict] = ConfigDict(alias_generator=to_pascal)


class Folder(_Engine):
    """A folder; Roblox tells nothing more of it."""


class BaseScript(_Engine):
    """A script that runs by itself."""

    enabled: bool | None = None
    """Whether it runs."""
    run_context: str | None = None
    """Where it runs: `Legacy`, `Server`, `Client` or `Plugin`."""
    source: str | None = None
    """Its text."""


class Script(BaseScript):
    """A script of servers, unless its `run_context` says otherwise."""


class LocalScript(BaseScript):
    """A script of players' machines."""


class ModuleScript(_Engine):
    """A module: a script that others require."""

    source: str | None = None
    """Its text."""


InstanceDetails: TypeAlias = Script | LocalScript | ModuleScript | Folder
"""What Roblox tells of an instance, by its class."""

_CLASSES: dict[str, type[InstanceDetails]] = {
    "Script": Script,
    "LocalScript": LocalScript,
    "ModuleScript": ModuleScript,
    "Folder": Folder,
}


class Instance(Resource):
    """An instance in a place. The fields besides the ids are None until `fetch()`, or a list that it is in, told them.

    Roblox does all that is done with instances as a long-running operation, which the methods wait for. Where an
    operation is not done in time, `OperationTimeoutError` says how to go on waiting for it.
    """

    # Other resources have numbers.
    id: str  # type: ignore[assignment]  # pyright: ignore[reportIncompatibleVariableOverride]
    """Its id, a UUID; or `root`."""
    experience_id: int
    """Id of the experience: the universe id."""
    place_id: int
    """Id of the place."""
    name: str | None = None
    """Its name, which need not be unique."""
    parent_id: str | None = None
    """Id of the instance that it is in; of the root, empty text."""
    has_children: bool | None = None
    """Whether there are instances in it."""
    details: InstanceDetails | None = None
    """What it is: a `Script`, `LocalScript`, `ModuleScript` or `Folder`; None for what Roblox tells no class of."""
    names: tuple[str, ...] | None = None
    """Names on the way to it, its own the last one, from the root or wherever `find` or `walk` began."""

    @model_validator(mode="before")
    @classmethod
    def _read(cls, fields: Any) -> Any:
        """Bring what stands in the engine's part of an answer, and the ids in the path, to where they are here."""
        if not isinstance(fields, Mapping) or "path" not in fields:
            return cast("Any", fields)
        answer = cast("Mapping[str, Any]", fields)
        engine = cast("Mapping[str, Any]", answer.get(_ENGINE) or {})
        ids = _PATH.fullmatch(str(answer.get("path")))
        experience, place, number = ids.groups() if ids else (None, None, None)
        told = {
            "id": engine.get("Id") or number,
            "experience_id": experience,
            "place_id": place,
            "name": engine.get("Name"),
            "parent_id": engine.get("Parent"),
            "has_children": answer.get("hasChildren"),
            # The reference and one example of the guide write it differently.
            "details": _details(engine.get("Details", engine.get("details"))),
        }
        return {name: value for name, value in told.items() if value is not None}

    @property
    def source(self) -> str | None:
        """Text of a script, as Roblox last told it; None of what is no script, and until it was told."""
        return getattr(self.details, "source", None)

    async def fetch(self, *, timeout: float | None = TIMEOUT) -> Self:
        """Fill the fields in place.

        Args:
            timeout: Seconds to wait for Roblox at most; None for no bound.

        Returns:
            The instance itself.

        Raises:
            ResultTooLargeError: There is more to tell than the 500,000 bytes that Roblox gives out.
            OperationFailedError: There is no such instance, or the place is not collaborative (Team Create).
            OperationTimeoutError: It was not done in time.
            NotFoundError: There is no such place in the experience.

        Scopes: `universe.place.instance:read`.
        Source: `GET /cloud/v2/universes/{universe_id}/places/{place_id}/instances/{instance_id}`.
        """
        answer = await self._outcome(Call(api.GET_INSTANCE, self._path), Instance, timeout)
        self._take(answer, "name", "parent_id", "has_children", "details")
        return self

    async def update(
        self,
        *,
        name: str | Unset = UNSET,
        source: str | Unset = UNSET,
        enabled: bool | Unset = UNSET,
        run_context: RunContext | Unset = UNSET,
        timeout: float | None = TIMEOUT,
    ) -> Self:
        """Change what is passed, and leave the rest.

        What kind of script it is has to be known; where it is not yet, it is fetched first.

        Args:
            name: Its name.
            source: Text of a script, at most 200,000 bytes of UTF-8.
            enabled: Whether a script or local script runs.
            run_context: Where a script or local script runs: `Legacy`, `Server`, `Client` or `Plugin`.
            timeout: Seconds to wait for each operation at most, the fetch and the update; None for no bound.

        Returns:
            The instance itself, its fields as Roblox has them now.

        Raises:
            InvalidRequestError: Nothing was passed, or something that is refused, or that an instance of this class
                does not have; nothing was changed.
            OperationFailedError: The script is open in Studio, or belongs to a package; or there is no such instance.
            OperationTimeoutError: It was not done in time; it may still be done.
            NotFoundError: There is no such place in the experience.

        Scopes: `universe.place.instance:write`, and `universe.place.instance:read` where it is fetched first.
        Source: `PATCH /cloud/v2/universes/{universe_id}/places/{place_id}/instances/{instance_id}`.
        """
        engine: dict[str, Any] = {}
        if not isinstance(name, Unset):
            engine["Name"] = check_text("name", name)
        properties: dict[str, Any] = {}
        if not isinstance(source, Unset):
            properties["Source"] = _check_source(source)
        if not isinstance(enabled, Unset):
            properties["Enabled"] = check_switch("enabled", enabled)
        if not isinstance(run_context, Unset):
            properties["RunContext"] = check_choice("run_context", run_context, get_args(RunContext))
        if not engine and not properties:
            raise InvalidRequestError("update", "nothing was passed to change")
        _body(engine, "ModuleScript", properties)  # The longest name: what is too long is known before it is fetched.
        kind = await self._kind_of_script(properties, timeout) if properties else None
        # Without a mask, an empty source or a False may count as not passed: protobuf's JSON cannot tell them apart.
        mask = {"updateMask": ",".join(_mask(engine, kind, properties))}
        call = Call(api.UPDATE_INSTANCE, self._path, mask, content=_body(engine, kind, properties))
        answer = await self._outcome(call, Instance, timeout)
        self._take(answer, *(["name"] if engine else []), *(["details"] if properties else []))
        return self

    def children(
        self, *, limit: int | None = None, page_size: int = 200, timeout: float | None = TIMEOUT
    ) -> Pager[Instance]:
        """List the instances that are directly in this one.

        Where a page is not done in time, `client.operation(error.path).wait()` still brings it, as a `Page`.

        Args:
            limit: Most instances in all.
            page_size: Most instances a request, 1 to 200: fewer where they are too large together.
            timeout: Seconds to wait for each page at most; None for no bound.

        Returns:
            A pager: iterate it, or its `pages()`.

        Raises:
            InvalidRequestError: An argument is refused.
            ResultTooLargeError: A page has more than 500,000 bytes; a smaller `page_size` helps.
            OperationFailedError: There is no such instance, or the place is not collaborative (Team Create).
            OperationTimeoutError: A page was not done in time.

        Scopes: `universe.place.instance:read`.
        Source: `GET /cloud/v2/universes/{universe_id}/places/{place_id}/instances/{instance_id}:listChildren`.
        """
        check_limit(limit)
        check_whole("page_size", page_size, _LARGEST_PAGE, smallest=1)
        _check_timeout(timeout)
        size = page_size if limit is None else min(page_size, limit)

        async def fetch(token: str | None) -> Page[Instance]:
            call = Call(api.LIST_INSTANCE_CHILDREN, self._path, {"maxPageSize": size, "pageToken": token})
            page = await self._outcome(call, CHILDREN, timeout)
            for child in page.items:
                child._call_it(self.names or ())
            return page

        return Pager(fetch, limit=limit)

    async def find(self, *names: str, timeout: float | None = TIMEOUT) -> Instance | None:
        """Find an instance by the names on the way to it: `root.find("ServerScriptService", "Main")`.

        Where a page of a list is too large for Roblox, a smaller one is asked for.

        Args:
            *names: Names from a child of this instance on; of several with the same name, it is the first one.
            timeout: Seconds to wait for each list at most; None for no bound.

        Returns:
            The instance; None when there is none.

        Raises:
            InvalidRequestError: There is no name, or one that is none.
            RblxCloudError: As for `children`.

        Scopes: `universe.place.instance:read`.
        Source: `GET /cloud/v2/universes/{universe_id}/places/{place_id}/instances/{instance_id}:listChildren`.
        """
        if not names:
            raise InvalidRequestError("names", "is empty")
        for name in names:
            check_text("names", name)
        found: Instance | None = self
        for name in names:
            found = await found._child(name, timeout) if found is not None else None
        return found

    async def walk(
        self,
        kinds: type[InstanceDetails | BaseScript] | tuple[type[InstanceDetails | BaseScript], ...] | None = None,
        *,
        depth: int | None = None,
        timeout: float | None = TIMEOUT,
    ) -> AsyncGenerator[Instance, None]:
        """Iterate over everything in this instance, parents before their children; `names` tells the way to each.

        Each instance that has children takes a request and its operation, of which Roblox allows 45 a minute: a large
        place takes its time. Where a page is too large for Roblox, a smaller one is asked for. What others remove
        meanwhile is passed over, and what they move may be missed or come twice.

        Args:
            kinds: Only instances of this class, or of one of these: `Script`, `LocalScript`, `ModuleScript`, `Folder`,
                or `BaseScript` for the first two. What is in others is looked through all the same.
            depth: How many levels to go down; None for all, 1 for the children alone.
            timeout: Seconds to wait for each list at most; None for no bound.

        Yields:
            The instances.

        Raises:
            InvalidRequestError: An argument is refused.
            RblxCloudError: As for `children`; the instances before have been yielded.

        Scopes: `universe.place.instance:read`.
        Source: `GET /cloud/v2/universes/{universe_id}/places/{place_id}/instances/{instance_id}:listChildren`.
        """
        wanted = _check_kinds(kinds)
        if depth is not None:
            check_whole("depth", depth, 2**31 - 1, smallest=1)
        pending: list[tuple[Instance, int]] = [(self, 0)]
        while pending:
            instance, level = pending.pop()
            if level and (wanted is None or isinstance(instance.details, wanted)):
                yield instance
            # What the walk starts from may have been told of long ago.
            if (depth is None or level < depth) and (instance.has_children is not False or not level):
                children = await instance._children_if_there(timeout, started_here=not level)
                pending += [(child, level + 1) for child in reversed(children)]

    async def _outcome(self, call: Call, result: type[ResultT], timeout: float | None) -> ResultT:
        _check_timeout(timeout)
        operation = await start(self._bound_to, call, result)
        return await operation.wait(timeout=timeout)

    async def _children_if_there(self, timeout: float | None, *, started_here: bool) -> list[Instance]:
        try:
            return [child async for child in self._each_child(timeout)]
        except OperationFailedError as error:
            # A walk takes its time, and others work on the place: what was removed meanwhile is passed over.
            if started_here or error.code not in _NOT_FOUND:
                raise
            return []

    async def _each_child(self, timeout: float | None) -> AsyncGenerator[Instance, None]:
        """Iterate over the children, in pages that are small enough for Roblox."""
        size, told = _LARGEST_PAGE, set[str]()
        while True:
            try:
                async with aclosing(self.children(page_size=size, timeout=timeout).pages()) as pages:
                    async for page in pages:
                        for child in page.items:
                            if child.id not in told:
                                told.add(child.id)
                                yield child
            except ResultTooLargeError:
                if size == 1:
                    raise
                # From the start: a token is good for pages of one size alone.
                size //= 2
            else:
                return

    async def _child(self, name: str, timeout: float | None) -> Instance | None:
        async with aclosing(self._each_child(timeout)) as children:
            async for child in children:
                if child.name == name:
                    return child
        return None

    async def _kind_of_script(self, properties: Mapping[str, Any], timeout: float | None) -> str:
        if self.details is None:
            await self.fetch(timeout=timeout)
        allowed = type(self.details).model_fields if self.details is not None else {}
        for argument in (name for name in ("source", "enabled", "run_context") if to_pascal(name) in properties):
            if argument not in allowed:
                kind = "of no class that has one" if self.details is None else f"a {type(self.details).__name__}"
                raise InvalidRequestError(argument, f"cannot be set: {self.name!r:.100} is {kind}")
        return type(self.details).__name__

    def _take(self, answer: Instance, *asked: str) -> None:
        """Swap in the fields that were asked for, and what an answer tells besides: never the names on the way."""
        self._adopt(answer, changed=asked)
        if self.names:
            self._call_it(self.names[:-1])

    def _call_it(self, way: tuple[str, ...]) -> None:
        object.__setattr__(self, "names", (*way, self.name or ""))

    @property
    def _path(self) -> dict[str, str | int]:
        return {"universe_id": self.experience_id, "place_id": self.place_id, "instance_id": self.id}

    def __eq__(self, other: object) -> bool:
        """Whether it is the same instance of the same place."""
        return super().__eq__(other) and isinstance(other, Instance) and other.place_id == self.place_id

    def __hash__(self) -> int:
        """Hash by place and id."""
        return hash((Instance, self.place_id, self.id))


def _read_children(answer: object) -> object:
    if not isinstance(answer, Mapping):
        return answer
    page = cast("Mapping[str, Any]", answer)
    return {"items": page.get("instances", ()), "next_token": page.get("nextPageToken") or None}


CHILDREN = cast("type[Page[Instance]]", Annotated[Page[Instance], BeforeValidator(_read_children)])
"""What the operation of a list brings."""


def check_instance_id(value: object) -> str:
    """Return the id of an instance, as Roblox's answers write it.

    Raises:
        InvalidRequestError: It is neither `root` nor a UUID.
    """
    if value == ROOT:
        return ROOT
    if isinstance(value, str) and _ID.fullmatch(value):
        return str(UUID(value))
    raise InvalidRequestError("id", f"{shown(value)} is neither 'root' nor an id of an instance, which is a UUID")


def _check_timeout(timeout: object) -> None:
    """Refuse what `Operation.wait` would, before the operation is started."""
    if timeout is not None:
        check_seconds("timeout", timeout)


def _check_source(source: object) -> str:
    if not isinstance(source, str):
        raise InvalidRequestError("source", f"is of type {type(source).__name__}; it takes text")
    size = len(check_unicode("source", source).encode())
    if size > LARGEST_SOURCE:
        raise InvalidRequestError("source", f"has {size} bytes of UTF-8; Roblox takes at most {LARGEST_SOURCE}")
    return source


def _check_kinds(kinds: object) -> tuple[type, ...] | None:
    if kinds is None:
        return None
    given = cast("tuple[object, ...]", kinds if isinstance(kinds, tuple) else (kinds,))
    if not given:
        raise InvalidRequestError("kinds", "is empty; None is for all")
    for kind in given:
        if not (isinstance(kind, type) and issubclass(kind, _Engine)):
            problem = f"{shown(cast('object', kind))} is none of {', '.join(_CLASSES)} and BaseScript"
            raise InvalidRequestError("kinds", problem)
    return cast("tuple[type, ...]", given)


def _mask(engine: Mapping[str, Any], kind: str | None, properties: Mapping[str, Any]) -> list[str]:
    """Return what is changed, each value by itself: a mask of more would empty what the body leaves out."""
    return [f"{_ENGINE}.{name}" for name in engine] + [f"{_ENGINE}.Details.{kind}.{name}" for name in properties]


def _body(engine: Mapping[str, Any], kind: str | None, properties: Mapping[str, Any]) -> bytes:
    details = {"Details": {kind: properties}} if properties else {}
    body = encode_json({_ENGINE: {**engine, **details}})
    if len(body) > LARGEST_BODY:
        longest = "source" if "Source" in properties else "name"
        raise InvalidRequestError(
            longest, f"makes a request of {len(body)} bytes as JSON; Roblox takes at most {LARGEST_BODY}"
        )
    return body


def _details(details: object) -> InstanceDetails | None:
    for name, fields in cast("Mapping[str, Any]", details if isinstance(details, Mapping) else {}).items():
        if name in _CLASSES and isinstance(fields, Mapping):
            return _CLASSES[name].model_validate(fields)
    return None
