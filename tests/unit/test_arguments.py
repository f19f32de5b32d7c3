"""What callers pass, checked."""

from __future__ import annotations

from typing import Any

import pytest

import rblxcloud
from rblxcloud.resources.arguments import check_choice


@pytest.mark.parametrize(("value", "allowed"), [("b", ("a", "b")), (2, (1, 2)), (None, ("a", None))])
def test_a_choice_is_returned(value: Any, allowed: tuple[Any, ...]) -> None:
    assert check_choice("kind", value, iter(allowed)) == value


@pytest.mark.parametrize("value", ["A", "", None, True, 1.0, ["a"], {}, pytest.param(10**5000, id="huge")])
def test_what_is_no_choice_is_refused_with_what_is_allowed(value: Any) -> None:
    with pytest.raises(rblxcloud.InvalidRequestError, match=r"^kind: .* is none of 'a', 1$") as caught:
        check_choice("kind", value, ("a", 1))
    assert caught.value.argument == "kind"
