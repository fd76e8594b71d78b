"""A product with a fast clock, served on a real socket, and a world that shares its database and its sandbox."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from serving import SECRET, serving
from world import World, open_world

SPEED = 3000


@pytest.fixture(scope="session")
def server(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(database_url, tmp_path_factory.mktemp("served"), clock_speed=SPEED) as url:
        yield url


@pytest.fixture
async def fast_world(server: str, database_url: str, tmp_path: Path) -> AsyncIterator[World]:
    """Its jobs and deliveries run in the test's own process; the sandbox it publishes to is the server's."""
    async with open_world(
        database_url, tmp_path, clock_speed=SPEED, sandbox_url=f"{server}/sandbox", secret_key=SECRET
    ) as world:
        yield world
