"""Ten thousand webhooks, one in ten of them wrong: exactly the good ones are handled, once each."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Awaitable, Callable
from itertools import count
from typing import Any, get_args

import anyio
import pytest

import rblxcloud
import rblxcloud.sync
from rblxcloud import MemoryWebhookInbox, RightToErasureRequest, Webhook
from rblxcloud.emulator import Clock, Emulator
from rblxcloud.emulator.webhooks.controls import OutgoingWebhook
from rblxcloud.emulator.webhooks.events import right_to_erasure_request
from rblxcloud.emulator.webhooks.signer import Flaw
from rblxcloud.runtime.blocking import run
from tests.support.emulator import START
from tests.webhooks.signing import SECRET

COUNT = 10_000
WRONG = COUNT // 10
FLAWS = get_args(Flaw)
STATUS = {"expired": 403, "future": 403}
"""By flaw, what is answered to it; 401 to the others."""

STORED_AT_ONCE = 20
"""How many an inbox takes before they are handled."""

Take = Callable[[OutgoingWebhook], Awaitable[int]]
Handle = Callable[[], Awaitable[None]]


async def deliver(emulator: Emulator, take: Take) -> list[OutgoingWebhook]:
    """Deliver everything, with Roblox's retries; return the requests of the first round."""
    first: list[OutgoingWebhook] = []
    while due := emulator.webhooks.take_due():
        first = first or due
        for outgoing in due:
            emulator.webhooks.record(outgoing, status=await take(outgoing))
        emulator.clock.advance(emulator.webhooks.retry_interval)
    return first


async def tell(emulator: Emulator, take: Take, handle: Handle, handled: list[str]) -> None:
    chance = random.Random(5)
    wrong = dict.fromkeys(chance.sample(range(COUNT), WRONG))
    emulator.webhooks.add("http://receiver.example/", SECRET)
    flaws: dict[str, str | None] = {}
    for number in range(COUNT):
        flaw: Any = chance.choice(FLAWS) if number in wrong else None
        event = right_to_erasure_request(user=number + 1, game_ids=[13059])
        flaws[emulator.webhooks.trigger(event, flaw=flaw)] = flaw
    sent = await deliver(emulator, take)
    await handle()
    good = [number for number, flaw in flaws.items() if flaw in (None, "replayed")]
    assert COUNT - WRONG < len(good) < COUNT
    assert Counter(handled) == Counter(good)
    for delivery in emulator.webhooks.deliveries():
        answers = [attempt.status for attempt in delivery.attempts]
        if delivery.flaw in (None, "replayed"):
            assert (delivery.state, len(answers)) == ("delivered", 1)
        else:
            assert (delivery.state, answers) == ("abandoned", [STATUS.get(delivery.flaw, 401)] * 6)

    # Somebody has recorded what was sent, and sends it again: soon, and when it has become too old.
    answers = Counter([await take(outgoing) for outgoing in sent[:1000]])
    assert answers[200] + answers[202] >= 850
    emulator.clock.advance(601)
    assert not {await take(outgoing) for outgoing in sent[:1000]} - {401, 403}
    await handle()
    assert Counter(handled) == Counter(good)


@pytest.mark.parametrize("stored", [False, True])
@pytest.mark.parametrize("mode", ["asyncio", "trio", "blocking"])
def test_exactly_the_good_ones_are_handled_once_each(mode: str, stored: bool) -> None:
    handled: list[str] = []
    with Emulator(clock=Clock(start=START, frozen=True)) as emulator:
        package = rblxcloud.sync if mode == "blocking" else rblxcloud
        webhook = Webhook(SECRET, clock=emulator.clock.now)
        receiver: Any = package.WebhookReceiver(webhook, inbox=MemoryWebhookInbox() if stored else None)
        receiver.on(RightToErasureRequest)(note(handled, plain=mode == "blocking"))

        turns = count()

        async def take(outgoing: OutgoingWebhook) -> int:
            answer = await ready(receiver.receive(outgoing.headers, outgoing.body))
            if next(turns) % STORED_AT_ONCE == 0:
                await handle()
            return int(answer.status)

        async def handle() -> None:
            if stored:
                await ready(receiver.handle_due())

        if mode == "blocking":
            run(tell(emulator, take, handle, handled))
        else:
            anyio.run(tell, emulator, take, handle, handled, backend=mode)


async def ready(result: Any) -> Any:
    return await result if hasattr(result, "__await__") else result


def note(handled: list[str], *, plain: bool) -> Callable[[RightToErasureRequest], Any]:
    def handle(event: RightToErasureRequest) -> None:
        handled.append(event.notification_id)

    async def handle_async(event: RightToErasureRequest) -> None:
        handle(event)

    return handle if plain else handle_async
