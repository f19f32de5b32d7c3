"""Export every value of a data store, however many there are, into a file with one line of JSON for each key.

    RBLXCLOUD_API_KEY=... python examples/batch_job.py 13058 players players.jsonl

Memory stays the same for a hundred keys and for a million: one page of keys is in work at a time. Interrupt it
whenever you like (Ctrl-C, a crash, a lost connection) and run the same command again: it goes on after the last whole
page, and no key is written twice. Reads keep to Roblox's published budget, 300 a minute and more with `--players`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import time
from contextlib import aclosing
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import BinaryIO

from rblxcloud import Client, ConfigurationError, DataStore, InvalidRequestError, NotFoundError, RblxCloudError


@dataclass(frozen=True)
class Job:
    """What is exported; a job goes on only with what it began with."""

    experience: int
    store: str
    page_size: int


class CannotGoOn(Exception):
    """The files are not those of this job as it left them."""


@dataclass(frozen=True)
class Progress:
    """How far the job has come, as the file beside the output keeps it."""

    job: Job
    token: str | None = None
    """Continues the list of keys; None at its beginning."""
    keys: int = 0
    """Values that have been written."""
    size: int = 0
    """Bytes of the output that belong to whole pages."""
    done: bool = False

    @classmethod
    def load(cls, path: Path) -> Progress | None:
        """Read it; a job that has not begun has none."""
        if not path.exists():
            return None
        try:
            fields = json.loads(path.read_text())
            progress = cls(**{**fields, "job": Job(**fields["job"])})
        except (ValueError, TypeError, KeyError):
            raise CannotGoOn(f"{path} is not readable") from None
        if not isinstance(progress.size, int) or not isinstance(progress.keys, int):
            raise CannotGoOn(f"{path} is not readable")
        return progress

    def save(self, path: Path) -> None:
        """Write it in one step, so that no interruption leaves half of it."""
        fresh = path.with_name(f"{path.name}.new")
        fresh.write_text(json.dumps(asdict(self)))
        os.replace(fresh, path)


def resume(job: Job, output: Path, state: Path) -> Progress:
    """Return how far a job has come, once it is sure that its output is what it left."""
    progress = Progress.load(state)
    size = output.stat().st_size if output.exists() else 0
    if progress is None:
        if size:
            raise CannotGoOn(f"{output} has content that is not of this job: there is no {state}")
        return Progress(job)
    if progress.job != job:
        raise CannotGoOn(f"{state} is of another job: {progress.job}")
    if size < progress.size:
        raise CannotGoOn(f"{output} has {size} bytes, but {progress.size} were written")
    return progress


async def export(store: DataStore[object], output: Path, state: Path, progress: Progress) -> Progress:
    """Write the values that are still missing in the output, page by page."""
    started = time.monotonic()
    written = 0
    # Here and not in the loop: arguments that are refused should leave no state that refuses the right ones.
    keys = store.keys(page_size=progress.job.page_size)
    with output.open("ab") as file:
        if progress.done:
            return progress
        # From here on the output is this job's; what an interrupted run wrote of a page is written again.
        progress.save(state)
        file.truncate(progress.size)
        file.seek(progress.size)
        async for page in keys.pages(token=progress.token):
            count = await write_values(store, page.items, file)
            file.flush()
            os.fsync(file.fileno())
            written += count
            progress = replace(
                progress,
                token=page.next_token,
                keys=progress.keys + count,
                size=file.tell(),
                done=page.next_token is None,
            )
            progress.save(state)
            speed = written / max(time.monotonic() - started, 0.001)
            print(f"\r{progress.keys:,} keys, {speed:,.0f} a second ", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return progress


async def write_values(store: DataStore[object], keys: tuple[str, ...], file: BinaryIO) -> int:
    """Write the values of one page of keys; return how many there were."""
    count = 0
    # aclosing ends the reads that are under way when one of them fails or the job is interrupted.
    async with aclosing(store.get_many(keys, concurrency=20)) as results:
        async for result in results:
            if isinstance(result.error, NotFoundError):
                continue  # removed since the list was made
            value, info = result.unwrap()
            row = {"key": result.key, "value": value, "version": info.version, "users": info.users}
            file.write(json.dumps(row, separators=(",", ":")).encode() + b"\n")
            count += 1
    return count


async def run(args: argparse.Namespace) -> Progress:
    """Run the job on a client of its own."""
    state = args.output.with_name(f"{args.output.name}.state")
    progress = resume(Job(args.experience, args.store, args.page_size), args.output, state)
    async with Client(players=args.players) as client:
        store = client.experience(args.experience).get_data_store(args.store)
        return await export(store, args.output, state, progress)


def main() -> int:
    """Run the job until it is done or interrupted."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("experience", type=int, help="universe id")
    parser.add_argument("store", help="name of the data store")
    parser.add_argument("output", type=Path, help="file that takes the values")
    parser.add_argument("--players", type=int, default=0, help="players that are online at least; raises the budget")
    parser.add_argument("--page-size", type=int, default=256, help="keys in work at a time, 1 to 256")
    args = parser.parse_args()
    try:
        progress = asyncio.run(run(args))
    except KeyboardInterrupt:
        print("\nInterrupted: run the same command again to go on.", file=sys.stderr)
        return 130
    except CannotGoOn as error:
        print(f"Cannot go on: {error}\nName another output, or remove both files to begin again.", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"\nCannot write: {error}", file=sys.stderr)
        return 1
    except RblxCloudError as error:
        print(f"\nStopped: {error}", file=sys.stderr)
        # The same command will never have a key that is missing, or other arguments.
        if not isinstance(error, (ConfigurationError, InvalidRequestError)):
            print("Run the same command again to go on.", file=sys.stderr)
        return 1
    print(f"{progress.keys} values in {args.output}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
