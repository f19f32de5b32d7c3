"""`rblxcloud emulator`: Open Cloud on loopback."""

from __future__ import annotations

import argparse
import os
import sys

from rblxcloud.cli.arguments import port
from rblxcloud.errors import ConfigurationError
from rblxcloud.http.auth import check_secret

__all__ = ["add_parser", "run"]


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:  # pyright: ignore[reportPrivateUsage]
    """Add the `emulator` command.

    Args:
        subparsers: Where the program's commands are added; the command's function is its `run` default.
    """
    parser = subparsers.add_parser("emulator", help="serve an emulator of Open Cloud on this machine")
    parser.add_argument("--host", type=_host, default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument(
        "--port", type=port, default=8360, help="port to listen on, 0 for any free one (default: %(default)s)"
    )
    parser.add_argument("--db", metavar="FILE", default=":memory:", help="file that keeps the state (default: memory)")
    parser.add_argument(
        "--api-key",
        metavar="KEY",
        type=_api_key,
        action="append",
        help="API key with every scope; may be repeated (default: emulator-key)",
    )
    parser.add_argument(
        "--oauth-app",
        metavar="ID:SECRET",
        type=_oauth_app,
        action="append",
        help="OAuth 2.0 application, public without a secret; may be repeated (default: 1234567890:emulator-secret)",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Serve until Ctrl-C.

    Args:
        args: What `add_parser` describes.

    Returns:
        Exit status: 0 after Ctrl-C, 2 when it could not start.

    Raises:
        OSError: The address that it listens on cannot be printed.
    """
    import sqlite3

    from rblxcloud.emulator.core import Emulator
    from rblxcloud.emulator.server import EmulatorServer, MissingServerError

    apps = dict(args.oauth_app) if args.oauth_app else None
    try:
        with Emulator(database=args.db, api_keys=args.api_key, oauth_apps=apps) as emulator:
            try:
                server = EmulatorServer(emulator, host=args.host, port=args.port)
            except OSError as error:
                reason = os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)
                return _fail(f"cannot listen on {args.host} port {args.port}: {reason}")
            server.run(lambda: _say(f"rblxcloud emulator listening on {server.base_url}"))
    except KeyboardInterrupt:
        pass  # uvicorn has closed everything, then raised the signal again
    except MissingServerError as error:
        return _fail(str(error))
    except sqlite3.Error as error:
        return _fail(f"cannot use the database {args.db}: {error}")
    return 0


def _host(text: str) -> str:
    if not text:  # It would stand for every address of this machine.
        raise argparse.ArgumentTypeError("it is empty")
    return text


def _api_key(text: str) -> str:
    try:
        check_secret("it", text)
    except ConfigurationError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return text


def _oauth_app(text: str) -> tuple[str, str | None]:
    client_id, _, secret = text.partition(":")
    if not (client_id.isascii() and client_id.isdigit() and len(client_id) <= 30):
        raise argparse.ArgumentTypeError("it has to be ID:SECRET, the id in at most 30 digits")
    return client_id, secret or None


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _fail(reason: str) -> int:
    sys.stderr.write(f"rblxcloud emulator: {reason}\n")
    return 2
