"""What a test says to an emulator of its game servers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

from rblxcloud.emulator.controls import Controls
from rblxcloud.emulator.servers import restarts, store

__all__ = ["ServerControls"]


class ServerControls(Controls):
    """An emulator's game servers: none, until some are let begin."""

    def add(
        self,
        universe: int,
        place: int,
        version: int = 1,
        *,
        players: Iterable[int] = (),
        max_players: int = 30,
        engine_version: str = "0.700.0.7000000",
        memory_bytes: int = 500_000_000,
        frame_rate: float = 60.0,
        type: int = 0,
    ) -> str:
        """Let a server begin; return its id.

        Args:
            universe: Id of the universe.
            place: Id of the place that it runs.
            version: Which version of the place.
            players: Ids of the players in it.
            max_players: How many it can have.
            engine_version: Version of Roblox's engine.
            memory_bytes: Memory that it uses.
            frame_rate: Frames that it computes a second.
            type: What kind of server it is, 0 to 5.

        Raises:
            ValueError: It has more players than it can have, or a type that there is not.
        """
        inside = list(players)
        if len(inside) > max_players or type not in range(6) or version < 1:
            raise ValueError("a server has at most max_players, a type from 0 to 5 and a version from 1 on")
        with self._transaction():
            return store.add(
                self._world,
                str(universe),
                str(place),
                version,
                players=inside,
                max_players=max_players,
                engine_version=engine_version,
                memory_bytes=memory_bytes,
                frame_rate=frame_rate,
                type=type,
            )

    def log(
        self, job_id: str, message: str, severity: Literal[0, 1, 2, 3] = 0, *, stack_trace: str | None = None
    ) -> None:
        """Let a server log a line, now.

        Args:
            job_id: Id of the server.
            message: The text.
            severity: 0 output, 1 info, 2 warning, 3 error.
            stack_trace: Where in the scripts it comes from.

        Raises:
            ValueError: There is no such server.
        """
        with self._transaction():
            self._check(job_id)
            store.add_log(self._world, job_id, message, severity, stack_trace)

    def end(
        self,
        job_id: str,
        status: Literal["shut_down", "roblox_restarted", "crashed", "out_of_memory", "moderated"] = "shut_down",
    ) -> None:
        """Let a server end, now.

        Args:
            job_id: Id of the server.
            status: What has become of it.

        Raises:
            ValueError: There is no such server.
        """
        with self._transaction():
            self._check(job_id)
            store.end(self._world, job_id, status, self._world.now())

    def running(self, universe: int) -> list[str]:
        """Return the ids of the servers that run, in the order in which they began."""
        with self._transaction():
            restarts.settle(self._world)
            return [server.job for server in store.servers_of(self._world, str(universe), running=True)]

    def attributes(self, restart_id: str) -> Any:
        """Return what servers were told when a restart was launched; None for nothing.

        Raises:
            ValueError: There is no such restart.
        """
        with self._transaction():
            return restarts.attributes_of(self._world, restart_id)

    def _check(self, job_id: str) -> None:
        if store.find(self._world, job_id) is None:
            raise ValueError(f"there is no server {job_id}")
