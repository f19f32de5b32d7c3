"""How much may still be uploaded."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import pytest

from rblxcloud.emulator.api_keys import ApiKey
from rblxcloud.emulator.clock import Clock
from rblxcloud.emulator.core import Emulator
from tests.emulator.forms import FILES, Assets, request
from tests.support.emulator import Caller

PATH = "/cloud/v2/users/1/asset-quotas"
AUDIO = (request("Audio"), FILES["Audio"]["audio/ogg"], "audio/ogg")
VIDEO = (request("Video"), FILES["Video"]["video/mp4"], "video/mp4")


@pytest.fixture
def assets(call: Caller) -> Assets:
    return Assets(call)


def usage(call: Caller, user: int = 1) -> dict[str, tuple[int, int]]:
    rows = call("GET", f"/cloud/v2/users/{user}/asset-quotas").json["assetQuotas"]
    return {row["assetType"]: (row["usage"], row["capacity"]) for row in rows}


def test_uploads_of_audio_and_video_are_counted(call: Caller, assets: Assets) -> None:
    assets.create(*AUDIO)
    assert call("GET", PATH).json == {
        "assetQuotas": [
            {
                "path": "users/1/asset-quotas/RateLimitUpload-Audio",
                "quotaType": "RATE_LIMIT_UPLOAD",
                "assetType": "AUDIO",
                "usage": 1,
                "capacity": 100,
                "period": "MONTH",
                "usageResetTime": "2027-02-01T00:00:00.000000000Z",
            },
            {
                "path": "users/1/asset-quotas/RateLimitUpload-Video",
                "quotaType": "RATE_LIMIT_UPLOAD",
                "assetType": "VIDEO",
                "usage": 0,
                "capacity": 20,
                "period": "DAY",
                "usageResetTime": "2027-01-16T00:00:00.000000000Z",
            },
        ],
        "nextPageToken": "",
    }


def test_who_is_not_verified_may_upload_less(emulator: Emulator, call: Caller) -> None:
    emulator.users.update(1, id_verified=False)
    assert usage(call) == {"AUDIO": (0, 10), "VIDEO": (0, 0)}


def test_a_used_up_quota_is_429_until_the_period_ends(
    emulator: Emulator, call: Caller, assets: Assets, clock: Clock
) -> None:
    emulator.assets.set_quota(1, "VIDEO", 1, period="DAY")
    assert [assets.create(*VIDEO).status for _ in range(2)] == [200, 429]
    wait = int(assets.create(*VIDEO).headers["retry-after"])
    clock.advance(wait - 2)
    assert assets.create(*VIDEO).status == 429
    clock.advance(2)
    assert assets.create(*VIDEO).status == 200
    assert usage(call)["VIDEO"] == (1, 1)


def test_months_are_those_of_the_calendar(emulator: Emulator, call: Caller, clock: Clock) -> None:
    clock.set(datetime(2027, 12, 31, 23, 59, 59, tzinfo=UTC).timestamp())
    assert call("GET", PATH).json["assetQuotas"][0]["usageResetTime"] == "2028-01-01T00:00:00.000000000Z"


def test_nothing_is_refused_where_limits_are_off(emulator: Emulator, call: Caller, assets: Assets) -> None:
    emulator.assets.set_quota(1, "AUDIO", 0)
    emulator.limits.enabled = False
    assert assets.create(*AUDIO).status == 200
    assert usage(call)["AUDIO"] == (1, 0)


def test_a_refused_upload_does_not_count(call: Caller, assets: Assets) -> None:
    assert assets.create(request("Audio"), b"noise", "audio/ogg").status == 400
    assert usage(call)["AUDIO"] == (0, 100)


def test_an_upload_for_a_group_counts_for_who_uploads(emulator: Emulator, call: Caller, assets: Assets) -> None:
    emulator.add_key("builder", ApiKey(owner="users/3", scopes=("asset:read", "asset:write")))
    group = request("Audio", creationContext={"creator": {"groupId": "1"}})
    assert assets.create(group, *AUDIO[1:], key="builder").status == 200
    assert (usage(call, 3)["AUDIO"], usage(call, 1)["AUDIO"]) == ((1, 100), (0, 100))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("quotaType == RateLimitUpload && assetType == Audio", ["AUDIO"]),
        ("assetType==Video", ["VIDEO"]),
        ("quotaType == RateLimitUpload", ["AUDIO", "VIDEO"]),
        ("quotaType == RateLimitCreatorStoreDistribute", ["MESH_PART"]),
        ("assetType == MeshPart && quotaType == RateLimitCreatorStoreDistribute", ["MESH_PART"]),
        ("assetType == Decal", []),
    ],
)
def test_filters_pick_quotas(emulator: Emulator, call: Caller, text: str, found: list[str]) -> None:
    emulator.assets.set_quota(1, "MESH_PART", 5, quota_type="RATE_LIMIT_CREATOR_STORE_DISTRIBUTE")
    answer = call("GET", f"{PATH}?filter={quote(text)}")
    assert [row["assetType"] for row in answer.json["assetQuotas"]] == found


@pytest.mark.parametrize(
    "text",
    [
        "quotaType == RATE_LIMIT_UPLOAD",
        "quotaType == Nonsense",
        "assetType == 'Audio'",
        "assetType != Audio",
        "assetType == Audio || assetType == Video",
        "assetType == Audio && assetType == Video",
        "usage == Five",
        "assetType",
    ],
)
def test_other_filters_are_400(call: Caller, text: str) -> None:
    answer = call("GET", f"{PATH}?filter={quote(text)}")
    assert (answer.status, answer.json["code"]) == (400, "INVALID_ARGUMENT")


def test_quotas_come_in_pages(call: Caller) -> None:
    first = call("GET", f"{PATH}?maxPageSize=1").json
    second = call("GET", f"{PATH}?maxPageSize=1&pageToken={first['nextPageToken']}").json
    assert [page["assetQuotas"][0]["assetType"] for page in (first, second)] == ["AUDIO", "VIDEO"]
    assert second["nextPageToken"] == ""


def test_only_the_users_own_credential_reads_them(emulator: Emulator, call: Caller) -> None:
    emulator.add_key("own", ApiKey(owner="users/1", scopes=("asset:read",)))
    answers = [call("GET", f"/cloud/v2/users/{user}/asset-quotas", key="own").status for user in (1, 2)]
    assert answers == [200, 403]


@pytest.mark.parametrize("change", [{"capacity": -1}, {"asset_type": "Audio"}, {"period": "YEAR"}, {"quota_type": "X"}])
def test_a_quota_that_makes_no_sense_is_refused(emulator: Emulator, change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="a quota has"):
        emulator.assets.set_quota(1, **{"asset_type": "AUDIO", "capacity": 5, **change})
