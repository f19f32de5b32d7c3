"""examples/discord_bot.py: its commands, called as Discord calls them, without Discord."""

from __future__ import annotations

import warnings
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any
from unittest.mock import AsyncMock

import pytest

with warnings.catch_warnings():
    # discord.py still imports audioop.
    warnings.simplefilter("ignore", DeprecationWarning)
    from discord import app_commands

from examples.discord_bot import Bot, announce, answer_error, coins
from rblxcloud import AuthenticationError, Client, ConfigurationError
from rblxcloud.emulator import Emulator
from rblxcloud.emulator.faults import Fault


@pytest.fixture
def anyio_backend() -> str:
    """discord.py runs on asyncio."""
    return "asyncio"


@pytest.fixture
async def bot(rblxcloud_emulator: Emulator, anyio_backend: str) -> AsyncIterator[Bot]:
    """The bot, not signed in to Discord."""
    async with Bot(13058) as bot:
        yield bot


def interaction(bot: Bot) -> Any:
    """What Discord passes to a command, as far as the commands look at it."""
    return SimpleNamespace(client=bot, response=AsyncMock(), followup=AsyncMock())


def said(asked: Any) -> str:
    asked.response.defer.assert_awaited_once()
    asked.followup.send.assert_awaited_once()
    return str(asked.followup.send.await_args.args[0])


@pytest.mark.anyio
async def test_coins_of_a_player(bot: Bot) -> None:
    async with Client() as client:
        await client.experience(13058).get_data_store("players").set("156", {"coins": 12})
    asked = interaction(bot)
    await coins.callback(asked, 156)  # type: ignore[arg-type,call-arg]
    assert said(asked) == "Player 156 has 12 coins."


@pytest.mark.anyio
async def test_a_player_who_never_played(bot: Bot) -> None:
    asked = interaction(bot)
    await coins.callback(asked, 156)  # type: ignore[arg-type,call-arg]
    assert said(asked) == "Player 156 has never played."


@pytest.mark.anyio
async def test_an_announcement_reaches_the_servers(bot: Bot, rblxcloud_emulator: Emulator) -> None:
    asked = interaction(bot)
    await announce.callback(asked, "double coins")  # type: ignore[arg-type,call-arg]
    assert said(asked) == "Sent to every server."
    assert [message.message for message in rblxcloud_emulator.messages(topic="announcements")] == ["double coins"]


@pytest.mark.anyio
@pytest.mark.parametrize(("acts", "advice"), [(True, "It may have happened"), (False, "Nothing was changed")])
async def test_a_failure_says_whether_it_may_have_happened(
    bot: Bot, rblxcloud_emulator: Emulator, acts: bool, advice: str
) -> None:
    fault = Fault(kind="drop", acts=True) if acts else Fault(kind="answer", status=403)
    rblxcloud_emulator.faults.add(fault)
    asked = interaction(bot)
    with pytest.raises(app_commands.CommandInvokeError) as caught:
        await announce._do_call(asked, {"text": "hello"})  # type: ignore[arg-type]  # as discord.py calls it
    await answer_error(asked, caught.value)
    assert advice in said(asked)


@pytest.mark.anyio
async def test_the_log_says_what_discord_is_not_told(
    bot: Bot, rblxcloud_emulator: Emulator, caplog: pytest.LogCaptureFixture
) -> None:
    rblxcloud_emulator.faults.add(Fault(kind="answer", status=401))
    asked = interaction(bot)
    with pytest.raises(app_commands.CommandInvokeError) as caught:
        await announce._do_call(asked, {"text": "hello"})  # type: ignore[arg-type]  # as discord.py calls it
    await answer_error(asked, caught.value)
    assert said(asked) == "Roblox did not do it. Nothing was changed."
    (record,) = [record for record in caplog.records if record.levelname == "ERROR"]
    assert record.exc_info
    assert isinstance(record.exc_info[1], AuthenticationError)


@pytest.mark.anyio
async def test_closing_the_bot_closes_the_client(rblxcloud_emulator: Emulator) -> None:
    async with Bot(13058) as bot:
        await bot.experience.publish_message("topic", "hello")
    with pytest.raises(ConfigurationError):
        await bot.experience.publish_message("topic", "hello")


@pytest.mark.anyio
async def test_commands_are_told_to_discord(bot: Bot, monkeypatch: pytest.MonkeyPatch) -> None:
    sync = AsyncMock()
    monkeypatch.setattr(bot.tree, "sync", sync)
    await bot.setup_hook()
    sync.assert_awaited_once()
    assert {command.name for command in bot.tree.get_commands()} == {"coins", "announce"}
