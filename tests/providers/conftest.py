"""A sandbox on a real socket, shared by the tests of one process; every test has an owner of its own in it."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from uuid import uuid4

import httpx2
import pytest
from courier import Owner, Sandbox, connected
from sandbox_server import shared_clock
from standing import sandbox_process

from amp.providers.discovery import Social

SPEED = "600"
"""Virtual seconds in a real one: a listing that lags by 20 s is up to date after 33 ms."""


@pytest.fixture(scope="session")
def sandbox(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    anchor = datetime.now(UTC)
    log = tmp_path_factory.mktemp("sandbox") / "log"
    with sandbox_process(database_url, log, anchor=anchor, speed=SPEED) as url:
        yield Sandbox(url, shared_clock(anchor.isoformat(), SPEED))


@pytest.fixture
async def owner(sandbox: Sandbox) -> AsyncIterator[Owner]:
    name = f"owner-{uuid4().hex}"
    async with httpx2.AsyncClient(base_url=sandbox.url, headers={"Authorization": f"Bearer {name}"}) as http:
        yield Owner(name, sandbox, http)


@pytest.fixture
async def social(owner: Owner) -> AsyncIterator[Social]:
    social = connected(owner, owner.sandbox.url)
    yield social
    await social.aclose()
