"""What callers pass, checked."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

import rblxcloud
import rblxcloud.sync
from rblxcloud.resources.arguments import check_choice, check_moment


@pytest.mark.parametrize(("value", "allowed"), [("b", ("a", "b")), (2, (1, 2)), (None, ("a", None))])
def test_a_choice_is_returned(value: Any, allowed: tuple[Any, ...]) -> None:
    assert check_choice("kind", value, iter(allowed)) == value


@pytest.mark.parametrize("value", ["A", "", None, True, 1.0, ["a"], {}, pytest.param(10**5000, id="huge")])
def test_what_is_no_choice_is_refused_with_what_is_allowed(value: Any) -> None:
    with pytest.raises(rblxcloud.InvalidRequestError, match=r"^kind: .* is none of 'a', 1$") as caught:
        check_choice("kind", value, ("a", 1))
    assert caught.value.argument == "kind"


_GOOGOLS = 10**400
"""More than a float can hold."""
_UNWRITABLE = 10**5000
"""More than Python writes."""

NUMBERS: dict[str, Callable[[Any, Any], Any]] = {
    "priority": lambda e, n: e.get_queue("q").add(1, priority=n),
    "longest_pause": lambda e, n: next(e.get_queue("q").consume(longest_pause=n)),
    "invisible_for": lambda e, n: e.get_queue("q").read(invisible_for=n),
    "sort_key": lambda e, n: e.get_sorted_map("m").set("a", 1, sort_key=n),
    "sort_key of add": lambda e, n: e.get_sorted_map("m").add("a", 1, sort_key=n),
    "sort_key of update": lambda e, n: e.get_sorted_map("m").update("a", lambda _: 1, sort_key=n),
    "sort_key_above": lambda e, n: e.get_sorted_map("m").items(sort_key_above=n),
    "timeout": lambda e, n: e.place(1).run_luau("return 1", timeout=n),
    "pitch": lambda e, n: e.generate_speech_asset("x", pitch=n),
    "voice": lambda e, n: e.generate_speech_asset("x", voice=n),
    "tolerance": lambda e, n: rblxcloud.Webhook("secret", tolerance=n),
}


@pytest.mark.parametrize("number", [_GOOGOLS, -_GOOGOLS, _UNWRITABLE], ids=["large", "small", "unwritable"])
@pytest.mark.parametrize("name", NUMBERS)
def test_a_number_that_no_float_holds_is_refused_as_others_are(name: str, number: int) -> None:
    with (
        rblxcloud.sync.Client("key", base_url="http://127.0.0.1:1", retries=0) as client,
        pytest.raises(rblxcloud.InvalidRequestError) as caught,
    ):
        NUMBERS[name](client.experience(1), number)
    assert caught.value.argument == name.partition(" ")[0]


@pytest.mark.parametrize(
    "moment",
    [
        datetime.max.replace(tzinfo=timezone(timedelta(hours=-5))),
        datetime.min.replace(tzinfo=timezone(timedelta(hours=5))),
    ],
)
def test_a_moment_that_utc_does_not_have_is_refused(moment: datetime) -> None:
    with pytest.raises(rblxcloud.InvalidRequestError, match=r"^before: .* is not within the years 1 to 9999 in UTC$"):
        check_moment("before", moment)
    assert check_moment("before", moment.replace(tzinfo=UTC)) == moment.replace(tzinfo=UTC).isoformat()
