"""Cycles: one pipeline job with six stages each, one after the other until the mission ends."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select, update

from amp.domain.missions.messages import RunStage
from amp.domain.missions.models import Mission, PipelineJob, StageRun
from amp.engine.unit_of_work import UnitOfWork
from amp.kit.ids import new_id

STAGES = ("intake", "strategy", "content", "publish", "analytics", "optimize")


async def open_cycle(uow: UnitOfWork, mission: Mission, *, number: int, start: datetime, days: int) -> PipelineJob:
    """A new cycle for the slots of the next `days`, and the job that begins it."""
    now = uow.clock.now()
    end = start + timedelta(days=days)
    job = PipelineJob(
        workspace_id=uow.workspace_id,
        id=new_id(),
        mission_id=mission.id,
        cycle=number,
        status="running",
        config_version=mission.config_version,
        window_start=start,
        window_end=min(end, mission.ends_at) if mission.ends_at else end,
        created_at=now,
    )
    uow.session.add(job)
    await uow.session.flush()
    for stage in STAGES:
        run = StageRun(workspace_id=uow.workspace_id, job_id=job.id, stage=stage, status="pending", progress_percent=0)
        uow.session.add(run)
    mission.job_id = job.id
    await run_stage_soon(uow, job, STAGES[0])
    return job


async def go_on(uow: UnitOfWork, mission: Mission) -> None:
    """Take the current cycle up again at the first stage that is not completed."""
    if mission.job_id is None:
        return
    job = await uow.session.get_one(PipelineJob, (uow.workspace_id, mission.job_id))
    runs = await stage_runs(uow, job)
    unfinished = [runs[stage] for stage in STAGES if runs[stage].status != "completed"]
    if not unfinished:
        return
    if unfinished[0].status in ("failed", "budget_exhausted"):
        unfinished[0].status, unfinished[0].error = "pending", None
    job.status = "running"
    await run_stage_soon(uow, job, unfinished[0].stage)


async def extend(uow: UnitOfWork, mission: Mission, by: timedelta) -> None:
    """The mission stood still for a while: the current cycle lasts that much longer."""
    if mission.job_id:
        mine = update(PipelineJob).where(PipelineJob.id == mission.job_id)
        await uow.change(mine.values(window_end=PipelineJob.window_end + by))


async def run_stage_soon(uow: UnitOfWork, job: PipelineJob, stage: str, *, at: datetime | None = None) -> None:
    """Ask for a (further) run of a stage, now or at a moment.

    Runs asked for now come one after another. One that waits for a moment holds no lock, because a waiting job
    would hold back all that come after it; and it is asked for once.
    """
    message = RunStage(workspace_id=uow.workspace_id, job_id=job.id, stage=stage)
    if at is None:
        await uow.defer(message, lock=f"cycle:{job.id}")
    else:
        await uow.defer(message, at=at, once=f"stage:{job.id}:{stage}")


async def lock_job(uow: UnitOfWork, job_id: UUID) -> PipelineJob:
    """The job, held until this unit ends: whoever counts its work and whoever adds to it take turns."""
    query = select(PipelineJob).where(PipelineJob.id == job_id).with_for_update()
    return (await uow.session.execute(query.execution_options(populate_existing=True))).scalar_one()


async def stage_runs(uow: UnitOfWork, job: PipelineJob) -> dict[str, StageRun]:
    runs = (await uow.session.execute(select(StageRun).where(StageRun.job_id == job.id))).scalars()
    return {run.stage: run for run in runs}
