"""Test data do not last, live data do."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from amp.domain.missions.clearing import clear_test_data
from amp.engine.jobs import Job
from amp.kit.database import SYSTEM
from world import World

pytestmark = pytest.mark.anyio

DRAFT = {"name": "Old", "objectives": ["Be heard"], "platforms": ["twitter"], "duration_days": 7}


async def test_old_test_missions_are_forgotten_and_live_or_active_ones_are_not(world: World) -> None:
    runtime = world.runtime
    await world.post("/v1/missions", DRAFT)
    await world.post("/v1/missions", DRAFT | {"name": "At work", "start_immediately": True})
    await world.live.post("/v1/missions", json=DRAFT | {"name": "Live"})
    async with runtime.units.begin(SYSTEM) as uow:
        old = uow.clock.now() - timedelta(days=runtime.settings.test_data_days + 1)
        await uow.session.execute(text("UPDATE missions SET updated_at = :old"), {"old": old})
    await world.post("/v1/missions", DRAFT | {"name": "New"})
    await clear_test_data(Job(units=runtime.units, ports=runtime.ports, scope=SYSTEM, attempt=0))
    assert [mission["name"] for mission in (await world.get("/v1/missions"))["data"]] == ["New", "At work"]
    assert (await world.live.get("/v1/missions")).json()["total"] == 1
