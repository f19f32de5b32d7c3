"""A Discord bot that looks players up and talks to the servers of an experience.

It needs `pip install rblxcloud discord.py`.

Run it with `DISCORD_TOKEN=... RBLXCLOUD_API_KEY=... EXPERIENCE_ID=13058 python examples/discord_bot.py`.
"""

from __future__ import annotations

import logging
import os
import sys

import discord
from discord import app_commands

from rblxcloud import Client, NotFoundError, RblxCloudError

logger = logging.getLogger("discord_bot")


class Bot(discord.Client):
    """The bot and the client that it speaks to Roblox with: opened and closed together."""

    def __init__(self, experience_id: int) -> None:
        super().__init__(intents=discord.Intents.none())
        self.roblox = Client(deadline=10)
        self.experience = self.roblox.experience(experience_id)
        self.tree = app_commands.CommandTree(self)
        self.tree.add_command(coins)
        self.tree.add_command(announce)
        self.tree.error(answer_error)

    async def setup_hook(self) -> None:
        """Tell Discord of the commands."""
        await self.tree.sync()

    async def close(self) -> None:
        """Close both."""
        await super().close()
        await self.roblox.aclose()


@app_commands.command()
async def coins(interaction: discord.Interaction[Bot], user_id: int) -> None:
    """Show how many coins a player has."""
    # Discord wants to hear something within three seconds.
    await interaction.response.defer(thinking=True)
    try:
        player, _ = await interaction.client.experience.get_data_store("players").get(str(user_id))
    except NotFoundError:
        await interaction.followup.send(f"Player {user_id} has never played.")
    else:
        await interaction.followup.send(f"Player {user_id} has {player['coins']} coins.")


@app_commands.command()
@app_commands.default_permissions(manage_guild=True)
async def announce(interaction: discord.Interaction[Bot], text: app_commands.Range[str, 1, 200]) -> None:
    """Show a text in every server of the game."""
    await interaction.response.defer(thinking=True)
    await interaction.client.experience.publish_message("announcements", text)
    await interaction.followup.send("Sent to every server.")


async def answer_error(interaction: discord.Interaction[Bot], error: app_commands.AppCommandError) -> None:
    """Say what is for everyone to know; the rest belongs into the log."""
    cause = error.__cause__
    if not isinstance(cause, RblxCloudError):
        raise error
    logger.error("Roblox did not do it", exc_info=cause)
    advice = "It may have happened all the same." if cause.outcome_unknown else "Nothing was changed."
    await interaction.followup.send(f"Roblox did not do it. {advice}")


def main() -> None:
    """Run the bot until it is stopped."""
    token, experience_id = os.environ.get("DISCORD_TOKEN"), os.environ.get("EXPERIENCE_ID", "13058")
    if not token:
        sys.exit("set DISCORD_TOKEN to the bot's token")
    if not experience_id.isdecimal():
        sys.exit("set EXPERIENCE_ID to the number of an experience")
    try:
        bot = Bot(int(experience_id))
    except RblxCloudError as error:  # no API key, say
        sys.exit(f"Not started: {error}")
    bot.run(token)


if __name__ == "__main__":
    main()
