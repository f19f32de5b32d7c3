"""What can be done with a checkout: `nox -l` lists it, `nox -s tests` does it."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import nox

PROJECT = nox.project.load_toml("pyproject.toml")["project"]

# pyenv's own commands find only the versions that are chosen for this directory.
PYENV = Path(os.environ.get("PYENV_ROOT", "~/.pyenv")).expanduser()
os.environ["PATH"] = os.pathsep.join([os.environ["PATH"], *map(str, sorted(PYENV.glob("versions/3.*/bin")))])

nox.needs_version = ">=2024.10"
nox.options.default_venv_backend = "venv"
nox.options.error_on_missing_interpreters = False
nox.options.sessions = ["tests", "lint", "types", "generate", "docs"]


@nox.session(python=["3.11", "3.12", "3.13"])
def tests(session: nox.Session) -> None:
    """Run the tests on every installed Python; what follows `--` goes to pytest."""
    install(session, "-e", ".[all]", "--group", "test")
    session.run("python", "-m", "pytest", "-n", "auto", *session.posargs)


@nox.session(name="minimum-deps", python="3.11")
def minimum_deps(session: nox.Session) -> None:
    """Run the tests with the oldest direct dependencies that pyproject.toml allows."""
    pins = Path(session.create_tmp()) / "oldest.txt"
    pins.write_text("\n".join(oldest_versions()))
    install(session, "-e", ".[all]", "--group", "test", "-c", str(pins))
    session.run("python", "-m", "pytest", "-n", "auto", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and formatting; with `-- --fix` put right what can be."""
    install(session, "--group", "lint")
    fix = "--fix" in session.posargs
    session.run("ruff", "check", *(["--fix"] if fix else []), ".")
    session.run("ruff", "format", *([] if fix else ["--check"]), ".")


@nox.session
def types(session: nox.Session) -> None:
    """Check the types with mypy and pyright, and that the public ones are complete."""
    install(session, "-e", ".[all]", "--group", "test")
    python = ("--pythonpath", f"{session.virtualenv.bin}/python")
    session.run("mypy")
    session.run("pyright", *python)
    session.run("pyright", *python, "--verifytypes", "rblxcloud", "--ignoreexternal")


@nox.session
def generate(session: nox.Session) -> None:
    """Check that what is generated is current; with `-- --write` write it again, formatted.

    The endpoint table is written from Roblox's document, which `RBLXCLOUD_OPENAPI` names.
    """
    install(session, "-e", ".", "--group", "lint")
    arguments = [] if "--write" in session.posargs else ["--check"]
    for generator in ("codegen.endpoints", "codegen.sync", "codegen.index"):
        session.run("python", "-m", generator, *arguments)


@nox.session
def docs(session: nox.Session) -> None:
    """Build the documentation into `site/`; with `-- --serve` show it while it is written."""
    install(session, "-e", ".", "--group", "docs")
    session.run("mkdocs", *(["serve"] if "--serve" in session.posargs else ["build", "--strict"]))


@nox.session
def bench(session: nox.Session) -> None:
    """Measure time and memory against bare clients; with `-- --docs docs` bring it into the documentation."""
    # Not the emulator: uvicorn brings click, with which httpx imports the whole of its command line.
    install(session, "-e", ".[cli,httpx2]", "rblx-open-cloud==2.3.0", "trio")
    session.run("python", "-m", "benchmarks", *session.posargs)


def install(session: nox.Session, *arguments: str) -> None:
    """Install with a pip that knows dependency groups, which the one that a new environment gets may not."""
    session.install("-U", "pip>=25.1")
    session.install(*arguments)


def oldest_versions() -> list[str]:
    """Return the lower bounds of the direct dependencies, as pins."""
    extras = PROJECT["optional-dependencies"].values()
    requirements = [*PROJECT["dependencies"], *(one for extra in extras for one in extra)]
    bounds = (re.fullmatch(r"([\w.-]+)(?:\[[\w,]+\])?>=([\d.]+).*", requirement) for requirement in requirements)
    return [f"{bound[1]}=={bound[2]}" for bound in bounds if bound]


if __name__ == "__main__":
    sys.exit("This is a file for nox: pip install nox && nox -l")
