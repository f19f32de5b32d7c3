"""The reference: each public name stands in it, once."""

from __future__ import annotations

import re
from collections import Counter
from importlib import import_module

import rblxcloud
from tests.docs.blocks import ROOT

DOCUMENTED = re.findall(r"^::: (\S+)$", (ROOT / "docs" / "reference.md").read_text(), re.MULTILINE)


def named(path: str) -> object:
    """What a path such as `rblxcloud.oauth2.stores.TokenStore` names; a module, or something in one."""
    module, _, name = path.rpartition(".")
    return import_module(path) if path == "rblxcloud.errors" else getattr(import_module(module), name)


def test_every_public_name_is_documented() -> None:
    documented = [named(path) for path in DOCUMENTED]
    errors = set(rblxcloud.errors.__all__)  # The module is documented as a whole.
    missing = [
        name
        for name in rblxcloud.__all__
        if name != "__version__"
        and name not in errors
        and not any(getattr(rblxcloud, name) is each for each in documented)
    ]
    assert not missing


def test_no_name_is_documented_twice() -> None:
    assert [path for path, count in Counter(DOCUMENTED).items() if count > 1] == []
