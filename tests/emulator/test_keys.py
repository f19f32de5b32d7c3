"""API keys: the order of the checks, restrictions, and every way in which a key stops working."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from rblxcloud.emulator.api_keys import ApiKey, DataStoreGrant, KeyStatus, ScopeGrant
from rblxcloud.emulator.clock import Clock
from rblxcloud.emulator.core import Emulator
from tests.support.emulator import START, Caller

UNIVERSE = "/cloud/v2/universes/7"
PUBLISH = f"{UNIVERSE}:publishMessage"
MESSAGE = {"topic": "t", "message": "m"}
INVALID = {"errors": [{"code": 0, "message": "Invalid API Key"}]}


def key_with(*scopes: str | ScopeGrant, **fields: Any) -> ApiKey:
    return ApiKey.model_validate({"scopes": scopes, **fields})


@pytest.mark.parametrize("key", [None, "", "wrong", "emulator-key "])
def test_a_missing_or_unknown_key_is_401_from_the_gateway(call: Caller, key: str | None) -> None:
    answer = call("GET", UNIVERSE, key=key)
    assert (answer.status, answer.json) == (401, INVALID)


def test_an_access_token_is_401(call: Caller) -> None:
    answer = call("GET", UNIVERSE, key=None, headers={"authorization": "Bearer token"})
    assert answer.status == 401
    assert "errors" in answer.json


def test_two_credentials_are_401(call: Caller) -> None:
    answer = call("GET", UNIVERSE, headers={"authorization": "Bearer token"})
    assert (answer.status, answer.json["errors"][0]["message"]) == (
        401,
        "Send an API key or an access token, not both.",
    )


def test_the_default_key_is_gone_when_keys_are_given() -> None:
    with Emulator(api_keys=["one", "two"]) as emulator:
        call = Caller(emulator)
        assert [call("GET", UNIVERSE, key=key).status for key in ("one", "two", "emulator-key")] == [200, 200, 401]


def test_a_key_without_the_scope_is_403_naming_it(emulator: Emulator, call: Caller) -> None:
    emulator.add_key("narrow", key_with("universe:write"))
    answer = call("POST", PUBLISH, MESSAGE, key="narrow")
    assert (answer.status, answer.json["code"]) == (403, "PERMISSION_DENIED")
    assert "universe-messaging-service:publish" in answer.json["message"]


def test_v1_services_call_it_insufficient_scope(emulator: Emulator, call: Caller) -> None:
    emulator.add_key("narrow", key_with("universe:write"))
    stores = call("GET", "/datastores/v1/universes/7/standard-datastores", key="narrow")
    assert (stores.status, stores.json["error"]) == (403, "INSUFFICIENT_SCOPE")
    assert stores.json["errorDetails"] == [
        {"errorDetailType": "DatastoreErrorInfo", "datastoreErrorCode": "InsufficientScope"}
    ]
    message = call("POST", "/messaging-service/v1/universes/7/topics/t", {"message": "m"}, key="narrow")
    assert (message.status, message.json["code"]) == (403, "INSUFFICIENT_SCOPE")


def test_an_endpoint_without_scopes_takes_any_valid_key(emulator: Emulator, call: Caller) -> None:
    emulator.add_key("narrow", key_with("asset:read"))
    assert call("GET", UNIVERSE, key="narrow").status == 200


def test_a_key_is_held_to_its_universes(emulator: Emulator, call: Caller) -> None:
    grant = ScopeGrant(name="universe-messaging-service", operations=("publish",), universe_ids=("7",))
    emulator.add_key("narrow", key_with(grant))
    assert call("POST", PUBLISH, MESSAGE, key="narrow").status == 200
    answer = call("POST", "/cloud/v2/universes/8:publishMessage", MESSAGE, key="narrow")
    assert (answer.status, answer.json["code"]) == (403, "PERMISSION_DENIED")
    assert [message.universe for message in emulator.messages()] == ["7"]


@pytest.mark.parametrize(
    ("grant", "allowed"),
    [
        (DataStoreGrant(universe_id="7", datastore_name="Saves"), [True, False, False, False]),
        (DataStoreGrant(universe_id="7"), [True, True, False, True]),
        (DataStoreGrant(universe_id="7", datastore_name="*"), [True, True, False, True]),
        (DataStoreGrant(universe_id="*", datastore_name="Saves"), [True, False, True, False]),
        (DataStoreGrant(), [True, True, True, True]),
    ],
)
def test_a_key_is_held_to_its_data_stores(
    emulator: Emulator, call: Caller, grant: DataStoreGrant, allowed: list[bool]
) -> None:
    names = ("universe-datastores.objects", "universe-datastores.control")
    emulator.add_key("narrow", key_with(*(ScopeGrant(name=name, universe_datastores=(grant,)) for name in names)))
    paths = (
        "/cloud/v2/universes/7/data-stores/Saves/entries",
        "/cloud/v2/universes/7/data-stores/Other/entries",
        "/cloud/v2/universes/8/data-stores/Saves/entries",
        "/cloud/v2/universes/7/data-stores",
    )
    assert [call("GET", path, key="narrow").status != 403 for path in paths] == allowed


def test_the_data_store_of_v1_stands_in_the_query(emulator: Emulator, call: Caller) -> None:
    grant = DataStoreGrant(universe_id="7", datastore_name="Saves")
    emulator.add_key("narrow", key_with(ScopeGrant(name="universe-datastores.objects", universe_datastores=(grant,))))
    base = "/datastores/v1/universes/7/standard-datastores/datastore/entries"
    assert call("GET", f"{base}?DatastoreName=Saves", key="narrow").status != 403
    answer = call("GET", f"{base}?datastoreName=Other", key="narrow")
    assert (answer.status, answer.json["errorDetails"][0]["datastoreErrorCode"]) == (403, "Forbidden")


def test_a_key_with_an_address_range_is_401_from_elsewhere(emulator: Emulator, call: Caller) -> None:
    emulator.add_key("office", key_with("*", ip_ranges=("10.1.0.0/16", "::1")))
    addresses = ("10.1.2.3", "::1", "10.2.0.1", "127.0.0.1")
    assert [call("GET", UNIVERSE, key="office", ip=ip).status for ip in addresses] == [200, 200, 401, 401]


def test_a_key_expires_on_the_emulators_clock(emulator: Emulator, call: Caller, clock: Clock) -> None:
    emulator.add_key("short", key_with("*", expires_at=datetime.fromtimestamp(START, UTC) + timedelta(hours=1)))
    clock.advance(3599)
    assert call("GET", UNIVERSE, key="short").status == 200
    clock.advance(1)
    assert call("GET", UNIVERSE, key="short").json == INVALID


@pytest.mark.parametrize("status", [status for status in KeyStatus if status is not KeyStatus.ACTIVE])
def test_a_key_that_is_not_active_is_401(emulator: Emulator, call: Caller, status: KeyStatus) -> None:
    key = emulator.add_key("mine", ApiKey())
    emulator.update_key(key.model_copy(update={"status": status}))
    assert call("GET", UNIVERSE, key="mine").json == INVALID
    emulator.update_key(key)
    assert call("GET", UNIVERSE, key="mine").status == 200


def test_a_key_expires_60_days_after_its_last_use(emulator: Emulator, call: Caller, clock: Clock) -> None:
    emulator.add_key("idle", key_with("*", auto_expire=True))
    clock.advance(59 * 86_400)
    assert call("GET", UNIVERSE, key="idle").status == 200
    clock.advance(59 * 86_400)
    assert call("GET", UNIVERSE, key="idle").status == 200
    clock.advance(60 * 86_400)
    assert call("GET", UNIVERSE, key="idle").json == INVALID


def test_a_removed_key_no_longer_works(emulator: Emulator, call: Caller) -> None:
    key = emulator.add_key("mine")
    assert emulator.remove_key(key.id)
    assert not emulator.remove_key(key.id)
    assert call("GET", UNIVERSE, key="mine").status == 401


def test_scope_comes_before_resource_and_rate_limit_before_arguments(emulator: Emulator, call: Caller) -> None:
    emulator.add_key("none", key_with("asset:read"))
    elsewhere = ScopeGrant(name="universe", operations=("write",), universe_ids=("8",))
    emulator.add_key("elsewhere", key_with(elsewhere))
    emulator.add_key("here", key_with("universe:write"))
    bad = {"bleedOffDurationMinutes": 0}
    restart = f"{UNIVERSE}:restartServers"
    assert [call("POST", restart, bad, key=key).status for key in ("none", "elsewhere", "here")] == [403, 403, 400]
    for _ in range(29):
        assert call("POST", restart, {}, key="here").status == 200
    assert [call("POST", restart, bad, key=key).status for key in ("none", "elsewhere", "here")] == [403, 403, 429]


def test_the_secret_is_not_in_the_database_nor_in_a_repr(tmp_path: Any) -> None:
    with Emulator(database=tmp_path / "state.db", api_keys=["a-very-secret-key"]) as emulator:
        assert "very-secret" not in repr(emulator.list_keys())
        Caller(emulator)("GET", UNIVERSE, key="a-very-secret-key")
        assert "very-secret" not in repr(emulator.requests())
        stored = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert stored
    assert b"very-secret" not in stored
