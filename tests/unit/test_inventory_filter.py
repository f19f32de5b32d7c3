"""Filters of inventories: whatever is passed, a filter says that and nothing else, or is refused."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rblxcloud import InvalidRequestError, InventoryAssetType
from rblxcloud.resources.inventory import inventory_filter

KINDS = {"badges": "badges", "game_passes": "gamePasses", "private_servers": "privateServers"}
IDS = {
    "asset_ids": "assetIds",
    "badge_ids": "badgeIds",
    "game_pass_ids": "gamePassIds",
    "private_server_ids": "privateServerIds",
}
NOTHING: dict[str, Any] = {
    **dict.fromkeys(KINDS, False),
    "asset_types": None,
    "only_collectibles": False,
    **dict.fromkeys(IDS),
}
hostile = st.text() | st.text("HAT*=;,'\"&| \n", max_size=8) | st.integers() | st.booleans() | st.none() | st.floats()


def build(**arguments: Any) -> str | None:
    return inventory_filter(**{**NOTHING, **arguments})


def meaning(text: str | None) -> dict[str, list[str]]:
    """Read a filter as its grammar says: fields apart by semicolons, values by commas."""
    if text is None:
        return {}
    fields = [part.split("=") for part in text.split(";")]
    assert all(len(field) == 2 for field in fields)
    assert len({name for name, _ in fields}) == len(fields)
    return {name: values.split(",") for name, values in fields}


@given(st.lists(hostile, min_size=1, max_size=4))
def test_kinds_mean_themselves_or_are_refused(kinds: list[Any]) -> None:
    with suppress(InvalidRequestError):
        assert meaning(build(asset_types=kinds)) == {"inventoryItemAssetTypes": kinds}


@pytest.mark.parametrize("argument", IDS)
@given(st.lists(hostile, min_size=1, max_size=4))
def test_ids_mean_themselves_or_are_refused(argument: str, ids: list[Any]) -> None:
    with suppress(InvalidRequestError):
        assert meaning(build(**{argument: ids})) == {IDS[argument]: [str(int(id)) for id in ids]}


@given(st.sets(st.sampled_from([*KINDS])), st.none() | st.lists(st.sampled_from(InventoryAssetType), min_size=1))
def test_kinds_are_combined(flags: set[str], types: list[InventoryAssetType] | None) -> None:
    text = build(**dict.fromkeys(flags, True), asset_types=types)
    expected: dict[str, list[str]] = {KINDS[flag]: ["true"] for flag in flags}
    if types:
        expected["inventoryItemAssetTypes"] = [str(kind) for kind in types]
    assert meaning(text) == expected


def test_one_kind_can_be_passed_alone() -> None:
    assert build(asset_types="*") == "inventoryItemAssetTypes=*"
    assert build(asset_types="HAT") == "inventoryItemAssetTypes=HAT"
    assert build(asset_types=InventoryAssetType.HAT, only_collectibles=True) == (
        "inventoryItemAssetTypes=HAT;onlyCollectibles=true"
    )


def test_kinds_that_are_newer_than_this_client_can_be_written() -> None:
    assert build(asset_types=["HOLOGRAM_2"]) == "inventoryItemAssetTypes=HOLOGRAM_2"


@pytest.mark.parametrize("kind", [{"badges": True}, {"game_passes": True}, {"asset_types": "*"}])
@pytest.mark.parametrize("ids", IDS)
def test_kinds_and_ids_are_not_combined(kind: dict[str, Any], ids: str) -> None:
    with pytest.raises(InvalidRequestError, match="not both"):
        build(**kind, **{ids: [1]})


def test_only_collectibles_needs_kinds() -> None:
    with pytest.raises(InvalidRequestError, match="asset_types"):
        build(only_collectibles=True, badges=True)


@pytest.mark.parametrize("argument", [*IDS, "asset_types"])
def test_nothing_picked_is_not_everything(argument: str) -> None:
    with pytest.raises(InvalidRequestError, match=f"{argument}: is empty"):
        build(**{argument: []})


@pytest.mark.parametrize(
    ("argument", "value"),
    [("asset_ids", 5), ("asset_ids", "123"), ("asset_types", 5), ("asset_types", ["*", "HAT"]), ("badges", "no")],
)
def test_values_of_another_kind_are_refused(argument: str, value: Any) -> None:
    with pytest.raises(InvalidRequestError, match=f"{argument}: "):
        build(**{argument: value})
