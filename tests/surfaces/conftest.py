"""The product on a real socket, with its sandbox, and a world that shares its database: for what a person does at a
vendor's consent page."""

from collections.abc import AsyncIterator, Iterator

import pytest

from serving import SECRET, serving
from world import World, open_world


@pytest.fixture(scope="session")
def server(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(database_url, tmp_path_factory.mktemp("serving"), log_level="error") as url:
        yield url


@pytest.fixture(scope="module")
async def served(server: str, database_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """One tenant for all tests of a file: each works in a set of its own."""
    home = tmp_path_factory.mktemp("served")
    async with open_world(
        database_url, home, sandbox_url=f"{server}/sandbox", public_url=server, secret_key=SECRET
    ) as world:
        yield world
