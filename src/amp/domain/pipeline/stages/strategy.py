"""Strategy: pillars with their topics, and the plan of slots for the cycle's window.

The writer proposes pillars; the allocation decides which slot gets which platform, pillar, type and time.
"""

import hashlib
from datetime import datetime, timedelta
from itertools import cycle as endlessly
from typing import Any

from pydantic import BaseModel, Field
from sqlalchemy import delete, func, select

from amp.domain.missions.calendar import slots_between
from amp.domain.missions.models import Decision, Slot
from amp.domain.pipeline import planning
from amp.domain.pipeline.asking import Question, ask
from amp.domain.pipeline.port import Assignment
from amp.domain.pipeline.stages.stage import Cycle, finish, keep
from amp.domain.publishing.port import SocialPlatforms
from amp.engine.jobs import Job
from amp.engine.unit_of_work import UnitOfWork
from amp.kit.ids import new_id

_STANDSTILL = timedelta(days=1)


class PillarPlan(BaseModel):
    """One theme that the mission keeps coming back to."""

    name: str = Field(max_length=60, description="Two to four words")
    angle: str = Field(max_length=200, description="What this theme says that others do not")
    share: float = Field(gt=0, le=1, description="Share of all posts, between 0 and 1")
    topics: list[str] = Field(min_length=3, max_length=8, description="Concrete topics, at most 8 words each")
    example_hooks: list[str] = Field(min_length=1, max_length=3, description="Opening lines")


class StrategyPlan(BaseModel):
    summary: str = Field(max_length=400, description="The idea of the campaign in two sentences")
    pillars: list[PillarPlan] = Field(min_length=2, max_length=5)


async def run(job: Job, cycle: Cycle) -> None:
    plan = await _plan(job, cycle)
    async with job.unit() as uow:
        await _plan_slots(uow, job, cycle, plan)
        await finish(uow, cycle, "strategy")


async def _plan(job: Job, cycle: Cycle) -> dict[str, Any]:
    """The stored plan of this cycle, asked for if there is none yet."""
    if cycle.strategy:
        return cycle.strategy
    assignment = Assignment(
        stage="strategy",
        instructions="You plan social media campaigns. Propose few, distinct content pillars that serve the "
        "objectives, each with concrete topics. Never propose an excluded topic.",
        task=_task(cycle),
        answer=StrategyPlan,
        max_tokens=3000,
    )
    question = Question(cycle.mission_id, f"{cycle.job_id}/strategy")

    async def remember(uow: UnitOfWork, answer: StrategyPlan) -> None:
        await keep(uow, cycle, strategy=_stored(answer, cycle))

    return _stored(await ask(job, question, assignment, remember), cycle)


def _task(cycle: Cycle) -> str:
    brief, guidance = cycle.brief, cycle.guidance.get("summary")
    lines = [
        f"Campaign: {brief['name']}",
        f"About: {brief['description']}" if brief["description"] else "",
        "Objectives: " + "; ".join(brief["objectives"]),
        f"Voice: {brief['voice']}",
        "Platforms: " + ", ".join(cycle.platforms),
        "Excluded topics, never to be touched: " + "; ".join(cycle.constraints.excluded_topics)
        if cycle.constraints.excluded_topics
        else "",
        f"Cycle {cycle.number}.",
        f"What the last cycle taught: {guidance}" if guidance else "",
    ]
    return "\n".join(line for line in lines if line)


def _stored(plan: StrategyPlan, cycle: Cycle) -> dict[str, Any]:
    """The plan with shares that sum to 1 and pillar names that differ; versioned by its cycle."""
    pillars = {pillar.name: pillar for pillar in plan.pillars}
    total = sum(pillar.share for pillar in pillars.values())
    return {
        "version": cycle.number,
        "summary": plan.summary,
        "pillars": [pillar.model_dump() | {"share": round(pillar.share / total, 4)} for pillar in pillars.values()],
    }


async def _plan_slots(uow: UnitOfWork, job: Job, cycle: Cycle, plan: dict[str, Any]) -> None:
    """Write the window's slots, afresh if an earlier run did not get to its end."""
    await uow.change(delete(Slot).where(Slot.job_id == cycle.job_id))
    rhythm = cycle.constraints.rhythm(cycle.starts_at)
    moments = slots_between(rhythm, _first_moment(cycle, uow.clock.now()), cycle.window_end)
    capabilities = {name: job.ports.get(SocialPlatforms).capabilities(name) for name in cycle.platforms}
    observed = await planning.observations(uow, cycle)
    choices = planning.choose(cycle, rhythm, moments, plan, capabilities, observed, uow.clock.now(), _seed(cycle))
    highest = select(func.max(Slot.position)).where(Slot.mission_id == cycle.mission_id)
    position = (await uow.session.scalar(highest) or 0) + 1
    topics = {p["name"]: endlessly(_turned(p["topics"], cycle.number)) for p in plan["pillars"]}
    for offset, choice in enumerate(choices):
        uow.session.add(
            Slot(
                workspace_id=uow.workspace_id,
                id=new_id(),
                mission_id=cycle.mission_id,
                job_id=cycle.job_id,
                cycle=cycle.number,
                position=position + offset,
                publish_at=choice.at,
                platform=choice.platform,
                type=choice.type,
                pillar=choice.pillar,
                topic=next(topics[choice.pillar]),
                propensity=choice.propensity,
                expected_rate=choice.expected_rate,
            )
        )
    uow.session.add(_decision(uow, cycle, choices, learned=bool(observed)))


def _first_moment(cycle: Cycle, now: datetime) -> datetime:
    """Where the plan begins. After a long standstill it begins now: nobody wants days of posts at once."""
    return now if now - cycle.window_start > _STANDSTILL else cycle.window_start


def _decision(uow: UnitOfWork, cycle: Cycle, choices: list[planning.Planned], *, learned: bool) -> Decision:
    shares = planning.shares(choices)
    return Decision(
        workspace_id=uow.workspace_id,
        id=new_id(),
        mission_id=cycle.mission_id,
        cycle=cycle.number,
        what=f"Planned {len(choices)} posts for cycle {cycle.number}",
        why="Thompson sampling over what earlier posts earned" if learned else "No data yet: a balanced start",
        expected={"shares": shares, "engagement_rate": planning.expected_rate(choices)},
        made_at=uow.clock.now(),
    )


def _turned(topics: list[str], cycle_number: int) -> list[str]:
    """Every cycle begins with another topic, so that the first slots do not repeat the last cycle's."""
    start = (cycle_number - 1) % len(topics)
    return topics[start:] + topics[:start]


def _seed(cycle: Cycle) -> int:
    """A plan that is computed again comes out the same."""
    return int.from_bytes(hashlib.sha256(str(cycle.job_id).encode()).digest()[:8])
