"""Webhooks: what Roblox sends to an address of yours.

`Webhook` reads them, and believes none that Roblox did not sign. `WebhookReceiver` runs a handler once for each event.
`rblxcloud.integrations` puts it into a web framework. `MemoryWebhookInbox` and `SQLWebhookInbox` (extra `sql`) keep
events until they are handled.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rblxcloud.webhooks.events import (
        CommerceProductOrder,
        CommerceProductOrderEvent,
        CommerceProductOrderPaid,
        CommerceProductOrderRefunded,
        RightToErasureRequest,
        SampleNotification,
        SubscriptionCancelled,
        SubscriptionEvent,
        SubscriptionPurchased,
        SubscriptionRefunded,
        SubscriptionRenewed,
        SubscriptionResubscribed,
        WebhookEvent,
    )
    from rblxcloud.webhooks.inboxes.base import StoredWebhook, WebhookInbox
    from rblxcloud.webhooks.inboxes.memory import MemoryWebhookInbox
    from rblxcloud.webhooks.inboxes.sql import SQLWebhookInbox
    from rblxcloud.webhooks.receiver import WebhookAnswer, WebhookReceiver
    from rblxcloud.webhooks.signature import Webhook

__all__ = [
    "CommerceProductOrder",
    "CommerceProductOrderEvent",
    "CommerceProductOrderPaid",
    "CommerceProductOrderRefunded",
    "MemoryWebhookInbox",
    "RightToErasureRequest",
    "SQLWebhookInbox",
    "SampleNotification",
    "StoredWebhook",
    "SubscriptionCancelled",
    "SubscriptionEvent",
    "SubscriptionPurchased",
    "SubscriptionRefunded",
    "SubscriptionRenewed",
    "SubscriptionResubscribed",
    "Webhook",
    "WebhookAnswer",
    "WebhookEvent",
    "WebhookInbox",
    "WebhookReceiver",
]

_HOMES = {
    "MemoryWebhookInbox": "inboxes.memory",
    "SQLWebhookInbox": "inboxes.sql",
    "StoredWebhook": "inboxes.base",
    "Webhook": "signature",
    "WebhookAnswer": "receiver",
    "WebhookInbox": "inboxes.base",
    "WebhookReceiver": "receiver",
}


def __getattr__(name: str) -> Any:
    """Load a name when it is first asked for: one of them needs an extra."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES.get(name, 'events')}"), name)


def __dir__() -> list[str]:
    """Return the public names."""
    return sorted(__all__)
