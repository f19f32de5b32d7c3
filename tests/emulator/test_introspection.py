"""A key can be asked about itself."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from rblxcloud.emulator.api_keys import ApiKey
from rblxcloud.emulator.clock import Clock
from rblxcloud.emulator.core import Emulator
from rblxcloud.endpoints import all_endpoints
from tests.support.emulator import START, Caller

PATH = "/api-keys/v1/introspect"
GRANTS = [
    {
        "name": "universe-datastores.objects",
        "operations": ["read", "create"],
        "universeDatastores": [{"universeId": "7001", "datastoreName": "Saves"}, {"universeId": "7002"}],
    },
    {"name": "asset", "operations": ["read"], "userIds": ["*"], "groupIds": ["9"]},
    {"name": "universe", "operations": ["write"], "universeIds": ["7001"]},
]


def test_it_tells_scopes_and_resources_as_they_were_given(emulator: Emulator, call: Caller) -> None:
    expires = datetime.fromtimestamp(START, UTC) + timedelta(days=1, milliseconds=5)
    key = {"name": "ci", "owner": "users/42", "scopes": GRANTS, "expiresAt": expires}
    emulator.add_key("secret", ApiKey.model_validate(key))
    answer = call("POST", PATH, {"apiKey": "secret"}, key=None)
    assert (answer.status, answer.json) == (
        200,
        {
            "name": "ci",
            "authorizedUserId": 42,
            "scopes": GRANTS,
            "enabled": True,
            "expired": False,
            "expirationTimeUtc": "2027-01-16T08:00:00.005Z",
        },
    )


def test_a_key_for_everything_names_every_scope_of_the_table(call: Caller) -> None:
    answer = call("POST", PATH, {"apiKey": "emulator-key"}, key=None)
    told = {f"{scope['name']}:{operation}" for scope in answer.json["scopes"] for operation in scope["operations"]}
    assert told == {scope for endpoint in all_endpoints() for scope in endpoint.scopes.named()}
    assert "expirationTimeUtc" not in answer.json


def test_an_expired_or_disabled_key_can_still_be_asked(emulator: Emulator, call: Caller, clock: Clock) -> None:
    emulator.add_key("short", ApiKey(expires_at=datetime.fromtimestamp(START + 60, UTC)))
    emulator.add_key("off", ApiKey.model_validate({"status": "DISABLED"}))
    clock.advance(60)
    short = call("POST", PATH, {"apiKey": "short"}, key=None).json
    off = call("POST", PATH, {"apiKey": "off"}, key=None).json
    assert (short["enabled"], short["expired"]) == (True, True)
    assert (off["enabled"], off["expired"]) == (False, False)


def test_a_groups_key_names_the_user_who_made_it(emulator: Emulator, call: Caller) -> None:
    emulator.add_key("team", ApiKey(owner="groups/9", authorized_user_id=5))
    assert call("POST", PATH, {"apiKey": "team"}, key=None).json["authorizedUserId"] == 5


@pytest.mark.parametrize("fields", [None, {"ipRanges": ["10.0.0.0/8"]}, {"status": "MODERATED"}, {"status": "REVOKED"}])
def test_a_key_that_may_not_be_asked_about_is_401(emulator: Emulator, call: Caller, fields: Any) -> None:
    if fields is not None:
        emulator.add_key("secret", ApiKey.model_validate(fields))
    answer = call("POST", PATH, {"apiKey": "secret"}, key=None)
    assert (answer.status, answer.json) == (401, {"errors": [{"code": 0, "message": "Invalid API Key"}]})


@pytest.mark.parametrize("body", [{}, {"apiKey": 5}, {"apiKey": "\ud800"}, [], b"{", b"[" * 100_000, None])
def test_a_body_without_a_key_is_400(call: Caller, body: Any) -> None:
    assert call("POST", PATH, body, key=None).status == 400
