"""The keys that Roblox signs ID tokens with: fetched once for many, kept for a while, and kept when Roblox is down."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter

from rblxcloud.endpoints.oauth import CERTS
from rblxcloud.errors import APIResponseError, IDTokenError, RblxCloudError
from rblxcloud.http.binding import Binding
from rblxcloud.http.request import Call
from rblxcloud.http.session import Session
from rblxcloud.resources.base import Model

if TYPE_CHECKING:
    from joserfc.jwk import ECKey

logger: logging.Logger = logging.getLogger("rblxcloud")

FLOOR_SECONDS = 10.0
"""Where there are keys, an unknown key id or a failure makes us ask again no sooner than this."""
_DEADLINE_SECONDS = 20.0


class _KeySet(Model):
    keys: list[dict[str, Any]]


_KEY_SET = TypeAdapter(_KeySet)


class SigningKeys:
    """Roblox's signing keys by their ids; tasks, threads and event loops may share it.

    Args:
        binding: Where the session comes from.
        cache_seconds: How long a fetched key is good without asking again.
    """

    def __init__(self, binding: Binding, cache_seconds: float) -> None:
        self._binding = binding
        self._cache_seconds = cache_seconds
        self._keys: dict[str, ECKey] = {}
        self._fetched: float | None = None
        self._tried: float | None = None
        self._fetches = 0
        self._failure: RblxCloudError | None = None

    async def find(self, kid: str) -> ECKey:
        """Return a key, fetching the keys when they are old or this one is not among them.

        Args:
            kid: Id of the key.

        Raises:
            IDTokenError: Roblox has no such key, or the keys could not be fetched.
        """
        session = self._binding.get()
        if not self._is_due(kid, session.runtime.monotonic()):
            return self._pick(kid)
        fetches = self._fetches
        async with session.runtime.exclusive(("signing keys", id(self))):
            # Who waited takes what became of the fetch that it waited for.
            if self._fetches == fetches:
                await self._fetch(session)
        return self._pick(kid)

    def _is_due(self, kid: str, now: float) -> bool:
        if not self._keys or self._fetched is None or self._tried is None:
            return True
        if kid in self._keys:
            if now - self._fetched < self._cache_seconds:
                return False
            if self._failure is None:
                return True
        return now - self._tried >= FLOOR_SECONDS

    def _pick(self, kid: str) -> ECKey:
        key = self._keys.get(kid)
        if key is not None:
            return key
        if self._failure is not None:
            raise IDTokenError(
                "keys", f"Roblox's signing keys could not be fetched: {self._failure}"
            ) from self._failure
        raise IDTokenError("kid", "the token names a signing key that Roblox does not publish")

    async def _fetch(self, session: Session) -> None:
        options = replace(session.settings.options, deadline=_DEADLINE_SECONDS)
        try:
            answer = await session.with_options(options).request(Call(CERTS, anonymous=True), _KEY_SET)
            self._keys = _usable(answer.keys)
        except RblxCloudError as error:
            self._failure = error.with_traceback(None)
            if self._keys:
                logger.warning("Roblox's signing keys could not be fetched; the ones at hand are used: %s", error)
        else:
            self._failure = None
            self._fetched = session.runtime.monotonic()
        self._tried = session.runtime.monotonic()
        self._fetches += 1


def _usable(keys: list[dict[str, Any]]) -> dict[str, ECKey]:
    """Leave out keys of other kinds: Roblox may publish some one day.

    Raises:
        APIResponseError: None is left.
    """
    from joserfc.errors import JoseError
    from joserfc.jwk import ECKey

    found: dict[str, ECKey] = {}
    for key in keys:
        kid = key.get("kid")
        fits = key.get("kty") == "EC" and key.get("crv") == "P-256" and "d" not in key
        if not fits or not isinstance(kid, str) or key.get("alg", "ES256") != "ES256" or key.get("use", "sig") != "sig":
            continue
        try:
            found[kid] = ECKey.import_key(key)
        except (JoseError, ValueError, TypeError):
            continue
    if not found:
        raise APIResponseError(f"{CERTS.name} answered without a usable key", endpoint=CERTS.name)
    return found
