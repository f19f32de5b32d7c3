"""A small web service in front of an experience: one client for the whole application.

It needs `pip install rblxcloud fastapi uvicorn`.

Run it with `RBLXCLOUD_API_KEY=... EXPERIENCE_ID=13058 uvicorn examples.fastapi_app:app`.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import Depends, FastAPI, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from rblxcloud import Client, Experience, InvalidRequestError, NotFoundError, RateLimitedError, RblxCloudError

logger = logging.getLogger("fastapi_app")

EXPERIENCE_ID = os.environ.get("EXPERIENCE_ID", "13058")
if not EXPERIENCE_ID.isdecimal():
    sys.exit("set EXPERIENCE_ID to the number of an experience")


class Player(BaseModel):
    """What the game keeps of a player."""

    coins: int = 0


class Grant(BaseModel):
    """A request for coins."""

    coins: int = Field(ge=1, le=1000)


class Announcement(BaseModel):
    """What is shown in every server of the game."""

    text: str = Field(min_length=1, max_length=200)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
    """Open the client with the application, and close it with it."""
    # A web request should not wait for long: rather an error after ten seconds than an answer after a minute.
    async with Client(deadline=10) as client:
        app.state.experience = client.experience(int(EXPERIENCE_ID))
        yield


app = FastAPI(lifespan=lifespan)


def get_experience(request: Request) -> Experience:
    """Return the application's experience."""
    return request.app.state.experience


TheExperience = Annotated[Experience, Depends(get_experience)]


@app.exception_handler(RblxCloudError)
async def answer_error(request: Request, error: RblxCloudError) -> JSONResponse:
    """Tell the caller what is his to know; the rest belongs into the log."""
    if isinstance(error, NotFoundError):
        return JSONResponse({"error": "not found"}, 404)
    if isinstance(error, InvalidRequestError):
        return JSONResponse({"error": str(error)}, 422)
    logger.error("Roblox did not do it", exc_info=error)
    if isinstance(error, RateLimitedError):
        return JSONResponse({"error": "busy"}, 503, {"retry-after": str(round(error.retry_after or 60))})
    return JSONResponse({"error": "Roblox did not answer", "may_have_happened": error.outcome_unknown}, 502)


@app.get("/players/{user_id}")
async def read_player(user_id: int, experience: TheExperience) -> Player:
    """Return what the game keeps of a player."""
    return (await experience.get_data_store("players", model=Player).get(str(user_id))).value


@app.post("/players/{user_id}/coins")
async def grant_coins(user_id: int, grant: Grant, experience: TheExperience) -> Player:
    """Add coins to what a player has."""

    def add(player: Player | None) -> Player:
        return Player(coins=(player.coins if player else 0) + grant.coins)

    entry = await experience.get_data_store("players", model=Player).update(str(user_id), add, users=[user_id])
    assert entry is not None  # `add` never returns None
    return entry.value


@app.post("/announcements", status_code=202)
async def announce(announcement: Announcement, experience: TheExperience) -> None:
    """Show a text in every server of the game."""
    await experience.publish_message("announcements", announcement.text)
