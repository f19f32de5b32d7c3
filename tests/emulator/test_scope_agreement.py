"""The scope check of the client against the authorization of the emulator: neither knows how the other decides."""

from __future__ import annotations

from typing import Any

import pytest

import rblxcloud
from rblxcloud.emulator import access
from rblxcloud.emulator.api_keys import ApiKey, DataStoreGrant, ScopeGrant
from rblxcloud.emulator.model import Principal, Refusal
from rblxcloud.emulator.rooms import router
from rblxcloud.endpoints import all_endpoints
from rblxcloud.endpoints.model import Credential, Endpoint
from rblxcloud.resources.scope_check import judge, plan

VALUES = {
    **dict.fromkeys(("universe_id", "universeId"), "5"),
    **dict.fromkeys(("data_store_id", "ordered_data_store_id", "orderedDataStore"), "s"),
    **dict.fromkeys(("user_id", "userId"), "7"),
    **dict.fromkeys(("group_id", "groupId"), "9"),
}
"""What each request addresses."""
BOTH, ALL_ALLOWED = {True, False}, {True}
RESTRICTIONS: dict[str, tuple[dict[str, Any], set[bool]]] = {
    "everything": ({}, ALL_ALLOWED),
    "the universe": ({"universe_ids": ("5",)}, ALL_ALLOWED),
    "another universe": ({"universe_ids": ("6",)}, BOTH),
    "the store": ({"universe_datastores": (DataStoreGrant(universe_id="5", datastore_name="s"),)}, BOTH),
    "another store": ({"universe_datastores": (DataStoreGrant(universe_id="5", datastore_name="t"),)}, {False}),
    "every store of the universe": ({"universe_datastores": (DataStoreGrant(universe_id="5"),)}, ALL_ALLOWED),
    "the user and no group": ({"user_ids": ("7",), "group_ids": ()}, BOTH),
    "another user and the group": ({"user_ids": ("8",), "group_ids": ("9",)}, BOTH),
}
"""What a key is held to, and how that turns out for a key that has every scope."""
# The stores of v1 stand in the query, which is no part of a path; what is conditional is for handlers to decide.
ENDPOINTS = [
    endpoint
    for endpoint in all_endpoints()
    if Credential.API_KEY in endpoint.credentials
    and endpoint.scopes.named()
    and not endpoint.scopes.conditional
    and not endpoint.path.startswith("/datastores/v1/")
]


def _allowed_by_emulator(endpoint: Endpoint, path: str, key: ApiKey) -> bool:
    caller = access.Caller(Principal(Credential.API_KEY, "users/1", "k"), key)
    try:
        access.authorize(endpoint, caller, access.resource_of(router().match(endpoint.method, path)))
    except Refusal:
        return False
    return True


@pytest.mark.parametrize("lacks", [0, 1])
@pytest.mark.parametrize("restriction", RESTRICTIONS)
def test_what_the_check_allows_is_what_the_emulator_allows(restriction: str, lacks: int) -> None:
    held_to, expected = RESTRICTIONS[restriction]
    verdicts: set[bool] = set()
    for endpoint in ENDPOINTS:
        if "universe_datastores" in held_to and "data-stores" not in endpoint.path:
            continue  # No other scope can be held to data stores.
        scopes = endpoint.scopes.named()[lacks:]
        grants = tuple(ScopeGrant.parse(each).model_copy(update=held_to) for each in scopes)
        path = endpoint.path
        for parameter in endpoint.path_parameters:
            path = path.replace(f"{{{parameter.name}}}", VALUES.get(parameter.name, "1"))
        told = rblxcloud.ApiKeyInfo.model_validate(
            {"scopes": [grant.model_dump(by_alias=True, exclude_none=True) for grant in grants]}
        )
        report = judge(told, plan([(endpoint.method, path)], None))
        assert report.ok == _allowed_by_emulator(endpoint, path, ApiKey(scopes=grants)), f"{endpoint.name}: {report}"
        verdicts.add(report.ok)
    assert lacks or verdicts == expected
