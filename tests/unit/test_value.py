"""Values, users and metadata: what cannot be stored is refused with the path to it, before anything is sent."""

from __future__ import annotations

import json
import traceback
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, TypeAdapter

from rblxcloud import InvalidRequestError
from rblxcloud.resources.value import EXACT_INTEGER, Codec, check_metadata, check_users, serialize

storable = st.recursive(
    st.booleans()
    | st.integers(-EXACT_INTEGER, EXACT_INTEGER)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner | st.none(), max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


@given(storable)
def test_whatever_json_holds_comes_back_as_it_was(value: Any) -> None:
    assert json.loads(serialize(value)) == value


@given(st.floats(-1e249, 1e249).map(int))
def test_whole_numbers_that_roblox_can_have_given_back_can_be_stored_again(number: int) -> None:
    assert json.loads(serialize(number)) == number
    assert check_metadata({"a": number})["a"] == number


@pytest.mark.parametrize("number", [2**53 + 1, -(2**53) - 1, 10**17 + 1, 2**63 - 1, 10**400])
def test_whole_numbers_that_roblox_would_round_are_refused(number: int) -> None:
    with pytest.raises(InvalidRequestError, match="rounds numbers"):
        serialize(number)
    with pytest.raises(InvalidRequestError, match="rounds numbers"):
        check_metadata({"a": number})


@pytest.mark.parametrize(
    ("value", "path"),
    [
        (float("nan"), "value is nan"),
        ({"a": [1, float("inf")]}, r"value\['a'\]\[1\] is inf"),
        ({"big": EXACT_INTEGER + 2}, r"value\['big'\].*keep it as text"),
        ([{1: 2}], r"value\[0\] has the key 1"),
        ({"s": {1, 2}}, r"value\['s'\] is of type set"),
        (b"bytes", "value is of type bytes"),
        ("\ud800", "lone surrogate"),
        ({"\ud800": 1}, "lone surrogate"),
        (None, "remove"),
        ("x" * 4_194_304, "4194306 bytes"),
    ],
)
def test_offender_is_named_with_its_path(value: Any, path: str) -> None:
    with pytest.raises(InvalidRequestError, match=path):
        serialize(value)


def test_value_that_holds_itself_is_refused() -> None:
    value: list[Any] = []
    value.append(value)
    with pytest.raises(InvalidRequestError, match="holds itself"):
        serialize(value)


@pytest.mark.parametrize("users", ["12", 5, [True], [0], [-1], ["1"], [1, 2, 3, 4, 5], {1: 2}, [2**63]])
def test_users_that_are_not_ids_are_refused(users: Any) -> None:
    with pytest.raises(InvalidRequestError, match="^users: "):
        check_users(users)


@pytest.mark.parametrize(
    "metadata",
    ["text", [("a", 1)], {1: "a"}, {"": "a"}, {"a" * 51: "a"}, {"a": "b" * 251}, {"a": {}}, {"a": None}, {"a": float("nan")},
     {"a": "b" * 200, "c": "d" * 200}],
)  # fmt: skip
def test_metadata_of_a_wrong_form_is_refused(metadata: Any) -> None:
    with pytest.raises(InvalidRequestError, match="^metadata: "):
        check_metadata(metadata)


class Player(BaseModel):
    coins: int
    friends: tuple[int, ...] = ()


def test_typed_values_go_out_and_come_back() -> None:
    codec = Codec(Player)
    content = codec.encode(Player(coins=3, friends=(1, 2)))
    assert content == b'{"coins":3,"friends":[1,2]}'
    assert codec.decode(json.loads(content)) == Player(coins=3, friends=(1, 2))


def test_type_adapters_are_taken_as_models() -> None:
    codec = Codec(TypeAdapter(dict[str, int]))
    assert codec.encode({"a": 1}) == b'{"a":1}'


def test_value_of_another_type_is_refused() -> None:
    codec: Codec[Any] = Codec(Player)
    with pytest.raises(InvalidRequestError, match="coins"):
        codec.encode({"coins": "many"})


def changed_afterwards() -> Player:
    player = Player(coins=1)
    player.coins = "hush"  # type: ignore[assignment]
    return player


@pytest.mark.parametrize("value", [{"coins": "hush"}, changed_afterwards()], ids=["given", "assigned"])
def test_a_refused_value_is_in_no_traceback(value: Any) -> None:
    codec: Codec[Any] = Codec(Player)
    with pytest.raises(InvalidRequestError, match="coins") as caught:
        codec.encode(value)
    assert isinstance(caught.value.__cause__, ValueError)
    assert "hush" not in "".join(traceback.format_exception(caught.value))
