"""What a client is set up with: bad set-ups are refused, and say what is allowed."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import rblxcloud
from rblxcloud import Client, ConfigurationError, InvalidRequestError, RetryPolicy
from rblxcloud.config import shown
from rblxcloud.http.request import encode_segment


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("http://example.com", "plain http to another machine"),
        ("http://192.168.1.4:80", "plain http"),
        ("https://apis.roblox.com/cloud", "goes on after the host"),
        ("https://apis.roblox.com?x=1", "goes on after the host"),
        ("https://me:secret@apis.roblox.com", "user name or password"),
        ("ftp://apis.roblox.com", "not an address"),
        ("apis.roblox.com", "not an address"),
        ("https://[::1", "not an address"),
        ("http://localhost:99999", "not an address"),
        ("", "not an address"),
        (8360, "of type int"),
    ],
)
def test_base_url_that_is_refused(url: Any, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem) as caught:
        Client("key", base_url=url)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("url", ["http://localhost:8360", "http://127.0.0.1:1", "http://[::1]:80/", "https://a.b"])
def test_base_url_that_is_taken(url: str) -> None:
    assert Client("key", base_url=url)._session.settings.base_url == url.rstrip("/")


def test_no_credential_says_where_to_get_one() -> None:
    with pytest.raises(ConfigurationError, match="RBLXCLOUD_API_KEY"):
        Client()


def test_both_credentials_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="both"):
        Client("key", access_token="token")


@pytest.mark.parametrize("key", ["", "k1\nb", " k1", "k1\x00", "schlüssel", 5])
def test_key_that_no_header_carries_is_refused_without_being_shown(key: Any) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Client(key)
    assert not key or str(key) not in str(caught.value)


def test_what_is_passed_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RBLXCLOUD_API_KEY", "other")
    monkeypatch.setenv("RBLXCLOUD_BASE_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("RBLXCLOUD_RATE_LIMITS", "off")
    settings = Client("key", base_url="https://x.y", rate_limits="server")._session.settings
    assert (settings.base_url, settings.options.rate_limits) == ("https://x.y", "server")
    assert Client()._session.settings.options.rate_limits == "off"


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("timeout", 0), ("timeout", "5"), ("deadline", -1), ("deadline", True), ("retries", -1), ("retries", 1.5), ("players", -1),
        ("repeat_writes", "no"), ("headers", 5), ("headers", {"x": 5}), ("owner", 5), ("owner", "me"), ("on_request", print),
        ("on_response", [5]), ("max_response_bytes", "1 MB"), ("timeout", 10**400), ("deadline", 10**5000), ("retries", -(10**5000)),
        ("timeout", -(10**5000)),
    ],
    ids=lambda value: None if isinstance(value, str) else shown(value),
)  # fmt: skip
def test_wrong_figures_are_refused(argument: str, value: Any) -> None:
    with pytest.raises(InvalidRequestError, match=f"^{argument}: "):
        Client("key", **{argument: value})


def test_unknown_mode_of_limits_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="published"):
        Client("key", rate_limits="fast")  # type: ignore[arg-type]


def test_client_of_the_other_kind_is_refused() -> None:
    import httpx

    with httpx.Client() as wrong, pytest.raises(ConfigurationError, match="AsyncClient"):
        Client("key", http_client=wrong)


@given(st.integers(1, 80), st.floats(0, 1, exclude_max=True))
def test_delays_are_within_their_bound(attempt: int, chance: float) -> None:
    policy = RetryPolicy()
    assert 0 <= policy.delay(attempt, chance) <= policy.max_delay


@given(
    st.text(min_size=1).filter(lambda text: text not in (".", "..") and text.encode("utf-8", "ignore").decode() == text)
)
def test_no_value_leaves_its_segment(value: str) -> None:
    encoded = encode_segment("key", value)
    assert not set(encoded) & set("/?#:@ ")
    assert encoded not in (".", "..")


@pytest.mark.parametrize("value", ["", ".", "..", "\ud800"])
def test_value_that_no_path_carries_is_refused(value: str) -> None:
    with pytest.raises(InvalidRequestError):
        encode_segment("key", value)


@pytest.mark.parametrize("universe", [0, -1, True, "x", 1.0, 2**63, None])
def test_ids_that_are_none_are_refused(universe: Any) -> None:
    with pytest.raises(InvalidRequestError, match="^id: "):
        rblxcloud.Experience(universe, api_key="k")


def test_secrets_are_in_no_repr() -> None:
    experience = rblxcloud.Experience(1, api_key="very-secret")
    assert "very-secret" not in repr(experience) + repr(experience._binding) + repr(experience.get_data_store("s"))
