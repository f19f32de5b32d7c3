"""Give players the coins that game servers have put into a queue, each job once although it may come twice.

    RBLXCLOUD_API_KEY=... python examples/queue_worker.py 13058 rewards

A server adds `{"id": HttpService:GenerateGUID(), "user": player.UserId, "coins": 50}` to the queue. Run as many workers
as you like, and stop them whenever you like (Ctrl-C, SIGTERM, a crash): a job that was not finished comes back. A queue
delivers at least once, so the ids of a player's last jobs are kept beside the coins, in the same write.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
import sys
from contextlib import aclosing, suppress

from pydantic import BaseModel, Field, ValidationError

from rblxcloud import Client, DataStore, RblxCloudError

MOST_REMEMBERED = 100
"""Ids of jobs that are kept for a player: more than can come back at the same time."""

logger: logging.Logger = logging.getLogger("queue_worker")


class Job(BaseModel):
    """What a game server asks for."""

    id: str = Field(min_length=1)
    user: int = Field(gt=0)
    coins: int


class Player(BaseModel):
    """What a player has."""

    coins: int = 0
    jobs: list[str] = []
    """The jobs that are among the coins already, the latest last."""


async def give(players: DataStore[Player], job: Job) -> None:
    """Give a player the coins of a job, unless they have been given."""

    def with_coins(player: Player | None) -> Player | None:
        player = player or Player()
        if job.id in player.jobs:
            return None
        return Player(coins=player.coins + job.coins, jobs=[*player.jobs, job.id][-MOST_REMEMBERED:])

    written = await players.update(str(job.user), with_coins, users=[job.user])
    logger.info("job %s: %s", job.id, "done before" if written is None else f"{job.coins} coins for {job.user}")


async def work(experience_id: int, name: str, *, until_empty: bool) -> None:
    """Do the jobs of a queue as they come."""
    async with Client() as client:
        experience = client.experience(experience_id)
        players = experience.get_data_store("players", model=Player)
        async with aclosing(experience.get_queue(name).consume(invisible_for=60, until_empty=until_empty)) as items:
            async for item in items:
                try:
                    job = Job.model_validate(item.value)
                except ValidationError:
                    # It would come back for ever: it is dropped, since this body finishes.
                    logger.exception("item %s is no job", item.id)
                    continue
                await give(players, job)


async def run(experience_id: int, name: str, *, until_empty: bool) -> None:
    """Work until the queue is empty or somebody stops the process."""
    working = asyncio.ensure_future(work(experience_id, name, until_empty=until_empty))
    with suppress(NotImplementedError):  # Windows has no such signal.
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, working.cancel)
    await working


def main() -> int:
    """Run the worker from the command line."""
    parser = argparse.ArgumentParser(description="Give players the coins that a queue asks for.")
    parser.add_argument("experience", type=int, help="universe id")
    parser.add_argument("queue", help="name of the queue")
    parser.add_argument("--until-empty", action="store_true", help="stop when there is nothing left")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        asyncio.run(run(options.experience, options.queue, until_empty=options.until_empty))
    except (KeyboardInterrupt, asyncio.CancelledError):
        print("Stopped; what was not finished comes back.", file=sys.stderr)
    except RblxCloudError as error:
        print(f"Roblox did not do it: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
