"""Give a player coins: a blocking script with a typed data store, a leaderboard and a message to the game's servers.

Run it with `RBLXCLOUD_API_KEY=... python examples/script.py 13058 287113233 50`.
"""

from __future__ import annotations

import argparse
import sys

from pydantic import BaseModel

from rblxcloud import RblxCloudError
from rblxcloud.sync import Client, Experience


class Player(BaseModel):
    """What the game keeps of a player."""

    coins: int = 0
    badges: list[str] = []


def grant(experience: Experience, user_id: int, coins: int) -> Player:
    """Add coins to what a player has, whoever else writes at the same time."""
    players = experience.get_data_store("players", model=Player)

    def add(player: Player | None) -> Player:
        player = player or Player()
        return player.model_copy(update={"coins": player.coins + coins})

    entry = players.update(str(user_id), add, users=[user_id])
    assert entry is not None  # `add` never returns None
    return entry.value


def announce(experience: Experience, user_id: int, coins: int) -> None:
    """Tell the leaderboard and the game's servers how many coins a player has; doing it twice does no harm."""
    experience.get_ordered_data_store("richest").set(str(user_id), coins)
    experience.publish_message("coins", {"user": user_id, "coins": coins})


def main() -> int:
    """Run the script."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("experience", type=int, help="universe id")
    parser.add_argument("user", type=int, help="user id")
    parser.add_argument("coins", type=int)
    args = parser.parse_args()
    player: Player | None = None
    try:
        with Client() as client:
            experience = client.experience(args.experience)
            player = grant(experience, args.user, args.coins)
            announce(experience, args.user, player.coins)
            print(f"User {args.user} has {player.coins} coins.")
            for place, entry in enumerate(
                experience.get_ordered_data_store("richest").sorted(descending=True, limit=3), 1
            ):
                print(f"{place}. {entry.id}: {entry.value}")
    except RblxCloudError as error:
        print(f"It failed: {error}", file=sys.stderr)
        if player is not None:
            print(f"User {args.user} has {player.coins} coins with these: do not give them again.", file=sys.stderr)
            print("With 0 coins, only the leaderboard and the message are repeated.", file=sys.stderr)
        elif error.outcome_unknown:
            print("It may have happened all the same: look before you run it again.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
