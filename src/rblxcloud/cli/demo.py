"""`rblxcloud demo`: the first stories, told in both modes to an emulator, every request shown."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import anyio
from pydantic import BaseModel

from rblxcloud.client import Client
from rblxcloud.http.hooks import ResponseEvent
from rblxcloud.resources.asset_type import AssetType

if TYPE_CHECKING:
    from rich.console import Console, Group
    from rich.pretty import Pretty
    from rich.table import Table

    from rblxcloud import sync
    from rblxcloud.emulator.core import Emulator

__all__ = ["add_parser", "run"]

_EXPERIENCE = 13058
_PLACE = 13059
_PLAYER = 287113233
_KEY = "emulator-key"
_FILM = b"\0\0\0\x18ftypmp42" + bytes(8 * 2**20)
"""What is uploaded: it begins like a film, and nobody looks further."""
_PROCESSING = 0.5
"""Seconds that the emulator takes to process it."""
_BUILT = b'<roblox version="4"></roblox>'
"""A place without anything in it."""
_SCRIPT = "return 1 + 1"


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:  # pyright: ignore[reportPrivateUsage]
    """Add the `demo` command.

    Args:
        subparsers: Where the program's commands are added; the command's function is its `run` default.
    """
    parser = subparsers.add_parser("demo", help="watch the library work, offline, in both modes")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Start an emulator on a free port and tell the stories to it: async, then blocking.

    Args:
        args: Nothing is read from it.

    Returns:
        0.

    Raises:
        ImportError: One of the extras `cli` and `emulator` is not installed.
        RblxCloudError: A call failed.
    """
    from rich.console import Console

    from rblxcloud import sync
    from rblxcloud.emulator.core import Emulator
    from rblxcloud.emulator.server import serve

    console = Console(highlight=False)
    with Emulator(api_keys=[_KEY]) as emulator, serve(emulator) as base_url:
        screen = _Screen(console)
        console.print(f"The emulator listens on [bold]{base_url}[/]: what follows are real requests over a socket.")

        console.rule("[bold]rblxcloud, async[/]")
        _prepare(emulator)
        anyio.run(_tell, screen, base_url)
        _show_messages(console, emulator)

        emulator.reset()
        console.rule("[bold]rblxcloud.sync, blocking[/]")
        _prepare(emulator)
        with sync.Client(api_key=_KEY, base_url=base_url, on_response=[screen.on_response]) as client:
            _tell_blocking(screen, client)
        _show_messages(console, emulator)
    console.print("\nThe same programs reach Roblox with a real API key and no base_url.")
    return 0


def _prepare(emulator: Emulator) -> None:
    from rblxcloud.emulator.luau.handlers import LuauRun
    from rblxcloud.emulator.scripts import OperationScript

    emulator.scripts.add(OperationScript(processing=_PROCESSING))

    # The emulator runs no Luau: a function answers for the script.
    @emulator.luau.on(_SCRIPT)
    def add(run: LuauRun) -> int:  # pyright: ignore[reportUnusedFunction]
        return 2


async def _tell(screen: _Screen, base_url: str) -> None:
    async with Client(api_key=_KEY, base_url=base_url, on_response=[screen.on_response]) as client:
        experience = client.experience(_EXPERIENCE)
        store = experience.get_data_store("data-store-name", scope="global")

        with screen.step('await store.set("key-name", 68, users=[287113233], metadata={"key": "value"})') as results:
            results.append(await store.set("key-name", 68, users=[287113233], metadata={"key": "value"}))
        with screen.step('value, info = await store.get("key-name")') as results:
            value, info = await store.get("key-name")
            results += [value, info]
        with screen.step('await store.increment("key-name", 1, users=info.users, metadata=info.metadata)') as results:
            results += await store.increment("key-name", 1, users=info.users, metadata=info.metadata)
        with screen.step('await store.remove("key-name")'):
            await store.remove("key-name")
        with screen.step('await store.get("key-name", default=0)') as results:
            results += await store.get("key-name", default=0)
        with screen.step('await experience.publish_message("topic-name", "Hello World!")'):
            await experience.publish_message("topic-name", "Hello World!")

        user = client.user(_EXPERIENCE)
        with screen.step('operation = await user.upload_asset(film, AssetType.Video, "film", progress=bar)') as results:
            with screen.bar("film.mp4") as bar:
                operation = await user.upload_asset(_FILM, AssetType.Video, "film", progress=bar)
            results.append(operation)
        with screen.step("await operation.wait()") as results:
            results.append(await operation.wait())

        jobs = experience.get_queue("jobs")
        with screen.step('await jobs.add({"coins": 50}, priority=1)'):
            await jobs.add({"coins": 50}, priority=1)
        with screen.step("async for job in jobs.consume(limit=1): results.append(job.value)") as results:
            async for job in jobs.consume(limit=1):
                results.append(job.value)

        place = experience.place(_PLACE)
        with screen.step("await place.publish(built)  # the number of the version") as results:
            results.append(await place.publish(_BUILT))
        with screen.step(f'task = await place.run_luau("{_SCRIPT}"); (await task.wait()).value') as results:
            task = await place.run_luau(_SCRIPT)
            results.append((await task.wait()).value)
        with screen.step("await experience.user_restrictions.ban(287113233, duration=timedelta(days=7))") as results:
            results.append(await experience.user_restrictions.ban(_PLAYER, duration=timedelta(days=7)))


def _tell_blocking(screen: _Screen, client: sync.Client) -> None:
    experience = client.experience(_EXPERIENCE)
    store = experience.get_data_store("data-store-name", scope="global")

    with screen.step('store.set("key-name", 68, users=[287113233], metadata={"key": "value"})') as results:
        results.append(store.set("key-name", 68, users=[287113233], metadata={"key": "value"}))
    with screen.step('value, info = store.get("key-name")') as results:
        value, info = store.get("key-name")
        results += [value, info]
    with screen.step('store.increment("key-name", 1, users=info.users, metadata=info.metadata)') as results:
        results += store.increment("key-name", 1, users=info.users, metadata=info.metadata)
    with screen.step('store.remove("key-name")'):
        store.remove("key-name")
    with screen.step('store.get("key-name", default=0)') as results:
        results += store.get("key-name", default=0)
    with screen.step('experience.publish_message("topic-name", "Hello World!")'):
        experience.publish_message("topic-name", "Hello World!")

    user = client.user(_EXPERIENCE)
    with screen.step('operation = user.upload_asset(film, AssetType.Video, "film", progress=bar)') as results:
        with screen.bar("film.mp4") as bar:
            operation = user.upload_asset(_FILM, AssetType.Video, "film", progress=bar)
        results.append(operation)
    with screen.step("operation.wait()") as results:
        results.append(operation.wait())

    jobs = experience.get_queue("jobs")
    with screen.step('jobs.add({"coins": 50}, priority=1)'):
        jobs.add({"coins": 50}, priority=1)
    with screen.step("for job in jobs.consume(limit=1): results.append(job.value)") as results:
        for job in jobs.consume(limit=1):
            results.append(job.value)

    place = experience.place(_PLACE)
    with screen.step("place.publish(built)  # the number of the version") as results:
        results.append(place.publish(_BUILT))
    with screen.step(f'task = place.run_luau("{_SCRIPT}"); task.wait().value') as results:
        task = place.run_luau(_SCRIPT)
        results.append(task.wait().value)
    with screen.step("experience.user_restrictions.ban(287113233, duration=timedelta(days=7))") as results:
        results.append(experience.user_restrictions.ban(_PLAYER, duration=timedelta(days=7)))


class _Screen:
    """Shows each step: the call, the requests that it took, and what it returned."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._events: list[ResponseEvent] = []

    def on_response(self, event: ResponseEvent) -> None:
        """Keep an attempt for the step under way."""
        self._events.append(event)

    @contextmanager
    def step(self, code: str) -> Generator[list[Any]]:
        """Show a step when it is over.

        Args:
            code: The call, as a user writes it.

        Yields:
            A list that takes the results.
        """
        from rich.console import Group
        from rich.panel import Panel
        from rich.syntax import Syntax

        self._events.clear()
        results: list[Any] = []
        yield results
        call = Syntax(code, "python", background_color="default", word_wrap=True)
        self._console.print(
            Panel(Group(call, *map(_request, self._events), *map(_result, results)), border_style="dim")
        )

    @contextmanager
    def bar(self, name: str) -> Generator[Callable[[int, int], None]]:
        """Show how far an upload has come.

        Args:
            name: What is uploaded.

        Yields:
            A function for `progress`.
        """
        from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
        with Progress(*columns, console=self._console) as progress:
            task = progress.add_task(name, total=None)
            yield lambda sent, total: progress.update(task, completed=sent, total=total)


def _request(event: ResponseEvent) -> Table:
    from rich.table import Table

    parts = urlsplit(event.url)
    target = f"{parts.path}?{parts.query}" if parts.query else parts.path
    outcome = event.failure if event.status is None else f"{event.status} {HTTPStatus(event.status).phrase}"
    colour = "red" if event.status is None or event.status >= 500 else "yellow" if event.status >= 400 else "green"
    line = Table.grid(padding=(0, 2, 0, 0))
    line.add_column(style="cyan", no_wrap=True)
    line.add_column(style="cyan", overflow="fold", ratio=1)
    line.add_column(style=colour, no_wrap=True)
    line.add_column(style="dim", no_wrap=True)
    line.add_row(event.method, target, outcome, f"{event.seconds * 1000:.1f} ms")
    return line


def _result(result: object) -> Group | Pretty:
    from rich.console import Group
    from rich.padding import Padding
    from rich.pretty import Pretty
    from rich.table import Table
    from rich.text import Text

    from rblxcloud.sync._lifecycle import unwrap

    result = unwrap(result)
    if not isinstance(result, BaseModel):
        return Pretty(result)
    fields = Table.grid(padding=(0, 2, 0, 0))
    fields.add_column(overflow="fold")
    fields.add_column(overflow="fold")
    for name, value in result:
        if value is not None:
            fields.add_row(name, value.isoformat(sep=" ") if isinstance(value, datetime) else repr(value))
    # The name has a line of its own: beside it, nothing of the values was left on a narrow terminal.
    return Group(Text(type(result).__name__, style="magenta"), Padding(fields, (0, 0, 0, 2)))


def _show_messages(console: Console, emulator: Emulator) -> None:
    from rich.table import Table

    table = Table("universe", "topic", "message", title="What game servers would have received", title_justify="left")
    for message in emulator.messages():
        table.add_row(message.universe, message.topic, message.message)
    console.print(table)
