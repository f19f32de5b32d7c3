"""What the examples tell somebody who runs them for the first time."""

from __future__ import annotations

import ast
import runpy
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
SET = {
    "DISCORD_TOKEN": "token",
    "ROBLOX_CLIENT_ID": "1234567890",
    "ROBLOX_CLIENT_SECRET": "secret",
    "SECRET_KEY": "k" * 32,
    "WEBHOOK_SECRET": "secret",
    "RBLXCLOUD_API_KEY": "key",
    "EXPERIENCE_ID": "13058",
    "ERASURE_CONFIG": "erasure.toml",
    "INBOX": "sqlite:///inbox.db",
    "SITE": "http://localhost:8000",
}
CONFIG = """
[[experiences]]
universe = 13058
start_place = 13059
keys = [{ store = "players", key = "{UserId}" }]
"""


@pytest.fixture(autouse=True)
def ready(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All that the examples want, in a directory of their own."""
    monkeypatch.chdir(tmp_path)
    Path("erasure.toml").write_text(CONFIG)
    for name, value in SET.items():
        monkeypatch.setenv(name, value)


def run(example: str) -> dict[str, Any]:
    """Run an example as Python would."""
    with warnings.catch_warnings():
        # discord.py still imports audioop.
        warnings.simplefilter("ignore", DeprecationWarning)
        return runpy.run_path(str(EXAMPLES / example), run_name="__main__")


@pytest.mark.parametrize(
    ("example", "packages"),
    [
        ("discord_bot.py", "rblxcloud discord.py"),
        ("discord_link.py", "'rblxcloud[fastapi]' discord.py uvicorn"),
        ("fastapi_app.py", "rblxcloud fastapi uvicorn"),
        ("flask_oauth.py", "rblxcloud flask"),
        ("erasure_webhook.py", "'rblxcloud[fastapi,sql]' uvicorn"),
    ],
)
def test_an_example_says_what_to_install(example: str, packages: str) -> None:
    docstring = ast.get_docstring(ast.parse((EXAMPLES / example).read_text()))
    assert docstring
    assert f"`pip install {packages}`" in docstring


@pytest.mark.parametrize(
    ("example", "name"),
    [
        ("discord_bot.py", "DISCORD_TOKEN"),
        ("discord_bot.py", "RBLXCLOUD_API_KEY"),
        ("discord_link.py", "DISCORD_TOKEN"),
        ("discord_link.py", "ROBLOX_CLIENT_ID"),
        ("discord_link.py", "ROBLOX_CLIENT_SECRET"),
        ("discord_link.py", "SECRET_KEY"),
        ("flask_oauth.py", "ROBLOX_CLIENT_ID"),
        ("flask_oauth.py", "ROBLOX_CLIENT_SECRET"),
    ],
)
def test_a_variable_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, example: str, name: str) -> None:
    monkeypatch.delenv(name)
    with pytest.raises(SystemExit, match=f"set {name}"):
        run(example)
    assert not Path("links.db").exists()


@pytest.mark.parametrize("example", ["discord_bot.py", "fastapi_app.py"])
def test_an_experience_that_is_no_number_is_told(monkeypatch: pytest.MonkeyPatch, example: str) -> None:
    monkeypatch.setenv("EXPERIENCE_ID", "my game")
    with pytest.raises(SystemExit, match="set EXPERIENCE_ID to the number"):
        run(example)


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [("SECRET_KEY", "short", "Not started: secret_key takes 32 characters"), ("SITE", "nowhere", "Not started: ")],
)
def test_a_variable_that_the_sign_in_refuses_is_told(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, told: str
) -> None:
    monkeypatch.setenv(name, value)
    ended = subprocess.run([sys.executable, str(EXAMPLES / "discord_link.py")], capture_output=True, text=True)
    assert ended.returncode == 1
    assert told in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("WEBHOOK_SECRET", "", "set WEBHOOK_SECRET"),
        ("RBLXCLOUD_API_KEY", "", "set RBLXCLOUD_API_KEY"),
        ("ERASURE_CONFIG", "missing.toml", "write missing.toml, or name another file with ERASURE_CONFIG"),
        ("INBOX", "inbox.db", "Not started: the database cannot be opened"),
    ],
)
def test_what_the_erasure_program_lacks_is_told(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, told: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit, match=told):
        run("erasure_webhook.py")["from_environment"]()


def test_a_configuration_that_is_no_toml_is_told() -> None:
    Path("erasure.toml").write_text("universe: 13058")
    with pytest.raises(SystemExit, match=r"write erasure.toml.*line 1"):
        run("erasure_webhook.py")["from_environment"]()
