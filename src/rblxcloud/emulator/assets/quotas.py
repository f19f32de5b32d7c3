"""How much a user may still upload, or make for sale, in a period."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from rblxcloud.emulator.acting import acts_as_user
from rblxcloud.emulator.creators import users
from rblxcloud.emulator.errors import json_reply
from rblxcloud.emulator.filters import equal_words
from rblxcloud.emulator.model import Call, Handler, Refusal, Reply, World
from rblxcloud.emulator.paging import look_ahead, page_request
from rblxcloud.emulator.protobuf import invalid
from rblxcloud.emulator.storage_time import ticks_at, v2_time
from rblxcloud.endpoints import users as api
from rblxcloud.endpoints.model import Endpoint

__all__ = ["HANDLERS", "SCHEMA", "UPLOAD", "count_upload", "remaining", "set_quota"]

SCHEMA = """
CREATE TABLE IF NOT EXISTS asset_quotas (
    user_id INTEGER NOT NULL,
    quota_type TEXT NOT NULL,
    asset_type TEXT NOT NULL,
    capacity INTEGER NOT NULL,
    period TEXT NOT NULL,
    PRIMARY KEY (user_id, quota_type, asset_type)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS asset_quota_usage (
    user_id INTEGER NOT NULL,
    quota_type TEXT NOT NULL,
    asset_type TEXT NOT NULL,
    time REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS asset_quota_usage_in_time ON asset_quota_usage (user_id, quota_type, asset_type, time);
"""

UPLOAD = "RATE_LIMIT_UPLOAD"
DISTRIBUTE = "RATE_LIMIT_CREATOR_STORE_DISTRIBUTE"
_QUOTA_TYPES = (UPLOAD, DISTRIBUTE)
_PERIODS = ("DAY", "MONTH")
_UPPER = re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)*", re.ASCII)
_CAMEL = re.compile(r"[A-Z][A-Za-z0-9]*", re.ASCII)
_DEFAULT_PAGE = 10
_LARGEST_PAGE = 100


@dataclass(frozen=True, slots=True)
class _Quota:
    user: int
    quota_type: str
    asset_type: str
    capacity: int
    period: str

    def bounds(self, now: float) -> tuple[float, float]:
        """Return when the period that `now` is in begins and ends; days and months are those of UTC."""
        start = datetime.fromtimestamp(now, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        if self.period == "DAY":
            return start.timestamp(), (start + timedelta(days=1)).timestamp()
        start = start.replace(day=1)
        return start.timestamp(), (start + timedelta(days=32)).replace(day=1).timestamp()


def set_quota(
    world: World, user: int, asset_type: str, capacity: int, *, period: str = "MONTH", quota_type: str = UPLOAD
) -> None:
    """Say how much a user may do.

    Args:
        world: The emulator's state.
        user: Id of the user.
        asset_type: Such as `AUDIO`.
        capacity: How many in a period.
        period: `DAY` or `MONTH`.
        quota_type: `RATE_LIMIT_UPLOAD` or `RATE_LIMIT_CREATOR_STORE_DISTRIBUTE`.

    Raises:
        ValueError: For a period or a type that is none, or a negative capacity.
    """
    if quota_type not in _QUOTA_TYPES or period not in _PERIODS or not _UPPER.fullmatch(asset_type) or capacity < 0:
        raise ValueError("a quota has a quota type, a period, a type such as AUDIO and a capacity of at least 0")
    world.database.execute(
        "INSERT OR REPLACE INTO asset_quotas VALUES (?, ?, ?, ?, ?)", (user, quota_type, asset_type, capacity, period)
    )


def count_upload(world: World, call: Call, user: int, asset_type: str) -> None:
    """Count an upload against what the user may, where that is limited.

    Args:
        world: The emulator's state.
        call: The request; nothing is refused while published limits are not enforced.
        user: Who uploads.
        asset_type: Such as `AUDIO`.

    Raises:
        Refusal: 429 when the quota is used up.
    """
    quota = next(
        (each for each in _quotas(world, user) if (each.quota_type, each.asset_type) == (UPLOAD, asset_type)), None
    )
    if quota is None:
        return
    if call.limited and _usage(world, quota) >= quota.capacity:
        _, end = quota.bounds(world.now())
        wait = {"retry-after": str(int(end - world.now()) + 1)}
        message = f"The quota of {quota.capacity} uploads of type {asset_type} a {quota.period.lower()} is used up."
        raise Refusal(429, "RESOURCE_EXHAUSTED", message, headers=wait)
    world.database.execute("INSERT INTO asset_quota_usage VALUES (?, ?, ?, ?)", (user, UPLOAD, asset_type, world.now()))


def remaining(world: World, user: int, asset_type: str) -> int:
    """Return how many uploads of a type a user has left in this period."""
    quota = next(each for each in _quotas(world, user) if (each.quota_type, each.asset_type) == (UPLOAD, asset_type))
    return max(quota.capacity - _usage(world, quota), 0)


def _list(world: World, call: Call) -> Reply:
    user = users.addressed(world, call)
    if not acts_as_user(call, user.path):
        raise Refusal(403, "PERMISSION_DENIED", "Only the user's own credential reads these quotas.")
    wanted = _wanted(call.query.get("filter", ""))
    page = page_request(call, default=_DEFAULT_PAGE, largest=_LARGEST_PAGE, kinds=(str,))
    after = cast("tuple[str] | None", page.position)
    found = (
        quota
        for quota in _quotas(world, user.id)
        if (after is None or _id(quota) > after[0])
        and all(_camel(getattr(quota, name)) == value for name, value in wanted.items())
    )
    shown, last = look_ahead(found, page.size)
    return json_reply(
        {
            "assetQuotas": [_quota(world, quota) for quota in shown],
            "nextPageToken": page.token(_id(last)) if last else "",
        }
    )


def _wanted(text: str) -> dict[str, str]:
    names = {"quotaType": "quota_type", "assetType": "asset_type"}
    wanted = equal_words(text)
    if wanted.keys() - names or not all(map(_CAMEL.fullmatch, wanted.values())):
        raise invalid("The filter is such as quotaType == RateLimitUpload && assetType == Audio.")
    if wanted.get("quotaType", _camel(UPLOAD)) not in map(_camel, _QUOTA_TYPES):
        raise invalid("There is no such quotaType.")
    return {names[name]: value for name, value in wanted.items()}


def _quotas(world: World, number: int) -> list[_Quota]:
    """Return the quotas of a user, in the order of their ids."""
    user = users.find(world, number)
    verified = user is not None and user.fields["idVerified"]
    quotas = {
        (UPLOAD, "AUDIO"): _Quota(number, UPLOAD, "AUDIO", 100 if verified else 10, "MONTH"),
        (UPLOAD, "VIDEO"): _Quota(number, UPLOAD, "VIDEO", 20 if verified else 0, "DAY"),
    }
    for row in world.database.execute("SELECT * FROM asset_quotas WHERE user_id = ?", (number,)):
        quotas[row[1], row[2]] = _Quota(*row)
    return sorted(quotas.values(), key=_id)


def _usage(world: World, quota: _Quota) -> int:
    start, end = quota.bounds(world.now())
    (count,) = world.database.execute(
        "SELECT count(*) FROM asset_quota_usage"
        " WHERE user_id = ? AND quota_type = ? AND asset_type = ? AND time >= ? AND time < ?",
        (quota.user, quota.quota_type, quota.asset_type, start, end),
    ).fetchone()
    return int(count)


def _quota(world: World, quota: _Quota) -> dict[str, Any]:
    return {
        "path": f"users/{quota.user}/asset-quotas/{_id(quota)}",
        "quotaType": quota.quota_type,
        "assetType": quota.asset_type,
        "usage": _usage(world, quota),
        "capacity": quota.capacity,
        "period": quota.period,
        "usageResetTime": v2_time(ticks_at(quota.bounds(world.now())[1])),
    }


def _id(quota: _Quota) -> str:
    return f"{_camel(quota.quota_type)}-{_camel(quota.asset_type)}"


def _camel(name: str) -> str:
    """Return a name as filters write it: `RateLimitUpload` for `RATE_LIMIT_UPLOAD`."""
    return "".join(part.capitalize() for part in name.split("_"))


HANDLERS: Mapping[Endpoint, Handler] = {api.LIST_ASSET_QUOTAS: _list}
