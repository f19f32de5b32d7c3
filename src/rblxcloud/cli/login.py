"""`rblxcloud login`: sign in with Roblox in the browser, and keep the tokens in a file."""

from __future__ import annotations

import argparse
import contextlib
import hmac
import math
import os
import sys
import time
import webbrowser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from rblxcloud.cli.arguments import port
from rblxcloud.cli.token_file import SECRET_VARIABLE, KeptToken, add_file_argument, check_writable, problem_of
from rblxcloud.errors import IDTokenError, RblxCloudError

if TYPE_CHECKING:
    from rblxcloud.sync import AccessToken, OAuth2App

__all__ = ["add_parser", "run"]

_CALLBACK = "/callback"
_POLL_SECONDS = 0.1
_IDLE_SECONDS = 10


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:  # pyright: ignore[reportPrivateUsage]
    """Add the `login` command.

    Args:
        subparsers: Where the program's commands are added; the command's function is its `run` default.
    """
    parser = subparsers.add_parser(
        "login",
        help="sign in with Roblox in the browser, and keep the tokens in a file",
        description="Sign in with Roblox in the browser, and keep the tokens in a file that only you can read. The"
        " application has to have the redirect address http://localhost:PORT/callback. Its secret, where it has one,"
        f" is read from {SECRET_VARIABLE}: arguments can be seen by other users.",
    )
    parser.add_argument("--client-id", metavar="ID", required=True, help="the OAuth 2.0 application's id")
    parser.add_argument("--scope", default="openid profile", help='what to ask for (default: "%(default)s")')
    parser.add_argument(
        "--port", type=port, default=8361, help="port of the redirect address on this machine (default: %(default)s)"
    )
    add_file_argument(parser)
    parser.add_argument("--no-browser", action="store_true", help="print the address and open no browser")
    parser.add_argument(
        "--timeout", type=_seconds, default=300.0, help="seconds to wait for the sign-in (default: %(default)g)"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Sign in.

    Args:
        args: What `add_parser` describes.

    Returns:
        Exit status: 0 when the tokens are in the file, 1 when nobody signed in, 2 when it could not start or write.
    """
    from rblxcloud.sync import OAuth2App

    # Before the sign-in, so that a mistake here does not cost the tokens.
    if problem := problem_of(args.file) or _unwritable(args.file):
        return _fail(problem, 2)
    try:
        server = _CallbackServer(args.port)
    except OSError as error:
        return _fail(f"cannot listen on port {args.port}: {error.strerror}", 2)
    with server:
        redirect_uri = f"http://localhost:{server.server_port}{_CALLBACK}"
        with OAuth2App(args.client_id, os.environ.get(SECRET_VARIABLE) or None, redirect_uri) as app:
            request = app.authorize(args.scope)
            server.state = request.state
            _say(f"Sign in with Roblox at:\n{request.uri}")
            if not args.no_browser:
                with contextlib.suppress(webbrowser.Error):
                    webbrowser.open(request.uri)
            callback = server.wait(args.timeout)
            if callback is None:
                return _fail(f"nobody signed in within {args.timeout:g} seconds", 1)
            try:
                token = app.finish(request, callback)
            except IDTokenError as error:
                if error.token is not None:
                    _give_up(app, error.token.refresh_token)
                raise
            try:
                _kept(token).write(args.file)
            except OSError as error:
                _give_up(app, token.refresh_token)
                return _fail(f"cannot write {args.file}: {error.strerror}", 2)
    who = "Signed in" if token.user is None else f"Signed in as {token.user.username or token.user.id}"
    _say(f"{who}. The tokens are in {args.file}")
    return 0


def _unwritable(file: Path) -> str | None:
    """Make the file's folder, and return what keeps the file from being written."""
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        return f"cannot make the folder {file.parent}: {error.strerror}"
    try:
        check_writable(file)
    except OSError as error:
        return f"cannot write {file}: {error.strerror}"
    return None


def _kept(token: AccessToken) -> KeptToken:
    return KeptToken(
        client_id=token.client_id,
        user_id=None if token.user is None else token.user.id,
        access_token=token.token,
        refresh_token=token.refresh_token,
        scope=token.scope,
        expires_at=token.expires_at.isoformat(),
    )


def _give_up(app: OAuth2App, refresh_token: str) -> None:
    """Have Roblox revoke tokens that nobody will have: they would be good for 90 days."""
    with contextlib.suppress(RblxCloudError):
        app.revoke_token(refresh_token)


class _CallbackServer(ThreadingHTTPServer):
    """Waits for the browser to come back. A thread for each connection: browsers open some and send nothing."""

    daemon_threads = True
    block_on_close = False
    timeout = _POLL_SECONDS

    def __init__(self, port: int) -> None:
        self.state = ""
        self.callback: str | None = None
        super().__init__(("127.0.0.1", port), _CallbackHandler)

    def wait(self, seconds: float) -> str | None:
        """Return the address that the browser came back to, or None when it did not in time."""
        deadline = time.monotonic() + seconds
        while self.callback is None and time.monotonic() < deadline:
            self.handle_request()
        return self.callback

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Keep quiet about a browser that has left: where it came back to is known by then, or not wanted."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _CallbackHandler(BaseHTTPRequestHandler):
    server: _CallbackServer  # pyright: ignore[reportIncompatibleVariableOverride]
    timeout = _IDLE_SECONDS

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        if parts.path != _CALLBACK:
            return self._answer(404, "Nothing is here.")
        # Any page can send a browser here: what does not belong to this sign-in must not end it.
        state = parse_qs(parts.query).get("state", [""])[0]
        if not hmac.compare_digest(state.encode(), self.server.state.encode()):
            return self._answer(400, "This does not belong to the sign-in that is going on.")
        try:
            return self._answer(200, "Thank you. Close this page, and go back to the terminal.")
        finally:
            # The code is good, although the browser may have left before it was thanked.
            self.server.callback = self.path

    def _answer(self, status: int, text: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("content-type", "text/plain; charset=utf-8")
        self.send_header("content-length", str(len(body)))
        self.send_header("cache-control", "no-store")
        self.send_header("referrer-policy", "no-referrer")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet: the request line has the code."""


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds <= 86_400:
        raise argparse.ArgumentTypeError("it has to be a number of seconds, more than 0 and at most 86400")
    return seconds


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _fail(reason: str, status: int) -> int:
    sys.stderr.write(f"rblxcloud login: {reason}\n")
    return status
