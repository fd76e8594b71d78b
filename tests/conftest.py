"""One PostgreSQL for the whole run, one migrated database for each test process."""

import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

from amp.kit.clock import Clock, RealClock
from amp.kit.database import Database, open_database
from amp.kit.postgres import start_embedded
from amp.kit.telemetry import configure_logging
from amp.migrations import runner
from world import World, open_world


@pytest.fixture(scope="session", autouse=True)
def logging() -> None:
    configure_logging(level="error", as_json=True)


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def postgres_url() -> str:
    """A server that may make databases: `AMP_TEST_DATABASE_URL`, else the embedded one."""
    given = os.environ.get("AMP_TEST_DATABASE_URL")
    if given:
        return given
    home = Path(tempfile.gettempdir()) / f"amp-tests-{os.getuid()}"
    home.mkdir(exist_ok=True)
    return start_embedded(home)


@pytest.fixture(scope="session")
def new_database_url(postgres_url: str, worker_id: str) -> Iterator[str]:
    """A fresh database, without tables."""
    name = f"amp_test_{worker_id}_{os.getpid()}"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')  # type: ignore[arg-type]
    yield urlunsplit(urlsplit(postgres_url)._replace(path=f"/{name}"))
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def database_url(new_database_url: str) -> str:
    """A fresh database with all migrations applied."""
    runner.upgrade(new_database_url)
    return new_database_url


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = open_database(database_url, pool_size=5)
    yield database
    await database.close()


@pytest.fixture
def clock() -> Clock:
    return RealClock()


@pytest.fixture
async def world(database_url: str, tmp_path: Path) -> AsyncIterator[World]:
    async with open_world(database_url, tmp_path) as world:
        yield world
