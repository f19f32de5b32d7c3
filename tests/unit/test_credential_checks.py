"""Credentials that no header can carry: refused, and shown nowhere."""

from __future__ import annotations

import traceback
from typing import Any

import pytest
from pydantic import SecretStr

from rblxcloud import ConfigurationError
from rblxcloud.http.auth import check_secret


@pytest.mark.parametrize("end", ["\n", "\r\n", " ", "é", "\x00"])
def test_secret_that_no_header_can_carry_is_in_no_frame(end: str) -> None:
    with pytest.raises(ConfigurationError, match="api_key has characters") as caught:
        check_secret("api_key", SecretStr(f"hush{end}"))
    shown = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    assert [frame.name for frame in shown.stack if "hush" in str(frame.locals)] == []
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize(
    ("value", "problem"),
    [("", "is empty"), (SecretStr(""), "is empty"), (b"key", "is of type bytes"), (SecretStr(5), "is of type int")],  # type: ignore[arg-type]
)
def test_secret_that_is_none_is_refused(value: Any, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=f"access_token {problem}"):
        check_secret("access_token", value)


@pytest.mark.parametrize("value", ["key", SecretStr("key")])
def test_secret_is_kept_out_of_sight(value: Any) -> None:
    kept = check_secret("api_key", value)
    assert (repr(kept), kept.get_secret_value()) == ("SecretStr('**********')", "key")
