"""`rblxcloud webhook listen`: shows the webhooks that come to this machine."""

from __future__ import annotations

import argparse
import contextlib
import getpass
import json
import logging
import os
import socket
import sys
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from rblxcloud.cli.arguments import port
from rblxcloud.errors import RblxCloudError
from rblxcloud.webhooks.events import WebhookEvent
from rblxcloud.webhooks.receiver import WebhookAnswer, WebhookReceiver
from rblxcloud.webhooks.signature import AnyHeaders, Webhook

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

__all__ = ["add_parser", "run"]

SECRET_VARIABLE = "RBLXCLOUD_WEBHOOK_SECRET"
_HOST = "127.0.0.1"
_NAME_WIDTH = 24
_UNSEEN = WebhookAnswer(503, "nobody sees it; send it again")


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:  # pyright: ignore[reportPrivateUsage]
    """Add the `webhook` command.

    Args:
        subparsers: Where the program's commands are added; the command's function is its `run` default.
    """
    commands = subparsers.add_parser("webhook", help="receive webhooks").add_subparsers(
        dest="webhook_command", required=True, metavar="COMMAND"
    )
    parser = commands.add_parser(
        "listen",
        help="show the webhooks that come to this machine",
        description="Show the webhooks that come to this machine. Roblox sends them to public https addresses only, so"
        f" it takes a tunnel to get them here. The secret is read from {SECRET_VARIABLE}, or asked for: arguments can"
        " be seen by other users.",
    )
    parser.add_argument(
        "--port", type=port, default=8362, help="port to listen on, 0 for any free one (default: %(default)s)"
    )
    parser.add_argument(
        "--tolerance", type=float, default=600.0, help="most seconds from a signature to now (default: %(default)g)"
    )
    parser.add_argument("--unsigned", action="store_true", help="show webhooks without a signature, and ask no secret")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Listen until Ctrl-C.

    Args:
        args: What `add_parser` describes.

    Returns:
        Exit status: 0 after Ctrl-C, 2 when it could not start.

    Raises:
        ImportError: One of the extras `cli` and `emulator` is not installed.
        OSError: Nothing can be shown any more, as when a pipe's reader has left.
    """
    import uvicorn

    from rblxcloud.cli.screen import Screen
    from rblxcloud.integrations.asgi import WebhookEndpoint

    secret = None if args.unsigned else _secret()
    if secret is None and not args.unsigned:
        return _fail(f"there is no secret: set {SECRET_VARIABLE}, or allow webhooks without one with --unsigned")
    try:
        webhook = Webhook(secret, tolerance=args.tolerance, allow_unsigned=args.unsigned)
        listening = socket.create_server((_HOST, args.port))
    except RblxCloudError as error:
        return _fail(str(error))
    except OSError as error:
        return _fail(f"cannot listen on {_HOST} port {args.port}: {os.strerror(error.errno or 0)}")
    # What is refused is shown, and need not be logged too.
    logging.getLogger("rblxcloud.webhooks").addHandler(logging.NullHandler())
    logging.getLogger("rblxcloud.webhooks").propagate = False

    def stop() -> None:
        server.should_exit = True

    listener = _Listener(webhook, Screen(highlight=False), stop)
    config = uvicorn.Config(WebhookEndpoint(listener), ws="none", lifespan="off", log_config=None, access_log=False)
    server = uvicorn.Server(config)
    sys.stdout.write(f"listening for webhooks at http://{_HOST}:{listening.getsockname()[1]}\n")
    sys.stdout.flush()
    # uvicorn closes everything at Ctrl-C, then raises the signal again.
    with listening, contextlib.suppress(KeyboardInterrupt):
        server.run(sockets=[listening])
    if listener.failure is not None:
        raise listener.failure
    return 0


class _Listener(WebhookReceiver):
    """Shows what comes, and what is wrong with it."""

    def __init__(self, webhook: Webhook, console: Console, on_failure: Callable[[], None]) -> None:
        super().__init__(webhook)
        self.failure: OSError | None = None
        """Why nothing can be shown any more."""
        self._console = console
        self._on_failure = on_failure
        self.on(WebhookEvent)(self._show)

    async def receive(self, headers: AnyHeaders, body: bytes) -> WebhookAnswer:
        """Take a webhook in, and show it too where nothing is handled."""
        answer = await super().receive(headers, body)
        if answer.status >= 400:
            self._print(str(answer.status), answer.reason, style="red")
        elif answer.reason != "handled":
            self._print(str(answer.status), answer.reason, style="dim")
        # What nobody has seen is sent again.
        return answer if self.failure is None else _UNSEEN

    async def _show(self, event: WebhookEvent) -> None:
        from rich.text import Text

        self._print(event.event_type, event.notification_id, style="green")
        self._write(Text(f"  {_printable(json.dumps(event.payload))}"))

    def _print(self, name: str, text: str, *, style: str) -> None:
        from rich.text import Text

        line = Text.assemble(
            (f"{datetime.now():%H:%M:%S}  ", "dim"),
            # Whoever sends without a signature could otherwise steer the terminal.
            (f"{_printable(name):{_NAME_WIDTH}}  ", style),
            _printable(text),
        )
        self._write(line)

    def _write(self, line: Text) -> None:
        try:
            # As it is, however long: a terminal folds it, and it can be copied whole.
            self._console.print(line, soft_wrap=True)
        except OSError as error:
            self.failure = error
            self._on_failure()


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else "�" for character in text)


def _secret() -> str | None:
    secret = os.environ.get(SECRET_VARIABLE)
    if secret is None and sys.stdin.isatty():
        with contextlib.suppress(EOFError):  # Ctrl-D
            secret = getpass.getpass("Secret of the webhook: ")
    return secret


def _fail(reason: str) -> int:
    sys.stderr.write(f"rblxcloud webhook listen: {reason}\n")
    return 2
