"""Tokens in Redis: each step is a Lua script, which nothing comes in between."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from inspect import iscoroutinefunction
from typing import Any, cast

from rblxcloud.errors import ConfigurationError, TokenStoreError
from rblxcloud.oauth2.stores.base import StoredToken, TokenKey, first_generation, new_sign_in_id
from rblxcloud.types import TokenPair

try:
    from redis import Redis
    from redis.exceptions import RedisError
except ImportError as _missing:
    raise ConfigurationError("tokens in Redis need an extra: pip install 'rblxcloud[redis]'") from _missing

_SECONDS = 5.0
"""How long Redis may take to answer."""

_COMMON = """
local key, fields = KEYS[1], {'token', 'refresh_token', 'scope', 'expires_at', 'generation', 'attempts', 'ended',
    'lease_holder', 'lease_until', 'sign_in_id'}
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000
local row, exists = {}, redis.call('EXISTS', key) == 1
for place, value in ipairs(redis.call('HMGET', key, unpack(fields))) do row[fields[place]] = value end
local function is(generation) return exists and row.generation == generation end
local function leased() return row.lease_holder ~= '' and tonumber(row.lease_until) > now end
local function put(values)
    for name, value in pairs(values) do row[name] = value; redis.call('HSET', key, name, value) end
end
local function told()
    if not exists then return false end
    row.leased = leased()
    row.lease_holder = nil
    row.lease_until = nil
    return cjson.encode(row)
end
local function tokens(generation)
    put({token = ARGV[2], refresh_token = ARGV[3], scope = ARGV[4], expires_at = ARGV[5], generation = generation,
        attempts = '0', ended = '0', lease_holder = '', lease_until = '0'})
end
local function plus_one(number) return string.format('%.0f', tonumber(number) + 1) end
"""
_SAVE = (
    _COMMON
    + """
if not exists then put({sign_in_id = ARGV[6]}) end
tokens(exists and plus_one(row.generation) or ARGV[1])
"""
)
_LOAD = _COMMON + "return told()"
_LEASE = (
    _COMMON
    + """
local holder, mine = ARGV[2], row.lease_holder == ARGV[2]
if not is(ARGV[1]) or row.ended == '1' or (leased() and not mine) then return false end
if not mine then put({attempts = plus_one(row.attempts)}) end
put({lease_holder = holder, lease_until = string.format('%.6f', now + tonumber(ARGV[3]))})
return told()
"""
)
_REPLACE = _COMMON + "if not is(ARGV[1]) then return 0 end tokens(plus_one(ARGV[1])) return 1"
_RELEASE = (
    _COMMON
    + """
if not exists or row.lease_holder ~= ARGV[1] then return end
put({lease_holder = '', lease_until = '0'})
if ARGV[2] == '1' then put({attempts = string.format('%.0f', tonumber(row.attempts) - 1)}) end
"""
)
_END = (
    _COMMON
    + """
if not is(ARGV[1]) or row.lease_holder ~= ARGV[2] then return 0 end
put({ended = '1', lease_holder = '', lease_until = '0'})
return 1
"""
)
_DELETE = _COMMON + "local was = told() redis.call('DEL', key) return was"


class RedisTokenStore:
    """Keeps tokens in Redis, a hash for each user; its clock is what leases are reckoned by.

    A pair that Redis forgets is lost: let it write every change to its file (`appendonly yes`, `appendfsync always`),
    and throw no keys of this prefix out (`maxmemory-policy noeviction`).

    Args:
        redis: An address such as `redis://localhost:6379/0`, or a client of redis-py's.
        prefix: What the names of the keys begin with.

    Raises:
        ConfigurationError: The address cannot be used, or it is no client, or one for asyncio.
    """

    def __init__(self, redis: str | Redis, *, prefix: str = "rblxcloud:tokens") -> None:
        self._prefix = prefix
        try:
            self._redis: Any = _open(redis) if isinstance(redis, str) else _check_client(redis)
        except ValueError as error:
            raise ConfigurationError(f"redis: {error}") from None

    def __repr__(self) -> str:
        """Show the prefix; an address may hold a password."""
        return f"<{type(self).__name__} {self._prefix}>"

    def close(self) -> None:
        """Close the idle connections; the store can be used again."""
        self._redis.connection_pool.disconnect()

    def save(self, key: TokenKey, pair: TokenPair) -> None:
        """Store the tokens of a user who has just signed in; see `TokenStore.save`."""
        self._run(_SAVE, key, first_generation(), *_tokens(pair), new_sign_in_id())

    def load(self, key: TokenKey) -> StoredToken | None:
        """Return a row; see `TokenStore.load`."""
        return _stored(key, self._run(_LOAD, key))

    def lease(self, key: TokenKey, generation: int, holder: str, seconds: float) -> StoredToken | None:
        """Take the lease; see `TokenStore.lease`."""
        return _stored(key, self._run(_LEASE, key, generation, holder, seconds))

    def replace(self, key: TokenKey, generation: int, pair: TokenPair) -> bool:
        """Store what a refresh brought; see `TokenStore.replace`."""
        return bool(self._run(_REPLACE, key, generation, *_tokens(pair)))

    def release(self, key: TokenKey, holder: str, *, undo: bool) -> None:
        """Give the lease back; see `TokenStore.release`."""
        self._run(_RELEASE, key, holder, int(undo))

    def end(self, key: TokenKey, generation: int, holder: str) -> bool:
        """Mark the row as ended; see `TokenStore.end`."""
        return bool(self._run(_END, key, generation, holder))

    def delete(self, key: TokenKey) -> StoredToken | None:
        """Forget a user; see `TokenStore.delete`."""
        return _stored(key, self._run(_DELETE, key))

    def users(self, client_id: str) -> list[int]:
        """Return the ids of the users that have a row; see `TokenStore.users`."""
        start = self._name(TokenKey(client_id, 0)).removesuffix("0")
        try:
            found = cast("Iterator[str | bytes]", self._redis.scan_iter(match=f"{_escaped(start)}*", count=1000))
            names = [name.decode() if isinstance(name, bytes) else name for name in found]
        except RedisError as error:
            raise _failure(error) from error
        return sorted({int(name.removeprefix(start)) for name in names})

    def _name(self, key: TokenKey) -> str:
        return f"{self._prefix}:{key.client_id}:{key.user_id}"

    def _run(self, script: str, key: TokenKey, *arguments: object) -> Any:
        try:
            return self._redis.register_script(script)(keys=[self._name(key)], args=list(arguments))
        except RedisError as error:
            raise _failure(error) from error


def _open(address: str) -> Any:
    """Return a client. What stands in the address counts more than these timeouts, which older versions lack."""
    return cast("Any", Redis).from_url(address, socket_timeout=_SECONDS, socket_connect_timeout=_SECONDS)


def _check_client(client: object) -> object:
    """Return a client; one of a cluster or of a test is of another class than `Redis`.

    Raises:
        ConfigurationError: It is none, or one for asyncio.
    """
    if isinstance(client, type) or not callable(getattr(client, "register_script", None)):
        problem = f"redis: is of type {type(client).__name__}; it takes an address, or a client of redis-py's"
        raise ConfigurationError(problem)
    if iscoroutinefunction(getattr(client, "execute_command", None)):
        raise ConfigurationError("redis: the client is for asyncio; use a blocking one")
    return client


def _failure(error: RedisError) -> TokenStoreError:
    return TokenStoreError(f"Redis failed: {error}")


def _escaped(text: str) -> str:
    return "".join(f"\\{character}" if character in "*?[]^\\" else character for character in text)


def _tokens(pair: TokenPair) -> tuple[str, str, str, str]:
    return pair.token, pair.refresh_token, " ".join(pair.scope), repr(pair.expires_at.timestamp())


def _stored(key: TokenKey, answer: str | bytes | None) -> StoredToken | None:
    if not answer:
        return None
    row: dict[str, Any] = json.loads(answer)
    expires_at = datetime.fromtimestamp(float(row["expires_at"]), UTC)
    pair = TokenPair(row["token"], row["refresh_token"], tuple(row["scope"].split()), expires_at)
    return StoredToken(
        key,
        pair,
        generation=int(row["generation"]),
        attempts=int(row["attempts"]),
        ended=row["ended"] == "1",
        leased=row["leased"],
        sign_in_id=row["sign_in_id"],
    )
