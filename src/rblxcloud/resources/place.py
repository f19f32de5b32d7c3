"""Places: what an experience is made of."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Self, cast

from pydantic import Field, SecretStr, TypeAdapter, ValidationInfo, model_validator
from pydantic.alias_generators import to_camel

from rblxcloud.endpoints import places as api
from rblxcloud.errors import InvalidRequestError
from rblxcloud.http.binding import StandaloneBinding
from rblxcloud.http.request import Call, json_call
from rblxcloud.resources.arguments import check_whole
from rblxcloud.resources.base import BINDING, ID, Resource, Timestamp, check_id, check_text
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
            access_token: OAuth 2.0 access token, instead of a key; `fetch` and `update` take one.
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

    @property
    def _path(self) -> dict[str, int]:
        return {"universe_id": self.experience_id, "place_id": self.id}

    @property
    def _context(self) -> dict[str, int]:
        return {ID: self.id, _EXPERIENCE_ID: self.experience_id}


_PLACE = TypeAdapter(Place)
