from collections.abc import AsyncIterator

import pytest

from sites import Site, site


@pytest.fixture
async def ours() -> AsyncIterator[Site]:
    async with site() as served:
        yield served
