"""A product with a fast clock, served on a real socket, and a world that shares its database and its sandbox."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from serving import SECRET, serving
from world import World, open_world

SPEED = 3000


@pytest.fixture(scope="session")
def served_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("served")


@pytest.fixture(scope="session")
def server(database_url: str, served_home: Path) -> Iterator[str]:
    with serving(database_url, served_home, clock_speed=SPEED) as url:
        yield url


@pytest.fixture
async def fast_world(server: str, database_url: str, served_home: Path) -> AsyncIterator[World]:
    """Its jobs and deliveries run in the test's own process; the sandbox it publishes to is the server's, and so is the
    place of its media."""
    async with open_world(database_url, served_home, clock_speed=SPEED, public_url=server, secret_key=SECRET) as world:
        yield world
