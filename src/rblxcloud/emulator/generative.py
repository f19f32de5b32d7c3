"""What Roblox makes of text: translations that a test can register, and speech, which is a while of silence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from rblxcloud.emulator.assets import operations, quotas, uploads
from rblxcloud.emulator.assets.store import keep_file
from rblxcloud.emulator.controls import Controls
from rblxcloud.emulator.creators.authority import check_creator
from rblxcloud.emulator.errors import json_reply
from rblxcloud.emulator.model import Call, Handler, Reply, World
from rblxcloud.emulator.protobuf import camel_keys, invalid
from rblxcloud.emulator.universes import owner
from rblxcloud.endpoints import universes as api
from rblxcloud.endpoints.model import Endpoint

__all__ = ["HANDLERS", "LANGUAGES", "SCHEMA", "TranslationControls"]

SCHEMA = """
CREATE TABLE IF NOT EXISTS translations (
    text TEXT NOT NULL,
    source TEXT NOT NULL,
    target TEXT NOT NULL,
    translated TEXT NOT NULL,
    PRIMARY KEY (text, target)
);
"""

LANGUAGES = (
    *("en-us", "fr-fr", "vi-vn", "th-th", "tr-tr", "ru-ru", "es-es", "pt-br"),
    *("ko-kr", "ja-jp", "zh-cn", "zh-tw", "de-de", "pl-pl", "it-it", "id-id"),
)
"""The codes of the languages that there are."""

_DEFAULT_SOURCE = "en-us"
_SILENT_FRAME = b"\xff\xfb\x90\xc4" + bytes(413)
"""A frame of an MP3 file: 26 ms of silence at 128 kbit/s."""


class TranslationControls(Controls):
    """The translations that an emulator knows; any other text gets the language's code in front of it."""

    def add(self, text: str, translations: Mapping[str, str], *, source: str = _DEFAULT_SOURCE) -> None:
        """Say how a text reads in other languages.

        Args:
            text: The text.
            translations: What it becomes, by the code of the language.
            source: Code of its own language, which is found out where a request does not say it.

        Raises:
            ValueError: A code is that of no language.
        """
        if unknown := {*translations, source} - set(LANGUAGES):
            raise ValueError(f"there is no language {', '.join(sorted(unknown))}")
        with self._transaction():
            for target, translated in translations.items():
                self._world.database.execute(
                    "INSERT OR REPLACE INTO translations VALUES (?, ?, ?, ?)", (text, source, target, translated)
                )


def _translate(world: World, call: Call) -> Reply:
    body = camel_keys(call.json_object())
    text, source, targets = _text(body), body.get("sourceLanguageCode"), body.get("targetLanguageCodes")
    if source not in (None, "", *LANGUAGES):
        raise invalid("The sourceLanguageCode is that of no language.")
    wanted = cast("list[str]", targets or []) if isinstance(targets, list | None) else [""]
    if not all(target in LANGUAGES for target in wanted):
        raise invalid("The targetLanguageCodes hold the code of no language.")
    known = {
        target: (language, translated)
        for language, target, translated in world.database.execute(
            "SELECT source, target, translated FROM translations WHERE text = ?", (text,)
        )
    }
    found = source or next((language for language, _ in known.values()), _DEFAULT_SOURCE)

    def translated(target: str) -> str:
        if target == found:
            return text
        return known[target][1] if target in known else f"[{target}] {text}"

    return json_reply({"sourceLanguageCode": found, "translations": {target: translated(target) for target in wanted}})


def _speak(world: World, call: Call) -> Reply:
    body = camel_keys(call.json_object())
    text = _text(body)
    style: Any = body.get("speechStyle") or {}
    if not isinstance(style, dict):
        raise invalid("speechStyle must be an object.")
    _check_style(camel_keys(cast("dict[str, Any]", style)))
    creator = owner(world, call.path["universe_id"])
    check_creator(world, call, creator)
    user = uploads.uploader(world, call, creator)
    quotas.count_upload(world, call, user, "AUDIO")
    script = world.scripts.take("speech")
    if script.refusal is not None:
        raise invalid(script.refusal)
    spoken = keep_file(world, _SILENT_FRAME * (2 * len(text) + 1))
    fields = {"displayName": "Generated speech", "description": ""}
    upload = operations.Upload("Audio", creator, "default", fields, "audio/mpeg", spoken, speaks_for=user)
    shown = operations.operation_json(world, operations.start(world, upload, script), answer=script.answer)
    shown.pop("operationId", None)  # That is the assets service's own.
    return json_reply(shown)


def _check_style(style: Mapping[str, Any]) -> None:
    voice = style.get("voiceId", "1")
    if not isinstance(voice, str) or not voice.isascii() or not voice.isdigit():
        raise invalid("voiceId must be the number of a voice, as text.")
    for name in ("pitch", "speed"):
        if isinstance(style.get(name), bool) or not isinstance(style.get(name, 0), int | float):
            raise invalid(f"{name} must be a number.")


def _text(body: Mapping[str, Any]) -> str:
    text = body.get("text")
    if not isinstance(text, str) or not text:
        raise invalid("text must be a text that is not empty.")
    return text


HANDLERS: Mapping[Endpoint, Handler] = {
    api.TRANSLATE_TEXT: _translate,
    api.GENERATE_SPEECH_ASSET: uploads.settled(_speak),
}
