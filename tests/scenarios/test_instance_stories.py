"""Instances: the tree of a place, and the scripts in it."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

import rblxcloud
from rblxcloud import Folder, LocalScript, ModuleScript, Script
from rblxcloud.emulator import Emulator, Fault, OperationScript

Tell = Callable[[Callable[[Any], Any]], None]

LARGE = "x" * 199_000


def place_of(client: Any) -> Any:
    return client.experience(7).place(8)


@pytest.fixture
def main(emulator: Emulator) -> str:
    """Id of a script in a place that has some more."""
    add = emulator.places.add_instance
    add(8, "ReplicatedStorage", "Folder", "Lib")
    add(8, "ReplicatedStorage/Lib", "ModuleScript", "Maths", source="return {}")
    add(8, "ReplicatedStorage/Lib", "Folder", "Empty")
    add(8, "StarterPlayer/StarterPlayerScripts", "LocalScript", "Input", source="input()", enabled=False)
    return add(8, "ServerScriptService", "Script", "Main", source="print(1)", run_context="Server")


def test_the_source_of_a_script_is_changed(tell: Tell, emulator: Emulator, main: str) -> None:
    async def story(client: Any) -> None:
        script = await place_of(client).instance().find("ServerScriptService", "Main")
        assert (script.name, script.source, script.id) == ("Main", "print(1)", main)
        changed = await script.update(source="print('é')")
        assert changed == script
        assert (script.source, script.details.run_context) == ("print('é')", "Server")
        assert (await script.update(name="Boss")).names == ("ServerScriptService", "Boss")

    tell(story)
    assert emulator.places.instance(8, main)["Source"] == "print('é')"


def test_a_script_is_changed_by_its_id(tell: Tell, emulator: Emulator, main: str) -> None:
    async def story(client: Any) -> None:
        script = place_of(client).instance(main)
        assert (script.name, script.source, script.names) == (None, None, None)
        await script.update(name="Boss", source="", enabled=False, run_context="Client")
        assert script.details == Script(enabled=False, run_context="Client", source="")
        assert (script.name, script.experience_id, script.place_id) == ("Boss", 7, 8)
        assert await place_of(client).instance().find("ServerScriptService", "Main") is None
        await script.update(name="Main")
        assert await place_of(client).instance().find("ServerScriptService", "Main") == script

    tell(story)


def test_an_update_says_what_it_changes_so_that_empty_values_count(tell: Tell, emulator: Emulator, main: str) -> None:
    async def story(client: Any) -> None:
        script = place_of(client).instance(main)
        await script.update(name="Boss", source="", enabled=False)
        assert (script.source, script.details.enabled, script.details.run_context) == ("", False, "Server")
        await script.update(name="Main")

    tell(story)
    masks = [urlsplit(request.path).query for request in emulator.requests(endpoint="places.update_instance")]
    details = "engineInstance.Details.Script"
    assert masks[0] == f"updateMask={quote(f'engineInstance.Name,{details}.Source,{details}.Enabled', safe='')}"
    assert masks[1] == "updateMask=engineInstance.Name"


def test_an_instance_is_the_same_however_its_id_is_written(tell: Tell, main: str) -> None:
    async def story(client: Any) -> None:
        place = place_of(client)
        script = await place.instance(main.replace("-", "").upper()).fetch()
        assert script == place.instance(main) == await place.instance().find("ServerScriptService", "Main")
        assert script.id == main

    tell(story)


def test_an_instance_is_fetched(tell: Tell, main: str) -> None:
    async def story(client: Any) -> None:
        root = place_of(client).instance()
        assert await root.fetch() == root
        assert (root.id, root.parent_id, root.has_children, root.details, root.names) == ("root", "", True, None, ())
        script = await place_of(client).instance(main).fetch()
        assert script.details == Script(enabled=True, run_context="Server", source="print(1)")
        assert not script.has_children
        parent = await place_of(client).instance(script.parent_id).fetch()
        assert (parent.name, parent.details, parent.has_children) == ("ServerScriptService", None, True)

    tell(story)


def test_children_are_listed(tell: Tell, emulator: Emulator, main: str) -> None:
    async def story(client: Any) -> None:
        root = place_of(client).instance()
        services = [child async for child in root.children(page_size=3)]
        assert services[0].name == "Workspace"
        assert len({child.id for child in services}) == len(services) > 10
        assert len([child async for child in root.children(limit=4)]) == 4
        assert emulator.requests(endpoint="places.list_instance_children")[-1].path.endswith("maxPageSize=4")
        lib = await root.find("ReplicatedStorage", "Lib")
        maths, empty = [child async for child in lib.children()]
        assert (maths.details, empty.details) == (ModuleScript(source="return {}"), Folder())
        assert maths.names == ("ReplicatedStorage", "Lib", "Maths")
        first = await lib.children(page_size=1).first_page()
        assert first.items == (maths,)
        async for page in lib.children(page_size=1).pages(token=first.next_token):
            assert page.items == (empty,)
        await first.items[0].update(source="return 1")
        assert (await maths.fetch()).source == "return 1"

    tell(story)


def test_a_tree_is_walked_parents_first(tell: Tell, emulator: Emulator, main: str) -> None:
    async def story(client: Any) -> None:
        root = place_of(client).instance()
        everything = [instance.names async for instance in root.walk()]
        assert everything.index(("ReplicatedStorage",)) + 1 == everything.index(("ReplicatedStorage", "Lib"))
        assert everything.index(("ReplicatedStorage", "Lib", "Empty")) + 1 == everything.index(("ServerScriptService",))
        assert len(everything) == len(set(everything))
        services = [instance.names async for instance in root.walk(depth=1)]
        assert services == [names for names in everything if len(names) == 1]
        lib = await root.find("ReplicatedStorage", "Lib")
        assert [instance.names[-1] async for instance in lib.walk()] == ["Maths", "Empty"]
        alone = place_of(client).instance(lib.id)
        assert [instance.names async for instance in alone.walk()] == [("Maths",), ("Empty",)]

    tell(story)
    listed = len(emulator.requests(endpoint="places.list_instance_children"))
    assert listed < 25, "instances without children are not asked for theirs"


def test_the_scripts_of_a_tree_are_changed_while_it_is_walked(tell: Tell, emulator: Emulator, main: str) -> None:
    async def story(client: Any) -> None:
        root = place_of(client).instance()
        found = []
        async for script in root.walk((Script, LocalScript, ModuleScript)):
            found.append(script.names[-1])
            await script.update(source=f"-- checked\n{script.source}")
        assert found == ["Maths", "Main", "Input"]
        assert [script.names[-1] async for script in root.walk(rblxcloud.BaseScript)] == ["Main", "Input"]
        assert [folder.names[-1] async for folder in root.walk(Folder)] == ["Lib", "Empty"]

    tell(story)
    assert emulator.places.instance(8, main)["Source"] == "-- checked\nprint(1)"


def test_a_walk_looks_again_whether_there_is_something_where_it_starts(
    tell: Tell, emulator: Emulator, main: str
) -> None:
    async def story(client: Any) -> None:
        empty = await place_of(client).instance().find("ReplicatedStorage", "Lib", "Empty")
        assert empty.has_children is False
        emulator.places.add_instance(8, empty.id, "Folder", "New")
        assert [instance.name async for instance in empty.walk()] == ["New"]

    tell(story)


def test_a_walk_may_be_left(tell: Tell, main: str) -> None:
    async def story(client: Any) -> None:
        walk = place_of(client).instance().walk(Folder)
        async for folder in walk:
            assert folder.name == "Lib"
            break
        await walk.aclose()

    tell(story)


def test_what_is_too_large_together_is_listed_in_smaller_pages(tell: Tell, emulator: Emulator) -> None:
    for number in range(5):
        emulator.places.add_instance(8, "ServerStorage", "ModuleScript", f"M{number}", source=LARGE)

    async def story(client: Any) -> None:
        storage = await place_of(client).instance().find("ServerStorage")
        with pytest.raises(rblxcloud.ResultTooLargeError) as caught:
            [child async for child in storage.children()]
        assert caught.value.code == "422"
        assert isinstance(caught.value, rblxcloud.OperationFailedError)
        names = [f"M{number}" for number in range(5)]
        assert [child.name async for child in storage.children(page_size=2)] == names
        assert [child.name async for child in storage.walk()] == names
        assert (await storage.find("M4")).source == LARGE
        assert await storage.find("M5") is None

    tell(story)


def test_no_child_is_told_twice_where_a_later_page_is_too_large(tell: Tell, emulator: Emulator) -> None:
    names = [f"M{number}" for number in range(251)]
    for name in names:
        source = LARGE if name in ("M200", "M249", "M250") else ""
        emulator.places.add_instance(8, "ServerStorage", "ModuleScript", name, source=source)

    async def story(client: Any) -> None:
        storage = await place_of(client).instance().find("ServerStorage")
        assert [child.name async for child in storage.walk()] == names

    tell(story)


def test_what_is_removed_during_a_walk_is_passed_over(tell: Tell, emulator: Emulator, main: str) -> None:
    lib = emulator.places.instance(8, "ReplicatedStorage/Lib")["id"]

    async def story(client: Any) -> None:
        names = []
        async for instance in place_of(client).instance().walk():
            names.append(instance.name)
            if instance.name == "Lib":
                emulator.places.remove_instance(8, lib)
        assert "Lib" in names
        assert "Maths" not in names
        assert names[-1] == "TextChatService", "the walk went on to its end"
        with pytest.raises(rblxcloud.OperationFailedError, match="does not exist"):
            await anext(place_of(client).instance(lib).walk())

    tell(story)


def test_a_walk_ends_where_a_list_fails_otherwise(tell: Tell, emulator: Emulator, main: str) -> None:
    async def story(client: Any) -> None:
        walk = place_of(client).instance().walk()
        assert (await anext(walk)).name == "Workspace"
        emulator.scripts.add(OperationScript(kind="instance", code=13, message="Roblox is ill."))
        with pytest.raises(rblxcloud.OperationFailedError, match="ill"):
            await anext(walk)

    tell(story)


def test_an_operation_is_waited_for(tell: Tell, emulator: Emulator, main: str) -> None:
    emulator.scripts.add(OperationScript(kind="instance", processing=1))

    async def story(client: Any) -> None:
        await place_of(client).instance(main).update(name="Boss", timeout=30)

    tell(story)
    polls = emulator.requests(endpoint="places.get_update_instance_operation")
    assert len(polls) == 2
    assert emulator.places.instance(8, main)["name"] == "Boss"


def test_an_operation_that_was_not_done_in_time_is_waited_for_later(tell: Tell, emulator: Emulator, main: str) -> None:
    emulator.clock.freeze()
    emulator.scripts.add(OperationScript(kind="instance", processing=60))

    async def story(client: Any) -> None:
        with pytest.raises(rblxcloud.OperationTimeoutError) as caught:
            await place_of(client).instance(main).update(name="Boss", timeout=0.01)
        emulator.clock.advance(60)
        script = await client.operation(caught.value.path).wait()
        assert (script.id, script.name) == (main, "Boss")
        await script.update(name="Main")

    tell(story)
    assert emulator.places.instance(8, main)["name"] == "Main"


def test_a_list_that_was_not_done_in_time_goes_on_where_it_was(tell: Tell, emulator: Emulator, main: str) -> None:
    emulator.clock.freeze()

    async def story(client: Any) -> None:
        root = place_of(client).instance()
        whole = [child async for child in root.children()]
        pages = root.children(page_size=4, timeout=0.01).pages()
        read = list((await anext(pages)).items)
        emulator.scripts.add(OperationScript(kind="instance", processing=60))
        with pytest.raises(rblxcloud.OperationTimeoutError) as caught:
            await anext(pages)
        emulator.clock.advance(60)
        operation = pickle.loads(pickle.dumps(client.operation(caught.value.path)))
        late = await client.bind(operation).wait()
        read += late.items
        async for page in root.children(page_size=4).pages(token=late.next_token):
            read += page.items
        assert read == whole
        assert (await read[5].fetch()).name == whole[5].name

    tell(story)


def test_operations_that_fail_say_why(tell: Tell, emulator: Emulator, main: str) -> None:
    emulator.places.lock_instance(8, main)
    emulator.places.add(7, 70, collaborative=False)
    emulator.places.add(9, 90)

    async def story(client: Any) -> None:
        script = place_of(client).instance(main)
        with pytest.raises(rblxcloud.OperationFailedError, match="open in Studio"):
            await script.update(source="print(2)")
        assert script.source == "print(1)"
        unknown = place_of(client).instance("00000000-0000-0000-0000-000000000001")
        for act in (unknown.fetch, lambda: unknown.update(name="x"), lambda: unknown.children().first_page()):
            with pytest.raises(rblxcloud.OperationFailedError, match="does not exist"):
                await act()
        with pytest.raises(rblxcloud.OperationFailedError, match="Team Create is off"):
            await client.experience(7).place(70).instance().fetch()
        with pytest.raises(rblxcloud.NotFoundError):
            await client.experience(7).place(90).instance().fetch()

    tell(story)
    assert emulator.places.instance(8, main)["Source"] == "print(1)"


def test_an_update_whose_answer_was_lost_is_not_sent_again(tell: Tell, emulator: Emulator, main: str) -> None:
    emulator.faults.add(Fault(kind="drop", acts=True, endpoint="places.update_instance"))

    async def story(client: Any) -> None:
        with pytest.raises(rblxcloud.APIConnectionError) as caught:
            await place_of(client).instance(main).update(name="Boss")
        assert caught.value.outcome_unknown

    tell(story)
    assert len(emulator.requests(endpoint="places.update_instance")) == 1


def test_an_instance_is_pickled(tell: Tell, main: str) -> None:
    async def story(client: Any) -> None:
        script = await place_of(client).instance().find("ServerScriptService", "Main")
        copy = pickle.loads(pickle.dumps(script))
        assert copy == script
        assert (copy.source, copy.names) == (script.source, script.names)
        with pytest.raises(rblxcloud.ConfigurationError):
            await copy.fetch()
        assert (await client.bind(copy).fetch()).source == "print(1)"
        assert copy != client.experience(7).place(9).instance(main)
        assert len({script, copy}) == 1

    tell(story)


@pytest.mark.parametrize(
    ("changes", "argument"),
    [
        ({"source": "x" * 200_001}, "source"),
        ({"source": "é" * 100_001}, "source"),
        ({"source": "\x01" * 40_000}, "source"),
        ({"source": "\ud800"}, "source"),
        ({"source": b"print(1)"}, "source"),
        ({"source": None}, "source"),
        ({"enabled": 1}, "enabled"),
        ({"enabled": "no"}, "enabled"),
        ({"run_context": "server"}, "run_context"),
        ({"run_context": None}, "run_context"),
        ({"name": ""}, "name"),
        ({"name": 5}, "name"),
        ({"name": "x" * 300_000}, "name"),
        ({}, "update"),
        ({"name": "x", "timeout": -1}, "timeout"),
        ({"source": "x", "timeout": True}, "timeout"),
    ],
)
def test_changes_that_are_wrong_are_refused_before_anything_is_sent(
    tell: Tell, emulator: Emulator, main: str, changes: dict[str, Any], argument: str
) -> None:
    async def story(client: Any) -> None:
        with pytest.raises(rblxcloud.InvalidRequestError) as caught:
            await place_of(client).instance(main).update(**changes)
        assert caught.value.argument == argument

    tell(story)
    assert emulator.requests() == []


@pytest.mark.parametrize(
    ("path", "changes", "argument"),
    [
        ("ReplicatedStorage/Lib", {"source": "x"}, "source"),
        ("ReplicatedStorage/Lib/Maths", {"source": "x", "enabled": True}, "enabled"),
        ("ReplicatedStorage/Lib/Maths", {"run_context": "Server"}, "run_context"),
        ("Workspace/Baseplate", {"source": "x"}, "source"),
    ],
)
def test_changes_that_an_instance_does_not_have_are_refused(
    tell: Tell, emulator: Emulator, main: str, path: str, changes: dict[str, Any], argument: str
) -> None:
    instance = emulator.places.instance(8, path)["id"]

    async def story(client: Any) -> None:
        with pytest.raises(rblxcloud.InvalidRequestError) as caught:
            await place_of(client).instance(instance).update(name="New", **changes)
        assert caught.value.argument == argument

    tell(story)
    assert emulator.requests(endpoint="places.update_instance") == []


@pytest.mark.parametrize(
    "id",
    ["", "Root", "ServerScriptService", "123", 123, None, True, "../root", "0" * 33, "{" + "0" * 32 + "}", "0-" * 16],
)
def test_what_is_no_id_is_refused(tell: Tell, id: Any) -> None:
    async def story(client: Any) -> None:
        with pytest.raises(rblxcloud.InvalidRequestError, match="^id: .*UUID"):
            place_of(client).instance(id)

    tell(story)


@pytest.mark.parametrize(
    ("act", "argument"),
    [
        (lambda root: root.find(), "names"),
        (lambda root: root.find("Workspace", ""), "names"),
        (lambda root: root.find(5), "names"),
        (lambda root: root.children(page_size=201).first_page(), "page_size"),
        (lambda root: root.children(page_size=True).first_page(), "page_size"),
        (lambda root: root.children(limit=0).first_page(), "limit"),
        (lambda root: root.children(timeout=-1).first_page(), "timeout"),
        (lambda root: root.fetch(timeout="soon"), "timeout"),
        (lambda root: anext(root.walk(kinds="Script")), "kinds"),
        (lambda root: anext(root.walk(kinds=())), "kinds"),
        (lambda root: anext(root.walk(kinds=(Script, str))), "kinds"),
        (lambda root: anext(root.walk(depth=0)), "depth"),
        (lambda root: anext(root.walk(timeout=-1)), "timeout"),
    ],
)
def test_wrong_arguments_are_refused_before_anything_is_sent(
    tell: Tell, emulator: Emulator, act: Callable[[Any], Any], argument: str
) -> None:
    async def story(client: Any) -> None:
        with pytest.raises(rblxcloud.InvalidRequestError) as caught:
            await act(place_of(client).instance())
        assert caught.value.argument == argument

    tell(story)
    assert emulator.requests() == []
