"""What Roblox makes of text: translations and speech."""

from __future__ import annotations

from typing import Any, Literal, get_args

from pydantic import Field, TypeAdapter

from rblxcloud.config import is_finite
from rblxcloud.errors import InvalidRequestError
from rblxcloud.resources.arguments import check_whole, shown
from rblxcloud.resources.base import Model, check_several, check_text

_LARGEST_VOICE = 2**63 - 1

LanguageCode = Literal[
    "en-us",
    "fr-fr",
    "vi-vn",
    "th-th",
    "tr-tr",
    "ru-ru",
    "es-es",
    "pt-br",
    "ko-kr",
    "ja-jp",
    "zh-cn",
    "zh-tw",
    "de-de",
    "pl-pl",
    "it-it",
    "id-id",
]
"""A language that Roblox translates from and to."""


class Translation(Model):
    """A text in other languages."""

    source_language: str | None = Field(default=None, alias="sourceLanguageCode")
    """Code of the language that it was translated from: the one that was passed, or that Roblox found."""
    translations: dict[str, str] = Field(default_factory=dict[str, str])
    """The text in each language that was asked for, by its code."""


class SpeechAsset(Model):
    """A text that was spoken."""

    asset_id: int
    """Id of the audio asset, an MP3 file; `client.asset(asset_id)` downloads it."""
    remaining_quota: int | None = None
    """How many more can be made in this calendar month."""


TRANSLATION = TypeAdapter(Translation)


def translation_body(text: object, targets: object, source: object) -> dict[str, Any]:
    """Return the body of a translation, from the arguments of `Experience.translate_text`.

    Raises:
        InvalidRequestError: An argument is refused.
    """
    codes = [_code("targets", target) for target in check_several("targets", targets)]
    body: dict[str, Any] = {"text": check_text("text", text), "targetLanguageCodes": list(dict.fromkeys(codes))}
    if source is not None:
        body["sourceLanguageCode"] = _code("source", source)
    return body


def speech_body(text: object, voice: object, pitch: object, speed: object) -> dict[str, Any]:
    """Return the body of a request for speech, from the arguments of `Experience.generate_speech_asset`.

    Raises:
        InvalidRequestError: An argument is refused.
    """
    style: dict[str, Any] = {}
    if voice is not None:
        style["voiceId"] = _voice(voice)
    for name, value in (("pitch", pitch), ("speed", speed)):
        if value is not None:
            style[name] = _number(name, value)
    return {"text": check_text("text", text), **({"speechStyle": style} if style else {})}


def _code(argument: str, value: object) -> str:
    """Return a language's code; whether it has capitals makes no difference (BCP 47)."""
    if not isinstance(value, str) or value.lower() not in get_args(LanguageCode):
        raise InvalidRequestError(argument, f"{shown(value)} is none of {', '.join(get_args(LanguageCode))}")
    return value.lower()


def _voice(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(check_whole("voice", value, _LARGEST_VOICE, smallest=0))
    if not isinstance(value, str) or not value.isascii() or not value.isdigit():
        raise InvalidRequestError("voice", f"{shown(value)} is not the number of a voice, such as 1")
    return value


def _number(argument: str, value: object) -> int | float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not is_finite(value):
        raise InvalidRequestError(argument, f"{shown(value)} is not a number")
    return value
