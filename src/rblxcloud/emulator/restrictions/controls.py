"""What a test says to an emulator of its bans."""

from __future__ import annotations

from itertools import islice

from rblxcloud.emulator.controls import Controls
from rblxcloud.emulator.protobuf import LONGEST_DURATION
from rblxcloud.emulator.restrictions import table
from rblxcloud.emulator.restrictions.rooms import LONGEST_DISPLAY_REASON, LONGEST_PRIVATE_REASON
from rblxcloud.emulator.restrictions.table import EVERYWHERE, Log, Terms

__all__ = ["RestrictionControls"]


class RestrictionControls(Controls):
    """An emulator's bans, as a game's scripts and moderators see and make them."""

    def ban(
        self,
        universe: int,
        user: int,
        *,
        place: int | None = None,
        duration: int | None = None,
        private_reason: str = "",
        display_reason: str = "",
        exclude_alt_accounts: bool = False,
        moderator: int | None = None,
    ) -> None:
        """Ban a user, as a script on a game server or a moderator does.

        Args:
            universe: Id of the universe.
            user: Id of the user.
            place: Id of the place; None for the whole experience.
            duration: Seconds; None for good.
            private_reason: Why, for the creators.
            display_reason: Why, as the user reads it.
            exclude_alt_accounts: Whether other accounts of the same person may join.
            moderator: Id of the user who does it; None for a script.

        Raises:
            ValueError: For a duration or a reason that Roblox would not take.
        """
        if duration is not None and not 1 <= duration <= LONGEST_DURATION:
            raise ValueError(f"duration is from 1 to {LONGEST_DURATION} seconds")
        if len(private_reason) > LONGEST_PRIVATE_REASON or len(display_reason) > LONGEST_DISPLAY_REASON:
            raise ValueError(f"reasons have at most {LONGEST_PRIVATE_REASON} and {LONGEST_DISPLAY_REASON} characters")
        with self._transaction():
            terms = Terms(True, duration, private_reason, display_reason, exclude_alt_accounts)
            table.lay(self._world, str(universe), _where(place), user, terms, moderator)

    def unban(self, universe: int, user: int, *, place: int | None = None, moderator: int | None = None) -> None:
        """Let a user join again.

        Args:
            universe: Id of the universe.
            user: Id of the user.
            place: Id of the place; None for the whole experience.
            moderator: Id of the user who does it; None for a script.
        """
        with self._transaction():
            table.lay(self._world, str(universe), _where(place), user, Terms(), moderator)

    def is_banned(self, universe: int, user: int, *, place: int | None = None) -> bool:
        """Return whether a user may not join now.

        Args:
            universe: Id of the universe.
            user: Id of the user.
            place: Id of the place that the user wants to join; None for what holds in the whole experience.
        """
        with self._transaction():
            ban = table.in_force(self._world, str(universe), _where(place), user)
            return ban.terms.holds(self._world.now())

    def logs(
        self, universe: int, *, user: int | None = None, place: int | None = None, limit: int | None = None
    ) -> list[Log]:
        """Return what was done, the newest first.

        Args:
            universe: Id of the universe.
            user: Only what was done to this user.
            place: Only what was done in this place.
            limit: At most that many; None for all.
        """
        with self._transaction():
            return [*islice(table.logs(self._world, str(universe), user=user, place=place), limit)]


def _where(place: int | None) -> str:
    return EVERYWHERE if place is None else str(place)
