"""rblxcloud.Webhook: what is believed, and what is not."""

from __future__ import annotations

import json
import pickle
import traceback
from email.message import Message
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from starlette.datastructures import Headers
from werkzeug.datastructures import Headers as FlaskHeaders

from rblxcloud import (
    ConfigurationError,
    ExpiredSignatureError,
    InvalidRequestError,
    InvalidSignatureError,
    SampleNotification,
    Webhook,
    WebhookError,
    WebhookEvent,
)
from tests.webhooks.signing import NOW, NUMBER, SECRET, body, signature, signed

BODY = body()


def webhook(secret: Any = SECRET, **options: Any) -> Webhook:
    return Webhook(secret, **{"clock": lambda: NOW, **options})


def test_a_signature_that_openssl_made_is_good() -> None:
    content = (
        b'{"NotificationId":"11111111-2222-3333-4444-555555555555","EventType":"SampleNotification",'
        b'"EventTime":"2023-12-30T16:24:24.2118874Z","EventPayload":{"UserId":1}}'
    )
    header = "t=1703953464,v1=p916aHk4g86GQ4rjNWmI05cXOFwvQtCjQx6xmlJq8HE="
    event = webhook("clé of the webhook", clock=lambda: 1703953464.5).parse({"roblox-signature": header}, content)
    assert isinstance(event, SampleNotification)
    assert event.user_id == 1


@pytest.mark.parametrize(
    "headers",
    [
        {"roblox-signature": "H"},
        {"Roblox-Signature": "H", "Content-Type": "application/json"},
        {"ROBLOX-SIGNATURE": ["H"]},
        {b"Roblox-Signature": b"H"},
        [("content-type", "application/json"), ("Roblox-Signature", "H")],
        [[b"roblox-signature", b"H"]],
        Headers({"Roblox-Signature": "H"}),
        FlaskHeaders([("Roblox-Signature", "H")]),
        {"HTTP_ROBLOX_SIGNATURE": "H", "wsgi.input": object()},
    ],
    ids=lambda headers: type(headers).__name__,
)
def test_headers_of_any_framework_are_read(headers: Any) -> None:
    header = signed(BODY)["roblox-signature"]

    def put(value: Any) -> Any:
        if isinstance(value, bytes):
            return header.encode() if value == b"H" else value
        if isinstance(value, list | tuple):
            return type(value)(put(each) for each in value)
        return header if value == "H" else value

    if isinstance(headers, Headers | FlaskHeaders):
        given = type(headers)(
            {"Roblox-Signature": header}.items() if isinstance(headers, FlaskHeaders) else {"Roblox-Signature": header}
        )
    else:
        given = {name: put(value) for name, value in headers.items()} if isinstance(headers, dict) else put(headers)
    assert webhook().parse(given, BODY).notification_id == NUMBER


def test_the_headers_of_the_standard_library_are_read() -> None:
    message = Message()
    message["Roblox-Signature"] = signed(BODY)["roblox-signature"]
    assert webhook().parse(message, BODY).notification_id == NUMBER


@pytest.mark.parametrize(
    "header",
    [
        "v1={good},t={t}",
        " t={t} , v1={good} ",
        "t={t},v0=old,v1={good},v2=new,flag",
        "t={t},v1=AAAA,v1={good}",
        "t={t},t={t},v1={good}",
    ],
)
def test_elements_stand_in_any_order_and_unknown_ones_are_passed_over(header: str) -> None:
    given = header.format(t=NOW, good=signature(BODY))
    assert webhook().parse({"roblox-signature": given}, BODY).notification_id == NUMBER


def test_a_header_that_comes_twice_is_one() -> None:
    headers = [("roblox-signature", f"t={NOW}"), ("roblox-signature", f"v1={signature(BODY)}")]
    assert webhook().parse(headers, BODY).notification_id == NUMBER


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_a_body_is_bytes_of_any_kind(kind: Any) -> None:
    assert webhook().parse(signed(BODY), kind(BODY)).notification_id == NUMBER


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "t={t}",
        "v1={good}",
        "t={t},v1=",
        "t={t},v1",
        "t={t},v1={hex}",
        "t={t},v1={short}",
        "t={t},v1=é€😀",
        "t={t},V1={good}",
        "t={t},v1={good}=",
        "t={t}0,v1={good}",
        "t={t}.0,v1={good}",
        "t=+{t},v1={good}",
        "t= {t},v1={good}",
        "t=１７,v1={good}",
        "t=,v1={good}",
        "t={t},t=1,v1={good}",
        "t=99999999999999999999,v1={good}",
        "nonsense",
    ],
)
def test_what_is_not_signed_is_refused(header: str | None) -> None:
    good = signature(BODY)
    given = header and header.format(t=NOW, good=good, short=good[:-1], hex="ab" * 32)
    with pytest.raises(InvalidSignatureError):
        webhook().parse({} if given is None else {"roblox-signature": given}, BODY)


@pytest.mark.parametrize(
    ("sent", "name"),
    [
        (BODY.replace(b"7", b"8"), "tampered"),
        (json.dumps(json.loads(BODY)).encode(), "re-encoded"),
        (BODY + b" ", "longer"),
        (BODY[:-1], "shorter"),
        (b"", "empty"),
    ],
)
def test_another_body_is_refused(sent: bytes, name: str) -> None:
    with pytest.raises(InvalidSignatureError, match="not one of this body"):
        webhook().parse(signed(BODY), sent)


def test_another_secret_or_time_is_refused() -> None:
    with pytest.raises(InvalidSignatureError):
        webhook("another").parse(signed(BODY), BODY)
    with pytest.raises(InvalidSignatureError):
        webhook().parse({"roblox-signature": f"t={NOW + 1},v1={signature(BODY)}"}, BODY)


@pytest.mark.parametrize("age", [-600, -1, 0, 1, 600])
def test_a_time_within_the_tolerance_is_good(age: int) -> None:
    assert webhook().parse(signed(BODY, moment=NOW - age), BODY).notification_id == NUMBER


@pytest.mark.parametrize(("age", "told"), [(601, "601 seconds ago"), (-601, "601 seconds ahead"), (NOW, "ago")])
def test_a_time_out_of_the_tolerance_is_refused_on_both_sides(age: int, told: str) -> None:
    with pytest.raises(ExpiredSignatureError, match=told):
        webhook().parse(signed(BODY, moment=NOW - age), BODY)


def test_the_tolerance_can_be_another() -> None:
    assert webhook(tolerance=601).parse(signed(BODY, moment=NOW - 601), BODY)
    with pytest.raises(ExpiredSignatureError):
        webhook(tolerance=5).parse(signed(BODY, moment=NOW - 6), BODY)


def test_a_bad_signature_that_is_old_too_is_a_bad_signature() -> None:
    with pytest.raises(InvalidSignatureError):
        webhook().parse(signed(BODY, "another", NOW - 10_000), BODY)


@given(
    st.binary(max_size=300), st.text(min_size=1).filter(lambda text: text == text.strip("\r\n")), st.integers(0, 2**40)
)
def test_what_is_signed_is_read_or_malformed_and_nothing_else(content: bytes, secret: str, moment: int) -> None:
    try:
        secret.encode()
    except UnicodeEncodeError:
        return
    with pytest.raises(WebhookError) as caught:
        Webhook(secret, clock=lambda: moment).parse(signed(content, secret, moment), content)
    assert type(caught.value) is WebhookError


@given(st.text(max_size=200), st.binary(max_size=100))
def test_no_header_that_anybody_makes_up_is_believed(header: str, content: bytes) -> None:
    with pytest.raises(InvalidSignatureError):
        webhook().parse({"roblox-signature": header}, content)


@given(st.integers(0, len(BODY) * 8 - 1))
def test_no_bit_of_a_body_can_be_changed(bit: int) -> None:
    changed = bytearray(BODY)
    changed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(InvalidSignatureError):
        webhook().parse(signed(BODY), changed)


@pytest.mark.parametrize("headers", [{}, {"roblox-signature": f"t={NOW}"}, {"roblox-signature": f"t={NOW},v1=any"}])
def test_without_a_secret_everything_is_believed_where_that_is_said(headers: dict[str, str]) -> None:
    assert webhook(None, allow_unsigned=True).parse(headers, BODY).notification_id == NUMBER


def test_without_a_secret_the_time_is_still_looked_at() -> None:
    with pytest.raises(ExpiredSignatureError):
        webhook(None, allow_unsigned=True).parse({"roblox-signature": f"t={NOW - 601}"}, BODY)


def test_without_a_secret_and_without_a_word_nothing_is_made() -> None:
    with pytest.raises(ConfigurationError, match="allow_unsigned=True"):
        Webhook(None)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"secret": ""}, "secret"),
        ({"secret": SecretStr("")}, "secret"),
        ({"secret": "ends with a line\n"}, "secret"),
        ({"secret": b"bytes"}, "secret"),
        ({"secret": 5}, "secret"),
        ({"secret": SecretStr(b"bytes")}, "secret"),  # type: ignore[arg-type]
        ({"secret": "\ud800"}, "secret"),
        ({"secret": "s", "tolerance": -1}, "tolerance"),
        ({"secret": "s", "tolerance": 0}, "tolerance"),
        ({"secret": "s", "tolerance": True}, "tolerance"),
        ({"secret": "s", "tolerance": "600"}, "tolerance"),
        ({"secret": "s", "tolerance": float("nan")}, "tolerance"),
        ({"secret": "s", "allow_unsigned": True}, "allow_unsigned"),
        ({"secret": None, "allow_unsigned": "no"}, "allow_unsigned"),
    ],
)
def test_arguments_that_cannot_be_meant_are_refused(arguments: dict[str, Any], named: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        Webhook(**arguments)
    assert caught.value.argument == named


@pytest.mark.parametrize("given", [BODY.decode(), json.loads(BODY), None, 5, [BODY]])
def test_a_body_that_was_decoded_is_refused_with_the_remedy(given: Any) -> None:
    with pytest.raises(InvalidRequestError, match=r"await request\.body\(\).*request\.get_data\(\)") as caught:
        webhook().parse(signed(BODY), given)
    assert caught.value.argument == "body"
    assert NUMBER not in str(caught.value)


@pytest.mark.parametrize("given", [None, "t=1,v1=x", b"t=1", 5, [1, 2], ["ab"], [("a", "b", "c")]])
def test_headers_that_are_none_are_refused(given: Any) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        webhook().parse(given, BODY)
    assert caught.value.argument == "headers"


@pytest.mark.parametrize("secret", [SECRET, SecretStr(SECRET)])
def test_the_secret_is_never_shown(secret: Any) -> None:
    made = webhook(secret)
    assert made.parse(signed(BODY), BODY)
    shown = repr(made) + str(made)
    for headers in ({}, signed(BODY, "another"), signed(BODY, moment=0)):
        with pytest.raises(WebhookError) as caught:
            made.parse(headers, BODY)
        shown += "".join(traceback.format_exception(caught.value)) + repr(caught.value)
        assert type(pickle.loads(pickle.dumps(caught.value))) is caught.type
    assert SECRET not in shown
    assert signature(BODY) not in shown


def test_a_refused_secret_is_in_no_frame_that_refuses_it() -> None:
    with pytest.raises(InvalidRequestError, match="line break") as caught:
        webhook(SecretStr(SECRET + "\n"))
    frames = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    assert SECRET not in "".join(frames.format())


@pytest.mark.parametrize(
    "arguments",
    [
        {"secret": SECRET, "tolerance": -1},
        {"secret": SECRET, "allow_unsigned": "no"},
        {"secret": SECRET, "allow_unsigned": True},
        {"secret": SECRET + "\n"},
        {"secret": SECRET.encode()},
    ],
)
def test_a_secret_is_in_no_frame_that_refuses_another_argument(arguments: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        Webhook(**arguments)
    stack = traceback.TracebackException.from_exception(caught.value, capture_locals=True).stack
    frames = [frame for frame in stack if "rblxcloud" in Path(frame.filename).parts]
    assert frames
    assert SECRET not in str([frame.locals for frame in frames])


def test_an_event_is_the_same_whoever_reads_it() -> None:
    event = webhook().parse(signed(BODY), BODY)
    assert event == webhook(None, allow_unsigned=True).parse({}, BODY)
    assert pickle.loads(pickle.dumps(event)) == event
    assert isinstance(event, WebhookEvent)
