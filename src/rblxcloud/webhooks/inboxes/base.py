"""What keeps webhooks until they are handled, and remembers those that were.

There is a row for each event. It is *due* until its handler has finished: at once when it was added, and later when it
is to be tried again. Whoever handles it takes a *lease* first, which puts off when it is due; while it is renewed,
nobody else gets the event, and when its holder dies, the event is due again by itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class StoredWebhook:
    """An event that was leased."""

    key: str
    """Which event."""
    body: bytes = field(repr=False)
    """The body of the request that brought it, whose signature was checked."""
    attempts: int
    """How often it was leased, this time included."""


class WebhookInbox(Protocol):
    """Keeps webhooks. Plain functions, which asynchronous programs call in worker threads.

    Each method is one atomic step, and short: no connection or transaction outlives it. Threads and processes may call
    them at once. Moments are reckoned by the inbox's own clock where it has one, since machines' clocks differ.
    """

    def add(self, key: str, body: bytes) -> bool:
        """Keep an event, due at once, and return True. False, and nothing changes, when its key is there already.

        It is safely kept when this returns: Roblox is told so.
        """
        ...

    def lease(self, holder: str, seconds: float) -> StoredWebhook | None:
        """Take the lease of the event that has been due for the longest, count the attempt, and return the event.

        None, and nothing changes, when none is due. It is due again after `seconds`.
        """
        ...

    def renew(self, key: str, holder: str, seconds: float) -> bool:
        """Let a lease last for `seconds` from now. False, and nothing changes, when `holder` does not have it."""
        ...

    def release(self, key: str, holder: str, *, delay: float) -> None:
        """Give a lease back where `holder` has it: the event is due again after `delay` seconds."""
        ...

    def finish(self, key: str) -> None:
        """Note that an event was handled, whoever holds its lease, and forget its body."""
        ...

    def purge(self, seconds: float) -> int:
        """Forget the events that were handled longer than that ago, and return how many."""
        ...
