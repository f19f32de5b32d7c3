"""Instances over the wire: what an update sends, and what is made of answers that tell less than all."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

import rblxcloud
from rblxcloud import Script as ScriptDetails
from tests.http.conftest import Perform
from tests.support.server import Script

PLACE = "universes/1/places/2"
ID = "4b70b051-16c0-dede-0691-7e9e00004e03"
ROOT = "44b188da-ce63-2b47-02e9-c68d004815fc"


def done(response: dict[str, Any], instance: str = ID) -> httpx.Response:
    path = f"{PLACE}/instances/{instance}/operations/7a865423-3566-4377-8b9e-ffd831341399"
    return httpx.Response(200, json={"path": path, "done": True, "response": response})


def failed(code: int, instance: str = ID) -> httpx.Response:
    path = f"{PLACE}/instances/{instance}/operations/7a865423-3566-4377-8b9e-ffd831341399"
    return httpx.Response(200, json={"path": path, "done": True, "error": {"code": code, "message": "No."}})


def told(name: str | None = "Main", instance: str = ID, **more: Any) -> dict[str, Any]:
    engine = {"Id": instance, "Parent": ROOT, **({} if name is None else {"Name": name}), **more.pop("engine", {})}
    return {"path": f"{PLACE}/instances/{instance}", "engineInstance": engine, **more}


FULL = told(engine={"Details": {"Script": {"Enabled": True, "RunContext": "Legacy", "Source": "x"}}}, hasChildren=True)


@pytest.mark.parametrize(
    ("changes", "mask", "engine"),
    [
        ({"name": "Boss"}, ["Name"], {"Name": "Boss"}),
        ({"source": ""}, ["Details.Script.Source"], {"Details": {"Script": {"Source": ""}}}),
        (
            {"name": "Boss", "enabled": False, "run_context": "Legacy"},
            ["Name", "Details.Script.Enabled", "Details.Script.RunContext"],
            {"Name": "Boss", "Details": {"Script": {"Enabled": False, "RunContext": "Legacy"}}},
        ),
    ],
)
def test_an_update_names_each_value_that_it_changes(
    perform: Perform, changes: dict[str, Any], mask: list[str], engine: dict[str, Any]
) -> None:
    script = Script([done(FULL), done(FULL)])

    async def story(client: Any) -> None:
        instance = await client.experience(1).place(2).instance(ID).fetch()
        await instance.update(**changes)

    perform(script, story)
    request = script.requests[1]
    assert request.method == "PATCH"
    assert request.url.params.multi_items() == [("updateMask", ",".join(f"engineInstance.{path}" for path in mask))]
    assert json.loads(request.content) == {"engineInstance": engine}


def test_what_the_answer_to_an_update_leaves_out_stays(perform: Perform) -> None:
    partial = {"path": f"{PLACE}/instances/{ID}", "engineInstance": {"Details": {"Script": {"Source": "y"}}}}

    async def story(client: Any) -> None:
        instance = await client.experience(1).place(2).instance(ID).fetch()
        await instance.update(source="y")
        assert (instance.name, instance.parent_id, instance.has_children, instance.id) == ("Main", ROOT, True, ID)
        assert instance.details == ScriptDetails(source="y")

    perform(Script([done(FULL), done(partial)]), story)


def test_what_was_changed_is_not_known_where_the_answer_does_not_tell(perform: Perform) -> None:
    async def story(client: Any) -> None:
        instance = await client.experience(1).place(2).instance(ID).fetch()
        await instance.update(name="Boss")
        assert (instance.name, instance.source) == (None, "x")

    perform(Script([done(FULL), done(told(name=None))]), story)


def test_a_fetch_forgets_what_is_not_told_any_more(perform: Perform) -> None:
    async def story(client: Any) -> None:
        instance = await client.experience(1).place(2).instance(ID).fetch()
        await instance.fetch()
        assert (instance.name, instance.has_children, instance.details) == ("Main", None, None)

    perform(Script([done(FULL), done(told())]), story)


@pytest.mark.parametrize("token", [None, "", "more"])
def test_the_operation_of_a_list_brings_a_page(perform: Perform, token: str | None) -> None:
    kind = "type.googleapis.com/roblox.open_cloud.cloud.v2.ListInstanceChildrenResponse"
    answer = done({"@type": kind, "instances": [FULL], **({} if token is None else {"nextPageToken": token})})

    async def story(client: Any) -> None:
        page = await client.operation(f"/cloud/v2/{answer.json()['path']}").wait()
        assert isinstance(page, rblxcloud.Page)
        assert page.next_token == (token or None)
        [instance] = page.items
        assert (instance.id, instance.source) == (ID, "x")
        assert await instance.fetch() == instance

    perform(Script([answer, done(FULL)]), story)


@pytest.mark.parametrize("instances", [5, {}, [5], [{"path": "universes/1"}]])
def test_a_list_that_is_none_is_an_error_of_ours(perform: Perform, instances: Any) -> None:
    async def story(client: Any) -> None:
        with pytest.raises(rblxcloud.APIResponseError):
            await client.experience(1).place(2).instance().children().first_page()

    perform(Script([done({"instances": instances})]), story)


@pytest.mark.parametrize("code", [5, 404])
def test_a_walk_passes_over_what_is_not_there_any_more(perform: Perform, code: int) -> None:
    services = {"instances": [told("A", hasChildren=True), told("B", ROOT, hasChildren=True)]}

    async def story(client: Any) -> list[str]:
        return [instance.name async for instance in client.experience(1).place(2).instance().walk()]

    assert perform(Script([done(services, "root"), failed(code), done({}, ROOT)]), story) == ["A", "B"]


@pytest.mark.parametrize(
    ("answers", "code"), [([failed(5, "root")], "5"), ([done({"instances": [FULL]}), failed(9)], "9")]
)
def test_a_walk_does_not_pass_over_what_went_wrong(perform: Perform, answers: list[httpx.Response], code: str) -> None:
    async def story(client: Any) -> None:
        with pytest.raises(rblxcloud.OperationFailedError) as caught:
            [instance async for instance in client.experience(1).place(2).instance().walk()]
        assert caught.value.code == code

    perform(Script(answers), story)
