"""A person who connects accounts."""

from collections.abc import AsyncIterator, Iterator

import httpx2
import psycopg
import pytest

from dashboard import log_in
from world import World, good


@pytest.fixture(autouse=True)
def from_many_addresses(database_url: str) -> Iterator[None]:
    """All people of these tests log in from one address, which no server would take for honest."""
    yield
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("DELETE FROM throttles WHERE key LIKE 'login:address:%'")


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
