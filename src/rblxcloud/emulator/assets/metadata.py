"""The parts of an asset that are no content: who made it, and what is said of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from rblxcloud.emulator.assets.images import dimensions
from rblxcloud.emulator.assets.store import Asset, find_asset, find_version, read_file
from rblxcloud.emulator.model import World
from rblxcloud.emulator.protobuf import invalid
from rblxcloud.emulator.universes import is_id

__all__ = ["OPTIONAL", "asset_number", "changed_fields", "creator_of", "expected_price", "new_fields", "privacy_of"]

MAX_DESCRIPTION = 1000
MAX_SOCIAL_LINKS = 3
SOCIAL_LINKS: Mapping[str, tuple[str, ...]] = {
    "facebookSocialLink": ("facebook.com/",),
    "twitterSocialLink": ("twitter.com/", "x.com/"),
    "youtubeSocialLink": ("youtube.com/",),
    "twitchSocialLink": ("twitch.tv/",),
    "discordSocialLink": ("discord.gg/", "discord.com/invite/"),
    "guildedSocialLink": ("guilded.gg/",),
    "githubSocialLink": ("github.com/",),
    "robloxSocialLink": ("roblox.com/",),
    "devForumSocialLink": ("devforum.roblox.com/",),
    "tryAssetSocialLink": (),
}
"""What a link of each network begins with, after `https://` and perhaps `www.`; `tryAsset` takes the id of a place."""

_PRIVACIES = ("default", "restricted", "openUse")
_ASSET_PATH = re.compile(r"assets/([0-9]+)", re.ASCII)
_WHOLE = re.compile(r"[0-9]{1,19}", re.ASCII)


def creator_of(request: Mapping[str, Any]) -> str:
    """Return who is to own a new asset, as `users/1` or `groups/1`.

    Args:
        request: The JSON of the form.

    Raises:
        Refusal: 400 unless exactly one of `userId` and `groupId` is given, as a positive number or its text.
    """
    creator = _object(_context(request), "creator")
    given = {name: creator[name] for name in ("userId", "groupId") if creator.get(name) is not None}
    if len(given) != 1:
        raise invalid("Exactly one of userId and groupId has to be given.")
    (name, value) = given.popitem()
    if isinstance(value, bool) or not is_id(str(value)):
        raise invalid(f"{name} is not the id of a creator.")
    return f"{'users' if name == 'userId' else 'groups'}/{value}"


def privacy_of(request: Mapping[str, Any]) -> str:
    """Return the privacy that a new asset is to have."""
    privacy = _context(request).get("assetPrivacy", "default")
    if privacy not in _PRIVACIES:
        raise invalid("assetPrivacy is default, restricted or openUse.")
    return str(privacy)


def expected_price(request: Mapping[str, Any]) -> int | None:
    """Return the fee that the caller reckons with, in Robux; None where it does not say."""
    price = _context(request).get("expectedPrice")
    if price is None:
        return None
    if isinstance(price, bool) or not _WHOLE.fullmatch(str(price)):
        raise invalid("expectedPrice has to be a whole number of at least 0.")
    return int(price)


def asset_number(text: object) -> int | None:
    """Return the id that a path such as `assets/5` names; None where it names none."""
    match = _ASSET_PATH.fullmatch(text) if isinstance(text, str) else None
    return int(match[1]) if match and is_id(match[1]) else None


def new_fields(world: World, request: Mapping[str, Any]) -> dict[str, Any]:
    """Return the metadata of a new asset; a name and a description are wanted, social links are not taken.

    Args:
        world: The emulator's state.
        request: The JSON of the form.
    """
    if any(request.get(name) is not None for name in SOCIAL_LINKS):
        raise invalid("Social links cannot be given when an asset is created.")
    for name in ("displayName", "description"):
        if request.get(name) is None:
            raise invalid(f"{name} is required.")
    return changed_fields(world, {}, request, [name for name in OPTIONAL if request.get(name) is not None])


def changed_fields(
    world: World, fields: Mapping[str, Any], request: Mapping[str, Any], mask: Sequence[str]
) -> dict[str, Any]:
    """Return metadata after a change.

    Args:
        world: The emulator's state.
        fields: As it is.
        request: The JSON of the form.
        mask: What to change; a member without a value is cleared.

    Raises:
        Refusal: 400 for a member that cannot be changed, or a value that does not do.
    """
    changed = dict(fields)
    for name in mask:
        if name not in OPTIONAL:
            raise invalid(f"The mask names {name!r}, which cannot be updated.")
        value = request.get(name)
        if value is None:
            changed.pop(name, None)
        else:
            changed[name] = OPTIONAL[name](world, name, value)
    if sum(name in SOCIAL_LINKS for name in changed) > MAX_SOCIAL_LINKS:
        raise invalid(f"An asset has at most {MAX_SOCIAL_LINKS} social links.")
    return changed


def _name(world: World, name: str, value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise invalid(f"{name} has to be a text that is not empty.")
    return value


def _description(world: World, name: str, value: Any) -> str:
    if not isinstance(value, str) or len(value) > MAX_DESCRIPTION:
        raise invalid(f"{name} has to be a text of at most {MAX_DESCRIPTION} characters.")
    return value


def _icon(world: World, name: str, value: Any) -> str:
    image = _image(world, name, value)
    version = find_version(world, image.id)
    assert version is not None
    width, height = dimensions(version.content_type, read_file(world, version.file)) or (0, 1)
    if width != height:
        raise invalid("The icon has to be square.")
    return f"assets/{image.id}"


def _previews(world: World, name: str, value: Any) -> list[dict[str, str]]:
    if not isinstance(value, list):
        raise invalid("previews has to be a list.")
    previews: list[dict[str, str]] = []
    for item in cast("list[object]", value):
        if not isinstance(item, dict):
            raise invalid("A preview has to be an object.")
        preview = cast("dict[str, Any]", item)
        text = preview.get("altText", "")
        if not isinstance(text, str):
            raise invalid("altText has to be a text.")
        image = _image(world, name, preview.get("asset"))
        previews.append({"asset": f"assets/{image.id}", "altText": text})
    return previews


def _image(world: World, name: str, value: object) -> Asset:
    number = asset_number(value)
    found = None if number is None else find_asset(world, number)
    if found is None or found.kind != "Image":
        raise invalid(f"{name} has to name an asset of type Image, such as assets/1.")
    return found


def _social_link(world: World, name: str, value: Any) -> dict[str, str]:
    link = cast("dict[str, Any]", value) if isinstance(value, dict) else {}
    uri, title = link.get("uri"), link.get("title", "")
    if not isinstance(uri, str) or not isinstance(title, str):
        raise invalid(f"{name} has to be an object with the texts title and uri.")
    address = uri.removeprefix("https://").removeprefix("www.")
    fits = is_id(uri) if name == "tryAssetSocialLink" else uri != address and address.startswith(SOCIAL_LINKS[name])
    if not fits:
        raise invalid(f"The uri of {name} is none of that network.")
    return {"title": title, "uri": uri}


OPTIONAL: Mapping[str, Callable[[World, str, Any], Any]] = {
    "displayName": _name,
    "description": _description,
    "icon": _icon,
    "previews": _previews,
    **dict.fromkeys(SOCIAL_LINKS, _social_link),
}
"""What reads each part of the metadata: what masks may name."""


def _context(request: Mapping[str, Any]) -> dict[str, Any]:
    return _object(request, "creationContext")


def _object(body: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = body.get(name)
    if not isinstance(value, dict):
        raise invalid(f"{name} has to be an object.")
    return cast("dict[str, Any]", value)
