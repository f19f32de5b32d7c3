"""Translations, speech and products of the Creator Store (universes.md section 6, assets.md section 5)."""

from __future__ import annotations

from typing import Any

import pytest

from rblxcloud.emulator.clock import Clock
from rblxcloud.emulator.core import Emulator
from rblxcloud.emulator.scripts import OperationScript
from tests.support.emulator import Caller, act_as

TRANSLATE = "/cloud/v2/universes/13058:translateText"
SPEAK = "/cloud/v2/universes/13058:generateSpeechAsset"
PRODUCTS = "/cloud/v2/creator-store-products"
FREE = {"currencyCode": "USD", "quantity": {"significand": 0, "exponent": 0}}


def usd(significand: Any, exponent: Any = -9) -> dict[str, Any]:
    return {"currencyCode": "USD", "quantity": {"significand": significand, "exponent": exponent}}


def test_what_was_registered_is_translated_and_the_rest_is_marked(emulator: Emulator, call: Caller) -> None:
    emulator.translations.add("Bonjour", {"en-us": "Hello"}, source="fr-fr")
    body = {"text": "Bonjour", "targetLanguageCodes": ["en-us", "de-de", "fr-fr"]}
    assert call("POST", TRANSLATE, body).json == {
        "sourceLanguageCode": "fr-fr",
        "translations": {"en-us": "Hello", "de-de": "[de-de] Bonjour", "fr-fr": "Bonjour"},
    }
    snake = {"text": "Hi", "source_language_code": "it-it", "target_language_codes": ["en-us"]}
    assert call("POST", TRANSLATE, snake).json["sourceLanguageCode"] == "it-it"
    assert call("POST", TRANSLATE, {"text": "Hi"}).json == {"sourceLanguageCode": "en-us", "translations": {}}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"text": ""},
        {"text": 5},
        {"text": "x", "sourceLanguageCode": "xx-xx"},
        {"text": "x", "sourceLanguageCode": 5},
        {"text": "x", "targetLanguageCodes": "fr-fr"},
        {"text": "x", "targetLanguageCodes": ["fr"]},
        {"text": "x", "targetLanguageCodes": [None]},
        {"text": "x", "targetLanguageCodes": [["fr-fr"]]},
    ],
)
def test_a_translation_that_cannot_be_is_400(call: Caller, body: Any) -> None:
    answer = call("POST", TRANSLATE, body)
    assert (answer.status, answer.json["code"]) == (400, "INVALID_ARGUMENT")


def test_a_language_that_there_is_not_cannot_be_registered(emulator: Emulator) -> None:
    with pytest.raises(ValueError, match="klingon"):
        emulator.translations.add("x", {"klingon": "y"})


def test_speech_is_an_audio_asset_of_the_universes_owner(emulator: Emulator, call: Caller, clock: Clock) -> None:
    emulator.scripts.add(OperationScript(kind="speech", processing=5))
    body = {"text": "Hello", "speechStyle": {"voiceId": "1", "pitch": 1, "speed": 0.5}}
    started = call("POST", SPEAK, body).json
    assert started == {"path": started["path"], "done": False}
    path = f"/assets/v1/{started['path']}"
    assert call("GET", path).json["done"] is False
    clock.advance(5)
    ended = call("GET", path).json
    response = ended["response"]
    assert response["@type"].endswith(".GenerateSpeechAssetResponse")
    assert response["remainingQuota"] == 99
    asset = call("GET", f"/assets/v1/assets/{response['assetId']}").json
    assert (asset["assetType"], asset["creationContext"]) == ("Audio", {"creator": {"userId": "1"}})


def test_speech_counts_against_the_audio_quota(emulator: Emulator, call: Caller) -> None:
    emulator.assets.set_quota(1, "AUDIO", 1)
    assert call("POST", SPEAK, {"text": "x"}).status == 200
    assert call("POST", SPEAK, {"text": "x"}).status == 429


def test_speech_of_somebody_elses_experience_is_403(emulator: Emulator, call: Caller) -> None:
    act_as(emulator, "users/9", "universe:write", "asset:read", "asset:write")
    assert call("POST", SPEAK, {"text": "x"}).status == 403


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"text": ""},
        {"text": "x", "speechStyle": 5},
        {"text": "x", "speechStyle": {"voiceId": 1}},
        {"text": "x", "speechStyle": {"voiceId": "Alice"}},
        {"text": "x", "speechStyle": {"pitch": "high"}},
        {"text": "x", "speechStyle": {"speed": True}},
    ],
)
def test_speech_that_cannot_be_is_400(call: Caller, body: Any) -> None:
    assert call("POST", SPEAK, body).status == 400


@pytest.fixture
def model(emulator: Emulator) -> int:
    return emulator.assets.add(b"m", "x", asset_type="MeshPart")


def product(asset: int) -> str:
    return f"{PRODUCTS}/CreatorMarketplaceAsset-MeshPart-{asset}"


def test_a_product_is_made_once(call: Caller, model: int) -> None:
    body = {"meshPartAssetId": str(model), "basePrice": usd("4990000000"), "published": True}
    made = call("POST", PRODUCTS, body)
    assert (made.status, made.json) == (
        200,
        {
            "path": f"creator-store-products/CreatorMarketplaceAsset-MeshPart-{model}",
            "basePrice": usd(4_990_000_000),
            "purchasePrice": usd(4_990_000_000),
            "published": True,
            "restrictions": [],
            "purchasable": True,
            "userSeller": "1",
            "meshPartAssetId": str(model),
        },
    )
    assert call("GET", product(model)).json == made.json
    again = call("POST", PRODUCTS, body)
    assert (again.status, again.json["code"]) == (409, "ALREADY_EXISTS")


def test_a_product_without_a_price_is_free(call: Caller, model: int) -> None:
    made = call("POST", PRODUCTS, {"meshPartAssetId": str(model)}).json
    assert (made["basePrice"], made["published"], made["purchasable"]) == (FREE, False, False)


def test_an_update_writes_what_its_mask_names(call: Caller, model: int) -> None:
    call("POST", PRODUCTS, {"meshPartAssetId": str(model), "published": True})
    both = {"basePrice": usd(10**9), "published": False}
    changed = call("PATCH", f"{product(model)}?updateMask=basePrice", both).json
    assert (changed["basePrice"], changed["published"]) == (usd(10**9), True)
    changed = call("PATCH", f"{product(model)}?updateMask=published", both).json
    assert changed["published"] is False
    assert call("PATCH", product(model), {"basePrice": FREE}).json["basePrice"] == FREE
    assert call("PATCH", f"{product(model)}?updateMask=path", {}).status == 400
    assert call("PATCH", product(model), {"modelAssetId": str(model)}).status == 404


def test_a_missing_product_is_made_when_that_is_allowed(call: Caller, model: int) -> None:
    body = {"published": True}
    assert call("PATCH", product(model), body).status == 404
    made = call("PATCH", f"{product(model)}?allowMissing=true&updateMask=basePrice", body)
    assert (made.status, made.json["published"]) == (200, True)
    assert call("PATCH", f"{PRODUCTS}/CreatorMarketplaceAsset-MeshPart-5?allowMissing=true", body).status == 404


@pytest.mark.parametrize(
    "price",
    [
        5,
        {},
        {"currencyCode": "EUR", "quantity": {"significand": 1, "exponent": -9}},
        usd(499, -2),
        usd(5, 0),
        usd(-1),
        usd("x"),
        usd(True),
        usd(2**63),
        usd(1.5),
    ],
)
def test_a_price_that_cannot_be_is_400(call: Caller, model: int, price: Any) -> None:
    answer = call("POST", PRODUCTS, {"meshPartAssetId": str(model), "basePrice": price})
    assert (answer.status, answer.json["code"]) == (400, "INVALID_ARGUMENT")


def test_plugins_have_fixed_prices(emulator: Emulator, call: Caller) -> None:
    plugin = emulator.assets.add(b"p", "x", asset_type="Plugin")
    refused = call("POST", PRODUCTS, {"pluginAssetId": str(plugin), "basePrice": usd(5_000_000_000)})
    assert refused.status == 400
    assert call("POST", PRODUCTS, {"pluginAssetId": str(plugin), "basePrice": usd(249_990_000_000)}).status == 200


def test_a_product_is_of_one_asset_of_its_type_and_of_the_callers(emulator: Emulator, call: Caller, model: int) -> None:
    assert call("POST", PRODUCTS, {}).status == 400
    assert call("POST", PRODUCTS, {"meshPartAssetId": str(model), "modelAssetId": "5"}).status == 400
    assert call("POST", PRODUCTS, {"meshPartAssetId": "x"}).status == 400
    assert call("POST", PRODUCTS, {"modelAssetId": str(model)}).status == 404
    for missing in ("bad", "CreatorMarketplaceAsset-Model-0", f"CreatorMarketplaceAsset-Model-{model}"):
        assert call("GET", f"{PRODUCTS}/{missing}").status == 404
    call("POST", PRODUCTS, {"meshPartAssetId": str(model)})
    act_as(emulator, "users/9", "creator-store-product:write")
    assert call("POST", PRODUCTS, {"meshPartAssetId": str(model)}).status == 403
    assert call("PATCH", product(model), {"published": True}).status == 403


def test_what_restricts_a_product_keeps_it_from_being_bought(emulator: Emulator, call: Caller, model: int) -> None:
    with pytest.raises(ValueError, match="not distributed"):
        emulator.creator_store.restrict(model, "SOLD_ITEM_RESTRICTED")
    call("POST", PRODUCTS, {"meshPartAssetId": str(model), "published": True})
    emulator.creator_store.restrict(model, "SOLD_ITEM_RESTRICTED")
    assert call("GET", product(model)).json["purchasable"] is False
    emulator.creator_store.restrict(model)
    assert call("GET", product(model)).json["purchasable"] is True
