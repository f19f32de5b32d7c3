"""Published limits on the emulator's clock: whose they are, when they end, and what the headers say."""

import pytest

from rblxcloud.emulator.api_keys import ApiKey
from rblxcloud.emulator.clock import Clock
from rblxcloud.emulator.core import Emulator
from rblxcloud.emulator.limits import Limits
from rblxcloud.emulator.model import Principal, Refusal
from rblxcloud.endpoints.model import Budget, Credential, Endpoint, Limit
from tests.emulator.stores import V1, V2, Ordered, code
from tests.support.emulator import START, Caller

RESTART = "/cloud/v2/universes/7:restartServers"
KEY = Principal(Credential.API_KEY, "users/1", "key-1")
READ = Endpoint(name="read", method="GET", server="", path="/r", budgets=(Budget("reads", 3, per_player=2),))
ALSO_READ = Endpoint(name="also", method="GET", server="", path="/a", budgets=(Budget("reads", 3, per_player=2),))


def allowed(limits: Limits, endpoint: Endpoint, universe: str = "7", principal: Principal = KEY) -> int:
    """Spend what is left of a limit, and return how much it was."""
    for count in range(1000):
        try:
            limits.charge(endpoint, principal, {"universe_id": universe})
        except Refusal:
            return count
    raise AssertionError("there is no limit")


def test_headers_tell_the_limit_of_the_key_owner_on_every_answer(call: Caller) -> None:
    first, second = (call("POST", RESTART, {}).headers for _ in range(2))
    assert first["x-ratelimit-limit"] == "30, 30;w=60"
    assert [headers["x-ratelimit-remaining"] for headers in (first, second)] == ["29", "28"]
    assert first["x-ratelimit-reset"] == "60"


def test_a_refused_argument_counts_and_has_the_headers_too(call: Caller) -> None:
    answer = call("POST", RESTART, {"bleedOffDurationMinutes": 99})
    assert (answer.status, answer.headers["x-ratelimit-remaining"]) == (400, "29")


def test_above_the_limit_is_429_until_the_window_ends(call: Caller, clock: Clock) -> None:
    clock.advance(20.5)
    for _ in range(30):
        assert call("POST", RESTART, {}).status == 200
    answer = call("POST", RESTART, {})
    assert (answer.status, answer.json["errors"][0]["code"]) == (429, 0)
    assert answer.headers["retry-after"] == "40"
    assert (answer.headers["x-ratelimit-remaining"], answer.headers["x-ratelimit-reset"]) == ("0", "40")
    clock.advance(39)
    assert call("POST", RESTART, {}).status == 429
    clock.advance(0.5)
    assert call("POST", RESTART, {}).status == 200


def test_keys_of_one_owner_share_a_window_and_others_do_not(emulator: Emulator, call: Caller) -> None:
    emulator.add_key("same", ApiKey())
    emulator.add_key("other", ApiKey(owner="groups/1"))
    for key in ["emulator-key", "same"] * 15:
        assert call("POST", RESTART, {}, key=key).status == 200
    assert [call("POST", RESTART, {}, key=key).status for key in ("emulator-key", "same", "other")] == [429, 429, 200]


def test_a_limit_is_the_endpoints_own(call: Caller) -> None:
    for _ in range(31):
        call("POST", RESTART, {})
    assert call("GET", "/cloud/v2/universes/7").status == 200


def test_a_key_without_the_scope_spends_nothing(emulator: Emulator, call: Caller) -> None:
    emulator.add_key("narrow", ApiKey.model_validate({"scopes": ["asset:read"]}))
    for _ in range(40):
        assert call("POST", RESTART, {}, key="narrow").status == 403
    assert call("POST", RESTART, {}).headers["x-ratelimit-remaining"] == "29"


def test_v1_data_stores_answer_in_their_own_family(call: Caller) -> None:
    path = "/datastores/v1/universes/7/standard-datastores?limit=1"
    answers = [call("GET", path) for _ in range(301)]
    assert [answer.status for answer in answers] == [200] * 300 + [429]
    assert answers[-1].json["error"] == "RESOURCE_EXHAUSTED"
    assert answers[-1].json["errorDetails"][0]["datastoreErrorCode"] == "TooManyRequests"
    assert answers[-1].headers["retry-after"] == "60"
    assert call("GET", path.replace("/7/", "/8/")).status == 200


@pytest.mark.parametrize(
    ("method", "path", "name"),
    [
        ("GET", "data-stores/S/entries/k", "StandardReadExperienceThrottled"),
        ("DELETE", "data-stores/S/scopes/eu/entries/k", "StandardRemoveExperienceThrottled"),
        ("GET", "ordered-data-stores/S/scopes/global/entries", "OrderedListExperienceThrottled"),
    ],
)
def test_v2_names_the_full_budget_of_the_experience(call: Caller, method: str, path: str, name: str) -> None:
    for _ in range(300):
        assert call(method, f"/cloud/v2/universes/7/{path}").status in (200, 404)
    answer = call(method, f"/cloud/v2/universes/7/{path}")
    assert (answer.status, answer.json["code"]) == (429, "RESOURCE_EXHAUSTED")
    assert name in answer.json["message"]


def test_a_key_takes_4_mb_a_minute_rounded_up_to_whole_kb(call: Caller, clock: Clock) -> None:
    v2, mb = V2(call), 2**20
    assert v2.set("k", "x" * (3 * mb - 2)).status == 200
    clock.advance(20)
    assert v2.set("k", "x" * (mb - 1024 - 2)).status == 200
    assert v2.set("k", "x" * 2000).status == 429
    assert v2.set("other", "x" * 2000).status == 200
    assert V1(call).set("k", 1).status == 200, "one kilobyte was left"
    refused = v2.increment("k", 1)
    assert (refused.status, refused.json["code"]) == (429, "RESOURCE_EXHAUSTED")
    assert refused.json["message"].startswith("KeyThrottled")
    assert refused.headers["retry-after"] == "40"
    assert v2.get("k").json["value"] == 1, "what was refused left no trace"
    clock.advance(39.5)
    assert v2.increment("k", 1).status == 429
    clock.advance(0.5)
    assert v2.increment("k", 1).status == 200


def test_a_key_gives_25_mb_a_minute_in_both_versions_together(call: Caller) -> None:
    v1, v2 = V1(call), V2(call)
    v2.set("k", "x" * (4 * 2**20 - 2))
    version = v2.get("k").json["revisionId"]
    for read in (lambda: v1.version(version), v1.get, v2.get, lambda: v2.get("k", f"@{version}"), v2.get):
        assert read().status == 200
    assert [v2.get("k").status, v2.get("nothing").status] == [429, 404]
    assert (v1.get().status, code(v1.get())) == (429, (429, "TooManyRequests"))


def test_v1_moves_20_mb_of_reads_and_10_mb_of_writes_of_a_universe_a_minute(call: Caller, clock: Clock) -> None:
    v1, other = V1(call), V1(call, universe=8)
    value = b'"' + b"x" * (4 * 2**20 - 2) + b'"'
    assert [v1.set(key, value).status for key in "abc"] == [200, 200, 429]
    assert (code(v1.set("c", value)), other.set("c", value).status) == ((429, "TooManyRequests"), 200)
    assert V2(call).set("c", "x" * 3_000_000).status == 200, "v2 has no such limit"
    assert [v1.get(key).status for key in "ababab"] == [200] * 5 + [429]
    assert other.get("c").status == 200
    clock.advance(60)
    assert (v1.set("d", value).status, v1.get("a").status) == (200, 200)


def test_ordered_entries_are_counted_by_whole_kilobytes(emulator: Emulator, call: Caller) -> None:
    emulator.set_players(7, 1000)
    ordered = Ordered(call, 2)
    statuses = [ordered.update("k", number, allow_missing=True).status for number in range(4097)]
    assert statuses == [200] * 4096 + [429]
    assert (ordered.get("k").json["value"], ordered.update("j", 1, allow_missing=True).status) == (4095, 200)


def test_bytes_are_not_counted_while_limits_are_off(emulator: Emulator, call: Caller) -> None:
    emulator.limits.enabled = False
    v2, value = V2(call), "x" * (4 * 2**20 - 2)
    assert [v2.set("k", value).status for _ in range(3)] == [200] * 3
    emulator.limits.enabled = True
    assert v2.set("k", value).status == 200


def test_endpoints_share_a_budget_of_the_universe_whoever_calls() -> None:
    limits = Limits(lambda: START)
    limits.charge(READ, KEY, {"universe_id": "7"})
    limits.charge(ALSO_READ, Principal(Credential.API_KEY, "users/2", "key-2"), {"universe_id": "7"})
    assert allowed(limits, READ) == 1
    assert allowed(limits, READ, universe="8") == 3


def test_players_raise_the_budget_of_their_universe() -> None:
    limits = Limits(lambda: START)
    limits.players["7"] = 10
    assert allowed(limits, READ) == 23
    assert allowed(limits, READ, universe="8") == 3


def test_a_refused_request_spends_none_of_the_other_limits() -> None:
    both = Endpoint(name="read", method="GET", server="", path="/r", key_limit=Limit(5), budgets=READ.budgets)
    limits = Limits(lambda: START)
    assert allowed(limits, both) == 3
    headers = limits.charge(both, KEY, {"universe_id": "8"})
    assert headers["x-ratelimit-remaining"] == "1"


def test_an_authorization_has_the_oauth_limit_of_its_own() -> None:
    endpoint = Endpoint(name="x", method="GET", server="", path="/x", key_limit=Limit(5), oauth_limit=Limit(2))
    limits = Limits(lambda: START)
    first, second = (Principal(Credential.OAUTH2, "users/1", name) for name in ("a", "b"))
    assert [allowed(limits, endpoint, principal=caller) for caller in (KEY, first, second)] == [5, 2, 2]


def test_a_window_of_a_second_is_one() -> None:
    now = START
    limits = Limits(lambda: now)
    endpoint = Endpoint(name="x", method="GET", server="", path="/x", key_limit=Limit(2, 1))
    assert allowed(limits, endpoint) == 2
    with pytest.raises(Refusal) as caught:
        limits.charge(endpoint, KEY, {})
    assert caught.value.headers["retry-after"] == "1"
    now += 1
    assert allowed(limits, endpoint) == 2


def test_limits_can_be_off() -> None:
    with Emulator(limits=False) as emulator:
        call = Caller(emulator)
        answers = [call("POST", RESTART, {}) for _ in range(40)]
        assert {answer.status for answer in answers} == {200}
        assert "x-ratelimit-limit" not in answers[0].headers
