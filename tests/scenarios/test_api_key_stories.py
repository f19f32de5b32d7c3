"""An API key asked about itself, and about what a program means to do with it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import rblxcloud
import rblxcloud.sync
from rblxcloud import DataStore
from rblxcloud.emulator import ApiKey, Emulator, KeyStatus, ScopeGrant
from rblxcloud.emulator.api_keys import DataStoreGrant

Tell = Callable[[Callable[[Any], Any]], None]

NARROW = ApiKey(
    name="ci",
    owner="users/42",
    scopes=(
        ScopeGrant(
            name="universe-datastores.objects",
            operations=("read", "update", "create"),
            universe_datastores=(DataStoreGrant(universe_id="7001", datastore_name="Saves"),),
        ),
        ScopeGrant(name="universe-messaging-service", operations=("publish",), universe_ids=("7001",)),
        ScopeGrant(name="asset", operations=("read",), user_ids=("*",), group_ids=("9",)),
    ),
)


def hold(emulator: Emulator, key: ApiKey) -> ApiKey:
    """Make the key that the story's client has this one."""
    return emulator.add_key("emulator-key", key)


def method(owner: Any, name: str) -> Any:
    """Return a method as a program has it, and not as the view of a twin shows it."""
    return getattr(getattr(owner, "_twin", owner), name)


def test_a_key_tells_what_it_is_and_may(tell: Tell, emulator: Emulator) -> None:
    ends = datetime(2099, 3, 1, tzinfo=UTC)
    hold(emulator, NARROW.model_copy(update={"expires_at": ends}))

    async def story(client: Any) -> None:
        key = await client.introspect_api_key()
        assert (key.name, key.authorized_user_id, key.enabled, key.expired, key.expires) == (
            "ci",
            42,
            True,
            False,
            ends,
        )
        assert key.active
        stores, messages, assets = key.scopes
        assert stores.data_stores == (rblxcloud.KeyDataStore(universe_id="7001", data_store="Saves"),)
        assert messages.universe_ids == ("7001",)
        assert (assets.scopes, assets.user_ids, assets.group_ids) == (("asset:read",), ("*",), ("9",))
        assert key.has_scope("universe-messaging-service:publish", experience=7001)
        assert not key.has_scope("universe-messaging-service:publish", experience=7002)
        assert "emulator-key" not in f"{key!r} {key}"

    tell(story)


def test_what_the_report_says_is_what_the_calls_meet(tell: Tell, emulator: Emulator) -> None:
    hold(emulator, NARROW)

    async def story(client: Any) -> None:
        mine, other = client.experience(7001), client.experience(7002)
        report = await client.check_scopes(
            method(mine.get_data_store("Saves"), "get"),
            method(mine.get_data_store("Other"), "get"),
            method(mine, "publish_message"),
            method(other, "publish_message"),
            method(mine, "restart_servers"),
        )
        assert [check.allowed for check in report.checks] == [True, False, True, False, False]
        assert not report.ok
        assert [check.missing for check in report.refused] == [
            ("universe-datastores.objects:read (for experience 7001, data store Other)",),
            ("universe-messaging-service:publish (for experience 7002)",),
            ("universe:write",),
        ]
        with pytest.raises(rblxcloud.MissingScopesError, match=r"lacks universe:write$") as caught:
            report.raise_if_missing()
        assert len(caught.value.missing) == 3
        assert [entry.endpoint for entry in emulator.requests()] == ["api_keys.introspect_api_key"]

        assert await mine.get_data_store("Saves").get("k", default=None) == (None, None)
        await mine.publish_message("t", "m")
        for refused in (
            lambda: mine.get_data_store("Other").get("k"),
            lambda: other.publish_message("t", "m"),
            mine.restart_servers,
        ):
            with pytest.raises(rblxcloud.PermissionDeniedError):
                await refused()

    tell(story)


def test_a_key_with_everything_lacks_nothing(tell: Tell) -> None:
    async def story(client: Any) -> None:
        report = await client.check_scopes(
            DataStore.set, ("POST", "/cloud/v2/universes/1:publishMessage"), experience=1
        )
        assert report.ok
        report.raise_if_missing()

    tell(story)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"status": KeyStatus.DISABLED}, "disabled"),
        ({"expires_at": datetime(2020, 3, 1, tzinfo=UTC)}, "expired since 2020-03-01"),
        ({"status": KeyStatus.AUTO_EXPIRED}, "expired"),
    ],
)
def test_a_key_that_does_not_work_any_more_says_so(tell: Tell, emulator: Emulator, change: Any, said: str) -> None:
    hold(emulator, ApiKey(name="old").model_copy(update=change))

    async def story(client: Any) -> None:
        report = await client.check_scopes(DataStore.get)
        assert (report.ok, report.key.active) == (False, False)
        with pytest.raises(rblxcloud.MissingScopesError, match=f"API key 'old' of user 1: {said}"):
            report.raise_if_missing()
        with pytest.raises(rblxcloud.AuthenticationError):
            await client.experience(1).get_data_store("s").get("k")

    tell(story)


def test_a_key_that_nobody_knows_is_an_authentication_error(tell: Tell, emulator: Emulator) -> None:
    emulator.remove_key(emulator.list_keys()[0].id)

    async def story(client: Any) -> None:
        with pytest.raises(rblxcloud.AuthenticationError):
            await client.introspect_api_key()
        with pytest.raises(rblxcloud.AuthenticationError):
            await client.check_scopes(DataStore.get)

    tell(story)


def test_a_key_that_may_not_be_used_from_here_cannot_be_asked(tell: Tell, emulator: Emulator) -> None:
    hold(emulator, ApiKey(ip_ranges=("10.0.0.0/8",)))

    async def story(client: Any) -> None:
        with pytest.raises(rblxcloud.AuthenticationError):
            await client.introspect_api_key()

    tell(story)


def test_a_key_that_is_about_to_end_is_active(tell: Tell, emulator: Emulator) -> None:
    hold(emulator, ApiKey(expires_at=datetime.now(UTC) + timedelta(days=400)))

    async def story(client: Any) -> None:
        assert "active until" in str(await client.introspect_api_key())

    tell(story)


def test_an_access_token_is_no_key(base_url: str, emulator: Emulator) -> None:
    with rblxcloud.sync.Client(access_token="token", base_url=base_url) as client:
        for ask in (client.introspect_api_key, lambda: client.check_scopes(DataStore.get)):
            with pytest.raises(rblxcloud.UnsupportedCredentialError, match="access token"):
                ask()
    assert emulator.requests() == []


@pytest.mark.parametrize("calls", [[], ["DataStore.get"], [5], [("GET",)], [print]])
def test_what_is_no_call_is_not_asked_about(tell: Tell, emulator: Emulator, calls: Any) -> None:
    async def story(client: Any) -> None:
        with pytest.raises(rblxcloud.InvalidRequestError, match="calls"):
            await client.check_scopes(*calls)

    tell(story)
    assert emulator.requests() == []
