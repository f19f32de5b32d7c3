"""Published rate limits: requests in fixed windows of the emulator's clock, bytes in a window that slides."""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass

from rblxcloud.emulator.model import ErrorFamily, Principal, Refusal
from rblxcloud.endpoints.model import Budget, Credential, Endpoint, Limit

__all__ = ["KEY_READS", "KEY_WRITES", "V1_READS", "V1_WRITES", "ByteLimit", "Limits"]

_MINUTE = 60.0
_KILOBYTE = 1024


@dataclass(frozen=True, slots=True)
class ByteLimit:
    """What may be moved in any minute, in kilobytes; each request is rounded up to whole ones."""

    name: str
    kilobytes: int
    error: str = ""
    """What Roblox calls the refusal, as the beginning of a message."""


KEY_READS = ByteLimit("reads of one key", 25 * 1024, "KeyThrottled: ")
KEY_WRITES = ByteLimit("writes of one key", 4 * 1024, "KeyThrottled: ")
V1_READS = ByteLimit("v1 reads of one universe", 20 * 1024)
V1_WRITES = ByteLimit("v1 writes of one universe", 10 * 1024)


@dataclass(frozen=True, slots=True)
class _Quota:
    """A limit, and what it is counted for."""

    key: tuple[str, ...]
    count: int
    seconds: float


class Limits:
    """The windows of every caller and universe. They live in memory: a restarted emulator has counted nothing.

    Args:
        now: The emulator's clock.
        enabled: Whether anything is refused or reported.
    """

    def __init__(self, now: Callable[[], float], *, enabled: bool = True) -> None:
        self.enabled = enabled
        self.players: dict[str, int] = {}
        """Players in each universe, by its id; what games raise their budgets with."""
        self._now = now
        self._used: dict[tuple[str, ...], tuple[int, int]] = {}
        self._moves: deque[tuple[float, tuple[str, Hashable], int]] = deque()
        self._moved: Counter[tuple[str, Hashable]] = Counter()

    def clear(self) -> None:
        """Forget what was counted, and the players."""
        self._used.clear()
        self._moves.clear()
        self._moved.clear()
        self.players.clear()

    def charge(self, endpoint: Endpoint, principal: Principal, path: Mapping[str, str]) -> dict[str, str]:
        """Count a request against every limit it falls under, or refuse it and count nothing.

        Args:
            endpoint: What is called.
            principal: Who calls.
            path: Decoded path values.

        Returns:
            The headers that tell the caller's own limit; none where the endpoint has none.

        Raises:
            Refusal: 429, with `retry-after` in whole seconds up to the end of the window.
        """
        if not self.enabled:
            return {}
        now = self._now()
        own = self._own(endpoint, principal)
        quotas = [*([own] if own else ()), *self._shared(endpoint, path)]
        full = [quota for quota in quotas if self._spent(quota, now) >= quota.count]
        if full:
            wait = max(self._left(quota, now) for quota in full)
            raise Refusal(
                429,
                "RESOURCE_EXHAUSTED",
                f"{_error_name(full[0].key[0])}Too many requests:"
                f" {full[0].count} in {full[0].seconds:g} s are allowed ({full[0].key[0]}).",
                # What a credential may do is counted by the gateway, what a universe may by the service.
                family=ErrorFamily.GATEWAY if full[0] is own else None,
                headers={**self._headers(own, now), "retry-after": str(wait)},
            )
        for quota in quotas:
            self._used[quota.key] = (int(now // quota.seconds), self._spent(quota, now) + 1)
        return self._headers(own, now)

    def spend(self, endpoint: Endpoint, path: Mapping[str, str], units: int) -> None:
        """Count what a request turned out to cost of its budgets besides the one unit that was charged before it.

        Args:
            endpoint: What was called.
            path: Decoded path values.
            units: How many more; what is not above 0 is nothing.
        """
        if not self.enabled or units <= 0:
            return
        now = self._now()
        for quota in self._shared(endpoint, path):
            self._used[quota.key] = (int(now // quota.seconds), self._spent(quota, now) + units)

    def move(self, size: int, *counted: tuple[ByteLimit, Hashable]) -> None:
        """Count the bytes of a value that is read or written, or refuse it and count nothing.

        Args:
            size: How many bytes.
            counted: The limits that they fall under, each with what it is counted for.

        Raises:
            Refusal: 429, with `retry-after` in whole seconds until there is room.
        """
        if not self.enabled:
            return
        now, kilobytes = self._now(), max(1, math.ceil(size / _KILOBYTE))
        self._forget_moves(now - _MINUTE)
        for limit, key in counted:
            excess = self._moved[limit.name, key] + kilobytes - limit.kilobytes
            if excess > 0:
                raise Refusal(
                    429,
                    "RESOURCE_EXHAUSTED",
                    f"{limit.error}Too many bytes: {limit.kilobytes} KB a minute are allowed ({limit.name}).",
                    headers={"retry-after": str(self._room_after((limit.name, key), excess, now))},
                )
        for limit, key in counted:
            self._moves.append((now, (limit.name, key), kilobytes))
            self._moved[limit.name, key] += kilobytes

    def _forget_moves(self, before: float) -> None:
        while self._moves and self._moves[0][0] <= before:
            _, window, kilobytes = self._moves.popleft()
            self._moved[window] -= kilobytes
            if not self._moved[window]:
                del self._moved[window]

    def _room_after(self, window: tuple[str, Hashable], excess: int, now: float) -> int:
        """Return the whole seconds after which that many kilobytes have left a window."""
        left = now
        for moment, moved, kilobytes in self._moves:
            if moved == window and excess > 0:
                left, excess = moment, excess - kilobytes
        return max(1, math.ceil(left + _MINUTE - now))

    def _own(self, endpoint: Endpoint, principal: Principal) -> _Quota | None:
        if principal.kind is Credential.OAUTH2:
            return _quota(endpoint.oauth_limit, "authorization", principal.credential_id, endpoint.name)
        if principal.kind is Credential.API_KEY:
            return _quota(endpoint.key_limit, "key owner", principal.owner, endpoint.name)
        return None

    def _shared(self, endpoint: Endpoint, path: Mapping[str, str]) -> Iterator[_Quota]:
        for budget in endpoint.budgets:
            values = tuple(path.get(name, "") for name in budget.keyed_by)
            yield _Quota((budget.name, *values), self._grown(budget, path), budget.seconds)

    def _grown(self, budget: Budget, path: Mapping[str, str]) -> int:
        universe = path.get("universe_id") or path.get("universeId") or ""
        return budget.count + budget.per_player * self.players.get(universe, 0)

    def _spent(self, quota: _Quota, now: float) -> int:
        window, used = self._used.get(quota.key, (0, 0))
        return used if window == int(now // quota.seconds) else 0

    def _left(self, quota: _Quota, now: float) -> int:
        return max(1, math.ceil(quota.seconds - now % quota.seconds))

    def _headers(self, quota: _Quota | None, now: float) -> dict[str, str]:
        if quota is None:
            return {}
        return {
            "x-ratelimit-limit": f"{quota.count}, {quota.count};w={quota.seconds:g}",
            "x-ratelimit-remaining": str(max(0, quota.count - self._spent(quota, now))),
            "x-ratelimit-reset": str(self._left(quota, now)),
        }


def _quota(limit: Limit | None, *key: str) -> _Quota | None:
    return None if limit is None else _Quota(key, limit.count, limit.seconds)


def _error_name(budget: str) -> str:
    """Return what Roblox calls a full budget of v2's data stores or memory stores, as the beginning of a message."""
    if budget.startswith("memory-stores"):
        return "TotalRequestsOverLimit: " if budget == "memory-stores" else "DataStructureRequestsOverLimit: "
    family, _, kind = budget.partition("data-stores.v2.")
    return f"{'Ordered' if family else 'Standard'}{kind.title()}ExperienceThrottled: " if kind else ""
