"""Where Roblox's own document is looked for: it is a witness, and not part of the project."""

from __future__ import annotations

import json
import os
from functools import cache
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
METHODS = ("get", "post", "put", "patch", "delete")


@cache
def load(variable: str, name: str) -> Any:
    """Return a document, which is not to be changed, or None where it is absent.

    Args:
        variable: The environment variable that may say where it is.
        name: Its file beside the checkout, in `../shared/openapi`.
    """
    path = Path(os.environ.get(variable) or ROOT.parent / "shared" / "openapi" / name)
    return json.loads(path.read_bytes()) if path.is_file() else None


def official() -> Any:
    """Return the document as Roblox publishes it; skip the test where it is absent."""
    return load("RBLXCLOUD_OPENAPI", "openapi.json") or pytest.skip("openapi.json is not at hand: RBLXCLOUD_OPENAPI")


def strict() -> Any:
    """Return the extract for Open Cloud whose objects are closed; skip the test where it is absent."""
    return load("RBLXCLOUD_OPENAPI_STRICT", "open-cloud.strict.json") or pytest.skip(
        "open-cloud.strict.json is not at hand: RBLXCLOUD_OPENAPI_STRICT"
    )
