"""What the package imports, and when: arrows go downwards, and nothing heavy comes along unasked."""

from __future__ import annotations

import ast
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

import rblxcloud

SOURCE = Path(rblxcloud.__file__).parent

# From the bottom up; a room imports only rooms below it, and its own.
ROOMS = [
    "types",
    "errors",
    "config",
    "sql",
    "endpoints",
    "runtime",
    "http",
    "pagination",
    "operation_state",
    "operation",
    "resources",
    "webhooks",
    "client",
    "oauth2",
    "sync",
    "integrations",
]
ABOVE_ALL = {"cli", "testing", "__init__"}
EMULATOR_MAY = {"emulator", "endpoints", "types"}
HTTPX_MAY = {"runtime", "emulator", "testing"}


def imports(path: Path) -> set[str]:
    """Every module that a file names, wherever in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
            names |= {f"{node.module}.{alias.name}" for alias in node.names if node.module == "rblxcloud"}
    return names


def room_of(module: str) -> str:
    return module.split(".")[1] if "." in module else "__init__"


FILES = sorted(SOURCE.rglob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_arrows_go_downwards(path: Path) -> None:
    relative = path.relative_to(SOURCE)
    room = relative.parts[0].removesuffix(".py")
    used = {room_of(name) for name in imports(path) if name.startswith("rblxcloud.")}
    if room in ABOVE_ALL:
        return
    if room == "sync":
        used -= {name for name in used if name[0].isupper() or name in ("__init__", "__version__")}
    if room == "emulator":
        assert used <= EMULATOR_MAY
        return
    allowed = set(ROOMS[: ROOMS.index(room) + 1]) | ({"__init__"} if room == "sync" else set())
    assert used <= allowed, used - allowed


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_httpx_is_known_in_few_rooms(path: Path) -> None:
    room = path.relative_to(SOURCE).parts[0]
    if room not in HTTPX_MAY:
        assert not {name.split(".")[0] for name in imports(path)} & {"httpx", "httpx2", "httpcore"}


def modules_after(code: str) -> set[str]:
    script = f"import sys; {code}; print(*sys.modules)"
    return set(
        subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    )


def test_importing_the_package_brings_no_extra_along() -> None:
    # Not ours to decide: httpcore loads trio, and httpx's command line click and rich, where they are installed.
    loaded = modules_after("import rblxcloud, rblxcloud.sync")
    assert not loaded & {
        "uvicorn",
        "httpx2",
        "authlib",
        "joserfc",
        "sqlalchemy",
        "redis",
        "fastapi",
        "itsdangerous",
        "nacl",
        "rblxcloud.integrations",
        "rblxcloud.emulator",
        "rblxcloud.cli",
    }


def test_the_pytest_plugin_imports_nothing_until_a_fixture_is_used() -> None:
    (entry_point,) = entry_points(group="pytest11", name="rblxcloud")
    brought = modules_after(f"import pytest, {entry_point.value}") - modules_after("import pytest")
    assert brought == {"rblxcloud", "rblxcloud.testing", "rblxcloud.testing.plugin"}


def test_importing_the_package_loads_nothing_before_a_name_is_asked_for() -> None:
    assert not {name for name in modules_after("import rblxcloud") if name.startswith("rblxcloud.")}
    assert "rblxcloud.client" in modules_after("from rblxcloud import Client")


def test_every_public_name_is_there_in_both_packages() -> None:
    import rblxcloud.sync

    missing = [name for name in rblxcloud.__all__ if not hasattr(rblxcloud, name) or not hasattr(rblxcloud.sync, name)]
    assert not missing
    assert "py.typed" in {path.name for path in SOURCE.iterdir()}
