"""People in browsers: in this process, and at the product on a real socket, where its sandbox has consent pages."""

from collections.abc import AsyncIterator, Iterator

import httpx2
import psycopg
import pytest
from browsing import Browser

from world import World, client_of, good, open_world


@pytest.fixture(autouse=True)
def from_many_addresses(database_url: str) -> Iterator[None]:
    """People of these tests sign in more often, and from one address, than any server would take for honest."""
    yield
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("DELETE FROM throttles WHERE key LIKE 'login:%'")


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
