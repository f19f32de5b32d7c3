"""The file in which `rblxcloud login` keeps tokens, and which `rblxcloud logout` takes away."""

from __future__ import annotations

import argparse
import contextlib
import errno
import json
import os
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["SECRET_VARIABLE", "KeptToken", "add_file_argument", "check_writable", "problem_of"]

SECRET_VARIABLE = "RBLXCLOUD_CLIENT_SECRET"
"""Has the application's secret: arguments can be seen by other users."""


@dataclass(frozen=True, slots=True)
class KeptToken:
    """What is in the file."""

    client_id: str
    """The application, which alone can refresh the tokens."""
    user_id: int | None
    """Who signed in; None where that is not known."""
    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    scope: list[str]
    expires_at: str
    """When the access token expires, in ISO 8601."""

    def write(self, path: Path) -> None:
        """Write the file so that only its owner can read it: the whole of it, or nothing.

        Args:
            path: The file; one that is there is replaced.

        Raises:
            OSError: It could not be written; what was there is as it was.
        """
        # mkstemp makes it with mode 0600; in the same folder, since a file is moved atomically within one file system.
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with open(descriptor, "w", encoding="utf-8") as file:
                json.dump(asdict(self), file, indent=2)
                file.write("\n")
                file.flush()
                os.fsync(file.fileno())
            os.replace(name, path)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(name)
            raise

    @classmethod
    def read(cls, path: Path) -> KeptToken:
        """Return what is in the file.

        Raises:
            OSError: It cannot be read.
            ValueError: `rblxcloud login` has not written it.
        """
        try:
            fields: Any = json.loads(path.read_bytes())
            for name in ("client_id", "refresh_token"):
                if not isinstance(fields[name], str):
                    raise TypeError(name)
            return cls(**fields)
        except (ValueError, TypeError, KeyError):
            raise ValueError(f"{path} is no file of `rblxcloud login`") from None


def check_writable(path: Path) -> None:
    """Find out whether `KeptToken.write` can write the file, which stays as it is.

    Args:
        path: The file; its folder has to be there.

    Raises:
        OSError: It cannot be written.
    """
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}."):
        pass


def add_file_argument(parser: argparse.ArgumentParser) -> None:
    """Add the argument that names the file.

    Args:
        parser: The command's.
    """
    parser.add_argument(
        "--file", type=_path, default=_default_file(), help="where the tokens are kept (default: %(default)s)"
    )


def problem_of(file: Path) -> str | None:
    """Return why a file cannot be used; None where nothing is known against it.

    Args:
        file: What the argument says.
    """
    if file.parts[:1] == ("~",):
        return "this user has no home folder to keep tokens in; pass --file, or set XDG_CONFIG_HOME"
    return None


def _path(text: str) -> Path:
    return Path(os.path.expanduser(text))


def _default_file() -> Path:
    # Every command's parser asks for it. Where nobody knows the home folder, as of some users in containers, this
    # leaves the `~`, and Path.expanduser would fail.
    folder = os.path.expanduser(os.environ.get("XDG_CONFIG_HOME") or "~/.config")
    return Path(folder) / "rblxcloud" / "token.json"
