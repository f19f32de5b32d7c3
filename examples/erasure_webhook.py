"""Honours right-to-erasure requests: removes what data stores keep of a user, when Roblox says so by a webhook.

It needs `pip install 'rblxcloud[fastapi,sql]' uvicorn`.

Run it with `RBLXCLOUD_API_KEY=... WEBHOOK_SECRET=... uvicorn --factory examples.erasure_webhook:from_environment`, and
enter its public https address with /webhooks/roblox in the Creator Dashboard. Requests wait in the database INBOX
(sqlite:///erasure.db), so that none is lost when the program or Roblox is down. ERASURE_CONFIG (erasure.toml) says
which keys hold a user's data; look twice, since a key that is misspelt looks like one that is not there:

    [[experiences]]
    universe = 13058
    start_place = 13059
    keys = [
        { store = "players", key = "Player_{UserId}" },
        { store = "settings", key = "{UserId}", scope = "v2" },
        { store = "coins", key = "{UserId}", ordered = true },
    ]
"""

from __future__ import annotations

import logging
import os
import sys
import tomllib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict, Field, PositiveInt, field_validator

from rblxcloud import (
    Client,
    NotFoundError,
    RblxCloudError,
    RightToErasureRequest,
    Webhook,
    WebhookInbox,
    WebhookReceiver,
)
from rblxcloud.integrations.fastapi import webhook_router
from rblxcloud.webhooks import SQLWebhookInbox

logger = logging.getLogger("erasure")


class Settings(BaseModel):
    """A part of the configuration, in which a misspelt name is refused."""

    model_config = ConfigDict(extra="forbid")


class Key(Settings):
    """An entry that holds data of one user."""

    store: str
    key: str = Field(pattern=r"\{UserId\}")
    scope: str = "global"
    ordered: bool = False


class Place(Settings):
    """An experience, and the start place by which Roblox names it in a request."""

    universe: PositiveInt
    start_place: PositiveInt
    keys: list[Key] = Field(min_length=1)


class Config(Settings):
    """Where users' data is."""

    experiences: list[Place] = Field(min_length=1)

    @field_validator("experiences")
    @classmethod
    def check_start_places(cls, experiences: list[Place]) -> list[Place]:
        """Refuse a start place that is there twice: the keys of one of the two would be forgotten."""
        if len({place.start_place for place in experiences}) < len(experiences):
            raise ValueError("a start place is there twice")
        return experiences


async def erase(client: Client, config: Config, event: RightToErasureRequest) -> None:
    """Remove everything that is kept of a user. It may be called again for the same request.

    Raises:
        LookupError: A start place is not configured: the request has to wait until it is.
        RblxCloudError: Something was not removed; `NotFoundError` when a place is not one of its universe's.
    """
    places = {place.start_place: place for place in config.experiences}
    for place in (places[number] for number in event.place_ids if number in places):
        experience = client.experience(place.universe)
        # In a universe that is not the place's there is no key, and the request would seem to be honoured.
        await experience.place(place.start_place).fetch()
        for entry in place.keys:
            key = entry.key.replace("{UserId}", str(event.user_id))
            if entry.ordered:
                store = experience.get_ordered_data_store(entry.store, entry.scope)
            else:
                store = experience.get_data_store(entry.store, entry.scope)
            try:
                await store.remove(key)
            except NotFoundError:
                continue  # There was none, or it was removed the last time.
    if unknown := [number for number in event.place_ids if number not in places]:
        raise LookupError(f"these start places are not configured: {unknown}")
    logger.info("honoured the request %s", event.notification_id)


def create_app(config: Config, webhook: Webhook, inbox: WebhookInbox) -> FastAPI:
    """Make the program."""
    client = Client()
    receiver = WebhookReceiver(webhook, inbox=inbox)

    @receiver.on(RightToErasureRequest)
    async def handle(event: RightToErasureRequest) -> None:
        await erase(client, config, event)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
        async with client:
            yield

    app = FastAPI(lifespan=lifespan)
    app.include_router(webhook_router(receiver))
    return app


def read_config(path: Path) -> Config:
    """Read where users' data is, or end the program."""
    try:
        return Config.model_validate(tomllib.loads(path.read_text()))
    except (OSError, ValueError) as error:
        sys.exit(f"write {path}, or name another file with ERASURE_CONFIG: {error}")


def from_environment() -> FastAPI:
    """Make the program from the environment, or end it."""
    config = read_config(Path(os.environ.get("ERASURE_CONFIG", "erasure.toml")))
    secret = os.environ.get("WEBHOOK_SECRET") or sys.exit("set WEBHOOK_SECRET to the secret of the webhook")
    try:
        return create_app(config, Webhook(secret), SQLWebhookInbox(os.environ.get("INBOX", "sqlite:///erasure.db")))
    except RblxCloudError as error:  # no API key, say
        sys.exit(f"Not started: {error}")
