"""PostgreSQL and Redis, private to a test run: in a temporary directory, on a free port of loopback."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis
import sqlalchemy as sa

_ATTEMPTS = 200
_TICK = 0.05


def _program(name: str) -> str:
    """Return where a server's program is, or skip, naming it."""
    beside = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), reverse=True)
    found = str(beside[0]) if beside else shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed (Debian: apt-get install postgresql redis-server)")
    return found


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


@contextmanager
def _running(command: list[str], user: str | None) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(command, user=user, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        # On SIGTERM PostgreSQL would wait until the last client has left, which a test that failed may not have done.
        process.send_signal(signal.SIGINT)
        process.wait()


def _until_answered(process: subprocess.Popen[bytes], ask: object) -> None:
    for _ in range(_ATTEMPTS):
        if process.poll() is not None:
            break
        try:
            ask()  # type: ignore[operator]
        except (redis.RedisError, sa.exc.SQLAlchemyError):
            try:
                process.wait(_TICK)
            except subprocess.TimeoutExpired:
                continue
        else:
            return
    raise RuntimeError(f"{process.args} did not start")


@contextmanager
def postgresql() -> Iterator[str]:
    """Run a PostgreSQL server; yield its address for SQLAlchemy."""
    initdb, server = _program("initdb"), _program("postgres")
    # PostgreSQL refuses to run as root.
    user = "postgres" if os.geteuid() == 0 else None
    with tempfile.TemporaryDirectory(prefix="rblxcloud-postgresql-") as directory:
        data = Path(directory) / "data"
        if user is not None:
            shutil.chown(directory, user)
        initialize = [initdb, "-D", str(data), "-U", "rblxcloud", "--auth=trust", "--no-sync"]
        subprocess.run(initialize, user=user, check=True, capture_output=True, cwd=directory)
        port = _free_port()
        command = [server, "-D", str(data), "-h", "127.0.0.1", "-p", str(port), "-k", directory, "-c", "fsync=off"]
        url = f"postgresql+psycopg://rblxcloud@127.0.0.1:{port}/postgres"
        engine = sa.create_engine(url, poolclass=sa.NullPool)
        with _running(command, user) as process:
            _until_answered(process, lambda: engine.connect().close())
            yield url


@contextmanager
def redis_server() -> Iterator[str]:
    """Run a Redis server; yield its address."""
    program = _program("redis-server")
    port = _free_port()
    with tempfile.TemporaryDirectory(prefix="rblxcloud-redis-") as directory:
        command = [program, "--port", str(port), "--bind", "127.0.0.1", "--dir", directory, "--save", ""]
        url = f"redis://127.0.0.1:{port}/0"
        with _running(command, None) as process, redis.Redis.from_url(url) as client:
            _until_answered(process, client.ping)
            yield url
