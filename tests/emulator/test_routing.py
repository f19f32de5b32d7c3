"""Raw request lines find the endpoints they address, whatever their values hold."""

import pytest

from rblxcloud.emulator.model import Refusal
from rblxcloud.emulator.rooms import router
from rblxcloud.emulator.routing import Router
from rblxcloud.endpoints import all_endpoints
from rblxcloud.endpoints.model import Endpoint

ENTRY = "/cloud/v2/universes/1/data-stores/Saves/entries"


def refused(method: str, path: str) -> Refusal:
    with pytest.raises(Refusal) as caught:
        router().match(method, path)
    return caught.value


@pytest.mark.parametrize("endpoint", all_endpoints(), ids=lambda endpoint: endpoint.name)
def test_every_endpoint_of_the_table_is_found_by_its_template(endpoint: Endpoint) -> None:
    segments = endpoint.path.split("/")
    path = "/".join(
        segment if not segment.startswith("{") else f"77{segment[segment.index('}') + 1 :]}" for segment in segments
    )
    match = router().match(endpoint.method, path)
    assert (match.endpoint.method, match.endpoint.path.count("/")) == (endpoint.method, endpoint.path.count("/"))
    shape = [segment.startswith("{") for segment in segments]
    assert [segment.startswith("{") for segment in match.endpoint.path.split("/")] == shape
    assert all(value == "77" for value in match.path.values())


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("plain", "plain"),
        ("a%2Fb", "a/b"),
        ("a%2fb%2F", "a/b/"),
        ("users:123", "users:123"),
        ("a%3Aincrement", "a:increment"),
        ("a%253Aincrement", "a%3Aincrement"),
        ("%3F%23%25%40", "?#%@"),
        ("key@latest", "key@latest"),
        ("%C3%A9%20", "é "),
        (":", ":"),
        ("increment", "increment"),
        ("...", "..."),
        ("a+b", "a+b"),
    ],
)
def test_an_encoded_value_stays_in_its_segment(raw: str, value: str) -> None:
    match = router().match("GET", f"{ENTRY}/{raw}")
    assert match.endpoint.name == "data_stores.get_entry_unscoped"
    assert match.path == {"universe_id": "1", "data_store_id": "Saves", "entry_id": value}


def test_only_the_last_colon_starts_a_verb() -> None:
    match = router().match("POST", f"{ENTRY}/users:123:increment")
    assert match.endpoint.path.endswith("{entry_id}:increment")
    assert match.path["entry_id"] == "users:123"


def test_a_known_verb_is_never_part_of_a_value() -> None:
    refusal = refused("GET", f"{ENTRY}/a:increment")
    assert (refusal.status, refusal.headers) == (405, {"allow": "POST"})


def test_a_verb_on_a_literal_segment_is_found() -> None:
    assert router().match("POST", "/cloud/v2/universes/1/data-stores:snapshot").path == {"universe_id": "1"}


def test_literal_segments_win_over_values_for_their_methods_only() -> None:
    secrets = "/cloud/v2/universes/1/secrets/public-key"
    assert router().match("GET", secrets).endpoint.path.endswith("/public-key")
    assert router().match("PATCH", secrets).path["secretId"] == "public-key"


def test_a_known_path_with_another_method_is_405_and_names_what_it_takes() -> None:
    refusal = refused("PUT", f"{ENTRY}/a")
    assert (refusal.status, refusal.headers) == (405, {"allow": "DELETE, GET, PATCH"})


@pytest.mark.parametrize(
    "path",
    ["/", "*", "", "/nothing", "/cloud/v2", f"{ENTRY}/a/b", f"{ENTRY}/a/", f"{ENTRY}/", f"{ENTRY}//a"],
)
def test_an_unknown_path_is_404(path: str) -> None:
    assert refused("GET", path).status == 404


@pytest.mark.parametrize("key", [".", "..", "%2e", "%2E%2e", ".%2E"])
def test_dot_segments_are_refused(key: str) -> None:
    assert refused("GET", f"{ENTRY}/{key}").status == 400


@pytest.mark.parametrize("key", ["%", "%4", "%zz", "%ff", "a%C3"])
def test_broken_encoding_is_refused(key: str) -> None:
    assert refused("GET", f"{ENTRY}/{key}").status == 400


def test_aspnet_query_names_have_any_case() -> None:
    path = "/datastores/v1/universes/1/standard-datastores/datastore/entries?DataStoreName=a%26b&ALLSCOPES=True&x="
    assert router().match("GET", path).query == {"datastorename": "a&b", "allscopes": "True", "x": ""}


def test_v2_query_names_keep_their_case() -> None:
    assert router().match("GET", f"{ENTRY}?maxPageSize=5&maxPageSize=6").query == {"maxPageSize": "6"}


def test_a_query_that_is_not_utf8_is_refused() -> None:
    assert refused("GET", f"{ENTRY}?filter=%ff").status == 400


def test_of_two_templates_with_one_shape_the_first_wins() -> None:
    first = Endpoint(name="a", method="GET", server="", path="/tables/{assetId}")
    second = Endpoint(name="b", method="GET", server="", path="/tables/{tableId}")
    assert Router([first, second]).match("GET", "/tables/5").path == {"assetId": "5"}
