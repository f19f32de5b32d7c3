"""The official document, where it is at hand."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, cast

import pytest

_BESIDE_THE_CHECKOUT = Path(__file__).parents[3] / "shared" / "openapi" / "openapi.json"


@pytest.fixture(scope="session")
def document_path() -> Path:
    """Return where the official document is; without one the test is skipped."""
    path = Path(os.environ.get("RBLXCLOUD_OPENAPI") or _BESIDE_THE_CHECKOUT)
    if not path.is_file():
        pytest.skip("Roblox's openapi.json is neither at $RBLXCLOUD_OPENAPI nor at ../shared/openapi")
    return path


@pytest.fixture(scope="session")
def document(document_path: Path) -> dict[str, Any]:
    """Return the official document."""
    return cast("dict[str, Any]", json.loads(document_path.read_bytes()))
