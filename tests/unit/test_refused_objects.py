"""What was refused before it was made can be shown all the same: tracebacks that show variables ask for it."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Any

import pytest

import rblxcloud
import rblxcloud.sync
from rblxcloud.integrations.fastapi import RobloxSignIn
from rblxcloud.oauth2.stores import EncryptedTokenStore, MemoryTokenStore, RedisTokenStore, SQLTokenStore
from rblxcloud.webhooks import SQLWebhookInbox

REFUSED: dict[str, Callable[[Any], object]] = {
    "Client": lambda mode: mode.Client("key", base_url="ftp://x"),
    "Experience": lambda mode: mode.Experience(1, api_key="key", base_url="ftp://x"),
    "User": lambda mode: mode.User(0, api_key="key"),
    "OAuth2App": lambda mode: mode.OAuth2App("x"),
    "OAuth2App at": lambda mode: mode.OAuth2App(1, base_url="ftp://x"),
    "WebhookReceiver": lambda mode: mode.WebhookReceiver(None),
    "Webhook": lambda mode: mode.Webhook(None),
    "SQLTokenStore": lambda _: SQLTokenStore("sqlite://"),
    "SQLWebhookInbox": lambda _: SQLWebhookInbox("sqlite://"),
    "RedisTokenStore": lambda _: RedisTokenStore("nowhere"),
    "EncryptedTokenStore": lambda _: EncryptedTokenStore(MemoryTokenStore(), []),
    "RobloxSignIn": lambda _: RobloxSignIn(rblxcloud.OAuth2App(1, redirect_uri="https://a.b/c"), secret_key="x"),
}


@pytest.mark.parametrize("mode", [rblxcloud, rblxcloud.sync], ids=["async", "blocking"])
@pytest.mark.parametrize("name", REFUSED)
def test_one_whose_arguments_were_refused_can_be_shown(mode: Any, name: str) -> None:
    with pytest.raises(rblxcloud.RblxCloudError) as caught:
        REFUSED[name](mode)
    frames = traceback.TracebackException.from_exception(caught.value, capture_locals=True).stack
    shown = [frame.locals["self"] for frame in frames if frame.locals and "self" in frame.locals]
    assert any(name.split()[0] in text for text in shown)


def test_twin_that_is_got_from_another_object_can_be_shown_where_it_is_made_alone() -> None:
    with pytest.raises(TypeError, match="is not made, but got") as caught:
        rblxcloud.sync.DataStore()  # type: ignore[call-arg]
    shown = "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format())
    assert "<DataStore that was not made>" in shown
