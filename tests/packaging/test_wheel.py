"""What is in the wheel, and what works of it where no extra is installed."""

from __future__ import annotations

import os
import subprocess
import sys
from configparser import ConfigParser
from email import message_from_string
from email.message import Message
from pathlib import Path
from zipfile import ZipFile

import pytest

import rblxcloud

ROOT = Path(__file__).parents[2]
EXTRAS = ("httpx2", "rich", "uvicorn", "sqlalchemy", "psycopg", "redis")
"""What only the extras install."""

HIDING_EXTRAS = f"""
import sys

class Hidden:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name in {EXTRAS!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Hidden)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built and unpacked."""
    directory = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(directory)]
    subprocess.run(build, cwd=ROOT, capture_output=True, check=True, timeout=60)
    (built,) = directory.glob("*.whl")
    with ZipFile(built) as archive:
        archive.extractall(directory / "unpacked")
    return directory / "unpacked"


@pytest.fixture(scope="module")
def metadata(wheel: Path) -> Message:
    return message_from_string(next(wheel.glob("*.dist-info/METADATA")).read_text())


def run(wheel: Path, code: str) -> subprocess.CompletedProcess[str]:
    """Run code on the unpacked wheel, as if no extra were installed."""
    environment = {**os.environ, "PYTHONPATH": str(wheel), "PYTHONWARNINGS": "error"}
    return subprocess.run(
        [sys.executable, "-P", "-c", HIDING_EXTRAS + code],
        cwd=wheel,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_it_holds_the_package_and_nothing_else(wheel: Path) -> None:
    assert {path.name for path in wheel.iterdir()} == {"rblxcloud", f"rblxcloud-{rblxcloud.__version__}.dist-info"}
    shipped = {str(path.relative_to(wheel)) for path in wheel.rglob("*") if path.is_file()}
    source = {str(path.relative_to(ROOT / "src")) for path in (ROOT / "src").rglob("*.py")}
    assert {name for name in shipped if name.startswith("rblxcloud/")} == source | {"rblxcloud/py.typed"}
    assert any(name.endswith("licenses/LICENSE") for name in shipped)


def test_its_commands_and_plugins_exist(wheel: Path) -> None:
    declared = ConfigParser()
    declared.read(next(wheel.glob("*.dist-info/entry_points.txt")))
    assert dict(declared["console_scripts"]) == {"rblxcloud": "rblxcloud.cli.__main__:main"}
    assert dict(declared["pytest11"]) == {"rblxcloud": "rblxcloud.testing.plugin"}
    code = "from rblxcloud.cli.__main__ import main; import rblxcloud.testing.plugin; print(main(['--help']))"
    assert "usage: rblxcloud" in run(wheel, code).stdout


def test_the_base_install_is_small_and_the_extras_are_named(metadata: Message) -> None:
    required = metadata.get_all("Requires-Dist") or []
    base = {requirement.split("<")[0].split(">")[0] for requirement in required if "extra ==" not in requirement}
    # cryptography comes with joserfc anyway.
    assert base == {"httpx", "anyio", "pydantic", "authlib", "joserfc", "cryptography"}
    assert set(metadata.get_all("Provides-Extra") or []) == {
        "cli",
        "emulator",
        "httpx2",
        "sql",
        "postgresql",
        "redis",
        "secrets",
        "fastapi",
        "all",
    }


def test_its_version_is_the_packages(metadata: Message) -> None:
    assert metadata["Version"] == rblxcloud.__version__


def test_it_works_without_extras(wheel: Path) -> None:
    code = """
import asyncio, httpx, rblxcloud, rblxcloud.sync
from rblxcloud.emulator import Emulator, EmulatorTransport

async def main():
    with Emulator() as emulator:
        async with httpx.AsyncClient(transport=EmulatorTransport(emulator)) as http_client:
            async with rblxcloud.Client("emulator-key", http_client=http_client) as client:
                store = client.experience(1).get_data_store("s")
                await store.set("k", 1)
                print((await store.get("k")).value, rblxcloud.__file__)

asyncio.run(main())
"""
    result = run(wheel, code)
    assert result.returncode == 0, result.stderr
    assert result.stdout.split() == ["1", str(wheel / "rblxcloud" / "__init__.py")]


@pytest.mark.parametrize(("command", "extra"), [("demo", "cli,emulator"), ("emulator", "emulator")])
def test_a_command_that_lacks_its_extra_names_it(wheel: Path, command: str, extra: str) -> None:
    result = run(wheel, f"from rblxcloud.cli.__main__ import main; sys.exit(main([{command!r}]))")
    assert result.returncode == 2
    assert f"pip install 'rblxcloud[{extra}]'" in result.stderr
    assert "Traceback" not in result.stderr


def test_the_emulators_server_names_its_extra(wheel: Path) -> None:
    code = """
from rblxcloud.emulator import Emulator, serve
with Emulator() as emulator, serve(emulator):
    pass
"""
    result = run(wheel, code)
    assert "pip install 'rblxcloud[emulator]'" in result.stderr.splitlines()[-1]
