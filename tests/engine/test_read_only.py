"""A database that takes no writes for a while, as after a failover, is away like any other: nobody is told that
something of ours broke, and nothing has to be started again afterwards."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import pytest
from sqlalchemy import text

from amp.domain.connections.port import SandboxAccounts
from amp.kit.database import SYSTEM, Database, reachable
from amp.kit.errors import Unavailable
from switching import read_only
from world import World, until

pytestmark = pytest.mark.anyio

Write = Callable[[Database], Awaitable[Any]]
_HOLD = text(
    "INSERT INTO holds (environment, platform, scope, until, reason) "
    "VALUES ('test', 'nobody', 'app', now(), '') ON CONFLICT DO NOTHING RETURNING 1 AS one"
)


async def by_session(database: Database) -> None:
    async with database.transaction(SYSTEM) as session:
        await session.execute(_HOLD)


async def by_the_driver(database: Database) -> None:
    async with database.begin(SYSTEM) as transaction:
        await transaction.rows(_HOLD, {})


async def at_once(database: Database) -> None:
    await database.system_rows(_HOLD, {})


async def briefly(database: Database) -> None:
    await database.system_briefly(_HOLD, {})


async def succeeds(database: Database, write: Write) -> bool:
    with suppress(Unavailable):
        await write(database)
        return True
    return False


@pytest.mark.parametrize("write", [by_session, by_the_driver, at_once, briefly, reachable])
async def test_it_is_away_while_it_takes_no_writes_and_back_by_itself(
    database: Database, database_url: str, write: Write
) -> None:
    await write(database)
    with read_only(database_url):
        for _ in range(3):
            with pytest.raises(Unavailable):
                await write(database)
    await until(lambda: succeeds(database, write), seconds=5)
    await write(database)


async def test_requests_are_answered_with_503_meanwhile(world: World, database_url: str) -> None:
    post = {"content": {"text": "Hello"}}
    workspace = (await world.test_scope()).workspace_id
    assert workspace
    account = world.runtime.ports.get(SandboxAccounts).issue("linkedin", workspace)
    vendor = world.client(account.access_token.get_secret_value())
    with read_only(database_url):
        for client, path in ((world.test, "/api/v1/posts"), (vendor, "/sandbox/linkedin/rest/posts")) * 2:
            assert (await client.post(path, json=post)).status_code == 503, path
        ready = await world.client().get("/readyz")
        assert (ready.status_code, ready.json()["checks"]["database"]) == (503, False)

    async def answers() -> bool:
        return (await world.test.post("/v1/missions", json={})).status_code != 503

    await until(answers, seconds=5)
