"""Cross-server messaging: an ordered log of what was published, instead of game servers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rblxcloud.emulator.model import Call, Handler, Refusal, Reply, World
from rblxcloud.endpoints.messaging import PUBLISH_MESSAGE, V1_PUBLISH_MESSAGE
from rblxcloud.endpoints.model import Endpoint

__all__ = ["HANDLERS", "SCHEMA", "Message", "published"]

SCHEMA = """
CREATE TABLE IF NOT EXISTS messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    time REAL NOT NULL,
    universe TEXT NOT NULL,
    topic TEXT NOT NULL,
    message TEXT NOT NULL,
    principal TEXT NOT NULL
);
"""

MAX_TOPIC = 80
MAX_MESSAGE = 1024


@dataclass(frozen=True, slots=True)
class Message:
    """A message that was published."""

    id: int
    """Counts the messages, in the order in which they were published."""
    time: float
    """Seconds since 1970 UTC on the emulator's clock."""
    universe: str
    """Id of the universe."""
    topic: str
    message: str
    principal: str
    """Owner of the credential, such as `users/1`."""


def published(
    world: World, *, after: int = 0, universe: str | None = None, topic: str | None = None, limit: int | None = None
) -> list[Message]:
    """Return the messages there are, oldest first.

    Args:
        world: The emulator's state.
        after: Only those with a greater id.
        universe: Only those of this universe.
        topic: Only those to this topic.
        limit: At most that many; None for all.
    """
    rows = world.database.execute(
        "SELECT id, time, universe, topic, message, principal FROM messages WHERE id > :after"
        " AND (:universe IS NULL OR universe = :universe) AND (:topic IS NULL OR topic = :topic)"
        " ORDER BY id LIMIT :limit",
        {"after": after, "universe": universe, "topic": topic, "limit": -1 if limit is None else limit},
    )
    return [Message(*row) for row in rows]


def _publish(world: World, call: Call) -> Reply:
    body = call.json_object()
    return _accept(world, call, call.path["universe_id"], body.get("topic"), body.get("message"))


def _publish_v1(world: World, call: Call) -> Reply:
    message = call.json_object().get("message")
    return _accept(world, call, call.path["universeId"], call.path["topic"], message)


def _accept(world: World, call: Call, universe: str, topic: object, message: object) -> Reply:
    topic = _text("topic", topic, MAX_TOPIC)
    message = _text("message", message, MAX_MESSAGE)
    row = (world.now(), universe, topic, message, call.principal.owner)
    cursor = world.database.execute(
        "INSERT INTO messages (time, universe, topic, message, principal) VALUES (?, ?, ?, ?, ?)", row
    )
    world.events.append(Message(cursor.lastrowid or 0, *row))
    return Reply()


def _text(name: str, value: object, longest: int) -> str:
    if not isinstance(value, str) or not 1 <= len(value) <= longest:
        raise Refusal(400, "INVALID_ARGUMENT", f"The {name} must be a text of 1 to {longest} characters.")
    return value


HANDLERS: Mapping[Endpoint, Handler] = {PUBLISH_MESSAGE: _publish, V1_PUBLISH_MESSAGE: _publish_v1}
