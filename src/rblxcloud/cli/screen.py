"""What is printed on where a reader may leave; it takes the extra `cli`."""

from __future__ import annotations

from rich.console import Console

__all__ = ["Screen"]


class Screen(Console):
    """A console that tells of a reader who has left.

    rich's own ends the program instead, which a server takes for a request that has failed.
    """

    def on_broken_pipe(self) -> None:
        """Raise what rich has caught."""
        raise BrokenPipeError
