"""Places: what an experience is made of."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from os import PathLike
from typing import Any, Self, cast, get_args
from uuid import UUID

from pydantic import Field, SecretStr, TypeAdapter, ValidationInfo, model_validator
from pydantic.alias_generators import to_camel

from rblxcloud.endpoints import places as api
from rblxcloud.errors import InvalidRequestError
from rblxcloud.http.binding import StandaloneBinding
from rblxcloud.http.request import Call, json_call
from rblxcloud.http.upload import File, Progress
from rblxcloud.pagination import Pager
from rblxcloud.resources import luau
from rblxcloud.resources.arguments import check_choice, check_whole
from rblxcloud.resources.base import BINDING, ID, Resource, Timestamp, check_id, check_text
from rblxcloud.resources.instance import ROOT, Instance, check_instance_id
from rblxcloud.resources.luau import LuauBinaryInput
from rblxcloud.resources.luau_task import LuauTask
from rblxcloud.resources.place_version import (
    LARGEST_VERSION,
    MADE,
    NOTED,
    PlaceVersion,
    VersionType,
    list_contributors,
    list_versions,
    open_place,
)
from rblxcloud.resources.team_create import MembersPage, TeamCreateMember, check_game_id, list_members
from rblxcloud.resources.user_restriction import UserRestrictions
from rblxcloud.types import UNSET, Unset

_LARGEST_SERVER = 2**31 - 1
_EXPERIENCE_ID = "rblxcloud_experience_id"
_PATH = re.compile(r"universes/(\d+)/places/\d+", re.ASCII)


class Place(Resource):
    """A place of an experience. The fields besides the two ids are None until `fetch()` has filled them."""

    experience_id: int
    """Id of the experience that it belongs to: the universe id."""
    display_name: str | None = None
    """Its name; that of the root place is the experience's."""
    description: str | None = None
    """Its description; that of the root place is the experience's."""
    server_size: int | None = None
    """Most players on one of its servers."""
    root: bool | None = None
    """Whether it is the start place: each experience has one."""
    universe_runtime_creation: bool | None = None
    """Whether a running game made it."""
    created: Timestamp | None = Field(default=None, alias="createTime")
    """When it was made."""
    updated: Timestamp | None = Field(default=None, alias="updateTime")
    """When it was last changed."""

    def __init__(
        self,
        id: int,
        *,
        experience_id: int,
        api_key: str | SecretStr | None = None,
        access_token: str | SecretStr | None = None,
        base_url: str | None = None,
    ) -> None:
        """Make a place that stands alone; `experience.place(id)` makes one that shares a client.

        Objects that stand alone share their connections with those of the same credential and address.

        Args:
            id: The place id.
            experience_id: Id of the experience that it belongs to: the universe id.
            api_key: Open Cloud API key; `RBLXCLOUD_API_KEY` when neither credential is passed.
            access_token: OAuth 2.0 access token, instead of a key. Publishing, versions, instances and scripts take
                keys alone.
            base_url: Address of Open Cloud; `RBLXCLOUD_BASE_URL`, else Roblox's own.

        Raises:
            InvalidRequestError: An id is not one.
            ConfigurationError: No credential, both, or an address that is refused.
        """
        fields = {"id": check_id("id", id), "experience_id": check_id("experience_id", experience_id)}
        binding = StandaloneBinding("async", api_key=api_key, access_token=access_token, base_url=base_url)
        self.__pydantic_validator__.validate_python(fields, self_instance=self, context={BINDING: binding})
        self._owns_binding = True

    # Else validation would call __init__ (see Experience).
    __init__.__pydantic_base_init__ = True  # type: ignore[attr-defined]  # pyright: ignore[reportFunctionMemberAccess]

    @model_validator(mode="before")
    @classmethod
    def _read_path(cls, fields: Any, info: ValidationInfo) -> Any:
        """Roblox's answers name the experience by the path alone; an answer to an update may leave that out."""
        if not isinstance(fields, Mapping) or "experience_id" in fields:
            return cast("Any", fields)
        known = cast("Mapping[str, Any]", fields)
        match = _PATH.fullmatch(str(known.get("path")))
        context = cast("dict[str, Any]", info.context or {})
        return {**known, "experience_id": match[1] if match else context.get(_EXPERIENCE_ID)}

    @property
    def user_restrictions(self) -> UserRestrictions:
        """Who may not join this place: bans, and what became of them."""
        return UserRestrictions(self._bound_to, self.experience_id, self.id)

    async def fetch(self) -> Self:
        """Fill the fields in place.

        Returns:
            The place itself.

        Raises:
            NotFoundError: There is no such place in the experience.

        Scopes: none.
        Source: `GET /cloud/v2/universes/{universe_id}/places/{place_id}`.
        """
        answer = await self._session.request(Call(api.GET_PLACE, self._path), _PLACE, context=self._context)
        self._adopt(answer)
        return self

    async def update(
        self,
        *,
        display_name: str | Unset = UNSET,
        description: str | Unset = UNSET,
        server_size: int | Unset = UNSET,
    ) -> Self:
        """Change what is passed, and leave the rest.

        Args:
            display_name: Its name; the experience is renamed with its root place. Roblox's filter looks at it: the
                place's fields then say what became of it.
            description: Its description, which may be empty; filtered as well.
            server_size: Most players on a server, 1 or more.

        Returns:
            The place itself, its fields as Roblox has them now.

        Raises:
            InvalidRequestError: Nothing was passed, or something that is refused; nothing was sent.
            NotFoundError: There is no such place in the experience.
            ConflictError: Somebody has the place open in Studio, in a Team Create session.

        Scopes: `universe.place:write`.
        Source: `PATCH /cloud/v2/universes/{universe_id}/places/{place_id}`.
        """
        changes: dict[str, Any] = {}
        if not isinstance(display_name, Unset):
            changes["display_name"] = check_text("display_name", display_name)
        if not isinstance(description, Unset):
            changes["description"] = "" if description == "" else check_text("description", description)
        if not isinstance(server_size, Unset):
            changes["server_size"] = check_whole("server_size", server_size, _LARGEST_SERVER, smallest=1)
        if not changes:
            raise InvalidRequestError("update", "nothing was passed to change")
        body = {to_camel(name): value for name, value in changes.items()}
        call = json_call(api.UPDATE_PLACE, self._path, body, {"updateMask": ",".join(body)})
        answer = await self._session.request(call, _PLACE, context=self._context)
        self._adopt(answer, changed=changes)
        return self

    async def run_luau(
        self,
        script: str | PathLike[str],
        *,
        timeout: float | timedelta | None = None,
        version: int | None = None,
        binary_input: LuauBinaryInput | File | None = None,
        binary_output: bool = False,
    ) -> LuauTask:
        """Run a script on a server of Roblox's, in a copy of this place that is thrown away afterwards.

        No physics are simulated and none of the place's own scripts run. What the script does to data stores, memory
        stores and such stays done. A place can have 10 tasks that have not ended. When the answer to a start is lost,
        the script is not started again, since it may run.

        Args:
            script: Luau source text, at most 4 MB, or a path of a file that holds it. What it returns are the results.
            timeout: Seconds that it may run, or a timedelta: more than 0 and at most 300 seconds, which is the default.
            version: Version of the place to run in; None for the latest. Naming one allows 5 starts a minute, not 40.
            binary_input: A file for the script, or one that `upload_luau_input` uploaded. The script finds it as the
                buffer `BinaryInput` of its first argument: `local buffer = (...).BinaryInput`.
            binary_output: Whether the script returns a table `{BinaryOutput = buffer, ReturnValues = {...}}`: the
                buffer is then the task's binary output, and the values are its results.

        Returns:
            The task: `await task.wait()` brings what the script returned.

        Raises:
            InvalidRequestError: An argument is refused; no script was started.
            RateLimitedError: Too many scripts were started, or 10 run in this place. A client with more `retries`
                waits longer for one of them to end, and a `deadline` bounds that.
            NotFoundError: There is no such place in the experience, or no such version.

        Scopes: `universe.place.luau-execution-session:write`.
        Source: `POST /cloud/v2/universes/{universe_id}/places/{place_id}/luau-execution-session-tasks`,
            `POST /cloud/v2/universes/{universe_id}/places/{place_id}/versions/.../luau-execution-session-tasks` for a
            version, and for a file what `upload_luau_input` calls:
            `POST /cloud/v2/universes/{universe_id}/luau-execution-session-task-binary-inputs`.
        """
        return await luau.run(
            self._bound_to,
            self.experience_id,
            self.id,
            script,
            timeout=timeout,
            version=version,
            binary_input=binary_input,
            binary_output=binary_output,
        )

    async def upload_luau_input(
        self, file: File, *, size: int | None = None, progress: Progress | None = None
    ) -> LuauBinaryInput:
        """Upload a file that scripts can take, in any place of the same experience.

        Args:
            file: A path, bytes, a binary file, or an iterable of bytes: 1 byte to 100 MiB.
            size: Bytes of an iterable, so that it need not be stored first to count them.
            progress: Called with the bytes that are through and all there are.

        Returns:
            What `run_luau` takes as `binary_input`, as often as needed for 15 minutes.

        Raises:
            InvalidRequestError: The file cannot be read, is empty or too large.
            PermissionDeniedError: The key may not, or the upload began too late: addresses are good for 15 minutes.

        Scopes: `universe.place.luau-execution-session:write`.
        Source: `POST /cloud/v2/universes/{universe_id}/luau-execution-session-task-binary-inputs`, and the address that
            it names.
        """
        return await luau.upload_input(self._bound_to, self.experience_id, file, size=size, progress=progress)

    async def publish(
        self,
        file: File,
        version_type: VersionType = "Published",
        *,
        size: int | None = None,
        progress: Progress | None = None,
    ) -> int:
        """Make a new version of the place from a file, and by default publish it: new servers then run it.

        The file is streamed. It is sent again only if it cannot have arrived, since each arrival makes a version; where
        that is not known, the error's `outcome_unknown` is True, and `versions()` shows whether it did.

        EditableImage, EditableMesh, PartOperation, SurfaceAppearance and BaseWrap instances are not updated by it.

        Args:
            file: An `.rbxl` or `.rbxlx` file: its path, its content as bytes, an open binary file, or an iterable of
                its parts. What is no file and has no `size` is written to a temporary file first, since Roblox wants to
                know the size beforehand. Roblox's reference names 10 MiB as the most that it takes.
            version_type: `Published`, or `Saved` to keep the version without publishing it.
            size: Bytes of a stream, so that it need not be stored first.
            progress: Called with the bytes that are through, and all there are.

        Returns:
            The number of the version: they count from 1, published or not.

        Raises:
            InvalidRequestError: The file cannot be read, is empty, or no place; nothing was sent.
            NotFoundError: There is no such place.
            ConflictError: The place belongs to another experience.
            PermissionDeniedError: The key's owner may not publish this place.

        Scopes: `universe-places:write`.
        Source: `POST /universes/v1/{universeId}/places/{placeId}/versions`.
        """
        kind = check_choice("version_type", version_type, get_args(VersionType))
        session = self._session
        async with open_place(session.runtime, file, size=size, progress=progress) as body:
            call = Call(
                api.CREATE_VERSION,
                {"universeId": self.experience_id, "placeId": self.id},
                {"versionType": kind},
                content=body,
                content_type=body.content_type,
            )
            return (await session.request(call, MADE)).version_number

    def versions(
        self,
        *,
        published: bool | None = None,
        has_notes: bool | None = None,
        save_type: int | None = None,
        search: str | None = None,
        contributor: int | None = None,
        after: datetime | None = None,
        before: datetime | None = None,
        limit: int | None = None,
        page_size: int | None = None,
    ) -> Pager[PlaceVersion]:
        """List the versions of the place, newest first.

        Args:
            published: Only those that were published, or only those that were not.
            has_notes: Only those with notes, or only those without.
            save_type: Only those saved in this way: 0, 1 or 2; Roblox does not say what they mean.
            search: Only those whose notes hold this text.
            contributor: Only those that this user worked on: a user id.
            after: Only those made at this moment or later; an aware datetime.
            before: Only those made at this moment or earlier; an aware datetime.
            limit: Most versions in all.
            page_size: Most versions a request; None leaves it to Roblox, which names no largest page.

        Returns:
            A pager: iterate it, or its `pages()`.

        Raises:
            InvalidRequestError: An argument is refused.

        Scopes: `universe.place:read`.
        Source: `GET /place-version-history-api/v1/{placeId}/history`.
        """
        return list_versions(
            self._bound_to,
            self.id,
            published=published,
            has_notes=has_notes,
            save_type=save_type,
            search=search,
            contributor=contributor,
            after=after,
            before=before,
            limit=limit,
            page_size=page_size,
        )

    def contributors(self, *, limit: int | None = None, page_size: int | None = None) -> Pager[int]:
        """List the ids of the users who worked on the place.

        Args:
            limit: Most users in all.
            page_size: Most users a request; None leaves it to Roblox, which names no largest page.

        Returns:
            A pager: iterate it, or its `pages()`.

        Raises:
            InvalidRequestError: An argument is refused.

        Scopes: `universe.place:read`.
        Source: `GET /place-version-history-api/v1/{placeId}/contributors`.
        """
        return list_contributors(self._bound_to, self.id, limit=limit, page_size=page_size)

    async def set_version_notes(
        self, version: int | PlaceVersion, *, title: str | None, description: str | None
    ) -> PlaceVersion:
        """Replace the notes on a version.

        Args:
            version: The version, or its number.
            title: Their title; None for none.
            description: Their text; None for none.

        Returns:
            The version as it is now.

        Raises:
            InvalidRequestError: An argument is refused; nothing was sent.

        Scopes: `universe.place:write`.
        Source: `POST /place-version-history-api/v1/{placeId}/version/{version}/notes`.
        """
        number = version.number if isinstance(version, PlaceVersion) else version
        path = {"placeId": self.id, "version": check_whole("version", number, LARGEST_VERSION, smallest=1)}
        body = {
            "title": None if title is None else check_text("title", title),
            "description": None if description is None else check_text("description", description),
        }
        call = json_call(api.UPDATE_VERSION_NOTES, path, body)
        return (await self._session.request(call, NOTED)).place_version

    def instance(self, id: str = "root") -> Instance:
        """Return an instance in the place; nothing is sent.

        Args:
            id: Its id, a UUID; `root` for the root of the tree, the DataModel, from which `find` and `walk` lead on.

        Returns:
            The instance.

        Raises:
            InvalidRequestError: The id is not one.
        """
        return Instance.bound(
            self._bound_to,
            id=check_instance_id(id),
            experience_id=self.experience_id,
            place_id=self.id,
            names=() if id == ROOT else None,
        )

    def team_create_members(self, *, limit: int | None = None, page_size: MembersPage = 100) -> Pager[TeamCreateMember]:
        """List the users who have the place open in Studio, in a Team Create session.

        Args:
            limit: Most users in all.
            page_size: Most users a request: 10, 25, 50 or 100.

        Returns:
            A pager: iterate it, or its `pages()`.

        Raises:
            InvalidRequestError: An argument is refused.
            BadRequestError: There is no such place.
            PermissionDeniedError: Team Create is off, or the key's owner may not look.

        Scopes: `legacy-team-collaboration:manage`.
        Source: `GET /legacy-develop/v1/places/{placeId}/teamcreate/active_session/members`.
        """
        return list_members(self._bound_to, self.id, limit=limit, page_size=page_size)

    async def close_team_test(self, game_id: str | UUID) -> None:
        """Close a Team Test server.

        Args:
            game_id: Id of the server, a UUID: `game.JobId` on it.

        Raises:
            InvalidRequestError: It is no UUID; nothing was sent.
            PermissionDeniedError: The key's owner may not close it.

        Scopes: `legacy-team-collaboration:manage`.
        Source: `DELETE /legacy-develop/v2/teamtest/{placeId}`.
        """
        endpoint, server = api.CLOSE_TEAM_TEST, check_game_id(game_id)
        await self._session.send(Call(endpoint, {"placeId": self.id}, {"gameId": server}))

    @property
    def _path(self) -> dict[str, int]:
        return {"universe_id": self.experience_id, "place_id": self.id}

    @property
    def _context(self) -> dict[str, int]:
        return {ID: self.id, _EXPERIENCE_ID: self.experience_id}


_PLACE = TypeAdapter(Place)
