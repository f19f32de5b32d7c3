"""A program with signed-in users: refreshes tokens, and dies where it is told to."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

from rblxcloud import OAuth2App
from rblxcloud.oauth2.provider import Provider
from rblxcloud.runtime.blocking import run
from rblxcloud.sync import OAuth2App as BlockingApp
from rblxcloud.sync import _lifecycle
from tests.oauth2.shelves import open_shelf
from tests.oauth2.stages import CLIENT_ID, REDIRECT, SECRET, UNIVERSE, USER, Interposed

STEPS = ("before_lease", "after_lease", "after_answer", "before_replace", "after_replace")


def die() -> None:
    """End as by a power cut: nothing is cleaned up."""
    os.kill(os.getpid(), signal.SIGKILL)


def after_answer(step: Callable[[], None]) -> None:
    """Take a step between Roblox's answer and anything that is done with it."""
    redeem = Provider.redeem

    async def answered(self: Provider, *arguments: Any, **options: Any) -> Any:
        grant = await redeem(self, *arguments, **options)
        step()
        return grant

    Provider.redeem = answered  # type: ignore[method-assign]


def main(base_url: str, kind: str, address: str, name: str, count: int, step: str) -> None:
    """Refresh a user's tokens `count` times, and say so in the end; die at a step that is not `never`."""
    store: Any = open_shelf(kind, address, name)
    if step == "after_answer":
        after_answer(die)
    elif step != "never":
        store = Interposed(store, **{step: die})
    app: OAuth2App = _lifecycle.OAuth2App(CLIENT_ID, SECRET, REDIRECT, base_url=base_url)
    credential: Any = app.client(USER, store=store)._credential
    for _ in range(count):
        # What a call does that was answered 401.
        run(credential.refresh(run(credential.headers())))
    print("done", flush=True)


def act_in_a_fork(base_url: str, kind: str, address: str, name: str) -> None:
    """Act for a user, and in a forked child once more, around a call of the application's own; say what the child did."""
    app = BlockingApp(CLIENT_ID, SECRET, REDIRECT, base_url=base_url)
    experience = app.client(USER, store=open_shelf(kind, address, name)).experience(UNIVERSE)
    experience.publish_message("topic", "parent")
    child = os.fork()
    if not child:
        assert not app.from_access_token_string("nonsense").fetch_token_info().active
        experience.publish_message("topic", "child")
        print("acted", flush=True)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    experience.publish_message("topic", "parent again")
