from collections.abc import AsyncIterator

import pytest
from workshop import Workshop, open_workshop

from switching import own


@pytest.fixture(scope="session")
def database_url(database_url: str) -> str:
    return own(database_url)


@pytest.fixture
async def workshop(database_url: str) -> AsyncIterator[Workshop]:
    async with open_workshop(database_url) as workshop:
        yield workshop
