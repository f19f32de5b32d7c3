"""What a test says to an emulator of its places."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal
from uuid import uuid4

from rblxcloud.emulator import universes
from rblxcloud.emulator.assets.store import read_file
from rblxcloud.emulator.controls import Controls
from rblxcloud.emulator.places import instances, table, team, tree, versions

__all__ = ["PlaceControls"]


class PlaceControls(Controls):
    """An emulator's places: those that it is told of, all others as nobody spoke of them."""

    @property
    def largest_file(self) -> int:
        """Bytes that the file of a place may have: 10 MiB, unless it is set to another number."""
        return self._world.largest_place

    @largest_file.setter
    def largest_file(self, size: int) -> None:
        self._world.largest_place = size

    def add(
        self,
        universe: int,
        place: int,
        *,
        display_name: str | None = None,
        description: str | None = None,
        server_size: int | None = None,
        collaborative: bool | None = None,
        editors: Iterable[int] | None = None,
    ) -> None:
        """Make sure that a place is there, and say what it is like; None leaves that as it is.

        Args:
            universe: Id of the universe that it belongs to.
            place: Its id.
            display_name: Its name.
            description: What is said of it.
            server_size: Most players on a server.
            collaborative: Whether Team Create is on, without which no instance can be reached.
            editors: Ids of the users who have it open in Studio; none closes the Team Create session.

        Raises:
            ValueError: It belongs to another universe.
        """
        fields = {"displayName": display_name, "description": description, "serverSize": server_size}
        with self._transaction():
            known = table.find(self._world, str(place))
            if known is not None and known.universe != str(universe):
                raise ValueError(f"place {place} belongs to universe {known.universe}")
            universes.create(self._world, str(universe))
            made = table.put(self._world, str(universe), str(place))
            table.set_editing(
                self._world,
                made,
                collaborative=made.collaborative if collaborative is None else collaborative,
                editors=made.editors if editors is None else tuple(editors),
            )
            if changes := {name: value for name, value in fields.items() if value is not None}:
                table.save(self._world, made, changes)

    def add_version(
        self,
        place: int,
        content: bytes = b"<roblox!",
        *,
        published: bool = True,
        created_by: int = 1,
        contributors: Iterable[int] = (),
        save_type: int = 0,
    ) -> int:
        """Make a version of a place without publishing a file, as Studio does; return its number.

        Args:
            place: Id of a place that is there.
            content: Its file.
            published: Whether it was published, not only saved.
            created_by: Id of the user who saved it.
            contributors: Ids of the users who worked on it besides.
            save_type: 0, 1 or 2.

        Raises:
            ValueError: There is no such place, as nothing was said of it yet.
        """
        with self._transaction():
            return versions.add(
                self._world,
                self._known(place),
                content,
                published=published,
                created_by=created_by,
                contributors=tuple(contributors),
                save_type=save_type,
            )

    def file(self, place: int, version: int | None = None) -> bytes:
        """Return the file of a version.

        Args:
            place: Id of the place.
            version: Its number; None for the newest.

        Raises:
            ValueError: There is no such version.
        """
        with self._transaction():
            found = versions.find_version(self._world, str(place), version)
            if found is None:
                raise ValueError(f"place {place} has no such version")
            return read_file(self._world, found.file)

    def start_team_test(self, place: int) -> str:
        """Let a Team Test server of a place run; return its id.

        Args:
            place: Id of a place that is there.

        Raises:
            ValueError: There is no such place, as nothing was said of it yet.
        """
        server = str(uuid4())
        with self._transaction():
            team.start_server(self._world, self._known(place).id, server)
        return server

    def team_tests(self, place: int) -> list[str]:
        """Return the ids of the Team Test servers of a place that run.

        Args:
            place: Id of the place.
        """
        with self._transaction():
            return team.servers(self._world, str(place))

    def add_instance(
        self,
        place: int,
        parent: str,
        class_name: str,
        name: str,
        *,
        source: str | None = None,
        enabled: bool | None = None,
        run_context: Literal["Legacy", "Server", "Client", "Plugin"] | None = None,
    ) -> str:
        """Put an instance into a place; return its id.

        Args:
            place: Id of the place.
            parent: What it is to be in: an id, `root`, or names from the root on, such as `ServerScriptService/Lib`.
            class_name: Its class, such as `Script`.
            name: Its name.
            source: Text of a script.
            enabled: Whether a script runs.
            run_context: Where a script runs.

        Raises:
            ValueError: There is no such parent, or the class does not have what was passed.
        """
        given = {"Source": source, "Enabled": enabled, "RunContext": run_context}
        properties = {key: value for key, value in given.items() if value is not None}
        if unknown := properties.keys() - tree.PROPERTIES.get(class_name, {}):
            raise ValueError(f"a {class_name} has no {', '.join(sorted(unknown))}")
        with self._transaction():
            found = self._instance(place, parent)
            return tree.add(self._world, str(place), found.id, class_name, name, properties)

    def instance(self, place: int, instance: str) -> dict[str, Any]:
        """Return what is known of an instance: `id`, `parent`, `class`, `name`, and the properties of a script.

        Args:
            place: Id of the place.
            instance: Its id, `root`, or names from the root on, such as `ServerScriptService/Main`.

        Raises:
            ValueError: There is no such instance.
        """
        with self._transaction():
            instances.settle(self._world)
            found = self._instance(place, instance)
        shown = {"id": found.id, "parent": found.parent, "class": found.kind, "name": found.name}
        return {**shown, **found.properties}

    def remove_instance(self, place: int, instance: str) -> None:
        """Remove an instance, and all that is in it.

        Args:
            place: Id of the place.
            instance: As in `instance`; not the root.

        Raises:
            ValueError: There is no such instance, or it is the root.
        """
        with self._transaction():
            found = self._instance(place, instance)
            if not found.parent:
                raise ValueError("the root cannot be removed")
            tree.remove(self._world, str(place), found)

    def lock_instance(self, place: int, instance: str, reason: str | None = "The script is open in Studio.") -> None:
        """Let updates of an instance fail, as those of a script do that is open in Studio or is part of a package.

        Args:
            place: Id of the place.
            instance: As in `instance`.
            reason: Text of the error; None lets them succeed again.

        Raises:
            ValueError: There is no such instance.
        """
        with self._transaction():
            tree.set_lock(self._world, self._instance(place, instance), reason)

    def _instance(self, place: int, address: str) -> tree.Instance:
        number = tree.canonical(address)
        if number is not None:
            found = tree.find(self._world, str(place), number)
        else:
            found = tree.find_by_names(self._world, str(place), iter(address.split("/")))
        if found is None:
            raise ValueError(f"place {place} has no instance {address}")
        return found

    def _known(self, place: int) -> table.Place:
        known = table.find(self._world, str(place))
        if known is None:
            raise ValueError(f"nothing was said of place {place}; add it to a universe first")
        return known
