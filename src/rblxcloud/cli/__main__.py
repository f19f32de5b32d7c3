"""Where the `rblxcloud` command begins."""

from __future__ import annotations

import argparse
import errno
import os
import sys
from collections.abc import Sequence

from rblxcloud import __version__
from rblxcloud.errors import RblxCloudError

__all__ = ["main"]

_FROM_EXTRAS = ("rich", "uvicorn")
"""What the commands import of the extras `cli` and `emulator`; those that may lack one of them need both."""
_INTERRUPTED = 130
_UNWRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
"""What writing fails with: on a full disk, beyond a quota or limit, and on a terminal that is gone."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        argv: The arguments after the program's name; None for those of the process.

    Returns:
        Exit status: 0 when it worked, 1 after an error of the library or of writing the output, 2 for a command that
        cannot run, 130 after Ctrl-C.
    """
    try:
        return _run(_parser().parse_args(argv))
    except KeyboardInterrupt:
        return _INTERRUPTED


def _run(args: argparse.Namespace) -> int:
    try:
        status: int = args.run(args)
        return status
    except BrokenPipeError:
        # The reader has left.
        _drop_output()
        return 1
    except OSError as error:
        if error.errno not in _UNWRITABLE:
            raise
        _drop_output()
        return _fail(args.command, f"cannot write the output: {error.strerror}", 1)
    except RblxCloudError as error:
        return _fail(args.command, str(error), 1)
    except ImportError as error:
        if error.name not in _FROM_EXTRAS:
            raise
        return _fail(args.command, f"needs {error.name}: pip install 'rblxcloud[cli,emulator]'", 2)


def _parser() -> argparse.ArgumentParser:
    # They take a while, in which Ctrl-C may come: where `main` takes note of it.
    from rblxcloud.cli import demo, emulator, login, logout, webhook

    parser = argparse.ArgumentParser(prog="rblxcloud", description="Roblox Open Cloud from the command line.")
    parser.add_argument("--version", action="version", version=f"rblxcloud {__version__}")
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    demo.add_parser(subparsers)
    emulator.add_parser(subparsers)
    login.add_parser(subparsers)
    webhook.add_parser(subparsers)
    logout.add_parser(subparsers)
    return parser


def _drop_output() -> None:
    """Have nowhere to flush to, since Python would complain when it flushes at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _fail(command: str, reason: str, status: int) -> int:
    sys.stderr.write(f"rblxcloud {command}: {' '.join(reason.split())}\n")
    return status


if __name__ == "__main__":
    sys.exit(main())
