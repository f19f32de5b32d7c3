"""Long-running operations: where each kind is polled, how it ends, and how often it is asked for."""

from __future__ import annotations

import json
import pickle
import traceback
from collections import Counter
from collections.abc import Mapping
from typing import Any

import anyio
import httpx
import pytest
import trio
import trio.testing

import rblxcloud
import rblxcloud.sync
from rblxcloud import AssetType
from rblxcloud.config import Options, RetryPolicy
from rblxcloud.endpoints import all_endpoints
from rblxcloud.endpoints.model import Endpoint
from rblxcloud.http.request import Call, encode_json
from rblxcloud.operation import start
from rblxcloud.resources.base import Model
from rblxcloud.runtime.concurrent import ConcurrentRuntime
from tests.http.conftest import Perform
from tests.support.clock import ManualClock
from tests.support.server import Script, settings

PATH = "/assets/v1/operations/7f"
RUNNING = {"path": "operations/7f", "done": False}
METADATA = {"@type": "x.Metadata", "count": 1}
ASSET = {"path": "assets/5", "assetId": "5", "assetType": "Decal", "displayName": "n", "state": "Active"}
DONE = {**RUNNING, "done": True, "response": {"@type": "type.googleapis.com/x.Asset", **ASSET}}


def answers(*bodies: Any) -> Script:
    return Script([httpx.Response(200, json=body) for body in bodies])


async def wait(client: Any, **arguments: Any) -> Any:
    return await client.operation(PATH).wait(**arguments)


class Anything(Model):
    """A result of any kind."""

    value: Any = None
    state: str | None = None
    experiment: Any = None


def endpoint(name: str) -> Endpoint:
    return next(endpoint for endpoint in all_endpoints() if endpoint.name == name)


UUID = "0d6e2a4c-6d3c-4a0e-9d6b-5d3f1c2b7a90"
UPLOADS = "/thumbnail-personalization-api/v1/universes/1/thumbnails/uploads/status"
RESTARTS = "/server-management/v1/universes/1/restarts"
KINDS: Mapping[str, tuple[str, Mapping[str, Any], Any, str, Any]] = {
    "asset": (
        "assets.assets_create_asset",
        {},
        {"path": f"operations/{UUID}"},
        f"/assets/v1/operations/{UUID}",
        {"done": True, "response": {"value": 1}},
    ),
    "asset, told by id": (
        "assets.assets_create_asset",
        {},
        {"operationId": UUID},
        f"/assets/v1/operations/{UUID}",
        {"done": True, "response": {"value": 1}},
    ),
    "speech": (
        "universes.generate_speech_asset",
        {"universe_id": 1},
        {"path": f"operations/{UUID}", "done": None},
        f"/assets/v1/operations/{UUID}",
        {"done": True, "response": {"value": 1}},
    ),
    "flush": (
        "memory_stores.flush_memory_store",
        {"universe_id": 1},
        {"path": f"cloud/v2/universes/1/memory-store/operations/{UUID}"},
        f"/cloud/v2/universes/1/memory-store/operations/{UUID}",
        {"done": True, "response": {"value": 1}},
    ),
    "flush, as its path is in truth": (
        "memory_stores.flush_memory_store",
        {"universe_id": 1},
        {"path": f"cloud/v2/universes/1/operations/{UUID}"},
        f"/cloud/v2/universes/1/operations/{UUID}",
        {"done": True, "response": {"value": 1}},
    ),
    "thumbnail": (
        "users.generate_user_thumbnail",
        {"user_id": 1},
        {"path": "users/1/operations/eyJhIjoxfQ=="},
        "/cloud/v2/users/1/operations/eyJhIjoxfQ%3D%3D",
        {"done": True, "response": {"value": 1}},
    ),
    "instance": (
        "places.get_instance",
        {"universe_id": 1, "place_id": 2, "instance_id": "root"},
        {"path": f"universes/1/places/2/instances/root/operations/{UUID}"},
        f"/cloud/v2/universes/1/places/2/instances/root/operations/{UUID}",
        {"done": True, "response": {"value": 1}},
    ),
    "analytics": (
        "analytics.post_analytics_query_api_v1_universes_universe_id_metrics",
        {"universeId": 1},
        httpx.Response(202, json={"path": "v1/universes/1/operations/metrics/9", "done": False}),
        "/analytics-query-api/v1/universes/1/operations/metrics/9",
        {"done": True, "response": {"value": 1}},
    ),
    "experiment": (
        "experiments.public_experimentation_start_experiment",
        {"universeId": 1, "experimentId": "e"},
        {"operation": {"operationId": "9", "status": "OPERATIONAL_STATUS_RUNNING", "done": False}},
        "/creator-configs-public-api/v1/experimentation/universes/1/operations/9",
        {"operation": {"operationId": "9", "done": True, "experiment": 1}},
    ),
    "luau": (
        "luau.create_task",
        {"universe_id": 1, "place_id": 2},
        {"path": "universes/1/places/2/versions/3/luau-execution-sessions/4/tasks/4", "state": "QUEUED"},
        "/cloud/v2/universes/1/places/2/versions/3/luau-execution-sessions/4/tasks/4",
        {"state": "COMPLETE", "value": 1},
    ),
    "homepage thumbnail": (
        "thumbnails.upload_homepage_thumbnails",
        {"universeId": 1},
        {"fileToOperationIdDict": {"a.png": UUID}},
        f"{UPLOADS}?operationIds={UUID}",
        {"uploadStatus": 2, "uploadThumbnailStatusDict": {UUID: {"homepageThumbnailId": "t", "value": 1}}},
    ),
    "restart": (
        "server_management.launch_restart",
        {"universeId": 1},
        {"id": UUID, "playersImpacted": 3, "instancesImpacted": 1},
        RESTARTS,
        {"restartStatuses": {UUID: {"placeRestartStatuses": {"2": {"state": "SUCCEEDED"}}, "value": 1}}},
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_polled_where_its_service_has_it(perform: Perform, kind: str) -> None:
    name, path, first, address, last = KINDS[kind]
    first = first if isinstance(first, httpx.Response) else httpx.Response(200, json=first)
    script = Script([first, httpx.Response(200, json=last)])

    async def story(client: Any) -> Any:
        call = Call(endpoint(name), path, content=encode_json({}))
        operation = await start(client._session, call, Anything)
        assert not operation.done
        return await operation.wait()

    result = perform(script, story)
    assert result.value == 1 or result.experiment == 1
    assert script.requests[1].url.raw_path.decode() == address
    assert script.requests[1].method == "GET"


def restarts(*states: str, number: str = UUID, **fields: Any) -> Mapping[str, Any]:
    places = {str(place): {"state": state} for place, state in enumerate(states, 2)}
    return {"restartStatuses": {"other": {}, number: {"placeRestartStatuses": places, **fields}}}


def test_one_of_several_runs_until_the_list_says_otherwise(perform: Perform) -> None:
    listed = (
        {"restartStatuses": None},
        {"restartStatuses": {"other": {"placeRestartStatuses": {"2": {"state": "SUCCEEDED"}}}}},
        {"restartStatuses": {UUID: {"placeRestartStatuses": None}}},
        {"restartStatuses": {UUID: {"placeRestartStatuses": {"2": None}}}},
        {"restartStatuses": [UUID]},
        {"restartStatuses": {UUID: 5}},
        restarts("SUCCEEDED", "DELAYING"),
        restarts("SUCCEEDED", "RESTARTING"),
    )
    script = answers({"id": UUID, "playersImpacted": 3, "instancesImpacted": 2}, *listed, restarts("SUCCEEDED"))

    async def story(client: Any) -> Any:
        operation = await client.experience(1).servers.restart()
        assert operation.path == f"{RESTARTS}#{UUID}"
        assert operation.metadata["playersImpacted"] == 3
        for _ in listed:
            assert await operation.fetch_operation() is None
        assert operation.metadata["placeRestartStatuses"]["3"] == {"state": "RESTARTING"}
        return await operation.wait()

    restart = perform(script, story)
    assert (restart.id, restart.done, list(restart.places)) == (UUID, True, [2])
    assert {request.url.raw_path.decode() for request in script.requests} == {RESTARTS}


def test_a_restart_that_failed_is_a_failure(perform: Perform) -> None:
    with pytest.raises(rblxcloud.OperationFailedError, match="The restart failed") as caught:
        perform(answers(restarts("SUCCEEDED", "FAILED")), lambda client: client.operation(f"{RESTARTS}#{UUID}").wait())
    assert caught.value.code == "FAILED"


def test_an_upload_that_stands_in_a_list_brings_its_picture(perform: Perform) -> None:
    def states(**state: Any) -> Mapping[str, Any]:
        return {"uploadStatus": 1, "uploadThumbnailStatusDict": {"a/b": state} if state else {}}

    done = {"homepageThumbnailId": "t", "assetId": "5", "moderationStatus": "Approved"}
    script = answers(
        {"fileToOperationIdDict": {"f": "a/b"}}, states(), states(homepageThumbnailId=None), states(**done)
    )

    async def story(client: Any) -> Any:
        operation = await client.experience(1).homepage_thumbnails.upload(b"\x89PNG\r\n\x1a\n")
        again = client.bind(pickle.loads(pickle.dumps(operation)))
        assert again.path == operation.path == f"{UPLOADS}?operationIds=a%2Fb"
        assert await again.fetch_operation() is None
        assert await again.fetch_operation() is None
        return await again.wait()

    thumbnail = perform(script, story)
    assert (thumbnail.id, thumbnail.asset_id, thumbnail.moderation_status) == ("t", 5, "Approved")
    assert script.requests[1].url.raw_path.decode() == f"{UPLOADS}?operationIds=a%2Fb"


def test_a_picture_that_moderation_rejects_is_a_moderation_error(perform: Perform) -> None:
    rejected = {"uploadStatus": 2, "uploadThumbnailStatusDict": {"7": {"moderationStatus": "Rejected"}}}
    with pytest.raises(rblxcloud.ModerationError) as caught:
        perform(answers(rejected), lambda client: client.operation(f"{UPLOADS}?operationIds=7").wait())
    assert caught.value.details == ({"moderationStatus": "Rejected"},)


@pytest.mark.parametrize("body", [{}, {"id": ""}, {"id": None}, {"id": True}, {"id": {}}])
def test_a_restart_without_an_id_is_an_error_of_ours(perform: Perform, body: Any) -> None:
    with pytest.raises(rblxcloud.APIResponseError) as caught:
        perform(answers(body), lambda client: client.experience(1).servers.restart())
    assert caught.value.outcome_unknown


@pytest.mark.parametrize("ids", [None, {}, {"a": None}, {"a": "1", "b": "2"}])
def test_an_upload_without_an_operation_is_an_error_of_ours(perform: Perform, ids: Any) -> None:
    with pytest.raises(rblxcloud.APIResponseError):
        perform(
            answers({"fileToOperationIdDict": ids}),
            lambda client: client.experience(1).homepage_thumbnails.upload(b"\x89PNG\r\n\x1a\n"),
        )


def test_what_is_resumed_by_path_says_itself_that_it_is_speech(perform: Perform) -> None:
    spoken = {"@type": "type.googleapis.com/x.GenerateSpeechAssetResponse", "assetId": "5", "remainingQuota": 3}
    result = perform(answers({**RUNNING, "done": True, "response": spoken}), wait)
    assert result == rblxcloud.SpeechAsset(asset_id=5, remaining_quota=3)


@pytest.mark.parametrize("path", ["../keys", "operations/a?b", "", 5])
def test_a_path_that_cannot_be_one_is_no_operation(perform: Perform, path: Any) -> None:
    with pytest.raises(rblxcloud.APIResponseError) as caught:
        perform(answers({"path": path}), lambda client: client.asset(5).update(name="n"))
    assert caught.value.outcome_unknown


def test_what_is_done_already_is_not_asked_for(perform: Perform) -> None:
    async def story(client: Any) -> Any:
        operation = await client.user(1).upload_asset(b"\x89PNG\r\n\x1a\n", AssetType.Decal, "n")
        assert operation.done
        assert operation.metadata is None
        assert not isinstance(operation, rblxcloud.Asset)
        first, second = await operation.fetch_operation(), await operation.wait()
        assert first is second
        return first

    asset = perform(answers(DONE), story)
    assert (asset.id, asset.asset_type, asset.display_name) == (5, AssetType.Decal, "n")


def test_the_loop_of_the_seed_works(perform: Perform) -> None:
    async def story(client: Any) -> list[Any]:
        asset = await client.user(1).upload_asset(b"\x89PNG\r\n\x1a\n", AssetType.Decal, "n")
        found: list[Any] = []
        while True:
            operation = await asset.fetch_operation()
            found.append(operation)
            if operation:
                return found

    first, second, last = perform(answers(RUNNING, RUNNING, {"path": "operations/7f"}, DONE), story)
    assert first is None
    assert second is None
    assert isinstance(last, rblxcloud.Asset)


def test_a_loop_without_pauses_is_slowed_down_to_what_the_limit_lasts_for(perform: Perform, clock: ManualClock) -> None:
    async def story(client: Any) -> None:
        operation = client.operation(PATH)
        while await operation.fetch_operation() is None:
            pass

    perform(answers(*[RUNNING] * 600, DONE), story)
    assert len(clock.sleeps) == 600
    assert max(clock.sleeps) < 0.25


def test_what_was_changed_at_once_needs_no_poll(perform: Perform) -> None:
    async def story(client: Any) -> Any:
        operation = await client.asset(5).update(name="n")
        assert operation.path == "/assets/v1/assets/5"
        return await operation.wait()

    assert perform(answers(ASSET), story).display_name == "n"


@pytest.mark.parametrize("field", ["error", "status"])
@pytest.mark.parametrize("done", [True, False])
def test_a_failure_is_told_in_the_words_of_roblox(perform: Perform, field: str, done: bool) -> None:
    failed = {**RUNNING, "done": done, field: {"code": 3, "message": "The mesh is broken.", "details": [{"a": 1}]}}

    async def story(client: Any) -> None:
        operation = client.operation(PATH)
        with pytest.raises(rblxcloud.OperationFailedError) as caught:
            await operation.wait()
        error = caught.value
        assert (error.code, error.message, error.path, error.details) == ("3", "The mesh is broken.", PATH, ({"a": 1},))
        assert not isinstance(error, rblxcloud.ModerationError)
        assert str(pickle.loads(pickle.dumps(error))) == str(error) == f"{PATH}: 3: The mesh is broken."
        assert operation.done
        with pytest.raises(rblxcloud.OperationFailedError):
            await operation.fetch_operation()

    perform(answers(failed), story)


def test_moderation_has_an_error_of_its_own(perform: Perform) -> None:
    failed = {**RUNNING, "done": True, "error": {"code": 3, "message": "The image was moderated."}}
    with pytest.raises(rblxcloud.ModerationError, match="moderated"):
        perform(answers(failed), wait)


def test_a_failure_that_speaks_of_a_moderator_is_none_of_moderation(perform: Perform) -> None:
    failed = {**RUNNING, "done": True, "error": {"code": 7, "message": "The user is no moderator of this group."}}
    with pytest.raises(rblxcloud.OperationFailedError) as caught:
        perform(answers(failed), wait)
    assert not isinstance(caught.value, rblxcloud.ModerationError)


@pytest.mark.parametrize("state", ["FAILED", "CANCELLED"])
def test_a_task_that_fails_is_a_failure(perform: Perform, state: str) -> None:
    task = {"path": "universes/1/places/2/luau-execution-session-tasks/4", "state": state}

    async def story(client: Any) -> Any:
        call = Call(endpoint("luau.create_task"), {"universe_id": 1, "place_id": 2})
        return await (await start(client._session, call, Anything)).wait()

    with pytest.raises(rblxcloud.OperationFailedError, match=state):
        perform(answers(task), story)


def test_a_query_that_fails_with_a_status_is_a_failure(perform: Perform) -> None:
    failed = {"path": "x", "done": True, "error": {"code": 2001, "message": "bad field"}}
    first = httpx.Response(202, json={"path": "v1/universes/1/operations/metrics/9"})

    async def story(client: Any) -> Any:
        call = Call(endpoint(KINDS["analytics"][0]), {"universeId": 1}, content=b"{}")
        return await (await start(client._session, call, Anything)).wait()

    with pytest.raises(rblxcloud.OperationFailedError) as caught:
        perform(Script([first, httpx.Response(400, json=failed)]), story)
    assert (caught.value.code, caught.value.message) == ("2001", "bad field")


def test_a_poll_that_is_refused_is_no_end(perform: Perform) -> None:
    async def story(client: Any) -> Any:
        operation = client.operation(PATH)
        with pytest.raises(rblxcloud.NotFoundError):
            await operation.wait()
        assert not operation.done
        return await operation.wait()

    missing = httpx.Response(404, json={"code": "NOT_FOUND", "message": "no"})
    assert perform(Script([missing, httpx.Response(200, json=DONE)]), story).id == 5


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"[]", b"<html>secret", b'{"done": true, "response": {"assetId": "secret"}}'),
        *(b'{"done": true, "response": ["secret"]}', b'{"error": "\\ud800 secret"}'),
    ],
)
def test_a_poll_that_cannot_be_read_is_an_error_of_ours_that_shows_nothing(perform: Perform, body: bytes) -> None:
    with pytest.raises(rblxcloud.APIResponseError) as caught:
        perform(Script([httpx.Response(200, content=body)]), wait)
    assert type(caught.value.__cause__) is ValueError
    assert "secret" not in "".join(traceback.format_exception(caught.value))


def test_a_failure_with_what_json_does_not_have_is_still_a_failure(perform: Perform) -> None:
    body = b'{"done": true, "error": {"code": 3, "message": "no", "details": [NaN]}}'
    with pytest.raises(rblxcloud.OperationFailedError) as caught:
        perform(Script([httpx.Response(200, content=body)]), wait)
    assert caught.value.code == "3"


def test_a_query_that_is_refused_while_it_runs_has_not_ended(perform: Perform) -> None:
    async def story(client: Any) -> Any:
        operation = client.operation(PATH)
        with pytest.raises(rblxcloud.BadRequestError):
            await operation.fetch_operation()
        return await operation.wait()

    assert perform(Script([httpx.Response(400, json=RUNNING), httpx.Response(200, json=DONE)]), story).id == 5


@pytest.mark.anyio
async def test_an_answer_that_comes_late_does_not_undo_the_end() -> None:
    """Two wait for the same operation; what the first was told is older than what the second was told."""
    released = anyio.Event()
    polls = 0

    async def answer(request: httpx.Request) -> httpx.Response:
        nonlocal polls
        polls += 1
        if polls > 1:
            return httpx.Response(200, json=DONE)
        await released.wait()
        return httpx.Response(200, json=RUNNING)

    runtime = ConcurrentRuntime(transport=httpx.MockTransport(answer))
    async with rblxcloud.Client._on_runtime(runtime, settings(Options(retry=RetryPolicy(retries=0)))) as client:
        operation = client.operation(PATH)
        async with anyio.create_task_group() as group:
            group.start_soon(operation.wait)
            await anyio.wait_all_tasks_blocked()
            other = await operation.wait()
            assert operation.done
            released.set()
        assert operation.done
    assert other.id == 5
    assert polls == 2


def test_pauses_grow_and_then_stay(perform: Perform, clock: ManualClock) -> None:
    assert perform(answers(*[RUNNING] * 7, DONE), wait).id == 5
    assert clock.sleeps == [1, 2, 4, 8, 16, 16, 16]


def test_pauses_are_as_long_as_one_asks(perform: Perform, clock: ManualClock) -> None:
    perform(answers(*[RUNNING] * 3, DONE), lambda client: wait(client, poll=2.5))
    assert clock.sleeps == [2.5, 2.5, 2.5]


def test_a_timeout_ends_the_waiting_and_not_the_operation(perform: Perform, clock: ManualClock) -> None:
    async def story(client: Any) -> Any:
        operation = client.operation(PATH)
        with pytest.raises(rblxcloud.OperationTimeoutError, match="not done after 10 s") as caught:
            await operation.wait(timeout=10)
        assert clock.sleeps == [1, 2, 4, 3]  # Asked for one last time at the end.
        return await client.operation(caught.value.path).wait()

    assert perform(answers(*[RUNNING] * 5, DONE), story).id == 5


def test_a_timeout_does_not_wait_for_the_rate_limit(perform: Perform, clock: ManualClock) -> None:
    async def story(client: Any) -> None:
        operation = client.operation(PATH)
        for _ in range(300):
            await client.request("GET", PATH)
        started = clock.now
        with pytest.raises(rblxcloud.OperationTimeoutError) as caught:
            await operation.wait(timeout=20)
        assert clock.now - started < 20
        assert isinstance(caught.value.__cause__, rblxcloud.DeadlineExceededError)

    perform(answers(*[RUNNING] * 300), story)


def test_a_deadline_of_the_client_counts_for_each_poll(perform: Perform, clock: ManualClock) -> None:
    def late(request: httpx.Request) -> httpx.Response:
        clock.advance(3)
        return httpx.Response(503, json={})

    with pytest.raises(rblxcloud.DeadlineExceededError):
        perform(Script([late]), lambda client: wait(client, timeout=60), Options(deadline=2))


@pytest.mark.parametrize("arguments", [{"timeout": 0}, {"timeout": "1"}, {"poll": -1}, {"poll": float("nan")}])
def test_seconds_that_are_none_are_refused(perform: Perform, arguments: dict[str, Any]) -> None:
    with pytest.raises(rblxcloud.InvalidRequestError) as caught:
        perform(Script([]), lambda client: wait(client, **arguments))
    assert caught.value.argument == next(iter(arguments))


@pytest.mark.parametrize("path", ["operations/7f", PATH])
def test_a_path_is_all_that_is_needed_to_wait_on(perform: Perform, path: str) -> None:
    script = answers(DONE)
    assert perform(script, lambda client: client.operation(path).wait()).id == 5
    assert script.requests[0].url.path == PATH


@pytest.mark.parametrize(
    ("path", "brings"),
    [
        (PATH, rblxcloud.Asset),
        ("/assets/v1/assets/5", rblxcloud.Asset),
        (f"/cloud/v2/universes/1/places/2/instances/root/operations/{UUID}", rblxcloud.Instance),
        ("/cloud/v2/users/1/operations/eyJhIjoxfQ%3D%3D", rblxcloud.UserThumbnail),
        (f"/cloud/v2/universes/1/operations/{UUID}", rblxcloud.MemoryStoreFlush),
        (f"/cloud/v2/universes/1/operations/{UUID}?scope=TEST", rblxcloud.MemoryStoreFlush),
        (f"/cloud/v2/universes/1/memory-store/operations/{UUID}?scope=LIVE", rblxcloud.MemoryStoreFlush),
        (f"{UPLOADS}?operationIds={UUID}", rblxcloud.HomepageThumbnail),
        (f"{RESTARTS}#{UUID}", rblxcloud.ServerRestart),
        ("/cloud/v2/universes/1/places/2/versions/3/luau-execution-sessions/4/tasks/4", rblxcloud.LuauResult),
        ("universes/1/places/2/luau-execution-session-tasks/4", rblxcloud.LuauResult),
    ],
)
def test_every_kind_is_found_again_by_its_path(perform: Perform, path: str, brings: type[Any]) -> None:
    async def story(client: Any) -> str:
        return repr(client.operation(path))

    shown = perform(Script([]), story)
    assert shown.startswith("<LuauTask " if brings is rblxcloud.LuauResult else f"<Operation[{brings.__name__}] ")
    assert shown.endswith(f"{path} running>") or brings is rblxcloud.LuauResult


@pytest.mark.parametrize(
    "path",
    [
        *("", "nonsense", "/assets/v1/operations/../keys", "/cloud/v2/universes/1", "/assets/v1/operations/a?b", 5),
        *(
            RESTARTS,
            f"{RESTARTS}#",
            f"{RESTARTS}?id=5",
            f"{PATH}#5",
            UPLOADS,
            f"{UPLOADS}#5",
            f"{UPLOADS}?operationIds=",
        ),
        *(f"{UPLOADS}?ids=5", "/server-management/v1/universes/1/places#5"),
        *(f"/cloud/v2/universes/1/operations/{UUID}?view=FULL", f"/cloud/v2/universes/1/operations/{UUID}#5"),
        *("/cloud/v2/universes/1/operations/", f"/analytics-query-api/v1/universes/1/operations/metrics/{UUID}"),
    ],
)
def test_another_path_is_refused(perform: Perform, path: Any) -> None:
    async def story(client: Any) -> None:
        client.operation(path)

    with pytest.raises(rblxcloud.InvalidRequestError):
        perform(Script([]), story)


def test_an_operation_pickles_without_its_session(perform: Perform) -> None:
    async def story(client: Any) -> Any:
        operation = client.operation(PATH)
        await operation.fetch_operation()
        again = pickle.loads(pickle.dumps(operation))
        assert b"key" not in pickle.dumps(operation).replace(b"_binding", b"")
        assert (again.path, again.done) == (PATH, False)
        with pytest.raises(rblxcloud.ConfigurationError, match=r"client\.bind\(operation\)"):
            await again.wait()
        return await client.bind(again).wait()

    assert perform(answers(RUNNING, DONE), story).id == 5


def test_one_that_had_ended_tells_its_result_without_a_session(perform: Perform) -> None:
    async def story(client: Any) -> Any:
        operation = client.operation(PATH)
        await operation.wait()
        again = pickle.loads(pickle.dumps(operation))
        assert (await again.wait()).id == (await again.fetch_operation()).id == 5
        with pytest.raises(rblxcloud.ConfigurationError):
            await (await again.wait()).archive()
        return await (await client.bind(again).wait()).archive()

    assert perform(answers(DONE, {**ASSET, "state": "Archived"}), story).state == "Archived"


def test_what_it_brings_can_be_called_with(perform: Perform) -> None:
    async def story(client: Any) -> Any:
        asset = await wait(client)
        return await asset.archive()

    assert perform(answers(DONE, {**ASSET, "state": "Archived"}), story).state == "Archived"


def test_it_shows_how_it_stands(perform: Perform) -> None:
    async def story(client: Any) -> list[str]:
        operation = client.operation(PATH)
        shown = [repr(operation)]
        await operation.fetch_operation()
        assert operation.metadata == METADATA
        await operation.wait()
        return [*shown, repr(operation)]

    assert perform(answers({**RUNNING, "metadata": METADATA}, DONE), story) == [
        f"<Operation[Asset] {PATH} running>",
        f"<Operation[Asset] {PATH} done>",
    ]


class TrioClock:
    """The virtual time of trio, in which many can sleep at once."""

    def monotonic(self) -> float:
        return trio.current_time()

    def wall_time(self) -> float:
        return trio.current_time()

    def skip(self, seconds: float) -> bool:
        return False


@pytest.mark.parametrize("poll", [None, 2.0])
@pytest.mark.parametrize("ends", [0.5, 5.0, 33.0, 200.0])
def test_a_hundred_that_are_waited_for_share_the_published_limit(ends: float, poll: float | None) -> None:
    """100 against 300 polls a minute: each is asked for every 22 seconds, none has to wait for a window's end."""
    starts: list[float] = []
    polls: Counter[str] = Counter()
    returned: list[float] = []

    def answer(request: httpx.Request) -> httpx.Response:
        starts.append(trio.current_time())
        polls[request.url.path] += 1
        done = {"done": True, "response": ASSET} if trio.current_time() >= began + ends else {"done": False}
        return httpx.Response(200, content=json.dumps(done))

    async def wait_for(client: rblxcloud.Client, number: int) -> None:
        await client.operation(f"operations/{number}").wait(poll=poll)
        returned.append(trio.current_time())

    async def main() -> None:
        nonlocal began
        began = trio.current_time()
        runtime = ConcurrentRuntime(transport=httpx.MockTransport(answer), clock=TrioClock())
        options = Options(retry=RetryPolicy(retries=0))
        async with (
            rblxcloud.Client._on_runtime(runtime, settings(options)) as client,
            anyio.create_task_group() as group,
        ):
            for number in range(100):
                group.start_soon(wait_for, client, number)

    began = 0.0
    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
    assert len(returned) == 100
    assert len(polls) == 100
    for first, last in zip(starts, starts[300:], strict=False):
        assert last - first >= 60
    interval = 22.1
    assert max(returned) - min(returned) <= interval
    assert min(returned) <= began + ends + interval
