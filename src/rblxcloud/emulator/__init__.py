"""Open Cloud in a box: try and test everything offline.

`Emulator` answers in process or, behind `EmulatorServer`, on loopback; `EmulatorTransport` puts it under an httpx
client without a socket.
"""

from rblxcloud.emulator.api_keys import ApiKey, DataStoreGrant, KeyStatus, ScopeGrant
from rblxcloud.emulator.clock import Clock
from rblxcloud.emulator.core import DEFAULT_KEY, Emulator
from rblxcloud.emulator.creators.inventory import Collectible
from rblxcloud.emulator.creators.notifications import Notification
from rblxcloud.emulator.faults import Fault
from rblxcloud.emulator.journal import LoggedRequest
from rblxcloud.emulator.luau.controls import LuauTaskRecord
from rblxcloud.emulator.luau.handlers import LuauAnswer, LuauLog, LuauRun
from rblxcloud.emulator.memory_stores.queues import StoredQueueItem
from rblxcloud.emulator.memory_stores.sorted_maps import MapItem
from rblxcloud.emulator.messaging import Message
from rblxcloud.emulator.model import RawRequest, Reply
from rblxcloud.emulator.oauth.apps import OAuthApp
from rblxcloud.emulator.oauth.flaws import IDTokenFlaw
from rblxcloud.emulator.oauth.grants import Authorization, Consent
from rblxcloud.emulator.oauth.provider import OAuthProvider
from rblxcloud.emulator.scripts import OperationScript
from rblxcloud.emulator.server import EmulatorServer, serve
from rblxcloud.emulator.transport import EmulatorTransport
from rblxcloud.emulator.webhooks.controls import OutgoingWebhook, RegisteredWebhook, WebhookAttempt, WebhookDelivery

__all__ = [
    "DEFAULT_KEY",
    "ApiKey",
    "Authorization",
    "Clock",
    "Collectible",
    "Consent",
    "DataStoreGrant",
    "Emulator",
    "EmulatorServer",
    "EmulatorTransport",
    "Fault",
    "IDTokenFlaw",
    "KeyStatus",
    "LoggedRequest",
    "LuauAnswer",
    "LuauLog",
    "LuauRun",
    "LuauTaskRecord",
    "MapItem",
    "Message",
    "Notification",
    "OAuthApp",
    "OAuthProvider",
    "OperationScript",
    "OutgoingWebhook",
    "RawRequest",
    "RegisteredWebhook",
    "Reply",
    "ScopeGrant",
    "StoredQueueItem",
    "WebhookAttempt",
    "WebhookDelivery",
    "serve",
]
