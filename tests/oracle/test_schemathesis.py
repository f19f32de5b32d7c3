"""Generated requests to everything that the emulator serves: what it answers is what the document says.

Requests travel over a socket. Identifiers are narrowed to a few which lead somewhere, so that success is common.
"""

from __future__ import annotations

import base64
import copy
import json
from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest
import schemathesis
from nacl.public import PublicKey, SealedBox
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    ignored_auth,
    response_schema_conformance,
)

from rblxcloud.emulator import Emulator, LuauAnswer, LuauLog
from rblxcloud.emulator.core import DEFAULT_KEY
from rblxcloud.emulator.model import RawRequest
from rblxcloud.emulator.server import serve
from tests.emulator.forms import png
from tests.oracle.document import METHODS, strict
from tests.oracle.exceptions import ANSWERS, Ledger
from tests.oracle.oracle import Finding

SERVED = (
    "/cloud/v2/universes/{universe_id}/data-stores",
    "/cloud/v2/universes/{universe_id}/ordered-data-stores",
    "/cloud/v2/universes/{universe_id}/memory-store",
    "/cloud/v2/universes/{universe_id}:publishMessage",
    "/cloud/v2/universes/{universe_id}:restartServers",
    "/datastores/v1/",
    "/ordered-data-stores/v1/",
    "/messaging-service/v1/",
    "/assets/v1/",
    "/asset-delivery-api/v1/",
    "/asset-permissions-api/v1/",
    "/cloud/v2/users/{user_id}",
    "/cloud/v2/groups/{group_id}",
    "/legacy-groups/v1/groups/{groupId}/status",
    "/cloud/v2/universes/{universe_id}/user-restrictions",
    "/cloud/v2/universes/{universe_id}/places/{place_id}/user-restrictions",
    "/cloud/v2/universes/{universe_id}/subscription-products/",
    "/cloud/v2/universes/{universeId}/secrets",
    "/cloud/v2/universes/{universe_id}/luau-execution-session-task-binary-inputs",
    "/cloud/v2/universes/{universe_id}/places/{place_id}/luau-execution-session-tasks",
    "/cloud/v2/universes/{universe_id}/places/{place_id}/versions/{version_id}/luau-execution-session",
    "/cloud/v2/universes/{universe_id}/places/{place_id}/instances/",
    "/universes/v1/",
    "/place-version-history-api/v1/",
    "/legacy-develop/v1/places/",
    "/legacy-develop/v2/teamtest/",
    "/server-management/v1/",
    "/thumbnail-personalization-api/v1/",
    "/cloud/v2/universes/{universe_id}:translateText",
    "/cloud/v2/universes/{universe_id}:generateSpeechAsset",
    "/cloud/v2/creator-store-products",
)
UNIVERSE = "/cloud/v2/universes/{universe_id}"
PLACE = f"{UNIVERSE}/places/{{place_id}}"

ASSET = 90_000_000_001
"""Id of the first asset of an emulator."""
ROLE = 70_000_002
"""Id of the role of plain members in the small world's group."""

_STORES = ("seeded", "new")
_SCOPES = ("global", "eu")
_KEYS = ("number", "text", "deleted", "new")
NARROWED: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("universe_id", "universeId"), ("1",)),
    **dict.fromkeys(("data_store_id", "ordered_data_store_id", "orderedDataStore", "datastoreName"), _STORES),
    **dict.fromkeys(("queue_id", "sorted_map_id"), _STORES),
    **dict.fromkeys(("scope_id", "scope"), _SCOPES),
    **dict.fromkeys(("entry_id", "entry", "entryKey", "id"), _KEYS),
    "item_id": ("number", "text", "new"),
    "invisibilityWindow": ("30s", "0.5s", "bad"),
    **dict.fromkeys(("pageToken", "page_token", "cursor"), ("", "bad")),
    **dict.fromkeys(("filter", "prefix", "orderBy", "order_by", "matchVersion", "startTime", "endTime"), ("", "bad")),
    **dict.fromkeys(("place_id", "placeId"), ("2", "5", "bad")),
    "updateMask": (
        "",
        "voiceChatEnabled",
        "privateServerPriceRobux,discordSocialLink",
        "description",
        "gameJoinRestriction",
        "bad",
    ),
    "readMask": ("", "description,icon", "bad"),
    **dict.fromkeys(("versionId", "operationId", "operation_id", "post_id"), ("seeded", "bad")),
    "forum_category_id": ("seeded",),
    "instance_id": ("root", "bad"),
    "version": ("1", "9", "bad"),
    "versionType": ("Saved", "bad"),
    "assetId": (str(ASSET), "5"),
    "versionNumber": ("1", "9", "bad"),
    "user_id": ("1", "7", "bad"),
    **dict.fromkeys(("group_id", "groupId"), ("1", "7")),
    "membership_id": ("4", "NA", "9", "bad"),
    "join_request_id": ("5", "9", "bad"),
    "role_id": (str(ROLE), "5", "bad"),
    **dict.fromkeys(("luau_execution_session_id", "task_id"), ("seeded",)),
    "version_id": ("1", "9", "bad"),
    "size": ("48", "720", "49"),
    "user_restriction_id": ("7", "8", "bad"),
    "idempotencyKey.key": ("", "a"),
    "idempotencyKey.firstSent": ("", "2100-01-01T00:00:00Z", "2000-01-01T00:00:00Z", "bad"),
    "subscription_product_id": ("EXP-1", "EXP-2"),
    "subscription_id": ("7", "8", "bad"),
    "secretId": ("kept", "new", "1a"),
    **dict.fromkeys(("operationIds", "homepageThumbnailIds"), ("seeded", "bad")),
    "placeId": ("2", "bad"),
    "jobId": ("seeded", "bad"),
    "Filter": ("", "ALL", 'status == "active"', "occupancy >= 1 && full == false", "bad"),
    "OrderBy": ("", "uptime", "uptime desc", "bad"),
    **dict.fromkeys(("PageToken", "nextCursor"), ("", "bad")),
    "creator_store_product_id": (f"CreatorMarketplaceAsset-Model-{ASSET}", "CreatorMarketplaceAsset-Model-5", "bad"),
    "roblox-entry-userids": ("[1, 2]", "bad"),
    "roblox-entry-attributes": ('{"a": 1}', "bad"),
}
"""Values of the parameters that name something, or have a grammar that the document does not tell; `seeded` stands for
an id that only the seeded emulator knows."""

INSTANCE_OPERATION = "seeded_instance_operation"
"""Stands for the id of an operation on an instance."""

NARROWED_AT: dict[str, dict[str, tuple[str, ...]]] = {
    f"{PLACE}/instances/{{instance_id}}/operations/{{operation_id}}": {
        "place_id": ("2",),
        "instance_id": ("root",),
        "operation_id": (INSTANCE_OPERATION, "bad"),
    },
}
"""Values by the path of the operation, where those of a name lead nowhere."""

_GROUP = "/cloud/v2/groups/{group_id}"
_MEMORY = "/cloud/v2/universes/{universe_id}/memory-store"
_MAP = f"{_MEMORY}/sorted-maps/{{sorted_map_id}}/items"
_QUEUE = f"{_MEMORY}/queues/{{queue_id}}/items"
FILTERS: dict[str, tuple[str, ...]] = {
    _MAP: ("", 'id > "a" && sortKey < 9', 'sortKey > "a"', "bad"),
    "/cloud/v2/users/{user_id}/inventory-items": ("", "badges=true;inventoryItemAssetTypes=*", "badgeIds=5", "bad"),
    "/cloud/v2/users/{user_id}/asset-quotas": ("", "quotaType == RateLimitUpload", "bad"),
    f"{UNIVERSE}/user-restrictions:listLogs": ("", "user == 'users/7' && place == 'places/2'", "user == 7", "bad"),
    f"{_GROUP}/memberships": ("", "user == 'users/1'", f"role == 'groups/1/roles/{ROLE}'", "bad"),
    f"{_GROUP}/join-requests": ("", "user == 'users/5'", "bad"),
    f"{_GROUP}/forum-categories": ("", "archived==true", "bad"),
    f"{_GROUP}/forum-categories/{{forum_category_id}}/posts": ("", "pinned==true", "pinned==false"),
}
"""Values of `filter` by the path of the list, where the grammar leads somewhere."""

_STORED = {"enum": [1, "one", {"one": [1.5, True]}]}
_TTL = {"type": "string", "enum": ["60s", "0.5s", "bad"]}
_MAP_BODY = {
    "type": "object",
    "properties": {
        "value": _STORED,
        "ttl": _TTL,
        "numericSortKey": {"type": "number", "minimum": -9, "maximum": 9},
        "stringSortKey": {"type": "string", "maxLength": 129},
    },
    "required": ["value"],
    "additionalProperties": False,
}
_QUEUE_BODY = {
    "type": "object",
    "properties": {"data": _STORED, "ttl": _TTL, "priority": {"type": "number", "minimum": -9, "maximum": 9}},
    "required": ["data"],
    "additionalProperties": False,
}
_READ_BODY = {
    "type": "object",
    "properties": {"readId": {"type": "string", "enum": ["0" * 32, "bad"]}},
    "required": ["readId"],
    "additionalProperties": False,
}
_ROLE_BODY = {
    "type": "object",
    "properties": {"role": {"type": "string", "enum": [f"groups/1/roles/{ROLE}", "groups/1/roles/5", "bad"]}},
    "required": ["role"],
    "additionalProperties": False,
}
_RESTRICTION_BODY = {
    "type": "object",
    "properties": {
        "gameJoinRestriction": {
            "type": "object",
            "properties": {
                "active": {"type": "boolean"},
                "duration": {"type": "string", "enum": ["60s", "0s"]},
                "privateReason": {"type": "string"},
                "excludeAltAccounts": {"type": "boolean"},
            },
        }
    },
    "required": ["gameJoinRestriction"],
}
_SECRET = {
    "secret": {"type": "string", "enum": ["seeded"]},
    "key_id": {"type": "string", "enum": ["seeded", "bad"]},
    "domain": {"type": "string", "enum": ["", "*", "*.example.com"]},
}
_SECRET_ID = {"id": {"type": "string", "enum": ["kept", "new"]}}
_METADATA = {
    "displayName": {"type": "string", "minLength": 1},
    "description": {"type": "string", "maxLength": 1001},
    "assetType": {"type": "string", "enum": ["Model", "Animation", "Decal"]},
}
_CREATION = {
    "type": "object",
    "properties": {"creator": {"enum": [{"userId": 1}, {"groupId": 1}, {"userId": 1, "groupId": 1}]}},
    "required": ["creator"],
    "additionalProperties": False,
}
_PARAMETER = {
    "type": "object",
    "properties": {"stringValue": {"type": "string"}, "int64Value": {"type": "integer", "minimum": 0, "maximum": 9}},
    "minProperties": 1,
    "maxProperties": 1,
    "additionalProperties": False,
}
_TASK = {
    "type": "object",
    "properties": {
        "script": {"type": "string", "minLength": 1, "maxLength": 9},
        "timeout": {"type": "string", "enum": ["1.5s", "300s", "301s", "bad"]},
        "enableBinaryOutput": {"type": "boolean"},
        "binaryInput": {"type": "string", "enum": ["", "bad"]},
    },
    "required": ["script"],
    "additionalProperties": False,
}


def _product(asset: int) -> dict[str, Any]:
    """Return the schema of a product of a model; every price but the last one will do."""
    prices = [(0, 0), (4_990_000_000, -9), (499, -2)]
    return {
        "type": "object",
        "properties": {
            "modelAssetId": {"type": "string", "enum": [str(asset)]},
            "published": {"type": "boolean"},
            "basePrice": {
                "enum": [
                    {"currencyCode": "USD", "quantity": {"significand": significand, "exponent": exponent}}
                    for significand, exponent in prices
                ]
            },
        },
        "required": ["modelAssetId"],
        "additionalProperties": False,
    }


BODIES: dict[str, Any] = {
    f"POST {PLACE}/luau-execution-session-tasks": _TASK,
    f"POST {PLACE}/versions/{{version_id}}/luau-execution-session-tasks": _TASK,
    f"POST {UNIVERSE}/luau-execution-session-task-binary-inputs": {
        "type": "object",
        "properties": {"size": {"type": "integer", "minimum": 0, "maximum": 9}},
        "required": ["size"],
        "additionalProperties": False,
    },
    "POST /assets/v1/assets": {
        "type": "object",
        "properties": {
            "request": {
                "type": "object",
                "properties": {**_METADATA, "creationContext": _CREATION},
                "additionalProperties": False,
                "required": [*_METADATA, "creationContext"],
            },
            "fileContent": {"type": "string", "format": "binary"},
        },
        "required": ["request", "fileContent"],
    },
    "PATCH /assets/v1/assets/{assetId}": {
        "type": "object",
        "properties": {
            "request": {"type": "object", "properties": _METADATA},
            "fileContent": {"type": "string", "format": "binary"},
        },
        "required": ["request"],
    },
    "POST /assets/v1/assets/{assetId}/versions:rollback": {
        "type": "object",
        "properties": {"assetVersion": {"type": "string", "enum": [f"assets/{ASSET}/versions/1", "bad"]}},
        "required": ["assetVersion"],
    },
    "PATCH /asset-permissions-api/v1/assets/permissions": {
        "type": "object",
        "properties": {
            "subjectType": {"type": "string", "enum": ["User", "Universe"]},
            "subjectId": {"type": "string", "enum": ["1", "7"]},
            "action": {"type": "string", "enum": ["Use", "Edit"]},
            "requests": {
                "type": "array",
                "minItems": 1,
                "items": {
                    "type": "object",
                    "properties": {
                        "assetId": {"type": "integer", "enum": [ASSET, 5]},
                        "grantToDependencies": {"type": "boolean"},
                    },
                    "required": ["assetId"],
                },
            },
        },
        "required": ["subjectType", "subjectId", "action", "requests"],
    },
    "POST /cloud/v2/users/{user_id}/notifications": {
        "type": "object",
        "properties": {
            "source": {
                "type": "object",
                "properties": {"universe": {"type": "string", "enum": ["universes/1"]}},
                "required": ["universe"],
            },
            "payload": {
                "type": "object",
                "properties": {
                    "messageId": {"type": "string", "minLength": 1},
                    "type": {"type": "string", "enum": ["MOMENT"]},
                    "parameters": {"type": "object", "additionalProperties": _PARAMETER},
                },
                "required": ["messageId", "type"],
            },
        },
        "required": ["source", "payload"],
    },
    f"PATCH {UNIVERSE}/user-restrictions/{{user_restriction_id}}": _RESTRICTION_BODY,
    f"PATCH {PLACE}/user-restrictions/{{user_restriction_id}}": _RESTRICTION_BODY,
    "POST /cloud/v2/universes/{universeId}/secrets": {
        "type": "object",
        "properties": {**_SECRET_ID, **_SECRET},
        "required": ["id", "secret", "key_id"],
    },
    "PATCH /cloud/v2/universes/{universeId}/secrets/{secretId}": {"type": "object", "properties": _SECRET},
    f"POST {_MAP}": _MAP_BODY,
    f"PATCH {_MAP}/{{item_id}}": _MAP_BODY,
    f"POST {_QUEUE}": _QUEUE_BODY,
    f"POST {_QUEUE}:discard": _READ_BODY,
    "POST /server-management/v1/universes/{universeId}/restarts": {
        "type": "object",
        "properties": {
            "bleedOffDurationMinutes": {"type": "integer", "enum": [1, 240, 241]},
            "places": {"enum": [{}, {"2": {}}, {"2": {"versions": [1]}}, {"2": {"excludeCurrentVersion": True}}]},
            "attributes": {"enum": [{}, {"a": "b"}, {"a": "b" * 500}]},
        },
        "additionalProperties": False,
    },
    "POST /cloud/v2/universes/{universe_id}:translateText": {
        "type": "object",
        "properties": {
            "text": {"type": "string", "minLength": 1},
            "sourceLanguageCode": {"type": "string", "enum": ["en-us", "xx-xx"]},
            "targetLanguageCodes": {"type": "array", "items": {"type": "string", "enum": ["fr-fr", "ja-jp"]}},
        },
        "required": ["text"],
    },
    "POST /cloud/v2/universes/{universe_id}:generateSpeechAsset": {
        "type": "object",
        "properties": {
            "text": {"type": "string", "minLength": 1},
            "speechStyle": {
                "type": "object",
                "properties": {"voiceId": {"type": "string", "enum": ["1", "x"]}, "pitch": {"type": "number"}},
            },
        },
        "required": ["text"],
    },
    "POST /cloud/v2/creator-store-products": _product(ASSET + 1),
    "PATCH /cloud/v2/creator-store-products/{creator_store_product_id}": _product(ASSET),
    "POST /thumbnail-personalization-api/v1/universes/{universeId}/thumbnails/uploads": {
        "type": "object",
        "properties": {"files": {"type": "string", "format": "binary"}},
        "required": ["files"],
    },
    **{
        f"POST /thumbnail-personalization-api/v1/universes/{{universeId}}/personalization/{verb}": {
            "type": "object",
            "properties": {
                "homepageThumbnailIds": {"enum": [["seeded"], ["bad"], []]},
                **({"id": {"type": "string", "enum": ["seeded", "bad"]}} if verb == "update" else {}),
            },
            "required": ["homepageThumbnailIds", *(["id"] if verb == "update" else [])],
        }
        for verb in ("create", "update")
    },
    f"PATCH {_GROUP}/memberships/{{membership_id}}": _ROLE_BODY,
    f"POST {_GROUP}/memberships/{{membership_id}}:assignRole": _ROLE_BODY,
    f"POST {_GROUP}/memberships/{{membership_id}}:unassignRole": _ROLE_BODY,
}
"""Bodies that lead somewhere, by operation: the document does not tell how ids look, or which files there are."""

_NEEDED = ("datastoreName", "entryKey", "id", "versionType")
"""Parameters without which nothing succeeds (datastores.md sections 3 and 5, places.md section 1), although they are
called optional."""
PUBLISH = "/universes/v1/{universeId}/places/{placeId}/versions"

CHECKS = [not_a_server_error, response_schema_conformance, content_type_conformance, ignored_auth]
SEEDED = {"datastoreName": "seeded", "scope": "global", "entryKey": "number"}
RBXM = b"<roblox!\x89\xff\r\n\x1a\n" + b"\0" * 16
HEADERS = {"x-api-key": DEFAULT_KEY}
FILES = {"fileContent": RBXM, "files": png()}
ENCODING = {"fileContent": {"contentType": "model/x-rbxm"}, "files": {"contentType": "image/png"}}
EXAMPLES = 12


def served_part(document: Any) -> Any:
    """Return the operations of the document that the emulator serves, with narrowed identifiers."""
    paths = {
        path: copy.deepcopy(item)
        for path, item in document["paths"].items()
        if path in (UNIVERSE, PLACE) or path.startswith(SERVED)
    }
    # places.md section 1: the document forgets to declare the body.
    file = {"schema": {"type": "string", "format": "binary"}}
    paths[PUBLISH]["post"]["requestBody"] = {"required": True, "content": {"application/octet-stream": file}}
    for path, item in paths.items():
        for method in METHODS:
            if body := BODIES.get(f"{method.upper()} {path}"):
                for content in item[method]["requestBody"]["content"].values():
                    content.update(schema=body, encoding=ENCODING)
                item[method]["requestBody"]["required"] = True
            parameters = item.get(method, {}).get("parameters", [])
            # No generated text is the checksum of the body that is generated with it.
            parameters[:] = [parameter for parameter in parameters if parameter["name"] != "content-md5"]
            for parameter in parameters:
                values = NARROWED.get(parameter["name"])
                if parameter["name"] == "filter":
                    values = FILTERS.get(path, values)
                values = NARROWED_AT.get(path, {}).get(parameter["name"], values)
                if values:
                    parameter["schema"] = {"type": "string", "enum": list(values)}
                if parameter["name"] in _NEEDED:
                    parameter["required"] = True
    components = copy.deepcopy(document["components"])
    for name in ("IncrementDataStoreEntryRequest", "IncrementOrderedDataStoreEntryRequest", "IncrementEntryRequest"):
        components["schemas"][name]["properties"]["amount"] = {"type": "integer", "minimum": -9, "maximum": 9}
        components["schemas"][name]["required"] = ["amount"]  # datastores.md sections 4 and 5
    return {**document, "paths": paths, "components": components}


@pytest.fixture(scope="module")
def schema() -> Any:
    return schemathesis.openapi.from_dict(served_part(strict()))


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with Emulator(limits=False) as emulator:
        yield emulator


@pytest.fixture(scope="module")
def base_url(emulator: Emulator) -> Iterator[str]:
    with serve(emulator) as base_url:
        yield base_url


def seed(emulator: Emulator) -> dict[str, str]:
    """Give the emulator something of everything, such as a number, a text and a deleted entry in each scope.

    Returns:
        The ids that only this emulator knows, by the names of the parameters that take them, or what stands for them.
    """
    emulator.reset()
    versions: list[str] = []
    for scope in ("global", "eu"):
        stores = "/cloud/v2/universes/1/{}/seeded/scopes/" + scope + "/entries"
        for key, value in (("number", 5), ("text", "five"), ("deleted", 1)):
            entry = _post(emulator, f"{stores.format('data-stores')}?id={key}", value)
            versions.append(entry["revisionId"])
        _post(emulator, f"{stores.format('ordered-data-stores')}?id=number", 5)
        reply = emulator.handle(RawRequest("DELETE", f"{stores.format('data-stores')}/deleted", HEADERS))
        assert reply.status == 200
    flush = _send(emulator, "/cloud/v2/universes/1/memory-store:flush", {})
    for number, key in enumerate(("number", "text")):
        _send(emulator, f"/cloud/v2/universes/1/memory-store/sorted-maps/seeded/items?id={key}", {"value": number})
        _send(emulator, "/cloud/v2/universes/1/memory-store/queues/seeded/items", {"data": number})
    emulator.places.add(1, 2)
    emulator.places.add_version(2)
    instance = emulator.handle(RawRequest("GET", "/cloud/v2/universes/1/places/2/instances/root", HEADERS))
    for _ in range(2):
        emulator.assets.add(RBXM, "model/x-rbxm", asset_type="Model")
    _send(emulator, "/cloud/v2/creator-store-products", {"modelAssetId": str(ASSET), "published": True})
    job = emulator.servers.add(1, 2, players=(5,))
    emulator.servers.log(job, "Ready.")
    _send(emulator, "/server-management/v1/universes/1/restarts", {"bleedOffDurationMinutes": 5})
    homepage = "/thumbnail-personalization-api/v1/universes/1"
    started = _send_form(emulator, f"{homepage}/thumbnails/uploads", {"files": ("a.png", "image/png", png())})
    listed = emulator.handle(RawRequest("GET", f"{homepage}/thumbnails", HEADERS))
    picture = json.loads(listed.body)["homepageThumbnails"][0]["homepageThumbnailId"]
    chosen = _send(emulator, f"{homepage}/personalization/create", {"homepageThumbnailIds": [picture]})
    category = emulator.groups.add_category(1, "Seeded")
    emulator.user_restrictions.ban(1, 7, duration=60)
    emulator.user_restrictions.ban(1, 7, place=2)
    emulator.subscriptions.set(1, "EXP-1", 7)
    emulator.secrets.put(1, "kept", "hush")
    key = json.loads(emulator.handle(RawRequest("GET", "/cloud/v2/universes/1/secrets/public-key", HEADERS)).body)
    box = SealedBox(PublicKey(base64.b64decode(key["secret"])))
    thumbnail = emulator.handle(RawRequest("GET", "/cloud/v2/users/1:generateThumbnail", HEADERS))
    emulator.luau.answer(LuauAnswer(results=(1,), logs=(LuauLog(message="text"),)))
    task = _send(emulator, "/cloud/v2/universes/1/places/2/luau-execution-session-tasks", {"script": "return 1"})
    return {
        **dict.fromkeys(("luau_execution_session_id", "task_id"), task["path"].rpartition("/")[2]),
        "versionId": versions[0],
        "operationId": _upload(emulator),
        "operation_id": json.loads(thumbnail.body)["path"].rpartition("/")[2],
        "secret": base64.b64encode(box.encrypt(b"hush")).decode(),
        "key_id": key["key_id"],
        "flush": flush["path"].rpartition("/")[2],
        "jobId": job,
        "operationIds": started["fileToOperationIdDict"]["a.png"],
        "homepageThumbnailIds": picture,
        "id": chosen["id"],
        "forum_category_id": category,
        INSTANCE_OPERATION: json.loads(instance.body)["path"].rpartition("/")[2],
        "post_id": emulator.groups.add_post(category, "Title", "Text", pinned=True),
    }


def _upload(emulator: Emulator) -> str:
    """Upload a model as the facts write a form; return the id of the operation."""
    request = {
        "assetType": "Model",
        "displayName": "Seeded",
        "description": "",
        "creationContext": {"creator": {"userId": "1"}},
    }
    form = {
        "request": (None, "application/json", json.dumps(request).encode()),
        "fileContent": ("a.rbxm", "model/x-rbxm", RBXM),
    }
    return str(_send_form(emulator, "/assets/v1/assets", form)["operationId"])


def _send_form(emulator: Emulator, path: str, fields: dict[str, tuple[str | None, str, bytes]]) -> Any:
    parts = [
        f'--edge\r\nContent-Disposition: form-data; name="{name}"'.encode()
        + (f'; filename="{filename}"' if filename else "").encode()
        + f"\r\nContent-Type: {kind}\r\n\r\n".encode()
        + content
        for name, (filename, kind, content) in fields.items()
    ]
    return _request(emulator, path, b"\r\n".join([*parts, b"--edge--", b""]), "multipart/form-data; boundary=edge")


def _post(emulator: Emulator, path: str, value: object) -> Any:
    return _send(emulator, path, {"value": value})


def _send(emulator: Emulator, path: str, body: object) -> Any:
    return _request(emulator, path, json.dumps(body).encode(), "application/json")


def _request(emulator: Emulator, path: str, body: bytes, kind: str) -> Any:
    headers = {**HEADERS, "content-type": kind, "content-length": str(len(body))}
    reply = emulator.handle(RawRequest("POST", path, headers, body))
    assert reply.status == 200, reply.body
    return json.loads(reply.body)


def filled(name: str, value: Any, seeded: dict[str, str]) -> Any:
    """Return what is sent for a generated value: an id that only the seeded emulator knows, and files that are some."""
    if name in FILES:
        return FILES[name]
    if value == ["seeded"]:
        return [seeded[name]]
    if value == INSTANCE_OPERATION:
        return seeded[value]
    return seeded.get(name, value) if value == "seeded" else value


def findings(operation: Any, emulator: Emulator, base_url: str) -> tuple[list[Finding], set[int]]:
    """Send generated requests of an operation; return what is wrong with the answers, and their statuses."""
    found: dict[Finding, None] = {}
    statuses: set[int] = set()
    transport = {"base_url": base_url, "headers": HEADERS}
    seeded: dict[str, str] = {}

    @hypothesis.seed(0)
    @hypothesis.settings(
        max_examples=EXAMPLES,
        database=None,
        deadline=None,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=[hypothesis.HealthCheck.too_slow, hypothesis.HealthCheck.filter_too_much],
    )
    @hypothesis.given(case=operation.as_strategy())
    def send(case: Any) -> None:
        if not seeded:
            seeded.update(seed(emulator))
            if "/memory-store/" in operation.label:
                seeded["operation_id"] = seeded["flush"]
        if case.query.get("versionId") == "seeded":
            case.query = {**SEEDED, "versionId": seeded["versionId"]}
        if operation.path == PUBLISH:
            case.body = RBXM
        case.path_parameters = {name: filled(name, value, seeded) for name, value in case.path_parameters.items()}
        case.query = {name: filled(name, value, seeded) for name, value in case.query.items()}
        if isinstance(case.body, dict):
            case.body = {name: filled(name, value, seeded) for name, value in case.body.items()}
        response = case.call(**transport)
        statuses.add(response.status_code)
        if operation.method != "get" and response.status_code < 300:
            seeded.clear()  # What was there for the requests may not be there any more.
        try:
            case.validate_response(response, checks=CHECKS, headers=HEADERS, transport_kwargs=transport)
        except FailureGroup as group:
            for failure in group.exceptions:
                assert isinstance(failure, Failure)
                text = " ".join(failure.message.split("Schema:")[0].split())
                found[Finding(operation.label, f"{response.status_code} {failure.title}: {text}")] = None

    send()
    return list(found), statuses


def test_answers_are_those_of_the_document(schema: Any, emulator: Emulator, base_url: str) -> None:
    ledger, unexplained, barren = Ledger(ANSWERS), list[str](), list[str]()
    for result in schema.get_all_operations():
        operation = result.ok()
        found, statuses = findings(operation, emulator, base_url)
        unexplained += ledger.unexplained(found)
        if not any(status < 300 for status in statuses):
            barren.append(f"{operation.label}: {sorted(statuses)}")
    assert unexplained == []
    assert barren == [], "operations of which no generated request succeeded, so that little was checked"
    assert ledger.unneeded() == []
