"""Idempotency keys: a request that comes again with the key it had is answered as the first time, and does nothing."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable

from rblxcloud.emulator.errors import json_reply
from rblxcloud.emulator.model import Call, Reply, World
from rblxcloud.emulator.protobuf import invalid
from rblxcloud.emulator.storage_time import parse_time, ticks_at

__all__ = ["LIFETIME", "once"]

LIFETIME = 3600.0
"""Seconds for which a key is known."""


def once(world: World, call: Call, act: Callable[[], Reply]) -> Reply:
    """Answer a request, for the second time as for the first.

    Args:
        world: The emulator's state.
        call: The request, whose arguments were checked.
        act: Does what is asked.

    Raises:
        Refusal: 400 for a key that was first sent longer ago than keys are known, and for one that came before with
            another request.
    """
    key, sent = call.query.get("idempotencyKey.key", ""), call.query.get("idempotencyKey.firstSent", "")
    if sent and not key:
        raise invalid("idempotencyKey.firstSent wants a key beside it.")
    if not key:
        return act()
    if sent and _is_stale(world, sent):
        raise invalid("The idempotency key was first sent too long ago.")
    universe, digest = call.path["universe_id"], _digest(call)
    world.database.execute("DELETE FROM user_restriction_keys WHERE time <= ?", (world.now() - LIFETIME,))
    row = world.database.execute(
        "SELECT request, reply FROM user_restriction_keys WHERE universe = ? AND key = ?", (universe, key)
    ).fetchone()
    if row is not None:
        if row[0] != digest:
            raise invalid("The idempotency key came before, with another request.")
        return json_reply(json.loads(row[1]))
    reply = act()
    world.database.execute(
        "INSERT INTO user_restriction_keys VALUES (?, ?, ?, ?, ?)", (universe, key, world.now(), digest, reply.body)
    )
    return reply


def _is_stale(world: World, sent: str) -> bool:
    """Return whether a key is older than it may be, by the emulator's clock and by the one that nobody moved.

    A caller's clock does not go along when the emulator's is moved.
    """
    ticks = parse_time(sent)
    if ticks is None:
        raise invalid("idempotencyKey.firstSent must be an RFC 3339 time.")
    return all(ticks < ticks_at(now - LIFETIME) for now in (world.now(), world.unmoved()))


def _digest(call: Call) -> str:
    asked = json.dumps([call.endpoint.name, sorted(call.path.items()), call.query.get("updateMask", ""), call.json()])
    return hashlib.sha256(asked.encode()).hexdigest()
