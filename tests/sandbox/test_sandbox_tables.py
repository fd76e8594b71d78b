"""The sandbox's rows: the migration makes what the code expects, and old ones go."""

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from pictures import png
from pretending import Stopwatch, World
from sqlalchemy import create_engine, func, select
from test_sandbox_x_media import one_shot, post_with

from amp.kit.database import Database, sqlalchemy_url
from amp.sandbox.retention import clear_before, forget_owner
from amp.sandbox.tables import accounts, metadata, upload_parts


def test_the_migration_makes_exactly_the_tables_of_the_code(database_url: str) -> None:
    engine = create_engine(sqlalchemy_url(database_url))
    options = {
        "include_schemas": True,
        "include_name": lambda name, kind, _: kind != "schema" or name == "sandbox",
        "compare_type": True,
    }
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, metadata) == []
    engine.dispose()


@pytest.mark.anyio
async def test_what_is_older_than_the_given_moment_is_cleared(
    world: World, stopwatch: Stopwatch, database: Database
) -> None:
    member = world.member("twitter")
    media_id = (await one_shot(member, png())).json()["data"]["id"]
    await post_with(member, media_id)
    stopwatch.advance(days=31)
    await member.post("/2/tweets", json={"text": "Fresh"})
    assert await clear_before(database, stopwatch.now()) >= 1
    assert [row["text"] for row in await world.ledger()] == ["Fresh"]
    async with database.connected() as connection:
        left = select(func.count()).select_from(upload_parts).where(upload_parts.c.owner == world.owner)
        assert (await connection.execute(left)).scalar_one() == 0


@pytest.mark.anyio
async def test_an_owners_world_can_begin_anew(world: World, database: Database) -> None:
    other = World(world.http)
    for one in (world, other):
        await one.member("twitter").post("/2/tweets", json={"text": "Hello"})
    await forget_owner(database, world.owner)
    assert await world.ledger() == []
    assert len(await other.ledger()) == 1
    async with database.connected() as connection:
        left = select(func.count()).select_from(accounts).where(accounts.c.owner == world.owner)
        assert (await connection.execute(left)).scalar_one() == 0
