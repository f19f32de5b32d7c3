"""Which calls a key may make: how calls are named, and what a key lacks for them."""

from __future__ import annotations

import pickle
import subprocess
import sys
from typing import Any

import pytest

import rblxcloud
import rblxcloud.sync
from rblxcloud import ApiKeyInfo, DataStore, Experience, OrderedDataStore, User
from rblxcloud.endpoints import all_endpoints
from rblxcloud.resources.scope_check import judge, plan

STORES = [{"universeId": "7001", "datastoreName": "Saves"}, {"universeId": "7002"}]
KEY = {
    "name": "ci",
    "authorizedUserId": 42,
    "scopes": [
        {
            "name": "universe-datastores.objects",
            "operations": ["read", "create"],
            "universeDatastores": STORES,
        },
        {"name": "asset", "operations": ["read"], "userIds": ["*"], "groupIds": ["9"]},
        {"name": "universe", "operations": ["write"], "universeIds": ["7001"]},
        {"name": "universe-messaging-service", "operations": ["publish"]},
        {"name": "universe.ordered-data-store.scope.entry", "operations": ["read"]},
    ],
    "enabled": True,
    "expired": False,
    "expirationTimeUtc": "2027-03-01T00:00:00.000Z",
}


def key(**fields: Any) -> ApiKeyInfo:
    return ApiKeyInfo.model_validate({**KEY, **fields})


def missing(*calls: Any, experience: Any = None) -> list[tuple[str, ...]]:
    return [check.missing for check in judge(key(), plan(calls, experience)).checks]


def experience(number: int) -> Experience:
    return rblxcloud.Experience(number, api_key="k")


@pytest.mark.parametrize(
    ("call", "endpoints"),
    [
        (DataStore.get, ["data_stores.get_entry"]),
        (DataStore.set, ["data_stores.update_entry", "data_stores.v1_set_entry"]),
        (OrderedDataStore.sorted, ["ordered_data_stores.list_entries"]),
        (rblxcloud.sync.Experience.publish_message, ["messaging.publish_message"]),
        (User.fetch, ["users.get_user"]),
        ("luau.create_task", None),
        (User.upload_asset, ["assets.assets_create_asset"]),
        (rblxcloud.sync.Group.upload_asset, ["assets.assets_create_asset"]),
        (rblxcloud.sync.Group(1, api_key="k").upload_asset, ["assets.assets_create_asset"]),
        (("GET", "/cloud/v2/universes/{universe_id}"), ["universes.get_universe"]),
        (("GET", "/cloud/v2/universes/13058"), ["universes.get_universe"]),
        (("GET", "/cloud/v2/groups/-/memberships"), ["groups.list_group_memberships"]),
    ],
)
def test_a_call_can_be_named_in_each_of_these_ways(call: Any, endpoints: list[str] | None) -> None:
    assert [each.endpoint.name for each in plan([call], None)] == (endpoints or [call])


@pytest.mark.parametrize(
    "call",
    [
        "DataStore.get",
        "",
        5,
        None,
        print,
        rblxcloud.Operation.wait,
        Experience.get_data_store,
        ("GET", "/no/such/endpoint"),
        ("FETCH", "/cloud/v2/universes/1"),
        ("GET", "cloud"),
        ("GET", "/cloud/v2/universes/1", "x"),
        ("GET", 5),
        ("GET", "/cloud/v2/universes/x"),
        ("GET", f"/cloud/v2/universes/{'9' * 5000}"),
    ],
)
def test_what_is_no_call_is_refused(call: Any) -> None:
    with pytest.raises(rblxcloud.InvalidRequestError):
        plan([call], None)


def test_a_method_of_somebody_else_is_none_of_ours_whatever_its_name() -> None:
    class User:
        def fetch(self) -> None: ...

    User.fetch.__qualname__ = "User.fetch"
    with pytest.raises(rblxcloud.InvalidRequestError, match=r"User\.fetch is no method that calls Open Cloud"):
        plan([User.fetch], None)


def test_methods_are_known_without_docstrings() -> None:
    program = (
        "import rblxcloud, rblxcloud.sync; from rblxcloud.resources.scope_check import plan;"
        "print(*(each.endpoint.name for each in plan([rblxcloud.User.fetch, rblxcloud.sync.User.fetch], None)))"
    )
    told = subprocess.run([sys.executable, "-OO", "-c", program], capture_output=True, text=True, check=True)
    assert told.stdout.split() == ["users.get_user"] * 2


@pytest.mark.parametrize("experience", [True, 0, "x", -5])
def test_an_id_that_is_none_is_refused(experience: Any) -> None:
    with pytest.raises(rblxcloud.InvalidRequestError, match="experience"):
        plan([Experience.update], experience)


def test_nothing_to_check_is_refused() -> None:
    with pytest.raises(rblxcloud.InvalidRequestError, match="empty"):
        plan([], None)


def test_a_method_of_an_object_says_what_it_is_about() -> None:
    saves, other = experience(7001).get_data_store("Saves"), experience(7001).get_data_store("Other")
    assert missing(saves.get) == [()]
    assert missing(other.get) == [("universe-datastores.objects:read (for experience 7001, data store Other)",)]
    assert missing(experience(7002).get_data_store("Other").get) == [()]
    lister = {"name": "universe-datastores.control", "operations": ["list"], "universeDatastores": STORES}
    for number, lacking in ((7002, ()), (7001, ("universe-datastores.control:list (for experience 7001)",))):
        report = judge(key(scopes=[lister]), plan([experience(number).data_stores], None))
        assert report.checks[0].missing == lacking
    assert missing(experience(7001).update) == [()]
    assert missing(experience(5).update) == [("universe:write (for experience 5)",)]
    assert missing(rblxcloud.sync.Experience(5, api_key="k").update) == [("universe:write (for experience 5)",)]
    assert missing(experience(5).servers.restart) == [("universe:write (for experience 5)",)]
    assert missing(experience(5).publish_message) == [()]
    assert missing(experience(5).get_ordered_data_store("x").get) == [()]


def test_a_creator_is_looked_up_in_the_lists_of_its_kind() -> None:
    assert missing(rblxcloud.User(5, api_key="k").upload_asset) == [("asset:write",)]
    lacking = missing(rblxcloud.Group(5, api_key="k").upload_asset)
    assert lacking == [("asset:read (for group 5)", "asset:write")]
    assert missing(rblxcloud.Group(9, api_key="k").upload_asset) == [("asset:write",)]


def test_an_experience_counts_where_the_call_names_none() -> None:
    assert missing(Experience.update) == [()]
    assert missing(Experience.update, experience=5) == [("universe:write (for experience 5)",)]
    assert missing(experience(7001).update, experience=5) == [()]
    assert missing(("PATCH", "/cloud/v2/universes/5"), experience=7001) == [("universe:write (for experience 5)",)]
    assert missing(("PATCH", "/cloud/v2/universes/{universe_id}"), experience="7001") == [()]
    assert missing("api_keys.introspect_api_key", experience=5) == [()]


def test_one_of_several_scopes_is_enough() -> None:
    endpoint = next(each for each in all_endpoints() if len(each.scopes.any_of) == 2)
    first, second = endpoint.scopes.any_of
    assert missing(endpoint.name) == [(f"{first} or {second}",)]
    name, _, operation = second.rpartition(":")
    held = key(scopes=[{"name": name, "operations": [operation]}])
    assert judge(held, plan([endpoint.name], None)).ok


def test_a_scope_that_is_needed_now_and_then_is_told_of_and_refuses_nothing() -> None:
    endpoint = next(each for each in all_endpoints() if each.scopes.conditional and each.method == "GET")
    report = judge(key(scopes=[]), plan([endpoint.name], None))
    assert report.ok
    assert report.checks[0].may_need == endpoint.scopes.conditional
    assert "may need" in str(report)


def test_a_write_needs_one_at_least_of_what_it_needs_now_and_then() -> None:
    for operations, allowed in ((["read"], False), (["update"], True)):
        held = key(scopes=[{"name": "universe-datastores.objects", "operations": operations}])
        report = judge(held, plan(["data_stores.v1_set_entry"], None))
        assert report.ok == allowed
        assert bool(report.checks[0].missing) != allowed
        assert "universe-datastores.objects:create" in report.checks[0].may_need


def test_an_endpoint_that_takes_no_keys_is_refused() -> None:
    report = judge(key(), plan(["oauth.userinfo"], None))
    assert not report.ok
    assert "takes no API keys" in str(report)


def test_a_key_that_does_not_work_is_said_so_whatever_its_scopes() -> None:
    for fields, state in (
        ({"expired": True}, "expired since 2027-03-01 00:00 UTC"),
        ({"expired": True, "expirationTimeUtc": None}, "expired"),
        ({"enabled": False}, "disabled"),
    ):
        report = judge(key(**fields), plan([Experience.fetch], None))
        assert not report.ok
        assert report.refused == ()
        with pytest.raises(rblxcloud.MissingScopesError, match=state) as caught:
            report.raise_if_missing()
        assert caught.value.missing == ()


def test_the_report_reads_as_a_table_and_pickles() -> None:
    report = judge(key(), plan([experience(5).update, Experience.publish_message], None))
    assert str(report).splitlines() == [
        "API key 'ci' of user 42: active until 2027-03-01 00:00 UTC",
        "Experience.update           universes.update_universe  lacks universe:write (for experience 5)",
        "Experience.publish_message  messaging.publish_message  allowed",
    ]
    assert pickle.loads(pickle.dumps(report)) == report
    with pytest.raises(rblxcloud.MissingScopesError) as caught:
        report.raise_if_missing()
    assert caught.value.missing == ("universe:write (for experience 5)",)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(report)
    judge(key(), plan([Experience.publish_message], None)).raise_if_missing()


def test_a_key_is_read_whichever_way_its_end_is_written() -> None:
    other = {**KEY, "expirationUtcTime": KEY["expirationTimeUtc"]}
    del other["expirationTimeUtc"]
    assert key().expires == ApiKeyInfo.model_validate(other).expires is not None
    assert key(expirationTimeUtc=None).expires is None
    assert key().active
    assert key().scopes[0].scopes == ("universe-datastores.objects:read", "universe-datastores.objects:create")


def test_ids_are_read_as_text_or_as_numbers() -> None:
    scopes = [
        {"name": "a", "operations": ["b"], "userIds": [7, "8"], "universeIds": [7001]},
        {"name": "c", "operations": ["d"], "universeDatastores": [{"universeId": 7001}]},
    ]
    held = key(scopes=scopes)
    assert held.has_scope("a:b", user=7, experience=7001)
    assert not held.has_scope("a:b", user=9)
    assert held.has_scope("c:d", experience=7001, data_store="x")
