"""A worker goes through whatever the database does, and nothing that a vendor has answered is forgotten meanwhile."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx2
import psycopg
import pytest
from sqlalchemy import text

from amp.domain.publishing import operations as publishing
from amp.domain.publishing.claiming import Room, Terms, claim_due
from amp.domain.publishing.operations import Draft, Target
from amp.domain.publishing.outcomes import Outcomes
from amp.domain.publishing.port import Done
from amp.domain.publishing.recording import Log, Recorder
from amp.engine.recovery import worker_alive
from amp.kit.database import SYSTEM, SYSTEM_ROLE
from amp.kit.errors import Unavailable
from serving import SECRET
from switching import own, read_only
from world import World, good, open_world, until

pytestmark = pytest.mark.anyio
HEARTBEAT = 0.5
DONE = Done("1", "https://example.com/1")


@pytest.fixture
async def quick_world(server: str, database_url: str, served_home: Path) -> AsyncIterator[World]:
    """Its workers are missed after two seconds; the clock is the server's."""
    settings = {"clock_speed": 3000, "public_url": server, "secret_key": SECRET, "heartbeat_seconds": HEARTBEAT}
    async with open_world(own(database_url), served_home, **settings) as world:
        yield world


@asynccontextmanager
async def working(world: World) -> AsyncGenerator[None]:
    stop = asyncio.Event()
    worker = asyncio.create_task(world.runtime.worker().run(stop))
    try:
        await until(lambda: alive(world))
        yield
    finally:
        stop.set()
        await worker


async def alive(world: World) -> bool:
    with suppress(Unavailable):
        return await worker_alive(world.runtime.database, world.runtime.heartbeats)
    return False


async def dead(world: World) -> bool:
    """It can be asked, and says so."""
    with suppress(Unavailable):
        return not await worker_alive(world.runtime.database, world.runtime.heartbeats)
    return False


async def publish(world: World, words: str) -> UUID:
    workspace = await world.test_scope()
    async with world.runtime.units.begin(workspace) as uow:
        draft = Draft({"linkedin": Target((words,))}, words, scheduled_for=uow.clock.now())
        return (await publishing.create_post(uow, draft)).id


async def is_published(world: World, post_id: UUID) -> bool:
    async with world.runtime.units.begin(await world.test_scope()) as uow:
        query = text("SELECT status FROM posts WHERE id = :id")
        return await uow.session.scalar(query, {"id": post_id}) == "published"


async def ledger(world: World, server: str) -> list[str]:
    async with httpx2.AsyncClient(base_url=server, trust_env=False) as client:
        headers = {"Authorization": f"Bearer {world.tenant.test_key}"}
        return [entry["text"] for entry in good(await client.get("/sandbox/_ledger", headers=headers))["data"]]


async def asked_until_it_answers(work: Any) -> Any:
    async def ask() -> Any:
        with suppress(Unavailable):
            return [await work()]
        return None

    return (await until(ask))[0]


async def test_publishing_goes_on_after_a_database_that_took_no_writes(
    quick_world: World, server: str, database_url: str
) -> None:
    words = uuid4().hex
    async with working(quick_world):
        with read_only(database_url):
            await until(lambda: dead(quick_world))
        await until(lambda: alive(quick_world))
        post = await asked_until_it_answers(lambda: publish(quick_world, words))
        await until(lambda: is_published(quick_world, post))
    assert (await ledger(quick_world, server)).count(words) == 1


async def test_an_error_that_nobody_foresaw_stops_publishing_only_while_it_lasts(
    quick_world: World, database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The dispatcher may not read one of its tables: it is told, and seen from outside, and over by itself."""
    async with working(quick_world):
        async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as owner:
            await owner.execute(f"REVOKE SELECT ON holds FROM {SYSTEM_ROLE}")  # type: ignore[arg-type]
            try:
                await until(lambda: dead(quick_world))
            finally:
                await owner.execute(f"GRANT SELECT ON holds TO {SYSTEM_ROLE}")  # type: ignore[arg-type]
        await until(lambda: alive(quick_world))
        post = await publish(quick_world, uuid4().hex)
        await until(lambda: is_published(quick_world, post))
    told = [record.getMessage() for record in caplog.records if "a loop of the worker died" in record.getMessage()]
    assert len(told) == 1
    assert "permission denied for table holds" in told[0]
    assert "Traceback" in told[0]


async def test_what_a_vendor_answered_is_kept_until_the_database_takes_writes_again(
    quick_world: World, database_url: str
) -> None:
    world = quick_world
    units = world.runtime.units
    async with units.begin(SYSTEM) as uow:
        await uow.session.execute(text("UPDATE platform_posts SET next_attempt_at = NULL, intent_at = NULL"))
    post = await publish(world, uuid4().hex)
    (claimed,), _ = await claim_due(units, Terms(timedelta(days=1), timedelta(minutes=1)), Room(9, 9, {}))
    outcomes = Outcomes(units, Log(Recorder(units), claimed), claimed)
    with read_only(database_url):
        telling = asyncio.create_task(outcomes.record(DONE))
        refused = asyncio.create_task(outcomes.must_reconnect())
        await asyncio.wait({telling, refused}, timeout=1.5)
        assert not telling.done()
        assert not refused.done()
    assert await refused is True
    await telling
    assert await asked_until_it_answers(lambda: is_published(world, post))
