"""Translated text, spoken text, and products of the Creator Store."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import rblxcloud
from rblxcloud.emulator import Emulator, OperationScript
from rblxcloud.resources.generative import translation_body
from tests.support.emulator import act_as

Tell = Callable[[Callable[[Any], Any]], None]

INFINITE = float("inf")


def test_text_is_translated(tell: Tell, emulator: Emulator) -> None:
    emulator.translations.add("Hello", {"fr-fr": "Bonjour", "ja-jp": "こんにちは"})
    emulator.translations.add("Bonjour", {"en-us": "Hello"}, source="fr-fr")

    async def story(client: Any) -> None:
        experience = client.experience(1)
        translation = await experience.translate_text("Hello", ["fr-fr", "JA-jp", "fr-fr", "de-de"])
        assert translation.source_language == "en-us"
        assert translation.translations == {"fr-fr": "Bonjour", "ja-jp": "こんにちは", "de-de": "[de-de] Hello"}
        assert (await experience.translate_text("Bonjour", {"en-us"})).source_language == "fr-fr"
        assert (await experience.translate_text("Ciao", ["en-us"], source="it-it")).source_language == "it-it"

    tell(story)


def test_a_translation_takes_an_api_key(base_url: str, emulator: Emulator) -> None:
    with (
        rblxcloud.sync.Client(access_token="token", base_url=base_url) as client,
        pytest.raises(rblxcloud.UnsupportedCredentialError, match="API key"),
    ):
        client.experience(1).translate_text("Hello", ["fr-fr"])
    assert emulator.requests() == []


def test_text_is_spoken_and_can_be_heard(tell: Tell, emulator: Emulator, tmp_path: Path) -> None:
    emulator.assets.set_quota(1, "AUDIO", 5)
    emulator.scripts.add(OperationScript(kind="speech", processing=30, times=None))

    async def story(client: Any) -> None:
        operation = await client.experience(13058).generate_speech_asset("Hello", voice=2, pitch=1.5, speed=1)
        assert await operation.fetch_operation() is None
        emulator.clock.advance(30)
        speech = await client.operation(operation.path).wait()
        assert speech == await operation.wait()
        assert isinstance(speech, rblxcloud.SpeechAsset)
        assert speech.remaining_quota is not None
        again = await client.experience(13058).generate_speech_asset("Hello again")
        emulator.clock.advance(30)
        assert (await again.wait()).remaining_quota == speech.remaining_quota - 1
        asset = await client.asset(speech.asset_id).fetch()
        assert asset.asset_type == rblxcloud.AssetType.Audio
        heard = (await asset.download(tmp_path / "speech.mp3")).read_bytes()
        assert heard.startswith(b"\xff\xfb")

    tell(story)


def test_speech_that_fails_says_why(tell: Tell, emulator: Emulator) -> None:
    async def story(client: Any) -> None:
        emulator.scripts.add(OperationScript(kind="speech", code=3, message="The text was moderated."))
        operation = await client.experience(13058).generate_speech_asset("Hello")
        with pytest.raises(rblxcloud.ModerationError, match="moderated"):
            await operation.wait()
        emulator.scripts.add(OperationScript(kind="speech", refusal="The voice does not exist."))
        with pytest.raises(rblxcloud.BadRequestError, match="voice"):
            await client.experience(13058).generate_speech_asset("Hello", voice="99")

    tell(story)


def test_speech_needs_all_of_three_scopes(tell: Tell, emulator: Emulator) -> None:
    act_as(emulator, "users/1", "universe:write", "asset:read")

    async def story(client: Any) -> None:
        with pytest.raises(rblxcloud.PermissionDeniedError, match="asset:write"):
            await client.experience(13058).generate_speech_asset("Hello")

    tell(story)


def test_an_asset_is_distributed_priced_and_withdrawn(tell: Tell, emulator: Emulator) -> None:
    async def story(client: Any) -> None:
        plugin = emulator.assets.add(b"p", "x", asset_type="Plugin")
        store = client.creator_store
        number = store.product_id("Plugin", plugin)
        with pytest.raises(rblxcloud.NotFoundError):
            await store.fetch(number)
        with pytest.raises(rblxcloud.NotFoundError):
            await store.update(number, published=False)
        product = await store.create("Plugin", plugin, Decimal("4.99"))
        assert (product.id, product.asset_type, product.asset_id) == (number, "Plugin", plugin)
        assert (product.base_price.currency, product.base_price.amount) == ("USD", Decimal("4.99"))
        assert (product.published, product.purchasable, product.user_seller) == (True, True, 1)
        with pytest.raises(rblxcloud.ConflictError):
            await store.create("Plugin", plugin)
        assert (await store.update(number, price="249.99")).base_price.amount == Decimal("249.99")
        product = await store.update(number, published=False, price=0)
        assert (product.base_price.amount, product.published, product.purchasable) == (0, False, False)
        emulator.creator_store.restrict(plugin, "SOLD_ITEM_RESTRICTED")
        product = await store.update(number, published=True)
        assert (product.purchasable, product.restrictions) == (False, ("SOLD_ITEM_RESTRICTED",))
        assert await store.fetch(number) == product

    tell(story)


def test_a_product_is_made_where_there_is_none(tell: Tell, emulator: Emulator) -> None:
    async def story(client: Any) -> None:
        mesh = emulator.assets.add(b"m", "x", asset_type="MeshPart", creator="groups/1")
        number = client.creator_store.product_id("MeshPart", mesh)
        product = await client.creator_store.update(number, price=Decimal("0.000000001"), create=True)
        assert (product.base_price.amount, product.published, product.group_seller) == (Decimal("1E-9"), False, 1)
        assert await client.creator_store.update(number, published=True, create=True)

    tell(story)


@pytest.mark.parametrize(
    "act",
    [
        lambda e, _: e.translate_text("", ["fr-fr"]),
        lambda e, _: e.translate_text(5, ["fr-fr"]),
        lambda e, _: e.translate_text("\ud800", ["fr-fr"]),
        lambda e, _: e.translate_text("x", []),
        lambda e, _: e.translate_text("x", "fr-fr"),
        lambda e, _: e.translate_text("x", ["fr"]),
        lambda e, _: e.translate_text("x", ["fr-fr", None]),
        lambda e, _: e.translate_text("x", ["fr-fr"], source="klingon"),
        lambda e, _: e.generate_speech_asset(""),
        lambda e, _: e.generate_speech_asset("x", voice="Alice"),
        lambda e, _: e.generate_speech_asset("x", voice=True),
        lambda e, _: e.generate_speech_asset("x", pitch="high"),
        lambda e, _: e.generate_speech_asset("x", speed=float("nan")),
        lambda e, _: e.generate_speech_asset("x", speed=INFINITE),
        lambda e, _: e.generate_speech_asset("x", speed=True),
        lambda _, store: store.create("Hat", 5),
        lambda _, store: store.create("Model", True),
        lambda _, store: store.create("Model", -1),
        lambda _, store: store.create("Model", 5, 4.99),
        lambda _, store: store.create("Model", 5, True),
        lambda _, store: store.create("Model", 5, "free"),
        lambda _, store: store.create("Model", 5, -1),
        lambda _, store: store.create("Model", 5, Decimal("NaN")),
        lambda _, store: store.create("Model", 5, Decimal("Infinity")),
        lambda _, store: store.create("Model", 5, Decimal("1E+999999")),
        lambda _, store: store.create("Model", 5, Decimal("1E-999999")),
        lambda _, store: store.create("Model", 5, Decimal("0.0000000001")),
        lambda _, store: store.create("Model", 5, 2**63 // 10**9 + 1),
        lambda _, store: store.create("Plugin", 5, 5),
        lambda _, store: store.create("Model", 5, published="yes"),
        lambda _, store: store.fetch("5"),
        lambda _, store: store.fetch(5),
        lambda _, store: store.fetch("CreatorMarketplaceAsset-Model-0"),
        lambda _, store: store.update("CreatorMarketplaceAsset-Model-5"),
        lambda _, store: store.update("CreatorMarketplaceAsset-Plugin-5", price=5),
        lambda _, store: store.update("CreatorMarketplaceAsset-PRODUCT_TYPE_PLUGIN-5", price=5),
        lambda _, store: store.update("CreatorMarketplaceAsset-Hat-5", price=5, create=True),
        lambda _, store: store.update("CreatorMarketplaceAsset-Model-5", published=None),
        lambda _, store: store.update("CreatorMarketplaceAsset-Model-5", published=True, create=1),
    ],
)
def test_what_cannot_be_is_not_sent(tell: Tell, emulator: Emulator, act: Any) -> None:
    async def story(client: Any) -> None:
        with pytest.raises(rblxcloud.InvalidRequestError):
            await act(client.experience(1), client.creator_store)

    tell(story)
    assert emulator.requests() == []


def test_it_is_the_id_of_a_product_that_is_refused(tell: Tell) -> None:
    async def story(client: Any) -> None:
        with pytest.raises(rblxcloud.InvalidRequestError, match="Hat") as caught:
            await client.creator_store.update("CreatorMarketplaceAsset-Hat-5", price=5, create=True)
        assert caught.value.argument == "product_id"

    tell(story)


def test_a_language_that_is_named_twice_is_asked_for_once() -> None:
    body = translation_body("x", ["fr-fr", "FR-FR", "de-de"], None)
    assert body["targetLanguageCodes"] == ["fr-fr", "de-de"]
