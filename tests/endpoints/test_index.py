"""Every endpoint of `cloud/v2` has a method that calls it and a test that sent it; the index that says so is true."""

from __future__ import annotations

from pathlib import Path

import pytest

from codegen import index
from codegen.index import claims, load, main, page, untrue, without_method
from codegen.sources import Claim, claims_of, method_endpoints, module, public_methods
from rblxcloud import DataStore
from rblxcloud.endpoints import all_endpoints, data_stores, groups, users
from rblxcloud.endpoints.model import Endpoint

STORY = "tests/scenarios/test_user_stories.py::test_profile_is_fetched"


def test_every_endpoint_of_the_core_has_a_method_and_a_story() -> None:
    assert without_method(load()) == frozenset()


def test_the_index_is_current(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--check"]) == 0, capsys.readouterr().out


def test_an_edited_index_is_noticed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(index, "PAGE", tmp_path / "endpoints.md")
    monkeypatch.setattr(index, "MODULE", tmp_path / "method_endpoints.py")
    assert main(["--check"]) == 1
    assert main([]) == 0
    assert main(["--check"]) == 0
    (tmp_path / "endpoints.md").write_text(page(load()).replace("User.fetch", "User.get"))
    assert main(["--check"]) == 1
    assert "endpoints.md is not current" in capsys.readouterr().out
    assert main([]) == 0
    (tmp_path / "method_endpoints.py").write_text(module().replace("users.get_user", "users.nothing"))
    assert main(["--check"]) == 1
    assert "method_endpoints.py is not current" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("method", "path", "endpoint"),
    [
        ("GET", "/cloud/v2/users/{user_id}", users.GET_USER),
        ("GET", "/cloud/v2/users/{id}", users.GET_USER),
        ("GET", "/cloud/v2/groups/-/memberships", groups.LIST_GROUP_MEMBERSHIPS),
        ("PATCH", "/cloud/v2/.../entries/{entry_id}", data_stores.UPDATE_ENTRY),
        ("PATCH", "/cloud/v2/.../entries/{entry_id}?allowMissing=true", data_stores.UPDATE_ENTRY),
        ("GET", None, users.GET_USER),
    ],
)
def test_a_source_names_an_endpoint(method: str, path: str | None, endpoint: Endpoint) -> None:
    assert Claim(method, path).names(endpoint)


@pytest.mark.parametrize(
    ("method", "path", "endpoint"),
    [
        ("PATCH", "/cloud/v2/users/{user_id}", users.GET_USER),
        ("POST", None, users.GET_USER),
        ("GET", "/cloud/v2/users/{user_id}/inventory-items", users.GET_USER),
        ("GET", "/cloud/v2/users", users.GET_USER),
        ("POST", "/cloud/v2/.../entries/{entry_id}", data_stores.INCREMENT_ENTRY),
    ],
)
def test_a_source_does_not_name_another_endpoint(method: str, path: str | None, endpoint: Endpoint) -> None:
    assert not Claim(method, path).names(endpoint)


def test_sources_are_read_from_the_docstrings_of_what_is_exported() -> None:
    assert claims()["User.fetch"] == (Claim("GET", "/cloud/v2/users/{user_id}"),)
    assert len(claims()["DataStore.set"]) == 2
    assert "User.asset" not in claims()


def test_what_is_sent_in_rare_cases_is_told_apart() -> None:
    assert [claim.rare for claim in claims_of(DataStore.get)] == [True, False]
    assert method_endpoints()["DataStore.get"] == ("data_stores.get_entry",)


def test_what_a_source_names_is_one_kind_of_call() -> None:
    """Where `...` stands for several paths, a key that may use one of them may use all."""
    for name, function in public_methods().items():
        for claim in claims_of(function):
            if claim.path is not None:
                scopes = {endpoint.scopes for endpoint in all_endpoints() if claim.names(endpoint)}
                assert len(scopes) == 1, f"{name}: {claim.method} {claim.path} names rows of {len(scopes)} kinds"


def test_a_method_is_known_by_each_class_that_has_it() -> None:
    known = method_endpoints()
    assert known["User.upload_asset"] == known["Group.upload_asset"] == known["Creator.upload_asset"]
    assert {"DataStore.set", "Experience.publish_message", "Group.members", "LuauTask.wait"} <= known.keys()
    # Their address is their own.
    assert not {"Operation.wait", "Client.request"} & known.keys()


@pytest.mark.parametrize(
    ("record", "problem"),
    [
        ({"users.nothing": {"User.fetch": STORY}}, "no such endpoint"),
        ({"users.get_user": {"User.notify": STORY}}, "no Source of User.notify names it"),
        ({"users.get_user": {"User.nothing": STORY}}, "no Source of User.nothing names it"),
        ({"users.get_user": {"User.fetch": f"{STORY}_twice"}}, "no test"),
        ({"users.get_user": {"User.fetch": "tests/scenarios/test_nothing.py::test_profile_is_fetched"}}, "no test"),
    ],
)
def test_what_is_not_so_any_more_is_found(record: index.Record, problem: str) -> None:
    assert untrue({"users.get_user": {"User.fetch": STORY}}) == []
    assert [problem in text for text in untrue(record)] == [True]


def test_the_page_shows_limits_scopes_and_what_has_no_method() -> None:
    text = page({"users.get_user": {"User.fetch": STORY}})
    profile = next(line for line in text.splitlines() if "| `GET /cloud/v2/users/{user_id}` |" in line)
    assert "| `User.fetch` |" in profile
    assert "`user.advanced:read`" in profile
    assert profile.endswith("| `test_user_stories.py::test_profile_is_fetched` |")
    assert "| `POST /cloud/v2/users/{user_id}/notifications` | none yet |" in text
    assert "/oauth/v1/userinfo" not in text
