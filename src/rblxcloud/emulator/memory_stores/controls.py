"""What a test asks an emulator about its memory stores."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from rblxcloud.emulator.control_command import Command, ControlError
from rblxcloud.emulator.controls import Controls
from rblxcloud.emulator.memory_stores import flush, queues, sorted_maps, space
from rblxcloud.emulator.memory_stores.queues import StoredQueueItem
from rblxcloud.emulator.memory_stores.sorted_maps import MapItem
from rblxcloud.emulator.protobuf import camel_keys
from rblxcloud.emulator.universes import is_id

__all__ = ["ROUTES", "MemoryStoreControls"]


class MemoryStoreControls(Controls):
    """An emulator's memory stores; looking at them changes nothing, and hides nothing."""

    def sorted_map(self, universe: int | str, name: str) -> list[MapItem]:
        """Return the items of a sorted map, in its order.

        Args:
            universe: Id of the universe.
            name: Name of the map.
        """
        with self._transaction():
            flush.settle(self._world)
            return sorted_maps.items(self._world, str(universe), name)

    def queue(self, universe: int | str, name: str) -> list[StoredQueueItem]:
        """Return the items of a queue from its front, those too that are hidden now.

        Args:
            universe: Id of the universe.
            name: Name of the queue.
        """
        with self._transaction():
            flush.settle(self._world)
            return queues.items(self._world, str(universe), name)

    def names(self, universe: int | str) -> tuple[list[str], list[str]]:
        """Return the names of a universe's sorted maps and of its queues.

        Args:
            universe: Id of the universe.
        """
        with self._transaction():
            flush.settle(self._world)
            return space.names(self._world, str(universe))

    def used(self, universe: int | str) -> int:
        """Return how many bytes the memory stores of a universe take.

        Args:
            universe: Id of the universe.
        """
        with self._transaction():
            return space.used(self._world, str(universe))


def _show(command: Command) -> object:
    universe = command.target
    if not is_id(universe):
        raise ControlError(400, "The universe id must be a positive number.")
    controls = command.emulator.memory_stores
    maps, queue_names = controls.names(universe)
    return {
        "sortedMaps": {name: [_shown(item) for item in controls.sorted_map(universe, name)] for name in maps},
        "queues": {name: [_shown(item) for item in controls.queue(universe, name)] for name in queue_names},
        "bytes": controls.used(universe),
    }


def _shown(item: MapItem | StoredQueueItem) -> dict[str, Any]:
    return camel_keys(asdict(item))


ROUTES: dict[tuple[str, bool], dict[str, Callable[[Command], object]]] = {
    ("memory-stores", True): {"GET": _show},
}
