"""A sandbox over an in-process transport for each test, and one behind a real socket where connections break.

Every test has an owner of its own, so nothing has to be cleaned up between them.
"""

import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx2
import psycopg
import pytest
from pretending import Stopwatch, World, mounted
from psycopg import sql
from shelf import Shelf

from amp.kit.database import Database, open_database
from amp.kit.fetching import Fetcher


@pytest.fixture
def stopwatch() -> Stopwatch:
    return Stopwatch()


@pytest.fixture(scope="session")
def sandbox_database_url(database_url: str) -> str:
    """Without waiting for the disk at every commit: what these tests write need not survive a power cut."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        name = sql.Identifier(connection.info.dbname)
        connection.execute(sql.SQL("ALTER DATABASE {} SET synchronous_commit = off").format(name))
    return database_url


@pytest.fixture
async def database(sandbox_database_url: str) -> AsyncIterator[Database]:
    database = open_database(sandbox_database_url, pool_size=5)
    yield database
    await database.close()


@pytest.fixture(scope="session")
def shelf() -> Iterator[Shelf]:
    """A web server with files on it, for vendors that fetch."""
    shelf = Shelf()
    yield shelf
    shelf.close()


@pytest.fixture
def fetcher(shelf: Shelf) -> Fetcher:
    return Fetcher(allow=[shelf.origin])


@pytest.fixture
async def world(database: Database, stopwatch: Stopwatch, fetcher: Fetcher) -> AsyncIterator[World]:
    transport = httpx2.ASGITransport(app=mounted(database, stopwatch, fetcher))
    async with httpx2.AsyncClient(transport=transport, base_url="http://sandbox.local") as http:
        yield World(http)


@pytest.fixture(scope="session")
def served_url(sandbox_database_url: str) -> Iterator[str]:
    """A granian of its own, as in production: one process, one worker, real time."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "granian", "--interface", "asgi", "--factory", "--no-ws", "served:create"]
    command += ["--port", str(port), "--log-level", "error", "--backpressure", "200"]
    here = Path(__file__).parent
    process = subprocess.Popen(command, cwd=here, env={**os.environ, "SANDBOX_DATABASE_URL": sandbox_database_url})
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_until_it_listens(port, process)
        yield url
    finally:
        process.terminate()
        process.wait(10)


def _wait_until_it_listens(port: int, process: subprocess.Popen[bytes]) -> None:
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=20).close()
        except ConnectionRefusedError:
            with contextlib.suppress(subprocess.TimeoutExpired):
                raise AssertionError(f"granian ended with {process.wait(timeout=0.02)}") from None
        else:
            return


@pytest.fixture
async def served(served_url: str) -> AsyncIterator[World]:
    async with httpx2.AsyncClient(base_url=served_url, timeout=20) as http:
        yield World(http)
