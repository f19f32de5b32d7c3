"""The instances of a place: a tree, reached by operations that take their time and can fail."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rblxcloud.emulator import ApiKey, Emulator, OperationScript
from rblxcloud.emulator.api_keys import ScopeGrant
from rblxcloud.emulator.clock import Clock
from tests.support.emulator import Answer, Caller

PLACE = "/cloud/v2/universes/7/places/8"
ROOT = f"{PLACE}/instances/root"


class Tree:
    """Calls to the instances of place 8, each with its operation."""

    def __init__(self, call: Caller) -> None:
        self._call = call

    def done(self, answer: Answer) -> Any:
        """Return the operation that an answer started, once it is polled."""
        assert answer.status == 200, answer.json
        polled = self._call("GET", f"/cloud/v2/{answer.json['path']}").json
        assert polled["done"] is True
        return polled

    def get(self, instance: str) -> Any:
        return self.done(self._call("GET", f"{PLACE}/instances/{instance}"))

    def list(self, instance: str, query: str = "") -> Any:
        return self.done(self._call("GET", f"{PLACE}/instances/{instance}:listChildren{query}"))

    def send(self, instance: str, engine: Any, query: str = "") -> Answer:
        return self._call("PATCH", f"{PLACE}/instances/{instance}{query}", {"engineInstance": engine})

    def update(self, instance: str, engine: Any, query: str = "") -> Any:
        return self.done(self.send(instance, engine, query))

    def names(self, instance: str) -> list[str]:
        return [child["engineInstance"]["Name"] for child in self.list(instance)["response"]["instances"]]

    def source(self, instance: str) -> str:
        details = self.get(instance)["response"]["engineInstance"]["Details"]
        [properties] = details.values()
        return str(properties["Source"])


@pytest.fixture
def tree(call: Caller) -> Tree:
    return Tree(call)


@pytest.fixture
def script(emulator: Emulator) -> str:
    return emulator.places.add_instance(8, "ServerScriptService", "Script", "Main", source="print(1)")


def text(source: str, kind: str = "Script") -> dict[str, Any]:
    return {"Details": {kind: {"Source": source}}}


def test_a_fresh_place_has_its_services(tree: Tree) -> None:
    root = tree.get("root")["response"]
    assert root["@type"] == "type.googleapis.com/roblox.open_cloud.cloud.v2.Instance"
    assert (root["hasChildren"], root["engineInstance"]["Parent"]) == (True, "")
    assert root["path"] == f"universes/7/places/8/instances/{root['engineInstance']['Id']}"
    assert tree.get(root["engineInstance"]["Id"])["response"] == root
    names = tree.names("root")
    assert names[0] == "Workspace"
    assert {"ServerScriptService", "ReplicatedStorage", "StarterPlayer"} < set(names)
    listed = tree.list("root")["response"]
    assert listed["@type"] == "type.googleapis.com/roblox.open_cloud.cloud.v2.ListInstanceChildrenResponse"
    assert "nextPageToken" not in listed
    workspace = listed["instances"][0]
    assert workspace["engineInstance"]["Parent"] == root["engineInstance"]["Id"]
    assert tree.names(workspace["engineInstance"]["Id"]) == ["Camera", "Terrain", "Baseplate", "SpawnLocation"]


def test_details_are_told_of_scripts_and_folders_alone(tree: Tree, emulator: Emulator) -> None:
    add = emulator.places.add_instance
    add(8, "root", "Folder", "Box")
    add(8, "Box", "Script", "A", source="a", enabled=False, run_context="Client")
    add(8, "Box", "LocalScript", "B")
    add(8, "Box", "ModuleScript", "C", source="return {}")
    add(8, "Box", "Part", "D")
    box = emulator.places.instance(8, "Box")["id"]
    found = [child["engineInstance"] for child in tree.list(box)["response"]["instances"]]
    assert [child["Details"] for child in found] == [
        {"Script": {"Enabled": False, "RunContext": "Client", "Source": "a"}},
        {"LocalScript": {"Enabled": True, "RunContext": "Legacy", "Source": ""}},
        {"ModuleScript": {"Source": "return {}"}},
        {},
    ]
    assert tree.get(box)["response"]["engineInstance"]["Details"] == {"Folder": {}}


def test_an_id_may_be_written_without_dashes_and_in_capitals(tree: Tree, script: str) -> None:
    assert tree.get(script.replace("-", "").upper())["response"]["engineInstance"]["Id"] == script


def test_an_operation_takes_its_time(call: Caller, tree: Tree, emulator: Emulator, clock: Clock, script: str) -> None:
    emulator.scripts.add(OperationScript(kind="instance", processing=30))
    started = tree.send(script, text("print(2)")).json
    assert (started.keys(), started["done"]) == ({"path", "done"}, False)
    poll = f"/cloud/v2/{started['path']}"
    clock.advance(29)
    assert call("GET", poll).json == started
    assert tree.source(script) == "print(1)"
    clock.advance(1)
    done = call("GET", poll).json
    assert done["response"]["engineInstance"]["Details"]["Script"]["Source"] == "print(2)"
    clock.advance(1000)
    assert call("GET", poll).json == done


def test_operations_take_place_in_the_order_in_which_they_end(
    tree: Tree, emulator: Emulator, clock: Clock, script: str
) -> None:
    emulator.scripts.add(OperationScript(kind="instance", processing=20))
    emulator.scripts.add(OperationScript(kind="instance", processing=10))
    tree.send(script, text("first sent"))
    tree.send(script, text("second sent"))
    clock.advance(60)
    assert emulator.places.instance(8, script)["Source"] == "first sent"


@pytest.mark.parametrize("answer", ["path", "done"])
def test_an_answer_may_be_the_path_alone_or_the_end(
    call: Caller, tree: Tree, emulator: Emulator, script: str, answer: Any
) -> None:
    emulator.scripts.add(OperationScript(kind="instance", answer=answer))
    started = call("GET", f"{PLACE}/instances/{script}").json
    if answer == "path":
        assert started.keys() == {"path"}
    else:
        assert started["response"]["engineInstance"]["Id"] == script


def test_an_operation_fails_as_a_script_says(tree: Tree, emulator: Emulator, script: str) -> None:
    emulator.scripts.add(OperationScript(kind="instance", code=13, message="Broken."))
    assert tree.update(script, text("no"))["error"] == {"code": 13, "message": "Broken.", "details": []}
    assert tree.source(script) == "print(1)"
    emulator.scripts.add(OperationScript(kind="instance", refusal="Not now."))
    answer = tree.send(script, text("no"))
    assert (answer.status, answer.json["message"]) == (400, "Not now.")


def test_what_stands_in_the_body_is_changed(tree: Tree, script: str) -> None:
    changed = tree.update(script, {"Name": "Boss", "Details": {"Script": {"Enabled": False, "RunContext": "Server"}}})
    assert changed["response"]["engineInstance"]["Name"] == "Boss"
    assert changed["response"]["engineInstance"]["Details"]["Script"] == {
        "Enabled": False,
        "RunContext": "Server",
        "Source": "print(1)",
    }
    assert tree.update(script, text(""))["response"]["engineInstance"]["Details"]["Script"]["Source"] == ""


def test_the_names_may_begin_with_small_letters_as_one_example_has_them(tree: Tree, script: str) -> None:
    tree.update(script, {"details": {"script": {"source": "print(2)", "runContext": "Client"}}})
    assert tree.source(script) == "print(2)"


@pytest.mark.parametrize(
    ("mask", "source", "name"),
    [
        ("engineInstance.Details.Script.Source", "new", "Main"),
        ("engine_instance.details.Script", "new", "Main"),
        ("engineInstance.Details", "new", "Main"),
        ("engineInstance.Name", "print(1)", "Boss"),
        ("engineInstance", "new", "Boss"),
        ("*", "new", "Boss"),
    ],
)
def test_a_mask_picks_what_is_written(tree: Tree, script: str, mask: str, source: str, name: str) -> None:
    changed = tree.update(script, {"Name": "Boss", **text("new")}, f"?updateMask={mask}")
    assert changed["response"]["engineInstance"]["Name"] == name
    assert tree.source(script) == source


@pytest.mark.parametrize(
    "engine",
    [
        5,
        [],
        {"Name": ""},
        {"Name": 5},
        {"Details": "Script"},
        {"Details": {"Script": {}, "ModuleScript": {}}},
        {"Details": {"Script": "print(2)"}},
        {"Details": {"Script": {"Source": 5}}},
        {"Details": {"Script": {"Source": "x" * 200_001}}},
        {"Details": {"Script": {"Source": "é" * 100_001}}},
        {"Details": {"Script": {"Source": "\x01" * 40_000}}},
        {"Details": {"Script": {"Enabled": "yes"}}},
        {"Details": {"Script": {"RunContext": "Everywhere"}}},
    ],
)
def test_what_makes_no_sense_is_400_at_once(tree: Tree, script: str, engine: Any) -> None:
    answer = tree.send(script, engine)
    assert (answer.status, answer.json["code"]) == (400, "INVALID_ARGUMENT")
    assert tree.source(script) == "print(1)"


@pytest.mark.parametrize(
    "mask", ["path", "hasChildren", "engineInstance.Parent", "engineInstance.Details.Part", "x.Name"]
)
def test_a_mask_of_what_cannot_be_updated_is_400(tree: Tree, script: str, mask: str) -> None:
    assert tree.send(script, text("new"), f"?updateMask={mask}").status == 400


def test_a_script_may_have_two_hundred_thousand_bytes(tree: Tree, script: str) -> None:
    assert "response" in tree.update(script, text("x" * 200_000))
    assert tree.source(script) == "x" * 200_000


def failure(operation: Any) -> int:
    assert "response" not in operation
    return int(operation["error"]["code"])


def test_operations_fail_where_they_cannot_be_done(tree: Tree, emulator: Emulator, script: str) -> None:
    unknown = "00000000-0000-0000-0000-000000000001"
    assert [failure(tree.get(unknown)), failure(tree.list(unknown)), failure(tree.update(unknown, {}))] == [5, 5, 5]
    assert failure(tree.update(script, text("x", "ModuleScript"))) == 3
    assert failure(tree.update("root", {"Name": "Mine"})) == 3
    emulator.places.lock_instance(8, script)
    locked = tree.update(script, text("x"))
    assert (failure(locked), locked["error"]["message"]) == (9, "The script is open in Studio.")
    emulator.places.lock_instance(8, "ServerScriptService/Main", None)
    assert "response" in tree.update(script, text("x"))
    emulator.places.add(7, 8, collaborative=False)
    assert [failure(tree.get("root")), failure(tree.list("root")), failure(tree.update(script, text("y")))] == [9, 9, 9]
    emulator.places.add(7, 8, collaborative=True)
    assert tree.source(script) == "x"


def test_a_result_of_more_than_half_a_million_bytes_is_422(tree: Tree, emulator: Emulator) -> None:
    for number in range(3):
        emulator.places.add_instance(8, "ServerStorage", "ModuleScript", f"M{number}", source="x" * 199_000)
    storage = emulator.places.instance(8, "ServerStorage")["id"]
    assert failure(tree.list(storage)) == 422
    page = tree.list(storage, "?maxPageSize=2")["response"]
    assert [child["engineInstance"]["Name"] for child in page["instances"]] == ["M0", "M1"]


def test_children_come_in_pages(tree: Tree, call: Caller, emulator: Emulator) -> None:
    for number in range(201):
        emulator.places.add_instance(8, "ServerStorage", "Folder", f"F{number}")
    storage = emulator.places.instance(8, "ServerStorage")["id"]
    first = tree.list(storage)["response"]
    assert len(first["instances"]) == len(tree.list(storage, "?maxPageSize=999")["response"]["instances"]) == 200
    token = first["nextPageToken"]
    rest = tree.list(storage, f"?pageToken={token}")["response"]
    assert ([child["engineInstance"]["Name"] for child in rest["instances"]], rest.get("nextPageToken")) == (
        ["F200"],
        None,
    )
    path = f"{PLACE}/instances/{storage}:listChildren"
    for query in (f"?pageToken={token}&maxPageSize=5", "?pageToken=bad", "?maxPageSize=-1", "?maxPageSize=x"):
        assert call("GET", path + query).status == 400


@pytest.mark.parametrize("instance", ["x", "roots", "123", "0" * 31, "0-" * 16, "urn:uuid:" + "0" * 32])
def test_what_is_no_instance_id_is_400(call: Caller, instance: str) -> None:
    for method, path, body in (
        ("GET", f"{PLACE}/instances/{instance}", None),
        ("GET", f"{PLACE}/instances/{instance}:listChildren", None),
        ("PATCH", f"{PLACE}/instances/{instance}", {}),
    ):
        assert call(method, path, body).status == 400


def test_an_operation_is_polled_where_it_was_started(call: Caller, script: str) -> None:
    started = call("GET", ROOT).json["path"]
    number = started.rpartition("/")[2]
    assert call("GET", f"{ROOT}/operations/{number}").status == 200
    for path in (
        f"{PLACE}/instances/{script}/operations/{number}",
        f"{ROOT}/operations/unknown",
        f"/cloud/v2/universes/7/places/9/instances/root/operations/{number}",
    ):
        assert call("GET", path).status == 404


def test_places_of_another_universe_are_not_found(call: Caller, tree: Tree, script: str) -> None:
    call("GET", "/cloud/v2/universes/9/places/8/instances/root")
    tree.update(script, text("x"))
    assert call("GET", "/cloud/v2/universes/9/places/8/instances/root").status == 404
    assert tree.source(script) == "x"


def test_what_was_read_of_a_place_that_others_then_took_fails(call: Caller, emulator: Emulator, clock: Clock) -> None:
    emulator.scripts.add(OperationScript(kind="instance", processing=10))
    started = call("GET", "/cloud/v2/universes/9/places/70/instances/root").json
    emulator.places.add(7, 70)
    clock.advance(10)
    assert call("GET", f"/cloud/v2/{started['path']}").status == 404
    assert call("GET", "/cloud/v2/universes/7/places/70/instances/root").status == 200


def test_each_kind_of_call_takes_its_scope(call: Caller, emulator: Emulator, script: str) -> None:
    for verb in ("read", "write"):
        emulator.add_key(verb, ApiKey(scopes=(ScopeGrant.parse(f"universe.place.instance:{verb}"),)))
    path = f"{PLACE}/instances/{script}"
    for method, address, body, verb in (
        ("GET", path, None, "read"),
        ("GET", f"{path}:listChildren", None, "read"),
        ("PATCH", path, {"engineInstance": {}}, "write"),
    ):
        answers = {key: call(method, address, body, key=key).status for key in ("read", "write")}
        assert answers == {key: 200 if key == verb else 403 for key in answers}


def test_forty_five_calls_a_minute(call: Caller, clock: Clock) -> None:
    assert [call("GET", ROOT).status for _ in range(46)] == [200] * 45 + [429]
    assert call("GET", f"{ROOT}:listChildren").status == 200


def test_an_update_is_one_of_the_place(call: Caller, tree: Tree, clock: Clock, script: str) -> None:
    clock.advance(60)
    tree.update(script, text("x"))
    assert call("GET", PLACE).json["updateTime"] == "2027-01-15T08:01:00.000000000Z"


# --- controls


def test_a_tree_is_built_by_ids_and_by_names(emulator: Emulator, tree: Tree) -> None:
    controls = emulator.places
    lib = controls.add_instance(8, "ReplicatedStorage", "Folder", "Lib")
    controls.add_instance(8, lib, "ModuleScript", "Maths", source="return 1")
    found = controls.instance(8, "ReplicatedStorage/Lib/Maths")
    assert (found["parent"], found["class"], found["Source"]) == (lib, "ModuleScript", "return 1")
    assert tree.source(found["id"]) == "return 1"
    controls.remove_instance(8, lib)
    with pytest.raises(ValueError, match="has no instance"):
        controls.instance(8, found["id"])


def test_what_cannot_be_built_is_a_value_error(emulator: Emulator) -> None:
    controls = emulator.places
    with pytest.raises(ValueError, match="has no instance Nowhere"):
        controls.add_instance(8, "Nowhere", "Folder", "F")
    with pytest.raises(ValueError, match="has no Source"):
        controls.add_instance(8, "Workspace", "Folder", "F", source="x")
    with pytest.raises(ValueError, match="the root cannot be removed"):
        controls.remove_instance(8, "root")
    with pytest.raises(ValueError, match="nothing was said of place 70"):
        controls.add_version(70)
    controls.add(9, 70)
    with pytest.raises(ValueError, match="belongs to universe 9"):
        controls.add(7, 70)


def control(call: Caller, method: str, path: str, body: Any = None) -> Answer:
    return call(method, f"/_emulator/{path}", body, key=None)


def test_places_are_controlled_from_outside(call: Caller, tree: Tree) -> None:
    fields = {"universe": 7, "displayName": "Castle", "serverSize": 9, "editors": [5]}
    assert control(call, "PUT", "places/8", fields).json == {}
    assert call("GET", PLACE).json["displayName"] == "Castle"
    assert call("PATCH", PLACE, {"serverSize": 5}).status == 409
    assert control(call, "POST", "places/8/versions", {"createdBy": 5, "contributors": [6]}).json == {"version": 1}
    assert control(call, "POST", "places/8/versions", {"content": "PHJvYmxveCE=", "published": False}).json == {
        "version": 2
    }
    made = {"parent": "Workspace", "className": "Script", "name": "Main", "source": "print(1)", "runContext": "Server"}
    script = control(call, "POST", "places/8/instances", made).json["id"]
    assert tree.source(script) == "print(1)"
    assert control(call, "PUT", "places/8/instances", {"instance": script, "reason": "Mine."}).json == {}
    assert failure(tree.update(script, text("x"))) == 9
    shown = control(call, "GET", "places/8/instances?instance=Workspace/Main").json
    assert (shown["id"], shown["class"], shown["RunContext"]) == (script, "Script", "Server")
    assert control(call, "DELETE", f"places/8/instances?instance={script}").json == {}
    assert control(call, "GET", f"places/8/instances?instance={script}").status == 400


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("PUT", "places/8", {}, 400),
        ("PUT", "places/8", {"universe": "x"}, 400),
        ("PUT", "places/8", {"universe": 7, "color": "red"}, 400),
        ("PUT", "places/x", {"universe": 7}, 400),
        ("PUT", "places/13059", {"universe": 7}, 400),
        ("POST", "places/8", {}, 404),
        ("POST", "places/8/versions", {}, 400),
        ("GET", "places/8/instances", None, 400),
        ("GET", "places", None, 404),
    ],
)
def test_controls_that_make_no_sense_are_refused(call: Caller, method: str, path: str, body: Any, status: int) -> None:
    answer = control(call, method, path, body)
    assert answer.status == status
    assert json.loads(answer.reply.body)["error"]
