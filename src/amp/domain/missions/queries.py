"""Reads of missions: columns, not objects, and a fixed number of queries whatever the size."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import Row, Select, func, select

from amp.domain.content.models import Content
from amp.domain.missions.cycles import STAGES
from amp.domain.missions.models import Decision, Mission, PipelineJob, StageRun
from amp.domain.publishing.models import PlatformPost
from amp.engine.unit_of_work import UnitOfWork
from amp.kit.pagination import Cursor, Page, page_of, paged

WEIGHTS = {"intake": 5, "strategy": 15, "content": 40, "publish": 20, "analytics": 15, "optimize": 5}
"""What each stage is worth of a cycle's progress, in percent."""

_GENERATED = ("pending_review", "approved", "rejected", "scheduled", "publishing", "published", "failed", "cancelled")
_APPROVED = ("approved", "scheduled", "publishing", "published", "failed")


async def list_missions(
    uow: UnitOfWork, cursor: Cursor, *, status: str | None = None, platform: str | None = None
) -> Page[Row[Any]]:
    columns = (
        Mission.id,
        Mission.name,
        Mission.status,
        Mission.platforms,
        Mission.starts_at,
        Mission.ends_at,
        Mission.created_at,
    )
    query = cast("Select[Any]", select(*columns))
    if status:
        query = query.where(Mission.status == status)
    if platform:
        query = query.where(Mission.platforms.contains([platform]))
    total = await uow.session.scalar(select(func.count()).select_from(query.subquery()))
    rows = (await uow.session.execute(paged(query, Mission.id, cursor))).all()
    return page_of(rows, cursor, total or 0)


async def current_config_version(uow: UnitOfWork, mission: Mission) -> int | None:
    """The configuration that the current cycle works from; None before the first."""
    if mission.job_id is None:
        return None
    return await uow.session.scalar(select(PipelineJob.config_version).where(PipelineJob.id == mission.job_id))


@dataclass(frozen=True)
class PipelineStatus:
    job_id: UUID | None
    """None before the first cycle."""
    cycle: int
    status: str
    current_stage: str
    progress_percent: int
    stages: dict[str, dict[str, Any]]


_BEFORE_THE_FIRST = PipelineStatus(
    job_id=None,
    cycle=0,
    status="pending",
    current_stage=STAGES[0],
    progress_percent=0,
    stages={stage: {"status": "pending"} for stage in STAGES},
)


async def pipeline_status(uow: UnitOfWork, mission: Mission) -> PipelineStatus:
    """The stages of the current cycle with durations (virtual milliseconds), progress and errors."""
    if mission.job_id is None:
        return _BEFORE_THE_FIRST
    job = await uow.session.get_one(PipelineJob, (uow.workspace_id, mission.job_id))
    found = (await uow.session.execute(select(StageRun).where(StageRun.job_id == job.id))).scalars()
    runs = {run.stage: run for run in found}
    status = "paused" if mission.status == "paused" and job.status == "running" else job.status
    current = next((stage for stage in STAGES if runs[stage].status != "completed"), STAGES[-1])
    return PipelineStatus(
        job_id=job.id,
        cycle=job.cycle,
        status=status,
        current_stage=current,
        progress_percent=sum(WEIGHTS[stage] * runs[stage].progress_percent for stage in STAGES) // 100,
        stages={stage: _stage(runs[stage]) for stage in STAGES},
    )


def _stage(run: StageRun) -> dict[str, Any]:
    view: dict[str, Any] = {"status": run.status}
    if run.status == "completed" and run.started_at and run.finished_at:
        view["duration_ms"] = round((run.finished_at - run.started_at).total_seconds() * 1000)
    elif run.status != "pending":
        view["progress_percent"] = run.progress_percent
    if run.error:
        view["error"] = run.error
    return view


async def content_counts(uow: UnitOfWork, mission_id: UUID) -> dict[str, int]:
    """How far the mission's content has come. `generated` and `approved` count whatever came from there."""
    query = select(Content.status, func.count()).where(Content.mission_id == mission_id).group_by(Content.status)
    by_status = Counter({row[0]: row[1] for row in await uow.session.execute(query)})
    return {
        "generated": sum(by_status[status] for status in _GENERATED),
        "pending_review": by_status["pending_review"],
        "approved": sum(by_status[status] for status in _APPROVED),
        "published": by_status["published"],
        "scheduled": by_status["scheduled"],
        "rejected": by_status["rejected"],
        "failed": by_status["failed"],
        "needs_attention": by_status["needs_attention"],
    }


async def next_publish_at(uow: UnitOfWork, mission_id: UUID) -> datetime | None:
    """When the next scheduled item goes out; None while nothing is scheduled, or everything is held."""
    query = (
        select(func.min(PlatformPost.next_attempt_at))
        .join(Content, Content.platform_post_id == PlatformPost.id)
        .where(Content.mission_id == mission_id, Content.status == "scheduled")
    )
    return await uow.session.scalar(query)


async def strategies(uow: UnitOfWork, mission_id: UUID) -> list[dict[str, Any]]:
    """Every version of the strategy, newest first."""
    query = (
        select(PipelineJob.strategy)
        .where(PipelineJob.mission_id == mission_id, PipelineJob.strategy.is_not(None))
        .order_by(PipelineJob.cycle.desc())
    )
    return [strategy for strategy in (await uow.session.execute(query)).scalars() if strategy]


async def decisions(uow: UnitOfWork, mission_id: UUID, cursor: Cursor) -> Page[Decision]:
    query = select(Decision).where(Decision.mission_id == mission_id)
    total = await uow.session.scalar(select(func.count()).select_from(query.subquery()))
    rows = (await uow.session.execute(paged(query, Decision.id, cursor))).scalars().all()
    return page_of(rows, cursor, total or 0)
