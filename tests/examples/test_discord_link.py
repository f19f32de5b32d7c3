"""examples/discord_link.py: from the web page to the bot's command, without Discord."""

from __future__ import annotations

import re
import warnings
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import AsyncMock

import httpx
import pytest

with warnings.catch_warnings():
    # discord.py still imports audioop.
    warnings.simplefilter("ignore", DeprecationWarning)
    from examples import discord_link
    from examples.discord_link import Bot, Links, create_site, link, unlink, whoami

from rblxcloud import OAuth2App
from rblxcloud.emulator import Emulator

SITE = "http://localhost:8000"
MEMBER, OTHER = 9001, 9002


@pytest.fixture
def anyio_backend() -> str:
    """FastAPI and discord.py run on asyncio."""
    return "asyncio"


@pytest.fixture
def links(tmp_path: Path) -> Iterator[Links]:
    links = Links(str(tmp_path / "links.db"))
    yield links
    links.close()


@pytest.fixture
async def bot(links: Links, anyio_backend: str) -> AsyncIterator[Bot]:
    async with Bot(links, SITE) as bot:
        yield bot


@pytest.fixture
async def page(rblxcloud_emulator: Emulator, links: Links, anyio_backend: str) -> AsyncIterator[httpx.AsyncClient]:
    """A browser at the bot's page."""
    async with OAuth2App("1234567890", "emulator-secret", f"{SITE}/auth/callback") as oauth2:
        site = httpx.ASGITransport(create_site(oauth2, links, "k" * 32))
        async with httpx.AsyncClient(transport=site, base_url=SITE) as browser:
            yield browser


async def get_code(page: httpx.AsyncClient, emulator: Emulator, user: int) -> str:
    """Sign in on the page, and return the code that it shows."""
    login = await page.get("/")
    consent = await page.get(login.headers["location"])
    back = await page.get(emulator.oauth.approve(consent.headers["location"], user=user))
    shown = await page.get(back.headers["location"])
    assert f"You are user{user}" in shown.text
    code = re.search(r"<code>/link (\S+)</code>", shown.text)
    assert code
    return code[1]


async def say(bot: Bot, command: Any, *arguments: object, member: int = MEMBER) -> str:
    """Give the bot a command, and return its answer."""
    asked = SimpleNamespace(client=bot, user=SimpleNamespace(id=member), response=AsyncMock())
    await command.callback(asked, *arguments)
    asked.response.send_message.assert_awaited_once()
    assert asked.response.send_message.await_args.kwargs == {"ephemeral": True}
    return str(asked.response.send_message.await_args.args[0])


@pytest.mark.anyio
async def test_a_member_links_an_account(bot: Bot, page: httpx.AsyncClient, rblxcloud_emulator: Emulator) -> None:
    assert SITE in await say(bot, link)
    assert await say(bot, whoami) == "None."
    code = await get_code(page, rblxcloud_emulator, 42)
    assert await say(bot, link, code) == "You are user42 on Roblox."
    assert await say(bot, whoami) == "user42 (id 42)"
    await say(bot, unlink)
    assert await say(bot, whoami) == "None."


@pytest.mark.anyio
async def test_the_bot_keeps_no_tokens(page: httpx.AsyncClient, rblxcloud_emulator: Emulator) -> None:
    await get_code(page, rblxcloud_emulator, 42)
    (authorization,) = rblxcloud_emulator.oauth.authorizations()
    assert authorization.ended_at is not None
    again = await page.get("/")
    assert again.headers["location"] == "/auth/login?next=/"


@pytest.mark.anyio
async def test_a_code_works_once(bot: Bot, page: httpx.AsyncClient, rblxcloud_emulator: Emulator) -> None:
    code = await get_code(page, rblxcloud_emulator, 42)
    await say(bot, link, code)
    assert "wrong, used or too old" in await say(bot, link, code, member=OTHER)
    assert await say(bot, whoami, member=OTHER) == "None."


@pytest.mark.anyio
async def test_a_code_is_good_for_ten_minutes(bot: Bot, links: Links, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(discord_link, "time", SimpleNamespace(monotonic=lambda: now))
    late, punctual = links.new_code(42, "user42"), links.new_code(43, "user43")
    now += 599.0
    assert await say(bot, link, punctual) == "You are user43 on Roblox."
    now += 1.0
    assert "wrong, used or too old" in await say(bot, link, late)


@pytest.mark.anyio
async def test_a_newer_code_replaces_the_older_one(bot: Bot, links: Links) -> None:
    older = links.new_code(42, "user42")
    links.new_code(42, "user42")
    assert "wrong, used or too old" in await say(bot, link, older)


@pytest.mark.anyio
async def test_an_account_belongs_to_one_member(bot: Bot, links: Links) -> None:
    await say(bot, link, links.new_code(42, "user42"))
    await say(bot, link, links.new_code(42, "user42"), member=OTHER)
    assert await say(bot, whoami) == "None."
    assert await say(bot, whoami, member=OTHER) == "user42 (id 42)"


def test_links_outlive_the_program(tmp_path: Path) -> None:
    for step in ("write", "read"):
        links = Links(str(tmp_path / "links.db"))
        if step == "write":
            links.link(MEMBER, links.new_code(42, "user42"))
        else:
            assert links.account_of(MEMBER) == (42, "user42")
        links.close()
