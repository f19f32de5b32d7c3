"""Every family of error body is read, and what is none of them still gives the right class."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

import rblxcloud
from rblxcloud.endpoints.data_stores import GET_ENTRY
from rblxcloud.http.response import error_for, read_error, retry_after
from rblxcloud.runtime.base import Headers, Response


def read(body: object) -> tuple[str, str | None]:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    error = read_error(Response(400, Headers(), content))
    return error.message, error.code


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"errors": [{"code": 0, "message": "Invalid API Key"}]}, ("Invalid API Key", None)),
        ({"errors": [{"code": 14, "message": "m"}]}, ("m", "14")),
        ({"code": "INVALID_ARGUMENT", "message": "m", "details": [1]}, ("m", "INVALID_ARGUMENT")),
        (
            {"error": "NOT_FOUND", "message": "m", "errorDetails": [{"datastoreErrorCode": "EntryNotFound"}]},
            ("m", "EntryNotFound"),
        ),
        ({"code": 5, "message": "m"}, ("m", "5")),
        (
            {"errors": {"limit": ["too large"]}, "title": "t", "status": 400},
            ("limit: too large", "INVALID_ARGUMENT"),
        ),
        ({"type": "x", "title": "t", "status": 409, "detail": "d"}, ("d", "409")),
        ({"errorCode": "DuplicateProductName", "errorMessage": "m"}, ("m", "DuplicateProductName")),
        ({"error": {"code": "X", "message": "m"}}, ("m", "X")),
        ({"error": "invalid_grant", "error_description": "d"}, ("d", "invalid_grant")),
        (b"<html>\n<b>busy</b></html>", ("<html> <b>busy</b></html>", None)),
        (b"", ("the answer has no body", None)),
        ([], ("[]", None)),
        ({}, ("{}", None)),
    ],
)
def test_family_is_read(body: object, expected: tuple[str, str | None]) -> None:
    assert read(body) == expected


@pytest.mark.parametrize(("code", "text"), [(409, "409 in"), ("ABORTED", "409 ABORTED in"), (5, "409 5 in")])
def test_a_code_that_is_the_status_is_not_said_twice(code: object, text: str) -> None:
    error = error_for(
        Response(409, Headers(), json.dumps({"code": code, "message": "m"}).encode()), GET_ENTRY, wall_time=0
    )
    assert str(error) == f"{text} data_stores.get_entry: m"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["errors", "error", "code", "message", "details", "title"]), inner, max_size=4
        )
    ),
)


@given(json_values | st.binary())
def test_no_body_breaks_the_reader(body: object) -> None:
    message, _ = read(body)
    assert isinstance(message, str)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (400, rblxcloud.BadRequestError),
        (401, rblxcloud.AuthenticationError),
        (403, rblxcloud.PermissionDeniedError),
        (404, rblxcloud.NotFoundError),
        (409, rblxcloud.ConflictError),
        (412, rblxcloud.PreconditionFailedError),
        (418, rblxcloud.APIStatusError),
        (429, rblxcloud.RateLimitedError),
        (500, rblxcloud.ServerError),
        (599, rblxcloud.ServerError),
    ],
)
def test_status_decides_the_class(status: int, expected: type) -> None:
    error = error_for(Response(status, Headers({"x-request-id": "r"})), GET_ENTRY, wall_time=0)
    assert type(error) is expected
    assert error.request_id == "r"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "Thu, 01 Jan 1970 00:01:00 GMT"}, 50.0),
        ({"retry-after": "soon", "x-ratelimit-reset": "9"}, 9.0),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "9"}, 9.0),
        ({"x-ratelimit-remaining": "3, 3", "x-ratelimit-reset": "9"}, None),
        ({"x-ratelimit-remaining": "3", "x-ratelimit-reset": "9", "retry-after": "2"}, 2.0),
        ({"retry-after": "-1"}, 0.0),
        ({"retry-after": "inf"}, None),
        ({}, None),
    ],
)
def test_wait_that_roblox_asks_for(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(Response(429, Headers(headers)), wall_time=10) == seconds


@pytest.mark.parametrize(
    ("status", "headers", "seconds"),
    [
        (503, {"retry-after": "7"}, 7.0),
        (503, {"x-ratelimit-reset": "9"}, None),
        (503, {}, None),
        (500, {"retry-after": "7"}, None),
    ],
)
def test_wait_that_an_outage_asks_for(status: int, headers: dict[str, str], seconds: float | None) -> None:
    error = error_for(Response(status, Headers(headers)), GET_ENTRY, wall_time=10)
    assert isinstance(error, rblxcloud.ServerError)
    assert error.retry_after == seconds
