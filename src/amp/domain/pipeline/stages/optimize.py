"""Optimize: what the cycle taught becomes insights and guidance, is compared with what was expected, and the
next cycle begins."""

from typing import Any

from sqlalchemy import select

from amp.domain.analytics import learning
from amp.domain.analytics.metrics import rewards_per_impression
from amp.domain.analytics.watched import targets
from amp.domain.missions import cycles
from amp.domain.missions import operations as missions
from amp.domain.missions.models import Decision
from amp.domain.missions.port import MissionRules
from amp.domain.pipeline import planning
from amp.domain.pipeline.stages.stage import Cycle, finish, keep
from amp.engine.jobs import Job
from amp.engine.unit_of_work import UnitOfWork


async def run(job: Job, cycle: Cycle) -> None:
    async with job.unit() as uow:
        observed = await planning.observations(uow, cycle)
        per_impression = rewards_per_impression(targets(cycle.mission))
        insights = await learning.write_insights(
            uow, cycle.mission_id, cycle.number, observed, per_impression=per_impression
        )
        await _compare(uow, cycle)
        await keep(uow, cycle, guidance={"summary": " ".join(insights)})
        await finish(uow, cycle, "optimize")
        if not cycle.is_last:
            await _next(uow, job, cycle, insights)


async def _next(uow: UnitOfWork, job: Job, cycle: Cycle, insights: list[str]) -> None:
    mission = await missions.get_mission(uow, cycle.mission_id, lock=True)
    if mission.status != "active" or mission.job_id != cycle.job_id:
        return
    rules = job.ports.get(MissionRules)
    opened = await cycles.open_cycle(
        uow, mission, number=cycle.number + 1, start=cycle.window_end, days=rules.cycle_days
    )
    words: dict[str, Any] = {"excluded_words": cycle.brief.get("excluded_words", {})}
    opened.brief, opened.guidance = words, {"summary": " ".join(insights)}


async def _compare(uow: UnitOfWork, cycle: Cycle) -> None:
    """Hold what was decided for this cycle against what came of it."""
    query = select(Decision).where(Decision.mission_id == cycle.mission_id, Decision.cycle == cycle.number)
    outcome = await learning.outcome_of(uow, cycle.mission_id, since=cycle.window_start)
    for decision in (await uow.session.execute(query)).scalars():
        decision.outcome = outcome
