"""Money is reserved before it is spent, and nobody spends the same cent twice."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from amp.domain.spend import operations as spend
from amp.domain.spend.port import Usage
from amp.engine.jobs import Job
from amp.kit.clock import real_now
from amp.kit.database import SYSTEM, Scope
from amp.kit.errors import OverBudget
from amp.kit.ids import new_id
from world import World

pytestmark = pytest.mark.anyio


def usage(micros: int) -> Usage:
    return Usage(
        provider="anthropic",
        model="a model",
        requests=1,
        input_tokens=10,
        cached_tokens=0,
        output_tokens=10,
        micros=micros,
        latency_ms=5,
    )


async def opened(world: World, limit: int | None) -> tuple[Scope, UUID]:
    scope, mission = await world.test_scope(), new_id()
    async with world.runtime.units.begin(scope) as uow:
        await spend.open_budget(uow, mission, limit)
    return scope, mission


async def reserved(world: World, scope: Scope, mission: UUID, subject: str, micros: int) -> UUID | None:
    async with world.runtime.units.begin(scope) as uow:
        try:
            return await spend.reserve(uow, mission, stage="content", subject=subject, micros=micros)
        except OverBudget:
            return None


async def committed(world: World, scope: Scope, mission: UUID) -> int:
    async with world.runtime.units.begin(scope) as uow:
        query = text("SELECT committed_micros FROM budgets WHERE mission_id = :mission")
        return int(await uow.session.scalar(query, {"mission": mission}) or 0)


async def test_of_twenty_that_race_for_half_of_the_money_just_ten_get_some(world: World) -> None:
    scope, mission = await opened(world, 1000)
    race = [reserved(world, scope, mission, f"item {number}", 100) for number in range(20)]
    won = [entry for entry in await asyncio.gather(*race) if entry]
    assert len(won) == 10
    assert await committed(world, scope, mission) == 1000


async def test_settling_gives_back_what_was_not_needed_and_counts_once(world: World) -> None:
    scope, mission = await opened(world, 1000)
    entry = await reserved(world, scope, mission, "item", 900)
    assert entry
    for _ in range(2):
        async with world.runtime.units.begin(scope) as uow:
            await spend.settle(uow, entry, usage(250))
    assert await committed(world, scope, mission) == 250


async def test_an_answer_that_was_lost_counts_as_spent(world: World) -> None:
    scope, mission = await opened(world, 1000)
    await reserved(world, scope, mission, "item", 600)
    assert await reserved(world, scope, mission, "item", 600) is None  # the first call may have cost all of it
    assert await reserved(world, scope, mission, "item", 400)
    async with world.runtime.units.begin(scope) as uow:
        assert await spend.spent(uow, mission) == 600


async def test_reservations_nobody_settles_are_assumed_spent_after_a_while(world: World) -> None:
    scope, mission = await opened(world, None)
    await reserved(world, scope, mission, "item", 70)
    runtime = world.runtime
    async with runtime.units.begin(scope) as uow:
        await uow.session.execute(
            text("UPDATE spend_entries SET reserved_at = :old"), {"old": real_now() - timedelta(hours=1)}
        )
    await spend.assume_lost(Job(units=runtime.units, ports=runtime.ports, scope=SYSTEM, attempt=0))
    async with runtime.units.begin(scope) as uow:
        assert await spend.spent(uow, mission) == 70
