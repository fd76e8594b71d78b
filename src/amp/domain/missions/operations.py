"""Missions: created, changed, started, paused, resumed, completed, deleted.

    draft ─ start ─> active ─ ends_at passes ─> completed
      │               │  ^ │
      │         pause │  │ └─ a stage gives up ─> failed
      │               v  │ resume                   │ resume
      └─ delete     paused <────────────────────────┘ (to active)

Pausing pushes nothing: it sets a state that every stage reads before acting, and holds what is scheduled.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select

from amp.domain.connections import operations as connections
from amp.domain.missions import cycles, queue
from amp.domain.missions.calendar import slots_between
from amp.domain.missions.draft import (
    Constraints,
    Kpi,
    MissionDraft,
    check_constraints,
    check_draft,
    check_duration,
    check_kpis,
    check_name,
    check_objectives,
)
from amp.domain.missions.messages import CompleteMission, StartMission
from amp.domain.missions.models import Mission
from amp.domain.publishing.horizon import require_near
from amp.domain.spend import operations as spend
from amp.engine.unit_of_work import UnitOfWork
from amp.kit.errors import Conflict, Invalid, NotFound
from amp.kit.ids import new_id


async def create_mission(
    uow: UnitOfWork, draft: MissionDraft, *, known_platforms: Sequence[str], cycle_days: int
) -> Mission:
    """Store a mission, and start it in the same transaction if it is to start at once.

    Errors: Invalid naming the first wrong field; also when it starts at once without an active account.
    """
    check_draft(draft, known_platforms)
    now = uow.clock.now()
    if draft.starts_at and draft.start_immediately:
        raise Invalid("Use starts_at or start_immediately, not both", param="starts_at")
    if draft.starts_at and draft.starts_at <= now:
        raise Invalid("starts_at has passed. Use start_immediately to start now", param="starts_at")
    if draft.starts_at:
        require_near(uow, draft.starts_at, "starts_at")
    mission = Mission(
        workspace_id=uow.workspace_id,
        id=new_id(),
        name=draft.name.strip(),
        description=draft.description,
        status="draft",
        objectives=list(draft.objectives),
        platforms=list(draft.platforms),
        constraints=stored_constraints(draft.constraints),
        kpis=[asdict(kpi) for kpi in draft.kpis],
        duration_days=draft.duration_days,
        starts_at=draft.starts_at,
        ends_at=draft.starts_at + timedelta(days=draft.duration_days) if draft.starts_at else None,
        config_version=1,
        paused_seconds=0,
        created_at=now,
        updated_at=now,
    )
    uow.session.add(mission)
    await uow.session.flush()
    await spend.open_budget(uow, mission.id, draft.constraints.budget_micros)
    if draft.start_immediately:
        await start(uow, mission, cycle_days=cycle_days, now=now)
    elif draft.starts_at:
        message = StartMission(workspace_id=uow.workspace_id, mission_id=mission.id)
        await uow.defer(message, at=draft.starts_at)
    return mission


async def start(uow: UnitOfWork, mission: Mission, *, cycle_days: int, now: datetime | None = None) -> None:
    """Begin now. Errors: Conflict unless it is a draft; Invalid when a platform has no active account."""
    if mission.status != "draft":
        raise Conflict(f"A mission that is {mission.status} cannot be started")
    await connections.resolve(uow, (await connections.default_set(uow)).id, mission.platforms)
    now = now or uow.clock.now()
    mission.status, mission.failure, mission.updated_at = "active", None, now
    starts_at = min(mission.starts_at, now) if mission.starts_at else now
    mission.starts_at, mission.ends_at = starts_at, starts_at + timedelta(days=mission.duration_days)
    await cycles.open_cycle(uow, mission, number=1, start=starts_at, days=cycle_days)
    await _complete_at_the_end(uow, mission)


async def update_mission(uow: UnitOfWork, mission_id: UUID, changes: Mapping[str, Any]) -> Mission:
    """Change what may be changed; `constraints` merge field by field.

    Name and description hold at once, KPIs at the next optimisation, the duration moves the end, objectives
    and constraints are read at the next cycle. Errors: NotFound; Invalid naming the field; Conflict when it is over.
    """
    mission = await get_mission(uow, mission_id, lock=True)
    if mission.status == "completed":
        raise Conflict("A completed mission cannot be changed")
    if "name" in changes:
        check_name(changes["name"])
        mission.name = changes["name"].strip()
    if "description" in changes:
        mission.description = changes["description"]
    if "kpis" in changes:
        kpis = [Kpi(**kpi) for kpi in changes["kpis"]]
        check_kpis(kpis, mission.platforms)
        mission.kpis = [asdict(kpi) for kpi in kpis]
    await _change_plan(uow, mission, changes)
    if "duration_days" in changes:
        await _change_duration(uow, mission, changes["duration_days"])
    mission.updated_at = uow.clock.now()
    return mission


async def _change_plan(uow: UnitOfWork, mission: Mission, changes: Mapping[str, Any]) -> None:
    if "objectives" in changes:
        check_objectives(changes["objectives"])
        mission.objectives = list(changes["objectives"])
    if "constraints" in changes:
        merged = constraints_of(mission.constraints | dict(changes["constraints"]))
        check_constraints(merged)
        mission.constraints = stored_constraints(merged)
        await spend.set_limit(uow, mission.id, merged.budget_micros)
    if ("objectives" in changes or "constraints" in changes) and mission.status != "draft":
        mission.config_version += 1


async def _change_duration(uow: UnitOfWork, mission: Mission, days: int) -> None:
    check_duration(days)
    mission.duration_days = days
    if mission.starts_at is None:
        return
    ends_at = mission.starts_at + timedelta(days=days, seconds=mission.paused_seconds)
    if mission.status != "draft" and ends_at <= uow.clock.now():
        raise Invalid("The mission has already run longer than that", param="duration_days")
    mission.ends_at = ends_at
    if mission.status == "active":
        await _complete_at_the_end(uow, mission)


async def pause(uow: UnitOfWork, mission_id: UUID) -> Mission:
    """Stop everything, at once and until resumed. Pausing twice is pausing once.

    Errors: NotFound; Conflict unless it is active.
    """
    mission = await get_mission(uow, mission_id, lock=True)
    if mission.status == "paused":
        return mission
    if mission.status != "active":
        raise Conflict(f"A mission that is {mission.status} cannot be paused")
    now = uow.clock.now()
    mission.status, mission.paused_at, mission.updated_at = "paused", now, now
    await queue.hold(uow, mission)
    return mission


async def resume(uow: UnitOfWork, mission_id: UUID) -> Mission:
    """Go on where it stopped; the end moves by the pause, and what was missed moves forward.

    Resuming an active mission changes nothing. Errors: NotFound; Conflict for a draft or a completed one.
    """
    mission = await get_mission(uow, mission_id, lock=True)
    if mission.status == "active":
        return mission
    if mission.status not in ("paused", "failed"):
        raise Conflict(f"A mission that is {mission.status} cannot be resumed")
    now = uow.clock.now()
    if mission.paused_at and mission.ends_at:
        away = now - mission.paused_at
        mission.ends_at += away
        mission.paused_seconds += round(away.total_seconds())
        await cycles.extend(uow, mission, away)
    mission.status, mission.paused_at, mission.failure, mission.updated_at = "active", None, None, now
    await queue.catch_up(uow, mission)
    await cycles.go_on(uow, mission)
    await _complete_at_the_end(uow, mission)
    return mission


async def fail(uow: UnitOfWork, mission_id: UUID, failure: Mapping[str, Any]) -> None:
    """A stage gave up: stop, keep what exists, say why and what to do. Resuming tries again."""
    mission = await get_mission(uow, mission_id, lock=True)
    if mission.status == "active":
        now = uow.clock.now()
        mission.status, mission.failure, mission.updated_at = "failed", dict(failure), now
        mission.paused_at = now


async def delete_mission(uow: UnitOfWork, mission_id: UUID) -> None:
    """The mission and all its content go; what is published stays on the platforms.

    Errors: NotFound; Conflict while it is active, or while a post of it is on its way.
    """
    mission = await get_mission(uow, mission_id, lock=True)
    if mission.status == "active":
        raise Conflict("Cannot delete active mission. Pause or complete it first.")
    await queue.withdraw(uow, mission)
    await uow.session.delete(mission)


async def get_mission(uow: UnitOfWork, mission_id: UUID, *, lock: bool = False) -> Mission:
    query = select(Mission).where(Mission.id == mission_id)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    mission = (await uow.session.execute(query)).scalar_one_or_none()
    if mission is None:
        raise NotFound("Mission not found")
    return mission


async def names_of(uow: UnitOfWork, mission_ids: Collection[UUID]) -> dict[UUID, str]:
    rows = await uow.session.execute(select(Mission.id, Mission.name).where(Mission.id.in_(mission_ids)))
    return {row.id: row.name for row in rows}


def estimated_posts(mission: Mission, *, now_if_unscheduled: datetime) -> int:
    """How many slots the mission's calendar has from its start to its end."""
    starts_at = mission.starts_at or now_if_unscheduled
    rhythm = constraints_of(mission.constraints).rhythm(starts_at)
    return len(slots_between(rhythm, starts_at, starts_at + timedelta(days=mission.duration_days)))


def constraints_of(stored: Mapping[str, Any]) -> Constraints:
    fields = dict(stored)
    for name in ("posting_times", "excluded_topics"):
        if name in fields:
            fields[name] = tuple(fields[name])
    return Constraints(**fields)


def stored_constraints(constraints: Constraints) -> dict[str, Any]:
    fields = asdict(constraints)
    return {name: list(value) if isinstance(value, tuple) else value for name, value in fields.items()}  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]


async def _complete_at_the_end(uow: UnitOfWork, mission: Mission) -> None:
    message = CompleteMission(workspace_id=uow.workspace_id, mission_id=mission.id)
    await uow.defer(message, at=mission.ends_at)
