"""Which place a request is about."""

from __future__ import annotations

from rblxcloud.emulator.model import Call, Refusal, World
from rblxcloud.emulator.places.table import Place, of_universe
from rblxcloud.emulator.protobuf import invalid
from rblxcloud.emulator.universes import is_id

__all__ = ["addressed", "place_id"]


def addressed(world: World, call: Call) -> Place:
    """Return the place that a request names together with its universe; `table.keep` makes it that universe's.

    Args:
        world: The emulator's state.
        call: The request.

    Raises:
        Refusal: 400 for an id that is none, 404 for a place of another universe, and for one that does not exist.
    """
    universe = call.path.get("universe_id") or call.path["universeId"]
    number = place_id(call)
    place = of_universe(world, universe, number)
    if place is None:
        raise Refusal(404, "NOT_FOUND", f"The universe {universe} has no place {number}.")
    return place


def place_id(call: Call) -> str:
    """Return the id of the place that a request names.

    Raises:
        Refusal: 400 for an id that is none.
    """
    number = call.path.get("place_id") or call.path["placeId"]
    if not is_id(number):
        raise invalid("The place id is not a positive number.")
    return number
