"""The product on a real socket, with its sandbox, and a world that shares its database: for what a person does at a
vendor's consent page."""

from collections.abc import AsyncIterator, Iterator

import httpx2
import psycopg
import pytest

from dashboard import log_in
from serving import SECRET, serving
from world import World, good, open_world


@pytest.fixture(autouse=True)
def from_many_addresses(database_url: str) -> Iterator[None]:
    """All people of these tests log in from one address, which no server would take for honest."""
    yield
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("DELETE FROM throttles WHERE key LIKE 'login:address:%'")


@pytest.fixture(scope="session")
def server(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(database_url, tmp_path_factory.mktemp("connecting"), log_level="error") as url:
        yield url


@pytest.fixture(scope="module")
async def served(server: str, database_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """One tenant for all tests of a file: each works in a set of its own."""
    home = tmp_path_factory.mktemp("served")
    async with open_world(
        database_url, home, sandbox_url=f"{server}/sandbox", public_url=server, secret_key=SECRET
    ) as world:
        yield world


@pytest.fixture(scope="module")
async def person(server: str, served: World) -> AsyncIterator[httpx2.AsyncClient]:
    """The tenant's owner in a browser, in the test environment."""
    async with httpx2.AsyncClient(base_url=server, trust_env=False) as client:
        await log_in(client, served.tenant.email, environment="test")
        yield client


@pytest.fixture
async def mine(person: httpx2.AsyncClient) -> AsyncIterator[str]:
    """An empty platform set."""
    made = good(await person.post("/api/platforms/sets", json={"name": "Mine"}))["set"]["id"]
    yield made
    await person.delete(f"/api/platforms/sets/{made}")
