"""What Roblox may answer of a place and of an instance, and how it is read."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from rblxcloud import Folder, Instance, LocalScript, ModuleScript, Place, PlaceVersion, Script
from rblxcloud.resources.place import _EXPERIENCE_ID

PATH = "universes/1/places/2/instances/0123456789abcdef0123456789abcdef"


def read(engine: Any, **more: Any) -> Instance:
    return TypeAdapter(Instance).validate_python({"path": PATH, "engineInstance": engine, **more})


@pytest.mark.parametrize(
    ("details", "expected"),
    [
        (
            {"Script": {"Enabled": True, "RunContext": "Server", "Source": "x"}},
            Script(enabled=True, run_context="Server", source="x"),
        ),
        ({"LocalScript": {"RunContext": "Everywhere", "New": 5}}, LocalScript(run_context="Everywhere")),
        ({"ModuleScript": {"Source": ""}}, ModuleScript(source="")),
        ({"Folder": {}}, Folder()),
        ({}, None),
        (None, None),
        ({"Part": {"Anchored": True}}, None),
    ],
)
def test_details_are_read_by_class(details: Any, expected: Any) -> None:
    assert read({"Details": details}).details == expected


def test_details_may_be_written_small_as_one_example_does() -> None:
    assert read({"details": {"ModuleScript": {"Source": "x"}}}).source == "x"


def test_all_but_the_path_may_be_missing() -> None:
    for instance in (read(None), read({}), TypeAdapter(Instance).validate_python({"path": PATH})):
        assert (instance.experience_id, instance.place_id, instance.id) == (1, 2, PATH.rpartition("/")[2])
        assert (instance.name, instance.parent_id, instance.has_children, instance.source) == (None,) * 4


def test_the_id_of_the_engine_is_the_id() -> None:
    assert read({"Id": "01234567-89ab-cdef-0123-456789abcdef"}).id == "01234567-89ab-cdef-0123-456789abcdef"


@pytest.mark.parametrize("path", ["universes/1/places/2", "", None, 5])
def test_an_instance_of_nowhere_is_none(path: Any) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Instance).validate_python({"path": path, "engineInstance": {"Id": "x"}})


def test_a_place_takes_its_experience_from_the_path_or_from_the_request() -> None:
    adapter = TypeAdapter(Place)
    assert adapter.validate_python({"id": 2, "path": "universes/1/places/2"}).experience_id == 1
    assert adapter.validate_python({"id": 2, "serverSize": 5}, context={_EXPERIENCE_ID: 7}).experience_id == 7
    with pytest.raises(ValidationError):
        adapter.validate_python({"id": 2})


def test_all_but_the_number_of_a_version_may_be_missing() -> None:
    assert PlaceVersion.model_validate({"version": "12", "saveType": 9, "new": {}}).number == 12
