"""People in browsers: in this process, and at the product on a real socket, where its sandbox has consent pages."""

from collections.abc import AsyncIterator, Iterator

import httpx2
import psycopg
import pytest
from browsing import Browser

from world import World, client_of, good


@pytest.fixture(autouse=True)
def from_many_addresses(database_url: str) -> Iterator[None]:
    """People of these tests sign in more often, and from one address, than any server would take for honest."""
    yield
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("DELETE FROM throttles WHERE key LIKE 'login:%'")


@pytest.fixture
async def stranger(world: World) -> AsyncIterator[Browser]:
    """Nobody has signed in."""
    async with client_of(world.app) as client:
        yield Browser(client)


@pytest.fixture
async def owner(world: World) -> AsyncIterator[Browser]:
    """The tenant's owner, signed in, in the test environment."""
    async with client_of(world.app) as client:
        browser = Browser(client)
        await browser.sign_in(world.tenant.email)
        yield browser


@pytest.fixture
async def person(server: str, served: World) -> AsyncIterator[Browser]:
    """The tenant's owner at the served product, in the test environment."""
    async with httpx2.AsyncClient(base_url=server, trust_env=False) as client:
        browser = Browser(client)
        await browser.sign_in(served.tenant.email)
        yield browser


@pytest.fixture
async def mine(person: Browser) -> AsyncIterator[str]:
    """The id of an empty platform set by the name Mine."""
    page = await person.open("/accounts")
    page = await person.press(page, "Make a set", name="Mine")
    (made,) = [one for one in good(await person.client.get("/api/platforms/sets"))["sets"] if one["name"] == "Mine"]
    yield made["id"]
    page = await person.open("/accounts")
    await person.press(page, "Delete Mine")
