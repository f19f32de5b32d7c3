"""Who the users are, as OpenID Connect tells it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from rblxcloud.emulator.creators import users
from rblxcloud.emulator.creators.pictures import colour_of, png
from rblxcloud.emulator.files import check_location, file_endpoint, file_reply, location
from rblxcloud.emulator.model import Call, Handler, Refusal, Reply, World
from rblxcloud.emulator.universes import is_id
from rblxcloud.endpoints.model import Endpoint

__all__ = ["HANDLERS", "id_claims", "picture"]

_FILE = file_endpoint("oauth.picture_file", "/_cdn/headshots/{userId}", "userId")
_SIZE = 150


def id_claims(world: World, user: str, scopes: tuple[str, ...]) -> dict[str, object]:
    """Return the claims about a user that scopes allow.

    Args:
        world: The emulator's state.
        user: Id of the user.
        scopes: What was granted, `openid` among it.
    """
    found = users.find(world, int(user)) if "profile" in scopes else None
    if found is None:
        return {"sub": user}
    return {
        "sub": user,
        "name": found.fields["displayName"],
        "nickname": found.fields["displayName"],
        "preferred_username": found.fields["name"],
        "created_at": int(datetime.fromisoformat(found.fields["createTime"]).timestamp()),
        "profile": f"https://www.roblox.com/users/{user}/profile",
    }


def picture(world: World, call: Call, user: str) -> str | None:
    """Return the address of a user's headshot; None for a user who was removed."""
    return None if users.find(world, int(user)) is None else location(call, world.now(), f"/_cdn/headshots/{user}")


def _download(world: World, call: Call) -> Reply:
    user = call.path["userId"]
    check_location(call, world.now(), f"/_cdn/headshots/{user}")
    if not is_id(user):
        raise Refusal(404, "NOT_FOUND", "There is no such file.")
    return file_reply(png(_SIZE, colour_of(int(user)), round_=True), "image/png", call.headers)


HANDLERS: Mapping[Endpoint, Handler] = {_FILE: _download}
