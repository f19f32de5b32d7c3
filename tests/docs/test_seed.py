"""The snippets that the library was asked for: verbatim but for their import, against `rblxcloud emulator`."""

from __future__ import annotations

import ast
import asyncio
import gc
import inspect
import re
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import httpx
import pytest

from tests.support.files import png

DATA_STORES = """
import rblxopencloud

# create an Experience object with your experience ID and your api key
# TODO: replace '13058' with your experience ID
experience = rblxopencloud.Experience(13058, api_key="api-key-from-step-2")

# get the data store, using the data store name and scope (defaults to global)
datastore = experience.get_data_store("data-store-name", scope="global")

# sets the key 'key-name' to 68 and provides users and metadata
# DataStore.set does not return the value or an EntryInfo object, instead it returns a EntryVersion object.
datastore.set("key-name", 68, users=[287113233], metadata={"key": "value"})

# get the value with the key 'number'
# info is a EntryInfo object which contains data like the version code, metadata, userids and timestamps.
value, info = datastore.get("key-name")

print(value, info)

# increments the key 'key-name' by 1 and ensures to keep the old users and metadata
# DataStore.increment retuens a value and info pair, just like DataStore.get and unlike DataStore.set
value, info = datastore.increment("key-name", 1, users=info.users, metadata=info.metadata)

print(value, info)

# deletes the key
datastore.remove("key-name")
"""

MESSAGING = """
import rblxopencloud

# create an Experience object with your experience ID and your api key
# TODO: replace '13058' with your experience ID
experience = rblxopencloud.Experience(13058, api_key="api-key-from-step-2")

# publish a message with the topic 'topic-name'
experience.publish_message("topic-name", "Hello World!")
"""

UPLOADS = """
import rblxopencloud

# create an User object with your user ID and your api key
# TODO: replace '13058' with your user ID
user = rblxopencloud.User(13058, api_key="api-key-from-step-2")
# or, create a Group object:
group = rblxopencloud.Group(13058, api_key="api-key-from-step-2")

# this example is for uploading a decal:
with open("path-to/file-object.png", "rb") as file:
    asset = user.upload_asset(file, rblxopencloud.AssetType.Decal, "name", "description")

# this will wait until Roblox has processed the upload
if isinstance(asset, rblxopencloud.Asset):
    # if it's already been processed, then print the asset.
    print(asset)
else:
    # otherwise, we'll go into a loop that continuosly checks if it's done.
    while True:
        # this will try to check if the asset has been processed yet
        operation = asset.fetch_operation()
        if operation:
            # if it has been print it then stop the loop.
            print(operation)
            break
"""
"""With the `asset =` that it forgot."""


# The snippets for OAuth 2.0, in the order in which they are told; Flask's part is that of its example.
OAUTH_APP = """
import rblxopencloud

oauth2 = rblxopencloud.OAuth2App(123456789, "app-secert", "http://localhost:9066/roblox")
"""

OAUTH_SNIPPETS = (
    """
    access = oauth2.exchange_code(code=request.args["code"])
""",
    """
access.fetch_userinfo()
""",
    """
resources = access.fetch_resources()
resources.experiences[0].publish_message("topic", "string-message")
""",
    """
new_access = oauth2.refresh_token(access.refresh_token)
""",
    """
oauth2.from_access_token_string(access.token)
""",
    """
access.fetch_token_info()
""",
    """
oauth2.revoke_token(access.token)
""",
    """
access.revoke()
access.revoke_refresh_token()
""",
    """
oauth2 = rblxopencloud.OAuth2App(123456789, "app-secert", "http://localhost:9066/roblox", openid_certs_cache_seconds=120)
""",
)

Runner = Callable[[str], None]


@pytest.fixture(scope="module")
def emulator_url() -> Iterator[str]:
    """Where `rblxcloud emulator` listens: a process of its own."""
    command = [sys.executable, "-m", "rblxcloud.cli", "emulator", "--port", "0", "--api-key", "api-key-from-step-2"]
    command += ["--oauth-app", "123456789:app-secert"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line.startswith("rblxcloud emulator listening on http://127.0.0.1:")
            yield line.split()[-1]
        finally:
            process.terminate()


@pytest.fixture(autouse=True)
def fresh_emulator(emulator_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RBLXCLOUD_BASE_URL", emulator_url)
    assert httpx.post(f"{emulator_url}/_emulator/reset").status_code == 200


def run_blocking(snippet: str) -> None:
    exec(snippet.replace("import rblxopencloud", "import rblxcloud.sync as rblxopencloud"), {})


def run_awaited(snippet: str) -> None:
    """Put `await` before the calls, and the import of the async package above."""
    awaited = re.sub(
        r"(datastore\.(?:set|get|increment|remove)|experience\.publish_message|\w+\.upload_asset|asset\.fetch_operation)\(",
        r"await \1(",
        snippet,
    ).replace("import rblxopencloud", "import rblxcloud as rblxopencloud")
    namespace: dict[str, Callable[[], object]] = {}
    exec("async def main():" + awaited.replace("\n", "\n    "), namespace)
    asyncio.run(namespace["main"]())  # type: ignore[arg-type]


modes = pytest.mark.parametrize("run", [run_blocking, run_awaited], ids=["blocking", "awaited"])


@modes
def test_data_stores(run: Runner, emulator_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    run(DATA_STORES)
    got, incremented = capsys.readouterr().out.splitlines()
    assert got.startswith("68 ")
    assert incremented.startswith("69 ")
    for line in (got, incremented):
        assert "287113233" in line
        assert "{'key': 'value'}" in line
    entry = "/cloud/v2/universes/13058/data-stores/data-store-name/scopes/global/entries/key-name"
    answer = httpx.get(emulator_url + entry, headers={"x-api-key": "api-key-from-step-2"})
    assert answer.status_code == 404  # the snippet's last line removed it


@modes
def test_messaging(run: Runner, emulator_url: str) -> None:
    run(MESSAGING)
    (message,) = httpx.get(f"{emulator_url}/_emulator/messages").json()["messages"]
    assert (message["universe"], message["topic"], message["message"]) == ("13058", "topic-name", "Hello World!")


@modes
@pytest.mark.parametrize("creator", ["user", "group"])
@pytest.mark.parametrize("answer", ["pending", "path", "done"])
def test_uploads(
    run: Runner,
    creator: str,
    answer: str,
    emulator_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    picture = tmp_path / "path-to" / "file-object.png"
    picture.parent.mkdir()
    picture.write_bytes(png())
    monkeypatch.chdir(tmp_path)
    script = {"kind": "upload", "answer": answer, "processing": 0.3}
    assert httpx.post(f"{emulator_url}/_emulator/scripts", json=script).is_success
    run(UPLOADS.replace("user.upload_asset", f"{creator}.upload_asset"))
    (printed,) = capsys.readouterr().out.splitlines()
    for field in ("display_name='name'", "description='description'", f"creator='{creator}s/13058'", "Decal"):
        assert field in printed


@modes
def test_nothing_has_to_be_closed(run: Runner) -> None:
    gc.collect()  # what other tests left behind is theirs
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        run(DATA_STORES)
        gc.collect()
    assert [str(warning.message) for warning in caught] == []


class Request:
    """Flask's `request`, as the seed reads it."""

    def __init__(self, location: str) -> None:
        self.args = dict(httpx.URL(location).params)


def _callback(emulator_url: str, uri: str) -> str:
    """What the user's browser is sent to after the consent page."""
    answer = httpx.post(f"{emulator_url}/_emulator/oauth/approve", json={"uri": uri, "user": 287113233})
    return str(answer.raise_for_status().json()["location"])


def _oauth_blocking(snippet: str, names: dict[str, Any]) -> None:
    exec(dedent(snippet).replace("import rblxopencloud", "import rblxcloud.sync as rblxopencloud"), names)


class Awaiting:
    """Runs snippets on one loop, with `await` before what is a coroutine."""

    def __init__(self) -> None:
        self._runner = asyncio.Runner()

    def __call__(self, snippet: str, names: dict[str, Any]) -> None:
        calls = r"(oauth2\.(?:exchange_code|refresh_token|revoke_token)|access\.\w+|\w+\.experiences\[0\]\.publish_message)\("
        code = re.sub(calls, r"await \1(", dedent(snippet))
        code = code.replace("import rblxopencloud", "import rblxcloud as rblxopencloud")
        flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        result = eval(compile(code, "snippet", "exec", flags=flags), names)
        if inspect.isawaitable(result):
            self._runner.run(result)  # type: ignore[arg-type]

    def close(self) -> None:
        self._runner.close()


@pytest.fixture(params=["blocking", "awaited"])
def oauth(request: pytest.FixtureRequest) -> Iterator[Callable[[str, dict[str, Any]], None]]:
    """Return a function that runs a snippet for OAuth with names that stay."""
    if request.param == "blocking":
        yield _oauth_blocking
        return
    awaiting = Awaiting()
    yield awaiting
    awaiting.close()


def test_oauth(oauth: Callable[[str, dict[str, Any]], None], emulator_url: str) -> None:
    names: dict[str, Any] = {}
    oauth(OAUTH_APP, names)
    oauth('uri = oauth2.generate_uri(scope=["openid", "profile"], state="hello world")', names)
    scopes = ["openid", "profile", "universe-messaging-service:publish"]
    assert httpx.URL(names["uri"]).params["scope"] == "openid profile"
    location = _callback(emulator_url, names["oauth2"].generate_uri(scope=scopes, state="hello world"))
    names["request"] = Request(location)
    assert names["request"].args["state"] == "hello world"
    for snippet in OAUTH_SNIPPETS:
        oauth(snippet, names)
        if "exchange_code" in snippet:
            oauth("print(access.user.id, access.scope, access.expires_at)\nuser = access.user", names)
            assert (names["user"].id, names["user"].username) == (287113233, "user287113233")
            oauth("info = access.fetch_token_info()\nfound = access.fetch_userinfo()", names)
            assert (names["info"].active, names["info"].user_id) == (True, "287113233")
            assert names["found"].created_at.tzinfo is not None
    (message,) = httpx.get(f"{emulator_url}/_emulator/messages").json()["messages"]
    assert (message["topic"], message["message"]) == ("topic", "string-message")
