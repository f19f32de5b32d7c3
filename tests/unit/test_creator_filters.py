"""Filters of groups and quotas: whatever a user passes, a filter says that and nothing else, or is refused."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import httpx
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from rblxcloud import Client, Group, InvalidRequestError, Pager
from rblxcloud.config import Options
from rblxcloud.runtime.blocking import run
from tests.support.clock import ManualClock
from tests.support.server import Script, blocking_runtime_client

hostile = (
    st.text()
    | st.text("0123456789'\"&|=[],- usersingropA", max_size=12)
    | st.integers()
    | st.sampled_from(
        ["1' || user == 'users/2", "1'] || user in ['users/2", "true || pinned == false", "a==b", "A && B"]
    )
    | st.booleans()
    | st.floats()
    | st.none()
    | st.binary(max_size=3)
)


def filter_of(listing: Callable[[Client], Pager[Any]]) -> str | None:
    """Return the filter that a list sends, as it arrives."""
    script = Script([httpx.Response(200, json={})])
    client = blocking_runtime_client(ManualClock(), script, Options(rate_limits="off"))
    try:
        run(listing(client).first_page())
    finally:
        run(client.aclose())
    [request] = script.requests
    return dict(request.url.params).get("filter")


USER_LISTS: dict[str, Callable[[Group, Any], Pager[Any]]] = {
    "members": lambda group, value: group.members(user=value),
    "join_requests": lambda group, value: group.join_requests(user=value),
}


@pytest.mark.parametrize("listing", USER_LISTS)
@given(hostile)
def test_users_mean_themselves(listing: str, value: Any) -> None:
    assume(value is not None)
    with suppress(InvalidRequestError):
        text = filter_of(lambda client: USER_LISTS[listing](client.group(7), value))
        assert text == f"user == 'users/{int(value)}'"


@given(hostile)
def test_roles_mean_themselves(value: Any) -> None:
    assume(value is not None)
    with suppress(InvalidRequestError):
        text = filter_of(lambda client: client.group(7).members(role=value))
        assert text == f"role == 'groups/7/roles/{int(value)}'"


@given(st.lists(hostile, max_size=3) | hostile)
def test_several_users_mean_themselves(values: Any) -> None:
    with suppress(InvalidRequestError):
        text = filter_of(lambda client: client.group_memberships(values))
        assert text == "user in [" + ", ".join(f"'users/{int(value)}'" for value in values) + "]"


@given(hostile)
def test_comments_mean_themselves(value: Any) -> None:
    assume(value is not None)
    with suppress(InvalidRequestError):
        text = filter_of(lambda client: client.group(7).forum_comments("c", "p", replies_to=value))
        assert text == f"repliesToCommentId=={value}"
        assert re.fullmatch("[A-Za-z0-9-]+", value)


@given(hostile, hostile)
def test_quotas_mean_themselves(kind: Any, of: Any) -> None:
    assume(kind is not None and of is not None)
    with suppress(InvalidRequestError):
        text = filter_of(lambda client: client.user(1).asset_quotas(quota_type=kind, asset_type=of))
        assert text is not None
        match = re.fullmatch(r"quotaType == (\w+) && assetType == (\w+)", text, re.ASCII)
        assert match
        assert match[1].lower() == kind.replace("_", "").lower() or match[1] == kind
        assert match[2].lower() == of.replace("_", "").lower() or match[2] == of


@pytest.mark.parametrize("value", [5, "5", 2**63 - 1])
def test_ids_are_taken_as_numbers_and_as_roblox_writes_them(value: Any) -> None:
    assert filter_of(lambda client: client.group(7).members(user=value)) == f"user == 'users/{value}'"
    assert filter_of(lambda client: client.group(7).members(role=value)) == f"role == 'groups/7/roles/{value}'"
    assert filter_of(lambda client: client.group_memberships([value])) == f"user in ['users/{value}']"
