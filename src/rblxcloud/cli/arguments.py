"""Arguments that several commands take."""

from __future__ import annotations

import argparse

__all__ = ["port"]


def port(text: str) -> int:
    """Return a port; 0 stands for any free one.

    Args:
        text: What was typed.

    Raises:
        argparse.ArgumentTypeError: It is no port.
    """
    if not (text.isascii() and text.isdigit() and len(text) <= 5 and int(text) <= 65_535):
        raise argparse.ArgumentTypeError("it has to be a whole number from 0 to 65535")
    return int(text)
