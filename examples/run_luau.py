"""Run a Luau script in a place, show what it prints while it runs, and what it returns.

    RBLXCLOUD_API_KEY=... python examples/run_luau.py 13058 13059 script.luau --timeout 60
    RBLXCLOUD_API_KEY=... python examples/run_luau.py 13058 13059 script.luau --input map.bin --output navmesh.bin

Interrupt it whenever you like (Ctrl-C, a lost connection): the script runs on at Roblox, and the command that was
printed at its start listens again. The results go to the standard output as JSON, all else to the standard error. The
status is 0 when the script ended well, 1 when it did not, 2 when it was not started, 130 after an interruption.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from pathlib import Path

from rblxcloud import Client, ConfigurationError, LuauError, LuauScriptError, LuauTask, RblxCloudError

COLOURS = {"WARNING": "\033[33m", "ERROR": "\033[31m"}


async def start(client: Client, args: argparse.Namespace) -> LuauTask:
    """Start the script, or find the task that an earlier run has started."""
    if args.resume:
        return client.luau_task(args.resume)
    task = (
        await client.experience(args.experience)
        .place(args.place)
        .run_luau(
            args.script,
            timeout=args.timeout,
            version=args.version,
            binary_input=args.input,
            binary_output=args.output is not None,
        )
    )
    print(f"To listen again: python {sys.argv[0]} --resume {task.path}", file=sys.stderr)
    return task


async def listen(task: LuauTask) -> None:
    """Show what the script prints, until it has ended."""
    async for entry in task.structured_logs():
        colour = COLOURS.get(entry.type) if sys.stderr.isatty() else None
        print(f"{colour}{entry.message}\033[0m" if colour else entry.message, file=sys.stderr, flush=True)


async def run(args: argparse.Namespace) -> int:
    """Run the script on a client of its own."""
    async with Client() as client:
        try:
            task = await start(client, args)
        except RblxCloudError as error:
            started = " It may run all the same." if error.outcome_unknown else ""
            print(f"Not started: {error}{started}", file=sys.stderr)
            return 2
        await listen(task)
        try:
            result = await task.wait()
        except LuauScriptError as error:
            print(error.message, file=sys.stderr)
            return 1
        except LuauError as error:
            print(f"{error.code or 'CANCELLED'}: {error.message}", file=sys.stderr)
            return 1
        if args.output:
            await task.download_output(args.output)
        print(json.dumps(result.values))
        return 0


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("experience", type=int, nargs="?", help="universe id")
    parser.add_argument("place", type=int, nargs="?", help="id of a place of it")
    parser.add_argument("script", type=Path, nargs="?", help="file with Luau source text")
    parser.add_argument("--timeout", type=float, help="seconds that the script may run, at most 300")
    parser.add_argument("--version", type=int, help="version of the place; the latest without it")
    parser.add_argument("--input", type=Path, help="file that the script gets as a buffer")
    parser.add_argument("--output", type=Path, help="file that takes the buffer that the script returns")
    parser.add_argument("--resume", metavar="PATH", help="listen to a task that was started earlier")
    args = parser.parse_args()
    if not args.resume and args.script is None:
        parser.error("experience, place and script are needed, or --resume")
    return args


def main() -> int:
    """Run the script until it has ended or this program is interrupted."""
    args = parse()
    try:
        return asyncio.run(run(args))
    except KeyboardInterrupt:
        print("\nInterrupted: the script runs on.", file=sys.stderr)
        return 130
    except ConfigurationError as error:
        print(f"Not started: {error}", file=sys.stderr)
        return 2
    except RblxCloudError as error:
        print(f"Lost: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
