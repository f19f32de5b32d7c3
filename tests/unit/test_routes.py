"""Raw paths: the row they belong to and the values in them."""

from __future__ import annotations

import pytest

from rblxcloud import InvalidRequestError
from rblxcloud.http.routes import match

ENTRY = "/cloud/v2/universes/1/data-stores/s/scopes/global/entries/"


def test_values_are_decoded() -> None:
    endpoint, values = match("GET", f"{ENTRY}caf%C3%A9%2Fkey")
    assert endpoint.name == "data_stores.get_entry"
    assert values["entry_id"] == "café/key"


@pytest.mark.parametrize("segment", ["%FF", "a%C3", "%ED%A0%80"])
def test_what_is_not_utf8_is_refused_rather_than_read_as_another_key(segment: str) -> None:
    with pytest.raises(InvalidRequestError, match="^path: .*UTF-8"):
        match("GET", ENTRY + segment)
