"""`rblxcloud logout`: have Roblox revoke the tokens of `rblxcloud login`, and remove their file."""

from __future__ import annotations

import argparse
import os
import sys

from rblxcloud.cli.token_file import SECRET_VARIABLE, KeptToken, add_file_argument, problem_of

__all__ = ["add_parser", "run"]


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:  # pyright: ignore[reportPrivateUsage]
    """Add the `logout` command.

    Args:
        subparsers: Where the program's commands are added; the command's function is its `run` default.
    """
    parser = subparsers.add_parser(
        "logout",
        help="revoke the tokens of `rblxcloud login`, and remove their file",
        description="Have Roblox revoke the tokens of `rblxcloud login`, and then remove their file. When Roblox does"
        " not do it, the file stays, so that it can be tried again. The application's secret, where it has one, is"
        f" read from {SECRET_VARIABLE}.",
    )
    add_file_argument(parser)
    parser.add_argument("--local", action="store_true", help="only remove the file, and ask Roblox nothing")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Sign out.

    Args:
        args: What `add_parser` describes.

    Returns:
        Exit status: 0 when the file is gone, 1 when nobody was signed in, 2 when it cannot be read or removed.

    Raises:
        RblxCloudError: Roblox did not revoke the tokens; the file is still there.
    """
    if problem := problem_of(args.file):
        return _fail(problem, 2)
    try:
        if not args.local:
            _revoke(KeptToken.read(args.file))
        args.file.unlink()
    except FileNotFoundError:
        return _fail(f"nobody is signed in: there is no {args.file}", 1)
    except OSError as error:
        return _fail(f"cannot read or remove {args.file}: {error.strerror}", 2)
    except ValueError as error:
        return _fail(str(error), 2)
    sys.stdout.write(f"Signed out. {args.file} is removed\n")
    sys.stdout.flush()
    return 0


def _revoke(kept: KeptToken) -> None:
    from rblxcloud.sync import OAuth2App

    with OAuth2App(kept.client_id, os.environ.get(SECRET_VARIABLE) or None) as app:
        # It ends the authorization, and the access token with it.
        app.revoke_token(kept.refresh_token)


def _fail(reason: str, status: int) -> int:
    sys.stderr.write(f"rblxcloud logout: {reason}\n")
    return status
