"""Links members of a Discord server to their Roblox accounts.

A member signs in with Roblox on the bot's web page, is shown a code there, and gives it to the bot with `/link`. So
the code goes from the browser of the account's owner to the bot: a link that somebody else passes on links nobody.

It needs `pip install 'rblxcloud[fastapi]' discord.py uvicorn`.

Run it with `DISCORD_TOKEN=... ROBLOX_CLIENT_ID=... ROBLOX_CLIENT_SECRET=... SECRET_KEY=... python
examples/discord_link.py`. SECRET_KEY is random text of 32 characters or more. SITE is where the page is seen from
outside, http://localhost:8000 unless it is set; the application has to have its address with /auth/callback as a
redirect address.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import sqlite3
import sys
import time
from html import escape

import discord
import uvicorn
from discord import app_commands
from fastapi import Depends, FastAPI
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from rblxcloud import OAuth2App, RblxCloudError, SignInRequiredError, UserClient
from rblxcloud.integrations.fastapi import RobloxSignIn

CODE_SECONDS = 600


class Links:
    """Which member is which Roblox account, in a file; and the codes that wait for their members, in memory."""

    def __init__(self, database: str) -> None:
        self._database = sqlite3.connect(database)
        # An account is linked to one member, and a member to one account.
        self._database.execute(
            "CREATE TABLE IF NOT EXISTS links (member INTEGER PRIMARY KEY, account INTEGER UNIQUE, username TEXT)"
        )
        self._codes: dict[str, tuple[int, str, float]] = {}

    def new_code(self, account: int, username: str) -> str:
        """Return a code that links an account to the member who gives it back."""
        now = time.monotonic()
        self._codes = {code: kept for code, kept in self._codes.items() if kept[0] != account and kept[2] > now}
        code = secrets.token_urlsafe(12)
        self._codes[code] = account, username, now + CODE_SECONDS
        return code

    def link(self, member: int, code: str) -> str | None:
        """Link a member to the account of a code, and return the username; None for a code that is not good."""
        account, username, until = self._codes.pop(code.strip(), (0, "", 0.0))
        if until <= time.monotonic():
            return None
        with self._database:
            self._database.execute("DELETE FROM links WHERE account = ?", (account,))
            self._database.execute("INSERT OR REPLACE INTO links VALUES (?, ?, ?)", (member, account, username))
        return username

    def account_of(self, member: int) -> tuple[int, str] | None:
        """Return id and name of a member's account."""
        query = "SELECT account, username FROM links WHERE member = ?"
        found: tuple[int, str] | None = self._database.execute(query, (member,)).fetchone()
        return found

    def unlink(self, member: int) -> None:
        """Forget a member."""
        with self._database:
            self._database.execute("DELETE FROM links WHERE member = ?", (member,))

    def close(self) -> None:
        """Close the file."""
        self._database.close()


def create_site(oauth2: OAuth2App, links: Links, secret_key: str) -> FastAPI:
    """Make the page that members sign in on."""
    sign_in = RobloxSignIn(oauth2, secret_key=secret_key, scope=["openid", "profile"])
    site = FastAPI()
    site.include_router(sign_in.router, prefix="/auth")

    @site.get("/", response_model=None)
    async def index(client: UserClient | None = Depends(sign_in.optional_user)) -> Response:  # noqa: B008
        if client is None:
            return RedirectResponse("/auth/login?next=/", 303)
        try:
            user = await client.fetch_userinfo()
        except SignInRequiredError:
            return RedirectResponse("/auth/login?next=/", 303)
        # Who it is, is all that the bot wants to know: it keeps no tokens.
        await client.sign_out()
        name = user.username or str(user.id)
        code = links.new_code(client.user_id, name)
        return HTMLResponse(
            f"<!DOCTYPE html><html lang=en><title>Link {escape(name)}</title><h1>You are {escape(name)}</h1>"
            f"<p>In Discord, give this to the bot within ten minutes: <code>/link {code}</code></p>"
            "<p>Show the code to nobody: who has it can link your account to theirs.</p>",
            headers={"cache-control": "no-store", "referrer-policy": "no-referrer"},
        )

    return site


class Bot(discord.Client):
    """The bot. Every answer is for the member alone."""

    def __init__(self, links: Links, site: str) -> None:
        super().__init__(intents=discord.Intents.none())
        self.links = links
        self.site = site
        self.tree = app_commands.CommandTree(self)
        self.tree.add_command(link)
        self.tree.add_command(unlink)
        self.tree.add_command(whoami)

    async def setup_hook(self) -> None:
        """Tell Discord of the commands."""
        await self.tree.sync()


@app_commands.command()
async def link(interaction: discord.Interaction[Bot], code: str | None = None) -> None:
    """Link your Roblox account."""
    bot = interaction.client
    if code is None:
        text = f"Sign in at {bot.site} and come back with the code that you see there."
    elif (username := bot.links.link(interaction.user.id, code)) is None:
        text = f"That code is wrong, used or too old. Get another one at {bot.site}"
    else:
        text = f"You are {discord.utils.escape_markdown(username)} on Roblox."
    await interaction.response.send_message(text, ephemeral=True)


@app_commands.command()
async def unlink(interaction: discord.Interaction[Bot]) -> None:
    """Have the bot forget your Roblox account."""
    interaction.client.links.unlink(interaction.user.id)
    await interaction.response.send_message("Your Roblox account is forgotten.", ephemeral=True)


@app_commands.command()
async def whoami(interaction: discord.Interaction[Bot]) -> None:
    """Show which Roblox account is yours."""
    account = interaction.client.links.account_of(interaction.user.id)
    text = "None." if account is None else f"{discord.utils.escape_markdown(account[1])} (id {account[0]})"
    await interaction.response.send_message(text, ephemeral=True)


def required(name: str) -> str:
    """Return a variable of the environment, or end the program."""
    return os.environ.get(name) or sys.exit(f"set {name}: the first lines of {__file__} say how")


async def main() -> None:
    """Run the page and the bot until one of them ends."""
    address = os.environ.get("SITE", "http://localhost:8000")
    token, secret_key = required("DISCORD_TOKEN"), required("SECRET_KEY")
    oauth2 = OAuth2App(required("ROBLOX_CLIENT_ID"), required("ROBLOX_CLIENT_SECRET"), f"{address}/auth/callback")
    links = Links(os.environ.get("LINKS", "links.db"))
    server = uvicorn.Server(uvicorn.Config(create_site(oauth2, links, secret_key), port=8000))
    async with oauth2, Bot(links, address) as bot:
        tasks = [asyncio.create_task(server.serve()), asyncio.create_task(bot.start(token))]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            links.close()


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except RblxCloudError as error:  # SECRET_KEY is too short, say
        sys.exit(f"Not started: {error}")
