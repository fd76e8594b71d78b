"""What all stages share: the cycle they work on, and how a stage ends."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import update

from amp.domain.missions import cycles
from amp.domain.missions import operations as missions
from amp.domain.missions.draft import Constraints
from amp.domain.missions.models import Mission, PipelineJob, StageRun
from amp.engine.unit_of_work import UnitOfWork


@dataclass(frozen=True)
class Cycle:
    """One cycle of an active mission, as it stood when the run began."""

    mission_id: UUID
    job_id: UUID
    number: int
    window_start: datetime
    window_end: datetime
    starts_at: datetime
    ends_at: datetime
    name: str
    platforms: tuple[str, ...]
    constraints: Constraints
    kpis: tuple[dict[str, Any], ...]
    brief: dict[str, Any]
    strategy: dict[str, Any]
    guidance: dict[str, Any]
    mission: Mission
    job: PipelineJob

    @classmethod
    def of(cls, mission: Mission, job: PipelineJob) -> "Cycle":
        start = mission.starts_at or job.window_start
        return cls(
            mission_id=mission.id,
            job_id=job.id,
            number=job.cycle,
            window_start=job.window_start,
            window_end=job.window_end,
            starts_at=start,
            ends_at=mission.ends_at or job.window_end,
            name=mission.name,
            platforms=tuple(mission.platforms),
            constraints=missions.constraints_of((job.brief or {}).get("constraints", mission.constraints)),
            kpis=tuple(mission.kpis),
            brief=job.brief or {},
            strategy=job.strategy or {},
            guidance=job.guidance or {},
            mission=mission,
            job=job,
        )

    @property
    def is_last(self) -> bool:
        return self.window_end >= self.ends_at


async def finish(uow: UnitOfWork, cycle: Cycle, stage: str) -> None:
    """The stage is done; the next one follows, in the same transaction."""
    now = uow.clock.now()
    if not await _change(uow, cycle, stage, status="completed", progress_percent=100, finished_at=now):
        return  # another run came first
    following = cycles.STAGES.index(stage) + 1
    if following < len(cycles.STAGES):
        await cycles.run_stage_soon(uow, cycle.job, cycles.STAGES[following])
        return
    done = update(PipelineJob).where(PipelineJob.id == cycle.job_id)
    await uow.change(done.values(status="completed", finished_at=now))


async def progress(uow: UnitOfWork, cycle: Cycle, stage: str, percent: float) -> None:
    await _change(uow, cycle, stage, progress_percent=max(0, min(99, int(percent))))


async def _change(uow: UnitOfWork, cycle: Cycle, stage: str, **values: Any) -> int:
    mine = update(StageRun).where(
        StageRun.job_id == cycle.job_id, StageRun.stage == stage, StageRun.status != "completed"
    )
    return await uow.change(mine.values(**values))


async def keep(uow: UnitOfWork, cycle: Cycle, **values: Any) -> None:
    """Store what a stage found, on the cycle's job."""
    await uow.change(update(PipelineJob).where(PipelineJob.id == cycle.job_id).values(**values))
