"""One application for all tests of a file; and the product on a real socket, with its sandbox, for what a person does
at a vendor's consent page."""

from collections.abc import AsyncIterator, Iterator

import pytest

from serving import SECRET, serving
from world import World, open_world


@pytest.fixture(scope="module")
async def house(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    async with open_world(database_url, tmp_path_factory.mktemp("house")) as world:
        yield world


@pytest.fixture
async def world(house: World) -> AsyncIterator[World]:
    """A tenant for each test, in one application for all tests of a file."""
    mine = World(house.runtime, house.app, await house.new_tenant())
    yield mine
    for token in (mine.tenant.test_key, mine.tenant.live_key, None):
        await mine.client(token).aclose()


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
